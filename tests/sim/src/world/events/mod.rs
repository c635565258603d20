//! EventBridge: buses, rules with patterns, and the way of an event to a queue.
//!
//! What AWS itself reports is made in `trail`; here it travels. Schedules, archives, transformers and targets other
//! than queues and buses are not simulated, and asking for them is loud.

mod delivery;
mod pattern;
mod rules;
mod wiring;

pub(crate) use delivery::Flight;
pub use delivery::{EventCounts, NewEvent, Outbound, Undelivered};
pub use rules::{Bus, NewRule, Rule, Target};
pub use wiring::ADDRESS_EVENTS;

use super::Span;
use crate::chance::Chance;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// How events travel. What counts is the weather at the moment when an event is raised or put.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EventWeather {
    /// From an API call until EventBridge has CloudTrail's event of it (AWS.md section 3, Latency: seconds at P99).
    pub delay: Span,
    /// The probability that an event is lost (AWS.md section 3: best effort; confirmed), those of PutEvents too.
    pub loss: f64,
    /// The probability that it comes twice (AWS.md section 3: at least once; believed).
    pub duplicate: f64,
    /// From PutEvents until the targets have the event (EventBridge announcements: about half a second; believed).
    pub bus_delay: Span,
}

impl Default for EventWeather {
    fn default() -> Self {
        Self {
            delay: Span::seconds(1, 10),
            loss: 0.0,
            duplicate: 0.0,
            bus_delay: Span { shortest: Duration::from_millis(100), longest: Duration::from_millis(500) },
        }
    }
}

impl EventWeather {
    /// The default with this delay of CloudTrail's events.
    pub fn delayed(delay: Span) -> Self {
        Self { delay, ..Self::default() }
    }
}

/// All buses of an account in a region, and what became of events.
#[derive(Debug)]
pub(crate) struct Events {
    buses: BTreeMap<String, Bus>,
    pub(crate) weather: EventWeather,
    chance: Chance,
    counts: EventCounts,
    undelivered: Vec<Undelivered>,
    outbound: Vec<Outbound>,
}

impl Events {
    pub(crate) fn new(chance: Chance, region: &str, account: &str) -> Self {
        let default = Bus {
            name: "default".to_owned(),
            arn: format!("arn:aws:events:{region}:{account}:event-bus/default"),
            tags: BTreeMap::new(),
            policy: None,
            rules: BTreeMap::new(),
        };
        Self {
            buses: BTreeMap::from([("default".to_owned(), default)]),
            weather: EventWeather::default(),
            chance,
            counts: EventCounts::default(),
            undelivered: Vec::new(),
            outbound: Vec::new(),
        }
    }
}

impl Rule {
    /// Whether it is enabled and matches an event.
    pub(crate) fn is_for(&self, event: &Value) -> bool {
        self.state != "DISABLED" && self.pattern.matches(event)
    }
}
