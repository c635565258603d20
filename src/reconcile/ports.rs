//! What the reconciliation needs from the outside, as traits: reading AWS, changing AWS, the time, and someone to
//! report to. Implemented in `aws` and `telemetry`, wired in `cli`; nothing here knows an SDK.

pub mod examination;
pub mod wiring;

use std::collections::BTreeSet;
use std::error::Error as StdError;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::Serialize;
use tokio::time::Instant;

use crate::domain::error_class::ErrorClass;
use crate::domain::function::{FunctionConfiguration, FunctionObservation, FunctionRef, Pair};
use crate::domain::ids::{
    AccountId, AllocationId, AssociationId, NetworkInterfaceId, SubnetId, TargetName, VpcId,
};
use crate::domain::network::{RouteTable, Subnet};
use crate::domain::observed::{Address, Interface};
use crate::domain::report::{ActionReport, Report};
use crate::domain::tag::Tag;
use crate::domain::versions::Routes;

/// A failed AWS call.
#[derive(Debug, thiserror::Error)]
#[error("{operation} {subject} failed: {message}{}", hint.as_ref().map(|h| format!("; hint: {h}")).unwrap_or_default())]
pub struct ApiError {
    /// The operation with its service, in the form of an IAM action: `ec2:AssociateAddress`.
    pub operation: &'static str,
    /// What it was about: ids in backticks, "of the region", …
    pub subject: String,
    /// What it means for what to do next.
    pub class: ErrorClass,
    /// The code that AWS gave, if it answered.
    pub code: Option<String>,
    /// The id that AWS gave the request, if it answered.
    pub request_id: Option<String>,
    /// What AWS or the transport said, without the code's class.
    pub message: String,
    /// What the operator can do about it.
    pub hint: Option<String>,
    /// The SDK's error.
    #[source]
    pub source: Option<Box<dyn StdError + Send + Sync>>,
}

/// A list as far as it could be read: with no error it is whole.
#[derive(Debug)]
pub struct Partial<T> {
    /// What was read.
    pub found: Vec<T>,
    /// Why some of it was not.
    pub errors: Vec<ApiError>,
}

impl<T> Default for Partial<T> {
    fn default() -> Self {
        Self { found: Vec::new(), errors: Vec::new() }
    }
}

impl<T> Partial<T> {
    /// Takes in what another read brought.
    pub fn add(&mut self, other: Self) {
        self.found.extend(other.found);
        self.errors.extend(other.errors);
    }
}

/// An interface that EC2 shows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Shown {
    /// It is of type `lambda`.
    OfLambda(Interface),
    /// It is of another type.
    Other(NetworkInterfaceId),
}

impl Partial<Shown> {
    /// Apart: what is Lambda's, and the ids of the rest.
    #[must_use]
    pub fn apart(self) -> (Partial<Interface>, BTreeSet<NetworkInterfaceId>) {
        let (mut ours, mut others) = (Partial { found: Vec::new(), errors: self.errors }, BTreeSet::new());
        for shown in self.found {
            match shown {
                Shown::OfLambda(interface) => ours.found.push(interface),
                Shown::Other(id) => drop(others.insert(id)),
            }
        }
        (ours, others)
    }
}

/// Reading a target. Transient failures were already retried when an error arrives here.
#[async_trait]
pub trait Reads: Send + Sync {
    /// The account that the credentials belong to.
    async fn account(&self) -> Result<AccountId, ApiError>;

    /// Every visible network interface of type `lambda` in the region, managed resources included.
    async fn interfaces(&self) -> Partial<Interface>;

    /// Those of these interfaces that EC2 shows, whatever they are.
    async fn interfaces_of(&self, ids: &BTreeSet<NetworkInterfaceId>) -> Partial<Shown>;

    /// The visible interfaces of type `lambda` of these pairs.
    async fn interfaces_with(&self, pairs: &BTreeSet<Pair>) -> Partial<Interface>;

    /// One interface as it is now; nothing when EC2 does not show it.
    async fn interface(&self, id: &NetworkInterfaceId) -> Result<Option<Interface>, ApiError>;

    /// Those of the allocations that exist; an unknown one is simply not among them.
    async fn addresses(&self, ids: &BTreeSet<AllocationId>) -> Partial<Address>;

    /// Those of the public addresses that are Elastic IPs of the account; another is simply not among them.
    async fn addresses_of_ips(&self, ips: &BTreeSet<Ipv4Addr>) -> Partial<Address>;

