//! Subnets and route tables. Of the routes only those for anywhere are looked at.

use std::collections::BTreeSet;

use aws_sdk_ec2::types as ec2;

use super::{Fault, Malformed, present, required};
use crate::domain::ids::SubnetId;
use crate::domain::network::{Route, RouteTable, Subnet, Way};

/// A subnet.
pub(in crate::aws) fn subnet(item: &ec2::Subnet) -> Result<Subnet, Malformed> {
    let converted = || {
        Ok(Subnet {
            id: required("subnet id", item.subnet_id())?,
            vpc: required("VPC id", item.vpc_id())?,
            zone: present(item.availability_zone()).map(Into::into),
            zone_id: present(item.availability_zone_id()).and_then(|id| id.parse().ok()),
        })
    };
    converted().map_err(|fault: Fault| fault.of("a subnet", item.subnet_id()))
}

/// A route table.
pub(in crate::aws) fn route_table(item: &ec2::RouteTable) -> Result<RouteTable, Malformed> {
    let held = item.associations().iter().filter(|association| is_in_force(association));
    let subnets = || held.clone().filter_map(|association| present(association.subnet_id()));
    let converted = || {
        Ok(RouteTable {
            id: required("route table id", item.route_table_id())?,
            vpc: required("VPC id", item.vpc_id())?,
            is_main: held.clone().any(|association| association.main().unwrap_or(false)),
            subnets: subnets()
                .map(|id| required("subnet id", Some(id)))
                .collect::<Result<BTreeSet<SubnetId>, Fault>>()?,
            ipv4: default_way(item, |route| route.destination_cidr_block() == Some("0.0.0.0/0")),
            ipv6: default_way(item, |route| route.destination_ipv6_cidr_block() == Some("::/0")),
        })
    };
    converted().map_err(|fault: Fault| fault.of("a route table", item.route_table_id()))
}

/// An association that is being made or changed holds soon; one that failed or is being undone does not.
fn is_in_force(association: &ec2::RouteTableAssociation) -> bool {
    use ec2::RouteTableAssociationStateCode::{Disassociated, Disassociating, Failed};
    let state = association.association_state().and_then(|state| state.state());
    !matches!(state, Some(Disassociated | Disassociating | Failed))
}

fn default_way(item: &ec2::RouteTable, is_default: impl Fn(&ec2::Route) -> bool) -> Way {
    let routes = item.routes().iter().filter(|route| is_default(route));
    let routes: Vec<Route> = routes
        .map(|route| Route {
            way: way(route),
            is_active: route.state().is_none_or(|state| *state == ec2::RouteState::Active),
        })
        .collect();
    Way::of(&routes)
}

fn way(route: &ec2::Route) -> Way {
    if let Some(gateway) = present(route.gateway_id()) {
        return match gateway.split('-').next() {
            Some("igw") => Way::InternetGateway(gateway.to_owned()),
            Some("vgw") => Way::Elsewhere(format!("virtual private gateway `{gateway}`")),
            _ => Way::Elsewhere(format!("`{gateway}`")),
        };
    }
    if let Some(gateway) = present(route.egress_only_internet_gateway_id()) {
        return Way::EgressOnlyGateway(gateway.to_owned());
    }
    let others = [
        ("NAT gateway", route.nat_gateway_id()),
        ("transit gateway", route.transit_gateway_id()),
        ("instance", route.instance_id()),
        ("VPC peering connection", route.vpc_peering_connection_id()),
        ("network interface", route.network_interface_id()),
        ("carrier gateway", route.carrier_gateway_id()),
        ("local gateway", route.local_gateway_id()),
        ("core network", route.core_network_arn()),
    ];
    let named = others.into_iter().find_map(|(kind, id)| Some((kind, present(id)?)));
    Way::Elsewhere(
        named.map_or_else(
            || "something that EC2 does not name".to_owned(),
            |(kind, id)| format!("{kind} `{id}`"),
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route() -> ec2::builders::RouteBuilder {
        ec2::Route::builder().destination_cidr_block("0.0.0.0/0").state(ec2::RouteState::Active)
    }

    fn table(routes: Vec<ec2::Route>) -> ec2::builders::RouteTableBuilder {
        ec2::RouteTable::builder()
            .route_table_id("rtb-0a1b2c3d")
            .vpc_id("vpc-0a1b2c3d")
            .set_routes(Some(routes))
    }

    fn elsewhere(what: &str) -> Way {
        Way::Elsewhere(what.to_owned())
    }

    #[test]
    fn every_kind_of_way_is_told() {
        let igw = || Way::InternetGateway("igw-1".to_owned());
        for (routes, ipv4) in [
            (vec![], Way::Missing),
            (vec![route().gateway_id("igw-1").build()], igw()),
            (vec![route().set_state(None).gateway_id("igw-1").build()], igw()),
            (
                vec![route().gateway_id("igw-1").state(ec2::RouteState::Blackhole).build()],
                Way::Blackhole("internet gateway `igw-1`".to_owned()),
            ),
            (vec![route().nat_gateway_id("nat-1").build()], elsewhere("NAT gateway `nat-1`")),
            (vec![route().transit_gateway_id("tgw-1").build()], elsewhere("transit gateway `tgw-1`")),
            (vec![route().gateway_id("vgw-1").build()], elsewhere("virtual private gateway `vgw-1`")),
            (
                vec![route().instance_id("i-1").network_interface_id("eni-1").build()],
                elsewhere("instance `i-1`"),
            ),
            (vec![route().gateway_id("").build()], elsewhere("something that EC2 does not name")),
            (vec![route().destination_cidr_block("10.0.0.0/8").gateway_id("igw-1").build()], Way::Missing),
        ] {
            let found = route_table(&table(routes.clone()).build()).expect("well formed");
            assert_eq!((found.ipv4, found.ipv6), (ipv4, Way::Missing), "{routes:?}");
        }
        let ipv6 = ec2::Route::builder().destination_ipv6_cidr_block("::/0");
        let found = route_table(&table(vec![ipv6.egress_only_internet_gateway_id("eigw-1").build()]).build());
        assert_eq!(found.map(|table| table.ipv6), Ok(Way::EgressOnlyGateway("eigw-1".to_owned())));
    }

    #[test]
    fn an_association_that_is_undone_does_not_hold() {
        use ec2::RouteTableAssociationStateCode as Code;
        let association = |code: Option<Code>| {
            let state = code.map(|code| ec2::RouteTableAssociationState::builder().state(code).build());
            ec2::RouteTableAssociation::builder()
                .subnet_id("subnet-0a1b2c3d")
                .set_association_state(state)
                .build()
        };
        for (code, holds) in [
            (None, true),
            (Some(Code::Associated), true),
            (Some(Code::Associating), true),
            (Some(Code::Disassociating), false),
            (Some(Code::Failed), false),
        ] {
            let found = route_table(&table(vec![]).associations(association(code.clone())).build());
            assert_eq!(found.expect("well formed").subnets.len(), usize::from(holds), "{code:?}");
        }
    }
}
