//! The decisions on the wiring, against an account that does what the calls say. Knows no AWS and no command line.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::policy::{STATEMENT_ID, Unreadable, merged, statement};
use super::removal::{Fate, removals};
use super::steps::{Change, Step, steps};
use super::template::template;
use super::{Found, Item, NameError, Names, Wiring};
use crate::reconcile::ports::wiring::{FoundQueue, FoundRule, Place, RuleTarget, WiringCall};

fn wiring() -> Wiring {
    let account = "111122223333".parse().expect("an account");
    let place = Place { partition: "aws".to_owned(), region: "eu-west-1".to_owned(), account };
    Wiring { names: Names::new("eipd", None).expect("a name"), place }
}

/// What is there after the calls.
fn apply(found: &mut Found, steps: &[Step]) {
    for call in steps.iter().flat_map(|step| &step.calls) {
        match call.clone() {
            WiringCall::CreateQueue { name, attributes, tags } => {
                let url = format!("https://sqs/{name}");
                let queue = FoundQueue { url, attributes, tags };
                *(if name == "eipd" { &mut found.queue } else { &mut found.dead_letters }) = Some(queue);
            }
            WiringCall::SetQueueAttributes { url, attributes } => {
                queue_at(found, &url).attributes.extend(attributes);
            }
            WiringCall::TagQueue { url, tags } => queue_at(found, &url).tags.extend(tags),
            WiringCall::PutRule { pattern, state, tags, .. } => {
                let old = found.rule.take();
                let (tags, targets) = old.map_or((tags, Vec::new()), |old| (old.tags, old.targets));
                let arn = wiring().rule_arn();
                found.rule = Some(FoundRule { arn, pattern: Some(pattern), state, tags, targets });
            }
            WiringCall::TagRule { tags, .. } => rule(found).tags.extend(tags),
            WiringCall::PutTarget { target, .. } => {
                rule(found).targets.retain(|old| old.id != target.id);
                rule(found).targets.push(target);
            }
            other => panic!("setup never calls {other:?}"),
        }
    }
}

fn queue_at<'a>(found: &'a mut Found, url: &str) -> &'a mut FoundQueue {
    let queues = [found.queue.as_mut(), found.dead_letters.as_mut()];
    queues.into_iter().flatten().find(|queue| queue.url == url).expect("it is there")
}

fn rule(found: &mut Found) -> &mut FoundRule {
    found.rule.as_mut().expect("it is there")
}

fn queue(found: &mut Found) -> &mut FoundQueue {
    found.queue.as_mut().expect("it is there")
}

fn set_up() -> Found {
    let mut found = Found::default();
    let steps = steps(&wiring(), &found, false);
    assert!(steps.iter().all(|step| step.change == Change::Create && step.objection.is_none()), "{steps:?}");
    apply(&mut found, &steps);
    found
}

fn changed(found: &Found, adopt: bool) -> Vec<Step> {
    steps(&wiring(), found, adopt).into_iter().filter(|step| step.change != Change::Keep).collect()
}

#[test]
fn what_was_set_up_is_left_alone() {
    let found = set_up();
    for step in steps(&wiring(), &found, true) {
        assert_eq!((step.change, step.calls), (Change::Keep, Vec::new()), "{}", step.item);
    }
}

