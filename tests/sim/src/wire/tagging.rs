//! GetResources of the Resource Groups Tagging API, JSON 1.1, for functions: which of them bear which tags.
//!
//! Keys are all to be borne, values of one key are alternatives, and a page may hold fewer than were asked for (API
//! reference; confirmed). A function that was deleted is shown for ever with the tags that it had: for how long AWS does
//! is not known, and a caller has to bear it (believed).

use super::json::Fields;
use super::paging::Cursor;
use super::params::Params;
use super::{Bucket, Call, Failure, Office, Request, Service};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The start of every target.
pub(crate) const TARGET: &str = "ResourceGroupsTaggingAPI_20170126.";
const FUNCTIONS: &str = "lambda:function";
/// API reference; confirmed.
const KEYS_MAX: usize = 50;
const VALUES_MAX: usize = 20;
const PAGE_MAX: i64 = 100;

type Tags = BTreeMap<String, String>;

pub(crate) fn read(request: &Request) -> Call {
    let fields = Fields::parse(&request.body);
    let token = fields.peek("PaginationToken").filter(|token| !token.is_empty());
    let page = Cursor::decode(token).map_or(1, |(_, cursor)| cursor.page);
    let mut call = Call::of_fields(Service::Tagging, super::target_of(request, TARGET), fields);
    (call.bucket, call.page) = (Bucket::Tagging, page);
    "*".clone_into(&mut call.resource);
    call
}

pub(crate) fn carry_out(office: &mut Office<'_>, call: &Call) -> Result<String, Failure> {
    call.fields.check()?;
    if call.operation != "GetResources" {
        let message = format!("tag:{} is not simulated", call.operation);
        return Err(office.complain("UnknownOperationException", message));
    }
    let fields = &call.fields;
    let filters = filters(fields)?;
    let kinds = fields.texts("ResourceTypeFilters")?.unwrap_or_default();
    let most = fields.number("ResourcesPerPage")?.unwrap_or(PAGE_MAX);
    let token = fields.text("PaginationToken")?.filter(|token| !token.is_empty());
    if let Some(unread) = fields.unread().first() {
        let message = format!("tag:GetResources does not know the member {unread}");
        return Err(office.complain("InvalidParameterException", message));
    }
    if kinds != [FUNCTIONS] {
        let message = format!("tag:GetResources of {kinds:?} is not simulated");
        return Err(office.complain("InvalidParameterException", message));
    }
    let most = usize::try_from(most).ok().filter(|_| (1..=PAGE_MAX).contains(&most));
    let most = most.ok_or_else(|| invalid("ResourcesPerPage"))?;
    let Some((_, cursor)) = Cursor::decode(token.as_deref()) else {
        return Err(Failure::new("PaginationTokenExpiredException", 400, "The token is not valid."));
    };
    let world = &office.world;
    let config = world.config();
    let all: Vec<(&String, &Tags)> = world.tagged_functions().collect();
    let from = all.partition_point(|(name, _)| **name <= cursor.after);
    let page = &all[from..all.len().min(from + most)];
    let next = match page.last() {
        Some((last, _)) if from + page.len() < all.len() => cursor.next_token(&Params::default(), last),
        _ => String::new(),
    };
    let fits = |tags: &Tags| !tags.is_empty() && filters.iter().all(|(key, values)| bears(tags, key, values));
    let items: Vec<Value> = page
        .iter()
        .filter(|(_, tags)| fits(tags))
        .map(|(name, tags)| {
            let arn = format!("arn:aws:lambda:{}:{}:function:{name}", config.region, config.account);
            let tags: Vec<Value> =
                tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
            json!({ "ResourceARN": arn, "Tags": tags })
        })
        .collect();
    Ok(json!({ "PaginationToken": next, "ResourceTagMappingList": items }).to_string())
}

fn filters(fields: &Fields) -> Result<Vec<(String, Vec<String>)>, Failure> {
    let filter = |entry: Fields| Ok((entry.required("Key")?, entry.texts("Values")?.unwrap_or_default()));
    let filters: Vec<_> =
        fields.entries("TagFilters")?.into_iter().map(filter).collect::<Result<_, Failure>>()?;
    let is_sound = filters.len() <= KEYS_MAX && filters.iter().all(|(_, values)| values.len() <= VALUES_MAX);
    if is_sound { Ok(filters) } else { Err(invalid("TagFilters")) }
}

/// No values stand for any.
fn bears(tags: &Tags, key: &str, values: &[String]) -> bool {
    tags.get(key).is_some_and(|value| values.is_empty() || values.contains(value))
}

fn invalid(name: &str) -> Failure {
    Failure::new("InvalidParameterException", 400, format!("The parameter {name} is not valid."))
}
