//! What is made of well-formed events.

use std::str::FromStr;

use serde_json::json;

use super::samples::{SAMPLES, changed, sample};
use crate::events::event::{Event, News};
use crate::events::kind::Kind;
use crate::events::parse;

const ENI: &str = "eni-0123456789abcdef0";
const SUBNET: &str = "subnet-0a1b2c3d4e5f60718";
const ALLOCATION: &str = "eipalloc-0123456789abcdef0";
const ASSOCIATION: &str = "eipassoc-0123456789abcdef0";

fn event(text: &str) -> Event {
    parse::event(text).expect("a sample is well-formed")
}

fn news(name: &str) -> News {
    event(sample(name)).news
}

fn id<T: FromStr>(text: &str) -> Option<T> {
    Some(text.parse().unwrap_or_else(|_| panic!("{text} is an id")))
}

fn created(groups: &[&str]) -> News {
    let ids = groups.iter().map(|text| text.parse().expect("a security group id"));
    News::InterfaceCreated {
        interface: id(ENI),
        subnet: id(SUBNET),
        security_groups: (!groups.is_empty()).then(|| ids.collect()),
    }
}

fn function(text: &str) -> News {
    News::FunctionChanged { function: id(text) }
}

#[test]
fn each_sample_is_of_its_kind_and_each_kind_has_one() {
    for (name, kind, text) in SAMPLES {
        let event = event(text);
        assert_eq!(event.kind, *kind, "{name}");
        assert_eq!(event.news == News::Nothing, *kind == Kind::Other, "{name}");
        assert_eq!((event.account.as_str(), event.region.as_str()), ("111122223333", "eu-west-1"), "{name}");
    }
    for kind in Kind::ALL {
        assert!(SAMPLES.iter().any(|(_, other, _)| *other == kind), "{}", kind.as_str());
    }
}

#[test]
fn an_interface_made_by_lambda_is_told_whole() {
    let event = event(sample("create_network_interface"));
    assert_eq!(event.at.to_string(), "2026-06-28T21:49:01Z");
    assert_eq!(event.request_id.as_deref(), Some("0708e4ad-03f6-4802-b4ce-000000000001"));
    assert_eq!(
        event.actor.as_str(),
        "arn:aws:sts::111122223333:assumed-role/exec-role/awslambda_847_20260628214903095"
    );
    assert_eq!(event.refused, None);
    assert_eq!(event.news, created(&["sg-0123456789abcdef0", "sg-0fedcba9876543210"]));
}

#[test]
fn a_dry_run_and_a_denied_call_are_refused() {
    let dry_run = event(sample("create_network_interface_dry_run"));
    assert_eq!(dry_run.refused.as_deref(), Some("Client.DryRunOperation"));
    let denied = event(sample("associate_address_denied"));
    assert_eq!(denied.refused.as_deref(), Some("Client.UnauthorizedOperation"));
    assert_eq!(
        denied.news,
        News::AddressAssociated { allocation: None, interface: None, association: None, public_ip: None }
    );
}

#[test]
fn interfaces_are_told_by_request_or_answer() {
    assert_eq!(news("create_network_interface_default_group"), created(&["sg-0123456789abcdef0"]));
    assert_eq!(news("delete_network_interface"), News::InterfaceDeleted { interface: id(ENI) });
    assert_eq!(news("modify_network_interface_attribute"), News::InterfaceChanged { interface: id(ENI) });
    let text = sample("create_network_interface");
    let asked = changed(text, "/detail/requestParameters/groupSet/items/0/groupId", json!("sg-0a0a0a0a"));
    let asked = changed(&asked, "/detail/requestParameters/subnetId", json!("subnet-0a0a0a0a"));
    assert_eq!(event(&asked).news, event(text).news, "the answer counts");
    let unanswered = changed(text, "/detail/responseElements/networkInterface", json!(null));
    let News::InterfaceCreated { interface, subnet, security_groups } = event(&unanswered).news else {
        panic!("still of an interface")
    };
    assert_eq!((interface, subnet), (None, id(SUBNET)));
    assert_eq!(
        security_groups.map(|groups| groups.to_string()).as_deref(),
        Some("sg-0123456789abcdef0+sg-0fedcba9876543210")
    );
}

#[test]
fn a_set_of_groups_is_told_whole_or_not_at_all() {
    let with = |items: serde_json::Value| {
        let text = sample("create_network_interface_default_group");
        event(&changed(text, "/detail/responseElements/networkInterface/groupSet/items", items)).news
    };
    let group = |text: &str| json!({"groupId": text});
    let (a, b) = ("sg-0123456789abcdef0", "sg-0fedcba9876543210");
    assert_eq!(with(json!([group(b), group(a), group(b)])), created(&[a, b]));
    for doubtful in
        [json!([]), json!([group(a), {}]), json!([group("sg-x"), group(a)]), json!([a]), json!({})]
    {
        assert_eq!(with(doubtful.clone()), created(&[]), "{doubtful}");
    }
    let ids: Vec<String> = (0..17).map(|i| format!("sg-000000{i:02}")).collect();
    let many = |count: usize| json!(ids[..count].iter().map(|id| group(id)).collect::<Vec<_>>());
    assert_eq!(with(many(17)), created(&[]));
    assert_eq!(with(many(16)), created(&ids[..16].iter().map(String::as_str).collect::<Vec<_>>()));
}

