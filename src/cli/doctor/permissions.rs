//! Whether each permission is there: each was used once, or asked for by a dry run.

use super::check::{Check, Verdict};
use crate::domain::error_class::ErrorClass;
use crate::domain::permissions::{Loss, permission};
use crate::reconcile::ports::ApiError;
use crate::reconcile::ports::examination::DryRun;

pub(super) const NAME: &str = "permission";

/// Who needs a permission.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Need {
    /// Without it the daemon does not do its work.
    Daemon,
    /// The daemon does without, and can tell less.
    Knowledge,
    /// Only for what this says.
    Only(&'static str),
}

impl Need {
    /// By the table of permissions, whatever the configuration.
    fn of(action: &str) -> Self {
        match permission(action).uses[0].loss {
            Loss::Knowledge => Self::Knowledge,
            Loss::Work => Self::Daemon,
        }
    }
}

/// A permission that was tried.
pub(super) struct Tried {
    /// In the form of an IAM action.
    pub(super) action: &'static str,
    pub(super) need: Need,
    pub(super) outcome: Outcome,
}

/// What came of trying.
pub(super) enum Outcome {
    /// It was used, or would have been allowed.
    Allowed,
    /// It was not tried, for this reason.
    Untried(&'static str),
    /// It was refused, or there was no answer.
    Failed(ApiError),
    /// A dry run was taken for an order.
    TakenForReal,
}

impl Tried {
    /// One whose need does not depend on the configuration.
    pub(super) fn new(action: &'static str, outcome: Outcome) -> Self {
        Self { action, need: Need::of(action), outcome }
    }
}

impl Outcome {
    /// Of a call.
    pub(super) fn of<T>(answer: Result<T, ApiError>) -> Self {
        answer.map_or_else(Self::Failed, |_| Self::Allowed)
    }

    /// Of a list: its first error.
    pub(super) fn of_list(errors: Vec<ApiError>) -> Self {
        errors.into_iter().next().map_or(Self::Allowed, Self::Failed)
    }

    /// Of a dry run.
    pub(super) fn of_dry_run(answer: Result<DryRun, ApiError>) -> Self {
        match answer {
            Ok(DryRun::Allowed) => Self::Allowed,
            Ok(DryRun::TakenForReal) => Self::TakenForReal,
            Err(error) => Self::Failed(error),
        }
    }
}

/// How it stands with a permission.
pub(super) fn judge(tried: &Tried) -> Check {
    let check = match &tried.outcome {
        Outcome::Allowed => Check::pass(NAME, "allowed"),
        Outcome::Untried(why) => Check::skip(NAME, *why),
        Outcome::TakenForReal => Check::fail(
            NAME,
            "what answers in the place of AWS does not know dry runs and took one for an order",
            "see what answers in the place of AWS: a wrong AWS_ENDPOINT_URL",
        ),
        Outcome::Failed(error) if error.class == ErrorClass::Denied => denied(tried.need, error),
        Outcome::Failed(error) => Check::skip(NAME, format!("could not be tried: {error}")),
    };
    check.of(tried.action)
}

fn denied(need: Need, error: &ApiError) -> Check {
    let verdict = if need == Need::Daemon { Verdict::Fail } else { Verdict::Warn };
    let check = Check::told(NAME, verdict, &error.to_string()).or_remedy("ask who administers the account");
    let what_for = match need {
        Need::Daemon => return check,
        Need::Knowledge => "the daemon does without, and can tell less",
        Need::Only(what_for) => what_for,
    };
    Check { evidence: format!("{} ({what_for})", check.evidence), ..check }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(class: ErrorClass) -> Outcome {
        Outcome::Failed(ApiError {
            operation: "ec2:DescribeX",
            subject: "of `x`".to_owned(),
            class,
            code: None,
            request_id: None,
            message: "no".to_owned(),
            hint: Some("grant `ec2:DescribeX` on `*`".to_owned()),
            source: None,
        })
    }

    #[test]
    fn the_table_says_how_great_the_need_is() {
        for (action, need) in [
            ("ec2:AssociateAddress", Need::Daemon),
            ("ec2:DescribeRouteTables", Need::Knowledge),
            ("sqs:ReceiveMessage", Need::Daemon),
        ] {
            assert_eq!(Need::of(action), need, "{action}");
        }
    }

    #[test]
    fn a_refusal_is_as_bad_as_the_need_is_great() {
        for (need, outcome, verdict, remedy) in [
            (Need::Daemon, Outcome::Allowed, Verdict::Pass, None),
            (Need::Daemon, failed(ErrorClass::Denied), Verdict::Fail, Some("grant `ec2:DescribeX` on `*`")),
            (
                Need::Knowledge,
                failed(ErrorClass::Denied),
                Verdict::Warn,
                Some("grant `ec2:DescribeX` on `*`"),
            ),
            (
                Need::Only("for X"),
                failed(ErrorClass::Denied),
                Verdict::Warn,
                Some("grant `ec2:DescribeX` on `*`"),
            ),
            (Need::Daemon, failed(ErrorClass::Throttled), Verdict::Skip, None),
            (Need::Daemon, Outcome::Untried("nothing to try with"), Verdict::Skip, None),
        ] {
            let check = judge(&Tried { action: "ec2:DescribeX", need, outcome });
            assert_eq!((check.verdict, check.remedy.as_deref()), (verdict, remedy), "{check:?}");
            assert_eq!(check.subject.as_deref(), Some("ec2:DescribeX"));
        }
        let real = judge(&Tried { action: "a", need: Need::Daemon, outcome: Outcome::TakenForReal });
        assert_eq!(real.verdict, Verdict::Fail);
    }
}
