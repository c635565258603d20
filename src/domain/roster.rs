//! Every version of every function of an account and region, with its network settings, as ListFunctions shows them:
//! the answer to who else uses an interface. A list of the past, up to `function_refresh` old; knows neither states nor
//! aliases, and never says which of the versions count.

use std::collections::BTreeMap;

use super::function::{FunctionConfiguration, FunctionRef, Pair, VpcConfig};
use super::index::Index;

/// All versions by their function and number; `$LATEST` has no number.
#[derive(Clone, Debug, Default)]
pub struct Roster {
    versions: BTreeMap<FunctionRef, Option<VpcConfig>>,
    users: Index<Pair, Vec<FunctionRef>>,
}

impl Roster {
    /// Of a complete list.
    #[must_use]
    pub fn of(list: impl IntoIterator<Item = (FunctionRef, FunctionConfiguration)>) -> Self {
        // The interfaces of a capacity provider are no Hyperplane interfaces (AWS.md 1, confirmed).
        let versions = list.into_iter().map(|(version, shown)| {
            let vpc = if shown.on_capacity_provider { None } else { shown.vpc };
            (version, vpc)
        });
        let versions: BTreeMap<_, _> = versions.collect();
        let mut users: Index<Pair, Vec<FunctionRef>> = Index::default();
        for (version, vpc) in &versions {
            for pair in vpc.iter().flat_map(VpcConfig::pairs) {
                users.entry(pair).or_default().push(version.clone());
            }
        }
        Self { versions, users }
    }

    /// The versions that use a pair, in order.
    #[must_use]
    pub fn users_of(&self, pair: &Pair) -> &[FunctionRef] {
        self.users.get(pair).map_or(&[], Vec::as_slice)
    }

    /// Every version, with its settings unless it uses no interfaces of ours.
    pub fn versions(&self) -> impl Iterator<Item = (&FunctionRef, Option<&VpcConfig>)> {
        self.versions.iter().map(|(version, vpc)| (version, vpc.as_ref()))
    }

    /// The versions of one function, `$LATEST` first.
    pub fn versions_of<'a>(
        &'a self,
        function: &'a FunctionRef,
    ) -> impl Iterator<Item = (&'a FunctionRef, Option<&'a VpcConfig>)> {
        let from = self.versions.range(function.unqualified()..);
        let own = from.take_while(|(version, _)| version.name() == function.name());
        own.map(|(version, vpc)| (version, vpc.as_ref()))
    }

    /// The settings of one version; nothing when it is not listed.
    #[must_use]
    pub fn version(&self, version: &FunctionRef) -> Option<Option<&VpcConfig>> {
        self.versions.get(version).map(Option::as_ref)
    }
}
