//! What the operator allows the daemon to do. Data only; the gate in `reconcile` holds it.

use std::time::Duration;

use serde::Serialize;

/// Whether changes are made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Plans are carried out.
    #[default]
    Enforce,
    /// Plans are made and reported, and nothing is changed.
    Observe,
}

impl Mode {
    /// The name in configuration, reports and logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Observe => "observe",
        }
    }
}

/// From what an address may be taken for an interface that is in use and has none.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TakeFrom {
    /// From interfaces that no version of any function uses any more.
    #[default]
    Retired,
    /// From nothing.
    Nothing,
}

/// What becomes of an address on an interface that no declared function needs it on any more, since the function or the
/// address has left the configuration.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OnRemoved {
    /// It stays, and is reported.
    #[default]
    Keep,
    /// It is taken off, where nothing that is declared can miss it.
    Disassociate,
}

/// How many disruptions are allowed: changes of an address on an interface that may be in use.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct DisruptionBudget {
    /// In one pass. A pass that plans more makes none.
    pub per_pass: usize,
    /// In any hour, as far as this process made them.
    pub per_hour: usize,
}

impl Default for DisruptionBudget {
    fn default() -> Self {
        Self { per_pass: 5, per_hour: 20 }
    }
}

/// What is done about functions that are not declared and use interfaces of declared ones: with an address there, they
/// too leave from it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BystanderPolicy {
    /// They are reported.
    #[default]
    Report,
    /// A bare interface that they use is left bare too. What is there is never taken off.
    Deny,
}

/// How long an interface must have been without a user before its address is taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Grace {
    /// As long as the functions' own timeouts, at least a minute.
    #[default]
    Auto,
    /// This long.
    For(Duration),
}

/// The part of EC2's documented throttle rate that the daemon allows itself, from 0.05 to 1: with less than one read a
/// second it could hardly see.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct RateShare(f64);

impl RateShare {
    /// Nothing unless from 0.05 to 1.
    #[must_use]
    pub fn new(share: f64) -> Option<Self> {
        (0.05..=1.0).contains(&share).then_some(Self(share))
    }

    /// The share as a number.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }
}

impl Default for RateShare {
    fn default() -> Self {
        Self(0.5)
    }
}
