//! Published versions and functions that nobody declared, over the simulator: what is served, what keeps its address
//! though it is not, what is left bare, and what knowing it costs.

use std::collections::BTreeSet;
use std::time::Duration;

use eipd::domain::reason::WarningKind;
use eipd::domain::report::{Coverage, Report};
use eipd::domain::versions::Versions;
use eipd_sim::{Outcome, Population, Sim, VpcConfig, WorldConfig};
use tokio::time::sleep;

use crate::rig::{Daemon, Wanted, assert_lawful, on_paused_clock, orders, pass, reconciler};

/// `billing` in one subnet: version 1 with group 0, version 2 with group 1, version 3 with group 2, `$LATEST` with group
/// 3. Pool `p` has the addresses.
struct Estate {
    sim: Sim,
    subnet: String,
    groups: Vec<String>,
    allocations: Vec<String>,
}

impl Estate {
    fn with(addresses: usize) -> Self {
        let sim = Sim::new(WorldConfig::default());
        let (subnet, groups, allocations) = sim.world(|world| {
            let vpc = world.create_vpc();
            let subnet = world.create_subnet(&vpc, 'a');
            let groups: Vec<String> =
                (0..4).map(|n| world.create_security_group(&vpc, &format!("g{n}"))).collect();
            world.create_active_function("billing", VpcConfig::new(&[&subnet], &[&groups[0]]));
            let allocations = world.allocate_many(addresses);
            world.manage(&allocations, &["billing", "reports"]);
            (subnet, groups, allocations)
        });
        Self { sim, subnet, groups, allocations }
    }

    /// Publishes the versions; each update takes minutes.
    async fn published(addresses: usize) -> Self {
        let estate = Self::with(addresses);
        for group in &estate.groups[1..] {
            estate.publish_and_move_to(group).await;
        }
        // Nothing but published versions uses the old interfaces then.
        sleep(Duration::from_secs(3600)).await;
        estate
    }

    async fn publish_and_move_to(&self, group: &str) {
        self.sim.world(|world| {
            world.publish_version("billing");
            let config = VpcConfig::new(&[&self.subnet], &[group]);
            world.update_function_vpc("billing", config, Outcome::Succeeds, None).expect("it is active");
        });
        sleep(Duration::from_secs(15 * 60)).await;
    }

    fn wanted(&self, function: &str) -> Wanted {
        Wanted::new().pool("p", &self.allocations, 0).function(function, "p")
    }

    fn interface(&self, group: usize) -> String {
        let all = self.sim.world(|world| world.pair_interfaces(&self.subnet, &[&self.groups[group]]));
        let [one] = &all[..] else { panic!("one interface, not {all:?}") };
        one.clone()
    }

    /// The groups whose interfaces carry an address.
    fn served(&self) -> Vec<usize> {
        let carries = |group: &usize| {
            let all = self.sim.world(|world| world.pair_interfaces(&self.subnet, &[&self.groups[*group]]));
            self.sim.world(|world| !all.is_empty() && all.iter().all(|id| world.address_of(id).is_some()))
        };
        (0..self.groups.len()).filter(carries).collect()
    }
}

fn kinds(report: &Report) -> BTreeSet<&'static str> {
    report.plan.warnings.iter().map(|warning| warning.kind.as_str()).collect()
}

fn message(report: &Report, kind: WarningKind) -> String {
    let warning = report.plan.warnings.iter().find(|warning| warning.kind == kind);
    warning.map(|warning| warning.message.clone()).unwrap_or_default()
}

#[test]
fn what_is_declared_decides_which_versions_are_served() {
    let cases: [(&str, Versions, &[usize]); 6] = [
        ("billing", Versions::Live, &[0, 1, 3]),
        ("billing", Versions::All, &[0, 1, 2, 3]),
        ("billing", Versions::Latest, &[3]),
        ("billing:live", Versions::Live, &[0, 1]),
        ("billing:old", Versions::Live, &[0]),
        ("billing:3", Versions::Live, &[2]),
    ];
    for (name, versions, served) in cases {
        on_paused_clock(async {
            let estate = Estate::published(4).await;
            estate.sim.world(|world| {
                world.set_weighted_alias("billing", "live", 2, (1, 0.1));
                world.set_alias("billing", "old", 1);
            });
            let desired = estate.wanted(name).versions(name, versions).done();
            let report = pass(&mut reconciler(&estate.sim, 1).await, &orders(&desired)).await;
            assert_eq!(estate.served(), served, "{name} {versions:?}");
            assert_eq!(report.coverage(), Coverage::Covered, "{name} {versions:?}");
            let held = report.plan.held.len();
            assert_eq!(held, 4 - served.len(), "{name} {versions:?}");
            assert_eq!(kinds(&report).contains("held_by_other_version"), held > 0);
            assert_lawful(&estate.sim);
        });
    }
}

