//! What eipd tells others of: the changes of state, and the event that each becomes. docs/NOTIFICATIONS.md describes it
//! for its readers, docs/notifications.schema.json for their programs. Data and its form only; decides nothing.

use std::collections::BTreeMap;
use std::net::IpAddr;

use jiff::Timestamp;
use serde::Serialize;

use crate::domain::function::FunctionRef;
use crate::domain::ids::{AllocationId, NetworkInterfaceId, PoolName, TargetName};
use crate::reconcile::ports::BusEntry;

/// The version of the schema: fields and kinds may be added to it, and none changes its meaning within it.
pub const SCHEMA_VERSION: &str = "1";

/// The source of every event.
pub const SOURCE: &str = "eipd";

/// So many functions of an interface are named; the rest are counted. Any number of functions may share an interface
/// (AWS.md 1, confirmed).
pub const FUNCTIONS_MAX: usize = 10;

/// Texts are cut to so many characters: a reason may list every function that shares an interface.
pub const TEXT_MAX: usize = 1000;

/// A change of state of a target.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Notification {
    /// When it was found.
    pub at: Timestamp,
    /// The target.
    pub target: TargetName,
    /// The pass that found it, by its number in this process.
    pub pass: u64,
    /// What has changed.
    pub change: Change,
}

/// What has changed. A kind of news that reports come to tell is added here, to the detector, and to the documents.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Change {
    /// An address was given to an interface, and that is confirmed.
    AddressAssociated {
        /// The address.
        allocation_id: AllocationId,
        /// The address as the world sees it.
        public_ip: IpAddr,
        /// The interface.
        network_interface_id: NetworkInterfaceId,
        /// Whom it serves.
        #[serde(flatten)]
        functions: Functions,
        /// Why it was given, as in plans.
        reason: &'static str,
        /// The interface that it was moved from, which nothing uses any more.
        #[serde(skip_serializing_if = "Option::is_none")]
        taken_from: Option<NetworkInterfaceId>,
        /// The address that made room for it, which the interface should not have carried.
        #[serde(skip_serializing_if = "Option::is_none")]
        replaces: Option<AllocationId>,
        /// Who brought it about, as the event that told of it says.
        #[serde(skip_serializing_if = "Option::is_none")]
        caused_by: Option<String>,
    },
    /// An address was taken off an interface and given to nothing, and that is confirmed.
    AddressDisassociated {
        /// The address, which stays allocated.
        allocation_id: AllocationId,
        /// The address as the world sees it.
        public_ip: IpAddr,
        /// The interface.
        network_interface_id: NetworkInterfaceId,
        /// The declared functions that use the interface; mostly none.
        #[serde(flatten)]
        functions: Functions,
        /// Why it was taken off, as in plans.
        reason: &'static str,
    },
    /// A serving interface has no address of its set.
    NetworkInterfaceUncovered {
        /// The interface.
        network_interface_id: NetworkInterfaceId,
        /// Whom it serves.
        #[serde(flatten)]
        functions: Functions,
        /// The pool it is served from.
        pool: PoolName,
        /// The code of the reason.
        reason: &'static str,
        /// The reason in words.
        message: String,
        /// Who brought it about, as the event that told of it says.
        #[serde(skip_serializing_if = "Option::is_none")]
        caused_by: Option<String>,
    },
    /// An interface that was told of as uncovered is so no more.
    NetworkInterfaceRecovered {
        /// The interface.
        network_interface_id: NetworkInterfaceId,
        /// What ended it.
        outcome: Recovery,
    },
    /// No address can be given to a declared function.
    FunctionUnservable {
        /// The function.
        function: FunctionRef,
        /// The kind of the warning about it.
        reason: &'static str,
        /// The warning.
        message: String,
    },
    /// A function that was told of as unservable is so no more.
    FunctionRecovered {
        /// The function.
        function: FunctionRef,
    },
    /// A serving interface stays uncovered because its pool has no address for it.
    PoolExhausted {
        /// The pool.
        pool: PoolName,
        /// How many interfaces stay without for it.
        waiting: usize,
        /// How many more addresses the pool needs, `min_spare` included.
        shortfall: usize,
    },
    /// No interface waits for an address of the pool any more.
    PoolRecovered {
        /// The pool.
        pool: PoolName,
    },
    /// Somebody takes an address off again whenever it is given.
    AddressContested {
        /// The address.
        allocation_id: AllocationId,
        /// The address as the world sees it.
        public_ip: IpAddr,
        /// The interface that it was given to the last time.
        network_interface_id: NetworkInterfaceId,
        /// How often it was undone.
        times: u32,
        /// Who did it the last time, as an event told.
        #[serde(skip_serializing_if = "Option::is_none")]
        contested_by: Option<String>,
    },
    /// An address that was told of as contested was left alone for a while.
    AddressContestEnded {
        /// The address.
        allocation_id: AllocationId,
    },
    /// More disruptions are planned than are allowed, so none is made.
    BreakerOpened {
        /// How many are planned.
        planned: usize,
        /// How many are allowed now.
        allowed: usize,
        /// The same in words, with the way on.
        message: String,
    },
    /// What is planned is allowed again.
    BreakerClosed {},
    /// More changes of one kind in one pass than are told one by one.
    NotificationsSummarised {
        /// Their kind.
        summarised_kind: &'static str,
        /// How many, those that were told one by one not included.
        count: usize,
        /// How many of them for each reason or outcome.
        by_reason: BTreeMap<&'static str, usize>,
    },
}

