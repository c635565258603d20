//! EventBridge's operations on rules and their targets, but for putting targets.

use super::{finish, tags};
use crate::wire::json::Fields;
use crate::wire::{Failure, Office};
use crate::world::{NewRule, Rule, Target};
use serde_json::{Map, Value, json};

pub(super) fn put(office: &mut Office<'_>, fields: &Fields) -> Result<Value, Failure> {
    let new = NewRule {
        name: fields.required("Name")?,
        bus: fields.text("EventBusName")?,
        pattern: fields.text("EventPattern")?,
        state: fields.text("State")?,
        description: fields.text("Description")?,
        role: fields.text("RoleArn")?,
        tags: tags(fields)?,
    };
    finish(office, "PutRule", fields)?;
    let arn = office.world.put_rule(new)?;
    Ok(json!({ "RuleArn": arn }))
}

pub(super) fn describe(office: &mut Office<'_>, fields: &Fields) -> Result<Value, Failure> {
    let (name, bus) = (fields.required("Name")?, fields.text("EventBusName")?);
    finish(office, "DescribeRule", fields)?;
    let mut answer = document(office.world.rule(bus.as_deref(), &name)?);
    answer["CreatedBy"] = office.world.config().account.as_str().into();
    Ok(answer)
}

pub(super) fn delete(office: &mut Office<'_>, fields: &Fields) -> Result<Value, Failure> {
    let (name, bus) = (fields.required("Name")?, fields.text("EventBusName")?);
    finish(office, "DeleteRule", fields)?;
    office.world.delete_rule(bus.as_deref(), &name)?;
    Ok(Value::Null)
}

pub(super) fn enable(office: &mut Office<'_>, fields: &Fields, enabled: bool) -> Result<Value, Failure> {
    let (name, bus) = (fields.required("Name")?, fields.text("EventBusName")?);
    finish(office, if enabled { "EnableRule" } else { "DisableRule" }, fields)?;
    office.world.enable_rule(bus.as_deref(), &name, enabled)?;
    Ok(Value::Null)
}

pub(super) fn list(office: &mut Office<'_>, fields: &Fields) -> Result<Value, Failure> {
    let (prefix, bus) = (fields.text("NamePrefix")?.unwrap_or_default(), fields.text("EventBusName")?);
    let place = Place::of(fields)?;
    finish(office, "ListRules", fields)?;
    let rules = office.world.rules(bus.as_deref())?.filter(|rule| rule.name.starts_with(&prefix));
    Ok(place.page("Rules", rules.map(|rule| (rule.name.as_str(), document(rule)))))
}

pub(super) fn list_targets(office: &mut Office<'_>, fields: &Fields) -> Result<Value, Failure> {
    let (name, bus) = (fields.required("Rule")?, fields.text("EventBusName")?);
    let place = Place::of(fields)?;
    finish(office, "ListTargetsByRule", fields)?;
    let targets = office.world.rule(bus.as_deref(), &name)?.targets.iter();
    Ok(place.page("Targets", targets.map(|(id, target)| (id.as_str(), target_document(target)))))
}

pub(super) fn remove_targets(office: &mut Office<'_>, fields: &Fields) -> Result<Value, Failure> {
    let (name, bus) = (fields.required("Rule")?, fields.text("EventBusName")?);
    let ids = fields.texts("Ids")?.unwrap_or_default();
    finish(office, "RemoveTargets", fields)?;
    office.world.remove_targets(bus.as_deref(), &name, &ids)?;
    Ok(json!({ "FailedEntryCount": 0, "FailedEntries": [] }))
}

/// Where a listing goes on, and how far.
struct Place {
    after: Option<String>,
    limit: usize,
}

impl Place {
    fn of(fields: &Fields) -> Result<Self, Failure> {
        let limit = fields.within("Limit", 1, 100)?.and_then(|limit| usize::try_from(limit).ok());
        Ok(Self { after: fields.text("NextToken")?, limit: limit.unwrap_or(100) })
    }

    fn page<'a>(&self, name: &str, all: impl Iterator<Item = (&'a str, Value)>) -> Value {
        let mut rest =
            all.filter(|(key, _)| self.after.as_deref().is_none_or(|after| *key > after)).peekable();
        let page: Vec<(&str, Value)> = rest.by_ref().take(self.limit).collect();
        let last = page.last().map(|(key, _)| *key).filter(|_| rest.peek().is_some());
        let mut answer = Map::new();
        if let Some(last) = last {
            answer.insert("NextToken".to_owned(), last.into());
        }
        answer.insert(name.to_owned(), page.into_iter().map(|(_, item)| item).collect());
        answer.into()
    }
}

fn document(rule: &Rule) -> Value {
    let mut document = json!({
        "Name": rule.name,
        "Arn": rule.arn,
        "EventPattern": rule.pattern(),
        "State": rule.state,
        "EventBusName": rule.bus,
    });
    for (name, value) in [("Description", &rule.description), ("RoleArn", &rule.role)] {
        if let Some(value) = value {
            document[name] = value.as_str().into();
        }
    }
    document
}

fn target_document(target: &Target) -> Value {
    let mut document = json!({ "Id": target.id, "Arn": target.arn });
    for (name, value) in [("RoleArn", &target.role), ("Input", &target.input)] {
        if let Some(value) = value {
            document[name] = value.as_str().into();
        }
    }
    if let Some(letters) = &target.dead_letters {
        document["DeadLetterConfig"] = json!({ "Arn": letters });
    }
    let retry =
        [("MaximumRetryAttempts", target.retry_attempts), ("MaximumEventAgeInSeconds", target.retry_age)];
    for (name, value) in retry {
        if let Some(value) = value {
            document["RetryPolicy"][name] = value.into();
        }
    }
    document
}
