//! What this process knows of the declared functions, and which of them it is time to read again. Lambda's control
//! plane allows 15 requests a second to all callers of a region together (AWS.md 2, confirmed), so functions are read
//! rarely and never all at once. A cache: losing it costs reads, nothing else (law 8).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;

use super::ports::ApiError;
use crate::domain::error_class::ErrorClass;
use crate::domain::function::{FunctionConfiguration, FunctionObservation, FunctionRef, Pair, VpcConfig};
use crate::domain::ids::{AccountId, NetworkInterfaceId};
use crate::domain::observed::Interface;

/// The book.
#[derive(Default)]
pub(super) struct FunctionBook {
    entries: BTreeMap<FunctionRef, Entry>,
    /// The settings of the published versions that count besides, for those functions that have some.
    versions: BTreeMap<FunctionRef, BTreeMap<u64, VpcConfig>>,
    /// For each function when it was last tried to read, as a number that grows.
    tried: BTreeMap<FunctionRef, u64>,
    tries: u64,
    /// Those that Lambda refused to show: asked for ever more rarely, since only an operator can help.
    refused: BTreeMap<FunctionRef, Refusal>,
    /// Interfaces of ours that no known pair explained when they were last seen.
    unexplained: BTreeSet<NetworkInterfaceId>,
    /// Interfaces of declared functions when they were last seen.
    used: BTreeSet<NetworkInterfaceId>,
}

/// A read that was denied.
struct Refusal {
    times: u32,
    until: Timestamp,
    message: String,
}

/// Granted permissions take effect within a minute or so.
const FIRST_REFUSAL: Duration = Duration::from_secs(30);

/// Nobody should wait longer than this after having granted one.
const LONGEST_REFUSAL: Duration = Duration::from_secs(5 * 60);

struct Entry {
    observation: FunctionObservation,
    read_at: Timestamp,
    /// Whether its states were read too, and not only its network settings.
    in_detail: bool,
    /// Whether something turned up since that it may not explain.
    doubted: bool,
    /// Whether an event told of it since: only a read of its states answers that.
    told: bool,
    /// The network settings of the last settled configuration.
    settled: Option<VpcConfig>,
}

impl FunctionBook {
    /// Forgets functions that are no longer declared.
    pub(super) fn keep_only(&mut self, declared: impl Fn(&FunctionRef) -> bool) {
        self.entries.retain(|function, _| declared(function));
        self.tried.retain(|function, _| declared(function));
        self.refused.retain(|function, _| declared(function));
        self.versions.retain(|function, _| declared(function));
    }

    /// Compares the interfaces with what is known of the functions: true when an interface turned up that no known
    /// pair explains, or one of a declared function vanished, so that every function must be looked at again.
    pub(super) fn is_surprised_by(
        &self,
        account: &AccountId,
        seen: &BTreeMap<NetworkInterfaceId, Interface>,
    ) -> bool {
        let pairs = self.pairs();
        let new = seen.values().any(|interface| {
            interface.owner == *account
                && !pairs.contains(&interface.pair)
                && !self.unexplained.contains(&interface.id)
        });
        new || self.used.iter().any(|id| !seen.contains_key(id))
    }

    /// Remembers which interfaces are explained now, and tells which are not.
    pub(super) fn note_interfaces(
        &mut self,
        account: &AccountId,
        seen: &BTreeMap<NetworkInterfaceId, Interface>,
    ) -> &BTreeSet<NetworkInterfaceId> {
        let pairs = self.pairs();
        let ours = || seen.values().filter(|interface| interface.owner == *account);
        let ids = |explained: bool| {
            ours()
                .filter(|interface| pairs.contains(&interface.pair) == explained)
                .map(|interface| interface.id.clone())
                .collect()
        };
        (self.used, self.unexplained) = (ids(true), ids(false));
        &self.unexplained
    }

