//! What `status` says of answers made from real reports, and of answers that it half understands.

use serde_json::{Value, json};

use super::super::render::fixtures::{POOL, Scene, allocation, eni, ip};
use super::*;
use crate::domain::action::Outcome;
use crate::domain::plan::PoolFigures;
use crate::domain::reason::WarningKind;
use crate::domain::report::{PassResult, Report};

fn answer(targets: &[Report], changes: &Value) -> Value {
    json!({
        "version": "0.1.0",
        "revision": "abc1234",
        "started_at": "2025-12-31T20:47:00Z",
        "config": {"source": "eipd.toml", "loaded_at": "2025-12-31T23:00:00Z", "last_reload_error": null},
        "targets": targets,
        "changes": changes,
    })
}

fn read(answer: Value) -> StatusAnswer {
    serde_json::from_value(answer).expect("an answer that can be read")
}

fn said(answer: Value) -> String {
    let now = "2026-01-01T00:00:14Z".parse().expect("a time");
    anstream::adapter::strip_str(&text::status(&read(answer), now)).to_string()
}

fn drifting() -> Report {
    let mut report = Scene::new()
        .keeps(1, 1, &["billing"])
        .without(2, 2, &["billing", "reports"])
        .gets(3, 3, &["exports"], Outcome::Failed)
        .pool(POOL, PoolFigures { associated: 4, shortfall: 1, ..PoolFigures::default() })
        .warning(
            WarningKind::AddressMissing,
            "address `eipalloc-0a1b2c3d` does not exist; hint: check the id",
        )
        .unservable("mailer")
        .result(PassResult::Incomplete)
        .report();
    report.oldest_uncovered = Some(std::time::Duration::from_secs(754));
    report
}

fn changes() -> Value {
    json!([
        {"at": "2025-12-31T23:59:00Z", "target": "default", "kind": "associate", "outcome": "done",
         "allocation_id": allocation(1), "public_ip": ip(1), "network_interface_id": eni(1),
         "cause": {"at": "2025-12-31T23:58:58Z", "actor": "arn:aws:iam::111122223333:user/stray"}},
        {"at": "2026-01-01T00:00:00Z", "target": "default", "kind": "associate", "outcome": "failed",
         "allocation_id": allocation(3), "public_ip": ip(3), "network_interface_id": eni(3),
         "detail": "ec2:AssociateAddress failed: you are not authorized"},
        {"at": "2026-01-01T00:00:01Z", "of a later": "version"},
    ])
}

#[test]
fn an_uncovered_target_is_told_with_its_reasons_and_changes() {
    insta::assert_snapshot!(said(answer(&[drifting()], &changes())));
}

#[test]
fn who_undoes_what_is_told() {
    let mut report = Scene::new().without(2, 2, &["billing"]).report();
    let stray = "arn:aws:iam::111122223333:user/stray";
    report.contested = vec![crate::domain::report::Contested {
        allocation_id: allocation(2),
        public_ip: ip(2),
        network_interface_id: eni(2),
        times: 4,
        actor: Some(stray.to_owned()),
    }];
    let mut answer = answer(&[report], &json!([]));
    answer["events"] = json!([
        {"at": "2025-12-31T23:59:00Z", "target": "default", "kind": "associate_address", "outcome": "echo",
         "allocation_id": allocation(2), "network_interface_id": eni(2), "actor": "arn:aws:sts::1:eipd"},
        {"at": "2026-01-01T00:00:00Z", "target": "default", "kind": "disassociate_address",
         "outcome": "accepted", "allocation_id": allocation(2), "network_interface_id": eni(2),
         "actor": stray},
        {"at": "2025-12-31T23:58:00Z", "kind": "update_function_configuration", "function": "billing"},
        {"of a later": "version"},
    ]);
    insta::assert_snapshot!(said(answer));
}

#[test]
fn a_covered_target_is_told_briefly() {
    let report = Scene::new().keeps(1, 1, &["billing"]).pool(POOL, PoolFigures::default()).observe_only();
    insta::assert_snapshot!(said(answer(&[report.report()], &json!([]))));
}

#[test]
fn a_failed_reload_and_a_failed_pass_are_told() {
    let failed = Scene::named("prod-us")
        .failure("sts:GetCallerIdentity failed: no credentials; hint: set AWS_PROFILE");
    let covered = Scene::named("prod-eu").keeps(1, 1, &["billing"]);
    let mut answer = answer(&[covered.report(), failed.result(PassResult::Failed).report()], &json!([]));
    answer["config"]["last_reload_error"] =
        json!({"at": "2026-01-01T00:00:00Z", "message": "eipd.toml:3:1: unknown key `pol`; hint: `pool`"});
    insta::assert_snapshot!(said(answer));
}

#[test]
fn the_queue_is_told_of_with_what_is_wrong_with_it() {
    let mut answer = answer(&[], &json!([]));
    answer["queue"] = json!({"since": "2026-01-01T00:00:00Z", "trouble": null});
    let text = said(answer.clone());
    assert!(text.contains("\nevents received for "), "{text}");
    answer["queue"]["trouble"] = json!("sqs:DeleteMessage failed; hint: grant `sqs:DeleteMessage`");
    let text = said(answer);
    assert!(text.contains("trouble with the queue of events for "), "{text}");
    assert!(text.contains("hint: grant `sqs:DeleteMessage`"), "{text}");
}

#[test]
fn many_uncovered_interfaces_are_counted() {
    let scene = (0..1_000).fold(Scene::new(), |scene, n| scene.without(n, n % 3, &["billing"]));
    let text = said(answer(&[scene.report()], &json!([])));
    assert!(text.contains("  ! 950 more; --format json names them\n"), "{text}");
    assert!(text.lines().count() < 120, "{text}");
}

#[test]
fn what_is_missing_or_unknown_does_not_stop_the_reader() {
    let cases = [
        (json!({"targets": []}), Exit::CouldNotTell),
        (json!({"targets": [{"target": "a", "coverage": "covered"}], "novelty": {"a": [1]}}), Exit::Good),
        (
            json!({"targets": [{"target": "a", "coverage": "uncovered", "uncovered": [{"network_interface_id": "eni-1"}]}]}),
            Exit::Drift,
        ),
        (json!({"targets": [{"target": "a", "coverage": "half"}]}), Exit::CouldNotTell),
        (json!({"targets": [{"target": "a"}]}), Exit::CouldNotTell),
    ];
    for (answer, exit) in cases {
        assert_eq!(read(answer.clone()).exit(), exit, "{answer}");
        assert!(!said(answer).is_empty());
    }
}

#[test]
fn an_answer_without_targets_is_no_status() {
    for answer in [json!({}), json!([]), json!({"status": "UP"}), json!("ok")] {
        assert!(serde_json::from_value::<StatusAnswer>(answer.clone()).is_err(), "{answer}");
    }
}

#[test]
fn an_answer_cannot_steer_the_terminal() {
    let text = said(json!({
        "version": "\u{1b}]0;title\u{7}",
        "targets": [{"target": "a\u{1b}[2J", "coverage": "uncovered", "failures": ["x\r\u{1b}[1A"],
            "uncovered": [{"network_interface_id": "eni-\u{8}", "functions": ["\u{9b}1m"], "detail": "a\nb"}]}],
    }));
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
}
