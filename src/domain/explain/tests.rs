//! What is told of each kind of thing, in tables: the verdict, the laws that it names, and that it agrees with the plan.

use super::*;
use crate::domain::desired::PinPlace;
use crate::domain::function::{FunctionObservation, FunctionState, LastUpdate};
use crate::domain::observed::{InterfaceStatus, Part};
use crate::domain::plan::Verdict;
use crate::domain::roster::Roster;
use crate::domain::scenario::{World, alloc, configuration, eni, function, ip, vpc, zone_id};

fn told(world: &World, subject: &Subject, region: &Region) -> Option<Story> {
    let plan = world.plan();
    let facts = Facts {
        desired: &world.desired,
        observed: &world.observed,
        plan: &plan,
        region,
        mode: Mode::Enforce,
        take_from: TakeFrom::Retired,
        breaker: None,
    };
    explain(subject, &facts)
}

fn interface(world: &World, n: u32) -> InterfaceStory {
    match told(world, &Subject::Interface(eni(n)), &Region::default()) {
        Some(Story::Interface(story)) => story,
        other => panic!("an interface, not {other:?}"),
    }
}

fn address(world: &World, n: u32) -> AddressStory {
    match told(world, &Subject::Address(alloc(n)), &Region::default()) {
        Some(Story::Address(story)) => story,
        other => panic!("an address, not {other:?}"),
    }
}

fn function_story(world: &World, name: &str) -> FunctionStory {
    match told(world, &Subject::Function(function(name)), &Region::default()) {
        Some(Story::Function(story)) => story,
        other => panic!("a function, not {other:?}"),
    }
}

fn laws(rules: &[rule::Rule]) -> Vec<u8> {
    rules.iter().filter_map(|rule| rule.law).collect()
}

fn small() -> World {
    World::new().pool("p", &[1, 2], 0).function("f", "p", &[1], &[1]).eni(1, 1, &[1])
}

#[test]
fn an_interface_is_told_with_the_rule_that_holds_for_it() {
    let cases: &[(&str, World, &str, &[u8])] = &[
        ("covered", small().on(1, 1), "covered", &[2]),
        ("only one view", small().address_says(1, 1), "covered", &[2, 11]),
        ("the other view", small().interface_says(1, 1), "covered", &[2, 11]),
        ("bare", small(), "gets", &[3]),
        (
            "nothing free",
            small().eni(2, 1, &[1]).eni(3, 1, &[1]).on(1, 2).on(2, 3),
            "no_free_address",
            &[2, 4],
        ),
        ("missing", small().without_address(1).without_address(2), "address_missing", &[2, 4]),
        ("wrong, ours", small().pool("q", &[7], 0).on(7, 1), "wrong_address", &[2]),
        ("denied", small().with_eni(1, |i| i.denies_internet_gateway = true), "denies_internet_gateway", &[]),
        (
            "settling",
            small().wrote(1, 1).with_address(1, |a| a.managed_by = Some("nlb".into())),
            "settling",
            &[11],
        ),
        ("conflict", small().pool("q", &[7], 0).function("g", "q", &[1], &[1]), "conflict", &[2]),
        ("nobody's", small().eni(2, 9, &[1]).eni(1, 9, &[9]), "unmanaged", &[1]),
        ("superset", small().eni(1, 1, &[1, 2]), "unmanaged", &[1]),
        (
            "another account's",
            small().with_eni(1, |i| i.owner = "999900001111".parse().expect("an account")),
            "foreign",
            &[1],
        ),
        ("leaving", small().with_eni(1, |i| i.status = InterfaceStatus::Detaching), "leaving", &[]),
        (
            "whose functions are not known",
            small().function_as("f", "p", FunctionObservation::Unknown),
            "unknown",
            &[7],
        ),
    ];
    for (name, world, verdict, expected) in cases {
        let story = interface(world, 1);
        assert_eq!(
            (story.verdict, laws(&story.rules).as_slice()),
            (*verdict, *expected),
            "{name}: {story:?}"
        );
        assert!(!story.text.is_empty(), "{name}");
    }
}

