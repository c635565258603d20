//! The log says each thing once.

use std::io::Write;
use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::domain::action::Outcome;
use crate::domain::reason::{Reason, WarningKind};
use crate::domain::report::{PassResult, Report};
use crate::telemetry::fixture::{configured, no_free_address, pass};
use crate::telemetry::journal::{Journal, tell_change};
use crate::telemetry::log::LogSettings;

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("no test panics while it writes").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What the action logs at this filter in this format.
fn captured(filter: &str, format: &str, action: impl FnOnce()) -> String {
    let lines = Captured::default();
    let writer = lines.clone();
    let settings = LogSettings::new(Some(filter), Some(format), false, false).expect("valid settings");
    tracing::subscriber::with_default(settings.subscriber(move || writer.clone()), action);
    let bytes = lines.0.lock().expect("no test panics while it writes").clone();
    String::from_utf8(bytes).expect("a log is text")
}

/// A pass as the log hears of it: its actions one by one, and then the whole.
fn hear(journal: &Journal, report: &Report) {
    report.actions.iter().for_each(|action| tell_change(&report.target, report.pass, action));
    journal.hear(report);
}

/// `LEVEL message` of each line above DEBUG, pass by pass.
fn told(reports: impl IntoIterator<Item = Report>) -> Vec<Vec<String>> {
    let journal = Journal::default();
    let lines_of = |report: Report| {
        let log = captured("eipd=info", "json", || hear(&journal, &report));
        log.lines().map(|line| summary(&serde_json::from_str(line).expect("JSON"), &report)).collect()
    };
    reports.into_iter().map(lines_of).collect()
}

fn summary(line: &Value, report: &Report) -> String {
    assert_eq!(line["target"], report.target.as_str(), "{line}");
    assert_eq!(line["pass"], report.pass, "{line}");
    format!("{} {}", line["level"].as_str().unwrap_or_default(), line["message"].as_str().unwrap_or_default())
}

