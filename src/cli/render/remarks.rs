//! What is to be known of a target besides its interfaces: functions that cannot be served, and warnings; and, apart from
//! the answer, failures.

use std::fmt::{self, Write};

use super::interface::Mark;
use super::style::{BAD, WARN, paint};
use super::words::{hint, plain, split_hint};
use crate::domain::report::Report;

/// The remarks of a report; what two lists of it say is said once.
pub(super) fn lines(report: &Report) -> Result<String, fmt::Error> {
    let mut text = String::new();
    let mut told: Vec<&str> = report.failures.iter().map(String::as_str).collect();
    for one in &report.unservable {
        let message = one.warning.message.as_str();
        told.push(message);
        let sign = paint(Mark::Without.style(), Mark::Without.sign());
        remark(&mut text, format_args!("{sign}"), message)?;
    }
    for warning in report.plan.warnings.iter().filter(|warning| !told.contains(&warning.message.as_str())) {
        remark(&mut text, format_args!("{}", paint(WARN, "warning:")), &warning.message)?;
    }
    Ok(text)
}

/// Why a pass could not tell or do everything: diagnostics, so they are not among the lines of the answer.
pub(in crate::cli) fn failures(reports: &[Report]) -> Vec<String> {
    let mut told = Vec::new();
    for report in reports {
        let target = if reports.len() > 1 { format!(" target {}:", report.target) } else { String::new() };
        for failure in &report.failures {
            let mut text = String::new();
            let lead = format_args!("{}{target}", paint(BAD, "error:"));
            let written = remark(&mut text, lead, failure);
            told.extend(written.is_ok().then(|| text.trim_end().to_owned()));
        }
    }
    told
}

/// A failure as a diagnostic, with its hint on the next line.
pub(in crate::cli) fn failure(message: &str) -> String {
    let mut text = String::new();
    let written = remark(&mut text, format_args!("{}", paint(BAD, "error:")), message);
    written.map_or_else(|_| message.to_owned(), |()| text.trim_end().to_owned())
}

/// A warning as a diagnostic, with its hint on the next line.
pub(in crate::cli) fn warning(message: &str) -> String {
    let mut text = String::new();
    let written = remark(&mut text, format_args!("{}", paint(WARN, "warning:")), message);
    written.map_or_else(|_| message.to_owned(), |()| text.trim_end().to_owned())
}

/// Writes a message, and its hint on the next line.
pub(in crate::cli) fn remark(text: &mut String, lead: fmt::Arguments<'_>, message: &str) -> fmt::Result {
    let (message, advice) = split_hint(message);
    writeln!(text, "{lead} {}", plain(message))?;
    advice.map_or(Ok(()), |advice| hint(text, 2, advice))
}