#[test]
fn every_story_agrees_with_the_plan() {
    let world = small().eni(2, 1, &[1]).eni(3, 1, &[1]).waiting(3).on(1, 1);
    for world in [world.clone(), world.network(&[1], &[1])] {
        stories_agree(&world);
    }
}

fn stories_agree(world: &World) {
    let plan = world.plan();
    for planned in &plan.interfaces {
        let n = crate::domain::scenario::number(&planned.network_interface_id);
        let told = interface(world, n).verdict;
        let expected = match &planned.verdict {
            _ if planned.dead_end.is_some() => "no_internet_route",
            Verdict::Covered(..) => "covered",
            Verdict::Gets(..) => "gets",
            Verdict::Uncovered(reason) => reason.code(),
        };
        assert_eq!(told, expected, "{n}");
    }
}

#[test]
fn what_an_interface_may_carry_is_told_with_where_each_is_and_what_narrows_it() {
    let world = small().pin_subnet("f", 1, &[2]).eni(9, 9, &[9]).on(2, 9);
    let story = interface(&world, 1);
    assert_eq!(story.pins.len(), 1);
    let [candidate] = story.candidates.as_slice() else { panic!("one, not {:?}", story.candidates) };
    assert_eq!((candidate.allocation_id.clone(), candidate.whereabouts.state), (alloc(2), "lingering"));
    assert!(
        story.would_change.iter().any(|change| change.contains("retirement of `eni-00000009`")),
        "{story:?}"
    );
    let pinned = small().pin("f", PinPlace::Zone(zone_id(2)), &[2]);
    assert!(interface(&pinned, 1).pins.is_empty(), "of another zone");
}

#[test]
fn whoever_uses_an_interface_is_told_declared_or_not() {
    let world = small();
    let here = configuration(Some(vpc(&[1, 2], &[1])));
    let elsewhere = configuration(Some(vpc(&[1], &[1, 2])));
    let listed =
        [("f", &here), ("f:1", &here), ("stranger", &here), ("far", &elsewhere), ("far:7", &elsewhere)];
    let roster = Roster::of(listed.map(|(name, shown)| (function(name), shown.clone())));
    let region = Region { roster: Arc::new(roster), gaps: vec!["a page is lost".to_owned()] };
    let Some(Story::Interface(story)) = told(&world, &Subject::Interface(eni(1)), &region) else { panic!() };
    assert_eq!(story.functions, [function("f")]);
    assert_eq!(story.others.functions, [function("stranger")]);
    assert_eq!((story.others.versions, story.others.gaps.len()), (vec![function("f:1")], 1));
}

#[test]
fn a_function_is_told_place_by_place() {
    let free = small();
    assert_eq!(function_story(&free, "f").verdict, "uncovered");
    let covered = small().on(1, 1);
    let story = function_story(&covered, "f");
    assert_eq!((story.verdict, story.places.len()), ("covered", 1));
    assert_eq!(story.places[0].interfaces[0].allocation_id, Some(alloc(1)));
    let updating = small().on(1, 1).configure("f", |f| {
        f.former_vpc = f.vpc.replace(vpc(&[2], &[1]));
        f.last_update = Some(LastUpdate::InProgress);
    });
    let story = function_story(&updating, "f");
    let former: Vec<bool> = story.places.iter().map(|place| place.is_former).collect();
    assert_eq!(former, [true, false]);
    assert!(story.places[1].interfaces.is_empty() && story.rules.contains(&rule::AWS_UPDATE));
}

