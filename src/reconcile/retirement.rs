//! Which interfaces are retired, so that an address may be taken from them (law 12): no version of any function of the
//! account and region uses their pair, by a complete list of all versions, the grace has passed since that was first
//! seen, and every function whose set holds the address was read since and is settled. Asked only when an interface
//! would be served by it, since the list is long. Moves nothing itself; losing what is remembered starts the grace anew
//! (law 8).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

use super::gate::PROOF_HOLDS;
use crate::domain::desired::Desired;
use crate::domain::function::{FunctionObservation, FunctionRef};
use crate::domain::ids::{AllocationId, NetworkInterfaceId, PoolName};
use crate::domain::observed::Observed;
use crate::domain::plan::{Plan, Verdict};
use crate::domain::policy::{Grace, TakeFrom};
use crate::domain::reason::{Warning, WarningKind};
use crate::domain::roster::Roster;

/// So often it is asked whether something still uses the old interfaces, or whether they are gone.
const ASKED_EVERY: Duration = Duration::from_secs(10);

/// What has been waited for as long as this may never come: something goes on using the old interfaces.
const PATIENCE: Duration = Duration::from_secs(15 * 60);

/// How often it is asked then. Within [`UNBROKEN`], so that a grace which begins after all goes on.
const ASKED_RARELY: Duration = Duration::from_secs(45);

/// A list costs a call for each 50 versions, out of 15 a second for all callers of the region (AWS.md 2, confirmed). A
/// long one is asked for so rarely that it costs no more than a call a second.
const VERSIONS_A_SECOND: usize = 50;

/// Within this time of one list nothing came to use an interface and left it again without a trace: no invocation that
/// began meanwhile is cut off, since the shortest grace is as long. Long lists come more rarely, and both grow with that.
const UNBROKEN: Duration = SHORTEST_GRACE;

/// A list that failed is tried again after this.
const TRIED_AGAIN_AFTER: Duration = Duration::from_secs(30);

/// An invocation that began before the switch may go on for the function's timeout; never wait less than this.
const SHORTEST_GRACE: Duration = Duration::from_secs(60);

const GRACE_RUNS: &str = "the functions' timeouts, and at least a minute, must pass after its last use";

/// So many functions in the way are named; the others are counted.
const NAMED_MAX: usize = 5;

/// What is remembered of interfaces without a user.
#[derive(Default)]
pub(super) struct Retirement {
    /// Since when no version was seen to use them, and no function to be changing whose old versions might.
    since: BTreeMap<NetworkInterfaceId, Instant>,
    asked_at: Option<Instant>,
    /// What is waited for, and since when just that.
    wanted: Option<(Vec<(AllocationId, NetworkInterfaceId)>, Instant)>,
    /// When it is worth to ask again, if something waits for it.
    due: Option<Instant>,
    /// Why nothing may be taken yet, for the operator.
    obstacle: Option<String>,
    /// When it was last shown in whole that nothing uses some of them.
    proven_at: Option<Instant>,
}

/// Addresses with the interfaces that they linger on.
pub(super) type Bonds = Vec<(AllocationId, NetworkInterfaceId)>;

/// What a list of all versions shows of interfaces without a user. The functions whose sets hold the addresses must be read
/// for either.
#[derive(Default)]
pub(super) struct Unused {
    /// Their grace may begin.
    fresh: Bonds,
    /// Their grace is over.
    ripe: Bonds,
}

impl Unused {
    pub(super) fn is_empty(&self) -> bool {
        self.fresh.is_empty() && self.ripe.is_empty()
    }
}

impl Retirement {
    /// Takes notice of a plan, and tells whether the versions should be listed now: an interface waits for an address
    /// that lingers on one which nobody declared uses.
    pub(super) fn consider(&mut self, plan: &Plan, desired: &Desired, take_from: TakeFrom) -> bool {
        let now = Instant::now();
        let wanted = wanted(plan, desired);
        if take_from == TakeFrom::Nothing || wanted.is_empty() {
            self.due = None;
            self.obstacle = None;
            self.since.clear();
            self.wanted = None;
            return false;
        }
        if self.wanted.as_ref().is_none_or(|(before, _)| *before != wanted) {
            self.wanted = Some((wanted, now));
        }
        self.due.get_or_insert(now);
        self.next(now).is_some_and(|wait| wait.is_zero())
    }

