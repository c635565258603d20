//! When series move, stay and end.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::action::Outcome;
use crate::domain::plan::PoolFigures;
use crate::domain::policy::{DisruptionBudget, Mode};
use crate::domain::reason::{Reason, WarningKind};
use crate::domain::report::{Breaker, Contested, PassResult, Report};
use crate::telemetry::fixture::{configured, desired, eip, eni, no_free_address, pass, unservable};
use crate::telemetry::record::Metrics;

fn metrics(targets: &[(&str, &[&str])]) -> Metrics {
    let metrics = Metrics::new("1.2.3", "abc123");
    metrics.configured(&configured(targets));
    metrics
}

/// The value of a series in the text; nothing when there is no such series.
fn value(metrics: &Metrics, series: &str) -> Option<f64> {
    let text = String::from_utf8(metrics.exposition()).expect("the text format is UTF-8");
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))?;
    Some(line.parse().expect("a number"))
}

fn pools(spare: usize) -> PoolFigures {
    PoolFigures { spare, ..Default::default() }
}

#[test]
fn everything_countable_is_zero_before_the_first_pass() {
    let metrics = metrics(&[("t", &[])]);
    for series in [
        "eipd_passes_total{outcome=\"failed\",target=\"t\",trigger=\"poll\"}",
        "eipd_changes_total{action=\"associate\",outcome=\"failed\",target=\"t\"}",
        "eipd_last_success_timestamp_seconds{target=\"t\"}",
        "eipd_repair_seconds_count{origin=\"observed\",target=\"t\"}",
        "eipd_breaker_open{target=\"t\"}",
    ] {
        assert_eq!(value(&metrics, series), Some(0.0), "{series}");
    }
    assert_eq!(value(&metrics, "eipd_config_last_reload_successful"), Some(1.0));
}

#[test]
fn every_kind_of_drift_is_zero_from_the_first_pass_that_sees_something() {
    let metrics = metrics(&[("t", &[])]);
    metrics.hear(&pass("t", 1).report());
    for kind in WarningKind::ALL.iter().map(|kind| kind.as_str()).chain(["uncovered_no_free_address"]) {
        let series = format!("eipd_drift{{kind=\"{kind}\",target=\"t\"}}");
        assert_eq!(value(&metrics, &series), Some(0.0), "{series}");
    }
}

#[test]
fn a_failed_pass_moves_only_what_is_about_passes() {
    let metrics = metrics(&[("t", &["f"])]);
    metrics.hear(&pass("t", 1).pool("p", pools(0)).uncovered(1, "p", &["f"], no_free_address()).report());
    let before = value(&metrics, "eipd_last_success_timestamp_seconds{target=\"t\"}");
    metrics.hear(&pass("t", 2).ended(PassResult::Failed, &["no route"]).report());
    assert_eq!(
        value(&metrics, "eipd_passes_total{outcome=\"failed\",target=\"t\",trigger=\"poll\"}"),
        Some(1.0)
    );
    assert_eq!(value(&metrics, "eipd_pass_duration_seconds_count{target=\"t\"}"), Some(2.0));
    assert_eq!(value(&metrics, "eipd_network_interfaces{pool=\"p\",target=\"t\"}"), Some(1.0));
    assert_eq!(
        value(&metrics, "eipd_unassociated_network_interfaces{pool=\"p\",target=\"t\",why=\"bare\"}"),
        Some(1.0)
    );
    assert_eq!(value(&metrics, "eipd_last_success_timestamp_seconds{target=\"t\"}"), before);
}

#[test]
fn success_means_everything_was_seen_and_the_plan_held() {
    let end_of = |n: u32| Some(f64::from(1_800_000_002 + n * 60));
    let last = "eipd_last_success_timestamp_seconds{target=\"t\"}";
    let metrics = metrics(&[("t", &["f"])]);
    metrics.hear(&pass("t", 1).report());
    assert_eq!(value(&metrics, last), end_of(1));
    let failed_action = |n| pass("t", n).unrepaired(1, "p", &["f"], Outcome::Failed, "denied");
    metrics.hear(&failed_action(2).ended(PassResult::Incomplete, &["denied"]).report());
    assert_eq!(value(&metrics, last), end_of(2));
    let gap = pass("t", 3).warning(WarningKind::ObservationIncomplete, "a page was lost");
    metrics.hear(&gap.ended(PassResult::Incomplete, &["a page was lost"]).report());
    metrics.hear(&pass("t", 4).ended(PassResult::Refused, &["a defect"]).report());
    metrics.hear(&pass("t", 5).ended(PassResult::Failed, &["no route"]).report());
    assert_eq!(value(&metrics, last), end_of(2));
}

