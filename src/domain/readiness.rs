//! Whether an invocation of one function now leaves from a declared address: what a pipeline waits for after a deployment.
//! Stricter than what a pass goes by, since here a wrong yes costs more than a late one: nothing may be under way, each
//! subnet must have its interface, and both of EC2's views must show the address on it, for each version that counts. Decides
//! nothing about repairs.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use serde::Serialize;

use super::desired::Desired;
use super::function::{
    FunctionConfiguration, FunctionObservation, FunctionRef, FunctionState, LastUpdate, Pair,
};
use super::ids::{AllocationId, NetworkInterfaceId, SubnetId};
use super::observed::{InterfaceStatus, Observed};
use super::plan::{InterfacePlan, Verdict, plan};
use super::reason::{Reason, carried_in_words, in_words};

/// An interface that carries an address of the function's set, by both views.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Egress {
    /// The interface.
    pub network_interface_id: NetworkInterfaceId,
    /// Its subnet.
    pub subnet_id: SubnetId,
    /// The address.
    pub allocation_id: AllocationId,
    /// Its public face, where it was told.
    pub public_ip: Option<IpAddr>,
}

/// Why it is not so yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Wanting {
    /// Lambda knows no such function.
    NotFound,
    /// Something could not be seen.
    Unseen(String),
    /// It runs on a capacity provider.
    OnCapacityProvider,
    /// It is not in a VPC.
    NotInVpc,
    /// It is being created or woken.
    Pending,
    /// Its creation failed.
    Failed,
    /// Lambda took its interfaces back.
    Inactive,
    /// It is in a state that says nothing.
    UnknownState,
    /// An update is in progress.
    Updating,
    /// The last update failed: which configuration serves is not known.
    UpdateFailed,
    /// A published version that counts is not ready by itself.
    Version(u64, Box<Wanting>),
    /// A subnet has no interface in use.
    NoInterface(SubnetId),
    /// An interface in use has no address of the set.
    Uncovered(NetworkInterfaceId, String),
    /// Only one of EC2's views shows the address on the interface.
    OneView(NetworkInterfaceId, AllocationId, Option<IpAddr>),
}

impl Wanting {
    /// Whether it is our sight that is wanting, not the world.
    #[must_use]
    pub fn is_blindness(&self) -> bool {
        matches!(self, Self::Unseen(_))
    }
}

impl fmt::Display for Wanting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound => f.write_str("Lambda knows no such function in this account and region"),
            Self::Unseen(why) => f.write_str(why),
            Self::OnCapacityProvider => {
                f.write_str("it runs on a capacity provider, whose interfaces eipd does not serve")
            }
            Self::NotInVpc => f.write_str("it is not in a VPC, so it leaves from addresses of AWS"),
            Self::Pending => f.write_str("it is pending: Lambda creates it or wakes it"),
            Self::Failed => f.write_str("its creation failed; hint: see StateReason in Lambda"),
            Self::Inactive => f.write_str(
                "it is inactive: Lambda took its interfaces back, and the next invocation waits for new ones; \
                 hint: invoke it once",
            ),
            Self::UnknownState => f.write_str("it is in a state in which it may not serve"),
            Self::Updating => f.write_str("an update of it is in progress"),
            Self::UpdateFailed => f.write_str(
                "its last update failed, and which configuration serves is not known; \
                 hint: see LastUpdateStatusReason in Lambda",
            ),
            Self::Version(number, wanting) => write!(f, "version {number}: {wanting}"),
            Self::NoInterface(subnet) => write!(f, "it has no interface in use in `{subnet}`"),
            Self::Uncovered(interface, why) => write!(f, "`{interface}` is not covered: {why}"),
            Self::OneView(interface, allocation, public_ip) => {
                let address = in_words(allocation, *public_ip);
                write!(f, "EC2's reads do not agree yet that {address} is on `{interface}`")
            }
        }
    }
}

