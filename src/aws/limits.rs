//! AWS's documented throttle rates as token buckets, of which we take a share. Reads tokio's clock and sleeps on it;
//! never spins, never hands out more than the share, and keeps no token for a call that was given up.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::RateLimiter;
use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use tokio::sync::Mutex;

use crate::domain::policy::RateShare;
use crate::reconcile::ports::TokioClock;

/// EC2 counts per account and region, and by class of action.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Bucket {
    /// EC2's `Describe…`.
    Ec2Reads,
    /// EC2's mutating actions.
    Ec2Changes,
    /// All of Lambda's control plane.
    Lambda,
    /// GetResources of the Resource Groups Tagging API.
    Tagging,
    /// A call made once per process, not worth a limit.
    Free,
}

/// Tokens that a bucket holds at most, and tokens that it regains per second.
struct Rate {
    burst: u32,
    per_second: f64,
}

/// EC2's non-mutating actions: 100 and 20/s (AWS.md 2, confirmed for one action, believed for ours).
const EC2_READS: Rate = Rate { burst: 100, per_second: 20.0 };
/// EC2's mutating actions: 50 and 5/s (AWS.md 2, believed).
const EC2_CHANGES: Rate = Rate { burst: 50, per_second: 5.0 };
/// Lambda's control plane: 15/s for all its operations and all callers of the region, not raisable (AWS.md 2,
/// confirmed). That a second's worth may come at once is believed.
const LAMBDA: Rate = Rate { burst: 15, per_second: 15.0 };
/// GetResources: 15/s (Tag Editor user guide, confirmed). That a second's worth may come at once is believed.
const TAGGING: Rate = Rate { burst: 15, per_second: 15.0 };

/// The buckets of one target.
pub(super) struct Limits {
    ec2_reads: Tokens,
    ec2_changes: Tokens,
    lambda: Tokens,
    tagging: Tokens,
}

impl Limits {
    /// The share applies to Lambda too: deployments draw from the same bucket.
    pub(super) fn new(share: RateShare) -> Self {
        Self {
            ec2_reads: Tokens::new(&EC2_READS, share),
            ec2_changes: Tokens::new(&EC2_CHANGES, share),
            lambda: Tokens::new(&LAMBDA, share),
            tagging: Tokens::new(&TAGGING, share),
        }
    }

    /// Waits for a token and takes it. First come, first served.
    pub(super) async fn take(&self, bucket: Bucket) {
        match bucket {
            Bucket::Ec2Reads => self.ec2_reads.take().await,
            Bucket::Ec2Changes => self.ec2_changes.take().await,
            Bucket::Lambda => self.lambda.take().await,
            Bucket::Tagging => self.tagging.take().await,
            Bucket::Free => {}
        }
    }
}

struct Tokens {
    /// Held while waiting, so that those behind queue in order and only one timer runs.
    turn: Mutex<()>,
    clock: TokioClock,
    limiter: RateLimiter<NotKeyed, InMemoryState, TokioClock, NoOpMiddleware<Duration>>,
}

impl Tokens {
    fn new(rate: &Rate, share: RateShare) -> Self {
        let clock = TokioClock::start();
        let period = Duration::from_secs_f64(1.0 / (rate.per_second * share.get()));
        let quota = governor::Quota::with_period(period)
            .expect("a share is from 0.05 to 1, so the period is above 0 and below a minute")
            .allow_burst(burst(rate, share));
        let limiter = RateLimiter::direct_with_clock(quota, clock);
        Self { turn: Mutex::new(()), clock, limiter }
    }

    async fn take(&self) {
        let _turn = self.turn.lock().await;
        while let Err(early) = self.limiter.check() {
            // Tokio's timer rounds up to its next millisecond, so this never comes back too early.
            tokio::time::sleep(early.wait_time_from(self.clock.now())).await;
        }
    }
}

/// One at least, however small the share.
fn burst(rate: &Rate, share: RateShare) -> NonZeroU32 {
    let mut tokens = NonZeroU32::MIN;
    while f64::from(tokens.get()) + 1.0 <= f64::from(rate.burst) * share.get() {
        tokens = tokens.saturating_add(1);
    }
    tokens
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    fn share(share: f64) -> RateShare {
        RateShare::new(share).expect("a valid share")
    }

    async fn time_for(limits: &Limits, bucket: Bucket, calls: u32) -> Duration {
        let start = Instant::now();
        for _ in 0..calls {
            limits.take(bucket).await;
        }
        start.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_is_free_and_the_rest_comes_at_the_shared_rate() {
        for (bucket, part, free, then, takes) in [
            (Bucket::Ec2Reads, 1.0, 100, 20, 1.0),
            (Bucket::Ec2Reads, 0.5, 50, 10, 1.0),
            (Bucket::Ec2Changes, 0.5, 25, 25, 10.0),
            (Bucket::Lambda, 1.0, 15, 15, 1.0),
            (Bucket::Free, 0.1, 1000, 1000, 0.0),
        ] {
            let limits = Limits::new(share(part));
            assert_eq!(time_for(&limits, bucket, free).await, Duration::ZERO, "{bucket:?}");
            let took = time_for(&limits, bucket, then).await.as_secs_f64();
            assert!((takes..=takes + 0.01).contains(&took), "{bucket:?} took {took}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_smallest_share_still_lets_one_through() {
        let limits = Limits::new(share(0.05));
        let took = time_for(&limits, Bucket::Ec2Changes, 3).await;
        assert!((Duration::from_secs(3)..Duration::from_secs(5)).contains(&took), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_thousand_waiters_get_the_rate_and_none_is_overtaken() {
        let limits = std::sync::Arc::new(Limits::new(share(0.5)));
        let order = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let start = Instant::now();
        let tasks: Vec<_> = (0..1000)
            .map(|number| {
                let (limits, order) = (limits.clone(), order.clone());
                tokio::spawn(async move {
                    limits.take(Bucket::Ec2Changes).await;
                    order.lock().expect("nobody panics").push(number);
                })
            })
            .collect();
        for task in tasks {
            task.await.expect("no task panics");
        }
        let ideal = 975.0 / 2.5;
        assert!(start.elapsed().as_secs_f64() < ideal * 1.01, "{:?}", start.elapsed());
        assert_eq!(*order.lock().expect("nobody panics"), (0..1000).collect::<Vec<_>>());
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_that_is_given_up_takes_no_token() {
        let limits = Limits::new(share(0.05));
        time_for(&limits, Bucket::Ec2Changes, 2).await;
        let given_up = tokio::time::timeout(Duration::from_secs(3), limits.take(Bucket::Ec2Changes)).await;
        assert!(given_up.is_err());
        let took = time_for(&limits, Bucket::Ec2Changes, 1).await;
        assert!(took < Duration::from_secs(2), "{took:?}");
    }
}
