//! Why a bare interface gets nothing: of all that stands in the way, what the operator has to see first. Looks through
//! each set of addresses once, however many interfaces share it. Decides nothing.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::allotment;
use super::desired::Allocations;
use super::drift::{Drift, Finding, Place};
use super::ids::AllocationId;
use super::observed::Observed;
use super::reason::Reason;

/// Explains what an allotment left bare.
pub struct Shortage<'a> {
    observed: &'a Observed,
    drift: &'a Drift<'a>,
    given: HashSet<&'a AllocationId>,
    /// By the place in memory of the set, which pairs of one pool share.
    censuses: HashMap<*const (), Census>,
}

/// Where the addresses of one set are.
#[derive(Default)]
struct Census {
    /// For each border group with free addresses, whether one of them stays free.
    free: BTreeMap<Option<String>, bool>,
    associated: usize,
    in_use: usize,
    unknown: usize,
    foreign: Option<(AllocationId, String)>,
}

impl<'a> Shortage<'a> {
    /// Of what was seen, and of the addresses that this plan gives.
    #[must_use]
    pub fn new(
        observed: &'a Observed,
        drift: &'a Drift<'a>,
        given: impl Iterator<Item = &'a AllocationId>,
    ) -> Self {
        Self { observed, drift, given: given.collect(), censuses: HashMap::new() }
    }

    /// Why an interface that carries nothing is given nothing.
    pub fn why_nothing(&mut self, finding: &'a Finding<'a>) -> Reason {
        let usage = &finding.usage;
        if finding.interface.denies_internet_gateway {
            return Reason::DeniesInternetGateway;
        }
        if usage.in_conflict {
            return Reason::Conflict(usage.functions.to_vec());
        }
        if let Some(allocation) = self.observed.recent_writes.get(&finding.interface.id) {
            return Reason::Settling(allocation.clone());
        }
        let census = self.census(&usage.candidates);
        let no_free_address = || Reason::NoFreeAddress {
            pool: usage.pool.clone(),
            candidates: usage.candidates.len(),
            associated: census.associated,
        };
        if !census.free.is_empty() {
            let group = allotment::border_group_of(finding.interface);
            let agrees = |of_address: &Option<String>| {
                allotment::border_groups_agree(of_address.as_deref(), group.as_deref())
            };
            let fitting: Vec<bool> =
                census.free.iter().filter(|(group, _)| agrees(group)).map(|(_, stays)| *stays).collect();
            return match group {
                Some(group) if fitting.is_empty() => Reason::BorderGroup(group),
                _ if !finding.is_required() && fitting.contains(&true) => {
                    Reason::SpareHeldBack(usage.pool.clone())
                }
                _ => no_free_address(),
            };
        }
        if census.unknown > 0 {
            return Reason::ObservationIncomplete;
        }
        if census.in_use > 0 || usage.candidates.is_empty() {
            return no_free_address();
        }
        match &census.foreign {
            Some((id, what)) => Reason::AddressOnForeignResource(id.clone(), what.clone()),
            None => Reason::AddressMissing(usage.candidates.iter().cloned().collect()),
        }
    }

    fn census(&mut self, candidates: &Allocations) -> &Census {
        let (observed, drift, given) = (self.observed, self.drift, &self.given);
        self.censuses.entry(std::ptr::from_ref(&**candidates).cast()).or_insert_with(|| {
            let mut census = Census::default();
            for allocation in candidates.iter() {
                match drift.addresses.get(allocation) {
                    Some(Place::Free) => {
                        let address = observed.addresses.get(allocation);
                        let group = address.and_then(|address| address.border_group.clone());
                        *census.free.entry(group).or_default() |= !given.contains(allocation);
                    }
                    Some(Place::Associated(_) | Place::Settling(_)) => {
                        census.associated += 1;
                        census.in_use += 1;
                    }
                    Some(Place::Lingering(_)) => census.in_use += 1,
                    Some(Place::Unknown) => census.unknown += 1,
                    Some(Place::Foreign(what)) if census.foreign.is_none() => {
                        census.foreign = Some((allocation.clone(), what.clone()));
                    }
                    Some(Place::Foreign(_) | Place::Missing) | None => {}
                }
            }
            census
        })
    }
}
