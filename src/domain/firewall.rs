//! What security groups and network ACLs let through, as far as it decides whether a function reaches the internet: which
//! peers and ports, and nothing of single addresses. Only IPv4 over TCP and UDP is looked at. Decides nothing.

use std::collections::BTreeSet;
use std::fmt;
use std::net::Ipv4Addr;

use super::ids::{SecurityGroupId, SubnetId};

/// Ports from the first to the second, both included.
pub type Ports = (u16, u16);

/// Every port.
pub const ALL_PORTS: Ports = (0, u16::MAX);

/// The ports that answers to a function come in at (VPC user guide, ephemeral ports).
pub const EPHEMERAL: Ports = (1024, u16::MAX);

/// The other side of a rule.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Peer {
    /// 0.0.0.0/0
    Anywhere,
    /// A part of the internet, or a list that may hold some.
    Public(String),
    /// Addresses that no internet gateway leads to.
    Private(String),
}

impl Peer {
    /// The addresses of an IPv4 block.
    #[must_use]
    pub fn block(text: &str) -> Self {
        let (address, length) = text.split_once('/').unwrap_or((text, "32"));
        match (address.parse::<Ipv4Addr>(), length.parse::<u8>()) {
            (Ok(_), Ok(0)) => Self::Anywhere,
            (Ok(address), Ok(length)) if is_private(address, length) => Self::Private(text.to_owned()),
            _ => Self::Public(text.to_owned()),
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anywhere => f.write_str("0.0.0.0/0"),
            Self::Public(what) | Self::Private(what) => f.write_str(what),
        }
    }
}

/// Whether a whole block lies in a range that is not routed on the internet (RFC 1918, 6598, 3927, 1122).
fn is_private(address: Ipv4Addr, length: u8) -> bool {
    let ranges = [
        ([10, 0, 0, 0], 8),
        ([172, 16, 0, 0], 12),
        ([192, 168, 0, 0], 16),
        ([100, 64, 0, 0], 10),
        ([169, 254, 0, 0], 16),
        ([127, 0, 0, 0], 8),
    ];
    ranges.into_iter().any(|(base, of)| {
        let differ = u32::from(address) ^ u32::from(Ipv4Addr::from(base));
        length >= of && differ >> (32 - u32::from(of)) == 0
    })
}

/// A security group, by what it lets out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SecurityGroup {
    /// Its id.
    pub id: SecurityGroupId,
    /// To whom it lets traffic out, and to which ports.
    pub lets_out: Vec<(Peer, Ports)>,
}

/// A network ACL.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NetworkAcl {
    /// Its id.
    pub id: String,
    /// The subnets that it holds for.
    pub subnets: BTreeSet<SubnetId>,
    /// Its rules for TCP, in any order.
    pub rules: Vec<AclRule>,
}

/// A rule of a network ACL: of those that fit, the one with the lowest number decides.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AclRule {
    /// Its number.
    pub number: i32,
    /// Whether it is for what leaves the subnet.
    pub is_egress: bool,
    /// Whether it allows.
    pub allows: bool,
    /// The other side.
    pub peer: Peer,
    /// The ports that traffic goes to.
    pub ports: Ports,
}

/// What gets through.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Passage {
    /// The ports that are open for everybody.
    pub open: Vec<Ports>,
    /// Parts of the internet that something else is open for.
    pub some: BTreeSet<String>,
}

impl Passage {
    /// What a set of security groups lets out: whatever one of them does.
    pub fn of_groups<'a>(groups: impl Iterator<Item = &'a SecurityGroup>) -> Self {
        let mut passage = Self::default();
        for (peer, ports) in groups.flat_map(|group| &group.lets_out) {
            match peer {
                Peer::Anywhere => passage.open.push(*ports),
                Peer::Public(what) => drop(passage.some.insert(what.clone())),
                Peer::Private(_) => {}
            }
        }
        passage
    }

    /// What an ACL lets through in one direction, of these ports.
    #[must_use]
    pub fn of_acl(acl: &NetworkAcl, is_egress: bool, ports: Ports) -> Self {
        let mut rules: Vec<&AclRule> = acl.rules.iter().filter(|rule| rule.is_egress == is_egress).collect();
        rules.sort_by_key(|rule| rule.number);
        let (mut undecided, mut passage) = (vec![ports], Self::default());
        for rule in rules {
            let decided: Vec<Ports> =
                undecided.iter().filter_map(|part| intersection(*part, rule.ports)).collect();
            match &rule.peer {
                Peer::Public(what) if rule.allows && !decided.is_empty() => {
                    passage.some.insert(what.clone());
                }
                Peer::Public(_) | Peer::Private(_) => {}
                Peer::Anywhere => {
                    undecided = undecided.into_iter().flat_map(|part| without(part, rule.ports)).collect();
                    passage.open.extend(decided.into_iter().filter(|_| rule.allows));
                }
            }
        }
        passage
    }

    /// Whether nothing of the internet gets through.
    #[must_use]
    pub fn is_shut(&self) -> bool {
        self.open.is_empty() && self.some.is_empty()
    }

    /// Those of these ports that are not open for everybody.
    #[must_use]
    pub fn shut(&self, ports: Ports) -> Vec<Ports> {
        self.open
            .iter()
            .fold(vec![ports], |shut, open| shut.into_iter().flat_map(|part| without(part, *open)).collect())
    }
}

