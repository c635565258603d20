//! Each change of state is told once, recovery and restart included; what could not be seen is no change; and a flood
//! is summed up.

use super::reports::{
    Having, association, contested, disassociation, eni, id, no_free_address, outside, pass,
};
use crate::domain::action::{ActionKind, Outcome};
use crate::domain::observed::InterfaceStatus;
use crate::domain::policy::DisruptionBudget;
use crate::domain::reason::Reason;
use crate::domain::report::{Breaker, PassResult, Report};
use crate::events::detector::{Detector, ONE_BY_ONE_MAX};
use crate::events::notification::Change;

/// What is told of a report, in short.
fn told(detector: &mut Detector, report: &Report) -> Vec<String> {
    detector.report(report).iter().map(short).collect()
}

fn short(change: &Change) -> String {
    match change {
        Change::AddressAssociated { network_interface_id, .. } => {
            format!("associated {network_interface_id}")
        }
        Change::AddressDisassociated { network_interface_id, reason, .. } => {
            format!("disassociated {network_interface_id} {reason}")
        }
        Change::NetworkInterfaceUncovered { network_interface_id, reason, .. } => {
            format!("uncovered {network_interface_id} {reason}")
        }
        Change::NetworkInterfaceRecovered { network_interface_id, outcome } => {
            format!("recovered {network_interface_id} {}", outcome.as_str())
        }
        Change::FunctionUnservable { function, reason, .. } => format!("unservable {function} {reason}"),
        Change::FunctionRecovered { function } => format!("servable {function}"),
        Change::PoolExhausted { pool, waiting, shortfall } => {
            format!("exhausted {pool} {waiting} {shortfall}")
        }
        Change::PoolRecovered { pool } => format!("replenished {pool}"),
        Change::AddressContested { allocation_id, times, contested_by, .. } => {
            format!("contested {allocation_id} {times} {}", contested_by.as_deref().unwrap_or("somebody"))
        }
        Change::AddressContestEnded { allocation_id } => format!("left alone {allocation_id}"),
        Change::BreakerOpened { planned, allowed, .. } => format!("breaker opened: {planned} for {allowed}"),
        Change::BreakerClosed {} => "breaker closed".to_owned(),
        Change::NotificationsSummarised { summarised_kind, count, by_reason } => {
            format!("{count} more {summarised_kind} {by_reason:?}")
        }
    }
}

fn nothing() -> Vec<String> {
    Vec::new()
}

#[test]
fn uncovered_and_exhausted_are_told_once_and_so_is_their_end() {
    let mut detector = Detector::default();
    assert_eq!(told(&mut detector, &pass(1).covered(1..=3)), nothing());
    let short_of_one = |n| pass(n).covered(1..=2).uncovered([3], &no_free_address());
    let (one, pool) = (format!("uncovered {} no_free_address", eni(3)), "exhausted partner-a 1 1".to_owned());
    assert_eq!(told(&mut detector, &short_of_one(2)), [pool.clone(), one.clone()]);
    for n in 3..100 {
        assert_eq!(told(&mut detector, &short_of_one(n)), nothing(), "not once for each pass");
    }
    let other = Reason::ActionFailed("denied".to_owned());
    let now_refused = pass(100).covered(1..=2).uncovered([3], &other);
    assert_eq!(
        told(&mut detector, &now_refused),
        ["replenished partner-a"],
        "still uncovered, for another reason"
    );
    let back = pass(101).covered(1..=3);
    assert_eq!(told(&mut detector, &back), [format!("recovered {} covered", eni(3))]);
    assert_eq!(told(&mut detector, &back), nothing());
    assert_eq!(told(&mut detector, &short_of_one(102)), [pool, one], "a new change of state");
}

#[test]
fn a_new_process_tells_what_it_finds_once() {
    let short_of_two = pass(1).covered([1]).uncovered([2, 3], &no_free_address());
    for _ in 0..2 {
        let mut detector = Detector::default();
        assert_eq!(told(&mut detector, &short_of_two).len(), 3);
        assert_eq!(told(&mut detector, &short_of_two), nothing());
    }
}

