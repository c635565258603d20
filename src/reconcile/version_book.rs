//! What this process knows of versions and aliases: the list of all versions, made anew beside the passes so that a long
//! one never holds up a repair, and the aliases of those functions whose versions use different interfaces. A cache:
//! losing it costs reads, nothing else (law 8). Says of what counts nothing but what the domain says.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use super::ports::{ApiError, Partial, Reads};
use crate::domain::error_class::ErrorClass;
use crate::domain::function::{FunctionConfiguration, FunctionObservation, FunctionRef, VpcConfig};
use crate::domain::ids::NetworkInterfaceId;
use crate::domain::roster::Roster;
use crate::domain::versions::{Routes, counted, is_routed};

/// Once there is one, a list that failed or that something unexplained asks for is not made anew before this: it costs a
/// call for each 50 versions, out of 15 a second for all callers of the region (AWS.md 2, confirmed).
const LISTED_AGAIN_AFTER: Duration = Duration::from_secs(60);

/// Granted permissions take effect within a minute or so, and nobody should wait longer than this for it to be noticed.
const REFUSED_FOR: Duration = Duration::from_secs(2 * 60);

/// How many refusals are told.
const REFUSALS_TOLD: usize = 5;

/// The book.
#[derive(Default)]
pub(super) struct VersionBook {
    roster: Option<Arc<Roster>>,
    /// When it was complete, and when it was begun.
    listed_at: Option<Instant>,
    begun_at: Option<Instant>,
    tried_at: Option<Instant>,
    trouble: Option<String>,
    listing: Option<Listing>,
    /// Interfaces of ours that neither a declared function nor the list explained.
    unexplained: BTreeSet<NetworkInterfaceId>,
    /// By the function's name.
    routes: BTreeMap<Arc<str>, Aliases>,
    doubted: BTreeSet<Arc<str>>,
    /// Functions whose aliases Lambda refused to show: until when not to ask again, and why.
    refused: BTreeMap<Arc<str>, (Instant, String)>,
    /// Versions that aliases lead to and that are younger than the list.
    younger: BTreeMap<FunctionRef, Option<VpcConfig>>,
}

struct Aliases {
    routes: Routes,
    read_at: Instant,
}

/// A list being made; it ends with the book.
struct Listing {
    task: JoinHandle<Partial<(FunctionRef, FunctionConfiguration)>>,
    begun_at: Instant,
    is_urgent: bool,
    /// Whether a pass has waited for it: each list holds up one pass at most.
    was_awaited: bool,
}

impl Drop for Listing {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl VersionBook {
    /// The list as it was last complete.
    pub(super) fn roster(&self) -> Option<&Arc<Roster>> {
        self.roster.as_ref()
    }

    /// The list, if all of it was read after this.
    pub(super) fn roster_since(&self, at: Instant) -> Option<Arc<Roster>> {
        self.roster.clone().filter(|_| self.begun_at.is_some_and(|begun| begun >= at))
    }

    /// Why there is none, or no newer one.
    pub(super) fn trouble(&self) -> Option<String> {
        self.trouble.clone()
    }

    /// Begins the first list, unless it is being made.
    pub(super) fn begin_first(&mut self, reads: &Arc<dyn Reads>) {
        if self.roster.is_none() {
            self.begin(reads, true);
        }
    }

    /// Begins another list when the last is older than this.
    pub(super) fn refresh(&mut self, reads: &Arc<dyn Reads>, refresh: Duration) {
        if self.listed_at.is_none_or(|listed| listed.elapsed() >= refresh) {
            self.begin(reads, false);
        }
    }

    fn begin(&mut self, reads: &Arc<dyn Reads>, is_urgent: bool) {
        let is_first = self.roster.is_none();
        let too_soon = self.tried_at.is_some_and(|tried| tried.elapsed() < LISTED_AGAIN_AFTER) && !is_first;
        if self.listing.is_some() || too_soon {
            return;
        }
        let begun_at = Instant::now();
        self.tried_at = Some(begun_at);
        let reads = Arc::clone(reads);
        let task = tokio::spawn(async move { reads.versions().await });
        self.listing = Some(Listing { task, begun_at, is_urgent, was_awaited: false });
    }

    /// Takes in a list that is ready; one pass waits for the first until then.
    pub(super) async fn harvest(&mut self, until: Instant) {
        let Some(listing) = &mut self.listing else { return };
        let waits = self.roster.is_none() && !std::mem::replace(&mut listing.was_awaited, true);
        if !waits && !listing.task.is_finished() {
            return;
        }
        let begun_at = listing.begun_at;
        let Ok(list) = timeout_at(until, &mut listing.task).await else { return };
        self.listing = None;
        match list {
            Ok(list) => drop(self.note(list, begun_at)),
            Err(error) => self.trouble = Some(format!("the list was broken off: {error}")),
        }
    }

    /// Takes in a list that was begun then; nothing but the reason when it is not complete.
    pub(super) fn note(
        &mut self,
        list: Partial<(FunctionRef, FunctionConfiguration)>,
        begun_at: Instant,
    ) -> Result<Arc<Roster>, String> {
        if let Some(error) = list.errors.first() {
            let why = error.to_string();
            self.trouble = Some(why.clone());
            return Err(why);
        }
        let roster = Arc::new(Roster::of(list.found));
        self.younger.clear();
        (self.listed_at, self.begun_at) = (Some(Instant::now()), Some(begun_at));
        self.trouble = None;
        self.roster = Some(Arc::clone(&roster));
        Ok(roster)
    }

