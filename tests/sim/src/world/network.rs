//! VPCs, subnets, route tables and security groups: what a Lambda interface stands on.
//!
//! They are made by a scenario; by the wire they are read, and security groups are made too. No function is known here.

use super::{Refusal, SubnetIx, World};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// A VPC.
#[derive(Clone, Debug)]
pub struct Vpc {
    /// Its id.
    pub id: String,
    /// The internet gateway attached to it, if one is.
    pub internet_gateway: Option<String>,
    /// The id of its main route table, which has no default route.
    pub main_route_table: String,
}

/// Where a subnet's default route leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RouteTarget {
    /// To the VPC's internet gateway: Elastic IPs work here.
    InternetGateway,
    /// To a NAT gateway with this id.
    NatGateway(String),
    /// There is no default route; the subnet uses the VPC's main route table.
    None,
}

/// A subnet.
#[derive(Clone, Debug)]
pub struct Subnet {
    /// Its id.
    pub id: String,
    /// Its VPC's id.
    pub vpc: String,
    /// The availability zone's name, such as `eu-west-1a`.
    pub zone: String,
    /// The availability zone's id, such as `euw1-az1`.
    pub zone_id: String,
    /// The network border group of the zone; an Elastic IP must be of the same one (AWS.md section 2; confirmed).
    pub border_group: String,
    /// The owner; another account's when the subnet is shared with this one.
    pub owner: String,
    /// Its own route table's id.
    pub route_table: String,
    /// Its default route.
    pub default_route: RouteTarget,
    /// What its route table has for ::/0: the id of an internet gateway or of an egress-only one.
    pub ipv6_route: Option<String>,
    /// The rules of its network ACL, in their order.
    pub acl: Vec<AclRule>,
    pub(crate) block: u32,
    pub(crate) used: u32,
    pub(crate) interfaces: Vec<usize>,
}

impl Subnet {
    /// The id of its network ACL, which it shares with no other.
    pub fn acl_id(&self) -> String {
        self.id.replacen("subnet-", "acl-", 1)
    }

    /// Its block of 4,096 private addresses.
    pub fn cidr(&self) -> String {
        format!("{}/20", Ipv4Addr::from(self.block))
    }
}

/// A rule of a network ACL; the last one, which denies all, is not among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AclRule {
    /// Its number: the lowest that fits decides.
    pub number: u16,
    /// Whether it is for what leaves the subnet.
    pub is_egress: bool,
    /// Whether it allows.
    pub allows: bool,
    /// The other side.
    pub block: String,
    /// The TCP ports; none means every protocol.
    pub ports: Option<(u16, u16)>,
}

impl AclRule {
    /// What a VPC's own ACL has: everything is allowed in both directions.
    pub fn open() -> Vec<Self> {
        let rule = |is_egress| Self {
            number: 100,
            is_egress,
            allows: true,
            block: "0.0.0.0/0".to_owned(),
            ports: None,
        };
        vec![rule(true), rule(false)]
    }
}

/// A security group.
#[derive(Clone, Debug)]
pub struct SecurityGroup {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its VPC's id.
    pub vpc: String,
    /// Whether it lets everything out, as a new group does.
    pub open_egress: bool,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

impl World {
    /// A new VPC with an internet gateway. Returns its id.
    pub fn create_vpc(&mut self) -> String {
        let vpc = Vpc {
            id: self.ids.id("vpc"),
            internet_gateway: Some(self.ids.id("igw")),
            main_route_table: self.ids.id("rtb"),
        };
        let id = vpc.id.clone();
        self.vpcs.insert(id.clone(), vpc);
        id
    }

