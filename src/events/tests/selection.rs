//! The event pattern selects what the parser understands, by the rules that EventBridge matches by.

use serde_json::{Value, json};

use super::samples::{SAMPLES, json, pointers, sample};
use crate::events::kind::Kind;
use crate::events::parse;
use crate::events::pattern::{PATTERN_CHARS_MAX, event_pattern, selecting};

/// Whether EventBridge would deliver the event: every field of the pattern matches one of its alternatives.
fn matches(pattern: &Value, event: Option<&Value>) -> bool {
    match pattern {
        Value::Object(fields) => {
            fields.iter().all(|(name, below)| matches(below, event.and_then(|event| event.get(name))))
        }
        Value::Array(alternatives) => alternatives.iter().any(|alternative| is_met(alternative, event)),
        other => panic!("{other} has no place in a pattern"),
    }
}

fn is_met(alternative: &Value, value: Option<&Value>) -> bool {
    match alternative {
        Value::String(_) => value == Some(alternative),
        Value::Object(test) if test.contains_key("exists") => test["exists"] == json!(value.is_some()),
        Value::Object(test) if test.contains_key("prefix") => {
            let prefix = test["prefix"].as_str().expect("a prefix is a text");
            value.and_then(Value::as_str).is_some_and(|text| text.starts_with(prefix))
        }
        other => panic!("{other} is no test that the pattern needs"),
    }
}

#[test]
fn the_pattern_selects_the_samples_of_every_kind_but_other() {
    let pattern = json(&event_pattern());
    for (name, kind, text) in SAMPLES {
        let event = parse::event(text).expect("well-formed");
        let wanted = *kind != Kind::Other && event.refused.is_none();
        assert_eq!(matches(&pattern, Some(&json(text))), wanted, "{name}");
    }
}

#[test]
fn a_kind_alone_selects_its_own_samples() {
    for wanted in Kind::ALL.into_iter().filter(|kind| *kind != Kind::Other) {
        let pattern = json(&selecting(&[wanted]));
        for (name, kind, text) in SAMPLES {
            let refused = parse::event(text).expect("well-formed").refused.is_some();
            let is_selected = matches(&pattern, Some(&json(text)));
            assert_eq!(is_selected, *kind == wanted && !refused, "{name} by {}", wanted.as_str());
        }
    }
}

#[test]
fn names_with_any_api_version_are_selected_and_longer_names_are_not() {
    let pattern = json(&event_pattern());
    for (event_name, is_selected) in [
        ("CreateFunction", true),
        ("CreateFunction20141111", true),
        ("CreateFunction20300101v3", true),
        ("CreateFunctionUrlConfig", false),
        ("PublishLayerVersion20181031", false),
        ("Invoke", false),
    ] {
        let mut event = json(sample("create_function"));
        event["detail"]["eventName"] = json!(event_name);
        assert_eq!(matches(&pattern, Some(&event)), is_selected, "{event_name}");
        let kind = parse::event(&event.to_string()).expect("well-formed").kind;
        assert_eq!(kind != Kind::Other, is_selected, "{event_name}");
    }
}

/// A pattern cannot say which of its words go together: it would select a record without the name of its call, or
/// with that of another service's call, but CloudTrail writes none.
#[test]
fn what_is_selected_is_understood() {
    let pattern = json(&event_pattern());
    let wrong = [json!(null), json!(7), json!("x"), json!({}), json!([])];
    for (name, _, text) in SAMPLES {
        let original = json(text);
        for pointer in pointers(&original) {
            for value in &wrong {
                let mut event = original.clone();
                *event.pointer_mut(&pointer).expect("it was just found") = value.clone();
                let Ok(parsed) = parse::event(&event.to_string()) else { continue };
                let is_record =
                    ["eventSource", "eventName"].iter().all(|name| event["detail"][name].is_string());
                if matches(&pattern, Some(&event)) && (is_record || event["source"] == "eipd") {
                    let is_understood = parsed.kind != Kind::Other && parsed.refused.is_none();
                    assert!(is_understood, "{name} with {value} at {pointer}");
                }
            }
        }
    }
}

#[test]
fn the_pattern_keeps_to_the_limit() {
    let pattern = event_pattern();
    assert!(pattern.chars().count() <= PATTERN_CHARS_MAX, "{} characters", pattern.chars().count());
}

#[test]
fn a_pattern_names_each_service_once_and_versions_by_prefix() {
    assert_eq!(
        json(&selecting(&[Kind::AssociateAddress, Kind::ReleaseAddress, Kind::UpdateAlias, Kind::Marker])),
        json!({
            "source": ["aws.ec2", "aws.lambda", "eipd"],
            "detail-type": ["AWS API Call via CloudTrail", "eipd marker"],
            "detail": {
                "eventSource": ["ec2.amazonaws.com", "lambda.amazonaws.com", {"exists": false}],
                "eventName": [
                    "AssociateAddress",
                    "ReleaseAddress",
                    "UpdateAlias",
                    {"prefix": "UpdateAlias2"},
                    {"exists": false},
                ],
                "errorCode": [{"exists": false}],
            },
        })
    );
    let markers = json(&selecting(&[Kind::Marker]));
    assert_eq!((&markers["source"], &markers["detail-type"]), (&json!(["eipd"]), &json!(["eipd marker"])));
}
