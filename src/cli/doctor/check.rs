//! What a check came to: its verdict, what it rests on, and what to do. Data, and what they all amount to.

use serde::Serialize;

use super::super::exit::Exit;
use super::super::render::words::split_hint;

/// How a check came out.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Verdict {
    /// All is well.
    Pass,
    /// It could not be made.
    Skip,
    /// It works, and somebody should look.
    Warn,
    /// It does not work.
    Fail,
}

/// One check.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(super) struct Check {
    /// What was checked.
    pub(super) check: &'static str,
    /// The target that it was checked for; nothing for what is the same for all.
    pub(super) target: Option<String>,
    /// What of it, where it has parts: a subnet, a permission.
    pub(super) subject: Option<String>,
    /// How it came out.
    pub(super) verdict: Verdict,
    /// What the verdict rests on.
    pub(super) evidence: String,
    /// What to do, where something is to be done.
    pub(super) remedy: Option<String>,
}

impl Check {
    fn new(check: &'static str, verdict: Verdict, evidence: impl Into<String>) -> Self {
        Self { check, target: None, subject: None, verdict, evidence: evidence.into(), remedy: None }
    }

    pub(super) fn pass(check: &'static str, evidence: impl Into<String>) -> Self {
        Self::new(check, Verdict::Pass, evidence)
    }

    pub(super) fn skip(check: &'static str, why: impl Into<String>) -> Self {
        Self::new(check, Verdict::Skip, why)
    }

    pub(super) fn warn(check: &'static str, evidence: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { remedy: Some(remedy.into()), ..Self::new(check, Verdict::Warn, evidence) }
    }

    pub(super) fn fail(check: &'static str, evidence: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { remedy: Some(remedy.into()), ..Self::new(check, Verdict::Fail, evidence) }
    }

    /// From a message of this program, whose hint is the remedy.
    pub(super) fn told(check: &'static str, verdict: Verdict, message: &str) -> Self {
        let (evidence, hint) = split_hint(message);
        Self { remedy: hint.map(str::to_owned), ..Self::new(check, verdict, evidence) }
    }

    /// What to do where the message itself does not say.
    pub(super) fn or_remedy(self, remedy: &str) -> Self {
        Self { remedy: self.remedy.or_else(|| Some(remedy.to_owned())), ..self }
    }

    pub(super) fn of(self, subject: &(impl ToString + ?Sized)) -> Self {
        Self { subject: Some(subject.to_string()), ..self }
    }
}

/// What all checks amount to.
pub(super) fn worst(checks: &[Check]) -> Verdict {
    let verdicts = checks.iter().map(|check| check.verdict).filter(|verdict| *verdict != Verdict::Skip);
    verdicts.max().unwrap_or(Verdict::Pass)
}

/// What that means to the shell.
pub(super) fn exit(checks: &[Check]) -> Exit {
    match worst(checks) {
        Verdict::Pass | Verdict::Skip => Exit::Good,
        Verdict::Warn => Exit::Drift,
        Verdict::Fail => Exit::CouldNotTell,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_check_counts_and_what_was_not_checked_does_not() {
        let (pass, skip) = (Check::pass("a", "well"), Check::skip("b", "no answer"));
        let (warn, fail) = (Check::warn("c", "hm", "look"), Check::fail("d", "no", "mend"));
        for (checks, code) in [
            (vec![], 0),
            (vec![pass.clone(), skip.clone()], 0),
            (vec![pass.clone(), warn.clone(), skip], 2),
            (vec![warn, fail, pass], 1),
        ] {
            assert_eq!(exit(&checks).code(), code, "{checks:?}");
        }
    }

    #[test]
    fn the_hint_of_a_message_is_the_remedy() {
        let check = Check::told("routes", Verdict::Fail, "it leads nowhere; hint: mend it").of("subnet-1");
        assert_eq!((check.evidence.as_str(), check.remedy.as_deref()), ("it leads nowhere", Some("mend it")));
        assert_eq!(check.subject.as_deref(), Some("subnet-1"));
    }
}
