//! The wire: requests as the SDKs send them, answers as AWS gives them.
//!
//! EC2 speaks query/XML 2016-11-15, STS query/XML 2011-06-15, Lambda REST/JSON, SQS JSON 1.0, EventBridge JSON 1.1
//! (AWS.md section 2; confirmed), and so does the Resource Groups Tagging API (its SDK's model; confirmed).
//! Reading a request never fails: what is not understood becomes a call that is answered with an error, and a
//! complaint that tests assert empty. There is no transport, no fault and no throttle here.

mod ec2;
mod events;
mod failure;
mod json;
mod lambda;
mod paging;
mod params;
mod principals;
mod sqs;
mod sts;
mod tagging;
mod xml;

pub(crate) use ec2::recorded;
pub(crate) use failure::Failure;
pub(crate) use principals::{Caller, Principals};
pub use principals::{Credentials, Principal};
pub(crate) use sqs::patience;

use crate::moment::Moment;
use crate::throttle::Bucket;
use crate::world::{Refusal, World};
use bytes::Bytes;
use json::Fields;
use params::Params;
use serde_json::Value;
use std::fmt;

/// A request as it came over the wire.
#[derive(Clone, Debug)]
pub struct Request {
    /// `GET`, `POST`, ….
    pub method: String,
    /// The path, percent-encoded, without the query.
    pub path: String,
    /// The query without its question mark; empty when there is none.
    pub query: String,
    /// The Authorization header, if there is one.
    pub authorization: Option<String>,
    /// The X-Amz-Target header, which names the operation in the JSON protocols.
    pub target: Option<String>,
    /// The body.
    pub body: Bytes,
}

/// An answer as it goes over the wire.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// Headers, the content type among them.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Bytes,
}

/// The service that a request is for, by its credential scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    /// Amazon EC2.
    Ec2,
    /// AWS Lambda.
    Lambda,
    /// AWS STS.
    Sts,
    /// Amazon SQS.
    Sqs,
    /// Amazon EventBridge.
    Events,
    /// The Resource Groups Tagging API.
    Tagging,
    /// None that is simulated.
    Unknown,
}

impl Service {
    /// Its name in IAM; in a credential scope as well, but for the tagging API's.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ec2 => "ec2",
            Self::Lambda => "lambda",
            Self::Sts => "sts",
            Self::Sqs => "sqs",
            Self::Events => "events",
            Self::Tagging => "tag",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A request that was understood as far as it can be without the world.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) service: Service,
    pub(crate) operation: String,
    pub(crate) mutating: bool,
    pub(crate) page: u32,
    pub(crate) bucket: Bucket,
    pub(crate) access_key: Option<String>,
    pub(crate) region: Option<String>,
    pub(crate) detail: String,
    /// What the operation names: path parts (for Lambda) and parameters.
    pub(crate) resource: String,
    pub(crate) params: Params,
    /// The members, in the JSON protocols.
    pub(crate) fields: Fields,
}

/// What a call is answered from.
pub(crate) struct Office<'a> {
    pub(crate) world: &'a mut World,
    pub(crate) principals: &'a mut Principals,
    pub(crate) complaints: &'a mut Vec<String>,
    pub(crate) views: Views,
    pub(crate) caller: Caller,
    pub(crate) request_id: String,
    /// What CloudTrail's record says of the answer, besides the request id.
    pub(crate) elements: Value,
}

/// The moments whose snapshots a call reads, one for each side (AWS.md section 2, eventual consistency; confirmed).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Views {
    pub(crate) addresses: Moment,
    pub(crate) interfaces: Moment,
}

impl Office<'_> {
    /// Remembers that something is not simulated, and makes the error that says so.
    pub(crate) fn complain(&mut self, code: &'static str, message: String) -> Failure {
        self.complaints.push(message.clone());
        Failure::new(code, 400, message)
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::new(refusal.code, 400, refusal.message)
    }
}

/// The region that a request is signed for, and the access key that it is signed with.
pub(crate) fn scope_of(request: &Request) -> (Option<String>, Option<String>) {
    let scope = Scope::of(request.authorization.as_deref());
    (scope.region, scope.access_key)
}

/// The operation that the target header names.
fn target_of(request: &Request, prefix: &str) -> String {
    let target = request.target.as_deref().unwrap_or_default();
    target.strip_prefix(prefix).unwrap_or(target).to_owned()
}

