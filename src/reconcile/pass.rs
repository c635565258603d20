//! One pass over one target: observe, plan, audit, act, report. The reconciler keeps nothing between passes but
//! caches (law 8), and a pass that could not see decides nothing.

mod bounds;
mod disruption;
mod ending;
mod memory;
pub mod sign_in;
mod taking;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

pub use bounds::{Limits, Passed};
pub use memory::Memory;
use tokio::time::{Instant, timeout_at};

use super::act::{Actor, planned};
use super::aftermath::{note_done, refused};
use super::blame::Blames;
use super::budget::Budget;
use super::contest::Contests;
use super::gate::{Gate, Rules};
use super::hesitation::Hesitations;
use super::inbox::{Again, Errand, Inbox, Seen};
use super::known::{Before, Known};
use super::ledger::Ledger;
use super::look::Look;
use super::observe::{Blind, Observer, Sighting};
use super::ports::{Audience, Changes, Clock, Reads};
use super::recent::RecentWrites;
use super::removal::Removals;
use super::retirement::Retirement;
use super::unsettled::Unsettled;
use crate::domain::action::{Action, Outcome};
use crate::domain::audit::{Violation, audit};
use crate::domain::declared::Declared;
use crate::domain::desired::Desired;
use crate::domain::drain::Scope;
use crate::domain::error_class::ErrorClass;
use crate::domain::hint::{Hint, Hints};
use crate::domain::ids::{AccountId, NetworkInterfaceId, TargetName};
use crate::domain::leave::Named;
use crate::domain::observed::{Observed, Part};
use crate::domain::plan::{InterfacePlan, Plan, Verdict, plan};
use crate::domain::policy::{DisruptionBudget, Grace, Mode, OnRemoved, TakeFrom};
use crate::domain::report::{ActionReport, PassResult, Report, Trigger};
use crate::domain::resolve::{Selection, resolve};

/// What the operator wants of a target, as far as a pass needs to know.
#[derive(Clone, PartialEq, Debug)]
pub struct Orders {
    /// What is declared; each pass over everything finds out what that amounts to.
    pub declared: Arc<Declared>,
    /// Whether changes are made.
    pub mode: Mode,
    /// How old an unchanged function configuration may get.
    pub function_refresh: Duration,
    /// The account that the credentials must belong to, where the configuration says which.
    pub account: Option<AccountId>,
    /// From what an address may be taken.
    pub take_from: TakeFrom,
    /// How long an interface must have been without a user before that.
    pub switchover_grace: Grace,
    /// How many disruptions are allowed.
    pub disruptions: DisruptionBudget,
    /// What becomes of what has left the configuration.
    pub on_removed: OnRemoved,
    /// What an operator named.
    pub named: Named,
    /// Nothing is given, and this is taken off; nothing in a daemon.
    pub drain: Option<Scope>,
}

/// The outside of a target.
#[derive(Clone)]
pub struct Ports {
    /// Reading it.
    pub reads: Arc<dyn Reads>,
    /// Changing it.
    pub changes: Arc<dyn Changes>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Told of what happens.
    pub audience: Arc<dyn Audience>,
}

/// Makes the passes over one target, one at a time.
pub struct Reconciler {
    target: TargetName,
    ports: Ports,
    gate: Gate,
    observer: Observer,
    recent: RecentWrites,
    hesitations: Hesitations,
    ledger: Ledger,
    unsettled: Unsettled,
    /// Those whose subnets lead nowhere, which no action mends.
    stuck: Ledger,
    contests: Contests,
    blames: Blames,
    budget: Budget,
    removals: Removals,
    retirement: Retirement,
    inbox: Arc<Inbox>,
    /// Nothing before the first pass, and when the orders changed since.
    known: Option<Known>,
    before: Before,
    heirloom: Option<Memory>,
    passes: u64,
    seed: u64,
}

