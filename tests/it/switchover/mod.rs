//! How long egress is missing, row by row of the table in docs/FIGURES.md, as the simulator's data plane sees it: over
//! seeds, with API latency, with every belief about AWS drawn, and each bound asserted. `cargo test --test it switchover --
//! --nocapture` prints the distributions. What is asserted is in `bounds`, how the stories go in the others.

mod arrivals;
mod bounds;
mod idle;
mod pending;
mod row;
mod strays;
mod updates;

use std::time::Duration;

use eipd_sim::{Beliefs, EventWeather, Sim, Span, Timing, VpcConfig, WorldConfig};

use tokio::time::{Instant, sleep};

use crate::rig::{Daemon, POLL, Wanted};

/// So many stories a row.
const SEEDS: u64 = 60;

/// What a call takes at least and at most.
const LATENCY: Span = Span { shortest: Duration::from_millis(50), longest: bounds::CALL };

/// A story under way: `billing` on two subnets, declared and covered, its events on a queue.
struct Story {
    seed: u64,
    random: fastrand::Rng,
    sim: Sim,
    desired: eipd::domain::desired::Desired,
    queue: String,
    subnets: [String; 2],
    group: String,
    allocations: Vec<String>,
    /// How long an event takes; nothing when none ever comes.
    delay: Option<Duration>,
}

impl Story {
    /// `billing` with two interfaces and so many spare addresses, besides one that half of the pools that have any keep for
    /// what is in use (`min_spare`); its events take from a second to ten minutes, and of one
    /// story in four are lost.
    fn drawn(seed: u64, spares: usize, timing: impl FnOnce(&mut fastrand::Rng) -> Timing) -> Self {
        Self::believing(seed, spares, timing, |drawn| drawn)
    }

    /// [`Story::drawn`] with some of the beliefs as they are wanted.
    fn believing(
        seed: u64,
        spares: usize,
        timing: impl FnOnce(&mut fastrand::Rng) -> Timing,
        beliefs: impl FnOnce(Beliefs) -> Beliefs,
    ) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let timing = timing(&mut random);
        let kept = if spares > 0 { random.usize(0..2) } else { 0 };
        let drawn = WorldConfig::drawn(seed);
        let sim = Sim::new(WorldConfig { timing, beliefs: beliefs(drawn.beliefs), ..drawn });
        let (subnets, group, allocations, queue) = sim.world(|world| {
            let vpc = world.create_vpc();
            let subnets = [world.create_subnet(&vpc, 'a'), world.create_subnet(&vpc, 'b')];
            let group = world.create_security_group(&vpc, "former");
            world.create_active_function("billing", VpcConfig::new(&subnets, &[&group]));
            let allocations = world.allocate_many(2 + spares + kept);
            world.declare("billing", &allocations);
            let queue = world.wire_events_of("eipd", &eipd::events::pattern::event_pattern());
            (subnets, group, allocations, queue)
        });
        // Seconds as often as minutes.
        let delay = if random.bool() { random.u64(1..=20) } else { random.u64(20..=600) };
        let is_lost = random.u8(0..4) == 0;
        let delay = (!is_lost).then_some(Duration::from_secs(delay));
        sim.set_events(EventWeather {
            loss: if is_lost { 1.0 } else { 0.0 },
            ..EventWeather::delayed(Span::exactly(delay.unwrap_or_default()))
        });
        sim.set_latency(Some(LATENCY));
        let desired = Wanted::new().pool("p", &allocations, kept).function("billing", "p").done();
        Self { seed, random, sim, desired, queue, subnets, group, allocations, delay }
    }

    /// Waits until everything is covered and nothing is reserved any more, at any point between two polls.
    async fn settle(&mut self) {
        sleep(Duration::from_secs(150) + Duration::from_millis(self.random.u64(0..60_000))).await;
        assert!(self.sim.world(|world| world.uncovered().is_empty()), "seed {}", self.seed);
    }

    /// Waits until everything is covered, and then to any point between two polls, in half of the stories within the two
    /// minutes in which our own writes are reservations. Tells how long ago the last of them was made.
    async fn cover(&mut self) -> Duration {
        let begun = Instant::now();
        while !self.sim.world(|world| world.uncovered().is_empty()) {
            assert!(begun.elapsed() < POLL, "seed {}: not covered", self.seed);
            sleep(Duration::from_millis(100)).await;
        }
        // Until it is confirmed the pass is under way.
        sleep(Duration::from_secs(1)).await;
        let written = Instant::now();
        if self.random.bool() {
            sleep(Duration::from_secs(150)).await;
        }
        sleep(Duration::from_millis(self.random.u64(0..60_000))).await;
        assert!(self.sim.world(|world| world.uncovered().is_empty()), "seed {}", self.seed);
        written.elapsed()
    }

    async fn daemon(&self) -> Daemon {
        Daemon::start_with_queue(&self.sim, &self.desired, self.seed, &self.queue).await
    }

    fn beliefs(&self) -> Beliefs {
        self.sim.world(|world| *world.beliefs())
    }

    /// The interfaces of a pair of the function's subnets with this group.
    fn interfaces(&self, group: &str) -> Vec<String> {
        let of = |subnet: &String| self.sim.world(|world| world.pair_interfaces(subnet, &[group]));
        self.subnets.iter().flat_map(of).collect()
    }

    /// How long egress was missing or wrong so far. No law may have been broken.
    fn gap(&self) -> Duration {
        assert_eq!(self.sim.complaints(), Vec::<String>::new(), "seed {}", self.seed);
        assert_eq!(self.sim.violations(), Vec::new(), "seed {}", self.seed);
        let exposure = self.sim.world(|world| world.exposure("billing"));
        assert!(!exposure.open(), "seed {}: never repaired", self.seed);
        Duration::from_secs_f64(exposure.bare_seconds + exposure.wrong_seconds)
    }
}
