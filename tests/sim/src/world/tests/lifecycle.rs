//! How interfaces and functions come and go (AWS.md section 1).

use super::*;
use crate::world::{FunctionState, InterfaceStatus, LastUpdate, NewFunction, Outcome};

#[test]
fn a_new_function_is_pending_until_its_interfaces_are_ready() {
    let mut stage = stage();
    let config = stage.config();
    stage.world.create_function(&NewFunction::new("billing", config));
    assert_eq!(stage.world.unit("billing").expect("created").state, FunctionState::Pending);
    assert_eq!(stage.count(), 2);
    assert!(stage.world.interfaces().all(|interface| interface.status() == InterfaceStatus::Pending));
    stage.world.advance_by(Duration::from_secs(59));
    assert_eq!(stage.world.unit("billing").expect("created").state, FunctionState::Pending);
    stage.world.advance_by(Duration::from_secs(121));
    assert_eq!(stage.world.unit("billing").expect("created").state, FunctionState::Active);
    assert!(stage.world.interfaces().all(|interface| interface.status() == InterfaceStatus::InUse));
}

#[test]
fn functions_share_an_interface_only_with_the_exact_set_of_groups() {
    let mut stage = stage().with_billing();
    let [one, two] = stage.groups.clone();
    let subnet = stage.subnets[..1].to_vec();
    let mut create = |name: &str, groups: &[&String]| {
        stage.world.create_active_function(name, VpcConfig::new(&subnet, groups));
        stage.world.interfaces().count()
    };
    assert_eq!(create("same", &[&one]), 2);
    assert_eq!(create("superset", &[&one, &two]), 3);
    assert_eq!(create("superset-in-another-order", &[&two, &one, &one]), 3);
    assert_eq!(create("another", &[&two]), 4);
}

#[test]
fn an_update_serves_the_old_configuration_until_it_is_successful() {
    let mut stage = stage().with_billing();
    let (old, new) = (stage.config(), stage.other_config());
    stage.world.update_function_vpc("billing", new.clone(), Outcome::Succeeds, None).expect("accepted");
    let again = stage.world.update_function_vpc("billing", old.clone(), Outcome::Succeeds, None);
    assert_eq!(again.expect_err("one at a time").code, "ResourceConflictException");
    stage.world.advance_by(Duration::from_secs(59));
    let unit = stage.world.unit("billing").expect("created").clone();
    assert_eq!((unit.state, &unit.last_update), (FunctionState::Active, &LastUpdate::InProgress));
    assert_eq!(unit.serving_config(), Some(&old));
    assert_eq!(stage.count(), 4);
    stage.world.advance_by(Duration::from_secs(121));
    let unit = stage.world.unit("billing").expect("created").clone();
    assert_eq!((unit.serving_config(), &unit.last_update), (Some(&new), &LastUpdate::Successful));
    assert_eq!(stage.count(), 4, "the old interfaces linger");
    stage.world.advance_by(LONG);
    assert_eq!(stage.count(), 2);
    assert_eq!(stage.interfaces(0, 0), [""; 0]);
}

#[test]
fn a_failed_update_rolls_back_and_its_interfaces_go() {
    let mut stage = stage().with_billing();
    let (old, new) = (stage.config(), stage.other_config());
    let fails = Outcome::Fails("the role may not".to_owned());
    stage.world.update_function_vpc("billing", new, fails, Some(5 * MINUTE)).expect("accepted");
    stage.world.advance_by(5 * MINUTE);
    let unit = stage.world.unit("billing").expect("created").clone();
    assert_eq!(unit.serving_config(), Some(&old));
    assert_eq!(unit.last_update, LastUpdate::Failed("the role may not".to_owned()));
    assert_eq!(stage.world.shown_config(&unit), Some(old.clone()));
    stage.world.advance_by(LONG);
    assert_eq!((stage.count(), stage.interfaces(0, 0).len()), (2, 1));
    stage.world.update_function_vpc("billing", old, Outcome::Succeeds, None).expect("accepted again");
}

#[test]
fn an_update_between_existing_pairs_is_quick_and_makes_nothing() {
    let mut stage = stage().with_billing();
    let pin = stage.other_config();
    stage.world.create_active_function("pin", pin.clone());
    stage.world.update_function_vpc("billing", pin.clone(), Outcome::Succeeds, None).expect("accepted");
    stage.world.advance_by(Duration::from_secs(10));
    assert_eq!(stage.world.unit("billing").expect("created").serving_config(), Some(&pin));
    assert_eq!(stage.count(), 4);
}

#[test]
fn an_interface_stays_as_long_as_any_version_uses_its_pair() {
    let mut stage = stage().with_billing();
    assert_eq!(stage.world.publish_version("billing"), 1);
    stage.world.set_alias("billing", "live", 1);
    let new = stage.other_config();
    stage.world.update_function_vpc("billing", new, Outcome::Succeeds, None).expect("accepted");
    stage.world.advance_by(LONG);
    assert_eq!(stage.count(), 4);
    assert_eq!(stage.world.unit("billing:live").expect("published").serving_config(), Some(&stage.config()));
    stage.world.delete_version("billing", 1);
    stage.world.advance_by(LONG);
    assert_eq!(stage.count(), 2);
    assert!(stage.world.unit("billing:live").is_none());
}

