//! What operators watch with agrees with the registry and with itself: each metric and label that a rule, a dashboard or an
//! agent's configuration names exists, each alert has its runbook, and each runbook its alert. That the expressions are
//! valid is for `promtool`, in tests/watch.

use std::collections::{BTreeMap, BTreeSet};

use eipd::telemetry::catalogue;

use crate::documents::repository;

/// What Prometheus adds itself, and what its histograms have.
const EVERYWHERE: [&str; 3] = ["job", "instance", "le"];

fn read(path: &str) -> String {
    std::fs::read_to_string(repository().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn without_comments(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    lines.map(|line| format!("{line}\n")).collect()
}

/// The labels of each name that an expression may use.
type Known = BTreeMap<String, BTreeSet<String>>;

/// The metrics of the registry, and what the recording rules make of them: the part before the first colon of such a name
/// says which labels it has.
fn known() -> Known {
    let mut known = Known::new();
    for metric in catalogue::metrics() {
        let labels: BTreeSet<String> =
            metric.labels.iter().chain(&EVERYWHERE).map(|label| (*label).to_owned()).collect();
        let names = if metric.is_histogram { vec!["_bucket", "_sum", "_count"] } else { vec![""] };
        known.extend(names.into_iter().map(|suffix| (format!("{}{suffix}", metric.name), labels.clone())));
    }
    for line in read("deploy/prometheus/recording.yml").lines() {
        let Some((_, name)) = line.split_once("record: ") else { continue };
        let (labels, _) = name.split_once(':').expect("a recorded name begins with its labels");
        known.insert(name.trim().to_owned(), labels.split('_').map(str::to_owned).collect());
    }
    known
}

/// The words of an expression with what follows each.
fn words(text: &str) -> Vec<(&str, &str)> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let mut words = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(is_part) {
        let tail = &rest[start..];
        let end = tail.find(|c| !is_part(c)).unwrap_or(tail.len());
        words.push((&tail[..end], &tail[end..]));
        rest = &tail[end..];
    }
    words
}

/// What is between the brackets that follow.
fn within(rest: &str, open: char, close: char) -> Option<&str> {
    rest.trim_start().strip_prefix(open)?.split(close).next()
}

/// What an expression names that does not exist.
fn faults(expression: &str, known: &Known) -> Vec<String> {
    let mut faults = Vec::new();
    let any: BTreeSet<&str> = known.values().flatten().map(String::as_str).collect();
    for (word, rest) in words(expression) {
        if word.starts_with("eipd_") || word.contains(":eipd_") {
            let Some(labels) = known.get(word) else {
                faults.push(format!("no metric `{word}`"));
                continue;
            };
            for (label, value) in matchers(within(rest, '{', '}').unwrap_or_default()) {
                if !labels.contains(label) {
                    faults.push(format!("`{word}` has no label `{label}`"));
                }
                if let Some(value) = unknown_value(label, value) {
                    faults.push(format!("label `{label}` never is `{value}`"));
                }
            }
        } else if ["by", "on", "without", "ignoring"].contains(&word)
            && let Some(labels) = within(rest, '(', ')')
        {
            let unknown = labels.split(',').map(str::trim).filter(|label| !any.contains(label));
            faults.extend(unknown.map(|label| format!("no metric has a label `{label}`")));
        }
    }
    faults
}

fn matchers(inside: &str) -> Vec<(&str, &str)> {
    let pairs = inside.split("\",").filter_map(|pair| pair.split_once('='));
    pairs.map(|(label, value)| (label.trim().trim_end_matches('!'), value.trim())).collect()
}

/// The value that is in none of the closed sets, where the label has one and the value is no pattern.
fn unknown_value<'a>(label: &str, value: &'a str) -> Option<&'a str> {
    if !["why", "state", "kind", "outcome", "action", "trigger"].contains(&label) {
        return None;
    }
    let plain = value.strip_prefix('"')?.trim_end_matches('"');
    let document = catalogue::document();
    (!document.contains(&format!("`{plain}`"))).then_some(plain)
}

fn alerts() -> BTreeMap<String, String> {
    let text = read("deploy/prometheus/alerts.yml");
    let blocks = text.split("- alert: ").skip(1);
    let alert = |block: &str| {
        let name = block.lines().next().expect("a name").trim().to_owned();
        (name, block.to_owned())
    };
    blocks.map(alert).collect()
}

#[test]
fn every_metric_and_label_of_the_rules_exists() {
    let known = known();
    for path in ["deploy/prometheus/recording.yml", "deploy/prometheus/alerts.yml"] {
        let found = faults(&without_comments(&read(path)), &known);
        assert!(found.is_empty(), "{path}: {}", found.join("; "));
    }
}

#[test]
fn every_alert_says_how_urgent_it_is_what_it_is_about_and_where_to_read_on() {
    for (name, block) in alerts() {
        let has = |line: &str| assert!(block.contains(line), "{name} lacks `{line}`");
        assert!(block.contains("severity: page\n") || block.contains("severity: ticket\n"), "{name}");
        has("summary: '");
        has(&format!("runbook_url: docs/runbooks/{name}.md\n"));
        if block.contains("target_pool_why:") {
            has("; uncovered functions: {{ range $i, $f := ");
        }
        let (rule, _) = block.split_once("annotations:").expect("an alert is explained");
        if rule.contains("target_function") {
            has("summary: 'Function {{ $labels.function }} ");
        }
    }
}

