//! What tags and public addresses stand for, as far as this process saw it. What vanished from a selection stays in it
//! until a second complete observation lacks it as well, and a failed one changes nothing (law 7). A cache: losing it
//! costs that patience, nothing else (law 8).

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::ports::{ApiError, Partial, Reads};
use crate::domain::declared::Declared;
use crate::domain::desired::Desired;
use crate::domain::function::FunctionRef;
use crate::domain::ids::AllocationId;
use crate::domain::observed::Address;
use crate::domain::reason::Warning;
use crate::domain::resolve::{Selected, Selection, resolve};
use crate::domain::tag::Tag;

/// The selections of one target.
#[derive(Default)]
pub(super) struct Selections {
    addresses: Sets<Tag, AllocationId>,
    public_ips: Sets<Ipv4Addr, AllocationId>,
    functions: Sets<Tag, FunctionRef>,
    faces: BTreeMap<AllocationId, IpAddr>,
    /// When the functions' tags were last read whole, unless there is a reason to read them again.
    functions_read_at: Option<Timestamp>,
    last: Option<Last>,
}

/// What the last resolution made, so that the next does not make the same anew.
struct Last {
    declared: Arc<Declared>,
    selection: Selection,
    desired: Arc<Desired>,
    warnings: Vec<Warning>,
}

/// What a declaration amounts to by one reading.
pub struct Resolved {
    /// What is desired.
    pub desired: Arc<Desired>,
    /// What an operator should know of how it came about.
    pub remarks: Vec<Warning>,
    /// The addresses, each as it was read, some perhaps twice.
    pub addresses: Partial<Address>,
    /// Why what tags select of functions could not be read.
    pub untold: Vec<ApiError>,
}

/// Reads what a declaration amounts to now, for who does not look again and again.
pub async fn resolve_now(reads: &dyn Reads, declared: &Arc<Declared>, now: Timestamp) -> Resolved {
    let mut selections = Selections::default();
    let addresses = selections.read_addresses(reads, declared, &BTreeSet::new()).await;
    let untold = selections.read_functions(reads, declared, now, Duration::ZERO).await;
    let (desired, remarks) = selections.resolve(declared);
    Resolved { desired, remarks, addresses, untold }
}

impl Selections {
    /// Reads every declared address, those that are named and those that a tag selects; and these besides.
    pub(super) async fn read_addresses(
        &mut self,
        reads: &dyn Reads,
        declared: &Declared,
        also: &BTreeSet<AllocationId>,
    ) -> Partial<Address> {
        let (mut ids, ips, tags) = (declared.allocations(), declared.public_ips(), declared.address_tags());
        ids.extend(also.iter().cloned());
        let (mut all, by_ip, by_tag) =
            tokio::join!(reads.addresses(&ids), reads.addresses_of_ips(&ips), reads.addresses_of_tags(&tags));
        let faced = by_ip.found.iter().filter_map(|address| match address.public_ip {
            IpAddr::V4(ip) => Some((ip, address.allocation.clone())),
            IpAddr::V6(_) => None,
        });
        self.public_ips.note(&ips, faced.collect(), by_ip.errors.is_empty());
        // A public address is one allocation at a time: one that was released and recovered has another.
        self.public_ips.prefer_shown();
        let tagged = by_tag.found.iter().map(|(tag, address)| (tag.clone(), address.allocation.clone()));
        self.addresses.note(&tags, tagged.collect(), by_tag.errors.is_empty());
        all.errors.extend(by_ip.errors.into_iter().chain(by_tag.errors));
        all.found.extend(by_ip.found.into_iter().chain(by_tag.found.into_iter().map(|(_, address)| address)));
        let seen: BTreeSet<&AllocationId> = all.found.iter().map(|address| &address.allocation).collect();
        let lacked = self.addresses.members().chain(self.public_ips.members());
        let lacked: BTreeSet<AllocationId> = lacked.filter(|id| !seen.contains(id)).cloned().collect();
        if !lacked.is_empty() {
            all.add(reads.addresses(&lacked).await);
        }
        let members: BTreeSet<&AllocationId> =
            self.addresses.members().chain(self.public_ips.members()).collect();
        self.faces.retain(|id, _| members.contains(id));
        let faces = all.found.iter().filter(|address| members.contains(&address.allocation));
        self.faces.extend(faces.map(|address| (address.allocation.clone(), address.public_ip)));
        all
    }

