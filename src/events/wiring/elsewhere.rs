//! What one rule and one queue can't do by themselves: targets in other regions or accounts, whose events reach this
//! queue only by way of a rule there; and a key that may keep EventBridge from sending. Words only; makes no call.

use std::collections::BTreeMap;

use super::Wiring;

/// The key of SQS's that AWS manages: nobody can change its policy, so EventBridge can't use it.
const MANAGED_KEY: &str = "alias/aws/sqs";

/// A target, as far as it is known where it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Whereabouts<'a> {
    /// Its name.
    pub target: &'a str,
    /// Its region; nothing when it is the credentials' own.
    pub region: Option<&'a str>,
    /// Its account; nothing when it is the credentials' own.
    pub account: Option<&'a str>,
}

/// What is to be done for each target whose events do not come to this queue by themselves (AWS.md 7: from bus to bus,
/// across regions and accounts; confirmed).
#[must_use]
pub fn elsewhere(wiring: &Wiring, targets: &[Whereabouts<'_>]) -> Vec<String> {
    let place = &wiring.place;
    let bus = wiring.arn("events", "event-bus/default");
    let rule = &wiring.names.rule;
    let mut notes = Vec::new();
    for Whereabouts { target, region, account } in targets {
        let region = region.unwrap_or(&place.region);
        let account = account.unwrap_or(place.account.as_str());
        let is_foreign = account != place.account.as_str();
        if region == place.region && !is_foreign {
            continue;
        }
        let mut note = format!(
            "the events of target `{target}` (account {account}, {region}) do not come to this queue by themselves, so it \
             is polled alone until, with credentials of account {account}, there is a rule that sends them here:\n\
             \x20 aws events put-rule --region {region} --name {rule} --event-pattern \"$PATTERN\"\n\
             \x20 aws events put-targets --region {region} --rule {rule} --targets Id=eipd-bus,Arn={bus},RoleArn=$ROLE\n\
             where $PATTERN is the EventPattern of `eipd events setup --print cloudformation`, and $ROLE lets \
             events.amazonaws.com call events:PutEvents on {bus}"
        );
        if is_foreign {
            note += &format!(
                "\nand, with credentials of account {}, its bus lets that account send:\n\
                 \x20 aws events put-permission --region {} --statement-id eipd-{account} --action events:PutEvents \
                 --principal {account}",
                place.account, place.region
            );
        }
        notes.push(note);
    }
    notes
}

/// How a queue is encrypted, as far as that may keep events out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Encryption {
    /// Nothing is in the way: none, or SQS's own.
    Harmless,
    /// EventBridge can't send.
    Forbids(String),
    /// EventBridge can send if the key's policy lets it, which can't be seen from here.
    Depends(String),
}

/// Reads it off a queue's attributes (AWS.md 3: the key's policy must allow events.amazonaws.com; believed).
#[must_use]
pub fn encryption(attributes: &BTreeMap<String, String>) -> Encryption {
    let key = attributes.get("KmsMasterKeyId").map(String::as_str).filter(|key| !key.is_empty());
    match key {
        None => Encryption::Harmless,
        Some(key) if key.ends_with(MANAGED_KEY) => Encryption::Forbids(format!(
            "it is encrypted with `{key}`, whose policy nobody can change, so EventBridge can't send; hint: set \
             SqsManagedSseEnabled=true, or a key of your own"
        )),
        Some(key) => Encryption::Depends(format!(
            "the queue is encrypted with `{key}`, and this command can't see that key's policy, nor does its own trial queue \
             use the key. Without this statement no event comes:\n\
             \x20 {{\"Effect\": \"Allow\", \"Principal\": {{\"Service\": \"events.amazonaws.com\"}}, \
             \"Action\": [\"kms:GenerateDataKey\", \"kms:Decrypt\"], \"Resource\": \"*\"}}\n\
             and the daemon needs kms:Decrypt. A running daemon counts each marker that this command sends in \
             eipd_events_total{{kind=\"marker\"}}: if that does not rise, the key is in the way"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Names;
    use super::*;
    use crate::reconcile::ports::wiring::Place;

    fn wiring() -> Wiring {
        let account = "111122223333".parse().expect("well-formed");
        let place = Place { partition: "aws".to_owned(), region: "eu-west-1".to_owned(), account };
        Wiring { names: Names::new("eipd", None).expect("a good name"), place }
    }

    #[test]
    fn only_targets_elsewhere_are_told_of_and_each_with_what_it_needs() {
        let at = |target, region, account| Whereabouts { target, region, account };
        let near = [at("a", None, None), at("b", Some("eu-west-1"), Some("111122223333"))];
        assert_eq!(elsewhere(&wiring(), &near), Vec::<String>::new());
        let far = [at("us", Some("us-east-1"), None), at("other", None, Some("444455556666"))];
        let notes = elsewhere(&wiring(), &far);
        assert!(notes[0].contains("`us` (account 111122223333, us-east-1)"), "{}", notes[0]);
        assert!(notes[0].contains("Arn=arn:aws:events:eu-west-1:111122223333:event-bus/default"));
        assert!(!notes[0].contains("put-permission"), "the account's own bus lets it");
        assert!(notes[1].contains("put-permission --region eu-west-1 --statement-id eipd-444455556666"));
    }

    #[test]
    fn a_key_that_may_keep_events_out_is_told_with_the_statement_it_needs() {
        let with = |key: &str| encryption(&[("KmsMasterKeyId".to_owned(), key.to_owned())].into());
        assert_eq!((encryption(&BTreeMap::new()), with("")), (Encryption::Harmless, Encryption::Harmless));
        assert!(matches!(with("alias/aws/sqs"), Encryption::Forbids(why) if why.contains("can't send")));
        let Encryption::Depends(why) = with("arn:aws:kms:eu-west-1:111122223333:key/1") else {
            panic!("it depends")
        };
        assert!(why.contains("kms:GenerateDataKey") && why.contains("events.amazonaws.com"), "{why}");
    }
}
