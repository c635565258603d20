//! The target as it was last seen, indexed for looks at one corner of it: which interfaces, addresses and functions a
//! hint may concern, and which addresses are likely to be free. Says where to look, never what is there: a look reads
//! everything anew that a change rests on.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use super::pass::Orders;
use super::ports::Partial;
use crate::domain::action::Action;
use crate::domain::declared::Declared;
use crate::domain::desired::Desired;
use crate::domain::function::{FunctionObservation, FunctionRef, Pair};
use crate::domain::hint::{Hint, Hints};
use crate::domain::ids::{AllocationId, NetworkInterfaceId, PoolName};
use crate::domain::index::{Index, index_for};
use crate::domain::observed::{Address, AddressAssociation, Interface, InterfaceStatus, Observed, Part};
use crate::domain::plan::{InterfacePlan, Plan, Verdict, plan};
use crate::domain::priority::Priority;
use crate::domain::reason::Reason;

/// EC2's filters take at most 200 values (AWS.md 2, confirmed): so one call reads what a look may give.
const ADDRESSES_MAX: usize = 200;

/// Who waits for an address is served by a look up to this number; what is beyond is the next pass's.
const TAKERS_MAX: usize = 100;

/// The last sight of a target.
pub(super) struct Known {
    declared: Arc<Declared>,
    /// What the declaration amounted to when everything was looked at.
    pub(super) desired: Arc<Desired>,
    pub(super) observed: Observed,
    users: Index<Pair, Vec<FunctionRef>>,
    /// The addresses that neither view showed in use, pool by pool.
    free: BTreeMap<PoolName, Vec<AllocationId>>,
    /// Where the interfaces' side shows an address.
    shown_on: Index<AllocationId, NetworkInterfaceId>,
    /// What addresses say to be on an interface.
    claimed_by: Index<NetworkInterfaceId, AllocationId>,
    /// The interfaces that have no address of their set, those of higher priority first.
    uncovered: Vec<Uncovered>,
}

struct Uncovered {
    id: NetworkInterfaceId,
    pair: Pair,
    priority: Priority,
    turn: Turn,
    /// Whether nothing but the want of an address is known to stand against its being served.
    waits: bool,
}

/// Who is served first, the least first: what serves and has a way out, and of that what has the highest priority.
type Turn = (bool, bool, Reverse<Priority>);

fn turn(interface: &InterfacePlan) -> Turn {
    let is_waiting = interface.status != InterfaceStatus::InUse;
    (is_waiting, interface.dead_end.is_some(), Reverse(interface.priority))
}

fn waits(verdict: &Verdict) -> bool {
    match verdict {
        Verdict::Covered(..) => false,
        Verdict::Gets(..) => true,
        Verdict::Uncovered(reason) => {
            reason.is_want_of_addresses() || matches!(reason, Reason::ObservationIncomplete)
        }
    }
}

/// What a look reads.
#[derive(Default, Debug)]
pub(super) struct Corner {
    pub(super) functions: BTreeSet<FunctionRef>,
    pub(super) interfaces: BTreeSet<NetworkInterfaceId>,
    /// Of these every interface is read.
    pub(super) pairs: BTreeSet<Pair>,
    pub(super) addresses: BTreeSet<AllocationId>,
    /// Whether every declared address is read, to see which of them have moved.
    pub(super) searches: bool,
}

/// How things stand with what a hint is about, by the last sight.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Standing {
    /// The interface, if it was shown.
    Interface(Option<Interface>),
    /// What the address said of itself, if it was shown, and which interface showed it.
    Address(Option<Option<AddressAssociation>>, Option<NetworkInterfaceId>),
    /// What all addresses said of themselves, as one number.
    Addresses(u64),
    /// Nothing to compare.
    Untold,
}

impl Standing {
    /// Whether both views say the same of where it is: if they do not, one of them lags (law 11).
    pub(super) fn is_agreed(&self) -> bool {
        match self {
            Self::Address(by_itself, shown_on) => {
                let claimed = by_itself.as_ref().and_then(|bond| bond.as_ref()?.interface.as_ref());
                claimed == shown_on.as_ref()
            }
            Self::Interface(_) | Self::Addresses(_) | Self::Untold => true,
        }
    }
}

