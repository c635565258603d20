//! Which free address goes to which interface: as many as possible, serving interfaces before waiting ones, those with
//! a way out first, those of higher priority first, pinned ones first, ties by rendezvous hash; what is left then goes to those that carry a wrong
//! address. Hands out what is free, what is on retired interfaces, and what an operator named; takes nothing else from
//! anyone.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::Hash;

use super::desired::Desired;
use super::drift::{Drift, Finding, Place};
use super::ids::{AllocationId, NetworkInterfaceId};
use super::index::{Index, index_for};
use super::matching::Matching;
use super::observed::{Address, Interface, Observed};
use super::priority::Priority;
use super::rendezvous::{Ticket, pair_up};

/// A bare interface, or one that carries a wrong address, that asks for an address.
pub struct Wish<'a> {
    /// The place of the interface among the findings.
    pub number: usize,
    /// The interface, and what it may carry.
    pub finding: &'a Finding<'a>,
    /// The one address that it may get, because it got it moments ago and reads may not show it yet: giving
    /// the same again is harmless, giving another could break what is there (AWS.md 2).
    pub only: Option<&'a AllocationId>,
    /// Whether it carries an address already, which it loses then. It gets only what is free.
    pub carries: bool,
}

/// An address, and the interface that it is taken from if it is not free.
type Gift<'a> = (&'a Address, Option<&'a NetworkInterfaceId>);

/// Who is given what.
pub struct Allotment<'a> {
    /// By the number of the finding, with the interface that it is taken from.
    given: Vec<Option<Gift<'a>>>,
    /// By the number of the address, the number of the finding.
    takers: Vec<Option<usize>>,
    /// By the number of a finding that is given nothing, that of one which comes first by its priority.
    ahead: Index<usize, usize>,
}

impl<'a> Allotment<'a> {
    fn none(drift: &Drift<'_>) -> Self {
        Self {
            given: vec![None; drift.interfaces.len()],
            takers: vec![None; drift.addresses()],
            ahead: Index::default(),
        }
    }

    fn give(&mut self, finding: usize, number: usize, gift: Gift<'a>) {
        self.given[finding] = Some(gift);
        self.takers[number] = Some(finding);
    }

    fn take_back(&mut self, finding: usize, number: usize) {
        self.given[finding] = None;
        self.takers[number] = None;
    }

    /// How many are given something.
    #[must_use]
    pub fn given(&self) -> usize {
        self.given.iter().flatten().count()
    }

    /// What the finding of this number is given.
    #[must_use]
    pub fn of(&self, finding: usize) -> Option<&'a Address> {
        self.given[finding].map(|(address, _)| address)
    }

    /// The interface that it is taken from, if it is.
    #[must_use]
    pub fn from(&self, finding: usize) -> Option<&'a NetworkInterfaceId> {
        self.given[finding].and_then(|(_, from)| from)
    }

    /// The number of a finding in whose place this one could have been served, were it not for its priority. There may be
    /// more: it is one of those with the lowest.
    #[must_use]
    pub fn ahead_of(&self, finding: usize) -> Option<usize> {
        self.ahead.get(&finding).copied().filter(|ahead| self.given[*ahead].is_some())
    }

    /// The number of the finding that is given the address of this number.
    #[must_use]
    pub fn taker_of(&self, number: usize) -> Option<usize> {
        self.takers[number]
    }
}

/// Serves the wishes from the free addresses.
#[must_use]
pub fn allot<'a>(
    desired: &'a Desired,
    observed: &'a Observed,
    drift: &'a Drift<'a>,
    wishes: &[Wish<'a>],
) -> Allotment<'a> {
    let open = wishes.iter().filter(|wish| wish.only.is_none());
    let (wrong, bare): (Vec<&Wish<'a>>, Vec<&Wish<'a>>) = open.partition(|wish| wish.carries);
    let mut allotment = Allotment::none(drift);
    // One matching for all that are bare: a serving interface is rerouted, but never given up, for one that waits.
    Market::open(desired, observed, drift, &bare, &allotment).trade(&mut allotment);
    keep_spares(desired, drift, wishes, &mut allotment);
    restore(observed, drift, wishes, &mut allotment);
    if !wrong.is_empty() {
        Market::open(desired, observed, drift, &wrong, &allotment).trade(&mut allotment);
    }
    allotment
}

/// The network border group of an interface's zone: for a zone of the region the region's name, for a local or
/// Wavelength zone the zone's name without its last letter (believed: AWS.md knows only that the groups must match).
#[must_use]
pub fn border_group_of(interface: &Interface) -> Option<&str> {
    border_group_of_zone(interface.zone.as_deref()?)
}

