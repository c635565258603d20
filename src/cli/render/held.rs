//! The interfaces that are not covered, since only versions use them that do not count.

use std::fmt::{self, Write};

use super::Detail;
use super::style::{HEAD, paint};
use super::words::{count, some_of};
use crate::domain::report::Report;

/// Up to so many are named unless everything is.
const NAMED: usize = 8;

/// The interfaces with the versions that use them.
pub(super) fn lines(report: &Report, detail: Detail) -> Result<String, fmt::Error> {
    let held = &report.plan.held;
    let mut text = String::new();
    if held.is_empty() {
        return Ok(text);
    }
    let named = if detail == Detail::Everything { held.len() } else { NAMED };
    let title = "held by versions that are not covered";
    writeln!(text, "{}", paint(HEAD, title))?;
    for held in held.iter().take(named) {
        let (interface, subnet) = (&held.network_interface_id, &held.pair.subnet);
        writeln!(text, "  {interface} of {} in {subnet}", some_of(&held.versions))?;
    }
    match held.len().saturating_sub(named) {
        0 => {}
        more => writeln!(text, "  and {}", count(more, "more interface", "more interfaces"))?,
    }
    Ok(text)
}
