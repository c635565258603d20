//! Why something is as it should not be: typed, so that it reaches metrics, status, log and the operator's eyes
//! the same everywhere (law 9). Words only; decides nothing.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use serde::Serialize;

use super::bystanders::Strangers;
use super::declared::AddressName;
use super::function::FunctionRef;
use super::hint::Origin;
use super::ids::{AllocationId, NetworkInterfaceId, PoolName};
use super::network::DeadEnd;
use super::occupancy::Carried;
use super::priority::Priority;

/// Why an interface stays without an address of its set.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reason {
    /// Every address that it may carry is in use, held back or unusable.
    NoFreeAddress {
        /// The pool it is served from.
        pool: PoolName,
        /// How many addresses it may carry.
        candidates: usize,
        /// How many of them serve other interfaces.
        associated: usize,
        /// How many of them are still on interfaces that no declared function uses.
        lingering: usize,
        /// Who is served in its place, if that is by a higher priority.
        served_first: Option<Arc<Precedence>>,
    },
    /// None of the addresses that it may carry exists.
    AddressMissing(Vec<AddressName>),
    /// The addresses that it may carry sit on resources that are none of our business.
    AddressOnForeignResource(AllocationId, Option<IpAddr>, String),
    /// It carries an address outside its set.
    WrongAddress {
        /// What it carries.
        carried: Vec<Carried>,
        /// The pool of ours that declares one of them.
        declared_in: Option<PoolName>,
    },
    /// The declared functions that share it have no address in common.
    Conflict(Vec<Sharer>),
    /// Undeclared functions use it too and its pool denies them an address; nothing while it is not known who does.
    Bystanders(Option<Strangers>),
    /// No address that it may carry belongs to the network border group of its zone.
    BorderGroup(String),
    /// A function pins a zone, and EC2 does not show the interface's.
    ZoneUnknown,
    /// It has `DenyAllIgwTraffic`.
    DeniesInternetGateway,
    /// Its subnet has no way out to the internet, whatever it carries.
    NoInternetRoute {
        /// What it carries of its set, if anything.
        carried: Option<(AllocationId, Option<IpAddr>)>,
        /// The subnet, and where it leads instead.
        dead_end: Arc<DeadEnd>,
    },
    /// It was given this address moments ago, and reads do not agree yet.
    Settling(AllocationId, Option<IpAddr>),
    /// It does not serve yet, and the spare addresses are kept for interfaces that do.
    SpareHeldBack(PoolName),
    /// The addresses that it may carry could not be read.
    ObservationIncomplete,
    /// A plan that was not carried out gives it this address.
    Planned(AllocationId, IpAddr),
    /// The action that would cure it did not succeed in this pass.
    ActionFailed(String),
    /// The action that would cure it was not tried in this pass.
    ActionSkipped(String),
}

/// Whose higher priority it is that an interface stays without an address for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Precedence {
    /// A function of an interface that is served in its place.
    pub function: FunctionRef,
    /// Its priority.
    pub priority: Priority,
    /// The priority of the interface that stays without.
    pub over: Priority,
}

/// A declared function that shares an interface.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sharer {
    /// The function.
    pub function: FunctionRef,
    /// The pool it is served from.
    pub pool: PoolName,
    /// The published versions through which alone it shares the interface.
    pub versions: Vec<u64>,
}

