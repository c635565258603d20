//! Takes messages off the queue and hands what they say, as hints, to the targets that they concern. Deletes a message
//! only when its hint was taken in: what a crash loses is found by the pass that begins every run. Decides nothing, keeps
//! no fact, and no failure of the queue stops anything but itself.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use jiff::{SignedDuration, Timestamp};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::event::{Event, News};
use super::note::note;
use super::parse;
use crate::domain::function::Pair;
use crate::domain::hint::{Hint, Origin};
use crate::domain::ids::TargetName;
use crate::reconcile::ports::{Clock, EventAudience, Inbox, Message, Offered, Queue};

/// A bond that nobody knows may have been one of ours: then everything is looked at, but not more often than this.
const UNEXPLAINED_EVERY: Duration = Duration::from_secs(30);

/// Where it is not known whether the queue puts aside what comes too often, this is too often.
const RECEIVES_MAX: u32 = 5;

/// So many malformed messages are remembered, each being logged once.
const MALFORMED_KEPT: usize = 256;

/// No event is believed to be older than this: EventBridge gives up after a day (AWS.md 3, confirmed).
const OLDEST: SignedDuration = SignedDuration::from_hours(24);

/// A target that events may concern.
#[derive(Clone)]
pub struct Route {
    /// Its name.
    pub target: TargetName,
    /// Its region.
    pub region: String,
    /// Where its hints go.
    pub inbox: Arc<Inbox>,
}

/// The targets, which a reload may change.
pub type Routes = Arc<Mutex<Vec<Route>>>;

/// Reads one queue.
pub struct Consumer {
    /// The queue.
    pub queue: Arc<dyn Queue>,
    /// The targets.
    pub routes: Routes,
    /// Told of each message.
    pub audience: Arc<dyn EventAudience>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Ends the consumer.
    pub cancel: CancellationToken,
    /// For the jitter of waits.
    pub seed: u64,
}

/// What is remembered between messages.
#[derive(Default)]
struct Memory {
    /// Nothing while it could not be asked.
    puts_aside: Option<bool>,
    malformed: VecDeque<String>,
    unexplained: Option<Instant>,
}

/// What became of a message.
struct Dealt {
    kind: &'static str,
    outcome: &'static str,
    lag: Option<Duration>,
    is_done: bool,
}

impl Dealt {
    fn with(kind: &'static str, outcome: &'static str) -> Self {
        Self { kind, outcome, lag: None, is_done: true }
    }
}

impl Consumer {
    /// Runs until cancelled.
    pub async fn run(self) {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => {}
            () = self.receive_for_ever() => {}
        }
    }

    async fn receive_for_ever(&self) {
        let mut memory = Memory::default();
        let mut waits = self.waits();
        loop {
            if memory.puts_aside.is_none() {
                memory.puts_aside = self.queue.puts_aside().await.ok();
            }
            let messages = match self.queue.receive().await {
                Ok(messages) => messages,
                Err(error) => {
                    self.audience.hear_queue(Some(&error.to_string()));
                    sleep(waits.next().unwrap_or(LONGEST_WAIT)).await;
                    continue;
                }
            };
            self.audience.hear_queue(None);
            waits = self.waits();
            let mut done = Vec::new();
            for message in messages {
                let dealt = self.deal_with(&message, &mut memory);
                self.audience.hear_event(dealt.kind, dealt.outcome, dealt.lag);
                if dealt.is_done {
                    done.push(message);
                }
            }
            if !done.is_empty()
                && let Err(error) = self.queue.delete(&done).await
            {
                tracing::debug!(%error, "messages will come again");
            }
        }
    }

    fn waits(&self) -> impl Iterator<Item = Duration> + use<> {
        ExponentialBuilder::default()
            .with_min_delay(Duration::from_secs(1))
            .with_max_delay(LONGEST_WAIT)
            .without_max_times()
            .with_jitter()
            .with_jitter_seed(self.seed)
            .build()
    }

    fn deal_with(&self, message: &Message, memory: &mut Memory) -> Dealt {
        let event = match parse::event(&message.body) {
            Ok(event) => event,
            Err(malformed) => {
                memory.tell_malformed(message, &malformed);
                let is_left = memory.puts_aside.unwrap_or(message.receives < RECEIVES_MAX);
                return Dealt { is_done: !is_left, ..Dealt::with("malformed", "malformed") };
            }
        };
        let kind = event.kind.as_str();
        if event.refused.is_some() {
            return Dealt::with(kind, "refused");
        }
        let routes = self.routes.lock().expect("a panic ends the process").clone();
        let here = routes.iter().filter(|route| {
            let account = route.inbox.account();
            route.region == event.region && account.is_none_or(|account| account == event.account)
        });
        let mut dealt = Dealt::with(kind, "elsewhere");
        for Route { target, inbox, .. } in here {
            let now = self.clock.now();
            let origin = Origin { at: event.at.clamp(oldest(now), now), actor: event.actor.to_string() };
            if event.request_id.as_deref().is_some_and(|id| inbox.is_own(id)) {
                self.audience.hear_note(note(&event, target, inbox, &origin, "echo"));
                return Dealt::with(kind, "echo");
            }
            let is_news = offer(&event, inbox, &origin, memory);
            if is_news {
                self.audience.hear_note(note(&event, target, inbox, &origin, "accepted"));
                let lag = Duration::try_from(now.duration_since(origin.at)).unwrap_or_default();
                dealt = Dealt { lag: Some(lag), ..Dealt::with(kind, "accepted") };
            } else if dealt.lag.is_none() {
                dealt = Dealt::with(kind, "irrelevant");
            }
        }
        dealt
    }
}

