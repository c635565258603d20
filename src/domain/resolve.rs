//! From what was declared and what AWS shows of it to what is desired: tags become sets of functions and addresses,
//! public addresses become allocations, and nothing is left open. Pure, so that every replica that saw the same
//! resolves the same. Never drops what an observation merely did not show: that is decided before, in `Selection`.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use super::declared::{AddressName, Declared, DeclaredFunctions, DeclaredPool, Which};
use super::desired::{Allocations, Desired, DesiredFunction, PinPlace, Pool};
use super::function::FunctionRef;
use super::ids::{AllocationId, PoolName};
use super::reason::{Warning, WarningKind, in_words};
use super::tag::Tag;

/// What AWS shows of what is declared otherwise than by ids and names.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Selection {
    /// The addresses that bear each tag.
    pub addresses: BTreeMap<Tag, Selected<AllocationId>>,
    /// The allocation of each public address.
    pub public_ips: BTreeMap<Ipv4Addr, Selected<AllocationId>>,
    /// The functions that bear each tag.
    pub functions: BTreeMap<Tag, Selected<FunctionRef>>,
    /// The public addresses of allocations, for people.
    pub faces: BTreeMap<AllocationId, IpAddr>,
}

/// What one tag, or one public address, stands for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Selected<T> {
    /// As far as it is known.
    pub members: BTreeSet<T>,
    /// Whether all of it was ever seen.
    pub is_whole: bool,
}

/// What is desired, and what an operator should know of how it came about.
#[must_use]
pub fn resolve(declared: &Declared, selection: &Selection) -> (Desired, Vec<Warning>) {
    let mut resolver = Resolver {
        declared,
        selection,
        desired: Desired::default(),
        owners: BTreeMap::new(),
        twice: BTreeMap::new(),
        warnings: Vec::new(),
    };
    resolver.list_addresses();
    resolver.select_addresses();
    resolver.name_functions();
    resolver.select_functions();
    resolver.tell_of_doubles();
    (resolver.desired, resolver.warnings)
}

struct Resolver<'a> {
    declared: &'a Declared,
    selection: &'a Selection,
    desired: Desired,
    /// The pool of each address, and whether it lists it.
    owners: BTreeMap<AllocationId, (&'a PoolName, bool)>,
    /// What two places claim: by both of them an example, and how many there are.
    twice: BTreeMap<(String, String), (String, usize)>,
    warnings: Vec<Warning>,
}

/// What a name stands for.
enum Meaning {
    Is(AllocationId),
    Absent(Ipv4Addr),
    Unknown,
}

impl<'a> Resolver<'a> {
    fn meaning(&self, name: &AddressName) -> Meaning {
        let ip = match name {
            AddressName::Allocation(allocation) => return Meaning::Is(allocation.clone()),
            AddressName::PublicIp(ip) => ip,
        };
        match self.selection.public_ips.get(ip) {
            Some(Selected { members, is_whole }) => match members.first() {
                Some(allocation) => Meaning::Is(allocation.clone()),
                None if *is_whole => Meaning::Absent(*ip),
                None => Meaning::Unknown,
            },
            None => Meaning::Unknown,
        }
    }

    /// What a pool lists is its own whatever a tag says.
    fn list_addresses(&mut self) {
        let mut absent_anywhere = BTreeSet::new();
        for (name, declared) in &self.declared.pools {
            let DeclaredPool { min_spare, bystanders, .. } = *declared;
            let mut pool = Pool { min_spare, bystanders, ..Pool::default() };
            let mut allocations = BTreeSet::new();
            for address in &declared.addresses {
                match self.meaning(address) {
                    Meaning::Is(allocation) if self.takes(&allocation, name, true) => {
                        allocations.insert(allocation);
                    }
                    Meaning::Is(_) => {}
                    Meaning::Absent(ip) => {
                        pool.absent.insert(ip);
                        absent_anywhere.insert(ip);
                    }
                    Meaning::Unknown => pool.is_partial = true,
                }
            }
            pool.allocations = Arc::new(allocations);
            self.desired.pools.insert(name.clone(), pool);
        }
        self.warnings.extend(absent_anywhere.into_iter().map(|ip| Warning {
            kind: WarningKind::AddressMissing,
            message: format!(
                "address `{ip}` does not exist in this account and region; hint: check it and the target"
            ),
        }));
    }

    fn select_addresses(&mut self) {
        for (name, declared) in &self.declared.pools {
            let Some(tag) = &declared.tag else { continue };
            let selected = self.selection.addresses.get(tag);
            let mut own = BTreeSet::new();
            for allocation in selected.into_iter().flat_map(|selected| &selected.members) {
                if self.takes(allocation, name, false) {
                    own.insert(allocation.clone());
                }
            }
            let is_whole = selected.is_some_and(|selected| selected.is_whole);
            if is_whole && selected.is_none_or(|selected| selected.members.is_empty()) {
                self.selects_nothing(tag, &format!("no address for pool `{name}`"), "an Elastic IP");
            }
            let Some(pool) = self.desired.pools.get_mut(name) else { continue };
            pool.is_partial |= !is_whole;
            Arc::make_mut(&mut pool.allocations).append(&mut own);
        }
    }

