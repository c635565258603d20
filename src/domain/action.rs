//! A change to AWS that a plan names, and what became of it. An action leaves no choice to whoever carries it out.

use std::net::IpAddr;
use std::sync::Arc;

use serde::Serialize;

use super::function::FunctionRef;
use super::ids::{AllocationId, NetworkInterfaceId};

/// One change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Action {
    /// What is done.
    pub kind: ActionKind,
    /// The address.
    pub allocation_id: AllocationId,
    /// The address as the world sees it.
    pub public_ip: IpAddr,
    /// The interface that it is done to.
    pub network_interface_id: NetworkInterfaceId,
    /// The interface that the address is taken from; only for a move.
    pub from: Option<NetworkInterfaceId>,
    /// The address that the interface loses for it; only for a replacement.
    pub replaces: Option<AllocationId>,
    /// The declared functions that the interface serves.
    pub functions: Arc<[FunctionRef]>,
    /// Why.
    pub reason: ActionReason,
}

/// What is done.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionKind {
    /// A free address is given to an interface that carries none. Disrupts nothing.
    Associate,
    /// An address is taken from where it is, and given to an interface that carries none.
    Move,
    /// A free address takes the place of one that the interface should not carry.
    Replace,
    /// An address is taken off its interface, and stays allocated.
    Disassociate,
}

impl ActionKind {
    /// Every kind, for metrics that show a zero before the first change.
    pub const ALL: [Self; 4] = [Self::Associate, Self::Move, Self::Replace, Self::Disassociate];

    /// The name in plans, metrics and logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Associate => "associate",
            Self::Move => "move",
            Self::Replace => "replace",
            Self::Disassociate => "disassociate",
        }
    }
}

impl Action {
    /// Whether it may end egress that works: an address changes or leaves an interface that something may use. Nothing
    /// is lost where a bare interface gets a free address, or one from an interface that nothing uses (law 12).
    #[must_use]
    pub fn is_disruption(&self) -> bool {
        match self.kind {
            ActionKind::Associate => false,
            ActionKind::Move => self.reason == ActionReason::Named,
            ActionKind::Replace | ActionKind::Disassociate => true,
        }
    }

    /// The address that leaves the interface, if one does.
    #[must_use]
    pub fn takes_off(&self) -> Option<&AllocationId> {
        match self.kind {
            ActionKind::Associate | ActionKind::Move => None,
            ActionKind::Replace => self.replaces.as_ref(),
            ActionKind::Disassociate => Some(&self.allocation_id),
        }
    }

    /// The address that the interface gets, if it gets one.
    #[must_use]
    pub fn gives(&self) -> Option<&AllocationId> {
        (self.kind != ActionKind::Disassociate).then_some(&self.allocation_id)
    }
}

/// Why an action is planned.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionReason {
    /// The interface serves a declared function and carries no address.
    Bare,
    /// The interface is about to serve a declared function and carries no address yet.
    Upcoming,
    /// The interface got this address moments ago, and no read shows it any more.
    Lost,
    /// The interface carries no address, none is free, and this one is on an interface that nothing uses any more.
    Retired,
    /// The interface carries an address of ours that is not in its set.
    Wrong,
    /// The address or its function has left the configuration, and no declared function needs it where it is.
    Removed,
    /// An operator named the address or the interface.
    Named,
    /// An operator takes the declared addresses off.
    Drained,
}

impl ActionReason {
    /// The name in plans and logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Upcoming => "upcoming",
            Self::Lost => "lost",
            Self::Retired => "retired",
            Self::Wrong => "wrong",
            Self::Removed => "removed",
            Self::Named => "named",
            Self::Drained => "drained",
        }
    }
}

/// What became of an action.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Not tried: this was only a plan.
    Planned,
    /// Carried out and confirmed by reading back.
    Done,
    /// Tried, and not known to be carried out.
    Failed,
    /// Not tried: the gate, the clock or a changed world stood against it.
    Skipped,
}

impl Outcome {
    /// Every outcome, for metrics that show a zero before the first change.
    pub const ALL: [Self; 4] = [Self::Planned, Self::Done, Self::Failed, Self::Skipped];

    /// The name in reports, metrics and logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}
