//! The laws of DESIGN.md on random worlds: every plan passes the audit, is deterministic, serves as many as can be
//! served, is stable, and changes little when a replica sees a little less.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;

use super::worlds::{SMALL, Size, TINY, worlds};
use super::{World, alloc, associate, eni, number};
use crate::domain::action::{Action, ActionReason};
use crate::domain::audit::{Objection, audit};
use crate::domain::desired::Desired;
use crate::domain::function::SecurityGroups;
use crate::domain::ids::{AllocationId, NetworkInterfaceId};
use crate::domain::observed::InterfaceStatus;
use crate::domain::plan::{InterfacePlan, Plan, Verdict};

fn pairs(plan: &Plan) -> BTreeMap<NetworkInterfaceId, AllocationId> {
    plan.actions.iter().map(|a| (a.network_interface_id.clone(), a.allocation_id.clone())).collect()
}

/// The same facts in memory of their own, lists in another order.
fn told_differently(world: &World) -> World {
    let mut other = world.clone();
    let mut pools = Vec::from_iter(std::mem::take(&mut other.desired.pools));
    for (_, pool) in &mut pools {
        pool.allocations = pool.allocations.iter().rev().cloned().collect::<BTreeSet<_>>().into();
    }
    let mut functions = Vec::from_iter(std::mem::take(&mut other.desired.functions));
    for allocations in functions.iter_mut().flat_map(|(_, function)| function.pins.values_mut()) {
        *allocations = allocations.iter().rev().cloned().collect::<BTreeSet<_>>().into();
    }
    other.desired = Desired {
        pools: pools.into_iter().rev().collect(),
        functions: functions.into_iter().rev().collect(),
    };
    let mut interfaces = Vec::from_iter(std::mem::take(&mut other.observed.interfaces));
    for (_, interface) in &mut interfaces {
        interface.associations.reverse();
        interface.pair.security_groups =
            SecurityGroups::from_iter(interface.pair.security_groups.iter().cloned());
    }
    other.observed.interfaces = interfaces.into_iter().rev().collect();
    other
}

/// Every change that the audit would let pass if it were the only one, by brute force; the waiting ones apart.
pub(super) struct Possible {
    pub(super) serving: Vec<Vec<u32>>,
    /// Who they are.
    pub(super) serving_ids: Vec<NetworkInterfaceId>,
    waiting: Vec<Vec<u32>>,
}

pub(super) fn possible(world: &World, addresses: u32) -> Possible {
    let mut possible = Possible { serving: Vec::new(), serving_ids: Vec::new(), waiting: Vec::new() };
    for (id, interface) in &world.observed.interfaces {
        let functions: Vec<String> = users(world, id);
        let names: Vec<&str> = functions.iter().map(String::as_str).collect();
        let fits = |n: &u32| {
            let action = associate(*n, number(id), &names);
            let violations = audit(&world.desired, &world.observed, &[action]);
            // Whose turn it is depends on what else is given.
            violations.iter().all(|violation| matches!(violation.objection, Objection::OutOfTurn(..)))
        };
        let fitting: Vec<u32> = (1..=addresses).filter(fits).collect();
        match interface.status {
            InterfaceStatus::InUse => {
                possible.serving.push(fitting);
                possible.serving_ids.push(id.clone());
            }
            InterfaceStatus::Waiting => possible.waiting.push(fitting),
            InterfaceStatus::Detaching => assert!(fitting.is_empty(), "{id} is going away"),
        }
    }
    possible
}

/// Whom the audit expects to be named for an interface.
fn users(world: &World, interface: &NetworkInterfaceId) -> Vec<String> {
    let probe = associate(1, number(interface), &["nobody"]);
    let violations = audit(&world.desired, &world.observed, &[probe]);
    let named = violations.into_iter().find_map(|violation| match violation.objection {
        Objection::OtherFunctions(functions) => Some(functions),
        _ => None,
    });
    named.unwrap_or_default().iter().map(ToString::to_string).collect()
}

/// The most serving interfaces, and then the most waiting ones, that can be served, each address once; `allowed`
/// judges the addresses that are given altogether.
pub(super) fn best(
    serving: &[Vec<u32>],
    waiting: &[Vec<u32>],
    taken: &mut Vec<u32>,
    allowed: &dyn Fn(&[u32]) -> bool,
) -> (usize, usize) {
    let (first, serving, waiting, worth) = match (serving, waiting) {
        ([first, rest @ ..], waiting) => (first, rest, waiting, (1, 0)),
        ([], [first, rest @ ..]) => (first, serving, rest, (0, 1)),
        ([], []) => return (0, 0),
    };
    let mut most = best(serving, waiting, taken, allowed);
    for &address in first {
        if taken.contains(&address) {
            continue;
        }
        taken.push(address);
        if worth == (1, 0) || allowed(taken) {
            let (s, w) = best(serving, waiting, taken, allowed);
            most = most.max((s + worth.0, w + worth.1));
        }
        taken.pop();
    }
    most
}

