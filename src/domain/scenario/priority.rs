//! Who is served first where addresses are short: by rules, as an operator would read it, and against brute force.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use proptest::prelude::*;

use super::golden::story;
use super::laws::{best, possible};
use super::worlds::{TINY, worlds};
use super::{World, associate, eni};
use crate::domain::audit::{Objection, audit};
use crate::domain::ids::NetworkInterfaceId;
use crate::domain::plan::{InterfacePlan, Plan};
use crate::domain::priority::Priority;
use crate::domain::reason::Reason;

fn priority(number: i64) -> Priority {
    Priority::new(number).expect("within the bounds")
}

/// Functions `high`, `mid` and `low` with an interface each, 1, 2 and 3, served from one pool of these addresses.
fn three(addresses: &[u32], min_spare: usize) -> World {
    World::new()
        .pool("p", addresses, min_spare)
        .function("low", "p", &[3], &[1])
        .function("mid", "p", &[2], &[1])
        .function("high", "p", &[1], &[1])
        .priority("high", 10)
        .priority("low", -5)
        .eni(1, 1, &[1])
        .eni(2, 2, &[1])
        .eni(3, 3, &[1])
}

fn gets(world: &World) -> Vec<NetworkInterfaceId> {
    let plan = world.plan();
    assert_eq!(audit(&world.desired, &world.observed, &plan.actions), []);
    plan.actions.iter().map(|action| action.network_interface_id.clone()).collect()
}

#[test]
fn the_bounds_are_kept() {
    assert_eq!(Priority::new(0), Some(Priority::default()));
    assert_eq!(
        (Priority::new(1000), Priority::new(-1000)),
        (Some(Priority::HIGHEST), Some(Priority::LOWEST))
    );
    assert_eq!((Priority::new(1001), Priority::new(-1001), Priority::new(i64::MAX)), (None, None, None));
}

