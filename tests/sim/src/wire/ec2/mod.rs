//! EC2's query/XML: the operations that are simulated, and what a caller hears of the others.
//!
//! The rules of associations are the world's; here are parameters, limits, filters and documents.

mod account;
mod addresses;
mod associations;
mod groups;
mod interfaces;
mod network;

pub(crate) use associations::recorded;

use super::paging::Cursor;
use super::params::Params;
use super::{Call, Failure, Office, Request, Service};
use crate::throttle::Bucket;

/// The operations that change something.
const MUTATING: [&str; 6] = [
    "AllocateAddress",
    "AssociateAddress",
    "CreateTags",
    "DisassociateAddress",
    "ModifyNetworkInterfaceAttribute",
    "ReleaseAddress",
];

pub(crate) fn read(request: &Request) -> Call {
    let params = Params::parse(&request.body);
    let operation = params.text("Action").unwrap_or_default().to_owned();
    let mut call = Call::new(Service::Ec2, operation, params);
    let params = &call.params;
    let operation = call.operation.as_str();
    call.mutating = MUTATING.contains(&operation) || groups::OPERATIONS.contains(&operation);
    call.page = Cursor::decode(params.peek("NextToken")).map_or(1, |(_, cursor)| cursor.page);
    let narrowed = params.has_any("Filter")
        || params.peek("MaxResults").is_some()
        || ["NetworkInterfaceId", "AllocationId", "PublicIp", "SubnetId", "GroupId", "RouteTableId"]
            .iter()
            .any(|ids| params.has_any(ids));
    call.bucket = match (call.mutating, narrowed) {
        (true, _) => Bucket::Mutating,
        (false, true) => Bucket::NonMutating,
        (false, false) => Bucket::Unfiltered,
    };
    call.resource = params.peek("AllocationId").unwrap_or("*").to_owned();
    call
}

/// Carries an EC2 call out.
pub(crate) fn carry_out(office: &mut Office<'_>, call: &Call) -> Result<String, Failure> {
    let params = &call.params;
    let version = params.text("Version").unwrap_or_default();
    if version != "2016-11-15" {
        let message = format!("ec2: the API version {version} is not simulated");
        return Err(office.complain("InvalidParameterValue", message));
    }
    let dry_run = params.flag("DryRun")?.unwrap_or(false);
    // The parameters are read before anything is done, so that an unknown one changes nothing.
    let plan = match call.operation.as_str() {
        "DescribeNetworkInterfaces" => interfaces::read(params).map(Plan::Interfaces),
        "DescribeAddresses" => addresses::read(params).map(Plan::Addresses),
        "DescribeSubnets"
        | "DescribeRouteTables"
        | "DescribeSecurityGroups"
        | "DescribeNetworkAcls"
        | "DescribeVpcs"
        | "DescribeInternetGateways"
        | "DescribeAvailabilityZones" => network::read(&call.operation, params).map(Plan::Network),
        "DescribeAccountAttributes" => Ok(Plan::Account(account::read(params))),
        operation if groups::OPERATIONS.contains(&operation) => {
            groups::read(operation, params).map(Plan::Groups)
        }
        operation if MUTATING.contains(&operation) => {
            associations::read(&call.operation, params).map(Plan::Change)
        }
        other => {
            let message = format!("ec2:{other} is not simulated");
            return Err(office.complain("InvalidAction", message));
        }
    }?;
    if let Some(unread) = params.unread().first() {
        let message = format!("ec2:{}: the parameter {unread} is not recognized", call.operation);
        return Err(office.complain("UnknownParameter", message));
    }
    if dry_run {
        let message = "Request would have succeeded, but DryRun flag is set.";
        return Err(Failure::new("DryRunOperation", 412, message));
    }
    match plan {
        Plan::Interfaces(query) => interfaces::describe(office, params, &query),
        Plan::Addresses(query) => addresses::describe(office, &query),
        Plan::Network(query) => network::describe(office, params, &query),
        Plan::Account(query) => account::describe(office, &query),
        Plan::Change(change) => associations::change(office, change),
        Plan::Groups(change) => groups::change(office, change),
    }
}

/// What an operation's parameters ask for.
enum Plan {
    Interfaces(interfaces::Query),
    Addresses(addresses::Query),
    Network(network::Query),
    Account(account::Query),
    Change(associations::Change),
    Groups(groups::Change),
}

/// A listing's page size, within EC2's limits (AWS.md section 2: 5 to 1000; confirmed).
fn page_size(params: &Params, name: &str, ids: bool) -> Result<Option<usize>, Failure> {
    let size = params.number("MaxResults")?;
    match size {
        Some(_) if ids => {
            let message = format!("The parameter {name} cannot be used with the parameter MaxResults");
            Err(Failure::new("InvalidParameterCombination", 400, message))
        }
        Some(size) if !(5..=1000).contains(&size) => {
            let message = format!(
                "Value ( {size} ) for parameter maxResults is invalid. Expecting a value between 5 and 1000."
            );
            Err(Failure::new("InvalidParameterValue", 400, message))
        }
        other => Ok(other),
    }
}

/// The error for a filter that the operation does not have, or that is not simulated.
fn unknown_filter(office: &mut Office<'_>, operation: &str, name: &str) -> Failure {
    office.complain("InvalidParameterValue", format!("ec2:{operation}: the filter '{name}' is invalid"))
}
