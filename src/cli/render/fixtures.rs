//! Reports made by hand, for tests of what is said about them.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::domain::action::{Action, ActionKind, ActionReason, Outcome};
use crate::domain::error_class::ErrorClass;
use crate::domain::function::{FunctionRef, Pair};
use crate::domain::ids::{AllocationId, NetworkInterfaceId};
use crate::domain::network::{DeadEnd, Way};
use crate::domain::observed::InterfaceStatus;
use crate::domain::occupancy::Carried;
use crate::domain::plan::{InterfacePlan, Plan, PoolFigures, Verdict};
use crate::domain::policy::Mode;
use crate::domain::reason::{Reason, Unservable, Warning, WarningKind};
use crate::domain::report::{ActionReport, PassResult, Report, Trigger};

/// A report under construction. Interfaces, addresses and subnets are numbered; an interface and its address share a number.
pub(in crate::cli) struct Scene(Report);

/// The pool that everything is served from unless it is said otherwise.
pub(in crate::cli) const POOL: &str = "partner-a";

/// The n-th allocation.
pub(in crate::cli) fn allocation(n: usize) -> AllocationId {
    format!("eipalloc-{n:017x}").parse().expect("a well-formed id")
}

/// The public face of the n-th allocation.
pub(in crate::cli) fn ip(n: usize) -> IpAddr {
    let [.., high, low] = n.to_be_bytes();
    IpAddr::V4(Ipv4Addr::new(198, 18, high, low))
}

/// The n-th interface.
pub(in crate::cli) fn eni(n: usize) -> NetworkInterfaceId {
    format!("eni-{n:017x}").parse().expect("a well-formed id")
}

/// Why an interface finds no address.
pub(in crate::cli) fn none_free() -> Reason {
    Reason::NoFreeAddress {
        pool: POOL.parse().expect("a name"),
        candidates: 4,
        associated: 4,
        lingering: 0,
        served_first: None,
    }
}

impl Scene {
    pub(in crate::cli) fn new() -> Self {
        Self::named("default")
    }

