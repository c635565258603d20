//! SQS's operations on queues: make, find, set, tag, empty, remove.

use super::{finish, named};
use crate::wire::json::Fields;
use crate::wire::{Failure, Office};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The attributes that SQS counts or knows by itself.
const OWN: [&str; 6] = [
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
    "CreatedTimestamp",
    "LastModifiedTimestamp",
    "QueueArn",
];

/// The attributes that can be asked for and are not simulated, so never set.
const UNSET: [&str; 8] = [
    "Policy",
    "RedrivePolicy",
    "RedriveAllowPolicy",
    "FifoQueue",
    "ContentBasedDeduplication",
    "KmsMasterKeyId",
    "KmsDataKeyReusePeriodSeconds",
    "DeduplicationScope",
];

pub(super) fn create(office: &mut Office<'_>, fields: &Fields) -> Result<Value, Failure> {
    let name = fields.required("QueueName")?;
    let attributes = fields.map("Attributes")?;
    // The member is `tags` here and `Tags` in TagQueue (SQS API model; confirmed).
    let tags = fields.map("tags")?;
    finish(office, "CreateQueue", fields)?;
    let url = office.world.create_queue(&name, &attributes, &tags)?;
    Ok(json!({ "QueueUrl": url }))
}

pub(super) fn delete(office: &mut Office<'_>, fields: &Fields) -> Result<Value, Failure> {
    let name = named(office, fields)?;
    finish(office, "DeleteQueue", fields)?;
    office.world.delete_queue(&name)?;
    Ok(Value::Null)
}

pub(super) fn purge(office: &mut Office<'_>, fields: &Fields) -> Result<Value, Failure> {
    let name = named(office, fields)?;
    finish(office, "PurgeQueue", fields)?;
    office.world.purge_queue(&name)?;
    Ok(Value::Null)
}

pub(super) fn get_url(office: &mut Office<'_>, fields: &Fields) -> Result<Value, Failure> {
    let name = fields.required("QueueName")?;
    let owner = fields.text("QueueOwnerAWSAccountId")?;
    finish(office, "GetQueueUrl", fields)?;
    let ours = owner.is_none_or(|owner| owner == office.world.config().account);
    if !ours || office.world.queue(&name).is_none() {
        return Err(Failure::new("QueueDoesNotExist", 400, "The specified queue does not exist."));
    }
    Ok(json!({ "QueueUrl": office.world.queue_url(&name) }))
}

pub(super) fn set_attributes(office: &mut Office<'_>, fields: &Fields) -> Result<Value, Failure> {
    let name = named(office, fields)?;
    let attributes = fields.map("Attributes")?;
    finish(office, "SetQueueAttributes", fields)?;
    office.world.set_queue_attributes(&name, &attributes)?;
    Ok(Value::Null)
}

pub(super) fn get_attributes(office: &mut Office<'_>, fields: &Fields) -> Result<Value, Failure> {
    let name = named(office, fields)?;
    let wanted = fields.texts("AttributeNames")?.unwrap_or_default();
    finish(office, "GetQueueAttributes", fields)?;
    let queue = office.world.queue_at(&name)?;
    let mut values: BTreeMap<&str, String> = queue.attributes.shown();
    let (visible, in_flight, delayed) = queue.counts();
    let seconds = |moment: crate::Moment| (moment.unix_millis() / 1000).to_string();
    let own = [
        visible.to_string(),
        delayed.to_string(),
        in_flight.to_string(),
        seconds(queue.created),
        seconds(queue.modified),
        queue.arn.clone(),
    ];
    values.extend(OWN.into_iter().zip(own));
    let known = |name: &str| name == "All" || values.contains_key(name) || UNSET.contains(&name);
    if let Some(strange) = wanted.iter().find(|name| !known(name)) {
        return Err(Failure::new("InvalidAttributeName", 400, format!("Unknown Attribute {strange}.")));
    }
    if !wanted.iter().any(|name| name == "All") {
        values.retain(|name, _| wanted.iter().any(|wanted| wanted == name));
    }
    Ok(if values.is_empty() { json!({}) } else { json!({ "Attributes": values }) })
}

pub(super) fn tag(office: &mut Office<'_>, fields: &Fields) -> Result<Value, Failure> {
    let name = named(office, fields)?;
    let tags = fields.map("Tags")?;
    finish(office, "TagQueue", fields)?;
    office.world.tag_queue(&name, tags)?;
    Ok(Value::Null)
}

pub(super) fn untag(office: &mut Office<'_>, fields: &Fields) -> Result<Value, Failure> {
    let name = named(office, fields)?;
    let keys = fields.texts("TagKeys")?.unwrap_or_default();
    finish(office, "UntagQueue", fields)?;
    office.world.untag_queue(&name, &keys)?;
    Ok(Value::Null)
}

pub(super) fn list_tags(office: &mut Office<'_>, fields: &Fields) -> Result<Value, Failure> {
    let name = named(office, fields)?;
    finish(office, "ListQueueTags", fields)?;
    let tags = &office.world.queue_at(&name)?.tags;
    Ok(if tags.is_empty() { json!({}) } else { json!({ "Tags": tags }) })
}

pub(super) fn list(office: &mut Office<'_>, fields: &Fields) -> Result<Value, Failure> {
    let prefix = fields.text("QueueNamePrefix")?.unwrap_or_default();
    let most = fields.within("MaxResults", 1, 1000)?;
    let after = fields.text("NextToken")?;
    finish(office, "ListQueues", fields)?;
    let world = &*office.world;
    let names = world.queues().map(|queue| queue.name.as_str()).filter(|name| name.starts_with(&prefix));
    let mut rest = names.filter(|name| after.as_deref().is_none_or(|after| *name > after)).peekable();
    let limit = most.and_then(|most| usize::try_from(most).ok()).unwrap_or(1000);
    let page: Vec<&str> = rest.by_ref().take(limit).collect();
    let mut answer = json!({});
    // Without MaxResults there is no token, and no more than a thousand (SQS API reference; confirmed).
    if let (Some(last), true) = (page.last(), most.is_some() && rest.peek().is_some()) {
        answer["NextToken"] = (*last).into();
    }
    if !page.is_empty() {
        answer["QueueUrls"] = page.iter().map(|name| world.queue_url(name)).collect();
    }
    Ok(answer)
}
