//! Which versions of a declared function count: those whose interfaces carry an address of its set. Published versions
//! keep their own network settings for good, and callers reach them by number or by alias (AWS.md 1, confirmed).
//! Decides from what was read; knows not how.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;

use super::function::{FunctionConfiguration, FunctionRef, VpcConfig};
use super::roster::Roster;

/// Which versions of a function that is declared without a qualifier count.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Versions {
    /// `$LATEST`, and each that an alias leads to, by weight or wholly.
    #[default]
    Live,
    /// Every one.
    All,
    /// `$LATEST` alone.
    Latest,
}

/// Where the aliases of a function lead: each to a version, and by weight to one more. `$LATEST` is not told, since it
/// counts anyway.
pub type Routes = BTreeMap<Arc<str>, BTreeSet<u64>>;

/// Whether it takes the aliases of a function to tell which of its versions count: only if some version may use an
/// interface that the shown configuration does not, or IPv6.
#[must_use]
pub fn depends_on_routes(
    function: &FunctionRef,
    versions: Versions,
    shown: &FunctionConfiguration,
    roster: &Roster,
) -> bool {
    is_routed(function, versions) && differ(function, shown, roster)
}

/// Whether aliases can have a say at all.
#[must_use]
pub fn is_routed(function: &FunctionRef, versions: Versions) -> bool {
    match function.qualifier() {
        None => versions == Versions::Live,
        Some(_) => function.version().is_none(),
    }
}

fn differ(function: &FunctionRef, shown: &FunctionConfiguration, roster: &Roster) -> bool {
    let adds = |vpc: &VpcConfig| {
        let own = shown.vpc.as_ref().filter(|_| !shown.on_capacity_provider);
        own.is_none_or(|own| {
            own.security_groups != vpc.security_groups
                || !vpc.subnets.is_subset(&own.subnets)
                || (vpc.dual_stack && !own.dual_stack)
        })
    };
    roster.versions_of(function).filter_map(|(_, vpc)| vpc).any(adds)
}

/// The numbers of the published versions that count beside the configuration that Lambda shows under the name; without
/// its routes, a function that depends on them has none.
#[must_use]
pub fn counted(
    function: &FunctionRef,
    versions: Versions,
    roster: &Roster,
    routes: Option<&Routes>,
) -> BTreeSet<u64> {
    let live = |routes: &Routes| match function.qualifier() {
        None => routes.values().flatten().copied().collect(),
        Some(alias) => routes.get(alias).cloned().unwrap_or_default(),
    };
    match (function.qualifier(), versions) {
        (None, Versions::Latest) => BTreeSet::new(),
        (None, Versions::All) => {
            roster.versions_of(function).filter_map(|(version, _)| version.version()).collect()
        }
        (None, Versions::Live) | (Some(_), _) => routes.map(live).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::scenario::{configuration, function, vpc};

    /// `billing`: version 1 in another subnet, version 2 like `$LATEST`, version 3 elsewhere too.
    fn roster() -> Roster {
        let version = |name: &str, subnet| (function(name), configuration(Some(vpc(&[subnet], &[1]))));
        Roster::of([
            version("billing", 2),
            version("billing:1", 1),
            version("billing:2", 2),
            version("billing:3", 3),
            version("reports", 9),
        ])
    }

    fn routes(of: &[(&str, &[u64])]) -> Routes {
        of.iter().map(|(alias, versions)| ((*alias).into(), versions.iter().copied().collect())).collect()
    }

    #[test]
    fn what_counts_follows_from_the_mode_and_from_where_aliases_lead() {
        let roster = roster();
        let routes = routes(&[("live", &[1, 2]), ("old", &[3]), ("next", &[])]);
        let count = |name: &str, versions| -> Vec<u64> {
            counted(&function(name), versions, &roster, Some(&routes)).into_iter().collect()
        };
        assert_eq!(count("billing", Versions::Live), [1, 2, 3]);
        assert_eq!(count("billing", Versions::All), [1, 2, 3]);
        assert_eq!(count("billing", Versions::Latest), [0; 0]);
        assert_eq!(count("billing:live", Versions::Live), [1, 2]);
        assert_eq!(count("billing:next", Versions::Live), [0; 0]);
        assert_eq!(count("billing:gone", Versions::Live), [0; 0]);
    }

    #[test]
    fn aliases_matter_only_if_a_version_may_use_what_the_shown_configuration_does_not() {
        let roster = roster();
        let asks = |name: &str, versions, subnets: &[u32]| {
            let shown = configuration(Some(vpc(subnets, &[1])));
            depends_on_routes(&function(name), versions, &shown, &roster)
        };
        assert!(asks("billing", Versions::Live, &[2]));
        assert!(asks("billing:live", Versions::Live, &[1]));
        assert!(!asks("billing", Versions::Live, &[1, 2, 3]), "every pair is its own");
        assert!(!asks("billing", Versions::All, &[2]) && !asks("billing", Versions::Latest, &[2]));
        assert!(!asks("billing:1", Versions::Live, &[1]), "a number means that version alone");
        assert!(!asks("reports", Versions::Live, &[9]), "it has no other version");
    }
}
