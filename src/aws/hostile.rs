//! What answers need not be AWS: any status with any text, through the SDK's own reading of it. Whatever comes, there is one
//! class of failure for it and a short line to tell, in which there is nothing that a terminal would obey.

use proptest::prelude::*;

use super::canned::{Answer, Wire, ec2_error};
use crate::reconcile::ports::{ApiError, Changes, Takes};

const CHARS_MAX: usize = 500;

fn answers() -> impl Strategy<Value = Answer> {
    let text = || prop_oneof![any::<String>(), "[\\x00-\\x7f]{0,600}", "[A-Za-z.]{0,200}"];
    let status =
        prop_oneof![Just(200_u16), Just(400), Just(403), Just(429), Just(500), Just(503), 100..600_u16];
    prop_oneof![
        (status.clone(), text()).prop_map(|(status, body)| Answer::Body(status, body)),
        (status, text(), text()).prop_map(|(status, code, message)| ec2_error(status, &code, &message)),
    ]
}

fn refused(answer: Answer) -> ApiError {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    runtime.expect("a runtime").block_on(async {
        let target = Wire::of([answer]).target().await;
        let allocation = "eipalloc-0123456789abcdef0".parse().expect("valid");
        let interface = "eni-0123456789abcdef0".parse().expect("valid");
        let outcome = target.associate(&allocation, &interface, Takes::Nothing).await;
        outcome.expect_err("nothing here says that it was done")
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_answer_to_a_change_is_told_shortly_and_is_no_success(answer in answers()) {
        let error = refused(answer);
        let code = error.code.clone().unwrap_or_default();
        for text in [error.to_string(), code, error.request_id.unwrap_or_default()] {
            prop_assert!(text.chars().count() <= CHARS_MAX, "{text:?}");
            prop_assert!(!text.chars().any(char::is_control), "{text:?}");
        }
    }
}
