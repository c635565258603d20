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
    /// An address is taken from an interface that nothing uses any more, and given to one that carries none.
    Move,
}

impl ActionKind {
    /// Every kind, for metrics that show a zero before the first change.
    pub const ALL: [Self; 2] = [Self::Associate, Self::Move];

    /// The name in plans, metrics and logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Associate => "associate",
            Self::Move => "move",
        }
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
