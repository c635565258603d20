//! The text of an explanation: what is known, how it stands, by which rule, and what would change it. Pure: from an
//! answer to text; nothing from outside reaches a terminal unchecked.

mod facts;

use std::fmt;

use jiff::Timestamp;

use super::super::render::style::{BAD, GOOD, HEAD, WARN, paint};
use super::super::render::words::{age, plain};
use super::lately::Lately;
use super::{Answer, Told};
use crate::domain::explain::Story;
use crate::domain::explain::rule::Rule;

/// So many changes and so many events are shown, the latest.
const LATELY_MAX: usize = 10;

/// The text of an answer.
pub(super) fn answer(answer: &Answer) -> String {
    Text(answer).to_string()
}

struct Text<'a>(&'a Answer);

/// How something stands, whatever it is.
struct Standing<'a> {
    verdict: &'a str,
    text: &'a str,
    rules: &'a [Rule],
    would_change: &'a [String],
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Answer { targets, daemon, .. } = self.0;
        for told in targets {
            target(f, told, targets.len() > 1)?;
            writeln!(f)?;
        }
        lately(f, daemon, self.0.at)
    }
}

fn target(f: &mut fmt::Formatter<'_>, told: &Told, is_one_of_several: bool) -> fmt::Result {
    if is_one_of_several {
        writeln!(f, "{}", paint(HEAD, format_args!("target {} ({})", told.target, plain(&told.region))))?;
    }
    let standing = match &told.story {
        Story::Function(story) => {
            facts::function(f, story)?;
            Standing::new(story.verdict, &story.text, &story.rules, &story.would_change)
        }
        Story::Interface(story) => {
            facts::interface(f, story)?;
            Standing::new(story.verdict, &story.text, &story.rules, &story.would_change)
        }
        Story::Address(story) => {
            facts::address(f, story)?;
            Standing::new(story.verdict, &story.text, &story.rules, &story.would_change)
        }
    };
    write!(f, "{standing}")?;
    if !told.gaps.is_empty() {
        writeln!(f, "  {} not everything could be seen; stderr says what", paint(WARN, "!"))?;
    }
    Ok(())
}

impl<'a> Standing<'a> {
    fn new(verdict: &'a str, text: &'a str, rules: &'a [Rule], would_change: &'a [String]) -> Self {
        Self { verdict, text, rules, would_change }
    }
}

impl fmt::Display for Standing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let style = match self.verdict {
            "covered" | "associated" | "free" => GOOD,
            "gets" | "unmanaged" | "lingering" | "undeclared" | "no_interface" | "foreign" | "leaving" => {
                WARN
            }
            _ => BAD,
        };
        // A hint in the text is said again, better, by what would change it.
        let text = super::super::render::words::split_hint(self.text).0;
        writeln!(f, "  {} {}", paint(style, "it"), plain(text))?;
        for rule in self.rules {
            match rule.law {
                Some(law) => writeln!(f, "  law {law}: {}", rule.text)?,
                None => writeln!(f, "  rule: {}", rule.text)?,
            }
        }
        self.would_change.iter().try_for_each(|change| writeln!(f, "  would change it: {}", plain(change)))
    }
}

fn lately(f: &mut fmt::Formatter<'_>, lately: &Lately, now: Timestamp) -> fmt::Result {
    let ago = |at: Option<Timestamp>| {
        let since = |at: Timestamp| age(now.duration_since(at).try_into().unwrap_or_default());
        at.map(|at| format!(", {} ago", since(at))).unwrap_or_default()
    };
    if let Some(trouble) = &lately.trouble {
        let trouble = super::super::render::words::split_hint(trouble).0;
        return writeln!(f, "what happened lately is not known: {}", plain(trouble));
    }
    if lately.changes.is_empty() && lately.events.is_empty() && lately.contested.is_empty() {
        return writeln!(f, "the daemon at {} remembers no change and no event of it", plain(&lately.url));
    }
    writeln!(f, "{}", paint(HEAD, "lately"))?;
    for one in &lately.contested {
        writeln!(f, "  {} {}", paint(BAD, '!'), one.story())?;
    }
    for change in lately.changes.iter().take(LATELY_MAX) {
        let sign = if change.is_done() { paint(GOOD, '+') } else { paint(BAD, '!') };
        write!(f, "  {sign} {}{}", change.story(), ago(change.at))?;
        if let Some(reason) = &change.reason {
            write!(f, ", {}", plain(reason))?;
        }
        if let Some(actor) = change.actor() {
            write!(f, ", caused by {}", plain(actor))?;
        }
        if let Some(request) = &change.request_id {
            write!(f, ", request {}", plain(request))?;
        }
        match &change.detail {
            Some(detail) => writeln!(f, ": {}", plain(detail))?,
            None => writeln!(f)?,
        }
    }
    for event in lately.events.iter().take(LATELY_MAX) {
        writeln!(f, "  {event}{}", ago(event.at))?;
    }
    Ok(())
}
