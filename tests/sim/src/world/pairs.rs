//! Pairs: one (subnet, exact security-group set) of this account, which all function versions that use it share.
//!
//! AWS.md section 1 (confirmed): created on the first use of a unique combination and reused by other functions of
//! the account. Knows who uses a pair and which interfaces it has; decides neither when a function is ready nor how
//! long an unused pair lingers.

use super::{Due, InterfaceIx, InterfaceStatus, PairIx, SubnetIx, UnitIx, VpcConfig, World};
use crate::beliefs::LingeringStatus;
use crate::moment::Moment;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A (subnet, exact security-group set) with its users and its interfaces.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    pub(crate) subnet: SubnetIx,
    pub(crate) groups: Arc<[String]>,
    /// The interfaces that Lambda uses for the pair; one that is on its way out is not among them.
    pub(crate) interfaces: Vec<InterfaceIx>,
    /// The function versions that serve from it, will, or still do for a while.
    pub(crate) users: BTreeSet<UnitIx>,
    /// The names of all functions that ever used it.
    pub(crate) ever: BTreeSet<String>,
    /// Rises whenever the pair gains its first user or loses its last.
    pub(crate) stamp: u64,
    /// When its last user left it, the tails of old configurations left out.
    pub(crate) vacant_since: Moment,
}

impl World {
    /// The pairs of a configuration, one for each of its subnets.
    pub(crate) fn pairs_of(&mut self, config: &VpcConfig) -> Vec<PairIx> {
        let mut groups = config.security_groups.clone();
        groups.sort_unstable();
        groups.dedup();
        config.subnets.iter().map(|subnet| self.intern_pair(subnet, groups.clone())).collect()
    }

    fn intern_pair(&mut self, subnet: &str, groups: Vec<String>) -> PairIx {
        let subnet = self.subnet_at(subnet);
        let next = self.pairs.len();
        let place = *self.pair_keys.entry((subnet, groups.clone())).or_insert(next);
        if place == next {
            self.pairs.push(Pair {
                subnet,
                groups: groups.into(),
                interfaces: Vec::new(),
                users: BTreeSet::new(),
                ever: BTreeSet::new(),
                stamp: 0,
                vacant_since: self.now,
            });
        }
        place
    }

    /// The pair of a subnet and a set of security groups, if any function ever used it.
    pub(crate) fn find_pair(&self, subnet: &str, groups: &[&str]) -> Option<PairIx> {
        let mut groups: Vec<String> = groups.iter().map(|&group| group.to_owned()).collect();
        groups.sort_unstable();
        groups.dedup();
        self.pair_keys.get(&(*self.subnet_ids.get(subnet)?, groups)).copied()
    }

    /// A version begins to use a pair: what lingered is taken up again, or an interface is made.
    pub(crate) fn take_up(&mut self, pair: PairIx, unit: UnitIx, ready: bool) {
        let name = self.units[unit].function.clone();
        let users = &mut self.pairs[pair].users;
        let first = users.is_empty();
        users.insert(unit);
        self.pairs[pair].ever.insert(name.clone());
        if first {
            self.pairs[pair].stamp += 1;
            for place in self.pairs[pair].interfaces.clone() {
                if self.interfaces[place].ready {
                    self.set_interface_status(place, InterfaceStatus::InUse);
                }
            }
        }
        if !self.pairs[pair].interfaces.is_empty() {
            return;
        }
        if ready {
            self.spawn_ready(pair, &name, false)
        } else {
            self.spawn(pair, &name, false)
        };
    }

    /// A version no longer uses a pair: after the last one its interfaces linger, and go.
    pub(crate) fn leave(&mut self, pair: PairIx, unit: UnitIx) {
        self.pairs[pair].users.remove(&unit);
        if !self.pairs[pair].users.is_empty() {
            return;
        }
        self.pairs[pair].stamp += 1;
        self.pairs[pair].vacant_since = self.now;
        if self.config.beliefs.lingering_status == LingeringStatus::Available {
            for place in self.pairs[pair].interfaces.clone() {
                self.set_interface_status(place, InterfaceStatus::Available);
            }
        }
        let delay = self.draw(self.config.timing.lingering);
        self.push(self.now + delay, Due::Linger(pair, self.pairs[pair].stamp));
    }

    /// Makes an interface for a pair that is used and has none.
    pub(crate) fn ensure_interface(&mut self, pair: PairIx) {
        if !self.pairs[pair].interfaces.is_empty() {
            return;
        }
        if let Some(unit) = self.pairs[pair].users.first() {
            let name = self.units[*unit].function.clone();
            self.spawn(pair, &name, true);
        }
    }

    /// Lambda scales a pair out by one interface, for connections (AWS.md section 1: 65,000 each; confirmed).
    /// Returns the new interface's id. It is ready after the usual delay.
    pub fn overflow(&mut self, subnet: &str, groups: &[&str]) -> String {
        let pair = self.find_pair(subnet, groups).expect("the scenario names a pair that a function uses");
        let cause = self.pairs[pair].ever.first().cloned().unwrap_or_default();
        let place = self.spawn(pair, &cause, true);
        self.interfaces[place].id.clone()
    }

    /// The ids of the interfaces that Lambda uses for a pair now.
    pub fn pair_interfaces(&self, subnet: &str, groups: &[&str]) -> Vec<String> {
        let places = self.find_pair(subnet, groups).map(|pair| self.pairs[pair].interfaces.as_slice());
        places.unwrap_or(&[]).iter().map(|place| self.interfaces[*place].id.clone()).collect()
    }

    /// A health check replaces an interface: a new one comes, and the old one goes once the new one is ready
    /// (AWS.md, Headlines 2; confirmed that it happens, the order is believed). Returns the new one's id.
    pub fn replace_interface(&mut self, interface: &str) -> String {
        let old = self.interface_at(interface);
        let pair = self.interfaces[old].pair.expect("the scenario replaces a Lambda interface");
        let cause = self.pairs[pair].ever.first().cloned().unwrap_or_default();
        let new = self.spawn(pair, &cause, true);
        self.interfaces[old].unprompted = true;
        self.replacements.insert(new, old);
        self.note(format!("{} will be replaced by {}", interface, self.interfaces[new].id));
        self.interfaces[new].id.clone()
    }
}
