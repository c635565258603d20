//! The rules of DESIGN.md's chapter on matching, one small world for each.

use std::collections::BTreeSet;

use super::{World, allocations, configuration, groups, pool, vpc, zone_id};
use crate::domain::desired::PinPlace;
use crate::domain::function::{FunctionObservation, FunctionState, LastUpdate};
use crate::domain::ids::AllocationId;
use crate::domain::observed::InterfaceStatus;
use crate::domain::plan::Verdict;
use crate::domain::reason::Reason;

/// One function `f` with the pool of addresses 1 to 3, in subnets 1 and 2 with security group 1.
fn simple() -> World {
    World::new().pool("p", &[1, 2, 3], 0).function("f", "p", &[1, 2], &[1])
}

fn received(world: &World) -> BTreeSet<AllocationId> {
    world.plan().actions.into_iter().map(|action| action.allocation_id).collect()
}

#[test]
fn a_bare_interface_gets_a_free_address_and_a_healthy_one_keeps_its_own() {
    let world = simple().eni(1, 1, &[1]).eni(2, 2, &[1]).on(1, 1).on(3, 2).eni(3, 1, &[1]);
    assert_eq!(world.verdicts(), ["1 keeps 1", "2 keeps 3", "3 gets 2"]);
}

#[test]
fn a_healthy_address_is_kept_even_when_moving_it_would_serve_more() {
    // Address 1 is the only one that interface 2 may carry, and interface 1 could as well carry 2.
    let world = simple().pin_subnet("f", 2, &[1]).eni(1, 1, &[1]).on(1, 1).eni(2, 2, &[1]);
    assert_eq!(world.verdicts(), ["1 keeps 1", "2 lacks: no_free_address"]);
}

#[test]
fn all_are_served_when_there_is_a_way() {
    // Whatever the hashes prefer: 3 may carry only 1, and 2 only 1 or 2.
    let world = simple()
        .function("f", "p", &[1, 2, 3], &[1])
        .pin_subnet("f", 2, &[1, 2])
        .pin_subnet("f", 3, &[1])
        .eni(1, 1, &[1])
        .eni(2, 2, &[1])
        .eni(3, 3, &[1]);
    assert_eq!(world.verdicts(), ["1 gets 3", "2 gets 2", "3 gets 1"]);
}

#[test]
fn a_pinned_interface_goes_before_one_that_is_not() {
    for pinned in [1, 2] {
        let world = World::new()
            .pool("p", &[1], 0)
            .function("f", "p", &[1, 2], &[1])
            .pin_subnet("f", pinned, &[1])
            .eni(1, 1, &[1])
            .eni(2, 2, &[1]);
        let served = world.plan().interfaces.iter().position(|i| matches!(i.verdict, Verdict::Gets(..)));
        assert_eq!(served, Some(pinned as usize - 1));
    }
}

#[test]
fn a_shared_interface_gets_what_all_its_functions_may_use() {
    let world = World::new()
        .pool("p", &[1, 2], 0)
        .pool("q", &[2, 3], 0)
        .function("f", "p", &[1], &[1])
        .function("g", "q", &[1], &[1])
        .eni(1, 1, &[1]);
    assert_eq!(world.verdicts(), ["1 gets 2"]);
    assert_eq!(world.plan().actions[0].functions.len(), 2);
}

#[test]
fn functions_that_share_an_interface_and_no_address_are_a_conflict_with_names() {
    let world = World::new()
        .pool("p", &[1], 0)
        .pool("q", &[2], 0)
        .function("f", "p", &[1], &[1])
        .function("g", "q", &[1], &[1])
        .eni(1, 1, &[1]);
    assert_eq!(world.verdicts(), ["1 lacks: conflict"]);
    let reason = world.plan().uncovered().next().expect("uncovered").reason;
    assert!(reason.to_string().contains("`f` (pool `p`), `g` (pool `q`)"), "{reason}");
}

#[test]
fn a_conflict_leaves_what_is_there_and_calls_it_wrong() {
    let world = World::new()
        .pool("p", &[1], 0)
        .pool("q", &[2], 0)
        .function("f", "p", &[1], &[1])
        .function("g", "q", &[1], &[1])
        .eni(1, 1, &[1])
        .on(1, 1);
    assert_eq!(world.verdicts(), ["1 lacks: wrong_address"]);
}

