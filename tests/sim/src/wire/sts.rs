//! STS: who am I, and sessions in a role.
//!
//! A session is a new access key with the caller's own hand, and is denied what the caller is: neither trust policies nor
//! those of roles are evaluated.

use super::params::Params;
use super::xml::{self, Xml};
use super::{Call, Failure, Office, Principal, Request, Service};
use std::time::Duration;

pub(crate) fn read(request: &Request) -> Call {
    let params = Params::parse(&request.body);
    let operation = params.text("Action").unwrap_or_default().to_owned();
    let mut call = Call::new(Service::Sts, operation, params);
    call.resource = call.params.peek("RoleArn").unwrap_or("*").to_owned();
    call
}

pub(crate) fn carry_out(office: &mut Office<'_>, call: &Call) -> Result<String, Failure> {
    call.params.text("Version");
    let result = match call.operation.as_str() {
        "GetCallerIdentity" => get_caller_identity(office),
        "AssumeRole" => assume_role(office, call)?,
        other => {
            let message = format!("sts:{other} is not simulated");
            return Err(office.complain("InvalidAction", message));
        }
    };
    if let Some(unread) = call.params.unread().first() {
        let message = format!("sts:{} does not know the parameter {unread}", call.operation);
        return Err(office.complain("ValidationError", message));
    }
    let operation = &call.operation;
    let request_id = &office.request_id;
    Ok(format!(
        "<{operation}Response xmlns=\"{}\"><{operation}Result>{result}</{operation}Result>\
         <ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{operation}Response>",
        xml::STS
    ))
}

fn get_caller_identity(office: &Office<'_>) -> String {
    let mut xml = Xml::default();
    xml.leaf("Arn", &office.caller.arn);
    xml.leaf("UserId", &office.caller.user_id);
    xml.leaf("Account", &office.caller.account);
    xml.finish()
}

fn assume_role(office: &mut Office<'_>, call: &Call) -> Result<String, Failure> {
    let role = call.params.required("RoleArn")?.to_owned();
    let session = call.params.required("RoleSessionName")?.to_owned();
    call.params.text("ExternalId");
    let seconds = call.params.number("DurationSeconds")?.unwrap_or(3600);
    if !(900..=43200).contains(&seconds) {
        let message = format!("The requested DurationSeconds {seconds} is not between 900 and 43200.");
        return Err(Failure::new("ValidationError", 400, message));
    }
    let mut parts = role.split(':').skip(4);
    let account = parts.next().unwrap_or_default().to_owned();
    let name = parts.next().and_then(|rest| rest.rsplit('/').next()).unwrap_or_default();
    let arn = format!("arn:aws:sts::{account}:assumed-role/{name}/{session}");
    let token = office.request_id.replace('-', "").to_uppercase();
    let access_key = format!("ASIA{}", &token[..16]);
    let base = call.access_key.as_deref().and_then(|key| office.principals.get(key));
    let principal = Principal {
        user_id: format!("AROA{}:{session}", &token[16..]),
        denied: base.map(|base| base.denied).unwrap_or_default(),
        ..Principal::new(&arn, &account, office.caller.hand)
    };
    let expires = office.world.now() + Duration::from_secs(seconds as u64);
    let mut xml = Xml::default();
    xml.open("Credentials");
    xml.leaf("AccessKeyId", &access_key);
    xml.leaf("SecretAccessKey", &format!("secret-of-{access_key}"));
    xml.leaf("SessionToken", &format!("token-of-{access_key}"));
    xml.leaf("Expiration", &expires.xml_timestamp());
    xml.close("Credentials");
    xml.open("AssumedRoleUser");
    xml.leaf("AssumedRoleId", &principal.user_id);
    xml.leaf("Arn", &arn);
    xml.close("AssumedRoleUser");
    office.principals.sessions().insert(&access_key, principal);
    Ok(xml.finish())
}
