//! EC2's DescribeSecurityGroups, for what the groups let out. Asked by an examination alone.

use std::collections::BTreeSet;

use super::filters::{chunks, filter};
use super::pages::{Page, walk};
use crate::aws::AwsTarget;
use crate::aws::call::Operation;
use crate::aws::convert;
use crate::aws::limits::Bucket;
use crate::domain::firewall::SecurityGroup;
use crate::domain::ids::SecurityGroupId;
use crate::reconcile::ports::Partial;

const OPERATION: Operation = Operation::of("ec2:DescribeSecurityGroups", Bucket::Ec2Reads);

/// The most that EC2 allows (EC2 API reference, DescribeSecurityGroups).
const ITEMS_PER_PAGE: i32 = 1000;

/// Those of the groups that EC2 shows.
pub(in crate::aws) async fn security_groups(
    target: &AwsTarget,
    ids: &BTreeSet<SecurityGroupId>,
) -> Partial<SecurityGroup> {
    let mut all = Partial::default();
    for (subject, values) in chunks("security group", ids.iter()) {
        let request = target
            .clients
            .ec2
            .describe_security_groups()
            .filters(filter("group-id", values))
            .max_results(ITEMS_PER_PAGE);
        let some = walk(&OPERATION, &subject, |subject, token| {
            let request = request.clone().set_next_token(token);
            async move {
                let answer = target.caller.read(&OPERATION, &subject, || request.clone().send()).await?;
                let items = answer.security_groups().iter().map(convert::security_group);
                Ok(Page::of(&OPERATION, items, answer.next_token()))
            }
        })
        .await;
        all.add(some);
    }
    all
}
