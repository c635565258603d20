//! What one observation says of functions, addresses, interfaces and bystanders: each warning of a pass and each interface
//! that no address would cure.

use super::super::render::words::count;
use super::check::{Check, Verdict};
use crate::domain::observed::Observed;
use crate::domain::plan::Plan;
use crate::domain::reason::{Reason, Warning, WarningKind};

const FUNCTIONS: &str = "functions";
const ADDRESSES: &str = "addresses";
const INTERFACES: &str = "interfaces";
const BYSTANDERS: &str = "bystanders";
const IPV6: &str = "ipv6";
const OBSERVATION: &str = "observation";

/// What the warnings of a pass amount to, and a good word for each matter without any.
pub(super) fn judge(observed: &Observed, plan: &Plan) -> Vec<Check> {
    let mut checks: Vec<Check> = plan.warnings.iter().filter_map(of_warning).collect();
    checks.extend(plan.uncovered().filter_map(|uncovered| {
        let is_told_elsewhere = uncovered.reason.is_want_of_addresses()
            || matches!(
                uncovered.reason,
                Reason::NoInternetRoute { .. } | Reason::ObservationIncomplete | Reason::Settling(..)
            );
        let check = Check::told(INTERFACES, Verdict::Fail, &uncovered.reason.to_string());
        let check = check.or_remedy(cure(&uncovered.reason));
        (!is_told_elsewhere).then(|| check.of(&uncovered.network_interface_id))
    }));
    let (functions, addresses) = (observed.functions.len(), observed.addresses.len());
    let interfaces = plan.required().count();
    let good = [
        (FUNCTIONS, format!("{} found in a VPC", count(functions, "function", "functions"))),
        (ADDRESSES, format!("{} found", count(addresses, "declared address", "declared addresses"))),
        (
            INTERFACES,
            format!("{} in use, and each may carry an address", count(interfaces, "interface", "interfaces")),
        ),
        (IPV6, "no function is known to leave past its address".to_owned()),
    ];
    let good = good.map(|(name, told)| Check::pass(name, told)).into_iter().chain([no_bystanders(observed)]);
    let troubled = |name: &str| checks.iter().any(|check| check.check == name);
    let good: Vec<Check> = good.filter(|check| !troubled(check.check)).collect();
    good.into_iter().chain(checks).collect()
}

/// Where no pass warns of any; it takes the list of all versions to tell.
fn no_bystanders(observed: &Observed) -> Check {
    let why = match (&observed.roster, &observed.roster_trouble) {
        (Some(_), _) => {
            let told = "no undeclared function uses an interface of a declared one";
            return Check::pass(BYSTANDERS, told);
        }
        (None, Some(why)) => why.as_str(),
        (None, None) => "the list of all versions takes too long",
    };
    Check::told(BYSTANDERS, Verdict::Skip, why)
}

/// Nothing for what another family judges more closely. A kind that is not named here is a warning of its own.
fn of_warning(warning: &Warning) -> Option<Check> {
    use WarningKind as Kind;
    let (name, verdict) = match warning.kind {
        Kind::FunctionNotFound
        | Kind::FunctionNotInVpc
        | Kind::FunctionOnCapacityProvider
        | Kind::FunctionUnknown => (FUNCTIONS, Verdict::Fail),
        Kind::FunctionInactive | Kind::FunctionFailed => (FUNCTIONS, Verdict::Warn),
        Kind::AddressMissing => (ADDRESSES, Verdict::Fail),
        Kind::AddressOnForeignResource | Kind::AddressLingering => (ADDRESSES, Verdict::Warn),
        Kind::Bystanders => (BYSTANDERS, Verdict::Warn),
        Kind::Ipv6Bypasses => (IPV6, Verdict::Warn),
        Kind::ObservationIncomplete => (OBSERVATION, Verdict::Skip),
        Kind::PoolBelowMinSpare | Kind::RoutesUnknown => return None,
        #[allow(
            unreachable_patterns,
            reason = "kinds are added, and each is worth a look until it is judged here"
        )]
        other => (other.as_str(), Verdict::Warn),
    };
    let check = Check::told(name, verdict, &warning.message);
    Some(if verdict == Verdict::Skip { check } else { check.or_remedy(remedy(warning.kind)) })
}

/// What to do about a warning that does not say.
fn remedy(kind: WarningKind) -> &'static str {
    use WarningKind as Kind;
    match kind {
        Kind::FunctionInactive => "invoke it once, and then at least every 14 days",
        Kind::FunctionUnknown => "see what keeps it from being read: the permission and observation checks",
        Kind::AddressLingering => {
            "none, if Lambda still has to remove the interface; else take it off: `safety.on_removed`, or `eipd drain`"
        }
        Kind::AddressRemoved => {
            "a running daemon takes it off in time; `eipd explain` says what it waits for"
        }
        Kind::TakingWaits => "wait until it is over, or add an address to the pool",
        Kind::VersionsUnknown | Kind::VersionsStale => {
            "see that `lambda:ListFunctions` is granted and not throttled, and try again"
        }
        _ => "look at `eipd plan`, and at `eipd explain` for what it names",
    }
}

/// What to do about an interface whose reason does not say.
fn cure(reason: &Reason) -> &'static str {
    match reason {
        Reason::WrongAddress { declared_in: Some(_), .. } => {
            "let the daemon or `eipd apply` replace it: that takes a free address of its own pool"
        }
        Reason::WrongAddress { declared_in: None, .. } => {
            "declare that address, take it off, or let `eipd apply --take` with this interface replace it"
        }
        Reason::DeniesInternetGateway => {
            "let Lambda make another interface: give the function another subnet or security group"
        }
        Reason::Bystanders(_) => {
            "see that `lambda:ListFunctions` is granted and not throttled, and try again"
        }
        _ => "look at `eipd explain` for this interface",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_pass_warns_of_the_check_says_what_to_do() {
        for kind in WarningKind::ALL {
            let warning = Warning { kind: *kind, message: "something is so".to_owned() };
            let Some(check) = of_warning(&warning) else { continue };
            assert_eq!(check.evidence, "something is so");
            assert_eq!(check.remedy.is_none(), check.verdict == Verdict::Skip, "{check:?}");
            let hinted = Warning { message: "something is so; hint: mend it".to_owned(), ..warning };
            assert_eq!(of_warning(&hinted).and_then(|check| check.remedy).as_deref(), Some("mend it"));
        }
    }
}
