//! Checks every planned change against the facts once more before anything is carried out (law 6), in the plainest way:
//! who uses the interface, what may it carry, is it bare, is the address free. Shares no function with the planner
//! and knows nothing of how a plan is found, so that a mistake in one of the two is a refusal and not an outage.
//! Never mends a plan, and of better ones asks only whether somebody's priority was passed over.

mod disruption;
mod turn;

use std::collections::{BTreeMap, BTreeSet};
use std::hash::Hash;
use std::net::IpAddr;

use smallvec::SmallVec;

use super::action::{Action, ActionKind};
use super::desired::{Allocations, Desired, DesiredFunction, PinPlace, Pool};
use super::function::{
    FunctionConfiguration, FunctionObservation, FunctionRef, Pair, SecurityGroups, VpcConfig,
};
use super::ids::{AccountId, AllocationId, NetworkInterfaceId, PoolName, SubnetId};
use super::index::{Index, index_for};
pub use super::objection::{Objection, Violation};
use super::observed::{Address, Interface, InterfaceStatus, Observed, Part};
use super::policy::BystanderPolicy;
use super::priority::Priority;

/// Every objection to the actions, in their order; none means that they may be carried out.
#[must_use]
pub fn audit(desired: &Desired, observed: &Observed, actions: &[Action]) -> Vec<Violation> {
    if actions.is_empty() {
        return Vec::new();
    }
    let mut files = Files {
        observed,
        account: &observed.account,
        interfaces: Register::with_capacity(actions.len()),
        addresses: Register::with_capacity(actions.len()),
        unnamed: Index::default(),
        users: users(desired, observed),
        pools: &desired.pools,
        functions: &desired.functions,
        strangers: strangers(desired, observed),
        unread: unread(desired, observed),
        passed_over: Vec::new(),
    };
    let numbers: Vec<(usize, usize)> = actions.iter().map(|action| files.open(action)).collect();
    files.see_pools(desired);
    files.see(observed);
    files.passed_over = files.pass_over(desired, observed);
    let mut violations = Vec::new();
    for (action, numbers) in actions.iter().zip(numbers) {
        for objection in files.examine(action, numbers) {
            let other = objection.address().and_then(|other| observed.addresses.get(other));
            violations.push(Violation {
                allocation_id: action.allocation_id.clone(),
                public_ip: action.public_ip,
                other_ip: other.map(|address| address.public_ip),
                network_interface_id: action.network_interface_id.clone(),
                objection,
            });
        }
    }
    violations
}

/// What is known of everything that the actions name, and of nothing else.
struct Files<'a> {
    observed: &'a Observed,
    account: &'a AccountId,
    interfaces: Register<NetworkInterfaceId, InterfaceFile<'a>>,
    addresses: Register<AllocationId, AddressFile<'a>>,
    /// Where public addresses are that are shown without their allocation.
    unnamed: Index<IpAddr, &'a NetworkInterfaceId>,
    users: Index<(&'a SubnetId, &'a SecurityGroups), Users<'a>>,
    pools: &'a BTreeMap<PoolName, Pool>,
    functions: &'a BTreeMap<FunctionRef, DesiredFunction>,
    /// An undeclared function for each pair that one uses.
    strangers: Index<(&'a SubnetId, &'a SecurityGroups), &'a FunctionRef>,
    /// The declared addresses that could not be read, with the numbers of their pools.
    unread: BTreeMap<&'a AllocationId, Vec<usize>>,
    passed_over: turn::PassedOver<'a>,
}

/// Files in the order in which they were opened. The index is looked up only, never iterated; it holds the ids
/// themselves, since following a pointer for each comparison is what would cost most.
struct Register<K, F> {
    numbers: Index<K, usize>,
    files: Vec<F>,
}

impl<K: Clone + Eq + Hash, F: Default> Register<K, F> {
    fn with_capacity(files: usize) -> Self {
        Self { numbers: index_for(files), files: Vec::with_capacity(files) }
    }

