//! Why a network interface carries what it carries.

use std::net::IpAddr;

use serde::Serialize;

use super::rule::{self, Rule};
use super::{Facts, Others, Whereabouts, wrong};
use crate::domain::action::ActionKind;
use crate::domain::desired::PinPlace;
use crate::domain::drift::{Drift, Finding};
use crate::domain::function::FunctionRef;
use crate::domain::ids::{
    AccountId, AllocationId, NetworkInterfaceId, PoolName, SecurityGroupId, SubnetId, ZoneId,
};
use crate::domain::observed::{Interface, InterfaceStatus};
use crate::domain::plan::{InterfacePlan, Verdict};
use crate::domain::priority::Priority;
use crate::domain::reason::{Reason, Shown};

/// Everything known of a network interface.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct InterfaceStory {
    /// The interface.
    pub network_interface_id: NetworkInterfaceId,
    /// The account that owns it.
    pub owner: AccountId,
    /// Its subnet.
    pub subnet_id: SubnetId,
    /// The whole set of its security groups.
    pub security_group_ids: Vec<SecurityGroupId>,
    /// The name of its zone.
    pub zone: Option<String>,
    /// The id of its zone.
    pub zone_id: Option<ZoneId>,
    /// Where it is in its life.
    pub status: InterfaceStatus,
    /// What it carries, by either view of EC2.
    pub carries: Vec<Carries>,
    /// The declared functions that use it.
    pub functions: Vec<FunctionRef>,
    /// Those that use it and are not declared.
    pub others: Others,
    /// The pool that it is served from.
    pub pool: Option<PoolName>,
    /// The highest priority of those functions.
    pub priority: Priority,
    /// The pins that hold for it.
    pub pins: Vec<Pin>,
    /// What it may carry.
    pub candidates: Vec<Candidate>,
    /// How it stands, for machines.
    pub verdict: &'static str,
    /// How it stands, in words.
    pub text: String,
    /// The rules that make it so.
    pub rules: Vec<Rule>,
    /// What would change it.
    pub would_change: Vec<String>,
}

/// A public address on an interface, and who shows it there.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Carries {
    /// Nothing for a public address that is no Elastic IP.
    pub allocation_id: Option<AllocationId>,
    /// Nothing when only the address's side was seen and it does not tell.
    pub public_ip: Option<IpAddr>,
    /// The pools that declare it.
    pub pools: Vec<PoolName>,
    /// Whether DescribeAddresses shows it there; nothing for an address that was not asked for.
    pub by_addresses: Option<bool>,
    /// Whether DescribeNetworkInterfaces shows it there.
    pub by_interfaces: bool,
}

/// A pin that holds for an interface.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Pin {
    /// The function that has it.
    pub function: FunctionRef,
    /// The subnet or zone.
    pub place: PinPlace,
    /// What it narrows the pool to.
    pub allocation_ids: Vec<AllocationId>,
}

/// An address that an interface may carry.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Candidate {
    /// The address.
    pub allocation_id: AllocationId,
    /// Nothing when it was not seen.
    pub public_ip: Option<IpAddr>,
    /// Where it is.
    #[serde(flatten)]
    pub whereabouts: Whereabouts,
}

/// How an interface stands, and why.
pub(super) struct Judgement {
    pub(super) verdict: &'static str,
    pub(super) text: String,
    pub(super) rules: Vec<Rule>,
    pub(super) would_change: Vec<String>,
}

