//! `eipd wait` as a process over HTTP: it ends when an invocation leaves from a declared address, says what is wanting
//! when that does not come, and changes nothing.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use eipd_sim::{Outcome, VpcConfig};
use serde_json::Value;

use crate::process::{Bench, PATIENCE, Running, configuration, served};
use crate::small::Small;

fn covered(addresses: usize) -> Small {
    let small = Small::with(addresses);
    let interfaces = small.interfaces();
    small.sim.world(|world| {
        for (address, interface) in small.allocations.iter().zip(&interfaces) {
            world.give(address, interface);
        }
    });
    small
}

#[tokio::test]
async fn a_covered_function_is_told_with_what_it_leaves_from() {
    let small = covered(2);
    let server = served(&small).await;
    let bench = Bench::new(&configuration(&small), &server.url());
    let arn = "arn:aws:lambda:eu-west-1:111122223333:function:billing";
    for name in ["billing", arn] {
        let waited = bench.run(&["wait", "--function", name, "--format", "json"]).await;
        assert_eq!(waited.code(), Some(0), "{}", waited.stderr());
        let waited: Value = serde_json::from_str(&waited.stdout()).expect("only JSON on stdout");
        assert_eq!(waited[0]["outcome"], "covered");
        assert_eq!(waited[0]["egress"].as_array().map(Vec::len), Some(2));
    }
    assert_eq!(small.sim.calls("AssociateAddress"), 0);
    assert_eq!(small.sim.complaints(), Vec::<String>::new());
}

#[tokio::test]
async fn what_is_wanting_is_said_when_the_time_is_over() {
    let bare = Small::with(2);
    let updating = covered(2);
    updating.sim.world(|world| {
        let vpc = world.vpcs().next().expect("there is one").id.clone();
        let group = world.create_security_group(&vpc, "new");
        let config = VpcConfig::new(&updating.subnets, &[&group]);
        let long = Some(Duration::from_secs(3600));
        world.update_function_vpc("billing", config, Outcome::Succeeds, long).expect("it is active");
    });
    let gone = covered(2);
    gone.sim.world(|world| world.delete_function("billing"));
    let idle = covered(2);
    idle.sim.world(|world| world.idle("billing"));
    for (small, expected) in [
        (&bare, "is not covered: it has no address yet"),
        (&updating, "an update of it is in progress"),
        (&gone, "Lambda knows no such function"),
        (&idle, "it is inactive"),
    ] {
        let server = served(small).await;
        let bench = Bench::new(&configuration(small), &server.url());
        let waited = bench.run(&["wait", "--function", "billing", "--timeout", "3s"]).await;
        assert_eq!(waited.code(), Some(2), "{expected}: {}{}", waited.stdout(), waited.stderr());
        assert!(waited.stdout().contains(expected), "{expected}: {}", waited.stdout());
        assert!(waited.stderr().contains("waiting for `billing`: "), "{}", waited.stderr());
        assert_eq!(small.sim.calls("AssociateAddress"), 0, "it repairs nothing");
    }
}

/// `billing` is covered, and its version 1, which an alias leads to, has an interface of its own that is not.
fn with_a_bare_version() -> (Small, String) {
    let small = Small::with(3);
    let bare = small.sim.world(|world| {
        let vpc = world.vpcs().next().expect("there is one").id.clone();
        let group = world.create_security_group(&vpc, "former");
        let former = VpcConfig::new(&small.subnets[..1], &[&group]);
        let now = VpcConfig::new(&small.subnets, &[&small.group]);
        let hour = Duration::from_secs(3600);
        world.update_function_vpc("billing", former, Outcome::Succeeds, None).expect("it is active");
        world.advance_by(hour);
        world.publish_version("billing");
        world.update_function_vpc("billing", now, Outcome::Succeeds, None).expect("it is active");
        world.advance_by(hour);
        world.set_alias("billing", "live", 1);
        world.pair_interfaces(&small.subnets[0], &[&group]).remove(0)
    });
    // The world is hours ahead of this machine's clock, and so would its limits be.
    small.sim.set_throttle(None);
    let interfaces = small.interfaces();
    small.sim.world(|world| {
        small.allocations.iter().zip(&interfaces).for_each(|(address, to)| world.give(address, to));
    });
    (small, bare)
}

