//! The hints that wait for a look: when each is due, how often it was looked at already, and when it is given up, since
//! polling sees it too. Bounded whatever is told: functions and addresses by what is declared, interfaces by a number
//! beyond which everything is looked at. Reads no clock.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

use crate::domain::hint::{Hint, Hints, Origin};

/// More different hints than this wait only where somebody forges them or a whole account is made anew: a look at
/// everything answers those that found no place.
pub(super) const WAITING_MAX: usize = 1024;

/// Where events tell of more interfaces and addresses than this at a time, everything is looked at: that is cheaper then.
/// What is looked at again is looked at by so many at a time.
pub(super) const LOOK_MAX: usize = 64;

/// So many functions are read in one look, so that with a look a second half of what we allow ourselves of Lambda's
/// control plane is left, and whoever waits behind the look waits for one answer, not for thirty.
pub(super) const FUNCTIONS_IN_A_LOOK: usize = 4;

/// When events tell of more functions than this at a time, a sweep over all of them tells more and costs less.
pub(super) const FUNCTIONS_MAX: usize = 50;

/// What nobody can place, and what a tag may select, makes us look everywhere, but not more often than this.
pub(super) const SEARCH_EVERY: Duration = Duration::from_secs(30);

/// No look comes later than this after the one before.
const LONGEST: Duration = Duration::from_secs(10);

/// The same for what is known to change soon: a function where Lambda shows the old configuration until the end of an
/// update (AWS.md, Mid-update view, believed), and an interface that refuses an address while it is pending (AWS.md 2,
/// believed), for then this is the gap. How many are looked at in a second is bounded by the lane.
const LONGEST_CLOSE: Duration = Duration::from_secs(2);

/// Functions are read apart from what EC2 shows: Lambda answers slowly while many are deployed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lane {
    /// Interfaces and addresses.
    Corners,
    /// Functions.
    Functions,
}

impl Lane {
    pub(super) fn of(hint: &Hint) -> Self {
        match hint {
            Hint::Function(_) => Self::Functions,
            Hint::Interface(..) | Hint::Address(_) | Hint::Any(_) | Hint::Selection(_) => Self::Corners,
        }
    }
}

/// What a pass has to do on account of hints.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Errand {
    /// Look at these corners.
    Look(Hints),
    /// Look at everything: that is cheaper than to look at each, or there were too many to remember each.
    LookAtAll(Hints),
}

/// Why something is looked at again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::reconcile) enum Again {
    /// It could not be read.
    Unread,
    /// It is as it was before, though an event tells that it changed: EC2's reads lag (law 11).
    Unchanged,
    /// No declared address has moved, though an event tells of one that may be: the same, but every address is read for it.
    Unmoved,
    /// An interface that is not shown yet.
    Unsettled,
    /// An interface that is there and does not serve yet.
    Waiting,
    /// A function that is being created, woken or updated.
    Changing,
}

impl Again {
    /// For how long since it was first looked at.
    fn within(self) -> Duration {
        match self {
            Self::Unmoved => Duration::from_secs(3),
            Self::Unchanged => Duration::from_secs(16),
            Self::Unread | Self::Unsettled | Self::Waiting => Duration::from_secs(5 * 60),
            // New interfaces may take several minutes (AWS.md 1, confirmed).
            Self::Changing => Duration::from_secs(15 * 60),
        }
    }

    /// So many looks come a second apart; after them each wait is twice as long as the one before.
    fn close_looks(self) -> u32 {
        match self {
            Self::Unread | Self::Unchanged | Self::Unmoved => 0,
            Self::Unsettled | Self::Waiting | Self::Changing => 8,
        }
    }

    fn wait(self, looks: u32) -> Duration {
        let longest = match self {
            Self::Unread | Self::Unchanged | Self::Unmoved | Self::Unsettled => LONGEST,
            Self::Waiting | Self::Changing => LONGEST_CLOSE,
        };
        Duration::from_secs(1 << looks.saturating_sub(self.close_looks()).min(8)).min(longest)
    }
}