#[test]
fn a_part_that_differs_is_put_right_and_then_left_alone() {
    type Break = fn(&mut Found);
    let cases: [(Item, Break); 11] = [
        (Item::DeadLetterQueue, |f| {
            let queue = f.dead_letters.as_mut().expect("there");
            queue.attributes.insert("MessageRetentionPeriod".to_owned(), "60".to_owned());
        }),
        (Item::DeadLetterPolicy, |f| {
            f.dead_letters.as_mut().expect("there").attributes.remove("Policy");
        }),
        (Item::Queue, |f| drop(queue(f).attributes.remove("RedrivePolicy"))),
        (Item::Queue, |f| {
            queue(f).attributes.insert("VisibilityTimeout".to_owned(), "43200".to_owned());
        }),
        (Item::QueuePolicy, |f| {
            let text = queue(f).attributes["Policy"].replace("rule/eipd", "rule/other");
            queue(f).attributes.insert("Policy".to_owned(), text);
        }),
        (Item::Rule, |f| rule(f).state = "DISABLED".to_owned()),
        (Item::Rule, |f| rule(f).pattern = Some("{\"source\":[\"aws.s3\"]}".to_owned())),
        (Item::Rule, |f| rule(f).pattern = None),
        (Item::Target, |f| rule(f).targets.clear()),
        (Item::Target, |f| rule(f).targets[0].dead_letters = None),
        (Item::Target, |f| rule(f).targets[0].is_plain = false),
    ];
    for (item, break_it) in cases {
        let mut found = set_up();
        break_it(&mut found);
        let wrong = changed(&found, false);
        assert_eq!(wrong.iter().map(|step| step.item).collect::<Vec<_>>(), [item]);
        assert_eq!((wrong[0].calls.len(), &wrong[0].objection), (1, &None), "{item}");
        apply(&mut found, &wrong);
        assert_eq!(changed(&found, false), [], "{item}");
    }
}

#[test]
fn what_people_write_otherwise_and_means_the_same_is_left_alone() {
    let mut found = set_up();
    rule(&mut found).state = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS".to_owned();
    let pattern: Value =
        serde_json::from_str(rule(&mut found).pattern.as_ref().expect("there")).expect("JSON");
    rule(&mut found).pattern = Some(format!("{pattern:#}"));
    rule(&mut found).targets[0].id = "by-hand".to_owned();
    rule(&mut found).targets.push(foreign_target());
    let queue = queue(&mut found);
    let redrive = queue.attributes["RedrivePolicy"].replace(":5", ":\"5\"");
    queue.attributes.insert("RedrivePolicy".to_owned(), redrive);
    let policy = queue.attributes["Policy"]
        .replace("\"sqs:SendMessage\"", "[\"SQS:SendMessage\"]")
        .replace(STATEMENT_ID, "another");
    queue.attributes.insert("Policy".to_owned(), policy);
    assert_eq!(changed(&found, false), []);
}

fn foreign_target() -> RuleTarget {
    let arn = "arn:aws:sqs:eu-west-1:111122223333:audit".to_owned();
    RuleTarget { id: "audit".to_owned(), arn, dead_letters: None, is_plain: true }
}

#[test]
fn what_is_not_ours_is_objected_to_or_adopted_and_left_when_nothing_is_to_change() {
    let mut found = set_up();
    queue(&mut found).tags.clear();
    rule(&mut found).tags = [("aws:cloudformation:stack-name".to_owned(), "net".to_owned())].into();
    assert_eq!(changed(&found, false), [], "all is as wanted");
    queue(&mut found).attributes.remove("Policy");
    rule(&mut found).state = "DISABLED".to_owned();
    rule(&mut found).targets.clear();
    let wrong = changed(&found, false);
    let objections: Vec<_> = wrong.iter().map(|step| step.objection.as_deref().unwrap_or("none")).collect();
    assert_eq!(
        objections,
        [
            "it is not tagged `managed-by=eipd`",
            "it belongs to the CloudFormation stack `net`",
            "of its rule: it belongs to the CloudFormation stack `net`"
        ]
    );
    rule(&mut found).tags.clear();
    let adopted = changed(&found, true);
    assert!(adopted.iter().all(|step| step.objection.is_none()), "{adopted:?}");
    apply(&mut found, &adopted);
    assert_eq!(changed(&found, false), []);
    let tags = queue(&mut found).tags.clone();
    assert_eq!(tags, rule(&mut found).tags);
}

