//! `eipd events`: the way of events is set up once, verified, used by a running daemon and taken down, and nothing of
//! others is touched.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use eipd_sim::{EventWeather, HttpServer, NewRule, Span, Target};
use serde_json::Value;

use crate::process::{Bench, Ended, PATIENCE, Running, configuration, served};
use crate::small::Small;

/// The estate, its AWS over HTTP, and the binary.
struct Stage {
    small: Small,
    server: HttpServer,
    bench: Bench,
}

impl Stage {
    async fn new() -> Self {
        let small = Small::with(3);
        let moment = Span { shortest: Duration::from_millis(10), longest: Duration::from_millis(50) };
        small.sim.set_events(EventWeather { bus_delay: moment, ..EventWeather::delayed(moment) });
        let server = served(&small).await;
        let bench = Bench::new(&configuration(&small), &server.url());
        Self { small, server, bench }
    }

    async fn events(&self, line: &[&str]) -> Ended {
        self.bench.run(&[&["events"], line].concat()).await
    }

    async fn good(&self, line: &[&str]) -> Ended {
        let ended = self.events(line).await;
        assert_eq!(ended.code(), Some(0), "{line:?}: {}{}", ended.stdout(), ended.stderr());
        ended
    }

    /// The outcome of each item.
    async fn outcomes(&self, line: &[&str], key: &str) -> Vec<String> {
        let ended = self.events(&[line, &["--format", "json"]].concat()).await;
        let answer: Value = serde_json::from_str(&ended.stdout())
            .unwrap_or_else(|error| panic!("{error}: {}{}", ended.stdout(), ended.stderr()));
        let items = answer.get("items").unwrap_or(&answer).as_array().expect("a list").clone();
        items.iter().map(|item| item[key].as_str().unwrap_or("none").to_owned()).collect()
    }

    fn changes(&self) -> usize {
        self.small.sim.with_journal(|journal| journal.mutating().count())
    }

    fn queues(&self) -> Vec<String> {
        self.small.sim.world(|world| world.queues().map(|queue| queue.name.clone()).collect())
    }

    fn rules(&self) -> Vec<String> {
        self.small.sim.world(|world| {
            world.rules(None).expect("the default bus").map(|rule| rule.name.clone()).collect()
        })
    }

    fn is_lawful(&self) {
        assert_eq!(self.small.sim.complaints(), Vec::<String>::new());
    }
}

const SIX: [&str; 6] = ["unchanged"; 6];

#[tokio::test]
async fn setup_makes_everything_once_and_says_what_it_can_not_know() {
    let stage = Stage::new().await;
    let made = stage.good(&["setup"]).await.stdout();
    assert_eq!(made.matches("  created\n").count(), 6, "{made}");
    assert!(made.contains("a CloudTrail trail must log management events"), "{made}");
    let url = stage.small.sim.world(|world| world.queue_url("eipd"));
    assert!(made.contains(&format!("[events]\nqueue_url = \"{url}\"")), "{made}");
    assert_eq!(
        (stage.queues(), stage.rules()),
        (vec!["eipd".into(), "eipd-dlq".into()], vec!["eipd".into()])
    );
    let before = stage.changes();
    assert_eq!(stage.outcomes(&["setup"], "outcome").await, SIX);
    assert_eq!(stage.changes(), before, "a second time nothing is called that changes");
    stage.is_lawful();
}

#[tokio::test]
async fn what_targets_elsewhere_need_is_said_of_each() {
    let mut stage = Stage::new().await;
    let text = configuration(&stage.small).replace(
        "[pools.partner-a]\n",
        "[[targets]]\nname = \"near\"\nregion = \"eu-west-1\"\n\n\
         [[targets]]\nname = \"far\"\nregion = \"us-east-1\"\nrole_arn = \"arn:aws:iam::444455556666:role/eipd\"\n\n\
         [pools.partner-b]\ntarget = \"far\"\nallocations = [\"eipalloc-0a000000000000009\"]\n\n\
         [pools.partner-a]\ntarget = \"near\"\n",
    );
    stage.bench = Bench::new(&text, &stage.server.url());
    for line in [&["setup"][..], &["status", "--read-only"][..]] {
        let said = stage.good(line).await.stdout();
        assert!(said.contains("the events of target `far` (account 444455556666, us-east-1)"), "{said}");
        assert!(said.contains("aws events put-permission --region eu-west-1"), "{said}");
        assert!(!said.contains("`near`"), "{said}");
    }
}

