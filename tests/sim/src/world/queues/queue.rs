//! One queue: its messages, who sees them and until when.
//!
//! At least once and in no certain order, as a standard queue: the seed decides when a message comes twice and which of
//! the oldest comes first. Time comes in as an argument; where a spent message goes is decided by the table of queues.

use super::attributes::Attributes;
use crate::chance::Chance;
use crate::moment::Moment;
use crate::world::Refusal;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// The most messages of a standard queue that are in flight at once (SQS quotas; confirmed).
const MOST_IN_FLIGHT: usize = 120_000;

/// How far queues stray from handing each message out once and in order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QueueWeather {
    /// The probability that a message which was received stays visible all the same.
    pub duplicate: f64,
    /// A message is drawn from so many of the oldest; 1 keeps the order.
    pub disorder: u64,
}

impl Default for QueueWeather {
    fn default() -> Self {
        Self { duplicate: 0.01, disorder: 10 }
    }
}

impl QueueWeather {
    /// Each message once a visibility timeout, in the order of their coming.
    pub const FINE: Self = Self { duplicate: 0.0, disorder: 1 };
}

/// A message in a queue.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) id: String,
    pub(crate) body: Arc<str>,
    pub(crate) sent: Moment,
    pub(crate) receives: u32,
    pub(crate) first_received: Option<Moment>,
    /// The queue that it was redriven from.
    pub(crate) source: Option<String>,
    pub(crate) hidden_until: Option<Moment>,
}

impl Message {
    pub(crate) fn new(id: String, body: Arc<str>, sent: Moment) -> Self {
        Self { id, body, sent, receives: 0, first_received: None, source: None, hidden_until: None }
    }
}

/// A message as a receiver gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// Its id, the same each time.
    pub id: String,
    /// What it says.
    pub body: Arc<str>,
    /// The handle of this receiving, by which it can be deleted.
    pub handle: String,
    /// How often it was received, this time included.
    pub receives: u32,
    /// When it was sent.
    pub sent: Moment,
    /// When it was first received.
    pub first_received: Moment,
    /// The ARN of the queue that it was redriven from.
    pub source: Option<String>,
}

/// A standard queue.
#[derive(Clone, Debug)]
pub struct Queue {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    pub(crate) attributes: Attributes,
    pub(crate) created: Moment,
    pub(crate) modified: Moment,
    pub(crate) purged: Option<Moment>,
    serial: u64,
    messages: BTreeMap<u64, Message>,
    /// The visible ones, oldest first; what is not among the messages any more, or is hidden, is passed over.
    ready: VecDeque<u64>,
    hidden: BTreeSet<(Moment, u64)>,
    ages: BTreeSet<(Moment, u64)>,
    last: u64,
}

impl Queue {
    pub(crate) fn new(name: &str, arn: String, serial: u64, attributes: Attributes, now: Moment) -> Self {
        Self {
            name: name.to_owned(),
            arn,
            tags: BTreeMap::new(),
            attributes,
            created: now,
            modified: now,
            purged: None,
            serial,
            messages: BTreeMap::new(),
            ready: VecDeque::new(),
            hidden: BTreeSet::new(),
            ages: BTreeSet::new(),
            last: 0,
        }
    }

