//! How many disruptions a pass may make (law 3). All that it plans, or none: half of a change that is larger than the
//! operator foresaw is no safer than the whole. Counts what this process did; losing that count (law 8) allows at worst
//! another hour's worth.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use super::act::may_have_happened;
use crate::domain::action::{Action, ActionReason};
use crate::domain::error_class::ErrorClass;
use crate::domain::ids::{AllocationId, NetworkInterfaceId};
use crate::domain::policy::DisruptionBudget;
use crate::domain::report::{ActionReport, Breaker};

/// The window that slides over what was done.
const WINDOW: Duration = Duration::from_secs(60 * 60);

/// What was disturbed lately, and what may be disturbed now.
#[derive(Default)]
pub(super) struct Budget {
    done: VecDeque<Instant>,
    admitted: BTreeSet<(NetworkInterfaceId, AllocationId)>,
    breaker: Option<Breaker>,
}

impl Budget {
    /// Weighs the disruptions of a plan: admits all of them, or opens the breaker. It closes by itself once a plan fits.
    pub(super) fn weigh(&mut self, actions: &[Action], limits: DisruptionBudget, now: Instant) {
        while self.done.front().is_some_and(|done| *done + WINDOW <= now) {
            self.done.pop_front();
        }
        let planned = || actions.iter().filter(|action| action.is_disruption());
        self.admitted = planned().map(key).collect();
        let removals = planned().filter(|action| action.reason == ActionReason::Removed).count();
        let weighed =
            Breaker { planned: self.admitted.len(), removals, in_last_hour: self.done.len(), limits };
        self.breaker = (weighed.planned > weighed.left()).then_some(weighed);
        if self.breaker.is_some() {
            self.admitted.clear();
        }
    }

    /// What may be disturbed in this pass.
    pub(super) fn admitted(&self) -> &BTreeSet<(NetworkInterfaceId, AllocationId)> {
        &self.admitted
    }

    /// Whether the action is a disruption that may be made in this pass.
    pub(super) fn admits(&self, action: &Action) -> bool {
        self.admitted.contains(&key(action))
    }

    /// Why disruptions are held back, if they are.
    pub(super) fn breaker(&self) -> Option<Breaker> {
        self.breaker
    }

    /// Why the action is not to be tried now, if so.
    pub(super) fn against(&self, action: &Action) -> Option<(ErrorClass, String)> {
        let breaker = self.breaker.filter(|_| action.is_disruption())?;
        Some((ErrorClass::Conflict, format!("held back: {breaker}")))
    }

    /// Takes notice of what became of an action. What was carried out counts, and what may have been; what AWS refused or
    /// throttled disturbed nothing.
    pub(super) fn note(&mut self, report: &ActionReport, now: Instant) {
        let happened = may_have_happened(report) || report.is_half_done;
        if report.action.is_disruption() && happened && !report.found_done {
            self.done.push_back(now);
        }
    }
}

fn key(action: &Action) -> (NetworkInterfaceId, AllocationId) {
    (action.network_interface_id.clone(), action.allocation_id.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::action::{ActionKind, Outcome};
    use crate::domain::scenario::{alloc, associate, eni};
    use crate::reconcile::act::planned;

    fn disruptions(count: u32) -> Vec<Action> {
        let kinds = [ActionKind::Replace, ActionKind::Disassociate];
        let disruption = |n: u32| Action {
            kind: kinds[n as usize % 2],
            replaces: Some(alloc(100 + n)),
            ..associate(n, n, &["f"])
        };
        (0..count).map(disruption).chain([associate(77, 77, &["f"])]).collect()
    }

    #[test]
    fn a_plan_is_admitted_whole_or_not_at_all_and_the_window_slides() {
        let limits = DisruptionBudget { per_pass: 3, per_hour: 4 };
        let mut budget = Budget::default();
        let mut now = Instant::now();
        let weigh = |budget: &mut Budget, count, now| {
            budget.weigh(&disruptions(count), limits, now);
            (budget.admitted().len(), budget.breaker().is_some())
        };
        assert_eq!(weigh(&mut budget, 4, now), (0, true));
        assert!(budget.against(&disruptions(1)[0]).is_some() && budget.against(&disruptions(0)[0]).is_none());
        assert_eq!(weigh(&mut budget, 3, now), (3, false));
        for action in disruptions(3) {
            budget.note(&ActionReport { outcome: Outcome::Done, ..planned(&action) }, now);
        }
        now += WINDOW / 2;
        assert_eq!(weigh(&mut budget, 2, now), (0, true));
        assert_eq!(weigh(&mut budget, 1, now), (1, false));
        let failed = |class| ActionReport {
            outcome: Outcome::Failed,
            class: Some(class),
            ..planned(&disruptions(1)[0])
        };
        for class in
            [ErrorClass::Denied, ErrorClass::Throttled, ErrorClass::Conflict, ErrorClass::Unavailable]
        {
            budget.note(&failed(class), now);
            assert_eq!(weigh(&mut budget, 1, now), (1, false), "what is refused disturbs nothing: {class:?}");
        }
        budget.note(&failed(ErrorClass::OutcomeUnknown), now);
        assert_eq!(weigh(&mut budget, 1, now), (0, true));
        now += WINDOW / 2;
        assert_eq!(weigh(&mut budget, 3, now), (3, false));
        budget.note(&ActionReport { is_half_done: true, ..failed(ErrorClass::Throttled) }, now);
        assert_eq!(weigh(&mut budget, 3, now), (0, true), "an address is off, whatever came then");
        now += WINDOW;
        assert_eq!(weigh(&mut budget, 3, now), (3, false));
        assert!(budget.admitted().contains(&(eni(2), alloc(2))));
    }
}
