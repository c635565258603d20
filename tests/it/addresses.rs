//! `eipd addresses` as a process over HTTP: the list in each form, by pool, and never silently short of one.

use serde_json::Value;

use crate::process::{Bench, configuration, served};
use crate::small::Small;

#[tokio::test]
async fn the_list_is_told_in_each_form_and_by_pool() {
    let small = Small::with(3);
    let server = served(&small).await;
    let (first, rest) = small.allocations.split_at(1);
    let text = format!(
        "[pools.a]\nallocations = {first:?}\n[pools.b]\nallocations = {rest:?}\n\
         [[functions]]\nname = \"billing\"\npool = \"a\"\n[[functions]]\nname = \"reports\"\npool = \"b\"\n"
    );
    let bench = Bench::new(&text, &server.url());
    let ip = |id: &String| small.sim.world(|world| world.public_ip(id).to_owned());
    let cidr = bench.run(&["addresses", "--format", "cidr", "--pool", "a"]).await;
    assert_eq!(
        (cidr.code(), cidr.stdout()),
        (Some(0), format!("{}/32\n", ip(&first[0]))),
        "{}",
        cidr.stderr()
    );
    let all = bench.run(&["addresses", "--pool", "a", "--pool", "b", "--format", "cidr"]).await;
    let every = bench.run(&["addresses", "--format", "cidr"]).await;
    assert_eq!((all.stdout().lines().count(), all.stdout()), (3, every.stdout()));
    let text = bench.run(&["addresses"]).await;
    for id in &small.allocations {
        assert!(text.stdout().contains(id.as_str()) && text.stdout().contains(&ip(id)), "{}", text.stdout());
    }
    let json = bench.run(&["addresses", "--format", "json"]).await;
    let json: Value = serde_json::from_str(&json.stdout()).expect("only JSON on stdout");
    assert_eq!(json[0]["addresses"].as_array().map(Vec::len), Some(3));
    assert_eq!(small.sim.complaints(), Vec::<String>::new());
}

#[tokio::test]
async fn a_pool_without_any_address_says_so_and_fails() {
    let small = Small::with(1);
    let server = served(&small).await;
    let text = format!(
        "[pools.a]\nallocations = {:?}\n[pools.b]\ntag = \"team=nobody\"\n\
         [[functions]]\nname = \"billing\"\npool = \"a\"\n[[functions]]\nname = \"reports\"\npool = \"b\"\n",
        small.allocations
    );
    let bench = Bench::new(&text, &server.url());
    for form in ["text", "json", "cidr"] {
        let listed = bench.run(&["addresses", "--pool", "b", "--format", form]).await;
        assert_eq!(listed.code(), Some(1), "{}{}", listed.stdout(), listed.stderr());
        assert!(
            listed.stderr().contains("pool `b` has no address in target `default`"),
            "{}",
            listed.stderr()
        );
        assert!(
            listed.stderr().contains("`team=nobody`"),
            "what selects nothing is told: {}",
            listed.stderr()
        );
    }
    let other = bench.run(&["addresses", "--pool", "a"]).await;
    assert_eq!((other.code(), other.stdout().lines().count()), (Some(0), 1), "{}", other.stderr());
}

#[tokio::test]
async fn a_list_that_lacks_an_address_says_so_and_fails() {
    let small = Small::with(2);
    small.sim.world(|world| world.release_address(&small.allocations[0])).expect("it is free");
    let server = served(&small).await;
    let bench = Bench::new(&configuration(&small), &server.url());
    let listed = bench.run(&["addresses", "--format", "cidr"]).await;
    assert_eq!((listed.code(), listed.stdout().lines().count()), (Some(1), 1), "{}", listed.stderr());
    let lacking = format!("`{}` of pool `partner-a` does not exist", small.allocations[0]);
    assert!(listed.stderr().contains(&lacking), "{}", listed.stderr());
    let deaf = Bench::new(&configuration(&small), "http://127.0.0.1:1").run(&["addresses"]).await;
    assert_eq!((deaf.code(), deaf.stdout().as_str()), (Some(1), ""), "{}", deaf.stderr());
    assert!(deaf.stderr().contains("could not be read, so the list lacks it"), "{}", deaf.stderr());
    let unknown = bench.run(&["addresses", "--pool", "partner-b"]).await;
    assert_eq!(unknown.code(), Some(1));
    assert!(unknown.stderr().contains("no pool `partner-b`"), "{}", unknown.stderr());
}
