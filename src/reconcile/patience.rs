//! How often and for how long something unsettled is looked at again: each second at first, then more and more rarely,
//! and not for ever, since polling sees it too. A cache, safe to lose.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::domain::hint::Hint;

/// An interface is shown and serves within seconds; one that does not is left to the poll.
const INTERFACE_WITHIN: Duration = Duration::from_secs(5 * 60);

/// New interfaces may take several minutes (AWS.md 1, confirmed).
const FUNCTION_WITHIN: Duration = Duration::from_secs(15 * 60);

/// So many looks come a second apart.
const CLOSE_LOOKS: u32 = 8;

/// No look comes later than this after the one before.
const LONGEST: Duration = Duration::from_secs(10);

/// What is being looked at again, since when, and how often it was.
#[derive(Default)]
pub(super) struct Patience {
    waits: BTreeMap<Hint, (Instant, u32)>,
}

impl Patience {
    /// After how long to look again; nothing when it was looked at for long enough.
    pub(super) fn next(&mut self, hint: &Hint, now: Instant) -> Option<Duration> {
        let within = match hint {
            Hint::Function(_) => FUNCTION_WITHIN,
            Hint::Interface(..) | Hint::Address(_) => INTERFACE_WITHIN,
        };
        let (since, looks) = self.waits.entry(hint.clone()).or_insert((now, 0));
        let doublings = looks.saturating_sub(CLOSE_LOOKS).min(8);
        let wait = Duration::from_secs(1 << doublings).min(LONGEST);
        *looks += 1;
        let goes_on = now + wait <= *since + within;
        if !goes_on && !matches!(hint, Hint::Function(_)) {
            self.waits.remove(hint);
        }
        goes_on.then_some(wait)
    }

    /// It has settled, or is gone.
    pub(super) fn settled(&mut self, hint: &Hint) {
        self.waits.remove(hint);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_are_close_at_first_then_rarer_and_end() {
        let mut patience = Patience::default();
        let hint = Hint::Function("billing".into());
        let begun = Instant::now();
        let mut now = begun;
        let mut waits = Vec::new();
        while let Some(wait) = patience.next(&hint, now) {
            waits.push(wait.as_secs());
            now += wait;
        }
        assert_eq!(waits[..13], [1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 4, 8, 10]);
        assert!(waits.is_sorted() && waits.last() == Some(&10));
        assert!(now - begun <= FUNCTION_WITHIN && now - begun > FUNCTION_WITHIN / 2);
        patience.settled(&hint);
        assert_eq!(patience.next(&hint, now), Some(Duration::from_secs(1)));
    }
}
