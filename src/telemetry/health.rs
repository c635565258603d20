//! Whether the loop of a target is alive: it must complete passes, good or bad, in time. An outage of AWS fails passes
//! and is no sickness; a loop that completes none is, and a restart is what helps. Measured on tokio's clock.

use std::time::Duration;

use tokio::time::Instant;

/// The least time that a pass may take to come, whatever the poll interval; twice what a pass itself may take.
const LEAST_ALLOWANCE: Duration = Duration::from_secs(120);

/// Poll intervals that may go by without a completed pass.
const POLL_INTERVALS: u32 = 3;

/// The watch over one target.
#[derive(Clone, Debug)]
pub(super) struct Watch {
    /// When it counts as stuck.
    deadline: Instant,
    /// Since when it has been waited for.
    since: Instant,
    /// When the next pass is due; nothing while none was announced.
    due: Option<Instant>,
    /// Whether a pass was ever completed.
    pub(super) ready: bool,
}

impl Watch {
    /// Begins to wait for the first pass.
    pub(super) fn start(now: Instant, poll_interval: Duration) -> Self {
        Self { deadline: now + allowance(poll_interval), since: now, due: None, ready: false }
    }

    /// A pass was completed.
    pub(super) fn completed(&mut self, now: Instant, poll_interval: Duration) {
        *self = Self { ready: true, ..Self::start(now, poll_interval) };
    }

    /// The next pass begins within this time; after a long backoff it still has its time to be made, lest the end of
    /// the wait be the moment of the alarm.
    pub(super) fn expect(&mut self, now: Instant, within: Duration, poll_interval: Duration) {
        self.due = Some(now + within);
        self.since = now;
        self.deadline = now + allowance(poll_interval).max(within + LEAST_ALLOWANCE);
    }

    /// For how long no pass was completed, if that is too long.
    pub(super) fn stuck_for(&self, now: Instant) -> Option<Duration> {
        (now >= self.deadline).then(|| now.duration_since(self.since))
    }

    /// How long until the next pass begins, if one was announced.
    pub(super) fn next_in(&self, now: Instant) -> Option<Duration> {
        self.due.map(|due| due.saturating_duration_since(now))
    }
}

fn allowance(poll_interval: Duration) -> Duration {
    poll_interval.saturating_mul(POLL_INTERVALS).max(LEAST_ALLOWANCE)
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn a_loop_has_three_poll_intervals_and_at_least_two_minutes() {
        for (poll, allowed) in [(1, 120), (40, 120), (60, 180), (600, 1800)] {
            let poll = SECOND * poll;
            let watch = Watch::start(Instant::now(), poll);
            advance(SECOND * (allowed - 1)).await;
            assert_eq!(watch.stuck_for(Instant::now()), None, "{poll:?}");
            advance(SECOND).await;
            assert_eq!(watch.stuck_for(Instant::now()), Some(SECOND * allowed), "{poll:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_longer_backoff_is_waited_out_and_a_shorter_one_changes_nothing() {
        for (within, allowed) in [(1, 180), (60, 180), (300, 420), (600, 720)] {
            let mut watch = Watch::start(Instant::now(), SECOND * 60);
            watch.completed(Instant::now(), SECOND * 60);
            watch.expect(Instant::now(), SECOND * within, SECOND * 60);
            advance(SECOND * (allowed - 1)).await;
            assert_eq!(watch.stuck_for(Instant::now()), None, "{within}");
            advance(SECOND).await;
            assert!(watch.stuck_for(Instant::now()).is_some(), "{within}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn each_completed_pass_begins_the_wait_anew() {
        let mut watch = Watch::start(Instant::now(), SECOND);
        assert!(!watch.ready);
        for _ in 0..5 {
            advance(SECOND * 100).await;
            assert_eq!(watch.stuck_for(Instant::now()), None);
            watch.completed(Instant::now(), SECOND);
            watch.expect(Instant::now(), SECOND * 7, SECOND);
            assert_eq!(watch.next_in(Instant::now()), Some(SECOND * 7));
        }
        assert!(watch.ready);
    }
}
