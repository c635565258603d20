//! What the tables of a file say of one another: references, contradictions, doubles. Ends in the [`Target`]s, each
//! with what is declared in it; they are whole only when no fault was found on the way. Never looks at a text.

use std::collections::{BTreeMap, BTreeSet};

use super::arn::Home;
use super::document::{Located, Spot};
use super::fault::{Fault, shown};
use super::sections::{RawFunction, RawPool, RawTarget, Supply};
use super::selectors::RawWhich;
use super::settings::{Stated, Target};
use crate::domain::declared::{AddressName, Declared, DeclaredFunctions, DeclaredPool, Which};
use crate::domain::ids::{PoolName, TargetName};
use crate::domain::policy::BystanderPolicy;
use crate::domain::tag::Tag;

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
    check_tags(tables, &homes, faults);
    check_doubles(&functions, faults);
    check_inline_names(&functions, faults);
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
        pool.addresses.iter().map(move |id| (id, format!("pool `{}`", shown(pool.key.value))))
    });
    let of_functions = tables.functions.iter().flat_map(|function| {
        let Some(Supply::Inline(list)) = &function.supply else { return Vec::new() };
        let owner = function.which.as_ref().map_or_else(|| "function".to_owned(), RawWhich::title);
        list.iter().map(|id| (id, owner.clone())).collect()
    });
    let mut uses: Vec<_> = of_pools.chain(of_functions).collect();
    uses.sort_by_key(|(id, _)| id.spot.place().position);
    let mut first: BTreeMap<&AddressName, (&Spot<'_>, String)> = BTreeMap::new();
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
    which: &'r RawWhich<'t>,
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
                let owner = format!("pool `{}`", shown(pool.key.value));
                if !pool.is_open {
                    check_pins(raw, &pool.addresses, &owner, faults);
                }
                let target = homes.get(pool.key.value).cloned().flatten();
                check_function_target(raw, pool, target.as_ref(), faults);
                (pool.name.clone(), target)
            }
            Some(Supply::Inline(list)) => {
                check_pins(raw, list, "the function's `allocations`", faults);
                let target = self.target(raw.target.as_ref(), &raw.node.spot, "function", faults);
                (self.inline_name(raw.which.as_ref()?, faults), target)
            }
            None => (None, None),
        };
        Some(Linked { raw, which: raw.which.as_ref()?, pool: pool?, target: target? })
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

    /// The pool that a table's own list forms: it bears the function's name, `billing.live` for `billing:live`, or the
    /// tag, `eipd_pool_partner-a` for `eipd:pool=partner-a`.
    fn inline_name(&self, which: &RawWhich<'t>, faults: &mut Vec<Fault>) -> Option<PoolName> {
        let text = match which {
            RawWhich::Named(name) => name.value.reference.to_string().replace(':', ".").replace('$', "_"),
            RawWhich::Tagged(tag) => fit_for_a_name(&tag.value),
        };
        let Ok(pool) = text.parse::<PoolName>() else {
            faults.push(
                which
                    .spot()
                    .fault(format!(
                        "`{}` is too long for the pool that the function's `allocations` form",
                        shown(&text)
                    ))
                    .with_hint("declare a pool with a shorter name, and name it in `pool`"),
            );
            return None;
        };
        if let Some(declared) = self.pools.get(text.as_str()) {
            let place = declared.key.spot.place();
            faults.push(
                which
                    .spot()
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
    allowed: &[Located<'_, AddressName>],
    owner: &str,
    faults: &mut Vec<Fault>,
) {
    let allowed: BTreeSet<_> = allowed.iter().map(|id| &id.value).collect();
    // Whether an allocation is the one of a public address shows only in AWS.
    let (ids, ips): (Vec<&AddressName>, Vec<_>) =
        allowed.iter().copied().partition(|name| matches!(name, AddressName::Allocation(_)));
    let may_be_among = |name: &AddressName| match name {
        AddressName::Allocation(_) => !ips.is_empty(),
        AddressName::PublicIp(_) => !ids.is_empty(),
    };
    for id in raw.pins.iter().flat_map(|pin| &pin.addresses) {
        if !allowed.contains(&id.value) && !may_be_among(&id.value) {
            faults.push(
                id.spot
                    .fault(format!("`{}` is pinned but not in {owner}", id.value))
                    .with_hint("add it there, or pin one that is"),
            );
        }
    }
}

fn check_doubles(functions: &[Linked<'_, '_>], faults: &mut Vec<Fault>) {
    let mut seen: BTreeMap<(&TargetName, String), &Spot<'_>> = BTreeMap::new();
    for Linked { which, target, .. } in functions {
        let spot = which.spot();
        if let Some(first) = seen.get(&(target, which.title())) {
            let verb = if matches!(which, RawWhich::Named(_)) { "is" } else { "are" };
            let problem = format!("{} {verb} declared twice, first at {}", which.title(), first.place());
            faults.push(spot.fault(problem).with_hint("merge the two tables"));
        } else {
            seen.insert((target, which.title()), spot);
        }
    }
}

/// An address that bears the tag of two pools would be in two roles.
fn check_tags(tables: &Tables<'_>, homes: &BTreeMap<&str, Option<TargetName>>, faults: &mut Vec<Fault>) {
    let mut first: BTreeMap<(&TargetName, &Tag), &RawPool<'_>> = BTreeMap::new();
    for pool in &tables.pools {
        let (Some(tag), Some(Some(home))) = (&pool.tag, homes.get(pool.key.value)) else { continue };
        if let Some(first) = first.get(&(home, &tag.value)) {
            let problem = format!(
                "tag `{}` is in two roles: it already selects the addresses of pool `{}` at {}",
                shown(&tag.value.to_string()),
                shown(first.key.value),
                first.key.spot.place()
            );
            let fault = tag.spot.fault(problem);
            faults.push(fault.with_hint("leave it in one of the two; functions may share a pool"));
        } else {
            first.insert((home, &tag.value), pool);
        }
    }
}

/// Two tags may differ only in what no name of a pool can hold.
fn check_inline_names(functions: &[Linked<'_, '_>], faults: &mut Vec<Fault>) {
    let mut first: BTreeMap<(&TargetName, &PoolName), &RawWhich<'_>> = BTreeMap::new();
    let inline = functions.iter().filter(|function| matches!(function.raw.supply, Some(Supply::Inline(_))));
    for Linked { which, pool, target, .. } in inline {
        match first.get(&(target, pool)) {
            None => {
                first.insert((target, pool), which);
            }
            Some(first) if first.title() != which.title() => {
                let (other, place) = (first.title(), first.spot().place());
                let problem = format!(
                    "the function's `allocations` form a pool `{pool}`, as do those of {other} at {place}"
                );
                let hint = "declare a pool with a name of its own, and name it in `pool`";
                faults.push(which.spot().fault(problem).with_hint(hint));
            }
            Some(_) => {}
        }
    }
}

fn fit_for_a_name(tag: &Tag) -> String {
    let fit = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '_' };
    tag.to_string().chars().map(fit).collect()
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
    for Linked { which, target, .. } in functions {
        let RawWhich::Named(name) = which else { continue };
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
    let mut declared: BTreeMap<&TargetName, Declared> =
        names.iter().map(|name| (name, Declared::default())).collect();
    for raw in &tables.pools {
        let home = homes.get(raw.key.value).and_then(|home| declared.get_mut(home.as_ref()?));
        if let (Some(home), Some(name)) = (home, &raw.name) {
            let tag = raw.tag.as_ref().map(|tag| tag.value.clone());
            let bystanders = raw.bystanders.unwrap_or(tables.bystanders);
            let (addresses, min_spare) = (set(&raw.addresses), raw.min_spare);
            let pool = DeclaredPool { addresses, tag, min_spare, bystanders };
            home.pools.insert(name.clone(), pool);
        }
    }
    for Linked { raw, which, pool, target } in functions {
        let Some(home) = declared.get_mut(&target) else { continue };
        if let Some(Supply::Inline(list)) = &raw.supply {
            let own = DeclaredPool {
                addresses: set(list),
                bystanders: tables.bystanders,
                ..DeclaredPool::default()
            };
            home.pools.insert(pool.clone(), own);
        }
        let which = match which {
            RawWhich::Named(name) => Which::Named(name.value.reference.clone()),
            RawWhich::Tagged(tag) => Which::Tagged(tag.value.clone()),
        };
        let pins = raw.pins.iter().map(|pin| (pin.place.clone(), set(&pin.addresses))).collect();
        let (versions, priority) = (raw.versions, raw.priority);
        home.functions.push(DeclaredFunctions { which, pool, pins, versions, priority });
    }
    let target = |(index, name): (usize, &TargetName)| {
        let raw = tables.targets.get(index);
        Target {
            name: name.clone(),
            region: raw.and_then(|raw| Some(raw.region.as_ref()?.value.clone())),
            role: raw.and_then(|raw| Some(raw.role.as_ref()?.role.clone())),
            stated: stated.get(name).cloned().unwrap_or_default(),
            declared: declared.get(name).cloned().unwrap_or_default(),
        }
    };
    names.iter().enumerate().map(target).collect()
}

fn set(list: &[Located<'_, AddressName>]) -> BTreeSet<AddressName> {
    list.iter().map(|name| name.value.clone()).collect()
}
