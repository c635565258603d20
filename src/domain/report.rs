//! What one pass saw, meant, did and left: the only thing that metrics, status, log and command line are made from.
//! Serialises as CONTRACT.md has it for `plan` and `apply`, with more fields beside. Data only.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::ser::{SerializeMap, SerializeStruct};
use serde::{Serialize, Serializer};

use super::action::{Action, Outcome};
use super::desired::Desired;
use super::error_class::ErrorClass;
use super::hint::Origin;
use super::ids::{AllocationId, AssociationId, NetworkInterfaceId, TargetName};
use super::observed::InterfaceStatus;
use super::plan::{InterfacePlan, Plan, Verdict};
use super::policy::{DisruptionBudget, Mode};
use super::reason::{Uncovered, Unservable};

/// The account of one pass.
#[derive(Clone, Debug)]
pub struct Report {
    /// The target.
    pub target: TargetName,
    /// The number of the pass in this process, from 1.
    pub pass: u64,
    /// Why it was made.
    pub trigger: Trigger,
    /// Whether it looked at everything; else the plan shows the rest as it was last seen.
    pub is_whole: bool,
    /// Whether changes were allowed.
    pub mode: Mode,
    /// When it began.
    pub started_at: Timestamp,
    /// How long it took.
    pub took: Duration,
    /// How it ended.
    pub result: PassResult,
    /// What went wrong, when the result is not `Ok`: one line for each failure.
    pub failures: Vec<String>,
    /// What was desired, what tags select among it; empty when the observation failed.
    pub desired: Arc<Desired>,
    /// What it saw and meant to do; empty when the observation failed.
    pub plan: Plan,
    /// What became of each action of the plan, in the plan's order.
    pub actions: Vec<ActionReport>,
    /// What became of earlier actions whose outcome was not known then.
    pub settled: Vec<ActionReport>,
    /// How many serving interfaces carry an address of their set after the pass.
    pub covered: usize,
    /// The serving interfaces that do not, after the pass.
    pub uncovered: Vec<Uncovered>,
    /// Declared functions that no address can be given to: absent, outside a VPC, or on a capacity provider.
    pub unservable: Vec<Unservable>,
    /// What somebody undoes again and again.
    pub contested: Vec<Contested>,
    /// Why disruptions are held back, if they are.
    pub breaker: Option<Breaker>,
    /// For how long the longest uncovered interface has been so, as far as this process saw it.
    pub oldest_uncovered: Option<Duration>,
}

/// Why a pass is made.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// The process started, or a command asked for one pass.
    Start,
    /// The poll interval is over.
    Poll,
    /// The last pass left work undone.
    Continue,
    /// The configuration changed.
    Reload,
    /// An event told of a change.
    Event,
    /// Something that was not settled is looked at again.
    Watch,
}

impl Trigger {
    /// Every trigger.
    pub const ALL: [Self; 6] =
        [Self::Start, Self::Poll, Self::Continue, Self::Reload, Self::Event, Self::Watch];

    /// The name in metrics and logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Poll => "poll",
            Self::Continue => "continue",
            Self::Reload => "reload",
            Self::Event => "event",
            Self::Watch => "watch",
        }
    }
}

/// How a pass ended.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PassResult {
    /// Everything was seen, and every action that was tried succeeded.
    Ok,
    /// A part could not be seen, or an action failed.
    Incomplete,
    /// Nothing could be told: the observation failed, or took too long.
    Failed,
    /// The audit refused the plan: a defect in eipd.
    Refused,
}

impl PassResult {
    /// Every result.
    pub const ALL: [Self; 4] = [Self::Ok, Self::Incomplete, Self::Failed, Self::Refused];

    /// The name in metrics and logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Incomplete => "incomplete",
            Self::Failed => "failed",
            Self::Refused => "refused",
        }
    }
}

/// An address that somebody takes off again whenever it is given.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Contested {
    /// The address.
    pub allocation_id: AllocationId,
    /// The address as the world sees it.
    pub public_ip: IpAddr,
    /// The interface that it is given to.
    pub network_interface_id: NetworkInterfaceId,
    /// How often it was undone.
    pub times: u32,
    /// Who did it the last time, as an event told.
    pub actor: Option<String>,
}

/// More disruptions are planned than are allowed, so none is made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Breaker {
    /// How many are planned and held back.
    pub planned: usize,
    /// How many of those take off what has left the configuration.
    pub removals: usize,
    /// How many this process made within the last hour.
    pub in_last_hour: usize,
    /// How many are allowed.
    #[serde(flatten)]
    pub limits: DisruptionBudget,
}

