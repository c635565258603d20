//! One pass over one target: observe, plan, audit, act, report. The reconciler keeps nothing between passes but
//! caches (law 8), and a pass that could not see decides nothing.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::act::{Actor, may_have_happened, planned};
use super::gate::{Gate, Rules};
use super::hesitation::Hesitations;
use super::ledger::Ledger;
use super::observe::{Blind, Observer};
use super::ports::{Audience, Changes, Clock, Reads};
use super::recent::RecentWrites;
use crate::domain::action::{Action, Outcome};
use crate::domain::audit::audit;
use crate::domain::desired::Desired;
use crate::domain::ids::{AccountId, TargetName};
use crate::domain::observed::Observed;
use crate::domain::plan::{InterfacePlan, Plan, Verdict, plan};
use crate::domain::policy::Mode;
use crate::domain::reason::{Reason, Uncovered};
use crate::domain::report::{ActionReport, PassResult, Report, Trigger};
use crate::domain::warnings::unservable;

/// What the operator wants of a target, as far as a pass needs to know.
#[derive(Clone, PartialEq, Debug)]
pub struct Orders {
    /// What is desired.
    pub desired: Arc<Desired>,
    /// Whether changes are made.
    pub mode: Mode,
    /// How old an unchanged function configuration may get.
    pub function_refresh: Duration,
    /// The account that the credentials must belong to, where the configuration says which.
    pub account: Option<AccountId>,
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
    passes: u64,
    seed: u64,
}

/// How long a pass may take.
#[derive(Clone, Debug)]
pub struct Limits {
    /// No action is begun after this, and no longer than two thirds of it are spent on the observation.
    pub within: Duration,
    /// Ends the pass early: nothing new is begun.
    pub cancel: CancellationToken,
    /// No more functions than this are read one by one.
    pub function_reads: usize,
}

/// A pass, and when the next one has something to do.
#[derive(Debug)]
pub struct Passed {
    /// What was done.
    pub report: Report,
    /// When work is left: after how long to go on with it.
    pub go_on_after: Option<Duration>,
}

