//! Stories that failed once: what was found by them was a defect, of eipd or of the tests. They are run always, whatever seeds
//! are drawn. A change of the generator makes another story of a seed, so a defect of eipd has a test of its own besides.

/// A story that failed.
pub struct Regression {
    pub seed: u64,
    /// So many happenings were enough.
    pub happenings: usize,
    pub found: &'static str,
}

/// All of them, oldest first.
pub const ALL: &[Regression] = &[];
