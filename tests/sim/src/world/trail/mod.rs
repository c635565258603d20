//! CloudTrail's records of API calls, as EventBridge gets them.
//!
//! Shapes by AWS.md section 3. Records are made of what callers do ([`calls`]), of what is done to functions
//! ([`functions`]) and of what Lambda does to its interfaces ([`lambda`]); only calls that change something have one.
//! While no rule is on the default bus none is made. How a record travels is EventBridge's business.

mod calls;
mod functions;
mod lambda;

pub(crate) use calls::Actor;
pub(crate) use functions::FunctionCall;

use super::World;
use crate::beliefs::RecordRequestId;
use serde_json::{Value, json};

/// The detail type of all records.
const API_CALL: &str = "AWS API Call via CloudTrail";

/// One call that is to be recorded.
#[derive(Debug)]
pub(crate) struct Record<'a> {
    /// `ec2` or `lambda`.
    pub(crate) service: &'a str,
    pub(crate) name: &'a str,
    pub(crate) identity: Value,
    /// The address and the program that the call came from.
    pub(crate) from: [&'a str; 2],
    pub(crate) request_id: String,
    pub(crate) parameters: Value,
    /// What the call was answered, or its error code and message.
    pub(crate) outcome: Result<Value, (String, String)>,
}

impl World {
    /// Whether anybody could hear of a record.
    pub(crate) fn is_heard(&self) -> bool {
        self.bus(None).is_ok_and(|bus| !bus.rules.is_empty())
    }

    /// Sends the record of a call on its way.
    pub(crate) fn report(&mut self, record: Record<'_>) {
        let Record { service, name, identity, from, request_id, parameters, outcome } = record;
        let (time, region) = (self.now.second_timestamp(), self.config.region.clone());
        let account = self.config.account.clone();
        let of_ec2 = service == "ec2";
        let belief = self.config.beliefs.record_request_id;
        let mut detail = json!({
            "eventVersion": "1.10",
            "userIdentity": identity,
            "eventTime": time,
            "eventSource": format!("{service}.amazonaws.com"),
            "eventName": name,
            "awsRegion": region,
            "sourceIPAddress": from[0],
            "userAgent": from[1],
            "requestParameters": parameters,
            "responseElements": null,
            "eventID": self.trail.uuid(),
            "readOnly": false,
            "eventType": "AwsApiCall",
            "managementEvent": true,
            "recipientAccountId": account,
            "eventCategory": "Management",
        });
        match outcome {
            Ok(mut response) => {
                if of_ec2 && belief != RecordRequestId::OfRecord {
                    response["requestId"] = request_id.as_str().into();
                }
                detail["responseElements"] = response;
            }
            Err((code, message)) => {
                detail["errorCode"] = code.into();
                detail["errorMessage"] = message.into();
            }
        }
        if !of_ec2 || belief != RecordRequestId::OfResponse {
            detail["requestID"] = request_id.into();
        }
        let event = json!({
            "version": "0",
            "id": self.trail.uuid(),
            "detail-type": API_CALL,
            "source": format!("aws.{service}"),
            "account": account,
            "time": time,
            "region": region,
            "resources": [],
            "detail": detail,
        });
        let delay = self.events.weather.delay;
        self.send_off("default", &event, delay);
    }
}