pub(super) fn story(id: &NetworkInterfaceId, facts: &Facts<'_>, drift: &Drift<'_>) -> Option<InterfaceStory> {
    let interface = facts.observed.interfaces.get(id)?;
    let finding = drift.interfaces.iter().find(|finding| finding.interface.id == *id);
    let planned = facts.plan.interfaces.iter().find(|planned| planned.network_interface_id == *id);
    let carries = carries(interface, facts);
    let mut judgement = judge(interface, finding, planned, facts, drift);
    if carries.iter().any(|one| one.by_addresses == Some(!one.by_interfaces)) {
        judgement.rules.push(rule::EITHER_VIEW);
    }
    if judgement.verdict == "unmanaged" && carries.iter().any(|one| !one.pools.is_empty()) {
        judgement.verdict = "lingering";
        judgement.text = "is used by no declared function, and still carries a declared address".to_owned();
        judgement.rules = vec![rule::RETIRED_ONLY];
        let use_elsewhere =
            "an interface that needs the address, once no version of any function uses this one";
        judgement.would_change.push(format!("{use_elsewhere} and the grace has passed"));
    }
    let Judgement { verdict, text, rules, would_change } = judgement;
    Some(InterfaceStory {
        network_interface_id: id.clone(),
        owner: interface.owner.clone(),
        subnet_id: interface.pair.subnet.clone(),
        security_group_ids: interface.pair.security_groups.iter().cloned().collect(),
        zone: interface.zone.as_deref().map(str::to_owned),
        zone_id: interface.zone_id.clone(),
        status: interface.status,
        carries,
        functions: finding.map(|finding| finding.usage.functions.to_vec()).unwrap_or_default(),
        others: facts.others_of(&interface.pair),
        pool: finding.map(|finding| finding.usage.pool.clone()),
        priority: finding.map(|finding| finding.usage.priority).unwrap_or_default(),
        pins: finding.map(|finding| pins(finding, facts)).unwrap_or_default(),
        candidates: finding.map(|finding| candidates(finding, facts, drift)).unwrap_or_default(),
        verdict,
        text,
        rules,
        would_change,
    })
}

/// Both views of EC2, side by side.
fn carries(interface: &Interface, facts: &Facts<'_>) -> Vec<Carries> {
    let mut carries: Vec<Carries> = Vec::new();
    for shown in &interface.associations {
        let by_ip = || {
            let same =
                |ip: IpAddr| move |address: &&crate::domain::observed::Address| address.public_ip == ip;
            shown.public_ip.and_then(|ip| facts.observed.addresses.values().find(same(ip)))
        };
        let address = match &shown.allocation {
            Some(allocation) => facts.observed.addresses.get(allocation),
            None => by_ip(),
        };
        let allocation =
            shown.allocation.clone().or_else(|| address.map(|address| address.allocation.clone()));
        carries.push(Carries {
            public_ip: shown.public_ip.or_else(|| address.map(|address| address.public_ip)),
            pools: allocation.as_ref().map(|id| facts.pools_of(id)).unwrap_or_default(),
            by_addresses: address.map(|address| {
                address.association.as_ref().and_then(|on| on.interface.as_ref()) == Some(&interface.id)
            }),
            by_interfaces: true,
            allocation_id: allocation,
        });
    }
    for address in facts.observed.addresses.values() {
        let is_here =
            address.association.as_ref().and_then(|on| on.interface.as_ref()) == Some(&interface.id);
        let is_told = carries.iter().any(|told| told.allocation_id.as_ref() == Some(&address.allocation));
        if is_here && !is_told {
            carries.push(Carries {
                allocation_id: Some(address.allocation.clone()),
                public_ip: Some(address.public_ip),
                pools: facts.pools_of(&address.allocation),
                by_addresses: Some(true),
                by_interfaces: false,
            });
        }
    }
    carries
}

fn pins(finding: &Finding<'_>, facts: &Facts<'_>) -> Vec<Pin> {
    let interface = finding.interface;
    let holds = |place: &PinPlace| match place {
        PinPlace::Subnet(subnet) => *subnet == interface.pair.subnet,
        PinPlace::Zone(zone) => interface.zone_id.as_ref() == Some(zone),
    };
    let declared =
        finding.usage.functions.iter().filter_map(|function| {
            facts.desired.functions.get(function).map(|declared| (function, declared))
        });
    declared
        .flat_map(|(function, declared)| declared.pins.iter().map(move |(place, set)| (function, place, set)))
        .filter(|(_, place, _)| holds(place))
        .map(|(function, place, set)| Pin {
            function: function.clone(),
            place: place.clone(),
            allocation_ids: set.iter().cloned().collect(),
        })
        .collect()
}

fn candidates(finding: &Finding<'_>, facts: &Facts<'_>, drift: &Drift<'_>) -> Vec<Candidate> {
    let candidates = finding.usage.candidates.iter().map(|allocation| Candidate {
        allocation_id: allocation.clone(),
        public_ip: facts.public_ip(allocation),
        whereabouts: facts.whereabouts(allocation, drift),
    });
    candidates.collect()
}

