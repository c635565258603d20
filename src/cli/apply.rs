//! `eipd apply`: one pass that changes what the plan says, then the end.

use clap::Args;

use super::exit::{self, Exit};
use super::render::Detail;
use super::wire::{self, Intent};
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
}

const AFTER_HELP: &str = "\
Examples:
  eipd apply -c eipd.toml
  eipd apply --format json | jq '.[].actions'

Marks: = keeps its address, + got one, ! is without, ~ not serving yet.
Exit codes: 0 all covered afterwards, 1 could not tell, 2 something remains uncovered.";

impl Apply {
    /// Makes one pass and prints what became of it.
    pub(super) fn run(self) -> Result<Exit, Error> {
        let reports = block_on(wire::one_pass(self.config.file(), Intent::Apply))?;
        match self.format {
            Format::Text => output::text(&render::apply(&reports, Detail::from_flag(self.full)))?,
            Format::Json => output::json(&reports)?,
        }
        render::failures(&reports).iter().for_each(|line| output::remark(line));
        Ok(exit::apply(&reports))
    }
}