    /// Whether a list is being made that the next pass should not wait a whole poll interval for.
    pub(super) fn is_awaited(&self) -> bool {
        self.listing.as_ref().is_some_and(|listing| listing.is_urgent)
    }

    /// Takes notice of the interfaces that no declared function explains, and begins a list at once if one is new that the
    /// last list does not explain either.
    pub(super) fn note_unexplained<'a>(
        &mut self,
        unexplained: impl Iterator<Item = (&'a NetworkInterfaceId, &'a crate::domain::function::Pair)>,
        reads: &Arc<dyn Reads>,
    ) {
        let Some(roster) = self.roster.clone() else { return };
        let strange = unexplained.filter(|(_, pair)| roster.users_of(pair).is_empty());
        let strange: BTreeSet<NetworkInterfaceId> = strange.map(|(id, _)| id.clone()).collect();
        let has_news = strange.iter().any(|id| !self.unexplained.contains(id));
        if has_news && self.listing.is_none() {
            self.begin(reads, true);
            // Too soon after the last list: what is strange stays news until one was begun for it.
            if self.listing.is_none() {
                return;
            }
        }
        self.unexplained = strange;
    }

    /// From now on the aliases of this function must be read again.
    pub(super) fn doubt(&mut self, name: &Arc<str>) {
        self.doubted.insert(Arc::clone(name));
    }

    /// Forgets functions that are no longer declared.
    pub(super) fn keep_only(&mut self, declared: &BTreeSet<&str>) {
        self.routes.retain(|name, _| declared.contains(&**name));
        self.doubted.retain(|name| declared.contains(&**name));
        self.refused.retain(|name, (until, _)| declared.contains(&**name) && *until > Instant::now());
        self.younger.retain(|version, _| declared.contains(version.name()));
    }

    /// Those of the functions whose aliases must be read, the longest unread first. Without a list nothing is, since
    /// no version could be told from another.
    pub(super) fn due(
        &self,
        functions: impl Iterator<Item = (FunctionRef, bool)>,
        refresh: Duration,
    ) -> Vec<FunctionRef> {
        let mut due: BTreeMap<FunctionRef, Option<Instant>> = BTreeMap::new();
        let may_be_asked = |name: &str| self.roster.is_some() && !self.refused.contains_key(name);
        for (function, depends) in functions.filter(|(function, _)| may_be_asked(function.name())) {
            let known = self.routes.get(function.name()).map(|aliases| aliases.read_at);
            let is_old = known.is_none_or(|read| read.elapsed() >= refresh);
            if self.doubted.contains(function.name()) || (depends && is_old) {
                due.insert(function.unqualified(), known);
            }
        }
        let mut due: Vec<_> = due.into_iter().collect();
        due.sort_by_key(|(_, read)| *read);
        due.into_iter().map(|(function, _)| function).collect()
    }

    /// A refusal is not asked for again at once, since only an operator can help.
    pub(super) fn note_refusal(&mut self, function: &FunctionRef, error: &ApiError) {
        if error.class == ErrorClass::Denied {
            let until = Instant::now() + REFUSED_FOR;
            self.refused.insert(function.name().into(), (until, error.to_string()));
        }
    }

    /// Why the aliases of some functions are not known, each different reason once.
    pub(super) fn refusals(&self) -> impl Iterator<Item = String> + use<> {
        let told: BTreeSet<String> = self.refused.values().map(|(_, why)| why.clone()).collect();
        told.into_iter().take(REFUSALS_TOLD)
    }

    /// Takes in the aliases of a function.
    pub(super) fn note_routes(&mut self, function: &FunctionRef, routes: Routes) {
        self.doubted.remove(function.name());
        let aliases = Aliases { routes, read_at: Instant::now() };
        self.routes.insert(function.name().into(), aliases);
    }

    /// The versions that the aliases of these functions lead to and that are too young to be known.
    pub(super) fn unknown(&self, functions: &BTreeSet<FunctionRef>) -> Vec<FunctionRef> {
        let Some(roster) = &self.roster else { return Vec::new() };
        let of = |function: &FunctionRef| {
            let aliases = self.routes.get(function.name()).into_iter();
            let numbers: BTreeSet<u64> =
                aliases.flat_map(|aliases| aliases.routes.values().flatten().copied()).collect();
            let function = function.clone();
            numbers.into_iter().map(move |number| function.at_version(number))
        };
        let versions = functions.iter().flat_map(of);
        versions
            .filter(|version| roster.version(version).is_none() && !self.younger.contains_key(version))
            .collect()
    }

    /// Takes in a version that is younger than the list.
    pub(super) fn note_younger(&mut self, version: FunctionRef, observation: &FunctionObservation) {
        let vpc = match observation {
            FunctionObservation::Known(shown) if !shown.on_capacity_provider => shown.vpc.clone(),
            _ => None,
        };
        self.younger.insert(version, vpc);
    }

    /// The settings of the published versions of a declared function that count.
    pub(super) fn counted(
        &self,
        function: &FunctionRef,
        versions: crate::domain::versions::Versions,
    ) -> BTreeMap<u64, VpcConfig> {
        let Some(roster) = &self.roster else { return BTreeMap::new() };
        let routes = self.routes.get(function.name()).filter(|_| is_routed(function, versions));
        let numbers = counted(function, versions, roster, routes.map(|aliases| &aliases.routes));
        let settings = numbers.into_iter().filter_map(|number| {
            let version = function.at_version(number);
            let known = roster.version(&version).map(|vpc| vpc.cloned());
            let vpc = known.or_else(|| self.younger.get(&version).cloned()).flatten();
            Some((number, vpc?))
        });
        settings.collect()
    }
}
