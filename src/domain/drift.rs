//! Where the observed differs from the desired, before anything is decided: which interfaces the declared functions
//! use, what each may carry and carries, and where every declared address is. Decides nothing, changes nothing.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use super::bystanders::{Company, Held, Strangers};
use super::desired::{Allocations, Desired, DesiredFunction, PinPlace};
use super::function::{FunctionObservation, FunctionRef, Pair};
use super::ids::{AllocationId, NetworkInterfaceId, PoolName, ZoneId};
use super::index::{Index, index_for};
use super::observed::{Address, Interface, InterfaceStatus, Observed, Part};
use super::occupancy::{Carried, Holder, Occupancy};
use super::policy::BystanderPolicy;
use super::priority::Priority;

/// The difference between a desired and an observed state.
pub struct Drift<'a> {
    /// Every interface that a declared function uses, in the order of their ids.
    pub interfaces: Vec<Finding<'a>>,
    /// The interfaces that only versions of declared functions use which do not count.
    pub held: Vec<Held>,
    /// How many pairs the declared functions use; they are numbered below this.
    pub pairs: usize,
    /// How many of them have an interface.
    pub pairs_seen: usize,
    /// For each declared pool, in their order, the numbers of its addresses, in the order of their ids.
    pub pools: Vec<Vec<usize>>,
    /// By the address's number.
    places: Vec<Place<'a>>,
    shown: Vec<Option<&'a Address>>,
    numbers: Index<AllocationId, usize>,
    /// The places of the pools, by where their sets lie in memory.
    whole_pools: Index<*const BTreeSet<AllocationId>, usize>,
}

impl<'a> Drift<'a> {
    /// Where the address of this number is.
    #[must_use]
    pub fn place(&self, number: usize) -> &Place<'a> {
        &self.places[number]
    }

    /// What DescribeAddresses shows of the address of this number.
    #[must_use]
    pub fn address(&self, number: usize) -> Option<&'a Address> {
        self.shown[number]
    }

    /// How many addresses have numbers.
    #[must_use]
    pub fn addresses(&self) -> usize {
        self.places.len()
    }

    /// The number of an address, if it is declared or was seen.
    #[must_use]
    pub fn number_of(&self, allocation: &AllocationId) -> Option<usize> {
        self.numbers.get(allocation).copied()
    }

    /// These addresses with their numbers; known without looking for them when they are a whole pool.
    pub fn numbered<'s>(
        &'s self,
        allocations: &'s BTreeSet<AllocationId>,
    ) -> impl Iterator<Item = (&'s AllocationId, usize)> {
        let whole_pool = self.whole_pools.get(&std::ptr::from_ref(allocations));
        let mut known = whole_pool.map(|pool| self.pools[*pool].iter().copied());
        allocations.iter().filter_map(move |allocation| {
            let number = match &mut known {
                Some(known) => known.next(),
                None => self.number_of(allocation),
            };
            Some((allocation, number?))
        })
    }
}

/// An interface that declared functions use.
pub struct Finding<'a> {
    /// The interface.
    pub interface: &'a Interface,
    /// Who uses it, and what they allow it to carry.
    pub usage: Arc<Usage<'a>>,
    /// What it carries.
    pub standing: Standing,
}

impl Finding<'_> {
    /// Whether it serves traffic now and so must have its address.
    #[must_use]
    pub fn is_required(&self) -> bool {
        self.interface.status == InterfaceStatus::InUse
    }
}

/// The declared functions that use one pair, and the addresses they agree on.
#[derive(Clone)]
pub struct Usage<'a> {
    /// The functions, in order.
    pub functions: Arc<[FunctionRef]>,
    /// The pool of the first function; of all of them unless they are in conflict.
    pub pool: &'a PoolName,
    /// The first function of the highest priority.
    pub foremost: &'a FunctionRef,
    /// Its priority.
    pub priority: Priority,
    /// The addresses that lie in the set of every one of them.
    pub candidates: Allocations,
    /// Whether a pin narrowed the candidates.
    pub pinned: bool,
    /// Whether each function has addresses for the place, and they have none in common.
    pub in_conflict: bool,
    /// Whether a pin on a zone may narrow the candidates further: EC2 does not show the interface's zone id.
    pub zone_is_wanting: bool,
    /// The public addresses that its pools list and that are not here.
    pub absent: BTreeSet<Ipv4Addr>,
    /// Whether a pool of one of the functions may hold more than is known.
    pub is_partial: bool,
    /// The number of the pair.
    pub pair: usize,
    /// The undeclared functions that use the pair too; nothing while that is not known.
    pub bystanders: Option<Strangers>,
    /// Whether a pool that serves it denies bystanders.
    pub denies_bystanders: bool,
}

