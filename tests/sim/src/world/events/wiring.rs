//! The whole way from a call to a queue in one step, for tests that are about something else.

use super::{NewRule, Target};
use crate::world::World;
use serde_json::json;
use std::collections::BTreeMap;

/// An event pattern for all that a daemon like eipd would hear of: the calls of EC2 and Lambda that [`World`] reports and
/// that were not refused.
pub const ADDRESS_EVENTS: &str = r#"{
    "source": ["aws.ec2", "aws.lambda"],
    "detail-type": ["AWS API Call via CloudTrail"],
    "detail": {
        "eventSource": ["ec2.amazonaws.com", "lambda.amazonaws.com"],
        "eventName": [
            "CreateNetworkInterface", "DeleteNetworkInterface", "ModifyNetworkInterfaceAttribute",
            "AssociateAddress", "DisassociateAddress", "ReleaseAddress", "AllocateAddress",
            {"prefix": "CreateFunction"}, {"prefix": "UpdateFunction"}, {"prefix": "DeleteFunction"},
            {"prefix": "PublishVersion"}, {"prefix": "CreateAlias"}, {"prefix": "UpdateAlias"}, {"prefix": "DeleteAlias"}
        ],
        "errorCode": [{"exists": false}]
    }
}"#;

impl World {
    /// Makes a queue, its policy, a rule of the same name on the default bus for [`ADDRESS_EVENTS`], and its target.
    /// Returns the queue's URL. What happened before is not told of.
    pub fn wire_events(&mut self, queue: &str) -> String {
        self.wire_events_of(queue, ADDRESS_EVENTS)
    }

    /// [`World::wire_events`] with another event pattern.
    pub fn wire_events_of(&mut self, queue: &str, pattern: &str) -> String {
        let none = BTreeMap::new();
        let url = self.create_queue(queue, &none, &none).expect("the scenario's queue is new");
        let rule =
            NewRule { name: queue.to_owned(), pattern: Some(pattern.to_owned()), ..NewRule::default() };
        let rule_arn = self.put_rule(rule).expect("the scenario's pattern is one that is simulated");
        let arn = self.queue(queue).expect("it was just made").arn.clone();
        let policy = json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow",
                "Principal": { "Service": "events.amazonaws.com" },
                "Action": "sqs:SendMessage",
                "Resource": arn,
                "Condition": { "ArnEquals": { "aws:SourceArn": rule_arn } },
            }],
        });
        let attributes = BTreeMap::from([("Policy".to_owned(), policy.to_string())]);
        self.set_queue_attributes(queue, &attributes).expect("the policy is one that is simulated");
        let target = Target { id: queue.to_owned(), arn, ..Target::default() };
        self.put_targets(None, queue, vec![target]).expect("the rule was just made");
        url
    }
}
