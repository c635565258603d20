//! What an operator should know although no interface is uncovered for it, or before one is. Words only; decides nothing.

mod company;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::desired::Desired;
use super::drift::{Drift, Finding, Place};
use super::function::{
    FunctionConfiguration, FunctionObservation, FunctionRef, FunctionState, LastUpdate, Pair,
};
use super::ids::AllocationId;
use super::index::Index;
use super::observed::{Observed, Part};
use super::plan::Plan;
use super::policy::OnRemoved;
use super::reason::{Unservable, Warning, WarningKind, in_words, named};

/// Every warning, in a stable order.
#[must_use]
pub fn warnings(desired: &Desired, observed: &Observed, drift: &Drift<'_>, plan: &Plan) -> Vec<Warning> {
    let functions = desired.functions.keys().filter_map(|function| function_warning(function, observed));
    let unseen = without_interface(desired, observed, drift);
    let declared = desired.pools.values().zip(&drift.pools);
    let declared = declared.flat_map(|(pool, numbers)| pool.allocations.iter().zip(numbers));
    let troubled: BTreeMap<_, _> = declared
        .filter_map(|(id, number)| Some((id, address_trouble(drift, drift.place(*number))?)))
        .collect();
    let face = |allocation| observed.addresses.get(allocation).map(|address| address.public_ip);
    let addresses = troubled.into_iter().map(|(allocation, (kind, what))| {
        let hint = match kind {
            // A word of the operator's goes further than the daemon does by itself.
            WarningKind::AddressOnForeignResource if may_be_named(allocation, observed) => {
                format!("; hint: `eipd apply --take {allocation}` takes it once, or take it off the list")
            }
            WarningKind::AddressOnForeignResource => "; hint: free it or take it off the list".to_owned(),
            _ => String::new(),
        };
        Warning { kind, message: format!("address {} {what}{hint}", in_words(allocation, face(allocation))) }
    });
    let former = observed.leave.former.iter().filter_map(|allocation| former_trouble(allocation, observed));
    let spares = desired.pools.iter().filter_map(|(name, pool)| {
        let spare = plan.pools.get(name)?.spare;
        let message = format!(
            "pool `{name}` has {spare} spare of the {} wanted; hint: add an address to it",
            pool.min_spare
        );
        (spare < pool.min_spare && !pool.is_partial)
            .then_some(Warning { kind: WarningKind::PoolBelowMinSpare, message })
    });
    let gaps = observed
        .gaps
        .iter()
        .map(|gap| Warning { kind: WarningKind::ObservationIncomplete, message: gap.message.clone() });
    let unread = observed
        .network
        .unread
        .iter()
        .map(|message| Warning { kind: WarningKind::RoutesUnknown, message: message.clone() });
    let bypasses = desired.functions.keys().filter_map(|function| ipv6_bypass(function, observed));
    let others = company::warnings(desired, observed, plan);
    let of_functions = functions.chain(observed.remarks.iter().cloned()).chain(unseen).chain(bypasses);
    let of_addresses = addresses.chain(former).chain(spares);
    of_functions.chain(of_addresses).chain(others).chain(unread).chain(gaps).collect()
}

/// A function that may use IPv6 leaves by it wherever its destination has such an address, and no Elastic IP has a part in
/// that.
fn ipv6_bypass(function: &FunctionRef, observed: &Observed) -> Option<Warning> {
    let Some(FunctionObservation::Known(configuration)) = observed.functions.get(function) else {
        return None;
    };
    let own = configuration.vpc.iter().chain(&configuration.former_vpc).map(|vpc| (None, vpc));
    let versions = configuration.versions.iter().map(|(number, vpc)| (Some(number), vpc));
    let dual_stack = own.chain(versions).filter(|(_, vpc)| vpc.dual_stack);
    let mut open = dual_stack.flat_map(|(number, vpc)| {
        let ways = vpc.subnets.iter();
        ways.filter_map(move |subnet| Some((number, subnet, observed.network.ipv6_way_out(subnet)?)))
    });
    let (number, subnet, way) = open.next()?;
    let by = number.map(|number| format!(" by its version {number}")).unwrap_or_default();
    let message = format!(
        "function `{function}`{by} may use IPv6, and `{subnet}` sends ::/0 to {way}: such traffic bypasses its address; \
         hint: unset Ipv6AllowedForDualStack, or take the route away"
    );
    Some(Warning { kind: WarningKind::Ipv6Bypasses, message })
}

/// The declared functions that can't have a fixed address at all, whatever is done about interfaces.
#[must_use]
pub fn unservable(desired: &Desired, observed: &Observed) -> Vec<Unservable> {
    let hopeless = |function: &FunctionRef| {
        let warning = function_warning(function, observed)?;
        let is_hopeless = WarningKind::UNSERVABLE.contains(&warning.kind);
        is_hopeless.then(|| Unservable { function: function.clone(), warning })
    };
    desired.functions.keys().filter_map(hopeless).collect()
}

fn function_warning(function: &FunctionRef, observed: &Observed) -> Option<Warning> {
    let (kind, what) = function_trouble(observed.functions.get(function))?;
    Some(Warning { kind, message: format!("function `{function}` {what}") })
}

