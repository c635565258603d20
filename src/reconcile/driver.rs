//! When passes are made over one target: the first at once, then by the poll interval, sooner when work is left or
//! the orders change, one at a time. Decides only the time of a pass, never what it does.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::pass::{Limits, Orders, Passed, Reconciler};
use super::schedule::{Ended, wait};
use crate::domain::report::{PassResult, Report, Trigger};

/// Under the two minutes after which `/healthz` calls a loop stuck, with room for the calls in flight.
const PASS_WITHIN: Duration = Duration::from_secs(60);

/// How many functions a pass reads one by one; when more need it, one sweep over ListFunctions tells their network
/// settings at once and their states follow at this many a pass. At half of Lambda's 15 requests a second this is
/// under 7 s of a pass.
const READS_PER_PASS: usize = 50;

/// What a pass in flight is given to come to its end when the process ends, which must be within 10 s.
const LAST_CALLS: Duration = Duration::from_secs(7);

/// Orders with their rhythm.
#[derive(Clone, PartialEq, Debug)]
pub struct Watch {
    /// What every pass is to establish.
    pub orders: Orders,
    /// A pass is made at least this often.
    pub poll_interval: Duration,
}

/// Drives the passes over one target until it is cancelled.
pub struct Driver {
    /// Makes the passes.
    pub reconciler: Reconciler,
    /// What is wanted; a change triggers a pass.
    pub watch: watch::Receiver<Watch>,
    /// Ends the driver.
    pub cancel: CancellationToken,
    /// For the jitter of the rhythm.
    pub random: fastrand::Rng,
}

impl Driver {
    /// Runs until cancelled; a pass in flight is given some seconds to end in order.
    pub async fn run(mut self) {
        let audience = self.reconciler.audience();
        let mut trigger = Trigger::Start;
        let mut blind_in_a_row = 0;
        loop {
            let begun = Instant::now();
            let watch = self.watch.borrow_and_update().clone();
            let Some(passed) = self.pass(&watch, trigger).await else {
                if self.cancel.is_cancelled() {
                    return;
                }
                trigger = Trigger::Reload;
                continue;
            };
            blind_in_a_row = if is_blind(&passed.report) { blind_in_a_row + 1 } else { 0 };
            let ended = match blind_in_a_row {
                0 => Ended::Saw { go_on_after: passed.go_on_after },
                in_a_row => Ended::Blind { in_a_row },
            };
            let next = begun + wait(ended, watch.poll_interval, self.random.f64());
            audience.hear(&passed.report);
            audience.expect_next(&passed.report, next.saturating_duration_since(Instant::now()));
            let goes_on = passed.go_on_after.is_some() && blind_in_a_row == 0;
            let Some(next_trigger) = self.next_trigger(next, goes_on).await else { return };
            trigger = next_trigger;
        }
    }

    /// One pass; nothing when it was given up before it decided anything. New orders end it early, so that nothing more
    /// is done by the old ones, and make another at once.
    async fn pass(&mut self, watch: &Watch, trigger: Trigger) -> Option<Passed> {
        let Self { reconciler, watch: newer, cancel, .. } = self;
        let limits =
            Limits { within: PASS_WITHIN, cancel: cancel.child_token(), function_reads: READS_PER_PASS };
        let pass = reconciler.pass(&watch.orders, trigger, &limits);
        tokio::pin!(pass);
        tokio::select! {
            biased;
            passed = &mut pass => return passed,
            () = cancel.cancelled() => {}
            Ok(()) = newer.changed() => {
                newer.mark_changed();
                limits.cancel.cancel();
            }
        }
        let ended = timeout(LAST_CALLS, pass).await;
        if ended.is_err() {
            tracing::warn!(
                "a pass was abandoned with calls in flight; the next one will see what became of them"
            );
        }
        ended.ok().flatten()
    }

    /// Waits for what comes first; nothing when the process ends.
    async fn next_trigger(&mut self, next: Instant, goes_on: bool) -> Option<Trigger> {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => None,
            Ok(()) = self.watch.changed() => Some(Trigger::Reload),
            () = sleep_until(next) => Some(if goes_on { Trigger::Continue } else { Trigger::Poll }),
        }
    }
}

fn is_blind(report: &Report) -> bool {
    report.result == PassResult::Failed
}
