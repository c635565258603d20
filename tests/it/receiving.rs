//! What must become of an event whatever stands in its way: reads that fail or lag, interfaces that are not shown yet,
//! crowds of events, events of others, a crash. Polling is made so rare here that it repairs nothing.

use std::sync::Arc;
use std::time::Duration;

use eipd::domain::report::Trigger;
use eipd_sim::{
    Effect, EventWeather, Fault, NewRule, Outcome, Sim, Span, Staleness, Target, Timing, VpcConfig,
    WorldConfig,
};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::rig::{self, Daemon, Listener, Wanted, assert_lawful, on_paused_clock};
use crate::small::Small;

const QUEUE: &str = "eipd";
const DELAY: Duration = Duration::from_secs(1);
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

fn wire(sim: &Sim, queue: &str) -> String {
    sim.set_events(EventWeather::delayed(Span::exactly(DELAY)));
    sim.world(|world| world.wire_events_of(queue, &eipd::events::pattern::event_pattern()))
}

/// A daemon of this estate that hears of events a second after them, and does not poll.
async fn unpolled(small: &Small) -> Daemon {
    let url = wire(&small.sim, QUEUE);
    let daemon = Daemon::start_with_queue(&small.sim, &small.desired, 1, &url).await;
    sleep(5 * SECOND).await;
    daemon.poll_every(100 * 60 * MINUTE);
    sleep(30 * SECOND).await;
    assert!(small.is_covered());
    daemon
}

async fn until_covered(small: &Small, within: Duration) -> Duration {
    let begun = Instant::now();
    while !small.is_covered() && begun.elapsed() < within {
        sleep(Duration::from_millis(20)).await;
    }
    begun.elapsed()
}

/// How many passes were made since, over everything and over corners.
fn passes_since(daemon: &Daemon, before: usize) -> (usize, usize) {
    let reports = daemon.heard.reports();
    let whole = reports[before..].iter().filter(|report| report.is_whole).count();
    (whole, reports.len() - before - whole)
}

fn new_group(small: &Small) -> String {
    small.sim.world(|world| {
        let vpc = world.vpcs().next().expect("there is one").id.clone();
        world.create_security_group(&vpc, "new")
    })
}

/// Whether every interface of the pairs with this group has an address.
fn is_covered_with(small: &Small, group: &str) -> bool {
    small.sim.world(|world| {
        let mut all = small.subnets.iter().flat_map(|subnet| world.pair_interfaces(subnet, &[group]));
        let mut seen = 0;
        all.all(|id| {
            seen += 1;
            world.address_of(&id).is_some()
        }) && seen > 0
    })
}

#[test]
fn a_hint_whose_reads_fail_is_not_lost() {
    for operation in ["DescribeAddresses", "DescribeNetworkInterfaces"] {
        on_paused_clock(async {
            let small = Small::with(2);
            let _daemon = unpolled(&small).await;
            small.sim.inject(Fault::new(Effect::Throttle).on_operation(operation));
            small.sim.world(|world| world.stray_disassociate(&small.allocations[0]));
            sleep(45 * SECOND).await;
            assert!(!small.is_covered());
            small.sim.clear_faults();
            let took = until_covered(&small, 5 * MINUTE).await;
            assert!(took < 30 * SECOND, "{operation}: {took:?} after the weather");
            assert_lawful(&small.sim);
        });
    }
}

#[test]
fn an_update_told_while_lambda_throttles_is_seen_once_it_answers() {
    on_paused_clock(async {
        let small = Small::with(4);
        let _daemon = unpolled(&small).await;
        let group = new_group(&small);
        small.sim.inject(Fault::new(Effect::Throttle).on_operation("GetFunctionConfiguration"));
        let config = VpcConfig::new(&small.subnets, &[&group]);
        small
            .sim
            .world(|world| world.update_function_vpc("billing", config, Outcome::Succeeds, None))
            .expect("active");
        sleep(45 * SECOND).await;
        small.sim.clear_faults();
        sleep(4 * MINUTE).await;
        assert!(is_covered_with(&small, &group));
        assert_lawful(&small.sim);
    });
}

