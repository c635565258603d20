//! The one gate that every change to AWS passes (law 3). It alone holds the port for changes, so what it refuses
//! can't happen: nothing in observe mode, nothing that is not declared, no disruption that the budget did not admit,
//! nothing that the newest look at the interface or the address speaks against.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::ports::{ApiError, Associated, Changes, Takes};
use crate::domain::action::{Action, ActionKind};
use crate::domain::ids::{AccountId, AllocationId, AssociationId, NetworkInterfaceId};
use crate::domain::leave::Leave;
use crate::domain::observed::{Address, Interface, InterfaceAssociation, InterfaceStatus};
use crate::domain::policy::Mode;

/// Lets through what is allowed.
pub(super) struct Gate {
    changes: Arc<dyn Changes>,
}

/// What holds for the changes of one pass.
pub(super) struct Rules {
    pub(super) mode: Mode,
    pub(super) account: AccountId,
    pub(super) declared: BTreeSet<AllocationId>,
    /// What may be disturbed besides.
    pub(super) leave: Leave,
    /// The disruptions that the budget admits in this pass.
    pub(super) admitted: BTreeSet<(NetworkInterfaceId, AllocationId)>,
}

impl Rules {
    fn may_lose(&self, action: &Action, lost: &AllocationId) -> bool {
        let leave = &self.leave;
        let is_named = leave.named.interfaces.contains(&action.network_interface_id);
        self.declared.contains(lost) || leave.former.contains(lost) || is_named
    }

    fn against(&self, action: &Action) -> Option<String> {
        if self.mode == Mode::Observe {
            return Some("observe mode: nothing is changed".to_owned());
        }
        if let Some(given) = action.gives().filter(|given| !self.declared.contains(*given)) {
            return Some(format!("`{given}` is not declared"));
        }
        if let Some(lost) = action.takes_off().filter(|lost| !self.may_lose(action, lost)) {
            return Some(format!("`{lost}` is not declared"));
        }
        let key = (action.network_interface_id.clone(), action.allocation_id.clone());
        let is_admitted = !action.is_disruption() || self.admitted.contains(&key);
        (!is_admitted).then(|| "the budget of disruptions does not admit it".to_owned())
    }
}

/// What the gate says to an action when the interface was looked at again.
pub(super) enum Ruling {
    /// It may be carried out, by this permit alone.
    Allowed(Permit),
    /// The interface carries the address already.
    AlreadySo,
    /// It may not be carried out.
    Refused(String),
}

/// The right to carry out one action; only the gate makes it.
pub(super) struct Permit(Action);

/// The right to end one association, which the address was just seen to have; only the gate makes it.
pub(super) struct Removal(AssociationId);

impl Gate {
    pub(super) fn new(changes: Arc<dyn Changes>) -> Self {
        Self { changes }
    }

    /// Waits until the rate limit lets one more change pass.
    pub(super) async fn ready(&self) {
        self.changes.ready().await;
    }

    /// Judges an action by the rules and by the interface as it is now.
    pub(super) fn judge(rules: &Rules, action: &Action, now: Option<&Interface>) -> Ruling {
        if let Some(why) = rules.against(action) {
            return Ruling::Refused(why);
        }
        let Some(interface) = now else {
            return Ruling::Refused("the interface is gone".to_owned());
        };
        if interface.id != action.network_interface_id || interface.owner != rules.account {
            return Ruling::Refused("the interface is not this account's".to_owned());
        }
        let carries = |allocation| interface.associations.iter().any(|a| a.allocation.as_ref() == allocation);
        if action.kind == ActionKind::Disassociate {
            return match carries(Some(&action.allocation_id)) {
                true => Ruling::Allowed(Permit(action.clone())),
                false => Ruling::AlreadySo,
            };
        }
        if interface.status == InterfaceStatus::Detaching || interface.denies_internet_gateway {
            return Ruling::Refused("the interface can't take an address any more".to_owned());
        }
        if carries(Some(&action.allocation_id)) {
            return Ruling::AlreadySo;
        }
        let stays = |shown: &InterfaceAssociation| {
            action.replaces.is_none() || shown.allocation.as_ref() != action.replaces.as_ref()
        };
        if interface.associations.iter().any(stays) {
            return Ruling::Refused("the interface got another address meanwhile".to_owned());
        }
        Ruling::Allowed(Permit(action.clone()))
    }

    /// Judges, by the address as it is now, whether an association of it may be ended; nothing when it has none, so that
    /// there is nothing to end.
    pub(super) fn judge_removal(permit: &Permit, now: Option<&Address>) -> Result<Option<Removal>, String> {
        let Permit(action) = permit;
        let Some(lost) = action.takes_off() else { return Err("nothing is to leave".to_owned()) };
        let Some(address) = now.filter(|address| address.allocation == *lost) else {
            return Err(format!("`{lost}`, which is to leave, is gone"));
        };
        if let Some(service) = &address.managed_by {
            return Err(format!("`{lost}` belongs to the AWS service `{service}`"));
        }
        let Some(association) = &address.association else { return Ok(None) };
        match (&association.interface, &association.id) {
            (Some(on), Some(id)) if *on == action.network_interface_id => Ok(Some(Removal(id.clone()))),
            _ => Err(format!("`{lost}` is no longer on the interface")),
        }
    }

