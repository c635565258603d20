//! Covered means egress: what a plan says and does where a subnet leads nowhere, and where IPv6 goes past the address.

use std::sync::Arc;

use super::{World, configuration, subnet, vpc};
use crate::domain::function::{FunctionObservation, VpcConfig};
use crate::domain::network::{Network, RouteTable, Way};
use crate::domain::plan::Verdict;
use crate::domain::reason::Reason;

/// `f` in two subnets with an interface in each, and a pool of these addresses.
fn two(addresses: &[u32]) -> World {
    World::new().pool("p", addresses, 0).function("f", "p", &[1, 2], &[1]).eni(1, 1, &[1]).eni(2, 2, &[1])
}

fn codes(world: &World) -> Vec<(String, &'static str)> {
    let plan = world.plan();
    plan.uncovered().map(|u| (u.network_interface_id.to_string(), u.reason.code())).collect()
}

#[test]
fn an_address_is_of_no_use_where_the_subnet_leads_nowhere() {
    let world = two(&[1, 2]).on(1, 1).on(2, 2).network(&[1, 2], &[1]);
    assert_eq!(world.verdicts(), ["1 keeps 1, no way out", "2 keeps 2"]);
    let plan = world.plan();
    assert_eq!((plan.covered(), plan.actions.len()), (1, 0));
    let uncovered: Vec<_> = plan.uncovered().collect();
    let [uncovered] = &uncovered[..] else { panic!("one, not {uncovered:?}") };
    let told = uncovered.reason.to_string();
    assert_eq!(
        told,
        "carries 198.51.100.1 (eipalloc-00000001), but `subnet-00000001` has no route to an internet gateway: its route \
         table `rtb-00000001` sends 0.0.0.0/0 to NAT gateway `nat-1`; hint: route 0.0.0.0/0 there to an internet gateway, \
         or give the function other subnets"
    );
    assert!(!uncovered.reason.is_want_of_addresses());
}

#[test]
fn what_is_not_known_stands_in_nobodys_way() {
    for world in [two(&[1, 2]).on(1, 1).on(2, 2), two(&[1, 2]).on(1, 1).on(2, 2).network(&[1], &[])] {
        assert_eq!((world.plan().covered(), codes(&world).len()), (2, 0));
        assert!(world.observed.is_complete(), "and is no gap");
    }
}

#[test]
fn a_bare_one_gets_its_address_all_the_same_so_that_a_route_put_right_does_not_wait() {
    let world = two(&[1, 2]).network(&[1, 2], &[2]);
    let plan = world.plan();
    assert_eq!(plan.actions.len(), 2);
    assert!(plan.interfaces.iter().all(|interface| matches!(interface.verdict, Verdict::Gets(..))));
    assert_eq!(codes(&world), [("eni-00000002".to_owned(), "no_internet_route")]);
    let after = world.after(&plan).network(&[1, 2], &[]);
    assert_eq!((after.plan().covered(), after.plan().actions.len()), (2, 0));
}

#[test]
fn those_with_a_way_out_come_first_when_addresses_are_short() {
    for (dead_end, served) in [(1, "eni-00000002"), (2, "eni-00000001")] {
        let world = two(&[1]).network(&[1, 2], &[dead_end]);
        let plan = world.plan();
        let given: Vec<String> = plan.actions.iter().map(|a| a.network_interface_id.to_string()).collect();
        assert_eq!(given, [served]);
        let pool = plan.pools.values().next().expect("one pool");
        assert_eq!(pool.shortfall, 1, "the other wants one too");
    }
    let pinned = two(&[1]).pin_subnet("f", 1, &[1]).network(&[1, 2], &[1]);
    assert_eq!(pinned.verdicts(), ["1 lacks: no_free_address, no way out", "2 gets 1"], "pins or not");
    let waiting = two(&[1]).waiting(1).network(&[1, 2], &[2]);
    assert_eq!(
        waiting.verdicts(),
        ["1 lacks: no_free_address", "2 gets 1, no way out"],
        "one that does not serve waits"
    );
}

#[test]
fn the_way_out_comes_before_every_other_reason() {
    let world = two(&[1]).on(1, 1).network(&[1, 2], &[1, 2]);
    assert_eq!(world.verdicts(), ["1 keeps 1, no way out", "2 lacks: no_free_address, no way out"]);
    assert!(codes(&world).iter().all(|(_, code)| *code == "no_internet_route"));
    let not_serving = two(&[1, 2]).on(1, 1).on(2, 2).waiting(1).network(&[1, 2], &[1]);
    assert_eq!(codes(&not_serving), [], "what does not serve is not required");
}

