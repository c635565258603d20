//! The table as IAM policies: for each occasion the actions that it needs, each narrowed as far as IAM can. Words only: it
//! grants nothing and asks nobody.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{Occasion, Scope, TABLE};

/// The tag of the addresses that may be given and taken: `ec2:ResourceTag/managed-by` is `eipd`.
const ADDRESS_TAG: (&str, &str) = ("managed-by", "eipd");

/// IAM's current language (IAM user guide, policy elements: Version).
const VERSION: &str = "2012-10-17";

/// A policy that operators are given, by the occasions that it suffices for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Document {
    /// Of the file, without its ending.
    pub name: &'static str,
    /// Who needs it.
    pub purpose: &'static str,
    /// What it suffices for.
    pub occasions: &'static [Occasion],
}

/// All of them: the first two stand alone and so does `member`, the others add to one of these.
pub const DOCUMENTS: [Document; 10] = [
    Document {
        name: "observe",
        purpose: "the daemon with `--observe`, and `plan`: it can change nothing",
        occasions: &[Occasion::Observe],
    },
    Document {
        name: "enforce",
        purpose: "the daemon, and `apply`",
        occasions: &[Occasion::Observe, Occasion::Enforce],
    },
    Document {
        name: "take-off",
        purpose: "besides, where addresses are to leave interfaces",
        occasions: &[Occasion::TakeOff],
    },
    Document {
        name: "tags",
        purpose: "besides, where functions are selected by a tag",
        occasions: &[Occasion::SelectByTag],
    },
    Document {
        name: "events",
        purpose: "besides, for the daemon with `[events]`",
        occasions: &[Occasion::Events],
    },
    Document {
        name: "notify",
        purpose: "besides, for the daemon with `[notify]`",
        occasions: &[Occasion::Notify],
    },
    Document {
        name: "accounts",
        purpose: "besides, for targets with a `role_arn`",
        occasions: &[Occasion::Accounts],
    },
    Document {
        name: "member",
        purpose: "the role of a target in another account",
        occasions: &[Occasion::Observe, Occasion::Enforce, Occasion::SelectByTag],
    },
    Document {
        name: "doctor",
        purpose: "besides, for all that `doctor` can tell",
        occasions: &[Occasion::Doctor, Occasion::LookAtEvents],
    },
    Document {
        name: "events-setup",
        purpose: "whoever runs `eipd events setup`, `status` and `teardown`; never the daemon",
        occasions: &[
            Occasion::LookAtEvents,
            Occasion::SetUpEvents,
            Occasion::TryEvents,
            Occasion::TearDownEvents,
        ],
    },
];

/// Where a policy is for. Each part may hold a wildcard of IAM's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    /// `aws`, or another partition.
    pub partition: String,
    /// The region.
    pub region: String,
    /// The account.
    pub account: String,
    /// The VPC of the functions.
    pub vpc: String,
    /// The name of the queue; the dead-letter queue is named after it.
    pub queue: String,
    /// The name of the rule.
    pub rule: String,
    /// The name of the bus of `[notify]`.
    pub bus: String,
    /// The ARNs of the targets' roles.
    pub roles: Vec<String>,
}

impl Place {
    /// The one of all examples: an operator puts the own names in its place.
    #[must_use]
    pub fn example() -> Self {
        Self {
            partition: "aws".to_owned(),
            region: "eu-west-1".to_owned(),
            account: "111122223333".to_owned(),
            vpc: "vpc-0a000000000000001".to_owned(),
            queue: "eipd".to_owned(),
            rule: "eipd".to_owned(),
            bus: "default".to_owned(),
            roles: vec!["arn:aws:iam::444455556666:role/eipd".to_owned()],
        }
    }

    fn arn(&self, service: &str, resource: &str) -> String {
        format!("arn:{}:{service}:{}:{}:{resource}", self.partition, self.region, self.account)
    }
}

/// A policy.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Policy {
    version: &'static str,
    statement: Vec<Statement>,
}

/// A statement of a policy, which always allows.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Statement {
    sid: &'static str,
    effect: &'static str,
    action: BTreeSet<&'static str>,
    resource: Vec<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    condition: BTreeMap<&'static str, BTreeMap<String, String>>,
}

