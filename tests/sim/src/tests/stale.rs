//! Describe calls may answer from the past, each side from its own.

use super::*;
use crate::Staleness;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// Whether DescribeNetworkInterfaces and DescribeAddresses show an association.
fn shown(sim: &Sim) -> (bool, bool) {
    let interfaces = ok(sim, &ec2("DescribeNetworkInterfaces", &[("MaxResults", "1000")]));
    let filter = [("Filter.1.Name", "allocation-id"), ("Filter.1.Value.1", "eipalloc-*")];
    let addresses = ok(sim, &ec2("DescribeAddresses", &filter));
    (interfaces.contains("<association>"), addresses.contains("<associationId>"))
}

#[tokio::test(start_paused = true)]
async fn reads_are_fresh_unless_they_are_made_stale() {
    let (sim, interfaces, allocations) = small(WorldConfig::default());
    sim.world(|world| world.give(&allocations[0], &interfaces[0]));
    assert_eq!(shown(&sim), (true, true));
}

#[tokio::test(start_paused = true)]
async fn the_sides_disagree_for_a_while_and_time_can_seem_to_go_back() {
    let (sim, interfaces, allocations) = small(WorldConfig::default());
    sim.set_throttle(None);
    sim.set_staleness(Staleness { addresses: 30 * SECOND, interfaces: 30 * SECOND });
    tokio::time::advance(60 * SECOND).await;
    sim.world(|world| world.give(&allocations[0], &interfaces[0]));
    let mut seen = Vec::new();
    for _ in 0..31 {
        seen.push(shown(&sim));
        tokio::time::advance(SECOND).await;
    }
    for pair in [(true, false), (false, true), (true, true), (false, false)] {
        assert!(seen.contains(&pair), "{pair:?}");
    }
    assert!(seen.windows(2).any(|pair| pair[0].0 && !pair[1].0), "a later read can be older");
    assert!((0..50).all(|_| shown(&sim) == (true, true)), "after the longest age all is seen");
}

#[tokio::test(start_paused = true)]
async fn one_side_can_be_stale_alone_and_interfaces_outlive_their_deletion() {
    let (sim, interfaces, allocations) = small(WorldConfig::default());
    sim.set_throttle(None);
    tokio::time::advance(60 * SECOND).await;
    sim.set_staleness(Staleness { addresses: Duration::ZERO, interfaces: 10 * SECOND });
    sim.world(|world| {
        world.give(&allocations[0], &interfaces[0]);
        world.remove_interface(&interfaces[1]);
    });
    tokio::time::advance(SECOND).await;
    let ids = |sim: &Sim| {
        texts(&ok(sim, &ec2("DescribeNetworkInterfaces", &[("MaxResults", "1000")])), "networkInterfaceId")
    };
    let seen: Vec<bool> = (0..100).map(|_| ids(&sim).contains(&interfaces[1])).collect();
    assert!(seen.contains(&true) && seen.contains(&false));
    assert!((0..100).all(|_| shown(&sim).1));
    tokio::time::advance(10 * SECOND).await;
    assert!(!ids(&sim).contains(&interfaces[1]));
}