#[test]
fn a_version_that_an_alias_leaves_keeps_its_address_until_no_version_uses_the_interface() {
    on_paused_clock(async {
        let estate = Estate::published(3).await;
        estate.sim.world(|world| world.set_weighted_alias("billing", "live", 2, (1, 0.1)));
        let desired = estate.wanted("billing").function("reports", "p").done();
        let daemon = Daemon::start(&estate.sim, &desired, 1).await;
        sleep(Duration::from_secs(60)).await;
        assert_eq!(estate.served(), [0, 1, 3]);
        // The weight is withdrawn, and another function needs an address that is not there.
        let first = estate.interface(0);
        let before = estate.sim.world(|world| world.address_of(&first).map(str::to_owned));
        let elsewhere = estate.sim.world(|world| {
            world.set_alias("billing", "live", 2);
            let vpc = world.vpcs().next().expect("there is one").id.clone();
            let subnet = world.create_subnet(&vpc, 'b');
            world.create_active_function("reports", VpcConfig::new(&[&subnet], &[&estate.groups[3]]));
            world.pair_interfaces(&subnet, &[&estate.groups[3]]).remove(0)
        });
        sleep(Duration::from_secs(30 * 60)).await;
        let report = daemon.heard.reports().pop().expect("passes were made");
        assert_eq!(estate.sim.world(|world| world.address_of(&first).map(str::to_owned)), before);
        assert_eq!(report.coverage(), Coverage::Uncovered, "`reports` has none");
        let told = message(&report, WarningKind::HeldByOtherVersion);
        assert!(told.starts_with("versions 1, 3 of `billing` hold 2 interfaces"), "{told}");
        // With the version its interface is retired, and the address may be taken.
        estate.sim.world(|world| world.delete_version("billing", 1));
        sleep(Duration::from_secs(30 * 60)).await;
        assert!(estate.sim.world(|world| world.address_of(&elsewhere).is_some()));
        assert_lawful(&estate.sim);
    });
}

#[test]
fn an_alias_that_moves_is_followed_within_seconds_of_its_event_and_by_polling_else() {
    for (listens, within) in [(true, 10), (false, 300 + 60 + 10)] {
        on_paused_clock(async {
            let estate = Estate::published(3).await;
            estate.sim.world(|world| world.set_alias("billing", "live", 1));
            let url = estate
                .sim
                .world(|world| world.wire_events_of("eipd", &eipd::events::pattern::event_pattern()));
            let desired = estate.wanted("billing").done();
            let _daemon = match listens {
                true => Daemon::start_with_queue(&estate.sim, &desired, 1, &url).await,
                false => Daemon::start(&estate.sim, &desired, 1).await,
            };
            sleep(Duration::from_secs(30)).await;
            assert_eq!(estate.served(), [0, 3]);
            estate.sim.world(|world| world.set_weighted_alias("billing", "live", 1, (3, 0.05)));
            sleep(Duration::from_secs(within)).await;
            assert_eq!(estate.served(), [0, 2, 3]);
            assert_lawful(&estate.sim);
        });
    }
}

#[test]
fn a_version_that_is_younger_than_the_list_is_served_by_its_events() {
    on_paused_clock(async {
        let estate = Estate::with(2);
        let url =
            estate.sim.world(|world| world.wire_events_of("eipd", &eipd::events::pattern::event_pattern()));
        let desired = estate.wanted("billing").done();
        let daemon = Daemon::start_with_queue(&estate.sim, &desired, 1, &url).await;
        sleep(Duration::from_secs(30)).await;
        daemon.poll_every(Duration::from_secs(3600));
        sleep(Duration::from_secs(90)).await;
        let lists = estate.sim.calls("ListFunctions");
        estate.publish_and_move_to(&estate.groups[1]).await;
        assert_eq!(estate.served(), [0, 1], "the old interface keeps its address");
        // A stray hand takes it off before an alias makes its version count.
        estate.sim.world(|world| world.stray_disassociate(&estate.allocations[0]));
        estate.sim.world(|world| world.stray_disassociate(&estate.allocations[1]));
        sleep(Duration::from_secs(30)).await;
        assert_eq!(estate.served(), [1]);
        estate.sim.world(|world| world.set_alias("billing", "live", 1));
        sleep(Duration::from_secs(10)).await;
        assert_eq!(estate.served(), [0, 1]);
        assert_eq!(estate.sim.calls("ListFunctions"), lists, "without a list");
        assert_lawful(&estate.sim);
    });
}

