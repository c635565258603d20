//! A service that gives no answer, or refuses one: what the others answer is still acted on, and nobody is asked without
//! end.

use std::time::Duration;

use eipd::domain::report::{Coverage, PassResult};
use eipd_sim::{Effect, Fault, On, Population, Service, Sim, VpcConfig, WorldConfig};
use tokio::time::{Instant, sleep};

use crate::rig::{Daemon, POLL, Wanted, assert_lawful, on_paused_clock, orders, plan};
use crate::small::Small;

/// As many functions, each with an interface of its own, and their desired state.
fn crowd(functions: usize) -> (Sim, eipd::domain::desired::Desired) {
    let sim = Sim::new(WorldConfig::default());
    let population = Population { functions, subnets_per_function: 1, subnets: 2, interfaces_per_pair: 1 };
    let (functions, allocations) = sim.world(|world| {
        let functions = world.populate(&population);
        (functions, world.allocate_many(world.interfaces().count()))
    });
    let pool = Wanted::new().pool("p", &allocations, 0);
    let desired = functions.iter().fold(pool, |wanted, name| wanted.function(name, "p")).done();
    (sim, desired)
}

#[test]
fn a_silent_lambda_does_not_keep_a_lost_address_from_being_given_again() {
    for service in [Service::Lambda, Service::Sts] {
        on_paused_clock(async {
            let small = Small::with(2);
            let daemon = Daemon::start(&small.sim, &small.desired, 1).await;
            sleep(Duration::from_secs(1)).await;
            assert!(small.is_covered());
            small.sim.inject(Fault::new(Effect::Hang).on_service(service));
            // Until the functions are due to be read again.
            sleep(orders(&small.desired).function_refresh).await;
            small.sim.world(|world| world.stray_disassociate(&small.allocations[0]));
            sleep(POLL + Duration::from_secs(30)).await;
            assert!(small.is_covered(), "{service:?}");
            let report = daemon.heard.reports().pop().expect("passes are made");
            if service == Service::Lambda {
                assert_eq!(report.result, PassResult::Incomplete);
                let said: Vec<_> = report.plan.warnings.iter().map(|warning| &*warning.message).collect();
                assert!(said.iter().any(|line| line.contains("lambda:GetFunctionConfiguration")), "{said:?}");
            }
            assert_lawful(&small.sim);
        });
    }
}

#[test]
fn a_silent_call_for_some_addresses_does_not_keep_the_others_from_being_served() {
    on_paused_clock(async {
        let (sim, desired) = crowd(300);
        sim.inject(Fault::new(Effect::Hang).on_operation("DescribeAddresses").nth(2));
        let report = crate::rig::apply(&sim, &desired).await;
        assert_eq!(report.result, PassResult::Incomplete);
        assert_eq!(report.coverage(), Coverage::Unknown);
        assert!(sim.complaints().is_empty());
    });
}

#[test]
fn one_pass_over_a_silent_lambda_ends_soon_and_says_so() {
    on_paused_clock(async {
        let (sim, desired) = crowd(60);
        sim.inject(Fault::new(Effect::Hang).on_service(Service::Lambda));
        let begun = Instant::now();
        let report = plan(&sim, &desired).await;
        assert!(begun.elapsed() <= Duration::from_secs(60), "{:?}", begun.elapsed());
        assert_eq!(report.coverage(), Coverage::Unknown);
        let said: Vec<_> = report.plan.warnings.iter().map(|warning| &*warning.message).collect();
        assert!(said.iter().any(|line| line.contains("lambda:")), "{said:?}");
    });
}

#[test]
fn what_a_slow_lambda_answers_is_kept_though_the_pass_is_given_up() {
    on_paused_clock(async {
        let (sim, desired) = crowd(80);
        let half = Duration::from_millis(2500);
        sim.inject(Fault::new(Effect::Latency { before: half, after: half }).on_service(Service::Lambda));
        let daemon = Daemon::start(&sim, &desired, 1).await;
        sleep(Duration::from_secs(10 * 60)).await;
        let reports = daemon.heard.reports();
        let (first, last) = (reports.first().expect("passes are made"), reports.last().expect("the same"));
        assert_eq!((first.result, last.coverage()), (PassResult::Failed, Coverage::Covered));
        assert_lawful(&sim);
    });
}

#[test]
fn functions_that_may_not_be_read_are_asked_for_ever_more_rarely_and_never_forgotten() {
    on_paused_clock(async {
        let (sim, desired) = crowd(60);
        sim.deny("lambda:GetFunctionConfiguration");
        let daemon = Daemon::start(&sim, &desired, 1).await;
        daemon.poll_every(Duration::from_secs(10));
        sleep(Duration::from_secs(20 * 60)).await;
        let asked = sim.calls("GetFunctionConfiguration") + sim.calls("ListFunctions");
        // After 30 s, 60 s, two minutes and so on up to five.
        assert!(asked <= 60 * 8, "{asked} calls in twenty minutes");
        let report = daemon.heard.reports().pop().expect("passes are made");
        assert_eq!(report.coverage(), Coverage::Unknown, "what is not asked for again is not thereby known");
        sim.allow("lambda:GetFunctionConfiguration");
        sleep(Duration::from_secs(6 * 60)).await;
        let report = daemon.heard.reports().pop().expect("passes are made");
        assert_eq!(report.coverage(), Coverage::Covered);
        assert_lawful(&sim);
    });
}

#[test]
fn a_short_pool_beside_a_function_that_may_not_be_read_makes_no_more_passes_than_the_poll() {
    on_paused_clock(async {
        let small = Small::with(2);
        small.sim.world(|world| {
            let vpc = world.vpcs().next().expect("there is one").id.clone();
            let group = world.create_security_group(&vpc, "undeclared");
            world.create_active_function("undeclared", VpcConfig::new(&small.subnets[..1], &[&group]));
            let held = world.pair_interfaces(&small.subnets[0], &[&group]);
            world.give(&small.allocations[0], &held[0]);
            world.create_active_function("secret", None);
        });
        let desired = Wanted::new().pool("p", &small.allocations, 0);
        let desired = desired.function("billing", "p").function("secret", "p").done();
        small.sim.inject(Fault::new(Effect::Denied).on(On::Resource("secret".to_owned())));
        let daemon = Daemon::start(&small.sim, &desired, 1).await;
        daemon.poll_every(Duration::from_secs(10));
        sleep(Duration::from_secs(600)).await;
        let passes = daemon.heard.reports().len();
        assert!(passes <= 80, "{passes} passes in ten minutes of a poll every ten seconds");
    });
}
