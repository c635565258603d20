//! The checks as a person reads them: a line each, what to do below, and what they amount to.

use std::fmt::Write;

use super::super::render::style::{BAD, GOOD, HEAD, QUIET, WARN, paint};
use super::super::render::words::{count, hint, plain};
use super::check::{Check, Verdict};

/// Longer than any check's name.
const WIDTH: usize = 18;

/// All checks: first those that hold for every target, then target by target, in the order in which they were made.
pub(super) fn text(checks: &[Check]) -> String {
    let mut text = String::new();
    let mut target = None;
    for check in checks {
        if target != Some(&check.target) {
            if let Some(name) = &check.target {
                let lead = if text.is_empty() { "" } else { "\n" };
                say(
                    &mut text,
                    format_args!("{lead}{}\n", paint(HEAD, format_args!("target {}", plain(name)))),
                );
            }
            target = Some(&check.target);
        }
        line(&mut text, check);
    }
    let number = |verdict| checks.iter().filter(|check| check.verdict == verdict).count();
    let (passed, skipped) = (number(Verdict::Pass), number(Verdict::Skip));
    let warned = count(number(Verdict::Warn), "warning", "warnings");
    let failed = number(Verdict::Fail);
    say(&mut text, format_args!("\n{passed} passed, {warned}, {failed} failed, {skipped} not made\n"));
    text
}

fn line(text: &mut String, check: &Check) {
    let verdict = match check.verdict {
        Verdict::Pass => paint(GOOD, "ok  "),
        Verdict::Skip => paint(QUIET, "skip"),
        Verdict::Warn => paint(WARN, "warn"),
        Verdict::Fail => paint(BAD, "FAIL"),
    };
    let subject = check.subject.as_deref().map(|subject| format!("{}: ", plain(subject))).unwrap_or_default();
    say(text, format_args!("  {verdict} {:<WIDTH$} {subject}{}\n", check.check, plain(&check.evidence)));
    if let Some(remedy) = &check.remedy {
        hint(text, 2 + 4 + 1 + WIDTH + 1, remedy).expect("a string takes every text");
    }
}

fn say(text: &mut String, what: std::fmt::Arguments<'_>) {
    text.write_fmt(what).expect("a string takes every text");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checks_read_like_a_list() {
        let at = |check: Check| Check { target: Some("prod-eu".to_owned()), ..check };
        let checks = [
            Check::pass("configuration", "`eipd.toml` is valid"),
            at(Check::pass("permission", "allowed").of("ec2:DescribeAddresses")),
            at(Check::fail("routes", "leads nowhere", "mend it").of("subnet-1")),
            at(Check::warn("pools", "no spare", "add one").of("partner-a")),
            at(Check::skip("bystanders", "not seen")),
        ];
        let text = anstream::adapter::strip_str(&text(&checks)).to_string();
        assert_eq!(
            text,
            "  ok   configuration      `eipd.toml` is valid\n\
             \n\
             target prod-eu\n  \
             ok   permission         ec2:DescribeAddresses: allowed\n  \
             FAIL routes             subnet-1: leads nowhere\n                          \
             hint: mend it\n  \
             warn pools              partner-a: no spare\n                          \
             hint: add one\n  \
             skip bystanders         not seen\n\
             \n\
             2 passed, 1 warning, 1 failed, 1 not made\n"
        );
    }
}
