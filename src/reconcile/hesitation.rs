//! How long to wait before an action that failed is tried again: long where only an operator can help (permissions,
//! quotas), short where the world has to settle; longer each time. A cache, safe to lose.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::domain::action::{Action, ActionReason};
use crate::domain::error_class::ErrorClass;
use crate::domain::ids::{AllocationId, NetworkInterfaceId};
use crate::domain::report::ActionReport;

/// Granted permissions take effect within a minute or so.
const SLOW: Duration = Duration::from_secs(60);

/// EC2's reads catch up within seconds (AWS.md 2, confirmed).
const QUICK: Duration = Duration::from_secs(5);

/// What AWS has accepted is not asked for again while reads may only lag: a repetition may remap the address, which breaks
/// connections and can be charged (AWS.md 2, confirmed).
const ACCEPTED: Duration = Duration::from_secs(30);

/// Nobody should wait longer than this after having mended the cause.
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// What failed, and when it may be tried again.
#[derive(Default)]
pub(super) struct Hesitations {
    failed: BTreeMap<(NetworkInterfaceId, AllocationId), Hesitation>,
}

struct Hesitation {
    times: u32,
    until: Instant,
    class: ErrorClass,
    why: String,
    /// What the action was for.
    reason: ActionReason,
}

impl Hesitations {
    /// Notes a failure of this class.
    pub(super) fn note_failure(&mut self, report: &ActionReport, class: ErrorClass, now: Instant) {
        let action = &report.action;
        let times = self.failed.get(&key(action)).map_or(0, |hesitation| hesitation.times);
        let first = match class {
            ErrorClass::Denied | ErrorClass::Quota => SLOW,
            _ if report.was_accepted() => ACCEPTED,
            _ => QUICK,
        };
        let why = report.detail.clone().unwrap_or_default();
        let until = now + first.saturating_mul(1 << times.min(8)).min(LONGEST);
        let hesitation = Hesitation { times: times + 1, until, class, why, reason: action.reason };
        self.failed.insert(key(action), hesitation);
    }

    /// Notes a success.
    pub(super) fn note_success(&mut self, action: &Action) {
        self.failed.remove(&key(action));
    }

    /// Why the action is not to be tried now, if so.
    pub(super) fn against(&self, action: &Action, now: Instant) -> Option<(ErrorClass, String)> {
        let hesitation = self.failed.get(&key(action)).filter(|hesitation| hesitation.until > now)?;
        // EC2 may refuse an address while an interface is pending (AWS.md 2, believed): once it serves, that is over.
        let has_changed = hesitation.reason == ActionReason::Upcoming && action.reason != hesitation.reason;
        if has_changed && hesitation.class == ErrorClass::Conflict {
            return None;
        }
        let wait = hesitation.until.duration_since(now).as_secs() + 1;
        Some((hesitation.class, format!("{}; tried again in {wait} s", hesitation.why)))
    }

    /// When the first of them ends.
    pub(super) fn next(&self, now: Instant) -> Option<Duration> {
        let ends = self.failed.values().map(|hesitation| hesitation.until).filter(|until| *until > now);
        ends.min().map(|until| until.duration_since(now))
    }

    /// Forgets what is no longer planned.
    pub(super) fn keep_only<'a>(&mut self, planned: impl Iterator<Item = &'a Action>) {
        let planned: std::collections::BTreeSet<_> = planned.map(key).collect();
        self.failed.retain(|pair, _| planned.contains(pair));
    }
}

fn key(action: &Action) -> (NetworkInterfaceId, AllocationId) {
    (action.network_interface_id.clone(), action.allocation_id.clone())
}
