//! When the next pass is due: the poll interval with jitter, sooner when work is left, later and later while nothing
//! can be seen. A pure function of what happened and of a number drawn by the caller.

use std::time::Duration;

/// The first wait after a failed observation.
const FIRST_BACKOFF: Duration = Duration::from_secs(2);

/// Nobody should wait longer than this after AWS or the permissions are back.
const LONGEST_BACKOFF: Duration = Duration::from_secs(5 * 60);

/// The part of the poll interval within which passes of many daemons are spread.
const JITTER: f64 = 0.1;

/// So many targets begin at once.
const BEGIN_AT_ONCE: usize = 4;

/// From the start of one target to that of the next, where there are many.
const BETWEEN_TARGETS: Duration = Duration::from_millis(200);

/// How long the target of this place waits for its first pass after the start, so that dozens of them do not all ask
/// AWS for credentials and everything in the same moment. Never longer than half a poll interval.
#[must_use]
pub fn first_pass_after(place: usize, poll_interval: Duration) -> Duration {
    let behind = u32::try_from(place.saturating_sub(BEGIN_AT_ONCE - 1)).unwrap_or(u32::MAX);
    BETWEEN_TARGETS.saturating_mul(behind).min(poll_interval / 2)
}

/// How the last pass ended, as far as it matters for the next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Ended {
    /// It could see.
    Saw {
        /// After how long from now work is left to be gone on with.
        go_on_after: Option<Duration>,
        /// How long the pass took.
        took: Duration,
    },
    /// It could not see, like this many before it in a row (this one included).
    Blind {
        /// At least 1.
        in_a_row: u32,
    },
}

/// From the start of the last pass to the start of the next. `chance` is evenly drawn from 0 to 1.
pub(super) fn wait(ended: Ended, poll_interval: Duration, chance: f64) -> Duration {
    let polled = poll_interval.mul_f64(1.0 - JITTER * chance);
    match ended {
        Ended::Saw { go_on_after: None, .. } => polled,
        Ended::Saw { go_on_after: Some(after), took } => (took + after).min(polled),
        Ended::Blind { in_a_row } => {
            let doubled = FIRST_BACKOFF.saturating_mul(1 << in_a_row.saturating_sub(1).min(10));
            doubled.min(LONGEST_BACKOFF).mul_f64(0.5 + 0.5 * chance)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn a_poll_comes_at_least_as_often_as_asked_for() {
        for chance in [0.0, 0.3, 1.0] {
            let ended = Ended::Saw { go_on_after: None, took: Duration::ZERO };
            let wait = wait(ended, MINUTE, chance);
            assert!(wait <= MINUTE && wait >= MINUTE.mul_f64(0.9), "{wait:?}");
        }
    }

    #[test]
    fn a_few_targets_begin_at_once_and_many_one_after_the_other() {
        let after = |place| first_pass_after(place, MINUTE).as_millis();
        assert_eq!([0, 3, 4, 5, 49].map(after), [0, 0, 200, 400, 9_200]);
        assert_eq!(
            [1_000, usize::MAX].map(after),
            [30_000, 30_000],
            "and none later than half a poll interval"
        );
    }

    #[test]
    fn left_work_is_gone_on_with_no_later_than_the_next_poll() {
        for (took, after, wanted) in [(0, 0, 0), (0, 5, 5), (20, 5, 25), (0, 900, 60), (90, 5, 60)] {
            let [took, after] = [took, after].map(Duration::from_secs);
            let ended = Ended::Saw { go_on_after: Some(after), took };
            assert_eq!(wait(ended, MINUTE, 0.0), Duration::from_secs(wanted));
        }
    }

    #[test]
    fn blindness_is_met_with_ever_longer_waits_up_to_a_bound() {
        let waits: Vec<u64> = [1, 2, 3, 8, 9, 1000]
            .into_iter()
            .map(|in_a_row| wait(Ended::Blind { in_a_row }, MINUTE, 1.0).as_secs())
            .collect();
        assert_eq!(waits, [2, 4, 8, 256, 300, 300]);
        assert_eq!(wait(Ended::Blind { in_a_row: 1 }, MINUTE, 0.0), Duration::from_secs(1));
    }
}
