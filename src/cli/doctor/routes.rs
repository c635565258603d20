//! Whether the subnets of declared functions lead to an internet gateway.

use std::collections::BTreeSet;

use super::super::render::words::count;
use super::check::{Check, Verdict};
use crate::domain::ids::SubnetId;
use crate::domain::network::Network;

const NAME: &str = "routes";

/// What is known of where these subnets lead.
pub(super) fn judge(subnets: &BTreeSet<SubnetId>, network: &Network) -> Vec<Check> {
    if subnets.is_empty() {
        return vec![Check::skip(NAME, "no declared function is known to be in a VPC")];
    }
    let mut checks = Vec::new();
    let mut lead_out = 0;
    for subnet in subnets {
        let is_known = network.facts(subnet).is_some_and(|facts| facts.routes.is_some());
        match network.dead_end(subnet) {
            Some(dead_end) => {
                checks.push(Check::told(NAME, Verdict::Fail, &dead_end.to_string()).of(subnet));
            }
            None if is_known => lead_out += 1,
            None => checks.push(Check::skip(NAME, unknown(network)).of(subnet)),
        }
    }
    if lead_out > 0 {
        let told = match lead_out {
            1 => "1 subnet leads to an internet gateway".to_owned(),
            _ => format!("{} lead to an internet gateway", count(lead_out, "subnet", "subnets")),
        };
        checks.insert(0, Check::pass(NAME, told));
    }
    checks
}

fn unknown(network: &Network) -> String {
    match network.unread.first() {
        Some(why) => why.clone(),
        None => "EC2 does not show it".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::network::{RouteTable, Way};

    fn subnet(n: u32) -> SubnetId {
        format!("subnet-{n:08x}").parse().expect("well-formed")
    }

    fn table(n: u32, ipv4: Way) -> RouteTable {
        RouteTable {
            id: "rtb-0a1b2c3d".parse().expect("well-formed"),
            vpc: "vpc-0a1b2c3d".parse().expect("well-formed"),
            is_main: false,
            subnets: [subnet(n)].into(),
            ipv4,
            ipv6: Way::Missing,
        }
    }

    #[test]
    fn a_subnet_leads_out_or_nowhere_or_is_not_known() {
        let asked: BTreeSet<SubnetId> = [subnet(1), subnet(2), subnet(3)].into();
        let tables = [table(1, Way::InternetGateway("igw-1".to_owned())), table(2, Way::Missing)];
        let mut network = Network::of(&asked, Vec::new(), &tables);
        network.unread.push("denied; hint: grant it".to_owned());
        let checks = judge(&asked, &network);
        let verdicts: Vec<_> = checks.iter().map(|check| (check.subject.clone(), check.verdict)).collect();
        assert_eq!(
            verdicts,
            [
                (None, Verdict::Pass),
                (Some(subnet(2).to_string()), Verdict::Fail),
                (Some(subnet(3).to_string()), Verdict::Skip),
            ]
        );
        assert!(checks[1].remedy.as_ref().is_some_and(|remedy| remedy.contains("internet gateway")));
        assert_eq!(judge(&BTreeSet::new(), &network)[0].verdict, Verdict::Skip);
    }
}
