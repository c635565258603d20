//! Every metric: name, type, labels, help with its unit, and buckets with their reasons. What the names mean is a
//! contract with dashboards and alerts, so they change here or nowhere. When they move is said in `record`.
//!
//! A label is a member of a closed set or comes from the configuration: never an id of AWS, never free text.

use prometheus::{
    CounterVec, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry,
};

use super::series::{Series, registered};

/// Seconds. A pass without drift is three to ten calls of 0.05 to 0.5 s each; a pass that repairs a whole region is
/// held back by EC2's throttle rate for minutes.
const PASS_BUCKETS: &[f64] = &[0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0];

/// Seconds. An interface found bare is repaired within the pass that found it, in one or two calls; what takes longer
/// than a pass waited for an address, a permission or AWS, and then minutes and hours matter.
const REPAIR_BUCKETS: &[f64] =
    &[0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3600.0, 14400.0];

/// Seconds. CloudTrail's events come within seconds, and sometimes minutes late (AWS.md 3).
const LAG_BUCKETS: &[f64] = &[0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3600.0];
/// Seconds. Lambda and EC2 answer most calls within 0.5 s; a page of 1,000 interfaces or an association takes up to
/// some seconds, and beyond 10 s it is the call's own deadline that ends it.
const REQUEST_BUCKETS: &[f64] = &[0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// A metric as its readers know it.
pub(super) struct Definition {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) unit: &'static str,
    pub(super) stability: Stability,
    pub(super) labels: &'static [&'static str],
    pub(super) help: &'static str,
}

/// How a metric moves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Gauge,
    Counter,
    Histogram,
}

/// What its readers may rely on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stability {
    /// Name, type, labels and meaning stay; labels may get further values.
    Contract,
    /// It may change or go with a version that says so.
    Provisional,
}

