//! Which of several equally good addresses an interface gets: the pair with the highest hash wins, so that replicas
//! which saw slightly different things still choose mostly the same pairs (law 5). Knows nothing but ids.

use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::ids::{AllocationId, NetworkInterfaceId};

/// Up to this many pairs are weighed one by one; a larger crowd is halved by the hash of each id first,
/// which keeps the work near linear and still depends on nothing but the ids.
const CROWD: usize = 1024;

type Pairs<'a> = Vec<(&'a NetworkInterfaceId, &'a AllocationId)>;

/// Pairs as many interfaces and allocations as there are of the fewer, but at most `limit`, each once.
#[must_use]
pub fn pair_up<'a>(
    interfaces: Vec<&'a NetworkInterfaceId>,
    allocations: Vec<&'a AllocationId>,
    limit: usize,
) -> Pairs<'a> {
    let mut chosen = Vec::with_capacity(interfaces.len().min(allocations.len()));
    let mut crowd = Crowd { interfaces, allocations };
    crowd.pair(0, &mut chosen);
    if chosen.len() > limit {
        chosen.sort_by_cached_key(|(interface, allocation)| rank(interface, allocation));
        chosen.truncate(limit);
    }
    chosen
}

struct Crowd<'a> {
    interfaces: Vec<&'a NetworkInterfaceId>,
    allocations: Vec<&'a AllocationId>,
}

impl<'a> Crowd<'a> {
    /// Pairs until one side is used up; what is left stays in the crowd.
    fn pair(&mut self, bit: u32, chosen: &mut Pairs<'a>) {
        if self.interfaces.is_empty() || self.allocations.is_empty() {
            return;
        }
        if self.interfaces.len() * self.allocations.len() <= CROWD || bit == u64::BITS {
            return self.weigh(chosen);
        }
        let mut other = self.split(bit);
        self.pair(bit + 1, chosen);
        other.pair(bit + 1, chosen);
        self.interfaces.append(&mut other.interfaces);
        self.allocations.append(&mut other.allocations);
        self.pair(bit + 1, chosen);
    }

    fn split(&mut self, bit: u32) -> Self {
        let stays = |id: &str| (xxh3_64(id.as_bytes()) >> bit) & 1 == 0;
        let (interfaces, other_interfaces) =
            std::mem::take(&mut self.interfaces).into_iter().partition(|id| stays(id.as_str()));
        let (allocations, other_allocations) =
            std::mem::take(&mut self.allocations).into_iter().partition(|id| stays(id.as_str()));
        self.interfaces = interfaces;
        self.allocations = allocations;
        Self { interfaces: other_interfaces, allocations: other_allocations }
    }

    fn weigh(&mut self, chosen: &mut Pairs<'a>) {
        let mut pairs: Pairs<'a> = Vec::with_capacity(self.interfaces.len() * self.allocations.len());
        for interface in &self.interfaces {
            pairs.extend(self.allocations.iter().map(|allocation| (*interface, *allocation)));
        }
        pairs.sort_by_cached_key(|(interface, allocation)| rank(interface, allocation));
        self.interfaces.sort_unstable();
        self.allocations.sort_unstable();
        for (interface, allocation) in pairs {
            let (Ok(i), Ok(a)) =
                (self.interfaces.binary_search(&interface), self.allocations.binary_search(&allocation))
            else {
                continue;
            };
            self.interfaces.remove(i);
            self.allocations.remove(a);
            chosen.push((interface, allocation));
        }
    }
}

/// Ascending order of this is descending order of preference; the ids break a tie of hashes.
fn rank<'a>(
    interface: &'a NetworkInterfaceId,
    allocation: &'a AllocationId,
) -> (u64, &'a NetworkInterfaceId, &'a AllocationId) {
    let mut hash = Xxh3::new();
    hash.update(interface.as_str().as_bytes());
    hash.update(b"/");
    hash.update(allocation.as_str().as_bytes());
    (!hash.digest(), interface, allocation)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn ids(interfaces: usize, allocations: usize) -> (Vec<NetworkInterfaceId>, Vec<AllocationId>) {
        let interface = |n| format!("eni-{n:017x}").parse().expect("well-formed");
        let allocation = |n| format!("eipalloc-{n:017x}").parse().expect("well-formed");
        ((0..interfaces).map(interface).collect(), (0..allocations).map(allocation).collect())
    }

    #[test]
    fn everyone_of_the_fewer_is_paired_once() {
        for (n, m) in [(0, 3), (1, 1), (3, 7), (40, 40), (500, 300), (3000, 3001)] {
            let (interfaces, allocations) = ids(n, m);
            let pairs = pair_up(interfaces.iter().collect(), allocations.iter().collect(), usize::MAX);
            assert_eq!(pairs.len(), n.min(m));
            assert_eq!(pairs.iter().map(|p| p.0).collect::<BTreeSet<_>>().len(), pairs.len());
            assert_eq!(pairs.iter().map(|p| p.1).collect::<BTreeSet<_>>().len(), pairs.len());
        }
    }

    #[test]
    fn the_order_of_the_arguments_does_not_matter() {
        for (n, m) in [(5, 9), (200, 150)] {
            let (interfaces, allocations) = ids(n, m);
            let set = |pairs: Pairs<'_>| {
                pairs.into_iter().map(|(i, a)| (i.clone(), a.clone())).collect::<BTreeSet<_>>()
            };
            let forth = pair_up(interfaces.iter().collect(), allocations.iter().collect(), usize::MAX);
            let back =
                pair_up(interfaces.iter().rev().collect(), allocations.iter().rev().collect(), usize::MAX);
            assert_eq!(set(forth), set(back));
        }
    }

    #[test]
    fn a_spare_address_that_one_replica_does_not_see_moves_few_pairs() {
        let (interfaces, allocations) = ids(10, 30);
        let all = pair_up(interfaces.iter().collect(), allocations.iter().collect(), usize::MAX);
        let fewer = pair_up(interfaces.iter().collect(), allocations.iter().skip(1).collect(), usize::MAX);
        let moved = all.iter().filter(|pair| !fewer.contains(pair)).count();
        assert!(moved <= 2, "{moved} of 10 pairs differ");
    }

    #[test]
    fn a_limit_is_kept() {
        let (interfaces, allocations) = ids(10, 10);
        assert_eq!(pair_up(interfaces.iter().collect(), allocations.iter().collect(), 4).len(), 4);
    }
}
