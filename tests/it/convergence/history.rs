//! What happens to an estate: what Lambda does, what stray hands do, and the weather between the daemon and AWS.

use std::time::Duration;

use eipd_sim::{Effect, EventWeather, Fault, On, Outcome, Sim, Span, Staleness, VpcConfig};

use super::estate::Estate;

/// Bad weather, until it is cleared.
pub fn weather(sim: &Sim, random: &mut fastrand::Rng) {
    let latency = Span { shortest: Duration::from_millis(20), longest: Duration::from_millis(400) };
    sim.set_latency(Some(latency));
    let reading = [
        Effect::Throttle,
        Effect::InternalError,
        Effect::Unavailable,
        Effect::Garbage,
        Effect::Truncated,
        Effect::CutShort,
        Effect::Refused,
        Effect::Denied,
    ];
    for effect in reading {
        if random.u8(..3) == 0 {
            sim.inject(Fault::new(effect).rate(0.06));
        }
    }
    let changing = [Effect::LostAnswer, Effect::HangAfter, Effect::Hang, Effect::Garbage, Effect::Throttle];
    for effect in changing {
        if random.u8(..3) == 0 {
            sim.inject(Fault::new(effect).on(On::Mutating).rate(0.2));
        }
    }
    if random.u8(..4) == 0 {
        sim.inject(Fault::new(Effect::Unavailable).on_operation("DescribeNetworkInterfaces").page(2));
    }
    let stale = |random: &mut fastrand::Rng| Duration::from_secs([0, 0, 1, 5][random.usize(..4)]);
    sim.set_staleness(Staleness { addresses: stale(random), interfaces: stale(random) });
    // Drawn aside and last, so that all else of a seed's history stays as it was.
    let mut aside = fastrand::Rng::with_seed(random.clone().u64(..));
    for effect in [Effect::InternalErrorAfter, Effect::UnavailableAfter] {
        if aside.u8(..3) == 0 {
            sim.inject(Fault::new(effect).on(On::Mutating).rate(0.2));
        }
    }
}

/// The queues that the replicas read: none, one for all of them, or each its own. Events are late, lost, doubled and out
/// of order.
pub fn queues(sim: &Sim, replicas: u64, random: &mut fastrand::Rng) -> Vec<Option<String>> {
    sim.set_events(EventWeather {
        delay: Span::seconds(random.u64(..3), random.u64(3..300)),
        loss: [0.0, 0.1, 0.5][random.usize(..3)],
        duplicate: [0.0, 0.3][random.usize(..2)],
        ..EventWeather::default()
    });
    let pattern = eipd::events::pattern::event_pattern();
    let wire = |name: &str| sim.world(|world| world.wire_events_of(name, &pattern));
    match random.u8(..6) {
        0..4 => vec![None; 2],
        4 => (0..replicas).map(|replica| Some(wire(&format!("of-{replica}")))).collect(),
        _ => vec![Some(wire("of-all")); 2],
    }
}

/// Fine weather.
pub fn clear(sim: &Sim) {
    sim.clear_faults();
    sim.set_staleness(Staleness::default());
}

/// Something happens.
pub fn happening(estate: &Estate, random: &mut fastrand::Rng) {
    match random.u8(..9) {
        0 | 1 => update(estate, random),
        2 => overflow(estate, random),
        3 => replace(estate, random),
        4 | 5 => take_off(estate, random),
        6 => misplace(estate, random),
        7 => sleep_or_wake(estate, random),
        _ => delete(estate, random),
    }
}

/// The operator serves a function from another pool, without pins. Whether there is another.
pub fn regroup(estate: &mut Estate, random: &mut fastrand::Rng) -> bool {
    let name = any_function(estate, random);
    let pools: Vec<_> = estate.desired.pools.keys().cloned().collect();
    let pool = pools[random.usize(..pools.len())].clone();
    let reference = name.parse().expect("a function's name");
    let declared = estate.desired.functions.get_mut(&reference).expect("it is declared");
    if declared.pool == pool {
        return false;
    }
    let allocations = estate.desired.pools[&pool].allocations.iter().map(ToString::to_string).collect();
    declared.pool = pool;
    declared.pins.clear();
    estate.declared.insert(name, allocations);
    true
}

fn update(estate: &Estate, random: &mut fastrand::Rng) {
    let name = any_function(estate, random);
    let vpc: Option<VpcConfig> = (random.u8(..8) > 0).then(|| estate.vpc(random));
    let outcome = match random.u8(..5) {
        0 => Outcome::Fails("the role may not create interfaces".to_owned()),
        _ => Outcome::Succeeds,
    };
    // It may be deleted, or busy with another update: AWS refuses then.
    let _refused = estate.sim.world(|world| world.update_function_vpc(&name, vpc, outcome, None));
}

fn overflow(estate: &Estate, random: &mut fastrand::Rng) {
    let Some(interface) = any_interface(estate, random) else { return };
    estate.sim.world(|world| {
        let found = world.interface(&interface).expect("it was just found");
        let (subnet, groups) = (world.subnet_of(found).id.clone(), found.groups.clone());
        let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
        world.overflow(&subnet, &groups);
    });
}

fn replace(estate: &Estate, random: &mut fastrand::Rng) {
    let Some(interface) = any_interface(estate, random) else { return };
    estate.sim.world(|world| world.replace_interface(&interface));
}

fn take_off(estate: &Estate, random: &mut fastrand::Rng) {
    let allocation = &estate.allocations[random.usize(..estate.allocations.len())];
    estate.sim.world(|world| world.stray_disassociate(allocation));
}

/// A stray hand puts an address where it does not belong, or a foreign one where ours belongs.
fn misplace(estate: &Estate, random: &mut fastrand::Rng) {
    let allocation = &estate.allocations[random.usize(..estate.allocations.len())];
    let undeclared = &estate.undeclared[random.usize(..estate.undeclared.len())];
    let ours = any_interface(estate, random);
    estate.sim.world(|world| {
        // AWS may refuse either: another account's interface, or belief B1.
        let _refused = match ours.filter(|_| random.bool()) {
            Some(interface) => world.stray_associate(undeclared, &interface, true),
            None => world.stray_associate(allocation, &estate.foreign[0], true),
        };
    });
}

fn sleep_or_wake(estate: &Estate, random: &mut fastrand::Rng) {
    let name = any_function(estate, random);
    estate.sim.world(|world| {
        if world.function(&name).is_none() {
            return;
        }
        if random.bool() {
            world.idle(&name);
        } else {
            world.wake(&name);
        }
    });
}

fn delete(estate: &Estate, random: &mut fastrand::Rng) {
    let name = any_function(estate, random);
    let again = random.bool().then(|| estate.vpc(random));
    estate.sim.world(|world| {
        if world.function(&name).is_some() {
            world.delete_function(&name);
        }
        if let Some(vpc) = again {
            world.create_function(&eipd_sim::NewFunction::new(&name, vpc));
        }
    });
}

fn any_function(estate: &Estate, random: &mut fastrand::Rng) -> String {
    let names: Vec<_> = estate.declared.keys().collect();
    names[random.usize(..names.len())].clone()
}

/// A Lambda interface of this account.
fn any_interface(estate: &Estate, random: &mut fastrand::Rng) -> Option<String> {
    let all: Vec<String> = estate.sim.world(|world| {
        let ours = world
            .interfaces()
            .filter(|i| i.exists() && i.kind == "lambda" && i.owner == world.config().account);
        ours.map(|interface| interface.id.clone()).collect()
    });
    (!all.is_empty()).then(|| all[random.usize(..all.len())].clone())
}
