//! An assumption as it is written on the command line.

use std::collections::BTreeSet;

use crate::config;
use crate::domain::assume::{Assumption, SECURITY_GROUPS_MAX, SUBNETS_MAX};
use crate::domain::function::FunctionRef;
use crate::domain::ids::{SecurityGroupId, SubnetId};

const FORM: &str =
    "expected FUNCTION:subnets=subnet-…,subnet-…;sgs=sg-…,sg-…, where what stays as it is may be left out";

/// Reads `billing:subnets=subnet-…,subnet-…;sgs=sg-…`; a comma before a key does as well as a semicolon.
pub(in crate::cli) fn parse(text: &str) -> Result<Assumption, String> {
    let keys = [":subnets=", ":sgs="];
    let at = keys.iter().filter_map(|key| text.find(key)).min().ok_or(FORM)?;
    let function = function(text[..at].trim())?;
    let mut subnets: Option<BTreeSet<SubnetId>> = None;
    let mut groups: Option<BTreeSet<SecurityGroupId>> = None;
    let mut reads_subnets = true;
    for item in text[at + 1..].split([',', ';']).map(str::trim) {
        let value = match item.split_once('=') {
            Some((key, value)) => {
                let is_new = match key.trim() {
                    "subnets" => (subnets.replace(BTreeSet::new()).is_none(), true),
                    "sgs" => (groups.replace(BTreeSet::new()).is_none(), false),
                    other => return Err(format!("`{other}` is neither `subnets` nor `sgs`; {FORM}")),
                };
                if !is_new.0 {
                    return Err(format!("`{}` is said twice; {FORM}", key.trim()));
                }
                reads_subnets = is_new.1;
                value.trim()
            }
            None => item,
        };
        if reads_subnets {
            let subnet = value.parse().map_err(|error: crate::domain::ids::IdError| error.to_string())?;
            subnets.get_or_insert_default().insert(subnet);
        } else {
            let group = value.parse().map_err(|error: crate::domain::ids::IdError| error.to_string())?;
            groups.get_or_insert_default().insert(group);
        }
    }
    if subnets.as_ref().is_some_and(|subnets| subnets.len() > SUBNETS_MAX) {
        return Err(format!("a function has at most {SUBNETS_MAX} subnets"));
    }
    if groups.as_ref().is_some_and(|groups| groups.len() > SECURITY_GROUPS_MAX) {
        return Err(format!("a function has at most {SECURITY_GROUPS_MAX} security groups"));
    }
    Ok(Assumption { function, subnets, security_groups: groups.map(|groups| groups.into_iter().collect()) })
}

fn function(text: &str) -> Result<FunctionRef, String> {
    if text.starts_with("arn:") {
        return config::function_of_arn(text).map(|(function, _)| function);
    }
    text.parse().map_err(|error: crate::domain::function::FunctionRefError| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assumption_is_read_with_either_separator_and_whatever_changes() {
        let whole = "billing:subnets=subnet-00000002,subnet-00000001;sgs=sg-00000001,sg-00000002";
        let read = parse(whole).expect("a whole one");
        assert_eq!(read.function.to_string(), "billing");
        assert_eq!(read.subnets.as_ref().map(BTreeSet::len), Some(2));
        assert_eq!(
            read.security_groups.as_ref().map(ToString::to_string).as_deref(),
            Some("sg-00000001+sg-00000002")
        );
        for same in [
            whole.replace(';', ","),
            "billing:sgs=sg-00000002,sg-00000001,subnets=subnet-00000001,subnet-00000002".to_owned(),
            "billing:sgs= sg-00000002 , sg-00000001 ; subnets = subnet-00000001, subnet-00000002".to_owned(),
        ] {
            assert_eq!(parse(&same), Ok(read.clone()), "{same}");
        }
        let qualified = parse("billing:live:sgs=sg-00000001").expect("one part");
        assert_eq!((qualified.function.to_string().as_str(), qualified.subnets), ("billing:live", None));
        let arn = parse("arn:aws:lambda:eu-west-1:111122223333:function:billing:sgs=sg-00000001");
        assert_eq!(arn.map(|one| one.function.to_string()), Ok("billing".to_owned()));
    }

    #[test]
    fn what_can_not_be_read_is_told_with_what_is_wrong() {
        let many: Vec<String> = (0..17).map(|n| format!("subnet-{n:08x}")).collect();
        let cases = [
            ("", "expected FUNCTION:"),
            ("billing", "expected FUNCTION:"),
            (":sgs=sg-00000001", "names no function"),
            ("billing:subnets=", "is not a subnet id"),
            ("billing:subnets=subnet-1", "`subnet-1` is not a subnet id"),
            ("billing:subnets=sg-00000001", "is not a subnet id"),
            ("billing:subnets=subnet-00000001;groups=sg-00000001", "`groups` is neither"),
            ("billing:sgs=sg-00000001;sgs=sg-00000002", "said twice"),
            ("billing:sgs=sg-00000001,", "is not a security group id"),
        ];
        for (text, expected) in cases {
            let why = parse(text).expect_err(text);
            assert!(why.contains(expected), "{text}: {why}");
        }
        let why = parse(&format!("billing:subnets={}", many.join(","))).expect_err("17 subnets");
        assert!(why.contains("at most 16"), "{why}");
    }
}
