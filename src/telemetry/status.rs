//! What the daemon knows now: the latest pass of each target, the last changes, the configuration, and whether the
//! loops are alive. Bounded: one report per target (two while passes fail) and a fixed number of changes.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use jiff::Timestamp;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use tokio::time::Instant;

use super::configured::Configured;
use super::health::Watch;
use super::uncovered_time::ended_at;
use crate::domain::action::Outcome;
use crate::domain::function::FunctionRef;
use crate::domain::ids::TargetName;
use crate::domain::report::{ActionReport, PassResult, Report};

/// How many changes are remembered: what a person reads, while logs keep the rest.
const CHANGES_MAX: usize = 50;

/// The shared state behind the HTTP server.
pub(super) struct Status {
    build: Build,
    state: Mutex<State>,
}

/// What runs, and since when.
#[derive(Clone, Debug)]
pub(super) struct Build {
    pub(super) version: &'static str,
    pub(super) revision: &'static str,
    pub(super) started_at: Timestamp,
}

#[derive(Default)]
struct State {
    configuration: Option<ConfigurationStatus>,
    poll_interval: Duration,
    targets: BTreeMap<TargetName, Target>,
    changes: VecDeque<Change>,
    queue: Option<QueueStatus>,
}

struct Target {
    declared: Arc<BTreeSet<FunctionRef>>,
    watch: Watch,
    latest: Option<Arc<Report>>,
    /// The latest report that saw something; the same as `latest` unless that failed.
    seen: Option<Arc<Report>>,
}

/// The configuration in force.
#[derive(Clone, Debug, Serialize)]
pub(super) struct ConfigurationStatus {
    pub(super) source: String,
    pub(super) loaded_at: Timestamp,
    pub(super) poll_interval_seconds: f64,
    pub(super) notes: Vec<String>,
    /// Why a newer one is not in force.
    pub(super) last_reload_error: Option<ReloadError>,
}

/// A configuration that was refused.
#[derive(Clone, Debug, Serialize)]
pub(super) struct ReloadError {
    pub(super) at: Timestamp,
    pub(super) message: String,
}

/// The queue with the events.
#[derive(Clone, Debug, Serialize)]
pub(super) struct QueueStatus {
    /// Since when it is so.
    pub(super) since: Timestamp,
    /// Why it can't be received from.
    pub(super) trouble: Option<String>,
}

/// An action that was carried out, or tried.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Change {
    pub(super) at: Timestamp,
    pub(super) target: TargetName,
    pub(super) pass: u64,
    #[serde(flatten)]
    pub(super) action: ActionReport,
}

/// The state at one moment.
pub(super) struct Snapshot {
    pub(super) build: Build,
    pub(super) configuration: Option<ConfigurationStatus>,
    /// Nothing without a queue.
    pub(super) queue: Option<QueueStatus>,
    pub(super) targets: Vec<TargetSnapshot>,
    /// The newest first.
    pub(super) changes: Vec<Change>,
}

/// A target at one moment.
pub(super) struct TargetSnapshot {
    pub(super) name: TargetName,
    pub(super) declared: Arc<BTreeSet<FunctionRef>>,
    pub(super) latest: Option<Arc<Report>>,
    pub(super) seen: Option<Arc<Report>>,
    pub(super) next_pass_in: Option<Duration>,
    pub(super) stuck_for: Option<Duration>,
    pub(super) ready: bool,
}

impl Status {
    pub(super) fn new(build: Build) -> Self {
        Self { build, state: Mutex::new(State::default()) }
    }

    /// Takes a configuration that took effect: targets that left are forgotten, new ones are waited for.
    pub(super) fn configured(&self, configured: &Configured) {
        let now = Instant::now();
        let mut state = self.lock();
        state.poll_interval = configured.poll_interval;
        state.configuration = Some(ConfigurationStatus {
            source: configured.source.clone(),
            loaded_at: configured.loaded_at,
            poll_interval_seconds: configured.poll_interval.as_secs_f64(),
            notes: configured.notes.clone(),
            last_reload_error: None,
        });
        let mut former = std::mem::take(&mut state.targets);
        for (name, declared) in &configured.targets {
            let watch = Watch::start(now, configured.poll_interval);
            let fresh = Target { declared: Arc::clone(declared), watch, latest: None, seen: None };
            let target = match former.remove(name) {
                Some(known) => Target { declared: Arc::clone(declared), ..known },
                None => fresh,
            };
            state.targets.insert(name.clone(), target);
        }
    }

    /// Whether the queue can be used; tells whether that is news.
    pub(super) fn hear_queue(&self, at: Timestamp, trouble: Option<&str>) -> bool {
        let mut state = self.lock();
        let queue = QueueStatus { since: at, trouble: trouble.map(str::to_owned) };
        let is_news = state.queue.as_ref().is_none_or(|known| known.trouble.is_some() != trouble.is_some());
        match &mut state.queue {
            Some(known) if !is_news => known.trouble = queue.trouble,
            known => *known = Some(queue),
        }
        is_news
    }

