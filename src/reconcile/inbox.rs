//! Where hints wait for the next pass: the one end of a target that others may reach at any time. Bounded and never
//! blocking: equal hints are one, and what concerns nothing of ours is turned away. Keeps hints, never facts; losing it
//! costs time, since polling finds everything (law 8).

mod concerns;
mod waiting;

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

pub(super) use self::concerns::Seen;
use self::concerns::{Declared, Selecting};
pub(super) use self::waiting::Again;
use self::waiting::Waiting;
pub use self::waiting::{Errand, Lane};
use crate::domain::declared;
use crate::domain::desired::Desired;
use crate::domain::function::{Pair, SecurityGroups};
use crate::domain::hint::{Hint, Hints, Origin};
use crate::domain::ids::{AccountId, AllocationId, AssociationId, NetworkInterfaceId, SubnetId};
use crate::domain::observed::Part;

/// How many of our own requests are remembered, so that their echoes are known, and of the bonds that they made.
const OWN_MAX: usize = 4096;

/// What became of an offered hint.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Offered {
    /// A pass will look there.
    Accepted,
    /// It concerns nothing that is declared or used.
    Irrelevant,
}

/// The inbox of one target.
#[derive(Default)]
pub struct Inbox {
    state: Mutex<State>,
    corners: Notify,
    functions: Notify,
}

#[derive(Default)]
struct State {
    /// Nothing before the first orders.
    declared: Option<Declared>,
    selecting: Selecting,
    seen: Seen,
    waiting: Waiting,
    own: Latest<String, ()>,
    /// What no look showed yet; an event may tell of its end already.
    bonds: Latest<AssociationId, AllocationId>,
}

/// The latest of what was noted.
struct Latest<K, V> {
    in_order: VecDeque<K>,
    all: HashMap<K, V>,
}

impl<K, V> Default for Latest<K, V> {
    fn default() -> Self {
        Self { in_order: VecDeque::new(), all: HashMap::new() }
    }
}

impl<K: Clone + Eq + Hash, V> Latest<K, V> {
    fn note(&mut self, key: K, value: V) {
        if self.all.insert(key.clone(), value).is_some() {
            return;
        }
        self.in_order.push_back(key);
        if self.in_order.len() > OWN_MAX
            && let Some(oldest) = self.in_order.pop_front()
        {
            self.all.remove(&oldest);
        }
    }
}

impl Inbox {
    /// Takes a hint in, if it concerns this target. Before the first look every interface does.
    pub fn offer(&self, hint: Hint, origin: Origin) -> Offered {
        let state = self.lock();
        if state.declared.as_ref().is_some_and(|declared| !state.seen.includes(&hint, declared)) {
            return Offered::Irrelevant;
        }
        drop(state);
        self.offer_anyway(hint, origin);
        Offered::Accepted
    }

    /// Takes a hint in whose concern nobody can judge from what it tells.
    pub fn offer_anyway(&self, hint: Hint, origin: Origin) {
        let mut state = self.lock();
        let is_bounded = state.declared.is_some() && !matches!(hint, Hint::Interface(..));
        let lane = Lane::of(&hint);
        state.waiting.add(hint, origin, is_bounded, Instant::now());
        drop(state);
        self.arrived(lane).notify_one();
    }

    /// Something of this sort has changed, and nobody can tell what.
    pub fn offer_any(&self, part: Part, origin: Origin) {
        self.offer_anyway(Hint::Any(part), origin);
    }

    /// Something of this sort was made that is not known. Whether it is taken in: only what is selected can be concerned.
    pub fn offer_new(&self, part: Part, origin: Origin) -> Offered {
        if !self.lock().selecting.may_select(part) {
            return Offered::Irrelevant;
        }
        self.offer_anyway(Hint::Selection(part), origin);
        Offered::Accepted
    }

    /// The declared address with this public face, if it is known.
    #[must_use]
    pub fn address_with(&self, public_ip: IpAddr) -> Option<AllocationId> {
        self.lock().seen.public_ips.get(&public_ip).cloned()
    }

    /// The declared address of a bond, if it is known.
    #[must_use]
    pub fn address_of(&self, association: &AssociationId) -> Option<AllocationId> {
        let state = self.lock();
        state.seen.associations.get(association).or(state.bonds.all.get(association)).cloned()
    }

    /// The interface that a declared address was last seen on.
    #[must_use]
    pub fn holder_of(&self, allocation: &AllocationId) -> Option<NetworkInterfaceId> {
        self.lock().seen.holders.get(allocation).cloned()
    }

