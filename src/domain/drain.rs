//! What `eipd drain` takes off: declared addresses on Lambda interfaces of the account, all of them or those of some
//! functions or pools. Releases nothing, and decides nothing but the list.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::desired::Desired;
use super::function::{FunctionObservation, FunctionRef, Pair};
use super::ids::{AllocationId, NetworkInterfaceId, PoolName};
use super::observed::{Interface, Observed};

/// To what a drain is limited; where both are named, both hold.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Scope {
    /// Only interfaces that one of these declared functions uses; none means any.
    pub functions: BTreeSet<FunctionRef>,
    /// Only addresses of one of these declared pools; none means any.
    pub pools: BTreeSet<PoolName>,
}

/// An address on an interface of ours.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, serde::Serialize)]
pub struct Held {
    /// The address.
    pub allocation_id: AllocationId,
    /// The interface.
    pub network_interface_id: NetworkInterfaceId,
    /// The address as the world sees it, where that is known.
    pub public_ip: Option<IpAddr>,
    /// Whether both of EC2's views show it there; if only one does, the other lags behind (law 11), or it is no interface of
    /// Lambda's.
    pub is_agreed: bool,
}

type Bond<'a> = (&'a AllocationId, &'a NetworkInterfaceId);

/// The addresses in scope with the interfaces that either of EC2's views shows them on.
#[must_use]
pub fn held(desired: &Desired, observed: &Observed, scope: &Scope) -> BTreeSet<Held> {
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
    let declared: BTreeSet<&AllocationId> = pools.flat_map(|(_, pool)| pool.allocations.iter()).collect();
    let addresses = observed.addresses.values().filter(|address| declared.contains(&address.allocation));
    let claimed: BTreeSet<Bond<'_>> = addresses
        .clone()
        .filter_map(|address| Some((&address.allocation, address.association.as_ref()?.interface.as_ref()?)))
        .collect();
    let faces: BTreeMap<IpAddr, &AllocationId> =
        addresses.map(|address| (address.public_ip, &address.allocation)).collect();
    let shown: BTreeSet<Bond<'_>> = observed
        .interfaces
        .values()
        .flat_map(|interface| interface.associations.iter().map(move |shown| (shown, &interface.id)))
        .filter_map(|(shown, on)| {
            let by_face = || faces.get(&shown.public_ip?).copied();
            Some((shown.allocation.as_ref().or_else(by_face)?, on))
        })
        .filter(|(allocation, _)| declared.contains(allocation))
        .collect();
    let is_meant = |interface: &Interface| {
        let is_in_scope = scope.functions.is_empty() || pairs.contains(&interface.pair);
        is_in_scope && interface.owner == observed.account
    };
    // What is on no interface that is seen may be on one of ours, unless EC2 says what else it is on.
    let may_be_ours = |allocation: &AllocationId| {
        observed.addresses.get(allocation).is_some_and(|address| {
            let is_elsewhere = address.association.as_ref().is_some_and(|bond| bond.instance.is_some());
            address.managed_by.is_none() && !is_elsewhere
        })
    };
    let held = claimed.union(&shown).filter(|(allocation, on)| match observed.interfaces.get(*on) {
        Some(interface) => is_meant(interface),
        None => scope.functions.is_empty() && may_be_ours(allocation),
    });
    held.map(|bond| Held {
        allocation_id: bond.0.clone(),
        network_interface_id: bond.1.clone(),
        public_ip: observed.addresses.get(bond.0).map(|address| address.public_ip),
        is_agreed: claimed.contains(bond) && shown.contains(bond),
    })
    .collect()
}

/// What can be taken off now: what both views show.
#[must_use]
pub fn drained(
    desired: &Desired,
    observed: &Observed,
    scope: &Scope,
) -> BTreeMap<AllocationId, NetworkInterfaceId> {
    let agreed = held(desired, observed, scope).into_iter().filter(|held| held.is_agreed);
    agreed.map(|held| (held.allocation_id, held.network_interface_id)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::scenario::{World, alloc, eni, function, number};

    /// The address, the interface, and whether both views agree.
    fn told(world: &World, scope: &Scope) -> Vec<(u32, u32, bool)> {
        let held = held(&world.desired, &world.observed, scope);
        let told = held
            .iter()
            .map(|held| (number(&held.allocation_id), number(&held.network_interface_id), held.is_agreed));
        told.collect()
    }

    #[test]
    fn what_one_view_alone_shows_is_held_too_and_taken_off_only_where_both_do() {
        let world = World::new()
            .pool("p", &[1, 2, 3, 4, 5], 0)
            .function("f", "p", &[1], &[1])
            .eni(1, 1, &[1])
            .eni(2, 1, &[1])
            .eni(3, 2, &[1])
            .on(1, 1)
            .address_says(2, 2)
            .interface_says(3, 3)
            .address_says(4, 9)
            .address_says(5, 8)
            .with_address(5, |address| {
                let on = address.association.as_mut().expect("it was just said");
                on.instance = Some("i-1".to_owned());
            });
        let everything = Scope::default();
        let all = [(1, 1, true), (2, 2, false), (3, 3, false), (4, 9, false)];
        assert_eq!(told(&world, &everything), all);
        let drained = drained(&world.desired, &world.observed, &everything);
        assert_eq!(drained, [(alloc(1), eni(1))].into());
        let of_function = Scope { functions: [function("f")].into(), ..Scope::default() };
        assert_eq!(told(&world, &of_function), [(1, 1, true), (2, 2, false)]);
        let moved = world.address_says(1, 2);
        let both = [(1, 1, false), (1, 2, false), (2, 2, false)];
        assert_eq!(
            told(&moved, &of_function),
            both,
            "where the views contradict each other, either may be right"
        );
        let unseen = moved.clone().without_address(3);
        assert_eq!(told(&unseen, &everything)[3], (3, 3, false), "though no address of this id is shown");
        let nameless = moved.with_eni(1, |shown| shown.associations[0].allocation = None);
        assert_eq!(told(&nameless, &of_function), both, "by its public address");
    }
}
