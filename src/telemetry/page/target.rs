//! One target: what is uncovered, its last pass, its functions, pools and drift.

use std::collections::BTreeSet;

use jiff::Timestamp;
use maud::{Markup, html};

use super::function;
use super::words::{ago, reason};
use crate::domain::policy::Mode;
use crate::domain::reason::{Warning, named};
use crate::domain::report::{PassResult, Report};
use crate::telemetry::after;
use crate::telemetry::status::TargetSnapshot;

/// Uncovered interfaces that are told of at the top, for each target: the first of them tell the story.
const TOLD_FIRST_MAX: usize = 20;

/// What breaks the promise, for the first screen.
pub(super) fn uncovered(target: &TargetSnapshot, now: Timestamp) -> Markup {
    let Some(seen) = &target.seen else { return html! {} };
    html! {
        @for uncovered in seen.uncovered.iter().take(TOLD_FIRST_MAX) {
            div .note.bad {
                strong { (named(&uncovered.functions)) } " on " code { (uncovered.network_interface_id) }
                @if let Some(since) = target.since.interface(&uncovered.network_interface_id) {
                    span .quiet { " for " (ago(since, now)) }
                }
                ": " (reason(&uncovered.reason.to_string()))
                @if let Some(cause) = &uncovered.cause { "; taken off by " (cause.actor) }
            }
        }
        @if seen.uncovered.len() > TOLD_FIRST_MAX {
            p .quiet { "and " (seen.uncovered.len() - TOLD_FIRST_MAX) " more network interfaces of target " (target.name) }
        }
        @for one in &seen.unservable {
            div .note.bad { strong { (one.function) } " can't have an address: see the drift of target " (target.name) }
        }
    }
}

/// All of it.
pub(super) fn section(target: &TargetSnapshot, now: Timestamp) -> Markup {
    html! {
        h2 { "Target " (target.name) }
        @if let Some(time) = target.stuck_for {
            p .note.bad { "Stuck: no pass was completed for " (time.as_secs()) " s" }
        }
        @match &target.latest {
            None => p .note.unsure { "No pass was completed yet." },
            Some(latest) => { (passes(target, latest, now)) }
        }
    }
}

fn passes(target: &TargetSnapshot, latest: &Report, now: Timestamp) -> Markup {
    html! {
        (pass_line(latest, target, now))
        @for failure in &latest.failures { p .note.bad { (reason(failure)) } }
        @if let Some(breaker) = &latest.breaker { p .note.unsure { (reason(&breaker.to_string())) } }
        @if let Some(seen) = &target.seen {
            @if latest.result == PassResult::Failed {
                p .note.unsure { "What follows is from pass " (seen.pass) ", " (ago(seen.started_at, now)) " ago." }
            }
            (function::list(seen, target, now))
            (pools(seen))
            (drift(seen))
        }
    }
}

fn pass_line(latest: &Report, target: &TargetSnapshot, now: Timestamp) -> Markup {
    html! {
        p .quiet {
            "Pass " (latest.pass) " (" (latest.trigger.as_str()) ") " (ago(latest.started_at, now)) " ago, "
            (latest.result.as_str()) " after " (format_args!("{:.1} s", latest.took.as_secs_f64()))
            @if let Some(next) = target.next_pass_in { "; the next within " (next.as_secs()) " s" }
        }
        @if latest.mode == Mode::Observe { p .note.unsure { "Observing only: nothing is changed." } }
    }
}

fn pools(report: &Report) -> Markup {
    html! {
        h3 { "Pools" }
        div .card {
            table {
                tr {
                    th { "Pool" }
                    @for state in after::STATES { th .n { (state) } }
                    th .n { "wanted spare" } th .n { "wanting" }
                }
                @for (pool, figures) in after::pools(report) {
                    tr {
                        td { code { (pool) } }
                        @for (_, count) in after::states(&figures) { td .n { (count) } }
                        td .n { (figures.min_spare) }
                        td .n.bad-text[figures.shortfall > 0] { (figures.shortfall) }
                    }
                }
            }
        }
    }
}

/// What differs although no interface is uncovered for it, or before one is; the kinds together.
fn drift(report: &Report) -> Markup {
    let kinds: BTreeSet<_> = report.plan.warnings.iter().map(|warning| warning.kind).collect();
    let of = |kind| report.plan.warnings.iter().filter(move |warning: &&Warning| warning.kind == kind);
    html! {
        @if !kinds.is_empty() || !report.contested.is_empty() { h3 { "Drift" } }
        @for contested in &report.contested {
            p .note.unsure {
                code { "contested" } " " (contested.public_ip) " " code { (contested.allocation_id) } " was taken off " code { (contested.network_interface_id) }
                " " (contested.times) " times"
                @if let Some(actor) = &contested.actor { ", the last time by " (actor) }
            }
        }
        @for kind in kinds {
            @for warning in of(kind).take(WARNINGS_OF_A_KIND_MAX) {
                p .note.unsure { code { (kind.as_str()) } " " (reason(&warning.message)) }
            }
            @if of(kind).count() > WARNINGS_OF_A_KIND_MAX {
                p .quiet { "and " (of(kind).count() - WARNINGS_OF_A_KIND_MAX) " more of " code { (kind.as_str()) } }
            }
        }
    }
}

/// Warnings of one kind that are told one by one.
const WARNINGS_OF_A_KIND_MAX: usize = 50;