impl Breaker {
    /// How many are allowed now.
    #[must_use]
    pub fn left(&self) -> usize {
        self.limits.per_pass.min(self.limits.per_hour.saturating_sub(self.in_last_hour))
    }

    /// The limits that what is planned needs, those that are too low.
    fn raise(&self) -> String {
        let of_hour = self.in_last_hour + self.planned;
        let pass = (self.planned > self.limits.per_pass)
            .then(|| format!("`safety.max_disruptions_per_pass` to {}", self.planned));
        let hour = (of_hour > self.limits.per_hour)
            .then(|| format!("`safety.max_disruptions_per_hour` to {of_hour}"));
        pass.into_iter().chain(hour).collect::<Vec<_>>().join(" and ")
    }
}

impl fmt::Display for Breaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { planned, removals, in_last_hour, limits: DisruptionBudget { per_pass, per_hour } } = self;
        let disruptions = if *planned == 1 { "disruption is" } else { "disruptions are" };
        write!(
            f,
            "{planned} {disruptions} planned, and {} allowed now ({per_pass} a pass, {per_hour} an hour of which \
             {in_last_hour} were made), so none is made; hint: ",
            self.left()
        )?;
        match removals {
            0 => write!(
                f,
                "see `eipd plan`; if it is what you want, run `eipd apply --accept-disruptions {planned}`"
            ),
            // A process that begins anew, as `apply` does, remembers no earlier configuration.
            _ => write!(
                f,
                "{removals} of them would take off what has left the configuration, which only the running daemon \
                 remembers; if it is what you want, raise {} and reload",
                self.raise()
            ),
        }
    }
}

/// What became of one action.
#[derive(Clone, Debug)]
pub struct ActionReport {
    /// The action.
    pub action: Action,
    /// What became of it.
    pub outcome: Outcome,
    /// Why it failed or was skipped, for the operator.
    pub detail: Option<String>,
    /// The class of the failure.
    pub class: Option<ErrorClass>,
    /// The id that AWS gave the changing request.
    pub request_id: Option<String>,
    /// From the start of the action to its confirmation or failure.
    pub took: Duration,
    /// From the event that told of it, or else the first sight of the uncovered interface, to the confirmed association;
    /// only when done.
    pub repaired_after: Option<Duration>,
    /// Whether it was found done when it was to be carried out: another replica was faster, or a read had lagged behind.
    pub found_done: bool,
    /// Whether an address was taken off for it, though what was to follow failed.
    pub is_half_done: bool,
    /// The bond that AWS made, when it told.
    pub association_id: Option<AssociationId>,
    /// The event that told of what this mends, if one did.
    pub origin: Option<Origin>,
}

impl ActionReport {
    /// Whether AWS said that it carried it out, whether or not a read showed it.
    #[must_use]
    pub fn was_accepted(&self) -> bool {
        self.outcome == Outcome::Done || self.association_id.is_some()
    }
}

/// What a whole pass says about the promise.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Coverage {
    /// Every serving interface of every declared function carries an address of its set.
    Covered,
    /// At least one does not.
    Uncovered,
    /// Not everything could be seen.
    Unknown,
}

impl Report {
    /// What became of the actions of this pass, and of earlier ones that were settled in it.
    pub fn changes(&self) -> impl Iterator<Item = &ActionReport> {
        self.actions.iter().chain(&self.settled)
    }

    /// Whether the promise holds after this pass.
    #[must_use]
    pub fn coverage(&self) -> Coverage {
        if self.result == PassResult::Failed || self.saw_too_little() {
            Coverage::Unknown
        } else if self.uncovered.is_empty() && self.unservable.is_empty() {
            Coverage::Covered
        } else {
            Coverage::Uncovered
        }
    }

