//! Who undoes what we do. An address that is taken off again and again is being reconciled by somebody else; each remap
//! can be charged and breaks connections (AWS.md 2, confirmed), so we wait longer each time instead of flapping, and
//! say with whom we fight. A cache, safe to lose.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::domain::action::{Action, ActionKind, Outcome};
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
    left: Left,
    /// Whether a read showed it so.
    is_seen: bool,
}

/// How our last change left a contender: the interface with this address, the address on this interface, or either bare.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Left {
    With(AllocationId),
    On(NetworkInterfaceId),
    Bare,
}

impl Contest {
    fn until(&self) -> Instant {
        self.done_at + wait(self.last.times)
    }
}

impl Contests {
    /// Takes notice of a change that AWS carried out. Where it found an interface or an address otherwise than the last
    /// change had left it, that was undone; by whatever took an interface away nothing was undone, for what it carried was
    /// freed with it (AWS.md 2, believed).
    pub(super) fn note_done(
        &mut self,
        report: &ActionReport,
        exists: impl Fn(&NetworkInterfaceId) -> bool,
        now: Instant,
    ) {
        let action = &report.action;
        let actor = report.origin.as_ref().map(|Origin { actor, .. }| actor.clone());
        let is_seen = report.outcome == Outcome::Done;
        for (contender, found, left) in contenders(action) {
            let before = self.contests.remove(&contender).filter(|contest| now < contest.until() + SOON);
            // What no read ever showed may not have come to pass for them yet, unless somebody's act on it is told.
            let is_undone = |contest: &Contest| {
                let was_there = match &contest.left {
                    Left::On(interface) => action.kind != ActionKind::Move && exists(interface),
                    Left::With(_) | Left::Bare => true,
                };
                was_there && contest.left != found && (contest.is_seen || actor.is_some())
            };
            let last = Contested {
                allocation_id: action.allocation_id.clone(),
                public_ip: action.public_ip,
                network_interface_id: action.network_interface_id.clone(),
                times: before
                    .as_ref()
                    .map_or(0, |contest| contest.last.times + u32::from(is_undone(contest))),
                actor: actor.clone().or(before.and_then(|contest| contest.last.actor)),
            };
            self.contests.insert(contender, Contest { last, done_at: now, left, is_seen });
        }
        let bereft = action.from.clone().map(Contender::Interface);
        let removed = action.replaces.clone().map(Contender::Address);
        for contender in bereft.into_iter().chain(removed) {
            if let Some(contest) = self.contests.get_mut(&contender) {
                contest.left = Left::Bare;
            }
        }
    }

    /// A read shows what an action did.
    pub(super) fn note_seen(&mut self, action: &Action) {
        for (contender, _, left) in contenders(action) {
            if let Some(contest) = self.contests.get_mut(&contender).filter(|contest| contest.left == left) {
                contest.is_seen = true;
            }
        }
    }

    /// Why the action is not to be tried now, if so.
    pub(super) fn against(&self, action: &Action, now: Instant) -> Option<String> {
        let contests = contenders(action);
        let contests = contests.iter().filter_map(|(contender, ..)| self.contests.get(contender));
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

/// What an action is about, how it finds each, and how it leaves it.
fn contenders(action: &Action) -> [(Contender, Left, Left); 2] {
    let (interface, address) = (action.network_interface_id.clone(), action.allocation_id.clone());
    let with = |address: &AllocationId| Left::With(address.clone());
    let on = |interface: &NetworkInterfaceId| Left::On(interface.clone());
    let interface_found = action.takes_off().map_or(Left::Bare, with);
    let interface_left = action.gives().map_or(Left::Bare, with);
    let (address_found, address_left) = match action.kind {
        ActionKind::Associate | ActionKind::Replace => (Left::Bare, on(&interface)),
        ActionKind::Move => (action.from.as_ref().map_or(Left::Bare, on), on(&interface)),
        ActionKind::Disassociate => (on(&interface), Left::Bare),
    };
    [
        (Contender::Interface(interface), interface_found, interface_left),
        (Contender::Address(address), address_found, address_left),
    ]
}

/// How long to wait after what was undone so often.
fn wait(times: u32) -> Duration {
    match times.checked_sub(CHANCE) {
        None => Duration::ZERO,
        Some(further) => FIRST.saturating_mul(1 << further.min(8)).min(LONGEST),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::domain::scenario::{associate, eni};
    use crate::reconcile::act::planned;

    /// How often the interface counts as undone after these associations of one address with it, a minute apart.
    fn undone(reports: &[ActionReport], exists: bool) -> u32 {
        let (mut contests, mut now) = (Contests::default(), Instant::now());
        for report in reports {
            contests.note_done(report, |_| exists, now);
            now += Duration::from_secs(60);
        }
        contests.contests.values().map(|contest| contest.last.times).max().unwrap_or(0)
    }

    fn given(outcome: Outcome, interface: u32) -> ActionReport {
        ActionReport { outcome, ..planned(&associate(1, interface, &["f"])) }
    }

    #[test]
    fn what_was_seen_and_is_given_again_was_undone() {
        let seen = || given(Outcome::Done, 1);
        assert_eq!(undone(&[seen(), seen(), seen()], true), 2);
        assert_eq!(
            undone(&[seen(), given(Outcome::Done, 2), given(Outcome::Done, 3)], true),
            2,
            "the address"
        );
        assert_eq!(
            undone(&[seen(), given(Outcome::Done, 2), given(Outcome::Done, 3)], false),
            0,
            "it went with them"
        );
    }

    #[test]
    fn what_no_read_showed_was_undone_only_where_somebodys_act_is_told() {
        let accepted = || given(Outcome::Failed, 1);
        assert_eq!(undone(&[accepted(), accepted(), accepted()], true), 0);
        let origin = Some(Origin { at: Timestamp::UNIX_EPOCH, actor: "somebody".to_owned() });
        let told = || ActionReport { origin: origin.clone(), ..accepted() };
        assert_eq!(undone(&[accepted(), told(), told()], true), 2);
    }

    #[test]
    fn what_we_took_away_ourselves_was_undone_by_nobody() {
        let mut moved = given(Outcome::Done, 2);
        moved.action.kind = ActionKind::Move;
        moved.action.from = Some(eni(1));
        assert_eq!(
            undone(&[given(Outcome::Done, 1), moved, given(Outcome::Done, 1)], true),
            1,
            "the last alone"
        );
    }
}
