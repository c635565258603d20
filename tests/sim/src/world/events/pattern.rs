//! Event patterns: which events a rule is for, by EventBridge's rules of matching.
//!
//! Exact values, nested objects, `prefix`, `suffix`, `exists` and `anything-but`. An array in the event matches when
//! one of its elements does. Every other operator is refused as not simulated, so that no pattern matches by accident.

use crate::world::Refusal;
use serde_json::{Map, Value};

/// The longest pattern (AWS.md section 3, EventBridge limits; confirmed).
const LONGEST: usize = 4096;

/// A pattern that was understood.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pattern {
    pub(crate) text: String,
    fields: Vec<(String, Node)>,
}

/// What one field must be: an object that matches, or one of several values.
#[derive(Clone, Debug, PartialEq)]
enum Node {
    Object(Vec<(String, Node)>),
    AnyOf(Vec<Test>),
}

#[derive(Clone, Debug, PartialEq)]
enum Test {
    Equals(Value),
    Prefix(String),
    Suffix(String),
    Exists(bool),
    AnythingBut(Vec<Test>),
}

impl Pattern {
    pub(crate) fn parse(text: &str) -> Result<Self, Refusal> {
        if text.chars().count() > LONGEST {
            let message = format!(
                "1 validation error detected: Value at 'eventPattern' failed to satisfy constraint: Member must have \
                 length less than or equal to {LONGEST}"
            );
            return Err(Refusal::new("ValidationException", message));
        }
        let document: Value = serde_json::from_str(text).map_err(|error| invalid(&error.to_string()))?;
        let Value::Object(members) = document else {
            return Err(invalid("Filter is not an object"));
        };
        Ok(Self { text: text.to_owned(), fields: object(&members)? })
    }

    pub(crate) fn matches(&self, event: &Value) -> bool {
        within(&self.fields, Some(event))
    }
}

fn object(members: &Map<String, Value>) -> Result<Vec<(String, Node)>, Refusal> {
    if members.is_empty() {
        return Err(invalid("Empty patterns are not allowed"));
    }
    let node = |(name, value): (&String, &Value)| {
        if name.starts_with('$') {
            return Err(Refusal::unsupported(format!("the pattern operator {name} is not simulated")));
        }
        let node = match value {
            Value::Object(members) => Node::Object(object(members)?),
            Value::Array(tests) if tests.is_empty() => return Err(invalid("Empty arrays are not allowed")),
            Value::Array(tests) => Node::AnyOf(tests.iter().map(test).collect::<Result<_, _>>()?),
            _ => return Err(invalid(&format!("\"{name}\" must be an object or an array"))),
        };
        Ok((name.clone(), node))
    };
    members.iter().map(node).collect()
}

fn test(value: &Value) -> Result<Test, Refusal> {
    let members = match value {
        Value::Object(members) => members,
        Value::Array(_) => return Err(invalid("Match value must be String, number, true, false, or null")),
        exact => return Ok(Test::Equals(exact.clone())),
    };
    let mut members = members.iter();
    let (Some((operator, operand)), None) = (members.next(), members.next()) else {
        return Err(invalid("Only one key allowed in match expression"));
    };
    match (operator.as_str(), operand) {
        ("prefix", Value::String(text)) => Ok(Test::Prefix(text.clone())),
        ("suffix", Value::String(text)) => Ok(Test::Suffix(text.clone())),
        ("exists", Value::Bool(exists)) => Ok(Test::Exists(*exists)),
        ("anything-but", Value::Array(operands)) => {
            Ok(Test::AnythingBut(operands.iter().map(test).collect::<Result<_, _>>()?))
        }
        ("anything-but", operand) => Ok(Test::AnythingBut(vec![test(operand)?])),
        _ => Err(Refusal::unsupported(format!("the pattern operator {value} is not simulated"))),
    }
}

fn within(fields: &[(String, Node)], value: Option<&Value>) -> bool {
    match value {
        // One element must match as a whole, not several together.
        Some(Value::Array(elements)) => elements.iter().any(|element| within(fields, Some(element))),
        value => fields.iter().all(|(name, node)| {
            let value = value.and_then(|value| value.get(name));
            match node {
                Node::Object(fields) => within(fields, value),
                Node::AnyOf(tests) => tests.iter().any(|test| test.accepts(value)),
            }
        }),
    }
}

