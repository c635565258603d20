//! Lambda functions: the verbs by which a scenario creates, updates, publishes, idles and deletes them.
//!
//! A verb sets a change going; `lifecycle` brings it to its end.

use super::units::{Change, Placement};
use super::{Due, FunctionCall, FunctionState, LastUpdate, Refusal, Unit, UnitIx, World};
use crate::moment::Moment;
use std::collections::BTreeMap;
use std::time::Duration;

/// A function's subnets and security groups. Empty lists mean that it is in no VPC.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VpcConfig {
    /// Subnet ids.
    pub subnets: Vec<String>,
    /// Security-group ids.
    pub security_groups: Vec<String>,
}

impl VpcConfig {
    /// A configuration of these subnets and groups.
    pub fn new<S: AsRef<str>, G: AsRef<str>>(subnets: &[S], security_groups: &[G]) -> Self {
        Self {
            subnets: subnets.iter().map(|id| id.as_ref().to_owned()).collect(),
            security_groups: security_groups.iter().map(|id| id.as_ref().to_owned()).collect(),
        }
    }
}

/// A function with its versions and aliases.
#[derive(Clone, Debug)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// How long an invocation may last.
    pub timeout: Duration,
    /// Whether it may use IPv6 (`Ipv6AllowedForDualStack`).
    pub dual_stack: bool,
    /// Its aliases and the versions that they name.
    pub aliases: BTreeMap<String, u32>,
    /// Of the aliases that send a part of their invocations to another version: that version and the part.
    pub weights: BTreeMap<String, (u32, f64)>,
    pub(crate) latest: UnitIx,
    pub(crate) versions: BTreeMap<u32, UnitIx>,
    pub(crate) published: u32,
}

/// A function to create.
#[derive(Clone, Debug)]
pub struct NewFunction {
    /// Its name.
    pub name: String,
    /// Its VPC configuration, if it is in one.
    pub vpc: Option<VpcConfig>,
    /// How long an invocation may last; Lambda's default is 3 s.
    pub timeout: Duration,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

impl NewFunction {
    /// A function in a VPC, with Lambda's default timeout and no tags.
    pub fn new(name: &str, vpc: impl Into<Option<VpcConfig>>) -> Self {
        Self {
            name: name.to_owned(),
            vpc: vpc.into(),
            timeout: Duration::from_secs(3),
            tags: BTreeMap::new(),
        }
    }
}

/// How an update ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The new configuration comes to serve.
    Succeeds,
    /// It fails with this reason, and the old configuration goes on serving.
    Fails(String),
}

impl World {
    /// Creates a function: Pending until its interfaces are ready, then Active (AWS.md section 1; confirmed).
    pub fn create_function(&mut self, new: &NewFunction) {
        self.note(format!("`{}` is being created", new.name));
        let unit = self.insert_function(new);
        self.report_function(&new.name, FunctionCall::Create(new), Ok(()));
        self.begin(unit, new.vpc.as_ref(), Outcome::Succeeds, None);
    }

    /// Creates a function that is Active, with ready interfaces, from this moment on. Its creation and theirs are told of
    /// like any other, so a stage is better set before a rule listens.
    pub fn create_active_function(&mut self, name: &str, vpc: impl Into<Option<VpcConfig>>) {
        self.create_active(&NewFunction::new(name, vpc));
    }

    /// [`World::create_active_function`] with tags and a timeout.
    pub fn create_active(&mut self, new: &NewFunction) {
        let unit = self.insert_function(new);
        self.report_function(&new.name, FunctionCall::Create(new), Ok(()));
        self.units[unit].was_in_vpc = new.vpc.is_some();
        self.units[unit].serving = self.place(new.vpc.as_ref());
        self.units[unit].state = FunctionState::Active;
        self.rehold(unit, true);
    }

    /// UpdateFunctionConfiguration of the VPC: `InProgress` for at least `at_least` (else a drawn time) and until the
    /// new interfaces are ready; the old configuration serves meanwhile (AWS.md section 1; confirmed). A failing
    /// update ends after that least time whatever the interfaces do.
    ///
    /// # Errors
    /// `ResourceNotFoundException`; `ResourceConflictException` while another change is under way.
    pub fn update_function_vpc(
        &mut self,
        name: &str,
        vpc: impl Into<Option<VpcConfig>>,
        outcome: Outcome,
        at_least: Option<Duration>,
    ) -> Result<(), Refusal> {
        let vpc = vpc.into();
        let unit = self.unit_to_update(name);
        let call = FunctionCall::UpdateConfiguration(vpc.as_ref());
        self.report_function(name, call, unit.as_ref().map(|_| ()));
        let unit = unit?;
        self.start_update(unit, vpc.as_ref(), outcome, at_least);
        Ok(())
    }

    /// UpdateFunctionCode: as an update of the VPC to what it is already.
    ///
    /// # Errors
    /// As [`World::update_function_vpc`].
    pub fn update_function_code(&mut self, name: &str, at_least: Option<Duration>) -> Result<(), Refusal> {
        let unit = self.unit_to_update(name);
        self.report_function(name, FunctionCall::UpdateCode, unit.as_ref().map(|_| ()));
        let unit = unit?;
        let vpc = self.units[unit].serving_config().cloned();
        self.start_update(unit, vpc.as_ref(), Outcome::Succeeds, at_least);
        Ok(())
    }

