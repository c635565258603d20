//! The way of events, as the APIs of SQS and EventBridge show and change it. Reads are retried, a change is made once;
//! which changes to make is not decided here.

mod bus;
mod queues;

use async_trait::async_trait;

use super::call::{Caller, Operation};
use super::client::{Place as Where, WiringClients};
use super::convert;
use super::errors::malformed;
use super::limits::Bucket;
use super::{Manner, SetUpError, Surroundings};
use crate::reconcile::ports::ApiError;
use crate::reconcile::ports::wiring::{FoundQueue, FoundRule, Place, WiringApi, WiringCall};

const IDENTITY: Operation = operation("sts:GetCallerIdentity");

/// Called a few times in the life of a deployment, so without a limit of our own.
const fn operation(action: &'static str) -> Operation {
    Operation::of(action, Bucket::Free)
}

/// An account and region in which events are wired up.
pub struct EventWiring {
    clients: WiringClients,
    caller: Caller,
}

impl EventWiring {
    /// Prepares the clients; makes no call. No region means the SDK's own setting.
    ///
    /// # Errors
    /// Without a region.
    pub async fn connect(
        region: Option<&str>,
        surroundings: &Surroundings,
        manner: Manner,
    ) -> Result<Self, SetUpError> {
        let place = Where { region: region.map(str::to_owned), role: None };
        Ok(Self { clients: WiringClients::new(&place, surroundings).await?, caller: Caller::new(manner) })
    }
}

#[async_trait]
impl WiringApi for EventWiring {
    async fn place(&self) -> Result<Place, ApiError> {
        let region = self.clients.region.clone();
        let subject = format!("in `{region}`");
        let answer =
            self.caller.read(&IDENTITY, &subject, || self.clients.sts.get_caller_identity().send()).await?;
        let account = convert::account(&answer).map_err(|fault| malformed(&IDENTITY, &fault))?;
        let partition = answer.arn().and_then(|arn| arn.split(':').nth(1)).filter(|part| !part.is_empty());
        Ok(Place { partition: partition.unwrap_or("aws").to_owned(), region, account })
    }

    async fn queue(&self, name: &str) -> Result<Option<FoundQueue>, ApiError> {
        queues::find(self, name).await
    }

    async fn rule(&self, name: &str) -> Result<Option<FoundRule>, ApiError> {
        bus::find(self, name).await
    }

    async fn carry_out(&self, call: &WiringCall) -> Result<(), ApiError> {
        match call {
            WiringCall::CreateQueue { name, attributes, tags } => {
                queues::create(self, name, attributes, tags).await
            }
            WiringCall::SetQueueAttributes { url, attributes } => queues::set(self, url, attributes).await,
            WiringCall::TagQueue { url, tags } => queues::tag(self, url, tags).await,
            WiringCall::DeleteQueue { url } => queues::delete(self, url).await,
            WiringCall::PutRule { name, pattern, state, description, tags } => {
                bus::put(self, &bus::NewRule { name, pattern, state, description, tags }).await
            }
            WiringCall::TagRule { arn, tags } => bus::tag(self, arn, tags).await,
            WiringCall::DeleteRule { name } => bus::delete(self, name).await,
            WiringCall::PutTarget { rule, target } => bus::put_target(self, rule, target).await,
            WiringCall::RemoveTargets { rule, ids } => bus::remove_targets(self, rule, ids).await,
        }
    }

    async fn put_event(&self, source: &str, detail_type: &str, detail: &str) -> Result<(), ApiError> {
        bus::put_event(self, source, detail_type, detail).await
    }

    async fn receive(&self, url: &str) -> Result<Vec<String>, ApiError> {
        queues::receive(self, url).await
    }
}
