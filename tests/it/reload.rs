//! Reloads of the running binary: what is wrong is told and changes nothing, what hangs holds nothing up, and passes
//! over one target never overlap.

use std::fs;
use std::process::Command;
use std::time::Duration;

use eipd_sim::{EventWeather, Sim, Span};
use serde_json::Value;

use crate::process::{Running, configuration, served};
use crate::small::Small;

fn is_covered(status: &Value) -> bool {
    status["targets"][0]["covered"] == 2
}

fn passes(sim: &Sim) -> usize {
    sim.calls("DescribeNetworkInterfaces")
}

fn refusal(status: &Value) -> Option<&str> {
    status["config"]["last_reload_error"]["message"].as_str()
}

/// Files that no daemon may take, each with what must be said of it.
fn malformed(good: &str, small: &Small) -> Vec<(String, String)> {
    let (first, second) = (&small.allocations[0], &small.allocations[1]);
    let with = |more: &str| format!("{good}\n{more}\n");
    vec![
        (good.replace("[pools.partner-a]", "[pools.partner-a"), "eipd.toml:5:".to_owned()),
        (good.replace(first.as_str(), "eipalloc-x"), "`eipalloc-x`".to_owned()),
        (good.replace(second.as_str(), first), first.clone()),
        (good.replace("pool = \"partner-a\"", "pool = \"partner-b\""), "partner-b".to_owned()),
        (with("[safty]\nmode = \"observe\""), "safety".to_owned()),
        (with("[events]\nqueue_url = \"nonsense\""), "queue_url".to_owned()),
        (String::from_utf8_lossy(&[0, 159, 146, 150]).into_owned(), "eipd.toml:1:".to_owned()),
    ]
}

#[tokio::test]
async fn a_malformed_file_is_told_everywhere_and_the_former_orders_hold() {
    const SUCCESSFUL: &str = "eipd_config_last_reload_successful";
    const FAILED: &str = "eipd_config_reloads_total{outcome=\"failed\"}";
    let small = Small::with(2);
    let server = served(&small).await;
    let daemon = Running::start(&small, &server);
    assert!(daemon.until(is_covered).await);
    let good = fs::read_to_string(daemon.file()).expect("it is there");
    for (number, (text, wanted)) in malformed(&good, &small).into_iter().enumerate() {
        fs::write(daemon.file(), &text).expect("the folder is ours");
        let is_told = |status: &Value| refusal(status).is_some_and(|why| why.contains(&wanted));
        assert!(daemon.until(is_told).await, "{wanted}, by the watch of the file: {}", daemon.log());
        assert!(daemon.until_metric(SUCCESSFUL, |value| value == 0.0).await, "{wanted}");
        let log = daemon.log();
        let told = log.lines().filter(|line| line.contains("configuration refused"));
        assert!(told.filter(|line| line.contains(&wanted)).count() >= 1, "{wanted}: {log}");
        let said = daemon.ask(&["status"]).await.stdout();
        assert!(said.contains(&wanted), "{said}");

        let before = daemon.metric(FAILED).await.expect("it is counted");
        if number == 0 {
            small.sim.world(|world| world.stray_disassociate(&small.allocations[0]));
        }
        daemon.signal("-HUP");
        assert!(daemon.until_metric(FAILED, |value| value > before).await, "{wanted}, by a signal");
        let holds = daemon.until(|status| is_covered(status) && small.is_covered()).await;
        assert!(holds, "{wanted}: the former orders hold");

        fs::write(daemon.file(), &good).expect("the folder is ours");
        assert!(daemon.until(|status| refusal(status).is_none()).await, "{wanted}: a good one is taken");
        assert!(daemon.until_metric(SUCCESSFUL, |value| value == 1.0).await, "{wanted}");
    }
    assert_eq!(daemon.end().await.0, Some(0));
}

