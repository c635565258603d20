//! `eipd events teardown`: removes what setup made, and nothing else.

use clap::Args;
use serde::Serialize;

use super::super::exit::Exit;
use super::super::render::style::{GOOD, QUIET, WARN, paint};
use super::super::{Error, Format, block_on, output};
use super::{WiringArgs, line, look};
use crate::config::settings::Settings;
use crate::events::wiring::arrival;
use crate::events::wiring::removal::{Fate, Removal, removals};
use crate::events::wiring::{Found, Item, Wiring};
use crate::reconcile::ports::wiring::WiringApi;

/// Remove what setup made: the rule with its target, the queue and its dead-letter queue
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Teardown {
    #[command(flatten)]
    wiring: WiringArgs,
    /// Remove; without it the command only shows what would be removed
    #[arg(long)]
    yes: bool,
    /// How to answer
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

const AFTER_HELP: &str = "\
Examples:
  eipd events teardown                  what would be removed
  eipd events teardown --yes            remove it, with the messages in the queues

Only what is tagged managed-by=eipd and belongs to no CloudFormation stack is removed.
Permissions: those of `setup` to read, and events:RemoveTargets, DeleteRule, sqs:DeleteQueue.
Exit codes: 0 done, 1 not.";

#[derive(Serialize)]
struct Line {
    item: Item,
    name: String,
    outcome: &'static str,
    reason: Option<String>,
}

impl Teardown {
    /// Removes, or shows what that would be.
    pub(super) fn run(self) -> Result<Exit, Error> {
        let settings = self.wiring.settings()?;
        block_on(self.tear_down(&settings))
    }

    async fn tear_down(&self, settings: &Settings) -> Result<Exit, Error> {
        let (wiring, api) = self.wiring.connect(settings).await?;
        let found = look(&api, &wiring).await?;
        let removals = removals(&wiring, &found);
        let (mut lines, mut failure) = (Vec::new(), None);
        if self.yes {
            failure = remove_trials(&api, &wiring, &found, &removals).await.err();
        }
        for removal in removals {
            if self.yes && failure.is_none() {
                failure = carry_out(&api, &removal).await.err();
            }
            if failure.is_some() {
                break;
            }
            lines.push(told(removal, self.yes));
        }
        match self.format {
            Format::Text => output::text(&text(&lines))?,
            Format::Json => output::json(&lines)?,
        }
        if !self.yes && lines.iter().any(|line| line.outcome == "to_remove") {
            output::remark("nothing was removed; to remove it, add --yes");
        }
        failure.map_or(Ok(Exit::Good), Err)
    }
}

/// What a killed check left has a queue as well as a target.
async fn remove_trials(
    api: &dyn WiringApi,
    wiring: &Wiring,
    found: &Found,
    removals: &[Removal],
) -> Result<(), Error> {
    let is_ours = removals.iter().any(|r| r.item == Item::Target && matches!(r.fate, Fate::Remove(_)));
    for trial in found.rule.iter().filter(|_| is_ours).flat_map(|rule| arrival::all(wiring, rule)) {
        trial.remove(api).await?;
    }
    Ok(())
}

async fn carry_out(api: &dyn WiringApi, removal: &Removal) -> Result<(), Error> {
    if let Fate::Remove(calls) = &removal.fate {
        for call in calls {
            api.carry_out(call).await?;
        }
    }
    Ok(())
}

fn told(removal: Removal, is_done: bool) -> Line {
    let (outcome, reason) = match removal.fate {
        Fate::Remove(_) if is_done => ("removed", None),
        Fate::Remove(_) => ("to_remove", None),
        Fate::Absent => ("absent", None),
        Fate::Leave(why) => ("left", Some(why)),
    };
    Line { item: removal.item, name: removal.name, outcome, reason }
}

fn text(lines: &[Line]) -> String {
    let mut text = String::new();
    for Line { item, name, outcome, reason } in lines {
        let outcome = match *outcome {
            "to_remove" => paint(WARN, "would be removed"),
            "left" => paint(WARN, "left"),
            "absent" => paint(QUIET, "absent"),
            done => paint(GOOD, done),
        };
        line(&mut text, *item, name, outcome, reason.as_slice());
    }
    text
}
