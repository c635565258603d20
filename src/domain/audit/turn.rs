//! What the audit asks of the order in which interfaces are served: none that serves and is bare may be left so while an
//! address that it could have been given goes to one of lower priority. Looks at the interfaces that no change names,
//! which nothing else in the audit does; where all functions have one priority it looks at none.

use std::cmp::Reverse;

use super::{Allocations, Files, Interface, InterfaceStatus, Objection, Users, examine_border_groups};
use crate::domain::desired::{Desired, PinPlace};
use crate::domain::ids::{AllocationId, NetworkInterfaceId};
use crate::domain::index::Index;
use crate::domain::observed::Observed;
use crate::domain::priority::Priority;

/// By the number of an address's file, the interface of the highest priority that could have been given it and is left
/// bare.
pub(super) type PassedOver<'a> = Vec<Option<(Priority, &'a NetworkInterfaceId)>>;

/// The sets that an address must lie in, and the zone: what makes interfaces alike.
type Kind<'a> = (Vec<*const std::collections::BTreeSet<AllocationId>>, Option<&'a str>);

impl<'a> Files<'a> {
    /// Finds out whom the changes pass over.
    pub(super) fn pass_over(&self, desired: &'a Desired, observed: &'a Observed) -> PassedOver<'a> {
        let mut passed_over = vec![None; self.addresses.files.len()];
        let mut priorities = desired.functions.values().map(|declared| declared.priority);
        let first = priorities.next();
        let are_all_alike = priorities.all(|priority| Some(priority) == first);
        // What an operator names is moved as a disruption, which the budget may hold back after the rest was planned by it.
        if are_all_alike || !observed.leave.named.addresses.is_empty() {
            return passed_over;
        }
        let mut left: Vec<(&'a Interface, &Users<'a>)> = self.left_bare(observed);
        left.sort_by_key(|(_, users)| Reverse(users.priority));
        let pools: Vec<&'a Allocations> = desired.pools.values().map(|pool| &pool.allocations).collect();
        let mut seen: Index<Kind<'_>, ()> = Index::default();
        for (interface, users) in left {
            let sets = sets_of(interface, users, &pools);
            let kind =
                (sets.iter().map(|set| std::ptr::from_ref(&***set)).collect(), interface.zone.as_deref());
            // Of those that are alike the first has the highest priority.
            if seen.insert(kind, ()).is_none() && !self.unread.keys().any(|id| lies_in_all(id, &sets)) {
                self.note_passed_over(interface, users.priority, &sets, &mut passed_over);
            }
        }
        passed_over
    }

    /// What is said against a change whose address another interface should have been given.
    pub(super) fn examine_turn(
        &self,
        interface: &Interface,
        address: usize,
        objections: &mut Vec<Objection>,
    ) {
        let pair = (&interface.pair.subnet, &interface.pair.security_groups);
        let own = self.users.get(&pair).map(|users| users.priority);
        if let Some((priority, first)) = self.passed_over[address]
            && own.is_some_and(|own| own < priority)
        {
            objections.push(Objection::OutOfTurn(first.clone(), priority));
        }
    }

    /// The serving interfaces that no change names, that carry nothing by both views, and that something may be given to.
    fn left_bare(&self, observed: &'a Observed) -> Vec<(&'a Interface, &Users<'a>)> {
        let may_be_given = |interface: &&'a Interface| {
            interface.owner == *self.account
                && interface.status == InterfaceStatus::InUse
                && !interface.denies_internet_gateway
                && interface.associations.is_empty()
                && !self.interfaces.numbers.contains_key(&interface.id)
                && !observed.recent_writes.contains_key(&interface.id)
                // An address would be of no use there, so it comes last.
                && observed.network.dead_end(&interface.pair.subnet).is_none()
        };
        let mut left: Vec<_> = observed.interfaces.values().filter(may_be_given).collect();
        let mut claimed: Index<NetworkInterfaceId, ()> = Index::default();
        if !left.is_empty() {
            let on = observed.addresses.values().filter_map(|address| address.association.as_ref());
            claimed.extend(on.filter_map(|association| Some((association.interface.clone()?, ()))));
        }
        left.retain(|interface| !claimed.contains_key(&interface.id));
        left.into_iter().filter_map(|interface| Some((interface, self.users_to_serve(interface)?))).collect()
    }

    /// Who uses the interface, if nothing about them speaks against serving it.
    fn users_to_serve(&self, interface: &'a Interface) -> Option<&Users<'a>> {
        let pair = (&interface.pair.subnet, &interface.pair.security_groups);
        let users = self.users.get(&pair)?;
        let has_strangers = self.strangers.contains_key(&pair) || self.observed.roster.is_none();
        let pins_a_zone = users.pins.iter().any(|(place, ..)| matches!(place, PinPlace::Zone(_)));
        let may_be_served = users.in_part.is_empty()
            && !(users.deny_bystanders && has_strangers)
            && !(interface.zone_id.is_none() && pins_a_zone);
        may_be_served.then_some(users)
    }

    fn note_passed_over(
        &self,
        interface: &'a Interface,
        priority: Priority,
        sets: &[&Allocations],
        passed_over: &mut PassedOver<'a>,
    ) {
        let Some(smallest) = sets.iter().min_by_key(|set| set.len()) else { return };
        for allocation in smallest.iter().filter(|id| lies_in_all(id, sets)) {
            let Some(number) = self.addresses.numbers.get(allocation).copied() else { continue };
            let file = &self.addresses.files[number];
            let Some(address) = file.seen.filter(|_| file.recently_given_to.is_empty()) else { continue };
            let mut disagreement = Vec::new();
            examine_border_groups(interface, address, &mut disagreement);
            // Those of higher priority come first.
            if disagreement.is_empty() && passed_over[number].is_none() {
                passed_over[number] = Some((priority, &interface.id));
            }
        }
    }
}

/// Every set that an address for the interface must lie in.
fn sets_of<'a>(interface: &Interface, users: &Users<'a>, pools: &[&'a Allocations]) -> Vec<&'a Allocations> {
    let holds = |place: &PinPlace| match place {
        PinPlace::Subnet(subnet) => *subnet == interface.pair.subnet,
        PinPlace::Zone(zone) => interface.zone_id.as_ref() == Some(zone),
    };
    let of_pools = users.pools.iter().filter_map(|(number, _)| number.map(|number| pools[number]));
    let pins = users.pins.iter().filter(|(place, ..)| holds(place));
    of_pools.chain(pins.map(|(_, allocations, _)| *allocations)).collect()
}

fn lies_in_all(allocation: &AllocationId, sets: &[&Allocations]) -> bool {
    sets.iter().all(|set| set.contains(allocation))
}
