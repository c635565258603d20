//! Why what an operator named with `apply --take` was not taken: the fact that stands against it, in words. Says what the
//! plan did not do, and plans nothing itself.

use super::desired::Desired;
use super::drift::{Drift, Finding, Place, Standing, drift};
use super::function::{FunctionObservation, FunctionRef};
use super::ids::{AllocationId, NetworkInterfaceId};
use super::observed::Observed;
use super::occupancy::Carried;
use super::plan::{InterfacePlan, Plan, Verdict};
use super::reason::in_words;

/// What a pass saw and planned.
pub struct Seen<'a> {
    /// What was desired.
    pub desired: &'a Desired,
    /// What was seen.
    pub observed: &'a Observed,
    /// What was planned.
    pub plan: &'a Plan,
}

/// In words for a person, without the subject: `is free, …`.
#[must_use]
pub fn why_address_stays(allocation: &AllocationId, seen: &Seen<'_>) -> String {
    let drift = drift(seen.desired, seen.observed);
    let Some(place) = drift.number_of(allocation).map(|number| drift.place(number)) else {
        return "is not declared".to_owned();
    };
    let address = seen.observed.addresses.get(allocation);
    if let Some(service) = address.and_then(|address| address.managed_by.as_ref()) {
        return format!("belongs to the AWS service `{service}`, whose addresses are never taken");
    }
    match place {
        Place::Missing => "does not exist in this account and region".to_owned(),
        Place::Unread => "could not be read".to_owned(),
        Place::Obscure => "is on an interface that could not be read".to_owned(),
        Place::Settling(interface) => format!("was given to `{interface}` moments ago"),
        Place::Free(_) => {
            format!("is free, so there is nothing to take it from; {}", who_waits(allocation, seen))
        }
        Place::Associated => serves(allocation, &drift),
        Place::Lingering(..) | Place::Foreign(_) if !seen.observed.is_complete() => {
            "stays where it is, since not everything could be seen".to_owned()
        }
        Place::Foreign(what)
            if address.is_none_or(|a| a.association.as_ref().is_none_or(|bond| bond.interface.is_none())) =>
        {
            format!("is on {what} without a network interface that EC2 names; hint: take it off by hand")
        }
        Place::Lingering(None, interface) => {
            format!("is on `{interface}` by one of EC2's two views alone; hint: try again in a minute")
        }
        Place::Lingering(Some(_), interface) => {
            format!("stays on `{interface}`: {}", who_waits(allocation, seen))
        }
        Place::Foreign(what) => format!("stays on {what}: {}", who_waits(allocation, seen)),
    }
}

fn serves(allocation: &AllocationId, drift: &Drift<'_>) -> String {
    let carries = |finding: &&Finding<'_>| match &finding.standing {
        Standing::Healthy(own, _) => own == allocation,
        Standing::Wrong(carried) => carried.iter().any(|one| one.allocation_id.as_ref() == Some(allocation)),
        Standing::Bare => false,
    };
    let Some(finding) = drift.interfaces.iter().find(carries) else {
        return "is on an interface that a declared function uses, from which nothing is taken".to_owned();
    };
    let (id, function) = (&finding.interface.id, finding.usage.foremost);
    match finding.standing {
        Standing::Wrong(_) => format!(
            "is on `{id}` of `{function}`, whose set it is not in; hint: name the interface, and it gets one of its \
             set: `eipd apply --take {id}`"
        ),
        Standing::Healthy(..) | Standing::Bare => {
            format!("serves `{id}` of `{function}`, and is never taken from there")
        }
    }
}

/// Who would take the address, and what stands against that.
fn who_waits(allocation: &AllocationId, seen: &Seen<'_>) -> String {
    let may_carry = |interface: &&InterfacePlan| {
        let pools = interface
            .functions
            .iter()
            .filter_map(|function| seen.desired.pools.get(&seen.desired.functions.get(function)?.pool));
        pools.into_iter().all(|pool| pool.allocations.contains(allocation))
    };
    let all = || seen.plan.interfaces.iter().filter(may_carry);
    let waits = |interface: &&InterfacePlan| matches!(interface.verdict, Verdict::Uncovered(_));
    if let Some(InterfacePlan { network_interface_id, verdict: Verdict::Uncovered(reason), .. }) =
        all().find(waits)
    {
        return format!("`{network_interface_id}` is without an address, and can't be given it: {reason}");
    }
    let gets = all().find_map(|interface| match &interface.verdict {
        Verdict::Gets(other, ip) => Some((&interface.network_interface_id, in_words(other, Some(*ip)))),
        Verdict::Covered(..) | Verdict::Uncovered(_) => None,
    });
    match gets {
        Some((interface, other)) => {
            format!("`{interface}`, which may carry it, gets {other}, which is free")
        }
        None if all().next().is_none() => "no interface is seen that may carry it".to_owned(),
        None => "each interface that may carry it has an address already".to_owned(),
    }
}

/// In words for a person, without the subject: `carries …`.
#[must_use]
pub fn why_interface_keeps(interface: &NetworkInterfaceId, seen: &Seen<'_>) -> String {
    let drift = drift(seen.desired, seen.observed);
    let Some(finding) = drift.interfaces.iter().find(|finding| finding.interface.id == *interface) else {
        return "is used by no declared function".to_owned();
    };
    let planned = seen.plan.interfaces.iter().find(|planned| planned.network_interface_id == *interface);
    match &finding.standing {
        Standing::Healthy(own, ip) => {
            format!("carries {}, which is in its set: nothing is to be replaced", in_words(own, *ip))
        }
        Standing::Bare => match planned.map(|planned| &planned.verdict) {
            Some(Verdict::Uncovered(reason)) => {
                format!("carries no address that could be replaced: {reason}")
            }
            _ => "carries no address that could be replaced".to_owned(),
        },
        Standing::Wrong(carried) => {
            format!("keeps what it carries: {}", why_wrong_stays(carried, finding, seen))
        }
    }
}