    /// The number of the file of this name, which is opened if there is none.
    fn open(&mut self, id: &K) -> usize {
        let next = self.files.len();
        let number = *self.numbers.entry(id.clone()).or_insert(next);
        if number == next {
            self.files.push(F::default());
        }
        number
    }

    fn of(&mut self, id: &K) -> Option<&mut F> {
        self.numbers.get(id).map(|number| &mut self.files[*number])
    }
}

#[derive(Default)]
struct InterfaceFile<'a> {
    times_named: usize,
    seen: Option<&'a Interface>,
    /// The addresses that say they are here.
    claimed_by: SmallVec<[&'a AllocationId; 1]>,
    recently_got: Option<&'a AllocationId>,
}

#[derive(Default)]
struct AddressFile<'a> {
    times_named: usize,
    seen: Option<&'a Address>,
    /// An interface that says it carries the address.
    shown_on: Option<&'a NetworkInterfaceId>,
    recently_given_to: Vec<&'a NetworkInterfaceId>,
    /// The number of the first pool that declares it, and of those that do so as well.
    pool: Option<usize>,
    other_pools: Vec<usize>,
}

impl AddressFile<'_> {
    fn declare(&mut self, pool: usize) {
        match self.pool {
            None => self.pool = Some(pool),
            Some(_) => self.other_pools.push(pool),
        }
    }

    fn is_declared_in(&self, pool: usize) -> bool {
        self.pool == Some(pool) || self.other_pools.contains(&pool)
    }
}

