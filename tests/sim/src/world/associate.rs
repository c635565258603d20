//! Associations: EC2's rules for putting an Elastic IP on an interface and taking it off.
//!
//! Every change of an association passes here, whoever makes it, and the data plane hears of each. Whether a caller
//! ought to do it is watched in `laws`, not judged here.

use super::laws::Hand;
use super::{AddressIx, InterfaceIx, InterfaceStatus, Refusal, World};
use crate::beliefs::{BusyInterface, PendingInterface, SamePairAgain, UnknownAssociation};
use serde_json::json;
use std::sync::Arc;

/// An address on an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Association {
    /// Its id.
    pub id: String,
    pub(crate) address: AddressIx,
    pub(crate) interface: InterfaceIx,
}

impl World {
    /// AssociateAddress, by `hand`. Returns the association id.
    ///
    /// # Errors
    /// AWS's codes, by AWS.md section 2: ids that do not exist, an address or an interface of somebody else
    /// (`AuthFailure`, confirmed), another border group (refusal confirmed, code believed), `DenyAllIgwTraffic`
    /// (likewise), `Resource.AlreadyAssociated` (confirmed for the address, belief B1 for the interface),
    /// `IncorrectState` (belief B17), `Gateway.NotAttached` (believed).
    pub fn associate(
        &mut self,
        hand: Hand,
        allocation: &str,
        interface: &str,
        allow_reassociation: bool,
    ) -> Result<String, Refusal> {
        self.watch_naming(hand, "AssociateAddress", Some(allocation), Some(interface));
        let address = self.own_address(allocation)?;
        let target = self.fit_interface(interface, address)?;
        let current = self.addresses[address].association().cloned();
        let occupant = self.interfaces[target].association().cloned();
        if let Some(current) = current.as_ref().filter(|current| current.interface == target) {
            self.watch_repeat(hand, allocation, interface);
            if self.config.beliefs.same_pair_again == SamePairAgain::SameId {
                return Ok(current.id.clone());
            }
            self.break_association(address);
            return Ok(self.make_association(address, target));
        }
        if let Some(current) = current.as_ref().filter(|_| !allow_reassociation) {
            let message =
                format!("resource {allocation} is already associated with associate-id {}", current.id);
            return Err(Refusal::new("Resource.AlreadyAssociated", message));
        }
        if let Some(occupant) = &occupant {
            let refused = match self.config.beliefs.busy_interface {
                BusyInterface::Replaces => false,
                BusyInterface::RefusedUnlessAllowed => !allow_reassociation,
                BusyInterface::RefusedAlways => true,
            };
            if refused {
                let message =
                    format!("resource {interface} is already associated with associate-id {}", occupant.id);
                return Err(Refusal::new("Resource.AlreadyAssociated", message));
            }
            self.watch_breaking(hand, "AssociateAddress", occupant.address);
            self.break_association(occupant.address);
        }
        if current.is_some() {
            self.watch_breaking(hand, "AssociateAddress", address);
            self.watch_taking(hand, address);
            self.break_association(address);
        }
        Ok(self.make_association(address, target))
    }

    /// DisassociateAddress, by `hand`. Says whether there was such an association.
    ///
    /// # Errors
    /// `InvalidAssociationID.NotFound` under belief B6; `AuthFailure` and `OperationNotPermitted` for an address that
    /// is not this account's to change.
    pub fn disassociate(&mut self, hand: Hand, association: &str) -> Result<bool, Refusal> {
        let Some(place) = self.association_ids.get(association).copied() else {
            if self.config.beliefs.unknown_association == UnknownAssociation::Succeeds {
                return Ok(false);
            }
            let message = format!("The association ID '{association}' does not exist");
            return Err(Refusal::new("InvalidAssociationID.NotFound", message));
        };
        let allocation = self.addresses[place].allocation_id.clone();
        let interface =
            self.addresses[place].association().map(|current| self.interfaces[current.interface].id.clone());
        self.watch_naming(hand, "DisassociateAddress", Some(&allocation), interface.as_deref());
        self.own_address(&allocation)?;
        self.watch_breaking(hand, "DisassociateAddress", place);
        self.break_association(place);
        Ok(true)
    }

