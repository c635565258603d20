//! What the operator writes into the file.

use eipd::domain::versions::Versions;

use super::super::dice::{once_in, one_of};
use super::super::estate::Estate;
use super::super::file::Function;
use super::Asks;

fn any_table(estate: &Estate, random: &mut fastrand::Rng) -> Option<String> {
    let all: Vec<String> = estate.file.functions.keys().cloned().collect();
    (!all.is_empty()).then(|| one_of(&all, random).clone())
}

fn any_pool(estate: &Estate, random: &mut fastrand::Rng) -> String {
    let all: Vec<String> = estate.file.pools.keys().cloned().collect();
    one_of(&all, random).clone()
}

/// A function is served from another pool, without pins.
pub fn regroup(estate: &mut Estate, random: &mut fastrand::Rng) -> Asks {
    let Some(name) = any_table(estate, random) else { return Asks::Nothing };
    let pool = any_pool(estate, random);
    let table = estate.file.functions.get_mut(&name).expect("it was just found");
    if table.pool == pool {
        return Asks::Nothing;
    }
    table.pool = pool;
    table.pins.clear();
    Asks::Reload
}

pub(super) fn remove_function(estate: &mut Estate, random: &mut fastrand::Rng) -> Asks {
    let Some(name) = any_table(estate, random) else { return Asks::Nothing };
    estate.file.functions.remove(&name);
    Asks::Reload
}

/// A function that was not declared, or left the file, comes to it, whether or not it exists.
pub(super) fn add_function(estate: &mut Estate, random: &mut fastrand::Rng) -> Asks {
    let known = ["bystander", "newcomer", "function-0", "function-1", "outside"];
    let names = estate.file.names();
    let absent: Vec<&str> = known.into_iter().filter(|name| !names.contains(name)).collect();
    if absent.is_empty() {
        return Asks::Nothing;
    }
    let name = (*one_of(&absent, random)).to_owned();
    let pool = any_pool(estate, random);
    estate.file.functions.insert(name, Function::of(&pool));
    Asks::Reload
}

/// An address leaves a pool's list, and what pins say of it.
pub(super) fn shrink_pool(estate: &mut Estate, random: &mut fastrand::Rng) -> Asks {
    let pool = any_pool(estate, random);
    let listed: Vec<String> = estate.file.pools[&pool].listed.iter().cloned().collect();
    if listed.len() < 2 {
        return Asks::Nothing;
    }
    let gone = one_of(&listed, random).clone();
    estate.file.pools.get_mut(&pool).expect("it was just found").listed.remove(&gone);
    for table in estate.file.functions.values_mut() {
        table.pins.retain(|_, pinned| !pinned.contains(&gone));
    }
    Asks::Reload
}

/// An address is allocated for a pool, or one that nobody declared comes to it.
pub(super) fn grow_pool(estate: &mut Estate, random: &mut fastrand::Rng) -> Asks {
    let pool = any_pool(estate, random);
    let address = match random.u8(..3) {
        0 => one_of(&estate.undeclared, random).clone(),
        _ => estate.sim.world(|world| world.allocate_address()),
    };
    estate.file.pools.get_mut(&pool).expect("it was just found").listed.insert(address);
    Asks::Reload
}

/// What becomes of what leaves the file, whether anything is changed at all, and for whom.
pub(super) fn change_rules(estate: &mut Estate, random: &mut fastrand::Rng) -> Asks {
    match random.u8(..4) {
        0 => estate.file.observes = !estate.file.observes,
        1 => estate.file.takes_off = !estate.file.takes_off,
        2 => {
            let pool = any_pool(estate, random);
            estate.file.pools.get_mut(&pool).expect("it was just found").min_spare = random.usize(..=2);
        }
        _ => {
            let Some(name) = any_table(estate, random) else { return Asks::Nothing };
            let table = estate.file.functions.get_mut(&name).expect("it was just found");
            table.priority = random.i64(-1..3);
            if once_in(2, random) {
                table.versions = *one_of(&[Versions::Live, Versions::All, Versions::Latest], random);
            }
        }
    }
    Asks::Reload
}
