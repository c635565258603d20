//! Two or three daemons on one list, started together, over one queue or a queue each: they settle without flapping, lose
//! no address, and cost little more than one (docs/adr/0008).
//!
//! `REPLICAS_SEEDS=N` runs N seeds, `REPLICAS_SEED=S` replays one.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use eipd::domain::desired::Desired;
use eipd::events::pattern::event_pattern;
use eipd_sim::{Ending, Entry, EventWeather, Sim, Span, Staleness, ViolationKind, VpcConfig, WorldConfig};
use tokio::time::sleep;

use crate::rig::{Daemon, Wanted, on_paused_clock};

/// `.ci/run` runs 1,000.
const SEEDS: u64 = 100;

/// What one seed came to.
struct Outcome {
    replicas: usize,
    /// Associations that were really needed: one for each interface that was bare.
    repairs: usize,
    /// Calls that tried one.
    calls: usize,
    /// Healthy associations that one replica replaced right after the other had made them.
    remaps: usize,
}

#[test]
fn replicas_settle_and_cost_at_most_one_call_more_for_each_of_them() {
    if let Some(seed) = number("REPLICAS_SEED") {
        run(seed);
        return;
    }
    let (next, outcomes) = (AtomicU64::new(0), Mutex::new(Vec::new()));
    let seeds = number("REPLICAS_SEEDS").unwrap_or(SEEDS);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                let draw = || Some(next.fetch_add(1, Ordering::Relaxed)).filter(|seed| *seed < seeds);
                while let Some(seed) = draw() {
                    let outcome = run(seed);
                    outcomes.lock().expect("a failed seed ends the test").push(outcome);
                }
            });
        }
    });
    tell(&outcomes.into_inner().expect("a failed seed ends the test"));
}

/// One seed may waste a call for each further replica; over all of them it is at most one a repair, however many there are.
#[expect(clippy::print_stdout, reason = "a figure that is read with --nocapture")]
fn tell(outcomes: &[Outcome]) {
    for replicas in [2, 3] {
        let of = || outcomes.iter().filter(move |outcome| outcome.replicas == replicas);
        let sum = |what: fn(&Outcome) -> usize| of().map(what).sum::<usize>();
        let (repairs, calls, remaps) = (sum(|o| o.repairs), sum(|o| o.calls), sum(|o| o.remaps));
        println!(
            "{replicas} replicas, {} seeds: {repairs} repairs, {calls} calls ({:.2} wasted a repair), {remaps} remaps",
            of().count(),
            (calls - repairs) as f64 / repairs as f64
        );
        assert!(calls <= 2 * repairs, "more than one call a repair is wasted");
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().expect("a seed is a number"))
}

#[expect(clippy::print_stderr, reason = "a failing seed has to be told to whoever runs the tests")]
fn run(seed: u64) -> Outcome {
    let outcome = std::panic::catch_unwind(|| on_paused_clock(story(seed)));
    outcome.unwrap_or_else(|panic| {
        eprintln!("seed {seed} failed; replay it with: REPLICAS_SEED={seed} cargo test --test it replicas");
        std::panic::resume_unwind(panic)
    })
}

/// Two functions with a pool each, on two subnets; every belief is drawn.
struct Estate {
    sim: Sim,
    desired: Desired,
    pairs: Vec<(String, String)>,
    allocations: Vec<String>,
}

fn estate(seed: u64) -> Estate {
    let sim = Sim::new(WorldConfig::drawn(seed));
    let mut wanted = Wanted::new();
    let (mut pairs, mut all) = (Vec::new(), Vec::new());
    sim.world(|world| {
        let vpc = world.create_vpc();
        let subnets = [world.create_subnet(&vpc, 'a'), world.create_subnet(&vpc, 'b')];
        for name in ["billing", "reports"] {
            let group = world.create_security_group(&vpc, name);
            world.create_active_function(name, VpcConfig::new(&subnets, &[&group]));
            let allocations = world.allocate_many(6);
            world.declare(name, &allocations);
            pairs.extend(subnets.iter().map(|subnet| (subnet.clone(), group.clone())));
            wanted = std::mem::take(&mut wanted).pool(name, &allocations, 0).function(name, name);
            all.extend(allocations);
        }
    });
    Estate { sim, desired: wanted.done(), pairs, allocations: all }
}

