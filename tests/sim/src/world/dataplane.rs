//! The truth: from which public addresses an invocation of a function may leave now, and for how long it could not,
//! or left from a wrong one.
//!
//! Integrated exactly: every change of an association, a status or a serving configuration closes an interval at its
//! own time; nothing is sampled. An interface that is in use, serves, and carries nothing is a gap even when others
//! of the same function are fine, for part of the traffic takes it (how much is unknown: AWS.md section 6). A
//! function that cannot be invoked, or is in no VPC, has no gap. This never changes anything in the world.

use super::{FunctionState, InterfaceStatus, PairIx, UnitIx, World};
use crate::moment::Moment;
use std::collections::BTreeSet;
use std::time::Duration;

/// An interface by which invocations leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EgressInterface {
    /// Its id.
    pub interface: String,
    /// The public address that the world sees; none when there is no way out.
    pub public_ip: Option<String>,
}

/// How a function's invocations leave now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Egress {
    /// Whether invocations run at all.
    pub invocable: bool,
    /// Whether they leave through interfaces in a VPC.
    pub in_vpc: bool,
    /// The in-use interfaces by which they may leave.
    pub via: Vec<EgressInterface>,
}

impl Egress {
    /// The public addresses from which invocations may leave.
    pub fn public_ips(&self) -> BTreeSet<&str> {
        self.via.iter().filter_map(|via| via.public_ip.as_deref()).collect()
    }

    /// Whether every interface has a way out.
    pub fn complete(&self) -> bool {
        self.via.iter().all(|via| via.public_ip.is_some())
    }
}

/// What kind of gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GapKind {
    /// An in-use serving interface carried no address.
    Bare,
    /// An in-use serving interface carried an address outside the expected set.
    Wrong,
}

/// An interval in which a function was not as expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// What was wrong.
    pub kind: GapKind,
    /// Since when.
    pub from: Moment,
    /// Until when; none when it goes on.
    pub until: Option<Moment>,
    /// The interface that opened it.
    pub interface: String,
}

/// What the world has integrated for one expected function.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Exposure {
    /// Seconds with at least one bare interface.
    pub bare_seconds: f64,
    /// Seconds with at least one interface of a wrong address.
    pub wrong_seconds: f64,
    /// The intervals, oldest first.
    pub gaps: Vec<Gap>,
}

impl Exposure {
    /// Whether a gap goes on.
    pub fn open(&self) -> bool {
        self.gaps.iter().any(|gap| gap.until.is_none())
    }
}

/// An expected function version and what was found of it.
#[derive(Debug)]
pub(crate) struct Watch {
    pub(crate) key: String,
    pub(crate) expected: BTreeSet<String>,
    gaps: Vec<Gap>,
    open: [Option<usize>; 2],
    closed: [Duration; 2],
}

impl World {
    /// Declares from which public addresses a function version (`name`, `name:3`, `name:alias`) may leave, and begins
    /// to integrate. Said again, it changes the set and keeps the sums; a function that is deleted and
    /// created anew stays expected.
    pub fn expect<S: AsRef<str>>(&mut self, function: &str, public_ips: &[S]) {
        let unit = self.unit_at(function);
        let expected = public_ips.iter().map(|ip| ip.as_ref().to_owned()).collect();
        let next = self.watches.len();
        let place = *self.watch_keys.entry(function.to_owned()).or_insert(next);
        if place == next {
            let key = function.to_owned();
            self.watches.push(Watch {
                key,
                expected,
                gaps: Vec::new(),
                open: [None; 2],
                closed: [Duration::ZERO; 2],
            });
        } else {
            self.watches[place].expected = expected;
        }
        self.units[unit].watch = Some(place);
        self.touch_unit(unit);
    }

    /// Declares a function as eipd's configuration would: it may leave from these allocations' addresses (see
    /// [`World::expect`]), and eipd may name them and its interfaces (see [`World::manage`]).
    pub fn declare<S: AsRef<str>>(&mut self, function: &str, allocations: &[S]) {
        let ips: Vec<String> = allocations.iter().map(|id| self.public_ip(id.as_ref()).to_owned()).collect();
        self.expect(function, &ips);
        let name = function.split_once(':').map_or(function, |(name, _)| name);
        self.manage(allocations, &[name]);
    }

    /// Expects nothing of a function version any more; its open gaps end now.
    pub fn unexpect(&mut self, function: &str) {
        let Some(place) = self.watch_keys.remove(function) else { return };
        let (now, watch) = (self.now, &mut self.watches[place]);
        for kind in [GapKind::Bare as usize, GapKind::Wrong as usize] {
            if let Some(gap) = watch.open[kind].take() {
                watch.gaps[gap].until = Some(now);
                watch.closed[kind] += now.since(watch.gaps[gap].from);
            }
        }
        self.units.iter_mut().filter(|unit| unit.watch == Some(place)).for_each(|unit| unit.watch = None);
    }

