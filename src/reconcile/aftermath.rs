//! What a pass says of the target after its actions: how it ended, what is covered and why the rest is not. Decides
//! nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::act::planned;
use crate::domain::action::{Action, Outcome};
use crate::domain::observed::{AddressAssociation, InterfaceAssociation, Observed};
use crate::domain::plan::{InterfacePlan, Plan, Verdict};
use crate::domain::reason::{Reason, Uncovered};
use crate::domain::report::{ActionReport, PassResult, Report};

/// Confirmed changes were read back, so they belong to what was seen.
pub(super) fn note_done(observed: &mut Observed, actions: &[ActionReport]) {
    for report in actions.iter().filter(|report| report.outcome == Outcome::Done) {
        note_taken_off(observed, &report.action);
        note_given(observed, report);
    }
}

fn note_taken_off(observed: &mut Observed, action: &Action) {
    let Some(lost) = action.takes_off() else { return };
    if let Some(interface) = observed.interfaces.get_mut(&action.network_interface_id) {
        interface.associations.retain(|shown| shown.allocation.as_ref() != Some(lost));
    }
    if let Some(address) = observed.addresses.get_mut(lost) {
        address.association = None;
    }
}

fn note_given(observed: &mut Observed, ActionReport { action, association_id, .. }: &ActionReport) {
    if action.gives().is_some() {
        let allocation = Some(action.allocation_id.clone());
        if let Some(interface) = observed.interfaces.get_mut(&action.network_interface_id)
            && !interface.associations.iter().any(|shown| shown.allocation == allocation)
        {
            interface
                .associations
                .push(InterfaceAssociation { allocation, public_ip: Some(action.public_ip) });
        }
        if let Some(address) = observed.addresses.get_mut(&action.allocation_id) {
            address.association = Some(AddressAssociation {
                id: association_id.clone(),
                interface: Some(action.network_interface_id.clone()),
                instance: None,
            });
        }
    }
}

pub(super) fn refused(actions: &[Action]) -> Vec<ActionReport> {
    let refuse = |action| ActionReport {
        outcome: Outcome::Skipped,
        detail: Some("the audit refused the plan: a defect in eipd, please report it".to_owned()),
        ..planned(action)
    };
    actions.iter().map(refuse).collect()
}

pub(super) fn result(report: &Report, observed: &Observed, refused: bool) -> PassResult {
    let failed = report.actions.iter().any(|action| action.outcome == Outcome::Failed);
    if refused {
        PassResult::Refused
    } else if failed || !observed.is_complete() {
        PassResult::Incomplete
    } else {
        PassResult::Ok
    }
}

/// How the serving interfaces stand after the actions.
pub(super) fn coverage(plan: &Plan, actions: &[ActionReport]) -> (usize, Vec<Uncovered>) {
    let outcomes: BTreeMap<_, _> =
        actions.iter().map(|report| (&report.action.network_interface_id, report)).collect();
    let uncovered: Vec<Uncovered> = plan
        .required()
        .filter_map(|interface| {
            let reason = reason_after(interface, outcomes.get(&interface.network_interface_id).copied())?;
            Some(interface.uncovered(reason))
        })
        .collect();
    (plan.required().count() - uncovered.len(), uncovered)
}

fn reason_after(interface: &InterfacePlan, report: Option<&ActionReport>) -> Option<Reason> {
    let detail = |report: &ActionReport| report.detail.clone().unwrap_or_default();
    if let Some(dead_end) = &interface.dead_end {
        let carried = match (&interface.verdict, report) {
            (Verdict::Covered(allocation, public_ip), _) => Some((allocation.clone(), *public_ip)),
            (Verdict::Gets(allocation, public_ip), Some(report)) if report.outcome == Outcome::Done => {
                Some((allocation.clone(), Some(*public_ip)))
            }
            _ => None,
        };
        return Some(Reason::NoInternetRoute { carried, dead_end: Arc::clone(dead_end) });
    }
    match (&interface.verdict, report) {
        (Verdict::Covered(..), _) => None,
        (Verdict::Uncovered(_), Some(report))
            if report.outcome == Outcome::Done && report.action.gives().is_some() =>
        {
            None
        }
        (Verdict::Uncovered(reason), _) => Some(reason.clone()),
        (Verdict::Gets(..), Some(report)) if report.outcome == Outcome::Done => None,
        (Verdict::Gets(..), Some(report)) if report.outcome == Outcome::Failed => {
            Some(Reason::ActionFailed(detail(report)))
        }
        (Verdict::Gets(..), Some(report)) if report.outcome == Outcome::Skipped => {
            Some(Reason::ActionSkipped(detail(report)))
        }
        (Verdict::Gets(allocation, public_ip), _) => Some(Reason::Planned(allocation.clone(), *public_ip)),
    }
}
