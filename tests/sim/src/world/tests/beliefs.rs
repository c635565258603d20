//! Each belief that the world itself carries out, each way. Those of the wire are tested there.

use super::*;
use crate::beliefs::*;
use crate::world::{Hand, InterfaceStatus, NewFunction, Outcome};

/// A stage with `billing`, its first interface carrying the first of two addresses.
fn covered(beliefs: Beliefs) -> (Stage, String, [String; 2]) {
    let mut stage = stage_with(beliefs).with_billing();
    let interface = stage.interfaces(0, 0)[0].clone();
    let allocations = [stage.world.allocate_address(), stage.world.allocate_address()];
    stage.world.give(&allocations[0], &interface);
    (stage, interface, allocations)
}

#[test]
fn b1_an_address_for_a_busy_interface() {
    use BusyInterface::{RefusedAlways, RefusedUnlessAllowed, Replaces};
    for (busy_interface, allow, replaced) in [
        (Replaces, false, true),
        (Replaces, true, true),
        (RefusedUnlessAllowed, false, false),
        (RefusedUnlessAllowed, true, true),
        (RefusedAlways, false, false),
        (RefusedAlways, true, false),
    ] {
        let (mut stage, interface, [old, new]) = covered(Beliefs { busy_interface, ..Beliefs::default() });
        let result = stage.world.stray_associate(&new, &interface, allow);
        let expected = if replaced { &new } else { &old };
        assert_eq!(
            stage.world.address_of(&interface),
            Some(stage.world.public_ip(expected)),
            "{busy_interface:?}"
        );
        assert_eq!(result.is_ok(), replaced);
        assert!(stage.world.address(&old).expect("it stays allocated").exists());
    }
}

#[test]
fn b2_and_b10_what_lambda_shows_during_and_after_an_update() {
    for (mid_update_view, failed_update_view) in
        [(MidUpdateView::New, FailedUpdateView::Attempted), (MidUpdateView::Old, FailedUpdateView::Old)]
    {
        let beliefs = Beliefs { mid_update_view, failed_update_view, ..Beliefs::default() };
        let mut stage = stage_with(beliefs).with_billing();
        let (old, new) = (stage.config(), stage.other_config());
        let fails = Outcome::Fails("no".to_owned());
        stage.world.update_function_vpc("billing", new.clone(), fails, Some(MINUTE)).expect("accepted");
        let shown = |world: &World| world.shown_config(world.unit("billing").expect("created"));
        let expected = if mid_update_view == MidUpdateView::New { &new } else { &old };
        assert_eq!(shown(&stage.world).as_ref(), Some(expected));
        stage.world.advance_by(MINUTE);
        let expected = if failed_update_view == FailedUpdateView::Attempted { &new } else { &old };
        assert_eq!(shown(&stage.world).as_ref(), Some(expected));
        assert_eq!(stage.world.unit("billing").expect("created").serving_config(), Some(&old));
    }
}

#[test]
fn b3_the_first_status_of_an_interface() {
    for (first_status, status) in [
        (FirstStatus::Pending, InterfaceStatus::Pending),
        (FirstStatus::Available, InterfaceStatus::Available),
        (FirstStatus::InUse, InterfaceStatus::InUse),
    ] {
        let mut stage = stage_with(Beliefs { first_status, ..Beliefs::default() });
        let config = stage.config();
        stage.world.create_function(&NewFunction::new("billing", config));
        assert!(stage.world.interfaces().all(|interface| interface.status() == status));
        let state = stage.world.unit("billing").expect("created").state;
        assert_eq!(state, crate::world::FunctionState::Pending, "whatever the status says");
        stage.world.advance_by(3 * MINUTE);
        assert!(stage.world.interfaces().all(|interface| interface.status() == InterfaceStatus::InUse));
    }
}

#[test]
fn b5_the_same_pair_again() {
    for (same_pair_again, same) in [(SamePairAgain::SameId, true), (SamePairAgain::NewId, false)] {
        let (mut stage, interface, [old, _]) = covered(Beliefs { same_pair_again, ..Beliefs::default() });
        let first = stage.world.stray_associate(&old, &interface, false).expect("it is there already");
        let second = stage.world.stray_associate(&old, &interface, false).expect("it is there already");
        assert_eq!(first == second, same);
        assert_eq!(stage.world.address_of(&interface), Some(stage.world.public_ip(&old)));
    }
}

#[test]
fn b6_an_association_that_does_not_exist() {
    for (unknown_association, expected) in [
        (UnknownAssociation::Succeeds, Ok(false)),
        (UnknownAssociation::NotFound, Err("InvalidAssociationID.NotFound")),
    ] {
        let mut stage = stage_with(Beliefs { unknown_association, ..Beliefs::default() });
        let result = stage.world.disassociate(Hand::Stray, "eipassoc-0123456789abcdef0");
        assert_eq!(result.map_err(|refusal| refusal.code), expected);
    }
}

