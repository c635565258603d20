//! What the tables of a file say of one another: references, contradictions, doubles. Ends in the [`Target`]s, each
//! with what is desired in it; they are whole only when no fault was found on the way. Never looks at a text.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::arn::{Home, NamedFunction};
use super::document::{Located, Spot};
use super::fault::{Fault, shown};
use super::sections::{RawFunction, RawPool, RawTarget, Supply};
use super::settings::{Stated, Target};
use crate::domain::desired::{Allocations, Desired, DesiredFunction, Pool};
use crate::domain::function::FunctionRef;
use crate::domain::ids::{AllocationId, PoolName, TargetName};
use crate::domain::policy::BystanderPolicy;

/// The target when none is declared.
const DEFAULT_TARGET: &str = "default";

/// The tables of a file.
pub(super) struct Tables<'t> {
    pub(super) targets: Vec<RawTarget<'t>>,
    pub(super) pools: Vec<RawPool<'t>>,
    pub(super) functions: Vec<RawFunction<'t>>,
    /// For pools that say nothing of it.
    pub(super) bystanders: BystanderPolicy,
}

/// Ties the tables together.
pub(super) fn link(tables: &Tables<'_>, faults: &mut Vec<Fault>, notes: &mut Vec<String>) -> Vec<Target> {
    check_targets(&tables.targets, faults);
    check_roles(tables, faults);
    let linker = Linker {
        names: target_names(&tables.targets),
        pools: tables.pools.iter().map(|pool| (pool.key.value, pool)).collect(),
    };
    let homes: BTreeMap<&str, Option<TargetName>> =
        tables.pools.iter().map(|pool| (pool.key.value, linker.pool_target(pool, faults))).collect();
    let functions: Vec<_> =
        tables.functions.iter().filter_map(|function| linker.function(function, &homes, faults)).collect();
    check_doubles(&functions, faults);
    let stated = check_homes(tables, &functions, faults);
    note_idle(tables, &functions, &linker.names, notes);
    assemble(tables, &linker.names, &homes, functions, &stated)
}