#[test]
fn a_function_that_no_address_can_be_given_to_is_told_why() {
    use FunctionObservation::{Known, NotFound, Unknown};
    let provider = configuration(Some(vpc(&[1], &[1])));
    let provider = crate::domain::function::FunctionConfiguration { on_capacity_provider: true, ..provider };
    for (observation, verdict) in [
        (NotFound, "function_not_found"),
        (Unknown, "function_unknown"),
        (Known(configuration(None)), "function_not_in_vpc"),
        (Known(provider), "function_on_capacity_provider"),
    ] {
        let world = World::new().pool("p", &[1], 0).function_as("f", "p", observation);
        assert_eq!(function_story(&world, "f").verdict, verdict);
    }
    let idle = World::new().pool("p", &[1], 0).function("f", "p", &[1], &[1]);
    let idle = idle.configure("f", |f| f.state = Some(FunctionState::Inactive));
    let story = function_story(&idle, "f");
    assert_eq!((story.verdict, story.rules.contains(&rule::AWS_IDLE)), ("no_interface", true));
}

#[test]
fn an_undeclared_function_is_told_whether_it_leaves_from_a_declared_address() {
    let mut world = small().on(1, 1);
    for (name, subnets, verdict) in [("bystander", [1], "bystander"), ("other", [5], "undeclared")] {
        let observation = FunctionObservation::Known(configuration(Some(vpc(&subnets, &[1]))));
        world.observed.functions.insert(function(name), observation);
        let story = function_story(&world, name);
        assert_eq!((story.verdict, story.declared), (verdict, false));
    }
    assert_eq!(told(&world, &Subject::Function(function("nobody")), &Region::default()), None);
}

#[test]
fn an_address_is_told_by_where_it_is() {
    let cases: &[(&str, World, &str, &[u8])] = &[
        ("free and wanted", small(), "free", &[4]),
        ("on ours", small().on(1, 1), "associated", &[2]),
        ("one view", small().interface_says(1, 1), "associated", &[2, 11]),
        ("lingering", small().eni(9, 9, &[9]).on(1, 9), "lingering", &[12]),
        ("settling", small().wrote(1, 1), "settling", &[11]),
        ("missing", small().without_address(1), "missing", &[4]),
        ("unread", small().without_address(1).gap(Part::Addresses), "unread", &[7]),
        ("managed", small().with_address(1, |a| a.managed_by = Some("nlb".into())), "foreign", &[1]),
        ("elsewhere", small().address_says(1, 77), "foreign", &[1]),
    ];
    for (name, world, verdict, expected) in cases {
        let story = address(world, 1);
        assert_eq!(
            (story.verdict, laws(&story.rules).as_slice()),
            (*verdict, *expected),
            "{name}: {story:?}"
        );
        assert_eq!(story.functions, [function("f")], "{name}");
    }
    let wanted = address(&small(), 1);
    let serves = address(&small().on(1, 1), 1).serves;
    assert!(wanted.goes_to.is_some() || address(&small(), 2).goes_to.is_some());
    assert_eq!(serves, [function("f")]);
}

/// Interface 1 carries an address of pool `q`; the plan puts one of `p` in its place.
fn wrong() -> World {
    small().pool("q", &[7], 0).on(7, 1)
}

#[test]
fn a_wrong_address_is_told_with_what_the_plan_does_about_it_whatever_is_asked_for() {
    let told = address(&wrong(), 7);
    assert_eq!((told.verdict, laws(&told.rules).as_slice()), ("wrong", [2].as_slice()), "{told:?}");
    assert_eq!((&told.replaced_by, &told.goes_to), (&Some(alloc(1)), &None));
    let swap = "; the plan replaces it by 198.51.100.1 (eipalloc-00000001)";
    assert_eq!(
        told.text,
        format!("is where `f` leaves from, and lies outside the set of that interface{swap}")
    );
    let passes = "the next pass of a daemon, or `eipd apply`";
    let eni = interface(&wrong(), 1);
    assert!(eni.text.ends_with(swap), "{}", eni.text);
    let function = function_story(&wrong(), "f");
    assert!(
        function
            .text
            .ends_with("0 would be given one, 1 would get one in the place of a wrong one, 0 stay without"),
        "{}",
        function.text
    );
    assert_eq!(function.places[0].interfaces[0].replaced_by, Some(alloc(1)));
    for would_change in [told.would_change, eni.would_change, function.would_change] {
        assert_eq!(would_change, [passes]);
    }
}

