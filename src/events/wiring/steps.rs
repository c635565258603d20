//! From what is wanted and what was found to what is to be done, part by part. Refuses to change what it does not own.

use std::collections::BTreeMap;

use serde_json::Value;

use super::policy::{self, Unreadable};
use super::{
    DESCRIPTION, ENABLED, Found, Item, Wiring, dead_letter_attributes, is_ours, pattern, queue_attributes,
    tags, whose,
};
use crate::events::pattern::event_pattern;
use crate::reconcile::ports::wiring::{FoundQueue, FoundRule, RuleTarget, WiringCall};

/// What is to become of a part.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// It is as wanted.
    Keep,
    /// It is not there.
    Create,
    /// It is otherwise, in these ways.
    Alter(Vec<String>),
}

/// A part, and the calls that put it right.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    /// The part.
    pub item: Item,
    /// Its name.
    pub name: String,
    /// What is to become of it.
    pub change: Change,
    /// How, in this order.
    pub calls: Vec<WiringCall>,
    /// Why it may not be changed, when it is not ours and would be.
    pub objection: Option<String>,
}

/// Every part, in the order in which they are made: nothing refers to what comes later. With `adopt`, what is not ours
/// is tagged and put right like the rest.
#[must_use]
pub fn steps(wiring: &Wiring, found: &Found, adopt: bool) -> Vec<Step> {
    let names = &wiring.names;
    let [dead_arn, queue_arn, rule_arn] =
        [wiring.dead_letter_arn(), wiring.queue_arn(), wiring.rule_arn()].map(Value::from);
    let wanted = |pairs: &[(&'static str, Value)]| pairs.iter().cloned().collect();
    let dead = WantedQueue {
        items: [Item::DeadLetterQueue, Item::DeadLetterPolicy],
        name: &names.dead_letters,
        attributes: wanted(&dead_letter_attributes()),
        statement: policy::statement(&dead_arn, &rule_arn),
    };
    let queue = WantedQueue {
        items: [Item::Queue, Item::QueuePolicy],
        name: &names.queue,
        attributes: wanted(&queue_attributes(&dead_arn)),
        statement: policy::statement(&queue_arn, &rule_arn),
    };
    let mut steps = Vec::new();
    steps.extend(dead.steps(found.dead_letters.as_ref(), adopt));
    steps.extend(queue.steps(found.queue.as_ref(), adopt));
    steps.push(rule(wiring, found.rule.as_ref(), adopt));
    steps.push(target(wiring, found.rule.as_ref(), adopt));
    steps
}

struct WantedQueue<'a> {
    items: [Item; 2],
    name: &'a str,
    attributes: BTreeMap<&'static str, Value>,
    statement: Value,
}

impl WantedQueue<'_> {
    fn steps(&self, found: Option<&FoundQueue>, adopt: bool) -> [Step; 2] {
        let Some(found) = found else { return self.create() };
        let wrong = |(name, value): &(&&'static str, &Value)| {
            found.attributes.get(**name).is_none_or(|text| !is_same(value, text))
        };
        let wrong: Vec<_> = self.attributes.iter().filter(wrong).collect();
        let differences = wrong.iter().map(|(name, value)| {
            let now = found.attributes.get(**name).map_or("not set", String::as_str);
            format!("{name} is {now}, wanted {}", text(value))
        });
        let differences: Vec<String> = differences.collect();
        let attributes: BTreeMap<_, _> =
            wrong.iter().map(|(name, value)| ((**name).to_owned(), text(value))).collect();
        let set = |attributes| WiringCall::SetQueueAttributes { url: found.url.clone(), attributes };
        let calls = if attributes.is_empty() { Vec::new() } else { vec![set(attributes)] };
        let mut queue = self.step(0, differences, calls);
        let policy = policy::merged(found.attributes.get("Policy").map(String::as_str), &self.statement);
        let mut policy = match policy {
            Ok(None) => self.step(1, Vec::new(), Vec::new()),
            Ok(Some(policy)) => {
                let missing = "it does not let the rule send".to_owned();
                self.step(1, vec![missing], vec![set([("Policy".to_owned(), policy.to_string())].into())])
            }
            Err(Unreadable) => Step {
                objection: Some("its policy can't be read; hint: remove it".to_owned()),
                ..self.step(1, vec!["it can't be read".to_owned()], Vec::new())
            },
        };
        let tag = WiringCall::TagQueue { url: found.url.clone(), tags: tags() };
        own(&mut [&mut queue, &mut policy], &found.tags, adopt, tag);
        [queue, policy]
    }

    fn create(&self) -> [Step; 2] {
        let policy = policy::document(std::slice::from_ref(&self.statement)).to_string();
        let attributes = self.attributes.iter().map(|(name, value)| ((*name).to_owned(), text(value)));
        let attributes = attributes.chain([("Policy".to_owned(), policy)]).collect();
        let create = WiringCall::CreateQueue { name: self.name.to_owned(), attributes, tags: tags() };
        let step = |at, calls| Step { change: Change::Create, ..self.step(at, Vec::new(), calls) };
        // The queue is made with its policy, in one call.
        [step(0, vec![create]), step(1, Vec::new())]
    }

    fn step(&self, at: usize, differences: Vec<String>, calls: Vec<WiringCall>) -> Step {
        step(self.items[at], self.name, differences, calls)
    }
}

