//! Covered means egress: the daemon in a world whose subnets lead nowhere for a while, and what it says when it can't
//! read where they lead.

use std::time::Duration;

use eipd::domain::action::ActionKind;
use eipd::domain::reason::Reason;
use eipd::domain::report::{Coverage, PassResult, Report};
use eipd_sim::{Effect, Fault, Outcome, RouteTarget, Sim, VpcConfig, WorldConfig};
use tokio::time::sleep;

use crate::rig::{
    Daemon, POLL, Wanted, apply, assert_lawful, on_paused_clock, orders, pass, plan, reconciler,
};
use crate::small::Small;

/// How often it is read where subnets lead, and a poll beside.
const REFRESH: Duration = Duration::from_secs(300 + 2 * 60);

fn codes(report: &Report) -> Vec<&'static str> {
    report.uncovered.iter().map(|uncovered| uncovered.reason.code()).collect()
}

fn latest(daemon: &Daemon) -> Report {
    daemon.heard.reports().pop().expect("a pass was made")
}

fn lead(sim: &Sim, subnet: &str, to: RouteTarget) {
    sim.world(|world| world.change_subnet(subnet, |subnet| subnet.default_route = to));
}

#[test]
fn a_gateway_that_is_taken_away_uncovers_and_its_return_covers() {
    on_paused_clock(async {
        let small = Small::with(3);
        let vpc = small.sim.world(|world| world.vpcs().next().expect("there is one").id.clone());
        let daemon = Daemon::start(&small.sim, &small.desired, 1).await;
        sleep(POLL).await;
        assert_eq!(latest(&daemon).coverage(), Coverage::Covered);
        let mut gateway = None;
        small.sim.world(|world| world.change_vpc(&vpc, |vpc| gateway = vpc.internet_gateway.take()));
        sleep(REFRESH).await;
        let report = latest(&daemon);
        assert_eq!((codes(&report), report.covered), (vec!["no_internet_route"; 2], 0));
        assert_eq!((report.coverage(), report.result), (Coverage::Uncovered, PassResult::Ok));
        let told = report.uncovered[0].reason.to_string();
        assert!(told.starts_with("carries 198.") && told.contains("which is gone"), "{told}");
        assert!(report.oldest_uncovered.is_some_and(|age| age > Duration::ZERO));
        assert!(small.is_covered(), "the addresses stay where they are");
        small.sim.world(|world| world.change_vpc(&vpc, |vpc| vpc.internet_gateway = gateway));
        sleep(REFRESH).await;
        assert_eq!(latest(&daemon).coverage(), Coverage::Covered);
        daemon.stop().await;
        assert_lawful(&small.sim);
    });
}

#[test]
fn a_subnet_without_a_table_of_its_own_goes_by_the_main_one() {
    on_paused_clock(async {
        let small = Small::with(2);
        lead(&small.sim, &small.subnets[0], RouteTarget::None);
        let report = apply(&small.sim, &small.desired).await;
        assert_eq!((codes(&report), report.covered), (vec!["no_internet_route"], 1));
        let main = small.sim.world(|world| world.vpcs().next().expect("one").main_route_table.clone());
        let Reason::NoInternetRoute { carried, dead_end } = &report.uncovered[0].reason else {
            panic!("{:?}", report.uncovered)
        };
        assert_eq!(
            (dead_end.subnet.to_string(), dead_end.route_table.to_string()),
            (small.subnets[0].clone(), main.clone())
        );
        assert!(carried.is_some() && small.is_covered(), "it got its address all the same");
        assert_lawful(&small.sim);
    });
}