/// What suffices for these occasions.
#[must_use]
pub fn policy(occasions: &[Occasion], place: &Place) -> Policy {
    let mut actions: BTreeMap<Scope, BTreeSet<&'static str>> = BTreeMap::new();
    for permission in TABLE {
        for needed in permission.uses.iter().filter(|needed| occasions.contains(&needed.when)) {
            actions.entry(needed.on).or_default().insert(permission.action);
        }
    }
    let statement =
        actions.into_iter().flat_map(|(scope, action)| statements(scope, &action, place)).collect();
    Policy { version: VERSION, statement }
}

fn statements(scope: Scope, action: &BTreeSet<&'static str>, place: &Place) -> Vec<Statement> {
    let on = |sid, resource| Statement {
        sid,
        effect: "Allow",
        action: action.clone(),
        resource,
        condition: BTreeMap::new(),
    };
    let queue = &place.queue;
    match scope {
        Scope::Everything => vec![on("SeeWhatHasNoResource", vec!["*".to_owned()])],
        Scope::Functions => vec![on("SeeFunctions", vec![place.arn("lambda", "function:*")])],
        Scope::AddressAndInterface => {
            let (key, value) = ADDRESS_TAG;
            let addresses = on("AddressesByTag", vec![place.arn("ec2", "elastic-ip/*")]);
            let interfaces = on("InterfacesByVpc", vec![place.arn("ec2", "network-interface/*")]);
            let vpc = place.arn("ec2", &format!("vpc/{}", place.vpc));
            vec![
                addresses.only_if("StringEquals", &format!("ec2:ResourceTag/{key}"), value),
                interfaces.only_if("ArnEquals", "ec2:Vpc", &vpc),
            ]
        }
        Scope::Queue => vec![on("Queue", vec![place.arn("sqs", queue)])],
        Scope::Queues => {
            vec![on("Queues", vec![place.arn("sqs", queue), place.arn("sqs", &format!("{queue}-dlq"))])]
        }
        Scope::CheckQueues => vec![on("CheckQueues", vec![place.arn("sqs", "eipd-check-*")])],
        Scope::Rule => vec![on("Rule", vec![place.arn("events", &format!("rule/{}", place.rule))])],
        Scope::Bus => vec![on("Bus", vec![place.arn("events", &format!("event-bus/{}", place.bus))])],
        Scope::DefaultBus => vec![on("DefaultBus", vec![place.arn("events", "event-bus/default")])],
        Scope::Roles => vec![on("Roles", place.roles.clone())],
    }
}

impl Statement {
    fn only_if(mut self, operator: &'static str, key: &str, value: &str) -> Self {
        self.condition.entry(operator).or_default().insert(key.to_owned(), value.to_owned());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_permission_is_in_a_document() {
        let documented: BTreeSet<Occasion> =
            DOCUMENTS.iter().flat_map(|document| document.occasions).copied().collect();
        assert_eq!(documented, Occasion::ALL.into());
    }

    #[test]
    fn what_changes_something_is_narrowed() {
        for Document { name, occasions, .. } in DOCUMENTS {
            for statement in policy(occasions, &Place::example()).statement {
                let is_wide = statement.resource.contains(&"*".to_owned());
                let only_reads = statement.action.iter().all(|action| {
                    let (_, name) = action.split_once(':').expect("service:Name");
                    ["Describe", "Get", "List"].iter().any(|verb| name.starts_with(verb))
                });
                assert!(!is_wide || only_reads, "{name}: {statement:?}");
            }
        }
    }

    #[test]
    fn an_address_changes_by_tag_and_an_interface_by_vpc() {
        let policy = policy(&[Occasion::Enforce, Occasion::TakeOff], &Place::example());
        let said: Vec<_> = policy.statement.iter().map(|it| (it.sid, &it.action, &it.condition)).collect();
        let both = ["ec2:AssociateAddress", "ec2:DisassociateAddress"].into();
        let condition = |operator, key: &str, value: &str| {
            [(operator, [(key.to_owned(), value.to_owned())].into())].into()
        };
        let vpc = "arn:aws:ec2:eu-west-1:111122223333:vpc/vpc-0a000000000000001";
        assert_eq!(
            said,
            [
                ("AddressesByTag", &both, &condition("StringEquals", "ec2:ResourceTag/managed-by", "eipd")),
                ("InterfacesByVpc", &both, &condition("ArnEquals", "ec2:Vpc", vpc)),
            ]
        );
    }
}
