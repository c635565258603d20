//! Published versions, functions that nobody declared, and many interfaces of one pair: whole plans as an operator would
//! read them, and that the audit knows the same by itself.

use super::golden::story;
use super::{World, associate, configuration, eni, pool, vpc};
use crate::domain::audit::{Objection, audit};
use crate::domain::function::FunctionObservation;

/// `billing` with its `$LATEST` in subnet 2; versions 1 and 3 are in subnet 1, where an alias leads to version 3.
fn published() -> World {
    World::new()
        .pool("p", &[1, 2, 3], 0)
        .function("billing", "p", &[2], &[1])
        .counts("billing", 3, &[1], &[1])
        .listed(&[
            ("billing", &[2], &[1]),
            ("billing:1", &[1], &[1]),
            ("billing:3", &[1], &[1]),
            ("billing:2", &[3], &[1]),
        ])
        .eni(1, 1, &[1])
        .eni(2, 2, &[1])
        .on(2, 2)
}

fn objections(world: &World, address: u32, interface: u32, functions: &[&str]) -> Vec<Objection> {
    let violations = audit(&world.desired, &world.observed, &[associate(address, interface, functions)]);
    violations.into_iter().map(|violation| violation.objection).collect()
}

#[test]
fn the_interface_of_a_version_that_counts_is_served_like_that_of_latest() {
    let world = published();
    insta::assert_snapshot!(story(&world), @r"
    interface 1 of billing: gets 3 (bare)
    interface 2 of billing: keeps 2
    pool p: 1 associated, 2 spare, 0 short
    ");
    assert_eq!(objections(&world, 1, 1, &["billing"]), []);
}

#[test]
fn an_interface_that_only_other_versions_use_is_told_apart_and_keeps_what_it_has() {
    let mut world = published().eni(3, 3, &[1]).on(3, 3).on(1, 1);
    world = world.configure("billing", |shown| shown.versions.clear());
    insta::assert_snapshot!(story(&world), @r#"
    interface 2 of billing: keeps 2
    pool p: 1 associated, 0 spare, 0 short
    warning: address 198.51.100.1 (`eipalloc-00000001`) is still on `eni-00000001`, in use by `billing:1`, `billing:3` alone
    warning: address 198.51.100.3 (`eipalloc-00000003`) is still on `eni-00000003`, in use by `billing:2` alone
    warning: versions 1, 2, 3 of `billing` hold 2 interfaces that `billing` does not cover; hint: declare them, as by `versions = "all"`, or delete them, and Lambda removes their interfaces
    "#);
    let held: Vec<_> = world.plan().held.into_iter().map(|held| held.network_interface_id).collect();
    assert_eq!(held, [eni(1), eni(3)]);
    let bare = published().configure("billing", |shown| shown.versions.clear());
    assert_eq!(bare.verdicts(), ["2 keeps 2"]);
    assert_eq!(objections(&bare, 1, 1, &["billing"]), [Objection::Unused]);
}

#[test]
fn a_version_counts_though_latest_left_the_vpc_or_runs_on_a_capacity_provider() {
    let world = published().configure("billing", |shown| shown.vpc = None);
    assert!(world.verdicts()[0].starts_with("1 gets"), "{:?}", world.verdicts());
    let provider = published().configure("billing", |shown| shown.on_capacity_provider = true);
    assert!(provider.verdicts()[0].starts_with("1 gets"), "{:?}", provider.verdicts());
    for world in [world, provider] {
        assert_eq!(objections(&world, 1, 1, &["billing"]), []);
        assert_eq!(objections(&world, 1, 2, &["billing"])[..1], [Objection::Carries(Some(super::alloc(2)))]);
    }
}

#[test]
fn a_conflict_names_both_functions_with_their_pools_also_through_versions() {
    let world = published().pool("q", &[9], 0).function("reports", "q", &[1], &[1]);
    insta::assert_snapshot!(story(&world), @r"
    interface 1 of billing and reports: shared by `billing` (by version 3; pool `p`), `reports` (pool `q`), whose addresses have none in common; hint: give them one pool or separate security groups
    interface 2 of billing: keeps 2
    pool p: 1 associated, 2 spare, 0 short
    pool q: 0 associated, 1 spare, 0 short
    ");
}

/// `billing` alone in subnet 1; in subnet 2 the undeclared `legacy` and a version of `scratch` use its interface too.
fn accompanied() -> World {
    let mut listed =
        vec![("billing", &[1, 2][..], &[1][..]), ("legacy", &[2], &[1]), ("legacy:4", &[2], &[1])];
    listed.extend([("scratch", &[5][..], &[1][..]), ("scratch:2", &[2], &[1])]);
    World::new()
        .pool("p", &[1, 2, 3], 0)
        .function("billing", "p", &[1, 2], &[1])
        .listed(&listed)
        .eni(1, 1, &[1])
        .eni(2, 2, &[1])
}

#[test]
fn bystanders_are_reported_and_leave_from_the_address() {
    insta::assert_snapshot!(story(&accompanied()), @r"
    interface 1 of billing: gets 3 (bare)
    interface 2 of billing: gets 2 (bare)
    pool p: 0 associated, 3 spare, 0 short
    warning: `legacy`, `scratch:2` are not declared and use interfaces that pool `p` serves, so they may leave from its addresses; hint: declare them, or move one side to other security groups
    ");
    assert_eq!(accompanied().plan().pools[&pool("p")].bystanders, 2);
}

#[test]
fn where_bystanders_are_denied_a_bare_interface_stays_bare() {
    let world = accompanied().denies("p");
    insta::assert_snapshot!(story(&world), @r"
    interface 1 of billing: gets 3 (bare)
    interface 2 of billing: used by `legacy`, `scratch:2` too, not declared, and its pool denies bystanders; hint: declare them, or move one side to other security groups
    pool p: 0 associated, 3 spare, 0 short
    warning: `legacy`, `scratch:2` are not declared and use interfaces that pool `p` serves; bare ones stay bare for it, and they may leave from addresses that are there already; hint: declare them, or move one side to other security groups
    ");
    let legacy = "legacy".parse().expect("well-formed");
    let told = objections(&world, 1, 2, &["billing"]);
    assert!(
        matches!(&told[..], [Objection::Bystander(one)] if one.name() == "scratch" || *one == legacy),
        "{told:?}"
    );
    assert_eq!(objections(&world, 1, 1, &["billing"]), []);
}

#[test]
fn what_is_there_already_is_never_taken_off_for_bystanders() {
    let world = accompanied().denies("p").on(2, 2);
    assert_eq!(world.verdicts(), ["1 gets 3", "2 keeps 2"]);
    assert_eq!(world.warnings(), ["bystanders"]);
}

#[test]
fn where_bystanders_are_denied_nothing_is_given_before_it_is_known_who_there_is() {
    let mut world = accompanied().denies("p");
    world.observed.roster = None;
    insta::assert_snapshot!(story(&world), @r"
    interface 1 of billing: its pool denies bystanders, and who uses it is not known until all versions are listed
    interface 2 of billing: its pool denies bystanders, and who uses it is not known until all versions are listed
    pool p: 0 associated, 3 spare, 0 short
    warning: the versions of all functions are not known, so nothing is covered for published ones: they are still being listed
    ");
    assert_eq!(objections(&world, 1, 1, &["billing"]), [Objection::BystandersUnknown]);
    let mut reported = accompanied();
    reported.observed.roster = None;
    assert_eq!(reported.verdicts(), ["1 gets 3", "2 gets 2"]);
    assert_eq!(reported.warnings(), ["versions_unknown"]);
}

#[test]
fn one_pool_that_denies_is_enough_where_functions_share_an_interface() {
    let world = accompanied().pool("q", &[1, 2], 0).denies("q").function("reports", "q", &[2], &[1]);
    assert_eq!(world.verdicts(), ["1 gets 3", "2 lacks: bystanders"]);
    assert!(matches!(objections(&world, 1, 2, &["billing", "reports"])[..], [Objection::Bystander(_)]));
}

#[test]
fn a_version_of_a_declared_function_is_no_bystander() {
    let listed: &[(&str, &[u32], &[u32])] = &[
        ("billing", &[1], &[1]),
        ("billing:1", &[1], &[1]),
        ("reports", &[2], &[1]),
        ("reports:8", &[1], &[1]),
    ];
    let world = World::new()
        .pool("p", &[1, 2], 0)
        .function("billing", "p", &[1], &[1])
        .function("reports:live", "p", &[2], &[1])
        .listed(listed)
        .denies("p")
        .eni(1, 1, &[1])
        .eni(2, 2, &[1])
        .on(2, 2);
    assert_eq!(world.verdicts(), ["1 gets 1", "2 keeps 2"]);
    assert_eq!(world.warnings(), [""; 0]);
}

#[test]
fn a_list_that_could_not_be_made_anew_is_told_and_used() {
    let mut world = accompanied().denies("p");
    world.observed.roster_trouble = Some("lambda:ListFunctions failed".to_owned());
    assert_eq!(world.verdicts(), ["1 gets 3", "2 lacks: bystanders"]);
    assert_eq!(world.warnings(), ["bystanders", "versions_stale"]);
}

#[test]
fn overflow_is_counted_by_pair_and_each_interface_gets_its_own_address() {
    let world = World::new()
        .pool("p", &[1, 2, 3, 4, 5], 1)
        .function("billing", "p", &[1, 2], &[1])
        .function("reports", "p", &[2], &[1])
        .eni(1, 1, &[1])
        .eni(2, 2, &[1])
        .eni(3, 2, &[1])
        .eni(4, 2, &[1])
        .eni(5, 2, &[1])
        .waiting(5);
    insta::assert_snapshot!(story(&world), @r"
    interface 1 of billing: gets 4 (bare)
    interface 2 of billing and reports: gets 5 (bare)
    interface 3 of billing and reports: gets 2 (bare)
    interface 4 of billing and reports: gets 3 (bare)
    interface 5 of billing and reports, not serving yet: does not serve yet, and the spare addresses of pool `p` are kept for those that do
    pool p: 0 associated, 5 spare, 0 short
    ");
    let crowds = world.plan().crowds;
    let told: Vec<_> = crowds.iter().map(|crowd| (&crowd.pair.subnet, crowd.network_interfaces)).collect();
    assert_eq!(told, [(&super::subnet(2), 3)]);
    assert_eq!(world.plan().pools[&pool("p")].overflow, 2);
}

#[test]
fn a_function_with_many_other_versions_is_told_in_one_line() {
    let names: Vec<String> = (1..=9).map(|n| format!("billing:{n}")).collect();
    let listed: Vec<(&str, &[u32], &[u32])> =
        names.iter().map(|name| (&**name, &[3][..], &[1][..])).collect();
    let known = FunctionObservation::Known(configuration(Some(vpc(&[1], &[1]))));
    let world = World::new()
        .pool("p", &[1], 0)
        .function_as("billing", "p", known)
        .listed(&listed)
        .eni(1, 1, &[1])
        .on(1, 1)
        .eni(3, 3, &[1]);
    insta::assert_snapshot!(story(&world), @r#"
    interface 1 of billing: keeps 1
    pool p: 1 associated, 0 spare, 0 short
    warning: versions 1, 2, 3, 4, 5 and 4 more of `billing` hold 1 interface that `billing` does not cover; hint: declare them, as by `versions = "all"`, or delete them, and Lambda removes their interfaces
    "#);
}
