//! `eipd events`: sets up, verifies and takes down the way that AWS's events take to the daemon. What is wanted, missing
//! and ours is decided in `events::wiring`; here are the command line, the order of things and the words.

mod setup;
mod status;
mod teardown;

use std::fmt::Write;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::exit::Exit;
use super::render::style::{HEAD, paint};
use super::render::words::plain;
use super::{ConfigArgs, Error, wire};
use crate::aws::EventWiring;
use crate::config::settings::{Configuration, Settings, Target};
use crate::domain::ids::AccountId;
use crate::events::wiring::elsewhere::{Whereabouts, elsewhere};
use crate::events::wiring::steps::{Change, Step, steps};
use crate::events::wiring::{Found, Item, Names, Wiring};
use crate::reconcile::ports::wiring::WiringApi;
use crate::telemetry::log::LogSettings;
pub(super) use status::{State, Tried};

/// What cannot be seen from here.
pub(super) const TRAIL: &str = "a CloudTrail trail must log management events in this region; without one no event comes, and \
                     this command can't know";

/// How long an examination waits for an event.
const EXAMINED_WITHIN: Duration = Duration::from_secs(30);

/// The queue's name where the configuration has none.
const DEFAULT_NAME: &str = "eipd";

/// Set up, verify or remove the EventBridge rule and the queue that bring events to the daemon
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Events {
    #[command(subcommand)]
    verb: Verb,
}

const AFTER_HELP: &str = "\
Examples:
  eipd events setup --dry-run          what would be made
  eipd events setup                    make it; again: puts right what differs
  eipd events status                   does an event come through?
  eipd events teardown --yes           remove what setup made

Exit codes: 0 done, or all is well; 1 not.";

#[derive(Debug, Subcommand)]
enum Verb {
    Setup(setup::Setup),
    Status(status::Status),
    Teardown(teardown::Teardown),
}

impl Events {
    /// Carries the verb out.
    pub(super) fn run(self) -> Result<Exit, Error> {
        match self.verb {
            Verb::Setup(verb) => verb.run(),
            Verb::Status(verb) => verb.run(),
            Verb::Teardown(verb) => verb.run(),
        }
    }
}

/// Which wiring is meant.
#[derive(Debug, Args)]
struct WiringArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// The queue [default: the last part of events.queue_url, else eipd]
    #[arg(long, value_name = "NAME")]
    queue_name: Option<String>,
    /// The rule on the default event bus [default: the queue's name]
    #[arg(long, value_name = "NAME")]
    rule_name: Option<String>,
}

impl WiringArgs {
    fn settings(&self) -> Result<Settings, Error> {
        Ok(self.configuration()?.settings)
    }

    fn configuration(&self) -> Result<Configuration, Error> {
        LogSettings::from_environment()?.install()?;
        wire::load_valid(&wire::source(self.config.file()))
    }

    fn names(&self, settings: &Settings) -> Result<Names, Error> {
        let configured = settings.queue_url.as_deref().and_then(|url| url.rsplit('/').next());
        let queue = self.queue_name.as_deref().or(configured).unwrap_or(DEFAULT_NAME);
        Ok(Names::new(queue, self.rule_name.as_deref())?)
    }

    /// The wanted wiring, and the way to what is there.
    async fn connect(&self, settings: &Settings) -> Result<(Wiring, EventWiring), Error> {
        let names = self.names(settings)?;
        let api = wire::event_wiring(settings).await?;
        let place = api.place().await?;
        let stated = settings.queue_url.as_deref().and_then(|url| url.rsplit('/').nth(1));
        match stated.filter(|stated| *stated != place.account.as_str()) {
            Some(stated) => Err(Error::QueueElsewhere { stated: stated.to_owned(), account: place.account }),
            None => Ok((Wiring { names, place }, api)),
        }
    }
}

/// How the configured wiring stands.
pub(super) struct Examined {
    /// Part by part.
    pub(super) steps: Vec<Step>,
    /// Whether an event comes through; nothing when none was to be sent.
    pub(super) tried: Option<Tried>,
}

/// Reads the configured wiring part by part, and sends an event through it where one is to be timed, as `events status` does.
pub(super) async fn examined(settings: &Settings, times: bool) -> Result<Examined, Error> {
    let meant = WiringArgs { config: ConfigArgs { config: None }, queue_name: None, rule_name: None };
    let (wiring, api) = meant.connect(settings).await?;
    let found = look(&api, &wiring).await?;
    let steps = steps(&wiring, &found, false);
    let tried = match times {
        true => Some(status::tried(&api, &wiring, &found, is_rule_well(&steps), EXAMINED_WITHIN).await?),
        false => None,
    };
    Ok(Examined { steps, tried })
}

fn is_rule_well(steps: &[Step]) -> bool {
    steps.iter().any(|step| step.item == Item::Rule && step.change == Change::Keep)
}

async fn look(api: &dyn WiringApi, wiring: &Wiring) -> Result<Found, Error> {
    let names = &wiring.names;
    let (dead_letters, queue, rule) =
        tokio::try_join!(api.queue(&names.dead_letters), api.queue(&names.queue), api.rule(&names.rule))?;
    Ok(Found { dead_letters, queue, rule })
}

/// What this wiring does not do for targets that are in other places.
fn notes_on_targets(wiring: &Wiring, targets: &[Target]) -> Vec<String> {
    let targets: Vec<Whereabouts<'_>> = targets.iter().map(whereabouts).collect();
    elsewhere(wiring, &targets)
}

fn whereabouts(target: &Target) -> Whereabouts<'_> {
    let Target { name, region, role, stated, .. } = target;
    // `arn:aws:iam::111122223333:role/eipd`
    let of_role = role.as_ref().and_then(|role| role.arn.split(':').nth(4));
    Whereabouts {
        target: name.as_str(),
        region: region.as_deref().or(stated.region.as_deref()),
        account: of_role.or(stated.account.as_ref().map(AccountId::as_str)),
    }
}

/// One line for a part, and one for each detail of it.
fn line(text: &mut String, item: Item, name: &str, what: impl std::fmt::Display, details: &[String]) {
    // Longer than any item's name.
    const WIDTH: usize = 26;
    let name = paint(HEAD, plain(name));
    writeln!(text, "{item:<WIDTH$}  {name}  {what}").expect("a string takes every text");
    for detail in details {
        writeln!(text, "{:WIDTH$}  {}", "", plain(detail)).expect("a string takes every text");
    }
}