/// What one pass goes by.
struct Round<'a> {
    orders: &'a Orders,
    hints: &'a Hints,
    limits: &'a Limits,
    begun: Instant,
}

/// What a pass decides from: everything, or a corner.
struct Sight<'a> {
    desired: &'a Desired,
    observed: &'a Observed,
    /// When the interfaces were read, if that was just now.
    seen_at: Option<Instant>,
    /// Whether an interface is there, as far as this and earlier looks tell.
    exists: &'a (dyn Fn(&NetworkInterfaceId) -> bool + Sync),
}

/// What a pass decided and did.
struct Decision {
    plan: Plan,
    violations: Vec<Violation>,
    actions: Vec<ActionReport>,
}

impl Reconciler {
    /// A reconciler that knows nothing yet. The seed makes its jitter replayable.
    #[must_use]
    pub fn new(target: TargetName, ports: Ports, seed: u64) -> Self {
        Self {
            target,
            gate: Gate::new(Arc::clone(&ports.changes)),
            observer: Observer::new(Arc::clone(&ports.reads), Arc::clone(&ports.clock)),
            ports,
            unsettled: Unsettled::default(),
            contests: Contests::default(),
            blames: Blames::default(),
            budget: Budget::default(),
            removals: Removals::default(),
            retirement: Retirement::default(),
            inbox: Arc::default(),
            known: None,
            before: Before::default(),
            recent: RecentWrites::default(),
            hesitations: Hesitations::default(),
            ledger: Ledger::default(),
            stuck: Ledger::default(),
            heirloom: None,
            passes: 0,
            seed,
        }
    }

    /// Who is told of what happens.
    #[must_use]
    pub fn audience(&self) -> Arc<dyn Audience> {
        Arc::clone(&self.ports.audience)
    }

    /// The target, and the number that its next pass will have.
    #[must_use]
    pub fn next_pass(&self) -> (TargetName, u64) {
        (self.target.clone(), self.passes + 1)
    }

    /// Where hints for this target are taken in.
    #[must_use]
    pub fn inbox(&self) -> Arc<Inbox> {
        Arc::clone(&self.inbox)
    }

    /// Makes one pass over everything; nothing when it was cancelled before it had seen anything.
    pub async fn pass(&mut self, orders: &Orders, trigger: Trigger, limits: &Limits) -> Option<Passed> {
        self.declare(orders);
        let hints = self.inbox.take_all();
        let round = Round { orders, hints: &hints, limits, begun: Instant::now() };
        self.pass_over_all(&round, trigger).await
    }

    /// Looks where the hints point, or at everything where what is known does not tell where that is.
    pub async fn run_errand(&mut self, orders: &Orders, errand: Errand, limits: &Limits) -> Option<Passed> {
        self.declare(orders);
        let (hints, known) = match errand {
            Errand::LookAtAll(hints) => (hints, None),
            Errand::Look(hints) if hints.is_anywhere() => (hints, None),
            Errand::Look(hints) => (hints, self.known.take_if(|known| known.is_of(orders))),
        };
        let round = Round { orders, hints: &hints, limits, begun: Instant::now() };
        match known {
            Some(known) => self.pass_over_corner(&round, known).await,
            None => self.pass_over_all(&round, Trigger::Event).await,
        }
    }

    fn declare(&self, orders: &Orders) {
        match self.known.as_ref().filter(|known| known.is_of(orders)) {
            Some(known) => self.inbox.declare(&known.desired),
            None => declare_named(&self.inbox, orders),
        }
    }

