//! The publisher with buses of every temper: it batches, waits, gives up and ends in bounded time, and whoever reports a
//! pass never waits for it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::reports::{Having, association, moment, no_free_address, pass};
use crate::domain::action::Outcome;
use crate::domain::error_class::ErrorClass;
use crate::events::outbox::{CAPACITY, Notifier, Outbox};
use crate::events::publisher::{GIVE_UP_AFTER, Publisher, TO_END};
use crate::reconcile::ports::{ApiError, Audience, Bus, BusEntry, Clock, Delivery, NotificationAudience};

fn error(class: ErrorClass) -> ApiError {
    ApiError {
        operation: "events:PutEvents",
        subject: "on `ops`".to_owned(),
        class,
        code: None,
        request_id: None,
        message: class.as_str().to_owned(),
        hint: None,
        source: None,
    }
}

type Answer = Result<Vec<Option<ApiError>>, ApiError>;

/// A bus that answers the n-th call, counted from 0, as a function says; nothing means never.
struct Tempered<F> {
    answer: F,
    calls: Mutex<Vec<Vec<BusEntry>>>,
}

#[async_trait]
impl<F: Fn(usize, usize) -> Option<Answer> + Send + Sync> Bus for Tempered<F> {
    async fn publish(&self, entries: &[BusEntry]) -> Answer {
        let number = {
            let mut calls = self.calls.lock().expect("nobody panics");
            calls.push(entries.to_vec());
            calls.len() - 1
        };
        match (self.answer)(number, entries.len()) {
            Some(answer) => answer,
            None => std::future::pending().await,
        }
    }
}

fn taken(count: usize) -> Option<Answer> {
    Some(Ok((0..count).map(|_| None).collect()))
}

#[derive(Default)]
struct Heard {
    counts: Mutex<BTreeMap<&'static str, u64>>,
    trouble: Mutex<Vec<Option<String>>>,
}

impl Heard {
    fn of(&self, delivery: Delivery) -> u64 {
        self.counts.lock().expect("nobody panics").get(delivery.as_str()).copied().unwrap_or(0)
    }

    /// Whether the bus was told to work, at each turn.
    fn turns(&self) -> Vec<bool> {
        self.trouble.lock().expect("nobody panics").iter().map(Option::is_none).collect()
    }
}

impl NotificationAudience for Heard {
    fn hear_notifications(&self, delivery: Delivery, count: u64) {
        *self.counts.lock().expect("nobody panics").entry(delivery.as_str()).or_default() += count;
    }

    fn hear_bus(&self, trouble: Option<&str>) {
        self.trouble.lock().expect("nobody panics").push(trouble.map(str::to_owned));
    }
}

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        moment()
    }
}

struct Bench<F> {
    bus: Arc<Tempered<F>>,
    heard: Arc<Heard>,
    outbox: Arc<Outbox>,
    notifier: Notifier,
    task: JoinHandle<()>,
}

impl<F: Fn(usize, usize) -> Option<Answer> + Send + Sync + 'static> Bench<F> {
    fn with(answer: F) -> Self {
        let bus = Arc::new(Tempered { answer, calls: Mutex::default() });
        let (outbox, heard) = (Arc::new(Outbox::new(7)), Arc::new(Heard::default()));
        let audience = heard.clone();
        let publisher = Publisher { bus: bus.clone(), outbox: outbox.clone(), audience, seed: 1 };
        let notifier = Notifier::new(outbox.clone(), Arc::new(Fixed));
        Self { bus, heard, outbox, notifier, task: tokio::spawn(publisher.run()) }
    }

    /// Tells of so many associations, each in a pass of its own.
    fn tell(&self, count: u32) {
        let target = pass(1).target;
        for n in 0..count {
            self.notifier.hear_action(&target, u64::from(n) + 1, &association(n, Outcome::Done));
        }
    }

    fn sizes(&self) -> Vec<usize> {
        self.bus.calls.lock().expect("nobody panics").iter().map(Vec::len).collect()
    }

    async fn end(self) -> (Duration, Arc<Heard>) {
        let begun = Instant::now();
        self.outbox.close();
        self.task.await.expect("the publisher does not panic");
        (begun.elapsed(), self.heard)
    }
}

