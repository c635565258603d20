//! Random worlds, small enough that everything can be tried in them, and as odd as observations get: stale views, lost
//! chunks, unknown zones, foreign owners, addresses that two pools declare. Each is made from plain numbers, so
//! that proptest can shrink it; the generator itself draws nothing.

use proptest::collection::{btree_set, vec};
use proptest::prelude::*;

use super::{World, alloc, configuration, eni, ip, subnet, vpc, zone_id};
use crate::domain::desired::PinPlace;
use crate::domain::function::{FunctionConfiguration, FunctionObservation};
use crate::domain::observed::{AddressAssociation, InterfaceAssociation, InterfaceStatus, Part};

const POOLS: [&str; 3] = ["p", "q", "r"];
const FUNCTIONS: [&str; 4] = ["e", "f", "g", "h"];
const LISTED: [&str; 5] = ["e", "e:1", "f:2", "stranger", "stranger:3"];
const GROUPS: [&[u32]; 3] = [&[1], &[1, 2], &[2]];
const ZONES: [&str; 3] = ["eu-west-1a", "eu-west-1b", "eu-west-1-lon-1a"];

/// How large and how odd worlds are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    pub(super) interfaces: usize,
    pub(super) addresses: u32,
    /// Whether pools may have addresses in common.
    pub(super) overlap: bool,
}

/// Small enough for a brute force.
pub(super) const TINY: Size = Size { interfaces: 5, addresses: 6, overlap: true };
/// Large enough for several functions with several interfaces each.
pub(super) const SMALL: Size = Size { interfaces: 14, addresses: 14, overlap: true };

#[derive(Clone, Debug)]
struct RawFunction {
    pool: usize,
    subnets: Vec<u32>,
    former: Vec<u32>,
    groups: usize,
    /// Where a version is that counts besides.
    version: Vec<u32>,
    kind: u8,
    pins: Vec<(u32, Vec<u32>)>,
    priority: i64,
}

#[derive(Clone, Debug)]
struct RawInterface {
    subnet: u32,
    groups: usize,
    status: u8,
    oddity: u8,
    carries: Option<(u32, u8)>,
}

#[derive(Clone, Debug)]
struct RawAddress {
    pool: usize,
    also_in: Option<usize>,
    oddity: u8,
    on: Option<(u32, u8)>,
}

/// Any world of this size.
pub(super) fn worlds(size: Size) -> impl Strategy<Value = World> {
    let pins = vec((1..6u32, small_set(1..size.addresses + 1)), 0..3);
    let rare_set = || prop_oneof![3 => Just(vec![]), 1 => small_set(1..4)];
    let function = (0..3usize, small_set(1..4), rare_set(), 0..3usize, rare_set());
    let priority = prop_oneof![2 => Just(0), 1 => -1..3i64];
    let function = (function, 0..12u8, pins, priority).prop_map(
        |((pool, subnets, former, groups, version), kind, pins, priority)| RawFunction {
            pool,
            subnets,
            former,
            groups,
            version,
            kind,
            pins,
            priority,
        },
    );
    let interface = (1..4u32, 0..3usize, 0..8u8, 0..20u8, rarely((1..size.addresses + 2, 0..4u8))).prop_map(
        |(subnet, groups, status, oddity, carries)| RawInterface { subnet, groups, status, oddity, carries },
    );
    let interfaces = u32::try_from(size.interfaces).expect("few");
    let address = (0..3usize, prop::option::of(0..3usize), 0..20u8, rarely((1..interfaces + 2, 0..5u8)))
        .prop_map(move |(pool, also_in, oddity, on)| RawAddress {
            pool,
            also_in: also_in.filter(|_| size.overlap),
            oddity,
            on,
        });
    let writes = vec((1..interfaces + 2, 1..size.addresses + 1), 0..3);
    let dead_ends = rarely_any(vec(1..4u32, 1..3));
    let listed = vec((0..LISTED.len(), 1..4u32, 0..3usize), 0..4);
    let others = (prop::option::weighted(0.9, listed), vec(0..12usize, 0..2));
    let spares = prop::array::uniform3(0..3usize);
    let rest = (spares, rarely_any(writes), rarely_any(vec(0..3u8, 1..3)), dead_ends, others);
    let addresses = vec(address, 0..=size.addresses as usize);
    (vec(function, 0..=4), vec(interface, 0..=size.interfaces), addresses, rest).prop_map(
        |(functions, interfaces, addresses, (spares, writes, gaps, dead_ends, (listed, denying)))| {
            let mut world = declare(spares, &addresses).network(&dead_ends, &dead_ends);
            for (name, raw) in FUNCTIONS.iter().zip(functions) {
                world = add_function(world, name, &raw);
            }
            for (n, raw) in (1..).zip(interfaces) {
                world = add_interface(world, n, &raw);
            }
            for (n, raw) in (1..).zip(&addresses) {
                world = place_address(world, n, raw);
            }
            world = list(world, listed.as_deref());
            world =
                denying.iter().filter_map(|n| POOLS.get(*n)).fold(world, |world, name| world.denies(name));
            world = writes.into_iter().fold(world, |world, (interface, n)| world.wrote(interface, n));
            let parts = [Part::Interfaces, Part::Addresses, Part::Functions];
            gaps.into_iter().fold(world, |world, gap| world.gap(parts[usize::from(gap)]))
        },
    )
}

