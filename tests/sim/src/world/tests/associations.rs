//! EC2's rules for Elastic IPs (AWS.md section 2).

use super::*;
use crate::world::{Hand, NewAddress, NewInterface};

#[test]
fn an_association_is_seen_from_both_sides_and_ends_on_both() {
    let mut stage = stage().with_billing();
    let interface = stage.interfaces(0, 0)[0].clone();
    let allocation = stage.world.allocate_address();
    let id = stage.world.stray_associate(&allocation, &interface, false).expect("free and bare");
    let on = |world: &World| {
        let here = world.interface(&interface).and_then(|found| found.association().map(|a| a.id.clone()));
        let there = world.address(&allocation).and_then(|found| found.association().map(|a| a.id.clone()));
        assert_eq!(here, there);
        here
    };
    assert_eq!(on(&stage.world), Some(id.clone()));
    assert_eq!(stage.world.address_of(&interface), Some(stage.world.public_ip(&allocation)));
    assert_eq!(stage.world.disassociate(Hand::Stray, &id), Ok(true));
    assert_eq!(on(&stage.world), None);
}

#[test]
fn a_busy_address_moves_only_when_reassociation_is_allowed() {
    let mut stage = stage().with_billing();
    let (first, second) = (stage.interfaces(0, 0)[0].clone(), stage.interfaces(1, 0)[0].clone());
    let allocation = stage.world.allocate_address();
    stage.world.stray_associate(&allocation, &first, false).expect("free and bare");
    let refusal = stage.world.stray_associate(&allocation, &second, false).expect_err("it is taken");
    assert_eq!(refusal.code, "Resource.AlreadyAssociated");
    stage.world.stray_associate(&allocation, &second, true).expect("it is allowed");
    assert_eq!((stage.world.address_of(&first), stage.world.address_of(&second).is_some()), (None, true));
}

#[test]
fn what_is_not_ours_or_does_not_fit_is_refused() {
    let mut stage = stage().with_billing();
    let ours = stage.interfaces(0, 0)[0].clone();
    let fine = stage.world.allocate_address();
    let new = NewAddress::default;
    let theirs = stage.world.allocate(NewAddress { owner: Some("999900001111".to_owned()), ..new() });
    let managed = stage.world.allocate(NewAddress { service_managed: Some("nlb".to_owned()), ..new() });
    let elsewhere =
        stage.world.allocate(NewAddress { border_group: Some("eu-west-1-wl1".to_owned()), ..new() });
    let released = stage.world.allocate_address();
    stage.world.release_address(&released).expect("free");
    let foreign = stage.world.add_foreign_interface(
        "999900001111",
        &stage.subnets[0].clone(),
        &[&stage.groups[0].clone()],
    );
    let plain = NewInterface::plain(&stage.subnets[0], &[&stage.groups[0]]);
    let gateway = stage.world.add_interface(NewInterface { kind: "nat_gateway".to_owned(), ..plain });
    let denying = stage.interfaces(1, 0)[0].clone();
    stage.world.set_deny_all_igw_traffic(&denying, true);
    for (allocation, interface, code) in [
        (&theirs, &ours, "AuthFailure"),
        (&managed, &ours, "OperationNotPermitted"),
        (&elsewhere, &ours, "InvalidParameterCombination"),
        (&released, &ours, "InvalidAllocationID.NotFound"),
        (&fine, &foreign, "AuthFailure"),
        (&fine, &gateway, "AuthFailure"),
        (&fine, &denying, "OperationNotPermitted"),
        (&fine, &"eni-0123456789abcdef0".to_owned(), "InvalidNetworkInterfaceID.NotFound"),
    ] {
        let refusal = stage.world.stray_associate(allocation, interface, true).expect_err(code);
        assert_eq!(refusal.code, code);
    }
    let vpc = stage.world.vpcs().next().expect("made").id.clone();
    stage.world.change_vpc(&vpc, |vpc| vpc.internet_gateway = None);
    let refusal = stage.world.stray_associate(&fine, &ours, true).expect_err("no gateway");
    assert_eq!(refusal.code, "Gateway.NotAttached");
    assert!(stage.world.addresses().all(|address| address.association().is_none()));
}

#[test]
fn an_address_in_use_is_not_released_and_the_quota_holds() {
    let mut world = World::new(WorldConfig { address_quota: Some(1), ..WorldConfig::default() });
    let allocation = world.try_allocate(NewAddress::default()).expect("within the quota");
    let refusal = world.try_allocate(NewAddress::default()).expect_err("beyond the quota");
    assert_eq!(refusal.code, "AddressLimitExceeded");
    world.release_address(&allocation).expect("free");
    assert_eq!(world.release_address(&allocation).expect_err("gone").code, "InvalidAllocationID.NotFound");

    let mut stage = stage().with_billing();
    let interface = stage.interfaces(0, 0)[0].clone();
    let allocation = stage.world.allocate_address();
    stage.world.give(&allocation, &interface);
    assert_eq!(stage.world.release_address(&allocation).expect_err("in use").code, "InvalidIPAddress.InUse");
    assert!(stage.world.stray_disassociate(&allocation));
    assert!(!stage.world.stray_disassociate(&allocation));
}
