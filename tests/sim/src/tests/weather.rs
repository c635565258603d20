//! Faults strike the calls that they are for, and no others.

use super::*;
use crate::{Effect, Ending, Fault, Limits, On, Service, Span, When};
use std::time::Duration;

fn associate(sim: &Sim, interfaces: &[String], allocations: &[String], which: usize) -> Option<Reply> {
    let parameters = [
        ("AllocationId", allocations[which].as_str()),
        ("NetworkInterfaceId", interfaces[which].as_str()),
        ("AllowReassociation", "false"),
    ];
    sim.answer(&ec2("AssociateAddress", &parameters))
}

#[test]
fn the_kth_call_is_counted_among_those_that_the_fault_is_for() {
    let (sim, _, _) = small(WorldConfig::default());
    sim.inject(Fault::new(Effect::InternalError).on_operation("DescribeAddresses").nth(2));
    sim.inject(Fault::new(Effect::Throttle).on_service(Service::Lambda).when(When::From(2)));
    sim.inject(Fault::new(Effect::Unavailable).on(On::Any).when(When::Calls(6..8)));
    let mut status = |request: &Request| call(&sim, request).0;
    let (addresses, subnets) = (ec2("DescribeAddresses", &[]), ec2("DescribeSubnets", &[]));
    let functions = lambda("/2015-03-31/functions/");
    let seen: Vec<u16> =
        [&addresses, &subnets, &functions, &addresses, &functions, &subnets, &addresses, &addresses]
            .map(&mut status)
            .to_vec();
    assert_eq!(seen, [200, 200, 200, 500, 429, 503, 503, 200]);
}

#[test]
fn a_page_can_be_lost_in_the_middle() {
    let sim = crowd();
    sim.inject(Fault::new(Effect::InternalError).on_operation("DescribeNetworkInterfaces").page(2));
    let one = ok(&sim, &ec2("DescribeNetworkInterfaces", &[("MaxResults", "100")]));
    let token = first(&one, "nextToken");
    let two = ec2("DescribeNetworkInterfaces", &[("MaxResults", "100"), ("NextToken", &token)]);
    assert_eq!(refusal(&sim, &two), (500, "InternalError".to_owned()));
    sim.clear_faults();
    ok(&sim, &two);
}

#[test]
fn a_lost_answer_was_carried_out_and_a_refused_connection_was_not() {
    for (effect, carried_out, ending) in [
        (Effect::LostAnswer, true, Ending::Lost),
        (Effect::HangAfter, true, Ending::Lost),
        (Effect::Truncated, true, Ending::Lost),
        (Effect::Hang, false, Ending::Hung),
        (Effect::Refused, false, Ending::Refused),
    ] {
        let (sim, interfaces, allocations) = small(WorldConfig::default());
        sim.inject(Fault::new(effect).on(On::Mutating));
        assert!(associate(&sim, &interfaces, &allocations, 0).is_none());
        assert_eq!(sim.world(|world| world.address_of(&interfaces[0]).is_some()), carried_out, "{ending}");
        assert_eq!(sim.journal().entries()[0].ending, ending);
        ok(&sim, &ec2("DescribeAddresses", &[]));
    }
}

#[test]
fn an_error_may_answer_what_was_carried_out() {
    for (effect, status) in [(Effect::InternalErrorAfter, 500), (Effect::UnavailableAfter, 503)] {
        let (sim, interfaces, allocations) = small(WorldConfig::default());
        sim.inject(Fault::new(effect).on(On::Mutating));
        let reply = associate(&sim, &interfaces, &allocations, 0).expect("it is answered");
        assert_eq!(reply.status, status);
        assert!(sim.world(|world| world.address_of(&interfaces[0]).is_some()), "{status}");
        assert_eq!(sim.journal().entries()[0].ending, Ending::Lost);
    }
}

