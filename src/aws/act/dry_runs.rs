//! AssociateAddress and DisassociateAddress with DryRun: EC2 says whether they would be allowed, and does nothing. For an
//! examination alone; the daemon never sends them.

use std::error::Error as StdError;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::aws::AwsTarget;
use crate::aws::call::Operation;
use crate::aws::limits::Bucket;
use crate::domain::ids::{AllocationId, AssociationId, NetworkInterfaceId};
use crate::reconcile::ports::ApiError;
use crate::reconcile::ports::examination::DryRun;

const ASSOCIATE: Operation = Operation::of("ec2:AssociateAddress", Bucket::Ec2Changes);
const DISASSOCIATE: Operation = Operation::of("ec2:DisassociateAddress", Bucket::Ec2Changes);

/// What EC2 answers when a dry run would have succeeded (AWS.md 2, confirmed).
const WOULD_SUCCEED: &str = "DryRunOperation";

/// Whether this address might be given to this interface. As an order it would take nothing from anywhere.
///
/// # Errors
/// `Denied` without the permission.
pub(in crate::aws) async fn associate(
    target: &AwsTarget,
    allocation: &AllocationId,
    interface: &NetworkInterfaceId,
) -> Result<DryRun, ApiError> {
    let request = target
        .clients
        .ec2
        .associate_address()
        .allocation_id(allocation.to_string())
        .network_interface_id(interface.to_string())
        .allow_reassociation(false)
        .dry_run(true);
    let subject = format!("of `{allocation}` with `{interface}`, as a dry run,");
    ask(target, &ASSOCIATE, &subject, request.send()).await
}

/// Whether this association might be undone.
///
/// # Errors
/// `Denied` without the permission.
pub(in crate::aws) async fn disassociate(
    target: &AwsTarget,
    association: &AssociationId,
) -> Result<DryRun, ApiError> {
    let request =
        target.clients.ec2.disassociate_address().association_id(association.to_string()).dry_run(true);
    let subject = format!("of `{association}`, as a dry run,");
    ask(target, &DISASSOCIATE, &subject, request.send()).await
}

async fn ask<T, E>(
    target: &AwsTarget,
    operation: &Operation,
    subject: &str,
    answer: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
) -> Result<DryRun, ApiError>
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    target.caller.ready().await;
    match target.caller.change(operation, subject, answer).await {
        Ok(_) => Ok(DryRun::TakenForReal),
        Err(error) if error.code.as_deref() == Some(WOULD_SUCCEED) => Ok(DryRun::Allowed),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use crate::aws::canned::{Answer, Wire, ec2_error, xml};
    use crate::domain::error_class::ErrorClass;
    use crate::reconcile::ports::ApiError;
    use crate::reconcile::ports::examination::{DryRun, Examination};

    async fn both(answer: &Answer) -> [(Result<DryRun, ApiError>, String); 2] {
        let wire = Wire::of([answer.clone()]);
        let target = wire.target().await;
        let (allocation, interface) =
            ("eipalloc-0a1b2c3d".parse().expect("valid"), "eni-0a1b2c3d".parse().expect("valid"));
        let one = target.try_associate(&allocation, &interface).await;
        let other = target.try_disassociate(&"eipassoc-0a1b2c3d".parse().expect("valid")).await;
        let [first, second] = &wire.sent()[..] else { panic!("each is tried once: {:?}", wire.sent()) };
        [(one, first.body.clone()), (other, second.body.clone())]
    }

    #[tokio::test(start_paused = true)]
    async fn a_dry_run_tells_whether_it_would_be_allowed() {
        let allowed =
            ec2_error(412, "DryRunOperation", "Request would have succeeded, but DryRun flag is set.");
        for (answer, body) in both(&allowed).await {
            assert_eq!(answer.ok(), Some(DryRun::Allowed));
            assert!(body.contains("DryRun=true"), "{body}");
        }
        let denied = ec2_error(403, "UnauthorizedOperation", "No");
        let permissions = ["ec2:AssociateAddress", "ec2:DisassociateAddress"];
        for ((answer, _), permission) in both(&denied).await.into_iter().zip(permissions) {
            let error = answer.expect_err("denied");
            assert_eq!(error.class, ErrorClass::Denied);
            let hint = format!("grant `{permission}` on the address and the network interface");
            assert_eq!(error.hint, Some(hint));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_takes_it_for_an_order_is_found_out() {
        for (answer, _) in both(&xml("AssociateAddress", "<return>true</return>")).await {
            assert_eq!(answer.ok(), Some(DryRun::TakenForReal));
        }
    }
}
