//! From the SDK's errors to [`ApiError`]: what happened, what class it is of, and what the operator can do.
//!
//! What AWS answered is in the message, and the SDK's error is dropped then, so that nothing is said twice. How much of
//! AWS's own words is passed on is for `telling`.

use std::error::Error as StdError;
use std::io;

use aws_config::imds::client::error::ImdsError;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::{ErrorMetadata, ProvideErrorMetadata};
use aws_types::request_id::RequestId;

use super::call::Operation;
use super::codes::{classify, classify_status};
use super::convert::Malformed;
use super::hints;
use super::telling::{name, one_line, told};
use crate::domain::error_class::ErrorClass;
use crate::reconcile::ports::ApiError;

/// What is known of a failure before it has a place in an [`ApiError`].
struct Failure {
    class: ErrorClass,
    code: Option<String>,
    message: String,
    hint: Option<String>,
    /// Whether the message leaves out what the SDK's error says.
    keep_source: bool,
}

impl Failure {
    fn new(class: ErrorClass, message: impl Into<String>) -> Self {
        Self { class, code: None, message: message.into(), hint: None, keep_source: false }
    }

    fn hint(self, hint: &str) -> Self {
        Self { hint: Some(hint.to_owned()), ..self }
    }
}

/// Converts the failure of a call.
pub(super) fn api_error<E>(operation: &Operation, subject: &str, error: SdkError<E, HttpResponse>) -> ApiError
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    let request_id = error.request_id().map(name);
    let failure = match &error {
        SdkError::ServiceError(answer) => {
            let status = answer.raw().status().as_u16();
            match answer.err().code().filter(|code| !code.is_empty()) {
                Some(code) => answered(operation, code, answer.err().message(), status),
                None => unintelligible(operation, status),
            }
        }
        SdkError::ResponseError(answer) => broken_off(operation, answer.raw().status().as_u16(), &error),
        SdkError::TimeoutError(_) => lost(operation, &error, "no answer in time"),
        SdkError::ConstructionFailure(_) => unsent(&error),
        SdkError::DispatchFailure(failure) if failure.is_timeout() => {
            lost(operation, &error, "no answer in time")
        }
        _ => lost(operation, &error, "the connection broke"),
    };
    ApiError {
        operation: operation.name,
        subject: subject.to_owned(),
        class: failure.class,
        code: failure.code,
        request_id,
        message: failure.message,
        hint: failure.hint,
        source: if failure.keep_source { error.into_source().ok() } else { None },
    }
}

/// Something in a list that cannot be what it should be.
pub(super) fn malformed(operation: &Operation, malformed: &Malformed) -> ApiError {
    ApiError {
        operation: operation.name,
        subject: format!("of {}", malformed.thing),
        class: ErrorClass::Unexpected,
        code: None,
        request_id: None,
        message: malformed.fault.to_string(),
        hint: None,
        source: None,
    }
}

/// An entry of a batch that was refused although the batch was accepted.
pub(super) fn refused_entry(
    operation: &Operation,
    subject: &str,
    code: &str,
    message: Option<&str>,
) -> ApiError {
    ApiError {
        operation: operation.name,
        subject: subject.to_owned(),
        class: ErrorClass::Unexpected,
        code: Some(name(code)),
        request_id: None,
        message: format!("an entry of the batch was refused: {}", one_line(message.unwrap_or(code))),
        hint: None,
        source: None,
    }
}

/// A list whose pages do not end.
pub(super) fn endless(operation: &Operation, subject: &str, message: String) -> ApiError {
    ApiError {
        operation: operation.name,
        subject: subject.to_owned(),
        class: ErrorClass::Unexpected,
        code: None,
        request_id: None,
        message,
        hint: None,
        source: None,
    }
}

