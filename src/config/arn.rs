//! ARNs of functions, roles and event buses, regions, and the URLs of queues: their forms only. Never asks AWS whether
//! such a thing exists.

use crate::domain::function::FunctionRef;
use crate::domain::ids::AccountId;

/// What an ARN says of the place of a thing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Home {
    pub(super) region: String,
    pub(super) account: AccountId,
}

/// A function as the file names it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct NamedFunction {
    pub(super) reference: FunctionRef,
    /// Nothing unless it was named by its ARN.
    pub(super) home: Option<Home>,
}

/// Why a text is refused: what is wrong, and perhaps what would be right.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Refusal {
    pub(super) problem: String,
    pub(super) hint: Option<String>,
}

impl Refusal {
    fn new(problem: impl Into<String>) -> Self {
        Self { problem: problem.into(), hint: None }
    }

    fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

/// Each partition with the start of its regions' names; those of `aws` have none in common.
const PARTITIONS: [(&str, &str); 8] = [
    ("aws", ""),
    ("aws-cn", "cn-"),
    ("aws-us-gov", "us-gov-"),
    ("aws-eusc", "eusc-"),
    ("aws-iso", "us-iso-"),
    ("aws-iso-b", "us-isob-"),
    ("aws-iso-e", "eu-isoe-"),
    ("aws-iso-f", "us-isof-"),
];

const FUNCTION_ARN: &str =
    "expected `arn:aws:lambda:REGION:ACCOUNT:function:NAME`, or the same with `:QUALIFIER`";

/// A name, `name:qualifier`, or an ARN of a function.
pub(super) fn function(text: &str, shown: &str) -> Result<NamedFunction, Refusal> {
    if text.starts_with("arn:") {
        return function_arn(text).map_err(|why| {
            Refusal::new(format!("`{shown}` is not the ARN of a function: {why}")).hint(FUNCTION_ARN)
        });
    }
    if let Some((account, name)) = text.split_once(":function:") {
        let refusal = Refusal::new(format!("`{shown}` is a part of an ARN"));
        return Err(match account.parse::<AccountId>().is_ok() && name.parse::<FunctionRef>().is_ok() {
            true => refusal.hint(format!("write the whole ARN, or the name `{name}` alone")),
            false => refusal.hint(FUNCTION_ARN),
        });
    }
    text.parse().map(|reference| NamedFunction { reference, home: None }).map_err(|_| {
        Refusal::new(format!("`{shown}` names no function"))
            .hint("expected a name, `name:qualifier`, or the function's ARN")
    })
}

fn function_arn(text: &str) -> Result<NamedFunction, String> {
    let parts: Vec<_> = text.splitn(7, ':').collect();
    let [_, partition, service, region, account, kind, name] = parts[..] else {
        return Err("it has too few parts".to_owned());
    };
    if service != "lambda" || kind != "function" {
        return Err("it names something else".to_owned());
    }
    check_partition(partition, region)?;
    let account = account.parse().map_err(|_| "its account is not 12 digits".to_owned())?;
    let reference = name.parse().map_err(|_| "its last part names no function".to_owned())?;
    Ok(NamedFunction { reference, home: Some(Home { region: region.to_owned(), account }) })
}

fn check_partition(partition: &str, region: &str) -> Result<(), String> {
    let Some((_, own)) = PARTITIONS.iter().find(|(name, _)| *name == partition) else {
        return Err("its partition is none of AWS's".to_owned());
    };
    if !is_region(region) {
        return Err("its region is not of a form like `eu-west-1`".to_owned());
    }
    let foreign = PARTITIONS
        .iter()
        .any(|(name, start)| *name != partition && !start.is_empty() && region.starts_with(start));
    if foreign || !region.starts_with(own) {
        return Err(format!("the region `{region}` does not lie in the partition `{partition}`"));
    }
    Ok(())
}

/// Whether a text has the form of a region, such as `eu-west-1` or `us-gov-east-1`.
pub(super) fn is_region(text: &str) -> bool {
    let parts: Vec<_> = text.split('-').collect();
    let word =
        |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    text.len() <= 32
        && parts.len() >= 3
        && parts.iter().all(word)
        && parts.last().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit()))
        && text.starts_with(|first: char| first.is_ascii_lowercase())
}

