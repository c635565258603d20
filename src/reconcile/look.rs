//! A look at one corner of a target: reads what a hint may concern and nothing else, and makes of it a small desired and
//! a small observed state of its own, so that the planner and the audit judge a corner as they judge the whole. What it
//! did not read is in neither, so that nothing is concluded from its absence (law 7).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::known::{Corner, Known};
use super::observe::{Blind, Observer, gaps};
use super::ports::{Partial, Shown};
use super::recent::RecentWrites;
use crate::domain::desired::{Desired, DesiredFunction, Pool};
use crate::domain::function::{FunctionObservation, FunctionRef, Pair};
use crate::domain::ids::{AllocationId, NetworkInterfaceId, PoolName};
use crate::domain::leave::Leave;
use crate::domain::observed::{Address, Gap, Interface, Observed, Part};

/// Several times what Lambda takes to answer for a few functions while it throttles nobody.
const FUNCTIONS_WITHIN: Duration = Duration::from_secs(3);

/// What a look saw.
pub(super) struct Look {
    /// The functions, pools and addresses of the corner.
    pub(super) desired: Desired,
    /// What was read, and nothing else.
    pub(super) observed: Observed,
    /// Interfaces that were asked for and are none of Lambda's.
    pub(super) strangers: BTreeSet<NetworkInterfaceId>,
    /// When the interfaces were read.
    pub(super) at: Instant,
    /// What could not be read.
    pub(super) gaps: Vec<Gap>,
    /// EC2 was asked, and answered nothing.
    is_blind: bool,
    corner: Corner,
}

impl Observer {
    /// Looks at a corner. Interfaces and addresses are read side by side where it is known beforehand which.
    pub(super) async fn look(
        &mut self,
        known: &mut Known,
        mut corner: Corner,
        recent: &mut RecentWrites,
    ) -> Look {
        let at = self.clock.now();
        let mut gaps = self.look_at_functions(known, &mut corner).await;
        let mut is_found = true;
        if corner.searches {
            let all = self.addresses_of(&known.desired.allocations()).await;
            known.add_moved(&all, &mut corner);
            is_found = is_answered(&all);
            gaps.extend(self::gaps(Part::Addresses, &all.errors));
        }
        let looked_at = Instant::now();
        let (sought, mut addresses) =
            tokio::join!(self.interfaces_of(&corner), self.addresses_of(&corner.addresses));
        let (mut interfaces, mut strangers) = sought.apart();
        self.add_rivals(known, &mut corner, &mut interfaces, &mut strangers).await;
        let read = corner.addresses.clone();
        for interface in &interfaces.found {
            known.add_candidates(&interface.pair, &mut corner);
            corner.addresses.extend(known.declared_on(&interface.id));
            corner.addresses.extend(shown(interface).filter(|allocation| known.declares(allocation)));
        }
        let more: BTreeSet<AllocationId> = corner.addresses.difference(&read).cloned().collect();
        addresses.add(self.addresses_of(&more).await);
        let is_blind = corner.is_unanswered(&interfaces, &addresses) || !is_found;
        gaps.extend(self::gaps(Part::Interfaces, &interfaces.errors));
        gaps.extend(self::gaps(Part::Addresses, &addresses.errors));
        interfaces.found.sort_by(|one, other| one.id.cmp(&other.id));
        interfaces.found.dedup_by(|one, other| one.id == other.id);
        recent.end_undone(
            |id| interfaces.found.iter().find(|shown| shown.id == *id),
            |allocation| shown_of(&corner.addresses, &addresses, allocation),
        );
        let mut recent_writes = recent.at(at);
        if interfaces.errors.is_empty() {
            recent_writes.retain(|id, _| {
                may_be_there(id, known, &corner, |id| interfaces.found.iter().any(|shown| shown.id == *id))
            });
        }
        let desired = desired_of(known, &corner, &interfaces.found);
        let functions = desired
            .functions
            .keys()
            .filter_map(|function| Some((function.clone(), known.observed.functions.get(function)?.clone())));
        let unseen = Gap { part: Part::Interfaces, message: "only a corner was looked at".to_owned() };
        let observed = Observed {
            at,
            account: known.observed.account.clone(),
            functions: functions.collect(),
            interfaces: interfaces.found.into_iter().map(|i| (i.id.clone(), i)).collect(),
            addresses: addresses.found.into_iter().map(|a| (a.allocation.clone(), a)).collect(),
            recent_writes,
            refused: recent.refused(at),
            retired: BTreeSet::new(),
            network: Arc::clone(&known.observed.network),
            leave: Leave::default(),
            remarks: Vec::new(),
            roster: known.observed.roster.clone(),
            roster_trouble: None,
            gaps: gaps.iter().cloned().chain([unseen]).collect(),
        };
        Look { desired, observed, strangers, at: looked_at, gaps, is_blind, corner }
    }