/// Judges one function by an observation that holds at least the function, its addresses and the interfaces of its subnets.
/// A version that is observed by itself is judged like the function. Of another that counts it is not known whether it is
/// idle: it was published with interfaces, so that one which has none now has lost them for want of use, and waits for none.
///
/// # Errors
/// What is wanting, the most fundamental first.
pub fn readiness(
    function: &FunctionRef,
    desired: &Desired,
    observed: &Observed,
) -> Result<Vec<Egress>, Wanting> {
    let configuration = match observed.functions.get(function) {
        Some(FunctionObservation::Known(configuration)) => configuration,
        Some(FunctionObservation::NotFound) => return Err(Wanting::NotFound),
        Some(FunctionObservation::Unknown) | None => {
            return Err(Wanting::Unseen(first_gap(observed, "it could not be read")));
        }
    };
    settled(configuration, function.qualifier().is_some())?;
    if !observed.is_complete() {
        return Err(Wanting::Unseen(first_gap(observed, "not everything could be read")));
    }
    let mut strict = FunctionConfiguration { versions: BTreeMap::new(), ..configuration.clone() };
    for (number, vpc) in &configuration.versions {
        let version = observed.functions.get(&function.at_version(*number));
        if let Some(FunctionObservation::Known(version)) = version {
            settled(version, true).map_err(|wanting| Wanting::Version(*number, Box::new(wanting)))?;
            strict.versions.insert(*number, vpc.clone());
        }
    }
    let strict = strict.pairs();
    let plan = plan(desired, observed);
    let mut egress = Vec::new();
    for pair in configuration.pairs() {
        let here: Vec<&InterfacePlan> = plan.required().filter(|interface| interface.pair == pair).collect();
        if here.is_empty() && strict.contains(&pair) {
            return Err(Wanting::NoInterface(pair.subnet));
        }
        for interface in here {
            egress.push(leaves_by(interface, &pair, observed)?);
        }
    }
    Ok(egress)
}

/// Mid-update Lambda may show either configuration, so nothing counts before it is over. A published version is never
/// updated, and whether it is shown with an update's status is not certain.
fn settled(configuration: &FunctionConfiguration, is_published: bool) -> Result<(), Wanting> {
    if configuration.on_capacity_provider {
        return Err(Wanting::OnCapacityProvider);
    }
    match configuration.state {
        Some(FunctionState::Active) => {}
        Some(FunctionState::Pending) => return Err(Wanting::Pending),
        Some(FunctionState::Inactive) => return Err(Wanting::Inactive),
        Some(FunctionState::Failed) => return Err(Wanting::Failed),
        Some(FunctionState::Other) | None => return Err(Wanting::UnknownState),
    }
    match configuration.last_update {
        Some(LastUpdate::Successful) => {}
        None if is_published => {}
        Some(LastUpdate::InProgress) => return Err(Wanting::Updating),
        Some(LastUpdate::Failed) => return Err(Wanting::UpdateFailed),
        Some(LastUpdate::Other) | None => return Err(Wanting::UnknownState),
    }
    if configuration.vpc.is_none() { Err(Wanting::NotInVpc) } else { Ok(()) }
}

fn leaves_by(interface: &InterfacePlan, pair: &Pair, observed: &Observed) -> Result<Egress, Wanting> {
    let id = &interface.network_interface_id;
    if let Some(reason) = interface.no_internet_route() {
        return Err(Wanting::Uncovered(id.clone(), reason.to_string()));
    }
    let (allocation, public_ip) = match &interface.verdict {
        Verdict::Covered(allocation, public_ip) => (allocation, *public_ip),
        Verdict::Gets(..) => return Err(Wanting::Uncovered(id.clone(), no_address(id))),
        Verdict::Uncovered(reason) => return Err(Wanting::Uncovered(id.clone(), why(reason, id))),
    };
    let shown = observed.interfaces.get(id).is_some_and(|interface| {
        interface.status == InterfaceStatus::InUse
            && interface.associations.iter().any(|shown| {
                shown.allocation.as_ref() == Some(allocation)
                    || (shown.allocation.is_none()
                        && shown.public_ip.is_some()
                        && shown.public_ip == public_ip)
            })
    });
    let claimed = observed.addresses.get(allocation).is_some_and(|address| {
        address.association.as_ref().and_then(|association| association.interface.as_ref()) == Some(id)
    });
    if !(shown && claimed) {
        return Err(Wanting::OneView(id.clone(), allocation.clone(), public_ip));
    }
    Ok(Egress {
        network_interface_id: id.clone(),
        subnet_id: pair.subnet.clone(),
        allocation_id: allocation.clone(),
        public_ip,
    })
}

