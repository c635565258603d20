//! The same wiring as a CloudFormation template. CloudFormation fills in region, account and ARNs.

use serde_json::{Map, Value, json};

use super::policy::{document, statement};
use super::{DESCRIPTION, ENABLED, Names, TAG, TARGET_ID, dead_letter_attributes, pattern, queue_attributes};

/// The template, for CloudFormation to read as JSON.
#[must_use]
pub fn template(names: &Names) -> Value {
    let arn = |logical: &str| json!({"Fn::GetAtt": [logical, "Arn"]});
    // The rule's own ARN comes from its name: the policies are there before the rule, or its first events are lost.
    let rule_arn = json!({
        "Fn::Sub": format!("arn:${{AWS::Partition}}:events:${{AWS::Region}}:${{AWS::AccountId}}:rule/{}", names.rule)
    });
    let (dead_arn, queue_arn) = (arn("DeadLetterQueue"), arn("Queue"));
    let policy = |logical: &str| {
        let statement = statement(&arn(logical), &rule_arn);
        let properties = json!({
            "Queues": [{"Ref": logical}],
            "PolicyDocument": document(&[statement]),
        });
        json!({"Type": "AWS::SQS::QueuePolicy", "Properties": properties})
    };
    json!({
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "The way of events to eipd. A CloudTrail trail must log management events in the region.",
        "Resources": {
            "DeadLetterQueue": queue(&names.dead_letters, &dead_letter_attributes()),
            "DeadLetterQueuePolicy": policy("DeadLetterQueue"),
            "Queue": queue(&names.queue, &queue_attributes(&dead_arn)),
            "QueuePolicy": policy("Queue"),
            "Rule": {
                "Type": "AWS::Events::Rule",
                "DependsOn": ["DeadLetterQueuePolicy", "QueuePolicy"],
                "Properties": {
                    "Name": names.rule,
                    "Description": DESCRIPTION,
                    "State": ENABLED[0],
                    "EventPattern": pattern(),
                    "Tags": tags(),
                    "Targets": [{
                        "Id": TARGET_ID,
                        "Arn": queue_arn,
                        "DeadLetterConfig": {"Arn": dead_arn},
                    }],
                },
            },
        },
        "Outputs": {
            "QueueUrl": {"Description": "For `queue_url` in `[events]`", "Value": {"Ref": "Queue"}},
        },
    })
}

fn queue(name: &str, attributes: &[(&str, Value)]) -> Value {
    let mut properties: Map<String, Value> =
        attributes.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    properties.insert("QueueName".to_owned(), name.into());
    properties.insert("Tags".to_owned(), tags());
    json!({"Type": "AWS::SQS::Queue", "Properties": properties})
}

fn tags() -> Value {
    json!([{"Key": TAG.0, "Value": TAG.1}])
}
