//! `eipd events status`: is the wiring as it should be, and does an event come through? The daemon may run meanwhile: the
//! trial has a queue of its own (`events::wiring::arrival`), so neither takes the other's messages.

use std::time::Duration;

use clap::Args;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::super::exit::Exit;
use super::super::render::style::{BAD, GOOD, WARN, paint};
use super::super::render::words::plain;
use super::super::{Error, Format, block_on, output};
use super::{TRAIL, WiringArgs, is_rule_well, line, look, notes_on_targets};
use crate::config::settings::Configuration;
use crate::domain::error_class::ErrorClass;
use crate::events::wiring::arrival::{Arrival, TIMEOUT_MAX, Trial, left_behind};
use crate::events::wiring::elsewhere::{Encryption, encryption};
use crate::events::wiring::steps::{Change, Step, steps};
use crate::events::wiring::{Found, Item, Wiring};
use crate::reconcile::ports::ApiError;
use crate::reconcile::ports::wiring::{FoundRule, WiringApi};

/// Verify the wiring, and time the arrival of an event
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Status {
    #[command(flatten)]
    wiring: WiringArgs,
    /// Wait no longer than this for an event, at most 10m
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = timeout)]
    timeout: Duration,
    /// Read the wiring and send no event: nothing is made, not even for a while
    #[arg(long)]
    read_only: bool,
    /// How to answer
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

const AFTER_HELP: &str = "\
Examples:
  eipd events status
  eipd events status --timeout 2m       a new rule may take a while
  eipd events status --read-only        with permissions to read alone

For the time of the check the rule gets a second target, a queue called eipd-check-…, so that a running daemon and the
check don't take each other's messages; the daemon's own queue gets each marker too, and the daemon counts it in
eipd_events_total{kind=\"marker\"}. Both are removed at the end, also on SIGINT and SIGTERM; whoever kills the
check leaves them to the next one. Whether the rule may send to the daemon's own queue is read off its policy.
Permissions: sts:GetCallerIdentity; sqs:GetQueueUrl, GetQueueAttributes, ListQueueTags; events:DescribeRule,
ListTagsForResource, ListTargetsByRule. Unless --read-only, on eipd-check-*: sqs:CreateQueue, TagQueue, ReceiveMessage,
DeleteQueue; on the rule: events:PutTargets, RemoveTargets; on the bus: events:PutEvents.
Exit codes: 0 all is well, 1 not.";

fn timeout(text: &str) -> Result<Duration, String> {
    let duration = text.parse::<SignedDuration>().ok().and_then(|span| Duration::try_from(span).ok());
    duration
        .filter(|span| !span.is_zero() && *span <= TIMEOUT_MAX)
        .ok_or_else(|| "expected a duration like `30s`, at most 10m".to_owned())
}

#[derive(Serialize)]
struct Answer {
    items: Vec<Line>,
    arrival_seconds: Option<f64>,
    notes: Vec<String>,
}

#[derive(Serialize)]
struct Line {
    item: Item,
    name: String,
    state: State,
    details: Vec<String>,
}

/// How a part of the wiring stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::cli) enum State {
    Ok,
    Missing,
    Different,
    Unknown,
}

/// What came of an event that was sent to be timed.
#[derive(Clone, Debug)]
pub(in crate::cli) struct Tried {
    /// Unknown where it could not be sent.
    pub(in crate::cli) state: State,
    /// In words.
    pub(in crate::cli) detail: String,
    /// How long it was under way, if it came.
    pub(in crate::cli) took: Option<Duration>,
}

impl Status {
    /// Verifies, and prints what was found.
    pub(super) fn run(self) -> Result<Exit, Error> {
        let configuration = self.wiring.configuration()?;
        let answer = block_on(self.verify(&configuration))?;
        match self.format {
            Format::Text => output::text(&text(&answer))?,
            Format::Json => output::json(&answer)?,
        }
        let is_well = answer.items.iter().all(|line| line.state == State::Ok);
        Ok(if is_well { Exit::Good } else { Exit::CouldNotTell })
    }

    async fn verify(&self, configuration: &Configuration) -> Result<Answer, Error> {
        let Configuration { settings, targets, .. } = configuration;
        let (wiring, api) = self.wiring.connect(settings).await?;
        let found = look(&api, &wiring).await?;
        let steps = steps(&wiring, &found, false);
        let is_rule_well = is_rule_well(&steps);
        let mut items: Vec<Line> = steps.into_iter().map(|step| seen(step, &found)).collect();
        let mut arrival_seconds = None;
        if !self.read_only {
            let tried = tried(&api, &wiring, &found, is_rule_well, self.timeout).await?;
            arrival_seconds = tried.took.map(|took| took.as_secs_f64());
            let name = wiring.names.rule.clone();
            items.push(Line { item: Item::Arrival, name, state: tried.state, details: vec![tried.detail] });
        }
        let mut notes = vec![TRAIL.to_owned()];
        if let Some(Encryption::Depends(why)) =
            found.queue.as_ref().map(|queue| encryption(&queue.attributes))
        {
            notes.push(why);
        }
        notes.extend(notes_on_targets(&wiring, targets));
        Ok(Answer { items, arrival_seconds, notes })
    }
}

