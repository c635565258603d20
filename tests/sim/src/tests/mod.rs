//! The simulator over its wire: requests in, documents out, without an SDK and without a socket.

mod beliefs;
mod callers;
mod limits;
mod queues;
mod replay;
mod rules;
mod stale;
mod tagging;
mod trail;
mod weather;

use crate::{EIPD_ACCESS_KEY, Population, Reply, Request, Sim, VpcConfig, WorldConfig};
use std::fmt::Write;

/// A signed request for `service` by `key`.
pub(crate) fn signed(service: &str, key: &str, method: &str, target: &str, body: &str) -> Request {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    Request {
        method: method.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        authorization: Some(format!(
            "AWS4-HMAC-SHA256 Credential={key}/20261123/eu-west-1/{service}/aws4_request, SignedHeaders=host, \
             Signature=0"
        )),
        target: None,
        body: body.to_owned().into(),
    }
}

/// An EC2 request by eipd.
pub(crate) fn ec2(action: &str, parameters: &[(&str, &str)]) -> Request {
    let mut body = format!("Action={action}&Version=2016-11-15");
    for (name, value) in parameters {
        let _ =
            write!(body, "&{name}={}", form_urlencoded::byte_serialize(value.as_bytes()).collect::<String>());
    }
    signed("ec2", EIPD_ACCESS_KEY, "POST", "/", &body)
}

/// A Lambda request by eipd.
pub(crate) fn lambda(target: &str) -> Request {
    signed("lambda", EIPD_ACCESS_KEY, "GET", target, "")
}

/// A JSON-protocol request by eipd.
pub(crate) fn json_call(service: &str, target: &str, body: &serde_json::Value) -> Request {
    let request = signed(service, EIPD_ACCESS_KEY, "POST", "/", &body.to_string());
    Request { target: Some(target.to_owned()), ..request }
}

/// An SQS request by eipd.
pub(crate) fn sqs(action: &str, body: &serde_json::Value) -> Request {
    json_call("sqs", &format!("AmazonSQS.{action}"), body)
}

/// The document of a JSON answer that is a success; null for an empty one.
pub(crate) fn json_ok(sim: &Sim, request: &Request) -> serde_json::Value {
    let body = ok(sim, request);
    if body.is_empty() { serde_json::Value::Null } else { serde_json::from_str(&body).expect("JSON") }
}

/// The status and the type of a JSON error, without its namespace.
pub(crate) fn json_refusal(sim: &Sim, request: &Request) -> (u16, String) {
    let (status, body) = call(sim, request);
    assert_ne!(status, 200, "{body}");
    let body: serde_json::Value = serde_json::from_str(&body).expect("JSON");
    let name = body["__type"].as_str().unwrap_or_default();
    (status, name.rsplit('#').next().unwrap_or_default().to_owned())
}

/// The status and the document of an answer that arrives.
pub(crate) fn call(sim: &Sim, request: &Request) -> (u16, String) {
    let Reply { status, body, .. } = sim.answer(request).expect("the answer arrives whole");
    (status, String::from_utf8(body.to_vec()).expect("answers are text"))
}

/// The document of an answer that is a success.
pub(crate) fn ok(sim: &Sim, request: &Request) -> String {
    let (status, body) = call(sim, request);
    assert_eq!(status, 200, "{body}");
    body
}

/// The status and the code of an EC2 error.
pub(crate) fn refusal(sim: &Sim, request: &Request) -> (u16, String) {
    let (status, body) = call(sim, request);
    assert_ne!(status, 200, "{body}");
    (status, first(&body, "Code"))
}

/// The text of the first element with this tag.
pub(crate) fn first(xml: &str, tag: &str) -> String {
    texts(xml, tag).into_iter().next().unwrap_or_default()
}

/// The texts of all elements with this tag.
pub(crate) fn texts(xml: &str, tag: &str) -> Vec<String> {
    let (open, close) = (format!("<{tag}>"), format!("</{tag}>"));
    let parts = xml.split(open.as_str()).skip(1);
    parts.filter_map(|part| part.split_once(close.as_str()).map(|(text, _)| text.to_owned())).collect()
}

/// An account with 60 functions on 4 of 8 subnets each, 480 interfaces in all, and 20 addresses.
pub(crate) fn crowd() -> Sim {
    let sim = Sim::new(WorldConfig::default());
    sim.world(|world| {
        world.populate(&Population {
            functions: 60,
            subnets_per_function: 4,
            subnets: 8,
            interfaces_per_pair: 2,
        });
        world.allocate_many(20);
    });
    sim
}

/// An account with `billing` on two subnets and three addresses. Returns its interfaces and allocations too.
pub(crate) fn small(config: WorldConfig) -> (Sim, Vec<String>, Vec<String>) {
    let sim = Sim::new(config);
    let (interfaces, allocations) = sim.world(|world| {
        let vpc = world.create_vpc();
        let subnets = [world.create_subnet(&vpc, 'a'), world.create_subnet(&vpc, 'b')];
        let group = world.create_security_group(&vpc, "billing");
        world.create_active_function("billing", VpcConfig::new(&subnets, &[group]));
        let interfaces = world.interfaces().map(|interface| interface.id.clone()).collect();
        (interfaces, world.allocate_many(3))
    });
    (sim, interfaces, allocations)
}