#[test]
fn one_function_whose_own_pins_contradict_each_other_is_no_conflict() {
    let world =
        simple().pin_subnet("f", 1, &[1]).pin("f", PinPlace::Zone(zone_id(1)), &[2]).eni(1, 1, &[1]).plan();
    let reason = world.uncovered().next().expect("uncovered").reason;
    assert_eq!(
        reason,
        Reason::NoFreeAddress {
            pool: pool("p"),
            candidates: 0,
            associated: 0,
            lingering: 0,
            served_first: None
        }
    );
}

#[test]
fn an_empty_pool_is_no_conflict() {
    let world = World::new()
        .pool("p", &[], 0)
        .function("f", "p", &[1], &[1])
        .function("g", "p", &[1], &[1])
        .eni(1, 1, &[1]);
    assert_eq!(world.verdicts(), ["1 lacks: no_free_address"]);
}

#[test]
fn a_pin_holds_in_its_subnet_or_zone_and_nowhere_else() {
    let pinned = |place| simple().pin("f", place, &[2]).eni(1, 1, &[1]).eni(2, 2, &[1]);
    let by_subnet = pinned(PinPlace::Subnet(super::subnet(1)));
    assert_eq!(by_subnet.verdicts()[0], "1 gets 2");
    let by_zone = pinned(PinPlace::Zone(zone_id(2))).with_eni(2, |i| i.zone_id = Some(zone_id(2)));
    assert_eq!(by_zone.verdicts()[1], "2 gets 2");
    let elsewhere = pinned(PinPlace::Zone(zone_id(3)));
    assert_eq!(received(&elsewhere).len(), 2);
}

#[test]
fn where_the_zone_is_not_shown_a_zone_pin_makes_wait_what_it_may_concern() {
    let world = simple()
        .pin("f", PinPlace::Zone(zone_id(1)), &[2])
        .eni(1, 1, &[1])
        .with_eni(1, |i| i.zone_id = None)
        .eni(2, 1, &[1]);
    assert_eq!(world.verdicts(), ["1 lacks: zone_unknown", "2 gets 2"]);
    let carrying = world.on(1, 1);
    assert_eq!(carrying.verdicts()[0], "1 keeps 1", "what it carries may be right");
}

#[test]
fn an_address_on_a_retired_interface_is_taken_when_none_is_free_and_for_what_serves_alone() {
    let mut world = simple().eni(1, 1, &[1]).eni(2, 1, &[1]).eni(3, 1, &[1]).eni(4, 1, &[1]).eni(9, 9, &[9]);
    world = world.on(1, 1).on(2, 2).on(3, 9);
    assert!(world.plan().actions.is_empty(), "lingering is not retired");
    world.observed.retired.insert(super::eni(9));
    let plan = world.plan();
    let [action] = &plan.actions[..] else { panic!("one move, not {:?}", plan.actions) };
    assert_eq!((action.kind.as_str(), action.from.clone()), ("move", Some(super::eni(9))));
    assert_eq!(action.allocation_id, super::alloc(3));
    assert_eq!(plan.uncovered().count(), 1);
    let waiting = world.clone().waiting(3).waiting(4);
    assert!(waiting.plan().actions.is_empty(), "what does not serve yet can wait");
    let free = world.pool("p", &[1, 2, 3, 4], 0);
    let kinds: Vec<_> = free.plan().actions.iter().map(|action| action.kind.as_str()).collect();
    assert!(kinds.contains(&"associate") && kinds.contains(&"move"), "{kinds:?}");
}

#[test]
fn an_address_that_a_pin_names_is_the_last_that_others_get() {
    for n in 1..200 {
        let world = simple().pin_subnet("f", 1, &[2]).eni(n, 2, &[1]);
        assert_eq!(world.verdicts().len(), 1);
        assert!(
            !received(&world).contains(&super::alloc(2)),
            "interface {n} takes what only subnet 1 may use"
        );
    }
}

