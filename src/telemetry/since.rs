//! Since when each function and each interface has been as it is, as far as this process saw it: AWS does not tell. What
//! was so at the first look is so since that look, at least. Bounded by what the last look showed.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::after::{self, After, Standings};
use super::uncovered_time::ended_at;
use crate::domain::function::FunctionRef;
use crate::domain::ids::{AllocationId, NetworkInterfaceId};
use crate::domain::report::Report;

/// What the last look at a target showed, and since when.
#[derive(Default)]
pub(super) struct Since {
    /// By the address of its set that it carries, if any.
    interfaces: BTreeMap<NetworkInterfaceId, (Option<AllocationId>, Timestamp)>,
    /// By whether one of its interfaces is uncovered.
    functions: BTreeMap<FunctionRef, (bool, Timestamp)>,
}

impl Since {
    /// Since when the interface has carried what it carries, or nothing.
    pub(super) fn interface(&self, id: &NetworkInterfaceId) -> Option<Timestamp> {
        self.interfaces.get(id).map(|(_, since)| *since)
    }

    /// Since when the function has been covered, or not.
    pub(super) fn function(&self, function: &FunctionRef) -> Option<Timestamp> {
        self.functions.get(function).map(|(_, since)| *since)
    }

    /// The same after one more look.
    pub(super) fn after(&self, report: &Report) -> Self {
        let now = ended_at(report);
        let standings = Standings::of(report);
        let interfaces = report.plan.interfaces.iter().map(|interface| {
            let carries = match standings.of_interface(interface) {
                After::Carries(allocation, _) => Some(allocation.clone()),
                After::Without(_) | After::Awaits(_) => None,
            };
            let id = &interface.network_interface_id;
            let since = self.interfaces.get(id).filter(|(former, _)| *former == carries);
            (id.clone(), (carries, since.map_or(now, |(_, since)| *since)))
        });
        let uncovered = after::uncovered_by_function(report);
        let unservable: BTreeSet<&FunctionRef> = report.unservable.iter().map(|one| &one.function).collect();
        let functions = after::functions(report).into_iter().map(|function| {
            let lacks = uncovered.contains_key(function) || unservable.contains(function);
            let since = self.functions.get(function).filter(|(former, _)| *former == lacks);
            (function.clone(), (lacks, since.map_or(now, |(_, since)| *since)))
        });
        Self { interfaces: interfaces.collect(), functions: functions.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::fixture::{eni, id, moment, no_free_address, pass};

    fn end_of(pass: i64) -> Option<Timestamp> {
        Some(moment(pass * 60 + 2))
    }

    #[test]
    fn the_time_runs_from_the_look_that_saw_the_change() {
        let covered = |n| pass("t", n).covered(1, "p", &["f"]).report();
        let bare = |n| pass("t", n).uncovered(1, "p", &["f"], no_free_address()).report();
        let mut since = Since::default();
        for (report, expected) in
            [(covered(1), 1), (covered(2), 1), (bare(3), 3), (bare(4), 3), (covered(5), 5)]
        {
            since = since.after(&report);
            assert_eq!(since.interface(&eni(1)), end_of(expected), "pass {}", report.pass);
            assert_eq!(since.function(&id("f")), end_of(expected), "pass {}", report.pass);
        }
        since = since.after(&pass("t", 6).covered(2, "p", &["g"]).report());
        assert_eq!((since.interface(&eni(1)), since.function(&id("f"))), (None, None), "gone is forgotten");
    }

    #[test]
    fn a_function_stays_covered_while_its_interfaces_change() {
        let first = Since::default().after(&pass("t", 1).covered(1, "p", &["f"]).report());
        let second = first.after(&pass("t", 2).covered(1, "p", &["f"]).repaired(2, "p", &["f"], 1).report());
        assert_eq!(second.function(&id("f")), end_of(1));
        assert_eq!((second.interface(&eni(1)), second.interface(&eni(2))), (end_of(1), end_of(2)));
    }
}
