//! EC2's DisassociateAddress, by the id of the association alone: a stale view can't break a newer one (AWS.md 2,
//! believed). The address stays allocated.

use aws_types::request_id::RequestId;

use crate::aws::AwsTarget;
use crate::aws::call::Operation;
use crate::aws::limits::Bucket;
use crate::domain::error_class::ErrorClass;
use crate::domain::ids::AssociationId;
use crate::reconcile::ports::ApiError;

const OPERATION: Operation = Operation::of("ec2:DisassociateAddress", Bucket::Ec2Changes);

/// Takes an address off what it is on. That there is no such association (`InvalidAssociationID.NotFound`) is what was
/// wanted; whether EC2 says so or just succeeds is disputed (AWS.md 2).
///
/// # Errors
/// Of any class but `NotFound`; `OutcomeUnknown` when the request may have reached EC2 and no intelligible answer came.
pub(in crate::aws) async fn disassociate(
    target: &AwsTarget,
    association: &AssociationId,
) -> Result<Option<String>, ApiError> {
    let subject = format!("of `{association}`");
    let request = target.clients.ec2.disassociate_address().association_id(association.to_string());
    match target.caller.change(&OPERATION, &subject, request.send()).await {
        Ok(answer) => Ok(answer.request_id().map(str::to_owned)),
        Err(error) if error.class == ErrorClass::NotFound => Ok(error.request_id),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use crate::aws::canned::{Answer, Wire, ec2_error, xml};
    use crate::domain::error_class::ErrorClass;
    use crate::reconcile::ports::Changes;

    #[tokio::test(start_paused = true)]
    async fn an_association_that_is_gone_is_as_good_as_one_that_was_ended() {
        let answers: [(Answer, Result<(), ErrorClass>); 3] = [
            (xml("DisassociateAddress", "<return>true</return>"), Ok(())),
            (ec2_error(400, "InvalidAssociationID.NotFound", "no such association"), Ok(())),
            (ec2_error(403, "UnauthorizedOperation", "you are not authorized"), Err(ErrorClass::Denied)),
        ];
        for (answer, wanted) in answers {
            let wire = Wire::of([answer]);
            let association = "eipassoc-0a1b2c3d".parse().expect("valid");
            let ended = wire.target().await.disassociate(&association).await;
            assert_eq!(ended.map(|_| ()).map_err(|error| error.class), wanted);
            assert!(wire.sent()[0].body.contains("AssociationId=eipassoc-0a1b2c3d"));
        }
    }
}
