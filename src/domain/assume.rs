//! What a deployment would need before it runs: an observation as it would be if functions had other network settings as
//! well as their present ones, since both hold interfaces during a switchover. Imagines interfaces where a pair has none
//! yet; whoever plans over the result plans as ever.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use smallvec::SmallVec;

use super::desired::Desired;
use super::function::{
    FunctionConfiguration, FunctionObservation, FunctionRef, FunctionState, LastUpdate, Pair, SecurityGroups,
    VpcConfig,
};
use super::ids::{NetworkInterfaceId, PoolName, SubnetId, ZoneId};
use super::network::Network;
use super::observed::{Interface, InterfaceStatus, Observed};
use super::plan::{InterfacePlan, Plan, Verdict};

/// A function has at most so many subnets (AWS.md 1, confirmed).
pub const SUBNETS_MAX: usize = 16;

/// And at most so many security groups (AWS.md 1, confirmed).
pub const SECURITY_GROUPS_MAX: usize = 5;

/// Network settings that a function would get. What is not said stays as it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Assumption {
    /// The function, as it is declared.
    pub function: FunctionRef,
    /// Its subnets, at least one.
    pub subnets: Option<BTreeSet<SubnetId>>,
    /// Its security groups, at least one.
    pub security_groups: Option<SecurityGroups>,
}

/// Why something can't be assumed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unassumable {
    /// Nothing would be done for it.
    #[error("function `{0}` is not declared, so nothing would be done for it")]
    Undeclared(FunctionRef),
    /// Its present settings are not known, and both hold interfaces during a switchover.
    #[error("function `{0}` could not be read, so its present settings are not known")]
    Unknown(FunctionRef),
    /// There is nothing that could stay as it is.
    #[error("function `{0}` has no VpcConfig yet; hint: say both subnets= and sgs=")]
    HalfSaid(FunctionRef),
    /// Its interfaces belong to instances.
    #[error("function `{0}` runs on a capacity provider, whose interfaces eipd does not serve")]
    OnCapacityProvider(FunctionRef),
}

/// The zone of a subnet: its name and its id, as far as known.
type Zone = (Option<Arc<str>>, Option<ZoneId>);

/// A hypothetical observation.
#[derive(Clone, Debug)]
pub struct Assumed {
    /// It.
    pub observed: Observed,
    /// The settings that each function would have.
    pub settings: BTreeMap<FunctionRef, VpcConfig>,
    /// The pairs that those settings would use.
    pub pairs: BTreeSet<Pair>,
    /// The interfaces that do not exist.
    pub imagined: BTreeSet<NetworkInterfaceId>,
}

/// How many addresses a place is short of.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Short {
    /// The name of the zone, where it is known.
    pub zone: Option<String>,
    /// The subnet, where the zone is not known.
    pub subnet_id: Option<SubnetId>,
    /// How many interfaces in use there would stay without an address of their set.
    pub short: usize,
}

/// What a deployment would be short of, in the order of the places.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shortage {
    /// Beyond what is short now.
    pub more: Vec<Short>,
    /// What is short now, and would be still.
    pub already: Vec<Short>,
}

/// An observation as it would be during and after the switchovers, with what was read of subnets that nothing uses yet.
///
/// # Errors
/// When an assumption makes no sense.
pub fn assume(
    assumptions: &[Assumption],
    desired: &Desired,
    observed: &Observed,
    subnets: &Network,
) -> Result<Assumed, Unassumable> {
    let mut assumed = Assumed {
        observed: observed.clone(),
        settings: BTreeMap::new(),
        pairs: BTreeSet::new(),
        imagined: BTreeSet::new(),
    };
    assumed.observed.network = Arc::new(Network::clone(&observed.network).and(subnets));
    for assumption in assumptions {
        let function = &assumption.function;
        if !desired.functions.contains_key(function) {
            return Err(Unassumable::Undeclared(function.clone()));
        }
        let (configuration, vpc) = switched(assumption, observed.functions.get(function))?;
        assumed.pairs.extend(vpc.pairs());
        assumed.settings.insert(function.clone(), vpc);
        let observation = FunctionObservation::Known(configuration);
        assumed.observed.functions.insert(function.clone(), observation);
    }
    assumed.imagine();
    Ok(assumed)
}

