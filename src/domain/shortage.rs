//! Why a bare interface gets nothing: of all that stands in the way, what the operator has to see first. Looks through
//! each set of addresses once, however many interfaces share it. Decides nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

use super::allotment::{self, Allotment};
use super::declared::AddressName;
use super::desired::{Allocations, Desired};
use super::drift::{Drift, Finding, Place};
use super::function::{FunctionObservation, FunctionRef};
use super::ids::AllocationId;
use super::observed::Observed;
use super::reason::{Precedence, Reason, Sharer};

/// Explains what an allotment left bare.
pub struct Shortage<'a> {
    desired: &'a Desired,
    observed: &'a Observed,
    drift: &'a Drift<'a>,
    allotment: &'a Allotment<'a>,
    /// By the place in memory of the set, which pairs of one pool share.
    censuses: HashMap<*const (), Census<'a>>,
}

/// Where the addresses of one set are.
#[derive(Default)]
struct Census<'a> {
    /// For each border group with free addresses, whether one of them stays free.
    free: BTreeMap<Option<&'a str>, bool>,
    /// The border groups of all that were seen.
    groups: BTreeSet<Option<&'a str>>,
    associated: usize,
    lingering: usize,
    obscure: usize,
    unread: bool,
    foreign: Option<(AllocationId, String)>,
}

impl<'a> Shortage<'a> {
    /// Of what was seen, and of the addresses that this plan gives.
    #[must_use]
    pub fn new(
        desired: &'a Desired,
        observed: &'a Observed,
        drift: &'a Drift<'a>,
        allotment: &'a Allotment<'a>,
    ) -> Self {
        Self { desired, observed, drift, allotment, censuses: HashMap::new() }
    }

    /// Why an interface that carries nothing is given nothing; by the number of its finding, and that.
    pub fn why_nothing(&mut self, number: usize, finding: &'a Finding<'a>) -> Reason {
        let usage = &finding.usage;
        if finding.interface.denies_internet_gateway {
            return Reason::DeniesInternetGateway;
        }
        if usage.zone_is_wanting {
            return Reason::ZoneUnknown;
        }
        if usage.is_partial {
            return Reason::ObservationIncomplete;
        }
        if usage.in_conflict {
            return Reason::Conflict(self.sharers(finding));
        }
        if let Some(allocation) = self.observed.recent_writes.get(&finding.interface.id) {
            return Reason::Settling(allocation.clone(), self.public_ip(allocation));
        }
        if usage.is_denied() {
            return Reason::Bystanders(usage.bystanders.clone());
        }
        let served_first = self.precedence(number, finding);
        let census = self.census(&usage.candidates);
        if census.unread {
            return Reason::ObservationIncomplete;
        }
        let no_free_address = || Reason::NoFreeAddress {
            pool: usage.pool.clone(),
            candidates: usage.candidates.len(),
            associated: census.associated,
            lingering: census.lingering,
            served_first: served_first.clone(),
        };
        if !census.free.is_empty() {
            let group = allotment::border_group_of(finding.interface);
            let agrees = |of_address: &Option<&str>| allotment::border_groups_agree(*of_address, group);
            let fitting: Vec<bool> =
                census.free.iter().filter(|(group, _)| agrees(group)).map(|(_, stays)| *stays).collect();
            return match group {
                Some(group) if !census.groups.iter().any(agrees) => Reason::BorderGroup(group.to_owned()),
                _ if !finding.is_required() && fitting.contains(&true) => {
                    Reason::SpareHeldBack(usage.pool.clone())
                }
                _ => no_free_address(),
            };
        }
        if census.obscure > 0 {
            return Reason::ObservationIncomplete;
        }
        let in_use = census.associated + census.lingering;
        if in_use > 0 || (usage.candidates.is_empty() && usage.absent.is_empty()) {
            return no_free_address();
        }
        match &census.foreign {
            Some((id, what)) => {
                let (id, what) = (id.clone(), what.clone());
                Reason::AddressOnForeignResource(id.clone(), self.public_ip(&id), what)
            }
            None => {
                let ids = usage.candidates.iter().cloned().map(AddressName::Allocation);
                let ips = usage.absent.iter().copied().map(AddressName::PublicIp);
                Reason::AddressMissing(ids.chain(ips).collect())
            }
        }
    }

    fn public_ip(&self, allocation: &AllocationId) -> Option<IpAddr> {
        self.observed.addresses.get(allocation).map(|address| address.public_ip)
    }

    /// Who is served in its place by a higher priority.
    fn precedence(&self, number: usize, finding: &Finding<'_>) -> Option<Arc<Precedence>> {
        let ahead = &self.drift.interfaces[self.allotment.ahead_of(number)?].usage;
        Some(Arc::new(Precedence {
            function: ahead.foremost.clone(),
            priority: ahead.priority,
            over: finding.usage.priority,
        }))
    }

    fn sharers(&self, finding: &Finding<'_>) -> Vec<Sharer> {
        let sharer = |function: &FunctionRef| {
            let versions = match self.observed.functions.get(function) {
                Some(FunctionObservation::Known(shown)) => shown.versions_using(&finding.interface.pair),
                _ => Vec::new(),
            };
            let pool = self.desired.functions.get(function)?.pool.clone();
            Some(Sharer { function: function.clone(), pool, versions })
        };
        finding.usage.functions.iter().filter_map(sharer).collect()
    }

    fn census(&mut self, candidates: &Allocations) -> &Census<'a> {
        let (observed, drift, allotment) = (self.observed, self.drift, self.allotment);
        self.censuses.entry(std::ptr::from_ref(&**candidates).cast()).or_insert_with(|| {
            let unread = candidates.iter().any(|allocation| observed.is_unread(allocation));
            let mut census = Census { unread, ..Census::default() };
            for (allocation, number) in drift.numbered(candidates) {
                let address = drift.address(number);
                census.groups.extend(address.map(|address| address.border_group.as_deref()));
                match drift.place(number) {
                    Place::Free(address) => {
                        let stays = allotment.taker_of(number).is_none();
                        *census.free.entry(address.border_group.as_deref()).or_default() |= stays;
                    }
                    Place::Associated | Place::Settling(_) => census.associated += 1,
                    Place::Lingering(..) => census.lingering += 1,
                    Place::Obscure => census.obscure += 1,
                    Place::Foreign(what) if census.foreign.is_none() => {
                        census.foreign = Some((allocation.clone(), what.clone()));
                    }
                    Place::Foreign(_) | Place::Missing | Place::Unread => {}
                }
            }
            census
        })
    }
}
