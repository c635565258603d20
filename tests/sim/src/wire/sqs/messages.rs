//! SQS's operations on messages: send, receive, hide, delete.

use super::{batch, batch_answer, finish, named};
use crate::wire::json::Fields;
use crate::wire::{Failure, Office};
use crate::world::Received;
use md5::{Digest, Md5};
use serde_json::{Map, Value, json};
use std::fmt::Write;
use std::time::Duration;

/// The system attributes of a message that are simulated.
const SYSTEM: [&str; 5] = [
    "ApproximateFirstReceiveTimestamp",
    "ApproximateReceiveCount",
    "DeadLetterQueueSourceArn",
    "SenderId",
    "SentTimestamp",
];

pub(super) fn send(office: &mut Office<'_>, fields: &Fields) -> Result<Value, Failure> {
    let name = named(office, fields)?;
    let body = fields.required("MessageBody")?;
    let delay = fields.within("DelaySeconds", 0, 900)?.map(Duration::from_secs);
    // Attributes of messages are not simulated; none at all are fine.
    for members in ["MessageAttributes", "MessageSystemAttributes"] {
        if let Some(strange) =
            fields.structure(members)?.and_then(|some| some.unread().first().map(|&m| m.to_owned()))
        {
            let message = format!("sqs:SendMessage: the {members} {strange} is not simulated");
            return Err(office.complain("InvalidParameterValue", message));
        }
    }
    finish(office, "SendMessage", fields)?;
    let id = office.world.send_message(&name, &body, delay)?;
    Ok(json!({ "MessageId": id, "MD5OfMessageBody": md5_of(&body) }))
}

pub(super) fn receive(office: &mut Office<'_>, fields: &Fields) -> Result<Value, Failure> {
    let name = named(office, fields)?;
    let most = fields.within("MaxNumberOfMessages", 1, 10)?.unwrap_or(1);
    let visibility = fields.within("VisibilityTimeout", 0, 43_200)?.map(Duration::from_secs);
    fields.within("WaitTimeSeconds", 0, 20)?;
    let mut wanted = fields.texts("MessageSystemAttributeNames")?.unwrap_or_default();
    // The name that it had before; SDKs may send either.
    wanted.extend(fields.texts("AttributeNames")?.unwrap_or_default());
    fields.texts("MessageAttributeNames")?;
    fields.text("ReceiveRequestAttemptId")?;
    finish(office, "ReceiveMessage", fields)?;
    let absent = ["All", "SequenceNumber", "MessageDeduplicationId", "MessageGroupId", "AWSTraceHeader"];
    if let Some(strange) =
        wanted.iter().find(|name| !SYSTEM.contains(&name.as_str()) && !absent.contains(&name.as_str()))
    {
        return Err(Failure::new("InvalidAttributeName", 400, format!("Unknown Attribute {strange}.")));
    }
    let most = usize::try_from(most).unwrap_or(10);
    let received = office.world.receive_messages(&name, most, visibility)?;
    if received.is_empty() {
        return Ok(json!({}));
    }
    let messages: Vec<Value> = received.iter().map(|message| document(message, &wanted)).collect();
    Ok(json!({ "Messages": messages }))
}

fn document(message: &Received, wanted: &[String]) -> Value {
    let mut answer = json!({
        "MessageId": message.id,
        "ReceiptHandle": message.handle,
        "MD5OfBody": md5_of(&message.body),
        "Body": &*message.body,
    });
    let values = [
        Some(message.first_received.unix_millis().to_string()),
        Some(message.receives.to_string()),
        message.source.clone(),
        Some("AIDAIT2UOQQY3AUEKVGXU".to_owned()),
        Some(message.sent.unix_millis().to_string()),
    ];
    let asked = |name: &str| wanted.iter().any(|wanted| wanted == name || wanted == "All");
    let shown = SYSTEM.into_iter().zip(values).filter(|(name, _)| asked(name));
    let attributes: Map<String, Value> =
        shown.filter_map(|(name, value)| Some((name.to_owned(), value?.into()))).collect();
    if !attributes.is_empty() {
        answer["Attributes"] = attributes.into();
    }
    answer
}

pub(super) fn delete(office: &mut Office<'_>, fields: &Fields) -> Result<Value, Failure> {
    let name = named(office, fields)?;
    let handle = fields.required("ReceiptHandle")?;
    finish(office, "DeleteMessage", fields)?;
    office.world.delete_message(&name, &handle)?;
    Ok(Value::Null)
}

pub(super) fn delete_batch(office: &mut Office<'_>, fields: &Fields) -> Result<Value, Failure> {
    let name = named(office, fields)?;
    office.world.queue_at(&name)?;
    let entries = batch(office, fields, "DeleteMessageBatch")?;
    let results = entries.into_iter().map(|(id, entry)| {
        let result = entry
            .required("ReceiptHandle")
            .and_then(|handle| office.world.delete_message(&name, &handle).map_err(Failure::from));
        (id, result)
    });
    Ok(batch_answer(results.collect()))
}

pub(super) fn change_visibility(office: &mut Office<'_>, fields: &Fields) -> Result<Value, Failure> {
    let name = named(office, fields)?;
    let (handle, span) = hiding(fields)?;
    finish(office, "ChangeMessageVisibility", fields)?;
    office.world.change_visibility(&name, &handle, span)?;
    Ok(Value::Null)
}

pub(super) fn change_visibility_batch(office: &mut Office<'_>, fields: &Fields) -> Result<Value, Failure> {
    let name = named(office, fields)?;
    office.world.queue_at(&name)?;
    let entries = batch(office, fields, "ChangeMessageVisibilityBatch")?;
    let results = entries.into_iter().map(|(id, entry)| {
        let result = hiding(&entry).and_then(|(handle, span)| {
            office.world.change_visibility(&name, &handle, span).map_err(Failure::from)
        });
        (id, result)
    });
    Ok(batch_answer(results.collect()))
}

fn hiding(fields: &Fields) -> Result<(String, Duration), Failure> {
    let handle = fields.required("ReceiptHandle")?;
    let seconds = fields.within("VisibilityTimeout", 0, 43_200)?;
    let missing =
        || Failure::new("MissingParameter", 400, "The request must contain the parameter VisibilityTimeout.");
    Ok((handle, seconds.map(Duration::from_secs).ok_or_else(missing)?))
}

fn md5_of(body: &str) -> String {
    let mut hex = String::with_capacity(32);
    for byte in Md5::digest(body.as_bytes()) {
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_sum_is_that_of_rfc_1321() {
        assert_eq!(super::md5_of("message digest"), "f96b697d7cb7938d525a2f31aaf161d0");
    }
}
