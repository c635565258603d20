//! CloudTrail's records: who did what, with which request id, and what is not told.

use super::*;
use crate::beliefs::{Beliefs, LambdaEvents, RecordRequestId};
use crate::sim::Delivery;
use crate::{EventWeather, NewFunction, NewInterface, Outcome, QueueWeather, STRAY_ACCESS_KEY, Span, World};
use serde_json::{Value, json};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
/// A pattern for every record, refused calls among them.
const ALL: &str = r#"{"detail-type":["AWS API Call via CloudTrail"]}"#;

/// [`small`], with the queue `q` behind a rule for every record.
fn heard(beliefs: Beliefs) -> (Sim, Vec<String>, Vec<String>) {
    let (sim, interfaces, allocations) = small(WorldConfig { beliefs, ..WorldConfig::default() });
    sim.world(|world| {
        world.set_queue_weather(QueueWeather::FINE);
        world.set_events(EventWeather::delayed(Span::exactly(SECOND)));
        world.wire_events_of("q", ALL);
    });
    (sim, interfaces, allocations)
}

/// The details of the records that have come so far, and takes them out of the queue.
fn details(world: &mut World) -> Vec<Value> {
    world.advance_by(SECOND);
    let mut all = Vec::new();
    loop {
        let some = world.receive_messages("q", 10, None).expect("it is there");
        if some.is_empty() {
            return all;
        }
        for message in some {
            let event: Value = serde_json::from_str(&message.body).expect("JSON");
            world.delete_message("q", &message.handle).expect("it is there");
            assert_eq!(event["detail-type"], "AWS API Call via CloudTrail");
            assert_eq!((&event["account"], &event["region"]), (&json!("111122223333"), &json!("eu-west-1")));
            assert_eq!(event["time"], event["detail"]["eventTime"]);
            all.push(event["detail"].clone());
        }
    }
}

fn names(details: &[Value]) -> Vec<String> {
    details
        .iter()
        .map(|detail| {
            let refused = detail["errorCode"].as_str().map(|code| format!(" {code}")).unwrap_or_default();
            format!("{}{refused}", detail["eventName"].as_str().unwrap_or_default())
        })
        .collect()
}

#[test]
fn a_callers_record_has_the_request_id_that_the_caller_got_and_says_who_it_was() {
    let (sim, interfaces, allocations) = heard(Beliefs::default());
    let body = format!(
        "Action=AssociateAddress&Version=2016-11-15&AllocationId={}&NetworkInterfaceId={}&AllowReassociation=false",
        allocations[0], interfaces[0]
    );
    for (key, kind, arn) in [
        (EIPD_ACCESS_KEY, "AssumedRole", "arn:aws:sts::111122223333:assumed-role/eipd/eipd"),
        (STRAY_ACCESS_KEY, "IAMUser", "arn:aws:iam::111122223333:user/stray"),
    ] {
        let reply = sim.answer(&signed("ec2", key, "POST", "/", &body)).expect("it arrives");
        let (_, id) =
            reply.headers.iter().find(|(name, _)| *name == "x-amzn-requestid").expect("an id").clone();
        let xml = String::from_utf8_lossy(&reply.body).into_owned();
        assert_eq!(first(&xml, "requestId"), id);
        let detail = sim.world(details).remove(0);
        assert_eq!(
            (&detail["eventSource"], &detail["eventName"]),
            (&json!("ec2.amazonaws.com"), &json!("AssociateAddress"))
        );
        assert_eq!(
            (&detail["requestID"], &detail["responseElements"]["requestId"]),
            (&json!(id), &json!(id))
        );
        assert_eq!(detail["responseElements"]["associationId"], first(&xml, "associationId"));
        let asked = json!({
            "allocationId": allocations[0], "networkInterfaceId": interfaces[0], "allowReassociation": false,
        });
        assert_eq!(detail["requestParameters"], asked);
        assert_eq!(
            (&detail["userIdentity"]["type"], &detail["userIdentity"]["arn"]),
            (&json!(kind), &json!(arn))
        );
        assert_eq!((detail.get("errorCode"), &detail["awsRegion"]), (None, &json!("eu-west-1")));
    }
}

#[test]
fn refused_calls_are_told_with_their_code_and_strangers_are_not() {
    let (sim, interfaces, allocations) = heard(Beliefs::default());
    let associate = |extra: (&str, &str)| {
        let named = [
            ("AllocationId", allocations[0].as_str()),
            ("NetworkInterfaceId", interfaces[0].as_str()),
            extra,
        ];
        call(&sim, &ec2("AssociateAddress", &named));
    };
    associate(("DryRun", "true"));
    sim.deny("ec2:AssociateAddress");
    associate(("AllowReassociation", "false"));
    call(&sim, &ec2("ReleaseAddress", &[("AllocationId", "eipalloc-0")]));
    call(&sim, &ec2("DescribeAddresses", &[]));
    call(&sim, &signed("ec2", "AKIANOBODY", "POST", "/", "Action=AllocateAddress&Version=2016-11-15"));
    let details = sim.world(details);
    assert_eq!(
        names(&details),
        [
            "AssociateAddress Client.DryRunOperation",
            "AssociateAddress Client.UnauthorizedOperation",
            "ReleaseAddress Client.InvalidAllocationID.NotFound",
        ]
    );
    assert!(
        details.iter().all(|detail| detail["responseElements"].is_null() && detail["requestID"].is_string())
    );
}

