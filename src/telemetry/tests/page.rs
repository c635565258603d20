//! The page tells a person the truth, and text from outside stays text.

use crate::domain::action::Outcome;
use crate::domain::plan::PoolFigures;
use crate::domain::reason::WarningKind;
use crate::domain::report::{PassResult, Report};
use crate::reconcile::ports::{Audience, EventAudience as _, QueueTroubles};
use crate::telemetry::Telemetry;
use crate::telemetry::fixture::{configured, id, moment, no_free_address, pass};
use crate::telemetry::page::render;

fn page(reports: impl IntoIterator<Item = Report>) -> String {
    let telemetry = Telemetry::new(moment(0));
    telemetry.configured(&configured(&[("prod-eu", &["billing", "orders:live", "idle", "gone"])]));
    for report in reports {
        telemetry.hear(&report);
    }
    render(&telemetry.snapshot())
}

fn headline(page: &str) -> &str {
    page.lines().find(|line| line.starts_with("<h1")).expect("a headline")
}

#[test]
fn the_page_is_as_reviewed() {
    let report = pass("prod-eu", 3)
        .pool("partner-a", PoolFigures { associated: 1, spare: 1, shortfall: 1, ..Default::default() })
        .covered(1, "partner-a", &["billing", "orders:live"])
        .repaired(2, "partner-a", &["orders:live"], 1)
        .uncovered(3, "partner-a", &["orders:live"], no_free_address())
        .warning(WarningKind::FunctionNotFound, "function `gone` does not exist")
        .with(|report| report.unservable = vec![id("gone")])
        .report();
    let page = page([report]);
    let (_, body) = page.split_once("<body>").expect("a body");
    let build = format!("{} ({})", crate::telemetry::VERSION, crate::telemetry::REVISION);
    insta::assert_snapshot!(body.replace(&build, "VERSION (REVISION)"));
}

#[test]
fn the_headline_says_whether_the_promise_holds() {
    let covered = |n| pass("prod-eu", n).covered(1, "p", &["billing"]);
    let cases = [
        (vec![], "Not known yet"),
        (vec![covered(1)], "Covered: every network interface has its address (1)"),
        (
            vec![covered(1).uncovered(2, "p", &["billing"], no_free_address())],
            "Not covered: network interfaces without their address: 1<",
        ),
        (
            vec![covered(1).with(|report| report.unservable = vec![id("gone")])],
            "; functions that can have none: 1<",
        ),
        (vec![covered(1), pass("prod-eu", 2).ended(PassResult::Failed, &["no route"])], "Not known: "),
        (vec![covered(1).warning(WarningKind::ObservationIncomplete, "a page was lost")], "Not known: "),
    ];
    for (passes, expected) in cases {
        let page = page(passes.into_iter().map(|pass| pass.report()));
        assert!(headline(&page).contains(expected), "{expected}: {}", headline(&page));
    }
}

#[test]
fn while_passes_fail_the_last_sight_stays_with_its_age() {
    let page = page([
        pass("prod-eu", 1).covered(1, "p", &["billing"]).report(),
        pass("prod-eu", 2).ended(PassResult::Failed, &["no route to host"]).report(),
    ]);
    assert!(page.contains("no route to host") && page.contains("What follows is from pass 1"), "{page}");
    assert!(page.contains("eni-00000001"), "{page}");
}

#[test]
fn text_from_outside_is_harmless() {
    let evil = "<script>alert(\"1\")</script><img src=x onerror='2'>";
    let report = pass("prod-eu", 1)
        .unrepaired(1, "p", &["billing"], Outcome::Failed, evil)
        .warning(WarningKind::AddressOnForeignResource, evil)
        .with(|report| report.plan.interfaces[0].zone = Some(evil.into()))
        .ended(PassResult::Incomplete, &[evil])
        .report();
    let telemetry = Telemetry::new(moment(0));
    let mut configuration = configured(&[("prod-eu", &["billing"])]);
    configuration.source = evil.to_owned();
    configuration.notes.push(evil.to_owned());
    telemetry.configured(&configuration);
    telemetry.reload_failed(moment(1), evil);
    telemetry.hear(&report);
    let page = render(&telemetry.snapshot());
    assert!(!page.contains("<script") && !page.contains("<img"), "{page}");
    assert_eq!(page.matches("&lt;script&gt;alert(&quot;1&quot;)").count(), 8, "{page}");
}

#[test]
fn a_huge_target_makes_a_page_of_bounded_length() {
    let mut all = pass("prod-eu", 1);
    for n in 1..3000 {
        all = all.uncovered(n, "p", &[&format!("f{n}")], no_free_address());
    }
    let page = page([all.report()]);
    assert_eq!(page.matches("<td><code>eni-").count(), 1000);
    assert!(page.contains("and 2003 more functions"), "the rest is counted");
}

#[test]
fn the_queue_is_told_of_with_what_is_wrong_with_it() {
    let telemetry = Telemetry::new(moment(0));
    let shown = |troubles: Option<&QueueTroubles>| {
        telemetry.hear_queue(troubles);
        render(&telemetry.snapshot())
    };
    assert!(shown(Some(&QueueTroubles::default())).contains("Events: received since"));
    let delete = Some("sqs:DeleteMessage of <it> failed".to_owned());
    let denied = shown(Some(&QueueTroubles { delete, ..QueueTroubles::default() }));
    assert!(denied.contains("trouble with the queue"), "{denied}");
    assert!(denied.contains("sqs:DeleteMessage of &lt;it&gt; failed"), "{denied}");
    assert!(String::from_utf8_lossy(&telemetry.exposition()).contains("\neipd_event_queue_up 0\n"));
    assert!(!shown(None).contains("Events:"), "no queue is read any more");
}
