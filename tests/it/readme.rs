//! What the README shows must work: every configuration in it is valid.

use std::collections::BTreeMap;

use eipd::config::load;
use eipd::config::source::Source;

#[test]
fn every_configuration_in_the_readme_is_valid() {
    let readme = include_str!("../../README.md");
    let blocks: Vec<&str> =
        readme.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(!blocks.is_empty(), "the README shows a configuration");
    for block in blocks {
        let loaded = load(&Source::Inline(block.to_owned()), &BTreeMap::new());
        assert!(loaded.is_ok(), "{}\n{block}", loaded.expect_err("it is not valid"));
    }
}