#[test]
fn those_with_a_way_out_are_served_first() {
    for dead in 0..2 {
        on_paused_clock(async {
            let small = Small::with(1);
            lead(&small.sim, &small.subnets[dead], RouteTarget::NatGateway("nat-1".to_owned()));
            let report = apply(&small.sim, &small.desired).await;
            let of_other = &small.interfaces()[1 - dead];
            let given = small.sim.world(|world| world.address_of(of_other).is_some());
            assert!(given, "the one in {}", small.subnets[1 - dead]);
            assert_eq!(codes(&report), ["no_internet_route"]);
            assert!(
                report.uncovered[0].reason.to_string().contains("0.0.0.0/0 to NAT gateway `nat-1`"),
                "{}",
                report.uncovered[0].reason
            );
        });
    }
}

#[test]
fn what_can_not_be_read_is_unknown_and_says_which_permission_it_takes() {
    for action in ["ec2:DescribeSubnets", "ec2:DescribeRouteTables"] {
        on_paused_clock(async {
            let small = Small::with(2);
            lead(&small.sim, &small.subnets[0], RouteTarget::None);
            small.sim.deny(action);
            let report = apply(&small.sim, &small.desired).await;
            assert_eq!((report.coverage(), report.result), (Coverage::Covered, PassResult::Ok), "{action}");
            let warnings: Vec<_> =
                report.plan.warnings.iter().map(|w| (w.kind.as_str(), w.message.clone())).collect();
            let [("routes_unknown", message)] = &warnings[..] else { panic!("{action}: {warnings:?}") };
            assert!(message.contains(&format!("hint: grant `{action}`")), "{message}");
            assert_lawful(&small.sim);
        });
    }
}

#[test]
fn a_permission_that_comes_is_used_and_one_that_goes_leaves_what_is_known() {
    on_paused_clock(async {
        let small = Small::with(2);
        lead(&small.sim, &small.subnets[0], RouteTarget::None);
        small.sim.deny("ec2:DescribeRouteTables");
        let daemon = Daemon::start(&small.sim, &small.desired, 1).await;
        sleep(Duration::from_secs(30)).await;
        assert_eq!(latest(&daemon).coverage(), Coverage::Covered);
        small.sim.allow("ec2:DescribeRouteTables");
        sleep(3 * POLL).await;
        assert_eq!(codes(&latest(&daemon)), ["no_internet_route"]);
        small.sim.deny("ec2:DescribeRouteTables");
        sleep(REFRESH).await;
        let report = latest(&daemon);
        assert_eq!(codes(&report), ["no_internet_route"], "as it was last seen");
        assert!(report.plan.warnings.iter().any(|warning| warning.kind.as_str() == "routes_unknown"));
        daemon.stop().await;
    });
}

