//! What an operator should know of others on the interfaces of declared functions: versions that do not count, functions
//! that nobody declared, and what is not known of either. Words only; decides nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::desired::{Desired, DesiredFunction};
use crate::domain::function::FunctionRef;
use crate::domain::ids::NetworkInterfaceId;
use crate::domain::observed::Observed;
use crate::domain::plan::Plan;
use crate::domain::policy::BystanderPolicy;
use crate::domain::reason::{Warning, WarningKind, named};
use crate::domain::versions::{Versions, is_routed};

/// Every such warning, in a stable order.
pub(super) fn warnings(desired: &Desired, observed: &Observed, plan: &Plan) -> impl Iterator<Item = Warning> {
    held(desired, plan).chain(bystanders(desired, plan)).chain(roster(desired, observed))
}

/// One for each declared function whose other versions hold interfaces by themselves.
fn held(desired: &Desired, plan: &Plan) -> impl Iterator<Item = Warning> {
    let mut of_functions: BTreeMap<FunctionRef, (BTreeSet<&FunctionRef>, BTreeSet<&NetworkInterfaceId>)> =
        BTreeMap::new();
    for held in &plan.held {
        for version in &*held.versions {
            let (versions, interfaces) = of_functions.entry(version.unqualified()).or_default();
            versions.insert(version);
            interfaces.insert(&held.network_interface_id);
        }
    }
    let message = |(function, (versions, interfaces)): (FunctionRef, (BTreeSet<_>, BTreeSet<_>))| {
        let versions: Vec<FunctionRef> = versions.into_iter().cloned().collect();
        let interfaces = match interfaces.len() {
            1 => "1 interface".to_owned(),
            several => format!("{several} interfaces"),
        };
        let declared: Vec<FunctionRef> = desired.of_name(&function).cloned().collect();
        Warning {
            kind: WarningKind::HeldByOtherVersion,
            message: format!(
                "{} of `{function}` {} {interfaces} that {} does not cover; hint: declare them, as by \
                 `versions = \"all\"`, or delete them, and Lambda removes their interfaces",
                numbers(&versions),
                if versions.len() == 1 { "holds" } else { "hold" },
                named(&declared),
            ),
        }
    };
    of_functions.into_iter().map(message)
}

/// `$LATEST` and versions by their numbers, in words.
fn numbers(versions: &[FunctionRef]) -> String {
    const NAMED: usize = 5;
    let mut told: Vec<u64> = versions.iter().filter_map(FunctionRef::version).collect();
    told.sort_unstable();
    let more = told.len().saturating_sub(NAMED);
    let latest = (told.len() < versions.len()).then(|| "`$LATEST`".to_owned());
    let mut words: Vec<String> = latest.into_iter().collect();
    if !told.is_empty() {
        let shown: Vec<String> = told.iter().take(NAMED).map(ToString::to_string).collect();
        let plural = if told.len() == 1 { "" } else { "s" };
        let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
        words.push(format!("version{plural} {}{rest}", shown.join(", ")));
    }
    words.join(" and ")
}

/// One for each pool from which undeclared functions leave.
fn bystanders(desired: &Desired, plan: &Plan) -> impl Iterator<Item = Warning> {
    plan.bystanders.iter().map(|(pool, strangers)| {
        let denies = desired.pools.get(pool).is_some_and(|pool| pool.bystanders == BystanderPolicy::Deny);
        let (verb, pronoun) =
            if strangers.len() == 1 { ("is not declared and uses", "it") } else { ("are not declared and use", "they") };
        let consequence = if denies {
            format!("; bare ones stay bare for it, and {pronoun} may leave from addresses that are there already")
        } else {
            format!(", so {pronoun} may leave from its addresses")
        };
        Warning {
            kind: WarningKind::Bystanders,
            message: format!(
                "{} {verb} interfaces that pool `{pool}` serves{consequence}; hint: declare them, or move one side \
                 to other security groups",
                named(strangers)
            ),
        }
    })
}

/// What is not known of other versions and undeclared functions.
fn roster(desired: &Desired, observed: &Observed) -> Option<Warning> {
    let why = observed.roster_trouble.as_deref();
    let matters = |(function, declared): (&FunctionRef, &DesiredFunction)| {
        declared.versions == Versions::All || is_routed(function, declared.versions)
    };
    let (kind, message) = match (&observed.roster, why) {
        (Some(_), None) => return None,
        (Some(_), Some(why)) => (
            WarningKind::VersionsStale,
            format!("the versions of all functions could not be listed anew, the last list is used: {why}"),
        ),
        (None, why) if why.is_some() || desired.functions.iter().any(matters) => (
            WarningKind::VersionsUnknown,
            format!(
                "the versions of all functions are not known, so nothing is covered for published ones: {}",
                why.unwrap_or("they are still being listed")
            ),
        ),
        (None, _) => return None,
    };
    Some(Warning { kind, message })
}
