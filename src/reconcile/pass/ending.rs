//! What a pass leaves behind: what it says of the whole target, what it keeps for the next, and when that one has
//! something to do. Changes nothing in AWS.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::{Reconciler, Round};
use crate::domain::action::Outcome;
use crate::domain::audit::Violation;
use crate::domain::desired::Desired;
use crate::domain::function::FunctionObservation;
use crate::domain::hint::{Hint, Hints};
use crate::domain::ids::NetworkInterfaceId;
use crate::domain::observed::{InterfaceStatus, Observed};
use crate::domain::plan::Plan;
use crate::domain::policy::Mode;
use crate::domain::report::{PassResult, Report};
use crate::domain::warnings::unservable;
use crate::reconcile::aftermath::{coverage, result};
use crate::reconcile::known::Known;
use crate::reconcile::network::{read_in_time, subnets};

/// How soon to see whether the list of all versions is there, when something waits for it.
const LIST_AWAITED: Duration = Duration::from_secs(5);

impl Reconciler {
    /// What the pass says of the whole target.
    pub(super) fn tell(
        &mut self,
        report: &mut Report,
        round: &Round<'_>,
        observed: &Observed,
        violations: &[Violation],
    ) {
        for settled in self.unsettled.settle(&report.plan, Instant::now()) {
            self.contests.note_done(&settled, Instant::now());
            self.ports.audience.hear_action(&self.target, self.passes, &settled);
            report.settled.push(settled);
        }
        report.unservable = unservable(&round.orders.desired, observed);
        report.failures = violations.iter().map(ToString::to_string).collect();
        report.result = result(report, observed, !violations.is_empty());
        report.contested = self.contests.contested(Instant::now());
        (report.covered, report.uncovered) = coverage(&report.plan, &report.actions);
        let open = || report.uncovered.iter().map(|uncovered| &uncovered.network_interface_id);
        let now = Instant::now();
        report.oldest_uncovered = self.ledger.oldest(open(), now).max(self.stuck.oldest(open(), now));
    }

    /// Reads where the subnets of the declared functions lead, when it is time: after the actions, since none waits for it.
    pub(super) async fn read_network(&mut self, round: &Round<'_>, observed: &mut Observed) {
        let subnets = subnets(observed);
        let refresh = round.orders.function_refresh;
        if !self.observer.network.is_due(&subnets, self.ports.clock.now(), refresh) {
            return;
        }
        let read = read_in_time(&*self.ports.reads, &subnets);
        let network = tokio::select! {
            biased;
            () = round.limits.cancel.cancelled() => return,
            network = read => network,
        };
        self.observer.network.note(subnets, network, self.ports.clock.now());
        observed.network = self.observer.network.known();
    }

    /// Keeps what was seen, for looks at a corner of it, and looks soon again at functions that are changing.
    pub(super) fn know(&mut self, round: &Round<'_>, observed: Observed, plan: &Plan) {
        for (function, observation) in &observed.functions {
            let hint = Hint::Function(function.name().into());
            let is_changing = matches!(observation, FunctionObservation::Known(shown) if shown.is_changing());
            if !is_changing {
                self.patience.settled(&hint);
            } else if let Some(wait) = self.patience.next(&hint, Instant::now()) {
                self.inbox.look_again(hint, None, wait);
            }
        }
        let known = Known::new(Arc::clone(&round.orders.desired), observed, plan);
        self.inbox.learn(known.concerns());
        self.known = Some(known);
    }

    /// What the last pass that could see saw, and what was desired then.
    #[must_use]
    pub fn into_seen(self) -> Option<(Arc<Desired>, Observed)> {
        self.known.map(Known::into_parts)
    }

    /// Looks again at interfaces that an event told of and that EC2 does not show yet, or that do not serve yet.
    pub(super) fn settle(
        &mut self,
        hints: &Hints,
        were_known: &BTreeSet<NetworkInterfaceId>,
        seen: &Observed,
    ) {
        for (hint, origin) in &hints.0 {
            let Hint::Interface(id, _) = hint else { continue };
            let is_settled = match seen.interfaces.get(id) {
                Some(interface) => {
                    interface.status != InterfaceStatus::Waiting || !interface.associations.is_empty()
                }
                None => were_known.contains(id) && seen.is_complete(),
            };
            if is_settled {
                self.patience.settled(hint);
            } else if let Some(wait) = self.patience.next(hint, Instant::now()) {
                self.inbox.look_again(hint.clone(), origin.clone(), wait);
            }
        }
    }

    /// Work that only the clock kept from being done goes on at once, failed actions when they may be tried again, and
    /// what a look at a corner made possible elsewhere at once too.
    pub(super) fn go_on_after(&self, report: &Report) -> Option<Duration> {
        let left = report.actions.iter().any(|a| a.outcome == Outcome::Skipped && a.class.is_none());
        let now = Instant::now();
        let elsewhere = report.mode == Mode::Enforce
            && !report.is_whole
            && report.plan.actions.iter().any(|action| self.objection(action, now).is_none());
        match report.result {
            PassResult::Refused => None,
            _ if left || elsewhere || self.observer.has_unread() => Some(Duration::ZERO),
            _ => {
                let list = self.observer.versions.is_awaited().then_some(LIST_AWAITED);
                let waits =
                    [self.hesitations.next(now), self.retirement.next(now), self.contests.next(now), list];
                waits.into_iter().flatten().min()
            }
        }
    }
}
