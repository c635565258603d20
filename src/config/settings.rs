//! What a valid configuration amounts to. Data only; made by [`load`](super::load), read by `cli`.

use std::net::SocketAddr;
use std::time::Duration;

use crate::domain::declared::Declared;
use crate::domain::ids::{AccountId, TargetName};
use crate::domain::policy::{BystanderPolicy, DisruptionBudget, Grace, Mode, OnRemoved, RateShare, TakeFrom};

/// A whole valid configuration.
#[derive(Clone, PartialEq, Debug)]
pub struct Configuration {
    /// What holds for the process.
    pub settings: Settings,
    /// The targets, at least one, in the order of the file.
    pub targets: Vec<Target>,
    /// The keys of the fixed sections with their values in force, as the file would write them.
    pub told: Vec<(String, String)>,
    /// Keys that are valid and that this version does not act on yet: one line each, for `check` and the log.
    pub notes: Vec<String>,
}

/// The scalar settings.
#[derive(Clone, PartialEq, Debug)]
pub struct Settings {
    /// A full pass is made at least this often.
    pub poll_interval: Duration,
    /// Unchanged function configurations are read again this often.
    pub function_refresh: Duration,
    /// Where `/metrics` and the rest are served.
    pub listen: SocketAddr,
    /// Whether changes are made.
    pub mode: Mode,
    /// The part of EC2's throttle rate that may be used.
    pub rate_share: RateShare,
    /// From what an address may be taken.
    pub take_from: TakeFrom,
    /// What is done about undeclared functions, where a pool does not say otherwise.
    pub bystanders: BystanderPolicy,
    /// How long an interface must have been without a user before that.
    pub switchover_grace: Grace,
    /// How many disruptions are allowed.
    pub disruptions: DisruptionBudget,
    /// What becomes of what has left the configuration.
    pub on_removed: OnRemoved,
    /// The queue with the events; nothing means that changes are found by polling alone.
    pub queue_url: Option<String>,
    /// The event bus, by name or ARN, that changes of state are published on; nothing means nowhere.
    pub event_bus: Option<String>,
}

/// An (account, region) and what is declared in it.
#[derive(Clone, PartialEq, Debug)]
pub struct Target {
    /// Its name.
    pub name: TargetName,
    /// Nothing means the SDK's own setting.
    pub region: Option<String>,
    /// The role to assume; nothing means the SDK's own credentials.
    pub role: Option<Role>,
    /// What the ARNs of its functions say of it.
    pub stated: Stated,
    /// What is declared there.
    pub declared: Declared,
}

/// Where the functions of a target live by their ARNs; nothing where none has an ARN. The ARNs, the region and the
/// account of the role do not contradict one another; whether the credentials lead there shows only in AWS.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Stated {
    /// The region that the target must turn out to have.
    pub region: Option<String>,
    /// The account that the target must turn out to be.
    pub account: Option<AccountId>,
}

/// A role to assume.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Role {
    /// `arn:aws:iam::111122223333:role/eipd`
    pub arn: String,
    /// The external id that the role asks for.
    pub external_id: Option<String>,
}
