//! DescribeAccountAttributes: the quota of Elastic IPs, and nothing else.

use crate::wire::params::Params;
use crate::wire::xml::Xml;
use crate::wire::{Failure, Office};

/// The only attribute that is simulated.
const ADDRESSES: &str = "vpc-max-elastic-ips";

/// What an account without a quota shows.
const UNLIMITED: usize = 100_000;

/// The attributes that the request asks for.
pub(crate) struct Query(Vec<String>);

pub(crate) fn read(params: &Params) -> Query {
    Query(params.list("AttributeName").into_iter().map(str::to_owned).collect())
}

pub(crate) fn describe(office: &mut Office<'_>, query: &Query) -> Result<String, Failure> {
    if let Some(strange) = query.0.iter().find(|name| *name != ADDRESSES) {
        let message = format!("ec2:DescribeAccountAttributes: {strange} is not simulated");
        return Err(office.complain("InvalidParameterValue", message));
    }
    let quota = office.world.config().address_quota.unwrap_or(UNLIMITED);
    let mut xml = Xml::ec2("DescribeAccountAttributes", &office.request_id, 0);
    xml.list("accountAttributeSet", [ADDRESSES], |xml, name| {
        xml.plain("attributeName", name);
        xml.list("attributeValueSet", [quota], |xml, quota| xml.plain("attributeValue", quota));
    });
    Ok(xml.end("DescribeAccountAttributes"))
}