/// How things stood with what the hints are about before it was first looked at. Two reads of one moment may be of
/// different ages, so that what one look shows as changed the next may show as it was.
#[derive(Default)]
pub(super) struct Before(BTreeMap<Hint, Standing>);

impl Before {
    pub(super) fn note(&mut self, hints: &Hints, known: &Known) {
        for hint in hints.0.keys() {
            self.0.entry(hint.clone()).or_insert_with(|| known.standing(hint));
        }
    }

    pub(super) fn get(&self, hint: &Hint) -> Option<&Standing> {
        self.0.get(hint)
    }

    /// Forgets what is not looked at again.
    pub(super) fn keep_only(&mut self, is_awaited: impl Fn(&Hint) -> bool) {
        self.0.retain(|hint, _| is_awaited(hint));
    }
}

impl Corner {
    /// Whether the interface would be shown if it were still there.
    pub(super) fn asks_for(&self, interface: &Interface) -> bool {
        self.interfaces.contains(&interface.id) || self.pairs.contains(&interface.pair)
    }
}

impl Known {
    pub(super) fn new(
        declared: Arc<Declared>,
        desired: Arc<Desired>,
        observed: Observed,
        plan: &Plan,
    ) -> Self {
        let mut shown_on = index_for(observed.addresses.len());
        let mut claimed_by = index_for(observed.addresses.len());
        for interface in observed.interfaces.values() {
            let shown = interface.associations.iter().filter_map(|shown| shown.allocation.clone());
            shown_on.extend(shown.map(|allocation| (allocation, interface.id.clone())));
        }
        for address in observed.addresses.values() {
            let on = address.association.as_ref().and_then(|association| association.interface.clone());
            claimed_by.extend(on.map(|interface| (interface, address.allocation.clone())));
        }
        let is_free = |allocation: &&AllocationId| {
            let unused = observed
                .addresses
                .get(*allocation)
                .is_some_and(|address| address.association.is_none() && address.managed_by.is_none());
            unused && !shown_on.contains_key(*allocation)
        };
        let free = desired
            .pools
            .iter()
            .map(|(name, pool)| (name.clone(), pool.allocations.iter().filter(is_free).cloned().collect()));
        let free = free.collect();
        let lacking = plan.interfaces.iter().filter(|interface| match &interface.verdict {
            Verdict::Covered(..) => false,
            // What was given since the plan was made was read back.
            Verdict::Gets(allocation, _) => shown_on.get(allocation) != Some(&interface.network_interface_id),
            Verdict::Uncovered(_) => true,
        });
        let lacking = lacking.map(|interface| Uncovered {
            id: interface.network_interface_id.clone(),
            pair: interface.pair.clone(),
            priority: interface.priority,
            turn: turn(interface),
            waits: waits(&interface.verdict),
        });
        let mut uncovered: Vec<Uncovered> = lacking.collect();
        uncovered.sort_by_key(|interface| Reverse(interface.priority));
        let users = users(&desired, &observed.functions);
        Self { declared, desired, observed, users, free, shown_on, claimed_by, uncovered }
    }

    /// What was desired, and what was seen.
    pub(super) fn into_parts(self) -> (Arc<Desired>, Observed) {
        (self.desired, self.observed)
    }

    /// Whether it was seen by these orders.
    pub(super) fn is_of(&self, orders: &Orders) -> bool {
        let is_account = orders.account.as_ref().is_none_or(|account| *account == self.observed.account);
        is_account && self.declared == orders.declared
    }

    /// How things stand with what a hint is about.
    pub(super) fn standing(&self, hint: &Hint) -> Standing {
        match hint {
            Hint::Interface(id, _) => Standing::Interface(self.observed.interfaces.get(id).cloned()),
            Hint::Address(allocation) => {
                let address = self.observed.addresses.get(allocation);
                let by_itself = address.map(|address| address.association.clone());
                Standing::Address(by_itself, self.shown_on.get(allocation).cloned())
            }
            Hint::Any(Part::Addresses) => {
                let mut hasher = DefaultHasher::new();
                let bonds = self.observed.addresses.values();
                bonds.for_each(|address| (&address.allocation, &address.association).hash(&mut hasher));
                Standing::Addresses(hasher.finish())
            }
            Hint::Function(_) | Hint::Any(_) | Hint::Selection(_) => Standing::Untold,
        }
    }

