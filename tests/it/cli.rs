//! The binary itself over HTTP: exit codes, what goes to stdout, and clear words when AWS can't be reached.

use std::time::Duration;

use eipd_sim::{HttpServer, NewAddress, NewInterface, Population, Sim, Staleness, WorldConfig};
use serde_json::Value;

use crate::process::{Bench, Running, configuration, served};
use crate::small::Small;

#[tokio::test]
async fn plan_tells_apply_heals_and_plan_is_content() {
    let small = Small::with(2);
    let server = served(&small).await;
    let bench = Bench::new(&configuration(&small), &server.url());
    let plan = bench.run(&["plan", "--format", "json"]).await;
    assert_eq!(plan.code(), Some(2), "{}", plan.stderr());
    let targets: Value = serde_json::from_str(&plan.stdout()).expect("only JSON on stdout");
    assert_eq!(targets[0]["target"], "default");
    assert_eq!(targets[0]["actions"].as_array().map(Vec::len), Some(2));
    assert!(targets[0]["actions"].as_array().into_iter().flatten().all(|a| a["outcome"] == "planned"));
    assert_eq!(small.sim.calls("AssociateAddress"), 0, "a plan changes nothing");
    let apply = bench.run(&["apply"]).await;
    assert_eq!(apply.code(), Some(0), "{}{}", apply.stdout(), apply.stderr());
    assert!(small.is_covered());
    let plan = bench.run(&["plan"]).await;
    assert_eq!(plan.code(), Some(0), "{}{}", plan.stdout(), plan.stderr());
    assert_eq!(small.sim.complaints(), Vec::<String>::new());
}

#[tokio::test]
async fn drain_asks_obeys_and_takes_off() {
    let small = Small::with(2);
    let server = served(&small).await;
    let bench = Bench::new(&configuration(&small), &server.url());
    assert_eq!(bench.run(&["apply"]).await.code(), Some(0));
    let unasked = bench.run(&["drain"]).await;
    assert_eq!((unasked.code(), small.is_covered()), (Some(1), true), "{}", unasked.stderr());
    assert!(unasked.stdout().contains("loses 198.18.0."), "{}", unasked.stdout());
    assert!(unasked.stderr().contains("--yes") && unasked.stderr().contains("running daemon"));
    let unknown = bench.run(&["drain", "--yes", "--function", "biling"]).await;
    assert_eq!((unknown.code(), small.is_covered()), (Some(1), true), "{}", unknown.stderr());
    let observing = format!("{}\n[safety]\nmode = \"observe\"\n", configuration(&small));
    let observed = Bench::new(&observing, &server.url()).run(&["drain", "--yes"]).await;
    assert_eq!((observed.code(), small.is_covered()), (Some(1), true), "{}", observed.stderr());
    assert!(observed.stderr().contains("`safety.mode` is `observe`"), "{}", observed.stderr());
    let drained = bench.run(&["drain", "--yes", "--format", "json", "--pool", "partner-a"]).await;
    assert_eq!(drained.code(), Some(0), "{}", drained.stderr());
    let targets: Value = serde_json::from_str(&drained.stdout()).expect("only JSON on stdout");
    let actions = targets[0]["actions"].as_array().expect("a list");
    assert!(
        actions.len() == 2 && actions.iter().all(|a| a["kind"] == "disassociate" && a["outcome"] == "done")
    );
    assert_eq!((small.sim.calls("DisassociateAddress"), small.sim.calls("ReleaseAddress")), (2, 0));
    assert_eq!(bench.run(&["drain", "--yes"]).await.code(), Some(0), "there is nothing left to do");
}

#[tokio::test]
async fn a_drain_of_a_deleted_function_names_what_it_may_have_left_behind_and_claims_no_success() {
    let small = Small::with(2);
    let server = served(&small).await;
    let bench = Bench::new(&configuration(&small), &server.url());
    assert_eq!(bench.run(&["apply"]).await.code(), Some(0));
    let interfaces = small.interfaces();
    small.sim.world(|world| world.delete_function("billing"));
    let of_function = ["drain", "--yes", "--function", "billing"];
    let deleted = bench.run(&of_function).await;
    assert_eq!(deleted.code(), Some(1), "{}", deleted.stderr());
    for named in small.allocations.iter().chain(&interfaces) {
        assert!(deleted.stderr().contains(named), "{}", deleted.stderr());
    }
    assert!(deleted.stderr().contains("`eipd drain --pool partner-a`"), "{}", deleted.stderr());
    assert_eq!(small.sim.calls("DisassociateAddress"), 0, "what is on a stranger's interface is not its own");
    let of_pool = bench.run(&["drain", "--yes", "--pool", "partner-a"]).await;
    assert_eq!(
        (of_pool.code(), small.sim.calls("DisassociateAddress")),
        (Some(0), 2),
        "{}",
        of_pool.stderr()
    );
    let deleted = bench.run(&of_function).await;
    assert_eq!(deleted.code(), Some(0), "{}", deleted.stderr());
    assert!(deleted.stderr().contains("no interface of `billing` is seen"), "{}", deleted.stderr());
}