#[test]
fn a_bystander_that_appears_is_reported_and_takes_nothing_away() {
    on_paused_clock(async {
        let estate = Estate::with(2);
        let desired = estate.wanted("billing").denies_bystanders("p").done();
        let daemon = Daemon::start(&estate.sim, &desired, 1).await;
        sleep(Duration::from_secs(60)).await;
        assert_eq!(estate.served(), [0], "alone, it is served though bystanders are denied");
        estate.sim.world(|world| {
            world.create_active_function("legacy", VpcConfig::new(&[&estate.subnet], &[&estate.groups[0]]));
        });
        sleep(Duration::from_secs(7 * 60)).await;
        let report = daemon.heard.reports().pop().expect("passes were made");
        assert!(message(&report, WarningKind::Bystanders).starts_with("`legacy` is not declared and uses"));
        assert_eq!((estate.served(), report.coverage()), (vec![0], Coverage::Covered), "what is there stays");
        // An overflow interface is not given one.
        let made = estate.sim.world(|world| world.overflow(&estate.subnet, &[&estate.groups[0]]));
        sleep(Duration::from_secs(7 * 60)).await;
        let report = daemon.heard.reports().pop().expect("passes were made");
        assert_eq!(estate.sim.world(|world| world.address_of(&made).map(str::to_owned)), None);
        let codes: Vec<_> = report.uncovered.iter().map(|uncovered| uncovered.reason.code()).collect();
        assert_eq!(codes, ["bystanders"]);
        // Once it is gone, or declared, the interface is served.
        estate.sim.world(|world| world.delete_function("legacy"));
        sleep(Duration::from_secs(7 * 60)).await;
        assert!(estate.sim.world(|world| world.address_of(&made).is_some()));
        assert_lawful(&estate.sim);
    });
}

#[test]
fn without_the_list_repairs_go_on_and_nobody_claims_that_all_is_covered() {
    on_paused_clock(async {
        let estate = Estate::with(1);
        estate.sim.deny("lambda:ListFunctions");
        let desired = estate.wanted("billing").done();
        let report = pass(&mut reconciler(&estate.sim, 1).await, &orders(&desired)).await;
        assert_eq!((estate.served(), report.coverage()), (vec![0], Coverage::Unknown));
        let told = message(&report, WarningKind::VersionsUnknown);
        assert!(told.contains("hint: grant `lambda:ListFunctions`"), "{told}");
        let latest = estate.wanted("billing").versions("billing", Versions::Latest);
        let denying = latest.denies_bystanders("p").done();
        estate.sim.world(|world| world.stray_disassociate(&estate.allocations[0]));
        let report = pass(&mut reconciler(&estate.sim, 1).await, &orders(&denying)).await;
        assert_eq!(estate.served(), [0; 0], "who else uses it is not known");
        assert_eq!(report.uncovered[0].reason.code(), "bystanders");
        assert_lawful(&estate.sim);
    });
}

#[test]
fn aliases_that_are_refused_are_named_not_asked_for_all_the_time_and_their_return_heals() {
    on_paused_clock(async {
        let estate = Estate::published(2).await;
        estate.sim.world(|world| world.set_alias("billing", "live", 3));
        estate.sim.deny("lambda:ListAliases");
        let desired = estate.wanted("billing").done();
        let daemon = Daemon::start(&estate.sim, &desired, 1).await;
        sleep(Duration::from_secs(10 * 60)).await;
        let report = daemon.heard.reports().pop().expect("passes were made");
        assert_eq!((estate.served(), report.coverage()), (vec![3], Coverage::Unknown));
        let told = message(&report, WarningKind::ObservationIncomplete);
        assert!(told.contains("hint: grant `lambda:ListAliases`"), "{told}");
        assert!(estate.sim.calls("ListAliases") <= 6, "{}", estate.sim.calls("ListAliases"));
        estate.sim.allow("lambda:ListAliases");
        sleep(Duration::from_secs(4 * 60)).await;
        let report = daemon.heard.reports().pop().expect("passes were made");
        assert_eq!((estate.served(), report.coverage()), (vec![2, 3], Coverage::Covered));
        assert_lawful(&estate.sim);
    });
}

