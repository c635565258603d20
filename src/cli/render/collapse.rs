//! Which of the unchanged is only counted, so that a change in a wide estate is found. Nothing that changes, lacks or
//! waits is ever counted away.

use super::Detail;

/// A function with up to so many unchanged interfaces shows them all.
const KEPT_MAX: usize = 8;
/// A target with up to so many functions without any change shows them all.
const QUIET_FUNCTIONS_MAX: usize = 8;

/// So many functions that share the same interfaces are each shown by itself.
const GUESTS_MAX: usize = 1;

/// Whether functions that only share interfaces shown elsewhere are told of together.
pub(super) fn guests(detail: Detail, guests: usize) -> bool {
    detail == Detail::Changes && guests > GUESTS_MAX
}

/// Whether a function's unchanged interfaces are counted.
pub(super) fn interfaces(detail: Detail, kept: usize) -> bool {
    detail == Detail::Changes && kept > KEPT_MAX
}

/// Whether the functions without any change are counted.
pub(super) fn functions(detail: Detail, quiet: usize) -> bool {
    detail == Detail::Changes && quiet > QUIET_FUNCTIONS_MAX
}
