//! Who took an address off an interface, as the event that told of it says: kept until the interface is covered again, so
//! that the change which mends it, or the reason why nothing can, names who brought it about, whichever address is at
//! issue then. A cache, safe to lose.

use std::collections::{BTreeMap, BTreeSet};

use super::known::Known;
use crate::domain::hint::{Hint, Hints, Origin};
use crate::domain::ids::NetworkInterfaceId;
use crate::domain::reason::Uncovered;

/// More than this at a time are no stray hand; the rest is told without a name.
const KEPT_MAX: usize = 1000;

/// The interfaces that lost an address, with the event that told of it.
#[derive(Default)]
pub(super) struct Blames {
    origins: BTreeMap<NetworkInterfaceId, Origin>,
}

impl Blames {
    /// Takes notice of events that tell of an address, or of an interface that carried one when it was last seen.
    pub(super) fn note(&mut self, hints: &Hints, known: &Known) {
        for (hint, origin) in &hints.0 {
            let Some(origin) = origin else { continue };
            let losers: BTreeSet<NetworkInterfaceId> = match hint {
                Hint::Address(allocation) => known.carriers_of(allocation).cloned().collect(),
                Hint::Interface(id, _) if known.declared_on(id).next().is_some() => {
                    std::iter::once(id.clone()).collect()
                }
                Hint::Interface(..) | Hint::Function(_) | Hint::Any(_) | Hint::Selection(_) => {
                    BTreeSet::new()
                }
            };
            for loser in losers {
                if self.origins.len() < KEPT_MAX || self.origins.contains_key(&loser) {
                    self.origins.insert(loser, origin.clone());
                }
            }
        }
    }

    /// The event after which this interface was without its address.
    pub(super) fn of(&self, interface: &NetworkInterfaceId) -> Option<&Origin> {
        self.origins.get(interface)
    }

    /// Names in what is uncovered who brought it about, and forgets what no longer is.
    pub(super) fn put_into(&mut self, uncovered: &mut [Uncovered]) {
        let open: BTreeSet<_> = uncovered.iter().map(|one| one.network_interface_id.clone()).collect();
        self.origins.retain(|interface, _| open.contains(interface));
        for one in uncovered {
            one.cause = self.origins.get(&one.network_interface_id).cloned();
        }
    }
}
