//! Since when each uncovered interface has been so, as far as this process saw it. A cache: a restart begins anew.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::domain::ids::NetworkInterfaceId;

/// First sights of uncovered interfaces.
#[derive(Default)]
pub(super) struct Ledger {
    since: BTreeMap<NetworkInterfaceId, Instant>,
}

impl Ledger {
    /// Takes in the interfaces that are uncovered now; those not among them are forgotten, except for those that could not
    /// be seen.
    pub(super) fn note<'a>(
        &mut self,
        uncovered: impl Iterator<Item = &'a NetworkInterfaceId>,
        is_unseen: impl Fn(&NetworkInterfaceId) -> bool,
        now: Instant,
    ) {
        let mut before = std::mem::take(&mut self.since);
        self.since = uncovered.map(|id| (id.clone(), before.remove(id).unwrap_or(now))).collect();
        self.since.extend(before.into_iter().filter(|(id, _)| is_unseen(id)));
    }

    /// For how long the interface has been uncovered.
    pub(super) fn age(&self, interface: &NetworkInterfaceId, now: Instant) -> Option<Duration> {
        self.since.get(interface).map(|since| now.duration_since(*since))
    }

    /// For how long the longest uncovered of them has been so.
    pub(super) fn oldest<'a>(
        &self,
        of: impl Iterator<Item = &'a NetworkInterfaceId>,
        now: Instant,
    ) -> Option<Duration> {
        of.filter_map(|interface| self.age(interface, now)).max()
    }
}
