//! Token buckets, as EC2 and Lambda have them.
//!
//! AWS.md section 2, Throttling: per account and region and now per API; non-mutating 100 tokens and 20/s
//! (confirmed), unfiltered and unpaginated 50 and 10/s, mutating 50 and 5/s (believed); Lambda's control plane 15/s
//! for all APIs together, GetFunction 100/s of its own (confirmed); GetResources 15/s (Tag Editor user guide; confirmed). A bucket says yes or no and never waits.

use crate::moment::Moment;
use std::collections::BTreeMap;

/// The class of bucket that a call takes a token from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bucket {
    /// An EC2 read with a filter, ids or a page size.
    NonMutating,
    /// An EC2 read without any of them.
    Unfiltered,
    /// An EC2 call that changes something.
    Mutating,
    /// A Lambda call.
    Lambda,
    /// Lambda's GetFunction.
    LambdaGetFunction,
    /// GetResources of the Resource Groups Tagging API.
    Tagging,
}

/// The size of a bucket and how fast it fills.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many tokens it holds; it starts full.
    pub capacity: u32,
    /// How many come each second.
    pub per_second: u32,
}

/// The rates of all buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// [`Bucket::NonMutating`].
    pub non_mutating: Rate,
    /// [`Bucket::Unfiltered`].
    pub unfiltered: Rate,
    /// [`Bucket::Mutating`].
    pub mutating: Rate,
    /// [`Bucket::Lambda`].
    pub lambda: Rate,
    /// [`Bucket::LambdaGetFunction`].
    pub get_function: Rate,
    /// [`Bucket::Tagging`].
    pub tagging: Rate,
}

impl Default for Limits {
    fn default() -> Self {
        let rate = |capacity, per_second| Rate { capacity, per_second };
        Self {
            non_mutating: rate(100, 20),
            unfiltered: rate(50, 10),
            mutating: rate(50, 5),
            lambda: rate(15, 15),
            get_function: rate(100, 100),
            tagging: rate(15, 15),
        }
    }
}

impl Limits {
    fn rate(&self, bucket: Bucket) -> Rate {
        match bucket {
            Bucket::NonMutating => self.non_mutating,
            Bucket::Unfiltered => self.unfiltered,
            Bucket::Mutating => self.mutating,
            Bucket::Lambda => self.lambda,
            Bucket::LambdaGetFunction => self.get_function,
            Bucket::Tagging => self.tagging,
        }
    }
}

/// All buckets of an account in a region.
#[derive(Clone, Debug)]
pub(crate) struct Throttle {
    limits: Option<Limits>,
    /// What is in each bucket, in thousandths of a token, and when that was so.
    levels: BTreeMap<(Bucket, String), (u64, Moment)>,
}

impl Default for Throttle {
    fn default() -> Self {
        Self { limits: Some(Limits::default()), levels: BTreeMap::new() }
    }
}

impl Throttle {
    /// Sets the limits, or takes them away; all buckets are full afterwards.
    pub(crate) fn set(&mut self, limits: Option<Limits>) {
        *self = Self { limits, levels: BTreeMap::new() };
    }

    /// Takes a token from the bucket `name` of a class. Says whether there was one.
    pub(crate) fn take(&mut self, bucket: Bucket, name: &str, now: Moment) -> bool {
        let Some(limits) = &self.limits else { return true };
        let rate = limits.rate(bucket);
        let full = u64::from(rate.capacity) * 1000;
        let (level, since) = self.levels.entry((bucket, name.to_owned())).or_insert((full, now));
        let passed = u64::try_from(now.since(*since).as_millis()).unwrap_or(u64::MAX);
        *level = level.saturating_add(passed.saturating_mul(u64::from(rate.per_second))).min(full);
        *since = now;
        let enough = *level >= 1000;
        *level -= if enough { 1000 } else { 0 };
        enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_bucket_gives_its_capacity_at_once_and_its_rate_ever_after() {
        let mut throttle = Throttle::default();
        let start = Moment::from_unix_seconds(1000);
        let mut burst =
            |at: Moment| (0..1000).take_while(|_| throttle.take(Bucket::Mutating, "a", at)).count();
        assert_eq!(burst(start), 50);
        assert_eq!(burst(start + Duration::from_millis(200)), 1);
        assert_eq!(burst(start + Duration::from_secs(2)), 9);
        assert_eq!(burst(start + Duration::from_secs(3600)), 50);
    }

    #[test]
    fn buckets_do_not_share() {
        let mut throttle = Throttle::default();
        let now = Moment::from_unix_seconds(1000);
        while throttle.take(Bucket::Mutating, "a", now) {}
        assert!(throttle.take(Bucket::Mutating, "b", now));
        assert!(throttle.take(Bucket::NonMutating, "a", now));
    }
}