/// The addresses that nothing on their own side speaks against giving away.
fn free(world: &World, addresses: u32) -> BTreeSet<u32> {
    let free = |n: &u32| {
        let violations = audit(&world.desired, &world.observed, &[associate(*n, 0xfff, &[])]);
        !violations.iter().any(|violation| {
            matches!(
                violation.objection,
                Objection::AddressUnseen
                    | Objection::Held(_)
                    | Objection::ServiceManaged(_)
                    | Objection::RecentlyGivenTo(_)
            )
        })
    };
    (1..=addresses).filter(free).collect()
}

/// The bare interfaces that a plan serves.
fn served(plan: &Plan) -> (usize, usize) {
    let given: Vec<&Action> = plan.actions.iter().filter(|action| action.takes_off().is_none()).collect();
    let serving = |action: &&Action| {
        plan.required().any(|interface| interface.network_interface_id == action.network_interface_id)
    };
    let serving = given.iter().copied().filter(serving).count();
    (serving, given.len() - serving)
}

proptest! {
    #[test]
    fn every_plan_passes_the_audit(world in worlds(SMALL)) {
        let violations = audit(&world.desired, &world.observed, &world.plan().actions);
        let violations: Vec<String> = violations.iter().map(ToString::to_string).collect();
        prop_assert_eq!(violations, Vec::<String>::new());
    }

    #[test]
    fn the_same_facts_give_the_same_plan_however_they_are_told(world in worlds(SMALL)) {
        prop_assert_eq!(world.plan(), world.plan());
        prop_assert_eq!(told_differently(&world).plan(), world.plan());
    }

    #[test]
    fn as_many_serving_interfaces_are_served_as_can_be(world in worlds(TINY)) {
        let possible = possible(&world, TINY.addresses);
        let (most, _) = best(&possible.serving, &[], &mut Vec::new(), &|_| true);
        prop_assert_eq!(served(&world.plan()).0, most);
    }

    #[test]
    fn as_many_waiting_interfaces_are_served_as_leave_the_spares(world in worlds(Size { overlap: false, ..TINY })) {
        let possible = possible(&world, TINY.addresses);
        let free = free(&world, TINY.addresses);
        let leaves_spares = |taken: &[u32]| world.desired.pools.values().all(|pool| {
            let left = free.iter().filter(|n| pool.allocations.contains(&alloc(**n)) && !taken.contains(n));
            let last = taken.last().expect("just taken");
            let concerned = pool.allocations.contains(&alloc(*last)) && free.contains(last);
            !concerned || left.count() >= pool.min_spare
        });
        let most = best(&possible.serving, &possible.waiting, &mut Vec::new(), &leaves_spares);
        prop_assert_eq!(served(&world.plan()), most);
    }

    #[test]
    fn a_dead_end_changes_no_association_and_serves_nobody_less(world in worlds(SMALL)) {
        let mut open = world.clone();
        open.observed.network = Arc::default();
        let (plan, open) = (world.plan(), open.plan());
        prop_assert_eq!(served(&plan).0, served(&open).0);
        let kept = |plan: &Plan| -> Vec<_> {
            let kept = |i: &&InterfacePlan| matches!(i.verdict, Verdict::Covered(..));
            plan.interfaces.iter().filter(kept).map(|i| i.network_interface_id.clone()).collect()
        };
        prop_assert_eq!(kept(&plan), kept(&open));
        for interface in plan.required().filter(|interface| interface.dead_end.is_some()) {
            let id = &interface.network_interface_id;
            let code = plan.uncovered().find(|u| u.network_interface_id == *id).map(|u| u.reason.code());
            prop_assert_eq!(code, Some("no_internet_route"));
        }
    }

    #[test]
    fn waiting_interfaces_never_eat_into_the_spares(world in worlds(SMALL)) {
        let plan = world.plan();
        let free = free(&world, SMALL.addresses);
        for pool in world.desired.pools.values() {
            let of_pool = |n: &&u32| pool.allocations.contains(&alloc(**n));
            // One that serves with a wrong address may take a spare, after the waiting ones had what is beyond them.
            let bare = plan.actions.iter().filter(|action| action.takes_off().is_none());
            let given: BTreeSet<u32> = bare.map(|a| number(&a.allocation_id)).collect();
            let left = free.iter().filter(of_pool).filter(|n| !given.contains(n)).count();
            let to_waiting = plan.actions.iter().any(|action| {
                action.reason == ActionReason::Upcoming && pool.allocations.contains(&action.allocation_id)
            });
            prop_assert!(!to_waiting || left >= pool.min_spare);
        }
    }

    #[test]
    fn a_plan_that_was_carried_out_leaves_nothing_to_do_for_serving_interfaces(world in worlds(SMALL)) {
        let plan = world.plan();
        let after = world.clone().after(&plan).plan();
        prop_assert_eq!(served(&after).0, 0);
        let kept = |plan: &Plan| -> BTreeMap<NetworkInterfaceId, AllocationId> {
            let verdicts = plan.interfaces.iter().filter_map(|interface| match &interface.verdict {
                Verdict::Covered(id, _) | Verdict::Gets(id, _) => Some((&interface.network_interface_id, id)),
                Verdict::Uncovered(_) => None,
            });
            verdicts.map(|(interface, id)| (interface.clone(), id.clone())).collect()
        };
        let (before, after) = (kept(&plan), kept(&after));
        for (interface, address) in &before {
            prop_assert_eq!(after.get(interface), Some(address));
        }
    }

    #[test]
    fn a_plan_that_was_carried_out_leaves_nothing_to_do(world in worlds(Size { overlap: false, ..SMALL })) {
        let plan = world.plan();
        let mut after = world.after(&plan);
        // What a replacement frees may serve another interface, which takes one plan more.
        if plan.actions.iter().any(|action| action.replaces.is_some()) {
            let next = after.plan();
            prop_assert!(next.actions.iter().all(|action| action.replaces.is_none()));
            after = after.after(&next);
        }
        prop_assert_eq!(after.plan().actions, Vec::new());
    }

    #[test]
    fn nothing_that_stands_in_the_way_is_left_unsaid(world in worlds(SMALL)) {
        let plan = world.plan();
        for uncovered in plan.uncovered() {
            prop_assert!(!uncovered.reason.code().is_empty() && !uncovered.reason.to_string().is_empty());
        }
        let cures = |interface: &&InterfacePlan| {
            matches!(interface.verdict, Verdict::Gets(..)) && interface.dead_end.is_none()
        };
        let cured = plan.required().filter(cures).count();
        prop_assert_eq!(plan.covered() + plan.uncovered().count() + cured, plan.required().count());
    }
}