#[tokio::test]
async fn a_dry_run_and_a_template_change_nothing() {
    let stage = Stage::new().await;
    assert_eq!(stage.outcomes(&["setup", "--dry-run"], "outcome").await, ["to_create"; 6]);
    assert_eq!(stage.changes(), 0);
    let calls = stage.small.sim.call_count();
    let template = stage.good(&["setup", "--print", "cloudformation", "--queue-name", "tpl"]).await;
    let template: Value = serde_json::from_str(&template.stdout()).expect("JSON");
    assert_eq!(template["Resources"]["Queue"]["Properties"]["QueueName"], "tpl");
    assert_eq!(stage.small.sim.call_count(), calls, "a template needs no call");
    assert_eq!(stage.events(&["setup", "--print", "cloudformation", "--dry-run"]).await.code(), Some(64));
    assert_eq!(stage.events(&["setup", "--queue-name", "a.fifo"]).await.code(), Some(1));
    assert_eq!(stage.events(&["status", "--timeout", "1h"]).await.code(), Some(64));
}

#[tokio::test]
async fn what_differs_is_shown_and_put_right() {
    let stage = Stage::new().await;
    stage.good(&["setup"]).await;
    stage.small.sim.world(|world| {
        let pattern = Some("{\"source\": [\"aws.s3\"]}".to_owned());
        let state = Some("DISABLED".to_owned());
        world
            .put_rule(NewRule { name: "eipd".to_owned(), pattern, state, ..NewRule::default() })
            .expect("valid");
        let none = BTreeMap::from([("Policy".to_owned(), String::new())]);
        world.set_queue_attributes("eipd", &none).expect("valid");
        let short = BTreeMap::from([("MessageRetentionPeriod".to_owned(), "60".to_owned())]);
        world.set_queue_attributes("eipd-dlq", &short).expect("valid");
    });
    let states = stage.outcomes(&["status"], "state").await;
    assert_eq!(states, ["different", "ok", "ok", "different", "different", "ok", "unknown"]);
    let outcomes = stage.outcomes(&["setup"], "outcome").await;
    assert_eq!(outcomes, ["changed", "unchanged", "unchanged", "changed", "changed", "unchanged"]);
    assert_eq!(stage.outcomes(&["setup"], "outcome").await, SIX);
    stage.good(&["status"]).await;
    stage.is_lawful();
}

#[tokio::test]
async fn a_queue_and_a_rule_of_others_are_refused_unless_adopted() {
    let stage = Stage::new().await;
    let none = BTreeMap::new();
    stage.small.sim.world(|world| world.create_queue("eipd", &none, &none).expect("new"));
    let refused = stage.events(&["setup"]).await;
    assert_eq!(refused.code(), Some(1));
    let said = refused.stderr();
    assert!(said.contains("not tagged `managed-by=eipd`") && said.contains("--adopt"), "{said}");
    assert_eq!(stage.changes(), 0, "nothing was made beside it");
    let outcomes = stage.outcomes(&["setup", "--adopt"], "outcome").await;
    assert_eq!(outcomes, ["created", "created", "changed", "changed", "created", "created"]);
    assert_eq!(stage.outcomes(&["setup"], "outcome").await, SIX);
    let rule = NewRule {
        name: "other".to_owned(),
        pattern: Some("{\"source\":[\"a\"]}".to_owned()),
        ..NewRule::default()
    };
    stage.small.sim.world(|world| world.put_rule(rule).expect("valid"));
    let refused = stage.events(&["setup", "--rule-name", "other"]).await;
    assert!(refused.code() == Some(1) && refused.stderr().contains("rule `other`"), "{}", refused.stderr());
}

#[tokio::test]
async fn a_denied_permission_is_named() {
    let stage = Stage::new().await;
    let refused = async |action: &str, line: &[&str]| {
        stage.small.sim.deny(action);
        let ended = stage.events(line).await;
        stage.small.sim.allow(action);
        let said = format!("{}{}", ended.stdout(), ended.stderr());
        assert_eq!(ended.code(), Some(1), "{action}: {said}");
        assert!(said.contains(&format!("grant `{action}`")), "{action}: {said}");
        said
    };
    refused("events:DescribeRule", &["setup"]).await;
    refused("sqs:CreateQueue", &["setup"]).await;
    let said = refused("events:PutTargets", &["setup"]).await;
    assert_eq!(said.matches("  created\n").count(), 5, "what was done is told: {said}");
    assert_eq!(stage.outcomes(&["setup"], "outcome").await[5], "created", "the next one goes on from there");
    refused("sqs:GetQueueAttributes", &["status"]).await;
    refused("events:PutEvents", &["status"]).await;
    assert_eq!(stage.queues(), ["eipd", "eipd-dlq"], "the check's queue is gone");
    let said = refused("sqs:DeleteQueue", &["teardown", "--yes"]).await;
    assert_eq!(said.matches("  removed\n").count(), 2, "{said}");
}

