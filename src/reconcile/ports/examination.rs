//! What an examination of a target needs from the outside beside what a pass reads: who the caller is, what firewalls let
//! through, quotas, and whether a change would be allowed. Nothing here changes anything.

use std::collections::BTreeSet;

use async_trait::async_trait;
use jiff::Timestamp;

use super::{ApiError, Partial};
use crate::domain::firewall::{NetworkAcl, SecurityGroup};
use crate::domain::ids::{
    AccountId, AllocationId, AssociationId, NetworkInterfaceId, SecurityGroupId, SubnetId,
};

/// Who the credentials are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Identity {
    /// The account.
    pub account: AccountId,
    /// The user or the session of a role.
    pub arn: String,
    /// The time of the answer by the service's clock, to the second; nothing when it did not say.
    pub answered_at: Option<Timestamp>,
}

/// What a call that must change nothing came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DryRun {
    /// It would have been allowed.
    Allowed,
    /// What answered took it for an order: it is not AWS, and must not be tried again.
    TakenForReal,
}

/// Examining a target.
#[async_trait]
pub trait Examination: Send + Sync {
    /// Who the credentials are.
    async fn identity(&self) -> Result<Identity, ApiError>;

    /// Those of these security groups that EC2 shows.
    async fn security_groups(&self, ids: &BTreeSet<SecurityGroupId>) -> Partial<SecurityGroup>;

    /// The network ACLs of these subnets.
    async fn network_acls(&self, subnets: &BTreeSet<SubnetId>) -> Partial<NetworkAcl>;

    /// How many Elastic IPs the account may have in the region; nothing when EC2 does not say.
    async fn address_quota(&self) -> Result<Option<usize>, ApiError>;

    /// How many Elastic IPs of Amazon's it has; addresses that it brought itself do not count against the quota
    /// (believed).
    async fn addresses_held(&self) -> Result<usize, ApiError>;

    /// Whether this address might be given to this interface.
    async fn try_associate(
        &self,
        allocation: &AllocationId,
        interface: &NetworkInterfaceId,
    ) -> Result<DryRun, ApiError>;

    /// Whether this association might be undone.
    async fn try_disassociate(&self, association: &AssociationId) -> Result<DryRun, ApiError>;
}
