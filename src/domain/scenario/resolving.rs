//! From a declaration and a selection to what is desired, written in a few lines each; and what the planner and the
//! audit make of pools that are not known whole, or that list what is not there.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

use super::{Priority, Versions, World, alloc, associate, eni, function, ip, number, pool, subnet};
use crate::domain::audit::{Objection, audit};
use crate::domain::declared::{AddressName, Declared, DeclaredFunctions, DeclaredPool, Which};
use crate::domain::desired::{Desired, PinPlace};
use crate::domain::observed::Part;
use crate::domain::plan::Verdict;
use crate::domain::resolve::{Selected, Selection, resolve};
use crate::domain::tag::Tag;

fn tag(text: &str) -> Tag {
    text.parse().expect("well-formed")
}

fn face(n: u32) -> Ipv4Addr {
    match ip(n) {
        IpAddr::V4(ip) => ip,
        IpAddr::V6(_) => unreachable!("addresses are IPv4"),
    }
}

/// `7` is an allocation, `.7` the public address of the same.
fn names(texts: &[&str]) -> BTreeSet<AddressName> {
    let number = |text: &str| text.parse().expect("a number");
    let name = |text: &&str| match text.strip_prefix('.') {
        Some(n) => AddressName::PublicIp(face(number(n))),
        None => AddressName::Allocation(alloc(number(text))),
    };
    texts.iter().map(name).collect()
}

/// A declaration and a selection, as they grow.
#[derive(Default)]
struct Case(Declared, Selection);

impl Case {
    fn pool(mut self, name: &str, listed: &[&str], by_tag: Option<&str>) -> Self {
        let declared =
            DeclaredPool { addresses: names(listed), tag: by_tag.map(tag), ..DeclaredPool::default() };
        self.0.pools.insert(pool(name), declared);
        self
    }

    /// `team=a` selects by tag, `billing` names.
    fn functions(mut self, which: &str, of: &str) -> Self {
        let which = match which.contains('=') {
            true => Which::Tagged(tag(which)),
            false => Which::Named(function(which)),
        };
        self.0.functions.push(DeclaredFunctions {
            which,
            pool: pool(of),
            pins: BTreeMap::new(),
            versions: Versions::default(),
            priority: Priority::default(),
        });
        self
    }

    /// Pins the last table's functions in subnet 1.
    fn pinned(mut self, listed: &[&str]) -> Self {
        let last = self.0.functions.last_mut().expect("there before");
        last.pins.insert(PinPlace::Subnet(subnet(1)), names(listed));
        self
    }

    /// The priority of the last table.
    fn priority(mut self, number: i64) -> Self {
        let last = self.0.functions.last_mut().expect("there before");
        last.priority = Priority::new(number).expect("within the bounds");
        self
    }

    fn addresses(mut self, of: &str, numbers: &[u32], is_whole: bool) -> Self {
        let members = numbers.iter().map(|n| alloc(*n)).collect();
        self.1.addresses.insert(tag(of), Selected { members, is_whole });
        self.1.faces.extend(numbers.iter().map(|n| (alloc(*n), ip(*n))));
        self
    }

    fn found(mut self, of: &str, names: &[&str]) -> Self {
        let members = names.iter().map(|name| function(name)).collect();
        self.1.functions.insert(tag(of), Selected { members, is_whole: true });
        self
    }

    /// The public addresses that are here, and those that are not.
    fn ips(mut self, here: &[u32], absent: &[u32]) -> Self {
        let here = here.iter().map(|n| (face(*n), BTreeSet::from([alloc(*n)])));
        let all = here.chain(absent.iter().map(|n| (face(*n), BTreeSet::new())));
        let selected = all.map(|(ip, members)| (ip, Selected { members, is_whole: true }));
        self.1.public_ips.extend(selected);
        self
    }

    fn desired(&self) -> Desired {
        resolve(&self.0, &self.1).0
    }

    fn warnings(&self) -> Vec<String> {
        let warnings = resolve(&self.0, &self.1).1;
        warnings
            .into_iter()
            .map(|warning| format!("{}: {}", warning.kind.as_str(), warning.message))
            .collect()
    }

