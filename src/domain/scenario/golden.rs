//! Whole plans as an operator would read them, for a few days in the life of one small estate.

use std::fmt::Write as _;

mod disruption;
mod unserved;

use super::{World, number, vpc};
use crate::domain::action::Action;
use crate::domain::function::LastUpdate;
use crate::domain::ids::AllocationId;
use crate::domain::observed::{InterfaceStatus, Part};
use crate::domain::plan::Verdict;

pub(super) fn story(world: &World) -> String {
    let plan = world.plan();
    let mut text = String::new();
    for interface in &plan.interfaces {
        let functions: Vec<String> = interface.functions.iter().map(ToString::to_string).collect();
        let verdict = match &interface.verdict {
            Verdict::Covered(id, _) => format!("keeps {}", number(id)),
            Verdict::Gets(id, _) => format!("gets {} ({})", number(id), why(&plan.actions, id)),
            Verdict::Uncovered(reason) => reason.to_string(),
        };
        let waits = if interface.status == InterfaceStatus::InUse { "" } else { ", not serving yet" };
        let n = number(&interface.network_interface_id);
        writeln!(text, "interface {n} of {}{waits}: {verdict}", functions.join(" and "))
            .expect("a string takes all");
        if let Some(reason) = interface.no_internet_route() {
            writeln!(text, "  uncovered: {reason}").expect("a string takes all");
        }
    }
    for action in plan.actions.iter().filter(|action| action.takes_off().is_some()) {
        writeln!(text, "{}", disruption(action)).expect("a string takes all");
    }
    for (name, figures) in &plan.pools {
        writeln!(
            text,
            "pool {name}: {} associated, {} spare, {} short",
            figures.associated, figures.spare, figures.shortfall
        )
        .expect("a string takes all");
    }
    for warning in &plan.warnings {
        writeln!(text, "warning: {}", warning.message).expect("a string takes all");
    }
    text
}

fn disruption(action: &Action) -> String {
    let (on, reason) = (number(&action.network_interface_id), action.reason.as_str());
    let address = number(&action.allocation_id);
    match &action.replaces {
        Some(lost) => format!("interface {on} loses {} for {address} ({reason})", number(lost)),
        None => format!("interface {on} loses {address} ({reason})"),
    }
}

fn why(actions: &[Action], id: &AllocationId) -> &'static str {
    let action = actions.iter().find(|action| action.allocation_id == *id);
    action.map_or("no action", |action| action.reason.as_str())
}

/// `billing` in two subnets and `reports`, which shares one of them; four addresses.
fn estate() -> World {
    World::new()
        .pool("partner-a", &[1, 2, 3, 4], 1)
        .function("billing", "partner-a", &[1, 2], &[1])
        .function("reports", "partner-a", &[2], &[1])
        .pin_subnet("billing", 1, &[1])
        .eni(1, 1, &[1])
        .eni(2, 2, &[1])
        .on(1, 1)
        .on(2, 2)
}

#[test]
fn a_quiet_day() {
    insta::assert_snapshot!(story(&estate()), @r"
    interface 1 of billing: keeps 1
    interface 2 of billing and reports: keeps 2
    pool partner-a: 2 associated, 2 spare, 0 short
    ");
}

#[test]
fn an_overflow_interface_beside_a_full_one() {
    let world = estate().eni(3, 2, &[1]);
    insta::assert_snapshot!(story(&world), @r"
    interface 1 of billing: keeps 1
    interface 2 of billing and reports: keeps 2
    interface 3 of billing and reports: gets 3 (bare)
    pool partner-a: 2 associated, 2 spare, 0 short
    ");
}

#[test]
fn a_new_configuration_with_interfaces_that_do_not_serve_yet() {
    let world = estate().eni(3, 1, &[7]).waiting(3).eni(4, 2, &[7]).waiting(4).configure(
        "billing",
        |configuration| {
            configuration.former_vpc = configuration.vpc.replace(vpc(&[1, 2], &[7]));
            configuration.last_update = Some(LastUpdate::InProgress);
        },
    );
    insta::assert_snapshot!(story(&world), @r"
    interface 1 of billing: keeps 1
    interface 2 of billing and reports: keeps 2
    interface 3 of billing, not serving yet: no free address: the only one that pool `partner-a` has for it is in use; hint: add an allocation to the pool
    interface 4 of billing, not serving yet: gets 3 (upcoming)
    pool partner-a: 2 associated, 2 spare, 0 short
    ");
}

#[test]
fn a_stray_hand_and_a_lost_page() {
    let world = estate()
        .pool("partner-b", &[9], 0)
        .with_eni(1, |interface| interface.associations.clear())
        .with_address(1, |address| address.association = None)
        .on(9, 1)
        .eni(3, 2, &[1])
        .without_address(3)
        .without_address(4)
        .gap(Part::Addresses);
    insta::assert_snapshot!(story(&world), @r"
    interface 1 of billing: carries 198.51.100.9 (`eipalloc-00000009`), which belongs to pool `partner-b`
    interface 2 of billing and reports: keeps 2
    interface 3 of billing and reports: its addresses could not be read
    pool partner-a: 1 associated, 1 spare, 0 short
    pool partner-b: 1 associated, 0 spare, 0 short
    warning: Addresses incomplete
    ");
}