/// How an interface ceased to be uncovered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Recovery {
    /// It carries an address of its set.
    Covered,
    /// It is gone or serves no declared function any more.
    Obsolete,
}

impl Recovery {
    /// The name in notifications.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Covered => "covered",
            Self::Obsolete => "obsolete",
        }
    }
}

/// The functions of an interface, a bounded number of them by name.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Functions {
    /// The first of them.
    pub functions: Vec<String>,
    /// How many there are.
    pub functions_total: usize,
}

impl Functions {
    /// Of an interface.
    #[must_use]
    pub fn of<F: ToString>(functions: &[F]) -> Self {
        let named = functions.iter().take(FUNCTIONS_MAX).map(ToString::to_string);
        Self { functions: named.collect(), functions_total: functions.len() }
    }
}

/// The text, cut if it is too long.
#[must_use]
pub fn text(text: &str) -> String {
    match text.char_indices().nth(TEXT_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

impl Change {
    /// What rules match as `detail-type`.
    #[must_use]
    pub fn detail_type(&self) -> &'static str {
        match self {
            Self::AddressAssociated { .. } => "Elastic IP Associated",
            Self::AddressDisassociated { .. } => "Elastic IP Disassociated",
            Self::NetworkInterfaceUncovered { .. } => "Network Interface Uncovered",
            Self::NetworkInterfaceRecovered { .. } => "Network Interface Recovered",
            Self::FunctionUnservable { .. } => "Function Unservable",
            Self::FunctionRecovered { .. } => "Function Recovered",
            Self::PoolExhausted { .. } => "Pool Exhausted",
            Self::PoolRecovered { .. } => "Pool Recovered",
            Self::AddressContested { .. } => "Elastic IP Contested",
            Self::AddressContestEnded { .. } => "Elastic IP Contest Ended",
            Self::BreakerOpened { .. } => "Breaker Opened",
            Self::BreakerClosed {} => "Breaker Closed",
            Self::NotificationsSummarised { .. } => "Notifications Summarised",
        }
    }
}

#[derive(Serialize)]
struct Detail<'a> {
    schema_version: &'static str,
    notification_id: &'a str,
    at: Timestamp,
    target: &'a TargetName,
    pass: u64,
    #[serde(flatten)]
    change: &'a Change,
}

impl Notification {
    /// The entry for a bus. The id tells a repetition from another notification of the same kind.
    #[must_use]
    pub fn entry(&self, id: &str) -> BusEntry {
        let Self { at, target, pass, change } = self;
        let detail = Detail {
            schema_version: SCHEMA_VERSION,
            notification_id: id,
            at: *at,
            target,
            pass: *pass,
            change,
        };
        BusEntry {
            source: SOURCE,
            detail_type: change.detail_type(),
            detail: serde_json::to_string(&detail).expect("texts and numbers can be put into JSON"),
            at: *at,
        }
    }
}
