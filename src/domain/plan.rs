//! What to do about the drift: a pure, total and deterministic function of facts that every replica sees alike
//! (law 5). Keeps what is healthy, gives free addresses to bare interfaces and then to those that carry a wrong one, and
//! says of every interface that it can't help why not. Never breaks a healthy association.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use super::action::{Action, ActionKind, ActionReason};
use super::allotment::{self, Allotment, Wish};
use super::bystanders::{Bystanders, Crowd, Held, Strangers};
use super::desired::{Allocations, Desired};
use super::disruption;
use super::drift::{Drift, Finding, Place, Standing, drift};
use super::function::{FunctionRef, Pair};
use super::ids::{AllocationId, NetworkInterfaceId, PoolName};
use super::index::Index;
use super::network::DeadEnd;
use super::observed::{Address, InterfaceStatus, Observed, Part};
use super::priority::Priority;
use super::reason::{Reason, Uncovered, Warning};
use super::shortage::Shortage;
use super::warnings;

/// What one pass means to do, and how everything stands that it has to do with.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Plan {
    /// The changes, those of higher priority first, then in the order of the interfaces' ids.
    pub actions: Vec<Action>,
    /// Every interface that a declared function uses.
    pub interfaces: Vec<InterfacePlan>,
    /// How each pool stands, before the changes.
    pub pools: BTreeMap<PoolName, PoolFigures>,
    /// The declared addresses that are on interfaces which no declared function uses.
    pub lingering: Vec<(AllocationId, NetworkInterfaceId)>,
    /// The interfaces that only versions of declared functions use which do not count.
    pub held: Vec<Held>,
    /// The undeclared functions that use interfaces of declared ones, by the pool whose addresses they leave from.
    pub bystanders: Bystanders,
    /// The pairs with more than one serving interface.
    pub crowds: Vec<Crowd>,
    /// What an operator should know besides.
    pub warnings: Vec<Warning>,
}

/// How one interface stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InterfacePlan {
    /// The interface.
    pub network_interface_id: NetworkInterfaceId,
    /// Its subnet and security groups.
    pub pair: Pair,
    /// The name of its zone.
    pub zone: Option<Arc<str>>,
    /// Whether it serves.
    pub status: InterfaceStatus,
    /// The declared functions that use it.
    pub functions: Arc<[FunctionRef]>,
    /// The highest priority of theirs.
    pub priority: Priority,
    /// The undeclared functions that use it too; nothing while that is not known.
    pub bystanders: Option<Strangers>,
    /// The pool it is served from.
    pub pool: PoolName,
    /// Whether it is covered, gets an address, or stays without, and why.
    pub verdict: Verdict,
    /// Why its traffic does not reach the internet, whatever it carries.
    pub dead_end: Option<Arc<DeadEnd>>,
}

/// How an interface stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It carries an address of its set.
    Covered(AllocationId, Option<IpAddr>),
    /// A change of this plan gives it this address.
    Gets(AllocationId, IpAddr),
    /// It has no address of its set, and this plan has none for it.
    Uncovered(Reason),
}

/// How many addresses of a pool are in which state, and how many are wanting. What another version of `eipd` does not
/// tell is read as zero.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct PoolFigures {
    /// On interfaces that declared functions use.
    pub associated: usize,
    /// Free.
    pub spare: usize,
    /// On Lambda interfaces that no version of any function is known to use.
    pub lingering: usize,
    /// On Lambda interfaces that only undeclared functions use, or versions that do not count.
    pub elsewhere: usize,
    /// Not found in this account and region.
    pub missing: usize,
    /// On resources that are none of our business.
    pub foreign: usize,
    /// Not readable, or not yet the same in all reads.
    pub unknown: usize,
    /// How many more addresses it would take to serve every serving interface and keep `min_spare` free.
    pub shortfall: usize,
    /// How many spare addresses the operator wants.
    pub min_spare: usize,
    /// How many serving interfaces there are beyond the first of each pair.
    pub overflow: usize,
    /// How many undeclared functions use interfaces that it serves.
    pub bystanders: usize,
}

impl Plan {
    /// The serving interfaces that this plan leaves without an address of their set or without a way out.
    pub fn uncovered(&self) -> impl Iterator<Item = Uncovered> + '_ {
        self.required().filter_map(|interface| {
            let reason = interface.no_internet_route().or_else(|| match &interface.verdict {
                Verdict::Uncovered(reason) => Some(reason.clone()),
                Verdict::Covered(..) | Verdict::Gets(..) => None,
            })?;
            Some(interface.uncovered(reason))
        })
    }

    /// How many serving interfaces carry an address of their set already, and have a way out.
    #[must_use]
    pub fn covered(&self) -> usize {
        self.required().filter(|interface| interface.is_covered()).count()
    }

    /// The interfaces that serve now.
    pub fn required(&self) -> impl Iterator<Item = &InterfacePlan> {
        self.interfaces.iter().filter(|interface| interface.status == InterfaceStatus::InUse)
    }
}

