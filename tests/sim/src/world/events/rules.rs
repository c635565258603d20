//! Event buses, rules and targets: made, found, changed and removed.
//!
//! Whether an event is for a rule is decided in `pattern`, what becomes of it in `delivery`.

use super::pattern::Pattern;
use crate::world::{Refusal, World};
use std::collections::BTreeMap;

/// The most targets of one rule (AWS.md section 3, EventBridge limits; confirmed).
const MOST_TARGETS: usize = 5;

/// An event bus.
#[derive(Clone, Debug)]
pub struct Bus {
    /// Its name; `default` is always there.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Its resource policy, kept and shown but not evaluated.
    pub policy: Option<String>,
    pub(crate) rules: BTreeMap<String, Rule>,
}

/// A rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// The name of its bus.
    pub bus: String,
    /// `ENABLED`, `DISABLED` or `ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS`.
    pub state: String,
    /// Its description.
    pub description: Option<String>,
    /// Its role.
    pub role: Option<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Its targets, by their ids.
    pub targets: BTreeMap<String, Target>,
    pub(crate) pattern: Pattern,
}

impl Rule {
    /// The event pattern, as it was put.
    pub fn pattern(&self) -> &str {
        &self.pattern.text
    }
}

/// Where a rule sends what it matches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// Its id, the rule's own.
    pub id: String,
    /// The ARN of a queue or of an event bus.
    pub arn: String,
    /// The role that EventBridge takes; not evaluated.
    pub role: Option<String>,
    /// What is sent in place of the event.
    pub input: Option<String>,
    /// The ARN of the queue for what cannot be delivered.
    pub dead_letters: Option<String>,
    /// MaximumRetryAttempts; kept only, since what fails here fails for good.
    pub retry_attempts: Option<u64>,
    /// MaximumEventAgeInSeconds, likewise.
    pub retry_age: Option<u64>,
}

/// A rule to put; what is `None` is nulled when the rule exists (AWS.md section 3, EventBridge limits; confirmed).
#[derive(Clone, Debug, Default)]
pub struct NewRule {
    /// Its name.
    pub name: String,
    /// The name or the ARN of its bus; the default one when none.
    pub bus: Option<String>,
    /// Its event pattern.
    pub pattern: Option<String>,
    /// Its state; `ENABLED` when none.
    pub state: Option<String>,
    /// Its description.
    pub description: Option<String>,
    /// Its role.
    pub role: Option<String>,
    /// Its tags, which count only when it is made (EventBridge API reference, PutRule; confirmed).
    pub tags: BTreeMap<String, String>,
}

