//! Two or three daemons on one list, started together, over one queue or a queue each: they settle without flapping, lose
//! no address, and cost little more than one (docs/adr/0008).
//!
//! `REPLICAS_SEEDS=N` runs N seeds, `REPLICAS_SEED=S` replays one.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use eipd::domain::desired::Desired;
use eipd::domain::priority::Priority;
use eipd::events::pattern::event_pattern;
use eipd_sim::{
    Ending, Entry, EventWeather, Outcome as Update, Sim, Span, Staleness, Violation, ViolationKind,
    VpcConfig, WorldConfig,
};
use tokio::time::sleep;

use crate::rig::{Daemon, Wanted, on_paused_clock};

/// `.ci/run` runs 1,000.
const SEEDS: u64 = 100;

/// What one seed came to.
struct Outcome {
    replicas: usize,
    is_lively: bool,
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
    for (replicas, is_lively) in [(2, false), (3, false), (2, true), (3, true)] {
        let is_of = move |one: &&Outcome| (one.replicas, one.is_lively) == (replicas, is_lively);
        let of = || outcomes.iter().filter(is_of);
        let sum = |what: fn(&Outcome) -> usize| of().map(what).sum::<usize>();
        let (repairs, calls, remaps) = (sum(|o| o.repairs), sum(|o| o.calls), sum(|o| o.remaps));
        println!(
            "{replicas} replicas, {} seeds{}: {repairs} repairs, {calls} calls ({:.2} wasted a repair), {remaps} remaps",
            of().count(),
            if is_lively { ", lively" } else { "" },
            (calls - repairs) as f64 / repairs as f64
        );
        // Where EC2 refuses to replace an address, one repair is two calls.
        let most = if is_lively { 4 } else { 2 } * repairs;
        assert!(calls <= most, "more than one call a repair is wasted");
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

/// Two functions on two subnets, with a pool each or one for both; every belief is drawn.
struct Estate {
    sim: Sim,
    desired: Desired,
    subnets: [String; 2],
    /// Each function with the groups that it moves between, and the addresses that it may leave from.
    functions: Vec<(&'static str, [String; 2], Vec<String>)>,
    allocations: Vec<String>,
}

/// How many addresses a pool for both has: now and then fewer than there are interfaces.
fn estate(seed: u64, of_both: Option<usize>) -> Estate {
    let sim = Sim::new(WorldConfig::drawn(seed));
    let mut wanted = Wanted::new();
    let (subnets, functions) = sim.world(|world| {
        let vpc = world.create_vpc();
        let subnets = [world.create_subnet(&vpc, 'a'), world.create_subnet(&vpc, 'b')];
        let shared = of_both.map(|count| world.allocate_many(count));
        let of = |name: &'static str| {
            let group = world.create_security_group(&vpc, name);
            world.create_active_function(name, VpcConfig::new(&subnets, &[&group]));
            let allocations = shared.clone().unwrap_or_else(|| world.allocate_many(6));
            let other = world.create_security_group(&vpc, &format!("{name}-other"));
            world.declare(name, &allocations);
            let pool = if shared.is_some() { "shared" } else { name };
            wanted = std::mem::take(&mut wanted).pool(pool, &allocations, 0).function(name, pool);
            (name, [group, other], allocations)
        };
        let functions: Vec<_> = ["billing", "reports"].map(of).into();
        for (name, ..) in &functions {
            functions.iter().for_each(|(_, _, allocations)| world.manage(allocations, &[name]));
        }
        (subnets, functions)
    });
    let all: BTreeSet<String> =
        functions.iter().flat_map(|(_, _, allocations)| allocations.clone()).collect();
    let mut desired = wanted.done();
    if of_both.is_some() {
        let billing = desired.functions.get_mut(&"billing".parse().expect("a name")).expect("it is declared");
        billing.priority = Priority::new(10).expect("within the bounds");
    }
    Estate { sim, desired, subnets, functions, allocations: all.into_iter().collect() }
}

impl Estate {
    /// The interfaces that a function leaves from now.
    fn interfaces(&self, name: &str) -> Vec<String> {
        self.sim.world(|world| {
            let config = world.unit(name).and_then(|unit| unit.serving_config()).cloned();
            let config = config.expect("it is in the VPC");
            let groups: Vec<&str> = config.security_groups.iter().map(String::as_str).collect();
            config.subnets.iter().flat_map(|subnet| world.pair_interfaces(subnet, &groups)).collect()
        })
    }

    /// Whether an address is on an interface of a pair that a function leaves from: also on one which AWS gave up and can't delete
    /// while it carries that (belief B9), for nobody can tell that from one that is to serve.
    fn serves(&self, allocation: &str) -> bool {
        self.sim.world(|world| {
            let on =
                |ip: &str| world.interfaces().find(|interface| world.address_of(&interface.id) == Some(ip));
            let Some(interface) = on(world.public_ip(allocation)) else { return false };
            let subnet = &world.subnet_of(interface).id;
            let serving =
                self.functions.iter().filter_map(|(name, ..)| world.unit(name)?.serving_config().cloned());
            serving.into_iter().any(|config| {
                config.subnets.contains(subnet) && config.security_groups.iter().eq(interface.groups.iter())
            })
        })
    }

    /// Every interface carries an address of its function's own set, or where the pool is short as many as it has.
    fn assert_covered(&self) {
        let mut covered = BTreeSet::new();
        let mut bare: Vec<(&str, String)> = Vec::new();
        for (name, _, allocations) in &self.functions {
            for interface in self.interfaces(name) {
                let (carried, ours, told) = self.sim.world(|world| {
                    let ours: BTreeSet<String> =
                        allocations.iter().map(|id| world.public_ip(id).to_owned()).collect();
                    (world.address_of(&interface).map(str::to_owned), ours, world.beliefs().to_string())
                });
                match carried {
                    Some(ip) => {
                        assert!(ours.contains(&ip), "{interface} of {name} carries {ip}: {told}");
                        assert!(covered.insert(ip), "two interfaces with one address: {told}");
                    }
                    None => bare.push((name, interface)),
                }
            }
        }
        let left: Vec<&String> = self.allocations.iter().filter(|id| !self.serves(id)).collect();
        assert!(bare.is_empty() || left.is_empty(), "{bare:?} without an address, and {left:?} left");
    }
}

async fn story(seed: u64) -> Outcome {
    let mut random = fastrand::Rng::with_seed(seed);
    let is_lively = seed % 2 == 1;
    let mut aside = fastrand::Rng::with_seed(!seed);
    let estate = estate(seed, (is_lively && aside.bool()).then(|| aside.usize(3..9)));
    let sim = &estate.sim;
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
        daemons.push(Daemon::start_with_queue(sim, &estate.desired, seed * 10 + replica as u64, queue).await);
    }
    for _ in 0..3 {
        sleep(Duration::from_secs(random.u64(10..60))).await;
        happening(&estate, is_lively && aside.bool(), &mut random);
    }
    // Longer than any event takes, a poll, and what EC2's reads and our own reservations lag behind; and than an update, the
    // grace of the interfaces that it leaves behind, and their removal.
    sleep(Duration::from_secs(if is_lively { 90 } else { 4 } * 60)).await;
    sim.set_staleness(Staleness::default());
    sleep(Duration::from_secs(2 * 60)).await;
    estate.assert_covered();
    let changes = associations(sim);
    sleep(Duration::from_secs(5 * 60)).await;
    assert_eq!(associations(sim), changes, "a settled estate was changed");
    for daemon in daemons {
        daemon.kill().await;
    }
    judge(sim, replicas, is_lively, changes)
}

fn happening(estate: &Estate, is_lively: bool, random: &mut fastrand::Rng) {
    let (name, groups, own) = &estate.functions[random.usize(..2)];
    let interfaces = estate.interfaces(name);
    let stray = &estate.allocations[random.usize(..estate.allocations.len())];
    let interface = &interfaces[random.usize(..interfaces.len())];
    estate.sim.world(|world| match if is_lively { random.u8(3..5) } else { random.u8(..3) } {
        0 => {
            let found = world.interface(interface).expect("it was just found");
            let (subnet, groups) = (world.subnet_of(found).id.clone(), found.groups.clone());
            world.overflow(&subnet, &groups.iter().map(String::as_str).collect::<Vec<_>>());
        }
        1 => {
            world.replace_interface(interface);
        }
        2 => {
            world.stray_disassociate(stray);
        }
        3 => {
            let serving = world.unit(name).and_then(|unit| unit.serving_config()).cloned();
            let is_first = serving.is_some_and(|config| config.security_groups == groups[..1]);
            let next = VpcConfig::new(&estate.subnets, &[&groups[usize::from(is_first)]]);
            // It may be busy with another update: AWS refuses then.
            let _refused = world.update_function_vpc(name, next, Update::Succeeds, None);
        }
        _ => {
            let of_another = estate.allocations.iter().find(|id| !own.contains(id)).unwrap_or(stray);
            // AWS may refuse it: belief B1.
            let _refused = world.stray_associate(of_another, interface, true);
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

fn judge(sim: &Sim, replicas: usize, is_lively: bool, calls: usize) -> Outcome {
    assert_eq!(sim.complaints(), Vec::<String>::new());
    let violations = sim.violations();
    let is_remap = |violation: &&Violation| violation.kind == ViolationKind::HealthyBroken;
    for violation in &violations {
        // Whoever moves what another has just moved takes it from what is used by then: it is the same remap.
        let is_of_remap = violation.kind == ViolationKind::TakenFromUsed
            && violations.iter().filter(is_remap).any(|remap| remap.at == violation.at);
        assert!(is_remap(&violation) || is_of_remap, "a law was broken: {violation:?}");
    }
    let remaps = violations.iter().filter(is_remap).count();
    let carried_out = sim.with_journal(|journal| {
        let is_done = |entry: &&Entry| entry.operation == "AssociateAddress" && entry.ending == Ending::Ok;
        let done = journal.mutating().filter(is_done);
        done.map(|entry| entry.detail.clone()).collect::<BTreeSet<_>>().len()
    });
    // The same association said again is one; an address that was taken off and given again as well, which only makes
    // the bound tighter.
    let repairs = carried_out - remaps;
    assert!(remaps <= repairs, "{remaps} remaps for {repairs} repairs");
    // Where EC2 refuses to replace an address, it is asked to, the old one is taken off, and it is asked again.
    let attempts = if is_lively { 2 } else { 1 };
    assert!(
        calls <= replicas * attempts * (repairs + 3),
        "{calls} calls of {replicas} replicas for {repairs} repairs, three of which may be repetitions\n{}",
        changes_told(sim)
    );
    Outcome { replicas, is_lively, repairs, calls, remaps }
}