#[test]
fn a_stray_hand_is_seen_though_the_reads_still_show_the_bond() {
    for (addresses, interfaces) in [(8, 8), (0, 8), (8, 0)] {
        let lag = Staleness {
            addresses: Duration::from_secs(addresses),
            interfaces: Duration::from_secs(interfaces),
        };
        for seed in 0..10 {
            on_paused_clock(async {
                let small = Small::of(WorldConfig { seed, ..WorldConfig::default() }, 2);
                let _daemon = unpolled(&small).await;
                small.sim.set_staleness(lag);
                small.sim.world(|world| world.stray_disassociate(&small.allocations[0]));
                let took = until_covered(&small, 5 * MINUTE).await;
                assert!(took < 20 * SECOND, "{lag:?}, seed {seed}: {took:?}");
            });
        }
    }
}

#[test]
fn many_interfaces_that_are_not_shown_yet_are_looked_for_again() {
    on_paused_clock(async {
        let small = Small::with(75);
        let daemon = unpolled(&small).await;
        let before = daemon.heard.reports().len();
        small.sim.set_staleness(Staleness { addresses: Duration::ZERO, interfaces: 10 * SECOND });
        small.sim.world(|world| {
            (0..70).for_each(|n| drop(world.overflow(&small.subnets[n % 2], &[&small.group])));
        });
        let took = until_covered(&small, 10 * MINUTE).await;
        assert!(took < 90 * SECOND, "{took:?}");
        sleep(10 * MINUTE).await;
        let (whole, corners) = passes_since(&daemon, before);
        assert!(whole + corners < 100, "{whole} and {corners}: it comes to an end");
        assert_lawful(&small.sim);
    });
}

#[test]
fn an_interface_that_is_never_shown_is_not_looked_for_for_ever() {
    on_paused_clock(async {
        let small = Small::with(2);
        let daemon = unpolled(&small).await;
        let before = daemon.heard.reports().len();
        send_creations(&small, 1);
        sleep(10 * MINUTE).await;
        let (whole, corners) = passes_since(&daemon, before);
        assert_eq!(whole, 0);
        assert!((10..60).contains(&corners), "{corners}");
    });
}

/// Forged events of the making of so many interfaces of the function's pair.
fn send_creations(small: &Small, count: usize) {
    small.sim.world(|world| {
        for n in 0..count {
            let body = creation(&format!("eni-{n:017x}"), small);
            world.send_message(QUEUE, &body, None).expect("it fits");
        }
    });
}

/// What tells that somebody made this interface, of the function's pair.
pub fn creation(interface: &str, small: &Small) -> String {
    let (subnet, group) = (&small.subnets[0], &small.group);
    format!(
        r#"{{"account":"111122223333","region":"eu-west-1","source":"aws.ec2",
            "detail-type":"AWS API Call via CloudTrail","time":"2026-01-01T00:00:00Z",
            "detail":{{"eventSource":"ec2.amazonaws.com","eventName":"CreateNetworkInterface",
            "eventTime":"2026-01-01T00:00:00Z","awsRegion":"eu-west-1","requestID":"of-{interface}",
            "responseElements":{{"networkInterface":{{"networkInterfaceId":"{interface}","subnetId":"{subnet}",
            "groupSet":{{"items":[{{"groupId":"{group}"}}]}}}}}}}}}}"#
    )
}

#[test]
fn a_backlog_of_different_events_costs_a_bounded_number_of_passes() {
    on_paused_clock(async {
        let small = Small::with(2);
        let daemon = unpolled(&small).await;
        small.sim.set_latency(Some(Span::exactly(Duration::from_millis(50))));
        let before = daemon.heard.reports().len();
        send_creations(&small, 15_000);
        small.sim.world(|world| world.stray_disassociate(&small.allocations[0]));
        let took = until_covered(&small, 5 * MINUTE).await;
        assert!(took < 5 * SECOND, "{took:?}: the flood holds up no repair");
        sleep(15 * MINUTE).await;
        assert_eq!(small.sim.world(|world| world.queue(QUEUE).map(|queue| queue.len())), Some(0));
        assert_eq!(daemon.heard.events()[&("create_network_interface", "accepted")], 15_000);
        let (whole, corners) = passes_since(&daemon, before);
        assert!(whole + corners < 400, "{whole} and {corners}");
        let after = daemon.heard.reports().len();
        sleep(10 * MINUTE).await;
        assert_eq!(daemon.heard.reports().len(), after, "it comes to an end");
        assert_lawful(&small.sim);
    });
}

