//! A queue of SQS. Receives by long polling, deletes in batches; never retries by itself, since receiving goes on anyway
//! and what was not deleted comes again.

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, MessageSystemAttributeName, QueueAttributeName};
use aws_smithy_types::timeout::TimeoutConfig;

use super::call::{Caller, Operation};
use super::client::{Place, queue_client};
use super::errors::refused_entry;
use super::limits::Bucket;
use super::{Manner, SetUpError, Surroundings};
use crate::domain::error_class::ErrorClass;
use crate::reconcile::ports::{ApiError, Message, Queue};

const RECEIVE: Operation = Operation::of("sqs:ReceiveMessage", Bucket::Free);
const DELETE: Operation = Operation::of("sqs:DeleteMessage", Bucket::Free);
const ATTRIBUTES: Operation = Operation::of("sqs:GetQueueAttributes", Bucket::Free);

/// The longest that SQS waits for a message (AWS.md 3, believed).
const WAIT_SECONDS: i32 = 20;

/// The client must wait longer than SQS does (AWS.md 3, confirmed).
const RECEIVE_TIMEOUT: Duration = Duration::from_secs(30);

/// The most in one receive and in one batch (AWS.md 3, confirmed).
const MESSAGES_MAX: i32 = 10;

/// What no message was ever received with.
const NO_RECEIPT: &str = "eipd-doctor";

/// The queue of a URL.
pub struct SqsQueue {
    client: aws_sdk_sqs::Client,
    caller: Caller,
    url: String,
}

impl SqsQueue {
    /// Prepares the client; makes no call. The region is that of the URL, where it tells one.
    ///
    /// # Errors
    /// Without a region.
    pub async fn connect(url: &str, surroundings: &Surroundings, manner: Manner) -> Result<Self, SetUpError> {
        let place = Place { region: region_of(url).map(str::to_owned), role: None };
        let client = queue_client(&place, surroundings).await?;
        Ok(Self { client, caller: Caller::new(manner), url: url.to_owned() })
    }

    /// Receives as a trial: a message that comes is there for others again at once.
    ///
    /// # Errors
    /// `Denied` without the permission.
    pub async fn try_receive(&self) -> Result<(), ApiError> {
        let request = self.client.receive_message().queue_url(&self.url).max_number_of_messages(1);
        let answer = request.wait_time_seconds(0).visibility_timeout(0).send();
        self.caller.once(&RECEIVE, &self.subject(), answer).await.map(drop)
    }

    /// Deletes nothing, with a receipt that is none: who may delete hears that it is wrong.
    ///
    /// # Errors
    /// `Denied` without the permission.
    pub async fn try_delete(&self) -> Result<(), ApiError> {
        let request = self.client.delete_message().queue_url(&self.url).receipt_handle(NO_RECEIPT);
        match self.caller.once(&DELETE, &self.subject(), request.send()).await {
            Err(error) if error.class == ErrorClass::Denied || error.code.is_none() => Err(error),
            _ => Ok(()),
        }
    }

    fn subject(&self) -> String {
        format!("of `{}`", self.url)
    }
}

/// The region that the URL of a queue tells: `https://sqs.eu-west-1.amazonaws.com/111122223333/eipd`, or the older
/// `https://eu-west-1.queue.amazonaws.com/…`.
#[must_use]
pub fn region_of(url: &str) -> Option<&str> {
    let host = url.split_once("://")?.1.split(['/', ':']).next()?;
    let labels: Vec<&str> = host.split('.').collect();
    match labels[..] {
        ["sqs" | "sqs-fips", region, "amazonaws", ..] | [region, "queue", "amazonaws", ..] => Some(region),
        _ => None,
    }
}

#[async_trait]
impl Queue for SqsQueue {
    async fn receive(&self) -> Result<Vec<Message>, ApiError> {
        let timeouts = TimeoutConfig::builder()
            .operation_timeout(RECEIVE_TIMEOUT)
            .operation_attempt_timeout(RECEIVE_TIMEOUT)
            .build();
        let request = self
            .client
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(MESSAGES_MAX)
            .wait_time_seconds(WAIT_SECONDS)
            .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount)
            .customize()
            .config_override(aws_sdk_sqs::config::Builder::new().timeout_config(timeouts));
        let answer = self.caller.once(&RECEIVE, &self.subject(), request.send()).await?;
        Ok(answer.messages.unwrap_or_default().into_iter().filter_map(message).collect())
    }

    async fn delete(&self, messages: &[Message]) -> Result<(), ApiError> {
        let mut entries = Vec::new();
        for (number, message) in messages.iter().enumerate() {
            let entry = DeleteMessageBatchRequestEntry::builder()
                .id(number.to_string())
                .receipt_handle(&message.receipt)
                .build()
                .expect("an id and a receipt are given");
            entries.push(entry);
        }
        for batch in entries.chunks(usize::try_from(MESSAGES_MAX).expect("a small number")) {
            let request =
                self.client.delete_message_batch().queue_url(&self.url).set_entries(Some(batch.to_vec()));
            let answer = self.caller.once(&DELETE, &self.subject(), request.send()).await?;
            if let Some(failed) = answer.failed.first() {
                return Err(refused_entry(&DELETE, &self.subject(), failed.code(), failed.message()));
            }
        }
        Ok(())
    }

    async fn puts_aside(&self) -> Result<bool, ApiError> {
        let attributes = || {
            self.client
                .get_queue_attributes()
                .queue_url(&self.url)
                .attribute_names(QueueAttributeName::RedrivePolicy)
                .send()
        };
        let answer = self.caller.read(&ATTRIBUTES, &self.subject(), attributes).await?;
        let policy = answer.attributes().and_then(|known| known.get(&QueueAttributeName::RedrivePolicy));
        Ok(policy.is_some_and(|policy| !policy.is_empty()))
    }
}

