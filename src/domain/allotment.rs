//! Which free address goes to which bare interface: as many as possible, serving interfaces before upcoming ones,
//! pinned ones first, ties by rendezvous hash. Only hands out what is free; takes nothing from anyone.

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
    let mut free: BTreeSet<&AllocationId> = free.map(|(id, _)| *id).collect();
    let open = |required: bool| {
        let open = wishes.iter().filter(|wish| wish.only.is_none());
        open.map(|wish| wish.finding).filter(|f| f.is_required() == required).collect::<Vec<_>>()
    };
    let mut given = restored(drift, wishes);
    let served = Market::open(observed, open(true), &free).trade();
    for allocation in served.values() {
        free.remove(allocation);
    }
    given.extend(served);
    hold_back_spares(desired, &mut free);
    given.extend(Market::open(observed, open(false), &free).trade());
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

/// Whether an address of one group may be used in the other; what is not known on either side does not stand in the
/// way, since EC2 refuses a mismatch itself.
#[must_use]
pub fn border_groups_agree(one: Option<&str>, other: Option<&str>) -> bool {
    one.zip(other).is_none_or(|(one, other)| one == other)
}

fn restored<'a>(drift: &Drift<'_>, wishes: &[Wish<'a>]) -> Given<'a> {
    let held = |wish: &Wish<'a>| {
        let allocation = wish.only?;
        let mine = Place::Settling(wish.finding.interface.id.clone());
        let allowed = wish.finding.usage.candidates.contains(allocation);
        (allowed && drift.addresses.get(allocation) == Some(&mine))
            .then_some((&wish.finding.interface.id, allocation))
    };
    wishes.iter().filter_map(held).collect()
}

/// Withdraws `min_spare` addresses of each pool from what is free.
fn hold_back_spares(desired: &Desired, free: &mut BTreeSet<&AllocationId>) {
    for pool in desired.pools.values() {
        for allocation in
            pool.allocations.iter().filter(|id| free.contains(id)).take(pool.min_spare).collect::<Vec<_>>()
        {
            free.remove(allocation);
        }
    }
}

/// Equal wishes and equal addresses, each as one group, so that the matching is small however large the estate.
struct Market<'a> {
    demands: Vec<Vec<&'a NetworkInterfaceId>>,
    supplies: Vec<Vec<&'a AllocationId>>,
    fits: Vec<Vec<usize>>,
}

/// What makes wishes equal: their candidates and their border group.
struct DemandKey {
    candidates: usize,
    border_group: Option<String>,
}

impl<'a> Market<'a> {
    fn open(observed: &Observed, mut findings: Vec<&'a Finding<'a>>, free: &BTreeSet<&AllocationId>) -> Self {
        findings.sort_by_key(|finding| !finding.usage.pinned);
        let mut sets = CandidateSets::default();
        let mut keys: Vec<DemandKey> = Vec::new();
        let mut demands: Vec<Vec<&NetworkInterfaceId>> = Vec::new();
        let mut index: HashMap<(usize, Option<String>), usize> = HashMap::new();
        for finding in findings {
            let candidates = sets.number(finding);
            let border_group = border_group_of(finding.interface);
            let demand = *index.entry((candidates, border_group.clone())).or_insert_with(|| {
                keys.push(DemandKey { candidates, border_group });
                demands.push(Vec::new());
                demands.len() - 1
            });
            demands[demand].push(&finding.interface.id);
        }
        let supply_groups = sets.group_addresses(observed, free);
        let fits = keys.iter().map(|key| supply_groups.fitting(key)).collect();
        Self { demands, supplies: supply_groups.members, fits }
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

/// The different candidate sets among the wishes, numbered as they first appear.
#[derive(Default)]
struct CandidateSets<'a> {
    sets: Vec<&'a BTreeSet<AllocationId>>,
    numbers: HashMap<*const BTreeSet<AllocationId>, usize>,
}

impl<'a> CandidateSets<'a> {
    fn number(&mut self, finding: &'a Finding<'a>) -> usize {
        let set = &*finding.usage.candidates;
        *self.numbers.entry(std::ptr::from_ref(set)).or_insert_with(|| {
            self.sets.push(set);
            self.sets.len() - 1
        })
    }

    /// Groups the free addresses by the sets that they lie in and their border group.
    fn group_addresses(&self, observed: &Observed, free: &BTreeSet<&AllocationId>) -> SupplyGroups<'a> {
        let mut lies_in: BTreeMap<&'a AllocationId, Vec<usize>> = BTreeMap::new();
        for (number, set) in self.sets.iter().enumerate() {
            for allocation in set.iter().filter(|allocation| free.contains(allocation)) {
                lies_in.entry(allocation).or_default().push(number);
            }
        }
        let mut groups = SupplyGroups::default();
        let mut index: HashMap<(Vec<usize>, Option<&str>), usize> = HashMap::new();
        for (allocation, sets) in lies_in {
            let Some(address) = observed.addresses.get(allocation) else { continue };
            let group = *index
                .entry((sets, address.border_group.as_deref()))
                .or_insert_with_key(|(sets, _)| groups.add(sets.clone(), address.border_group.clone()));
            groups.members[group].push(allocation);
        }
        groups
    }
}

/// Groups of equal free addresses.
#[derive(Default)]
struct SupplyGroups<'a> {
    members: Vec<Vec<&'a AllocationId>>,
    /// For each group the sets that its addresses lie in.
    sets: Vec<Vec<usize>>,
    /// For each group the network border group of its addresses.
    border_groups: Vec<Option<String>>,
}

impl SupplyGroups<'_> {
    fn add(&mut self, sets: Vec<usize>, border_group: Option<String>) -> usize {
        self.members.push(Vec::new());
        self.sets.push(sets);
        self.border_groups.push(border_group);
        self.members.len() - 1
    }

    fn fitting(&self, key: &DemandKey) -> Vec<usize> {
        let fits = |group: &usize| {
            self.sets[*group].contains(&key.candidates)
                && border_groups_agree(self.border_groups[*group].as_deref(), key.border_group.as_deref())
        };
        (0..self.members.len()).filter(fits).collect()
    }
}
