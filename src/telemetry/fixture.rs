//! Hand-made reports for the tests of this room.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::configured::Configured;
use crate::domain::action::{Action, ActionKind, ActionReason, Outcome};
use crate::domain::declared::Declared;
use crate::domain::desired::{Desired, DesiredFunction, Pool};
use crate::domain::function::{FunctionRef, Pair};
use crate::domain::ids::{AllocationId, NetworkInterfaceId, TargetName};
use crate::domain::observed::InterfaceStatus;
use crate::domain::plan::{InterfacePlan, Plan, PoolFigures, Verdict};
use crate::domain::policy::Mode;
use crate::domain::reason::{Reason, Unservable, Warning, WarningKind};
use crate::domain::report::{ActionReport, PassResult, Report, Trigger};

/// Parses what is known to be valid.
pub(super) fn id<T: std::str::FromStr>(text: &str) -> T {
    text.parse().unwrap_or_else(|_| panic!("`{text}` is valid"))
}

/// The `n`-th interface.
pub(super) fn eni(n: u32) -> NetworkInterfaceId {
    id(&format!("eni-{n:08x}"))
}

/// The `n`-th allocation.
pub(super) fn eip(n: u32) -> AllocationId {
    id(&format!("eipalloc-{n:08x}"))
}

/// So many seconds after a fixed moment.
pub(super) fn moment(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).expect("within range")
}

/// A configuration that declares these functions, all in pool `partner-a`.
pub(super) fn configured(targets: &[(&str, &[&str])]) -> Configured {
    let mut configured = Configured::new("eipd.toml", moment(0), Duration::from_secs(60));
    for (name, functions) in targets {
        configured = configured.target(id(name), &Declared::from(&desired(functions)));
    }
    configured
}

/// These functions, all in pool `partner-a`.
pub(super) fn desired(functions: &[&str]) -> Desired {
    let mut desired = Desired::default();
    desired.pools.insert(id("partner-a"), Pool::default());
    for function in functions {
        let pool = id("partner-a");
        let declared = DesiredFunction {
            pool,
            pins: Default::default(),
            versions: Default::default(),
            priority: Default::default(),
        };
        desired.functions.insert(id(function), declared);
    }
    desired
}

/// A report that is built up interface by interface.
pub(super) struct Pass(Report);

/// The `n`-th pass of the target, a minute after the one before; it took two seconds.
pub(super) fn pass(target: &str, n: u64) -> Pass {
    let minutes = i64::try_from(n).expect("a small number");
    Pass(Report {
        target: id::<TargetName>(target),
        pass: n,
        trigger: if n == 1 { Trigger::Start } else { Trigger::Poll },
        is_whole: true,
        mode: Mode::Enforce,
        started_at: moment(minutes * 60),
        took: Duration::from_secs(2),
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
    })
}

impl Pass {
    pub(super) fn report(self) -> Report {
        self.0
    }

    pub(super) fn pool(mut self, name: &str, figures: PoolFigures) -> Self {
        self.0.plan.pools.insert(id(name), figures);
        self
    }

    /// An interface in use that carries its address already.
    pub(super) fn covered(mut self, n: u32, pool: &str, functions: &[&str]) -> Self {
        self.0.covered += 1;
        self.interface(n, pool, functions, Verdict::Covered(eip(n), Some(ip(n))))
    }

    /// An interface in use that this pass has nothing for.
    pub(super) fn uncovered(mut self, n: u32, pool: &str, functions: &[&str], reason: Reason) -> Self {
        let interface = planned(n, pool, functions, Verdict::Uncovered(reason.clone()));
        self.0.uncovered.push(interface.uncovered(reason));
        self.0.plan.interfaces.push(interface);
        self
    }

    /// A bare interface in use that got its address `age` seconds after it was first seen.
    pub(super) fn repaired(mut self, n: u32, pool: &str, functions: &[&str], age: u64) -> Self {
        self.0.covered += 1;
        let repaired_after = Some(Duration::from_secs(age));
        self.act(n, functions, Outcome::Done, None, repaired_after);
        self.interface(n, pool, functions, Verdict::Gets(eip(n), ip(n)))
    }