impl fmt::Display for Sharer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` (", self.function)?;
        for (place, number) in self.versions.iter().enumerate() {
            write!(f, "{}{number}", if place == 0 { "by version " } else { ", " })?;
        }
        write!(f, "{}pool `{}`)", if self.versions.is_empty() { "" } else { "; " }, self.pool)
    }
}

impl Reason {
    /// Every code of a reason that a serving interface can be uncovered for, so that each kind starts at zero.
    pub const CODES: [&'static str; 16] = [
        "no_free_address",
        "address_missing",
        "address_on_foreign_resource",
        "wrong_address",
        "undeclared_address",
        "conflict",
        "bystanders",
        "border_group",
        "zone_unknown",
        "denies_internet_gateway",
        "no_internet_route",
        "settling",
        "observation_incomplete",
        "planned",
        "action_failed",
        "action_skipped",
    ];

    /// A stable name, for machines.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoFreeAddress { .. } => "no_free_address",
            Self::AddressMissing(_) => "address_missing",
            Self::AddressOnForeignResource(..) => "address_on_foreign_resource",
            Self::WrongAddress { declared_in: Some(_), .. } => "wrong_address",
            Self::WrongAddress { declared_in: None, .. } => "undeclared_address",
            Self::Conflict(_) => "conflict",
            Self::Bystanders(_) => "bystanders",
            Self::BorderGroup(_) => "border_group",
            Self::ZoneUnknown => "zone_unknown",
            Self::DeniesInternetGateway => "denies_internet_gateway",
            Self::NoInternetRoute { .. } => "no_internet_route",
            Self::Settling(..) => "settling",
            Self::SpareHeldBack(_) => "spare_held_back",
            Self::ObservationIncomplete => "observation_incomplete",
            Self::Planned(..) => "planned",
            Self::ActionFailed(_) => "action_failed",
            Self::ActionSkipped(_) => "action_skipped",
        }
    }
}

impl Reason {
    /// Whether one more address in the right place would cure it.
    #[must_use]
    pub fn is_want_of_addresses(&self) -> bool {
        match self {
            Self::NoFreeAddress { .. }
            | Self::AddressMissing(_)
            | Self::AddressOnForeignResource(..)
            | Self::BorderGroup(_) => true,
            Self::WrongAddress { .. }
            | Self::Conflict(_)
            | Self::Bystanders(_)
            | Self::DeniesInternetGateway
            | Self::NoInternetRoute { .. }
            | Self::ZoneUnknown
            | Self::Settling(..)
            | Self::SpareHeldBack(_)
            | Self::ObservationIncomplete
            | Self::Planned(..)
            | Self::ActionFailed(_)
            | Self::ActionSkipped(_) => false,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoFreeAddress { pool, candidates, associated, lingering, served_first } => {
                let fates = [*associated, *lingering];
                no_free_address(f, pool, *candidates, fates, served_first.as_deref())
            }
            Self::AddressMissing(ids) => {
                write!(
                    f,
                    "{} not found in this account and region",
                    list(ids.iter().map(|id| format!("`{id}`")))
                )
            }
            Self::AddressOnForeignResource(id, ip, what) => {
                write!(f, "{} is on {what}, which eipd never touches", in_words(id, *ip))
            }
            Self::WrongAddress { carried, declared_in } => {
                write!(f, "carries {}, ", carried_in_words(carried))?;
                match declared_in {
                    Some(pool) => write!(f, "which belongs to pool `{pool}`"),
                    None => write!(f, "which no pool declares"),
                }
            }
            Self::Conflict(functions) => write!(
                f,
                "shared by {}, whose addresses have none in common; hint: give them one pool or separate security groups",
                list(functions.iter().map(ToString::to_string))
            ),
            Self::Bystanders(Some(strangers)) => write!(
                f,
                "used by {} too, not declared, and its pool denies bystanders; hint: declare them, or move one \
                 side to other security groups",
                named(strangers)
            ),
            Self::Bystanders(None) => write!(
                f,
                "its pool denies bystanders, and who uses it is not known until all versions are listed"
            ),
            Self::BorderGroup(group) => {
                write!(f, "no address of its pool belongs to network border group `{group}`")
            }
            Self::ZoneUnknown => write!(
                f,
                "EC2 does not show its zone id, so whether a pin on a zone holds is not known; hint: pin its subnet"
            ),
            Self::DeniesInternetGateway => {
                write!(f, "it has DenyAllIgwTraffic, so EC2 refuses it any address")
            }
            Self::NoInternetRoute { carried: Some((id, ip)), dead_end } => {
                write!(f, "carries {}, but {dead_end}", Shown(id, *ip))
            }
            Self::NoInternetRoute { carried: None, dead_end } => write!(f, "{dead_end}"),
            Self::Settling(id, ip) => write!(
                f,
                "got {} moments ago, which is not seen on it; after two minutes it may get another",
                in_words(id, *ip)
            ),
            Self::SpareHeldBack(pool) => {
                write!(
                    f,
                    "does not serve yet, and the spare addresses of pool `{pool}` are kept for those that do"
                )
            }
            Self::ObservationIncomplete => write!(f, "its addresses could not be read"),
            Self::Planned(id, ip) => write!(f, "would get {ip} (`{id}`); nothing is changed here"),
            Self::ActionFailed(why) | Self::ActionSkipped(why) => f.write_str(why),
        }
    }
}

/// What became of the addresses that an interface might carry: those in use, those that linger, and the rest.
fn no_free_address(
    f: &mut fmt::Formatter<'_>,
    pool: &PoolName,
    candidates: usize,
    [in_use, lingering]: [usize; 2],
    served_first: Option<&Precedence>,
) -> fmt::Result {
    let rest = candidates.saturating_sub(in_use + lingering);
    let be = |number: usize| if number == 1 { "is" } else { "are" };
    let fates = [
        (in_use, format!("{} in use", be(in_use))),
        (lingering, format!("{} still on an interface that no declared function uses", be(lingering))),
        (rest, "cannot be had for now".to_owned()),
    ];
    let fates: Vec<_> = fates.iter().filter(|(number, _)| *number > 0).collect();
    f.write_str("no free address: ")?;
    match fates.as_slice() {
        [] => write!(f, "pool `{pool}` has none for it")?,
        [_] if rest > 1 => write!(f, "none of the {rest} that pool `{pool}` has for it can be had for now")?,
        [(1, fate)] => write!(f, "the only one that pool `{pool}` has for it {fate}")?,
        [(2, fate)] => write!(f, "both that pool `{pool}` has for it {fate}")?,
        [(number, fate)] => write!(f, "all {number} that pool `{pool}` has for it {fate}")?,
        several => {
            let told = several.iter().map(|(number, fate)| format!("{number} {fate}"));
            write!(f, "of the {candidates} that pool `{pool}` has for it, {}", list(told))?;
        }
    }
    if let Some(Precedence { function, priority, over }) = served_first {
        write!(f, "; `{function}` is served first, by priority {priority} over {over}")?;
    }
    write!(f, "; hint: add an allocation to the pool")
}

/// An address in a message: as the world sees it, where that is known, and its allocation.
pub(super) fn in_words(id: &AllocationId, public_ip: Option<IpAddr>) -> String {
    match public_ip {
        Some(ip) => format!("{ip} (`{id}`)"),
        None => format!("`{id}`"),
    }
}

/// What an interface carries, in a message.
pub(super) fn carried_in_words(carried: &[Carried]) -> String {
    list(carried.iter().map(shown))
}

fn shown(carried: &Carried) -> String {
    match (&carried.allocation_id, carried.public_ip) {
        (Some(id), public_ip) => in_words(id, public_ip),
        (None, Some(ip)) => ip.to_string(),
        (None, None) => "an address that EC2 does not name".to_owned(),
    }
}

/// Some of the functions, and how many more there are: there may be hundreds.
#[must_use]
pub fn named(functions: &[FunctionRef]) -> String {
    const NAMED: usize = 5;
    let names = list(functions.iter().take(NAMED).map(|function| format!("`{function}`")));
    match functions.len().saturating_sub(NAMED) {
        0 => names,
        more => format!("{names} and {more} more"),
    }
}

fn list(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join(", ")
}

/// An interface that no change of this pass gives an address of its set.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Uncovered {
    /// The interface.
    pub network_interface_id: NetworkInterfaceId,
    /// The declared functions that it serves.
    pub functions: Arc<[FunctionRef]>,
    /// The pool it is served from.
    pub pool: PoolName,
    /// Why.
    pub reason: Reason,
    /// The event that told how it lost its address, if one did.
    pub cause: Option<Origin>,
}

/// What an operator should know although no interface is uncovered for it, or before one is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Warning {
    /// Its kind.
    pub kind: WarningKind,
    /// What is the matter, and what to do.
    pub message: String,
}

macro_rules! warning_kinds {
    ($($(#[$doc:meta])* $name:ident = $code:literal,)*) => {
        /// The kinds of warning; a closed set, since they are labels of metrics.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
        pub enum WarningKind {
            $($(#[$doc])* #[serde(rename = $code)] $name,)*
        }

        impl WarningKind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The name in reports, metrics and logs.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $code,)*
                }
            }
        }
    };
}

warning_kinds! {
    /// Lambda knows no such function.
    FunctionNotFound = "function_not_found",
    /// The function is not in a VPC, so no address of ours can be its own.
    FunctionNotInVpc = "function_not_in_vpc",
    /// The function was idle for so long that Lambda took its interfaces back.
    FunctionInactive = "function_inactive",
    /// The function's creation or last update failed.
    FunctionFailed = "function_failed",
    /// The function is active, and EC2 shows no interface of it where there must be one.
    FunctionWithoutInterface = "function_without_interface",
    /// The function runs on a capacity provider, whose interfaces eipd does not serve.
    FunctionOnCapacityProvider = "function_on_capacity_provider",
    /// The function could not be read.
    FunctionUnknown = "function_unknown",
    /// A declared address does not exist here.
    AddressMissing = "address_missing",
    /// A declared address is on something that is none of our business.
    AddressOnForeignResource = "address_on_foreign_resource",
    /// A declared address is on a Lambda interface that no declared function uses.
    AddressLingering = "address_lingering",
    /// An interface waits for an address that lingers on one which nobody declared uses, and may not be taken yet.
    TakingWaits = "taking_waits",
    /// An address that has left the configuration is still on a Lambda interface of ours.
    AddressRemoved = "address_removed",
    /// A pin names an address that its pool does not hold.
    PinOutsidePool = "pin_outside_pool",
    /// A function or an address is selected by two tags, or listed by two pools.
    SelectedTwice = "selected_twice",
    /// A tag selects no function, or no address.
    TagSelectsNothing = "tag_selects_nothing",
    /// A pool has fewer free addresses than the operator wants.
    PoolBelowMinSpare = "pool_below_min_spare",
    /// A function may use IPv6, and its subnet leads IPv6 to the internet past any address of ours.
    Ipv6Bypasses = "ipv6_bypasses",
    /// Where some subnets lead could not be read.
    RoutesUnknown = "routes_unknown",
    /// More disruptions are planned than are allowed, so none is made.
    BreakerOpen = "breaker_open",
    /// Undeclared functions use interfaces of declared ones, and leave from their addresses.
    Bystanders = "bystanders",
    /// Versions that do not count hold interfaces by themselves.
    HeldByOtherVersion = "held_by_other_version",
    /// The versions of all functions were never listed, so it is not known what else uses or needs an address.
    VersionsUnknown = "versions_unknown",
    /// The versions of all functions could not be listed anew, and the last list is used.
    VersionsStale = "versions_stale",
    /// A part of the observation is missing.
    ObservationIncomplete = "observation_incomplete",
}

impl WarningKind {
    /// Those of a function that no address can be given to.
    pub const UNSERVABLE: [Self; 3] =
        [Self::FunctionNotFound, Self::FunctionNotInVpc, Self::FunctionOnCapacityProvider];
}

/// A declared function that no address can be given to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unservable {
    /// The function.
    pub function: FunctionRef,
    /// Why.
    pub warning: Warning,
}

/// An address with its public face, for lists.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shown<'a>(pub &'a AllocationId, pub Option<IpAddr>);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.1 {
            Some(ip) => write!(f, "{ip} ({})", self.0),
            None => write!(f, "{}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_want_of_addresses_says_what_became_of_each() {
        let said = |candidates, associated, lingering| {
            let pool = "p".parse().expect("a name");
            let reason =
                Reason::NoFreeAddress { pool, candidates, associated, lingering, served_first: None };
            let reason = reason.to_string();
            let told = reason.strip_prefix("no free address: ").expect("what it is");
            told.strip_suffix("; hint: add an allocation to the pool").expect("what to do").to_owned()
        };
        let still = "still on an interface that no declared function uses";
        for (counts, wanted) in [
            ([0, 0, 0], "pool `p` has none for it".to_owned()),
            ([1, 1, 0], "the only one that pool `p` has for it is in use".to_owned()),
            ([2, 2, 0], "both that pool `p` has for it are in use".to_owned()),
            ([4, 4, 0], "all 4 that pool `p` has for it are in use".to_owned()),
            ([1, 0, 1], format!("the only one that pool `p` has for it is {still}")),
            ([1, 0, 0], "the only one that pool `p` has for it cannot be had for now".to_owned()),
            ([2, 0, 0], "none of the 2 that pool `p` has for it can be had for now".to_owned()),
            ([2, 1, 0], "of the 2 that pool `p` has for it, 1 is in use, 1 cannot be had for now".to_owned()),
            (
                [6, 3, 1],
                format!(
                    "of the 6 that pool `p` has for it, 3 are in use, 1 is {still}, 2 cannot be had for now"
                ),
            ),
        ] {
            let [candidates, associated, lingering] = counts;
            assert_eq!(said(candidates, associated, lingering), wanted);
        }
    }
}
