//! `cargo run --example demo`: the real daemon against the simulated AWS, told as a short story in the terminal.
//!
//! The simulator listens on loopback; the daemon is a child process that is given nothing but a configuration file, an
//! endpoint and made-up credentials. Nothing here reaches AWS or any other machine, and no variable of the caller's that
//! speaks of AWS reaches the daemon.

mod acts;
mod child;
mod show;
mod stage;
mod status;
mod story;

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use eipd_sim::HttpServer;
use tokio::signal::unix::{Signal, SignalKind, signal};

use child::Child;
use show::Show;
use stage::Stage;
use story::Story;

/// Shows eipd at work on a simulated AWS, on this machine alone
#[derive(Debug, Parser)]
#[command(name = "demo", after_help = AFTER_HELP)]
struct Args {
    /// End by itself after the story
    #[arg(long)]
    once: bool,
    /// Show the daemon's log between the lines of the story, instead of writing it to a file
    #[arg(long)]
    log: bool,
}

const AFTER_HELP: &str = "\
Examples:
  cargo run --example demo             the story, then the daemon's pages to look at until Ctrl-C
  cargo run --example demo -- --once   the story alone
  cargo run --example demo -- --log    with the daemon's log

Exit codes: 0 everything was covered again and the daemon ended in order, 1 otherwise.";

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|first| first == child::DAEMON) {
        return child::be_the_daemon(arguments);
    }
    let args = Args::parse();
    match tell(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eipd::cli::output::complain(error.chain());
            ExitCode::FAILURE
        }
    }
}

fn tell(args: &Args) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(perform(args))
}

async fn perform(args: &Args) -> anyhow::Result<()> {
    let mut ends = Ends::new()?;
    let mut stage = Stage::set()?;
    let server = HttpServer::bind(stage.sim(), ([127, 0, 0, 1], 0).into())
        .await
        .context("the simulator could not be given a loopback port")?;
    let log = (!args.log).then(|| stage.log_path());
    let show = Show::new();
    show.opening(&server.url(), &stage.url(), log.as_deref());
    stage.begin();
    let child = Child::start(&daemon_arguments(&stage), &stage.environment(&server.url()), log.as_deref())?;
    let mut story = Story::new(&mut stage, child, show);
    let told = tokio::select! {
        told = acts::tell(&mut story) => told,
        () = ends.next() => {
            story.end().await?;
            anyhow::bail!("the story was interrupted");
        }
    };
    if let Err(error) = told {
        story.keep_evidence();
        return Err(error);
    }
    story.finale();
    if !args.once {
        story.invite();
        ends.next().await;
    }
    story.end().await
}

fn daemon_arguments(stage: &Stage) -> Vec<OsString> {
    ["run".into(), "--config".into(), stage.config_path().into_os_string()].into()
}

/// The signals by which a person ends the demo.
struct Ends {
    interrupt: Signal,
    terminate: Signal,
}

impl Ends {
    fn new() -> anyhow::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
