//! Why a thing is as it is: everything that one observation and its plan know of a function, an interface or an address,
//! which rule holds for it, and what would change it. Reads facts and says them; plans nothing and judges by nothing of
//! its own, so that it can't tell another story than the plan does.

mod address;
mod function;
mod interface;
pub mod rule;
mod wrong;

#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::sync::Arc;

use serde::Serialize;

pub use address::AddressStory;
pub use function::FunctionStory;
pub use interface::InterfaceStory;

use super::desired::Desired;
use super::drift::{Drift, Place, drift};
use super::function::{FunctionRef, Pair};
use super::ids::{AllocationId, NetworkInterfaceId, PoolName};
use super::observed::Observed;
use super::plan::Plan;
use super::policy::{Mode, TakeFrom};
use super::report::Breaker;
use super::roster::Roster;

/// What is to be explained.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Subject {
    /// A function, one of its versions or one of its aliases.
    Function(FunctionRef),
    /// A network interface.
    Interface(NetworkInterfaceId),
    /// An Elastic IP by its allocation.
    Address(AllocationId),
    /// A public address, whether it is an Elastic IP or not.
    PublicIp(IpAddr),
}

/// What an explanation is made from.
pub struct Facts<'a> {
    /// What is declared.
    pub desired: &'a Desired,
    /// What was seen. Besides what a pass sees it may hold what is asked about: a function or an address that nobody
    /// declared.
    pub observed: &'a Observed,
    /// What would be done.
    pub plan: &'a Plan,
    /// Every function of the region, where it was asked for.
    pub region: &'a Region,
    /// Whether the configuration lets the daemon change anything.
    pub mode: Mode,
    /// From what it lets addresses be taken.
    pub take_from: TakeFrom,
    /// Why disruptions are held back, if they are.
    pub breaker: Option<Breaker>,
}

/// Who uses which pair in a region, declared or not.
#[derive(Clone, Debug, Default)]
pub struct Region {
    /// Every version of every function.
    pub roster: Arc<Roster>,
    /// Why a part of it is not known; empty when all of it is.
    pub gaps: Vec<String>,
}

/// The functions that use an interface and are not declared.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Others {
    /// By name.
    pub functions: Vec<FunctionRef>,
    /// The published versions that use it besides, of whatever function.
    pub versions: Vec<FunctionRef>,
    /// Why there may be more; empty when all of them are known.
    pub gaps: Vec<String>,
}

/// The explanation of a subject.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Story {
    /// Of a function.
    Function(FunctionStory),
    /// Of a network interface.
    Interface(InterfaceStory),
    /// Of an Elastic IP, or of another public address.
    Address(AddressStory),
}

/// Explains a subject; nothing when neither the configuration nor the observation knows it.
#[must_use]
pub fn explain(subject: &Subject, facts: &Facts<'_>) -> Option<Story> {
    let drift = drift(facts.desired, facts.observed);
    match subject {
        Subject::Function(function) => function::story(function, facts).map(Story::Function),
        Subject::Interface(id) => interface::story(id, facts, &drift).map(Story::Interface),
        Subject::Address(allocation) => address::story(allocation, facts, &drift).map(Story::Address),
        Subject::PublicIp(ip) => match address::allocation_of(*ip, facts) {
            Some(allocation) => address::story(&allocation, facts, &drift).map(Story::Address),
            None => address::story_of_ip(*ip, facts).map(Story::Address),
        },
    }
}

impl Facts<'_> {
    /// The pools that declare an address, in their order.
    fn pools_of(&self, allocation: &AllocationId) -> Vec<PoolName> {
        let pools = self.desired.pools.iter().filter(|(_, pool)| pool.allocations.contains(allocation));
        pools.map(|(name, _)| name.clone()).collect()
    }

    /// Who uses a pair and is not declared.
    fn others_of(&self, pair: &Pair) -> Others {
        let users = self.region.roster.users_of(pair).iter();
        let undeclared = users.filter(|user| !self.desired.functions.contains_key(*user)).cloned();
        let (versions, functions) = undeclared.partition(|user| user.qualifier().is_some());
        Others { functions, versions, gaps: self.region.gaps.clone() }
    }

    fn public_ip(&self, allocation: &AllocationId) -> Option<IpAddr> {
        self.observed.addresses.get(allocation).map(|address| address.public_ip)
    }

    /// Where a declared address is, in words.
    fn whereabouts(&self, allocation: &AllocationId, drift: &Drift<'_>) -> Whereabouts {
        let number = drift.number_of(allocation).filter(|_| !self.pools_of(allocation).is_empty());
        match number.map(|number| drift.place(number)) {
            None => address::undeclared(allocation, self),
            Some(Place::Associated) if let Some(carrier) = wrong::carrier(allocation, drift) => {
                address::wrong(carrier)
            }
            Some(place) => place.into(),
        }
    }
}

/// Where an address is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Whereabouts {
    /// A stable name, for machines.
    pub state: &'static str,
    /// In words: `is free`, `is on …`.
    pub text: String,
}

impl Facts<'_> {
    /// By whom a planned change is made.
    fn who_acts(&self) -> &'static str {
        match self.mode {
            Mode::Enforce => "the next pass of a daemon, or `eipd apply`",
            Mode::Observe => "`safety.mode = \"enforce\"`: now nothing is changed",
        }
    }
}
