//! Each permission, denied: it is named, nothing is taken away for it, what does not need it goes on, and its return
//! heals. The rows are held against the table of permissions, and so against the code: each permission must have its row, and
//! `eipd doctor` must know it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use eipd::aws::AssumedRole;
use eipd::domain::declared::{Declared, DeclaredFunctions, Which};
use eipd::domain::permissions::{Occasion, TABLE as NEEDED};
use eipd::domain::policy::OnRemoved;
use eipd::domain::priority::Priority;
use eipd::domain::report::{Coverage, Report};
use eipd::domain::versions::Versions;
use eipd::reconcile::pass::Orders;
use eipd_sim::{EventWeather, HttpServer, Outcome, Sim, Span, VpcConfig, WorldConfig};
use serde_json::Value;
use tokio::time::sleep;

use crate::process::Bench;
use crate::rig::{Daemon, Setup, Wanted, assert_lawful, on_paused_clock, orders};

const MINUTE: Duration = Duration::from_secs(60);
const ROLE: &str = "arn:aws:iam::111122223333:role/eipd";

/// What is out of order when a permission is denied.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Matter {
    /// An interface of `$LATEST` is bare.
    Latest,
    /// An interface that only a published version uses is bare.
    Version,
    /// An interface of a function that a tag selects is bare.
    Tagged,
    /// An address is on the interface of a function that is not declared any more.
    Left,
}
use Matter::{Latest, Left, Tagged, Version};

const ALL: &[Matter] = &[Latest, Version, Tagged, Left];
const BARE: &[Matter] = &[Latest, Version, Tagged];

/// A permission that a daemon uses, and what is put in order without it.
struct Row {
    action: &'static str,
    /// By a process that never had it.
    from_start: &'static [Matter],
    /// By one that had it, and goes by what it knows.
    later: &'static [Matter],
}

const fn row(action: &'static str, from_start: &'static [Matter], later: &'static [Matter]) -> Row {
    Row { action, from_start, later }
}

/// Nothing may be taken off while something can't be seen (law 7).
const TABLE: &[Row] = &[
    row("sts:AssumeRole", &[], ALL),
    row("sts:GetCallerIdentity", &[], ALL),
    row("ec2:DescribeNetworkInterfaces", &[], &[]),
    row("ec2:DescribeAddresses", &[], &[]),
    row("ec2:DescribeSubnets", ALL, ALL),
    row("ec2:DescribeRouteTables", ALL, ALL),
    row("ec2:AssociateAddress", &[Left], &[Left]),
    row("ec2:DisassociateAddress", BARE, BARE),
    row("lambda:GetFunctionConfiguration", &[], BARE),
    row("lambda:ListFunctions", &[Latest, Tagged], BARE),
    row("lambda:ListAliases", &[Latest, Tagged], BARE),
    row("tag:GetResources", &[Latest, Version], BARE),
    row("sqs:ReceiveMessage", ALL, ALL),
    row("sqs:DeleteMessage", ALL, ALL),
    row("sqs:GetQueueAttributes", ALL, ALL),
    row("events:PutEvents", ALL, ALL),
];

/// Used by `eipd doctor` alone.
const EXAMINED: &[&str] =
    &["ec2:DescribeSecurityGroups", "ec2:DescribeNetworkAcls", "ec2:DescribeAccountAttributes"];

/// Whose the credentials are does not change in the life of a process.
const ASKED_ONCE: &str = "sts:GetCallerIdentity";

/// What a daemon or an examination needs; an operator's `eipd events` needs more. That it is what the code calls, see
/// `policies`.
fn all_needed() -> BTreeSet<String> {
    let is_theirs = |occasion: &Occasion| {
        use Occasion::{Accounts, Doctor, Enforce, Events, Notify, Observe, SelectByTag, TakeOff};
        matches!(occasion, Accounts | Doctor | Enforce | Events | Notify | Observe | SelectByTag | TakeOff)
    };
    let rows = NEEDED.iter().filter(|row| row.uses.iter().any(|needed| is_theirs(&needed.when)));
    rows.map(|row| row.action.to_owned()).collect()
}

