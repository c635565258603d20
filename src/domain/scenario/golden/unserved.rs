//! What no address helps against, or what no address may be given to, as an operator would read it.

use std::sync::Arc;

use super::{estate, story};
use crate::domain::network::{Network, RouteTable, Way};
use crate::domain::observed::Address;
use crate::domain::scenario::{subnet, vpc};

#[test]
fn a_subnet_that_leads_to_a_nat_gateway() {
    let world = estate().eni(3, 2, &[1]).network(&[1, 2], &[2]);
    insta::assert_snapshot!(story(&world), @r"
    interface 1 of billing: keeps 1
    interface 2 of billing and reports: keeps 2
      uncovered: carries 198.51.100.2 (eipalloc-00000002), but `subnet-00000002` has no route to an internet gateway: its route table `rtb-00000002` sends 0.0.0.0/0 to NAT gateway `nat-2`; hint: route 0.0.0.0/0 there to an internet gateway, or give the function other subnets
    interface 3 of billing and reports: gets 3 (bare)
      uncovered: `subnet-00000002` has no route to an internet gateway: its route table `rtb-00000002` sends 0.0.0.0/0 to NAT gateway `nat-2`; hint: route 0.0.0.0/0 there to an internet gateway, or give the function other subnets
    pool partner-a: 2 associated, 2 spare, 0 short
    ");
}

#[test]
fn a_function_and_a_version_of_another_that_may_use_ipv6() {
    let out = || Way::InternetGateway("igw-1".to_owned());
    let table = |n: u32, ipv6| RouteTable {
        id: format!("rtb-{n:08x}").parse().expect("well-formed"),
        vpc: "vpc-00000001".parse().expect("well-formed"),
        is_main: false,
        subnets: [subnet(n)].into(),
        ipv4: out(),
        ipv6,
    };
    let tables = [table(1, out()), table(2, Way::EgressOnlyGateway("eigw-1".to_owned()))];
    let mut world = estate().counts("reports", 3, &[2], &[1]);
    world.observed.network = Arc::new(Network::of(&[subnet(1), subnet(2)].into(), Vec::new(), &tables));
    let world = world
        .configure("billing", |shown| shown.vpc.as_mut().expect("it is in one").dual_stack = true)
        .configure("reports", |shown| shown.versions.get_mut(&3).expect("it counts").dual_stack = true);
    insta::assert_snapshot!(story(&world), @r"
    interface 1 of billing: keeps 1
    interface 2 of billing and reports: keeps 2
    pool partner-a: 2 associated, 2 spare, 0 short
    warning: function `billing` may use IPv6, and `subnet-00000001` sends ::/0 to internet gateway `igw-1`: such traffic bypasses its address; hint: unset Ipv6AllowedForDualStack, or take the route away
    warning: function `reports` by its version 3 may use IPv6, and `subnet-00000002` sends ::/0 to egress-only internet gateway `eigw-1`: such traffic bypasses its address; hint: unset Ipv6AllowedForDualStack, or take the route away
    ");
}

#[test]
fn an_interface_in_a_local_zone() {
    let zone = "eu-west-1-lon-1a";
    let world = estate().eni(3, 2, &[1]).with_eni(3, |interface| interface.zone = Some(zone.into()));
    insta::assert_snapshot!(story(&world), @r"
    interface 1 of billing: keeps 1
    interface 2 of billing and reports: keeps 2
    interface 3 of billing and reports: no address of its pool belongs to network border group `eu-west-1-lon-1`
    pool partner-a: 2 associated, 2 spare, 1 short
    ");
    let group = "eu-west-1-lon-1";
    let world = world.with_address(4, |address| address.border_group = Some(group.into()));
    insta::assert_snapshot!(story(&world), @r"
    interface 1 of billing: keeps 1
    interface 2 of billing and reports: keeps 2
    interface 3 of billing and reports: gets 4 (bare)
    pool partner-a: 2 associated, 2 spare, 0 short
    ");
}

#[test]
fn an_interface_that_denies_internet_gateways() {
    let world = estate().eni(3, 2, &[1]).with_eni(3, |interface| interface.denies_internet_gateway = true);
    insta::assert_snapshot!(story(&world), @r"
    interface 1 of billing: keeps 1
    interface 2 of billing and reports: keeps 2
    interface 3 of billing and reports: it has DenyAllIgwTraffic, so EC2 refuses it any address
    pool partner-a: 2 associated, 2 spare, 0 short
    ");
}

#[test]
fn addresses_that_an_aws_service_manages() {
    let managed = |address: &mut Address| address.managed_by = Some("nlb".to_owned());
    let world = estate().eni(3, 2, &[1]).with_address(3, managed).with_address(4, managed);
    insta::assert_snapshot!(story(&world), @r"
    interface 1 of billing: keeps 1
    interface 2 of billing and reports: keeps 2
    interface 3 of billing and reports: no free address: of the 4 that pool `partner-a` has for it, 2 are in use, 2 cannot be had for now; hint: add an allocation to the pool
    pool partner-a: 2 associated, 0 spare, 2 short
    warning: address 198.51.100.3 (`eipalloc-00000003`) is on the AWS service `nlb`, which eipd never touches by itself; hint: free it or take it off the list
    warning: address 198.51.100.4 (`eipalloc-00000004`) is on the AWS service `nlb`, which eipd never touches by itself; hint: free it or take it off the list
    warning: pool `partner-a` has 0 spare of the 1 wanted; hint: add an address to it
    ");
}

#[test]
fn a_function_that_moved_to_a_capacity_provider() {
    let world = estate()
        .function("heavy", "partner-a", &[1], &[9])
        .configure("heavy", |shown| {
            shown.on_capacity_provider = true;
            shown.versions.insert(1, vpc(&[1], &[9]));
        })
        .eni(3, 1, &[9]);
    insta::assert_snapshot!(story(&world), @r"
    interface 1 of billing: keeps 1
    interface 2 of billing and reports: keeps 2
    interface 3 of heavy: gets 3 (bare)
    pool partner-a: 2 associated, 2 spare, 0 short
    warning: function `heavy` runs on a capacity provider, whose interfaces belong to instances; hint: remove it from the list
    ");
    let whole = world.configure("heavy", |shown| shown.versions.clear());
    insta::assert_snapshot!(story(&whole), @r"
    interface 1 of billing: keeps 1
    interface 2 of billing and reports: keeps 2
    pool partner-a: 2 associated, 2 spare, 0 short
    warning: function `heavy` runs on a capacity provider, whose interfaces belong to instances; hint: remove it from the list
    ");
}
