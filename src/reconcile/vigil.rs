//! A narrow look at one declared function, for who waits for it: the function, the interfaces of its subnets, the
//! addresses of its set, and now and then where the subnets lead. Reads only, keeps only the account and the routes, and
//! says what it could not read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::network::{NetworkBook, read_in_time};
use super::observe::gaps;
use super::ports::{Clock, Partial, Reads};
use crate::domain::desired::{Desired, Pool};
use crate::domain::function::{FunctionObservation, FunctionRef};
use crate::domain::ids::{AccountId, SubnetId};
use crate::domain::observed::{Gap, Observed, Part};
use crate::domain::policy::BystanderPolicy;

/// A route that is put right while somebody waits is seen this soon.
const ROUTES_EVERY: Duration = Duration::from_secs(60);

/// Looks at one function again and again.
pub struct Vigil {
    reads: Arc<dyn Reads>,
    clock: Arc<dyn Clock>,
    function: FunctionRef,
    desired: Desired,
    /// The account that the credentials must belong to, where the configuration says which.
    stated: Option<AccountId>,
    account: Option<AccountId>,
    network: NetworkBook,
}

impl Vigil {
    /// Of a function that `desired` declares; nothing when it does not.
    #[must_use]
    pub fn over(
        function: &FunctionRef,
        desired: &Desired,
        stated: Option<AccountId>,
        reads: Arc<dyn Reads>,
        clock: Arc<dyn Clock>,
    ) -> Option<Self> {
        let declared = desired.functions.get(function)?.clone();
        let pool = desired.pools.get(&declared.pool)?.clone();
        // Who waits wants to know of the configuration under the name; strangers are not looked for.
        let pool = Pool { bystanders: BystanderPolicy::Report, ..pool };
        let desired = Desired {
            pools: [(declared.pool.clone(), pool)].into(),
            functions: [(function.clone(), declared)].into(),
        };
        Some(Self {
            reads,
            clock,
            function: function.clone(),
            desired,
            stated,
            account: None,
            network: NetworkBook::default(),
        })
    }

    /// What is desired of this function alone.
    #[must_use]
    pub fn desired(&self) -> &Desired {
        &self.desired
    }

    /// Looks once.
    ///
    /// # Errors
    /// When the account could not be read, or is not the one that the configuration names.
    pub async fn look(&mut self) -> Result<Observed, String> {
        let at = self.clock.now();
        let account = match self.account.take() {
            Some(account) => account,
            None => self.reads.account().await.map_err(|error| error.to_string())?,
        };
        if let Some(stated) = self.stated.as_ref().filter(|stated| **stated != account) {
            return Err(format!(
                "the credentials belong to account {account}, but the configuration names {stated}; \
                 hint: use credentials or a role of {stated}"
            ));
        }
        self.account = Some(account.clone());
        let mut all = Vec::new();
        let function = match self.reads.function(&self.function).await {
            Ok(observation) => observation,
            Err(error) => {
                all.push(Gap { part: Part::Functions, message: error.to_string() });
                FunctionObservation::Unknown
            }
        };
        let subnets: BTreeSet<SubnetId> = match &function {
            FunctionObservation::Known(shown) => shown.pairs().into_iter().map(|pair| pair.subnet).collect(),
            FunctionObservation::NotFound | FunctionObservation::Unknown => BTreeSet::new(),
        };
        let is_due = self.network.is_due(&subnets, at, ROUTES_EVERY);
        let asked = if is_due { subnets.clone() } else { BTreeSet::new() };
        let (interfaces, addresses) = if subnets.is_empty() {
            (Partial::default(), Partial::default())
        } else {
            let declared = self.desired.allocations();
            let looks = (self.reads.interfaces_in(&subnets), self.reads.addresses(&declared));
            let (interfaces, addresses, network) =
                tokio::join!(looks.0, looks.1, read_in_time(&*self.reads, &asked));
            self.network.note(asked, network, at);
            (interfaces, addresses)
        };
        all.extend(gaps(Part::Interfaces, &interfaces.errors));
        all.extend(gaps(Part::Addresses, &addresses.errors));
        Ok(Observed {
            at,
            account,
            interfaces: interfaces.found.into_iter().map(|found| (found.id.clone(), found)).collect(),
            addresses: addresses.found.into_iter().map(|found| (found.allocation.clone(), found)).collect(),
            functions: [(self.function.clone(), function)].into(),
            recent_writes: BTreeMap::new(),
            refused: BTreeSet::new(),
            retired: BTreeSet::new(),
            network: self.network.known(),
            // Of other versions and other functions nothing is asked, and nothing is claimed.
            roster: Some(Arc::default()),
            roster_trouble: None,
            gaps: all,
        })
    }
}