#[tokio::test]
async fn a_reload_begins_to_read_a_queue_and_ends_it() {
    const UP: &str = "eipd_event_queue_up";
    let small = Small::with(2);
    let moment = Span { shortest: Duration::from_millis(10), longest: Duration::from_millis(50) };
    small.sim.set_events(EventWeather { bus_delay: moment, ..EventWeather::delayed(moment) });
    let pattern = eipd::events::pattern::event_pattern();
    let url = small.sim.world(|world| world.wire_events_of("eipd", &pattern));
    let server = served(&small).await;
    let rarely = |text: String| text.replace("\"1s\"", "\"1h\"\nfunction_refresh = \"1h\"");
    let daemon = Running::with(&small, &server, rarely);
    assert!(daemon.until(is_covered).await);
    let without = fs::read_to_string(daemon.file()).expect("it is there");
    let with = format!("{without}\n[events]\nqueue_url = \"{url}\"\n");
    for allocation in &small.allocations {
        assert!(daemon.until(|status| status["queue"].is_null()).await);
        assert_eq!(daemon.metric(UP).await, Some(0.0));
        fs::write(daemon.file(), &with).expect("the folder is ours");
        assert!(daemon.until_metric(UP, |value| value == 1.0).await, "{}", daemon.log());
        assert!(daemon.until(|status| status["queue"].is_object()).await);
        small.sim.world(|world| world.stray_disassociate(allocation));
        assert!(daemon.until(|_| small.is_covered()).await, "an hour before the next poll");
        fs::write(daemon.file(), &without).expect("the folder is ours");
        assert!(daemon.until_metric(UP, |value| value == 0.0).await, "{}", daemon.log());
    }
    assert!(daemon.until(|status| status["queue"].is_null()).await);
    let received = small.sim.calls("ReceiveMessage");
    small.sim.world(|world| world.stray_disassociate(&small.allocations[0]));
    daemon.signal("-HUP");
    assert!(daemon.until(|_| small.is_covered()).await, "a signal makes a pass in any case");
    assert_eq!(small.sim.calls("ReceiveMessage"), received, "and the queue is no longer read");
    assert_eq!(daemon.end().await.0, Some(0));
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
async fn a_reload_that_makes_the_client_anew_does_not_refill_the_hour() {
    let small = Small::with(4);
    let interfaces = small.interfaces();
    let former = small.sim.world(|world| {
        let former = world.allocate_many(2);
        world.manage(&former, &["billing"]);
        world.give(&former[0], &interfaces[0]);
        world.give(&small.allocations[3], &interfaces[1]);
        former
    });
    let server = served(&small).await;
    let text = format!(
        "{}\n[pools.former]\nallocations = [\"{}\", \"{}\"]\n\n[safety]\nmax_disruptions_per_pass = 1\n\
         max_disruptions_per_hour = 1\n",
        configuration(&small),
        former[0],
        former[1]
    );
    let daemon = Running::of(&text, &server);
    let open = "eipd_breaker_open{target=\"default\"}";
    assert!(daemon.until(|_| small.is_covered()).await, "one replacement is within the budget");
    let by_hand = small.sim.world(|world| world.stray_associate(&former[1], &interfaces[1], true).is_ok());
    assert!(by_hand && daemon.until_metric(open, |value| value == 1.0).await, "and the hour is used up");
    let text = fs::read_to_string(daemon.file()).expect("it is there");
    for share in ["0.25", "0.75"] {
        let (before, account) = (passes(&small.sim), small.sim.calls("GetCallerIdentity"));
        fs::write(daemon.file(), format!("{text}rate_share = {share}\n")).expect("it is ours");
        assert!(daemon.until(|_| small.sim.calls("GetCallerIdentity") > account).await, "it begins anew");
        assert!(daemon.until(|_| passes(&small.sim) >= before + 3).await, "and goes on polling");
        assert!(daemon.until_metric(open, |value| value == 1.0).await);
        assert!(!small.is_covered(), "what was done in this hour is not forgotten");
    }
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