#[tokio::test(start_paused = true)]
async fn what_waits_goes_in_batches_of_ten_in_order_and_with_ids() {
    let bench = Bench::with(|_, count| taken(count));
    bench.tell(25);
    sleep(Duration::from_millis(1)).await;
    assert_eq!(bench.sizes(), [10, 10, 5]);
    let ids: Vec<String> = {
        let calls = bench.bus.calls.lock().expect("nobody panics");
        let details = calls.iter().flatten().map(|entry| &entry.detail);
        let parsed = details.map(|detail| serde_json::from_str(detail).expect("it is JSON"));
        parsed.map(|detail: serde_json::Value| detail["notification_id"].to_string()).collect()
    };
    let expected: Vec<String> = (1..=25).map(|n| format!("\"0000000000000007-{n}\"")).collect();
    assert_eq!(ids, expected);
    let (took, heard) = bench.end().await;
    assert_eq!((took, heard.of(Delivery::Sent), heard.turns()), (Duration::ZERO, 25, vec![]));
}

#[tokio::test(start_paused = true)]
async fn a_bus_in_trouble_is_tried_again_and_told_of_once_for_each_turn() {
    let bench = Bench::with(|number, count| match number {
        0..4 => Some(Err(error(ErrorClass::Throttled))),
        4 => Some(Err(error(ErrorClass::Unavailable))),
        _ => taken(count),
    });
    bench.tell(3);
    sleep(Duration::from_secs(120)).await;
    assert_eq!(bench.sizes(), [3; 6]);
    let (_, heard) = bench.end().await;
    assert_eq!((heard.of(Delivery::Sent), heard.of(Delivery::Retried)), (3, 15));
    assert_eq!(heard.turns(), [false, false, true], "throttled, unavailable, well");
}

#[tokio::test(start_paused = true)]
async fn an_entry_that_is_refused_for_good_holds_up_no_other() {
    let bench = Bench::with(|number, count| match number {
        0 => Some(Ok(vec![None, Some(error(ErrorClass::Unexpected)), Some(error(ErrorClass::Unavailable))])),
        _ => taken(count),
    });
    bench.tell(3);
    sleep(Duration::from_secs(10)).await;
    assert_eq!(bench.sizes(), [3, 1]);
    let (_, heard) = bench.end().await;
    assert_eq!((heard.of(Delivery::Sent), heard.of(Delivery::Failed)), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_bus_that_is_denied_for_long_is_given_up_in_bounded_calls() {
    let bench = Bench::with(|_, _| Some(Err(error(ErrorClass::Denied))));
    bench.tell(10);
    sleep(GIVE_UP_AFTER + Duration::from_secs(130)).await;
    let calls = bench.sizes().len();
    assert!((5..=30).contains(&calls), "{calls}");
    let (_, heard) = bench.end().await;
    assert_eq!((heard.of(Delivery::Failed), heard.of(Delivery::Sent)), (10, 0));
    assert_eq!(heard.turns(), [false]);
}

#[tokio::test(start_paused = true)]
async fn a_bus_that_hangs_delays_nobody_and_the_oldest_make_room() {
    let bench = Bench::with(|_, _| None);
    bench.tell(1);
    sleep(Duration::from_secs(1)).await;
    let begun = Instant::now();
    bench.tell(u32::try_from(CAPACITY).expect("a small number") + 500);
    bench.notifier.hear(&pass(9000).uncovered(1..=10_000, &no_free_address()));
    assert_eq!(begun.elapsed(), Duration::ZERO);
    let (took, heard) = bench.end().await;
    assert_eq!(took, TO_END);
    assert_eq!(heard.of(Delivery::Dropped), u64::try_from(CAPACITY).expect("a small number") + 1);
}

#[tokio::test(start_paused = true)]
async fn what_made_room_is_counted() {
    let bench = Bench::with(|_, count| taken(count));
    bench.tell(u32::try_from(CAPACITY).expect("a small number") + 30);
    sleep(Duration::from_millis(1)).await;
    let (_, heard) = bench.end().await;
    assert_eq!((heard.of(Delivery::Sent), heard.of(Delivery::Dropped)), (1000, 30));
}

#[tokio::test(start_paused = true)]
async fn at_the_end_what_waits_is_sent_or_given_up_after_one_attempt() {
    for is_well in [true, false] {
        let bench = Bench::with(move |_, count| match is_well {
            true => taken(count),
            false => Some(Err(error(ErrorClass::Unavailable))),
        });
        bench.tell(15);
        let (took, heard) = bench.end().await;
        assert!(took <= TO_END, "{took:?}");
        let (sent, lost) =
            (heard.of(Delivery::Sent), heard.of(Delivery::Failed) + heard.of(Delivery::Dropped));
        assert_eq!((sent, lost), if is_well { (15, 0) } else { (0, 15) });
    }
}