/// The declared functions that use one subnet with one set of security groups.
#[derive(Default)]
struct Users<'a> {
    functions: Vec<&'a FunctionRef>,
    /// For each different pool its number, and the first function that is served from it.
    pools: Vec<(Option<usize>, &'a FunctionRef)>,
    pins: Vec<(&'a PinPlace, &'a Allocations, &'a FunctionRef)>,
    /// Those that are served from a pool which may hold more than is known.
    in_part: Vec<&'a FunctionRef>,
    deny_bystanders: bool,
    /// The highest of theirs.
    priority: Priority,
}

impl<'a> Files<'a> {
    fn open(&mut self, action: &Action) -> (usize, usize) {
        let interface = self.interfaces.open(&action.network_interface_id);
        let address = self.addresses.open(&action.allocation_id);
        self.interfaces.files[interface].times_named += 1;
        self.addresses.files[address].times_named += 1;
        (interface, address)
    }

    fn see_pools(&mut self, desired: &Desired) {
        for (number, pool) in desired.pools.values().enumerate() {
            for allocation in pool.allocations.iter() {
                if let Some(file) = self.addresses.of(allocation) {
                    file.declare(number);
                }
            }
        }
    }

    fn see(&mut self, observed: &'a Observed) {
        for interface in observed.interfaces.values() {
            self.see_interface(interface);
        }
        for address in observed.addresses.values() {
            if let Some(file) = self.addresses.of(&address.allocation) {
                file.seen = Some(address);
            }
            let on = address.association.as_ref().and_then(|association| association.interface.as_ref());
            if let Some(file) = on.and_then(|interface| self.interfaces.of(interface)) {
                file.claimed_by.push(&address.allocation);
            }
        }
        for (interface, allocation) in &observed.recent_writes {
            if let Some(file) = self.interfaces.of(interface) {
                file.recently_got = Some(allocation);
            }
            if let Some(file) = self.addresses.of(allocation) {
                file.recently_given_to.push(interface);
            }
        }
    }

    fn see_interface(&mut self, interface: &'a Interface) {
        if let Some(file) = self.interfaces.of(&interface.id) {
            file.seen = Some(interface);
        }
        for association in &interface.associations {
            match (&association.allocation, association.public_ip) {
                (Some(allocation), _) => {
                    if let Some(file) = self.addresses.of(allocation) {
                        file.shown_on = Some(&interface.id);
                    }
                }
                (None, Some(public_ip)) => {
                    self.unnamed.insert(public_ip, &interface.id);
                }
                (None, None) => {}
            }
        }
    }

    fn examine(&self, action: &Action, (interface, number): (usize, usize)) -> Vec<Objection> {
        let mut objections = Vec::new();
        // A further kind of change needs rules of its own: this match is where the compiler asks for them.
        match action.kind {
            ActionKind::Disassociate => return self.examine_removal(action, (interface, number)),
            ActionKind::Replace => self.examine_replacement(action, interface, &mut objections),
            ActionKind::Move => self.examine_source(action, &mut objections),
            ActionKind::Associate => {}
        }
        if action.from.is_some() && action.kind != ActionKind::Move {
            objections.push(Objection::MoveWithoutSource);
        }
        if action.replaces.is_some() && action.kind != ActionKind::Replace {
            objections.push(Objection::LossUnnamed);
        }
        let interface = &self.interfaces.files[interface];
        let address = &self.addresses.files[number];
        if interface.times_named > 1 {
            objections.push(Objection::InterfaceTwice);
        }
        if address.times_named > 1 {
            objections.push(Objection::AddressTwice);
        }
        if address.pool.is_none() {
            objections.push(Objection::Undeclared);
        }
        match interface.seen {
            None => objections.push(Objection::InterfaceUnseen),
            Some(seen) => {
                self.examine_interface(seen, interface, action.replaces.as_ref(), &mut objections);
                self.examine_use(seen, action, address, &mut objections);
                self.examine_turn(seen, number, &mut objections);
            }
        }
        match address.seen {
            None => objections.push(Objection::AddressUnseen),
            Some(seen) => self.examine_address(seen, action, &mut objections),
        }
        if let Some(shown_on) = address.shown_on.filter(|on| Some(*on) != action.from.as_ref()) {
            objections.push(Objection::Held(Some(shown_on.clone())));
        }
        examine_recent(action, interface, address, &mut objections);
        if let (Some(interface), Some(address)) = (interface.seen, address.seen) {
            examine_border_groups(interface, address, &mut objections);
        }
        objections
    }

    fn examine_interface(
        &self,
        interface: &Interface,
        file: &InterfaceFile<'_>,
        loses: Option<&AllocationId>,
        objections: &mut Vec<Objection>,
    ) {
        if interface.owner != *self.account {
            objections.push(Objection::ForeignOwner(interface.owner.clone()));
        }
        if interface.status == InterfaceStatus::Detaching {
            objections.push(Objection::Detaching);
        }
        if interface.denies_internet_gateway {
            objections.push(Objection::DeniesInternetGateway);
        }
        let stays = |allocation: Option<&AllocationId>| loses.is_none() || allocation != loses;
        let mut shown = interface.associations.iter().map(|association| association.allocation.as_ref());
        if let Some(shown) = shown.find(|shown| stays(*shown)) {
            objections.push(Objection::Carries(shown.cloned()));
        }
        if let Some(claims) = file.claimed_by.iter().find(|claims| stays(Some(**claims))) {
            objections.push(Objection::Carries(Some((*claims).clone())));
        }
    }

    fn examine_use(
        &self,
        interface: &Interface,
        action: &Action,
        address: &AddressFile<'_>,
        objections: &mut Vec<Objection>,
    ) {
        let pair = (&interface.pair.subnet, &interface.pair.security_groups);
        let Some(users) = self.users.get(&pair) else {
            objections.push(Objection::Unused);
            return;
        };
        if !users.functions.iter().copied().eq(action.functions.iter()) {
            let functions = users.functions.iter().copied().cloned();
            objections.push(Objection::OtherFunctions(functions.collect()));
        }
        objections.extend(users.in_part.iter().map(|function| Objection::SetUnread((*function).clone())));
        if users.deny_bystanders {
            let stranger = self.strangers.get(&pair).map(|stranger| (*stranger).clone());
            match (stranger, &self.observed.roster) {
                (Some(stranger), _) => objections.push(Objection::Bystander(stranger)),
                (None, None) => objections.push(Objection::BystandersUnknown),
                (None, Some(_)) => {}
            }
        }
        let outside_pool = |pool: &Option<usize>| !pool.is_some_and(|number| address.is_declared_in(number));
        for (pool, function) in &users.pools {
            if outside_pool(pool) {
                objections.push(Objection::OutsideSet((*function).clone()));
            }
        }
        let holds = |place: &PinPlace| match place {
            PinPlace::Subnet(subnet) => *subnet == interface.pair.subnet,
            PinPlace::Zone(zone) => interface.zone_id.as_ref() == Some(zone),
        };
        let zones = users.pins.iter().filter(|(place, ..)| matches!(place, PinPlace::Zone(_)));
        if let (None, Some((_, _, function))) = (&interface.zone_id, zones.into_iter().next()) {
            objections.push(Objection::ZoneUnknown((*function).clone()));
        }
        let pins = || users.pins.iter().filter(|(place, ..)| holds(place));
        for (_, allocations, function) in pins() {
            if !allocations.contains(&action.allocation_id) {
                objections.push(Objection::OutsideSet((*function).clone()));
            }
        }
        let fits = |(id, in_pools): &(&&AllocationId, &Vec<usize>)| {
            users.pools.iter().all(|(pool, _)| pool.is_some_and(|pool| in_pools.contains(&pool)))
                && pins().all(|(_, allocations, _)| allocations.contains(**id))
        };
        if let Some((unread, _)) = self.unread.iter().find(fits) {
            objections.push(Objection::MayCarry((*unread).clone()));
        }
    }

    /// Where an address is taken from: an interface of ours that no declared function and no version uses.
    fn examine_source(&self, action: &Action, objections: &mut Vec<Objection>) {
        let Some(from) = &action.from else {
            objections.push(Objection::MoveWithoutSource);
            return;
        };
        let seen = self.observed.interfaces.get(from).filter(|seen| seen.owner == *self.account);
        let is_used = |pair: &Pair| self.users.contains_key(&(&pair.subnet, &pair.security_groups));
        if self.observed.leave.named.addresses.contains(&action.allocation_id) {
            self.examine_naming(from, objections);
            return;
        }
        if !self.observed.retired.contains(from) || seen.is_none_or(|seen| is_used(&seen.pair)) {
            objections.push(Objection::NotRetired(from.clone()));
        }
    }

    fn examine_address(&self, address: &Address, action: &Action, objections: &mut Vec<Objection>) {
        if address.public_ip != action.public_ip {
            objections.push(Objection::OtherPublicIp(address.public_ip));
        }
        if let Some(service) = &address.managed_by {
            objections.push(Objection::ServiceManaged(service.clone()));
        }
        if let Some(association) = &address.association
            && (action.from.is_none() || association.interface != action.from)
        {
            objections.push(Objection::Held(association.interface.clone()));
        }
        let unnamed = self.unnamed.get(&address.public_ip);
        if let Some(interface) = unnamed.filter(|on| Some(**on) != action.from.as_ref()) {
            objections.push(Objection::Held(Some((*interface).clone())));
        }
    }
}

/// Who uses which pair, from the configurations as Lambda showed them; while an update has not settled, the former
/// one counts as well.
fn users<'a>(
    desired: &'a Desired,
    observed: &'a Observed,
) -> Index<(&'a SubnetId, &'a SecurityGroups), Users<'a>> {
    let numbers: Index<&PoolName, usize> =
        desired.pools.keys().enumerate().map(|(number, name)| (name, number)).collect();
    let mut users: Index<_, Users<'_>> = Index::default();
    for (function, declared) in &desired.functions {
        let Some(FunctionObservation::Known(configuration)) = observed.functions.get(function) else {
            continue;
        };
        let pool = numbers.get(&declared.pool).copied();
        for pair in pairs(configuration) {
            let of_pair = users.entry(pair).or_default();
            if of_pair.functions.last() == Some(&function) {
                continue;
            }
            of_pair.priority = match of_pair.functions.is_empty() {
                true => declared.priority,
                false => of_pair.priority.max(declared.priority),
            };
            of_pair.functions.push(function);
            let is_partial = desired.pools.get(&declared.pool).is_some_and(|pool| pool.is_partial);
            of_pair.in_part.extend(is_partial.then_some(function));
            let policy = desired.pools.get(&declared.pool).map(|pool| pool.bystanders);
            of_pair.deny_bystanders |= policy == Some(BystanderPolicy::Deny);
            if !of_pair.pools.iter().any(|(known, _)| *known == pool) {
                of_pair.pools.push((pool, function));
            }
            let elsewhere = |place: &PinPlace| matches!(place, PinPlace::Subnet(subnet) if subnet != pair.0);
            let pins = declared.pins.iter().filter(|(place, _)| !elsewhere(place));
            of_pair.pins.extend(pins.map(|(place, allocations)| (place, allocations, function)));
        }
    }
    users
}

