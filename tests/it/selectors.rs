//! Functions and addresses by tag, and public addresses in the place of allocations: what a tag selects is served, what
//! it no longer selects is let go only when it is sure, and what can't be read changes nothing.

use std::time::Duration;

use eipd::domain::declared::{AddressName, Declared, DeclaredFunctions, DeclaredPool, Which};
use eipd::domain::priority::Priority;
use eipd::domain::reason::WarningKind;
use eipd::domain::report::{Coverage, PassResult, Report};
use eipd::domain::versions::Versions;
use eipd_sim::{Effect, EventWeather, Fault, Service, Sim, Span, VpcConfig, WorldConfig};
use tokio::time::sleep;

use crate::process::Bench;
use crate::rig::{Daemon, POLL, apply, assert_lawful, on_paused_clock, orders, pass, reconciler};

const TEAM: (&str, &str) = ("team", "billing");
const POOL: (&str, &str) = ("eipd:pool", "partner-a");

/// Functions `a` and `b`, each on a pair of its own, of which `a` bears the tag; and addresses that bear a tag.
struct Estate {
    sim: Sim,
    allocations: Vec<String>,
    subnet: String,
    groups: [String; 2],
}

impl Estate {
    fn new(addresses: usize) -> Self {
        let sim = Sim::new(WorldConfig::default());
        let (allocations, subnet, groups) = sim.world(|world| {
            let vpc = world.create_vpc();
            let subnet = world.create_subnet(&vpc, 'a');
            let groups = [world.create_security_group(&vpc, "a"), world.create_security_group(&vpc, "b")];
            for (name, group) in ["a", "b"].iter().zip(&groups) {
                world.create_active_function(name, VpcConfig::new(&[&subnet], &[group]));
            }
            world.tag_function("a", TEAM.0, TEAM.1);
            let allocations: Vec<String> =
                (0..addresses).map(|_| world.allocate_tagged(POOL.0, POOL.1)).collect();
            world.manage(&allocations, &["a", "b"]);
            (allocations, subnet, groups)
        });
        Self { sim, allocations, subnet, groups }
    }

    /// The address that each of the two functions leaves from.
    fn egress(&self) -> [Option<String>; 2] {
        self.groups.each_ref().map(|group| {
            self.sim.world(|world| {
                let interfaces = world.pair_interfaces(&self.subnet, &[group]);
                interfaces.first().and_then(|id| world.address_of(id)).map(str::to_owned)
            })
        })
    }

    fn covered(&self) -> [bool; 2] {
        self.egress().map(|address| address.is_some())
    }
}

fn tagged_functions() -> DeclaredFunctions {
    let tag = format!("{}={}", TEAM.0, TEAM.1).parse().expect("a tag");
    let pool = "p".parse().expect("a name");
    DeclaredFunctions {
        which: Which::Tagged(tag),
        pool,
        pins: [].into(),
        versions: Versions::default(),
        priority: Priority::default(),
    }
}

/// Functions and addresses both by tag.
fn by_tag() -> Declared {
    let tag = format!("{}={}", POOL.0, POOL.1).parse().expect("a tag");
    let pool = DeclaredPool { tag: Some(tag), ..DeclaredPool::default() };
    Declared { pools: [("p".parse().expect("a name"), pool)].into(), functions: vec![tagged_functions()] }
}

fn kinds(report: &Report) -> Vec<WarningKind> {
    report.plan.warnings.iter().map(|warning| warning.kind).collect()
}

#[test]
fn what_is_tagged_is_served_and_what_is_untagged_is_left_as_it_is() {
    on_paused_clock(async {
        let estate = Estate::new(2);
        let daemon = Daemon::start(&estate.sim, by_tag(), 1).await;
        sleep(Duration::from_secs(5)).await;
        assert_eq!(estate.covered(), [true, false]);
        estate.sim.world(|world| world.tag_function("b", TEAM.0, TEAM.1));
        sleep(Duration::from_secs(300) + POLL * 2).await;
        assert_eq!(estate.covered(), [true, true], "by the next look at the tags");
        let before = estate.egress();
        estate.sim.world(|world| world.untag_function("b", TEAM.0));
        sleep(Duration::from_secs(900)).await;
        assert_eq!(estate.egress(), before, "its address stays where it is");
        let last = daemon.heard.reports().pop().expect("passes were made");
        assert_eq!((last.covered, last.result), (1, PassResult::Ok), "and nobody counts it any more");
        assert_eq!(kinds(&last), [WarningKind::AddressLingering]);
        daemon.stop().await;
        assert_lawful(&estate.sim);
    });
}