#[test]
fn a_pair_that_is_used_again_in_time_keeps_its_interface() {
    let mut stage = stage().with_billing();
    let before = stage.interfaces(0, 0);
    stage.world.delete_function("billing");
    stage.world.advance_by(4 * MINUTE);
    let config = stage.config();
    stage.world.create_function(&NewFunction::new("again", config));
    stage.world.advance_by(LONG);
    assert_eq!(stage.interfaces(0, 0), before);
    stage.world.delete_function("again");
    stage.world.advance_by(21 * MINUTE);
    assert_eq!(stage.count(), 0);
}

#[test]
fn an_overflow_makes_a_further_interface_for_the_same_pair() {
    let mut stage = stage().with_billing();
    let (subnet, group) = (stage.subnets[0].clone(), stage.groups[0].clone());
    let new = stage.world.overflow(&subnet, &[&group]);
    assert_eq!(stage.interfaces(0, 0).len(), 2);
    stage.world.advance_by(3 * MINUTE);
    assert_eq!(stage.world.interface(&new).expect("made").status(), InterfaceStatus::InUse);
    stage.world.remove_interface(&new);
    assert_eq!(stage.interfaces(0, 0).len(), 1);
}

#[test]
fn a_replacement_is_ready_before_the_old_interface_goes() {
    let mut stage = stage().with_billing();
    let old = stage.interfaces(0, 0)[0].clone();
    let new = stage.world.replace_interface(&old);
    stage.world.advance_by(Duration::from_secs(59));
    assert_eq!(stage.interfaces(0, 0), [old.clone(), new.clone()]);
    stage.world.advance_by(Duration::from_secs(151));
    assert_eq!(stage.interfaces(0, 0), [new]);
    assert!(!stage.world.interface(&old).expect("it was there").exists());
}

#[test]
fn lambda_replaces_an_interface_that_is_gone() {
    let mut stage = stage().with_billing();
    let old = stage.interfaces(0, 0)[0].clone();
    stage.world.remove_interface(&old);
    assert_eq!(stage.interfaces(0, 0).len(), 1);
    assert_ne!(stage.interfaces(0, 0)[0], old);
}

#[test]
fn an_idle_function_loses_its_interfaces_and_wakes_with_new_ones() {
    let mut stage = stage().with_billing();
    let before = stage.interfaces(0, 0);
    stage.world.quiet("billing");
    stage.world.advance_by(Duration::from_secs(14 * 24 * 3600 - 1));
    assert_eq!(stage.world.unit("billing").expect("created").state, FunctionState::Active);
    stage.world.advance_by(Duration::from_secs(1));
    assert_eq!(stage.world.unit("billing").expect("created").state, FunctionState::Inactive);
    stage.world.advance_by(LONG);
    assert_eq!(stage.count(), 0);
    stage.world.wake("billing");
    assert_eq!(stage.world.unit("billing").expect("created").state, FunctionState::Pending);
    stage.world.advance_by(3 * MINUTE);
    assert_eq!(stage.world.unit("billing").expect("created").state, FunctionState::Active);
    assert_ne!(stage.interfaces(0, 0), before);
}

#[test]
fn a_woken_function_does_not_idle_by_an_old_count() {
    let mut stage = stage().with_billing();
    stage.world.quiet("billing");
    stage.world.advance_by(LONG);
    stage.world.wake("billing");
    stage.world.advance_by(Duration::from_secs(15 * 24 * 3600));
    assert_eq!(stage.world.unit("billing").expect("created").state, FunctionState::Active);
}

#[test]
fn leaving_the_vpc_frees_the_interfaces() {
    let mut stage = stage().with_billing();
    stage.world.update_function_vpc("billing", None, Outcome::Succeeds, None).expect("accepted");
    stage.world.advance_by(LONG);
    assert_eq!(stage.count(), 0);
    assert!(!stage.world.egress("billing").in_vpc);
}

#[test]
fn a_script_runs_between_the_worlds_own_events() {
    let mut stage = stage().with_billing();
    let at = stage.world.now() + MINUTE;
    stage.world.schedule(at, |world| world.delete_function("billing"));
    assert_eq!(stage.world.next_due(), Some(at));
    stage.world.advance_by(LONG);
    assert_eq!(stage.count(), 0);
    let texts: Vec<&str> = stage.world.chronicle().iter().map(|(_, line)| line.as_str()).collect();
    assert!(texts.contains(&"`billing` was deleted"), "{texts:?}");
}

#[test]
fn the_same_seed_lives_the_same_life() {
    let life = |seed: u64| {
        let mut world = World::new(WorldConfig::drawn(seed));
        let vpc = world.create_vpc();
        let subnet = world.create_subnet(&vpc, 'a');
        let (one, two) = (world.create_security_group(&vpc, "1"), world.create_security_group(&vpc, "2"));
        world.create_function(&NewFunction::new("f", VpcConfig::new(&[&subnet], &[&one])));
        world.advance_by(LONG);
        world.overflow(&subnet, &[&one]);
        world.advance_by(LONG);
        let config = VpcConfig::new(&[&subnet], &[&two]);
        world.update_function_vpc("f", config, Outcome::Succeeds, None).expect("accepted");
        world.advance_by(LONG);
        format!("{:?}", world.chronicle())
    };
    assert_eq!(life(9), life(9));
    assert_ne!(life(9), life(10));
}
