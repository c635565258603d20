//! What must be true of a settled estate, judged from the simulator's world alone, in the plainest way: it shares no
//! code with the planner. It sees what Lambda shows of each function, since nobody can know more.

use std::collections::{BTreeMap, BTreeSet};

use eipd_sim::{InterfaceStatus, World};

use super::estate::Estate;

/// No interface that a declared function uses is bare while a free address of its set exists, unless it may have none.
pub fn assert_best_possible(estate: &Estate) {
    estate.sim.world(|world| {
        let free = free(world, &estate.allocations);
        for (interface, sets) in wanting(estate, world) {
            let candidates = sets.into_iter().reduce(|one, other| &one & &other).unwrap_or_default();
            let possible: Vec<_> = candidates.intersection(&free).collect();
            assert!(possible.is_empty(), "{interface} is bare while {possible:?} are free");
        }
    });
}

/// Allocations that exist and are on nothing.
fn free(world: &World, allocations: &[String]) -> BTreeSet<String> {
    let free = |id: &&String| world.address(id).is_some_and(|a| a.exists() && a.association().is_none());
    allocations.iter().filter(free).cloned().collect()
}

/// The bare in-use interfaces of declared functions, with the set of each function that uses them.
fn wanting(estate: &Estate, world: &World) -> BTreeMap<String, Vec<BTreeSet<String>>> {
    let mut wanting: BTreeMap<String, Vec<BTreeSet<String>>> = BTreeMap::new();
    for (function, wanted) in &estate.desired.functions {
        let Some(unit) = world.unit(function.name()) else { continue };
        let Some(shown) = world.shown_config(unit) else { continue };
        let groups: BTreeSet<&String> = shown.security_groups.iter().collect();
        for subnet in &shown.subnets {
            let mut set = BTreeSet::from_iter(estate.declared.get(function.name()).into_iter().flatten().cloned());
            for (place, pinned) in &wanted.pins {
                if format!("{place:?}").contains(subnet.as_str()) {
                    set.retain(|id| pinned.iter().any(|pinned| pinned.as_str() == id));
                }
            }
            let used = world.interfaces().filter(|interface| {
                interface.exists()
                    && interface.kind == "lambda"
                    && interface.owner == world.config().account
                    && interface.status() == InterfaceStatus::InUse
                    && interface.association().is_none()
                    && world.subnet_of(interface).id == *subnet
                    && interface.groups.iter().collect::<BTreeSet<_>>() == groups
            });
            for interface in used {
                wanting.entry(interface.id.clone()).or_default().push(set.clone());
            }
        }
    }
    wanting
}
