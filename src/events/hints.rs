//! What an event says to a target: which of its corners are worth a look. What an event leaves out could be anything of its
//! sort, and is looked for among all of that sort; what it names and the target does not know is nothing of ours.

use super::event::{Event, News};
use super::kind::Kind;
use crate::domain::function::Pair;
use crate::domain::hint::{Hint, Origin};
use crate::domain::observed::Part;
use crate::reconcile::ports::{Inbox, Offered};

/// Whether a pass will look at what the event tells of.
pub(super) fn offer(event: &Event, inbox: &Inbox, origin: &Origin) -> bool {
    let accepts = |hint| inbox.offer(hint, origin.clone()) == Offered::Accepted;
    let anyway = |hint| {
        inbox.offer_anyway(hint, origin.clone());
        true
    };
    let any = |part| anyway(Hint::Any(part));
    // A tag may select it.
    let new = |part| inbox.offer_new(part, origin.clone()) == Offered::Accepted;
    match &event.news {
        News::InterfaceCreated {
            interface: Some(id),
            subnet: Some(subnet),
            security_groups: Some(groups),
        } => {
            let pair = Pair { subnet: subnet.clone(), security_groups: groups.clone() };
            accepts(Hint::Interface(id.clone(), Some(pair)))
        }
        // Whose it is only EC2 can tell.
        News::InterfaceCreated { interface, subnet, security_groups } => {
            let may_be_ours = inbox.may_use(subnet.as_ref(), security_groups.as_ref());
            may_be_ours
                && match interface {
                    Some(id) => anyway(Hint::Interface(id.clone(), None)),
                    None => any(Part::Interfaces),
                }
        }
        News::InterfaceDeleted { interface } | News::InterfaceChanged { interface } => match interface {
            Some(id) => accepts(Hint::Interface(id.clone(), None)),
            None => any(Part::Interfaces),
        },
        News::AddressAssociated { allocation: None, interface: None, public_ip: None, .. } => {
            any(Part::Addresses)
        }
        News::AddressAssociated { allocation, interface, public_ip, .. } => {
            let allocation = allocation.clone().or_else(|| public_ip.and_then(|ip| inbox.address_with(ip)));
            let by_address = allocation.is_some_and(|id| accepts(Hint::Address(id)));
            let by_interface = interface.clone().is_some_and(|id| accepts(Hint::Interface(id, None)));
            by_address || by_interface
        }
        News::AddressDisassociated { association, public_ip } => {
            let by_bond = association.as_ref().and_then(|bond| inbox.address_of(bond));
            match by_bond.or_else(|| public_ip.and_then(|ip| inbox.address_with(ip))) {
                Some(allocation) => accepts(Hint::Address(allocation)),
                None if public_ip.is_some() && inbox.account().is_some() => false,
                // The bond may be one that another replica made since our last look.
                None => any(Part::Addresses),
            }
        }
        News::AddressReleased { allocation: None, public_ip: None }
        | News::AddressAllocated { allocation: None, public_ip: None } => any(Part::Addresses),
        News::AddressReleased { allocation, public_ip }
        | News::AddressAllocated { allocation, public_ip } => {
            let allocation = allocation.clone().or_else(|| public_ip.and_then(|ip| inbox.address_with(ip)));
            allocation.is_some_and(|id| accepts(Hint::Address(id)))
                || event.kind == Kind::AllocateAddress && new(Part::Addresses)
        }
        News::FunctionChanged { function: Some(function) } => {
            accepts(Hint::Function(function.name().into()))
                || event.kind == Kind::CreateFunction && new(Part::Functions)
        }
        News::FunctionChanged { function: None } => any(Part::Functions),
        News::Marker { .. } | News::Nothing => false,
    }
}
