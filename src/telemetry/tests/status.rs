//! `/status` and the answers to probes, through the routes, on a paused clock.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use serde_json::Value;
use tokio::time::advance;

use crate::domain::action::Outcome;
use crate::domain::report::PassResult;
use crate::reconcile::ports::{Audience, EventAudience, EventNote};
use crate::telemetry::Telemetry;
use crate::telemetry::fixture::{configured, eip, eni, id, moment, pass};
use crate::telemetry::http::router;

const SECOND: Duration = Duration::from_secs(1);

fn telemetry() -> Arc<Telemetry> {
    Arc::new(Telemetry::new(moment(0)))
}

async fn ask(telemetry: &Arc<Telemetry>, method: Method, path: &str) -> (StatusCode, String, String) {
    let request = Request::builder().method(method).uri(path).body(Body::empty()).expect("a valid request");
    let service = TowerToHyperService::new(router(Arc::clone(telemetry)));
    let response = service.call(request).await.expect("routes do not fail");
    let content_type = response.headers().get("content-type").and_then(|value| value.to_str().ok());
    let content_type = content_type.unwrap_or_default().to_owned();
    let status = response.status();
    let body = response.into_body().collect().await.expect("the body is in memory").to_bytes();
    (status, content_type, String::from_utf8(body.to_vec()).expect("text"))
}

async fn get(telemetry: &Arc<Telemetry>, path: &str) -> (u16, String) {
    let (status, _, body) = ask(telemetry, Method::GET, path).await;
    (status.as_u16(), body)
}

async fn status(telemetry: &Arc<Telemetry>) -> Value {
    serde_json::from_str(&get(telemetry, "/status").await.1).expect("JSON")
}

#[tokio::test(start_paused = true)]
async fn each_path_has_its_type_and_only_reading_is_allowed() {
    let telemetry = telemetry();
    telemetry.configured(&configured(&[("t", &["f"])]));
    for (path, expected) in [
        ("/", "text/html; charset=utf-8"),
        ("/metrics", "text/plain; version=0.0.4"),
        ("/healthz", "text/plain; charset=utf-8"),
        ("/status", "application/json"),
    ] {
        let (status, content_type, body) = ask(&telemetry, Method::GET, path).await;
        assert_eq!((status, content_type.as_str()), (StatusCode::OK, expected), "{path}");
        assert!(!body.is_empty());
        let (status, _, body) = ask(&telemetry, Method::HEAD, path).await;
        assert_eq!((status, body.as_str()), (StatusCode::OK, ""), "{path}");
        for method in [Method::POST, Method::PUT, Method::DELETE] {
            assert_eq!(ask(&telemetry, method, path).await.0, StatusCode::METHOD_NOT_ALLOWED, "{path}");
        }
    }
    assert_eq!(get(&telemetry, "/metrics/").await.0, 404);
    assert_eq!(get(&telemetry, "/favicon.ico").await.0, 404);
}

