//! The status for a person, rendered here and complete in itself: no script, no asset, nothing fetched from elsewhere.
//! Says first whether the promise holds, then what each function leaves from, then pools, warnings and changes.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::after::{self, After, Standings};
use super::html::Html;
use super::recent::Change;
use super::status::{ConfigurationStatus, QueueStatus, Snapshot, TargetSnapshot};
use crate::domain::function::FunctionRef;
use crate::domain::ids::AllocationId;
use crate::domain::observed::InterfaceStatus;
use crate::domain::plan::InterfacePlan;
use crate::domain::policy::Mode;
use crate::domain::report::{Coverage, PassResult, Report};
use crate::reconcile::ports::EventNote;

/// The page runs nothing and loads nothing; only its own style sheet applies.
pub(super) const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Rows of interfaces for each target: the uncovered come first, and nobody reads the thousandth.
const ROWS_MAX: usize = 1000;

/// Rows of what happened lately, for all targets together.
const ROWS_OF_RECENT_MAX: usize = 50;

const HEAD: &str = "<!doctype html>
<html lang=\"en\">
<head>
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">
<meta name=\"color-scheme\" content=\"light dark\">
<meta http-equiv=\"refresh\" content=\"15\">
<title>eipd</title>
<style>
body { font: 15px/1.45 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin: 0; }
h2 { font-size: 1.15rem; margin: 2rem 0 .3rem; }
h3 { font-size: 1rem; margin: 1.3rem 0 .3rem; }
p { margin: .3rem 0; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .25rem .9rem .25rem 0; border-bottom: 1px solid #8884; }
th { font-weight: 600; }
td.n, th.n { text-align: right; }
code { font: .92em ui-monospace, monospace; }
.quiet { opacity: .7; }
.good, .bad, .unsure { border-left: .35rem solid; padding-left: .7rem; }
.good { border-color: #2a9d4a; }
.bad { border-color: #d03b3b; }
.unsure { border-color: #c98a00; }
</style>
</head>
<body>
";

/// Renders the page.
pub(super) fn render(snapshot: &Snapshot) -> String {
    let mut html = Html::default();
    html.markup(HEAD);
    headline(&mut html, snapshot);
    if let Some(configuration) = &snapshot.configuration {
        configuration_section(&mut html, configuration);
    }
    if let Some(queue) = &snapshot.queue {
        queue_line(&mut html, queue);
    }
    for target in &snapshot.targets {
        target_section(&mut html, target);
    }
    changes_section(&mut html, &snapshot.changes);
    events_section(&mut html, &snapshot.events);
    html.element("<p class=\"quiet\">eipd ", snapshot.build.version, " (");
    html.text(snapshot.build.revision).element("), running since ", snapshot.build.started_at, ". ");
    html.markup(
        "The same for machines: <a href=\"/status\">/status</a>, <a href=\"/metrics\">/metrics</a>.</p>\n",
    );
    html.markup("</body>\n</html>\n");
    html.into_string()
}

fn headline(html: &mut Html, snapshot: &Snapshot) {
    let latest = || snapshot.targets.iter().map(|target| target.latest.as_deref());
    let uncovered: usize = latest().flatten().map(|report| report.uncovered.len()).sum();
    let unservable: usize = latest().flatten().map(|report| report.unservable.len()).sum();
    let covered: usize = latest().flatten().map(|report| report.covered).sum();
    let is = |coverage| latest().flatten().any(|report| report.coverage() == coverage);
    if uncovered > 0 || unservable > 0 || is(Coverage::Uncovered) {
        html.element(
            "<h1 class=\"bad\">Not covered: network interfaces without their address: ",
            uncovered,
            "",
        );
        if unservable > 0 {
            html.element("; functions that can have none: ", unservable, "");
        }
        html.markup("</h1>\n");
    } else if snapshot.targets.is_empty() || latest().any(|report| report.is_none()) {
        html.markup("<h1 class=\"unsure\">Not known yet: the first pass is under way</h1>\n");
    } else if is(Coverage::Unknown) {
        html.markup("<h1 class=\"unsure\">Not known: the last pass could not see everything</h1>\n");
    } else {
        html.element(
            "<h1 class=\"good\">Covered: every network interface has its address (",
            covered,
            ")</h1>\n",
        );
    }
}

fn configuration_section(html: &mut Html, configuration: &ConfigurationStatus) {
    html.element("<p class=\"quiet\">Configuration: <code>", &configuration.source, "</code>");
    html.element(", read at ", configuration.loaded_at, "</p>\n");
    if let Some(error) = &configuration.last_reload_error {
        html.element("<p class=\"bad\">A newer one was refused at ", error.at, ": ").text(&error.message);
        html.markup("</p>\n");
    }
    for note in &configuration.notes {
        html.element("<p class=\"unsure\">", note, "</p>\n");
    }
}

fn queue_line(html: &mut Html, queue: &QueueStatus) {
    match &queue.trouble {
        Some(trouble) => {
            html.element("<p class=\"bad\">Events: trouble with the queue since ", queue.since, ": ");
            html.text(trouble);
        }
        None => {
            html.element("<p class=\"quiet\">Events: received since ", queue.since, "");
        }
    }
    html.markup("</p>\n");
}

fn target_section(html: &mut Html, target: &TargetSnapshot) {
    html.element("<h2>Target ", &target.name, "</h2>\n");
    if let Some(time) = target.stuck_for {
        html.element("<p class=\"bad\">Stuck: no pass was completed for ", time.as_secs(), " s</p>\n");
    }
    let Some(latest) = &target.latest else {
        html.markup("<p class=\"unsure\">No pass was completed yet.</p>\n");
        return;
    };
    pass_line(html, latest, target);
    for failure in &latest.failures {
        html.element("<p class=\"bad\">", failure, "</p>\n");
    }
    let Some(seen) = &target.seen else { return };
    if latest.result == PassResult::Failed {
        html.element("<p class=\"unsure\">What follows is from pass ", seen.pass, " at ");
        html.text(seen.started_at).markup(".</p>\n");
    }
    functions_table(html, seen, &target.declared);
    pools_table(html, seen);
    if !seen.plan.warnings.is_empty() {
        html.markup("<h3>Warnings</h3>\n");
        for warning in &seen.plan.warnings {
            html.element("<p class=\"unsure\">", &warning.message, "</p>\n");
        }
    }
}

fn pass_line(html: &mut Html, latest: &Report, target: &TargetSnapshot) {
    html.element("<p class=\"quiet\">Pass ", latest.pass, " (").text(latest.trigger.as_str());
    html.element(") at ", latest.started_at, ", ").text(latest.result.as_str());
    html.markup(" after ").text(format_args!("{:.1} s", latest.took.as_secs_f64()));
    if latest.mode == Mode::Observe {
        html.markup(", observing only: nothing is changed");
    }
    if let Some(next) = target.next_pass_in {
        html.element("; the next within ", next.as_secs(), " s");
    }
    html.markup("</p>\n");
}

fn functions_table(html: &mut Html, report: &Report, declared: &BTreeSet<FunctionRef>) {
    let mut interfaces: BTreeMap<&FunctionRef, Vec<&InterfacePlan>> =
        after::functions(report).into_iter().chain(declared).map(|function| (function, Vec::new())).collect();
    for interface in &report.plan.interfaces {
        for function in interface.functions.iter() {
            interfaces.entry(function).or_default().push(interface);
        }
    }
    let uncovered = after::uncovered_by_function(report);
    let unservable: BTreeSet<&FunctionRef> = report.unservable.iter().collect();
    let mut functions: Vec<(&FunctionRef, Vec<&InterfacePlan>)> = interfaces.into_iter().collect();
    functions
        .sort_by_key(|(function, _)| (!uncovered.contains_key(function), !unservable.contains(function)));

    html.markup(
        "<h3>Functions</h3>\n<table>\n<tr><th>Function</th><th>Network interface</th><th>Subnet</th>",
    );
    html.markup("<th>Leaves from</th></tr>\n");
    let standings = Standings::of(report);
    let mut rows = 0;
    for (shown, (function, interfaces)) in functions.iter().enumerate() {
        if rows >= ROWS_MAX {
            html.element(
                "<tr><td colspan=\"4\" class=\"quiet\">and ",
                functions.len() - shown,
                " more functions</td></tr>\n",
            );
            break;
        }
        rows += interfaces.len().max(1);
        function_rows(html, function, interfaces, &standings, unservable.contains(function));
    }
    html.markup("</table>\n");
}

fn function_rows(
    html: &mut Html,
    function: &FunctionRef,
    interfaces: &[&InterfacePlan],
    standings: &Standings<'_>,
    unservable: bool,
) {
    html.element("<tr><td rowspan=\"", interfaces.len().max(1), "\">").element(
        "<code>",
        function,
        "</code></td>",
    );
    if interfaces.is_empty() {
        html.markup(if unservable {
            "<td colspan=\"3\" class=\"bad\">can't have an address, see the warnings</td></tr>\n"
        } else {
            "<td colspan=\"3\" class=\"quiet\">has no network interface now</td></tr>\n"
        });
    }
    for (index, interface) in interfaces.iter().enumerate() {
        if index > 0 {
            html.markup("<tr>");
        }
        html.element("<td><code>", &interface.network_interface_id, "</code></td>");
        html.element("<td><code>", &interface.pair.subnet, "</code>");
        if let Some(zone) = &interface.zone {
            html.markup(" ").text(zone);
        }
        html.markup("</td>");
        let serves = interface.status == InterfaceStatus::InUse;
        match standings.of_interface(interface) {
            After::Carries(allocation, public_ip) => {
                html.markup("<td class=\"good\">");
                address(html, allocation, public_ip);
            }
            After::Without(reason) if serves => {
                html.element("<td class=\"bad\">uncovered: ", reason, "");
                if let Some(actor) = standings.culprit_of(interface) {
                    html.markup("; taken off by ").text(actor);
                }
            }
            After::Without(reason) => {
                html.element("<td class=\"quiet\">", reason, "");
            }
            After::Awaits(why) => {
                html.element(
                    "<td class=\"quiet\">no address yet",
                    why.map(|why| format!(": {why}")).unwrap_or_default(),
                    "",
                );
            }
        }
        html.markup(if serves {
            "</td></tr>\n"
        } else {
            " <span class=\"quiet\">(not in use)</span></td></tr>\n"
        });
    }
}

fn address(html: &mut Html, allocation: &AllocationId, public_ip: Option<IpAddr>) {
    if let Some(ip) = public_ip {
        html.element("", ip, " ");
    }
    html.element("<code>", allocation, "</code>");
}

fn pools_table(html: &mut Html, report: &Report) {
    html.markup("<h3>Pools</h3>\n<table>\n<tr><th>Pool</th>");
    for title in ["associated", "spare", "lingering", "missing", "foreign", "unknown", "shortfall"] {
        html.element("<th class=\"n\">", title, "</th>");
    }
    html.markup("</tr>\n");
    for (pool, figures) in after::pools(report) {
        html.element("<tr><td><code>", pool, "</code></td>");
        let counts = [
            figures.associated,
            figures.spare,
            figures.lingering,
            figures.missing,
            figures.foreign,
            figures.unknown,
            figures.shortfall,
        ];
        for count in counts {
            html.element("<td class=\"n\">", count, "</td>");
        }
        html.markup("</tr>\n");
    }
    html.markup("</table>\n");
}

fn changes_section(html: &mut Html, changes: &[Change]) {
    html.markup("<h2>Last changes</h2>\n");
    if changes.is_empty() {
        html.markup("<p class=\"quiet\">None since the start.</p>\n");
        return;
    }
    html.markup("<table>\n<tr><th>At</th><th>Target</th><th>Change</th><th>Outcome</th></tr>\n");
    for Change { at, target, action: report, .. } in changes.iter().take(ROWS_OF_RECENT_MAX) {
        let action = &report.action;
        html.element("<tr><td>", format_args!("{at:.0}"), "</td>").element("<td>", target, "</td>");
        html.element("<td>", action.kind.as_str(), " ");
        address(html, &action.allocation_id, Some(action.public_ip));
        html.element(", <code>", &action.network_interface_id, "</code>: ").text(action.reason.as_str());
        if let Some(origin) = &report.origin {
            html.markup(", caused by ").text(&origin.actor);
        }
        html.element("</td><td>", report.outcome.as_str(), "");
        if let Some(detail) = &report.detail {
            html.markup(": ").text(detail);
        }
        html.markup("</td></tr>\n");
    }
    html.markup("</table>\n");
}

/// Nothing where no event came, as when there is no queue.
fn events_section(html: &mut Html, events: &[EventNote]) {
    if events.is_empty() {
        return;
    }
    html.markup(
        "<h2>Last events</h2>\n<table>\n<tr><th>At</th><th>Target</th><th>Event</th><th>By</th></tr>\n",
    );
    for event in events.iter().take(ROWS_OF_RECENT_MAX) {
        html.element("<tr><td>", format_args!("{:.0}", event.at), "</td>");
        html.element("<td>", &event.target, "</td>").element("<td>", event.kind, "");
        let address = event.allocation_id.as_ref().map(ToString::to_string);
        let interface = event.network_interface_id.as_ref().map(ToString::to_string);
        for subject in [address, interface, event.function.clone()].iter().flatten() {
            html.element(" <code>", subject, "</code>");
        }
        if event.outcome == "echo" {
            html.markup(" <span class=\"quiet\">(our own)</span>");
        }
        html.element("</td><td>", &event.actor, "</td></tr>\n");
    }
    html.markup("</table>\n");
}