    /// Reads the corner's functions first, for they tell where their interfaces are.
    async fn look_at_functions(&mut self, known: &mut Known, corner: &mut Corner) -> Vec<Gap> {
        if corner.functions.is_empty() {
            return Vec::new();
        }
        let mut gaps = self.read_soon(corner.functions.iter().cloned().collect()).await;
        gaps.extend(self.read_versions_of(&known.desired, &corner.functions).await);
        // What they used until now may just have been left.
        add_pairs(known, corner);
        known.note_functions(self.book.observations(corner.functions.iter()));
        add_pairs(known, corner);
        gaps
    }

    /// Looks besides at whoever comes before what turned out to be bare, and waits for the same. What comes before those in
    /// turn is not looked for: what it is known to wait for is not given.
    async fn add_rivals(
        &self,
        known: &Known,
        corner: &mut Corner,
        interfaces: &mut Partial<Interface>,
        strangers: &mut BTreeSet<NetworkInterfaceId>,
    ) {
        let read = corner.interfaces.clone();
        for bare in interfaces.found.iter().filter(|interface| interface.associations.is_empty()) {
            known.add_rivals(&bare.pair, corner);
        }
        let seen: BTreeSet<&NetworkInterfaceId> = interfaces.found.iter().map(|found| &found.id).collect();
        let late = corner.interfaces.difference(&read).filter(|id| !seen.contains(*id));
        let late: BTreeSet<NetworkInterfaceId> = late.cloned().collect();
        if !late.is_empty() {
            let (found, others) = self.reads.interfaces_of(&late).await.apart();
            interfaces.add(found);
            strangers.extend(others);
        }
    }

    /// Reads functions, but not for long: what waits behind this look may be an interface without its address.
    pub(super) async fn read_soon(&mut self, functions: Vec<FunctionRef>) -> Vec<Gap> {
        let read = timeout(FUNCTIONS_WITHIN, self.read_in_detail(functions)).await;
        read.unwrap_or_else(|_| {
            let message = format!("no function was read within {} s", FUNCTIONS_WITHIN.as_secs());
            vec![Gap { part: Part::Functions, message }]
        })
    }

    async fn interfaces_of(&self, corner: &Corner) -> Partial<Shown> {
        let by_id = async {
            match corner.interfaces.is_empty() {
                true => Partial::default(),
                false => self.reads.interfaces_of(&corner.interfaces).await,
            }
        };
        let by_pair = async {
            match corner.pairs.is_empty() {
                true => Partial::default(),
                false => self.reads.interfaces_with(&corner.pairs).await,
            }
        };
        let (mut all, of_pairs) = tokio::join!(by_id, by_pair);
        all.found.extend(of_pairs.found.into_iter().map(Shown::OfLambda));
        all.errors.extend(of_pairs.errors);
        all
    }

    async fn addresses_of(&self, ids: &BTreeSet<AllocationId>) -> Partial<Address> {
        match ids.is_empty() {
            true => Partial::default(),
            false => self.reads.addresses(ids).await,
        }
    }
}

/// The pairs that the corner's functions use, and what their interfaces may be given.
fn add_pairs(known: &Known, corner: &mut Corner) {
    let functions: Vec<FunctionRef> = corner.functions.iter().cloned().collect();
    for function in functions {
        if let Some(FunctionObservation::Known(configuration)) = known.observed.functions.get(&function) {
            for pair in configuration.pairs() {
                known.add_candidates(&pair, corner);
                known.add_rivals(&pair, corner);
                corner.pairs.insert(pair);
            }
        }
    }
}

/// Whether an interface may still be there: as with a whole list, one that was asked for and is not shown holds nothing back.
fn may_be_there(
    id: &NetworkInterfaceId,
    known: &Known,
    corner: &Corner,
    is_shown: impl Fn(&NetworkInterfaceId) -> bool,
) -> bool {
    is_shown(id) || known.observed.interfaces.get(id).is_some_and(|seen| !corner.asks_for(seen))
}

