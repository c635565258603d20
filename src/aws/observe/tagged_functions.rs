//! GetResources of the Resource Groups Tagging API: which functions bear a tag. Lambda itself tells tags only function by
//! function, out of the 15 requests a second of its whole control plane (AWS.md 2, confirmed).

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_resourcegroupstagging::types::TagFilter;

use super::pages::{Page, walk};
use crate::aws::AwsTarget;
use crate::aws::call::Operation;
use crate::aws::convert;
use crate::aws::limits::Bucket;
use crate::domain::function::FunctionRef;
use crate::domain::tag::Tag;
use crate::reconcile::ports::Partial;

const OPERATION: Operation = Operation::of("tag:GetResources", Bucket::Tagging);

/// The service gives no more (API reference of GetResources, confirmed), and perhaps fewer on a page that is not the last.
const ITEMS_PER_PAGE: i32 = 100;
/// Of one key; several keys in one call would all have to be borne (API reference of GetResources, confirmed).
const VALUES_PER_CALL: usize = 20;

/// The functions that bear these tags, each once for each of them. The service hears of deletions late, so a deleted
/// function may be among them.
pub(in crate::aws) async fn functions_of_tags(
    target: &AwsTarget,
    tags: &BTreeSet<Tag>,
) -> Partial<(Tag, FunctionRef)> {
    let mut by_key: BTreeMap<&str, Vec<&Tag>> = BTreeMap::new();
    for tag in tags {
        by_key.entry(tag.key()).or_default().push(tag);
    }
    let mut all = Partial::default();
    for (key, tags) in by_key {
        for tags in tags.chunks(VALUES_PER_CALL) {
            all.add(of_key(target, key, tags).await);
        }
    }
    all
}

/// What bears another value is left out, whatever the filter let pass.
async fn of_key(target: &AwsTarget, key: &str, tags: &[&Tag]) -> Partial<(Tag, FunctionRef)> {
    let subject = match tags {
        [only] => format!("of functions tagged `{only}`"),
        several => format!("of functions tagged `{key}` with {} values", several.len()),
    };
    let values = tags.iter().map(|tag| tag.value().to_owned()).collect();
    let filter = TagFilter::builder().key(key).set_values(Some(values)).build();
    let request = target
        .clients
        .tagging
        .get_resources()
        .resource_type_filters("lambda:function")
        .resources_per_page(ITEMS_PER_PAGE)
        .tag_filters(filter);
    walk(&OPERATION, &subject, |subject, token| {
        let request = request.clone().set_pagination_token(token);
        async move {
            let answer = target.caller.read(&OPERATION, &subject, || request.clone().send()).await?;
            let items = answer.resource_tag_mapping_list().iter().filter_map(|item| {
                let value = item.tags().iter().find(|borne| borne.key() == key).map(|borne| borne.value());
                let tag = tags.iter().find(|tag| Some(tag.value()) == value)?;
                let function = convert::function_of_arn(item.resource_arn());
                Some(function.map(|function| ((*tag).clone(), function)))
            });
            Ok(Page::of(&OPERATION, items, answer.pagination_token()))
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::canned::{Answer, Sent, Wire};
    use crate::domain::error_class::ErrorClass;
    use crate::reconcile::ports::Reads;

    fn tags(texts: &[&str]) -> BTreeSet<Tag> {
        texts.iter().map(|text| text.parse().expect("a tag")).collect()
    }

    fn page(functions: &[(&str, &str, &str)], next: &str) -> Answer {
        let item = |(name, key, value): &(&str, &str, &str)| {
            format!(
                r#"{{"ResourceARN":"arn:aws:lambda:eu-west-1:111122223333:function:{name}","Tags":[{{"Key":"{key}","Value":"{value}"}}]}}"#
            )
        };
        let items: Vec<String> = functions.iter().map(item).collect();
        let list = items.join(",");
        Answer::Body(200, format!(r#"{{"PaginationToken":"{next}","ResourceTagMappingList":[{list}]}}"#))
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_to_ask_for_makes_no_call() {
        let wire = Wire::of([Answer::Refused]);
        let answer = wire.target().await.functions_of_tags(&BTreeSet::new()).await;
        assert_eq!((answer.found.len(), answer.errors.len(), wire.sent().len()), (0, 0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn functions_are_asked_for_key_by_key_and_page_by_page() {
        let wire = Wire::new(|number, _: &Sent| match number {
            0 => page(&[("a", "team", "x"), ("b", "team", "X")], "more"),
            1 => page(&[("c", "team", "y")], ""),
            _ => page(&[("d", "zone", "1")], ""),
        });
        let answer = wire.target().await.functions_of_tags(&tags(&["team=x", "team=y", "zone=1"])).await;
        let told: Vec<String> = answer.found.iter().map(|(tag, name)| format!("{tag} {name}")).collect();
        assert_eq!(told, ["team=x a", "team=y c", "zone=1 d"], "{:?}", answer.errors);
        let sent = wire.sent();
        assert_eq!(sent.len(), 3);
        assert!(sent[0].headers.contains("ResourceGroupsTaggingAPI_20170126.GetResources"), "{:?}", sent[0]);
        for part in [r#""ResourceTypeFilters":["lambda:function"]"#, r#""Values":["x","y"]"#] {
            assert!(sent[0].body.contains(part), "{}", sent[0].body);
        }
        assert!(sent[1].body.contains(r#""PaginationToken":"more""#), "{}", sent[1].body);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_names_its_permission_and_what_makes_no_sense_is_told() {
        let body = r#"{"__type":"AccessDeniedException","message":"No"}"#;
        let wire = Wire::of([Answer::Body(400, body.to_owned())]);
        let answer = wire.target().await.functions_of_tags(&tags(&["eipd:pool=a"])).await;
        let [error] = &answer.errors[..] else { panic!("one error, not {:?}", answer.errors) };
        assert_eq!(error.class, ErrorClass::Denied);
        assert_eq!(
            error.to_string(),
            "tag:GetResources of functions tagged `eipd:pool=a` failed: `AccessDeniedException`: No; \
             hint: grant `tag:GetResources` on `*`"
        );
        let wire = Wire::of([page(&[("not a name", "team", "x"), ("a", "team", "x")], "")]);
        let answer = wire.target().await.functions_of_tags(&tags(&["team=x"])).await;
        assert_eq!((answer.found.len(), answer.errors.len()), (1, 1));
    }
}
