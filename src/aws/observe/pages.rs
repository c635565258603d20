//! Follows a list from page to page, and ends whatever the service answers. What was read before a failure is kept.

use std::collections::BTreeSet;
use std::future::Future;

use crate::aws::call::Operation;
use crate::aws::convert::Malformed;
use crate::aws::errors::{endless, malformed};
use crate::reconcile::ports::{ApiError, Partial};

/// A million interfaces at 1,000 per page, 50,000 functions at 50: far beyond the quotas of an account.
const PAGES_MAX: usize = 1000;

/// One page, converted.
pub(super) struct Page<T> {
    /// What it holds, and what in it could not be understood.
    pub(super) items: Partial<T>,
    /// Where the next one begins.
    pub(super) next: Option<String>,
}

impl<T> Page<T> {
    /// Of its items as they were converted.
    pub(super) fn of(
        operation: &Operation,
        items: impl Iterator<Item = Result<T, Malformed>>,
        next: Option<&str>,
    ) -> Self {
        let mut all = Partial::default();
        for item in items {
            match item {
                Ok(found) => all.found.push(found),
                Err(fault) => all.errors.push(malformed(operation, &fault)),
            }
        }
        Self { items: all, next: next.map(str::to_owned) }
    }
}

/// Reads all pages; `subject` is what the list is of.
pub(super) async fn walk<T, Answer>(
    operation: &Operation,
    subject: &str,
    read: impl Fn(String, Option<String>) -> Answer,
) -> Partial<T>
where
    Answer: Future<Output = Result<Page<T>, ApiError>>,
{
    let mut all = Partial::default();
    let mut seen = BTreeSet::new();
    let mut token = None;
    for number in 1..=PAGES_MAX {
        let of_page = if number == 1 { subject.to_owned() } else { format!("{subject}, page {number},") };
        let page = match read(of_page.clone(), token).await {
            Ok(page) => page,
            Err(error) => {
                all.errors.push(error);
                return all;
            }
        };
        all.add(page.items);
        // Some stacks that speak AWS's protocols end a list with an empty token.
        let Some(next) = page.next.filter(|next| !next.is_empty()) else { return all };
        if !seen.insert(next.clone()) {
            all.errors.push(endless(operation, &of_page, "its next page is an earlier one".to_owned()));
            return all;
        }
        token = Some(next);
    }
    all.errors.push(endless(operation, subject, format!("it has more than {PAGES_MAX} pages")));
    all
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::aws::limits::Bucket;

    #[tokio::test]
    async fn a_list_without_an_end_is_left_after_a_thousand_pages() {
        let operation = Operation::of("ec2:DescribeAddresses", Bucket::Free);
        let reads = Cell::new(0);
        let numbers = walk(&operation, "in `eu-west-1`", |_, _| {
            reads.set(reads.get() + 1);
            let items = Partial { found: vec![reads.get()], errors: Vec::new() };
            std::future::ready(Ok(Page { items, next: Some(reads.get().to_string()) }))
        })
        .await;
        assert_eq!((reads.get(), numbers.found.len(), numbers.errors.len()), (1000, 1000, 1));
        assert_eq!(numbers.errors[0].message, "it has more than 1000 pages");
    }
}
