//! Which changes of state a report amounts to, each told once: what was told before is remembered, target by target, and
//! a process that begins anew tells what it finds uncovered once. What a pass could not see is no change. Pure: reports
//! in, changes out.

use std::collections::{BTreeMap, BTreeSet};

use super::notification::{Change, Functions, Recovery, text};
use crate::domain::action::{ActionKind, Outcome};
use crate::domain::function::FunctionRef;
use crate::domain::ids::{AllocationId, NetworkInterfaceId, PoolName, TargetName};
use crate::domain::observed::InterfaceStatus;
use crate::domain::reason::{Reason, Uncovered, Unservable};
use crate::domain::report::{ActionReport, Coverage, PassResult, Report};

/// So many changes of one kind in one pass are told one by one, the rest in one summary: when a whole pool vanishes, the
/// first interfaces tell the story.
pub const ONE_BY_ONE_MAX: usize = 20;

/// What has been told.
#[derive(Default)]
pub struct Detector {
    targets: BTreeMap<TargetName, Memory>,
}

#[derive(Default)]
struct Memory {
    uncovered: BTreeSet<NetworkInterfaceId>,
    unservable: BTreeSet<FunctionRef>,
    exhausted: BTreeSet<PoolName>,
    contested: BTreeSet<AllocationId>,
    breaker_is_open: bool,
    acting: Acting,
}

/// What was done in the pass under way, and told when it was done.
#[derive(Default)]
struct Acting {
    pass: u64,
    associations: Crowd,
    disassociations: Crowd,
}

/// Changes of one kind in one pass.
#[derive(Default)]
struct Crowd {
    told: usize,
    rest: BTreeMap<&'static str, usize>,
}

impl Crowd {
    /// Whether this one is told by itself.
    fn admits(&mut self, reason: &'static str) -> bool {
        let admits = self.told < ONE_BY_ONE_MAX;
        if admits {
            self.told += 1;
        } else {
            *self.rest.entry(reason).or_default() += 1;
        }
        admits
    }

    fn summary(self, summarised_kind: &'static str) -> Option<Change> {
        let count: usize = self.rest.values().sum();
        let by_reason = self.rest;
        (count > 0).then_some(Change::NotificationsSummarised { summarised_kind, count, by_reason })
    }
}

impl Detector {
    /// What an action that has ended amounts to. One beyond the first [`ONE_BY_ONE_MAX`] of its kind in its pass is told with
    /// the pass's report.
    pub fn action(&mut self, target: &TargetName, pass: u64, report: &ActionReport) -> Option<Change> {
        let ActionReport { action, outcome, origin, .. } = report;
        if *outcome != Outcome::Done || report.found_done {
            return None;
        }
        let acting = &mut self.memory(target).acting;
        if acting.pass != pass {
            *acting = Acting { pass, ..Acting::default() };
        }
        let reason = action.reason.as_str();
        let allocation_id = action.allocation_id.clone();
        let public_ip = action.public_ip;
        let network_interface_id = action.network_interface_id.clone();
        let functions = Functions::of(&action.functions);
        match action.kind {
            ActionKind::Associate | ActionKind::Move | ActionKind::Replace => {
                acting.associations.admits(reason).then(|| Change::AddressAssociated {
                    allocation_id,
                    public_ip,
                    network_interface_id,
                    functions,
                    reason,
                    taken_from: action.from.clone(),
                    replaces: action.replaces.clone(),
                    caused_by: origin.as_ref().map(|origin| text(&origin.actor)),
                })
            }
            ActionKind::Disassociate => {
                acting.disassociations.admits(reason).then_some(Change::AddressDisassociated {
                    allocation_id,
                    public_ip,
                    network_interface_id,
                    functions,
                    reason,
                })
            }
        }
    }

