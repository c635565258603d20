//! STS's GetCallerIdentity once more, with who answers and when: the `Date` of the answer is the service's own clock.

use std::sync::{Arc, Mutex};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use jiff::Timestamp;
use jiff::fmt::rfc2822;

use crate::aws::AwsTarget;
use crate::aws::call::Operation;
use crate::aws::convert;
use crate::aws::errors::malformed;
use crate::aws::limits::Bucket;
use crate::reconcile::ports::ApiError;
use crate::reconcile::ports::examination::Identity;

const OPERATION: Operation = Operation::of("sts:GetCallerIdentity", Bucket::Free);

/// Who the credentials are.
pub(in crate::aws) async fn identity(target: &AwsTarget) -> Result<Identity, ApiError> {
    let subject = format!("in `{}`", target.region());
    let request = target.clients.sts.get_caller_identity();
    let date = Arc::new(Mutex::new(None));
    let send = || request.clone().customize().interceptor(DateOfAnswer(Arc::clone(&date))).send();
    let answer = target.caller.read(&OPERATION, &subject, send).await?;
    let account = convert::account(&answer).map_err(|fault| malformed(&OPERATION, &fault))?;
    let answered_at = *date.lock().expect("nobody panics while holding it");
    Ok(Identity { account, arn: answer.arn().unwrap_or_default().to_owned(), answered_at })
}

#[derive(Debug)]
struct DateOfAnswer(Arc<Mutex<Option<Timestamp>>>);

#[dyn_dispatch_hint]
impl Intercept for DateOfAnswer {
    fn name(&self) -> &'static str {
        "DateOfAnswer"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date").and_then(|date| rfc2822::parse(date).ok());
        *self.0.lock().expect("nobody panics while holding it") = date.map(|date| date.timestamp());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::aws::canned::{Wire, xml};
    use crate::reconcile::ports::examination::Examination;

    #[tokio::test(start_paused = true)]
    async fn the_caller_is_told_and_an_answer_without_a_date_tells_no_time() {
        let result = "<GetCallerIdentityResult><Account>111122223333</Account>\
                      <Arn>arn:aws:sts::111122223333:assumed-role/eipd/eipd</Arn></GetCallerIdentityResult>";
        let wire = Wire::of([xml("GetCallerIdentity", result)]);
        let identity = wire.target().await.identity().await.expect("it answers");
        assert_eq!(identity.arn, "arn:aws:sts::111122223333:assumed-role/eipd/eipd");
        assert_eq!(identity.answered_at, None);
    }

    #[test]
    fn the_date_of_http_is_understood() {
        let date = jiff::fmt::rfc2822::parse("Wed, 25 Nov 2026 08:06:29 GMT").expect("a date");
        assert_eq!(date.timestamp().to_string(), "2026-11-25T08:06:29Z");
    }
}