#[test]
fn an_address_that_was_refused_is_the_last_to_be_tried() {
    for n in 1..50 {
        let mut world = simple().eni(n, 1, &[1]);
        let first = received(&world).pop_first().expect("one is free");
        world.observed.refused.insert(first.clone());
        assert!(!received(&world).contains(&first));
        world.observed.refused.extend(world.desired.allocations());
        assert_eq!(received(&world).len(), 1, "when all were refused, one is tried again");
    }
}

#[test]
fn subsets_and_supersets_of_security_groups_are_other_pairs() {
    let world = World::new()
        .pool("p", &[1, 2, 3], 0)
        .function("f", "p", &[1], &[1, 2])
        .eni(1, 1, &[1])
        .eni(2, 1, &[1, 2, 3])
        .eni(3, 1, &[])
        .eni(4, 1, &[2, 1])
        .eni(5, 2, &[1, 2]);
    let interfaces = world.plan().interfaces;
    assert_eq!(interfaces.len(), 1);
    assert_eq!(interfaces[0].network_interface_id, super::eni(4));
    assert_eq!(interfaces[0].pair.security_groups, groups(&[1, 2]));
}

#[test]
fn an_interface_of_another_account_or_on_its_way_out_is_none_of_ours() {
    let world = simple()
        .eni(1, 1, &[1])
        .with_eni(1, |i| i.owner = "999988887777".parse().expect("well-formed"))
        .eni(2, 1, &[1])
        .with_eni(2, |i| i.status = InterfaceStatus::Detaching);
    assert!(world.plan().interfaces.is_empty());
}

#[test]
fn an_interface_that_denies_the_internet_gateway_gets_nothing() {
    let world = simple().eni(1, 1, &[1]).with_eni(1, |i| i.denies_internet_gateway = true);
    assert_eq!(world.verdicts(), ["1 lacks: denies_internet_gateway"]);
}

#[test]
fn waiting_interfaces_are_served_last_and_from_beyond_min_spare() {
    for (free, min_spare, served) in [(1, 0, 1), (2, 1, 1), (3, 1, 2), (3, 2, 1), (4, 1, 2), (4, 9, 1)] {
        let numbers: Vec<u32> = (1..=free).collect();
        let world = World::new()
            .pool("p", &numbers, min_spare)
            .function("f", "p", &[1], &[1])
            .eni(1, 1, &[1])
            .waiting(1)
            .eni(2, 1, &[1]);
        let plan = world.plan();
        assert_eq!(plan.actions.len(), served, "{free} free, {min_spare} to spare");
        assert!(plan.actions.iter().any(|action| action.network_interface_id == super::eni(2)));
        assert_eq!(plan.uncovered().count(), 0, "an interface that does not serve yet is not uncovered");
    }
}

#[test]
fn a_waiting_interface_without_an_address_is_told_why() {
    let world = simple().pool("p", &[1], 1).eni(1, 1, &[1]).waiting(1);
    assert_eq!(world.verdicts(), ["1 lacks: spare_held_back"]);
    let world = simple().pool("p", &[1], 0).eni(1, 1, &[1]).waiting(1).eni(2, 1, &[1]).on(1, 2);
    assert_eq!(world.verdicts(), ["1 lacks: no_free_address", "2 keeps 1"]);
}

#[test]
fn the_spare_that_is_held_back_is_not_the_one_that_a_waiting_interface_is_pinned_to() {
    for pinned in [1, 2, 3] {
        let world = simple().pool("p", &[1, 2, 3], 2).pin_subnet("f", 1, &[pinned]).eni(1, 1, &[1]);
        assert_eq!(world.waiting(1).verdicts(), [format!("1 gets {pinned}")]);
    }
}

#[test]
fn a_serving_interface_leaves_to_an_upcoming_one_what_only_that_may_carry() {
    for pinned in [1, 2] {
        let world = simple()
            .pool("p", &[1, 2], 0)
            .pin_subnet("f", 2, &[pinned])
            .eni(1, 1, &[1])
            .eni(2, 2, &[1])
            .waiting(2);
        let other = 3 - pinned;
        assert_eq!(world.verdicts(), [format!("1 gets {other}"), format!("2 gets {pinned}")]);
    }
}

