//! What an operator can do about a failure, in a clause that follows "hint: ". Knows no SDK type.

use super::call::Operation;
use crate::domain::error_class::ErrorClass;

/// Without credentials.
pub(super) const NO_CREDENTIALS: &str = "set AWS_PROFILE to a profile that has some, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run with a role";
/// With credentials that may not become the role.
pub(super) const NO_ROLE: &str =
    "grant `sts:AssumeRole` on the role, and let its trust policy name these credentials and the external id";

/// For an answer of AWS with a code.
pub(super) fn for_answer(operation: &Operation, class: ErrorClass, code: &str) -> Option<String> {
    match class {
        ErrorClass::Denied => Some(for_refusal(operation, code)),
        ErrorClass::Quota => Some("raise the quota of the account, or free some of it".to_owned()),
        _ => None,
    }
}

fn for_refusal(operation: &Operation, code: &str) -> String {
    const INVALID: &str = "these credentials are not valid; check AWS_PROFILE or AWS_ACCESS_KEY_ID";
    let hint = match code {
        "AuthFailure" if operation.changes() => {
            "the address must belong to the account, and the interface to no other service"
        }
        "AuthFailure" | "InvalidClientTokenId" | "InvalidToken" | "UnrecognizedClientException" => INVALID,
        code if code.starts_with("MissingAuthenticationToken") => INVALID,
        code if code.contains("Signature") => "check the secret access key, and the clock of this machine",
        code if code.starts_with("ExpiredToken") => "renew the credentials",
        // EC2's answer to a session that is over as well as to a request that is too old (believed).
        code if code.starts_with("RequestExpired") => {
            "renew the credentials, or set the clock of this machine if they have not expired"
        }
        "RequestTimeTooSkewed" => "set the clock of this machine",
        "OptInRequired" | "RegionDisabledException" => "enable the region or the service for the account",
        "PendingVerification" | "Blocked" => "ask AWS's support about the account",
        "OperationNotPermitted" => "AWS forbids this on the resource, whatever the permissions",
        _ => return format!("grant `{}` on {}", operation.name, operation.resource),
    };
    hint.to_owned()
}
