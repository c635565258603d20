//! What has left the configuration, and whether it may leave its interface: addresses that an earlier configuration of
//! this process declared, and interfaces that no declared function uses any more though other functions do. An address
//! is taken off only by a complete list of all versions, none of which belongs to a declared function, when no function
//! that may have it is being changed, and the grace has passed. In every doubt it stays. Takes nothing off itself; what is
//! remembered is safe to lose (law 8): a process that begins anew knows of no earlier configuration.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

use super::retirement::{holding, wait};
use crate::domain::desired::Desired;
use crate::domain::function::{FunctionObservation, FunctionRef};
use crate::domain::ids::{AllocationId, NetworkInterfaceId};
use crate::domain::observed::Observed;
use crate::domain::plan::Plan;
use crate::domain::policy::{Grace, OnRemoved};
use crate::domain::roster::Roster;

/// The list of all versions costs a call for each 50 of them: so often while something is about to be taken off.
const ASKED_EVERY: Duration = Duration::from_secs(60);

/// And so often while there is only something that stays in doubt.
const ASKED_RARELY: Duration = Duration::from_secs(10 * 60);

/// An address with the interface that it may leave.
type Bond = (AllocationId, NetworkInterfaceId);

/// What is remembered of what has left.
#[derive(Default)]
pub(super) struct Removals {
    declared: BTreeSet<AllocationId>,
    former: BTreeSet<AllocationId>,
    /// Since when no declared function was seen to need them.
    since: BTreeMap<Bond, Instant>,
    /// What the last list of versions leaves free to go.
    unneeded: BTreeSet<Bond>,
    due: Option<Instant>,
    /// Whether a grace runs.
    waits: bool,
}

impl Removals {
    /// What was declared and may be no more: by other orders than before, everything.
    pub(super) fn in_question(&self, are_same_orders: bool) -> BTreeSet<AllocationId> {
        let declared = self.declared.iter().filter(|_| !are_same_orders);
        declared.chain(&self.former).cloned().collect()
    }

    /// Takes notice of what is declared now.
    pub(super) fn note_declared(&mut self, desired: &Desired) {
        let now = desired.allocations();
        let left = std::mem::take(&mut self.declared).into_iter().filter(|id| !now.contains(id));
        self.former.extend(left);
        self.former.retain(|id| !now.contains(id));
        self.declared = now;
    }

    /// Forgets the former addresses that are on no interface of ours any more, and tells the others.
    pub(super) fn former(&mut self, observed: &Observed) -> BTreeSet<AllocationId> {
        if observed.is_complete() {
            self.former.retain(|id| on_ours(id, observed).is_some());
        }
        self.former.clone()
    }

    /// Takes notice of a plan, and tells whether the versions should be listed now.
    pub(super) fn consider(&mut self, plan: &Plan, observed: &Observed, on_removed: OnRemoved) -> bool {
        let candidates = candidates(plan, observed);
        if on_removed == OnRemoved::Keep || candidates.is_empty() {
            *self = Self {
                declared: std::mem::take(&mut self.declared),
                former: std::mem::take(&mut self.former),
                ..Self::default()
            };
            return false;
        }
        self.unneeded.retain(|bond| candidates.contains(bond));
        let now = Instant::now();
        let is_news = candidates.iter().any(|bond| !self.since.contains_key(bond));
        is_news || now >= *self.due.get_or_insert(now)
    }

    /// The declared functions that must be settled before anything is taken off.
    pub(super) fn holders(plan: &Plan, desired: &Desired, observed: &Observed) -> BTreeSet<FunctionRef> {
        let candidates = candidates(plan, observed);
        let holds = |pool| {
            let pool = desired.pools.get(pool);
            pool.is_some_and(|pool| candidates.iter().any(|(id, _)| pool.allocations.contains(id)))
        };
        let functions = desired.functions.iter().filter(|(_, declared)| holds(&declared.pool));
        functions.map(|(function, _)| function.clone()).collect()
    }

    /// Takes in a complete list of all versions.
    pub(super) fn note(
        &mut self,
        versions: &Roster,
        plan: &Plan,
        desired: &Desired,
        observed: &Observed,
        grace: Grace,
    ) {
        let now = Instant::now();
        let names: BTreeSet<&str> = desired.functions.keys().map(FunctionRef::name).collect();
        let before = std::mem::take(&mut self.since);
        self.unneeded.clear();
        let mut ends = Vec::new();
        for bond in candidates(plan, observed) {
            let (allocation, interface) = &bond;
            let since = before.get(&bond).copied().unwrap_or(now);
            let end = since + wait(grace, allocation, desired, observed);
            let pair = &observed.interfaces[interface].pair;
            let users = versions.users_of(pair);
            // Nothing at all uses a retired interface, which Lambda removes by itself.
            let is_released = !users.is_empty() && users.iter().all(|user| !names.contains(user.name()));
            if !is_released {
                self.since.insert(bond, now);
                continue;
            }
            self.since.insert(bond.clone(), since);
            if end > now {
                ends.push(end);
            } else if is_settled(allocation, desired, observed) {
                self.unneeded.insert(bond);
            }
        }
        self.waits = !ends.is_empty();
        let again = if self.unneeded.is_empty() { ASKED_RARELY } else { ASKED_EVERY };
        self.due = ends.into_iter().chain([now + again]).min();
    }

    /// The versions could not be listed: nothing may go until they can be.
    pub(super) fn note_failure(&mut self) {
        self.unneeded.clear();
        self.waits = false;
        self.due = Some(Instant::now() + ASKED_EVERY);
    }

    /// What may be taken off now.
    pub(super) fn unneeded(&self) -> BTreeMap<AllocationId, NetworkInterfaceId> {
        self.unneeded.iter().cloned().collect()
    }

    /// After how long it is worth to look again.
    pub(super) fn next(&self, now: Instant) -> Option<Duration> {
        self.due.filter(|_| self.waits).map(|due| due.saturating_duration_since(now))
    }
}

/// The interface of ours that an address is on.
fn on_ours<'a>(allocation: &AllocationId, observed: &'a Observed) -> Option<&'a NetworkInterfaceId> {
    let association = observed.addresses.get(allocation)?.association.as_ref()?;
    let interface = observed.interfaces.get(association.interface.as_ref()?)?;
    (interface.owner == observed.account).then_some(&interface.id)
}

/// The addresses, declared or formerly so, on interfaces of ours that no declared function uses.
fn candidates(plan: &Plan, observed: &Observed) -> BTreeSet<Bond> {
    let used: BTreeSet<_> = plan.interfaces.iter().map(|used| &used.network_interface_id).collect();
    let declared = plan.lingering.iter().map(|(allocation, _)| allocation);
    let all = declared.chain(&observed.leave.former).filter_map(|allocation| {
        let interface = on_ours(allocation, observed).filter(|interface| !used.contains(interface))?;
        Some((allocation.clone(), interface.clone()))
    });
    all.collect()
}

fn is_settled(allocation: &AllocationId, desired: &Desired, observed: &Observed) -> bool {
    holding(allocation, desired, observed).all(|(function, observation)| match observation {
        Some(FunctionObservation::Known(shown)) => shown.is_settled(function),
        Some(FunctionObservation::NotFound) => true,
        Some(FunctionObservation::Unknown) | None => false,
    })
}
