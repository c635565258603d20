//! The data plane integrates exactly.

use super::*;
use crate::beliefs::OldEnvironments;
use crate::world::{GapKind, Outcome, Span};

/// `billing` covered by two addresses and expected to leave from them.
fn expected(stage: &mut Stage) -> Vec<String> {
    let allocations = stage.world.allocate_many(4);
    stage.world.cover(&allocations);
    let ips: Vec<String> = allocations.iter().map(|id| stage.world.public_ip(id).to_owned()).collect();
    stage.world.expect("billing", &ips);
    allocations
}

#[test]
fn a_bare_interface_counts_to_the_millisecond() {
    let mut stage = stage().with_billing();
    let allocations = expected(&mut stage);
    let interface = stage.interfaces(0, 0)[0].clone();
    let (off, on) = (stage.world.now() + Duration::from_millis(1234), stage.world.now() + MINUTE);
    let lost = allocations[0].clone();
    stage.world.schedule(off, move |world| assert!(world.stray_disassociate(&lost)));
    let (given, to) = (allocations[2].clone(), interface.clone());
    stage.world.schedule(on, move |world| world.give(&given, &to));
    stage.world.advance_by(LONG);
    let exposure = stage.world.exposure("billing");
    assert_eq!((exposure.bare_seconds, exposure.wrong_seconds), (58.766, 0.0));
    assert_eq!(exposure.gaps.len(), 1);
    assert_eq!((exposure.gaps[0].from, exposure.gaps[0].until), (off, Some(on)));
    assert_eq!(
        (exposure.gaps[0].kind, exposure.gaps[0].interface.as_str()),
        (GapKind::Bare, interface.as_str())
    );
    assert!(!exposure.open());
}

#[test]
fn a_gap_that_goes_on_counts_up_to_the_present() {
    let mut stage = stage().with_billing();
    stage.world.expect("billing", &["198.18.0.0"]);
    stage.world.advance_by(MINUTE);
    assert_eq!(stage.world.exposure("billing").bare_seconds, 60.0);
    assert_eq!(stage.world.uncovered(), ["billing"]);
    stage.world.advance_by(MINUTE);
    assert_eq!(stage.world.exposure("billing").bare_seconds, 120.0);
    assert!(stage.world.exposure("billing").open());
}

#[test]
fn an_address_outside_the_set_is_wrong_and_not_bare() {
    let mut stage = stage().with_billing();
    let allocations = expected(&mut stage);
    let interface = stage.interfaces(0, 0)[0].clone();
    stage.world.stray_disassociate(&allocations[0]);
    let strange = stage.world.allocate_address();
    stage.world.give(&strange, &interface);
    stage.world.advance_by(MINUTE);
    let exposure = stage.world.exposure("billing");
    assert_eq!((exposure.bare_seconds, exposure.wrong_seconds), (0.0, 60.0));
    assert!(stage.world.egress("billing").public_ips().contains(stage.world.public_ip(&strange)));
    let ips: Vec<String> = stage.world.addresses().map(|address| address.public_ip.clone()).collect();
    stage.world.expect("billing", &ips);
    stage.world.advance_by(MINUTE);
    assert_eq!(stage.world.exposure("billing").wrong_seconds, 60.0);
}

#[test]
fn an_overflow_interface_is_a_gap_from_the_moment_it_is_in_use() {
    let mut stage = stage().with_billing();
    expected(&mut stage);
    let (subnet, group) = (stage.subnets[0].clone(), stage.groups[0].clone());
    let made = stage.world.now();
    let new = stage.world.overflow(&subnet, &[&group]);
    stage.world.advance_by(LONG);
    let gaps = stage.world.exposure("billing").gaps;
    assert_eq!((gaps.len(), gaps[0].interface.as_str(), gaps[0].until), (1, new.as_str(), None));
    let delay = gaps[0].from.since(made);
    assert!((MINUTE..=3 * MINUTE).contains(&delay), "{delay:?}");
}

