//! Where subnets lead: to an internet gateway, without which an Elastic IP is of no use, or elsewhere. Knows what route
//! tables say of 0.0.0.0/0 and ::/0 and nothing of more specific routes; what was not read is unknown, and nothing is
//! concluded from it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use super::ids::{RouteTableId, SubnetId, VpcId, ZoneId};

/// A subnet, as DescribeSubnets shows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Subnet {
    /// Its id.
    pub id: SubnetId,
    /// Its VPC.
    pub vpc: VpcId,
    /// The name of its availability zone, such as `eu-west-1a`.
    pub zone: Option<Arc<str>>,
    /// The id of its availability zone.
    pub zone_id: Option<ZoneId>,
}

/// A route table, as far as it says where traffic for anywhere goes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RouteTable {
    /// Its id.
    pub id: RouteTableId,
    /// Its VPC.
    pub vpc: VpcId,
    /// Whether it holds for each subnet of the VPC that has none of its own.
    pub is_main: bool,
    /// The subnets that it is associated with.
    pub subnets: BTreeSet<SubnetId>,
    /// For 0.0.0.0/0.
    pub ipv4: Way,
    /// For ::/0.
    pub ipv6: Way,
}

/// Where a default route leads.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Way {
    /// To an internet gateway.
    InternetGateway(String),
    /// To an egress-only internet gateway, which is for IPv6 alone.
    EgressOnlyGateway(String),
    /// To something else, in words.
    Elsewhere(String),
    /// To something that is gone, in words: such a route drops what takes it.
    Blackhole(String),
    /// There is no such route.
    Missing,
}

/// One default route.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Route {
    /// Where it leads while it is in force.
    pub way: Way,
    /// Whether it is in force; else it is a blackhole.
    pub is_active: bool,
}

impl Way {
    /// Where routes for the same destination lead: a table can have a static one and a propagated one, and a static one,
    /// as those to internet gateways all are, comes first (VPC user guide, route priority; believed).
    #[must_use]
    pub fn of(routes: &[Route]) -> Self {
        let is_out =
            |route: &&Route| matches!(route.way, Self::InternetGateway(_) | Self::EgressOnlyGateway(_));
        let mut active = routes.iter().filter(|route| route.is_active);
        let best = active.clone().find(is_out).or_else(|| active.next());
        match (best, routes.first()) {
            (Some(route), _) => route.way.clone(),
            (None, Some(dead)) => Self::Blackhole(dead.way.to_string()),
            (None, None) => Self::Missing,
        }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InternetGateway(id) => write!(f, "internet gateway `{id}`"),
            Self::EgressOnlyGateway(id) => write!(f, "egress-only internet gateway `{id}`"),
            Self::Elsewhere(what) => f.write_str(what),
            Self::Blackhole(what) => write!(f, "{what}, which is gone"),
            Self::Missing => f.write_str("nowhere"),
        }
    }
}

/// A subnet from which nothing reaches the internet with an Elastic IP.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeadEnd {
    /// The subnet.
    pub subnet: SubnetId,
    /// The route table that holds for it.
    pub route_table: RouteTableId,
    /// Where it sends 0.0.0.0/0.
    pub leads: Way,
}

