//! EventBridge's operations, on the default bus: CloudTrail's events come nowhere else. A rule that is not there is no
//! failure to who looks for it or removes it.

use std::collections::BTreeMap;

use aws_sdk_eventbridge::types::{DeadLetterConfig, PutEventsRequestEntry, RuleState, Tag, Target};

use super::{EventWiring, operation};
use crate::aws::call::Operation;
use crate::aws::errors::{endless, refused_entry};
use crate::domain::error_class::ErrorClass;
use crate::reconcile::ports::ApiError;
use crate::reconcile::ports::wiring::{FoundRule, RuleTarget};

const DESCRIBE: Operation = operation("events:DescribeRule");
const TAGS: Operation = operation("events:ListTagsForResource");
const TARGETS: Operation = operation("events:ListTargetsByRule");
const PUT: Operation = operation("events:PutRule");
const TAG: Operation = operation("events:TagResource");
const DELETE: Operation = operation("events:DeleteRule");
const PUT_TARGETS: Operation = operation("events:PutTargets");
const REMOVE_TARGETS: Operation = operation("events:RemoveTargets");
const PUT_EVENTS: Operation = operation("events:PutEvents");

/// A rule has at most five targets unless the quota was raised; so many pages would be 10,000.
const PAGES_MAX: usize = 100;

pub(super) struct NewRule<'a> {
    pub(super) name: &'a str,
    pub(super) pattern: &'a str,
    pub(super) state: &'a str,
    pub(super) description: &'a str,
    pub(super) tags: &'a BTreeMap<String, String>,
}

pub(super) async fn find(wiring: &EventWiring, name: &str) -> Result<Option<FoundRule>, ApiError> {
    let (events, subject) = (&wiring.clients.events, format!("of `{name}`"));
    let describe = || events.describe_rule().name(name).send();
    let Some(rule) = unless_missing(wiring.caller.read(&DESCRIBE, &subject, describe)).await? else {
        return Ok(None);
    };
    let arn = rule.arn.unwrap_or_default();
    let tags = || events.list_tags_for_resource().resource_arn(&arn).send();
    let Some(tags) = unless_missing(wiring.caller.read(&TAGS, &subject, tags)).await? else {
        return Ok(None);
    };
    let Some(targets) = unless_missing(targets(wiring, name, &subject)).await? else { return Ok(None) };
    Ok(Some(FoundRule {
        arn,
        pattern: rule.event_pattern,
        state: rule.state.map(|state| state.as_str().to_owned()).unwrap_or_default(),
        tags: tags.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect(),
        targets,
    }))
}

async fn targets(wiring: &EventWiring, rule: &str, subject: &str) -> Result<Vec<RuleTarget>, ApiError> {
    let (mut found, mut token) = (Vec::new(), None);
    for _ in 0..PAGES_MAX {
        let page = || {
            let request = wiring.clients.events.list_targets_by_rule().rule(rule);
            request.set_next_token(token.clone()).send()
        };
        let answer = wiring.caller.read(&TARGETS, subject, page).await?;
        found.extend(answer.targets.unwrap_or_default().into_iter().map(rule_target));
        token = answer.next_token;
        if token.is_none() {
            return Ok(found);
        }
    }
    Err(endless(&TARGETS, subject, format!("the list does not end after {PAGES_MAX} pages")))
}

fn rule_target(target: Target) -> RuleTarget {
    let is_plain = target.role_arn.is_none()
        && target.input.is_none()
        && target.input_path.is_none()
        && target.input_transformer.is_none();
    RuleTarget {
        is_plain,
        id: target.id,
        arn: target.arn,
        dead_letters: target.dead_letter_config.and_then(|config| config.arn),
    }
}

