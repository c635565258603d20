//! The table: every action that the code calls, in the order of its services. Nothing else is in it.

use super::{Loss, Occasion, Permission, Scope, Use};

const EVERYTHING: &str = "`*`";
const QUEUE: &str = "the queue";
const RULE: &str = "the rule";

const fn needed(when: Occasion, on: Scope, why: &'static str) -> Use {
    Use { when, on, why, loss: Loss::Work }
}

const fn wanted(when: Occasion, on: Scope, why: &'static str) -> Use {
    Use { when, on, why, loss: Loss::Knowledge }
}

const fn look(on: Scope, why: &'static str) -> Use {
    needed(Occasion::LookAtEvents, on, why)
}

const fn set_up(on: Scope, why: &'static str) -> Use {
    needed(Occasion::SetUpEvents, on, why)
}

const fn try_out(on: Scope, why: &'static str) -> Use {
    needed(Occasion::TryEvents, on, why)
}

const fn tear_down(on: Scope, why: &'static str) -> Use {
    needed(Occasion::TearDownEvents, on, why)
}

const fn row(action: &'static str, resource: &'static str, uses: &'static [Use]) -> Permission {
    Permission { action, resource, uses }
}

/// Every action that is called. Public for the documents and tests; a call looks its row up by
/// [`permission`](super::permission).
pub const TABLE: &[Permission] = &[
    row(
        "ec2:AssociateAddress",
        "the address and the network interface",
        &[needed(Occasion::Enforce, Scope::AddressAndInterface, "give an address to an interface")],
    ),
    row(
        "ec2:DescribeAccountAttributes",
        EVERYTHING,
        &[wanted(Occasion::Doctor, Scope::Everything, "see the quota of Elastic IPs")],
    ),
    row(
        "ec2:DescribeAddresses",
        EVERYTHING,
        &[needed(Occasion::Observe, Scope::Everything, "see the declared addresses, and what they are on")],
    ),
    row(
        "ec2:DescribeNetworkAcls",
        EVERYTHING,
        &[wanted(Occasion::Doctor, Scope::Everything, "see whether they let traffic out, and answers in")],
    ),
    row(
        "ec2:DescribeNetworkInterfaces",
        EVERYTHING,
        &[needed(
            Occasion::Observe,
            Scope::Everything,
            "see Lambda's interfaces, and which address each has",
        )],
    ),
    row(
        "ec2:DescribeRouteTables",
        EVERYTHING,
        &[wanted(Occasion::Observe, Scope::Everything, "see whether a subnet leads to an internet gateway")],
    ),
    row(
        "ec2:DescribeSecurityGroups",
        EVERYTHING,
        &[wanted(Occasion::Doctor, Scope::Everything, "see whether they let traffic out")],
    ),
    row(
        "ec2:DescribeSubnets",
        EVERYTHING,
        &[wanted(Occasion::Observe, Scope::Everything, "see zones and VPCs, for pins and routes")],
    ),
    row(
        "ec2:DisassociateAddress",
        "the address and the network interface",
        &[needed(Occasion::TakeOff, Scope::AddressAndInterface, "take an address off an interface")],
    ),
    row("events:DeleteRule", RULE, &[tear_down(Scope::Rule, "remove it")]),
    row("events:DescribeRule", RULE, &[look(Scope::Rule, "see its pattern and state")]),
    row("events:ListTagsForResource", RULE, &[look(Scope::Rule, "see who made it")]),
    row("events:ListTargetsByRule", RULE, &[look(Scope::Rule, "see where it sends")]),
    row(
        "events:PutEvents",
        "the event bus",
        &[
            needed(Occasion::Notify, Scope::Bus, "publish changes of state"),
            try_out(Scope::DefaultBus, "send the marker whose arrival is timed"),
        ],
    ),
    row("events:PutRule", "the rule, with `events:TagResource`", &[set_up(Scope::Rule, "make it")]),
    row(
        "events:PutTargets",
        RULE,
        &[
            set_up(Scope::Rule, "let it send to the queue"),
            try_out(Scope::Rule, "let it send to a queue of the check's own as well"),
        ],
    ),
    row(
        "events:RemoveTargets",
        RULE,
        &[
            try_out(Scope::Rule, "take the check's own queue off it"),
            tear_down(Scope::Rule, "let it send nowhere"),
        ],
    ),
    row("events:TagResource", RULE, &[set_up(Scope::Rule, "mark it as made by eipd")]),
    row(
        "lambda:GetFunctionConfiguration",
        "the function and its versions",
        &[needed(
            Occasion::Observe,
            Scope::Functions,
            "see subnets, security groups and state of the declared functions",
        )],
    ),
    row(
        "lambda:ListAliases",
        "the function",
        &[needed(Occasion::Observe, Scope::Functions, "see which of their versions are live")],
    ),
    row(
        "lambda:ListFunctions",
        EVERYTHING,
        &[needed(
            Occasion::Observe,
            Scope::Everything,
            "see who else uses an interface, before an address leaves one",
        )],
    ),
    row(
        "sqs:CreateQueue",
        "the queue, with `sqs:TagQueue`",
        &[set_up(Scope::Queues, "make them"), try_out(Scope::CheckQueues, "make the check's own")],
    ),
    row("sqs:DeleteMessage", QUEUE, &[needed(Occasion::Events, Scope::Queue, "be done with an event")]),
    row(
        "sqs:DeleteQueue",
        QUEUE,
        &[
            try_out(Scope::CheckQueues, "remove the check's own"),
            tear_down(Scope::Queues, "remove them"),
            tear_down(Scope::CheckQueues, "remove what a check left behind"),
        ],
    ),
    row(
        "sqs:GetQueueAttributes",
        QUEUE,
        &[
            needed(
                Occasion::Events,
                Scope::Queue,
                "see whether a dead-letter queue takes what can't be read",
            ),
            look(Scope::Queues, "see their policies and settings"),
            try_out(Scope::CheckQueues, "see that the check's own is there"),
            tear_down(Scope::CheckQueues, "see what a check left behind"),
        ],
    ),
    row(
        "sqs:GetQueueUrl",
        QUEUE,
        &[
            look(Scope::Queues, "find them"),
            try_out(Scope::CheckQueues, "find the check's own"),
            tear_down(Scope::CheckQueues, "find what a check left behind"),
        ],
    ),
    row(
        "sqs:ListQueueTags",
        QUEUE,
        &[
            look(Scope::Queues, "see who made them"),
            try_out(Scope::CheckQueues, "see that the check's own is there"),
            tear_down(Scope::CheckQueues, "see what a check left behind"),
        ],
    ),
    row(
        "sqs:ReceiveMessage",
        QUEUE,
        &[
            needed(Occasion::Events, Scope::Queue, "hear of events"),
            try_out(Scope::CheckQueues, "see the marker arrive"),
        ],
    ),
    row("sqs:SetQueueAttributes", QUEUE, &[set_up(Scope::Queues, "let the rule send to them")]),
    row(
        "sqs:TagQueue",
        QUEUE,
        &[
            set_up(Scope::Queues, "mark them as made by eipd"),
            try_out(Scope::CheckQueues, "mark the check's own"),
        ],
    ),
    row(
        "sts:AssumeRole",
        "the role",
        &[needed(Occasion::Accounts, Scope::Roles, "act in the target's account")],
    ),
    row(
        "sts:GetCallerIdentity",
        EVERYTHING,
        &[
            needed(
                Occasion::Observe,
                Scope::Everything,
                "learn whose account it is; AWS asks for no permission",
            ),
            look(Scope::Everything, "learn the account for the ARNs; AWS asks for no permission"),
        ],
    ),
    row(
        "tag:GetResources",
        EVERYTHING,
        &[needed(Occasion::SelectByTag, Scope::Everything, "see which functions bear the tag")],
    ),
];
