//! What may leave an interface: an address of ours that it should not carry, one that has left the configuration, one
//! that an operator named. Only on a complete observation, and only while nothing is under way (law 7): in every doubt
//! it stays. Never a healthy one (law 2).

use super::action::{Action, ActionKind, ActionReason};
use super::allotment::Allotment;
use super::drift::{Drift, Finding, Place, Standing};
use super::function::FunctionObservation;
use super::ids::{AllocationId, NetworkInterfaceId};
use super::observed::{Address, Interface, Observed};
use super::occupancy::Carried;
use super::policy::OnRemoved;

/// The address that an interface may lose for one of its set.
#[must_use]
pub fn loss<'a>(
    observed: &Observed,
    drift: &Drift<'_>,
    finding: &'a Finding<'_>,
) -> Option<&'a AllocationId> {
    let Standing::Wrong(carried) = &finding.standing else { return None };
    let [Carried { allocation_id: Some(allocation), .. }] = carried.as_slice() else { return None };
    let interface = &finding.interface.id;
    // Who names something asks for that alone: no address is spent on what else is wrong.
    let named = &observed.leave.named;
    if !named.is_empty() && !named.interfaces.contains(interface) && !named.addresses.contains(allocation) {
        return None;
    }
    let place = drift.number_of(allocation).map(|number| drift.place(number));
    let is_declared = matches!(place, Some(Place::Associated));
    let may_leave =
        is_declared || observed.leave.named.interfaces.contains(interface) || is_former(observed, allocation);
    let is_serving = finding.is_required() && observed.is_complete();
    // One that is none of ours was not asked for.
    let address = observed.addresses.get(allocation);
    let agrees = shows(finding.interface, allocation)
        && address.map_or(!is_declared, |address| is_on(address, interface));
    let fits = may_leave && is_serving && agrees && !is_recent(observed, allocation, interface);
    (fits && is_settled(observed, finding)).then_some(allocation)
}

/// The addresses that are taken off and leave their interface bare: those that nothing declared needs where they are, and
/// those that have left the configuration and for which no other was to be had.
#[must_use]
pub fn taken_off(observed: &Observed, drift: &Drift<'_>, allotment: &Allotment<'_>) -> Vec<Action> {
    let leave = &observed.leave;
    if !observed.is_complete() {
        return Vec::new();
    }
    // What was found out before the functions were read once more may be needed again.
    let is_used =
        |id: &NetworkInterfaceId| drift.interfaces.iter().any(|finding| finding.interface.id == *id);
    let unneeded = leave
        .unneeded
        .iter()
        .filter(|(allocation, interface)| leave.drained.contains(*allocation) || !is_used(interface))
        .map(|(allocation, interface)| (allocation, interface, [].into()));
    let findings = drift.interfaces.iter().enumerate();
    let unreplaced =
        findings.filter(|(number, _)| leave_is_given(observed) && allotment.of(*number).is_none());
    let unreplaced = unreplaced.filter_map(|(_, finding)| {
        let allocation = loss(observed, drift, finding).filter(|id| is_former(observed, id))?;
        Some((allocation, &finding.interface.id, finding.usage.functions.clone()))
    });
    let actions = unneeded.chain(unreplaced).filter_map(|(allocation, interface, functions)| {
        let address = observed.addresses.get(allocation).filter(|address| is_on(address, interface))?;
        let is_shown = observed.interfaces.get(interface).is_some_and(|seen| shows(seen, allocation));
        (is_shown && !is_recent(observed, allocation, interface)).then(|| Action {
            kind: ActionKind::Disassociate,
            allocation_id: allocation.clone(),
            public_ip: address.public_ip,
            network_interface_id: interface.clone(),
            from: None,
            replaces: None,
            functions,
            reason: if leave.drained.contains(allocation) {
                ActionReason::Drained
            } else {
                ActionReason::Removed
            },
        })
    });
    actions.collect()
}

/// Why an address is replaced.
#[must_use]
pub fn why_replaced(observed: &Observed, drift: &Drift<'_>, lost: &AllocationId) -> ActionReason {
    let place = drift.number_of(lost).map(|number| drift.place(number));
    match place {
        Some(Place::Associated) => ActionReason::Wrong,
        _ if is_former(observed, lost) => ActionReason::Removed,
        _ => ActionReason::Named,
    }
}

fn leave_is_given(observed: &Observed) -> bool {
    observed.leave.on_removed == OnRemoved::Disassociate
}

fn is_former(observed: &Observed, allocation: &AllocationId) -> bool {
    leave_is_given(observed) && observed.leave.former.contains(allocation)
}

fn shows(interface: &Interface, allocation: &AllocationId) -> bool {
    interface.associations.iter().any(|shown| shown.allocation.as_ref() == Some(allocation))
}

fn is_on(address: &Address, interface: &NetworkInterfaceId) -> bool {
    let on = address.association.as_ref().and_then(|association| association.interface.as_ref());
    on == Some(interface) && address.managed_by.is_none()
}

/// Whether this process gave the one or to the other moments ago, so that a read may be older than that.
fn is_recent(observed: &Observed, allocation: &AllocationId, interface: &NetworkInterfaceId) -> bool {
    let writes = &observed.recent_writes;
    writes.contains_key(interface) || writes.values().any(|given| given == allocation)
}

fn is_settled(observed: &Observed, finding: &Finding<'_>) -> bool {
    finding.usage.functions.iter().all(|function| match observed.functions.get(function) {
        Some(FunctionObservation::Known(shown)) => shown.is_settled(function),
        Some(FunctionObservation::NotFound | FunctionObservation::Unknown) | None => false,
    })
}
