//! Why an address is where it is.

use std::net::IpAddr;

use serde::Serialize;

use super::rule::{self, Rule};
use super::{Facts, Whereabouts, wrong};
use crate::domain::action::Action;
use crate::domain::desired::PinPlace;
use crate::domain::drift::{Drift, Finding, Place};
use crate::domain::function::FunctionRef;
use crate::domain::ids::{AllocationId, NetworkInterfaceId, PoolName};
use crate::domain::plan::{PoolFigures, Verdict};
use crate::domain::policy::TakeFrom;

/// Everything known of an address.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct AddressStory {
    /// Nothing for a public address that is no Elastic IP, or none that was seen.
    pub allocation_id: Option<AllocationId>,
    /// Nothing when EC2 does not show it.
    pub public_ip: Option<IpAddr>,
    /// The network border group that it belongs to.
    pub border_group: Option<String>,
    /// The pools that declare it.
    pub pools: Vec<PoolName>,
    /// How those pools stand, in their order.
    pub pool_figures: Vec<PoolFigures>,
    /// The declared functions that may leave from it.
    pub functions: Vec<FunctionRef>,
    /// The pins that name it.
    pub pins: Vec<PinnedTo>,
    /// What it is on by DescribeAddresses, in words.
    pub on_by_addresses: Option<String>,
    /// The Lambda interfaces that show it, by DescribeNetworkInterfaces.
    pub on_by_interfaces: Vec<NetworkInterfaceId>,
    /// The declared functions that leave from it now.
    pub serves: Vec<FunctionRef>,
    /// The interface that the plan gives it to.
    pub goes_to: Option<NetworkInterfaceId>,
    /// The address that the plan puts in its place.
    pub replaced_by: Option<AllocationId>,
    /// Where it is, for machines.
    pub verdict: &'static str,
    /// Where it is, in words.
    pub text: String,
    /// The rules that make it so.
    pub rules: Vec<Rule>,
    /// What would change it.
    pub would_change: Vec<String>,
}

/// A pin that names an address.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct PinnedTo {
    /// The function that has it.
    pub function: FunctionRef,
    /// The subnet or zone.
    pub place: PinPlace,
}

impl From<&Place<'_>> for Whereabouts {
    fn from(place: &Place<'_>) -> Self {
        let (state, text) = match place {
            Place::Free(_) => ("free", "is on nothing".to_owned()),
            Place::Associated => {
                ("associated", "is on an interface that a declared function uses".to_owned())
            }
            Place::Lingering(_, interface) => {
                ("lingering", format!("is on `{interface}`, which no declared function uses"))
            }
            Place::Settling(interface) => (
                "settling",
                format!("was given to `{interface}` moments ago, and no read shows it there yet"),
            ),
            Place::Foreign(what) => ("foreign", format!("is on {what}, which is none of eipd's business")),
            Place::Missing => ("missing", "does not exist in this account and region".to_owned()),
            Place::Obscure => ("obscure", "is on an interface that could not be read".to_owned()),
            Place::Unread => ("unread", "could not be read".to_owned()),
        };
        Self { state, text }
    }
}

/// Where an address is that a declared function leaves from and should not.
pub(super) fn wrong(carrier: &Finding<'_>) -> Whereabouts {
    let text = format!("is on `{}`, in whose set it is not", carrier.interface.id);
    Whereabouts { state: "wrong", text }
}

/// Where an address is that no pool declares, as far as it was asked for.
pub(super) fn undeclared(allocation: &AllocationId, facts: &Facts<'_>) -> Whereabouts {
    let shown_on = shown_on(allocation, facts);
    let text = match (shown_on.first(), on_by_addresses(allocation, facts)) {
        (Some(interface), _) => format!("is on `{interface}`, and no pool declares it"),
        (None, Some(what)) => format!("is on {what}, and no pool declares it"),
        (None, None) => "is on nothing, and no pool declares it".to_owned(),
    };
    Whereabouts { state: "undeclared", text }
}

/// The Elastic IP with this public face, if one was seen.
pub(super) fn allocation_of(ip: IpAddr, facts: &Facts<'_>) -> Option<AllocationId> {
    let address = facts.observed.addresses.values().find(|address| address.public_ip == ip);
    let shown = || {
        let mut shown = facts.observed.interfaces.values().flat_map(|interface| &interface.associations);
        shown.find(|shown| shown.public_ip == Some(ip)).and_then(|shown| shown.allocation.clone())
    };
    address.map(|address| address.allocation.clone()).or_else(shown)
}

