//! What the planner makes of an observation that is stale, partial or surprising: both views count, recent writes of our own
//! count, and what was not seen is not taken for absent.

use super::{LastUpdate, World, alloc, eni, ip, pool};
use crate::domain::action::ActionReason;
use crate::domain::observed::{AddressAssociation, InterfaceAssociation, Part};

/// Function `f` with the pool of addresses 1 and 2, and interface 1 in use.
fn simple() -> World {
    World::new().pool("p", &[1, 2], 0).function("f", "p", &[1], &[1]).eni(1, 1, &[1])
}

#[test]
fn an_association_is_there_if_either_view_shows_it() {
    assert_eq!(simple().address_says(1, 1).verdicts(), ["1 keeps 1"]);
    assert_eq!(simple().interface_says(1, 1).verdicts(), ["1 keeps 1"]);
    assert_eq!(simple().without_address(1).interface_says(1, 1).verdicts(), ["1 keeps 1"]);
}

#[test]
fn an_address_that_one_view_shows_elsewhere_is_not_free() {
    let both = |world: World| world.eni(2, 1, &[1]);
    for world in [both(simple()).address_says(1, 1), both(simple()).interface_says(1, 1)] {
        assert_eq!(world.verdicts(), ["1 keeps 1", "2 gets 2"]);
    }
}

#[test]
fn an_interface_that_one_view_shows_occupied_is_not_bare() {
    // A stray hand moved a foreign address here, and only one of the reads has it yet.
    let world = simple().pool("q", &[9], 0).address_says(9, 1);
    assert_eq!(world.verdicts(), ["1 lacks: wrong_address"]);
}

#[test]
fn a_public_ip_without_its_allocation_still_tells_whose_it_is() {
    let unnamed = |n| InterfaceAssociation { allocation: None, public_ip: Some(ip(n)) };
    let world = simple().eni(2, 1, &[1]).with_eni(1, |i| i.associations.push(unnamed(1)));
    assert_eq!(world.verdicts(), ["1 keeps 1", "2 gets 2"]);
    let world = simple().with_eni(1, |i| i.associations.push(unnamed(200)));
    assert_eq!(world.verdicts(), ["1 lacks: undeclared_address"]);
}

#[test]
fn an_address_on_anything_else_is_reported_and_never_taken() {
    let on = |interface: Option<u32>, instance: Option<&str>| AddressAssociation {
        id: None,
        interface: interface.map(eni),
        instance: instance.map(str::to_owned),
    };
    let cases = [
        (on(Some(77), None), "network interface `eni-0000004d`"),
        (on(None, Some("i-0abc")), "instance `i-0abc`"),
        (on(None, None), "something EC2 does not name"),
    ];
    for (association, holder) in cases {
        let world =
            simple().pool("p", &[1], 0).with_address(1, |address| address.association = Some(association));
        assert_eq!(world.verdicts(), ["1 lacks: address_on_foreign_resource"]);
        assert_eq!(world.warnings(), ["address_on_foreign_resource"]);
        let reason = world.plan().uncovered().next().expect("uncovered").reason;
        assert_eq!(
            reason.to_string(),
            format!("198.51.100.1 (`eipalloc-00000001`) is on {holder}, which eipd never touches")
        );
    }
    let managed = simple().pool("p", &[1], 0).with_address(1, |a| a.managed_by = Some("nlb".to_owned()));
    assert_eq!(managed.verdicts(), ["1 lacks: address_on_foreign_resource"]);
}

#[test]
fn an_address_on_an_interface_that_nobody_uses_any_more_lingers() {
    let world = simple().pool("p", &[1], 0).eni(2, 1, &[8]).on(1, 2);
    assert_eq!(world.verdicts(), ["1 lacks: no_free_address"]);
    assert_eq!(world.warnings(), ["address_lingering"]);
    assert_eq!(world.plan().pools[&pool("p")].lingering, 1);
}

#[test]
fn an_address_on_an_interface_that_only_others_use_is_elsewhere() {
    let world = simple().pool("p", &[1], 0).eni(2, 1, &[8]).on(1, 2);
    let counted = |world: &World| {
        let figures = world.plan().pools[&pool("p")];
        (figures.lingering, figures.elsewhere)
    };
    let stranger = world.clone().listed(&[("f", &[1], &[1]), ("stranger", &[1], &[8])]);
    assert_eq!(counted(&stranger), (0, 1));
    let version = world.clone().listed(&[("f", &[1], &[1]), ("f:1", &[1], &[8])]);
    assert_eq!(counted(&version), (0, 1), "a version that does not count");
    let retired = world.clone().listed(&[("f", &[1], &[1]), ("stranger", &[2], &[8])]);
    assert_eq!(counted(&retired), (1, 0));
    let mut unlisted = world;
    unlisted.observed.roster = None;
    assert_eq!(counted(&unlisted), (1, 0), "nothing is known to use it");
}

#[test]
fn a_missing_address_is_told_from_one_that_could_not_be_read() {
    let gone = simple().without_address(1).without_address(2);
    assert_eq!(gone.verdicts(), ["1 lacks: address_missing"]);
    assert_eq!(gone.warnings(), ["address_missing", "address_missing"]);
    let unread = gone.gap(Part::Addresses);
    assert_eq!(unread.verdicts(), ["1 lacks: observation_incomplete"]);
    assert_eq!(unread.warnings(), ["observation_incomplete"]);
}

