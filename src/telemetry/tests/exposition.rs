//! The whole text of `/metrics`, and the contract that dashboards are built on.

use std::collections::BTreeMap;
use std::time::Duration;

use prometheus::proto::MetricType;

use crate::domain::action::Outcome;
use crate::domain::error_class::ErrorClass;
use crate::domain::plan::PoolFigures;
use crate::domain::reason::WarningKind;
use crate::domain::report::PassResult;
use crate::telemetry::catalogue;
use crate::telemetry::fixture::{configured, no_free_address, pass};
use crate::telemetry::metrics::{ALL, Kind};
use crate::telemetry::record::Metrics;

/// Name, type and labels, as the contract lists them; events come with a later version.
const CONTRACT: &str = "
eipd_network_interfaces | gauge | target pool
eipd_unassociated_network_interfaces | gauge | target pool why
eipd_function_uncovered_network_interfaces | gauge | target function
eipd_function_unservable | gauge | target function why
eipd_oldest_uncovered_seconds | gauge | target
eipd_pool_addresses | gauge | target pool state
eipd_pool_shortfall | gauge | target pool
eipd_pool_min_spare | gauge | target pool
eipd_overflow_network_interfaces | gauge | target pool
eipd_bystanders | gauge | target pool
eipd_drift | gauge | target kind
eipd_breaker_open | gauge | target
eipd_observe_only | gauge | target
eipd_contested_addresses | gauge | target
eipd_config_last_reload_successful | gauge |
eipd_config_reloads_total | counter | outcome
eipd_events_total | counter | kind outcome
eipd_event_lag_seconds | histogram |
eipd_event_queue_configured | gauge |
eipd_event_queue_up | gauge |
eipd_notifications_total | counter | outcome
eipd_changes_total | counter | target action outcome
eipd_passes_total | counter | target trigger outcome
eipd_pass_duration_seconds | histogram | target
eipd_last_success_timestamp_seconds | gauge | target
eipd_repair_seconds | histogram | target origin
eipd_uncovered_seconds_total | counter | target function
eipd_aws_requests_total | counter | service operation outcome
eipd_aws_request_duration_seconds | histogram | service operation outcome
eipd_build_info | gauge | version revision
";

/// Two targets, one of them with trouble of most kinds.
fn metrics() -> Metrics {
    let metrics = Metrics::new("1.2.3", "abc123");
    metrics.configured(&configured(&[
        ("prod-eu", &["billing", "orders:live", "idle", "gone"]),
        ("prod-us", &["reports"]),
    ]));
    let figures = PoolFigures {
        associated: 2,
        spare: 3,
        lingering: 1,
        shortfall: 1,
        min_spare: 2,
        ..Default::default()
    };
    metrics.hear_event("associate_address", "accepted", Some(std::time::Duration::from_secs(3)));
    metrics.hear_queue(Some(true));
    metrics.hear_notifications(crate::reconcile::ports::Delivery::Sent, 3);
    metrics.hear(
        &pass("prod-eu", 1)
            .pool("partner-a", figures)
            .pool("partner-b", PoolFigures { missing: 1, ..Default::default() })
            .covered(1, "partner-a", &["billing", "orders:live"])
            .covered(2, "partner-a", &["billing"])
            .repaired(3, "partner-a", &["billing"], 1)
            .uncovered(4, "partner-b", &["orders:live"], no_free_address())
            .unrepaired(5, "partner-a", &["billing"], Outcome::Failed, "denied")
            .warning(WarningKind::AddressMissing, "address `eipalloc-0a1b2c3d` does not exist")
            .warning(WarningKind::FunctionNotFound, "function `gone` does not exist")
            .ended(PassResult::Incomplete, &["denied"])
            .with(|report| report.oldest_uncovered = Some(Duration::from_millis(1500)))
            .report(),
    );
    metrics.hear(&pass("prod-us", 1).ended(PassResult::Failed, &["no route"]).report());
    metrics.record("ec2:DescribeAddresses", Ok(()), Duration::from_millis(80));
    metrics.record("ec2:AssociateAddress", Err(ErrorClass::Denied), Duration::from_millis(300));
    metrics
}

/// The metrics of the process itself differ from run to run.
fn own_text(metrics: &Metrics) -> String {
    let text = String::from_utf8(metrics.exposition()).expect("the text format is UTF-8");
    let ours = |line: &&str| line.starts_with("eipd_") || line.contains(" eipd_");
    text.lines().filter(ours).map(|line| format!("{line}\n")).collect()
}

#[test]
fn the_exposition_is_as_reviewed() {
    insta::assert_snapshot!(own_text(&metrics()));
}

/// Name, with type and labels, of each family of ours that is served.
fn served() -> BTreeMap<String, String> {
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    for family in metrics().gather() {
        if !family.name().starts_with("eipd_") {
            assert!(family.name().starts_with("process_"), "{}", family.name());
            continue;
        }
        assert!(!family.help().is_empty());
        let kind = match family.get_field_type() {
            MetricType::GAUGE => "gauge",
            MetricType::COUNTER => "counter",
            MetricType::HISTOGRAM => "histogram",
            other => panic!("no metric of ours is a {other:?}"),
        };
        for metric in family.get_metric() {
            let labels = metric.get_label().iter().map(|label| label.name());
            found.insert(family.name().to_owned(), shape(kind, labels));
        }
    }
    found
}

fn shape<'a>(kind: &str, labels: impl Iterator<Item = &'a str>) -> String {
    let mut labels: Vec<&str> = labels.collect();
    labels.sort_unstable();
    format!("{kind} | {}", labels.join(" "))
}

#[test]
fn names_types_and_labels_are_those_of_the_contract() {
    let rows = CONTRACT.trim().lines().map(|row| {
        let mut cells = row.split('|').map(str::trim);
        let mut cell = || cells.next().expect("three cells");
        let (name, kind) = (cell(), cell());
        (name.to_owned(), shape(kind, cell().split_whitespace()))
    });
    assert_eq!(served(), rows.collect());
}

#[test]
fn the_catalogue_lists_what_is_served() {
    let listed = ALL.iter().map(|definition| {
        let kind = match definition.kind {
            Kind::Gauge => "gauge",
            Kind::Counter => "counter",
            Kind::Histogram => "histogram",
        };
        (definition.name.to_owned(), shape(kind, definition.labels.iter().copied()))
    });
    assert_eq!(served(), listed.collect());
    let document = catalogue::document();
    for label in ALL.iter().flat_map(|definition| definition.labels) {
        assert!(document.contains(&format!("\n| `{label}` |")), "{label} is explained");
    }
}
