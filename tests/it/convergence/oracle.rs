//! What must be true of a settled estate, judged from the simulator's world alone, in the plainest way: it shares no
//! code with the planner. It sees what Lambda shows of each function, since nobody can know more.

use std::collections::{BTreeMap, BTreeSet};

use eipd::domain::report::{Breaker, Report};
use eipd_sim::world::Unit;
use eipd_sim::{FunctionState, Interface, InterfaceStatus, LastUpdate, RouteTarget, VpcConfig, World};

use super::estate::Estate;
use super::file::File;

/// The in-use interfaces of versions that count, with each version that uses them and its set.
type Users<'w> = BTreeMap<String, Vec<(&'w Unit, BTreeSet<String>)>>;

/// No interface that a declared function uses is bare while a free address of its set exists. After a failed update
/// Lambda may show one configuration while another serves (belief B10), and a daemon may know of both or of one: an
/// interface must have its address only where both ways of seeing it leave one to give.
pub fn assert_best_possible(estate: &Estate, last: &[Report]) {
    estate.sim.world(|world| {
        let free = free(world, &estate.file);
        let shown = users(&estate.file, world, |unit| world.shown_config(unit).into_iter().collect());
        let both = users(&estate.file, world, |unit| shown_and_serving(world, unit));
        for interface in shown.keys().filter(|interface| may_be_given(world, interface)) {
            let sets = shown[interface].iter().chain(&both[interface]).map(|(_, set)| set);
            let possible: Vec<_> =
                free.iter().filter(|id| sets.clone().all(|set| set.contains(*id))).collect();
            assert!(
                possible.is_empty(),
                "{interface} is bare while {possible:?} are free, and it is said {:?}\n{}\n{:#?}",
                reasons(last, interface),
                told(world),
                estate.file
            );
        }
    });
}

/// No interface that a declared function uses carries an address of ours outside its set while a free address of its set
/// exists, unless each daemon says that its budget does not allow as many replacements. What mid-update or after a failed
/// one is wrong may be right, so only interfaces with settled users count.
pub fn assert_wrong_ones_are_replaced(estate: &Estate, last: &[Report]) {
    let breakers: Vec<Option<Breaker>> = last.iter().map(|report| report.breaker).collect();
    estate.sim.world(|world| {
        let (free, declared) = (free(world, &estate.file), estate.file.allocations(world));
        let mut wrong = Vec::new();
        for (interface, users) in users(&estate.file, world, |unit| shown_and_serving(world, unit)) {
            let carried = world.address_of(&interface);
            let carried = declared
                .iter()
                .find(|id| world.address(id).is_some() && Some(world.public_ip(id)) == carried);
            let Some(carried) = carried.filter(|_| users.iter().all(|(unit, _)| is_settled(unit))) else {
                continue;
            };
            let is_in_all = |id: &String| users.iter().all(|(_, set)| set.contains(id));
            if !is_in_all(carried) && free.iter().any(is_in_all) {
                wrong.push((interface, carried.clone()));
            }
        }
        let may_be_made = breakers.iter().any(Option::is_none);
        let planned = breakers.iter().flatten().map(|breaker| breaker.planned).max().unwrap_or(0);
        assert!(
            if may_be_made { wrong.is_empty() } else { planned <= wrong.len() },
            "{wrong:?} are wrong while {free:?} are free and the budgets say {breakers:?}\n{}",
            told(world)
        );
    });
}

