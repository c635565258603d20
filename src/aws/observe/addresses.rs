//! EC2's DescribeAddresses. By filter, not by ids: a list of ids fails whole for one unknown id (AWS.md 2, believed).

use std::collections::BTreeSet;

use aws_sdk_ec2::types::Filter;
use futures_util::StreamExt;
use futures_util::stream;

use crate::aws::AwsTarget;
use crate::aws::call::Operation;
use crate::aws::convert;
use crate::aws::errors::malformed;
use crate::aws::limits::Bucket;
use crate::aws::shared::Shared;
use crate::domain::ids::AllocationId;
use crate::domain::observed::Address;
use crate::reconcile::ports::{ApiError, Partial};

const OPERATION: Operation =
    Operation { name: "ec2:DescribeAddresses", bucket: Bucket::Ec2Reads, resource: "`*`" };

/// A filter takes 200 values (AWS.md 2, confirmed), and the answer has no pages (AWS.md 2, confirmed).
const IDS_PER_CALL: usize = 200;
/// Enough to hide the latency of a few thousand addresses, and little beside the bucket's burst.
const CALLS_AT_ONCE: usize = 4;

/// Those of the addresses that exist. A call that fails costs its own addresses only.
pub(in crate::aws) async fn addresses(target: &AwsTarget, ids: &BTreeSet<AllocationId>) -> Partial<Address> {
    let ids: Vec<AllocationId> = ids.iter().cloned().collect();
    let chunks: Vec<Vec<AllocationId>> = ids.chunks(IDS_PER_CALL).map(<[_]>::to_vec).collect();
    let mut answers =
        stream::iter(chunks).map(|ids| async move { describe(target, &ids).await }).buffered(CALLS_AT_ONCE);
    let mut all: Partial<Address> = Partial::default();
    while let Some(answer) = answers.next().await {
        match answer {
            Ok(some) => {
                all.found.extend(some.found);
                all.errors.extend(some.errors);
            }
            Err(error) => all.errors.push(error),
        }
    }
    let mut shared = Shared::default();
    all.found.iter_mut().for_each(|address| shared.address(address));
    all
}

async fn describe(target: &AwsTarget, ids: &[AllocationId]) -> Result<Partial<Address>, ApiError> {
    let values = ids.iter().map(|id| id.as_str().to_owned()).collect();
    let filter = Filter::builder().name("allocation-id").set_values(Some(values)).build();
    let request = target.clients.ec2.describe_addresses().filters(filter);
    let answer = target.caller.read(&OPERATION, &subject(ids), || request.clone().send()).await?;
    let mut some = Partial::default();
    for item in answer.addresses() {
        match convert::address(item) {
            Ok(address) => some.found.push(address),
            Err(fault) => some.errors.push(malformed(&OPERATION, &fault)),
        }
    }
    Ok(some)
}

fn subject(ids: &[AllocationId]) -> String {
    match ids {
        [] => String::new(),
        [only] => format!("of `{only}`"),
        [first, .., last] => format!("of {} addresses from `{first}` to `{last}`", ids.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::canned::{Answer, Wire, ec2_error, xml};
    use crate::domain::error_class::ErrorClass;
    use crate::reconcile::ports::Reads;

    fn ids(count: usize) -> BTreeSet<AllocationId> {
        (0..count).map(|number| format!("eipalloc-{number:08x}").parse().expect("a valid id")).collect()
    }

    /// Every address asked for, with what moto writes for an association that is not there.
    fn all_of(body: &str) -> Answer {
        let items: String = body
            .split('&')
            .filter_map(|pair| pair.strip_prefix("Filter.1.Value.")?.split_once('='))
            .map(|(_, id)| {
                let ip = "<publicIp>192.0.2.1</publicIp><associationId></associationId>";
                format!("<item><allocationId>{id}</allocationId>{ip}</item>")
            })
            .collect();
        xml("DescribeAddresses", &format!("<addressesSet>{items}</addressesSet>"))
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_to_ask_for_makes_no_call() {
        let wire = Wire::of([Answer::Refused]);
        let answer = wire.target().await.addresses(&BTreeSet::new()).await;
        assert_eq!((answer.found.len(), answer.errors.len(), wire.sent().len()), (0, 0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn two_hundred_are_asked_for_at_a_time_by_filter() {
        let wire = Wire::new(|_, sent| all_of(&sent.body));
        let answer = wire.target().await.addresses(&ids(1001)).await;
        assert_eq!((answer.found.len(), answer.errors.len(), wire.sent().len()), (1001, 0, 6));
        assert!(
            answer.found.is_sorted_by_key(|address| address.allocation.clone()),
            "in the order of asking"
        );
        assert!(answer.found.iter().all(|address| address.association.is_none()));
        for sent in wire.sent() {
            assert!(sent.body.contains("Filter.1.Name=allocation-id"), "{}", sent.body);
            assert!(!sent.body.contains("AllocationId.1") && !sent.body.contains("Filter.1.Value.201="));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_call_costs_its_own_addresses_only() {
        let wire = Wire::new(|_, sent| {
            if sent.body.contains("eipalloc-00000000") {
                ec2_error(403, "UnauthorizedOperation", "No")
            } else {
                all_of(&sent.body)
            }
        });
        let answer = wire.target().await.addresses(&ids(400)).await;
        assert_eq!(answer.found.len(), 200);
        let [error] = &answer.errors[..] else { panic!("one error, not {:?}", answer.errors) };
        assert_eq!(error.class, ErrorClass::Denied);
        assert_eq!(error.subject, "of 200 addresses from `eipalloc-00000000` to `eipalloc-000000c7`");
    }
}
