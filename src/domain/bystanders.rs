//! Who else uses the interfaces of declared functions: functions that nobody declared, which leave from the same addresses,
//! and versions of declared ones that do not count. Found pair by pair, never interface by interface. Decides nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use super::desired::Desired;
use super::function::{FunctionRef, Pair};
use super::ids::{NetworkInterfaceId, PoolName};
use super::index::{Index, index_for};
use super::observed::Interface;
use super::roster::Roster;

/// Functions, each once: without a qualifier where its `$LATEST` is meant, else with the first of its versions.
pub type Strangers = Arc<[FunctionRef]>;

/// Answers who uses a pair, from what is declared and the list of all versions.
pub struct Company<'a> {
    roster: &'a Roster,
    /// By name, whatever the qualifier.
    declared: Index<&'a str, ()>,
    nobody: Strangers,
}

impl<'a> Company<'a> {
    /// Of this list.
    #[must_use]
    pub fn new(desired: &'a Desired, roster: &'a Roster) -> Self {
        let mut declared = index_for(desired.functions.len());
        declared.extend(desired.functions.keys().map(|function| (function.name(), ())));
        Self { roster, declared, nobody: Arc::from([]) }
    }

    /// The undeclared functions that use a pair.
    #[must_use]
    pub fn bystanders(&self, pair: &Pair) -> Strangers {
        let users = self.roster.users_of(pair).iter();
        let mut strangers: Vec<FunctionRef> = Vec::new();
        let mut last = None;
        // In their order the versions of one function stand together.
        for user in users {
            if last.replace(user.name()) != Some(user.name()) && !self.declared.contains_key(user.name()) {
                strangers.push(user.clone());
            }
        }
        if strangers.is_empty() { Arc::clone(&self.nobody) } else { strangers.into() }
    }

    /// This interface, which no counted version uses, if other versions of declared functions use it.
    #[must_use]
    pub fn held(&self, interface: &Interface) -> Option<Held> {
        let users = self.roster.users_of(&interface.pair).iter();
        let versions: Arc<[FunctionRef]> =
            users.filter(|user| self.declared.contains_key(user.name())).cloned().collect();
        (!versions.is_empty()).then(|| Held {
            network_interface_id: interface.id.clone(),
            pair: interface.pair.clone(),
            versions,
        })
    }
}

/// An interface that only versions of declared functions use which do not count: it is not served, and keeps what it has.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Held {
    /// The interface.
    pub network_interface_id: NetworkInterfaceId,
    /// Its subnet and security groups.
    pub pair: Pair,
    /// The versions.
    pub versions: Arc<[FunctionRef]>,
}

/// The undeclared functions that leave from a pool, or would.
pub type Bystanders = BTreeMap<PoolName, Vec<FunctionRef>>;

/// A pair with more than one serving interface: Lambda adds one for each 65,000 connections (AWS.md 1, confirmed).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Crowd {
    /// The subnet and security groups.
    pub pair: Pair,
    /// The pool that serves them.
    pub pool: PoolName,
    /// How many serve, the first included.
    pub network_interfaces: usize,
}

impl Serialize for Held {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Held", 4)?;
        fields.serialize_field("network_interface_id", &self.network_interface_id)?;
        fields.serialize_field("subnet_id", &self.pair.subnet)?;
        fields.serialize_field("security_group_ids", &ids(&self.pair))?;
        fields.serialize_field("versions", &*self.versions)?;
        fields.end()
    }
}

impl Serialize for Crowd {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Crowd", 5)?;
        fields.serialize_field("subnet_id", &self.pair.subnet)?;
        fields.serialize_field("security_group_ids", &ids(&self.pair))?;
        fields.serialize_field("pool", &self.pool)?;
        fields.serialize_field("network_interfaces", &self.network_interfaces)?;
        fields.serialize_field("overflow", &(self.network_interfaces - 1))?;
        fields.end()
    }
}

fn ids(pair: &Pair) -> Vec<&super::ids::SecurityGroupId> {
    pair.security_groups.iter().collect()
}
