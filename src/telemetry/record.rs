//! When the metrics move: gauges say how things stand after the last pass that saw something, and keep their values
//! when a pass fails (how old they are is `eipd_last_success_timestamp_seconds`). A pass that saw only a part sets them
//! to that part: a target with one unreadable function would be blind for ever otherwise, and
//! `eipd_drift{kind="observation_incomplete"}` says so.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use prometheus::proto::MetricFamily;
use prometheus::{Encoder, Registry, TextEncoder};

use super::after;
use super::configured::Configured;
use super::metrics::{Families, Globals};
use super::uncovered_time::{LastLook, ended_at};
use crate::domain::action::{ActionKind, Outcome};
use crate::domain::error_class::ErrorClass;
use crate::domain::function::FunctionRef;
use crate::domain::ids::TargetName;
use crate::domain::policy::Mode;
use crate::domain::reason::WarningKind;
use crate::domain::report::{PassResult, Report, Trigger};
use crate::reconcile::ports::Delivery;

/// The metrics with their registry.
pub(super) struct Metrics {
    registry: Registry,
    globals: Globals,
    /// Held while a pass is recorded and while a scrape reads, so that no scrape sees half a pass.
    passes: Mutex<Passes>,
}

struct Passes {
    families: Families,
    targets: BTreeMap<TargetName, Target>,
}

struct Target {
    declared: Arc<BTreeSet<FunctionRef>>,
    last_look: LastLook,
}

impl Metrics {
    pub(super) fn new(version: &str, revision: &str) -> Self {
        let registry = Registry::new();
        #[cfg(target_os = "linux")]
        registry
            .register(Box::new(prometheus::process_collector::ProcessCollector::for_self()))
            .expect("the metrics of the process are registered once");
        let globals = Globals::new(&registry);
        for delivery in Delivery::ALL {
            globals.notifications.with_label_values(&[delivery.as_str()]);
        }
        globals.build_info.with_label_values(&[version, revision]).set(1);
        let passes = Passes { families: Families::new(&registry), targets: BTreeMap::new() };
        Self { registry, globals, passes: Mutex::new(passes) }
    }

    /// The text format, version 0.0.4.
    pub(super) fn exposition(&self) -> Vec<u8> {
        let mut text = Vec::new();
        TextEncoder::new()
            .encode(&self.gather(), &mut text)
            .expect("metrics from a registry can be written to memory");
        text
    }

    pub(super) fn gather(&self) -> Vec<MetricFamily> {
        let _passes = self.lock();
        self.registry.gather()
    }

    /// Ends the series of targets that left, and starts those of new ones.
    pub(super) fn configured(&self, configured: &Configured) {
        self.globals.reload_successful.set(1);
        self.globals.reloads.with_label_values(&["ok"]).inc();
        let Passes { families, targets } = &mut *self.lock();
        targets.retain(|name, _| {
            let stays = configured.targets.contains_key(name);
            if !stays {
                families.forget(name.as_str());
            }
            stays
        });
        for (name, declared) in &configured.targets {
            let declared = Arc::clone(declared);
            match targets.get_mut(name) {
                Some(target) => target.declared = declared,
                None => {
                    families.start(name.as_str());
                    targets.insert(name.clone(), Target { declared, last_look: LastLook::default() });
                }
            }
        }
    }

    pub(super) fn reload_failed(&self) {
        self.globals.reload_successful.set(0);
        self.globals.reloads.with_label_values(&["failed"]).inc();
    }

    /// Takes a pass; one of a target that is not configured (any more) is ignored, lest it come back to life.
    pub(super) fn hear(&self, report: &Report) {
        let Passes { families, targets } = &mut *self.lock();
        let Some(target) = targets.get_mut(&report.target) else { return };
        let name = report.target.as_str();
        families.passes.at(&[name, report.trigger.as_str(), report.result.as_str()]).inc();
        families.pass_duration.at(&[name]).observe(report.took.as_secs_f64());
        families.observe_only.at(&[name]).set(i64::from(report.mode == Mode::Observe));
        if report.result == PassResult::Failed {
            return;
        }
        families.count_changes(report);
        families.show_interfaces(report, &target.declared);
        families.show_pools(report);
        families.breaker_open.at(&[name]).set(i64::from(report.breaker.is_some()));
        families.contested.at(&[name]).set(i64::try_from(report.contested.len()).unwrap_or(i64::MAX));
        families.drift.replace(name, after::drift(report).into_iter().map(|(kind, count)| ([kind], count)));
        for (function, time) in target.last_look.advance(report) {
            families.uncovered_seconds.at(&[name, &function.to_string()]).inc_by(time.as_secs_f64());
        }
        if after::saw_everything(report) {
            families.last_success.at(&[name]).set(ended_at(report).as_duration().as_secs_f64());
        }
    }

    pub(super) fn hear_event(&self, kind: &str, outcome: &str, lag: Option<Duration>) {
        self.globals.events.with_label_values(&[kind, outcome]).inc();
        if let Some(lag) = lag {
            self.globals.event_lag.observe(lag.as_secs_f64());
        }
    }

    /// Whether the queue can be used; nothing where none is configured.
    pub(super) fn hear_queue(&self, is_up: Option<bool>) {
        self.globals.event_queue_configured.set(i64::from(is_up.is_some()));
        self.globals.event_queue_up.set(i64::from(is_up == Some(true)));
    }

