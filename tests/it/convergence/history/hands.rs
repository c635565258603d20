//! What stray hands do to addresses and interfaces.

use super::super::dice::one_of;
use super::super::estate::Estate;
use super::super::file::POOL_TAG;
use super::{Asks, any_allocation, any_interface};

pub(super) fn take_off(estate: &mut Estate, random: &mut fastrand::Rng) -> Asks {
    let Some(allocation) = any_allocation(estate, random) else { return Asks::Nothing };
    estate.sim.world(|world| world.stray_disassociate(&allocation));
    Asks::Nothing
}

/// An address goes where it does not belong, or a foreign one where ours belongs, or one of ours to another of ours.
pub(super) fn misplace(estate: &mut Estate, random: &mut fastrand::Rng) -> Asks {
    let Some(allocation) = any_allocation(estate, random) else { return Asks::Nothing };
    let undeclared = one_of(&estate.undeclared, random);
    let ours = any_interface(estate, random);
    let which = random.u8(..3);
    estate.sim.world(|world| {
        // AWS may refuse each: another account's interface or address, a border group, or belief B1.
        let _refused = match (ours, which) {
            (Some(interface), 0) => world.stray_associate(undeclared, &interface, true),
            (Some(interface), 1) => world.stray_associate(&allocation, &interface, true),
            _ => world.stray_associate(&allocation, &estate.foreign[0], true),
        };
    });
    Asks::Nothing
}

/// An address is taken off and given back to AWS for good.
pub(super) fn release(estate: &mut Estate, random: &mut fastrand::Rng) -> Asks {
    let Some(allocation) = any_allocation(estate, random) else { return Asks::Nothing };
    estate.sim.world(|world| {
        if world.address(&allocation).is_some_and(|address| address.service_managed.is_none()) {
            world.stray_disassociate(&allocation);
            // It may be released already.
            let _refused = world.release_address(&allocation);
        }
    });
    Asks::Nothing
}

/// A pool by tag loses an address, or gains a new one.
pub(super) fn tag(estate: &mut Estate, random: &mut fastrand::Rng) -> Asks {
    let by_tag = estate.file.pools.iter().filter(|(_, pool)| pool.by_tag);
    let by_tag: Vec<String> = by_tag.map(|(name, _)| name.clone()).collect();
    if by_tag.is_empty() {
        return take_off(estate, random);
    }
    let name = one_of(&by_tag, random);
    estate.sim.world(|world| {
        let tagged = world.addresses().filter(|address| address.tags.get(POOL_TAG) == Some(name));
        let tagged: Vec<String> = tagged.map(|address| address.allocation_id.clone()).collect();
        if tagged.is_empty() || random.bool() {
            world.allocate_tagged(POOL_TAG, name);
        } else {
            world.untag_address(one_of::<String>(&tagged, random), POOL_TAG);
        }
    });
    Asks::Nothing
}

/// Somebody hardens an interface of ours, so that AWS refuses it an address, or takes that back.
pub(super) fn deny_gateway(estate: &mut Estate, random: &mut fastrand::Rng) -> Asks {
    let Some(interface) = any_interface(estate, random) else { return Asks::Nothing };
    estate.sim.world(|world| {
        let found = world.interface(&interface).expect("it was just found");
        let deny = !found.deny_all_igw_traffic && found.association().is_none();
        world.set_deny_all_igw_traffic(&interface, deny);
    });
    Asks::Nothing
}