/// The configuration with the assumed settings in force and the present ones beside them.
fn switched(
    assumption: &Assumption,
    present: Option<&FunctionObservation>,
) -> Result<(FunctionConfiguration, VpcConfig), Unassumable> {
    let function = &assumption.function;
    let present = match present {
        Some(FunctionObservation::Known(known)) if known.on_capacity_provider => {
            return Err(Unassumable::OnCapacityProvider(function.clone()));
        }
        Some(FunctionObservation::Known(known)) => Some(known),
        Some(FunctionObservation::NotFound) => None,
        Some(FunctionObservation::Unknown) | None => return Err(Unassumable::Unknown(function.clone())),
    };
    let now = present.and_then(|present| present.vpc.clone());
    let half_said = || Unassumable::HalfSaid(function.clone());
    let subnets = assumption.subnets.clone().or_else(|| now.as_ref().map(|now| now.subnets.clone()));
    let groups = assumption.security_groups.clone();
    let groups = groups.or_else(|| now.as_ref().map(|now| now.security_groups.clone()));
    let vpc = VpcConfig {
        subnets: subnets.ok_or_else(half_said)?,
        security_groups: groups.ok_or_else(half_said)?,
        dual_stack: now.as_ref().is_some_and(|now| now.dual_stack),
    };
    let configuration = FunctionConfiguration {
        vpc: Some(vpc.clone()),
        former_vpc: now,
        versions: present.map(|present| present.versions.clone()).unwrap_or_default(),
        state: Some(FunctionState::Active),
        last_update: Some(LastUpdate::Successful),
        on_capacity_provider: false,
        timeout: present.map_or(Duration::ZERO, |present| present.timeout),
    };
    Ok((configuration, vpc))
}

impl Assumed {
    fn imagine(&mut self) {
        let account = self.observed.account.clone();
        // When the settings are in force, what waits for them serves.
        let here = self.observed.interfaces.values_mut();
        for interface in here.filter(|i| i.owner == account && i.status == InterfaceStatus::Waiting) {
            if self.pairs.contains(&interface.pair) {
                interface.status = InterfaceStatus::InUse;
            }
        }
        let served: BTreeSet<Pair> = self
            .observed
            .interfaces
            .values()
            .filter(|i| i.owner == account && i.status != InterfaceStatus::Detaching)
            .map(|interface| interface.pair.clone())
            .collect();
        let shown = self.observed.interfaces.values();
        let known: BTreeMap<SubnetId, Zone> =
            shown.map(|one| (one.pair.subnet.clone(), (one.zone.clone(), one.zone_id.clone()))).collect();
        let network = Arc::clone(&self.observed.network);
        let read = |subnet: &SubnetId| {
            let subnet = network.facts(subnet)?.subnet.as_ref()?;
            Some((subnet.zone.clone(), subnet.zone_id.clone()))
        };
        let mut number = 0;
        for pair in self.pairs.difference(&served) {
            let id = loop {
                number += 1;
                let id = imaginary(number);
                if !self.observed.interfaces.contains_key(&id) {
                    break id;
                }
            };
            let zone = read(&pair.subnet).or_else(|| known.get(&pair.subnet).cloned());
            let (zone, zone_id) = zone.unwrap_or_default();
            let interface = Interface {
                id: id.clone(),
                owner: account.clone(),
                pair: pair.clone(),
                zone,
                zone_id,
                status: InterfaceStatus::InUse,
                associations: SmallVec::new(),
                denies_internet_gateway: false,
            };
            self.observed.interfaces.insert(id.clone(), interface);
            self.imagined.insert(id);
        }
    }
}

impl Shortage {
    /// Compares the plan over the assumed observation with the one over the present.
    #[must_use]
    pub fn between(present: &Plan, assumed: &Plan) -> Self {
        let before: BTreeSet<&NetworkInterfaceId> =
            short_of(present).map(|one| &one.network_interface_id).collect();
        // What one interface gets in the place of another of its pool makes it no worse.
        let mut relieved: BTreeMap<&PoolName, usize> = BTreeMap::new();
        let served = assumed.required().filter(|one| !matches!(one.verdict, Verdict::Uncovered(_)));
        for one in served.filter(|one| before.contains(&one.network_interface_id)) {
            *relieved.entry(&one.pool).or_default() += 1;
        }
        let is_more = |one: &&InterfacePlan| {
            if before.contains(&one.network_interface_id) {
                return false;
            }
            match relieved.get_mut(&one.pool).filter(|left| **left > 0) {
                Some(left) => *left -= 1,
                None => return true,
            }
            false
        };
        let (more, already): (Vec<_>, Vec<_>) = short_of(assumed).partition(is_more);
        Self { more: by_place(&more), already: by_place(&already) }
    }
}

