//! CreateSecurityGroup and DeleteSecurityGroup: what an owner of an account does, and eipd never.

use crate::wire::params::Params;
use crate::wire::xml::Xml;
use crate::wire::{Failure, Office};
use std::collections::BTreeMap;

/// The operations.
pub(crate) const OPERATIONS: [&str; 2] = ["CreateSecurityGroup", "DeleteSecurityGroup"];

/// What the request asks for.
pub(crate) enum Change {
    Create { vpc: String, name: String, tags: BTreeMap<String, String> },
    Delete { group: String },
}

pub(crate) fn read(operation: &str, params: &Params) -> Result<Change, Failure> {
    if operation == "DeleteSecurityGroup" {
        return Ok(Change::Delete { group: params.required("GroupId")?.to_owned() });
    }
    params.required("GroupDescription")?;
    params.text("TagSpecification.1.ResourceType");
    Ok(Change::Create {
        vpc: params.required("VpcId")?.to_owned(),
        name: params.required("GroupName")?.to_owned(),
        tags: super::associations::tags(params, "TagSpecification.1.Tag"),
    })
}

pub(crate) fn change(office: &mut Office<'_>, change: Change) -> Result<String, Failure> {
    match change {
        Change::Create { vpc, name, tags } => {
            if office.world.vpc(&vpc).is_none() {
                let message = format!("The vpc ID '{vpc}' does not exist");
                return Err(Failure::new("InvalidVpcID.NotFound", 400, message));
            }
            let group = office.world.create_security_group(&vpc, &name);
            office.world.change_security_group(&group, |group| group.tags = tags);
            let mut xml = Xml::ec2("CreateSecurityGroup", &office.request_id, 0);
            xml.plain("return", true);
            xml.plain("groupId", group);
            Ok(xml.end("CreateSecurityGroup"))
        }
        Change::Delete { group } => {
            office.world.delete_security_group(&group)?;
            let mut xml = Xml::ec2("DeleteSecurityGroup", &office.request_id, 0);
            xml.plain("return", true);
            xml.plain("groupId", group);
            Ok(xml.end("DeleteSecurityGroup"))
        }
    }
}