    /// Judges where a move takes its address from, by the address as it is now: what has come free meanwhile need not be
    /// taken from anywhere.
    pub(super) fn judge_source(from: &NetworkInterfaceId, now: Option<&Address>) -> Result<Takes, String> {
        let Some(address) = now else { return Err("the address is gone".to_owned()) };
        if let Some(service) = &address.managed_by {
            return Err(format!("the address belongs to the AWS service `{service}`"));
        }
        let on = address.association.as_ref().map(|association| association.interface.as_ref());
        match on {
            None => Ok(Takes::Nothing),
            Some(Some(on)) if on == from => Ok(Takes::WhatItIsOn),
            Some(_) => Err(format!("the address is no longer on `{from}`")),
        }
    }

    /// Ends an association: one attempt.
    pub(super) async fn remove(&self, removal: Removal) -> Result<Option<String>, ApiError> {
        self.changes.disassociate(&removal.0).await
    }

    /// Gives what a permit allows: one attempt. Only a move takes an address from somewhere.
    pub(super) async fn give(&self, permit: &Permit, takes: Takes) -> Result<Associated, ApiError> {
        let Permit(action) = permit;
        let takes = match action.kind {
            ActionKind::Associate | ActionKind::Replace | ActionKind::Disassociate => Takes::Nothing,
            ActionKind::Move => takes,
        };
        self.changes.associate(&action.allocation_id, &action.network_interface_id, takes).await
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;
    use crate::domain::action::ActionReason;
    use crate::domain::function::Pair;

    fn action() -> Action {
        Action {
            kind: ActionKind::Associate,
            allocation_id: "eipalloc-00000001".parse().expect("well-formed"),
            public_ip: IpAddr::from([203, 0, 113, 1]),
            network_interface_id: "eni-00000001".parse().expect("well-formed"),
            from: None,
            replaces: None,
            functions: Arc::from([]),
            reason: ActionReason::Bare,
        }
    }

    fn interface() -> Interface {
        Interface {
            id: "eni-00000001".parse().expect("well-formed"),
            owner: "111122223333".parse().expect("well-formed"),
            pair: Pair {
                subnet: "subnet-00000001".parse().expect("well-formed"),
                security_groups: std::iter::empty().collect(),
            },
            zone: None,
            zone_id: None,
            status: InterfaceStatus::InUse,
            associations: smallvec::SmallVec::new(),
            denies_internet_gateway: false,
        }
    }

    #[expect(clippy::needless_pass_by_value, reason = "the table below makes them on the spot")]
    fn ruling(rules: impl FnOnce(&mut Rules), now: Option<Interface>) -> &'static str {
        let mut all = Rules {
            mode: Mode::Enforce,
            account: "111122223333".parse().expect("well-formed"),
            declared: BTreeSet::from(["eipalloc-00000001".parse().expect("well-formed")]),
            leave: Leave::default(),
            admitted: BTreeSet::new(),
        };
        rules(&mut all);
        match Gate::judge(&all, &action(), now.as_ref()) {
            Ruling::Allowed(_) => "allowed",
            Ruling::AlreadySo => "already so",
            Ruling::Refused(_) => "refused",
        }
    }

    fn with(change: impl FnOnce(&mut Interface)) -> Option<Interface> {
        let mut interface = interface();
        change(&mut interface);
        Some(interface)
    }

    fn carrying(id: Option<&str>) -> Option<Interface> {
        let allocation = id.map(|id| id.parse().expect("well-formed"));
        with(|i| i.associations.push(InterfaceAssociation { allocation, public_ip: None }))
    }

    #[test]
    fn only_a_bare_interface_of_ours_takes_a_declared_address_and_only_in_enforce_mode() {
        let table = [
            ("allowed", ruling(|_| (), Some(interface()))),
            ("allowed", ruling(|_| (), with(|i| i.status = InterfaceStatus::Waiting))),
            ("already so", ruling(|_| (), carrying(Some("eipalloc-00000001")))),
            ("refused", ruling(|rules| rules.mode = Mode::Observe, Some(interface()))),
            ("refused", ruling(|rules| rules.declared.clear(), Some(interface()))),
            ("refused", ruling(|_| (), None)),
            ("refused", ruling(|_| (), carrying(Some("eipalloc-00000002")))),
            ("refused", ruling(|_| (), carrying(None))),
            ("refused", ruling(|_| (), with(|i| i.owner = "999999999999".parse().expect("well-formed")))),
            ("refused", ruling(|_| (), with(|i| i.id = "eni-00000002".parse().expect("well-formed")))),
            ("refused", ruling(|_| (), with(|i| i.status = InterfaceStatus::Detaching))),
            ("refused", ruling(|_| (), with(|i| i.denies_internet_gateway = true))),
        ];
        for (row, (wanted, got)) in table.into_iter().enumerate() {
            assert_eq!(wanted, got, "row {row}");
        }
    }
}