/// One pool for all.
fn plain(interfaces: u32, addresses: u32) -> World {
    let all: Vec<u32> = (1..=addresses).collect();
    let world = World::new().pool("p", &all, 0).function("f", "p", &[1, 2, 3], &[1]);
    (1..=interfaces).fold(world, |world, n| world.eni(n, n % 3 + 1, &[1]))
}

/// Two pools that overlap, shared and pinned interfaces.
fn mixed(interfaces: u32, addresses: u32) -> World {
    let all: Vec<u32> = (1..=addresses).collect();
    let some: Vec<u32> = (1..=addresses).filter(|n| n % 3 == 0).collect();
    let world = World::new()
        .pool("p", &all, 0)
        .pool("q", &some, 0)
        .function("f", "p", &[1, 2], &[1])
        .function("g", "p", &[2, 3], &[2])
        .function("h", "q", &[2, 3], &[1])
        .pin_subnet("g", 3, &all[..all.len() / 2]);
    (1..=interfaces).fold(world, |world, n| world.eni(n, n % 3 + 1, &[n % 2 + 1]))
}

/// In how many pairs a plan differs when the replica does not see one interface or one address, at most and on average.
fn unsteadiness(world: &World, interfaces: u32, addresses: u32) -> (usize, f64) {
    let all = pairs(&world.plan());
    let without_eni = |n| {
        let mut less = world.clone();
        less.observed.interfaces.remove(&eni(n));
        less
    };
    let less = (1..=interfaces).map(without_eni);
    let less = less.chain((1..=addresses).map(|n| world.clone().without_address(n)));
    let differs = |less: World| {
        let pairs = pairs(&less.plan());
        all.iter().filter(|(id, address)| pairs.get(*id) != Some(address)).count()
    };
    let differences: Vec<usize> = less.map(differs).collect();
    let most = differences.iter().copied().max().unwrap_or(0);
    (most, differences.iter().sum::<usize>() as f64 / differences.len() as f64)
}

#[test]
fn what_one_replica_does_not_see_changes_few_other_pairs() {
    for (interfaces, addresses) in [(20, 40), (40, 20), (60, 60), (120, 80)] {
        let (most, mean) = unsteadiness(&plain(interfaces, addresses), interfaces, addresses);
        assert!(most <= 8 && mean <= 4.0, "{interfaces} from one pool of {addresses}: {most}, {mean:.1}");
        let (most, mean) = unsteadiness(&mixed(interfaces, addresses), interfaces, addresses);
        assert!(most <= 20 && mean <= 6.0, "{interfaces} from mixed sets of {addresses}: {most}, {mean:.1}");
    }
}