#[test]
fn an_update_is_told_and_what_lambda_does_for_it_under_the_functions_role() {
    let (sim, interfaces, _) = heard(Beliefs::default());
    sim.world(|world| {
        let subnets: Vec<String> = world.subnets().iter().map(|subnet| subnet.id.clone()).collect();
        let vpc = world.subnets()[0].vpc.clone();
        let group = world.create_security_group(&vpc, "next");
        let next = VpcConfig::new(&subnets[..1], &[&group]);
        world.update_function_vpc("billing", next.clone(), Outcome::Succeeds, None).expect("accepted");
        world.update_function_vpc("billing", next, Outcome::Succeeds, None).expect_err("in progress");
        let told = details(world);
        assert_eq!(
            names(&told),
            [
                "UpdateFunctionConfiguration20150331v2",
                "CreateNetworkInterface Client.DryRunOperation",
                "CreateNetworkInterface",
                "UpdateFunctionConfiguration20150331v2 ResourceConflictException",
            ]
        );
        assert_eq!(told[0]["requestParameters"]["vpcConfig"]["securityGroupIds"], json!([group]));
        let made = &told[2]["responseElements"]["networkInterface"];
        let interface = world.interface(made["networkInterfaceId"].as_str().expect("an id")).expect("made");
        assert_eq!((&made["status"], &made["subnetId"]), (&json!("pending"), &json!(subnets[0])));
        assert_eq!(made["description"], interface.description);
        assert_eq!(told[2]["requestParameters"]["groupSet"]["items"], json!([{ "groupId": group }]));
        let identity = &told[2]["userIdentity"];
        let arn = identity["arn"].as_str().expect("an ARN");
        assert!(arn.starts_with("arn:aws:sts::111122223333:assumed-role/exec-role/"), "{arn}");
        assert_eq!(identity["sessionContext"]["sessionIssuer"]["userName"], "exec-role");
        assert!(identity.get("invokedBy").is_none());
        world.advance_by(3600 * SECOND);
        let gone: Vec<Value> = details(world);
        assert_eq!(names(&gone), ["DeleteNetworkInterface", "DeleteNetworkInterface"]);
        assert!(
            gone.iter().all(|one| interfaces.contains(
                &one["requestParameters"]["networkInterfaceId"].as_str().expect("an id").to_owned()
            ))
        );
    });
}

#[test]
fn functions_versions_and_aliases_are_told_by_name_or_by_arn() {
    let (sim, _, _) = heard(Beliefs::default());
    sim.world(|world| {
        for number in 0..20 {
            world.create_function(&NewFunction::new(&format!("f{number}"), None));
        }
        let told = details(world);
        let named: Vec<&str> =
            told.iter().filter_map(|one| one["requestParameters"]["functionName"].as_str()).collect();
        let arns =
            named.iter().filter(|name| name.starts_with("arn:aws:lambda:eu-west-1:111122223333:function:f"));
        assert!((1..20).contains(&arns.count()), "{named:?}");
        world.update_function_code("billing", None).expect("accepted");
        assert_eq!(names(&details(world)), ["UpdateFunctionCode20150331v2"]);
        assert_eq!(world.interfaces().count(), 2, "nothing else changes");
        world.publish_version("billing");
        world.set_alias("billing", "live", 1);
        world.set_alias("billing", "live", 1);
        world.delete_alias("billing", "live");
        world.delete_version("billing", 1);
        world.delete_function("billing");
        let told = details(world);
        assert_eq!(
            names(&told),
            [
                "PublishVersion20150331",
                "CreateAlias20150331",
                "UpdateAlias20150331",
                "DeleteAlias20150331",
                "DeleteFunction20150331",
                "DeleteFunction20150331",
            ]
        );
        let arn = "arn:aws:lambda:eu-west-1:111122223333:function:billing:1";
        assert_eq!(told[0]["responseElements"]["functionArn"], arn);
        assert_eq!(told[1]["requestParameters"]["name"], "live");
        let qualifier = |place: usize| told[place]["requestParameters"].get("qualifier").cloned();
        assert_eq!((qualifier(4), qualifier(5)), (Some(json!("1")), None));
    });
}