pub(super) fn story(allocation: &AllocationId, facts: &Facts<'_>, drift: &Drift<'_>) -> Option<AddressStory> {
    let address = facts.observed.addresses.get(allocation);
    let pools = facts.pools_of(allocation);
    let on_by_interfaces = shown_on(allocation, facts);
    if address.is_none() && pools.is_empty() && on_by_interfaces.is_empty() {
        return None;
    }
    let whereabouts = facts.whereabouts(allocation, drift);
    let given = facts.plan.actions.iter().find(|action| action.gives() == Some(allocation));
    let leaves = facts.takes_off(allocation);
    let on_by_addresses = on_by_addresses(allocation, facts);
    let mut rules = rules(whereabouts.state);
    rules.extend(views_differ(allocation, &on_by_interfaces, facts).then_some(rule::EITHER_VIEW));
    let goes_to = given.map(|action| action.network_interface_id.clone());
    let shown_ip = || {
        let mut shown = facts.observed.interfaces.values().flat_map(|interface| &interface.associations);
        shown.find(|shown| shown.allocation.as_ref() == Some(allocation)).and_then(|shown| shown.public_ip)
    };
    let serves = serves(allocation, drift);
    Some(AddressStory {
        public_ip: address.map(|address| address.public_ip).or_else(shown_ip),
        border_group: address.and_then(|address| address.border_group.as_deref().map(str::to_owned)),
        pool_figures: pools.iter().filter_map(|pool| facts.plan.pools.get(pool).copied()).collect(),
        functions: functions(allocation, facts),
        pins: pins(allocation, facts),
        text: text(&whereabouts, &serves, goes_to.as_ref(), leaves),
        would_change: match (leaves.or(given), wrong::carrier(allocation, drift)) {
            (Some(action), _) => vec![facts.who_makes(action)],
            (None, Some(carrier)) => stays_wrong(carrier, facts, drift),
            (None, None) => would_change(whereabouts.state, facts),
        },
        replaced_by: leaves.and_then(Action::gives).cloned(),
        verdict: whereabouts.state,
        allocation_id: Some(allocation.clone()),
        pools,
        on_by_addresses,
        on_by_interfaces,
        serves,
        goes_to,
        rules,
    })
}

/// Of a public address that belongs to no Elastic IP that was seen.
pub(super) fn story_of_ip(ip: IpAddr, facts: &Facts<'_>) -> Option<AddressStory> {
    let carries = facts
        .observed
        .interfaces
        .values()
        .filter(|interface| interface.associations.iter().any(|shown| shown.public_ip == Some(ip)));
    let on_by_interfaces: Vec<NetworkInterfaceId> = carries.map(|interface| interface.id.clone()).collect();
    let first = on_by_interfaces.first()?;
    Some(AddressStory {
        text: format!("is on `{first}`, and is no Elastic IP of this account"),
        allocation_id: None,
        public_ip: Some(ip),
        border_group: None,
        pools: Vec::new(),
        pool_figures: Vec::new(),
        functions: Vec::new(),
        pins: Vec::new(),
        on_by_addresses: None,
        on_by_interfaces,
        serves: Vec::new(),
        goes_to: None,
        replaced_by: None,
        verdict: "undeclared",
        rules: vec![rule::DECLARED_ALONE],
        would_change: Vec::new(),
    })
}

/// What would change it that an address stays where it should not be.
fn stays_wrong(carrier: &Finding<'_>, facts: &Facts<'_>, drift: &Drift<'_>) -> Vec<String> {
    let interface = &carrier.interface.id;
    let planned = facts.plan.interfaces.iter().find(|planned| planned.network_interface_id == *interface);
    match planned.map(|planned| &planned.verdict) {
        Some(Verdict::Uncovered(reason)) => wrong::remedies(reason, carrier, facts, drift),
        _ => Vec::new(),
    }
}

fn text(
    whereabouts: &Whereabouts,
    serves: &[FunctionRef],
    goes_to: Option<&NetworkInterfaceId>,
    leaves: Option<&Action>,
) -> String {
    let mut text = whereabouts.text.clone();
    if !serves.is_empty() {
        let names: Vec<String> = serves.iter().map(|function| format!("`{function}`")).collect();
        text =
            format!("is where {} leave{} from", names.join(", "), if serves.len() == 1 { "s" } else { "" });
        match whereabouts.state {
            "wrong" => text.push_str(", and lies outside the set of that interface"),
            "undeclared" => text.push_str(", and no pool declares it"),
            _ => {}
        }
    }
    if let Some(action) = leaves {
        return format!("{text}; {}", wrong::told(action));
    }
    match goes_to {
        Some(interface) => format!("{text}, and the plan gives it to `{interface}`"),
        None => text,
    }
}

