//! How each process conducts itself, judged by its own reports and by the journal of calls: what it may disturb (law 3), what it
//! says of what it did not look at (law 7), how long it takes (law 10), and what it must not do twice (law 11).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use eipd::domain::action::{ActionKind, Outcome};
use eipd::domain::error_class::ErrorClass;
use eipd::domain::ids::NetworkInterfaceId;
use eipd::domain::policy::DisruptionBudget;
use eipd::domain::report::{ActionReport, PassResult, Report};
use eipd_sim::{Ending, Entry, Moment, Sim};

use super::laws::field;

/// A pass is given a minute, and what is under way then some seconds more.
const PASS: Duration = Duration::from_secs(90);

/// For so long a process knows what it did itself, whatever reads show.
const REMEMBERED: Duration = Duration::from_secs(120);

/// In any so long a time no more is disturbed than a budget allows.
const HOUR: Duration = Duration::from_secs(60 * 60);

/// What is remembered of the processes of a story.
pub struct Conduct {
    /// How far reads lag behind at most: what they show may be shown otherwise the next moment.
    lag: Duration,
    /// Addresses that were to be taken from where they were, with the interfaces that were to get them.
    moves: BTreeSet<(String, String)>,
    /// Addresses that were seen where they had been put.
    confirmed: Vec<Confirmed>,
    /// When processes ended, whose last pass nobody heard of.
    ended: Vec<Moment>,
}

/// A write that was read back.
struct Confirmed {
    allocation: String,
    interface: String,
    begun: Moment,
    by: Moment,
}

impl Confirmed {
    fn of(report: &Report, action: &ActionReport) -> Self {
        let begun = u64::try_from(report.started_at.as_millisecond()).expect("after 1970");
        let begun = Moment::from_unix_millis(begun);
        let by = begun + report.took;
        let allocation = action.action.allocation_id.to_string();
        Self { allocation, interface: action.action.network_interface_id.to_string(), begun, by }
    }
}

impl Conduct {
    pub fn begin(lag: Duration) -> Self {
        Self { lag, moves: BTreeSet::new(), confirmed: Vec::new(), ended: Vec::new() }
    }

    /// Takes in all that one process reported.
    pub fn hear(&mut self, reports: &[Report], budget: DisruptionBudget) {
        assert_within(reports, budget);
        if self.lag.is_zero() {
            assert_nothing_blinks(reports);
        }
        for report in reports {
            assert!(report.took <= PASS, "law 10: a pass took {:?}: {report:?}", report.took);
            let done = report.actions.iter().filter(|one| one.outcome == Outcome::Done && !one.found_done);
            self.confirmed.extend(done.map(|action| Confirmed::of(report, action)));
            let moves = report.actions.iter().map(|one| &one.action).filter(|a| a.kind == ActionKind::Move);
            self.moves
                .extend(moves.map(|a| (a.allocation_id.to_string(), a.network_interface_id.to_string())));
        }
    }

    /// A process ended.
    pub fn ended(&mut self, at: Moment) {
        self.ended.push(at);
    }

    /// Judges the calls of as many processes at a time.
    pub fn assert_calls_are_due(&self, sim: &Sim, replicas: usize) {
        let is_of_one = |from: Moment, to: Moment| replicas == 1 && !self.one_ended(from, to);
        sim.with_journal(|journal| {
            assert_nothing_is_sent_blindly(journal.entries(), is_of_one);
            self.assert_takes_are_planned(journal.entries());
        });
        if self.lag.is_zero() {
            self.assert_nothing_is_given_again(sim, is_of_one);
        }
    }

    /// Law 11: what was seen where it was put is not put there once more.
    fn assert_nothing_is_given_again(&self, sim: &Sim, is_of_one: impl Fn(Moment, Moment) -> bool) {
        let repeats = sim.world(|world| world.repeats().to_vec());
        for repeat in repeats {
            // It was undone since if it was given anew since.
            let is_given = |entry: &Entry, since: Moment| {
                since < entry.at
                    && entry.at < repeat.at
                    && field(entry, "AllocationId") == Some(&repeat.allocation)
                    && field(entry, "NetworkInterfaceId") == Some(&repeat.interface)
            };
            let is_anew =
                |since| sim.with_journal(|journal| journal.mutating().any(|entry| is_given(entry, since)));
            let known = self.confirmed.iter().find(|write| {
                (&write.allocation, &write.interface) == (&repeat.allocation, &repeat.interface)
                    && write.by < repeat.at
                    && repeat.at.since(write.begun) < REMEMBERED
                    && is_of_one(write.begun, repeat.at)
                    && !is_anew(write.by)
            });
            assert!(known.is_none(), "law 11: given once more, though it was seen there: {repeat:?}");
        }
    }

