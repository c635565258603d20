//! Quotas against their use: Elastic IPs of the account, and Lambda's interfaces in a VPC.

use std::collections::BTreeMap;

use super::check::Check;
use crate::domain::ids::VpcId;

const ADDRESSES: &str = "address_quota";
const INTERFACES: &str = "interface_quota";

/// Hyperplane interfaces in a VPC, unless AWS granted more, which no call that `eipd` makes tells (AWS.md 1, confirmed).
const INTERFACES_USUAL: usize = 500;

/// The quota of Elastic IPs against those that the account holds, and the addresses that pools are short of.
pub(super) fn judge_addresses(quota: Option<usize>, held: usize, short_of: usize) -> Check {
    let Some(quota) = quota else {
        return Check::skip(ADDRESSES, "EC2 does not say how many Elastic IPs the account may have");
    };
    let room = quota.saturating_sub(held);
    let told = format!("{held} of {quota} Elastic IPs are allocated");
    if room < short_of {
        let told = format!("{told}, and the pools are short of {short_of}");
        return Check::warn(
            ADDRESSES,
            told,
            "ask for a higher quota of EC2-VPC Elastic IPs, or release unused ones",
        );
    }
    Check::pass(ADDRESSES, told)
}

/// Lambda's interfaces of each VPC against the quota, or against the usual one where none is told. From four fifths on there
/// is little left for a change of subnets or security groups, which needs old and new at once.
pub(super) fn judge_interfaces(
    in_vpcs: &BTreeMap<VpcId, usize>,
    unplaced: usize,
    quota: Option<usize>,
) -> Vec<Check> {
    let most = quota.unwrap_or(INTERFACES_USUAL);
    let judge = |(vpc, count): (&VpcId, &usize)| {
        let usual = if quota.is_none() { ", by the usual quota" } else { "" };
        let told = format!("{count} of {most} network interfaces of Lambda{usual}");
        let share = "let functions share subnets and security groups, or ask AWS for a higher quota";
        let check = match quota {
            Some(quota) if *count >= quota => Check::fail(INTERFACES, told, share),
            _ if *count < most / 5 * 4 => Check::pass(INTERFACES, told),
            Some(_) => Check::warn(INTERFACES, told, share),
            None => {
                let remedy = format!("{share}; where it is higher already, say so by --hyperplane-quota");
                Check::warn(INTERFACES, told, remedy)
            }
        };
        check.of(vpc)
    };
    let mut checks: Vec<Check> = in_vpcs.iter().map(judge).collect();
    if unplaced > 0 {
        checks.push(Check::skip(INTERFACES, format!("the VPC of {unplaced} interfaces is not known")));
    }
    if checks.is_empty() {
        checks.push(Check::pass(INTERFACES, "Lambda has no network interface here"));
    }
    checks
}

#[cfg(test)]
mod tests {
    use super::super::check::Verdict;
    use super::*;

    #[test]
    fn the_room_for_addresses_must_do_for_what_the_pools_lack() {
        for (quota, held, short_of, verdict) in [
            (Some(5), 3, 0, Verdict::Pass),
            (Some(5), 5, 0, Verdict::Pass),
            (Some(5), 3, 2, Verdict::Pass),
            (Some(5), 4, 2, Verdict::Warn),
            (Some(5), 7, 1, Verdict::Warn),
            (None, 7, 1, Verdict::Skip),
        ] {
            assert_eq!(
                judge_addresses(quota, held, short_of).verdict,
                verdict,
                "{quota:?} {held} {short_of}"
            );
        }
    }

    #[test]
    fn a_vpc_fills_up_before_it_is_full() {
        let vpc: VpcId = "vpc-0a1b2c3d".parse().expect("well-formed");
        for (count, quota, verdict) in [
            (1, None, Verdict::Pass),
            (399, None, Verdict::Pass),
            (400, None, Verdict::Warn),
            // It may have been raised.
            (500, None, Verdict::Warn),
            (399, Some(500), Verdict::Pass),
            (499, Some(500), Verdict::Warn),
            (500, Some(500), Verdict::Fail),
            (700, Some(1_000), Verdict::Pass),
            (800, Some(1_000), Verdict::Warn),
            (1_000, Some(1_000), Verdict::Fail),
        ] {
            let judged = judge_interfaces(&[(vpc.clone(), count)].into(), 0, quota);
            assert_eq!(judged[0].verdict, verdict, "{count} of {quota:?}");
        }
        let usual = judge_interfaces(&[(vpc, 600)].into(), 0, None);
        let told = format!("{:?}", usual[0]);
        assert!(told.contains("600 of 500") && told.contains("--hyperplane-quota"), "{told}");
        assert_eq!(judge_interfaces(&BTreeMap::new(), 0, None)[0].verdict, Verdict::Pass);
        assert_eq!(judge_interfaces(&BTreeMap::new(), 3, None)[0].verdict, Verdict::Skip);
    }
}
