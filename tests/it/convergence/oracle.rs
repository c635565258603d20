//! What must be true of a settled estate, judged from the simulator's world alone, in the plainest way: it shares no
//! code with the planner. It sees what Lambda shows of each function, since nobody can know more.

use std::collections::{BTreeMap, BTreeSet};

use eipd::domain::desired::PinPlace;
use eipd::domain::function::FunctionRef;
use eipd::domain::report::Breaker;
use eipd_sim::world::Unit;
use eipd_sim::{FunctionState, InterfaceStatus, LastUpdate, Sim, ViolationKind, VpcConfig, World};

use super::estate::Estate;

/// No interface that a declared function uses is bare while a free address of its set exists. After a failed update
/// Lambda may show one configuration while another serves (belief B10), and a daemon may know of both or of one: an
/// interface must have its address only where both ways of seeing it leave one to give.
pub fn assert_best_possible(estate: &Estate) {
    estate.sim.world(|world| {
        let free = free(world, &estate.allocations);
        let is_bare = |interface: &str| world.address_of(interface).is_none();
        let shown = users(estate, world, |unit| world.shown_config(unit).into_iter().collect());
        let both = users(estate, world, |unit| shown_and_serving(world, unit));
        for interface in shown.keys().filter(|interface| is_bare(interface)) {
            let sets = shown[interface].iter().chain(&both[interface]).map(|(_, set)| set);
            let possible: Vec<_> =
                free.iter().filter(|id| sets.clone().all(|set| set.contains(*id))).collect();
            assert!(
                possible.is_empty(),
                "{interface} is bare while {possible:?} are free\nbeliefs: {}\n{}",
                world.beliefs(),
                chronicle(world)
            );
        }
    });
}

/// No interface that a declared function uses carries an address of ours outside its set while a free address of its set
/// exists, unless each daemon says that its budget does not allow as many replacements. What mid-update or after a failed
/// one is wrong may be right, so only interfaces with settled users count.
pub fn assert_wrong_ones_are_replaced(estate: &Estate, breakers: &[Option<Breaker>]) {
    estate.sim.world(|world| {
        let free = free(world, &estate.allocations);
        let mut wrong = Vec::new();
        for (interface, users) in users(estate, world, |unit| shown_and_serving(world, unit)) {
            let carried = world.address_of(&interface);
            let carried = estate.allocations.iter().find(|id| Some(world.public_ip(id)) == carried);
            let Some(carried) = carried.filter(|_| users.iter().all(|(unit, _)| is_settled(unit))) else {
                continue;
            };
            let is_in_all = |id: &String| users.iter().all(|(_, set)| set.contains(id));
            if !is_in_all(carried) && free.iter().any(is_in_all) {
                wrong.push((interface, carried.clone()));
            }
        }
        let may_be_made = breakers.iter().any(Option::is_none);
        let planned = breakers.iter().flatten().map(|breaker| breaker.planned).max().unwrap_or(0);
        assert!(
            if may_be_made { wrong.is_empty() } else { planned <= wrong.len() },
            "{wrong:?} are wrong while {free:?} are free and the budgets say {breakers:?}\nbeliefs: {}\n{}",
            world.beliefs(),
            chronicle(world)
        );
    });
}

fn is_settled(unit: &Unit) -> bool {
    matches!(unit.state, FunctionState::Active | FunctionState::Inactive)
        && unit.last_update == LastUpdate::Successful
}

fn shown_and_serving(world: &World, unit: &Unit) -> Vec<VpcConfig> {
    world.shown_config(unit).into_iter().chain(unit.serving_config().cloned()).collect()
}

/// Allocations that exist and are on nothing.
fn free(world: &World, allocations: &[String]) -> BTreeSet<String> {
    let free = |id: &&String| world.address(id).is_some_and(|a| a.exists() && a.association().is_none());
    allocations.iter().filter(free).cloned().collect()
}

/// The in-use interfaces of declared functions, with each function that uses them and its set.
fn users<'w>(
    estate: &Estate,
    world: &'w World,
    configurations: impl Fn(&Unit) -> Vec<VpcConfig>,
) -> BTreeMap<String, Vec<(&'w Unit, BTreeSet<String>)>> {
    let mut users: BTreeMap<String, Vec<(&Unit, BTreeSet<String>)>> = BTreeMap::new();
    for function in estate.desired.functions.keys() {
        let Some(unit) = world.unit(function.name()) else { continue };
        for configuration in configurations(unit) {
            for subnet in &configuration.subnets {
                let set = set(estate, function, subnet);
                for interface in in_use(world, subnet, &configuration.security_groups) {
                    users.entry(interface).or_default().push((unit, set.clone()));
                }
            }
        }
    }
    users
}

/// What the function may leave from in the subnet.
fn set(estate: &Estate, function: &FunctionRef, subnet: &str) -> BTreeSet<String> {
    let mut set: BTreeSet<String> =
        estate.declared.get(function.name()).into_iter().flatten().cloned().collect();
    for (place, pinned) in &estate.desired.functions[function].pins {
        if matches!(place, PinPlace::Subnet(pinned) if pinned.to_string() == subnet) {
            set.retain(|id| pinned.iter().any(|pinned| pinned.to_string() == *id));
        }
    }
    set
}

/// The in-use Lambda interfaces of this account in the subnet with exactly these groups.
fn in_use(world: &World, subnet: &str, groups: &[String]) -> Vec<String> {
    let groups: BTreeSet<&String> = groups.iter().collect();
    let in_use = world.interfaces().filter(|interface| {
        interface.exists()
            && interface.kind == "lambda"
            && interface.owner == world.config().account
            && interface.status() == InterfaceStatus::InUse
            && world.subnet_of(interface).id == subnet
            && interface.groups.iter().collect::<BTreeSet<_>>() == groups
    });
    in_use.map(|interface| interface.id.clone()).collect()
}

/// No law was broken. Of two replicas that see different things at the same moment one may remap what the other has just
/// done (law 5), but no interface more than once.
pub fn assert_lawful(sim: &Sim, replicas: u64) {
    assert_eq!(sim.complaints(), Vec::<String>::new(), "the simulator was asked for what it does not know");
    let mut remapped = BTreeSet::new();
    for violation in sim.violations() {
        let excused = replicas > 1 && violation.kind == ViolationKind::HealthyBroken;
        let interface = violation.detail.rsplit(' ').next().unwrap_or_default().to_owned();
        assert!(excused && remapped.insert(interface), "a law was broken: {violation:?}");
    }
}

/// What happened, for whoever has to find out why.
fn chronicle(world: &World) -> String {
    world.chronicle().iter().map(|(at, what)| format!("{at} {what}\n")).collect()
}
