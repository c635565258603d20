//! From the SDK's types, in which everything is optional, to the domain's. What is missing or malformed is an error that
//! names it, never a guess; an empty string is absent, since some stacks that speak AWS's protocols write it so.

mod firewall;
mod network;

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_ec2::types as ec2;
use aws_sdk_lambda::operation::get_function_configuration::GetFunctionConfigurationOutput;
use aws_sdk_lambda::types as lambda;
use aws_sdk_sts::operation::get_caller_identity::GetCallerIdentityOutput;
use smallvec::SmallVec;

pub(super) use firewall::{network_acl, security_group};
pub(super) use network::{route_table, subnet};

use crate::domain::function::{
    FunctionConfiguration, FunctionRef, FunctionState, LastUpdate, Pair, SecurityGroups, VpcConfig,
};
use crate::domain::ids::{AccountId, AssociationId};
use crate::domain::observed::{
    Address, AddressAssociation, Interface, InterfaceAssociation, InterfaceStatus,
};

/// Lambda always tells a function's timeout; should it not, the longest one is assumed (900 s, AWS.md, mid-update view),
/// because what waits for it is the taking away of addresses.
const TIMEOUT_MAX: Duration = Duration::from_secs(900);

/// Something that AWS showed and that cannot be what it should be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Malformed {
    /// Its id in backticks, if it has one.
    pub(super) thing: String,
    /// What is wrong with it.
    pub(super) fault: Fault,
}

