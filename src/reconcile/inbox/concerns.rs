//! What concerns a target: what is declared, known from the moment of the orders, and what was last seen of it. Says what
//! is worth a look, never what is there.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

use crate::domain::declared;
use crate::domain::desired::Desired;
use crate::domain::function::{FunctionObservation, Pair, SecurityGroups};
use crate::domain::hint::Hint;
use crate::domain::ids::{AccountId, AllocationId, AssociationId, NetworkInterfaceId, SubnetId};
use crate::domain::observed::{Interface, Observed, Part};

/// What the orders name.
pub(super) struct Declared {
    desired: Arc<Desired>,
    allocations: HashSet<AllocationId>,
    functions: HashSet<Arc<str>>,
}

impl Declared {
    pub(super) fn by(desired: &Arc<Desired>) -> Self {
        Self {
            desired: Arc::clone(desired),
            allocations: desired.allocations().into_iter().collect(),
            functions: desired.functions.keys().map(|function| function.name().into()).collect(),
        }
    }

    pub(super) fn is_by(&self, desired: &Arc<Desired>) -> bool {
        Arc::ptr_eq(&self.desired, desired)
    }
}

/// Of what sort of things more may be selected than is known.
#[derive(Clone, Copy, Default)]
pub(super) struct Selecting {
    functions: bool,
    addresses: bool,
}

impl Selecting {
    pub(super) fn by(orders: &declared::Declared) -> Self {
        Self {
            functions: !orders.function_tags().is_empty(),
            addresses: !(orders.address_tags().is_empty() && orders.public_ips().is_empty()),
        }
    }

    pub(super) fn may_select(self, part: Part) -> bool {
        match part {
            Part::Functions => self.functions,
            Part::Addresses => self.addresses,
            Part::Interfaces => false,
        }
    }
}

/// What was last seen; nothing before the first look.
#[derive(Clone, Default, Debug)]
pub(in crate::reconcile) struct Seen {
    pub(super) account: Option<AccountId>,
    /// The declared addresses by their public faces.
    pub(super) public_ips: HashMap<IpAddr, AllocationId>,
    /// The declared addresses' bonds.
    pub(super) associations: HashMap<AssociationId, AllocationId>,
    /// The interfaces that declared addresses are on.
    pub(super) holders: HashMap<AllocationId, NetworkInterfaceId>,
    /// The pairs that declared functions use.
    pub(super) pairs: HashSet<Pair>,
    /// The Lambda interfaces of those pairs, and those that carry declared addresses.
    pub(super) interfaces: HashSet<NetworkInterfaceId>,
}

impl Seen {
    pub(in crate::reconcile) fn of(desired: &Desired, observed: &Observed) -> Self {
        let declared = desired.allocations();
        let pairs: HashSet<Pair> = desired
            .functions
            .keys()
            .filter_map(|function| match observed.functions.get(function) {
                Some(FunctionObservation::Known(configuration)) => Some(configuration.pairs()),
                _ => None,
            })
            .flatten()
            .collect();
        let shown = |interface: &Interface| -> Vec<AllocationId> {
            let shown = interface.associations.iter().filter_map(|shown| shown.allocation.clone());
            shown.filter(|allocation| declared.contains(allocation)).collect()
        };
        let bonds = || observed.addresses.values().filter_map(|a| Some((a, a.association.as_ref()?)));
        let mut holders: HashMap<AllocationId, NetworkInterfaceId> =
            bonds().filter_map(|(a, bond)| Some((a.allocation.clone(), bond.interface.clone()?))).collect();
        let held: HashSet<NetworkInterfaceId> = holders.values().cloned().collect();
        let mut interfaces = HashSet::new();
        for interface in observed.interfaces.values() {
            let shown = shown(interface);
            if !shown.is_empty() || held.contains(&interface.id) || pairs.contains(&interface.pair) {
                interfaces.insert(interface.id.clone());
            }
            holders.extend(shown.into_iter().map(|allocation| (allocation, interface.id.clone())));
        }
        Self {
            account: Some(observed.account.clone()),
            public_ips: observed.addresses.values().map(|a| (a.public_ip, a.allocation.clone())).collect(),
            associations: bonds()
                .filter_map(|(a, bond)| Some((bond.id.clone()?, a.allocation.clone())))
                .collect(),
            holders,
            pairs,
            interfaces,
        }
    }

    /// Whether a declared function may use an interface of which so much is told.
    pub(super) fn may_use(&self, subnet: Option<&SubnetId>, groups: Option<&SecurityGroups>) -> bool {
        let is_such = |pair: &Pair| {
            subnet.is_none_or(|subnet| pair.subnet == *subnet)
                && groups.is_none_or(|groups| pair.security_groups == *groups)
        };
        self.account.is_none() || self.pairs.iter().any(is_such)
    }

    pub(super) fn includes(&self, hint: &Hint, declared: &Declared) -> bool {
        match hint {
            Hint::Interface(id, pair) => {
                self.account.is_none()
                    || self.interfaces.contains(id)
                    || pair.as_ref().is_some_and(|pair| self.pairs.contains(pair))
            }
            Hint::Address(allocation) => declared.allocations.contains(allocation),
            Hint::Function(name) => declared.functions.contains(name),
            Hint::Any(_) | Hint::Selection(_) => true,
        }
    }
}
