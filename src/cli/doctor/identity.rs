//! Whose the credentials are, and whether they are those that the configuration speaks of.

use super::check::{Check, Verdict};
use crate::domain::ids::AccountId;
use crate::reconcile::ports::ApiError;
use crate::reconcile::ports::examination::Identity;

pub(super) const NAME: &str = "identity";

/// Where nothing better is known.
pub(super) const OUT_OF_REACH: &str =
    "see that AWS can be reached from here with these credentials, and try again";

/// What is expected of the credentials.
pub(super) struct Expected<'a> {
    /// The account that the configuration names, if it does.
    pub(super) account: Option<&'a AccountId>,
    /// The role that is assumed, if one is.
    pub(super) role: Option<&'a str>,
}

/// Who answers for the target, and for a role, who became it.
pub(super) fn judge(
    identity: &Result<Identity, ApiError>,
    base: Option<&Result<Identity, ApiError>>,
    expected: &Expected<'_>,
) -> Check {
    let identity = match identity {
        Ok(identity) => identity,
        Err(error) => return Check::told(NAME, Verdict::Fail, &error.to_string()).or_remedy(OUT_OF_REACH),
    };
    let Identity { account, arn, .. } = identity;
    if let Some(wanted) = expected.account.filter(|wanted| *wanted != account) {
        let told = format!("`{arn}` belongs to account {account}, but the configuration names {wanted}");
        return Check::fail(NAME, told, format!("use credentials or a role of {wanted}"));
    }
    let chain = match (expected.role, base) {
        (None, _) => String::new(),
        (Some(role), Some(Ok(base))) => format!(", as `{role}`, which `{}` became", base.arn),
        (Some(role), _) => format!(", as `{role}`"),
    };
    Check::pass(NAME, format!("account {account}, `{arn}`{chain}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::error_class::ErrorClass;

    fn identity(arn: &str) -> Identity {
        let account = "111122223333".parse().expect("an account");
        Identity { account, arn: arn.to_owned(), answered_at: None }
    }

    #[test]
    fn credentials_are_told_with_their_role_and_must_be_of_the_account() {
        let other = "999999999999".parse().expect("an account");
        let plain = Expected { account: None, role: None };
        let check = judge(&Ok(identity("arn:a")), None, &plain);
        assert_eq!(
            (check.verdict, check.evidence.as_str()),
            (Verdict::Pass, "account 111122223333, `arn:a`")
        );
        let chained = Expected { account: None, role: Some("arn:role") };
        let check = judge(&Ok(identity("arn:a")), Some(&Ok(identity("arn:b"))), &chained);
        assert!(check.evidence.ends_with("as `arn:role`, which `arn:b` became"), "{}", check.evidence);
        let elsewhere = Expected { account: Some(&other), role: None };
        let check = judge(&Ok(identity("arn:a")), None, &elsewhere);
        assert_eq!(check.verdict, Verdict::Fail);
        assert_eq!(check.remedy.as_deref(), Some("use credentials or a role of 999999999999"));
        let denied = ApiError {
            operation: "sts:GetCallerIdentity",
            subject: "in `eu-west-1`".to_owned(),
            class: ErrorClass::Denied,
            code: None,
            request_id: None,
            message: "no AWS credentials found".to_owned(),
            hint: Some("set AWS_PROFILE".to_owned()),
            source: None,
        };
        let check = judge(&Err(denied), None, &plain);
        assert_eq!((check.verdict, check.remedy.as_deref()), (Verdict::Fail, Some("set AWS_PROFILE")));
    }
}
