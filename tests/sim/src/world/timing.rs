//! How long things take inside AWS, as ranges to draw from.
//!
//! Holds durations only; who draws and when is the lifecycle's business.

use std::time::Duration;

/// A range of durations, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The shortest.
    pub shortest: Duration,
    /// The longest.
    pub longest: Duration,
}

impl Span {
    /// From `shortest` to `longest` seconds.
    pub const fn seconds(shortest: u64, longest: u64) -> Self {
        Self { shortest: Duration::from_secs(shortest), longest: Duration::from_secs(longest) }
    }

    /// Always exactly this long.
    pub const fn exactly(duration: Duration) -> Self {
        Self { shortest: duration, longest: duration }
    }
}

/// The delays of a world.
#[derive(Clone, Debug)]
pub struct Timing {
    /// From the creation of a Lambda interface until it is ready (AWS.md section 1: "several minutes"; confirmed).
    pub interface_creation: Span,
    /// The least time an update or a creation takes, even when all interfaces exist (AWS.md section 6; believed).
    pub update: Span,
    /// From the last version's leaving a pair until its interfaces are deleted (AWS.md section 1: up to 20 min;
    /// confirmed).
    pub lingering: Span,
    /// From a replacement's being ready until the replaced interface goes (believed).
    pub replacement_overlap: Span,
    /// How long Lambda waits before it tries a blocked deletion again (believed; belief B9).
    pub deletion_retry: Duration,
    /// Without an invocation for this long a function becomes Inactive (AWS.md section 1: 14 days; confirmed).
    pub idle_after: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            interface_creation: Span::seconds(60, 180),
            update: Span::seconds(3, 10),
            lingering: Span::seconds(5 * 60, 20 * 60),
            replacement_overlap: Span::seconds(0, 30),
            deletion_retry: Duration::from_secs(60),
            idle_after: Duration::from_secs(14 * 24 * 3600),
        }
    }
}

impl Timing {
    /// The same account in a hurry, for demonstrations: seconds where AWS takes minutes.
    pub fn quick() -> Self {
        Self {
            interface_creation: Span::seconds(2, 4),
            update: Span::seconds(1, 2),
            lingering: Span::seconds(5, 10),
            replacement_overlap: Span::seconds(1, 2),
            deletion_retry: Duration::from_secs(3),
            ..Self::default()
        }
    }
}
