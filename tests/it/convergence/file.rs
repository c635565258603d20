//! The configuration as its operator has it in mind: plain names and ids. What the daemons are given is made from it, and
//! what the oracle judges by is read off it, so that the judge shares nothing with the judged.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use eipd::domain::declared::{AddressName, Declared, DeclaredFunctions, DeclaredPool, Which};
use eipd::domain::desired::{Desired, PinPlace};
use eipd::domain::policy::{DisruptionBudget, Mode, OnRemoved};
use eipd::domain::priority::Priority;
use eipd::domain::tag::Tag;
use eipd::domain::versions::Versions;
use eipd::reconcile::pass::Orders;
use eipd_sim::World;

use crate::rig::orders;

/// The key of the tags that select addresses.
pub const POOL_TAG: &str = "eipd:pool";

/// A file.
#[derive(Clone, Debug, Default)]
pub struct File {
    /// The pools by name.
    pub pools: BTreeMap<String, Pool>,
    /// The functions by name, some with a qualifier.
    pub functions: BTreeMap<String, Function>,
    /// Whether what leaves the file is taken off.
    pub takes_off: bool,
    /// Whether nothing may be changed.
    pub observes: bool,
    /// How much may be disturbed.
    pub budget: DisruptionBudget,
}

/// A pool.
#[derive(Clone, Debug, Default)]
pub struct Pool {
    /// The allocations that it lists.
    pub listed: BTreeSet<String>,
    /// Whether it has those besides that bear its name as [`POOL_TAG`].
    pub by_tag: bool,
    /// How many are to be free.
    pub min_spare: usize,
}

/// A function.
#[derive(Clone, Debug)]
pub struct Function {
    /// Its pool.
    pub pool: String,
    /// By subnet, what it may leave from there.
    pub pins: BTreeMap<String, BTreeSet<String>>,
    /// Which of its versions count.
    pub versions: Versions,
    /// Who is served first.
    pub priority: i64,
}

impl Function {
    /// One without pins that is served from this pool.
    pub fn of(pool: &str) -> Self {
        Self { pool: pool.to_owned(), pins: BTreeMap::new(), versions: Versions::default(), priority: 0 }
    }
}

impl File {
    /// What a daemon is given.
    pub fn orders(&self) -> Orders {
        let names = |ids: &BTreeSet<String>| ids.iter().map(|id| address_name(id)).collect::<BTreeSet<_>>();
        let pools = self.pools.iter().map(|(name, pool)| {
            let tag = pool.by_tag.then(|| format!("{POOL_TAG}={name}").parse::<Tag>().expect("a tag"));
            let declared = DeclaredPool {
                addresses: names(&pool.listed),
                tag,
                min_spare: pool.min_spare,
                ..DeclaredPool::default()
            };
            (name.parse().expect("a pool's name"), declared)
        });
        let functions = self.functions.iter().map(|(name, function)| {
            let pin = |(subnet, ids): (&String, &BTreeSet<String>)| {
                (PinPlace::Subnet(subnet.parse().expect("a subnet id")), names(ids))
            };
            DeclaredFunctions {
                which: Which::Named(name.parse().expect("a function's name")),
                pool: function.pool.parse().expect("a pool's name"),
                pins: function.pins.iter().map(pin).collect(),
                versions: function.versions,
                priority: Priority::new(function.priority).expect("within the bounds"),
            }
        });
        let declared = Declared { pools: pools.collect(), functions: functions.collect() };
        Orders {
            declared: Arc::new(declared),
            mode: if self.observes { Mode::Observe } else { Mode::Enforce },
            disruptions: self.budget,
            on_removed: if self.takes_off { OnRemoved::Disassociate } else { OnRemoved::Keep },
            ..orders(&Desired::default())
        }
    }

    /// What a pool holds: what it lists, and what bears its tag in the world. Of what several claim the first has it that
    /// lists it, else the one by whose tag it goes.
    pub fn pool(&self, world: &World, name: &str) -> BTreeSet<String> {
        let pool = &self.pools[name];
        let others = self.pools.iter().take_while(|(other, _)| *other != name);
        let earlier: BTreeSet<&String> = others.flat_map(|(_, pool)| &pool.listed).collect();
        let listed = pool.listed.iter().filter(|id| !earlier.contains(id)).cloned();
        let bears = |address: &&eipd_sim::world::Address| {
            address.tags.get(POOL_TAG).is_some_and(|value| value == name)
                && address.owner == world.config().account
        };
        let is_listed = |id: &String| self.pools.values().any(|pool| pool.listed.contains(id));
        let tagged = world.addresses().filter(|address| pool.by_tag && bears(address));
        let tagged = tagged.map(|address| address.allocation_id.clone()).filter(|id| !is_listed(id));
        listed.chain(tagged).collect()
    }

    /// What a function may leave from in a subnet.
    pub fn set(&self, world: &World, function: &str, subnet: &str) -> BTreeSet<String> {
        let table = &self.functions[function];
        let mut set = self.pool(world, &table.pool);
        if let Some(pinned) = table.pins.get(subnet) {
            set.retain(|id| pinned.contains(id));
        }
        set
    }

    /// Every allocation that is declared.
    pub fn allocations(&self, world: &World) -> BTreeSet<String> {
        self.pools.keys().flat_map(|pool| self.pool(world, pool)).collect()
    }

    /// The functions' names without qualifiers.
    pub fn names(&self) -> BTreeSet<&str> {
        self.functions.keys().map(|name| name.split(':').next().unwrap_or(name)).collect()
    }

    /// The versions in the world that count, each by a name that the world knows it by, with the function of the file.
    pub fn units<'a>(&'a self, world: &World) -> Vec<(&'a str, String)> {
        self.functions.iter().flat_map(|(name, table)| units_of(world, name, table.versions)).collect()
    }
}

fn units_of<'a>(world: &World, declared: &'a str, versions: Versions) -> Vec<(&'a str, String)> {
    let (name, qualifier) = declared.split_once(':').map_or((declared, None), |(name, q)| (name, Some(q)));
    let Some(function) = world.function(name) else { return Vec::new() };
    let routed = |alias: &str| {
        let first = function.aliases.get(alias).copied();
        first.into_iter().chain(function.weights.get(alias).map(|(version, _)| *version))
    };
    let mut numbers: BTreeSet<u32> = BTreeSet::new();
    match (qualifier, versions) {
        (Some(qualifier), _) => match qualifier.parse::<u32>() {
            Ok(number) => numbers.extend([number]),
            Err(_) => numbers.extend(routed(qualifier)),
        },
        (None, Versions::Live) => {
            numbers.extend(function.aliases.keys().flat_map(|alias| routed(alias.as_str())))
        }
        (None, Versions::All) => numbers.extend(world.versions(name)),
        (None, Versions::Latest) => {}
    }
    let latest = qualifier.is_none().then(|| name.to_owned());
    let keys = latest.into_iter().chain(numbers.into_iter().map(|number| format!("{name}:{number}")));
    keys.filter(|key| world.unit(key).is_some()).map(|key| (declared, key)).collect()
}

fn address_name(id: &str) -> AddressName {
    AddressName::Allocation(id.parse().expect("an allocation id"))
}