#[test]
fn statements_of_others_stay_and_a_policy_that_is_none_is_not_destroyed() {
    let [queue, rule] = ["arn:q", "arn:r"].map(Value::from);
    let ours = statement(&queue, &rule);
    let theirs = json!({"Sid": "Audit", "Effect": "Deny", "Principal": "*", "Action": "sqs:*"});
    let stale = statement(&queue, &"arn:old".into());
    let policy = json!({"Version": "2008-10-17", "Id": "x", "Statement": [theirs, stale]}).to_string();
    let merged_policy = merged(Some(&policy), &ours).expect("readable").expect("to be changed");
    assert_eq!(merged_policy, json!({"Version": "2008-10-17", "Id": "x", "Statement": [theirs, ours]}));
    assert_eq!(merged(Some(&merged_policy.to_string()), &ours), Ok(None));
    let one = json!({"Statement": theirs}).to_string();
    let merged_policy = merged(Some(&one), &ours).expect("readable").expect("to be changed");
    assert_eq!(merged_policy["Statement"], json!([theirs, ours]));
    for none in ["nonsense", "[]", "{}", "{\"Statement\": 1}"] {
        assert_eq!(merged(Some(none), &ours), Err(Unreadable), "{none}");
    }
    let mut found = set_up();
    self::queue(&mut found).attributes.insert("Policy".to_owned(), "nonsense".to_owned());
    let wrong = changed(&found, true);
    assert_eq!((wrong.len(), wrong[0].calls.len()), (1, 0));
    assert!(wrong[0].objection.as_ref().is_some_and(|why| why.contains("can't be read")), "{wrong:?}");
}

fn fates(found: &Found) -> Vec<(Item, String)> {
    let word = |fate| match fate {
        Fate::Remove(calls) => format!("remove by {}", calls.len()),
        Fate::Absent => "absent".to_owned(),
        Fate::Leave(why) => why,
    };
    removals(&wiring(), found).into_iter().map(|removal| (removal.item, word(removal.fate))).collect()
}

#[test]
fn only_what_is_ours_is_removed() {
    let words = |found: &Found| fates(found).into_iter().map(|(_, word)| word).collect::<Vec<_>>();
    let mut found = set_up();
    assert_eq!(words(&found), ["remove by 1"; 4]);
    assert_eq!(words(&Found::default()), ["absent"; 4]);
    rule(&mut found).targets.push(foreign_target());
    queue(&mut found).tags.clear();
    found.dead_letters = None;
    assert_eq!(
        words(&found),
        ["remove by 1", "it has other targets: `audit`", "it is not tagged `managed-by=eipd`", "absent"]
    );
    rule(&mut found).tags = BTreeMap::from([("managed-by".to_owned(), "terraform".to_owned())]);
    let not_tagged = "it is not tagged `managed-by=eipd`";
    assert_eq!(words(&found)[..2], [&format!("of its rule: {not_tagged}"), not_tagged]);
}

#[test]
fn a_check_that_was_left_behind_keeps_no_rule_alive() {
    let mut found = set_up();
    let left = RuleTarget { id: "eipd-check-1700000000-00ff".to_owned(), ..foreign_target() };
    rule(&mut found).targets.push(left);
    assert_eq!(changed(&found, false), []);
    assert!(fates(&found).iter().all(|(_, word)| word == "remove by 1"));
}

#[test]
fn names_are_those_that_aws_allows() {
    let names = Names::new("eipd-prod", Some("a.rule")).expect("good names");
    assert_eq!((names.dead_letters.as_str(), names.rule.as_str()), ("eipd-prod-dlq", "a.rule"));
    for queue in ["", "a.fifo", "a b", &"x".repeat(77)] {
        assert_eq!(Names::new(queue, None), Err(NameError::Queue(queue.to_owned())));
    }
    let long = "x".repeat(70);
    for (queue, rule) in [(long.as_str(), None), ("q", Some("a/b")), ("q", Some(""))] {
        assert!(matches!(Names::new(queue, rule), Err(NameError::Rule(_))), "{queue} {rule:?}");
    }
    assert!(Names::new(&long, Some("short")).is_ok());
}

#[test]
fn the_template_says_the_same() {
    insta::assert_json_snapshot!(template(&wiring().names));
}
