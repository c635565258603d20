//! Carrying out a plan: side by side, within the rate limit, each action after a second look at its interface and
//! confirmed by reading back. Makes no choices (the plan left none) and repeats nothing whose outcome is unknown.

mod disrupt;
mod sent;

use std::collections::BTreeMap;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use futures_util::stream::{self, StreamExt};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use self::sent::Sent;
use super::gate::{Gate, Refusal, Rules, Ruling, Source};
use super::inbox::Inbox;
use super::ports::{ApiError, Associated, Reads};
use crate::domain::action::{Action, ActionKind, Outcome};
use crate::domain::error_class::ErrorClass;
use crate::domain::ids::{AllocationId, NetworkInterfaceId};
use crate::domain::observed::Interface;
use crate::domain::report::ActionReport;

/// Enough to keep the rate limit busy while each action waits for its three or four answers.
const AT_ONCE: usize = 16;

/// Attempts at one action in one pass, throttled or failed ones included.
const ATTEMPTS: usize = 4;

/// EC2's reads catch up within seconds (AWS.md 2, confirmed); what takes longer the next pass will see.
const CONFIRMATIONS: usize = 6;

/// Several times what EC2's reads usually lag; a hanging EC2 must not hold the pass.
const CONFIRM_WITHIN: Duration = Duration::from_secs(15);

/// What was read longer ago than this is read again before a change.
const FRESH: Duration = Duration::from_secs(1);

/// What an action under way is given after the pass's time: a whole pass stays well under the two minutes after which
/// `/healthz` calls a loop stuck.
const TAIL: Duration = Duration::from_secs(20);

/// The same when the process ends or new orders came; shorter than what the driver waits for the pass.
const TAIL_WHEN_CANCELLED: Duration = Duration::from_secs(5);

/// What the actions of a pass are carried out with.
pub(super) struct Actor<'a> {
    pub(super) reads: &'a dyn Reads,
    pub(super) gate: &'a Gate,
    pub(super) rules: &'a Rules,
    /// No action is begun after this.
    pub(super) until: Instant,
    /// No action is begun once this is cancelled.
    pub(super) cancel: &'a CancellationToken,
    /// Told of each request as soon as it is answered: its echo may come before the action is confirmed.
    pub(super) inbox: &'a Inbox,
    /// Completes the report of each action as soon as it has ended.
    pub(super) finish: &'a (dyn Fn(ActionReport) -> ActionReport + Send + Sync),
    /// Interfaces that were read a moment ago, and when: while that is fresh it is the look before the change.
    pub(super) seen: Option<(&'a BTreeMap<NetworkInterfaceId, Interface>, Instant)>,
    /// For the jitter of waits, so that a run can be replayed.
    pub(super) seed: u64,
}

/// How an action ended.
enum End {
    Done(Associated),
    AlreadySo,
    Skipped(String),
    Failed(ApiError),
    /// AWS accepted it, and no read shows it yet.
    Unconfirmed(Associated),
    /// The pass ended while it was under way.
    CutShort,
    /// What it rests on is from too long ago.
    TooOld,
}

