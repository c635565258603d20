//! Wrong addresses, and what has left the file, as an operator would read it.

use super::{estate, story};
use crate::domain::function::LastUpdate;
use crate::domain::policy::OnRemoved;
use crate::domain::scenario::{World, alloc, allocations, eni, pool};

/// A stray hand put an address of another pool on interface 3, which `billing` and `reports` share.
fn wrong() -> World {
    estate().pool("partner-b", &[9], 0).eni(3, 2, &[1]).on(9, 3)
}

#[test]
fn an_address_of_another_pool() {
    insta::assert_snapshot!(story(&wrong()), @r"
    interface 1 of billing: keeps 1
    interface 2 of billing and reports: keeps 2
    interface 3 of billing and reports: carries 198.51.100.9 (`eipalloc-00000009`), which belongs to pool `partner-b`
    interface 3 loses 9 for 3 (wrong)
    pool partner-a: 2 associated, 2 spare, 0 short
    pool partner-b: 1 associated, 0 spare, 0 short
    ");
}

#[test]
fn an_address_of_another_pool_while_an_update_is_under_way() {
    let world = wrong().configure("reports", |shown| shown.last_update = Some(LastUpdate::InProgress));
    insta::assert_snapshot!(story(&world), @r"
    interface 1 of billing: keeps 1
    interface 2 of billing and reports: keeps 2
    interface 3 of billing and reports: carries 198.51.100.9 (`eipalloc-00000009`), which belongs to pool `partner-b`
    pool partner-a: 2 associated, 2 spare, 0 short
    pool partner-b: 1 associated, 0 spare, 0 short
    ");
}

#[test]
fn an_address_of_another_pool_and_none_free() {
    let world = wrong().without_address(3).without_address(4);
    insta::assert_snapshot!(story(&world), @r"
    interface 1 of billing: keeps 1
    interface 2 of billing and reports: keeps 2
    interface 3 of billing and reports: carries 198.51.100.9 (`eipalloc-00000009`), which belongs to pool `partner-b`
    pool partner-a: 2 associated, 0 spare, 1 short
    pool partner-b: 1 associated, 0 spare, 0 short
    warning: address `eipalloc-00000003` does not exist in this account and region; hint: check the id and the target
    warning: address `eipalloc-00000004` does not exist in this account and region; hint: check the id and the target
    warning: pool `partner-a` has 0 spare of the 1 wanted; hint: add an address to it
    ");
}

#[test]
fn an_address_that_nobody_declares_and_then_an_operator_names_its_interface() {
    let mut world = estate().eni(3, 2, &[1]).interface_says(3, 99);
    insta::assert_snapshot!(story(&world), @r"
    interface 1 of billing: keeps 1
    interface 2 of billing and reports: keeps 2
    interface 3 of billing and reports: carries 198.51.100.99 (`eipalloc-00000063`), which no pool declares
    pool partner-a: 2 associated, 2 spare, 0 short
    ");
    world.observed.leave.named.interfaces.insert(eni(3));
    insta::assert_snapshot!(story(&world), @r"
    interface 1 of billing: keeps 1
    interface 2 of billing and reports: keeps 2
    interface 3 of billing and reports: carries 198.51.100.99 (`eipalloc-00000063`), which no pool declares
    interface 3 loses 99 for 3 (named)
    pool partner-a: 2 associated, 2 spare, 0 short
    ");
}

/// Address 2 has left the file, and `archive` with it, whose interface carries 4.
fn removed(on_removed: OnRemoved) -> World {
    let mut world = estate().eni(9, 9, &[9]).on(4, 9);
    let kept = allocations(&[1, 3, 4]);
    world.desired.pools.get_mut(&pool("partner-a")).expect("declared").allocations = kept;
    world.observed.leave.on_removed = on_removed;
    world.observed.leave.former.insert(alloc(2));
    world
}

#[test]
fn what_has_left_the_file_and_is_kept() {
    insta::assert_snapshot!(story(&removed(OnRemoved::Keep)), @r#"
    interface 1 of billing: keeps 1
    interface 2 of billing and reports: carries 198.51.100.2 (`eipalloc-00000002`), which no pool declares
    pool partner-a: 1 associated, 1 spare, 0 short
    warning: address 198.51.100.4 (`eipalloc-00000004`) is still on `eni-00000009`, which no declared function uses
    warning: address 198.51.100.2 (`eipalloc-00000002`) has left the configuration and is still on `eni-00000002`; hint: `eipd` leaves it there unless `safety.on_removed` is "disassociate"
    "#);
}

#[test]
fn what_has_left_the_file_and_is_taken_off() {
    let mut world = removed(OnRemoved::Disassociate);
    world.observed.leave.unneeded.insert(alloc(4), eni(9));
    insta::assert_snapshot!(story(&world), @r"
    interface 1 of billing: keeps 1
    interface 2 of billing and reports: carries 198.51.100.2 (`eipalloc-00000002`), which no pool declares
    interface 2 loses 2 for 3 (removed)
    interface 9 loses 4 (removed)
    pool partner-a: 1 associated, 1 spare, 1 short
    warning: address 198.51.100.4 (`eipalloc-00000004`) is still on `eni-00000009`, which no declared function uses
    warning: address 198.51.100.2 (`eipalloc-00000002`) has left the configuration and is still on `eni-00000002`
    ");
}