#[test]
fn a_service_that_hangs_keeps_no_address_back() {
    on_paused_clock(async {
        let small = Small::with(2);
        for operation in ["DescribeSubnets", "DescribeRouteTables"] {
            small.sim.inject(Fault::new(Effect::Hang).on_operation(operation));
        }
        let begun = tokio::time::Instant::now();
        let report = apply(&small.sim, &small.desired).await;
        assert!(small.is_covered() && begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
        assert_eq!(report.coverage(), Coverage::Covered);
        assert!(report.plan.warnings[0].message.contains("took longer than"), "{:?}", report.plan.warnings);
    });
}

#[test]
fn not_knowing_where_subnets_lead_does_not_stop_what_retires() {
    on_paused_clock(async {
        let small = Small::with(2);
        small.sim.deny("ec2:DescribeRouteTables");
        let daemon = Daemon::start(&small.sim, &small.desired, 1).await;
        sleep(POLL).await;
        assert!(small.is_covered());
        let other = small.sim.world(|world| {
            let vpc = world.vpcs().next().expect("there is one").id.clone();
            let other = world.create_security_group(&vpc, "other");
            let change = VpcConfig::new(&small.subnets, &[&other]);
            world.update_function_vpc("billing", change, Outcome::Succeeds, None).expect("it is active");
            other
        });
        sleep(Duration::from_secs(30 * 60)).await;
        let moves = daemon.heard.actions().iter().filter(|a| a.action.kind == ActionKind::Move).count();
        let carried = small.sim.world(|world| {
            let of = |subnet: &String| world.pair_interfaces(subnet, &[&other]);
            small.subnets.iter().flat_map(of).filter(|id| world.address_of(id).is_some()).count()
        });
        assert_eq!(carried, 2, "{moves} moves");
        daemon.stop().await;
        assert_lawful(&small.sim);
    });
}

#[test]
fn a_subnet_that_turns_up_is_read_in_the_next_whole_pass() {
    on_paused_clock(async {
        let small = Small::with(4);
        let mut reconciler = reconciler(&small.sim, 1).await;
        pass(&mut reconciler, &orders(&small.desired)).await;
        let reads = small.sim.calls("DescribeSubnets");
        let late = small.sim.world(|world| {
            let vpc = world.vpcs().next().expect("there is one").id.clone();
            let late = world.create_subnet(&vpc, 'c');
            world.change_subnet(&late, |subnet| subnet.default_route = RouteTarget::None);
            let change = VpcConfig::new(&[&small.subnets[0], &late], &[&small.group]);
            let update = world.update_function_vpc("billing", change, Outcome::Succeeds, None);
            update.expect("it is active");
            late
        });
        for _ in 0..8 {
            sleep(POLL).await;
            pass(&mut reconciler, &orders(&small.desired)).await;
        }
        assert!(small.sim.calls("DescribeSubnets") > reads);
        let report = pass(&mut reconciler, &orders(&small.desired)).await;
        let told: Vec<String> = report.uncovered.iter().map(|u| u.reason.to_string()).collect();
        assert!(told.len() == 1 && told[0].contains(&late), "{told:?}");
        assert_lawful(&small.sim);
    });
}

#[test]
fn a_function_that_may_use_ipv6_past_its_address_is_warned_of() {
    on_paused_clock(async {
        for (gateway, dual_stack, warns) in
            [("igw-1", true, true), ("eigw-1", true, true), ("igw-1", false, false)]
        {
            let small = Small::with(2);
            small.sim.world(|world| {
                world.change_subnet(&small.subnets[0], |s| s.ipv6_route = Some(gateway.to_owned()));
                world.set_dual_stack("billing", dual_stack);
            });
            let report = apply(&small.sim, &small.desired).await;
            let kinds: Vec<_> = report.plan.warnings.iter().map(|warning| warning.kind.as_str()).collect();
            assert_eq!(kinds, if warns { vec!["ipv6_bypasses"] } else { vec![] }, "{gateway} {dual_stack}");
            assert_eq!(report.coverage(), Coverage::Covered);
            assert_lawful(&small.sim);
        }
    });
}

#[test]
fn an_estate_of_many_subnets_is_read_two_hundred_at_a_time() {
    on_paused_clock(async {
        let sim = Sim::new(WorldConfig::default());
        let (allocations, functions) = sim.world(|world| {
            let vpc = world.create_vpc();
            let group = world.create_security_group(&vpc, "lambda");
            let mut functions = Vec::new();
            for number in 0..30 {
                let subnets: Vec<String> = (0..10).map(|_| world.create_subnet(&vpc, 'a')).collect();
                let name = format!("f{number}");
                world.create_active_function(&name, VpcConfig::new(&subnets, &[&group]));
                functions.push(name);
            }
            (world.allocate_many(300), functions)
        });
        let wanted = Wanted::new().pool("p", &allocations, 0);
        let desired = functions.iter().fold(wanted, |wanted, name| wanted.function(name, "p")).done();
        let report = plan(&sim, &desired).await;
        assert_eq!((report.plan.actions.len(), report.plan.warnings.len()), (300, 0));
        assert!(report.plan.interfaces.iter().all(|interface| interface.dead_end.is_none()));
        assert_eq!(sim.calls("DescribeSubnets"), 2);
        assert_eq!(sim.calls("DescribeRouteTables"), 2 + 1, "two hundred tables are two pages");
        assert_lawful(&sim);
    });
}