    /// Whether the pool may have the address: the first that lists it does, else the first whose tag it bears.
    fn takes(&mut self, allocation: &AllocationId, pool: &'a PoolName, is_listed: bool) -> bool {
        let Some((owner, was_listed)) = self.owners.get(allocation).copied() else {
            self.owners.insert(allocation.clone(), (pool, is_listed));
            return true;
        };
        if owner != pool && was_listed == is_listed {
            let face = self.selection.faces.get(allocation).copied();
            self.is_twice(format!("pool `{owner}`"), format!("pool `{pool}`"), || {
                format!("address {}", in_words(allocation, face))
            });
        }
        owner == pool
    }

    fn name_functions(&mut self) {
        for functions in &self.declared.functions {
            if let Which::Named(function) = &functions.which {
                let desired = self.desired_function(functions);
                self.desired.functions.insert(function.clone(), desired);
            }
        }
    }

    /// What bears a tag and is named as well, whatever the qualifier, is as its own table says.
    fn select_functions(&mut self) {
        let declared = self.declared;
        let named: BTreeSet<&str> = declared.named().map(FunctionRef::name).collect();
        let mut owners: BTreeMap<&FunctionRef, &Tag> = BTreeMap::new();
        for functions in &declared.functions {
            let Which::Tagged(tag) = &functions.which else { continue };
            let Some(selected) = self.selection.functions.get(tag) else { continue };
            if selected.is_whole && selected.members.is_empty() {
                self.selects_nothing(tag, "no function", "a function");
            }
            let desired = self.desired_function(functions);
            for function in selected.members.iter().filter(|function| !named.contains(function.name())) {
                if let Some(owner) = owners.get(function) {
                    let what = || format!("function `{function}`");
                    self.is_twice(format!("tag `{owner}`"), format!("tag `{tag}`"), what);
                } else {
                    owners.insert(function, tag);
                    self.desired.functions.insert(function.clone(), desired.clone());
                }
            }
        }
    }

    fn desired_function(&mut self, functions: &DeclaredFunctions) -> DesiredFunction {
        let mut pins = BTreeMap::new();
        for (place, names) in &functions.pins {
            pins.insert(place.clone(), self.pin(functions, place, names));
        }
        let DeclaredFunctions { versions, priority, .. } = *functions;
        DesiredFunction { pool: functions.pool.clone(), pins, versions, priority }
    }

    /// A pin that nothing is left of stays, and nothing may be given there: it narrows the pool, and never widens it.
    fn pin(
        &mut self,
        functions: &DeclaredFunctions,
        place: &PinPlace,
        names: &BTreeSet<AddressName>,
    ) -> Allocations {
        let mut pinned = BTreeSet::new();
        for name in names {
            let meaning = self.meaning(name);
            let Some(pool) = self.desired.pools.get_mut(&functions.pool) else { continue };
            match meaning {
                Meaning::Is(allocation) if pool.allocations.contains(&allocation) => {
                    pinned.insert(allocation);
                }
                Meaning::Is(_) if pool.is_partial => {}
                Meaning::Is(_) => {
                    let message = format!(
                        "the pin of {} in `{place}` names `{name}`, which pool `{}` does not hold; hint: add it \
                         there, or pin one that is",
                        functions.which, functions.pool
                    );
                    self.warnings.push(Warning { kind: WarningKind::PinOutsidePool, message });
                }
                Meaning::Absent(_) => {}
                Meaning::Unknown => pool.is_partial = true,
            }
        }
        Arc::new(pinned)
    }

    fn selects_nothing(&mut self, tag: &Tag, what: &str, bearer: &str) {
        let message = format!(
            "tag `{tag}` selects {what} in this account and region; hint: check its spelling, or tag {bearer}"
        );
        self.warnings.push(Warning { kind: WarningKind::TagSelectsNothing, message });
    }

    fn is_twice(&mut self, first: String, other: String, what: impl FnOnce() -> String) {
        self.twice.entry((first, other)).or_insert_with(|| (what(), 0)).1 += 1;
    }

    /// One line for each two places, lest two tags that overlap make thousands.
    fn tell_of_doubles(&mut self) {
        for ((first, other), (what, count)) in std::mem::take(&mut self.twice) {
            let more = if count > 1 { format!(" and {} more", count - 1) } else { String::new() };
            let message = format!(
                "{first} and {other} both claim {what}{more}; the first counts; hint: leave it to one of them"
            );
            self.warnings.push(Warning { kind: WarningKind::SelectedTwice, message });
        }
    }
}