#[test]
fn what_a_pass_could_not_see_is_no_change() {
    let mut detector = Detector::default();
    told(&mut detector, &pass(1).covered([1]).uncovered([2], &no_free_address()));
    for unseen in [
        pass(2).having(|report| report.result = PassResult::Failed),
        pass(2).blind(),
        pass(2).blind().uncovered([1, 2], &Reason::ObservationIncomplete),
        pass(2).uncovered([1, 2], &Reason::Settling(id("eipalloc-0a1b2c3d"), None)),
    ] {
        assert_eq!(told(&mut detector, &unseen), nothing(), "{unseen:?}");
    }
    assert_eq!(told(&mut detector, &pass(3).covered([1]).uncovered([2], &no_free_address())), nothing());
    let all = pass(4).covered([1, 2]);
    assert_eq!(told(&mut detector, &all).len(), 2);
}

#[test]
fn an_interface_that_is_gone_or_serves_no_more_is_obsolete() {
    let mut detector = Detector::default();
    told(&mut detector, &pass(1).uncovered([1, 2], &no_free_address()));
    let idle =
        pass(2).covered([1]).having(|report| report.plan.interfaces[0].status = InterfaceStatus::Detaching);
    let ends = [eni(1), eni(2)].map(|eni| format!("recovered {eni} obsolete"));
    assert_eq!(
        told(&mut detector, &idle),
        [ends.to_vec(), vec!["replenished partner-a".to_owned()]].concat()
    );
}

#[test]
fn a_pool_that_left_the_file_is_not_told_of() {
    let mut detector = Detector::default();
    told(&mut detector, &pass(1).uncovered([1], &no_free_address()));
    let without = pass(2).having(|report| report.plan.pools.clear());
    assert_eq!(told(&mut detector, &without), [format!("recovered {} obsolete", eni(1))]);
}

#[test]
fn a_function_that_can_have_no_address_is_told_once_and_so_is_its_end() {
    let mut detector = Detector::default();
    let declared = |n| pass(n).declaring(&["billing", "mailer"]);
    let without = |n| declared(n).having(|report| report.unservable = vec![outside("billing")]);
    assert_eq!(told(&mut detector, &declared(1)), nothing());
    assert_eq!(told(&mut detector, &without(2)), ["unservable billing function_not_in_vpc"]);
    for n in 3..9 {
        assert_eq!(told(&mut detector, &without(n)), nothing(), "not once for each pass");
    }
    assert_eq!(told(&mut detector, &declared(9).blind()), nothing(), "it could not be read");
    assert_eq!(told(&mut detector, &declared(10)), ["servable billing"]);
    assert_eq!(told(&mut detector, &without(11)), ["unservable billing function_not_in_vpc"]);
    assert_eq!(told(&mut detector, &pass(12).declaring(&["mailer"])), nothing(), "it left the file");
}

#[test]
fn targets_are_told_apart() {
    let mut detector = Detector::default();
    let there = |n| pass(n).uncovered([1], &no_free_address());
    let elsewhere = |n| there(n).having(|report| report.target = id("prod-us"));
    assert_eq!((told(&mut detector, &there(1)).len(), told(&mut detector, &elsewhere(1)).len()), (2, 2));
    assert_eq!((told(&mut detector, &there(2)).len(), told(&mut detector, &elsewhere(2)).len()), (0, 0));
}

#[test]
fn only_confirmed_associations_are_told() {
    let mut detector = Detector::default();
    let target = pass(1).target;
    for outcome in [Outcome::Planned, Outcome::Failed, Outcome::Skipped] {
        assert_eq!(detector.action(&target, 1, &association(1, outcome)), None);
    }
    let change = detector.action(&target, 1, &association(1, Outcome::Done)).expect("it is news");
    assert_eq!(short(&change), format!("associated {}", eni(1)));
    let after = pass(1).covered([1]).having(|report| report.actions.push(association(1, Outcome::Done)));
    assert_eq!(told(&mut detector, &after), nothing(), "it was told when it was made");
}

#[test]
fn a_move_from_a_retired_interface_is_told_as_an_association_with_its_source() {
    let mut detector = Detector::default();
    let mut report = association(1, Outcome::Done);
    report.action.kind = ActionKind::Move;
    report.action.from = Some(id(&eni(9)));
    let change = detector.action(&pass(1).target, 1, &report);
    let Some(Change::AddressAssociated { taken_from, .. }) = change else { panic!("{change:?}") };
    assert_eq!(taken_from, Some(id(&eni(9))));
}

#[test]
fn a_replacement_is_told_as_an_association_with_what_made_room() {
    let mut detector = Detector::default();
    let mut report = association(1, Outcome::Done);
    report.action.kind = ActionKind::Replace;
    report.action.replaces = Some(id("eipalloc-0a1b2c3d"));
    let change = detector.action(&pass(1).target, 1, &report);
    let Some(Change::AddressAssociated { replaces, .. }) = change else { panic!("{change:?}") };
    assert_eq!(replaces, Some(id("eipalloc-0a1b2c3d")));
}

