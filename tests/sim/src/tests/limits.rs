//! AWS's limits are enforced, and what is not simulated is loud.

use super::*;
use std::collections::BTreeSet;

const INTERFACES: &str = "DescribeNetworkInterfaces";

#[test]
fn pages_are_whole_and_disjoint_under_each_index() {
    let sim = crowd();
    let subnets = sim.world(|world| world.subnets().iter().map(|s| s.id.clone()).collect::<Vec<_>>());
    let by_subnet = [
        ("Filter.1.Name", "subnet-id"),
        ("Filter.1.Value.1", subnets[0].as_str()),
        ("Filter.1.Value.2", subnets[5].as_str()),
        ("Filter.1.Value.3", subnets[0].as_str()),
    ];
    let by_type = [("Filter.1.Name", "interface-type"), ("Filter.1.Value.1", "lambda")];
    for (filter, expected) in [(&by_subnet[..], 120_usize), (&by_type[..], 480), (&[], 480)] {
        let mut seen = BTreeSet::new();
        let mut token = String::new();
        let mut pages = 0;
        loop {
            let mut parameters = filter.to_vec();
            parameters.push(("MaxResults", "50"));
            if !token.is_empty() {
                parameters.push(("NextToken", &token));
            }
            let page = ok(&sim, &ec2(INTERFACES, &parameters));
            let ids = texts(&page, "networkInterfaceId");
            assert!(ids.len() <= 50);
            assert!(ids.into_iter().all(|id| seen.insert(id)), "no interface comes twice");
            pages += 1;
            token = first(&page, "nextToken");
            if token.is_empty() {
                break;
            }
        }
        assert_eq!((seen.len(), pages), (expected, expected.div_ceil(50)));
    }
    assert_eq!(sim.complaints(), [""; 0]);
}

#[test]
fn page_sizes_tokens_and_filter_values_have_their_limits() {
    let (sim, interfaces, _) = small(WorldConfig::default());
    let refused = |parameters: &[(&str, &str)]| refusal(&sim, &ec2(INTERFACES, parameters));
    for size in ["4", "0", "1001", "many"] {
        assert_eq!(refused(&[("MaxResults", size)]), (400, "InvalidParameterValue".to_owned()), "{size}");
    }
    let both = [("MaxResults", "5"), ("NetworkInterfaceId.1", interfaces[0].as_str())];
    assert_eq!(refused(&both).1, "InvalidParameterCombination");
    assert_eq!(refused(&[("MaxResults", "5"), ("NextToken", "nonsense")]).1, "InvalidPaginationToken");
    let names: Vec<String> = (1..=201).map(|number| format!("Filter.1.Value.{number}")).collect();
    let mut many = vec![("Filter.1.Name", "subnet-id")];
    many.extend(names.iter().map(|name| (name.as_str(), "subnet-0")));
    assert_eq!(refused(&many).1, "FilterLimitExceeded");
    many.pop();
    assert_eq!(call(&sim, &ec2(INTERFACES, &many)).0, 200);
    assert_eq!(sim.complaints(), [""; 0]);
}

#[test]
fn what_is_not_simulated_is_an_error_and_a_complaint() {
    let (sim, interfaces, allocations) = small(WorldConfig::default());
    let associate = [
        ("AllocationId", allocations[0].as_str()),
        ("NetworkInterfaceId", interfaces[0].as_str()),
        ("Colour", "blue"),
    ];
    let filter = [("Filter.1.Name", "colour"), ("Filter.1.Value.1", "blue")];
    for (request, code) in [
        (ec2("DescribeInstances", &[]), "InvalidAction"),
        (ec2("AssociateAddress", &associate), "UnknownParameter"),
        (ec2("DescribeAddresses", &[("MaxResults", "5")]), "UnknownParameter"),
        (ec2(INTERFACES, &filter), "InvalidParameterValue"),
        (ec2("DescribeSubnets", &filter), "InvalidParameterValue"),
        (
            signed("ec2", EIPD_ACCESS_KEY, "POST", "/", "Action=DescribeAddresses&Version=2011-01-01"),
            "InvalidParameterValue",
        ),
        (signed("s3", EIPD_ACCESS_KEY, "GET", "/", ""), "UnknownService"),
        (
            signed("sts", EIPD_ACCESS_KEY, "POST", "/", "Action=GetFederationToken&Version=2011-06-15"),
            "InvalidAction",
        ),
    ] {
        let before = sim.complaints().len();
        assert_eq!(refusal(&sim, &request).1, code);
        assert_eq!(sim.complaints().len(), before + 1, "{code}");
    }
    let before = sim.complaints().len();
    assert_eq!(call(&sim, &lambda("/2015-03-31/functions/billing/policy")).0, 400);
    assert_eq!(call(&sim, &lambda("/2015-03-31/functions/?Colour=blue")).0, 400);
    assert_eq!(sim.complaints().len(), before + 2);
    assert!(sim.world(|world| world.addresses().all(|address| address.association().is_none())));
}

