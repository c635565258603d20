//! Tries each permission that a target needs: by the smallest call that needs it, or by a dry run on what the configuration
//! declares. Changes nothing.

use std::collections::BTreeSet;

use super::patient::Seen;
use super::permissions::{Need, Outcome, Tried};
use crate::aws::AwsTarget;
use crate::config::settings::{Settings, Target};
use crate::domain::declared::{Declared, Which};
use crate::domain::function::{FunctionObservation, FunctionRef};
use crate::domain::ids::{AllocationId, AssociationId, NetworkInterfaceId, PoolName, SubnetId};
use crate::domain::plan::Verdict;
use crate::domain::policy::{Mode, OnRemoved};
use crate::domain::versions::{depends_on_routes, is_routed};
use crate::reconcile::ports::Reads;
use crate::reconcile::ports::examination::Examination;

/// What takes an address off is not needed to give one.
const TAKING_OFF: &str = "only to take addresses off: `drain`, `safety.on_removed`, and one that is replaced where EC2 \
                          does not do that by itself";
const CHANGING: &str = "not while `safety.mode` is \"observe\"";
/// Where an alias leads matters only where versions differ.
const TELLING_VERSIONS: &str = "only once versions of a function differ in their subnets or security groups";

/// Tries everything.
pub(super) async fn permissions(
    aws: &AwsTarget,
    target: &Target,
    settings: &Settings,
    seen: Option<&Seen>,
) -> Vec<Tried> {
    let (reads, aliases, changes) =
        tokio::join!(reads(aws, target, seen), aliases(aws, target, seen), changes(aws, settings, seen));
    reads.into_iter().chain(aliases).chain(changes).collect()
}

/// The reads of a pass, each about one thing; whether that is there does not matter.
async fn reads(aws: &AwsTarget, target: &Target, seen: Option<&Seen>) -> Vec<Tried> {
    let interface: NetworkInterfaceId = "eni-00000000".parse().expect("well-formed");
    let subnets: BTreeSet<SubnetId> = ["subnet-00000000".parse().expect("well-formed")].into();
    let some_address: AllocationId = "eipalloc-00000000".parse().expect("well-formed");
    let address = target.declared.allocations().into_iter().next().unwrap_or(some_address);
    let some_function = nobody();
    let selected = || seen.and_then(|seen| seen.desired.functions.keys().next());
    let function = target.declared.named().next().or_else(selected).unwrap_or(&some_function);
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
        Tried::new("ec2:DescribeNetworkInterfaces", Outcome::of(interface)),
        Tried::new("ec2:DescribeAddresses", Outcome::of_list(addresses.errors)),
        Tried::new("ec2:DescribeSubnets", Outcome::of_list(subnets.errors)),
        Tried::new("ec2:DescribeRouteTables", Outcome::of_list(tables.errors)),
        Tried::new("lambda:GetFunctionConfiguration", Outcome::of(function)),
        Tried::new("lambda:ListFunctions", Outcome::of_list(functions.errors)),
    ];
    if !tags.is_empty() {
        tried.push(Tried::new("tag:GetResources", Outcome::of_list(tagged.errors)));
    }
    tried
}

/// Where aliases lead, which is read for functions that aliases can have a say about; nothing where there are none.
async fn aliases(aws: &AwsTarget, target: &Target, seen: Option<&Seen>) -> Option<Tried> {
    let needed = seen.and_then(Seen::told_apart_by_aliases);
    let function = needed.or_else(|| seen.and_then(Seen::routed)).cloned();
    let function = function.or_else(|| routed(&target.declared))?;
    let need = if needed.is_some() { Need::Daemon } else { Need::Only(TELLING_VERSIONS) };
    let outcome = Outcome::of(aws.routes(&function).await);
    Some(Tried { action: "lambda:ListAliases", need, outcome })
}

/// A function that aliases may have a say about, before it is known which are selected.
fn routed(declared: &Declared) -> Option<FunctionRef> {
    declared.functions.iter().find_map(|functions| {
        let function = match &functions.which {
            Which::Named(function) => function.clone(),
            Which::Tagged(_) => nobody(),
        };
        is_routed(&function, functions.versions).then_some(function)
    })
}

fn nobody() -> FunctionRef {
    "eipd-doctor".parse().expect("well-formed")
}

/// The changes, as dry runs. What takes one dry run for an order is asked for no other: the first is harmless as an order
/// too, for it gives a free address to a bare interface or one to where it is.
async fn changes(aws: &AwsTarget, settings: &Settings, seen: Option<&Seen>) -> Vec<Tried> {
    let (mut tried, observes) = (Vec::new(), settings.mode == Mode::Observe);
    let pairs = seen.map(Seen::pairs_to_try).unwrap_or_default();
    let mut outcome = Outcome::Untried("there is no declared address and interface to try it with");
    for (allocation, interface) in pairs {
        outcome = Outcome::of_dry_run(aws.try_associate(&allocation, &interface).await);
        if !matches!(outcome, Outcome::Allowed) {
            break;
        }
    }
    let is_real = matches!(outcome, Outcome::TakenForReal);
    let need = if observes { Need::Only(CHANGING) } else { Need::Daemon };
    tried.push(Tried { action: "ec2:AssociateAddress", need, outcome });
    let outcome = match seen.and_then(Seen::association) {
        Some(association) if !is_real => Outcome::of_dry_run(aws.try_disassociate(&association).await),
        _ => Outcome::Untried("there is no association of a declared address to try it with"),
    };
    let takes_off = settings.on_removed == OnRemoved::Disassociate && !observes;
    let need = if takes_off { Need::Daemon } else { Need::Only(TAKING_OFF) };
    tried.push(Tried { action: "ec2:DisassociateAddress", need, outcome });
    tried
}

impl Seen {
    /// A function that aliases can have a say about.
    fn routed(&self) -> Option<&FunctionRef> {
        let mut functions = self.desired.functions.iter();
        functions
            .find(|(function, declared)| is_routed(function, declared.versions))
            .map(|(function, _)| function)
    }

    /// A function of which versions differ, so that it takes its aliases to tell which of them count.
    fn told_apart_by_aliases(&self) -> Option<&FunctionRef> {
        let roster = self.observed.roster.as_deref()?;
        let mut functions = self.desired.functions.iter();
        let (function, _) =
            functions.find(|(function, declared)| match self.observed.functions.get(*function) {
                Some(FunctionObservation::Known(shown)) => {
                    depends_on_routes(function, declared.versions, shown, roster)
                }
                _ => false,
            })?;
        Some(function)
    }

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
