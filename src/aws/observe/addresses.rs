//! EC2's DescribeAddresses. By filter, not by ids: a list of ids fails whole for one unknown id (AWS.md 2, believed).

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use aws_sdk_ec2::types::{Address as Item, Filter};
use futures_util::StreamExt;
use futures_util::stream;

use crate::aws::AwsTarget;
use crate::aws::call::Operation;
use crate::aws::convert;
use crate::aws::errors::malformed;
use crate::aws::limits::Bucket;
use crate::aws::shared::Shared;
use crate::domain::ids::AllocationId;
use crate::domain::observed::Address;
use crate::domain::tag::Tag;
use crate::reconcile::ports::{ApiError, Partial};

const OPERATION: Operation = Operation::of("ec2:DescribeAddresses", Bucket::Ec2Reads);

/// A filter takes 200 values (AWS.md 2, confirmed), and the answer has no pages (AWS.md 2, confirmed).
const VALUES_PER_CALL: usize = 200;
/// Enough to hide the latency of a few thousand addresses, and little beside the bucket's burst.
const CALLS_AT_ONCE: usize = 4;

/// One filter, and what it asks for in the words of a message.
#[derive(Clone)]
struct Question {
    filter: String,
    values: Vec<String>,
    subject: String,
}

impl Question {
    /// As many as it takes for these values.
    fn about(filter: &str, values: &[String], subject: impl Fn(&[String]) -> String) -> Vec<Self> {
        let question = |values: &[String]| Self {
            filter: filter.to_owned(),
            values: values.to_vec(),
            subject: subject(values),
        };
        values.chunks(VALUES_PER_CALL).map(question).collect()
    }
}

/// Those of the addresses that exist. A call that fails costs its own addresses only.
pub(in crate::aws) async fn addresses(target: &AwsTarget, ids: &BTreeSet<AllocationId>) -> Partial<Address> {
    let values: Vec<String> = ids.iter().map(|id| id.to_string()).collect();
    one_by_one(target, Question::about("allocation-id", &values, of_addresses)).await
}

/// Those of the public addresses that are Elastic IPs of the account.
pub(in crate::aws) async fn addresses_of_ips(
    target: &AwsTarget,
    ips: &BTreeSet<Ipv4Addr>,
) -> Partial<Address> {
    let values: Vec<String> = ips.iter().map(ToString::to_string).collect();
    one_by_one(target, Question::about("public-ip", &values, of_addresses)).await
}

/// The addresses that bear these tags. What bears another is left out, whatever the filter let pass.
pub(in crate::aws) async fn addresses_of_tags(
    target: &AwsTarget,
    tags: &BTreeSet<Tag>,
) -> Partial<(Tag, Address)> {
    let mut by_key: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for tag in tags {
        by_key.entry(tag.key()).or_default().push(literally(tag.value()));
    }
    let questions = by_key.iter().flat_map(|(key, values)| {
        let subject = |values: &[String]| match values {
            [only] => format!("tagged `{key}={only}`"),
            several => format!("tagged `{key}` with {} values", several.len()),
        };
        Question::about(&format!("tag:{key}"), values, subject)
    });
    let mut shared = Shared::default();
    ask(target, questions.collect(), |item| {
        let borne = item.tags().iter().filter_map(|borne| borne.key().zip(borne.value()));
        let borne: Vec<&Tag> =
            borne.filter_map(|(key, value)| tags.iter().find(|tag| tag.is(key, value))).collect();
        if borne.is_empty() {
            return Ok(Vec::new());
        }
        let mut address = convert::address(item)?;
        shared.address(&mut address);
        Ok(borne.into_iter().map(|tag| (tag.clone(), address.clone())).collect())
    })
    .await
}

/// EC2 takes `*` and `?` in a value for patterns unless a backslash stands before (EC2 user guide, filtering of
/// resources, believed).
fn literally(value: &str) -> String {
    let mut literal = String::with_capacity(value.len());
    for character in value.chars() {
        if matches!(character, '*' | '?' | '\\') {
            literal.push('\\');
        }
        literal.push(character);
    }
    literal
}

async fn one_by_one(target: &AwsTarget, questions: Vec<Question>) -> Partial<Address> {
    let mut shared = Shared::default();
    ask(target, questions, |item| {
        let mut address = convert::address(item)?;
        shared.address(&mut address);
        Ok(vec![address])
    })
    .await
}

/// The answers in the order of the questions.
async fn ask<T>(
    target: &AwsTarget,
    questions: Vec<Question>,
    mut read: impl FnMut(&Item) -> Result<Vec<T>, convert::Malformed>,
) -> Partial<T> {
    let mut answers = stream::iter(questions)
        .map(|question| async move { describe(target, question).await })
        .buffered(CALLS_AT_ONCE);
    let mut all = Partial::default();
    while let Some(answer) = answers.next().await {
        match answer {
            Ok(items) => {
                for item in &items {
                    match read(item) {
                        Ok(found) => all.found.extend(found),
                        Err(fault) => all.errors.push(malformed(&OPERATION, &fault)),
                    }
                }
            }
            Err(error) => all.errors.push(error),
        }
    }
    all
}

async fn describe(target: &AwsTarget, question: Question) -> Result<Vec<Item>, ApiError> {
    let Question { filter, values, subject } = question;
    let filter = Filter::builder().name(filter).set_values(Some(values)).build();
    let request = target.clients.ec2.describe_addresses().filters(filter);
    let answer = target.caller.read(&OPERATION, &subject, || request.clone().send()).await?;
    Ok(answer.addresses.unwrap_or_default())
}