    /// What a pass amounts to, what was told of it already not included.
    pub fn report(&mut self, report: &Report) -> Vec<Change> {
        let mut changes = self.actions_left(&report.target);
        let memory = self.memory(&report.target);
        if report.result != PassResult::Failed {
            let wants = wants(report);
            memory.exhausted(report, &wants, &mut changes);
            memory.uncovered(report, &mut changes);
            memory.recovered(report, &mut changes);
            memory.pools_recovered(report, &wants, &mut changes);
            memory.unservable(report, &mut changes);
            memory.functions_recovered(report, &mut changes);
            memory.contested(report, &mut changes);
            changes.extend(memory.breaker(report));
        }
        changes
    }

    /// The summary of the actions that were not told one by one: what a pass amounts to for one who asked for those
    /// actions and for nothing else.
    pub fn actions_left(&mut self, target: &TargetName) -> Vec<Change> {
        let Acting { associations, disassociations, .. } = std::mem::take(&mut self.memory(target).acting);
        let associations = associations.summary("address_associated");
        associations.into_iter().chain(disassociations.summary("address_disassociated")).collect()
    }

    /// Forgets what was told of a target.
    pub fn forget(&mut self, target: &TargetName) {
        self.targets.remove(target);
    }

    fn memory(&mut self, target: &TargetName) -> &mut Memory {
        self.targets.entry(target.clone()).or_default()
    }
}

/// Whether it is not known how the interface stands: its addresses can't be read, or reads do not agree yet.
fn is_unknown(uncovered: &Uncovered) -> bool {
    matches!(uncovered.reason, Reason::ObservationIncomplete | Reason::Settling(..))
}

/// How the uncovered interfaces of a pool stand.
#[derive(Clone, Copy, Default)]
struct Want {
    /// How many wait for an address of it.
    waiting: usize,
    /// Whether it is not known of some.
    is_unclear: bool,
}

fn wants(report: &Report) -> BTreeMap<&PoolName, Want> {
    let mut wants: BTreeMap<&PoolName, Want> = BTreeMap::new();
    for one in &report.uncovered {
        let want = wants.entry(&one.pool).or_default();
        want.waiting += usize::from(one.reason.is_want_of_addresses());
        want.is_unclear |= is_unknown(one);
    }
    wants
}

impl Memory {
    /// How many are planned may differ from pass to pass; that none is made is told once.
    fn breaker(&mut self, report: &Report) -> Option<Change> {
        let was_open = std::mem::replace(&mut self.breaker_is_open, report.breaker.is_some());
        match report.breaker {
            Some(breaker) if !was_open => Some(Change::BreakerOpened {
                planned: breaker.planned,
                allowed: breaker.left(),
                message: text(&breaker.to_string()),
            }),
            None if was_open => Some(Change::BreakerClosed {}),
            _ => None,
        }
    }

    fn uncovered(&mut self, report: &Report, changes: &mut Vec<Change>) {
        let mut crowd = Crowd::default();
        for uncovered in report.uncovered.iter().filter(|one| !is_unknown(one)) {
            let Uncovered { network_interface_id, functions, pool, reason, cause } = uncovered;
            let is_news = self.uncovered.insert(network_interface_id.clone());
            if is_news && crowd.admits(reason.code()) {
                changes.push(Change::NetworkInterfaceUncovered {
                    network_interface_id: network_interface_id.clone(),
                    functions: Functions::of(functions),
                    pool: pool.clone(),
                    reason: reason.code(),
                    message: text(&reason.to_string()),
                    caused_by: cause.as_ref().map(|origin| text(&origin.actor)),
                });
            }
        }
        changes.extend(crowd.summary("network_interface_uncovered"));
    }

    fn recovered(&mut self, report: &Report, changes: &mut Vec<Change>) {
        if self.uncovered.is_empty() {
            return;
        }
        let still: BTreeSet<_> = report.uncovered.iter().map(|one| &one.network_interface_id).collect();
        let serving: BTreeMap<_, _> = report
            .plan
            .interfaces
            .iter()
            .map(|interface| (&interface.network_interface_id, interface.status == InterfaceStatus::InUse))
            .collect();
        let mut crowd = Crowd::default();
        self.uncovered.retain(|interface| {
            let outcome = match serving.get(interface) {
                _ if still.contains(interface) => return true,
                None if report.coverage() == Coverage::Unknown => return true,
                Some(true) => Recovery::Covered,
                Some(false) | None => Recovery::Obsolete,
            };
            if crowd.admits(outcome.as_str()) {
                let network_interface_id = interface.clone();
                changes.push(Change::NetworkInterfaceRecovered { network_interface_id, outcome });
            }
            false
        });
        changes.extend(crowd.summary("network_interface_recovered"));
    }

