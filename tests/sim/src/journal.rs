//! The journal: every call, what it named and how it ended.
//!
//! Two runs of the same seed print the same journal, byte for byte. Credentials are never written down.

use crate::moment::Moment;
use crate::wire::Service;
use std::collections::BTreeMap;
use std::fmt;

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It was carried out and answered.
    Ok,
    /// It was answered with this error code.
    Error(String),
    /// It was carried out, or refused by AWS's rules, and the answer did not arrive whole.
    Lost,
    /// It was never carried out and never answered.
    Hung,
    /// The connection was refused.
    Refused,
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ok => f.write_str("ok"),
            Self::Error(code) => f.write_str(code),
            Self::Lost => f.write_str("(lost)"),
            Self::Hung => f.write_str("(hung)"),
            Self::Refused => f.write_str("(refused)"),
        }
    }
}

/// One call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When it was carried out, or would have been.
    pub at: Moment,
    /// The service.
    pub service: Service,
    /// The operation.
    pub operation: String,
    /// What it named, in one line.
    pub detail: String,
    /// Whether the operation changes something.
    pub mutating: bool,
    /// How it ended.
    pub ending: Ending,
}

/// All calls, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Journal {
    start: Moment,
    entries: Vec<Entry>,
}

impl Journal {
    pub(crate) fn new(start: Moment) -> Self {
        Self { start, entries: Vec::new() }
    }

    pub(crate) fn record(&mut self, entry: Entry) {
        self.entries.push(entry);
    }

    /// The calls, oldest first.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// How many calls there were of an operation.
    pub fn count(&self, operation: &str) -> usize {
        self.entries.iter().filter(|entry| entry.operation == operation).count()
    }

    /// How many calls there were of each operation.
    pub fn counts(&self) -> BTreeMap<&str, usize> {
        let mut counts = BTreeMap::new();
        for entry in &self.entries {
            *counts.entry(entry.operation.as_str()).or_default() += 1;
        }
        counts
    }

    /// How many calls ended with this error code.
    pub fn errors(&self, code: &str) -> usize {
        self.entries
            .iter()
            .filter(|entry| matches!(&entry.ending, Ending::Error(found) if found == code))
            .count()
    }

    /// The calls that were to change something.
    pub fn mutating(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.mutating)
    }
}

/// One line for each call: seconds since the world's start, service, operation, what it named, how it ended.
impl fmt::Display for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for entry in &self.entries {
            let seconds = entry.at.since(self.start).as_secs_f64();
            let Entry { service, operation, detail, ending, .. } = entry;
            let gap = if detail.is_empty() { "" } else { " " };
            writeln!(f, "{seconds:>10.3} {service} {operation}{gap}{detail} -> {ending}")?;
        }
        Ok(())
    }
}
