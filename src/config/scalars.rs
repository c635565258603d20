//! The fixed sections (daemon, events, safety, notify): file and environment merged into [`Settings`].
//!
//! The `config` crate merges defaults, the file and the overriding variables. It is kept to these sections, and is fed
//! from the spanned tree rather than from the text, because it
//! - forgets lines and columns: each value goes in with its place as its origin, so that a fault after the merge still
//!   has one;
//! - reads variables without regard to case and splits them at `__`, which pools and functions, whose names are the
//!   operator's own, would not survive;
//! - converts between types on demand, so that `listen = 9464` would pass for a string, and silently turns dates into
//!   strings: here a value keeps its type, and only the text of a variable is converted.
//!
//! Tables (`[[targets]]`, `[pools.…]`, `[[functions]]`) are read from the spanned tree alone, in `sections`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use config::builder::DefaultState;
use config::{Config, ConfigBuilder, ConfigError, Value, ValueKind};
use jiff::SignedDuration;
use toml::de::DeValue;

use super::arn;
use super::document::{Fields, Node, Spot};
use super::fault::{Fault, near, shown};
use super::keys::{KEYS, Key, PREFIX, SECTIONS};
use super::settings::Settings;
use crate::domain::policy::{BystanderPolicy, DisruptionBudget, Grace, Mode, OnRemoved, RateShare, TakeFrom};

/// Below this, a pass is still running when the next is due.
const SHORTEST_POLL: Duration = Duration::from_secs(1);
/// Above this, a lost address would go unnoticed for too long to speak of keeping a promise.
const LONGEST_POLL: Duration = Duration::from_secs(60 * 60);
/// Above this, a function could be given new subnets and its interfaces stay unexplained for more than a day.
const LONGEST_REFRESH: Duration = Duration::from_secs(24 * 60 * 60);
/// Invocations last at most 15 minutes; beyond a day a retired interface would hold its address for nothing.
const LONGEST_GRACE: Duration = Duration::from_secs(24 * 60 * 60);

/// What may be done about bystanders.
pub(super) const BYSTANDERS: [(&str, BystanderPolicy); 2] =
    [("report", BystanderPolicy::Report), ("deny", BystanderPolicy::Deny)];

/// Says to which fixed section a key belongs that stands somewhere else.
pub(super) fn home_of(name: &str) -> Option<String> {
    let key = KEYS.iter().find(|key| key.name == name)?;
    Some(format!("it belongs to [{}]", key.section))
}

/// The settings of the tree and the environment, nothing when a fault was found in them; and the same key by key.
pub(super) fn settings(
    root: &Fields<'_>,
    environment: &BTreeMap<String, String>,
    faults: &mut Vec<Fault>,
) -> (Option<Settings>, Vec<(String, String)>) {
    let before = faults.len();
    let mut layers = Layers { values: Config::builder(), origins: BTreeMap::new() };
    let filled = layers.add_defaults().and_then(|()| {
        layers.add_file(root, faults)?;
        layers.add_variables(environment, faults)
    });
    filled.expect("every key is a plain dotted path");
    let merged = layers.merge();
    let settings = read(&merged, faults);
    let settings = settings.filter(|_| faults.len() == before);
    let told = settings.as_ref().map(|settings| merged.told(settings)).unwrap_or_default();
    (settings, told)
}

/// What is to be merged, and where each value came from.
struct Layers<'t> {
    values: ConfigBuilder<DefaultState>,
    origins: BTreeMap<String, Spot<'t>>,
}

impl<'t> Layers<'t> {
    fn add_defaults(&mut self) -> Result<(), ConfigError> {
        for key in &KEYS {
            let values = std::mem::take(&mut self.values);
            self.values = match key.default {
                Some(default) => values.set_default(key.path(), default)?,
                None => values,
            };
        }
        Ok(())
    }

