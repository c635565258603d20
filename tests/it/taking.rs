//! Law 12 where it is hard to keep: many functions hold the pool, or the versions can't be listed. What waits says why.

use std::time::Duration;

use eipd::domain::desired::Desired;
use eipd::domain::ids::NetworkInterfaceId;
use eipd::domain::policy::BystanderPolicy;
use eipd::domain::reason::WarningKind;
use eipd::domain::report::{PassResult, Report};
use eipd_sim::{Effect, Entry, Fault, Outcome, Population, Sim, Span, Timing, VpcConfig, WorldConfig};
use tokio::time::sleep;

use crate::rig::{Daemon, Wanted, assert_lawful, on_paused_clock, orders, pass, reconciler};

/// One pool without a spare: `billing` alone on one set of security groups, many other functions on another.
struct Crowded {
    sim: Sim,
    desired: Desired,
    change: VpcConfig,
    new: Vec<String>,
    shared: String,
}

fn crowded(others: usize) -> Crowded {
    let timing = Timing { interface_creation: Span::seconds(5, 5), ..Timing::default() };
    let sim = Sim::new(WorldConfig { timing, ..WorldConfig::default() });
    let (desired, change, new, shared) = sim.world(|world| {
        let vpc = world.create_vpc();
        let subnet = world.create_subnet(&vpc, 'a');
        let [former, later, shared] =
            ["former", "later", "shared"].map(|name| world.create_security_group(&vpc, name));
        world.create_active_function("billing", VpcConfig::new(&[&subnet], &[&former]));
        let names: Vec<String> = (0..others).map(|n| format!("other-{n}")).collect();
        for name in &names {
            world.create_active_function(name, VpcConfig::new(&[&subnet], &[&shared]));
        }
        let allocations = world.allocate_many(2);
        world.declare("billing", &allocations);
        names.iter().for_each(|name| world.declare(name, &allocations));
        let wanted = Wanted::new().pool("p", &allocations, 0).function("billing", "p");
        let desired = names.iter().fold(wanted, |wanted, name| wanted.function(name, "p")).done();
        (desired, VpcConfig::new(&[&subnet], &[&later]), vec![subnet, later], shared)
    });
    Crowded { sim, desired, change, new, shared }
}

impl Crowded {
    /// `billing` moves, and this is the interface that it then has.
    fn change(&self) -> String {
        let config = self.change.clone();
        self.sim.world(|world| {
            world.update_function_vpc("billing", config, Outcome::Succeeds, None).expect("it is active");
            world.pair_interfaces(&self.new[0], &[&self.new[1]]).remove(0)
        })
    }

    fn carries(&self, interface: &str) -> bool {
        self.sim.world(|world| world.address_of(interface).is_some())
    }
}

fn waits(report: &Report) -> Option<&str> {
    let warnings = report.plan.warnings.iter();
    warnings.filter(|warning| warning.kind == WarningKind::TakingWaits).map(|w| w.message.as_str()).next()
}

#[test]
fn an_address_is_taken_though_more_functions_hold_it_than_a_pass_reads() {
    on_paused_clock(async {
        let crowded = crowded(260);
        let daemon = Daemon::start(&crowded.sim, &crowded.desired, 1).await;
        // Until each was read by turns, and most of them minutes ago.
        sleep(Duration::from_secs(600)).await;
        let interface = crowded.change();
        sleep(Duration::from_secs(5 * 60)).await;
        assert!(crowded.carries(&interface), "{:?}", daemon.heard.reports().last().and_then(waits));
        let reports = daemon.heard.reports();
        let told: Vec<&str> = reports.iter().filter_map(waits).collect();
        assert!(told.iter().any(|why| why.contains("must pass after its last use")), "{told:?}");
        assert!(told.iter().any(|why| why.contains("still to be read anew")), "{told:?}");
        assert_eq!(reports.last().and_then(waits), None, "nothing waits any more");
        assert_lawful(&crowded.sim);
    });
}

#[test]
fn an_address_is_taken_in_a_region_of_thousands_of_versions() {
    on_paused_clock(async {
        let crowded = crowded(1);
        crowded.sim.world(|world| {
            world.create_active_function("much-deployed", None);
            for _ in 0..4_000 {
                world.publish_version("much-deployed");
            }
        });
        let daemon = Daemon::start(&crowded.sim, &crowded.desired, 1).await;
        sleep(Duration::from_secs(60)).await;
        let interface = crowded.change();
        // The update, the grace, which is as long as two lists are apart, and the lists.
        sleep(Duration::from_secs(8 * 60)).await;
        assert!(crowded.carries(&interface), "{:?}", daemon.heard.reports().last().and_then(waits));
        assert_lawful(&crowded.sim);
    });
}

