//! What the README shows must work: every configuration in it is valid, and every example is named.

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

#[test]
fn every_example_is_named_in_the_readme() {
    let readme = include_str!("../../README.md");
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    for entry in std::fs::read_dir(folder).expect("the folder of the examples") {
        let name = entry.expect("it can be read").file_name();
        let name = format!("`config/{}`", name.to_str().expect("a name in ASCII"));
        assert!(readme.contains(&name), "{name} is not in the README");
    }
}
