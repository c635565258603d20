//! What this process knows of where subnets lead, and when it is time to read it again. Routes change rarely and no
//! action waits for them: they are read beside the rest in the first pass, and after the actions later on. A cache, safe
//! to lose; what can't be read stays unknown and holds nothing back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::timeout;

use super::ports::{Partial, Reads};
use crate::domain::function::FunctionObservation;
use crate::domain::ids::{AccountId, NetworkInterfaceId, SubnetId, VpcId};
use crate::domain::network::Network;
use crate::domain::observed::{Interface, Observed};

/// Three calls that EC2 answers within tens of milliseconds: whoever waits longer gets no answer.
const READ_WITHIN: Duration = Duration::from_secs(5);

/// After a failure it is tried again no sooner, so that a permission that is missing costs two calls a minute.
const RETRY: Duration = Duration::from_secs(60);

/// So many subnets are named in one message.
const NAMED_MAX: usize = 3;

/// The cache.
#[derive(Default)]
pub(super) struct NetworkBook {
    network: Arc<Network>,
    asked: BTreeSet<SubnetId>,
    read_at: Option<Timestamp>,
}

impl NetworkBook {
    /// What is known.
    pub(super) fn known(&self) -> Arc<Network> {
        Arc::clone(&self.network)
    }

    /// The subnets to read in the first pass, before it is known which functions use them: those of the account's Lambda
    /// interfaces. None later on.
    pub(super) fn at_first(
        &self,
        account: &AccountId,
        interfaces: &BTreeMap<NetworkInterfaceId, Interface>,
    ) -> BTreeSet<SubnetId> {
        if self.read_at.is_some() {
            return BTreeSet::new();
        }
        let ours = interfaces.values().filter(|interface| interface.owner == *account);
        ours.map(|interface| interface.pair.subnet.clone()).collect()
    }

    /// Whether these must be read: one of them never was, or it is too long ago.
    pub(super) fn is_due(&self, subnets: &BTreeSet<SubnetId>, now: Timestamp, refresh: Duration) -> bool {
        let Some(read_at) = self.read_at else { return !subnets.is_empty() };
        let within = if self.network.unread.is_empty() { refresh } else { refresh.min(RETRY) };
        let age = now.duration_since(read_at);
        let is_old = age >= SignedDuration::try_from(within).unwrap_or_default();
        !subnets.is_empty() && (is_old || !subnets.is_subset(&self.asked))
    }

    /// Takes in what a read of these subnets told.
    pub(super) fn note(&mut self, subnets: BTreeSet<SubnetId>, network: Network, now: Timestamp) {
        if !subnets.is_empty() {
            self.network = Arc::new(network.or_else(&self.network, &subnets));
            (self.asked, self.read_at) = (subnets, Some(now));
        }
    }
}

/// The subnets that the declared functions use.
pub(super) fn subnets(observed: &Observed) -> BTreeSet<SubnetId> {
    let known = observed.functions.values().filter_map(|observation| match observation {
        FunctionObservation::Known(configuration) => Some(configuration),
        FunctionObservation::NotFound | FunctionObservation::Unknown => None,
    });
    known.flat_map(|configuration| configuration.pairs()).map(|pair| pair.subnet).collect()
}

/// Reads where these subnets lead, or says why that is not known.
pub(super) async fn read_in_time(reads: &dyn Reads, subnets: &BTreeSet<SubnetId>) -> Network {
    timeout(READ_WITHIN, read(reads, subnets)).await.unwrap_or_else(|_| {
        let seconds = READ_WITHIN.as_secs();
        let message = format!("where subnets lead is not known: reading it took longer than {seconds} s");
        let mut network = Network::default();
        network.unread.push(message);
        network
    })
}

/// Reads where these subnets lead.
pub async fn read(reads: &dyn Reads, asked: &BTreeSet<SubnetId>) -> Network {
    if asked.is_empty() {
        return Network::default();
    }
    let (subnets, mut tables) = tokio::join!(reads.subnets(asked), reads.route_tables_of(asked));
    let have_their_own: BTreeSet<&SubnetId> = tables.found.iter().flat_map(|table| &table.subnets).collect();
    let others = subnets.found.iter().filter(|subnet| !have_their_own.contains(&subnet.id));
    let vpcs: BTreeSet<VpcId> = others.map(|subnet| subnet.vpc.clone()).collect();
    // A subnet whose own table was not read must not be taken for one that goes by the main table.
    let main = match vpcs.is_empty() || !tables.errors.is_empty() {
        true => Partial::default(),
        false => reads.main_route_tables(&vpcs).await,
    };
    tables.found.extend(main.found);
    let errors = subnets.errors.iter().chain(&tables.errors).chain(&main.errors);
    let unread: BTreeSet<String> =
        errors.map(|error| format!("where subnets lead is not known: {error}")).collect();
    let mut network = Network::of(asked, subnets.found, &tables.found);
    network.unread.extend(unread);
    if network.unread.is_empty() {
        let hidden: Vec<String> = network.without_routes().map(|id| format!("`{id}`")).collect();
        network.unread.extend(told(&hidden));
    }
    network
}

fn told(hidden: &[String]) -> Option<String> {
    let named = hidden.iter().take(NAMED_MAX).cloned().collect::<Vec<_>>().join(", ");
    let more = hidden.len().saturating_sub(NAMED_MAX);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let what = "EC2 shows this account no route table that holds for it";
    (!hidden.is_empty()).then(|| format!("where subnets lead is not known: of {named}{more} {what}"))
}
