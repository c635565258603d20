//! The way that events take to the daemon: rule, target, queue, dead-letter queue and the two policies. Described once
//! here; [`steps`] compares it with what is there, [`removal`] takes it down, [`template`] writes it as CloudFormation,
//! [`arrival`] tries it out. Everything but the trial is pure and makes no call.

pub mod arrival;
pub mod elsewhere;
pub mod policy;
pub mod removal;
pub mod steps;
pub mod template;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::pattern::event_pattern;
use crate::reconcile::ports::wiring::{FoundQueue, FoundRule, Place, RuleTarget};

/// The tag that says what was set up here, and may be removed.
pub const TAG: (&str, &str) = ("managed-by", "eipd");

/// What CloudFormation puts on all that a stack owns (CloudFormation user guide, resource tags).
const STACK_TAG: &str = "aws:cloudformation:stack-name";

/// The target's id in the rule.
pub const TARGET_ID: &str = "eipd-queue";

/// The rule's description.
pub const DESCRIPTION: &str = "Calls that concern Elastic IPs on Lambda's network interfaces, for eipd";

/// The states in which a rule hears of calls that change something; the second adds those that only read (AWS.md 3,
/// confirmed), which do no harm.
pub const ENABLED: [&str; 2] = ["ENABLED", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"];

/// The daemon deletes a message within milliseconds; half a minute is for one that ended with messages in hand, and
/// then another replica has them soon.
const VISIBILITY_SECONDS: u64 = 30;

/// An hour: the longest poll interval, after which a pass has seen whatever an event could tell. It bounds the backlog
/// that a daemon finds after a long standstill.
const RETENTION_SECONDS: u64 = 3600;

/// Fourteen days, the longest that SQS keeps a message: a person is to look at it.
const DEAD_LETTER_RETENTION_SECONDS: u64 = 14 * 24 * 3600;

/// So often the daemon gets a message that it can't read: enough for a version that understands it to take over.
const RECEIVES_MAX: u64 = 5;

/// SQS allows 80 characters in the name of a queue (SQS API reference, CreateQueue).
const QUEUE_NAME_MAX: usize = 80;

/// EventBridge allows 64 in the name of a rule (EventBridge API reference, PutRule).
const RULE_NAME_MAX: usize = 64;

const DEAD_LETTER_SUFFIX: &str = "-dlq";

/// What things are called.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Names {
    /// The queue.
    pub queue: String,
    /// The dead-letter queue.
    pub dead_letters: String,
    /// The rule.
    pub rule: String,
}

/// Why a name can't be used.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NameError {
    /// Not for a queue.
    #[error(
        "`{0}` can't be the name of the queue; hint: use 1 to {max} letters, digits, `-` and `_`; a FIFO queue does not do",
        max = QUEUE_NAME_MAX - DEAD_LETTER_SUFFIX.len()
    )]
    Queue(String),
    /// Not for a rule.
    #[error(
        "`{0}` can't be the name of the rule; hint: give --rule-name 1 to {RULE_NAME_MAX} letters, digits, `.`, `-` and `_`"
    )]
    Rule(String),
}

impl Names {
    /// The dead-letter queue is named after the queue, and so is the rule unless it has a name.
    ///
    /// # Errors
    /// For a name that AWS would refuse.
    pub fn new(queue: &str, rule: Option<&str>) -> Result<Self, NameError> {
        let rule = rule.unwrap_or(queue);
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let dead_letters = format!("{queue}{DEAD_LETTER_SUFFIX}");
        if queue.is_empty() || dead_letters.len() > QUEUE_NAME_MAX || !queue.bytes().all(fits) {
            return Err(NameError::Queue(queue.to_owned()));
        }
        let in_length = (1..=RULE_NAME_MAX).contains(&rule.len());
        if !in_length || !rule.bytes().all(|byte| fits(byte) || byte == b'.') {
            return Err(NameError::Rule(rule.to_owned()));
        }
        Ok(Self { queue: queue.to_owned(), dead_letters, rule: rule.to_owned() })
    }
}