    /// Where the hints point: first what they name, and as far as there is room what it may be given.
    pub(super) fn corner(&self, hints: &Hints) -> Corner {
        let mut corner = Corner::default();
        for hint in hints.0.keys() {
            match hint {
                Hint::Interface(id, _) => {
                    corner.interfaces.insert(id.clone());
                    self.carried_by(id).for_each(|allocation| self.add_address(&allocation, &mut corner));
                }
                Hint::Address(allocation) => self.add_address(allocation, &mut corner),
                Hint::Function(name) => {
                    let named = self.desired.functions.keys().filter(|function| function.name() == &**name);
                    corner.functions.extend(named.cloned());
                }
                Hint::Any(_) => corner.searches = true,
                // Only a look at everything tells what is selected.
                Hint::Selection(_) => {}
            }
        }
        for hint in hints.0.keys() {
            if let Hint::Interface(id, told) = hint {
                let seen = self.observed.interfaces.get(id).map(|interface| &interface.pair);
                if let Some(pair) = seen.or(told.as_ref()) {
                    self.add_candidates(pair, &mut corner);
                    self.add_rivals(pair, &mut corner);
                }
            }
        }
        corner
    }

    /// Adds the addresses that are no longer where they were seen.
    pub(super) fn add_moved(&self, addresses: &Partial<Address>, corner: &mut Corner) {
        let now: Index<&AllocationId, &Address> =
            addresses.found.iter().map(|address| (&address.allocation, address)).collect();
        let is_whole = addresses.errors.is_empty();
        for allocation in self.desired.allocations() {
            let before = self.observed.addresses.get(&allocation).map(|address| &address.association);
            let moved = match now.get(&allocation) {
                Some(address) => before != Some(&address.association),
                None => is_whole && before.is_some(),
            };
            if moved {
                self.add_address(&allocation, corner);
            }
        }
    }

    /// The names of the declared functions, each with whether one of that name is changing.
    pub(super) fn names(&self) -> BTreeMap<&str, bool> {
        let mut names = BTreeMap::new();
        for function in self.desired.functions.keys() {
            let observation = self.observed.functions.get(function);
            let is_changing =
                matches!(observation, Some(FunctionObservation::Known(shown)) if shown.is_changing());
            *names.entry(function.name()).or_default() |= is_changing;
        }
        names
    }

    /// Whether a declared function of this name is changing.
    pub(super) fn is_changing(&self, name: &str) -> bool {
        self.names().get(name).copied().unwrap_or(false)
    }

    /// The declared functions that use a pair, as they were last read.
    pub(super) fn users_of(&self, pair: &Pair) -> &[FunctionRef] {
        self.users.get(pair).map_or(&[], Vec::as_slice)
    }

    /// Takes in functions that were read again.
    pub(super) fn note_functions(&mut self, functions: BTreeMap<FunctionRef, FunctionObservation>) {
        self.observed.functions.extend(functions);
        self.users = users(&self.desired, &self.observed.functions);
    }

    /// Adds what an interface of this pair may be given, as far as it seems to be free.
    pub(super) fn add_candidates(&self, pair: &Pair, corner: &mut Corner) {
        let pools = self.users_of(pair).iter().filter_map(|function| self.desired.functions.get(function));
        for declared in pools {
            for allocation in self.free.get(&declared.pool).into_iter().flatten() {
                if corner.addresses.len() >= ADDRESSES_MAX {
                    return;
                }
                corner.addresses.insert(allocation.clone());
            }
        }
    }

