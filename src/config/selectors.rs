//! How a table names functions and addresses: names and ARNs, tags, allocations, public addresses. Forms only; whether
//! AWS knows such a thing shows when it is asked.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use super::arn::{self, NamedFunction};
use super::document::{Fields, Located, Node, Spot};
use super::fault::{Fault, shown};
use crate::domain::declared::AddressName;
use crate::domain::ids::AllocationId;
use crate::domain::tag::{Tag, TagError};

pub(super) const ADDRESS_LIST: &str = "a list such as [\"eipalloc-0123456789abcdef0\", \"198.51.100.7\"]";
const TAG_FORM: &str = "a tag such as \"eipd:pool=partner-a\"";

/// Which functions a table is of.
pub(super) enum RawWhich<'t> {
    Named(Located<'t, NamedFunction>),
    Tagged(Located<'t, Tag>),
}

impl<'t> RawWhich<'t> {
    pub(super) fn spot(&self) -> &Spot<'t> {
        match self {
            Self::Named(name) => &name.spot,
            Self::Tagged(tag) => &tag.spot,
        }
    }

    /// As a table is called in messages.
    pub(super) fn title(&self) -> String {
        match self {
            Self::Named(name) => format!("function `{}`", name.value.reference),
            Self::Tagged(tag) => format!("the functions tagged `{}`", shown(&tag.value.to_string())),
        }
    }
}

/// `name` or `tag`, one of the two.
pub(super) fn which<'t>(
    node: &Node<'t>,
    fields: &Fields<'t>,
    faults: &mut Vec<Fault>,
) -> Option<RawWhich<'t>> {
    match (fields.get("name"), fields.get("tag")) {
        (Some(name), None) => function_name(&name, faults).map(RawWhich::Named),
        (None, Some(text)) => tag(&text, faults).map(RawWhich::Tagged),
        (Some(name), Some(text)) => {
            function_name(&name, faults);
            tag(&text, faults);
            faults.push(
                text.spot
                    .fault("the function has both `name` and `tag`")
                    .with_hint("keep one of the two, or make a table of each: a name wins over a tag"),
            );
            None
        }
        (None, None) => {
            faults.push(
                node.spot
                    .fault("the function has no `name`")
                    .with_hint("add its name, `name:qualifier` or ARN; or a `tag` that selects functions"),
            );
            None
        }
    }
}

fn function_name<'t>(node: &Node<'t>, faults: &mut Vec<Fault>) -> Option<Located<'t, NamedFunction>> {
    let text = node.text("a function's name, `name:qualifier` or ARN", faults)?;
    match arn::function(text.value, &shown(text.value)) {
        Ok(value) => Some(Located { value, spot: text.spot }),
        Err(refusal) => {
            faults.push(Fault { hint: refusal.hint, ..text.spot.fault(refusal.problem) });
            None
        }
    }
}

/// A tag, `key=value`.
pub(super) fn tag<'t>(node: &Node<'t>, faults: &mut Vec<Fault>) -> Option<Located<'t, Tag>> {
    let text = node.text(TAG_FORM, faults)?;
    match text.value.parse() {
        Ok(value) => Some(Located { value, spot: text.spot }),
        Err(error) => {
            let hint = match error {
                TagError::NoEquals => format!("write key and value, {TAG_FORM}"),
                TagError::EmptyKey => format!("a key stands before the first `=`: {TAG_FORM}"),
                TagError::Reserved => {
                    "AWS alone sets such tags; select by a tag of your own, such as \"eipd:pool=partner-a\""
                        .to_owned()
                }
                TagError::KeyTooLong(_) | TagError::ValueTooLong(_) => {
                    "no resource can have such a tag; check what stands here".to_owned()
                }
            };
            let problem = format!("`{}` is not a tag: {error}", shown(text.value));
            faults.push(text.spot.fault(problem).with_hint(hint));
            None
        }
    }
}

/// The addresses of a list, each with its place; a repeated one is reported and left out.
pub(super) fn addresses<'t>(node: &Node<'t>, faults: &mut Vec<Fault>) -> Vec<Located<'t, AddressName>> {
    let Some(elements) = node.elements(ADDRESS_LIST, faults) else { return Vec::new() };
    if elements.is_empty() {
        faults.push(node.spot.fault("the list is empty").with_hint("name at least one allocation"));
    }
    let mut seen: BTreeMap<AddressName, usize> = BTreeMap::new();
    let mut list: Vec<Located<'t, AddressName>> = Vec::new();
    for element in elements {
        let Some(name) = address(&element, faults) else { continue };
        if let Some(first) = seen.get(&name.value) {
            let first = list[*first].spot.place();
            faults.push(name.spot.fault(format!("`{}` is in the list twice, first at {first}", name.value)));
        } else {
            seen.insert(name.value.clone(), list.len());
            list.push(name);
        }
    }
    list
}

fn address<'t>(node: &Node<'t>, faults: &mut Vec<Fault>) -> Option<Located<'t, AddressName>> {
    if let Some(ip) = node.value.as_str().and_then(|text| text.parse::<IpAddr>().ok()) {
        let fault = match ip {
            IpAddr::V4(ip) => match kept_from_the_internet(ip) {
                None => {
                    return Some(Located { value: AddressName::PublicIp(ip), spot: node.spot.clone() });
                }
                Some(kind) => node
                    .spot
                    .fault(format!("`{ip}` is {kind}, and no Elastic IP"))
                    .with_hint("name the Elastic IP itself, by its public address or its allocation id"),
            },
            IpAddr::V6(ip) => node
                .spot
                .fault(format!("`{ip}` is an IPv6 address"))
                .with_hint("Elastic IPs are IPv4 addresses"),
        };
        faults.push(fault);
        return None;
    }
    let before = faults.len();
    let id = node.id::<AllocationId>("an allocation id or a public IPv4 address", faults);
    if let (Some(text), Some(fault)) = (node.value.as_str(), faults.get_mut(before)) {
        fault.hint = hint_for(text);
    }
    Some(id?.map(AddressName::Allocation))
}

fn hint_for(text: &str) -> Option<String> {
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return Some(
            "an address is four numbers from 0 to 255 without leading zeros: 198.51.100.7".to_owned(),
        );
    }
    let (address, prefix) = text.split_once('/')?;
    address.parse::<IpAddr>().ok()?;
    Some(match prefix {
        "32" => format!("write the address alone, `{address}`"),
        _ => "write each address by itself; ranges are not read".to_owned(),
    })
}

/// What keeps an address from being public (RFC 1918, RFC 6598 and the registry of special addresses), if something
/// does. The ranges for documentation and for benchmarks pass: they do no harm, and examples live on them.
fn kept_from_the_internet(ip: Ipv4Addr) -> Option<&'static str> {
    let [first, second, ..] = ip.octets();
    match (first, second) {
        _ if ip.is_private() => Some("a private address"),
        (100, 64..=127) => Some("an address of carriers' own networks"),
        (0, _) => Some("an address of no host"),
        (127, _) => Some("an address of the machine itself"),
        _ if ip.is_link_local() => Some("a link-local address"),
        (224..=239, _) => Some("a multicast address"),
        (240.., _) => Some("a reserved address"),
        _ => None,
    }
}
