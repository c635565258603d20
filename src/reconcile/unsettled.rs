//! Changes that AWS may have carried out without an answer: what became of them is told when a later observation shows it,
//! so that none is missing from log and metrics. Repeats nothing; losing it costs a line in the log (law 8).

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::domain::action::{Action, Outcome};
use crate::domain::error_class::ErrorClass;
use crate::domain::ids::NetworkInterfaceId;
use crate::domain::plan::{Plan, Verdict};
use crate::domain::report::ActionReport;

/// What is not shown by then was not carried out: EC2's reads lag by minutes at most (AWS.md 2, confirmed).
const KEPT: Duration = Duration::from_secs(10 * 60);

/// The changes without an answer, one for an interface.
#[derive(Default)]
pub(super) struct Unsettled {
    open: BTreeMap<NetworkInterfaceId, Open>,
}

struct Open {
    report: ActionReport,
    at: Instant,
    /// For how long the interface had been bare by then.
    bare_for: Duration,
}

impl Unsettled {
    /// Remembers a change whose outcome is not known.
    pub(super) fn note(&mut self, report: &ActionReport, bare_for: Duration, at: Instant) {
        // What was to be taken off shows itself as what is left to do.
        if report.class == Some(ErrorClass::OutcomeUnknown) && report.action.gives().is_some() {
            let interface = report.action.network_interface_id.clone();
            self.open.insert(interface, Open { report: report.clone(), at, bare_for });
        }
    }

    /// Whether it was tried before, and no answer came.
    pub(super) fn holds(&self, action: &Action) -> bool {
        let open = self.open.get(&action.network_interface_id);
        open.is_some_and(|open| open.report.action.allocation_id == action.allocation_id)
    }

    /// A repetition was answered, so that there is nothing left to find out.
    pub(super) fn forget(&mut self, interface: &NetworkInterfaceId) {
        self.open.remove(interface);
    }

    /// Those that a look shows carried out.
    pub(super) fn settle(&mut self, plan: &Plan, now: Instant) -> Vec<ActionReport> {
        if self.open.is_empty() {
            return Vec::new();
        }
        let verdicts: BTreeMap<_, _> =
            plan.interfaces.iter().map(|one| (&one.network_interface_id, &one.verdict)).collect();
        let mut settled = Vec::new();
        self.open.retain(|interface, open| match verdicts.get(interface) {
            Some(Verdict::Covered(allocation, _)) => {
                if *allocation == open.report.action.allocation_id {
                    settled.push(open.done(now));
                }
                false
            }
            Some(Verdict::Gets(..) | Verdict::Uncovered(_)) | None => now < open.at + KEPT,
        });
        settled
    }
}

impl Open {
    fn done(&self, now: Instant) -> ActionReport {
        let since = now.duration_since(self.at);
        ActionReport {
            outcome: Outcome::Done,
            class: None,
            detail: Some("no answer came, and a later look shows it done".to_owned()),
            took: self.report.took + since,
            repaired_after: Some(self.bare_for + since),
            ..self.report.clone()
        }
    }
}
