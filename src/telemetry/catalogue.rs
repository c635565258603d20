//! The metrics as a document for those who build dashboards and alerts, made from the definitions themselves.
//! docs/METRICS.md is what this writes, word for word; a test holds the two together.

use std::fmt::Write;

use super::after;
use super::metrics::{ALL, Definition, Kind, Stability};
use crate::domain::action::{ActionKind, Outcome};
use crate::domain::error_class::ErrorClass;
use crate::domain::reason::{Reason, WarningKind};
use crate::domain::report::{PassResult, Trigger};
use crate::reconcile::ports::Delivery;

const HEAD: &str = "# Metrics

Made from the definitions in `src/telemetry/metrics.rs`. Served at `/metrics` in the text format of Prometheus, beside the
`process_…` metrics that its client libraries have in common.

* **Stability**: what is *contract* keeps its name, type, labels and meaning; a label may get further values. What is
  *provisional* may change or go with a version whose notes say so.
* Gauges tell how things stand after the last pass that saw something, and keep their values while passes fail:
  `eipd_last_success_timestamp_seconds` says how old they are. Counters begin at zero with the process, and so does what
  a process knows of the time before.
* Several replicas tell the same facts, each as it saw them last: aggregate gauges with `max by (…)` (`min by (…)` for
  spare addresses), never with `sum`. What a process did itself (changes, passes, requests, events) adds up.
* Labels come from closed sets or from the configuration, never from ids of AWS: an account with 10,000 network
  interfaces has no more series than one with ten.

`deploy/prometheus/` has rules and alerts over them, `docs/runbooks/` a page for each alert.

";

/// What the labels mean.
const LABELS: &[(&str, &str)] = &[
    ("target", "The target by its name in the configuration, `default` without any."),
    ("pool", "The pool; inline `allocations` form one that is named after the function."),
    ("function", "The function as the configuration names it, or as a tag selected it."),
    ("kind", "Of a difference or an event, see below."),
    ("why", "In what way a network interface is uncovered, or for what a function can have no address."),
    (
        "state",
        "Where an address is: on an interface that a declared function uses, free, on a Lambda interface that none uses, \
      nowhere in this account and region, on something foreign, not readable.",
    ),
    ("action", "What is done to an address."),
    ("trigger", "Why a pass is made."),
    ("outcome", "What became of it; the sets below, and for requests `ok` or the class of the error."),
    (
        "origin",
        "Since when a repair is measured: `event`, the event's own time; `observed`, the first sight.",
    ),
    ("service", "The service of AWS, as IAM abbreviates it."),
    ("operation", "The operation, as IAM names it."),
    ("version", "The version of the build."),
    ("revision", "The revision of its source."),
];

/// A metric as rules and dashboards name it.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// Its name; the series of a histogram have `_bucket`, `_sum` or `_count` behind it.
    pub name: &'static str,
    /// Whether it is a histogram.
    pub is_histogram: bool,
    /// Its labels.
    pub labels: &'static [&'static str],
}

/// Every metric of ours.
pub fn metrics() -> impl Iterator<Item = Metric> {
    ALL.iter().map(|Definition { name, kind, labels, .. }| Metric {
        name,
        is_histogram: *kind == Kind::Histogram,
        labels,
    })
}

/// The whole document.
#[must_use]
pub fn document() -> String {
    let mut text = HEAD.to_owned();
    text.push_str("## All\n\n| metric | type | unit | labels | stability |\n|---|---|---|---|---|\n");
    for definition in ALL {
        summary(&mut text, definition);
    }
    text.push_str("\n## What each means\n\n");
    for Definition { name, help, .. } in ALL {
        let _ = writeln!(text, "* `{name}`: {help}");
    }
    text.push_str("\n## Labels\n\n| label | means |\n|---|---|\n");
    for (label, meaning) in LABELS {
        let _ = writeln!(text, "| `{label}` | {meaning} |");
    }
    text.push_str("\n## Closed sets\n\n");
    for (of, values) in closed_sets() {
        let quoted: Vec<String> = values.iter().map(|value| format!("`{value}`")).collect();
        let _ = writeln!(text, "* {of}: {}.", quoted.join(", "));
    }
    text
}

fn summary(text: &mut String, definition: &Definition) {
    let Definition { name, kind, unit, stability, labels, .. } = definition;
    let kind = match kind {
        Kind::Gauge => "gauge",
        Kind::Counter => "counter",
        Kind::Histogram => "histogram",
    };
    let stability = match stability {
        Stability::Contract => "contract",
        Stability::Provisional => "provisional",
    };
    let labels = if labels.is_empty() { "none".to_owned() } else { labels.join(", ") };
    let _ = writeln!(text, "| `{name}` | {kind} | {unit} | {labels} | {stability} |");
}

fn closed_sets() -> Vec<(&'static str, Vec<String>)> {
    let owned = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>();
    let classes: Vec<&str> = ErrorClass::ALL.iter().map(|class| class.as_str()).collect();
    vec![
        ("`why` of `eipd_unassociated_network_interfaces`", owned(&after::WHY)),
        ("`why` of `eipd_function_unservable`", owned(&WarningKind::UNSERVABLE.map(after::why_unservable))),
        ("`state` of `eipd_pool_addresses`", owned(&after::STATES)),
        (
            "`kind` of `eipd_drift`, warnings",
            WarningKind::ALL.iter().map(|kind| kind.as_str().to_owned()).collect(),
        ),
        (
            "`kind` of `eipd_drift`, uncovered network interfaces by reason",
            Reason::CODES.iter().map(|code| after::uncovered_kind(code)).collect(),
        ),
        ("`action` of `eipd_changes_total`", owned(&ActionKind::ALL.map(ActionKind::as_str))),
        ("`outcome` of `eipd_changes_total`", owned(&Outcome::ALL.map(Outcome::as_str))),
        ("`trigger` of `eipd_passes_total`", owned(&Trigger::ALL.map(Trigger::as_str))),
        ("`outcome` of `eipd_passes_total`", owned(&PassResult::ALL.map(PassResult::as_str))),
        ("`outcome` of `eipd_aws_requests_total` beside `ok`", owned(&classes)),
        ("`outcome` of `eipd_notifications_total`", owned(&Delivery::ALL.map(Delivery::as_str))),
    ]
}
