//! The tables of the file, each read by itself: `[[targets]]`, `[pools.…]`, `[[functions]]`. Checks forms and what
//! one table says; never what tables say of one another, which is for `links`.

use super::arn;
use super::document::{Fields, Located, Node};
use super::fault::{Fault, shown};
use super::reference;
use super::scalars::BYSTANDERS;
use super::selectors::{ADDRESS_LIST, RawWhich, addresses, tag, which};
use super::settings::Role;
use crate::domain::declared::AddressName;
use crate::domain::desired::PinPlace;
use crate::domain::ids::{AccountId, PoolName, TargetName};
use crate::domain::policy::BystanderPolicy;
use crate::domain::priority::Priority;
use crate::domain::tag::Tag;
use crate::domain::versions::Versions;

const A_TARGET_NAME: &str = "the name of a target such as \"prod-eu\"";
const VERSIONS: [(&str, Versions); 3] =
    [("live", Versions::Live), ("all", Versions::All), ("latest", Versions::Latest)];

/// A `[[targets]]` table, as far as it could be read.
pub(super) struct RawTarget<'t> {
    pub(super) node: Node<'t>,
    pub(super) name: Option<Located<'t, TargetName>>,
    pub(super) region: Option<Located<'t, String>>,
    pub(super) role: Option<RawRole<'t>>,
    /// Whether nothing in the table was at fault.
    pub(super) is_sound: bool,
}

/// The role of a target.
pub(super) struct RawRole<'t> {
    pub(super) role: Role,
    pub(super) account: Located<'t, AccountId>,
}

/// A `[pools.NAME]` table, as far as it could be read.
pub(super) struct RawPool<'t> {
    /// The key as it stands, also when it is no name of a pool: a function that refers to it is not to blame.
    pub(super) key: Located<'t, &'t str>,
    pub(super) name: Option<PoolName>,
    pub(super) addresses: Vec<Located<'t, AddressName>>,
    pub(super) tag: Option<Located<'t, Tag>>,
    /// Whether a tag was meant to select more, also when it is no tag.
    pub(super) is_open: bool,
    pub(super) min_spare: usize,
    /// Nothing where [safety] decides.
    pub(super) bystanders: Option<BystanderPolicy>,
    pub(super) target: Option<Located<'t, TargetName>>,
}

/// A `[[functions]]` table, as far as it could be read.
pub(super) struct RawFunction<'t> {
    pub(super) node: Node<'t>,
    pub(super) which: Option<RawWhich<'t>>,
    pub(super) supply: Option<Supply<'t>>,
    pub(super) pins: Vec<Pin<'t>>,
    pub(super) versions: Versions,
    pub(super) priority: Priority,
    pub(super) target: Option<Located<'t, TargetName>>,
}

/// Where a function's addresses come from.
pub(super) enum Supply<'t> {
    Pool(Located<'t, &'t str>),
    Inline(Vec<Located<'t, AddressName>>),
}

/// One entry of `pins`.
pub(super) struct Pin<'t> {
    pub(super) place: PinPlace,
    pub(super) addresses: Vec<Located<'t, AddressName>>,
}

/// The tables of a list of tables; `None` when the key is absent.
pub(super) fn tables<'t, T>(
    root: &Fields<'t>,
    key: &str,
    faults: &mut Vec<Fault>,
    read: impl Fn(Node<'t>, &Fields<'t>, &mut Vec<Fault>) -> T,
) -> Option<Vec<T>> {
    let node = root.get(key)?;
    let elements = node.elements(&format!("tables [[{key}]]"), faults).unwrap_or_default();
    let read_one = |element: Node<'t>| {
        let fields = element.fields(&format!("a table [[{key}]]"), faults)?;
        Some(read(element, &fields, faults))
    };
    Some(elements.into_iter().filter_map(read_one).collect())
}

pub(super) fn target<'t>(node: Node<'t>, fields: &Fields<'t>, faults: &mut Vec<Fault>) -> RawTarget<'t> {
    let before = faults.len();
    fields.refuse_unknown(&reference::names(&reference::TARGETS), |_| None, faults);
    let name = fields.get("name");
    if name.is_none() {
        faults.push(node.spot.fault("the target has no `name`").with_hint("add name = \"prod-eu\""));
    }
    RawTarget {
        name: name.and_then(|name| name.id(A_TARGET_NAME, faults)),
        region: fields.get("region").and_then(|region| read_region(&region, faults)),
        role: read_role(fields, faults),
        is_sound: faults.len() == before,
        node,
    }
}

