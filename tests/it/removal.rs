//! What becomes of what leaves the configuration: kept and reported, or taken off where nothing that is declared can miss
//! it; and the drain, which takes everything off.

use std::sync::Arc;
use std::time::Duration;

use eipd::domain::desired::Desired;
use eipd::domain::drain::Scope;
use eipd::domain::policy::{DisruptionBudget, OnRemoved};
use eipd::domain::reason::WarningKind;
use eipd::domain::report::{PassResult, Report};
use eipd::reconcile::pass::{Orders, Reconciler};
use eipd_sim::{Outcome as Update, Sim, VpcConfig, WorldConfig};
use tokio::time::sleep;

use crate::rig::{Wanted, assert_lawful, on_paused_clock, orders, pass, reconciler};

/// `billing` and `reports`, each on a pair of its own, share a pool; both were covered by this reconciler.
struct Two {
    sim: Sim,
    allocations: Vec<String>,
    /// Of `billing` and of `reports`.
    interfaces: [String; 2],
    both: Desired,
    reconciler: Reconciler,
}

impl Two {
    async fn covered(spares: usize) -> Self {
        let sim = Sim::new(WorldConfig::default());
        let (allocations, interfaces) = sim.world(|world| {
            let vpc = world.create_vpc();
            let subnet = world.create_subnet(&vpc, 'a');
            let groups = ["one", "other"].map(|name| world.create_security_group(&vpc, name));
            let config = |group: &String| VpcConfig::new(&[&subnet], &[group]);
            world.create_active_function("billing", config(&groups[0]));
            world.create_active_function("reports", config(&groups[1]));
            let allocations = world.allocate_many(2 + spares);
            world.declare("billing", &allocations);
            world.declare("reports", &allocations);
            (allocations, groups.map(|group| world.pair_interfaces(&subnet, &[&group])[0].clone()))
        });
        let pool = Wanted::new().pool("p", &allocations, 0);
        let both = pool.function("billing", "p").function("reports", "p").done();
        let mut reconciler = reconciler(&sim, 1).await;
        let report = pass(&mut reconciler, &orders(&both)).await;
        assert_eq!(report.covered, 2);
        sleep(Duration::from_secs(180)).await;
        Self { sim, allocations, interfaces, both, reconciler }
    }

    fn carried(&self, interface: &str) -> Option<String> {
        self.sim.world(|world| {
            let ip = world.address_of(interface)?;
            self.allocations.iter().find(|id| world.public_ip(id) == ip).cloned()
        })
    }

    /// Passes a minute apart.
    async fn passes(&mut self, orders: &Orders, count: usize) -> Report {
        for _ in 1..count {
            pass(&mut self.reconciler, orders).await;
            sleep(Duration::from_secs(60)).await;
        }
        pass(&mut self.reconciler, orders).await
    }

    /// `billing` leaves the file.
    fn without_billing(&self, on_removed: OnRemoved) -> Orders {
        let desired = Wanted::new().pool("p", &self.allocations, 0).function("reports", "p").done();
        self.sim.world(|world| world.expect::<&str>("billing", &[]));
        Orders { on_removed, ..orders(&desired) }
    }
}

fn warned(report: &Report, kind: WarningKind) -> bool {
    report.plan.warnings.iter().any(|warning| warning.kind == kind)
}

#[test]
fn the_address_of_a_function_that_left_stays_and_is_reported() {
    on_paused_clock(async {
        let mut two = Two::covered(0).await;
        let orders = two.without_billing(OnRemoved::Keep);
        let report = two.passes(&orders, 5).await;
        assert!(two.carried(&two.interfaces[0]).is_some());
        assert!(warned(&report, WarningKind::AddressLingering));
        assert_eq!(two.sim.calls("DisassociateAddress"), 0);
    });
}

