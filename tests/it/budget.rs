//! What a pass costs in calls: cost is behaviour.

use std::time::Duration;

use eipd::domain::report::Coverage;
use eipd_sim::{Population, RouteTarget, Sim, WorldConfig};

use crate::rig::{Daemon, Wanted, assert_lawful, on_paused_clock, orders, pass, reconciler};
use crate::small::Small;

#[test]
fn a_pass_without_drift_reads_each_page_and_each_chunk_once_and_functions_rarely() {
    on_paused_clock(async {
        let sim = Sim::new(WorldConfig::default());
        let population =
            Population { functions: 250, subnets_per_function: 2, subnets: 4, interfaces_per_pair: 4 };
        let (functions, allocations, interfaces) = sim.world(|world| {
            let functions = world.populate(&population);
            let interfaces = world.interfaces().count();
            let allocations = world.allocate_many(interfaces);
            world.cover(&allocations);
            (functions, allocations, interfaces)
        });
        let pool = Wanted::new().pool("p", &allocations, 0);
        let desired = functions.iter().fold(pool, |wanted, name| wanted.function(name, "p")).done();
        let mut reconciler = reconciler(&sim, 1).await;
        for _ in 0..6 {
            assert_eq!(pass(&mut reconciler, &orders(&desired)).await.coverage(), Coverage::Covered);
        }
        let before = sim
            .with_journal(|journal| journal.counts().into_iter().map(|(k, v)| (k.to_owned(), v)).collect());
        assert_eq!(pass(&mut reconciler, &orders(&desired)).await.coverage(), Coverage::Covered);
        let since = since(&sim, &before);
        let wanted = [
            ("DescribeAddresses".to_owned(), allocations.len().div_ceil(200)),
            ("DescribeNetworkInterfaces".to_owned(), interfaces.div_ceil(1000)),
        ];
        assert_eq!(since, wanted.into(), "a settled pass reads no function");
        assert_lawful(&sim);
    });
}

type Counts = std::collections::BTreeMap<String, usize>;

fn since(sim: &Sim, before: &Counts) -> Counts {
    let now: Counts =
        sim.with_journal(|journal| journal.counts().into_iter().map(|(k, v)| (k.to_owned(), v)).collect());
    let grown = now.into_iter().map(|(operation, n)| {
        let grown = n - before.get(&operation).copied().unwrap_or(0);
        (operation, grown)
    });
    grown.filter(|(_, n)| *n > 0).collect()
}

#[test]
fn pages_that_hold_fewer_than_was_asked_for_are_read_to_the_end() {
    on_paused_clock(async {
        let small = Small::of(WorldConfig { page_most: 2, ..WorldConfig::default() }, 7);
        let groups = [small.group.as_str()];
        for _ in 0..5 {
            small.sim.world(|world| world.overflow(&small.subnets[0], &groups));
        }
        tokio::time::sleep(Duration::from_secs(300)).await;
        let mut reconciler = reconciler(&small.sim, 1).await;
        pass(&mut reconciler, &orders(&small.desired)).await;
        assert_eq!(small.interfaces().len(), 7);
        assert!(small.is_covered());
        assert_lawful(&small.sim);
    });
}

#[test]
fn a_repair_costs_a_second_look_a_change_and_a_confirmation() {
    on_paused_clock(async {
        let small = Small::with(2);
        let mut reconciler = reconciler(&small.sim, 1).await;
        pass(&mut reconciler, &orders(&small.desired)).await;
        assert!(small.is_covered());
        let counts: Counts = small
            .sim
            .with_journal(|journal| journal.counts().into_iter().map(|(k, v)| (k.to_owned(), v)).collect());
        let wanted = [
            ("AssociateAddress", 2),
            ("DescribeAddresses", 1),
            ("DescribeNetworkInterfaces", 1 + 2 * 2),
            ("DescribeRouteTables", 1),
            ("DescribeSubnets", 1),
            ("GetCallerIdentity", 1),
            ("GetFunctionConfiguration", 1),
            ("ListFunctions", 1),
        ];
        assert_eq!(counts, wanted.map(|(operation, n)| (operation.to_owned(), n)).into());
    });
}

#[test]
fn where_subnets_lead_is_read_once_in_a_refresh() {
    on_paused_clock(async {
        let small = Small::with(3);
        let main = small.subnets[1].clone();
        small
            .sim
            .world(|world| world.change_subnet(&main, |subnet| subnet.default_route = RouteTarget::None));
        let daemon = Daemon::start(&small.sim, &small.desired, 1).await;
        tokio::time::sleep(Duration::from_secs(295)).await;
        let calls = || (small.sim.calls("DescribeSubnets"), small.sim.calls("DescribeRouteTables"));
        assert_eq!(calls(), (1, 2), "one subnet goes by its own table, the other by the main one");
        tokio::time::sleep(Duration::from_secs(60 * 60)).await;
        let (subnets, tables) = calls();
        assert!((8..=13).contains(&subnets), "{subnets} in an hour");
        assert_eq!(tables, 2 * subnets);
        daemon.stop().await;
        assert_lawful(&small.sim);
    });
}

#[test]
fn an_unexplained_interface_makes_the_functions_be_read_at_once() {
    on_paused_clock(async {
        let small = Small::with(4);
        let mut reconciler = reconciler(&small.sim, 1).await;
        pass(&mut reconciler, &orders(&small.desired)).await;
        let reads = small.sim.calls("GetFunctionConfiguration");
        tokio::time::sleep(Duration::from_secs(10)).await;
        pass(&mut reconciler, &orders(&small.desired)).await;
        assert_eq!(small.sim.calls("GetFunctionConfiguration"), reads, "nothing happened");
        let elsewhere = small.sim.world(|world| {
            let vpc = world.vpcs().next().expect("there is one").id.clone();
            world.create_subnet(&vpc, 'c')
        });
        small.sim.world(|world| {
            world
                .create_active_function("stranger", eipd_sim::VpcConfig::new(&[&elsewhere], &[&small.group]));
        });
        pass(&mut reconciler, &orders(&small.desired)).await;
        assert_eq!(small.sim.calls("GetFunctionConfiguration"), reads + 1);
        pass(&mut reconciler, &orders(&small.desired)).await;
        assert_eq!(
            small.sim.calls("GetFunctionConfiguration"),
            reads + 1,
            "the same stranger surprises once"
        );
        assert_lawful(&small.sim);
    });
}