fn step(item: Item, name: &str, differences: Vec<String>, calls: Vec<WiringCall>) -> Step {
    let change = if differences.is_empty() { Change::Keep } else { Change::Alter(differences) };
    Step { item, name: name.to_owned(), change, calls, objection: None }
}

/// What is not ours is tagged when it is adopted; otherwise each change of it is objected to.
fn own(steps: &mut [&mut Step], tags: &BTreeMap<String, String>, adopt: bool, tag: WiringCall) {
    if is_ours(tags) {
        return;
    }
    if adopt {
        let first = &mut *steps[0];
        let note = format!("{}; it is adopted", whose(tags));
        match &mut first.change {
            Change::Alter(differences) => differences.push(note),
            change => *change = Change::Alter(vec![note]),
        }
        first.calls.push(tag);
        return;
    }
    for step in steps.iter_mut().filter(|step| step.change != Change::Keep) {
        step.objection.get_or_insert_with(|| whose(tags));
    }
}

fn rule(wiring: &Wiring, found: Option<&FoundRule>, adopt: bool) -> Step {
    let name = &wiring.names.rule;
    let put = |state: &str, tags| WiringCall::PutRule {
        name: name.clone(),
        pattern: event_pattern(),
        state: state.to_owned(),
        description: DESCRIPTION.to_owned(),
        tags,
    };
    let Some(found) = found else {
        let calls = vec![put(ENABLED[0], tags())];
        return Step { change: Change::Create, ..step(Item::Rule, name, Vec::new(), calls) };
    };
    let mut differences = Vec::new();
    let is_enabled = ENABLED.contains(&found.state.as_str());
    if !is_enabled {
        differences.push(format!("its state is {}, wanted {}", found.state, ENABLED[0]));
    }
    if found.pattern.as_deref().is_none_or(|text| !is_same(&pattern(), text)) {
        differences.push("its event pattern is another".to_owned());
    }
    let state = if is_enabled { &found.state } else { ENABLED[0] };
    let calls = if differences.is_empty() { Vec::new() } else { vec![put(state, BTreeMap::new())] };
    let mut step = step(Item::Rule, name, differences, calls);
    let tag = WiringCall::TagRule { arn: found.arn.clone(), tags: tags() };
    own(&mut [&mut step], &found.tags, adopt, tag);
    step
}

fn target(wiring: &Wiring, rule: Option<&FoundRule>, adopt: bool) -> Step {
    let wanted = wiring.target();
    let found = rule.and_then(|rule| our_target(wiring, rule));
    // Someone who wired it up by hand chose another id; a second target would deliver every event twice.
    let wanted = RuleTarget { id: found.map_or(wanted.id.clone(), |found| found.id.clone()), ..wanted };
    let put = WiringCall::PutTarget { rule: wiring.names.rule.clone(), target: wanted.clone() };
    let mut differences = Vec::new();
    if let Some(found) = found {
        if found.arn != wanted.arn {
            differences.push(format!("it is {}, wanted {}", found.arn, wanted.arn));
        }
        if found.dead_letters != wanted.dead_letters {
            let now = found.dead_letters.as_deref().unwrap_or("not set");
            differences.push(format!("its dead-letter queue is {now}, wanted {}", wiring.dead_letter_arn()));
        }
        if !found.is_plain {
            differences.push("it has a role or changes the event".to_owned());
        }
    }
    let needs = found.is_none() || !differences.is_empty();
    let mut step = step(Item::Target, &wanted.id, differences, if needs { vec![put] } else { Vec::new() });
    if found.is_none() {
        step.change = Change::Create;
    }
    let foreign = rule.filter(|rule| !is_ours(&rule.tags) && !adopt);
    step.objection = foreign.filter(|_| needs).map(|rule| format!("of its rule: {}", whose(&rule.tags)));
    step
}

/// The target that brings the events to the queue.
pub(super) fn our_target<'a>(wiring: &Wiring, rule: &'a FoundRule) -> Option<&'a RuleTarget> {
    let wanted = wiring.target();
    let mut targets = rule.targets.iter();
    targets
        .clone()
        .find(|target| target.id == wanted.id)
        .or_else(|| targets.find(|target| target.arn == wanted.arn))
}

/// As SQS takes an attribute: documents as JSON, numbers in digits.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// SQS shows what was set, and people write numbers in documents as text too.
fn is_same(wanted: &Value, text: &str) -> bool {
    match wanted {
        Value::Object(wanted) => {
            let found: Result<serde_json::Map<String, Value>, _> = serde_json::from_str(text);
            found.is_ok_and(|found| {
                found.len() == wanted.len()
                    && wanted.iter().all(|(name, value)| {
                        let found = found.get(name);
                        let as_text = found.and_then(Value::as_str);
                        found == Some(value) || (value.is_u64() && as_text == Some(&value.to_string()))
                    })
            })
        }
        other => self::text(other) == text,
    }
}