#[test]
fn gauges_tell_how_it_is_after_the_pass() {
    let metrics = metrics(&[("t", &["f"])]);
    metrics.hear(&pass("t", 1).pool("p", pools(2)).repaired(1, "p", &["f"], 3).report());
    assert_eq!(value(&metrics, "eipd_pool_addresses{pool=\"p\",state=\"spare\",target=\"t\"}"), Some(1.0));
    assert_eq!(
        value(&metrics, "eipd_pool_addresses{pool=\"p\",state=\"associated\",target=\"t\"}"),
        Some(1.0)
    );
    assert_eq!(
        value(&metrics, "eipd_function_uncovered_network_interfaces{function=\"f\",target=\"t\"}"),
        Some(0.0)
    );
    assert_eq!(
        value(&metrics, "eipd_pool_addresses{pool=\"p\",state=\"elsewhere\",target=\"t\"}"),
        Some(0.0)
    );
    assert_eq!(value(&metrics, "eipd_repair_seconds_sum{origin=\"observed\",target=\"t\"}"), Some(3.0));
}

#[test]
fn a_function_that_only_a_tag_selects_has_its_series_without_any_interface() {
    let metrics = metrics(&[("t", &[])]);
    let uncovered = "eipd_function_uncovered_network_interfaces{function=\"tagged\",target=\"t\"}";
    let seconds = "eipd_uncovered_seconds_total{function=\"tagged\",target=\"t\"}";
    let selecting = |n, functions: &[&str]| {
        let mut report = pass("t", n).report();
        report.desired = Arc::new(desired(functions));
        report
    };
    metrics.hear(&selecting(1, &["tagged"]));
    assert_eq!((value(&metrics, uncovered), value(&metrics, seconds)), (Some(0.0), Some(0.0)));
    metrics.hear(&selecting(2, &[]));
    assert_eq!((value(&metrics, uncovered), value(&metrics, seconds)), (None, None));
}

#[test]
fn a_function_that_can_have_no_address_shows_why_until_it_can() {
    let metrics = metrics(&[("t", &["f"])]);
    let shown = || {
        ["not_found", "not_in_vpc", "on_capacity_provider"].map(|why| {
            value(&metrics, &format!("eipd_function_unservable{{function=\"f\",target=\"t\",why=\"{why}\"}}"))
        })
    };
    let zeros = [Some(0.0); 3];
    metrics.hear(&pass("t", 1).covered(1, "p", &["f"]).report());
    assert_eq!(shown(), zeros);
    let outside = unservable("f", WarningKind::FunctionNotInVpc);
    metrics.hear(&pass("t", 2).with(|report| report.unservable = vec![outside]).report());
    assert_eq!(shown(), [Some(0.0), Some(1.0), Some(0.0)]);
    metrics.hear(&pass("t", 3).ended(PassResult::Failed, &["no route"]).report());
    assert_eq!(shown(), [Some(0.0), Some(1.0), Some(0.0)], "a failed pass saw nothing");
    metrics.hear(&pass("t", 4).covered(1, "p", &["f"]).report());
    assert_eq!(shown(), zeros);
}

#[test]
fn observing_only_leaves_interfaces_uncovered_and_says_so() {
    let metrics = metrics(&[("t", &["f"])]);
    let observed =
        pass("t", 1).pool("p", pools(2)).unrepaired(1, "p", &["f"], Outcome::Planned, "observing only");
    metrics.hear(&observed.with(|report| report.mode = Mode::Observe).report());
    assert_eq!(value(&metrics, "eipd_observe_only{target=\"t\"}"), Some(1.0));
    assert_eq!(value(&metrics, "eipd_pool_addresses{pool=\"p\",state=\"spare\",target=\"t\"}"), Some(2.0));
    assert_eq!(
        value(&metrics, "eipd_function_uncovered_network_interfaces{function=\"f\",target=\"t\"}"),
        Some(1.0)
    );
}

#[test]
fn what_is_contested_or_held_back_shows_until_it_is_over() {
    let metrics = metrics(&[("t", &["f"])]);
    let shown = || {
        ["eipd_contested_addresses", "eipd_breaker_open"]
            .map(|name| value(&metrics, &format!("{name}{{target=\"t\"}}")))
    };
    let fought = pass("t", 1).covered(1, "p", &["f"]).with(|report| {
        let (allocation_id, network_interface_id) = (eip(1), eni(1));
        let public_ip = [198, 18, 0, 1].into();
        let one = Contested { allocation_id, public_ip, network_interface_id, times: 3, actor: None };
        report.contested = vec![one];
        let limits = DisruptionBudget::default();
        report.breaker = Some(Breaker { planned: 9, removals: 0, in_last_hour: 0, limits });
    });
    metrics.hear(&fought.report());
    assert_eq!(shown(), [Some(1.0), Some(1.0)]);
    metrics.hear(&pass("t", 2).covered(1, "p", &["f"]).report());
    assert_eq!(shown(), [Some(0.0), Some(0.0)]);
}