    /// Reads which functions bear the declared tags, when it is time to.
    pub(super) async fn read_functions(
        &mut self,
        reads: &dyn Reads,
        declared: &Declared,
        now: Timestamp,
        refresh: Duration,
    ) -> Vec<ApiError> {
        let tags = declared.function_tags();
        if !self.functions_are_due(&tags, now, refresh) {
            return Vec::new();
        }
        let Partial { found, errors } = reads.functions_of_tags(&tags).await;
        self.functions.note(&tags, found.into_iter().collect(), errors.is_empty());
        self.functions_read_at = errors.is_empty().then_some(now);
        errors
    }

    /// A function that vanished is looked for again at once.
    fn functions_are_due(&self, tags: &BTreeSet<Tag>, now: Timestamp, refresh: Duration) -> bool {
        let age = self.functions_read_at.and_then(|at| Duration::try_from(now.duration_since(at)).ok());
        let is_stale = age.is_none_or(|age| age >= refresh);
        let is_new = |tag: &Tag| !self.functions.is_whole(tag);
        !tags.is_empty() && (is_stale || tags.iter().any(is_new) || self.functions.lacks_some())
    }

    /// From now on the functions' tags must be read again, however fresh what is known of them.
    pub(super) fn doubt(&mut self) {
        self.functions_read_at = None;
    }

    /// What is desired, by what is known of the selections.
    pub(super) fn resolve(&mut self, declared: &Arc<Declared>) -> (Arc<Desired>, Vec<Warning>) {
        let selection = Selection {
            addresses: self.addresses.selected(),
            public_ips: self.public_ips.selected(),
            functions: self.functions.selected(),
            faces: self.faces.clone(),
        };
        let known = self.last.take().filter(|last| last.declared == *declared && last.selection == selection);
        let last = known.unwrap_or_else(|| {
            let (desired, warnings) = resolve(declared, &selection);
            Last { declared: Arc::clone(declared), selection, desired: Arc::new(desired), warnings }
        });
        let last = self.last.insert(last);
        (Arc::clone(&last.desired), last.warnings.clone())
    }
}

/// For each key what it selects.
struct Sets<K, T>(BTreeMap<K, Set<T>>);

struct Set<T> {
    /// Each with whether the last complete observation lacked it.
    members: BTreeMap<T, bool>,
    /// Whether all of it was ever seen.
    is_whole: bool,
}

impl<T> Default for Set<T> {
    fn default() -> Self {
        Self { members: BTreeMap::new(), is_whole: false }
    }
}

impl<K, T> Default for Sets<K, T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K: Ord + Clone, T: Ord + Clone> Sets<K, T> {
    /// Takes in what an observation of these keys showed.
    fn note(&mut self, keys: &BTreeSet<K>, found: BTreeSet<(K, T)>, is_whole: bool) {
        let mut shown: BTreeMap<K, BTreeSet<T>> = BTreeMap::new();
        for (key, member) in found {
            shown.entry(key).or_default().insert(member);
        }
        self.0.retain(|key, _| keys.contains(key));
        for key in keys {
            let shown = shown.remove(key).unwrap_or_default();
            let set = self.0.entry(key.clone()).or_default();
            if is_whole {
                set.is_whole = true;
                set.members.retain(|member, is_lacked| {
                    shown.contains(member) || !std::mem::replace(is_lacked, true)
                });
            }
            set.members.extend(shown.into_iter().map(|member| (member, false)));
        }
    }

