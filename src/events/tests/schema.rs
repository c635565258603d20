//! What is published is what the documents say: every kind obeys the schema, and is the very example in
//! docs/NOTIFICATIONS.md.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::reports::{
    Having, association, contested, disassociation, moment, no_free_address, outside, pass,
};
use crate::domain::action::Outcome;
use crate::domain::function::FunctionRef;
use crate::domain::policy::DisruptionBudget;
use crate::domain::reason::{Reason, Sharer};
use crate::domain::report::{Breaker, Report};
use crate::events::detector::Detector;
use crate::events::notification::{Change, FUNCTIONS_MAX, Functions, Notification, TEXT_MAX, text};
use crate::reconcile::ports::BusEntry;

const SCHEMA: &str = include_str!("../../../docs/notifications.schema.json");
const DOCUMENT: &str = include_str!("../../../docs/NOTIFICATIONS.md");

fn schema() -> Value {
    serde_json::from_str(SCHEMA).expect("the schema is JSON")
}

/// One of each kind, as the detector tells them.
fn one_of_each() -> Vec<BusEntry> {
    let mut detector = Detector::default();
    let target = pass(1).target;
    let mut changes: Vec<Change> = Vec::new();
    changes.extend(detector.action(&target, 7, &association(1, Outcome::Done)));
    changes.extend(detector.report(&pass(7).covered([1]).uncovered([2], &no_free_address())));
    changes.extend(detector.report(&pass(7).covered([1, 2])));
    let flood = pass(7).uncovered(3..=5000, &Reason::DeniesInternetGateway);
    changes.extend(detector.report(&flood).pop());
    let mut other = Detector::default();
    changes
        .extend(other.report(&pass(7).covered([1]).having(|report| report.contested = vec![contested(1)])));
    changes.extend(other.report(&pass(7).covered([1])));
    let breaker = Breaker { planned: 12, removals: 0, in_last_hour: 0, limits: DisruptionBudget::default() };
    changes.extend(Detector::default().report(&Report { breaker: Some(breaker), ..pass(7) }));
    let mut held_back = Detector::default();
    held_back.report(&Report { breaker: Some(breaker), ..pass(7) });
    changes.extend(held_back.report(&pass(7)));
    changes.extend(detector.action(&target, 7, &disassociation(1, Outcome::Done)));
    let declared = || pass(7).declaring(&["billing"]);
    let mut redeployed = Detector::default();
    changes
        .extend(redeployed.report(&declared().having(|report| report.unservable = vec![outside("billing")])));
    changes.extend(redeployed.report(&declared()));
    let notifications = changes.into_iter().map(|change| Notification {
        at: moment(),
        target: target.clone(),
        pass: 7,
        change,
    });
    let numbered = notifications.enumerate();
    numbered.map(|(n, notification)| notification.entry(&format!("5f0c1d2e3a4b5c6d-{}", n + 1))).collect()
}

fn detail(entry: &BusEntry) -> Value {
    serde_json::from_str(&entry.detail).expect("a detail is JSON")
}

#[test]
fn every_kind_of_the_schema_is_told_and_obeys_it() {
    let schema = schema();
    let kinds = |branch: &Value| branch["properties"]["kind"]["const"].as_str().map(str::to_owned);
    let documented: Vec<_> = branches(&schema).iter().filter_map(kinds).collect();
    let mut told: Vec<String> = Vec::new();
    for entry in one_of_each() {
        let detail = detail(&entry);
        assert_eq!(faults(&schema, &detail), Vec::<String>::new(), "{detail:#}");
        told.push(detail["kind"].as_str().expect("a kind").to_owned());
    }
    told.sort();
    let mut documented = documented;
    documented.sort();
    assert_eq!(told, documented);
}

#[test]
fn the_examples_in_the_document_are_what_is_published() {
    let blocks = DOCUMENT.split("```json\n").skip(1).filter_map(|rest| rest.split("```").next());
    let examples: BTreeMap<String, Value> = blocks
        .filter_map(|block| serde_json::from_str::<Value>(block).ok())
        .filter(|block| block["source"] == "eipd" && block["detail"]["kind"].is_string())
        .map(|block| (block["detail-type"].as_str().unwrap_or_default().to_owned(), block))
        .collect();
    for entry in one_of_each() {
        let published = serde_json::json!({
            "source": entry.source,
            "detail-type": entry.detail_type,
            "detail": detail(&entry),
        });
        assert_eq!(examples.get(entry.detail_type), Some(&published), "{published:#}");
    }
    assert_eq!(examples.len(), one_of_each().len());
}

#[test]
fn the_daemons_own_rule_takes_no_notification() {
    let pattern = crate::events::pattern::event_pattern();
    assert!(one_of_each().iter().all(|entry| !pattern.contains(entry.detail_type)));
}

