//! Disruptions, one rule at a time: what is planned, what never is, and what the audit says against each way to spoil
//! a right one. On random worlds nothing healthy is ever hit (law 2).

use proptest::prelude::*;

use super::worlds::{SMALL, worlds};
use super::{World, alloc, associate, eni, function, number, vpc};
use crate::domain::action::{Action, ActionKind, ActionReason};
use crate::domain::audit::{Objection, audit};
use crate::domain::function::{FunctionState, LastUpdate};
use crate::domain::observed::Part;
use crate::domain::plan::Plan;
use crate::domain::policy::OnRemoved;

/// The function of interface 1 is served from 1 and 2; the interface carries 9, which is another pool's.
fn wrong() -> World {
    World::new()
        .pool("p", &[1, 2], 0)
        .pool("q", &[8, 9], 0)
        .function("f", "p", &[1], &[1])
        .eni(1, 1, &[1])
        .on(9, 1)
}

fn told(plan: &Plan) -> Vec<String> {
    let line = |action: &Action| {
        let (on, address) = (number(&action.network_interface_id), number(&action.allocation_id));
        let lost = action.replaces.as_ref().map(|lost| format!(" for {}", number(lost)));
        let from = action.from.as_ref().map(|from| format!(" from {}", number(from)));
        let (kind, reason) = (action.kind.as_str(), action.reason.as_str());
        format!("{kind} {address} on {on}{}{} ({reason})", lost.unwrap_or_default(), from.unwrap_or_default())
    };
    plan.actions.iter().map(line).collect()
}

/// What is planned, once the audit has nothing against it.
fn planned(world: &World) -> Vec<String> {
    let plan = world.plan();
    assert_eq!(audit(&world.desired, &world.observed, &plan.actions), []);
    told(&plan)
}

const NOTHING: [&str; 0] = [];

#[test]
fn an_address_of_another_pool_makes_room_and_a_strange_one_does_not() {
    let plan = planned(&wrong());
    assert!(plan == ["replace 1 on 1 for 9 (wrong)"] || plan == ["replace 2 on 1 for 9 (wrong)"], "{plan:?}");
    let mut strange = wrong();
    strange.desired.pools.remove(&super::pool("q"));
    assert_eq!(planned(&strange), NOTHING);
    strange.observed.leave.named.interfaces.insert(eni(1));
    assert_eq!(planned(&strange).len(), 1, "unless an operator names it");
}

#[test]
fn bare_interfaces_come_first_and_a_wrong_one_takes_only_what_is_free() {
    let bare_too = wrong().eni(2, 1, &[1]).address_says(2, 3_000);
    assert_eq!(planned(&bare_too), ["associate 1 on 2 (bare)"]);
    let mut retired = wrong().address_says(1, 1_000).eni(5, 5, &[5]).on(2, 5);
    retired.observed.retired.insert(eni(5));
    assert_eq!(planned(&retired), NOTHING, "a move is for those that have nothing");
}

#[test]
fn in_every_doubt_the_wrong_address_stays() {
    let doubts: Vec<(&str, World)> = vec![
        ("a part was not seen", wrong().gap(Part::Functions)),
        ("it does not serve", wrong().waiting(1)),
        ("none is free", wrong().address_says(1, 1_000).address_says(2, 1_000)),
        ("given moments ago", wrong().wrote(1, 1)),
        ("the other was given elsewhere moments ago", wrong().wrote(7, 9)),
        ("only the interface says so", wrong().with_address(9, |address| address.association = None)),
        ("only the interface knows of it", wrong().without_address(9)),
        ("two addresses are shown", wrong().interface_says(1, 8)),
        ("a service has it", wrong().with_address(9, |a| a.managed_by = Some("nlb".to_owned()))),
        ("the update is not over", wrong().configure("f", |f| f.last_update = Some(LastUpdate::InProgress))),
        ("the update failed", wrong().configure("f", |f| f.last_update = Some(LastUpdate::Failed))),
        ("its states are not known", wrong().configure("f", |f| (f.state, f.last_update) = (None, None))),
        ("it is being made", wrong().configure("f", |f| f.state = Some(FunctionState::Pending))),
        ("it was served elsewhere before", wrong().configure("f", |f| f.former_vpc = Some(vpc(&[2], &[1])))),
    ];
    for (doubt, world) in doubts {
        assert_eq!(planned(&world), NOTHING, "{doubt}");
    }
}

/// Interface 1 is that of a function which the configuration names by its version, and Lambda tells no update of it.
fn published() -> World {
    let world = World::new().pool("p", &[1, 2], 0).pool("q", &[8, 9], 0).function("f:7", "p", &[1], &[1]);
    world.eni(1, 1, &[1]).on(9, 1).configure("f:7", |f| f.last_update = None)
}

