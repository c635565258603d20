//! The rules that explanations refer to, in words, and what would change what they lead to. Words only.

use serde::Serialize;

use crate::domain::drift::{Drift, Finding, Place};
use crate::domain::reason::{Reason, in_words, named};

/// A rule that eipd goes by.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
pub struct Rule {
    /// Its number in docs/LAWS.md, if it has one.
    pub law: Option<u8>,
    /// What it says.
    pub text: &'static str,
}

macro_rules! rules {
    ($($(#[$doc:meta])* $name:ident = $law:expr, $text:literal;)*) => {
        $($(#[$doc])* pub(super) const $name: Rule = Rule { law: $law, text: $text };)*
    };
}

rules! {
    OURS_ALONE = Some(1), "only interfaces of this account whose subnet and exact set of security groups a declared function uses are touched";
    DECLARED_ALONE = Some(1), "only declared addresses are touched, and none that sits on anything else";
    HEALTHY_STAYS = Some(2), "a healthy association is never broken, not even for a better matching";
    IN_EVERY_SET = Some(2), "an interface may carry only an address that lies in the set of every declared function that uses it";
    NO_DISRUPTION = Some(3), "giving a free address to an interface without one disrupts nothing and needs no budget";
    NEVER_ALLOCATED = Some(4), "addresses are never allocated or released: one off the partner's list would be an outage";
    INCOMPLETE = Some(7), "an observation with gaps never leads to a change of what it did not show";
    EITHER_VIEW = Some(11), "an association exists if EC2's list of addresses or its list of interfaces shows it: reads are stale";
    OWN_WRITE = Some(11), "what was given moments ago is taken for granted for two minutes: reads are stale";
    RETIRED_ONLY = Some(12), "an address is taken from a Lambda interface only when no version of any function uses that any more, and the grace has passed";
    WAITS_ITS_TURN = None, "an interface that does not serve yet comes last, and does not get what `min_spare` keeps for those that serve";
    BY_PRIORITY = None, "where addresses are short, interfaces of functions with a higher `priority` are served first, and still as many as can be";
    DENIED = None, "where a pool denies bystanders, an interface that an undeclared function uses too stays bare, and keeps what it has";
    LEAVING = None, "an interface that is being removed is left alone";
    AWS_BORDER_GROUP = None, "AWS: an address can be put only on an interface of its own network border group";
    AWS_DENIES = None, "AWS: an interface with DenyAllIgwTraffic can't have an Elastic IP";
    AWS_ROUTE = None, "AWS: an Elastic IP is of use only where the subnet's default route leads to an internet gateway";
    AWS_VPC = None, "AWS: only a function in a VPC has network interfaces of its own";
    AWS_INSTANCES = None, "AWS: on a capacity provider the interfaces belong to instances";
    AWS_UPDATE = None, "AWS: while an update is in progress the former configuration serves, and both hold interfaces";
    AWS_IDLE = None, "AWS: after 14 idle days a function's interfaces are taken back, and its next invocation waits for new ones";
}

/// The rules that a reason rests on.
pub(super) fn behind(reason: &Reason) -> Vec<Rule> {
    match reason {
        Reason::NoFreeAddress { served_first: Some(_), .. } => {
            vec![IN_EVERY_SET, NEVER_ALLOCATED, BY_PRIORITY]
        }
        Reason::NoFreeAddress { .. } | Reason::AddressMissing(_) => vec![IN_EVERY_SET, NEVER_ALLOCATED],
        Reason::AddressOnForeignResource(..) => vec![DECLARED_ALONE],
        Reason::WrongAddress { declared_in: Some(_), .. } | Reason::Conflict(_) => vec![IN_EVERY_SET],
        Reason::WrongAddress { declared_in: None, .. } => vec![IN_EVERY_SET, DECLARED_ALONE],
        Reason::BorderGroup(_) => vec![AWS_BORDER_GROUP],
        Reason::Bystanders(_) => vec![DENIED],
        Reason::DeniesInternetGateway => vec![AWS_DENIES],
        Reason::NoInternetRoute { .. } => vec![AWS_ROUTE],
        Reason::Settling(..) => vec![OWN_WRITE],
        Reason::SpareHeldBack(_) => vec![WAITS_ITS_TURN],
        Reason::ZoneUnknown | Reason::ObservationIncomplete => vec![INCOMPLETE],
        Reason::Planned(..) | Reason::ActionFailed(_) | Reason::ActionSkipped(_) => vec![NO_DISRUPTION],
    }
}

/// What would cure what a reason says.
pub(super) fn remedies(reason: &Reason, finding: &Finding<'_>, drift: &Drift<'_>) -> Vec<String> {
    let pool = &finding.usage.pool;
    match reason {
        Reason::NoFreeAddress { served_first, .. } => {
            let mut remedies = vec![format!(
                "an address more in pool `{pool}`, or a free one among those that it may carry"
            )];
            remedies.extend(lingering(finding, drift));
            remedies.extend(served_first.iter().map(|first| {
                format!(
                    "a `priority` above {}, that of `{}`, for a function that uses it",
                    first.priority, first.function
                )
            }));
            remedies
        }
        Reason::AddressMissing(_) => {
            vec![format!(
                "the right ids in pool `{pool}`, or the account and region that these addresses are in"
            )]
        }
        Reason::AddressOnForeignResource(id, ip, what) => {
            vec![format!("taking {} off {what} by hand", in_words(id, *ip))]
        }
        Reason::WrongAddress { declared_in, carried } => {
            let ours = carried.iter().filter_map(|c| Some(in_words(c.allocation_id.as_ref()?, c.public_ip)));
            let ours: Vec<String> = ours.collect();
            let what = if ours.is_empty() { "its address".to_owned() } else { ours.join(", ") };
            let mut remedies = vec![format!("taking {what} off it by hand: then it gets one of its set")];
            if declared_in.is_none() {
                remedies.push(format!("declaring {what} in pool `{pool}`"));
            }
            remedies
        }
        Reason::Conflict(functions) => {
            let names: Vec<String> =
                functions.iter().map(|sharer| format!("`{}`", sharer.function)).collect();
            vec![format!("one pool for {}, or security groups of their own", names.join(", "))]
        }
        Reason::Bystanders(None) => vec!["a complete list of all versions; see the warnings".to_owned()],
        Reason::Bystanders(Some(strangers)) => vec![
            format!("declaring {}, or security groups of their own", named(strangers)),
            format!("`bystanders = \"report\"` for pool `{pool}`"),
        ],
        Reason::BorderGroup(group) => {
            vec![format!("an address of network border group `{group}` in pool `{pool}`")]
        }
        Reason::ZoneUnknown => vec!["a pin on its subnet in place of the pin on its zone".to_owned()],
        Reason::DeniesInternetGateway => vec!["clearing DenyAllIgwTraffic of the interface".to_owned()],
        Reason::NoInternetRoute { dead_end, .. } => vec![format!(
            "a route for 0.0.0.0/0 to an internet gateway in `{}`, seen within a few minutes",
            dead_end.route_table
        )],
        Reason::Settling(..) => vec!["two minutes at most: then what reads show counts again".to_owned()],
        Reason::SpareHeldBack(pool) => vec![
            "its coming into use".to_owned(),
            format!("an address more in pool `{pool}`, or a lower `min_spare`"),
        ],
        Reason::ObservationIncomplete => vec!["a read that succeeds; see the failures".to_owned()],
        Reason::Planned(..) | Reason::ActionFailed(_) | Reason::ActionSkipped(_) => {
            vec!["the next pass of a daemon, or `eipd apply`".to_owned()]
        }
    }
}

fn lingering(finding: &Finding<'_>, drift: &Drift<'_>) -> Vec<String> {
    let holders = finding.usage.candidates.iter().filter_map(|allocation| {
        let number = drift.number_of(allocation)?;
        match drift.place(number) {
            Place::Lingering(_, interface) => {
                let address = in_words(allocation, drift.address(number).map(|address| address.public_ip));
                Some(format!("the retirement of `{interface}`, which still carries {address}"))
            }
            _ => None,
        }
    });
    holders.collect()
}
