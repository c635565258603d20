//! DescribeAddresses: no pagination (AWS.md section 2; confirmed).

use crate::beliefs::UnknownAllocation;
use crate::moment::Moment;
use crate::wire::params::{Filter, Params};
use crate::wire::xml::Xml;
use crate::wire::{Failure, Office};
use crate::world::{Address, World};

const OPERATION: &str = "DescribeAddresses";

/// The filters that are simulated, besides `tag:<key>`.
const FILTERS: [&str; 9] = [
    "allocation-id",
    "association-id",
    "instance-id",
    "network-border-group",
    "network-interface-id",
    "network-interface-owner-id",
    "private-ip-address",
    "public-ip",
    "tag-key",
];

/// What the request asks for.
pub(crate) struct Query {
    filters: Vec<Filter>,
    allocations: Vec<String>,
    public_ips: Vec<String>,
}

pub(crate) fn read(params: &Params) -> Result<Query, Failure> {
    let owned = |list: Vec<&str>| list.into_iter().map(str::to_owned).collect();
    Ok(Query {
        filters: params.filters()?,
        allocations: owned(params.list("AllocationId")),
        public_ips: owned(params.list("PublicIp")),
    })
}

pub(crate) fn describe(office: &mut Office<'_>, query: &Query) -> Result<String, Failure> {
    let known = |name: &str| FILTERS.contains(&name) || name.starts_with("tag:");
    if let Some(strange) = query.filters.iter().find(|filter| !known(&filter.name)) {
        return Err(super::unknown_filter(office, OPERATION, &strange.name));
    }
    let (world, at) = (&*office.world, office.views.addresses);
    let seen = |address: &&Address| address.existed_at(at) && address.owner == world.config().account;
    let visible =
        |id: &String| world.address_place(id).map(|place| &world.all_addresses()[place]).filter(seen);
    if world.beliefs().unknown_allocation == UnknownAllocation::FailsWhole
        && let Some(id) = query.allocations.iter().find(|id| visible(id).is_none())
    {
        let message = format!("The allocation ID '{id}' does not exist");
        return Err(Failure::new("InvalidAllocationID.NotFound", 400, message));
    }
    let by_id = query.filters.iter().find(|filter| filter.name == "allocation-id" && filter.is_exact());
    let ids = if query.allocations.is_empty() {
        by_id.map(|filter| &filter.values)
    } else {
        Some(&query.allocations)
    };
    let candidates: Box<dyn Iterator<Item = &Address>> = match ids {
        Some(ids) => {
            let mut places: Vec<usize> = ids.iter().filter_map(|id| world.address_place(id)).collect();
            places.sort_unstable();
            places.dedup();
            Box::new(places.into_iter().map(|place| &world.all_addresses()[place]))
        }
        None => Box::new(world.all_addresses().iter()),
    };
    let named =
        |address: &&Address| query.public_ips.is_empty() || query.public_ips.contains(&address.public_ip);
    let fits = |address: &&Address| query.filters.iter().all(|filter| matches(world, address, filter, at));
    let mut xml = Xml::ec2(OPERATION, &office.request_id, 64 * 1024);
    let shown: Vec<&Address> = candidates.filter(seen).filter(named).filter(fits).collect();
    if let Some(ip) =
        query.public_ips.iter().find(|ip| !shown.iter().any(|address| address.public_ip == **ip))
    {
        let message = format!("Address '{ip}' not found.");
        return Err(Failure::new("InvalidAddress.NotFound", 400, message));
    }
    xml.list("addressesSet", shown, |xml, address| write(xml, world, address, at));
    Ok(xml.end(OPERATION))
}

fn matches(world: &World, address: &Address, filter: &Filter, at: Moment) -> bool {
    let association = address.association_at(at);
    let interface = association.map(|association| &world.all_interfaces()[association.interface]);
    match filter.name.as_str() {
        "allocation-id" => filter.accepts(&address.allocation_id),
        "public-ip" => filter.accepts(&address.public_ip),
        "network-border-group" => filter.accepts(&address.border_group),
        "instance-id" => false,
        "association-id" => association.is_some_and(|association| filter.accepts(&association.id)),
        "network-interface-id" => interface.is_some_and(|interface| filter.accepts(&interface.id)),
        "network-interface-owner-id" => interface.is_some_and(|interface| filter.accepts(&interface.owner)),
        "private-ip-address" => {
            interface.is_some_and(|interface| filter.accepts(&interface.private_ip.to_string()))
        }
        "tag-key" => address.tags.keys().any(|key| filter.accepts(key)),
        tag => {
            let key = tag.strip_prefix("tag:").unwrap_or_default();
            address.tags.get(key).is_some_and(|value| filter.accepts(value))
        }
    }
}

fn write(xml: &mut Xml, world: &World, address: &Address, at: Moment) {
    xml.plain("publicIp", &address.public_ip);
    xml.plain("allocationId", &address.allocation_id);
    xml.plain("domain", "vpc");
    if let Some(association) = address.association_at(at) {
        let interface = &world.all_interfaces()[association.interface];
        xml.plain("associationId", &association.id);
        xml.plain("networkInterfaceId", &interface.id);
        xml.plain("networkInterfaceOwnerId", &interface.owner);
        xml.plain("privateIpAddress", interface.private_ip);
    }
    if !address.tags.is_empty() {
        xml.tags(&address.tags);
    }
    xml.plain("publicIpv4Pool", "amazon");
    xml.leaf("networkBorderGroup", &address.border_group);
    if let Some(service) = &address.service_managed {
        xml.leaf("serviceManaged", service);
    }
}
