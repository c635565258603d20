//! What one observation of a target saw, with its time and its gaps. Stale and partial by nature: what is not here
//! was not seen, which is not the same as absent.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;
use smallvec::SmallVec;

use super::function::{FunctionObservation, FunctionRef, Pair};
use super::ids::{AccountId, AllocationId, AssociationId, NetworkInterfaceId, ZoneId};
use super::leave::Leave;
use super::network::Network;
use super::reason::Warning;
use super::roster::Roster;

/// How long a confirmed write of our own is remembered: AWS answers reads from copies that may lag
/// behind by seconds up to minutes (AWS.md 2, confirmed).
pub const RECENT_WRITE: std::time::Duration = std::time::Duration::from_secs(120);

/// One look at a target.
#[derive(Clone, Debug)]
pub struct Observed {
    /// When the look began.
    pub at: Timestamp,
    /// The account that the target's credentials belong to.
    pub account: AccountId,
    /// The Lambda interfaces of the region, of every owner that is visible.
    pub interfaces: BTreeMap<NetworkInterfaceId, Interface>,
    /// The declared addresses that exist.
    pub addresses: BTreeMap<AllocationId, Address>,
    /// The declared functions.
    pub functions: BTreeMap<FunctionRef, FunctionObservation>,
    /// Associations that this process made and saw confirmed within [`RECENT_WRITE`].
    pub recent_writes: BTreeMap<NetworkInterfaceId, AllocationId>,
    /// Addresses that EC2 refused to this process lately: others are better. Differs between replicas, as far as they were
    /// refused different ones.
    pub refused: BTreeSet<AllocationId>,
    /// Interfaces that no version of any function uses any more, and from which addresses may be taken (law 12).
    pub retired: BTreeSet<NetworkInterfaceId>,
    /// Where the subnets lead, as it was last read; what is not in it is unknown, which is no gap.
    pub network: Arc<Network>,
    /// What may be disturbed besides.
    pub leave: Leave,
    /// What became plain when the declaration was resolved by what was seen.
    pub remarks: Vec<Warning>,
    /// Every version of every function, as last listed; nothing while that is not known.
    pub roster: Option<Arc<Roster>>,
    /// Why the versions are not listed, or not anew, for the operator.
    pub roster_trouble: Option<String>,
    /// What could not be seen; empty means that the observation is complete.
    pub gaps: Vec<Gap>,
}

impl Observed {
    /// Whether nothing is missing from it.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.gaps.is_empty()
    }

    /// Whether an address is not shown though it may exist.
    #[must_use]
    pub fn is_unread(&self, allocation: &AllocationId) -> bool {
        self.lacks(Part::Addresses) && !self.addresses.contains_key(allocation)
    }

    /// Whether something of this kind could not be seen.
    #[must_use]
    pub fn lacks(&self, part: Part) -> bool {
        self.gaps.iter().any(|gap| gap.part == part)
    }
}

/// A part of an observation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Network interfaces.
    Interfaces,
    /// Elastic IPs.
    Addresses,
    /// Functions.
    Functions,
}

/// Something that could not be seen, and why.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Gap {
    /// Which part is incomplete.
    pub part: Part,
    /// For the operator: the failed call, its error, and what to do.
    pub message: String,
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// A network interface of type `lambda`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Interface {
    /// Its id.
    pub id: NetworkInterfaceId,
    /// The account that owns it; on a shared subnet not always ours (AWS.md 2).
    pub owner: AccountId,
    /// Its subnet and exact set of security groups.
    pub pair: Pair,
    /// The name of its availability zone, such as `eu-west-1a`.
    pub zone: Option<Arc<str>>,
    /// The id of its availability zone.
    pub zone_id: Option<ZoneId>,
    /// Where it is in its life.
    pub status: InterfaceStatus,
    /// The public addresses that it carries, as DescribeNetworkInterfaces shows them.
    pub associations: SmallVec<[InterfaceAssociation; 1]>,
    /// AWS refuses an Elastic IP for such an interface (AWS.md 2, confirmed).
    pub denies_internet_gateway: bool,
}

/// `Status` of an interface.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum InterfaceStatus {
    /// It serves.
    InUse,
    /// It was made and does not serve yet (`pending`, `available`, `associated`, `attaching`) or no longer does.
    Waiting,
    /// It is going away.
    Detaching,
}

/// An address on an interface, from the interface's side.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InterfaceAssociation {
    /// Nothing for a public address that is no Elastic IP.
    pub allocation: Option<AllocationId>,
    /// The public address.
    pub public_ip: Option<IpAddr>,
}

/// An allocated Elastic IP.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Address {
    /// Its allocation.
    pub allocation: AllocationId,
    /// The address itself.
    pub public_ip: IpAddr,
    /// Where it may be used; must equal the interface's (AWS.md 2, confirmed).
    pub border_group: Option<Arc<str>>,
    /// Where it is, as DescribeAddresses shows it.
    pub association: Option<AddressAssociation>,
    /// The AWS service that manages it (`alb`, `nlb`, …): such an address is never touched.
    pub managed_by: Option<String>,
}

/// An address in use, from the address's side.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct AddressAssociation {
    /// The id of the bond.
    pub id: Option<AssociationId>,
    /// Nothing when it is on an instance without a known interface.
    pub interface: Option<NetworkInterfaceId>,
    /// The instance that it is on, if any.
    pub instance: Option<String>,
}