#[test]
fn every_call_has_its_row() {
    let rows = TABLE.iter().map(|row| row.action).chain(EXAMINED.iter().copied()).map(str::to_owned);
    assert_eq!(rows.collect::<BTreeSet<_>>(), all_needed());
}

/// Where everything that a daemon can do has something to do: `billing` with a version of its own interface behind an
/// alias, `reports` by tag, and `old`, which nobody declares any more.
struct Estate {
    sim: Sim,
    queue_url: String,
    bus: String,
    allocations: Vec<String>,
    /// What carries an address all the time.
    kept: String,
    interfaces: BTreeMap<Matter, String>,
}

impl Estate {
    fn new() -> Self {
        let sim = Sim::new(WorldConfig::default());
        sim.set_events(EventWeather::delayed(Span::exactly(Duration::from_secs(1))));
        let (subnets, groups) = sim.world(|world| {
            let vpc = world.create_vpc();
            let subnets = ['a', 'b'].map(|zone| world.create_subnet(&vpc, zone));
            let groups = ["v", "l", "t", "o"].map(|name| world.create_security_group(&vpc, name));
            let one = |group: &String| VpcConfig::new(&subnets[..1], &[group]);
            world.create_active_function("billing", one(&groups[0]));
            world.publish_version("billing");
            world.set_alias("billing", "live", 1);
            let next = VpcConfig::new(&subnets, &[&groups[1]]);
            world.update_function_vpc("billing", next, Outcome::Succeeds, None).expect("it is active");
            world.create_active_function("reports", one(&groups[2]));
            world.tag_function("reports", "team", "x");
            world.create_active_function("old", one(&groups[3]));
            world.advance_by(60 * MINUTE);
            (subnets, groups)
        });
        sim.world(|world| {
            let of = |subnet: &str, group: &str| world.pair_interfaces(subnet, &[group]).remove(0);
            let kept = of(&subnets[0], &groups[1]);
            let interfaces = BTreeMap::from([
                (Latest, of(&subnets[1], &groups[1])),
                (Version, of(&subnets[0], &groups[0])),
                (Tagged, of(&subnets[0], &groups[2])),
                (Left, of(&subnets[0], &groups[3])),
            ]);
            let allocations = world.allocate_many(6);
            world.manage(&allocations, &["billing", "reports", "old"]);
            ["billing", "billing:1", "reports"].iter().for_each(|name| world.declare(name, &allocations));
            world.give(&allocations[0], &kept);
            world.give(&allocations[1], &interfaces[&Left]);
            let bus = world.create_event_bus("ops", BTreeMap::new()).expect("it is new");
            let queue_url = world.wire_events_of("eipd", &eipd::events::pattern::event_pattern());
            Self { sim: sim.clone(), queue_url, bus, allocations, kept, interfaces }
        })
    }

    fn orders(&self) -> Orders {
        let pool = "p".parse().expect("a name");
        let tag = "team=x".parse().expect("a tag");
        let named = Wanted::new().pool("p", &self.allocations, 0).function("billing", "p").done();
        let mut declared = Declared::from(&named);
        let tagged = DeclaredFunctions {
            which: Which::Tagged(tag),
            pool,
            pins: [].into(),
            versions: Versions::default(),
            priority: Priority::default(),
        };
        declared.functions.push(tagged);
        Orders { on_removed: OnRemoved::Disassociate, ..orders(declared) }
    }

    async fn daemon(&self) -> Daemon {
        let role = AssumedRole { arn: ROLE.to_owned(), external_id: None };
        let (queue_url, bus) = (Some(self.queue_url.as_str()), Some(self.bus.as_str()));
        let setup = Setup { queue_url, bus, role: Some(role), ..Setup::default() };
        Daemon::start_as(&self.sim, self.orders(), 1, setup).await
    }

    fn address_of(&self, interface: &str) -> Option<String> {
        self.sim.world(|world| world.address_of(interface).map(str::to_owned))
    }

