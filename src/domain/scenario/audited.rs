//! The audit, one objection at a time: a plan that is right, and what is wrong with each way to spoil it.

use super::{World, alloc, associate, eni, function, ip, vpc, zone_id};
use crate::domain::action::{Action, ActionKind};
use crate::domain::audit::{Objection, audit};
use crate::domain::desired::PinPlace;
use crate::domain::function::LastUpdate;
use crate::domain::observed::{AddressAssociation, Interface, InterfaceAssociation, InterfaceStatus, Part};

/// Functions `f` and `g` share interface 1; address 2 is in both their pools.
fn simple() -> World {
    World::new()
        .pool("p", &[1, 2, 3], 0)
        .pool("q", &[2, 3, 4], 0)
        .function("f", "p", &[1, 2], &[1])
        .function("g", "q", &[1], &[1])
        .eni(1, 1, &[1])
        .eni(2, 2, &[1])
}

fn objections(world: &World, actions: &[Action]) -> Vec<Objection> {
    audit(&world.desired, &world.observed, actions).into_iter().map(|violation| violation.objection).collect()
}

/// What is said against giving address 2 to interface 1.
fn against(world: &World) -> Vec<Objection> {
    objections(world, &[associate(2, 1, &["f", "g"])])
}

#[test]
fn nothing_is_said_against_a_right_plan() {
    assert_eq!(against(&simple()), []);
    assert_eq!(objections(&simple(), &[associate(2, 1, &["f", "g"]), associate(1, 2, &["f"])]), []);
    assert_eq!(objections(&simple(), &[]), []);
    assert_eq!(against(&simple().wrote(1, 2)), [], "giving the same again is harmless");
}

#[test]
fn only_declared_addresses_of_every_set_may_be_given() {
    let given = |address, interface, functions: &[&str]| {
        objections(&simple(), &[associate(address, interface, functions)])
    };
    assert_eq!(given(1, 1, &["f", "g"]), [Objection::OutsideSet(function("g"))]);
    assert_eq!(given(4, 1, &["f", "g"]), [Objection::OutsideSet(function("f"))]);
    let undeclared = given(9, 2, &["f"]);
    let objections = [Objection::Undeclared, Objection::OutsideSet(function("f")), Objection::AddressUnseen];
    assert_eq!(undeclared, objections);
}

#[test]
fn a_pin_that_applies_narrows_the_set() {
    let pinned = |place| against(&simple().pin("f", place, &[3]));
    let outside = [Objection::OutsideSet(function("f"))];
    assert_eq!(pinned(PinPlace::Subnet(super::subnet(1))), outside);
    assert_eq!(pinned(PinPlace::Zone(zone_id(1))), outside);
    assert_eq!(pinned(PinPlace::Subnet(super::subnet(2))), []);
    assert_eq!(pinned(PinPlace::Zone(zone_id(2))), []);
}

#[test]
fn the_interface_must_be_used_and_by_the_functions_that_are_named() {
    let unused = simple().eni(3, 3, &[1]).eni(4, 1, &[1, 2]);
    for interface in [3, 4] {
        assert_eq!(objections(&unused, &[associate(1, interface, &["f"])]), [Objection::Unused]);
    }
    for named in [&["f"][..], &["g"], &[], &["g", "f"], &["f", "g", "h"]] {
        let users = vec![function("f"), function("g")];
        assert_eq!(objections(&simple(), &[associate(2, 1, named)]), [Objection::OtherFunctions(users)]);
    }
    let on_instances = simple().configure("g", |configuration| configuration.on_capacity_provider = true);
    assert_eq!(against(&on_instances), [Objection::OtherFunctions(vec![function("f")])]);
}

#[test]
fn a_former_configuration_counts_until_the_update_has_settled() {
    let world = simple().configure("g", |configuration| {
        configuration.former_vpc = configuration.vpc.replace(vpc(&[3], &[1]));
        configuration.last_update = Some(LastUpdate::InProgress);
    });
    assert_eq!(against(&world), []);
    assert_eq!(objections(&world, &[associate(1, 1, &["f", "g"])]), [Objection::OutsideSet(function("g"))]);
}