    /// From now on the functions of this name must be read again, one by one.
    pub(super) fn doubt(&mut self, name: &str) {
        for (_, entry) in self.entries.iter_mut().filter(|(function, _)| function.name() == name) {
            entry.told = true;
        }
    }

    /// Whether a function of this name is still to be read in detail.
    pub(super) fn is_in_doubt(&self, name: &str) -> bool {
        let mut named = self.entries.iter().filter(|(function, _)| function.name() == name);
        named.any(|(_, entry)| entry.told || !entry.in_detail)
    }

    /// From now on every function must be read again, however fresh what is known of it.
    pub(super) fn doubt_all(&mut self) {
        for entry in self.entries.values_mut() {
            entry.doubted = true;
        }
    }

    /// Those of the functions that must be read: the changing first, then those that were tried the longest ago, so that
    /// functions that can't be read do not keep others from being read.
    pub(super) fn due<'a>(
        &self,
        functions: impl Iterator<Item = &'a FunctionRef>,
        now: Timestamp,
        refresh: Duration,
    ) -> Vec<FunctionRef> {
        let mut due: Vec<(bool, u64, &FunctionRef)> = functions
            .filter(|function| self.entries.get(function).is_none_or(|entry| entry.is_due(now, refresh)))
            .filter(|function| self.refused.get(function).is_none_or(|refusal| refusal.until <= now))
            .map(|function| {
                let settled = !self.entries.get(function).is_some_and(Entry::may_be_changing);
                (settled, self.tried.get(function).copied().unwrap_or(0), function)
            })
            .collect();
        due.sort();
        due.into_iter().map(|(_, _, function)| function.clone()).collect()
    }

    /// Those of the functions that were not read one by one at that time or later, the longest untried first.
    pub(super) fn read_before<'a>(
        &self,
        functions: impl Iterator<Item = &'a FunctionRef>,
        at: Timestamp,
    ) -> Vec<FunctionRef> {
        let is_read = |entry: &Entry| entry.in_detail && !entry.doubted && !entry.told && entry.read_at >= at;
        let mut unread: Vec<(u64, &FunctionRef)> = functions
            .filter(|function| !self.entries.get(function).is_some_and(is_read))
            .map(|function| (self.tried.get(function).copied().unwrap_or(0), function))
            .collect();
        unread.sort();
        unread.into_iter().map(|(_, function)| function.clone()).collect()
    }

    /// Whether Lambda says that there is no such function.
    pub(super) fn is_absent(&self, function: &FunctionRef) -> bool {
        self.entries.get(function).is_some_and(|entry| entry.observation == FunctionObservation::NotFound)
    }

    /// Remembers that these are being read, whatever comes of it.
    pub(super) fn note_tried(&mut self, functions: &[FunctionRef]) {
        for function in functions {
            self.tries += 1;
            self.tried.insert(function.clone(), self.tries);
        }
    }

    /// How many of the functions nothing is known of because there was no time to read them yet.
    pub(super) fn untried<'a>(&self, functions: impl Iterator<Item = &'a FunctionRef>) -> usize {
        functions
            .filter(|function| !self.entries.contains_key(function) && !self.tried.contains_key(function))
            .count()
    }

    /// Takes in that a function could not be read.
    pub(super) fn note_failed(&mut self, function: FunctionRef, error: &ApiError, now: Timestamp) {
        if error.class != ErrorClass::Denied {
            self.refused.remove(&function);
            return;
        }
        let times = self.refused.get(&function).map_or(0, |refusal| refusal.times);
        let wait = FIRST_REFUSAL.saturating_mul(1 << times.min(8)).min(LONGEST_REFUSAL);
        let until = now.checked_add(wait).unwrap_or(Timestamp::MAX);
        self.refused.insert(function, Refusal { times: times + 1, until, message: error.to_string() });
    }

    /// Whether Lambda denied it and it is not to be asked for now.
    pub(super) fn is_refused(&self, function: &FunctionRef, now: Timestamp) -> bool {
        self.refused.get(function).is_some_and(|refusal| refusal.until > now)
    }

    /// What Lambda said of those that are not asked for now because it denied them before.
    pub(super) fn refusals(&self, now: Timestamp) -> BTreeSet<String> {
        let waiting = self.refused.values().filter(|refusal| refusal.until > now);
        waiting.map(|refusal| refusal.message.clone()).collect()
    }

    /// Takes in what a read of one function told.
    pub(super) fn note(&mut self, function: FunctionRef, observation: FunctionObservation, now: Timestamp) {
        self.refused.remove(&function);
        let before = self.entries.remove(&function);
        let (mut settled, former) =
            before.map_or((None, None), |entry| (entry.settled, former_of(&entry.observation)));
        let observation = match observation {
            FunctionObservation::Known(mut shown) => {
                if shown.is_unsettled() {
                    shown.former_vpc =
                        settled.clone().or(former).filter(|vpc| Some(vpc) != shown.vpc.as_ref());
                } else {
                    settled.clone_from(&shown.vpc);
                }
                FunctionObservation::Known(shown)
            }
            other => other,
        };
        self.entries.insert(
            function,
            Entry { observation, read_at: now, in_detail: true, doubted: false, told: false, settled },
        );
    }

    /// Takes in what a sweep told of one function: its network settings, but not its states.
    pub(super) fn note_swept(
        &mut self,
        function: &FunctionRef,
        swept: &FunctionConfiguration,
        now: Timestamp,
    ) {
        match self.entries.get_mut(function) {
            Some(Entry { observation: FunctionObservation::Known(known), doubted, .. })
                if known.vpc == swept.vpc =>
            {
                *doubted = false;
            }
            Some(entry) => {
                let former = former_of(&entry.observation).or(entry.settled.clone());
                let mut shown = swept.clone();
                shown.former_vpc = former.filter(|vpc| Some(vpc) != swept.vpc.as_ref());
                entry.observation = FunctionObservation::Known(shown);
                entry.in_detail = false;
                entry.doubted = false;
            }
            None => {
                let observation = FunctionObservation::Known(swept.clone());
                let settled = swept.vpc.clone();
                let entry = Entry {
                    observation,
                    read_at: now,
                    in_detail: false,
                    doubted: false,
                    told: false,
                    settled,
                };
                self.entries.insert(function.clone(), entry);
            }
        }
    }

    /// Takes in which of a function's versions count besides what is shown under its name.
    pub(super) fn note_versions(&mut self, function: &FunctionRef, counted: BTreeMap<u64, VpcConfig>) {
        if counted.is_empty() {
            self.versions.remove(function);
        } else {
            self.versions.insert(function.clone(), counted);
        }
    }

    /// What is known of the configuration that Lambda shows under the name.
    pub(super) fn shown(&self, function: &FunctionRef) -> Option<&FunctionConfiguration> {
        match self.entries.get(function).map(|entry| &entry.observation) {
            Some(FunctionObservation::Known(shown)) => Some(shown),
            _ => None,
        }
    }

    /// What is known of the functions; one that was never read is `Unknown`.
    pub(super) fn observations<'a>(
        &self,
        functions: impl Iterator<Item = &'a FunctionRef>,
    ) -> BTreeMap<FunctionRef, FunctionObservation> {
        let known = |function: &FunctionRef| match self.entries.get(function).map(|entry| &entry.observation)
        {
            Some(FunctionObservation::Known(shown)) => {
                let counted = self.versions.get(function).into_iter().flatten();
                let others = counted.filter(|(_, vpc)| Some(*vpc) != shown.vpc.as_ref());
                let versions = others.map(|(number, vpc)| (*number, vpc.clone())).collect();
                FunctionObservation::Known(FunctionConfiguration { versions, ..shown.clone() })
            }
            Some(other) => other.clone(),
            None => FunctionObservation::Unknown,
        };
        functions.map(|function| (function.clone(), known(function))).collect()
    }

    fn pairs(&self) -> BTreeSet<Pair> {
        let known = self.entries.values().filter_map(|entry| match &entry.observation {
            FunctionObservation::Known(configuration) => Some(configuration),
            _ => None,
        });
        let counted = self.versions.values().flat_map(BTreeMap::values).flat_map(VpcConfig::pairs);
        known.flat_map(FunctionConfiguration::pairs).chain(counted).collect()
    }
}

