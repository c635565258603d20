//! What the log says of passes: each change, and of everything else only the beginning, each turn and the end, so that
//! an outage of hours does not fill a disk; a target that is not seen whole is told of every ten minutes. What repeats goes on at
//! DEBUG. Never sees a credential: it writes reports.
//!
//! ERROR is a defect of eipd. WARN asks an operator to look. INFO is a change, or trouble that is over.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use jiff::{SignedDuration, Timestamp};
use tracing::{debug, error, info, warn};

use super::after;
use super::configured::Configured;
use super::uncovered_time::ended_at;
use crate::domain::action::{ActionKind, Outcome};
use crate::domain::error_class::ErrorClass;
use crate::domain::function::FunctionRef;
use crate::domain::ids::{AllocationId, NetworkInterfaceId, TargetName};
use crate::domain::reason::{Uncovered, WarningKind};
use crate::domain::report::{ActionReport, Coverage, PassResult, Report};
use crate::reconcile::ports::QueueTroubles;

/// How many lines of one kind a pass writes above DEBUG: when a whole pool vanishes, the first interfaces tell the
/// story, the pass's own line has the count, and `/status` has them all.
const LINES_MAX: usize = 100;

/// For so long a target may go without being seen whole before the log says so, and then as often: an alarm on the log
/// needs a line for as long as it lasts.
const BLIND_MAX: SignedDuration = SignedDuration::from_mins(10);

/// What the log has said already, target by target.
#[derive(Default)]
pub(super) struct Journal {
    targets: Mutex<BTreeMap<TargetName, Memory>>,
}

#[derive(Default)]
struct Memory {
    summary: Option<Summary>,
    /// Uncovered interfaces with the code of their reason: the words of some reasons differ from pass to pass.
    uncovered: BTreeMap<NetworkInterfaceId, &'static str>,
    warnings: BTreeSet<(WarningKind, String)>,
    contested: BTreeSet<NetworkInterfaceId>,
    failed_actions: BTreeSet<FailedAction>,
    failing: Option<Failing>,
    sight: Option<Sight>,
}

/// Since when a target was not seen whole, and when that was told.
#[derive(Clone, Copy)]
struct Sight {
    lost: Timestamp,
    told: Timestamp,
}

/// What makes the line of a pass worth writing when it differs from the last.
#[derive(PartialEq, Eq)]
struct Summary {
    coverage: Coverage,
    result: PassResult,
}

/// The class and not the words: AWS puts a fresh code into each message of denial.
type FailedAction = (NetworkInterfaceId, AllocationId, Option<ErrorClass>);

struct Failing {
    text: String,
    passes: u64,
}

impl Journal {
    pub(super) fn configured(&self, configured: &Configured) {
        let functions: usize = configured.targets.values().map(|functions| functions.len()).sum();
        info!(
            source = configured.source.as_str(),
            targets = configured.targets.len(),
            functions,
            "configuration in force"
        );
        for note in &configured.notes {
            warn!(note = note.as_str(), "configuration has a key without effect");
        }
        self.lock().retain(|name, _| configured.targets.contains_key(name));
    }

    pub(super) fn queue_turned(&self, troubles: Option<&QueueTroubles>) {
        let Some(QueueTroubles { receive, delete, attributes }) = troubles else { return };
        if let Some(error) = receive {
            warn!(error, "events can't be received, changes are found by polling");
        }
        if let Some(error) = delete {
            warn!(error, "messages can't be deleted from the queue and come again");
        }
        if let Some(error) = attributes {
            warn!(error, "the queue does not say whether it has a dead-letter queue");
        }
        if [receive, delete, attributes].into_iter().all(Option::is_none) {
            info!("events are received");
        }
    }

    pub(super) fn bus_turned(&self, trouble: Option<&str>) {
        match trouble {
            None => info!("notifications are published"),
            Some(error) => warn!(error, "notifications can't be published; passes go on as ever"),
        }
    }

    pub(super) fn reload_failed(&self, message: &str) {
        warn!(error = message, "configuration refused, the former one stays in force");
    }