/// Each daemon says of the interfaces whose users are settled what is true of them: whether they carry an address of their
/// set and lead to the internet.
pub fn assert_reports_agree(estate: &Estate, last: &[Report]) {
    estate.sim.world(|world| {
        let (mut covered, mut uncovered) = (BTreeSet::new(), BTreeSet::new());
        for (interface, users) in users(&estate.file, world, |unit| shown_and_serving(world, unit)) {
            // What a function whose update failed uses nobody can know: its former interfaces may be told as well.
            let former = world.ever_used(&interface);
            let mut formerly = former.iter().filter(|name| estate.file.names().contains(name.as_str()));
            let is_unsettled = |name: &String| world.unit(name).is_some_and(|unit| !is_settled(unit));
            if formerly.any(is_unsettled) || !users.iter().all(|(unit, _)| is_settled(unit)) {
                continue;
            }
            let carried = world.address_of(&interface);
            let is_of = |set: &BTreeSet<String>| {
                let ips = set.iter().filter(|id| world.address(id).is_some()).map(|id| world.public_ip(id));
                ips.into_iter().any(|ip| Some(ip) == carried)
            };
            let leads_out = leads_out(world, &interface);
            let is_covered = leads_out && users.iter().all(|(_, set)| is_of(set));
            if is_covered { &mut covered } else { &mut uncovered }.insert(interface);
        }
        for report in last {
            let told_of: BTreeSet<String> =
                report.uncovered.iter().map(|uncovered| uncovered.network_interface_id.to_string()).collect();
            let silent: Vec<_> = uncovered.difference(&told_of).collect();
            let false_alarms: Vec<_> = covered.intersection(&told_of).collect();
            assert!(
                silent.is_empty() && false_alarms.is_empty() && report.covered >= covered.len(),
                "law 9: uncovered and not told: {silent:?}, told and not so: {false_alarms:?} {:?}, {} of {covered:?}\n{}",
                false_alarms.iter().map(|id| reasons(last, id)).collect::<Vec<_>>(),
                report.covered,
                self::told(world)
            );
        }
    });
}

/// What the daemons say of an uncovered interface.
fn reasons(last: &[Report], interface: &str) -> Vec<String> {
    let uncovered = last.iter().flat_map(|report| &report.uncovered);
    let of_it = uncovered.filter(|uncovered| uncovered.network_interface_id.to_string() == interface);
    of_it.map(|uncovered| format!("{}: {}", uncovered.reason.code(), uncovered.reason)).collect()
}

fn leads_out(world: &World, interface: &str) -> bool {
    let found = world.interface(interface).expect("it was just found");
    let subnet = world.subnet_of(found);
    let has_gateway = world.vpc(&subnet.vpc).is_some_and(|vpc| vpc.internet_gateway.is_some());
    has_gateway && subnet.default_route == RouteTarget::InternetGateway
}

/// Whether it is bare and AWS would let it have an address.
fn may_be_given(world: &World, interface: &str) -> bool {
    let found = world.interface(interface).expect("it was just found");
    world.address_of(interface).is_none() && !found.deny_all_igw_traffic
}

fn is_settled(unit: &Unit) -> bool {
    matches!(unit.state, FunctionState::Active | FunctionState::Inactive)
        && unit.last_update == LastUpdate::Successful
}

fn shown_and_serving(world: &World, unit: &Unit) -> Vec<VpcConfig> {
    world.shown_config(unit).into_iter().chain(unit.serving_config().cloned()).collect()
}

/// Declared allocations that exist here, are ours to give and are on nothing.
fn free(world: &World, file: &File) -> BTreeSet<String> {
    let is_free = |id: &String| {
        world.address(id).is_some_and(|address| {
            address.exists()
                && address.association().is_none()
                && address.service_managed.is_none()
                && address.border_group == world.config().region
        })
    };
    file.allocations(world).into_iter().filter(is_free).collect()
}

fn users<'w>(file: &File, world: &'w World, configurations: impl Fn(&Unit) -> Vec<VpcConfig>) -> Users<'w> {
    let mut users: Users<'w> = BTreeMap::new();
    for (function, key) in file.units(world) {
        let unit = world.unit(&key).expect("it was just found");
        for configuration in configurations(unit) {
            for subnet in &configuration.subnets {
                let set = file.set(world, function, subnet);
                for interface in in_use(world, subnet, &configuration.security_groups) {
                    users.entry(interface).or_default().push((unit, set.clone()));
                }
            }
        }
    }
    users
}

/// The in-use Lambda interfaces of this account in the subnet with exactly these groups.
fn in_use(world: &World, subnet: &str, groups: &[String]) -> Vec<String> {
    let groups: BTreeSet<&String> = groups.iter().collect();
    let in_use = world.interfaces().filter(|interface: &&Interface| {
        interface.exists()
            && interface.kind == "lambda"
            && interface.owner == world.config().account
            && interface.status() == InterfaceStatus::InUse
            && world.subnet_of(interface).id == subnet
            && interface.groups.iter().collect::<BTreeSet<_>>() == groups
    });
    in_use.map(|interface| interface.id.clone()).collect()
}

/// What happened, for whoever has to find out why.
pub fn told(world: &World) -> String {
    let lines = world.chronicle().iter().map(|(at, what)| format!("{at} {what}\n"));
    format!("beliefs: {}\n{}", world.beliefs(), lines.collect::<String>())
}