#[test]
fn of_those_that_compete_the_higher_are_served_first() {
    insta::assert_snapshot!(story(&three(&[1], 0)), @r"
    interface 1 of high: gets 1 (bare)
    interface 2 of mid: no free address: the only one that pool `p` has for it cannot be had for now; `high` is served first, by priority 10 over 0; hint: add an allocation to the pool
    interface 3 of low: no free address: the only one that pool `p` has for it cannot be had for now; `high` is served first, by priority 10 over -5; hint: add an allocation to the pool
    pool p: 0 associated, 1 spare, 2 short
    ");
    insta::assert_snapshot!(story(&three(&[1, 2], 0)), @r"
    interface 1 of high: gets 1 (bare)
    interface 2 of mid: gets 2 (bare)
    interface 3 of low: no free address: none of the 2 that pool `p` has for it can be had for now; `mid` is served first, by priority 0 over -5; hint: add an allocation to the pool
    pool p: 0 associated, 2 spare, 1 short
    ");
}

#[test]
fn actions_of_higher_priority_are_carried_out_first() {
    assert_eq!(gets(&three(&[1, 2, 3], 0)), [eni(1), eni(2), eni(3)]);
    let other_way = three(&[1, 2, 3], 0).priority("high", -10).priority("low", 5);
    assert_eq!(gets(&other_way), [eni(3), eni(2), eni(1)]);
}

#[test]
fn priority_costs_no_coverage_and_breaks_nothing_healthy() {
    // The higher could take either address, and the lower only the one.
    let pinned = three(&[1, 2], 0)
        .pin_subnet("low", 3, &[1])
        .with_eni(2, |i| i.owner = "999988887777".parse().expect("well-formed"));
    assert_eq!(pinned.verdicts(), ["1 gets 2", "3 gets 1"]);
    let healthy = three(&[1], 0).on(1, 3);
    assert_eq!(healthy.verdicts(), ["1 lacks: no_free_address", "2 lacks: no_free_address", "3 keeps 1"]);
    let reason = healthy.plan().uncovered().next().expect("uncovered").reason;
    assert!(matches!(reason, Reason::NoFreeAddress { served_first: None, .. }), "{reason}");
}

#[test]
fn a_shared_interface_has_the_highest_of_its_users() {
    let shared = three(&[1], 0).function("urgent", "p", &[3], &[1]).priority("urgent", 11);
    assert_eq!(gets(&shared), [eni(3)]);
    insta::assert_snapshot!(story(&shared), @r"
    interface 1 of high: no free address: the only one that pool `p` has for it cannot be had for now; `urgent` is served first, by priority 11 over 10; hint: add an allocation to the pool
    interface 2 of mid: no free address: the only one that pool `p` has for it cannot be had for now; `urgent` is served first, by priority 11 over 0; hint: add an allocation to the pool
    interface 3 of low and urgent: gets 1 (bare)
    pool p: 0 associated, 1 spare, 2 short
    ");
}

#[test]
fn whoever_serves_comes_before_whoever_waits_and_a_way_out_before_a_dead_end() {
    assert_eq!(gets(&three(&[1], 0).waiting(1)), [eni(2)]);
    assert_eq!(gets(&three(&[1], 0).network(&[1, 2, 3], &[1])), [eni(2)]);
    // A pinned interface goes first only among its equals.
    assert_eq!(gets(&three(&[1], 0).pin_subnet("low", 3, &[1])), [eni(1)]);
    let all_wait = |spare| three(&[1, 2], spare).waiting(1).waiting(2).waiting(3);
    assert_eq!(
        (gets(&all_wait(0)), gets(&all_wait(1)), gets(&all_wait(2))),
        (vec![eni(1), eni(2)], vec![eni(1)], vec![])
    );
    insta::assert_snapshot!(story(&all_wait(1)), @r"
    interface 1 of high, not serving yet: gets 1 (upcoming)
    interface 2 of mid, not serving yet: does not serve yet, and the spare addresses of pool `p` are kept for those that do
    interface 3 of low, not serving yet: does not serve yet, and the spare addresses of pool `p` are kept for those that do
    pool p: 0 associated, 2 spare, 0 short
    ");
}

#[test]
fn who_came_first_is_told_also_where_others_stand_between() {
    // `mid` may carry both, so that `low` is short of what `high` has, though it may not carry that.
    let chain = World::new()
        .pool("p", &[1], 0)
        .pool("q", &[1, 2], 0)
        .pool("r", &[2], 0)
        .function("high", "p", &[1], &[1])
        .function("mid", "q", &[2], &[1])
        .function("low", "r", &[3], &[1])
        .priority("high", 10)
        .eni(1, 1, &[1])
        .eni(2, 2, &[1])
        .eni(3, 3, &[1]);
    insta::assert_snapshot!(story(&chain), @r"
    interface 1 of high: gets 1 (bare)
    interface 2 of mid: gets 2 (bare)
    interface 3 of low: no free address: the only one that pool `r` has for it cannot be had for now; `high` is served first, by priority 10 over 0; hint: add an allocation to the pool
    pool p: 0 associated, 1 spare, 0 short
    pool q: 0 associated, 2 spare, 0 short
    pool r: 0 associated, 1 spare, 1 short
    ");
}

#[test]
fn an_interface_with_a_wrong_address_takes_its_turn_after_the_bare_ones() {
    let world = three(&[1], 0).pool("q", &[9], 0).on(9, 1);
    assert_eq!(world.verdicts(), ["1 lacks: wrong_address", "2 gets 1", "3 lacks: no_free_address"]);
    let two_wrong = three(&[1], 0)
        .pool("q", &[8, 9], 0)
        .on(9, 1)
        .on(8, 2)
        .with_eni(3, |i| i.owner = "999988887777".parse().expect("well-formed"));
    assert_eq!(gets(&two_wrong), [eni(1)]);
}

/// What is said against giving address 1 to this interface.
fn against(world: &World, interface: u32, user: &str) -> Vec<Objection> {
    let violations = audit(&world.desired, &world.observed, &[associate(1, interface, &[user])]);
    violations.into_iter().map(|violation| violation.objection).collect()
}

#[test]
fn the_audit_refuses_to_pass_over_a_higher_priority() {
    let out_of_turn = |n, number| vec![Objection::OutOfTurn(eni(n), priority(number))];
    assert_eq!(against(&three(&[1], 0), 1, "high"), []);
    assert_eq!(against(&three(&[1], 0), 2, "mid"), out_of_turn(1, 10));
    assert_eq!(against(&three(&[1], 0), 3, "low"), out_of_turn(1, 10));
    assert_eq!(against(&three(&[1, 2], 0).on(2, 1), 3, "low"), out_of_turn(2, 0));
    let waits = three(&[1], 0).waiting(3);
    assert_eq!(against(&waits, 3, "low"), out_of_turn(1, 10));
    let both = [associate(1, 2, &["mid"]), associate(2, 1, &["high"])];
    let two = three(&[1, 2], 0);
    assert_eq!(audit(&two.desired, &two.observed, &both), [], "nobody is passed over who is given something");
}

#[test]
fn the_audit_lets_pass_over_who_could_not_be_given_the_address() {
    let cases: Vec<(&str, World)> = vec![
        ("it does not serve", three(&[1], 0).waiting(1)),
        (
            "it is going away",
            three(&[1], 0).with_eni(1, |i| i.status = crate::domain::observed::InterfaceStatus::Detaching),
        ),
        (
            "another account's",
            three(&[1], 0).with_eni(1, |i| i.owner = "999988887777".parse().expect("well-formed")),
        ),
        ("it denies the gateway", three(&[1], 0).with_eni(1, |i| i.denies_internet_gateway = true)),
        ("it carries something", three(&[1], 0).interface_says(1, 99)),
        ("an address says so", three(&[1, 2], 0).address_says(2, 1)),
        ("it got another moments ago", three(&[1, 2], 0).wrote(1, 2)),
        ("its subnet leads nowhere", three(&[1], 0).network(&[1, 2, 3], &[1])),
        ("a pin", three(&[1, 2], 0).pin_subnet("high", 1, &[2])),
        (
            "its pool",
            three(&[1], 0).pool("q", &[2], 0).function("high", "q", &[1], &[1]).priority("high", 10),
        ),
        ("a conflict", three(&[1], 0).pool("q", &[2], 0).function("g", "q", &[1], &[1])),
        ("its border group", three(&[1], 0).with_eni(1, |i| i.zone = Some("eu-west-1-lon-1a".into()))),
        ("a bystander", three(&[1], 0).listed(&[("stranger", &[1], &[1])]).denies("p")),
        ("one priority for all", three(&[1], 0).priority("high", 0).priority("low", 0)),
    ];
    for (why, world) in cases {
        assert_eq!(against(&world, 2, "mid"), [], "{why}");
    }
}

/// Who is served before whom: those at a dead end last.
type Turn = (bool, Reverse<Priority>);

fn turn(world: &World, interface: &InterfacePlan) -> Turn {
    let users = interface.functions.iter().map(|function| world.desired.functions[function].priority);
    (interface.dead_end.is_some(), Reverse(users.max().expect("somebody uses it")))
}

/// The serving interfaces that a plan gives something to that carried nothing.
fn served(plan: &Plan) -> Vec<&InterfacePlan> {
    let given = plan.actions.iter().filter(|action| action.takes_off().is_none());
    let given: BTreeSet<_> = given.map(|action| &action.network_interface_id).collect();
    plan.required().filter(|interface| given.contains(&interface.network_interface_id)).collect()
}

proptest! {
    #[test]
    fn of_those_that_come_first_as_many_are_served_as_if_nobody_else_were_there(world in worlds(TINY)) {
        let possible = possible(&world, TINY.addresses);
        let plan = world.plan();
        let fits = |id: &NetworkInterfaceId| {
            possible.serving_ids.iter().position(|known| known == id).map(|place| possible.serving[place].clone())
        };
        let all: Vec<(Turn, Vec<u32>)> = plan
            .required()
            .map(|interface| (turn(&world, interface), fits(&interface.network_interface_id).unwrap_or_default()))
            .collect();
        for (last, _) in &all {
            let first: Vec<Vec<u32>> =
                all.iter().filter(|(turn, _)| turn <= last).map(|(_, fits)| fits.clone()).collect();
            let (most, _) = best(&first, &[], &mut Vec::new(), &|_| true);
            let served = served(&plan).into_iter().filter(|interface| turn(&world, interface) <= *last).count();
            prop_assert_eq!(served, most, "up to {:?}", last);
        }
    }

    #[test]
    fn whoever_is_told_to_come_first_could_have_made_room(world in worlds(TINY)) {
        let possible = possible(&world, TINY.addresses);
        let fits = |id: &NetworkInterfaceId| {
            let place = possible.serving_ids.iter().position(|known| known == id).expect("it serves");
            possible.serving[place].clone()
        };
        let plan = world.plan();
        for uncovered in plan.uncovered() {
            let Reason::NoFreeAddress { served_first: Some(first), .. } = &uncovered.reason else { continue };
            prop_assert!(first.priority > first.over);
            let served = served(&plan);
            let has_come_first = |interface: &&InterfacePlan| {
                interface.functions.contains(&first.function)
                    && turn(&world, interface) == (false, Reverse(first.priority))
            };
            let makes_room = served.iter().copied().filter(has_come_first).any(|instead| {
                let others = served.iter().filter(|other| other.network_interface_id != instead.network_interface_id);
                let mut wanted: Vec<_> = others.map(|other| fits(&other.network_interface_id)).collect();
                wanted.push(fits(&uncovered.network_interface_id));
                best(&wanted, &[], &mut Vec::new(), &|_| true).0 == wanted.len()
            });
            prop_assert!(makes_room, "{:?}", uncovered);
        }
    }
}