/// The network border group of a zone, by its name; see [`border_group_of`].
#[must_use]
pub fn border_group_of_zone(zone: &str) -> Option<&str> {
    let group = zone.strip_suffix(|last: char| last.is_ascii_lowercase())?;
    group.ends_with(|last: char| last.is_ascii_digit()).then_some(group)
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

fn restore<'a>(
    observed: &'a Observed,
    drift: &Drift<'_>,
    wishes: &[Wish<'a>],
    allotment: &mut Allotment<'a>,
) {
    let mut writes: HashMap<&AllocationId, usize> = HashMap::new();
    for allocation in observed.recent_writes.values() {
        *writes.entry(allocation).or_default() += 1;
    }
    for wish in wishes {
        let Some(allocation) = wish.only else { continue };
        let Some(address) = observed.addresses.get(allocation) else { continue };
        let Some(number) = drift.number_of(allocation) else { continue };
        let interface = wish.finding.interface;
        let allowed = *drift.place(number) == Place::Settling(&interface.id)
            && writes[allocation] == 1
            && wish.finding.usage.candidates.contains(allocation)
            && border_groups_agree(address.border_group.as_deref(), border_group_of(interface));
        if allowed {
            allotment.give(wish.number, number, (address, None));
        }
    }
}

/// Takes back from waiting interfaces what would leave a pool with less than its `min_spare`: from those of the lowest
/// priority first, of them from those without a pin, and then from those with the highest ids.
fn keep_spares(desired: &Desired, drift: &Drift<'_>, wishes: &[Wish<'_>], allotment: &mut Allotment<'_>) {
    let waiting = wishes.iter().filter(|wish| !wish.finding.is_required());
    let waiting: BTreeMap<usize, (Priority, bool)> = waiting
        .filter(|wish| allotment.of(wish.number).is_some())
        .map(|wish| (wish.number, (wish.finding.usage.priority, wish.finding.usage.pinned)))
        .collect();
    if waiting.is_empty() {
        return;
    }
    for (pool, numbers) in desired.pools.values().zip(&drift.pools) {
        let free = numbers.iter().filter(|number| matches!(drift.place(**number), Place::Free(_)));
        let free: Vec<usize> = free.copied().collect();
        let taken = free.iter().filter_map(|number| Some((allotment.taker_of(*number)?, *number)));
        let taken: Vec<(usize, usize)> = taken.collect();
        let wanting = pool.min_spare.saturating_sub(free.len() - taken.len());
        let last = taken
            .into_iter()
            .filter_map(|(taker, number)| Some((*waiting.get(&taker)?, Reverse(taker), number)));
        let mut last: Vec<((Priority, bool), Reverse<usize>, usize)> = last.collect();
        last.sort_unstable();
        for (_, Reverse(taker), number) in last.into_iter().take(wanting) {
            allotment.take_back(taker, number);
        }
    }
}

/// Equal wishes and equal addresses, each as one group, so that the matching is small however large the estate.
struct Market<'a> {
    free: Vec<(usize, Gift<'a>)>,
    wanted: Vec<DemandKey<'a>>,
    demands: Vec<Vec<Ticket>>,
    supplies: Vec<Vec<Ticket>>,
    fits: Vec<Vec<usize>>,
}

/// What makes wishes equal. Its order is that of precedence, and then depends on nothing but the candidates
/// themselves, so that a replica which does not see one interface still serves the others in the same order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct DemandKey<'a> {
    waits: bool,
    /// An address is of no use there as long as its subnet leads nowhere; it gets one all the same, for a route that is put
    /// right must not wait.
    is_at_a_dead_end: bool,
    priority: Reverse<Priority>,
    is_free_to_choose: bool,
    candidates: usize,
    border_group: Option<&'a str>,
}

/// What makes addresses equal. Its order is that in which they are given: first those that are free, then those on
/// retired interfaces; of each first those that EC2 did not refuse lately, and of them those that the fewest pins name, since an unpinned interface has others to choose from.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct SupplyKey<'a> {
    is_taken: bool,
    was_refused: bool,
    pins: usize,
    /// The candidate sets that they lie in, as one number.
    lies_in: usize,
    border_group: Option<&'a str>,
}