#[test]
fn every_way_that_is_none_is_told() {
    for (leads, told) in [
        (Way::Missing, "its route table `rtb-00000001` has none for 0.0.0.0/0"),
        (
            Way::Blackhole("internet gateway `igw-1`".to_owned()),
            "sends 0.0.0.0/0 to internet gateway `igw-1`, which is gone",
        ),
        (Way::Elsewhere("transit gateway `tgw-1`".to_owned()), "sends 0.0.0.0/0 to transit gateway `tgw-1`"),
    ] {
        let mut world = two(&[1, 2]);
        world.observed.network = network(leads, Way::Missing);
        let reason = world.plan().uncovered().next().expect("one").reason;
        assert!(matches!(&reason, Reason::NoInternetRoute { carried: None, .. }), "{reason:?}");
        assert!(reason.to_string().contains(told), "{reason}");
    }
}

fn network(ipv4: Way, ipv6: Way) -> Arc<Network> {
    let table = RouteTable {
        id: "rtb-00000001".parse().expect("well-formed"),
        vpc: "vpc-00000001".parse().expect("well-formed"),
        is_main: false,
        subnets: [subnet(1)].into(),
        ipv4,
        ipv6,
    };
    Arc::new(Network::of(&[subnet(1)].into(), Vec::new(), &[table]))
}

#[test]
fn ipv6_that_goes_past_the_address_is_warned_of() {
    let igw = || Way::InternetGateway("igw-1".to_owned());
    let egress_only = || Way::EgressOnlyGateway("eigw-1".to_owned());
    for (dual_stack, ipv6, warns) in
        [(true, igw(), true), (true, egress_only(), true), (true, Way::Missing, false), (false, igw(), false)]
    {
        let shown = configuration(Some(VpcConfig { dual_stack, ..vpc(&[1], &[1]) }));
        let world = World::new().pool("p", &[1], 0).eni(1, 1, &[1]).on(1, 1);
        let mut world = world.function_as("f", "p", FunctionObservation::Known(shown));
        world.observed.network = network(igw(), ipv6.clone());
        let warnings = world.plan().warnings;
        assert_eq!(warnings.len(), usize::from(warns), "{dual_stack} {ipv6:?}");
        for warning in warnings {
            assert_eq!(warning.kind.as_str(), "ipv6_bypasses");
            let told = format!("function `f` may use IPv6, and `subnet-00000001` sends ::/0 to {ipv6}");
            assert!(warning.message.starts_with(&told), "{}", warning.message);
        }
        assert_eq!(world.plan().covered(), 1, "a warning takes nothing away");
    }
}

#[test]
fn ipv6_of_a_published_version_is_warned_of_too() {
    let igw = || Way::InternetGateway("igw-1".to_owned());
    let mut world = World::new().pool("p", &[1], 0).function("f", "p", &[1], &[1]).eni(1, 1, &[1]).on(1, 1);
    world.observed.network = network(igw(), igw());
    assert_eq!(world.warnings(), [""; 0]);
    let open = VpcConfig { dual_stack: true, ..vpc(&[1], &[1]) };
    let world = world.configure("f", |shown| drop(shown.versions.insert(3, open)));
    let warnings = world.plan().warnings;
    let [warning] = warnings.as_slice() else { panic!("one, not {warnings:?}") };
    assert_eq!(warning.kind.as_str(), "ipv6_bypasses");
    assert!(
        warning.message.starts_with("function `f` by its version 3 may use IPv6, and"),
        "{}",
        warning.message
    );
}

#[test]
fn what_could_not_be_read_of_routes_is_a_warning_with_its_cause() {
    let mut world = two(&[1, 2]).on(1, 1).on(2, 2);
    let mut network = Network::default();
    network.unread.push("where subnets lead is not known: denied".to_owned());
    world.observed.network = Arc::new(network);
    assert_eq!(world.warnings(), ["routes_unknown"]);
    assert_eq!(world.plan().covered(), 2);
}

/// What no address cures either has a reason of its own.
#[test]
fn each_obstacle_of_an_interface_has_its_precise_reason() {
    let border = two(&[1, 2]).with_eni(1, |interface| interface.zone = Some("eu-west-1-lon-1a".into()));
    assert_eq!(border.verdicts()[0], "1 lacks: border_group");
    let denies = two(&[1, 2]).with_eni(1, |interface| interface.denies_internet_gateway = true);
    assert_eq!(denies.verdicts()[0], "1 lacks: denies_internet_gateway");
    let managed = two(&[1]).with_address(1, |address| address.managed_by = Some("nlb".to_owned()));
    assert_eq!(managed.verdicts()[0], "1 lacks: address_on_foreign_resource");
    let reason = managed.plan().uncovered().next().expect("uncovered").reason.to_string();
    assert!(reason.contains("the AWS service `nlb`"), "{reason}");
    let on_instances = two(&[1, 2]).configure("f", |shown| shown.on_capacity_provider = true);
    assert_eq!(on_instances.warnings(), ["function_on_capacity_provider"]);
    assert_eq!(on_instances.verdicts(), Vec::<String>::new(), "its interfaces are none of Lambda's own");
}
