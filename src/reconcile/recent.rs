//! Associations that this process asked for within the last two minutes. Reads may not show them yet, so until then
//! the interface may only get that address again, and the address only go to that interface: repeating an
//! association is harmless, another one in its place would break it. A cache, safe to lose: law 3's second look and
//! AllowReassociation=false stand behind it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::domain::ids::{AllocationId, NetworkInterfaceId};
use crate::domain::observed::RECENT_WRITE;

/// The associations, each with its time.
#[derive(Default)]
pub(super) struct RecentWrites {
    writes: BTreeMap<NetworkInterfaceId, (AllocationId, Timestamp)>,
    refused: BTreeMap<AllocationId, Timestamp>,
}

/// After this a refused address is as good as any: somebody may have mended its tags or the policy.
const REFUSED: Duration = Duration::from_secs(15 * 60);

impl RecentWrites {
    /// Remembers one that AWS accepted, or may have accepted.
    pub(super) fn note(&mut self, interface: NetworkInterfaceId, allocation: AllocationId, at: Timestamp) {
        self.writes.insert(interface, (allocation, at));
    }

    /// What the interface got was taken from it.
    pub(super) fn forget(&mut self, interface: &NetworkInterfaceId) {
        self.writes.remove(interface);
    }

    /// Those that still count.
    pub(super) fn at(&self, now: Timestamp) -> BTreeMap<NetworkInterfaceId, AllocationId> {
        let fresh = self.writes.iter().filter(|(_, (_, at))| is_recent(*at, now));
        fresh.map(|(interface, (allocation, _))| (interface.clone(), allocation.clone())).collect()
    }

    /// After how long the first of these interfaces may get another address than what it was given.
    pub(super) fn next<'a>(
        &self,
        bound: impl Iterator<Item = &'a NetworkInterfaceId>,
        now: Timestamp,
    ) -> Option<Duration> {
        let elapsed = bound.filter_map(|interface| Some(now.duration_since(self.writes.get(interface)?.1)));
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

    /// Forgets those that no longer count.
    pub(super) fn forget_old(&mut self, now: Timestamp) {
        self.writes.retain(|_, (_, at)| is_recent(*at, now));
        self.refused.retain(|_, at| is_within(REFUSED, *at, now));
    }
}

fn is_recent(at: Timestamp, now: Timestamp) -> bool {
    is_within(RECENT_WRITE, at, now)
}

fn is_within(span: Duration, at: Timestamp, now: Timestamp) -> bool {
    now.duration_since(at) < SignedDuration::try_from(span).unwrap_or_default()
}