impl InterfacePlan {
    /// Whether it carries an address of its set and, as far as is known, has a way out with it.
    #[must_use]
    pub fn is_covered(&self) -> bool {
        matches!(self.verdict, Verdict::Covered(..)) && self.dead_end.is_none()
    }

    /// What it is uncovered for where its subnet leads nowhere: no address cures that, so it comes before other reasons.
    #[must_use]
    pub fn no_internet_route(&self) -> Option<Reason> {
        let dead_end = Arc::clone(self.dead_end.as_ref()?);
        let carried = match &self.verdict {
            Verdict::Covered(allocation, public_ip) => Some((allocation.clone(), *public_ip)),
            Verdict::Gets(..) | Verdict::Uncovered(_) => None,
        };
        Some(Reason::NoInternetRoute { carried, dead_end })
    }

    /// This interface as an uncovered one.
    #[must_use]
    pub fn uncovered(&self, reason: Reason) -> Uncovered {
        Uncovered {
            network_interface_id: self.network_interface_id.clone(),
            functions: Arc::clone(&self.functions),
            pool: self.pool.clone(),
            reason,
            cause: None,
        }
    }
}

/// Plans one pass.
#[must_use]
pub fn plan(desired: &Desired, observed: &Observed) -> Plan {
    let drift = drift(desired, observed);
    let wishes = wishes(&drift, observed);
    let allotment = allotment::allot(desired, observed, &drift, &wishes);
    let mut judge = Judge {
        desired,
        observed,
        shortage: Shortage::new(desired, observed, &drift, &allotment),
        allotment: &allotment,
    };
    let findings = drift.interfaces.iter().enumerate();
    let interfaces: Vec<InterfacePlan> =
        findings.map(|(number, finding)| judge.judge(number, finding)).collect();
    let mut actions = Vec::with_capacity(allotment.given());
    let planned = interfaces.iter().zip(&drift.interfaces).enumerate();
    actions.extend(planned.filter_map(|(number, (interface, finding))| match finding.standing {
        Standing::Wrong(_) => replacement(finding, allotment.of(number)?, observed, &drift),
        Standing::Healthy(..) | Standing::Bare => action(interface, allotment.from(number), observed),
    }));
    let taken_off = disruption::taken_off(observed, &drift, &allotment);
    if !taken_off.is_empty() {
        actions.extend(taken_off);
        actions.sort_by(|one, other| one.network_interface_id.cmp(&other.network_interface_id));
    }
    put_first_what_is_urgent(&mut actions, &interfaces);
    let (crowds, bystanders) = company(&drift, &interfaces);
    let mut pools = figures(desired, observed, &drift, &allotment, &interfaces);
    for crowd in &crowds {
        if let Some(figures) = pools.get_mut(&crowd.pool) {
            figures.overflow += crowd.network_interfaces - 1;
        }
    }
    for (pool, strangers) in &bystanders {
        if let Some(figures) = pools.get_mut(pool) {
            figures.bystanders = strangers.len();
        }
    }
    let lingering = lingering(desired, &drift);
    let held = drift.held.clone();
    let mut plan =
        Plan { actions, interfaces, pools, lingering, held, bystanders, crowds, warnings: Vec::new() };
    plan.warnings = warnings::warnings(desired, observed, &drift, &plan);
    plan
}

/// Where there are many changes, the rate limit lets the last of them wait for minutes: first what serves and has a way out,
/// and of that what has the highest priority.
fn put_first_what_is_urgent(actions: &mut [Action], interfaces: &[InterfacePlan]) {
    type Urgency = (bool, bool, Reverse<Priority>);
    let urgency = |interface: &InterfacePlan| -> Urgency {
        let waits = interface.status != InterfaceStatus::InUse;
        (waits, interface.dead_end.is_some(), Reverse(interface.priority))
    };
    let usual: Urgency = (false, false, Reverse(Priority::default()));
    let other = interfaces.iter().map(|interface| (&interface.network_interface_id, urgency(interface)));
    let other: Index<&NetworkInterfaceId, Urgency> = other.filter(|(_, urgency)| *urgency != usual).collect();
    if !other.is_empty() {
        actions.sort_by_key(|action| *other.get(&action.network_interface_id).unwrap_or(&usual));
    }
}

