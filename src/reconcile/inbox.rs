//! Where hints wait for the next pass: the one end of a target that others may reach at any time. Bounded and never
//! blocking: equal hints are one, too many become a look at everything, and what concerns nothing of ours is turned
//! away. Keeps hints, never facts; losing it costs time, since polling finds everything (law 8).

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::domain::function::Pair;
use crate::domain::hint::{Hint, Hints, Origin};
use crate::domain::ids::{AccountId, AllocationId, AssociationId, NetworkInterfaceId, SubnetId};

/// More different hints than this at a time are a reason to look at everything: one pass over all is then cheaper.
const HINTS_MAX: usize = 64;

/// How many of our own requests are remembered, so that their echoes are known.
const OWN_REQUESTS_MAX: usize = 4096;

/// What the next pass has to do on account of hints.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Errand {
    /// Look at these corners.
    Look(Hints),
    /// Look at everything: there were too many hints to tell them apart.
    LookAtAll,
}

/// What became of an offered hint.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Offered {
    /// A pass will look there.
    Accepted,
    /// It concerns nothing that is declared or used.
    Irrelevant,
}

/// What concerns a target, as far as its last look tells.
#[derive(Clone, Default, Debug)]
pub struct Concerns {
    /// The account; nothing before the first look.
    pub account: Option<AccountId>,
    /// The declared addresses.
    pub allocations: HashSet<AllocationId>,
    /// The declared addresses by their public faces.
    pub public_ips: HashMap<IpAddr, AllocationId>,
    /// The declared addresses' bonds.
    pub associations: HashMap<AssociationId, AllocationId>,
    /// The Lambda interfaces that declared addresses are on.
    pub holders: HashMap<AllocationId, NetworkInterfaceId>,
    /// The names of the declared functions.
    pub functions: HashSet<Arc<str>>,
    /// The pairs that they use.
    pub pairs: HashSet<Pair>,
    /// The interfaces of those pairs, and those that carry declared addresses.
    pub interfaces: HashSet<NetworkInterfaceId>,
}

impl Concerns {
    fn subnets(&self) -> impl Iterator<Item = &SubnetId> {
        self.pairs.iter().map(|pair| &pair.subnet)
    }

    fn includes(&self, hint: &Hint) -> bool {
        match hint {
            Hint::Interface(id, pair) => {
                self.interfaces.contains(id) || pair.as_ref().is_some_and(|pair| self.pairs.contains(pair))
            }
            Hint::Address(allocation) => self.allocations.contains(allocation),
            Hint::Function(name) => self.functions.contains(name),
        }
    }
}

/// The inbox of one target.
#[derive(Default)]
pub struct Inbox {
    state: Mutex<State>,
    arrived: Notify,
}

#[derive(Default)]
struct State {
    concerns: Concerns,
    now: Hints,
    overflown: bool,
    /// What is looked at again later, with how often it was so already.
    later: BTreeMap<Hint, Later>,
    own_requests: VecDeque<String>,
}

struct Later {
    due: Instant,
    origin: Option<Origin>,
}

impl Inbox {
    /// Takes a hint in, if it concerns this target. Before the first look everything does.
    pub fn offer(&self, hint: Hint, origin: Origin) -> Offered {
        let mut state = self.lock();
        if state.concerns.account.is_some() && !state.concerns.includes(&hint) {
            return Offered::Irrelevant;
        }
        state.add(hint, Some(origin));
        drop(state);
        self.arrived.notify_one();
        Offered::Accepted
    }

    /// Takes a hint in whose concern nobody can judge from what it tells.
    pub fn offer_anyway(&self, hint: Hint, origin: Origin) {
        self.lock().add(hint, Some(origin));
        self.arrived.notify_one();
    }

    /// The declared address with this public face, if it is known.
    #[must_use]
    pub fn address_with(&self, public_ip: IpAddr) -> Option<AllocationId> {
        self.lock().concerns.public_ips.get(&public_ip).cloned()
    }

    /// Asks for a look at everything.
    pub fn offer_all(&self) {
        self.lock().overflown = true;
        self.arrived.notify_one();
    }

    /// Looks at something again after a while; of two such wishes the earlier counts.
    pub fn look_again(&self, hint: Hint, origin: Option<Origin>, after: Duration) {
        let due = Instant::now() + after;
        let mut state = self.lock();
        let later = state.later.entry(hint).or_insert(Later { due, origin });
        later.due = later.due.min(due);
        drop(state);
        self.arrived.notify_one();
    }

    /// The declared address of a bond, if it is known.
    #[must_use]
    pub fn address_of(&self, association: &AssociationId) -> Option<AllocationId> {
        self.lock().concerns.associations.get(association).cloned()
    }

    /// The interface that a declared address was last seen on.
    #[must_use]
    pub fn holder_of(&self, allocation: &AllocationId) -> Option<NetworkInterfaceId> {
        self.lock().concerns.holders.get(allocation).cloned()
    }

    /// Whether a pair of the subnet is used by a declared function.
    #[must_use]
    pub fn uses_subnet(&self, subnet: &SubnetId) -> bool {
        self.lock().concerns.subnets().any(|used| used == subnet)
    }

    /// The account, once it is known.
    #[must_use]
    pub fn account(&self) -> Option<AccountId> {
        self.lock().concerns.account.clone()
    }

    /// Whether this process made the request itself.
    #[must_use]
    pub fn is_own(&self, request_id: &str) -> bool {
        self.lock().own_requests.iter().any(|own| own == request_id)
    }