impl Entry {
    fn is_due(&self, now: Timestamp, refresh: Duration) -> bool {
        let age = now.duration_since(self.read_at);
        !self.in_detail
            || self.doubted
            || self.told
            || self.is_changing()
            || age >= jiff::SignedDuration::try_from(refresh).unwrap_or_default()
    }

    /// Whether it is changing, as far as is known: a sweep shows other network settings and no states.
    fn may_be_changing(&self) -> bool {
        self.is_changing() || (!self.in_detail && former_of(&self.observation).is_some())
    }

    /// A function in one of these states may use other interfaces the next moment.
    fn is_changing(&self) -> bool {
        matches!(&self.observation, FunctionObservation::Known(shown) if shown.is_changing())
    }
}

fn former_of(observation: &FunctionObservation) -> Option<VpcConfig> {
    match observation {
        FunctionObservation::Known(shown) => shown.former_vpc.clone(),
        FunctionObservation::NotFound | FunctionObservation::Unknown => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::function::{FunctionState, LastUpdate};
    use crate::domain::observed::InterfaceStatus;

    const REFRESH: Duration = Duration::from_secs(300);

    fn vpc(subnet: u32) -> VpcConfig {
        let subnet = format!("subnet-{subnet:08x}").parse().expect("well-formed");
        let group = "sg-00000001".parse().expect("well-formed");
        VpcConfig {
            subnets: BTreeSet::from([subnet]),
            security_groups: std::iter::once(group).collect(),
            dual_stack: false,
        }
    }

    fn shown(subnet: u32, last_update: Option<LastUpdate>) -> FunctionConfiguration {
        FunctionConfiguration {
            vpc: Some(vpc(subnet)),
            former_vpc: None,
            versions: BTreeMap::new(),
            state: last_update.map(|_| FunctionState::Active),
            last_update,
            on_capacity_provider: false,
            timeout: Duration::from_secs(3),
        }
    }

    fn interface(id: u32, subnet: u32) -> (NetworkInterfaceId, Interface) {
        let pair = vpc(subnet).pairs().next().expect("one subnet gives one pair");
        let id: NetworkInterfaceId = format!("eni-{id:08x}").parse().expect("well-formed");
        let interface = Interface {
            id: id.clone(),
            owner: account(),
            pair,
            zone: None,
            zone_id: None,
            status: InterfaceStatus::InUse,
            associations: smallvec::SmallVec::new(),
            denies_internet_gateway: false,
        };
        (id, interface)
    }

    fn account() -> AccountId {
        "111122223333".parse().expect("well-formed")
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("in range")
    }

    fn billing() -> FunctionRef {
        "billing".parse().expect("well-formed")
    }

    fn book(subnet: u32) -> FunctionBook {
        let mut book = FunctionBook::default();
        let settled = shown(subnet, Some(LastUpdate::Successful));
        book.note(billing(), FunctionObservation::Known(settled), at(0));
        book
    }

    fn is_due(book: &FunctionBook, second: i64) -> bool {
        !book.due([billing()].iter(), at(second), REFRESH).is_empty()
    }

    fn pairs(book: &FunctionBook) -> BTreeSet<Pair> {
        book.pairs()
    }

    #[test]
    fn a_function_is_read_at_first_and_then_when_its_configuration_is_old() {
        assert!(is_due(&FunctionBook::default(), 0));
        let book = book(1);
        assert!(!is_due(&book, 1));
        assert!(!is_due(&book, 299));
        assert!(is_due(&book, 300));
    }

    #[test]
    fn a_function_that_is_changing_is_read_in_every_pass() {
        let mut book = book(1);
        let changing = shown(2, Some(LastUpdate::InProgress));
        book.note(billing(), FunctionObservation::Known(changing), at(1));
        assert!(is_due(&book, 2));
    }

    #[test]
    fn during_an_update_the_pairs_of_both_configurations_count_whichever_is_shown() {
        for status in [LastUpdate::InProgress, LastUpdate::Failed] {
            let mut book = book(1);
            for _ in 0..2 {
                book.note(billing(), FunctionObservation::Known(shown(2, Some(status))), at(1));
                assert_eq!(pairs(&book), vpc(1).pairs().chain(vpc(2).pairs()).collect());
            }
            let settled = shown(2, Some(LastUpdate::Successful));
            book.note(billing(), FunctionObservation::Known(settled), at(2));
            assert_eq!(pairs(&book), vpc(2).pairs().collect());
        }
    }

    #[test]
    fn a_function_that_a_sweep_shows_otherwise_is_read_before_those_that_were_never_read() {
        let mut book = book(1);
        book.note_tried(&[billing()]);
        let others: Vec<FunctionRef> =
            (0..9).map(|n| format!("other-{n}").parse().expect("well-formed")).collect();
        others.iter().for_each(|other| book.note_swept(other, &shown(1, None), at(1)));
        book.note_swept(&billing(), &shown(2, None), at(1));
        let due = book.due(others.iter().chain([&billing()]), at(2), REFRESH);
        assert_eq!((due.len(), &due[0]), (10, &billing()));
    }

    #[test]
    fn an_unexplained_interface_or_a_vanished_one_surprises_once() {
        let mut book = book(1);
        let known = BTreeMap::from([interface(1, 1)]);
        assert!(!book.is_surprised_by(&account(), &known));
        book.note_interfaces(&account(), &known);
        let more = BTreeMap::from([interface(1, 1), interface(2, 7)]);
        assert!(book.is_surprised_by(&account(), &more), "an interface that no pair explains");
        book.note_interfaces(&account(), &more);
        assert!(!book.is_surprised_by(&account(), &more), "the same again");
        assert!(book.is_surprised_by(&account(), &BTreeMap::new()), "a used interface vanished");
        book.note_interfaces(&account(), &BTreeMap::new());
        assert!(!book.is_surprised_by(&account(), &BTreeMap::new()));
    }

    #[test]
    fn a_doubted_function_is_due_until_it_was_read_or_swept() {
        let mut book = book(1);
        book.doubt_all();
        assert!(is_due(&book, 1));
        book.note_swept(&billing(), &shown(1, None), at(1));
        assert!(!is_due(&book, 1), "a sweep that shows no change settles the doubt");
        book.note_swept(&billing(), &shown(2, None), at(1));
        assert!(is_due(&book, 1), "a sweep that shows a change leaves the states to be read");
        assert_eq!(pairs(&book), vpc(1).pairs().chain(vpc(2).pairs()).collect(), "and it may be under way");
    }

    #[test]
    fn a_function_that_an_event_told_of_is_due_until_it_was_read_whatever_a_sweep_shows() {
        let mut book = book(1);
        book.doubt("billing");
        book.note_swept(&billing(), &shown(1, None), at(1));
        assert!(is_due(&book, 1) && book.is_in_doubt("billing"));
        book.note(billing(), FunctionObservation::Known(shown(1, Some(LastUpdate::Successful))), at(1));
        assert!(!is_due(&book, 1) && !book.is_in_doubt("billing"));
    }

    #[test]
    fn a_read_before_an_event_told_of_the_function_does_not_count() {
        let mut book = book(1);
        let is_read = |book: &FunctionBook| book.read_before([billing()].iter(), at(0)).is_empty();
        assert!(is_read(&book));
        book.doubt("billing");
        assert!(!is_read(&book));
        book.note(billing(), FunctionObservation::Known(shown(1, Some(LastUpdate::Successful))), at(1));
        assert!(is_read(&book));
    }
}
