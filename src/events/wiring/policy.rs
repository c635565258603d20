//! The policy of a queue that a rule sends to: one statement of ours among those of others, which stay as they are.

use serde_json::{Map, Value, json};

/// The id of our statement; where the queue's owner has others, theirs are told apart by it.
pub const STATEMENT_ID: &str = "EipdEvents";

const VERSION: &str = "2012-10-17";

/// Lets EventBridge send to the queue for this rule alone (AWS.md 3, believed to suffice).
#[must_use]
pub fn statement(queue_arn: &Value, rule_arn: &Value) -> Value {
    json!({
        "Sid": STATEMENT_ID,
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue_arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": rule_arn}},
    })
}

/// A policy with these statements.
#[must_use]
pub fn document(statements: &[Value]) -> Value {
    json!({"Version": VERSION, "Statement": statements})
}

/// A policy that can't be merged into.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("its policy can't be read")]
pub struct Unreadable;

/// What a policy has to become so that it holds the statement; nothing when it does.
///
/// # Errors
/// For a policy that is no JSON object with statements: merging would destroy it.
pub fn merged(policy: Option<&str>, statement: &Value) -> Result<Option<Value>, Unreadable> {
    let Some(text) = policy.filter(|text| !text.is_empty()) else {
        return Ok(Some(document(std::slice::from_ref(statement))));
    };
    let mut policy: Map<String, Value> = serde_json::from_str(text).map_err(|_| Unreadable)?;
    let mut statements = match policy.remove("Statement") {
        Some(Value::Array(statements)) => statements,
        Some(one @ Value::Object(_)) => vec![one],
        _ => return Err(Unreadable),
    };
    if statements.iter().any(|held| plain(held) == plain(statement)) {
        return Ok(None);
    }
    statements.retain(|held| held["Sid"] != STATEMENT_ID);
    statements.push(statement.clone());
    policy.insert("Statement".to_owned(), statements.into());
    policy.entry("Version").or_insert_with(|| VERSION.into());
    Ok(Some(policy.into()))
}

/// What a statement says, whatever its id: a list of one is the same as the one, and actions have no case.
fn plain(statement: &Value) -> Value {
    match statement {
        Value::Array(values) if values.len() == 1 => plain(&values[0]),
        Value::Array(values) => values.iter().map(plain).collect(),
        Value::Object(fields) => {
            let fields = fields.iter().filter(|(name, _)| *name != "Sid");
            let fields = fields.map(|(name, value)| match (name.as_str(), plain(value)) {
                ("Action", Value::String(action)) => (name.clone(), action.to_ascii_lowercase().into()),
                (_, value) => (name.clone(), value),
            });
            Value::Object(fields.collect())
        }
        other => other.clone(),
    }
}
