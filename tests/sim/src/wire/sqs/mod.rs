//! SQS's JSON 1.0: the operations that are simulated, and what a caller hears of the others.
//!
//! The rules of queues and messages are the world's; here are members, limits, batches and documents. Waiting for a
//! message is the handle's business: [`patience`] says for how long.

mod messages;
mod queues;

use super::json::Fields;
use super::{Call, Failure, Office, Request, Service};
use crate::world::World;
use serde_json::{Value, json};
use std::time::Duration;

/// The operations that only read.
const READING: [&str; 4] = ["GetQueueAttributes", "GetQueueUrl", "ListQueueTags", "ListQueues"];

/// The errors that SQS's model names, as far as they occur here.
pub(super) const MODELLED: [&str; 14] = [
    "BatchEntryIdsNotDistinct",
    "EmptyBatchRequest",
    "InvalidAttributeName",
    "InvalidAttributeValue",
    "InvalidBatchEntryId",
    "OverLimit",
    "PurgeQueueInProgress",
    "QueueDeletedRecently",
    "QueueDoesNotExist",
    "QueueNameExists",
    "ReceiptHandleIsInvalid",
    "RequestThrottled",
    "TooManyEntriesInBatchRequest",
    "UnsupportedOperation",
];

pub(crate) fn read(request: &Request) -> Call {
    let fields = Fields::parse(&request.body);
    let mut call = Call::of_fields(Service::Sqs, super::target_of(request, "AmazonSQS."), fields);
    // ReceiveMessage hides what it hands out, but what it costs to lose its answer is a visibility timeout.
    call.mutating = !READING.contains(&call.operation.as_str()) && call.operation != "ReceiveMessage";
    let named = call.fields.peek("QueueUrl").map(|url| url.rsplit('/').next().unwrap_or_default());
    call.resource = named.or(call.fields.peek("QueueName")).unwrap_or("*").to_owned();
    call
}

pub(crate) fn carry_out(office: &mut Office<'_>, call: &Call) -> Result<String, Failure> {
    call.fields.check()?;
    let fields = &call.fields;
    let answer = match call.operation.as_str() {
        "CreateQueue" => queues::create(office, fields),
        "DeleteQueue" => queues::delete(office, fields),
        "GetQueueAttributes" => queues::get_attributes(office, fields),
        "GetQueueUrl" => queues::get_url(office, fields),
        "ListQueues" => queues::list(office, fields),
        "ListQueueTags" => queues::list_tags(office, fields),
        "PurgeQueue" => queues::purge(office, fields),
        "SetQueueAttributes" => queues::set_attributes(office, fields),
        "TagQueue" => queues::tag(office, fields),
        "UntagQueue" => queues::untag(office, fields),
        "ChangeMessageVisibility" => messages::change_visibility(office, fields),
        "ChangeMessageVisibilityBatch" => messages::change_visibility_batch(office, fields),
        "DeleteMessage" => messages::delete(office, fields),
        "DeleteMessageBatch" => messages::delete_batch(office, fields),
        "ReceiveMessage" => messages::receive(office, fields),
        "SendMessage" => messages::send(office, fields),
        other => {
            let message = format!("sqs:{other} is not simulated");
            return Err(office.complain("UnknownOperationException", message));
        }
    }?;
    // An operation without an output has an empty body.
    Ok(if answer.is_null() { String::new() } else { answer.to_string() })
}

/// How long a call may wait for a message, and in which queue: only a ReceiveMessage that is in order waits.
pub(crate) fn patience(world: &World, call: &Call) -> Option<(String, Duration)> {
    if call.service != Service::Sqs || call.operation != "ReceiveMessage" || call.fields.check().is_err() {
        return None;
    }
    let name = queue_name(world, call.fields.peek("QueueUrl")?)?;
    let own = world.queue(&name)?.attributes.wait;
    let asked = call.fields.within("WaitTimeSeconds", 0, 20).ok()?.map(Duration::from_secs);
    Some((name, asked.unwrap_or(own))).filter(|(_, wait)| !wait.is_zero())
}

