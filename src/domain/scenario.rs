//! Small worlds for tests: what is declared and what was observed, written in a few lines. Things are numbered;
//! address 7 is `eipalloc-00000007` and 198.51.100.7. Unless said otherwise, addresses exist and are free, and
//! interfaces are in use, bare and ours. Used by tests alone; never builds what an observation could not hold.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use smallvec::SmallVec;

use super::action::{Action, ActionKind, ActionReason};
use super::desired::{Allocations, Desired, DesiredFunction, PinPlace, Pool};
use super::function::{
    FunctionConfiguration, FunctionObservation, FunctionRef, FunctionState, LastUpdate, Pair, SecurityGroups,
    VpcConfig,
};
use super::ids::{AccountId, AllocationId, NetworkInterfaceId, PoolName, SecurityGroupId, SubnetId, ZoneId};
use super::leave::Leave;
use super::network::{Network, RouteTable, Way};
use super::observed::{
    Address, AddressAssociation, Gap, Interface, InterfaceAssociation, InterfaceStatus, Observed, Part,
};
use super::plan::{Plan, Verdict, plan};
use super::policy::BystanderPolicy;
use super::priority::Priority;
use super::roster::Roster;
use super::versions::Versions;

mod audited;
mod disruption;
mod egress;
mod golden;
mod laws;
mod matching;
mod observation;
mod priority;
mod resolving;
mod versions;
mod worlds;

/// What is declared, and what was observed.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) desired: Desired,
    pub(crate) observed: Observed,
}

pub(crate) fn alloc(n: u32) -> AllocationId {
    format!("eipalloc-{n:08x}").parse().expect("well-formed")
}

pub(crate) fn eni(n: u32) -> NetworkInterfaceId {
    format!("eni-{n:08x}").parse().expect("well-formed")
}

pub(crate) fn subnet(n: u32) -> SubnetId {
    format!("subnet-{n:08x}").parse().expect("well-formed")
}

pub(crate) fn groups(numbers: &[u32]) -> SecurityGroups {
    let group = |n: &u32| format!("sg-{n:08x}").parse::<SecurityGroupId>().expect("well-formed");
    numbers.iter().map(group).collect()
}

pub(crate) fn zone_id(n: u32) -> ZoneId {
    format!("euw1-az{n}").parse().expect("well-formed")
}

pub(crate) fn ip(n: u32) -> IpAddr {
    Ipv4Addr::from(0xC633_6400 + n).into()
}

pub(crate) fn function(name: &str) -> FunctionRef {
    name.parse().expect("well-formed")
}

pub(crate) fn pool(name: &str) -> PoolName {
    name.parse().expect("well-formed")
}

pub(crate) fn allocations(numbers: &[u32]) -> Allocations {
    numbers.iter().map(|n| alloc(*n)).collect::<std::collections::BTreeSet<_>>().into()
}

pub(crate) fn vpc(subnets: &[u32], security_groups: &[u32]) -> VpcConfig {
    VpcConfig {
        subnets: subnets.iter().map(|n| subnet(*n)).collect(),
        security_groups: groups(security_groups),
        dual_stack: false,
    }
}

pub(crate) fn configuration(vpc: Option<VpcConfig>) -> FunctionConfiguration {
    FunctionConfiguration {
        vpc,
        former_vpc: None,
        versions: BTreeMap::new(),
        state: Some(FunctionState::Active),
        last_update: Some(LastUpdate::Successful),
        on_capacity_provider: false,
        timeout: Duration::from_secs(60),
    }
}

/// A change that a test makes up, with the functions that it claims.
pub(crate) fn associate(address: u32, interface: u32, functions: &[&str]) -> Action {
    Action {
        kind: ActionKind::Associate,
        allocation_id: alloc(address),
        public_ip: ip(address),
        network_interface_id: eni(interface),
        from: None,
        replaces: None,
        functions: functions.iter().map(|name| function(name)).collect(),
        reason: ActionReason::Bare,
    }
}

/// The number in an id of ours.
pub(crate) fn number(id: &(impl fmt::Display + ?Sized)) -> u32 {
    let id = id.to_string();
    id.rsplit('-').next().and_then(|digits| u32::from_str_radix(digits, 16).ok()).expect("made here")
}

