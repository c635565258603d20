//! EC2's DescribeSubnets. By filter, since a list of ids fails whole for one unknown id and excludes paging.

use std::collections::BTreeSet;

use super::filters::{chunks, filter};
use super::pages::{Page, walk};
use crate::aws::AwsTarget;
use crate::aws::call::Operation;
use crate::aws::convert;
use crate::aws::limits::Bucket;
use crate::domain::ids::SubnetId;
use crate::domain::network::Subnet;
use crate::reconcile::ports::Partial;

const OPERATION: Operation = Operation::of("ec2:DescribeSubnets", Bucket::Ec2Reads);

/// The most that EC2 allows (EC2 API reference, DescribeSubnets).
const ITEMS_PER_PAGE: i32 = 1000;

/// Those of the subnets that EC2 shows.
pub(in crate::aws) async fn subnets(target: &AwsTarget, ids: &BTreeSet<SubnetId>) -> Partial<Subnet> {
    let mut all = Partial::default();
    for (subject, values) in chunks("subnet", ids.iter()) {
        let request = target
            .clients
            .ec2
            .describe_subnets()
            .filters(filter("subnet-id", values))
            .max_results(ITEMS_PER_PAGE);
        let some = walk(&OPERATION, &subject, |subject, token| {
            let request = request.clone().set_next_token(token);
            async move {
                let answer = target.caller.read(&OPERATION, &subject, || request.clone().send()).await?;
                let items = answer.subnets().iter().map(convert::subnet);
                Ok(Page::of(&OPERATION, items, answer.next_token()))
            }
        })
        .await;
        all.add(some);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::canned::{Answer, Wire, xml};
    use crate::reconcile::ports::Reads;

    fn ids(count: usize) -> BTreeSet<SubnetId> {
        (0..count).map(|n| format!("subnet-{n:08x}").parse().expect("a valid id")).collect()
    }

    fn page(content: &str, next: &str) -> Answer {
        xml("DescribeSubnets", &format!("<subnetSet>{content}</subnetSet><nextToken>{next}</nextToken>"))
    }

    #[tokio::test(start_paused = true)]
    async fn subnets_are_asked_for_two_hundred_at_a_time_and_page_by_page() {
        let one = "<item><subnetId>subnet-00000000</subnetId><vpcId>vpc-0a1b2c3d</vpcId>\
                   <availabilityZone>eu-west-1a</availabilityZone>\
                   <availabilityZoneId>euw1-az1</availabilityZoneId></item>";
        let wire = Wire::of([page(one, "t1"), page("", ""), page("", "")]);
        let answer = wire.target().await.subnets(&ids(201)).await;
        assert_eq!((answer.found.len(), answer.errors.len(), wire.sent().len()), (1, 0, 3));
        let found = &answer.found[0];
        assert_eq!((&*found.vpc.to_string(), found.zone.as_deref()), ("vpc-0a1b2c3d", Some("eu-west-1a")));
        let bodies: Vec<String> = wire.sent().into_iter().map(|sent| sent.body).collect();
        assert!(bodies.iter().all(|body| body.contains("Filter.1.Name=subnet-id")), "{bodies:?}");
        assert!(bodies[0].contains("Filter.1.Value.200=") && bodies[1].contains("NextToken=t1"));
        assert!(!bodies[2].contains("Filter.1.Value.2="), "the last one alone");
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_to_ask_for_makes_no_call() {
        let wire = Wire::of([Answer::Refused]);
        let answer = wire.target().await.subnets(&BTreeSet::new()).await;
        assert_eq!((answer.found.len(), answer.errors.len(), wire.sent().len()), (0, 0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_subnet_without_its_vpc_is_named() {
        let wire = Wire::of([page("<item><subnetId>subnet-0a1b2c3d</subnetId></item>", "")]);
        let answer = wire.target().await.subnets(&ids(1)).await;
        assert_eq!(
            answer.errors[0].to_string(),
            "ec2:DescribeSubnets of `subnet-0a1b2c3d` failed: the answer has no VPC id"
        );
    }
}
