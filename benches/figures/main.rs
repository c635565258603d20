//! The figures that the README quotes, each from the real path: the pure planner, or the real binary over HTTP against
//! the simulator. `cargo bench --bench figures` prints all, `cargo bench --bench figures -- plan idle` some of them.
//! Asserts nothing: a figure is read by a person, and a slow machine is no failure.

#![allow(unreachable_pub, reason = "a binary has no outside")]

#[expect(dead_code, reason = "the tests use more of it")]
#[path = "../../tests/it/rig.rs"]
mod rig;

mod daemon;
mod events;
mod plans;
mod targets;

use std::time::Duration;

use eipd_sim::{Population, Sim, WorldConfig};

use daemon::{Child, Weight};

type Bench = (&'static str, &'static str, fn());

const BENCHES: [Bench; 9] = [
    ("plan", "plan() alone, one core", plans::plan),
    ("pass", "a pass without drift: 2,000 interfaces, 250 declared functions, over HTTP", pass),
    ("repair", "repair of 1,000 bare interfaces under EC2's throttle model, on a paused clock", repair),
    ("idle", "an idle daemon: 10 interfaces, a poll a second, for a minute", idle),
    ("start", "from the start of the process to the first association, over HTTP", start),
    ("targets", "fifty targets in one process, a poll a minute", targets::targets),
    ("answer", "from an event to the association sent, over HTTP", events::answer),
    ("read", "events parsed, judged and coalesced, 10,000 interfaces known", events::read),
    ("backlog", "a backlog of 100,000 messages, over HTTP", events::backlog),
];

fn main() {
    let wanted: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    for (name, what, bench) in BENCHES {
        if wanted.is_empty() || wanted.iter().any(|one| one == name) {
            say(&format!("\n## {name}: {what}\n   cargo bench --bench figures -- {name}"));
            bench();
        }
    }
}

#[expect(clippy::print_stdout, reason = "the figures are the output")]
fn say(line: &str) {
    println!("{line}");
}

fn on_real_clock<F: Future>(story: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("threads and sockets can be had").block_on(story)
}

/// An estate of so many functions with so many interfaces for each of their two subnets, and an address for each.
fn estate(functions: usize, per_pair: usize, covered: bool) -> (Sim, Vec<String>, Vec<String>) {
    let sim = Sim::new(WorldConfig::default());
    let (functions, allocations) = sim.world(|world| {
        let population =
            Population { functions, subnets_per_function: 2, subnets: 4, interfaces_per_pair: per_pair };
        let functions = world.populate(&population);
        let allocations = world.allocate_many(world.interfaces().count());
        if covered {
            world.cover(&allocations);
        }
        (functions, allocations)
    });
    (sim, functions, allocations)
}

fn pass() {
    on_real_clock(async {
        let (sim, functions, allocations) = estate(250, 4, true);
        let interfaces = sim.world(|world| world.interfaces().count());
        let child = Child::start(&sim, &functions, &allocations, "60s").await;
        child.until_passes(1).await;
        let first = child.weight();
        say(&format!("   {interfaces} interfaces, first pass: {first}, calls {:?}", counts(&sim)));
        child.stop().await;
        let (sim, functions, allocations) = estate(250, 4, true);
        let child = Child::start(&sim, &functions, &allocations, "1s").await;
        child.until_passes(8).await;
        let (before, calls, passes) = (child.weight(), counts(&sim), child.passes().await);
        child.until_passes(passes + 10).await;
        let (after, now, made) = (child.weight(), counts(&sim), child.passes().await - passes);
        let spent: Vec<String> = now
            .iter()
            .map(|(operation, n)| (operation, n - calls.get(operation).copied().unwrap_or(0)))
            .filter(|(_, n)| *n > 0)
            .map(|(operation, n)| format!("{operation} {:.1}", n as f64 / made as f64))
            .collect();
        let cpu = (after.cpu - before.cpu).as_secs_f64() / made as f64;
        say(&format!(
            "   a later pass (mean of {made}): {cpu:.3} s of CPU, {:.3} s of wall, calls: {}; peak RSS {:.1} MiB",
            child.mean_pass_seconds().await,
            spent.join(", "),
            after.peak_mib
        ));
        child.stop().await;
    });
}

fn counts(sim: &Sim) -> std::collections::BTreeMap<String, usize> {
    sim.with_journal(|journal| journal.counts().into_iter().map(|(name, n)| (name.to_owned(), n)).collect())
}

fn repair() {
    rig::on_paused_clock(async {
        let (sim, functions, allocations) = estate(250, 2, false);
        sim.set_latency(Some(eipd_sim::Span::exactly(Duration::from_millis(80))));
        let wanted = rig::Wanted::new().pool("p", &allocations, 0);
        let desired = functions.iter().fold(wanted, |wanted, name| wanted.function(name, "p")).done();
        let begun = tokio::time::Instant::now();
        let daemon = rig::Daemon::start(&sim, &desired, 1).await;
        while !sim.world(|world| world.uncovered().is_empty())
            || sim.calls("AssociateAddress") < allocations.len()
        {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let took = begun.elapsed().as_secs_f64();
        let (calls, throttled) = (sim.call_count(), sim.with_journal(|j| j.errors("RequestLimitExceeded")));
        // EC2's mutating bucket holds 50 and refills 5 a second (AWS.md, believed); half of it is allowed by default.
        let allowed = (allocations.len() as f64 - 25.0) / 2.5;
        say(&format!(
            "   {} repairs in {took:.0} s; the allowed rate takes {allowed:.0} s: {:.1} % of it; {throttled} of {calls} calls throttled",
            allocations.len(),
            100.0 * allowed / took
        ));
        daemon.kill().await;
    });
}

fn idle() {
    on_real_clock(async {
        let (sim, functions, allocations) = estate(5, 1, true);
        let child = Child::start(&sim, &functions, &allocations, "1s").await;
        child.until_passes(3).await;
        let before = child.weight();
        tokio::time::sleep(Duration::from_secs(60)).await;
        let after = child.weight();
        let Weight { rss_mib, peak_mib, .. } = after;
        let cpu = (after.cpu - before.cpu).as_secs_f64() / 60.0;
        say(&format!("   RSS {rss_mib:.1} MiB (peak {peak_mib:.1}), {:.2} % of a core", 100.0 * cpu));
        child.stop().await;
        let size = std::fs::metadata(env!("CARGO_BIN_EXE_eipd")).map_or(0, |file| file.len());
        say(&format!("   binary: {:.1} MiB", size as f64 / (1 << 20) as f64));
    });
}

fn start() {
    on_real_clock(async {
        let mut took = Vec::new();
        for _ in 0..10 {
            let (sim, functions, allocations) = estate(5, 1, false);
            let begun = std::time::Instant::now();
            let child = Child::start(&sim, &functions, &allocations, "60s").await;
            while sim.calls("AssociateAddress") == 0 && begun.elapsed() < Duration::from_secs(30) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            took.push(begun.elapsed().as_millis());
            child.stop().await;
        }
        took.sort_unstable();
        say(&format!(
            "   {} ms at best, {} ms in the middle, {} ms at worst of 10",
            took[0], took[5], took[9]
        ));
    });
}
