//! DescribeNetworkInterfaces.
//!
//! AWS.md section 2 (confirmed): MaxResults 5 to 1000 and not with ids; `group-id` means *contains*. A page costs the
//! page and what is skipped, never the whole table: filters by id, subnet and allocation ask an index.

use crate::beliefs::{ManagedVisibility, UnknownInterface};
use crate::moment::Moment;
use crate::wire::paging::Cursor;
use crate::wire::params::{Filter, Params};
use crate::wire::xml::Xml;
use crate::wire::{Failure, Office};
use crate::world::{Interface, InterfaceStatus, World};
use std::collections::BinaryHeap;

const OPERATION: &str = "DescribeNetworkInterfaces";

/// The filters that are simulated.
const FILTERS: [&str; 18] = [
    "addresses.association.public-ip",
    "addresses.private-ip-address",
    "association.allocation-id",
    "association.association-id",
    "association.public-ip",
    "attachment.status",
    "availability-zone",
    "description",
    "group-id",
    "interface-type",
    "network-interface-id",
    "operator.managed",
    "owner-id",
    "private-ip-address",
    "requester-managed",
    "status",
    "subnet-id",
    "vpc-id",
];

/// What the request asks for.
pub(crate) struct Query {
    filters: Vec<Filter>,
    ids: Vec<String>,
    include_managed: bool,
    limit: Option<usize>,
    cursor: Cursor,
}

pub(crate) fn read(params: &Params) -> Result<Query, Failure> {
    let ids: Vec<String> = params.list("NetworkInterfaceId").into_iter().map(str::to_owned).collect();
    Ok(Query {
        filters: params.filters()?,
        limit: super::page_size(params, "NetworkInterfaceIds", !ids.is_empty())?,
        ids,
        include_managed: params.flag("IncludeManagedResources")?.unwrap_or(false),
        cursor: Cursor::of(params, "NextToken", "InvalidPaginationToken")?,
    })
}

pub(crate) fn describe(office: &mut Office<'_>, params: &Params, query: &Query) -> Result<String, Failure> {
    if let Some(strange) = query.filters.iter().find(|filter| !FILTERS.contains(&filter.name.as_str())) {
        return Err(super::unknown_filter(office, OPERATION, &strange.name));
    }
    let (world, at) = (&*office.world, office.views.interfaces);
    let seen = |place: &usize| {
        let interface = &world.all_interfaces()[*place];
        interface.existed_at(at) && (query.include_managed || !hidden(world, interface))
    };
    if world.beliefs().unknown_interface == UnknownInterface::FailsWhole {
        let known = |id: &&String| world.interface_place(id).as_ref().is_some_and(seen);
        if let Some(id) = query.ids.iter().find(|id| !known(id)) {
            let message = format!("The networkInterface ID '{id}' does not exist");
            return Err(Failure::new("InvalidNetworkInterfaceID.NotFound", 400, message));
        }
    }
    let after = query.cursor.after.parse::<usize>().map_or(0, |place| place + 1);
    let fits = |place: &usize| {
        seen(place)
            && query.filters.iter().all(|filter| matches(world, &world.all_interfaces()[*place], filter, at))
    };
    let mut places = candidates(world, query, after, at).filter(fits).peekable();
    let limit = query.limit.map_or(usize::MAX, |limit| limit.min(world.config().page_most));
    let mut xml = Xml::ec2(OPERATION, &office.request_id, limit.min(1000) * 1800);
    let mut last = None;
    xml.open("networkInterfaceSet");
    for place in places.by_ref().take(limit) {
        xml.open("item");
        write(&mut xml, world, &world.all_interfaces()[place], at);
        xml.close("item");
        last = Some(place);
    }
    xml.close("networkInterfaceSet");
    if let (Some(last), true) = (last, places.peek().is_some()) {
        xml.leaf("nextToken", &query.cursor.next_token(params, &last.to_string()));
    }
    Ok(xml.end(OPERATION))
}