impl Limits {
    fn to_observe(&self) -> Duration {
        self.within * 2 / 3
    }
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
            recent: RecentWrites::default(),
            hesitations: Hesitations::default(),
            ledger: Ledger::default(),
            passes: 0,
            seed,
        }
    }

    /// Who is told of what happens.
    #[must_use]
    pub fn audience(&self) -> Arc<dyn Audience> {
        Arc::clone(&self.ports.audience)
    }

    /// Makes one pass; nothing when it was cancelled before it had seen anything.
    pub async fn pass(&mut self, orders: &Orders, trigger: Trigger, limits: &Limits) -> Option<Passed> {
        self.passes += 1;
        let begun = Instant::now();
        let mut report = self.blank(orders, trigger);
        match self.observe(orders, limits, begun).await? {
            Ok(observed) => self.reconcile(orders, &observed, limits, begun, &mut report).await,
            Err(failures) => {
                report.result = PassResult::Failed;
                report.failures = failures;
            }
        }
        report.took = begun.elapsed();
        let go_on_after = self.go_on_after(&report);
        Some(Passed { report, go_on_after })
    }

    fn blank(&self, orders: &Orders, trigger: Trigger) -> Report {
        Report {
            target: self.target.clone(),
            pass: self.passes,
            trigger,
            mode: orders.mode,
            started_at: self.ports.clock.now(),
            took: Duration::ZERO,
            result: PassResult::Ok,
            failures: Vec::new(),
            plan: Plan::default(),
            actions: Vec::new(),
            covered: 0,
            uncovered: Vec::new(),
            unservable: Vec::new(),
            oldest_uncovered: None,
        }
    }

    async fn observe(
        &mut self,
        orders: &Orders,
        limits: &Limits,
        begun: Instant,
    ) -> Option<Result<Observed, Vec<String>>> {
        self.recent.forget_old(self.ports.clock.now());
        let look = self.observer.observe(orders, &self.recent, limits.function_reads);
        tokio::select! {
            biased;
            () = limits.cancel.cancelled() => None,
            seen = timeout_at(begun + limits.to_observe(), look) => Some(match seen {
                Ok(Ok(observed)) => Ok(observed),
                Ok(Err(Blind(why))) => Err(why),
                Err(_) => Err(vec![format!("the observation took longer than {} s", limits.to_observe().as_secs())]),
            }),
        }
    }

    async fn reconcile(
        &mut self,
        orders: &Orders,
        observed: &Observed,
        limits: &Limits,
        begun: Instant,
        report: &mut Report,
    ) {
        report.plan = plan(&orders.desired, observed);
        report.unservable = unservable(&orders.desired, observed);
        let bare =
            report.plan.required().filter(|interface| !matches!(interface.verdict, Verdict::Covered(..)));
        self.ledger.note(bare.map(|interface| &interface.network_interface_id), Instant::now());
        let violations = audit(&orders.desired, observed, &report.plan.actions);
        report.actions = if violations.is_empty() {
            self.act(orders, observed, limits, begun, &report.plan.actions).await
        } else {
            report.failures = violations.iter().map(ToString::to_string).collect();
            refused(&report.plan.actions)
        };
        report.result = result(report, observed, !violations.is_empty());
        (report.covered, report.uncovered) = coverage(&report.plan, &report.actions);
        let open = report.uncovered.iter().map(|uncovered| &uncovered.network_interface_id);
        report.oldest_uncovered = self.ledger.oldest(open, Instant::now());
    }

    async fn act(
        &mut self,
        orders: &Orders,
        observed: &Observed,
        limits: &Limits,
        begun: Instant,
        actions: &[Action],
    ) -> Vec<ActionReport> {
        if orders.mode == Mode::Observe {
            return actions.iter().map(planned).collect();
        }
        self.hesitations.keep_only(actions.iter());
        let now = Instant::now();
        let objections: Vec<_> = actions.iter().map(|action| self.hesitations.against(action, now)).collect();
        let willing = actions.iter().zip(&objections).filter(|(_, objection)| objection.is_none());
        let willing: Vec<Action> = willing.map(|(action, _)| action.clone()).collect();
        let rules = Rules {
            mode: orders.mode,
            account: observed.account.clone(),
            declared: orders.desired.allocations(),
        };
        let actor = Actor {
            reads: &*self.ports.reads,
            gate: &self.gate,
            rules: &rules,
            until: begun + limits.within,
            cancel: &limits.cancel,
            tell: &|report| self.ports.audience.hear_action(&self.target, self.passes, report),
            seed: self.seed.wrapping_mul(1_000_003).wrapping_add(self.passes << 20),
        };
        let mut tried = actor.carry_out(&willing).await;
        for report in &mut tried {
            self.remember(report);
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

    fn remember(&mut self, report: &mut ActionReport) {
        let now = Instant::now();
        let action = &report.action;
        if may_have_happened(report) {
            let (interface, allocation) = (action.network_interface_id.clone(), action.allocation_id.clone());
            self.recent.note(interface, allocation, self.ports.clock.now());
        }
        if report.outcome == Outcome::Done {
            self.hesitations.note_success(action);
            report.repaired_after = self.ledger.age(&action.network_interface_id, now);
        } else if let Some(class) = report.class {
            let why = report.detail.clone().unwrap_or_default();
            self.hesitations.note_failure(&report.action, class, &why, now);
        }
    }

    /// Work that only the clock kept from being done goes on at once, failed actions when they may be tried again.
    fn go_on_after(&self, report: &Report) -> Option<Duration> {
        let left = report.actions.iter().any(|a| a.outcome == Outcome::Skipped && a.class.is_none());
        let hesitating = self.hesitations.next(Instant::now());
        match report.result {
            PassResult::Refused => None,
            _ if left || self.observer.has_unread() => Some(Duration::ZERO),
            _ => hesitating,
        }
    }
}

fn refused(actions: &[Action]) -> Vec<ActionReport> {
    let refuse = |action| ActionReport {
        outcome: Outcome::Skipped,
        detail: Some("the audit refused the plan: a defect in eipd, please report it".to_owned()),
        ..planned(action)
    };
    actions.iter().map(refuse).collect()
}

fn result(report: &Report, observed: &Observed, refused: bool) -> PassResult {
    let failed = report.actions.iter().any(|action| action.outcome == Outcome::Failed);
    if refused {
        PassResult::Refused
    } else if failed || !observed.is_complete() {
        PassResult::Incomplete
    } else {
        PassResult::Ok
    }
}

/// How the serving interfaces stand after the actions.
fn coverage(plan: &Plan, actions: &[ActionReport]) -> (usize, Vec<Uncovered>) {
    let outcomes: std::collections::BTreeMap<_, _> =
        actions.iter().map(|report| (&report.action.network_interface_id, report)).collect();
    let uncovered: Vec<Uncovered> = plan
        .required()
        .filter_map(|interface| {
            let reason = reason_after(interface, outcomes.get(&interface.network_interface_id).copied())?;
            Some(interface.uncovered(reason))
        })
        .collect();
    (plan.required().count() - uncovered.len(), uncovered)
}

fn reason_after(interface: &InterfacePlan, report: Option<&ActionReport>) -> Option<Reason> {
    let detail = |report: &ActionReport| report.detail.clone().unwrap_or_default();
    match (&interface.verdict, report) {
        (Verdict::Covered(..), _) => None,
        (Verdict::Uncovered(reason), _) => Some(reason.clone()),
        (Verdict::Gets(..), Some(report)) if report.outcome == Outcome::Done => None,
        (Verdict::Gets(..), Some(report)) if report.outcome == Outcome::Failed => {
            Some(Reason::ActionFailed(detail(report)))
        }
        (Verdict::Gets(..), Some(report)) if report.outcome == Outcome::Skipped => {
            Some(Reason::ActionSkipped(detail(report)))
        }
        (Verdict::Gets(allocation, public_ip), _) => Some(Reason::Planned(allocation.clone(), *public_ip)),
    }
}