#[test]
fn where_that_is_asked_for_it_is_taken_off_once_the_grace_has_passed() {
    on_paused_clock(async {
        let mut two = Two::covered(0).await;
        let orders = two.without_billing(OnRemoved::Disassociate);
        two.passes(&orders, 1).await;
        assert!(two.carried(&two.interfaces[0]).is_some(), "the grace runs");
        sleep(Duration::from_secs(61)).await;
        two.passes(&orders, 2).await;
        assert!(two.carried(&two.interfaces[0]).is_none());
        assert!(two.carried(&two.interfaces[1]).is_some());
        let calls = two.sim.call_count();
        two.passes(&orders, 3).await;
        assert_eq!(two.sim.calls("DisassociateAddress"), 1);
        assert!(two.sim.call_count() - calls < 20, "the versions are not listed for nothing");
        assert_lawful(&two.sim);
    });
}

#[test]
fn where_the_budget_holds_a_removal_back_a_greater_budget_and_a_reload_let_it_go() {
    on_paused_clock(async {
        let mut two = Two::covered(0).await;
        let tight = DisruptionBudget { per_pass: 0, per_hour: 20 };
        let held = Orders { disruptions: tight, ..two.without_billing(OnRemoved::Disassociate) };
        let report = two.passes(&held, 4).await;
        let breaker = report.breaker.expect("one is planned and none allowed");
        assert_eq!((breaker.planned, breaker.removals), (1, 1));
        let told = breaker.to_string();
        assert!(told.contains("raise `safety.max_disruptions_per_pass` to 1 and reload"), "{told}");
        assert!(!told.contains("--accept-disruptions"), "a process of its own knows nothing of it: {told}");
        assert!(two.carried(&two.interfaces[0]).is_some());
        let report = two.passes(&two.without_billing(OnRemoved::Disassociate), 1).await;
        assert_eq!((report.breaker, two.carried(&two.interfaces[0])), (None, None), "as the hint says");
        assert_lawful(&two.sim);
    });
}

#[test]
fn a_pass_lists_the_versions_once_and_a_later_one_anew() {
    on_paused_clock(async {
        let two = Two::covered(0).await;
        let orders = two.without_billing(OnRemoved::Disassociate);
        let mut fresh = reconciler(&two.sim, 2).await;
        let before = two.sim.calls("ListFunctions");
        pass(&mut fresh, &orders).await;
        assert_eq!(two.sim.calls("ListFunctions"), before + 1, "the one that every process begins with");
        assert!(two.carried(&two.interfaces[0]).is_some(), "the grace runs");
        sleep(Duration::from_secs(61)).await;
        pass(&mut fresh, &orders).await;
        assert_eq!(two.sim.calls("ListFunctions"), before + 2, "what is a minute old is too old");
        assert!(two.carried(&two.interfaces[0]).is_none());
        assert_lawful(&two.sim);
    });
}

#[test]
fn what_the_reads_for_a_removal_show_is_planned_by_in_the_same_pass() {
    on_paused_clock(async {
        let mut two = Two::covered(1).await;
        let orders = two.without_billing(OnRemoved::Disassociate);
        // `reports` moves to where `billing` is, which a pass that knows of it from its last read does not see.
        two.sim.world(|world| {
            let of_billing = world.unit("billing").and_then(|unit| unit.serving_config()).cloned();
            let soon = Some(Duration::from_secs(10));
            world.update_function_vpc("reports", of_billing, Update::Succeeds, soon).expect("it is active");
        });
        sleep(Duration::from_secs(60)).await;
        let left_behind = two.carried(&two.interfaces[1]).expect("it was covered");
        assert!(two.sim.world(|world| world.stray_disassociate(&left_behind)));
        let report = two.passes(&orders, 1).await;
        assert_eq!((report.result, report.actions.len()), (PassResult::Ok, 0), "{:?}", report.failures);
        assert_eq!(report.covered, 1, "what `billing` had is where `reports` leaves from now");
        assert!(two.carried(&two.interfaces[0]).is_some() && two.carried(&two.interfaces[1]).is_none());
        assert_lawful(&two.sim);
    });
}