/// Functions that can be invoked, and so have an interface in each of their subnets (AWS.md 1, confirmed), where none is
/// seen: it may be hidden from the credentials, or have been made a moment ago.
fn without_interface<'a>(
    desired: &'a Desired,
    observed: &'a Observed,
    drift: &Drift<'_>,
) -> impl Iterator<Item = Warning> + use<'a> {
    let may_lack = !observed.lacks(Part::Interfaces) && drift.pairs_seen < drift.pairs;
    let seen = if may_lack { seen_pairs(drift) } else { Index::default() };
    desired.functions.keys().filter(move |_| may_lack).filter_map(move |function| {
        let Some(FunctionObservation::Known(shown)) = observed.functions.get(function) else { return None };
        let is_settled = shown.state == Some(FunctionState::Active) && !shown.is_unsettled();
        let bare: Vec<String> = shown
            .pairs()
            .into_iter()
            // Whether a version is idle is not known.
            .filter(|pair| is_settled && !seen.contains_key(pair) && shown.versions_using(pair).is_empty())
            .map(|pair| format!("`{}`", pair.subnet))
            .collect();
        let message = format!(
            "function `{function}` is active, and EC2 shows no interface of it in {}; hint: if that lasts, check that \
             managed resources are visible to these credentials",
            bare.join(", ")
        );
        (!bare.is_empty())
            .then_some(Warning { kind: WarningKind::FunctionWithoutInterface, message })
    })
}

/// The interfaces of a pair share what is known of its users, so each pair is looked at once.
fn seen_pairs(drift: &Drift<'_>) -> Index<Pair, ()> {
    let mut known = Index::default();
    let first_of_usage =
        |finding: &&Finding<'_>| known.insert(Arc::as_ptr(&finding.usage).cast::<()>(), ()).is_none();
    let firsts = drift.interfaces.iter().filter(first_of_usage);
    firsts.map(|finding| (finding.interface.pair.clone(), ())).collect()
}

fn function_trouble(observation: Option<&FunctionObservation>) -> Option<(WarningKind, &'static str)> {
    match observation {
        Some(FunctionObservation::Known(configuration)) => configuration_trouble(configuration),
        Some(FunctionObservation::NotFound) => Some((
            WarningKind::FunctionNotFound,
            "does not exist in this account and region; hint: check its spelling and the target",
        )),
        Some(FunctionObservation::Unknown) | None => {
            Some((WarningKind::FunctionUnknown, "could not be read, so its interfaces are not known"))
        }
    }
}

fn configuration_trouble(configuration: &FunctionConfiguration) -> Option<(WarningKind, &'static str)> {
    if configuration.on_capacity_provider {
        return Some((
            WarningKind::FunctionOnCapacityProvider,
            "runs on a capacity provider, whose interfaces belong to instances; hint: remove it from the list",
        ));
    }
    if configuration.vpc.is_none() {
        return Some((
            WarningKind::FunctionNotInVpc,
            "is not in a VPC, so it leaves from addresses of AWS; hint: give it a VpcConfig",
        ));
    }
    match (configuration.state, configuration.last_update) {
        (Some(FunctionState::Inactive), _) => Some((
            WarningKind::FunctionInactive,
            "was idle for so long that Lambda took its interfaces back; its next invocation waits for new ones",
        )),
        (Some(FunctionState::Failed), _) => {
            Some((WarningKind::FunctionFailed, "failed to be created; hint: see StateReason in Lambda"))
        }
        (_, Some(LastUpdate::Failed)) => Some((
            WarningKind::FunctionFailed,
            "failed its last update, and the earlier configuration serves; hint: see LastUpdateStatusReason in Lambda",
        )),
        _ => None,
    }
}

fn former_trouble(allocation: &AllocationId, observed: &Observed) -> Option<Warning> {
    let address = observed.addresses.get(allocation)?;
    let association = address.association.as_ref()?;
    let interface = observed.interfaces.get(association.interface.as_ref()?)?;
    let hint = match observed.leave.on_removed {
        OnRemoved::Keep => "; hint: `eipd` leaves it there unless `safety.on_removed` is \"disassociate\"",
        OnRemoved::Disassociate => "",
    };
    let message = format!(
        "address {} has left the configuration and is still on `{}`{hint}",
        in_words(allocation, Some(address.public_ip)),
        interface.id
    );
    Some(Warning { kind: WarningKind::AddressRemoved, message })
}

/// What an AWS service manages is never taken, nor what is on no network interface.
fn may_be_named(allocation: &AllocationId, observed: &Observed) -> bool {
    observed.addresses.get(allocation).is_some_and(|address| {
        let is_on_one = address.association.as_ref().is_some_and(|bond| bond.interface.is_some());
        address.managed_by.is_none() && is_on_one
    })
}

fn address_trouble(drift: &Drift<'_>, place: &Place<'_>) -> Option<(WarningKind, String)> {
    match place {
        Place::Missing => Some((
            WarningKind::AddressMissing,
            "does not exist in this account and region; hint: check the id and the target".to_owned(),
        )),
        Place::Foreign(what) => Some((
            WarningKind::AddressOnForeignResource,
            format!("is on {what}, which eipd never touches by itself"),
        )),
        Place::Lingering(_, interface) => {
            let held = drift.held.binary_search_by(|held| held.network_interface_id.cmp(interface));
            let users = match held {
                Ok(place) => format!("in use by {} alone", named(&drift.held[place].versions)),
                Err(_) => "which no declared function uses".to_owned(),
            };
            let message = format!("is still on `{interface}`, {users}");
            Some((WarningKind::AddressLingering, message))
        }
        Place::Free(_) | Place::Associated | Place::Settling(_) | Place::Obscure | Place::Unread => None,
    }
}
