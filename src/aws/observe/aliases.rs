//! Lambda's ListAliases: where the aliases of a function lead.

use super::pages::{Page, walk};
use crate::aws::AwsTarget;
use crate::aws::call::Operation;
use crate::aws::convert;
use crate::aws::limits::Bucket;
use crate::domain::error_class::ErrorClass;
use crate::domain::function::FunctionRef;
use crate::domain::versions::Routes;
use crate::reconcile::ports::ApiError;

const OPERATION: Operation = Operation::of("lambda:ListAliases", Bucket::Lambda);

/// The most that Lambda's API reference names (believed); it may give fewer.
const ITEMS_PER_PAGE: i32 = 10_000;

/// The aliases of a function; none when there is no such function.
///
/// # Errors
/// Of any class but `NotFound`.
pub(in crate::aws) async fn routes(target: &AwsTarget, function: &FunctionRef) -> Result<Routes, ApiError> {
    let request =
        target.clients.lambda.list_aliases().function_name(function.name()).max_items(ITEMS_PER_PAGE);
    let subject = format!("of `{}`", function.name());
    let all = walk(&OPERATION, &subject, |subject, marker| {
        let request = request.clone().set_marker(marker);
        async move {
            let answer = target.caller.read(&OPERATION, &subject, || request.clone().send()).await?;
            let items = answer.aliases().iter().map(convert::route);
            Ok(Page::of(&OPERATION, items, answer.next_marker()))
        }
    })
    .await;
    match all.errors.into_iter().next() {
        Some(error) if error.class == ErrorClass::NotFound => Ok(Routes::new()),
        Some(error) => Err(error),
        None => Ok(all.found.into_iter().collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::canned::{Answer, Sent, Wire};
    use crate::reconcile::ports::Reads;

    fn json(status: u16, body: &str) -> Answer {
        Answer::Body(status, body.to_owned())
    }

    fn billing() -> FunctionRef {
        "billing:live".parse().expect("a valid function")
    }

    fn shown(routes: &Routes) -> Vec<String> {
        routes.iter().map(|(alias, versions)| format!("{alias} {versions:?}")).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn aliases_are_listed_page_by_page_with_their_weights() {
        let wire = Wire::new(|number, _: &Sent| match number {
            0 => json(
                200,
                r#"{"Aliases":[{"Name":"live","FunctionVersion":"7","RoutingConfig":{"AdditionalVersionWeights":{"6":0.1,"5":0.0}}}],"NextMarker":"m"}"#,
            ),
            _ => json(200, r#"{"Aliases":[{"Name":"next","FunctionVersion":"$LATEST"}]}"#),
        });
        let routes = wire.target().await.routes(&billing()).await.expect("it answers");
        assert_eq!(shown(&routes), ["live {6, 7}", "next {}"]);
        let sent = wire.sent();
        assert!(sent[0].uri.contains("/functions/billing/aliases?"), "{}", sent[0].uri);
        assert!(sent[1].uri.contains("Marker=m"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_function_that_is_not_there_has_none_and_a_malformed_alias_is_an_error() {
        let gone = r#"{"__type":"ResourceNotFoundException","Message":"Function not found: billing"}"#;
        let routes = Wire::of([json(404, gone)]).target().await.routes(&billing()).await;
        assert_eq!(routes.expect("it answers"), Routes::new());
        let odd = r#"{"Aliases":[{"Name":"live","FunctionVersion":"seven"}]}"#;
        let error = Wire::of([json(200, odd)]).target().await.routes(&billing()).await.expect_err("odd");
        assert_eq!(
            error.to_string(),
            "lambda:ListAliases of `live` failed: the answer has a malformed version, `seven`"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_names_the_permission() {
        let denied = json(403, r#"{"__type":"AccessDeniedException","Message":"No"}"#);
        let error = Wire::of([denied]).target().await.routes(&billing()).await.expect_err("denied");
        assert!(error.to_string().ends_with("hint: grant `lambda:ListAliases` on the function"), "{error}");
    }
}