#[test]
fn a_version_of_a_declared_function_keeps_its_address() {
    on_paused_clock(async {
        let mut two = Two::covered(0).await;
        two.sim.world(|world| {
            // A version of `reports` stays behind on the pair of `billing`.
            let group = |id: &String| world.interface(id).expect("it is there").groups[0].clone();
            let subnet =
                world.subnet_of(world.interface(&two.interfaces[0]).expect("it is there")).id.clone();
            let (first, own) = (group(&two.interfaces[0]), group(&two.interfaces[1]));
            let to = |group: &String| VpcConfig::new(&[&subnet], &[group]);
            world
                .update_function_vpc("reports", to(&first), eipd_sim::Outcome::Succeeds, None)
                .expect("active");
            world.advance_by(Duration::from_secs(900));
            world.publish_version("reports");
            world
                .update_function_vpc("reports", to(&own), eipd_sim::Outcome::Succeeds, None)
                .expect("active");
            world.advance_by(Duration::from_secs(900));
        });
        sleep(Duration::from_secs(900)).await;
        let orders = two.without_billing(OnRemoved::Disassociate);
        two.passes(&orders, 8).await;
        assert!(two.carried(&two.interfaces[0]).is_some());
        assert_eq!(two.sim.calls("DisassociateAddress"), 0);
    });
}

#[test]
fn an_address_that_left_is_replaced_if_one_is_free_and_else_taken_off() {
    for spares in [0, 1] {
        on_paused_clock(async {
            let mut two = Two::covered(spares).await;
            let left = two.carried(&two.interfaces[0]).expect("it is covered");
            let rest: Vec<&String> = two.allocations.iter().filter(|id| **id != left).collect();
            let pool = Wanted::new().pool("p", &rest, 0);
            let desired = pool.function("billing", "p").function("reports", "p").done();
            two.sim.world(|world| {
                let ips: Vec<_> = rest.iter().map(|id| world.public_ip(id).to_owned()).collect();
                ["billing", "reports"].iter().for_each(|name| world.expect(name, &ips));
            });
            let kept = two.passes(&orders(&desired), 3).await;
            assert!(warned(&kept, WarningKind::AddressRemoved));
            assert_eq!(two.carried(&two.interfaces[0]).as_ref(), Some(&left));
            let orders = Orders { on_removed: OnRemoved::Disassociate, ..orders(&desired) };
            let report = two.passes(&orders, 3).await;
            let carried = two.carried(&two.interfaces[0]);
            assert_eq!((carried.is_some(), carried.as_ref() == Some(&left)), (spares == 1, false));
            assert!(!warned(&report, WarningKind::AddressRemoved));
            assert_lawful(&two.sim);
        });
    }
}

#[test]
fn a_drain_takes_off_what_it_is_limited_to_and_releases_nothing() {
    on_paused_clock(async {
        let mut two = Two::covered(1).await;
        let scope = Scope { functions: ["billing".parse().expect("a name")].into(), ..Scope::default() };
        let drain = |scope| Orders { drain: Some(scope), ..orders(&Desired::default()) };
        let of_both = |orders: Orders, both: &Desired| Orders { declared: Arc::new(both.into()), ..orders };
        two.sim.world(|world| world.expect::<&str>("billing", &[]));
        let both = two.both.clone();
        let report = two.passes(&of_both(drain(scope), &both), 1).await;
        assert_eq!(report.actions.len(), 1);
        assert!(two.carried(&two.interfaces[0]).is_none() && two.carried(&two.interfaces[1]).is_some());
        two.sim.world(|world| world.expect::<&str>("reports", &[]));
        two.passes(&of_both(drain(Scope::default()), &both), 1).await;
        assert!(two.carried(&two.interfaces[1]).is_none());
        assert_eq!(two.passes(&of_both(drain(Scope::default()), &both), 1).await.actions.len(), 0);
        assert_eq!(two.sim.calls("ReleaseAddress"), 0);
        assert_lawful(&two.sim);
    });
}
