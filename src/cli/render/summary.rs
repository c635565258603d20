//! The last line: what it all amounts to.

use std::fmt;
use std::time::Duration;

use super::Tense;
use super::style::{BAD, GOOD, HEAD, WARN, paint};
use super::words::{count, took};
use crate::domain::action::Outcome;
use crate::domain::observed::InterfaceStatus;
use crate::domain::plan::{InterfacePlan, Verdict};
use crate::domain::policy::Mode;
use crate::domain::reason::{Reason, Uncovered};
use crate::domain::report::{ActionReport, Coverage, PassResult, Report};

/// Writes the summary of all targets.
pub(super) fn write(f: &mut fmt::Formatter<'_>, reports: &[Report], tense: Tense) -> fmt::Result {
    doubts(f, reports)?;
    match tense {
        Tense::Future => planned(f, reports)?,
        Tense::Past => done(f, reports)?,
    }
    let unservable: usize = reports.iter().map(|report| report.unservable.len()).sum();
    if unservable > 0 {
        let functions = count(unservable, "function", "functions");
        write!(f, "; {}", paint(BAD, format_args!("{functions} cannot be served")))?;
    }
    writeln!(f)
}

/// What the figures that follow are not to be trusted for.
fn doubts(f: &mut fmt::Formatter<'_>, reports: &[Report]) -> fmt::Result {
    if reports.iter().any(|report| report.result == PassResult::Refused) {
        let lead = paint(BAD, "the audit refused the plan, so none of it is done");
        writeln!(f, "{lead}; this is a defect in eipd")?;
    }
    if reports.iter().any(|report| report.coverage() == Coverage::Unknown) {
        let lead = paint(WARN, "could not tell whether everything is covered");
        writeln!(f, "{lead}; the figures are of what was seen")?;
    }
    Ok(())
}

fn planned(f: &mut fmt::Formatter<'_>, reports: &[Report]) -> fmt::Result {
    let interfaces = || reports.iter().flat_map(|report| &report.plan.interfaces);
    let (serving, waiting): (Vec<_>, Vec<_>) =
        interfaces().partition(|interface| interface.status == InterfaceStatus::InUse);
    let gets = |interface: &&&InterfacePlan| matches!(interface.verdict, Verdict::Gets(..));
    let without = |interface: &&&InterfacePlan| {
        matches!(interface.verdict, Verdict::Uncovered(_)) && interface.dead_end.is_none()
    };
    let given = serving.iter().filter(gets).count();
    let bare = serving.iter().filter(without).count();
    let covered = serving.iter().filter(|interface| interface.is_covered()).count();
    total(f, serving.len(), covered)?;
    write!(f, ", {}", figure(GOOD, given, "to be given an address"))?;
    write!(f, ", {}", figure(BAD, bare, "without"))?;
    no_way_out(f, serving.iter().filter(|interface| interface.dead_end.is_some()).count())?;
    let disruptions = reports.iter().flat_map(|report| &report.plan.actions).filter(|a| a.is_disruption());
    match disruptions.count() {
        0 => {}
        disruptions => write!(f, "; {}", paint(WARN, count(disruptions, "disruption", "disruptions")))?,
    }
    if !waiting.is_empty() {
        write!(f, "; {} more not serving yet", waiting.len())?;
        match waiting.iter().filter(gets).count() {
            0 => {}
            given => write!(f, ", {} of them", figure(GOOD, given, "to be given an address"))?,
        }
    }
    Ok(())
}

fn done(f: &mut fmt::Formatter<'_>, reports: &[Report]) -> fmt::Result {
    let covered: usize = reports.iter().map(|report| report.covered).sum();
    let without: usize = reports.iter().map(|report| report.uncovered.len()).sum();
    total(f, covered + without, covered)?;
    let is_stuck = |uncovered: &&Uncovered| matches!(uncovered.reason, Reason::NoInternetRoute { .. });
    let stuck: usize = reports.iter().map(|report| report.uncovered.iter().filter(is_stuck).count()).sum();
    write!(f, ", {}", figure(BAD, without - stuck, "without"))?;
    no_way_out(f, stuck)?;
    let number = |outcome: Outcome| {
        let actions = reports.iter().flat_map(|report| &report.actions);
        actions.filter(|action| action.outcome == outcome).count()
    };
    let taken_off =
        |report: &&ActionReport| report.outcome == Outcome::Done && report.action.gives().is_none();
    let taken_off = reports.iter().flat_map(|report| &report.actions).filter(taken_off).count();
    write!(f, "; {}", figure(GOOD, number(Outcome::Done) - taken_off, "given an address"))?;
    if taken_off > 0 {
        write!(f, ", {}", figure(WARN, taken_off, "taken off"))?;
    }
    write!(f, ", {}", figure(BAD, number(Outcome::Failed), "failed"))?;
    write!(f, ", {}", figure(WARN, number(Outcome::Skipped), "skipped"))?;
    write!(f, ", in {}", took(span(reports)))?;
    let planned = number(Outcome::Planned);
    if planned > 0 && reports.iter().any(|report| report.mode == Mode::Observe) {
        let left = figure(WARN, planned, "left undone");
        write!(f, "; {left}, since `safety.mode` is `observe`")?;
    }
    Ok(())
}

fn no_way_out(f: &mut fmt::Formatter<'_>, interfaces: usize) -> fmt::Result {
    match interfaces {
        0 => Ok(()),
        _ => write!(f, ", {}", figure(BAD, interfaces, "with no way out")),
    }
}

fn total(f: &mut fmt::Formatter<'_>, interfaces: usize, covered: usize) -> fmt::Result {
    let total = count(interfaces, "interface", "interfaces");
    write!(f, "{}: {covered} covered", paint(HEAD, total))
}

/// A number with its meaning, in a style unless it is zero.
fn figure(style: anstyle::Style, number: usize, what: &str) -> String {
    match number {
        0 => format!("0 {what}"),
        _ => paint(style, format_args!("{number} {what}")).to_string(),
    }
}

/// From the first beginning to the last end, whether the passes were made side by side or one by one.
fn span(reports: &[Report]) -> Duration {
    let first = reports.iter().map(|report| report.started_at).min();
    let ends = reports.iter().map(|report| {
        let offset =
            first.map_or(jiff::SignedDuration::ZERO, |first| report.started_at.duration_since(first));
        offset.unsigned_abs() + report.took
    });
    ends.max().unwrap_or_default()
}
