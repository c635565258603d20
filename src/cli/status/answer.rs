//! The shape of `/status`, as far as this version reads it: every field may be missing, and any other may be there.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::super::exit::{self, Exit};
use super::lately::{Cause, Change, Contested, Event, readable};
use crate::domain::plan::PoolFigures;
use crate::domain::report::Coverage;

/// The whole answer. `targets` alone must be there: without it, the answer is no status.
#[derive(Debug, Deserialize)]
pub(in crate::cli) struct StatusAnswer {
    pub(super) version: Option<String>,
    pub(super) revision: Option<String>,
    pub(super) started_at: Option<Timestamp>,
    #[serde(default)]
    pub(super) config: Config,
    /// The queue with the events; nothing without one.
    pub(super) queue: Option<Queue>,
    /// One for each target that a pass was made of.
    pub(in crate::cli) targets: Vec<Target>,
    /// The latest changes.
    #[serde(default)]
    changes: Vec<Value>,
    /// The latest events.
    #[serde(default)]
    events: Vec<Value>,
}

/// Which configuration is in force.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Config {
    pub(super) source: Option<String>,
    pub(super) loaded_at: Option<Timestamp>,
    pub(super) last_reload_error: Option<ReloadError>,
}

/// How the queue stands.
#[derive(Debug, Deserialize)]
pub(super) struct Queue {
    pub(super) since: Option<Timestamp>,
    pub(super) trouble: Option<String>,
}

/// A configuration that was refused.
#[derive(Debug, Deserialize)]
pub(super) struct ReloadError {
    pub(super) message: String,
}

/// The latest pass of a target.
#[derive(Debug, Deserialize)]
pub(in crate::cli) struct Target {
    pub(in crate::cli) target: String,
    #[serde(default)]
    pub(super) coverage: CoverageWord,
    #[serde(default)]
    pub(super) covered: usize,
    #[serde(default)]
    pub(super) uncovered: Vec<UncoveredInterface>,
    #[serde(default)]
    pub(super) unservable: Vec<String>,
    #[serde(default)]
    pub(super) pools: BTreeMap<String, PoolFigures>,
    #[serde(default)]
    pub(super) warnings: Vec<WarningLine>,
    #[serde(default)]
    pub(super) failures: Vec<String>,
    #[serde(default)]
    contested: Vec<Value>,
    pub(super) mode: Option<String>,
    pub(super) pass: Option<u64>,
    pub(super) started_at: Option<Timestamp>,
    pub(super) duration_seconds: Option<f64>,
    pub(super) oldest_uncovered_seconds: Option<f64>,
}

/// Whether the promise holds; a word of a later version counts as not knowing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum CoverageWord {
    Covered,
    Uncovered,
    #[default]
    #[serde(other)]
    Unknown,
}

impl From<CoverageWord> for Coverage {
    fn from(word: CoverageWord) -> Self {
        match word {
            CoverageWord::Covered => Self::Covered,
            CoverageWord::Uncovered => Self::Uncovered,
            CoverageWord::Unknown => Self::Unknown,
        }
    }
}

/// An interface without an address of its set.
#[derive(Debug, Deserialize)]
pub(super) struct UncoveredInterface {
    pub(super) network_interface_id: String,
    #[serde(default)]
    pub(super) functions: Vec<String>,
    pub(super) reason: Option<String>,
    pub(super) detail: Option<String>,
    pub(super) cause: Option<Cause>,
}

/// A warning.
#[derive(Debug, Deserialize)]
pub(super) struct WarningLine {
    #[serde(default)]
    pub(super) message: String,
}

impl Target {
    /// What somebody undoes again and again.
    pub(in crate::cli) fn contested(&self) -> impl Iterator<Item = Contested> {
        readable(&self.contested)
    }
}

impl StatusAnswer {
    /// How the process should exit.
    pub(super) fn exit(&self) -> Exit {
        exit::status(self.targets.iter().map(|target| target.coverage.into()))
    }

    /// The changes that this version can read, in the daemon's order.
    pub(in crate::cli) fn changes(&self) -> impl Iterator<Item = Change> {
        readable(&self.changes)
    }

    /// The events that this version can read, in the daemon's order.
    pub(in crate::cli) fn events(&self) -> impl Iterator<Item = Event> {
        readable(&self.events)
    }
}