const NETWORK_INTERFACES: Definition = Definition {
    name: "eipd_network_interfaces",
    kind: Kind::Gauge,
    unit: "interfaces",
    stability: Stability::Contract,
    labels: &["target", "pool"],
    help: "In-use network interfaces of declared functions; a shared one counts once, in the pool that serves it.",
};
const UNASSOCIATED: Definition = Definition {
    name: "eipd_unassociated_network_interfaces",
    kind: Kind::Gauge,
    unit: "interfaces",
    stability: Stability::Contract,
    labels: &["target", "pool", "why"],
    help: "In-use network interfaces that are uncovered after the last pass: bare, with a wrong address, or in a subnet \
           without a route to an internet gateway.",
};
const FUNCTION_UNCOVERED: Definition = Definition {
    name: "eipd_function_uncovered_network_interfaces",
    kind: Kind::Gauge,
    unit: "interfaces",
    stability: Stability::Contract,
    labels: &["target", "function"],
    help: "In-use network interfaces of the function without an address of their set after the last pass.",
};
const FUNCTION_UNSERVABLE: Definition = Definition {
    name: "eipd_function_unservable",
    kind: Kind::Gauge,
    unit: "0 or 1",
    stability: Stability::Provisional,
    labels: &["target", "function", "why"],
    help: "1 while no address can be given to the function, whatever is done about interfaces. One that is absent sends nothing; another leaves from addresses of AWS, and the objective of coverage counts that as uncovered.",
};
const OLDEST_UNCOVERED: Definition = Definition {
    name: "eipd_oldest_uncovered_seconds",
    kind: Kind::Gauge,
    unit: "seconds",
    stability: Stability::Contract,
    labels: &["target"],
    help: "For how many seconds the longest uncovered network interface has been so, as far as this process saw; 0 when none is.",
};
const POOL_ADDRESSES: Definition = Definition {
    name: "eipd_pool_addresses",
    kind: Kind::Gauge,
    unit: "addresses",
    stability: Stability::Contract,
    labels: &["target", "pool", "state"],
    help: "Declared addresses by state after the last pass; a lingering one is on an interface that no function is known to use any more, one that is elsewhere on an interface that only undeclared functions or uncounted versions use.",
};
const POOL_SHORTFALL: Definition = Definition {
    name: "eipd_pool_shortfall",
    kind: Kind::Gauge,
    unit: "addresses",
    stability: Stability::Contract,
    labels: &["target", "pool"],
    help: "How many more addresses the pool needs to serve every in-use network interface and keep min_spare free.",
};
const POOL_MIN_SPARE: Definition = Definition {
    name: "eipd_pool_min_spare",
    kind: Kind::Gauge,
    unit: "addresses",
    stability: Stability::Provisional,
    labels: &["target", "pool"],
    help: "How many spare addresses the configuration wants the pool to keep, its min_spare.",
};
const OVERFLOW: Definition = Definition {
    name: "eipd_overflow_network_interfaces",
    kind: Kind::Gauge,
    unit: "interfaces",
    stability: Stability::Provisional,
    labels: &["target", "pool"],
    help: "In-use network interfaces beyond the first of each subnet and set of security groups, which many connections make.",
};
const BYSTANDERS: Definition = Definition {
    name: "eipd_bystanders",
    kind: Kind::Gauge,
    unit: "functions",
    stability: Stability::Provisional,
    labels: &["target", "pool"],
    help: "Functions that are not declared and use network interfaces that the pool serves, so that they may leave from its addresses.",
};
const DRIFT: Definition = Definition {
    name: "eipd_drift",
    kind: Kind::Gauge,
    unit: "differences",
    stability: Stability::Contract,
    labels: &["target", "kind"],
    help: "Differences between declared and found after the last pass: warnings by kind, uncovered network interfaces by reason.",
};
const BREAKER_OPEN: Definition = Definition {
    name: "eipd_breaker_open",
    kind: Kind::Gauge,
    unit: "0 or 1",
    stability: Stability::Contract,
    labels: &["target"],
    help: "1 while more disruptions are planned than are allowed, so that none of them is made.",
};
const OBSERVE_ONLY: Definition = Definition {
    name: "eipd_observe_only",
    kind: Kind::Gauge,
    unit: "0 or 1",
    stability: Stability::Contract,
    labels: &["target"],
    help: "1 while changes are planned and reported but not made.",
};
const CONTESTED: Definition = Definition {
    name: "eipd_contested_addresses",
    kind: Kind::Gauge,
    unit: "addresses",
    stability: Stability::Contract,
    labels: &["target"],
    help: "Declared addresses that somebody else takes off again whenever they are given.",
};
const RELOAD_SUCCESSFUL: Definition = Definition {
    name: "eipd_config_last_reload_successful",
    kind: Kind::Gauge,
    unit: "0 or 1",
    stability: Stability::Contract,
    labels: &[],
    help: "1 when the configuration in force is the one last read, 0 when that one was faulty and the former is kept.",
};
const EVENTS: Definition = Definition {
    name: "eipd_events_total",
    kind: Kind::Counter,
    unit: "messages",
    stability: Stability::Contract,
    labels: &["kind", "outcome"],
    help: "Messages from the queue by the event they tell of and by what became of them.",
};
const EVENT_LAG: Definition = Definition {
    name: "eipd_event_lag_seconds",
    kind: Kind::Histogram,
    unit: "seconds",
    stability: Stability::Contract,
    labels: &[],
    help: "How many seconds after its own time an event that caused a look was received.",
};
const EVENT_QUEUE_CONFIGURED: Definition = Definition {
    name: "eipd_event_queue_configured",
    kind: Kind::Gauge,
    unit: "0 or 1",
    stability: Stability::Provisional,
    labels: &[],
    help: "1 while the configuration names a queue with events, 0 while changes are found by polling alone.",
};
const EVENT_QUEUE_UP: Definition = Definition {
    name: "eipd_event_queue_up",
    kind: Kind::Gauge,
    unit: "0 or 1",
    stability: Stability::Provisional,
    labels: &[],
    help: "1 while messages are received and deleted from the queue with the events, 0 while they can't be or none is configured.",
};
const NOTIFICATIONS: Definition = Definition {
    name: "eipd_notifications_total",
    kind: Kind::Counter,
    unit: "notifications",
    stability: Stability::Provisional,
    labels: &["outcome"],
    help: "Notifications for the event bus by what became of them; one that is tried again is counted as retried each time.",
};
const RELOADS: Definition = Definition {
    name: "eipd_config_reloads_total",
    kind: Kind::Counter,
    unit: "configurations",
    stability: Stability::Provisional,
    labels: &["outcome"],
    help: "Configurations that took effect (ok, the first one included) or were refused (failed).",
};
const CHANGES: Definition = Definition {
    name: "eipd_changes_total",
    kind: Kind::Counter,
    unit: "actions",
    stability: Stability::Contract,
    labels: &["target", "action", "outcome"],
    help: "Actions of plans by what became of them; an action that is planned again in the next pass counts again.",
};
const PASSES: Definition = Definition {
    name: "eipd_passes_total",
    kind: Kind::Counter,
    unit: "passes",
    stability: Stability::Contract,
    labels: &["target", "trigger", "outcome"],
    help: "Passes by why they were made and how they ended.",
};
const PASS_DURATION: Definition = Definition {
    name: "eipd_pass_duration_seconds",
    kind: Kind::Histogram,
    unit: "seconds",
    stability: Stability::Contract,
    labels: &["target"],
    help: "How many seconds a pass took, failed ones included.",
};
const LAST_SUCCESS: Definition = Definition {
    name: "eipd_last_success_timestamp_seconds",
    kind: Kind::Gauge,
    unit: "seconds since 1970",
    stability: Stability::Contract,
    labels: &["target"],
    help: "Unix time in seconds of the end of the last pass that saw everything and whose plan passed the audit; 0 before the first.",
};
const REPAIR: Definition = Definition {
    name: "eipd_repair_seconds",
    kind: Kind::Histogram,
    unit: "seconds",
    stability: Stability::Contract,
    labels: &["target", "origin"],
    help: "Seconds until the confirmed association, observed: since the first sight of the uncovered network interface.",
};
const UNCOVERED_SECONDS: Definition = Definition {
    name: "eipd_uncovered_seconds_total",
    kind: Kind::Counter,
    unit: "seconds",
    stability: Stability::Contract,
    labels: &["target", "function"],
    help: "Seconds in which the function had an in-use network interface without its address, as far as passes saw it.",
};
const AWS_REQUESTS: Definition = Definition {
    name: "eipd_aws_requests_total",
    kind: Kind::Counter,
    unit: "requests",
    stability: Stability::Contract,
    labels: &["service", "operation", "outcome"],
    help: "Requests to AWS, each attempt counted; the outcome is ok or the class of the error.",
};
const AWS_REQUEST_DURATION: Definition = Definition {
    name: "eipd_aws_request_duration_seconds",
    kind: Kind::Histogram,
    unit: "seconds",
    stability: Stability::Contract,
    labels: &["service", "operation", "outcome"],
    help: "How many seconds a request to AWS took, each attempt by itself.",
};
const BUILD_INFO: Definition = Definition {
    name: "eipd_build_info",
    kind: Kind::Gauge,
    unit: "1",
    stability: Stability::Contract,
    labels: &["version", "revision"],
    help: "Always 1; the labels say which build runs.",
};

