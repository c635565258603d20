//! SQS: the table of queues, and what can be done with one.
//!
//! Standard queues only. The rules of visibility are in `queue`, the attributes' in `attributes`, and who may send on
//! behalf of a rule in `policy`. There is no wire format and no waiting here: a long poll is the handle's business.

mod attributes;
mod policy;
mod queue;

pub use attributes::MESSAGE_LIMIT;
pub use queue::{Queue, QueueWeather, Received};

use super::{Refusal, World};
use crate::chance::Chance;
use crate::moment::Moment;
use attributes::Attributes;
use policy::Wish;
use queue::Message;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Between a deletion and a creation of the same name, and between two purges (SQS API reference; confirmed).
const RECENTLY: Duration = Duration::from_secs(60);

/// All queues of an account in a region.
#[derive(Debug)]
pub(crate) struct Queues {
    by_name: BTreeMap<String, Queue>,
    deleted: BTreeMap<String, Moment>,
    weather: QueueWeather,
    chance: Chance,
}

impl Queues {
    pub(crate) fn new(chance: Chance) -> Self {
        Self { by_name: BTreeMap::new(), deleted: BTreeMap::new(), weather: QueueWeather::default(), chance }
    }
}

impl World {
    /// How far queues stray from once and in order, from now on.
    pub fn set_queue_weather(&mut self, weather: QueueWeather) {
        self.queues.weather = weather;
    }

    /// CreateQueue. Returns the queue's URL; for a queue that exists with these attributes, its own.
    ///
    /// # Errors
    /// `QueueNameExists` when it exists with other attributes; `QueueDeletedRecently` within a minute;
    /// `InvalidAttributeName`, `InvalidAttributeValue`, `InvalidParameterValue` (the name).
    pub fn create_queue(
        &mut self,
        name: &str,
        attributes: &BTreeMap<String, String>,
        tags: &BTreeMap<String, String>,
    ) -> Result<String, Refusal> {
        if let Some(stem) = name.strip_suffix(".fifo") {
            return Err(
                self.loud(Refusal::unsupported(format!("sqs: the FIFO queue {stem} is not simulated")))
            );
        }
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if name.is_empty() || name.len() > 80 || !name.bytes().all(fits) {
            let message =
                "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length";
            return Err(Refusal::new("InvalidParameterValue", message));
        }
        if let Some(queue) = self.queues.by_name.get(name) {
            let mut wanted = queue.attributes.clone();
            wanted.set(attributes).map_err(|refusal| self.loud(refusal))?;
            if wanted == self.queues.by_name[name].attributes {
                return Ok(self.queue_url(name));
            }
            let message =
                "A queue already exists with the same name and a different value for some attribute";
            return Err(Refusal::new("QueueNameExists", message));
        }
        if self.queues.deleted.get(name).is_some_and(|at| self.now.since(*at) < RECENTLY) {
            let message = "You must wait 60 seconds after deleting a queue before you can create another with the \
                           same name.";
            return Err(Refusal::new("QueueDeletedRecently", message));
        }
        let mut wanted = Attributes::default();
        wanted.set(attributes).map_err(|refusal| self.loud(refusal))?;
        let arn = format!("arn:aws:sqs:{}:{}:{name}", self.config.region, self.config.account);
        let serial = self.queues.chance.bits();
        let mut queue = Queue::new(name, arn, serial, wanted, self.now);
        queue.tags.clone_from(tags);
        self.queues.by_name.insert(name.to_owned(), queue);
        Ok(self.queue_url(name))
    }

    /// The URL of a queue with this name, whether or not there is one.
    pub fn queue_url(&self, name: &str) -> String {
        format!("https://sqs.{}.amazonaws.com/{}/{name}", self.config.region, self.config.account)
    }

    /// The queue with this name.
    pub fn queue(&self, name: &str) -> Option<&Queue> {
        self.queues.by_name.get(name)
    }