#[test]
fn list_functions_gives_fifty_a_page_and_no_states() {
    let sim = crowd();
    sim.world(|world| {
        for number in 0..60 {
            world.publish_version(&format!("function-{number:05}"));
        }
    });
    for (target, expected) in [("MaxItems=10000", 60_usize), ("MaxItems=7", 60), ("FunctionVersion=ALL", 120)]
    {
        let (mut marker, mut names, mut pages) = (String::new(), BTreeSet::new(), 0);
        loop {
            let next = if marker.is_empty() { String::new() } else { format!("&Marker={marker}") };
            let page = ok(&sim, &lambda(&format!("/2015-03-31/functions/?{target}{next}")));
            let page: serde_json::Value = serde_json::from_str(&page).expect("JSON");
            let functions = page["Functions"].as_array().expect("a list");
            assert!(functions.len() <= 50);
            for function in functions {
                assert!(names.insert(function["FunctionArn"].to_string()), "no function comes twice");
                assert!(function.get("State").is_none() && function.get("LastUpdateStatus").is_none());
                assert_eq!(function["VpcConfig"]["SubnetIds"].as_array().map(Vec::len), Some(4));
            }
            pages += 1;
            match page["NextMarker"].as_str() {
                Some(next) => next.clone_into(&mut marker),
                None => break,
            }
        }
        assert_eq!(names.len(), expected, "{target}");
        assert_eq!(pages, if target == "MaxItems=7" { 9 } else { expected.div_ceil(50) });
    }
    assert_eq!(call(&sim, &lambda("/2015-03-31/functions/?MaxItems=0")).0, 400);
    assert_eq!(sim.complaints(), [""; 0]);
}

#[test]
fn filters_find_what_they_say() {
    let (sim, interfaces, allocations) = small(WorldConfig::default());
    sim.world(|world| {
        world.give(&allocations[1], &interfaces[1]);
        world.tag_address(&allocations[2], "pool", "a & b");
    });
    let public_ip = sim.world(|world| world.public_ip(&allocations[1]).to_owned());
    let count = |action: &str, name: &str, value: &str| {
        let found = ok(&sim, &ec2(action, &[("Filter.1.Name", name), ("Filter.1.Value.1", value)]));
        let ids = texts(&found, if action == INTERFACES { "networkInterfaceId" } else { "publicIp" });
        ids.len()
    };
    for (action, name, value, expected) in [
        (INTERFACES, "interface-type", "lambda", 2),
        (INTERFACES, "interface-type", "interface", 0),
        (INTERFACES, "status", "in-use", 2),
        (INTERFACES, "availability-zone", "eu-west-1b", 1),
        (INTERFACES, "description", "AWS Lambda VPC ENI-*", 2),
        (INTERFACES, "association.allocation-id", &allocations[1], 1),
        (INTERFACES, "association.public-ip", &public_ip, 1),
        (INTERFACES, "network-interface-id", &interfaces[0], 1),
        ("DescribeAddresses", "allocation-id", &allocations[0], 1),
        ("DescribeAddresses", "allocation-id", "eipalloc-0123456789abcdef0", 0),
        ("DescribeAddresses", "network-interface-id", &interfaces[1], 1),
        ("DescribeAddresses", "tag:pool", "a & b", 1),
        ("DescribeAddresses", "tag-key", "pool", 1),
        ("DescribeAddresses", "instance-id", "i-0", 0),
    ] {
        assert_eq!(count(action, name, value), expected, "{action} {name}={value}");
    }
}

#[test]
fn a_dry_run_changes_nothing() {
    let (sim, interfaces, allocations) = small(WorldConfig::default());
    let parameters = [
        ("AllocationId", allocations[0].as_str()),
        ("NetworkInterfaceId", interfaces[0].as_str()),
        ("DryRun", "true"),
    ];
    let request = ec2("AssociateAddress", &parameters);
    assert_eq!(refusal(&sim, &request), (412, "DryRunOperation".to_owned()));
    assert_eq!(sim.world(|world| world.address_of(&interfaces[0]).map(str::to_owned)), None);
    sim.deny("ec2:AssociateAddress");
    assert_eq!(refusal(&sim, &request), (403, "UnauthorizedOperation".to_owned()));
}
