//! The addresses that are taken off: on interfaces that no declared function uses they have no line elsewhere, and a drain
//! shows nothing else.

use std::collections::BTreeSet;
use std::fmt::{self, Write};

use super::interface::{Mark, removed};
use super::style::paint;
use super::words::{hint, plain, split_hint};
use crate::domain::report::{ActionReport, Report};

/// One line for each on an interface that no declared function uses.
pub(super) fn lines(report: &Report) -> Result<String, fmt::Error> {
    let shown: BTreeSet<_> =
        report.plan.interfaces.iter().map(|interface| &interface.network_interface_id).collect();
    let is_elsewhere = |change: &&ActionReport| {
        change.action.gives().is_none() && !shown.contains(&change.action.network_interface_id)
    };
    let mut text = String::new();
    report.actions.iter().filter(is_elsewhere).try_for_each(|change| write_one(&mut text, change))?;
    Ok(text)
}

/// One line for each change, and a word when there is none.
pub(super) fn all(report: &Report) -> String {
    let mut text = String::new();
    if report.actions.is_empty() {
        text.push_str("nothing to take off\n");
    }
    let written = report.actions.iter().try_for_each(|change| write_one(&mut text, change));
    written.expect("a string takes all");
    text
}

fn write_one(text: &mut String, change: &ActionReport) -> fmt::Result {
    let told = removed(change);
    let (told, advice) = split_hint(&told);
    let sign = paint(Mark::Takes.style(), Mark::Takes.sign());
    writeln!(text, "{sign} {} {}", change.action.network_interface_id, plain(told))?;
    advice.map_or(Ok(()), |advice| hint(text, 2, advice))
}
