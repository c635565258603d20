//! Takes messages off the queue and hands what they say, as hints, to the targets that they concern. Deletes a message
//! only when its hint was taken in: what a crash loses is found by the pass that begins every run. Decides nothing, keeps
//! no fact, and no failure of the queue stops anything but itself.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use jiff::{SignedDuration, Timestamp};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::event::Event;
use super::hints::offer;
use super::note::note;
use super::parse;
use crate::domain::hint::Origin;
use crate::domain::ids::TargetName;
use crate::reconcile::ports::{Clock, EventAudience, Inbox, Message, Queue, QueueTroubles};

/// Where it is not known whether the queue puts aside what comes too often, this is too often: more than most queues allow
/// before they do, and at a message's half a minute out of sight not more than half an hour of repetitions.
const RECEIVES_MAX: u32 = 50;

/// So many malformed messages are remembered, each being logged once.
const MALFORMED_KEPT: usize = 256;

/// So many messages are remembered that were dealt with: one that can't be deleted comes again, and tells nothing new.
const DEALT_KEPT: usize = 4096;

/// The queue is asked this often whether it has a dead-letter queue.
const ASKED_EVERY: Duration = Duration::from_secs(60 * 60);

/// It is asked again after this when it did not answer.
const ASKED_AGAIN: Duration = Duration::from_secs(5 * 60);

/// An empty queue is to answer after its long wait. What answers sooner than this (a stand-in for SQS that does not wait)
/// is not asked again for as long.
const HASTE: Duration = Duration::from_secs(1);

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
struct Memory {
    /// What the queue answered last; nothing before it did.
    puts_aside: Option<bool>,
    malformed: Recent,
    dealt: Recent,
    troubles: QueueTroubles,
    is_told: bool,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            puts_aside: None,
            malformed: Recent::of(MALFORMED_KEPT),
            dealt: Recent::of(DEALT_KEPT),
            troubles: QueueTroubles::default(),
            is_told: false,
        }
    }
}

/// The ids of the latest messages, so many at most.
struct Recent {
    most: usize,
    in_order: VecDeque<String>,
    all: HashSet<String>,
    /// There were more.
    has_forgotten: bool,
}

impl Recent {
    fn of(most: usize) -> Self {
        Self { most, in_order: VecDeque::new(), all: HashSet::new(), has_forgotten: false }
    }

    /// Whether it is new.
    fn add(&mut self, id: &str) -> bool {
        let is_new = self.all.insert(id.to_owned());
        if is_new {
            self.in_order.push_back(id.to_owned());
            if self.in_order.len() > self.most
                && let Some(oldest) = self.in_order.pop_front()
            {
                self.all.remove(&oldest);
                self.has_forgotten = true;
            }
        }
        is_new
    }
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
    /// Runs until cancelled, and tells at its end that no queue is read any more.
    pub async fn run(self) {
        let memory = Mutex::default();
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => {}
            () = self.ask_for_ever(&memory) => {}
            () = self.receive_for_ever(&memory) => {}
        }
        self.audience.hear_queue(None);
    }

    async fn receive_for_ever(&self, memory: &Mutex<Memory>) {
        let mut waits = self.waits();
        loop {
            let asked_at = Instant::now();
            let received = self.queue.receive().await;
            let trouble = received.as_ref().err().map(ToString::to_string);
            self.tell(memory, |troubles| troubles.receive = trouble);
            let Ok(messages) = received else {
                sleep(waits.next().unwrap_or(LONGEST_WAIT)).await;
                continue;
            };
            waits = self.waits();
            if messages.is_empty() && asked_at.elapsed() < HASTE {
                sleep(HASTE).await;
            }
            let done: Vec<Message> =
                messages.into_iter().filter(|message| self.is_done_with(message, memory)).collect();
            if done.is_empty() {
                continue;
            }
            let trouble = self.queue.delete(&done).await.err().map(|error| error.to_string());
            self.tell(memory, |troubles| troubles.delete = trouble);
        }
    }

    /// Asks beside the receiving, which waits for nothing.
    async fn ask_for_ever(&self, memory: &Mutex<Memory>) {
        loop {
            let answer = self.queue.puts_aside().await;
            let trouble = answer.as_ref().err().map(ToString::to_string);
            let wait = if trouble.is_none() { ASKED_EVERY } else { ASKED_AGAIN };
            if let Ok(puts_aside) = answer {
                lock(memory).puts_aside = Some(puts_aside);
            }
            self.tell(memory, |troubles| troubles.attributes = trouble);
            sleep(wait).await;
        }
    }

    /// Tells how the queue stands, where that is news.
    fn tell(&self, memory: &Mutex<Memory>, change: impl FnOnce(&mut QueueTroubles)) {
        let mut memory = lock(memory);
        let before = memory.troubles.clone();
        change(&mut memory.troubles);
        if !memory.is_told || memory.troubles != before {
            memory.is_told = true;
            self.audience.hear_queue(Some(&memory.troubles));
        }
    }

    /// Deals with a message; whether it is to be deleted.
    fn is_done_with(&self, message: &Message, memory: &Mutex<Memory>) -> bool {
        let memory = &mut *lock(memory);
        let dealt = self.deal_with(message, memory);
        self.audience.hear_event(dealt.kind, dealt.outcome, dealt.lag);
        dealt.is_done
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
                // Of more than are remembered the queue tells which come for the first time.
                let is_new = memory.malformed.add(&message.id);
                if is_new && (message.receives <= 1 || !memory.malformed.has_forgotten) {
                    let message_id = message.id.as_str();
                    tracing::warn!(message_id, error = %malformed, "a message is not an event");
                }
                let is_left = memory.puts_aside.unwrap_or(message.receives < RECEIVES_MAX);
                return Dealt { is_done: !is_left, ..Dealt::with("malformed", "malformed") };
            }
        };
        let kind = event.kind.as_str();
        if event.refused.is_some() {
            return Dealt::with(kind, "refused");
        }
        if !memory.dealt.add(&message.id) {
            return Dealt::with(kind, "redelivered");
        }
        self.hand_on(&event)
    }

    fn hand_on(&self, event: &Event) -> Dealt {
        let kind = event.kind.as_str();
        let routes = self.routes.lock().expect("a panic ends the process").clone();
        let here = routes.iter().filter(|route| {
            let account = route.inbox.account();
            route.region == event.region && account.is_none_or(|account| account == event.account)
        });
        let here: Vec<&Route> = here.collect();
        let now = self.clock.now();
        let origin = Origin { at: event.at.clamp(oldest(now), now), actor: event.actor.to_string() };
        // Whichever target of the place made the call: to the others it is ours as well.
        let is_own = |route: &&&Route| event.request_id.as_deref().is_some_and(|id| route.inbox.is_own(id));
        if let Some(Route { target, inbox, .. }) = here.iter().find(is_own) {
            self.audience.hear_note(note(event, target, inbox, &origin, "echo"));
            return Dealt::with(kind, "echo");
        }
        let mut dealt = Dealt::with(kind, "elsewhere");
        for Route { target, inbox, .. } in here {
            if offer(event, inbox, &origin) {
                self.audience.hear_note(note(event, target, inbox, &origin, "accepted"));
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

fn lock(memory: &Mutex<Memory>) -> MutexGuard<'_, Memory> {
    memory.lock().expect("a panic ends the process")
}

#[cfg(test)]
mod tests;
