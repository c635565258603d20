//! What is desired of one target: functions, and the Elastic IPs they may leave from, each by its id. Made by `resolve`
//! from what was declared, and valid by construction: each function's pool exists and each pin lies within it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::Ipv4Addr;
use std::sync::Arc;

use serde::Serialize;

use super::function::FunctionRef;
use super::ids::{AllocationId, PoolName, SubnetId, ZoneId};
use super::policy::BystanderPolicy;
use super::priority::Priority;
use super::versions::Versions;

/// A set of allocations; cheap to clone, since many functions share few pools.
pub type Allocations = Arc<BTreeSet<AllocationId>>;

/// The desired state of one target.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Desired {
    /// The declared pools, the inline ones of single functions included.
    pub pools: BTreeMap<PoolName, Pool>,
    /// The declared functions.
    pub functions: BTreeMap<FunctionRef, DesiredFunction>,
}

/// A set of Elastic IPs from which functions are served.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Pool {
    /// Its addresses.
    pub allocations: Allocations,
    /// How many of them the operator wants free, for interfaces that AWS adds by itself.
    pub min_spare: usize,
    /// The public addresses that it lists and that are not in this account and region.
    pub absent: BTreeSet<Ipv4Addr>,
    /// Whether it may hold more than is known: what it lists or selects was never read whole. Nothing is given then to
    /// an interface that is served from it, which may carry what is not known (law 11).
    pub is_partial: bool,
    /// What is done about undeclared functions that would leave from them.
    pub bystanders: BystanderPolicy,
}

/// A function and the addresses it may leave from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DesiredFunction {
    /// The pool it is served from.
    pub pool: PoolName,
    /// Narrows the pool in a subnet or a zone; where both are pinned, both hold.
    pub pins: BTreeMap<PinPlace, Allocations>,
    /// Which of its versions count; what it says of a function with a qualifier means nothing.
    pub versions: Versions,
    /// Who is served first where addresses are short.
    pub priority: Priority,
}

/// Where a pin holds.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(untagged)]
pub enum PinPlace {
    /// In one subnet.
    Subnet(SubnetId),
    /// In every subnet of a zone.
    Zone(ZoneId),
}

impl fmt::Display for PinPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Subnet(subnet) => subnet.fmt(f),
            Self::Zone(zone) => zone.fmt(f),
        }
    }
}

impl Desired {
    /// Every declared allocation: nothing else may ever be named in a change.
    #[must_use]
    pub fn allocations(&self) -> BTreeSet<AllocationId> {
        self.pools.values().flat_map(|pool| pool.allocations.iter().cloned()).collect()
    }

    /// What is declared of the function of this name, whatever the qualifier.
    pub fn of_name<'a>(&'a self, function: &'a FunctionRef) -> impl Iterator<Item = &'a FunctionRef> {
        let from = self.functions.range(function.unqualified()..).map(|(declared, _)| declared);
        from.take_while(|declared| declared.name() == function.name())
    }
}