impl Corner {
    /// Whether EC2 was asked for something and answered nothing.
    fn is_unanswered(&self, interfaces: &Partial<Interface>, addresses: &Partial<Address>) -> bool {
        let asks_for_interfaces = !(self.interfaces.is_empty() && self.pairs.is_empty());
        let asks_for_addresses = !self.addresses.is_empty();
        (asks_for_interfaces || asks_for_addresses)
            && !(asks_for_interfaces && is_answered(interfaces))
            && !(asks_for_addresses && is_answered(addresses))
    }
}

/// What was read of an address; nothing when it was not asked for, or the answer is not whole.
fn shown_of<'a>(
    asked: &BTreeSet<AllocationId>,
    read: &'a Partial<Address>,
    allocation: &AllocationId,
) -> Option<Option<&'a Address>> {
    let shown = read.found.iter().find(|address| address.allocation == *allocation);
    (shown.is_some() || asked.contains(allocation) && read.errors.is_empty()).then_some(shown)
}

fn is_answered<T>(read: &Partial<T>) -> bool {
    read.errors.is_empty() || !read.found.is_empty()
}

fn shown(interface: &Interface) -> impl Iterator<Item = AllocationId> {
    interface.associations.iter().filter_map(|association| association.allocation.clone())
}

/// The desired state of the corner: every declared function that uses a pair of its interfaces, by whatever version,
/// each pool with those of
/// its addresses that were asked for.
fn desired_of(known: &Known, corner: &Corner, interfaces: &[Interface]) -> Desired {
    let mut users: BTreeSet<&FunctionRef> = interfaces.iter().flat_map(|i| known.users_of(&i.pair)).collect();
    // Whoever is declared is no stranger, though it may use the interface by a version that does not count.
    if let Some(roster) = &known.observed.roster {
        let versions = interfaces.iter().flat_map(|interface| roster.users_of(&interface.pair));
        users.extend(versions.flat_map(|version| known.desired.of_name(version)));
    }
    let declared = |function: &&FunctionRef| known.desired.functions.get(*function);
    let functions: BTreeMap<FunctionRef, DesiredFunction> = users
        .iter()
        .filter_map(|function| Some(((*function).clone(), declared(function)?.clone())))
        .collect();
    let names: BTreeSet<&PoolName> = functions.values().map(|function| &function.pool).collect();
    let pools = names.into_iter().filter_map(|name| {
        let pool = known.desired.pools.get(name)?;
        let asked = corner.addresses.iter().filter(|allocation| pool.allocations.contains(*allocation));
        let allocations = Arc::new(asked.cloned().collect());
        Some((name.clone(), Pool { allocations, ..pool.clone() }))
    });
    Desired { pools: pools.collect(), functions }
}

impl Look {
    /// Nothing is concluded where EC2 was asked and answered nothing.
    pub(super) fn or_blind(self) -> Result<Self, Blind> {
        match self.is_blind {
            true => Err(Blind(self.gaps.into_iter().map(|gap| gap.message).collect())),
            false => Ok(self),
        }
    }

    /// Whether an interface may be there, by what was known and what this look asked for.
    pub(super) fn may_be_there(&self, id: &NetworkInterfaceId, known: &Known) -> bool {
        may_be_there(id, known, &self.corner, |id| self.observed.interfaces.contains_key(id))
    }

    /// The pairs that the corner's functions use.
    pub(super) fn pairs(&self) -> BTreeSet<Pair> {
        let known = self.observed.functions.values().filter_map(|function| match function {
            FunctionObservation::Known(configuration) => Some(configuration.pairs()),
            FunctionObservation::NotFound | FunctionObservation::Unknown => None,
        });
        known.flatten().collect()
    }

    /// The whole target as it is known with this look: what was asked for and not shown is gone, unless a read failed.
    pub(super) fn into_whole(self, known: Known) -> Observed {
        let mut whole = known.observed;
        let failed = |part: Part| self.gaps.iter().any(|gap| gap.part == part);
        if !failed(Part::Interfaces) {
            whole.interfaces.retain(|_, interface| !self.corner.asks_for(interface));
        }
        if !failed(Part::Addresses) {
            whole.addresses.retain(|allocation, _| !self.corner.addresses.contains(allocation));
        }
        whole.interfaces.extend(self.observed.interfaces);
        whole.addresses.extend(self.observed.addresses);
        whole.recent_writes = self.observed.recent_writes;
        whole.retired.clear();
        whole.leave.unneeded.clear();
        whole.at = self.observed.at;
        whole
    }
}
