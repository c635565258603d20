//! The way of an event: raised or put, on its way, on a bus, to the targets of the rules that it matches.
//!
//! The weather decides how long it takes, whether it is lost and whether it comes twice; that events overtake each
//! other follows from their delays. What cannot be delivered is remembered, so that a test can see it.

use super::EventWeather;
use crate::beliefs::MissingBus;
use crate::moment::Moment;
use crate::world::{Due, Refusal, Target, World};
use serde_json::{Value, json};

/// An event for [`World::put_event`].
#[derive(Clone, Debug, Default)]
pub struct NewEvent {
    /// Who says it, such as `eipd`; `aws.` is AWS's own.
    pub source: String,
    /// What kind of thing happened.
    pub detail_type: String,
    /// What happened, as a JSON object.
    pub detail: String,
    /// The ARNs that it is about.
    pub resources: Vec<String>,
    /// When it happened; now when none.
    pub time: Option<Moment>,
    /// The name or the ARN of the bus; the default one when none.
    pub bus: Option<String>,
}

/// An event that did not reach a target of a rule that it matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undelivered {
    /// When.
    pub at: Moment,
    /// The event's id.
    pub event: String,
    /// The rule's ARN.
    pub rule: String,
    /// The target's ARN.
    pub target: String,
    /// Why: `NO_PERMISSIONS` or `NO_RESOURCE`, as EventBridge tells it to a dead-letter queue.
    pub reason: &'static str,
    /// Whether the target's dead-letter queue has it.
    pub dead_lettered: bool,
}

/// What became of events so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventCounts {
    /// Raised or put while a rule matched them.
    pub kept: u64,
    /// Of those, lost on the way.
    pub lost: u64,
    /// Of those, that came twice.
    pub duplicated: u64,
    /// Messages that reached a queue.
    pub delivered: u64,
    /// Messages that did not, whether or not a dead-letter queue has them.
    pub undelivered: u64,
}

/// An event on its way to a bus.
#[derive(Debug)]
pub(crate) struct Flight {
    bus: String,
    event: Value,
    /// Sent on by another bus: it goes no further.
    forwarded: bool,
}

/// An event for a bus in another region or account, by a rule that has that bus as its target.
#[derive(Clone, Debug, PartialEq)]
pub struct Outbound {
    /// The ARN of the bus.
    pub bus: String,
    /// The event, as it left its first bus.
    pub event: Value,
}

impl World {
    /// How events travel from now on; those on their way are not touched.
    pub fn set_events(&mut self, weather: EventWeather) {
        self.events.weather = weather;
    }

    /// What became of events so far.
    pub fn event_counts(&self) -> EventCounts {
        self.events.counts
    }

    /// The messages that did not reach their target, oldest first.
    pub fn undelivered(&self) -> &[Undelivered] {
        &self.events.undelivered
    }

    /// The events for buses elsewhere since this was last asked, to be carried there by [`World::receive_event`].
    pub fn take_outbound(&mut self) -> Vec<Outbound> {
        std::mem::take(&mut self.events.outbound)
    }

    /// An event comes in from another region's or account's bus, at once.
    pub fn receive_event(&mut self, bus: Option<&str>, event: Value) {
        let bus = self.bus_name(bus);
        self.push(self.now, Due::Event(Box::new(Flight { bus, event, forwarded: true })));
    }

    /// PutEvents, one entry. Returns the event's id.
    ///
    /// # Errors
    /// `InvalidArgument`, `MalformedDetail` and `NotAuthorizedForSource`, which the service tells of the entry;
    /// belief B21 for a bus that does not exist.
    pub fn put_event(&mut self, new: &NewEvent) -> Result<String, Refusal> {
        for (name, value) in
            [("Source", &new.source), ("DetailType", &new.detail_type), ("Detail", &new.detail)]
        {
            if value.is_empty() {
                let message =
                    format!("Parameter {name} is not valid. Reason: {name} is a required argument.");
                return Err(Refusal::new("InvalidArgument", message));
            }
        }
        let detail = serde_json::from_str::<Value>(&new.detail).ok().filter(Value::is_object);
        let detail = detail.ok_or_else(|| Refusal::new("MalformedDetail", "Detail is malformed."))?;
        if new.source.starts_with("aws.") {
            return Err(Refusal::new("NotAuthorizedForSource", "Not authorized for the source."));
        }
        if let Err(refusal) = self.bus(new.bus.as_deref())
            && self.config.beliefs.missing_bus == MissingBus::EntryFails
        {
            return Err(refusal);
        }
        let id = self.events.chance.uuid();
        let event = json!({
            "version": "0",
            "id": id,
            "detail-type": new.detail_type,
            "source": new.source,
            "account": self.config.account,
            "time": new.time.unwrap_or(self.now).second_timestamp(),
            "region": self.config.region,
            "resources": new.resources,
            "detail": detail,
        });
        let bus = self.bus_name(new.bus.as_deref());
        self.send_off(&bus, &event, self.events.weather.bus_delay);
        Ok(id)
    }

