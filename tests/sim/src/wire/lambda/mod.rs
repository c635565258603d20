//! Lambda's REST/JSON: reading functions. What changes them is in `changes`.
//!
//! Limits by AWS.md section 1 (confirmed): ListFunctions gives at most 50 a page whatever MaxItems says, and neither
//! State nor LastUpdateStatus.

mod changes;

use super::paging::Cursor;
use super::params::Params;
use super::{Call, Failure, Office, Request, Service};
use crate::beliefs::PendingUpdateStatus;
use crate::throttle::Bucket;
use crate::world::{Function, FunctionState, LastUpdate, Unit, World};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use std::ops::Bound;

/// The most functions on a page of ListFunctions.
const PAGE: usize = 50;
/// The most items on a page of the other listings, as the API reference has it (believed).
const LONG_PAGE: usize = 10_000;

pub(crate) fn read(request: &Request) -> Call {
    let params = Params::parse(request.query.as_bytes());
    let parts: Vec<String> = request
        .path
        .split('/')
        .filter(|part| !part.is_empty())
        .map(|part| percent_decode_str(part).decode_utf8_lossy().into_owned())
        .collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let (operation, resource) = match (request.method.as_str(), parts.as_slice()) {
        ("GET", ["2015-03-31", "functions"]) => ("ListFunctions", String::new()),
        ("GET", ["2015-03-31", "functions", name]) => ("GetFunction", (*name).to_owned()),
        ("GET", ["2015-03-31", "functions", name, "configuration"]) => {
            ("GetFunctionConfiguration", (*name).to_owned())
        }
        ("GET", ["2015-03-31", "functions", name, "versions"]) => {
            ("ListVersionsByFunction", (*name).to_owned())
        }
        ("GET", ["2015-03-31", "functions", name, "aliases"]) => ("ListAliases", (*name).to_owned()),
        ("GET", ["2015-03-31", "functions", name, "aliases", alias]) => {
            ("GetAlias", format!("{name}:{alias}"))
        }
        ("GET", ["2017-03-31", "tags", arn]) => ("ListTags", (*arn).to_owned()),
        (method, parts) => match changes::operation(method, parts) {
            Some(found) => found,
            None => return Call::new(Service::Lambda, format!("{method} {}", request.path), params),
        },
    };
    let mut call = Call::new(Service::Lambda, operation.to_owned(), params);
    call.bucket = if operation == "GetFunction" { Bucket::LambdaGetFunction } else { Bucket::Lambda };
    if changes::knows(operation) {
        call.mutating = true;
        call.fields = changes::fields(operation, request);
    }
    call.page = Cursor::decode(call.params.peek("Marker")).map_or(1, |(_, cursor)| cursor.page);
    let gap = if call.detail.is_empty() || resource.is_empty() { "" } else { " " };
    call.detail = format!("{resource}{gap}{}", call.detail);
    call.resource = resource;
    call
}

pub(crate) fn carry_out(office: &mut Office<'_>, call: &Call) -> Result<String, Failure> {
    if changes::knows(&call.operation) {
        return changes::carry_out(office, call);
    }
    let world = &*office.world;
    let answer = match call.operation.as_str() {
        "ListFunctions" => list_functions(world, &call.params),
        "GetFunction" => get_function(world, call),
        "GetFunctionConfiguration" => find(world, call).map(|found| {
            let mut configuration = configuration(world, found.unit, &found.arn);
            add_states(world, found.unit, &mut configuration);
            configuration
        }),
        "ListVersionsByFunction" => list_versions(world, call),
        "ListAliases" => list_aliases(world, call),
        "GetAlias" => get_alias(world, call),
        "ListTags" => find(world, call).map(|found| json!({ "Tags": found.function.tags })),
        other => {
            let message = format!("lambda: {other} is not simulated");
            return Err(office.complain("UnknownOperationException", message));
        }
    }?;
    if let Some(unread) = call.params.unread().first() {
        let message = format!("lambda:{} does not know the parameter {unread}", call.operation);
        return Err(office.complain("InvalidParameterValueException", message));
    }
    Ok(answer.to_string())
}

/// A function version that a request names.
struct Found<'a> {
    function: &'a Function,
    unit: &'a Unit,
    /// The ARN as the answer shows it: qualified when the request was.
    arn: String,
}

fn find<'a>(world: &'a World, call: &Call) -> Result<Found<'a>, Failure> {
    let (name, in_name) = split_name(&call.resource);
    let qualifier = call.params.text("Qualifier").map(str::to_owned).or(in_name);
    let key = qualifier.as_ref().map_or_else(|| name.clone(), |qualifier| format!("{name}:{qualifier}"));
    let arn = arn(world, &key);
    match (world.function(&name), world.unit(&key)) {
        (Some(function), Some(unit)) => Ok(Found { function, unit, arn }),
        _ => Err(Failure::new("ResourceNotFoundException", 404, format!("Function not found: {arn}"))),
    }
}

