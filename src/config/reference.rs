//! Every key of the configuration with its meaning, as a document and as a JSON Schema. The tables here are what the
//! readers take their names from, so that a key that is read and not explained does not compile or fails a test.
//!
//! docs/CONFIGURATION.md and docs/configuration.schema.json are what this writes, word for word.

use std::fmt::Write;

use serde_json::{Map, Value, json};

use super::keys::{KEYS, SECTIONS};

/// The form of a value.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form {
    /// Any text that its reader understands.
    Text,
    /// `60s`, `5m`, `1h 30m`.
    Duration,
    /// A duration, or this word.
    DurationOr(&'static str),
    /// A whole number, zero or more.
    Count,
    /// A whole number within these bounds.
    Whole(i64, i64),
    /// A number within these bounds.
    Number(f64, f64),
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A list of addresses, by allocation id or as they are.
    Addresses,
    /// Lists of addresses by subnet or availability zone id.
    Pins,
}

/// A key of a table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) name: &'static str,
    pub(super) form: Form,
    pub(super) meaning: &'static str,
}

const fn entry(name: &'static str, form: Form, meaning: &'static str) -> Entry {
    Entry { name, form, meaning }
}

/// `[[targets]]`
pub(super) const TARGETS: [Entry; 4] = [
    entry("name", Form::Text, "Its name, by which pools and metrics refer to it. Needed."),
    entry("region", Form::Text, "Its region; absent: the SDK's own."),
    entry("role_arn", Form::Text, "A role to assume; absent: the SDK's own credentials."),
    entry("external_id", Form::Text, "The external id that the role's trust policy asks for, if it does."),
];

/// `[pools.NAME]`
pub(super) const POOLS: [Entry; 5] = [
    entry(
        "allocations",
        Form::Addresses,
        "Its Elastic IPs. An address belongs to one pool. Needed, unless there is a `tag`.",
    ),
    entry(
        "min_spare",
        Form::Count,
        "How many of them are wanted free, for interfaces that AWS adds by itself. 0 where absent.",
    ),
    entry(
        "bystanders",
        Form::Choice(&["report", "deny"]),
        "For this pool alone what `safety.bystanders` says for all.",
    ),
    entry("target", Form::Text, "The target that it is in. Needed with several targets."),
    entry(
        "tag",
        Form::Text,
        "`key=value`: every Elastic IP of the account and region that bears this tag, beside those listed.",
    ),
];

/// `[[functions]]`
pub(super) const FUNCTIONS: [Entry; 8] = [
    entry(
        "name",
        Form::Text,
        "A name, `name:qualifier` for a version or an alias, or an ARN of either. This or `tag` is needed.",
    ),
    entry("pool", Form::Text, "The pool that it is served from. This or `allocations` is needed."),
    entry(
        "allocations",
        Form::Addresses,
        "Elastic IPs of its own; they form a pool named after the function.",
    ),
    entry("pins", Form::Pins, "Narrows its addresses in a subnet or an availability zone, by their ids."),
    entry(
        "versions",
        Form::Choice(&["live", "all", "latest"]),
        "Which of its versions are covered; `live` where absent: `$LATEST` and each that an alias leads to. Not for a name with a qualifier.",
    ),
    entry(
        "priority",
        Form::Whole(-1000, 1000),
        "Where addresses are short, those with more are served first. 0 where absent.",
    ),
    entry(
        "target",
        Form::Text,
        "The target that it is in. Needed with several targets, for a function with `allocations`.",
    ),
    entry(
        "tag",
        Form::Text,
        "`key=value`: every function of the account and region that bears this tag. A table with a `name` wins over one with a `tag`.",
    ),
];

/// The names of a table's keys.
pub(super) fn names<const N: usize>(entries: &[Entry; N]) -> [&'static str; N] {
    entries.map(|entry| entry.name)
}

const HEAD: &str = "# Configuration

Made from the tables in `src/config/`. TOML, from `-c FILE`, else `EIPD_CONFIG`, else `eipd.toml`; or as text in
`EIPD_CONFIG_INLINE`. `eipd check` reads it offline and reports every fault with its place; `config/` has an example for each
common case. The file is loaded again when it changes and on SIGHUP; a faulty one leaves the former in force.

[configuration.schema.json](configuration.schema.json) is the same for editors (JSON Schema 2020-12). It knows forms, not what
tables say of one another: `eipd check` knows both. An unknown key is an error.

Durations are written like `60s`, `5m` or `1h 30m`.
";