fn read_region<'t>(node: &Node<'t>, faults: &mut Vec<Fault>) -> Option<Located<'t, String>> {
    let text = node.text("a region such as \"eu-west-1\"", faults)?;
    if arn::is_region(text.value) {
        return Some(Located { value: text.value.to_owned(), spot: text.spot });
    }
    let fault = text.spot.fault(format!("`{}` is not a region", shown(text.value)));
    faults.push(match arn::region_of_zone_name(text.value) {
        Some(region) => fault.with_hint(format!("that is an availability zone; did you mean `{region}`?")),
        None => fault.with_hint("expected a form like `eu-west-1`"),
    });
    None
}

fn read_role<'t>(fields: &Fields<'t>, faults: &mut Vec<Fault>) -> Option<RawRole<'t>> {
    let external_id = fields.get("external_id").and_then(|node| {
        let text = node.text("an external id", faults)?;
        if arn::is_external_id(text.value) {
            return Some(text);
        }
        faults.push(text.spot.fault(format!("`{}` is not an external id", shown(text.value))).with_hint(
            "expected 2 to 1224 letters, digits or any of `+=,.@:/_-`, as in the role's trust policy",
        ));
        None
    });
    let Some(node) = fields.get("role_arn") else {
        if let Some(node) = fields.get("external_id") {
            faults.push(
                node.spot
                    .fault("an external id without a role")
                    .with_hint("add role_arn, or remove external_id"),
            );
        }
        return None;
    };
    let text = node.text("the ARN of a role", faults)?;
    let Some(account) = arn::role_account(text.value) else {
        faults.push(
            text.spot
                .fault(format!("`{}` is not the ARN of a role", shown(text.value)))
                .with_hint("expected a form like `arn:aws:iam::111122223333:role/eipd`"),
        );
        return None;
    };
    let role =
        Role { arn: text.value.to_owned(), external_id: external_id.map(|text| text.value.to_owned()) };
    Some(RawRole { role, account: Located { value: account, spot: text.spot } })
}

/// Every `[pools.NAME]`, in the order of the file.
pub(super) fn pools<'t>(root: &Fields<'t>, faults: &mut Vec<Fault>) -> Vec<RawPool<'t>> {
    let Some(fields) = root.get("pools").and_then(|node| node.fields("tables [pools.NAME]", faults)) else {
        return Vec::new();
    };
    fields.entries().into_iter().map(|(key, node)| pool(key, &node, faults)).collect()
}

fn pool<'t>(key: Located<'t, &'t str>, node: &Node<'t>, faults: &mut Vec<Fault>) -> RawPool<'t> {
    let name = key.value.parse().ok();
    if name.is_none() {
        faults.push(
            key.spot
                .fault(format!("`{}` is not a name of a pool", shown(key.value)))
                .with_hint("expected 1 to 64 letters, digits, `-`, `_` or `.`"),
        );
    }
    let mut pool = RawPool {
        key,
        name,
        addresses: Vec::new(),
        tag: None,
        is_open: false,
        min_spare: 0,
        bystanders: None,
        target: None,
    };
    let Some(fields) = node.fields(&format!("a table [pools.{}]", shown(pool.key.value)), faults) else {
        return pool;
    };
    fields.refuse_unknown(&reference::names(&reference::POOLS), |_| None, faults);
    let before = faults.len();
    let (list, by_tag) = (fields.get("allocations"), fields.get("tag"));
    if list.is_none() && by_tag.is_none() {
        faults.push(
            pool.key
                .spot
                .fault("the pool has no addresses")
                .with_hint(format!("add `allocations`, {ADDRESS_LIST}, or a `tag` that selects them")),
        );
    }
    pool.is_open = by_tag.is_some();
    pool.addresses = list.map(|list| addresses(&list, faults)).unwrap_or_default();
    pool.tag = by_tag.and_then(|node| tag(&node, faults));
    let whole = faults.len() == before;
    pool.target = fields.get("target").and_then(|node| node.id(A_TARGET_NAME, faults));
    pool.bystanders = fields.get("bystanders").and_then(|node| choice(&node, &BYSTANDERS, faults));
    if let Some(node) = fields.get("min_spare")
        && let Some(spare) = node.count(faults)
    {
        let size = pool.addresses.len();
        if whole && !pool.is_open && spare > size {
            faults.push(
                node.spot
                    .fault(format!("{spare} spare addresses of a pool of {size}"))
                    .with_hint("add allocations to the pool, or lower min_spare"),
            );
        }
        pool.min_spare = spare;
    }
    pool
}