    /// All queues, by name.
    pub fn queues(&self) -> impl Iterator<Item = &Queue> {
        self.queues.by_name.values()
    }

    /// The queue with this ARN.
    pub fn queue_by_arn(&self, arn: &str) -> Option<&Queue> {
        let (_, name) = arn.rsplit_once(':')?;
        self.queue(name).filter(|queue| queue.arn == arn)
    }

    /// SetQueueAttributes: these, and the others stay.
    ///
    /// # Errors
    /// `QueueDoesNotExist`, `InvalidAttributeName`, `InvalidAttributeValue`.
    pub fn set_queue_attributes(
        &mut self,
        name: &str,
        attributes: &BTreeMap<String, String>,
    ) -> Result<(), Refusal> {
        let mut wanted = self.queue_at(name)?.attributes.clone();
        wanted.set(attributes).map_err(|refusal| self.loud(refusal))?;
        let now = self.now;
        let queue = self.queue_at(name)?;
        (queue.attributes, queue.modified) = (wanted, now);
        Ok(())
    }

    /// TagQueue: these, and the others stay.
    ///
    /// # Errors
    /// `QueueDoesNotExist`.
    pub fn tag_queue(&mut self, name: &str, tags: BTreeMap<String, String>) -> Result<(), Refusal> {
        self.queue_at(name)?.tags.extend(tags);
        Ok(())
    }

    /// UntagQueue.
    ///
    /// # Errors
    /// `QueueDoesNotExist`.
    pub fn untag_queue(&mut self, name: &str, keys: &[String]) -> Result<(), Refusal> {
        self.queue_at(name)?.tags.retain(|key, _| !keys.contains(key));
        Ok(())
    }

    /// DeleteQueue, with all its messages.
    ///
    /// # Errors
    /// `QueueDoesNotExist`.
    pub fn delete_queue(&mut self, name: &str) -> Result<(), Refusal> {
        self.queue_at(name)?;
        self.queues.by_name.remove(name);
        self.queues.deleted.insert(name.to_owned(), self.now);
        Ok(())
    }

    /// PurgeQueue.
    ///
    /// # Errors
    /// `QueueDoesNotExist`; `PurgeQueueInProgress` within a minute of the last purge.
    pub fn purge_queue(&mut self, name: &str) -> Result<(), Refusal> {
        let now = self.now;
        let queue = self.queue_at(name)?;
        if queue.purged.is_some_and(|at| now.since(at) < RECENTLY) {
            let message = format!("Only one PurgeQueue operation on {name} is allowed every 60 seconds.");
            return Err(Refusal::new("PurgeQueueInProgress", message));
        }
        queue.purged = Some(now);
        queue.purge();
        Ok(())
    }

    /// SendMessage; also how a test puts a message there that no rule sent. Returns the message's id.
    ///
    /// # Errors
    /// `QueueDoesNotExist`; `InvalidParameterValue` for a message that is empty or too long.
    pub fn send_message(
        &mut self,
        name: &str,
        body: &str,
        delay: Option<Duration>,
    ) -> Result<String, Refusal> {
        let now = self.now;
        let limit = self.queue_at(name)?.attributes.limit;
        if body.is_empty() {
            return Err(Refusal::new(
                "MissingParameter",
                "The request must contain the parameter MessageBody.",
            ));
        }
        if body.len() > limit {
            let message = format!(
                "One or more parameters are invalid. Reason: Message must be shorter than {limit} bytes."
            );
            return Err(Refusal::new("InvalidParameterValue", message));
        }
        let id = self.queues.chance.uuid();
        let queue = self.queue_at(name)?;
        let delay = delay.unwrap_or(queue.attributes.delay);
        queue.put(Message::new(id.clone(), Arc::from(body), now), delay, now);
        Ok(id)
    }

