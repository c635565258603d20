//! Takes notifications from an outbox to an event bus: in batches, again after a wait while that may help, and for a
//! bounded time. Never touches a pass: what fails here shows in metrics and log, and nowhere else.

use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use tokio::time::sleep;

use super::outbox::{Outbox, Waiting};
use crate::domain::error_class::ErrorClass;
use crate::reconcile::ports::{ApiError, Bus, BusEntry, Delivery, NotificationAudience};

/// The most entries of one PutEvents (EventBridge API reference, confirmed).
const ENTRIES_MAX: usize = 10;

/// PutEvents takes less than 1 MB in all (AWS.md 3, confirmed). Far below it, since a rule's target may take less: SQS
/// takes 256 KB.
const BYTES_MAX: usize = 200 * 1024;

/// A notification that could not be published for so long is given up: whoever it was for has looked elsewhere by then.
pub const GIVE_UP_AFTER: Duration = Duration::from_secs(600);

/// How long the last notifications may take when the process ends or the bus is changed.
pub const TO_END: Duration = Duration::from_millis(1500);

const SHORTEST_WAIT: Duration = Duration::from_secs(1);

/// Nobody should wait longer than this after the bus is back.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Publishes on one bus.
pub struct Publisher {
    /// The bus.
    pub bus: Arc<dyn Bus>,
    /// What is to be published.
    pub outbox: Arc<Outbox>,
    /// Told what became of it.
    pub audience: Arc<dyn NotificationAudience>,
    /// For the jitter of waits.
    pub seed: u64,
}

/// What is in hand.
#[derive(Default)]
struct Hand {
    waiting: Vec<Waiting>,
    /// What the audience was last told of the bus.
    trouble: Option<ErrorClass>,
    overflowed: bool,
}

impl Publisher {
    /// Runs until the outbox is closed and empty, or [`TO_END`] after it was closed.
    pub async fn run(self) {
        self.run_and_end_within(TO_END).await;
    }

    /// As [`Publisher::run`], with another time to end in: nobody waits for the end of a command as for a daemon's.
    pub async fn run_and_end_within(self, to_end: Duration) {
        let mut hand = Hand::default();
        let out_of_time = async {
            self.outbox.closed().await;
            sleep(to_end).await;
        };
        tokio::select! {
            biased;
            () = self.publish_all(&mut hand) => {}
            () = out_of_time => {}
        }
        let left = hand.waiting.len() + self.outbox.clear();
        if left > 0 {
            self.audience.hear_notifications(Delivery::Dropped, count(left));
            tracing::warn!(notifications = left, "notifications were left unpublished at the end");
        }
    }

    async fn publish_all(&self, hand: &mut Hand) {
        let mut waits = self.waits();
        loop {
            if hand.waiting.is_empty() {
                let Some(batch) = self.outbox.next_batch(ENTRIES_MAX, BYTES_MAX).await else { return };
                hand.waiting = batch;
            }
            self.tell_lost(hand);
            let entries: Vec<BusEntry> = hand.waiting.iter().map(|one| one.entry.clone()).collect();
            match self.settle(hand, self.bus.publish(&entries).await) {
                None => waits = self.waits(),
                Some(_) => {
                    let wait = waits.next().unwrap_or(LONGEST_WAIT);
                    tokio::select! {
                        () = sleep(wait) => {}
                        () = self.outbox.closed() => {}
                    }
                }
            }
        }
    }

    /// Keeps in hand what is worth another attempt. The class of the first failure, if there was one.
    fn settle(&self, hand: &mut Hand, answer: Result<Vec<Option<ApiError>>, ApiError>) -> Option<ErrorClass> {
        let tried = std::mem::take(&mut hand.waiting);
        let (mut sent, mut failed) = (0, 0);
        let mut trouble: Option<ApiError> = None;
        let mut keep_or_fail = |one: Waiting, class: ErrorClass| {
            let in_time = one.since.elapsed() < GIVE_UP_AFTER && !self.outbox.is_closed();
            if may_pass(class) && in_time { hand.waiting.push(one) } else { failed += 1 }
        };
        match answer {
            Ok(outcomes) => {
                for (one, outcome) in tried.into_iter().zip(outcomes) {
                    match outcome {
                        None => sent += 1,
                        Some(error) => {
                            keep_or_fail(one, error.class);
                            trouble.get_or_insert(error);
                        }
                    }
                }
            }
            Err(error) => {
                tried.into_iter().for_each(|one| keep_or_fail(one, error.class));
                trouble = Some(error);
            }
        }
        let retried = count(hand.waiting.len());
        for (delivery, number) in
            [(Delivery::Sent, sent), (Delivery::Failed, failed), (Delivery::Retried, retried)]
        {
            if number > 0 {
                self.audience.hear_notifications(delivery, number);
            }
        }
        let class = trouble.as_ref().map(|error| error.class);
        if class != hand.trouble {
            hand.trouble = class;
            self.audience.hear_bus(trouble.map(|error| error.to_string()).as_deref());
        }
        class
    }

    fn tell_lost(&self, hand: &mut Hand) {
        let lost = self.outbox.take_lost();
        if lost > 0 {
            self.audience.hear_notifications(Delivery::Dropped, lost);
            if !hand.overflowed {
                tracing::warn!(lost, "more notifications than can be published, the oldest are dropped");
            }
        }
        hand.overflowed = lost > 0;
    }

    fn waits(&self) -> impl Iterator<Item = Duration> + use<> {
        ExponentialBuilder::default()
            .with_min_delay(SHORTEST_WAIT)
            .with_max_delay(LONGEST_WAIT)
            .without_max_times()
            .with_jitter()
            .with_jitter_seed(self.seed)
            .build()
    }
}

/// Whether it may go away by itself, or by an operator who grants a permission or makes the bus.
fn may_pass(class: ErrorClass) -> bool {
    class.is_transient() || matches!(class, ErrorClass::Denied | ErrorClass::NotFound)
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
