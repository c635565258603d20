//! The text of `plan` and `apply`, which reads like a diff. Pure: from reports to text, styled; never observes, never
//! decides, and leaves out nothing that is to be done or is wrong.
//!
//! `section` groups a target's interfaces by function and subnet, `interface` says how one of them stands, `collapse` says
//! which of the unchanged ones are only counted, `removal` what is taken off elsewhere, `held` names the
//! interfaces of versions that are not covered, `remarks` has what is to be known besides, `summary` the last line.

mod collapse;
#[cfg(test)]
pub(super) mod fixtures;
mod held;
mod interface;
pub(super) mod pool;
mod remarks;
mod removal;
mod section;
pub(super) mod style;
mod summary;
#[cfg(test)]
mod tests;
pub(super) mod words;

pub(super) use remarks::{failure, failures, remark, warning};
use std::collections::BTreeMap;

use std::fmt::{self, Write};

use crate::domain::ids::NetworkInterfaceId;
use crate::domain::plan::InterfacePlan;
use crate::domain::report::{ActionReport, Coverage, PassResult, Report};
use style::{HEAD, paint};

/// How much is said of what stays as it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Detail {
    /// Much of it is only counted.
    Changes,
    /// Every interface is named.
    Everything,
}

impl Detail {
    /// From `--full`.
    pub(super) fn from_flag(full: bool) -> Self {
        if full { Self::Everything } else { Self::Changes }
    }
}

/// What would be done.
pub(super) fn plan(reports: &[Report], detail: Detail) -> String {
    Text { reports, detail, tense: Tense::Future }.to_string()
}

/// What was done.
pub(super) fn apply(reports: &[Report], detail: Detail) -> String {
    Text { reports, detail, tense: Tense::Past }.to_string()
}

/// The addresses that are or were taken off on request.
pub(super) fn drain(reports: &[Report]) -> String {
    let mut text = String::new();
    for report in reports {
        if reports.len() > 1 {
            text.push_str(&format!("{}\n", paint(HEAD, format_args!("target {}", report.target))));
        }
        text.push_str(&removal::all(report));
    }
    text
}

/// Whether a report is of things to come or of things done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Tense {
    Future,
    Past,
}

/// What became of the action on an interface, by interface.
type Outcomes<'a> = BTreeMap<&'a NetworkInterfaceId, &'a ActionReport>;

struct Text<'a> {
    reports: &'a [Report],
    detail: Detail,
    tense: Tense,
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for report in self.reports {
            if self.reports.len() > 1 {
                writeln!(f, "{}\n", paint(HEAD, format_args!("target {}", report.target)))?;
            }
            f.write_str(&self.target(report)?)?;
        }
        summary::write(f, self.reports, self.tense)
    }
}

impl Text<'_> {
    /// One target: its parts, each followed by an empty line.
    fn target(&self, report: &Report) -> Result<String, fmt::Error> {
        let outcomes: Outcomes<'_> =
            report.actions.iter().map(|action| (&action.action.network_interface_id, action)).collect();
        let mut text = String::new();
        let mut part = |content: String| match content.as_str() {
            "" => Ok(()),
            content => writeln!(text, "{content}"),
        };
        if is_quiet(report) {
            part(format!("{}\n", nothing_to_do(report)))?;
        }
        if !is_quiet(report) || self.detail == Detail::Everything {
            for section in section::sections(report, &outcomes, self.detail) {
                part(section.to_string())?;
            }
        }
        part(removal::lines(report)?)?;
        part(held::lines(report, self.detail)?)?;
        part(pool::lines(report, self.tense)?)?;
        part(remarks::lines(report)?)?;
        Ok(text)
    }
}

/// Whether everything is as it should be, interfaces that do not serve yet included.
fn is_quiet(report: &Report) -> bool {
    report.coverage() == Coverage::Covered
        && report.result != PassResult::Refused
        && report.plan.actions.is_empty()
        && report.plan.interfaces.iter().all(InterfacePlan::is_covered)
}

fn nothing_to_do(report: &Report) -> &'static str {
    if report.plan.interfaces.is_empty() {
        "nothing to do: no declared function has a network interface"
    } else {
        "nothing to do: every interface carries an address of its set"
    }
}
