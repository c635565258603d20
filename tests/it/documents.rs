//! What operators are given agrees with the program: documents that are made from the code are current.
//!
//! `EIPD_WRITE_DOCS=1 cargo test --locked --test it -- documents:: policies::written` writes them anew.

use std::path::{Path, PathBuf};

use eipd::telemetry::catalogue;

const REGENERATE: &str = "EIPD_WRITE_DOCS=1 cargo test --locked --test it -- documents:: policies::written";

pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// Fails unless the file says exactly this; writes it when asked to.
pub(crate) fn assert_current(path: &str, made: &str) {
    let file = repository().join(path);
    if std::env::var_os("EIPD_WRITE_DOCS").is_some() {
        std::fs::write(&file, made).expect("a document can be written");
    }
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    let differs = found.lines().zip(made.lines()).position(|(one, other)| one != other);
    assert!(
        found == made,
        "{path} is stale, from line {}; run\n\n    {REGENERATE}\n",
        differs.unwrap_or(0) + 1
    );
}

#[test]
fn the_list_of_metrics_is_current() {
    assert_current("docs/METRICS.md", &catalogue::document());
}