/// Every metric.
pub(super) const ALL: [&Definition; 30] = [
    &NETWORK_INTERFACES,
    &UNASSOCIATED,
    &FUNCTION_UNCOVERED,
    &FUNCTION_UNSERVABLE,
    &OLDEST_UNCOVERED,
    &POOL_ADDRESSES,
    &POOL_SHORTFALL,
    &POOL_MIN_SPARE,
    &OVERFLOW,
    &BYSTANDERS,
    &DRIFT,
    &BREAKER_OPEN,
    &OBSERVE_ONLY,
    &CONTESTED,
    &RELOAD_SUCCESSFUL,
    &EVENTS,
    &EVENT_LAG,
    &EVENT_QUEUE_CONFIGURED,
    &EVENT_QUEUE_UP,
    &NOTIFICATIONS,
    &RELOADS,
    &CHANGES,
    &PASSES,
    &PASS_DURATION,
    &LAST_SUCCESS,
    &REPAIR,
    &UNCOVERED_SECONDS,
    &AWS_REQUESTS,
    &AWS_REQUEST_DURATION,
    &BUILD_INFO,
];

impl Definition {
    fn options(&self) -> Opts {
        Opts::new(self.name, self.help)
    }

    fn histogram(&self, buckets: &[f64]) -> prometheus::Result<HistogramVec> {
        HistogramVec::new(HistogramOpts::from(self.options()).buckets(buckets.to_vec()), self.labels)
    }
}

/// The metrics that passes move, target by target.
pub(super) struct Families {
    pub(super) network_interfaces: Series<IntGaugeVec>,
    pub(super) unassociated: Series<IntGaugeVec>,
    pub(super) function_uncovered: Series<IntGaugeVec>,
    pub(super) function_unservable: Series<IntGaugeVec>,
    pub(super) oldest_uncovered: Series<GaugeVec>,
    pub(super) pool_addresses: Series<IntGaugeVec>,
    pub(super) pool_shortfall: Series<IntGaugeVec>,
    pub(super) pool_min_spare: Series<IntGaugeVec>,
    pub(super) overflow: Series<IntGaugeVec>,
    pub(super) bystanders: Series<IntGaugeVec>,
    pub(super) drift: Series<IntGaugeVec>,
    pub(super) breaker_open: Series<IntGaugeVec>,
    pub(super) observe_only: Series<IntGaugeVec>,
    pub(super) contested: Series<IntGaugeVec>,
    pub(super) changes: Series<IntCounterVec>,
    pub(super) passes: Series<IntCounterVec>,
    pub(super) pass_duration: Series<HistogramVec>,
    pub(super) last_success: Series<GaugeVec>,
    pub(super) repair: Series<HistogramVec>,
    pub(super) uncovered_seconds: Series<CounterVec>,
}

