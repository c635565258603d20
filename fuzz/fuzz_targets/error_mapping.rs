//! Any code, message and status as AWS's refusal: one class, decided by the code if it is known, and short words in which
//! there is nothing that a terminal would obey.
//!
//! ```sh
//! cargo +nightly fuzz run error_mapping -- -dict=fuzz/error_mapping.dict -max_total_time=600
//! ```

#![no_main]

use arbitrary::Arbitrary;
use eipd_fuzz::aws::{refusal, told, without_code};
use eipd_fuzz::domain::error_class::ErrorClass;
use libfuzzer_sys::fuzz_target;

/// The longest code that is shown, in characters.
const CODE_CHARS_MAX: usize = 100;
/// The longest message that is passed on, in characters.
const MESSAGE_CHARS_MAX: usize = 300;

#[derive(Arbitrary, Debug)]
struct Refusal<'a> {
    status: u16,
    code: &'a str,
    message: Option<&'a str>,
}

fuzz_target!(|given: Refusal<'_>| {
    let (class, code, text) = refusal(given.code, given.message, given.status);
    assert_eq!((class, code.clone(), text.clone()), refusal(given.code, given.message, given.status));
    check(&code, CODE_CHARS_MAX);
    check(&text, CODE_CHARS_MAX + MESSAGE_CHARS_MAX + 4);
    check(&told(given.message.unwrap_or_default()), MESSAGE_CHARS_MAX);
    // What AWS says of a wrong signature quotes the request's headers.
    if given.code.contains("Signature") {
        assert_eq!(text, format!("`{code}`"));
    }
    assert!(!text.contains("Encoded authorization failure message") || given.code.contains("Encoded"));
    // An answer is never taken for a lost one: that is for whoever sees that there is none.
    assert_ne!(class, ErrorClass::OutcomeUnknown);
    if !["Client.", "Server."].iter().any(|side| given.code.starts_with(side)) {
        for side in ["Client.", "Server."] {
            assert_eq!(refusal(&format!("{side}{}", given.code), None, given.status).0, class);
        }
    }
    // Whatever the status says, a code that is known decides.
    let of_code = refusal(given.code, None, 400).0;
    if of_code != ErrorClass::Unexpected {
        assert_eq!(class, of_code);
    } else {
        assert!(class == ErrorClass::Unexpected || class == without_code(given.status));
    }
});

fn check(text: &str, most: usize) {
    assert!(text.chars().count() <= most, "{text:?}");
    assert!(!text.chars().any(char::is_control), "{text:?}");
}
