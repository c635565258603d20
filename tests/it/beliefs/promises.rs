//! What eipd promises, each as a short story in a world of given beliefs whose outcome is measured: in what the data plane saw,
//! not in what the daemon says of itself. Outcomes are told in classes, so that a few milliseconds make no other document.

use std::collections::BTreeSet;
use std::time::Duration;

use eipd::domain::desired::Desired;
use eipd::events::pattern::event_pattern;
use eipd::reconcile::ports::Delivery;
use eipd_sim::{
    Beliefs, Effect, EventWeather, Fault, On, Outcome, Sim, Span, ViolationKind, VpcConfig, WorldConfig,
};
use tokio::time::sleep;

use crate::rig::{Daemon, Wanted, on_paused_clock, orders};

/// Longer than anything in these stories takes: Lambda's deletion of interfaces (20 min), and what waits for it.
const LONG: Duration = Duration::from_secs(45 * 60);

/// After this no event comes any more, and a long poll every 20 s would only cost time.
const EVENTS_END: Duration = Duration::from_secs(10 * 60);

/// A promise.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Promise {
    SwitchoverWithSpares,
    SwitchoverWithout,
    FailedUpdate,
    Overflow,
    Replacement,
    Loss,
    OtherPool,
    ReleasedAddress,
    LostAnswer,
    Waking,
    Removal,
    Teardown,
    Remaps,
    Echoes,
    Notifications,
    Calls,
}

/// All of them, with what is measured of each.
pub const ALL: &[(Promise, &str)] = &[
    (
        Promise::SwitchoverWithSpares,
        "no egress during a switchover with a spare address for each new interface",
    ),
    (Promise::SwitchoverWithout, "no egress during a switchover without spare addresses"),
    (Promise::FailedUpdate, "no egress during and after an update that fails"),
    (Promise::Overflow, "no egress through an interface that Lambda adds by itself"),
    (Promise::Replacement, "no egress through an interface that Lambda puts in another's place"),
    (Promise::Loss, "no egress after somebody took an address off"),
    (Promise::OtherPool, "the wrong address after the operator names another pool"),
    (Promise::ReleasedAddress, "no egress after somebody released an address, with a spare one"),
    (Promise::LostAnswer, "no egress after a loss, when the answer to its repair is lost too"),
    (Promise::Waking, "no egress after an idle function is invoked again"),
    (Promise::Removal, "until the interface of a function that left its VPC is gone"),
    (Promise::Teardown, "until the interfaces of a deleted function are gone"),
    (Promise::Remaps, "addresses that one of two replicas replaces right after the other gave them"),
    (Promise::Echoes, "looks that eipd's own changes cause by their events"),
    (Promise::Notifications, "notifications to a bus that does not exist"),
    (Promise::Calls, "calls in a quiet hour"),
];

/// What became of a promise.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Kept {
    /// The outcome, in its class.
    pub outcome: String,
    /// The kinds of warnings and the reasons that were told meanwhile.
    pub said: BTreeSet<String>,
}

/// Lives through the story of a promise.
///
/// # Panics
/// When a law is broken.
pub fn keep(promise: Promise, beliefs: Beliefs) -> Kept {
    on_paused_clock(async {
        let spares = match promise {
            Promise::SwitchoverWithout => 0,
            _ => 3,
        };
        let mut stage = Stage::set(beliefs, spares).await;
        if promise == Promise::Remaps {
            stage.add_replica().await;
        }
        let outcome = stage.measure(promise).await;
        stage.judge(promise);
        Kept { outcome, said: stage.said() }
    })
}

/// `billing` on two subnets, covered, with events that take 5 s.
struct Stage {
    sim: Sim,
    desired: Desired,
    subnets: [String; 2],
    groups: [String; 2],
    allocations: Vec<String>,
    queue: String,
    daemons: Vec<Daemon>,
    before: Duration,
}