/// A name, a name with a qualifier, or an ARN of either, as name and qualifier.
fn split_name(text: &str) -> (String, Option<String>) {
    let rest = text.rsplit_once(":function:").map_or(text, |(_, rest)| rest);
    match rest.split_once(':') {
        Some((name, qualifier)) => (name.to_owned(), Some(qualifier.to_owned())),
        None => (rest.to_owned(), None),
    }
}

fn arn(world: &World, key: &str) -> String {
    let config = world.config();
    format!("arn:aws:lambda:{}:{}:function:{key}", config.region, config.account)
}

fn list_functions(world: &World, params: &Params) -> Result<Value, Failure> {
    let all_versions = match params.text("FunctionVersion") {
        None => false,
        Some("ALL") => true,
        Some(other) => return Err(invalid(format!("FunctionVersion {other} is not ALL"))),
    };
    let limit = page_size(params, PAGE)?.min(world.config().page_most);
    let cursor = Cursor::of(params, "Marker", "InvalidParameterValueException")?;
    let (name, version) = cursor.after.split_once(':').unwrap_or((&cursor.after, ""));
    let from = if name.is_empty() { Bound::Unbounded } else { Bound::Included(name.to_owned()) };
    // A cursor of `name:` is behind $LATEST, one of `name:7` behind version 7.
    let passed = version.parse::<u32>().unwrap_or(0);
    let units = world.function_map().range((from, Bound::Unbounded)).flat_map(|(_, function)| {
        let resumed = function.name == name;
        let versions = if all_versions { Some(&function.versions) } else { None };
        let versions = versions.into_iter().flat_map(move |versions| {
            let after = if resumed { Bound::Excluded(passed) } else { Bound::Unbounded };
            versions.range((after, Bound::Unbounded)).map(|(_, place)| *place)
        });
        (!resumed).then_some(function.latest).into_iter().chain(versions)
    });
    let mut units = units.map(|place| world.unit_by_place(place)).peekable();
    let mut functions = Vec::with_capacity(limit);
    let mut last = String::new();
    for unit in units.by_ref().take(limit) {
        let key = if all_versions {
            format!("{}:{}", unit.function, unit.version_name())
        } else {
            unit.function.clone()
        };
        functions.push(configuration(world, unit, &arn(world, &key)));
        last = format!("{}:{}", unit.function, unit.version.map(|v| v.to_string()).unwrap_or_default());
    }
    let mut answer = json!({ "Functions": functions });
    if units.peek().is_some() {
        answer["NextMarker"] = cursor.next_token(params, &last).into();
    }
    Ok(answer)
}

fn list_versions(world: &World, call: &Call) -> Result<Value, Failure> {
    let found = find(world, call)?;
    let units = std::iter::once(&found.function.latest).chain(found.function.versions.values());
    let all: Vec<Value> = units
        .map(|place| {
            let unit = world.unit_by_place(*place);
            configuration(world, unit, &arn(world, &format!("{}:{}", unit.function, unit.version_name())))
        })
        .collect();
    page(&call.params, &all, "Versions", page_size(&call.params, PAGE)?)
}

fn list_aliases(world: &World, call: &Call) -> Result<Value, Failure> {
    let found = find(world, call)?;
    let wanted = call.params.text("FunctionVersion");
    let named = found.function.aliases.iter();
    let wanted = named.filter(|(_, version)| wanted.is_none_or(|wanted| version.to_string() == wanted));
    let all: Vec<Value> =
        wanted.map(|(alias, version)| alias_value(world, found.function, alias, *version)).collect();
    page(&call.params, &all, "Aliases", page_size(&call.params, LONG_PAGE)?)
}

fn get_alias(world: &World, call: &Call) -> Result<Value, Failure> {
    let (name, alias) = call.resource.split_once(':').unwrap_or((&call.resource, ""));
    let function = world.function(name);
    let found = function.and_then(|function| Some((function, *function.aliases.get(alias)?)));
    let missing = || {
        let message = format!("Cannot find alias arn: {}", arn(world, &call.resource));
        Failure::new("ResourceNotFoundException", 404, message)
    };
    found.map(|(function, version)| alias_value(world, function, alias, version)).ok_or_else(missing)
}

fn get_function(world: &World, call: &Call) -> Result<Value, Failure> {
    let found = find(world, call)?;
    let mut configuration = configuration(world, found.unit, &found.arn);
    add_states(world, found.unit, &mut configuration);
    let mut answer = json!({
        "Configuration": configuration,
        "Code": { "RepositoryType": "S3", "Location": "https://example.invalid/code.zip" },
    });
    if !found.function.tags.is_empty() {
        answer["Tags"] = json!(found.function.tags);
    }
    Ok(answer)
}

