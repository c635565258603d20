//! EventBridge over its wire: rules, targets, events, permissions, and what does not arrive.

use super::*;
use crate::{EventWeather, NewRule, QueueWeather, Span, Target, World};
use serde_json::{Value, json};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn events(action: &str, body: &Value) -> Request {
    json_call("events", &format!("AWSEvents.{action}"), body)
}

fn put(details: &[Value]) -> Request {
    let entry =
        |detail: &Value| json!({ "Source": "eipd", "DetailType": "Marker", "Detail": detail.to_string() });
    events("PutEvents", &json!({ "Entries": details.iter().map(entry).collect::<Vec<_>>() }))
}

/// A world with the queue `q` behind the rule `q` for events of `eipd`, in fine weather.
fn wired() -> Sim {
    let sim = Sim::new(WorldConfig::default());
    sim.world(|world| {
        world.set_queue_weather(QueueWeather::FINE);
        world.wire_events_of("q", r#"{"source":["eipd"]}"#);
    });
    sim
}

fn bodies(world: &World, queue: &str) -> Vec<Value> {
    let bodies = world.queue(queue).expect("it is there").bodies();
    bodies.map(|body| serde_json::from_str(body).expect("JSON")).collect()
}

#[test]
fn a_rule_is_put_shown_tagged_and_removed() {
    let sim = Sim::new(WorldConfig::default());
    let pattern = r#"{"source":["aws.ec2"]}"#;
    let new = json!({ "Name": "r", "EventPattern": pattern, "Description": "d", "Tags": [{ "Key": "a", "Value": "b" }] });
    let arn = json_ok(&sim, &events("PutRule", &new))["RuleArn"].clone();
    assert_eq!(arn, "arn:aws:events:eu-west-1:111122223333:rule/r");
    let rule = || json_ok(&sim, &events("DescribeRule", &json!({ "Name": "r" })));
    assert_eq!((rule()["Description"].as_str(), rule()["State"].as_str()), (Some("d"), Some("ENABLED")));
    json_ok(&sim, &events("PutRule", &json!({ "Name": "r", "EventPattern": pattern, "State": "DISABLED" })));
    assert_eq!((rule().get("Description"), rule()["State"].as_str()), (None, Some("DISABLED")));
    json_ok(&sim, &events("EnableRule", &json!({ "Name": "r" })));
    assert_eq!(rule()["State"], "ENABLED");
    json_ok(
        &sim,
        &events("TagResource", &json!({ "ResourceARN": arn, "Tags": [{ "Key": "c", "Value": "d" }] })),
    );
    json_ok(&sim, &events("UntagResource", &json!({ "ResourceARN": arn, "TagKeys": ["a"] })));
    let tags = json_ok(&sim, &events("ListTagsForResource", &json!({ "ResourceARN": arn })));
    assert_eq!(tags, json!({ "Tags": [{ "Key": "c", "Value": "d" }] }));
    let queue = "arn:aws:sqs:eu-west-1:111122223333:q";
    let target =
        |id: usize| json!({ "Id": id.to_string(), "Arn": queue, "DeadLetterConfig": { "Arn": queue } });
    let targets =
        |ids: std::ops::Range<usize>| json!({ "Rule": "r", "Targets": ids.map(target).collect::<Vec<_>>() });
    assert_eq!(json_ok(&sim, &events("PutTargets", &targets(0..5)))["FailedEntryCount"], 0);
    assert_eq!(json_refusal(&sim, &events("PutTargets", &targets(5..6))).1, "LimitExceededException");
    let page = json_ok(&sim, &events("ListTargetsByRule", &json!({ "Rule": "r", "Limit": 3 })));
    assert_eq!((page["Targets"].as_array().map(Vec::len), page["NextToken"].as_str()), (Some(3), Some("2")));
    assert_eq!(page["Targets"][0], target(0));
    assert_eq!(json_refusal(&sim, &events("DeleteRule", &json!({ "Name": "r" }))).1, "ValidationException");
    let all: Vec<String> = (0..5).map(|id| id.to_string()).collect();
    json_ok(&sim, &events("RemoveTargets", &json!({ "Rule": "r", "Ids": all })));
    json_ok(&sim, &events("DeleteRule", &json!({ "Name": "r" })));
    let gone = json_refusal(&sim, &events("DescribeRule", &json!({ "Name": "r" })));
    assert_eq!(gone, (400, "ResourceNotFoundException".into()));
    assert_eq!(json_ok(&sim, &events("ListRules", &json!({}))), json!({ "Rules": [] }));
    assert_eq!(sim.complaints(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_put_arrives_whole_and_soon() {
    let sim = wired();
    let answer = json_ok(&sim, &put(&[json!({ "n": 1 })]));
    assert_eq!(answer["FailedEntryCount"], 0);
    tokio::time::advance(SECOND).await;
    let expected = json!({
        "version": "0", "id": answer["Entries"][0]["EventId"], "detail-type": "Marker", "source": "eipd",
        "account": "111122223333", "time": "2026-11-23T06:00:00Z", "region": "eu-west-1", "resources": [],
        "detail": { "n": 1 },
    });
    assert_eq!(sim.world(|world| bodies(world, "q")), [expected]);
    json_ok(&sim, &events("DisableRule", &json!({ "Name": "q" })));
    json_ok(&sim, &put(&[json!({ "n": 2 })]));
    let counts = sim.world(|world| world.event_counts());
    assert_eq!((counts.kept, counts.delivered), (1, 1), "what no rule matches is not kept");
}

#[tokio::test(start_paused = true)]
async fn without_the_queues_leave_an_event_goes_to_the_dead_letters_or_nowhere() {
    let sim = wired();
    let after = |attributes: Value| {
        let set = json!({ "QueueUrl": sim.world(|world| world.queue_url("q")), "Attributes": attributes });
        json_ok(&sim, &sqs("SetQueueAttributes", &set));
        json_ok(&sim, &put(&[json!({})]));
    };
    after(json!({ "Policy": "" }));
    tokio::time::advance(SECOND).await;
    sim.world(|world| {
        let lost = &world.undelivered()[0];
        assert_eq!((lost.reason, lost.dead_lettered), ("NO_PERMISSIONS", false));
        assert_eq!((world.event_counts().undelivered, bodies(world, "q").len()), (1, 0));
        world.wire_events_of("letters", r#"{"source":["nobody"]}"#);
        let arn = |name: &str| world.queue(name).expect("made").arn.clone();
        let target =
            Target { id: "q".into(), arn: arn("q"), dead_letters: Some(arn("letters")), ..Target::default() };
        world.put_targets(None, "q", vec![target]).expect("put");
        let open = r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"sqs:*","Resource":"*"}]}"#;
        world.set_queue_attributes("letters", &[("Policy".into(), open.into())].into()).expect("set");
        world.delete_queue("q").expect("it was there");
    });
    json_ok(&sim, &put(&[json!({ "n": 3 })]));
    tokio::time::advance(SECOND).await;
    sim.world(|world| {
        let dead = world.undelivered()[1].clone();
        assert_eq!((dead.reason, dead.dead_lettered), ("NO_RESOURCE", true));
        assert_eq!(bodies(world, "letters")[0]["detail"], json!({ "n": 3 }));
    });
}

#[test]
fn entries_fail_one_by_one_and_limits_fail_the_request() {
    let sim = wired();
    let entry = |source: &str, kind: &str, detail: &str| json!({ "Source": source, "DetailType": kind, "Detail": detail });
    let entries = [
        entry("eipd", "x", "{}"),
        entry("", "x", "{}"),
        entry("eipd", "x", "[1]"),
        entry("aws.ec2", "AWS API Call via CloudTrail", "{}"),
    ];
    let answer = json_ok(&sim, &events("PutEvents", &json!({ "Entries": entries })));
    assert_eq!(answer["FailedEntryCount"], 3);
    let codes: Vec<Option<&str>> =
        (0..4).map(|place| answer["Entries"][place]["ErrorCode"].as_str()).collect();
    assert_eq!(
        codes,
        [None, Some("InvalidArgument"), Some("MalformedDetail"), Some("NotAuthorizedForSource")]
    );
    let refused = |body: Value| json_refusal(&sim, &events("PutEvents", &body)).1;
    assert_eq!(refused(json!({ "Entries": [] })), "ValidationException");
    assert_eq!(refused(json!({ "Entries": vec![entry("a", "b", "{}"); 11] })), "ValidationException");
    let half = format!("\"{}\"", "x".repeat(520_000));
    let long = entry("a", "b", &format!("{{\"k\":{half}}}"));
    assert_eq!(refused(json!({ "Entries": [long, long, long] })), "ValidationException");
    assert_eq!(sim.complaints(), [""; 0]);
}

#[test]
fn b21_a_bus_that_is_not_there() {
    use crate::beliefs::{Beliefs, MissingBus};
    for (missing_bus, failed) in [(MissingBus::Accepted, 0), (MissingBus::EntryFails, 1)] {
        let beliefs = Beliefs { missing_bus, ..Beliefs::default() };
        let sim = Sim::new(WorldConfig { beliefs, ..WorldConfig::default() });
        let entry = json!({ "Source": "eipd", "DetailType": "x", "Detail": "{}", "EventBusName": "nowhere" });
        let answer = json_ok(&sim, &events("PutEvents", &json!({ "Entries": [entry] })));
        assert_eq!(answer["FailedEntryCount"], failed);
    }
}

#[test]
fn what_is_not_simulated_is_loud() {
    let sim = wired();
    for (action, body, code) in [
        ("PutRule", json!({ "Name": "r", "ScheduleExpression": "rate(1 minute)" }), "ValidationException"),
        ("PutRule", json!({ "Name": "r", "EventPattern": r#"{"a":[{"wildcard":"*"}]}"# }), "NotSimulated"),
        (
            "PutTargets",
            json!({ "Rule": "q", "Targets": [{ "Id": "a", "Arn": "arn:aws:sns:eu-west-1:1:t" }] }),
            "NotSimulated",
        ),
        (
            "PutTargets",
            json!({ "Rule": "q", "Targets": [{ "Id": "a", "Arn": "arn:aws:sqs:eu-west-1:111122223333:q", "InputPath": "$" }] }),
            "ValidationException",
        ),
        ("CreateArchive", json!({}), "UnknownOperationException"),
    ] {
        let before = sim.complaints().len();
        assert_eq!(json_refusal(&sim, &events(action, &body)).1, code, "{action}");
        assert_eq!(sim.complaints().len(), before + 1, "{action} {code}");
    }
    sim.deny("events:PutRule");
    let rule = json!({ "Name": "r", "EventPattern": "{\"a\":[1]}" });
    assert_eq!(json_refusal(&sim, &events("PutRule", &rule)), (400, "AccessDeniedException".into()));
}

#[test]
fn an_event_goes_from_bus_to_bus_once_and_out_to_another_region() {
    let sim = wired();
    sim.world(|world| {
        let central = world.create_event_bus("central", [].into()).expect("made");
        let rule = |bus: Option<&str>, name: &str| NewRule {
            name: name.into(),
            bus: bus.map(str::to_owned),
            pattern: Some(r#"{"source":["eipd"]}"#.into()),
            ..NewRule::default()
        };
        world.put_rule(rule(None, "onward")).expect("put");
        let arn = world.put_rule(rule(Some("central"), "in")).expect("put");
        assert_eq!(arn, "arn:aws:events:eu-west-1:111122223333:rule/central/in");
        let far = "arn:aws:events:us-east-1:111122223333:event-bus/default";
        let target = |id: &str, arn: &str| Target { id: id.into(), arn: arn.into(), ..Target::default() };
        world.put_targets(None, "onward", vec![target("a", &central), target("b", far)]).expect("put");
        world.put_targets(Some("central"), "in", vec![target("c", far)]).expect("put");
    });
    json_ok(&sim, &put(&[json!({ "n": 1 })]));
    sim.world(|world| {
        world.advance_by(SECOND);
        let out = world.take_outbound();
        assert_eq!(out.len(), 1, "the second bus sends nothing on");
        let mut other = World::new(WorldConfig { region: "us-east-1".into(), ..WorldConfig::default() });
        other.wire_events_of("q", r#"{"source":["eipd"]}"#);
        other.receive_event(Some(&out[0].bus), out[0].event.clone());
        other.advance_by(SECOND);
        assert_eq!(bodies(&other, "q"), bodies(world, "q"));
    });
}

#[tokio::test(start_paused = true)]
async fn one_queue_is_fed_from_several_regions() {
    let region = |name: &str| Sim::new(WorldConfig { region: name.into(), ..WorldConfig::default() });
    let (central, far) = (region("eu-west-1"), region("us-east-1"));
    central.world(|world| world.wire_events("q"));
    far.world(|world| {
        let rule =
            NewRule { name: "out".into(), pattern: Some(crate::ADDRESS_EVENTS.into()), ..NewRule::default() };
        world.put_rule(rule).expect("put");
        let arn = "arn:aws:events:eu-west-1:111122223333:event-bus/default".to_owned();
        world
            .put_targets(None, "out", vec![Target { id: "c".into(), arn, ..Target::default() }])
            .expect("put");
        let allocation = world.allocate_address();
        assert_eq!(world.release_address(&allocation), Ok(()));
    });
    let others = [central.clone()];
    let url = central.world(|world| world.queue_url("q"));
    let poll = sqs("ReceiveMessage", &json!({ "QueueUrl": url, "WaitTimeSeconds": 20 }));
    let received = async {
        let crate::sim::Delivery::Whole(reply) = central.exchange(&poll).await else { panic!("it arrives") };
        String::from_utf8_lossy(&reply.body).into_owned()
    };
    let body = tokio::select! { never = far.relay_to(&others) => match never {}, body = received => body };
    assert!(body.contains(r#"\"awsRegion\":\"us-east-1\""#), "{body}");
    assert_eq!((central.complaints(), far.complaints()), (vec![], vec![]));
}

#[test]
fn weather_loses_doubles_and_reorders_by_the_seed() {
    let arrivals = |seed: u64| {
        let mut world = World::new(WorldConfig { seed, ..WorldConfig::default() });
        world.wire_events_of("q", r#"{"source":["eipd"]}"#);
        let bus_delay = Span::seconds(0, 60);
        world.set_events(EventWeather { loss: 0.2, duplicate: 0.2, bus_delay, ..EventWeather::default() });
        for number in 0..200 {
            let detail = json!({ "n": number }).to_string();
            let event = crate::NewEvent {
                source: "eipd".into(),
                detail_type: "x".into(),
                detail,
                ..Default::default()
            };
            world.put_event(&event).expect("put");
            world.advance_by(SECOND);
        }
        world.advance_by(60 * SECOND);
        let counts = world.event_counts();
        assert_eq!(counts.kept, 200);
        assert_eq!(counts.delivered, 200 - counts.lost + counts.duplicated);
        assert!((20..60).contains(&counts.lost) && (20..60).contains(&counts.duplicated), "{counts:?}");
        bodies(&world, "q").iter().map(|body| body["detail"]["n"].as_u64().expect("n")).collect::<Vec<_>>()
    };
    let seen = arrivals(1);
    assert!(seen.windows(2).any(|pair| pair[0] > pair[1]), "some overtake others");
    assert_eq!((arrivals(1) == seen, arrivals(2) == seen), (true, false));
}
