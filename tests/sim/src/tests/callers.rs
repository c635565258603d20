//! Who calls: signatures, keys, denials, sessions, and the law watch over the wire.

use super::*;
use crate::{Credentials, Effect, Fault, Hand, Principal, STRAY_ACCESS_KEY, ViolationKind};

#[test]
fn each_service_answers_to_bad_callers_in_its_own_way() {
    let (sim, _, _) = small(WorldConfig::default());
    let addresses = "Action=DescribeAddresses&Version=2016-11-15";
    let identity = "Action=GetCallerIdentity&Version=2011-06-15";
    let requests = |key: &str| {
        [
            signed("ec2", key, "POST", "/", addresses),
            signed("lambda", key, "GET", "/2015-03-31/functions/", ""),
            signed("sts", key, "POST", "/", identity),
        ]
    };
    let answers = |key: &str| requests(key).map(|request| call(&sim, &request));
    let [of_ec2, of_lambda, of_sts] = answers("AKIANOBODY");
    assert_eq!((of_ec2.0, first(&of_ec2.1, "Code").as_str()), (401, "AuthFailure"));
    assert_eq!((of_lambda.0, of_lambda.1.contains("security token")), (403, true));
    assert_eq!((of_sts.0, first(&of_sts.1, "Code").as_str()), (403, "InvalidClientTokenId"));
    sim.set_credentials(EIPD_ACCESS_KEY, Credentials::Expired);
    assert_eq!(answers(EIPD_ACCESS_KEY).map(|(status, _)| status), [400, 403, 403]);
    sim.set_credentials(EIPD_ACCESS_KEY, Credentials::Valid);
    assert_eq!(answers(EIPD_ACCESS_KEY).map(|(status, _)| status), [200; 3]);
    let unsigned = Request { authorization: None, ..signed("ec2", "", "POST", "/", addresses) };
    assert_eq!(refusal(&sim, &unsigned), (403, "MissingAuthenticationToken".to_owned()));
}

#[test]
fn the_json_protocols_name_the_error_in_the_body_and_sqs_in_a_header_too() {
    let (sim, _, _) = small(WorldConfig::default());
    let requests = || {
        let body = serde_json::json!({});
        [sqs("ListQueues", &body), json_call("events", "AWSEvents.ListRules", &body)]
    };
    let errors = || requests().map(|request| json_refusal(&sim, &request));
    let query = || {
        let reply = sim.answer(&requests()[0]).expect("it arrives");
        let header = reply.headers.into_iter().find(|(name, _)| *name == "x-amzn-query-error");
        header.map(|(_, value)| value).unwrap_or_default()
    };
    for (credentials, code, in_query) in [
        (Credentials::Invalid, "UnrecognizedClientException", "InvalidClientTokenId;Sender"),
        (Credentials::Expired, "ExpiredTokenException", "ExpiredToken;Sender"),
    ] {
        sim.set_credentials(EIPD_ACCESS_KEY, credentials);
        assert_eq!(errors(), [(403, code.to_owned()), (400, code.to_owned())]);
        assert_eq!(query(), in_query);
    }
    sim.set_credentials(EIPD_ACCESS_KEY, Credentials::Valid);
    for (effect, codes) in [
        (Effect::Throttle, [(400, "RequestThrottled"), (400, "ThrottlingException")]),
        (Effect::InternalError, [(500, "InternalFailure"), (500, "InternalException")]),
        (Effect::Unavailable, [(503, "ServiceUnavailable"), (503, "ServiceUnavailable")]),
        (Effect::Denied, [(403, "AccessDeniedException"), (400, "AccessDeniedException")]),
    ] {
        sim.inject(Fault::new(effect));
        assert_eq!(errors(), codes.map(|(status, code)| (status, code.to_owned())));
        sim.clear_faults();
    }
    let unsigned = requests().map(|request| Request { authorization: None, ..request });
    assert_eq!(unsigned.map(|request| json_refusal(&sim, &request).0), [403, 400]);
}

