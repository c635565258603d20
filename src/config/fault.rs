//! What is wrong with a configuration: where, which key, what, and what would be right. Words and places only; judges
//! nothing.

use std::fmt;
use std::sync::Arc;

/// The longest piece of a wrong value that a message repeats, in characters.
const LONGEST_SHOWN: usize = 80;

/// Where a fault lies.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    /// The file, `EIPD_CONFIG_INLINE`, or the name of an overriding variable.
    pub source: Arc<str>,
    /// Nothing for what has no place within its source.
    pub position: Option<Position>,
}

/// A place in a text, both counted from 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position {
            Some(Position { line, column }) => write!(f, "{}:{line}:{column}", self.source),
            None => f.write_str(&self.source),
        }
    }
}

/// One thing that is wrong.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub struct Fault {
    /// Where.
    pub place: Place,
    /// The path of the key, such as `functions[2].pool`; empty when no key is to blame.
    pub key: String,
    /// What is wrong, on one line.
    pub problem: String,
    /// What would be right, where that is not said already.
    pub hint: Option<String>,
}

impl Fault {
    /// The same fault with a hint.
    pub(super) fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// The same fault with the hint that `candidates` hold the near one of `text`, if one is near.
    pub(super) fn with_near<'a>(self, text: &str, candidates: impl IntoIterator<Item = &'a str>) -> Self {
        match near(text, candidates) {
            Some(candidate) => self.with_hint(format!("did you mean `{candidate}`?")),
            None => self,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.place)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.problem)?;
        match &self.hint {
            Some(hint) => write!(f, "; hint: {hint}"),
            None => Ok(()),
        }
    }
}

/// Everything that is wrong with a configuration, at least one fault: those with a place in the text first, in its
/// order.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// Sorts the faults by their places; nothing when there are none.
    pub(super) fn new(mut faults: Vec<Fault>) -> Option<Self> {
        faults.sort_by_key(|fault| (fault.place.position.is_none(), fault.place.position));
        (!faults.is_empty()).then_some(Self(faults))
    }

    /// The faults in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Fault> {
        self.0.iter()
    }
}

impl From<Fault> for Faults {
    fn from(fault: Fault) -> Self {
        Self(vec![fault])
    }
}

/// One line per fault, without a line break at the end.
impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            write!(f, "{}{fault}", if index == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

/// A text from outside, fit for one line of a terminal: clipped, and its control characters escaped.
pub(super) fn shown(text: &str) -> String {
    let mut shown = String::new();
    for (index, character) in text.chars().enumerate() {
        if index == LONGEST_SHOWN {
            shown.push('…');
            break;
        }
        if character.is_control() {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// The candidate that `text` was most likely meant to be.
pub(super) fn near<'a>(text: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    /// Two of three characters agree, so that `prod` is no guess for `staging`.
    const NEAR: f64 = 0.6;
    /// The start of a name, such as `poll`, is as near as one letter of five gone wrong.
    const START: f64 = 0.8;
    const SHORTEST_START: usize = 3;
    /// Comparing costs the product of both lengths, and no name that may be meant is longer.
    const LONGEST: usize = 200;
    if text.len() > LONGEST {
        return None;
    }
    let text = text.to_lowercase();
    let likeness = |candidate: &str| match candidate.to_lowercase() {
        whole if text.len() >= SHORTEST_START && whole.starts_with(&text) => START,
        whole => strsim::normalized_damerau_levenshtein(&text, &whole),
    };
    candidates
        .into_iter()
        .filter(|candidate| candidate.len() <= LONGEST)
        .map(|candidate| (likeness(candidate), candidate))
        .filter(|(likeness, _)| *likeness >= NEAR)
        .max_by(|(a, one), (b, other)| a.total_cmp(b).then_with(|| other.cmp(one)))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_near_one_is_suggested_and_a_far_one_never() {
        let names = ["partner-a", "partner-bank", "staging"];
        assert_eq!(near("partner-b", names), Some("partner-a"));
        assert_eq!(near("Staging", names), Some("staging"));
        assert_eq!(near("prod", names), None);
        assert_eq!(near("", names), None);
        assert_eq!(near("poll", ["pool", "poll_interval"]), Some("poll_interval"));
    }

    #[test]
    fn what_comes_from_outside_stays_on_its_line() {
        assert_eq!(shown("a\n\u{1b}[31mb"), "a\\n\\u{1b}[31mb");
        assert_eq!(shown(&"x".repeat(100)).chars().count(), LONGEST_SHOWN + 1);
    }
}
