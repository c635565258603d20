//! What interfaces stand on: VPCs, subnets, route tables, security groups, internet gateways, zones.
//!
//! Small listings, computed whole and then cut into pages. They are never stale.

use crate::wire::paging::Cursor;
use crate::wire::params::{Filter, Params};
use crate::wire::xml::Xml;
use crate::wire::{Failure, Office};
use crate::world::{AclRule, RouteTarget, SecurityGroup, Subnet, Vpc, World};

/// What the request asks for.
pub(crate) struct Query {
    operation: &'static str,
    set: &'static str,
    ids: Vec<String>,
    missing: &'static str,
    filters: Vec<Filter>,
    limit: Option<usize>,
    cursor: Cursor,
}

pub(crate) fn read(operation: &str, params: &Params) -> Result<Query, Failure> {
    let (operation, set, id, missing) = match operation {
        "DescribeSubnets" => ("DescribeSubnets", "subnetSet", "SubnetId", "InvalidSubnetID.NotFound"),
        "DescribeRouteTables" => {
            ("DescribeRouteTables", "routeTableSet", "RouteTableId", "InvalidRouteTableID.NotFound")
        }
        "DescribeSecurityGroups" => {
            ("DescribeSecurityGroups", "securityGroupInfo", "GroupId", "InvalidGroup.NotFound")
        }
        "DescribeNetworkAcls" => {
            ("DescribeNetworkAcls", "networkAclSet", "NetworkAclId", "InvalidNetworkAclID.NotFound")
        }
        "DescribeVpcs" => ("DescribeVpcs", "vpcSet", "VpcId", "InvalidVpcID.NotFound"),
        "DescribeAvailabilityZones" => {
            params.flag("AllAvailabilityZones")?;
            ("DescribeAvailabilityZones", "availabilityZoneInfo", "ZoneName", "InvalidParameterValue")
        }
        _ => (
            "DescribeInternetGateways",
            "internetGatewaySet",
            "InternetGatewayId",
            "InvalidInternetGatewayID.NotFound",
        ),
    };
    let ids: Vec<String> = params.list(id).into_iter().map(str::to_owned).collect();
    Ok(Query {
        operation,
        set,
        missing,
        filters: params.filters()?,
        limit: super::page_size(params, id, !ids.is_empty())?,
        ids,
        cursor: Cursor::of(params, "NextToken", "InvalidPaginationToken")?,
    })
}

/// One thing in a listing: its id, what filters see of it, and its element.
struct Item {
    id: String,
    facts: Vec<(&'static str, String)>,
    body: String,
}

pub(crate) fn describe(office: &mut Office<'_>, params: &Params, query: &Query) -> Result<String, Failure> {
    let world = &*office.world;
    let items: Vec<Item> = match query.operation {
        "DescribeSubnets" => world.subnets().iter().map(subnet).collect(),
        "DescribeRouteTables" => route_tables(world),
        "DescribeSecurityGroups" => {
            world.security_groups().map(|group| security_group(world, group)).collect()
        }
        "DescribeNetworkAcls" => world.subnets().iter().map(|subnet| network_acl(world, subnet)).collect(),
        "DescribeVpcs" => world.vpcs().map(|found| vpc(world, found)).collect(),
        "DescribeAvailabilityZones" => zones(world),
        _ => world.vpcs().filter_map(internet_gateway).collect(),
    };
    let known = known_filters(query.operation);
    let tagged = query.operation == "DescribeSecurityGroups";
    let knows = |name: &str| known.contains(&name) || (tagged && name.starts_with("tag:"));
    if let Some(strange) = query.filters.iter().find(|filter| !knows(&filter.name)) {
        return Err(super::unknown_filter(office, query.operation, &strange.name));
    }
    if let Some(id) = query.ids.iter().find(|id| !items.iter().any(|item| item.id == **id)) {
        return Err(Failure::new(query.missing, 400, format!("The ID '{id}' does not exist")));
    }
    let fits = |item: &&Item| {
        let holds = |filter: &Filter| {
            item.facts.iter().any(|(name, fact)| match (filter.name.strip_prefix("tag:"), *name) {
                (Some(key), "tag") => {
                    fact.split_once('=').is_some_and(|(found, value)| found == key && filter.accepts(value))
                }
                (_, name) => name == filter.name && filter.accepts(fact),
            })
        };
        (query.ids.is_empty() || query.ids.contains(&item.id)) && query.filters.iter().all(holds)
    };
    let shown: Vec<&Item> = items.iter().filter(fits).collect();
    let from = query.cursor.after.parse::<usize>().unwrap_or(0).min(shown.len());
    let until = query.limit.map_or(shown.len(), |limit| (from + limit).min(shown.len()));
    let mut xml = Xml::ec2(query.operation, &office.request_id, 0);
    xml.list(query.set, &shown[from..until], |xml, item| xml.raw(&item.body));
    if until < shown.len() {
        xml.leaf("nextToken", &query.cursor.next_token(params, &until.to_string()));
    }
    Ok(xml.end(query.operation))
}

fn known_filters(operation: &str) -> &'static [&'static str] {
    match operation {
        "DescribeSubnets" => {
            &["subnet-id", "vpc-id", "availability-zone", "availability-zone-id", "owner-id"]
        }
        "DescribeRouteTables" => {
            &["route-table-id", "vpc-id", "association.subnet-id", "association.main", "route.gateway-id"]
        }
        "DescribeSecurityGroups" => &["group-id", "vpc-id", "group-name", "owner-id"],
        "DescribeNetworkAcls" => &["network-acl-id", "vpc-id", "association.subnet-id"],
        "DescribeVpcs" => &["vpc-id", "owner-id"],
        "DescribeAvailabilityZones" => &["zone-name", "zone-id", "network-border-group"],
        _ => &["internet-gateway-id", "attachment.vpc-id", "attachment.state"],
    }
}

