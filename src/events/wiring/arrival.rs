//! Sends a marked event through the bus and times its arrival, beside a running daemon and without its messages: the
//! rule gets a second target for the time of the trial, a queue that nobody else reads, and both are removed at the end.
//!
//! What it does not show is the last step into the daemon's own queue; that one is read off its policy. Whoever is
//! killed in the middle leaves a target and an empty queue, and the next trial removes them when they are old.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout_at};

use super::policy::{document, statement};
use super::{Wiring, is_ours, tags};
use crate::events::kind::{MARKER_DETAIL_TYPE, MARKER_SOURCE};
use crate::reconcile::ports::ApiError;
use crate::reconcile::ports::wiring::{FoundRule, RuleTarget, WiringApi, WiringCall};

/// What the names of the trial's queue and target begin with; the second of their making follows.
const PREFIX: &str = "eipd-check-";

/// Older trials have been given up: none takes longer than [`TIMEOUT_MAX`].
const GIVEN_UP_AFTER_SECONDS: i64 = 15 * 60;

/// The longest that a trial waits.
pub const TIMEOUT_MAX: Duration = Duration::from_secs(10 * 60);

/// A new target needs a while until it gets events (EventBridge API reference, PutTargets: "a short period of time"), so
/// a marker is sent again and again, each with its own id.
const SEND_EVERY: Duration = Duration::from_secs(3);

/// A queue can be used a second after its creation (SQS API reference, CreateQueue).
const FIRST_USE_AFTER: Duration = Duration::from_secs(1);

/// A marker came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Arrival {
    /// From the sending of the marker until it was received.
    pub took: Duration,
    /// How many were sent until one came.
    pub sent: usize,
}

/// The queue and the target of a trial.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trial {
    name: String,
    wiring: Wiring,
    is_of_this_process: bool,
}

/// Whether a target of this id is one of a trial.
#[must_use]
pub fn is_trial(id: &str) -> bool {
    made_at(id).is_some()
}

fn made_at(id: &str) -> Option<i64> {
    id.strip_prefix(PREFIX)?.split('-').next()?.parse().ok()
}

/// The trials that were left behind.
#[must_use]
pub fn left_behind(wiring: &Wiring, rule: &FoundRule, now: Timestamp) -> Vec<Trial> {
    let is_old = |target: &&RuleTarget| {
        made_at(&target.id).is_some_and(|at| now.as_second() - at > GIVEN_UP_AFTER_SECONDS)
    };
    trials(wiring, rule.targets.iter().filter(is_old))
}

/// The trials of a rule, running or not.
#[must_use]
pub fn all(wiring: &Wiring, rule: &FoundRule) -> Vec<Trial> {
    trials(wiring, rule.targets.iter().filter(|target| is_trial(&target.id)))
}

fn trials<'a>(wiring: &Wiring, targets: impl Iterator<Item = &'a RuleTarget>) -> Vec<Trial> {
    targets
        .map(|target| Trial { name: target.id.clone(), wiring: wiring.clone(), is_of_this_process: false })
        .collect()
}

impl Trial {
    /// What the queue and the target are called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A new one; `salt` tells it from another of the same second.
    #[must_use]
    pub fn new(wiring: &Wiring, now: Timestamp, salt: u16) -> Self {
        let name = format!("{PREFIX}{}-{salt:04x}", now.as_second());
        Self { name, wiring: wiring.clone(), is_of_this_process: true }
    }

    /// Makes the queue and the target. After a failure, too, [`Trial::remove`] is to be called.
    ///
    /// # Errors
    /// When one of the calls fails.
    pub async fn lay(&self, api: &dyn WiringApi) -> Result<(), ApiError> {
        let arn = self.wiring.arn_of_queue(&self.name);
        let statement = statement(&arn.clone().into(), &self.wiring.rule_arn().into());
        let attributes = [
            ("Policy".to_owned(), document(&[statement]).to_string()),
            ("MessageRetentionPeriod".to_owned(), TIMEOUT_MAX.as_secs().to_string()),
        ];
        let name = self.name.clone();
        api.carry_out(&WiringCall::CreateQueue { name, attributes: attributes.into(), tags: tags() }).await?;
        sleep(FIRST_USE_AFTER).await;
        let target = RuleTarget { id: self.name.clone(), arn, dead_letters: None, is_plain: true };
        let rule = self.wiring.names.rule.clone();
        api.carry_out(&WiringCall::PutTarget { rule, target }).await
    }

    /// Sends markers until one comes; nothing when none does in time.
    ///
    /// # Errors
    /// When a call fails.
    pub async fn wait(&self, api: &dyn WiringApi, within: Duration) -> Result<Option<Arrival>, ApiError> {
        let deadline = Instant::now() + within;
        let mut sent: Vec<Instant> = Vec::new();
        let watch = async {
            // What was just made need not be visible yet.
            let queue = loop {
                match api.queue(&self.name).await? {
                    Some(queue) => break queue,
                    None => sleep(FIRST_USE_AFTER).await,
                }
            };
            loop {
                if sent.last().is_none_or(|last| last.elapsed() >= SEND_EVERY) {
                    let id = format!("{}-{}", self.name, sent.len());
                    sent.push(Instant::now());
                    let detail = json!({"id": id}).to_string();
                    api.put_event(MARKER_SOURCE, MARKER_DETAIL_TYPE, &detail).await?;
                }
                let bodies = api.receive(&queue.url).await?;
                if let Some(number) = bodies.iter().find_map(|body| self.number(body))
                    && let Some(at) = sent.get(number)
                {
                    return Ok(Arrival { took: at.elapsed(), sent: sent.len() });
                }
            }
        };
        timeout_at(deadline, watch).await.ok().transpose()
    }

    /// Which of our markers a message is.
    fn number(&self, body: &str) -> Option<usize> {
        let event: Value = serde_json::from_str(body).ok()?;
        let id = event["detail"]["id"].as_str()?;
        id.strip_prefix(&self.name)?.strip_prefix('-')?.parse().ok()
    }

    /// Removes the target and the queue, as far as they are there and are of a trial.
    ///
    /// # Errors
    /// When a call fails; the rest is tried all the same.
    pub async fn remove(&self, api: &dyn WiringApi) -> Result<(), ApiError> {
        let (rule, ids) = (self.wiring.names.rule.clone(), vec![self.name.clone()]);
        let target = api.carry_out(&WiringCall::RemoveTargets { rule, ids }).await;
        let queue = match api.queue(&self.name).await {
            Ok(Some(queue)) if self.is_of_this_process || is_ours(&queue.tags) => {
                api.carry_out(&WiringCall::DeleteQueue { url: queue.url }).await
            }
            Ok(_) => Ok(()),
            Err(error) => Err(error),
        };
        target.and(queue)
    }
}