#[tokio::test]
async fn status_times_an_event_and_leaves_nothing_behind() {
    let stage = Stage::new().await;
    assert_eq!(stage.events(&["status"]).await.code(), Some(1), "nothing is there");
    stage.good(&["setup"]).await;
    let status = stage.good(&["status", "--format", "json"]).await;
    let answer: Value = serde_json::from_str(&status.stdout()).expect("JSON");
    assert!(answer["arrival_seconds"].as_f64().is_some_and(|took| took < 20.0), "{answer}");
    assert_eq!(stage.queues(), ["eipd", "eipd-dlq"]);
    let targets = stage.small.sim.world(|world| world.rule(None, "eipd").expect("there").targets.len());
    assert_eq!(targets, 1);
    let changes = stage.changes();
    stage.good(&["status", "--read-only"]).await;
    assert_eq!(stage.changes(), changes, "only read");
    stage.small.sim.set_events(EventWeather { loss: 1.0, ..EventWeather::default() });
    let states = stage.outcomes(&["status", "--timeout", "2s"], "state").await;
    assert_eq!(states, ["ok", "ok", "ok", "ok", "ok", "ok", "missing"]);
    assert_eq!(stage.queues(), ["eipd", "eipd-dlq"], "removed after a check that saw nothing as well");
    stage.is_lawful();
}

#[tokio::test]
async fn an_interrupted_status_cleans_up() {
    let stage = Stage::new().await;
    stage.good(&["setup"]).await;
    stage.small.sim.set_events(EventWeather { loss: 1.0, ..EventWeather::default() });
    let mut child = stage.bench.command(&["events", "status", "--timeout", "5m"]);
    let mut child = child.stdout(Stdio::null()).spawn().expect("it starts");
    let laid = || stage.small.sim.calls("PutEvents") > 0;
    let begun = Instant::now();
    while !laid() && begun.elapsed() < PATIENCE {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(stage.queues().len(), 3, "the check has a queue of its own");
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().expect("a kill").success());
    let ended = tokio::task::spawn_blocking(move || child.wait()).await.expect("no panic").expect("it ends");
    assert_eq!(ended.code(), Some(1));
    assert_eq!(stage.queues(), ["eipd", "eipd-dlq"]);
    let targets = stage.small.sim.world(|world| world.rule(None, "eipd").expect("there").targets.len());
    assert_eq!(targets, 1);
}

#[tokio::test]
async fn teardown_asks_and_leaves_what_is_not_ours() {
    let stage = Stage::new().await;
    stage.good(&["setup"]).await;
    stage.small.sim.world(|world| {
        let none = BTreeMap::new();
        world.create_queue("audit", &none, &none).expect("new");
        let arn = world.queue("audit").expect("made").arn.clone();
        let target = Target { id: "audit".to_owned(), arn, ..Target::default() };
        world.put_targets(None, "eipd", vec![target]).expect("valid");
        world.untag_queue("eipd-dlq", &["managed-by".to_owned()]).expect("there");
    });
    let before = stage.changes();
    let asked = stage.good(&["teardown"]).await;
    assert!(asked.stderr().contains("add --yes"), "{}", asked.stderr());
    assert_eq!(stage.changes(), before);
    let outcomes = stage.outcomes(&["teardown", "--yes"], "outcome").await;
    assert_eq!(outcomes, ["removed", "left", "removed", "left"]);
    assert_eq!(
        (stage.queues(), stage.rules()),
        (vec!["audit".into(), "eipd-dlq".into()], vec!["eipd".into()])
    );
    stage.small.sim.world(|world| world.remove_targets(None, "eipd", &["audit".to_owned()]).expect("there"));
    assert_eq!(
        stage.outcomes(&["teardown", "--yes"], "outcome").await,
        ["absent", "removed", "absent", "left"]
    );
    assert_eq!(stage.rules(), Vec::<String>::new());
    stage.is_lawful();
}

#[tokio::test]
async fn an_event_travels_the_wiring_to_a_running_daemon() {
    let stage = Stage::new().await;
    stage.good(&["setup"]).await;
    let url = stage.small.sim.world(|world| world.queue_url("eipd"));
    let daemon = Running::with(&stage.small, &stage.server, |text| {
        let slow = text.replace("poll_interval = \"1s\"", "poll_interval = \"1h\"");
        format!("{slow}\n[events]\nqueue_url = \"{url}\"\n")
    });
    assert!(daemon.until(|status| status["targets"][0]["covered"] == 2).await);
    stage.small.sim.world(|world| {
        let interface = world.interfaces().next().expect("there is one").id.clone();
        let ip = world.address_of(&interface).expect("it is covered").to_owned();
        let taken = stage.small.allocations.iter().find(|id| world.public_ip(id) == ip);
        world.stray_disassociate(taken.expect("of the pool"));
    });
    assert!(!stage.small.is_covered());
    let begun = Instant::now();
    while !stage.small.is_covered() && begun.elapsed() < PATIENCE {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(stage.small.is_covered(), "an hour before the next poll");
    let status = stage.good(&["status"]).await;
    assert!(status.stdout().contains("came after"), "beside the daemon: {}", status.stdout());
    assert_eq!(daemon.end().await.0, Some(0));
    stage.is_lawful();
}
