//! The one way that every call to AWS goes: wait for a token, measure, report, convert the error, and retry reads.
//! Never retries a change, and never waits on anything but tokio's clock.

use std::error::Error as StdError;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use backon::{BackoffBuilder, ExponentialBuilder};
use tokio::time::Instant;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::Manner;
use super::errors::api_error;
use super::limits::{Bucket, Limits};
use crate::domain::permissions::permission;
use crate::reconcile::ports::{ApiError, CallMeter};

/// An API operation, as far as its calls differ.
pub(super) struct Operation {
    /// In the form of an IAM action, which is the permission that it needs: `ec2:AssociateAddress`.
    pub(super) name: &'static str,
    /// What it draws from.
    pub(super) bucket: Bucket,
    /// What the permission must be granted on, in words.
    pub(super) resource: &'static str,
}

impl Operation {
    /// The call of an action in the table of permissions. In a constant, any other does not compile.
    pub(super) const fn of(action: &'static str, bucket: Bucket) -> Self {
        Self { name: action, bucket, resource: permission(action).resource }
    }

    /// Whether a lost answer leaves it open what happened.
    pub(super) fn changes(&self) -> bool {
        self.bucket == Bucket::Ec2Changes
    }
}

/// The first retry waits 100 to 200 ms: throttled buckets regain several tokens in that time, and a blip is over.
const FIRST_DELAY: Duration = Duration::from_millis(100);
/// No retry waits more than 5 s (twice this): the pass has a deadline, and the next poll is a retry as well.
const LONGEST_DELAY: Duration = Duration::from_millis(2500);
/// Five attempts in all, so that a read under steady throttling ends within seconds with an error that says so.
const RETRIES: usize = 4;

/// No retry begins later than this after the first attempt: a service that stays silent is told of after one attempt, so
/// that a pass has time left for what does answer.
const RETRY_WITHIN: Duration = Duration::from_secs(8);

/// Makes the calls of one target.
pub(super) struct Caller {
    limits: Limits,
    meter: Arc<dyn CallMeter>,
    seed: u64,
}

impl Caller {
    pub(super) fn new(manner: Manner) -> Self {
        Self { limits: Limits::new(manner.rate_share), meter: manner.meter, seed: manner.seed }
    }

