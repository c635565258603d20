//! Which free address goes to which bare interface: as many as possible, serving interfaces before waiting ones,
//! pinned ones first, ties by rendezvous hash. Only hands out what is free; takes nothing from anyone.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::desired::Desired;
use super::drift::{Drift, Finding, Place};
use super::ids::{AllocationId, NetworkInterfaceId};
use super::matching::Matching;
use super::observed::{Interface, Observed};
use super::rendezvous::pair_up;

/// A bare interface that asks for an address.
pub struct Wish<'a> {
    /// The interface, and what it may carry.
    pub finding: &'a Finding<'a>,
    /// The one address that it may get, because it got it moments ago and reads may not show it yet: giving
    /// the same again is harmless, giving another could break what is there (AWS.md 2).
    pub only: Option<&'a AllocationId>,
}

type Given<'a> = BTreeMap<&'a NetworkInterfaceId, &'a AllocationId>;

/// Serves the wishes from the free addresses.
#[must_use]
pub fn allot<'a>(
    desired: &Desired,
    observed: &Observed,
    drift: &'a Drift<'a>,
    wishes: &[Wish<'a>],
) -> Given<'a> {
    let free = drift.addresses.iter().filter(|(_, place)| **place == Place::Free);
    let free: BTreeSet<&AllocationId> = free.map(|(id, _)| *id).collect();
    let open = wishes.iter().filter(|wish| wish.only.is_none());
    let open: Vec<&Finding<'_>> = open.map(|wish| wish.finding).collect();
    // One matching for all: a serving interface is rerouted, but never given up, for one that waits.
    let mut given = Market::open(observed, &open, &free).trade();
    keep_spares(desired, wishes, &free, &mut given);
    given.extend(restored(observed, drift, wishes));
    given
}

/// The network border group of an interface's zone: for a zone of the region the region's name, for a local or
/// Wavelength zone the zone's name without its last letter (believed: AWS.md knows only that the groups must match).
#[must_use]
pub fn border_group_of(interface: &Interface) -> Option<String> {
    let zone = interface.zone.as_deref()?;
    let group = zone.strip_suffix(|last: char| last.is_ascii_lowercase())?;
    group.ends_with(|last: char| last.is_ascii_digit()).then(|| group.to_owned())
}

/// Whether an address of the one group may be used in the other; what is not known on either side does not stand in
/// the way, since EC2 refuses a mismatch itself.
#[must_use]
pub fn border_groups_agree(of_address: Option<&str>, of_interface: Option<&str>) -> bool {
    match (of_address, of_interface) {
        (Some(one), Some(other)) => one == other,
        _ => true,
    }
}

fn restored<'a>(observed: &Observed, drift: &Drift<'_>, wishes: &[Wish<'a>]) -> Given<'a> {
    let mut writes: HashMap<&AllocationId, usize> = HashMap::new();
    for allocation in observed.recent_writes.values() {
        *writes.entry(allocation).or_default() += 1;
    }
    let held = |wish: &Wish<'a>| {
        let (allocation, interface) = (wish.only?, wish.finding.interface);
        let address = observed.addresses.get(allocation)?;
        let allowed = drift.addresses.get(allocation) == Some(&Place::Settling(interface.id.clone()))
            && writes[allocation] == 1
            && wish.finding.usage.candidates.contains(allocation)
            && border_groups_agree(address.border_group.as_deref(), border_group_of(interface).as_deref());
        allowed.then_some((&interface.id, allocation))
    };
    wishes.iter().filter_map(held).collect()
}

/// Takes back from waiting interfaces what would leave a pool with less than its `min_spare`: from those without a
/// pin first, and then from those with the highest ids.
fn keep_spares(
    desired: &Desired,
    wishes: &[Wish<'_>],
    free: &BTreeSet<&AllocationId>,
    given: &mut Given<'_>,
) {
    let waiting = wishes.iter().map(|wish| wish.finding).filter(|finding| !finding.is_required());
    let waiting: BTreeMap<&NetworkInterfaceId, bool> =
        waiting.map(|finding| (&finding.interface.id, finding.usage.pinned)).collect();
    if !given.keys().any(|interface| waiting.contains_key(interface)) {
        return;
    }
    for pool in desired.pools.values().filter(|pool| pool.min_spare > 0) {
        let free = pool.allocations.iter().filter(|id| free.contains(id)).count();
        let of_pool = given.iter().filter(|(_, allocation)| pool.allocations.contains(*allocation));
        let taken: Vec<&NetworkInterfaceId> = of_pool.map(|(interface, _)| *interface).collect();
        let wanting = pool.min_spare.saturating_sub(free - taken.len());
        let mut last: Vec<(bool, &NetworkInterfaceId)> =
            taken.into_iter().filter_map(|id| waiting.get(id).map(|pinned| (*pinned, id))).collect();
        last.sort_unstable_by_key(|(pinned, id)| (*pinned, Reverse(*id)));
        for (_, interface) in last.into_iter().take(wanting) {
            given.remove(interface);
        }
    }
}

/// Equal wishes and equal addresses, each as one group, so that the matching is small however large the estate.
struct Market<'a> {
    demands: Vec<Vec<&'a NetworkInterfaceId>>,
    supplies: Vec<Vec<&'a AllocationId>>,
    fits: Vec<Vec<usize>>,
}

