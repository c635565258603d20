//! How long a pass may take, and what it hands back. Data only.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::domain::report::Report;

/// How long a pass may take.
#[derive(Clone, Debug)]
pub struct Limits {
    /// No action is begun after this, and no longer than two thirds of it are spent on the observation.
    pub within: Duration,
    /// Ends the pass early: nothing new is begun.
    pub cancel: CancellationToken,
    /// No more functions than this are read one by one.
    pub function_reads: usize,
}

/// A pass, and when the next one has something to do.
#[derive(Debug)]
pub struct Passed {
    /// What was done.
    pub report: Report,
    /// When work is left: after how long to go on with it.
    pub go_on_after: Option<Duration>,
}

impl Limits {
    pub(super) fn to_observe(&self) -> Duration {
        self.within * 2 / 3
    }
}
