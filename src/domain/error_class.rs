//! The kinds of failure that an AWS call can end in. The class alone drives behaviour and is the label of metrics;
//! codes and messages are for people. Classes are assigned where the SDK's errors are known, in `aws`.

use serde::Serialize;

/// What a failure means for what to do next.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    /// Too many requests: try again, later.
    Throttled,
    /// The thing is not there, or not visible yet: observe again.
    NotFound,
    /// The world is not as the call assumed: observe again.
    Conflict,
    /// A limit of the account is reached: the operator must act.
    Quota,
    /// Permission or credentials are missing: try again slowly, since permissions propagate.
    Denied,
    /// The service or the way to it is down: try again, later.
    Unavailable,
    /// A mutation was sent and no answer came: the next observation decides.
    OutcomeUnknown,
    /// Anything else, an answer that makes no sense included.
    Unexpected,
}

impl ErrorClass {
    /// Every class.
    pub const ALL: [Self; 8] = [
        Self::Throttled,
        Self::NotFound,
        Self::Conflict,
        Self::Quota,
        Self::Denied,
        Self::Unavailable,
        Self::OutcomeUnknown,
        Self::Unexpected,
    ];

    /// The name in metrics and logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Throttled => "throttled",
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
            Self::Quota => "quota",
            Self::Denied => "denied",
            Self::Unavailable => "unavailable",
            Self::OutcomeUnknown => "outcome_unknown",
            Self::Unexpected => "unexpected",
        }
    }

    /// Whether the same call may simply be made again after a wait.
    #[must_use]
    pub fn is_transient(self) -> bool {
        matches!(self, Self::Throttled | Self::Unavailable)
    }
}
