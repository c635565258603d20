//! Where every address is, by both of EC2's views at once. An association exists if DescribeAddresses **or**
//! DescribeNetworkInterfaces shows it; it is absent only if both say so (law 11): reads are stale, each on its own.

use std::net::IpAddr;

use serde::Serialize;
use smallvec::SmallVec;

use super::ids::{AllocationId, NetworkInterfaceId};
use super::index::{Index, index_for};
use super::observed::{Address, Interface, InterfaceAssociation, Observed};

/// A public address on an interface.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
pub struct Carried {
    /// Nothing for a public address that is no Elastic IP.
    pub allocation_id: Option<AllocationId>,
    /// Nothing when only the address's side of the association was seen.
    pub public_ip: Option<IpAddr>,
}

/// What holds an address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Holder<'a> {
    /// A Lambda interface, by its place in the order of their ids.
    Interface(usize),
    /// An interface that was not seen among them.
    Unseen(&'a NetworkInterfaceId),
    /// Anything else, in words for the operator.
    Other(String),
}

/// Both views, merged. Addresses have numbers here, since looking one up by its id is what costs most.
pub struct Occupancy<'a> {
    /// The Lambda interfaces, in the order of their ids.
    pub interfaces: Vec<&'a Interface>,
    numbers: Index<AllocationId, usize>,
    rows: Vec<Row<'a>>,
    /// What addresses say to be on, where the interface does not show them.
    claims: Index<NetworkInterfaceId, Vec<Carried>>,
    /// The addresses by their public face, if an interface shows one without telling its allocation.
    unnamed: Index<IpAddr, &'a AllocationId>,
}

/// An address that is declared, or that an interface shows.
#[derive(Default)]
pub struct Row<'a> {
    /// Nothing when DescribeAddresses does not show it.
    pub address: Option<&'a Address>,
    /// Empty only if both views say so. More than one means that a view is stale.
    pub holders: SmallVec<[Holder<'a>; 1]>,
}

impl<'a> Occupancy<'a> {
    /// Merges the two views of an observation.
    #[must_use]
    pub fn of(observed: &'a Observed) -> Self {
        let mut occupancy = Self {
            interfaces: observed.interfaces.values().collect(),
            numbers: index_for(observed.addresses.len()),
            rows: Vec::with_capacity(observed.addresses.len()),
            claims: Index::default(),
            unnamed: Index::default(),
        };
        for address in observed.addresses.values() {
            let number = occupancy.number(&address.allocation);
            occupancy.rows[number].address = Some(address);
        }
        let mut unnamed = Vec::new();
        for (place, interface) in observed.interfaces.values().enumerate() {
            for association in &interface.associations {
                match &association.allocation {
                    Some(allocation) => occupancy.note_shown(place, allocation),
                    None => unnamed.push((place, association)),
                }
            }
        }
        occupancy.note_unnamed(observed, unnamed);
        for (number, address) in observed.addresses.values().enumerate() {
            occupancy.note_address(number, address);
        }
        occupancy
    }

    /// The number of an address, which gets one if it has none.
    pub fn number(&mut self, allocation: &AllocationId) -> usize {
        let next = self.rows.len();
        let number = *self.numbers.entry(allocation.clone()).or_insert(next);
        if number == next {
            self.rows.push(Row::default());
        }
        number
    }

    /// How many addresses have numbers.
    #[must_use]
    pub fn addresses(&self) -> usize {
        self.rows.len()
    }

    /// What is known of the address of this number.
    #[must_use]
    pub fn row(&self, number: usize) -> &Row<'a> {
        &self.rows[number]
    }

    /// What the interface carries; empty only if both views say so.
    #[must_use]
    pub fn carried_by(&self, interface: &'a Interface) -> SmallVec<[Carried; 1]> {
        let shown = interface.associations.iter().map(|association| Carried {
            allocation_id: self.allocation_of(association).cloned(),
            public_ip: association.public_ip,
        });
        let claims = self.claims.get(&interface.id).into_iter().flatten().cloned();
        let mut all = SmallVec::new();
        shown.chain(claims).for_each(|carried| merge(&mut all, carried));
        all
    }

    /// The numbers alone, and by them what DescribeAddresses shows.
    #[must_use]
    pub fn into_numbers(self) -> (Index<AllocationId, usize>, Vec<Option<&'a Address>>) {
        (self.numbers, self.rows.into_iter().map(|row| row.address).collect())
    }

    fn allocation_of(&self, association: &'a InterfaceAssociation) -> Option<&'a AllocationId> {
        let by_public_ip = || association.public_ip.and_then(|ip| self.unnamed.get(&ip).copied());
        association.allocation.as_ref().or_else(by_public_ip)
    }

    fn note_shown(&mut self, place: usize, allocation: &AllocationId) {
        let number = self.number(allocation);
        self.note_holder(number, Holder::Interface(place));
    }

    fn note_unnamed(&mut self, observed: &'a Observed, unnamed: Vec<(usize, &'a InterfaceAssociation)>) {
        if unnamed.is_empty() {
            return;
        }
        let named = observed.addresses.values().map(|address| (address.public_ip, &address.allocation));
        self.unnamed = named.collect();
        for (place, association) in unnamed {
            if let Some(allocation) = self.allocation_of(association) {
                self.note_shown(place, allocation);
            }
        }
    }

    fn note_address(&mut self, number: usize, address: &'a Address) {
        if let Some(service) = &address.managed_by {
            self.note_holder(number, Holder::Other(format!("the AWS service `{service}`")));
        }
        let Some(association) = &address.association else { return };
        match (&association.interface, &association.instance) {
            (Some(interface), _) => self.note_claim(number, interface, address),
            (None, Some(instance)) => {
                self.note_holder(number, Holder::Other(format!("instance `{instance}`")));
            }
            (None, None) => {
                self.note_holder(number, Holder::Other("something EC2 does not name".to_owned()));
            }
        }
    }

    fn note_claim(&mut self, number: usize, interface: &'a NetworkInterfaceId, address: &'a Address) {
        let shown = |holder: &Holder<'_>| matches!(holder, Holder::Interface(place) if self.interfaces[*place].id == *interface);
        if self.rows[number].holders.iter().any(shown) {
            return;
        }
        let place = self.interfaces.binary_search_by(|seen| seen.id.cmp(interface));
        self.note_holder(number, place.map_or(Holder::Unseen(interface), Holder::Interface));
        let carried =
            Carried { allocation_id: Some(address.allocation.clone()), public_ip: Some(address.public_ip) };
        self.claims.entry(interface.clone()).or_default().push(carried);
    }

    fn note_holder(&mut self, number: usize, holder: Holder<'a>) {
        let all = &mut self.rows[number].holders;
        if !all.contains(&holder) {
            all.push(holder);
        }
    }
}

fn merge(all: &mut SmallVec<[Carried; 1]>, carried: Carried) {
    let known = all.iter_mut().find(|known| match (&known.allocation_id, &carried.allocation_id) {
        (Some(one), Some(other)) => one == other,
        _ => known.public_ip.is_some() && known.public_ip == carried.public_ip,
    });
    match known {
        Some(known) => {
            known.allocation_id = known.allocation_id.take().or(carried.allocation_id);
            known.public_ip = known.public_ip.or(carried.public_ip);
        }
        None => all.push(carried),
    }
}