#[test]
fn what_may_carry_an_address_that_could_not_be_read_waits_and_others_do_not() {
    let world = simple().without_address(1).gap(Part::Addresses);
    assert_eq!(world.verdicts(), ["1 lacks: observation_incomplete"]);
    let pinned = world.clone().pin_subnet("f", 1, &[2]);
    assert_eq!(pinned.verdicts(), ["1 gets 2"]);
    let other = world.pool("q", &[3], 0).function("g", "q", &[2], &[1]).eni(2, 2, &[1]);
    assert_eq!(other.verdicts(), ["1 lacks: observation_incomplete", "2 gets 3"]);
}

#[test]
fn an_address_on_an_interface_of_a_lost_page_is_not_called_foreign() {
    let world = simple().pool("p", &[1], 0).address_says(1, 5);
    assert_eq!(world.verdicts(), ["1 lacks: address_on_foreign_resource"]);
    assert_eq!(world.gap(Part::Interfaces).verdicts(), ["1 lacks: observation_incomplete"]);
}

#[test]
fn an_incomplete_observation_takes_nothing_away() {
    let world = simple().on(1, 1);
    for part in [Part::Interfaces, Part::Addresses, Part::Functions] {
        assert_eq!(world.clone().gap(part).verdicts(), ["1 keeps 1"]);
    }
    assert_eq!(world.without_address(1).gap(Part::Addresses).verdicts(), ["1 keeps 1"]);
}

#[test]
fn what_was_given_moments_ago_is_given_again_and_nothing_else_is() {
    let world = simple().wrote(1, 2);
    assert_eq!(world.verdicts(), ["1 gets 2"]);
    assert_eq!(world.plan().actions[0].reason, ActionReason::Lost);
    // Only another address is free: better bare for two minutes than broken by a second one.
    assert_eq!(simple().wrote(1, 2).without_address(2).verdicts(), ["1 lacks: settling"]);
    // The address was seen elsewhere since.
    assert_eq!(simple().eni(2, 1, &[1]).on(2, 2).wrote(1, 2).verdicts()[0], "1 lacks: settling");
}

#[test]
fn what_was_given_to_one_moments_ago_is_not_free_for_another() {
    let world = simple().pool("p", &[1], 0).eni(2, 1, &[1]).wrote(2, 1);
    assert_eq!(world.verdicts(), ["1 lacks: no_free_address", "2 gets 1"]);
    let gone = simple().pool("p", &[1], 0).wrote(99, 1);
    assert_eq!(gone.verdicts(), ["1 lacks: no_free_address"]);
}

#[test]
fn an_address_that_was_given_twice_moments_ago_goes_to_neither() {
    let world = simple().pool("p", &[1], 0).eni(2, 1, &[1]).wrote(1, 1).wrote(2, 1);
    assert_eq!(world.verdicts(), ["1 lacks: settling", "2 lacks: settling"]);
}

#[test]
fn a_recent_write_outside_the_set_is_not_repeated() {
    let world = simple().pool("q", &[9], 0).wrote(1, 9);
    assert_eq!(world.verdicts(), ["1 lacks: settling"]);
}

#[test]
fn giving_again_what_was_lost_does_not_upset_the_figures() {
    let figures = simple().pool("p", &[1], 1).wrote(1, 1).plan().pools[&pool("p")];
    assert_eq!((figures.spare, figures.unknown, figures.shortfall), (0, 1, 1));
}

#[test]
fn the_shortfall_counts_every_serving_interface_that_a_further_address_would_help() {
    let shortfall = |world: World| world.plan().pools[&pool("p")].shortfall;
    let one = || simple().pool("p", &[1], 0);
    assert_eq!(shortfall(one()), 0);
    assert_eq!(shortfall(one().without_address(1)), 1, "missing");
    assert_eq!(shortfall(one().address_says(1, 77)), 1, "on a foreign resource");
    assert_eq!(shortfall(one().eni(2, 1, &[1])), 1, "one for two");
    assert_eq!(shortfall(one().eni(2, 1, &[1]).waiting(2)), 0, "a waiting one does not count");
    assert_eq!(shortfall(simple().pool("p", &[1, 2], 3)), 2, "spares");
}

#[test]
fn a_declared_address_is_found_on_the_interface_that_serves_even_if_a_view_lags() {
    // DescribeAddresses still shows the old interface, which no declared function uses.
    let world = simple().eni(2, 1, &[8]).address_says(1, 2).interface_says(1, 1);
    assert_eq!(world.verdicts(), ["1 keeps 1"]);
    assert_eq!(world.plan().interfaces[0].network_interface_id, eni(1));
    assert!(!world.plan().actions.iter().any(|action| action.allocation_id == alloc(1)));
}

#[test]
fn an_active_function_without_an_interface_where_one_must_be_is_told() {
    let world = World::new().pool("p", &[1, 2], 0).function("f", "p", &[1, 2], &[1]).eni(1, 1, &[1]);
    assert_eq!(world.warnings(), ["function_without_interface"], "none is seen in subnet 2");
    assert_eq!(world.clone().eni(2, 2, &[1]).warnings(), Vec::<String>::new());
    assert_eq!(world.clone().eni(2, 2, &[1, 3]).warnings(), ["function_without_interface"], "another's");
    let unsettled = world.clone().configure("f", |shown| shown.last_update = Some(LastUpdate::InProgress));
    assert_eq!(unsettled.warnings(), Vec::<String>::new(), "they are being made");
    assert_eq!(
        world.gap(Part::Interfaces).warnings(),
        ["observation_incomplete"],
        "it may be on the lost page"
    );
}
