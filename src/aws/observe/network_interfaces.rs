//! EC2's DescribeNetworkInterfaces. Never filters by security group or description: a group filter matches supersets,
//! and a description names one of many functions (AWS.md 1).

use std::collections::BTreeSet;

use aws_sdk_ec2::types::Filter;

use super::pages::{Page, walk};
use crate::aws::AwsTarget;
use crate::aws::call::Operation;
use crate::aws::convert;
use crate::aws::limits::Bucket;
use crate::aws::shared::Shared;
use crate::domain::ids::{NetworkInterfaceId, SubnetId};
use crate::domain::observed::Interface;
use crate::reconcile::ports::{ApiError, Partial};

const OPERATION: Operation = Operation::of("ec2:DescribeNetworkInterfaces", Bucket::Ec2Reads);

/// The most that EC2 allows (AWS.md 2, confirmed).
const ITEMS_PER_PAGE: i32 = 1000;

/// The most that EC2 allows (AWS.md 2, confirmed).
const VALUES_PER_FILTER: usize = 200;

/// Every interface of type `lambda` in the region.
pub(in crate::aws) async fn interfaces(target: &AwsTarget) -> Partial<Interface> {
    let subject = format!("in `{}`", target.region());
    describe(target, &subject, filters([("interface-type", vec!["lambda".to_owned()])])).await
}

/// Those of these interfaces that EC2 shows.
pub(in crate::aws) async fn interfaces_of(
    target: &AwsTarget,
    ids: &BTreeSet<NetworkInterfaceId>,
) -> Partial<Interface> {
    let ids: Vec<String> = ids.iter().map(|id| id.to_string()).collect();
    in_chunks(target, "network-interface-id", &ids).await
}

/// The interfaces of type `lambda` in these subnets.
pub(in crate::aws) async fn interfaces_in(
    target: &AwsTarget,
    subnets: &BTreeSet<SubnetId>,
) -> Partial<Interface> {
    let subnets: Vec<String> = subnets.iter().map(|id| id.to_string()).collect();
    in_chunks(target, "subnet-id", &subnets).await
}

async fn in_chunks(target: &AwsTarget, filter: &str, values: &[String]) -> Partial<Interface> {
    let mut all = Partial::default();
    for chunk in values.chunks(VALUES_PER_FILTER) {
        let subject = match chunk {
            [only] => format!("of `{only}`"),
            several => format!("of {} values of `{filter}`", several.len()),
        };
        let filters = filters([("interface-type", vec!["lambda".to_owned()]), (filter, chunk.to_vec())]);
        all.add(describe(target, &subject, filters).await);
    }
    all
}

fn filters<const N: usize>(of: [(&str, Vec<String>); N]) -> Vec<Filter> {
    of.map(|(name, values)| Filter::builder().name(name).set_values(Some(values)).build()).to_vec()
}

/// One interface. By filter, since asking by id fails for an unknown one and excludes paging (AWS.md 2).
pub(in crate::aws) async fn interface(
    target: &AwsTarget,
    id: &NetworkInterfaceId,
) -> Result<Option<Interface>, ApiError> {
    let filters = filters([("network-interface-id", vec![id.to_string()])]);
    let answer = describe(target, &format!("of `{id}`"), filters).await;
    match answer.found.into_iter().find(|interface| interface.id == *id) {
        Some(interface) => Ok(Some(interface)),
        None => answer.errors.into_iter().next().map_or(Ok(None), Err),
    }
}

