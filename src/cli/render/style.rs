//! The few styles of the output. Always put in here; `output` takes them out again where nobody would see them.

use std::fmt;

use anstyle::{AnsiColor, Style};

/// What is gained.
pub(in crate::cli) const GOOD: Style = AnsiColor::Green.on_default();
/// What is wrong.
pub(in crate::cli) const BAD: Style = AnsiColor::Red.on_default();
/// What needs an eye.
pub(in crate::cli) const WARN: Style = AnsiColor::Yellow.on_default();
/// What helps.
pub(in crate::cli) const NOTE: Style = AnsiColor::Cyan.on_default();
/// What stays.
pub(in crate::cli) const QUIET: Style = Style::new().dimmed();
/// What a part is about.
pub(in crate::cli) const HEAD: Style = Style::new().bold();

/// A piece of text in a style.
pub(in crate::cli) struct Painted<T>(Style, T);

/// Puts a piece of text in a style.
pub(in crate::cli) fn paint<T: fmt::Display>(style: Style, text: T) -> Painted<T> {
    Painted(style, text)
}

impl<T: fmt::Display> fmt::Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{0}{1}{0:#}", self.0, self.1)
    }
}
