//! The text of explanations, by eye, and which of what happened lately concerns them.

use serde_json::{Value, json};

use super::*;
use crate::domain::desired::PinPlace;
use crate::domain::function::FunctionObservation;
use crate::domain::observed::Part;
use crate::domain::policy::{Mode, TakeFrom};
use crate::domain::scenario::{World, alloc, configuration, eni, function, ip, vpc, zone_id};

const STRAY: &str = "arn:aws:iam::111122223333:user/stray";

fn now() -> Timestamp {
    "2026-01-01T00:00:14Z".parse().expect("a time")
}

fn estate() -> World {
    World::new()
        .pool("partner-a", &[1, 2, 3, 4], 1)
        .pool("partner-b", &[7], 0)
        .function("billing", "partner-a", &[1, 2], &[1])
        .function("reports", "partner-a", &[1], &[1])
        .pin("billing", PinPlace::Zone(zone_id(1)), &[1, 2])
        .eni(1, 1, &[1])
        .eni(2, 2, &[1])
        .eni(9, 9, &[9])
        .on(1, 1)
        .on(2, 9)
}

fn told(world: &World, target: &str, subject: &str, region: &Region) -> Told {
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
    let asked = subject::parse(subject).expect("a known form");
    let story = explain(&asked.subject, &facts).expect("it is known");
    let gaps = world.observed.gaps.iter().map(ToString::to_string).collect();
    Told { target: target.parse().expect("a name"), region: "eu-west-1".to_owned(), story, gaps }
}

fn answer_of(targets: Vec<Told>, status: Option<Value>) -> Answer {
    let url = "http://127.0.0.1:9464".to_owned();
    let stories: Vec<_> = targets.iter().map(|told| (&told.target, &told.story)).collect();
    let daemon = match status {
        Some(status) => {
            let status: StatusAnswer = serde_json::from_value(status).expect("a status");
            Lately::of(url, &status, &stories)
        }
        None => Lately {
            url,
            trouble: Some(
                "no answer from http://127.0.0.1:9464: Connection refused; hint: is it running?".into(),
            ),
            ..Lately::default()
        },
    };
    Answer { id: "id".to_owned(), at: now(), targets, daemon }
}

fn said(answer: &Answer) -> String {
    anstream::adapter::strip_str(&text::answer(answer)).to_string()
}

fn explained(world: &World, subject: &str) -> String {
    said(&answer_of(vec![told(world, "default", subject, &Region::default())], None))
}

/// A daemon that gave address 1 back to interface 1, and that fights for it.
fn status() -> Value {
    let taken = |n: u32, at: &str| {
        json!({"at": at, "target": "default", "kind": "disassociate_address", "outcome": "accepted",
            "allocation_id": alloc(n), "network_interface_id": eni(n), "actor": STRAY})
    };
    let given = |n: u32, target: &str| {
        json!({"at": "2025-12-31T23:59:00Z", "target": target, "kind": "associate", "outcome": "done",
            "allocation_id": alloc(n), "public_ip": ip(n), "network_interface_id": eni(n),
            "functions": ["billing"], "reason": "bare", "request_id": format!("req-{n}"),
            "cause": {"at": "2025-12-31T23:58:58Z", "actor": STRAY}})
    };
    json!({
        "targets": [{"target": "default", "contested": [
            {"allocation_id": alloc(1), "public_ip": ip(1), "network_interface_id": eni(1), "times": 3, "actor": STRAY}]}],
        "changes": [given(1, "default"), given(5, "default"), given(1, "another")],
        "events": [taken(1, "2025-12-31T23:58:58Z"), taken(6, "2025-12-31T23:58:57Z"),
            {"at": "2025-12-31T23:00:00Z", "target": "default", "kind": "update_function_configuration",
             "function": "billing", "actor": "arn:aws:iam::111122223333:role/deploy", "outcome": "accepted"}],
    })
}

#[test]
fn a_covered_interface_is_told_with_its_users_and_what_happened_to_it() {
    let here = configuration(Some(vpc(&[1], &[1])));
    let listed = ["billing", "billing:1", "stranger"].map(|name| (function(name), here.clone()));
    let region = Region { roster: Arc::new(Roster::of(listed)), gaps: Vec::new() };
    let told = told(&estate(), "default", "eni-00000001", &region);
    insta::assert_snapshot!(said(&answer_of(vec![told], Some(status()))));
}

