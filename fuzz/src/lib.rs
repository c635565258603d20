//! The modules of `eipd` that are fuzzed, compiled from their own files.
//!
//! Not a dependency on `eipd`: that would build the AWS SDK, instrumented, for a parser that knows nothing of it. The
//! files' paths to each other (`crate::domain::…`) hold here as they do there.

/// `src/domain`, as far as the parser needs it.
#[path = "../../src/domain"]
pub mod domain {
    pub mod function;
    pub mod ids;
}

/// `src/events`, as far as it is pure.
#[path = "../../src/events"]
pub mod events {
    pub mod event;
    pub mod kind;
    pub mod parse;
    pub mod pattern;
    mod record;
}