    /// A new subnet in the zone with this letter (`a`, `b`, …), of the region's own border group, with a default
    /// route to the internet gateway. Returns its id.
    pub fn create_subnet(&mut self, vpc: &str, zone_letter: char) -> String {
        assert!(self.vpcs.contains_key(vpc), "the scenario names a VPC that exists: {vpc}");
        let place = u32::try_from(self.subnets.len()).expect("fewer than 2^32 subnets");
        let region = self.config.region.clone();
        let number = u32::from(zone_letter).saturating_sub(u32::from('a')) + 1;
        let subnet = Subnet {
            id: self.ids.id("subnet"),
            vpc: vpc.to_owned(),
            zone: format!("{region}{zone_letter}"),
            zone_id: format!("{}-az{number}", short_region(&region)),
            border_group: region,
            owner: self.config.account.clone(),
            route_table: self.ids.id("rtb"),
            default_route: RouteTarget::InternetGateway,
            ipv6_route: None,
            acl: AclRule::open(),
            block: u32::from(Ipv4Addr::new(10, 0, 0, 0)) + ((place % 4096) << 12),
            used: 0,
            interfaces: Vec::new(),
        };
        let id = subnet.id.clone();
        self.subnet_ids.insert(id.clone(), self.subnets.len());
        self.subnets.push(subnet);
        id
    }

    /// A new security group. Returns its id.
    pub fn create_security_group(&mut self, vpc: &str, name: &str) -> String {
        let id = self.ids.id("sg");
        let group = SecurityGroup {
            id: id.clone(),
            name: name.to_owned(),
            vpc: vpc.to_owned(),
            open_egress: true,
            tags: BTreeMap::new(),
        };
        self.groups.insert(id.clone(), group);
        id
    }

    /// Deletes a security group.
    ///
    /// # Errors
    /// `InvalidGroup.NotFound`; `DependencyViolation` while an interface has it (AWS.md section 2, last entry; confirmed).
    pub fn delete_security_group(&mut self, group: &str) -> Result<(), Refusal> {
        if !self.groups.contains_key(group) {
            let message = format!("The security group '{group}' does not exist");
            return Err(Refusal::new("InvalidGroup.NotFound", message));
        }
        if self.interfaces().any(|interface| interface.groups.iter().any(|id| id == group)) {
            let message = format!("resource {group} has a dependent object");
            return Err(Refusal::new("DependencyViolation", message));
        }
        self.groups.remove(group);
        Ok(())
    }

    /// Changes a subnet, as a scenario wishes: its zone, border group, owner or route.
    pub fn change_subnet(&mut self, subnet: &str, change: impl FnOnce(&mut Subnet)) {
        let place = self.subnet_at(subnet);
        change(&mut self.subnets[place]);
    }

    /// Changes a VPC, say by taking its internet gateway away.
    pub fn change_vpc(&mut self, vpc: &str, change: impl FnOnce(&mut Vpc)) {
        change(self.vpcs.get_mut(vpc).expect("the scenario names a VPC that exists"));
    }

    /// Changes a security group.
    pub fn change_security_group(&mut self, group: &str, change: impl FnOnce(&mut SecurityGroup)) {
        change(self.groups.get_mut(group).expect("the scenario names a security group that exists"));
    }

    /// All VPCs, by id.
    pub fn vpcs(&self) -> impl Iterator<Item = &Vpc> {
        self.vpcs.values()
    }

    /// All subnets, in the order of their creation.
    pub fn subnets(&self) -> &[Subnet] {
        &self.subnets
    }

    /// The subnet with this id.
    pub fn subnet(&self, id: &str) -> Option<&Subnet> {
        self.subnet_ids.get(id).map(|place| &self.subnets[*place])
    }

    /// The VPC with this id.
    pub fn vpc(&self, id: &str) -> Option<&Vpc> {
        self.vpcs.get(id)
    }

    /// All security groups, by id.
    pub fn security_groups(&self) -> impl Iterator<Item = &SecurityGroup> {
        self.groups.values()
    }

    /// The security group with this id.
    pub fn security_group(&self, id: &str) -> Option<&SecurityGroup> {
        self.groups.get(id)
    }

    pub(crate) fn subnet_at(&self, id: &str) -> SubnetIx {
        *self.subnet_ids.get(id).expect("the scenario names a subnet that exists")
    }

    pub(crate) fn next_private_ip(&mut self, subnet: SubnetIx) -> Ipv4Addr {
        let subnet = &mut self.subnets[subnet];
        subnet.used += 1;
        Ipv4Addr::from(subnet.block + 4 + (subnet.used - 1) % 4091)
    }
}

/// `eu-west-1` as `euw1`, the prefix of its zone ids.
fn short_region(region: &str) -> String {
    let mut parts = region.split('-');
    let mut short = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        short.push_str(part.get(..1).unwrap_or_default());
    }
    short
}
