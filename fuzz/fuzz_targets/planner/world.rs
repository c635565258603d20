//! Small worlds from arbitrary bytes, as odd as observations get. Things are numbered, and numbers are taken modulo how many
//! there are, so that most bytes give a world in which much has to do with each other.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use arbitrary::Arbitrary;
use eipd_fuzz::domain::desired::{Allocations, Desired, DesiredFunction, PinPlace, Pool};
use eipd_fuzz::domain::function::{
    FunctionConfiguration, FunctionObservation, FunctionRef, FunctionState, LastUpdate, Pair, SecurityGroups,
    VpcConfig,
};
use eipd_fuzz::domain::ids::{AllocationId, NetworkInterfaceId, SubnetId};
use eipd_fuzz::domain::leave::{Leave, Named};
use eipd_fuzz::domain::network::Network;
use eipd_fuzz::domain::observed::{
    Address, AddressAssociation, Gap, Interface, InterfaceAssociation, InterfaceStatus, Observed, Part,
};
use eipd_fuzz::domain::policy::{BystanderPolicy, OnRemoved};
use eipd_fuzz::domain::priority::Priority;
use eipd_fuzz::domain::roster::Roster;
use eipd_fuzz::domain::versions::Versions;
use jiff::Timestamp;

const POOLS: [&str; 3] = ["p", "q", "r"];
const FUNCTIONS: [&str; 6] = ["e", "f", "f:1", "g", "h:live", "i"];
const LISTED: [&str; 6] = ["e", "e:1", "f:1", "f:2", "stranger", "stranger:3"];
const GROUPS: [&[u8]; 4] = [&[1], &[1, 2], &[2], &[]];
const ZONES: [&str; 3] = ["eu-west-1a", "eu-west-1b", "eu-west-1-lon-1a"];
const ADDRESSES: u8 = 16;
const INTERFACES: u8 = 16;
const SUBNETS: u8 = 4;

/// The facts of a pass, as numbers.
#[derive(Arbitrary, Debug)]
pub(crate) struct World {
    pools: [RawPool; 3],
    functions: Vec<RawFunction>,
    interfaces: Vec<RawInterface>,
    addresses: Vec<RawAddress>,
    listed: Option<Vec<(u8, RawVpc)>>,
    writes: Vec<(u8, u8)>,
    refused: u16,
    retired: u16,
    leave: RawLeave,
    gaps: u8,
}

#[derive(Arbitrary, Debug)]
struct RawPool {
    allocations: u16,
    min_spare: u8,
    is_partial: bool,
    denies: bool,
}

#[derive(Arbitrary, Debug)]
struct RawVpc {
    subnets: u8,
    groups: u8,
}

#[derive(Arbitrary, Debug)]
struct RawFunction {
    pool: u8,
    pins: Vec<(u8, u16)>,
    versions: u8,
    priority: i8,
    kind: u8,
    vpc: Option<RawVpc>,
    former: Option<RawVpc>,
    counted: Vec<(u8, RawVpc)>,
    state: u8,
}

#[derive(Arbitrary, Debug)]
struct RawInterface {
    subnet: u8,
    groups: u8,
    zone: u8,
    zone_id: u8,
    status: u8,
    oddity: u8,
    carries: Vec<(Option<u8>, Option<u8>)>,
}

#[derive(Arbitrary, Debug)]
struct RawAddress {
    /// One in eight is not shown.
    shown: u8,
    border_group: u8,
    managed: u8,
    on: Option<(Option<u8>, bool)>,
}

#[derive(Arbitrary, Debug)]
struct RawLeave {
    disassociates: bool,
    former: u16,
    unneeded: Vec<(u8, u8)>,
    drained: u16,
    named_addresses: u16,
    named_interfaces: u16,
}

fn alloc(n: u8) -> AllocationId {
    format!("eipalloc-{:08x}", n % ADDRESSES).parse().expect("well-formed")
}

fn ip(n: u8) -> IpAddr {
    Ipv4Addr::new(198, 51, 100, n % ADDRESSES).into()
}

fn eni(n: u8) -> NetworkInterfaceId {
    format!("eni-{:08x}", n % INTERFACES).parse().expect("well-formed")
}

fn subnet(n: u8) -> SubnetId {
    format!("subnet-{:08x}", n % SUBNETS).parse().expect("well-formed")
}

