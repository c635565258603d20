//! EventBridge's two operations with entries: PutEvents and PutTargets.
//!
//! An entry that fails is told of in a 200; a request beyond the limits fails whole.

use super::finish;
use crate::moment::Moment;
use crate::wire::json::Fields;
use crate::wire::{Failure, Office};
use crate::world::{NewEvent, Target};
use serde_json::{Value, json};

/// The most bytes of all entries of a PutEvents together (AWS.md section 3, EventBridge limits: below 1 MB; confirmed).
const MOST_BYTES: usize = 1_048_576;
/// The most entries of a PutEvents and of a PutTargets (EventBridge API reference; confirmed).
const MOST_ENTRIES: usize = 10;

pub(super) fn events(office: &mut Office<'_>, fields: &Fields) -> Result<Value, Failure> {
    let entries = fields.entries("Entries")?;
    finish(office, "PutEvents", fields)?;
    within("entries", entries.len())?;
    let mut events = Vec::new();
    for entry in &entries {
        let event = event(entry)?;
        finish(office, "PutEvents (an entry)", entry)?;
        events.push(event);
    }
    if events.iter().map(size).sum::<usize>() >= MOST_BYTES {
        let message = "Total size of the entries in the request is over the limit.";
        return Err(Failure::new("ValidationException", 400, message));
    }
    let mut failed = 0;
    let mut answers = Vec::new();
    for event in events {
        answers.push(match office.world.put_event(&event) {
            Ok(id) => json!({ "EventId": id }),
            Err(refusal) => {
                failed += 1;
                json!({ "ErrorCode": refusal.code, "ErrorMessage": refusal.message })
            }
        });
    }
    Ok(json!({ "FailedEntryCount": failed, "Entries": answers }))
}

fn event(entry: &Fields) -> Result<NewEvent, Failure> {
    // Kept by X-Ray only.
    entry.text("TraceHeader")?;
    Ok(NewEvent {
        source: entry.text("Source")?.unwrap_or_default(),
        detail_type: entry.text("DetailType")?.unwrap_or_default(),
        detail: entry.text("Detail")?.unwrap_or_default(),
        resources: entry.texts("Resources")?.unwrap_or_default(),
        time: entry.seconds("Time")?.map(Moment::from_unix_seconds),
        bus: entry.text("EventBusName")?,
    })
}

/// What an entry counts (EventBridge user guide, Calculating PutEvents event entry size; confirmed).
fn size(event: &NewEvent) -> usize {
    let time = if event.time.is_some() { 14 } else { 0 };
    let resources: usize = event.resources.iter().map(String::len).sum();
    time + event.source.len() + event.detail_type.len() + event.detail.len() + resources
}

pub(super) fn targets(office: &mut Office<'_>, fields: &Fields) -> Result<Value, Failure> {
    let (rule, bus) = (fields.required("Rule")?, fields.text("EventBusName")?);
    let entries = fields.entries("Targets")?;
    finish(office, "PutTargets", fields)?;
    within("targets", entries.len())?;
    let mut targets = Vec::new();
    for entry in &entries {
        let target = target(office, entry)?;
        finish(office, "PutTargets (a target)", entry)?;
        targets.push(target);
    }
    office.world.put_targets(bus.as_deref(), &rule, targets)?;
    Ok(json!({ "FailedEntryCount": 0, "FailedEntries": [] }))
}

fn target(office: &mut Office<'_>, entry: &Fields) -> Result<Target, Failure> {
    let mut target = Target {
        id: entry.required("Id")?,
        arn: entry.required("Arn")?,
        role: entry.text("RoleArn")?,
        input: entry.text("Input")?,
        ..Target::default()
    };
    if let Some(letters) = entry.structure("DeadLetterConfig")? {
        target.dead_letters = letters.text("Arn")?;
        finish(office, "PutTargets (DeadLetterConfig)", &letters)?;
    }
    if let Some(retry) = entry.structure("RetryPolicy")? {
        target.retry_attempts = retry.within("MaximumRetryAttempts", 0, 185)?;
        target.retry_age = retry.within("MaximumEventAgeInSeconds", 60, 86_400)?;
        finish(office, "PutTargets (RetryPolicy)", &retry)?;
    }
    Ok(target)
}

fn within(name: &str, count: usize) -> Result<(), Failure> {
    if (1..=MOST_ENTRIES).contains(&count) {
        return Ok(());
    }
    let message = format!(
        "1 validation error detected: Value at '{name}' failed to satisfy constraint: Member must have length between \
         1 and {MOST_ENTRIES}, inclusive"
    );
    Err(Failure::new("ValidationException", 400, message))
}
