//! Whole estates with seeded histories, weather, beliefs, crashes, one account or two and one to three replicas: the laws hold all the while,
//! and once the weather clears, coverage becomes the best possible and then nothing is changed any more.
//!
//! ```text
//! dice ─► estate (with its file) ─► place ─► story ─► history, weather ─► laws, conduct (always), oracle (once it is settled)
//!                                            └─► cut, when it fails
//! ```
//!
//! `CONVERGENCE_SEEDS=N` runs N seeds from `CONVERGENCE_START` on (0 when absent). `CONVERGENCE_SEED=S` replays one, of which
//! `CONVERGENCE_HAPPENINGS=K` only the first K happenings, and prints its journal with `-- --nocapture`. With
//! `CONVERGENCE_TALLY=1` stories that fail are counted and not told (`tests/defects/run`).

mod budget;
mod conduct;
mod cut;
mod dice;
pub mod estate;
mod file;
pub mod history;
mod laws;
mod metrics;
mod oracle;
mod place;
mod process;
mod regressions;
mod story;
pub mod weather;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use eipd_sim::Beliefs;

use self::story::{Story, Told};
use crate::beliefs::{pairs, possible_pairs};

const SEEDS: u64 = 500;

/// After so many failures the rest is not run: cutting them takes time, and they are seldom all different.
const ENOUGH: usize = 10;

/// Of so many random combinations of beliefs one lacks a pair with two alternatives of three once in ten million times.
const ENOUGH_FOR_PAIRS: usize = 200;

#[test]
fn the_laws_hold_and_coverage_becomes_the_best_possible() {
    if let Some(seed) = number("CONVERGENCE_SEED") {
        let story = Story::of(seed);
        let happenings = number("CONVERGENCE_HAPPENINGS").map_or(story.happenings, |most| most as usize);
        let told = story.cut(happenings).run();
        print(&format!("{}\n{}", told.journal, told.happenings.join("\n")));
        return;
    }
    let start = number("CONVERGENCE_START").unwrap_or(0);
    let seeds = number("CONVERGENCE_SEEDS").unwrap_or(SEEDS);
    let (next, calls) = (AtomicU64::new(start), AtomicU64::new(0));
    let (failures, believed) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
    let is_tallied = number("CONVERGENCE_TALLY").is_some();
    let is_enough =
        || !is_tallied && failures.lock().expect("nothing panics while it holds this").len() >= ENOUGH;
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                let draw = || Some(next.fetch_add(1, Ordering::Relaxed)).filter(|seed| *seed < start + seeds);
                while let Some(seed) = draw().filter(|_| !is_enough()) {
                    match lived(Story::of(seed)) {
                        Ok(told) => {
                            calls.fetch_add(told.calls as u64, Ordering::Relaxed);
                            believed.lock().expect("nothing panics while it holds this").push(told.beliefs);
                        }
                        Err(why) => {
                            let failure = if is_tallied { why } else { cut_short(Story::of(seed), &why) };
                            failures.lock().expect("nothing panics while it holds this").push(failure);
                        }
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().expect("nothing panics while it holds this");
    if is_tallied {
        let by_audit = failures.iter().filter(|why| why.contains("audit")).count();
        print(&format!("tally: {} of {seeds} seeds failed, {by_audit} by the audit", failures.len()));
        return;
    }
    assert!(failures.is_empty(), "{} stories failed:\n\n{}", failures.len(), failures.join("\n\n"));
    print(&format!("{seeds} seeds, {} calls a seed", calls.into_inner() / seeds.max(1)));
    let believed = believed.into_inner().expect("nothing panics while it holds this");
    assert_each_pair_occurred(believed);
}

/// Every alternative of every belief occurred together with every alternative of every other.
fn assert_each_pair_occurred(believed: Vec<Beliefs>) {
    if believed.len() >= ENOUGH_FOR_PAIRS {
        assert_eq!(pairs(believed).len(), possible_pairs(), "some pairs of alternatives never occurred");
    }
}

#[test]
fn what_failed_once_does_not_fail_again() {
    for regressions::Regression { seed, happenings, found } in regressions::ALL {
        let story = Story::of(*seed).cut(*happenings);
        if let Err(why) = lived(story) {
            panic!("seed {seed} fails again ({found}); replay it with: {}\n{why}", replay(story));
        }
    }
}

/// Whatever is drawn: among them are stories with queues, with two and three replicas, and with crashes.
#[test]
fn the_same_seed_gives_the_same_run() {
    let (mut listen, mut crash, mut replicas) = (0, 0, [0; 3]);
    for seed in (0..16).map(|number| number * 7919) {
        let story = Story::of(seed);
        let other = std::thread::spawn(move || story.run());
        let (one, other) = (story.run(), other.join().expect("the story ends well"));
        let differ = one.journal.lines().zip(other.journal.lines()).find(|(one, other)| one != other);
        assert!(one == other, "seed {seed}: {differ:?}");
        listen += usize::from(one.listens);
        crash += usize::from(one.crashes > 0);
        replicas[story.replicas - 1] += 1;
    }
    assert!(listen > 0 && crash > 0 && !replicas.contains(&0), "{listen} {crash} {replicas:?}");
}

#[test]
fn a_story_that_is_cut_is_the_same_as_far_as_it_goes() {
    let story = Story::of(5);
    let (whole, cut) = (story.run(), story.cut(2).run());
    assert_eq!(whole.happenings[..2], cut.happenings);
    let second = whole.happenings[1].trim().split(' ').next().and_then(|at| at.parse::<f64>().ok());
    let before = |told: &Told| -> Vec<String> {
        let at = |line: &&str| line.trim().split(' ').next().and_then(|at| at.parse::<f64>().ok()) < second;
        told.journal.lines().take_while(at).map(str::to_owned).collect()
    };
    assert!(before(&whole).len() > 5, "something was called");
    assert_eq!(before(&whole), before(&cut));
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().expect("a seed is a number"))
}

/// Lives through a story; else what went wrong.
fn lived(story: Story) -> Result<Told, String> {
    std::panic::catch_unwind(|| story.run()).map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
    })
}

/// What is told of a story that failed.
fn cut_short(story: Story, why: &str) -> String {
    let happenings = cut::shortest(story.happenings, |happenings| lived(story.cut(happenings)).is_err());
    let Story { seed, happenings: all, .. } = story;
    format!(
        "seed {seed} fails, and its first {happenings} happenings of {all} suffice; replay it with:\n\n    {}\n\n{why}",
        replay(story.cut(happenings))
    )
}

fn replay(story: Story) -> String {
    let Story { seed, happenings, .. } = story;
    format!(
        "CONVERGENCE_SEED={seed} CONVERGENCE_HAPPENINGS={happenings} \
         cargo test --locked --test it -- convergence::the_laws --nocapture"
    )
}

#[expect(clippy::print_stdout, reason = "read with --nocapture by whoever replays, measures or tallies")]
fn print(text: &str) {
    println!("{text}");
}