#[test]
fn a_published_version_is_settled_though_no_update_of_it_is_told() {
    assert_eq!(planned(&published()).len(), 1);
    let latest = wrong().configure("f", |f| f.last_update = None);
    assert_eq!(planned(&latest), NOTHING);
    let action = |function| Action {
        kind: ActionKind::Replace,
        replaces: Some(alloc(9)),
        ..associate(1, 1, &[function])
    };
    assert_eq!(objections(&published(), action("f:7")), []);
    assert_eq!(objections(&latest, action("f")), [Objection::Unsettled(function("f"))]);
    for status in [LastUpdate::InProgress, LastUpdate::Failed, LastUpdate::Other] {
        let updating = published().configure("f:7", |f| f.last_update = Some(status));
        assert_eq!(planned(&updating), NOTHING);
        assert_eq!(objections(&updating, action("f:7")), [Objection::Unsettled(function("f:7"))]);
    }
}

/// What is said against replacing 9 by 1.
fn against(world: &World) -> Vec<Objection> {
    let action = Action { kind: ActionKind::Replace, replaces: Some(alloc(9)), ..associate(1, 1, &["f"]) };
    objections(world, action)
}

fn objections(world: &World, action: Action) -> Vec<Objection> {
    let violations = audit(&world.desired, &world.observed, &[action]);
    violations.into_iter().map(|violation| violation.objection).collect()
}

#[test]
fn the_audit_asks_of_a_replacement_that_nothing_healthy_is_lost() {
    assert_eq!(against(&wrong()), []);
    let mut healthy = wrong();
    let all = super::allocations(&[1, 2, 9]);
    healthy.desired.pools.get_mut(&super::pool("p")).expect("declared").allocations = all;
    assert_eq!(against(&healthy), [Objection::Healthy(alloc(9))]);
    let mut strange = wrong();
    strange.desired.pools.remove(&super::pool("q"));
    assert_eq!(against(&strange), [Objection::Unknown(alloc(9))]);
    assert_eq!(against(&wrong().gap(Part::Functions)), [Objection::Incomplete]);
    assert_eq!(against(&wrong().waiting(1)), [Objection::NotServing]);
    assert_eq!(against(&wrong().interface_says(1, 8)), [Objection::Carries(Some(alloc(8)))]);
    assert_eq!(against(&wrong().address_says(8, 1)), [Objection::Carries(Some(alloc(8)))]);
    assert_eq!(against(&wrong().without_address(9)), [Objection::NotThere(alloc(9))]);
    assert_eq!(against(&wrong().address_says(9, 4)), [Objection::NotThere(alloc(9))]);
    let unsettled = wrong().configure("f", |f| f.last_update = Some(LastUpdate::InProgress));
    assert_eq!(against(&unsettled), [Objection::Unsettled(function("f"))]);
    assert_eq!(against(&wrong().wrote(1, 1)), [Objection::RecentlyGot(alloc(1))]);
    assert_eq!(against(&wrong().wrote(7, 9)), [Objection::RecentlyGivenTo(eni(7))]);
    assert_eq!(against(&wrong().address_says(1, 6)), [Objection::Held(Some(eni(6)))]);
    let unnamed = Action { kind: ActionKind::Replace, ..associate(1, 1, &["f"]) };
    assert_eq!(objections(&wrong(), unnamed)[0], Objection::LossUnnamed);
    let idle = Action { replaces: Some(alloc(9)), ..associate(1, 1, &["f"]) };
    assert!(objections(&wrong(), idle).contains(&Objection::LossUnnamed));
}

/// Interface 3 is used by nothing declared and carries 2; it may be taken off.
fn unneeded() -> World {
    let mut world = World::new()
        .pool("p", &[1, 2], 0)
        .function("f", "p", &[1], &[1])
        .eni(1, 1, &[1])
        .on(1, 1)
        .eni(3, 3, &[3])
        .on(2, 3);
    world.observed.leave.on_removed = OnRemoved::Disassociate;
    world.observed.leave.unneeded.insert(alloc(2), eni(3));
    world
}

