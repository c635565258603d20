//! What becomes of an address that is on an interface which should not carry it: what the plan does about it, and where it
//! does nothing, what would. Words for what the plan decides.

use super::Facts;
use super::rule;
use crate::domain::action::Action;
use crate::domain::disruption;
use crate::domain::drift::{Drift, Finding, Standing};
use crate::domain::ids::{AllocationId, NetworkInterfaceId};
use crate::domain::policy::Mode;
use crate::domain::reason::{Reason, Shown};

/// The interface that carries an address which it may not, where no other carries it rightly.
pub(super) fn carrier<'d, 'a>(allocation: &AllocationId, drift: &'d Drift<'a>) -> Option<&'d Finding<'a>> {
    let is_right =
        |finding: &&Finding<'_>| matches!(&finding.standing, Standing::Healthy(id, _) if id == allocation);
    let is_wrong = |finding: &&Finding<'_>| match &finding.standing {
        Standing::Wrong(carried) => carried.iter().any(|one| one.allocation_id.as_ref() == Some(allocation)),
        Standing::Healthy(..) | Standing::Bare => false,
    };
    let wrong = drift.interfaces.iter().find(is_wrong)?;
    (!drift.interfaces.iter().any(|finding| is_right(&finding))).then_some(wrong)
}

impl Facts<'_> {
    /// The change of the plan that takes an address off its interface.
    pub(super) fn takes_off(&self, allocation: &AllocationId) -> Option<&Action> {
        self.plan.actions.iter().find(|action| action.takes_off() == Some(allocation))
    }

    /// The change of the plan that takes the address of an interface off it.
    pub(super) fn disturbs(&self, interface: &NetworkInterfaceId) -> Option<&Action> {
        let mut changes = self.plan.actions.iter().filter(|action| action.network_interface_id == *interface);
        changes.find(|action| action.takes_off().is_some())
    }

    /// By whom a planned change is made, or what holds it back.
    pub(super) fn who_makes(&self, action: &Action) -> String {
        match self.breaker {
            Some(breaker) if action.is_disruption() && self.mode == Mode::Enforce => {
                format!("the breaker's closing: {breaker}")
            }
            _ => self.who_acts().to_owned(),
        }
    }
}

/// What a change does to the address that it takes off, as a clause.
pub(super) fn told(action: &Action) -> String {
    match action.gives() {
        Some(given) => format!("the plan replaces it by {}", Shown(given, Some(action.public_ip))),
        None => format!("the plan takes it off `{}`", action.network_interface_id),
    }
}

/// What would change it that an interface carries what it should not.
pub(super) fn remedies(
    reason: &Reason,
    finding: &Finding<'_>,
    facts: &Facts<'_>,
    drift: &Drift<'_>,
) -> Vec<String> {
    let interface = &finding.interface.id;
    if let Some(action) = facts.disturbs(interface) {
        return vec![facts.who_makes(action)];
    }
    let pool = &finding.usage.pool;
    let mut remedies = Vec::new();
    if disruption::loss(facts.observed, drift, finding).is_some() {
        remedies.push(format!("a free address more in pool `{pool}`: then a pass replaces it"));
    } else if let Reason::WrongAddress { declared_in: None, .. } = reason {
        remedies.push(format!(
            "`eipd apply --take {interface}`: then it gets one of its set in its place, if one is free"
        ));
    } else {
        remedies.push(
            "its functions' being settled and everything's being read: then a pass replaces it".to_owned(),
        );
    }
    remedies.extend(rule::remedies(reason, finding, drift));
    remedies
}
