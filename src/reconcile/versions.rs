//! Reads which published versions of the declared functions count: the aliases of those functions for which they matter,
//! and versions that are younger than the list of all. Reads only, and only what the books say is due.

use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use tokio::time::{Instant, timeout};

use super::observe::{Observer, READS_AT_ONCE, gaps};
use super::ports::ApiError;
use crate::domain::desired::Desired;
use crate::domain::function::FunctionRef;
use crate::domain::observed::{Gap, Part};
use crate::domain::versions::{depends_on_routes, is_routed};

/// What a pass gives to reading aliases.
const IN_TIME: Duration = Duration::from_secs(10);

/// And what a look at a corner gives: an interface without its address may wait behind it.
const SOON: Duration = Duration::from_secs(3);

impl Observer {
    /// Tells the books which versions of all declared functions count, after reading what of that is due.
    pub(super) async fn read_versions(
        &mut self,
        desired: &Desired,
        refresh: Duration,
        most: usize,
        first_list_by: Instant,
    ) -> Vec<Gap> {
        self.versions.harvest(first_list_by).await;
        self.versions.keep_only(&desired.functions.keys().map(FunctionRef::name).collect());
        let mut due = self.versions.due(self.routed(desired, desired.functions.keys()), refresh);
        let left = due.len().saturating_sub(most);
        due.truncate(most);
        let all = desired.functions.keys().cloned().collect();
        let mut gaps = self.read_routes(due, &all, IN_TIME).await;
        if left > 0 {
            let message =
                format!("the aliases of {left} functions are not read yet; {most} are read in a pass");
            gaps.push(Gap { part: Part::Functions, message });
        }
        gaps.extend(self.versions.refusals().map(|message| Gap { part: Part::Functions, message }));
        for (function, declared) in &desired.functions {
            let counted = self.versions.counted(function, declared.versions);
            self.book.note_versions(function, counted);
        }
        gaps
    }

    /// As [`Self::read_versions`] for a few functions of which something was told.
    pub(super) async fn read_versions_of(
        &mut self,
        desired: &Desired,
        functions: &BTreeSet<FunctionRef>,
    ) -> Vec<Gap> {
        let due = self.versions.due(self.routed(desired, functions.iter()), Duration::MAX);
        let gaps = self.read_routes(due, functions, SOON).await;
        for function in functions {
            if let Some(declared) = desired.functions.get(function) {
                let counted = self.versions.counted(function, declared.versions);
                self.book.note_versions(function, counted);
            }
        }
        gaps
    }

    /// The functions that aliases can have a say about, and whether they do as far as is known.
    fn routed<'a>(
        &self,
        desired: &'a Desired,
        functions: impl Iterator<Item = &'a FunctionRef>,
    ) -> impl Iterator<Item = (FunctionRef, bool)> {
        functions.filter_map(move |function| {
            let versions = desired.functions.get(function)?.versions;
            let depends = match (self.book.shown(function), self.versions.roster()) {
                (Some(shown), Some(roster)) => depends_on_routes(function, versions, shown, roster),
                _ => false,
            };
            is_routed(function, versions).then(|| (function.clone(), depends))
        })
    }

    /// What takes longer than `within` is left to a later look: the others must not wait for it.
    async fn read_routes(
        &mut self,
        due: Vec<FunctionRef>,
        all: &BTreeSet<FunctionRef>,
        within: Duration,
    ) -> Vec<Gap> {
        let mut errors = Vec::new();
        let in_time = timeout(within, self.read_all_routes(due, all, &mut errors)).await;
        let mut gaps = gaps(Part::Functions, &errors);
        if in_time.is_err() {
            let message = format!("reading where aliases lead took longer than {} s", within.as_secs());
            gaps.push(Gap { part: Part::Functions, message });
        }
        gaps
    }

    async fn read_all_routes(
        &mut self,
        due: Vec<FunctionRef>,
        all: &BTreeSet<FunctionRef>,
        errors: &mut Vec<ApiError>,
    ) {
        let reads = Arc::clone(&self.reads);
        let answers = stream::iter(due).map(|function| async {
            let answer = reads.routes(&function).await;
            (function, answer)
        });
        let mut answers = pin!(answers.buffered(READS_AT_ONCE));
        while let Some((function, answer)) = answers.next().await {
            match answer {
                Ok(routes) => self.versions.note_routes(&function, routes),
                Err(error) => {
                    self.versions.note_refusal(&function, &error);
                    errors.push(error);
                }
            }
        }
        for version in self.versions.unknown(all) {
            match reads.function(&version).await {
                Ok(observation) => self.versions.note_younger(version, &observation),
                Err(error) => errors.push(error),
            }
        }
    }
}