#[test]
fn what_the_breaker_holds_is_told_so() {
    let world = wrong();
    let plan = world.plan();
    let limits = crate::domain::policy::DisruptionBudget { per_pass: 0, per_hour: 0 };
    let facts = Facts {
        desired: &world.desired,
        observed: &world.observed,
        plan: &plan,
        region: &Region::default(),
        mode: Mode::Enforce,
        take_from: TakeFrom::Retired,
        breaker: Some(Breaker { planned: 1, removals: 0, in_last_hour: 0, limits }),
    };
    let subjects = [
        Subject::Address(alloc(7)),
        Subject::Address(alloc(1)),
        Subject::Interface(eni(1)),
        Subject::Function(function("f")),
    ];
    for subject in subjects {
        let would_change = match explain(&subject, &facts) {
            Some(Story::Address(story)) => story.would_change,
            Some(Story::Interface(story)) => story.would_change,
            Some(Story::Function(story)) => story.would_change,
            None => panic!("it is known"),
        };
        let [one] = would_change.as_slice() else { panic!("one, not {would_change:?}") };
        assert!(one.starts_with("the breaker's closing: 1 disruption is planned, and 0 allowed"), "{one}");
    }
}

#[test]
fn what_stays_wrong_is_told_with_what_would_end_that() {
    let stranger = small().interface_says(1, 8);
    let named = "`eipd apply --take eni-00000001`: then it gets one of its set in its place, if one is free";
    let short = wrong().without_address(1).without_address(2);
    let updating = wrong().configure("f", |f| f.last_update = Some(LastUpdate::InProgress));
    for (world, n, remedy) in [
        (stranger, 8, named),
        (short, 7, "a free address more in pool `p`: then a pass replaces it"),
        (updating, 7, "its functions' being settled and everything's being read: then a pass replaces it"),
    ] {
        for would_change in [address(&world, n).would_change, interface(&world, 1).would_change] {
            assert_eq!(would_change[0], remedy, "{would_change:?}");
        }
    }
}

#[test]
fn what_is_taken_off_is_not_told_to_be_given() {
    let mut world = small().eni(9, 9, &[9]).on(1, 9);
    world.observed.leave.unneeded.insert(alloc(1), eni(9));
    let told = address(&world, 1);
    assert_eq!((told.verdict, told.goes_to), ("lingering", None));
    assert!(told.text.ends_with("; the plan takes it off `eni-00000009`"), "{}", told.text);
}

#[test]
fn a_public_address_is_found_by_either_view_and_a_strangers_is_unknown() {
    let find = |world: &World, n: u32| match told(world, &Subject::PublicIp(ip(n)), &Region::default()) {
        Some(Story::Address(story)) => Some((story.allocation_id, story.verdict)),
        Some(other) => panic!("an address, not {other:?}"),
        None => None,
    };
    assert_eq!(find(&small(), 1), Some((Some(alloc(1)), "free")));
    assert_eq!(find(&small().interface_says(1, 8), 8), Some((Some(alloc(8)), "undeclared")));
    let auto = small().with_eni(1, |interface| {
        let public_ip = Some(ip(9));
        interface
            .associations
            .push(crate::domain::observed::InterfaceAssociation { allocation: None, public_ip });
    });
    assert_eq!(find(&auto, 9), Some((None, "undeclared")));
    assert_eq!(find(&small(), 99), None);
    assert_eq!(told(&small(), &Subject::Address(alloc(99)), &Region::default()), None);
    assert_eq!(told(&small(), &Subject::Interface(eni(99)), &Region::default()), None);
}
