//! `eipd explain` as a process over HTTP: by every form of id, with and without a daemon, changing nothing.

use std::time::Duration;

use eipd_sim::{Ending, EventWeather, Span};
use serde_json::Value;

use crate::process::{Bench, Running, configuration, served};
use crate::small::Small;

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("only JSON on stdout")
}

#[tokio::test]
async fn everything_is_told_by_every_form_of_id_and_nothing_is_changed() {
    let small = Small::with(2);
    let interfaces = small.interfaces();
    let ip = small.sim.world(|world| {
        world.give(&small.allocations[0], &interfaces[0]);
        let group = small.group.as_str();
        let shared = eipd_sim::VpcConfig::new(&small.subnets[..1], &[group]);
        world.create_active_function("stranger", shared);
        world.publish_version("stranger");
        world.public_ip(&small.allocations[0]).to_owned()
    });
    let server = served(&small).await;
    let bench = Bench::new(&configuration(&small), &server.url());
    let arn = "arn:aws:lambda:eu-west-1:111122223333:function:billing";
    for (id, kind, verdict) in [
        ("billing", "function", "uncovered"),
        (arn, "function", "uncovered"),
        ("stranger", "function", "bystander"),
        (&interfaces[0], "interface", "covered"),
        (&interfaces[1], "interface", "gets"),
        (&small.allocations[0], "address", "associated"),
        (&ip, "address", "associated"),
        (&small.allocations[1], "address", "free"),
    ] {
        let told = bench.run(&["explain", id, "--format", "json", "--url", "http://127.0.0.1:1"]).await;
        assert_eq!(told.code(), Some(0), "{id}: {}", told.stderr());
        let told = json(&told.stdout());
        assert_eq!(
            (&told["targets"][0]["kind"], &told["targets"][0]["verdict"]),
            (&kind.into(), &verdict.into())
        );
        assert!(told["daemon"]["trouble"].is_string(), "{id}");
    }
    let lists = whole_lists(&small);
    let told = bench.run(&["explain", &interfaces[0], "--url", "http://127.0.0.1:1"]).await;
    assert_eq!(whole_lists(&small) - lists, 1, "for one explanation");
    assert!(
        told.stdout().contains("used by billing; undeclared: stranger; published versions: stranger:1\n"),
        "{}",
        told.stdout()
    );
    assert_eq!(small.sim.calls("AssociateAddress"), 0);
    assert_eq!(small.sim.complaints(), Vec::<String>::new());
}

/// How often ListFunctions was answered: so many explanations in a second are throttled, and tried again.
fn whole_lists(small: &Small) -> usize {
    small.sim.with_journal(|journal| {
        let lists = journal.entries().iter().filter(|call| call.operation == "ListFunctions");
        lists.filter(|call| call.ending == Ending::Ok).count()
    })
}

#[tokio::test]
async fn a_wrong_address_is_told_as_the_plan_has_it() {
    let small = Small::with(4);
    let interfaces = small.interfaces();
    small.sim.world(|world| world.give(&small.allocations[2], &interfaces[0]));
    let server = served(&small).await;
    let (own, other) = small.allocations.split_at(2);
    let text = format!(
        "[pools.a]\nallocations = {own:?}\n[pools.b]\nallocations = {other:?}\n\
         [[functions]]\nname = \"billing\"\npool = \"a\"\n"
    );
    let ip = small.sim.world(|world| world.public_ip(&other[0]).to_owned());
    let asked = [&other[0], &interfaces[0], &ip, "billing"];
    let held = format!("{text}[safety]\nmax_disruptions_per_pass = 0\n");
    for (text, change) in [
        (&text, "would change it: the next pass of a daemon, or `eipd apply`"),
        (&held, "would change it: the breaker's closing: 1 disruption is planned, and 0 allowed now"),
    ] {
        let bench = Bench::new(text, &server.url());
        let plan = bench.run(&["plan"]).await.stdout();
        assert!(plan.contains(&format!("swaps {ip} ({}) for ", other[0])), "{plan}");
        for id in asked {
            let told = bench.run(&["explain", id, "--url", "http://127.0.0.1:1"]).await;
            assert!(told.stdout().contains("the plan replaces it by "), "{id}: {}", told.stdout());
            assert!(told.stdout().contains(change), "{id}: {}", told.stdout());
        }
    }
    assert_eq!(small.sim.calls("AssociateAddress"), 0);
}

