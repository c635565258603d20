//! Each belief that the wire carries out, each way.

use super::*;
use crate::beliefs::*;
use crate::{FunctionState, Limits};

const UNKNOWN_ALLOCATION: &str = "eipalloc-0123456789abcdef0";

fn with(beliefs: Beliefs) -> (Sim, Vec<String>, Vec<String>) {
    small(WorldConfig { beliefs, ..WorldConfig::default() })
}

#[test]
fn b4_one_unknown_allocation_among_others() {
    for (unknown_allocation, whole) in
        [(UnknownAllocation::FailsWhole, true), (UnknownAllocation::LeftOut, false)]
    {
        let (sim, _, allocations) = with(Beliefs { unknown_allocation, ..Beliefs::default() });
        let ids = [("AllocationId.1", allocations[0].as_str()), ("AllocationId.2", UNKNOWN_ALLOCATION)];
        let (status, body) = call(&sim, &ec2("DescribeAddresses", &ids));
        assert_eq!(
            (status, first(&body, "Code") == "InvalidAllocationID.NotFound"),
            (if whole { 400 } else { 200 }, whole)
        );
        assert_eq!(texts(&body, "publicIp").len(), usize::from(!whole));
    }
}

#[test]
fn b12_one_unknown_interface_among_others() {
    for (unknown_interface, whole) in
        [(UnknownInterface::FailsWhole, true), (UnknownInterface::LeftOut, false)]
    {
        let (sim, interfaces, _) = with(Beliefs { unknown_interface, ..Beliefs::default() });
        let ids = [
            ("NetworkInterfaceId.1", interfaces[0].as_str()),
            ("NetworkInterfaceId.2", "eni-0123456789abcdef0"),
        ];
        let (status, body) = call(&sim, &ec2("DescribeNetworkInterfaces", &ids));
        let code = first(&body, "Code");
        assert_eq!(
            (status, code == "InvalidNetworkInterfaceID.NotFound"),
            (if whole { 400 } else { 200 }, whole)
        );
        assert_eq!(texts(&body, "networkInterfaceId").len(), usize::from(!whole));
    }
}

#[test]
fn b7_and_b8_managed_interfaces() {
    for (managed_visibility, shown) in
        [(ManagedVisibility::AlwaysShown, 2), (ManagedVisibility::HiddenUnlessAsked, 0)]
    {
        for (requester_managed, text) in
            [(RequesterManaged::True, "true"), (RequesterManaged::False, "false")]
        {
            let (sim, _, _) = with(Beliefs { managed_visibility, requester_managed, ..Beliefs::default() });
            let count = |parameters: &[(&str, &str)]| {
                texts(&ok(&sim, &ec2("DescribeNetworkInterfaces", parameters)), "networkInterfaceId").len()
            };
            assert_eq!(count(&[]), shown);
            assert_eq!(count(&[("IncludeManagedResources", "false")]), shown);
            assert_eq!(count(&[("IncludeManagedResources", "true")]), 2);
            let all = ok(&sim, &ec2("DescribeNetworkInterfaces", &[("IncludeManagedResources", "true")]));
            assert_eq!(texts(&all, "requesterManaged"), [text, text]);
        }
    }
}

#[test]
fn b15_the_update_status_of_a_pending_function() {
    for (pending_update_status, expected) in [
        (PendingUpdateStatus::Absent, None),
        (PendingUpdateStatus::InProgress, Some("InProgress")),
        (PendingUpdateStatus::Successful, Some("Successful")),
    ] {
        let (sim, _, _) = with(Beliefs { pending_update_status, ..Beliefs::default() });
        sim.world(|world| world.set_function_state("billing", FunctionState::Pending));
        let body = ok(&sim, &lambda("/2015-03-31/functions/billing/configuration"));
        let body: serde_json::Value = serde_json::from_str(&body).expect("JSON");
        assert_eq!((body["State"].as_str(), body["LastUpdateStatus"].as_str()), (Some("Pending"), expected));
    }
}

#[tokio::test(start_paused = true)]
async fn b16_the_buckets_of_mutating_calls() {
    for (mutating_buckets, shared) in
        [(MutatingBuckets::PerOperation, false), (MutatingBuckets::Shared, true)]
    {
        let (sim, _, _) = with(Beliefs { mutating_buckets, ..Beliefs::default() });
        sim.set_throttle(Some(Limits::default()));
        let release = ec2("ReleaseAddress", &[("AllocationId", UNKNOWN_ALLOCATION)]);
        let disassociate = ec2("DisassociateAddress", &[("AssociationId", "eipassoc-0")]);
        let throttled = |request: &Request| call(&sim, request).1.contains("RequestLimitExceeded");
        let taken = (0..100).take_while(|_| !throttled(&disassociate)).count();
        assert_eq!((taken, throttled(&release)), (50, shared));
    }
}