/// What makes wishes equal. Its order is that of precedence, and then depends on nothing but the candidates
/// themselves, so that a replica which does not see one interface still serves the others in the same order.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct DemandKey {
    waits: bool,
    is_free_to_choose: bool,
    candidates: usize,
    border_group: Option<String>,
}

impl<'a> Market<'a> {
    fn open(observed: &Observed, findings: &[&'a Finding<'a>], free: &BTreeSet<&AllocationId>) -> Self {
        let sets = CandidateSets::of(findings);
        let mut demands: BTreeMap<DemandKey, Vec<&NetworkInterfaceId>> = BTreeMap::new();
        for finding in findings {
            let key = DemandKey {
                waits: !finding.is_required(),
                is_free_to_choose: !finding.usage.pinned,
                candidates: sets.number(finding),
                border_group: border_group_of(finding.interface),
            };
            demands.entry(key).or_default().push(&finding.interface.id);
        }
        let supplies = sets.group_addresses(observed, free);
        let fitting = |demand: &DemandKey| {
            let fits = supplies.keys().enumerate().filter(|(_, supply)| supply.fits(demand));
            fits.map(|(number, _)| number).collect()
        };
        let fits = demands.keys().map(fitting).collect();
        Self { demands: demands.into_values().collect(), supplies: supplies.into_values().collect(), fits }
    }

    fn trade(mut self) -> Given<'a> {
        let sizes = self.supplies.iter().map(Vec::len).collect();
        let mut matching = Matching::new(std::mem::take(&mut self.fits), sizes);
        for (demand, interfaces) in self.demands.iter().enumerate() {
            matching.serve(demand, interfaces.len());
        }
        let mut given = Given::new();
        for (demand, supply, units) in matching.units() {
            let pairs = pair_up(self.demands[demand].clone(), self.supplies[supply].clone(), units);
            let (interfaces, allocations): (HashSet<_>, HashSet<_>) = pairs.iter().copied().unzip();
            self.demands[demand].retain(|interface| !interfaces.contains(interface));
            self.supplies[supply].retain(|allocation| !allocations.contains(allocation));
            given.extend(pairs);
        }
        given
    }
}

/// The different candidate sets among the wishes, numbered in the order of what they hold.
struct CandidateSets<'a> {
    sets: Vec<&'a BTreeSet<AllocationId>>,
    numbers: HashMap<*const BTreeSet<AllocationId>, usize>,
}

/// What makes free addresses equal.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct SupplyKey<'a> {
    /// The candidate sets that they lie in.
    lie_in: Vec<usize>,
    border_group: Option<&'a str>,
}

impl<'a> CandidateSets<'a> {
    fn of(findings: &[&'a Finding<'a>]) -> Self {
        let mut seen = HashSet::new();
        let all = findings.iter().map(|finding| &*finding.usage.candidates);
        let mut sets: Vec<_> = all.filter(|set| seen.insert(std::ptr::from_ref(*set))).collect();
        sets.sort();
        let mut numbers = HashMap::with_capacity(sets.len());
        let mut number = 0;
        for (index, set) in sets.iter().enumerate() {
            number += usize::from(index > 0 && sets[index - 1] != *set);
            numbers.insert(std::ptr::from_ref(*set), number);
        }
        sets.dedup();
        Self { sets, numbers }
    }

    fn number(&self, finding: &Finding<'_>) -> usize {
        self.numbers[&std::ptr::from_ref(&*finding.usage.candidates)]
    }

    fn group_addresses<'o>(
        &self,
        observed: &'o Observed,
        free: &BTreeSet<&AllocationId>,
    ) -> BTreeMap<SupplyKey<'o>, Vec<&'a AllocationId>> {
        let mut lies_in: BTreeMap<&'a AllocationId, Vec<usize>> = BTreeMap::new();
        for (number, set) in self.sets.iter().enumerate() {
            for allocation in set.iter().filter(|allocation| free.contains(allocation)) {
                lies_in.entry(allocation).or_default().push(number);
            }
        }
        let mut groups: BTreeMap<SupplyKey<'o>, Vec<&AllocationId>> = BTreeMap::new();
        for (allocation, lie_in) in lies_in {
            let Some(address) = observed.addresses.get(allocation) else { continue };
            let key = SupplyKey { lie_in, border_group: address.border_group.as_deref() };
            groups.entry(key).or_default().push(allocation);
        }
        groups
    }
}

impl SupplyKey<'_> {
    fn fits(&self, demand: &DemandKey) -> bool {
        self.lie_in.contains(&demand.candidates)
            && border_groups_agree(self.border_group, demand.border_group.as_deref())
    }
}