impl Stage {
    async fn set(beliefs: Beliefs, spares: usize) -> Self {
        let sim = Sim::new(WorldConfig { seed: 11, beliefs, ..WorldConfig::default() });
        sim.set_latency(Some(Span::exactly(Duration::from_millis(100))));
        sim.set_events(EventWeather::delayed(Span::exactly(Duration::from_secs(5))));
        let (subnets, groups, allocations, queue) = sim.world(|world| {
            let vpc = world.create_vpc();
            let subnets = [world.create_subnet(&vpc, 'a'), world.create_subnet(&vpc, 'b')];
            let groups = ["former", "next"].map(|name| world.create_security_group(&vpc, name));
            world.create_active_function("billing", VpcConfig::new(&subnets, &groups[..1]));
            let allocations = world.allocate_many(2 + spares);
            world.declare("billing", &allocations);
            let queue = world.wire_events_of("eipd", &event_pattern());
            (subnets, groups, allocations, queue)
        });
        let desired = Wanted::new().pool("p", &allocations, 0).function("billing", "p").done();
        let before = Duration::ZERO;
        let mut stage =
            Self { sim, desired, subnets, groups, allocations, queue, daemons: Vec::new(), before };
        stage.add_replica().await;
        sleep(Duration::from_secs(190)).await;
        stage.before = stage.exposed();
        stage
    }

    async fn add_replica(&mut self) {
        let seed = 1 + self.daemons.len() as u64;
        let daemon = Daemon::start_with_queue(&self.sim, &self.desired, seed, &self.queue).await;
        self.daemons.push(daemon);
    }

    fn exposed(&self) -> Duration {
        let exposure = self.sim.world(|world| world.exposure("billing"));
        Duration::from_secs_f64(exposure.bare_seconds + exposure.wrong_seconds)
    }

    /// How long egress was missing or wrong since the stage was set, once it is not any more.
    async fn gap(&self) -> String {
        sleep(EVENTS_END).await;
        self.daemons.iter().for_each(Daemon::deafen);
        sleep(LONG - EVENTS_END).await;
        if self.sim.world(|world| world.exposure("billing").open()) {
            return "for good".to_owned();
        }
        class(self.exposed().saturating_sub(self.before)).to_owned()
    }

    fn update(&self, vpc: Option<VpcConfig>, outcome: Outcome) {
        self.sim.world(|world| {
            let updated = world.update_function_vpc("billing", vpc, outcome, Some(Duration::from_secs(90)));
            updated.expect("it is active");
        });
    }

    fn next(&self) -> VpcConfig {
        VpcConfig::new(&self.subnets, &self.groups[1..])
    }

    fn interfaces(&self) -> Vec<String> {
        let of = |subnet: &String| self.sim.world(|world| world.pair_interfaces(subnet, &[&self.groups[0]]));
        self.subnets.iter().flat_map(of).collect()
    }

    /// A stray hand takes an address off; the one that the first interface carries.
    fn lose(&self) -> String {
        self.sim.world(|world| {
            let interface = &world.pair_interfaces(&self.subnets[0], &[&self.groups[0]])[0];
            let carried = world.address_of(interface).expect("it is covered").to_owned();
            let lost = self.allocations.iter().find(|id| world.public_ip(id) == carried);
            let lost = lost.expect("it is of the pool").clone();
            world.stray_disassociate(&lost);
            lost
        })
    }

    async fn measure(&mut self, promise: Promise) -> String {
        match promise {
            Promise::SwitchoverWithSpares | Promise::SwitchoverWithout => {
                self.update(Some(self.next()), Outcome::Succeeds);
            }
            Promise::FailedUpdate => {
                self.update(
                    Some(self.next()),
                    Outcome::Fails("the role may not create interfaces".to_owned()),
                );
            }
            Promise::Overflow => {
                self.sim.world(|world| world.overflow(&self.subnets[0], &[&self.groups[0]]));
            }
            Promise::Replacement => {
                let old = self.interfaces().remove(0);
                self.sim.world(|world| world.replace_interface(&old));
            }
            Promise::Loss => drop(self.lose()),
            Promise::OtherPool => self.regroup(),
            Promise::ReleasedAddress => {
                let lost = self.lose();
                self.sim.world(|world| world.release_address(&lost)).expect("it is free");
            }
            Promise::LostAnswer => {
                self.sim.inject(Fault::new(Effect::LostAnswer).on(On::Mutating).nth(1));
                self.lose();
            }
            Promise::Waking => {
                self.sim.world(|world| world.idle("billing"));
                sleep(Duration::from_secs(30 * 60)).await;
                self.sim.world(|world| world.wake("billing"));
            }
            Promise::Removal => return self.until_gone(|stage| stage.update(None, Outcome::Succeeds)).await,
            Promise::Teardown => {
                return self
                    .until_gone(|stage| stage.sim.world(|world| world.delete_function("billing")))
                    .await;
            }
            Promise::Remaps => return self.remaps().await,
            Promise::Echoes => return self.echoes().await,
            Promise::Notifications => return self.notified().await,
            Promise::Calls => {
                let before = self.sim.call_count();
                self.daemons.iter().for_each(Daemon::deafen);
                sleep(Duration::from_secs(3600)).await;
                let calls = self.sim.call_count() - before;
                return format!("at most {}", calls.next_multiple_of(50));
            }
        }
        self.gap().await
    }

