//! Where the observed differs from the desired, before anything is decided: which interfaces the declared functions
//! use, what each may carry and carries, and where every declared address is. Decides nothing, changes nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde::Serialize;

use super::desired::{Allocations, Desired, DesiredFunction, PinPlace};
use super::function::{FunctionObservation, FunctionRef, Pair};
use super::ids::{AllocationId, NetworkInterfaceId, PoolName, ZoneId};
use super::observed::{Interface, InterfaceStatus, Observed, Part};
use super::occupancy::{Carried, Holder, Occupancy};

/// The difference between a desired and an observed state.
pub struct Drift<'a> {
    /// Every interface that a declared function uses, in the order of their ids.
    pub interfaces: Vec<Finding<'a>>,
    /// Where each declared address is.
    pub addresses: BTreeMap<&'a AllocationId, Place>,
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
    /// The addresses that lie in the set of every one of them.
    pub candidates: Allocations,
    /// Whether a pin narrowed the candidates.
    pub pinned: bool,
    /// Whether each function has addresses for the place, and they have none in common.
    pub in_conflict: bool,
}

/// What an interface carries, against what it may carry.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Standing {
    /// An address that lies in the set of every declared function it serves.
    Healthy(AllocationId),
    /// No address.
    Bare,
    /// Only addresses outside its set.
    Wrong(Vec<Carried>),
}

/// Where a declared address is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// On nothing.
    Free,
    /// On an interface that a declared function uses.
    Associated(NetworkInterfaceId),
    /// On a Lambda interface of this account that no declared function uses.
    Lingering(NetworkInterfaceId),
    /// Held for an interface that it was given to moments ago, though no read shows it there.
    Settling(NetworkInterfaceId),
    /// On something that is none of our business.
    Foreign(String),
    /// EC2 does not know it in this account and region.
    Missing,
    /// It could not be read.
    Unknown,
}

/// Compares a desired with an observed state.
#[must_use]
pub fn drift<'a>(desired: &'a Desired, observed: &'a Observed) -> Drift<'a> {
    let occupancy = Occupancy::of(observed);
    let interfaces = findings(desired, observed, &occupancy);
    let addresses = places(desired, observed, &occupancy, &interfaces);
    Drift { interfaces, addresses }
}

fn findings<'a>(desired: &'a Desired, observed: &'a Observed, occupancy: &Occupancy<'a>) -> Vec<Finding<'a>> {
    let users = users_by_pair(desired, observed);
    let mut intersections = Intersections::default();
    let mut usages: HashMap<(&Pair, Option<&ZoneId>), Arc<Usage<'a>>> = HashMap::with_capacity(users.len());
    let ours = observed
        .interfaces
        .values()
        .filter(|i| i.owner == observed.account && i.status != InterfaceStatus::Detaching);
    ours.filter_map(|interface| {
        let functions = users.get(&interface.pair)?;
        let place = (&interface.pair, interface.zone_id.as_ref());
        let usage = usages
            .entry(place)
            .or_insert_with(|| Arc::new(usage(desired, functions, interface, &mut intersections)));
        let usage = Arc::clone(usage);
        let standing = standing(occupancy.carried_by(&interface.id), &usage.candidates);
        Some(Finding { interface, usage, standing })
    })
    .collect()
}

fn users_by_pair<'a>(desired: &'a Desired, observed: &Observed) -> HashMap<Pair, Vec<&'a FunctionRef>> {
    let mut users: HashMap<Pair, Vec<&FunctionRef>> = HashMap::new();
    for function in desired.functions.keys() {
        let Some(FunctionObservation::Known(configuration)) = observed.functions.get(function) else {
            continue;
        };
        for pair in configuration.pairs() {
            users.entry(pair).or_default().push(function);
        }
    }
    users
}

fn usage<'a>(
    desired: &'a Desired,
    functions: &[&'a FunctionRef],
    interface: &Interface,
    intersections: &mut Intersections,
) -> Usage<'a> {
    let declared: Vec<&DesiredFunction> =
        functions.iter().filter_map(|function| desired.functions.get(*function)).collect();
    let own_sets = |function: &&'a DesiredFunction| -> Vec<&'a Allocations> {
        let pool = desired.pools.get(&function.pool).map(|pool| &pool.allocations);
        let pins = function.pins.iter().filter(|(place, _)| pin_applies(place, interface));
        pool.into_iter().chain(pins.map(|(_, allocations)| allocations)).collect()
    };
    let own: Vec<Vec<&Allocations>> = declared.iter().map(own_sets).collect();
    let candidates = intersections.of(&own.concat());
    Usage {
        functions: functions.iter().map(|function| (*function).clone()).collect(),
        pool: declared
            .first()
            .map(|function| &function.pool)
            .expect("a pair is listed because a function uses it"),
        pinned: own.iter().any(|sets| sets.len() > 1),
        in_conflict: candidates.is_empty() && own.iter().all(|sets| !intersections.of(sets).is_empty()),
        candidates,
    }
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
    let declared = carried.iter().filter_map(|c| c.allocation_id.as_ref());
    let healthy = declared.filter(|id| candidates.contains(*id)).min();
    match (healthy, carried) {
        (Some(allocation), _) => Standing::Healthy(allocation.clone()),
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
    findings: &[Finding<'a>],
) -> BTreeMap<&'a AllocationId, Place> {
    let used: HashMap<&NetworkInterfaceId, ()> = findings.iter().map(|f| (&f.interface.id, ())).collect();
    let settling: HashMap<&AllocationId, &NetworkInterfaceId> =
        observed.recent_writes.iter().map(|(interface, allocation)| (allocation, interface)).collect();
    let place = |allocation: &AllocationId| match occupancy.holders_of(allocation) {
        [] if !observed.addresses.contains_key(allocation) => {
            if observed.lacks(Part::Addresses) {
                Place::Unknown
            } else {
                Place::Missing
            }
        }
        [] => settling.get(allocation).map_or(Place::Free, |interface| Place::Settling((*interface).clone())),
        holders => held(holders, observed, |interface| used.contains_key(interface)),
    };
    let declared = desired.pools.values().flat_map(|pool| pool.allocations.iter());
    declared.map(|allocation| (allocation, place(allocation))).collect()
}

/// Where an address is that something holds; when a stale view shows a second holder, the one we serve counts.
fn held(holders: &[Holder], observed: &Observed, is_used: impl Fn(&NetworkInterfaceId) -> bool) -> Place {
    let interfaces = || {
        holders.iter().filter_map(|holder| match holder {
            Holder::Interface(interface) => Some(interface),
            Holder::Other(_) => None,
        })
    };
    if let Some(Holder::Other(what)) = holders.iter().find(|holder| matches!(holder, Holder::Other(_))) {
        return Place::Foreign(what.clone());
    }
    if let Some(interface) = interfaces().find(|interface| is_used(interface)) {
        return Place::Associated(interface.clone());
    }
    let ours = |interface: &&NetworkInterfaceId| {
        observed.interfaces.get(*interface).is_some_and(|seen| seen.owner == observed.account)
    };
    match (interfaces().find(ours), interfaces().next()) {
        (Some(interface), _) => Place::Lingering(interface.clone()),
        (None, Some(_)) if observed.lacks(Part::Interfaces) => Place::Unknown,
        (None, Some(interface)) => Place::Foreign(format!("network interface `{interface}`")),
        (None, None) => Place::Unknown,
    }
}