    pub(super) fn hear_notifications(&self, delivery: Delivery, count: u64) {
        self.globals.notifications.with_label_values(&[delivery.as_str()]).inc_by(count);
    }

    /// Counts a request to AWS.
    pub(super) fn record(&self, operation: &str, outcome: Result<(), ErrorClass>, took: Duration) {
        let (service, operation) = operation.split_once(':').unwrap_or(("unknown", operation));
        let labels = [service, operation, outcome.map_or_else(ErrorClass::as_str, |()| "ok")];
        self.globals.aws_requests.with_label_values(&labels).inc();
        self.globals.aws_request_duration.with_label_values(&labels).observe(took.as_secs_f64());
    }

    fn lock(&self) -> MutexGuard<'_, Passes> {
        self.passes.lock().expect("a panic ends the process")
    }
}

impl Families {
    /// Zeroes for everything that is counted, so that the first event of a kind is a rise and not a new series.
    fn start(&mut self, target: &str) {
        for trigger in Trigger::ALL {
            for result in PassResult::ALL {
                self.passes.at(&[target, trigger.as_str(), result.as_str()]);
            }
        }
        for kind in ActionKind::ALL {
            for outcome in Outcome::ALL {
                self.changes.at(&[target, kind.as_str(), outcome.as_str()]);
            }
        }
        self.pass_duration.at(&[target]);
        self.repair.at(&[target, "observed"]);
        self.repair.at(&[target, "event"]);
        self.last_success.at(&[target]);
        self.oldest_uncovered.at(&[target]);
        self.breaker_open.at(&[target]);
        self.contested.at(&[target]);
    }

    fn count_changes(&mut self, report: &Report) {
        let name = report.target.as_str();
        for action in report.changes() {
            let outcome = if action.found_done { Outcome::Skipped } else { action.outcome };
            self.changes.at(&[name, action.action.kind.as_str(), outcome.as_str()]).inc();
            if let Some(age) = action.repaired_after {
                let origin = if action.origin.is_some() { "event" } else { "observed" };
                self.repair.at(&[name, origin]).observe(age.as_secs_f64());
            }
        }
    }

    fn show_interfaces(&mut self, report: &Report, declared: &BTreeSet<FunctionRef>) {
        let name = report.target.as_str();
        let pools = || report.plan.pools.keys().map(ToString::to_string);
        let mut serving: BTreeMap<String, usize> = pools().map(|pool| (pool, 0)).collect();
        for interface in report.plan.required() {
            *serving.entry(interface.pool.to_string()).or_default() += 1;
        }
        let mut without: BTreeMap<[String; 2], usize> =
            pools().flat_map(|pool| after::WHY.map(|why| ([pool.clone(), why.to_owned()], 0))).collect();
        for uncovered in &report.uncovered {
            let labels = [uncovered.pool.to_string(), after::why(&uncovered.reason).to_owned()];
            *without.entry(labels).or_default() += 1;
        }
        self.network_interfaces.replace(name, serving.into_iter().map(|(pool, count)| ([pool], count)));
        self.unassociated.replace(name, without);
        self.oldest_uncovered.at(&[name]).set(report.oldest_uncovered.unwrap_or_default().as_secs_f64());
        self.show_functions(report, declared);
    }

    fn show_functions(&mut self, report: &Report, declared: &BTreeSet<FunctionRef>) {
        let name = report.target.as_str();
        let uncovered = after::uncovered_by_function(report);
        let functions: BTreeSet<&FunctionRef> =
            after::functions(report).into_iter().chain(declared).collect();
        let counts: BTreeMap<String, usize> = functions
            .into_iter()
            .map(|function| (function.to_string(), uncovered.get(function).copied().unwrap_or(0)))
            .collect();
        self.uncovered_seconds.retain(name, |rest| rest.iter().all(|function| counts.contains_key(function)));
        for function in counts.keys() {
            self.uncovered_seconds.at(&[name, function]);
        }
        let kinds = WarningKind::UNSERVABLE.map(after::why_unservable);
        let mut unservable: BTreeMap<[String; 2], usize> = counts
            .keys()
            .flat_map(|function| kinds.map(|why| ([function.clone(), why.to_owned()], 0)))
            .collect();
        for one in &report.unservable {
            let why = after::why_unservable(one.warning.kind);
            unservable.insert([one.function.to_string(), why.to_owned()], 1);
        }
        self.function_unservable.replace(name, unservable);
        self.function_uncovered
            .replace(name, counts.into_iter().map(|(function, count)| ([function], count)));
    }

    fn show_pools(&mut self, report: &Report) {
        let name = report.target.as_str();
        let pools = after::pools(report);
        let states = pools.iter().flat_map(|(pool, figures)| {
            after::states(figures).map(|(state, count)| ([pool.to_string(), state.to_owned()], count))
        });
        self.pool_addresses.replace(name, states);
        self.pool_shortfall.replace(name, pools.iter().map(|(pool, f)| ([pool.to_string()], f.shortfall)));
        self.pool_min_spare.replace(name, pools.iter().map(|(pool, f)| ([pool.to_string()], f.min_spare)));
        self.overflow.replace(name, pools.iter().map(|(pool, f)| ([pool.to_string()], f.overflow)));
        self.bystanders.replace(name, pools.iter().map(|(pool, f)| ([pool.to_string()], f.bystanders)));
    }
}