#[tokio::test]
async fn what_is_unknown_everywhere_is_said_and_a_wrong_form_is_wrong_usage() {
    let small = Small::with(1);
    let server = served(&small).await;
    let bench = Bench::new(&configuration(&small), &server.url());
    let elsewhere = "arn:aws:lambda:us-east-1:111122223333:function:billing";
    for id in ["nobody", "eni-0a1b2c3d", "eipalloc-0a1b2c3d", "203.0.113.9", elsewhere] {
        let told = bench.run(&["explain", id]).await;
        assert_eq!((told.code(), told.stdout().as_str()), (Some(1), ""), "{id}: {}", told.stderr());
        assert!(told.stderr().contains("is not known in default (eu-west-1)"), "{id}: {}", told.stderr());
    }
    for id in ["sg-0a1b2c3d", "not an id", "2001:db8::1", "eni-0A1B2C3D"] {
        let told = bench.run(&["explain", id]).await;
        assert_eq!(told.code(), Some(64), "{id}");
        assert!(told.stderr().contains("hint: a function"), "{id}: {}", told.stderr());
    }
    let deaf = Bench::new(&configuration(&small), "http://127.0.0.1:1").run(&["explain", "billing"]).await;
    assert_eq!(deaf.code(), Some(1), "{}", deaf.stdout());
}

#[tokio::test]
async fn a_daemon_tells_what_it_did() {
    let small = Small::with(2);
    let server = served(&small).await;
    let daemon = Running::start(&small, &server);
    assert!(daemon.until(|status| status["targets"][0]["covered"] == 2).await);
    let told = daemon.ask(&["explain", &small.interfaces()[0], "--format", "json"]).await;
    assert_eq!(told.code(), Some(0), "{}", told.stderr());
    let told = json(&told.stdout());
    assert_eq!(told["targets"][0]["verdict"], "covered");
    assert_eq!(told["daemon"]["trouble"], Value::Null);
    assert_eq!(told["daemon"]["changes"][0]["outcome"], "done");
    assert!(told["daemon"]["changes"][0]["request_id"].is_string(), "{told}");
}

#[tokio::test]
async fn who_took_an_address_off_is_told() {
    let small = Small::with(2);
    let pattern = eipd::events::pattern::event_pattern();
    let url = small.sim.world(|world| world.wire_events_of("eipd", &pattern));
    let delay = Duration::from_millis(100);
    small.sim.set_events(EventWeather::delayed(Span { shortest: delay, longest: delay }));
    let server = served(&small).await;
    let queue = format!("\n[events]\nqueue_url = \"{url}\"\n");
    let daemon = Running::with(&small, &server, |configuration| configuration + &queue);
    assert!(daemon.until(|status| status["targets"][0]["covered"] == 2).await);
    let interface = small.interfaces()[0].clone();
    let allocation = small.sim.world(|world| {
        let ip = world.address_of(&interface).expect("it is covered").to_owned();
        small.allocations.iter().find(|id| world.public_ip(id) == ip).expect("one of ours").clone()
    });
    assert!(small.sim.world(|world| world.stray_disassociate(&allocation)));
    let is_taking = |event: &Value| event["kind"] == "disassociate_address";
    let is_told = |status: &Value| status["events"].as_array().is_some_and(|all| all.iter().any(is_taking));
    assert!(daemon.until(is_told).await);
    for id in [&allocation, &interface] {
        let told = daemon.ask(&["explain", id, "--format", "json"]).await;
        assert_eq!(told.code(), Some(0), "{}", told.stderr());
        let told = json(&told.stdout());
        let events = told["daemon"]["events"].as_array().expect("a list");
        let taken = events.iter().find(|event| is_taking(event)).expect("it is told");
        assert!(taken["actor"].as_str().is_some_and(|actor| actor.starts_with("arn:aws:")), "{taken}");
        assert_eq!(
            (&taken["allocation_id"], &taken["network_interface_id"]),
            (&allocation.as_str().into(), &interface.as_str().into())
        );
        let text = daemon.ask(&["explain", id]).await.stdout();
        assert!(
            text.contains(&format!("disassociate address {allocation} {interface} by arn:aws:")),
            "{text}"
        );
    }
}
