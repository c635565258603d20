//! What others are told: a daemon, a bus with a rule, and a queue that the rule fills. A bus in trouble is told of and
//! never holds up a repair, nor the end of the process.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use eipd::domain::policy::OnRemoved;
use eipd::reconcile::pass::Orders;
use eipd::reconcile::ports::Delivery;
use eipd_sim::{Effect, Fault, NewRule, Outcome, Service, Target, VpcConfig};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::process::{Bench, PATIENCE, Running, configuration, served};
use crate::rig::{Daemon, POLL, Wanted, assert_lawful, on_paused_clock, orders};
use crate::small::Small;

const QUEUE: &str = "told";

/// A bus with a rule that takes everything of eipd to a queue. Returns the bus's ARN.
fn bus_with_rule(small: &Small) -> String {
    small.sim.world(|world| {
        let none = BTreeMap::new();
        let bus = world.create_event_bus("ops", none.clone()).expect("it is new");
        world.create_queue(QUEUE, &none, &none).expect("it is new");
        let arn = world.queue(QUEUE).expect("it was made").arn.clone();
        let rule = NewRule {
            name: "eipd".to_owned(),
            bus: Some("ops".to_owned()),
            pattern: Some(json!({ "source": ["eipd"] }).to_string()),
            ..NewRule::default()
        };
        let rule_arn = world.put_rule(rule).expect("the pattern is one that is simulated");
        let policy = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage",
            "Resource": arn, "Condition": {"ArnEquals": {"aws:SourceArn": rule_arn}},
        }]});
        let attributes = BTreeMap::from([("Policy".to_owned(), policy.to_string())]);
        world.set_queue_attributes(QUEUE, &attributes).expect("the policy is one that is simulated");
        let target = Target { id: "queue".to_owned(), arn, ..Target::default() };
        world.put_targets(Some("ops"), "eipd", vec![target]).expect("the rule was made");
        bus
    })
}

/// What has arrived since this was last asked, in the order of the ids: kind and subject.
fn told(small: &Small) -> Vec<(String, String)> {
    let mut events: Vec<Value> = small.sim.world(|world| {
        let mut events = Vec::new();
        loop {
            let received = world.receive_messages(QUEUE, 10, None).expect("it is there");
            if received.is_empty() {
                return events;
            }
            for message in received {
                events.push(serde_json::from_str(&message.body).expect("an event is JSON"));
                world.delete_message(QUEUE, &message.handle).expect("it was received");
            }
        }
    });
    let order = |event: &Value| {
        let id = event["detail"]["notification_id"].as_str().unwrap_or_default();
        id.rsplit('-').next().and_then(|number| number.parse::<u64>().ok())
    };
    events.sort_by_key(order);
    let text = |value: &Value| value.as_str().map(str::to_owned);
    events
        .iter()
        .map(|event| {
            let detail = &event["detail"];
            let subject =
                ["network_interface_id", "pool", "function"].iter().find_map(|key| text(&detail[key]));
            (text(&detail["kind"]).unwrap_or_default(), subject.unwrap_or_default())
        })
        .collect()
}

fn kinds(told: &[(String, String)]) -> Vec<&str> {
    told.iter().map(|(kind, _)| kind.as_str()).collect()
}

async fn started(addresses: usize) -> (Small, Daemon, String) {
    let small = Small::with(addresses);
    let bus = bus_with_rule(&small);
    let daemon = Daemon::start_with_bus(&small.sim, &small.desired, 1, &bus).await;
    sleep(Duration::from_secs(5)).await;
    (small, daemon, bus)
}

#[test]
fn a_stray_hand_is_told_once_and_nothing_else_for_hours() {
    on_paused_clock(async {
        let (small, daemon, _) = started(2).await;
        assert_eq!(kinds(&told(&small)), ["address_associated"; 2]);
        // Longer than what was just given stays reserved for its interface.
        sleep(POLL * 4).await;
        let taken = small.interfaces()[0].clone();
        small.sim.world(|world| {
            let carries = |id: &&String| world.address_of(&taken) == Some(world.public_ip(id));
            let address = small.allocations.iter().find(carries).expect("it is covered").clone();
            world.stray_disassociate(&address);
        });
        sleep(POLL * 120).await;
        assert!(small.is_covered());
        assert_eq!(told(&small), [("address_associated".to_owned(), taken)]);
        assert_eq!(daemon.stop().await, Duration::ZERO);
        assert_lawful(&small.sim);
    });
}

