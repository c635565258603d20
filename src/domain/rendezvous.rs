//! Which of several equally good addresses an interface gets: the pair with the highest hash wins, so that replicas
//! which saw slightly different things still choose mostly the same pairs (law 5). Knows nothing but hashes of ids.

use xxhash_rust::xxh3::xxh3_64;

/// Up to this many pairs are weighed against each other at once; a larger crowd is halved by the hashes of its ids first,
/// which keeps the work near linear and still depends on nothing but the ids.
const CROWD: usize = 1024;

/// An interface or an address that waits to be paired.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ticket {
    hash: u64,
    /// The holder's number, by which the caller knows it; decides between equal hashes.
    pub number: usize,
}

impl Ticket {
    /// For the holder of this id.
    #[must_use]
    pub fn new(id: &[u8], number: usize) -> Self {
        Self { hash: xxh3_64(id), number }
    }
}

/// Pairs as many interfaces and addresses as there are of the fewer, but at most `limit`, each once, and tells their
/// numbers. Who is not paired keeps its ticket.
pub fn pair_up(
    interfaces: &mut Vec<Ticket>,
    addresses: &mut Vec<Ticket>,
    limit: usize,
) -> impl Iterator<Item = (usize, usize)> + use<> {
    let mut chosen = Vec::with_capacity(interfaces.len().min(addresses.len()));
    pair_leftovers(interfaces, addresses, 0, &mut chosen);
    if chosen.len() > limit {
        chosen.sort_by_cached_key(|(i, a)| (rank(*i, *a), i.number, a.number));
        for (interface, address) in chosen.drain(limit..) {
            interfaces.push(interface);
            addresses.push(address);
        }
    }
    chosen.into_iter().map(|(interface, address)| (interface.number, address.number))
}

/// Pairs until one side is used up; those of either side may come in any order.
fn pair_leftovers(
    interfaces: &mut Vec<Ticket>,
    addresses: &mut Vec<Ticket>,
    bit: u32,
    chosen: &mut Vec<(Ticket, Ticket)>,
) {
    for tickets in [&mut *interfaces, &mut *addresses] {
        tickets.sort_unstable_by_key(|ticket| (ticket.hash.rotate_left(bit), ticket.number));
    }
    pair(interfaces, addresses, bit, chosen);
}

/// Pairs until one side is used up; both sides are in the order of their hashes from this bit on.
fn pair(
    interfaces: &mut Vec<Ticket>,
    addresses: &mut Vec<Ticket>,
    bit: u32,
    chosen: &mut Vec<(Ticket, Ticket)>,
) {
    if interfaces.is_empty() || addresses.is_empty() {
        return;
    }
    if interfaces.len() * addresses.len() <= CROWD || bit == u64::BITS {
        return weigh(interfaces, addresses, chosen);
    }
    let upper_half = |tickets: &mut Vec<Ticket>| {
        let middle = tickets.partition_point(|ticket| ticket.hash.rotate_left(bit) >> (u64::BITS - 1) == 0);
        tickets.split_off(middle)
    };
    let (mut other_interfaces, mut other_addresses) = (upper_half(interfaces), upper_half(addresses));
    pair(interfaces, addresses, bit + 1, chosen);
    pair(&mut other_interfaces, &mut other_addresses, bit + 1, chosen);
    interfaces.append(&mut other_interfaces);
    addresses.append(&mut other_addresses);
    pair_leftovers(interfaces, addresses, bit + 1, chosen);
}

/// Pairs those that prefer each other to all others, then those that do so among the rest, until one side is used up:
/// the same as to take the best pair of all again and again, without putting all pairs in order.
fn weigh(interfaces: &mut Vec<Ticket>, addresses: &mut Vec<Ticket>, chosen: &mut Vec<(Ticket, Ticket)>) {
    while !interfaces.is_empty() && !addresses.is_empty() {
        let mut likes_interface = vec![(u64::MAX, 0); addresses.len()];
        let mut likes_address = Vec::with_capacity(interfaces.len());
        for (i, &interface) in interfaces.iter().enumerate() {
            let mut best = (u64::MAX, 0);
            for (a, (&address, likes)) in addresses.iter().zip(&mut likes_interface).enumerate() {
                let rank = rank(interface, address);
                if rank < best.0 {
                    best = (rank, a);
                }
                if rank < likes.0 {
                    *likes = (rank, i);
                }
            }
            likes_address.push(best.1);
        }
        let mut paired = vec![false; addresses.len()];
        let mut i = 0;
        interfaces.retain(|interface| {
            let a = likes_address[i];
            let mutual = likes_interface[a].1 == i;
            if mutual {
                chosen.push((*interface, addresses[a]));
                paired[a] = true;
            }
            i += 1;
            !mutual
        });
        let mut paired = paired.into_iter();
        addresses.retain(|_| paired.next() == Some(false));
    }
}