#[test]
fn b9_an_interface_that_is_deleted_with_an_address() {
    for (delete_with_address, blocked) in
        [(DeleteWithAddress::Releases, false), (DeleteWithAddress::Blocked, true)]
    {
        let (mut stage, interface, [old, _]) = covered(Beliefs { delete_with_address, ..Beliefs::default() });
        stage.world.delete_function("billing");
        stage.world.advance_by(LONG);
        let found = stage.world.interface(&interface).expect("it was there");
        assert_eq!(found.exists(), blocked);
        assert_eq!(stage.world.address(&old).expect("allocated").association().is_some(), blocked);
        if blocked {
            assert_eq!(found.status(), InterfaceStatus::Available);
            stage.world.stray_disassociate(&old);
            stage.world.advance_by(MINUTE);
            assert_eq!(stage.count(), 0);
        }
    }
}

#[test]
fn b13_the_status_of_an_interface_that_lingers() {
    for (lingering_status, status) in [
        (LingeringStatus::InUse, InterfaceStatus::InUse),
        (LingeringStatus::Available, InterfaceStatus::Available),
    ] {
        let mut stage = stage_with(Beliefs { lingering_status, ..Beliefs::default() }).with_billing();
        stage.world.delete_function("billing");
        assert!(stage.world.interfaces().all(|interface| interface.status() == status));
        let config = stage.config();
        stage.world.create_function(&NewFunction::new("again", config));
        assert!(stage.world.interfaces().all(|interface| interface.status() == InterfaceStatus::InUse));
    }
}

#[test]
fn b14_old_environments_after_an_update() {
    for (old_environments, tail) in [(OldEnvironments::GoOn, true), (OldEnvironments::Stop, false)] {
        let mut stage = stage_with(Beliefs { old_environments, ..Beliefs::default() });
        let slow = NewFunction { timeout: 15 * MINUTE, ..NewFunction::new("slow", stage.config()) };
        stage.world.create_active(&slow);
        let pin = stage.other_config();
        stage.world.create_active_function("pin", pin.clone());
        stage.world.update_function_vpc("slow", pin, Outcome::Succeeds, None).expect("accepted");
        stage.world.advance_by(MINUTE);
        assert_eq!(stage.world.egress("slow").via.len(), if tail { 4 } else { 2 });
        stage.world.advance_by(15 * MINUTE);
        assert_eq!(stage.world.egress("slow").via.len(), 2);
    }
}

#[test]
fn b17_an_address_for_a_pending_interface() {
    for (pending_interface, code) in
        [(PendingInterface::Accepted, None), (PendingInterface::Refused, Some("IncorrectState"))]
    {
        let mut stage = stage_with(Beliefs { pending_interface, ..Beliefs::default() });
        let config = stage.config();
        stage.world.create_function(&NewFunction::new("billing", config));
        let interface = stage.interfaces(0, 0)[0].clone();
        let allocation = stage.world.allocate_address();
        let result = stage.world.stray_associate(&allocation, &interface, false);
        assert_eq!(result.err().map(|refusal| refusal.code), code);
    }
}

#[test]
fn b7_b18_and_b19_what_is_shown_of_interfaces_and_of_functions_outside() {
    for (description, start, removed_vpc_config, requester_managed) in [
        (
            DescriptionForm::FirstFunction,
            "AWS Lambda VPC ENI-billing",
            RemovedVpcConfig::Empty,
            RequesterManaged::True,
        ),
        (
            DescriptionForm::WithUuid,
            "AWS Lambda VPC ENI-billing-",
            RemovedVpcConfig::Absent,
            RequesterManaged::False,
        ),
        (DescriptionForm::UuidOnly, "AWS Lambda VPC ENI: ", RemovedVpcConfig::Absent, RequesterManaged::True),
    ] {
        let beliefs = Beliefs { description, removed_vpc_config, requester_managed, ..Beliefs::default() };
        let mut stage = stage_with(beliefs).with_billing();
        let first = stage.world.interfaces().next().expect("made").clone();
        assert!(first.description.starts_with(start), "{}", first.description);
        assert_eq!(first.requester_managed, requester_managed == RequesterManaged::True);
        stage.world.update_function_vpc("billing", None, Outcome::Succeeds, None).expect("accepted");
        stage.world.advance_by(MINUTE);
        let shown = stage.world.shown_config(stage.world.unit("billing").expect("created"));
        assert_eq!(shown, (removed_vpc_config == RemovedVpcConfig::Empty).then(VpcConfig::default));
    }
}