fn subnet(subnet: &Subnet) -> Item {
    let mut xml = Xml::default();
    xml.plain("subnetId", &subnet.id);
    xml.plain("state", "available");
    xml.plain("vpcId", &subnet.vpc);
    xml.plain("cidrBlock", subnet.cidr());
    xml.plain("availableIpAddressCount", 4091_u32.saturating_sub(subnet.used));
    xml.plain("availabilityZone", &subnet.zone);
    xml.plain("availabilityZoneId", &subnet.zone_id);
    xml.plain("ownerId", &subnet.owner);
    xml.plain("defaultForAz", false);
    xml.plain("mapPublicIpOnLaunch", false);
    let facts = vec![
        ("subnet-id", subnet.id.clone()),
        ("vpc-id", subnet.vpc.clone()),
        ("availability-zone", subnet.zone.clone()),
        ("availability-zone-id", subnet.zone_id.clone()),
        ("owner-id", subnet.owner.clone()),
    ];
    Item { id: subnet.id.clone(), facts, body: xml.finish() }
}

fn route_tables(world: &World) -> Vec<Item> {
    let mains = world.vpcs().map(|vpc| route_table(vpc, &vpc.main_route_table, None, world));
    let has_its_own =
        |subnet: &&Subnet| subnet.default_route != RouteTarget::None || subnet.ipv6_route.is_some();
    let own = world.subnets().iter().filter(has_its_own);
    let own = own.filter_map(|subnet| {
        let vpc = world.vpc(&subnet.vpc)?;
        Some(route_table(vpc, &subnet.route_table, Some(subnet), world))
    });
    mains.chain(own).collect()
}

fn route_table(vpc: &Vpc, id: &str, subnet: Option<&Subnet>, world: &World) -> Item {
    let mut facts = vec![("route-table-id", id.to_owned()), ("vpc-id", vpc.id.clone())];
    facts.push(("association.main", subnet.is_none().to_string()));
    let mut xml = Xml::default();
    xml.plain("routeTableId", id);
    xml.plain("vpcId", &vpc.id);
    xml.plain("ownerId", &world.config().account);
    let target = match subnet.map(|subnet| &subnet.default_route) {
        // A route to a gateway that was taken away stays behind as a blackhole.
        Some(RouteTarget::InternetGateway) => match &vpc.internet_gateway {
            Some(gateway) => Some(("gatewayId", gateway.as_str(), "active")),
            None => Some(("gatewayId", "igw-00000000000000000", "blackhole")),
        },
        Some(RouteTarget::NatGateway(gateway)) => Some(("natGatewayId", gateway.as_str(), "active")),
        Some(RouteTarget::None) | None => None,
    };
    facts.extend(
        target.filter(|(tag, ..)| *tag == "gatewayId").map(|(_, id, _)| ("route.gateway-id", id.to_owned())),
    );
    let local = ("gatewayId", "local", "active", "10.0.0.0/8");
    let routes = target.map(|(tag, id, state)| (tag, id, state, "0.0.0.0/0"));
    let ipv6 = subnet.and_then(|subnet| subnet.ipv6_route.as_deref()).map(|id| {
        let tag = if id.starts_with("eigw-") { "egressOnlyInternetGatewayId" } else { "gatewayId" };
        (tag, id, "active", "::/0")
    });
    let routes = std::iter::once(local).chain(routes).chain(ipv6);
    xml.list("routeSet", routes, |xml, (tag, id, state, block)| {
        let is_ipv6 = block.contains(':');
        xml.plain(if is_ipv6 { "destinationIpv6CidrBlock" } else { "destinationCidrBlock" }, block);
        xml.leaf(tag, id);
        xml.plain("state", state);
        xml.plain("origin", if id == "local" { "CreateRouteTable" } else { "CreateRoute" });
    });
    xml.list("associationSet", [subnet], |xml, subnet| {
        xml.plain("routeTableAssociationId", id.replacen("rtb-", "rtbassoc-", 1));
        xml.plain("routeTableId", id);
        if let Some(subnet) = subnet {
            xml.plain("subnetId", &subnet.id);
        }
        xml.plain("main", subnet.is_none());
    });
    facts.extend(subnet.map(|subnet| ("association.subnet-id", subnet.id.clone())));
    Item { id: id.to_owned(), facts, body: xml.finish() }
}

