//! What a pass leaves behind: what it says of the whole target, what it keeps for the next, and when that one has
//! something to do. Changes nothing in AWS.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use tokio::time::Instant;

use super::{Reconciler, Round};
use crate::domain::action::{ActionReason, Outcome};
use crate::domain::audit::Violation;
use crate::domain::desired::Desired;
use crate::domain::error_class::ErrorClass;
use crate::domain::hint::Hint;
use crate::domain::ids::NetworkInterfaceId;
use crate::domain::observed::{Interface, InterfaceStatus, Observed, Part};
use crate::domain::plan::Plan;
use crate::domain::policy::Mode;
use crate::domain::reason::Reason;
use crate::domain::report::{ActionReport, PassResult, Report};
use crate::domain::warnings::unservable;
use crate::reconcile::act::may_have_happened;
use crate::reconcile::aftermath::{coverage, result};
use crate::reconcile::inbox::{Again, Seen};
use crate::reconcile::known::{Known, Standing};
use crate::reconcile::network::{read_in_time, subnets};

/// EC2's reads usually catch up within this (AWS.md 2: seconds up to minutes); polling finds what takes longer.
const READS_LAG: SignedDuration = SignedDuration::from_secs(30);

/// More interfaces than this are left to the poll.
const REFUSED_WATCHED_MAX: usize = 16;

/// How soon to see whether the list of all versions is there, when something waits for it.
const LIST_AWAITED: Duration = Duration::from_secs(5);

impl Reconciler {
    /// What the pass says of the whole target.
    pub(super) fn tell(
        &mut self,
        report: &mut Report,
        desired: &Desired,
        observed: &Observed,
        violations: &[Violation],
    ) {
        report.plan.warnings.extend(self.retirement.warning());
        for settled in self.unsettled.settle(&report.plan, Instant::now()) {
            let exists = |id: &NetworkInterfaceId| observed.interfaces.contains_key(id);
            match settled.association_id {
                // What was accepted was taken notice of then.
                Some(_) => self.contests.note_seen(&settled.action),
                None => self.contests.note_done(&settled, exists, Instant::now()),
            }
            self.ports.audience.hear_action(&self.target, self.passes, &settled);
            report.settled.push(settled);
        }
        report.unservable = unservable(desired, observed);
        report.failures = violations.iter().map(ToString::to_string).collect();
        report.result = result(report, observed, !violations.is_empty());
        self.tell_breaker(report);
        report.contested = self.contests.contested(Instant::now());
        (report.covered, report.uncovered) = coverage(&report.plan, &report.actions);
        self.blames.put_into(&mut report.uncovered);
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

    /// Keeps what was seen, for looks at a corner of it.
    pub(super) fn know(&mut self, round: &Round<'_>, desired: Arc<Desired>, observed: Observed, plan: &Plan) {
        self.inbox.learn(Seen::of(&desired, &observed));
        let known = Known::new(Arc::clone(&round.orders.declared), desired, observed, plan);
        self.known = Some(known);
    }

    /// What the last pass that could see saw, and what was desired then.
    #[must_use]
    pub fn seen(&self) -> Option<(&Desired, &Observed)> {
        self.known.as_ref().map(|known| (&*known.desired, &known.observed))
    }

    /// The same, when nothing more is to be asked of the target.
    #[must_use]
    pub fn into_seen(self) -> Option<(Arc<Desired>, Observed)> {
        self.known.map(Known::into_parts)
    }

    /// Answers the hints that the pass was made for: what can't be told from what it saw is looked at again, and so are
    /// functions that are changing. `strangers` are interfaces that turned out to be none of Lambda's.
    pub(super) fn answer(&mut self, is_complete: bool, strangers: &BTreeSet<NetworkInterfaceId>) {
        let (Some(known), before) = (&self.known, &self.before) else { return };
        let now = self.ports.clock.now();
        self.inbox.answer(|hint, origin| {
            let is_news = origin.is_some_and(|origin| now.duration_since(origin.at) < READS_LAG);
            let standing = known.standing(hint);
            let is_unchanged = is_news && (!standing.is_agreed() || before.get(hint) == Some(&standing));
            match (hint, standing) {
                (Hint::Any(Part::Interfaces | Part::Functions) | Hint::Selection(_), _) => None,
                (Hint::Interface(id, _), _) if strangers.contains(id) => None,
                _ if !is_complete => Some(Again::Unread),
                (Hint::Function(name), _) if known.is_changing(name) => Some(Again::Changing),
                (Hint::Function(name), _) => self.observer.book.is_in_doubt(name).then_some(Again::Unread),
                (Hint::Interface(..), Standing::Interface(None)) => {
                    let was_seen = matches!(before.get(hint), Some(Standing::Interface(Some(_))));
                    (!was_seen).then_some(Again::Unsettled)
                }
                (Hint::Interface(..), Standing::Interface(Some(shown))) if is_waiting(&shown) => {
                    Some(Again::Waiting)
                }
                (Hint::Any(Part::Addresses), _) => is_unchanged.then_some(Again::Unmoved),
                (Hint::Interface(_, None) | Hint::Address(_), _) => is_unchanged.then_some(Again::Unchanged),
                // That it was made is all that an event with the pair tells.
                (Hint::Interface(_, Some(_)), _) => None,
            }
        });
        self.inbox.watch(known.names().into_iter());
        self.before.keep_only(|hint| self.inbox.awaits(hint));
    }

    /// Looks again soon at interfaces that would not take an address before they serve.
    pub(super) fn watch_refused(&mut self, actions: &[ActionReport]) {
        let refused = actions.iter().filter(|report| {
            let is_refused = matches!(report.outcome, Outcome::Failed | Outcome::Skipped);
            report.action.reason == ActionReason::Upcoming
                && is_refused
                && report.class == Some(ErrorClass::Conflict)
        });
        for report in refused.take(REFUSED_WATCHED_MAX) {
            let hint = Hint::Interface(report.action.network_interface_id.clone(), None);
            self.inbox.look_again(hint, report.origin.clone());
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
                let settling =
                    report.uncovered.iter().filter(|one| matches!(one.reason, Reason::Settling(..)));
                let settling = settling.map(|one| &one.network_interface_id);
                let reserved = self.recent.next(settling, self.ports.clock.now());
                let books = [self.hesitations.next(now), self.retirement.next(now), self.contests.next(now)];
                let waits = books.into_iter().chain([self.removals.next(now), list, reserved]);
                waits.flatten().min()
            }
        }
    }