impl<'a> Market<'a> {
    fn open(
        desired: &'a Desired,
        observed: &'a Observed,
        drift: &'a Drift<'a>,
        wishes: &[&Wish<'a>],
        before: &Allotment<'a>,
    ) -> Self {
        let sets = CandidateSets::of(wishes);
        let asks = |wish: &&Wish<'a>| {
            let interface = wish.finding.interface;
            let key = DemandKey {
                waits: !wish.finding.is_required(),
                is_at_a_dead_end: observed.network.dead_end(&interface.pair.subnet).is_some(),
                priority: Reverse(wish.finding.usage.priority),
                is_free_to_choose: !wish.finding.usage.pinned,
                candidates: sets.number(wish),
                border_group: border_group_of(interface),
            };
            (key, Ticket::new(&interface.id.padded_text(), wish.number))
        };
        let (wanted, demands) = groups(wishes.iter().map(asks));
        let mut regions = Regions::default();
        // What carries something can wait for what is free.
        let takes = wishes.iter().any(|wish| !wish.carries);
        let is_offered = |number: usize, (_, from): Gift<'_>| {
            before.taker_of(number).is_none() && (takes || from.is_none())
        };
        let (free, lie_in) = sets.free_addresses(observed, drift, &mut regions, is_offered);
        let pins = pins_by_address(desired);
        let offers = free.iter().zip(lie_in).enumerate().map(|(place, ((_, (address, from)), lies_in))| {
            let key = SupplyKey {
                is_taken: from.is_some(),
                was_refused: observed.refused.contains(&address.allocation),
                pins: pins.get(&address.allocation).copied().unwrap_or(0),
                lies_in,
                border_group: address.border_group.as_deref(),
            };
            (key, Ticket::new(&address.allocation.padded_text(), place))
        });
        let (offered, supplies) = groups(offers);
        let fits = fits(&wanted, &offered, &regions);
        Self { free, wanted, demands, supplies, fits }
    }

    fn trade(mut self, allotment: &mut Allotment<'a>) {
        let sizes = self.supplies.iter().map(Vec::len).collect();
        let mut matching = Matching::new(std::mem::take(&mut self.fits), sizes);
        for (demand, interfaces) in self.demands.iter().enumerate() {
            matching.serve(demand, interfaces.len());
        }
        let mut first_served = vec![usize::MAX; self.demands.len()];
        for (demand, supply, units) in matching.units() {
            let pairs = pair_up(&mut self.demands[demand], &mut self.supplies[supply], units);
            for (finding, free) in pairs {
                let (number, gift) = self.free[free];
                allotment.give(finding, number, gift);
                first_served[demand] = first_served[demand].min(finding);
            }
        }
        for (demand, unserved) in self.demands.iter().enumerate().filter(|(_, unserved)| !unserved.is_empty())
        {
            if let Some(ahead) = self.ahead_of(demand, &matching) {
                allotment.ahead.extend(unserved.iter().map(|ticket| (ticket.number, first_served[ahead])));
            }
        }
    }

    /// The group of the lowest priority in whose place one more of this would be served, were it not for that.
    fn ahead_of(&self, demand: usize, matching: &Matching) -> Option<usize> {
        let own = self.wanted[demand];
        let class = |key: &DemandKey<'_>| (key.waits, key.is_at_a_dead_end);
        let is_ahead = |other: &usize| self.wanted[*other].priority < own.priority;
        let first_of_class = self.wanted.partition_point(|key| class(key) < class(&own));
        // Without priorities none is ahead, and none is looked for.
        if !is_ahead(&first_of_class) {
            return None;
        }
        let mut instead = matching.served_instead(demand).into_iter();
        instead.rfind(|other| *other >= first_of_class && is_ahead(other))
    }
}

/// How many declared pins name an address.
fn pins_by_address(desired: &Desired) -> Index<AllocationId, usize> {
    let mut pins: Index<AllocationId, usize> = Index::default();
    let named = desired.functions.values().flat_map(|function| function.pins.values());
    for allocation in named.flat_map(|allocations| allocations.iter()) {
        *pins.entry(allocation.clone()).or_default() += 1;
    }
    pins
}

/// For each demand the supplies that fit it, in their order.
fn fits(wanted: &[DemandKey<'_>], offered: &[SupplyKey<'_>], regions: &Regions) -> Vec<Vec<usize>> {
    let mut demands_of_set: Index<usize, Vec<usize>> = Index::default();
    for (demand, key) in wanted.iter().enumerate() {
        demands_of_set.entry(key.candidates).or_default().push(demand);
    }
    let mut fits = vec![Vec::new(); wanted.len()];
    for (supply, key) in offered.iter().enumerate() {
        for demand in regions.of(key.lies_in).iter().filter_map(|set| demands_of_set.get(set)).flatten() {
            // An interface that does not serve yet can wait for what is free.
            let may_have = !(key.is_taken && wanted[*demand].waits);
            if may_have && border_groups_agree(key.border_group, wanted[*demand].border_group) {
                fits[*demand].push(supply);
            }
        }
    }
    fits
}

