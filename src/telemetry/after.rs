//! How things stand after a pass: a report tells the plan and what became of its actions, and the two together are
//! what gauges and the page show. Pure; decides nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::domain::action::Outcome;
use crate::domain::function::FunctionRef;
use crate::domain::ids::{AllocationId, NetworkInterfaceId, PoolName};
use crate::domain::plan::{InterfacePlan, PoolFigures, Verdict};
use crate::domain::reason::{Reason, Uncovered, WarningKind};
use crate::domain::report::{ActionReport, Coverage, PassResult, Report};

/// What an interface carries after a pass.
pub(super) enum After<'a> {
    /// An address of its set.
    Carries(&'a AllocationId, Option<IpAddr>),
    /// Nothing of its set.
    Without(&'a Reason),
    /// Nothing of its set yet: the change that would give it one was not carried out.
    Awaits(Option<&'a str>),
}

/// Answers how single interfaces stand after the pass of one report.
pub(super) struct Standings<'a> {
    uncovered: BTreeMap<&'a NetworkInterfaceId, &'a Uncovered>,
    actions: BTreeMap<&'a NetworkInterfaceId, &'a ActionReport>,
}

impl<'a> Standings<'a> {
    pub(super) fn of(report: &'a Report) -> Self {
        Self {
            uncovered: report.uncovered.iter().map(|u| (&u.network_interface_id, u)).collect(),
            actions: report.actions.iter().map(|a| (&a.action.network_interface_id, a)).collect(),
        }
    }

    pub(super) fn of_interface(&self, interface: &'a InterfacePlan) -> After<'a> {
        if let Some(uncovered) = self.uncovered.get(&interface.network_interface_id) {
            return After::Without(&uncovered.reason);
        }
        match &interface.verdict {
            Verdict::Covered(allocation, public_ip) => After::Carries(allocation, *public_ip),
            Verdict::Uncovered(reason) => match self.actions.get(&interface.network_interface_id) {
                Some(action) if action.outcome == Outcome::Done && action.action.gives().is_some() => {
                    After::Carries(&action.action.allocation_id, Some(action.action.public_ip))
                }
                _ => After::Without(reason),
            },
            Verdict::Gets(allocation, public_ip) => match self.actions.get(&interface.network_interface_id) {
                Some(action) if action.outcome == Outcome::Done => {
                    After::Carries(allocation, Some(*public_ip))
                }
                action => After::Awaits(action.and_then(|action| action.detail.as_deref())),
            },
        }
    }
}

impl Standings<'_> {
    /// Who took its address off an uncovered interface, as an event told.
    pub(super) fn culprit_of(&self, interface: &InterfacePlan) -> Option<&str> {
        let uncovered = self.uncovered.get(&interface.network_interface_id)?;
        uncovered.cause.as_ref().map(|cause| cause.actor.as_str())
    }
}

/// How each pool stands after the pass: the report has the figures from before its changes.
pub(super) fn pools(report: &Report) -> BTreeMap<&PoolName, PoolFigures> {
    let mut pools: BTreeMap<&PoolName, PoolFigures> =
        report.plan.pools.iter().map(|(name, figures)| (name, *figures)).collect();
    let given: BTreeSet<&NetworkInterfaceId> = report
        .actions
        .iter()
        .filter(|report| report.outcome == Outcome::Done && report.action.gives().is_some())
        .map(|report| &report.action.network_interface_id)
        .collect();
    for interface in &report.plan.interfaces {
        let Some(figures) = pools.get_mut(&interface.pool) else { continue };
        if given.contains(&interface.network_interface_id) && figures.spare > 0 {
            figures.spare -= 1;
            figures.associated += 1;
        }
    }
    pools
}

/// How many uncovered interfaces each function has; functions without any are not in it.
pub(super) fn uncovered_by_function(report: &Report) -> BTreeMap<&FunctionRef, usize> {
    let mut functions: BTreeMap<&FunctionRef, usize> = BTreeMap::new();
    for function in report.uncovered.iter().flat_map(|uncovered| uncovered.functions.iter()) {
        *functions.entry(function).or_default() += 1;
    }
    functions
}

/// The declared functions that the report knows of, with those that tags select.
pub(super) fn functions(report: &Report) -> BTreeSet<&FunctionRef> {
    let used = report.plan.interfaces.iter().flat_map(|interface| interface.functions.iter());
    let unservable = report.unservable.iter().map(|one| &one.function);
    used.chain(unservable).chain(report.desired.functions.keys()).collect()
}

/// Whether a pass looked at everything, saw it, and its plan held: a failed action is told by other metrics, and is no reason
/// to distrust these.
pub(super) fn saw_everything(report: &Report) -> bool {
    let sound = matches!(report.result, PassResult::Ok | PassResult::Incomplete);
    sound && report.is_whole && report.coverage() != Coverage::Unknown
}

/// For what a function can have no address.
pub(super) fn why_unservable(kind: WarningKind) -> &'static str {
    kind.as_str().trim_start_matches("function_")
}