/// Why an interface is not covered, as far as the look can tell: it shows neither who else uses the interface nor what other
/// functions and pools are declared, so that it can't tell what a pass would do.
fn why(reason: &Reason, id: &NetworkInterfaceId) -> String {
    match reason {
        Reason::WrongAddress { carried, .. } => {
            format!("it carries {}, outside the set of the function; {}", carried_in_words(carried), hint(id))
        }
        Reason::NoFreeAddress { .. }
        | Reason::AddressOnForeignResource(..)
        | Reason::Conflict(_)
        | Reason::Bystanders(_)
        | Reason::Settling(..)
        | Reason::SpareHeldBack(_)
        | Reason::Planned(..)
        | Reason::ActionFailed(_)
        | Reason::ActionSkipped(_) => no_address(id),
        Reason::AddressMissing(_)
        | Reason::BorderGroup(_)
        | Reason::ZoneUnknown
        | Reason::DeniesInternetGateway
        | Reason::NoInternetRoute { .. }
        | Reason::ObservationIncomplete => reason.to_string(),
    }
}

fn no_address(id: &NetworkInterfaceId) -> String {
    format!("it has no address yet; {}", hint(id))
}

fn hint(id: &NetworkInterfaceId) -> String {
    format!(
        "hint: a daemon or `eipd apply` has to mend that, and `eipd explain {id}` tells what stands in the way"
    )
}

