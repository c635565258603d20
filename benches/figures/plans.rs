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
    say(
        "   interfaces  pools  functions  state     plan ms (best / middle / worst of 7)   audit ms (middle)",
    );
    let shape = |interfaces, pools, functions| Shape { interfaces, pools, functions };
    let small = [shape(100, 4, 4), shape(10_000, 250, 250)];
    let large = [shape(100_000, 250, 250), shape(100_000, 1, 1), shape(100_000, 500, 5_000)];
    for shape in small.into_iter().chain(large) {
        for state in [State::Healthy, State::Bare, State::Short] {
            let (desired, observed) = estate(&shape, state);
            let made = make_plan(&desired, &observed);
            let (best, middle, worst) = times(|| make_plan(&desired, &observed));
            let (_, audited, _) = times(|| audit(&desired, &observed, &made.actions));
            let Shape { interfaces, pools, functions } = shape;
            let state = match state {
                State::Healthy => "healthy ",
                State::Bare => "all bare",
                State::Short => "short   ",
            };
            say(&format!(
                "   {interfaces:>10}  {pools:>5}  {functions:>9}  {state}  {best:>8.2} / {middle:>8.2} / {worst:>8.2}                {audited:>8.2}"
            ));
        }
    }
}

/// How large an estate is.
#[derive(Clone, Copy)]
struct Shape {
    interfaces: usize,
    pools: usize,
    functions: usize,
}

/// How an estate stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Each interface carries its address.
    Healthy,
    /// None carries any, and there is one for each.
    Bare,
    /// None carries any, and there is one for every other; functions differ in their priorities.
    Short,
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

/// Each pool serves as many functions, each with five published versions. A pair has four interfaces; where a pool
/// serves more than one function, two of them share each pair.
fn estate(shape: &Shape, state: State) -> (Desired, Observed) {
    let Shape { interfaces, pools, functions } = *shape;
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
    let (pairs, of_pool) = (per_pool.div_ceil(4), functions / pools);
    let shared = Shared { groups: groups(), zone: "eu-west-1a".into(), border_group: "eu-west-1".into() };
    for pool in 0..pools {
        let numbers = pool * per_pool..(pool + 1) * per_pool;
        let exists = |number: &usize| state != State::Short || number.is_multiple_of(2);
        let allocations: BTreeSet<AllocationId> = numbers.clone().filter(exists).map(allocation).collect();
        let name: PoolName = format!("pool-{pool}").parse().expect("a name");
        desired.pools.insert(name.clone(), Pool { allocations: Arc::new(allocations), ..Pool::default() });
        for place in 0..of_pool {
            let function: FunctionRef = format!("function-{pool}-{place}").parse().expect("a name");
            let urgency = if state == State::Short { place % 3 } else { 0 };
            let priority = Priority::new(urgency as i64).expect("within the bounds");
            let declared = DesiredFunction {
                pool: name.clone(),
                pins: BTreeMap::new(),
                versions: Versions::default(),
                priority,
            };
            desired.functions.insert(function.clone(), declared);
            let first = place * pairs / of_pool;
            let used = (pairs * 2 / of_pool).min(pairs);
            let vpc = VpcConfig {
                subnets: (first..first + used).map(|n| subnet(pool, n % pairs)).collect(),
                security_groups: shared.groups.clone(),
                dual_stack: false,
            };
            let shown = configuration(vpc);
            let versions = (1..=5).map(|number| function.at_version(number)).chain([function.clone()]);
            listed.extend(versions.map(|version| (version, shown.clone())));
            observed.functions.insert(function, FunctionObservation::Known(shown));
        }
        for number in numbers {
            add(&mut observed, &shared, (pool, (number % per_pool) / 4), number, state);
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

fn add(observed: &mut Observed, shared: &Shared, (pool, place): (usize, usize), number: usize, state: State) {
    let public_ip = IpAddr::V4(Ipv4Addr::from(0x3400_0000 + u32::try_from(number).expect("few enough")));
    let is_healthy = state == State::Healthy;
    let association = is_healthy
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
        association: is_healthy.then(|| eipd::domain::observed::AddressAssociation {
            id: None,
            interface: Some(interface.id.clone()),
            instance: None,
        }),
        managed_by: None,
    };
    observed.interfaces.insert(interface.id.clone(), interface);
    if state == State::Short && number % 2 == 1 {
        return;
    }
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
