//! What AWS's error codes mean for what to do next: one table. Knows no operation and no transport.
//!
//! `DryRunOperation` is not in it: it is the answer that a call would have succeeded, and whoever asks for a dry run
//! looks for it.

use self::Code::{Ends, Is, Starts};
use crate::domain::error_class::ErrorClass;

enum Code {
    Is(&'static str),
    Starts(&'static str),
    Ends(&'static str),
}

impl Code {
    fn matches(&self, code: &str) -> bool {
        match self {
            Is(name) => code == *name,
            Starts(start) => code.starts_with(start),
            Ends(end) => code.ends_with(end),
        }
    }
}

/// The first line that matches decides. Sources: AWS.md 2's table; for the throttling codes the list that the SDK
/// itself uses (AWS.md 2, confirmed); the classes of the rest are judgement.
const TABLE: &[(Code, ErrorClass)] = &[
    // Above `…LimitExceeded`: too fast, not too much.
    (Is("RequestLimitExceeded"), ErrorClass::Throttled),
    (Is("BandwidthLimitExceeded"), ErrorClass::Throttled),
    (Starts("Throttl"), ErrorClass::Throttled),
    (Starts("RequestThrottled"), ErrorClass::Throttled),
    (Starts("TooManyRequests"), ErrorClass::Throttled),
    (Is("EC2ThrottledException"), ErrorClass::Throttled),
    (Is("PriorRequestNotComplete"), ErrorClass::Throttled),
    (Is("SlowDown"), ErrorClass::Throttled),
    (Starts("Unauthorized"), ErrorClass::Denied),
    (Starts("AccessDenied"), ErrorClass::Denied),
    (Is("NotAuthorized"), ErrorClass::Denied),
    // Bad credentials, an address of another account, or an interface of another service (AWS.md 2, confirmed).
    (Is("AuthFailure"), ErrorClass::Denied),
    (Is("UnrecognizedClientException"), ErrorClass::Denied),
    (Starts("ExpiredToken"), ErrorClass::Denied),
    (Is("InvalidClientTokenId"), ErrorClass::Denied),
    (Is("InvalidToken"), ErrorClass::Denied),
    (Is("SignatureDoesNotMatch"), ErrorClass::Denied),
    (Starts("InvalidSignature"), ErrorClass::Denied),
    (Starts("IncompleteSignature"), ErrorClass::Denied),
    (Starts("MissingAuthenticationToken"), ErrorClass::Denied),
    (Starts("RequestExpired"), ErrorClass::Denied),
    (Is("RequestTimeTooSkewed"), ErrorClass::Denied),
    (Is("OptInRequired"), ErrorClass::Denied),
    (Is("RegionDisabledException"), ErrorClass::Denied),
    (Is("PendingVerification"), ErrorClass::Denied),
    (Is("Blocked"), ErrorClass::Denied),
    // What AWS forbids on its own interfaces stays forbidden however often one looks again (AWS.md 2, believed).
    (Is("OperationNotPermitted"), ErrorClass::Denied),
    (Ends(".NotFound"), ErrorClass::NotFound),
    (Starts("ResourceNotFound"), ErrorClass::NotFound),
    (Ends(".AlreadyAssociated"), ErrorClass::Conflict),
    (Ends(".InUse"), ErrorClass::Conflict),
    (Starts("IncorrectState"), ErrorClass::Conflict),
    (Is("IncorrectInstanceState"), ErrorClass::Conflict),
    (Is("DependencyViolation"), ErrorClass::Conflict),
    (Starts("ResourceConflict"), ErrorClass::Conflict),
    // A mistake of ours (more than 200 values), not a limit that anybody could raise.
    (Is("FilterLimitExceeded"), ErrorClass::Unexpected),
    (Ends("LimitExceeded"), ErrorClass::Quota),
    (Ends("LimitExceededException"), ErrorClass::Quota),
    (Starts("ServiceQuotaExceeded"), ErrorClass::Quota),
    (Starts("InternalError"), ErrorClass::Unavailable),
    (Starts("InternalFailure"), ErrorClass::Unavailable),
    (Starts("InternalServer"), ErrorClass::Unavailable),
    (Starts("ServiceUnavailable"), ErrorClass::Unavailable),
    (Is("ServiceException"), ErrorClass::Unavailable),
    (Is("Unavailable"), ErrorClass::Unavailable),
    (Starts("RequestTimeout"), ErrorClass::Unavailable),
];

/// The class of an answer with this code and HTTP status. The code decides if it is known: EC2 throttles with 503.
pub(super) fn classify(code: &str, status: u16) -> ErrorClass {
    // CloudTrail and some documents write the side at fault before the code.
    let code = code.strip_prefix("Client.").or_else(|| code.strip_prefix("Server.")).unwrap_or(code);
    match TABLE.iter().find(|(pattern, _)| pattern.matches(code)) {
        Some((_, class)) => *class,
        None => classify_status(status),
    }
}

/// The class of an answer whose code says nothing to us.
pub(super) fn classify_status(status: u16) -> ErrorClass {
    match status {
        429 => ErrorClass::Throttled,
        500.. => ErrorClass::Unavailable,
        _ => ErrorClass::Unexpected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_class() {
        use ErrorClass::{Conflict, Denied, NotFound, Quota, Throttled, Unavailable, Unexpected};
        for (code, status, class) in [
            ("RequestLimitExceeded", 503, Throttled),
            ("Throttling", 400, Throttled),
            ("ThrottlingException", 400, Throttled),
            ("ThrottledException", 400, Throttled),
            ("RequestThrottledException", 400, Throttled),
            ("TooManyRequestsException", 429, Throttled),
            ("EC2ThrottledException", 503, Throttled),
            ("SlowDown", 503, Throttled),
            ("UnauthorizedOperation", 403, Denied),
            ("AccessDenied", 403, Denied),
            ("AccessDeniedException", 403, Denied),
            ("AuthFailure", 401, Denied),
            ("UnrecognizedClientException", 403, Denied),
            ("ExpiredToken", 400, Denied),
            ("ExpiredTokenException", 403, Denied),
            ("InvalidClientTokenId", 403, Denied),
            ("SignatureDoesNotMatch", 403, Denied),
            ("InvalidSignatureException", 403, Denied),
            ("RequestExpired", 400, Denied),
            ("OptInRequired", 401, Denied),
            ("OperationNotPermitted", 400, Denied),
            ("Client.OperationNotPermitted", 400, Denied),
            ("InvalidNetworkInterfaceID.NotFound", 400, NotFound),
            ("InvalidAllocationID.NotFound", 400, NotFound),
            ("ResourceNotFoundException", 404, NotFound),
            ("Resource.AlreadyAssociated", 400, Conflict),
            ("InvalidIPAddress.InUse", 400, Conflict),
            ("InvalidNetworkInterface.InUse", 400, Conflict),
            ("IncorrectState", 400, Conflict),
            ("ResourceConflictException", 409, Conflict),
            ("AddressLimitExceeded", 400, Quota),
            ("NetworkInterfaceLimitExceeded", 400, Quota),
            ("ServiceQuotaExceededException", 402, Quota),
            ("InternalError", 500, Unavailable),
            ("ServiceUnavailable", 503, Unavailable),
            ("ServiceException", 500, Unavailable),
            ("NeverHeardOf", 500, Unavailable),
            ("NeverHeardOf", 504, Unavailable),
            ("NeverHeardOf", 429, Throttled),
            ("NeverHeardOf", 400, Unexpected),
            ("FilterLimitExceeded", 400, Unexpected),
            ("InvalidParameterValue", 400, Unexpected),
            ("InvalidParameterCombination", 400, Unexpected),
        ] {
            assert_eq!(classify(code, status), class, "{code} with {status}");
        }
    }
}
