//! Whether security groups and network ACLs let traffic of declared functions out, and its answers in.

use std::collections::BTreeSet;

use super::super::render::words::count;
use super::check::Check;
use crate::domain::firewall::{ALL_PORTS, EPHEMERAL, NetworkAcl, Passage, Ports, SecurityGroup};
use crate::domain::function::SecurityGroups;
use crate::domain::ids::SubnetId;

const GROUPS: &str = "security_groups";
const ACLS: &str = "network_acls";

/// So many parts of the internet are named.
const NAMED_MAX: usize = 3;

/// What each set of security groups lets out.
pub(super) fn judge_groups(sets: &BTreeSet<SecurityGroups>, shown: &[SecurityGroup]) -> Vec<Check> {
    sets.iter().map(|set| judge_set(set, shown).of(set)).collect()
}

fn judge_set(set: &SecurityGroups, shown: &[SecurityGroup]) -> Check {
    let found: Vec<&SecurityGroup> =
        set.iter().filter_map(|id| shown.iter().find(|group| group.id == *id)).collect();
    let passage = Passage::of_groups(found.iter().copied());
    if !passage.is_shut() {
        return Check::pass(GROUPS, format!("lets out {}", told(&passage, ALL_PORTS)));
    }
    if found.len() < set.iter().count() {
        return Check::skip(GROUPS, "EC2 does not show every group of it");
    }
    let private = found.iter().any(|group| !group.lets_out.is_empty());
    let evidence = match private {
        true => "lets traffic out to private addresses only",
        false => "lets no TCP or UDP over IPv4 out",
    };
    Check::fail(GROUPS, evidence, "add an outbound rule for where the functions call to one of the groups")
}

/// What the network ACL of each subnet lets out and in.
pub(super) fn judge_acls(subnets: &BTreeSet<SubnetId>, shown: &[NetworkAcl]) -> Vec<Check> {
    let mut checks = Vec::new();
    let mut open = 0;
    for subnet in subnets {
        let Some(acl) = shown.iter().find(|acl| acl.subnets.contains(subnet)) else {
            checks.push(Check::skip(ACLS, "EC2 shows no network ACL for it").of(subnet));
            continue;
        };
        match judge_acl(acl) {
            None => open += 1,
            Some(check) => checks.push(check.of(&format!("{subnet} ({})", acl.id))),
        }
    }
    if open > 0 {
        let subnets = count(open, "subnet", "subnets");
        let told =
            format!("{subnets}: TCP gets out, and its answers get in at ports {}", ports(&[EPHEMERAL]));
        checks.insert(0, Check::pass(ACLS, told));
    }
    checks
}

/// Nothing when it lets everything through that it takes.
fn judge_acl(acl: &NetworkAcl) -> Option<Check> {
    let out = Passage::of_acl(acl, true, ALL_PORTS);
    let back = Passage::of_acl(acl, false, EPHEMERAL);
    if out.is_shut() {
        let remedy = "add an outbound rule that allows TCP to where the functions call";
        return Some(Check::fail(ACLS, "lets no TCP out", remedy));
    }
    if back.is_shut() {
        let remedy = format!("add an inbound rule that allows TCP to ports {}", ports(&[EPHEMERAL]));
        return Some(Check::fail(
            ACLS,
            "lets no answers in, since it has no memory of what went out",
            remedy,
        ));
    }
    let shut = back.shut(EPHEMERAL);
    if shut.is_empty() && !out.open.is_empty() {
        return None;
    }
    if shut.is_empty() || back.open.is_empty() {
        let told = format!("lets out {}, answers in {}", told(&out, ALL_PORTS), told(&back, EPHEMERAL));
        return Some(Check::pass(ACLS, told));
    }
    let told = format!("drops answers that come in at ports {}", ports(&shut));
    Some(Check::warn(ACLS, told, format!("allow TCP in to ports {}", ports(&[EPHEMERAL]))))
}