/// Whether an uncovered interface has no way out, or carries an address that it should not, or none.
pub(super) fn why(reason: &Reason) -> &'static str {
    match reason {
        Reason::NoInternetRoute { .. } => NO_ROUTE,
        Reason::WrongAddress { .. } => WRONG,
        _ => BARE,
    }
}

const BARE: &str = "bare";
const WRONG: &str = "wrong";
const NO_ROUTE: &str = "no_route";

/// The values of the label `why`.
pub(super) const WHY: [&str; 3] = [BARE, WRONG, NO_ROUTE];

/// The values of the label `state`, in the order of [`states`].
pub(super) const STATES: [&str; 7] =
    ["associated", "spare", "lingering", "elsewhere", "missing", "foreign", "unknown"];

/// How many addresses of a pool are in each state.
pub(super) fn states(figures: &PoolFigures) -> [(&'static str, usize); 7] {
    let PoolFigures { associated, spare, lingering, elsewhere, missing, foreign, unknown, .. } = *figures;
    let counts = [associated, spare, lingering, elsewhere, missing, foreign, unknown];
    std::array::from_fn(|place| (STATES[place], counts[place]))
}

/// How many differences of each kind remain, every kind named: warnings, and uncovered interfaces by their reason.
pub(super) fn drift(report: &Report) -> BTreeMap<String, usize> {
    let warnings = WarningKind::ALL.iter().map(|kind| kind.as_str().to_owned());
    let kinds = warnings.chain(Reason::CODES.iter().map(|code| uncovered_kind(code)));
    let mut drift: BTreeMap<String, usize> = kinds.map(|kind| (kind, 0)).collect();
    for warning in &report.plan.warnings {
        *drift.entry(warning.kind.as_str().to_owned()).or_default() += 1;
    }
    for uncovered in &report.uncovered {
        *drift.entry(uncovered_kind(uncovered.reason.code())).or_default() += 1;
    }
    drift
}

/// The prefix keeps reasons apart from warnings of the same name.
pub(super) fn uncovered_kind(code: &str) -> String {
    format!("uncovered_{code}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::declared::AddressName;
    use crate::domain::network::{DeadEnd, Way};
    use crate::domain::occupancy::Carried;

    /// A reason that is added later does not compile here until its code is listed above.
    fn code_of(reason: &Reason) -> Option<&'static str> {
        match reason {
            Reason::SpareHeldBack(_) => None,
            Reason::NoFreeAddress { .. }
            | Reason::AddressMissing(_)
            | Reason::AddressOnForeignResource(..)
            | Reason::WrongAddress { .. }
            | Reason::Conflict(_)
            | Reason::Bystanders(_)
            | Reason::BorderGroup(_)
            | Reason::DeniesInternetGateway
            | Reason::NoInternetRoute { .. }
            | Reason::ZoneUnknown
            | Reason::Settling(..)
            | Reason::ObservationIncomplete
            | Reason::Planned(..)
            | Reason::ActionFailed(_)
            | Reason::ActionSkipped(_) => Some(reason.code()),
        }
    }

    #[test]
    fn every_reason_of_a_serving_interface_is_a_kind_of_drift() {
        let pool = || "p".parse().expect("a name");
        let allocation = || "eipalloc-0a1b2c3d".parse::<AllocationId>().expect("an id");
        let dead_end = || {
            let (subnet, route_table) =
                ("subnet-0a1b2c3d".parse().expect("an id"), "rtb-0a1b2c3d".parse().expect("an id"));
            std::sync::Arc::new(DeadEnd { subnet, route_table, leads: Way::Missing })
        };
        let wrong = |declared_in| Reason::WrongAddress {
            carried: vec![Carried { allocation_id: None, public_ip: None }],
            declared_in,
        };
        let reasons = [
            Reason::NoFreeAddress {
                pool: pool(),
                candidates: 1,
                associated: 1,
                lingering: 0,
                served_first: None,
            },
            Reason::AddressMissing(vec![AddressName::Allocation(allocation())]),
            Reason::AddressOnForeignResource(allocation(), None, "instance `i-1`".to_owned()),
            wrong(Some(pool())),
            wrong(None),
            Reason::Conflict(Vec::new()),
            Reason::Bystanders(None),
            Reason::BorderGroup("eu-west-1".to_owned()),
            Reason::ZoneUnknown,
            Reason::DeniesInternetGateway,
            Reason::NoInternetRoute { carried: None, dead_end: dead_end() },
            Reason::Settling(allocation(), None),
            Reason::ObservationIncomplete,
            Reason::Planned(allocation(), std::net::IpAddr::from([203, 0, 113, 7])),
            Reason::ActionFailed(String::new()),
            Reason::ActionSkipped(String::new()),
        ];
        let codes: Vec<_> = reasons.iter().filter_map(code_of).collect();
        assert_eq!(codes, Reason::CODES);
    }
}
