//! The configuration as a tree whose every value knows its place and the path of its key. Reads the types of values and
//! nothing of their meaning; what has the wrong type is reported where it stands, and reading goes on.
//!
//! The `toml` crate refuses a text that nests deeper than 80 levels and a key of more than 80 parts; nothing here
//! recurses.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::fault::{Fault, Place, Position, shown};
use crate::domain::ids::IdError;

/// A text with the starts of its lines, so that places are found without counting from the top.
pub(super) struct Text {
    name: Arc<str>,
    body: String,
    lines: Vec<usize>,
}

impl Text {
    pub(super) fn new(name: Arc<str>, body: String) -> Self {
        let breaks = body.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let lines = std::iter::once(0).chain(breaks.map(|(offset, _)| offset + 1)).collect();
        Self { name, body, lines }
    }

    pub(super) fn body(&self) -> &str {
        &self.body
    }

    fn place(&self, offset: usize) -> Place {
        let line = self.lines.partition_point(|start| *start <= offset);
        let start = self.lines[line - 1];
        let end = self.body.floor_char_boundary(offset.min(self.body.len()));
        let column = self.body[start..end].chars().count() + 1;
        Place { source: self.name.clone(), position: Some(Position { line, column }) }
    }

    fn whole(&self) -> Place {
        Place { source: self.name.clone(), position: None }
    }
}

/// Where a value stands, as a fault needs it.
#[derive(Clone)]
pub(super) struct Spot<'t> {
    origin: Origin<'t>,
    key: String,
}

#[derive(Clone)]
enum Origin<'t> {
    Text(&'t Text, Option<usize>),
    Variable(String),
}

impl<'t> Spot<'t> {
    /// The text as a whole.
    pub(super) fn whole(text: &'t Text) -> Self {
        Self { origin: Origin::Text(text, None), key: String::new() }
    }

    /// An overriding variable and the key that it overrides.
    pub(super) fn variable(name: &str, key: String) -> Self {
        Self { origin: Origin::Variable(name.to_owned()), key }
    }

    fn under(&self, key: &str, offset: usize) -> Self {
        let key = match self.key.as_str() {
            "" => quoted(key),
            path => format!("{path}.{}", quoted(key)),
        };
        Self { origin: self.at(offset), key }
    }

    fn element(&self, index: usize, offset: usize) -> Self {
        Self { origin: self.at(offset), key: format!("{}[{index}]", self.key) }
    }

    fn at(&self, offset: usize) -> Origin<'t> {
        match &self.origin {
            Origin::Text(text, _) => Origin::Text(text, Some(offset)),
            variable @ Origin::Variable(_) => variable.clone(),
        }
    }

    pub(super) fn key(&self) -> &str {
        &self.key
    }

    pub(super) fn is_variable(&self) -> bool {
        matches!(self.origin, Origin::Variable(_))
    }

    pub(super) fn place(&self) -> Place {
        match &self.origin {
            Origin::Text(text, Some(offset)) => text.place(*offset),
            Origin::Text(text, None) => text.whole(),
            Origin::Variable(name) => Place { source: name.as_str().into(), position: None },
        }
    }

    pub(super) fn fault(&self, problem: impl Into<String>) -> Fault {
        Fault { place: self.place(), key: self.key.clone(), problem: problem.into(), hint: None }
    }
}

/// A key as TOML writes it.
fn quoted(key: &str) -> String {
    let bare = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if bare { key.to_owned() } else { format!("\"{}\"", shown(key)) }
}

/// Something read, with its place.
#[derive(Clone)]
pub(super) struct Located<'t, T> {
    pub(super) value: T,
    pub(super) spot: Spot<'t>,
}

impl<'t, T> Located<'t, T> {
    pub(super) fn map<U>(self, change: impl FnOnce(T) -> U) -> Located<'t, U> {
        Located { value: change(self.value), spot: self.spot }
    }
}

/// A value of the tree, not looked into yet.
#[derive(Clone)]
pub(super) struct Node<'t> {
    pub(super) spot: Spot<'t>,
    pub(super) value: &'t DeValue<'t>,
}

impl<'t> Node<'t> {
    pub(super) fn mismatch(&self, expected: &str) -> Fault {
        self.spot.fault(format!("expected {expected}, found {}", Found(self.value)))
    }

    /// The value as a string.
    pub(super) fn text(&self, expected: &str, faults: &mut Vec<Fault>) -> Option<Located<'t, &'t str>> {
        match self.value {
            DeValue::String(text) => Some(Located { value: text, spot: self.spot.clone() }),
            _ => {
                faults.push(self.mismatch(expected));
                None
            }
        }
    }

    /// The value as an id of one kind.
    pub(super) fn id<T>(&self, expected: &str, faults: &mut Vec<Fault>) -> Option<Located<'t, T>>
    where
        T: FromStr<Err = IdError>,
    {
        let text = self.text(expected, faults)?;
        match text.value.parse() {
            Ok(value) => Some(Located { value, spot: text.spot }),
            Err(error) => {
                let error = IdError { text: shown(text.value), ..error };
                faults.push(text.spot.fault(error.to_string()));
                None
            }
        }
    }

    /// The value as a whole number, zero or more.
    pub(super) fn count(&self, faults: &mut Vec<Fault>) -> Option<usize> {
        let count = self.whole_number().and_then(|number| usize::try_from(number).ok());
        if count.is_none() {
            faults.push(self.mismatch("a whole number, zero or more"));
        }
        count
    }