impl World {
    /// PutRule: makes a rule, or sets all of it anew but its targets and tags. Returns its ARN.
    ///
    /// # Errors
    /// `ResourceNotFoundException` for the bus; `InvalidEventPatternException`; `ValidationException`.
    pub fn put_rule(&mut self, new: NewRule) -> Result<String, Refusal> {
        let Some(pattern) = &new.pattern else {
            let message = "Parameter(s) EventPattern or ScheduleExpression must be specified.";
            return Err(Refusal::new("ValidationException", message));
        };
        let pattern = Pattern::parse(pattern).map_err(|refusal| self.loud(refusal))?;
        let state = new.state.unwrap_or_else(|| "ENABLED".to_owned());
        if !["ENABLED", "DISABLED", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"].contains(&state.as_str())
        {
            return Err(Refusal::new("ValidationException", format!("State {state} is not valid.")));
        }
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
        if new.name.is_empty() || new.name.len() > 64 || !new.name.bytes().all(fits) {
            return Err(Refusal::new("ValidationException", format!("Name {} is not valid.", new.name)));
        }
        let place = format!("arn:aws:events:{}:{}:rule", self.config.region, self.config.account);
        let bus = self.bus_at(new.bus.as_deref())?;
        let arn = match bus.name.as_str() {
            "default" => format!("{place}/{}", new.name),
            named => format!("{place}/{named}/{}", new.name),
        };
        let old = bus.rules.remove(&new.name);
        let (targets, tags) =
            old.map_or_else(|| (BTreeMap::new(), new.tags), |rule| (rule.targets, rule.tags));
        let rule = Rule {
            name: new.name.clone(),
            arn: arn.clone(),
            bus: bus.name.clone(),
            state,
            description: new.description,
            role: new.role,
            tags,
            targets,
            pattern,
        };
        bus.rules.insert(new.name, rule);
        Ok(arn)
    }

    /// The rule with this name on a bus.
    ///
    /// # Errors
    /// `ResourceNotFoundException` for the bus or the rule.
    pub fn rule(&self, bus: Option<&str>, name: &str) -> Result<&Rule, Refusal> {
        let bus = self.bus(bus)?;
        bus.rules.get(name).ok_or_else(|| missing_rule(name, &bus.name))
    }

    /// The rules of a bus, by name.
    ///
    /// # Errors
    /// `ResourceNotFoundException` for the bus.
    pub fn rules(&self, bus: Option<&str>) -> Result<impl Iterator<Item = &Rule>, Refusal> {
        Ok(self.bus(bus)?.rules.values())
    }

    /// DeleteRule; a rule that does not exist is no error.
    ///
    /// # Errors
    /// `ResourceNotFoundException` for the bus; `ValidationException` while it has targets.
    pub fn delete_rule(&mut self, bus: Option<&str>, name: &str) -> Result<(), Refusal> {
        let bus = self.bus_at(bus)?;
        if bus.rules.get(name).is_some_and(|rule| !rule.targets.is_empty()) {
            return Err(Refusal::new("ValidationException", "Rule can't be deleted since it has targets."));
        }
        bus.rules.remove(name);
        Ok(())
    }

    /// EnableRule and DisableRule.
    ///
    /// # Errors
    /// `ResourceNotFoundException`.
    pub fn enable_rule(&mut self, bus: Option<&str>, name: &str, enabled: bool) -> Result<(), Refusal> {
        self.rule_at(bus, name)?.state = if enabled { "ENABLED" } else { "DISABLED" }.to_owned();
        Ok(())
    }

    /// PutTargets, of queues and buses. A target with an id that is there replaces it.
    ///
    /// # Errors
    /// `ResourceNotFoundException`; `LimitExceededException` beyond five; `ValidationException` for an ARN that is none.
    pub fn put_targets(
        &mut self,
        bus: Option<&str>,
        name: &str,
        targets: Vec<Target>,
    ) -> Result<(), Refusal> {
        let place = format!("{}:{}", self.config.region, self.config.account);
        for arn in
            targets.iter().flat_map(|target| [Some(&target.arn), target.dead_letters.as_ref()]).flatten()
        {
            let parts: Vec<&str> = arn.splitn(6, ':').collect();
            let ["arn", "aws", service, region, account, name] = parts[..] else {
                let message =
                    format!("Parameter {arn} is not valid. Reason: Provided Arn is not in correct format.");
                return Err(Refusal::new("ValidationException", message));
            };
            let known = match service {
                "sqs" => format!("{region}:{account}") == place && !name.ends_with(".fifo"),
                "events" => name.starts_with("event-bus/"),
                _ => false,
            };
            if !known {
                let message = format!("events: the target {arn} is not simulated");
                return Err(self.loud(Refusal::unsupported(message)));
            }
        }
        let rule = self.rule_at(bus, name)?;
        let mut wanted = rule.targets.clone();
        wanted.extend(targets.into_iter().map(|target| (target.id.clone(), target)));
        if wanted.len() > MOST_TARGETS {
            let message = "The requested resource exceeds the maximum number allowed.";
            return Err(Refusal::new("LimitExceededException", message));
        }
        rule.targets = wanted;
        Ok(())
    }

    /// RemoveTargets; ids that are not there are no error.
    ///
    /// # Errors
    /// `ResourceNotFoundException`.
    pub fn remove_targets(&mut self, bus: Option<&str>, name: &str, ids: &[String]) -> Result<(), Refusal> {
        self.rule_at(bus, name)?.targets.retain(|id, _| !ids.contains(id));
        Ok(())
    }

    /// CreateEventBus. Returns its ARN.
    ///
    /// # Errors
    /// `ResourceAlreadyExistsException`.
    pub fn create_event_bus(
        &mut self,
        name: &str,
        tags: BTreeMap<String, String>,
    ) -> Result<String, Refusal> {
        if self.events.buses.contains_key(name) {
            let message = format!("Event bus {name} already exists.");
            return Err(Refusal::new("ResourceAlreadyExistsException", message));
        }
        let arn = self.bus_arn(name);
        let bus = Bus { name: name.to_owned(), arn: arn.clone(), tags, policy: None, rules: BTreeMap::new() };
        self.events.buses.insert(name.to_owned(), bus);
        Ok(arn)
    }

    /// DeleteEventBus with its rules; a bus that does not exist is no error.
    ///
    /// # Errors
    /// `ValidationException` for the default bus.
    pub fn delete_event_bus(&mut self, name: &str) -> Result<(), Refusal> {
        if name == "default" {
            return Err(Refusal::new("ValidationException", "Cannot delete event bus default."));
        }
        self.events.buses.remove(name);
        Ok(())
    }

    /// PutPermission: sets a bus's resource policy, or takes it away. It is kept and shown but not evaluated.
    ///
    /// # Errors
    /// `ResourceNotFoundException`.
    pub fn set_bus_policy(&mut self, bus: Option<&str>, policy: Option<String>) -> Result<(), Refusal> {
        self.bus_at(bus)?.policy = policy;
        Ok(())
    }

    /// The bus with this name or ARN; the default one when none.
    ///
    /// # Errors
    /// `ResourceNotFoundException`.
    pub fn bus(&self, bus: Option<&str>) -> Result<&Bus, Refusal> {
        let name = self.bus_name(bus);
        self.events.buses.get(&name).ok_or_else(|| missing_bus(&name))
    }

    /// All buses, by name.
    pub fn buses(&self) -> impl Iterator<Item = &Bus> {
        self.events.buses.values()
    }

    /// The tags of a rule or of a bus, by its ARN.
    pub(crate) fn event_tags(&mut self, arn: &str) -> Result<&mut BTreeMap<String, String>, Refusal> {
        let missing = || Refusal::new("ResourceNotFoundException", format!("Resource {arn} does not exist."));
        for bus in self.events.buses.values_mut() {
            if bus.arn == arn {
                return Ok(&mut bus.tags);
            }
            if let Some(rule) = bus.rules.values_mut().find(|rule| rule.arn == arn) {
                return Ok(&mut rule.tags);
            }
        }
        Err(missing())
    }

    /// The ARN of a bus with this name, whether or not there is one.
    pub fn bus_arn(&self, name: &str) -> String {
        format!("arn:aws:events:{}:{}:event-bus/{name}", self.config.region, self.config.account)
    }

    /// An ARN of another place stays whole, so that it names no bus here.
    pub(crate) fn bus_name(&self, bus: Option<&str>) -> String {
        let bus = bus.unwrap_or("default");
        bus.strip_prefix(&self.bus_arn("")).unwrap_or(bus).to_owned()
    }

    fn bus_at(&mut self, bus: Option<&str>) -> Result<&mut Bus, Refusal> {
        let name = self.bus_name(bus);
        self.events.buses.get_mut(&name).ok_or_else(|| missing_bus(&name))
    }

    fn rule_at(&mut self, bus: Option<&str>, name: &str) -> Result<&mut Rule, Refusal> {
        let bus = self.bus_at(bus)?;
        let bus_name = bus.name.clone();
        bus.rules.get_mut(name).ok_or_else(|| missing_rule(name, &bus_name))
    }
}

fn missing_bus(name: &str) -> Refusal {
    Refusal::new("ResourceNotFoundException", format!("Event bus {name} does not exist."))
}

fn missing_rule(name: &str, bus: &str) -> Refusal {
    Refusal::new("ResourceNotFoundException", format!("Rule {name} does not exist on EventBus {bus}."))
}