#[test]
fn an_uncovered_interface_is_told_with_what_would_change_that() {
    let world = estate().pin_subnet("billing", 2, &[2]);
    insta::assert_snapshot!(explained(&world, "eni-00000002"));
}

#[test]
fn who_is_served_first_is_told_of_both() {
    let world = World::new()
        .pool("partner-a", &[1], 0)
        .function("billing", "partner-a", &[1], &[1])
        .function("reports", "partner-a", &[2], &[1])
        .priority("billing", 10)
        .eni(1, 1, &[1])
        .eni(2, 2, &[1]);
    insta::assert_snapshot!("who_comes_first", explained(&world, "eni-00000001"));
    insta::assert_snapshot!("who_comes_after", explained(&world, "eni-00000002"));
    assert!(explained(&world, "billing").contains("\n  priority 10\n"));
    assert!(!explained(&world, "reports").contains("priority 0"));
}

#[test]
fn an_interface_of_nobody_is_told_too() {
    insta::assert_snapshot!(explained(&estate(), "eni-00000009"));
}

#[test]
fn a_function_is_told_with_its_interfaces_and_changes() {
    let told = told(&estate().gap(Part::Addresses), "default", "billing", &Region::default());
    insta::assert_snapshot!(said(&answer_of(vec![told], Some(status()))));
}

#[test]
fn a_bystander_is_told() {
    let mut world = estate();
    let observation = FunctionObservation::Known(configuration(Some(vpc(&[1], &[1]))));
    world.observed.functions.insert(function("stranger"), observation);
    insta::assert_snapshot!(explained(&world, "stranger"));
}

#[test]
fn an_address_is_told_by_its_public_face_and_by_its_allocation() {
    let by_ip = explained(&estate(), "198.51.100.1");
    assert_eq!(by_ip, explained(&estate(), "eipalloc-00000001"));
    insta::assert_snapshot!(by_ip);
    insta::assert_snapshot!("a_lingering_address", explained(&estate(), "eipalloc-00000002"));
}

#[test]
fn targets_are_named_when_several_know_it() {
    let both = ["prod-eu", "prod-us"].map(|target| told(&estate(), target, "reports", &Region::default()));
    let text = said(&answer_of(both.into(), Some(json!({"targets": []}))));
    assert!(
        text.contains("target prod-eu (eu-west-1)") && text.contains("target prod-us (eu-west-1)"),
        "{text}"
    );
    assert!(text.ends_with("remembers no change and no event of it\n"), "{text}");
}

#[test]
fn json_has_the_story_and_what_happened_beside_it() {
    let told = told(&estate(), "default", "eni-00000001", &Region::default());
    let json = serde_json::to_value(answer_of(vec![told], Some(status()))).expect("it serialises");
    let target = &json["targets"][0];
    assert_eq!((&target["kind"], &target["verdict"]), (&"interface".into(), &"covered".into()));
    assert_eq!(target["rules"][0]["law"], 2);
    assert_eq!(target["candidates"][0]["state"], "associated");
    assert_eq!(json["daemon"]["changes"].as_array().map(Vec::len), Some(1), "of its target alone");
    assert_eq!(json["daemon"]["changes"][0]["cause"]["actor"], STRAY);
    assert_eq!(json["daemon"]["events"].as_array().map(Vec::len), Some(1));
}

#[test]
fn what_comes_from_outside_cannot_steer_the_terminal() {
    let world = estate().with_eni(1, |interface| interface.zone = Some("\u{1b}[2J".into()));
    let mut status = status();
    status["events"][0]["actor"] = "a\u{1b}]0;x\u{7}\nb".into();
    status["changes"][0]["reason"] = "\u{9b}1m".into();
    let told = told(&world, "default", "eni-00000001", &Region::default());
    let text = said(&answer_of(vec![told], Some(status)));
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
}

#[test]
fn what_is_unknown_is_told_with_where_it_was_looked_for() {
    let looked = Looked {
        target: "default".parse().expect("a name"),
        region: "eu-west-1".to_owned(),
        story: None,
        is_declared: false,
        gaps: Vec::new(),
    };
    for id in ["eni-0a1b2c3d", "eipalloc-0a1b2c3d", "198.51.100.7", "nobody"] {
        let text = unknown(&subject::parse(id).expect("a known form"), std::slice::from_ref(&looked));
        assert!(text.contains(&format!("`{id}` is not known in default (eu-west-1)")), "{text}");
        assert!(text.contains("hint:"), "{text}");
    }
}