/// A part of the wiring.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Item {
    /// Keeps what can't be delivered or understood.
    DeadLetterQueue,
    /// Lets the rule send there.
    DeadLetterPolicy,
    /// The daemon reads it.
    Queue,
    /// Lets the rule send there.
    QueuePolicy,
    /// Selects the events.
    Rule,
    /// Sends them to the queue.
    Target,
    /// That an event comes through.
    Arrival,
}

impl Item {
    /// What people call it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DeadLetterQueue => "dead-letter queue",
            Self::DeadLetterPolicy => "dead-letter queue's policy",
            Self::Queue => "queue",
            Self::QueuePolicy => "queue's policy",
            Self::Rule => "rule",
            Self::Target => "rule's target",
            Self::Arrival => "arrival of an event",
        }
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for Item {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// The wanted wiring in a place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wiring {
    /// What things are called.
    pub names: Names,
    /// Where they are.
    pub place: Place,
}

/// What is there of it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Found {
    /// The dead-letter queue.
    pub dead_letters: Option<FoundQueue>,
    /// The queue.
    pub queue: Option<FoundQueue>,
    /// The rule.
    pub rule: Option<FoundRule>,
}

impl Wiring {
    fn arn(&self, service: &str, resource: &str) -> String {
        let Place { partition, region, account } = &self.place;
        format!("arn:{partition}:{service}:{region}:{account}:{resource}")
    }

    /// Of the queue.
    #[must_use]
    pub fn queue_arn(&self) -> String {
        self.arn("sqs", &self.names.queue)
    }

    /// Of the dead-letter queue.
    #[must_use]
    pub fn dead_letter_arn(&self) -> String {
        self.arn("sqs", &self.names.dead_letters)
    }

    /// Of any queue of this place.
    #[must_use]
    pub fn arn_of_queue(&self, name: &str) -> String {
        self.arn("sqs", name)
    }

    /// Of the rule, on the default bus.
    #[must_use]
    pub fn rule_arn(&self) -> String {
        self.arn("events", &format!("rule/{}", self.names.rule))
    }

    /// Where the rule sends events. The queue's policy lets it, so it has no role: with one, delivery may fail for an
    /// encrypted queue (AWS.md 3, confirmed).
    #[must_use]
    pub fn target(&self) -> RuleTarget {
        RuleTarget {
            id: TARGET_ID.to_owned(),
            arn: self.queue_arn(),
            dead_letters: Some(self.dead_letter_arn()),
            is_plain: true,
        }
    }
}

/// The queue's attributes but its policy, by SQS's names, which are CloudFormation's too.
fn queue_attributes(dead_letter_arn: &Value) -> [(&'static str, Value); 3] {
    let redrive = json!({"deadLetterTargetArn": dead_letter_arn, "maxReceiveCount": RECEIVES_MAX});
    [
        ("MessageRetentionPeriod", json!(RETENTION_SECONDS)),
        ("RedrivePolicy", redrive),
        ("VisibilityTimeout", json!(VISIBILITY_SECONDS)),
    ]
}

/// The dead-letter queue's attributes but its policy.
fn dead_letter_attributes() -> [(&'static str, Value); 1] {
    [("MessageRetentionPeriod", json!(DEAD_LETTER_RETENTION_SECONDS))]
}

/// The tags of all that is made.
fn tags() -> BTreeMap<String, String> {
    [(TAG.0.to_owned(), TAG.1.to_owned())].into()
}

/// Whether these are the tags of something that was set up here, and that no stack owns.
fn is_ours(tags: &BTreeMap<String, String>) -> bool {
    tags.get(TAG.0).map(String::as_str) == Some(TAG.1) && !tags.contains_key(STACK_TAG)
}

/// Why something with these tags is not ours, in words.
fn whose(tags: &BTreeMap<String, String>) -> String {
    match tags.get(STACK_TAG) {
        Some(stack) => format!("it belongs to the CloudFormation stack `{stack}`"),
        None => format!("it is not tagged `{}={}`", TAG.0, TAG.1),
    }
}

/// The pattern of the rule, as JSON.
fn pattern() -> Value {
    serde_json::from_str(&event_pattern()).expect("the pattern is JSON")
}
