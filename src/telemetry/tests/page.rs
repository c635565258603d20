//! The page tells a person the truth, and text from outside stays text.

use crate::domain::action::Outcome;
use crate::domain::plan::PoolFigures;
use crate::domain::reason::WarningKind;
use crate::domain::report::{PassResult, Report};
use crate::reconcile::ports::{Audience, EventAudience as _, QueueTroubles};
use crate::telemetry::Telemetry;
use crate::telemetry::fixture::{configured, moment, no_free_address, pass, unservable};
use crate::telemetry::page::{CONTENT_SECURITY_POLICY, render};

fn page(reports: impl IntoIterator<Item = Report>) -> String {
    let telemetry = Telemetry::new(moment(0));
    telemetry.configured(&configured(&[("prod-eu", &["billing", "orders:live", "idle", "gone"])]));
    for report in reports {
        telemetry.hear(&report);
    }
    render(&telemetry.snapshot(), moment(3600))
}

fn headline(page: &str) -> &str {
    let (_, rest) = page.split_once("<h1>").expect("a headline");
    rest.split("</h1>").next().expect("some text")
}

/// What is between two marks.
fn between<'a>(page: &'a str, open: &str, close: &str) -> &'a str {
    let (_, rest) = page.split_once(open).expect("it begins");
    rest.split_once(close).expect("it ends").0
}

#[test]
fn the_page_is_as_reviewed() {
    let report = pass("prod-eu", 3)
        .pool("partner-a", PoolFigures { associated: 1, spare: 1, shortfall: 1, ..Default::default() })
        .covered(1, "partner-a", &["billing", "orders:live"])
        .repaired(2, "partner-a", &["orders:live"], 1)
        .uncovered(3, "partner-a", &["orders:live"], no_free_address())
        .warning(WarningKind::FunctionNotFound, "function `gone` does not exist; hint: check its spelling")
        .with(|report| report.unservable = vec![unservable("gone", WarningKind::FunctionNotFound)])
        .report();
    let page = page([report]);
    let build = format!("{} ({})", crate::telemetry::VERSION, crate::telemetry::REVISION);
    let main = between(&page, "<main id=\"live\">", "</main>").replace(&build, "VERSION (REVISION)");
    // A line for each element, for whoever reviews it.
    let lines = main.replace("><", ">\n<");
    insta::assert_snapshot!(lines);
}

#[test]
fn the_page_is_complete_in_itself_and_its_policy_allows_nothing_else() {
    use aws_smithy_types::base64::encode;
    use sha2::{Digest, Sha256};
    let page = page([]);
    for (element, directive) in [("style", "style-src"), ("script", "script-src")] {
        let text = between(&page, &format!("<{element}>"), &format!("</{element}>"));
        let hash = encode(Sha256::digest(text));
        let allowed = between(CONTENT_SECURITY_POLICY, &format!("{directive} 'sha256-"), "'");
        assert_eq!(allowed, hash, "of {directive} in CONTENT_SECURITY_POLICY: put the right one there");
    }
    for outside in ["src=", "http:", "@import", "url(", " style=", " onclick"] {
        let page = page.replace("http://www.w3.org/2000/svg", "");
        assert!(!page.contains(outside), "{outside}");
    }
    assert!(page.contains("<noscript><meta http-equiv=\"refresh\""), "it renews itself without the script");
    assert!(!page.contains("<form") && !page.contains("<button"), "there is nothing to press");
}

#[test]
fn the_headline_says_whether_the_promise_holds() {
    let covered = |n| pass("prod-eu", n).covered(1, "p", &["billing"]);
    let cases =
        [
            (vec![], "Not known yet"),
            (vec![covered(1)], "Covered: every network interface has its address (1)"),
            (
                vec![covered(1).uncovered(2, "p", &["billing"], no_free_address())],
                "Not covered: network interfaces without their address: 1",
            ),
            (
                vec![covered(1).with(|report| {
                    report.unservable = vec![unservable("gone", WarningKind::FunctionNotFound)]
                })],
                "; functions that can have none: 1",
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
    configuration.settings.push((evil.to_owned(), evil.to_owned()));
    telemetry.configured(&configuration);
    telemetry.reload_failed(moment(1), evil);
    telemetry.hear(&report);
    let page = render(&telemetry.snapshot(), moment(60));
    let main = between(&page, "<main", "</main>");
    assert!(!main.contains("<script") && !main.contains("<img"), "{main}");
    assert_eq!(main.matches("&lt;script&gt;alert(&quot;1&quot;)").count(), 11, "{main}");
}

#[test]
fn a_huge_target_makes_a_page_of_bounded_length() {
    let mut all = pass("prod-eu", 1);
    for n in 1..3000 {
        all = all.uncovered(n, "p", &[&format!("f{n}")], no_free_address());
    }
    let page = page([all.report()]);
    assert_eq!(page.matches("<details").count(), 1000);
    assert!(page.contains("and 2003 more functions"), "the rest is counted");
    assert!(page.contains("and 2979 more network interfaces of target prod-eu"), "so it is at the top");
}

#[test]
fn ten_thousand_interfaces_of_one_function_make_a_page_of_bounded_length() {
    let mut all = pass("prod-eu", 1);
    for n in 0..10_000 {
        all = all.uncovered(n, "p", &["billing", "orders:live"], no_free_address());
    }
    let page = page([all.report()]);
    assert!(page.len() < 400_000, "{}", page.len());
    assert_eq!(page.matches("and 9900 more network interfaces<").count(), 2);
}

#[test]
fn the_queue_is_told_of_with_what_is_wrong_with_it() {
    let telemetry = Telemetry::new(moment(0));
    let shown = |troubles: Option<&QueueTroubles>| {
        telemetry.hear_queue(troubles);
        render(&telemetry.snapshot(), moment(60))
    };
    assert!(shown(Some(&QueueTroubles::default())).contains("; none concerned us yet"));
    telemetry.hear_event("associate_address", "accepted", Some(std::time::Duration::from_millis(2500)));
    let late = shown(Some(&QueueTroubles::default()));
    assert!(late.contains("came 2.5 s late, of the last 1 none more than 2.5 s"), "{late}");
    let delete = Some("sqs:DeleteMessage of <it> failed".to_owned());
    let denied = shown(Some(&QueueTroubles { delete, ..QueueTroubles::default() }));
    assert!(denied.contains("trouble with the queue"), "{denied}");
    assert!(denied.contains("sqs:DeleteMessage of &lt;it&gt; failed"), "{denied}");
    assert!(String::from_utf8_lossy(&telemetry.exposition()).contains("\neipd_event_queue_up 0\n"));
    assert!(!shown(None).contains("Events:"), "no queue is read any more");
}
