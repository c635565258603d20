//! EC2's filters, in portions that it takes.

use aws_sdk_ec2::types::Filter;

/// The most that EC2 allows (AWS.md 2, confirmed).
const VALUES_PER_FILTER: usize = 200;

/// A filter of one name.
pub(super) fn filter(name: &str, values: Vec<String>) -> Filter {
    Filter::builder().name(name).set_values(Some(values)).build()
}

/// The values in portions, each with the words for what it is of.
pub(super) fn chunks(
    kind: &str,
    values: impl Iterator<Item = impl ToString>,
) -> impl Iterator<Item = (String, Vec<String>)> {
    let values: Vec<String> = values.map(|value| value.to_string()).collect();
    let portions: Vec<(String, Vec<String>)> = values
        .chunks(VALUES_PER_FILTER)
        .map(|chunk| match chunk {
            [only] => (format!("of `{only}`"), chunk.to_vec()),
            several => (format!("of {} {kind}s", several.len()), chunk.to_vec()),
        })
        .collect();
    portions.into_iter()
}
