//! The attributes of a queue: their names, ranges and defaults, as SQS's API reference has them.
//!
//! Pure: text in, text out. FIFO queues and KMS keys are refused as not simulated.

use super::policy::Policy;
use crate::world::Refusal;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

/// The most that a message may hold: 1 MiB since August 2025 (SQS API reference, SetQueueAttributes and SendMessage:
/// "1,048,576 bytes (1 MiB)"; confirmed). Older texts say 256 KiB.
pub const MESSAGE_LIMIT: usize = 1_048_576;

/// Where messages go that were received too often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Redrive {
    pub(crate) target: String,
    pub(crate) most_receives: u32,
}

/// What a queue is set to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Attributes {
    pub(crate) visibility: Duration,
    pub(crate) delay: Duration,
    pub(crate) wait: Duration,
    pub(crate) retention: Duration,
    pub(crate) limit: usize,
    pub(crate) managed_encryption: bool,
    pub(crate) policy: Option<Policy>,
    pub(crate) redrive: Option<Redrive>,
}

impl Default for Attributes {
    fn default() -> Self {
        Self {
            visibility: Duration::from_secs(30),
            delay: Duration::ZERO,
            wait: Duration::ZERO,
            retention: Duration::from_secs(4 * 24 * 3600),
            limit: MESSAGE_LIMIT,
            managed_encryption: true,
            policy: None,
            redrive: None,
        }
    }
}

impl Attributes {
    /// Sets these attributes and leaves the others.
    pub(crate) fn set(&mut self, values: &BTreeMap<String, String>) -> Result<(), Refusal> {
        values.iter().try_for_each(|(name, value)| self.set_one(name, value))
    }

    fn set_one(&mut self, name: &str, value: &str) -> Result<(), Refusal> {
        match name {
            "VisibilityTimeout" => self.visibility = seconds(name, value, 0..=43_200)?,
            "DelaySeconds" => self.delay = seconds(name, value, 0..=900)?,
            "ReceiveMessageWaitTimeSeconds" => self.wait = seconds(name, value, 0..=20)?,
            "MessageRetentionPeriod" => self.retention = seconds(name, value, 60..=1_209_600)?,
            "MaximumMessageSize" => {
                let limit = number(name, value, 1024..=MESSAGE_LIMIT as u64)?;
                self.limit = usize::try_from(limit).unwrap_or(MESSAGE_LIMIT);
            }
            "SqsManagedSseEnabled" => {
                self.managed_encryption = value.parse().map_err(|_| invalid(name))?;
            }
            "Policy" => self.policy = if value.is_empty() { None } else { Some(Policy::parse(value)?) },
            "RedrivePolicy" => self.redrive = redrive(value)?,
            "RedriveAllowPolicy"
            | "FifoQueue"
            | "ContentBasedDeduplication"
            | "DeduplicationScope"
            | "FifoThroughputLimit"
            | "KmsMasterKeyId"
            | "KmsDataKeyReusePeriodSeconds" => {
                return Err(Refusal::unsupported(format!("sqs: the attribute {name} is not simulated")));
            }
            _ => return Err(Refusal::new("InvalidAttributeName", format!("Unknown Attribute {name}."))),
        }
        Ok(())
    }

    /// What the API shows of them; an attribute that is not set is absent.
    pub(crate) fn shown(&self) -> BTreeMap<&'static str, String> {
        let seconds = |span: Duration| span.as_secs().to_string();
        let mut shown = BTreeMap::from([
            ("VisibilityTimeout", seconds(self.visibility)),
            ("DelaySeconds", seconds(self.delay)),
            ("ReceiveMessageWaitTimeSeconds", seconds(self.wait)),
            ("MessageRetentionPeriod", seconds(self.retention)),
            ("MaximumMessageSize", self.limit.to_string()),
            ("SqsManagedSseEnabled", self.managed_encryption.to_string()),
        ]);
        if let Some(policy) = &self.policy {
            shown.insert("Policy", policy.text.clone());
        }
        if let Some(redrive) = &self.redrive {
            let value = json!({
                "deadLetterTargetArn": redrive.target,
                "maxReceiveCount": redrive.most_receives,
            });
            shown.insert("RedrivePolicy", value.to_string());
        }
        shown
    }
}

fn redrive(value: &str) -> Result<Option<Redrive>, Refusal> {
    if value.is_empty() {
        return Ok(None);
    }
    let name = "RedrivePolicy";
    let document: Value = serde_json::from_str(value).map_err(|_| invalid(name))?;
    let fields = document.as_object().ok_or_else(|| invalid(name))?;
    if fields.keys().any(|key| !matches!(key.as_str(), "deadLetterTargetArn" | "maxReceiveCount")) {
        return Err(invalid(name));
    }
    let target = fields.get("deadLetterTargetArn").and_then(Value::as_str).ok_or_else(|| invalid(name))?;
    // People write the number as text too, and SQS takes it.
    let most = match fields.get("maxReceiveCount") {
        Some(Value::Number(most)) => most.as_u64(),
        Some(Value::String(most)) => most.parse().ok(),
        _ => None,
    };
    let most = most.filter(|most| (1..=1000).contains(most)).ok_or_else(|| invalid(name))?;
    Ok(Some(Redrive { target: target.to_owned(), most_receives: u32::try_from(most).unwrap_or(1000) }))
}

fn seconds(name: &str, value: &str, range: RangeInclusive<u64>) -> Result<Duration, Refusal> {
    number(name, value, range).map(Duration::from_secs)
}

fn number(name: &str, value: &str, range: RangeInclusive<u64>) -> Result<u64, Refusal> {
    value.parse().ok().filter(|number| range.contains(number)).ok_or_else(|| invalid(name))
}

fn invalid(name: &str) -> Refusal {
    Refusal::new("InvalidAttributeValue", format!("Invalid value for the parameter {name}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(name: &str, value: &str) -> Result<Attributes, &'static str> {
        let mut attributes = Attributes::default();
        let values = BTreeMap::from([(name.to_owned(), value.to_owned())]);
        attributes.set(&values).map(|()| attributes).map_err(|refusal| refusal.code)
    }

    #[test]
    fn ranges_are_kept() {
        for (name, good, bad) in [
            ("VisibilityTimeout", "43200", "43201"),
            ("DelaySeconds", "900", "-1"),
            ("ReceiveMessageWaitTimeSeconds", "20", "21"),
            ("MessageRetentionPeriod", "60", "59"),
            ("MaximumMessageSize", "1048576", "1048577"),
            ("SqsManagedSseEnabled", "false", "maybe"),
            (
                "RedrivePolicy",
                r#"{"deadLetterTargetArn":"arn:x","maxReceiveCount":"3"}"#,
                r#"{"maxReceiveCount":3}"#,
            ),
        ] {
            let attributes = set(name, good).expect(name);
            assert!(attributes.shown().contains_key(name), "{name}");
            assert_eq!(set(name, bad).err(), Some("InvalidAttributeValue"), "{name}");
        }
        assert_eq!(set("Colour", "blue").err(), Some("InvalidAttributeName"));
        assert_eq!(set("FifoQueue", "true").err(), Some("NotSimulated"));
    }

    #[test]
    fn a_policy_can_be_taken_away() {
        let mut attributes = Attributes::default();
        let mut set = |value: &str| {
            let values = BTreeMap::from([("Policy".to_owned(), value.to_owned())]);
            attributes.set(&values).expect("valid");
            attributes.shown().contains_key("Policy")
        };
        assert!(set(r#"{"Statement":[]}"#));
        assert!(!set(""));
    }
}