fn groups(n: u8) -> SecurityGroups {
    let numbers = GROUPS[usize::from(n) % GROUPS.len()].iter();
    numbers.map(|group| format!("sg-{group:08x}").parse().expect("well-formed")).collect()
}

/// The numbers of the bits that are set.
fn members(bits: u16) -> impl Iterator<Item = u8> {
    (0..16_u8).filter(move |n| bits >> n & 1 == 1)
}

fn allocations(bits: u16) -> BTreeSet<AllocationId> {
    members(bits).map(alloc).collect()
}

impl RawVpc {
    fn of(&self) -> VpcConfig {
        let subnets = members(u16::from(self.subnets % 16)).map(subnet).collect();
        VpcConfig { subnets, security_groups: groups(self.groups), dual_stack: self.groups % 2 == 1 }
    }
}

fn configuration(vpc: Option<VpcConfig>) -> FunctionConfiguration {
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

impl RawFunction {
    fn desired(&self, pools: &BTreeMap<String, Allocations>) -> DesiredFunction {
        let pool = POOLS[usize::from(self.pool) % POOLS.len()];
        let pin = |(place, bits): &(u8, u16)| {
            let place = match place % 8 {
                n @ 0..4 => PinPlace::Subnet(subnet(n)),
                n => PinPlace::Zone(format!("euw1-az{}", n % 3 + 1).parse().expect("well-formed")),
            };
            // A pin lies within its pool, by construction.
            let within: BTreeSet<_> = allocations(*bits).intersection(&pools[pool]).cloned().collect();
            (place, Allocations::from(within))
        };
        DesiredFunction {
            pool: pool.parse().expect("well-formed"),
            pins: self.pins.iter().take(4).map(pin).collect(),
            versions: [Versions::Live, Versions::All, Versions::Latest][usize::from(self.versions) % 3],
            priority: Priority::new(i64::from(self.priority % 3)).expect("within the bounds"),
        }
    }

    fn observation(&self) -> FunctionObservation {
        match self.kind % 8 {
            0 => return FunctionObservation::NotFound,
            1 => return FunctionObservation::Unknown,
            _ => {}
        }
        let states =
            [FunctionState::Active, FunctionState::Pending, FunctionState::Inactive, FunctionState::Failed];
        let updates = [LastUpdate::Successful, LastUpdate::InProgress, LastUpdate::Failed, LastUpdate::Other];
        FunctionObservation::Known(FunctionConfiguration {
            former_vpc: self.former.as_ref().map(RawVpc::of),
            versions: self.counted.iter().take(3).map(|(n, vpc)| (u64::from(*n), vpc.of())).collect(),
            state: states.get(usize::from(self.state % 5)).copied(),
            last_update: updates.get(usize::from(self.state / 5 % 5)).copied(),
            on_capacity_provider: self.kind % 8 == 2,
            ..configuration(self.vpc.as_ref().map(RawVpc::of))
        })
    }
}

impl RawInterface {
    fn interface(&self, n: u8) -> Interface {
        let status = [
            InterfaceStatus::InUse,
            InterfaceStatus::InUse,
            InterfaceStatus::Waiting,
            InterfaceStatus::Detaching,
        ];
        let owner = if self.oddity % 8 == 0 { "999988887777" } else { "111122223333" };
        let carried = |(allocation, address): &(Option<u8>, Option<u8>)| InterfaceAssociation {
            allocation: allocation.map(alloc),
            public_ip: address.map(ip),
        };
        Interface {
            id: eni(n),
            owner: owner.parse().expect("well-formed"),
            pair: Pair { subnet: subnet(self.subnet), security_groups: groups(self.groups) },
            zone: ZONES.get(usize::from(self.zone % 4)).map(|zone| (*zone).into()),
            zone_id: (self.zone_id % 4 > 0)
                .then(|| format!("euw1-az{}", self.zone_id % 4).parse().expect("well-formed")),
            status: status[usize::from(self.status) % 4],
            associations: self.carries.iter().take(2).map(carried).collect(),
            denies_internet_gateway: self.oddity % 8 == 1,
        }
    }
}

impl RawAddress {
    fn address(&self, n: u8) -> Option<Address> {
        let border_groups = ["eu-west-1", "eu-west-1", "eu-west-1-lon-1"];
        let place = |(interface, on_instance): (Option<u8>, bool)| AddressAssociation {
            id: None,
            interface: interface.map(eni),
            instance: on_instance.then(|| "i-0abc".to_owned()),
        };
        (self.shown % 8 > 0).then(|| Address {
            allocation: alloc(n),
            public_ip: ip(n),
            border_group: border_groups.get(usize::from(self.border_group % 4)).map(|group| (*group).into()),
            association: self.on.map(place),
            managed_by: (self.managed % 16 == 0).then(|| "nlb".to_owned()),
        })
    }
}

impl RawLeave {
    /// Formerly declared addresses are none that are declared, by construction.
    fn leave(&self, declared: &BTreeSet<AllocationId>) -> Leave {
        Leave {
            on_removed: if self.disassociates { OnRemoved::Disassociate } else { OnRemoved::Keep },
            former: allocations(self.former).difference(declared).cloned().collect(),
            unneeded: self
                .unneeded
                .iter()
                .take(4)
                .map(|(address, interface)| (alloc(*address), eni(*interface)))
                .collect(),
            drained: allocations(self.drained).intersection(declared).cloned().collect(),
            named: Named {
                addresses: allocations(self.named_addresses).intersection(declared).cloned().collect(),
                interfaces: members(self.named_interfaces).map(eni).collect(),
            },
        }
    }
}

impl World {
    /// What is declared, and what was observed.
    pub(crate) fn facts(&self) -> (Desired, Observed) {
        let desired = self.desired();
        let declared = desired.allocations();
        let functions = self.declared_functions().map(|(name, raw)| (name, raw.observation())).collect();
        let interfaces =
            (0..INTERFACES).zip(&self.interfaces).map(|(n, raw)| (eni(n), raw.interface(n))).collect();
        let addresses =
            (0..ADDRESSES).zip(&self.addresses).filter_map(|(n, raw)| Some((alloc(n), raw.address(n)?)));
        let version = |(n, vpc): &(u8, RawVpc)| {
            let name: FunctionRef = LISTED[usize::from(*n) % LISTED.len()].parse().expect("well-formed");
            (name, configuration(Some(vpc.of())))
        };
        let parts = [Part::Interfaces, Part::Addresses, Part::Functions];
        // Mostly the observation is complete.
        let gaps = parts.iter().zip([0x81, 0x82, 0x84]).filter(|(_, bits)| self.gaps & bits == *bits);
        let observed = Observed {
            at: Timestamp::UNIX_EPOCH,
            account: "111122223333".parse().expect("well-formed"),
            interfaces,
            addresses: addresses.collect(),
            functions,
            recent_writes: self
                .writes
                .iter()
                .take(4)
                .map(|(interface, address)| (eni(*interface), alloc(*address)))
                .collect(),
            refused: allocations(self.refused),
            retired: members(self.retired).map(eni).collect(),
            network: Arc::new(Network::default()),
            leave: self.leave.leave(&declared),
            remarks: Vec::new(),
            roster: self
                .listed
                .as_ref()
                .map(|listed| Arc::new(Roster::of(listed.iter().take(8).map(version)))),
            roster_trouble: None,
            gaps: gaps.map(|(part, _)| Gap { part: *part, message: String::new() }).collect(),
        };
        (desired, observed)
    }

    fn declared_functions(&self) -> impl Iterator<Item = (FunctionRef, &RawFunction)> {
        let named = FUNCTIONS.iter().zip(&self.functions);
        named.map(|(name, raw)| (name.parse().expect("well-formed"), raw))
    }

    fn desired(&self) -> Desired {
        let sets: BTreeMap<String, Allocations> = POOLS
            .iter()
            .zip(&self.pools)
            .map(|(name, raw)| ((*name).to_owned(), Allocations::from(allocations(raw.allocations))))
            .collect();
        let pool = |(name, raw): (&&str, &RawPool)| {
            let pool = Pool {
                allocations: Arc::clone(&sets[*name]),
                min_spare: usize::from(raw.min_spare % 4),
                is_partial: raw.is_partial,
                bystanders: if raw.denies { BystanderPolicy::Deny } else { BystanderPolicy::Report },
                ..Pool::default()
            };
            (name.parse().expect("well-formed"), pool)
        };
        Desired {
            pools: POOLS.iter().zip(&self.pools).map(pool).collect(),
            functions: self.declared_functions().map(|(name, raw)| (name, raw.desired(&sets))).collect(),
        }
    }
}