#[test]
fn what_nothing_declared_needs_any_more_is_taken_off_where_that_is_asked_for() {
    assert_eq!(planned(&unneeded()), ["disassociate 2 on 3 (removed)"]);
    assert_eq!(planned(&unneeded().gap(Part::Functions)), NOTHING);
    assert_eq!(planned(&unneeded().wrote(3, 2)), NOTHING);
    let action = || Action { kind: ActionKind::Disassociate, ..associate(2, 3, &[]) };
    let mut kept = unneeded();
    kept.observed.leave.on_removed = OnRemoved::Keep;
    assert_eq!(objections(&kept, action()), [Objection::NotReleased]);
    let mut unlisted = unneeded();
    unlisted.observed.leave.unneeded.clear();
    assert_eq!(objections(&unlisted, action()), [Objection::NotReleased]);
    let used = unneeded().function("g", "p", &[3], &[3]);
    assert_eq!(planned(&used), NOTHING, "a function that was read since uses it");
    assert_eq!(objections(&used, action()), [Objection::Used(function("g"))]);
    let mut undeclared = unneeded();
    undeclared.desired.pools.get_mut(&super::pool("p")).expect("declared").allocations =
        super::allocations(&[1]);
    assert_eq!(objections(&undeclared, action()), [Objection::Undeclared]);
    undeclared.observed.leave.former.insert(alloc(2));
    assert_eq!(objections(&undeclared, action()), []);
    assert_eq!(objections(&unneeded().off(2, 3), action()).len(), 2, "neither view shows it there");
    let theirs = unneeded().with_eni(3, |i| i.owner = "999988887777".parse().expect("well-formed"));
    assert!(matches!(objections(&theirs, action())[..], [Objection::ForeignOwner(_)]));
}

#[test]
fn an_address_that_left_the_configuration_is_replaced_or_else_taken_off() {
    let former = |free: &[u32]| {
        let mut world = wrong();
        world.desired.pools.remove(&super::pool("q"));
        world.desired.pools.get_mut(&super::pool("p")).expect("declared").allocations =
            super::allocations(free);
        world.observed.leave.former.insert(alloc(9));
        world.observed.leave.on_removed = OnRemoved::Disassociate;
        world
    };
    assert_eq!(planned(&former(&[1])), ["replace 1 on 1 for 9 (removed)"]);
    let short = former(&[1]).address_says(1, 1_000);
    assert_eq!(planned(&short), ["disassociate 9 on 1 (removed)"]);
    let mut kept = former(&[1]);
    kept.observed.leave.on_removed = OnRemoved::Keep;
    assert_eq!(planned(&kept), NOTHING);
    let unsettled = short.configure("f", |f| f.last_update = Some(LastUpdate::InProgress));
    assert_eq!(planned(&unsettled), NOTHING);
}

/// Address 1 is on something of somebody's, and interface 1 is bare.
fn foreign() -> World {
    let world = World::new().pool("p", &[1], 0).function("f", "p", &[1], &[1]).eni(1, 1, &[1]);
    world.address_says(1, 77)
}

#[test]
fn an_operators_word_takes_an_address_from_a_stranger_for_a_bare_interface() {
    assert_eq!(planned(&foreign()), NOTHING);
    let named = |mut world: World| {
        world.observed.leave.named.addresses.insert(alloc(1));
        world
    };
    assert_eq!(planned(&named(foreign())), ["move 1 on 1 from 77 (named)"]);
    assert_eq!(planned(&named(foreign().gap(Part::Interfaces))), NOTHING);
    let managed = foreign().with_address(1, |address| address.managed_by = Some("nlb".to_owned()));
    assert_eq!(planned(&named(managed)), NOTHING);
    let used = named(foreign().eni(2, 1, &[1]).on(1, 2));
    assert_eq!(planned(&used), NOTHING, "not from another interface that needs it");
    let taken = Action {
        kind: ActionKind::Move,
        from: Some(eni(2)),
        reason: ActionReason::Named,
        ..associate(1, 1, &["f"])
    };
    assert!(objections(&used, taken.clone()).contains(&Objection::Used(function("f"))));
    let unnamed = Action { from: Some(eni(77)), ..taken };
    assert_eq!(objections(&foreign(), unnamed), [Objection::NotRetired(eni(77))]);
}

proptest! {
    #[test]
    fn nothing_healthy_is_ever_hit(world in worlds(SMALL)) {
        for action in world.plan().actions.iter().filter(|action| action.is_disruption()) {
            let lost = action.takes_off().expect("only an operator's word moves");
            let users = action.functions.iter().map(|function| &world.desired.functions[function]);
            let set = |declared: &crate::domain::desired::DesiredFunction| {
                let interface = &world.observed.interfaces[&action.network_interface_id];
                let pinned = declared.pins.iter().filter(|(place, _)| match place {
                    crate::domain::desired::PinPlace::Subnet(subnet) => *subnet == interface.pair.subnet,
                    crate::domain::desired::PinPlace::Zone(zone) => interface.zone_id.as_ref() == Some(zone),
                });
                world.desired.pools[&declared.pool].allocations.contains(lost)
                    && pinned.into_iter().all(|(_, allocations)| allocations.contains(lost))
            };
            prop_assert!(!users.into_iter().all(set));
            prop_assert!(world.observed.is_complete());
        }
    }
}