#[tokio::test]
async fn what_only_one_view_shows_is_no_success_of_a_drain() {
    let an_hour = Duration::from_secs(3_600);
    tokio::join!(
        drain_seen_by(Staleness { addresses: an_hour, ..Staleness::default() }),
        drain_seen_by(Staleness { interfaces: an_hour, ..Staleness::default() })
    );
}

async fn drain_seen_by(stale: Staleness) {
    let small = Small::with(2);
    let server = served(&small).await;
    let bench = Bench::new(&configuration(&small), &server.url());
    assert_eq!(bench.run(&["apply"]).await.code(), Some(0));
    small.sim.set_staleness(stale);
    let drained = bench.run(&["drain", "--yes"]).await;
    assert_eq!(drained.code(), Some(1), "{stale:?}: {}", drained.stderr());
    small.sim.set_staleness(Staleness::default());
    assert_eq!(bench.run(&["drain", "--yes"]).await.code(), Some(0));
    assert!(small.interfaces().iter().all(|id| small.sim.world(|world| world.address_of(id).is_none())));
}

#[tokio::test]
async fn what_take_names_must_be_of_the_configuration() {
    let small = Small::with(2);
    small.sim.world(|world| {
        let tags = [("pool".to_owned(), "tagged".to_owned())].into();
        world.allocate(NewAddress { tags, ..NewAddress::default() })
    });
    let server = served(&small).await;
    let closed = configuration(&small);
    // A file with a tag says of no address that it is not declared.
    let open = closed.clone() + "\n[pools.tagged]\ntag = \"pool=tagged\"\n";
    for text in [&closed, &open] {
        let bench = Bench::new(text, &server.url());
        for (id, wanted) in [
            ("eipalloc-0a1b2c3d", "belongs to no pool"),
            ("203.0.113.200", "belongs to no pool"),
            ("eni-0a1b2c3d", "no declared function uses"),
        ] {
            let ended = bench.run(&["apply", "--take", id]).await;
            assert_eq!(ended.code(), Some(1), "{}", ended.stderr());
            assert!(ended.stderr().contains(wanted) && ended.stderr().contains(id), "{}", ended.stderr());
        }
    }
    assert_eq!(small.sim.calls("AssociateAddress"), 0, "nothing is done on a slip of the pen");
    let bench = Bench::new(&closed, &server.url());
    let taken = bench.run(&["apply", "--take", &small.allocations[0], "--accept-disruptions", "1"]).await;
    assert_eq!(taken.code(), Some(0), "{}", taken.stderr());
    let untaken =
        bench.run(&["apply", "--take", &small.allocations[0], "--take", &small.interfaces()[0]]).await;
    assert_eq!(untaken.code(), Some(0), "{}", untaken.stderr());
    let told = untaken.stderr();
    let wanted = format!("nothing was taken: `{}`", small.allocations[0]);
    assert!(told.contains(&wanted) && told.contains("is never taken from there"), "{told}");
    let wanted = format!("nothing was replaced: `{}`", small.interfaces()[0]);
    assert!(told.contains(&wanted) && told.contains("which is in its set"), "{told}");
}

#[tokio::test]
async fn an_address_is_taken_by_its_public_face_though_a_tag_alone_declares_it() {
    let small = Small::with(1);
    let (address, face) = small.sim.world(|world| {
        let tags = [("pool".to_owned(), "tagged".to_owned())].into();
        let address = world.allocate(NewAddress { tags, ..NewAddress::default() });
        let stranger = world.add_interface(NewInterface::plain(&small.subnets[0], &[&small.group]));
        world.stray_associate(&address, &stranger, true).expect("it is free");
        let face = world.public_ip(&address).to_owned();
        (address, face)
    });
    let server = served(&small).await;
    let text = configuration(&small).replace("allocations = [", "tag = \"pool=tagged\"\nallocations = [");
    let bench = Bench::new(&text, &server.url());
    let before = bench.run(&["apply"]).await;
    assert_eq!(before.code(), Some(2), "{}", before.stderr());
    let hint = format!("`eipd apply --take {address}` takes it once");
    let text = before.stdout() + &before.stderr();
    assert!(text.contains(&hint), "{text}");
    let taken = bench.run(&["apply", "--take", &face]).await;
    assert_eq!(taken.code(), Some(0), "{}{}", taken.stdout(), taken.stderr());
    let carried: Vec<_> = small
        .interfaces()
        .iter()
        .filter_map(|id| small.sim.world(|w| w.address_of(id).map(str::to_owned)))
        .collect();
    assert!(carried.contains(&face), "{carried:?}");
}

