//! The built binary as a child over HTTP, with a configuration and an environment of its own. Knows nothing of what a
//! test wants to see.

use std::process::{Child, Command, Output};
use std::time::{Duration, Instant};

use eipd_sim::{EIPD_ACCESS_KEY, HttpServer, SECRET_ACCESS_KEY};
use serde_json::Value;
use tempfile::{NamedTempFile, TempDir};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::small::Small;

/// Long enough for a busy machine; a test that passes does not wait for it.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The binary with a configuration and an environment of its own.
pub struct Bench {
    pub folder: TempDir,
    environment: Vec<(&'static str, String)>,
}

impl Bench {
    pub fn new(configuration: &str, endpoint: &str) -> Self {
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

    pub fn without(mut self, names: &[&str]) -> Self {
        self.environment.retain(|(name, _)| !names.contains(name));
        self
    }

    pub fn with(self, name: &'static str, value: &str) -> Self {
        let mut changed = self.without(&[name]);
        changed.environment.push((name, value.to_owned()));
        changed
    }

    pub fn command(&self, line: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_eipd"));
        command.args(line).env_clear().envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.env("AWS_EC2_METADATA_DISABLED", "true").current_dir(self.folder.path());
        command
    }

    /// Runs it to its end, off the runtime's threads.
    pub async fn run(&self, line: &[&str]) -> Ended {
        let mut command = self.command(line);
        let begun = Instant::now();
        let output = tokio::task::spawn_blocking(move || command.output()).await;
        let output = output.expect("running does not panic").expect("the binary starts");
        Ended { output, took: begun.elapsed() }
    }
}

/// What it said and how it ended.
pub struct Ended {
    output: Output,
    pub took: Duration,
}

impl Ended {
    pub fn code(&self) -> Option<i32> {
        self.output.status.code()
    }

    pub fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.output.stdout).into_owned()
    }

    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.output.stderr).into_owned()
    }
}

/// A configuration for the estate, polling each second.
pub fn configuration(small: &Small) -> String {
    let allocations: Vec<String> = small.allocations.iter().map(|id| format!("\"{id}\"")).collect();
    format!(
        "[daemon]\npoll_interval = \"1s\"\nlisten = \"127.0.0.1:0\"\n\n[pools.partner-a]\nallocations = [{}]\n\n\
         [[functions]]\nname = \"billing\"\npool = \"partner-a\"\n",
        allocations.join(", ")
    )
}

/// The estate's AWS, over HTTP.
pub async fn served(small: &Small) -> HttpServer {
    HttpServer::bind(&small.sim, ([127, 0, 0, 1], 0).into()).await.expect("a free port")
}

/// A daemon as a child, ended when it is dropped.
pub struct Running {
    child: Child,
    bench: Bench,
    url: String,
    /// Not in the folder of its configuration, which it watches.
    log: NamedTempFile,
}

impl Running {
    /// Starts it.
    pub fn start(small: &Small, server: &HttpServer) -> Self {
        Self::with(small, server, |configuration| configuration)
    }

    /// Starts it with the configuration changed.
    pub fn with(small: &Small, server: &HttpServer, change: impl Fn(String) -> String) -> Self {
        Self::of(&change(configuration(small)), server)
    }

    /// Starts it with a configuration that listens on `127.0.0.1:0`, which becomes a free port.
    pub fn of(configuration: &str, server: &HttpServer) -> Self {
        Self::within(configuration, server, |bench| bench)
    }

    /// [`Running::of`] with the environment changed.
    pub fn within(configuration: &str, server: &HttpServer, change: impl FnOnce(Bench) -> Bench) -> Self {
        let address = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr());
        let address = address.expect("a free port").to_string();
        let bench = change(Bench::new(&configuration.replace("127.0.0.1:0", &address), &server.url()));
        let log = NamedTempFile::new().expect("a file for the log");
        let to_log = log.reopen().expect("it is there");
        let child = bench.command(&["run"]).stderr(to_log).spawn().expect("the binary starts");
        Self { child, bench, url: format!("http://{address}"), log }
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log.path()).expect("it is there")
    }

    /// The value of a metric with its labels, as its line begins; nothing while there is none.
    pub async fn metric(&self, series: &str) -> Option<f64> {
        let address = self.url.strip_prefix("http://").expect("its scheme").to_owned();
        let mut stream = tokio::net::TcpStream::connect(&address).await.ok()?;
        let request = format!("GET /metrics HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.ok()?;
        let value = answer.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))?;
        value.trim().parse().ok()
    }

    /// Where its configuration is.
    pub fn file(&self) -> std::path::PathBuf {
        self.bench.folder.path().join("eipd.toml")
    }

    /// Runs a verb that asks it.
    pub async fn ask(&self, line: &[&str]) -> Ended {
        self.bench.run(&[line, &["--url", &self.url]].concat()).await
    }

    /// Waits until its status is as wanted, and tells whether it became so in time.
    pub async fn until(&self, wanted: impl Fn(&Value) -> bool) -> bool {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            let status = self.ask(&["status", "--format", "json"]).await;
            if serde_json::from_str(&status.stdout()).is_ok_and(|status| wanted(&status)) {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        false
    }

    /// Waits until a metric is as wanted, and tells whether it became so in time.
    pub async fn until_metric(&self, series: &str, wanted: impl Fn(f64) -> bool) -> bool {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if self.metric(series).await.is_some_and(&wanted) {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        false
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args([signal, &pid]).status().expect("there is a kill");
        assert!(sent.success());
    }

    /// Ends it in order, and tells its exit code and how long that took.
    pub async fn end(mut self) -> (Option<i32>, Duration) {
        let begun = Instant::now();
        self.signal("-TERM");
        while begun.elapsed() < PATIENCE {
            if let Some(ended) = self.child.try_wait().expect("it is ours") {
                return (ended.code(), begun.elapsed());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        (None, begun.elapsed())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