#[test]
fn a_new_interface_that_nobody_explains_makes_the_tags_be_read_at_once() {
    on_paused_clock(async {
        let estate = Estate::new(2);
        let daemon = Daemon::start(&estate.sim, by_tag(), 1).await;
        sleep(Duration::from_secs(70)).await;
        let reads = estate.sim.calls("GetResources");
        estate.sim.world(|world| {
            let vpc = world.create_vpc();
            let subnet = world.create_subnet(&vpc, 'b');
            let group = world.create_security_group(&vpc, "c");
            world.create_active_function("c", VpcConfig::new(&[&subnet], &[&group]));
            world.tag_function("c", TEAM.0, TEAM.1);
        });
        sleep(POLL + Duration::from_secs(10)).await;
        assert_eq!(estate.sim.calls("GetResources"), reads + 1);
        let last = daemon.heard.reports().pop().expect("passes were made");
        assert_eq!((last.covered, last.coverage()), (2, Coverage::Covered));
        daemon.stop().await;
    });
}

#[test]
fn tags_are_read_as_rarely_as_functions_and_addresses_in_each_pass() {
    on_paused_clock(async {
        let estate = Estate::new(2);
        let daemon = Daemon::start(&estate.sim, by_tag(), 1).await;
        sleep(Duration::from_secs(3600)).await;
        let passes = daemon.heard.reports().len();
        let reads = estate.sim.calls("GetResources");
        assert!((10..=13).contains(&reads), "the tags of functions were read {reads} times in an hour");
        let addresses = estate.sim.calls("DescribeAddresses");
        assert!(addresses <= passes + 2, "{addresses} reads of addresses in {passes} passes");
        daemon.stop().await;
        assert_lawful(&estate.sim);
    });
}

#[test]
fn a_set_that_shrinks_for_one_observation_changes_nothing() {
    on_paused_clock(async {
        let estate = Estate::new(1);
        let (declared, mut reconciler) = (by_tag(), reconciler(&estate.sim, 1).await);
        let orders = orders(declared);
        pass(&mut reconciler, &orders).await;
        assert_eq!(estate.covered(), [true, false]);
        let untag = || {
            estate.sim.world(|world| {
                world.untag_function("a", TEAM.0);
                world.untag_address(&estate.allocations[0], POOL.0);
            });
        };
        let tag = || {
            estate.sim.world(|world| {
                world.tag_function("a", TEAM.0, TEAM.1);
                world.tag_address(&estate.allocations[0], POOL.0, POOL.1);
            });
        };
        for _ in 0..3 {
            untag();
            sleep(Duration::from_secs(300)).await;
            let report = pass(&mut reconciler, &orders).await;
            assert_eq!((report.covered, report.coverage()), (1, Coverage::Covered), "{:?}", kinds(&report));
            assert_eq!(kinds(&report), []);
            tag();
            sleep(Duration::from_secs(300)).await;
            let report = pass(&mut reconciler, &orders).await;
            assert_eq!((report.covered, report.coverage()), (1, Coverage::Covered));
        }
        untag();
        estate.sim.inject(Fault::new(Effect::Unavailable).on_operation("GetResources"));
        estate.sim.inject(Fault::new(Effect::Unavailable).on_operation("DescribeAddresses"));
        for _ in 0..4 {
            sleep(Duration::from_secs(300)).await;
            let report = pass(&mut reconciler, &orders).await;
            assert_eq!((report.plan.interfaces.len(), report.coverage()), (1, Coverage::Unknown));
        }
        estate.sim.clear_faults();
        sleep(Duration::from_secs(300)).await;
        assert_eq!(pass(&mut reconciler, &orders).await.covered, 1, "the first complete one that lacks them");
        let report = pass(&mut reconciler, &orders).await;
        assert_eq!((report.covered, report.plan.interfaces.len()), (0, 0), "the second");
        assert_eq!(kinds(&report), [WarningKind::TagSelectsNothing; 2]);
        assert_lawful(&estate.sim);
    });
}