#[tokio::test]
async fn each_version_that_counts_is_waited_for() {
    let (small, bare) = with_a_bare_version();
    let server = served(&small).await;
    let wait = async |versions: &str, function: &str| {
        let text = configuration(&small).replace("billing", function) + versions;
        let bench = Bench::new(&text, &server.url());
        let waited = bench.run(&["wait", "--function", function, "--timeout", "2s"]).await;
        (waited.code(), waited.stdout())
    };
    let uncovered = format!("`{bare}` is not covered");
    for (versions, function, code) in [
        ("", "billing", 2),
        ("versions = \"all\"\n", "billing", 2),
        ("versions = \"latest\"\n", "billing", 0),
        ("", "billing:live", 2),
        ("", "billing:1", 2),
    ] {
        let (ended, told) = wait(versions, function).await;
        assert_eq!(ended, Some(code), "{function} {versions}: {told}");
        assert_eq!(told.contains(&uncovered), code == 2, "{function} {versions}: {told}");
    }
    small.sim.deny("lambda:ListAliases");
    let (ended, told) = wait("", "billing").await;
    assert_eq!(ended, Some(1), "which versions count is not known: {told}");
    assert!(told.contains("grant `lambda:ListAliases`"), "{told}");
    small.sim.allow("lambda:ListAliases");
    small.sim.world(|world| world.give(&small.allocations[2], &bare));
    for versions in ["", "versions = \"all\"\n"] {
        let (ended, told) = wait(versions, "billing").await;
        assert_eq!(ended, Some(0), "{versions}: {told}");
        assert!(told.contains(&bare), "{told}");
    }
    assert_eq!(small.sim.complaints(), Vec::<String>::new());
}

#[tokio::test]
async fn what_is_not_declared_or_cannot_be_told_is_no_time_out() {
    let small = covered(2);
    let server = served(&small).await;
    let bench = Bench::new(&configuration(&small), &server.url());
    let undeclared = bench.run(&["wait", "--function", "billing:live"]).await;
    assert_eq!(undeclared.code(), Some(1));
    assert!(undeclared.stderr().contains("`billing:live` is not declared"), "{}", undeclared.stderr());
    assert!(
        undeclared.stderr().contains("hint: the configuration declares `billing`"),
        "{}",
        undeclared.stderr()
    );
    let deaf = Bench::new(&configuration(&small), "http://127.0.0.1:1");
    let blind = deaf.run(&["wait", "--function", "billing", "--timeout", "1s"]).await;
    assert_eq!(blind.code(), Some(1), "{}{}", blind.stdout(), blind.stderr());
    for line in
        [&["wait"][..], &["wait", "--function", "a b"], &["wait", "--function", "f", "--timeout", "0s"]]
    {
        assert_eq!(bench.run(line).await.code(), Some(64), "{line:?}");
    }
}

#[tokio::test]
async fn a_daemon_ends_the_waiting_and_so_does_a_signal() {
    let small = Small::with(2);
    let server = served(&small).await;
    let bench = Bench::new(&configuration(&small), &server.url());
    let mut given_up = bench
        .command(&["wait", "--function", "billing", "--timeout", "1h"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary starts");
    let pid = given_up.id().to_string();
    let begun = Instant::now();
    let ended = loop {
        tokio::time::sleep(Duration::from_millis(100)).await;
        if let Some(ended) = given_up.try_wait().expect("it is ours") {
            break ended;
        }
        assert!(begun.elapsed() < PATIENCE, "it goes on waiting");
        // Not SIGINT: a shell in the background makes its children ignore it.
        Command::new("kill").args(["-TERM", &pid]).status().expect("there is a kill");
    };
    assert!(!ended.success());
    let daemon = Running::start(&small, &server);
    let waited = bench.run(&["wait", "--function", "billing", "--timeout", "1m"]).await;
    assert_eq!(waited.code(), Some(0), "{}{}", waited.stdout(), waited.stderr());
    assert!(small.is_covered());
    drop(daemon);
}
