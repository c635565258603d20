//! Numbers, durations and messages as people read them.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use jiff::fmt::friendly::{FractionalUnit, SpanPrinter};

use super::style::{NOTE, paint};
use crate::domain::function::FunctionRef;

/// `1 function`, `2 functions`.
pub(in crate::cli) fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// Text from outside in one line, without anything that a terminal would obey.
pub(in crate::cli) fn plain(text: &str) -> Cow<'_, str> {
    if text.chars().any(char::is_control) {
        Cow::Owned(text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect())
    } else {
        Cow::Borrowed(text)
    }
}

/// How long something took: `420ms`, `1.2s`, `2m 3.4s`.
pub(in crate::cli) fn took(duration: Duration) -> String {
    let (unit, precision) = if duration < Duration::from_secs(1) {
        (FractionalUnit::Millisecond, 0)
    } else {
        (FractionalUnit::Second, 1)
    };
    SpanPrinter::new()
        .fractional(Some(unit))
        .precision(Some(precision))
        .unsigned_duration_to_string(&duration)
}

/// How long ago or for how long, in whole seconds: `14s`, `3h 12m 4s`.
pub(in crate::cli) fn age(duration: Duration) -> String {
    SpanPrinter::new().unsigned_duration_to_string(&Duration::from_secs(duration.as_secs()))
}

/// A message apart from the hint that it ends in.
pub(in crate::cli) fn split_hint(message: &str) -> (&str, Option<&str>) {
    match message.rsplit_once("; hint: ") {
        Some((message, hint)) => (message, Some(hint)),
        None => (message, None),
    }
}

/// Writes a hint on a line of its own, `indent` spaces in.
pub(in crate::cli) fn hint(f: &mut impl fmt::Write, indent: usize, hint: &str) -> fmt::Result {
    writeln!(f, "{:indent$}{} {}", "", paint(NOTE, "hint:"), plain(hint))
}

/// Some functions by name, and how many more there are.
pub(in crate::cli) fn some_of(functions: &[FunctionRef]) -> String {
    const NAMED: usize = 4;
    let names: Vec<String> = functions.iter().take(NAMED).map(ToString::to_string).collect();
    match functions.len().saturating_sub(NAMED) {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_as_exact_as_they_are_useful() {
        let cases = [(0, "0ms"), (420, "420ms"), (1_250, "1.2s"), (123_400, "2m 3.4s")];
        for (millis, text) in cases {
            assert_eq!(took(Duration::from_millis(millis)), text);
        }
        assert_eq!(age(Duration::from_millis(14_900)), "14s");
        assert_eq!(age(Duration::from_secs(3 * 3600 + 125)), "3h 2m 5s");
    }

    #[test]
    fn text_from_outside_cannot_steer_a_terminal() {
        assert_eq!(plain("a\u{1b}[31m\nb\r\n"), "a [31m b");
        assert_eq!(plain("a b"), "a b");
    }

    #[test]
    fn a_hint_is_told_apart() {
        assert_eq!(split_hint("no; why; hint: do it"), ("no; why", Some("do it")));
        assert_eq!(split_hint("no"), ("no", None));
    }
}
