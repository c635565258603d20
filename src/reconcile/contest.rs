//! Who undoes what we do. An address that is taken off again and again is being reconciled by somebody else; each remap
//! can be charged and breaks connections (AWS.md 2, confirmed), so we wait longer each time instead of flapping, and
//! say with whom we fight. A cache, safe to lose.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::domain::action::Action;
use crate::domain::hint::Origin;
use crate::domain::ids::NetworkInterfaceId;
use crate::domain::report::{ActionReport, Contested};

/// Undone within this time, it counts as undone on account of us.
const SOON: Duration = Duration::from_secs(10 * 60);

/// So often it may be chance or a person's mistake.
const CHANCE: u32 = 3;

/// The first wait; each further one is twice as long.
const FIRST: Duration = Duration::from_secs(30);

/// Nobody should wait longer than this after the other side has given up.
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// What was undone.
#[derive(Default)]
pub(super) struct Contests {
    interfaces: BTreeMap<NetworkInterfaceId, Contest>,
}

struct Contest {
    last: Contested,
    done_at: Instant,
}

impl Contests {
    /// Takes notice of a change that was confirmed: one more on the same interface means that the last was undone.
    pub(super) fn note_done(&mut self, report: &ActionReport, now: Instant) {
        let action = &report.action;
        let before = self.interfaces.remove(&action.network_interface_id);
        let before = before.filter(|contest| now < contest.done_at + SOON + wait(contest.last.times));
        let actor = report.origin.as_ref().map(|Origin { actor, .. }| actor.clone());
        let last = Contested {
            allocation_id: action.allocation_id.clone(),
            network_interface_id: action.network_interface_id.clone(),
            times: before.as_ref().map_or(0, |contest| contest.last.times + 1),
            actor: actor.or(before.and_then(|contest| contest.last.actor)),
        };
        self.interfaces.insert(action.network_interface_id.clone(), Contest { last, done_at: now });
    }

    /// Why the action is not to be tried now, if so.
    pub(super) fn against(&self, action: &Action, now: Instant) -> Option<String> {
        let contest = self.interfaces.get(&action.network_interface_id)?;
        let until = contest.done_at + wait(contest.last.times);
        let left = until.checked_duration_since(now).filter(|left| !left.is_zero())?;
        let by = contest.last.actor.as_deref().unwrap_or("somebody");
        Some(format!(
            "contested: {by} undid it {} times; tried again in {} s",
            contest.last.times,
            left.as_secs() + 1
        ))
    }

    /// When the first wait ends.
    pub(super) fn next(&self, now: Instant) -> Option<Duration> {
        let ends = self.interfaces.values().map(|contest| contest.done_at + wait(contest.last.times));
        ends.filter(|end| *end > now).min().map(|end| end - now)
    }

    /// What is fought over.
    pub(super) fn contested(&mut self, now: Instant) -> Vec<Contested> {
        self.interfaces.retain(|_, contest| now < contest.done_at + SOON + wait(contest.last.times));
        let fought = self.interfaces.values().filter(|contest| contest.last.times >= CHANCE);
        fought.map(|contest| contest.last.clone()).collect()
    }
}

/// How long to wait after what was undone so often.
fn wait(times: u32) -> Duration {
    match times.checked_sub(CHANCE) {
        None => Duration::ZERO,
        Some(further) => FIRST.saturating_mul(1 << further.min(8)).min(LONGEST),
    }
}