impl Actor<'_> {
    /// Carries out the actions, and reports each in its order.
    pub(super) async fn carry_out(&self, actions: &[Action]) -> Vec<ActionReport> {
        let mut reports: Vec<(u64, ActionReport)> = stream::iter((0u64..).zip(actions.to_vec()))
            .map(|(index, action)| async move {
                let report = self.carry_out_one(&action, self.seed.wrapping_add(index)).await;
                (index, (self.finish)(report))
            })
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        reports.sort_by_key(|(index, _)| *index);
        reports.into_iter().map(|(_, report)| report).collect()
    }

    async fn carry_out_one(&self, action: &Action, seed: u64) -> ActionReport {
        let mut report = planned(action);
        if !self.may_begin().await {
            report.outcome = Outcome::Skipped;
            report.detail = Some("left for the next pass".to_owned());
            return report;
        }
        let begun = Instant::now();
        let sent = Sent::default();
        let end = tokio::select! {
            biased;
            end = self.try_until_clear(action, seed, &sent) => end,
            () = self.time_is_up() => End::CutShort,
        };
        report.took = begun.elapsed();
        report.is_half_done = sent.has_removed();
        match end {
            End::Done(associated) => {
                report.outcome = Outcome::Done;
                report.request_id = associated.request_id;
                report.association_id = associated.association;
            }
            End::AlreadySo => {
                report.outcome = Outcome::Done;
                report.found_done = true;
                report.detail = Some("it was found done already".to_owned());
            }
            End::Skipped(why) => {
                report.outcome = Outcome::Skipped;
                report.detail = Some(why);
                report.class = Some(ErrorClass::Conflict);
            }
            End::Failed(error) => {
                report.outcome = Outcome::Failed;
                report.detail = Some(error.to_string());
                report.class = Some(error.class);
                report.request_id = error.request_id;
            }
            End::Unconfirmed(associated) => {
                report.outcome = Outcome::Failed;
                report.detail = Some("EC2 accepted it and does not show it yet".to_owned());
                report.class = Some(ErrorClass::OutcomeUnknown);
                report.request_id = associated.request_id;
                report.association_id = associated.association;
            }
            End::CutShort if !sent.is_anything() => {
                report.outcome = Outcome::Skipped;
                report.detail = Some("left for the next pass".to_owned());
            }
            End::TooOld if sent.doubtful().is_none() => {
                report.outcome = Outcome::Skipped;
                let why = "left for the next pass, which asks anew whether nothing uses the interface";
                report.detail = Some(why.to_owned());
            }
            End::CutShort | End::TooOld => {
                report.outcome = Outcome::Failed;
                report.detail =
                    Some("the pass ended while it was under way; the next observation decides".to_owned());
                report.class = Some(ErrorClass::OutcomeUnknown);
            }
        }
        report
    }

    /// Waits until what is under way may take no longer.
    async fn time_is_up(&self) {
        tokio::select! {
            () = tokio::time::sleep_until(self.until + TAIL) => {}
            () = async { self.cancel.cancelled().await; sleep(TAIL_WHEN_CANCELLED).await } => {}
        }
    }

    /// Waits for the rate limit; false when the pass ends first.
    async fn may_begin(&self) -> bool {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => false,
            () = tokio::time::sleep_until(self.until) => false,
            () = self.gate.ready() => true,
        }
    }

    async fn try_until_clear(&self, action: &Action, seed: u64, sent: &Sent) -> End {
        let mut waits = waits(seed, Duration::from_millis(200), ATTEMPTS - 1);
        let mut seen = self.seen_now(&action.network_interface_id);
        loop {
            let error = match self.try_once(action, seen.take(), sent).await {
                // It is so by an attempt of ours that AWS carried out and answered with an error.
                Ok(End::AlreadySo) => return sent.doubtful().map_or(End::AlreadySo, End::Done),
                Ok(end) => return end,
                Err(error) => error,
            };
            let Some(wait) = waits.next().filter(|_| error.class.is_transient()) else {
                return End::Failed(sent.weigh(error));
            };
            sleep(wait).await;
            if !self.may_begin().await {
                return End::Failed(sent.weigh(error));
            }
        }
    }

    /// The interface is read again before each attempt: a plan is as old as its observation, and whether
    /// AllowReassociation=false protects an address that an interface has got meanwhile is not certain (AWS.md 2).
    async fn try_once(&self, action: &Action, seen: Option<Interface>, sent: &Sent) -> Result<End, ApiError> {
        let interface = match seen {
            Some(interface) => Some(interface),
            None => self.reads.interface(&action.network_interface_id).await?,
        };
        let permit = match Gate::judge(self.rules, action, interface.as_ref()) {
            Ruling::Allowed(permit) => permit,
            Ruling::AlreadySo => return Ok(End::AlreadySo),
            Ruling::Refused(why) => return Ok(End::Skipped(why)),
        };
        match action.kind {
            ActionKind::Associate | ActionKind::Move => {}
            ActionKind::Replace => return self.replace(action, &permit, sent).await,
            ActionKind::Disassociate => return self.take_off(action, &permit, sent).await,
        }
        let mut source = Source::FREE;
        if let Some(from) = &action.from {
            let ids = [action.allocation_id.clone()].into();
            let (now, holder) = tokio::join!(self.reads.addresses(&ids), self.reads.interface(from));
            if let Some(error) = now.errors.into_iter().next() {
                return Err(error);
            }
            let (address, holder) = (now.found.first(), holder?);
            let ruling = Gate::judge_source(self.rules, &permit, address, holder.as_ref(), Instant::now());
            source = match ruling {
                Ok(source) => source,
                Err(Refusal::Refused(why)) => return Ok(End::Skipped(why)),
                Err(Refusal::TooOld) => return Ok(End::TooOld),
            };
        }
        sent.note_sent();
        let answer = self.gate.give(&permit, &source).await;
        sent.note_answer(&answer);
        self.note_own(action, &answer);
        Ok(self.confirmed(action, answer?).await)
    }

    async fn confirmed(&self, action: &Action, associated: Associated) -> End {
        if timeout(CONFIRM_WITHIN, self.is_confirmed(action)).await.unwrap_or(false) {
            End::Done(associated)
        } else {
            End::Unconfirmed(associated)
        }
    }

    fn note_own(&self, action: &Action, answer: &Result<Associated, ApiError>) {
        let request_id = match answer {
            Ok(associated) => &associated.request_id,
            Err(error) => &error.request_id,
        };
        if let Some(request_id) = request_id {
            self.inbox.note_own(request_id);
        }
        if let Some(bond) = answer.as_ref().ok().and_then(|associated| associated.association.clone()) {
            self.inbox.note_bond(bond, action.allocation_id.clone());
        }
    }

    fn note_removal(&self, answer: &Result<Option<String>, ApiError>) {
        let request_id = answer.as_ref().unwrap_or_else(|error| &error.request_id);
        if let Some(request_id) = request_id {
            self.inbox.note_own(request_id);
        }
    }

    fn seen_now(&self, id: &NetworkInterfaceId) -> Option<Interface> {
        let (interfaces, at) = self.seen?;
        (at.elapsed() < FRESH).then(|| interfaces.get(id).cloned()).flatten()
    }

    async fn is_confirmed(&self, action: &Action) -> bool {
        let mut waits = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(100))
            .with_max_delay(Duration::from_secs(3))
            .with_max_times(CONFIRMATIONS - 1)
            .build();
        loop {
            if self.shows(action).await {
                return true;
            }
            match waits.next() {
                Some(wait) => sleep(wait).await,
                None => return false,
            }
        }
    }

    /// Asks the interface's side: only the view that the next second look will use as well.
    async fn shows(&self, action: &Action) -> bool {
        let interface = self.reads.interface(&action.network_interface_id).await;
        let Ok(interface) = interface else { return false };
        // An interface that is gone carries nothing.
        let carries = |allocation: &AllocationId| {
            let mut shown = interface.iter().flat_map(|interface| &interface.associations);
            shown.any(|shown| shown.allocation.as_ref() == Some(allocation))
        };
        action.gives().is_none_or(carries) && !action.takes_off().is_some_and(carries)
    }
}

/// The report of an action that nobody tried.
pub(super) fn planned(action: &Action) -> ActionReport {
    ActionReport {
        action: action.clone(),
        outcome: Outcome::Planned,
        detail: None,
        class: None,
        request_id: None,
        took: Duration::ZERO,
        repaired_after: None,
        found_done: false,
        is_half_done: false,
        association_id: None,
        origin: None,
    }
}

fn waits(seed: u64, first: Duration, times: usize) -> impl Iterator<Item = Duration> {
    ExponentialBuilder::default()
        .with_min_delay(first)
        .with_max_delay(Duration::from_secs(5))
        .with_max_times(times)
        .with_jitter()
        .with_jitter_seed(seed)
        .build()
}

/// Whether AWS may have carried it out, though no read confirmed it.
pub(super) fn may_have_happened(report: &ActionReport) -> bool {
    report.outcome == Outcome::Done || report.class == Some(ErrorClass::OutcomeUnknown)
}