    fn start_update(
        &mut self,
        unit: UnitIx,
        vpc: Option<&VpcConfig>,
        outcome: Outcome,
        at_least: Option<Duration>,
    ) {
        let name = self.units[unit].function.clone();
        self.note(format!("`{name}` is being updated to {}", describe(vpc)));
        self.units[unit].modified = self.now;
        if self.units[unit].state == FunctionState::Active {
            self.units[unit].last_update = LastUpdate::InProgress;
        } else {
            self.units[unit].state = FunctionState::Pending;
        }
        self.begin(unit, vpc, outcome, at_least);
    }

    fn unit_to_update(&self, name: &str) -> Result<UnitIx, Refusal> {
        let Some(unit) = self.functions.get(name).map(|function| function.latest) else {
            return Err(Refusal::new("ResourceNotFoundException", format!("Function not found: {name}")));
        };
        if self.units[unit].change.is_some() {
            let message = "The operation cannot be performed at this time. An update is in progress";
            return Err(Refusal::new("ResourceConflictException", message));
        }
        Ok(unit)
    }

    /// Publishes `$LATEST` as a version, which keeps its VPC configuration for good (AWS.md section 1; confirmed).
    /// Returns the version's number.
    pub fn publish_version(&mut self, name: &str) -> u32 {
        let latest = self.unit_at(name);
        let function = self.functions.get_mut(name).expect("the scenario names a function that exists");
        function.published += 1;
        let number = function.published;
        let mut unit = Unit::new(name, Some(number), self.now);
        let source = &self.units[latest];
        (unit.serving, unit.was_in_vpc) = (source.serving.clone(), source.was_in_vpc);
        unit.state = FunctionState::Active;
        let place = self.insert_unit(unit);
        self.functions.get_mut(name).expect("it was there above").versions.insert(number, place);
        self.rehold(place, false);
        self.report_function(name, FunctionCall::Publish(number), Ok(()));
        number
    }

    /// Points an alias at a published version, to which all its invocations go.
    pub fn set_alias(&mut self, name: &str, alias: &str, version: u32) {
        self.route_alias(name, alias, version, None);
    }

    /// Points an alias at a published version, and sends this part of its invocations, from 0 to 1, to one more (RoutingConfig,
    /// of which Lambda allows one version besides; Lambda's API reference, believed).
    pub fn set_weighted_alias(&mut self, name: &str, alias: &str, version: u32, more: (u32, f64)) {
        self.route_alias(name, alias, version, Some(more));
    }

    fn route_alias(&mut self, name: &str, alias: &str, version: u32, weight: Option<(u32, f64)>) {
        let function = self.functions.get_mut(name).expect("the scenario names a function that exists");
        let old = function.aliases.insert(alias.to_owned(), version);
        match weight {
            Some(weight) => function.weights.insert(alias.to_owned(), weight),
            None => function.weights.remove(alias),
        };
        let call = match old {
            None => FunctionCall::CreateAlias(alias, version, weight),
            Some(_) => FunctionCall::UpdateAlias(alias, version, weight),
        };
        self.report_function(name, call, Ok(()));
    }

    /// Deletes an alias; the version that it names stays.
    pub fn delete_alias(&mut self, name: &str, alias: &str) {
        let function = self.functions.get_mut(name).expect("the scenario names a function that exists");
        function.aliases.remove(alias);
        function.weights.remove(alias);
        self.report_function(name, FunctionCall::DeleteAlias(alias), Ok(()));
    }

    /// Whether a function may use IPv6.
    pub fn set_dual_stack(&mut self, name: &str, dual_stack: bool) {
        let function = self.functions.get_mut(name).expect("the scenario names a function that exists");
        function.dual_stack = dual_stack;
    }

    /// Sets a tag on a function.
    pub fn tag_function(&mut self, name: &str, key: &str, value: &str) {
        let function = self.functions.get_mut(name).expect("the scenario names a function that exists");
        function.tags.insert(key.to_owned(), value.to_owned());
    }

    /// Takes a tag off a function.
    pub fn untag_function(&mut self, name: &str, key: &str) {
        let function = self.functions.get_mut(name).expect("the scenario names a function that exists");
        function.tags.remove(key);
    }

    /// Every function with its tags, those that were deleted with the ones they had, by name.
    pub(crate) fn tagged_functions(&self) -> impl Iterator<Item = (&String, &BTreeMap<String, String>)> {
        let deleted = self.deleted_tags.iter();
        let all: BTreeMap<_, _> =
            deleted.chain(self.functions.iter().map(|(name, function)| (name, &function.tags))).collect();
        all.into_iter()
    }