    /// Law 3: only what a plan moves is taken from where it is.
    fn assert_takes_are_planned(&self, entries: &[Entry]) {
        for entry in entries.iter().filter(|entry| entry.operation == "AssociateAddress") {
            let name = |parameter| field(entry, parameter).unwrap_or_default().to_owned();
            let is_planned = self.moves.contains(&(name("AllocationId"), name("NetworkInterfaceId")))
                || self.one_ended(entry.at, entry.at + PASS);
            let takes = field(entry, "AllowReassociation") != Some("false");
            assert!(!takes || is_planned, "law 3: it takes what no plan moves: {entry:?}");
        }
    }

    fn one_ended(&self, from: Moment, to: Moment) -> bool {
        self.ended.iter().any(|end| from <= *end && *end <= to)
    }
}

/// What may have been carried out is not sent again before anything was read.
fn assert_nothing_is_sent_blindly(entries: &[Entry], is_of_one: impl Fn(Moment, Moment) -> bool) {
    let mut unknown: BTreeMap<(&str, &str), Moment> = BTreeMap::new();
    for entry in entries {
        if !entry.mutating {
            unknown.clear();
            continue;
        }
        let call = (entry.operation.as_str(), entry.detail.as_str());
        let before = unknown.get(&call).filter(|before| is_of_one(**before, entry.at));
        assert_eq!(before, None, "sent again at once though its outcome was unknown: {entry:?}");
        if matches!(entry.ending, Ending::Lost | Ending::Hung) {
            unknown.insert(call, entry.at);
        }
    }
}

/// Law 3: no more is disturbed than the budget allows, in a pass and in any hour.
fn assert_within(reports: &[Report], budget: DisruptionBudget) {
    let disturbs = |one: &&ActionReport| {
        let may_be_done = one.outcome == Outcome::Done || one.class == Some(ErrorClass::OutcomeUnknown);
        matches!(one.action.kind, ActionKind::Replace | ActionKind::Disassociate)
            && may_be_done
            && !one.found_done
    };
    let count = |report: &Report| report.actions.iter().filter(disturbs).count();
    for report in reports {
        assert!(count(report) <= budget.per_pass, "law 3: too much for a pass: {report:?}");
        let within = |other: &&Report| {
            let ago = report.started_at.duration_since(other.started_at);
            !ago.is_negative() && ago.unsigned_abs() + PASS < HOUR
        };
        let of_hour: usize = reports.iter().filter(within).map(count).sum();
        assert!(of_hour <= budget.per_hour, "law 3: {of_hour} disturbed in an hour: {report:?}");
    }
}

/// Law 7: what a look at a corner did not read is not thereby gone, and back with the next pass.
fn assert_nothing_blinks(reports: &[Report]) {
    let shown = |report: &Report| -> BTreeSet<NetworkInterfaceId> {
        let counted = report.plan.interfaces.iter().map(|interface| &interface.network_interface_id);
        let held = report.plan.held.iter().map(|held| &held.network_interface_id);
        counted.chain(held).chain(report.plan.lingering.iter().map(|(_, id)| id)).cloned().collect()
    };
    for three in reports.windows(3) {
        let [before, corner, after] = three else { unreachable!("windows of three") };
        if corner.is_whole || three.iter().any(|report| report.result == PassResult::Failed) {
            continue;
        }
        let (seen, after) = (shown(corner), shown(after));
        let blinked: Vec<_> =
            shown(before).into_iter().filter(|id| after.contains(id) && !seen.contains(id)).collect();
        assert!(blinked.is_empty(), "law 7: gone from a look at a corner: {blinked:?} {corner:?}");
    }
}
