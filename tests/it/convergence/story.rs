//! One seed lived through: one account or two, the processes, what happens to them, and the judgement.

use std::time::Duration;

use eipd_sim::{Beliefs, Sim};
use futures_util::future::join_all;
use tokio::time::{sleep, timeout};

use super::dice::{Purpose, dice, once_in, one_of};
use super::history::{self, Asks};
use super::place::Place;
use super::process::Process;
use super::{oracle, weather};
use crate::accounts::send_on;
use crate::rig::on_paused_clock;

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
    /// How many accounts there are; their targets share the processes and their queue.
    pub accounts: usize,
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
        let happenings = random.usize(4..10);
        Self { seed, replicas, accounts: if once_in(8, random) { 2 } else { 1 }, happenings }
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
        let _witness = Witness(stage.places.iter().map(|place| place.sim.clone()).collect());
        for step in 0..self.happenings {
            stage.step(step).await;
        }
        stage.settle().await;
        stage.end().await
    }
}

/// Tells all that happened when a story that is replayed fails.
struct Witness(Vec<Sim>);

impl Drop for Witness {
    fn drop(&mut self) {
        if !std::thread::panicking() || std::env::var_os("CONVERGENCE_SEED").is_none() {
            return;
        }
        for sim in &self.0 {
            let told = sim.world(|world| oracle::told(world));
            super::print(&format!("{}\n{told}", sim.journal()));
        }
    }
}

/// A story under way.
struct Stage {
    story: Story,
    places: Vec<Place>,
    processes: Vec<Process>,
    queues: Vec<Option<String>>,
    happenings: Vec<String>,
    crashes: usize,
    started: u64,
}

impl Stage {
    async fn set(story: Story) -> Self {
        let places: Vec<Place> = (0..story.accounts).map(|number| Place::draw(story.seed, number)).collect();
        let queues = weather::queues(&places[0].sim, story.replicas, story.seed);
        places[1..].iter().for_each(|place| send_on(&place.sim, &places[0].sim));
        let (processes, happenings) = (Vec::new(), Vec::new());
        let mut stage = Self { story, places, processes, queues, happenings, crashes: 0, started: 0 };
        for replica in 0..story.replicas {
            let process = stage.start(replica).await;
            stage.processes.push(process);
        }
        stage
    }

    async fn start(&mut self, replica: usize) -> Process {
        self.started += 1;
        let seed = self.story.seed.wrapping_mul(100).wrapping_add(self.started);
        Process::start(&self.places, self.queues[replica].as_deref(), seed).await
    }

    async fn step(&mut self, step: usize) {
        let random = &mut dice(self.story.seed, Purpose::Step(step));
        sleep(Duration::from_secs(random.u64(5..150))).await;
        let place = random.usize(..self.places.len());
        if once_in(3, random) {
            self.within_a_pass(place, random).await;
        }
        let Place { sim, estate, .. } = &mut self.places[place];
        let (name, asks) = history::happen(estate, random);
        let now = sim.world(|world| world.now().since(world.config().start));
        self.happenings.push(format!("{:>8.1} {place} {name}", now.as_secs_f64()));
        if asks == Asks::Reload {
            self.reload(place).await;
        } else {
            estate.expect();
        }
        if once_in(4, random) {
            weather::turn(&self.places[place].sim, random);
        }
        if once_in(4, random) {
            self.crash(random).await;
        }
        self.places[place].look();
    }

    /// Until just after one of the next calls: what happens now happens between what a pass saw and what it does.
    async fn within_a_pass(&self, place: usize, random: &mut fastrand::Rng) {
        let sim = &self.places[place].sim;
        let calls = sim.call_count() + random.usize(1..12);
        // Perhaps nothing is called for a while.
        let _late = timeout(Duration::from_secs(90), sim.called(calls)).await;
    }

    /// The processes are given the file of an account as it is now.
    async fn reload(&mut self, place: usize) {
        let now = &mut self.places[place];
        self.processes.iter().for_each(|process| process.reload(place, now));
        now.look();
        now.estate.expect_both();
        sleep(OLD_ORDERS_END).await;
        now.estate.expect();
    }

    /// One of them dies, now or after one of its next calls, or ends in order, and another takes its place.
    async fn crash(&mut self, random: &mut fastrand::Rng) {
        self.crashes += 1;
        let replica = random.usize(..self.processes.len());
        if random.bool() {
            self.within_a_pass(random.usize(..self.places.len()), random).await;
        }
        let process = self.processes.remove(replica);
        self.hear(&process);
        if once_in(4, random) {
            process.stop().await;
        } else {
            process.kill().await;
        }
        self.places.iter_mut().for_each(|place| place.watch.replaced(&place.sim));
        let next = self.start(replica).await;
        self.processes.insert(replica, next);
    }

    /// Takes in what a process that ends has reported.
    fn hear(&mut self, process: &Process) {
        for (number, place) in self.places.iter_mut().enumerate() {
            place.watch.hear(&process.reports(number), place.estate.file.budget);
        }
    }

    /// The weather clears, and nothing more happens.
    async fn settle(&mut self) {
        self.places.iter().for_each(|place| weather::clear(&place.sim));
        for number in 0..self.places.len() {
            if std::mem::take(&mut self.places[number].estate.file.observes) {
                self.reload(number).await;
                self.places[number].look();
            }
        }
        self.processes.iter().for_each(|process| process.poll_every(CALM_POLL));
        sleep(EVENTS_END).await;
        // From here on the polls do it alone, and a long poll every 20 s is most of what would be asked.
        self.processes.iter().for_each(Process::deafen);
        sleep(TO_SETTLE - EVENTS_END).await;
        let mut calm = Vec::new();
        for (number, place) in self.places.iter_mut().enumerate() {
            place.estate.expect();
            let last = self.processes.iter().map(|process| process.reports(number).last().cloned());
            let last: Vec<_> = last.map(|report| report.expect("passes were made")).collect();
            place.assert_settled(&last);
            calm.push((&*place, last));
        }
        join_all(calm.iter().map(|(place, last)| place.assert_calm(last, CALM_POLL * 2))).await;
    }

    async fn end(mut self) -> Told {
        for process in std::mem::take(&mut self.processes) {
            self.hear(&process);
            process.stop().await;
        }
        self.places.iter().for_each(|place| place.watch.assert_lawful(&place.sim, self.story.replicas));
        let journals = self.places.iter().map(|place| place.sim.journal().to_string());
        Told {
            journal: journals.collect::<Vec<_>>().join("\n"),
            happenings: self.happenings,
            listens: self.queues.iter().any(Option::is_some),
            crashes: self.crashes,
            calls: self.places.iter().map(|place| place.sim.call_count()).sum(),
            beliefs: self.places[0].sim.world(|world| *world.beliefs()),
        }
    }
}
