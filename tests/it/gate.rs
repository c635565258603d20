//! The gate, whatever the world does (law 3): in observe mode no change leaves the process, and the budget holds in each
//! pass and over any hour. And the ground that shifts under a plan: whatever changes between a look and the change that
//! rests on it, the next passes end in what is right, and no law is broken on the way.

use std::collections::VecDeque;
use std::time::Duration;

use eipd::domain::action::Outcome;
use eipd::domain::desired::Desired;
use eipd::domain::error_class::ErrorClass;
use eipd::domain::policy::{DisruptionBudget, Mode};
use eipd::domain::report::Report;
use eipd::reconcile::pass::Orders;
use eipd_sim::{Outcome as Update, Sim, Span, VpcConfig, WorldConfig};
use tokio::time::sleep;

use crate::convergence::estate::Estate;
use crate::convergence::history::{self, Asks};
use crate::convergence::weather;
use crate::rig::{Daemon, Wanted, assert_lawful, on_paused_clock, orders, pass, reconciler};

#[test]
fn in_observe_mode_no_change_leaves_the_process() {
    for seed in 0..40 {
        on_paused_clock(async move {
            let mut random = fastrand::Rng::with_seed(seed);
            let mut estate = Estate::draw(seed, "111122223333");
            weather::begin(&estate.sim, seed);
            let watching = |estate: &Estate| Orders { mode: Mode::Observe, ..estate.file.orders() };
            let daemon = Daemon::start_by(&estate.sim, watching(&estate), seed).await;
            for _ in 0..8 {
                sleep(Duration::from_secs(random.u64(5..150))).await;
                let (_, asks) = history::happen(&mut estate, &mut random);
                if asks == Asks::Reload {
                    daemon.reload(watching(&estate));
                }
            }
            let changes = estate.sim.with_journal(|journal| journal.mutating().count());
            assert_eq!(changes, 0, "seed {seed}");
            daemon.kill().await;
        });
    }
}

/// The disruptions of a report that happened, or may have.
fn disruptions(report: &Report) -> usize {
    let happened = report.actions.iter().filter(|action| {
        let refused =
            matches!(action.class, Some(ErrorClass::Denied | ErrorClass::Quota | ErrorClass::NotFound));
        let happened = action.outcome == Outcome::Done || (action.outcome == Outcome::Failed && !refused);
        happened && action.action.is_disruption()
    });
    happened.count()
}

#[test]
fn the_budget_holds_in_each_pass_and_over_any_hour() {
    let mut seen = 0;
    for seed in 0..24 {
        seen += on_paused_clock(async move {
            let mut random = fastrand::Rng::with_seed(seed);
            let mut estate = Estate::draw(seed, "111122223333");
            estate.sim.set_latency(Some(Span::exactly(Duration::from_millis(50))));
            let disruptions = DisruptionBudget { per_pass: 2, per_hour: 3 };
            let orders = |estate: &Estate| Orders { disruptions, ..estate.file.orders() };
            let daemon = Daemon::start_by(&estate.sim, orders(&estate), seed).await;
            for _ in 0..12 {
                sleep(Duration::from_secs(random.u64(60..900))).await;
                if history::regroup(&mut estate, &mut random) == Asks::Reload {
                    daemon.reload(orders(&estate));
                }
            }
            let reports = daemon.heard.reports();
            daemon.kill().await;
            within_budget(&reports, disruptions, seed)
        });
    }
    assert!(seen > 10, "{seen} disruptions in all prove little");
}

fn within_budget(reports: &[Report], budget: DisruptionBudget, seed: u64) -> usize {
    let mut hour = VecDeque::new();
    let mut all = 0;
    for report in reports {
        let (count, at) = (disruptions(report), report.started_at);
        assert!(count <= budget.per_pass, "seed {seed}, pass {}: {count}", report.pass);
        all += count;
        hour.extend(std::iter::repeat_n(at, count));
        let is_old = |then: &jiff::Timestamp| at.duration_since(*then).as_secs() >= 3600;
        while hour.front().is_some_and(is_old) {
            hour.pop_front();
        }
        assert!(
            hour.len() <= budget.per_hour,
            "seed {seed}, pass {}: {} in an hour",
            report.pass,
            hour.len()
        );
    }
    all
}