    /// The value as a whole number; nothing for one beyond 64 bits.
    pub(super) fn whole_number(&self) -> Option<i64> {
        match self.value {
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok(),
            _ => None,
        }
    }

    /// The elements of a list.
    pub(super) fn elements(&self, expected: &str, faults: &mut Vec<Fault>) -> Option<Vec<Node<'t>>> {
        let DeValue::Array(array) = self.value else {
            faults.push(self.mismatch(expected));
            return None;
        };
        let node = |(index, value): (usize, &'t Spanned<DeValue<'t>>)| Node {
            spot: self.spot.element(index, value.span().start),
            value: value.get_ref(),
        };
        Some(array.iter().enumerate().map(node).collect())
    }

    /// The value as a table.
    pub(super) fn fields(&self, expected: &str, faults: &mut Vec<Fault>) -> Option<Fields<'t>> {
        match self.value {
            DeValue::Table(table) => Some(Fields { spot: self.spot.clone(), table }),
            _ => {
                faults.push(self.mismatch(expected));
                None
            }
        }
    }
}

/// A table whose keys are fetched by name.
pub(super) struct Fields<'t> {
    pub(super) spot: Spot<'t>,
    table: &'t DeTable<'t>,
}

impl<'t> Fields<'t> {
    /// The table of a whole text.
    pub(super) fn root(text: &'t Text, table: &'t DeTable<'t>) -> Self {
        Self { spot: Spot::whole(text), table }
    }

    /// The value of a key, placed where the value stands.
    pub(super) fn get(&self, key: &str) -> Option<Node<'t>> {
        let value = self.table.get(key)?;
        Some(Node { spot: self.spot.under(key, value.span().start), value: value.get_ref() })
    }

    /// Every key with the place where the key itself stands, and its value, in the order of the text.
    pub(super) fn entries(&self) -> Vec<(Located<'t, &'t str>, Node<'t>)> {
        let mut entries: Vec<_> = self.table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        let entry = |(key, value): (&'t Spanned<DeString<'t>>, &'t Spanned<DeValue<'t>>)| {
            let name: &'t str = key.get_ref();
            let key = Located { value: name, spot: self.spot.under(name, key.span().start) };
            (key, Node { spot: self.spot.under(name, value.span().start), value: value.get_ref() })
        };
        entries.into_iter().map(entry).collect()
    }

    /// Reports each key that is not among `known`; `elsewhere` may know where it belongs.
    pub(super) fn refuse_unknown(
        &self,
        known: &[&str],
        elsewhere: impl Fn(&str) -> Option<String>,
        faults: &mut Vec<Fault>,
    ) {
        for (Located { value: key, spot }, _) in self.entries() {
            if known.contains(&key) {
                continue;
            }
            let fault = spot.fault("unknown key");
            faults.push(match elsewhere(key) {
                Some(hint) => fault.with_hint(hint),
                None => fault
                    .with_hint(format!("known here: `{}`", known.join("`, `")))
                    .with_near(key, known.iter().copied()),
            });
        }
    }
}

/// A value in the words of a message.
pub(super) struct Found<'t>(pub(super) &'t DeValue<'t>);

impl fmt::Display for Found<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            DeValue::String(text) => write!(f, "the string \"{}\"", shown(text)),
            DeValue::Integer(number) => write!(f, "the integer {}", shown(&number.to_string())),
            DeValue::Float(number) => write!(f, "the number {}", shown(number.as_str())),
            DeValue::Boolean(value) => write!(f, "{value}"),
            DeValue::Datetime(time) => write!(f, "the time {time}"),
            DeValue::Array(_) => f.write_str("a list"),
            DeValue::Table(_) => f.write_str("a table"),
        }
    }
}

/// The tree of a text, and the faults of its syntax. A key that is declared twice leaves the tree whole; after any
/// other fault of syntax it may lack parts, and `Err` holds all such faults.
pub(super) fn parse(text: &Text) -> Result<(DeTable<'_>, Vec<Fault>), Vec<Fault>> {
    let (table, errors) = DeTable::parse_recoverable(text.body());
    let whole = errors.iter().all(|error| error.message() == DUPLICATE);
    let told = errors.iter().take(MOST_SYNTAX_FAULTS);
    let mut faults: Vec<_> = told.map(|error| syntax_fault(text, error.message(), error.span())).collect();
    faults.dedup();
    if errors.len() > MOST_SYNTAX_FAULTS {
        let rest = errors.len() - MOST_SYNTAX_FAULTS;
        faults.push(Spot::whole(text).fault(format!("not valid TOML in {rest} more places")));
    }
    if whole { Ok((table.into_inner(), faults)) } else { Err(faults) }
}

/// What the `toml` crate says of a key that is there already.
const DUPLICATE: &str = "duplicate key";
/// Past these, what is reported follows from what was reported before.
const MOST_SYNTAX_FAULTS: usize = 20;

fn syntax_fault(text: &Text, message: &str, span: Option<Range<usize>>) -> Fault {
    let spot = Spot { origin: Origin::Text(text, span.clone().map(|span| span.start)), key: String::new() };
    match message {
        DUPLICATE => {
            let key = shown(span.and_then(|span| text.body().get(span)).unwrap_or_default());
            Spot { key, ..spot }.fault("the key is declared twice").with_hint("remove one, or merge the two")
        }
        "recursion limit" => spot.fault("a key has too many parts"),
        _ => spot.fault(format!("not valid TOML: {}", shown(message))),
    }
}
