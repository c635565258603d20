//! `eipd run`: the daemon.

use clap::Args;

use super::exit::Exit;
use super::{ConfigArgs, Error, block_on, daemon};

/// Run the daemon: keep every declared function's interfaces on their addresses
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Run {
    #[command(flatten)]
    config: ConfigArgs,
    /// Plan and report, and change nothing
    #[arg(long)]
    observe: bool,
}

const AFTER_HELP: &str = "\
Examples:
  eipd run -c eipd.toml
  eipd run --observe                    watch what it would do before it is allowed to
  EIPD_LOG=debug eipd run -c eipd.toml  with a longer log on stderr

SIGHUP, or a change of the file, loads the configuration again; a bad one leaves the old in force.
SIGTERM or SIGINT ends it within 10 seconds, exit code 0. A faulty file, or credentials that AWS refuses for
every target at the start, end it with 1; what becomes of credentials later is reported and waited out.
Metrics and status are served on `daemon.listen`, by default http://127.0.0.1:9464.";

impl Run {
    /// Runs until a signal ends it.
    pub(super) fn run(self) -> Result<Exit, Error> {
        block_on(daemon::run(self.config.file(), self.observe))?;
        Ok(Exit::Good)
    }
}
