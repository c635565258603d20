//! Makes an [`Event`] of the body of one queue message. Trusts nothing in it: the input has a bound, a part that makes
//! no sense is as good as missing, and only what leaves an event without time and place makes it malformed.

use std::net::IpAddr;
use std::str::FromStr;

use super::event::{Actor, Event, News, legible};
use super::kind::Kind;
use super::record::{Detail, Envelope, Lenient, RequestParameters, ResponseElements, Text, UserIdentity};
use crate::domain::function::FunctionRef;
use crate::domain::ids::AccountId;

/// The most that SQS carries in one message, in bytes.
pub const MESSAGE_BYTES_MAX: usize = 1 << 20;

const REQUEST_ID_CHARS_MAX: usize = 128;
const ERROR_CODE_CHARS_MAX: usize = 128;
const REGION_BYTES_MAX: usize = 32;

/// Why a message is no event. Tells little of the message itself, however long that is.
#[derive(Debug, thiserror::Error)]
pub enum Malformed {
    /// Not looked into.
    #[error("{0} bytes, but at most {MESSAGE_BYTES_MAX} are read")]
    TooLong(usize),
    /// Cut off, no JSON at all, nested too deeply, or with one name twice.
    #[error("not the JSON of an event")]
    NotJson(#[source] serde_json::Error),
    /// Without these an event cannot be placed.
    #[error("`{0}` is missing or makes no sense")]
    Lacks(&'static str),
}

/// Reads the body of one message: an event as EventBridge delivers it, from this account or from another bus.
///
/// # Errors
/// [`Malformed`] for what is no event; an event of no interest is one of kind [`Kind::Other`].
pub fn event(body: &str) -> Result<Event, Malformed> {
    if body.len() > MESSAGE_BYTES_MAX {
        return Err(Malformed::TooLong(body.len()));
    }
    let envelope: Lenient<Envelope<'_>> = serde_json::from_str(body).map_err(Malformed::NotJson)?;
    let Envelope { source, detail_type, account, region, time, detail } = &*envelope;

    let at = first_of([&detail.event_time, time]).ok_or(Malformed::Lacks("time"))?;
    let account: AccountId =
        first_of([account, &detail.recipient_account_id]).ok_or(Malformed::Lacks("account"))?;
    let is_region = |text: &&str| {
        text.len() <= REGION_BYTES_MAX
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    let regions = [&detail.aws_region, region];
    let region =
        regions.iter().filter_map(|text| text.told()).find(is_region).ok_or(Malformed::Lacks("region"))?;

    let words = [source, detail_type, &detail.event_source, &detail.event_name];
    let [source, detail_type, event_source, event_name] = words.map(|text| text.told().unwrap_or_default());
    let kind = Kind::of(source, detail_type, event_source, event_name);
    let news = news(kind, detail, region, &account);
    Ok(Event {
        at,
        region: region.to_owned(),
        request_id: request_id(detail),
        actor: actor(&detail.user_identity),
        refused: detail.error_code.told().map(|code| legible(code, ERROR_CODE_CHARS_MAX)),
        kind,
        news,
        account,
    })
}

/// The first of the texts that can be read as wanted.
fn first_of<T: FromStr>(texts: [&Text<'_>; 2]) -> Option<T> {
    texts.into_iter().find_map(told)
}

fn told<T: FromStr>(text: &Text<'_>) -> Option<T> {
    text.told()?.parse().ok()
}

/// CloudTrail's own field, or the one in EC2's answers (AWS.md 3).
fn request_id(detail: &Detail<'_>) -> Option<String> {
    let texts = [&detail.request_id, &detail.response_elements.request_id];
    let sound = |id: &&str| id.len() <= REQUEST_ID_CHARS_MAX && id.bytes().all(|b| b.is_ascii_graphic());
    texts.iter().filter_map(|text| text.told()).find(sound).map(str::to_owned)
}

fn actor(identity: &UserIdentity<'_>) -> Actor {
    let UserIdentity { r#type, principal_id, arn, invoked_by } = identity;
    match (arn.told(), r#type.told(), principal_id.told().or(invoked_by.told())) {
        (Some(arn), _, _) => Actor::new(arn),
        (None, Some(sort), Some(who)) => Actor::new(&format!("{sort} {who}")),
        (None, Some(one), None) | (None, None, Some(one)) => Actor::new(one),
        (None, None, None) => Actor::new(""),
    }
}

fn news(kind: Kind, detail: &Detail<'_>, region: &str, account: &AccountId) -> News {
    let asked = &*detail.request_parameters;
    let answered = &*detail.response_elements;
    match kind {
        Kind::CreateNetworkInterface => interface_created(asked, answered),
        Kind::DeleteNetworkInterface => {
            News::InterfaceDeleted { interface: told(&asked.network_interface_id) }
        }
        Kind::ModifyNetworkInterfaceAttribute => {
            News::InterfaceChanged { interface: told(&asked.network_interface_id) }
        }
        Kind::AssociateAddress => News::AddressAssociated {
            allocation: told(&asked.allocation_id),
            interface: told(&asked.network_interface_id),
            association: told(&answered.association_id),
            public_ip: public_ip(asked, answered),
        },
        Kind::DisassociateAddress => News::AddressDisassociated {
            association: told(&asked.association_id),
            public_ip: public_ip(asked, answered),
        },
        Kind::ReleaseAddress => News::AddressReleased {
            allocation: told(&asked.allocation_id),
            public_ip: public_ip(asked, answered),
        },
        Kind::AllocateAddress => News::AddressAllocated {
            allocation: told(&answered.allocation_id),
            public_ip: public_ip(asked, answered),
        },
        Kind::CreateFunction
        | Kind::UpdateFunctionCode
        | Kind::UpdateFunctionConfiguration
        | Kind::DeleteFunction => function_changed(detail, asked.qualifier.told(), region, account),
        Kind::PublishVersion => function_changed(detail, answered.version.told(), region, account),
        Kind::CreateAlias | Kind::UpdateAlias | Kind::DeleteAlias => {
            function_changed(detail, asked.name.told(), region, account)
        }
        Kind::Marker => marker(&detail.id),
        Kind::Other => News::Nothing,
    }
}

/// The answer says what the interface got, where the request may leave it to a default.
fn interface_created(asked: &RequestParameters<'_>, answered: &ResponseElements<'_>) -> News {
    let made = &answered.network_interface;
    News::InterfaceCreated {
        interface: told(&made.network_interface_id),
        subnet: first_of([&made.subnet_id, &asked.subnet_id]),
        security_groups: made.group_set.items.told().or(asked.group_set.items.told()).cloned(),
    }
}

fn public_ip(asked: &RequestParameters<'_>, answered: &ResponseElements<'_>) -> Option<IpAddr> {
    first_of([&asked.public_ip, &answered.public_ip])
}

fn marker(id: &Text<'_>) -> News {
    let sound = |id: &&str| id.len() <= News::MARKER_CHARS_MAX && id.bytes().all(|b| b.is_ascii_graphic());
    id.told().filter(sound).map_or(News::Nothing, |id| News::Marker { id: id.to_owned() })
}

/// A call on a function of another account is told in the caller's account as well: that says nothing of the functions
/// here.
fn function_changed(detail: &Detail<'_>, qualifier: Option<&str>, region: &str, account: &AccountId) -> News {
    let texts = [&detail.request_parameters.function_name, &detail.response_elements.function_name];
    let named = texts.iter().filter_map(|text| text.told()).find_map(NamedFunction::parse);
    let Some(named) = named else { return News::FunctionChanged { function: None } };
    if named.account.is_some_and(|other| other != account.as_str())
        || named.region.is_some_and(|other| other != region)
    {
        return News::Nothing;
    }
    let qualified = match (named.function.qualifier(), qualifier) {
        (None, Some(qualifier)) => format!("{}:{qualifier}", named.function.name()).parse().ok(),
        _ => None,
    };
    News::FunctionChanged { function: Some(qualified.unwrap_or(named.function)) }
}

/// A function as a caller of Lambda may name it.
struct NamedFunction<'a> {
    function: FunctionRef,
    account: Option<&'a str>,
    region: Option<&'a str>,
}

impl<'a> NamedFunction<'a> {
    /// `name`, `account:function:name` or `arn:…:function:name`, each perhaps with `:qualifier`.
    fn parse(text: &'a str) -> Option<Self> {
        let Some((place, function)) = text.split_once(":function:") else {
            return Some(Self { function: text.parse().ok()?, account: None, region: None });
        };
        let function = function.parse().ok()?;
        let parts: Vec<_> = place.splitn(6, ':').collect();
        let (account, region) = match parts[..] {
            ["arn", _, "lambda", region, account] => (account, Some(region)),
            [account] => (account, None),
            _ => return None,
        };
        Some(Self { function, account: Some(account), region })
    }
}
