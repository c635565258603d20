//! What happened lately in a target: the changes that were made or tried, and the events that concerned it. Rings of a
//! fixed size: what a person reads, while the log keeps the rest.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::uncovered_time::ended_at;
use crate::domain::action::Outcome;
use crate::domain::ids::TargetName;
use crate::domain::report::{ActionReport, Report};
use crate::reconcile::ports::EventNote;

/// How many changes of a target are remembered.
pub(super) const CHANGES_MAX: usize = 50;

/// How many events of a target are remembered.
pub(super) const EVENTS_MAX: usize = 50;

/// How many events are remembered for how late they came.
const LAGS_MAX: usize = 50;

/// An action that was carried out, or tried.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Change {
    pub(super) at: Timestamp,
    pub(super) target: TargetName,
    pub(super) pass: u64,
    #[serde(flatten)]
    pub(super) action: ActionReport,
}

/// The newest first.
#[derive(Default)]
pub(super) struct Recent {
    changes: VecDeque<Change>,
    events: VecDeque<EventNote>,
}

impl Recent {
    pub(super) fn changes(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter()
    }

    pub(super) fn events(&self) -> impl Iterator<Item = &EventNote> {
        self.events.iter()
    }

    /// An action that fails in every pass is one entry, the latest, lest it push out all others.
    pub(super) fn note_changes(&mut self, report: &Report) {
        let at = ended_at(report);
        for action in report.changes() {
            let failed = match action.outcome {
                Outcome::Done if action.found_done => continue,
                Outcome::Done => false,
                Outcome::Failed => true,
                Outcome::Planned | Outcome::Skipped => continue,
            };
            if failed {
                self.changes.retain(|change| {
                    change.action.outcome != Outcome::Failed || change.action.action != action.action
                });
            }
            let target = report.target.clone();
            self.changes.push_front(Change { at, target, pass: report.pass, action: action.clone() });
        }
        self.changes.truncate(CHANGES_MAX);
    }

    /// An event may be delivered more than once, and is one entry all the same.
    pub(super) fn note_event(&mut self, note: EventNote) {
        if !self.events.contains(&note) {
            self.events.push_front(note);
            self.events.truncate(EVENTS_MAX);
        }
    }
}

/// How late the last events came.
#[derive(Default)]
pub(super) struct Lags {
    newest: VecDeque<Duration>,
    last_at: Timestamp,
}

/// The same in short.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lag {
    pub(super) last_at: Timestamp,
    pub(super) last: Duration,
    pub(super) longest: Duration,
    pub(super) count: usize,
}

impl Lags {
    pub(super) fn note(&mut self, at: Timestamp, lag: Duration) {
        self.last_at = at;
        self.newest.push_front(lag);
        self.newest.truncate(LAGS_MAX);
    }

    pub(super) fn told(&self) -> Option<Lag> {
        let (last, longest) = (*self.newest.front()?, *self.newest.iter().max()?);
        Some(Lag { last_at: self.last_at, last, longest, count: self.newest.len() })
    }
}
