//! From passes to the publisher: an audience that works out what has changed and puts it into a bounded box. Never waits,
//! whatever becomes of the bus: when the box is full, the oldest notification makes room and is counted.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::detector::Detector;
use super::notification::{Change, Notification};
use crate::domain::ids::TargetName;
use crate::domain::report::{ActionReport, Report};
use crate::reconcile::ports::{Audience, BusEntry, Clock};

/// So many notifications wait at most: a pass makes some dozens of them even when everything goes, so this is the news
/// of many passes, and about a megabyte.
pub const CAPACITY: usize = 1000;

/// A notification that waits.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    pub(super) entry: BusEntry,
    pub(super) since: Instant,
}

/// What waits for a publisher.
pub struct Outbox {
    inner: Mutex<Inner>,
    arrived: Notify,
    closed: CancellationToken,
    /// Tells the notifications of this process from those of others.
    origin: u64,
}

#[derive(Default)]
struct Inner {
    waiting: VecDeque<Waiting>,
    numbered: u64,
    /// How many made room since this was last asked.
    lost: u64,
}

impl Outbox {
    /// An empty one; `origin` is the first part of every notification's id, and should be random.
    #[must_use]
    pub fn new(origin: u64) -> Self {
        Self { inner: Mutex::default(), arrived: Notify::new(), closed: CancellationToken::new(), origin }
    }

    /// Adds a notification.
    pub fn put(&self, notification: &Notification) {
        let mut inner = self.lock();
        inner.numbered += 1;
        let entry = notification.entry(&format!("{:016x}-{}", self.origin, inner.numbered));
        if inner.waiting.len() == CAPACITY {
            inner.waiting.pop_front();
            inner.lost += 1;
        }
        inner.waiting.push_back(Waiting { entry, since: Instant::now() });
        drop(inner);
        self.arrived.notify_one();
    }

    /// Nothing more is to come: the publisher sends what waits, if that is quick, and ends.
    pub fn close(&self) {
        self.closed.cancel();
    }

    pub(super) async fn closed(&self) {
        self.closed.cancelled().await;
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.is_cancelled()
    }

    /// The oldest that fit into one call, at least one; nothing when it is closed and empty.
    pub(super) async fn next_batch(&self, entries_max: usize, bytes_max: usize) -> Option<Vec<Waiting>> {
        loop {
            let batch = self.lock().take(entries_max, bytes_max);
            if !batch.is_empty() {
                return Some(batch);
            }
            tokio::select! {
                biased;
                () = self.arrived.notified() => {}
                () = self.closed.cancelled() => return None,
            }
        }
    }

    /// How many made room for others since this was last asked.
    pub(super) fn take_lost(&self) -> u64 {
        std::mem::take(&mut self.lock().lost)
    }

    /// Empties it, and tells how many were in it.
    pub(super) fn clear(&self) -> usize {
        std::mem::take(&mut self.lock().waiting).len()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("a panic ends the process")
    }
}

impl Inner {
    fn take(&mut self, entries_max: usize, bytes_max: usize) -> Vec<Waiting> {
        let mut batch: Vec<Waiting> = Vec::new();
        let mut bytes = 0;
        while let Some(next) = self.waiting.front() {
            bytes += next.entry.size();
            if batch.len() == entries_max || (!batch.is_empty() && bytes > bytes_max) {
                break;
            }
            batch.extend(self.waiting.pop_front());
        }
        batch
    }
}

/// Hears of passes, and fills an outbox.
pub struct Notifier {
    detector: Mutex<Detector>,
    outbox: Arc<Outbox>,
    clock: Arc<dyn Clock>,
}

impl Notifier {
    /// Nothing has been told yet.
    #[must_use]
    pub fn new(outbox: Arc<Outbox>, clock: Arc<dyn Clock>) -> Self {
        Self { detector: Mutex::default(), outbox, clock }
    }

    /// Hears the end of a pass whose actions alone are told, and not how things stand after them.
    pub fn hear_actions_end(&self, report: &Report) {
        for change in self.detector().actions_left(&report.target) {
            self.put(self.clock.now(), &report.target, report.pass, change);
        }
    }

    /// Forgets what was told of a target.
    pub fn forget(&self, target: &TargetName) {
        self.detector().forget(target);
    }

    fn put(&self, at: Timestamp, target: &TargetName, pass: u64, change: Change) {
        self.outbox.put(&Notification { at, target: target.clone(), pass, change });
    }

    fn detector(&self) -> MutexGuard<'_, Detector> {
        self.detector.lock().expect("a panic ends the process")
    }
}

impl Audience for Notifier {
    fn hear_action(&self, target: &TargetName, pass: u64, action: &ActionReport) {
        if let Some(change) = self.detector().action(target, pass, action) {
            self.put(self.clock.now(), target, pass, change);
        }
    }

    fn hear(&self, report: &Report) {
        let ended_at = report.started_at.checked_add(report.took).unwrap_or(report.started_at);
        for change in self.detector().report(report) {
            self.put(ended_at, &report.target, report.pass, change);
        }
    }

    fn expect_next(&self, _: &Report, _: Duration) {}
}