fn alias_value(world: &World, function: &Function, alias: &str, version: u32) -> Value {
    let mut value = json!({
        "AliasArn": arn(world, &format!("{}:{alias}", function.name)),
        "Name": alias,
        "FunctionVersion": version.to_string(),
        "Description": "",
    });
    if let Some((version, part)) = function.weights.get(alias) {
        value["RoutingConfig"] = json!({ "AdditionalVersionWeights": { version.to_string(): part } });
    }
    value
}

fn page(params: &Params, all: &[Value], name: &str, limit: usize) -> Result<Value, Failure> {
    let cursor = Cursor::of(params, "Marker", "InvalidParameterValueException")?;
    let from = cursor.after.parse::<usize>().unwrap_or(0).min(all.len());
    let until = (from + limit).min(all.len());
    let mut answer = json!({ name: all[from..until] });
    if until < all.len() {
        answer["NextMarker"] = cursor.next_token(params, &until.to_string()).into();
    }
    Ok(answer)
}

fn page_size(params: &Params, most: usize) -> Result<usize, Failure> {
    match params.number("MaxItems")? {
        None => Ok(most),
        Some(items) if (1..=LONG_PAGE).contains(&items) => Ok(items.min(most)),
        Some(items) => Err(invalid(format!("MaxItems {items} is not between 1 and {LONG_PAGE}"))),
    }
}

fn invalid(message: String) -> Failure {
    Failure::new("InvalidParameterValueException", 400, message)
}

/// A function's configuration without its states, as ListFunctions shows it.
fn configuration(world: &World, unit: &Unit, arn: &str) -> Value {
    let timeout = world.function(&unit.function).map_or(3, |function| function.timeout.as_secs());
    let mut value = json!({
        "FunctionName": unit.function,
        "FunctionArn": arn,
        "Runtime": "provided.al2023",
        "Role": format!("arn:aws:iam::{}:role/exec-role", world.config().account),
        "Handler": "bootstrap",
        "CodeSize": 1024,
        "Description": "",
        "Timeout": timeout,
        "MemorySize": 128,
        "LastModified": unit.modified.lambda_timestamp(),
        "CodeSha256": "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
        "Version": unit.version_name(),
        "TracingConfig": { "Mode": "PassThrough" },
        "RevisionId": format!("00000000-0000-4000-8000-{:012x}", unit.serial),
        "PackageType": "Zip",
        "Architectures": ["x86_64"],
        "EphemeralStorage": { "Size": 512 },
    });
    if let Some(vpc) = world.shown_config(unit) {
        let first = vpc.subnets.first().and_then(|id| world.subnet(id));
        value["VpcConfig"] = json!({
            "SubnetIds": vpc.subnets,
            "SecurityGroupIds": vpc.security_groups,
            "VpcId": first.map_or("", |subnet| &subnet.vpc),
            "Ipv6AllowedForDualStack": world.function(&unit.function).is_some_and(|found| found.dual_stack),
        });
    }
    value
}

/// The fields that only GetFunction and GetFunctionConfiguration show.
fn add_states(world: &World, unit: &Unit, value: &mut Value) {
    value["State"] = unit.state.as_str().into();
    let (code, reason) = match unit.state {
        FunctionState::Pending => ("Creating", "The function is being created."),
        FunctionState::Inactive => ("Idle", "The function is inactive because it was idle."),
        FunctionState::Failed => ("InternalError", "The function could not be created."),
        FunctionState::Active => ("", ""),
    };
    if !code.is_empty() {
        value["StateReasonCode"] = code.into();
        value["StateReason"] = reason.into();
    }
    let status = match (&unit.last_update, unit.state) {
        (LastUpdate::Failed(reason), _) => {
            value["LastUpdateStatusReason"] = reason.as_str().into();
            value["LastUpdateStatusReasonCode"] = "InvalidSubnet".into();
            Some("Failed")
        }
        (LastUpdate::InProgress, _) => {
            value["LastUpdateStatusReason"] = "The function is being updated.".into();
            value["LastUpdateStatusReasonCode"] = "Creating".into();
            Some("InProgress")
        }
        (_, FunctionState::Pending) => match world.beliefs().pending_update_status {
            PendingUpdateStatus::Absent => None,
            PendingUpdateStatus::InProgress => Some("InProgress"),
            PendingUpdateStatus::Successful => Some("Successful"),
        },
        (LastUpdate::Successful, _) => Some("Successful"),
    };
    if let Some(status) = status {
        value["LastUpdateStatus"] = status.into();
    }
}
