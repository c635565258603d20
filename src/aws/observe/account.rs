//! STS's GetCallerIdentity.

use crate::aws::AwsTarget;
use crate::aws::call::Operation;
use crate::aws::convert;
use crate::aws::errors::malformed;
use crate::aws::limits::Bucket;
use crate::domain::ids::AccountId;
use crate::reconcile::ports::ApiError;

const OPERATION: Operation = Operation::of("sts:GetCallerIdentity", Bucket::Free);

/// The account that the credentials belong to. Needs no permission, so a failure is one of credentials or transport.
pub(in crate::aws) async fn account(target: &AwsTarget) -> Result<AccountId, ApiError> {
    let subject = format!("in `{}`", target.region());
    let request = target.clients.sts.get_caller_identity();
    let answer = target.caller.read(&OPERATION, &subject, || request.clone().send()).await?;
    convert::account(&answer).map_err(|fault| malformed(&OPERATION, &fault))
}
