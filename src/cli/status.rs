//! `eipd status`: what a running daemon knows. Reads `/status` as a stranger would: what it does not know it passes over,
//! and what is missing it does without.

pub(super) mod answer;
pub(super) mod lately;
#[cfg(test)]
mod tests;
mod text;

use clap::Args;
use jiff::Timestamp;

use super::exit::Exit;
use super::url::UrlArgs;
use super::{Error, Format, block_on, http, output};
use answer::StatusAnswer;

/// Ask a running daemon how things stand
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Status {
    #[command(flatten)]
    url: UrlArgs,
    /// How to answer
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

const AFTER_HELP: &str = "\
Examples:
  eipd status
  eipd status --url http://10.0.0.7:9464
  eipd status --format json | jq '.targets[].uncovered'

Exit codes: 0 all covered, 1 unreachable, unknown or not ready yet, 2 something is uncovered.";

impl Status {
    /// Asks, and prints the answer.
    pub(super) fn run(self) -> Result<Exit, Error> {
        let base = self.url.base()?;
        let answer = block_on(async { Ok(http::get(&base, "/status").await?) })?.good()?;
        let status: StatusAnswer = serde_json::from_slice(&answer.body)
            .map_err(|source| Error::NotAStatus { url: answer.url.clone(), source })?;
        match self.format {
            Format::Text => output::text(&text::status(&status, Timestamp::now()))?,
            Format::Json => output::raw(&with_line_end(&answer.body))?,
        }
        Ok(status.exit())
    }
}

/// The daemon's own words, so that nothing is lost that this version does not know.
fn with_line_end(body: &[u8]) -> Vec<u8> {
    [body.trim_ascii_end(), b"\n"].concat()
}