impl Families {
    pub(super) fn new(registry: &Registry) -> Self {
        let gauges = |of: &Definition| Series::new(registry, IntGaugeVec::new(of.options(), of.labels));
        let seconds = |of: &Definition| Series::new(registry, GaugeVec::new(of.options(), of.labels));
        let counters = |of: &Definition| Series::new(registry, IntCounterVec::new(of.options(), of.labels));
        let totals = |of: &Definition| Series::new(registry, CounterVec::new(of.options(), of.labels));
        let histograms = |of: &Definition, buckets| Series::new(registry, of.histogram(buckets));
        Self {
            network_interfaces: gauges(&NETWORK_INTERFACES),
            unassociated: gauges(&UNASSOCIATED),
            function_uncovered: gauges(&FUNCTION_UNCOVERED),
            function_unservable: gauges(&FUNCTION_UNSERVABLE),
            oldest_uncovered: seconds(&OLDEST_UNCOVERED),
            pool_addresses: gauges(&POOL_ADDRESSES),
            pool_shortfall: gauges(&POOL_SHORTFALL),
            pool_min_spare: gauges(&POOL_MIN_SPARE),
            overflow: gauges(&OVERFLOW),
            bystanders: gauges(&BYSTANDERS),
            drift: gauges(&DRIFT),
            breaker_open: gauges(&BREAKER_OPEN),
            observe_only: gauges(&OBSERVE_ONLY),
            contested: gauges(&CONTESTED),
            changes: counters(&CHANGES),
            passes: counters(&PASSES),
            pass_duration: histograms(&PASS_DURATION, PASS_BUCKETS),
            last_success: seconds(&LAST_SUCCESS),
            repair: histograms(&REPAIR, REPAIR_BUCKETS),
            uncovered_seconds: totals(&UNCOVERED_SECONDS),
        }
    }

    /// Ends every series of a target.
    pub(super) fn forget(&mut self, target: &str) {
        let gauges = [
            &mut self.network_interfaces,
            &mut self.unassociated,
            &mut self.function_uncovered,
            &mut self.function_unservable,
            &mut self.pool_addresses,
            &mut self.pool_shortfall,
            &mut self.pool_min_spare,
            &mut self.overflow,
            &mut self.bystanders,
            &mut self.drift,
            &mut self.breaker_open,
            &mut self.observe_only,
            &mut self.contested,
        ];
        for family in gauges {
            family.retain(target, |_| false);
        }
        for family in [&mut self.oldest_uncovered, &mut self.last_success] {
            family.retain(target, |_| false);
        }
        for family in [&mut self.changes, &mut self.passes] {
            family.retain(target, |_| false);
        }
        for family in [&mut self.pass_duration, &mut self.repair] {
            family.retain(target, |_| false);
        }
        self.uncovered_seconds.retain(target, |_| false);
    }
}

/// The metrics of the process as a whole.
pub(super) struct Globals {
    pub(super) reload_successful: IntGauge,
    pub(super) reloads: IntCounterVec,
    pub(super) events: IntCounterVec,
    pub(super) event_lag: Histogram,
    pub(super) event_queue_configured: IntGauge,
    pub(super) event_queue_up: IntGauge,
    pub(super) notifications: IntCounterVec,
    pub(super) aws_requests: IntCounterVec,
    pub(super) aws_request_duration: HistogramVec,
    pub(super) build_info: IntGaugeVec,
}

impl Globals {
    pub(super) fn new(registry: &Registry) -> Self {
        let counters = |of: &Definition| IntCounterVec::new(of.options(), of.labels);
        let reloads = registered(registry, counters(&RELOADS));
        // A series that begins at 1 shows no increase.
        reloads.with_label_values(&["failed"]);
        Self {
            reload_successful: registered(registry, IntGauge::with_opts(RELOAD_SUCCESSFUL.options())),
            reloads,
            events: registered(registry, counters(&EVENTS)),
            event_lag: registered(
                registry,
                Histogram::with_opts(HistogramOpts::from(EVENT_LAG.options()).buckets(LAG_BUCKETS.to_vec())),
            ),
            event_queue_configured: registered(
                registry,
                IntGauge::with_opts(EVENT_QUEUE_CONFIGURED.options()),
            ),
            event_queue_up: registered(registry, IntGauge::with_opts(EVENT_QUEUE_UP.options())),
            notifications: registered(registry, counters(&NOTIFICATIONS)),
            aws_requests: registered(registry, counters(&AWS_REQUESTS)),
            aws_request_duration: registered(registry, AWS_REQUEST_DURATION.histogram(REQUEST_BUCKETS)),
            build_info: registered(registry, IntGaugeVec::new(BUILD_INFO.options(), BUILD_INFO.labels)),
        }
    }
}
