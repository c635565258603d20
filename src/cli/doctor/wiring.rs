//! Whether AWS's events find their way to the daemon, and notifications theirs to the bus.

use super::super::events::{Examined, State, TRAIL, Tried};
use super::check::{Check, Verdict};
use crate::events::wiring::Item;
use crate::events::wiring::steps::{Change, Step};
use crate::reconcile::ports::ApiError;

const EVENTS: &str = "events";
const TRAIL_NAME: &str = "event_trail";
const NOTIFY: &str = "notifications";

/// Without `[events]`.
pub(super) fn not_configured() -> Check {
    Check::skip(EVENTS, "the configuration has no [events]: changes are found by polling alone")
}

/// Without a way to look at it.
pub(super) fn unseen(why: &str) -> Check {
    Check::told(EVENTS, Verdict::Skip, &format!("the wiring could not be read: {why}"))
}

/// How each part of the wiring stands, and what came of an event that was timed; and what nobody can see from here.
pub(super) fn judge(Examined { steps, tried }: &Examined) -> Vec<Check> {
    let judge = |step: &Step| {
        let remedy = "run `eipd events setup`";
        let check = match &step.change {
            Change::Keep => Check::pass(EVENTS, format!("`{}` is as it should be", step.name)),
            Change::Create => Check::fail(EVENTS, format!("`{}` does not exist", step.name), remedy),
            Change::Alter(differences) => {
                let told = format!("`{}` differs: {}", step.name, differences.join("; "));
                match step.item {
                    Item::Queue | Item::DeadLetterQueue | Item::DeadLetterPolicy => {
                        Check::warn(EVENTS, told, remedy)
                    }
                    Item::QueuePolicy | Item::Rule | Item::Target | Item::Arrival => {
                        Check::fail(EVENTS, told, remedy)
                    }
                }
            }
        };
        check.of(&step.item)
    };
    let mut checks: Vec<Check> = steps.iter().map(judge).collect();
    checks.push(match tried {
        Some(tried) => judge_arrival(tried),
        None => Check::skip(EVENTS, "no event was sent, since nothing is to be made").of(&Item::Arrival),
    });
    checks.push(Check::skip(TRAIL_NAME, TRAIL));
    checks
}

fn judge_arrival(tried: &Tried) -> Check {
    let remedy = "a new rule may take a while: try `eipd events status --timeout 2m`; then see what of the queue, its policy or \
                  its key keeps EventBridge from it";
    let check = match tried.state {
        State::Ok => Check::pass(EVENTS, format!("of the marked events {}", tried.detail)),
        State::Missing | State::Different => {
            Check::fail(EVENTS, format!("of the marked events {}", tried.detail), remedy)
        }
        State::Unknown => {
            Check::told(EVENTS, Verdict::Skip, &format!("no event was timed: {}", tried.detail))
        }
    };
    check.of(&Item::Arrival)
}

/// Whether the bus takes an event; nothing was tried without `[notify]`.
pub(super) fn judge_bus(bus: Option<&str>, refusal: Option<&ApiError>) -> Check {
    match (bus, refusal) {
        (Some(bus), None) => Check::pass(NOTIFY, format!("`{bus}` took an event of source `eipd.doctor`")),
        (Some(_), Some(error)) => Check::told(NOTIFY, Verdict::Fail, &error.to_string())
            .or_remedy("see that the bus is there, in its own region and account, and try again"),
        (None, _) => Check::skip(NOTIFY, "the configuration has no [notify]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(item: Item, change: Change) -> Step {
        Step { item, name: "eipd".to_owned(), change, calls: Vec::new(), objection: None }
    }

    #[test]
    fn what_events_can_not_do_without_fails_and_the_rest_warns() {
        let differs = || Change::Alter(vec!["it is off".to_owned()]);
        for (item, change, verdict) in [
            (Item::Rule, Change::Keep, Verdict::Pass),
            (Item::Rule, Change::Create, Verdict::Fail),
            (Item::Rule, differs(), Verdict::Fail),
            (Item::Target, differs(), Verdict::Fail),
            (Item::QueuePolicy, differs(), Verdict::Fail),
            (Item::DeadLetterQueue, differs(), Verdict::Warn),
            (Item::Queue, differs(), Verdict::Warn),
        ] {
            let checks = judge(&Examined { steps: vec![step(item, change)], tried: None });
            assert_eq!((checks.len(), checks[0].verdict), (3, verdict), "{checks:?}");
            assert!(
                checks[1..].iter().all(|check| check.verdict == Verdict::Skip),
                "nothing was sent: {checks:?}"
            );
        }
    }

    #[test]
    fn an_event_that_does_not_come_fails_and_one_that_could_not_be_sent_is_no_verdict() {
        for (state, verdict) in
            [(State::Ok, Verdict::Pass), (State::Missing, Verdict::Fail), (State::Unknown, Verdict::Skip)]
        {
            let tried = Tried { state, detail: "none came; hint: look".to_owned(), took: None };
            let check = judge_arrival(&tried);
            assert_eq!(
                (check.verdict, check.subject.as_deref()),
                (verdict, Some("arrival of an event")),
                "{check:?}"
            );
        }
    }
}
