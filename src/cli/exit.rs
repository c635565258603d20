//! What a verb's answer means to the shell. Pure: from reports to a number, as CONTRACT.md has it.

use std::process::ExitCode;

use crate::domain::report::{Coverage, PassResult, Report};

/// How the process ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exit {
    /// All is well.
    Good,
    /// It could not be told whether all is well.
    CouldNotTell,
    /// Something is uncovered, or something is to be done.
    Drift,
    /// The command line made no sense.
    Usage,
}

impl Exit {
    /// The number that the shell sees.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Good => 0,
            Self::CouldNotTell => 1,
            Self::Drift => 2,
            Self::Usage => 64,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// For a command line that named no verb to carry out: wrong usage, or a wish for help or the version.
#[must_use]
pub fn usage(error: &clap::Error) -> Exit {
    if error.use_stderr() { Exit::Usage } else { Exit::Good }
}

/// For `plan`: drift is anything to be done, uncovered or beyond serving.
pub(super) fn plan(reports: &[Report]) -> Exit {
    let idle = reports.iter().all(|report| report.plan.actions.is_empty());
    match covered(reports) {
        Exit::Good if !idle => Exit::Drift,
        exit => exit,
    }
}

/// For `apply`: what counts is what holds afterwards.
pub(super) fn apply(reports: &[Report]) -> Exit {
    covered(reports)
}

fn covered(reports: &[Report]) -> Exit {
    if reports.iter().any(|report| report.result == PassResult::Refused) {
        return Exit::CouldNotTell;
    }
    status(reports.iter().map(Report::coverage))
}

/// For `status`, and for the promise as a whole: not knowing one target outweighs knowing another to be uncovered, and
/// no target at all means that nothing is known yet.
pub(super) fn status(targets: impl IntoIterator<Item = Coverage>) -> Exit {
    let worst = targets.into_iter().map(|coverage| match coverage {
        Coverage::Covered => Exit::Good,
        Coverage::Uncovered => Exit::Drift,
        Coverage::Unknown => Exit::CouldNotTell,
    });
    worst
        .reduce(|one, other| match (one, other) {
            (Exit::CouldNotTell, _) | (_, Exit::CouldNotTell) => Exit::CouldNotTell,
            (Exit::Good, exit) | (exit, _) => exit,
        })
        .unwrap_or(Exit::CouldNotTell)
}

#[cfg(test)]
mod tests {
    use super::super::render::fixtures::Scene;
    use super::*;
    use crate::domain::action::Outcome;
    use crate::domain::reason::WarningKind;

    fn kept() -> Report {
        Scene::new().keeps(1, 1, &["billing"]).report()
    }

    fn to_give(outcome: Outcome) -> Report {
        Scene::new().gets(1, 1, &["billing"], outcome).report()
    }

    fn without() -> Report {
        Scene::new().without(1, 1, &["billing"]).report()
    }

    fn unseen() -> Report {
        Scene::new().failure("ec2:DescribeAddresses failed").result(PassResult::Failed).report()
    }

    fn half_seen() -> Report {
        Scene::new()
            .keeps(1, 1, &["billing"])
            .warning(WarningKind::ObservationIncomplete, "a page is missing")
            .report()
    }

    fn unservable() -> Report {
        Scene::new().keeps(1, 1, &["billing"]).unservable("absent").report()
    }

    fn refused() -> Report {
        Scene::new().gets(1, 1, &["billing"], Outcome::Planned).result(PassResult::Refused).report()
    }

    #[test]
    fn plan_tells_drift_from_ignorance() {
        let cases = [
            ("nothing to do", vec![kept()], Exit::Good),
            ("nothing declared", vec![Scene::new().report()], Exit::Good),
            ("to be given", vec![to_give(Outcome::Planned)], Exit::Drift),
            ("not serving yet", vec![Scene::new().upcoming(1, 1, &["billing"]).report()], Exit::Drift),
            ("without", vec![without()], Exit::Drift),
            ("unservable", vec![unservable()], Exit::Drift),
            ("one target drifts", vec![kept(), without()], Exit::Drift),
            ("failed", vec![unseen()], Exit::CouldNotTell),
            ("half seen", vec![half_seen()], Exit::CouldNotTell),
            ("ignorance wins", vec![without(), half_seen(), kept()], Exit::CouldNotTell),
            ("refused", vec![refused()], Exit::CouldNotTell),
        ];
        for (name, reports, exit) in cases {
            assert_eq!(plan(&reports), exit, "{name}");
        }
    }

    #[test]
    fn apply_tells_what_holds_afterwards() {
        let cases = [
            ("nothing to do", vec![kept()], Exit::Good),
            ("done", vec![to_give(Outcome::Done)], Exit::Good),
            ("failed action", vec![to_give(Outcome::Failed)], Exit::Drift),
            ("skipped action", vec![to_give(Outcome::Skipped)], Exit::Drift),
            ("observe only", vec![to_give(Outcome::Planned)], Exit::Drift),
            ("without", vec![kept(), without()], Exit::Drift),
            ("failed", vec![unseen(), without()], Exit::CouldNotTell),
            ("refused", vec![refused(), kept()], Exit::CouldNotTell),
        ];
        for (name, reports, exit) in cases {
            assert_eq!(apply(&reports), exit, "{name}");
        }
    }

    #[test]
    fn status_is_not_good_before_it_is_known() {
        use Coverage::{Covered, Uncovered, Unknown};
        let cases: &[(&[Coverage], Exit)] = &[
            (&[], Exit::CouldNotTell),
            (&[Covered], Exit::Good),
            (&[Covered, Uncovered], Exit::Drift),
            (&[Uncovered, Covered], Exit::Drift),
            (&[Unknown, Uncovered], Exit::CouldNotTell),
            (&[Covered, Unknown], Exit::CouldNotTell),
        ];
        for (targets, exit) in cases {
            assert_eq!(status(targets.iter().copied()), *exit, "{targets:?}");
        }
    }
}
