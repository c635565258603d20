//! `eipd health`: `/healthz` and nothing else, for a container's health check.

use clap::Args;

use super::exit::Exit;
use super::url::UrlArgs;
use super::{Error, block_on, http, output};

/// Ask a running daemon whether it is healthy, for a container's health check
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Health {
    #[command(flatten)]
    url: UrlArgs,
}

const AFTER_HELP: &str = "\
Examples:
  eipd health
  eipd health --url http://10.0.0.7:9464
  HEALTHCHECK CMD [\"eipd\", \"health\"]      in a Dockerfile

Healthy means that passes are completed in time, good or bad; see `eipd status` for what they found.
Exit codes: 0 healthy, 1 not, or not reachable.";

impl Health {
    /// Asks, and repeats the answer's first line.
    pub(super) fn run(self) -> Result<Exit, Error> {
        let base = self.url.base()?;
        let answer = block_on(async { Ok(http::get(&base, "/healthz").await?) })?.good()?;
        output::text(&format!("{}\n", answer.first_line()))?;
        Ok(Exit::Good)
    }
}
