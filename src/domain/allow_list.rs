//! What a partner must allow: the public faces of the declared addresses. Says which ones it lacks, since a list that
//! silently lacks one is an outage that waits to happen.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;

use serde::Serialize;

use super::desired::Desired;
use super::ids::{AllocationId, PoolName};
use super::observed::Address;

/// The addresses of some pools.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct AllowList {
    /// In the order of the public addresses.
    pub addresses: Vec<Entry>,
    /// What is declared and has no public face that is known.
    pub lacking: Vec<Lacking>,
}

/// An address to allow.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
pub struct Entry {
    /// The address as the partner sees it.
    pub public_ip: IpAddr,
    /// Its allocation.
    pub allocation_id: AllocationId,
    /// The pools that declare it, of those asked for.
    pub pools: Vec<PoolName>,
}

/// A declared address that the list lacks.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Lacking {
    /// Its allocation.
    pub allocation_id: AllocationId,
    /// The pools that declare it, of those asked for.
    pub pools: Vec<PoolName>,
    /// Why.
    pub why: Why,
}

/// Why a list lacks a declared address.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// EC2 does not know it in this account and region.
    AddressMissing,
    /// It could not be read.
    AddressUnread,
}

impl fmt::Display for Lacking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pools: Vec<String> = self.pools.iter().map(|pool| format!("`{pool}`")).collect();
        write!(f, "`{}` of pool {} ", self.allocation_id, pools.join(", "))?;
        match self.why {
            Why::AddressMissing => f.write_str(
                "does not exist in this account and region, so the list lacks it; hint: check the id and the target",
            ),
            Why::AddressUnread => f.write_str("could not be read, so the list lacks it"),
        }
    }
}

/// The declared addresses of these pools, and those pools.
#[must_use]
pub fn declared(desired: &Desired, pools: &BTreeSet<PoolName>) -> BTreeMap<AllocationId, Vec<PoolName>> {
    let mut declared: BTreeMap<AllocationId, Vec<PoolName>> = BTreeMap::new();
    for (name, pool) in desired.pools.iter().filter(|(name, _)| pools.contains(*name)) {
        for allocation in pool.allocations.iter() {
            declared.entry(allocation.clone()).or_default().push(name.clone());
        }
    }
    declared
}

/// The list of these declared addresses, given those that were read and whether all could be.
#[must_use]
pub fn allow_list(
    declared: BTreeMap<AllocationId, Vec<PoolName>>,
    read: &BTreeMap<AllocationId, Address>,
    is_whole: bool,
) -> AllowList {
    let mut list = AllowList::default();
    for (allocation_id, pools) in declared {
        match read.get(&allocation_id) {
            Some(address) => {
                list.addresses.push(Entry { public_ip: address.public_ip, allocation_id, pools })
            }
            None => {
                let why = if is_whole { Why::AddressMissing } else { Why::AddressUnread };
                list.lacking.push(Lacking { allocation_id, pools, why });
            }
        }
    }
    list.addresses.sort();
    list
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::scenario::{World, alloc, ip, pool};

    fn list(world: &World, pools: &[&str], is_whole: bool) -> AllowList {
        let pools = pools.iter().map(|name| pool(name)).collect();
        allow_list(declared(&world.desired, &pools), &world.observed.addresses, is_whole)
    }

    fn world() -> World {
        World::new().pool("a", &[9, 1], 0).pool("b", &[1, 5], 0).with_address(1, |address| {
            address.public_ip = "203.0.113.1".parse().expect("an address");
        })
    }

    #[test]
    fn a_list_is_in_the_order_of_its_public_addresses_and_names_each_once() {
        let both = list(&world(), &["a", "b"], true);
        let ids: Vec<_> = both.addresses.iter().map(|entry| entry.allocation_id.clone()).collect();
        assert_eq!(ids, [alloc(5), alloc(9), alloc(1)]);
        assert_eq!(both.addresses[0].public_ip, ip(5));
        assert_eq!(both.addresses[2].pools, [pool("a"), pool("b")]);
        assert!(both.lacking.is_empty());
    }

    #[test]
    fn only_the_pools_asked_for_are_listed() {
        let one = list(&world(), &["a"], true);
        assert_eq!(one.addresses.len(), 2);
        assert_eq!(one.addresses[1].pools, [pool("a")]);
        assert_eq!(list(&world(), &[], true), AllowList::default());
    }

    #[test]
    fn what_it_lacks_is_told_and_never_taken_for_absent_when_a_read_failed() {
        let lost = world().without_address(5);
        for (is_whole, why) in [(true, Why::AddressMissing), (false, Why::AddressUnread)] {
            let list = list(&lost, &["a", "b"], is_whole);
            assert_eq!((list.addresses.len(), list.lacking.len()), (2, 1));
            assert_eq!((list.lacking[0].allocation_id.clone(), list.lacking[0].why), (alloc(5), why));
            assert!(list.lacking[0].to_string().contains("so the list lacks it"));
        }
    }
}
