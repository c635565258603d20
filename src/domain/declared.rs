//! What the operator declared for one target, as it was written: functions by name or by tag, addresses by allocation,
//! by public address or by tag. What it amounts to depends on what AWS shows, and is for `resolve`. A `Declared` is
//! valid by construction as far as that can be told offline (the configuration room checks it).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::Ipv4Addr;

use super::desired::{Allocations, Desired, PinPlace};
use super::function::FunctionRef;
use super::ids::{AllocationId, PoolName};
use super::policy::BystanderPolicy;
use super::priority::Priority;
use super::tag::Tag;
use super::versions::Versions;

/// The declaration of one target.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Declared {
    /// The declared pools, the inline ones of single tables included.
    pub pools: BTreeMap<PoolName, DeclaredPool>,
    /// The tables of functions in the order of the file: where two tags select one function, the first counts.
    pub functions: Vec<DeclaredFunctions>,
}

/// A set of Elastic IPs from which functions are served: those that are listed, and those that bear the tag.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DeclaredPool {
    /// Those that are listed.
    pub addresses: BTreeSet<AddressName>,
    /// What the others bear.
    pub tag: Option<Tag>,
    /// How many of them the operator wants free, for interfaces that AWS adds by itself.
    pub min_spare: usize,
    /// What is done about undeclared functions that would leave from them.
    pub bystanders: BystanderPolicy,
}

/// How an Elastic IP is named.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum AddressName {
    /// By its allocation.
    Allocation(AllocationId),
    /// By the address itself.
    PublicIp(Ipv4Addr),
}

/// One table of functions, and the addresses they may leave from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeclaredFunctions {
    /// Which functions.
    pub which: Which,
    /// The pool they are served from.
    pub pool: PoolName,
    /// Narrows the pool in a subnet or a zone; where both are pinned, both hold.
    pub pins: BTreeMap<PinPlace, BTreeSet<AddressName>>,
    /// Which of their versions count.
    pub versions: Versions,
    /// Who is served first where addresses are short.
    pub priority: Priority,
}

/// Which functions a table is of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Which {
    /// The one of this name.
    Named(FunctionRef),
    /// Every function of the account and region that bears this tag, as `$LATEST`.
    Tagged(Tag),
}

impl Declared {
    /// The functions that are named.
    pub fn named(&self) -> impl Iterator<Item = &FunctionRef> {
        self.functions.iter().filter_map(|functions| match &functions.which {
            Which::Named(function) => Some(function),
            Which::Tagged(_) => None,
        })
    }

    /// Whether what it amounts to shows only in AWS.
    #[must_use]
    pub fn is_open(&self) -> bool {
        let is_open = |pool: &DeclaredPool| pool.tag.is_some();
        let is_tagged = |functions: &DeclaredFunctions| matches!(functions.which, Which::Tagged(_));
        self.pools.values().any(is_open)
            || self.functions.iter().any(is_tagged)
            || self.names_of_addresses().any(|name| matches!(name, AddressName::PublicIp(_)))
    }

    /// The tags that select functions.
    #[must_use]
    pub fn function_tags(&self) -> BTreeSet<Tag> {
        let tag = |functions: &DeclaredFunctions| match &functions.which {
            Which::Named(_) => None,
            Which::Tagged(tag) => Some(tag.clone()),
        };
        self.functions.iter().filter_map(tag).collect()
    }

    /// The tags that select addresses.
    #[must_use]
    pub fn address_tags(&self) -> BTreeSet<Tag> {
        self.pools.values().filter_map(|pool| pool.tag.clone()).collect()
    }

    /// The allocations that are named.
    #[must_use]
    pub fn allocations(&self) -> BTreeSet<AllocationId> {
        let names = self.names_of_addresses().filter_map(|name| match name {
            AddressName::Allocation(allocation) => Some(allocation.clone()),
            AddressName::PublicIp(_) => None,
        });
        names.collect()
    }

    /// The public addresses that are named.
    #[must_use]
    pub fn public_ips(&self) -> BTreeSet<Ipv4Addr> {
        let names = self.names_of_addresses().filter_map(|name| match name {
            AddressName::Allocation(_) => None,
            AddressName::PublicIp(ip) => Some(*ip),
        });
        names.collect()
    }

    fn names_of_addresses(&self) -> impl Iterator<Item = &AddressName> {
        let pinned = self.functions.iter().flat_map(|functions| functions.pins.values().flatten());
        self.pools.values().flat_map(|pool| &pool.addresses).chain(pinned)
    }
}

/// What is desired already leaves nothing open.
impl From<&Desired> for Declared {
    fn from(desired: &Desired) -> Self {
        let names = |ids: &Allocations| ids.iter().cloned().map(AddressName::Allocation).collect();
        let pools = desired.pools.iter().map(|(name, pool)| {
            let declared = DeclaredPool {
                addresses: names(&pool.allocations),
                tag: None,
                min_spare: pool.min_spare,
                bystanders: pool.bystanders,
            };
            (name.clone(), declared)
        });
        let functions = desired.functions.iter().map(|(function, desired)| DeclaredFunctions {
            which: Which::Named(function.clone()),
            pool: desired.pool.clone(),
            pins: desired.pins.iter().map(|(place, ids)| (place.clone(), names(ids))).collect(),
            versions: desired.versions,
            priority: desired.priority,
        });
        Self { pools: pools.collect(), functions: functions.collect() }
    }
}

impl fmt::Display for AddressName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Allocation(allocation) => allocation.fmt(f),
            Self::PublicIp(ip) => ip.fmt(f),
        }
    }
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(function) => write!(f, "function `{function}`"),
            Self::Tagged(tag) => write!(f, "functions tagged `{tag}`"),
        }
    }
}