    fn add_file(&mut self, root: &Fields<'t>, faults: &mut Vec<Fault>) -> Result<(), ConfigError> {
        let mut file = Config::builder();
        for section in SECTIONS {
            let Some(node) = root.get(section) else { continue };
            let Some(fields) = node.fields(&format!("a table [{section}]"), faults) else { continue };
            let keys = || KEYS.iter().filter(|key| key.section == section);
            fields.refuse_unknown(&keys().map(|key| key.name).collect::<Vec<_>>(), home_of, faults);
            for key in keys() {
                let Some(node) = fields.get(key.name) else { continue };
                let Some(kind) = scalar(&node) else {
                    faults.push(node.mismatch(key.expected));
                    continue;
                };
                let origin = node.spot.place().to_string();
                file = file.set_override(node.spot.key(), Value::new(Some(&origin), kind))?;
                self.origins.insert(origin, node.spot);
            }
        }
        self.values = std::mem::take(&mut self.values).add_source(file.build()?);
        Ok(())
    }

    fn add_variables(
        &mut self,
        environment: &BTreeMap<String, String>,
        faults: &mut Vec<Fault>,
    ) -> Result<(), ConfigError> {
        for (name, text) in environment.iter().filter(|(name, _)| name.starts_with(PREFIX)) {
            let Some(key) = KEYS.iter().find(|key| key.variable() == *name) else {
                faults.push(unknown_variable(name));
                continue;
            };
            let value = Value::new(Some(name), text.as_str());
            self.values = std::mem::take(&mut self.values).set_override(key.path(), value)?;
            self.origins.insert(name.clone(), Spot::variable(name, key.path()));
        }
        Ok(())
    }

    fn merge(self) -> Merged<'t> {
        let values = self.values.build().expect("the layers are in memory and hold scalars only");
        Merged { values, origins: self.origins }
    }
}

/// A value of the file in the terms of the `config` crate; nothing for what is no scalar or beyond 64 bits.
fn scalar(node: &Node<'_>) -> Option<ValueKind> {
    match node.value {
        DeValue::String(text) => Some(ValueKind::String(text.clone().into_owned())),
        DeValue::Integer(number) => {
            i64::from_str_radix(number.as_str(), number.radix()).ok().map(ValueKind::I64)
        }
        DeValue::Float(number) => number.as_str().parse().ok().map(ValueKind::Float),
        DeValue::Boolean(value) => Some(ValueKind::Boolean(*value)),
        DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => None,
    }
}

fn unknown_variable(name: &str) -> Fault {
    let fault = Spot::variable(&shown(name), String::new()).fault("overrides no key");
    let known: Vec<_> = KEYS.iter().map(Key::variable).collect();
    match near(name, known.iter().map(String::as_str)) {
        Some(variable) => fault.with_hint(format!("did you mean `{variable}`?")),
        None => fault.with_hint(format!("only keys of {} can be overridden", SECTIONS.join(", "))),
    }
}

/// The merged values.
struct Merged<'t> {
    values: Config,
    origins: BTreeMap<String, Spot<'t>>,
}

/// A merged value with the place it came from; a default came from nowhere.
struct Scalar<'m, 't> {
    kind: &'m ValueKind,
    spot: Option<&'m Spot<'t>>,
    key: &'static Key,
}

impl<'t> Merged<'t> {
    fn get(&self, name: &str) -> Option<Scalar<'_, 't>> {
        fn child<'v>(parent: &'v Value, name: &str) -> Option<&'v Value> {
            let ValueKind::Table(table) = &parent.kind else { return None };
            table.get(name)
        }
        let key = KEYS.iter().find(|key| key.name == name)?;
        let value = child(child(&self.values.cache, key.section)?, name)?;
        let spot = value.origin().and_then(|origin| self.origins.get(origin));
        Some(Scalar { kind: &value.kind, spot, key })
    }

    /// Every key that has a value, with the one in force.
    fn told(&self, settings: &Settings) -> Vec<(String, String)> {
        let value = |key: &Key| {
            let merged = self.get(key.name)?.kind.to_string();
            // Defaults that give way to another key.
            let value = match key.name {
                "function_refresh" => in_words(settings.function_refresh),
                "max_disruptions_per_hour" => settings.disruptions.per_hour.to_string(),
                _ => merged,
            };
            Some((key.path(), value))
        };
        KEYS.iter().filter_map(value).collect()
    }

    /// Reads the value of a key.
    fn read<T>(
        &self,
        name: &str,
        faults: &mut Vec<Fault>,
        read: impl Fn(&Scalar<'_, 't>) -> Result<T, Wrong>,
    ) -> Option<T> {
        let scalar = self.get(name)?;
        read(&scalar).map_err(|wrong| faults.extend(scalar.fault(wrong))).ok()
    }
}