impl Usage<'_> {
    /// Whether nothing may be given to it for the sake of bystanders, known or possible.
    #[must_use]
    pub fn is_denied(&self) -> bool {
        self.denies_bystanders && self.bystanders.as_ref().is_none_or(|strangers| !strangers.is_empty())
    }
}

/// What an interface carries, against what it may carry.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Standing {
    /// An address that lies in the set of every declared function it serves, and its public face where that is known.
    Healthy(AllocationId, Option<IpAddr>),
    /// No address.
    Bare,
    /// Only addresses outside its set.
    Wrong(Vec<Carried>),
}

/// Where a declared address is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Place<'a> {
    /// On nothing.
    Free(&'a Address),
    /// On an interface that a declared function uses.
    Associated,
    /// On a Lambda interface of this account that no declared function uses. The address where it was read and nothing
    /// else holds it.
    Lingering(Option<&'a Address>, &'a NetworkInterfaceId),
    /// Held for an interface that it was given to moments ago, though no read shows it there.
    Settling(&'a NetworkInterfaceId),
    /// On something that is none of our business.
    Foreign(String),
    /// EC2 does not know it in this account and region.
    Missing,
    /// On an interface that could not be read.
    Obscure,
    /// It could not be read.
    Unread,
}

/// Compares a desired with an observed state.
#[must_use]
pub fn drift<'a>(desired: &'a Desired, observed: &'a Observed) -> Drift<'a> {
    let mut occupancy = Occupancy::of(observed);
    let mut is_used = vec![false; occupancy.interfaces.len()];
    let mut users = users_by_pair(desired, observed);
    let company = observed.roster.as_deref().map(|roster| Company::new(desired, roster));
    let (interfaces, held, pairs_seen) =
        findings(&mut users, company.as_ref(), desired, observed, &occupancy, &mut is_used);
    let mut number = |allocation| occupancy.number(allocation);
    let pools = desired.pools.values().map(|pool| pool.allocations.iter().map(&mut number).collect());
    let pools: Vec<Vec<usize>> = pools.collect();
    let places = places(desired, observed, &occupancy, &pools, &is_used);
    let whole_pools = desired.pools.values().enumerate();
    let whole_pools = whole_pools.map(|(place, pool)| (Arc::as_ptr(&pool.allocations), place)).collect();
    let (numbers, shown) = occupancy.into_numbers();
    Drift { interfaces, held, pairs: users.len(), pairs_seen, pools, places, shown, numbers, whole_pools }
}

/// The declared functions of one pair; where a zone is pinned, its interfaces may differ in what they may carry.
#[derive(Default)]
struct Users<'a> {
    number: usize,
    functions: Vec<(&'a FunctionRef, &'a DesiredFunction)>,
    usages: Vec<(Option<&'a ZoneId>, Arc<Usage<'a>>)>,
}

fn findings<'a>(
    users: &mut Index<Pair, Users<'a>>,
    company: Option<&Company<'_>>,
    desired: &'a Desired,
    observed: &Observed,
    occupancy: &Occupancy<'a>,
    is_used: &mut [bool],
) -> (Vec<Finding<'a>>, Vec<Held>, usize) {
    let (mut held, mut pairs_seen) = (Vec::new(), 0);
    let mut agreements = Agreements::default();
    let ours = occupancy
        .interfaces
        .iter()
        .zip(is_used)
        .filter(|(i, _)| i.owner == observed.account && i.status != InterfaceStatus::Detaching);
    let mut findings = Vec::with_capacity(occupancy.interfaces.len());
    for (interface, is_used) in ours {
        let Some(users) = users.get_mut(&interface.pair) else {
            held.extend(company.and_then(|company| company.held(interface)));
            continue;
        };
        *is_used = true;
        pairs_seen += usize::from(users.usages.is_empty());
        let usage = users.usage_of(interface, desired, company, &mut agreements);
        let standing = standing(&occupancy.carried_by(interface), &usage.candidates);
        findings.push(Finding { interface, usage, standing });
    }
    (findings, held, pairs_seen)
}

