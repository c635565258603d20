//! Callers: which access key is whose, and what it may not do.
//!
//! Signatures are not verified; a key is known or it is not. Permissions are a set of denied operations, since
//! the simulator does not evaluate IAM policies.

use crate::world::Hand;
use std::collections::{BTreeMap, BTreeSet};

/// Whether credentials are any good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credentials {
    /// They are.
    Valid,
    /// AWS does not know them.
    Invalid,
    /// The session is over.
    Expired,
}

/// Somebody who calls AWS.
#[derive(Clone, Debug)]
pub struct Principal {
    /// Who it is, as STS says it.
    pub arn: String,
    /// The unique id that GetCallerIdentity shows.
    pub user_id: String,
    /// The account.
    pub account: String,
    /// Whether the law watch looks at what it does.
    pub hand: Hand,
    /// Whether its credentials are any good.
    pub credentials: Credentials,
    /// The operations that it may not do, such as `ec2:AssociateAddress`.
    pub denied: BTreeSet<String>,
}

impl Principal {
    /// Somebody who may do everything.
    pub fn new(arn: &str, account: &str, hand: Hand) -> Self {
        Self {
            arn: arn.to_owned(),
            user_id: "AROAEXAMPLEEXAMPLE123:session".to_owned(),
            account: account.to_owned(),
            hand,
            credentials: Credentials::Valid,
            denied: BTreeSet::new(),
        }
    }
}

/// The caller of one request.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) arn: String,
    pub(crate) user_id: String,
    pub(crate) account: String,
    pub(crate) hand: Hand,
}

/// All callers, by access key.
#[derive(Clone, Debug, Default)]
pub(crate) struct Principals {
    by_key: BTreeMap<String, Principal>,
}

impl Principals {
    pub(crate) fn insert(&mut self, access_key: &str, principal: Principal) {
        self.by_key.insert(access_key.to_owned(), principal);
    }

    pub(crate) fn get(&self, access_key: &str) -> Option<&Principal> {
        self.by_key.get(access_key)
    }

    pub(crate) fn get_mut(&mut self, access_key: &str) -> Option<&mut Principal> {
        self.by_key.get_mut(access_key)
    }
}
