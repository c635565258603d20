//! What happens to an estate: what Lambda does, what stray hands do, and what the operator writes into the file. The weather
//! between the daemons and AWS is `weather`'s.

mod hands;
mod lambda;
mod operator;

pub use operator::regroup;

use super::dice::one_of;
use super::estate::Estate;

/// What a happening asks of the story.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Asks {
    /// Nothing.
    Nothing,
    /// That the daemons are given the file anew.
    Reload,
}

type Happening = fn(&mut Estate, &mut fastrand::Rng) -> Asks;

/// All happenings by name; what is likelier stands here more than once.
const ALL: &[(&str, Happening)] = &[
    ("update", lambda::update),
    ("update", lambda::update),
    ("update", lambda::update),
    ("roll back", lambda::roll_back),
    ("new code", lambda::renew),
    ("overflow", lambda::overflow),
    ("overflow", lambda::overflow),
    ("replacement", lambda::replace),
    ("idle or awake", lambda::sleep_or_wake),
    ("idle or awake", lambda::sleep_or_wake),
    ("deletion", lambda::delete),
    ("creation", lambda::create),
    ("publication", lambda::publish),
    ("alias", lambda::point),
    ("end of a version", lambda::end_version),
    ("taken off", hands::take_off),
    ("taken off", hands::take_off),
    ("taken off", hands::take_off),
    ("misplaced", hands::misplace),
    ("misplaced", hands::misplace),
    ("released", hands::release),
    ("tagged", hands::tag),
    ("denied gateway", hands::deny_gateway),
    ("regrouped", operator::regroup),
    ("regrouped", operator::regroup),
    ("left the file", operator::remove_function),
    ("came to the file", operator::add_function),
    ("pool shrinks", operator::shrink_pool),
    ("pool grows", operator::grow_pool),
    ("other rules", operator::change_rules),
];

/// Something happens. Returns its name and what it asks.
pub fn happen(estate: &mut Estate, random: &mut fastrand::Rng) -> (&'static str, Asks) {
    let (name, happening) = one_of(ALL, random);
    (name, happening(estate, random))
}

/// Any declared function that exists.
fn any_function(estate: &Estate, random: &mut fastrand::Rng) -> Option<String> {
    let all: Vec<String> = estate.sim.world(|world| {
        let names = estate.file.names().into_iter().filter(|name| world.function(name).is_some());
        names.map(str::to_owned).collect()
    });
    (!all.is_empty()).then(|| one_of(&all, random).clone())
}

/// Any Lambda interface of this account.
fn any_interface(estate: &Estate, random: &mut fastrand::Rng) -> Option<String> {
    let all: Vec<String> = estate.sim.world(|world| {
        let ours = world.interfaces().filter(|i| i.kind == "lambda" && i.owner == world.config().account);
        ours.map(|interface| interface.id.clone()).collect()
    });
    (!all.is_empty()).then(|| one_of(&all, random).clone())
}

/// Any declared allocation.
fn any_allocation(estate: &Estate, random: &mut fastrand::Rng) -> Option<String> {
    let all = estate.allocations();
    (!all.is_empty()).then(|| one_of(&all, random).clone())
}