    /// A bare interface in use that should have got its address and did not.
    pub(super) fn unrepaired(
        mut self,
        n: u32,
        pool: &str,
        functions: &[&str],
        outcome: Outcome,
        why: &str,
    ) -> Self {
        let interface = planned(n, pool, functions, Verdict::Gets(eip(n), ip(n)));
        let reason = match outcome {
            Outcome::Failed => Reason::ActionFailed(why.to_owned()),
            _ => Reason::ActionSkipped(why.to_owned()),
        };
        self.0.uncovered.push(interface.uncovered(reason));
        self.0.plan.interfaces.push(interface);
        self.act(n, functions, outcome, Some(why.to_owned()), None);
        self
    }

    pub(super) fn warning(mut self, kind: WarningKind, message: &str) -> Self {
        self.0.plan.warnings.push(Warning { kind, message: message.to_owned() });
        self
    }

    /// Ends the pass so, with what went wrong.
    pub(super) fn ended(mut self, result: PassResult, failures: &[&str]) -> Self {
        self.0.result = result;
        self.0.failures = failures.iter().map(|failure| (*failure).to_owned()).collect();
        self
    }

    /// Changes anything else.
    pub(super) fn with(mut self, change: impl FnOnce(&mut Report)) -> Self {
        change(&mut self.0);
        self
    }

    fn interface(mut self, n: u32, pool: &str, functions: &[&str], verdict: Verdict) -> Self {
        self.0.plan.interfaces.push(planned(n, pool, functions, verdict));
        self
    }

    fn act(
        &mut self,
        n: u32,
        functions: &[&str],
        outcome: Outcome,
        detail: Option<String>,
        age: Option<Duration>,
    ) {
        let action = Action {
            kind: ActionKind::Associate,
            allocation_id: eip(n),
            public_ip: ip(n),
            network_interface_id: eni(n),
            from: None,
            replaces: None,
            functions: refs(functions),
            reason: ActionReason::Bare,
        };
        self.0.plan.actions.push(action.clone());
        self.0.actions.push(ActionReport {
            action,
            outcome,
            detail,
            class: (outcome == Outcome::Failed).then_some(crate::domain::error_class::ErrorClass::Denied),
            request_id: Some(format!("req-{n}")),
            took: Duration::from_millis(340),
            repaired_after: age,
            found_done: false,
            is_half_done: false,
            association_id: None,
            origin: None,
        });
    }
}

/// A function that no address can be given to.
pub(super) fn unservable(function: &str, kind: WarningKind) -> Unservable {
    let message = format!("function `{function}` can't be served");
    Unservable { function: id(function), warning: Warning { kind, message } }
}

/// The reason of an empty pool.
pub(super) fn no_free_address() -> Reason {
    Reason::NoFreeAddress {
        pool: id("partner-a"),
        candidates: 2,
        associated: 2,
        lingering: 0,
        served_first: None,
    }
}

fn planned(n: u32, pool: &str, functions: &[&str], verdict: Verdict) -> InterfacePlan {
    InterfacePlan {
        network_interface_id: eni(n),
        pair: Pair {
            subnet: id("subnet-0a1b2c3d"),
            security_groups: [id("sg-0a1b2c3d")].into_iter().collect(),
        },
        zone: Some("eu-west-1a".into()),
        status: InterfaceStatus::InUse,
        functions: refs(functions),
        priority: Default::default(),
        bystanders: None,
        pool: id(pool),
        verdict,
        dead_end: None,
    }
}

fn refs(functions: &[&str]) -> Arc<[FunctionRef]> {
    functions.iter().map(|function| id(function)).collect()
}

fn ip(n: u32) -> std::net::IpAddr {
    std::net::IpAddr::from([198, 51, 100, u8::try_from(n).expect("a small number")])
}
