//! What is removed, and what is left because it is not ours or is used by others too.

use super::arrival::is_trial;
use super::steps::our_target;
use super::{Found, Item, Wiring, is_ours, whose};
use crate::reconcile::ports::wiring::{FoundQueue, WiringCall};

/// What becomes of a part.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fate {
    /// It goes.
    Remove(Vec<WiringCall>),
    /// It is not there.
    Absent,
    /// It stays, and why.
    Leave(String),
}

/// A part and its fate.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Removal {
    /// The part.
    pub item: Item,
    /// Its name.
    pub name: String,
    /// What becomes of it.
    pub fate: Fate,
}

/// Every part, in the order in which they go: what sends before what receives.
#[must_use]
pub fn removals(wiring: &Wiring, found: &Found) -> Vec<Removal> {
    let names = &wiring.names;
    let (target, rule) = rule(wiring, found);
    let fates = [
        (Item::Target, super::TARGET_ID, target),
        (Item::Rule, &names.rule, rule),
        (Item::Queue, &names.queue, queue(found.queue.as_ref())),
        (Item::DeadLetterQueue, &names.dead_letters, queue(found.dead_letters.as_ref())),
    ];
    fates.map(|(item, name, fate)| Removal { item, name: name.to_owned(), fate }).into()
}

fn rule(wiring: &Wiring, found: &Found) -> (Fate, Fate) {
    let Some(rule) = &found.rule else { return (Fate::Absent, Fate::Absent) };
    if !is_ours(&rule.tags) {
        let target = match our_target(wiring, rule) {
            Some(_) => Fate::Leave(format!("of its rule: {}", whose(&rule.tags))),
            None => Fate::Absent,
        };
        return (target, Fate::Leave(whose(&rule.tags)));
    }
    let ours = our_target(wiring, rule).map(|target| &target.id);
    let goes = |id: &String| Some(id) == ours || is_trial(id);
    let ids: Vec<String> = rule.targets.iter().map(|target| target.id.clone()).filter(goes).collect();
    let others: Vec<String> = rule
        .targets
        .iter()
        .filter(|target| !goes(&target.id))
        .map(|target| format!("`{}`", target.id))
        .collect();
    let name = wiring.names.rule.clone();
    let target = match ids.is_empty() {
        true => Fate::Absent,
        false => Fate::Remove(vec![WiringCall::RemoveTargets { rule: name.clone(), ids }]),
    };
    let rule = match others.is_empty() {
        true => Fate::Remove(vec![WiringCall::DeleteRule { name }]),
        false => Fate::Leave(format!("it has other targets: {}", others.join(", "))),
    };
    (target, rule)
}

fn queue(found: Option<&FoundQueue>) -> Fate {
    match found {
        None => Fate::Absent,
        Some(queue) if is_ours(&queue.tags) => {
            Fate::Remove(vec![WiringCall::DeleteQueue { url: queue.url.clone() }])
        }
        Some(queue) => Fate::Leave(whose(&queue.tags)),
    }
}