/// The region of an availability zone's name, `eu-west-1` for `eu-west-1a`.
pub(super) fn region_of_zone_name(text: &str) -> Option<&str> {
    let region = text.strip_suffix(|last: char| last.is_ascii_lowercase())?;
    is_region(region).then_some(region)
}

/// The account of a role's ARN.
pub(super) fn role_account(text: &str) -> Option<AccountId> {
    let parts: Vec<_> = text.splitn(6, ':').collect();
    let ["arn", partition, "iam", "", account, role] = parts[..] else { return None };
    PARTITIONS.iter().find(|(name, _)| *name == partition)?;
    let path = role.strip_prefix("role/")?;
    let name = path.rsplit('/').next()?;
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"/+=,.@_-".contains(&b);
    let sound = (1..=64).contains(&name.len()) && path.len() <= 576 && path.bytes().all(allowed);
    sound.then(|| account.parse().ok()).flatten()
}

/// Whether STS accepts the text as an external id.
pub(super) fn is_external_id(text: &str) -> bool {
    (2..=1224).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"+=,.@:/_-".contains(&b))
}

/// Checks the URL of a queue: `https://HOST/ACCOUNT/NAME`.
pub(super) fn queue_url(text: &str, shown: &str) -> Result<(), Refusal> {
    if let Some((region, account, name)) = queue_arn(text) {
        return Err(Refusal::new(format!("`{shown}` is the ARN of a queue, not its URL"))
            .hint(format!("it is probably `https://sqs.{region}.amazonaws.com/{account}/{name}`")));
    }
    let address = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let parts: Vec<_> = address.unwrap_or_default().split('/').collect();
    let sound = matches!(parts[..], [host, account, name]
        if is_host(host) && account.parse::<AccountId>().is_ok() && is_queue_name(name));
    let example = "expected a form like `https://sqs.eu-west-1.amazonaws.com/111122223333/eipd`";
    if sound {
        Ok(())
    } else {
        Err(Refusal::new(format!("`{shown}` is not the URL of a queue")).hint(example))
    }
}

fn queue_arn(text: &str) -> Option<(&str, &str, &str)> {
    let parts: Vec<_> = text.split(':').collect();
    let ["arn", _, "sqs", region, account, name] = parts[..] else { return None };
    Some((region, account, name))
}

fn is_host(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b".-:".contains(&b))
}

