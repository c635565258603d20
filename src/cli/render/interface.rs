//! How one interface stands, in one line: a mark, the interface, what it carries or why it does not.

use std::fmt;
use std::net::IpAddr;

use anstyle::Style;

use super::style::{BAD, GOOD, QUIET, WARN, paint};
use super::words::{hint, plain, split_hint, took};
use crate::domain::action::{ActionReason, Outcome};
use crate::domain::ids::AllocationId;
use crate::domain::network::DeadEnd;
use crate::domain::observed::InterfaceStatus;
use crate::domain::plan::{InterfacePlan, Verdict};
use crate::domain::reason::{Reason, Shown};
use crate::domain::report::ActionReport;

/// What a line is marked with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Mark {
    Keeps,
    Gets,
    Without,
    Waiting,
    Takes,
}

impl Mark {
    pub(super) fn sign(self) -> char {
        match self {
            Self::Keeps => '=',
            Self::Gets => '+',
            Self::Without => '!',
            Self::Waiting => '~',
            Self::Takes => '-',
        }
    }

    pub(super) fn style(self) -> Style {
        match self {
            Self::Keeps => QUIET,
            Self::Gets => GOOD,
            Self::Without => BAD,
            Self::Waiting | Self::Takes => WARN,
        }
    }
}

/// An interface and all that is said of it.
#[derive(Debug)]
pub(super) struct Line<'a> {
    pub(super) mark: Mark,
    interface: &'a InterfacePlan,
    text: String,
    hint: Option<String>,
}

impl<'a> Line<'a> {
    /// What is said of an interface, given what became of the action on it, if there is one.
    pub(super) fn of(interface: &'a InterfacePlan, action: Option<&ActionReport>) -> Self {
        let serves = interface.status == InterfaceStatus::InUse;
        let trouble = if serves { Mark::Without } else { Mark::Waiting };
        let (mark, message) = match (&interface.verdict, action) {
            (Verdict::Covered(..), Some(action)) if action.action.gives().is_none() => {
                let mark = if action.outcome == Outcome::Done { trouble } else { Mark::Keeps };
                (mark, removed(action))
            }
            (Verdict::Covered(allocation, ip), _) => {
                let later = if serves { "" } else { ", not serving yet" };
                (Mark::Keeps, format!("keeps {}{later}", Shown(allocation, *ip)))
            }
            (Verdict::Gets(allocation, ip), action) => {
                let address = Shown(allocation, Some(*ip));
                match action.map(|action| (action.outcome, action)) {
                    None => (Mark::Gets, format!("gets  {address}")),
                    Some((Outcome::Planned, action)) => {
                        (Mark::Gets, format!("gets  {address}: {}", why(action.action.reason)))
                    }
                    Some((Outcome::Done, action)) => {
                        let reason = why(action.action.reason);
                        (Mark::Gets, format!("got   {address} in {}: {reason}", took(action.took)))
                    }
                    Some((Outcome::Failed, action)) => {
                        (trouble, format!("did not get {address}{}", detail(action)))
                    }
                    Some((Outcome::Skipped, action)) => {
                        (trouble, format!("was not given {address}{}", detail(action)))
                    }
                }
            }
            (Verdict::Uncovered(reason), Some(action)) if action.action.is_disruption() => {
                disrupted(reason, action, trouble)
            }
            (Verdict::Uncovered(reason), _) => (trouble, without(reason, serves)),
        };
        let (mark, message) = match &interface.dead_end {
            Some(dead_end) => (trouble, no_way_out(&message, dead_end)),
            None => (mark, message),
        };
        let (text, hint) = split_hint(&message);
        Self { mark, interface, text: plain(text).into_owned(), hint: hint.map(str::to_owned) }
    }

    /// The hint, unless the next line repeats it.
    pub(super) fn hint_before(&self, next: Option<&Self>) -> Option<&str> {
        let repeated = next.is_some_and(|next| next.hint == self.hint);
        self.hint.as_deref().filter(|_| !repeated)
    }

    /// Writes the line and, where it is the last of those that share it, the hint.
    pub(super) fn write(&self, f: &mut impl fmt::Write, next: Option<&Self>) -> fmt::Result {
        let sign = paint(self.mark.style(), self.mark.sign());
        writeln!(f, "    {sign} {} {}", self.interface.network_interface_id, self.text)?;
        self.hint_before(next).map_or(Ok(()), |text| hint(f, 6, text))
    }
}

/// A wrong address, and what becomes of it.
fn disrupted(reason: &Reason, report: &ActionReport, trouble: Mark) -> (Mark, String) {
    let action = &report.action;
    let address = Shown(&action.allocation_id, Some(action.public_ip));
    let Some(lost) = &action.replaces else { return (trouble, removed(report)) };
    let lost = Shown(lost, face(lost, reason));
    match report.outcome {
        Outcome::Planned => (Mark::Gets, format!("swaps {lost} for {address}: {}", why(action.reason))),
        Outcome::Done => (
            Mark::Gets,
            format!("swapped {lost} for {address} in {}: {}", took(report.took), why(action.reason)),
        ),
        Outcome::Failed | Outcome::Skipped => {
            let detail = detail(report);
            (trouble, format!("stays wrong: {reason}; {lost} was not swapped for {address}{detail}"))
        }
    }
}

/// The public face of an address that an interface carries wrongly.
fn face(lost: &AllocationId, reason: &Reason) -> Option<IpAddr> {
    let Reason::WrongAddress { carried, .. } = reason else { return None };
    carried.iter().find(|one| one.allocation_id.as_ref() == Some(lost)).and_then(|one| one.public_ip)
}

/// An address that is taken off.
pub(super) fn removed(report: &ActionReport) -> String {
    let action = &report.action;
    let address = Shown(&action.allocation_id, Some(action.public_ip));
    let why = match action.reason {
        ActionReason::Drained => "on request",
        _ => "no declared function needs it there any more",
    };
    match report.outcome {
        Outcome::Planned => format!("loses {address}: {why}"),
        Outcome::Done => format!("lost  {address} in {}: {why}", took(report.took)),
        Outcome::Failed => format!("did not lose {address}{}", detail(report)),
        Outcome::Skipped => format!("was left {address}{}", detail(report)),
    }
}

fn why(reason: ActionReason) -> &'static str {
    match reason {
        ActionReason::Bare => "carries no address",
        ActionReason::Upcoming => "about to serve, and carries no address",
        ActionReason::Retired => "carries no address; this one is on an interface that nothing uses any more",
        ActionReason::Wrong => "replaces an address of another pool",
        ActionReason::Removed => "replaces an address that has left the configuration",
        ActionReason::Named => "named with --take",
        ActionReason::Drained => "taken off on request",
        ActionReason::Lost => "got it moments ago, and no read shows it any more",
    }
}

fn detail(action: &ActionReport) -> String {
    action.detail.as_ref().map(|detail| format!(": {detail}")).unwrap_or_default()
}

/// No address helps there, so what is to be done about the route is the hint.
fn no_way_out(message: &str, dead_end: &DeadEnd) -> String {
    let (message, _) = split_hint(message);
    format!("{message}; {dead_end}")
}

fn without(reason: &Reason, serves: bool) -> String {
    match (reason, serves) {
        (Reason::SpareHeldBack(_), false) => reason.to_string(),
        (_, false) => format!("not serving yet: {reason}"),
        (Reason::WrongAddress { .. }, true) => format!("stays wrong: {reason}"),
        (_, true) => format!("stays without: {reason}"),
    }
}
