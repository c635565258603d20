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
async fn a_daemon_ends_the_waiting_and_so_does_ctrl_c() {
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
        // Where the signal is ignored by inheritance, it counts only once the program listens for it.
        tokio::time::sleep(Duration::from_millis(100)).await;
        if let Some(ended) = given_up.try_wait().expect("it is ours") {
            break ended;
        }
        assert!(begun.elapsed() < PATIENCE, "it goes on waiting");
        Command::new("kill").args(["-INT", &pid]).status().expect("there is a kill");
    };
    assert!(!ended.success());
    let daemon = Running::start(&small, &server);
    let waited = bench.run(&["wait", "--function", "billing", "--timeout", "1m"]).await;
    assert_eq!(waited.code(), Some(0), "{}{}", waited.stdout(), waited.stderr());
    assert!(small.is_covered());
    drop(daemon);
}
