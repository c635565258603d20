//! One place in memory for what thousands of interfaces and addresses have in common: their security groups, zones and
//! owners. Makes an observation smaller and a plan faster; changes nothing that can be seen.

use std::collections::HashSet;
use std::hash::Hash;
use std::sync::Arc;

use crate::domain::function::SecurityGroups;
use crate::domain::ids::{AccountId, ZoneId};
use crate::domain::observed::{Address, Interface};

/// What was seen so far.
#[derive(Default)]
pub(super) struct Shared {
    texts: HashSet<Arc<str>>,
    security_groups: HashSet<SecurityGroups>,
    owners: HashSet<AccountId>,
    zone_ids: HashSet<ZoneId>,
}

impl Shared {
    pub(super) fn interface(&mut self, interface: &mut Interface) {
        share(&mut self.security_groups, &mut interface.pair.security_groups);
        share(&mut self.owners, &mut interface.owner);
        interface.zone.iter_mut().for_each(|zone| share(&mut self.texts, zone));
        interface.zone_id.iter_mut().for_each(|zone| share(&mut self.zone_ids, zone));
    }

    pub(super) fn address(&mut self, address: &mut Address) {
        address.border_group.iter_mut().for_each(|group| share(&mut self.texts, group));
    }
}

fn share<T: Clone + Eq + Hash>(known: &mut HashSet<T>, value: &mut T) {
    match known.get(value) {
        Some(known) => *value = known.clone(),
        None => {
            known.insert(value.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_end_up_in_one_place() {
        let mut known = HashSet::new();
        let mut texts: Vec<Arc<str>> = ["a", "b", "a"].map(Arc::from).to_vec();
        assert!(!Arc::ptr_eq(&texts[0], &texts[2]));
        texts.iter_mut().for_each(|text| share(&mut known, text));
        assert!(Arc::ptr_eq(&texts[0], &texts[2]) && !Arc::ptr_eq(&texts[0], &texts[1]));
        assert_eq!(texts.iter().map(|text| &**text).collect::<Vec<_>>(), ["a", "b", "a"]);
    }
}
