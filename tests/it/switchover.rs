//! The egress gap of a VpcConfig change, as the simulator's data plane sees it, over seeds: the update takes from two
//! seconds to five minutes, its event comes after one second to ten minutes or never, the new pair is fresh or used by
//! an undeclared function already, the update succeeds or fails, the daemon is started anew in the middle or not, and
//! the beliefs are drawn. `cargo test --test it switchover -- --nocapture` prints the distribution.

use std::time::Duration;

use eipd::domain::desired::Desired;
use eipd_sim::{
    Beliefs, EventWeather, Outcome, Sim, Span, Timing, ViolationKind, VpcConfig, World, WorldConfig,
    beliefs::MidUpdateView,
};
use tokio::time::sleep;

use crate::rig::{Daemon, POLL, Wanted, on_paused_clock};

const SEEDS: u64 = 60;
/// The longest wait between two looks at a function that is changing.
const WATCHED_EVERY: Duration = Duration::from_secs(10);
/// How often functions are read when nothing tells of them.
const REFRESH: Duration = Duration::from_secs(300);
/// For the calls, and for an interface that refuses an address while it is pending.
const CALLS: Duration = Duration::from_secs(12);
/// The function's timeout is shorter than the shortest grace.
const GRACE: Duration = Duration::from_secs(60);
/// How often it is asked whether something still uses the old interfaces.
const ASKED_EVERY: Duration = Duration::from_secs(20);

struct Story {
    seed: u64,
    random: fastrand::Rng,
    sim: Sim,
    desired: Desired,
    queue: String,
    change: VpcConfig,
    /// How long the update takes.
    update: Duration,
    /// Whether another function uses the new pair already.
    is_shared: bool,
}

impl Story {
    fn drawn(seed: u64, spares: usize) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let update = Duration::from_secs(random.u64(2..=300));
        let timing = Timing {
            update: Span { shortest: update, longest: update },
            interface_creation: Span::seconds(1, 2),
            ..Timing::default()
        };
        let sim = Sim::new(WorldConfig { timing, ..WorldConfig::drawn(seed) });
        let is_shared = random.bool();
        let (queue, change, allocations) = sim.world(|world| stage(world, is_shared, 2 + spares));
        let pool = Wanted::new().pool("p", &allocations, 0);
        let desired = pool.function("billing", "p").done();
        Self { seed, random, sim, desired, queue, change, update, is_shared }
    }

    /// Tells the story, and how long egress was missing or wrong in it.
    async fn told(mut self) -> Told {
        let delay = Duration::from_secs(self.random.u64(1..=600));
        let is_lost = self.random.u8(0..4) == 0;
        let weather = EventWeather {
            loss: if is_lost { 1.0 } else { 0.0 },
            ..EventWeather::delayed(Span { shortest: delay, longest: delay })
        };
        self.sim.set_events(weather);
        let daemon = self.daemon().await;
        sleep(Duration::from_secs(30)).await;
        let outcome = match self.random.u8(0..4) {
            0 => Outcome::Fails("seeded".to_owned()),
            _ => Outcome::Succeeds,
        };
        let change = self.change.clone();
        self.sim.world(|world| {
            world.update_function_vpc("billing", change, outcome, None).expect("it is active")
        });
        let restart_after = Duration::from_secs(self.random.u64(0..300));
        sleep(restart_after).await;
        let restarts = self.random.bool();
        let daemon = if restarts {
            daemon.kill().await;
            self.daemon().await
        } else {
            daemon
        };
        sleep(Duration::from_secs(50 * 60)).await;
        daemon.stop().await;
        let exposure = self.sim.world(|world| world.exposure("billing"));
        let beliefs = self.sim.world(|world| *world.beliefs());
        for violation in self.sim.violations() {
            assert_eq!(violation.kind, ViolationKind::HealthyBroken, "seed {}: {violation:?}", self.seed);
        }
        assert_eq!(self.sim.violations().len(), 0, "seed {}: {:?}", self.seed, self.sim.violations());
        // The first of what makes the daemon look at the function.
        let told = (!is_lost).then_some(delay);
        let by_itself = if self.is_shared { REFRESH + POLL } else { POLL + Duration::from_secs(3) };
        let detected = told.into_iter().chain(restarts.then_some(restart_after)).chain([by_itself]).min();
        let bound = bound(detected.unwrap_or(by_itself), self.update, &beliefs);
        Told { gap: exposure.bare_seconds + exposure.wrong_seconds, bound, beliefs, restarts }
    }

    async fn daemon(&self) -> Daemon {
        Daemon::start_with_queue(&self.sim, &self.desired, self.seed, &self.queue).await
    }
}

