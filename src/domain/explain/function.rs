//! Why a function leaves from where it leaves.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde::Serialize;

use super::rule::{self, Rule};
use super::{Facts, wrong};
use crate::domain::action::Action;
use crate::domain::desired::{DesiredFunction, PinPlace};
use crate::domain::function::{
    FunctionConfiguration, FunctionObservation, FunctionRef, FunctionState, LastUpdate, Pair,
};
use crate::domain::ids::{AllocationId, NetworkInterfaceId, PoolName, SecurityGroupId, SubnetId};
use crate::domain::observed::{Interface, InterfaceStatus};
use crate::domain::plan::{PoolFigures, Verdict};
use crate::domain::priority::Priority;

/// Everything known of a function.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct FunctionStory {
    /// The function.
    pub function: FunctionRef,
    /// Whether the configuration names it.
    pub declared: bool,
    /// The pool that it is served from.
    pub pool: Option<PoolName>,
    /// How that pool stands.
    pub pool_figures: Option<PoolFigures>,
    /// Who is served first where addresses are short.
    pub priority: Priority,
    /// Its pins.
    pub pins: Vec<PinnedAt>,
    /// Its `State`, as far as it was told.
    pub state: Option<FunctionState>,
    /// Its `LastUpdateStatus`, as far as it was told.
    pub last_update: Option<LastUpdate>,
    /// Each subnet and set of security groups that may carry its traffic now.
    pub places: Vec<Place>,
    /// How it stands, for machines.
    pub verdict: &'static str,
    /// How it stands, in words.
    pub text: String,
    /// The rules that make it so.
    pub rules: Vec<Rule>,
    /// What would change it.
    pub would_change: Vec<String>,
}

/// A pin of a function.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct PinnedAt {
    /// The subnet or zone.
    pub place: PinPlace,
    /// What it narrows the pool to.
    pub allocation_ids: Vec<AllocationId>,
}

/// A pair of a function.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Place {
    /// The subnet.
    pub subnet_id: SubnetId,
    /// The whole set of security groups.
    pub security_group_ids: Vec<SecurityGroupId>,
    /// Whether only the configuration before an update under way has it.
    pub is_former: bool,
    /// The interfaces that serve it.
    pub interfaces: Vec<Served>,
}

/// An interface that serves a function.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Served {
    /// The interface.
    pub network_interface_id: NetworkInterfaceId,
    /// The name of its zone.
    pub zone: Option<String>,
    /// Where it is in its life.
    pub status: InterfaceStatus,
    /// How it stands: `covered`, `gets`, a reason's code, or `unmanaged`.
    pub verdict: &'static str,
    /// The address that it carries or gets.
    pub allocation_id: Option<AllocationId>,
    /// The address's public face.
    pub public_ip: Option<IpAddr>,
    /// The address that the plan puts in the place of a wrong one.
    pub replaced_by: Option<AllocationId>,
    /// Why it has none.
    pub detail: Option<String>,
}

struct Judgement {
    verdict: &'static str,
    text: String,
    rules: Vec<Rule>,
    would_change: Vec<String>,
}

pub(super) fn story(function: &FunctionRef, facts: &Facts<'_>) -> Option<FunctionStory> {
    let declared = facts.desired.functions.get(function);
    let observation = facts.observed.functions.get(function);
    let configuration = match observation {
        Some(FunctionObservation::Known(configuration)) => Some(configuration),
        _ => None,
    };
    if declared.is_none() && configuration.is_none() {
        return None;
    }
    let places = configuration.map(|configuration| places(configuration, facts)).unwrap_or_default();
    let Judgement { verdict, text, rules, would_change } = judge(declared, observation, &places, facts);
    let pins = declared
        .iter()
        .flat_map(|declared| &declared.pins)
        .map(|(place, set)| PinnedAt { place: place.clone(), allocation_ids: set.iter().cloned().collect() });
    Some(FunctionStory {
        function: function.clone(),
        declared: declared.is_some(),
        pool: declared.map(|declared| declared.pool.clone()),
        pool_figures: declared.and_then(|declared| facts.plan.pools.get(&declared.pool).copied()),
        priority: declared.map(|declared| declared.priority).unwrap_or_default(),
        pins: pins.collect(),
        state: configuration.and_then(|configuration| configuration.state),
        last_update: configuration.and_then(|configuration| configuration.last_update),
        places,
        verdict,
        text,
        rules,
        would_change,
    })
}

fn places(configuration: &FunctionConfiguration, facts: &Facts<'_>) -> Vec<Place> {
    let current: BTreeSet<Pair> = configuration.vpc.iter().flat_map(|vpc| vpc.pairs()).collect();
    let place = |pair: Pair| {
        let here = facts
            .observed
            .interfaces
            .values()
            .filter(|interface| interface.pair == pair && interface.owner == facts.observed.account);
        Place {
            is_former: !current.contains(&pair),
            interfaces: here.map(|interface| served(interface, facts)).collect(),
            subnet_id: pair.subnet,
            security_group_ids: pair.security_groups.iter().cloned().collect(),
        }
    };
    configuration.pairs().into_iter().map(place).collect()
}

