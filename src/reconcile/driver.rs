//! When passes are made over one target: the first at once, then by the poll interval, sooner when work is left or
//! the orders change, one at a time. Decides only the time of a pass, never what it does.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::Clock as _;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::inbox::{Errand, Inbox, Lane};
use super::pass::{Limits, Orders, Passed, Reconciler, declare_named};
use super::ports::TokioClock;
use super::schedule::{Ended, wait};
use crate::domain::report::{PassResult, Report, Trigger};

/// Under the two minutes after which `/healthz` calls a loop stuck, with room for the calls in flight.
const PASS_WITHIN: Duration = Duration::from_secs(60);

/// How many functions a pass reads one by one; when more need it, one sweep over ListFunctions tells their network
/// settings at once and their states follow at this many a pass. At half of Lambda's 15 requests a second this is
/// under 7 s of a pass.
const READS_PER_PASS: usize = 50;

/// What a pass in flight is given to come to its end when the process ends, which must be within 10 s.
const LAST_CALLS: Duration = Duration::from_secs(7);

/// While nothing can be seen, an event makes another attempt no sooner than this after the last: AWS may be back long before
/// the backoff ends, and a flood of events must not ask an AWS that is down all the time.
const NEWS_HEEDED_AFTER: Duration = Duration::from_secs(30);

/// How many errands may follow each other at once.
const ERRANDS_AT_ONCE: NonZeroU32 = NonZeroU32::new(5).expect("above zero");

type Pace = RateLimiter<NotKeyed, InMemoryState, TokioClock, NoOpMiddleware<Duration>>;

/// Orders with their rhythm.
#[derive(Clone, PartialEq, Debug)]
pub struct Watch {
    /// What every pass is to establish.
    pub orders: Orders,
    /// A pass is made at least this often.
    pub poll_interval: Duration,
}

/// Drives the passes over one target until it is cancelled.
pub struct Driver {
    /// Makes the passes.
    pub reconciler: Reconciler,
    /// What is wanted; a change triggers a pass.
    pub watch: watch::Receiver<Watch>,
    /// Ends the driver.
    pub cancel: CancellationToken,
    /// For the jitter of the rhythm.
    pub random: fastrand::Rng,
}

/// What a pass is made for.
enum Cause {
    All(Trigger),
    Errand(Errand),
}

/// When something is to be done next.
struct Agenda {
    /// The next look at everything.
    next: Instant,
    /// Whether that goes on with what was left.
    goes_on: bool,
    /// While nothing can be seen: from when on an event is heeded. Until something is seen again only everything is looked
    /// at, so that neither hints nor functions that are watched ask in place of the backoff.
    blind_until_news_from: Option<Instant>,
}

impl Driver {
    /// Runs until cancelled; a pass in flight is given some seconds to end in order. Hands the reconciler back, whose memory
    /// another may go on with.
    pub async fn run(mut self) -> Reconciler {
        let audience = self.reconciler.audience();
        let paces = Paces::default();
        let mut cause = Cause::All(Trigger::Start);
        let mut blind_in_a_row = 0;
        let mut next = Instant::now();
        loop {
            let begun = Instant::now();
            let watch = self.watch.borrow_and_update().clone();
            let (target, pass) = self.reconciler.next_pass();
            let span = tracing::info_span!("pass", %target, pass);
            let Some(passed) = self.pass(&watch, cause).instrument(span).await else {
                if self.cancel.is_cancelled() {
                    return self.reconciler;
                }
                cause = Cause::All(Trigger::Reload);
                continue;
            };
            blind_in_a_row = if is_blind(&passed.report) { blind_in_a_row + 1 } else { 0 };
            let ended = match blind_in_a_row {
                0 => Ended::Saw { go_on_after: passed.go_on_after, took: begun.elapsed() },
                in_a_row => Ended::Blind { in_a_row },
            };
            let after = begun + wait(ended, watch.poll_interval, self.random.f64());
            // A look at a corner does not put off the next look at everything.
            next = if passed.report.is_whole { after } else { after.min(next) };
            audience.hear(&passed.report);
            audience.expect_next(&passed.report, next.saturating_duration_since(Instant::now()));
            let is_blind = blind_in_a_row > 0;
            let agenda = Agenda {
                next,
                goes_on: passed.go_on_after.is_some() && !is_blind,
                blind_until_news_from: is_blind.then(|| Instant::now() + NEWS_HEEDED_AFTER),
            };
            let Some(next_cause) = self.next_cause(&agenda, &paces).await else { return self.reconciler };
            cause = next_cause;
        }
    }