impl World {
    pub(crate) fn new() -> Self {
        let account: AccountId = "111122223333".parse().expect("well-formed");
        let observed = Observed {
            at: Timestamp::UNIX_EPOCH,
            account,
            interfaces: BTreeMap::new(),
            addresses: BTreeMap::new(),
            functions: BTreeMap::new(),
            recent_writes: BTreeMap::new(),
            refused: BTreeSet::new(),
            retired: BTreeSet::new(),
            network: Arc::default(),
            leave: Leave::default(),
            remarks: Vec::new(),
            roster: Some(Arc::default()),
            roster_trouble: None,
            gaps: Vec::new(),
        };
        Self { desired: Desired::default(), observed }
    }

    /// Declares a pool, and lets its addresses exist.
    pub(crate) fn pool(mut self, name: &str, numbers: &[u32], min_spare: usize) -> Self {
        let declared = Pool { allocations: allocations(numbers), min_spare, ..Pool::default() };
        self.desired.pools.insert(pool(name), declared);
        for &n in numbers {
            let address = Address {
                allocation: alloc(n),
                public_ip: ip(n),
                border_group: Some("eu-west-1".into()),
                association: None,
                managed_by: None,
            };
            self.observed.addresses.entry(alloc(n)).or_insert(address);
        }
        self
    }

    /// Declares a function, and lets it be active in these subnets with these security groups.
    pub(crate) fn function(self, name: &str, pool: &str, subnets: &[u32], groups: &[u32]) -> Self {
        let observation = FunctionObservation::Known(configuration(Some(vpc(subnets, groups))));
        self.function_as(name, pool, observation)
    }

    /// Declares a function that was observed otherwise.
    pub(crate) fn function_as(mut self, name: &str, of: &str, observation: FunctionObservation) -> Self {
        let declared = DesiredFunction {
            pool: pool(of),
            pins: BTreeMap::new(),
            versions: Versions::Live,
            priority: Priority::default(),
        };
        self.desired.functions.insert(function(name), declared);
        self.observed.functions.insert(function(name), observation);
        self
    }

    /// Changes how a known function was observed.
    pub(crate) fn configure(mut self, name: &str, change: impl FnOnce(&mut FunctionConfiguration)) -> Self {
        match self.observed.functions.get_mut(&function(name)) {
            Some(FunctionObservation::Known(configuration)) => change(configuration),
            other => panic!("`{name}` is {other:?}"),
        }
        self
    }

    /// Lets all versions of the account be listed: each with its subnets and groups.
    pub(crate) fn listed(mut self, versions: &[(&str, &[u32], &[u32])]) -> Self {
        let version = |(name, subnets, groups): &(&str, &[u32], &[u32])| {
            (function(name), configuration(Some(vpc(subnets, groups))))
        };
        self.observed.roster = Some(Arc::new(Roster::of(versions.iter().map(version))));
        self
    }

    /// Lets a version of a declared function count besides.
    pub(crate) fn counts(self, name: &str, number: u64, subnets: &[u32], groups: &[u32]) -> Self {
        self.configure(name, |shown| {
            shown.versions.insert(number, vpc(subnets, groups));
        })
    }

    /// Lets a pool deny bystanders.
    pub(crate) fn denies(mut self, name: &str) -> Self {
        self.desired.pools.get_mut(&pool(name)).expect("declared before").bystanders = BystanderPolicy::Deny;
        self
    }

    /// Declares a function's priority.
    pub(crate) fn priority(mut self, name: &str, number: i64) -> Self {
        let declared = self.desired.functions.get_mut(&function(name)).expect("declared before");
        declared.priority = Priority::new(number).expect("within the bounds");
        self
    }

    pub(crate) fn pin(mut self, name: &str, place: PinPlace, numbers: &[u32]) -> Self {
        let declared = self.desired.functions.get_mut(&function(name)).expect("declared before");
        declared.pins.insert(place, allocations(numbers));
        self
    }

    pub(crate) fn pin_subnet(self, name: &str, n: u32, numbers: &[u32]) -> Self {
        self.pin(name, PinPlace::Subnet(subnet(n)), numbers)
    }

    pub(crate) fn eni(mut self, n: u32, in_subnet: u32, security_groups: &[u32]) -> Self {
        let interface = Interface {
            id: eni(n),
            owner: self.observed.account.clone(),
            pair: Pair { subnet: subnet(in_subnet), security_groups: groups(security_groups) },
            zone: Some("eu-west-1a".into()),
            zone_id: Some(zone_id(1)),
            status: InterfaceStatus::InUse,
            associations: SmallVec::new(),
            denies_internet_gateway: false,
        };
        self.observed.interfaces.insert(eni(n), interface);
        self
    }

    /// Changes how an interface was observed.
    pub(crate) fn with_eni(mut self, n: u32, change: impl FnOnce(&mut Interface)) -> Self {
        change(self.observed.interfaces.get_mut(&eni(n)).expect("there before"));
        self
    }

