//! The one listener to passes: hands each report to metrics, status and journal. Decides nothing and never waits.

use std::time::Duration;

use jiff::Timestamp;

use super::configured::Configured;
use super::journal::{Journal, tell_change};
use super::record::Metrics;
use super::status::{Build, Snapshot, Status};
use crate::domain::error_class::ErrorClass;
use crate::domain::ids::TargetName;
use crate::domain::report::{ActionReport, Report};
use crate::reconcile::ports::{
    Audience, CallMeter, Delivery, EventAudience, EventNote, NotificationAudience, QueueTroubles,
};

/// The version of this build.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The source revision of this build, as the build environment names it in `EIPD_REVISION`.
pub const REVISION: &str = match option_env!("EIPD_REVISION") {
    Some(revision) => revision,
    None => "unknown",
};

/// For a process that makes one pass and prints what became of it: the log has each change, and nothing else listens.
pub struct ChangesOnly;

impl Audience for ChangesOnly {
    fn hear_action(&self, target: &TargetName, pass: u64, action: &ActionReport) {
        tell_change(target, pass, action);
    }

    fn hear(&self, _: &Report) {}

    fn expect_next(&self, _: &Report, _: Duration) {}
}

/// Metrics, status and the lines about passes in the log. Shared by reference between the loops of all targets, the
/// AWS clients and the HTTP server.
pub struct Telemetry {
    metrics: Metrics,
    status: Status,
    journal: Journal,
}

impl Telemetry {
    /// Nothing is known yet: passes count only for targets that [`Self::configured`] named.
    #[must_use]
    pub fn new(started_at: Timestamp) -> Self {
        let build = Build { version: VERSION, revision: REVISION, started_at };
        Self {
            metrics: Metrics::new(VERSION, REVISION),
            status: Status::new(build),
            journal: Journal::default(),
        }
    }

    /// Takes notice of a configuration that took effect: the first, and each reload. Health begins to wait for the
    /// first pass of its new targets; series and status of those that left end.
    pub fn configured(&self, configured: &Configured) {
        self.metrics.configured(configured);
        self.status.configured(configured);
        self.journal.configured(configured);
    }

    /// Takes notice of a configuration that was refused while the former stays in force. `message` may have several
    /// lines, one for each fault.
    pub fn reload_failed(&self, at: Timestamp, message: &str) {
        self.metrics.reload_failed();
        self.status.reload_failed(at, message);
        self.journal.reload_failed(message);
    }

    /// The metrics in the text format, version 0.0.4.
    #[must_use]
    pub fn exposition(&self) -> Vec<u8> {
        self.metrics.exposition()
    }

    pub(super) fn stuck(&self) -> Vec<(TargetName, Duration)> {
        self.status.stuck()
    }

    pub(super) fn unready(&self) -> Option<Vec<TargetName>> {
        self.status.unready()
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        self.status.snapshot()
    }
}

impl Audience for Telemetry {
    fn hear_action(&self, target: &TargetName, pass: u64, action: &ActionReport) {
        tell_change(target, pass, action);
    }

    fn hear(&self, report: &Report) {
        self.metrics.hear(report);
        self.status.hear(report);
        self.journal.hear(report);
    }

    fn expect_next(&self, report: &Report, within: Duration) {
        self.status.expect_next(report, within);
    }
}

impl EventAudience for Telemetry {
    fn hear_event(&self, kind: &'static str, outcome: &'static str, lag: Option<Duration>) {
        self.metrics.hear_event(kind, outcome, lag);
        if let Some(lag) = lag {
            self.status.hear_lag(Timestamp::now(), lag);
        }
    }

    fn hear_note(&self, note: EventNote) {
        self.status.hear_note(note);
    }

    fn hear_queue(&self, troubles: Option<&QueueTroubles>) {
        self.metrics.hear_queue(troubles.map(QueueTroubles::is_up));
        if self.status.hear_queue(Timestamp::now(), troubles) {
            self.journal.queue_turned(troubles);
        }
    }
}

impl NotificationAudience for Telemetry {
    fn hear_notifications(&self, delivery: Delivery, count: u64) {
        self.metrics.hear_notifications(delivery, count);
    }

    fn hear_bus(&self, trouble: Option<&str>) {
        self.journal.bus_turned(trouble);
    }
}

impl CallMeter for Telemetry {
    fn record(&self, operation: &'static str, outcome: Result<(), ErrorClass>, took: Duration) {
        self.metrics.record(operation, outcome, took);
    }
}
