//! For whom calls are made: asked once, before anything else is. Knows of no credentials, only of what came of them.

use super::{Orders, Reconciler};
use crate::domain::error_class::ErrorClass;
use crate::domain::ids::AccountId;
use crate::reconcile::ports::ApiError;

/// Why it is not known for whom calls are made, or why they must not be.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// AWS did not say whose credentials they are.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// They are another account's than the configuration names.
    #[error(
        "the credentials belong to account {account}, but the configuration names {wanted}; \
         hint: use credentials or a role of {wanted}"
    )]
    Elsewhere {
        /// Theirs.
        account: AccountId,
        /// The one of the configuration.
        wanted: AccountId,
    },
}

/// What STS says of a role that may not be assumed, or not yet: trust takes a while to propagate. Of credentials that are wrong
/// or expired it says something else.
const NOT_TRUSTED: &str = "AccessDenied";

impl SignInError {
    /// Whether somebody must do something about the credentials first: there are none, or they are refused. Nobody needs a
    /// permission to ask who they are, so that one is never what is missing; that of becoming a role may come by itself, and is
    /// waited for as others are.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::Api(error) => {
                error.class == ErrorClass::Denied && error.code.as_deref() != Some(NOT_TRUSTED)
            }
            Self::Elsewhere { .. } => true,
        }
    }
}

impl Reconciler {
    /// Finds out for whom calls are made; the first pass then need not ask again.
    ///
    /// # Errors
    /// When AWS did not say, or it is not whom the orders name.
    pub async fn sign_in(&mut self, orders: &Orders) -> Result<(), SignInError> {
        self.observer.account(orders.account.as_ref()).await.map(drop)
    }
}
