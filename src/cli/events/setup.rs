//! `eipd events setup`: makes what is missing, puts right what differs, and leaves the rest.

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::super::exit::Exit;
use super::super::render::style::{GOOD, QUIET, WARN, paint};
use super::super::render::words::plain;
use super::super::{Error, Format, block_on, output};
use super::{TRAIL, WiringArgs, line, look, notes_on_targets};
use crate::config::settings::{Configuration, Settings};
use crate::events::wiring::steps::{Change, Step, steps};
use crate::events::wiring::template::template;
use crate::events::wiring::{Item, Wiring};
use crate::reconcile::ports::wiring::WiringApi;

/// Create or put right the queue, its dead-letter queue, the policies, the rule and its target
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Setup {
    #[command(flatten)]
    wiring: WiringArgs,
    /// Show what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Take over a queue or a rule of that name that eipd did not make; teardown removes it then
    #[arg(long)]
    adopt: bool,
    /// Print the same as a template, without any call to AWS
    #[arg(long, value_enum, conflicts_with_all = ["dry_run", "adopt", "format"])]
    print: Option<Print>,
    /// How to answer
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

const AFTER_HELP: &str = "\
Examples:
  eipd events setup --dry-run
  eipd events setup --queue-name eipd-prod
  eipd events setup --print cloudformation > events.json

What is made is tagged managed-by=eipd. A queue or rule without that tag is left alone, and when it would have to be
changed the command ends with 1 and changes nothing.
Permissions: sts:GetCallerIdentity; sqs:GetQueueUrl, GetQueueAttributes, ListQueueTags, CreateQueue, SetQueueAttributes,
TagQueue; events:DescribeRule, ListTagsForResource, ListTargetsByRule, PutRule, TagResource, PutTargets.
Exit codes: 0 all is as wanted, or would be; 1 not.";

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Print {
    /// A CloudFormation template, as JSON
    #[value(name = "cloudformation")]
    CloudFormation,
}

#[derive(Serialize)]
struct Answer {
    queue_url: Option<String>,
    items: Vec<Line>,
    notes: Vec<String>,
}

#[derive(Serialize)]
struct Line {
    item: Item,
    name: String,
    outcome: &'static str,
    differences: Vec<String>,
}

impl Setup {
    /// Sets up, or shows what that would be.
    pub(super) fn run(self) -> Result<Exit, Error> {
        let configuration = self.wiring.configuration()?;
        if self.print == Some(Print::CloudFormation) {
            output::json(&template(&self.wiring.names(&configuration.settings)?))?;
            return Ok(Exit::Good);
        }
        block_on(self.set_up(&configuration))
    }

    async fn set_up(&self, Configuration { settings, targets, .. }: &Configuration) -> Result<Exit, Error> {
        let (wiring, api) = self.wiring.connect(settings).await?;
        let steps = steps(&wiring, &look(&api, &wiring).await?, self.adopt);
        let objections: Vec<String> = steps.iter().filter_map(objection).collect();
        if !objections.is_empty() {
            return Err(Error::NotOurs { objections });
        }
        let (mut lines, mut failure) = (Vec::new(), None);
        for step in steps {
            if !self.dry_run
                && let Err(error) = carry_out(&api, &step).await
            {
                failure = Some(error);
                break;
            }
            lines.push(told(step, self.dry_run));
        }
        let mut notes = vec![TRAIL.to_owned()];
        notes.extend(notes_on_targets(&wiring, targets));
        let mut queue_url = None;
        if failure.is_none() && !self.dry_run {
            queue_url = api.queue(&wiring.names.queue).await?.map(|queue| queue.url);
            notes.extend(queue_url.as_deref().and_then(|url| to_configure(settings, &wiring, url)));
        }
        let answer = Answer { queue_url, items: lines, notes };
        match self.format {
            Format::Text => output::text(&text(&answer))?,
            Format::Json => output::json(&answer)?,
        }
        failure.map_or(Ok(Exit::Good), Err)
    }
}

async fn carry_out(api: &dyn WiringApi, step: &Step) -> Result<(), Error> {
    for call in &step.calls {
        api.carry_out(call).await?;
    }
    Ok(())
}

fn objection(step: &Step) -> Option<String> {
    let why = step.objection.as_deref()?;
    let what = match &step.change {
        Change::Alter(differences) => differences.join("; "),
        Change::Create => "it would be made".to_owned(),
        Change::Keep => return None,
    };
    Some(format!(
        "  {} `{}`: {why} ({what}); hint: choose another name with --queue-name and --rule-name, or take it over with \
         --adopt",
        step.item, step.name
    ))
}

fn told(step: Step, is_dry: bool) -> Line {
    let (outcome, differences) = match (step.change, is_dry) {
        (Change::Keep, _) => ("unchanged", Vec::new()),
        (Change::Create, false) => ("created", Vec::new()),
        (Change::Create, true) => ("to_create", Vec::new()),
        (Change::Alter(differences), false) => ("changed", differences),
        (Change::Alter(differences), true) => ("to_change", differences),
    };
    Line { item: step.item, name: step.name, outcome, differences }
}

/// The daemon must know the queue; the URL is compared by its name, since a queue has several hosts.
fn to_configure(settings: &Settings, wiring: &Wiring, url: &str) -> Option<String> {
    let configured = settings.queue_url.as_deref().and_then(|url| url.rsplit('/').next());
    (configured != Some(wiring.names.queue.as_str())).then(|| {
        format!("to have the daemon read it, put into the configuration:\n[events]\nqueue_url = \"{url}\"")
    })
}

fn text(answer: &Answer) -> String {
    let mut text = String::new();
    for Line { item, name, outcome, differences } in &answer.items {
        let (style, words) = match *outcome {
            "unchanged" => (QUIET, "unchanged"),
            "to_create" => (WARN, "would be created"),
            "to_change" => (WARN, "would be changed"),
            done => (GOOD, done),
        };
        line(&mut text, *item, name, paint(style, words), differences);
    }
    for note in &answer.notes {
        let lines: Vec<String> = note.lines().map(|line| plain(line).to_string()).collect();
        text.extend(["note: ", &lines.join("\n"), "\n"]);
    }
    text
}
