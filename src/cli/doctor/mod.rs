//! `eipd doctor`: is everything there that the daemon needs, before it is started or when it complains? One file for each
//! family of checks; what they judge is pure, and `patient` and `trial` ask AWS. Changes nothing: what would change is asked
//! for by dry runs. Only the event that is timed takes a queue and a target of its own, which are removed at once.

mod check;
mod clock;
mod estate;
mod firewall;
mod identity;
mod patient;
mod permissions;
mod pools;
mod quotas;
mod routes;
mod text;
mod trial;
mod wiring;

use std::sync::Arc;

use clap::Args;
use futures_util::future::join_all;
use jiff::Timestamp;
use serde::Serialize;

use super::exit::Exit;
use super::wire::{self, Loaded, Unmetered};
use super::{ConfigArgs, Error, Format, block_on, events, output};
use crate::aws::Surroundings;
use crate::config::settings::{Configuration, Settings};
use crate::reconcile::ports::{Bus, BusEntry, Queue};
use crate::telemetry::log::LogSettings;
use check::{Check, Verdict};
use permissions::{Outcome, Tried};

/// Check credentials, permissions, routes, firewalls, quotas, pools and the wiring of events; changes nothing
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Doctor {
    #[command(flatten)]
    config: ConfigArgs,
    /// Send no event to be timed: nothing is made, not even for a while
    #[arg(long)]
    read_only: bool,
    /// How many Hyperplane network interfaces a VPC may have, where AWS granted more than 500
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    hyperplane_quota: Option<u32>,
    /// How to answer
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

const AFTER_HELP: &str = "\
Examples:
  eipd doctor -c eipd.toml
  eipd doctor --read-only
  eipd doctor --format json | jq '.checks[] | select(.verdict == \"fail\")'

Needs what `plan` needs; with ec2:DescribeSecurityGroups, DescribeNetworkAcls and DescribeAccountAttributes it tells more.
With [notify] it publishes one event of source eipd.doctor; with [events] it looks at a message, which comes again at once,
and times a marked event as `eipd events status` does, by a queue of its own that is removed at the end. Where that is denied,
or with --read-only, it is not made.
Exit codes: 0 all is well, 1 something fails, 2 something is to be looked at.";

#[derive(Serialize)]
struct Answer {
    verdict: Verdict,
    checks: Vec<Check>,
}

impl Doctor {
    /// Makes every check and prints what they came to.
    pub(super) fn run(self) -> Result<Exit, Error> {
        LogSettings::from_environment()?.install()?;
        let Loaded { source, outcome } = wire::load(&wire::source(self.config.file()));
        let checks = match outcome {
            Ok(configuration) => block_on(examine(&source, &configuration, &self))?,
            Err(faults) => {
                let remedy = "put that right; nothing more can be checked before";
                faults.iter().map(|fault| Check::fail(CONFIGURATION, fault.trim_end(), remedy)).collect()
            }
        };
        let exit = check::exit(&checks);
        match self.format {
            Format::Text => output::text(&text::text(&checks))?,
            Format::Json => output::json(&Answer { verdict: check::worst(&checks), checks })?,
        }
        Ok(exit)
    }
}

const CONFIGURATION: &str = "configuration";

/// All checks: of the process first, then of each target in the order of the file.
async fn examine(source: &str, configuration: &Configuration, asked: &Doctor) -> Result<Vec<Check>, Error> {
    let settings = &configuration.settings;
    let mut checks = vec![Check::pass(CONFIGURATION, format!("`{source}` is valid"))];
    let noted = |note: &String| {
        Check::told(CONFIGURATION, Verdict::Warn, note)
            .or_remedy("take the key out, or leave it for a later version")
    };
    checks.extend(configuration.notes.iter().map(noted));
    let surroundings = &Surroundings::production();
    let quota = asked.hyperplane_quota.map(|quota| quota as usize);
    let targets = configuration.targets.iter();
    let targets = targets.map(|target| patient::examine(target, settings, surroundings, quota));
    let targets = join_all(targets);
    let (events, bus, targets) =
        tokio::join!(examine_events(settings, !asked.read_only), examine_bus(settings), targets);
    checks.extend(events?);
    checks.push(bus?);
    checks.extend(targets.into_iter().flatten());
    Ok(checks)
}

async fn examine_events(settings: &Settings, times: bool) -> Result<Vec<Check>, Error> {
    let Some(url) = &settings.queue_url else { return Ok(vec![wiring::not_configured()]) };
    let queue = wire::queue(url, settings, Arc::new(Unmetered)).await?;
    let (receive, delete, attributes, steps) = tokio::join!(
        queue.try_receive(),
        queue.try_delete(),
        queue.puts_aside(),
        events::examined(settings, times)
    );
    let tried = [
        ("sqs:ReceiveMessage", Outcome::of(receive)),
        ("sqs:DeleteMessage", Outcome::of(delete)),
        ("sqs:GetQueueAttributes", Outcome::of(attributes)),
    ];
    let tried = tried.map(|(action, outcome)| permissions::judge(&Tried::new(action, outcome)));
    let steps = steps.map_or_else(|error| vec![wiring::unseen(&error.to_string())], |s| wiring::judge(&s));
    Ok(tried.into_iter().chain(steps).collect())
}

async fn examine_bus(settings: &Settings) -> Result<Check, Error> {
    let Some(bus) = settings.event_bus.as_deref() else { return Ok(wiring::judge_bus(None, None)) };
    let entry = BusEntry {
        source: "eipd.doctor",
        detail_type: "Doctor Check",
        detail: "{}".to_owned(),
        at: Timestamp::now(),
    };
    let answer = wire::bus(bus, settings, Arc::new(Unmetered)).await?.publish(&[entry]).await;
    let refusal = match answer {
        Ok(refusals) => refusals.into_iter().flatten().next(),
        Err(error) => Some(error),
    };
    Ok(wiring::judge_bus(Some(bus), refusal.as_ref()))
}