    /// One pass; nothing when it was given up before it decided anything. New orders end it early, so that nothing more
    /// is done by the old ones, and make another at once.
    async fn pass(&mut self, watch: &Watch, cause: Cause) -> Option<Passed> {
        let Self { reconciler, watch: newer, cancel, .. } = self;
        let limits =
            Limits { within: PASS_WITHIN, cancel: cancel.child_token(), function_reads: READS_PER_PASS };
        let inbox = reconciler.inbox();
        let pass = async {
            match cause {
                Cause::All(trigger) => reconciler.pass(&watch.orders, trigger, &limits).await,
                Cause::Errand(errand) => reconciler.run_errand(&watch.orders, errand, &limits).await,
            }
        };
        tokio::pin!(pass);
        tokio::select! {
            biased;
            passed = &mut pass => return passed,
            () = cancel.cancelled() => {}
            Ok(()) = newer.changed() => {
                newer.mark_changed();
                // What comes while the pass ends may be about what is declared only now.
                declare_named(&inbox, &newer.borrow().orders);
                limits.cancel.cancel();
            }
        }
        let ended = timeout(LAST_CALLS, pass).await;
        if ended.is_err() {
            tracing::warn!(
                "a pass was abandoned with calls in flight; the next one will see what became of them"
            );
        }
        ended.ok().flatten()
    }

    /// Waits for what comes first; nothing when the process ends.
    async fn next_cause(&mut self, agenda: &Agenda, paces: &Paces) -> Option<Cause> {
        let inbox = self.reconciler.inbox();
        let errand = async {
            if let Some(heeded_from) = agenda.blind_until_news_from {
                sleep_until(heeded_from).await;
                inbox.news().await;
                return Cause::All(Trigger::Event);
            }
            tokio::select! {
                biased;
                errand = next_errand(&inbox, Lane::Corners, &paces.corners) => Cause::Errand(errand),
                errand = next_errand(&inbox, Lane::Functions, &paces.functions) => Cause::Errand(errand),
            }
        };
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => None,
            Ok(()) = self.watch.changed() => Some(Cause::All(Trigger::Reload)),
            // Before the errands, so that a flood of events never keeps a look at everything from being made.
            () = sleep_until(agenda.next) => {
                Some(Cause::All(if agenda.goes_on { Trigger::Continue } else { Trigger::Poll }))
            }
            cause = errand => Some(cause),
        }
    }
}

/// How fast errands may follow each other. Functions have a pace of their own: however many are watched, what an event
/// tells of an interface or an address is looked at as soon as the look under way has ended.
struct Paces {
    corners: Pace,
    functions: Pace,
}

impl Default for Paces {
    fn default() -> Self {
        let pace = || RateLimiter::direct_with_clock(errand_quota(), TokioClock::start());
        Self { corners: pace(), functions: pace() }
    }
}

async fn next_errand(inbox: &Inbox, lane: Lane, pace: &Pace) -> Errand {
    loop {
        inbox.ready(lane).await;
        while let Err(early) = pace.check() {
            sleep(early.wait_time_from(pace.clock().now())).await;
        }
        if let Some(errand) = inbox.take(lane) {
            return errand;
        }
    }
}

/// The first events of a burst act at once; the rest of it is gathered into one look a second.
fn errand_quota() -> Quota {
    Quota::per_second(NonZeroU32::MIN).allow_burst(ERRANDS_AT_ONCE)
}

fn is_blind(report: &Report) -> bool {
    report.result == PassResult::Failed
}
