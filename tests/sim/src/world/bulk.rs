//! Many at once: accounts of up to 100,000 interfaces for benchmarks and figures.
//!
//! Shortcuts to a state that the other verbs could reach too; nothing here is a rule of AWS.

use super::{NewFunction, VpcConfig, World};

/// The size of an account to fill.
#[derive(Clone, Debug)]
pub struct Population {
    /// How many functions, named `function-00000` and on, each with a security group of its own.
    pub functions: usize,
    /// How many subnets each of them has.
    pub subnets_per_function: usize,
    /// How many subnets there are in all, at least as many as a function has.
    pub subnets: usize,
    /// How many interfaces Lambda uses for each pair.
    pub interfaces_per_pair: usize,
}

impl World {
    /// Fills the account with Active functions whose interfaces are ready. Returns their names.
    pub fn populate(&mut self, population: &Population) -> Vec<String> {
        let vpc = self.create_vpc();
        let zones = ['a', 'b', 'c'];
        let subnets: Vec<String> =
            (0..population.subnets).map(|place| self.create_subnet(&vpc, zones[place % 3])).collect();
        let mut names = Vec::with_capacity(population.functions);
        for number in 0..population.functions {
            let name = format!("function-{number:05}");
            let group = self.create_security_group(&vpc, &name);
            let chosen: Vec<&String> = (0..population.subnets_per_function)
                .map(|place| &subnets[(number * population.subnets_per_function + place) % subnets.len()])
                .collect();
            let config = VpcConfig::new(&chosen, &[group]);
            self.create_active(&NewFunction::new(&name, Some(config.clone())));
            for pair in self.pairs_of(&config) {
                for _ in 1..population.interfaces_per_pair {
                    self.spawn_ready(pair, &name, true);
                }
            }
            names.push(name);
        }
        names
    }

    /// Allocates many addresses. Returns their allocation ids.
    pub fn allocate_many(&mut self, count: usize) -> Vec<String> {
        (0..count).map(|_| self.allocate_address()).collect()
    }

    /// Gives each in-use Lambda interface without an address the next of these allocations, until either runs out.
    /// Returns how many were given.
    pub fn cover(&mut self, allocations: &[String]) -> usize {
        let bare = |interface: &&super::Interface| {
            interface.pair.is_some()
                && interface.association().is_none()
                && interface.status() == super::InterfaceStatus::InUse
        };
        let bare: Vec<_> = self.interfaces().filter(bare).map(|interface| interface.id.clone()).collect();
        let pairs = bare.iter().zip(allocations);
        pairs.map(|(interface, allocation)| self.give(allocation, interface)).count()
    }

    /// Puts a free address on a free interface, past AWS's rules and without a record.
    pub fn give(&mut self, allocation: &str, interface: &str) {
        let (address, place) = (self.address_at(allocation), self.interface_at(interface));
        let free =
            self.addresses[address].association().is_none() && self.interfaces[place].association().is_none();
        assert!(free, "the scenario gives a free address to a bare interface");
        self.make_association(address, place);
    }
}
