//! `eipd plan --assume` as a process over HTTP: what a deployment would need, place by place, and asking changes nothing.

use eipd_sim::RouteTarget;
use serde_json::Value;

use crate::process::{Bench, configuration, served};
use crate::small::Small;

#[tokio::test]
async fn what_a_deployment_would_need_is_told_by_zone_and_nothing_is_changed() {
    let small = Small::with(3);
    let group = small.sim.world(|world| {
        let vpc = world.vpcs().next().expect("there is one").id.clone();
        world.create_security_group(&vpc, "new")
    });
    let server = served(&small).await;
    let bench = Bench::new(&configuration(&small), &server.url());
    assert_eq!(bench.run(&["apply"]).await.code(), Some(0));
    let assumption = format!("billing:subnets={},sgs={group}", small.subnets.join(","));
    let before = small.sim.calls("AssociateAddress");
    let foreseen = bench.run(&["plan", "--assume", &assumption]).await;
    assert_eq!(foreseen.code(), Some(2), "{}{}", foreseen.stdout(), foreseen.stderr());
    assert!(foreseen.stdout().contains("short by 1 in eu-west-1"), "{}", foreseen.stdout());
    let one_subnet = format!("billing:subnets={};sgs={group}", small.subnets[0]);
    let foreseen = bench.run(&["plan", "--format", "json", "--assume", &one_subnet]).await;
    assert_eq!(foreseen.code(), Some(0), "{}{}", foreseen.stdout(), foreseen.stderr());
    let foreseen: Value = serde_json::from_str(&foreseen.stdout()).expect("only JSON on stdout");
    assert_eq!(
        (&foreseen[0]["enough"], &foreseen[0]["interfaces"][0]["verdict"]),
        (&true.into(), &"gets".into())
    );
    assert_eq!(small.sim.calls("AssociateAddress"), before, "asking changes nothing");
}

#[tokio::test]
async fn subnets_that_no_interface_is_in_yet_are_told_by_their_zone() {
    let small = Small::with(2);
    let [first, dead, group] = small.sim.world(|world| {
        let vpc = world.vpcs().next().expect("there is one").id.clone();
        let subnets = [world.create_subnet(&vpc, 'c'), world.create_subnet(&vpc, 'c')];
        world.change_subnet(&subnets[1], |subnet| subnet.default_route = RouteTarget::None);
        let [first, dead] = subnets;
        [first, dead, world.create_security_group(&vpc, "new")]
    });
    let server = served(&small).await;
    let bench = Bench::new(&configuration(&small), &server.url());
    assert_eq!(bench.run(&["apply"]).await.code(), Some(0));
    let foreseen = async |subnet: &str| {
        let assumption = format!("billing:subnets={subnet};sgs={group}");
        bench.run(&["plan", "--assume", &assumption]).await
    };
    let said = foreseen(&first).await;
    assert_eq!(said.code(), Some(2), "{}", said.stderr());
    let pool = "both that pool `partner-a` has for it are in use";
    let expected = format!(
        "billing in {first} with {group}, beside its present settings\n  \
         ! {first} (eu-west-1c) with {group}: a new interface would stay without: no free address: {pool}\n\
         pool partner-a: 2 associated, 0 spare, short of 1\n\
         short by 1 in eu-west-1c\n"
    );
    assert_eq!(said.stdout(), expected);
    let out = foreseen(&dead).await;
    assert!(out.stdout().contains("has no route to an internet gateway"), "{}", out.stdout());
    let unknown = foreseen("subnet-0badbadbad0badbad").await;
    assert_eq!(unknown.code(), Some(2), "{}", unknown.stderr());
    assert!(unknown.stdout().ends_with("short by 1 in subnet-0badbadbad0badbad\n"), "{}", unknown.stdout());
    assert!(unknown.stderr().contains("EC2 shows no `subnet-0badbadbad0badbad`"), "{}", unknown.stderr());
    small.sim.deny("ec2:DescribeSubnets");
    let denied = foreseen(&first).await;
    assert_eq!(denied.code(), Some(2), "it can still tell how many: {}", denied.stderr());
    assert!(denied.stdout().ends_with(&format!("short by 1 in {first}\n")), "{}", denied.stdout());
    assert!(denied.stderr().contains("hint: grant `ec2:DescribeSubnets`"), "{}", denied.stderr());
    assert_eq!(small.sim.complaints(), Vec::<String>::new());
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let small = Small::with(1);
    let server = served(&small).await;
    let bench = Bench::new(&configuration(&small), &server.url());
    let group = format!("sgs={}", small.group);
    for (assumption, code, expected) in [
        ("billing".to_owned(), 64, "expected FUNCTION:subnets="),
        ("billing:subnets=subnet-1".to_owned(), 64, "`subnet-1` is not a subnet id"),
        (format!("nobody:{group}"), 1, "function `nobody` is not declared"),
    ] {
        let refused = bench.run(&["plan", "--assume", &assumption]).await;
        assert_eq!(refused.code(), Some(code), "{assumption}: {}", refused.stderr());
        assert!(refused.stderr().contains(expected), "{assumption}: {}", refused.stderr());
    }
    let one = format!("billing:{group}");
    let twice = bench.run(&["plan", "--assume", &one, "--assume", &one]).await;
    assert_eq!(twice.code(), Some(1));
    assert!(twice.stderr().contains("assumed twice"), "{}", twice.stderr());
}
