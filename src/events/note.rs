//! An event as people are told of it afterwards: what happened to what, and who did it. Names what the event itself left
//! out as far as the target's last look tells; decides nothing.

use super::event::{Event, News};
use crate::domain::hint::Origin;
use crate::domain::ids::TargetName;
use crate::reconcile::ports::{EventNote, Inbox};

/// The note of an event that concerns a target.
pub(super) fn note(
    event: &Event,
    target: &TargetName,
    inbox: &Inbox,
    origin: &Origin,
    outcome: &'static str,
) -> EventNote {
    let mut note = EventNote {
        target: target.clone(),
        at: origin.at,
        kind: event.kind.as_str(),
        actor: origin.actor.clone(),
        outcome,
        allocation_id: None,
        public_ip: None,
        network_interface_id: None,
        function: None,
        request_id: event.request_id.clone(),
    };
    match &event.news {
        News::InterfaceCreated { interface, .. }
        | News::InterfaceDeleted { interface }
        | News::InterfaceChanged { interface } => note.network_interface_id.clone_from(interface),
        News::AddressAssociated { allocation, interface, public_ip, .. } => {
            note.allocation_id.clone_from(allocation);
            note.network_interface_id.clone_from(interface);
            note.public_ip = *public_ip;
        }
        News::AddressDisassociated { association, public_ip } => {
            note.allocation_id = association.as_ref().and_then(|bond| inbox.address_of(bond));
            note.public_ip = *public_ip;
        }
        News::AddressReleased { allocation, public_ip }
        | News::AddressAllocated { allocation, public_ip } => {
            note.allocation_id.clone_from(allocation);
            note.public_ip = *public_ip;
        }
        News::FunctionChanged { function } => note.function = function.as_ref().map(ToString::to_string),
        News::Marker { .. } | News::Nothing => {}
    }
    if note.allocation_id.is_none() {
        note.allocation_id = note.public_ip.and_then(|ip| inbox.address_with(ip));
    }
    if matches!(event.news, News::AddressDisassociated { .. }) {
        note.network_interface_id = note.allocation_id.as_ref().and_then(|id| inbox.holder_of(id));
    }
    note
}