fn users_by_pair<'a>(desired: &'a Desired, observed: &Observed) -> Index<Pair, Users<'a>> {
    let known = || {
        desired.functions.iter().filter_map(|declared| match observed.functions.get(declared.0) {
            Some(FunctionObservation::Known(configuration)) => Some((declared, configuration)),
            _ => None,
        })
    };
    let subnets = known().filter_map(|(_, configuration)| Some(configuration.vpc.as_ref()?.subnets.len()));
    let mut users: Index<Pair, Users<'a>> = index_for(subnets.sum());
    for (declared, configuration) in known() {
        for pair in configuration.pairs_by_configuration() {
            let number = users.len();
            let of_pair = users.entry(pair).or_insert_with(|| Users { number, ..Users::default() });
            if of_pair.functions.last().map(|(function, _)| *function) != Some(declared.0) {
                of_pair.functions.push(declared);
            }
        }
    }
    users
}

impl<'a> Users<'a> {
    fn usage_of(
        &mut self,
        interface: &'a Interface,
        desired: &'a Desired,
        company: Option<&Company<'_>>,
        agreements: &mut Agreements<'a>,
    ) -> Arc<Usage<'a>> {
        let zone = interface.zone_id.as_ref();
        if let Some((_, known)) = self.usages.iter().find(|(known, _)| *known == zone) {
            return Arc::clone(known);
        }
        let bystanders = company.map(|company| company.bystanders(&interface.pair));
        let agreed = agreements.of(desired, &self.functions, interface);
        let usage = Usage { pair: self.number, bystanders, ..agreed };
        let usage = Arc::new(usage);
        self.usages.push((zone, Arc::clone(&usage)));
        usage
    }
}

/// What the functions of pairs agree on, made once for all pairs that the same functions use: unless they have pins, it is
/// the same for each of them.
#[derive(Default)]
struct Agreements<'a> {
    known: Index<Vec<*const FunctionRef>, Usage<'a>>,
    intersections: Intersections,
}

impl<'a> Agreements<'a> {
    fn of(
        &mut self,
        desired: &'a Desired,
        functions: &[(&'a FunctionRef, &'a DesiredFunction)],
        interface: &Interface,
    ) -> Usage<'a> {
        if functions.iter().any(|(_, declared)| !declared.pins.is_empty()) {
            return agreed(desired, functions, interface, &mut self.intersections);
        }
        let key = functions.iter().map(|(function, _)| std::ptr::from_ref(*function)).collect();
        let make = || agreed(desired, functions, interface, &mut self.intersections);
        self.known.entry(key).or_insert_with(make).clone()
    }
}

/// What these functions agree on for this interface; who else uses the pair, and its number, are not told by that.
fn agreed<'a>(
    desired: &'a Desired,
    functions: &[(&'a FunctionRef, &'a DesiredFunction)],
    interface: &Interface,
    intersections: &mut Intersections,
) -> Usage<'a> {
    let own_sets = |(_, declared): &(_, &'a DesiredFunction)| -> Vec<&'a Allocations> {
        let pool = desired.pools.get(&declared.pool).map(|pool| &pool.allocations);
        let pins = declared.pins.iter().filter(|(place, _)| pin_applies(place, interface));
        pool.into_iter().chain(pins.map(|(_, allocations)| allocations)).collect()
    };
    let own: Vec<Vec<&Allocations>> = functions.iter().map(own_sets).collect();
    let candidates = intersections.of(&own.concat());
    let pools = || functions.iter().filter_map(|(_, declared)| desired.pools.get(&declared.pool));
    let (first, foremost) = functions
        .first()
        .zip(functions.iter().min_by_key(|(_, declared)| Reverse(declared.priority)))
        .expect("a pair is listed because a function uses it");
    Usage {
        foremost: foremost.0,
        priority: foremost.1.priority,
        absent: pools().flat_map(|pool| pool.absent.iter().copied()).collect(),
        is_partial: pools().any(|pool| pool.is_partial),
        pair: 0,
        bystanders: None,
        denies_bystanders: pools().any(|pool| pool.bystanders == BystanderPolicy::Deny),
        functions: functions.iter().map(|(function, _)| (*function).clone()).collect(),
        pool: &first.1.pool,
        pinned: own.iter().any(|sets| sets.len() > 1),
        zone_is_wanting: interface.zone_id.is_none()
            && functions.iter().any(|(_, declared)| pins_a_zone(declared)),
        in_conflict: candidates.is_empty() && own.iter().all(|sets| !intersections.of(sets).is_empty()),
        candidates,
    }
}