    /// Reads, and retries what is transient.
    ///
    /// # Errors
    /// Of the last attempt.
    pub(super) async fn read<T, E, Answer>(
        &self,
        operation: &Operation,
        subject: &str,
        send: impl Fn() -> Answer,
    ) -> Result<T, ApiError>
    where
        Answer: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        let mut delays = self.delays(operation, subject);
        self.limits.take(operation.bucket).await;
        let begun = Instant::now();
        loop {
            let error = match self.attempt(operation, subject, send()).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let may_retry = error.class.is_transient() && begun.elapsed() < RETRY_WITHIN;
            let Some(delay) = delays.next().filter(|_| may_retry) else { return Err(error) };
            tracing::debug!(%error, request_id = error.request_id, ?delay, "will read again");
            tokio::time::sleep(delay).await;
            self.limits.take(operation.bucket).await;
        }
    }

    /// Calls once, outside the limits of EC2 and Lambda.
    ///
    /// # Errors
    /// Of this attempt.
    pub(super) async fn once<T, E, Answer>(
        &self,
        operation: &Operation,
        subject: &str,
        answer: Answer,
    ) -> Result<T, ApiError>
    where
        Answer: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        debug_assert!(operation.bucket == Bucket::Free, "{} has a limit", operation.name);
        self.attempt(operation, subject, answer).await
    }

    /// Changes, once. Does not wait for a token: the caller has it from [`Caller::ready`].
    ///
    /// # Errors
    /// Of this attempt.
    pub(super) async fn change<T, E, Answer>(
        &self,
        operation: &Operation,
        subject: &str,
        answer: Answer,
    ) -> Result<T, ApiError>
    where
        Answer: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        debug_assert!(operation.changes(), "{} must be known to change things", operation.name);
        self.attempt(operation, subject, answer).await
    }

    /// Waits until one more change is within the limits.
    pub(super) async fn ready(&self) {
        self.limits.take(Bucket::Ec2Changes).await;
    }

    async fn attempt<T, E, Answer>(
        &self,
        operation: &Operation,
        subject: &str,
        answer: Answer,
    ) -> Result<T, ApiError>
    where
        Answer: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        let start = Instant::now();
        let result = answer.await.map_err(|error| api_error(operation, subject, error));
        let outcome = result.as_ref().map(|_| ()).map_err(|error| error.class);
        self.meter.record(operation.name, outcome, start.elapsed());
        result
    }

    /// Exponential, each delay drawn between half and all of its ceiling. The draws depend on the seed and on the
    /// call alone, not on what other calls do beside it, so that a run replays.
    fn delays(&self, operation: &Operation, subject: &str) -> impl Iterator<Item = Duration> + Send + use<> {
        let call = xxh3_64_with_seed(subject.as_bytes(), self.seed);
        ExponentialBuilder::new()
            .with_min_delay(FIRST_DELAY)
            .with_factor(2.0)
            .with_max_delay(LONGEST_DELAY)
            .with_max_times(RETRIES)
            .with_jitter()
            .with_jitter_seed(xxh3_64_with_seed(operation.name.as_bytes(), call))
            .build()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use tokio::time::Instant;

    use crate::aws::canned::{Answer, Remembered, Wire, ec2_error, xml};
    use crate::domain::error_class::ErrorClass;
    use crate::domain::ids::NetworkInterfaceId;
    use crate::reconcile::ports::{Changes, Reads};

    fn eni() -> NetworkInterfaceId {
        "eni-0123456789abcdef0".parse().expect("a valid id")
    }

    fn throttled() -> Answer {
        ec2_error(503, "RequestLimitExceeded", "Request limit exceeded.")
    }

    async fn time_of_throttled_read(seed: u64) -> Duration {
        let target = Wire::of([throttled()]).metered(seed, &Arc::default()).await;
        let start = Instant::now();
        target.interface(&eni()).await.expect_err("throttled for ever");
        start.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn a_transient_read_is_tried_five_times_and_each_attempt_is_metered() {
        let meter = Arc::new(Remembered::default());
        let wire = Wire::of([throttled()]);
        let error = wire.metered(1, &meter).await.interface(&eni()).await.expect_err("throttled for ever");
        assert_eq!((error.class, wire.sent().len()), (ErrorClass::Throttled, 5));
        assert_eq!(error.request_id.as_deref(), Some("request-4"));
        let expected = ("ec2:DescribeNetworkInterfaces", Err(ErrorClass::Throttled), Duration::ZERO);
        assert_eq!(meter.attempts(), vec![expected; 5], "waits are no part of an attempt");
    }

    #[tokio::test(start_paused = true)]
    async fn a_read_that_recovers_succeeds() {
        let wire = Wire::of([
            throttled(),
            Answer::Refused,
            Answer::Body(502, "<html>".to_owned()),
            xml("DescribeNetworkInterfaces", "<networkInterfaceSet/>"),
        ]);
        assert_eq!(wire.target().await.interface(&eni()).await.expect("it recovers"), None);
        assert_eq!(wire.sent().len(), 4);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_read_is_not_tried_again() {
        let wire = Wire::of([ec2_error(403, "UnauthorizedOperation", "No.")]);
        wire.target().await.interface(&eni()).await.expect_err("denied");
        assert_eq!(wire.sent().len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn delays_replay_from_their_seed_and_stay_within_their_bounds() {
        let took = time_of_throttled_read(7).await;
        assert_eq!(took, time_of_throttled_read(7).await);
        assert_ne!(took, time_of_throttled_read(8).await);
        // 100, 200, 400 and 800 ms, each and up to twice that; tokio rounds each up to a millisecond.
        assert!((1500..=3004).contains(&took.as_millis()), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_service_costs_ten_seconds() {
        let meter = Arc::new(Remembered::default());
        let target = Wire::of([Answer::Silence]).metered(1, &meter).await;
        let start = Instant::now();
        let error = target.interface(&eni()).await.expect_err("nothing comes");
        assert_eq!((error.class, meter.attempts().len()), (ErrorClass::Unavailable, 1));
        assert!(start.elapsed() <= Duration::from_millis(10_010), "{:?}", start.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_is_made_once_and_waits_only_in_ready() {
        let wire = Wire::of([throttled()]);
        let target = wire.target().await;
        let allocation = "eipalloc-0123456789abcdef0".parse().expect("a valid id");
        let start = Instant::now();
        for _ in 0..100 {
            target
                .associate(&allocation, &eni(), crate::reconcile::ports::Takes::Nothing)
                .await
                .expect_err("throttled");
        }
        assert_eq!((wire.sent().len(), start.elapsed()), (100, Duration::ZERO));
        for _ in 0..60 {
            target.ready().await;
        }
        assert_eq!(start.elapsed().as_secs(), 2, "50 at once, then 5 per second");
    }
}
