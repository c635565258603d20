//! The AWS side of a target: reads and changes it through the AWS SDK, and tells its failures apart.
//!
//! `client` makes the SDK's clients (`credentials` says with what); `call` is the one way that every call goes (`limits`, metering, retry of reads,
//! `errors` with its `codes` and `telling`); `observe` and `act` have one file per API call; `queue` reads messages, `wiring` sets their way up; `convert` turns the SDK's options
//! into domain types, and nothing else does.
//!
//! It never decides what to change, never retries a change, never allocates or releases an address, and shows no
//! type of the SDK to the rooms above, except for what [`Surroundings`] injects.

mod act;
mod bus;
mod call;
mod client;
mod codes;
mod convert;
mod credentials;
mod errors;
mod examination;
mod hints;
mod limits;
mod observe;
mod queue;
mod shared;
mod telling;
mod whole;
mod wiring;

#[cfg(test)]
mod canned;
#[cfg(test)]
mod hostile;

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::Arc;

use async_trait::async_trait;

pub use self::bus::EventBus;
use self::call::Caller;
use self::client::Clients;
pub use self::client::{AssumedRole, Place, SetUpError, Surroundings};
pub use self::queue::{SqsQueue, region_of};
pub use self::wiring::EventWiring;
use crate::domain::function::{FunctionConfiguration, FunctionObservation, FunctionRef, Pair};
use crate::domain::ids::{AccountId, AllocationId, AssociationId, NetworkInterfaceId, SubnetId, VpcId};
use crate::domain::network::{RouteTable, Subnet};
use crate::domain::observed::{Address, Interface};
use crate::domain::policy::RateShare;
use crate::domain::tag::Tag;
use crate::domain::versions::Routes;
use crate::reconcile::ports::{ApiError, Associated, CallMeter, Changes, Partial, Reads, Shown, Takes};

/// How the calls to a target are paced, reported and replayed.
pub struct Manner {
    /// The part of AWS's documented rates that may be used.
    pub rate_share: RateShare,
    /// Seeds the jitter of retries: the same seed gives the same delays for the same calls.
    pub seed: u64,
    /// Hears of every attempt.
    pub meter: Arc<dyn CallMeter>,
}

/// An account and region, as AWS's API shows them.
pub struct AwsTarget {
    clients: Clients,
    caller: Caller,
}

impl AwsTarget {
    /// Prepares the clients; makes no call to a service, so wrong credentials show at the first one.
    ///
    /// # Errors
    /// Without a region.
    pub async fn connect(
        place: &Place,
        surroundings: &Surroundings,
        manner: Manner,
    ) -> Result<Self, SetUpError> {
        Ok(Self { clients: Clients::new(place, surroundings).await?, caller: Caller::new(manner) })
    }

    /// The region that the calls go to.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.clients.region
    }
}

#[async_trait]
impl Reads for AwsTarget {
    async fn account(&self) -> Result<AccountId, ApiError> {
        observe::account::account(self).await
    }

    async fn interfaces(&self) -> Partial<Interface> {
        observe::network_interfaces::interfaces(self).await
    }

    async fn interfaces_of(&self, ids: &BTreeSet<NetworkInterfaceId>) -> Partial<Shown> {
        observe::network_interfaces::interfaces_of(self, ids).await
    }

    async fn interfaces_with(&self, pairs: &BTreeSet<Pair>) -> Partial<Interface> {
        observe::network_interfaces::interfaces_with(self, pairs).await
    }

    async fn interface(&self, id: &NetworkInterfaceId) -> Result<Option<Interface>, ApiError> {
        observe::network_interfaces::interface(self, id).await
    }

    async fn addresses(&self, ids: &BTreeSet<AllocationId>) -> Partial<Address> {
        observe::addresses::addresses(self, ids).await
    }

    async fn addresses_of_ips(&self, ips: &BTreeSet<Ipv4Addr>) -> Partial<Address> {
        observe::addresses::addresses_of_ips(self, ips).await
    }

    async fn addresses_of_tags(&self, tags: &BTreeSet<Tag>) -> Partial<(Tag, Address)> {
        observe::addresses::addresses_of_tags(self, tags).await
    }

    async fn functions_of_tags(&self, tags: &BTreeSet<Tag>) -> Partial<(Tag, FunctionRef)> {
        observe::tagged_functions::functions_of_tags(self, tags).await
    }

    async fn function(&self, function: &FunctionRef) -> Result<FunctionObservation, ApiError> {
        observe::function::function(self, function).await
    }

    async fn subnets(&self, ids: &BTreeSet<SubnetId>) -> Partial<Subnet> {
        observe::subnets::subnets(self, ids).await
    }

    async fn route_tables_of(&self, subnets: &BTreeSet<SubnetId>) -> Partial<RouteTable> {
        observe::route_tables::of_subnets(self, subnets).await
    }

    async fn main_route_tables(&self, vpcs: &BTreeSet<VpcId>) -> Partial<RouteTable> {
        observe::route_tables::main(self, vpcs).await
    }

    async fn versions(&self) -> Partial<(FunctionRef, FunctionConfiguration)> {
        observe::functions::versions(self).await
    }

    async fn routes(&self, function: &FunctionRef) -> Result<Routes, ApiError> {
        observe::aliases::routes(self, function).await
    }

    async fn functions(&self) -> Partial<(FunctionRef, FunctionConfiguration)> {
        observe::functions::functions(self).await
    }
}

#[async_trait]
impl Changes for AwsTarget {
    async fn associate(
        &self,
        allocation: &AllocationId,
        interface: &NetworkInterfaceId,
        takes: Takes,
    ) -> Result<Associated, ApiError> {
        act::associate_address::associate(self, allocation, interface, takes).await
    }

    async fn disassociate(&self, association: &AssociationId) -> Result<Option<String>, ApiError> {
        act::disassociate_address::disassociate(self, association).await
    }

    async fn ready(&self) {
        self.caller.ready().await;
    }
}