#[test]
fn addresses_are_told_as_far_as_they_were_named() {
    assert_eq!(
        news("associate_address"),
        News::AddressAssociated {
            allocation: id(ALLOCATION),
            interface: id(ENI),
            association: id(ASSOCIATION),
            public_ip: None
        }
    );
    assert_eq!(
        news("associate_address_instance"),
        News::AddressAssociated {
            allocation: None,
            interface: None,
            association: id(ASSOCIATION),
            public_ip: id("203.0.113.25")
        }
    );
    assert_eq!(
        news("disassociate_address"),
        News::AddressDisassociated { association: id(ASSOCIATION), public_ip: None }
    );
    assert_eq!(
        news("release_address"),
        News::AddressReleased { allocation: id(ALLOCATION), public_ip: None }
    );
    assert_eq!(
        news("allocate_address"),
        News::AddressAllocated { allocation: id(ALLOCATION), public_ip: id("203.0.113.25") }
    );
}

#[test]
fn functions_are_told_with_their_version_or_alias() {
    assert_eq!(news("create_function"), function("billing"));
    assert_eq!(news("update_function_code"), function("billing"));
    assert_eq!(news("update_function_configuration"), function("billing"));
    assert_eq!(news("delete_function"), function("billing:7"));
    assert_eq!(news("publish_version"), function("billing:8"));
    for name in ["create_alias", "update_alias", "delete_alias"] {
        assert_eq!(news(name), function("billing:live"), "{name}");
    }
}

#[test]
fn a_function_is_named_in_any_of_lambdas_forms() {
    let arn = "arn:aws:lambda:eu-west-1:111122223333:function:billing";
    let named = |text: &str| {
        event(&changed(sample("create_function"), "/detail/requestParameters/functionName", json!(text))).news
    };
    for text in
        ["billing", "111122223333:function:billing", arn, "billing:$LATEST", &format!("{arn}:$LATEST")]
    {
        assert_eq!(named(text), function("billing"), "{text}");
    }
    for text in ["billing:live", "111122223333:function:billing:live", &format!("{arn}:live")] {
        assert_eq!(named(text), function("billing:live"), "{text}");
    }
    for elsewhere in [
        "444455556666:function:billing",
        "arn:aws:lambda:eu-west-1:444455556666:function:billing",
        "arn:aws:lambda:us-east-1:111122223333:function:billing",
    ] {
        assert_eq!(named(elsewhere), News::Nothing, "{elsewhere}");
    }
}

#[test]
fn a_function_named_in_no_known_form_is_some_function() {
    let text = changed(sample("create_function"), "/detail/responseElements", json!(null));
    let long = "x".repeat(65);
    for name in ["", "a b", &long, "a:b:c", "arn:aws:lambda", "arn:aws:iam:x:1:function:b", ":function:", "ä"]
    {
        let text = changed(&text, "/detail/requestParameters/functionName", json!(name));
        assert_eq!(event(&text).news, News::FunctionChanged { function: None }, "{name}");
    }
}

#[test]
fn an_answer_names_the_function_where_the_request_does_not() {
    let text = changed(sample("publish_version"), "/detail/requestParameters", json!(null));
    assert_eq!(event(&text).news, function("billing:8"));
    let text = changed(sample("publish_version"), "/detail/responseElements/version", json!("not a version"));
    assert_eq!(event(&text).news, function("billing"));
}

#[test]
fn a_marker_keeps_its_id() {
    assert_eq!(news("marker"), News::Marker { id: "0b7d4c1e-1111-4000-8000-000000000000".to_owned() });
    let with = |id: serde_json::Value| event(&changed(sample("marker"), "/detail/id", id));
    for unfit in [json!(""), json!(7), json!("a\u{1b}[2J"), json!("é"), json!("x".repeat(129))] {
        let event = with(unfit);
        assert_eq!((event.kind, event.news), (Kind::Marker, News::Nothing));
    }
    let longest = "x".repeat(128);
    assert_eq!(with(json!(longest)).news, News::Marker { id: longest });
}

#[test]
fn an_actor_is_told_by_the_best_that_there_is() {
    let actor = |identity: serde_json::Value| {
        event(&changed(sample("create_function"), "/detail/userIdentity", identity)).actor.to_string()
    };
    for (identity, told) in [
        (
            json!({"type": "IAMUser", "arn": "arn:aws:iam::1:user/a", "principalId": "AIDA"}),
            "arn:aws:iam::1:user/a",
        ),
        (json!({"type": "SAMLUser", "principalId": "idp:alice"}), "SAMLUser idp:alice"),
        (
            json!({"type": "AWSService", "invokedBy": "lambda.amazonaws.com"}),
            "AWSService lambda.amazonaws.com",
        ),
        (json!({"invokedBy": "lambda.amazonaws.com"}), "lambda.amazonaws.com"),
        (json!({"type": "Unknown"}), "Unknown"),
        (json!({"arn": 7}), "unknown"),
        (json!(null), "unknown"),
    ] {
        assert_eq!(actor(identity), told);
    }
}

#[test]
fn time_place_and_request_are_found_in_either_of_two_places() {
    let text = sample("create_network_interface");
    let pointers =
        ["time", "region", "account", "detail/eventTime", "detail/awsRegion", "detail/recipientAccountId"];
    for pointer in pointers {
        for unfit in [json!(null), json!(""), json!("EU West!"), json!(9), json!({})] {
            let changed = event(&changed(text, &format!("/{pointer}"), unfit));
            assert_eq!(changed, event(text), "{pointer}");
        }
    }
    for pointer in ["/detail/requestID", "/detail/responseElements/requestId"] {
        let event = event(&changed(text, pointer, json!("x".repeat(129))));
        assert_eq!(event.request_id.as_deref(), Some("0708e4ad-03f6-4802-b4ce-000000000001"), "{pointer}");
    }
}

#[test]
fn text_with_escapes_means_the_same() {
    let text = sample("associate_address").replace("eni-0123", "\\u0065ni-\\u00301\\u00323");
    assert!(text.contains("\\u0065ni"));
    assert_eq!(event(&text), event(sample("associate_address")));
}