    /// `p: 1 2`, `p: 1 and more`, `p: without 198.51.100.9`, `billing from p`.
    fn told(&self) -> Vec<String> {
        let desired = self.desired();
        let pools = desired.pools.iter().map(|(name, pool)| {
            let ids = pool.allocations.iter().map(|id| format!(" {}", number(id)));
            let absent = pool.absent.iter().map(|ip| format!(" without {ip}"));
            let more = if pool.is_partial { " and more" } else { "" };
            format!("{name}:{}{more}", ids.chain(absent).collect::<String>())
        });
        let functions = desired.functions.iter().map(|(name, desired)| {
            let pins = desired.pins.values().flat_map(|ids| ids.iter());
            let pins: String = pins.map(|id| format!(" !{}", number(id))).collect();
            format!("{name} from {}{pins}", desired.pool)
        });
        pools.chain(functions).collect()
    }
}

#[test]
fn ids_public_addresses_and_tags_make_one_set() {
    let case = Case::default()
        .pool("p", &["1", ".2", ".3"], Some("pool=p"))
        .functions("billing", "p")
        .ips(&[2], &[3])
        .addresses("pool=p", &[1, 4], true);
    assert_eq!(case.told(), ["p: 1 2 4 without 198.51.100.3", "billing from p"]);
    let [warning] = &case.warnings()[..] else { panic!("one warning, not {:?}", case.warnings()) };
    assert_eq!(
        warning,
        "address_missing: address `198.51.100.3` does not exist in this account and region; hint: check it and \
         the target"
    );
}

#[test]
fn what_was_never_read_whole_may_hold_more() {
    let case = Case::default().pool("p", &["1"], Some("pool=p")).functions("f", "p");
    assert_eq!(case.told(), ["p: 1 and more", "f from p"]);
    assert_eq!(case.warnings(), Vec::<String>::new(), "it is not known to be empty");
    let case = case.addresses("pool=p", &[2], false);
    assert_eq!(case.told(), ["p: 1 2 and more", "f from p"]);
    let unread = Case::default().pool("p", &["1", ".2"], None).functions("f", "p");
    assert_eq!(unread.told(), ["p: 1 and more", "f from p"]);
}