    /// A stray hand takes an address off whatever it is on. Says whether it was on anything.
    pub fn stray_disassociate(&mut self, allocation: &str) -> bool {
        let place = self.address_at(allocation);
        let Some(association) = self.addresses[place].association().map(|association| association.id.clone())
        else {
            return false;
        };
        self.note(format!("a stray hand took {allocation} off"));
        self.break_association(place);
        let parameters = json!({ "associationId": association });
        self.report_stray("DisassociateAddress", parameters, Ok(json!({ "_return": true })));
        true
    }

    /// A stray hand associates an address. Returns the association id.
    ///
    /// # Errors
    /// As [`World::associate`].
    pub fn stray_associate(
        &mut self,
        allocation: &str,
        interface: &str,
        allow_reassociation: bool,
    ) -> Result<String, Refusal> {
        self.note(format!("a stray hand put {allocation} on {interface}"));
        let result = self.associate(Hand::Stray, allocation, interface, allow_reassociation);
        let parameters = json!({
            "allocationId": allocation,
            "networkInterfaceId": interface,
            "allowReassociation": allow_reassociation,
        });
        let outcome = result.as_ref().map(|id| json!({ "_return": true, "associationId": id }));
        self.report_stray("AssociateAddress", parameters, outcome);
        result
    }

    /// The interface with this id, if `address` may be put on it.
    fn fit_interface(&self, id: &str, address: AddressIx) -> Result<InterfaceIx, Refusal> {
        let found = self.interface_place(id).filter(|place| self.interfaces[*place].exists());
        let Some(place) = found else {
            let message = format!("The networkInterface ID '{id}' does not exist");
            return Err(Refusal::new("InvalidNetworkInterfaceID.NotFound", message));
        };
        let interface = &self.interfaces[place];
        let service_owned = !matches!(interface.kind.as_str(), "interface" | "lambda" | "efa");
        if interface.owner != self.config.account || service_owned {
            let message = "You do not have permission to access the specified resource.";
            return Err(Refusal::new("AuthFailure", message));
        }
        let subnet = &self.subnets[interface.subnet];
        if subnet.border_group != self.addresses[address].border_group {
            let message = "You cannot associate an Elastic IP address with an interface in a different network \
                           border group.";
            return Err(Refusal::new("InvalidParameterCombination", message));
        }
        if interface.deny_all_igw_traffic {
            let message = format!("The network interface '{id}' denies all internet gateway traffic.");
            return Err(Refusal::new("OperationNotPermitted", message));
        }
        if self.vpcs.get(&subnet.vpc).is_none_or(|vpc| vpc.internet_gateway.is_none()) {
            let message = format!("Network {} is not attached to any internet gateway", subnet.vpc);
            return Err(Refusal::new("Gateway.NotAttached", message));
        }
        let pending = interface.status() == InterfaceStatus::Pending;
        if pending && self.config.beliefs.pending_interface == PendingInterface::Refused {
            let message = format!("The interface '{id}' is not in a valid state for this operation.");
            return Err(Refusal::new("IncorrectState", message));
        }
        Ok(place)
    }

    pub(crate) fn make_association(&mut self, address: AddressIx, interface: InterfaceIx) -> String {
        let id = self.ids.id("eipassoc");
        let association = Arc::new(Association { id: id.clone(), address, interface });
        let now = self.now;
        self.association_ids.insert(id.clone(), address);
        self.addresses[address].association.set(now, Some(Arc::clone(&association)));
        self.interfaces[interface].association.set(now, Some(association));
        self.touch_interface(interface);
        id
    }

    /// Takes an address off whatever it is on; nothing happens when it is on nothing.
    pub(crate) fn break_association(&mut self, address: AddressIx) {
        let Some(association) = self.addresses[address].association().cloned() else { return };
        let now = self.now;
        self.association_ids.remove(&association.id);
        self.addresses[address].association.set(now, None);
        self.interfaces[association.interface].association.set(now, None);
        self.touch_interface(association.interface);
    }

    /// Frees the address of an interface that is being deleted.
    pub(crate) fn detach_address(&mut self, interface: InterfaceIx) {
        if let Some(address) = self.interfaces[interface].association().map(|a| a.address) {
            self.break_association(address);
        }
    }
}
