//! Where every address is, by both of EC2's views at once. An association exists if DescribeAddresses **or**
//! DescribeNetworkInterfaces shows it; it is absent only if both say so (law 11): reads are stale, each on its own.

use std::collections::HashMap;
use std::net::IpAddr;

use serde::Serialize;

use super::ids::{AllocationId, NetworkInterfaceId};
use super::observed::{Address, Observed};

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
pub enum Holder {
    /// A Lambda interface of the target's account, or one that was not seen among them.
    Interface(NetworkInterfaceId),
    /// Anything else, in words for the operator.
    Other(String),
}

/// Both views, merged. Lookups only: it is never iterated.
pub struct Occupancy<'a> {
    carried: HashMap<&'a NetworkInterfaceId, Vec<Carried>>,
    holders: HashMap<&'a AllocationId, Vec<Holder>>,
}

impl<'a> Occupancy<'a> {
    /// Merges the two views of an observation.
    #[must_use]
    pub fn of(observed: &'a Observed) -> Self {
        let mut occupancy = Self {
            carried: HashMap::with_capacity(observed.addresses.len()),
            holders: HashMap::with_capacity(observed.addresses.len()),
        };
        let by_ip = unnamed_addresses(observed);
        for interface in observed.interfaces.values() {
            for association in &interface.associations {
                let by_ip = || association.public_ip.and_then(|public_ip| by_ip.get(&public_ip).copied());
                let allocation = association.allocation.as_ref().or_else(by_ip);
                let carried =
                    Carried { allocation_id: allocation.cloned(), public_ip: association.public_ip };
                occupancy.note_carried(&interface.id, carried);
                if let Some(allocation) = allocation {
                    occupancy.note_holder(allocation, Holder::Interface(interface.id.clone()));
                }
            }
        }
        for address in observed.addresses.values() {
            occupancy.note_address(address);
        }
        occupancy
    }

    /// What the interface carries; empty only if both views say so.
    #[must_use]
    pub fn carried_by(&self, interface: &NetworkInterfaceId) -> &[Carried] {
        self.carried.get(interface).map_or(&[], Vec::as_slice)
    }

    /// What holds the allocation; empty only if both views say so. More than one holder means that a view is stale.
    #[must_use]
    pub fn holders_of(&self, allocation: &AllocationId) -> &[Holder] {
        self.holders.get(allocation).map_or(&[], Vec::as_slice)
    }

    fn note_address(&mut self, address: &'a Address) {
        if let Some(service) = &address.managed_by {
            self.note_holder(&address.allocation, Holder::Other(format!("the AWS service `{service}`")));
        }
        let Some(association) = &address.association else { return };
        match (&association.interface, &association.instance) {
            (Some(interface), _) => {
                self.note_holder(&address.allocation, Holder::Interface(interface.clone()));
                let carried = Carried {
                    allocation_id: Some(address.allocation.clone()),
                    public_ip: Some(address.public_ip),
                };
                self.note_carried(interface, carried);
            }
            (None, Some(instance)) => {
                self.note_holder(&address.allocation, Holder::Other(format!("instance `{instance}`")));
            }
            (None, None) => {
                self.note_holder(
                    &address.allocation,
                    Holder::Other("something EC2 does not name".to_owned()),
                );
            }
        }
    }

    fn note_carried(&mut self, interface: &'a NetworkInterfaceId, carried: Carried) {
        let all = self.carried.entry(interface).or_default();
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

    fn note_holder(&mut self, allocation: &'a AllocationId, holder: Holder) {
        let all = self.holders.entry(allocation).or_default();
        if !all.contains(&holder) {
            all.push(holder);
        }
    }
}

/// The addresses by their public face, if an interface shows one without telling its allocation.
fn unnamed_addresses(observed: &Observed) -> HashMap<IpAddr, &AllocationId> {
    let mut associations = observed.interfaces.values().flat_map(|interface| &interface.associations);
    if associations.all(|association| association.allocation.is_some()) {
        return HashMap::new();
    }
    observed.addresses.values().map(|address| (address.public_ip, &address.allocation)).collect()
}