    /// What was seen has gaps, so that nothing may be taken: that is looked at again, but not at once.
    pub(super) fn postpone(&mut self) {
        let soonest = Instant::now() + ASKED_EVERY;
        self.due = self.due.map(|due| due.max(soonest));
        if self.due.is_some() {
            self.obstacle = Some("not everything could be seen".to_owned());
        }
    }

    /// Takes in a complete list of all versions, and tells what of that which was last considered may be taken as far as that
    /// goes.
    pub(super) fn note(
        &mut self,
        versions: &Roster,
        desired: &Desired,
        observed: &Observed,
        grace: Grace,
    ) -> Unused {
        let Some((wanted, wanted_since)) = self.wanted.clone() else { return Unused::default() };
        let now = Instant::now();
        let length = Duration::from_secs((versions.versions().count() / VERSIONS_A_SECOND) as u64);
        let unbroken = UNBROKEN.max(2 * length);
        let asked_before = self.asked_at.replace(now);
        if asked_before.is_none_or(|asked| now > asked + unbroken) {
            // Something may have used them meanwhile.
            self.since.clear();
        }
        let (mut unused, mut ends, mut in_use) = (Unused::default(), Vec::new(), Vec::new());
        let before = std::mem::take(&mut self.since);
        for (allocation, interface) in wanted {
            let Some(seen) = observed.interfaces.get(&interface) else { continue };
            if !versions.users_of(&seen.pair).is_empty() {
                in_use.push(interface);
                continue;
            }
            let Some(since) = before.get(&seen.id).copied() else {
                unused.fresh.push((allocation, interface));
                continue;
            };
            self.since.insert(interface.clone(), since);
            let grace = wait(grace, &allocation, desired, observed);
            let end = since + if unbroken > UNBROKEN { grace.max(unbroken) } else { grace };
            if end <= now {
                unused.ripe.push((allocation, interface));
            } else {
                ends.push(end);
            }
        }
        let every = if now > wanted_since + PATIENCE { ASKED_RARELY } else { ASKED_EVERY };
        let every = every.max(length);
        let soonest = ends.iter().copied().min();
        self.due = Some(soonest.unwrap_or(now + every).min(now + every));
        self.obstacle = if !ends.is_empty() || !unused.fresh.is_empty() {
            Some(GRACE_RUNS.to_owned())
        } else if in_use.is_empty() {
            None
        } else {
            Some(format!("versions of other functions still use {}", list(&in_use)))
        };
        unused
    }

    /// Tells from which of these interfaces an address may be taken, now that the functions were read. The grace of the
    /// others begins: mid-update the list may show a function by its new configuration alone, while the old one serves and
    /// its invocations go on, so that no time counts which passed before.
    pub(super) fn settled(
        &mut self,
        unused: Unused,
        desired: &Desired,
        observed: &Observed,
    ) -> BTreeSet<NetworkInterfaceId> {
        let is_settled = |(allocation, _): &(AllocationId, NetworkInterfaceId)| {
            unsettled(allocation, desired, observed).next().is_none()
        };
        let (begins, waits): (Bonds, Bonds) = unused.fresh.into_iter().partition(is_settled);
        let (retired, mut held): (Bonds, Bonds) = unused.ripe.into_iter().partition(is_settled);
        let now = Instant::now();
        self.proven_at = Some(now);
        for (_, interface) in begins {
            self.since.insert(interface, now);
        }
        for (_, interface) in &held {
            self.since.remove(interface);
        }
        held.extend(waits);
        let in_the_way: BTreeSet<&FunctionRef> =
            held.iter().flat_map(|(allocation, _)| unsettled(allocation, desired, observed)).collect();
        if !in_the_way.is_empty() {
            let functions: Vec<&FunctionRef> = in_the_way.into_iter().collect();
            let verb = if functions.len() == 1 { "is" } else { "are" };
            self.obstacle = Some(format!("{} {verb} changing, failed or not readable", list(&functions)));
        }
        retired.into_iter().map(|(_, interface)| interface).collect()
    }

