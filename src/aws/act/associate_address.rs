//! EC2's AssociateAddress. With AllowReassociation=true, which takes the address from wherever it is, only where that is
//! said.

use aws_types::request_id::RequestId;

use crate::aws::AwsTarget;
use crate::aws::call::Operation;
use crate::aws::limits::Bucket;
use crate::domain::ids::{AllocationId, NetworkInterfaceId};
use crate::reconcile::ports::{ApiError, Associated, Takes};

const OPERATION: Operation = Operation::of("ec2:AssociateAddress", Bucket::Ec2Changes);

/// Gives the address to the interface's primary private address, which is where EC2 puts it when none is named
/// (AWS.md 2, confirmed). `false` guards the address; whether it guards the interface is unknown (AWS.md, mid-update
/// view), so the caller reads the interface first.
///
/// # Errors
/// Of any class; `OutcomeUnknown` when the request may have reached EC2 and no intelligible answer came.
pub(in crate::aws) async fn associate(
    target: &AwsTarget,
    allocation: &AllocationId,
    interface: &NetworkInterfaceId,
    takes: Takes,
) -> Result<Associated, ApiError> {
    let subject = format!("of `{allocation}` with `{interface}`");
    let request = target
        .clients
        .ec2
        .associate_address()
        .allocation_id(allocation.to_string())
        .network_interface_id(interface.to_string())
        .allow_reassociation(takes == Takes::WhatItIsOn);
    let answer = target.caller.change(&OPERATION, &subject, request.send()).await?;
    Ok(Associated {
        association: crate::aws::convert::association_id(answer.association_id()),
        request_id: answer.request_id().map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use crate::aws::canned::{Wire, xml};
    use crate::reconcile::ports::{Changes, Takes};

    #[tokio::test(start_paused = true)]
    async fn an_association_never_takes_an_address_from_elsewhere() {
        let wire = Wire::of([xml("AssociateAddress", "<associationId>eipassoc-0a1b2c3d</associationId>")]);
        let (allocation, interface) =
            ("eipalloc-0a1b2c3d".parse().expect("valid"), "eni-0a1b2c3d".parse().expect("valid"));
        let answer =
            wire.target().await.associate(&allocation, &interface, Takes::Nothing).await.expect("it answers");
        assert_eq!(answer.association.map(|id| id.to_string()).as_deref(), Some("eipassoc-0a1b2c3d"));
        assert_eq!(answer.request_id.as_deref(), Some("request-0"));
        let body = &wire.sent()[0].body;
        for part in
            ["AllowReassociation=false", "AllocationId=eipalloc-0a1b2c3d", "NetworkInterfaceId=eni-0a1b2c3d"]
        {
            assert!(body.contains(part), "{part} in {body}");
        }
    }
}