#[test]
fn what_may_never_come_is_asked_for_more_rarely_and_taken_when_it_comes() {
    on_paused_clock(async {
        let crowded = crowded(1);
        crowded.sim.world(|world| {
            let former = world.unit("billing").and_then(|unit| unit.serving_config()).cloned();
            world.create_active_function("stranger", former);
        });
        let _daemon = Daemon::start(&crowded.sim, &crowded.desired, 1).await;
        sleep(Duration::from_secs(60)).await;
        let interface = crowded.change();
        let lists = || {
            let is_list = |entry: &&Entry| entry.operation == "ListFunctions";
            crowded.sim.with_journal(|journal| journal.entries().iter().filter(is_list).count())
        };
        sleep(Duration::from_secs(300)).await;
        let before = lists();
        sleep(Duration::from_secs(300)).await;
        let soon = lists() - before;
        assert!((25..=40).contains(&soon), "{soon} lists in five minutes");
        sleep(Duration::from_secs(3_600)).await;
        let before = lists();
        sleep(Duration::from_secs(3_600)).await;
        let later = lists() - before;
        assert!((60..=100).contains(&later), "{later} lists in an hour");
        assert!(!crowded.carries(&interface));
        crowded.sim.world(|world| world.delete_function("stranger"));
        sleep(Duration::from_secs(45 + 60 + 45 + 10)).await;
        assert!(crowded.carries(&interface), "it was given what nothing uses any more");
        assert_lawful(&crowded.sim);
    });
}

#[test]
fn one_function_of_many_that_is_changing_holds_the_taking_back_and_is_named() {
    on_paused_clock(async {
        let crowded = crowded(130);
        let daemon = Daemon::start(&crowded.sim, &crowded.desired, 1).await;
        sleep(Duration::from_secs(60)).await;
        let interface = crowded.change();
        let end = Duration::from_secs(200);
        crowded.sim.world(|world| world.update_function_code("other-77", Some(end)).expect("it is active"));
        sleep(Duration::from_secs(190)).await;
        assert!(!crowded.carries(&interface));
        let told: Vec<String> =
            daemon.heard.reports().iter().filter_map(|report| waits(report).map(str::to_owned)).collect();
        assert!(told.last().is_some_and(|why| why.contains("`other-77` is changing")), "{told:?}");
        // What it may have used counts as used until then, so that the grace begins only now.
        sleep(Duration::from_secs(60)).await;
        assert!(!crowded.carries(&interface));
        sleep(Duration::from_secs(80)).await;
        assert!(crowded.carries(&interface));
        assert_lawful(&crowded.sim);
    });
}

#[test]
fn versions_that_cant_be_listed_are_told_and_their_return_heals() {
    on_paused_clock(async {
        let crowded = crowded(1);
        let daemon = Daemon::start(&crowded.sim, &crowded.desired, 1).await;
        sleep(Duration::from_secs(30)).await;
        crowded.sim.deny("lambda:ListFunctions");
        let interface = crowded.change();
        sleep(Duration::from_secs(180)).await;
        let last = daemon.heard.reports().pop().expect("passes were made");
        let id: NetworkInterfaceId = interface.parse().expect("an id");
        assert!(last.uncovered.iter().any(|uncovered| uncovered.network_interface_id == id));
        let why = waits(&last).expect("it is told");
        assert!(why.contains("grant `lambda:ListFunctions`"), "{why}");
        crowded.sim.allow("lambda:ListFunctions");
        sleep(Duration::from_secs(150)).await;
        assert!(crowded.carries(&interface));
        assert_lawful(&crowded.sim);
    });
}

#[test]
fn what_the_list_for_a_taking_shows_of_strangers_counts_in_the_same_pass() {
    on_paused_clock(async {
        let crowded = crowded(1);
        let mut desired = crowded.desired.clone();
        desired.pools.values_mut().for_each(|pool| pool.bystanders = BystanderPolicy::Deny);
        let mut reconciler = reconciler(&crowded.sim, 1).await;
        assert_eq!(pass(&mut reconciler, &orders(&desired)).await.covered, 2);
        crowded.change();
        sleep(Duration::from_secs(150)).await;
        // One address is free, two interfaces are bare, and the list that the pass begins with knows no stranger.
        crowded.sim.world(|world| {
            let own = world.pair_interfaces(&crowded.new[0], &[&crowded.shared]).remove(0);
            let ip = world.address_of(&own).expect("it is covered").to_owned();
            let ids = desired.allocations();
            let id = ids
                .iter()
                .find(|id| world.public_ip(&id.to_string()) == ip)
                .expect("one of ours")
                .to_string();
            assert!(world.stray_disassociate(&id));
            for (name, group) in [("stranger", &crowded.shared), ("another", &crowded.new[1])] {
                world.create_active_function(name, VpcConfig::new(&crowded.new[..1], &[group]));
            }
        });
        let lists = crowded.sim.calls("ListFunctions");
        let report = pass(&mut reconciler, &orders(&desired)).await;
        assert_eq!(crowded.sim.calls("ListFunctions"), lists + 1, "it was asked what may be taken");
        assert_eq!((report.result, report.actions.len()), (PassResult::Ok, 0), "{:?}", report.failures);
        let reasons: Vec<_> = report.uncovered.iter().map(|uncovered| uncovered.reason.code()).collect();
        assert_eq!(reasons, ["bystanders"; 2]);
        assert_lawful(&crowded.sim);
    });
}