    pub(crate) fn waiting(self, n: u32) -> Self {
        self.with_eni(n, |interface| interface.status = InterfaceStatus::Waiting)
    }

    /// Changes how an address was observed.
    pub(crate) fn with_address(mut self, n: u32, change: impl FnOnce(&mut Address)) -> Self {
        change(self.observed.addresses.get_mut(&alloc(n)).expect("there before"));
        self
    }

    pub(crate) fn without_address(mut self, n: u32) -> Self {
        self.observed.addresses.remove(&alloc(n));
        self
    }

    /// Both views show the address on the interface.
    pub(crate) fn on(self, address: u32, interface: u32) -> Self {
        self.address_says(address, interface).interface_says(interface, address)
    }

    /// No view shows the address on the interface any more.
    pub(crate) fn off(self, address: u32, interface: u32) -> Self {
        let world = self.with_address(address, |address| address.association = None);
        world.with_eni(interface, |interface| {
            interface.associations.retain(|shown| shown.allocation != Some(alloc(address)));
        })
    }

    /// Only DescribeAddresses shows it.
    pub(crate) fn address_says(self, address: u32, interface: u32) -> Self {
        self.with_address(address, |address| {
            address.association =
                Some(AddressAssociation { id: None, interface: Some(eni(interface)), instance: None });
        })
    }

    /// Only DescribeNetworkInterfaces shows it.
    pub(crate) fn interface_says(self, interface: u32, address: u32) -> Self {
        self.with_eni(interface, |interface| {
            let association =
                InterfaceAssociation { allocation: Some(alloc(address)), public_ip: Some(ip(address)) };
            interface.associations.push(association);
        })
    }

    pub(crate) fn wrote(mut self, interface: u32, address: u32) -> Self {
        self.observed.recent_writes.insert(eni(interface), alloc(address));
        self
    }

    /// The subnets were read, and those of them that are named last lead nowhere.
    pub(crate) fn network(mut self, subnets: &[u32], dead_ends: &[u32]) -> Self {
        let asked = subnets.iter().map(|n| subnet(*n)).collect();
        let leads = |n: &u32| match dead_ends.contains(n) {
            true => Way::Elsewhere(format!("NAT gateway `nat-{n}`")),
            false => Way::InternetGateway("igw-1".to_owned()),
        };
        let table = |n: &u32| RouteTable {
            id: format!("rtb-{n:08x}").parse().expect("well-formed"),
            vpc: "vpc-00000001".parse().expect("well-formed"),
            is_main: false,
            subnets: [subnet(*n)].into(),
            ipv4: leads(n),
            ipv6: Way::Missing,
        };
        let tables: Vec<RouteTable> = subnets.iter().map(table).collect();
        self.observed.network = Arc::new(Network::of(&asked, Vec::new(), &tables));
        self
    }

    pub(crate) fn gap(mut self, part: Part) -> Self {
        self.observed.gaps.push(Gap { part, message: format!("{part:?} incomplete") });
        self
    }

    pub(crate) fn plan(&self) -> Plan {
        plan(&self.desired, &self.observed)
    }

    /// What AWS would show after the plan's changes.
    pub(crate) fn after(mut self, plan: &Plan) -> Self {
        for action in &plan.actions {
            let (interface, address) = (number(&action.network_interface_id), number(&action.allocation_id));
            if let Some(lost) = action.takes_off() {
                self = self.off(number(lost), interface);
            }
            if action.gives().is_some() {
                self = self.on(address, interface);
            }
        }
        self
    }

    /// The verdicts in short, for tables: `1 keeps 2`, `1 gets 2`, `1 lacks: no_free_address`.
    pub(crate) fn verdicts(&self) -> Vec<String> {
        let line = |interface: &super::plan::InterfacePlan| {
            let n = number(&interface.network_interface_id);
            let verdict = match &interface.verdict {
                Verdict::Covered(address, _) => format!("{n} keeps {}", number(address)),
                Verdict::Gets(address, _) => format!("{n} gets {}", number(address)),
                Verdict::Uncovered(reason) => format!("{n} lacks: {}", reason.code()),
            };
            verdict + if interface.dead_end.is_some() { ", no way out" } else { "" }
        };
        self.plan().interfaces.iter().map(line).collect()
    }

    /// The kinds of the plan's warnings.
    pub(crate) fn warnings(&self) -> Vec<&'static str> {
        self.plan().warnings.iter().map(|warning| warning.kind.as_str()).collect()
    }
}
