//! What an operator names with `apply --take`: which address or interface that is, whether it is one of the configuration,
//! and, where nothing came of it, why. Takes nothing itself.

use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

use super::Error;
use crate::config::settings::Configuration;
use crate::domain::ids::{AllocationId, NetworkInterfaceId};
use crate::domain::leave::Named;
use crate::domain::naming::{Seen, why_address_stays, why_interface_keeps};
use crate::domain::report::{Coverage, Report};
use crate::reconcile::pass::{Orders, Reconciler};

/// What an operator names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Take {
    /// An address by its allocation.
    Address(AllocationId),
    /// An address by its public face.
    PublicIp(Ipv4Addr),
    /// An interface, whose address may be replaced.
    Interface(NetworkInterfaceId),
}

impl FromStr for Take {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let address = text.parse().map(Self::Address).ok();
        let public_ip = || text.parse().map(Self::PublicIp).ok();
        let interface = || text.parse().map(Self::Interface).ok();
        address.or_else(public_ip).or_else(interface).ok_or_else(|| {
            "expected a form like `eipalloc-0a1b2c3d`, `198.51.100.7` or `eni-0a1b2c3d`".to_owned()
        })
    }
}

/// The ids of what is named, each of them of the configuration: else a slip of the pen would be taken for a wish. What a
/// tag or a public address stands for is known by the look that was just made.
pub(super) fn resolve(
    takes: &[Take],
    configuration: &Configuration,
    lines: &[(Reconciler, Orders)],
    seen: &[Report],
) -> Result<Named, Error> {
    let could_see = seen.iter().all(|report| report.coverage() != Coverage::Unknown);
    let unknown = |id: String| match could_see {
        true => Error::NotDeclared { id },
        false => Error::NotTold { id },
    };
    let listed = |id: &AllocationId| {
        configuration.targets.iter().any(|target| target.declared.allocations().contains(id))
    };
    let is_declared =
        |id: &AllocationId| seen.iter().any(|report| report.desired.allocations().contains(id)) || listed(id);
    let by_face = |ip: Ipv4Addr| {
        let observed = lines.iter().filter_map(|(line, _)| line.seen());
        let mut addresses = observed.flat_map(|(_, observed)| observed.addresses.values());
        addresses
            .find(|address| address.public_ip == IpAddr::V4(ip))
            .map(|address| address.allocation.clone())
    };
    let mut named = Named::default();
    for take in takes {
        match take {
            Take::Address(id) if !is_declared(id) => return Err(unknown(id.to_string())),
            Take::Address(id) => drop(named.addresses.insert(id.clone())),
            Take::PublicIp(ip) => {
                let id = by_face(*ip).filter(is_declared).ok_or_else(|| unknown(ip.to_string()))?;
                named.addresses.insert(id);
            }
            Take::Interface(interface) => {
                let mut used = seen.iter().flat_map(|report| &report.plan.interfaces);
                if could_see && !used.any(|used| used.network_interface_id == *interface) {
                    return Err(Error::NotUsed { id: interface.to_string() });
                }
                named.interfaces.insert(interface.clone());
            }
        }
    }
    Ok(named)
}

/// Why nothing came of what was named, a line for each that no action of the pass is about.
pub(super) fn why_nothing(named: &Named, lines: &[(Reconciler, Orders)], reports: &[Report]) -> Vec<String> {
    let mut told = Vec::new();
    for ((line, _), report) in lines.iter().zip(reports) {
        let Some((desired, observed)) = line.seen() else { continue };
        let seen = Seen { desired, observed, plan: &report.plan };
        let declared = desired.allocations();
        let is_moved = |id: &AllocationId| report.actions.iter().any(|done| done.action.allocation_id == *id);
        for id in named.addresses.iter().filter(|id| declared.contains(*id) && !is_moved(id)) {
            let face = observed.addresses.get(id).map(|address| format!(" ({})", address.public_ip));
            let face = face.unwrap_or_default();
            told.push(format!("nothing was taken: `{id}`{face} {}", why_address_stays(id, &seen)));
        }
        let is_ours = |id: &NetworkInterfaceId| {
            report.plan.interfaces.iter().any(|interface| interface.network_interface_id == *id)
        };
        let is_changed = |id: &NetworkInterfaceId| {
            report.actions.iter().any(|done| done.action.network_interface_id == *id)
        };
        for id in named.interfaces.iter().filter(|id| is_ours(id) && !is_changed(id)) {
            told.push(format!("nothing was replaced: `{id}` {}", why_interface_keeps(id, &seen)));
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_an_interface_or_a_public_ipv4_is_named() {
        let kind = |text: &str| match text.parse() {
            Ok(Take::Address(_)) => "address",
            Ok(Take::PublicIp(_)) => "public",
            Ok(Take::Interface(_)) => "interface",
            Err(_) => "none",
        };
        for (text, wanted) in [
            ("eipalloc-0a1b2c3d", "address"),
            ("198.51.100.7", "public"),
            ("eni-0a1b2c3d", "interface"),
            ("i-0a1b2c3d", "none"),
            ("2001:db8::1", "none"),
            ("198.51.100", "none"),
        ] {
            assert_eq!(kind(text), wanted, "{text}");
        }
    }
}