/// So many functions on the pairs of the estate besides its own, all declared.
fn with_functions(small: &mut Small, count: usize) {
    let names: Vec<String> = (0..count).map(|n| format!("function-{n}")).collect();
    small.sim.world(|world| {
        for name in &names {
            world.create_active_function(name, VpcConfig::new(&small.subnets, &[&small.group]));
            world.declare(name, &small.allocations);
        }
    });
    let wanted = Wanted::new().pool("partner-a", &small.allocations, 0).function("billing", "partner-a");
    small.desired = names.iter().fold(wanted, |wanted, name| wanted.function(name, "partner-a")).done();
}

#[test]
fn however_many_functions_are_watched_a_stray_hand_is_answered_at_once() {
    for count in [30, 100] {
        on_paused_clock(async {
            let update = Span::exactly(12 * MINUTE);
            let timing = Timing { update, ..Timing::default() };
            let mut small = Small::of(WorldConfig { timing, ..WorldConfig::default() }, 2);
            with_functions(&mut small, count);
            let daemon = unpolled(&small).await;
            small.sim.set_latency(Some(Span::exactly(Duration::from_millis(80))));
            small.sim.world(|world| {
                for n in 0..count {
                    world.update_function_code(&format!("function-{n}"), None).expect("it is active");
                }
            });
            sleep(MINUTE).await;
            let (before, reports) =
                (small.sim.calls("GetFunctionConfiguration"), daemon.heard.reports().len());
            for allocation in &small.allocations {
                small.sim.world(|world| world.stray_disassociate(allocation));
                let took = until_covered(&small, 5 * MINUTE).await;
                // A look at functions may be under way; what waits behind it waits for no more than that one.
                assert!(took < DELAY + 2 * SECOND, "{count} functions: {took:?}");
                sleep(17 * SECOND).await;
            }
            sleep(5 * MINUTE).await;
            let calls = small.sim.calls("GetFunctionConfiguration") - before;
            assert!(calls > 30 && calls < 5 * 330, "{calls} calls in five minutes");
            let (whole, _) = passes_since(&daemon, reports);
            assert_eq!(whole, 0, "no look at everything on account of functions");
            assert_lawful(&small.sim);
        });
    }
}

#[test]
fn own_echoes_cost_no_pass_while_a_pass_is_under_way() {
    on_paused_clock(async {
        let small = Small::with(110);
        small.sim.world(|world| {
            (0..98).for_each(|n| drop(world.overflow(&small.subnets[n % 2], &[&small.group])));
        });
        let url = wire(&small.sim, QUEUE);
        small.sim.set_latency(Some(Span::exactly(Duration::from_millis(50))));
        let daemon = Daemon::start_with_queue(&small.sim, &small.desired, 1, &url).await;
        sleep(5 * MINUTE).await;
        assert!(small.is_covered());
        assert_eq!(daemon.heard.events().get(&("associate_address", "echo")), Some(&100));
        let passes = daemon.heard.reports();
        let caused = passes.iter().filter(|pass| pass.trigger == Trigger::Event).count();
        assert_eq!(caused, 0, "{:?}", daemon.heard.events());
    });
}

#[test]
fn a_bond_that_nobody_knows_costs_a_look_at_the_declared_addresses_and_is_never_dropped() {
    on_paused_clock(async {
        let small = Small::with(2);
        let daemon = unpolled(&small).await;
        let before = daemon.heard.reports().len();
        let foreign = small.sim.world(|world| {
            let foreign = world.allocate_address();
            let plain = eipd_sim::NewInterface::plain(&small.subnets[0], &[&small.group]);
            let interface = world.add_interface(plain);
            world.stray_associate(&foreign, &interface, true).expect("both are free");
            foreign
        });
        sleep(5 * SECOND).await;
        assert_eq!(passes_since(&daemon, before), (0, 0), "{:?}", daemon.heard.events());
        small.sim.world(|world| world.stray_disassociate(&foreign));
        sleep(30 * SECOND).await;
        // Reads lag, so that it is looked for while what it undid may still be shown.
        let (whole, corners) = passes_since(&daemon, before);
        assert!(
            whole == 0 && (1..=6).contains(&corners),
            "{whole} and {corners}: {:?}",
            daemon.heard.events()
        );
        // A bond of ours that was made unseen is undone within the time in which no other search is made.
        let (allocation, interface) = (&small.allocations[0], &small.interfaces()[0]);
        small.sim.set_events(EventWeather { loss: 1.0, ..EventWeather::default() });
        small.sim.world(|world| {
            world.stray_disassociate(allocation);
            world.stray_associate(allocation, interface, true).ok();
        });
        small.sim.set_events(EventWeather::delayed(Span::exactly(DELAY)));
        small.sim.world(|world| world.stray_disassociate(allocation));
        let took = until_covered(&small, 5 * MINUTE).await;
        assert!(took <= 32 * SECOND, "{took:?}");
        let (whole, _) = passes_since(&daemon, before);
        assert_eq!(whole, 0);
        assert_lawful(&small.sim);
    });
}