/// Without an id or a receipt nothing can be done with a message; SQS gives both.
fn message(item: aws_sdk_sqs::types::Message) -> Option<Message> {
    let count =
        item.attributes.as_ref().and_then(|a| a.get(&MessageSystemAttributeName::ApproximateReceiveCount));
    Some(Message {
        receives: count.and_then(|count| count.parse().ok()).unwrap_or(1),
        id: item.message_id?,
        receipt: item.receipt_handle?,
        body: item.body.unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::aws::Manner;
    use crate::aws::canned::{Answer, Remembered, Wire};
    use crate::domain::policy::RateShare;

    async fn queue(wire: &Wire) -> SqsQueue {
        let meter: Arc<Remembered> = Arc::default();
        let manner = Manner { rate_share: RateShare::default(), seed: 1, meter };
        let url = "https://sqs.eu-west-1.amazonaws.com/111122223333/eipd";
        SqsQueue::connect(url, &wire.surroundings(), manner).await.expect("the URL has a region")
    }

    fn answer(body: &str) -> Answer {
        Answer::Body(200, body.to_owned())
    }

    #[tokio::test(start_paused = true)]
    async fn messages_are_waited_for_as_long_and_taken_as_many_as_sqs_allows() {
        let message = r#"{"MessageId":"m","ReceiptHandle":"r","Body":"{}","Attributes":{"ApproximateReceiveCount":"3"}}"#;
        let wire = Wire::of([answer(&format!(r#"{{"Messages":[{message}]}}"#)), answer("{}")]);
        let queue = queue(&wire).await;
        let received = queue.receive().await.expect("it answers");
        let seen: Vec<_> = received.iter().map(|one| (one.id.as_str(), one.receives)).collect();
        assert_eq!(seen, [("m", 3)]);
        assert!(queue.receive().await.expect("it answers").is_empty());
        for sent in wire.sent() {
            let asked: serde_json::Value = serde_json::from_str(&sent.body).expect("JSON");
            assert_eq!((&asked["MaxNumberOfMessages"], &asked["WaitTimeSeconds"]), (&10.into(), &20.into()));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn messages_are_deleted_ten_at_a_time_and_one_that_fails_is_told() {
        let failed =
            r#"{"Successful":[],"Failed":[{"Id":"0","SenderFault":true,"Code":"ReceiptHandleIsInvalid"}]}"#;
        let wire = Wire::of([answer(r#"{"Successful":[],"Failed":[]}"#), answer(failed)]);
        let message = |n: usize| Message {
            id: n.to_string(),
            receipt: format!("r{n}"),
            body: String::new(),
            receives: 1,
        };
        let messages: Vec<Message> = (0..12).map(message).collect();
        let error =
            queue(&wire).await.delete(&messages).await.expect_err("an entry fails though the answer is 200");
        assert_eq!(error.code.as_deref(), Some("ReceiptHandleIsInvalid"));
        let entries = wire.sent().into_iter().map(|sent| {
            let asked: serde_json::Value = serde_json::from_str(&sent.body).expect("JSON");
            asked["Entries"].as_array().map_or(0, Vec::len)
        });
        assert_eq!(entries.collect::<Vec<_>>(), [10, 2]);
    }

    #[test]
    fn the_region_is_that_of_the_url() {
        for (url, region) in [
            ("https://sqs.eu-west-1.amazonaws.com/111122223333/eipd", Some("eu-west-1")),
            ("https://sqs.cn-north-1.amazonaws.com.cn/111122223333/eipd", Some("cn-north-1")),
            ("https://eu-west-1.queue.amazonaws.com/111122223333/eipd", Some("eu-west-1")),
            ("http://127.0.0.1:4566/111122223333/eipd", None),
            ("https://vpce-1.sqs.eu-west-1.vpce.amazonaws.com/1/eipd", None),
        ] {
            assert_eq!(region_of(url), region, "{url}");
        }
    }
}
