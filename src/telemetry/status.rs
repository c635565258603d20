//! What the daemon knows now: the latest pass of each target, what happened in it lately, the configuration, and whether
//! the loops are alive. Bounded: for each target one report (two while passes fail) and rings of a fixed size.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use jiff::Timestamp;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use tokio::time::Instant;

use super::configured::Configured;
use super::health::Watch;
use super::recent::{Change, Lag, Lags, Recent};
use super::since::Since;
use crate::domain::function::FunctionRef;
use crate::domain::ids::TargetName;
use crate::domain::report::{PassResult, Report};
use crate::reconcile::ports::{EventNote, QueueTroubles};

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
    queue: Option<QueueStatus>,
    lags: Lags,
}

struct Target {
    declared: Arc<BTreeSet<FunctionRef>>,
    watch: Watch,
    latest: Option<Arc<Report>>,
    /// The latest report that saw something; the same as `latest` unless that failed.
    seen: Option<Arc<Report>>,
    /// Of what `seen` shows.
    since: Arc<Since>,
    recent: Recent,
}

/// The configuration in force.
#[derive(Clone, Debug, Serialize)]
pub(super) struct ConfigurationStatus {
    pub(super) source: String,
    pub(super) loaded_at: Timestamp,
    pub(super) poll_interval_seconds: f64,
    /// The keys of the fixed sections with their values.
    pub(super) settings: Vec<(String, String)>,
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
    /// What of it can't be used, and why.
    pub(super) trouble: Option<String>,
    /// How late events came; nothing before the first that concerned a target.
    #[serde(skip)]
    pub(super) lags: Option<Lag>,
    #[serde(skip)]
    troubles: QueueTroubles,
}

/// The state at one moment.
pub(super) struct Snapshot {
    pub(super) build: Build,
    pub(super) configuration: Option<ConfigurationStatus>,
    /// Nothing without a queue.
    pub(super) queue: Option<QueueStatus>,
    pub(super) targets: Vec<TargetSnapshot>,
    /// Of all targets, the newest first.
    pub(super) changes: Vec<Change>,
    /// Of all targets, the newest first.
    pub(super) events: Vec<EventNote>,
}

/// A target at one moment.
pub(super) struct TargetSnapshot {
    pub(super) name: TargetName,
    pub(super) declared: Arc<BTreeSet<FunctionRef>>,
    pub(super) latest: Option<Arc<Report>>,
    pub(super) seen: Option<Arc<Report>>,
    pub(super) since: Arc<Since>,
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
            settings: configured.settings.clone(),
            notes: configured.notes.clone(),
            last_reload_error: None,
        });
        let mut former = std::mem::take(&mut state.targets);
        for (name, declared) in &configured.targets {
            let watch = Watch::start(now, configured.poll_interval);
            let declared = Arc::clone(declared);
            let target = match former.remove(name) {
                Some(known) => Target { declared, ..known },
                None => Target {
                    declared,
                    watch,
                    latest: None,
                    seen: None,
                    since: Arc::default(),
                    recent: Recent::default(),
                },
            };
            state.targets.insert(name.clone(), target);
        }
    }

    /// How the queue stands; tells whether that is news.
    pub(super) fn hear_queue(&self, at: Timestamp, troubles: Option<&QueueTroubles>) -> bool {
        let mut state = self.lock();
        let Some(troubles) = troubles else {
            state.queue = None;
            return false;
        };
        let kinds = |one: &QueueTroubles| [&one.receive, &one.delete, &one.attributes].map(Option::is_some);
        let since = state.queue.as_ref().filter(|known| kinds(&known.troubles) == kinds(troubles));
        let since = since.map(|known| known.since);
        let trouble = troubles.told();
        let troubles = troubles.clone();
        state.queue = Some(QueueStatus { since: since.unwrap_or(at), trouble, lags: None, troubles });
        since.is_none()
    }

    /// An event that concerned a target came so late.
    pub(super) fn hear_lag(&self, at: Timestamp, lag: Duration) {
        self.lock().lags.note(at, lag);
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
            target.since = Arc::new(target.since.after(&report));
        }
        target.recent.note_changes(&report);
    }

    /// Takes an event; one of a target that is not configured (any more) is ignored.
    pub(super) fn hear_note(&self, note: EventNote) {
        if let Some(target) = self.lock().targets.get_mut(&note.target) {
            target.recent.note_event(note);
        }
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
            since: Arc::clone(&target.since),
            next_pass_in: target.watch.next_in(now),
            stuck_for: target.watch.stuck_for(now),
            ready: target.watch.ready,
        });
        let recent = || state.targets.values().map(|target| &target.recent);
        let mut changes: Vec<Change> = recent().flat_map(Recent::changes).cloned().collect();
        changes.sort_by_key(|change| Reverse(change.at));
        let mut events: Vec<EventNote> = recent().flat_map(Recent::events).cloned().collect();
        events.sort_by_key(|event| Reverse(event.at));
        Snapshot {
            queue: state.queue.clone().map(|queue| QueueStatus { lags: state.lags.told(), ..queue }),
            build: self.build.clone(),
            configuration: state.configuration.clone(),
            targets: targets.collect(),
            changes,
            events,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("a panic ends the process")
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
        fields.serialize_entry("events", &self.events)?;
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
