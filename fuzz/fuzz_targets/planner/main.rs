//! Any small world as the facts of a pass: the plan is the same each time, the audit has nothing against it, and it names
//! nothing that is not declared and shown.
//!
//! ```sh
//! cargo +nightly fuzz run planner -- -max_total_time=600
//! ```

#![no_main]

mod world;

use std::collections::BTreeSet;

use eipd_fuzz::domain::action::{Action, ActionKind};
use eipd_fuzz::domain::audit::audit;
use eipd_fuzz::domain::desired::Desired;
use eipd_fuzz::domain::observed::Observed;
use eipd_fuzz::domain::plan::{Verdict, plan};
use libfuzzer_sys::fuzz_target;
use world::World;

fuzz_target!(|world: World| {
    let (desired, observed) = world.facts();
    let made = plan(&desired, &observed);
    assert_eq!(made, plan(&desired.clone(), &observed.clone()), "the same facts give the same plan");
    let against: Vec<String> =
        audit(&desired, &observed, &made.actions).iter().map(ToString::to_string).collect();
    assert!(against.is_empty(), "{against:#?}\n{:#?}", made.actions);
    check(&desired, &observed, &made.actions);
    let gets = made.interfaces.iter().filter(|one| matches!(one.verdict, Verdict::Gets(..))).count();
    let given = made.actions.iter().filter(|action| action.gives().is_some()).count();
    assert_eq!(gets, given, "each interface that gets an address has its change, and no other");
});

/// Law 1 in the plainest words, and that nothing is named twice.
fn check(desired: &Desired, observed: &Observed, actions: &[Action]) {
    let declared = desired.allocations();
    let mut addresses = BTreeSet::new();
    let mut interfaces = BTreeSet::new();
    for action in actions {
        let interface = observed.interfaces.get(&action.network_interface_id);
        let interface = interface.unwrap_or_else(|| panic!("an interface that nobody saw: {action:#?}"));
        assert_eq!(interface.owner, observed.account, "{action:#?}");
        let may_be_named = declared.contains(&action.allocation_id)
            || (action.kind == ActionKind::Disassociate
                && observed.leave.former.contains(&action.allocation_id));
        assert!(may_be_named, "an address that nobody declared: {action:#?}");
        if action.gives().is_some() {
            assert!(observed.addresses.contains_key(&action.allocation_id), "{action:#?}");
            assert!(!action.functions.is_empty(), "for no function: {action:#?}");
            assert!(interfaces.insert(&action.network_interface_id), "an interface gets two: {action:#?}");
        }
        assert!(addresses.insert(&action.allocation_id), "an address is named twice: {action:#?}");
        assert_eq!(action.from.is_some(), action.kind == ActionKind::Move, "{action:#?}");
        assert_eq!(action.replaces.is_some(), action.kind == ActionKind::Replace, "{action:#?}");
    }
}
