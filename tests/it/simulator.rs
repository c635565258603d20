//! The AWS SDK for Rust accepts the simulator's answers: documents, pages, errors, broken connections.
//!
//! Here the SDK meets the simulator alone; what eipd makes of either is tested elsewhere.

use aws_sdk_ec2::config::{BehaviorVersion, Credentials, Region, StalledStreamProtectionConfig};
use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_ec2::types::Filter;
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use aws_types::request_id::RequestId;
use eipd_sim::{
    EIPD_ACCESS_KEY, Effect, Fault, FunctionState, HttpServer, Population, SECRET_ACCESS_KEY, Service, Sim,
    SimConnector, VpcConfig, WorldConfig,
};
use std::time::Duration;

fn config(sim: &Sim) -> SdkConfig {
    builder(sim).http_client(SimConnector::new(sim)).build()
}

fn builder(sim: &Sim) -> aws_types::sdk_config::Builder {
    let credentials = Credentials::builder()
        .access_key_id(EIPD_ACCESS_KEY)
        .secret_access_key(SECRET_ACCESS_KEY)
        .provider_name("simulated")
        .build();
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .credentials_provider(aws_credential_types::provider::SharedCredentialsProvider::new(credentials))
        .retry_config(RetryConfig::disabled())
        .timeout_config(TimeoutConfig::builder().operation_timeout(Duration::from_secs(10)).build())
        // Otherwise the SDK gives a connection up that is silent for some seconds, before the timeout is over.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .sleep_impl(TokioSleep::new())
        .time_source(sim.time_source())
}

/// A world with one function on two subnets and two free addresses.
struct Small {
    sim: Sim,
    subnets: [String; 2],
    group: String,
    allocations: Vec<String>,
}

fn small() -> Small {
    let sim = Sim::new(WorldConfig::default());
    let (subnets, group, allocations) = sim.world(|world| {
        let vpc = world.create_vpc();
        let subnets = [world.create_subnet(&vpc, 'a'), world.create_subnet(&vpc, 'b')];
        let group = world.create_security_group(&vpc, "billing & <co>");
        world.create_active_function("billing", VpcConfig::new(&subnets, &[&group]));
        (subnets, group, world.allocate_many(2))
    });
    Small { sim, subnets, group, allocations }
}

#[tokio::test(start_paused = true)]
async fn the_sdk_reads_interfaces_addresses_and_networks() {
    let Small { sim, subnets, group, allocations } = small();
    let ec2 = aws_sdk_ec2::Client::new(&config(&sim));
    let found =
        ec2.describe_network_interfaces().include_managed_resources(true).send().await.expect("answers");
    assert!(found.request_id().is_some());
    let interface = &found.network_interfaces()[0];
    assert_eq!(interface.subnet_id(), Some(subnets[0].as_str()));
    assert_eq!(interface.interface_type().map(|kind| kind.as_str()), Some("lambda"));
    assert_eq!(interface.status().map(|status| status.as_str()), Some("in-use"));
    assert_eq!(interface.groups()[0].group_id(), Some(group.as_str()));
    assert_eq!(interface.groups()[0].group_name(), Some("billing & <co>"));
    assert!(interface.association().is_none());

    let id = interface.network_interface_id().expect("an id");
    let done = ec2
        .associate_address()
        .allocation_id(&allocations[0])
        .network_interface_id(id)
        .allow_reassociation(false)
        .send()
        .await
        .expect("associates");
    let shown = ec2.describe_addresses().allocation_ids(&allocations[0]).send().await.expect("answers");
    assert_eq!(shown.addresses()[0].association_id(), done.association_id());
    assert_eq!(shown.addresses()[0].network_interface_id(), Some(id));
    assert_eq!(shown.addresses()[0].network_border_group(), Some("eu-west-1"));
    let by_address = Filter::builder().name("association.allocation-id").values(&allocations[0]).build();
    let found = ec2.describe_network_interfaces().filters(by_address).send().await.expect("answers");
    let association = found.network_interfaces()[0].association().expect("associated");
    assert_eq!(association.public_ip(), shown.addresses()[0].public_ip());
    ec2.disassociate_address()
        .association_id(done.association_id().expect("an id"))
        .send()
        .await
        .expect("disassociates");

    let found = ec2.describe_subnets().send().await.expect("answers");
    assert_eq!(found.subnets()[1].availability_zone(), Some("eu-west-1b"));
    let found = ec2.describe_route_tables().send().await.expect("answers");
    assert_eq!(found.route_tables().len(), 3);
    let found = ec2.describe_security_groups().send().await.expect("answers");
    assert_eq!(found.security_groups()[0].ip_permissions_egress()[0].ip_protocol(), Some("-1"));
    assert_eq!(sim.complaints(), [""; 0]);
    assert_eq!(sim.violations(), []);
}

