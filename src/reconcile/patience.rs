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

/// The same for what is known to change soon: a function where Lambda shows the old configuration until the end of an
/// update (AWS.md, Mid-update view, believed), and an interface that refuses an address while it is pending (AWS.md 2,
/// believed), for then this is the gap.
const LONGEST_CLOSE: Duration = Duration::from_secs(2);

/// Of many each is looked at more rarely, so that they cost no more than about so many looks a second together.
const CLOSE_A_SECOND: u64 = 4;

/// What is being looked at again, since when, and how often it was.
#[derive(Default)]
pub(super) struct Patience {
    waits: BTreeMap<Hint, (Instant, u32)>,
}

impl Patience {
    /// After how long to look again; nothing when it was looked at for long enough.
    pub(super) fn next(&mut self, hint: &Hint, now: Instant) -> Option<Duration> {
        self.next_within(hint, now, LONGEST)
    }

    /// The same for what is known to be there and to change soon.
    pub(super) fn next_close(&mut self, hint: &Hint, now: Instant) -> Option<Duration> {
        let others = self.waits.keys().filter(|other| *other != hint).count();
        let longest = Duration::from_secs(others as u64 / CLOSE_A_SECOND).clamp(LONGEST_CLOSE, LONGEST);
        self.next_within(hint, now, longest)
    }

    fn next_within(&mut self, hint: &Hint, now: Instant, longest: Duration) -> Option<Duration> {
        let within = match hint {
            Hint::Function(_) => FUNCTION_WITHIN,
            Hint::Interface(..) | Hint::Address(_) => INTERFACE_WITHIN,
        };
        let (since, looks) = self.waits.entry(hint.clone()).or_insert((now, 0));
        let doublings = looks.saturating_sub(CLOSE_LOOKS).min(8);
        let wait = Duration::from_secs(1 << doublings).min(longest);
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

    type Next = fn(&mut Patience, &Hint, Instant) -> Option<Duration>;

    fn waits(patience: &mut Patience, hint: &Hint, next: Next) -> (Vec<u64>, Duration) {
        let begun = Instant::now();
        let mut now = begun;
        let mut waits = Vec::new();
        while let Some(wait) = next(patience, hint, now) {
            waits.push(wait.as_secs());
            now += wait;
        }
        (waits, now - begun)
    }

    fn function(n: usize) -> Hint {
        Hint::Function(format!("f{n}").into())
    }

    #[test]
    fn looks_are_close_at_first_then_rarer_and_end() {
        let mut patience = Patience::default();
        let interface = Hint::Interface("eni-00000001".parse().expect("well-formed"), None);
        let (of_interface, within) = waits(&mut patience, &interface, Patience::next);
        assert_eq!(of_interface[..13], [1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 4, 8, 10]);
        assert!(of_interface.is_sorted() && of_interface.last() == Some(&10));
        assert!(within <= INTERFACE_WITHIN && within > INTERFACE_WITHIN / 2);
    }

    #[test]
    fn a_function_that_is_changing_is_watched_closely_and_not_for_ever() {
        let mut patience = Patience::default();
        let (alone, within) = waits(&mut patience, &function(0), Patience::next_close);
        assert_eq!((alone[..9].iter().max(), alone[9..].iter().min()), (Some(&1), Some(&2)));
        assert!(alone.iter().all(|wait| *wait <= 2));
        assert!(within <= FUNCTION_WITHIN && within > FUNCTION_WITHIN / 2);
        patience.settled(&function(0));
        assert_eq!(patience.next(&function(0), Instant::now()), Some(Duration::from_secs(1)));
        patience.settled(&function(0));
        for n in 1..20 {
            patience.next(&function(n), Instant::now());
        }
        let among_many = waits(&mut patience, &function(0), Patience::next_close).0;
        assert_eq!(among_many.last(), Some(&4), "of twenty each more rarely");
    }
}