/// Belief B8: managed resources are left out unless they are asked for.
fn hidden(world: &World, interface: &Interface) -> bool {
    interface.kind == "lambda" && world.beliefs().managed_visibility == ManagedVisibility::HiddenUnlessAsked
}

/// The interfaces from `after` on that can match, ascending, by the narrowest index that the query allows.
fn candidates<'a>(
    world: &'a World,
    query: &'a Query,
    after: usize,
    at: Moment,
) -> Box<dyn Iterator<Item = usize> + 'a> {
    let exact = |name: &str| query.filters.iter().find(|filter| filter.name == name && filter.is_exact());
    let sorted = |mut places: Vec<usize>| {
        places.retain(|place| *place >= after);
        places.sort_unstable();
        places.dedup();
        Box::new(places.into_iter())
    };
    if !query.ids.is_empty() {
        return sorted(query.ids.iter().filter_map(|id| world.interface_place(id)).collect());
    }
    if let Some(filter) = exact("network-interface-id") {
        return sorted(filter.values.iter().filter_map(|id| world.interface_place(id)).collect());
    }
    if let Some(filter) = exact("association.allocation-id") {
        let on = |id: &String| {
            let place = world.address_place(id)?;
            Some(world.all_addresses()[place].association_at(at)?.interface)
        };
        return sorted(filter.values.iter().filter_map(on).collect());
    }
    if let Some(filter) = exact("subnet-id") {
        let lists = filter.values.iter().map(|id| world.interfaces_in(id));
        return Box::new(Merge::new(lists, after));
    }
    Box::new(after..world.all_interfaces().len())
}

/// Ascending lists as one ascending sequence, lazily: a page of a listing by subnets costs no more than the page.
struct Merge<'a> {
    heads: BinaryHeap<(std::cmp::Reverse<usize>, &'a [usize])>,
}

impl<'a> Merge<'a> {
    fn new(lists: impl Iterator<Item = &'a [usize]>, after: usize) -> Self {
        let mut heads: Vec<_> = lists
            .filter_map(|list| list[list.partition_point(|place| *place < after)..].split_first())
            .map(|(first, rest)| (std::cmp::Reverse(*first), rest))
            .collect();
        heads.sort_unstable();
        heads.dedup_by_key(|(first, _)| *first);
        Self { heads: heads.into() }
    }
}

impl Iterator for Merge<'_> {
    type Item = usize;
    fn next(&mut self) -> Option<usize> {
        let (first, rest) = self.heads.pop()?;
        if let Some((next, rest)) = rest.split_first() {
            self.heads.push((std::cmp::Reverse(*next), rest));
        }
        Some(first.0)
    }
}

fn matches(world: &World, interface: &Interface, filter: &Filter, at: Moment) -> bool {
    let association = interface.association_at(at);
    let address = association.map(|association| &world.all_addresses()[association.address]);
    match filter.name.as_str() {
        "network-interface-id" => filter.accepts(&interface.id),
        "interface-type" => filter.accepts(&interface.kind),
        "subnet-id" => filter.accepts(&world.subnet_of(interface).id),
        "vpc-id" => filter.accepts(&world.subnet_of(interface).vpc),
        "availability-zone" => filter.accepts(&world.subnet_of(interface).zone),
        "group-id" => interface.groups.iter().any(|group| filter.accepts(group)),
        "status" => filter.accepts(interface.status_at(at).as_str()),
        "attachment.status" => attached(interface, at) && filter.accepts("attached"),
        "owner-id" => filter.accepts(&interface.owner),
        "description" => filter.accepts(&interface.description),
        "requester-managed" => filter.accepts(if interface.requester_managed { "true" } else { "false" }),
        "operator.managed" => filter.accepts(if hidden(world, interface) { "true" } else { "false" }),
        "private-ip-address" | "addresses.private-ip-address" => {
            filter.accepts(&interface.private_ip.to_string())
        }
        "association.association-id" => {
            association.is_some_and(|association| filter.accepts(&association.id))
        }
        "association.allocation-id" => address.is_some_and(|address| filter.accepts(&address.allocation_id)),
        _ => address.is_some_and(|address| filter.accepts(&address.public_ip)),
    }
}