fn unread<'a>(desired: &'a Desired, observed: &Observed) -> BTreeMap<&'a AllocationId, Vec<usize>> {
    let mut unread: BTreeMap<&AllocationId, Vec<usize>> = BTreeMap::new();
    if observed.gaps.iter().all(|gap| gap.part != Part::Addresses) {
        return unread;
    }
    for (number, pool) in desired.pools.values().enumerate() {
        let unseen = |allocation: &&AllocationId| !observed.addresses.contains_key(*allocation);
        for allocation in pool.allocations.iter().filter(unseen) {
            unread.entry(allocation).or_default().push(number);
        }
    }
    unread
}

fn pairs(configuration: &FunctionConfiguration) -> Vec<(&SubnetId, &SecurityGroups)> {
    let mut settings: Vec<&VpcConfig> = configuration.versions.values().collect();
    if !configuration.on_capacity_provider {
        settings.extend(&configuration.vpc);
        settings.extend(&configuration.former_vpc);
    }
    let pairs =
        settings.iter().flat_map(|vpc| vpc.subnets.iter().map(move |subnet| (subnet, &vpc.security_groups)));
    pairs.collect()
}

/// The functions of the account that no one declared, by the pair that one of their versions uses; looked for only where
/// a pool denies them.
fn strangers<'a>(
    desired: &Desired,
    observed: &'a Observed,
) -> Index<(&'a SubnetId, &'a SecurityGroups), &'a FunctionRef> {
    let mut strangers = Index::default();
    let Some(roster) = observed.roster.as_deref() else { return strangers };
    if desired.pools.values().all(|pool| pool.bystanders != BystanderPolicy::Deny) {
        return strangers;
    }
    let declared: BTreeSet<&str> = desired.functions.keys().map(FunctionRef::name).collect();
    for (version, vpc) in roster.versions() {
        let Some(vpc) = vpc.filter(|_| !declared.contains(version.name())) else { continue };
        for subnet in &vpc.subnets {
            strangers.insert((subnet, &vpc.security_groups), version);
        }
    }
    strangers
}

