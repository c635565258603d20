//! The smallest estate that is worth a story: one function on two subnets, and as many addresses as asked for.

use std::collections::BTreeSet;

use eipd::domain::desired::Desired;
use eipd_sim::{Sim, VpcConfig, WorldConfig};

use crate::rig::Wanted;

/// The estate.
pub struct Small {
    pub sim: Sim,
    pub subnets: [String; 2],
    pub group: String,
    pub allocations: Vec<String>,
    pub desired: Desired,
}

impl Small {
    /// `billing` is declared, active, and served from a pool of this many addresses.
    pub fn with(addresses: usize) -> Self {
        Self::of(WorldConfig::default(), addresses)
    }

    /// [`Small::with`] in another region, where the ids are others too.
    pub fn in_region(region: &str, addresses: usize) -> Self {
        let seed = region.bytes().fold(0, |seed: u64, byte| seed.wrapping_mul(31).wrapping_add(byte.into()));
        Self::of(WorldConfig { region: region.to_owned(), seed, ..WorldConfig::default() }, addresses)
    }

    /// [`Small::with`] in a world of this kind.
    pub fn of(config: WorldConfig, addresses: usize) -> Self {
        let sim = Sim::new(config);
        let (subnets, group, allocations) = sim.world(|world| {
            let vpc = world.create_vpc();
            let subnets = [world.create_subnet(&vpc, 'a'), world.create_subnet(&vpc, 'b')];
            let group = world.create_security_group(&vpc, "lambda");
            world.create_active_function("billing", VpcConfig::new(&subnets, &[&group]));
            let allocations = world.allocate_many(addresses);
            world.declare("billing", &allocations);
            (subnets, group, allocations)
        });
        let desired =
            Wanted::new().pool("partner-a", &allocations, 0).function("billing", "partner-a").done();
        Self { sim, subnets, group, allocations, desired }
    }

    /// The function's interfaces, in the order of their subnets.
    pub fn interfaces(&self) -> Vec<String> {
        let of = |subnet: &String| self.sim.world(|world| world.pair_interfaces(subnet, &[&self.group]));
        self.subnets.iter().flat_map(of).collect()
    }

    /// Whether every interface carries a different address of the pool.
    pub fn is_covered(&self) -> bool {
        let interfaces = self.interfaces();
        self.sim.world(|world| {
            let pool: BTreeSet<&str> = self.allocations.iter().map(|id| world.public_ip(id)).collect();
            let carried: BTreeSet<&str> = interfaces.iter().filter_map(|id| world.address_of(id)).collect();
            carried.len() == interfaces.len() && carried.is_subset(&pool)
        })
    }
}
