//! EC2's DescribeRouteTables: the tables that subnets are associated with, and the main tables of VPCs.

use std::collections::BTreeSet;

use aws_sdk_ec2::types::Filter;

use super::filters::{chunks, filter};
use super::pages::{Page, walk};
use crate::aws::AwsTarget;
use crate::aws::call::Operation;
use crate::aws::convert;
use crate::aws::limits::Bucket;
use crate::domain::ids::{SubnetId, VpcId};
use crate::domain::network::RouteTable;
use crate::reconcile::ports::Partial;

const OPERATION: Operation = Operation::of("ec2:DescribeRouteTables", Bucket::Ec2Reads);

/// The most that EC2 allows (EC2 API reference, DescribeRouteTables).
const ITEMS_PER_PAGE: i32 = 100;

/// The route tables that these subnets are associated with by themselves.
pub(in crate::aws) async fn of_subnets(target: &AwsTarget, ids: &BTreeSet<SubnetId>) -> Partial<RouteTable> {
    let mut all = Partial::default();
    for (subject, values) in chunks("subnet", ids.iter()) {
        all.add(describe(target, &subject, vec![filter("association.subnet-id", values)]).await);
    }
    all
}

/// The main route tables of these VPCs.
pub(in crate::aws) async fn main(target: &AwsTarget, vpcs: &BTreeSet<VpcId>) -> Partial<RouteTable> {
    let mut all = Partial::default();
    for (subject, values) in chunks("VPC", vpcs.iter()) {
        let filters = vec![filter("vpc-id", values), filter("association.main", vec!["true".to_owned()])];
        all.add(describe(target, &subject, filters).await);
    }
    all
}

async fn describe(target: &AwsTarget, subject: &str, filters: Vec<Filter>) -> Partial<RouteTable> {
    let request =
        target.clients.ec2.describe_route_tables().set_filters(Some(filters)).max_results(ITEMS_PER_PAGE);
    walk(&OPERATION, subject, |subject, token| {
        let request = request.clone().set_next_token(token);
        async move {
            let answer = target.caller.read(&OPERATION, &subject, || request.clone().send()).await?;
            let items = answer.route_tables().iter().map(convert::route_table);
            Ok(Page::of(&OPERATION, items, answer.next_token()))
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use crate::aws::canned::{Wire, ec2_error, xml};
    use crate::domain::network::Way;
    use crate::reconcile::ports::Reads;

    const TABLE: &str = "<item><routeTableId>rtb-0a1b2c3d</routeTableId><vpcId>vpc-0a1b2c3d</vpcId><routeSet>\
        <item><destinationCidrBlock>10.0.0.0/16</destinationCidrBlock><gatewayId>local</gatewayId></item>\
        <item><destinationCidrBlock>0.0.0.0/0</destinationCidrBlock><gatewayId>igw-1</gatewayId>\
        <state>active</state></item></routeSet><associationSet>\
        <item><subnetId>subnet-00000001</subnetId><main>false</main></item></associationSet></item>";

    fn answer(content: &str) -> crate::aws::canned::Answer {
        xml("DescribeRouteTables", &format!("<routeTableSet>{content}</routeTableSet>"))
    }

    #[tokio::test(start_paused = true)]
    async fn tables_are_asked_for_by_their_subnets_or_as_the_main_ones() {
        let wire = Wire::of([answer(TABLE), answer("")]);
        let target = wire.target().await;
        let subnets = ["subnet-00000001".parse().expect("valid"), "subnet-00000002".parse().expect("valid")];
        let own = target.route_tables_of(&subnets.into()).await;
        assert_eq!((own.found.len(), own.errors.len()), (1, 0));
        assert_eq!(own.found[0].ipv4, Way::InternetGateway("igw-1".to_owned()));
        assert_eq!((own.found[0].is_main, own.found[0].subnets.len()), (false, 1));
        target.main_route_tables(&["vpc-0a1b2c3d".parse().expect("valid")].into()).await;
        let sent = wire.sent();
        assert!(sent[0].body.contains("Filter.1.Name=association.subnet-id"), "{}", sent[0].body);
        assert!(sent[1].body.contains("Filter.1.Name=vpc-id"), "{}", sent[1].body);
        assert!(sent[1].body.contains("Filter.2.Name=association.main&Filter.2.Value.1=true"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_denied_read_names_its_permission() {
        let wire = Wire::of([ec2_error(403, "UnauthorizedOperation", "No")]);
        let denied =
            wire.target().await.route_tables_of(&["subnet-00000001".parse().expect("valid")].into()).await;
        assert_eq!(
            denied.errors[0].hint.as_deref(),
            Some("grant `ec2:DescribeRouteTables` on `*`"),
            "{}",
            denied.errors[0]
        );
    }
}