#[tokio::test(start_paused = true)]
async fn the_sdk_pages_through_many_interfaces_and_functions() {
    let sim = Sim::new(WorldConfig::default());
    let size = Population { functions: 60, subnets_per_function: 4, subnets: 8, interfaces_per_pair: 10 };
    sim.world(|world| world.populate(&size));
    let ec2 = aws_sdk_ec2::Client::new(&config(&sim));
    let mut pages = ec2.describe_network_interfaces().max_results(1000).into_paginator().send();
    let mut sizes = Vec::new();
    while let Some(page) = pages.next().await {
        sizes.push(page.expect("answers").network_interfaces().len());
    }
    assert_eq!(sizes, [1000, 1000, 400]);
    let lambda = aws_sdk_lambda::Client::new(&config(&sim));
    let mut items = lambda.list_functions().into_paginator().items().send();
    let mut states = Vec::new();
    while let Some(function) = items.next().await {
        states.push(function.expect("answers").state);
    }
    assert_eq!(states, vec![None; 60], "ListFunctions says nothing of states");
    assert_eq!((sim.calls("DescribeNetworkInterfaces"), sim.calls("ListFunctions")), (3, 2));
    assert_eq!(sim.complaints(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn the_sdk_reads_functions_and_identities() {
    let Small { sim, subnets, .. } = small();
    sim.world(|world| {
        world.publish_version("billing");
        world.set_alias("billing", "live", 1);
        world.set_function_state("billing", FunctionState::Inactive);
    });
    let lambda = aws_sdk_lambda::Client::new(&config(&sim));
    let found = lambda.get_function_configuration().function_name("billing").send().await.expect("answers");
    assert_eq!(found.state().map(|state| state.as_str()), Some("Inactive"));
    assert_eq!(found.vpc_config().expect("in a VPC").subnet_ids(), subnets);
    let live = lambda.get_function_configuration().function_name("billing").qualifier("live");
    assert_eq!(live.send().await.expect("answers").version(), Some("1"));
    let tags = lambda.list_tags().resource(found.function_arn().expect("an ARN")).send().await;
    assert!(tags.expect("answers").tags().is_some());
    let error =
        lambda.get_function_configuration().function_name("nobody").send().await.expect_err("unknown");
    assert!(error.into_service_error().is_resource_not_found_exception());

    let sts = aws_sdk_sts::Client::new(&config(&sim));
    let identity = sts.get_caller_identity().send().await.expect("answers");
    assert_eq!(identity.account(), Some("111122223333"));
    let role = sts.assume_role().role_arn("arn:aws:iam::111122223333:role/x").role_session_name("me");
    let session = role.send().await.expect("answers").credentials.expect("credentials");
    assert!(session.expiration.secs() > 1_795_413_600);
    assert_eq!(sim.complaints(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn the_sdk_understands_the_errors() {
    let Small { sim, .. } = small();
    let ec2 = aws_sdk_ec2::Client::new(&config(&sim));
    let lambda = aws_sdk_lambda::Client::new(&config(&sim));
    for (effect, of_ec2, of_lambda) in [
        (Effect::Throttle, ("RequestLimitExceeded", 503), ("TooManyRequestsException", 429)),
        (Effect::InternalError, ("InternalError", 500), ("ServiceException", 500)),
        (Effect::Unavailable, ("Unavailable", 503), ("ServiceUnavailable", 503)),
        (Effect::Denied, ("UnauthorizedOperation", 403), ("AccessDeniedException", 403)),
        (Effect::BadCredentials, ("AuthFailure", 401), ("UnrecognizedClientException", 403)),
        (Effect::Expired, ("RequestExpired", 400), ("ExpiredTokenException", 403)),
    ] {
        sim.inject(Fault::new(effect.clone()));
        let error = ec2.describe_addresses().send().await.expect_err("the fault strikes");
        let status = error.raw_response().map(|raw| raw.status().as_u16());
        assert_eq!((error.code(), status), (Some(of_ec2.0), Some(of_ec2.1)), "{effect:?}");
        let error = lambda.list_functions().send().await.expect_err("the fault strikes");
        let status = error.raw_response().map(|raw| raw.status().as_u16());
        assert_eq!((error.code(), status), (Some(of_lambda.0), Some(of_lambda.1)), "{effect:?}");
        assert!(error.meta().message().is_some());
        sim.clear_faults();
    }
    sim.deny("ec2:AssociateAddress");
    let call = ec2.associate_address().allocation_id("eipalloc-0").network_interface_id("eni-0");
    let error = call.send().await.expect_err("denied");
    assert!(error.message().expect("a message").contains("not authorized to perform: ec2:AssociateAddress"));
}

#[tokio::test(start_paused = true)]
async fn the_sdk_meets_broken_connections_as_failures_of_the_right_kind() {
    let Small { sim, .. } = small();
    let ec2 = aws_sdk_ec2::Client::new(&config(&sim));
    let meet = async |effect: Effect| {
        sim.inject(Fault::new(effect).on_service(Service::Ec2));
        let result = ec2.describe_addresses().send().await.expect_err("the fault strikes");
        sim.clear_faults();
        result
    };
    assert!(matches!(meet(Effect::Refused).await, SdkError::DispatchFailure(failure) if failure.is_io()));
    assert!(matches!(meet(Effect::LostAnswer).await, SdkError::DispatchFailure(failure) if failure.is_io()));
    let hung = meet(Effect::Hang).await;
    assert!(matches!(hung, SdkError::TimeoutError(_)), "{hung:?}");
    assert!(matches!(meet(Effect::HangAfter).await, SdkError::TimeoutError(_)));
    assert!(matches!(meet(Effect::Truncated).await, SdkError::ResponseError(_)));
    let garbage = meet(Effect::Garbage).await;
    let status = garbage.raw_response().map(|raw| raw.status().as_u16());
    assert_eq!((garbage.code(), status), (None, Some(200)), "an error of the service, without a code");
    assert_eq!(sim.now().since(sim.world(|world| world.config().start)), Duration::from_secs(20));
}

/// Facts about the SDK that eipd must not be caught by: it reads XML as far as it goes, and an answer without content
/// not at all.
#[tokio::test(start_paused = true)]
async fn the_sdk_takes_half_a_document_for_a_whole_one() {
    let Small { sim, .. } = small();
    let ec2 = aws_sdk_ec2::Client::new(&config(&sim));
    sim.inject(Fault::new(Effect::CutShort).nth(1));
    sim.inject(Fault::new(Effect::Garbage).nth(2));
    let half = ec2.describe_addresses().send().await.expect("the SDK sees nothing wrong");
    assert!(half.addresses().len() < 2 || half.addresses()[1].network_border_group().is_none());
    let garbage = ec2.disassociate_address().association_id("eipassoc-0").send().await;
    assert!(garbage.is_ok(), "the SDK does not look at the body");
    let lambda = aws_sdk_lambda::Client::new(&config(&sim));
    sim.inject(Fault::new(Effect::CutShort));
    assert!(lambda.list_functions().send().await.is_err(), "half a JSON document is an error");
}

#[tokio::test]
async fn the_sdk_speaks_to_the_server_over_http() {
    let Small { sim, .. } = small();
    let server = HttpServer::bind(&sim, ([127, 0, 0, 1], 0).into()).await.expect("a loopback port");
    let config = builder(&sim)
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .endpoint_url(server.url())
        .build();
    let ec2 = aws_sdk_ec2::Client::new(&config);
    let lambda = aws_sdk_lambda::Client::new(&config);
    let sts = aws_sdk_sts::Client::new(&config);
    assert_eq!(ec2.describe_addresses().send().await.expect("answers").addresses().len(), 2);
    assert_eq!(lambda.list_functions().send().await.expect("answers").functions().len(), 1);
    assert!(sts.get_caller_identity().send().await.is_ok());
    sim.inject(Fault::new(Effect::Truncated).nth(1));
    sim.inject(Fault::new(Effect::LostAnswer).nth(2));
    let torn = ec2.describe_addresses().send().await;
    assert!(matches!(torn, Err(SdkError::ResponseError(_))), "{torn:?}");
    assert!(matches!(ec2.describe_addresses().send().await, Err(SdkError::DispatchFailure(_))));
    assert!(ec2.describe_addresses().send().await.is_ok());
    assert_eq!(sim.complaints(), [""; 0]);
}
