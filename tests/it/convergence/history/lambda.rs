//! What deployments and Lambda itself do to functions and their interfaces.

use std::time::Duration;

use eipd_sim::{NewFunction, Outcome, VpcConfig};

use super::super::dice::{once_in, one_of};
use super::super::estate::Estate;
use super::{Asks, any_function, any_interface};

pub(super) fn update(estate: &mut Estate, random: &mut fastrand::Rng) -> Asks {
    let Some(name) = any_function(estate, random) else { return Asks::Nothing };
    let vpc: Option<VpcConfig> = (!once_in(8, random)).then(|| estate.vpc(random));
    let outcome = match random.u8(..5) {
        0 => Outcome::Fails("the role may not create interfaces".to_owned()),
        _ => Outcome::Succeeds,
    };
    // It may be busy with another update: AWS refuses then.
    let _refused = estate.sim.world(|world| world.update_function_vpc(&name, vpc, outcome, None));
    Asks::Nothing
}

/// A new configuration, and some time later the old one again, perhaps while the new one is still on its way.
pub(super) fn roll_back(estate: &mut Estate, random: &mut fastrand::Rng) -> Asks {
    let Some(name) = any_function(estate, random) else { return Asks::Nothing };
    let (vpc, after) = (estate.vpc(random), Duration::from_secs(random.u64(5..400)));
    estate.sim.world(|world| {
        let old = world.unit(&name).and_then(|unit| unit.serving_config().cloned());
        if world.update_function_vpc(&name, vpc, Outcome::Succeeds, None).is_ok() {
            let at = world.now() + after;
            world.schedule(at, move |world| {
                let _refused = world.update_function_vpc(&name, old, Outcome::Succeeds, None);
            });
        }
    });
    Asks::Nothing
}

pub(super) fn renew(estate: &mut Estate, random: &mut fastrand::Rng) -> Asks {
    let Some(name) = any_function(estate, random) else { return Asks::Nothing };
    let _refused = estate.sim.world(|world| world.update_function_code(&name, None));
    Asks::Nothing
}

pub(super) fn overflow(estate: &mut Estate, random: &mut fastrand::Rng) -> Asks {
    let Some(interface) = any_interface(estate, random) else { return Asks::Nothing };
    estate.sim.world(|world| {
        let found = world.interface(&interface).expect("it was just found");
        let (subnet, groups) = (world.subnet_of(found).id.clone(), found.groups.clone());
        let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
        world.overflow(&subnet, &groups);
    });
    Asks::Nothing
}

pub(super) fn replace(estate: &mut Estate, random: &mut fastrand::Rng) -> Asks {
    let Some(interface) = any_interface(estate, random) else { return Asks::Nothing };
    estate.sim.world(|world| world.replace_interface(&interface));
    Asks::Nothing
}

pub(super) fn sleep_or_wake(estate: &mut Estate, random: &mut fastrand::Rng) -> Asks {
    let Some(name) = any_function(estate, random) else { return Asks::Nothing };
    estate.sim.world(|world| {
        if random.bool() {
            world.idle(&name);
        } else {
            world.wake(&name);
        }
    });
    Asks::Nothing
}

pub(super) fn delete(estate: &mut Estate, random: &mut fastrand::Rng) -> Asks {
    let Some(name) = any_function(estate, random) else { return Asks::Nothing };
    let again = random.bool().then(|| estate.vpc(random));
    estate.sim.world(|world| {
        world.delete_function(&name);
        if let Some(vpc) = again {
            world.create_function(&NewFunction::new(&name, vpc));
        }
    });
    Asks::Nothing
}

/// A function that the file names already, or one that nobody declares.
pub(super) fn create(estate: &mut Estate, random: &mut fastrand::Rng) -> Asks {
    let vpc = estate.vpc(random);
    let missing: Vec<String> = estate.sim.world(|world| {
        let names = estate.file.names().into_iter().chain(["newcomer"]);
        names.filter(|name| world.function(name).is_none()).map(str::to_owned).collect()
    });
    if !missing.is_empty() {
        let name = one_of::<String>(&missing, random);
        let new = NewFunction::new(name, vpc);
        estate.sim.world(|world| world.create_function(&new));
    }
    Asks::Nothing
}

pub(super) fn publish(estate: &mut Estate, random: &mut fastrand::Rng) -> Asks {
    let Some(name) = any_function(estate, random) else { return Asks::Nothing };
    estate.sim.world(|world| {
        let version = world.publish_version(&name);
        if random.bool() {
            world.set_alias(&name, "live", version);
        }
    });
    Asks::Nothing
}

/// An alias is pointed elsewhere, by weight or wholly, or goes.
pub(super) fn point(estate: &mut Estate, random: &mut fastrand::Rng) -> Asks {
    let Some(name) = any_function(estate, random) else { return Asks::Nothing };
    estate.sim.world(|world| {
        let versions = world.versions(&name);
        let has_alias = world.function(&name).is_some_and(|function| function.aliases.contains_key("live"));
        if versions.is_empty() {
            return;
        }
        let (first, second) = (*one_of(&versions, random), *one_of(&versions, random));
        match random.u8(..4) {
            0 if has_alias => world.delete_alias(&name, "live"),
            1 if first != second => world.set_weighted_alias(&name, "live", first, (second, 0.1)),
            _ => world.set_alias(&name, "live", first),
        }
    });
    Asks::Nothing
}

pub(super) fn end_version(estate: &mut Estate, random: &mut fastrand::Rng) -> Asks {
    let Some(name) = any_function(estate, random) else { return Asks::Nothing };
    estate.sim.world(|world| {
        let versions = world.versions(&name);
        if !versions.is_empty() {
            world.delete_version(&name, *one_of(&versions, random));
        }
    });
    Asks::Nothing
}