#[test]
fn a_change_has_one_line_with_everything_about_it() {
    let journal = Journal::default();
    let log = captured("eipd=info", "json", || {
        hear(&journal, &pass("prod-eu", 7).repaired(1, "partner-a", &["billing", "orders:live"], 1).report());
    });
    let mut line: Value = serde_json::from_str(log.lines().next().expect("a line")).expect("JSON");
    assert!(line["timestamp"].take().is_string());
    insta::assert_snapshot!(line, @r#"{"allocation_id":"eipalloc-00000001","functions":"billing,orders:live","level":"INFO","message":"associated","network_interface_id":"eni-00000001","pass":7,"public_ip":"198.51.100.1","reason":"bare","request_id":"req-1","target":"prod-eu","timestamp":null,"took_ms":340}"#);
}

#[test]
fn a_failed_action_tells_its_class_and_what_aws_said_once() {
    let failed = |n, why: &str| pass("t", n).unrepaired(1, "p", &["f"], Outcome::Failed, why);
    let reports =
        [failed(1, "denied: abc"), failed(2, "denied: xyz"), pass("t", 3).repaired(1, "p", &["f"], 1)];
    assert_eq!(
        told(reports.map(|pass| pass.report())),
        [
            vec!["WARN could not associate", "WARN uncovered", "WARN pass"],
            vec![],
            vec!["INFO associated", "INFO covered again", "INFO pass"],
        ]
    );
}

#[test]
fn quiet_passes_are_quiet() {
    let covered = |n| pass("t", n).covered(1, "p", &["f"]).report();
    assert_eq!(told([covered(1), covered(2), covered(3)]), [vec!["INFO pass"], vec![], vec![]]);
}

#[test]
fn an_uncovered_interface_is_told_at_first_and_when_its_reason_changes_and_when_it_is_over() {
    let without = |n, reason| pass("t", n).uncovered(1, "p", &["f"], reason).report();
    let passes = [
        without(1, no_free_address()),
        without(
            2,
            Reason::NoFreeAddress {
                pool: "p".parse().expect("a name"),
                candidates: 3,
                associated: 3,
                lingering: 0,
                served_first: None,
            },
        ),
        without(3, Reason::DeniesInternetGateway),
        pass("t", 4).covered(1, "p", &["f"]).report(),
    ];
    assert_eq!(
        told(passes),
        [
            vec!["WARN uncovered", "WARN pass"],
            vec![],
            vec!["WARN uncovered", "WARN pass"],
            vec!["INFO covered again", "INFO pass"],
        ]
    );
}

#[test]
fn what_a_pass_could_not_see_is_not_told_as_over() {
    let gap = |n| pass("t", n).warning(WarningKind::ObservationIncomplete, "a page was lost");
    let passes = [
        pass("t", 1).uncovered(1, "p", &["f"], no_free_address()).report(),
        gap(2).ended(PassResult::Incomplete, &["a page was lost"]).report(),
        pass("t", 3).uncovered(1, "p", &["f"], no_free_address()).report(),
        pass("t", 4).report(),
    ];
    assert_eq!(
        told(passes),
        [
            vec!["WARN uncovered", "WARN pass"],
            vec!["WARN warning", "WARN pass"],
            vec!["INFO warning is over", "WARN pass"],
            vec!["INFO uncovered network interface is gone", "INFO pass"],
        ]
    );
}

#[test]
fn an_outage_of_hours_is_a_handful_of_lines() {
    let failed = |n, why: &str| pass("t", n).ended(PassResult::Failed, &[why]).report();
    let covered = |n| pass("t", n).covered(1, "p", &["f"]).report();
    let mut passes = vec![covered(1)];
    passes.extend((2..500).map(|n| failed(n, "no route to host")));
    passes.extend((500..1000).map(|n| failed(n, "connection refused")));
    passes.push(covered(1000));
    let lines: Vec<String> = told(passes).concat();
    let (blind, lines): (Vec<String>, Vec<String>) =
        lines.into_iter().partition(|line| line == "WARN target is not seen whole");
    assert_eq!(blind.len(), 99, "six an hour");
    assert_eq!(
        lines,
        [
            "INFO pass",
            "WARN pass failed",
            "WARN pass",
            "WARN pass failed",
            "INFO passes succeed again",
            "INFO pass",
        ]
    );
}

#[test]
fn a_target_that_is_not_seen_whole_is_told_of_every_ten_minutes_until_it_is() {
    const LINE: &str = "WARN target is not seen whole";
    let failed = |n| pass("t", n).ended(PassResult::Failed, &["no route"]).report();
    let gap = |n| {
        let pass = pass("t", n).warning(WarningKind::ObservationIncomplete, "a page was lost");
        pass.ended(PassResult::Incomplete, &["a page was lost"]).report()
    };
    let part = |n| pass("t", n).with(|report| report.is_whole = false).report();
    let whole = |n| pass("t", n).report();
    let minutes_told = |reports: Vec<Report>| -> Vec<u64> {
        let numbers: Vec<u64> = reports.iter().map(|report| report.pass).collect();
        let lines = told(reports);
        let told = numbers.into_iter().zip(lines).filter(|(_, lines)| lines.iter().any(|line| line == LINE));
        told.map(|(number, _)| number).collect()
    };
    assert_eq!(minutes_told((1..=40).map(failed).collect()), [11, 21, 31], "never seen");
    assert_eq!(minutes_told((1..=25).map(gap).collect()), [11, 21], "seen in part");
    let again =
        [vec![whole(1)], (2..=15).map(failed).collect(), vec![whole(16)], (17..=27).map(failed).collect()];
    assert_eq!(minutes_told(again.concat()), [11, 26]);
    assert_eq!(
        minutes_told([vec![whole(1)], (2..=30).map(part).collect()].concat()),
        [0; 0],
        "by events alone"
    );
    assert_eq!(minutes_told((1..=60).map(whole).collect()), [0; 0]);
}

#[test]
fn repeated_failures_are_counted_at_debug() {
    let journal = Journal::default();
    let failed = |n| pass("t", n).ended(PassResult::Failed, &["no route"]).report();
    journal.hear(&failed(1));
    let log = captured("eipd=debug", "json", || journal.hear(&failed(2)));
    let line: Value = serde_json::from_str(log.lines().next().expect("a line")).expect("JSON");
    assert_eq!(
        (&line["level"], &line["passes"], &line["detail"]),
        (&"DEBUG".into(), &2.into(), &"no route".into())
    );
}

#[test]
fn a_plan_that_the_audit_refused_is_an_error() {
    let refused = |n| pass("t", n).ended(PassResult::Refused, &["names a foreign address"]).report();
    assert_eq!(
        told([refused(1), refused(2)]),
        [vec!["ERROR the audit refused the plan, nothing was changed", "WARN pass"], vec![]]
    );
}

#[test]
fn a_vanished_pool_does_not_flood_the_log() {
    let mut all = pass("t", 1);
    for n in 1..1000 {
        all = all.uncovered(n, "p", &["f"], no_free_address());
    }
    assert_eq!(told([all.report()]).concat().len(), 101);
}

#[test]
fn text_from_outside_can_not_forge_a_line() {
    let journal = Journal::default();
    let forged = "oops\n2026-01-01T00:00:00Z  INFO all is well \u{1b}[2J";
    let log = captured("eipd=info", "text", || {
        journal.hear(&pass("t", 1).ended(PassResult::Failed, &[forged]).report());
        journal.reload_failed(forged);
    });
    assert_eq!(log.lines().count(), 3, "{log}");
    assert!(!log.contains('\u{1b}'), "{log:?}");
}

#[test]
fn configurations_are_told_with_what_has_no_effect() {
    let journal = Journal::default();
    let mut configuration = configured(&[("t", &["f", "g"])]);
    configuration.notes.push("`notify` is for a later version".to_owned());
    let log = captured("eipd=info", "text", || {
        journal.configured(&configuration);
        journal.reload_failed("eipd.toml:3: no such key");
    });
    let lines: Vec<&str> =
        log.lines().map(|line| line.split_once(": ").map_or(line, |(_, rest)| rest)).collect();
    assert_eq!(
        lines,
        [
            "configuration in force source=\"eipd.toml\" targets=1 functions=2",
            "configuration has a key without effect note=\"`notify` is for a later version\"",
            "configuration refused, the former one stays in force error=\"eipd.toml:3: no such key\"",
        ]
    );
}