    /// Whether a declared function may use an interface of which so much is told.
    #[must_use]
    pub fn may_use(&self, subnet: Option<&SubnetId>, groups: Option<&SecurityGroups>) -> bool {
        self.lock().seen.may_use(subnet, groups)
    }

    /// The account, once it is known.
    #[must_use]
    pub fn account(&self) -> Option<AccountId> {
        self.lock().seen.account.clone()
    }

    /// Whether this process made the request itself.
    #[must_use]
    pub fn is_own(&self, request_id: &str) -> bool {
        self.lock().own.all.contains_key(request_id)
    }

    /// Remembers a request of this process, so that its echo is known.
    pub(crate) fn note_own(&self, request_id: &str) {
        self.lock().own.note(request_id.to_owned(), ());
    }

    /// Remembers a bond that was just made: an event may tell of its end by this alone.
    pub(super) fn note_bond(&self, association: AssociationId, allocation: AllocationId) {
        self.lock().bonds.note(association, allocation);
    }

    /// From now on this may be selected besides what is declared.
    pub(super) fn select_by(&self, orders: &declared::Declared) {
        self.lock().selecting = Selecting::by(orders);
    }

    /// From now on this is declared.
    pub(super) fn declare(&self, desired: &Arc<Desired>) {
        let mut state = self.lock();
        if !state.declared.as_ref().is_some_and(|declared| declared.is_by(desired)) {
            state.declared = Some(Declared::by(desired));
        }
    }

    /// From now on this is what is there.
    pub(super) fn learn(&self, seen: Seen) {
        self.lock().seen = seen;
    }

    /// These are there as well.
    pub(super) fn learn_more(
        &self,
        pairs: impl IntoIterator<Item = Pair>,
        interfaces: impl IntoIterator<Item = NetworkInterfaceId>,
    ) {
        let mut state = self.lock();
        state.seen.pairs.extend(pairs);
        state.seen.interfaces.extend(interfaces);
    }

    /// Waits until there is an errand in the lane. May be dropped at any moment without losing one.
    pub(super) async fn ready(&self, lane: Lane) {
        loop {
            let due = {
                let state = self.lock();
                if lane == Lane::Corners && state.waiting.is_overflown() {
                    return;
                }
                state.waiting.due(lane)
            };
            match due {
                Some(due) if due <= Instant::now() => return,
                Some(due) => tokio::select! {
                    () = self.arrived(lane).notified() => {}
                    () = sleep_until(due) => {}
                },
                None => self.arrived(lane).notified().await,
            }
        }
    }

    /// Waits until an event tells of something that was not looked at since. May be dropped at any moment.
    pub(super) async fn news(&self) {
        while !self.lock().waiting.has_news() {
            tokio::select! {
                () = self.corners.notified() => {}
                () = self.functions.notified() => {}
            }
        }
    }

    /// Hands out what is due in a lane.
    pub(super) fn take(&self, lane: Lane) -> Option<Errand> {
        self.lock().waiting.take(lane, Instant::now())
    }

    /// Hands out everything that is due: a look at everything answers it.
    pub(super) fn take_all(&self) -> Hints {
        self.lock().waiting.take_all(Instant::now())
    }

    /// What was handed out was looked at; `judge` says what is to be looked at again, and why.
    pub(super) fn answer(&self, judge: impl Fn(&Hint, Option<&Origin>) -> Option<Again>) {
        self.lock().waiting.answer(Instant::now(), judge);
    }

    /// Whether a hint is to be looked at, or looked at again.
    pub(super) fn awaits(&self, hint: &Hint) -> bool {
        self.lock().waiting.awaits(hint)
    }

