//! What IAM must allow: one table of the calls that are made to AWS, each with what it can be granted on, when it is made
//! and why. [`documents`] writes it down as policies. The calls take their names from here, so one that is not in the table
//! does not compile; that none is in vain, tests/it/policies.rs sees to. Knows nothing of how a call is made.

pub mod documents;
mod table;

pub use self::table::TABLE;

/// An action that IAM can allow, and what it is needed for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Permission {
    /// As IAM spells it: `ec2:AssociateAddress`.
    pub action: &'static str,
    /// What an operator must grant it on, in words: "the address and the network interface".
    pub resource: &'static str,
    /// What it is needed for; never empty, the most important first.
    pub uses: &'static [Use],
}

/// One thing that a permission is needed for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Use {
    /// When the call is made.
    pub when: Occasion,
    /// What IAM can narrow it to (service authorization reference; AWS.md 4, confirmed).
    pub on: Scope,
    /// What for, in words that follow "to".
    pub why: &'static str,
    /// What is lost without it.
    pub loss: Loss,
}

/// When a call is made.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Occasion {
    /// In each pass, whether or not it changes anything.
    Observe,
    /// To give addresses.
    Enforce,
    /// To take addresses off.
    TakeOff,
    /// Where functions are selected by a tag.
    SelectByTag,
    /// By the daemon, where there is an `[events]`.
    Events,
    /// By the daemon, where there is a `[notify]`.
    Notify,
    /// Where a target has a `role_arn`.
    Accounts,
    /// By `eipd doctor`.
    Doctor,
    /// To look at the way of events.
    LookAtEvents,
    /// To make the way of events.
    SetUpEvents,
    /// To try the way of events out.
    TryEvents,
    /// To remove the way of events.
    TearDownEvents,
}

impl Occasion {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Observe,
        Self::Enforce,
        Self::TakeOff,
        Self::SelectByTag,
        Self::Events,
        Self::Notify,
        Self::Accounts,
        Self::Doctor,
        Self::LookAtEvents,
        Self::SetUpEvents,
        Self::TryEvents,
        Self::TearDownEvents,
    ];

    /// As a person knows it.
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Observe => "always: `run --observe`, `plan` and every other verb that looks at AWS",
            Self::Enforce => "`run` and `apply`",
            Self::TakeOff => "`drain`, `on_removed = \"disassociate\"`, and an address that has to make room",
            Self::SelectByTag => "a function with a `tag`",
            Self::Events => "`run` with `[events]`",
            Self::Notify => "`run` with `[notify]`",
            Self::Accounts => "a target with a `role_arn`",
            Self::Doctor => "`doctor`",
            Self::LookAtEvents => {
                "`events setup --dry-run`, `events status --read-only`, `events teardown`, `doctor` with `[events]`"
            }
            Self::SetUpEvents => "`events setup`",
            Self::TryEvents => "`events status`",
            Self::TearDownEvents => "`events teardown --yes`",
        }
    }
}

/// What a permission can be narrowed to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Scope {
    /// Nothing: IAM knows no resource for the call.
    Everything,
    /// Functions, their versions and aliases.
    Functions,
    /// Elastic IPs, by their tag, and network interfaces, by their VPC: both are asked for in each call (AWS.md 4, believed).
    AddressAndInterface,
    /// The queue that the daemon reads.
    Queue,
    /// That queue and its dead-letter queue.
    Queues,
    /// The queues that `events status` makes for the time of a check.
    CheckQueues,
    /// The rule.
    Rule,
    /// The bus of `[notify]`.
    Bus,
    /// The default bus, which CloudTrail's events come to.
    DefaultBus,
    /// The roles of targets.
    Roles,
}

/// What is lost without a permission.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Loss {
    /// The work that it is for.
    Work,
    /// Knowledge: the work is done, and less can be told of it.
    Knowledge,
}

/// The row of an action; of one that is not in the table it ends the compilation where it is called in a constant.
///
/// # Panics
/// For an action that is not in the table.
#[must_use]
pub const fn permission(action: &str) -> &'static Permission {
    let table: &'static [Permission] = TABLE;
    let mut at = 0;
    while at < table.len() {
        if same(table[at].action, action) {
            return &table[at];
        }
        at += 1;
    }
    panic!(
        "this call is not in src/domain/permissions/table.rs: say there what IAM must allow for it, when and why"
    )
}

const fn same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    if one.len() != other.len() {
        return false;
    }
    let mut at = 0;
    while at < one.len() {
        if one[at] != other[at] {
            return false;
        }
        at += 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_action_has_one_row_and_each_row_a_use() {
        let actions: BTreeSet<&str> = TABLE.iter().map(|permission| permission.action).collect();
        assert_eq!(actions.len(), TABLE.len());
        for row in TABLE {
            assert_eq!(permission(row.action), row);
            assert!(!row.uses.is_empty(), "{} is for nothing", row.action);
            let occasions: BTreeSet<_> = row.uses.iter().map(|needed| (needed.when, needed.on)).collect();
            assert_eq!(occasions.len(), row.uses.len(), "{} says something twice", row.action);
        }
    }

    #[test]
    fn nothing_that_is_always_needed_changes_anything() {
        let reads = ["Describe", "Get", "List"];
        for row in TABLE {
            let (_, name) = row.action.split_once(':').expect("service:Name");
            if row.uses.iter().any(|needed| needed.when == Occasion::Observe) {
                assert!(reads.iter().any(|verb| name.starts_with(verb)), "{}", row.action);
            }
        }
    }

    #[test]
    fn no_permission_lets_allocate_release_or_change_a_function() {
        let never =
            ["AllocateAddress", "ReleaseAddress", "lambda:Update", "lambda:Create", "lambda:Delete", "iam:"];
        for row in TABLE {
            assert!(!never.iter().any(|part| row.action.contains(part)), "{}", row.action);
        }
    }

    #[test]
    #[should_panic(expected = "is not in src/domain/permissions/table.rs")]
    fn an_unknown_action_is_a_defect() {
        let _ = permission("ec2:TerminateInstances");
    }
}