/// What is wrong with a part of something.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("the answer has no {0}")]
    Missing(&'static str),
    #[error("the answer has a malformed {field}, `{text}`")]
    Malformed { field: &'static str, text: String },
}

impl Fault {
    fn of(self, kind: &str, id: Option<&str>) -> Malformed {
        let thing = present(id).map_or_else(|| format!("{kind} without an id"), |id| format!("`{id}`"));
        Malformed { thing, fault: self }
    }
}

/// A network interface; nothing for one that is not of type `lambda`.
pub(super) fn interface(item: &ec2::NetworkInterface) -> Result<Option<Interface>, Malformed> {
    if item.interface_type() != Some(&ec2::NetworkInterfaceType::Lambda) {
        return Ok(None);
    }
    lambda_interface(item)
        .map(Some)
        .map_err(|fault| fault.of("a network interface", item.network_interface_id()))
}

fn lambda_interface(item: &ec2::NetworkInterface) -> Result<Interface, Fault> {
    let security_groups = item
        .groups()
        .iter()
        .map(|group| required("security group id", group.group_id()))
        .collect::<Result<SecurityGroups, Fault>>()?;
    Ok(Interface {
        id: required("network interface id", item.network_interface_id())?,
        owner: required("owner id", item.owner_id())?,
        pair: Pair { subnet: required("subnet id", item.subnet_id())?, security_groups },
        zone: present(item.availability_zone()).map(Into::into),
        // Wavelength zones have ids of another form, and nothing but a pin by zone id asks for it.
        zone_id: present(item.availability_zone_id()).and_then(|id| id.parse().ok()),
        status: interface_status(item.status()),
        associations: interface_associations(item)?,
        denies_internet_gateway: item.deny_all_igw_traffic().unwrap_or(false),
    })
}

fn interface_status(status: Option<&ec2::NetworkInterfaceStatus>) -> InterfaceStatus {
    match status {
        Some(ec2::NetworkInterfaceStatus::InUse) => InterfaceStatus::InUse,
        Some(ec2::NetworkInterfaceStatus::Detaching) => InterfaceStatus::Detaching,
        _ => InterfaceStatus::Waiting,
    }
}

/// EC2 shows the primary address's association twice: at the interface and at the private address.
fn interface_associations(
    item: &ec2::NetworkInterface,
) -> Result<SmallVec<[InterfaceAssociation; 1]>, Fault> {
    let at_private = item.private_ip_addresses().iter().filter_map(|address| address.association());
    let mut found: SmallVec<[InterfaceAssociation; 1]> = SmallVec::new();
    for shown in item.association().into_iter().chain(at_private) {
        let next = InterfaceAssociation {
            allocation: optional("allocation id", shown.allocation_id())?,
            public_ip: optional("public ip", shown.public_ip())?,
        };
        if next.allocation.is_none() && next.public_ip.is_none() {
            continue;
        }
        match found.iter_mut().find(|known| is_same(known, &next)) {
            Some(known) => {
                known.allocation = known.allocation.take().or(next.allocation);
                known.public_ip = known.public_ip.or(next.public_ip);
            }
            None => found.push(next),
        }
    }
    Ok(found)
}

fn is_same(one: &InterfaceAssociation, other: &InterfaceAssociation) -> bool {
    (one.public_ip.is_some() && one.public_ip == other.public_ip)
        || (one.allocation.is_some() && one.allocation == other.allocation)
}

/// An Elastic IP.
pub(super) fn address(item: &ec2::Address) -> Result<Address, Malformed> {
    elastic_ip(item).map_err(|fault| fault.of("an address", item.allocation_id()))
}

fn elastic_ip(item: &ec2::Address) -> Result<Address, Fault> {
    let association = AddressAssociation {
        id: optional("association id", item.association_id())?,
        interface: optional("network interface id", item.network_interface_id())?,
        instance: present(item.instance_id()).map(str::to_owned),
    };
    let is_associated =
        association.id.is_some() || association.interface.is_some() || association.instance.is_some();
    Ok(Address {
        allocation: required("allocation id", item.allocation_id())?,
        public_ip: required("public ip", item.public_ip())?,
        border_group: present(item.network_border_group()).map(Into::into),
        association: is_associated.then_some(association),
        managed_by: present(item.service_managed().map(ec2::ServiceManaged::as_str)).map(str::to_owned),
    })
}

/// The bond that an association made; nothing when EC2 does not tell, since the address is there all the same.
pub(super) fn association_id(id: Option<&str>) -> Option<AssociationId> {
    present(id).and_then(|id| id.parse().ok())
}

/// The account of the caller.
pub(super) fn account(answer: &GetCallerIdentityOutput) -> Result<AccountId, Malformed> {
    required("account id", answer.account()).map_err(|fault| fault.of("an identity", answer.user_id()))
}

/// A function as GetFunctionConfiguration shows it, with its states.
pub(super) fn function(answer: &GetFunctionConfigurationOutput) -> Result<FunctionConfiguration, Malformed> {
    let vpc = vpc(answer.vpc_config()).map_err(|fault| fault.of("a function", answer.function_name()))?;
    Ok(FunctionConfiguration {
        vpc,
        former_vpc: None,
        versions: BTreeMap::new(),
        state: answer.state().and_then(function_state),
        last_update: answer.last_update_status().and_then(last_update),
        on_capacity_provider: answer.capacity_provider_config().is_some(),
        timeout: timeout(answer.timeout()),
    })
}

/// A function as ListFunctions shows it, which omits the states (AWS.md 1, confirmed).
pub(super) fn listed_function(
    item: &lambda::FunctionConfiguration,
) -> Result<(FunctionRef, FunctionConfiguration), Malformed> {
    let of = |fault: Fault| fault.of("a function", item.function_name());
    let name: FunctionRef = required("function name", item.function_name()).map_err(of)?;
    let version = match present(item.version()).filter(|version| *version != "$LATEST") {
        Some(number) => Some(required::<u64>("version", Some(number)).map_err(of)?),
        None => None,
    };
    let configuration = FunctionConfiguration {
        vpc: vpc(item.vpc_config()).map_err(of)?,
        former_vpc: None,
        versions: BTreeMap::new(),
        state: None,
        last_update: None,
        on_capacity_provider: item.capacity_provider_config().is_some(),
        timeout: timeout(item.timeout()),
    };
    Ok((version.map_or_else(|| name.unqualified(), |number| name.at_version(number)), configuration))
}

/// An alias with the versions that it leads to; `$LATEST` is not told.
pub(super) fn route(item: &lambda::AliasConfiguration) -> Result<(Arc<str>, BTreeSet<u64>), Malformed> {
    let of = |fault: Fault| fault.of("an alias", item.name());
    let name = present(item.name()).ok_or(Fault::Missing("name")).map_err(of)?;
    let weighted = item.routing_config().and_then(|routing| routing.additional_version_weights());
    // A weight of nothing routes nothing.
    let weighted = weighted.into_iter().flatten().filter(|(_, weight)| **weight > 0.0);
    let versions = weighted.map(|(version, _)| version.as_str()).chain(present(item.function_version()));
    let numbered = versions.filter(|version| *version != "$LATEST");
    let numbers = numbered.map(|version| required::<u64>("version", Some(version)));
    Ok((name.into(), numbers.collect::<Result<_, Fault>>().map_err(of)?))
}

/// The function that an unqualified ARN names, whatever its partition, region and account.
pub(super) fn function_of_arn(arn: Option<&str>) -> Result<FunctionRef, Malformed> {
    let of = |fault: Fault| fault.of("a tagged resource", arn);
    let arn = present(arn).ok_or(Fault::Missing("ARN")).map_err(of)?;
    let mut parts = arn.splitn(7, ':');
    let name = parts.nth(6).filter(|name| !name.contains(':'));
    let is_function = arn.starts_with("arn:") && arn.split(':').nth(5) == Some("function");
    let malformed = || Fault::Malformed { field: "ARN of a function", text: arn.to_owned() };
    let name = name.filter(|_| is_function).ok_or_else(malformed).map_err(of)?;
    name.parse().map_err(|_| of(malformed()))
}

/// Lambda writes empty lists for a function that left its VPC.
fn vpc(config: Option<&lambda::VpcConfigResponse>) -> Result<Option<VpcConfig>, Fault> {
    let Some(config) = config.filter(|config| !config.subnet_ids().is_empty()) else { return Ok(None) };
    let subnets = config.subnet_ids().iter().map(|id| required("subnet id", Some(id)));
    let groups = config.security_group_ids().iter().map(|id| required("security group id", Some(id)));
    Ok(Some(VpcConfig {
        subnets: subnets.collect::<Result<BTreeSet<_>, Fault>>()?,
        security_groups: groups.collect::<Result<SecurityGroups, Fault>>()?,
        dual_stack: config.ipv6_allowed_for_dual_stack().unwrap_or(false),
    }))
}

fn function_state(state: &lambda::State) -> Option<FunctionState> {
    Some(match state {
        lambda::State::Pending => FunctionState::Pending,
        lambda::State::Active => FunctionState::Active,
        lambda::State::Inactive => FunctionState::Inactive,
        lambda::State::Failed => FunctionState::Failed,
        other if other.as_str().is_empty() => return None,
        _ => FunctionState::Other,
    })
}

fn last_update(status: &lambda::LastUpdateStatus) -> Option<LastUpdate> {
    Some(match status {
        lambda::LastUpdateStatus::Successful => LastUpdate::Successful,
        lambda::LastUpdateStatus::InProgress => LastUpdate::InProgress,
        lambda::LastUpdateStatus::Failed => LastUpdate::Failed,
        other if other.as_str().is_empty() => return None,
        _ => LastUpdate::Other,
    })
}

fn timeout(seconds: Option<i32>) -> Duration {
    seconds.and_then(|seconds| u64::try_from(seconds).ok()).map_or(TIMEOUT_MAX, Duration::from_secs)
}

fn present(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.is_empty())
}

