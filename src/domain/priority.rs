//! Who is served first where addresses are short. A number with bounds; decides nothing.

use std::fmt;

use serde::Serialize;

/// Of interfaces that compete for too few addresses those of higher priority are served first; an interface has the
/// highest of the functions that use it. Never makes fewer interfaces be served.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize)]
#[serde(transparent)]
pub struct Priority(i16);

impl Priority {
    /// The lowest there is.
    pub const LOWEST: Self = Self(-1000);
    /// The highest there is.
    pub const HIGHEST: Self = Self(1000);

    /// Nothing for a number beyond the bounds.
    #[must_use]
    pub fn new(number: i64) -> Option<Self> {
        let priority = i16::try_from(number).ok().map(Self)?;
        (Self::LOWEST..=Self::HIGHEST).contains(&priority).then_some(priority)
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
