//! The laws that hold at every moment, whatever the weather, one by one. Half of them the simulator watches itself
//! (`tests/sim/src/world/laws.rs`: 1, 2, 4, 12); the rest is judged here, from the journal of calls, from what the file said
//! when, and from the daemons' reports. How each process conducts itself is `conduct`'s (3, 7, 10, 11), settled estates are
//! judged in `oracle` (8, 9, 11), and law 10 besides by how long a process takes to end (`process`).

use std::collections::BTreeSet;
use std::time::Duration;

use eipd::domain::action::{ActionKind, Outcome};
use eipd::domain::policy::DisruptionBudget;
use eipd::domain::reason::WarningKind;
use eipd::domain::report::{PassResult, Report};
use eipd_sim::{Ending, Entry, Moment, Sim, Violation, ViolationKind};

use super::conduct::Conduct;
use super::estate::Estate;

/// What was begun by orders that were replaced since may end within this.
const OLD_ORDERS_END: Duration = Duration::from_secs(20);

/// From what a pass sees to its last change.
const PASS: Duration = Duration::from_secs(60);

/// What the file said from a moment on.
struct Snapshot {
    since: Moment,
    allocations: BTreeSet<String>,
    observes: bool,
    takes_off: bool,
}

/// What is remembered of a story.
pub struct Watch {
    /// How far reads lag behind at most.
    lag: Duration,
    snapshots: Vec<Snapshot>,
    /// What tags ever selected: it may be let go late (law 7).
    tagged: BTreeSet<String>,
    /// When processes began anew, who know nothing of what was done before.
    replaced: Vec<Moment>,
    conduct: Conduct,
}

impl Watch {
    pub fn begin(estate: &Estate, lag: Duration) -> Self {
        let (snapshots, tagged, replaced) = (Vec::new(), BTreeSet::new(), Vec::new());
        let mut watch = Self { lag, snapshots, tagged, replaced, conduct: Conduct::begin(lag) };
        watch.look(estate);
        watch
    }

    /// Takes notice of what the file says now.
    pub fn look(&mut self, estate: &Estate) {
        let since = estate.sim.now();
        let pools = estate.file.pools.values();
        let allocations = pools.flat_map(|pool| pool.listed.iter().cloned()).collect();
        let (observes, takes_off) = (estate.file.observes, estate.file.takes_off);
        self.snapshots.push(Snapshot { since, allocations, observes, takes_off });
        let by_tag = estate.file.pools.iter().filter(|(_, pool)| pool.by_tag);
        estate.sim.world(|world| {
            self.tagged.extend(by_tag.flat_map(|(name, _)| estate.file.pool(world, name)));
        });
    }

    /// A process began anew.
    pub fn replaced(&mut self, sim: &Sim) {
        self.replaced.push(sim.now());
        self.conduct.ended(sim.now());
    }

    /// Takes in what a process that ends has reported.
    pub fn hear(&mut self, reports: &[Report], budget: DisruptionBudget) {
        reports.iter().for_each(assert_report_is_lawful);
        self.conduct.hear(reports, budget);
    }

    /// No law was broken.
    pub fn assert_lawful(&self, sim: &Sim, replicas: usize) {
        let complaints = sim.complaints();
        assert_eq!(complaints, Vec::<String>::new(), "the simulator was asked for what it does not know");
        let entries: Vec<Entry> = sim.with_journal(|journal| journal.mutating().cloned().collect());
        let entries: Vec<&Entry> =
            entries.iter().filter(|entry| entry.operation.ends_with("Address")).collect();
        for entry in &entries {
            self.assert_declared(entry);
            let observed = self.at(entry.at).all(|snapshot| snapshot.observes);
            assert!(!observed, "law 3: changed though nothing may be: {entry:?}");
        }
        let violations = sim.violations();
        for violation in &violations {
            let excused = match violation.kind {
                ViolationKind::HealthyBroken => self.is_remap(violation, &entries, replicas),
                // Whether its function was ever declared no daemon can know that began after the file changed.
                ViolationKind::UnmanagedInterface => {
                    violation.detail.starts_with("DisassociateAddress ")
                        && self.at(violation.at).any(|snapshot| snapshot.takes_off)
                }
                // Whoever moves what another has just moved takes it from what is used by then: it is the same remap.
                ViolationKind::TakenFromUsed => violations.iter().any(|other| {
                    other.kind == ViolationKind::HealthyBroken
                        && other.at == violation.at
                        && self.is_remap(other, &entries, replicas)
                }),
                // By what Lambda shows of them nothing uses it, and wrong is worse than bare.
                ViolationKind::WrongTakenFromFailed => true,
                _ => false,
            };
            assert!(excused, "a law was broken: {violation:?}\nall: {violations:?}");
        }
        self.assert_few_remaps(&violations, replicas);
        self.conduct.assert_calls_are_due(sim, replicas);
    }