fn small_set(numbers: std::ops::Range<u32>) -> impl Strategy<Value = Vec<u32>> + Clone {
    btree_set(numbers, 0..4).prop_map(|set| set.into_iter().collect())
}

fn rarely<T: Clone + std::fmt::Debug>(
    of: impl Strategy<Value = T> + Clone,
) -> impl Strategy<Value = Option<T>> + Clone {
    prop_oneof![4 => Just(None), 1 => of.prop_map(Some)]
}

fn rarely_any<T: Clone + std::fmt::Debug>(
    of: impl Strategy<Value = Vec<T>>,
) -> impl Strategy<Value = Vec<T>> {
    prop_oneof![2 => Just(Vec::new()), 1 => of]
}

fn declare(spares: [usize; 3], addresses: &[RawAddress]) -> World {
    let mut world = World::new();
    for (index, name) in POOLS.iter().enumerate() {
        let declares = |raw: &RawAddress| raw.pool == index || raw.also_in == Some(index);
        let numbered = (1..).zip(addresses).filter(|(_, raw)| declares(raw));
        world = world.pool(name, &numbered.map(|(n, _)| n).collect::<Vec<u32>>(), spares[index]);
    }
    world
}

fn add_function(world: World, name: &str, raw: &RawFunction) -> World {
    let known = |change: fn(&mut FunctionConfiguration)| {
        let mut configuration = configuration(Some(vpc(&raw.subnets, GROUPS[raw.groups])));
        if !raw.former.is_empty() {
            configuration.former_vpc = Some(vpc(&raw.former, GROUPS[(raw.groups + 1) % 3]));
        }
        if !raw.version.is_empty() {
            configuration.versions.insert(7, vpc(&raw.version, GROUPS[(raw.groups + 2) % 3]));
        }
        change(&mut configuration);
        FunctionObservation::Known(configuration)
    };
    let observation = match raw.kind {
        0 => FunctionObservation::NotFound,
        1 => FunctionObservation::Unknown,
        2 => known(|configuration| configuration.on_capacity_provider = true),
        3 => known(|configuration| configuration.vpc = None),
        _ => known(|_| ()),
    };
    let pool = POOLS[raw.pool];
    let of_pool = world.desired.pools[&super::pool(pool)].allocations.clone();
    let mut world = world.function_as(name, pool, observation).priority(name, raw.priority);
    for (place, numbers) in &raw.pins {
        let numbers: Vec<u32> = numbers.iter().copied().filter(|n| of_pool.contains(&alloc(*n))).collect();
        let place = match place {
            1..=3 => PinPlace::Subnet(subnet(*place)),
            n => PinPlace::Zone(zone_id(n - 3)),
        };
        world = world.pin(name, place, &numbers);
    }
    world
}

/// The list of all versions, in which declared functions may have others; nothing when there is none yet.
fn list(mut world: World, listed: Option<&[(usize, u32, usize)]>) -> World {
    let Some(listed) = listed else {
        world.observed.roster = None;
        return world;
    };
    let subnets: Vec<[u32; 1]> = listed.iter().map(|(_, subnet, _)| [*subnet]).collect();
    let versions = listed.iter().zip(&subnets);
    let versions = versions.map(|((name, _, groups), subnet)| (LISTED[*name], &subnet[..], GROUPS[*groups]));
    world.listed(&versions.collect::<Vec<_>>())
}

fn add_interface(world: World, n: u32, raw: &RawInterface) -> World {
    world.eni(n, raw.subnet, GROUPS[raw.groups]).with_eni(n, |interface| {
        interface.zone = Some(ZONES[raw.subnet as usize - 1].into());
        interface.zone_id = Some(zone_id(raw.subnet));
        interface.status = match raw.status {
            0 => InterfaceStatus::Detaching,
            1 | 2 => InterfaceStatus::Waiting,
            _ => InterfaceStatus::InUse,
        };
        match raw.oddity {
            0 => interface.owner = "999988887777".parse().expect("well-formed"),
            1 => interface.denies_internet_gateway = true,
            2 => interface.zone = None,
            3 => interface.zone_id = None,
            4 => interface.zone = Some("a-new-kind-of-zone".into()),
            _ => {}
        }
        interface.associations.extend(raw.carries.map(|(address, shown)| InterfaceAssociation {
            allocation: (shown != 0).then(|| alloc(address)),
            public_ip: (shown != 1).then(|| ip(address)),
        }));
    })
}

fn place_address(world: World, n: u32, raw: &RawAddress) -> World {
    let mut world = world.with_address(n, |address| {
        address.border_group = match raw.oddity {
            0..=2 => Some("eu-west-1-lon-1".into()),
            3 | 4 => None,
            _ => Some("eu-west-1".into()),
        };
        if raw.oddity == 5 {
            address.managed_by = Some("nlb".to_owned());
        }
        address.association = raw.on.map(|(interface, shown)| AddressAssociation {
            id: None,
            interface: (shown != 0).then(|| eni(interface)),
            instance: (shown == 1).then(|| "i-0abc".to_owned()),
        });
    });
    // Mostly both views agree.
    if let Some((interface, 3..)) = raw.on
        && world.observed.interfaces.contains_key(&eni(interface))
    {
        world = world.interface_says(interface, n);
    }
    if raw.oddity == 6 { world.without_address(n) } else { world }
}