fn first_gap(observed: &Observed, otherwise: &str) -> String {
    observed.gaps.first().map_or_else(|| otherwise.to_owned(), ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::observed::Part;
    use crate::domain::scenario::{World, alloc, configuration, eni, function, subnet, vpc};

    fn covered() -> World {
        World::new()
            .pool("p", &[1, 2, 3], 0)
            .function("f", "p", &[1, 2], &[1])
            .eni(1, 1, &[1])
            .eni(2, 2, &[1])
            .on(1, 1)
            .on(2, 2)
    }

    fn judge(world: &World) -> Result<usize, String> {
        let judged = readiness(&function("f"), &world.desired, &world.observed);
        judged.map(|egress| egress.len()).map_err(|wanting| wanting.to_string())
    }

    #[test]
    fn ready_means_settled_complete_and_covered_by_both_views() {
        assert_eq!(judge(&covered()), Ok(2));
        assert_eq!(judge(&covered().eni(3, 1, &[1]).on(3, 3)), Ok(3), "an overflow interface as well");
        assert_eq!(
            judge(&covered().eni(3, 1, &[1]).waiting(3)),
            Ok(2),
            "one that does not serve counts later"
        );
        assert_eq!(judge(&covered().eni(3, 1, &[2])), Ok(2), "another pair is none of its business");
    }

    #[test]
    fn what_is_wanting_is_told() {
        let state = |state| covered().configure("f", |f| f.state = state);
        let update = |update| covered().configure("f", |f| f.last_update = update);
        let observation = |observation| covered().function_as("f", "p", observation);
        let cases: Vec<(World, &str)> = vec![
            (observation(FunctionObservation::NotFound), "knows no such function"),
            (observation(FunctionObservation::Unknown), "could not be read"),
            (observation(FunctionObservation::Known(configuration(None))), "not in a VPC"),
            (covered().configure("f", |f| f.on_capacity_provider = true), "capacity provider"),
            (state(Some(FunctionState::Pending)), "pending"),
            (state(Some(FunctionState::Inactive)), "inactive"),
            (state(Some(FunctionState::Failed)), "creation failed"),
            (state(Some(FunctionState::Other)), "may not serve"),
            (state(None), "may not serve"),
            (update(Some(LastUpdate::InProgress)), "in progress"),
            (update(Some(LastUpdate::Failed)), "last update failed"),
            (update(None), "may not serve"),
            (covered().gap(Part::Interfaces), "Interfaces incomplete"),
            (
                covered().configure("f", |f| f.vpc = Some(vpc(&[1, 2, 5], &[1]))),
                "no interface in use in `subnet-00000005`",
            ),
            (covered().waiting(2), "no interface in use in `subnet-00000002`"),
            (covered().eni(3, 1, &[1]), "`eni-00000003` is not covered: it has no address yet"),
            (
                covered()
                    .pool("q", &[9], 0)
                    .with_address(2, |a| a.association = None)
                    .eni(2, 2, &[1])
                    .on(9, 2),
                "`eni-00000002` is not covered: it carries 198.51.100.9 (`eipalloc-00000009`), outside the set",
            ),
            (covered().eni(1, 1, &[1]), "do not agree yet that 198.51.100.1 (`eipalloc-00000001`)"),
        ];
        for (world, expected) in cases {
            let wanting = judge(&world).expect_err(expected);
            assert!(wanting.contains(expected), "{expected}: {wanting}");
        }
    }

    #[test]
    fn what_takes_a_wider_look_to_tell_is_not_told() {
        let bare = || covered().eni(3, 1, &[1]);
        for (what, world) in [
            ("a free one", bare()),
            ("others serve interfaces that are not read", bare().address_says(3, 77)),
            ("its pool denies bystanders, and who uses it is not asked", bare().denies("p")),
        ] {
            let wanting = judge(&world).expect_err(what);
            let expected = "`eni-00000003` is not covered: it has no address yet; hint: a daemon or `eipd apply` has to mend \
                            that, and `eipd explain eni-00000003` tells what stands in the way";
            assert_eq!(wanting, expected, "{what}");
        }
    }

    /// `f` with version 1 in subnet 3, which is covered.
    fn versioned() -> World {
        covered().eni(3, 3, &[1]).on(3, 3).counts("f", 1, &[3], &[1])
    }

    #[test]
    fn each_version_that_counts_must_be_covered_too() {
        let read = |mut world: World, state: FunctionState| {
            let version =
                FunctionConfiguration { state: Some(state), ..configuration(Some(vpc(&[3], &[1]))) };
            world.observed.functions.insert(function("f:1"), FunctionObservation::Known(version));
            world
        };
        assert_eq!(judge(&versioned()), Ok(3));
        assert_eq!(judge(&read(versioned(), FunctionState::Active)), Ok(3));
        let bare = || versioned().off(3, 3);
        for world in [bare(), read(bare(), FunctionState::Active)] {
            let wanting = judge(&world).expect_err("its interface is bare");
            assert!(wanting.contains("`eni-00000003` is not covered"), "{wanting}");
        }
        let gone = || versioned().waiting(3);
        assert_eq!(judge(&gone()), Ok(2), "one that is only listed may be idle");
        let wanting =
            judge(&read(gone(), FunctionState::Active)).expect_err("one that an alias leads to is not");
        assert!(wanting.contains("no interface in use in `subnet-00000003`"), "{wanting}");
        let wanting = judge(&read(versioned(), FunctionState::Pending)).expect_err("it is being made");
        assert!(wanting.starts_with("version 1: it is pending"), "{wanting}");
    }

    #[test]
    fn only_what_could_not_be_seen_is_blindness() {
        assert!(Wanting::Unseen("denied".to_owned()).is_blindness());
        assert!(!Wanting::NoInterface(subnet(1)).is_blindness());
        assert!(!Wanting::OneView(eni(1), alloc(1), None).is_blindness());
    }
}
