//! What the README shows must work: every configuration in it is valid, every example is named, and every command is run,
//! those of `eipd` in their order against the simulator.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use eipd::config::load;
use eipd::config::source::Source;
use eipd_sim::{Ending, EventWeather, Service, Span};

use crate::process::{Bench, PATIENCE, configuration, served};
use crate::small::Small;

const README: &str = include_str!("../../README.md");

/// What `.ci/run` runs, and how.
const RUN_BY_CI: [(&str, &str); 3] = [
    ("cargo run --example demo", "cargo run --locked --example demo"),
    ("cargo test", "cargo test --locked"),
    (".ci/run", "step "),
];

/// Built for ten minutes and more, so these are tried by hand, and the README says so of each.
const TRIED_BY_HAND: [&str; 3] =
    ["cargo install --locked --path .", "cargo build --release --bin eipd", ".ci/image"];

#[test]
fn every_configuration_in_the_readme_is_valid() {
    let blocks: Vec<&str> =
        README.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(!blocks.is_empty(), "the README shows a configuration");
    for block in blocks {
        let loaded = load(&Source::Inline(block.to_owned()), &BTreeMap::new());
        assert!(loaded.is_ok(), "{}\n{block}", loaded.expect_err("it is not valid"));
    }
}

#[test]
fn every_example_is_named_in_the_readme() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    for entry in std::fs::read_dir(folder).expect("the folder of the examples") {
        let name = entry.expect("it can be read").file_name();
        let name = format!("`config/{}`", name.to_str().expect("a name in ASCII"));
        assert!(README.contains(&name), "{name} is not in the README");
    }
}

/// The lines of its shell blocks, without what is said about them.
fn commands() -> Vec<&'static str> {
    let lines = README.lines().filter_map(|line| line.strip_prefix("    "));
    let is_command = |line: &&str| {
        ["cargo ", "eipd ", ".ci/", "docker ", "aws "].iter().any(|tool| line.starts_with(tool))
    };
    lines.filter(is_command).map(|line| line.split(" # ").next().unwrap_or(line).trim()).collect()
}

#[test]
fn every_other_command_in_the_readme_is_run_by_ci_or_known_to_take_long() {
    let ci = include_str!("../../.ci/run");
    let others: Vec<&str> = commands().into_iter().filter(|command| !command.starts_with("eipd ")).collect();
    assert!(others.len() > 4, "{others:?}");
    for command in others {
        let by_ci = RUN_BY_CI.iter().find(|(shown, _)| *shown == command);
        let is_run = by_ci.is_some_and(|(_, run)| ci.contains(run));
        assert!(is_run || TRIED_BY_HAND.contains(&command), "nobody runs `{command}`");
    }
}

#[test]
fn what_nobody_runs_but_by_hand_is_marked() {
    let marked: Vec<&str> = README
        .lines()
        .filter_map(|line| line.strip_prefix("    ")?.split_once(" # "))
        .filter(|(_, said)| said.contains("(tried by hand)"))
        .map(|(command, _)| command.trim())
        .collect();
    assert_eq!(marked, TRIED_BY_HAND);
}

#[tokio::test]
async fn every_command_of_eipd_in_the_readme_does_what_is_said() {
    let small = Small::with(3);
    let moment = Span { shortest: Duration::from_millis(10), longest: Duration::from_millis(50) };
    small.sim.set_events(EventWeather { bus_delay: moment, ..EventWeather::delayed(moment) });
    let server = served(&small).await;
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port");
    let bench = Bench::new(&configuration(&small).replace("127.0.0.1:0", &port.to_string()), &server.url());
    // A dry run is answered with an error.
    let is_change = |entry: &eipd_sim::Entry| entry.service == Service::Ec2 && entry.ending == Ending::Ok;
    let changes =
        || small.sim.with_journal(|journal| journal.mutating().filter(|entry| is_change(entry)).count());
    let mut ran = Vec::new();
    for command in commands() {
        let Some(line) = command.strip_prefix("eipd ") else { continue };
        let words: Vec<&str> = line.split(' ').collect();
        let before = changes();
        match words.as_slice() {
            ["run", ..] => {
                let is_observer = words.contains(&"--observe");
                run_until(&bench, &words, port, || is_observer || small.is_covered()).await;
                assert_eq!(changes() > before, !is_observer, "{command}");
            }
            _ => {
                // All is well but for what `plan` is asked before anything was done: there is something to do.
                let wanted = if words[0] == "plan" { 2 } else { 0 };
                let ended = bench.run(&words).await;
                assert_eq!(ended.code(), Some(wanted), "{command}: {}{}", ended.stdout(), ended.stderr());
                assert_eq!(changes(), before, "{command} changes no address");
            }
        }
        if words.contains(&"--dry-run") {
            let made: Vec<&str> = words.iter().copied().filter(|word| *word != "--dry-run").collect();
            let ended = bench.run(&made).await;
            assert_eq!(ended.code(), Some(0), "{made:?}: {}{}", ended.stdout(), ended.stderr());
        }
        ran.push(words[0]);
    }
    assert_eq!(ran, ["check", "doctor", "plan", "run", "run", "events", "events", "events"]);
}

/// Runs the daemon until it answers and this is so, and ends it.
async fn run_until(bench: &Bench, words: &[&str], port: std::net::SocketAddr, is_so: impl Fn() -> bool) {
    let mut daemon = bench.command(words).stderr(std::process::Stdio::null()).spawn().expect("it starts");
    let deadline = Instant::now() + PATIENCE;
    let url = format!("http://{port}");
    while bench.run(&["status", "--url", &url]).await.code() == Some(1) || !is_so() {
        assert!(Instant::now() < deadline, "{words:?} does not come to it");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let killed = std::process::Command::new("kill").args(["-TERM", &daemon.id().to_string()]).status();
    assert!(killed.expect("there is a kill").success());
    let ended = tokio::task::spawn_blocking(move || daemon.wait()).await.expect("waiting does not panic");
    assert!(ended.expect("it is ours").success(), "{words:?}");
}