#[test]
fn garbage_and_short_documents_arrive_as_if_they_were_whole() {
    let (sim, _, _) = small(WorldConfig::default());
    let request = ec2("DescribeAddresses", &[]);
    let whole = ok(&sim, &request).len();
    sim.inject(Fault::new(Effect::CutShort).nth(1));
    sim.inject(Fault::new(Effect::Garbage).nth(2));
    assert_eq!(ok(&sim, &request).len(), whole / 2);
    assert!(ok(&sim, &request).starts_with("<html>"));
    assert_eq!(ok(&sim, &request).len(), whole);
}

#[test]
fn a_rate_is_kept_and_repeats_with_the_seed() {
    let strikes = |seed: u64| -> Vec<bool> {
        let (sim, _, _) = small(WorldConfig { seed, ..WorldConfig::default() });
        sim.set_throttle(None);
        sim.inject(Fault::new(Effect::Throttle).rate(0.3));
        (0..300).map(|_| call(&sim, &ec2("DescribeSubnets", &[])).0 == 503).collect()
    };
    let many = strikes(4).iter().filter(|struck| **struck).count();
    assert!((60..120).contains(&many), "{many}");
    assert_eq!(strikes(4), strikes(4));
    assert_ne!(strikes(4), strikes(5));
}

#[tokio::test(start_paused = true)]
async fn a_fault_has_its_time() {
    let (sim, _, _) = small(WorldConfig::default());
    let seconds = Duration::from_secs;
    sim.inject(Fault::new(Effect::Throttle).during(seconds(60)..seconds(120)));
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(call(&sim, &ec2("DescribeSubnets", &[])).0);
        tokio::time::advance(seconds(40)).await;
    }
    assert_eq!(seen, [200, 200, 503, 200]);
}

#[tokio::test(start_paused = true)]
async fn latency_is_before_and_after_the_call() {
    let (sim, interfaces, allocations) = small(WorldConfig::default());
    let start = sim.now();
    let seconds = Duration::from_secs;
    sim.inject(Fault::new(Effect::Latency { before: seconds(2), after: seconds(5) }).on(On::Mutating));
    sim.set_latency(Some(Span::seconds(1, 1)));
    let parameters =
        [("AllocationId", allocations[0].as_str()), ("NetworkInterfaceId", interfaces[0].as_str())];
    let _ = sim.exchange(&ec2("AssociateAddress", &parameters)).await;
    assert_eq!(sim.now().since(start), seconds(8));
    assert_eq!(sim.journal().entries()[0].at.since(start), Duration::from_millis(2500));
}

#[tokio::test(start_paused = true)]
async fn throttles_are_on_by_default_and_follow_the_clock() {
    let (sim, _, _) = small(WorldConfig::default());
    let functions = lambda("/2015-03-31/functions/");
    let configuration = lambda("/2015-03-31/functions/billing/configuration");
    let function = lambda("/2015-03-31/functions/billing");
    assert!((0..15).all(|n| call(&sim, if n % 2 == 0 { &functions } else { &configuration }).0 == 200));
    assert_eq!(call(&sim, &configuration).0, 429);
    assert_eq!(call(&sim, &function).0, 200, "GetFunction has a bucket of its own");
    tokio::time::advance(Duration::from_millis(200)).await;
    assert_eq!((0..5).filter(|_| call(&sim, &functions).0 == 200).count(), 3);
    let unfiltered = ec2("DescribeNetworkInterfaces", &[]);
    assert_eq!((0..100).filter(|_| call(&sim, &unfiltered).0 == 200).count(), 50);
    let paginated = ec2("DescribeNetworkInterfaces", &[("MaxResults", "1000")]);
    assert_eq!((0..200).filter(|_| call(&sim, &paginated).0 == 200).count(), 100);
    sim.set_throttle(Some(Limits {
        non_mutating: crate::Rate { capacity: 1, per_second: 1 },
        ..Limits::default()
    }));
    assert_eq!((0..5).filter(|_| call(&sim, &paginated).0 == 200).count(), 1);
}
