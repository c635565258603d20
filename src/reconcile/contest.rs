//! Who undoes what we do. An address that is taken off again and again is being reconciled by somebody else; each remap
//! can be charged and breaks connections (AWS.md 2, confirmed), so we wait longer each time instead of flapping, and
//! say with whom we fight. A cache, safe to lose.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::domain::action::{Action, ActionKind};
use crate::domain::hint::Origin;
use crate::domain::ids::{AllocationId, NetworkInterfaceId};
use crate::domain::report::{ActionReport, Contested};

/// Undone within this time, it counts as undone on account of us.
const SOON: Duration = Duration::from_secs(10 * 60);

/// So often it may be chance or a person's mistake.
const CHANCE: u32 = 3;

/// The first wait; each further one is twice as long.
const FIRST: Duration = Duration::from_secs(30);

/// Nobody should wait longer than this after the other side has given up.
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// What was undone, by the interface and by the address: somebody may take one address again and again, wherever it is.
#[derive(Default)]
pub(super) struct Contests {
    contests: BTreeMap<Contender, Contest>,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Contender {
    Interface(NetworkInterfaceId),
    Address(AllocationId),
}

struct Contest {
    last: Contested,
    done_at: Instant,
}

impl Contest {
    fn until(&self) -> Instant {
        self.done_at + wait(self.last.times)
    }
}

impl Contests {
    /// Takes notice of a change that was confirmed: one more on the same interface, or of the same address, means that
    /// the last was undone. An address that we moved ourselves was not.
    pub(super) fn note_done(&mut self, report: &ActionReport, now: Instant) {
        let action = &report.action;
        let actor = report.origin.as_ref().map(|Origin { actor, .. }| actor.clone());
        for contender in contenders(action) {
            let is_ours = action.kind == ActionKind::Move && matches!(contender, Contender::Address(_));
            let before = self.contests.remove(&contender);
            let before = before.filter(|contest| !is_ours && now < contest.until() + SOON);
            let last = Contested {
                allocation_id: action.allocation_id.clone(),
                network_interface_id: action.network_interface_id.clone(),
                times: before.as_ref().map_or(0, |contest| contest.last.times + 1),
                actor: actor.clone().or(before.and_then(|contest| contest.last.actor)),
            };
            self.contests.insert(contender, Contest { last, done_at: now });
        }
    }

    /// Why the action is not to be tried now, if so.
    pub(super) fn against(&self, action: &Action, now: Instant) -> Option<String> {
        let contests = contenders(action).into_iter().filter_map(|contender| self.contests.get(&contender));
        let contest = contests.max_by_key(|contest| contest.until())?;
        let left = contest.until().checked_duration_since(now).filter(|left| !left.is_zero())?;
        let by = contest.last.actor.as_deref().unwrap_or("somebody");
        Some(format!(
            "contested: {by} undid it {} times; tried again in {} s",
            contest.last.times,
            left.as_secs() + 1
        ))
    }

    /// Whether this address is taken off again and again.
    pub(super) fn is_fought_over(&self, allocation: &AllocationId) -> bool {
        let contest = self.contests.get(&Contender::Address(allocation.clone()));
        contest.is_some_and(|contest| contest.last.times >= CHANCE)
    }

    /// When the first wait ends.
    pub(super) fn next(&self, now: Instant) -> Option<Duration> {
        let ends = self.contests.values().map(Contest::until);
        ends.filter(|end| *end > now).min().map(|end| end - now)
    }

    /// What is fought over, each address once.
    pub(super) fn contested(&mut self, now: Instant) -> Vec<Contested> {
        self.contests.retain(|_, contest| now < contest.until() + SOON);
        let mut fought: BTreeMap<&AllocationId, &Contested> = BTreeMap::new();
        for Contest { last, .. } in self.contests.values().filter(|contest| contest.last.times >= CHANCE) {
            let known = fought.entry(&last.allocation_id).or_insert(last);
            if last.times > known.times {
                *known = last;
            }
        }
        fought.into_values().cloned().collect()
    }
}

fn contenders(action: &Action) -> [Contender; 2] {
    [
        Contender::Interface(action.network_interface_id.clone()),
        Contender::Address(action.allocation_id.clone()),
    ]
}

/// How long to wait after what was undone so often.
fn wait(times: u32) -> Duration {
    match times.checked_sub(CHANCE) {
        None => Duration::ZERO,
        Some(further) => FIRST.saturating_mul(1 << further.min(8)).min(LONGEST),
    }
}
