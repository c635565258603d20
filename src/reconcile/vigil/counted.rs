//! The published versions of an awaited function that count beside what Lambda shows under its name. Those that aliases lead
//! to are read one by one, with their states; those that count because all do are taken from the list of all versions, which
//! knows no states. What counts the domain says.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

use crate::domain::function::{
    FunctionConfiguration, FunctionObservation, FunctionRef, FunctionState, VpcConfig,
};
use crate::domain::roster::Roster;
use crate::domain::versions::{Versions, counted, is_routed};
use crate::reconcile::ports::{ApiError, Reads};

/// A list costs a call for each 50 versions of the region, out of 15 a second for all callers (AWS.md 2, confirmed): who
/// waits learns this late of a version that is published meanwhile.
const LISTED_AGAIN_AFTER: Duration = Duration::from_secs(60);

/// What was read.
#[derive(Default)]
pub(super) struct Counted {
    /// Those that aliases lead to.
    routed: BTreeMap<u64, FunctionConfiguration>,
    listed: Option<(Roster, Instant)>,
    /// Those that count because all do.
    all: BTreeMap<u64, VpcConfig>,
}

impl Counted {
    /// Finds out which count now, and reads what is not known of them for good: network settings never change, and a version
    /// that is active was made.
    pub(super) async fn read(
        &mut self,
        reads: &dyn Reads,
        function: &FunctionRef,
        versions: Versions,
    ) -> Vec<ApiError> {
        let mut errors = Vec::new();
        if is_routed(function, versions) {
            match reads.routes(function).await {
                Ok(routes) => {
                    let numbers = counted(function, versions, &Roster::default(), Some(&routes));
                    errors.extend(self.read_each(reads, function, &numbers).await);
                }
                Err(error) => errors.push(error),
            }
        } else if versions == Versions::All && function.qualifier().is_none() {
            errors.extend(self.list(reads, function).await);
        }
        errors
    }

    async fn read_each(
        &mut self,
        reads: &dyn Reads,
        function: &FunctionRef,
        numbers: &BTreeSet<u64>,
    ) -> Vec<ApiError> {
        self.routed
            .retain(|number, shown| numbers.contains(number) && shown.state == Some(FunctionState::Active));
        let mut errors = Vec::new();
        let unknown: Vec<u64> =
            numbers.iter().filter(|number| !self.routed.contains_key(*number)).copied().collect();
        for number in unknown {
            match reads.function(&function.at_version(number)).await {
                Ok(FunctionObservation::Known(shown)) => drop(self.routed.insert(number, shown)),
                Ok(FunctionObservation::NotFound | FunctionObservation::Unknown) => {}
                Err(error) => errors.push(error),
            }
        }
        errors
    }

    async fn list(&mut self, reads: &dyn Reads, function: &FunctionRef) -> Vec<ApiError> {
        if self.listed.as_ref().is_none_or(|(_, at)| at.elapsed() >= LISTED_AGAIN_AFTER) {
            let begun = Instant::now();
            let list = reads.versions().await;
            if !list.errors.is_empty() {
                return list.errors;
            }
            self.listed = Some((Roster::of(list.found), begun));
        }
        let Some((roster, _)) = &self.listed else { return Vec::new() };
        let numbers = counted(function, Versions::All, roster, None);
        let settings = numbers.into_iter().filter_map(|number| {
            let vpc = roster.version(&function.at_version(number)).flatten()?;
            Some((number, vpc.clone()))
        });
        self.all = settings.collect();
        Vec::new()
    }

    /// The settings of those that use interfaces of ours.
    pub(super) fn settings(&self) -> BTreeMap<u64, VpcConfig> {
        let routed = self.in_a_vpc().filter_map(|(number, shown)| Some((number, shown.vpc.clone()?)));
        self.all.clone().into_iter().chain(routed).collect()
    }

    /// Those that were read one by one and use interfaces of ours, under their numbers.
    pub(super) fn observations(
        &self,
        function: &FunctionRef,
    ) -> impl Iterator<Item = (FunctionRef, FunctionObservation)> {
        self.in_a_vpc().map(move |(number, shown)| {
            (function.at_version(number), FunctionObservation::Known(shown.clone()))
        })
    }

    fn in_a_vpc(&self) -> impl Iterator<Item = (u64, &FunctionConfiguration)> {
        let all = self.routed.iter().map(|(number, shown)| (*number, shown));
        all.filter(|(_, shown)| shown.vpc.is_some() && !shown.on_capacity_provider)
    }
}