fn is_queue_name(text: &str) -> bool {
    let stem = text.strip_suffix(".fifo").unwrap_or(text);
    (1..=80).contains(&text.len())
        && !stem.is_empty()
        && stem.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// Whether a text is the name or the ARN of an event bus.
pub(super) fn is_event_bus(text: &str) -> bool {
    let is_name = |name: &str| {
        (1..=256).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"/._-".contains(&b))
    };
    if !text.starts_with("arn:") {
        return is_name(text);
    }
    let parts: Vec<_> = text.split(':').collect();
    let ["arn", partition, "events", region, account, bus] = parts[..] else { return false };
    check_partition(partition, region).is_ok()
        && account.parse::<AccountId>().is_ok()
        && bus.strip_prefix("event-bus/").is_some_and(is_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> String {
        match function(text, text) {
            Ok(NamedFunction { reference, home: None }) => reference.to_string(),
            Ok(NamedFunction { reference, home: Some(home) }) => {
                format!("{reference} in {} {}", home.region, home.account)
            }
            Err(Refusal { problem, hint }) => format!("{problem}; {}", hint.unwrap_or_default()),
        }
    }

    #[test]
    fn a_function_is_named_by_name_or_arn_in_every_partition() {
        for (text, meant) in [
            ("billing", "billing"),
            ("billing:live", "billing:live"),
            ("arn:aws:lambda:eu-west-1:111122223333:function:billing", "billing in eu-west-1 111122223333"),
            (
                "arn:aws:lambda:eu-west-1:111122223333:function:billing:live",
                "billing:live in eu-west-1 111122223333",
            ),
            ("arn:aws:lambda:eu-west-1:111122223333:function:b:$LATEST", "b in eu-west-1 111122223333"),
            ("arn:aws-cn:lambda:cn-north-1:111122223333:function:b", "b in cn-north-1 111122223333"),
            (
                "arn:aws-us-gov:lambda:us-gov-west-1:111122223333:function:b",
                "b in us-gov-west-1 111122223333",
            ),
        ] {
            assert_eq!(told(text), meant);
        }
    }

    #[test]
    fn a_wrong_arn_is_refused_with_its_reason() {
        for (text, why) in [
            ("arn:aws:lambda", "it has too few parts"),
            ("arn:aws:iam::111122223333:role/eipd:x", "it names something else"),
            ("arn:aws:iam::111122223333:role/eipd", "it has too few parts"),
            ("arn:aws:lambda:eu-west-1:111122223333:layer:x", "it names something else"),
            ("arn:aws-gov:lambda:us-gov-west-1:111122223333:function:b", "its partition is none of AWS's"),
            (
                "arn:aws:lambda:eu-west-1a:111122223333:function:b",
                "its region is not of a form like `eu-west-1`",
            ),
            (
                "arn:aws:lambda:cn-north-1:111122223333:function:b",
                "the region `cn-north-1` does not lie in the partition `aws`",
            ),
            (
                "arn:aws-cn:lambda:eu-west-1:111122223333:function:b",
                "the region `eu-west-1` does not lie in the partition `aws-cn`",
            ),
            ("arn:aws:lambda:eu-west-1:1111:function:b", "its account is not 12 digits"),
            ("arn:aws:lambda:eu-west-1:111122223333:function:b:c:d", "its last part names no function"),
        ] {
            assert_eq!(told(text), format!("`{text}` is not the ARN of a function: {why}; {FUNCTION_ARN}"));
        }
        assert_eq!(
            told("111122223333:function:billing"),
            "`111122223333:function:billing` is a part of an ARN; write the whole ARN, or the name `billing` alone"
        );
        assert_eq!(
            told("bill ing"),
            "`bill ing` names no function; expected a name, `name:qualifier`, or the function's ARN"
        );
    }

    #[test]
    fn regions_are_told_from_zones() {
        for region in ["eu-west-1", "us-gov-east-1", "us-isob-east-1", "eusc-de-east-1", "ap-southeast-7"] {
            assert!(is_region(region), "{region}");
        }
        for other in ["", "eu-west", "eu-west-1a", "EU-west-1", "eu--1", "euw1-az2", "1-2-3"] {
            assert!(!is_region(other), "{other}");
        }
        assert_eq!(region_of_zone_name("eu-west-1a"), Some("eu-west-1"));
        assert_eq!(region_of_zone_name("euw1-az2"), None);
    }

    #[test]
    fn roles_may_have_a_path() {
        for good in ["arn:aws:iam::111122223333:role/eipd", "arn:aws-cn:iam::111122223333:role/ops/net/eipd"]
        {
            assert_eq!(
                role_account(good).map(|account| account.to_string()),
                Some("111122223333".to_owned())
            );
        }
        for bad in [
            "eipd",
            "arn:aws:iam::111122223333:user/eipd",
            "arn:aws:iam::111122223333:role/",
            "arn:aws:iam:eu-west-1:111122223333:role/eipd",
            "arn:aws:sts::111122223333:assumed-role/eipd/x",
            "arn:aws:iam::1234:role/eipd",
        ] {
            assert_eq!(role_account(bad), None, "{bad}");
        }
    }

    #[test]
    fn queues_are_named_by_url_and_buses_by_name_or_arn() {
        for good in [
            "https://sqs.eu-west-1.amazonaws.com/111122223333/eipd",
            "http://127.0.0.1:9324/111122223333/q.fifo",
        ] {
            assert_eq!(queue_url(good, good), Ok(()));
        }
        for bad in ["", "eipd", "https://sqs.eu-west-1.amazonaws.com/eipd", "ftp://h/111122223333/eipd"] {
            assert!(queue_url(bad, bad).is_err(), "{bad}");
        }
        let refusal =
            queue_url("arn:aws:sqs:eu-west-1:111122223333:eipd", "…").expect_err("an ARN is no URL");
        assert_eq!(
            refusal.hint.as_deref(),
            Some("it is probably `https://sqs.eu-west-1.amazonaws.com/111122223333/eipd`")
        );
        for (text, good) in [
            ("default", true),
            ("arn:aws:events:eu-west-1:111122223333:event-bus/ops", true),
            ("arn:aws:events:eu-west-1:111122223333:rule/ops", false),
            ("a bus", false),
        ] {
            assert_eq!(is_event_bus(text), good, "{text}");
        }
    }
}
