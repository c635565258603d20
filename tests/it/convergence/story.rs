//! One seed lived through: an estate, its daemons, what happens to them, and the judgement.

use std::time::Duration;

use eipd_sim::{Beliefs, Ending, Sim};
use tokio::time::{sleep, timeout};

use super::dice::{Purpose, dice, once_in, one_of};
use super::estate::Estate;
use super::history::{self, Asks};
use super::{budget, laws, oracle, weather};
use crate::rig::{Daemon, Setup, on_paused_clock};

/// Once the weather is clear: rarer than before, since what a seed costs is passes.
pub const CALM_POLL: Duration = Duration::from_secs(600);

/// The latest event arrives after five minutes, and once more when it was not deleted in time.
const EVENTS_END: Duration = Duration::from_secs(10 * 60);

/// After the weather: the longest hesitation after failures (15 min), the slowest thing inside AWS (20 min), and polls.
const TO_SETTLE: Duration = Duration::from_secs(40 * 60);

/// What was begun by old orders has ended by then.
const OLD_ORDERS_END: Duration = Duration::from_secs(20);

/// What a seed is a story of, known before it begins.
#[derive(Clone, Copy, Debug)]
pub struct Story {
    pub seed: u64,
    pub replicas: usize,
    /// How many things happen.
    pub happenings: usize,
}

/// What became of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Told {
    /// Every call.
    pub journal: String,
    /// What happened, step by step.
    pub happenings: Vec<String>,
    pub listens: bool,
    pub crashes: usize,
    pub calls: usize,
    pub beliefs: Beliefs,
}

impl Story {
    /// The whole story of a seed.
    pub fn of(seed: u64) -> Self {
        let random = &mut dice(seed, Purpose::Cast);
        let replicas = *one_of(&[1, 1, 1, 1, 2, 2, 3], random);
        Self { seed, replicas, happenings: random.usize(4..10) }
    }

    /// Its beginning, after which the weather clears.
    pub fn cut(self, happenings: usize) -> Self {
        Self { happenings: happenings.min(self.happenings), ..self }
    }

    /// Lives through it.
    ///
    /// # Panics
    /// When a law is broken, or a settled estate is not as it should be.
    pub fn run(self) -> Told {
        on_paused_clock(self.live())
    }

    async fn live(self) -> Told {
        let mut stage = Stage::set(self).await;
        for step in 0..self.happenings {
            stage.step(step).await;
        }
        stage.settle().await;
        stage.end().await
    }
}

/// A story under way.
struct Stage {
    story: Story,
    sim: Sim,
    estate: Estate,
    daemons: Vec<Daemon>,
    queues: Vec<Option<String>>,
    watch: laws::Watch,
    happenings: Vec<String>,
    crashes: usize,
    started: u64,
}

impl Stage {
    async fn set(story: Story) -> Self {
        let estate = Estate::draw(story.seed);
        let sim = estate.sim.clone();
        let lag = weather::begin(&sim, story.seed);
        let queues = weather::queues(&sim, story.replicas, story.seed);
        let watch = laws::Watch::begin(&estate, lag);
        let (daemons, happenings) = (Vec::new(), Vec::new());
        let mut stage =
            Self { story, sim, estate, daemons, queues, watch, happenings, crashes: 0, started: 0 };
        for replica in 0..story.replicas {
            let daemon = stage.start(replica).await;
            stage.daemons.push(daemon);
        }
        stage
    }

    async fn start(&mut self, replica: usize) -> Daemon {
        self.started += 1;
        let seed = self.story.seed.wrapping_mul(100).wrapping_add(self.started);
        let setup = Setup { queue_url: self.queues[replica].as_deref(), ..Setup::default() };
        Daemon::start_as(&self.sim, self.estate.file.orders(), seed, setup).await
    }

    async fn step(&mut self, step: usize) {
        let random = &mut dice(self.story.seed, Purpose::Step(step));
        sleep(Duration::from_secs(random.u64(5..150))).await;
        let (name, asks) = history::happen(&mut self.estate, random);
        let now = self.sim.world(|world| world.now().since(world.config().start));
        self.happenings.push(format!("{:>8.1} {name}", now.as_secs_f64()));
        if asks == Asks::Reload {
            self.reload().await;
        } else {
            self.estate.expect();
        }
        if once_in(4, random) {
            weather::turn(&self.sim, random);
        }
        if once_in(4, random) {
            self.crash(random).await;
        }
        self.watch.look(&self.estate);
    }

    /// The daemons are given the file as it is now.
    async fn reload(&mut self) {
        self.daemons.iter().for_each(|daemon| daemon.reload(self.estate.file.orders()));
        self.watch.look(&self.estate);
        self.estate.expect_both();
        sleep(OLD_ORDERS_END).await;
        self.estate.expect();
    }

    /// One of them dies, now or after one of its next calls, or ends in order, and another takes its place.
    async fn crash(&mut self, random: &mut fastrand::Rng) {
        self.crashes += 1;
        let replica = random.usize(..self.daemons.len());
        if random.bool() {
            let calls = self.sim.call_count() + random.usize(1..12);
            // Perhaps nothing is called for a while.
            let _late = timeout(Duration::from_secs(90), self.sim.called(calls)).await;
        }
        let daemon = self.daemons.remove(replica);
        self.watch.hear(&daemon);
        if random.u8(..4) == 0 {
            assert!(daemon.stop().await <= Duration::from_secs(10), "law 10");
        } else {
            daemon.kill().await;
        }
        self.watch.replaced(&self.sim);
        let next = self.start(replica).await;
        self.daemons.insert(replica, next);
    }

    /// The weather clears, and nothing more happens.
    async fn settle(&mut self) {
        weather::clear(&self.sim);
        if self.estate.file.observes {
            self.estate.file.observes = false;
            self.reload().await;
            self.watch.look(&self.estate);
        }
        self.daemons.iter().for_each(|daemon| daemon.poll_every(CALM_POLL));
        sleep(EVENTS_END).await;
        // From here on the polls do it alone, and a long poll every 20 s is most of what would be asked.
        self.daemons.iter().for_each(Daemon::deafen);
        sleep(TO_SETTLE - EVENTS_END).await;
        self.estate.expect();
        let last = self.daemons.iter().map(|daemon| daemon.heard.reports().last().cloned());
        let last: Vec<_> = last.map(|report| report.expect("passes were made")).collect();
        oracle::assert_best_possible(&self.estate, &last);
        oracle::assert_wrong_ones_are_replaced(&self.estate, &last);
        oracle::assert_reports_agree(&self.estate, &last);
        let (changes, calls) = (changes(&self.sim), self.sim.call_count());
        sleep(CALM_POLL * 2).await;
        assert_eq!(changes, self::changes(&self.sim), "a settled estate was changed");
        budget::assert_within(&self.estate, &last, calls);
    }

    async fn end(mut self) -> Told {
        for daemon in std::mem::take(&mut self.daemons) {
            self.watch.hear(&daemon);
            assert!(daemon.stop().await <= Duration::from_secs(10), "law 10");
        }
        self.watch.assert_lawful(&self.sim, self.story.replicas);
        Told {
            journal: self.sim.journal().to_string(),
            happenings: self.happenings,
            listens: self.queues.iter().any(Option::is_some),
            crashes: self.crashes,
            calls: self.sim.call_count(),
            beliefs: self.sim.world(|world| *world.beliefs()),
        }
    }
}

/// Calls that changed something, or may have.
fn changes(sim: &Sim) -> usize {
    sim.with_journal(|journal| journal.mutating().filter(|entry| entry.ending != Ending::Refused).count())
}