fn pins_a_zone(function: &DesiredFunction) -> bool {
    function.pins.keys().any(|place| matches!(place, PinPlace::Zone(_)))
}

fn pin_applies(place: &PinPlace, interface: &Interface) -> bool {
    match place {
        PinPlace::Subnet(subnet) => *subnet == interface.pair.subnet,
        PinPlace::Zone(zone) => interface.zone_id.as_ref() == Some(zone),
    }
}

/// Intersections of sets, each made once: many pairs are shared by functions of the same few pools.
#[derive(Default)]
struct Intersections {
    known: HashMap<Vec<*const BTreeSet<AllocationId>>, Allocations>,
}

impl Intersections {
    fn of(&mut self, sets: &[&Allocations]) -> Allocations {
        let mut sets = sets.to_vec();
        sets.dedup_by(|one, other| Arc::ptr_eq(one, other));
        let Some((first, rest)) = sets.split_first() else { return Allocations::default() };
        let key = sets.iter().map(|set| Arc::as_ptr(set)).collect();
        let intersection = self.known.entry(key).or_insert_with(|| {
            rest.iter().fold(Arc::clone(first), |common, set| {
                Arc::new(common.iter().filter(|id| set.contains(*id)).cloned().collect())
            })
        });
        Arc::clone(intersection)
    }
}

fn standing(carried: &[Carried], candidates: &Allocations) -> Standing {
    let declared = carried.iter().filter_map(|c| c.allocation_id.as_ref().map(|id| (id, c.public_ip)));
    let healthy = declared.filter(|(id, _)| candidates.contains(*id)).min();
    match (healthy, carried) {
        (Some((allocation, public_ip)), _) => Standing::Healthy(allocation.clone(), public_ip),
        (None, []) => Standing::Bare,
        (None, carried) => {
            let mut carried = carried.to_vec();
            carried.sort_unstable();
            Standing::Wrong(carried)
        }
    }
}

fn places<'a>(
    desired: &'a Desired,
    observed: &'a Observed,
    occupancy: &Occupancy<'a>,
    pools: &[Vec<usize>],
    is_used: &[bool],
) -> Vec<Place<'a>> {
    let settling: HashMap<&AllocationId, &NetworkInterfaceId> =
        observed.recent_writes.iter().map(|(interface, allocation)| (allocation, interface)).collect();
    let place = |allocation, number| {
        let row = occupancy.row(number);
        match (row.holders.as_slice(), row.address, settling.get(allocation)) {
            ([], Some(_), Some(interface)) => Place::Settling(interface),
            ([], Some(address), None) => Place::Free(address),
            ([], None, _) if observed.lacks(Part::Addresses) => Place::Unread,
            ([], None, _) => Place::Missing,
            (holders, address, _) => held(holders, address, observed, &occupancy.interfaces, is_used),
        }
    };
    let mut places = vec![Place::Unread; occupancy.addresses()];
    for (pool, numbers) in desired.pools.values().zip(pools) {
        for (allocation, number) in pool.allocations.iter().zip(numbers) {
            places[*number] = place(allocation, *number);
        }
    }
    places
}

/// Where an address is that something holds; when a stale view shows a second holder, the one we serve counts.
fn held<'a>(
    holders: &[Holder<'a>],
    address: Option<&'a Address>,
    observed: &Observed,
    interfaces: &[&'a Interface],
    is_used: &[bool],
) -> Place<'a> {
    let (mut lingering, mut elsewhere) = (None, None);
    let mut serves = false;
    for holder in holders {
        match holder {
            Holder::Other(what) => return Place::Foreign(what.clone()),
            Holder::Interface(place) if is_used[*place] => serves = true,
            Holder::Interface(place) if interfaces[*place].owner == observed.account => {
                lingering = lingering.or(Some(&interfaces[*place].id));
            }
            Holder::Interface(place) => elsewhere = elsewhere.or(Some(&interfaces[*place].id)),
            Holder::Unseen(interface) => elsewhere = elsewhere.or(Some(*interface)),
        }
    }
    match (serves, lingering, elsewhere) {
        (true, ..) => Place::Associated,
        (false, Some(interface), _) => Place::Lingering(address.filter(|_| holders.len() == 1), interface),
        (false, None, Some(interface)) if !observed.lacks(Part::Interfaces) => {
            Place::Foreign(format!("network interface `{interface}`"))
        }
        (false, None, _) => Place::Obscure,
    }
}
