//! Any text as the configuration, any text as an overriding variable: a configuration that holds together, or faults
//! that each name a place.
//!
//! ```sh
//! cargo +nightly fuzz run configuration -- -dict=fuzz/configuration.dict -max_total_time=600
//! ```

#![no_main]

use std::collections::BTreeMap;

use eipd_fuzz::config::load;
use eipd_fuzz::config::settings::Configuration;
use eipd_fuzz::config::source::Source;
use libfuzzer_sys::fuzz_target;

/// The longest line that a fault may be, in characters.
const FAULT_CHARS_MAX: usize = 2_000;

/// What stands before the first of these is the text; after it come lines of the environment, `NAME=value`.
const ENVIRONMENT: char = '\u{1e}';

fuzz_target!(|bytes: &[u8]| {
    let Ok(input) = std::str::from_utf8(bytes) else { return };
    let (text, variables) = input.split_once(ENVIRONMENT).unwrap_or((input, ""));
    let environment: BTreeMap<String, String> = variables
        .split(ENVIRONMENT)
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (format!("EIPD__{name}"), value.to_owned()))
        .collect();
    let source = Source::Inline(text.to_owned());
    let loaded = load(&source, &environment);
    assert_eq!(loaded, load(&source, &environment), "the same text means the same");
    match loaded {
        Ok(configuration) => check(&configuration),
        Err(faults) => {
            let told = faults.to_string();
            assert!(!told.trim().is_empty(), "a refusal says why");
            for line in told.lines() {
                assert!(line.chars().count() <= FAULT_CHARS_MAX, "{line:?}");
                assert!(!line.chars().any(char::is_control), "{line:?}");
            }
        }
    }
});

fn check(configuration: &Configuration) {
    assert!(!configuration.targets.is_empty());
    assert!(!configuration.settings.poll_interval.is_zero());
    assert!(configuration.settings.function_refresh >= configuration.settings.poll_interval);
    for target in &configuration.targets {
        for function in &target.declared.functions {
            assert!(target.declared.pools.contains_key(&function.pool), "{function:?}");
        }
    }
}