#[test]
fn lambda_names_the_error_in_a_header() {
    let (sim, _, _) = small(WorldConfig::default());
    sim.deny("lambda:ListFunctions");
    let reply = sim.answer(&lambda("/2015-03-31/functions/")).expect("it arrives");
    let header =
        |name: &str| reply.headers.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_str());
    assert_eq!((reply.status, header("x-amzn-errortype")), (403, Some("AccessDeniedException")));
    assert!(header("x-amzn-RequestId").is_some());
}

#[test]
fn a_denial_names_the_caller_the_action_and_the_resource() {
    let (sim, interfaces, allocations) = small(WorldConfig::default());
    sim.deny("ec2:AssociateAddress");
    let parameters =
        [("AllocationId", allocations[0].as_str()), ("NetworkInterfaceId", interfaces[0].as_str())];
    let request = ec2("AssociateAddress", &parameters);
    let (status, body) = call(&sim, &request);
    assert_eq!((status, first(&body, "Code").as_str()), (403, "UnauthorizedOperation"));
    let message = first(&body, "Message");
    assert!(message.starts_with("You are not authorized to perform this operation. User: arn:aws:sts::"));
    assert!(message.contains("is not authorized to perform: ec2:AssociateAddress on resource: arn:aws:ec2:"));
    assert!(message.contains(&allocations[0]));
    sim.allow("ec2:AssociateAddress");
    ok(&sim, &request);
}

#[test]
fn a_session_has_the_hand_of_who_assumed_the_role() {
    let (sim, _, allocations) = small(WorldConfig::default());
    let body = "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2Fx\
                &RoleSessionName=me";
    let session = ok(&sim, &signed("sts", EIPD_ACCESS_KEY, "POST", "/", body));
    let key = first(&session, "AccessKeyId");
    let body = format!("Action=ReleaseAddress&Version=2016-11-15&AllocationId={}", allocations[0]);
    ok(&sim, &signed("ec2", STRAY_ACCESS_KEY, "POST", "/", &body.replace(&allocations[0], &allocations[1])));
    assert_eq!(sim.violations(), []);
    ok(&sim, &signed("ec2", &key, "POST", "/", &body));
    assert_eq!(sim.violations()[0].kind, ViolationKind::AddressAllocatedOrReleased);
}

#[test]
fn of_two_accounts_in_a_region_the_role_decides_and_what_its_caller_is_denied_it_is_too() {
    let account = |id: &str| small(WorldConfig { account: id.into(), ..WorldConfig::default() }).0;
    let sims = [account("111122223333"), account("444455556666")];
    Sim::acquaint(&sims);
    let assume = |account: &str| {
        let body = format!(
            "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A{account}%3Arole%2Fx&RoleSessionName=me"
        );
        let request = signed("sts", EIPD_ACCESS_KEY, "POST", "/", &body);
        first(&ok(Sim::for_request(&sims, &request), &request), "AccessKeyId")
    };
    for (sim, account) in sims.iter().zip(["111122223333", "444455556666"]) {
        sims[0].deny("lambda:ListFunctions");
        let key = assume(account);
        let who = signed("sts", &key, "POST", "/", "Action=GetCallerIdentity&Version=2011-06-15");
        let answer = ok(Sim::for_request(&sims, &who), &who);
        assert_eq!(first(&answer, "Account"), account);
        let before = sim.call_count();
        let list = signed("lambda", &key, "GET", "/2015-03-31/functions/", "");
        let (status, _) = call(Sim::for_request(&sims, &list), &list);
        assert_eq!((status, sim.call_count()), (403, before + 1));
        sim.allow("lambda:ListFunctions");
        ok(Sim::for_request(&sims, &list), &list);
    }
}

#[test]
fn another_region_is_loud_and_other_callers_can_be_added() {
    let (sim, _, _) = small(WorldConfig::default());
    let request = signed("ec2", "AKIAOTHER", "POST", "/", "Action=DescribeAddresses&Version=2016-11-15");
    sim.add_principal(
        "AKIAOTHER",
        Principal::new("arn:aws:iam::111122223333:user/o", "111122223333", Hand::Stray),
    );
    ok(&sim, &request);
    let elsewhere = request.authorization.map(|header| header.replace("eu-west-1", "us-east-1"));
    assert_eq!(call(&sim, &Request { authorization: elsewhere, ..ec2("DescribeAddresses", &[]) }).0, 403);
    assert_eq!(sim.complaints().len(), 1);
}
