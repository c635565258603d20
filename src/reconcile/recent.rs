//! Associations that this process asked for within the last two minutes. Reads may not show them yet, so until then
//! the interface may only get that address again, and the address only go to that interface: repeating an
//! association is harmless, another one in its place would break it. Sooner only where an event tells of somebody else's
//! later act on the address and reads show it undone. A cache, safe to lose: law 3's second look and
//! AllowReassociation=false stand behind it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::domain::hint::{Hint, Hints};
use crate::domain::ids::{AllocationId, NetworkInterfaceId};
use crate::domain::observed::{Address, Interface, RECENT_WRITE};

/// The associations, each with its time.
#[derive(Default)]
pub(super) struct RecentWrites {
    writes: BTreeMap<NetworkInterfaceId, Write>,
    refused: BTreeMap<AllocationId, Timestamp>,
}

struct Write {
    allocation: AllocationId,
    /// It was not sent before this.
    begun: Timestamp,
    /// When its end was noted.
    at: Timestamp,
    /// An event told that somebody else did something to the address later.
    is_doubted: bool,
}

/// Events tell the time to the second (AWS.md 3, confirmed), so that one may seem to come before what it follows.
const EVENT_TIME_STEP: SignedDuration = SignedDuration::from_secs(1);

/// After this a refused address is as good as any: somebody may have mended its tags or the policy.
const REFUSED: Duration = Duration::from_secs(15 * 60);

impl RecentWrites {
    /// Remembers one that AWS accepted, or may have accepted, and that took so long until now.
    pub(super) fn note(
        &mut self,
        interface: NetworkInterfaceId,
        allocation: AllocationId,
        took: Duration,
        at: Timestamp,
    ) {
        let begun = at - SignedDuration::try_from(took).unwrap_or_default();
        self.writes.insert(interface, Write { allocation, begun, at, is_doubted: false });
    }

    /// Takes in what events tell: an act on an address later than the write and not our own, whose echoes come to nobody,
    /// is a reason to believe reads that show the address lost.
    fn doubt(&mut self, hints: &Hints) {
        for (hint, origin) in &hints.0 {
            let (Hint::Address(struck), Some(origin)) = (hint, origin) else { continue };
            let later = |write: &&mut Write| write.begun < origin.at + EVENT_TIME_STEP;
            let writes = self.writes.values_mut().filter(|write| write.allocation == *struck);
            writes.filter(later).for_each(|write| write.is_doubted = true);
        }
    }

    /// Ends the reservations that are undone: an event told so, and by reads of this moment the interface has lost the address
    /// while the address is on something else or is gone. An address that seems free may be so by a read from before the
    /// write, and goes to its interface again. `shown` is what a read shows of an interface, `address` of an address, if it
    /// was read.
    pub(super) fn end_undone<'a>(
        &mut self,
        shown: impl Fn(&NetworkInterfaceId) -> Option<&'a Interface>,
        address: impl Fn(&AllocationId) -> Option<Option<&'a Address>>,
    ) {
        self.writes.retain(|id, write| {
            let (true, Some(interface), Some(address)) =
                (write.is_doubted, shown(id), address(&write.allocation))
            else {
                return true;
            };
            let carried = interface.associations.iter().filter_map(|bond| bond.allocation.as_ref());
            let is_lost = match address.map(|address| address.association.as_ref()) {
                None => true,
                Some(None) => false,
                Some(Some(bond)) => bond.interface.as_ref() != Some(id),
            };
            !is_lost || carried.into_iter().any(|allocation| *allocation == write.allocation)
        });
    }

    /// What the interface got was taken from it.
    pub(super) fn forget(&mut self, interface: &NetworkInterfaceId) {
        self.writes.remove(interface);
    }

    /// Those that still count.
    pub(super) fn at(&self, now: Timestamp) -> BTreeMap<NetworkInterfaceId, AllocationId> {
        let fresh = self.writes.iter().filter(|(_, write)| is_recent(write.at, now));
        fresh.map(|(interface, write)| (interface.clone(), write.allocation.clone())).collect()
    }

    /// After how long the first of these interfaces may get another address than what it was given.
    pub(super) fn next<'a>(
        &self,
        bound: impl Iterator<Item = &'a NetworkInterfaceId>,
        now: Timestamp,
    ) -> Option<Duration> {
        let elapsed = bound.filter_map(|interface| Some(now.duration_since(self.writes.get(interface)?.at)));
        let left = elapsed
            .map(|elapsed| RECENT_WRITE.saturating_sub(Duration::try_from(elapsed).unwrap_or_default()));
        left.min()
    }

    /// Remembers an address that EC2 would not give to anything.
    pub(super) fn note_refused(&mut self, allocation: AllocationId, at: Timestamp) {
        self.refused.insert(allocation, at);
    }

    /// The addresses that EC2 refused lately.
    pub(super) fn refused(&self, now: Timestamp) -> BTreeSet<AllocationId> {
        let lately = self.refused.iter().filter(|(_, at)| is_within(REFUSED, **at, now));
        lately.map(|(allocation, _)| allocation.clone()).collect()
    }

    /// Forgets those that no longer count, and takes in what events tell of the others.
    pub(super) fn refresh(&mut self, now: Timestamp, hints: &Hints) {
        self.writes.retain(|_, write| is_recent(write.at, now));
        self.refused.retain(|_, at| is_within(REFUSED, *at, now));
        self.doubt(hints);
    }
}