#[test]
fn a_list_that_fails_later_is_told_and_the_last_one_holds() {
    on_paused_clock(async {
        let estate = Estate::published(2).await;
        estate.sim.world(|world| world.set_alias("billing", "live", 3));
        let desired = estate.wanted("billing").done();
        let daemon = Daemon::start(&estate.sim, &desired, 1).await;
        sleep(Duration::from_secs(60)).await;
        estate.sim.deny("lambda:ListFunctions");
        sleep(Duration::from_secs(10 * 60)).await;
        let report = daemon.heard.reports().pop().expect("passes were made");
        assert_eq!((estate.served(), report.coverage()), (vec![2, 3], Coverage::Covered));
        assert!(kinds(&report).contains("versions_stale"), "{:?}", kinds(&report));
        assert_lawful(&estate.sim);
    });
}

#[test]
fn a_list_that_takes_minutes_holds_up_no_repair() {
    on_paused_clock(async {
        let estate = Estate::with(2);
        estate.sim.inject(eipd_sim::Fault::new(eipd_sim::Effect::Hang).on_operation("ListFunctions"));
        let desired = estate.wanted("billing").done();
        let _daemon = Daemon::start(&estate.sim, &desired, 1).await;
        sleep(Duration::from_secs(15)).await;
        assert_eq!(estate.served(), [0]);
        estate.sim.world(|world| world.stray_disassociate(&estate.allocations[0]));
        estate.sim.world(|world| world.stray_disassociate(&estate.allocations[1]));
        sleep(Duration::from_secs(75)).await;
        assert_eq!(estate.served(), [0]);
        assert_lawful(&estate.sim);
    });
}

/// The figures of docs/adr: 40 functions with 5 versions each, of which every tenth has versions that differ.
#[test]
fn an_hour_costs_a_list_each_refresh_and_aliases_only_where_versions_differ() {
    on_paused_clock(async {
        let sim = Sim::new(WorldConfig::default());
        let population =
            Population { functions: 40, subnets_per_function: 2, subnets: 4, interfaces_per_pair: 1 };
        let functions = sim.world(|world| {
            let functions = world.populate(&population);
            let subnet = world.interfaces().next().map(|i| world.subnet_of(i).id.clone()).expect("one");
            let vpc = world.vpcs().next().expect("there is one").id.clone();
            let group = world.create_security_group(&vpc, "later");
            for (place, name) in functions.iter().enumerate() {
                for _ in 0..5 {
                    world.publish_version(name);
                }
                if place % 10 == 0 {
                    let config = VpcConfig::new(&[&subnet], &[&group]);
                    world.update_function_vpc(name, config, Outcome::Succeeds, None).expect("it is active");
                }
            }
            functions
        });
        sleep(Duration::from_secs(3600)).await;
        let interfaces = sim.world(|world| world.interfaces().filter(|i| i.exists()).count());
        let allocations = sim.world(|world| world.allocate_many(interfaces));
        let pool = Wanted::new().pool("p", &allocations, 0);
        let desired = functions.iter().fold(pool, |wanted, name| wanted.function(name, "p")).done();
        let _daemon = Daemon::start(&sim, &desired, 1).await;
        sleep(Duration::from_secs(30 * 60)).await;
        let count = || {
            ["ListFunctions", "ListAliases", "GetFunctionConfiguration"].map(|operation| sim.calls(operation))
        };
        let before = count();
        sleep(Duration::from_secs(3600)).await;
        let [lists, aliases, gets] = std::array::from_fn(|n| count()[n] - before[n]);
        // 240 versions are 5 pages. Refreshes fall on polls, so that there are 8 to 12 an hour.
        assert!((8 * 5..=12 * 5).contains(&lists), "{lists} pages");
        assert!((8 * 4..=12 * 4).contains(&aliases), "{aliases} lists of aliases");
        assert!((8 * 40..=12 * 40).contains(&gets), "{gets} functions");
        assert_lawful(&sim);
    });
}
