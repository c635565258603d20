//! Resource policies of queues: may a service, on behalf of this source, send here?
//!
//! As much of IAM's policy language as an event rule's way into a queue needs (AWS.md section 3, Queue policy). What is
//! beyond it is refused when the policy is set, so that no test rests on a guess. Callers of this account are not
//! judged here.

use crate::world::Refusal;
use serde_json::{Map, Value};

/// The conditions that are simulated.
const OPERATORS: [&str; 4] = ["ArnEquals", "ArnLike", "StringEquals", "StringLike"];
/// The keys that they may be about, in small letters.
const KEYS: [&str; 2] = ["aws:sourcearn", "aws:sourceaccount"];

/// Who wants to do what, and why.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish<'a> {
    pub(crate) service: &'a str,
    pub(crate) action: &'a str,
    pub(crate) resource: &'a str,
    pub(crate) source_arn: &'a str,
    pub(crate) source_account: &'a str,
}

/// A policy that was understood.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Policy {
    pub(crate) text: String,
    statements: Vec<Map<String, Value>>,
}

impl Policy {
    pub(crate) fn parse(text: &str) -> Result<Self, Refusal> {
        let invalid = || Refusal::new("InvalidAttributeValue", "Invalid value for the parameter Policy.");
        let document: Value = serde_json::from_str(text).map_err(|_| invalid())?;
        let statements = match document.get("Statement") {
            Some(Value::Array(statements)) => statements.clone(),
            Some(one @ Value::Object(_)) => vec![one.clone()],
            _ => return Err(invalid()),
        };
        let statements: Vec<Map<String, Value>> = statements
            .into_iter()
            .map(|statement| match statement {
                Value::Object(statement) => Ok(statement),
                _ => Err(invalid()),
            })
            .collect::<Result<_, _>>()?;
        statements.iter().try_for_each(check)?;
        Ok(Self { text: text.to_owned(), statements })
    }

    /// Whether the policy allows the wish: a statement allows it and none denies it.
    pub(crate) fn allows(&self, wish: &Wish<'_>) -> bool {
        let effects = |effect: &str| {
            let mut applying = self.statements.iter().filter(|statement| applies(statement, wish));
            applying.any(|statement| statement.get("Effect").and_then(Value::as_str) == Some(effect))
        };
        effects("Allow") && !effects("Deny")
    }
}

fn check(statement: &Map<String, Value>) -> Result<(), Refusal> {
    const KNOWN: [&str; 6] = ["Sid", "Effect", "Principal", "Action", "Resource", "Condition"];
    if let Some(strange) = statement.keys().find(|key| !KNOWN.contains(&key.as_str())) {
        return Err(Refusal::unsupported(format!("the policy element {strange} is not simulated")));
    }
    if !matches!(statement.get("Effect").and_then(Value::as_str), Some("Allow" | "Deny")) {
        return Err(Refusal::new("InvalidAttributeValue", "Invalid value for the parameter Policy."));
    }
    for (operator, keys) in statement.get("Condition").and_then(Value::as_object).into_iter().flatten() {
        for key in keys.as_object().into_iter().flatten().map(|(key, _)| key.to_ascii_lowercase()) {
            let known = match operator.as_str() {
                "Bool" => key == "aws:securetransport",
                operator => OPERATORS.contains(&operator) && KEYS.contains(&key.as_str()),
            };
            if !known {
                let message = format!("the policy condition {operator} on {key} is not simulated");
                return Err(Refusal::unsupported(message));
            }
        }
    }
    Ok(())
}

fn applies(statement: &Map<String, Value>, wish: &Wish<'_>) -> bool {
    let principal = match statement.get("Principal") {
        Some(Value::String(all)) => all == "*",
        Some(Value::Object(kinds)) => {
            kinds.get("Service").is_some_and(|services| texts(services).any(|text| text == wish.service))
                || kinds.get("AWS").is_some_and(|accounts| texts(accounts).any(|text| text == "*"))
        }
        _ => false,
    };
    let names = |key: &str, wanted: &str, fold: bool| {
        let matching = |text: &str| {
            if fold {
                like(&text.to_ascii_lowercase(), &wanted.to_ascii_lowercase())
            } else {
                like(text, wanted)
            }
        };
        statement.get(key).is_some_and(|value| texts(value).any(matching))
    };
    let mut conditions = statement.get("Condition").and_then(Value::as_object).into_iter().flatten();
    principal
        && names("Action", wish.action, true)
        && names("Resource", wish.resource, false)
        && conditions.all(|(operator, keys)| {
            keys.as_object().into_iter().flatten().all(|(key, values)| meets(operator, key, values, wish))
        })
}