/// What waits, and what is being looked at.
#[derive(Default)]
pub(super) struct Waiting {
    hints: BTreeMap<Hint, Wait>,
    /// What was handed out last and is not answered yet.
    in_hand: BTreeMap<Hint, Wait>,
    /// A hint found no place.
    overflown: bool,
    /// Functions that were watched for long enough: left to the poll until they settle, or an event tells of them.
    given_up: BTreeSet<Hint>,
    searched_at: BTreeMap<Hint, Instant>,
}

struct Wait {
    due: Instant,
    origin: Option<Origin>,
    /// When it was first looked at, and how often since.
    looked: Option<(Instant, u32)>,
}

impl Waiting {
    /// Takes in what an event tells.
    pub(super) fn add(&mut self, hint: Hint, origin: Origin, is_bounded: bool, now: Instant) {
        let due = match &hint {
            Hint::Any(_) | Hint::Selection(_) => {
                self.searched_at.get(&hint).map_or(now, |last| now.max(*last + SEARCH_EVERY))
            }
            Hint::Interface(..) | Hint::Address(_) | Hint::Function(_) => now,
        };
        self.given_up.remove(&hint);
        let is_full = !is_bounded && self.hints.len() >= WAITING_MAX;
        match self.hints.get_mut(&hint) {
            // Before it was looked at, all that tells of it is one piece of news; afterwards this is another.
            Some(wait) if wait.looked.is_none() => {
                wait.due = wait.due.min(due);
                if wait.origin.as_ref().is_none_or(|known| origin.at < known.at) {
                    wait.origin = Some(origin);
                }
            }
            Some(wait) => *wait = Wait { due, origin: Some(origin), looked: None },
            None if is_full => self.overflown = true,
            None => {
                self.hints.insert(hint, Wait { due, origin: Some(origin), looked: None });
            }
        }
    }

    /// Looks at a function that is changing, of which no event told.
    pub(super) fn watch(&mut self, hint: Hint, is_changing: bool, now: Instant) {
        if !is_changing {
            self.given_up.remove(&hint);
        } else if !self.given_up.contains(&hint) && !self.in_hand.contains_key(&hint) {
            let due = now + Again::Changing.wait(0);
            self.hints.entry(hint).or_insert(Wait { due, origin: None, looked: Some((now, 1)) });
        }
    }

    /// Looks again soon at something that is known not to be settled, unless a hint of it waits already.
    pub(super) fn look_again(&mut self, hint: Hint, origin: Option<Origin>, now: Instant) {
        if self.in_hand.contains_key(&hint) || self.hints.len() >= WAITING_MAX {
            return;
        }
        let due = now + Again::Waiting.wait(0);
        self.hints.entry(hint).or_insert(Wait { due, origin, looked: Some((now, 1)) });
    }

    /// Everything that was handed out was looked at; `judge` says what is to be looked at again.
    pub(super) fn answer(&mut self, now: Instant, judge: impl Fn(&Hint, Option<&Origin>) -> Option<Again>) {
        for (hint, wait) in std::mem::take(&mut self.in_hand) {
            let Some(again) = judge(&hint, wait.origin.as_ref()) else { continue };
            let (since, looks) = wait.looked.unwrap_or((now, 0));
            let due = now + again.wait(looks);
            if due <= since + again.within() {
                // What comes of a change that goes on for minutes is no answer to the event that told of its begin.
                let origin = wait.origin.filter(|_| again != Again::Changing);
                let wait = Wait { due, origin, looked: Some((since, looks + 1)) };
                // What was told meanwhile is newer.
                self.hints.entry(hint).or_insert(wait);
            } else if again == Again::Changing {
                self.given_up.insert(hint);
            }
        }
    }

    /// Whether a hint waits for a look.
    pub(super) fn awaits(&self, hint: &Hint) -> bool {
        self.hints.contains_key(hint)
    }