    fn saw_too_little(&self) -> bool {
        use super::reason::WarningKind::{ObservationIncomplete, VersionsUnknown};
        self.plan.warnings.iter().any(|w| matches!(w.kind, ObservationIncomplete | VersionsUnknown))
    }
}

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Report", 22)?;
        fields.serialize_field("target", &self.target)?;
        fields.serialize_field("actions", &self.actions)?;
        fields.serialize_field("uncovered", &self.uncovered)?;
        fields.serialize_field("covered", &self.covered)?;
        fields.serialize_field("warnings", &self.plan.warnings)?;
        fields.serialize_field("coverage", &self.coverage())?;
        fields.serialize_field("result", &self.result)?;
        fields.serialize_field("failures", &self.failures)?;
        let unservable = self.unservable.iter().map(|one| &one.function).collect::<Vec<_>>();
        fields.serialize_field("unservable", &unservable)?;
        fields.serialize_field("interfaces", &self.plan.interfaces)?;
        fields.serialize_field("contested", &self.contested)?;
        fields.serialize_field("breaker", &self.breaker)?;
        fields.serialize_field("pools", &self.plan.pools)?;
        fields.serialize_field("bystanders", &self.plan.bystanders)?;
        fields.serialize_field("overflow", &self.plan.crowds)?;
        fields.serialize_field("held_by_other_versions", &self.plan.held)?;
        fields.serialize_field("pass", &self.pass)?;
        fields.serialize_field("trigger", &self.trigger)?;
        fields.serialize_field("mode", &self.mode)?;
        fields.serialize_field("started_at", &self.started_at)?;
        fields.serialize_field("duration_seconds", &self.took.as_secs_f64())?;
        fields.serialize_field(
            "oldest_uncovered_seconds",
            &self.oldest_uncovered.map(|age| age.as_secs_f64()),
        )?;
        fields.end()
    }
}

impl Serialize for ActionReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_map(None)?;
        fields.serialize_entry("kind", &self.action.kind)?;
        fields.serialize_entry("allocation_id", &self.action.allocation_id)?;
        fields.serialize_entry("public_ip", &self.action.public_ip)?;
        fields.serialize_entry("network_interface_id", &self.action.network_interface_id)?;
        if let Some(from) = &self.action.from {
            fields.serialize_entry("from", from)?;
        }
        if let Some(replaces) = &self.action.replaces {
            fields.serialize_entry("replaces", replaces)?;
        }
        fields.serialize_entry("functions", &*self.action.functions)?;
        fields.serialize_entry("reason", &self.action.reason)?;
        fields.serialize_entry("outcome", &self.outcome)?;
        fields.serialize_entry("detail", &self.detail)?;
        fields.serialize_entry("error_class", &self.class)?;
        fields.serialize_entry("request_id", &self.request_id)?;
        if let Some(origin) = &self.origin {
            fields.serialize_entry("cause", origin)?;
        }
        fields.end()
    }
}

impl Serialize for Uncovered {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_map(None)?;
        fields.serialize_entry("network_interface_id", &self.network_interface_id)?;
        fields.serialize_entry("functions", &*self.functions)?;
        fields.serialize_entry("pool", &self.pool)?;
        fields.serialize_entry("reason", self.reason.code())?;
        fields.serialize_entry("detail", &self.reason.to_string())?;
        if let Some(cause) = &self.cause {
            fields.serialize_entry("cause", cause)?;
        }
        fields.end()
    }
}

impl Serialize for InterfacePlan {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_map(None)?;
        fields.serialize_entry("network_interface_id", &self.network_interface_id)?;
        fields.serialize_entry("subnet_id", &self.pair.subnet)?;
        fields
            .serialize_entry("security_group_ids", &self.pair.security_groups.iter().collect::<Vec<_>>())?;
        fields.serialize_entry("zone", &self.zone.as_deref())?;
        fields.serialize_entry("in_use", &(self.status == InterfaceStatus::InUse))?;
        fields.serialize_entry("functions", &*self.functions)?;
        fields.serialize_entry("priority", &self.priority)?;
        fields.serialize_entry("bystanders", &self.bystanders.as_deref())?;
        fields.serialize_entry("pool", &self.pool)?;
        let (verdict, allocation, public_ip) = match &self.verdict {
            Verdict::Covered(allocation, public_ip) => {
                (if self.is_covered() { "covered" } else { "uncovered" }, Some(allocation), *public_ip)
            }
            Verdict::Gets(allocation, public_ip) => ("gets", Some(allocation), Some(*public_ip)),
            Verdict::Uncovered(_) => ("uncovered", None, None),
        };
        fields.serialize_entry("verdict", verdict)?;
        fields.serialize_entry("allocation_id", &allocation)?;
        fields.serialize_entry("public_ip", &public_ip)?;
        let reason = match &self.verdict {
            Verdict::Uncovered(reason) => Some(reason.clone()),
            Verdict::Covered(..) | Verdict::Gets(..) => None,
        };
        if let Some(reason) = self.no_internet_route().or(reason) {
            fields.serialize_entry("reason", reason.code())?;
            fields.serialize_entry("detail", &reason.to_string())?;
        }
        fields.end()
    }
}