    /// Sends an event on its way to a bus, if a rule matches it.
    pub(crate) fn send_off(&mut self, bus: &str, event: &Value, delay: crate::world::Span) {
        let rules = self.events.buses.get(bus).into_iter().flat_map(|bus| bus.rules.values());
        if !rules.into_iter().any(|rule| rule.is_for(event)) {
            return;
        }
        let EventWeather { loss, duplicate, .. } = self.events.weather;
        let chance = &mut self.events.chance;
        let (lost, twice) = (chance.strikes(loss), chance.strikes(duplicate));
        let times = [Some(()), twice.then_some(())].into_iter().flatten();
        let arrivals: Vec<Moment> =
            times.map(|()| self.now + chance.span(delay.shortest, delay.longest)).collect();
        let counts = &mut self.events.counts;
        counts.kept += 1;
        if lost {
            counts.lost += 1;
            return;
        }
        counts.duplicated += u64::from(twice);
        for at in arrivals {
            let flight = Flight { bus: bus.to_owned(), event: event.clone(), forwarded: false };
            self.push(at, Due::Event(Box::new(flight)));
        }
    }

    /// An event is on its bus: it goes to the targets of each rule that matches it now.
    pub(crate) fn land(&mut self, flight: &Flight) {
        let rules = self.events.buses.get(&flight.bus).into_iter().flat_map(|bus| bus.rules.values());
        let matching = rules.filter(|rule| rule.is_for(&flight.event));
        let hits: Vec<(String, Target)> = matching
            .flat_map(|rule| rule.targets.values().map(|target| (rule.arn.clone(), target.clone())))
            .collect();
        for (rule, target) in hits {
            if target.arn.contains(":event-bus/") {
                self.forward(flight, &target);
            } else {
                self.deliver(&flight.event, &rule, &target);
            }
        }
    }

    /// Bus to bus, once: a further hop is not made (EventBridge user guide; confirmed).
    fn forward(&mut self, flight: &Flight, target: &Target) {
        if flight.forwarded {
            return;
        }
        let event = flight.event.clone();
        let bus = self.bus_name(Some(&target.arn));
        if bus == target.arn {
            self.events.outbound.push(Outbound { bus, event });
        } else {
            self.push(self.now, Due::Event(Box::new(Flight { bus, event, forwarded: true })));
        }
    }

    fn deliver(&mut self, event: &Value, rule: &str, target: &Target) {
        let body = target.input.clone().unwrap_or_else(|| event.to_string());
        let Err(reason) = self.hand_over(&target.arn, rule, &body) else {
            self.events.counts.delivered += 1;
            return;
        };
        let letters = target.dead_letters.as_deref();
        let dead_lettered = letters.is_some_and(|letters| self.hand_over(letters, rule, &body).is_ok());
        self.events.counts.undelivered += 1;
        self.events.undelivered.push(Undelivered {
            at: self.now,
            event: event["id"].as_str().unwrap_or_default().to_owned(),
            rule: rule.to_owned(),
            target: target.arn.clone(),
            reason,
            dead_lettered,
        });
    }

    fn hand_over(&mut self, queue: &str, rule: &str, body: &str) -> Result<(), &'static str> {
        let name = self.queue_by_arn(queue).map(|queue| queue.name.clone()).ok_or("NO_RESOURCE")?;
        if !self.admits_rule(&name, rule) {
            return Err("NO_PERMISSIONS");
        }
        self.send_message(&name, body, None).map(|_| ()).map_err(|_| "INVALID_PARAMETER")
    }
}
