//! What comes before a disruption: the budget is asked, and the functions that it may hit are read once more, since what
//! a pass knows of them may be as old as `function_refresh`; and what nothing declared needs any more is found out.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use tokio::time::Instant;

use super::{Orders, Reconciler, Round};
use crate::domain::action::{Action, ActionReason};
use crate::domain::desired::Desired;
use crate::domain::drain::drained;
use crate::domain::function::{FunctionObservation, FunctionRef};
use crate::domain::leave::Leave;
use crate::domain::observed::{Gap, Observed, Part};
use crate::domain::plan::{Plan, plan};
use crate::domain::policy::Mode;
use crate::domain::reason::{Warning, WarningKind};
use crate::domain::report::Report;
use crate::reconcile::removal::Removals;

/// What was read of a function longer ago is read again before an address is given on its account.
const KNOWN_FOR: SignedDuration = SignedDuration::from_secs(30);

/// What was read may change the plan, and so whom it may hit.
const LOOKS: usize = 3;

/// The plan by these orders.
pub(super) fn planned(orders: &Orders, desired: &Desired, observed: &Observed) -> Plan {
    let mut planned = plan(desired, observed);
    if orders.drain.is_some() {
        planned.actions.retain(|action| action.reason == ActionReason::Drained);
    }
    // Who names something asks for that, not for every disruption that waits besides.
    if !orders.named.is_empty() {
        planned.actions.retain(|action| !action.is_disruption() || orders.named.covers(action));
    }
    planned
}

fn too_many() -> Warning {
    let message = "more functions share interfaces with wrong addresses than a pass may read, so those stay; \
                   hint: `eipd apply` reads as many as it takes";
    Warning { kind: WarningKind::FunctionUnknown, message: message.to_owned() }
}

impl Reconciler {
    /// What may be disturbed, as far as it takes no further reads to tell.
    pub(super) fn leave(&mut self, orders: &Orders, desired: &Desired, observed: &Observed) -> Leave {
        let unneeded = orders.drain.as_ref().map(|scope| drained(desired, observed, scope));
        let unneeded = unneeded.unwrap_or_default();
        Leave {
            on_removed: orders.on_removed,
            former: self.removals.former(observed),
            drained: unneeded.keys().cloned().collect(),
            unneeded,
            named: orders.named.clone(),
        }
    }

    /// The plan, with what nothing declared needs any more taken off where that is asked for; nothing when the pass was
    /// cancelled.
    pub(super) async fn release(
        &mut self,
        round: &Round<'_>,
        desired: &Desired,
        before: Plan,
        observed: &mut Observed,
    ) -> Option<Plan> {
        let Orders { on_removed, switchover_grace, drain, .. } = round.orders;
        if drain.is_some() || !observed.is_complete() {
            return Some(before);
        }
        let is_considered = self.removals.consider(&before, observed, *on_removed);
        if is_considered {
            let holders = Removals::holders(&before, desired, observed);
            let is_small = holders.len() <= round.limits.function_reads;
            // One list in a pass is enough, and an older one too old: what uses an interface decides here.
            let roster = match self.observer.versions.roster_since(round.begun) {
                Some(roster) => Ok(roster),
                None => self.list_versions(round).await?,
            };
            // After the list: what was settled before it may have begun to change when it was made.
            let reads = self.observer.read_in_detail(holders.iter().filter(|_| is_small).cloned().collect());
            let read = round.in_time(reads).await?;
            observed.functions.extend(self.observer.book.observations(holders.iter()));
            match (read, roster) {
                (Ok(gaps), Ok(roster)) if is_small && gaps.is_empty() => {
                    self.removals.note(&roster, &before, desired, observed, *switchover_grace);
                }
                _ => self.removals.note_failure(),
            }
        }
        observed.leave.unneeded = self.removals.unneeded();
        // What was read anew may differ from what the plan before rests on, and the audit goes by the newest.
        let is_as_before = !is_considered && observed.leave.unneeded.is_empty();
        Some(if is_as_before { before } else { planned(round.orders, desired, observed) })
    }

    /// The plan, resting on what the functions are now to which it gives an address: one that has left a pair unnoticed leaves
    /// interfaces to others. What can't be read soon is taken as it is known, for a bare interface waits for nobody; nothing
    /// when the pass was cancelled.
    pub(super) async fn ascertain(
        &mut self,
        round: &Round<'_>,
        desired: &Desired,
        before: Plan,
        observed: &mut Observed,
    ) -> Option<Plan> {
        let now = self.ports.clock.now();
        let is_due = |action: &&Action| self.objection(action, Instant::now()).is_none();
        let given = before.actions.iter().filter(|action| action.gives().is_some()).filter(is_due);
        let users: BTreeSet<&FunctionRef> = given.flat_map(|action| action.functions.iter()).collect();
        let mut old = self.observer.book.read_before(users.into_iter(), now - KNOWN_FOR);
        old.retain(|function| !self.observer.book.is_refused(function, now));
        old.truncate(round.limits.function_reads);
        if old.is_empty() || round.orders.mode == Mode::Observe {
            return Some(before);
        }
        let _unread = round.in_time(self.observer.read_soon(old.clone())).await?;
        let now_known = self.observer.book.observations(old.iter());
        // What shows that nothing uses an interface rests on functions that had settled (law 12).
        let has_settled = |(function, observation): (&FunctionRef, &FunctionObservation)| match observation {
            FunctionObservation::Known(shown) => shown.is_settled(function),
            FunctionObservation::NotFound | FunctionObservation::Unknown => false,
        };
        if !now_known.iter().all(has_settled) {
            observed.retired.clear();
        }
        observed.functions.extend(now_known);
        Some(planned(round.orders, desired, observed))
    }

    /// The plan, with its disruptions weighed and resting on what was just read; nothing when the pass was cancelled.
    pub(super) async fn weigh(
        &mut self,
        round: &Round<'_>,
        desired: &Desired,
        mut plan: Plan,
        observed: &mut Observed,
    ) -> Option<Plan> {
        let mut read: BTreeSet<FunctionRef> = BTreeSet::new();
        for looks in 0..=LOOKS {
            self.budget.weigh(&plan.actions, round.orders.disruptions, Instant::now());
            let hit = plan.actions.iter().filter(|action| self.budget.admits(action));
            let unread: BTreeSet<FunctionRef> = hit
                .flat_map(|action| action.functions.iter())
                .filter(|f| !read.contains(*f))
                .cloned()
                .collect();
            if unread.is_empty() {
                break;
            }
            if looks == LOOKS || read.len() + unread.len() > round.limits.function_reads {
                plan.actions.retain(|action| !action.is_disruption());
                plan.warnings.push(too_many());
                self.budget.weigh(&plan.actions, round.orders.disruptions, Instant::now());
                break;
            }
            let reads = self.observer.read_in_detail(unread.iter().cloned().collect());
            let failed = |message| vec![Gap { part: Part::Functions, message }];
            observed.gaps.extend(round.in_time(reads).await?.unwrap_or_else(failed));
            observed.functions.extend(self.observer.book.observations(unread.iter()));
            read.extend(unread);
            plan = planned(round.orders, desired, observed);
        }
        Some(plan)
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
