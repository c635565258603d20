//! The addresses that are taken off interfaces which no declared function uses: they have no line elsewhere.

use std::collections::BTreeSet;
use std::fmt::{self, Write};

use super::interface::{Mark, removed};
use super::style::paint;
use super::words::{hint, plain, split_hint};
use crate::domain::report::Report;

/// One line for each.
pub(super) fn lines(report: &Report) -> Result<String, fmt::Error> {
    let shown: BTreeSet<_> =
        report.plan.interfaces.iter().map(|interface| &interface.network_interface_id).collect();
    let mut text = String::new();
    for change in &report.actions {
        let interface = &change.action.network_interface_id;
        if change.action.gives().is_some() || shown.contains(interface) {
            continue;
        }
        let told = removed(change);
        let (told, advice) = split_hint(&told);
        let sign = paint(Mark::Takes.style(), Mark::Takes.sign());
        writeln!(text, "{sign} {interface} {}", plain(told))?;
        advice.map_or(Ok(()), |advice| hint(&mut text, 2, advice))?;
    }
    Ok(text)
}