fn attached(interface: &Interface, at: Moment) -> bool {
    interface.status_at(at) == InterfaceStatus::InUse
}

fn write(xml: &mut Xml, world: &World, interface: &Interface, at: Moment) {
    let subnet = world.subnet_of(interface);
    xml.plain("networkInterfaceId", &interface.id);
    xml.plain("subnetId", &subnet.id);
    xml.plain("vpcId", &subnet.vpc);
    xml.plain("availabilityZone", &subnet.zone);
    xml.plain("availabilityZoneId", &subnet.zone_id);
    xml.leaf("description", &interface.description);
    xml.plain("ownerId", &interface.owner);
    if interface.kind == "lambda" {
        xml.plain("requesterId", "AROAEXAMPLEEXAMPLE123:awslambda_847_20260101000000000");
    }
    xml.plain("requesterManaged", interface.requester_managed);
    xml.plain("status", interface.status_at(at).as_str());
    xml.plain("macAddress", mac(&interface.id));
    xml.plain("privateIpAddress", interface.private_ip);
    xml.plain("sourceDestCheck", true);
    xml.list("groupSet", interface.groups.iter(), |xml, group| {
        xml.plain("groupId", group);
        xml.leaf("groupName", world.security_group(group).map_or("", |group| &group.name));
    });
    if attached(interface, at) {
        write_attachment(xml, interface);
    }
    write_association(xml, world, interface, at);
    xml.open("tagSet");
    xml.close("tagSet");
    xml.list("privateIpAddressesSet", [interface.private_ip], |xml, private_ip| {
        xml.plain("privateIpAddress", private_ip);
        xml.plain("primary", true);
        write_association(xml, world, interface, at);
    });
    xml.open("ipv6AddressesSet");
    xml.close("ipv6AddressesSet");
    xml.leaf("interfaceType", &interface.kind);
    xml.plain("denyAllIgwTraffic", interface.deny_all_igw_traffic);
    xml.open("operator");
    xml.plain("managed", hidden(world, interface));
    if hidden(world, interface) {
        xml.plain("principal", "lambda.amazonaws.com");
    }
    xml.close("operator");
}

/// AWS.md section 1, Fields (confirmed): `ela-attach-…`, `amazon-aws`.
fn write_attachment(xml: &mut Xml, interface: &Interface) {
    let digits = interface.id.trim_start_matches("eni-");
    let lambda = interface.kind == "lambda";
    xml.open("attachment");
    xml.plain("attachmentId", format_args!("{}-{digits}", if lambda { "ela-attach" } else { "eni-attach" }));
    xml.plain("instanceOwnerId", if lambda { "amazon-aws" } else { interface.owner.as_str() });
    xml.plain("deviceIndex", 1);
    xml.plain("status", "attached");
    xml.plain("attachTime", interface.created.xml_timestamp());
    xml.plain("deleteOnTermination", false);
    xml.close("attachment");
}

fn write_association(xml: &mut Xml, world: &World, interface: &Interface, at: Moment) {
    let Some(association) = interface.association_at(at) else { return };
    let address = &world.all_addresses()[association.address];
    xml.open("association");
    xml.plain("publicIp", &address.public_ip);
    xml.plain("publicDnsName", "");
    xml.plain("ipOwnerId", &address.owner);
    xml.plain("allocationId", &address.allocation_id);
    xml.plain("associationId", &association.id);
    xml.close("association");
}

fn mac(id: &str) -> String {
    let digits = id.get(id.len().saturating_sub(10)..).unwrap_or_default();
    let pairs = (0..digits.len()).step_by(2).filter_map(|at| digits.get(at..at + 2));
    std::iter::once("02").chain(pairs).collect::<Vec<_>>().join(":")
}