    /// When the lane has something to do next.
    pub(super) fn due(&self, lane: Lane) -> Option<Instant> {
        let dues = self.hints.iter().filter(|(hint, _)| Lane::of(hint) == lane).map(|(_, wait)| wait.due);
        dues.min()
    }

    /// Whether an event told of something that was not looked at since.
    pub(super) fn has_news(&self) -> bool {
        self.overflown || self.hints.values().any(|wait| wait.looked.is_none())
    }

    /// Whether there were too many hints to remember each.
    pub(super) fn is_overflown(&self) -> bool {
        self.overflown
    }

    /// Hands out what is due in a lane.
    pub(super) fn take(&mut self, lane: Lane, now: Instant) -> Option<Errand> {
        self.take_back();
        let mut due = self.due_hints(now, |hint| Lane::of(hint) == lane);
        let is_news = |(_, hint): &&(Instant, Hint)| self.hints[hint].looked.is_none();
        let news = due.iter().filter(is_news).count();
        let (is_whole, most) = match lane {
            Lane::Corners => (news > LOOK_MAX || self.overflown, LOOK_MAX),
            Lane::Functions => (news > FUNCTIONS_MAX, FUNCTIONS_IN_A_LOOK),
        };
        if is_whole {
            self.overflown = false;
        } else {
            // What events tell comes before what is looked at again, however much of that there is.
            due.sort_by_key(|(due, hint)| (self.hints[hint].looked.is_some(), *due));
            due.truncate(most);
        }
        let hints = self.hand_out(due, now);
        match is_whole {
            true => Some(Errand::LookAtAll(hints)),
            false => (!hints.0.is_empty()).then_some(Errand::Look(hints)),
        }
    }

    /// Hands out everything that is due: a look at everything answers it.
    pub(super) fn take_all(&mut self, now: Instant) -> Hints {
        self.take_back();
        self.overflown = false;
        let due = self.due_hints(now, |_| true);
        self.hand_out(due, now)
    }

    fn due_hints(&self, now: Instant, is_wanted: impl Fn(&Hint) -> bool) -> Vec<(Instant, Hint)> {
        let due = self.hints.iter().filter(|(hint, wait)| wait.due <= now && is_wanted(hint));
        due.map(|(hint, wait)| (wait.due, hint.clone())).collect()
    }

    fn hand_out(&mut self, due: Vec<(Instant, Hint)>, now: Instant) -> Hints {
        for (_, hint) in due {
            if let Hint::Any(_) | Hint::Selection(_) = &hint {
                self.searched_at.insert(hint.clone(), now);
            }
            if let Some(wait) = self.hints.remove(&hint) {
                self.in_hand.insert(hint, wait);
            }
        }
        Hints(self.in_hand.iter().map(|(hint, wait)| (hint.clone(), wait.origin.clone())).collect())
    }

    /// A pass that was given up has answered nothing.
    fn take_back(&mut self) {
        for (hint, wait) in std::mem::take(&mut self.in_hand) {
            self.hints.entry(hint).or_insert(wait);
        }
    }