    /// Deletes a published version.
    pub fn delete_version(&mut self, name: &str, version: u32) {
        let function = self.functions.get_mut(name).expect("the scenario names a function that exists");
        if let Some(unit) = function.versions.remove(&version) {
            function.aliases.retain(|_, named| *named != version);
            function.weights.retain(|_, (named, _)| *named != version);
            self.report_function(name, FunctionCall::Delete(Some(version)), Ok(()));
            self.end_unit(unit);
        }
    }

    /// Deletes a function with all its versions; interfaces that nobody else uses linger and go.
    pub fn delete_function(&mut self, name: &str) {
        let function = self.functions.remove(name).expect("the scenario names a function that exists");
        self.note(format!("`{name}` was deleted"));
        self.deleted_tags.insert(name.to_owned(), function.tags);
        self.report_function(name, FunctionCall::Delete(None), Ok(()));
        self.end_unit(function.latest);
        for unit in function.versions.into_values() {
            self.end_unit(unit);
        }
    }

    /// A version becomes Inactive and its interfaces go, as after 14 days without an invocation.
    pub fn idle(&mut self, key: &str) {
        let unit = self.unit_at(key);
        self.make_idle(unit);
    }

    /// Nobody invokes this version from now on: it becomes idle after [`super::Timing::idle_after`].
    pub fn quiet(&mut self, key: &str) {
        let unit = self.unit_at(key);
        self.units[unit].idle_serial += 1;
        let at = self.now + self.config.timing.idle_after;
        self.push(at, Due::Idle(unit, self.units[unit].idle_serial));
    }

    /// The version is invoked again: an Inactive one becomes Pending and then Active (AWS.md section 1; confirmed).
    pub fn wake(&mut self, key: &str) {
        let unit = self.unit_at(key);
        self.units[unit].idle_serial += 1;
        if self.units[unit].state != FunctionState::Inactive {
            return;
        }
        self.note(format!("`{key}` is invoked again"));
        self.units[unit].state = FunctionState::Pending;
        let vpc = self.units[unit].serving_config().cloned();
        self.begin(unit, vpc.as_ref(), Outcome::Succeeds, None);
    }

    /// Sets a version's state, as a scenario wishes.
    pub fn set_function_state(&mut self, key: &str, state: FunctionState) {
        let unit = self.unit_at(key);
        self.units[unit].state = state;
        self.rehold(unit, false);
    }

    /// The function with this name.
    pub fn function(&self, name: &str) -> Option<&Function> {
        self.functions.get(name)
    }

    /// The numbers of a function's published versions.
    pub fn versions(&self, name: &str) -> Vec<u32> {
        self.functions.get(name).into_iter().flat_map(|function| function.versions.keys().copied()).collect()
    }

    /// All functions, by name.
    pub fn functions(&self) -> impl Iterator<Item = &Function> {
        self.functions.values()
    }

    pub(crate) fn function_map(&self) -> &BTreeMap<String, Function> {
        &self.functions
    }

    fn insert_function(&mut self, new: &NewFunction) -> UnitIx {
        assert!(!self.functions.contains_key(&new.name), "the scenario creates `{}` once", new.name);
        let latest = self.insert_unit(Unit::new(&new.name, None, self.now));
        let function = Function {
            name: new.name.clone(),
            tags: new.tags.clone(),
            timeout: new.timeout,
            dual_stack: false,
            aliases: BTreeMap::new(),
            weights: BTreeMap::new(),
            latest,
            versions: BTreeMap::new(),
            published: 0,
        };
        self.functions.insert(new.name.clone(), function);
        self.inherit_watch(&new.name, latest);
        latest
    }

    fn insert_unit(&mut self, unit: Unit) -> UnitIx {
        self.units.push(unit);
        self.units.len() - 1
    }

    fn end_unit(&mut self, unit: UnitIx) {
        self.units[unit].alive = false;
        self.units[unit].change = None;
        self.rehold(unit, false);
        self.units[unit].watch = None;
    }

    fn place(&mut self, vpc: Option<&VpcConfig>) -> Option<Placement> {
        let config = vpc.filter(|vpc| !vpc.subnets.is_empty())?;
        let pairs = self.pairs_of(config);
        Some(Placement { config: config.clone(), pairs })
    }

    fn begin(&mut self, unit: UnitIx, vpc: Option<&VpcConfig>, outcome: Outcome, at_least: Option<Duration>) {
        let placement = self.place(vpc);
        let span = self.draw(self.config.timing.update);
        let not_before: Moment = self.now + at_least.unwrap_or(span);
        let fails = match outcome {
            Outcome::Succeeds => None,
            Outcome::Fails(reason) => Some(reason),
        };
        let entry = &mut self.units[unit];
        entry.serial += 1;
        entry.was_in_vpc |= placement.is_some();
        let serial = entry.serial;
        entry.change = Some(Change { placement, serial, not_before, fails });
        self.push(not_before, Due::Finish(unit, serial));
        self.rehold(unit, false);
    }
}

fn describe(vpc: Option<&VpcConfig>) -> String {
    vpc.map_or_else(
        || "no VPC".to_owned(),
        |vpc| format!("{} with {}", vpc.subnets.join(", "), vpc.security_groups.join(", ")),
    )
}
