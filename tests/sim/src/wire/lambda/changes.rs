//! Lambda's REST/JSON: what an owner of an account does with functions. eipd itself does none of it.
//!
//! Carried out by the world's verbs; here are bodies, checks and answers. An invocation answers with the public address
//! that it leaves from, as a function would that asks the world for it.

use super::super::json::Fields;
use super::super::{Call, Failure, Office, Request};
use super::{add_states, arn, configuration, invalid, split_name};
use crate::world::{NewFunction, Outcome, Refusal, VpcConfig, World};
use serde_json::{Value, json};
use std::time::Duration;

/// The operation that a method and a path name, if it is one of these, and the function that it is for.
pub(super) fn operation(method: &str, parts: &[&str]) -> Option<(&'static str, String)> {
    Some(match (method, parts) {
        ("POST", ["2015-03-31", "functions"]) => ("CreateFunction", String::new()),
        ("PUT", ["2015-03-31", "functions", name, "configuration"]) => {
            ("UpdateFunctionConfiguration", (*name).to_owned())
        }
        ("DELETE", ["2015-03-31", "functions", name]) => ("DeleteFunction", (*name).to_owned()),
        ("POST", ["2015-03-31", "functions", name, "invocations"]) => ("Invoke", (*name).to_owned()),
        _ => return None,
    })
}

/// Whether an operation is one of these.
pub(super) fn knows(operation: &str) -> bool {
    matches!(operation, "CreateFunction" | "UpdateFunctionConfiguration" | "DeleteFunction" | "Invoke")
}

/// The members of its body; what is sent to a function is its own affair.
pub(super) fn fields(operation: &str, request: &Request) -> Fields {
    if operation == "Invoke" { Fields::default() } else { Fields::parse(&request.body) }
}

pub(super) fn carry_out(office: &mut Office<'_>, call: &Call) -> Result<String, Failure> {
    call.fields.check()?;
    let change = read(office.world, call)?;
    if let Some(unread) = call.fields.unread().first() {
        let message = format!("lambda:{} does not know the member {unread}", call.operation);
        return Err(office.complain("InvalidRequestContentException", message));
    }
    match change {
        Change::Create(new) => {
            office.world.create_function(&new);
            shown(office.world, &new.name)
        }
        Change::Update(name, vpc) => {
            office.world.update_function_vpc(&name, vpc, Outcome::Succeeds, None).map_err(failure)?;
            shown(office.world, &name)
        }
        // Lambda answers 204 with nothing; no SDK tells that from an empty document.
        Change::Delete(name) => {
            office.world.delete_function(&name);
            Ok("{}".to_owned())
        }
        Change::Invoke(name) => invoke(office.world, &name),
    }
}

enum Change {
    Create(NewFunction),
    Update(String, Option<VpcConfig>),
    Delete(String),
    Invoke(String),
}

/// What a call asks for, once it is certain that it can be done.
fn read(world: &World, call: &Call) -> Result<Change, Failure> {
    let fields = &call.fields;
    if call.operation == "CreateFunction" {
        let name = fields.required("FunctionName")?;
        if world.function(&name).is_some() {
            return Err(Failure::new(
                "ResourceConflictException",
                409,
                format!("Function already exist: {name}"),
            ));
        }
        for name in ["Role", "Runtime", "Handler"] {
            fields.required(name)?;
        }
        fields.structure("Code")?;
        fields.within("MemorySize", 128, 10_240)?;
        let timeout = fields.within("Timeout", 1, 900)?.unwrap_or(3);
        return Ok(Change::Create(NewFunction {
            timeout: Duration::from_secs(timeout),
            tags: fields.map("Tags")?,
            ..NewFunction::new(&name, vpc(world, fields)?)
        }));
    }
    let (name, _) = split_name(&call.resource);
    if world.function(&name).is_none() {
        let message = format!("Function not found: {}", arn(world, &name));
        return Err(Failure::new("ResourceNotFoundException", 404, message));
    }
    Ok(match call.operation.as_str() {
        "UpdateFunctionConfiguration" => Change::Update(name, vpc(world, fields)?),
        "DeleteFunction" => Change::Delete(name),
        _ => Change::Invoke(name),
    })
}

/// The VPC configuration of a body; one with empty lists is none.
fn vpc(world: &World, fields: &Fields) -> Result<Option<VpcConfig>, Failure> {
    let Some(vpc) = fields.structure("VpcConfig")? else { return Ok(None) };
    let list = |name: &str| vpc.texts(name).map(Option::unwrap_or_default);
    let config = VpcConfig { subnets: list("SubnetIds")?, security_groups: list("SecurityGroupIds")? };
    let strange = config.subnets.iter().find(|id| world.subnet(id).is_none());
    let strange = strange.or(config.security_groups.iter().find(|id| world.security_group(id).is_none()));
    match strange {
        Some(id) => Err(invalid(format!("The ID '{id}' does not exist"))),
        None => Ok((!config.subnets.is_empty()).then_some(config)),
    }
}

fn shown(world: &World, name: &str) -> Result<String, Failure> {
    let unit = world.unit(name).expect("it is there after the change");
    let mut value = configuration(world, unit, &arn(world, name));
    add_states(world, unit, &mut value);
    Ok(value.to_string())
}

fn failure(refusal: Refusal) -> Failure {
    let status = if refusal.code == "ResourceConflictException" { 409 } else { 404 };
    Failure::new(refusal.code, status, refusal.message)
}

/// Of several interfaces the first: which one an invocation takes is not known (AWS.md section 6).
fn invoke(world: &World, name: &str) -> Result<String, Failure> {
    let egress = world.egress(name);
    if !egress.invocable {
        let message = "The operation cannot be performed at this time. The function is not Active";
        return Err(Failure::new("ResourceConflictException", 409, message));
    }
    let address = egress.via.first().and_then(|via| via.public_ip.as_deref());
    let answer: Value =
        address.map_or_else(|| json!({ "error": "timed out" }), |ip| json!({ "address": ip }));
    Ok(answer.to_string())
}
