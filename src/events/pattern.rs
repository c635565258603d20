//! The event pattern of the EventBridge rule: what the parser understands and that came to something, and no more.

use serde_json::{Value, json};

use super::kind::{API_CALL_DETAIL_TYPE, Call, Kind, MARKER_DETAIL_TYPE, MARKER_SOURCE};

/// The longest pattern that a rule may have, in characters (AWS.md 3, confirmed).
pub const PATTERN_CHARS_MAX: usize = 4096;

/// The pattern that selects the events of every kind but [`Kind::Other`], as JSON.
///
/// One rule carries the marker on the same way as the events of AWS, so that its arrival says something of theirs.
#[must_use]
pub fn event_pattern() -> String {
    selecting(&Kind::ALL)
}

/// The pattern that selects the events of some kinds, as JSON.
#[must_use]
pub fn selecting(kinds: &[Kind]) -> String {
    let calls: Vec<Call> = kinds.iter().filter_map(|kind| kind.call()).collect();
    let mut sources = distinct(calls.iter().map(|call| call.service.source()));
    let mut detail_types = distinct(calls.iter().map(|_| API_CALL_DETAIL_TYPE));
    let mut event_sources = distinct(calls.iter().map(|call| call.service.event_source()));
    let mut event_names: Vec<Value> = calls.iter().flat_map(names).collect();
    if kinds.contains(&Kind::Marker) {
        sources.push(json!(MARKER_SOURCE));
        detail_types.push(json!(MARKER_DETAIL_TYPE));
        event_sources.push(absent());
        event_names.push(absent());
    }
    json!({
        "source": sources,
        "detail-type": detail_types,
        "detail": {"eventSource": event_sources, "eventName": event_names, "errorCode": [absent()]},
    })
    .to_string()
}

fn absent() -> Value {
    json!({"exists": false})
}

fn names(call: &Call) -> Vec<Value> {
    let versioned = format!("{}{}", call.name, Call::MILLENNIUM);
    let versioned = call.service.appends_api_versions().then(|| json!({"prefix": versioned}));
    [json!(call.name)].into_iter().chain(versioned).collect()
}

fn distinct(texts: impl Iterator<Item = &'static str>) -> Vec<Value> {
    let mut values: Vec<Value> = texts.map(Value::from).collect();
    values.dedup();
    values
}