/// Why a value is refused.
enum Wrong {
    /// It has not the form that its key asks for.
    Form,
    /// It has, and is refused for what it says.
    Meaning { problem: String, hint: Option<String> },
}

impl Scalar<'_, '_> {
    fn fault(&self, wrong: Wrong) -> Option<Fault> {
        let spot = self.spot?;
        Some(match wrong {
            Wrong::Form => spot.fault(format!("expected {}, found {}", self.key.expected, self.found())),
            Wrong::Meaning { problem, hint } => Fault { hint, ..spot.fault(problem) },
        })
    }

    fn found(&self) -> String {
        match self.kind {
            ValueKind::String(text) => format!("the string \"{}\"", shown(text)),
            ValueKind::I64(number) => format!("the integer {number}"),
            ValueKind::Float(number) => format!("the number {number}"),
            other => other.to_string(),
        }
    }

    fn text(&self) -> Result<&str, Wrong> {
        match self.kind {
            ValueKind::String(text) => Ok(text),
            _ => Err(Wrong::Form),
        }
    }

    /// A variable and a default are text; in the file a number is a number.
    fn number<T: FromStr>(&self) -> Result<T, Wrong> {
        let is_text = self.spot.is_none_or(Spot::is_variable);
        let text = match self.kind {
            ValueKind::String(text) if is_text => text.trim().to_owned(),
            ValueKind::I64(number) => number.to_string(),
            ValueKind::Float(number) => number.to_string(),
            _ => return Err(Wrong::Form),
        };
        text.parse().map_err(|_| Wrong::Form)
    }

    fn duration(&self) -> Result<Duration, Wrong> {
        let text = self.text()?;
        let signed: SignedDuration = text.parse().map_err(|_| Wrong::Form)?;
        Duration::try_from(signed).map_err(|_| Wrong::Meaning {
            problem: format!("the duration `{}` is negative", shown(text)),
            hint: None,
        })
    }

    fn duration_within(&self, shortest: Duration, longest: Duration) -> Result<Duration, Wrong> {
        within(self.duration()?, shortest, longest)
    }

    fn choice<T: Copy>(&self, choices: &[(&str, T)]) -> Result<T, Wrong> {
        let text = self.text()?;
        let found = choices.iter().find(|(name, _)| *name == text);
        found.map(|(_, choice)| *choice).ok_or(Wrong::Form)
    }
}

fn within(duration: Duration, shortest: Duration, longest: Duration) -> Result<Duration, Wrong> {
    let (how, bound) = match duration {
        _ if duration < shortest => ("shorter", shortest),
        _ if duration > longest => ("longer", longest),
        _ => return Ok(duration),
    };
    Err(Wrong::Meaning {
        problem: format!("{} is {how} than {}", in_words(duration), in_words(bound)),
        hint: Some(format!("choose a duration from {} to {}", in_words(shortest), in_words(longest))),
    })
}

/// A duration as the file would write it.
fn in_words(duration: Duration) -> String {
    SignedDuration::try_from(duration)
        .map_or_else(|_| format!("{duration:?}"), |signed| format!("{signed:#}"))
}

