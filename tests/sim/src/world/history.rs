//! The recent past of one value, for reads that answer from an old snapshot.
//!
//! Keeps what a stale read may still see and drops the rest. Never looks at a clock.

use crate::moment::Moment;
use std::time::Duration;

/// How far back a stale read may look.
pub(crate) const KEPT: Duration = Duration::from_secs(30 * 60);

/// A value and what it was before, newest last.
#[derive(Clone, Debug)]
pub(crate) struct History<T> {
    entries: Vec<(Moment, T)>,
}

impl<T> History<T> {
    pub(crate) fn new(at: Moment, value: T) -> Self {
        Self { entries: vec![(at, value)] }
    }

    /// Sets the value from `at` on; `at` is never before the last change.
    pub(crate) fn set(&mut self, at: Moment, value: T) {
        let horizon = at - KEPT;
        let outdated = self.entries.iter().skip(1).take_while(|(since, _)| *since <= horizon).count();
        self.entries.drain(..outdated);
        match self.entries.last_mut() {
            Some(last) if last.0 == at => last.1 = value,
            _ => self.entries.push((at, value)),
        }
    }

    /// The present value.
    pub(crate) fn now(&self) -> &T {
        &self.entries.last().expect("a history is never empty").1
    }

    /// The value at `at`, or the oldest that is kept.
    pub(crate) fn at(&self, at: Moment) -> &T {
        let later = self.entries.iter().rev().take_while(|(since, _)| *since > at).count();
        &self.entries[(self.entries.len() - later).saturating_sub(1)].1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_past_is_seen_as_it_was_until_it_is_too_old() {
        let at = Moment::from_unix_seconds;
        let mut history = History::new(at(10), 'a');
        history.set(at(20), 'b');
        history.set(at(20), 'c');
        assert_eq!((history.at(at(5)), history.at(at(19)), history.at(at(20))), (&'a', &'a', &'c'));
        history.set(at(20_000), 'd');
        history.set(at(20_001), 'e');
        assert_eq!((history.at(at(19)), history.now()), (&'c', &'e'));
    }
}
