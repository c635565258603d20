//! The clock of a simulated AWS: tokio's, counted from the world's start.
//!
//! On a runtime with a paused clock simulated time passes only when everything waits. This is the only place that
//! reads a clock, and it is a monotonic one.

use crate::moment::Moment;
use aws_smithy_async::time::TimeSource;
use std::time::SystemTime;
use tokio::time::Instant;

/// Tokio's clock, as the world's time. Give it to the SDK, so that signatures and expiries follow the simulation.
#[derive(Clone, Copy, Debug)]
pub struct SimTimeSource {
    start: Moment,
    origin: Instant,
}

impl SimTimeSource {
    /// A clock that shows `start` now.
    pub fn starting_at(start: Moment) -> Self {
        Self { start, origin: Instant::now() }
    }

    /// The present.
    pub fn moment(&self) -> Moment {
        self.start + self.origin.elapsed()
    }

    /// Waits until `moment`.
    pub(crate) async fn sleep_until(&self, moment: Moment) {
        tokio::time::sleep_until(self.origin + moment.since(self.start)).await;
    }
}

impl TimeSource for SimTimeSource {
    fn now(&self) -> SystemTime {
        self.moment().into()
    }
}