/// Ascending order of this is descending order of preference; of equals those that come first are preferred.
fn rank(interface: Ticket, address: Ticket) -> u64 {
    // Both hashes are evenly spread, so their product is too. The constants, digits of pi, make the two sides differ.
    let one = u128::from(interface.hash ^ 0x243f_6a88_85a3_08d3);
    let other = u128::from(address.hash ^ 0x1319_8a2e_0370_7344);
    let product = one * other;
    (product >> 64) as u64 ^ product as u64
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn tickets(kind: &str, count: usize) -> Vec<Ticket> {
        (0..count).map(|n| Ticket::new(format!("{kind}-{n:017x}").as_bytes(), n)).collect()
    }

    fn pairs(mut interfaces: Vec<Ticket>, mut addresses: Vec<Ticket>) -> BTreeSet<(usize, usize)> {
        pair_up(&mut interfaces, &mut addresses, usize::MAX).collect()
    }

    #[test]
    fn everyone_of_the_fewer_is_paired_once() {
        for (n, m) in [(0, 3), (1, 1), (3, 7), (40, 40), (500, 300), (3000, 3001)] {
            let (mut interfaces, mut addresses) = (tickets("eni", n), tickets("eipalloc", m));
            let pairs: Vec<_> = pair_up(&mut interfaces, &mut addresses, usize::MAX).collect();
            assert_eq!(pairs.len(), n.min(m));
            assert_eq!((interfaces.len(), addresses.len()), (n - pairs.len(), m - pairs.len()));
            assert_eq!(pairs.iter().map(|p| p.0).collect::<BTreeSet<_>>().len(), pairs.len());
            assert_eq!(pairs.iter().map(|p| p.1).collect::<BTreeSet<_>>().len(), pairs.len());
        }
    }

    #[test]
    fn the_best_pair_of_all_is_taken_again_and_again() {
        for (n, m) in [(1, 9), (7, 7), (30, 11), (32, 32)] {
            let (interfaces, addresses) = (tickets("eni", n), tickets("eipalloc", m));
            let of = |i: &Ticket, a: &Ticket| (rank(*i, *a), i.number, a.number);
            let all = interfaces.iter().flat_map(|i| addresses.iter().map(move |a| of(i, a)));
            let mut all: Vec<_> = all.collect();
            all.sort_unstable();
            let (mut taken_interfaces, mut taken_addresses) = (BTreeSet::new(), BTreeSet::new());
            let best = all.into_iter().filter(|(_, i, a)| {
                let free = !taken_interfaces.contains(i) && !taken_addresses.contains(a);
                free && taken_interfaces.insert(*i) && taken_addresses.insert(*a)
            });
            assert_eq!(best.map(|(_, i, a)| (i, a)).collect::<BTreeSet<_>>(), pairs(interfaces, addresses));
        }
    }

    #[test]
    fn the_order_of_the_arguments_does_not_matter() {
        for (n, m) in [(5, 9), (200, 150)] {
            let (interfaces, addresses) = (tickets("eni", n), tickets("eipalloc", m));
            let back = |tickets: &[Ticket]| tickets.iter().rev().copied().collect::<Vec<_>>();
            assert_eq!(pairs(back(&interfaces), back(&addresses)), pairs(interfaces, addresses));
        }
    }

    #[test]
    fn a_spare_address_that_one_replica_does_not_see_moves_few_pairs() {
        let (interfaces, addresses) = (tickets("eni", 10), tickets("eipalloc", 30));
        let fewer = pairs(interfaces.clone(), addresses[1..].to_vec());
        let moved = pairs(interfaces, addresses).difference(&fewer).count();
        assert!(moved <= 2, "{moved} of 10 pairs differ");
    }

    #[test]
    fn a_limit_is_kept_and_the_others_keep_their_tickets() {
        let (mut interfaces, mut addresses) = (tickets("eni", 10), tickets("eipalloc", 12));
        assert_eq!(pair_up(&mut interfaces, &mut addresses, 4).count(), 4);
        assert_eq!((interfaces.len(), addresses.len()), (6, 8));
    }
}
