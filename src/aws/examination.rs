//! The AWS side of an examination: each of its questions is one call, in `observe` or, where it is a dry run, in `act`.

use std::collections::BTreeSet;

use async_trait::async_trait;

use super::{AwsTarget, act, observe};
use crate::domain::firewall::{NetworkAcl, SecurityGroup};
use crate::domain::ids::{AllocationId, AssociationId, NetworkInterfaceId, SecurityGroupId, SubnetId};
use crate::reconcile::ports::examination::{DryRun, Examination, Identity};
use crate::reconcile::ports::{ApiError, Partial};

#[async_trait]
impl Examination for AwsTarget {
    async fn identity(&self) -> Result<Identity, ApiError> {
        observe::identity::identity(self).await
    }

    async fn security_groups(&self, ids: &BTreeSet<SecurityGroupId>) -> Partial<SecurityGroup> {
        observe::security_groups::security_groups(self, ids).await
    }

    async fn network_acls(&self, subnets: &BTreeSet<SubnetId>) -> Partial<NetworkAcl> {
        observe::network_acls::network_acls(self, subnets).await
    }

    async fn address_quota(&self) -> Result<Option<usize>, ApiError> {
        observe::quotas::address_quota(self).await
    }

    async fn addresses_held(&self) -> Result<usize, ApiError> {
        observe::quotas::addresses_held(self).await
    }

    async fn try_associate(
        &self,
        allocation: &AllocationId,
        interface: &NetworkInterfaceId,
    ) -> Result<DryRun, ApiError> {
        act::dry_runs::associate(self, allocation, interface).await
    }

    async fn try_disassociate(&self, association: &AssociationId) -> Result<DryRun, ApiError> {
        act::dry_runs::disassociate(self, association).await
    }
}