#[test]
fn the_interface_must_be_seen_ours_and_able_to_carry_an_address() {
    let spoilt = |change: fn(&mut Interface)| against(&simple().with_eni(1, change));
    let stranger = "999988887777".parse().expect("well-formed");
    assert_eq!(
        spoilt(|i| i.owner = "999988887777".parse().expect("well-formed")),
        [Objection::ForeignOwner(stranger)]
    );
    assert_eq!(spoilt(|i| i.status = InterfaceStatus::Detaching), [Objection::Detaching]);
    assert_eq!(spoilt(|i| i.status = InterfaceStatus::Waiting), []);
    assert_eq!(spoilt(|i| i.denies_internet_gateway = true), [Objection::DeniesInternetGateway]);
    assert_eq!(objections(&simple(), &[associate(2, 9, &["f"])]), [Objection::InterfaceUnseen]);
}

#[test]
fn an_interface_that_carries_anything_in_either_view_is_left_alone() {
    let stray = InterfaceAssociation { allocation: None, public_ip: Some(ip(200)) };
    assert_eq!(against(&simple().with_eni(1, |i| i.associations.push(stray))), [Objection::Carries(None)]);
    assert_eq!(against(&simple().interface_says(1, 3)), [Objection::Carries(Some(alloc(3)))]);
    assert_eq!(against(&simple().address_says(3, 1)), [Objection::Carries(Some(alloc(3)))]);
}

#[test]
fn an_address_that_is_anywhere_in_either_view_is_left_alone() {
    let on_two = [Objection::Held(Some(eni(2)))];
    assert_eq!(against(&simple().interface_says(2, 2)), on_two);
    assert_eq!(against(&simple().address_says(2, 2)), on_two);
    let unnamed = InterfaceAssociation { allocation: None, public_ip: Some(ip(2)) };
    assert_eq!(against(&simple().with_eni(2, |i| i.associations.push(unnamed))), on_two);
    for instance in [Some("i-0abc".to_owned()), None] {
        let association = AddressAssociation { id: None, interface: None, instance };
        let world = simple().with_address(2, |address| address.association = Some(association));
        assert_eq!(against(&world), [Objection::Held(None)]);
    }
    let managed = simple().with_address(2, |address| address.managed_by = Some("nlb".to_owned()));
    assert_eq!(against(&managed), [Objection::ServiceManaged("nlb".to_owned())]);
    assert_eq!(against(&simple().without_address(2)), [Objection::AddressUnseen]);
}

/// Interface 3 is used by nothing and carries address 2.
fn lingering() -> World {
    simple().eni(3, 3, &[1]).on(2, 3)
}

fn moved(from: Option<u32>) -> Action {
    Action { kind: ActionKind::Move, from: from.map(eni), ..associate(2, 1, &["f", "g"]) }
}

#[test]
fn an_address_is_taken_from_a_retired_interface_alone() {
    let against = |world: &World, action: Action| objections(world, &[action]);
    let mut world = lingering();
    assert_eq!(against(&world, moved(Some(3))), [Objection::NotRetired(eni(3))]);
    world.observed.retired.insert(eni(3));
    assert_eq!(against(&world, moved(Some(3))), []);
    assert_eq!(against(&world, associate(2, 1, &["f", "g"])).len(), 2, "only a move may take it");
    assert_eq!(against(&world, moved(None))[0], Objection::MoveWithoutSource);
    let odd = Action { from: Some(eni(3)), ..associate(2, 1, &["f", "g"]) };
    assert_eq!(against(&world, odd), [Objection::MoveWithoutSource]);
    let mut used = lingering().function("h", "q", &[3], &[1]);
    used.observed.retired.insert(eni(3));
    assert_eq!(against(&used, moved(Some(3))), [Objection::NotRetired(eni(3))]);
    let mut elsewhere = lingering().with_eni(3, |i| i.owner = "999988887777".parse().expect("well-formed"));
    elsewhere.observed.retired.insert(eni(3));
    assert_eq!(against(&elsewhere, moved(Some(3))), [Objection::NotRetired(eni(3))]);
}