impl Test {
    fn accepts(&self, value: Option<&Value>) -> bool {
        // An object is no leaf, and only leaves exist (EventBridge user guide, exists matching; confirmed).
        let leaf = value.filter(|value| !value.is_object());
        match (self, leaf) {
            (Self::Exists(exists), leaf) => *exists == leaf.is_some(),
            (_, None) => false,
            (_, Some(Value::Array(elements))) => elements.iter().any(|element| self.accepts(Some(element))),
            (Self::Equals(wanted), Some(found)) => wanted == found,
            (Self::Prefix(start), Some(found)) => found.as_str().is_some_and(|text| text.starts_with(start)),
            (Self::Suffix(end), Some(found)) => found.as_str().is_some_and(|text| text.ends_with(end)),
            (Self::AnythingBut(tests), found) => !tests.iter().any(|test| test.accepts(found)),
        }
    }
}

fn invalid(reason: &str) -> Refusal {
    Refusal::new("InvalidEventPatternException", format!("Event pattern is not valid. Reason: {reason}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn matches(pattern: &Value, event: &Value) -> bool {
        Pattern::parse(&pattern.to_string()).expect("understood").matches(event)
    }

    #[test]
    fn values_objects_and_operators_match_as_eventbridge_has_them() {
        let event = json!({
            "source": "aws.ec2", "resources": ["a", "b"], "count": 3, "nothing": null,
            "detail": { "eventName": "CreateFunction20150331", "groupSet": { "items": [{ "g": "1" }, { "g": "2", "h": 1 }] } },
        });
        for (pattern, expected) in [
            (json!({ "source": ["aws.ec2"] }), true),
            (json!({ "source": ["aws.lambda", "aws.ec2"] }), true),
            (json!({ "source": ["aws.lambda"] }), false),
            (json!({ "source": ["aws.ec2"], "detail": { "eventName": ["X"] } }), false),
            (json!({ "resources": ["b"] }), true),
            (json!({ "count": [3] }), true),
            (json!({ "count": ["3"] }), false),
            (json!({ "nothing": [null] }), true),
            (json!({ "detail": { "eventName": [{ "prefix": "CreateFunction" }] } }), true),
            (json!({ "detail": { "eventName": [{ "prefix": "Delete" }, { "suffix": "0331" }] } }), true),
            (json!({ "detail": { "errorCode": [{ "exists": false }] } }), true),
            (json!({ "detail": { "eventName": [{ "exists": false }] } }), false),
            (json!({ "detail": { "eventName": [{ "exists": true }] } }), true),
            (json!({ "absent": { "errorCode": [{ "exists": false }] } }), true),
            (json!({ "absent": { "errorCode": [{ "anything-but": "x" }] } }), false),
            (json!({ "detail": [{ "exists": false }] }), true),
            (json!({ "source": [{ "anything-but": ["aws.lambda", "aws.sts"] }] }), true),
            (json!({ "source": [{ "anything-but": { "prefix": "aws." } }] }), false),
            (json!({ "detail": { "groupSet": { "items": { "g": ["2"] } } } }), true),
            (json!({ "detail": { "groupSet": { "items": { "g": ["1"], "h": [1] } } } }), false),
        ] {
            assert_eq!(matches(&pattern, &event), expected, "{pattern}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused_and_what_is_not_simulated_is_loud() {
        for (text, code) in [
            ("{", "InvalidEventPatternException"),
            ("[]", "InvalidEventPatternException"),
            ("{}", "InvalidEventPatternException"),
            (r#"{"source":"aws.ec2"}"#, "InvalidEventPatternException"),
            (r#"{"source":[]}"#, "InvalidEventPatternException"),
            (r#"{"source":[["a"]]}"#, "InvalidEventPatternException"),
            (r#"{"source":[{"prefix":"a","suffix":"b"}]}"#, "InvalidEventPatternException"),
            (r#"{"source":[{"wildcard":"a*"}]}"#, "NotSimulated"),
            (r#"{"n":[{"numeric":["=",1]}]}"#, "NotSimulated"),
            (r#"{"source":[{"prefix":{"equals-ignore-case":"a"}}]}"#, "NotSimulated"),
            (r#"{"$or":[{"source":["a"]}]}"#, "NotSimulated"),
        ] {
            assert_eq!(Pattern::parse(text).expect_err(text).code, code, "{text}");
        }
        let long = json!({ "source": ["x".repeat(LONGEST)] }).to_string();
        assert_eq!(Pattern::parse(&long).expect_err("too long").code, "ValidationException");
    }
}
