//! eipd.
fn main() {}