/// The interfaces that may be given something. What may carry an address that could not be read is not known to be
/// bare (law 11).
fn wishes<'a>(drift: &'a Drift<'a>, observed: &'a Observed) -> Vec<Wish<'a>> {
    let unread = |candidates: &Allocations| candidates.iter().any(|id| observed.is_unread(id));
    let mut known: Index<*const BTreeSet<AllocationId>, bool> = Index::default();
    let mut may_carry_unread = |candidates: &Allocations| {
        observed.lacks(Part::Addresses)
            && *known.entry(Arc::as_ptr(candidates)).or_insert_with(|| unread(candidates))
    };
    let asks = |finding: &Finding<'_>| !matches!(finding.standing, Standing::Healthy(..));
    let mut wishes = Vec::with_capacity(drift.interfaces.iter().filter(|finding| asks(finding)).count());
    for (number, finding) in drift.interfaces.iter().enumerate().filter(|(_, finding)| asks(finding)) {
        let carries = finding.standing != Standing::Bare;
        if carries && disruption::loss(observed, drift, finding).is_none() {
            continue;
        }
        let interface = finding.interface;
        let usage = &finding.usage;
        let may_be_served = !interface.denies_internet_gateway
            && !usage.zone_is_wanting
            && !usage.is_partial
            && !usage.is_denied();
        if may_be_served && !may_carry_unread(&usage.candidates) {
            wishes.push(Wish { number, finding, only: observed.recent_writes.get(&interface.id), carries });
        }
    }
    wishes
}

fn lingering(desired: &Desired, drift: &Drift<'_>) -> Vec<(AllocationId, NetworkInterfaceId)> {
    let pools = desired.pools.values().zip(&drift.pools);
    let declared = pools.flat_map(|(pool, numbers)| pool.allocations.iter().zip(numbers));
    let lingering = declared.filter_map(|(allocation, number)| match drift.place(*number) {
        Place::Lingering(_, interface) => Some((allocation.clone(), (*interface).clone())),
        _ => None,
    });
    lingering.collect()
}

fn action(
    interface: &InterfacePlan,
    from: Option<&NetworkInterfaceId>,
    observed: &Observed,
) -> Option<Action> {
    let Verdict::Gets(allocation, public_ip) = &interface.verdict else { return None };
    let reason = if observed.recent_writes.contains_key(&interface.network_interface_id) {
        ActionReason::Lost
    } else if let Some(from) = from {
        if observed.retired.contains(from) { ActionReason::Retired } else { ActionReason::Named }
    } else if interface.status == InterfaceStatus::InUse {
        ActionReason::Bare
    } else {
        ActionReason::Upcoming
    };
    Some(Action {
        kind: if from.is_some() { ActionKind::Move } else { ActionKind::Associate },
        from: from.cloned(),
        replaces: None,
        allocation_id: allocation.clone(),
        public_ip: *public_ip,
        network_interface_id: interface.network_interface_id.clone(),
        functions: Arc::clone(&interface.functions),
        reason,
    })
}

/// A wrong address makes room for one of the set; until that is done, the interface is uncovered.
fn replacement(
    finding: &Finding<'_>,
    address: &Address,
    observed: &Observed,
    drift: &Drift<'_>,
) -> Option<Action> {
    let lost = disruption::loss(observed, drift, finding)?;
    Some(Action {
        kind: ActionKind::Replace,
        allocation_id: address.allocation.clone(),
        public_ip: address.public_ip,
        network_interface_id: finding.interface.id.clone(),
        from: None,
        replaces: Some(lost.clone()),
        functions: Arc::clone(&finding.usage.functions),
        reason: disruption::why_replaced(observed, drift, lost),
    })
}

struct Judge<'a> {
    desired: &'a Desired,
    observed: &'a Observed,
    allotment: &'a Allotment<'a>,
    shortage: Shortage<'a>,
}

impl<'a> Judge<'a> {
    fn judge(&mut self, number: usize, finding: &'a Finding<'a>) -> InterfacePlan {
        let interface = finding.interface;
        let verdict = match &finding.standing {
            Standing::Healthy(allocation, public_ip) => {
                Verdict::Covered(allocation.clone(), public_ip.or_else(|| self.public_ip(allocation)))
            }
            Standing::Wrong(_) if finding.usage.is_partial => {
                Verdict::Uncovered(Reason::ObservationIncomplete)
            }
            Standing::Wrong(carried) => {
                let declared = carried.iter().filter_map(|c| c.allocation_id.as_ref());
                let declared_in = declared.filter_map(|id| self.pool_of(id)).next().cloned();
                Verdict::Uncovered(Reason::WrongAddress { carried: carried.clone(), declared_in })
            }
            Standing::Bare => match self.allotment.of(number) {
                Some(address) => Verdict::Gets(address.allocation.clone(), address.public_ip),
                None => Verdict::Uncovered(self.shortage.why_nothing(number, finding)),
            },
        };
        InterfacePlan {
            network_interface_id: interface.id.clone(),
            pair: interface.pair.clone(),
            zone: interface.zone.clone(),
            status: interface.status,
            functions: Arc::clone(&finding.usage.functions),
            priority: finding.usage.priority,
            bystanders: finding.usage.bystanders.clone(),
            pool: finding.usage.pool.clone(),
            verdict,
            dead_end: self.observed.network.dead_end(&interface.pair.subnet).cloned(),
        }
    }