#[test]
fn an_update_has_no_gap_when_the_new_interfaces_are_covered_before_it_ends() {
    for covered in [true, false] {
        let mut stage = stage().with_billing();
        let allocations = expected(&mut stage);
        let new = stage.other_config();
        stage
            .world
            .update_function_vpc("billing", new, Outcome::Succeeds, Some(10 * MINUTE))
            .expect("accepted");
        stage.world.advance_by(5 * MINUTE);
        if covered {
            assert_eq!(stage.world.cover(&allocations[2..]), 2);
        }
        stage.world.advance_by(10 * MINUTE);
        let exposure = stage.world.exposure("billing");
        assert_eq!(exposure.bare_seconds, if covered { 0.0 } else { 300.0 });
    }
}

#[test]
fn taking_an_address_while_old_environments_go_on_is_a_gap() {
    let beliefs = crate::Beliefs { old_environments: OldEnvironments::GoOn, ..crate::Beliefs::default() };
    let timing = Timing { update: Span::exactly(Duration::ZERO), ..Timing::default() };
    let mut stage = stage_in(beliefs, timing);
    let slow = crate::world::NewFunction {
        timeout: Duration::from_secs(100),
        ..crate::world::NewFunction::new("billing", stage.config())
    };
    stage.world.create_active(&slow);
    let pin = stage.other_config();
    stage.world.create_active_function("pin", pin.clone());
    let allocations = expected(&mut stage);
    stage.world.update_function_vpc("billing", pin, Outcome::Succeeds, None).expect("accepted");
    stage.world.advance_by(Duration::from_secs(40));
    assert_eq!(stage.world.exposure("billing").bare_seconds, 0.0);
    stage.world.stray_disassociate(&allocations[0]);
    stage.world.advance_by(LONG);
    assert_eq!(stage.world.exposure("billing").bare_seconds, 60.0);
}

#[test]
fn a_function_that_cannot_be_invoked_or_is_in_no_vpc_has_no_gap() {
    let mut stage = stage().with_billing();
    stage.world.expect("billing", &["198.18.0.0"]);
    stage.world.create_active_function("outside", None);
    stage.world.expect("outside", &["198.18.0.0"]);
    stage.world.advance_by(MINUTE);
    stage.world.idle("billing");
    stage.world.advance_by(LONG);
    assert_eq!(stage.world.exposure("billing").bare_seconds, 60.0);
    assert_eq!(stage.world.exposure("outside").gaps, []);
    stage.world.wake("billing");
    assert!(!stage.world.egress("billing").invocable);
    stage.world.delete_function("billing");
    stage.world.advance_by(LONG);
    assert_eq!(stage.world.exposure("billing").bare_seconds, 60.0);
}

#[test]
fn a_function_that_is_created_anew_stays_expected() {
    let mut stage = stage().with_billing();
    let allocations = expected(&mut stage);
    stage.world.delete_function("billing");
    stage.world.advance_by(LONG);
    assert_eq!(stage.world.exposure("billing").gaps, []);
    let config = stage.config();
    stage.world.create_active_function("billing", config);
    stage.world.advance_by(MINUTE);
    assert_eq!(stage.world.exposure("billing").bare_seconds, 60.0);
    stage.world.cover(&allocations);
    stage.world.advance_by(MINUTE);
    assert_eq!(stage.world.exposure("billing").bare_seconds, 60.0);
}

#[test]
fn declaring_is_expecting_and_managing() {
    let mut stage = stage().with_billing();
    let allocations = stage.world.allocate_many(2);
    stage.world.declare("billing", &allocations);
    assert_eq!(stage.world.uncovered(), ["billing"]);
    for (allocation, subnet) in allocations.iter().zip(0..) {
        let interface = stage.interfaces(subnet, 0)[0].clone();
        stage.world.associate(crate::Hand::Eipd, allocation, &interface, false).expect("free and bare");
    }
    assert_eq!((stage.world.uncovered().len(), stage.world.violations()), (0, &[][..]));
}