/// The whole document.
#[must_use]
pub fn document() -> String {
    let mut text = HEAD.to_owned();
    for section in SECTIONS {
        let _ = write!(text, "\n## [{section}]\n\n| key | form | default | variable |\n|---|---|---|---|\n");
        let keys = || KEYS.iter().filter(|key| key.section == section);
        for key in keys() {
            let default = key.default.map_or_else(|| "none".to_owned(), |default| format!("`{default}`"));
            let _ = writeln!(
                text,
                "| `{}` | {} | {default} | `{}` |",
                key.name,
                in_words(key.form),
                key.variable()
            );
        }
        text.push('\n');
        for key in keys() {
            let _ = writeln!(text, "* `{}`: {}", key.name, key.meaning);
        }
    }
    for (title, intro, entries) in tables() {
        let _ = write!(text, "\n## {title}\n\n{intro}\n\n| key | form | meaning |\n|---|---|---|\n");
        for Entry { name, form, meaning } in entries {
            let _ = writeln!(text, "| `{name}` | {} | {meaning} |", in_words(*form));
        }
    }
    text
}

fn tables() -> [(&'static str, &'static str, &'static [Entry]); 3] {
    [
        (
            "[[targets]]",
            "An account and region; without any there is one named `default`, from the SDK's own settings.",
            &TARGETS,
        ),
        (
            "[pools.NAME]",
            "A set of allocated Elastic IPs; functions may share one. A name has 1 to 64 letters, digits, `-`, `_` or `.`.",
            &POOLS,
        ),
        ("[[functions]]", "What is to leave from which addresses; at least one.", &FUNCTIONS),
    ]
}

fn in_words(form: Form) -> String {
    match form {
        Form::Text => "text".to_owned(),
        Form::Duration => "duration".to_owned(),
        Form::DurationOr(word) => format!("`{word}` or a duration"),
        Form::Count => "whole number, 0 or more".to_owned(),
        Form::Whole(least, most) => format!("whole number from {least} to {most}"),
        Form::Number(least, most) => format!("number from {least} to {most}"),
        Form::Choice(words) => {
            let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
            quoted.join(" or ")
        }
        Form::Addresses => "list of allocation ids or public addresses".to_owned(),
        Form::Pins => "table of such lists, by subnet or zone id".to_owned(),
    }
}

/// The JSON Schema.
#[must_use]
pub fn schema() -> Value {
    let mut properties = Map::new();
    for section in SECTIONS {
        let keys = KEYS.iter().filter(|key| key.section == section);
        let fields = keys.map(|key| {
            let mut field = field(key.form, key.meaning);
            if let Some(default) = key.default {
                field["default"] = default_value(key.form, default);
            }
            (key.name.to_owned(), field)
        });
        properties.insert(section.to_owned(), object(&fields.collect()));
    }
    let table = |entries: &[Entry]| {
        object(&entries.iter().map(|e| (e.name.to_owned(), field(e.form, e.meaning))).collect())
    };
    properties.insert("targets".to_owned(), json!({"type": "array", "items": table(&TARGETS)}));
    let pools = json!({"type": "object", "additionalProperties": table(&POOLS)});
    properties.insert("pools".to_owned(), pools);
    let functions = json!({"type": "array", "minItems": 1, "items": table(&FUNCTIONS)});
    properties.insert("functions".to_owned(), functions);
    let mut schema = object(&properties);
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    schema["title"] = "The configuration of eipd".into();
    schema["required"] = json!(["functions"]);
    schema
}

fn object(properties: &Map<String, Value>) -> Value {
    json!({"type": "object", "properties": properties, "additionalProperties": false})
}

fn field(form: Form, meaning: &str) -> Value {
    let addresses = json!({"type": "array", "items": {"type": "string"}});
    let mut field = match form {
        Form::Text | Form::Duration | Form::DurationOr(_) => json!({"type": "string"}),
        Form::Count => json!({"type": "integer", "minimum": 0}),
        Form::Whole(least, most) => json!({"type": "integer", "minimum": least, "maximum": most}),
        Form::Number(least, most) => json!({"type": "number", "minimum": least, "maximum": most}),
        Form::Choice(words) => json!({"type": "string", "enum": words}),
        Form::Addresses => addresses,
        Form::Pins => json!({"type": "object", "additionalProperties": addresses}),
    };
    field["description"] = meaning.into();
    field
}

/// Defaults are kept as a variable would hold them.
fn default_value(form: Form, text: &str) -> Value {
    match form {
        Form::Count | Form::Number(..) => text.parse().unwrap_or_else(|_| text.into()),
        _ => text.into(),
    }
}