fn read(merged: &Merged<'_>, faults: &mut Vec<Fault>) -> Option<Settings> {
    let poll_interval =
        merged.read("poll_interval", faults, |value| value.duration_within(SHORTEST_POLL, LONGEST_POLL));
    let function_refresh = merged.read("function_refresh", faults, |value| {
        let shortest = poll_interval.unwrap_or(SHORTEST_POLL);
        match value.spot {
            Some(_) => value.duration_within(shortest, LONGEST_REFRESH),
            // Not the operator's word, so no fault of theirs when they poll more slowly than it says.
            None => value.duration().map(|default| default.max(shortest)),
        }
    });
    let listen = merged.read("listen", faults, listen);
    let mode = merged.read("mode", faults, |value| {
        value.choice(&[("enforce", Mode::Enforce), ("observe", Mode::Observe)])
    });
    let rate_share =
        merged.read("rate_share", faults, |value| RateShare::new(value.number()?).ok_or(Wrong::Form));
    // Absent is nothing; at fault is a fault.
    let queue_url = match merged.get("queue_url") {
        Some(_) => merged.read("queue_url", faults, queue_url).map(Some),
        None => Some(None),
    };
    let take_from = merged.read("take_from", faults, |value| {
        value.choice(&[("retired", TakeFrom::Retired), ("nothing", TakeFrom::Nothing)])
    });
    let switchover_grace = merged.read("switchover_grace", faults, |value| match value.text()? {
        "auto" => Ok(Grace::Auto),
        _ => value.duration_within(Duration::ZERO, LONGEST_GRACE).map(Grace::For),
    });
    let bystanders = merged.read("bystanders", faults, |value| value.choice(&BYSTANDERS));
    let event_bus = match merged.get("event_bus") {
        Some(_) => merged.read("event_bus", faults, event_bus).map(Some),
        None => Some(None),
    };
    let on_removed = merged.read("on_removed", faults, |value| {
        value.choice(&[("keep", OnRemoved::Keep), ("disassociate", OnRemoved::Disassociate)])
    });
    let disruptions = disruptions(merged, faults);
    Some(Settings {
        disruptions: disruptions?,
        on_removed: on_removed?,
        take_from: take_from?,
        bystanders: bystanders?,
        switchover_grace: switchover_grace?,
        queue_url: queue_url?,
        event_bus: event_bus?,
        poll_interval: poll_interval?,
        function_refresh: function_refresh?,
        listen: listen?,
        mode: mode?,
        rate_share: rate_share?,
    })
}

fn disruptions(merged: &Merged<'_>, faults: &mut Vec<Fault>) -> Option<DisruptionBudget> {
    let count = |value: &Scalar<'_, '_>| value.number::<u32>().map(|number| number as usize);
    let per_pass = merged.read("max_disruptions_per_pass", faults, count);
    let per_hour = merged.read("max_disruptions_per_hour", faults, |value| {
        let (per_hour, least) = (count(value)?, per_pass.unwrap_or(0));
        match value.spot {
            Some(_) if per_hour < least => Err(Wrong::Meaning {
                problem: format!("{per_hour} an hour is less than {least} a pass"),
                hint: Some("raise it, or lower max_disruptions_per_pass".to_owned()),
            }),
            // Not the operator's word, so no fault of theirs when they allow more in a pass.
            _ => Ok(per_hour.max(least)),
        }
    });
    Some(DisruptionBudget { per_pass: per_pass?, per_hour: per_hour? })
}

fn listen(value: &Scalar<'_, '_>) -> Result<SocketAddr, Wrong> {
    let text = value.text()?;
    text.parse().map_err(|_| {
        let guess = match text.rsplit_once(':') {
            Some(("", port)) => format!("0.0.0.0:{port}"),
            Some(("localhost", port)) => format!("127.0.0.1:{port}"),
            _ => return Wrong::Form,
        };
        guess.parse().map_or(Wrong::Form, |guess: SocketAddr| Wrong::Meaning {
            problem: format!("`{}` is not an address with its port", shown(text)),
            hint: Some(format!("did you mean `{guess}`?")),
        })
    })
}

fn queue_url(value: &Scalar<'_, '_>) -> Result<String, Wrong> {
    let text = value.text()?;
    match arn::queue_url(text, &shown(text)) {
        Ok(()) => Ok(text.to_owned()),
        Err(refusal) => Err(Wrong::Meaning { problem: refusal.problem, hint: refusal.hint }),
    }
}

fn event_bus(value: &Scalar<'_, '_>) -> Result<String, Wrong> {
    let text = value.text()?;
    if arn::is_event_bus(text) { Ok(text.to_owned()) } else { Err(Wrong::Form) }
}
