//! What may be disturbed beyond giving what is free: found out by this process, or said by an operator. Facts that a plan
//! goes by and that no read of AWS shows. Says nothing of what is done with it.

use std::collections::{BTreeMap, BTreeSet};

use super::action::Action;
use super::ids::{AllocationId, NetworkInterfaceId};
use super::policy::OnRemoved;

/// What may be disturbed. Nothing, unless something says otherwise.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Leave {
    /// What becomes of what has left the configuration.
    pub on_removed: OnRemoved,
    /// Addresses that an earlier configuration of this process declared, and the present one does not.
    pub former: BTreeSet<AllocationId>,
    /// Addresses, declared or formerly so, with the interface of ours that they may be taken off: no function that is
    /// declared uses it, or an operator takes them off.
    pub unneeded: BTreeMap<AllocationId, NetworkInterfaceId>,
    /// Declared addresses that an operator takes off, whatever uses their interfaces.
    pub drained: BTreeSet<AllocationId>,
    /// What an operator named.
    pub named: Named,
}

/// What an operator named with `apply --take`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Named {
    /// Declared addresses that may be taken from what they are on, whatever that is.
    pub addresses: BTreeSet<AllocationId>,
    /// Interfaces of declared functions whose address may be replaced, whatever it is.
    pub interfaces: BTreeSet<NetworkInterfaceId>,
}

impl Named {
    /// Whether nothing was named.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.addresses.is_empty() && self.interfaces.is_empty()
    }

    /// Whether a change disturbs what was named, or gives what was named.
    #[must_use]
    pub fn covers(&self, action: &Action) -> bool {
        let mut moved = action.takes_off().into_iter().chain(action.gives());
        self.interfaces.contains(&action.network_interface_id)
            || moved.any(|address| self.addresses.contains(address))
    }
}