/// Puts what has equal keys together, in the order of the keys.
fn groups<K: Copy + Ord + Hash>(tickets: impl Iterator<Item = (K, Ticket)>) -> (Vec<K>, Vec<Vec<Ticket>>) {
    let mut groups: Vec<(K, Vec<Ticket>)> = Vec::new();
    let mut places = Index::default();
    let mut last = 0;
    for (key, ticket) in tickets {
        // What comes one after the other is mostly equal.
        if groups.get(last).is_none_or(|(of_last, _)| *of_last != key) {
            last = *places.entry(key).or_insert(groups.len());
        }
        if last == groups.len() {
            groups.push((key, Vec::new()));
        }
        groups[last].1.push(ticket);
    }
    groups.sort_unstable_by_key(|(key, _)| *key);
    groups.into_iter().unzip()
}

/// The different candidate sets among the wishes, numbered in the order of what they hold.
struct CandidateSets<'a> {
    sets: Vec<&'a BTreeSet<AllocationId>>,
    numbers: Index<*const BTreeSet<AllocationId>, usize>,
}

impl<'a> CandidateSets<'a> {
    fn of(wishes: &[&Wish<'a>]) -> Self {
        let mut seen = Index::default();
        let all = wishes.iter().map(|wish| &*wish.finding.usage.candidates);
        let mut sets: Vec<_> =
            all.filter(|set| seen.insert(std::ptr::from_ref(*set), ()).is_none()).collect();
        sets.sort();
        let mut numbers = index_for(sets.len());
        let mut number = 0;
        for (index, set) in sets.iter().enumerate() {
            number += usize::from(index > 0 && sets[index - 1] != *set);
            numbers.insert(std::ptr::from_ref(*set), number);
        }
        sets.dedup();
        Self { sets, numbers }
    }

    fn number(&self, wish: &Wish<'_>) -> usize {
        self.numbers[&std::ptr::from_ref(&*wish.finding.usage.candidates)]
    }

    /// Every address to be had that lies in one of the sets, once, with its number; and the region that each lies in.
    fn free_addresses(
        &self,
        observed: &'a Observed,
        drift: &'a Drift<'a>,
        regions: &mut Regions,
        is_offered: impl Fn(usize, Gift<'_>) -> bool,
    ) -> (Vec<(usize, Gift<'a>)>, Vec<usize>) {
        let recent: BTreeSet<&AllocationId> = observed.recent_writes.values().collect();
        let named = named(observed, drift);
        let mut lie_in = vec![0; drift.addresses()];
        let mut free = Vec::with_capacity(drift.addresses());
        for (set_number, set) in self.sets.iter().enumerate() {
            for (_, number) in drift.numbered(set) {
                let gift: Gift<'a> = match drift.place(number) {
                    Place::Free(address) => (*address, None),
                    Place::Lingering(Some(address), on)
                        if observed.retired.contains(*on) && !recent.contains(&address.allocation) =>
                    {
                        (*address, Some(*on))
                    }
                    _ => match named.get(&number) {
                        Some(gift) => *gift,
                        None => continue,
                    },
                };
                if !is_offered(number, gift) {
                    continue;
                }
                if lie_in[number] == 0 {
                    free.push((number, gift));
                }
                lie_in[number] = regions.within(lie_in[number], set_number);
            }
        }
        let regions = free.iter().map(|(number, _)| lie_in[*number]).collect();
        (free, regions)
    }
}

/// The addresses that an operator named and that are on something which no declared function uses, by their numbers.
fn named<'a>(observed: &'a Observed, drift: &Drift<'_>) -> BTreeMap<usize, Gift<'a>> {
    let named = observed.leave.named.addresses.iter().filter(|_| observed.is_complete());
    let gifts = named.filter_map(|allocation| {
        let address = observed.addresses.get(allocation).filter(|address| address.managed_by.is_none())?;
        let from = address.association.as_ref()?.interface.as_ref()?;
        let number = drift.number_of(allocation)?;
        let may_be_taken = match drift.place(number) {
            Place::Foreign(_) => true,
            Place::Lingering(_, on) => *on == from,
            _ => false,
        };
        let is_recent = observed.recent_writes.values().any(|given| given == allocation);
        (may_be_taken && !is_recent).then_some((number, (address, Some(from))))
    });
    gifts.collect()
}

/// The regions of a diagram of overlapping sets, by number; number 0 lies in none of them.
struct Regions {
    sets: Vec<Vec<usize>>,
    numbers: Index<(usize, usize), usize>,
}

impl Default for Regions {
    fn default() -> Self {
        Self { sets: vec![Vec::new()], numbers: Index::default() }
    }
}

impl Regions {
    /// The numbers of the sets that this region lies in.
    fn of(&self, region: usize) -> &[usize] {
        &self.sets[region]
    }

    /// The part of this region that lies in this set as well.
    fn within(&mut self, region: usize, set: usize) -> usize {
        let next = self.sets.len();
        let number = *self.numbers.entry((region, set)).or_insert(next);
        if number == next {
            let sets = [self.sets[region].as_slice(), &[set]].concat();
            self.sets.push(sets);
        }
        number
    }
}