    /// Keeps what an action tells for those that follow.
    pub(super) fn remember(&mut self, report: &ActionReport, exists: impl Fn(&NetworkInterfaceId) -> bool) {
        let now = Instant::now();
        let action = &report.action;
        let interface = action.network_interface_id.clone();
        match action.gives().cloned() {
            Some(given) if may_have_happened(report) => {
                self.recent.note(interface, given, report.took, self.ports.clock.now());
            }
            None if report.outcome == Outcome::Done => self.recent.forget(&interface),
            _ => {}
        }
        if let Some(from) = action.from.as_ref().filter(|_| report.outcome == Outcome::Done) {
            self.recent.forget(from);
        }
        self.budget.note(report, now);
        // Who undoes it before any read shows it undoes it none the less.
        if report.was_accepted() && !report.found_done {
            self.contests.note_done(report, exists, now);
            if self.contests.is_fought_over(&action.allocation_id) {
                // Another address is better, if there is one.
                self.recent.note_refused(action.allocation_id.clone(), self.ports.clock.now());
            }
        }
        if report.outcome == Outcome::Done {
            self.hesitations.note_success(action);
            self.unsettled.forget(&action.network_interface_id);
        } else if let Some(class) = report.class {
            let bare_for = self.ledger.age(&action.network_interface_id, now).unwrap_or_default();
            self.unsettled.note(report, bare_for, now);
            self.hesitations.note_failure(report, class, now);
            if class == ErrorClass::Denied {
                self.recent.note_refused(action.allocation_id.clone(), self.ports.clock.now());
            }
        }
    }
}

/// It may take an address, and has none yet.
fn is_waiting(interface: &Interface) -> bool {
    interface.status == InterfaceStatus::Waiting && interface.associations.is_empty()
}
