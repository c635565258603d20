//! EC2's DescribeNetworkInterfaces. Never takes a security group filter's word for a pair, for it matches supersets; never
//! filters by description, which names one of many functions (AWS.md 1).

use std::collections::BTreeSet;

use aws_sdk_ec2::types::{self as ec2, Filter};

use super::pages::{Page, walk};
use crate::aws::AwsTarget;
use crate::aws::call::Operation;
use crate::aws::convert::{self, Malformed};
use crate::aws::limits::Bucket;
use crate::aws::shared::Shared;
use crate::domain::function::Pair;
use crate::domain::ids::NetworkInterfaceId;
use crate::domain::observed::Interface;
use crate::reconcile::ports::{ApiError, Partial, Shown};

const OPERATION: Operation = Operation::of("ec2:DescribeNetworkInterfaces", Bucket::Ec2Reads);

/// The most that EC2 allows (AWS.md 2, confirmed).
const ITEMS_PER_PAGE: i32 = 1000;

/// The most that EC2 allows (AWS.md 2, confirmed).
const VALUES_PER_FILTER: usize = 200;

/// A subnet and a group each: together no more than EC2 allows.
const PAIRS_PER_CALL: usize = VALUES_PER_FILTER / 2;

/// Every interface of type `lambda` in the region.
pub(in crate::aws) async fn interfaces(target: &AwsTarget) -> Partial<Interface> {
    let subject = format!("in `{}`", target.region());
    let filters = filters([("interface-type", vec!["lambda".to_owned()])]);
    describe(target, &subject, filters).await.apart().0
}

/// Those of these interfaces that EC2 shows, whatever they are.
pub(in crate::aws) async fn interfaces_of(
    target: &AwsTarget,
    ids: &BTreeSet<NetworkInterfaceId>,
) -> Partial<Shown> {
    let ids: Vec<String> = ids.iter().map(|id| id.to_string()).collect();
    let mut all = Partial::default();
    for chunk in ids.chunks(VALUES_PER_FILTER) {
        let subject = match chunk {
            [only] => format!("of `{only}`"),
            several => format!("of {} ids", several.len()),
        };
        let filters = filters([("network-interface-id", chunk.to_vec())]);
        all.add(describe(target, &subject, filters).await);
    }
    all
}

/// The interfaces of type `lambda` of these pairs. One group of each pair is asked for, which is on the others' too that have
/// it among more: those are left out here.
pub(in crate::aws) async fn interfaces_with(
    target: &AwsTarget,
    pairs: &BTreeSet<Pair>,
) -> Partial<Interface> {
    let mut all = Partial::default();
    for chunk in Vec::from_iter(pairs).chunks(PAIRS_PER_CALL) {
        let subnets: BTreeSet<String> = chunk.iter().map(|pair| pair.subnet.to_string()).collect();
        // A pair without groups would be left out by those of the others: then none is asked for.
        let groups = chunk.iter().map(|pair| pair.security_groups.iter().next().map(ToString::to_string));
        let groups = groups.collect::<Option<BTreeSet<String>>>().unwrap_or_default();
        let subject = match chunk {
            [only] => format!("in `{}`", only.subnet),
            several => format!("of {} pairs of subnet and security groups", several.len()),
        };
        let filters = filters([
            ("interface-type", vec!["lambda".to_owned()]),
            ("subnet-id", Vec::from_iter(subnets)),
            ("group-id", Vec::from_iter(groups)),
        ]);
        all.add(describe(target, &subject, filters).await.apart().0);
    }
    all.found.retain(|interface: &Interface| pairs.contains(&interface.pair));
    all
}

/// A filter without values would match nothing: a pair without security groups is no reason for one.
fn filters<const N: usize>(of: [(&str, Vec<String>); N]) -> Vec<Filter> {
    let of = of.into_iter().filter(|(_, values)| !values.is_empty());
    of.map(|(name, values)| Filter::builder().name(name).set_values(Some(values)).build()).collect()
}

/// One interface. By filter, since asking by id fails for an unknown one and excludes paging (AWS.md 2).
pub(in crate::aws) async fn interface(
    target: &AwsTarget,
    id: &NetworkInterfaceId,
) -> Result<Option<Interface>, ApiError> {
    let filters = filters([("network-interface-id", vec![id.to_string()])]);
    let answer = describe(target, &format!("of `{id}`"), filters).await.apart().0;
    match answer.found.into_iter().find(|interface| interface.id == *id) {
        Some(interface) => Ok(Some(interface)),
        None => answer.errors.into_iter().next().map_or(Ok(None), Err),
    }
}

async fn describe(target: &AwsTarget, subject: &str, filters: Vec<Filter>) -> Partial<Shown> {
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
            let items = items.filter_map(|item| shown(item).transpose());
            Ok(Page::of(&OPERATION, items, answer.next_token()))
        }
    })
    .await;
    for found in &mut all.found {
        if let Shown::OfLambda(interface) = found {
            shared.interface(interface);
        }
    }
    all
}

fn shown(item: &ec2::NetworkInterface) -> Result<Option<Shown>, Malformed> {
    let other = || Some(Shown::Other(item.network_interface_id()?.parse().ok()?));
    Ok(convert::interface(item)?.map(Shown::OfLambda).or_else(other))
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
    async fn what_is_asked_for_by_id_is_shown_whatever_it_is() {
        let wire = Wire::of([page(&[numbered(1), item("eni-00000002", "interface")], "")]);
        let ids = ["eni-00000001", "eni-00000002", "eni-00000003"].map(|id| id.parse().expect("well-formed"));
        let answer = wire.target().await.interfaces_of(&ids.into()).await;
        let [Shown::OfLambda(ours), Shown::Other(theirs)] = &answer.found[..] else {
            panic!("one of each, not {:?}", answer.found)
        };
        assert_eq!((ours.id.to_string(), theirs.to_string()), ("eni-00000001".into(), "eni-00000002".into()));
        assert!(!wire.sent()[0].body.contains("interface-type"));
    }

    #[tokio::test(start_paused = true)]
    async fn the_interfaces_of_a_pair_have_exactly_its_groups() {
        let wider =
            numbered(2).replace("</groupSet>", "<item><groupId>sg-0000000f</groupId></item></groupSet>");
        let elsewhere = numbered(3).replace("subnet-0a1b2c3d", "subnet-0000000f");
        let wire = Wire::of([page(&[numbered(1), wider, elsewhere], "")]);
        let pair = |subnet: &str, groups: &[&str]| Pair {
            subnet: subnet.parse().expect("well-formed"),
            security_groups: groups.iter().map(|group| group.parse().expect("well-formed")).collect(),
        };
        let pairs = [
            pair("subnet-0a1b2c3d", &["sg-0a1b2c3d"]),
            pair("subnet-0000000e", &["sg-0000000a", "sg-0000000b"]),
        ];
        let answer = wire.target().await.interfaces_with(&pairs.into()).await;
        let found: Vec<_> = answer.found.iter().map(|interface| interface.id.to_string()).collect();
        assert_eq!(found, ["eni-00000001"]);
        let body = &wire.sent()[0].body;
        for part in
            ["subnet-id", "group-id", "subnet-0a1b2c3d", "subnet-0000000e", "sg-0a1b2c3d", "sg-0000000a"]
        {
            assert!(body.contains(part), "{part}: {body}");
        }
        assert!(!body.contains("sg-0000000b"), "one group of each pair: {body}");
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