    fn unservable(&mut self, report: &Report, changes: &mut Vec<Change>) {
        let mut crowd = Crowd::default();
        for Unservable { function, warning } in &report.unservable {
            let reason = warning.kind.as_str();
            if self.unservable.insert(function.clone()) && crowd.admits(reason) {
                let (function, message) = (function.clone(), text(&warning.message));
                changes.push(Change::FunctionUnservable { function, reason, message });
            }
        }
        changes.extend(crowd.summary("function_unservable"));
    }

    fn functions_recovered(&mut self, report: &Report, changes: &mut Vec<Change>) {
        let is_blind = report.coverage() == Coverage::Unknown;
        let still: BTreeSet<&FunctionRef> = report.unservable.iter().map(|one| &one.function).collect();
        let mut crowd = Crowd::default();
        self.unservable.retain(|function| {
            // A function that left the configuration has no state to tell of.
            let is_declared = report.desired.functions.contains_key(function);
            let stays = still.contains(function) || (is_declared && is_blind);
            if !stays && is_declared && crowd.admits("recovered") {
                changes.push(Change::FunctionRecovered { function: function.clone() });
            }
            stays
        });
        changes.extend(crowd.summary("function_recovered"));
    }

    fn exhausted(&mut self, report: &Report, wants: &BTreeMap<&PoolName, Want>, changes: &mut Vec<Change>) {
        let mut crowd = Crowd::default();
        for (pool, Want { waiting, .. }) in wants.iter().filter(|(_, want)| want.waiting > 0) {
            if self.exhausted.insert((*pool).clone()) && crowd.admits("no_free_address") {
                changes.push(Change::PoolExhausted {
                    pool: (*pool).clone(),
                    waiting: *waiting,
                    shortfall: report.plan.pools.get(*pool).map_or(0, |figures| figures.shortfall),
                });
            }
        }
        changes.extend(crowd.summary("pool_exhausted"));
    }

    fn pools_recovered(
        &mut self,
        report: &Report,
        wants: &BTreeMap<&PoolName, Want>,
        changes: &mut Vec<Change>,
    ) {
        let is_blind = report.coverage() == Coverage::Unknown;
        let mut crowd = Crowd::default();
        self.exhausted.retain(|pool| {
            // A pool that left the configuration has no state to tell of.
            let is_declared = report.plan.pools.contains_key(pool);
            let Want { waiting, is_unclear } = wants.get(pool).copied().unwrap_or_default();
            let stays = is_declared && (waiting > 0 || is_unclear || is_blind);
            if !stays && is_declared && crowd.admits("covered") {
                changes.push(Change::PoolRecovered { pool: pool.clone() });
            }
            stays
        });
        changes.extend(crowd.summary("pool_recovered"));
    }

    fn contested(&mut self, report: &Report, changes: &mut Vec<Change>) {
        let mut begun = Crowd::default();
        for one in &report.contested {
            if self.contested.insert(one.allocation_id.clone()) && begun.admits("contested") {
                changes.push(Change::AddressContested {
                    allocation_id: one.allocation_id.clone(),
                    public_ip: one.public_ip,
                    network_interface_id: one.network_interface_id.clone(),
                    times: one.times,
                    contested_by: one.actor.as_deref().map(text),
                });
            }
        }
        changes.extend(begun.summary("address_contested"));
        let mut ended = Crowd::default();
        self.contested.retain(|allocation| {
            let goes_on = report.contested.iter().any(|one| one.allocation_id == *allocation);
            if !goes_on && ended.admits("ended") {
                changes.push(Change::AddressContestEnded { allocation_id: allocation.clone() });
            }
            goes_on
        });
        changes.extend(ended.summary("address_contest_ended"));
    }
}
