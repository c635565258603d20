//! The members of a JSON-protocol request, each marked when it is read.
//!
//! What was never read is unknown to the operation, and the caller hears of it. A member that is null is absent.

use super::Failure;
use serde_json::{Map, Value};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

/// Members by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields {
    values: Map<String, Value>,
    read: RefCell<BTreeSet<String>>,
    malformed: bool,
}

impl Fields {
    /// The members of a document; a document that is no JSON object is remembered as malformed.
    pub(crate) fn parse(body: &[u8]) -> Self {
        match serde_json::from_slice(body) {
            Ok(Value::Object(values)) => Self::of(values),
            _ if body.is_empty() => Self::default(),
            _ => Self { malformed: true, ..Self::default() },
        }
    }

    fn of(mut values: Map<String, Value>) -> Self {
        values.retain(|_, value| !value.is_null());
        Self { values, ..Self::default() }
    }

    /// The error for a document that could not be read.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        if self.malformed { Err(Failure::new("SerializationException", 400, "")) } else { Ok(()) }
    }

    /// A text for routing and counting, which does not count as read.
    pub(crate) fn peek(&self, name: &str) -> Option<&str> {
        self.values.get(name)?.as_str()
    }

    fn value(&self, name: &str) -> Option<&Value> {
        let value = self.values.get(name)?;
        self.read.borrow_mut().insert(name.to_owned());
        Some(value)
    }

    fn read<T>(&self, name: &str, of: impl Fn(&Value) -> Option<T>) -> Result<Option<T>, Failure> {
        self.value(name).map(|value| of(value).ok_or_else(|| mistyped(name))).transpose()
    }

    pub(crate) fn text(&self, name: &str) -> Result<Option<String>, Failure> {
        self.read(name, |value| value.as_str().map(str::to_owned))
    }

    pub(crate) fn required(&self, name: &str) -> Result<String, Failure> {
        self.text(name)?.filter(|text| !text.is_empty()).ok_or_else(|| missing(name))
    }

    pub(crate) fn number(&self, name: &str) -> Result<Option<i64>, Failure> {
        self.read(name, Value::as_i64)
    }

    /// A time, as seconds since the Unix epoch; fractions are cut off.
    pub(crate) fn seconds(&self, name: &str) -> Result<Option<u64>, Failure> {
        let whole =
            |seconds: f64| std::time::Duration::try_from_secs_f64(seconds).ok().map(|span| span.as_secs());
        self.read(name, |value| whole(value.as_f64()?))
    }

    /// A number within bounds.
    pub(crate) fn within(&self, name: &str, least: i64, most: i64) -> Result<Option<u64>, Failure> {
        let Some(number) = self.number(name)? else { return Ok(None) };
        if (least..=most).contains(&number) {
            return Ok(Some(number.unsigned_abs()));
        }
        let message = format!(
            "Value {number} for parameter {name} is invalid. Reason: Must be >= {least} and <= {most}, if provided."
        );
        Err(Failure::new("InvalidParameterValue", 400, message))
    }

    /// A list of texts.
    pub(crate) fn texts(&self, name: &str) -> Result<Option<Vec<String>>, Failure> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        self.read(name, |value| value.as_array()?.iter().map(text).collect())
    }

    /// A map from texts to texts.
    pub(crate) fn map(&self, name: &str) -> Result<BTreeMap<String, String>, Failure> {
        let text = |(key, value): (&String, &Value)| Some((key.clone(), value.as_str()?.to_owned()));
        let found = self.read(name, |value| value.as_object()?.iter().map(text).collect())?;
        Ok(found.unwrap_or_default())
    }

    /// A list of structures.
    pub(crate) fn entries(&self, name: &str) -> Result<Vec<Self>, Failure> {
        let entry = |value: &Value| value.as_object().cloned().map(Self::of);
        let found = self.read(name, |value| value.as_array()?.iter().map(entry).collect())?;
        Ok(found.unwrap_or_default())
    }

    /// A structure.
    pub(crate) fn structure(&self, name: &str) -> Result<Option<Self>, Failure> {
        self.read(name, |value| value.as_object().cloned().map(Self::of))
    }

    /// The members that nobody read.
    pub(crate) fn unread(&self) -> Vec<&str> {
        let read = self.read.borrow();
        self.values.keys().map(String::as_str).filter(|name| !read.contains(*name)).collect()
    }

    /// The members in one line for the journal; lists and structures print as their lengths, long texts cut short.
    pub(crate) fn summary(&self) -> String {
        let shown = |(name, value): (&String, &Value)| match value {
            Value::Array(items) => format!("{name}=[{}]", items.len()),
            Value::Object(members) => format!("{name}={{{}}}", members.len()),
            Value::String(url) if name == "QueueUrl" => {
                format!("QueueUrl={}", url.rsplit('/').next().unwrap_or_default())
            }
            Value::String(text) if text.len() > 80 => format!("{name}=({} bytes)", text.len()),
            Value::String(text) => format!("{name}={text}"),
            other => format!("{name}={other}"),
        };
        self.values.iter().map(shown).collect::<Vec<_>>().join(" ")
    }
}

fn missing(name: &str) -> Failure {
    Failure::new("MissingParameter", 400, format!("The request must contain the parameter {name}."))
}

fn mistyped(name: &str) -> Failure {
    Failure::new("SerializationException", 400, format!("The member {name} has the wrong type."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_read_by_type_and_what_nobody_reads_is_known() {
        let fields =
            Fields::parse(br#"{"A":"one","B":7,"C":null,"D":["x"],"E":[{"F":true}],"QueueUrl":"h/1/q"}"#);
        assert_eq!(fields.required("A").expect("text"), "one");
        assert_eq!(fields.within("B", 1, 10).expect("within"), Some(7));
        assert_eq!(fields.texts("D").expect("texts"), Some(vec!["x".to_owned()]));
        assert_eq!(fields.entries("E").expect("entries")[0].unread(), ["F"]);
        assert_eq!(fields.unread(), ["QueueUrl"]);
        assert_eq!(fields.summary(), "A=one B=7 D=[1] E=[1] QueueUrl=q");
        assert_eq!(fields.text("B").expect_err("a number").code, "SerializationException");
        assert_eq!(fields.required("C").expect_err("null").code, "MissingParameter");
        assert_eq!(fields.within("B", 8, 10).expect_err("too small").code, "InvalidParameterValue");
        assert!(Fields::parse(b"[1]").check().is_err());
    }
}
