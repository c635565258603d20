//! Lambda's GetFunctionConfiguration: the one call that shows a function's states.

use crate::aws::AwsTarget;
use crate::aws::call::Operation;
use crate::aws::convert;
use crate::aws::errors::malformed;
use crate::aws::limits::Bucket;
use crate::domain::error_class::ErrorClass;
use crate::domain::function::{FunctionObservation, FunctionRef};
use crate::reconcile::ports::ApiError;

const OPERATION: Operation = Operation::of("lambda:GetFunctionConfiguration", Bucket::Lambda);

/// A function, version or alias as it is now.
///
/// # Errors
/// Of any class but `NotFound`, which is an observation.
pub(in crate::aws) async fn function(
    target: &AwsTarget,
    function: &FunctionRef,
) -> Result<FunctionObservation, ApiError> {
    let request = target
        .clients
        .lambda
        .get_function_configuration()
        .function_name(function.name())
        .set_qualifier(function.qualifier().map(str::to_owned));
    let answer = target.caller.read(&OPERATION, &format!("of `{function}`"), || request.clone().send()).await;
    match answer {
        Ok(answer) => convert::function(&answer)
            .map(FunctionObservation::Known)
            .map_err(|fault| malformed(&OPERATION, &fault)),
        Err(error) if error.class == ErrorClass::NotFound => Ok(FunctionObservation::NotFound),
        Err(error) => Err(error),
    }
}