fn examine_recent(
    action: &Action,
    interface: &InterfaceFile<'_>,
    address: &AddressFile<'_>,
    objections: &mut Vec<Objection>,
) {
    if let Some(other) = interface.recently_got.filter(|other| **other != action.allocation_id) {
        objections.push(Objection::RecentlyGot(other.clone()));
    }
    let elsewhere = address.recently_given_to.iter().find(|other| ***other != action.network_interface_id);
    if let Some(other) = elsewhere {
        objections.push(Objection::RecentlyGivenTo((*other).clone()));
    }
}

/// EC2 associates only within one network border group. A zone of the region is in the group that bears the region's
/// name (`eu-west-1a`: `eu-west-1`), a local zone in one of its own (`us-west-2-lax-1a`: `us-west-2-lax-1`); both
/// are the zone's name without its letter. Any other name tells nothing, and EC2 itself is the judge.
fn examine_border_groups(interface: &Interface, address: &Address, objections: &mut Vec<Objection>) {
    let (Some(zone), Some(of_address)) = (&interface.zone, &address.border_group) else { return };
    let of_zone = zone.trim_end_matches(|last: char| last.is_ascii_lowercase());
    let tells = zone.len() == of_zone.len() + 1 && of_zone.ends_with(|last: char| last.is_ascii_digit());
    if tells && *of_zone != **of_address {
        objections.push(Objection::BorderGroup(of_address.to_string(), of_zone.to_owned()));
    }
}
