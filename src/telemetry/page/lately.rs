//! What happened lately: changes with their cause, and the events that told of something.

use jiff::Timestamp;
use maud::{Markup, html};

use super::function::address;
use super::words::{ago, reason};
use crate::domain::action::Outcome;
use crate::reconcile::ports::EventNote;
use crate::telemetry::recent::Change;

/// Rows for all targets together.
const ROWS_MAX: usize = 50;

pub(super) fn changes(changes: &[Change], now: Timestamp) -> Markup {
    html! {
        h2 { "Last changes" }
        @if changes.is_empty() {
            p .quiet { "None since the start." }
        } @else {
            div .card {
                table .stack {
                    tr .head { th { "Ago" } th { "Target" } th { "Change" } th { "Why" } th { "Outcome" } }
                    @for change in changes.iter().take(ROWS_MAX) { (change_row(change, now)) }
                }
            }
        }
    }
}

fn change_row(change: &Change, now: Timestamp) -> Markup {
    let Change { at, target, action: report, .. } = change;
    let action = &report.action;
    html! {
        tr {
            td data-is="Ago" title=(format_args!("{at:.0}")) { (ago(*at, now)) }
            td data-is="Target" { (target) }
            td data-is="Change" {
                (action.kind.as_str()) " " (address(&action.allocation_id, Some(action.public_ip)))
                ", " code { (action.network_interface_id) }
            }
            td data-is="Why" {
                (action.reason.as_str())
                @if let Some(origin) = &report.origin { ", caused by " (origin.actor) }
            }
            td data-is="Outcome" .bad-text[report.outcome == Outcome::Failed] {
                (report.outcome.as_str())
                @if let Some(detail) = &report.detail { ": " (reason(detail)) }
            }
        }
    }
}

/// Nothing where no event came, as when there is no queue.
pub(super) fn events(events: &[EventNote], now: Timestamp) -> Markup {
    html! {
        @if !events.is_empty() {
            h2 { "Last events" }
            div .card {
                table .stack {
                    tr .head { th { "Ago" } th { "Target" } th { "Event" } th { "By" } }
                    @for event in events.iter().take(ROWS_MAX) { (event_row(event, now)) }
                }
            }
        }
    }
}

fn event_row(event: &EventNote, now: Timestamp) -> Markup {
    let address = event.allocation_id.as_ref().map(ToString::to_string);
    let interface = event.network_interface_id.as_ref().map(ToString::to_string);
    html! {
        tr {
            td data-is="Ago" title=(format_args!("{:.0}", event.at)) { (ago(event.at, now)) }
            td data-is="Target" { (event.target) }
            td data-is="Event" {
                (event.kind)
                @for subject in [address, interface, event.function.clone()].iter().flatten() { " " code { (subject) } }
                @if event.outcome == "echo" { " " span .quiet { "(our own)" } }
            }
            td data-is="By" { (event.actor) }
        }
    }
}