    async fn pass_over_all(&mut self, round: &Round<'_>, trigger: Trigger) -> Option<Passed> {
        self.recall(round).await?;
        let mut report = self.blank(round, trigger);
        if let Some(known) = &self.known {
            self.blames.note(round.hints, known);
        }
        self.recent.refresh(self.ports.clock.now(), round.hints);
        self.doubt(round.hints);
        let are_same_orders = self.known.as_ref().is_some_and(|known| known.is_of(round.orders));
        let former = self.removals.in_question(are_same_orders);
        let first_list_by = round.begun + round.limits.to_observe() / 4;
        let reads = round.limits.function_reads;
        let look = self.observer.observe(round.orders, &mut self.recent, &former, reads, first_list_by);
        let Sighting { desired, mut observed } = match round.in_time(look).await? {
            Ok(Ok(sighting)) => sighting,
            Ok(Err(Blind(why))) => return Some(self.failed(report, why, round)),
            Err(too_slow) => return Some(self.failed(report, vec![too_slow], round)),
        };
        self.inbox.declare(&desired);
        self.removals.note_declared(&desired);
        observed.leave = self.leave(round.orders, &desired, &observed);
        let mut plan = disruption::planned(round.orders, &desired, &observed);
        let asks =
            round.orders.drain.is_none() && self.retirement.consider(&plan, &desired, round.orders.take_from);
        if !observed.is_complete() {
            self.retirement.postpone();
        } else if asks {
            observed.retired = self.retired(round, &desired, &mut observed).await?;
            // By the list that was made for it, whatever that showed.
            plan = disruption::planned(round.orders, &desired, &observed);
        }
        plan = self.release(round, &desired, plan, &mut observed).await?;
        plan = self.ascertain(round, &desired, plan, &mut observed).await?;
        plan = self.weigh(round, &desired, plan, &mut observed).await?;
        let exists = |id: &NetworkInterfaceId| observed.interfaces.contains_key(id);
        let sight = Sight { desired: &desired, observed: &observed, seen_at: None, exists: &exists };
        if observed.is_complete() {
            self.hesitations.keep_only(plan.actions.iter());
        }
        self.note_bare(&plan, &observed);
        // The changes may take a minute, and events about what was just seen come meanwhile.
        self.inbox.learn(Seen::of(&desired, &observed));
        if let Some(known) = &self.known {
            self.before.note(round.hints, known);
        }
        let decision = self.act_on(plan, round, &sight).await;
        report.desired = Arc::clone(&desired);
        report.plan = decision.plan;
        report.actions = decision.actions;
        self.watch_refused(&report.actions);
        self.tell(&mut report, &desired, &observed, &decision.violations);
        note_done(&mut observed, &report.actions);
        self.read_network(round, &mut observed).await;
        let is_complete = observed.is_complete();
        self.know(round, desired, observed, &report.plan);
        self.answer(is_complete, &BTreeSet::new());
        self.observer.versions.refresh(&self.ports.reads, round.orders.function_refresh);
        Some(self.passed(report, round))
    }

    async fn pass_over_corner(&mut self, round: &Round<'_>, mut known: Known) -> Option<Passed> {
        let is_told = round.hints.0.values().any(Option::is_some);
        let mut report = self.blank(round, if is_told { Trigger::Event } else { Trigger::Watch });
        report.is_whole = false;
        self.blames.note(round.hints, &known);
        self.recent.refresh(self.ports.clock.now(), round.hints);
        self.doubt(round.hints);
        let corner = known.corner(round.hints);
        self.before.note(round.hints, &known);
        let look = round.in_time(self.observer.look(&mut known, corner, &mut self.recent)).await;
        let look = match look.map(|look| look.map_err(|slow| Blind(vec![slow])).and_then(Look::or_blind)) {
            Some(Ok(look)) => look,
            ended => {
                self.known = Some(known);
                return ended.and_then(Result::err).map(|Blind(why)| self.failed(report, why, round));
            }
        };
        self.inbox.learn_more(look.pairs(), look.observed.interfaces.keys().cloned());
        let exists = |id: &NetworkInterfaceId| look.may_be_there(id, &known);
        let (desired, observed) = (&look.desired, &look.observed);
        let sight = Sight { desired, observed, seen_at: Some(look.at), exists: &exists };
        let plan_of_corner = known.plan_corner(sight.desired, sight.observed);
        let decision = self.act_on(plan_of_corner, round, &sight).await;
        let (gaps, strangers) = (look.gaps.clone(), look.strangers.clone());
        let desired = Arc::clone(&known.desired);
        let mut whole = look.into_whole(known);
        note_done(&mut whole, &decision.actions);
        report.desired = Arc::clone(&desired);
        report.plan = plan(&desired, &whole);
        report.actions = decision.actions;
        self.watch_refused(&report.actions);
        self.note_bare(&report.plan, &whole);
        self.retirement.consider(&report.plan, &desired, round.orders.take_from);
        let (gaps_before, is_complete) = (whole.gaps.len(), gaps.is_empty());
        whole.gaps.extend(gaps);
        self.tell(&mut report, &desired, &whole, &decision.violations);
        whole.gaps.truncate(gaps_before);
        self.know(round, desired, whole, &report.plan);
        self.answer(is_complete, &strangers);
        Some(self.passed(report, round))
    }