    /// What is in order.
    fn in_order(&self) -> Vec<Matter> {
        let is_right = |(matter, interface): &(&Matter, &String)| {
            self.address_of(interface).is_none() == (**matter == Matter::Left)
        };
        self.interfaces.iter().filter(is_right).map(|(matter, _)| *matter).collect()
    }

    /// Puts everything out of order by somebody's hand.
    fn disturb(&self) {
        let carried = |interface: &String| {
            let ip = self.address_of(interface)?;
            self.sim.world(|world| self.allocations.iter().find(|id| world.public_ip(id) == ip).cloned())
        };
        let taken: Vec<String> = BARE.iter().filter_map(|matter| carried(&self.interfaces[matter])).collect();
        assert_eq!(taken.len(), BARE.len());
        self.sim.world(|world| {
            taken.iter().for_each(|id| assert!(world.stray_disassociate(id)));
            world.give(&taken[0], &self.interfaces[&Left]);
        });
        assert_eq!(self.in_order(), []);
    }

    /// A configuration of the same, for a process.
    fn text(&self) -> String {
        let Self { queue_url, bus, allocations, .. } = self;
        format!(
            "[safety]\non_removed = \"disassociate\"\n[events]\nqueue_url = \"{queue_url}\"\n\
             [notify]\nevent_bus = \"{bus}\"\n[[targets]]\nname = \"main\"\nregion = \"eu-west-1\"\n\
             role_arn = \"{ROLE}\"\n[pools.p]\nallocations = {allocations:?}\n\
             [[functions]]\nname = \"billing\"\npool = \"p\"\n[[functions]]\ntag = \"team=x\"\npool = \"p\"\n"
        )
    }
}

/// All that a daemon told since so many passes.
fn told(daemon: &Daemon, since: usize) -> String {
    let of_report = |report: &Report| {
        let warnings = report.plan.warnings.iter().map(|warning| warning.message.clone());
        let reasons = report.uncovered.iter().map(|uncovered| uncovered.reason.to_string());
        let details = report.actions.iter().filter_map(|action| action.detail.clone());
        let all = report.failures.iter().cloned().chain(warnings).chain(reasons).chain(details);
        all.collect::<Vec<_>>().join("\n")
    };
    let reports = daemon.heard.reports();
    let troubles = [daemon.heard.queue_trouble(), daemon.heard.bus_trouble()].into_iter().flatten();
    reports[since.min(reports.len())..].iter().map(of_report).chain(troubles).collect::<Vec<_>>().join("\n")
}

/// What a denied permission must lead to, and what its return must.
async fn denied(estate: &Estate, daemon: &Daemon, action: &str, since: usize, meanwhile: &[Matter]) {
    let kept = estate.address_of(&estate.kept);
    assert_eq!(estate.in_order(), meanwhile, "{action}: what goes on without it");
    let text = told(daemon, since);
    let is_missed = since == 0 || action != ASKED_ONCE;
    assert_eq!(text.contains(&format!("grant `{action}`")), is_missed, "{action} is named in {text}");
    let passes = daemon.heard.reports().len();
    assert!(passes > since + 1, "{action}: passes are made all the same");
    estate.sim.allow(action);
    for _ in 0..40 {
        sleep(MINUTE / 2).await;
        let is_well = daemon.heard.queue_trouble().is_none() && daemon.heard.bus_trouble().is_none();
        let covered = daemon.heard.reports().last().is_some_and(|last| last.coverage() == Coverage::Covered);
        if estate.in_order() == ALL && is_well && covered {
            break;
        }
    }
    assert_eq!(estate.in_order(), ALL, "{action}: its return heals");
    assert_eq!((daemon.heard.queue_trouble(), daemon.heard.bus_trouble()), (None, None), "{action}");
    let last = daemon.heard.reports().pop().expect("passes were made");
    assert_eq!(last.coverage(), Coverage::Covered, "{action}: {}", told(daemon, passes));
    assert!(kept.is_some() && estate.address_of(&estate.kept) == kept, "{action}: nothing is taken away");
    assert_lawful(&estate.sim);
}