#[tokio::test(start_paused = true)]
async fn ready_means_that_every_target_made_a_pass_whatever_its_result() {
    let telemetry = telemetry();
    assert_eq!(get(&telemetry, "/readyz").await.0, 503);
    telemetry.configured(&configured(&[("a", &[]), ("b", &[])]));
    telemetry.hear(&pass("a", 1).report());
    assert_eq!(
        get(&telemetry, "/readyz").await,
        (503, "waiting: target `b` has completed no pass yet\n".to_owned())
    );
    telemetry.hear(&pass("b", 1).ended(PassResult::Failed, &["no route"]).report());
    assert_eq!(get(&telemetry, "/readyz").await, (200, "ok\n".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn healthy_means_that_passes_are_completed_in_time_good_or_bad() {
    let telemetry = telemetry();
    assert_eq!(get(&telemetry, "/healthz").await.0, 200);
    telemetry.configured(&configured(&[("a", &[]), ("b", &[])]));
    advance(SECOND * 179).await;
    assert_eq!(get(&telemetry, "/healthz").await.0, 200);
    let failed = pass("a", 1).ended(PassResult::Failed, &["no route"]).report();
    telemetry.hear(&failed);
    telemetry.expect_next(&failed, SECOND * 600);
    advance(SECOND).await;
    assert_eq!(
        get(&telemetry, "/healthz").await,
        (503, "stuck: target `b` has completed no pass for 180 s\n".to_owned())
    );
    telemetry.configured(&configured(&[("a", &[])]));
    advance(SECOND * 660).await;
    assert_eq!(get(&telemetry, "/healthz").await.0, 200);
    advance(SECOND * 60).await;
    assert_eq!(get(&telemetry, "/healthz").await.0, 503);
    telemetry.hear(&pass("a", 2).report());
    assert_eq!(get(&telemetry, "/healthz").await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn a_target_that_a_reload_adds_has_the_allowance_of_a_first_pass() {
    let telemetry = telemetry();
    telemetry.configured(&configured(&[("a", &[])]));
    telemetry.hear(&pass("a", 1).report());
    advance(SECOND * 170).await;
    telemetry.hear(&pass("a", 2).report());
    telemetry.configured(&configured(&[("a", &[]), ("b", &[])]));
    advance(SECOND * 170).await;
    assert_eq!(get(&telemetry, "/healthz").await.0, 200);
    assert_eq!(get(&telemetry, "/readyz").await.0, 503);
}

#[tokio::test(start_paused = true)]
async fn the_status_is_the_latest_pass_of_each_target() {
    let telemetry = telemetry();
    telemetry.configured(&configured(&[("a", &["f"]), ("b", &[])]));
    let first = pass("a", 1).repaired(1, "p", &["f"], 1).report();
    telemetry.hear(&first);
    telemetry.expect_next(&first, SECOND * 61);
    telemetry.hear(&pass("c", 1).report());
    let status = status(&telemetry).await;
    assert_eq!(status["targets"].as_array().map(Vec::len), Some(1));
    assert_eq!(status["targets"][0], serde_json::to_value(&first).expect("a report serialises"));
    assert_eq!(status["config"]["source"], "eipd.toml");
    assert_eq!(status["config"]["last_reload_error"], Value::Null);
    assert_eq!(status["loops"][0]["next_pass_in_seconds"], 61.0);
    assert_eq!(status["loops"][1]["first_pass_made"], false);
    assert_eq!(status["last_seen"], Value::Array(Vec::new()));
    let change = &status["changes"][0];
    assert_eq!((&change["target"], &change["pass"]), (&"a".into(), &1.into()));
    assert_eq!((&change["outcome"], &change["at"]), (&"done".into(), &moment(62).to_string().into()));
    assert_eq!(change["network_interface_id"], "eni-00000001");
}

#[tokio::test(start_paused = true)]
async fn a_failed_pass_does_not_hide_what_was_seen_before() {
    let telemetry = telemetry();
    telemetry.configured(&configured(&[("a", &["f"])]));
    telemetry.hear(&pass("a", 1).covered(1, "p", &["f"]).report());
    telemetry.hear(&pass("a", 2).ended(PassResult::Failed, &["no route"]).report());
    let status = status(&telemetry).await;
    assert_eq!(
        (&status["targets"][0]["pass"], &status["targets"][0]["coverage"]),
        (&2.into(), &"unknown".into())
    );
    assert_eq!((&status["last_seen"][0]["pass"], &status["last_seen"][0]["covered"]), (&1.into(), &1.into()));
}

#[tokio::test(start_paused = true)]
async fn changes_are_bounded_and_a_failure_that_repeats_is_one() {
    let telemetry = telemetry();
    telemetry.configured(&configured(&[("a", &["f"])]));
    telemetry.hear(&pass("a", 1).repaired(1, "p", &["f"], 1).report());
    for n in 2..200 {
        telemetry.hear(&pass("a", n).unrepaired(2, "p", &["f"], Outcome::Failed, "denied").report());
        telemetry.hear(&pass("a", n).unrepaired(3, "p", &["f"], Outcome::Skipped, "no time").report());
    }
    let changes = status(&telemetry).await["changes"].clone();
    let seen: Vec<_> = changes.as_array().expect("a list").iter().map(|change| &change["pass"]).collect();
    assert_eq!(seen, [&Value::from(199), &Value::from(1)]);
    let mut many = pass("a", 200);
    for n in 1..100 {
        many = many.repaired(n, "p", &["f"], 1);
    }
    telemetry.hear(&many.report());
    assert_eq!(status(&telemetry).await["changes"].as_array().map(Vec::len), Some(50));
}

#[tokio::test(start_paused = true)]
async fn a_refused_configuration_is_shown_until_a_good_one_comes() {
    let telemetry = telemetry();
    telemetry.configured(&configured(&[("a", &[])]));
    telemetry.reload_failed(moment(5), "eipd.toml:3: no such key");
    let error = status(&telemetry).await["config"]["last_reload_error"].clone();
    assert_eq!(error["message"], "eipd.toml:3: no such key");
    telemetry.configured(&configured(&[("a", &[])]));
    assert_eq!(status(&telemetry).await["config"]["last_reload_error"], Value::Null);
}

#[tokio::test(start_paused = true)]
async fn a_busy_target_does_not_push_out_what_happened_in_another() {
    let telemetry = telemetry();
    telemetry.configured(&configured(&[("a", &["f"]), ("b", &["f"])]));
    telemetry.hear(&pass("b", 1).repaired(1, "p", &["f"], 1).report());
    telemetry.hear_note(event("b", 1, 1));
    for n in 2..200 {
        telemetry.hear(&pass("a", n).repaired(2, "p", &["f"], 1).report());
        telemetry.hear_note(event("a", 2, i64::try_from(n).expect("small")));
    }
    let status = status(&telemetry).await;
    for kind in ["changes", "events"] {
        let all = status[kind].as_array().expect("a list");
        assert_eq!(all.len(), 51, "{kind}");
        assert_eq!((&all[0]["target"], &all[50]["target"]), (&"a".into(), &"b".into()), "{kind}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_is_told_once_with_who_did_what_to_what() {
    let telemetry = telemetry();
    telemetry.configured(&configured(&[("a", &["f"])]));
    for target in ["a", "a", "gone"] {
        telemetry.hear_note(event(target, 1, 7));
    }
    let events = status(&telemetry).await["events"].clone();
    assert_eq!(events.as_array().map(Vec::len), Some(1));
    assert_eq!(events[0]["kind"], "disassociate_address");
    assert_eq!(events[0]["actor"], "arn:aws:iam::111122223333:user/stray");
    assert_eq!(events[0]["allocation_id"], "eipalloc-00000001");
    assert_eq!(events[0]["network_interface_id"], "eni-00000001");
    assert_eq!(events[0]["at"], moment(7).to_string());
    assert_eq!(events[0]["outcome"], "accepted");
    let page = get(&telemetry, "/").await.1;
    assert!(page.contains("Last events") && page.contains("user/stray"), "{page}");
}

fn event(target: &str, n: u32, second: i64) -> EventNote {
    EventNote {
        target: id(target),
        at: moment(second),
        kind: "disassociate_address",
        actor: "arn:aws:iam::111122223333:user/stray".to_owned(),
        outcome: "accepted",
        allocation_id: Some(eip(n)),
        public_ip: None,
        network_interface_id: Some(eni(n)),
        function: None,
        request_id: None,
    }
}
