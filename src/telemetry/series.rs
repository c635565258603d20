//! Families of metrics that remember their label sets, so that a series can end when its function, pool or target
//! leaves the configuration. The first label of each is the target.

use std::collections::BTreeSet;

use prometheus::core::{Collector, MetricVec, MetricVecBuilder};
use prometheus::{IntGaugeVec, Registry};

/// A family of metrics whose first label is the target.
pub(super) struct Series<V> {
    family: V,
    known: BTreeSet<Vec<String>>,
}

impl<T> Series<MetricVec<T>>
where
    T: MetricVecBuilder + 'static,
    MetricVec<T>: Collector,
{
    /// Registers a family.
    pub(super) fn new(registry: &Registry, family: prometheus::Result<MetricVec<T>>) -> Self {
        Self { family: registered(registry, family), known: BTreeSet::new() }
    }

    /// The member with these labels; made with its zero value when there is none.
    pub(super) fn at(&mut self, labels: &[&str]) -> T::M {
        let owned: Vec<String> = labels.iter().map(|label| (*label).to_owned()).collect();
        self.known.insert(owned);
        self.family.with_label_values(labels)
    }

    /// Ends the series of the target whose remaining labels are not wanted.
    pub(super) fn retain(&mut self, target: &str, wanted: impl Fn(&[String]) -> bool) {
        let family = &self.family;
        self.known.retain(|labels| {
            let (owner, rest) = labels.split_first().expect("the first label is the target");
            let stays = owner != target || wanted(rest);
            if !stays {
                family.remove_label_values(labels).expect("a known series can be removed once");
            }
            stays
        });
    }
}

impl Series<IntGaugeVec> {
    /// Makes the target's series exactly these.
    pub(super) fn replace<const N: usize>(
        &mut self,
        target: &str,
        values: impl IntoIterator<Item = ([String; N], usize)>,
    ) {
        let mut shown: BTreeSet<Vec<String>> = BTreeSet::new();
        for (rest, value) in values {
            let labels: Vec<&str> = std::iter::once(target).chain(rest.iter().map(String::as_str)).collect();
            self.at(&labels).set(gauge_value(value));
            shown.insert(rest.into());
        }
        self.retain(target, |rest| shown.contains(rest));
    }
}

/// A count as a gauge holds it.
pub(super) fn gauge_value(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Registers a family under its name.
pub(super) fn registered<C: Collector + Clone + 'static>(
    registry: &Registry,
    made: prometheus::Result<C>,
) -> C {
    let family = made.expect("names, labels and buckets of metrics are constants that are valid");
    registry.register(Box::new(family.clone())).expect("each name is registered once");
    family
}
