//! A small estate with every kind of trouble that a real one has, drawn by seed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use eipd::domain::policy::DisruptionBudget;
use eipd::domain::versions::Versions;
use eipd_sim::{NewAddress, NewFunction, NewInterface, RouteTarget, Sim, VpcConfig, World, WorldConfig};

use super::dice::{Purpose, dice, once_in, one_of, some_of};
use super::file::{File, Function, POOL_TAG, Pool};

/// The region's border group is the world's own; this is of another place.
const ELSEWHERE: &str = "eu-west-1-wl1-ber-wlz1";

/// An account of others, with whom subnets are shared.
const OTHERS: &str = "999999999999";

/// An estate and what is declared of it.
pub struct Estate {
    /// The account.
    pub sim: Sim,
    /// What the daemons are told.
    pub file: File,
    /// The subnets.
    pub subnets: Vec<String>,
    /// The security groups.
    pub groups: Vec<String>,
    /// Allocations that nobody declared.
    pub undeclared: Vec<String>,
    /// Interfaces that are none of the daemon's business; the first takes an address.
    pub foreign: Vec<String>,
    /// What the world was told to expect, by function version.
    expected: BTreeMap<String, BTreeSet<String>>,
}

impl Estate {
    /// Draws one of this account.
    pub fn draw(seed: u64, account: &str) -> Self {
        let random = &mut dice(seed, Purpose::Estate);
        let sim = Sim::new(WorldConfig { account: account.to_owned(), ..WorldConfig::drawn(seed) });
        let (subnets, groups) = sim.world(|world| {
            world.grant_grace(Duration::from_secs(60));
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
            file: File::default(),
            subnets,
            groups,
            undeclared: Vec::new(),
            foreign: Vec::new(),
            expected: BTreeMap::new(),
        };
        estate.declare(random);
        estate.add_strangers(&mut dice(seed, Purpose::Strangers));
        estate.expect();
        estate
    }

    /// A VpcConfig within the estate; often one that shares pairs with another function's, or whose groups are more or
    /// fewer than those.
    pub fn vpc(&self, random: &mut fastrand::Rng) -> VpcConfig {
        let (subnets, mut groups) = (some_of(&self.subnets, random), some_of(&self.groups, random));
        if random.bool() {
            let used: Vec<VpcConfig> = self.sim.world(|world| {
                let configurations = world.functions().filter_map(|function| world.unit(&function.name));
                configurations.filter_map(|unit| unit.serving_config().cloned()).collect()
            });
            if !used.is_empty() {
                let like = one_of(&used, random);
                groups = like.security_groups.clone();
                match random.u8(..3) {
                    0 => groups.extend(some_of(&self.groups, random)),
                    1 if groups.len() > 1 => groups.truncate(groups.len() - 1),
                    _ => {}
                }
                groups.sort_unstable();
                groups.dedup();
            }
        }
        VpcConfig::new(&subnets, &groups)
    }

    /// Every allocation that the file declares now.
    pub fn allocations(&self) -> Vec<String> {
        self.sim.world(|world| self.file.allocations(world).into_iter().collect())
    }

    /// The world expects of each version that counts to leave from its set, and lets the daemons name what is declared.
    pub fn expect(&mut self) {
        self.expect_by(&self.sim.world(|world| healthy(&self.file, world)));
    }

    /// The world calls healthy only what is so by the file and was so before: what was begun by old orders may still end.
    pub fn expect_both(&mut self) {
        let mut now = self.sim.world(|world| healthy(&self.file, world));
        now.retain(|key, _| self.expected.contains_key(key));
        for (key, set) in &mut now {
            set.retain(|id| self.expected[key].contains(id));
        }
        self.expect_by(&now);
    }

    fn expect_by(&mut self, sets: &BTreeMap<String, BTreeSet<String>>) {
        self.sim.world(|world| {
            for gone in self.expected.keys().filter(|key| !sets.contains_key(*key)) {
                world.unexpect(gone);
            }
            for (key, set) in sets {
                let ips: Vec<String> = set.iter().map(|id| world.public_ip(id).to_owned()).collect();
                if world.unit(key).is_some() {
                    world.expect(key, &ips);
                }
            }
            let allocations: Vec<_> = self.file.allocations(world).into_iter().collect();
            let names: Vec<_> = self.file.names().into_iter().collect();
            world.manage(&allocations, &names);
        });
        self.expected.clone_from(sets);
    }

    fn declare(&mut self, random: &mut fastrand::Rng) {
        let mut earlier: Vec<String> = Vec::new();
        for number in 0..random.usize(1..=3) {
            let name = format!("pool-{number}");
            let by_tag = once_in(5, random);
            let many = random.usize(1..=6);
            let (mut listed, tagged) = if by_tag { (many / 2, many - many / 2) } else { (many, 0) };
            let mut pool = Pool { by_tag, min_spare: random.usize(..=2), ..Pool::default() };
            self.sim.world(|world| {
                if once_in(12, random) && listed > 0 {
                    // Of no use here: in another border group, or a load balancer's.
                    let border_group = random.bool().then(|| ELSEWHERE.to_owned());
                    let service_managed = border_group.is_none().then(|| "alb".to_owned());
                    let odd = NewAddress { border_group, service_managed, ..NewAddress::default() };
                    pool.listed.insert(world.allocate(odd));
                    listed -= 1;
                }
                pool.listed.extend(world.allocate_many(listed));
                for _ in 0..tagged {
                    world.allocate_tagged(POOL_TAG, &name);
                }
            });
            if !earlier.is_empty() && once_in(4, random) {
                pool.listed.extend(some_of(&earlier, random));
            }
            earlier.extend(pool.listed.iter().cloned());
            self.file.pools.insert(name, pool);
        }
        for number in 0..random.usize(1..=4) {
            self.declare_function(&format!("function-{number}"), random);
        }
        if once_in(4, random) {
            self.file.functions.insert("nowhere".to_owned(), Function::of("pool-0"));
        }
        self.file.budget = DisruptionBudget {
            per_pass: *one_of(&[1, 2, 5], random),
            per_hour: *one_of(&[2, 20, 20], random),
        };
    }

    fn declare_function(&mut self, name: &str, random: &mut fastrand::Rng) {
        let pools: Vec<String> = self.file.pools.keys().cloned().collect();
        let mut table = Function::of(one_of::<String>(&pools, random));
        let vpc = self.vpc(random);
        let listed = &self.file.pools[&table.pool].listed;
        if let Some(first) = listed.first().filter(|_| once_in(4, random)) {
            table.pins.insert(vpc.subnets[0].clone(), [first.clone()].into());
        }
        table.versions = *one_of(&[Versions::Live, Versions::Live, Versions::All, Versions::Latest], random);
        table.priority = random.i64(0..3);
        let timeout = Duration::from_secs(*one_of(&[3, 3, 60, 300], random));
        let new = NewFunction { timeout, ..NewFunction::new(name, vpc) };
        let published = once_in(3, random);
        self.sim.world(|world| {
            world.create_active(&new);
            if published {
                let version = world.publish_version(name);
                world.set_alias(name, "live", version);
            }
        });
        let by_alias = published && once_in(4, random);
        let declared = if by_alias { format!("{name}:live") } else { name.to_owned() };
        self.file.functions.insert(declared, table);
    }

    fn add_strangers(&mut self, random: &mut fastrand::Rng) {
        let bystander = self.vpc(random);
        let (subnets, groups) = (self.subnets.clone(), some_of(&self.groups, random));
        let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
        let allocations = self.allocations();
        self.foreign = self.sim.world(|world| {
            world.create_active_function("bystander", bystander.clone());
            world.create_active_function("outside", None);
            let plain = world.add_interface(NewInterface::plain(&subnets[0], &groups));
            let theirs = world.add_foreign_interface(OTHERS, &subnets[0], &groups);
            // Another owner's on the very pair of one of ours.
            let same: Vec<&str> = bystander.security_groups.iter().map(String::as_str).collect();
            let twin = world.add_foreign_interface(OTHERS, &bystander.subnets[0], &same);
            if once_in(6, random) {
                world.change_subnet(&bystander.subnets[0], |subnet| subnet.owner = OTHERS.to_owned());
            }
            vec![plain, theirs, twin]
        });
        self.undeclared = self.sim.world(|world| vec![world.allocate_address(), world.allocate_address()]);
        self.sim.world(|world| {
            if once_in(5, random) {
                let taken = one_of(&allocations, random);
                if world.address(taken).is_some_and(|address| address.service_managed.is_none()) {
                    // AWS refuses it for one of another border group.
                    let _refused = world.stray_associate(taken, &self.foreign[0], true);
                }
            }
            if once_in(10, random) {
                let nowhere = RouteTarget::NatGateway("nat-0123456789abcdef0".to_owned());
                let led = subnets.last().expect("there is one").clone();
                world.change_subnet(&led, |subnet| subnet.default_route = nowhere);
            }
        });
    }
}

/// For each version that counts what it may leave from wherever it is: the simulator knows of no pins, and what lies outside one
/// is wrong in its subnet.
fn healthy(file: &File, world: &World) -> BTreeMap<String, BTreeSet<String>> {
    let mut healthy: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (function, key) in file.units(world) {
        let table = &file.functions[function];
        let mut set = file.pool(world, &table.pool);
        set.retain(|id| table.pins.values().all(|pinned| pinned.contains(id)));
        // Two tables may count one version: both hold.
        let of_all = healthy.entry(key).or_insert_with(|| set.clone());
        of_all.retain(|id| set.contains(id));
    }
    healthy
}
