//! The daemon as a child process. It is this executable again, with a first argument that makes it carry out the command
//! line of `eipd`: building an example does not build the program, and this way there is no doubt which version runs.
//!
//! The child never outlives the demo: it is killed when it is dropped, and it ends itself when the pipe from the demo
//! closes, which happens even where the demo is killed.

use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::process::{Command, ExitCode, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use clap::Parser;
use eipd::cli::{Cli, exit, output};
use tokio::time::{Instant, sleep};

/// The first argument that makes this executable the daemon.
pub(crate) const DAEMON: &str = "__eipd";

/// The daemon promises to end this soon after SIGTERM.
const TO_END: Duration = Duration::from_secs(10);

/// Does what the program `eipd` does with these arguments.
pub(crate) fn be_the_daemon(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(1);
    });
    let cli = match Cli::try_parse_from([OsString::from("eipd")].into_iter().chain(arguments)) {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return exit::usage(&error).into();
        }
    };
    match cli.run().map_err(anyhow::Error::from) {
        Ok(exit) => exit.into(),
        Err(error) => {
            output::complain(error.chain());
            exit::Exit::CouldNotTell.into()
        }
    }
}

/// A running daemon.
pub(crate) struct Child {
    process: std::process::Child,
}

impl Child {
    /// Starts one with these arguments and, of all that speaks of AWS or of eipd, only these variables.
    pub(crate) fn start(
        arguments: &[OsString],
        environment: &[(&str, String)],
        log: Option<&Path>,
    ) -> anyhow::Result<Self> {
        let executable = std::env::current_exe().context("the demo does not find its own executable")?;
        let mut command = Command::new(executable);
        command.arg(DAEMON).args(arguments).stdin(Stdio::piped()).stdout(Stdio::null());
        for (name, _) in std::env::vars_os() {
            if speaks_of_elsewhere(&name.to_string_lossy()) {
                command.env_remove(name);
            }
        }
        command.envs(environment.iter().map(|(name, value)| (name, value)));
        if let Some(path) = log {
            command.stderr(File::create(path).context("the daemon's log can't be written")?);
        }
        Ok(Self { process: command.spawn().context("the daemon could not be started")? })
    }

    /// An error when it has ended, which it should not have.
    pub(crate) fn check(&mut self) -> anyhow::Result<()> {
        if let Some(status) = self.process.try_wait()? {
            bail!("the daemon ended by itself: {status}");
        }
        Ok(())
    }

    /// Ends it by SIGTERM, as an operator or a container runtime does; it must exit with 0 in time.
    pub(crate) async fn terminate(&mut self) -> anyhow::Result<Duration> {
        let asked = Instant::now();
        // On Ctrl-C the terminal has asked it already.
        if self.process.try_wait()?.is_none() {
            let pid = self.process.id().to_string();
            Command::new("sh").args(["-c", r#"kill -TERM "$1""#, "sh", &pid]).status()?;
        }
        while asked.elapsed() < TO_END {
            if let Some(status) = self.process.try_wait()? {
                ensure!(ExitStatus::success(&status), "the daemon did not end in order: {status}");
                return Ok(asked.elapsed());
            }
            sleep(Duration::from_millis(20)).await;
        }
        bail!("the daemon did not end within {} s of SIGTERM", TO_END.as_secs());
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Whether a variable could lead the daemon to something other than the simulator.
fn speaks_of_elsewhere(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    upper.starts_with("AWS_") || upper.starts_with("EIPD_") || upper.ends_with("_PROXY")
}