    /// Remembers a request of this process, so that its echo is known.
    pub(super) fn note_own(&self, request_id: String) {
        let mut state = self.lock();
        if state.own_requests.len() == OWN_REQUESTS_MAX {
            state.own_requests.pop_front();
        }
        state.own_requests.push_back(request_id);
    }

    /// From now on these are what concerns the target.
    pub(super) fn learn(&self, concerns: Concerns) {
        self.lock().concerns = concerns;
    }

    /// Waits until there is an errand. May be dropped at any moment without losing one.
    pub(super) async fn ready(&self) {
        loop {
            let due = {
                let state = self.lock();
                if state.overflown || !state.now.0.is_empty() {
                    return;
                }
                state.later.values().map(|later| later.due).min()
            };
            match due {
                Some(due) if due <= Instant::now() => return,
                Some(due) => tokio::select! {
                    () = self.arrived.notified() => {}
                    () = sleep_until(due) => {}
                },
                None => self.arrived.notified().await,
            }
        }
    }

    /// Hands out everything that waits and is due.
    pub(super) fn take(&self) -> Option<Errand> {
        let now = Instant::now();
        let mut state = self.lock();
        let due: Vec<Hint> =
            state.later.iter().filter(|(_, later)| later.due <= now).map(|(hint, _)| hint.clone()).collect();
        for hint in due {
            let origin = state.later.remove(&hint).and_then(|later| later.origin);
            state.add(hint, origin);
        }
        let hints = std::mem::take(&mut state.now);
        if std::mem::take(&mut state.overflown) {
            return Some(Errand::LookAtAll);
        }
        (!hints.0.is_empty()).then_some(Errand::Look(hints))
    }

    /// A look at everything answers every hint that waited for it.
    pub(super) fn take_all(&self) -> Hints {
        match self.take() {
            Some(Errand::Look(hints)) => hints,
            Some(Errand::LookAtAll) | None => Hints::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("a panic ends the process")
    }
}

impl State {
    fn add(&mut self, hint: Hint, origin: Option<Origin>) {
        self.now.add(hint, origin);
        if self.now.0.len() > HINTS_MAX {
            self.now.0.clear();
            self.overflown = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};
    use tokio::time::timeout;

    use super::*;

    fn interface(n: u32) -> Hint {
        Hint::Interface(format!("eni-{n:08x}").parse().expect("well-formed"), None)
    }

    fn origin(second: i64) -> Origin {
        Origin { at: Timestamp::UNIX_EPOCH + SignedDuration::from_secs(second), actor: "someone".to_owned() }
    }

    async fn is_ready(inbox: &Inbox) -> bool {
        timeout(Duration::ZERO, inbox.ready()).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn equal_hints_are_one_with_the_earliest_origin() {
        let inbox = Inbox::default();
        assert!(!is_ready(&inbox).await);
        for second in [5, 3, 7] {
            assert_eq!(inbox.offer(interface(1), origin(second)), Offered::Accepted);
        }
        assert!(is_ready(&inbox).await);
        let Some(Errand::Look(hints)) = inbox.take() else { panic!("one corner") };
        assert_eq!(hints.0.into_iter().collect::<Vec<_>>(), [(interface(1), Some(origin(3)))]);
        assert_eq!(inbox.take(), None);
        assert!(!is_ready(&inbox).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_is_one_look_at_everything() {
        let inbox = Inbox::default();
        for n in 0..100_000 {
            inbox.offer(interface(n), origin(0));
            assert!(inbox.lock().now.0.len() <= HINTS_MAX);
        }
        assert_eq!(inbox.take(), Some(Errand::LookAtAll));
        assert_eq!(inbox.take(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn what_concerns_nothing_of_ours_is_turned_away_once_that_is_known() {
        let inbox = Inbox::default();
        assert_eq!(inbox.offer(interface(1), origin(0)), Offered::Accepted);
        inbox.take();
        let account = Some("111122223333".parse().expect("well-formed"));
        let functions = ["billing".into()].into();
        inbox.learn(Concerns { account, functions, ..Concerns::default() });
        assert_eq!(inbox.offer(interface(1), origin(0)), Offered::Irrelevant);
        assert_eq!(inbox.offer(Hint::Function("other".into()), origin(0)), Offered::Irrelevant);
        assert_eq!(inbox.offer(Hint::Function("billing".into()), origin(0)), Offered::Accepted);
    }

    #[tokio::test(start_paused = true)]
    async fn a_later_look_comes_in_its_time_and_the_earlier_of_two_counts() {
        let inbox = Inbox::default();
        inbox.look_again(interface(1), None, Duration::from_secs(30));
        inbox.look_again(interface(1), None, Duration::from_secs(10));
        inbox.look_again(interface(1), None, Duration::from_secs(20));
        let begun = Instant::now();
        inbox.ready().await;
        assert_eq!(begun.elapsed().as_secs(), 10);
        assert!(matches!(inbox.take(), Some(Errand::Look(hints)) if hints.0.len() == 1));
        assert!(!is_ready(&inbox).await);
    }

    #[test]
    fn echoes_of_own_requests_are_known_for_a_while() {
        let inbox = Inbox::default();
        for n in 0..=OWN_REQUESTS_MAX {
            inbox.note_own(n.to_string());
        }
        assert!(!inbox.is_own("0") && inbox.is_own("1") && inbox.is_own(&OWN_REQUESTS_MAX.to_string()));
    }
}
