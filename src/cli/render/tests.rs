//! What `plan` and `apply` say of reports made by hand.

use super::fixtures::{POOL, Scene, allocation, ip};
use super::*;
use crate::domain::action::Outcome;
use crate::domain::declared::AddressName;
use crate::domain::occupancy::Carried;
use crate::domain::plan::PoolFigures;
use crate::domain::priority::Priority;
use crate::domain::reason::{Precedence, Reason, WarningKind};

fn bare(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

fn planned(reports: &[Report]) -> String {
    bare(&plan(reports, Detail::Changes))
}

fn pool(associated: usize, spare: usize) -> PoolFigures {
    PoolFigures { associated, spare, ..PoolFigures::default() }
}

#[test]
fn a_plan_reads_like_a_diff() {
    let stray = Carried { allocation_id: Some(allocation(99)), public_ip: Some(ip(99)) };
    let report = Scene::new()
        .keeps(1, 1, &["billing", "reports", "zebra"])
        .gets(2, 1, &["billing", "reports", "zebra"], Outcome::Planned)
        .without(3, 2, &["billing"])
        .without(4, 2, &["billing"])
        .uncovered(5, 3, &["exports"], Reason::WrongAddress { carried: vec![stray], declared_in: None })
        .waits(6, 3, &["exports"], Reason::SpareHeldBack(POOL.parse().expect("a name")))
        .waits(7, 3, &["exports"], Reason::AddressMissing(vec![AddressName::Allocation(allocation(7))]))
        .upcoming(8, 3, &["exports"])
        .pool(POOL, PoolFigures { missing: 1, shortfall: 2, ..pool(4, 2) })
        .warning(
            WarningKind::AddressMissing,
            "address `eipalloc-00000000000000007` does not exist in this account and region; hint: check the id",
        )
        .warning(
            WarningKind::FunctionNotInVpc,
            "function `mailer` is not in a VPC, so it leaves from addresses of AWS; hint: give it a VpcConfig",
        )
        .unservable("mailer")
        .report();
    insta::assert_snapshot!(planned(&[report]));
}

#[test]
fn no_address_helps_where_a_subnet_leads_nowhere() {
    let scene = |outcome| {
        Scene::new()
            .keeps(1, 1, &["billing"])
            .keeps(2, 2, &["billing"])
            .at_a_dead_end()
            .gets(3, 2, &["billing"], outcome)
            .at_a_dead_end()
            .without(4, 2, &["billing"])
            .at_a_dead_end()
            .pool(POOL, pool(2, 1))
            .report()
    };
    let done = bare(&apply(&[scene(Outcome::Done)], Detail::Changes));
    insta::assert_snapshot!(format!("{}---\n{done}", planned(&[scene(Outcome::Planned)])));
}

#[test]
fn who_was_served_first_is_told_where_addresses_are_short() {
    let short = |function: &str, priority, over| Reason::NoFreeAddress {
        pool: POOL.parse().expect("a name"),
        candidates: 2,
        associated: 1,
        lingering: 0,
        served_first: Some(std::sync::Arc::new(Precedence {
            function: function.parse().expect("a name"),
            priority: Priority::new(priority).expect("within the bounds"),
            over: Priority::new(over).expect("within the bounds"),
        })),
    };
    let report = Scene::new()
        .gets(1, 1, &["billing"], Outcome::Planned)
        .uncovered(2, 2, &["reports"], short("billing", 10, 0))
        .waits(3, 2, &["reports"], short("exports", 0, -10))
        .pool(POOL, PoolFigures { shortfall: 1, ..pool(1, 1) })
        .report();
    insta::assert_snapshot!(planned(&[report]), @r"
    billing (pool partner-a)
      subnet-00000000000000001 (eu-west-1b)
        + eni-00000000000000001 gets  198.18.0.1 (eipalloc-00000000000000001): carries no address

    reports (pool partner-a)
      subnet-00000000000000002 (eu-west-1c)
        ! eni-00000000000000002 stays without: no free address: of the 2 that pool `partner-a` has for it, 1 is in use, 1 cannot be had for now; `billing` is served first, by priority 10 over 0
        ~ eni-00000000000000003 not serving yet: no free address: of the 2 that pool `partner-a` has for it, 1 is in use, 1 cannot be had for now; `exports` is served first, by priority 0 over -10
          hint: add an allocation to the pool

    pool partner-a: 1 associated, 1 spare, short of 1

    2 interfaces: 0 covered, 1 to be given an address, 1 without; 1 more not serving yet
    ");
}

#[test]
fn a_plan_with_nothing_to_do_is_one_line_and_the_counts() {
    let scene = || Scene::new().keeps(1, 1, &["billing"]).keeps(2, 2, &["billing"]).pool(POOL, pool(2, 1));
    insta::assert_snapshot!(planned(&[scene().report()]));
    insta::assert_snapshot!("nothing_to_do_in_full", bare(&plan(&[scene().report()], Detail::Everything)));
}

#[test]
fn a_plan_without_any_interface_says_so() {
    insta::assert_snapshot!(planned(&[Scene::new().pool(POOL, pool(0, 3)).report()]));
}

#[test]
fn targets_are_named_when_there_are_several() {
    let quiet = Scene::named("prod-us").keeps(1, 1, &["billing"]).pool(POOL, pool(1, 0)).report();
    let drifting = Scene::named("prod-eu").gets(2, 1, &["billing"], Outcome::Planned).pool(POOL, pool(0, 1));
    insta::assert_snapshot!(planned(&[drifting.report(), quiet]));
}

#[test]
fn what_was_not_seen_is_said_once_and_the_figures_are_doubted() {
    let gap = "ec2:DescribeAddresses of the region failed: access denied; hint: grant ec2:DescribeAddresses";
    let report = Scene::new()
        .keeps(1, 1, &["billing"])
        .uncovered(2, 2, &["billing"], Reason::ObservationIncomplete)
        .pool(POOL, PoolFigures { unknown: 2, ..pool(1, 0) })
        .warning(WarningKind::ObservationIncomplete, gap)
        .failure(gap)
        .result(PassResult::Incomplete);
    let failed = Scene::named("prod-us")
        .failure("sts:GetCallerIdentity of the region failed: no credentials; hint: set AWS_PROFILE")
        .result(PassResult::Failed);
    insta::assert_snapshot!(planned(&[report.report(), failed.report()]));
}

#[test]
fn a_refused_plan_is_told_as_a_defect() {
    let report = Scene::new()
        .gets(1, 1, &["billing"], Outcome::Planned)
        .failure("the audit refused the plan: `eni-00000000000000001` is not ours")
        .result(PassResult::Refused);
    insta::assert_snapshot!(planned(&[report.report()]));
}

#[test]
fn two_settings_of_one_function_are_told_apart_by_their_security_groups() {
    let report = Scene::new()
        .keeps(1, 1, &["billing"])
        .gets(2, 1, &["billing"], Outcome::Planned)
        .in_group(0xb)
        .pool(POOL, pool(1, 1));
    insta::assert_snapshot!(planned(&[report.report()]));
}

#[test]
fn what_is_swapped_is_told_by_both_public_addresses() {
    let scene = |outcome| Scene::new().swaps(1, 1, &["billing"], outcome).pool(POOL, pool(0, 1)).report();
    for (outcome, wanted) in [
        (Outcome::Planned, "swaps 198.18.0.101 (eipalloc-00000000000000065) for 198.18.0.1 ("),
        (Outcome::Done, "swapped 198.18.0.101 (eipalloc-00000000000000065) for 198.18.0.1 ("),
        (Outcome::Failed, "198.18.0.101 (eipalloc-00000000000000065) was not swapped for 198.18.0.1 ("),
    ] {
        let told = bare(&apply(&[scene(outcome)], Detail::Changes));
        assert!(told.contains(wanted), "{told}");
    }
}

#[test]
fn apply_says_what_became_of_each_action() {
    let report = Scene::new()
        .keeps(1, 1, &["billing"])
        .gets(2, 1, &["billing"], Outcome::Done)
        .gets(3, 2, &["billing"], Outcome::Failed)
        .gets(4, 2, &["billing"], Outcome::Failed)
        .gets(5, 2, &["billing"], Outcome::Skipped)
        .pool(POOL, pool(1, 4))
        .result(PassResult::Incomplete);
    insta::assert_snapshot!(bare(&apply(&[report.report()], Detail::Changes)));
}

#[test]
fn apply_in_observe_mode_says_that_nothing_was_changed() {
    let report =
        Scene::new().gets(1, 1, &["billing"], Outcome::Planned).pool(POOL, pool(0, 1)).observe_only();
    insta::assert_snapshot!(bare(&apply(&[report.report()], Detail::Changes)));
}

#[test]
fn apply_with_nothing_to_do_says_how_long_it_took() {
    let report = Scene::new().keeps(1, 1, &["billing"]).pool(POOL, pool(1, 1));
    insta::assert_snapshot!(bare(&apply(&[report.report()], Detail::Changes)));
}

fn wide() -> Report {
    let names: Vec<String> = (0..250).map(|n| format!("function-{n:03}")).collect();
    let mut scene = Scene::new();
    for n in 0..10_000 {
        let function = &names[n / 40];
        let subnet = n / 40 * 16 + n % 16;
        scene = match n {
            1_234 => scene.gets(n, subnet, &[function], Outcome::Planned),
            5_678 | 5_694 => scene.without(n, subnet, &[function]),
            _ => scene.keeps(n, subnet, &[function, "reports"]),
        };
    }
    for name in &names {
        scene = scene.pool(name, pool(40, 2));
    }
    scene.pool(POOL, PoolFigures { shortfall: 2, ..pool(1, 0) }).report()
}

#[test]
fn a_wide_estate_shows_what_changes_and_counts_the_rest() {
    insta::assert_snapshot!(planned(&[wide()]));
}

#[test]
fn a_wide_estate_in_full_names_every_interface() {
    let text = bare(&plan(&[wide()], Detail::Everything));
    let lines = text.lines().filter(|line| line.contains(" eni-"));
    assert_eq!(lines.count(), 10_000);
}

#[test]
fn marks_are_coloured_and_mean_the_same_without_colour() {
    let report = Scene::new().gets(1, 1, &["billing"], Outcome::Planned).without(2, 1, &["billing"]).report();
    let styled = plan(std::slice::from_ref(&report), Detail::Changes);
    assert!(styled.contains("\u{1b}[32m+\u{1b}[0m eni-") && styled.contains("\u{1b}[31m!\u{1b}[0m eni-"));
    let bare = bare(&styled);
    assert!(bare.contains("    + eni-") && bare.contains("    ! eni-"));
}