    /// How many messages it holds, visible or not.
    pub fn len(&self) -> usize {
        self.messages.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// What the messages in it say, oldest first, whether or not they are visible. Receives nothing.
    pub fn bodies(&self) -> impl Iterator<Item = &str> {
        self.messages.values().map(|message| &*message.body)
    }

    /// How many are visible, in flight, and delayed.
    pub(crate) fn counts(&self) -> (usize, usize, usize) {
        let delayed = self.hidden.iter().filter(|(_, serial)| self.messages[serial].receives == 0).count();
        (self.messages.len() - self.hidden.len(), self.hidden.len() - delayed, delayed)
    }

    /// Whether a receiver would get something now.
    pub(crate) fn has_visible(&self) -> bool {
        self.messages.len() > self.hidden.len()
    }

    /// When the next hidden message becomes visible.
    pub(crate) fn next_visible(&self) -> Option<Moment> {
        self.hidden.first().map(|(at, _)| *at)
    }

    /// Shows what was hidden until now, and forgets what is too old.
    pub(crate) fn settle(&mut self, now: Moment) {
        while let Some(&(at, serial)) = self.hidden.first().filter(|(at, _)| *at <= now) {
            self.hidden.remove(&(at, serial));
            if let Some(message) = self.messages.get_mut(&serial) {
                message.hidden_until = None;
                self.ready.push_back(serial);
            }
        }
        while let Some(&(sent, serial)) =
            self.ages.first().filter(|(sent, _)| *sent + self.attributes.retention <= now)
        {
            self.ages.remove(&(sent, serial));
            self.forget(serial);
        }
    }

    pub(crate) fn put(&mut self, message: Message, delay: Duration, now: Moment) {
        self.last += 1;
        let serial = self.last;
        self.ages.insert((message.sent, serial));
        self.messages.insert(serial, Message { hidden_until: None, ..message });
        if delay.is_zero() {
            self.ready.push_back(serial);
        } else {
            self.hide(serial, now + delay);
        }
    }

    /// Hands out up to `most` visible messages and hides them for `visibility`. The second list holds those that were
    /// received too often already, which leave the queue when `redrives`.
    pub(crate) fn receive(
        &mut self,
        now: Moment,
        (most, visibility): (usize, Duration),
        (chance, weather): (&mut Chance, QueueWeather),
        redrives: bool,
    ) -> Result<(Vec<Received>, Vec<Message>), Refusal> {
        let limit =
            self.attributes.redrive.as_ref().filter(|_| redrives).map(|redrive| redrive.most_receives);
        let (mut received, mut spent, mut again) = (Vec::new(), Vec::new(), Vec::new());
        while received.len() < most && !self.ready.is_empty() {
            if self.hidden.len() >= MOST_IN_FLIGHT {
                let message = "The maximum number of in flight messages is reached.";
                return Err(Refusal::new("OverLimit", message));
            }
            let among = (self.ready.len() as u64).min(weather.disorder.max(1));
            let place = if among > 1 { usize::try_from(chance.below(among)).unwrap_or(0) } else { 0 };
            let Some(serial) = self.ready.remove(place) else { break };
            let Some(message) = self.messages.get_mut(&serial).filter(|m| m.hidden_until.is_none()) else {
                continue;
            };
            if limit.is_some_and(|limit| message.receives >= limit) {
                spent.extend(self.forget(serial));
                continue;
            }
            message.receives += 1;
            let first_received = *message.first_received.get_or_insert(now);
            received.push(Received {
                id: message.id.clone(),
                body: Arc::clone(&message.body),
                handle: format!("AQEB{:016x}{serial:016x}{:08x}", self.serial, message.receives),
                receives: message.receives,
                sent: message.sent,
                first_received,
                source: message.source.clone(),
            });
            let stays = weather.duplicate > 0.0 && chance.strikes(weather.duplicate);
            if stays || visibility.is_zero() {
                // Shown again only after this batch: SQS does not hand one message out twice in one answer.
                again.push(serial);
                message.hidden_until = Some(now);
            } else {
                self.hide(serial, now + visibility);
            }
        }
        for serial in again {
            if let Some(message) = self.messages.get_mut(&serial) {
                message.hidden_until = None;
            }
            self.ready.push_back(serial);
        }
        Ok((received, spent))
    }

    /// Deletes the message of a handle. With a handle that is not the last one the call succeeds, and whether the message
    /// is deleted is left open (SQS API reference, DeleteMessage; confirmed).
    pub(crate) fn delete(&mut self, handle: &str, chance: &mut Chance) -> Result<(), Refusal> {
        let (serial, nth) = self.decode(handle)?;
        let Some(message) = self.messages.get(&serial) else { return Ok(()) };
        if message.receives == nth || chance.strikes(0.5) {
            self.forget(serial);
        }
        Ok(())
    }

    /// Hides the message of a handle for another while, counted from now.
    pub(crate) fn change_visibility(
        &mut self,
        handle: &str,
        span: Duration,
        now: Moment,
    ) -> Result<(), Refusal> {
        let (serial, _) = self.decode(handle)?;
        let Some(until) = self.messages.get_mut(&serial).and_then(|message| message.hidden_until.take())
        else {
            let message = format!(
                "Value {handle} for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not \
                 available for visibility timeout change."
            );
            return Err(Refusal::new("InvalidParameterValue", message));
        };
        self.hidden.remove(&(until, serial));
        if span.is_zero() {
            self.ready.push_back(serial);
        } else {
            self.hide(serial, now + span);
        }
        Ok(())
    }

    /// Forgets every message.
    pub(crate) fn purge(&mut self) {
        self.messages.clear();
        self.ready.clear();
        self.hidden.clear();
        self.ages.clear();
    }

    fn hide(&mut self, serial: u64, until: Moment) {
        if let Some(message) = self.messages.get_mut(&serial) {
            message.hidden_until = Some(until);
            self.hidden.insert((until, serial));
        }
    }

    fn forget(&mut self, serial: u64) -> Option<Message> {
        let message = self.messages.remove(&serial)?;
        self.ages.remove(&(message.sent, serial));
        if let Some(until) = message.hidden_until {
            self.hidden.remove(&(until, serial));
        }
        Some(message)
    }

    fn decode(&self, handle: &str) -> Result<(u64, u32), Refusal> {
        let parts = handle.strip_prefix("AQEB").filter(|rest| rest.len() == 40 && rest.is_ascii());
        let decoded = parts.and_then(|rest| {
            let queue = u64::from_str_radix(&rest[..16], 16).ok()?;
            let serial = u64::from_str_radix(&rest[16..32], 16).ok()?;
            let nth = u32::from_str_radix(&rest[32..], 16).ok()?;
            (queue == self.serial).then_some((serial, nth))
        });
        let message = format!("The input receipt handle \"{handle}\" is not a valid receipt handle.");
        decoded.ok_or_else(|| Refusal::new("ReceiptHandleIsInvalid", message))
    }
}
