//! What setting up the way of events needs from the outside: looking at queues and rules, and changing them. The
//! changes are data, so that what decides on them makes no call.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::ApiError;
use crate::domain::ids::AccountId;

/// Where calls go and whose they are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    /// The first part of ARNs after `arn`: `aws`, `aws-cn`, `aws-us-gov`.
    pub partition: String,
    /// The region.
    pub region: String,
    /// The account of the credentials.
    pub account: AccountId,
}

/// A queue as SQS shows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FoundQueue {
    /// Its URL.
    pub url: String,
    /// Its attributes by SQS's names, counts among them.
    pub attributes: BTreeMap<String, String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// A rule of the default event bus as EventBridge shows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FoundRule {
    /// Its ARN.
    pub arn: String,
    /// Its event pattern; nothing for a rule with a schedule alone.
    pub pattern: Option<String>,
    /// `ENABLED`, `DISABLED` or `ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS`.
    pub state: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Its targets.
    pub targets: Vec<RuleTarget>,
}

/// Where a rule sends events.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RuleTarget {
    /// Its id, the rule's own.
    pub id: String,
    /// The ARN of what gets the events.
    pub arn: String,
    /// The ARN of the queue for what can't be delivered.
    pub dead_letters: Option<String>,
    /// Whether it has no role and hands the event over as it is.
    pub is_plain: bool,
}

/// One change, which is one call. Each can be made again without harm.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum WiringCall {
    /// `sqs:CreateQueue`
    CreateQueue {
        /// Its name.
        name: String,
        /// Its attributes by SQS's names.
        attributes: BTreeMap<String, String>,
        /// Its tags.
        tags: BTreeMap<String, String>,
    },
    /// `sqs:SetQueueAttributes`; attributes that are not named stay.
    SetQueueAttributes {
        /// The queue.
        url: String,
        /// What is set.
        attributes: BTreeMap<String, String>,
    },
    /// `sqs:TagQueue`; other tags stay.
    TagQueue {
        /// The queue.
        url: String,
        /// What is added.
        tags: BTreeMap<String, String>,
    },
    /// `sqs:DeleteQueue`; a queue that is gone is no failure.
    DeleteQueue {
        /// The queue.
        url: String,
    },
    /// `events:PutRule`, on the default bus.
    PutRule {
        /// Its name.
        name: String,
        /// Its event pattern, as JSON.
        pattern: String,
        /// Its state.
        state: String,
        /// Its description; an existing rule loses one that is not given (AWS.md 3, confirmed).
        description: String,
        /// Its tags; they count only for a new rule.
        tags: BTreeMap<String, String>,
    },
    /// `events:TagResource`; other tags stay.
    TagRule {
        /// The ARN of the rule.
        arn: String,
        /// What is added.
        tags: BTreeMap<String, String>,
    },
    /// `events:DeleteRule`; a rule that is gone is no failure.
    DeleteRule {
        /// Its name.
        name: String,
    },
    /// `events:PutTargets`
    PutTarget {
        /// The name of the rule.
        rule: String,
        /// The target; one with the same id is replaced.
        target: RuleTarget,
    },
    /// `events:RemoveTargets`; targets that are gone are no failure.
    RemoveTargets {
        /// The name of the rule.
        rule: String,
        /// Their ids.
        ids: Vec<String>,
    },
}

/// An account and region in which events are wired up.
#[async_trait]
pub trait WiringApi: Send + Sync {
    /// Where calls go and whose they are.
    async fn place(&self) -> Result<Place, ApiError>;

    /// The queue of this name, or nothing.
    async fn queue(&self, name: &str) -> Result<Option<FoundQueue>, ApiError>;

    /// The rule of this name on the default bus with its targets, or nothing.
    async fn rule(&self, name: &str) -> Result<Option<FoundRule>, ApiError>;

    /// Makes one change, with one attempt.
    async fn carry_out(&self, call: &WiringCall) -> Result<(), ApiError>;

    /// Puts an event on the default bus.
    async fn put_event(&self, source: &str, detail_type: &str, detail: &str) -> Result<(), ApiError>;

    /// The bodies of the next messages of a queue, at most ten; waits some seconds for the first. They stay in the queue.
    async fn receive(&self, url: &str) -> Result<Vec<String>, ApiError>;
}
