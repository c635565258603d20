//! Callers: which access key is whose, and what it may not do.
//!
//! Signatures are not verified; a key is known or it is not. Permissions are a set of denied operations, since
//! the simulator does not evaluate IAM policies.

use crate::world::Hand;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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
    sessions: Sessions,
}

impl Principals {
    pub(crate) fn insert(&mut self, access_key: &str, principal: Principal) {
        self.by_key.insert(access_key.to_owned(), principal);
    }

    /// The caller with this key, in person or in a role.
    pub(crate) fn get(&self, access_key: &str) -> Option<Principal> {
        self.by_key.get(access_key).cloned().or_else(|| self.sessions.get(access_key))
    }

    pub(crate) fn get_mut(&mut self, access_key: &str) -> Option<&mut Principal> {
        self.by_key.get_mut(access_key)
    }

    /// The sessions in roles.
    pub(crate) fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    /// Shares the sessions of other accounts, so that a role of one can be assumed by a caller of another.
    pub(crate) fn share(&mut self, sessions: Sessions) {
        self.sessions = sessions;
    }
}

/// Sessions in roles, by access key: of one account, or of all that were made acquainted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sessions(Arc<Mutex<BTreeMap<String, Principal>>>);

impl Sessions {
    pub(crate) fn insert(&self, access_key: &str, principal: Principal) {
        self.lock().insert(access_key.to_owned(), principal);
    }

    pub(crate) fn get(&self, access_key: &str) -> Option<Principal> {
        self.lock().get(access_key).cloned()
    }

    /// Changes every session of this hand in roles of the account.
    pub(crate) fn change(&self, account: &str, hand: Hand, change: impl Fn(&mut Principal)) {
        let mut all = self.lock();
        all.values_mut().filter(|one| one.account == account && one.hand == hand).for_each(change);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Principal>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