#[test]
fn every_alert_has_a_runbook_and_every_runbook_an_alert() {
    let folder = repository().join("docs/runbooks");
    let files = std::fs::read_dir(folder).expect("there are runbooks");
    let names = files.map(|file| file.expect("a file").file_name().to_string_lossy().into_owned());
    let pages: BTreeSet<String> = names.filter(|name| name != "README.md").collect();
    let alerts = alerts();
    assert_eq!(pages, alerts.keys().map(|name| format!("{name}.md")).collect());
    let list = read("docs/runbooks/README.md");
    for (name, block) in alerts {
        let page = read(&format!("docs/runbooks/{name}.md"));
        let severity = if block.contains("severity: page") { "page" } else { "ticket" };
        assert!(list.contains(&format!("| [{name}]({name}.md) | {severity} |\n")), "the list has {name}");
        assert!(page.starts_with(&format!("# {name}\n\n**{severity}**")), "{name}");
        for section in ["What it means", "What the user feels", "What to look at", "How to fix it"]
            .map(|s| format!("\n## {s}\n"))
        {
            assert!(page.contains(&section), "{name} lacks{section}");
        }
    }
}

#[test]
fn what_the_runbooks_name_exists() {
    let known = known();
    let mut pages = alerts().into_keys().collect::<Vec<_>>();
    pages.sort();
    for name in pages {
        let page = read(&format!("docs/runbooks/{name}.md"));
        let is_whole =
            |name: &str| catalogue::metrics().any(|metric| metric.is_histogram && metric.name == name);
        let mut found = faults(&page, &known);
        found.retain(|fault| !fault.split('`').nth(1).is_some_and(is_whole));
        found.retain(|fault| !fault.starts_with("no metric has"));
        assert!(found.is_empty(), "{name}: {}", found.join("; "));
        let links = page.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for link in links {
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = std::fs::read_to_string(repository().join("docs/runbooks").join(file));
            let target = target.unwrap_or_else(|error| panic!("{name} links to {link}: {error}"));
            let is_heading = |line: &str| {
                line.starts_with('#')
                    && line.trim_start_matches(['#', ' ']).to_lowercase().replace(' ', "-") == heading
            };
            assert!(heading.is_empty() || target.lines().any(is_heading), "{name} links to {link}");
        }
    }
}

#[test]
fn the_cloudwatch_agent_selects_what_exists() {
    let text = read("deploy/prometheus/scrape/cloudwatch-agent.json");
    let whole: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let declarations =
        &whole["logs"]["metrics_collected"]["prometheus"]["emf_processor"]["metric_declaration"];
    let words = |value: &serde_json::Value| -> Vec<String> {
        let list = value.as_array().expect("a list");
        list.iter().map(|word| word.as_str().expect("a word").to_owned()).collect()
    };
    let known = known();
    for declaration in declarations.as_array().expect("declarations") {
        for selector in words(&declaration["metric_selectors"]) {
            let name = selector.trim_matches(['^', '$']);
            let labels = known.get(name).unwrap_or_else(|| panic!("no metric `{name}`"));
            let own: BTreeSet<String> =
                labels.iter().filter(|label| !EVERYWHERE.contains(&label.as_str())).cloned().collect();
            let dimensions = words(&declaration["dimensions"][0]).into_iter().collect();
            assert_eq!(own, dimensions, "{name}: with fewer dimensions its series are mixed");
        }
    }
}

/// Every text under this key, wherever it is.
fn texts(value: &serde_json::Value, key: &str, found: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(fields) => {
            found.extend(fields.get(key).and_then(|text| text.as_str()).map(str::to_owned));
            fields.values().for_each(|value| texts(value, key, found));
        }
        serde_json::Value::Array(items) => items.iter().for_each(|value| texts(value, key, found)),
        _ => {}
    }
}

#[test]
fn every_metric_and_label_of_the_dashboard_exists() {
    let whole: serde_json::Value =
        serde_json::from_str(&read("deploy/grafana/eipd.json")).expect("a dashboard is JSON");
    let of = |key| {
        let mut found = Vec::new();
        texts(&whole, key, &mut found);
        found
    };
    let known = known();
    let queries = [of("expr"), of("definition")].concat();
    assert!(queries.len() > 30, "the dashboard has queries");
    for query in &queries {
        let found = faults(query, &known);
        assert!(found.is_empty(), "{query}: {}", found.join("; "));
    }
    for legend in of("legendFormat") {
        for label in legend.split("{{").skip(1).filter_map(|rest| rest.split("}}").next()) {
            assert!(known.values().flatten().any(|known| known == label), "{legend}");
        }
    }
    let asked = queries.concat();
    // The last one by way of what is recorded of it.
    let left_out = ["eipd_config_reloads_total", "eipd_notifications_total", "eipd_uncovered_seconds_total"];
    for metric in catalogue::metrics().filter(|metric| !left_out.contains(&metric.name)) {
        assert!(asked.contains(metric.name), "nothing shows {}", metric.name);
    }
}

#[test]
fn what_does_not_exist_is_found() {
    let known = known();
    for (expression, fault) in [
        ("eipd_networks > 0", "no metric `eipd_networks`"),
        ("eipd_pass_duration_seconds", "no metric `eipd_pass_duration_seconds`"),
        ("eipd_drift{pool=\"a\"}", "`eipd_drift` has no label `pool`"),
        ("eipd_drift{target!=\"a\",kind=\"odd\"}", "label `kind` never is `odd`"),
        ("max by (job, host) (eipd_drift)", "no metric has a label `host`"),
        ("job_target:eipd_lost:max", "no metric `job_target:eipd_lost:max`"),
    ] {
        assert_eq!(faults(expression, &known), [fault], "{expression}");
    }
    let good = "max by (job, target) (rate(eipd_changes_total{outcome=\"done\", target=~\".+\"}[5m])) > 0";
    assert!(faults(good, &known).is_empty());
}