    /// The addresses that bear these tags, each once for each of the tags.
    async fn addresses_of_tags(&self, tags: &BTreeSet<Tag>) -> Partial<(Tag, Address)>;

    /// The functions that bear these tags, each once for each of the tags; perhaps deleted ones among them.
    async fn functions_of_tags(&self, tags: &BTreeSet<Tag>) -> Partial<(Tag, FunctionRef)>;

    /// One function with its states. `Ok(FunctionObservation::NotFound)` when Lambda says that it is not there.
    async fn function(&self, function: &FunctionRef) -> Result<FunctionObservation, ApiError>;

    /// Those of these subnets that EC2 shows.
    async fn subnets(&self, ids: &BTreeSet<SubnetId>) -> Partial<Subnet>;

    /// The route tables that these subnets are associated with by themselves.
    async fn route_tables_of(&self, subnets: &BTreeSet<SubnetId>) -> Partial<RouteTable>;

    /// The main route tables of these VPCs.
    async fn main_route_tables(&self, vpcs: &BTreeSet<VpcId>) -> Partial<RouteTable>;

    /// The network settings of every version of every function of the region; a published one is named by its number.
    async fn versions(&self) -> Partial<(FunctionRef, FunctionConfiguration)>;

    /// Where the aliases of a function lead, weighted routes included; no aliases when there is no such function.
    async fn routes(&self, function: &FunctionRef) -> Result<Routes, ApiError>;

    /// The `$LATEST` configuration of every function of the region, without states (ListFunctions omits them).
    async fn functions(&self) -> Partial<(FunctionRef, FunctionConfiguration)>;
}

/// Whether an address may be taken from where it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Takes {
    /// It must be free: AllowReassociation=false.
    Nothing,
    /// A move that the plan names and the gate has judged: AllowReassociation=true.
    WhatItIsOn,
}

/// Changing a target. One attempt each: whether to try again is not decided below this line.
#[async_trait]
pub trait Changes: Send + Sync {
    /// Gives the address to the interface's primary private address; takes it from where it is only if that is said.
    async fn associate(
        &self,
        allocation: &AllocationId,
        interface: &NetworkInterfaceId,
        takes: Takes,
    ) -> Result<Associated, ApiError>;

    /// Takes an address off by the id of its bond, so that a stale view can't break a newer one; that it is gone already is
    /// a success. The id of the request, if AWS told it.
    async fn disassociate(&self, association: &AssociationId) -> Result<Option<String>, ApiError>;

    /// Waits until the rate limit for changes lets one more pass.
    async fn ready(&self);
}

/// The answer to an association.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Associated {
    /// The bond's id, if AWS told it.
    pub association: Option<AssociationId>,
    /// The id of the request.
    pub request_id: Option<String>,
}

/// The wall clock. Durations are measured on tokio's clock, which tests pause.
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> Timestamp;
}

/// The time since a rate limit began, on tokio's clock, for those who keep one.
#[derive(Clone, Copy, Debug)]
pub struct TokioClock {
    begun: Instant,
}

impl TokioClock {
    /// Begins now.
    #[must_use]
    pub fn start() -> Self {
        Self { begun: Instant::now() }
    }
}

impl governor::clock::Clock for TokioClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.begun.elapsed()
    }
}

/// Everyone who wants to know what a pass did.
pub trait Audience: Send + Sync {
    /// An action of a pass has ended. Told at once: the process may be gone before the pass is over.
    fn hear_action(&self, target: &TargetName, pass: u64, action: &ActionReport);

    /// Takes notice of a pass; must not block.
    fn hear(&self, report: &Report);

    /// Takes notice of when the next pass of the target is due, for `/healthz`.
    fn expect_next(&self, report: &Report, within: Duration);
}

pub use super::inbox::{Inbox, Offered};

/// A queue of messages, each delivered at least once and in no order.
#[async_trait]
pub trait Queue: Send + Sync {
    /// The next messages, at most ten; waits some seconds for the first. A message comes again after a while unless it
    /// is deleted.
    async fn receive(&self) -> Result<Vec<Message>, ApiError>;

    /// Deletes received messages; those that could not be come again.
    async fn delete(&self, messages: &[Message]) -> Result<(), ApiError>;