    pub(in crate::cli) fn named(target: &str) -> Self {
        Self(Report {
            target: target.parse().expect("a name"),
            pass: 1,
            trigger: Trigger::Start,
            is_whole: true,
            mode: Mode::Enforce,
            started_at: Timestamp::from_second(1_767_225_600).expect("a time"),
            took: Duration::from_millis(1_250),
            result: PassResult::Ok,
            failures: Vec::new(),
            desired: Default::default(),
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

    /// An interface that carries its address.
    pub(in crate::cli) fn keeps(self, n: usize, subnet: usize, functions: &[&str]) -> Self {
        let verdict = Verdict::Covered(allocation(n), Some(ip(n)));
        self.interface(n, subnet, functions, InterfaceStatus::InUse, verdict)
    }

    /// A serving interface without an address.
    pub(in crate::cli) fn without(self, n: usize, subnet: usize, functions: &[&str]) -> Self {
        self.uncovered(n, subnet, functions, none_free())
    }

    /// A serving interface without an address for some reason.
    pub(in crate::cli) fn uncovered(
        self,
        n: usize,
        subnet: usize,
        functions: &[&str],
        reason: Reason,
    ) -> Self {
        self.interface(n, subnet, functions, InterfaceStatus::InUse, Verdict::Uncovered(reason))
    }

    /// An interface that does not serve yet, without an address for some reason.
    pub(in crate::cli) fn waits(self, n: usize, subnet: usize, functions: &[&str], reason: Reason) -> Self {
        self.interface(n, subnet, functions, InterfaceStatus::Waiting, Verdict::Uncovered(reason))
    }

    /// A bare serving interface with an action that came to this.
    pub(in crate::cli) fn gets(self, n: usize, subnet: usize, functions: &[&str], outcome: Outcome) -> Self {
        let verdict = Verdict::Gets(allocation(n), ip(n));
        self.interface(n, subnet, functions, InterfaceStatus::InUse, verdict).action(
            n,
            ActionReason::Bare,
            outcome,
        )
    }

    /// A serving interface with an address of another pool, which an action that came to this replaces.
    pub(in crate::cli) fn swaps(self, n: usize, subnet: usize, functions: &[&str], outcome: Outcome) -> Self {
        let lost = allocation(n + 100);
        let carried = Carried { allocation_id: Some(lost.clone()), public_ip: Some(ip(n + 100)) };
        let declared_in = "partner-b".parse().ok();
        let reason = Reason::WrongAddress { carried: vec![carried], declared_in };
        let mut scene = self.uncovered(n, subnet, functions, reason).action(n, ActionReason::Wrong, outcome);
        let reported = &mut scene.0.actions.last_mut().expect("it was just added").action;
        (reported.kind, reported.replaces) = (ActionKind::Replace, Some(lost));
        scene
    }

    /// An interface that does not serve yet and is given an address all the same.
    pub(in crate::cli) fn upcoming(self, n: usize, subnet: usize, functions: &[&str]) -> Self {
        let verdict = Verdict::Gets(allocation(n), ip(n));
        self.interface(n, subnet, functions, InterfaceStatus::Waiting, verdict).action(
            n,
            ActionReason::Upcoming,
            Outcome::Planned,
        )
    }

    /// The last interface lies in a subnet that leads nowhere.
    pub(in crate::cli) fn at_a_dead_end(mut self) -> Self {
        let interface = self.0.plan.interfaces.last_mut().expect("an interface was added before");
        interface.dead_end = Some(Arc::new(DeadEnd {
            subnet: interface.pair.subnet.clone(),
            route_table: "rtb-0000000000000000a".parse().expect("a well-formed id"),
            leads: Way::Elsewhere("NAT gateway `nat-0000000000000000a`".to_owned()),
        }));
        self
    }

    /// Another pair of security groups for the last interface.
    pub(in crate::cli) fn in_group(mut self, group: usize) -> Self {
        let interface = self.0.plan.interfaces.last_mut().expect("an interface was added before");
        let id = format!("sg-{group:017x}").parse().expect("a well-formed id");
        interface.pair.security_groups = [id].into_iter().collect();
        self
    }

    pub(in crate::cli) fn pool(mut self, name: &str, figures: PoolFigures) -> Self {
        self.0.plan.pools.insert(name.parse().expect("a name"), figures);
        self
    }

    pub(in crate::cli) fn warning(mut self, kind: WarningKind, message: &str) -> Self {
        self.0.plan.warnings.push(Warning { kind, message: message.to_owned() });
        self
    }

    pub(in crate::cli) fn unservable(mut self, function: &str) -> Self {
        let message = format!(
            "function `{function}` is not in a VPC, so it leaves from addresses of AWS; hint: give it a VpcConfig"
        );
        let warning = Warning { kind: WarningKind::FunctionNotInVpc, message };
        self.0.unservable.push(Unservable { function: function.parse().expect("a function"), warning });
        self
    }

    pub(in crate::cli) fn failure(mut self, message: &str) -> Self {
        self.0.failures.push(message.to_owned());
        self
    }

    pub(in crate::cli) fn result(mut self, result: PassResult) -> Self {
        self.0.result = result;
        self
    }

    pub(in crate::cli) fn observe_only(mut self) -> Self {
        self.0.mode = Mode::Observe;
        self
    }

    /// The report, with what holds after its actions.
    pub(in crate::cli) fn report(mut self) -> Report {
        let outcomes: BTreeMap<_, _> =
            self.0.actions.iter().map(|a| (a.action.network_interface_id.clone(), a.outcome)).collect();
        let mut uncovered = Vec::new();
        for interface in self.0.plan.required() {
            let reason = match (&interface.verdict, outcomes.get(&interface.network_interface_id)) {
                (Verdict::Covered(..), _) | (Verdict::Gets(..), Some(Outcome::Done)) => None,
                (Verdict::Uncovered(reason), _) => Some(reason.clone()),
                (Verdict::Gets(..), Some(Outcome::Failed)) => {
                    Some(Reason::ActionFailed("it failed".to_owned()))
                }
                (Verdict::Gets(..), _) => Some(Reason::ActionSkipped("not tried".to_owned())),
            };
            match interface.no_internet_route().or(reason) {
                Some(reason) => uncovered.push(interface.uncovered(reason)),
                None => self.0.covered += 1,
            }
        }
        self.0.uncovered = uncovered;
        self.0
    }

    fn interface(
        mut self,
        n: usize,
        subnet: usize,
        functions: &[&str],
        status: InterfaceStatus,
        verdict: Verdict,
    ) -> Self {
        let group = "sg-0000000000000000a".parse().expect("a well-formed id");
        let functions: Arc<[FunctionRef]> =
            functions.iter().map(|name| name.parse().expect("a function")).collect();
        let zone = char::from(b"abc"[subnet % 3]);
        self.0.plan.interfaces.push(InterfacePlan {
            network_interface_id: eni(n),
            pair: Pair {
                subnet: format!("subnet-{subnet:017x}").parse().expect("a well-formed id"),
                security_groups: [group].into_iter().collect(),
            },
            zone: Some(format!("eu-west-1{zone}").into()),
            status,
            functions,
            priority: Default::default(),
            bystanders: None,
            pool: POOL.parse().expect("a name"),
            verdict,
            dead_end: None,
        });
        self
    }

    fn action(mut self, n: usize, reason: ActionReason, outcome: Outcome) -> Self {
        let interface = self.0.plan.interfaces.last().expect("an interface was added before");
        let action = Action {
            kind: ActionKind::Associate,
            allocation_id: allocation(n),
            public_ip: ip(n),
            network_interface_id: eni(n),
            from: None,
            replaces: None,
            functions: Arc::clone(&interface.functions),
            reason,
        };
        let (detail, class) = match outcome {
            Outcome::Planned | Outcome::Done => (None, None),
            Outcome::Failed => (
                Some(
                    "ec2:AssociateAddress failed: you are not authorized; \
                     hint: grant ec2:AssociateAddress on the address and the interface",
                ),
                Some(ErrorClass::Denied),
            ),
            Outcome::Skipped => (Some("no time left in this pass"), None),
        };
        self.0.plan.actions.push(action.clone());
        self.0.actions.push(ActionReport {
            action,
            outcome,
            detail: detail.map(str::to_owned),
            class,
            request_id: None,
            took: Duration::from_millis(420),
            repaired_after: None,
            found_done: false,
            is_half_done: false,
            association_id: None,
            origin: None,
        });
        self
    }
}