    fn blank(&mut self, round: &Round<'_>, trigger: Trigger) -> Report {
        self.passes += 1;
        Report {
            target: self.target.clone(),
            pass: self.passes,
            trigger,
            is_whole: true,
            mode: round.orders.mode,
            started_at: self.ports.clock.now(),
            took: Duration::ZERO,
            result: PassResult::Ok,
            failures: Vec::new(),
            desired: Arc::default(),
            plan: Plan::default(),
            actions: Vec::new(),
            settled: Vec::new(),
            covered: 0,
            uncovered: Vec::new(),
            unservable: Vec::new(),
            contested: Vec::new(),
            breaker: None,
            oldest_uncovered: None,
        }
    }

    /// What events tell of is no longer known, until it was read.
    fn doubt(&mut self, hints: &Hints) {
        for (hint, origin) in &hints.0 {
            match hint {
                Hint::Function(name) => {
                    self.observer.book.doubt(name);
                    // What is merely watched is read without its aliases.
                    if origin.is_some() {
                        self.observer.versions.doubt(name);
                    }
                }
                Hint::Any(Part::Functions) => self.observer.doubt_all(),
                Hint::Selection(_) => self.observer.selections.doubt(),
                Hint::Any(_) | Hint::Interface(..) | Hint::Address(_) => {}
            }
        }
    }

    fn failed(&self, mut report: Report, why: Vec<String>, round: &Round<'_>) -> Passed {
        self.inbox.answer(|_, _| Some(Again::Unread));
        report.result = PassResult::Failed;
        report.failures = why;
        self.passed(report, round)
    }

    fn passed(&self, mut report: Report, round: &Round<'_>) -> Passed {
        report.took = round.begun.elapsed();
        let go_on_after = self.go_on_after(&report);
        Passed { report, go_on_after }
    }

    /// An interface that a broken list does not show is as it was.
    fn note_bare(&mut self, plan: &Plan, observed: &Observed) {
        let is_bare = |interface: &&InterfacePlan| !matches!(interface.verdict, Verdict::Covered(..));
        let is_stuck = |interface: &&InterfacePlan| interface.dead_end.is_some();
        let unseen = |id: &NetworkInterfaceId| {
            observed.lacks(Part::Interfaces) && !observed.interfaces.contains_key(id)
        };
        let now = Instant::now();
        self.ledger.note(plan.required().filter(is_bare).map(|i| &i.network_interface_id), unseen, now);
        self.stuck.note(plan.required().filter(is_stuck).map(|i| &i.network_interface_id), unseen, now);
    }

    /// Carries out a plan, unless the audit speaks against it.
    async fn act_on(&mut self, plan: Plan, round: &Round<'_>, sight: &Sight<'_>) -> Decision {
        let violations = audit(sight.desired, sight.observed, &plan.actions);
        let actions = if violations.is_empty() {
            self.act(&plan.actions, round, sight).await
        } else {
            refused(&plan.actions)
        };
        Decision { plan, violations, actions }
    }