struct Told {
    gap: f64,
    /// The gap at most, with spares.
    bound: f64,
    beliefs: Beliefs,
    restarts: bool,
}

/// Nothing if the function was looked at before the update ended, and the time until then if not. Where Lambda shows the
/// old configuration until the end, the new interfaces are known only then, by the next look at the function.
fn bound(detected: Duration, update: Duration, beliefs: &Beliefs) -> f64 {
    let shows_old = beliefs.mid_update_view == MidUpdateView::Old;
    let late = detected.saturating_sub(update);
    if !shows_old && detected + CALLS <= update {
        return 0.0;
    }
    let look = if shows_old { WATCHED_EVERY } else { Duration::ZERO };
    (late.max(look) + CALLS).as_secs_f64()
}

/// `billing` on two subnets with one set of security groups, to be moved to another; perhaps `other` is there already.
fn stage(world: &mut World, is_shared: bool, addresses: usize) -> (String, VpcConfig, Vec<String>) {
    let vpc = world.create_vpc();
    let subnets = [world.create_subnet(&vpc, 'a'), world.create_subnet(&vpc, 'b')];
    let (former, later) =
        (world.create_security_group(&vpc, "former"), world.create_security_group(&vpc, "later"));
    world.create_active_function("billing", VpcConfig::new(&subnets, &[&former]));
    let change = VpcConfig::new(&subnets, &[&later]);
    if is_shared {
        world.create_active_function("other", change.clone());
    }
    let allocations = world.allocate_many(addresses);
    world.declare("billing", &allocations);
    world.manage(&allocations, &["billing"]);
    let queue = world.wire_events_of("eipd", &eipd::events::pattern::event_pattern());
    (queue, change, allocations)
}

fn gaps(spares: usize) -> Vec<(u64, Told)> {
    let tell = |seed| on_paused_clock(async move { Story::drawn(seed, spares).told().await });
    (0..SEEDS).map(|seed| (seed, tell(seed))).collect()
}

#[expect(clippy::print_stdout, reason = "the distribution is for people to read")]
fn print(title: &str, told: &[(u64, Told)]) {
    let mut seconds: Vec<f64> = told.iter().map(|(_, told)| told.gap).collect();
    seconds.sort_by(f64::total_cmp);
    let at = |part: f64| seconds[((seconds.len() - 1) as f64 * part) as usize];
    let none = seconds.iter().filter(|gap| **gap < 0.5).count();
    println!(
        "{title}: {none} of {} without a gap; p50 {:.1} s, p90 {:.1} s, p99 {:.1} s, worst {:.1} s",
        seconds.len(),
        at(0.5),
        at(0.9),
        at(0.99),
        at(1.0)
    );
}

#[test]
fn with_spares_there_is_no_gap_once_the_change_is_seen() {
    let told = gaps(2);
    print("with spares", &told);
    for (seed, told) in &told {
        assert!(told.gap <= told.bound, "seed {seed}: {} s, not {}, {}", told.gap, told.bound, told.beliefs);
    }
}

#[test]
fn without_spares_addresses_follow_once_nothing_uses_the_old_interfaces() {
    let told = gaps(0);
    print("without spares", &told);
    for (seed, told) in &told {
        // The grace begins anew with the process.
        let graces = if told.restarts { GRACE * 2 } else { GRACE };
        let bound = told.bound + (WATCHED_EVERY + graces + ASKED_EVERY + CALLS * 2).as_secs_f64();
        assert!(told.gap <= bound, "seed {seed}: {} s, not {bound}, {}", told.gap, told.beliefs);
    }
}
