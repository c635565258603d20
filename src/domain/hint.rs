//! What an event says may have changed: a reason to look at one corner, never a fact. The pass that a hint causes reads
//! the facts itself, so a forged or stale hint costs at worst a read.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use super::action::Action;
use super::function::Pair;
use super::ids::{AllocationId, NetworkInterfaceId};
use super::observed::Part;

/// A corner to look at.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Hint {
    /// An interface was made, has changed or is gone. The pair, where it is told, saves a read and decides nothing.
    Interface(NetworkInterfaceId, Option<Pair>),
    /// An address was put on something, taken off, released or allocated.
    Address(AllocationId),
    /// A function of this name, one of its versions or one of its aliases has changed.
    Function(Arc<str>),
    /// Something of this sort, and nobody can tell what: an address where only the bond is told, say.
    Any(Part),
    /// Something of this sort was made, and a tag or a public address of the configuration may select it.
    Selection(Part),
}

/// Where a hint comes from.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Origin {
    /// When it happened, as the event tells.
    pub at: Timestamp,
    /// Who did it, as the event tells.
    pub actor: String,
}

/// What is to be looked at, each with its earliest origin; nothing for what the daemon looks at by itself.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Hints(pub BTreeMap<Hint, Option<Origin>>);

impl Hints {
    /// Whether only a look at everything answers them.
    #[must_use]
    pub fn is_anywhere(&self) -> bool {
        self.0.keys().any(|hint| match hint {
            Hint::Any(Part::Interfaces | Part::Functions) | Hint::Selection(_) => true,
            Hint::Any(Part::Addresses) | Hint::Interface(..) | Hint::Address(_) | Hint::Function(_) => false,
        })
    }

    /// The origin of what an action mends: its interface's, its address's, or that of a function it serves, or of what could not be
    /// placed.
    #[must_use]
    pub fn origin_of(&self, action: &Action) -> Option<&Origin> {
        let concerns = |hint: &Hint| match hint {
            Hint::Interface(interface, _) => *interface == action.network_interface_id,
            Hint::Address(allocation) => *allocation == action.allocation_id,
            Hint::Function(name) => action.functions.iter().any(|function| function.name() == &**name),
            Hint::Any(_) | Hint::Selection(_) => true,
        };
        let origins =
            self.0.iter().filter(|(hint, _)| concerns(hint)).filter_map(|(_, origin)| origin.as_ref());
        origins.min_by_key(|origin| origin.at)
    }
}
