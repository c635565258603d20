//! EC2's DescribeAccountAttributes, and DescribeAddresses of all that the account has: the quota of Elastic IPs, and its use.

use aws_sdk_ec2::types::AccountAttributeName;

use crate::aws::AwsTarget;
use crate::aws::call::Operation;
use crate::aws::limits::Bucket;
use crate::reconcile::ports::ApiError;

const ATTRIBUTES: Operation = Operation::of("ec2:DescribeAccountAttributes", Bucket::Ec2Reads);
const ADDRESSES: Operation = Operation::of("ec2:DescribeAddresses", Bucket::Ec2Reads);

/// The attribute that holds it (EC2 API reference, AccountAttribute).
const ADDRESSES_MAX: &str = "vpc-max-elastic-ips";

/// The pool that EC2 shows for addresses of its own.
const AMAZON: &str = "amazon";

/// How many Elastic IPs the account may have in the region; nothing when EC2 does not say.
pub(in crate::aws) async fn address_quota(target: &AwsTarget) -> Result<Option<usize>, ApiError> {
    let request = target
        .clients
        .ec2
        .describe_account_attributes()
        .attribute_names(AccountAttributeName::from(ADDRESSES_MAX));
    let subject = format!("of `{ADDRESSES_MAX}`");
    let answer = target.caller.read(&ATTRIBUTES, &subject, || request.clone().send()).await?;
    let mut attributes = answer.account_attributes().iter();
    let attribute = attributes.find(|attribute| attribute.attribute_name() == Some(ADDRESSES_MAX));
    let values = attribute.into_iter().flat_map(|attribute| attribute.attribute_values());
    Ok(values.filter_map(|value| value.attribute_value()?.parse().ok()).next())
}

/// How many Elastic IPs of Amazon's the account has in the region.
pub(in crate::aws) async fn addresses_held(target: &AwsTarget) -> Result<usize, ApiError> {
    let request = target.clients.ec2.describe_addresses();
    let subject = format!("in `{}`", target.region());
    let answer = target.caller.read(&ADDRESSES, &subject, || request.clone().send()).await?;
    let is_amazons = |pool: Option<&str>| pool.is_none_or(|pool| pool.is_empty() || pool == AMAZON);
    Ok(answer.addresses().iter().filter(|address| is_amazons(address.public_ipv4_pool())).count())
}

#[cfg(test)]
mod tests {
    use crate::aws::canned::{Wire, xml};
    use crate::reconcile::ports::examination::Examination;

    #[tokio::test(start_paused = true)]
    async fn the_quota_is_read_off_its_attribute() {
        let attribute = "<accountAttributeSet><item><attributeName>vpc-max-elastic-ips</attributeName>\
                         <attributeValueSet><item><attributeValue>5</attributeValue></item></attributeValueSet>\
                         </item></accountAttributeSet>";
        let wire = Wire::of([xml("DescribeAccountAttributes", attribute)]);
        assert_eq!(wire.target().await.address_quota().await.expect("it answers"), Some(5));
        assert!(
            wire.sent()[0].body.contains("AttributeName.1=vpc-max-elastic-ips"),
            "{}",
            wire.sent()[0].body
        );
        let silent = Wire::of([xml("DescribeAccountAttributes", "<accountAttributeSet/>")]);
        assert_eq!(silent.target().await.address_quota().await.expect("it answers"), None);
    }

    #[tokio::test(start_paused = true)]
    async fn addresses_that_the_account_brought_do_not_count() {
        let address = |pool: &str| format!("<item><publicIpv4Pool>{pool}</publicIpv4Pool></item>");
        let set = format!("<addressesSet>{}{}</addressesSet>", address("amazon"), address("ipv4pool-ec2-1"));
        let wire = Wire::of([xml("DescribeAddresses", &set)]);
        assert_eq!(wire.target().await.addresses_held().await.expect("it answers"), 1);
    }
}