/// How an interface stands, by what the plan says of it.
pub(super) fn judge(
    interface: &Interface,
    finding: Option<&Finding<'_>>,
    planned: Option<&InterfacePlan>,
    facts: &Facts<'_>,
    drift: &Drift<'_>,
) -> Judgement {
    let (Some(finding), Some(planned)) = (finding, planned) else { return unmanaged(interface, facts) };
    if let Some(reason) = planned.no_internet_route() {
        return without(&reason, interface, finding, facts, drift);
    }
    match &planned.verdict {
        Verdict::Covered(allocation, ip) => Judgement {
            verdict: "covered",
            text: format!(
                "carries {}, which lies in the set of every declared function that uses it",
                Shown(allocation, *ip)
            ),
            rules: vec![rule::HEALTHY_STAYS],
            would_change: vec![
                "someone's taking it off: then it is given one of its set again".to_owned(),
                "another pool or pin of its functions: then the address would be wrong".to_owned(),
            ],
        },
        Verdict::Gets(allocation, ip) => {
            let action = facts.plan.actions.iter().find(|action| action.network_interface_id == interface.id);
            let takes = action.is_some_and(|action| action.kind != ActionKind::Associate);
            let from = action.and_then(|action| action.from.as_ref());
            let from = from.map(|from| format!(", taken from `{from}`")).unwrap_or_default();
            Judgement {
                verdict: "gets",
                text: format!(
                    "has no address of its set yet, and the plan gives it {}{from}",
                    Shown(allocation, Some(*ip))
                ),
                rules: vec![if takes { rule::RETIRED_ONLY } else { rule::NO_DISRUPTION }],
                would_change: vec![
                    action.map_or_else(|| facts.who_acts().to_owned(), |action| facts.who_makes(action)),
                ],
            }
        }
        Verdict::Uncovered(reason) => without(reason, interface, finding, facts, drift),
    }
}

fn without(
    reason: &Reason,
    interface: &Interface,
    finding: &Finding<'_>,
    facts: &Facts<'_>,
    drift: &Drift<'_>,
) -> Judgement {
    let leaves = facts.disturbs(&interface.id).map(|action| format!("; {}", wrong::told(action)));
    let leaves = leaves.unwrap_or_default();
    Judgement {
        verdict: reason.code(),
        text: match (interface.status, reason) {
            (InterfaceStatus::InUse, _) => format!("is not covered: {reason}{leaves}"),
            (_, Reason::NoInternetRoute { .. }) => format!("does not serve yet: {reason}"),
            (InterfaceStatus::Waiting | InterfaceStatus::Detaching, _) => {
                format!("does not serve yet, and has no address of its set: {reason}")
            }
        },
        rules: rule::behind(reason),
        would_change: match reason {
            Reason::WrongAddress { .. } => wrong::remedies(reason, finding, facts, drift),
            _ => rule::remedies(reason, finding, drift),
        },
    }
}

/// Why eipd has nothing to do with an interface.
fn unmanaged(interface: &Interface, facts: &Facts<'_>) -> Judgement {
    let unread = facts.desired.functions.keys().any(|function| {
        !matches!(
            facts.observed.functions.get(function),
            Some(
                crate::domain::function::FunctionObservation::Known(_)
                    | crate::domain::function::FunctionObservation::NotFound
            )
        )
    });
    let (verdict, text, rule, would_change) = if interface.owner != facts.observed.account {
        (
            "foreign",
            format!("belongs to account {}, so it is never touched", interface.owner),
            rule::OURS_ALONE,
            Vec::new(),
        )
    } else if interface.status == InterfaceStatus::Detaching {
        ("leaving", "is being removed, so it is left alone".to_owned(), rule::LEAVING, Vec::new())
    } else if unread {
        (
            "unknown",
            "is used by no declared function that could be read, and some could not".to_owned(),
            rule::INCOMPLETE,
            vec!["a read that succeeds; see the failures".to_owned()],
        )
    } else {
        (
            "unmanaged",
            "is used by no declared function, so it is never touched".to_owned(),
            rule::OURS_ALONE,
            vec!["declaring a function that uses its subnet and exact security groups".to_owned()],
        )
    };
    Judgement { verdict, text, rules: vec![rule], would_change }
}