#[test]
fn an_address_outside_the_set_is_reported_and_never_replaced() {
    let world = simple().pool("q", &[7], 0).eni(1, 1, &[1]).on(7, 1);
    assert_eq!(world.verdicts(), ["1 lacks: wrong_address"]);
    let reason = world.plan().uncovered().next().expect("uncovered").reason;
    assert_eq!(reason.to_string(), "carries 198.51.100.7 (`eipalloc-00000007`), which belongs to pool `q`");
    let stray = simple().eni(1, 1, &[1]).interface_says(1, 99);
    assert_eq!(stray.verdicts(), ["1 lacks: undeclared_address"]);
}

#[test]
fn only_an_address_of_the_same_border_group_fits() {
    let elsewhere = |world: World, n| {
        world.with_address(n, |address| address.border_group = Some("eu-west-1-lon-1".into()))
    };
    let world = elsewhere(elsewhere(simple().eni(1, 1, &[1]), 1), 3);
    assert_eq!(world.verdicts(), ["1 gets 2"]);
    let world = elsewhere(world, 2);
    assert_eq!(world.verdicts(), ["1 lacks: border_group"]);
    let used = simple().eni(1, 1, &[1]).eni(2, 1, &[1]).eni(3, 1, &[1]).on(1, 1).on(2, 2);
    let used = elsewhere(used, 3);
    assert_eq!(used.verdicts()[2], "3 lacks: no_free_address", "those of its group are in use");
    let local = world.with_eni(1, |i| i.zone = Some("eu-west-1-lon-1a".into()));
    assert_eq!(local.plan().actions.len(), 1);
    let unknown = local.with_eni(1, |i| i.zone = None);
    assert_eq!(unknown.plan().actions.len(), 1, "what is not known does not stand in the way");
}

#[test]
fn functions_without_hyperplane_interfaces_use_none() {
    use FunctionObservation::{Known, NotFound, Unknown};
    let in_vpc = || configuration(Some(vpc(&[1], &[1])));
    let mut on_instances = in_vpc();
    on_instances.on_capacity_provider = true;
    let cases = [
        (Known(on_instances), "function_on_capacity_provider"),
        (Known(configuration(None)), "function_not_in_vpc"),
        (NotFound, "function_not_found"),
        (Unknown, "function_unknown"),
    ];
    for (observation, warning) in cases {
        let world = World::new().pool("p", &[1], 0).function_as("f", "p", observation).eni(1, 1, &[1]);
        assert_eq!((world.plan().interfaces.len(), world.warnings()), (0, vec![warning]));
    }
}

#[test]
fn states_warn_and_change_nothing_about_interfaces_that_are_there() {
    let cases = [
        (FunctionState::Inactive, LastUpdate::Successful, "function_inactive"),
        (FunctionState::Failed, LastUpdate::Successful, "function_failed"),
        (FunctionState::Active, LastUpdate::Failed, "function_failed"),
    ];
    for (state, last_update, warning) in cases {
        let world = simple().eni(1, 1, &[1]).on(1, 1).configure("f", |configuration| {
            configuration.state = Some(state);
            configuration.last_update = Some(last_update);
        });
        assert_eq!((world.verdicts(), world.warnings()), (vec!["1 keeps 1".to_owned()], vec![warning]));
    }
}

#[test]
fn until_an_update_has_settled_both_its_configurations_are_served() {
    let world = simple().eni(1, 1, &[1]).on(1, 1).eni(2, 1, &[2]).configure("f", |configuration| {
        configuration.former_vpc = configuration.vpc.replace(vpc(&[1], &[2]));
        configuration.last_update = Some(LastUpdate::InProgress);
    });
    assert_eq!(world.verdicts()[0], "1 keeps 1");
    assert!(world.verdicts()[1].starts_with("2 gets "), "{:?}", world.verdicts());
    let settled = world.configure("f", |configuration| configuration.former_vpc = None);
    assert_eq!(settled.plan().interfaces.len(), 1);
    assert_eq!(settled.warnings(), ["address_lingering"]);
}

#[test]
fn many_interfaces_of_one_pair_each_get_their_own() {
    let world = simple().eni(1, 1, &[1]).eni(2, 1, &[1]).eni(3, 1, &[1]).eni(4, 1, &[1]);
    assert_eq!(received(&world), *allocations(&[1, 2, 3]));
    assert_eq!(world.plan().pools[&pool("p")].shortfall, 1);
}