    async fn act(&mut self, actions: &[Action], round: &Round<'_>, sight: &Sight<'_>) -> Vec<ActionReport> {
        if round.orders.mode == Mode::Observe {
            return actions.iter().map(planned).collect();
        }
        let now = Instant::now();
        let objections: Vec<_> = actions.iter().map(|action| self.objection(action, now)).collect();
        let willing = actions.iter().zip(&objections).filter(|(_, objection)| objection.is_none());
        let willing: Vec<Action> = willing.map(|(action, _)| action.clone()).collect();
        let mut rules = Rules::of(round.orders.mode, sight.desired, sight.observed);
        rules.retired_until = self.retirement.proven_until();
        if sight.seen_at.is_none() {
            // Only a look at everything was weighed.
            rules.admitted = self.budget.admitted().clone();
        }
        let actor = Actor {
            reads: &*self.ports.reads,
            gate: &self.gate,
            rules: &rules,
            until: round.begun + round.limits.within,
            cancel: &round.limits.cancel,
            inbox: &self.inbox,
            finish: &|report| self.finish(report, round),
            seen: sight.seen_at.map(|at| (&sight.observed.interfaces, at)),
            seed: self.seed.wrapping_mul(1_000_003).wrapping_add(self.passes << 20),
        };
        let tried = actor.carry_out(&willing).await;
        for report in &tried {
            self.remember(report, sight.exists);
        }
        let mut tried = tried.into_iter();
        let reports = actions.iter().zip(objections).filter_map(|(action, objection)| match objection {
            Some((class, why)) => Some(ActionReport {
                outcome: Outcome::Skipped,
                detail: Some(why),
                class: Some(class),
                ..planned(action)
            }),
            None => tried.next(),
        });
        reports.collect()
    }

    /// Why an action is not to be tried now, if so.
    pub(super) fn objection(&self, action: &Action, now: Instant) -> Option<(ErrorClass, String)> {
        let contested = || Some((ErrorClass::Conflict, self.contests.against(action, now)?));
        let held_back = || self.budget.against(action);
        self.hesitations.against(action, now).or_else(held_back).or_else(contested)
    }

    /// Completes the report of an action that has just ended, and tells of it.
    fn finish(&self, mut report: ActionReport, round: &Round<'_>) -> ActionReport {
        let by_event = round.hints.origin_of(&report.action);
        report.origin = by_event.or(self.blames.of(&report.action.network_interface_id)).cloned();
        report.found_done &= !self.unsettled.holds(&report.action);
        if report.outcome == Outcome::Done && !report.found_done {
            let sight = self.ledger.age(&report.action.network_interface_id, Instant::now());
            let told = report.origin.as_ref().map(|origin| self.ports.clock.now().duration_since(origin.at));
            report.repaired_after = told.and_then(|age| Duration::try_from(age).ok()).or(sight);
        }
        self.ports.audience.hear_action(&self.target, self.passes, &report);
        report
    }
}

/// What is named is known to be declared before it is resolved. Where a tag selects more, what was declared before goes on
/// counting until then, lest events about that be taken for nobody's.
pub(super) fn declare_named(inbox: &Inbox, orders: &Orders) {
    inbox.select_by(&orders.declared);
    if !orders.declared.is_open() {
        inbox.declare(&Arc::new(resolve(&orders.declared, &Selection::default()).0));
    }
}

impl Round<'_> {
    /// What a look tells, or why it was given up; nothing when the pass was cancelled.
    async fn in_time<T>(&self, look: impl Future<Output = T>) -> Option<Result<T, String>> {
        let within = self.limits.to_observe();
        tokio::select! {
            biased;
            () = self.limits.cancel.cancelled() => None,
            seen = timeout_at(self.begun + within, look) => Some(
                seen.map_err(|_| format!("the observation took longer than {} s", within.as_secs())),
            ),
        }
    }
}
