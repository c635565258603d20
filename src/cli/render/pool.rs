//! How the pools stand: one line each, and of many only those with something to be said.

use std::fmt::{self, Write};

use super::Tense;
use super::style::{BAD, WARN, paint};
use super::words::count;
use crate::domain::action::Outcome;
use crate::domain::plan::PoolFigures;
use crate::domain::report::{ActionReport, Report};

/// Up to so many pools are shown one by one.
const POOLS_MAX: usize = 12;

/// The pools of a report.
pub(super) fn lines(report: &Report, tense: Tense) -> Result<String, fmt::Error> {
    let done = |action: &ActionReport| action.outcome == Outcome::Done;
    let stale = tense == Tense::Past && report.actions.iter().any(done);
    let note = if stale { " (before these changes)" } else { "" };
    let pools: Vec<_> = report.plan.pools.iter().collect();
    let counts_quiet = pools.len() > POOLS_MAX;
    let (quiet, shown): (Vec<_>, Vec<_>) =
        pools.into_iter().partition(|(_, figures)| counts_quiet && is_quiet(figures));
    let mut text = String::new();
    for (name, figures) in shown {
        writeln!(text, "pool {name}: {}{note}", Figures(figures))?;
    }
    if !quiet.is_empty() {
        let associated: usize = quiet.iter().map(|(_, figures)| figures.associated).sum();
        let spare: usize = quiet.iter().map(|(_, figures)| figures.spare).sum();
        let pools = count(quiet.len(), "pool", "pools");
        writeln!(text, "{pools} without shortage: {associated} associated, {spare} spare{note}")?;
    }
    Ok(text)
}

fn is_quiet(figures: &PoolFigures) -> bool {
    figures.shortfall == 0 && oddities(figures).iter().all(|(figure, _)| *figure == 0)
}

/// What is mostly zero, and what it counts.
fn oddities(figures: &PoolFigures) -> [(usize, &'static str); 6] {
    let PoolFigures {
        associated: _,
        spare: _,
        min_spare: _,
        overflow: _,
        shortfall: _,
        lingering,
        elsewhere,
        missing,
        foreign,
        unknown,
        bystanders,
    } = *figures;
    [
        (lingering, "lingering on retired interfaces"),
        (elsewhere, "on interfaces that only others use"),
        (missing, "missing"),
        (foreign, "on foreign resources"),
        (unknown, "not readable or settling"),
        (bystanders, "undeclared functions beside"),
    ]
}

/// The figures of a pool in words; what is zero and would be bad is left out.
pub(in crate::cli) struct Figures<'a>(pub(in crate::cli) &'a PoolFigures);

impl fmt::Display for Figures<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let PoolFigures { associated, spare, overflow, shortfall, .. } = *self.0;
        write!(f, "{associated} associated, {spare} spare")?;
        if overflow > 0 {
            write!(f, ", {}", count(overflow, "overflow interface", "overflow interfaces"))?;
        }
        for (figure, what) in oddities(self.0).into_iter().filter(|(figure, _)| *figure > 0) {
            write!(f, ", {}", paint(WARN, format_args!("{figure} {what}")))?;
        }
        if shortfall > 0 {
            write!(f, ", {}", paint(BAD, format_args!("short of {shortfall}")))?;
        }
        Ok(())
    }
}
