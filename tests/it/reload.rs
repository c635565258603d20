//! Reloads of the running binary: what is wrong is told and changes nothing, what hangs holds nothing up, and passes
//! over one target never overlap.

use std::fs;
use std::process::Command;

use eipd_sim::Sim;
use serde_json::Value;

use crate::process::{Running, served};
use crate::small::Small;

fn is_covered(status: &Value) -> bool {
    status["targets"][0]["covered"] == 2
}

fn passes(sim: &Sim) -> usize {
    sim.calls("DescribeNetworkInterfaces")
}

#[tokio::test]
async fn a_file_that_vanishes_or_hangs_is_told_and_the_former_orders_hold() {
    let small = Small::with(2);
    let server = served(&small).await;
    let daemon = Running::start(&small, &server);
    assert!(daemon.until(is_covered).await);
    let text = fs::read_to_string(daemon.file()).expect("it is there");

    fs::remove_file(daemon.file()).expect("it is there");
    let failed = |status: &Value| status["config"]["last_reload_error"].is_object();
    assert!(daemon.until(failed).await, "a file that vanished is a reload that failed");
    fs::write(daemon.file(), &text).expect("the folder is ours");
    assert!(daemon.until(|status| !failed(status)).await, "and its return one that succeeded");

    // A named pipe that nobody writes to: opening it for reading hangs.
    fs::remove_file(daemon.file()).expect("it is there");
    let made = Command::new("mkfifo").arg(daemon.file()).status().expect("there is a mkfifo");
    assert!(made.success());
    daemon.signal("-HUP");
    small.sim.world(|world| world.stray_disassociate(&small.allocations[0]));
    let healed = daemon.until(|status| is_covered(status) && small.is_covered()).await;
    assert!(healed, "the daemon goes on with its former orders");
    assert!(daemon.until(failed).await, "what hangs is a reload that failed");
    let (code, took) = daemon.end().await;
    assert_eq!(code, Some(0));
    assert!(took.as_secs() < 10, "{took:?}");
}

#[tokio::test]
async fn a_change_of_the_rate_begins_anew_without_a_second_pass_beside() {
    let small = Small::with(2);
    let server = served(&small).await;
    let daemon = Running::start(&small, &server);
    assert!(daemon.until(is_covered).await);
    let text = fs::read_to_string(daemon.file()).expect("it is there");
    for share in ["0.25", "0.75", "1.0"] {
        fs::write(daemon.file(), format!("{text}\n[safety]\nrate_share = {share}\n")).expect("it is ours");
        let (before, account) = (passes(&small.sim), small.sim.calls("GetCallerIdentity"));
        let anew = |_: &Value| small.sim.calls("GetCallerIdentity") > account;
        assert!(daemon.until(anew).await, "the client is made anew");
        assert!(daemon.until(|_| passes(&small.sim) >= before + 2).await, "and goes on polling");
    }
    assert!(small.is_covered());
}

#[tokio::test]
async fn a_signal_makes_a_pass_though_nothing_changed() {
    let small = Small::with(2);
    let server = served(&small).await;
    let rarely = |text: String| text.replace("\"1s\"", "\"1h\"\nfunction_refresh = \"1h\"");
    let daemon = Running::with(&small, &server, rarely);
    assert!(daemon.until(is_covered).await);
    small.sim.world(|world| world.stray_disassociate(&small.allocations[0]));
    daemon.signal("-HUP");
    assert!(daemon.until(|_| small.is_covered()).await);
}