#[test]
fn what_is_declared_or_seen_only_now_concerns_the_target_before_the_pass_has_ended() {
    on_paused_clock(async {
        let small = Small::with(4);
        let group = new_group(&small);
        let vpc = VpcConfig::new(&small.subnets, &[&group]);
        small.sim.world(|world| world.create_active_function("second", vpc));
        let daemon = unpolled(&small).await;
        let wanted = Wanted::new().pool("partner-a", &small.allocations, 0);
        let desired = wanted.function("billing", "partner-a").function("second", "partner-a").done();
        small.sim.set_latency(Some(Span::exactly(3 * SECOND)));
        daemon.reload(rig::orders(&desired));
        let before = daemon.heard.events();
        small.sim.world(|world| world.update_function_code("second", None)).expect("it is active");
        sleep(5 * SECOND).await;
        let heard = daemon.heard.events();
        assert_ne!(before, heard);
        assert!(heard.contains_key(&("update_function_code", "accepted")), "{heard:?}");
        assert!(!heard.contains_key(&("update_function_code", "irrelevant")), "{heard:?}");
    });
}

#[test]
fn a_failed_update_is_watched_until_it_has_failed_and_no_longer() {
    on_paused_clock(async {
        let update = Span::exactly(40 * SECOND);
        let timing = Timing { update, interface_creation: Span::seconds(20, 30), ..Timing::default() };
        let small = Small::of(WorldConfig { timing, ..WorldConfig::default() }, 4);
        let daemon = unpolled(&small).await;
        let group = new_group(&small);
        let config = VpcConfig::new(&small.subnets, &[&group]);
        let before = daemon.heard.reports().len();
        let fails = Outcome::Fails("seeded".to_owned());
        small
            .sim
            .world(|world| world.update_function_vpc("billing", config, fails, None))
            .expect("it is active");
        sleep(11 * SECOND).await;
        let (whole, close) = passes_since(&daemon, before);
        assert!(whole == 0 && (8..=13).contains(&close), "about each second at first: {whole} and {close}");
        sleep(5 * MINUTE).await;
        let after = daemon.heard.reports().len();
        sleep(15 * MINUTE).await;
        let later = daemon.heard.reports();
        assert!(later[after..].iter().all(|report| report.trigger != Trigger::Watch), "it has failed");
        assert!(small.is_covered(), "what served before serves still");
        assert_lawful(&small.sim);
    });
}

#[test]
fn a_function_that_changes_for_too_long_is_left_to_the_poll() {
    on_paused_clock(async {
        let timing = Timing { update: Span::exactly(60 * MINUTE), ..Timing::default() };
        let small = Small::of(WorldConfig { timing, ..WorldConfig::default() }, 2);
        let daemon = unpolled(&small).await;
        let reads = || small.sim.calls("GetFunctionConfiguration");
        let before = reads();
        small.sim.world(|world| world.update_function_code("billing", None)).expect("it is active");
        sleep(17 * MINUTE).await;
        let watched = reads() - before;
        assert!((300..500).contains(&watched), "{watched}");
        sleep(20 * MINUTE).await;
        assert_eq!(reads() - before, watched, "{:?}", daemon.heard.events());
    });
}

#[test]
fn a_queue_that_denies_deletion_is_told_of_and_costs_one_pass_a_message() {
    on_paused_clock(async {
        let small = Small::with(2);
        let daemon = unpolled(&small).await;
        small.sim.deny("sqs:DeleteMessage");
        small.sim.world(|world| world.stray_disassociate(&small.allocations[0]));
        assert!(until_covered(&small, MINUTE).await < 3 * SECOND);
        sleep(MINUTE).await;
        let before = daemon.heard.reports().len();
        sleep(20 * MINUTE).await;
        let told = daemon.heard.queue_trouble().expect("it is told");
        assert!(told.contains("grant `sqs:DeleteMessage`"), "{told}");
        assert_eq!(passes_since(&daemon, before), (0, 0), "{:?}", daemon.heard.events());
        small.sim.allow("sqs:DeleteMessage");
        sleep(5 * MINUTE).await;
        assert_eq!(daemon.heard.queue_trouble(), None);
        assert_eq!(small.sim.world(|world| world.queue(QUEUE).map(|queue| queue.len())), Some(0));
    });
}