#[test]
fn a_wrong_address_is_told_from_none() {
    let metrics = metrics(&[("t", &["f"])]);
    let wrong = Reason::WrongAddress { carried: Vec::new(), declared_in: None };
    metrics.hear(&pass("t", 1).uncovered(1, "p", &["f"], wrong).report());
    assert_eq!(
        value(&metrics, "eipd_unassociated_network_interfaces{pool=\"p\",target=\"t\",why=\"wrong\"}"),
        Some(1.0)
    );
    assert_eq!(value(&metrics, "eipd_drift{kind=\"uncovered_undeclared_address\",target=\"t\"}"), Some(1.0));
}

#[test]
fn series_end_when_their_function_pool_or_target_leaves_and_others_stay() {
    let metrics = metrics(&[("a", &["f", "g"]), ("b", &["f"])]);
    let both = |target| {
        pass(target, 1)
            .pool("p", pools(0))
            .pool("q", pools(0))
            .uncovered(1, "p", &["f"], no_free_address())
            .report()
    };
    metrics.hear(&both("a"));
    metrics.hear(&both("b"));
    metrics.configured(&configured(&[("a", &["g"])]));
    metrics.hear(&pass("a", 2).pool("p", pools(0)).report());
    metrics.hear(&both("b"));
    let text = String::from_utf8(metrics.exposition()).expect("the text format is UTF-8");
    assert!(
        text.contains("function=\"g\",target=\"a\"") && text.contains("pool=\"p\",target=\"a\""),
        "{text}"
    );
    for gone in ["function=\"f\"", "pool=\"q\"", "target=\"b\""] {
        assert!(!text.contains(gone), "{gone} in {text}");
    }
}

#[test]
fn a_refused_configuration_shows_until_a_good_one_comes() {
    let metrics = metrics(&[("t", &[])]);
    metrics.reload_failed();
    assert_eq!(value(&metrics, "eipd_config_last_reload_successful"), Some(0.0));
    metrics.configured(&configured(&[("t", &[])]));
    assert_eq!(value(&metrics, "eipd_config_last_reload_successful"), Some(1.0));
}

/// The seconds that each pass adds for function `f`.
fn uncovered_seconds(passes: impl IntoIterator<Item = Report>) -> Vec<f64> {
    let metrics = metrics(&[("t", &["f"])]);
    let mut sum = 0.0;
    let added = passes.into_iter().map(|report| {
        metrics.hear(&report);
        let before = sum;
        sum = value(&metrics, "eipd_uncovered_seconds_total{function=\"f\",target=\"t\"}").unwrap_or(0.0);
        sum - before
    });
    added.collect()
}

#[test]
fn uncovered_time_runs_between_looks_that_agree_and_ends_with_the_repair() {
    let without = |n| pass("t", n).uncovered(1, "p", &["f"], no_free_address()).report();
    let failed = |n| pass("t", n).ended(PassResult::Failed, &["no route"]).report();
    let repaired = |n, age| pass("t", n).repaired(1, "p", &["f"], age).report();
    let covered = |n| pass("t", n).covered(1, "p", &["f"]).report();
    // First sight tells no duration; a failed pass is no look; the repair is counted from the last look on.
    assert_eq!(uncovered_seconds([without(1), without(2)]), [0.0, 60.0]);
    assert_eq!(uncovered_seconds([without(1), failed(2), without(3)]), [0.0, 0.0, 120.0]);
    assert_eq!(uncovered_seconds([without(1), without(2), repaired(3, 118)]), [0.0, 60.0, 60.0]);
    assert_eq!(uncovered_seconds([covered(1), repaired(2, 1), covered(3)]), [0.0, 1.0, 0.0]);
    assert_eq!(uncovered_seconds([repaired(1, 1)]), [1.0]);
    // Another interface is another episode.
    let other = pass("t", 2).uncovered(2, "p", &["f"], no_free_address()).report();
    assert_eq!(uncovered_seconds([without(1), other]), [0.0, 0.0]);
    // A wall clock that was set back adds nothing.
    assert_eq!(uncovered_seconds([without(5), without(2)]), [0.0, 0.0]);
}

#[test]
fn a_function_with_many_uncovered_interfaces_counts_each_second_once() {
    let without = |n| {
        let pass = pass("t", n).uncovered(1, "p", &["f"], no_free_address());
        pass.uncovered(2, "p", &["f"], no_free_address()).report()
    };
    assert_eq!(uncovered_seconds([without(1), without(2)]), [0.0, 60.0]);
}

#[test]
fn ten_thousand_interfaces_make_no_more_series_than_one() {
    let series = |interfaces: u32| {
        let metrics = metrics(&[("t", &["f"])]);
        let mut pass = pass("t", 1).pool("p", pools(0));
        for n in 0..interfaces {
            pass = pass.uncovered(n, "p", &["f"], no_free_address());
        }
        metrics.hear(&pass.with(|report| report.took = Duration::from_secs(9)).report());
        String::from_utf8(metrics.exposition()).expect("UTF-8").lines().count()
    };
    assert_eq!(series(1), series(10_000));
}