    /// A function that is created anew under a name that is expected is expected too.
    pub(crate) fn inherit_watch(&mut self, name: &str, unit: UnitIx) {
        self.units[unit].watch = self.watch_keys.get(name).copied();
    }

    /// How a function version's invocations leave now.
    pub fn egress(&self, function: &str) -> Egress {
        let unit = &self.units[self.unit_at(function)];
        let invocable = unit.state == FunctionState::Active && unit.alive;
        let public = |place: usize| {
            let association = self.interfaces[place].association()?;
            Some(self.addresses[association.address].public_ip.clone())
        };
        let pairs = unit.live_pairs();
        let via = self.in_use(&pairs).map(|place| EgressInterface {
            interface: self.interfaces[place].id.clone(),
            public_ip: public(place),
        });
        Egress { invocable, in_vpc: unit.serving.is_some(), via: via.collect() }
    }

    /// What was integrated for an expected function version, an open gap up to the present included.
    pub fn exposure(&self, function: &str) -> Exposure {
        let watch = self.watch_keys.get(function).map(|place| &self.watches[*place]);
        watch.map_or_else(Exposure::default, |watch| self.exposure_of(watch))
    }

    /// What was integrated for every expected function version, in the order in which they were declared.
    pub fn exposures(&self) -> Vec<(String, Exposure)> {
        self.watches.iter().map(|watch| (watch.key.clone(), self.exposure_of(watch))).collect()
    }

    /// The expected function versions that have a gap at this moment.
    pub fn uncovered(&self) -> Vec<String> {
        let open = |watch: &&Watch| watch.open.iter().any(Option::is_some);
        self.watches.iter().filter(open).map(|watch| watch.key.clone()).collect()
    }

    fn exposure_of(&self, watch: &Watch) -> Exposure {
        let seconds = |kind: usize| {
            let running = watch.open[kind].map(|gap| self.now.since(watch.gaps[gap].from));
            (watch.closed[kind] + running.unwrap_or_default()).as_secs_f64()
        };
        Exposure { bare_seconds: seconds(0), wrong_seconds: seconds(1), gaps: watch.gaps.clone() }
    }

    fn in_use<'a>(&'a self, pairs: &'a BTreeSet<PairIx>) -> impl Iterator<Item = usize> + 'a {
        let all = pairs.iter().flat_map(|pair| self.pairs[*pair].interfaces.iter().copied());
        all.filter(|place| self.interfaces[*place].status() == InterfaceStatus::InUse)
    }

    /// Something about a pair's interfaces changed.
    pub(crate) fn touch_pair(&mut self, pair: PairIx) {
        let users = self.pairs[pair].users.iter().copied();
        let watched: Vec<UnitIx> = users.filter(|unit| self.units[*unit].watch.is_some()).collect();
        for unit in watched {
            self.touch_unit(unit);
        }
    }

    /// Something about an interface changed.
    pub(crate) fn touch_interface(&mut self, place: usize) {
        if let Some(pair) = self.interfaces[place].pair {
            self.touch_pair(pair);
        }
    }

    /// Opens and closes a version's gaps by what is true now.
    pub(crate) fn touch_unit(&mut self, unit: UnitIx) {
        let Some(place) = self.units[unit].watch else { return };
        let pairs = self.units[unit].live_pairs();
        let expected = &self.watches[place].expected;
        let mut culprits: [Option<usize>; 2] = [None; 2];
        for interface in self.in_use(&pairs) {
            let kind = match self.interfaces[interface].association() {
                None => GapKind::Bare,
                Some(on) if expected.contains(&self.addresses[on.address].public_ip) => continue,
                Some(_) => GapKind::Wrong,
            };
            culprits[kind as usize].get_or_insert(interface);
        }
        let now = self.now;
        for (kind, culprit) in [GapKind::Bare, GapKind::Wrong].into_iter().zip(culprits) {
            let interface = culprit.map(|place| self.interfaces[place].id.clone());
            let watch = &mut self.watches[place];
            match (watch.open[kind as usize], interface) {
                (None, Some(interface)) => {
                    watch.open[kind as usize] = Some(watch.gaps.len());
                    watch.gaps.push(Gap { kind, from: now, until: None, interface });
                }
                (Some(gap), None) => {
                    watch.open[kind as usize] = None;
                    watch.gaps[gap].until = Some(now);
                    watch.closed[kind as usize] += now.since(watch.gaps[gap].from);
                }
                _ => {}
            }
        }
    }
}
