//! Security groups and network ACLs. What is not TCP or UDP over IPv4 is left out.

use std::collections::BTreeSet;

use aws_sdk_ec2::types as ec2;

use super::{Fault, Malformed, present, required};
use crate::domain::firewall::{ALL_PORTS, AclRule, NetworkAcl, Peer, Ports, SecurityGroup};
use crate::domain::ids::SubnetId;

/// A security group, by what it lets out.
pub(in crate::aws) fn security_group(item: &ec2::SecurityGroup) -> Result<SecurityGroup, Malformed> {
    let id = required("security group id", item.group_id())
        .map_err(|fault: Fault| fault.of("a security group", item.group_name()))?;
    let rules = item.ip_permissions_egress().iter().filter_map(|rule| {
        let ports = match rule.ip_protocol() {
            None | Some("-1") => ALL_PORTS,
            Some("tcp" | "udp" | "6" | "17") => ports(rule.from_port(), rule.to_port()),
            Some(_) => return None,
        };
        Some((rule, ports))
    });
    let lets_out = rules.flat_map(|(rule, ports)| peers(rule).map(move |peer| (peer, ports)));
    Ok(SecurityGroup { id, lets_out: lets_out.collect() })
}

fn peers(rule: &ec2::IpPermission) -> impl Iterator<Item = Peer> {
    let blocks = rule.ip_ranges().iter().filter_map(|range| present(range.cidr_ip())).map(Peer::block);
    let lists = rule.prefix_list_ids().iter().filter_map(|list| present(list.prefix_list_id()));
    let groups = rule.user_id_group_pairs().iter().filter_map(|pair| present(pair.group_id()));
    blocks
        .chain(lists.map(|id| Peer::Public(format!("prefix list `{id}`"))))
        .chain(groups.map(|id| Peer::Private(format!("members of `{id}`"))))
}

fn ports(from: Option<i32>, to: Option<i32>) -> Ports {
    let port = |port: Option<i32>, otherwise| port.and_then(|p| u16::try_from(p).ok()).unwrap_or(otherwise);
    (port(from, ALL_PORTS.0), port(to, ALL_PORTS.1))
}

/// A network ACL, by its rules for TCP.
pub(in crate::aws) fn network_acl(item: &ec2::NetworkAcl) -> Result<NetworkAcl, Malformed> {
    let held = item.associations().iter().filter_map(|association| present(association.subnet_id()));
    let subnets =
        held.map(|id| required("subnet id", Some(id))).collect::<Result<BTreeSet<SubnetId>, Fault>>();
    let rules = item.entries().iter().filter_map(|entry| {
        if !matches!(entry.protocol(), None | Some("-1" | "6" | "tcp")) {
            return None;
        }
        let range = entry.port_range();
        Some(AclRule {
            number: entry.rule_number()?,
            is_egress: entry.egress()?,
            allows: entry.rule_action()? == &ec2::RuleAction::Allow,
            peer: Peer::block(present(entry.cidr_block())?),
            ports: range.map_or(ALL_PORTS, |range| ports(range.from(), range.to())),
        })
    });
    let of = |fault: Fault| fault.of("a network ACL", item.network_acl_id());
    Ok(NetworkAcl {
        id: present(item.network_acl_id()).ok_or(Fault::Missing("network ACL id")).map_err(of)?.to_owned(),
        subnets: subnets.map_err(of)?,
        rules: rules.collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permission(protocol: &str) -> ec2::builders::IpPermissionBuilder {
        ec2::IpPermission::builder().ip_protocol(protocol)
    }

    fn to(block: &str) -> ec2::IpRange {
        ec2::IpRange::builder().cidr_ip(block).build()
    }

    fn lets_out(permission: ec2::builders::IpPermissionBuilder) -> Vec<(String, Ports)> {
        let group = ec2::SecurityGroup::builder().group_id("sg-0a1b2c3d");
        let found = security_group(&group.ip_permissions_egress(permission.build()).build());
        let found = found.expect("well formed").lets_out;
        found.into_iter().map(|(peer, ports)| (peer.to_string(), ports)).collect()
    }

    #[test]
    fn every_kind_of_outbound_rule_is_told() {
        let anywhere = || to("0.0.0.0/0");
        let expected = |peer: &str, ports| vec![(peer.to_owned(), ports)];
        assert_eq!(lets_out(permission("-1").ip_ranges(anywhere())), expected("0.0.0.0/0", ALL_PORTS));
        let https = permission("tcp").from_port(443).to_port(443);
        assert_eq!(lets_out(https.ip_ranges(to("203.0.113.0/24"))), expected("203.0.113.0/24", (443, 443)));
        assert_eq!(lets_out(permission("icmp").ip_ranges(anywhere())), vec![]);
        let ipv6 = ec2::Ipv6Range::builder().cidr_ipv6("::/0").build();
        assert_eq!(lets_out(permission("-1").ipv6_ranges(ipv6)), vec![]);
        let list = ec2::PrefixListId::builder().prefix_list_id("pl-1").build();
        assert_eq!(
            lets_out(permission("-1").prefix_list_ids(list)),
            expected("prefix list `pl-1`", ALL_PORTS)
        );
        let group = ec2::UserIdGroupPair::builder().group_id("sg-1").build();
        assert_eq!(
            lets_out(permission("-1").user_id_group_pairs(group)),
            expected("members of `sg-1`", ALL_PORTS)
        );
    }

    #[test]
    fn an_acl_is_its_rules_for_tcp() {
        let entry = |protocol: &str, number| {
            ec2::NetworkAclEntry::builder()
                .protocol(protocol)
                .rule_number(number)
                .egress(true)
                .rule_action(ec2::RuleAction::Allow)
                .cidr_block("0.0.0.0/0")
        };
        let range = ec2::PortRange::builder().from(443).to(443).build();
        let association = ec2::NetworkAclAssociation::builder().subnet_id("subnet-0a1b2c3d").build();
        let item = ec2::NetworkAcl::builder()
            .network_acl_id("acl-1")
            .entries(entry("-1", 100).build())
            .entries(entry("6", 110).port_range(range).build())
            .entries(entry("17", 120).build())
            .associations(association)
            .build();
        let found = network_acl(&item).expect("well formed");
        assert_eq!((found.id.as_str(), found.subnets.len()), ("acl-1", 1));
        let rules: Vec<_> = found.rules.iter().map(|rule| (rule.number, rule.ports)).collect();
        assert_eq!(rules, [(100, ALL_PORTS), (110, (443, 443))]);
        assert!(found.rules.iter().all(|rule| rule.allows && rule.is_egress && rule.peer == Peer::Anywhere));
    }
}
