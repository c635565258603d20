//! The law watch sees eipd's hand and nobody else's.

use super::*;
use crate::world::{Hand, ViolationKind};

fn kinds(stage: &Stage) -> Vec<ViolationKind> {
    stage.world.violations().iter().map(|violation| violation.kind).collect()
}

#[test]
fn naming_what_is_not_managed_is_seen_even_when_it_is_refused() {
    let mut stage = stage().with_billing();
    let config = stage.other_config();
    stage.world.create_active_function("bystander", config);
    let (ours, theirs) = (stage.interfaces(0, 0)[0].clone(), stage.interfaces(0, 1)[0].clone());
    let (managed, strange) = (stage.world.allocate_address(), stage.world.allocate_address());
    stage.world.manage(&[&managed], &["billing"]);
    let mut go = |hand, allocation: &str, interface: &str| {
        let _ = stage.world.associate(hand, allocation, interface, true);
    };
    go(Hand::Stray, &strange, &theirs);
    go(Hand::Eipd, &managed, &ours);
    assert_eq!(kinds(&stage), []);
    let _ = stage.world.associate(Hand::Eipd, &managed, &theirs, false);
    assert_eq!(kinds(&stage), [ViolationKind::UnmanagedInterface]);
    let _ = stage.world.associate(Hand::Eipd, &strange, &ours, false);
    assert_eq!(kinds(&stage)[1..], [ViolationKind::UnmanagedAddress]);
}

#[test]
fn breaking_a_healthy_association_is_seen_and_an_unhealthy_one_may_be_broken() {
    let mut stage = stage().with_billing();
    let interface = stage.interfaces(0, 0)[0].clone();
    let (right, wrong) = (stage.world.allocate_address(), stage.world.allocate_address());
    let right_ip = stage.world.public_ip(&right).to_owned();
    stage.world.expect("billing", &[right_ip]);
    stage.world.give(&wrong, &interface);
    stage.world.associate(Hand::Eipd, &right, &interface, true).expect("it replaces");
    assert_eq!(kinds(&stage), []);
    stage.world.associate(Hand::Eipd, &wrong, &interface, true).expect("it replaces");
    assert_eq!(kinds(&stage), [ViolationKind::HealthyBroken]);
    stage.world.stray_disassociate(&wrong);
    let id = stage.world.associate(Hand::Stray, &right, &interface, true).expect("free and bare");
    stage.world.disassociate(Hand::Eipd, &id).expect("it is there");
    assert_eq!(kinds(&stage)[1..], [ViolationKind::HealthyBroken]);
}

#[test]
fn an_address_may_be_taken_from_a_retired_interface() {
    let mut stage = stage().with_billing();
    let config = stage.other_config();
    stage.world.create_active_function("next", config);
    let (old, new) = (stage.interfaces(0, 0)[0].clone(), stage.interfaces(0, 1)[0].clone());
    let allocation = stage.world.allocate_address();
    let ip = stage.world.public_ip(&allocation).to_owned();
    stage.world.expect("billing", &[&ip]);
    stage.world.expect("next", &[&ip]);
    stage.world.manage(&[&allocation], &["billing", "next"]);
    stage.world.give(&allocation, &old);
    stage.world.delete_function("billing");
    stage.world.associate(Hand::Eipd, &allocation, &new, true).expect("it is allowed");
    assert_eq!(kinds(&stage), []);
}

#[test]
fn an_address_is_taken_too_soon_before_the_grace_is_over() {
    let mut stage = stage().with_billing();
    let config = stage.other_config();
    stage.world.create_active_function("next", config);
    stage.world.grant_grace(Duration::from_secs(60));
    let (old, new) = (stage.interfaces(0, 0)[0].clone(), stage.interfaces(0, 1)[0].clone());
    let allocations = [stage.world.allocate_address(), stage.world.allocate_address()];
    stage.world.manage(&allocations, &["billing", "next"]);
    stage.world.give(&allocations[0], &old);
    stage.world.delete_function("billing");
    stage.world.advance_by(Duration::from_secs(59));
    stage.world.associate(Hand::Eipd, &allocations[0], &new, true).expect("it is allowed");
    assert_eq!(kinds(&stage), [ViolationKind::TakenTooSoon]);
    stage.world.stray_disassociate(&allocations[0]);
    stage.world.give(&allocations[1], &old);
    stage.world.advance_by(Duration::from_secs(1));
    stage.world.associate(Hand::Eipd, &allocations[1], &new, true).expect("it is allowed");
    assert_eq!(kinds(&stage).len(), 1);
}