async fn story(seed: u64) -> Outcome {
    let mut random = fastrand::Rng::with_seed(seed);
    let Estate { sim, desired, pairs, allocations } = estate(seed);
    let replicas = random.usize(2..=3);
    let shares_a_queue = random.bool();
    let stale = |random: &mut fastrand::Rng| Duration::from_secs([0, 0, 1, 3][random.usize(..4)]);
    sim.set_staleness(Staleness { addresses: stale(&mut random), interfaces: stale(&mut random) });
    sim.set_latency(Some(Span { shortest: Duration::from_millis(20), longest: Duration::from_millis(200) }));
    sim.set_events(EventWeather { duplicate: 0.1, loss: 0.1, ..EventWeather::default() });
    let queues: Vec<String> = sim.world(|world| {
        let queues = if shares_a_queue { 1 } else { replicas };
        (0..queues).map(|n| world.wire_events_of(&format!("eipd-{n}"), &event_pattern())).collect()
    });
    let mut daemons = Vec::new();
    for replica in 0..replicas {
        let queue = &queues[replica % queues.len()];
        daemons.push(Daemon::start_with_queue(&sim, &desired, seed * 10 + replica as u64, queue).await);
    }
    for _ in 0..3 {
        sleep(Duration::from_secs(random.u64(10..60))).await;
        happening(&sim, &pairs, &allocations, &mut random);
    }
    // Longer than any event takes, a poll, and what EC2's reads and our own reservations lag behind.
    sleep(Duration::from_secs(4 * 60)).await;
    sim.set_staleness(Staleness::default());
    sleep(Duration::from_secs(2 * 60)).await;
    assert_covered(&sim, &pairs);
    let changes = associations(&sim);
    sleep(Duration::from_secs(5 * 60)).await;
    assert_eq!(associations(&sim), changes, "a settled estate was changed");
    for daemon in daemons {
        daemon.kill().await;
    }
    judge(&sim, replicas, changes)
}

fn happening(sim: &Sim, pairs: &[(String, String)], allocations: &[String], random: &mut fastrand::Rng) {
    let (subnet, group) = &pairs[random.usize(..pairs.len())];
    sim.world(|world| match random.u8(..3) {
        0 => {
            world.overflow(subnet, &[group]);
        }
        1 => {
            let of_pair = world.pair_interfaces(subnet, &[group]);
            world.replace_interface(&of_pair[random.usize(..of_pair.len())]);
        }
        _ => {
            world.stray_disassociate(&allocations[random.usize(..allocations.len())]);
        }
    });
}

fn assert_covered(sim: &Sim, pairs: &[(String, String)]) {
    sim.world(|world| {
        for (subnet, group) in pairs {
            for interface in world.pair_interfaces(subnet, &[group]) {
                assert!(world.address_of(&interface).is_some(), "{interface} is bare: {}", world.beliefs());
            }
        }
    });
}

/// Calls that tried an association; those to an interface that is not ready yet (belief B17) one daemon alone makes too.
fn associations(sim: &Sim) -> usize {
    let too_early = Ending::Error("IncorrectState".to_owned());
    let tried = |entry: &&Entry| entry.operation == "AssociateAddress" && entry.ending != too_early;
    sim.with_journal(|journal| journal.mutating().filter(tried).count())
}

fn changes_told(sim: &Sim) -> String {
    let changing = |line: &&str| line.contains(" AssociateAddress ");
    let told = sim.journal().to_string();
    told.lines().filter(changing).map(|line| format!("{line}\n")).collect()
}

fn judge(sim: &Sim, replicas: usize, calls: usize) -> Outcome {
    assert_eq!(sim.complaints(), Vec::<String>::new());
    let violations = sim.violations();
    for violation in &violations {
        assert_eq!(violation.kind, ViolationKind::HealthyBroken, "a law was broken: {violation:?}");
    }
    let remaps = violations.len();
    let carried_out = sim.with_journal(|journal| {
        let is_done = |entry: &&Entry| entry.operation == "AssociateAddress" && entry.ending == Ending::Ok;
        let done = journal.mutating().filter(is_done);
        done.map(|entry| entry.detail.clone()).collect::<std::collections::BTreeSet<_>>().len()
    });
    // The same association said again is one; an address that was taken off and given again as well, which only makes
    // the bound tighter.
    let repairs = carried_out - remaps;
    assert!(remaps <= repairs, "{remaps} remaps for {repairs} repairs");
    assert!(
        calls <= replicas * (repairs + 3),
        "{calls} calls of {replicas} replicas for {repairs} repairs, three of which may be repetitions\n{}",
        changes_told(sim)
    );
    Outcome { replicas, repairs, calls, remaps }
}