#[test]
fn a_pin_on_a_zone_needs_the_zone() {
    let world = simple().pin("f", PinPlace::Zone(zone_id(2)), &[3]).with_eni(1, |i| i.zone_id = None);
    assert_eq!(against(&world), [Objection::ZoneUnknown(function("f"))]);
}

#[test]
fn an_interface_that_may_carry_what_could_not_be_read_waits() {
    let world = simple().without_address(3);
    assert_eq!(against(&world), []);
    let unread = world.gap(Part::Addresses);
    assert_eq!(against(&unread), [Objection::MayCarry(alloc(3))]);
    assert_eq!(against(&unread.pin_subnet("g", 1, &[2])), []);
    let outside_q = simple().without_address(1).gap(Part::Addresses);
    assert_eq!(against(&outside_q), [], "only one of the two may carry it");
}

#[test]
fn an_address_keeps_its_public_face() {
    let action = Action { public_ip: ip(77), ..associate(2, 1, &["f", "g"]) };
    assert_eq!(objections(&simple(), &[action]), [Objection::OtherPublicIp(ip(2))]);
}

#[test]
fn recent_writes_bind_both_the_interface_and_the_address() {
    assert_eq!(against(&simple().wrote(1, 3)), [Objection::RecentlyGot(alloc(3))]);
    assert_eq!(against(&simple().wrote(2, 2)), [Objection::RecentlyGivenTo(eni(2))]);
    assert_eq!(against(&simple().wrote(1, 2).wrote(2, 2)), [Objection::RecentlyGivenTo(eni(2))]);
}

#[test]
fn border_groups_must_agree_where_both_are_known() {
    let against = |zone: &str, group: Option<&str>| {
        let world = simple().with_eni(1, |i| i.zone = Some(zone.into()));
        against(&world.with_address(2, |address| address.border_group = group.map(Into::into)))
    };
    let agree = [
        ("eu-west-1a", Some("eu-west-1")),
        ("us-west-2-lax-1b", Some("us-west-2-lax-1")),
        ("eu-west-1a", None),
        ("us-east-1-wl1-bos-wlz-1", Some("us-east-1")),
        ("somewhere", Some("eu-west-1")),
        ("", Some("eu-west-1")),
    ];
    for (zone, group) in agree {
        assert_eq!(against(zone, group), [], "{zone} {group:?}");
    }
    let differ = [("eu-west-1a", "eu-west-1-lon-1"), ("us-west-2-lax-1b", "us-west-2"), ("eu-west-1a", "")];
    for (zone, group) in differ {
        let of_zone = zone.trim_end_matches(['a', 'b']).to_owned();
        assert_eq!(against(zone, Some(group)), [Objection::BorderGroup(group.to_owned(), of_zone)]);
    }
}

#[test]
fn nothing_is_given_or_served_twice() {
    let twice = [associate(2, 1, &["f", "g"]), associate(2, 2, &["f"])];
    assert_eq!(objections(&simple(), &twice), [Objection::AddressTwice, Objection::AddressTwice]);
    let twice = [associate(2, 1, &["f", "g"]), associate(3, 1, &["f", "g"])];
    assert_eq!(objections(&simple(), &twice), [Objection::InterfaceTwice, Objection::InterfaceTwice]);
}

#[test]
fn a_violation_says_what_must_not_be_done_and_why() {
    let world = simple().on(2, 2);
    let violations = audit(&world.desired, &world.observed, &[associate(2, 1, &["f", "g"])]);
    assert_eq!(
        violations[0].to_string(),
        "198.51.100.2 (`eipalloc-00000002`) must not go to or leave `eni-00000001`: the address is on `eni-00000002`"
    );
    let world = simple().on(3, 1);
    let violations = audit(&world.desired, &world.observed, &[associate(2, 1, &["f", "g"])]);
    assert_eq!(
        violations[0].to_string(),
        "198.51.100.2 (`eipalloc-00000002`) must not go to or leave `eni-00000001`: the interface carries 198.51.100.3 \
         (`eipalloc-00000003`)"
    );
}