async fn describe(target: &AwsTarget, subject: &str, filters: Vec<Filter>) -> Partial<Interface> {
    // An account can hide managed resources, and whether Lambda's interfaces count as such is unknown (AWS.md,
    // headline 4).
    let request = target
        .clients
        .ec2
        .describe_network_interfaces()
        .set_filters(Some(filters))
        .max_results(ITEMS_PER_PAGE)
        .include_managed_resources(true);
    let mut shared = Shared::default();
    let mut all = walk(&OPERATION, subject, |subject, token| {
        let request = request.clone().set_next_token(token);
        async move {
            let answer = target.caller.read(&OPERATION, &subject, || request.clone().send()).await?;
            let items = answer.network_interfaces().iter();
            let items = items.filter_map(|item| convert::interface(item).transpose());
            Ok(Page::of(&OPERATION, items, answer.next_token()))
        }
    })
    .await;
    all.found.iter_mut().for_each(|interface: &mut Interface| shared.interface(interface));
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::canned::{Answer, Sent, Wire, ec2_error, xml};
    use crate::domain::error_class::ErrorClass;
    use crate::reconcile::ports::Reads;

    fn item(id: &str, kind: &str) -> String {
        format!(
            "<item><networkInterfaceId>{id}</networkInterfaceId><interfaceType>{kind}</interfaceType>\
             <ownerId>111122223333</ownerId><subnetId>subnet-0a1b2c3d</subnetId><status>in-use</status>\
             <groupSet><item><groupId>sg-0a1b2c3d</groupId></item></groupSet></item>"
        )
    }

    fn page(items: &[String], next: &str) -> Answer {
        let set = format!("<networkInterfaceSet>{}</networkInterfaceSet>", items.concat());
        xml("DescribeNetworkInterfaces", &format!("{set}<nextToken>{next}</nextToken>"))
    }

    fn numbered(number: usize) -> String {
        item(&format!("eni-{number:08x}"), "lambda")
    }

    #[tokio::test(start_paused = true)]
    async fn pages_are_followed_to_the_end() {
        let wire =
            Wire::of([page(&[numbered(1)], "t1"), page(&[numbered(2)], "t2"), page(&[numbered(3)], "")]);
        let answer = wire.target().await.interfaces().await;
        let found: Vec<_> = answer.found.iter().map(|interface| interface.id.to_string()).collect();
        assert_eq!(found, ["eni-00000001", "eni-00000002", "eni-00000003"]);
        assert!(answer.errors.is_empty());
        let sent = wire.sent();
        for part in [
            "Filter.1.Name=interface-type",
            "Filter.1.Value.1=lambda",
            "MaxResults=1000",
            "IncludeManagedResources=true",
        ] {
            assert!(sent.iter().all(|sent| sent.body.contains(part)), "{part}");
        }
        assert!(!sent[0].body.contains("NextToken") && sent[2].body.contains("NextToken=t2"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_lost_page_leaves_what_was_found_and_an_error() {
        let wire = Wire::of([page(&[numbered(1)], "t1"), ec2_error(403, "UnauthorizedOperation", "No")]);
        let answer = wire.target().await.interfaces().await;
        assert_eq!((answer.found.len(), answer.errors.len()), (1, 1));
        assert_eq!(answer.errors[0].subject, "in `eu-west-1`, page 2,");
    }

    #[tokio::test(start_paused = true)]
    async fn a_page_that_is_cut_off_is_not_taken_for_a_short_one() {
        let Answer::Body(_, whole) = page(&[numbered(1), numbered(2)], "") else { panic!("a body") };
        for end in (0..whole.len() - 1).step_by(7) {
            let wire = Wire::of([Answer::Body(200, whole[..end].to_owned())]);
            let answer = wire.target().await.interfaces().await;
            assert_eq!((answer.found.len(), answer.errors.len()), (0, 1), "{}", &whole[..end]);
            assert_eq!(answer.errors[0].class, ErrorClass::Unexpected);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn tokens_that_lead_in_a_circle_end() {
        let in_a_circle = Wire::new(|number, _: &Sent| page(&[numbered(number)], ["t1", "t2"][number % 2]));
        let answer = in_a_circle.target().await.interfaces().await;
        assert_eq!((in_a_circle.sent().len(), answer.found.len(), answer.errors.len()), (3, 3, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn what_cannot_be_understood_is_named_and_the_rest_kept() {
        let broken = numbered(2).replace("subnet-0a1b2c3d", "");
        let foreign = item("eni-00000003", "interface");
        let answer = Wire::of([page(&[numbered(1), broken, foreign], "")]).target().await.interfaces().await;
        assert_eq!(answer.found.len(), 1);
        let [error] = &answer.errors[..] else { panic!("one error, not {:?}", answer.errors) };
        assert_eq!(
            error.to_string(),
            "ec2:DescribeNetworkInterfaces of `eni-00000002` failed: the answer has no subnet id"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn one_interface_is_asked_for_by_filter_and_may_be_absent() {
        let id: NetworkInterfaceId = "eni-00000001".parse().expect("a valid id");
        let wire = Wire::of([page(&[numbered(1)], "")]);
        let found = wire.target().await.interface(&id).await.expect("it answers");
        assert_eq!(found.map(|interface| interface.id), Some(id.clone()));
        let body = &wire.sent()[0].body;
        assert!(body.contains("network-interface-id&Filter.1.Value.1=eni-00000001"), "{body}");
        let absent = Wire::of([page(&[], "")]).target().await.interface(&id).await;
        assert_eq!(absent.expect("it answers"), None);
    }
}