    /// Has functions watched that are changing, and forgets that others were.
    pub(super) fn watch<'a>(&self, functions: impl Iterator<Item = (&'a str, bool)>) {
        let mut state = self.lock();
        for (name, is_changing) in functions {
            state.waiting.watch(Hint::Function(name.into()), is_changing, Instant::now());
        }
    }

    /// Has something looked at again soon that no event told of.
    pub(super) fn look_again(&self, hint: Hint, origin: Option<Origin>) {
        let lane = Lane::of(&hint);
        self.lock().waiting.look_again(hint, origin, Instant::now());
        self.arrived(lane).notify_one();
    }

    fn arrived(&self, lane: Lane) -> &Notify {
        match lane {
            Lane::Corners => &self.corners,
            Lane::Functions => &self.functions,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("a panic ends the process")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use jiff::{SignedDuration, Timestamp};
    use tokio::time::timeout;

    use super::*;
    use crate::domain::desired::DesiredFunction;
    use crate::domain::priority::Priority;
    use crate::domain::versions::Versions;

    fn interface(n: u32) -> Hint {
        Hint::Interface(format!("eni-{n:08x}").parse().expect("well-formed"), None)
    }

    fn origin(second: i64) -> Origin {
        Origin { at: Timestamp::UNIX_EPOCH + SignedDuration::from_secs(second), actor: "someone".to_owned() }
    }

    async fn is_ready(inbox: &Inbox, lane: Lane) -> bool {
        timeout(Duration::ZERO, inbox.ready(lane)).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn equal_hints_are_one_with_the_earliest_origin() {
        let inbox = Inbox::default();
        assert!(!is_ready(&inbox, Lane::Corners).await);
        for second in [5, 3, 7] {
            assert_eq!(inbox.offer(interface(1), origin(second)), Offered::Accepted);
        }
        assert!(is_ready(&inbox, Lane::Corners).await && !is_ready(&inbox, Lane::Functions).await);
        let Some(Errand::Look(hints)) = inbox.take(Lane::Corners) else { panic!("one corner") };
        assert_eq!(hints.0.into_iter().collect::<Vec<_>>(), [(interface(1), Some(origin(3)))]);
        inbox.answer(|_, _| None);
        assert_eq!(inbox.take(Lane::Corners), None);
        assert!(!is_ready(&inbox, Lane::Corners).await);
    }

    #[tokio::test(start_paused = true)]
    async fn what_concerns_nothing_of_ours_is_turned_away_as_soon_as_that_is_known() {
        let inbox = Inbox::default();
        let function = |name: &str| Hint::Function(name.into());
        assert_eq!(inbox.offer(function("other"), origin(0)), Offered::Accepted, "no orders yet");
        let billing = DesiredFunction {
            pool: "p".parse().expect("a name"),
            pins: BTreeMap::new(),
            versions: Versions::default(),
            priority: Priority::default(),
        };
        let functions = [("billing".parse().expect("a name"), billing)].into();
        inbox.declare(&Arc::new(Desired { functions, ..Desired::default() }));
        assert_eq!(inbox.offer(function("other"), origin(0)), Offered::Irrelevant);
        assert_eq!(inbox.offer(function("billing"), origin(0)), Offered::Accepted);
        assert_eq!(inbox.offer(interface(1), origin(0)), Offered::Accepted, "nothing seen yet");
        let account = Some("111122223333".parse().expect("well-formed"));
        inbox.learn(Seen { account, ..Seen::default() });
        assert_eq!(inbox.offer(interface(2), origin(0)), Offered::Irrelevant);
        inbox.learn_more([], ["eni-00000002".parse().expect("well-formed")]);
        assert_eq!(inbox.offer(interface(2), origin(0)), Offered::Accepted);
    }

    #[tokio::test(start_paused = true)]
    async fn a_later_look_comes_in_its_time() {
        let inbox = Inbox::default();
        inbox.offer(interface(1), origin(0));
        inbox.take_all();
        inbox.answer(|_, _| Some(Again::Unsettled));
        let begun = Instant::now();
        inbox.ready(Lane::Corners).await;
        assert_eq!(begun.elapsed().as_secs(), 1);
        assert!(matches!(inbox.take(Lane::Corners), Some(Errand::Look(hints)) if hints.0.len() == 1));
    }

    #[test]
    fn a_bond_just_made_is_known_though_no_look_showed_it() {
        let inbox = Inbox::default();
        let bond: AssociationId = "eipassoc-00000001".parse().expect("well-formed");
        let allocation: AllocationId = "eipalloc-00000001".parse().expect("well-formed");
        inbox.note_bond(bond.clone(), allocation.clone());
        inbox.learn(Seen::default());
        assert_eq!(inbox.address_of(&bond), Some(allocation));
    }

    #[test]
    fn echoes_of_own_requests_are_known_for_a_while() {
        let inbox = Inbox::default();
        for n in 0..=OWN_MAX {
            inbox.note_own(&n.to_string());
        }
        assert!(!inbox.is_own("0") && inbox.is_own("1") && inbox.is_own(&OWN_MAX.to_string()));
    }
}
