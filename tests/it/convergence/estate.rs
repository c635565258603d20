//! A small estate with every kind of trouble that a real one has, drawn by seed.

use std::collections::BTreeMap;

use eipd::domain::desired::Desired;
use eipd_sim::{NewAddress, NewInterface, Sim, VpcConfig, WorldConfig};

use crate::rig::Wanted;

/// An estate and what is desired of it.
pub struct Estate {
    /// The account.
    pub sim: Sim,
    /// What the daemons are told.
    pub desired: Desired,
    /// The subnets.
    pub subnets: Vec<String>,
    /// The security groups.
    pub groups: Vec<String>,
    /// The declared functions with their pools' allocations.
    pub declared: BTreeMap<String, Vec<String>>,
    /// Every declared allocation.
    pub allocations: Vec<String>,
    /// Allocations that nobody declared.
    pub undeclared: Vec<String>,
    /// Interfaces that are none of the daemon's business.
    pub foreign: Vec<String>,
}

impl Estate {
    /// Draws one.
    pub fn draw(seed: u64, random: &mut fastrand::Rng) -> Self {
        let sim = Sim::new(WorldConfig::drawn(seed));
        let (subnets, groups) = sim.world(|world| {
            let vpc = world.create_vpc();
            let subnets: Vec<_> =
                ('a'..='d').take(random.usize(1..=4)).map(|zone| world.create_subnet(&vpc, zone)).collect();
            let groups: Vec<_> = (0..random.usize(1..=3))
                .map(|n| world.create_security_group(&vpc, &format!("group-{n}")))
                .collect();
            (subnets, groups)
        });
        let mut estate = Self {
            sim,
            desired: Desired::default(),
            subnets,
            groups,
            declared: BTreeMap::new(),
            allocations: Vec::new(),
            undeclared: Vec::new(),
            foreign: Vec::new(),
        };
        estate.declare(random, &mut fastrand::Rng::with_seed(!seed));
        estate.add_strangers(random);
        estate
    }

    /// A VpcConfig within the estate.
    pub fn vpc(&self, random: &mut fastrand::Rng) -> VpcConfig {
        VpcConfig::new(&some(&self.subnets, random), &some(&self.groups, random))
    }

    /// The world expects of each function to leave from its pool.
    pub fn expect(&self) {
        self.expect_only(&self.healthy());
    }

    /// For each function what it may leave from wherever it is: the simulator knows of no pins, and what lies outside one
    /// is wrong in its subnet.
    pub fn healthy(&self) -> BTreeMap<String, Vec<String>> {
        let of = |(function, allocations): (&String, &Vec<String>)| {
            let pins = self.desired.functions[&function.parse().expect("a function's name")].pins.values();
            let pins: Vec<_> = pins.collect();
            let fits =
                |id: &String| pins.iter().all(|pin| pin.iter().any(|pinned| pinned.to_string() == *id));
            let fitting = allocations.iter().filter(|id| fits(id)).cloned().collect();
            (function.clone(), fitting)
        };
        self.declared.iter().map(of).collect()
    }

    /// The world expects of each function to leave from its pool, and calls healthy only what was so by `other` as well.
    pub fn expect_only(&self, other: &BTreeMap<String, Vec<String>>) {
        self.sim.world(|world| {
            for (function, allocations) in &self.healthy() {
                let both = allocations.iter().filter(|id| other[function].contains(id));
                let ips: Vec<_> = both.map(|id| world.public_ip(id).to_owned()).collect();
                if world.function(function).is_some() {
                    world.expect(function, &ips);
                }
            }
        });
    }

    fn declare(&mut self, random: &mut fastrand::Rng, priorities: &mut fastrand::Rng) {
        let mut wanted = Wanted::new();
        let mut pools = Vec::new();
        for pool in 0..random.usize(1..=3) {
            let allocations = self.sim.world(|world| world.allocate_many(random.usize(1..=6)));
            let name = format!("pool-{pool}");
            wanted = wanted.pool(&name, &allocations, random.usize(..=2));
            self.allocations.extend(allocations.iter().cloned());
            pools.push((name, allocations));
        }
        for function in 0..random.usize(1..=4) {
            let (pool, allocations) = &pools[random.usize(..pools.len())];
            let name = format!("function-{function}");
            let vpc = self.vpc(random);
            let pin = random.u8(..4) == 0;
            let pinned = [&*allocations[0]];
            let pins: [(&str, &[&str]); 1] = [(&*vpc.subnets[0], &pinned)];
            wanted = wanted.pinned(&name, pool, if pin { &pins } else { &[] });
            wanted = wanted.priority(&name, priorities.i64(0..3));
            self.sim.world(|world| world.create_active_function(&name, vpc));
            self.declared.insert(name, allocations.clone());
        }
        if random.u8(..4) == 0 {
            wanted = wanted.function("nowhere", &pools[0].0);
        }
        self.desired = wanted.done();
        let functions: Vec<_> = self.declared.keys().collect();
        self.sim.world(|world| {
            world.manage(&self.allocations, &functions);
        });
        self.expect();
    }

    fn add_strangers(&mut self, random: &mut fastrand::Rng) {
        let (subnets, groups) = (self.subnets.clone(), self.groups.clone());
        let group = |random: &mut fastrand::Rng| groups[random.usize(..groups.len())].clone();
        let bystander = self.vpc(random);
        self.foreign = self.sim.world(|world| {
            world.create_active_function("bystander", bystander);
            world.create_active_function("outside", None);
            let plain = world.add_interface(NewInterface::plain(&subnets[0], &[&group(random)]));
            let theirs = world.add_foreign_interface("999999999999", &subnets[0], &[&group(random)]);
            vec![plain, theirs]
        });
        self.undeclared =
            self.sim.world(|world| vec![world.allocate_address(), world.allocate(NewAddress::default())]);
    }
}

/// At least one of them.
fn some(all: &[String], random: &mut fastrand::Rng) -> Vec<String> {
    let mut some: Vec<String> = all.iter().filter(|_| random.bool()).cloned().collect();
    if some.is_empty() {
        some.push(all[random.usize(..all.len())].clone());
    }
    some
}