#[test]
fn a_page_that_is_lost_in_the_middle_holds_back_what_would_be_taken() {
    on_paused_clock(async {
        let crowded = crowded(1);
        let others =
            Population { functions: 1, subnets_per_function: 1, subnets: 1, interfaces_per_pair: 2100 };
        crowded.sim.world(|world| drop(world.populate(&others)));
        let daemon = Daemon::start(&crowded.sim, &crowded.desired, 1).await;
        sleep(Duration::from_secs(30)).await;
        let lost = Fault::new(Effect::Unavailable).on_operation("DescribeNetworkInterfaces").page(2);
        crowded.sim.inject(lost);
        let changes = || ["AssociateAddress", "DisassociateAddress"].map(|call| crowded.sim.calls(call));
        let before = changes();
        let interface = crowded.change();
        sleep(Duration::from_secs(200)).await;
        let last = daemon.heard.reports().pop().expect("passes were made");
        assert_eq!(last.result, PassResult::Incomplete);
        assert_eq!(changes(), before, "nothing is taken, though the grace is over");
        crowded.sim.clear_faults();
        sleep(Duration::from_secs(150)).await;
        assert!(crowded.carries(&interface));
        assert_lawful(&crowded.sim);
    });
}

#[test]
fn however_many_are_taken_the_last_rests_on_a_look_as_young_as_the_first() {
    on_paused_clock(async {
        let timing = Timing { interface_creation: Span::seconds(5, 5), ..Timing::default() };
        let sim = Sim::new(WorldConfig { timing, ..WorldConfig::default() });
        let names = ["one", "two", "three", "four"];
        let (desired, subnets, later) = sim.world(|world| {
            let vpc = world.create_vpc();
            let subnets: Vec<String> = (0..16).map(|_| world.create_subnet(&vpc, 'a')).collect();
            let allocations = world.allocate_many(64);
            let mut wanted = Wanted::new().pool("p", &allocations, 0);
            let mut later = Vec::new();
            for name in names {
                let group = world.create_security_group(&vpc, name);
                world.create_active_function(name, VpcConfig::new(&subnets, &[&group]));
                world.declare(name, &allocations);
                wanted = wanted.function(name, "p");
                later.push(world.create_security_group(&vpc, &format!("{name}-later")));
            }
            (wanted.done(), subnets, later)
        });
        let daemon = Daemon::start(&sim, &desired, 1).await;
        sleep(Duration::from_secs(180)).await;
        sim.world(|world| {
            for (name, group) in names.iter().zip(&later) {
                let next = VpcConfig::new(&subnets, &[group]);
                world.update_function_vpc(name, next, Outcome::Succeeds, None).expect("it is active");
            }
        });
        // So slow that the moves take far longer than what they rest on holds.
        sim.set_latency(Some(Span::seconds(3, 3)));
        sleep(Duration::from_secs(20 * 60)).await;
        let bare: Vec<String> = sim.world(|world| {
            let of = |(subnet, group): (&String, &String)| world.pair_interfaces(subnet, &[group]);
            let all = later.iter().flat_map(|group| subnets.iter().map(move |subnet| (subnet, group)));
            all.flat_map(of).filter(|id| world.address_of(id).is_none()).collect()
        });
        let last = daemon.heard.reports().pop();
        assert!(bare.is_empty(), "{} are bare: {:?}", bare.len(), last.as_ref().and_then(waits));
        // The list, the functions that are read after it, and the time for which both hold.
        let bound = Duration::from_secs(20 + 20);
        sim.with_journal(|journal| {
            let mut listed = None;
            for entry in journal.entries() {
                match entry.operation.as_str() {
                    "ListFunctions" => listed = Some(entry.at),
                    "AssociateAddress" if entry.detail.contains("AllowReassociation=true") => {
                        let age = listed.map(|at| entry.at.since(at));
                        assert!(
                            age.is_some_and(|age| age <= bound),
                            "{entry:?} rests on what is {age:?} old"
                        );
                    }
                    _ => {}
                }
            }
        });
        let waited = daemon.heard.actions().iter().any(|action| {
            action.detail.as_deref().is_some_and(|told| told.contains("asks anew whether nothing uses"))
        });
        assert!(waited, "some were left for another pass");
        assert_lawful(&sim);
    });
}