#[test]
fn what_is_taken_off_since_its_function_left_the_file_is_told() {
    on_paused_clock(async {
        let (small, daemon, _) = started(2).await;
        assert_eq!(kinds(&told(&small)), ["address_associated"; 2]);
        sleep(POLL * 4).await;
        small.sim.world(|world| world.expect::<&str>("billing", &[]));
        let pool = Wanted::new().pool("partner-a", &small.allocations, 0);
        let desired = pool.function("nowhere", "partner-a").done();
        daemon.reload(Orders { on_removed: OnRemoved::Disassociate, ..orders(&desired) });
        sleep(POLL * 10).await;
        let off = told(&small);
        assert_eq!(kinds(&off), ["function_unservable", "address_disassociated", "address_disassociated"]);
        assert_eq!(off[0].1, "nowhere", "the only function that is left does not exist");
        let mut interfaces: Vec<String> = off.into_iter().skip(1).map(|(_, interface)| interface).collect();
        interfaces.sort();
        let mut all = small.interfaces();
        all.sort();
        assert_eq!(interfaces, all);
        daemon.stop().await;
        assert_lawful(&small.sim);
    });
}

#[test]
fn a_function_that_leaves_its_vpc_and_comes_back_is_told_once_each() {
    on_paused_clock(async {
        let (small, daemon, _) = started(2).await;
        assert_eq!(kinds(&told(&small)), ["address_associated"; 2]);
        sleep(POLL * 4).await;
        small.sim.world(|world| {
            world.expect::<&str>("billing", &[]);
            world
                .update_function_vpc("billing", None::<VpcConfig>, Outcome::Succeeds, None)
                .expect("it is active");
        });
        sleep(POLL * 40).await;
        assert_eq!(told(&small), [("function_unservable".to_owned(), "billing".to_owned())]);
        small.sim.world(|world| {
            let back = VpcConfig::new(&small.subnets, &[&small.group]);
            world.update_function_vpc("billing", back, Outcome::Succeeds, None).expect("it is active");
        });
        sleep(POLL * 40).await;
        let last = told(&small);
        let recovered = last.iter().filter(|(kind, _)| kind == "function_recovered");
        assert_eq!(
            recovered.map(|(_, subject)| subject.as_str()).collect::<Vec<_>>(),
            ["billing"],
            "{last:?}"
        );
        daemon.stop().await;
        assert_lawful(&small.sim);
    });
}

#[test]
fn an_exhausted_pool_and_its_recovery_are_told_once_each() {
    on_paused_clock(async {
        let (small, daemon, bus) = started(1).await;
        let first = told(&small);
        let [(_, served), (_, pool), (_, bare)] = &first[..] else { panic!("{first:?}") };
        assert_eq!(kinds(&first), ["address_associated", "pool_exhausted", "network_interface_uncovered"]);
        assert_eq!((pool.as_str(), served != bare), ("partner-a", true));
        sleep(POLL * 30).await;
        assert_eq!(told(&small), [], "not once for each pass");

        daemon.kill().await;
        let daemon = Daemon::start_with_bus(&small.sim, &small.desired, 2, &bus).await;
        sleep(POLL * 5).await;
        assert_eq!(told(&small), first[1..], "once more after a restart");

        let more = small.sim.world(|world| {
            let more = world.allocate_address();
            world.declare("billing", &[small.allocations[0].clone(), more.clone()]);
            more
        });
        let pool = [small.allocations[0].clone(), more];
        let desired = Wanted::new().pool("partner-a", &pool, 0).function("billing", "partner-a").done();
        daemon.reload(orders(&desired));
        sleep(POLL * 5).await;
        let last = told(&small);
        assert_eq!(kinds(&last), ["address_associated", "network_interface_recovered", "pool_recovered"]);
        assert!(last[..2].iter().all(|(_, subject)| subject == bare), "{last:?}");
        daemon.stop().await;
        assert_lawful(&small.sim);
    });
}

async fn repaired(small: &Small) -> Duration {
    small.sim.world(|world| world.stray_disassociate(&small.allocations[0]));
    let begun = Instant::now();
    while !small.is_covered() && begun.elapsed() < POLL * 3 {
        sleep(Duration::from_millis(5)).await;
    }
    assert!(small.is_covered());
    begun.elapsed()
}

