//! The bounds of the table, each from the parts that the daemon promises. Pure.

use std::time::Duration;

use eipd_sim::Beliefs;
use eipd_sim::beliefs::{FirstStatus, MidUpdateView, PendingInterface};

use crate::rig::POLL;

/// What a call takes at most.
pub const CALL: Duration = Duration::from_millis(150);

/// The daemon's own share of the time from an event to the change.
const OWN: Duration = Duration::from_millis(100);

/// The longest wait between two looks at a function that is changing, or at an interface that refuses an address while it
/// is pending, as long as there are few of them.
const LOOKED_AT_EVERY: Duration = Duration::from_secs(2);

/// For so long after a write of its own the daemon gives an interface no other address, unless an event speaks against it;
/// counted from when the write was confirmed.
const RESERVED: Duration = Duration::from_secs(120 + 1);

/// How often it is asked whether something still uses the old interfaces, and whether they are gone.
const WATCH_INTERVAL: Duration = Duration::from_secs(10);

/// The function's timeout is shorter than the shortest grace.
const GRACE: Duration = Duration::from_secs(60);

/// How often functions are read when nothing tells of them.
pub const REFRESH: Duration = Duration::from_secs(300);

/// From an event's arrival in the queue to the change: the queue's answer, the reads side by side, the change.
pub fn look() -> Duration {
    OWN + CALL * 3
}

/// A look that begins with the function: its interfaces and addresses can be read only after it, and those on the
/// interfaces only after these.
pub fn look_at_function() -> Duration {
    OWN + CALL * 5
}

/// A look at everything, listing the versions and reading the functions besides, and the change.
pub fn pass() -> Duration {
    OWN + CALL * 8
}

/// The same when the process has just begun, so that it has to ask for its account too.
pub fn first_pass() -> Duration {
    pass() + CALL * 2
}

/// Whether EC2 gives no address to an interface before Lambda has made it ready.
pub fn refuses_pending(beliefs: &Beliefs) -> bool {
    beliefs.pending_interface == PendingInterface::Refused && beliefs.first_status == FirstStatus::Pending
}

/// From the time an interface serves to its address, where it could not be given before.
pub fn after_refusal() -> Duration {
    LOOKED_AT_EVERY + look()
}

/// The gap of a new interface: nothing is lost beyond what the event takes, or the poll.
pub fn arrival(delay: Option<Duration>, beliefs: &Beliefs) -> Duration {
    let polled = POLL + pass();
    let told = delay.map_or(polled, |delay| (delay + look()).min(polled));
    if refuses_pending(beliefs) { told.max(after_refusal()) } else { told }
}

/// The gap of an interface whose event comes while the change for another is being confirmed: one pass at a time is made, and
/// reads that lag so much show the change so much later. What the confirmation then waits between two reads is at most 3 s.
pub fn arrival_behind_another(delay: Duration, lag: Duration, beliefs: &Beliefs) -> Duration {
    arrival(Some(delay), beliefs) + look() + lag + Duration::from_secs(3) + CALL
}

/// The gap after a stray hand so long after our own write: an event, or the poll, which within the two minutes after the
/// write gives the same address again and no other.
pub fn stray(delay: Option<Duration>, leaves_it_free: bool, written: Duration) -> Duration {
    let polled = POLL + pass();
    let reserved = if leaves_it_free { Duration::ZERO } else { RESERVED.saturating_sub(written) + pass() };
    let unheard = polled.max(reserved);
    delay.map_or(unheard, |delay| (delay + look()).min(unheard))
}

/// An update as far as its gap depends on it.
pub struct Update {
    /// Its beliefs.
    pub beliefs: Beliefs,
    /// From its call to its end.
    pub took: Duration,
    /// From its call to the first look at the function.
    pub seen: Duration,
    /// From its call to the restart, if there was one.
    pub restarted: Option<Duration>,
    /// From its call to the removal of the last old interface, if they were removed.
    pub removed: Option<Duration>,
    /// From its call to the time when the new interfaces are ready.
    pub ready: Duration,
}

impl Update {
    /// From the call to the look that shows the new pairs: where Lambda shows the old configuration until the end, the
    /// first after that.
    fn shown(&self) -> Duration {
        let by_look = self.seen + look_at_function();
        match self.beliefs.mid_update_view {
            MidUpdateView::New => by_look,
            MidUpdateView::Old => by_look.max(self.took + LOOKED_AT_EVERY + look_at_function()),
        }
    }

    /// The gap with spares at hand: nothing when the update takes longer than that.
    pub fn with_spares(&self) -> Duration {
        let mut covered = self.shown();
        if refuses_pending(&self.beliefs) {
            covered = covered.max(self.ready + after_refusal());
        }
        if covered <= self.took { Duration::ZERO } else { covered - self.took }
    }

    /// The gap without: the addresses follow when the grace is over or the old interfaces are gone.
    pub fn without_spares(&self) -> Duration {
        // The first list after the end begins the grace, and a restart begins it anew.
        let settled = self.shown().max(self.took + LOOKED_AT_EVERY + look_at_function()) + pass();
        let restarted = self.restarted.map_or(Duration::ZERO, |at| at + first_pass());
        let graced = settled.max(restarted) + GRACE;
        let free = self.removed.map_or(graced, |removed| removed.max(settled).min(graced));
        free + WATCH_INTERVAL + pass() - self.took
    }
}
