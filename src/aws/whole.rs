//! Refuses XML answers that end too early. The SDK's XML decoder recovers silently from a missing end, so that half a
//! list would pass for all of it, and addresses for absent that are merely cut off. Never looks into a failure.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::AfterDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

/// The answer has no closing tag.
#[derive(Debug, thiserror::Error)]
#[error("the answer of {bytes} bytes is cut off")]
pub(super) struct CutOff {
    bytes: usize,
}

/// For clients that speak EC2's query protocol or its relatives, whose answers all have a root `<…Response>`.
#[derive(Debug)]
pub(super) struct WholeAnswers;

#[dyn_dispatch_hint]
impl Intercept for WholeAnswers {
    fn name(&self) -> &'static str {
        "WholeAnswers"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        // What could not be read is an error already; a second one would be told as a defect of the SDK.
        if context.output_or_error().is_err() {
            return Ok(());
        }
        let response = context.response();
        match response.body().bytes() {
            Some(body) if response.status().is_success() && !is_whole(body) => {
                Err(CutOff { bytes: body.len() }.into())
            }
            _ => Ok(()),
        }
    }
}

fn is_whole(body: &[u8]) -> bool {
    let body = body.trim_ascii_end();
    let last_tag = body.iter().rposition(|byte| *byte == b'<').map_or(body, |at| &body[at..]);
    match last_tag.strip_prefix(b"</") {
        Some(closing) => closing.ends_with(b"Response>"),
        None => last_tag.ends_with(b"/>") && name(&last_tag[1..]).ends_with(b"Response"),
    }
}

fn name(tag: &[u8]) -> &[u8] {
    let end = tag.iter().position(|byte| matches!(byte, b' ' | b'/' | b'>')).unwrap_or(tag.len());
    &tag[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_closed_root_is_whole() {
        for whole in
            ["<AResponse><x>1</x></AResponse>", "<AResponse></AResponse>\n  ", "<AResponse xmlns=\"a/b\"/>"]
        {
            assert!(is_whole(whole.as_bytes()), "{whole}");
        }
        let whole = "<AResponse><set><item><id>1</id><none/></item></set></AResponse>";
        for end in 0..whole.len() {
            assert!(!is_whole(&whole.as_bytes()[..end]), "{}", &whole[..end]);
        }
        assert!(!is_whole(b"<html></html>"));
    }
}
