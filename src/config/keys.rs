//! The keys of the fixed sections (daemon, events, safety, notify): what each holds, what it is when absent, and what it is
//! for. Read by `scalars`, told by `reference`. Data only.

use super::reference::Form;

/// What the names of overriding variables begin with.
pub(super) const PREFIX: &str = "EIPD__";

/// A scalar key of a fixed section.
pub(super) struct Key {
    pub(super) section: &'static str,
    pub(super) name: &'static str,
    /// As a variable would hold it.
    pub(super) default: Option<&'static str>,
    /// The form of a value, in words.
    pub(super) expected: &'static str,
    pub(super) form: Form,
    /// What it is for.
    pub(super) meaning: &'static str,
}

impl Key {
    pub(super) fn path(&self) -> String {
        format!("{}.{}", self.section, self.name)
    }

    pub(super) fn variable(&self) -> String {
        format!("{PREFIX}{}__{}", self.section, self.name).to_uppercase()
    }
}

/// Every key of the fixed sections, in the order of the documentation.
pub(super) const KEYS: [Key; 13] = [
    Key {
        section: "daemon",
        name: "poll_interval",
        default: Some("60s"),
        expected: "a duration such as \"60s\"",
        form: Form::Duration,
        meaning: "A full pass is made at least this often, with jitter; from 1s to 1h.",
    },
    Key {
        section: "daemon",
        name: "function_refresh",
        default: Some("5m"),
        expected: "a duration such as \"5m\"",
        form: Form::Duration,
        meaning: "Unchanged function configurations are read again this often; from poll_interval to 24h.",
    },
    Key {
        section: "daemon",
        name: "listen",
        default: Some("127.0.0.1:9464"),
        expected: "an address with its port such as \"127.0.0.1:9464\"",
        form: Form::Text,
        meaning: "Where /metrics, /healthz, /readyz, /status and the page are served: an address with its port.",
    },
    Key {
        section: "events",
        name: "queue_url",
        default: None,
        expected: "the URL of a queue",
        form: Form::Text,
        meaning: "The queue that brings the events; absent: changes are found by polling alone.",
    },
    Key {
        section: "safety",
        name: "mode",
        default: Some("enforce"),
        expected: "\"enforce\" or \"observe\"",
        form: Form::Choice(&["enforce", "observe"]),
        meaning: "Whether plans are carried out or only reported.",
    },
    Key {
        section: "safety",
        name: "max_disruptions_per_pass",
        default: Some("5"),
        expected: "a whole number, zero or more",
        form: Form::Count,
        meaning: "A pass that plans more disruptions makes none of them.",
    },
    Key {
        section: "safety",
        name: "max_disruptions_per_hour",
        default: Some("20"),
        expected: "a whole number, zero or more",
        form: Form::Count,
        meaning: "The same over any hour of one process, by what was carried out or may have been; at least as many as a pass may make.",
    },
    Key {
        section: "safety",
        name: "rate_share",
        default: Some("0.5"),
        expected: "a number from 0.05 to 1",
        form: Form::Number(0.05, 1.0),
        meaning: "The part of EC2's documented throttle rate that is used.",
    },
    Key {
        section: "safety",
        name: "take_from",
        default: Some("retired"),
        expected: "\"retired\" or \"nothing\"",
        form: Form::Choice(&["retired", "nothing"]),
        meaning: "From where an address may be taken when none is free.",
    },
    Key {
        section: "safety",
        name: "switchover_grace",
        default: Some("auto"),
        expected: "\"auto\" or a duration such as \"60s\"",
        form: Form::DurationOr("auto"),
        meaning: "How long a replaced interface keeps its address; auto: each function's own timeout, at least 60s; else up to 24h.",
    },
    Key {
        section: "safety",
        name: "bystanders",
        default: Some("report"),
        expected: "\"report\" or \"deny\"",
        form: Form::Choice(&["report", "deny"]),
        meaning: "Whether a bare interface that undeclared functions use is served, or left bare.",
    },
    Key {
        section: "safety",
        name: "on_removed",
        default: Some("keep"),
        expected: "\"keep\" or \"disassociate\"",
        form: Form::Choice(&["keep", "disassociate"]),
        meaning: "What becomes of an address whose function, or which itself, leaves the file.",
    },
    Key {
        section: "notify",
        name: "event_bus",
        default: None,
        expected: "the name or the ARN of an event bus",
        form: Form::Text,
        meaning: "The event bus, by name or ARN, that changes of state are published on; absent: nowhere.",
    },
];

/// The fixed sections in the order of the documentation.
pub(super) const SECTIONS: [&str; 4] = ["daemon", "events", "safety", "notify"];