#[test]
fn a_notification_is_small_whatever_it_tells() {
    let many: Vec<FunctionRef> =
        (0..5000).map(|n| format!("{}-{n}", "f".repeat(58)).parse().expect("a name")).collect();
    assert_eq!(Functions::of(&many).functions.len(), FUNCTIONS_MAX);
    assert_eq!(Functions::of(&many).functions_total, 5000);
    let sharer = |function: FunctionRef| Sharer {
        function,
        pool: "partner-a".parse().expect("a name"),
        versions: Vec::new(),
    };
    let long = text(&Reason::Conflict(many.into_iter().map(sharer).collect()).to_string());
    assert_eq!(long.chars().count(), TEXT_MAX + 1);
    assert_eq!(text("short"), "short");
    assert!(one_of_each().iter().all(|entry| entry.size() < 4096));
}

#[test]
fn the_check_against_the_schema_can_fail() {
    let sound = detail(&one_of_each()[0]);
    let spoil = |change: fn(&mut Map<String, Value>)| {
        let mut spoilt = sound.clone();
        change(spoilt.as_object_mut().expect("an object"));
        faults(&schema(), &spoilt)
    };
    assert_eq!(faults(&schema(), &sound), Vec::<String>::new());
    let spoilt: [fn(&mut Map<String, Value>); 6] = [
        |detail| drop(detail.remove("target")),
        |detail| drop(detail.remove("reason")),
        |detail| drop(detail.insert("kind".into(), "unheard_of".into())),
        |detail| drop(detail.insert("pass".into(), "7".into())),
        |detail| drop(detail.insert("functions".into(), vec![7].into())),
        |detail| drop(detail.insert("undocumented".into(), true.into())),
    ];
    for (number, change) in spoilt.into_iter().enumerate() {
        assert_ne!(spoil(change), Vec::<String>::new(), "{number}");
    }
}

fn branches(schema: &Value) -> &[Value] {
    schema["oneOf"].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Where a detail differs from the schema; a field that the schema does not name is a fault here, although readers must
/// put up with it.
fn faults(schema: &Value, detail: &Value) -> Vec<String> {
    let kind = &detail["kind"];
    let fitting: Vec<&Value> =
        branches(schema).iter().filter(|branch| branch["properties"]["kind"]["const"] == *kind).collect();
    let [branch] = fitting[..] else { return vec![format!("kind {kind} has {} branches", fitting.len())] };
    let mut faults = Vec::new();
    for part in [schema, branch] {
        let required = part["required"].as_array().expect("a list of what is required");
        let missing = required.iter().filter(|name| detail.get(name.as_str().unwrap_or_default()).is_none());
        faults.extend(missing.map(|name| format!("{name} is missing")));
    }
    for (name, value) in detail.as_object().expect("an object") {
        let rules: Vec<&Value> =
            [branch, schema].iter().filter_map(|part| part["properties"].get(name)).collect();
        if rules.is_empty() {
            faults.push(format!("{name} is not in the schema"));
        }
        faults.extend(rules.into_iter().flat_map(|rule| mismatches(schema, name, rule, value)));
    }
    faults
}

/// Knows the words that our schema uses, and panics at any other.
fn mismatches(schema: &Value, name: &str, rule: &Value, value: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    for (word, wanted) in rule.as_object().expect("a rule is an object") {
        let items = || value.as_array().into_iter().flatten();
        let holds = match word.as_str() {
            "description" => true,
            "const" => value == wanted,
            "enum" => wanted.as_array().is_some_and(|all| all.contains(value)),
            "type" => match wanted.as_str() {
                Some("string") => value.is_string(),
                Some("integer") => value.is_u64() || value.is_i64(),
                Some("array") => value.is_array(),
                Some("object") => value.is_object(),
                other => panic!("a type {other:?}"),
            },
            "format" => value.as_str().is_some_and(|text| text.parse::<jiff::Timestamp>().is_ok()),
            "minimum" => value.as_i64() >= wanted.as_i64(),
            "maxItems" => items().count() as u64 <= wanted.as_u64().expect("a number"),
            "maxLength" => {
                let length = value.as_str().map(|text| text.chars().count() as u64);
                length <= wanted.as_u64()
            }
            "items" => {
                faults.extend(items().flat_map(|item| mismatches(schema, name, wanted, item)));
                true
            }
            "additionalProperties" => {
                let values = value.as_object().into_iter().flat_map(Map::values);
                faults.extend(values.flat_map(|item| mismatches(schema, name, wanted, item)));
                true
            }
            "$ref" => {
                let path =
                    wanted.as_str().and_then(|path| path.strip_prefix('#')).expect("a place in the schema");
                let rule = schema.pointer(path).expect("the place is there");
                faults.extend(mismatches(schema, name, rule, value));
                true
            }
            other => panic!("the word {other} is not known here"),
        };
        if !holds {
            faults.push(format!("{name} is {value}, against {word} {wanted}"));
        }
    }
    faults
}
