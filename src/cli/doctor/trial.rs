//! Tries each permission that a target needs: by the smallest call that needs it, or by a dry run on what the configuration
//! declares. Changes nothing.

use std::collections::BTreeSet;

use super::patient::Seen;
use super::permissions::{Need, Outcome, Tried};
use crate::aws::AwsTarget;
use crate::config::settings::Target;
use crate::domain::function::FunctionRef;
use crate::domain::ids::{AllocationId, AssociationId, NetworkInterfaceId, PoolName, SubnetId};
use crate::domain::plan::Verdict;
use crate::reconcile::ports::Reads;
use crate::reconcile::ports::examination::Examination;

/// What takes an address off is not needed to give one.
const TAKING_OFF: &str = "only to take addresses off: `drain`, `safety.on_removed`";

/// Tries everything.
pub(super) async fn permissions(aws: &AwsTarget, target: &Target, seen: Option<&Seen>) -> Vec<Tried> {
    let one = |action, need, outcome| Tried { action, need, outcome };
    let (reads, changes) = tokio::join!(reads(aws, target), changes(aws, seen));
    let reads = reads.into_iter().map(|(action, need, outcome)| one(action, need, outcome));
    reads.chain(changes).collect()
}

/// The reads of a pass, each about one thing; whether that is there does not matter.
async fn reads(aws: &AwsTarget, target: &Target) -> Vec<(&'static str, Need, Outcome)> {
    let interface: NetworkInterfaceId = "eni-00000000".parse().expect("well-formed");
    let subnets: BTreeSet<SubnetId> = ["subnet-00000000".parse().expect("well-formed")].into();
    let some_address: AllocationId = "eipalloc-00000000".parse().expect("well-formed");
    let address = target.declared.allocations().into_iter().next().unwrap_or(some_address);
    let some_function: FunctionRef = "eipd-doctor".parse().expect("well-formed");
    let function = target.declared.named().next().unwrap_or(&some_function);
    let addresses = [address].into();
    let tags = target.declared.function_tags();
    let (interface, addresses, subnets, tables, function, functions, tagged) = tokio::join!(
        aws.interface(&interface),
        aws.addresses(&addresses),
        aws.subnets(&subnets),
        aws.route_tables_of(&subnets),
        aws.function(function),
        aws.functions(),
        aws.functions_of_tags(&tags),
    );
    let mut tried = vec![
        ("ec2:DescribeNetworkInterfaces", Need::Daemon, Outcome::of(interface)),
        ("ec2:DescribeAddresses", Need::Daemon, Outcome::of_list(addresses.errors)),
        ("ec2:DescribeSubnets", Need::Knowledge, Outcome::of_list(subnets.errors)),
        ("ec2:DescribeRouteTables", Need::Knowledge, Outcome::of_list(tables.errors)),
        ("lambda:GetFunctionConfiguration", Need::Daemon, Outcome::of(function)),
        ("lambda:ListFunctions", Need::Daemon, Outcome::of_list(functions.errors)),
    ];
    if !tags.is_empty() {
        tried.push(("tag:GetResources", Need::Daemon, Outcome::of_list(tagged.errors)));
    }
    tried
}

/// The changes, as dry runs. What takes one dry run for an order is asked for no other: the first is harmless as an order
/// too, for it gives a free address to a bare interface or one to where it is.
async fn changes(aws: &AwsTarget, seen: Option<&Seen>) -> Vec<Tried> {
    let mut tried = Vec::new();
    let pairs = seen.map(Seen::pairs_to_try).unwrap_or_default();
    let mut outcome = Outcome::Untried("there is no declared address and interface to try it with");
    for (allocation, interface) in pairs {
        outcome = Outcome::of_dry_run(aws.try_associate(&allocation, &interface).await);
        if !matches!(outcome, Outcome::Allowed) {
            break;
        }
    }
    let is_real = matches!(outcome, Outcome::TakenForReal);
    tried.push(Tried { action: "ec2:AssociateAddress", need: Need::Daemon, outcome });
    let outcome = match seen.and_then(Seen::association) {
        Some(association) if !is_real => Outcome::of_dry_run(aws.try_disassociate(&association).await),
        _ => Outcome::Untried("there is no association of a declared address to try it with"),
    };
    tried.push(Tried { action: "ec2:DisassociateAddress", need: Need::Only(TAKING_OFF), outcome });
    tried
}

impl Seen {
    /// For each pool an address and the interface that carries it, or else that this plan gives it to.
    fn pairs_to_try(&self) -> Vec<(AllocationId, NetworkInterfaceId)> {
        let mut pools: BTreeSet<&PoolName> = BTreeSet::new();
        let carries = |is_carried: bool| {
            self.plan.interfaces.iter().filter_map(move |interface| match &interface.verdict {
                Verdict::Covered(allocation, _) if is_carried => Some((interface, allocation)),
                Verdict::Gets(allocation, _) if !is_carried => Some((interface, allocation)),
                _ => None,
            })
        };
        let both = carries(true).chain(carries(false));
        let first = both.filter(|(interface, _)| pools.insert(&interface.pool));
        first.map(|(interface, id)| (id.clone(), interface.network_interface_id.clone())).collect()
    }

    /// An association of a declared address.
    fn association(&self) -> Option<AssociationId> {
        let declared = self.desired.allocations();
        let addresses =
            self.observed.addresses.values().filter(|address| declared.contains(&address.allocation));
        addresses.filter_map(|address| address.association.as_ref()?.id.clone()).next()
    }
}