    pub(super) fn hear(&self, report: &Report) {
        let mut targets = self.lock();
        let memory = targets.entry(report.target.clone()).or_default();
        if report.result == PassResult::Failed || report.result == PassResult::Refused {
            memory.tell_failure(report);
        } else {
            memory.tell_end_of_failure(report);
        }
        let mut changed = report.changes().any(|action| action.outcome == Outcome::Done);
        if report.result != PassResult::Failed {
            memory.tell_contested(report);
            changed |= memory.tell_failed_actions(report);
            changed |= memory.tell_uncovered(report);
            changed |= memory.tell_warnings(report);
        }
        memory.tell_blindness(report);
        memory.tell_pass(report, changed);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<TargetName, Memory>> {
        self.targets.lock().expect("a panic ends the process")
    }
}

/// The line of a change, written as soon as it is confirmed.
pub(super) fn tell_change(target: &TargetName, pass: u64, report: &ActionReport) {
    let ActionReport { action, outcome, request_id, took, origin, .. } = report;
    if *outcome == Outcome::Done && !report.found_done {
        info!(
            target = target.as_str(),
            pass,
            allocation_id = action.allocation_id.to_string(),
            public_ip = %action.public_ip,
            network_interface_id = action.network_interface_id.to_string(),
            functions = names(&action.functions),
            reason = action.reason.as_str(),
            cause = origin.as_ref().map(|origin| origin.actor.as_str()),
            took_ms = millis(*took),
            request_id = request_id.as_deref(),
            "{}",
            past_tense(action.kind)
        );
    }
}

fn past_tense(kind: ActionKind) -> &'static str {
    match kind {
        ActionKind::Associate => "associated",
        ActionKind::Move => "moved",
        ActionKind::Replace => "replaced",
        ActionKind::Disassociate => "disassociated",
    }
}

impl Memory {
    fn tell_contested(&mut self, report: &Report) {
        let now: BTreeSet<_> = report.contested.iter().map(|one| one.network_interface_id.clone()).collect();
        for one in &report.contested {
            if !self.contested.contains(&one.network_interface_id) {
                warn!(
                    target = report.target.as_str(),
                    pass = report.pass,
                    allocation_id = one.allocation_id.to_string(),
                    network_interface_id = one.network_interface_id.to_string(),
                    times = one.times,
                    by = one.actor.as_deref(),
                    "contested: somebody undoes it again and again, so it is repaired ever more rarely"
                );
            }
        }
        for interface in self.contested.difference(&now) {
            let (target, pass) = (report.target.as_str(), report.pass);
            info!(target, pass, network_interface_id = interface.to_string(), "no longer contested");
        }
        self.contested = now;
    }

    fn tell_failed_actions(&mut self, report: &Report) -> bool {
        let mut now = BTreeSet::new();
        let mut news = 0;
        for failure in report.actions.iter().filter(|action| action.outcome == Outcome::Failed) {
            let ActionReport { action, detail, class, request_id, took, .. } = failure;
            let key = (action.network_interface_id.clone(), action.allocation_id.clone(), *class);
            let is_news = !self.failed_actions.contains(&key);
            now.insert(key);
            news += usize::from(is_news);
            macro_rules! line {
                ($level:ident) => {
                    $level!(
                        target = report.target.as_str(),
                        pass = report.pass,
                        allocation_id = action.allocation_id.to_string(),
                        public_ip = %action.public_ip,
                        network_interface_id = action.network_interface_id.to_string(),
                        functions = names(&action.functions),
                        reason = action.reason.as_str(),
                        class = class.map_or("none", ErrorClass::as_str),
                        detail = detail.as_deref(),
                        took_ms = millis(*took),
                        request_id = request_id.as_deref(),
                        "could not {}",
                        action.kind.as_str()
                    )
                };
            }
            if is_news && news <= LINES_MAX { line!(warn) } else { line!(debug) }
        }
        self.failed_actions = now;
        news > 0
    }

    fn tell_uncovered(&mut self, report: &Report) -> bool {
        let mut now = BTreeMap::new();
        let mut news = 0;
        for uncovered in &report.uncovered {
            let code = uncovered.reason.code();
            let is_news = self.uncovered.get(&uncovered.network_interface_id) != Some(&code);
            now.insert(uncovered.network_interface_id.clone(), code);
            if is_news {
                news += 1;
                tell_one_uncovered(report, uncovered, news <= LINES_MAX);
            }
        }
        let over = self.tell_covered_again(report, &mut now);
        self.uncovered = now;
        news > 0 || over > 0
    }

    /// Tells which interfaces are uncovered no more, and carries over into `now` those that this pass could not see.
    fn tell_covered_again(
        &self,
        report: &Report,
        now: &mut BTreeMap<NetworkInterfaceId, &'static str>,
    ) -> usize {
        let known: BTreeSet<&NetworkInterfaceId> =
            report.plan.interfaces.iter().map(|interface| &interface.network_interface_id).collect();
        let mut over = 0;
        for (interface, code) in &self.uncovered {
            if now.contains_key(interface) {
                continue;
            }
            let message = match (known.contains(interface), report.coverage()) {
                (true, _) => "covered again",
                (false, Coverage::Unknown) => {
                    now.insert(interface.clone(), code);
                    continue;
                }
                (false, _) => "uncovered network interface is gone",
            };
            over += 1;
            if over <= LINES_MAX {
                info!(
                    target = report.target.as_str(),
                    pass = report.pass,
                    network_interface_id = interface.to_string(),
                    "{message}"
                );
            }
        }
        over
    }

