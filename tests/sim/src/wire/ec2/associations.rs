//! The mutating operations: associate, disassociate, allocate, release, tag, set groups; and their records.
//!
//! Parameters in, verbs of the world out, documents back. Allocating, releasing and the rest are there for a stray
//! hand; the law watch hears of it when eipd's credentials do it.

use crate::wire::params::Params;
use crate::wire::xml::Xml;
use crate::wire::{Failure, Office};
use crate::world::NewAddress;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What the request asks for.
pub(crate) enum Change {
    Associate { allocation: String, interface: String, private_ip: Option<String>, allow_reassociation: bool },
    Disassociate { association: String },
    Allocate(NewAddress),
    Release { allocation: String },
    Groups { interface: String, groups: Vec<String> },
    Tag { resources: Vec<String>, tags: BTreeMap<String, String> },
}

pub(crate) fn read(operation: &str, params: &Params) -> Result<Change, Failure> {
    Ok(match operation {
        "AssociateAddress" => Change::Associate {
            allocation: params.required("AllocationId")?.to_owned(),
            interface: params.required("NetworkInterfaceId")?.to_owned(),
            private_ip: params.text("PrivateIpAddress").map(str::to_owned),
            // AWS.md section 2 (confirmed): reassociation is automatic unless it is forbidden.
            allow_reassociation: params.flag("AllowReassociation")?.unwrap_or(true),
        },
        "DisassociateAddress" => {
            Change::Disassociate { association: params.required("AssociationId")?.to_owned() }
        }
        "AllocateAddress" => {
            params.text("Domain");
            if params.text("TagSpecification.1.ResourceType").is_some_and(|kind| kind != "elastic-ip") {
                let message = "The tag specification is not for an elastic-ip.";
                return Err(Failure::new("InvalidParameterValue", 400, message));
            }
            Change::Allocate(NewAddress {
                tags: tags(params, "TagSpecification.1.Tag"),
                border_group: params.text("NetworkBorderGroup").map(str::to_owned),
                ..NewAddress::default()
            })
        }
        "ModifyNetworkInterfaceAttribute" => Change::Groups {
            interface: params.required("NetworkInterfaceId")?.to_owned(),
            groups: params.list("SecurityGroupId").into_iter().map(str::to_owned).collect(),
        },
        "ReleaseAddress" => Change::Release { allocation: params.required("AllocationId")?.to_owned() },
        _ => Change::Tag {
            resources: params.list("ResourceId").into_iter().map(str::to_owned).collect(),
            tags: tags(params, "Tag"),
        },
    })
}

pub(super) fn tags(params: &Params, name: &str) -> BTreeMap<String, String> {
    let pair = |number: usize| {
        let key = params.text(&format!("{name}.{number}.Key"))?.to_owned();
        let value = params.text(&format!("{name}.{number}.Value")).unwrap_or_default();
        Some((key, value.to_owned()))
    };
    (1..).map_while(pair).collect()
}

pub(crate) fn change(office: &mut Office<'_>, change: Change) -> Result<String, Failure> {
    let hand = office.caller.hand;
    match change {
        Change::Associate { allocation, interface, private_ip, allow_reassociation } => {
            let own = office.world.interface(&interface).map(|found| found.private_ip.to_string());
            if let (Some(wanted), Some(own)) = (private_ip, own)
                && wanted != own
            {
                let message = format!("The private IP address {wanted} is not assigned to {interface}.");
                return Err(Failure::new("InvalidParameterValue", 400, message));
            }
            let id = office.world.associate(hand, &allocation, &interface, allow_reassociation)?;
            office.elements = json!({ "_return": true, "associationId": id });
            Ok(answer(office, "AssociateAddress", |xml| {
                xml.plain("return", true);
                xml.plain("associationId", id);
            }))
        }
        Change::Disassociate { association } => {
            office.world.disassociate(hand, &association)?;
            Ok(answer(office, "DisassociateAddress", |xml| xml.plain("return", true)))
        }
        Change::Allocate(new) => {
            let allocation = office.world.try_allocate(new)?;
            office.world.watch_holding(hand, &format!("AllocateAddress made {allocation}"));
            let address = office.world.address(&allocation).cloned().expect("it was just allocated");
            office.elements =
                json!({ "publicIp": address.public_ip, "allocationId": allocation, "domain": "vpc" });
            Ok(answer(office, "AllocateAddress", |xml| {
                xml.plain("publicIp", &address.public_ip);
                xml.plain("allocationId", &address.allocation_id);
                xml.plain("domain", "vpc");
                xml.plain("publicIpv4Pool", "amazon");
                xml.leaf("networkBorderGroup", &address.border_group);
            }))
        }
        Change::Release { allocation } => {
            office.world.watch_holding(hand, &format!("ReleaseAddress named {allocation}"));
            office.world.try_release(&allocation)?;
            Ok(answer(office, "ReleaseAddress", |xml| xml.plain("return", true)))
        }
        Change::Groups { interface, groups } => {
            let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
            if groups.is_empty() {
                let message = "ec2:ModifyNetworkInterfaceAttribute is simulated for security groups only";
                return Err(office.complain("InvalidParameterCombination", message.to_owned()));
            }
            office.world.modify_groups(hand, &interface, &groups)?;
            Ok(answer(office, "ModifyNetworkInterfaceAttribute", |xml| xml.plain("return", true)))
        }
        Change::Tag { resources, tags } => {
            for id in resources {
                if office.world.address(&id).is_none_or(|address| !address.exists()) {
                    let message = format!("The ID '{id}' does not exist, or tags on it are not simulated");
                    return Err(office.complain("InvalidID", message));
                }
                tags.iter().for_each(|(key, value)| office.world.tag_address(&id, key, value));
            }
            Ok(answer(office, "CreateTags", |xml| xml.plain("return", true)))
        }
    }
}

fn answer(office: &Office<'_>, operation: &str, write: impl FnOnce(&mut Xml)) -> String {
    let mut xml = Xml::ec2(operation, &office.request_id, 0);
    write(&mut xml);
    xml.end(operation)
}

/// `requestParameters` of a call that CloudTrail's events here tell of; tags are left out.
pub(crate) fn recorded(operation: &str, params: &Params) -> Option<Value> {
    let names: &[(&str, &str)] = match operation {
        "AssociateAddress" => &[
            ("AllocationId", "allocationId"),
            ("NetworkInterfaceId", "networkInterfaceId"),
            ("PrivateIpAddress", "privateIpAddress"),
        ],
        "DisassociateAddress" => &[("AssociationId", "associationId")],
        "ReleaseAddress" => &[("AllocationId", "allocationId")],
        "AllocateAddress" => &[("Domain", "domain"), ("NetworkBorderGroup", "networkBorderGroup")],
        "ModifyNetworkInterfaceAttribute" => &[("NetworkInterfaceId", "networkInterfaceId")],
        _ => return None,
    };
    let mut parameters = json!({});
    for (name, shown) in names {
        if let Some(value) = params.peek(name) {
            parameters[shown] = value.into();
        }
    }
    if let Some(allow) = params.peek("AllowReassociation") {
        parameters["allowReassociation"] = (allow == "true").into();
    }
    let groups = (1..).map_while(|number| params.peek(&format!("SecurityGroupId.{number}")));
    let groups: Vec<Value> = groups.map(|group| json!({ "groupId": group })).collect();
    if !groups.is_empty() {
        parameters["groupSet"] = json!({ "items": groups });
    }
    Some(parameters)
}