/// The name in a queue's URL, if it is of this account; the host does not matter to SQS either.
fn queue_name(world: &World, url: &str) -> Option<String> {
    let mut parts = url.trim_end_matches('/').rsplit('/');
    let name = parts.next().filter(|name| !name.is_empty())?;
    let account = parts.next()?;
    (account == world.config().account).then(|| name.to_owned())
}

/// The name of the queue that a request is for.
fn named(office: &Office<'_>, fields: &Fields) -> Result<String, Failure> {
    let url = fields.required("QueueUrl")?;
    queue_name(office.world, &url)
        .ok_or_else(|| Failure::new("QueueDoesNotExist", 400, "The specified queue does not exist."))
}

/// Complains of a member that the operation does not know, before it is carried out.
fn finish(office: &mut Office<'_>, operation: &str, fields: &Fields) -> Result<(), Failure> {
    match fields.unread().first() {
        None => Ok(()),
        Some(unread) => {
            let message = format!("sqs:{operation} does not know the member {unread}");
            Err(office.complain("InvalidParameterValue", message))
        }
    }
}

/// The entries of a batch, within SQS's limits.
fn batch(
    office: &mut Office<'_>,
    fields: &Fields,
    operation: &str,
) -> Result<Vec<(String, Fields)>, Failure> {
    let entries = fields.entries("Entries")?;
    if entries.is_empty() {
        let message = format!("There should be at least one {operation}RequestEntry in the request.");
        return Err(Failure::new("EmptyBatchRequest", 400, message));
    }
    if entries.len() > 10 {
        let message =
            format!("Maximum number of entries per request are 10. You have sent {}.", entries.len());
        return Err(Failure::new("TooManyEntriesInBatchRequest", 400, message));
    }
    let mut found: Vec<(String, Fields)> = Vec::new();
    for entry in entries {
        let id = entry.required("Id")?;
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if id.len() > 80 || !id.bytes().all(fits) {
            let message = "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It \
                           can be at most 80 letters long.";
            return Err(Failure::new("InvalidBatchEntryId", 400, message));
        }
        if found.iter().any(|(other, _)| *other == id) {
            return Err(Failure::new("BatchEntryIdsNotDistinct", 400, format!("Id {id} repeated.")));
        }
        found.push((id, entry));
    }
    finish(office, operation, fields)?;
    Ok(found)
}

/// The answer to a batch: 200, with what failed among it.
fn batch_answer(results: Vec<(String, Result<(), Failure>)>) -> Value {
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for (id, result) in results {
        match result {
            Ok(()) => successful.push(json!({ "Id": id })),
            Err(failure) => failed.push(json!({
                "Id": id,
                "SenderFault": failure.status < 500,
                "Code": failure.code,
                "Message": failure.message,
            })),
        }
    }
    let mut answer = json!({ "Successful": successful });
    if !failed.is_empty() {
        answer["Failed"] = failed.into();
    }
    answer
}

/// The code that the query protocol had for an error, which clients still see (SQS developer guide, JSON protocol:
/// `x-amzn-query-error`; API reference of each error; confirmed).
pub(crate) fn query_code(code: &str) -> String {
    match code {
        "QueueDoesNotExist" => "AWS.SimpleQueueService.NonExistentQueue".to_owned(),
        "QueueNameExists" => "QueueAlreadyExists".to_owned(),
        "QueueDeletedRecently"
        | "PurgeQueueInProgress"
        | "EmptyBatchRequest"
        | "TooManyEntriesInBatchRequest"
        | "BatchEntryIdsNotDistinct"
        | "InvalidBatchEntryId"
        | "MessageNotInflight"
        | "UnsupportedOperation" => format!("AWS.SimpleQueueService.{code}"),
        "AccessDeniedException" => "AccessDenied".to_owned(),
        "UnrecognizedClientException" => "InvalidClientTokenId".to_owned(),
        "ExpiredTokenException" => "ExpiredToken".to_owned(),
        other => other.to_owned(),
    }
}