    fn tell_warnings(&mut self, report: &Report) -> bool {
        let warnings = &report.plan.warnings;
        let now: BTreeSet<(WarningKind, String)> =
            warnings.iter().map(|warning| (warning.kind, warning.message.clone())).collect();
        let (target, pass) = (report.target.as_str(), report.pass);
        for (kind, message) in now.difference(&self.warnings).take(LINES_MAX) {
            warn!(target, pass, kind = kind.as_str(), detail = message.as_str(), "warning");
        }
        for (kind, message) in self.warnings.difference(&now).take(LINES_MAX) {
            info!(target, pass, kind = kind.as_str(), detail = message.as_str(), "warning is over");
        }
        let changed = now != self.warnings;
        self.warnings = now;
        changed
    }

    fn tell_failure(&mut self, report: &Report) {
        let text = report.failures.join("; ");
        let passes = match &mut self.failing {
            Some(failing) if failing.text == text => {
                failing.passes += 1;
                failing.passes
            }
            failing => {
                let passes = failing.as_ref().map_or(0, |failing| failing.passes) + 1;
                *failing = Some(Failing { text: text.clone(), passes });
                let (target, pass, detail) = (report.target.as_str(), report.pass, text.as_str());
                if report.result == PassResult::Refused {
                    error!(target, pass, detail, "the audit refused the plan, nothing was changed");
                } else {
                    warn!(target, pass, detail, passes, "pass failed");
                }
                return;
            }
        };
        debug!(
            target = report.target.as_str(),
            pass = report.pass,
            detail = text,
            passes,
            "pass failed for the same reason"
        );
    }

    fn tell_end_of_failure(&mut self, report: &Report) {
        if let Some(Failing { passes, .. }) = self.failing.take() {
            info!(
                target = report.target.as_str(),
                pass = report.pass,
                failed_passes = passes,
                "passes succeed again"
            );
        }
    }

    fn tell_blindness(&mut self, report: &Report) {
        let now = ended_at(report);
        if after::saw_everything(report) {
            self.sight = Some(Sight { lost: now, told: now });
        }
        let first = Sight { lost: report.started_at, told: report.started_at };
        let Sight { lost, told } = *self.sight.get_or_insert(first);
        // A look at a part that went well says nothing of the rest.
        let is_told_of = report.is_whole || report.coverage() == Coverage::Unknown;
        if is_told_of && now.duration_since(told) >= BLIND_MAX {
            self.sight = Some(Sight { lost, told: now });
            warn!(
                target = report.target.as_str(),
                pass = report.pass,
                seconds = now.duration_since(lost).as_secs(),
                "target is not seen whole"
            );
        }
    }

    fn tell_pass(&mut self, report: &Report, mut changed: bool) {
        let summary = Summary { coverage: report.coverage(), result: report.result };
        changed |= self.summary.as_ref() != Some(&summary);
        let fine = summary == Summary { coverage: Coverage::Covered, result: PassResult::Ok };
        self.summary = Some(summary);
        macro_rules! line {
            ($level:ident) => {
                $level!(
                    target = report.target.as_str(),
                    pass = report.pass,
                    trigger = report.trigger.as_str(),
                    result = report.result.as_str(),
                    coverage = coverage_name(report.coverage()),
                    covered = report.covered,
                    uncovered = report.uncovered.len(),
                    unservable = report.unservable.len(),
                    warnings = report.plan.warnings.len(),
                    took_ms = millis(report.took),
                    "pass"
                )
            };
        }
        match (changed, fine) {
            (true, true) => line!(info),
            (true, false) => line!(warn),
            (false, _) => line!(debug),
        }
    }
}

fn tell_one_uncovered(report: &Report, uncovered: &Uncovered, aloud: bool) {
    macro_rules! line {
        ($level:ident) => {
            $level!(
                target = report.target.as_str(),
                pass = report.pass,
                network_interface_id = uncovered.network_interface_id.to_string(),
                functions = names(&uncovered.functions),
                pool = uncovered.pool.as_str(),
                reason = uncovered.reason.code(),
                detail = uncovered.reason.to_string(),
                actor = uncovered.cause.as_ref().map(|cause| cause.actor.as_str()),
                "uncovered"
            )
        };
    }
    if aloud { line!(warn) } else { line!(debug) }
}

fn coverage_name(coverage: Coverage) -> &'static str {
    match coverage {
        Coverage::Covered => "covered",
        Coverage::Uncovered => "uncovered",
        Coverage::Unknown => "unknown",
    }
}

fn names(functions: &[FunctionRef]) -> String {
    functions.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

fn millis(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