fn served(interface: &Interface, facts: &Facts<'_>) -> Served {
    let planned = facts.plan.interfaces.iter().find(|planned| planned.network_interface_id == interface.id);
    let stuck = planned.and_then(|planned| planned.no_internet_route());
    let (mut verdict, allocation_id, public_ip, mut detail) = match planned.map(|planned| &planned.verdict) {
        Some(Verdict::Covered(allocation, ip)) => ("covered", Some(allocation.clone()), *ip, None),
        Some(Verdict::Gets(allocation, ip)) => ("gets", Some(allocation.clone()), Some(*ip), None),
        Some(Verdict::Uncovered(reason)) => (reason.code(), None, None, Some(reason.to_string())),
        None => {
            let carried = interface.associations.first();
            let (allocation, ip) = carried.map(|c| (c.allocation.clone(), c.public_ip)).unwrap_or_default();
            ("unmanaged", allocation, ip, None)
        }
    };
    if let Some(reason) = stuck {
        (verdict, detail) = (reason.code(), Some(reason.to_string()));
    }
    let leaves = facts.disturbs(&interface.id);
    if let (Some(action), Some(detail)) = (leaves, &mut detail) {
        *detail = format!("{detail}; {}", wrong::told(action));
    }
    Served {
        network_interface_id: interface.id.clone(),
        zone: interface.zone.as_deref().map(str::to_owned),
        status: interface.status,
        verdict,
        allocation_id,
        public_ip,
        replaced_by: leaves.and_then(Action::gives).cloned(),
        detail,
    }
}

fn judge(
    declared: Option<&DesiredFunction>,
    observation: Option<&FunctionObservation>,
    places: &[Place],
    facts: &Facts<'_>,
) -> Judgement {
    let configuration = match observation {
        Some(FunctionObservation::Known(configuration)) => configuration,
        Some(FunctionObservation::NotFound) => {
            return Judgement {
                verdict: "function_not_found",
                text: "is declared, and Lambda knows no such function in this account and region".to_owned(),
                rules: Vec::new(),
                would_change: vec![
                    "its creation, or the right name and target in the configuration".to_owned(),
                ],
            };
        }
        Some(FunctionObservation::Unknown) | None => {
            return Judgement {
                verdict: "function_unknown",
                text: "is declared, and could not be read".to_owned(),
                rules: vec![rule::INCOMPLETE],
                would_change: vec!["a read that succeeds; see the failures".to_owned()],
            };
        }
    };
    if let Some(judgement) = unservable(configuration) {
        return judgement;
    }
    let mut judgement = match declared {
        None => undeclared(places),
        Some(_) => by_interfaces(places, facts),
    };
    if configuration.is_changing() || configuration.is_unsettled() {
        judgement.rules.push(rule::AWS_UPDATE);
    }
    if configuration.state == Some(FunctionState::Inactive) {
        judgement.rules.push(rule::AWS_IDLE);
    }
    judgement
}

fn unservable(configuration: &FunctionConfiguration) -> Option<Judgement> {
    if configuration.on_capacity_provider {
        return Some(Judgement {
            verdict: "function_on_capacity_provider",
            text: "runs on a capacity provider, so no interface of Lambda carries its traffic".to_owned(),
            rules: vec![rule::AWS_INSTANCES],
            would_change: vec!["its running without the capacity provider".to_owned()],
        });
    }
    configuration.pairs().is_empty().then(|| Judgement {
        verdict: "function_not_in_vpc",
        text: "is not in a VPC, so it leaves from addresses of AWS".to_owned(),
        rules: vec![rule::AWS_VPC],
        would_change: vec!["a VpcConfig".to_owned()],
    })
}

/// An undeclared function leaves from what the interfaces that it shares happen to carry.
fn undeclared(places: &[Place]) -> Judgement {
    let shares =
        places.iter().flat_map(|place| &place.interfaces).any(|served| served.verdict != "unmanaged");
    let text = if shares {
        "is not declared; it shares interfaces with declared functions, and so leaves from their addresses"
    } else {
        "is not declared, so nothing is done for it"
    };
    Judgement {
        verdict: if shares { "bystander" } else { "undeclared" },
        text: text.to_owned(),
        rules: vec![rule::OURS_ALONE],
        would_change: vec!["declaring it in a [[functions]] table".to_owned()],
    }
}

fn by_interfaces(places: &[Place], facts: &Facts<'_>) -> Judgement {
    let serving = || {
        let interfaces = places.iter().flat_map(|place| &place.interfaces);
        interfaces.filter(|served| served.status == InterfaceStatus::InUse)
    };
    let total = serving().count();
    let gets = serving().filter(|served| served.verdict == "gets").count();
    let covered = serving().filter(|served| served.verdict == "covered").count();
    let replaced = serving().filter(|served| served.replaced_by.is_some()).count();
    let without = total - gets - covered - replaced;
    let would_change = match (without, gets + replaced) {
        (1.., _) => {
            vec!["see the interfaces that are without, each by itself: `eipd explain ENI`".to_owned()]
        }
        (0, 1..) => {
            let mut disturbs = serving().filter_map(|served| facts.disturbs(&served.network_interface_id));
            vec![
                disturbs.next().map_or_else(|| facts.who_acts().to_owned(), |action| facts.who_makes(action)),
            ]
        }
        (0, 0) => Vec::new(),
    };
    let wrong = match replaced {
        0 => String::new(),
        replaced => format!("{replaced} would get one in the place of a wrong one, "),
    };
    let (verdict, text, rules) = match (total, covered) {
        (0, _) => (
            "no_interface",
            "has no network interface in use now, so there is nothing to cover".to_owned(),
            vec![rule::OURS_ALONE],
        ),
        (total, covered) if total == covered => (
            "covered",
            format!("is covered: each of its {total} interfaces in use carries an address of its set"),
            vec![rule::HEALTHY_STAYS],
        ),
        _ => (
            "uncovered",
            format!(
                "is not covered: of {total} interfaces in use {covered} carry an address of its set, {gets} would be given one, {wrong}{without} stay without"
            ),
            vec![rule::IN_EVERY_SET],
        ),
    };
    Judgement { verdict, text, rules, would_change }
}