fn short_of(plan: &Plan) -> impl Iterator<Item = &InterfacePlan> {
    plan.required().filter(
        |interface| matches!(&interface.verdict, Verdict::Uncovered(why) if why.is_want_of_addresses()),
    )
}

fn by_place(interfaces: &[&InterfacePlan]) -> Vec<Short> {
    let mut places: BTreeMap<(Option<&str>, Option<&SubnetId>), usize> = BTreeMap::new();
    for interface in interfaces {
        let zone = interface.zone.as_deref();
        let subnet = zone.is_none().then_some(&interface.pair.subnet);
        *places.entry((zone, subnet)).or_default() += 1;
    }
    let short = places.into_iter().map(|((zone, subnet), short)| Short {
        zone: zone.map(str::to_owned),
        subnet_id: subnet.cloned(),
        short,
    });
    short.collect()
}

/// The ids that AWS gives are random, so that one of these hardly ever exists.
fn imaginary(number: u32) -> NetworkInterfaceId {
    format!("eni-{number:017x}").parse().expect("17 hexadecimal digits")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::network::Subnet;
    use crate::domain::plan::plan;
    use crate::domain::scenario::{World, configuration, function, groups, subnet, vpc, zone_id};

    fn assumption(name: &str, subnets: &[u32], security_groups: &[u32]) -> Assumption {
        let subnets: BTreeSet<SubnetId> = subnets.iter().map(|n| subnet(*n)).collect();
        Assumption {
            function: function(name),
            subnets: (!subnets.is_empty()).then_some(subnets),
            security_groups: (!security_groups.is_empty()).then(|| groups(security_groups)),
        }
    }

    fn estate(addresses: &[u32]) -> World {
        World::new()
            .pool("p", addresses, 0)
            .function("f", "p", &[1, 2], &[1])
            .eni(1, 1, &[1])
            .eni(2, 2, &[1])
            .with_eni(2, |interface| {
                interface.zone = Some("eu-west-1b".into());
                interface.zone_id = Some(zone_id(2));
            })
            .on(1, 1)
            .on(2, 2)
    }

    fn assumed(world: &World, assumptions: &[Assumption]) -> Assumed {
        assume(assumptions, &world.desired, &world.observed, &Network::default()).expect("it makes sense")
    }

    fn short(world: &World, assumptions: &[Assumption]) -> Vec<(String, usize)> {
        let assumed = assumed(world, assumptions);
        let plan = plan(&world.desired, &assumed.observed);
        let shortage = Shortage::between(&world.plan(), &plan);
        let named = |short: Short| {
            let subnet = short.subnet_id.map(|subnet| subnet.to_string());
            (short.zone.or(subnet).expect("a place has a name"), short.short)
        };
        shortage.more.into_iter().map(named).collect()
    }

    #[test]
    fn what_is_short_already_is_not_the_deployments_doing() {
        // Both addresses of `p` are in use, and a second interface of the first pair has none.
        let world = estate(&[1, 2]).eni(5, 1, &[1]);
        let world = world.pool("q", &[3], 0).function("g", "q", &[1], &[9]).eni(9, 1, &[9]).on(3, 9);
        assert_eq!(short(&world, &[assumption("g", &[1], &[8])]), [("eu-west-1a".to_owned(), 1)]);
        let world = world.pool("q", &[3, 4], 0);
        assert_eq!(short(&world, &[assumption("g", &[1], &[8])]), []);
        let assumed = assumed(&world, &[assumption("g", &[1], &[8])]);
        let plan = plan(&world.desired, &assumed.observed);
        let shortage = Shortage::between(&world.plan(), &plan);
        assert_eq!((shortage.more.len(), shortage.already[0].short), (0, 1));
    }

    #[test]
    fn an_interface_that_waits_for_the_deployment_needs_its_address_then() {
        let waiting = estate(&[1, 2]).eni(5, 1, &[2]).waiting(5);
        assert_eq!(short(&waiting, &[assumption("f", &[1], &[2])]), [("eu-west-1a".to_owned(), 1)]);
        let enough = estate(&[1, 2, 3]).eni(5, 1, &[2]).waiting(5);
        assert_eq!(short(&enough, &[assumption("f", &[1], &[2])]), []);
    }

    #[test]
    fn a_switchover_needs_addresses_for_the_new_pairs_beside_the_old() {
        let change = [assumption("f", &[], &[2])];
        assert_eq!(short(&estate(&[1, 2, 3, 4]), &change), []);
        assert_eq!(
            short(&estate(&[1, 2]), &change),
            [("eu-west-1a".to_owned(), 1), ("eu-west-1b".to_owned(), 1)]
        );
        assert_eq!(short(&estate(&[1, 2, 3]), &change).iter().map(|(_, n)| n).sum::<usize>(), 1);
    }

    #[test]
    fn a_pair_that_has_an_interface_needs_none_more() {
        let change = [assumption("f", &[1, 2], &[1])];
        assert!(assumed(&estate(&[1, 2]), &change).imagined.is_empty());
        assert_eq!(short(&estate(&[1, 2]), &change), []);
        let shared = estate(&[1, 2, 3]).eni(3, 1, &[2]);
        let change = [assumption("f", &[1], &[2])];
        assert!(
            assumed(&shared, &change).imagined.is_empty(),
            "an undeclared function's interface is shared"
        );
        assert_eq!(short(&shared, &change), []);
    }

    #[test]
    fn two_functions_that_would_share_a_pair_need_one_address() {
        let world = estate(&[1, 2, 3, 4]).function("g", "p", &[1], &[1]);
        let change = [assumption("f", &[], &[2]), assumption("g", &[1, 2], &[2])];
        assert_eq!(assumed(&world, &change).imagined.len(), 2);
        assert_eq!(short(&world, &change), []);
    }

    #[test]
    fn a_subnet_without_any_interface_is_named_itself_unless_its_zone_is_told() {
        let world = estate(&[1, 2]);
        let change = [assumption("f", &[7], &[1])];
        assert_eq!(short(&world, &change), [("subnet-00000007".to_owned(), 1)]);
        let read = Subnet {
            id: subnet(7),
            vpc: "vpc-00000001".parse().expect("an id"),
            zone: Some("eu-west-1c".into()),
            zone_id: Some(zone_id(3)),
        };
        let subnets = Network::of(&[subnet(7)].into(), vec![read], &[]);
        let told = assume(&change, &world.desired, &world.observed, &subnets).expect("it makes sense");
        let plan = plan(&world.desired, &told.observed);
        let shortage = Shortage::between(&world.plan(), &plan);
        assert_eq!(shortage.more[0].zone.as_deref(), Some("eu-west-1c"));
    }

    #[test]
    fn a_function_that_is_yet_to_come_is_assumed_whole() {
        let world = World::new().pool("p", &[1], 0).function_as("f", "p", FunctionObservation::NotFound);
        assert_eq!(short(&world, &[assumption("f", &[1], &[1])]), []);
        assert_eq!(short(&world, &[assumption("f", &[1, 2], &[1])]).len(), 1);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let world = estate(&[1, 2])
            .function_as("unread", "p", FunctionObservation::Unknown)
            .function_as("outside", "p", FunctionObservation::Known(configuration(None)))
            .function_as("managed", "p", FunctionObservation::Known(configuration(Some(vpc(&[1], &[1])))))
            .configure("managed", |f| f.on_capacity_provider = true);
        let refused = |name: &str, subnets: &[u32]| {
            let assumptions = [assumption(name, subnets, &[2])];
            assume(&assumptions, &world.desired, &world.observed, &Network::default()).expect_err(name)
        };
        assert_eq!(refused("nobody", &[1]), Unassumable::Undeclared(function("nobody")));
        assert_eq!(refused("unread", &[1]), Unassumable::Unknown(function("unread")));
        assert_eq!(refused("outside", &[]), Unassumable::HalfSaid(function("outside")));
        assert_eq!(refused("managed", &[1]), Unassumable::OnCapacityProvider(function("managed")));
    }
}