/// Nobody should wait longer than this after the queue is back.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

fn oldest(now: Timestamp) -> Timestamp {
    now.checked_sub(OLDEST).unwrap_or(Timestamp::UNIX_EPOCH)
}

impl Memory {
    fn tell_malformed(&mut self, message: &Message, malformed: &parse::Malformed) {
        if self.malformed.contains(&message.id) {
            return;
        }
        tracing::warn!(message_id = message.id.as_str(), error = %malformed, "a message is not an event");
        if self.malformed.len() == MALFORMED_KEPT {
            self.malformed.pop_front();
        }
        self.malformed.push_back(message.id.clone());
    }
}

/// Whether a pass will look at what the event tells of.
fn offer(event: &Event, inbox: &Inbox, origin: &Origin, memory: &mut Memory) -> bool {
    let accepts = |hint| inbox.offer(hint, origin.clone()) == Offered::Accepted;
    match &event.news {
        News::InterfaceCreated { interface: Some(id), subnet, security_groups } => {
            match (subnet, security_groups) {
                (Some(subnet), Some(groups)) => {
                    let pair = Pair { subnet: subnet.clone(), security_groups: groups.clone() };
                    accepts(Hint::Interface(id.clone(), Some(pair)))
                }
                // Which pair it is only EC2 can tell.
                (Some(subnet), None) if inbox.uses_subnet(subnet) => {
                    inbox.offer_anyway(Hint::Interface(id.clone(), None), origin.clone());
                    true
                }
                _ => accepts(Hint::Interface(id.clone(), None)),
            }
        }
        News::InterfaceDeleted { interface: Some(id) } | News::InterfaceChanged { interface: Some(id) } => {
            accepts(Hint::Interface(id.clone(), None))
        }
        News::AddressAssociated { allocation, interface, public_ip, .. } => {
            let allocation = allocation.clone().or_else(|| public_ip.and_then(|ip| inbox.address_with(ip)));
            let by_address = allocation.is_some_and(|id| accepts(Hint::Address(id)));
            let by_interface = interface.clone().is_some_and(|id| accepts(Hint::Interface(id, None)));
            by_address || by_interface
        }
        News::AddressDisassociated { association, public_ip } => {
            let by_bond = association.as_ref().and_then(|bond| inbox.address_of(bond));
            match by_bond.or_else(|| public_ip.and_then(|ip| inbox.address_with(ip))) {
                Some(allocation) => accepts(Hint::Address(allocation)),
                None if association.is_some() => memory.look_at_all(inbox),
                None => false,
            }
        }
        News::AddressReleased { allocation, public_ip }
        | News::AddressAllocated { allocation, public_ip } => {
            let allocation = allocation.clone().or_else(|| public_ip.and_then(|ip| inbox.address_with(ip)));
            allocation.is_some_and(|id| accepts(Hint::Address(id)))
        }
        News::FunctionChanged { function: Some(function) } => accepts(Hint::Function(function.name().into())),
        News::InterfaceCreated { .. }
        | News::InterfaceDeleted { .. }
        | News::InterfaceChanged { .. }
        | News::FunctionChanged { .. }
        | News::Marker { .. }
        | News::Nothing => false,
    }
}

impl Memory {
    /// The bond may be one that another replica made since our last look.
    fn look_at_all(&mut self, inbox: &Inbox) -> bool {
        let now = Instant::now();
        let is_due = self.unexplained.is_none_or(|last| now >= last + UNEXPLAINED_EVERY);
        if is_due {
            self.unexplained = Some(now);
            inbox.offer_all();
        }
        is_due
    }
}
