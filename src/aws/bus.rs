//! A bus of EventBridge: PutEvents, once. Never retries by itself: what is worth another attempt its caller knows.

use async_trait::async_trait;
use aws_sdk_eventbridge::types::{PutEventsRequestEntry, PutEventsResultEntry};
use aws_smithy_types::DateTime;

use super::call::{Caller, Operation};
use super::client::{Place, bus_client};
use super::codes::classify;
use super::errors::refused_entry;
use super::limits::Bucket;
use super::{Manner, SetUpError, Surroundings};
use crate::reconcile::ports::{ApiError, Bus, BusEntry};

const PUT: Operation = Operation::of("events:PutEvents", Bucket::Free);

/// The bus of a name or an ARN.
pub struct EventBus {
    client: aws_sdk_eventbridge::Client,
    caller: Caller,
    bus: String,
}

impl EventBus {
    /// Prepares the client; makes no call. The region is that of the ARN, or else the SDK's own setting.
    ///
    /// # Errors
    /// Without a region.
    pub async fn connect(bus: &str, surroundings: &Surroundings, manner: Manner) -> Result<Self, SetUpError> {
        let place = Place { region: region_of(bus).map(str::to_owned), role: None };
        let client = bus_client(&place, surroundings).await?;
        Ok(Self { client, caller: Caller::new(manner), bus: bus.to_owned() })
    }

    fn subject(&self) -> String {
        format!("on `{}`", self.bus)
    }

    fn entry(&self, entry: &BusEntry) -> PutEventsRequestEntry {
        PutEventsRequestEntry::builder()
            .event_bus_name(&self.bus)
            .source(entry.source)
            .detail_type(entry.detail_type)
            .detail(&entry.detail)
            .time(DateTime::from_secs(entry.at.as_second()))
            .build()
    }

    /// Why an entry was refused; nothing when it was taken.
    fn refusal(&self, result: Option<&PutEventsResultEntry>) -> Option<ApiError> {
        let refused = |code: &str, message| {
            let error = refused_entry(&PUT, &self.subject(), code, message);
            Some(ApiError { class: classify(code, 400), ..error })
        };
        match result {
            Some(result) => match &result.error_code {
                Some(code) => refused(code, result.error_message()),
                None => None,
            },
            None => refused("NoResult", Some("the answer has fewer entries than the request")),
        }
    }
}

/// `arn:aws:events:eu-west-1:111122223333:event-bus/ops`
fn region_of(bus: &str) -> Option<&str> {
    bus.starts_with("arn:").then(|| bus.split(':').nth(3)).flatten()
}

#[async_trait]
impl Bus for EventBus {
    async fn publish(&self, entries: &[BusEntry]) -> Result<Vec<Option<ApiError>>, ApiError> {
        let request = self.client.put_events();
        let request = request.set_entries(Some(entries.iter().map(|entry| self.entry(entry)).collect()));
        let answer = self.caller.once(&PUT, &self.subject(), request.send()).await?;
        Ok((0..entries.len()).map(|number| self.refusal(answer.entries().get(number))).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::Timestamp;

    use super::*;
    use crate::aws::canned::{Answer, Remembered, Wire};
    use crate::domain::error_class::ErrorClass;
    use crate::domain::policy::RateShare;

    const ARN: &str = "arn:aws:events:us-east-1:111122223333:event-bus/ops";

    async fn bus(wire: &Wire) -> EventBus {
        let meter: Arc<Remembered> = Arc::default();
        let manner = Manner { rate_share: RateShare::default(), seed: 1, meter };
        EventBus::connect(ARN, &wire.surroundings(), manner).await.expect("the ARN has a region")
    }

    fn entries(count: usize) -> Vec<BusEntry> {
        let entry = BusEntry {
            source: "eipd",
            detail_type: "Pool Recovered",
            detail: r#"{"pool":"a"}"#.to_owned(),
            at: Timestamp::from_second(1_800_000_000).expect("within range"),
        };
        vec![entry; count]
    }

    fn body(status: u16, body: &str) -> Answer {
        Answer::Body(status, body.to_owned())
    }

    #[tokio::test(start_paused = true)]
    async fn entries_are_sent_as_eventbridge_takes_them() {
        let wire = Wire::of([body(200, r#"{"FailedEntryCount":0,"Entries":[{"EventId":"1"}]}"#)]);
        let outcomes = bus(&wire).await.publish(&entries(1)).await.expect("it answers");
        assert!(matches!(outcomes[..], [None]));
        let sent = &wire.sent()[0];
        assert!(sent.uri.contains("events.us-east-1.amazonaws.com"), "{}", sent.uri);
        assert!(sent.headers.contains("AWSEvents.PutEvents"), "{}", sent.headers);
        let body: serde_json::Value = serde_json::from_str(&sent.body).expect("JSON");
        let expected = serde_json::json!({"Entries": [{
            "Time": 1_800_000_000, "Source": "eipd", "DetailType": "Pool Recovered",
            "Detail": "{\"pool\":\"a\"}", "EventBusName": ARN,
        }]});
        assert_eq!(body, expected);
    }

    #[tokio::test(start_paused = true)]
    async fn each_entry_has_its_own_outcome() {
        let answer = r#"{"FailedEntryCount":3,"Entries":[{"EventId":"1"},
            {"ErrorCode":"InternalFailure","ErrorMessage":"Oops."},
            {"ErrorCode":"MalformedDetail","ErrorMessage":"Detail is malformed."}]}"#;
        let wire = Wire::of([body(200, answer)]);
        let outcomes = bus(&wire).await.publish(&entries(4)).await.expect("it answers");
        let classes: Vec<_> = outcomes.iter().map(|o| o.as_ref().map(|error| error.class)).collect();
        let unexpected = Some(ErrorClass::Unexpected);
        assert_eq!(classes, [None, Some(ErrorClass::Unavailable), unexpected, unexpected]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_names_the_permission_and_is_not_tried_again() {
        let refusal =
            r#"{"__type":"AccessDeniedException","message":"not authorized to perform: events:PutEvents."}"#;
        let wire = Wire::of([body(400, refusal)]);
        let error = bus(&wire).await.publish(&entries(1)).await.expect_err("denied");
        assert_eq!(
            error.to_string(),
            "events:PutEvents on `arn:aws:events:us-east-1:111122223333:event-bus/ops` failed: `AccessDeniedException`: not authorized to perform: events:PutEvents; \
             hint: grant `events:PutEvents` on the event bus"
        );
        assert_eq!((error.class, wire.sent().len()), (ErrorClass::Denied, 1));
    }
}