fn seen(step: Step, found: &Found) -> Line {
    let (state, mut details) = match step.change {
        Change::Keep => (State::Ok, Vec::new()),
        Change::Create => (State::Missing, Vec::new()),
        Change::Alter(differences) => (State::Different, differences),
    };
    let letters =
        found.dead_letters.as_ref().and_then(|queue| queue.attributes.get("ApproximateNumberOfMessages"));
    if let Some(count) = letters.filter(|count| step.item == Item::DeadLetterQueue && *count != "0") {
        details.push(format!("about {count} messages in it: not delivered, or not understood"));
    }
    let queue = found.queue.as_ref().filter(|_| step.item == Item::Queue);
    let state = match queue.map(|queue| encryption(&queue.attributes)) {
        Some(Encryption::Forbids(why)) => {
            details.push(why);
            State::Different
        }
        _ => state,
    };
    Line { item: step.item, name: step.name, state, details }
}

/// Sends a marked event and times its arrival, where the rule is as it should be.
pub(super) async fn tried(
    api: &dyn WiringApi,
    wiring: &Wiring,
    found: &Found,
    is_rule_well: bool,
    within: Duration,
) -> Result<Tried, Error> {
    let Some(rule) = found.rule.as_ref().filter(|_| is_rule_well) else {
        let detail = "not tried: the rule is not as it should be".to_owned();
        return Ok(Tried { state: State::Unknown, detail, took: None });
    };
    Ok(match try_out(api, wiring, rule, within).await? {
        Ok(arrival) => Tried { state: State::Ok, detail: told(&arrival), took: Some(arrival.took) },
        Err((state, detail)) => Tried { state, detail, took: None },
    })
}

fn told(arrival: &Arrival) -> String {
    let sent = if arrival.sent == 1 { "the first" } else { "one" };
    format!("{sent} of {} sent came after {:.1} s", arrival.sent, arrival.took.as_secs_f64())
}

/// The first call of a trial.
const CREATE_QUEUE: &str = "sqs:CreateQueue";

/// Makes the trial, waits, and removes it whatever happened.
async fn try_out(
    api: &dyn WiringApi,
    wiring: &Wiring,
    rule: &FoundRule,
    within: Duration,
) -> Result<Result<Arrival, (State, String)>, Error> {
    // From here on a signal waits for the removal, which takes seconds.
    let mut end = Ends::new()?;
    for old in left_behind(wiring, rule, Timestamp::now()) {
        remove(api, &old).await;
    }
    let trial = Trial::new(wiring, Timestamp::now(), fastrand::u16(..));
    let outcome = match trial.lay(api).await {
        // Nothing was made that would have to be removed.
        Err(error) if error.class == ErrorClass::Denied && error.operation == CREATE_QUEUE => {
            return Ok(Err(failed(&error)));
        }
        Err(error) => Err(failed(&error)),
        Ok(()) => tokio::select! {
            arrived = trial.wait(api, within) => match arrived {
                Ok(Some(arrival)) => Ok(arrival),
                Ok(None) => Err((State::Missing, format!("none came within {} s", within.as_secs()))),
                Err(error) => Err(failed(&error)),
            },
            () = end.next() => Err((State::Unknown, "interrupted".to_owned())),
        },
    };
    remove(api, &trial).await;
    Ok(outcome)
}

fn failed(error: &ApiError) -> (State, String) {
    (State::Unknown, error.to_string())
}

async fn remove(api: &dyn WiringApi, trial: &Trial) {
    if let Err(error) = trial.remove(api).await {
        let name = trial.name();
        output::remark(&format!(
            "{} the check's target and queue `{name}` may be left behind: {error}",
            paint(WARN, "warning:")
        ));
    }
}

struct Ends {
    interrupt: Signal,
    terminate: Signal,
}

impl Ends {
    fn new() -> Result<Self, Error> {
        let listen = |kind| signal(kind).map_err(Error::Runtime);
        Ok(Self { interrupt: listen(SignalKind::interrupt())?, terminate: listen(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

fn text(answer: &Answer) -> String {
    let mut text = String::new();
    for Line { item, name, state, details } in &answer.items {
        let state = match state {
            State::Ok => paint(GOOD, "ok"),
            State::Missing => paint(BAD, "missing"),
            State::Different => paint(BAD, "different"),
            State::Unknown => paint(WARN, "unknown"),
        };
        line(&mut text, *item, name, state, details);
    }
    for note in &answer.notes {
        let lines: Vec<String> = note.lines().map(|line| plain(line).to_string()).collect();
        text.extend(["note: ", &lines.join("\n"), "\n"]);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_is_a_duration_up_to_ten_minutes() {
        for (text, seconds) in [("30s", Some(30)), ("2m", Some(120)), ("10m", Some(600))] {
            assert_eq!(timeout(text).ok(), seconds.map(Duration::from_secs), "{text}");
        }
        for text in ["0s", "11m", "-5s", "soon", ""] {
            assert!(timeout(text).is_err(), "{text}");
        }
    }
}