impl fmt::Display for DeadEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` has no route to an internet gateway: ", self.subnet)?;
        match &self.leads {
            Way::Missing => write!(f, "its route table `{}` has none for 0.0.0.0/0", self.route_table)?,
            way => write!(f, "its route table `{}` sends 0.0.0.0/0 to {way}", self.route_table)?,
        }
        write!(f, "; hint: route 0.0.0.0/0 there to an internet gateway, or give the function other subnets")
    }
}

/// What is known of one subnet.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Facts {
    /// Nothing when DescribeSubnets did not show it.
    pub subnet: Option<Subnet>,
    /// Nothing when it is not known which route table holds for it.
    pub routes: Option<Routes>,
}

/// The default routes that hold for a subnet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Routes {
    /// The table that they are in.
    pub table: RouteTableId,
    /// For 0.0.0.0/0.
    pub ipv4: Way,
    /// For ::/0.
    pub ipv6: Way,
}

/// What is known of the subnets that were asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Network {
    subnets: BTreeMap<SubnetId, Facts>,
    dead_ends: BTreeMap<SubnetId, Arc<DeadEnd>>,
    /// Why the rest is not known, for the operator.
    pub unread: Vec<String>,
}

impl Network {
    /// What subnets and route tables amount to for these subnets: a subnet's own table holds for it, and where it has
    /// none, the main table of its VPC.
    #[must_use]
    pub fn of(asked: &BTreeSet<SubnetId>, subnets: Vec<Subnet>, tables: &[RouteTable]) -> Self {
        let mut known: BTreeMap<SubnetId, Subnet> =
            subnets.into_iter().map(|subnet| (subnet.id.clone(), subnet)).collect();
        let own: BTreeMap<&SubnetId, &RouteTable> =
            tables.iter().flat_map(|table| table.subnets.iter().map(move |subnet| (subnet, table))).collect();
        let main: BTreeMap<&VpcId, &RouteTable> =
            tables.iter().filter(|table| table.is_main).map(|table| (&table.vpc, table)).collect();
        let mut network = Self::default();
        for id in asked {
            let subnet = known.remove(id);
            let of_vpc = || subnet.as_ref().and_then(|subnet| main.get(&subnet.vpc));
            let table = own.get(id).or_else(of_vpc);
            let routes = table.map(|table| Routes {
                table: table.id.clone(),
                ipv4: table.ipv4.clone(),
                ipv6: table.ipv6.clone(),
            });
            if subnet.is_some() || routes.is_some() {
                network.add(id.clone(), Facts { subnet, routes });
            }
        }
        network
    }

    /// With what was known of these subnets before, where nothing is known now.
    #[must_use]
    pub fn or_else(mut self, before: &Self, asked: &BTreeSet<SubnetId>) -> Self {
        for id in asked {
            let Some(earlier) = before.subnets.get(id) else { continue };
            let mut facts = self.subnets.remove(id).unwrap_or_default();
            facts.subnet = facts.subnet.or_else(|| earlier.subnet.clone());
            facts.routes = facts.routes.or_else(|| earlier.routes.clone());
            self.add(id.clone(), facts);
        }
        self
    }

    /// With what was read of other subnets besides; where both know one, the other counts.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        for (id, facts) in &other.subnets {
            self.dead_ends.remove(id);
            self.add(id.clone(), facts.clone());
        }
        self.unread.extend(other.unread.iter().cloned());
        self
    }

    fn add(&mut self, id: SubnetId, facts: Facts) {
        if let Some(routes) = facts.routes.as_ref().filter(|r| !matches!(r.ipv4, Way::InternetGateway(_))) {
            let (route_table, leads) = (routes.table.clone(), routes.ipv4.clone());
            let dead_end = Arc::new(DeadEnd { subnet: id.clone(), route_table, leads });
            self.dead_ends.insert(id.clone(), dead_end);
        }
        self.subnets.insert(id, facts);
    }

    /// What is known of a subnet.
    #[must_use]
    pub fn facts(&self, subnet: &SubnetId) -> Option<&Facts> {
        self.subnets.get(subnet)
    }

    /// Why nothing gets out of a subnet, if that is known to be so.
    #[must_use]
    pub fn dead_end(&self, subnet: &SubnetId) -> Option<&Arc<DeadEnd>> {
        self.dead_ends.get(subnet)
    }

    /// Where IPv6 traffic leaves a subnet for the internet, past any Elastic IP, if that is known to be so.
    #[must_use]
    pub fn ipv6_way_out(&self, subnet: &SubnetId) -> Option<&Way> {
        let way = self.subnets.get(subnet).and_then(|facts| Some(&facts.routes.as_ref()?.ipv6));
        way.filter(|way| matches!(way, Way::InternetGateway(_) | Way::EgressOnlyGateway(_)))
    }

    /// The subnets that were shown and whose route table was not.
    pub fn without_routes(&self) -> impl Iterator<Item = &SubnetId> {
        self.subnets.iter().filter(|(_, facts)| facts.routes.is_none()).map(|(id, _)| id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn igw() -> Way {
        Way::InternetGateway("igw-1".to_owned())
    }

    fn nat() -> Way {
        Way::Elsewhere("NAT gateway `nat-1`".to_owned())
    }

    fn route(way: Way, is_active: bool) -> Route {
        Route { way, is_active }
    }

    fn id<T: std::str::FromStr>(prefix: &str, n: u32) -> T {
        format!("{prefix}-{n:08x}").parse().unwrap_or_else(|_| panic!("{prefix} {n} is well-formed"))
    }

    fn subnet(n: u32, vpc: u32) -> Subnet {
        Subnet { id: id("subnet", n), vpc: id("vpc", vpc), zone: None, zone_id: None }
    }

    fn table(n: u32, vpc: u32, of: Option<&[u32]>, ipv4: Way) -> RouteTable {
        RouteTable {
            id: id("rtb", n),
            vpc: id("vpc", vpc),
            is_main: of.is_none(),
            subnets: of.into_iter().flatten().map(|n| id("subnet", *n)).collect(),
            ipv4,
            ipv6: Way::Missing,
        }
    }

    fn asked(numbers: &[u32]) -> BTreeSet<SubnetId> {
        numbers.iter().map(|n| id("subnet", *n)).collect()
    }

    #[test]
    fn a_route_counts_while_it_is_in_force() {
        let gone = "internet gateway `igw-1`";
        for (routes, way) in [
            (vec![], Way::Missing),
            (vec![route(igw(), true)], igw()),
            (vec![route(nat(), true)], nat()),
            (vec![route(igw(), false)], Way::Blackhole(gone.to_owned())),
            (vec![route(nat(), true), route(igw(), true)], igw()),
            (vec![route(igw(), false), route(nat(), true)], nat()),
        ] {
            assert_eq!(Way::of(&routes), way, "{routes:?}");
        }
    }

    #[test]
    fn a_subnet_goes_by_its_own_table_else_by_the_main_one_of_its_vpc() {
        let tables = [
            table(1, 1, None, Way::Missing),
            table(2, 1, Some(&[1]), igw()),
            table(3, 2, None, igw()),
            table(4, 2, Some(&[4]), nat()),
        ];
        let subnets = vec![subnet(1, 1), subnet(2, 1), subnet(3, 2), subnet(4, 2)];
        let network = Network::of(&asked(&[1, 2, 3, 4]), subnets, &tables);
        let dead_end = |n| network.dead_end(&id("subnet", n)).map(|end| end.route_table.to_string());
        assert_eq!((dead_end(1), dead_end(3)), (None, None));
        assert_eq!(dead_end(2).as_deref(), Some("rtb-00000001"));
        assert_eq!(dead_end(4).as_deref(), Some("rtb-00000004"));
        let told = network.dead_end(&id("subnet", 4)).map(ToString::to_string).unwrap_or_default();
        assert!(told.contains("`rtb-00000004` sends 0.0.0.0/0 to NAT gateway `nat-1`"), "{told}");
    }

    #[test]
    fn what_was_not_read_is_no_dead_end() {
        let nothing = Network::of(&asked(&[1]), Vec::new(), &[]);
        assert_eq!(nothing.facts(&id("subnet", 1)), None);
        let no_tables = Network::of(&asked(&[1]), vec![subnet(1, 1)], &[]);
        assert_eq!(no_tables.dead_end(&id("subnet", 1)), None);
        assert_eq!(no_tables.without_routes().count(), 1);
        let main_of_nobody_knows = Network::of(&asked(&[1]), Vec::new(), &[table(1, 1, None, nat())]);
        assert_eq!(main_of_nobody_knows.dead_end(&id("subnet", 1)), None);
    }

    #[test]
    fn what_is_not_read_again_stays_as_it_was() {
        let before = Network::of(&asked(&[1, 2]), vec![subnet(1, 1)], &[table(1, 1, None, nat())]);
        let now = Network::of(&asked(&[1, 2]), vec![subnet(2, 1)], &[]).or_else(&before, &asked(&[1, 2]));
        assert!(now.dead_end(&id("subnet", 1)).is_some());
        assert_eq!(now.without_routes().count(), 1);
        let read = Network::of(&asked(&[1]), vec![subnet(1, 1)], &[table(1, 1, None, igw())]);
        assert_eq!(read.or_else(&before, &asked(&[1])).dead_end(&id("subnet", 1)), None);
    }

    #[test]
    fn ipv6_leaves_by_either_kind_of_gateway() {
        for (way, leaves) in [
            (igw(), true),
            (Way::EgressOnlyGateway("eigw-1".to_owned()), true),
            (nat(), false),
            (Way::Blackhole("internet gateway `igw-1`".to_owned()), false),
            (Way::Missing, false),
        ] {
            let table = RouteTable { ipv6: way.clone(), ..table(1, 1, Some(&[1]), igw()) };
            let network = Network::of(&asked(&[1]), Vec::new(), &[table]);
            assert_eq!(network.ipv6_way_out(&id("subnet", 1)).is_some(), leaves, "{way:?}");
        }
    }
}
