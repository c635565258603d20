//! SQS's operations on queues. A queue that is not there is no failure to who looks for it or removes it.

use std::collections::BTreeMap;

use aws_sdk_sqs::types::QueueAttributeName;

use super::{EventWiring, operation};
use crate::aws::call::Operation;
use crate::reconcile::ports::ApiError;
use crate::reconcile::ports::wiring::FoundQueue;

const URL: Operation = operation("sqs:GetQueueUrl");
const ATTRIBUTES: Operation = operation("sqs:GetQueueAttributes");
const TAGS: Operation = operation("sqs:ListQueueTags");
const CREATE: Operation = operation("sqs:CreateQueue");
const SET: Operation = operation("sqs:SetQueueAttributes");
const TAG: Operation = operation("sqs:TagQueue");
const DELETE: Operation = operation("sqs:DeleteQueue");
const RECEIVE: Operation = operation("sqs:ReceiveMessage");

/// Below the client's own timeout.
const WAIT_SECONDS: i32 = 3;

type Texts = BTreeMap<String, String>;

pub(super) async fn find(wiring: &EventWiring, name: &str) -> Result<Option<FoundQueue>, ApiError> {
    let (sqs, subject) = (&wiring.clients.sqs, format!("of `{name}`"));
    let answer = wiring.caller.read(&URL, &subject, || sqs.get_queue_url().queue_name(name).send());
    let Some(url) = unless_missing(answer).await?.and_then(|answer| answer.queue_url) else {
        return Ok(None);
    };
    let attributes =
        || sqs.get_queue_attributes().queue_url(&url).attribute_names(QueueAttributeName::All).send();
    let answer = wiring.caller.read(&ATTRIBUTES, &subject, attributes);
    let Some(answer) = unless_missing(answer).await? else { return Ok(None) };
    let attributes = answer.attributes.unwrap_or_default();
    let tags = wiring.caller.read(&TAGS, &subject, || sqs.list_queue_tags().queue_url(&url).send());
    let Some(answer) = unless_missing(tags).await? else { return Ok(None) };
    Ok(Some(FoundQueue {
        url,
        attributes: attributes.into_iter().map(|(name, value)| (name.as_str().to_owned(), value)).collect(),
        tags: answer.tags.unwrap_or_default().into_iter().collect(),
    }))
}

pub(super) async fn create(
    wiring: &EventWiring,
    name: &str,
    attributes: &Texts,
    tags: &Texts,
) -> Result<(), ApiError> {
    let mut request = wiring.clients.sqs.create_queue().queue_name(name);
    for (name, value) in attributes {
        request = request.attributes(QueueAttributeName::from(name.as_str()), value);
    }
    for (key, value) in tags {
        request = request.tags(key, value);
    }
    wiring.caller.once(&CREATE, &format!("of `{name}`"), request.send()).await.map(drop)
}

pub(super) async fn set(wiring: &EventWiring, url: &str, attributes: &Texts) -> Result<(), ApiError> {
    let mut request = wiring.clients.sqs.set_queue_attributes().queue_url(url);
    for (name, value) in attributes {
        request = request.attributes(QueueAttributeName::from(name.as_str()), value);
    }
    wiring.caller.once(&SET, &format!("of `{url}`"), request.send()).await.map(drop)
}

pub(super) async fn tag(wiring: &EventWiring, url: &str, tags: &Texts) -> Result<(), ApiError> {
    let tags = tags.clone().into_iter().collect();
    let request = wiring.clients.sqs.tag_queue().queue_url(url).set_tags(Some(tags));
    wiring.caller.once(&TAG, &format!("of `{url}`"), request.send()).await.map(drop)
}

pub(super) async fn delete(wiring: &EventWiring, url: &str) -> Result<(), ApiError> {
    let request = wiring.clients.sqs.delete_queue().queue_url(url);
    unless_missing(wiring.caller.once(&DELETE, &format!("of `{url}`"), request.send())).await.map(drop)
}

pub(super) async fn receive(wiring: &EventWiring, url: &str) -> Result<Vec<String>, ApiError> {
    let receive = || {
        let request = wiring.clients.sqs.receive_message().queue_url(url);
        request.max_number_of_messages(10).wait_time_seconds(WAIT_SECONDS).send()
    };
    let answer = wiring.caller.read(&RECEIVE, &format!("of `{url}`"), receive).await?;
    Ok(answer.messages.unwrap_or_default().into_iter().filter_map(|message| message.body).collect())
}

/// SQS has two names for one error, and clients see either (SQS API reference, QueueDoesNotExist).
async fn unless_missing<T>(answer: impl Future<Output = Result<T, ApiError>>) -> Result<Option<T>, ApiError> {
    match answer.await {
        Err(error)
            if matches!(
                error.code.as_deref(),
                Some("QueueDoesNotExist" | "AWS.SimpleQueueService.NonExistentQueue")
            ) =>
        {
            Ok(None)
        }
        answer => answer.map(Some),
    }
}