    /// Adds the interfaces that wait for an address of the same pools and are served before one of this pair.
    pub(super) fn add_rivals(&self, pair: &Pair, corner: &mut Corner) {
        let declared =
            |pair| self.users_of(pair).iter().filter_map(|function| self.desired.functions.get(function));
        let Some(own) = declared(pair).map(|function| function.priority).max() else { return };
        let pools: BTreeSet<&PoolName> = declared(pair).map(|function| &function.pool).collect();
        let before = self.uncovered.iter().take_while(|interface| interface.priority > own);
        let rivals = before.filter(|i| declared(&i.pair).any(|function| pools.contains(&function.pool)));
        corner.interfaces.extend(rivals.take(TAKERS_MAX).map(|interface| interface.id.clone()));
    }

    /// What is to be done in a corner. What comes before by its priority and was not looked at is not thereby served (law 7):
    /// nothing is given that it is known to wait for, and the pass over everything that follows decides.
    pub(super) fn plan_corner(&self, desired: &Desired, observed: &Observed) -> Plan {
        let mut plan = plan(desired, observed);
        let turns: BTreeMap<NetworkInterfaceId, Turn> =
            plan.interfaces.iter().map(|i| (i.network_interface_id.clone(), turn(i))).collect();
        let is_next = |action: &Action| {
            let Some(own) = turns.get(&action.network_interface_id) else { return true };
            !self.uncovered.iter().any(|other| {
                other.waits
                    && other.turn < *own
                    && !observed.interfaces.contains_key(&other.id)
                    && self.could_be_given(&other.pair, &action.allocation_id)
            })
        };
        plan.actions.retain(is_next);
        plan
    }

    fn could_be_given(&self, pair: &Pair, allocation: &AllocationId) -> bool {
        let mut pools = self.users_of(pair).iter().map(|function| {
            self.desired.functions.get(function).and_then(|f| self.desired.pools.get(&f.pool))
        });
        pools.all(|pool| pool.is_some_and(|pool| pool.allocations.contains(allocation)))
    }

    fn add_address(&self, allocation: &AllocationId, corner: &mut Corner) {
        if !self.declares(allocation) {
            return;
        }
        corner.addresses.insert(allocation.clone());
        corner.interfaces.extend(self.carriers_of(allocation).cloned());
        let waits = self.uncovered.iter().filter(|interface| self.may_carry(&interface.pair, allocation));
        corner.interfaces.extend(waits.take(TAKERS_MAX).map(|interface| interface.id.clone()));
    }

    /// The interfaces that either view showed with this address.
    pub(super) fn carriers_of<'a>(
        &'a self,
        allocation: &AllocationId,
    ) -> impl Iterator<Item = &'a NetworkInterfaceId> + use<'a> {
        let address = self.observed.addresses.get(allocation);
        let claimed = address.and_then(|address| address.association.as_ref()?.interface.as_ref());
        self.shown_on.get(allocation).into_iter().chain(claimed)
    }

    fn may_carry(&self, pair: &Pair, allocation: &AllocationId) -> bool {
        self.users_of(pair).iter().any(|function| {
            let pool = self.desired.functions.get(function).and_then(|f| self.desired.pools.get(&f.pool));
            pool.is_some_and(|pool| pool.allocations.contains(allocation))
        })
    }

    fn carried_by(&self, id: &NetworkInterfaceId) -> impl Iterator<Item = AllocationId> {
        let interface = self.observed.interfaces.get(id);
        let shown = interface.into_iter().flat_map(|i| &i.associations).filter_map(|a| a.allocation.clone());
        shown.chain(self.claimed_by.get(id).cloned())
    }

    /// The declared addresses that either view showed on an interface.
    pub(super) fn declared_on(&self, id: &NetworkInterfaceId) -> impl Iterator<Item = AllocationId> {
        self.carried_by(id).filter(|allocation| self.declares(allocation))
    }

    pub(super) fn declares(&self, allocation: &AllocationId) -> bool {
        self.desired.pools.values().any(|pool| pool.allocations.contains(allocation))
    }
}