fn told(passage: &Passage, all: Ports) -> String {
    if passage.shut(all).is_empty() {
        return "to anywhere".to_owned();
    }
    if !passage.open.is_empty() {
        return format!("to anywhere at ports {}", ports(&passage.open));
    }
    let named: Vec<&str> = passage.some.iter().take(NAMED_MAX).map(String::as_str).collect();
    match passage.some.len().saturating_sub(NAMED_MAX) {
        0 => format!("to {}", named.join(", ")),
        more => format!("to {} and {more} more", named.join(", ")),
    }
}

fn ports(of: &[Ports]) -> String {
    let one = |(from, to): &Ports| if from == to { from.to_string() } else { format!("{from}-{to}") };
    of.iter().map(one).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::super::check::Verdict;
    use super::*;
    use crate::domain::firewall::{AclRule, Peer};

    fn group(n: u32, lets_out: Vec<(Peer, Ports)>) -> SecurityGroup {
        SecurityGroup { id: format!("sg-{n:08x}").parse().expect("well-formed"), lets_out }
    }

    #[test]
    fn a_set_of_groups_must_let_something_out_to_the_internet() {
        let (all, partner) = (Peer::Anywhere, Peer::block("203.0.113.0/24"));
        for (lets_out, verdict, evidence) in [
            (vec![(all.clone(), ALL_PORTS)], Verdict::Pass, "lets out to anywhere"),
            (vec![(all, (443, 443))], Verdict::Pass, "lets out to anywhere at ports 443"),
            (vec![(partner, ALL_PORTS)], Verdict::Pass, "lets out to 203.0.113.0/24"),
            (
                vec![(Peer::block("10.0.0.0/8"), ALL_PORTS)],
                Verdict::Fail,
                "lets traffic out to private addresses only",
            ),
            (vec![], Verdict::Fail, "lets no TCP or UDP over IPv4 out"),
        ] {
            let shown = [group(1, lets_out), group(2, vec![])];
            let set: SecurityGroups = shown.iter().map(|group| group.id.clone()).collect();
            let checks = judge_groups(&[set.clone()].into(), &shown);
            assert_eq!((checks[0].verdict, checks[0].evidence.as_str()), (verdict, evidence));
            assert_eq!(checks[0].remedy.is_some(), verdict == Verdict::Fail);
            if verdict == Verdict::Fail {
                let half = judge_groups(&[set].into(), &shown[..1]);
                assert_eq!(half[0].verdict, Verdict::Skip, "the other group may let something out");
            }
        }
    }

    #[test]
    fn an_acl_must_let_traffic_out_and_its_answers_in() {
        let subnet: SubnetId = "subnet-0a1b2c3d".parse().expect("well-formed");
        let rule = |is_egress, block: &str, ports| AclRule {
            number: 100,
            is_egress,
            allows: true,
            peer: Peer::block(block),
            ports,
        };
        let (anywhere, partner) = ("0.0.0.0/0", "203.0.113.0/24");
        let (out, back) = (|| rule(true, anywhere, ALL_PORTS), || rule(false, anywhere, ALL_PORTS));
        for (rules, verdict, told) in [
            (vec![out(), back()], Verdict::Pass, "1 subnet: TCP gets out"),
            (vec![back()], Verdict::Fail, "lets no TCP out"),
            (vec![out()], Verdict::Fail, "lets no answers in"),
            (
                vec![out(), rule(false, anywhere, (32768, 60999))],
                Verdict::Warn,
                "drops answers that come in at ports 1024-32767, 61000-65535",
            ),
            (
                vec![rule(true, partner, ALL_PORTS), rule(false, partner, EPHEMERAL)],
                Verdict::Pass,
                "lets out to 203.0.113.0/24, answers in to 203.0.113.0/24",
            ),
            (vec![rule(true, anywhere, (443, 443)), back()], Verdict::Pass, "1 subnet: TCP gets out"),
        ] {
            let acl = NetworkAcl { id: "acl-1".to_owned(), subnets: [subnet.clone()].into(), rules };
            let checks = judge_acls(&[subnet.clone()].into(), &[acl]);
            assert_eq!((checks.len(), checks[0].verdict), (1, verdict), "{checks:?}");
            assert!(checks[0].evidence.starts_with(told), "{checks:?}");
        }
        assert_eq!(judge_acls(&[subnet].into(), &[])[0].verdict, Verdict::Skip);
    }
}