pub(super) fn function<'t>(node: Node<'t>, fields: &Fields<'t>, faults: &mut Vec<Fault>) -> RawFunction<'t> {
    fields.refuse_unknown(&reference::names(&reference::FUNCTIONS), |_| None, faults);
    let which = which(&node, fields, faults);
    let versions = fields.get("versions");
    if let (Some(node), Some(RawWhich::Named(name))) = (&versions, &which)
        && let Some(qualifier) = name.value.reference.qualifier()
    {
        let problem = format!("`{}` names its version already: `{qualifier}`", name.value.reference);
        faults.push(node.spot.fault(problem).with_hint("remove this key, or the qualifier from the name"));
    }
    RawFunction {
        which,
        versions: versions.and_then(|node| choice(&node, &VERSIONS, faults)).unwrap_or_default(),
        priority: fields.get("priority").and_then(|node| priority(&node, faults)).unwrap_or_default(),
        supply: supply(&node, fields, faults),
        pins: fields.get("pins").map(|node| pins(&node, faults)).unwrap_or_default(),
        target: fields.get("target").and_then(|node| node.id(A_TARGET_NAME, faults)),
        node,
    }
}

fn priority(node: &Node<'_>, faults: &mut Vec<Fault>) -> Option<Priority> {
    let priority = node.whole_number().and_then(Priority::new);
    if priority.is_none() {
        let (lowest, highest) = (Priority::LOWEST, Priority::HIGHEST);
        faults.push(node.mismatch(&format!("a whole number from {lowest} to {highest}")));
    }
    priority
}

/// One of several words.
fn choice<T: Copy>(node: &Node<'_>, choices: &[(&str, T)], faults: &mut Vec<Fault>) -> Option<T> {
    let words = || choices.iter().map(|(word, _)| *word);
    let quoted: Vec<String> = words().map(|word| format!("\"{word}\"")).collect();
    let expected = match &quoted[..] {
        [first @ .., last] if !first.is_empty() => format!("{} or {last}", first.join(", ")),
        one => one.concat(),
    };
    let text = node.text(&expected, faults)?;
    let found = choices.iter().find(|(word, _)| *word == text.value);
    if found.is_none() {
        faults.push(node.mismatch(&expected).with_near(text.value, words()));
    }
    found.map(|(_, choice)| *choice)
}

fn supply<'t>(node: &Node<'t>, fields: &Fields<'t>, faults: &mut Vec<Fault>) -> Option<Supply<'t>> {
    match (fields.get("pool"), fields.get("allocations")) {
        (Some(pool), None) => pool.text("the name of a pool", faults).map(Supply::Pool),
        (None, Some(list)) => Some(Supply::Inline(addresses(&list, faults))),
        (Some(_), Some(list)) => {
            addresses(&list, faults);
            faults.push(
                list.spot
                    .fault("the function has both `pool` and `allocations`")
                    .with_hint("keep one of the two"),
            );
            None
        }
        (None, None) => {
            faults.push(
                node.spot
                    .fault("the function has no addresses")
                    .with_hint("name its pool in `pool`, or list them in `allocations`"),
            );
            None
        }
    }
}

fn pins<'t>(node: &Node<'t>, faults: &mut Vec<Fault>) -> Vec<Pin<'t>> {
    let expected = "a table such as { \"subnet-0123456789abcdef0\" = [\"eipalloc-0123456789abcdef0\"] }";
    let Some(fields) = node.fields(expected, faults) else { return Vec::new() };
    let pin = |(key, list): (Located<'t, &'t str>, Node<'t>)| {
        let addresses = addresses(&list, faults);
        let place = pin_place(&key, faults)?;
        Some(Pin { place, addresses })
    };
    fields.entries().into_iter().filter_map(pin).collect()
}

fn pin_place(key: &Located<'_, &str>, faults: &mut Vec<Fault>) -> Option<PinPlace> {
    let text = key.value;
    let place = text.parse().map(PinPlace::Subnet).or_else(|_| text.parse().map(PinPlace::Zone));
    if place.is_err() {
        let fault =
            key.spot.fault(format!("`{}` is neither a subnet id nor an availability zone id", shown(text)));
        faults.push(match arn::region_of_zone_name(text) {
            Some(_) => fault.with_hint(
                "that is a zone's name, which differs between accounts; use its id, such as `euw1-az2`",
            ),
            None => fault.with_hint("expected a form like `subnet-0123456789abcdef0` or `euw1-az2`"),
        });
    }
    place.ok()
}