#[test]
fn a_list_wins_over_a_tag_and_the_first_of_two_wins_with_a_warning() {
    let case = Case::default()
        .pool("a", &[], Some("pool=a"))
        .pool("b", &["1", ".2"], None)
        .pool("c", &["2"], Some("pool=c"))
        .ips(&[2], &[])
        .addresses("pool=a", &[1, 3, 4], true)
        .addresses("pool=c", &[3, 4, 5], true);
    assert_eq!(case.told(), ["a: 3 4", "b: 1 2", "c: 5"]);
    insta::assert_snapshot!(case.warnings().join("\n"), @r#"
    selected_twice: pool `a` and pool `c` both claim address 198.51.100.3 (`eipalloc-00000003`) and 1 more; the first counts; hint: leave it to one of them
    selected_twice: pool `b` and pool `c` both claim address `eipalloc-00000002`; the first counts; hint: leave it to one of them
    "#);
}

#[test]
fn a_name_wins_over_a_tag_and_the_first_of_two_tags_wins_with_a_warning() {
    let case = Case::default()
        .pool("p", &["1"], None)
        .pool("q", &["2"], None)
        .functions("team=a", "p")
        .functions("billing:live", "q")
        .functions("team=b", "q")
        .found("team=a", &["billing", "reports", "audit"])
        .found("team=b", &["audit", "reports", "export"]);
    assert_eq!(
        case.told(),
        ["p: 1", "q: 2", "audit from p", "billing:live from q", "export from q", "reports from p"]
    );
    insta::assert_snapshot!(case.warnings().join("\n"), @r#"selected_twice: tag `team=a` and tag `team=b` both claim function `audit` and 1 more; the first counts; hint: leave it to one of them"#);
}

#[test]
fn a_function_has_the_priority_of_the_table_that_counts_for_it() {
    let case = Case::default()
        .pool("p", &["1"], None)
        .functions("team=a", "p")
        .priority(5)
        .functions("billing", "p")
        .priority(-7)
        .functions("team=b", "p")
        .found("team=a", &["billing", "reports"])
        .found("team=b", &["reports", "export"]);
    let desired = case.desired();
    let told: Vec<String> =
        desired.functions.iter().map(|(name, desired)| format!("{name} {}", desired.priority)).collect();
    assert_eq!(told, ["billing -7", "export 0", "reports 5"]);
}

#[test]
fn a_tag_that_selects_nothing_is_told() {
    let case = Case::default()
        .pool("p", &["1"], Some("pool=p"))
        .functions("team=a", "p")
        .found("team=a", &[])
        .addresses("pool=p", &[], true);
    assert_eq!(case.told(), ["p: 1"]);
    insta::assert_snapshot!(case.warnings().join("\n"), @r#"
    tag_selects_nothing: tag `pool=p` selects no address for pool `p` in this account and region; hint: check its spelling, or tag an Elastic IP
    tag_selects_nothing: tag `team=a` selects no function in this account and region; hint: check its spelling, or tag a function
    "#);
}

#[test]
fn a_pin_narrows_what_its_pool_holds_and_nothing_else() {
    let case = Case::default()
        .pool("p", &["1", ".2"], Some("pool=p"))
        .functions("team=a", "p")
        .pinned(&["2", ".1", "3", ".9"])
        .found("team=a", &["f", "g"])
        .ips(&[1, 2], &[9])
        .addresses("pool=p", &[3], true);
    assert_eq!(case.told(), ["p: 1 2 3", "f from p !1 !2 !3", "g from p !1 !2 !3"]);
    let case = case.functions("h", "p").pinned(&["7"]);
    let desired = case.desired();
    let pins = &desired.functions[&function("h")].pins;
    assert!(pins[&PinPlace::Subnet(subnet(1))].is_empty(), "nothing may be given there");
    insta::assert_snapshot!(case.warnings().join("\n"), @r#"pin_outside_pool: the pin of function `h` in `subnet-00000001` names `eipalloc-00000007`, which pool `p` does not hold; hint: add it there, or pin one that is"#);
}

#[test]
fn what_names_everything_resolves_to_itself() {
    let world = World::new()
        .pool("p", &[1, 2], 1)
        .function("f", "p", &[1], &[1])
        .pin_subnet("f", 1, &[2])
        .priority("f", 3);
    let (desired, warnings) = resolve(&Declared::from(&world.desired), &Selection::default());
    assert_eq!((desired, warnings), (world.desired, Vec::new()));
}

/// `f` on two interfaces, of which one carries an address that is perhaps of its pool, which lists address 1.
fn in_part() -> World {
    let mut world = World::new()
        .pool("p", &[1], 0)
        .pool("q", &[9], 0)
        .function("f", "p", &[1], &[1])
        .eni(1, 1, &[1])
        .eni(2, 1, &[1])
        .on(9, 2)
        .gap(Part::Addresses);
    world.desired.pools.get_mut(&pool("p")).expect("there before").is_partial = true;
    world
}

#[test]
fn nothing_is_given_from_a_pool_that_may_hold_more_and_nothing_is_called_wrong() {
    assert_eq!(in_part().verdicts(), ["1 lacks: observation_incomplete", "2 lacks: observation_incomplete"]);
    assert_eq!(in_part().on(1, 1).verdicts()[0], "1 keeps 1");
    let objections = audit(&in_part().desired, &in_part().observed, &[associate(1, 1, &["f"])]);
    let objections: Vec<_> = objections.into_iter().map(|violation| violation.objection).collect();
    assert_eq!(objections, [Objection::SetUnread(function("f"))]);
}

#[test]
fn a_pool_of_public_addresses_that_are_not_here_is_missing_them() {
    let mut world = World::new().pool("p", &[], 0).function("f", "p", &[1], &[1]).eni(1, 1, &[1]);
    world.desired.pools.get_mut(&pool("p")).expect("there before").absent = [face(7), face(8)].into();
    let plan = world.plan();
    assert_eq!(plan.pools[&pool("p")].missing, 2);
    assert_eq!(plan.interfaces[0].network_interface_id, eni(1));
    let Verdict::Uncovered(reason) = &plan.interfaces[0].verdict else { panic!("it is bare") };
    assert_eq!(reason.code(), "address_missing");
    assert_eq!(reason.to_string(), "`198.51.100.7`, `198.51.100.8` not found in this account and region");
}