    /// What was shown now takes the place of what was not.
    fn prefer_shown(&mut self) {
        for set in self.0.values_mut().filter(|set| set.members.values().any(|is_lacked| !is_lacked)) {
            set.members.retain(|_, is_lacked| !*is_lacked);
        }
    }

    fn members(&self) -> impl Iterator<Item = &T> {
        self.0.values().flat_map(|set| set.members.keys())
    }

    fn is_whole(&self, key: &K) -> bool {
        self.0.get(key).is_some_and(|set| set.is_whole)
    }

    /// Whether something waits for a second observation.
    fn lacks_some(&self) -> bool {
        self.0.values().any(|set| set.members.values().any(|is_lacked| *is_lacked))
    }

    fn selected(&self) -> BTreeMap<K, Selected<T>> {
        let selected = self.0.iter().map(|(key, set)| {
            let members = set.members.keys().cloned().collect();
            (key.clone(), Selected { members, is_whole: set.is_whole })
        });
        selected.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(texts: &[&'static str]) -> BTreeSet<&'static str> {
        texts.iter().copied().collect()
    }

    fn found(of: &'static str, members: &[u8]) -> BTreeSet<(&'static str, u8)> {
        members.iter().map(|member| (of, *member)).collect()
    }

    fn members(sets: &Sets<&'static str, u8>) -> Vec<u8> {
        sets.members().copied().collect()
    }

    #[test]
    fn what_vanished_stays_until_a_second_complete_observation_lacks_it_too() {
        let mut sets = Sets::default();
        sets.note(&keys(&["a"]), found("a", &[1, 2]), true);
        assert!(sets.is_whole(&"a") && !sets.lacks_some());
        sets.note(&keys(&["a"]), found("a", &[1]), true);
        assert_eq!((members(&sets), sets.lacks_some()), (vec![1, 2], true));
        for _ in 0..3 {
            sets.note(&keys(&["a"]), found("a", &[]), false);
            assert_eq!(members(&sets), [1, 2], "a broken observation counts for nothing");
        }
        sets.note(&keys(&["a"]), found("a", &[1]), true);
        assert_eq!((members(&sets), sets.lacks_some()), (vec![1], false));
    }

    #[test]
    fn what_came_back_was_never_away() {
        let mut sets = Sets::default();
        for shown in [&[1, 2][..], &[1], &[1, 2], &[2], &[1, 2]] {
            sets.note(&keys(&["a"]), found("a", shown), true);
            assert_eq!(members(&sets), [1, 2]);
        }
        sets.note(&keys(&["a"]), found("a", &[3]), false);
        assert_eq!(members(&sets), [1, 2, 3], "what is there is there");
    }

    #[test]
    fn what_was_never_read_whole_is_not_known_and_a_key_that_left_is_forgotten() {
        let mut sets = Sets::default();
        sets.note(&keys(&["a", "b"]), found("a", &[1]), false);
        assert!(!sets.is_whole(&"a") && !sets.is_whole(&"b"));
        assert_eq!(members(&sets), [1]);
        sets.note(&keys(&["b"]), found("b", &[2]), true);
        assert_eq!((members(&sets), sets.is_whole(&"b")), (vec![2], true));
        sets.note(&keys(&["a", "b"]), found("b", &[2]), false);
        assert!(!sets.is_whole(&"a"), "and begins anew");
    }

    #[test]
    fn of_a_public_address_the_allocation_that_is_shown_counts() {
        let mut sets = Sets::default();
        sets.note(&keys(&["a"]), found("a", &[1]), true);
        sets.note(&keys(&["a"]), found("a", &[]), true);
        sets.prefer_shown();
        assert_eq!(members(&sets), [1]);
        sets.note(&keys(&["a"]), found("a", &[2]), true);
        sets.prefer_shown();
        assert_eq!(members(&sets), [2]);
    }
}