#[test]
fn a_crash_with_messages_in_hand_is_put_right_by_the_next_start() {
    on_paused_clock(async {
        let small = Small::with(2);
        let daemon = unpolled(&small).await;
        small.sim.set_latency(Some(Span::exactly(Duration::from_millis(200))));
        small.sim.inject(Fault::new(Effect::Hang).on_operation("DeleteMessageBatch"));
        let before = daemon.heard.events();
        small.sim.world(|world| world.stray_disassociate(&small.allocations[0]));
        while daemon.heard.events() == before {
            sleep(Duration::from_millis(10)).await;
        }
        daemon.kill().await;
        small.sim.clear_faults();
        assert_eq!(small.sim.world(|world| world.queue(QUEUE).map(|queue| queue.len())), Some(1), "in hand");
        assert!(!small.is_covered());
        let url = small.sim.world(|world| world.queue_url(QUEUE));
        let _next = Daemon::start_with_queue(&small.sim, &small.desired, 2, &url).await;
        assert!(until_covered(&small, 5 * MINUTE).await < 5 * SECOND, "it begins with a look at everything");
        sleep(5 * MINUTE).await;
        assert_eq!(small.sim.world(|world| world.queue(QUEUE).map(|queue| queue.len())), Some(0));
        assert_lawful(&small.sim);
    });
}

#[test]
fn one_queue_is_fed_from_several_regions_and_each_event_costs_its_own_target_a_pass_alone() {
    on_paused_clock(async {
        let regions = ["eu-west-1", "us-east-1", "ap-south-1"];
        let estates = regions.map(|region| Small::in_region(region, 2));
        let [central, far, unwatched] = &estates;
        let url = wire(&central.sim, QUEUE);
        for small in [far, unwatched] {
            small.sim.set_events(EventWeather::delayed(Span::exactly(DELAY)));
            small.sim.world(|world| {
                let pattern = Some(eipd::events::pattern::event_pattern());
                world.put_rule(NewRule { name: "out".into(), pattern, ..NewRule::default() }).expect("put");
                let arn = "arn:aws:events:eu-west-1:111122223333:event-bus/default".to_owned();
                let target = Target { id: "central".into(), arn, ..Target::default() };
                world.put_targets(None, "out", vec![target]).expect("put");
            });
            let (from, to) = (small.sim.clone(), central.sim.clone());
            tokio::spawn(async move { from.relay_to(&[to]).await });
        }
        let mut daemons = Vec::new();
        for small in [central, far] {
            daemons.push(Daemon::start(&small.sim, &small.desired, 1).await);
        }
        let (heard, cancel) = (Arc::new(Listener::default()), CancellationToken::new());
        let routes = daemons.iter().map(|daemon| daemon.route.clone()).collect();
        let _consumer = rig::consume(&central.sim, &url, routes, heard.clone(), &cancel).await;
        sleep(5 * SECOND).await;
        daemons.iter().for_each(|daemon| daemon.poll_every(100 * 60 * MINUTE));
        sleep(30 * SECOND).await;
        for small in [far, central] {
            let before: Vec<usize> = daemons.iter().map(|daemon| daemon.heard.reports().len()).collect();
            small.sim.world(|world| world.stray_disassociate(&small.allocations[0]));
            assert!(until_covered(small, 5 * MINUTE).await < 3 * SECOND);
            sleep(30 * SECOND).await;
            let index = usize::from(small.sim.world(|world| world.config().region == "us-east-1"));
            assert_eq!(passes_since(&daemons[1 - index], before[1 - index]), (0, 0), "the other target");
            assert!(passes_since(&daemons[index], before[index]).1 >= 1);
        }
        let before: Vec<usize> = daemons.iter().map(|daemon| daemon.heard.reports().len()).collect();
        let elsewhere = |heard: &Listener| heard.events().get(&("allocate_address", "elsewhere")).copied();
        assert_eq!(elsewhere(&heard), None);
        unwatched.sim.world(|world| drop(world.allocate_address()));
        sleep(30 * SECOND).await;
        assert_eq!(elsewhere(&heard), Some(1), "{:?}", heard.events());
        for (daemon, before) in daemons.iter().zip(before) {
            assert_eq!(passes_since(daemon, before), (0, 0));
        }
        estates.iter().for_each(|small| assert_lawful(&small.sim));
        cancel.cancel();
    });
}
