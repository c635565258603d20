//! Which interfaces are retired, so that an address may be taken from them (law 12): no version of any function of the
//! account and region uses their pair, by a complete list of all versions, and the grace has passed since that was
//! first seen. Asked only when an interface would be served by it, since the list is long. Moves nothing itself; losing
//! what is remembered starts the grace anew (law 8).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

use crate::domain::desired::Desired;
use crate::domain::function::{FunctionObservation, FunctionRef};
use crate::domain::ids::{AllocationId, NetworkInterfaceId, PoolName};
use crate::domain::observed::{Interface, Observed};
use crate::domain::plan::{Plan, Verdict};
use crate::domain::policy::{Grace, TakeFrom};
use crate::domain::roster::Roster;

/// The list of all versions costs a call for each 50 of them, out of 15 a second for all callers of the region.
const ASKED_EVERY: Duration = Duration::from_secs(20);

/// An invocation that began before the switch may go on for the function's timeout; never wait less than this.
const SHORTEST_GRACE: Duration = Duration::from_secs(60);

/// What is remembered of interfaces without a user.
#[derive(Default)]
pub(super) struct Retirement {
    /// Since when no version was seen to use them.
    since: BTreeMap<NetworkInterfaceId, Instant>,
    asked_at: Option<Instant>,
    /// When it is worth to ask again, if something waits for it.
    due: Option<Instant>,
}

impl Retirement {
    /// Takes notice of a plan, and tells whether the versions should be listed now: an interface waits for an address
    /// that lingers on one which nobody declared uses.
    pub(super) fn consider(&mut self, plan: &Plan, desired: &Desired, take_from: TakeFrom) -> bool {
        let now = Instant::now();
        if take_from == TakeFrom::Nothing || wanted(plan, desired).is_empty() {
            self.due = None;
            self.since.clear();
            return false;
        }
        let due = *self.due.get_or_insert(now);
        now >= due.max(self.asked_at.map_or(now, |asked| asked + Duration::from_secs(1)))
    }

    /// What was seen has gaps, so that nothing may be taken: that is looked at again, but not at once.
    pub(super) fn postpone(&mut self) {
        let soonest = Instant::now() + ASKED_EVERY;
        self.due = self.due.map(|due| due.max(soonest));
    }

    /// The functions that must be settled before anything is taken.
    pub(super) fn holders(&self, plan: &Plan, desired: &Desired) -> BTreeSet<FunctionRef> {
        let wanted = wanted(plan, desired);
        let holds = |pool: &PoolName| {
            let pool = desired.pools.get(pool);
            pool.is_some_and(|pool| {
                wanted.iter().any(|(allocation, _)| pool.allocations.contains(allocation))
            })
        };
        let functions = desired.functions.iter().filter(|(_, declared)| holds(&declared.pool));
        functions.map(|(function, _)| function.clone()).collect()
    }

    /// Takes in a complete list of all versions, and tells which interfaces an address may be taken from.
    pub(super) fn note(
        &mut self,
        versions: &Roster,
        plan: &Plan,
        desired: &Desired,
        observed: &Observed,
        grace: Grace,
    ) -> BTreeSet<NetworkInterfaceId> {
        let now = Instant::now();
        let asked_before = self.asked_at.replace(now);
        if asked_before.is_none_or(|asked| now > asked + ASKED_EVERY * 3) {
            // Something may have used them meanwhile.
            self.since.clear();
        }
        let mut retired = BTreeSet::new();
        let mut ends = Vec::new();
        let before = std::mem::take(&mut self.since);
        for (allocation, interface) in wanted(plan, desired) {
            let is_unused = |seen: &&Interface| versions.users_of(&seen.pair).is_empty();
            let Some(seen) = observed.interfaces.get(&interface).filter(is_unused) else {
                continue;
            };
            let since = before.get(&seen.id).copied().unwrap_or(now);
            self.since.insert(interface.clone(), since);
            let end = since + wait(grace, &allocation, desired, observed);
            if is_settled(&allocation, desired, observed) && end <= now {
                retired.insert(interface);
            } else {
                ends.push(end);
            }
        }
        let soonest = ends.into_iter().filter(|end| *end > now).min();
        self.due = Some(soonest.unwrap_or(now + ASKED_EVERY).min(now + ASKED_EVERY));
        retired
    }

    /// The versions could not be listed: that is tried again, but not at once.
    pub(super) fn note_failure(&mut self) {
        self.due = Some(Instant::now() + ASKED_EVERY * 3);
    }

    /// After how long it is worth to look again.
    pub(super) fn next(&self, now: Instant) -> Option<Duration> {
        self.due.map(|due| due.saturating_duration_since(now))
    }
}

/// The lingering addresses that would serve an interface which is in use and has none.
fn wanted(plan: &Plan, desired: &Desired) -> Vec<(AllocationId, NetworkInterfaceId)> {
    let short = plan.required().filter_map(|interface| match &interface.verdict {
        Verdict::Uncovered(reason) if reason.is_want_of_addresses() => Some(&interface.pool),
        _ => None,
    });
    let short: BTreeSet<&PoolName> = short.collect();
    let lies_in_short_pool = |allocation: &AllocationId| {
        let pools = short.iter().filter_map(|name| desired.pools.get(*name));
        pools.into_iter().any(|pool| pool.allocations.contains(allocation))
    };
    let lingering = plan.lingering.iter().filter(|(allocation, _)| lies_in_short_pool(allocation));
    lingering.cloned().collect()
}

/// The configurations of the functions whose set holds the address.
fn holders<'a>(
    allocation: &'a AllocationId,
    desired: &'a Desired,
    observed: &'a Observed,
) -> impl Iterator<Item = Option<&'a FunctionObservation>> {
    let holds = move |pool| desired.pools.get(pool).is_some_and(|pool| pool.allocations.contains(allocation));
    let functions = desired.functions.iter().filter(move |(_, declared)| holds(&declared.pool));
    functions.map(|(function, _)| observed.functions.get(function))
}

/// Mid-update Lambda shows one configuration and may serve by another, so nobody can tell what is used then.
fn is_settled(allocation: &AllocationId, desired: &Desired, observed: &Observed) -> bool {
    holders(allocation, desired, observed).all(|observation| match observation {
        Some(FunctionObservation::Known(shown)) => {
            !shown.is_changing() && !shown.is_unsettled() && !shown.has_failed()
        }
        Some(FunctionObservation::NotFound) => true,
        Some(FunctionObservation::Unknown) | None => false,
    })
}

fn wait(grace: Grace, allocation: &AllocationId, desired: &Desired, observed: &Observed) -> Duration {
    match grace {
        Grace::For(duration) => duration,
        Grace::Auto => {
            let timeouts =
                holders(allocation, desired, observed).filter_map(|observation| match observation {
                    Some(FunctionObservation::Known(shown)) => Some(shown.timeout),
                    _ => None,
                });
            timeouts.max().unwrap_or_default().max(SHORTEST_GRACE)
        }
    }
}