fn optional<T: FromStr>(field: &'static str, text: Option<&str>) -> Result<Option<T>, Fault> {
    let malformed = |text: &str| Fault::Malformed { field, text: text.chars().take(80).collect() };
    present(text).map(|text| text.parse().map_err(|_| malformed(text))).transpose()
}

fn required<T: FromStr>(field: &'static str, text: Option<&str>) -> Result<T, Fault> {
    optional(field, text)?.ok_or(Fault::Missing(field))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENI: &str = "eni-0123456789abcdef0";
    const IP: &str = "203.0.113.7";

    fn eni() -> ec2::builders::NetworkInterfaceBuilder {
        ec2::NetworkInterface::builder()
            .network_interface_id(ENI)
            .interface_type(ec2::NetworkInterfaceType::Lambda)
            .owner_id("111122223333")
            .subnet_id("subnet-0a1b2c3d")
            .availability_zone("eu-west-1a")
            .availability_zone_id("euw1-az1")
            .groups(ec2::GroupIdentifier::builder().group_id("sg-0000000b").build())
            .groups(ec2::GroupIdentifier::builder().group_id("sg-0000000a").build())
            .status(ec2::NetworkInterfaceStatus::InUse)
    }

    fn association(allocation: Option<&str>, ip: Option<&str>) -> ec2::NetworkInterfaceAssociation {
        ec2::NetworkInterfaceAssociation::builder()
            .set_allocation_id(allocation.map(str::to_owned))
            .set_public_ip(ip.map(str::to_owned))
            .build()
    }

    fn private(association: ec2::NetworkInterfaceAssociation) -> ec2::NetworkInterfacePrivateIpAddress {
        ec2::NetworkInterfacePrivateIpAddress::builder().association(association).build()
    }

    #[test]
    fn an_interface_is_converted_whole() {
        let found = interface(&eni().build()).expect("it is well formed").expect("it is Lambda's");
        assert_eq!(found.id.to_string(), ENI);
        assert_eq!(found.owner.as_str(), "111122223333");
        assert_eq!(found.pair.subnet.to_string(), "subnet-0a1b2c3d");
        assert_eq!(found.pair.security_groups.to_string(), "sg-0000000a+sg-0000000b");
        assert_eq!(found.zone.as_deref(), Some("eu-west-1a"));
        assert_eq!(found.zone_id.map(|zone| zone.to_string()).as_deref(), Some("euw1-az1"));
        assert_eq!((found.status, found.associations.len()), (InterfaceStatus::InUse, 0));
        assert!(!found.denies_internet_gateway);
        assert!(
            interface(&eni().deny_all_igw_traffic(true).build())
                .is_ok_and(|found| { found.is_some_and(|found| found.denies_internet_gateway) })
        );
    }

    #[test]
    fn only_interfaces_of_lambda_are_ours() {
        assert_eq!(interface(&eni().interface_type("interface".into()).build()), Ok(None));
        assert_eq!(interface(&eni().set_interface_type(None).build()), Ok(None));
    }

    #[test]
    fn a_status_other_than_in_use_or_detaching_is_waiting() {
        for (status, expected) in [
            ("in-use", InterfaceStatus::InUse),
            ("detaching", InterfaceStatus::Detaching),
            ("available", InterfaceStatus::Waiting),
            ("attaching", InterfaceStatus::Waiting),
            ("associated", InterfaceStatus::Waiting),
            ("pending", InterfaceStatus::Waiting),
            ("", InterfaceStatus::Waiting),
        ] {
            assert_eq!(interface_status(Some(&status.into())), expected, "{status}");
        }
        assert_eq!(interface_status(None), InterfaceStatus::Waiting);
    }

    #[test]
    fn an_interface_without_its_parts_is_named_and_not_guessed() {
        for (item, complaint) in [
            (eni().set_subnet_id(None), "`eni-0123456789abcdef0`: the answer has no subnet id"),
            (eni().set_owner_id(Some(String::new())), "`eni-0123456789abcdef0`: the answer has no owner id"),
            (
                eni().set_network_interface_id(None),
                "a network interface without an id: the answer has no network interface id",
            ),
            (
                eni().subnet_id("subnet-?"),
                "`eni-0123456789abcdef0`: the answer has a malformed subnet id, `subnet-?`",
            ),
            (
                eni().groups(ec2::GroupIdentifier::builder().build()),
                "`eni-0123456789abcdef0`: the answer has no security group id",
            ),
            (
                eni().association(association(Some("eipalloc-?"), None)),
                "`eni-0123456789abcdef0`: the answer has a malformed allocation id, `eipalloc-?`",
            ),
        ] {
            let malformed = interface(&item.build()).expect_err(complaint);
            assert_eq!(format!("{}: {}", malformed.thing, malformed.fault), complaint);
        }
        let odd_zone = eni().availability_zone_id("use1-wl1-bos-wlz1").build();
        assert!(interface(&odd_zone).is_ok_and(|found| found.is_some_and(|found| found.zone_id.is_none())));
    }

    #[test]
    fn an_association_shown_twice_is_one() {
        let allocation = Some("eipalloc-0a1b2c3d");
        let nothing = || association(Some(""), Some(""));
        for (item, expected) in [
            (eni().association(association(allocation, Some(IP))), 1),
            (
                eni()
                    .association(association(allocation, Some(IP)))
                    .private_ip_addresses(private(association(allocation, Some(IP)))),
                1,
            ),
            (
                eni()
                    .association(association(None, Some(IP)))
                    .private_ip_addresses(private(association(allocation, Some(IP)))),
                1,
            ),
            (
                eni().association(association(allocation, Some(IP))).private_ip_addresses(private(
                    association(Some("eipalloc-0a1b2c3e"), Some("203.0.113.8")),
                )),
                2,
            ),
            (eni().association(nothing()).private_ip_addresses(private(nothing())), 0),
        ] {
            let found = interface(&item.build()).expect("well formed").expect("Lambda's").associations;
            assert_eq!(found.len(), expected, "{found:?}");
            if let Some(first) = found.first() {
                assert_eq!(first.allocation.as_ref().map(ToString::to_string).as_deref(), allocation);
                assert_eq!(first.public_ip.map(|ip| ip.to_string()).as_deref(), Some(IP));
            }
        }
    }

    #[test]
    fn an_address_is_free_unless_something_holds_it() {
        let bare = || ec2::Address::builder().allocation_id("eipalloc-0a1b2c3d").public_ip(IP);
        let empty =
            bare().association_id("").network_interface_id("").instance_id("").network_border_group("");
        for free in [bare(), empty] {
            let found = address(&free.build()).expect("well formed");
            assert_eq!((found.association, found.border_group, found.managed_by), (None, None, None));
        }
        let held = bare()
            .association_id("eipassoc-0a1b2c3d")
            .network_interface_id(ENI)
            .network_border_group("eu-west-1")
            .service_managed(ec2::ServiceManaged::Alb);
        let found = address(&held.build()).expect("well formed");
        assert_eq!(found.border_group.as_deref(), Some("eu-west-1"));
        assert_eq!(found.managed_by.as_deref(), Some("alb"));
        let association = found.association.expect("it is held");
        assert_eq!(association.interface.map(|id| id.to_string()).as_deref(), Some(ENI));
        let on_instance = address(&bare().instance_id("i-1").build()).expect("well formed").association;
        assert_eq!(on_instance.and_then(|held| held.instance).as_deref(), Some("i-1"));
        for bad in [bare().set_public_ip(None), bare().public_ip("x"), bare().association_id("x")] {
            assert_eq!(address(&bad.build()).expect_err("malformed").thing, "`eipalloc-0a1b2c3d`");
        }
    }

    #[test]
    fn a_function_is_read_from_its_arn() {
        for (arn, name) in [
            ("arn:aws:lambda:eu-west-1:111122223333:function:billing", Some("billing")),
            ("arn:aws-cn:lambda:cn-north-1:111122223333:function:b_1", Some("b_1")),
            ("arn:aws:lambda:eu-west-1:111122223333:function:billing:live", None),
            ("arn:aws:lambda:eu-west-1:111122223333:layer:billing", None),
            ("arn:aws:lambda:eu-west-1:111122223333:function:", None),
            ("billing", None),
            ("", None),
        ] {
            let read = function_of_arn(Some(arn)).ok().map(|function| function.to_string());
            assert_eq!(read.as_deref(), name, "{arn}");
        }
    }

    #[test]
    fn a_function_is_in_a_vpc_only_with_subnets() {
        let config = |subnets: &[&str]| {
            let subnets = subnets.iter().map(|id| (*id).to_owned()).collect();
            lambda::VpcConfigResponse::builder()
                .set_subnet_ids(Some(subnets))
                .security_group_ids("sg-0a1b2c3d")
                .build()
        };
        assert_eq!(vpc(None), Ok(None));
        assert_eq!(vpc(Some(&config(&[]))), Ok(None));
        let found = vpc(Some(&config(&["subnet-0a1b2c3e", "subnet-0a1b2c3d"]))).expect("well formed");
        assert_eq!(found.map(|vpc| vpc.pairs().count()), Some(2));
        assert!(vpc(Some(&config(&["subnet-?"]))).is_err());
    }

    #[test]
    fn states_that_mean_nothing_to_us_are_other() {
        use crate::domain::function::FunctionState::{Active, Failed, Inactive, Other, Pending};
        for (text, expected) in [
            ("Pending", Some(Pending)),
            ("Active", Some(Active)),
            ("Inactive", Some(Inactive)),
            ("Failed", Some(Failed)),
            ("Deactivating", Some(Other)),
            ("ActiveNonInvocable", Some(Other)),
            ("YetToCome", Some(Other)),
            ("", None),
        ] {
            assert_eq!(function_state(&text.into()), expected, "{text}");
        }
        for (text, expected) in [
            ("Successful", Some(LastUpdate::Successful)),
            ("InProgress", Some(LastUpdate::InProgress)),
            ("Failed", Some(LastUpdate::Failed)),
            ("YetToCome", Some(LastUpdate::Other)),
            ("", None),
        ] {
            assert_eq!(last_update(&text.into()), expected, "{text}");
        }
    }

    #[test]
    fn an_untold_timeout_is_the_longest() {
        assert_eq!(timeout(Some(3)), Duration::from_secs(3));
        assert_eq!(timeout(None), TIMEOUT_MAX);
        assert_eq!(timeout(Some(-1)), TIMEOUT_MAX);
    }
}