fn why_wrong_stays(carried: &[Carried], finding: &Finding<'_>, seen: &Seen<'_>) -> String {
    let id = &finding.interface.id;
    let [Carried { allocation_id: Some(lost), public_ip }] = carried else {
        return match carried.len() {
            1 => "that is no Elastic IP of this account".to_owned(),
            _ => "it shows more than one address; hint: try again in a minute".to_owned(),
        };
    };
    if !finding.is_required() {
        return "it does not serve yet, or no longer".to_owned();
    }
    if !seen.observed.is_complete() {
        return "not everything could be seen".to_owned();
    }
    if seen.observed.recent_writes.contains_key(id) {
        return "it was given an address moments ago".to_owned();
    }
    let address = seen.observed.addresses.get(lost);
    if let Some(service) = address.and_then(|address| address.managed_by.as_ref()) {
        return format!("{} belongs to the AWS service `{service}`", in_words(lost, *public_ip));
    }
    let is_settled = |function: &&FunctionRef| match seen.observed.functions.get(*function) {
        Some(FunctionObservation::Known(shown)) => shown.is_settled(function),
        Some(FunctionObservation::NotFound | FunctionObservation::Unknown) | None => false,
    };
    if let Some(function) = finding.usage.functions.iter().find(|function| !is_settled(function)) {
        return format!(
            "`{function}` is changing, failed, or could not be read; hint: try again when it is settled"
        );
    }
    let by_itself =
        finding.interface.associations.iter().any(|shown| shown.allocation.as_ref() == Some(lost));
    let claims = |address: &super::observed::Address| {
        address.association.as_ref().is_some_and(|bond| bond.interface.as_ref() == Some(id))
    };
    if !by_itself || address.is_some_and(|address| !claims(address)) {
        return format!("only one of EC2's two views shows `{lost}` there; hint: try again in a minute");
    }
    if finding.usage.is_denied() {
        return "undeclared functions use it too, and its pool denies bystanders".to_owned();
    }
    format!("no address of pool `{}` is free for it", finding.usage.pool)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::observed::Part;
    use crate::domain::scenario::{World, alloc, eni};

    fn world() -> World {
        World::new().pool("p", &[1, 2], 0).pool("q", &[9], 0).function("f", "p", &[1], &[1]).eni(1, 1, &[1])
    }

    fn address(world: &World, number: u32) -> String {
        let plan = world.plan();
        why_address_stays(
            &alloc(number),
            &Seen { desired: &world.desired, observed: &world.observed, plan: &plan },
        )
    }

    fn interface(world: &World) -> String {
        let plan = world.plan();
        let seen = Seen { desired: &world.desired, observed: &world.observed, plan: &plan };
        why_interface_keeps(&eni(1), &seen)
    }

    fn assert_told(told: &str, wanted: &str) {
        assert!(told.contains(wanted), "{told:?} does not say {wanted:?}");
    }

    #[test]
    fn an_address_that_stays_says_what_stands_against_it() {
        let foreign = |world: World, n| world.address_says(n, 77);
        for (told, wanted) in [
            (address(&world().on(1, 1), 1), "serves `eni-00000001` of `f`, and is never taken"),
            (address(&world().on(1, 1), 2), "is free, so there is nothing to take it from; each interface"),
            (address(&world().on(9, 1), 9), "`eipd apply --take eni-00000001`"),
            (
                address(&foreign(world().on(1, 1), 2), 2),
                "stays on network interface `eni-0000004d`: each interface",
            ),
            (
                address(&foreign(world(), 2), 2),
                "`eni-00000001`, which may carry it, gets 198.51.100.1 (`eipalloc-00000001`)",
            ),
            (address(&foreign(world(), 9), 9), "no interface is seen that may carry it"),
            (address(&foreign(world(), 2).gap(Part::Functions), 2), "not everything could be seen"),
            (address(&world().without_address(2), 2), "does not exist in this account and region"),
            (
                address(&foreign(world(), 2).with_address(2, |a| a.managed_by = Some("alb".to_owned())), 2),
                "`alb`",
            ),
            (address(&world(), 5), "is not declared"),
        ] {
            assert_told(&told, wanted);
        }
    }

    #[test]
    fn an_interface_that_keeps_what_it_has_says_what_stands_against_more() {
        let full = || world().address_says(1, 70).address_says(2, 71);
        for (told, wanted) in [
            (interface(&world().on(1, 1)), "carries 198.51.100.1 (`eipalloc-00000001`), which is in its set"),
            (interface(&world()), "carries no address that could be replaced"),
            (interface(&world().on(9, 1).waiting(1)), "it does not serve yet"),
            (interface(&world().on(9, 1).gap(Part::Addresses)), "not everything could be seen"),
            (interface(&world().address_says(9, 1)), "only one of EC2's two views"),
            (interface(&world().on(9, 1).wrote(1, 9)), "moments ago"),
            (
                interface(&world().on(9, 1).configure("f", |shown| shown.last_update = None)),
                "`f` is changing",
            ),
            (interface(&full().on(9, 1)), "no address of pool `p` is free for it"),
        ] {
            assert_told(&told, wanted);
        }
    }
}
