//! What is made of messages that no one should send: an event or a refusal, never more than that.

use std::error::Error;
use std::thread;

use serde_json::{Value, json};

use super::samples::{SAMPLES, json, pointers, sample};
use crate::events::event::{Actor, Event};
use crate::events::kind::Kind;
use crate::events::parse::{self, MESSAGE_BYTES_MAX, Malformed};

/// Parses, and checks what holds for any input.
fn parsed(text: &str) -> Result<Event, Malformed> {
    let result = parse::event(text);
    match &result {
        Ok(event) => {
            assert!(event.actor.as_str().chars().count() <= Actor::CHARS_MAX);
            let bounded = [event.request_id.as_ref(), event.refused.as_ref(), Some(&event.region)];
            assert!(bounded.into_iter().flatten().all(|text| text.chars().count() <= 128));
        }
        Err(error) => assert!(told(error).len() < 200, "{}", told(error)),
    }
    result
}

fn told(error: &Malformed) -> String {
    let source = error.source().map(|source| format!(": {source}"));
    format!("{error}{}", source.unwrap_or_default())
}

/// Numbers that look like chance and are the same in every run.
fn chance(seed: u64) -> impl FnMut(usize) -> usize {
    let mut state = seed;
    move |below| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    }
}

#[test]
fn a_cut_event_is_malformed_wherever_it_is_cut() {
    for (name, _, text) in SAMPLES {
        for end in 0..text.trim_end().len() {
            assert!(parsed(&text[..end]).is_err(), "{name} cut at {end}");
        }
    }
}

#[test]
fn more_than_a_message_can_carry_is_not_looked_into() {
    let event = sample("marker").trim_end();
    let filled = |bytes: usize| format!("{event}{}", " ".repeat(bytes - event.len()));
    assert!(parsed(&filled(MESSAGE_BYTES_MAX)).is_ok());
    let error = parsed(&filled(MESSAGE_BYTES_MAX + 1)).expect_err("too long");
    assert_eq!(told(&error), "1048577 bytes, but at most 1048576 are read");
}

#[test]
fn nonsense_is_malformed_however_long() {
    const LENGTH: usize = 256 << 10;
    let mut pick = chance(1);
    let noise: String = (0..LENGTH).map(|_| char::from(b' ' + pick(95) as u8)).collect();
    let braces: String = (0..LENGTH).map(|_| char::from(b"[]{}\",:1ae\\ "[pick(12)])).collect();
    let one_text = serde_json::to_string(&noise).expect("a text has a JSON form");
    for text in
        [noise, braces, one_text, "[".repeat(LENGTH), "{\"detail\":".repeat(LENGTH / 10), "\0".repeat(LENGTH)]
    {
        assert!(parsed(&text).is_err(), "{}", &text[..40]);
    }
}

#[test]
fn a_refusal_says_what_is_wrong_and_little_of_the_input() {
    for (text, why) in [
        ("", "not the JSON of an event: EOF while parsing a value at line 1 column 0"),
        ("{} {}", "not the JSON of an event: trailing characters at line 1 column 4"),
        ("null", "`time` is missing or makes no sense"),
        ("[]", "`time` is missing or makes no sense"),
        ("{\"time\":\"2026-06-28T21:49:01Z\"}", "`account` is missing or makes no sense"),
        (
            "{\"time\":\"2026-06-28T21:49:01Z\",\"account\":\"111122223333\",\"region\":\"EU West\"}",
            "`region` is missing or makes no sense",
        ),
        (
            "{\"source\":1,\"source\":2}",
            "not the JSON of an event: duplicate field `source` at line 1 column 20",
        ),
    ] {
        assert_eq!(told(&parsed(text).expect_err(text)), why);
    }
}

#[test]
fn depth_costs_no_stack() {
    let deep = |depth: usize| {
        let arrays = [&"[".repeat(depth), "1", &"]".repeat(depth)].concat();
        let objects = [&"{\"detail\":".repeat(depth), "1", &"}".repeat(depth)].concat();
        [arrays, objects]
    };
    let check = move || {
        for value in deep(90_000).iter().chain(&deep(100)) {
            for pointer in pointers(&json(sample("create_network_interface"))) {
                let mut event = json(sample("create_network_interface"));
                *event.pointer_mut(&pointer).expect("it was just found") = json!("HERE");
                let _ = parsed(&event.to_string().replace("\"HERE\"", value));
            }
            let unread = sample("associate_address").replacen('{', &format!("{{\"unread\":{value},"), 1);
            assert_eq!(parsed(&unread).expect("well-formed").kind, Kind::AssociateAddress);
        }
    };
    let thread = thread::Builder::new().stack_size(256 << 10).spawn(check).expect("a thread starts");
    thread.join().expect("the stack is enough");
}

#[test]
fn no_single_wrong_value_makes_an_event_malformed() {
    let wrong = [
        json!(null),
        json!(true),
        json!(-7),
        json!(u64::MAX),
        json!(1.5e300),
        json!(""),
        json!("\u{0}\u{1b}[2J\u{202e}"),
        json!("x".repeat(2_000)),
        json!([]),
        json!([[1], {"items": []}]),
        json!({}),
        json!({"items": {"items": 1}, "id": [], "arn": {}}),
    ];
    for (name, kind, text) in SAMPLES {
        let original = json(text);
        for pointer in pointers(&original) {
            for value in &wrong {
                let mut event = original.clone();
                *event.pointer_mut(&pointer).expect("it was just found") = value.clone();
                assert_tolerated(name, *kind, &pointer, &event);
            }
            let mut event = original.clone();
            remove(&mut event, &pointer);
            assert_tolerated(name, *kind, &pointer, &event);
        }
    }
}

/// Time and place have a second source in a record of CloudTrail, but not in other events.
fn assert_tolerated(name: &str, kind: Kind, pointer: &str, event: &Value) {
    let names_the_kind =
        ["/source", "/detail-type", "/detail", "/detail/eventSource", "/detail/eventName"].contains(&pointer);
    let is_needed = ["/time", "/account", "/region"].contains(&pointer);
    match parsed(&event.to_string()) {
        Ok(parsed) if names_the_kind => {
            assert!([kind, Kind::Other].contains(&parsed.kind), "{name} {pointer}");
        }
        Ok(parsed) => assert_eq!(parsed.kind, kind, "{name} {pointer}"),
        Err(error) => {
            let has_record = event.pointer("/detail/eventTime").is_some();
            assert!(is_needed && !has_record, "{name} {pointer}: {}", told(&error));
        }
    }
}

fn remove(event: &mut Value, pointer: &str) {
    let (parent, name) = pointer.rsplit_once('/').expect("a pointer begins with a slash");
    match event.pointer_mut(parent).expect("it was just found") {
        Value::Object(entries) => drop(entries.remove(name)),
        Value::Array(values) => drop(values.remove(name.parse().expect("an index"))),
        _ => {}
    }
}

#[test]
fn changed_bytes_make_an_event_or_a_refusal() {
    let mut pick = chance(2);
    for _ in 0..50_000 {
        let (.., text) = SAMPLES[pick(SAMPLES.len())];
        let mut bytes = text.as_bytes().to_vec();
        for _ in 0..=pick(4) {
            let at = pick(bytes.len());
            match pick(3) {
                0 => bytes[at] = b"\"{}[]:,\\u0e-\x00n"[pick(14)],
                1 => drop(bytes.remove(at)),
                _ => bytes.extend_from_within(at..),
            }
        }
        let _ = parsed(&String::from_utf8_lossy(&bytes));
    }
}