    /// What the file said at a moment, and just before.
    fn at(&self, at: Moment) -> impl Iterator<Item = &Snapshot> {
        let ends = self.snapshots.iter().skip(1).map(|next| Some(next.since)).chain([None]);
        let all = self.snapshots.iter().zip(ends);
        let in_force = all.filter(move |(snapshot, end)| {
            snapshot.since <= at && end.is_none_or(|end| at.since(end) <= OLD_ORDERS_END)
        });
        in_force.map(|(snapshot, _)| snapshot)
    }

    /// Law 1: a change names no address that the file did not.
    fn assert_declared(&self, entry: &Entry) {
        let Some(allocation) = field(entry, "AllocationId") else { return };
        let is_listed = self.at(entry.at).any(|snapshot| snapshot.allocations.contains(allocation));
        assert!(is_listed || self.tagged.contains(allocation), "law 1: not declared at that time: {entry:?}");
    }

    /// Law 5: of two that see different things at the same moment one may remap what the other has just done; and a
    /// process that began anew knows no more of that than another replica.
    fn is_remap(&self, violation: &Violation, entries: &[&Entry], replicas: usize) -> bool {
        let interface = interface_of(violation);
        let given = entries.iter().rev().find(|entry| {
            entry.at < violation.at
                && matches!(entry.ending, Ending::Ok | Ending::Lost)
                && field(entry, "NetworkInterfaceId") == Some(interface)
        });
        given.is_some_and(|given| {
            violation.at.since(given.at) <= PASS + self.lag && self.processes(violation.at, replicas) > 1
        })
    }

    /// No more than one remap for each process besides the first, within the time in which they can differ.
    fn assert_few_remaps(&self, violations: &[Violation], replicas: usize) {
        let remaps = || violations.iter().filter(|other| other.kind == ViolationKind::HealthyBroken);
        for last in remaps() {
            let of_one = remaps().filter(|other| {
                interface_of(other) == interface_of(last)
                    && other.at <= last.at
                    && last.at.since(other.at) <= PASS + self.lag
            });
            let most = self.processes(last.at, replicas) - 1;
            assert!(of_one.count() <= most, "law 5: more than {most} remaps in a row: {violations:?}");
        }
    }

    /// How many processes may have seen different things just before.
    fn processes(&self, at: Moment, replicas: usize) -> usize {
        let recently = |began: &&Moment| **began <= at && at.since(**began) <= PASS + self.lag;
        replicas + self.replaced.iter().filter(recently).count()
    }
}

/// What a report says of laws: no plan is refused by the audit (6), and nothing is taken away by half an observation (7).
fn assert_report_is_lawful(report: &Report) {
    assert_ne!(report.result, PassResult::Refused, "law 6: the audit refused a plan: {report:?}");
    let is_partial =
        report.plan.warnings.iter().any(|warning| warning.kind == WarningKind::ObservationIncomplete);
    let takes = |kind| matches!(kind, ActionKind::Move | ActionKind::Disassociate);
    for action in report.actions.iter().filter(|action| takes(action.action.kind)) {
        let is_tried = matches!(action.outcome, Outcome::Done | Outcome::Failed);
        assert!(!(is_partial && is_tried), "law 7: taken by half an observation: {action:?}");
    }
}

fn interface_of(violation: &Violation) -> &str {
    violation.detail.rsplit(' ').next().unwrap_or_default()
}

/// A parameter of a call, as the journal has it.
pub fn field<'a>(entry: &'a Entry, name: &str) -> Option<&'a str> {
    let fields = entry.detail.split(' ').filter_map(|field| field.split_once('='));
    fields.filter(|(found, _)| *found == name).map(|(_, value)| value).next()
}