fn users(
    desired: &Desired,
    functions: &BTreeMap<FunctionRef, FunctionObservation>,
) -> Index<Pair, Vec<FunctionRef>> {
    let mut users: Index<Pair, Vec<FunctionRef>> = Index::default();
    for function in desired.functions.keys() {
        if let Some(FunctionObservation::Known(configuration)) = functions.get(function) {
            for pair in configuration.pairs() {
                users.entry(pair).or_default().push(function.clone());
            }
        }
    }
    users
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::scenario::{World, alloc, eni, groups, number, subnet};

    #[test]
    fn a_look_for_a_new_interface_includes_whoever_is_served_before_it() {
        let world = World::new()
            .pool("p", &[1], 0)
            .pool("q", &[2], 0)
            .function("high", "p", &[1], &[1])
            .function("low", "p", &[2], &[1])
            .function("elsewhere", "q", &[3], &[1])
            .priority("high", 10)
            .priority("elsewhere", 10)
            .eni(1, 1, &[1])
            .eni(2, 2, &[1])
            .eni(3, 3, &[1]);
        let (plan, World { desired, observed }) = (world.plan(), world);
        let known = Known::new(Arc::new(Declared::from(&desired)), Arc::new(desired), observed, &plan);
        let looks_at = |in_subnet| {
            let pair = Pair { subnet: subnet(in_subnet), security_groups: groups(&[1]) };
            let hint = Hint::Interface(eni(9), Some(pair));
            known.corner(&Hints([(hint, None)].into()))
        };
        let corner = looks_at(2);
        assert_eq!(corner.interfaces, [eni(1), eni(9)].into());
        assert_eq!(corner.addresses, [alloc(1)].into());
        assert_eq!(looks_at(1).interfaces, [eni(9)].into(), "nobody comes before it");
    }

    /// `high` before `low`, with one address for both.
    fn short(change: impl Fn(World) -> World) -> World {
        let world = World::new()
            .pool("p", &[1], 0)
            .function("high", "p", &[1], &[1])
            .function("low", "p", &[2], &[1])
            .priority("high", 10)
            .eni(1, 1, &[1])
            .eni(2, 2, &[1]);
        change(world)
    }

    /// Whom a look at `low` alone gives the address, by what is known of the whole.
    fn given_in_corner(world: World) -> Vec<NetworkInterfaceId> {
        let plan = world.plan();
        let mut corner = world.observed.clone();
        corner.interfaces.remove(&eni(1));
        let World { desired, observed } = world;
        let known =
            Known::new(Arc::new(Declared::from(&desired)), Arc::new(desired.clone()), observed, &plan);
        let planned = known.plan_corner(&desired, &corner);
        planned.actions.into_iter().map(|action| action.network_interface_id).collect()
    }

    #[test]
    fn what_waits_and_comes_first_is_not_passed_over_because_a_look_did_not_read_it() {
        assert_eq!(given_in_corner(short(|world| world)), []);
        let denied = |world: World| world.with_eni(1, |shown| shown.denies_internet_gateway = true);
        for (told, change) in [
            (
                "it is covered",
                &(|world: World| world.pool("q", &[7], 0).pool("p", &[1, 7], 0).on(7, 1))
                    as &dyn Fn(World) -> World,
            ),
            ("it does not serve yet", &|world: World| world.waiting(1)),
            ("it has no way out", &|world: World| world.network(&[1, 2], &[1])),
            ("it can carry none", &denied),
            ("it comes after", &|world: World| world.priority("low", 11)),
            ("it is gone", &|mut world: World| {
                world.observed.interfaces.remove(&eni(1));
                world
            }),
        ] {
            assert_eq!(given_in_corner(short(change)), [eni(2)], "{told}");
        }
    }

    #[test]
    fn what_was_given_by_the_pass_itself_waits_no_more() {
        let World { desired, observed } = short(|world| world.pool("p", &[1, 2], 0));
        let planned = plan(&desired, &observed);
        let given = planned.actions.iter().find(|action| action.network_interface_id == eni(1));
        let given = number(&given.expect("there are two addresses").allocation_id);
        let World { desired, observed } = World { desired, observed }.on(given, 1);
        let known = Known::new(Arc::new(Declared::from(&desired)), Arc::new(desired), observed, &planned);
        let left: Vec<_> = known.uncovered.iter().map(|left| left.id.clone()).collect();
        assert_eq!(left, [eni(2)]);
    }
}
