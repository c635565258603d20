//! Function versions: `$LATEST` and each published version of a function, with the configuration that serves, the one
//! that is coming and those that still tail off.
//!
//! A version holds the pairs that it needs; Lambda shows of it what beliefs B2, B10, B15 and B19 say. When something
//! happens to it is `lifecycle`'s business.

use super::{PairIx, UnitIx, VpcConfig, World};
use crate::beliefs::{FailedUpdateView, MidUpdateView, RemovedVpcConfig};
use crate::moment::Moment;
use std::collections::BTreeSet;

/// The state of a function version (AWS.md section 1; confirmed that there are more).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FunctionState {
    /// Being created or woken: invocations fail.
    Pending,
    /// Invocable.
    Active,
    /// Idle, its interfaces reclaimed.
    Inactive,
    /// Creation failed.
    Failed,
}

impl FunctionState {
    /// As Lambda prints it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Active => "Active",
            Self::Inactive => "Inactive",
            Self::Failed => "Failed",
        }
    }
}

/// How the last update went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LastUpdate {
    /// It is through, or there was none.
    Successful,
    /// It is going on; the old configuration serves.
    InProgress,
    /// It failed for this reason; the old configuration serves.
    Failed(String),
}

/// A configuration and its pairs.
#[derive(Clone, Debug)]
pub(crate) struct Placement {
    pub(crate) config: VpcConfig,
    pub(crate) pairs: Vec<PairIx>,
}

/// A creation, a waking or an update that is under way.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) placement: Option<Placement>,
    pub(crate) serial: u64,
    pub(crate) not_before: Moment,
    pub(crate) fails: Option<String>,
}

/// One version of a function, `$LATEST` among them.
#[derive(Clone, Debug)]
pub struct Unit {
    /// The function's name.
    pub function: String,
    /// The version's number; none for `$LATEST`.
    pub version: Option<u32>,
    /// Its state.
    pub state: FunctionState,
    /// How its last update went.
    pub last_update: LastUpdate,
    /// When its configuration was last modified.
    pub modified: Moment,
    pub(crate) alive: bool,
    pub(crate) serving: Option<Placement>,
    pub(crate) change: Option<Change>,
    pub(crate) attempted: Option<Option<VpcConfig>>,
    pub(crate) was_in_vpc: bool,
    pub(crate) tails: Vec<(Vec<PairIx>, Moment)>,
    pub(crate) held: BTreeSet<PairIx>,
    pub(crate) serial: u64,
    pub(crate) idle_serial: u64,
    pub(crate) watch: Option<usize>,
}

impl Unit {
    pub(crate) fn new(function: &str, version: Option<u32>, now: Moment) -> Self {
        Self {
            function: function.to_owned(),
            version,
            state: FunctionState::Pending,
            last_update: LastUpdate::Successful,
            modified: now,
            alive: true,
            serving: None,
            change: None,
            attempted: None,
            was_in_vpc: false,
            tails: Vec::new(),
            held: BTreeSet::new(),
            serial: 0,
            idle_serial: 0,
            watch: None,
        }
    }

    /// The version as Lambda names it: its number or `$LATEST`.
    pub fn version_name(&self) -> String {
        self.version.map_or_else(|| "$LATEST".to_owned(), |number| number.to_string())
    }

    /// The configuration that invocations run with now.
    pub fn serving_config(&self) -> Option<&VpcConfig> {
        self.serving.as_ref().map(|placement| &placement.config)
    }

    /// The pairs from which invocations may leave now.
    pub(crate) fn live_pairs(&self) -> BTreeSet<PairIx> {
        if !self.alive {
            return BTreeSet::new();
        }
        let serving = self.serving.iter().filter(|_| self.state == FunctionState::Active);
        let serving = serving.flat_map(|placement| &placement.pairs);
        serving.chain(self.tails.iter().flat_map(|(pairs, _)| pairs)).copied().collect()
    }

    /// The pairs that keep Lambda from deleting their interfaces.
    fn needed_pairs(&self) -> BTreeSet<PairIx> {
        let mut pairs = self.live_pairs();
        if let (true, Some(Change { placement: Some(placement), .. })) = (self.alive, &self.change) {
            pairs.extend(&placement.pairs);
        }
        pairs
    }
}

impl World {
    /// The `VpcConfig` that Lambda shows of a version: none, or empty lists, when it is in no VPC.
    pub fn shown_config(&self, unit: &Unit) -> Option<VpcConfig> {
        let serving = unit.serving_config().cloned();
        let coming = unit.change.as_ref().map(|change| change.placement.as_ref().map(|p| p.config.clone()));
        let shown = match (&unit.last_update, unit.state, coming) {
            (_, FunctionState::Pending, Some(coming)) => coming,
            (LastUpdate::InProgress, _, Some(coming)) => match self.config.beliefs.mid_update_view {
                MidUpdateView::New => coming,
                MidUpdateView::Old => serving,
            },
            (LastUpdate::Failed(_), _, _) => match self.config.beliefs.failed_update_view {
                FailedUpdateView::Attempted => unit.attempted.clone().unwrap_or(serving),
                FailedUpdateView::Old => serving,
            },
            _ => serving,
        };
        let emptied = unit.was_in_vpc && self.config.beliefs.removed_vpc_config == RemovedVpcConfig::Empty;
        shown.or_else(|| emptied.then(VpcConfig::default))
    }

    /// The version with this name: `function`, `function:$LATEST`, `function:3` or `function:alias`.
    pub fn unit(&self, key: &str) -> Option<&Unit> {
        self.unit_place(key).map(|place| &self.units[place])
    }

    pub(crate) fn unit_place(&self, key: &str) -> Option<UnitIx> {
        let (name, qualifier) = key.split_once(':').unwrap_or((key, "$LATEST"));
        let function = self.functions.get(name)?;
        if qualifier == "$LATEST" {
            return Some(function.latest);
        }
        let number = function.aliases.get(qualifier).copied().or_else(|| qualifier.parse().ok())?;
        function.versions.get(&number).copied()
    }

    pub(crate) fn unit_at(&self, key: &str) -> UnitIx {
        self.unit_place(key).expect("the scenario names a function version that exists")
    }

    pub(crate) fn unit_by_place(&self, place: UnitIx) -> &Unit {
        &self.units[place]
    }

    /// Brings the pairs that a version holds into line with what it needs. `ready` says that interfaces made for it
    /// are ready at once.
    pub(crate) fn rehold(&mut self, unit: UnitIx, ready: bool) {
        let needed = self.units[unit].needed_pairs();
        let held = std::mem::replace(&mut self.units[unit].held, needed.clone());
        for pair in needed.difference(&held) {
            self.take_up(*pair, unit, ready);
        }
        for pair in held.difference(&needed) {
            self.leave(*pair, unit);
        }
        self.touch_unit(unit);
    }
}
