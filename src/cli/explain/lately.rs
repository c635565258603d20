//! What a running daemon remembers of a subject: the latest changes and events, and with whom it fights. Picks them out
//! of an answer; asks nobody.

use std::collections::BTreeSet;

use serde::Serialize;

use super::super::status::answer::StatusAnswer;
use super::super::status::lately::{Change, Contested, Event};
use crate::domain::explain::Story;
use crate::domain::ids::TargetName;

/// What happened lately.
#[derive(Debug, Default, Serialize)]
pub(super) struct Lately {
    /// Where the daemon was asked.
    pub(super) url: String,
    /// Why it told nothing, if so.
    pub(super) trouble: Option<String>,
    /// The newest first.
    pub(super) changes: Vec<Change>,
    /// The newest first.
    pub(super) events: Vec<Event>,
    /// Who undoes what again and again.
    pub(super) contested: Vec<Contested>,
}

/// The names by which a subject appears in what happened.
#[derive(Default)]
struct Names {
    targets: BTreeSet<String>,
    ids: BTreeSet<String>,
    functions: BTreeSet<String>,
}

impl Lately {
    /// What concerns these stories.
    pub(super) fn of(url: String, answer: &StatusAnswer, stories: &[(&TargetName, &Story)]) -> Self {
        let names = Names::of(stories);
        let mut changes: Vec<Change> =
            answer.changes().filter(|change| names.include_change(change)).collect();
        changes.sort_by_key(|change| std::cmp::Reverse(change.at));
        let mut events: Vec<Event> = answer.events().filter(|event| names.include_event(event)).collect();
        events.sort_by_key(|event| std::cmp::Reverse(event.at));
        let contested = answer.targets.iter().filter(|target| names.targets.contains(&target.target));
        let contested = contested
            .flat_map(|target| target.contested())
            .filter(|one| names.has(&one.allocation_id) || names.has(&one.network_interface_id));
        Self { url, trouble: None, contested: contested.collect(), changes, events }
    }
}

impl Names {
    fn of(stories: &[(&TargetName, &Story)]) -> Self {
        let mut names = Self::default();
        for (target, story) in stories {
            names.targets.insert(target.to_string());
            match story {
                Story::Function(story) => {
                    names.functions.insert(story.function.to_string());
                    let interfaces = story.places.iter().flat_map(|place| &place.interfaces);
                    names.ids.extend(interfaces.map(|served| served.network_interface_id.to_string()));
                }
                Story::Interface(story) => {
                    names.ids.insert(story.network_interface_id.to_string());
                    let carried = story.carries.iter().filter_map(|carried| carried.allocation_id.as_ref());
                    names.ids.extend(carried.map(ToString::to_string));
                }
                Story::Address(story) => {
                    names.ids.extend(story.allocation_id.iter().map(ToString::to_string));
                    names.ids.extend(story.public_ip.iter().map(ToString::to_string));
                }
            }
        }
        names
    }

    fn has(&self, id: &str) -> bool {
        self.ids.contains(id)
    }

    fn has_any<'a>(&self, ids: impl IntoIterator<Item = &'a Option<String>>) -> bool {
        ids.into_iter().flatten().any(|id| self.has(id))
    }

    fn is_here(&self, target: Option<&str>) -> bool {
        target.is_none_or(|target| self.targets.contains(target))
    }

    fn include_change(&self, change: &Change) -> bool {
        let by_id = self.has(&change.network_interface_id)
            || self.has(&change.allocation_id)
            || self.has_any([&change.from, &change.public_ip]);
        let by_function = change.functions.iter().any(|function| self.functions.contains(function));
        self.is_here(change.target.as_deref()) && (by_id || by_function)
    }

    fn include_event(&self, event: &Event) -> bool {
        let by_id = self.has_any([&event.allocation_id, &event.public_ip, &event.network_interface_id]);
        let unqualified = |function: &str| function.split(':').next().unwrap_or_default().to_owned();
        let by_function =
            event.function.as_deref().map(unqualified).is_some_and(|changed| {
                self.functions.iter().any(|function| unqualified(function) == changed)
            });
        self.is_here(event.target.as_deref()) && (by_id || by_function)
    }
}