#[tokio::test]
async fn apply_says_what_remains_uncovered_and_observe_mode_changes_nothing() {
    let small = Small::with(1);
    let server = served(&small).await;
    let observing = format!("{}\n[safety]\nmode = \"observe\"\n", configuration(&small));
    let observed = Bench::new(&observing, &server.url()).run(&["apply"]).await;
    assert_eq!((observed.code(), small.sim.calls("AssociateAddress")), (Some(2), 0), "{}", observed.stderr());
    let apply = Bench::new(&configuration(&small), &server.url()).run(&["apply", "--format", "json"]).await;
    assert_eq!(apply.code(), Some(2), "{}", apply.stderr());
    let targets: Value = serde_json::from_str(&apply.stdout()).expect("only JSON on stdout");
    assert_eq!(targets[0]["covered"], 1);
    assert_eq!(targets[0]["uncovered"][0]["reason"], "no_free_address");
    assert_eq!(targets[0]["uncovered"][0]["functions"][0], "billing");
}

#[tokio::test]
async fn what_keeps_aws_from_answering_is_one_clear_line_and_no_long_wait() {
    let small = Small::with(1);
    let server = served(&small).await;
    let text = configuration(&small);
    let keys = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
    let cases = [
        ("no AWS credentials found", Bench::new(&text, &server.url()).without(&keys)),
        ("no AWS region is set", Bench::new(&text, &server.url()).without(&["AWS_REGION"])),
        ("no connection", Bench::new(&text, "http://127.0.0.1:1")),
    ];
    for (wanted, bench) in cases {
        for verb in ["plan", "apply"] {
            let ended = bench.run(&[verb]).await;
            let said = format!("{}{}", ended.stdout(), ended.stderr());
            assert_eq!(ended.code(), Some(1), "{verb}: {said}");
            assert_eq!(said.matches(wanted).count(), 1, "{verb}: {said}");
            assert!(ended.took < Duration::from_secs(30), "{verb} took {:?}", ended.took);
        }
    }
}

#[tokio::test]
async fn a_bad_file_is_told_with_every_place_and_nothing_is_called() {
    let bench = Bench::new(
        "[pools.a]\nallocations = [\"eipalloc-x\"]\n[[functions]]\nname = \"f\"\npoll = \"a\"\n",
        "http://127.0.0.1:1",
    );
    for verb in ["check", "plan", "run"] {
        let ended = bench.run(&[verb]).await;
        let said = format!("{}{}", ended.stdout(), ended.stderr());
        assert_eq!(ended.code(), Some(1), "{verb}: {said}");
        assert!(said.contains("eipd.toml:2:") && said.contains("eipd.toml:5:"), "{verb}: {said}");
    }
    assert_eq!(bench.run(&["plan", "--format", "yaml"]).await.code(), Some(64));
    let health = bench.run(&["health", "--url", "http://127.0.0.1:1"]).await;
    assert_eq!(health.code(), Some(1));
}

#[tokio::test]
async fn the_daemon_heals_serves_and_ends_on_sigterm() {
    let small = Small::with(3);
    let server = served(&small).await;
    let daemon = Running::start(&small, &server);
    assert!(daemon.until(|status| status["targets"][0]["covered"] == 2).await);
    let status = daemon.ask(&["status"]).await;
    assert_eq!(status.code(), Some(0), "{}{}", status.stdout(), status.stderr());
    assert!(small.is_covered());
    let health = daemon.ask(&["health"]).await;
    assert_eq!(health.code(), Some(0), "{}", health.stderr());
    let (code, took) = daemon.end().await;
    assert_eq!(code, Some(0));
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert_eq!(small.sim.complaints(), Vec::<String>::new());
}

#[tokio::test]
async fn one_pass_reads_every_function_however_many_there_are() {
    let sim = Sim::new(WorldConfig::default());
    let population =
        Population { functions: 60, subnets_per_function: 1, subnets: 2, interfaces_per_pair: 1 };
    let (names, allocations) = sim.world(|world| {
        let functions = world.populate(&population);
        let with_alias = functions.iter().map(|name| {
            let version = world.publish_version(name);
            world.set_alias(name, "live", version);
            format!("{name}:live")
        });
        let names: Vec<String> = with_alias.collect();
        let allocations = world.allocate_many(world.interfaces().count());
        world.cover(&allocations);
        (names, allocations)
    });
    let server = HttpServer::bind(&sim, ([127, 0, 0, 1], 0).into()).await.expect("a free port");
    let functions = names.iter().map(|name| format!("[[functions]]\nname = \"{name}\"\npool = \"p\"\n"));
    let text = format!("[pools.p]\nallocations = {allocations:?}\n{}", functions.collect::<String>());
    let plan = Bench::new(&text, &server.url()).run(&["plan"]).await;
    assert_eq!(plan.code(), Some(0), "{}{}", plan.stdout(), plan.stderr());
    assert!(!plan.stdout().contains("not read"), "{}", plan.stdout());
}