#[test]
fn an_address_that_was_taken_off_is_told_once_that_is_confirmed() {
    let mut detector = Detector::default();
    let target = pass(1).target;
    for outcome in [Outcome::Planned, Outcome::Failed, Outcome::Skipped] {
        assert_eq!(detector.action(&target, 1, &disassociation(1, outcome)), None);
    }
    let mut by_another = disassociation(1, Outcome::Done);
    by_another.found_done = true;
    assert_eq!(detector.action(&target, 1, &by_another), None);
    let change = detector.action(&target, 1, &disassociation(1, Outcome::Done)).expect("it is news");
    assert_eq!(short(&change), format!("disassociated {} removed", eni(1)));
    let after = pass(1).covered([]).having(|report| report.actions.push(disassociation(1, Outcome::Done)));
    assert_eq!(told(&mut detector, &after), nothing(), "it was told when it was done");
    let many = (1..=50).filter_map(|n| detector.action(&target, 2, &disassociation(n, Outcome::Done)));
    assert_eq!(many.count(), ONE_BY_ONE_MAX);
    assert!(detector.action(&target, 2, &association(51, Outcome::Done)).is_some(), "of another kind");
    assert_eq!(told(&mut detector, &pass(2)), ["30 more address_disassociated {\"removed\": 30}"]);
}

#[test]
fn a_contest_is_told_when_it_begins_and_when_it_ends() {
    let mut detector = Detector::default();
    let fought = |n| pass(n).covered([1]).having(|report| report.contested = vec![contested(1)]);
    let told_of =
        format!("contested {} 3 arn:aws:iam::111122223333:user/somebody", "eipalloc-00000000000000001");
    assert_eq!(told(&mut detector, &fought(1)), [told_of]);
    for n in 2..9 {
        assert_eq!(told(&mut detector, &fought(n)), nothing(), "not once for each pass");
    }
    assert_eq!(told(&mut detector, &pass(9).covered([1])), ["left alone eipalloc-00000000000000001"]);
    assert_eq!(told(&mut detector, &pass(10).covered([1])), nothing());
}

#[test]
fn disruptions_that_are_held_back_are_told_once_and_so_is_their_end() {
    let mut detector = Detector::default();
    let held_back = |n: u64, planned: usize| {
        let breaker = Breaker { planned, removals: 0, in_last_hour: 0, limits: DisruptionBudget::default() };
        pass(n).covered([1]).having(|report| report.breaker = Some(breaker))
    };
    assert_eq!(told(&mut detector, &held_back(1, 12)), ["breaker opened: 12 for 5"]);
    for (n, planned) in (2..9).zip(9..) {
        assert_eq!(told(&mut detector, &held_back(n, planned)), nothing(), "not once for each pass");
    }
    assert_eq!(told(&mut detector, &pass(9).covered([1])), ["breaker closed"]);
    assert_eq!(told(&mut detector, &pass(10).covered([1])), nothing());
}

#[test]
fn a_flood_is_told_in_part_and_summed_up() {
    let mut detector = Detector::default();
    let target = pass(1).target;
    let thousands = pass(1).uncovered(1..=5000, &no_free_address());
    let news = told(&mut detector, &thousands);
    assert_eq!(news.len(), 1 + ONE_BY_ONE_MAX + 1);
    assert_eq!(news[0], "exhausted partner-a 5000 5000");
    assert_eq!(
        news.last().map(String::as_str),
        Some("4980 more network_interface_uncovered {\"no_free_address\": 4980}")
    );
    assert_eq!(told(&mut detector, &thousands), nothing());
    let associated = (1..=5000).filter_map(|n| detector.action(&target, 2, &association(n, Outcome::Done)));
    assert_eq!(associated.count(), ONE_BY_ONE_MAX);
    let news = told(&mut detector, &pass(2).covered(1..=5000));
    assert_eq!(news.len(), 1 + ONE_BY_ONE_MAX + 1 + 1);
    assert_eq!(news[0], "4980 more address_associated {\"bare\": 4980}");
    assert_eq!(news[ONE_BY_ONE_MAX + 1], "4980 more network_interface_recovered {\"covered\": 4980}");
    assert!(detector.action(&target, 3, &association(1, Outcome::Done)).is_some(), "a pass of its own");
}