#[test]
fn what_tags_select_and_was_never_seen_is_not_known() {
    on_paused_clock(async {
        let estate = Estate::new(1);
        estate.sim.deny("tag:GetResources");
        let report = apply(&estate.sim, by_tag()).await;
        assert_eq!(report.coverage(), Coverage::Unknown);
        let message = &report.plan.warnings[0].message;
        assert!(message.contains("hint: grant `tag:GetResources` on `*`"), "{message}");
        estate.sim.allow("tag:GetResources");
        // The pool by tag can't be read, and what it lists besides can.
        let mut declared = by_tag();
        let listed = estate.sim.world(|world| world.allocate_address());
        let name = AddressName::Allocation(listed.parse().expect("an id"));
        declared.pools.values_mut().for_each(|pool| pool.addresses = [name.clone()].into());
        estate.sim.inject(Fault::new(Effect::Unavailable).on_operation("DescribeAddresses"));
        let report = apply(&estate.sim, declared).await;
        assert_eq!((report.coverage(), report.actions.len()), (Coverage::Unknown, 0));
        assert_eq!(estate.covered(), [false, false], "nothing is given of a set that is not known");
        estate.sim.clear_faults();
        assert_eq!(apply(&estate.sim, by_tag()).await.coverage(), Coverage::Covered);
    });
}

#[test]
fn tags_that_hang_or_are_down_hold_nothing_else_up() {
    for effect in [Effect::Hang, Effect::Garbage, Effect::Throttle] {
        on_paused_clock(async {
            let estate = Estate::new(2);
            let mut declared = by_tag();
            let named =
                DeclaredFunctions { which: Which::Named("b".parse().expect("a name")), ..tagged_functions() };
            declared.functions.push(named);
            estate.sim.inject(Fault::new(effect.clone()).on_service(Service::Tagging));
            let daemon = Daemon::start(&estate.sim, declared, 1).await;
            sleep(POLL * 3).await;
            assert_eq!(estate.covered(), [false, true], "{effect:?}");
            estate.sim.clear_faults();
            sleep(POLL * 2).await;
            assert_eq!(estate.covered(), [true, true], "{effect:?}");
            daemon.stop().await;
        });
    }
}

#[test]
fn a_function_that_is_deleted_is_not_missed() {
    on_paused_clock(async {
        let estate = Estate::new(2);
        let daemon = Daemon::start(&estate.sim, by_tag(), 1).await;
        sleep(Duration::from_secs(30)).await;
        estate.sim.world(|world| world.delete_function("a"));
        sleep(Duration::from_secs(3600)).await;
        let last = daemon.heard.reports().pop().expect("passes were made");
        assert_eq!((last.coverage(), last.unservable.len()), (Coverage::Covered, 0));
        assert!(!kinds(&last).contains(&WarningKind::FunctionNotFound), "{:?}", last.plan.warnings);
        daemon.stop().await;
        assert_eq!(estate.sim.complaints(), Vec::<String>::new());
    });
}

#[test]
fn a_pool_of_public_addresses_heals() {
    on_paused_clock(async {
        let estate = Estate::new(2);
        let ip = |n: usize| {
            let text = estate.sim.world(|world| world.public_ip(&estate.allocations[n]).to_owned());
            AddressName::PublicIp(text.parse().expect("an address"))
        };
        let pool = DeclaredPool { addresses: [ip(0), ip(1)].into(), ..DeclaredPool::default() };
        let declared = Declared { pools: [("p".parse().expect("a name"), pool)].into(), ..by_tag() };
        let daemon = Daemon::start(&estate.sim, declared.clone(), 1).await;
        sleep(Duration::from_secs(5)).await;
        assert_eq!(estate.covered(), [true, false]);
        let carried = estate.egress()[0].clone();
        for allocation in &estate.allocations {
            estate.sim.world(|world| world.stray_disassociate(allocation));
        }
        assert_eq!(estate.covered(), [false, false]);
        sleep(POLL + Duration::from_secs(5)).await;
        assert_eq!(estate.covered(), [true, false]);
        daemon.stop().await;
        let lost = estate
            .allocations
            .iter()
            .find(|id| estate.sim.world(|world| carried.as_deref() != Some(world.public_ip(id))));
        let lost = lost.expect("one of the two is free").clone();
        estate.sim.world(|world| world.release_address(&lost)).expect("it is free");
        let report = apply(&estate.sim, declared).await;
        assert_eq!(
            (report.coverage(), kinds(&report)),
            (Coverage::Covered, vec![WarningKind::AddressMissing])
        );
        assert_lawful(&estate.sim);
    });
}

