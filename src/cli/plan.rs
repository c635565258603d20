//! `eipd plan`: one observation, and what would be done. Changes nothing.

use clap::Args;

use super::exit::{self, Exit};
use super::render::Detail;
use super::wire;
use super::{ConfigArgs, Error, Format, assume, block_on, output, render};
use crate::domain::assume::Assumption;

/// Show what would be done, and why; changes nothing
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Plan {
    #[command(flatten)]
    config: ConfigArgs,
    /// How to answer
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Name every interface in the text, the unchanged ones too
    #[arg(long)]
    full: bool,
    /// Plan as if FUNCTION had these settings beside its present ones, and say what would be short; may be repeated
    #[arg(long, value_name = "FUNCTION:subnets=…;sgs=…", value_parser = assume::parse, conflicts_with = "full")]
    assume: Vec<Assumption>,
}

const AFTER_HELP: &str = "\
Examples:
  eipd plan -c eipd.toml
  eipd plan --full                                      with what stays as it is
  eipd plan --format json | jq '.[].uncovered'
  eipd plan --assume 'billing:subnets=subnet-0a1b2c3d,subnet-0b1c2d3e;sgs=sg-0a1b2c3d'

Marks: = keeps its address, + gets one, - is taken off, ! stays without, ~ not serving yet.
With --assume it says what a deployment would need before it runs: during a switchover the function's present and its
new settings both hold interfaces, one at least for each subnet; more than 65,000 connections make more. Subnets and
security groups that stay as they are may be left out. Exit codes then: 0 enough, 1 could not tell, 2 short.

Exit codes: 0 nothing to do and all covered, 1 could not tell, 2 something to do or uncovered.";

impl Plan {
    /// Observes once and prints the plan.
    pub(super) fn run(self) -> Result<Exit, Error> {
        if !self.assume.is_empty() {
            return assume::run(self.config.file(), &self.assume, self.format);
        }
        let reports = block_on(wire::plan(self.config.file()))?;
        match self.format {
            Format::Text => output::text(&render::plan(&reports, Detail::from_flag(self.full)))?,
            Format::Json => output::json(&reports)?,
        }
        render::failures(&reports).iter().for_each(|line| output::remark(line));
        Ok(exit::plan(&reports))
    }
}

#[cfg(test)]
mod tests {
    use super::super::render::fixtures::Scene;
    use crate::domain::action::Outcome;

    #[test]
    fn json_is_an_array_of_one_object_per_target_with_the_promised_fields() {
        let one =
            Scene::new().gets(1, 1, &["billing"], Outcome::Planned).without(2, 2, &["billing"]).report();
        let two = Scene::named("prod-us").keeps(3, 3, &["reports"]).report();
        let json = serde_json::to_value([one, two]).expect("reports serialise");
        let targets = json.as_array().expect("an array");
        assert_eq!(targets.len(), 2);
        assert_eq!(targets[1]["target"], "prod-us");
        assert_eq!(targets[1]["covered"], 1);
        let action = &targets[0]["actions"][0];
        assert_eq!(action["kind"], "associate");
        assert_eq!(action["outcome"], "planned");
        assert_eq!(action["reason"], "bare");
        assert!(action["allocation_id"].is_string() && action["network_interface_id"].is_string());
        let uncovered = targets[0]["uncovered"].as_array().expect("an array");
        assert!(uncovered.iter().any(|u| u["reason"] == "no_free_address" && u["functions"][0] == "billing"));
        assert!(targets[0]["warnings"].is_array());
    }
}
