//! The modules of `eipd` that are fuzzed, compiled from their own files.
//!
//! Not a dependency on `eipd`: that would build the AWS SDK, instrumented, for code that knows nothing of it. The
//! files' paths to each other (`crate::domain::…`) hold here as they do there.

#[path = "../../src/config/mod.rs"]
pub mod config;
#[path = "../../src/domain/mod.rs"]
pub mod domain;

/// `src/events`, as far as it is pure.
#[path = "../../src/events"]
pub mod events {
    pub mod event;
    pub mod kind;
    pub mod parse;
    pub mod pattern;
    mod record;
}

/// `src/aws`, as far as it knows no type of the SDK.
#[path = "../../src/aws"]
pub mod aws {
    mod codes;
    mod telling;

    use crate::domain::error_class::ErrorClass;

    /// What a refusal of AWS comes to: its class, the code that is shown, and what is told of it.
    #[must_use]
    pub fn refusal(code: &str, message: Option<&str>, status: u16) -> (ErrorClass, String, String) {
        (codes::classify(code, status), telling::name(code), telling::told(code, message))
    }

    /// The class of an answer without a code.
    #[must_use]
    pub fn without_code(status: u16) -> ErrorClass {
        codes::classify_status(status)
    }

    /// What is told of any other text.
    #[must_use]
    pub fn told(text: &str) -> String {
        telling::one_line(text)
    }
}