    /// How many hints are kept.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.hints.len() + self.in_hand.len() + self.given_up.len()
    }
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::*;
    use crate::domain::observed::Part;

    fn interface(n: u32) -> Hint {
        Hint::Interface(format!("eni-{n:08x}").parse().expect("well-formed"), None)
    }

    fn function(n: u32) -> Hint {
        Hint::Function(format!("function-{n}").into())
    }

    fn origin(second: i64) -> Origin {
        Origin { at: Timestamp::UNIX_EPOCH + SignedDuration::from_secs(second), actor: "someone".to_owned() }
    }

    /// The waits between looks until it is given up.
    fn waits(hint: &Hint, again: Again) -> Vec<u64> {
        let mut waiting = Waiting::default();
        let mut now = Instant::now();
        waiting.add(hint.clone(), origin(0), true, now);
        let mut waits = Vec::new();
        let lane = Lane::of(hint);
        while waiting.take(lane, now).is_some() {
            waiting.answer(now, |_, _| Some(again));
            let Some(due) = waiting.due(lane) else { break };
            waits.push((due - now).as_secs());
            now = due;
        }
        waits
    }

    #[test]
    fn looks_are_close_at_first_then_rarer_and_end() {
        let changing = waits(&function(1), Again::Changing);
        assert_eq!(changing[..11], [1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2]);
        assert!(changing.is_sorted() && changing.last() == Some(&2));
        assert!((890..=900).contains(&changing.iter().sum::<u64>()));
        assert_eq!(waits(&interface(1), Again::Unchanged), [1, 2, 4, 8]);
        let unread = waits(&interface(1), Again::Unread);
        assert_eq!(unread[..5], [1, 2, 4, 8, 10]);
        assert!((290..=300).contains(&unread.iter().sum::<u64>()));
    }

    #[test]
    fn a_function_that_is_changing_for_too_long_is_left_to_the_poll_until_it_settles_or_is_told_of() {
        let mut waiting = Waiting::default();
        let mut now = Instant::now();
        waiting.watch(function(1), true, now);
        while let Some(due) = waiting.due(Lane::Functions) {
            now = due;
            assert!(waiting.take(Lane::Functions, now).is_some());
            waiting.answer(now, |_, _| Some(Again::Changing));
        }
        waiting.watch(function(1), true, now);
        assert_eq!(waiting.due(Lane::Functions), None, "it was given up");
        waiting.add(function(1), origin(0), true, now);
        assert_eq!(waiting.due(Lane::Functions), Some(now));
        waiting.take_all(now);
        waiting.answer(now, |_, _| None);
        waiting.watch(function(1), false, now);
        waiting.watch(function(1), true, now);
        assert!(waiting.due(Lane::Functions).is_some(), "it settled, and this is another change");
    }

    #[test]
    fn passes_that_look_elsewhere_cost_a_watched_function_none_of_its_close_looks() {
        let mut waiting = Waiting::default();
        let now = Instant::now();
        for _ in 0..100 {
            waiting.watch(function(1), true, now);
            waiting.add(interface(1), origin(0), false, now);
            assert!(waiting.take(Lane::Corners, now).is_some());
            waiting.answer(now, |_, _| None);
        }
        assert_eq!(waiting.due(Lane::Functions), Some(now + Duration::from_secs(1)));
    }

    #[test]
    fn a_crowd_of_interfaces_is_one_look_at_everything_and_each_is_still_answered() {
        let mut waiting = Waiting::default();
        let now = Instant::now();
        (0..70).for_each(|n| waiting.add(interface(n), origin(0), false, now));
        let Some(Errand::LookAtAll(hints)) = waiting.take(Lane::Corners, now) else { panic!("too many") };
        assert_eq!(hints.0.len(), 70);
        waiting.answer(now, |_, _| Some(Again::Unsettled));
        let due = waiting.due(Lane::Corners).expect("they are looked for again");
        let mut again = BTreeSet::new();
        for _ in 0..2 {
            let Some(Errand::Look(hints)) = waiting.take(Lane::Corners, due) else {
                panic!("so many at a time")
            };
            assert!(hints.0.len() <= LOOK_MAX);
            again.extend(hints.0.into_keys());
            waiting.answer(due, |_, _| None);
        }
        assert_eq!(again.len(), 70);
    }

    #[test]
    fn news_is_looked_at_before_a_crowd_that_is_looked_at_again() {
        let mut waiting = Waiting::default();
        let now = Instant::now();
        (0..200).for_each(|n| waiting.look_again(interface(n), None, now));
        let then = now + Duration::from_secs(5);
        waiting.add(interface(777), origin(0), false, then);
        let Some(Errand::Look(hints)) = waiting.take(Lane::Corners, then) else {
            panic!("so many at a time")
        };
        assert!(hints.0.len() == LOOK_MAX && hints.0.contains_key(&interface(777)));
    }

    #[test]
    fn a_flood_is_remembered_up_to_a_bound_and_is_then_a_look_at_everything() {
        let mut waiting = Waiting::default();
        let now = Instant::now();
        for n in 0..100_000 {
            waiting.add(interface(n), origin(0), false, now);
            assert!(waiting.len() <= WAITING_MAX);
        }
        waiting.add(function(1), origin(0), true, now);
        assert!(matches!(waiting.take(Lane::Corners, now), Some(Errand::LookAtAll(_))));
        waiting.answer(now, |_, _| None);
        assert_eq!(waiting.take(Lane::Corners, now), None);
        assert!(waiting.take(Lane::Functions, now).is_some(), "what is declared always finds a place");
    }

    #[test]
    fn functions_are_looked_at_a_few_at_a_time_and_all_in_their_turn() {
        let mut waiting = Waiting::default();
        let now = Instant::now();
        (0..30).for_each(|n| waiting.watch(function(n), true, now));
        let mut seen = BTreeSet::new();
        for look in 1..=8 {
            let then = now + Duration::from_secs(look);
            let Some(Errand::Look(hints)) = waiting.take(Lane::Functions, then) else { panic!("a few") };
            assert!(hints.0.len() <= FUNCTIONS_IN_A_LOOK);
            seen.extend(hints.0.into_keys());
            waiting.answer(then, |_, _| Some(Again::Changing));
        }
        assert_eq!(seen.len(), 30);
    }

    #[test]
    fn many_functions_that_events_tell_of_at_once_are_swept_once_and_then_watched_a_few_at_a_time() {
        let mut waiting = Waiting::default();
        let now = Instant::now();
        (0..65).for_each(|n| waiting.add(function(n), origin(0), true, now));
        assert!(matches!(waiting.take(Lane::Functions, now), Some(Errand::LookAtAll(_))));
        waiting.answer(now, |_, _| Some(Again::Changing));
        let later = now + Duration::from_secs(1);
        assert!(matches!(waiting.take(Lane::Functions, later), Some(Errand::Look(few)) if few.0.len() == 4));
    }

    #[test]
    fn what_was_handed_out_and_not_answered_is_handed_out_again() {
        let mut waiting = Waiting::default();
        let now = Instant::now();
        waiting.add(interface(1), origin(0), false, now);
        assert!(waiting.take(Lane::Corners, now).is_some());
        waiting.add(interface(2), origin(0), false, now);
        assert_eq!(waiting.take_all(now).0.len(), 2, "the pass was given up");
    }

    #[test]
    fn what_is_told_after_a_look_is_other_news() {
        let mut waiting = Waiting::default();
        let now = Instant::now();
        waiting.add(interface(1), origin(5), false, now);
        waiting.add(interface(1), origin(3), false, now);
        assert_eq!(waiting.take_all(now).0[&interface(1)], Some(origin(3)), "one piece of news");
        waiting.answer(now, |_, _| Some(Again::Unchanged));
        waiting.add(interface(1), origin(7), false, now);
        assert_eq!(waiting.take_all(now).0[&interface(1)], Some(origin(7)));
    }

    #[test]
    fn a_search_is_put_off_but_never_dropped() {
        let mut waiting = Waiting::default();
        let now = Instant::now();
        let any = Hint::Any(Part::Addresses);
        waiting.add(any.clone(), origin(0), true, now);
        assert_eq!(waiting.take_all(now).0.len(), 1);
        waiting.answer(now, |_, _| None);
        let later = now + Duration::from_secs(1);
        waiting.add(any.clone(), origin(1), true, later);
        assert_eq!(waiting.take_all(later).0.len(), 0);
        assert_eq!(waiting.due(Lane::Corners), Some(now + SEARCH_EVERY));
        assert_eq!(waiting.take_all(now + SEARCH_EVERY).0[&any], Some(origin(1)));
    }
}
