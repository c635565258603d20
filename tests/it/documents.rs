//! What operators are given agrees with the program: documents that are made from the code are current.
//!
//! `EIPD_WRITE_DOCS=1 cargo test --locked --test it -- documents:: policies::written` writes them anew.

use std::path::{Path, PathBuf};

use eipd::config::reference;
use eipd::telemetry::catalogue;

const REGENERATE: &str = "EIPD_WRITE_DOCS=1 cargo test --locked --test it -- documents:: policies::written";

pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// Fails unless the file says exactly this; writes it when asked to.
pub(crate) fn assert_current(path: &str, made: &str) {
    let file = repository().join(path);
    if std::env::var_os("EIPD_WRITE_DOCS").is_some() {
        std::fs::write(&file, made).expect("a document can be written");
    }
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    let differs = found.lines().zip(made.lines()).position(|(one, other)| one != other);
    assert!(
        found == made,
        "{path} is stale, from line {}; run\n\n    {REGENERATE}\n",
        differs.unwrap_or(0) + 1
    );
}

#[test]
fn the_list_of_metrics_is_current() {
    assert_current("docs/METRICS.md", &catalogue::document());
}

#[test]
fn the_list_of_keys_is_current() {
    assert_current("docs/CONFIGURATION.md", &reference::document());
}

#[test]
fn the_schema_of_the_configuration_is_current_and_every_example_obeys_it() {
    let schema = reference::schema();
    let text = serde_json::to_string_pretty(&schema).expect("JSON can be written");
    assert_current("docs/configuration.schema.json", &format!("{text}\n"));
    let folder = std::fs::read_dir(repository().join("config")).expect("there are examples");
    for file in folder.map(|file| file.expect("a file").path()) {
        let text = std::fs::read_to_string(&file).expect("an example is text");
        let example: serde_json::Value = toml::from_str(&text).expect("an example is TOML");
        let found = faults(&schema, &example, "");
        assert!(found.is_empty(), "{}: {}", file.display(), found.join("; "));
    }
}

#[test]
fn the_full_example_has_every_key_and_the_schema_refuses_what_is_none() {
    let text =
        std::fs::read_to_string(repository().join("config/full.toml")).expect("there is a full example");
    let schema = reference::schema();
    let of = |table: &serde_json::Value| -> Vec<String> {
        table["properties"].as_object().expect("a table").keys().cloned().collect()
    };
    let sections = ["daemon", "events", "safety", "notify"].map(|name| &schema["properties"][name]);
    let tables = [
        &schema["properties"]["targets"]["items"],
        &schema["properties"]["pools"]["additionalProperties"],
        &schema["properties"]["functions"]["items"],
    ];
    for key in sections.into_iter().chain(tables).flat_map(of) {
        assert!(text.contains(&format!("\n{key} = ")), "config/full.toml shows {key}");
    }
    for (wrong, fault) in [
        (r#"{"functions": [], "daemon": {"listn": "x"}}"#, "/daemon/listn"),
        (r#"{"functions": [{"name": 1}]}"#, "/functions/0/name"),
        (r#"{"functions": [{}], "safety": {"mode": "off"}}"#, "/safety/mode"),
        (r#"{"functions": [{}], "safety": {"rate_share": 2}}"#, "/safety/rate_share"),
        ("{}", "/functions"),
    ] {
        let found = faults(&schema, &serde_json::from_str(wrong).expect("JSON"), "");
        assert!(found.iter().any(|found| found.starts_with(fault)), "{wrong}: {found:?}");
    }
}

/// What a value has against the keywords that our schema uses.
fn faults(schema: &serde_json::Value, value: &serde_json::Value, place: &str) -> Vec<String> {
    let mut found = Vec::new();
    let fits = match schema["type"].as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_u64() || value.is_i64(),
        Some("number") => value.is_number(),
        other => panic!("{place}: no type of ours is {other:?}"),
    };
    if !fits {
        found.push(format!("{place} is no {}", schema["type"]));
    }
    let allowed = schema["enum"].as_array();
    if allowed.is_some_and(|allowed| !allowed.contains(value)) {
        found.push(format!("{place} is none of {}", schema["enum"]));
    }
    let number = value.as_f64().unwrap_or_default();
    if schema["minimum"].as_f64().is_some_and(|least| number < least)
        || schema["maximum"].as_f64().is_some_and(|most| number > most)
    {
        found.push(format!("{place} is out of bounds"));
    }
    for name in schema["required"].as_array().into_iter().flatten().filter_map(|name| name.as_str()) {
        if value.get(name).is_none() {
            found.push(format!("{place}/{name} is needed"));
        }
    }
    for (key, inner) in value.as_object().into_iter().flatten() {
        let place = format!("{place}/{key}");
        match schema["properties"].get(key).unwrap_or(&schema["additionalProperties"]) {
            serde_json::Value::Bool(false) => found.push(format!("{place} is unknown")),
            known => found.extend(faults(known, inner, &place)),
        }
    }
    for (index, inner) in value.as_array().into_iter().flatten().enumerate() {
        found.extend(faults(&schema["items"], inner, &format!("{place}/{index}")));
    }
    found
}
