//! What happens in an account that lives: one seeded event a step. All that comes goes again, so that a day of it leaves
//! as many interfaces as there were.

use crate::account::Account;
use eipd_sim::{FunctionState, Outcome, VpcConfig, World};

/// The events to come.
pub(crate) struct Life {
    /// Of a generator by G. Marsaglia, good enough to choose by (xorshift64).
    state: u64,
}

impl Life {
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1 }
    }

    fn below(&mut self, bound: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        let bound = u64::try_from(bound.max(1)).unwrap_or(1);
        usize::try_from((self.state >> 11) % bound).unwrap_or(0)
    }

    /// Lets one thing happen.
    pub(crate) fn step(&mut self, world: &mut World, account: &Account) {
        let place = self.below(account.functions.len());
        let Some(name) = account.functions.get(place) else { return };
        match self.below(100) {
            0..40 => self.switch(world, name, &account.second_groups[place]),
            40..60 => self.scale(world, name),
            60..75 => self.replace(world, name),
            75..90 => {
                let start = self.below(account.allocations.len());
                let (before, after) = account.allocations.split_at(start);
                after.iter().chain(before).any(|allocation| world.stray_disassociate(allocation));
            }
            _ => {
                let state = world.unit(name).map(|unit| unit.state);
                match state {
                    Some(FunctionState::Inactive) => world.wake(name),
                    Some(FunctionState::Active) => world.idle(name),
                    _ => {}
                }
            }
        }
        // Nobody leaves a function idle for long.
        let other = &account.functions[self.below(account.functions.len())];
        if world.unit(other).is_some_and(|unit| unit.state == FunctionState::Inactive) {
            world.wake(other);
        }
    }

    /// The function goes to its other security group, and the interfaces of the old one go.
    fn switch(&mut self, world: &mut World, name: &str, second: &str) {
        let Some((config, groups)) = serving(world, name) else { return };
        let first = world.security_groups().find(|group| group.name == name).map(|group| group.id.clone());
        let next = if groups == [second] { first.unwrap_or_default() } else { second.to_owned() };
        let config = VpcConfig::new(&config.subnets, &[next]);
        let outcome = match self.below(5) {
            0 => Outcome::Fails("InvalidSubnet".to_owned()),
            _ => Outcome::Succeeds,
        };
        // Refused while a change is under way, as by AWS.
        let _ = world.update_function_vpc(name, config, outcome, None);
    }

    fn scale(&mut self, world: &mut World, name: &str) {
        let Some((config, groups)) = serving(world, name) else { return };
        let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
        let subnet = &config.subnets[self.below(config.subnets.len())];
        if world.pair_interfaces(subnet, &groups).len() < 3 {
            world.overflow(subnet, &groups);
        }
    }

    fn replace(&mut self, world: &mut World, name: &str) {
        let Some((config, groups)) = serving(world, name) else { return };
        let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
        let subnet = &config.subnets[self.below(config.subnets.len())];
        if let [only] = world.pair_interfaces(subnet, &groups).as_slice() {
            let only = only.clone();
            world.replace_interface(&only);
        }
    }
}

fn serving(world: &World, name: &str) -> Option<(VpcConfig, Vec<String>)> {
    let unit = world.unit(name)?;
    let active = unit.state == FunctionState::Active;
    let config = active.then(|| unit.serving_config().cloned())??;
    let groups = config.security_groups.clone();
    Some((config, groups))
}