    pub(super) fn reload_failed(&self, at: Timestamp, message: &str) {
        if let Some(configuration) = &mut self.lock().configuration {
            configuration.last_reload_error = Some(ReloadError { at, message: message.to_owned() });
        }
    }

    /// Takes a pass; one of a target that is not configured (any more) is ignored.
    pub(super) fn hear(&self, report: &Report) {
        let report = Arc::new(report.clone());
        let mut state = self.lock();
        let poll_interval = state.poll_interval;
        let Some(target) = state.targets.get_mut(&report.target) else { return };
        target.watch.completed(Instant::now(), poll_interval);
        target.latest = Some(Arc::clone(&report));
        if report.result != PassResult::Failed {
            target.seen = Some(Arc::clone(&report));
        }
        state.remember(&report);
    }

    pub(super) fn expect_next(&self, report: &Report, within: Duration) {
        let mut state = self.lock();
        let poll_interval = state.poll_interval;
        if let Some(target) = state.targets.get_mut(&report.target) {
            target.watch.expect(Instant::now(), within, poll_interval);
        }
    }

    /// The targets that complete no passes, with the time since the last sign of life.
    pub(super) fn stuck(&self) -> Vec<(TargetName, Duration)> {
        let now = Instant::now();
        let state = self.lock();
        let stuck = |(name, target): (&TargetName, &Target)| {
            target.watch.stuck_for(now).map(|time| (name.clone(), time))
        };
        state.targets.iter().filter_map(stuck).collect()
    }

    /// The targets that made no pass yet; nothing before there is a configuration.
    pub(super) fn unready(&self) -> Option<Vec<TargetName>> {
        let state = self.lock();
        state.configuration.as_ref()?;
        let unready = state.targets.iter().filter(|(_, target)| !target.watch.ready);
        Some(unready.map(|(name, _)| name.clone()).collect())
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        let now = Instant::now();
        let state = self.lock();
        let targets = state.targets.iter().map(|(name, target)| TargetSnapshot {
            name: name.clone(),
            declared: Arc::clone(&target.declared),
            latest: target.latest.clone(),
            seen: target.seen.clone(),
            next_pass_in: target.watch.next_in(now),
            stuck_for: target.watch.stuck_for(now),
            ready: target.watch.ready,
        });
        Snapshot {
            queue: state.queue.clone(),
            build: self.build.clone(),
            configuration: state.configuration.clone(),
            targets: targets.collect(),
            changes: state.changes.iter().cloned().collect(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("a panic ends the process")
    }
}

impl State {
    /// An action that fails in every pass is one entry, the latest, lest it push out all others.
    fn remember(&mut self, report: &Report) {
        let at = ended_at(report);
        for action in &report.actions {
            let failed = match action.outcome {
                Outcome::Done => false,
                Outcome::Failed => true,
                Outcome::Planned | Outcome::Skipped => continue,
            };
            if failed {
                self.changes.retain(|change| {
                    change.action.outcome != Outcome::Failed
                        || change.target != report.target
                        || change.action.action != action.action
                });
            }
            let target = report.target.clone();
            self.changes.push_front(Change { at, target, pass: report.pass, action: action.clone() });
        }
        self.changes.truncate(CHANGES_MAX);
    }
}

impl Serialize for Snapshot {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let failed = |target: &TargetSnapshot| {
            target.latest.as_ref().is_some_and(|latest| latest.result == PassResult::Failed)
        };
        let latest: Vec<&Report> =
            self.targets.iter().filter_map(|target| target.latest.as_deref()).collect();
        let seen: Vec<&Report> =
            self.targets.iter().filter(|target| failed(target)).filter_map(|t| t.seen.as_deref()).collect();
        let mut fields = serializer.serialize_map(None)?;
        fields.serialize_entry("version", self.build.version)?;
        fields.serialize_entry("revision", self.build.revision)?;
        fields.serialize_entry("started_at", &self.build.started_at)?;
        fields.serialize_entry("config", &self.configuration)?;
        fields.serialize_entry("queue", &self.queue)?;
        fields.serialize_entry("targets", &latest)?;
        fields.serialize_entry("last_seen", &seen)?;
        fields.serialize_entry("loops", &self.targets)?;
        fields.serialize_entry("changes", &self.changes)?;
        fields.end()
    }
}

impl Serialize for TargetSnapshot {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let seconds = |time: Option<Duration>| time.map(|time| time.as_secs_f64());
        let mut fields = serializer.serialize_map(None)?;
        fields.serialize_entry("target", &self.name)?;
        fields.serialize_entry("first_pass_made", &self.ready)?;
        fields.serialize_entry("next_pass_in_seconds", &seconds(self.next_pass_in))?;
        fields.serialize_entry("stuck_for_seconds", &seconds(self.stuck_for))?;
        fields.end()
    }
}
