//! `eipd apply`: one pass that changes what the plan says, then the end.

use clap::Args;

use super::exit::{self, Exit};
use super::render::Detail;
use super::take::Take;
use super::wire::{self, Consent};
use super::{ConfigArgs, Error, Format, block_on, output, render};

/// Make one pass: plan, do it, say what became of it
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Apply {
    #[command(flatten)]
    config: ConfigArgs,
    /// How to answer
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Name every interface in the text, the unchanged ones too
    #[arg(long)]
    full: bool,
    /// Allow so many disruptions for each target in this one pass, whatever the configured budget is
    #[arg(long, value_name = "N")]
    accept_disruptions: Option<usize>,
    /// Let this declared address (eipalloc-… or its public IPv4) be taken from whatever it is on for an interface that has
    /// none, or let the address of this interface (eni-…) be replaced, whatever it is; can be repeated
    #[arg(long, value_name = "ID")]
    take: Vec<Take>,
}

const AFTER_HELP: &str = "\
Examples:
  eipd apply -c eipd.toml
  eipd apply --format json | jq '.[].actions'
  eipd apply --accept-disruptions 12       when the breaker is open and the plan is what you want
  eipd apply --take eipalloc-0a1b2c3d      a declared address that sits on something foreign

Marks: = keeps its address, + got one, - was taken off, ! is without, ~ not serving yet.
Exit codes: 0 all covered afterwards, 1 could not tell, 2 something remains uncovered.";

impl Apply {
    /// Makes one pass and prints what became of it.
    pub(super) fn run(self) -> Result<Exit, Error> {
        let consent = Consent { disruptions: self.accept_disruptions, take: self.take };
        let wire::Applied { reports, untaken } = block_on(wire::apply(self.config.file(), &consent))?;
        match self.format {
            Format::Text => output::text(&render::apply(&reports, Detail::from_flag(self.full)))?,
            Format::Json => output::json(&reports)?,
        }
        render::failures(&reports).iter().chain(&untaken).for_each(|line| output::remark(line));
        Ok(exit::apply(&reports))
    }
}
