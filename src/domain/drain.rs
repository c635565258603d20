//! What `eipd drain` takes off: declared addresses on Lambda interfaces of the account, all of them or those of some
//! functions or pools. Releases nothing, and decides nothing but the list.

use std::collections::{BTreeMap, BTreeSet};

use super::desired::Desired;
use super::function::{FunctionObservation, FunctionRef, Pair};
use super::ids::{AllocationId, NetworkInterfaceId, PoolName};
use super::observed::Observed;

/// To what a drain is limited; where both are named, both hold.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Scope {
    /// Only interfaces that one of these declared functions uses; none means any.
    pub functions: BTreeSet<FunctionRef>,
    /// Only addresses of one of these declared pools; none means any.
    pub pools: BTreeSet<PoolName>,
}

/// The addresses in scope, each with the interface that DescribeAddresses shows it on.
#[must_use]
pub fn drained(
    desired: &Desired,
    observed: &Observed,
    scope: &Scope,
) -> BTreeMap<AllocationId, NetworkInterfaceId> {
    let pairs: BTreeSet<Pair> = scope
        .functions
        .iter()
        .filter_map(|function| match observed.functions.get(function) {
            Some(FunctionObservation::Known(shown)) => Some(shown.pairs()),
            _ => None,
        })
        .flatten()
        .collect();
    let pools =
        desired.pools.iter().filter(|(name, _)| scope.pools.is_empty() || scope.pools.contains(*name));
    let declared = pools.flat_map(|(_, pool)| pool.allocations.iter());
    let on_ours = declared.filter_map(|allocation| {
        let association = observed.addresses.get(allocation)?.association.as_ref()?;
        let interface = observed.interfaces.get(association.interface.as_ref()?)?;
        let is_meant = scope.functions.is_empty() || pairs.contains(&interface.pair);
        (is_meant && interface.owner == observed.account).then(|| (allocation.clone(), interface.id.clone()))
    });
    on_ours.collect()
}
