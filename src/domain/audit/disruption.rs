//! What the audit asks of changes that may end egress which works: replacements, removals, and addresses that an operator
//! named. Each must be allowed by something that was seen or said, and nothing healthy may be hit (laws 1, 2 and 7).

use super::{Files, Interface, Objection};
use crate::domain::action::Action;
use crate::domain::desired::PinPlace;
use crate::domain::function::{FunctionConfiguration, FunctionObservation, FunctionState, LastUpdate};
use crate::domain::ids::{AllocationId, NetworkInterfaceId};
use crate::domain::observed::{InterfaceStatus, Observed};
use crate::domain::policy::OnRemoved;

impl Files<'_> {
    /// What is lost: an address of ours outside the set of a user, or one that was named or has left the configuration.
    pub(super) fn examine_replacement(
        &self,
        action: &Action,
        interface: usize,
        objections: &mut Vec<Objection>,
    ) {
        if !self.observed.gaps.is_empty() {
            objections.push(Objection::Incomplete);
        }
        let Some(lost) = action.replaces.as_ref().filter(|lost| **lost != action.allocation_id) else {
            objections.push(Objection::LossUnnamed);
            return;
        };
        self.examine_age(lost, &action.network_interface_id, objections);
        let Some(seen) = self.interfaces.files[interface].seen else { return };
        if seen.status != InterfaceStatus::InUse {
            objections.push(Objection::NotServing);
        }
        if !seen.associations.iter().any(|shown| shown.allocation.as_ref() == Some(lost)) {
            objections.push(Objection::NotThere(lost.clone()));
        }
        self.examine_bond(lost, &seen.id, objections);
        let is_ours = self.pools.values().any(|pool| pool.allocations.contains(lost));
        let is_named = self.observed.leave.named.interfaces.contains(&seen.id);
        if is_ours && !self.observed.addresses.contains_key(lost) {
            objections.push(Objection::NotThere(lost.clone()));
        }
        if !is_ours && !is_named && !has_left(self.observed, lost) {
            objections.push(Objection::Unknown(lost.clone()));
        }
        if self.is_healthy(seen, lost) {
            objections.push(Objection::Healthy(lost.clone()));
        }
        self.examine_users(seen, objections);
    }

    /// An address that is taken off, and given to nothing.
    pub(super) fn examine_removal(
        &self,
        action: &Action,
        (interface, address): (usize, usize),
    ) -> Vec<Objection> {
        let mut objections = Vec::new();
        let lost = &action.allocation_id;
        if !self.observed.gaps.is_empty() {
            objections.push(Objection::Incomplete);
        }
        if action.from.is_some() || action.replaces.is_some() {
            objections.push(Objection::LossUnnamed);
        }
        if self.interfaces.files[interface].times_named > 1 {
            objections.push(Objection::InterfaceTwice);
        }
        if self.addresses.files[address].times_named > 1 {
            objections.push(Objection::AddressTwice);
        }
        let leave = &self.observed.leave;
        if self.addresses.files[address].pool.is_none() && !leave.former.contains(lost) {
            objections.push(Objection::Undeclared);
        }
        match self.addresses.files[address].seen {
            None => objections.push(Objection::AddressUnseen),
            Some(seen) if seen.public_ip != action.public_ip => {
                objections.push(Objection::OtherPublicIp(seen.public_ip));
            }
            Some(_) => {}
        }
        self.examine_age(lost, &action.network_interface_id, &mut objections);
        self.examine_bond(lost, &action.network_interface_id, &mut objections);
        let Some(seen) = self.interfaces.files[interface].seen else {
            objections.push(Objection::InterfaceUnseen);
            return objections;
        };
        if seen.owner != *self.account {
            objections.push(Objection::ForeignOwner(seen.owner.clone()));
        }
        if !seen.associations.iter().any(|shown| shown.allocation.as_ref() == Some(lost)) {
            objections.push(Objection::NotThere(lost.clone()));
        }
        self.examine_need(seen, lost, &mut objections);
        objections
    }

    /// Whether nothing that is declared needs the address there.
    fn examine_need(&self, interface: &Interface, lost: &AllocationId, objections: &mut Vec<Objection>) {
        let leave = &self.observed.leave;
        let is_listed = leave.unneeded.get(lost) == Some(&interface.id);
        if is_listed && leave.drained.contains(lost) {
            return;
        }
        let pair = (&interface.pair.subnet, &interface.pair.security_groups);
        match self.users.get(&pair).and_then(|users| users.functions.first()) {
            None if is_listed && leave.on_removed == OnRemoved::Disassociate => {}
            Some(user) if !has_left(self.observed, lost) => objections.push(Objection::Used((*user).clone())),
            Some(_) => {
                if self.is_healthy(interface, lost) {
                    objections.push(Objection::Healthy(lost.clone()));
                }
                self.examine_users(interface, objections);
            }
            None => objections.push(Objection::NotReleased),
        }
    }

    /// An operator's word takes an address from anything but an interface of our functions.
    pub(super) fn examine_naming(&self, from: &NetworkInterfaceId, objections: &mut Vec<Objection>) {
        if !self.observed.gaps.is_empty() {
            objections.push(Objection::Incomplete);
        }
        let Some(seen) = self.observed.interfaces.get(from) else { return };
        let pair = (&seen.pair.subnet, &seen.pair.security_groups);
        if let Some(user) = self.users.get(&pair).and_then(|users| users.functions.first()) {
            objections.push(Objection::Used((*user).clone()));
        }
    }

    /// Where DescribeAddresses shows the address that is lost; one that is none of ours was not asked for.
    fn examine_bond(&self, lost: &AllocationId, on: &NetworkInterfaceId, objections: &mut Vec<Objection>) {
        let Some(address) = self.observed.addresses.get(lost) else { return };
        if let Some(service) = &address.managed_by {
            objections.push(Objection::ServiceManaged(service.clone()));
        }
        if address.association.as_ref().and_then(|association| association.interface.as_ref()) != Some(on) {
            objections.push(Objection::NotThere(lost.clone()));
        }
    }

    /// A read may be older than what this process did moments ago.
    fn examine_age(&self, lost: &AllocationId, on: &NetworkInterfaceId, objections: &mut Vec<Objection>) {
        for (interface, allocation) in &self.observed.recent_writes {
            if interface == on {
                objections.push(Objection::RecentlyGot(allocation.clone()));
            } else if allocation == lost {
                objections.push(Objection::RecentlyGivenTo(interface.clone()));
            }
        }
    }

    fn is_healthy(&self, interface: &Interface, allocation: &AllocationId) -> bool {
        let Some(users) = self.users.get(&(&interface.pair.subnet, &interface.pair.security_groups)) else {
            return false;
        };
        let holds = |place: &PinPlace| match place {
            PinPlace::Subnet(subnet) => *subnet == interface.pair.subnet,
            PinPlace::Zone(zone) => interface.zone_id.as_ref().is_none_or(|own| own == zone),
        };
        let lies_in_pool = users.functions.iter().all(|function| {
            let pool = self.functions.get(function).and_then(|declared| self.pools.get(&declared.pool));
            pool.is_some_and(|pool| pool.allocations.contains(allocation))
        });
        let mut pins = users.pins.iter().filter(|(place, ..)| holds(place));
        lies_in_pool && pins.all(|(_, allocations, _)| allocations.contains(allocation))
    }

    /// Mid-update Lambda may show what does not serve, and then a wrong address may be a right one.
    fn examine_users(&self, interface: &Interface, objections: &mut Vec<Objection>) {
        let users = self.users.get(&(&interface.pair.subnet, &interface.pair.security_groups));
        for function in users.into_iter().flat_map(|users| &users.functions) {
            let is_settled = match self.observed.functions.get(*function) {
                Some(FunctionObservation::Known(shown)) => {
                    serves_as_shown(shown, function.qualifier().is_some())
                }
                _ => false,
            };
            if !is_settled {
                objections.push(Objection::Unsettled((*function).clone()));
            }
        }
    }
}

/// A published version never changes, so that no status of an update is as good as one that succeeded.
fn serves_as_shown(shown: &FunctionConfiguration, is_published: bool) -> bool {
    let is_in_force =
        shown.last_update == Some(LastUpdate::Successful) || (is_published && shown.last_update.is_none());
    shown.former_vpc.is_none()
        && is_in_force
        && (shown.state == Some(FunctionState::Active) || shown.state == Some(FunctionState::Inactive))
}

fn has_left(observed: &Observed, allocation: &AllocationId) -> bool {
    observed.leave.on_removed == OnRemoved::Disassociate && observed.leave.former.contains(allocation)
}