fn is_recent(at: Timestamp, now: Timestamp) -> bool {
    is_within(RECENT_WRITE, at, now)
}

fn is_within(span: Duration, at: Timestamp, now: Timestamp) -> bool {
    now.duration_since(at) < SignedDuration::try_from(span).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::hint::Origin;
    use crate::domain::ids::AllocationId;
    use crate::domain::observed::AddressAssociation;
    use crate::domain::scenario::{World, alloc, eni};

    const MOMENT: Duration = Duration::from_secs(2);

    fn at(second: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_secs(second)
    }

    fn event(allocation: AllocationId, second: i64) -> Hints {
        let origin = Origin { at: at(second), actor: "someone".to_owned() };
        Hints([(Hint::Address(allocation), Some(origin))].into())
    }

    /// What a look shows: interface 1 with or without address 1, and the address on this interface, free or gone.
    fn world(carries: bool, address: Option<Option<u32>>) -> World {
        let world = World::new().pool("p", &[1], 0).function("f", "p", &[1], &[1]).eni(1, 1, &[1]);
        let mut world = if carries { world.interface_says(1, 1) } else { world };
        match address {
            None => drop(world.observed.addresses.remove(&alloc(1))),
            Some(on) => {
                let bond =
                    on.map(|on| AddressAssociation { id: None, interface: Some(eni(on)), instance: None });
                world.observed.addresses.get_mut(&alloc(1)).expect("declared").association = bond;
            }
        }
        world
    }

    /// Whether the reservation of a write that ended in second 100 is still there after an event and a look.
    fn holds(event: &Hints, World { observed, .. }: &World) -> bool {
        let mut recent = RecentWrites::default();
        recent.note(eni(1), alloc(1), MOMENT, at(100));
        recent.refresh(at(110), event);
        recent.end_undone(|id| observed.interfaces.get(id), |id| Some(observed.addresses.get(id)));
        !recent.at(at(110)).is_empty()
    }

    #[test]
    fn a_reservation_ends_when_an_event_and_both_views_say_that_it_is_undone() {
        let later = event(alloc(1), 105);
        assert!(!holds(&later, &world(false, Some(Some(2)))), "it is elsewhere");
        assert!(!holds(&later, &world(false, None)), "it was released");
        assert!(!holds(&event(alloc(1), 98), &world(false, None)), "in the second in which the write began");
    }

    #[test]
    fn neither_an_event_nor_reads_alone_end_a_reservation() {
        let later = event(alloc(1), 105);
        assert!(holds(&Hints::default(), &world(false, Some(Some(2)))), "reads may be from before the write");
        assert!(holds(&event(alloc(1), 97), &world(false, Some(Some(2)))), "an event of before the write");
        assert!(holds(&event(alloc(2), 105), &world(false, Some(Some(2)))), "an event of another address");
        assert!(holds(&later, &world(true, Some(Some(2)))), "the interface shows it");
        assert!(holds(&later, &world(false, Some(Some(1)))), "the address says that it is there");
        assert!(holds(&later, &world(false, Some(None))), "what seems free goes to its interface again");
    }

    #[test]
    fn what_was_not_read_ends_nothing() {
        let mut recent = RecentWrites::default();
        recent.note(eni(1), alloc(1), MOMENT, at(100));
        recent.refresh(at(110), &event(alloc(1), 105));
        let World { observed, .. } = world(false, Some(Some(2)));
        recent.end_undone(|_| None, |id| Some(observed.addresses.get(id)));
        recent.end_undone(|id| observed.interfaces.get(id), |_| None);
        assert_eq!(recent.at(at(110)).len(), 1);
    }
}