#[tokio::test]
async fn the_file_tells_of_tags_and_the_plan_of_public_addresses() {
    let estate = Estate::new(2);
    let server = eipd_sim::HttpServer::bind(&estate.sim, ([127, 0, 0, 1], 0).into()).await;
    let server = server.expect("a free port");
    let text = format!(
        "[pools.p]\ntag = \"{}={}\"\n[[functions]]\ntag = \"{}={}\"\npool = \"p\"\n",
        POOL.0, POOL.1, TEAM.0, TEAM.1
    );
    let bench = Bench::new(&text, &server.url());
    let checked = bench.run(&["check"]).await;
    assert!(checked.stdout().contains("0 functions and those of 1 tag"), "{}", checked.stdout());
    let applied = bench.run(&["apply"]).await;
    assert_eq!(applied.code(), Some(0), "{}{}", applied.stdout(), applied.stderr());
    assert_eq!(estate.covered(), [true, false]);
    let address = estate.egress()[0].clone().expect("it is covered");
    assert!(applied.stdout().contains(&address), "{}", applied.stdout());
    let waited = bench.run(&["wait", "--function", "a", "--timeout", "20s"]).await;
    assert_eq!(waited.code(), Some(0), "{}{}", waited.stdout(), waited.stderr());
    let slip = bench.run(&["drain", "--yes", "--function", "aa"]).await;
    assert_eq!((slip.code(), estate.covered()), (Some(1), [true, false]), "{}", slip.stderr());
    assert!(slip.stderr().contains("`aa` is not declared"), "{}", slip.stderr());
    estate.sim.deny("tag:GetResources");
    let listed = bench.run(&["addresses", "--format", "cidr"]).await;
    assert_eq!(listed.code(), Some(0), "{}{}", listed.stdout(), listed.stderr());
    assert!(listed.stdout().contains(&format!("{address}/32")), "{}", listed.stdout());
    let denied = bench.run(&["plan"]).await;
    assert_eq!(denied.code(), Some(1), "{}{}", denied.stdout(), denied.stderr());
    assert!(denied.stdout().contains("grant `tag:GetResources`"), "{}", denied.stdout());
}

#[test]
fn what_is_made_and_bears_a_tag_is_served_when_its_event_comes_and_not_at_the_next_poll() {
    on_paused_clock(async {
        let estate = Estate::new(1);
        let pattern = eipd::events::pattern::event_pattern();
        let queue = estate.sim.world(|world| world.wire_events_of("eipd", &pattern));
        estate.sim.set_events(EventWeather::delayed(Span::exactly(Duration::from_secs(1))));
        let daemon = Daemon::start_with_queue(&estate.sim, by_tag(), 1, &queue).await;
        daemon.poll_every(Duration::from_secs(3600));
        sleep(Duration::from_secs(150)).await;
        let settings = VpcConfig::new(&[&estate.subnet], &[&estate.groups[1]]);
        estate.sim.world(|world| {
            world.create_active_function("c", settings.clone());
            world.tag_function("c", TEAM.0, TEAM.1);
            world.manage(&[] as &[&str], &["c"]);
        });
        sleep(Duration::from_secs(5)).await;
        let last = daemon.heard.reports().pop().expect("passes were made");
        assert_eq!((last.covered, last.uncovered.len()), (1, 1), "there is no address for it");
        estate.sim.world(|world| {
            let new = world.allocate_tagged(POOL.0, POOL.1);
            world.manage(&[new], &["c"]);
        });
        sleep(Duration::from_secs(5)).await;
        assert_eq!(estate.covered(), [true, true]);
        sleep(Duration::from_secs(60)).await;
        let before = daemon.heard.reports().len();
        for n in 0..60 {
            estate.sim.world(|world| world.create_active_function(&format!("other-{n}"), settings.clone()));
            sleep(Duration::from_secs(1)).await;
        }
        sleep(Duration::from_secs(60)).await;
        let whole = daemon.heard.reports()[before..].iter().filter(|report| report.is_whole).count();
        assert!((1..=4).contains(&whole), "{whole} looks at everything on account of sixty functions");
        daemon.stop().await;
        assert_lawful(&estate.sim);
    });
}
