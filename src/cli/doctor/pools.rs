//! Whether each pool has addresses enough: for the interfaces that are there, for the pairs of its functions, and to spare;
//! and whether they belong to the border groups of the functions' zones.

use std::collections::{BTreeMap, BTreeSet};

use super::super::render::words::count;
use super::check::Check;
use crate::domain::allotment::border_group_of_zone;
use crate::domain::desired::Desired;
use crate::domain::function::{FunctionObservation, Pair};
use crate::domain::ids::{PoolName, SubnetId};
use crate::domain::observed::Observed;
use crate::domain::plan::{Plan, PoolFigures};

const POOLS: &str = "pools";
const GROUPS: &str = "border_groups";

/// What a pool is for: the pairs of its functions, each of which needs an interface at least.
pub(super) fn pairs(desired: &Desired, observed: &Observed) -> BTreeMap<PoolName, BTreeSet<Pair>> {
    let mut pairs: BTreeMap<PoolName, BTreeSet<Pair>> =
        desired.pools.keys().map(|name| (name.clone(), BTreeSet::new())).collect();
    for (name, declared) in &desired.functions {
        if let Some(FunctionObservation::Known(configuration)) = observed.functions.get(name) {
            pairs.entry(declared.pool.clone()).or_default().extend(configuration.pairs());
        }
    }
    pairs
}

/// How many addresses each pool has and needs.
pub(super) fn judge(desired: &Desired, observed: &Observed, plan: &Plan) -> Vec<Check> {
    let pairs = pairs(desired, observed);
    let of_pool = |name: &PoolName| pairs.get(name).map_or(0, BTreeSet::len);
    plan.pools
        .iter()
        .map(|(name, figures)| {
            let interfaces = plan.required().filter(|interface| interface.pool == *name).count();
            let declared = desired.pools.get(name).map_or((0, 0), |p| (p.allocations.len(), p.min_spare));
            judge_pool(declared, figures, of_pool(name), interfaces).of(name)
        })
        .collect()
}

fn judge_pool(
    (addresses, min_spare): (usize, usize),
    figures: &PoolFigures,
    pairs: usize,
    interfaces: usize,
) -> Check {
    let needed = pairs.max(interfaces);
    let told = format!(
        "{} for {} in use and {} of subnet and security groups",
        count(addresses, "address", "addresses"),
        count(interfaces, "interface", "interfaces"),
        count(pairs, "pair", "pairs"),
    );
    let usable = figures.associated + figures.spare + figures.lingering + figures.unknown;
    if usable < needed {
        let told = format!("{told}, of which {usable} can be used");
        return Check::fail(
            POOLS,
            told,
            format!("add {} to it", count(needed - usable, "address", "addresses")),
        );
    }
    if figures.shortfall > 0 {
        let told = format!("{told}, and min_spare is {min_spare}");
        let wanting = count(figures.shortfall, "address", "addresses");
        return Check::warn(POOLS, told, format!("add {wanting} to it"));
    }
    if needed > 0 && usable == needed {
        let told = format!("{told}, and none to spare for a change of VpcConfig or a further interface");
        return Check::warn(POOLS, told, "add an address to it, better one for each pair");
    }
    Check::pass(POOLS, format!("{told}, {} to spare", usable - needed))
}

/// Whether the addresses may be used in the zones of the functions that they are for.
pub(super) fn judge_border_groups(desired: &Desired, observed: &Observed) -> Vec<Check> {
    let mut checks = Vec::new();
    for (name, pairs) in pairs(desired, observed) {
        let Some(pool) = desired.pools.get(&name) else { continue };
        let addresses = pool.allocations.iter().filter_map(|id| observed.addresses.get(id));
        let have: BTreeSet<&str> = addresses.filter_map(|address| address.border_group.as_deref()).collect();
        let zones = pairs.iter().filter_map(|pair| Some((&pair.subnet, zone_of(&pair.subnet, observed)?)));
        let wanted: BTreeMap<&SubnetId, &str> =
            zones.filter_map(|(subnet, zone)| Some((subnet, border_group_of_zone(zone)?))).collect();
        if have.is_empty() || wanted.is_empty() {
            checks.push(
                Check::skip(GROUPS, "neither its addresses' groups nor its functions' zones are known")
                    .of(&name),
            );
            continue;
        }
        let lacking: Vec<String> = wanted
            .iter()
            .filter(|(_, group)| !have.contains(*group))
            .map(|(subnet, group)| format!("`{subnet}` is in `{group}`"))
            .collect();
        let have = have.into_iter().map(|group| format!("`{group}`")).collect::<Vec<_>>().join(", ");
        let check = match lacking.is_empty() {
            true => Check::pass(GROUPS, format!("its addresses and its functions' subnets are in {have}")),
            false => Check::fail(
                GROUPS,
                format!("its addresses are in {have}, but {}", lacking.join(", ")),
                "add addresses that are allocated in that network border group",
            ),
        };
        checks.push(check.of(&name));
    }
    checks
}

fn zone_of<'a>(subnet: &SubnetId, observed: &'a Observed) -> Option<&'a str> {
    let known = observed.network.facts(subnet).and_then(|facts| facts.subnet.as_ref()?.zone.as_deref());
    let shown = || observed.interfaces.values().find(|i| i.pair.subnet == *subnet)?.zone.as_deref();
    known.or_else(shown)
}

#[cfg(test)]
mod tests {
    use super::super::check::Verdict;
    use super::*;

    #[test]
    fn a_pool_must_do_for_what_is_there_and_should_have_spares() {
        let figures = |associated, spare| PoolFigures { associated, spare, ..PoolFigures::default() };
        let short = PoolFigures { shortfall: 1, ..figures(2, 1) };
        let missing = PoolFigures { missing: 2, ..figures(1, 0) };
        let lingering = PoolFigures { lingering: 2, ..figures(1, 0) };
        for (addresses, figures, pairs, interfaces, verdict, remedy) in [
            (3, figures(2, 1), 2, 2, Verdict::Pass, None),
            (3, figures(0, 3), 2, 0, Verdict::Pass, None),
            (3, lingering, 2, 1, Verdict::Pass, None),
            (0, figures(0, 0), 0, 0, Verdict::Pass, None),
            (2, figures(2, 0), 2, 2, Verdict::Warn, Some("better one for each pair")),
            (3, short, 2, 2, Verdict::Warn, Some("add 1 address")),
            (2, figures(2, 0), 2, 4, Verdict::Fail, Some("add 2 addresses")),
            (2, figures(0, 2), 4, 0, Verdict::Fail, Some("add 2 addresses")),
            (3, missing, 2, 2, Verdict::Fail, Some("add 1 address")),
        ] {
            let check = judge_pool((addresses, 1), &figures, pairs, interfaces);
            assert_eq!(check.verdict, verdict, "{check:?}");
            let told = check.remedy.as_deref().unwrap_or_default();
            assert!(remedy.is_none_or(|remedy| told.contains(remedy)), "{check:?}");
        }
    }
}
