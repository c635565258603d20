//! The law watch: what a caller with eipd's credentials must never do, recorded when it does.
//!
//! It only remembers; a call is refused by AWS's rules or not at all. Tests assert that nothing was recorded.

use super::{AddressIx, LastUpdate, World};
use crate::moment::Moment;
use std::collections::BTreeSet;
use std::time::Duration;

/// Whose hand makes a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hand {
    /// The daemon's credentials: watched.
    Eipd,
    /// Anybody else's.
    Stray,
}

/// Which law was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ViolationKind {
    /// A mutating call named an allocation outside [`World::manage`] (DESIGN.md law 1).
    UnmanagedAddress,
    /// A mutating call named an interface that no managed function ever used (law 1).
    UnmanagedInterface,
    /// A healthy association of an expected function's interface was broken (law 2).
    HealthyBroken,
    /// An address was taken from a Lambda interface that some version of some function uses (law 12).
    TakenFromUsed,
    /// The same, where no user's set has the address and each user's last update failed: what a failed function uses Lambda may
    /// not show (belief B10).
    WrongTakenFromFailed,
    /// An address was taken from a Lambda interface that nothing has used for less than [`World::grant_grace`] says
    /// (law 12).
    TakenTooSoon,
    /// An address was allocated or released (law 4).
    AddressAllocatedOrReleased,
}

/// A broken law.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// When.
    pub at: Moment,
    /// Which law.
    pub kind: ViolationKind,
    /// What was done to what.
    pub detail: String,
}

/// What is managed, and what was seen.
#[derive(Debug, Default)]
pub(crate) struct LawWatch {
    managed: Option<(BTreeSet<String>, BTreeSet<String>)>,
    violations: Vec<Violation>,
    repeats: Vec<Repeat>,
    grace: Duration,
}

/// An AssociateAddress of an address to the interface that it was on already. No law forbids it, but AWS may charge for it
/// (AWS.md section 2, confirmed).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeat {
    /// When.
    pub at: Moment,
    /// The allocation.
    pub allocation: String,
    /// The interface.
    pub interface: String,
}

impl World {
    /// Declares what eipd may name in a mutating call: these allocations, and interfaces that these functions (by name,
    /// without a qualifier) use or ever used. Until this is called anything may be named; said again, it adds.
    pub fn manage<A: AsRef<str>, F: AsRef<str>>(&mut self, allocations: &[A], functions: &[F]) {
        let (managed, names) = self.laws.managed.get_or_insert_default();
        managed.extend(allocations.iter().map(|id| id.as_ref().to_owned()));
        names.extend(functions.iter().map(|name| name.as_ref().to_owned()));
    }

    /// The functions that use or ever used an interface, by their names without qualifiers.
    pub fn ever_used(&self, interface: &str) -> BTreeSet<String> {
        let place = self.interface_place(interface);
        let pair = place.and_then(|place| self.interfaces[place].pair);
        pair.map(|pair| self.pairs[pair].ever.iter().cloned().collect()).unwrap_or_default()
    }

    /// How long nothing must have used an interface before its address may be taken; no time until this is called.
    pub fn grant_grace(&mut self, grace: Duration) {
        self.laws.grace = grace;
    }

    /// The laws that eipd's credentials broke, oldest first. Tests assert that there are none.
    pub fn violations(&self) -> &[Violation] {
        &self.laws.violations
    }

    /// What eipd's credentials gave once more to what had it already, oldest first.
    pub fn repeats(&self) -> &[Repeat] {
        &self.laws.repeats
    }

    /// Records that an address was given to the interface that it was on.
    pub(crate) fn watch_repeat(&mut self, hand: Hand, allocation: &str, interface: &str) {
        if hand == Hand::Eipd {
            let (allocation, interface) = (allocation.to_owned(), interface.to_owned());
            self.laws.repeats.push(Repeat { at: self.now, allocation, interface });
        }
    }

    /// Records that an address was allocated or released.
    pub(crate) fn watch_holding(&mut self, hand: Hand, detail: &str) {
        if hand == Hand::Eipd {
            self.violate(ViolationKind::AddressAllocatedOrReleased, detail.to_owned());
        }
    }

    /// Looks at the names in a mutating call, whether or not it then succeeds.
    pub(crate) fn watch_naming(
        &mut self,
        hand: Hand,
        operation: &str,
        allocation: Option<&str>,
        interface: Option<&str>,
    ) {
        let (Hand::Eipd, Some((managed, names))) = (hand, &self.laws.managed) else { return };
        let strange_address = allocation.filter(|id| !managed.contains(*id));
        let strange_interface = interface.filter(|id| {
            let place = self.interface_place(id);
            let pair = place.and_then(|place| self.interfaces[place].pair);
            !pair.is_some_and(|pair| self.pairs[pair].ever.iter().any(|name| names.contains(name)))
        });
        let found = [
            (ViolationKind::UnmanagedAddress, strange_address),
            (ViolationKind::UnmanagedInterface, strange_interface),
        ];
        for (kind, id) in found.map(|(kind, id)| (kind, id.map(|id| format!("{operation} named {id}")))) {
            if let Some(detail) = id {
                self.violate(kind, detail);
            }
        }
    }

    /// Looks at an association that is about to be broken. It is healthy when its address is in the set of every
    /// expected function version that uses the interface (DESIGN.md law 2).
    pub(crate) fn watch_breaking(&mut self, hand: Hand, operation: &str, address: AddressIx) {
        let Some(association) = self.addresses[address].association() else { return };
        let interface = &self.interfaces[association.interface];
        let (Hand::Eipd, Some(pair)) = (hand, interface.pair) else { return };
        let public_ip = &self.addresses[address].public_ip;
        let users = self.pairs[pair].users.iter().filter_map(|unit| self.units[*unit].watch);
        let mut watches = users.map(|watch| &self.watches[watch]).peekable();
        if watches.peek().is_some() && watches.all(|watch| watch.expected.contains(public_ip)) {
            let allocation = &self.addresses[address].allocation_id;
            let detail = format!("{operation} took {allocation} ({public_ip}) from {}", interface.id);
            self.violate(ViolationKind::HealthyBroken, detail);
        }
    }

    /// Looks at an address that is about to be moved to another interface: nothing may use the one it is on.
    pub(crate) fn watch_taking(&mut self, hand: Hand, address: AddressIx) {
        let Some(association) = self.addresses[address].association() else { return };
        let interface = &self.interfaces[association.interface];
        let (Hand::Eipd, Some(pair)) = (hand, interface.pair) else { return };
        let public_ip = &self.addresses[address].public_ip;
        let is_wrong_and_failed = |unit: &usize| {
            let expects = |watch: usize| self.watches[watch].expected.contains(public_ip);
            let unit = &self.units[*unit];
            unit.watch.is_some_and(|watch| !expects(watch))
                && matches!(unit.last_update, LastUpdate::Failed(_))
        };
        let kind = if !self.pairs[pair].users.is_empty() {
            match self.pairs[pair].users.iter().all(is_wrong_and_failed) {
                true => ViolationKind::WrongTakenFromFailed,
                false => ViolationKind::TakenFromUsed,
            }
        } else if self.now.since(self.pairs[pair].vacant_since) < self.laws.grace {
            ViolationKind::TakenTooSoon
        } else {
            return;
        };
        let allocation = &self.addresses[address].allocation_id;
        let detail = format!("{allocation} was taken from {}", interface.id);
        self.violate(kind, detail);
    }

    fn violate(&mut self, kind: ViolationKind, detail: String) {
        self.laws.violations.push(Violation { at: self.now, kind, detail });
    }
}
