//! The binary itself over HTTP: exit codes, what goes to stdout, and clear words when AWS can't be reached.

use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use eipd_sim::{EIPD_ACCESS_KEY, HttpServer, SECRET_ACCESS_KEY};
use serde_json::Value;
use tempfile::TempDir;

use crate::small::Small;

/// The binary with a configuration and an environment of its own.
struct Bench {
    folder: TempDir,
    environment: Vec<(&'static str, String)>,
}

impl Bench {
    fn new(configuration: &str, endpoint: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the test");
        std::fs::write(folder.path().join("eipd.toml"), configuration).expect("it is ours");
        let environment = vec![
            ("AWS_ACCESS_KEY_ID", EIPD_ACCESS_KEY.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY.to_owned()),
            ("AWS_REGION", "eu-west-1".to_owned()),
            ("AWS_ENDPOINT_URL", endpoint.to_owned()),
        ];
        Self { folder, environment }
    }

    fn without(mut self, names: &[&str]) -> Self {
        self.environment.retain(|(name, _)| !names.contains(name));
        self
    }

    fn command(&self, line: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_eipd"));
        command.args(line).env_clear().envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.env("AWS_EC2_METADATA_DISABLED", "true").current_dir(self.folder.path());
        command
    }

    /// Runs it to its end, off the runtime's threads.
    async fn run(&self, line: &[&str]) -> Ended {
        let mut command = self.command(line);
        let begun = Instant::now();
        let output = tokio::task::spawn_blocking(move || command.output()).await;
        let output = output.expect("running does not panic").expect("the binary starts");
        Ended { output, took: begun.elapsed() }
    }
}

struct Ended {
    output: Output,
    took: Duration,
}

impl Ended {
    fn code(&self) -> Option<i32> {
        self.output.status.code()
    }

    fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.output.stdout).into_owned()
    }

    fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.output.stderr).into_owned()
    }
}

fn configuration(small: &Small) -> String {
    let allocations: Vec<String> = small.allocations.iter().map(|id| format!("\"{id}\"")).collect();
    format!(
        "[daemon]\npoll_interval = \"1s\"\nlisten = \"127.0.0.1:0\"\n\n[pools.partner-a]\nallocations = [{}]\n\n\
         [[functions]]\nname = \"billing\"\npool = \"partner-a\"\n",
        allocations.join(", ")
    )
}

async fn served(small: &Small) -> HttpServer {
    HttpServer::bind(&small.sim, ([127, 0, 0, 1], 0).into()).await.expect("a free port")
}

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
    let port =
        std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").port();
    let text = configuration(&small).replace("127.0.0.1:0", &format!("127.0.0.1:{port}"));
    let bench = Bench::new(&text, &server.url());
    let url = format!("http://127.0.0.1:{port}");
    let mut daemon = bench.command(&["run"]).stderr(Stdio::null()).spawn().expect("the binary starts");
    let deadline = Instant::now() + Duration::from_secs(20);
    let mut covered = bench.run(&["status", "--url", &url]).await;
    while covered.code() != Some(0) && Instant::now() < deadline {
        covered = bench.run(&["status", "--url", &url]).await;
    }
    let health = bench.run(&["health", "--url", &url]).await;
    let pid = daemon.id().to_string();
    let killed = Command::new("kill").args(["-TERM", &pid]).status().expect("there is a kill");
    let begun = Instant::now();
    let ended =
        tokio::task::spawn_blocking(move || daemon.wait()).await.expect("no panic").expect("it is ours");
    assert_eq!(covered.code(), Some(0), "{}{}", covered.stdout(), covered.stderr());
    assert!(small.is_covered());
    assert_eq!(health.code(), Some(0), "{}", health.stderr());
    assert!(killed.success() && begun.elapsed() < Duration::from_secs(10));
    assert_eq!(ended.code(), Some(0));
    assert_eq!(small.sim.complaints(), Vec::<String>::new());
}
