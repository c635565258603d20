//! What was sent for one action, and whether AWS may have carried it out although it answered with an error. Sends and
//! decides nothing.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::domain::error_class::ErrorClass;
use crate::reconcile::ports::{ApiError, Associated};

/// The attempts at one action.
#[derive(Default)]
pub(super) struct Sent {
    is_anything: AtomicBool,
    has_removed: AtomicBool,
    doubtful: OnceLock<Associated>,
}

impl Sent {
    /// A change is about to be sent.
    pub(super) fn note_sent(&self) {
        self.is_anything.store(true, Ordering::Relaxed);
    }

    /// Whether any change was sent.
    pub(super) fn is_anything(&self) -> bool {
        self.is_anything.load(Ordering::Relaxed)
    }

    /// Takes in what AWS answered to the removal of an address that makes room for another: unless it was refused, it may be
    /// off.
    pub(super) fn note_removal<T>(&self, answer: &Result<T, ApiError>) {
        let may_be_off = match answer {
            Ok(_) => true,
            Err(error) => match error.class {
                ErrorClass::OutcomeUnknown => true,
                ErrorClass::Unavailable => error.request_id.is_some(),
                _ => false,
            },
        };
        self.has_removed.fetch_or(may_be_off, Ordering::Relaxed);
    }

    /// Whether an address may have been taken off to make room.
    pub(super) fn has_removed(&self) -> bool {
        self.has_removed.load(Ordering::Relaxed)
    }

    /// Takes in what AWS answered to the change that the action ends with. A throttled request was refused before it was
    /// acted on, and one without an id never arrived; AWS's own errors (500, 503) say nothing of what was done.
    pub(super) fn note_answer<T>(&self, answer: &Result<T, ApiError>) {
        if let Err(error) = answer
            && error.class == ErrorClass::Unavailable
            && error.request_id.is_some()
        {
            let request_id = error.request_id.clone();
            self.doubtful.get_or_init(|| Associated { association: None, request_id });
        }
    }

    /// The first attempt that AWS may have carried out although it answered with an error.
    pub(super) fn doubtful(&self) -> Option<Associated> {
        self.doubtful.get().cloned()
    }

    /// What an error that ends the action means after all that was sent: an earlier attempt may have been carried out,
    /// and be the very thing that a later one was refused for.
    pub(super) fn weigh(&self, error: ApiError) -> ApiError {
        let is_open = error.class.is_transient() || error.class == ErrorClass::Conflict;
        match self.doubtful.get() {
            Some(_) if is_open => ApiError { class: ErrorClass::OutcomeUnknown, ..error },
            _ => error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(class: ErrorClass, request_id: Option<&str>) -> ApiError {
        ApiError {
            operation: "ec2:AssociateAddress",
            subject: "of `eipalloc-00000001`".to_owned(),
            class,
            code: None,
            request_id: request_id.map(str::to_owned),
            message: "it failed".to_owned(),
            hint: None,
            source: None,
        }
    }

    #[test]
    fn only_an_error_of_aws_itself_leaves_in_doubt_what_was_done() {
        use ErrorClass::{Conflict, Denied, OutcomeUnknown, Throttled, Unavailable};
        for (class, request_id, is_in_doubt) in [
            (Unavailable, Some("one"), true),
            (Unavailable, None, false),
            (Throttled, Some("one"), false),
            (Conflict, Some("one"), false),
        ] {
            let sent = Sent::default();
            sent.note_answer(&Err::<(), _>(error(class, request_id)));
            sent.note_answer(&Err::<(), _>(error(Throttled, Some("two"))));
            let doubtful = sent.doubtful().map(|attempt| attempt.request_id);
            assert_eq!(doubtful, is_in_doubt.then(|| request_id.map(str::to_owned)), "{class:?}");
            for (last, weighed) in [(Throttled, OutcomeUnknown), (Conflict, OutcomeUnknown), (Denied, Denied)]
            {
                let expected = if is_in_doubt { weighed } else { last };
                assert_eq!(sent.weigh(error(last, None)).class, expected, "{class:?}, {last:?}");
            }
        }
    }
}