    /// Until when an address may be taken by what was last shown.
    pub(super) fn proven_until(&self) -> Option<Instant> {
        self.proven_at.map(|at| at + PROOF_HOLDS)
    }

    /// So many of the functions that hold the addresses are still to be read; that goes on at once.
    pub(super) fn note_unread(&mut self, left: usize, of: usize) {
        self.due = Some(Instant::now());
        self.obstacle = Some(format!("{left} of the {of} functions that hold it are still to be read anew"));
    }

    /// The versions or the functions could not be read: that is tried again, but not at once.
    pub(super) fn note_failure(&mut self, why: &str) {
        self.due = Some(Instant::now() + TRIED_AGAIN_AFTER);
        self.obstacle = Some(why.to_owned());
    }

    /// After how long it is worth to look again.
    pub(super) fn next(&self, now: Instant) -> Option<Duration> {
        let soonest = self.asked_at.map_or(now, |asked| asked + Duration::from_secs(1));
        self.due.map(|due| due.max(soonest).saturating_duration_since(now))
    }

    /// Why an interface waits although an address lingers that could serve it.
    pub(super) fn warning(&self) -> Option<Warning> {
        let why = self.obstacle.as_deref()?;
        let message = format!("an interface waits for an address that lingers on an old one: {why}");
        Some(Warning { kind: WarningKind::TakingWaits, message })
    }
}

/// The functions that must be settled before these addresses are taken.
pub(super) fn holders(unused: &Unused, desired: &Desired) -> BTreeSet<FunctionRef> {
    let holds = |pool: &PoolName| {
        let pool = desired.pools.get(pool);
        let mut bonds = unused.fresh.iter().chain(&unused.ripe);
        pool.is_some_and(|pool| bonds.any(|(allocation, _)| pool.allocations.contains(allocation)))
    };
    let functions = desired.functions.iter().filter(|(_, declared)| holds(&declared.pool));
    functions.map(|(function, _)| function.clone()).collect()
}

fn list<T: std::fmt::Display>(ids: &[T]) -> String {
    let told: Vec<String> = ids.iter().take(NAMED_MAX).map(|id| format!("`{id}`")).collect();
    match ids.len().saturating_sub(NAMED_MAX) {
        0 => told.join(", "),
        more => format!("{} and {more} more", told.join(", ")),
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

/// The functions whose set holds the address, with their configurations.
pub(super) fn holding<'a>(
    allocation: &'a AllocationId,
    desired: &'a Desired,
    observed: &'a Observed,
) -> impl Iterator<Item = (&'a FunctionRef, Option<&'a FunctionObservation>)> {
    let holds = move |pool| desired.pools.get(pool).is_some_and(|pool| pool.allocations.contains(allocation));
    let functions = desired.functions.iter().filter(move |(_, declared)| holds(&declared.pool));
    functions.map(|(function, _)| (function, observed.functions.get(function)))
}

/// Mid-update Lambda shows one configuration and may serve by another, so nobody can tell what is used then.
fn unsettled<'a>(
    allocation: &'a AllocationId,
    desired: &'a Desired,
    observed: &'a Observed,
) -> impl Iterator<Item = &'a FunctionRef> {
    let is_settled = |observation: Option<&FunctionObservation>| match observation {
        Some(FunctionObservation::Known(shown)) => {
            !shown.is_changing() && !shown.is_unsettled() && !shown.has_failed()
        }
        Some(FunctionObservation::NotFound) => true,
        Some(FunctionObservation::Unknown) | None => false,
    };
    holding(allocation, desired, observed)
        .filter(move |(_, observation)| !is_settled(*observation))
        .map(|(function, _)| function)
}

pub(super) fn wait(
    grace: Grace,
    allocation: &AllocationId,
    desired: &Desired,
    observed: &Observed,
) -> Duration {
    match grace {
        Grace::For(duration) => duration,
        Grace::Auto => {
            let timeouts =
                holding(allocation, desired, observed).filter_map(|(_, observation)| match observation {
                    Some(FunctionObservation::Known(shown)) => Some(shown.timeout),
                    _ => None,
                });
            timeouts.max().unwrap_or_default().max(SHORTEST_GRACE)
        }
    }
}
