//! What the daemon's metrics say is what the world knows to be true: what is covered, for how long something was not, how often
//! it was repaired, and each call by its outcome. One daemon, polling, through an hour of losses and throttling.

use std::sync::Arc;
use std::time::Duration;

use eipd::domain::declared::Declared;
use eipd::telemetry::{Configured, Telemetry};
use eipd_sim::{Effect, Ending, Fault, InterfaceStatus, Service, Span, World, WorldConfig};
use jiff::Timestamp;
use tokio::time::sleep;

use crate::rig::{Daemon, POLL, Setup, on_paused_clock, orders, target};
use crate::small::Small;

const SEEDS: u64 = 40;

/// A pass from its first look to its last change, calls being as slow as here.
const PASS: Duration = Duration::from_secs(10);

#[test]
fn the_metrics_agree_with_the_world() {
    for seed in 0..SEEDS {
        on_paused_clock(story(seed));
    }
}

async fn story(seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    let small = Small::of(WorldConfig::drawn(seed), random.usize(2..6));
    let sim = &small.sim;
    sim.set_latency(Some(Span { shortest: Duration::from_millis(20), longest: Duration::from_millis(200) }));
    sim.inject(Fault::new(Effect::Throttle).on_service(Service::Ec2).rate(0.03));
    sim.inject(Fault::new(Effect::Unavailable).on_service(Service::Lambda).rate(0.03));
    let telemetry = Arc::new(Telemetry::new(Timestamp::UNIX_EPOCH));
    let configured = Configured::new("a test", Timestamp::UNIX_EPOCH, POLL);
    telemetry.configured(&configured.target(target(), &Declared::from(&small.desired)));
    let setup = Setup { telemetry: Some(telemetry.clone()), ..Setup::default() };
    let daemon = Daemon::start_as(sim, orders(&small.desired), seed, setup).await;
    for _ in 0..10 {
        sleep(Duration::from_millis(random.u64(20_000..200_000))).await;
        happen(&small, &mut random);
    }
    // What Lambda does takes minutes, and the last losses are mended by the next polls.
    sleep(Duration::from_secs(20 * 60)).await;
    daemon.stop().await;
    let metrics = Metrics(String::from_utf8(telemetry.exposition()).expect("the exposition is text"));
    assert_calls_agree(&small, &metrics, seed);
    assert_coverage_agrees(&small, &metrics, seed);
    assert_repairs_agree(&small, &metrics, seed);
}

fn happen(small: &Small, random: &mut fastrand::Rng) {
    let interfaces = small.interfaces();
    let interface = &interfaces[random.usize(..interfaces.len())];
    small.sim.world(|world| match random.u8(..4) {
        0 => drop(world.overflow(&small.subnets[random.usize(..2)], &[&small.group])),
        1 => drop(world.replace_interface(interface)),
        _ => {
            world.stray_disassociate(&small.allocations[random.usize(..small.allocations.len())]);
        }
    });
}

/// Each call is counted once, by its outcome.
fn assert_calls_agree(small: &Small, metrics: &Metrics, seed: u64) {
    let journal = small.sim.journal();
    for (operation, count) in journal.counts() {
        let of = |what: &[&str]| {
            let ended = journal.entries().iter().filter(|entry| entry.operation == operation);
            let ended = ended.filter(|entry| match &entry.ending {
                Ending::Ok => what.contains(&"Ok"),
                Ending::Error(code) => what.contains(&code.as_str()),
                _ => false,
            });
            ended.count() as f64
        };
        let told = |outcome| {
            let labels = [("operation", operation), ("outcome", outcome)];
            metrics.sum("eipd_aws_requests_total", &labels)
        };
        let at = format!("seed {seed}: {operation}");
        assert_eq!(metrics.sum("eipd_aws_requests_total", &[("operation", operation)]), count as f64, "{at}");
        assert_eq!(told("ok"), of(&["Ok"]), "{at}");
        assert_eq!(told("throttled"), of(&["RequestLimitExceeded", "TooManyRequestsException"]), "{at}");
        assert_eq!(told("unavailable"), of(&["ServiceUnavailable", "ServiceException"]), "{at}");
    }
}

/// The gauges say what is covered now; the counter of seconds lags behind each episode by at most the poll that saw it.
fn assert_coverage_agrees(small: &Small, metrics: &Metrics, seed: u64) {
    let serving = |world: &World| {
        let ours = world.interfaces().filter(|interface| interface.kind == "lambda");
        let serving = ours.filter(|interface| interface.status() == InterfaceStatus::InUse);
        serving.map(|interface| interface.id.clone()).collect::<Vec<_>>()
    };
    let (serving, bare) = small.sim.world(|world| {
        let serving = serving(world);
        let bare = serving.iter().filter(|id| world.address_of(id).is_none()).count();
        (serving.len(), bare)
    });
    assert_eq!(metrics.sum("eipd_network_interfaces", &[]), serving as f64, "seed {seed}");
    assert_eq!(metrics.sum("eipd_unassociated_network_interfaces", &[]), bare as f64, "seed {seed}");
    let exposure = small.sim.world(|world| world.exposure("billing"));
    let truth = exposure.bare_seconds + exposure.wrong_seconds;
    let told = metrics.sum("eipd_uncovered_seconds_total", &[("function", "billing")]);
    let episodes = exposure.gaps.len() as f64 + 1.0;
    let most = truth + PASS.as_secs_f64() * episodes;
    let least = truth - (POLL + PASS).as_secs_f64() * episodes;
    assert!((least..=most).contains(&told), "seed {seed}: {told} s, not {truth} s in {episodes} episodes");
}

/// Each change that was made is told once, and no repair that was no change: an interface that is served before it is in use
/// needs none.
fn assert_repairs_agree(small: &Small, metrics: &Metrics, seed: u64) {
    let made = small.sim.with_journal(|journal| {
        let made =
            |entry: &&eipd_sim::Entry| entry.operation == "AssociateAddress" && entry.ending == Ending::Ok;
        journal.entries().iter().filter(made).count() as f64
    });
    let done = metrics.sum("eipd_changes_total", &[("outcome", "done")]);
    let repairs = metrics.sum("eipd_repair_seconds_count", &[]);
    assert_eq!(done, made, "seed {seed}");
    assert!(0.0 < repairs && repairs <= done, "seed {seed}: {repairs} {done}");
}

/// The metrics as a scrape sees them.
struct Metrics(String);

impl Metrics {
    /// The sum of all series of this name with these labels.
    fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let of_name =
            self.0.lines().filter_map(|line| line.strip_prefix(name)).filter(|rest| rest.starts_with('{'));
        let fits =
            |rest: &&str| labels.iter().all(|(label, value)| rest.contains(&format!("{label}=\"{value}\"")));
        let values = of_name.filter(fits).filter_map(|rest| rest.rsplit(' ').next());
        values.map(|value| value.parse::<f64>().expect("a number")).sum()
    }
}