/// `billing` on two subnets: one interface is bare, the other carries an address of another pool.
struct Ground {
    sim: Sim,
    desired: Desired,
    interfaces: Vec<String>,
    subnets: Vec<String>,
    own: Vec<String>,
    stray: String,
    groups: [String; 2],
}

impl Ground {
    fn new(seed: u64) -> Self {
        let sim = Sim::new(WorldConfig::drawn(seed));
        sim.set_latency(Some(Span::exactly(Duration::from_secs(1))));
        let (subnets, interfaces, own, former, stray, groups) = sim.world(|world| {
            let vpc = world.create_vpc();
            let subnets = vec![world.create_subnet(&vpc, 'a'), world.create_subnet(&vpc, 'b')];
            let groups = ["one", "other"].map(|name| world.create_security_group(&vpc, name));
            world.create_active_function("billing", VpcConfig::new(&subnets, &[&groups[0]]));
            let of = |subnet: &String| world.pair_interfaces(subnet, &[&groups[0]])[0].clone();
            let interfaces: Vec<String> = subnets.iter().map(of).collect();
            let (own, former) = (world.allocate_many(6), world.allocate_many(1));
            world.give(&former[0], &interfaces[1]);
            world.declare("billing", &own);
            world.manage(&former, &["billing"]);
            let stray = world.allocate_address();
            (subnets, interfaces, own, former, stray, groups)
        });
        let pools = Wanted::new().pool("own", &own, 0).pool("former", &former, 0);
        Self {
            sim,
            desired: pools.function("billing", "own").done(),
            interfaces,
            subnets,
            own,
            stray,
            groups,
        }
    }

    fn shift(&self, kind: usize) {
        self.sim.world(|world| match kind {
            0 => drop(world.replace_interface(&self.interfaces[0])),
            1 => drop(world.replace_interface(&self.interfaces[1])),
            2 => drop(world.stray_associate(&self.stray, &self.interfaces[0], true)),
            3 => drop(world.stray_associate(&self.stray, &self.interfaces[1], true)),
            4 => self.own[..3].iter().for_each(|id| drop(world.release_address(id))),
            5 => self.own[3..].iter().for_each(|id| drop(world.release_address(id))),
            6 => {
                let next = VpcConfig::new(&self.subnets, &[&self.groups[1]]);
                drop(world.update_function_vpc("billing", next, Update::Succeeds, None));
            }
            _ => world.delete_function("billing"),
        });
    }
}

#[test]
fn whatever_shifts_under_a_plan_the_next_passes_are_right() {
    for kind in 0..8 {
        for step in 0..12u64 {
            on_paused_clock(async move {
                let ground = Ground::new(step * 8 + kind as u64);
                let mut reconciler = reconciler(&ground.sim, 1).await;
                let orders = orders(&ground.desired);
                let shifted = async {
                    sleep(Duration::from_millis(700 * step)).await;
                    ground.shift(kind);
                };
                tokio::join!(pass(&mut reconciler, &orders), shifted);
                for _ in 0..8 {
                    sleep(Duration::from_secs(400)).await;
                    pass(&mut reconciler, &orders).await;
                }
                let told = format!("shift {kind} at step {step}");
                let report = pass(&mut reconciler, &orders).await;
                assert_eq!(report.actions.len(), 0, "{told}: {:?}", report.actions);
                let unknown = |reason: &eipd::domain::reason::Reason| reason.code() == "undeclared_address";
                let excused = report.uncovered.iter().all(|uncovered| unknown(&uncovered.reason));
                assert!(excused, "{told}: {:?}", report.uncovered);
                assert_lawful(&ground.sim);
            });
        }
    }
}