fn shown_on(allocation: &AllocationId, facts: &Facts<'_>) -> Vec<NetworkInterfaceId> {
    let shows = facts.observed.interfaces.values().filter(|interface| {
        interface.associations.iter().any(|shown| shown.allocation.as_ref() == Some(allocation))
    });
    shows.map(|interface| interface.id.clone()).collect()
}

/// What DescribeAddresses says that an address is on.
fn on_by_addresses(allocation: &AllocationId, facts: &Facts<'_>) -> Option<String> {
    let address = facts.observed.addresses.get(allocation)?;
    if let Some(service) = &address.managed_by {
        return Some(format!("the AWS service `{service}`"));
    }
    let association = address.association.as_ref()?;
    Some(match (&association.interface, &association.instance) {
        (Some(interface), _) => format!("`{interface}`"),
        (None, Some(instance)) => format!("instance `{instance}`"),
        (None, None) => "something that EC2 does not name".to_owned(),
    })
}

/// Whether one view shows it on a Lambda interface that was seen, and the other does not.
fn views_differ(allocation: &AllocationId, by_interfaces: &[NetworkInterfaceId], facts: &Facts<'_>) -> bool {
    let Some(address) = facts.observed.addresses.get(allocation) else { return false };
    let on = address.association.as_ref().and_then(|association| association.interface.as_ref());
    let on = on.filter(|id| facts.observed.interfaces.contains_key(*id));
    on.is_some_and(|on| !by_interfaces.contains(on)) || by_interfaces.iter().any(|shows| on != Some(shows))
}

fn functions(allocation: &AllocationId, facts: &Facts<'_>) -> Vec<FunctionRef> {
    let holds = |pool: &PoolName| {
        facts.desired.pools.get(pool).is_some_and(|pool| pool.allocations.contains(allocation))
    };
    let functions = facts.desired.functions.iter().filter(|(_, declared)| holds(&declared.pool));
    functions.map(|(function, _)| function.clone()).collect()
}

fn pins(allocation: &AllocationId, facts: &Facts<'_>) -> Vec<PinnedTo> {
    let all = facts.desired.functions.iter();
    all.flat_map(|(function, declared)| declared.pins.iter().map(move |(place, set)| (function, place, set)))
        .filter(|(_, _, set)| set.contains(allocation))
        .map(|(function, place, _)| PinnedTo { function: function.clone(), place: place.clone() })
        .collect()
}

fn serves(allocation: &AllocationId, drift: &Drift<'_>) -> Vec<FunctionRef> {
    use crate::domain::drift::Standing;
    let here = drift.interfaces.iter().find(|finding| match &finding.standing {
        Standing::Healthy(carried, _) => carried == allocation,
        Standing::Wrong(carried) => carried.iter().any(|one| one.allocation_id.as_ref() == Some(allocation)),
        Standing::Bare => false,
    });
    here.map(|finding| finding.usage.functions.to_vec()).unwrap_or_default()
}

fn rules(state: &str) -> Vec<Rule> {
    match state {
        "associated" => vec![rule::HEALTHY_STAYS],
        "wrong" => vec![rule::IN_EVERY_SET],
        "lingering" => vec![rule::RETIRED_ONLY],
        "settling" => vec![rule::OWN_WRITE],
        "free" | "missing" => vec![rule::NEVER_ALLOCATED],
        "obscure" | "unread" => vec![rule::INCOMPLETE],
        _ => vec![rule::DECLARED_ALONE],
    }
}

fn would_change(state: &str, facts: &Facts<'_>) -> Vec<String> {
    let change = match state {
        "free" => "an interface of a function of its pool that has no address",
        "associated" => "someone's taking it off, or the removal of the interface",
        "lingering" if facts.take_from == TakeFrom::Nothing => {
            "the removal of that interface, since `safety.take_from` is `nothing`"
        }
        "lingering" => {
            "an interface that needs it, once no version of any function uses that one and the grace has passed; or the removal of that one"
        }
        "settling" => "two minutes at most: then what reads show counts again",
        "foreign" => {
            "`eipd apply --take` with its id, unless an AWS service manages it; taking it off by hand; or taking it off the list"
        }
        "missing" => "the right id, or the account and region that it is in",
        "obscure" | "unread" => "a read that succeeds; see the failures",
        _ => "declaring it in a pool",
    };
    vec![change.to_owned()]
}
