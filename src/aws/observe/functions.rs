//! Lambda's ListFunctions: `$LATEST` alone, or every version.

use aws_sdk_lambda::types::FunctionVersion;

use super::pages::{Page, walk};
use crate::aws::AwsTarget;
use crate::aws::call::Operation;
use crate::aws::convert;
use crate::aws::limits::Bucket;
use crate::domain::function::{FunctionConfiguration, FunctionRef};
use crate::reconcile::ports::Partial;

const OPERATION: Operation = Operation::of("lambda:ListFunctions", Bucket::Lambda);

/// Lambda gives no more whatever is asked for (AWS.md 1, confirmed).
const ITEMS_PER_PAGE: i32 = 50;

/// Every function of the region, without its states.
pub(in crate::aws) async fn functions(target: &AwsTarget) -> Partial<(FunctionRef, FunctionConfiguration)> {
    list(target, &format!("in `{}`", target.region()), None).await
}

/// The network settings of every version of every function of the region.
pub(in crate::aws) async fn versions(target: &AwsTarget) -> Partial<(FunctionRef, FunctionConfiguration)> {
    let subject = format!("of all versions in `{}`", target.region());
    list(target, &subject, Some(FunctionVersion::All)).await
}

async fn list(
    target: &AwsTarget,
    subject: &str,
    versions: Option<FunctionVersion>,
) -> Partial<(FunctionRef, FunctionConfiguration)> {
    let request =
        target.clients.lambda.list_functions().max_items(ITEMS_PER_PAGE).set_function_version(versions);
    walk(&OPERATION, subject, |subject, marker| {
        let request = request.clone().set_marker(marker);
        async move {
            let answer = target.caller.read(&OPERATION, &subject, || request.clone().send()).await?;
            let items = answer.functions().iter().map(convert::listed_function);
            Ok(Page::of(&OPERATION, items, answer.next_marker()))
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use crate::aws::canned::{Answer, Sent, Wire};
    use crate::domain::error_class::ErrorClass;
    use crate::domain::function::{FunctionObservation, FunctionState, LastUpdate};
    use crate::reconcile::ports::Reads;

    const VPC: &str = r#""VpcConfig":{"SubnetIds":["subnet-0a1b2c3d"],"SecurityGroupIds":["sg-0a1b2c3d"]}"#;

    fn json(status: u16, body: &str) -> Answer {
        Answer::Body(status, body.to_owned())
    }

    #[tokio::test(start_paused = true)]
    async fn a_function_is_read_with_its_states() {
        let body = format!(
            r#"{{"FunctionName":"billing","Timeout":30,"State":"Active","LastUpdateStatus":"InProgress",{VPC}}}"#
        );
        let wire = Wire::of([json(200, &body)]);
        let function = "billing:live".parse().expect("a valid function");
        let answer = wire.target().await.function(&function).await.expect("it answers");
        let FunctionObservation::Known(known) = answer else { panic!("known, not {answer:?}") };
        assert_eq!(
            (known.state, known.last_update),
            (Some(FunctionState::Active), Some(LastUpdate::InProgress))
        );
        assert_eq!((known.timeout.as_secs(), known.pairs().len()), (30, 1));
        assert!(!known.on_capacity_provider && known.former_vpc.is_none());
        let uri = &wire.sent()[0].uri;
        assert!(uri.ends_with("/functions/billing/configuration?Qualifier=live"), "{uri}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_function_on_a_capacity_provider_is_known_as_such() {
        let provider = r#""CapacityProviderConfig":{"LambdaManagedInstancesCapacityProviderConfig":{"CapacityProviderArn":"a"}}"#;
        let wire = Wire::of([json(200, &format!("{{{VPC},{provider}}}"))]);
        let answer =
            wire.target().await.function(&"billing".parse().expect("valid")).await.expect("it answers");
        let FunctionObservation::Known(known) = answer else { panic!("known, not {answer:?}") };
        assert!(known.on_capacity_provider && known.pairs().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_function_that_is_not_there_is_an_observation() {
        let body = r#"{"__type":"ResourceNotFoundException","Message":"Function not found: billing"}"#;
        let wire = Wire::of([json(404, body)]);
        let answer = wire.target().await.function(&"billing".parse().expect("valid")).await;
        assert_eq!(answer.expect("it answers"), FunctionObservation::NotFound);
        assert_eq!(wire.sent().len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_denied_function_names_its_permission() {
        let wire = Wire::of([json(403, r#"{"__type":"AccessDeniedException","Message":"No"}"#)]);
        let error =
            wire.target().await.function(&"billing".parse().expect("valid")).await.expect_err("denied");
        assert_eq!(
            error.to_string(),
            "lambda:GetFunctionConfiguration of `billing` failed: `AccessDeniedException`: No; \
             hint: grant `lambda:GetFunctionConfiguration` on the function and its versions"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn all_versions_are_listed_by_their_numbers() {
        let body = format!(
            r#"{{"Functions":[{{"FunctionName":"a","Version":"$LATEST",{VPC}}},{{"FunctionName":"a","Version":"7",{VPC}}},{{"FunctionName":"a","Version":"x:y"}}]}}"#
        );
        let wire = Wire::of([json(200, &body)]);
        let answer = wire.target().await.versions().await;
        let names: Vec<_> = answer.found.iter().map(|(version, _)| version.to_string()).collect();
        assert_eq!(names, ["a", "a:7"]);
        let [error] = &answer.errors[..] else { panic!("one error, not {:?}", answer.errors) };
        assert_eq!(error.message, "the answer has a malformed version, `x:y`");
        assert!(wire.sent()[0].uri.contains("FunctionVersion=ALL"));
    }

    #[tokio::test(start_paused = true)]
    async fn functions_are_listed_page_by_page_without_states() {
        let wire = Wire::new(|number, _: &Sent| match number {
            0 => json(
                200,
                &format!(
                    r#"{{"Functions":[{{"FunctionName":"a","State":"Active",{VPC}}}],"NextMarker":"m"}}"#
                ),
            ),
            _ => {
                json(200, r#"{"Functions":[{"FunctionName":"b","Timeout":3},{"FunctionName":"not a name"}]}"#)
            }
        });
        let answer = wire.target().await.functions().await;
        let names: Vec<_> = answer.found.iter().map(|(function, _)| function.to_string()).collect();
        assert_eq!(names, ["a", "b"]);
        assert!(answer.found.iter().all(|(_, known)| known.state.is_none() && known.last_update.is_none()));
        let [error] = &answer.errors[..] else { panic!("one error, not {:?}", answer.errors) };
        assert_eq!((error.class, error.subject.as_str()), (ErrorClass::Unexpected, "of `not a name`"));
        assert!(wire.sent()[1].uri.contains("Marker=m") && wire.sent()[1].uri.contains("MaxItems=50"));
    }
}
