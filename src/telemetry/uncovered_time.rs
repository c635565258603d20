//! For how long functions had an interface without its address: an estimate, since passes look only now and then.
//!
//! * An interface uncovered after two consecutive looks was uncovered between them.
//! * One that a pass repaired was uncovered for what the pass measured from its first sight, as far as that lies
//!   after the last look.
//! * An interface that became uncovered and was covered again between two looks counts nothing, and neither does the
//!   time before the first sight: AWS does not say when it began. So the sum is a lower bound, off by at most one poll
//!   interval for each episode.
//!
//! A function counts once, however many of its interfaces are uncovered at a time. A failed pass is no look: the next
//! one that sees something closes the span. Where the wall clock was set back, the span counts nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;

use crate::domain::function::FunctionRef;
use crate::domain::ids::NetworkInterfaceId;
use crate::domain::report::Report;

/// What the last look at a target saw.
#[derive(Default)]
pub(super) struct LastLook {
    ended_at: Option<Timestamp>,
    uncovered: BTreeSet<NetworkInterfaceId>,
}

impl LastLook {
    /// How long each function was uncovered since the last look; takes this one as the last.
    pub(super) fn advance(&mut self, report: &Report) -> BTreeMap<FunctionRef, Duration> {
        let ended_at = ended_at(report);
        let span =
            self.ended_at.map(|last| Duration::try_from(ended_at.duration_since(last)).unwrap_or_default());
        let mut spent: BTreeMap<FunctionRef, Duration> = BTreeMap::new();
        let mut add = |functions: &[FunctionRef], time: Duration| {
            for function in functions {
                let longest = spent.entry(function.clone()).or_default();
                *longest = time.max(*longest);
            }
        };
        for uncovered in &report.uncovered {
            if self.uncovered.contains(&uncovered.network_interface_id) {
                add(&uncovered.functions, span.unwrap_or_default());
            }
        }
        for action in &report.actions {
            if let Some(age) = action.repaired_after {
                add(&action.action.functions, span.map_or(age, |span| age.min(span)));
            }
        }
        self.ended_at = Some(ended_at);
        self.uncovered = report.uncovered.iter().map(|u| u.network_interface_id.clone()).collect();
        spent
    }
}

/// When a pass ended, on the wall clock.
pub(super) fn ended_at(report: &Report) -> Timestamp {
    report.started_at.checked_add(report.took).unwrap_or(report.started_at)
}