/// Understands a request.
pub(crate) fn read(request: &Request) -> Call {
    let scope = Scope::of(request.authorization.as_deref());
    let is_lambda_path = ["/2015-03-31/", "/2017-03-31/"].iter().any(|start| request.path.starts_with(start));
    let is_target_of =
        |start: &str| request.target.as_deref().is_some_and(|target| target.starts_with(start));
    let service = match scope.service.as_deref() {
        Some("ec2") => Service::Ec2,
        Some("lambda") => Service::Lambda,
        Some("sts") => Service::Sts,
        Some("sqs") => Service::Sqs,
        Some("events") => Service::Events,
        Some("tagging") => Service::Tagging,
        None if is_lambda_path => Service::Lambda,
        None if is_target_of("AmazonSQS.") => Service::Sqs,
        None if is_target_of("AWSEvents.") => Service::Events,
        None if is_target_of(tagging::TARGET) => Service::Tagging,
        None => Service::Ec2,
        Some(_) => Service::Unknown,
    };
    let mut call = match service {
        Service::Lambda => lambda::read(request),
        Service::Ec2 => ec2::read(request),
        Service::Sts => sts::read(request),
        Service::Sqs => sqs::read(request),
        Service::Events => events::read(request),
        Service::Tagging => tagging::read(request),
        Service::Unknown => Call::new(service, scope.service.clone().unwrap_or_default(), Params::default()),
    };
    (call.access_key, call.region) = (scope.access_key, scope.region);
    call
}

/// Carries a call out. The body is the service's XML or JSON document.
pub(crate) fn carry_out(office: &mut Office<'_>, call: &Call) -> Result<String, Failure> {
    match call.service {
        Service::Ec2 => ec2::carry_out(office, call),
        Service::Lambda => lambda::carry_out(office, call),
        Service::Sts => sts::carry_out(office, call),
        Service::Sqs => sqs::carry_out(office, call),
        Service::Events => events::carry_out(office, call),
        Service::Tagging => tagging::carry_out(office, call),
        Service::Unknown => {
            let message = format!("the service {} is not simulated", call.operation);
            Err(office.complain("UnknownService", message))
        }
    }
}

/// A successful answer.
pub(crate) fn success(service: Service, body: String, request_id: &str) -> Reply {
    let (kind, id) = match service {
        Service::Lambda => ("application/json", "x-amzn-RequestId"),
        Service::Sqs => ("application/x-amz-json-1.0", "x-amzn-RequestId"),
        Service::Events | Service::Tagging => ("application/x-amz-json-1.1", "x-amzn-RequestId"),
        _ => ("text/xml;charset=UTF-8", "x-amzn-requestid"),
    };
    let headers = vec![("content-type", kind.to_owned()), (id, request_id.to_owned())];
    Reply { status: 200, headers, body: Bytes::from(body) }
}

impl Call {
    pub(crate) fn new(service: Service, operation: String, params: Params) -> Self {
        Self {
            service,
            operation,
            mutating: false,
            page: 1,
            bucket: Bucket::NonMutating,
            access_key: None,
            region: None,
            detail: params.summary(),
            resource: String::new(),
            params,
            fields: Fields::default(),
        }
    }

    /// A call in a JSON protocol.
    pub(crate) fn of_fields(service: Service, operation: String, fields: Fields) -> Self {
        let detail = fields.summary();
        Self { detail, fields, ..Self::new(service, operation, Params::default()) }
    }

    /// What IAM calls the operation: a batch needs the permission of the single one (service authorization reference
    /// of SQS; confirmed).
    pub(crate) fn action(&self) -> String {
        let operation = match self.service {
            Service::Sqs => self.operation.trim_end_matches("Batch"),
            _ => &self.operation,
        };
        format!("{}:{operation}", self.service)
    }
}

/// The credential scope of a signature: `AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/SERVICE/aws4_request, …`.
/// The signature itself is not verified.
#[derive(Default)]
struct Scope {
    access_key: Option<String>,
    region: Option<String>,
    service: Option<String>,
}

impl Scope {
    fn of(authorization: Option<&str>) -> Self {
        let Some((_, rest)) = authorization.and_then(|header| header.split_once("Credential=")) else {
            return Self::default();
        };
        let mut parts = rest.split([',', ' ']).next().unwrap_or_default().split('/').map(str::to_owned);
        let access_key = parts.next();
        let _date = parts.next();
        Self { access_key, region: parts.next(), service: parts.next() }
    }
}