    /// ReceiveMessage, without waiting: up to `most`, hidden for `visibility` or as long as the queue says. What was
    /// received more often than the redrive policy allows goes to its dead-letter queue instead.
    ///
    /// # Errors
    /// `QueueDoesNotExist`; `OverLimit` with 120,000 in flight.
    pub fn receive_messages(
        &mut self,
        name: &str,
        most: usize,
        visibility: Option<Duration>,
    ) -> Result<Vec<Received>, Refusal> {
        let now = self.now;
        self.queue_at(name)?;
        let target = self.queues.by_name[name].attributes.redrive.as_ref().map(|to| to.target.clone());
        let target = target.and_then(|arn| self.queue_by_arn(&arn)).map(|queue| queue.name.clone());
        let Queues { by_name, weather, chance, .. } = &mut self.queues;
        let queue = by_name.get_mut(name).expect("it was there above");
        let visibility = visibility.unwrap_or(queue.attributes.visibility);
        let (received, spent) =
            queue.receive(now, (most, visibility), (chance, *weather), target.is_some())?;
        let source = queue.arn.clone();
        if let Some(letters) = target.and_then(|name| by_name.get_mut(&name)) {
            for message in spent {
                // Its age counts from the first sending, its receives in all queues (SQS developer guide, dead-letter
                // queues; API reference, ApproximateReceiveCount; confirmed).
                let message = Message { source: Some(source.clone()), ..message };
                letters.put(message, Duration::ZERO, now);
            }
        }
        Ok(received)
    }

    /// DeleteMessage.
    ///
    /// # Errors
    /// `QueueDoesNotExist`, `ReceiptHandleIsInvalid`.
    pub fn delete_message(&mut self, name: &str, handle: &str) -> Result<(), Refusal> {
        self.queue_at(name)?;
        let Queues { by_name, chance, .. } = &mut self.queues;
        by_name.get_mut(name).expect("it was there above").delete(handle, chance)
    }

    /// ChangeMessageVisibility.
    ///
    /// # Errors
    /// `QueueDoesNotExist`, `ReceiptHandleIsInvalid`; `InvalidParameterValue` for a message that is not in flight.
    pub fn change_visibility(&mut self, name: &str, handle: &str, span: Duration) -> Result<(), Refusal> {
        let now = self.now;
        self.queue_at(name)?.change_visibility(handle, span, now)
    }

    /// Whether EventBridge may send to this queue for a rule: only if the queue's policy says so (AWS.md section 3,
    /// Queue policy; confirmed). False for a queue that does not exist.
    pub fn admits_rule(&self, queue: &str, rule_arn: &str) -> bool {
        let Some(queue) = self.queue(queue) else { return false };
        queue.attributes.policy.as_ref().is_some_and(|policy| {
            policy.allows(&Wish {
                service: "events.amazonaws.com",
                action: "sqs:SendMessage",
                resource: &queue.arn,
                source_arn: rule_arn,
                source_account: &self.config.account,
            })
        })
    }

    /// Whether a receiver of this queue would get something now; true for a queue that does not exist, since its caller
    /// hears of that at once.
    pub(crate) fn is_worth_receiving(&mut self, name: &str) -> bool {
        self.queue_at(name).map_or(true, |queue| queue.has_visible())
    }

    /// When something may happen that shows a message in this queue.
    pub(crate) fn next_stir(&self, name: &str) -> Option<Moment> {
        let visible = self.queue(name).and_then(Queue::next_visible);
        [visible, self.next_due()].into_iter().flatten().min()
    }

    /// The queue with this name, brought up to the present.
    pub(crate) fn queue_at(&mut self, name: &str) -> Result<&mut Queue, Refusal> {
        let now = self.now;
        match self.queues.by_name.get_mut(name) {
            Some(queue) => {
                queue.settle(now);
                Ok(queue)
            }
            None => Err(Refusal::new("QueueDoesNotExist", "The specified queue does not exist.")),
        }
    }
}