/// AWS gave an error code.
fn answered(operation: &Operation, code: &str, message: Option<&str>, status: u16) -> Failure {
    let class = classify(code, status);
    Failure {
        class,
        code: Some(name(code)),
        message: told(code, message),
        hint: hints::for_answer(operation, class, code),
        keep_source: false,
    }
}

/// Something answered, but not in a way that AWS would: garbage, a proxy's page, half an answer.
fn unintelligible(operation: &Operation, status: u16) -> Failure {
    let class = match classify_status(status) {
        ErrorClass::Throttled => ErrorClass::Throttled,
        _ if operation.changes() => ErrorClass::OutcomeUnknown,
        class => class,
    };
    let failure = Failure::new(class, format!("the answer (HTTP {status}) makes no sense"))
        .hint("see what answers in the place of AWS: a proxy, a wrong AWS_ENDPOINT_URL");
    Failure { keep_source: true, ..failure }
}

/// An answer began and its end is missing.
fn broken_off(operation: &Operation, status: u16, error: &(dyn StdError + 'static)) -> Failure {
    if cause::<io::Error>(error).is_some() || cause::<hyper::Error>(error).is_some() {
        return lost(operation, error, "the connection broke amid the answer");
    }
    unintelligible(operation, status)
}

/// No answer came.
fn lost(operation: &Operation, error: &(dyn StdError + 'static), what: &str) -> Failure {
    if let Some(credentials) = cause::<CredentialsError>(error) {
        return no_credentials(credentials);
    }
    let why = one_line(&root(error).to_string());
    if never_connected(error) {
        return Failure::new(ErrorClass::Unavailable, format!("no connection: {why}"))
            .hint("check the route, DNS, proxies and AWS_ENDPOINT_URL");
    }
    if why.contains("endpoint must") {
        return Failure::new(ErrorClass::Unexpected, format!("the request cannot be made: {why}"))
            .hint("AWS_ENDPOINT_URL must be a whole URL, such as `http://127.0.0.1:4566`");
    }
    let class = if operation.changes() { ErrorClass::OutcomeUnknown } else { ErrorClass::Unavailable };
    Failure::new(class, format!("{what}: {why}"))
}

/// The SDK could not even make the request.
fn unsent(error: &(dyn StdError + 'static)) -> Failure {
    match cause::<CredentialsError>(error) {
        Some(credentials) => no_credentials(credentials),
        None => {
            let why = one_line(&root(error).to_string());
            Failure::new(ErrorClass::Unexpected, format!("the request cannot be made: {why}"))
        }
    }
}

/// Nothing was sent to the operation's service, since there was nothing to sign with.
fn no_credentials(error: &(dyn StdError + 'static)) -> Failure {
    if let Some((code, message, status)) = refusal(error) {
        let failure = Failure::new(
            classify(&code, status),
            format!("the credentials cannot be had: {}", told(&code, message.as_deref())),
        );
        let failure = match failure.class {
            ErrorClass::Denied => failure.hint(hints::NO_ROLE),
            _ => failure,
        };
        return Failure { code: Some(name(&code)), ..failure };
    }
    match cause::<CredentialsError>(error) {
        Some(CredentialsError::CredentialsNotLoaded(_)) => {
            return Failure::new(ErrorClass::Denied, "no AWS credentials found").hint(hints::NO_CREDENTIALS);
        }
        // The last in the chain of sources: whoever comes here has no others.
        _ if cause::<ImdsError>(error).is_some() => {
            return Failure::new(
                ErrorClass::Denied,
                "no AWS credentials found, and the instance metadata service gives none",
            )
            .hint(hints::NO_CREDENTIALS);
        }
        _ => {}
    }
    let why = one_line(&root(error).to_string());
    // A source that hangs is one to set right, and five attempts at it would take half a minute: no transient failure.
    let timed_out = matches!(cause::<CredentialsError>(error), Some(CredentialsError::ProviderTimedOut(_)));
    let by_sts = cause::<SdkError<AssumeRoleError, HttpResponse>>(error).is_some();
    if !timed_out && (never_connected(error) || by_sts) {
        return Failure::new(ErrorClass::Unavailable, format!("the credentials cannot be had: {why}"));
    }
    Failure::new(ErrorClass::Denied, format!("the credentials cannot be had: {why}"))
        .hint(hints::NO_CREDENTIALS)
}

/// What STS or its like said when it gave no credentials.
fn refusal(error: &(dyn StdError + 'static)) -> Option<(String, Option<String>, u16)> {
    let owned = |code: Option<&str>, message: Option<&str>, status| {
        let code = code.filter(|code| !code.is_empty())?;
        Some((code.to_owned(), message.map(str::to_owned), status))
    };
    if let Some(SdkError::ServiceError(answer)) = cause::<SdkError<AssumeRoleError, HttpResponse>>(error) {
        return owned(answer.err().code(), answer.err().message(), answer.raw().status().as_u16());
    }
    let metadata = cause::<ErrorMetadata>(error)?;
    owned(metadata.code(), metadata.message(), 400)
}

/// Whether it is certain that not a byte of the request left.
fn never_connected(error: &(dyn StdError + 'static)) -> bool {
    if cause::<hyper_util::client::legacy::Error>(error).is_some_and(|error| error.is_connect()) {
        return true;
    }
    cause::<io::Error>(error).is_some_and(|error| {
        matches!(
            error.kind(),
            io::ErrorKind::ConnectionRefused
                | io::ErrorKind::HostUnreachable
                | io::ErrorKind::NetworkUnreachable
                | io::ErrorKind::AddrNotAvailable
        )
    })
}

fn chain<'e>(error: &'e (dyn StdError + 'static)) -> impl Iterator<Item = &'e (dyn StdError + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let error = next?;
        next = error.source();
        Some(error)
    })
}

fn cause<'e, T: StdError + 'static>(error: &'e (dyn StdError + 'static)) -> Option<&'e T> {
    chain(error).find_map(|error| error.downcast_ref())
}

fn root<'e>(error: &'e (dyn StdError + 'static)) -> &'e (dyn StdError + 'static) {
    chain(error).last().unwrap_or(error)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use aws_credential_types::credential_fn::provide_credentials_fn;
    use aws_credential_types::provider::SharedCredentialsProvider;

    use super::*;
    use crate::aws::canned::{Answer, Sent, Wire, ec2_error, place, target, xml};
    use crate::aws::{AssumedRole, Place};
    use crate::reconcile::ports::{Changes, Reads};

    const ENI: &str = "eni-0123456789abcdef0";
    const ALLOCATION: &str = "eipalloc-0123456789abcdef0";

    async fn read(wire: &Wire) -> ApiError {
        let id = ENI.parse().expect("a valid id");
        wire.target().await.interface(&id).await.expect_err("the read fails")
    }

    async fn change(wire: &Wire) -> ApiError {
        let (allocation, id) = (ALLOCATION.parse().expect("valid"), ENI.parse().expect("valid"));
        wire.target()
            .await
            .associate(&allocation, &id, crate::reconcile::ports::Takes::Nothing)
            .await
            .expect_err("the change fails")
    }

    fn body(status: u16, body: &str) -> Answer {
        Answer::Body(status, body.to_owned())
    }

    #[tokio::test(start_paused = true)]
    async fn every_failure_has_its_class_for_reads_and_for_changes() {
        use ErrorClass::{Conflict, Denied, OutcomeUnknown, Throttled, Unavailable, Unexpected};
        let cut = "<DescribeNetworkInterfacesResponse><networkInterfaceSet><item>";
        let cut_change = "<AssociateAddressResponse><return>true</return><associationId>eipassoc-0";
        for (answer, when_read, when_changed) in [
            (ec2_error(503, "RequestLimitExceeded", "Slow"), Throttled, Throttled),
            (ec2_error(403, "UnauthorizedOperation", "No"), Denied, Denied),
            (ec2_error(400, "Resource.AlreadyAssociated", "Taken"), Conflict, Conflict),
            (ec2_error(500, "InternalError", "Oops"), Unavailable, Unavailable),
            (ec2_error(400, "NeverHeardOf", "What"), Unexpected, Unexpected),
            (body(502, "<html><body>Bad gateway</body></html>"), Unavailable, OutcomeUnknown),
            (body(403, "<html><body>Proxy says no</body></html>"), Unexpected, OutcomeUnknown),
            (body(429, ""), Throttled, Throttled),
            (body(200, "<html><body>Welcome</body></html>"), Unexpected, OutcomeUnknown),
            (body(200, "garbage"), Unexpected, OutcomeUnknown),
            (body(200, ""), Unexpected, OutcomeUnknown),
            (body(200, cut), Unexpected, OutcomeUnknown),
            (body(200, cut_change), Unexpected, OutcomeUnknown),
            (Answer::Refused, Unavailable, Unavailable),
            (Answer::Reset, Unavailable, OutcomeUnknown),
            (Answer::Silence, Unavailable, OutcomeUnknown),
        ] {
            let shown = format!("{answer:?}");
            let wire = Wire::of([answer]);
            let (read, change) = (read(&wire).await, change(&wire).await);
            assert_eq!((read.class, change.class), (when_read, when_changed), "{shown}\n{read}\n{change}");
            for text in [read.to_string(), change.to_string()] {
                assert!(!text.contains('\n') && !text.ends_with('.'), "{text}");
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_names_the_permission_and_is_said_once() {
        let text =
            "You are not authorized to perform this operation. Encoded authorization failure message: xyz";
        let error = change(&Wire::of([ec2_error(403, "UnauthorizedOperation", text)])).await;
        assert_eq!(
            error.to_string(),
            "ec2:AssociateAddress of `eipalloc-0123456789abcdef0` with `eni-0123456789abcdef0` failed: \
             `UnauthorizedOperation`: You are not authorized to perform this operation; \
             hint: grant `ec2:AssociateAddress` on the address and the network interface"
        );
        assert_eq!(error.code.as_deref(), Some("UnauthorizedOperation"));
        assert_eq!(error.request_id.as_deref(), Some("request-0"));
        assert!(error.source.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_listening_is_said_in_one_line() {
        let error = read(&Wire::of([Answer::Refused])).await;
        assert_eq!(
            error.to_string(),
            "ec2:DescribeNetworkInterfaces of `eni-0123456789abcdef0` failed: no connection: connection refused; \
             hint: check the route, DNS, proxies and AWS_ENDPOINT_URL"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_quoted_session_token_is_not_passed_on() {
        let text =
            "The Canonical String for this request should have been 'POST x-amz-security-token:secret'";
        for code in ["SignatureDoesNotMatch", "IncompleteSignature", "InvalidSignatureException"] {
            let error = read(&Wire::of([ec2_error(403, code, text)])).await;
            assert_eq!(error.class, ErrorClass::Denied);
            assert!(!format!("{error:?} {error}").contains("secret'"), "{error:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn no_credentials_is_one_clear_line_and_nothing_is_sent() {
        let wire = Wire::of([Answer::Refused]);
        let mut surroundings = wire.surroundings();
        let none = provide_credentials_fn(|| async { Err(CredentialsError::not_loaded("nowhere")) });
        surroundings.credentials = Some(SharedCredentialsProvider::new(none));
        let target = target(&surroundings, &place(), 1, &Arc::default()).await;
        let error = target.account().await.expect_err("no credentials");
        assert_eq!(
            error.to_string(),
            "sts:GetCallerIdentity in `eu-west-1` failed: no AWS credentials found; hint: set AWS_PROFILE \
             to a profile that has some, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run with a role"
        );
        let (allocation, id) = (ALLOCATION.parse().expect("valid"), ENI.parse().expect("valid"));
        let change = target
            .associate(&allocation, &id, crate::reconcile::ports::Takes::Nothing)
            .await
            .expect_err("no credentials");
        assert_eq!((error.class, change.class), (ErrorClass::Denied, ErrorClass::Denied));
        assert_eq!(wire.sent(), []);
    }

    #[tokio::test(start_paused = true)]
    async fn credentials_that_never_come_are_given_up_after_five_seconds() {
        let wire = Wire::of([Answer::Refused]);
        let mut surroundings = wire.surroundings();
        surroundings.credentials =
            Some(SharedCredentialsProvider::new(provide_credentials_fn(std::future::pending)));
        let target = target(&surroundings, &place(), 1, &Arc::default()).await;
        let start = tokio::time::Instant::now();
        let (allocation, id) = (ALLOCATION.parse().expect("valid"), ENI.parse().expect("valid"));
        let error = target
            .associate(&allocation, &id, crate::reconcile::ports::Takes::Nothing)
            .await
            .expect_err("no credentials");
        assert_eq!((error.class, start.elapsed().as_secs()), (ErrorClass::Denied, 5), "{error}");
        assert!(error.to_string().contains("timed out after 5 seconds"), "{error}");
    }

    fn role() -> Place {
        let arn = "arn:aws:iam::111122223333:role/eipd".to_owned();
        let role = AssumedRole { arn, external_id: Some("shibboleth".to_owned()) };
        Place { role: Some(role), ..place() }
    }

    fn sts_error(status: u16, code: &str, message: &str) -> Answer {
        let error =
            format!("<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>");
        body(status, &format!("<ErrorResponse>{error}<RequestId>r</RequestId></ErrorResponse>"))
    }

    #[tokio::test(start_paused = true)]
    async fn a_role_that_may_not_be_assumed_says_so() {
        for (answer, class, says) in [
            (sts_error(403, "AccessDenied", "Not authorized"), ErrorClass::Denied, "grant `sts:AssumeRole`"),
            (sts_error(400, "Throttling", "Rate exceeded"), ErrorClass::Throttled, "Rate exceeded"),
            (Answer::Refused, ErrorClass::Unavailable, "connection refused"),
            (body(200, "garbage"), ErrorClass::Unavailable, "cannot be had"),
        ] {
            let wire = Wire::of([answer]);
            let target = target(&wire.surroundings(), &role(), 1, &Arc::default()).await;
            let error = target.account().await.expect_err("no role");
            assert_eq!(error.class, class, "{error}");
            assert!(error.to_string().contains(says), "{error}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_role_is_assumed_with_its_external_id_and_our_name() {
        let wire = Wire::new(|_, sent: &Sent| {
            if sent.body.contains("Action=AssumeRole") {
                let credentials = "<AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>s</SecretAccessKey>\
                     <SessionToken>t</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>";
                let result = format!("<Credentials>{credentials}</Credentials>");
                return xml("AssumeRole", &format!("<AssumeRoleResult>{result}</AssumeRoleResult>"));
            }
            let result = "<Account>111122223333</Account>";
            xml("GetCallerIdentity", &format!("<GetCallerIdentityResult>{result}</GetCallerIdentityResult>"))
        });
        let target = target(&wire.surroundings(), &role(), 1, &Arc::default()).await;
        for _ in 0..2 {
            assert_eq!(target.account().await.expect("it answers").as_str(), "111122223333");
        }
        let sent = wire.sent();
        assert_eq!(sent.len(), 3, "the role's credentials are kept");
        assert!(
            sent[0].body.contains("ExternalId=shibboleth") && sent[0].body.contains("RoleSessionName=eipd")
        );
        assert!(sent[1].headers.contains("Credential=ASIAROLE/") && sent[1].headers.contains("app/eipd"));
    }
}
