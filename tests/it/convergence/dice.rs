//! What is drawn of a seed: each thing from dice of its own, so that a story that is cut short is the same as far as it goes.

/// What the dice are for; each of a kind has a number.
#[derive(Clone, Copy)]
pub enum Purpose {
    Estate,
    Strangers,
    Weather,
    Events,
    Cast,
    Queues,
    Step(usize),
}

/// The dice of a seed for a purpose.
pub fn dice(seed: u64, purpose: Purpose) -> fastrand::Rng {
    let number = match purpose {
        Purpose::Estate => 1,
        Purpose::Strangers => 2,
        Purpose::Weather => 3,
        Purpose::Events => 4,
        Purpose::Cast => 5,
        Purpose::Queues => 6,
        Purpose::Step(step) => 100 + step as u64,
    };
    // An odd factor keeps the seeds apart, and no two purposes meet.
    fastrand::Rng::with_seed(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (number << 32))
}

/// Whether what happens once in so many times happens now.
pub fn once_in(times: u32, random: &mut fastrand::Rng) -> bool {
    random.u32(..times) == 0
}

/// One of them.
pub fn one_of<'a, T>(all: &'a [T], random: &mut fastrand::Rng) -> &'a T {
    &all[random.usize(..all.len())]
}

/// At least one of them.
pub fn some_of(all: &[String], random: &mut fastrand::Rng) -> Vec<String> {
    let mut some: Vec<String> = all.iter().filter(|_| random.bool()).cloned().collect();
    if some.is_empty() {
        some.push(one_of(all, random).clone());
    }
    some
}