    fn regroup(&self) {
        let others = self.sim.world(|world| {
            let others = world.allocate_many(2);
            world.declare("billing", &others);
            others
        });
        let pools = Wanted::new().pool("p", &self.allocations, 0).pool("q", &others, 0);
        let desired = pools.function("billing", "q").done();
        self.daemons.iter().for_each(|daemon| daemon.reload(orders(&desired)));
    }

    async fn until_gone(&self, go: impl FnOnce(&Self)) -> String {
        let old = self.interfaces();
        go(self);
        let exist = || {
            self.sim.world(|world| {
                old.iter().any(|id| world.interface(id).is_some_and(eipd_sim::Interface::exists))
            })
        };
        self.daemons.iter().for_each(Daemon::deafen);
        for minute in 0..90 {
            if !exist() {
                return class(Duration::from_secs(60 * minute)).to_owned();
            }
            sleep(Duration::from_secs(60)).await;
        }
        "stay".to_owned()
    }

    /// Both see a loss at the same time, five times, and reads lag behind by up to 3 s.
    async fn remaps(&self) -> String {
        let stale = Duration::from_secs(3);
        self.sim.set_staleness(eipd_sim::Staleness { addresses: stale, interfaces: stale });
        for _ in 0..5 {
            self.lose();
            sleep(Duration::from_secs(300)).await;
        }
        let remaps = self.sim.violations().len();
        let most = if remaps == 0 { "none" } else { "at most one a repair" };
        assert!(remaps <= 5, "{remaps}");
        most.to_owned()
    }

    async fn echoes(&self) -> String {
        let accepted = || {
            let events = self.daemons[0].heard.events();
            events.iter().filter(|((_, outcome), _)| *outcome == "accepted").map(|(_, n)| n).sum::<usize>()
        };
        self.lose();
        sleep(Duration::from_secs(300)).await;
        // The loss itself is one.
        match accepted() {
            0 => "the loss itself is not heard of".to_owned(),
            1 => "none".to_owned(),
            _ => "some".to_owned(),
        }
    }

    async fn notified(&mut self) -> String {
        let bus = "arn:aws:events:eu-west-1:111122223333:event-bus/nowhere";
        let daemon = Daemon::start_with_bus(&self.sim, &self.desired, 9, bus).await;
        self.lose();
        sleep(Duration::from_secs(300)).await;
        let told = Delivery::ALL.iter().filter(|delivery| daemon.heard.delivered(**delivery) > 0);
        let told: Vec<_> = told.map(|delivery| delivery.as_str()).collect();
        let outcome = format!(
            "counted as {}{}",
            told.join(", "),
            if daemon.heard.bus_trouble().is_some() { ", and the bus is in trouble" } else { "" }
        );
        self.daemons.push(daemon);
        outcome
    }

    fn judge(&self, promise: Promise) {
        assert_eq!(self.sim.complaints(), Vec::<String>::new());
        let excused = |kind| promise == Promise::Remaps && kind == ViolationKind::HealthyBroken;
        let broken = self.sim.violations().into_iter().filter(|violation| !excused(violation.kind));
        assert_eq!(broken.collect::<Vec<_>>(), Vec::new(), "{promise:?}");
    }

    /// What the first daemon warned of, and why it said that something was not covered.
    fn said(&self) -> BTreeSet<String> {
        let reports = self.daemons[0].heard.reports();
        let warned = reports.iter().flat_map(|report| &report.plan.warnings);
        let warned = warned.map(|warning| warning.kind.as_str().to_owned());
        let uncovered = reports.iter().flat_map(|report| &report.uncovered);
        warned.chain(uncovered.map(|uncovered| uncovered.reason.code().to_owned())).collect()
    }
}

/// The class of a time.
fn class(time: Duration) -> &'static str {
    match time.as_millis() {
        0..=50 => "none",
        51..=2_000 => "2 s",
        2_001..=10_000 => "10 s",
        10_001..=70_000 => "a poll",
        70_001..=300_000 => "5 min",
        300_001..=1_800_000 => "30 min",
        _ => "longer",
    }
}