    /// Whether messages that come too often are put aside by the queue itself.
    async fn puts_aside(&self) -> Result<bool, ApiError>;
}

/// A message of a queue.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Message {
    /// Its id.
    pub id: String,
    /// What it says.
    pub body: String,
    /// What it is deleted with; another one each time it comes.
    pub receipt: String,
    /// How often it has come, this time included.
    pub receives: u32,
}

/// An event that concerned a target, for people.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct EventNote {
    /// The target.
    pub target: TargetName,
    /// When it happened, as the event tells.
    pub at: Timestamp,
    /// What happened.
    pub kind: &'static str,
    /// Who did it, as the event tells.
    pub actor: String,
    /// What became of the event.
    pub outcome: &'static str,
    /// The address that it happened to.
    pub allocation_id: Option<AllocationId>,
    /// The address as it was named.
    pub public_ip: Option<IpAddr>,
    /// The interface that it happened to, or that the address was last seen on.
    pub network_interface_id: Option<NetworkInterfaceId>,
    /// The function that it happened to, as it was named.
    pub function: Option<String>,
    /// Of the call that it tells of.
    pub request_id: Option<String>,
}

/// What of a queue can't be used, each with the reason; nothing where all is well.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct QueueTroubles {
    /// Receiving: changes are found by polling alone.
    pub receive: Option<String>,
    /// Deleting: what was received comes again and again.
    pub delete: Option<String>,
    /// Asking whether it has a dead-letter queue: malformed messages are deleted after some time.
    pub attributes: Option<String>,
}

impl QueueTroubles {
    /// Whether events are taken off it.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.receive.is_none() && self.delete.is_none()
    }

    /// All that is wrong, in one text.
    #[must_use]
    pub fn told(&self) -> Option<String> {
        let all: Vec<&str> = [&self.receive, &self.delete, &self.attributes]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect();
        (!all.is_empty()).then(|| all.join("; "))
    }
}

/// Everyone who wants to know what came through the queue.
pub trait EventAudience: Send + Sync {
    /// A message was dealt with: the kind of its event, what became of it, and how long after its event it came.
    fn hear_event(&self, kind: &'static str, outcome: &'static str, lag: Option<Duration>);

    /// An event concerned a target.
    fn hear_note(&self, note: EventNote);

    /// How the queue stands, or that none is read. Told at each change.
    fn hear_queue(&self, troubles: Option<&QueueTroubles>);
}

/// A bus that events are published on.
#[async_trait]
pub trait Bus: Send + Sync {
    /// Publishes these, at most ten. One attempt; for each entry, in their order, why it was refused, if it was.
    async fn publish(&self, entries: &[BusEntry]) -> Result<Vec<Option<ApiError>>, ApiError>;
}

/// An event for a bus.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BusEntry {
    /// Who says it.
    pub source: &'static str,
    /// What kind of thing happened.
    pub detail_type: &'static str,
    /// What happened, as a JSON object.
    pub detail: String,
    /// When.
    pub at: Timestamp,
}

impl BusEntry {
    /// Its bytes, as EventBridge counts them: 14 for the time (EventBridge user guide, believed).
    #[must_use]
    pub fn size(&self) -> usize {
        14 + self.source.len() + self.detail_type.len() + self.detail.len()
    }
}

/// What became of a notification.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Delivery {
    /// The bus has it.
    Sent,
    /// An attempt failed, and there will be another.
    Retried,
    /// It was refused for good, or for too long.
    Failed,
    /// It was never tried: there were too many, or the process ended.
    Dropped,
}

impl Delivery {
    /// Every outcome.
    pub const ALL: [Self; 4] = [Self::Sent, Self::Retried, Self::Failed, Self::Dropped];

    /// The name in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Retried => "retried",
            Self::Failed => "failed",
            Self::Dropped => "dropped",
        }
    }
}

/// Everyone who wants to know what became of notifications.
pub trait NotificationAudience: Send + Sync {
    /// So many had this outcome.
    fn hear_notifications(&self, delivery: Delivery, count: u64);

    /// The bus can be used, or why not. Told at each change.
    fn hear_bus(&self, trouble: Option<&str>);
}

/// Counts AWS requests, each attempt once.
pub trait CallMeter: Send + Sync {
    /// One request: `service` and `operation` as in [`ApiError::operation`], the class when it failed.
    fn record(&self, operation: &'static str, outcome: Result<(), ErrorClass>, took: Duration);
}
