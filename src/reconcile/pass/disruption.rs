//! What comes before a disruption: the budget is asked, and the functions that it may hit are read once more, since what
//! a pass knows of them may be as old as `function_refresh`. Plans nothing itself.

use std::collections::BTreeSet;

use tokio::time::Instant;

use super::{Reconciler, Round};
use crate::domain::function::FunctionRef;
use crate::domain::observed::{Gap, Observed, Part};
use crate::domain::plan::{Plan, plan};
use crate::domain::reason::{Warning, WarningKind};
use crate::domain::report::Report;

/// What was read may change the plan, and so whom it may hit.
const LOOKS: usize = 3;

impl Reconciler {
    /// The plan, with its disruptions weighed and resting on what was just read; nothing when the pass was cancelled.
    pub(super) async fn weigh(
        &mut self,
        round: &Round<'_>,
        mut planned: Plan,
        observed: &mut Observed,
    ) -> Option<Plan> {
        let desired = &*round.orders.desired;
        let mut read: BTreeSet<FunctionRef> = BTreeSet::new();
        for looks in 0..=LOOKS {
            self.budget.weigh(&planned.actions, round.orders.disruptions, Instant::now());
            let hit = planned.actions.iter().filter(|action| self.budget.admits(action));
            let unread: BTreeSet<FunctionRef> = hit
                .flat_map(|action| action.functions.iter())
                .filter(|f| !read.contains(*f))
                .cloned()
                .collect();
            if unread.is_empty() {
                break;
            }
            if looks == LOOKS || read.len() + unread.len() > round.limits.function_reads {
                let message = "too many functions would have to be read before a disruption".to_owned();
                observed.gaps.push(Gap { part: Part::Functions, message });
            } else {
                let reads = self.observer.read_in_detail(unread.iter().cloned().collect());
                let failed = |message| vec![Gap { part: Part::Functions, message }];
                observed.gaps.extend(round.in_time(reads).await?.unwrap_or_else(failed));
                observed.functions.extend(self.observer.book.observations(unread.iter()));
                read.extend(unread);
            }
            planned = plan(desired, observed);
        }
        Some(planned)
    }

    /// The budget's word on what may be disturbed now.
    pub(super) fn tell_breaker(&self, report: &mut Report) {
        report.breaker = self.budget.breaker();
        let warning = report
            .breaker
            .map(|breaker| Warning { kind: WarningKind::BreakerOpen, message: breaker.to_string() });
        report.plan.warnings.extend(warning);
    }
}
