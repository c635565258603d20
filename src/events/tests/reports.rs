//! Hand-made reports, as far as notifications read them.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::domain::action::{Action, ActionKind, ActionReason, Outcome};
use crate::domain::desired::DesiredFunction;
use crate::domain::function::Pair;
use crate::domain::hint::Origin;
use crate::domain::observed::InterfaceStatus;
use crate::domain::plan::{InterfacePlan, Plan, PoolFigures, Verdict};
use crate::domain::policy::Mode;
use crate::domain::reason::{Reason, Unservable, Warning, WarningKind};
use crate::domain::report::{ActionReport, Contested, PassResult, Report, Trigger};

pub(super) fn id<T: FromStr>(text: &str) -> T {
    text.parse().unwrap_or_else(|_| panic!("`{text}` is valid"))
}

pub(super) fn eni(n: u32) -> String {
    format!("eni-{n:017x}")
}

pub(super) fn moment() -> Timestamp {
    id("2026-11-24T05:00:00Z")
}

/// A pass over pool `partner-a`, as it found the interfaces that are added.
pub(super) fn pass(n: u64) -> Report {
    let pools = [(id("partner-a"), PoolFigures::default())].into();
    Report {
        contested: Vec::new(),
        breaker: None,
        target: id("prod-eu"),
        pass: n,
        trigger: Trigger::Poll,
        is_whole: true,
        mode: Mode::Enforce,
        started_at: moment(),
        took: Duration::from_millis(1500),
        result: PassResult::Ok,
        failures: Vec::new(),
        desired: Arc::default(),
        plan: Plan { pools, ..Plan::default() },
        actions: Vec::new(),
        settled: Vec::new(),
        covered: 0,
        uncovered: Vec::new(),
        unservable: Vec::new(),
        oldest_uncovered: None,
    }
}

pub(super) fn no_free_address() -> Reason {
    Reason::NoFreeAddress {
        pool: id("partner-a"),
        candidates: 3,
        associated: 3,
        lingering: 0,
        served_first: None,
    }
}

pub(super) trait Having: Sized {
    fn having(self, change: impl FnOnce(&mut Report)) -> Report;

    fn covered(self, numbers: impl IntoIterator<Item = u32>) -> Report {
        self.having(|report| {
            for n in numbers {
                let verdict = Verdict::Covered(id(&format!("eipalloc-{n:017x}")), None);
                report.plan.interfaces.push(planned(n, verdict));
            }
        })
    }

    fn uncovered(self, numbers: impl IntoIterator<Item = u32>, reason: &Reason) -> Report {
        self.having(|report| {
            for n in numbers {
                let interface = planned(n, Verdict::Uncovered(reason.clone()));
                report.uncovered.push(interface.uncovered(reason.clone()));
                report.plan.interfaces.push(interface);
                let short = usize::from(reason.is_want_of_addresses());
                report.plan.pools.get_mut(&id("partner-a")).expect("it is there").shortfall += short;
            }
        })
    }

    /// With these functions declared.
    fn declaring(self, functions: &[&str]) -> Report {
        self.having(|report| {
            let declared = |name: &&str| {
                (
                    id(name),
                    DesiredFunction {
                        pool: id("partner-a"),
                        pins: Default::default(),
                        versions: Default::default(),
                        priority: Default::default(),
                    },
                )
            };
            Arc::make_mut(&mut report.desired).functions = functions.iter().map(declared).collect();
        })
    }

    fn blind(self) -> Report {
        self.having(|report| {
            let message = "a page was lost".to_owned();
            report.plan.warnings.push(Warning { kind: WarningKind::ObservationIncomplete, message });
        })
    }
}

impl Having for Report {
    fn having(mut self, change: impl FnOnce(&mut Report)) -> Report {
        change(&mut self);
        self
    }
}

fn planned(n: u32, verdict: Verdict) -> InterfacePlan {
    InterfacePlan {
        network_interface_id: id(&eni(n)),
        pair: Pair {
            subnet: id("subnet-0a1b2c3d"),
            security_groups: [id("sg-0a1b2c3d")].into_iter().collect(),
        },
        zone: None,
        status: InterfaceStatus::InUse,
        functions: Arc::new([id("billing"), id("orders:live")]),
        priority: Default::default(),
        bystanders: None,
        pool: id("partner-a"),
        verdict,
        dead_end: None,
    }
}

/// A function that a pass found outside any VPC.
pub(super) fn outside(function: &str) -> Unservable {
    let message = format!(
        "function `{function}` is not in a VPC, so it leaves from addresses of AWS; hint: give it a VpcConfig"
    );
    Unservable { function: id(function), warning: Warning { kind: WarningKind::FunctionNotInVpc, message } }
}

/// An association of this interface that ended so.
pub(super) fn association(n: u32, outcome: Outcome) -> ActionReport {
    ActionReport {
        action: Action {
            from: None,
            replaces: None,
            kind: ActionKind::Associate,
            allocation_id: id(&format!("eipalloc-{n:017x}")),
            public_ip: std::net::IpAddr::from([198, 51, 100, 7]),
            network_interface_id: id(&eni(n)),
            functions: Arc::new([id("billing"), id("orders:live")]),
            reason: ActionReason::Bare,
        },
        outcome,
        detail: None,
        class: None,
        request_id: None,
        took: Duration::from_millis(340),
        repaired_after: None,
        found_done: false,
        is_half_done: false,
        association_id: None,
        origin: Some(Origin { at: moment(), actor: "arn:aws:iam::111122223333:user/somebody".to_owned() }),
    }
}

/// An address that left the configuration was taken off this interface, or was to be.
pub(super) fn disassociation(n: u32, outcome: Outcome) -> ActionReport {
    let mut report = association(n, outcome);
    report.action.kind = ActionKind::Disassociate;
    report.action.reason = ActionReason::Removed;
    report.action.functions = Arc::new([]);
    report.origin = None;
    report
}

/// Somebody takes this address off again and again.
pub(super) fn contested(n: u32) -> Contested {
    Contested {
        allocation_id: id(&format!("eipalloc-{n:017x}")),
        public_ip: [198, 18, 0, u8::try_from(n).expect("few")].into(),
        network_interface_id: id(&eni(n)),
        times: 3,
        actor: Some("arn:aws:iam::111122223333:user/somebody".to_owned()),
    }
}
