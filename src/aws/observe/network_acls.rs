//! EC2's DescribeNetworkAcls, by the subnets that they hold for. Asked by an examination alone.

use std::collections::BTreeSet;

use super::filters::{chunks, filter};
use super::pages::{Page, walk};
use crate::aws::AwsTarget;
use crate::aws::call::Operation;
use crate::aws::convert;
use crate::aws::limits::Bucket;
use crate::domain::firewall::NetworkAcl;
use crate::domain::ids::SubnetId;
use crate::reconcile::ports::Partial;

const OPERATION: Operation = Operation::of("ec2:DescribeNetworkAcls", Bucket::Ec2Reads);

/// The most that EC2 allows (EC2 API reference, DescribeNetworkAcls).
const ITEMS_PER_PAGE: i32 = 1000;

/// The ACLs of these subnets: each subnet has exactly one.
pub(in crate::aws) async fn network_acls(
    target: &AwsTarget,
    subnets: &BTreeSet<SubnetId>,
) -> Partial<NetworkAcl> {
    let mut all = Partial::default();
    for (subject, values) in chunks("subnet", subnets.iter()) {
        let request = target
            .clients
            .ec2
            .describe_network_acls()
            .filters(filter("association.subnet-id", values))
            .max_results(ITEMS_PER_PAGE);
        let some = walk(&OPERATION, &subject, |subject, token| {
            let request = request.clone().set_next_token(token);
            async move {
                let answer = target.caller.read(&OPERATION, &subject, || request.clone().send()).await?;
                let items = answer.network_acls().iter().map(convert::network_acl);
                Ok(Page::of(&OPERATION, items, answer.next_token()))
            }
        })
        .await;
        all.add(some);
    }
    all
}
