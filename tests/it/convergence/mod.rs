//! Whole estates with seeded histories, weather, beliefs, crashes and one or two daemons: the laws hold all the while,
//! and once the weather clears, coverage becomes the best possible and then nothing is changed any more.
//!
//! `CONVERGENCE_SEEDS=N` runs N seeds, `CONVERGENCE_SEED=S` replays one and prints its journal (with `-- --nocapture`).

pub mod estate;
pub mod history;
mod oracle;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use eipd_sim::{Ending, Sim};
use tokio::time::sleep;

use self::estate::Estate;
use crate::rig::{Daemon, on_paused_clock, orders};

const SEEDS: u64 = 500;

/// Once the weather is clear: rarer than before, since what a seed costs is passes.
const CALM_POLL: Duration = Duration::from_secs(600);

/// The latest event arrives after five minutes, and once more when it was not deleted in time.
const EVENTS_END: Duration = Duration::from_secs(10 * 60);

/// After the weather: the longest hesitation after failures (15 min), the slowest thing inside AWS (20 min), and polls.
const TO_SETTLE: Duration = Duration::from_secs(40 * 60);

#[test]
fn the_laws_hold_and_coverage_becomes_the_best_possible() {
    if let Some(seed) = number("CONVERGENCE_SEED") {
        print(&run(seed));
        return;
    }
    let seeds = number("CONVERGENCE_SEEDS").unwrap_or(SEEDS);
    let next = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                let draw = || Some(next.fetch_add(1, Ordering::Relaxed)).filter(|seed| *seed < seeds);
                while let Some(seed) = draw() {
                    run(seed);
                }
            });
        }
    });
}

#[test]
fn the_same_seed_gives_the_same_run() {
    for seed in [3, 77, 1234] {
        assert_eq!(run(seed), run(seed), "seed {seed}");
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().expect("a seed is a number"))
}

/// Lives through one seed, and returns its journal.
fn run(seed: u64) -> String {
    let outcome = std::panic::catch_unwind(|| on_paused_clock(story(seed)));
    outcome.unwrap_or_else(|panic| {
        eprintln_replay(seed);
        std::panic::resume_unwind(panic)
    })
}

#[expect(clippy::print_stdout, reason = "whoever replays a seed wants to see what happened")]
fn print(journal: &str) {
    println!("{journal}");
}

#[expect(clippy::print_stderr, reason = "a failing seed has to be told to whoever runs the tests")]
fn eprintln_replay(seed: u64) {
    eprintln!("seed {seed} failed; replay it with: CONVERGENCE_SEED={seed} cargo test --test it convergence");
}

async fn story(seed: u64) -> String {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut estate = Estate::draw(seed, &mut random);
    let sim = &estate.sim.clone();
    history::weather(sim, &mut random);
    let replicas = if random.bool() { 1 } else { 2 };
    let queues = history::queues(sim, replicas, &mut fastrand::Rng::with_seed(!seed));
    let mut daemons = Vec::new();
    for replica in 0..replicas {
        let queue = queues[replica as usize].as_deref();
        daemons.push(Daemon::start_with(sim, &estate.desired, seed * 10 + replica, queue).await);
    }
    for _ in 0..random.u32(4..10) {
        sleep(Duration::from_secs(random.u64(5..150))).await;
        history::happening(&estate, &mut random);
        let before = estate.healthy();
        if random.u8(..3) == 0 && history::regroup(&mut estate, &mut random) {
            daemons.iter().for_each(|daemon| daemon.reload(orders(&estate.desired)));
            // What was begun by the old orders may still end.
            estate.expect_only(&before);
            sleep(Duration::from_secs(20)).await;
            estate.expect();
        }
        if random.u8(..4) == 0 {
            let crashed = random.usize(..daemons.len());
            daemons.swap_remove(crashed).kill().await;
            let queue = queues[crashed].as_deref();
            daemons.push(Daemon::start_with(sim, &estate.desired, random.u64(..), queue).await);
        }
    }
    history::clear(sim);
    daemons.iter().for_each(|daemon| daemon.poll_every(CALM_POLL));
    sleep(EVENTS_END).await;
    // From here on the polls do it alone, and a long poll every 20 s is most of what would be asked.
    daemons.iter().for_each(Daemon::deafen);
    sleep(TO_SETTLE - EVENTS_END).await;
    oracle::assert_best_possible(&estate);
    let last = |daemon: &Daemon| daemon.heard.reports().last().and_then(|report| report.breaker);
    oracle::assert_wrong_ones_are_replaced(&estate, &daemons.iter().map(last).collect::<Vec<_>>());
    let changes = changes(sim);
    sleep(CALM_POLL * 2).await;
    assert_eq!(changes, self::changes(sim), "a settled estate was changed");
    for daemon in daemons {
        assert!(daemon.stop().await <= Duration::from_secs(10));
    }
    oracle::assert_lawful(sim, replicas);
    sim.journal().to_string()
}

/// Calls that changed something, or may have.
fn changes(sim: &Sim) -> usize {
    sim.with_journal(|journal| journal.mutating().filter(|entry| entry.ending != Ending::Refused).count())
}