#[test]
fn what_was_never_granted_is_named_and_costs_only_what_needs_it() {
    for Row { action, from_start, .. } in TABLE {
        on_paused_clock(async {
            let estate = Estate::new();
            sleep(60 * MINUTE).await;
            estate.sim.deny(action);
            let daemon = estate.daemon().await;
            sleep(10 * MINUTE).await;
            denied(&estate, &daemon, action, 0, from_start).await;
        });
    }
}

#[test]
fn what_is_no_longer_granted_is_named_and_costs_only_what_needs_it() {
    for Row { action, later, .. } in TABLE {
        on_paused_clock(async {
            let estate = Estate::new();
            sleep(60 * MINUTE).await;
            let daemon = estate.daemon().await;
            sleep(10 * MINUTE).await;
            assert_eq!(estate.in_order(), ALL, "{action}");
            estate.sim.deny(action);
            // By then what is known is old, and read anew.
            sleep(6 * MINUTE).await;
            let since = daemon.heard.reports().len();
            estate.disturb();
            sleep(10 * MINUTE).await;
            // A session lasts an hour, and a queue is asked for its attributes once in an hour.
            if matches!(*action, "sts:AssumeRole" | "sqs:GetQueueAttributes") {
                assert_eq!(estate.in_order(), ALL, "{action}");
                sleep(60 * MINUTE).await;
            }
            denied(&estate, &daemon, action, since, later).await;
        });
    }
}

#[test]
fn the_estate_of_the_table_uses_each_permission_and_no_other() {
    on_paused_clock(async {
        let estate = Estate::new();
        sleep(60 * MINUTE).await;
        let _daemon = estate.daemon().await;
        sleep(10 * MINUTE).await;
        estate.disturb();
        sleep(10 * MINUTE).await;
        let used: BTreeSet<String> = estate.sim.with_journal(|journal| {
            let action = |entry: &eipd_sim::Entry| {
                format!("{}:{}", entry.service, entry.operation.trim_end_matches("Batch"))
            };
            journal.entries().iter().map(action).collect()
        });
        assert_eq!(used, TABLE.iter().map(|row| row.action.to_owned()).collect());
    });
}

async fn doctor(estate: &Estate) -> Vec<Value> {
    let server = HttpServer::bind(&estate.sim, ([127, 0, 0, 1], 0).into()).await.expect("a free port");
    let ended =
        Bench::new(&estate.text(), &server.url()).run(&["doctor", "--read-only", "--format", "json"]).await;
    let answer: Value = serde_json::from_str(&ended.stdout())
        .unwrap_or_else(|error| panic!("{error}: {}{}", ended.stdout(), ended.stderr()));
    answer["checks"].as_array().expect("a list").clone()
}

#[tokio::test]
async fn the_doctor_knows_every_permission_and_names_none_that_no_call_needs() {
    let needed = all_needed();
    let estate = Estate::new();
    // The world is an hour ahead of this machine's clock, and so would its limits be.
    estate.sim.set_throttle(None);
    let well = doctor(&estate).await;
    let tried: Vec<&Value> = well.iter().filter(|check| check["check"] == "permission").collect();
    for check in &tried {
        let subject = check["subject"].as_str().expect("it is of a permission");
        assert_eq!(check["verdict"], "pass", "{check:#}");
        assert!(needed.contains(subject), "no call needs {subject}");
    }
    assert!(tried.len() >= 13, "{tried:#?}");
    for action in &needed {
        estate.sim.deny(action);
        let checks = doctor(&estate).await;
        let grant = format!("grant `{action}` on ");
        let names_it = |check: &&Value| {
            check["remedy"].as_str().is_some_and(|remedy| remedy.starts_with(&grant))
                && check["verdict"] != "pass"
        };
        assert!(checks.iter().any(|check| names_it(&check)), "{action}: {checks:#?}");
        estate.sim.allow(action);
    }
    assert_eq!(estate.sim.complaints(), Vec::<String>::new());
}