fn intersection(one: Ports, other: Ports) -> Option<Ports> {
    let both = (one.0.max(other.0), one.1.min(other.1));
    (both.0 <= both.1).then_some(both)
}

fn without(part: Ports, taken: Ports) -> Vec<Ports> {
    let Some((from, to)) = intersection(part, taken) else { return vec![part] };
    let before = from.checked_sub(1).map(|end| (part.0, end)).filter(|(start, end)| start <= end);
    let after = to.checked_add(1).map(|start| (start, part.1)).filter(|(start, end)| start <= end);
    before.into_iter().chain(after).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(number: i32, allows: bool, block: &str, ports: Ports) -> AclRule {
        AclRule { number, is_egress: false, allows, peer: Peer::block(block), ports }
    }

    fn acl(rules: Vec<AclRule>) -> NetworkAcl {
        NetworkAcl { id: "acl-1".to_owned(), subnets: BTreeSet::new(), rules }
    }

    #[test]
    fn blocks_are_told_apart_by_whether_the_internet_is_in_them() {
        for (text, peer) in [
            ("0.0.0.0/0", Peer::Anywhere),
            ("0.0.0.0/1", Peer::Public("0.0.0.0/1".to_owned())),
            ("203.0.113.7/32", Peer::Public("203.0.113.7/32".to_owned())),
            ("10.1.0.0/16", Peer::Private("10.1.0.0/16".to_owned())),
            ("10.0.0.0/7", Peer::Public("10.0.0.0/7".to_owned())),
            ("172.16.0.0/12", Peer::Private("172.16.0.0/12".to_owned())),
            ("172.32.0.0/12", Peer::Public("172.32.0.0/12".to_owned())),
            ("100.64.1.0/24", Peer::Private("100.64.1.0/24".to_owned())),
            ("nonsense", Peer::Public("nonsense".to_owned())),
        ] {
            assert_eq!(Peer::block(text), peer, "{text}");
        }
    }

    #[test]
    fn a_set_of_groups_lets_out_what_one_of_them_does() {
        let group = |n: u32, lets_out: Vec<(Peer, Ports)>| SecurityGroup {
            id: format!("sg-{n:08x}").parse().expect("well-formed"),
            lets_out,
        };
        let (nothing, private) = (group(1, vec![]), group(2, vec![(Peer::block("10.0.0.0/8"), ALL_PORTS)]));
        assert!(Passage::of_groups([&nothing, &private].into_iter()).is_shut());
        let partner = group(3, vec![(Peer::block("203.0.113.0/24"), (443, 443))]);
        let passage = Passage::of_groups([&nothing, &partner].into_iter());
        assert_eq!((passage.open.len(), passage.some.len(), passage.is_shut()), (0, 1, false));
        let all = group(4, vec![(Peer::Anywhere, (443, 443))]);
        assert_eq!(Passage::of_groups([&partner, &all].into_iter()).open, [(443, 443)]);
    }

    #[test]
    fn of_the_rules_of_an_acl_the_first_that_fits_decides() {
        let last = || rule(32767, false, "0.0.0.0/0", ALL_PORTS);
        let cases: Vec<(&str, Vec<AclRule>, Vec<Ports>)> = vec![
            ("open", vec![rule(100, true, "0.0.0.0/0", ALL_PORTS), last()], vec![]),
            ("nothing but the last", vec![last()], vec![EPHEMERAL]),
            ("no rule at all", vec![], vec![EPHEMERAL]),
            (
                "a deny before the allow",
                vec![
                    last(),
                    rule(100, true, "0.0.0.0/0", ALL_PORTS),
                    rule(90, false, "0.0.0.0/0", (3389, 3389)),
                ],
                vec![(3389, 3389)],
            ),
            (
                "a deny after the allow",
                vec![rule(100, true, "0.0.0.0/0", ALL_PORTS), rule(110, false, "0.0.0.0/0", (3389, 3389))],
                vec![],
            ),
            (
                "a part",
                vec![rule(100, true, "0.0.0.0/0", (32768, 60999)), last()],
                vec![(1024, 32767), (61000, 65535)],
            ),
            (
                "a narrow deny is not looked at",
                vec![rule(90, false, "203.0.113.0/24", ALL_PORTS), rule(100, true, "0.0.0.0/0", ALL_PORTS)],
                vec![],
            ),
        ];
        for (what, rules, shut) in cases {
            let passage = Passage::of_acl(&acl(rules), false, EPHEMERAL);
            assert_eq!(passage.shut(EPHEMERAL), shut, "{what}");
        }
        let narrow = acl(vec![rule(100, true, "203.0.113.0/24", ALL_PORTS), last()]);
        let passage = Passage::of_acl(&narrow, false, EPHEMERAL);
        assert_eq!((passage.open.len(), passage.some.len()), (0, 1));
        assert!(Passage::of_acl(&narrow, true, ALL_PORTS).is_shut(), "the other direction has no rule");
        let too_late = acl(vec![last(), rule(40000, true, "203.0.113.0/24", ALL_PORTS)]);
        assert!(Passage::of_acl(&too_late, false, EPHEMERAL).is_shut(), "denied before");
    }
}
