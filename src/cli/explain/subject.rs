//! What `explain` is asked about, told apart by its form.

use std::net::IpAddr;

use crate::config;
use crate::domain::explain::Subject;
use crate::domain::function::FunctionRef;
use crate::domain::ids::{AccountId, AllocationId, NetworkInterfaceId};

/// A subject as it was asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Asked {
    /// The words on the command line.
    pub(super) text: String,
    /// What they name.
    pub(super) subject: Subject,
    /// The region and the account that an ARN tells.
    pub(super) home: Option<(String, AccountId)>,
}

const FORMS: &str =
    "hint: a function (name, `name:qualifier` or ARN), `eni-…`, `eipalloc-…` or a public IPv4 address";

/// Tells what a text names, by its form alone.
pub(super) fn parse(text: &str) -> Result<Asked, String> {
    let asked = |subject| Ok(Asked { text: text.to_owned(), subject, home: None });
    if let Ok(id) = text.parse::<NetworkInterfaceId>() {
        return asked(Subject::Interface(id));
    }
    if let Ok(id) = text.parse::<AllocationId>() {
        return asked(Subject::Address(id));
    }
    match text.parse::<IpAddr>() {
        Ok(ip @ IpAddr::V4(_)) => return asked(Subject::PublicIp(ip)),
        Ok(IpAddr::V6(_)) => return Err(format!("an Elastic IP is an IPv4 address; {FORMS}")),
        Err(_) => {}
    }
    if let Some(what) = other_resource(text) {
        return Err(format!("that is {what}; {FORMS}"));
    }
    if text.starts_with("arn:") {
        let (function, home) = config::function_of_arn(text).map_err(|why| format!("{why}; {FORMS}"))?;
        return Ok(Asked { text: text.to_owned(), subject: Subject::Function(function), home: Some(home) });
    }
    match text.parse::<FunctionRef>() {
        Ok(function) => asked(Subject::Function(function)),
        Err(_) => Err(FORMS.to_owned()),
    }
}

/// A text that could name a function, and hardly does: the id of something else, or one that was mistyped.
fn other_resource(text: &str) -> Option<String> {
    let (prefix, rest) = text.split_once('-')?;
    if rest.is_empty() || !rest.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    match prefix {
        "eni" | "eipalloc" => {
            Some(format!("no whole id: `{prefix}-` stands before 8 to 17 lower-case hexadecimal digits"))
        }
        "eipassoc" | "subnet" | "sg" | "vpc" | "rtb" | "igw" | "nat" | "acl" if rest.len() >= 8 => {
            Some(format!("an id that begins with `{prefix}-`"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(text: &str) -> &'static str {
        match parse(text).expect(text).subject {
            Subject::Function(_) => "function",
            Subject::Interface(_) => "interface",
            Subject::Address(_) => "address",
            Subject::PublicIp(_) => "public ip",
        }
    }

    #[test]
    fn what_is_asked_is_told_by_its_form() {
        let cases = [
            ("billing", "function"),
            ("billing:live", "function"),
            ("eni-handler", "function"),
            ("sg-1", "function"),
            ("arn:aws:lambda:eu-west-1:111122223333:function:billing:live", "function"),
            ("eni-0123456789abcdef0", "interface"),
            ("eipalloc-0a1b2c3d", "address"),
            ("198.51.100.7", "public ip"),
        ];
        for (text, expected) in cases {
            assert_eq!(kind(text), expected, "{text}");
        }
        let arn = parse("arn:aws:lambda:eu-west-1:111122223333:function:billing").expect("an ARN");
        assert_eq!(arn.home.map(|(region, _)| region).as_deref(), Some("eu-west-1"));
    }

    #[test]
    fn what_has_no_known_form_is_refused_with_the_forms() {
        let bad = [
            "",
            "a b",
            "2001:db8::1",
            "eni-0A1B2C3D",
            "eipalloc-0a1b",
            "subnet-0a1b2c3d",
            "arn:aws:s3:::bucket",
            "arn:aws:lambda:nowhere:1:function:f",
        ];
        for text in bad {
            let why = parse(text).expect_err(text);
            assert!(why.contains("hint: a function (name"), "{text}: {why}");
        }
    }
}
