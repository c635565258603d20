//! Associations that this process asked for within the last two minutes. Reads may not show them yet, so until then
//! the interface may only get that address again, and the address only go to that interface: repeating an
//! association is harmless, another one in its place would break it. A cache, safe to lose: law 3's second look and
//! AllowReassociation=false stand behind it.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::domain::ids::{AllocationId, NetworkInterfaceId};
use crate::domain::observed::RECENT_WRITE;

/// The associations, each with its time.
#[derive(Default)]
pub(super) struct RecentWrites {
    writes: BTreeMap<NetworkInterfaceId, (AllocationId, Timestamp)>,
}

impl RecentWrites {
    /// Remembers one that AWS accepted, or may have accepted.
    pub(super) fn note(&mut self, interface: NetworkInterfaceId, allocation: AllocationId, at: Timestamp) {
        self.writes.insert(interface, (allocation, at));
    }

    /// Those that still count.
    pub(super) fn at(&self, now: Timestamp) -> BTreeMap<NetworkInterfaceId, AllocationId> {
        let fresh = self.writes.iter().filter(|(_, (_, at))| is_recent(*at, now));
        fresh.map(|(interface, (allocation, _))| (interface.clone(), allocation.clone())).collect()
    }

    /// Forgets those that no longer count.
    pub(super) fn forget_old(&mut self, now: Timestamp) {
        self.writes.retain(|_, (_, at)| is_recent(*at, now));
    }
}

fn is_recent(at: Timestamp, now: Timestamp) -> bool {
    now.duration_since(at) < SignedDuration::try_from(RECENT_WRITE).unwrap_or_default()
}
