//! The real binary as a child over HTTP, weighed from outside by what the kernel knows of it.

use std::collections::BTreeMap;
use std::fmt;
use std::process::{Command, Stdio};
use std::time::Duration;

use eipd_sim::{EIPD_ACCESS_KEY, HttpServer, SECRET_ACCESS_KEY, Sim};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A running daemon.
pub struct Child {
    process: std::process::Child,
    port: u16,
    _server: HttpServer,
    _folder: tempfile::TempDir,
}

/// What a process weighs.
pub struct Weight {
    pub cpu: Duration,
    pub rss_mib: f64,
    pub peak_mib: f64,
}

impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:.3} s of CPU, RSS {:.1} MiB, peak {:.1} MiB",
            self.cpu.as_secs_f64(),
            self.rss_mib,
            self.peak_mib
        )
    }
}

impl Child {
    /// Starts it for these functions, all served from one pool of these allocations.
    pub async fn start(sim: &Sim, functions: &[String], allocations: &[String], poll: &str) -> Self {
        Self::start_with_queue(sim, functions, allocations, poll, None).await
    }

    /// [`Child::start`], with the queue that its events come through.
    pub async fn start_with_queue(
        sim: &Sim,
        functions: &[String],
        allocations: &[String],
        poll: &str,
        queue_url: Option<&str>,
    ) -> Self {
        let server = HttpServer::bind(sim, ([127, 0, 0, 1], 0).into()).await.expect("a free port");
        let quoted: Vec<String> = allocations.iter().map(|id| format!("{id:?}")).collect();
        // A refresh may not be shorter than the poll interval; else its default is part of what is measured.
        let refresh = if poll == "1h" { "function_refresh = \"1h\"\n" } else { "" };
        let mut text = format!(
            "[daemon]\npoll_interval = {poll:?}\n{refresh}[pools.p]\nallocations = [{}]\n",
            quoted.join(",")
        );
        if let Some(url) = queue_url {
            text.push_str(&format!("[events]\nqueue_url = {url:?}\n"));
        }
        for name in functions {
            text.push_str(&format!("[[functions]]\nname = {name:?}\npool = \"p\"\n"));
        }
        Self::of(&text, server).await
    }

    /// Starts it with a configuration that says nothing of where it listens.
    pub async fn of(configuration: &str, server: HttpServer) -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr());
        let port = port.expect("a free port").port();
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("eipd.toml"), configuration).expect("it is ours");
        let process = Command::new(env!("CARGO_BIN_EXE_eipd"))
            .arg("run")
            .current_dir(folder.path())
            .env_clear()
            .env("AWS_ACCESS_KEY_ID", EIPD_ACCESS_KEY)
            .env("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)
            .env("AWS_REGION", "eu-west-1")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_ENDPOINT_URL", server.url())
            .env("EIPD__DAEMON__LISTEN", format!("127.0.0.1:{port}"))
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary starts");
        Self { process, port, _server: server, _folder: folder }
    }

    /// Waits until it has made so many passes, two minutes at most.
    pub async fn until_passes(&self, wanted: u64) {
        for _ in 0..1200 {
            if self.passes().await >= wanted {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("the daemon did not make {wanted} passes in two minutes");
    }

    /// How many passes it has made.
    pub async fn passes(&self) -> u64 {
        self.sum("eipd_pass_duration_seconds_count").await as u64
    }

    /// How long a pass took on average.
    pub async fn mean_pass_seconds(&self) -> f64 {
        self.sum("eipd_pass_duration_seconds_sum").await / self.sum("eipd_pass_duration_seconds_count").await
    }

    async fn sum(&self, name: &str) -> f64 {
        let text = self.metrics().await.unwrap_or_default();
        let lines = text.lines().filter(|line| line.starts_with(name));
        lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    }

    async fn metrics(&self) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: eipd\r\nConnection: close\r\n\r\n").await?;
        let mut text = String::new();
        stream.read_to_string(&mut text).await?;
        Ok(text)
    }

    /// What it weighs now.
    pub fn weight(&self) -> Weight {
        let folder = format!("/proc/{}", self.process.id());
        let stat = std::fs::read_to_string(format!("{folder}/stat")).unwrap_or_default();
        let after_name = stat.rsplit(") ").next().unwrap_or_default();
        let ticks: u64 = after_name.split(' ').skip(11).take(2).filter_map(|n| n.parse::<u64>().ok()).sum();
        let status = std::fs::read_to_string(format!("{folder}/status")).unwrap_or_default();
        let kib: BTreeMap<&str, f64> = status
            .lines()
            .filter_map(|line| {
                let (name, value) = line.split_once(':')?;
                Some((name, value.trim().strip_suffix(" kB")?.parse().ok()?))
            })
            .collect();
        let mib = |name| kib.get(name).copied().unwrap_or_default() / 1024.0;
        // Linux reports CPU time in hundredths of a second on every architecture.
        Weight { cpu: Duration::from_millis(ticks * 10), rss_mib: mib("VmRSS"), peak_mib: mib("VmHWM") }
    }

    /// Ends it.
    pub async fn stop(mut self) {
        self.process.kill().expect("it is ours");
        self.process.wait().expect("it is ours");
    }
}