    fn pool_of(&self, allocation: &AllocationId) -> Option<&PoolName> {
        let declares = |pool: &&PoolName| self.desired.pools[*pool].allocations.contains(allocation);
        self.desired.pools.keys().find(declares)
    }

    fn public_ip(&self, allocation: &AllocationId) -> Option<IpAddr> {
        self.observed.addresses.get(allocation).map(|address| address.public_ip)
    }
}

/// The pairs with more than one serving interface, and who else leaves from which pool: counted once a pair.
fn company(drift: &Drift<'_>, interfaces: &[InterfacePlan]) -> (Vec<Crowd>, Bystanders) {
    let mut firsts: Vec<Option<&Finding<'_>>> = vec![None; drift.pairs];
    let mut serving = vec![0_usize; drift.pairs];
    let mut strangers: BTreeMap<&PoolName, BTreeSet<&FunctionRef>> = BTreeMap::new();
    for (finding, interface) in drift.interfaces.iter().zip(interfaces) {
        let usage = &finding.usage;
        serving[usage.pair] += usize::from(interface.status == InterfaceStatus::InUse);
        let first = &mut firsts[usage.pair];
        if first.is_none() {
            *first = Some(finding);
            if let Some(others) = usage.bystanders.as_ref().filter(|others| !others.is_empty()) {
                strangers.entry(usage.pool).or_default().extend(others.iter());
            }
        }
    }
    let crowds = firsts.into_iter().zip(serving).filter_map(|(first, network_interfaces)| {
        let first = first.filter(|_| network_interfaces > 1)?;
        let (pair, pool) = (first.interface.pair.clone(), first.usage.pool.clone());
        Some(Crowd { pair, pool, network_interfaces })
    });
    let of_pool = |(pool, strangers): (&PoolName, BTreeSet<&FunctionRef>)| {
        let mut strangers: Vec<FunctionRef> = strangers.into_iter().cloned().collect();
        strangers.dedup_by(|one, other| one.name() == other.name());
        (pool.clone(), strangers)
    };
    (crowds.collect(), strangers.into_iter().map(of_pool).collect())
}

fn figures(
    desired: &Desired,
    observed: &Observed,
    drift: &Drift<'_>,
    allotment: &Allotment<'_>,
    interfaces: &[InterfacePlan],
) -> BTreeMap<PoolName, PoolFigures> {
    let mut unserved: Index<&PoolName, usize> = Index::default();
    for interface in interfaces.iter().filter(|interface| interface.status == InterfaceStatus::InUse) {
        if matches!(&interface.verdict, Verdict::Uncovered(reason) if reason.is_want_of_addresses()) {
            *unserved.entry(&interface.pool).or_default() += 1;
        }
    }
    let figures = desired.pools.iter().zip(&drift.pools).map(|((name, pool), numbers)| {
        let mut figures =
            PoolFigures { missing: pool.absent.len(), min_spare: pool.min_spare, ..PoolFigures::default() };
        let mut spare_after = 0;
        for number in numbers {
            let place = drift.place(*number);
            figures.count(place, observed);
            let stays_free = matches!(place, Place::Free(_)) && allotment.taker_of(*number).is_none();
            spare_after += usize::from(stays_free);
        }
        figures.shortfall =
            unserved.get(name).copied().unwrap_or(0) + pool.min_spare.saturating_sub(spare_after);
        (name.clone(), figures)
    });
    figures.collect()
}

impl PoolFigures {
    fn count(&mut self, place: &Place<'_>, observed: &Observed) {
        let is_used = |interface: &NetworkInterfaceId| {
            let roster = observed.roster.as_deref().zip(observed.interfaces.get(interface));
            roster.is_some_and(|(roster, interface)| !roster.users_of(&interface.pair).is_empty())
        };
        let figure = match place {
            Place::Associated => &mut self.associated,
            Place::Free(_) => &mut self.spare,
            Place::Lingering(_, interface) if is_used(interface) => &mut self.elsewhere,
            Place::Lingering(..) => &mut self.lingering,
            Place::Missing => &mut self.missing,
            Place::Foreign(_) => &mut self.foreign,
            Place::Settling(_) | Place::Obscure | Place::Unread => &mut self.unknown,
        };
        *figure += 1;
    }
}