fn of_addresses(values: &[String]) -> String {
    match values {
        [] => String::new(),
        [only] => format!("of `{only}`"),
        [first, .., last] => format!("of {} addresses from `{first}` to `{last}`", values.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::canned::{Answer, Wire, ec2_error, xml};
    use crate::domain::error_class::ErrorClass;
    use crate::reconcile::ports::Reads;

    fn ids(count: usize) -> BTreeSet<AllocationId> {
        (0..count).map(|number| format!("eipalloc-{number:08x}").parse().expect("a valid id")).collect()
    }

    /// Every address asked for, with what moto writes for an association that is not there.
    fn all_of(body: &str) -> Answer {
        let items: String = body
            .split('&')
            .filter_map(|pair| pair.strip_prefix("Filter.1.Value.")?.split_once('='))
            .map(|(_, id)| {
                let ip = "<publicIp>192.0.2.1</publicIp><associationId></associationId>";
                format!("<item><allocationId>{id}</allocationId>{ip}</item>")
            })
            .collect();
        xml("DescribeAddresses", &format!("<addressesSet>{items}</addressesSet>"))
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_to_ask_for_makes_no_call() {
        let wire = Wire::of([Answer::Refused]);
        let answer = wire.target().await.addresses(&BTreeSet::new()).await;
        assert_eq!((answer.found.len(), answer.errors.len(), wire.sent().len()), (0, 0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn two_hundred_are_asked_for_at_a_time_by_filter() {
        let wire = Wire::new(|_, sent| all_of(&sent.body));
        let answer = wire.target().await.addresses(&ids(1001)).await;
        assert_eq!((answer.found.len(), answer.errors.len(), wire.sent().len()), (1001, 0, 6));
        assert!(
            answer.found.is_sorted_by_key(|address| address.allocation.clone()),
            "in the order of asking"
        );
        assert!(answer.found.iter().all(|address| address.association.is_none()));
        for sent in wire.sent() {
            assert!(sent.body.contains("Filter.1.Name=allocation-id"), "{}", sent.body);
            assert!(!sent.body.contains("AllocationId.1") && !sent.body.contains("Filter.1.Value.201="));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_call_costs_its_own_addresses_only() {
        let wire = Wire::new(|_, sent| {
            if sent.body.contains("eipalloc-00000000") {
                ec2_error(403, "UnauthorizedOperation", "No")
            } else {
                all_of(&sent.body)
            }
        });
        let answer = wire.target().await.addresses(&ids(400)).await;
        assert_eq!(answer.found.len(), 200);
        let [error] = &answer.errors[..] else { panic!("one error, not {:?}", answer.errors) };
        assert_eq!(error.class, ErrorClass::Denied);
        assert_eq!(error.subject, "of 200 addresses from `eipalloc-00000000` to `eipalloc-000000c7`");
    }

    #[tokio::test(start_paused = true)]
    async fn public_addresses_are_asked_for_by_filter() {
        let wire = Wire::of([xml("DescribeAddresses", "<addressesSet/>")]);
        let ips = ["198.51.100.7", "198.51.100.8"].iter().map(|ip| ip.parse().expect("an address")).collect();
        let answer = wire.target().await.addresses_of_ips(&ips).await;
        assert_eq!((answer.found.len(), answer.errors.len()), (0, 0), "what is not ours is no error");
        let body = &wire.sent()[0].body;
        assert!(body.contains("Filter.1.Name=public-ip") && body.contains("Value.2=198.51.100.8"), "{body}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_tag_is_asked_for_literally_and_what_bears_another_is_left_out() {
        let item = |id: &str, tags: &[(&str, &str)]| {
            let tags: String = tags
                .iter()
                .map(|(key, value)| format!("<item><key>{key}</key><value>{value}</value></item>"))
                .collect();
            format!(
                "<item><allocationId>{id}</allocationId><publicIp>192.0.2.1</publicIp><tagSet>{tags}</tagSet></item>"
            )
        };
        let items = [
            item("eipalloc-0000000a", &[("pool", "a*b")]),
            item("eipalloc-0000000b", &[("pool", "a-b"), ("team", "x")]),
            item("eipalloc-0000000c", &[("pool", "A*b"), ("Pool", "a*b")]),
        ];
        let set = format!("<addressesSet>{}</addressesSet>", items.concat());
        let wire = Wire::of([xml("DescribeAddresses", &set)]);
        let tags: BTreeSet<Tag> =
            ["pool=a*b", "team=x"].iter().map(|tag| tag.parse().expect("a tag")).collect();
        let mut answer = wire.target().await.addresses_of_tags(&tags).await;
        answer.found.dedup_by_key(|(tag, address)| (tag.clone(), address.allocation.clone()));
        let told: BTreeSet<String> =
            answer.found.iter().map(|(tag, address)| format!("{tag} {}", address.allocation)).collect();
        assert_eq!(
            told.iter().map(String::as_str).collect::<Vec<_>>(),
            ["pool=a*b eipalloc-0000000a", "team=x eipalloc-0000000b"]
        );
        let bodies: Vec<String> = wire.sent().into_iter().map(|sent| sent.body).collect();
        assert_eq!(bodies.len(), 2, "one call for each key");
        assert!(bodies[0].contains("Filter.1.Name=tag%3Apool&Filter.1.Value.1=a%5C%2Ab"), "{}", bodies[0]);
        assert!(bodies[1].contains("Filter.1.Name=tag%3Ateam&Filter.1.Value.1=x"), "{}", bodies[1]);
    }
}
