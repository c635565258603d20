//! EventBridge's JSON 1.1: the operations that are simulated, and what a caller hears of the others.
//!
//! The rules of buses and rules are the world's; here are members, limits, entries and documents.

mod put;
mod rules;

use super::json::Fields;
use super::{Call, Failure, Office, Request, Service};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The operations that only read.
const READING: [&str; 6] = [
    "DescribeEventBus",
    "DescribeRule",
    "ListEventBuses",
    "ListRules",
    "ListTagsForResource",
    "ListTargetsByRule",
];

pub(crate) fn read(request: &Request) -> Call {
    let fields = Fields::parse(&request.body);
    let mut call = Call::of_fields(Service::Events, super::target_of(request, "AWSEvents."), fields);
    call.mutating = !READING.contains(&call.operation.as_str());
    let named = match call.operation.as_str() {
        "PutEvents" | "CreateEventBus" | "DeleteEventBus" | "DescribeEventBus" => None,
        "PutTargets" | "RemoveTargets" | "ListTargetsByRule" => call.fields.peek("Rule"),
        _ => call.fields.peek("Name").or(call.fields.peek("ResourceARN")),
    };
    call.resource = named.unwrap_or("*").to_owned();
    call
}

pub(crate) fn carry_out(office: &mut Office<'_>, call: &Call) -> Result<String, Failure> {
    call.fields.check()?;
    let fields = &call.fields;
    let answer = match call.operation.as_str() {
        "PutEvents" => put::events(office, fields),
        "PutRule" => rules::put(office, fields),
        "DescribeRule" => rules::describe(office, fields),
        "DeleteRule" => rules::delete(office, fields),
        "ListRules" => rules::list(office, fields),
        "EnableRule" => rules::enable(office, fields, true),
        "DisableRule" => rules::enable(office, fields, false),
        "PutTargets" => put::targets(office, fields),
        "RemoveTargets" => rules::remove_targets(office, fields),
        "ListTargetsByRule" => rules::list_targets(office, fields),
        "TagResource" => tag(office, fields),
        "UntagResource" => untag(office, fields),
        "ListTagsForResource" => list_tags(office, fields),
        "CreateEventBus" => create_bus(office, fields),
        "DeleteEventBus" => delete_bus(office, fields),
        "DescribeEventBus" => describe_bus(office, fields),
        "ListEventBuses" => list_buses(office, fields),
        "PutPermission" => put_permission(office, fields),
        other => {
            let message = format!("events:{other} is not simulated");
            return Err(office.complain("UnknownOperationException", message));
        }
    }?;
    Ok(if answer.is_null() { String::new() } else { answer.to_string() })
}

/// Complains of a member that the operation does not know, before it is carried out.
fn finish(office: &mut Office<'_>, operation: &str, fields: &Fields) -> Result<(), Failure> {
    match fields.unread().first() {
        None => Ok(()),
        Some(unread) => {
            let message = format!("events:{operation} does not know the member {unread}");
            Err(office.complain("ValidationException", message))
        }
    }
}

/// Tags as EventBridge writes them, a list of keys and values.
fn tags(fields: &Fields) -> Result<BTreeMap<String, String>, Failure> {
    let pair = |entry: Fields| Ok((entry.required("Key")?, entry.text("Value")?.unwrap_or_default()));
    fields.entries("Tags")?.into_iter().map(pair).collect()
}

fn tag(office: &mut Office<'_>, fields: &Fields) -> Result<Value, Failure> {
    let (arn, tags) = (fields.required("ResourceARN")?, tags(fields)?);
    finish(office, "TagResource", fields)?;
    office.world.event_tags(&arn)?.extend(tags);
    Ok(json!({}))
}

fn untag(office: &mut Office<'_>, fields: &Fields) -> Result<Value, Failure> {
    let arn = fields.required("ResourceARN")?;
    let keys = fields.texts("TagKeys")?.unwrap_or_default();
    finish(office, "UntagResource", fields)?;
    office.world.event_tags(&arn)?.retain(|key, _| !keys.contains(key));
    Ok(json!({}))
}

fn list_tags(office: &mut Office<'_>, fields: &Fields) -> Result<Value, Failure> {
    let arn = fields.required("ResourceARN")?;
    finish(office, "ListTagsForResource", fields)?;
    let tags = office.world.event_tags(&arn)?.iter();
    let tags: Vec<Value> = tags.map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
    Ok(json!({ "Tags": tags }))
}

fn create_bus(office: &mut Office<'_>, fields: &Fields) -> Result<Value, Failure> {
    let (name, tags) = (fields.required("Name")?, tags(fields)?);
    finish(office, "CreateEventBus", fields)?;
    let arn = office.world.create_event_bus(&name, tags)?;
    Ok(json!({ "EventBusArn": arn }))
}

fn delete_bus(office: &mut Office<'_>, fields: &Fields) -> Result<Value, Failure> {
    let name = fields.required("Name")?;
    finish(office, "DeleteEventBus", fields)?;
    office.world.delete_event_bus(&name)?;
    Ok(Value::Null)
}

fn describe_bus(office: &mut Office<'_>, fields: &Fields) -> Result<Value, Failure> {
    let name = fields.text("Name")?;
    finish(office, "DescribeEventBus", fields)?;
    Ok(bus_document(office.world.bus(name.as_deref())?))
}

fn list_buses(office: &mut Office<'_>, fields: &Fields) -> Result<Value, Failure> {
    let prefix = fields.text("NamePrefix")?.unwrap_or_default();
    finish(office, "ListEventBuses", fields)?;
    let buses = office.world.buses().filter(|bus| bus.name.starts_with(&prefix));
    Ok(json!({ "EventBuses": buses.map(bus_document).collect::<Vec<_>>() }))
}

fn bus_document(bus: &crate::world::Bus) -> Value {
    let mut document = json!({ "Name": bus.name, "Arn": bus.arn });
    if let Some(policy) = &bus.policy {
        document["Policy"] = policy.as_str().into();
    }
    document
}

/// Only the form with a whole policy; the statements of the older form are not simulated.
fn put_permission(office: &mut Office<'_>, fields: &Fields) -> Result<Value, Failure> {
    let bus = fields.text("EventBusName")?;
    let policy = fields.required("Policy")?;
    finish(office, "PutPermission", fields)?;
    office.world.set_bus_policy(bus.as_deref(), Some(policy))?;
    Ok(Value::Null)
}