/// How long a repair takes while notifications wait for a bus in this trouble.
async fn repaired_after(trouble: &str) -> Duration {
    let (small, daemon, _) = started(2).await;
    sleep(POLL * 4).await;
    match trouble {
        "none" => {}
        "denied" => small.sim.deny("events:PutEvents"),
        "down" => small.sim.inject(Fault::new(Effect::Unavailable).on_service(Service::Events)),
        "hangs" => small.sim.inject(Fault::new(Effect::Hang).on_service(Service::Events)),
        other => panic!("no trouble is called {other}"),
    }
    // The first repair is what the bus is to be told of.
    repaired(&small).await;
    sleep(POLL * 4).await;
    let took = repaired(&small).await;
    sleep(Duration::from_secs(30)).await;
    let is_in_trouble = trouble != "none";
    assert_eq!(daemon.heard.bus_trouble().is_some(), is_in_trouble, "{trouble}");
    assert_eq!(daemon.heard.delivered(Delivery::Retried) > 0, is_in_trouble, "{trouble}");
    if trouble == "denied" {
        let told_of = daemon.heard.bus_trouble();
        assert!(told_of.is_some_and(|text| text.contains("grant `events:PutEvents`")));
        small.sim.allow("events:PutEvents");
        sleep(POLL * 2).await;
        assert_eq!(daemon.heard.bus_trouble(), None, "it is used again");
        assert_eq!(kinds(&told(&small)), ["address_associated"; 4], "and nothing was lost");
    }
    let ended = daemon.stop().await;
    assert!(ended <= Duration::from_secs(2), "{trouble}: {ended:?}");
    took
}

#[test]
fn a_bus_in_trouble_is_told_of_and_no_repair_is_later_for_it() {
    let without = on_paused_clock(repaired_after("none"));
    for trouble in ["denied", "down", "hangs"] {
        let took = on_paused_clock(repaired_after(trouble));
        assert_eq!(took, without, "{trouble}");
    }
}

/// Waits until these kinds have arrived, in the order of the alphabet: over HTTP they arrive one by one.
async fn until_told(small: &Small, expected: &[&str]) {
    let mut all = Vec::new();
    let begun = std::time::Instant::now();
    while all.len() < expected.len() && begun.elapsed() < PATIENCE {
        all.extend(told(small));
        sleep(Duration::from_millis(20)).await;
    }
    all.sort();
    assert_eq!(kinds(&all), expected);
}

#[tokio::test]
async fn a_drain_publishes_what_it_took_off_and_nothing_else() {
    let small = Small::with(2);
    let bus = bus_with_rule(&small);
    let server = served(&small).await;
    let text = format!("{}\n[notify]\nevent_bus = \"{bus}\"\n", configuration(&small));
    let bench = Bench::new(&text, &server.url());
    assert_eq!(bench.run(&["apply"]).await.code(), Some(0));
    let drained = bench.run(&["drain", "--yes"]).await;
    assert_eq!(drained.code(), Some(0), "{}", drained.stderr());
    until_told(&small, &["address_disassociated"; 2]).await;
    // The bus refuses, and the addresses come off all the same.
    assert_eq!(bench.run(&["apply"]).await.code(), Some(0));
    small.sim.deny("events:PutEvents");
    let drained = bench.run(&["drain", "--yes"]).await;
    assert_eq!(drained.code(), Some(0), "{}", drained.stderr());
    assert!(drained.stderr().contains("2 notifications were not published"), "{}", drained.stderr());
}

#[tokio::test]
async fn a_reload_switches_the_bus_on_and_off_and_a_hanging_one_does_not_hold_the_end() {
    let small = Small::with(1);
    bus_with_rule(&small);
    let server = served(&small).await;
    let daemon = Running::start(&small, &server);
    let is_short = |status: &Value| status["targets"][0]["covered"] == 1;
    assert!(daemon.until(is_short).await);
    let text = fs::read_to_string(daemon.file()).expect("it is there");
    let with = format!("{text}\n[notify]\nevent_bus = \"ops\"\n");
    for _ in 0..2 {
        assert_eq!(told(&small), [], "without a bus");
        fs::write(daemon.file(), &with).expect("the folder is ours");
        until_told(&small, &["network_interface_uncovered", "pool_exhausted"]).await;
        let calls = small.sim.calls("PutEvents");
        fs::write(daemon.file(), &text).expect("the folder is ours");
        let without = small.sim.calls("DescribeNetworkInterfaces") + 3;
        assert!(daemon.until(|_| small.sim.calls("DescribeNetworkInterfaces") >= without).await);
        assert_eq!(small.sim.calls("PutEvents"), calls);
    }
    small.sim.inject(Fault::new(Effect::Hang).on_service(Service::Events));
    let calls = small.sim.calls("PutEvents");
    fs::write(daemon.file(), &with).expect("the folder is ours");
    assert!(daemon.until(|_| small.sim.calls("PutEvents") > calls).await);
    let (code, took) = daemon.end().await;
    assert_eq!(code, Some(0));
    assert!(took < Duration::from_secs(5), "{took:?}");
}