fn security_group(world: &World, group: &SecurityGroup) -> Item {
    let owner = world.config().account.clone();
    let mut xml = Xml::default();
    xml.plain("groupId", &group.id);
    xml.leaf("groupName", &group.name);
    xml.leaf("groupDescription", &group.name);
    xml.plain("vpcId", &group.vpc);
    xml.plain("ownerId", &owner);
    xml.open("ipPermissions");
    xml.close("ipPermissions");
    xml.list("ipPermissionsEgress", group.open_egress.then_some(()), |xml, ()| {
        xml.plain("ipProtocol", -1);
        xml.list("ipRanges", [()], |xml, ()| xml.plain("cidrIp", "0.0.0.0/0"));
    });
    xml.list("tagSet", &group.tags, |xml, (key, value)| {
        xml.leaf("key", key);
        xml.leaf("value", value);
    });
    let mut facts = vec![
        ("group-id", group.id.clone()),
        ("group-name", group.name.clone()),
        ("vpc-id", group.vpc.clone()),
        ("owner-id", owner),
    ];
    facts.extend(group.tags.iter().map(|(key, value)| ("tag", format!("{key}={value}"))));
    Item { id: group.id.clone(), facts, body: xml.finish() }
}

fn network_acl(world: &World, subnet: &Subnet) -> Item {
    let id = subnet.acl_id();
    let mut xml = Xml::default();
    xml.plain("networkAclId", &id);
    xml.plain("vpcId", &subnet.vpc);
    xml.plain("default", false);
    xml.plain("ownerId", &world.config().account);
    // The last rule of either direction, which EC2 shows as a number of its own.
    let last = |is_egress| AclRule {
        number: 32767,
        is_egress,
        allows: false,
        block: "0.0.0.0/0".to_owned(),
        ports: None,
    };
    let rules = subnet.acl.iter().cloned().chain([last(true), last(false)]);
    xml.list("entrySet", rules, |xml, rule| {
        xml.plain("ruleNumber", rule.number);
        xml.plain("protocol", if rule.ports.is_some() { "6" } else { "-1" });
        xml.plain("ruleAction", if rule.allows { "allow" } else { "deny" });
        xml.plain("egress", rule.is_egress);
        xml.leaf("cidrBlock", &rule.block);
        if let Some((from, to)) = rule.ports {
            xml.open("portRange");
            xml.plain("from", from);
            xml.plain("to", to);
            xml.close("portRange");
        }
    });
    xml.list("associationSet", [subnet], |xml, subnet| {
        xml.plain("networkAclAssociationId", subnet.id.replacen("subnet-", "aclassoc-", 1));
        xml.plain("networkAclId", &id);
        xml.plain("subnetId", &subnet.id);
    });
    let facts = vec![
        ("network-acl-id", id.clone()),
        ("vpc-id", subnet.vpc.clone()),
        ("association.subnet-id", subnet.id.clone()),
    ];
    Item { id, facts, body: xml.finish() }
}

fn vpc(world: &World, vpc: &Vpc) -> Item {
    let owner = world.config().account.clone();
    let mut xml = Xml::default();
    xml.plain("vpcId", &vpc.id);
    xml.plain("state", "available");
    xml.plain("cidrBlock", "10.0.0.0/8");
    xml.plain("ownerId", &owner);
    xml.plain("isDefault", false);
    Item {
        id: vpc.id.clone(),
        facts: vec![("vpc-id", vpc.id.clone()), ("owner-id", owner)],
        body: xml.finish(),
    }
}

/// The zones in which there are subnets; what border group a subnet is in shows only here.
fn zones(world: &World) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    for subnet in world.subnets() {
        if items.iter().any(|item| item.id == subnet.zone) {
            continue;
        }
        let mut xml = Xml::default();
        xml.leaf("zoneName", &subnet.zone);
        xml.plain("zoneId", &subnet.zone_id);
        xml.plain("zoneState", "available");
        xml.plain("regionName", &world.config().region);
        xml.leaf("networkBorderGroup", &subnet.border_group);
        let facts = vec![
            ("zone-name", subnet.zone.clone()),
            ("zone-id", subnet.zone_id.clone()),
            ("network-border-group", subnet.border_group.clone()),
        ];
        items.push(Item { id: subnet.zone.clone(), facts, body: xml.finish() });
    }
    items
}

fn internet_gateway(vpc: &Vpc) -> Option<Item> {
    let id = vpc.internet_gateway.clone()?;
    let mut xml = Xml::default();
    xml.plain("internetGatewayId", &id);
    xml.list("attachmentSet", [vpc], |xml, vpc| {
        xml.plain("vpcId", &vpc.id);
        xml.plain("state", "available");
    });
    let facts = vec![
        ("internet-gateway-id", id.clone()),
        ("attachment.vpc-id", vpc.id.clone()),
        ("attachment.state", "available".to_owned()),
    ];
    Some(Item { id, facts, body: xml.finish() })
}