fn target_names(targets: &[RawTarget<'_>]) -> Vec<TargetName> {
    if targets.is_empty() {
        return vec![DEFAULT_TARGET.parse().expect("a valid name of a target")];
    }
    targets.iter().filter_map(|target| Some(target.name.as_ref()?.value.clone())).collect()
}

/// Two targets must not share a name, nor the account and region that they stand for: each would take the other's
/// functions for strangers.
fn check_targets(targets: &[RawTarget<'_>], faults: &mut Vec<Fault>) {
    let mut names: BTreeMap<&TargetName, &Spot<'_>> = BTreeMap::new();
    let mut places: BTreeMap<(Option<&str>, Option<&str>), &RawTarget<'_>> = BTreeMap::new();
    for target in targets {
        if let Some(name) = &target.name
            && let Some(first) = names.insert(&name.value, &name.spot)
        {
            let problem =
                format!("the target `{}` is declared twice, first at {}", name.value, first.place());
            faults.push(name.spot.fault(problem));
        }
        if !target.is_sound {
            continue;
        }
        let region = target.region.as_ref().map(|region| region.value.as_str());
        let role = target.role.as_ref().map(|role| role.role.arn.as_str());
        if let Some(first) = places.insert((region, role), target) {
            let problem = format!("the same region and role as the target at {}", first.node.spot.place());
            faults.push(target.node.spot.fault(problem).with_hint("merge the two targets"));
        }
    }
}

/// An address belongs to one pool, or to one function's own list.
fn check_roles(tables: &Tables<'_>, faults: &mut Vec<Fault>) {
    let of_pools = tables.pools.iter().flat_map(|pool| {
        pool.allocations.iter().map(move |id| (id, format!("pool `{}`", shown(pool.key.value))))
    });
    let of_functions = tables.functions.iter().flat_map(|function| {
        let Some(Supply::Inline(list)) = &function.supply else { return Vec::new() };
        let name = function.name.as_ref().map(|name| format!(" `{}`", name.value.reference));
        let owner = format!("function{}", name.unwrap_or_default());
        list.iter().map(|id| (id, owner.clone())).collect()
    });
    let mut uses: Vec<_> = of_pools.chain(of_functions).collect();
    uses.sort_by_key(|(id, _)| id.spot.place().position);
    let mut first: BTreeMap<&AllocationId, (&Spot<'_>, String)> = BTreeMap::new();
    for (id, owner) in uses {
        match first.get(&id.value) {
            None => {
                first.insert(&id.value, (&id.spot, owner));
            }
            Some((spot, owner)) => faults.push(
                id.spot
                    .fault(format!(
                        "`{}` is in two roles: it already belongs to {owner} at {}",
                        id.value,
                        spot.place()
                    ))
                    .with_hint("leave it in one of the two; functions may share a pool"),
            ),
        }
    }
}

/// A function whose pool and target are known.
struct Linked<'r, 't> {
    raw: &'r RawFunction<'t>,
    name: &'r Located<'t, NamedFunction>,
    pool: PoolName,
    target: TargetName,
}

struct Linker<'r, 't> {
    names: Vec<TargetName>,
    pools: BTreeMap<&'r str, &'r RawPool<'t>>,
}

impl<'r, 't> Linker<'r, 't> {
    fn pool_target(&self, pool: &RawPool<'t>, faults: &mut Vec<Fault>) -> Option<TargetName> {
        self.target(pool.target.as_ref(), &pool.key.spot, "pool", faults)
    }

    /// The target that is named, or the only one.
    fn target(
        &self,
        named: Option<&Located<'t, TargetName>>,
        owner: &Spot<'t>,
        kind: &str,
        faults: &mut Vec<Fault>,
    ) -> Option<TargetName> {
        match (named, &self.names[..]) {
            (Some(named), names) => {
                if names.contains(&named.value) {
                    return Some(named.value.clone());
                }
                faults.push(
                    named
                        .spot
                        .fault(format!("target `{}` is not declared", named.value))
                        .with_hint("declare it as a [[targets]] table")
                        .with_near(named.value.as_str(), names.iter().map(TargetName::as_str)),
                );
                None
            }
            (None, [only]) => Some(only.clone()),
            // There is none when the only one has no valid name: that is the fault then.
            (None, []) => None,
            (None, names) => {
                let mut choices: Vec<_> = names.iter().map(|name| format!("target = \"{name}\"")).collect();
                choices.dedup();
                faults.push(
                    owner
                        .fault(format!("the {kind} names no target, and there are several"))
                        .with_hint(format!("add {}", choices.join(" or "))),
                );
                None
            }
        }
    }

    fn function(
        &self,
        raw: &'r RawFunction<'t>,
        homes: &BTreeMap<&str, Option<TargetName>>,
        faults: &mut Vec<Fault>,
    ) -> Option<Linked<'r, 't>> {
        let (pool, target) = match raw.supply.as_ref() {
            Some(Supply::Pool(named)) => {
                let pool = self.declared(named, faults)?;
                check_pins(raw, &pool.allocations, &format!("pool `{}`", shown(pool.key.value)), faults);
                let target = homes.get(pool.key.value).cloned().flatten();
                check_function_target(raw, pool, target.as_ref(), faults);
                (pool.name.clone(), target)
            }
            Some(Supply::Inline(list)) => {
                check_pins(raw, list, "the function's `allocations`", faults);
                let target = self.target(raw.target.as_ref(), &raw.node.spot, "function", faults);
                (self.inline_name(raw.name.as_ref()?, faults), target)
            }
            None => (None, None),
        };
        Some(Linked { raw, name: raw.name.as_ref()?, pool: pool?, target: target? })
    }

    fn declared(&self, named: &Located<'t, &'t str>, faults: &mut Vec<Fault>) -> Option<&'r RawPool<'t>> {
        let pool = self.pools.get(named.value).copied();
        if pool.is_none() {
            let name = shown(named.value);
            faults.push(
                named
                    .spot
                    .fault(format!("pool `{name}` is not declared"))
                    .with_hint(format!("declare it as a table [pools.{name}]"))
                    .with_near(named.value, self.pools.keys().copied()),
            );
        }
        pool
    }

    /// The pool that a function's own list forms: it bears the function's name, `billing.live` for `billing:live`.
    fn inline_name(&self, name: &Located<'t, NamedFunction>, faults: &mut Vec<Fault>) -> Option<PoolName> {
        let text = name.value.reference.to_string().replace(':', ".").replace('$', "_");
        let Ok(pool) = text.parse::<PoolName>() else {
            faults.push(
                name.spot
                    .fault(format!(
                        "`{text}` is too long for the pool that the function's `allocations` form"
                    ))
                    .with_hint("declare a pool with a shorter name, and name it in `pool`"),
            );
            return None;
        };
        if let Some(declared) = self.pools.get(text.as_str()) {
            let place = declared.key.spot.place();
            faults.push(
                name.spot
                    .fault(format!(
                        "the function's `allocations` form a pool `{text}`, which is also declared at {place}"
                    ))
                    .with_hint(format!("name it with pool = \"{text}\", or rename the declared pool")),
            );
            return None;
        }
        Some(pool)
    }
}

/// A function lives where its pool does; saying so again is no fault, saying otherwise is.
fn check_function_target(
    raw: &RawFunction<'_>,
    pool: &RawPool<'_>,
    target: Option<&TargetName>,
    faults: &mut Vec<Fault>,
) {
    if let (Some(named), Some(target)) = (&raw.target, target)
        && named.value != *target
    {
        let pool = shown(pool.key.value);
        faults.push(
            named
                .spot
                .fault(format!(
                    "the function's pool `{pool}` lives in target `{target}`, not in `{}`",
                    named.value
                ))
                .with_hint("remove this key: a function lives where its pool does"),
        );
    }
}

fn check_pins(
    raw: &RawFunction<'_>,
    allowed: &[Located<'_, AllocationId>],
    owner: &str,
    faults: &mut Vec<Fault>,
) {
    let allowed: BTreeSet<_> = allowed.iter().map(|id| &id.value).collect();
    for id in raw.pins.iter().flat_map(|pin| &pin.allocations) {
        if !allowed.contains(&id.value) {
            faults.push(
                id.spot
                    .fault(format!("`{}` is pinned but not in {owner}", id.value))
                    .with_hint("add it there, or pin one that is"),
            );
        }
    }
}

fn check_doubles(functions: &[Linked<'_, '_>], faults: &mut Vec<Fault>) {
    let mut seen: BTreeMap<(&TargetName, &FunctionRef), &Spot<'_>> = BTreeMap::new();
    for function in functions {
        let (reference, spot) = (&function.name.value.reference, &function.name.spot);
        match seen.get(&(&function.target, reference)) {
            None => {
                seen.insert((&function.target, reference), spot);
            }
            Some(first) => {
                let problem = format!("function `{reference}` is declared twice, first at {}", first.place());
                faults.push(spot.fault(problem).with_hint("merge the two tables"));
            }
        }
    }
}

/// The ARNs of a target's functions must agree with its region, its role's account, and one another. Gives what they
/// say.
fn check_homes(
    tables: &Tables<'_>,
    functions: &[Linked<'_, '_>],
    faults: &mut Vec<Fault>,
) -> BTreeMap<TargetName, Stated> {
    /// A word with the one who said it first.
    type Said = BTreeMap<TargetName, (String, String)>;
    let (mut regions, mut accounts): (Said, Said) = (BTreeMap::new(), BTreeMap::new());
    for target in &tables.targets {
        let Some(name) = target.name.as_ref().map(|name| &name.value) else { continue };
        if let Some(region) = &target.region {
            let who = format!("its target `{name}` at {}", region.spot.place());
            regions.entry(name.clone()).or_insert_with(|| (region.value.clone(), who));
        }
        if let Some(account) = target.role.as_ref().map(|role| &role.account) {
            let who = format!("the role of its target `{name}` at {}", account.spot.place());
            accounts.entry(name.clone()).or_insert_with(|| (account.value.to_string(), who));
        }
    }
    let mut stated: BTreeMap<TargetName, Stated> = BTreeMap::new();
    for Linked { name, target, .. } in functions {
        let Some(Home { region, account }) = &name.value.home else { continue };
        let mut agree = |said: &mut Said, what: &str, own: &str| {
            let who = || format!("the function at {}", name.spot.place());
            let (first, who) = said.entry(target.clone()).or_insert_with(|| (own.to_owned(), who()));
            if first != own {
                faults.push(
                    name.spot
                        .fault(format!("the ARN is of {what} `{own}`, and {who} of `{first}`"))
                        .with_hint("correct one of the two, or give the function to another target"),
                );
            }
        };
        agree(&mut regions, "region", region);
        agree(&mut accounts, "account", account.as_str());
        stated
            .entry(target.clone())
            .or_insert_with(|| Stated { region: Some(region.clone()), account: Some(account.clone()) });
    }
    stated
}

fn note_idle(
    tables: &Tables<'_>,
    functions: &[Linked<'_, '_>],
    names: &[TargetName],
    notes: &mut Vec<String>,
) {
    let used: BTreeSet<_> = functions.iter().map(|function| function.pool.as_str()).collect();
    for pool in tables.pools.iter().filter(|pool| !used.contains(pool.key.value)) {
        let place = pool.key.spot.place();
        notes.push(format!("{place}: pool `{}` serves no function", pool.key.value));
    }
    for name in names {
        if !functions.iter().any(|function| function.target == *name) {
            notes.push(format!("target `{name}` has no functions"));
        }
    }
}

fn assemble(
    tables: &Tables<'_>,
    names: &[TargetName],
    homes: &BTreeMap<&str, Option<TargetName>>,
    functions: Vec<Linked<'_, '_>>,
    stated: &BTreeMap<TargetName, Stated>,
) -> Vec<Target> {
    let mut desired: BTreeMap<&TargetName, Desired> =
        names.iter().map(|name| (name, Desired::default())).collect();
    for raw in &tables.pools {
        let home = homes.get(raw.key.value).and_then(|home| desired.get_mut(home.as_ref()?));
        if let (Some(home), Some(name)) = (home, &raw.name) {
            let bystanders = raw.bystanders.unwrap_or(tables.bystanders);
            let pool = Pool { allocations: set(&raw.allocations), min_spare: raw.min_spare, bystanders };
            home.pools.insert(name.clone(), pool);
        }
    }
    for Linked { raw, name, pool, target } in functions {
        let Some(home) = desired.get_mut(&target) else { continue };
        if let Some(Supply::Inline(list)) = &raw.supply {
            let bystanders = tables.bystanders;
            home.pools.insert(pool.clone(), Pool { allocations: set(list), min_spare: 0, bystanders });
        }
        let pins = raw.pins.iter().map(|pin| (pin.place.clone(), set(&pin.allocations))).collect();
        let declared = DesiredFunction { pool, pins, versions: raw.versions };
        home.functions.insert(name.value.reference.clone(), declared);
    }
    let target = |(index, name): (usize, &TargetName)| {
        let raw = tables.targets.get(index);
        Target {
            name: name.clone(),
            region: raw.and_then(|raw| Some(raw.region.as_ref()?.value.clone())),
            role: raw.and_then(|raw| Some(raw.role.as_ref()?.role.clone())),
            stated: stated.get(name).cloned().unwrap_or_default(),
            desired: desired.get(name).cloned().unwrap_or_default(),
        }
    };
    names.iter().enumerate().map(target).collect()
}

fn set(list: &[Located<'_, AllocationId>]) -> Allocations {
    Arc::new(list.iter().map(|id| id.value.clone()).collect())
}