#[test]
fn a_stray_hand_is_told_of() {
    let (sim, interfaces, allocations) = heard(Beliefs::default());
    sim.world(|world| {
        world.stray_associate(&allocations[0], &interfaces[0], false).expect("free and bare");
        world.stray_associate(&allocations[0], &interfaces[1], false).expect_err("it is on another");
        world.stray_disassociate(&allocations[0]);
        world.release_address(&allocations[0]).expect("it is free");
        let new = world.allocate_address();
        world.stray_modify_groups(&interfaces[0], &["sg-0"]).expect_err("Lambda's");
        let subnet = world.subnets()[0].id.clone();
        let plain = world.add_interface(NewInterface::plain(&subnet, &[]));
        world.stray_modify_groups(&plain, &["sg-0"]).expect("ours");
        world.remove_interface(&plain);
        let told = details(world);
        assert_eq!(
            names(&told),
            [
                "AssociateAddress",
                "AssociateAddress Client.Resource.AlreadyAssociated",
                "DisassociateAddress",
                "ReleaseAddress",
                "AllocateAddress",
                "ModifyNetworkInterfaceAttribute Client.OperationNotPermitted",
                "ModifyNetworkInterfaceAttribute",
                "DeleteNetworkInterface",
            ]
        );
        assert_eq!(
            told[2]["requestParameters"]["associationId"],
            told[0]["responseElements"]["associationId"]
        );
        assert_eq!(told[4]["responseElements"]["allocationId"], new);
        assert!(told.iter().all(|one| one["userIdentity"]["userName"] == "stray"));
    });
    assert_eq!(sim.complaints(), [""; 0]);
}

#[test]
fn b11_what_lambda_does_of_its_own_accord() {
    for (lambda_events, told) in [(LambdaEvents::Raised, true), (LambdaEvents::Never, false)] {
        let (sim, interfaces, _) = heard(Beliefs { lambda_events, ..Beliefs::default() });
        sim.world(|world| {
            let new = world.replace_interface(&interfaces[0]);
            let groups: Vec<String> = world.interface(&new).expect("made").groups.to_vec();
            let subnet = world.subnets()[1].id.clone();
            world.overflow(&subnet, &groups.iter().map(String::as_str).collect::<Vec<_>>());
            world.advance_by(600 * SECOND);
            let made = |name: &str| {
                if told { vec![format!("{name} Client.DryRunOperation"), name.to_owned()] } else { vec![] }
            };
            let mut expected = [made("CreateNetworkInterface"), made("CreateNetworkInterface")].concat();
            expected.extend(told.then(|| "DeleteNetworkInterface".to_owned()));
            assert_eq!(names(&details(world)), expected);
        });
    }
}

#[test]
fn b20_where_a_record_has_the_request_id() {
    use RecordRequestId::{Both, OfRecord, OfResponse};
    for (record_request_id, of_record, of_response) in
        [(Both, true, true), (OfResponse, false, true), (OfRecord, true, false)]
    {
        let (sim, _, allocations) = heard(Beliefs { record_request_id, ..Beliefs::default() });
        sim.world(|world| {
            world.release_address(&allocations[0]).expect("free");
            world.publish_version("billing");
            let told = details(world);
            assert_eq!(told[0].get("requestID").is_some(), of_record);
            assert_eq!(told[0]["responseElements"].get("requestId").is_some(), of_response);
            assert!(told[1].get("requestID").is_some(), "Lambda's records always have it");
        });
    }
}

#[test]
fn without_a_rule_nothing_is_kept_and_the_ready_made_pattern_hears_what_counts() {
    let (sim, interfaces, allocations) = small(WorldConfig::default());
    sim.world(|world| {
        world.set_queue_weather(QueueWeather::FINE);
        world.stray_associate(&allocations[0], &interfaces[0], false).expect("free and bare");
        assert_eq!((world.event_counts().kept, world.next_due()), (0, None));
        world.wire_events("q");
        world.stray_disassociate(&allocations[0]);
        world.update_function_vpc("billing", None, Outcome::Succeeds, None).expect("accepted");
        world.stray_associate("eipalloc-0", &interfaces[0], false).expect_err("unknown");
        world.advance_by(10 * SECOND);
        let mut told = names(&details(world));
        told.sort();
        assert_eq!(told, ["DisassociateAddress", "UpdateFunctionConfiguration20150331v2"]);
    });
}

#[tokio::test(start_paused = true)]
async fn a_long_poll_ends_with_the_event() {
    let (sim, interfaces, allocations) = heard(Beliefs::default());
    sim.set_events(EventWeather::delayed(Span::seconds(3, 9)));
    sim.world(|world| world.stray_associate(&allocations[0], &interfaces[0], false).expect("free and bare"));
    let url = sim.world(|world| world.queue_url("q"));
    let poll = sqs("ReceiveMessage", &json!({ "QueueUrl": url, "WaitTimeSeconds": 20 }));
    let start = sim.now();
    let Delivery::Whole(reply) = sim.exchange(&poll).await else { panic!("it arrives whole") };
    assert!(String::from_utf8_lossy(&reply.body).contains(&allocations[0]));
    let waited = sim.now().since(start);
    assert!((3 * SECOND..=9 * SECOND).contains(&waited), "{waited:?}");
}