pub(super) async fn put(wiring: &EventWiring, rule: &NewRule<'_>) -> Result<(), ApiError> {
    let request = wiring.clients.events.put_rule().name(rule.name).event_pattern(rule.pattern);
    let request = request.state(RuleState::from(rule.state)).description(rule.description);
    let request = if rule.tags.is_empty() { request } else { request.set_tags(Some(tags(rule.tags))) };
    wiring.caller.once(&PUT, &format!("of `{}`", rule.name), request.send()).await.map(drop)
}

pub(super) async fn tag(
    wiring: &EventWiring,
    arn: &str,
    added: &BTreeMap<String, String>,
) -> Result<(), ApiError> {
    let request = wiring.clients.events.tag_resource().resource_arn(arn).set_tags(Some(tags(added)));
    wiring.caller.once(&TAG, &format!("of `{arn}`"), request.send()).await.map(drop)
}

fn tags(tags: &BTreeMap<String, String>) -> Vec<Tag> {
    let tag = |(key, value)| Tag::builder().key(key).value(value).build();
    tags.iter().map(|pair| tag(pair).expect("a key and a value are given")).collect()
}

pub(super) async fn delete(wiring: &EventWiring, name: &str) -> Result<(), ApiError> {
    let request = wiring.clients.events.delete_rule().name(name);
    unless_missing(wiring.caller.once(&DELETE, &format!("of `{name}`"), request.send())).await.map(drop)
}

pub(super) async fn put_target(
    wiring: &EventWiring,
    rule: &str,
    target: &RuleTarget,
) -> Result<(), ApiError> {
    let dead_letters = target.dead_letters.as_ref().map(|arn| DeadLetterConfig::builder().arn(arn).build());
    let entry = Target::builder().id(&target.id).arn(&target.arn).set_dead_letter_config(dead_letters);
    let entry = entry.build().expect("an id and an ARN are given");
    let request = wiring.clients.events.put_targets().rule(rule).targets(entry);
    let subject = format!("of `{rule}`");
    let answer = wiring.caller.once(&PUT_TARGETS, &subject, request.send()).await?;
    match answer.failed_entries().first() {
        None => Ok(()),
        Some(failed) => {
            let code = failed.error_code().unwrap_or("unknown");
            Err(refused_entry(&PUT_TARGETS, &subject, code, failed.error_message()))
        }
    }
}

pub(super) async fn remove_targets(wiring: &EventWiring, rule: &str, ids: &[String]) -> Result<(), ApiError> {
    let request = wiring.clients.events.remove_targets().rule(rule).set_ids(Some(ids.to_vec()));
    let subject = format!("of `{rule}`");
    let answer = wiring.caller.once(&REMOVE_TARGETS, &subject, request.send());
    match unless_missing(answer).await?.as_ref().and_then(|answer| answer.failed_entries().first()) {
        None => Ok(()),
        Some(failed) => {
            let code = failed.error_code().unwrap_or("unknown");
            Err(refused_entry(&REMOVE_TARGETS, &subject, code, failed.error_message()))
        }
    }
}

pub(super) async fn put_event(
    wiring: &EventWiring,
    source: &str,
    detail_type: &str,
    detail: &str,
) -> Result<(), ApiError> {
    let entry = PutEventsRequestEntry::builder().source(source).detail_type(detail_type).detail(detail);
    let request = wiring.clients.events.put_events().entries(entry.build());
    let subject = format!("of `{detail_type}`");
    let answer = wiring.caller.once(&PUT_EVENTS, &subject, request.send()).await?;
    let refused =
        answer.entries().iter().find_map(|entry| Some((entry.error_code()?, entry.error_message())));
    match refused {
        None => Ok(()),
        Some((code, message)) => Err(refused_entry(&PUT_EVENTS, &subject, code, message)),
    }
}

async fn unless_missing<T>(answer: impl Future<Output = Result<T, ApiError>>) -> Result<Option<T>, ApiError> {
    match answer.await {
        Err(error) if error.class == ErrorClass::NotFound => Ok(None),
        answer => answer.map(Some),
    }
}
