//! What telemetry has to know of a configuration: handed over by whoever loads it, since this room reads no files.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::domain::declared::Declared;
use crate::domain::function::FunctionRef;
use crate::domain::ids::TargetName;

/// A configuration that took effect.
#[derive(Clone, Debug)]
pub struct Configured {
    /// Where it came from, for the operator: a path, or the name of an environment variable.
    pub source: String,
    /// When it was read.
    pub loaded_at: Timestamp,
    /// How often passes are made; health is measured by it.
    pub poll_interval: Duration,
    /// The keys of the fixed sections with their values in force.
    pub settings: Vec<(String, String)>,
    /// Keys that are valid and have no effect in this version, one line each.
    pub notes: Vec<String>,
    /// Its targets with the functions named there.
    pub(super) targets: BTreeMap<TargetName, Arc<BTreeSet<FunctionRef>>>,
}

impl Configured {
    /// A configuration without targets: add them with [`Self::target`].
    #[must_use]
    pub fn new(source: impl Into<String>, loaded_at: Timestamp, poll_interval: Duration) -> Self {
        Self {
            source: source.into(),
            loaded_at,
            poll_interval,
            settings: Vec::new(),
            notes: Vec::new(),
            targets: BTreeMap::new(),
        }
    }

    /// Adds a target with what is declared in it. Functions that only a tag selects show in the reports.
    #[must_use]
    pub fn target(mut self, name: TargetName, declared: &Declared) -> Self {
        self.targets.insert(name, Arc::new(declared.named().cloned().collect()));
        self
    }
}
