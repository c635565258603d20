//! A narrow look at one declared function, for who waits for it: the function, its published versions that count, the
//! interfaces of their subnets, the addresses of its set with what tags and public addresses stand for, and now and then
//! where the subnets lead. Reads only, keeps only what does not change soon, and says what it could not read.

mod counted;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::network::{NetworkBook, read_in_time};
use super::observe::gaps;
use super::ports::{Clock, Partial, Reads};
use super::selections::{Resolved, resolve_now};
use crate::domain::declared::{Declared, Which};
use crate::domain::desired::Desired;
use crate::domain::function::{FunctionConfiguration, FunctionObservation, FunctionRef};
use crate::domain::ids::{AccountId, SubnetId};
use crate::domain::leave::Leave;
use crate::domain::observed::{Address, Gap, Observed, Part};
use crate::domain::resolve::{Selection, resolve};
use counted::Counted;

/// A route that is put right while somebody waits is seen this soon.
const ROUTES_EVERY: Duration = Duration::from_secs(60);

/// Looks at one function again and again.
pub struct Vigil {
    reads: Arc<dyn Reads>,
    clock: Arc<dyn Clock>,
    function: FunctionRef,
    /// What is to be resolved in each look; nothing when that is done once and for all.
    open: Option<Arc<Declared>>,
    desired: Desired,
    /// The account that the credentials must belong to, where the configuration says which.
    stated: Option<AccountId>,
    account: Option<AccountId>,
    network: NetworkBook,
    counted: Counted,
}

impl Vigil {
    /// Of a function that is declared, or that a tag may select; nothing when neither is so.
    #[must_use]
    pub fn over(
        function: &FunctionRef,
        declared: &Declared,
        stated: Option<AccountId>,
        reads: Arc<dyn Reads>,
        clock: Arc<dyn Clock>,
    ) -> Option<Self> {
        let of_it = |which: &Which| match which {
            Which::Named(name) => name == function,
            Which::Tagged(_) => function.qualifier().is_none(),
        };
        if !declared.functions.iter().any(|functions| of_it(&functions.which)) {
            return None;
        }
        let is_named = declared.named().any(|name| name == function);
        let mut concerned = declared.clone();
        if is_named {
            concerned.functions.retain(|functions| functions.which == Which::Named(function.clone()));
        }
        let open = concerned.is_open().then(|| Arc::new(concerned));
        let desired = match open {
            Some(_) => Desired::default(),
            None => alone(&resolve(declared, &Selection::default()).0, function)?,
        };
        Some(Self {
            reads,
            clock,
            function: function.clone(),
            open,
            desired,
            stated,
            account: None,
            network: NetworkBook::default(),
            counted: Counted::default(),
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
        let read_already = self.resolve(&mut all).await?;
        let functions = self.read_functions(&mut all).await;
        let pairs = match functions.get(&self.function) {
            Some(FunctionObservation::Known(shown)) => shown.pairs(),
            _ => BTreeSet::new(),
        };
        let subnets: BTreeSet<SubnetId> = pairs.iter().map(|pair| pair.subnet.clone()).collect();
        let is_due = self.network.is_due(&subnets, at, ROUTES_EVERY);
        let asked = if is_due { subnets } else { BTreeSet::new() };
        let (interfaces, addresses) = if pairs.is_empty() {
            (Partial::default(), Partial::default())
        } else {
            let declared = self.desired.allocations();
            let addresses = async {
                match read_already {
                    Some(read) => read,
                    None => self.reads.addresses(&declared).await,
                }
            };
            let (interfaces, addresses, network) = tokio::join!(
                self.reads.interfaces_with(&pairs),
                addresses,
                read_in_time(&*self.reads, &asked)
            );
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
            functions,
            recent_writes: BTreeMap::new(),
            refused: BTreeSet::new(),
            retired: BTreeSet::new(),
            network: self.network.known(),
            leave: Leave::default(),
            remarks: Vec::new(),
            // Of versions that do not count and of other functions nothing is asked, and nothing is claimed.
            roster: Some(Arc::default()),
            roster_trouble: None,
            gaps: all,
        })
    }

    /// The function with its versions that count, and those of them by themselves that were read one by one.
    async fn read_functions(&mut self, gaps: &mut Vec<Gap>) -> BTreeMap<FunctionRef, FunctionObservation> {
        let mut functions = BTreeMap::new();
        let observation = match self.reads.function(&self.function).await {
            Ok(FunctionObservation::Known(shown)) => {
                let declared = self.desired.functions.get(&self.function);
                let versions = declared.map(|declared| declared.versions).unwrap_or_default();
                let errors = self.counted.read(&*self.reads, &self.function, versions).await;
                gaps.extend(self::gaps(Part::Functions, &errors));
                functions.extend(self.counted.observations(&self.function));
                let versions = self.counted.settings();
                FunctionObservation::Known(FunctionConfiguration { versions, ..shown })
            }
            Ok(observation) => observation,
            Err(error) => {
                gaps.push(Gap { part: Part::Functions, message: error.to_string() });
                FunctionObservation::Unknown
            }
        };
        functions.insert(self.function.clone(), observation);
        functions
    }

    /// Resolves what can be resolved only by asking; the addresses that were read for it.
    async fn resolve(&mut self, gaps: &mut Vec<Gap>) -> Result<Option<Partial<Address>>, String> {
        let Some(open) = &self.open else { return Ok(None) };
        let Resolved { desired, addresses, untold, .. } =
            resolve_now(&*self.reads, open, self.clock.now()).await;
        gaps.extend(self::gaps(Part::Functions, &untold));
        match alone(&desired, &self.function) {
            Some(own) => {
                self.desired = own;
                Ok(Some(addresses))
            }
            None if untold.is_empty() => {
                Err(format!("no tag of the configuration selects `{}`", self.function))
            }
            None => Err(untold.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")),
        }
    }
}

/// What is desired of one function.
fn alone(desired: &Desired, function: &FunctionRef) -> Option<Desired> {
    let declared = desired.functions.get(function)?.clone();
    let pool = desired.pools.get(&declared.pool)?.clone();
    Some(Desired {
        pools: [(declared.pool.clone(), pool)].into(),
        functions: [(function.clone(), declared)].into(),
    })
}
