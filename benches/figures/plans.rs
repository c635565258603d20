//! The planner alone, on facts made up in memory: nothing here reads or sends anything.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use eipd::domain::audit::audit;
use eipd::domain::desired::{Desired, DesiredFunction, Pool};
use eipd::domain::function::{
    FunctionConfiguration, FunctionObservation, FunctionRef, FunctionState, LastUpdate, Pair, SecurityGroups,
    VpcConfig,
};
use eipd::domain::ids::{AllocationId, PoolName};
use eipd::domain::leave::Leave;
use eipd::domain::observed::{Address, Interface, InterfaceAssociation, InterfaceStatus, Observed};
use eipd::domain::plan::plan as make_plan;
use eipd::domain::priority::Priority;
use eipd::domain::roster::Roster;
use eipd::domain::versions::Versions;

use super::say;

const RUNS: usize = 7;

/// Prints how long `plan()` and `audit()` take.
pub fn plan() {
    say("   interfaces  pools  state     plan ms (best / middle / worst of 7)   audit ms (middle)");
    for (interfaces, pools) in [(100, 4), (10_000, 250), (100_000, 250), (100_000, 1)] {
        for bare in [false, true] {
            let (desired, observed) = estate(interfaces, pools, bare);
            let made = make_plan(&desired, &observed);
            let (best, middle, worst) = times(|| make_plan(&desired, &observed));
            let (_, audited, _) = times(|| audit(&desired, &observed, &made.actions));
            let state = if bare { "all bare" } else { "healthy " };
            say(&format!(
                "   {interfaces:>10}  {pools:>5}  {state}  {best:>8.2} / {middle:>8.2} / {worst:>8.2}                {audited:>8.2}"
            ));
        }
    }
}

fn times<T>(mut work: impl FnMut() -> T) -> (f64, f64, f64) {
    let mut took: Vec<Duration> = (0..RUNS)
        .map(|_| {
            let begun = Instant::now();
            let result = work();
            let took = begun.elapsed();
            drop(result);
            took
        })
        .collect();
    took.sort_unstable();
    let ms = |time: Duration| time.as_secs_f64() * 1000.0;
    (ms(took[0]), ms(took[RUNS / 2]), ms(took[RUNS - 1]))
}

/// Each pool serves one function with five published versions, whose pairs have four interfaces each.
pub fn estate(interfaces: usize, pools: usize, bare: bool) -> (Desired, Observed) {
    let account = "111122223333".parse().expect("an account");
    let mut desired = Desired::default();
    let mut observed = Observed {
        at: jiff::Timestamp::UNIX_EPOCH,
        account,
        interfaces: BTreeMap::new(),
        addresses: BTreeMap::new(),
        functions: BTreeMap::new(),
        recent_writes: BTreeMap::new(),
        refused: BTreeSet::new(),
        retired: BTreeSet::new(),
        network: Arc::default(),
        leave: Leave::default(),
        remarks: Vec::new(),
        roster: None,
        roster_trouble: None,
        gaps: Vec::new(),
    };
    let mut listed = Vec::new();
    let per_pool = interfaces / pools;
    let shared = Shared { groups: groups(), zone: "eu-west-1a".into(), border_group: "eu-west-1".into() };
    for pool in 0..pools {
        let numbers = pool * per_pool..(pool + 1) * per_pool;
        let allocations: BTreeSet<AllocationId> = numbers.clone().map(allocation).collect();
        let name: PoolName = format!("pool-{pool}").parse().expect("a name");
        desired.pools.insert(name.clone(), Pool { allocations: Arc::new(allocations), ..Pool::default() });
        let function: FunctionRef = format!("function-{pool}").parse().expect("a name");
        desired.functions.insert(
            function.clone(),
            DesiredFunction {
                pool: name,
                pins: BTreeMap::new(),
                versions: Versions::default(),
                priority: Priority::default(),
            },
        );
        let vpc = VpcConfig {
            subnets: (0..per_pool.div_ceil(4)).map(|n| subnet(pool, n)).collect(),
            security_groups: shared.groups.clone(),
        };
        let shown = configuration(vpc);
        let versions = (1..=5).map(|number| function.at_version(number)).chain([function.clone()]);
        listed.extend(versions.map(|version| (version, shown.clone())));
        observed.functions.insert(function, FunctionObservation::Known(shown));
        for number in numbers {
            add(&mut observed, &shared, (pool, (number % per_pool) / 4), number, bare);
        }
    }
    observed.roster = Some(Arc::new(Roster::of(listed)));
    (desired, observed)
}

/// What the interfaces of an observation have in common, as when it is read from EC2.
struct Shared {
    groups: SecurityGroups,
    zone: Arc<str>,
    border_group: Arc<str>,
}

fn add(observed: &mut Observed, shared: &Shared, (pool, place): (usize, usize), number: usize, bare: bool) {
    let public_ip = IpAddr::V4(Ipv4Addr::from(0x3400_0000 + u32::try_from(number).expect("few enough")));
    let association = (!bare)
        .then(|| InterfaceAssociation { allocation: Some(allocation(number)), public_ip: Some(public_ip) });
    let interface = Interface {
        id: format!("eni-{number:017x}").parse().expect("an id"),
        owner: observed.account.clone(),
        pair: Pair { subnet: subnet(pool, place), security_groups: shared.groups.clone() },
        zone: Some(Arc::clone(&shared.zone)),
        zone_id: None,
        status: InterfaceStatus::InUse,
        associations: association.into_iter().collect(),
        denies_internet_gateway: false,
    };
    let address = Address {
        allocation: allocation(number),
        public_ip,
        border_group: Some(Arc::clone(&shared.border_group)),
        association: (!bare).then(|| eipd::domain::observed::AddressAssociation {
            id: None,
            interface: Some(interface.id.clone()),
            instance: None,
        }),
        managed_by: None,
    };
    observed.interfaces.insert(interface.id.clone(), interface);
    observed.addresses.insert(address.allocation.clone(), address);
}

fn configuration(vpc: VpcConfig) -> FunctionConfiguration {
    FunctionConfiguration {
        vpc: Some(vpc),
        former_vpc: None,
        versions: BTreeMap::new(),
        state: Some(FunctionState::Active),
        last_update: Some(LastUpdate::Successful),
        on_capacity_provider: false,
        dual_stack: false,
        timeout: Duration::from_secs(3),
    }
}

fn allocation(number: usize) -> AllocationId {
    format!("eipalloc-{number:017x}").parse().expect("an id")
}

fn subnet(pool: usize, place: usize) -> eipd::domain::ids::SubnetId {
    format!("subnet-{:017x}", pool * 1_000_000 + place).parse().expect("an id")
}

fn groups() -> SecurityGroups {
    ["sg-00000000000000001", "sg-00000000000000002"].iter().map(|id| id.parse().expect("an id")).collect()
}