fn meets(operator: &str, key: &str, values: &Value, wish: &Wish<'_>) -> bool {
    if operator == "Bool" {
        // EventBridge comes by TLS.
        return texts(values).any(|text| text == "true") || values.as_bool() == Some(true);
    }
    let source =
        if key.eq_ignore_ascii_case("aws:SourceArn") { wish.source_arn } else { wish.source_account };
    // For ARNs the two operators are the same one, wildcards and all.
    let wild = operator != "StringEquals";
    texts(values).any(|text| if wild { like(text, source) } else { text == source })
}

/// A string, or a list of them.
fn texts(value: &Value) -> impl Iterator<Item = &str> {
    let list = value.as_array().into_iter().flatten().filter_map(Value::as_str);
    value.as_str().into_iter().chain(list)
}

/// Whether `text` matches: `*` stands for any run of characters and `?` for one.
fn like(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut at, mut seen, mut star) = (0, 0, None);
    while seen < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, seen));
                at += 1;
            }
            Some(wanted) if *wanted == b'?' || *wanted == text[seen] => {
                at += 1;
                seen += 1;
            }
            _ => {
                let Some((place, from)) = star else { return false };
                star = Some((place, from + 1));
                (at, seen) = (place + 1, from + 1);
            }
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const QUEUE: &str = "arn:aws:sqs:eu-west-1:111122223333:eipd";
    const RULE: &str = "arn:aws:events:eu-west-1:111122223333:rule/eipd";

    fn allows(statement: &Value) -> bool {
        let policy = Policy::parse(&json!({ "Version": "2012-10-17", "Statement": statement }).to_string());
        policy.expect("understood").allows(&Wish {
            service: "events.amazonaws.com",
            action: "sqs:SendMessage",
            resource: QUEUE,
            source_arn: RULE,
            source_account: "111122223333",
        })
    }

    fn statement(condition: &Value) -> Value {
        json!({ "Effect": "Allow", "Principal": { "Service": "events.amazonaws.com" },
                "Action": "sqs:SendMessage", "Resource": QUEUE, "Condition": condition })
    }

    #[test]
    fn a_rule_is_allowed_by_its_arn_only() {
        assert!(allows(&statement(&json!({ "ArnEquals": { "aws:SourceArn": RULE } }))));
        assert!(allows(&statement(
            &json!({ "ArnLike": { "AWS:SourceArn": [format!("{RULE}x"), "arn:*:rule/e*"] } })
        )));
        assert!(allows(&statement(&json!({ "StringEquals": { "aws:SourceAccount": "111122223333" } }))));
        assert!(!allows(&statement(&json!({ "ArnEquals": { "aws:SourceArn": format!("{RULE}x") } }))));
        assert!(!allows(&statement(&json!({ "StringEquals": { "aws:SourceAccount": "444455556666" } }))));
    }

    #[test]
    fn a_denial_of_plain_text_does_not_touch_a_rule() {
        let mut plain = statement(&json!({ "Bool": { "aws:SecureTransport": "false" } }));
        (plain["Effect"], plain["Principal"]) = (json!("Deny"), json!("*"));
        assert!(allows(&json!([statement(&json!({})), plain])));
        plain["Condition"] = json!({ "Bool": { "aws:SecureTransport": true } });
        assert!(!allows(&json!([statement(&json!({})), plain])));
    }

    #[test]
    fn principal_action_resource_and_denial_count() {
        let open = statement(&json!({}));
        assert!(allows(&open));
        for (key, value) in [
            ("Principal", json!({ "Service": "sns.amazonaws.com" })),
            ("Principal", json!({ "AWS": "111122223333" })),
            ("Action", json!(["sqs:ReceiveMessage"])),
            ("Resource", json!("arn:aws:sqs:eu-west-1:111122223333:other")),
            ("Effect", json!("Deny")),
        ] {
            let mut changed = open.clone();
            changed[key] = value;
            assert!(!allows(&changed), "{changed}");
            assert_eq!(allows(&json!([open, changed])), key != "Effect");
        }
    }

    #[test]
    fn what_is_not_simulated_is_refused() {
        let refused = |statement: &Value| {
            Policy::parse(&json!({ "Statement": [statement] }).to_string()).expect_err("refused").code
        };
        assert_eq!(refused(&statement(&json!({ "Bool": { "aws:ViaAWSService": "true" } }))), "NotSimulated");
        assert_eq!(refused(&statement(&json!({ "Null": { "aws:SourceArn": "true" } }))), "NotSimulated");
        assert_eq!(refused(&json!({ "Effect": "Allow", "NotAction": "*" })), "NotSimulated");
        assert_eq!(refused(&json!({ "Effect": "Maybe" })), "InvalidAttributeValue");
        assert_eq!(Policy::parse("{").expect_err("no JSON").code, "InvalidAttributeValue");
    }

    #[test]
    fn stars_match_any_run() {
        for (pattern, text, expected) in [
            ("a*c", "abbc", true),
            ("a*c*", "abcd", true),
            ("a?c", "ac", false),
            ("*", "", true),
            ("ab", "abc", false),
        ] {
            assert_eq!(like(pattern, text), expected, "{pattern} {text}");
        }
    }
}
