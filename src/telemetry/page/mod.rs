//! The status for a person, complete in itself: one document with its style and its script, nothing fetched from
//! elsewhere. Says first whether the promise holds and what breaks it, then what each function leaves from, then pools,
//! drift, changes, events and the configuration in force. Without the script it reloads itself; nothing in it writes.
//!
//! Markup is made by `maud`, which escapes all text: what AWS or a file says stays text.

mod function;
mod lately;
mod target;
mod words;

use jiff::Timestamp;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::status::{ConfigurationStatus, QueueStatus, Snapshot};
use crate::domain::report::{Coverage, Report};
use words::{ago, reason};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// The page loads nothing and runs nothing but its own style sheet and script, which are named by their hashes; a test
/// tells the right ones when these files change.
pub(super) const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; \
     style-src 'sha256-zh+7d9ivwB06kGc4nn1PD81vRWSP9Iul5stF3vhi+Nk='; script-src 'sha256-1YepRNiSj6WDjD/aqfWNqelWBLEr711dE7r5NrbHY9s='; \
     connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Whether the promise holds.
enum Verdict {
    Covered(usize),
    Uncovered { interfaces: usize, functions: usize },
    Unknown(&'static str),
}

/// Renders the page as of now.
pub(super) fn render(snapshot: &Snapshot, now: Timestamp) -> String {
    let verdict = Verdict::of(snapshot);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                noscript { meta http-equiv="refresh" content="15"; }
                link rel="icon" href=(verdict.icon());
                title { (verdict.word()) " · eipd" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                div #lost hidden {}
                main #live { (live(snapshot, &verdict, now)) }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    page.into_string()
}

fn live(snapshot: &Snapshot, verdict: &Verdict, now: Timestamp) -> Markup {
    html! {
        (banner(snapshot, verdict))
        @for target in &snapshot.targets { (target::uncovered(target, now)) }
        @if let Some(configuration) = &snapshot.configuration { (refusal(configuration)) }
        @if let Some(queue) = &snapshot.queue { (queue_line(queue, now)) }
        @for target in &snapshot.targets { (target::section(target, now)) }
        (lately::changes(&snapshot.changes, now))
        (lately::events(&snapshot.events, now))
        @if let Some(configuration) = &snapshot.configuration { (configuration_section(configuration, now)) }
        p .quiet {
            "eipd " (snapshot.build.version) " (" (snapshot.build.revision) "), running since "
            (format_args!("{:.0}", snapshot.build.started_at)) ". The same for machines: "
            a href="status" { "/status" } ", " a href="metrics" { "/metrics" } "."
        }
    }
}

impl Verdict {
    fn of(snapshot: &Snapshot) -> Self {
        let latest = || snapshot.targets.iter().map(|target| target.latest.as_deref());
        let sum = |count: fn(&Report) -> usize| latest().flatten().map(count).sum::<usize>();
        let interfaces = sum(|report| report.uncovered.len());
        let functions = sum(|report| report.unservable.len());
        let is = |coverage| latest().flatten().any(|report| report.coverage() == coverage);
        if interfaces > 0 || functions > 0 || is(Coverage::Uncovered) {
            Self::Uncovered { interfaces, functions }
        } else if snapshot.targets.is_empty() || latest().any(|report| report.is_none()) {
            Self::Unknown("Not known yet: the first pass is under way")
        } else if is(Coverage::Unknown) {
            Self::Unknown("Not known: the last pass could not see everything")
        } else {
            Self::Covered(sum(|report| report.covered))
        }
    }

    fn class(&self) -> &'static str {
        match self {
            Self::Covered(_) => "good",
            Self::Uncovered { .. } => "bad",
            Self::Unknown(_) => "unsure",
        }
    }

    fn word(&self) -> &'static str {
        match self {
            Self::Covered(_) => "covered",
            Self::Uncovered { .. } => "NOT covered",
            Self::Unknown(_) => "not known",
        }
    }

    /// A disc, a triangle or a square: colour alone tells nothing to some.
    fn icon(&self) -> &'static str {
        match self {
            Self::Covered(_) => {
                "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Ccircle cx='8' cy='8' r='7' fill='%231a7f37'/%3E%3C/svg%3E"
            }
            Self::Uncovered { .. } => {
                "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Cpath d='M8 1 16 15H0z' fill='%23c62828'/%3E%3C/svg%3E"
            }
            Self::Unknown(_) => {
                "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Cpath d='M2 2h12v12H2z' fill='%239a6200'/%3E%3C/svg%3E"
            }
        }
    }
}

fn banner(snapshot: &Snapshot, verdict: &Verdict) -> Markup {
    let functions: usize = snapshot.targets.iter().map(|target| target.declared.len()).sum();
    html! {
        div class={ "banner " (verdict.class()) } {
            h1 {
                @match verdict {
                    Verdict::Covered(count) => { "Covered: every network interface has its address (" (count) ")" }
                    Verdict::Uncovered { interfaces, functions } => {
                        "Not covered: network interfaces without their address: " (interfaces)
                        @if *functions > 0 { "; functions that can have none: " (functions) }
                    }
                    Verdict::Unknown(why) => (why),
                }
            }
            p .quiet {
                "Functions named in the configuration: " (functions) ", targets: " (snapshot.targets.len())
            }
        }
    }
}

fn refusal(configuration: &ConfigurationStatus) -> Markup {
    html! {
        @if let Some(error) = &configuration.last_reload_error {
            p .note.bad { "A newer configuration was refused at " (format_args!("{:.0}", error.at)) ": " (error.message) }
        }
    }
}

fn queue_line(queue: &QueueStatus, now: Timestamp) -> Markup {
    let since = ago(queue.since, now);
    html! {
        @if let Some(trouble) = &queue.trouble {
            p .note.bad { "Events: trouble with the queue for " (since) ": " (reason(trouble)) }
        } @else {
            p .quiet {
                "Events: received for " (since)
                @match &queue.lags {
                    Some(lags) => {
                        "; the last " (ago(lags.last_at, now)) " ago came " (words::seconds(lags.last)) " late, of the last "
                        (lags.count) " none more than " (words::seconds(lags.longest))
                    }
                    None => "; none concerned us yet",
                }
            }
        }
    }
}

fn configuration_section(configuration: &ConfigurationStatus, now: Timestamp) -> Markup {
    html! {
        h2 { "Configuration in force" }
        div .card {
            dl {
                dt { "source" } dd { code { (configuration.source) } ", read " (ago(configuration.loaded_at, now)) " ago" }
                @for (key, value) in &configuration.settings {
                    dt { (key) } dd { code { (value) } }
                }
            }
            @for note in &configuration.notes { p .note.unsure { (note) } }
        }
    }
}
