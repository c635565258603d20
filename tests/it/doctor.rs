//! `eipd doctor` against the simulator: in a healthy world all passes, each single fault is found by its own check, each
//! denied permission is named, and nothing is changed.

use std::collections::BTreeSet;

use eipd_sim::{AclRule, Hand, HttpServer, NewAddress, RouteTarget, Sim, VpcConfig, World, WorldConfig};
use serde_json::Value;

use crate::process::{Bench, configuration, served};
use crate::rig::apply;
use crate::small::Small;

/// Three addresses for two interfaces, which carry two of them.
async fn healthy() -> Small {
    let small = Small::with(3);
    small.sim.world(|world| {
        let interfaces: Vec<String> =
            small.subnets.iter().flat_map(|subnet| world.pair_interfaces(subnet, &[&small.group])).collect();
        for (allocation, interface) in small.allocations.iter().zip(&interfaces) {
            world.associate(Hand::Stray, allocation, interface, false).expect("both are free");
        }
    });
    small
}

struct Answer {
    code: Option<i32>,
    value: Value,
}

impl Answer {
    fn checks(&self) -> impl Iterator<Item = &Value> {
        self.value["checks"].as_array().expect("a list").iter()
    }

    /// The names of the checks with this verdict.
    fn with(&self, verdict: &str) -> BTreeSet<String> {
        let checks = self.checks().filter(|check| check["verdict"] == verdict);
        checks.map(|check| check["check"].as_str().expect("a name").to_owned()).collect()
    }

    fn of<'a>(&'a self, name: &'a str, verdict: &'a str) -> Vec<&'a Value> {
        self.checks().filter(|check| check["check"] == name && check["verdict"] == verdict).collect()
    }
}

async fn ask(bench: &Bench) -> Answer {
    ask_with(bench, &[]).await
}

async fn ask_with(bench: &Bench, more: &[&str]) -> Answer {
    let ended = bench.run(&[&["doctor", "--format", "json"], more].concat()).await;
    let value = serde_json::from_str(&ended.stdout())
        .unwrap_or_else(|error| panic!("{error}: {}{}", ended.stdout(), ended.stderr()));
    let answer = Answer { code: ended.code(), value };
    for check in answer.checks() {
        let says = |field: &str| check[field].as_str().is_some_and(|text| !text.is_empty());
        let is_troubled = check["verdict"] == "warn" || check["verdict"] == "fail";
        assert!(says("check") && says("verdict") && says("evidence"), "{check:#}");
        assert!(says("remedy") || !is_troubled, "what is wrong is told with what to do: {check:#}");
    }
    answer
}

async fn examined(small: &Small) -> Answer {
    let server = served(small).await;
    ask(&Bench::new(&configuration(small), &server.url())).await
}

#[tokio::test]
async fn in_a_healthy_world_everything_passes_and_nothing_is_changed() {
    let small = healthy().await;
    let answer = examined(&small).await;
    assert_eq!(
        (answer.code, &answer.value["verdict"]),
        (Some(0), &Value::from("pass")),
        "{:#}",
        answer.value
    );
    let made = [
        "addresses",
        "address_quota",
        "border_groups",
        "bystanders",
        "clock",
        "configuration",
        "functions",
        "identity",
        "interface_quota",
        "interfaces",
        "ipv6",
        "network_acls",
        "permission",
        "pools",
        "routes",
        "security_groups",
    ];
    assert_eq!(answer.with("pass"), made.map(str::to_owned).into());
    assert_eq!(answer.with("skip"), ["events", "notifications"].map(str::to_owned).into());
    assert!(answer.checks().all(|check| check["remedy"].is_null()), "{:#}", answer.value);
    let tried = answer.of("permission", "pass");
    assert_eq!(tried.len(), 9, "{tried:?}");
    let dry = small.sim.with_journal(|journal| journal.mutating().count());
    assert_eq!(dry, 2, "two dry runs");
    assert!(small.is_covered());
    assert_eq!(small.sim.complaints(), Vec::<String>::new());
}

/// A fault, the check that finds it, its verdict, and a word of its remedy.
struct Fault {
    check: &'static str,
    verdict: &'static str,
    remedy: &'static str,
    make: fn(&mut World, &Small),
}

fn change(world: &mut World, small: &Small, change: impl FnOnce(&mut eipd_sim::world::Subnet)) {
    world.change_subnet(&small.subnets[0], change);
}

fn rule(is_egress: bool, ports: Option<(u16, u16)>) -> AclRule {
    AclRule { number: 100, is_egress, allows: true, block: "0.0.0.0/0".to_owned(), ports }
}

const FAULTS: &[Fault] = &[
    Fault {
        check: "functions",
        verdict: "warn",
        remedy: "invoke it once",
        make: |world, _| world.idle("billing"),
    },
    Fault {
        check: "interfaces",
        verdict: "fail",
        remedy: "`eipd apply --take`",
        make: |world, small| {
            let interface = world.pair_interfaces(&small.subnets[0], &[&small.group]).remove(0);
            let unknown = world.allocate_address();
            world.stray_associate(&unknown, &interface, true).expect("it takes the place of ours");
        },
    },
    Fault {
        check: "routes",
        verdict: "fail",
        remedy: "internet gateway",
        make: |world, small| change(world, small, |subnet| subnet.default_route = RouteTarget::None),
    },
    Fault {
        check: "routes",
        verdict: "fail",
        remedy: "internet gateway",
        make: |world, _| {
            let vpc = world.vpcs().next().expect("one").id.clone();
            world.change_vpc(&vpc, |vpc| vpc.internet_gateway = None);
        },
    },
    Fault {
        check: "ipv6",
        verdict: "warn",
        remedy: "Ipv6AllowedForDualStack",
        make: |world, small| {
            change(world, small, |subnet| subnet.ipv6_route = Some("eigw-1".to_owned()));
            world.set_dual_stack("billing", true);
        },
    },
    Fault {
        check: "security_groups",
        verdict: "fail",
        remedy: "outbound rule",
        make: |world, small| world.change_security_group(&small.group, |group| group.open_egress = false),
    },
    Fault {
        check: "network_acls",
        verdict: "fail",
        remedy: "outbound rule",
        make: |world, small| change(world, small, |subnet| subnet.acl = vec![rule(false, None)]),
    },
    Fault {
        check: "network_acls",
        verdict: "fail",
        remedy: "1024-65535",
        make: |world, small| change(world, small, |subnet| subnet.acl = vec![rule(true, None)]),
    },
    Fault {
        check: "network_acls",
        verdict: "warn",
        remedy: "1024-65535",
        make: |world, small| {
            let acl = vec![rule(true, None), rule(false, Some((32768, 60999)))];
            change(world, small, |subnet| subnet.acl = acl);
        },
    },
];

#[tokio::test]
async fn each_fault_is_found_by_its_own_check_and_by_no_other() {
    for fault in FAULTS {
        let small = healthy().await;
        small.sim.world(|world| (fault.make)(world, &small));
        let answer = examined(&small).await;
        let code = if fault.verdict == "fail" { 1 } else { 2 };
        assert_eq!(answer.code, Some(code), "{}: {:#}", fault.check, answer.value);
        let troubled: BTreeSet<String> = answer.with("fail").union(&answer.with("warn")).cloned().collect();
        assert_eq!(troubled, [fault.check.to_owned()].into(), "{:#}", answer.value);
        let found = answer.of(fault.check, fault.verdict);
        assert!(!found.is_empty(), "{}: {:#}", fault.check, answer.value);
        for check in found {
            let remedy = check["remedy"].as_str().expect("a remedy");
            assert!(remedy.contains(fault.remedy), "{}: {remedy}", fault.check);
            assert!(check["evidence"].as_str().is_some_and(|evidence| !evidence.is_empty()));
        }
        assert_eq!(small.sim.complaints(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_pool_is_judged_by_what_it_must_serve() {
    for (addresses, code, verdict, remedy) in
        [(1, 1, "fail", "add 1 address"), (2, 2, "warn", "add an address"), (3, 0, "pass", "")]
    {
        let answer = examined(&Small::with(addresses)).await;
        assert_eq!(answer.code, Some(code), "{addresses}: {:#}", answer.value);
        let pools = answer.of("pools", verdict);
        assert_eq!((pools.len(), &pools[0]["subject"]), (1, &Value::from("partner-a")), "{:#}", answer.value);
        assert!(pools[0]["remedy"].as_str().unwrap_or_default().contains(remedy));
    }
}

#[tokio::test]
async fn an_address_that_is_missing_or_of_another_border_group_is_named() {
    let small = healthy().await;
    let text = configuration(&small).replace(&small.allocations[2], "eipalloc-0badbadbad0badbad");
    let server = served(&small).await;
    let answer = ask(&Bench::new(&text, &server.url())).await;
    assert_eq!(answer.with("fail"), ["addresses".to_owned()].into(), "{:#}", answer.value);
    assert_eq!(answer.with("warn"), ["pools".to_owned()].into(), "no spare is left");
    let small = Small::with(0);
    let allocations: Vec<String> = small.sim.world(|world| {
        let new = || NewAddress { border_group: Some("eu-west-1-lon-1".to_owned()), ..NewAddress::default() };
        (0..3).map(|_| world.allocate(new())).collect()
    });
    let server = served(&small).await;
    let answer = ask(&Bench::new(&configuration(&Small { allocations, ..small }), &server.url())).await;
    assert_eq!(answer.with("fail"), ["border_groups".to_owned()].into(), "{:#}", answer.value);
    let remedy = &answer.of("border_groups", "fail")[0]["remedy"];
    assert_eq!(remedy, "add addresses that are allocated in that network border group");
}

#[tokio::test]
async fn bystanders_are_named_with_what_they_leave_from() {
    let small = healthy().await;
    small.sim.world(|world| {
        world.create_active_function("stranger", VpcConfig::new(&small.subnets[..1], &[&small.group]));
    });
    let answer = examined(&small).await;
    assert_eq!(answer.code, Some(2), "{:#}", answer.value);
    assert_eq!(answer.with("warn"), ["bystanders".to_owned()].into(), "{:#}", answer.value);
    let check = answer.of("bystanders", "warn")[0];
    let evidence = check["evidence"].as_str().expect("a text");
    assert!(
        evidence.contains("`stranger` is not declared and uses interfaces that pool `partner-a` serves"),
        "{evidence}"
    );
    assert!(check["remedy"].as_str().is_some_and(|remedy| remedy.starts_with("declare them")), "{check:#}");
    small.sim.deny("lambda:ListFunctions");
    let unseen = examined(&small).await;
    let check = unseen.of("bystanders", "skip")[0];
    assert_eq!(check["remedy"], "grant `lambda:ListFunctions` on `*`", "{check:#}");
}

#[tokio::test]
async fn what_must_be_granted_follows_from_the_configuration() {
    let small = healthy().await;
    let server = served(&small).await;
    for (action, safety, verdict) in [
        ("ec2:DisassociateAddress", "on_removed = \"disassociate\"", "fail"),
        ("ec2:DisassociateAddress", "mode = \"observe\"", "warn"),
        ("ec2:AssociateAddress", "mode = \"observe\"", "warn"),
    ] {
        small.sim.deny(action);
        let text = format!("[safety]\n{safety}\n{}", configuration(&small));
        let answer = ask(&Bench::new(&text, &server.url())).await;
        let denied: Vec<_> =
            answer.of("permission", verdict).iter().map(|check| check["subject"].clone()).collect();
        assert_eq!(denied, [action], "{safety}: {:#}", answer.value);
        small.sim.allow(action);
    }
}

#[tokio::test]
async fn a_function_that_is_not_there_is_named() {
    let small = healthy().await;
    let text = format!("{}[[functions]]\nname = \"absent\"\npool = \"partner-a\"\n", configuration(&small));
    let server = served(&small).await;
    let answer = ask(&Bench::new(&text, &server.url())).await;
    assert_eq!((answer.code, answer.with("fail")), (Some(1), ["functions".to_owned()].into()));
    let told = answer.of("functions", "fail")[0]["evidence"].as_str().expect("a text").to_owned();
    assert!(told.starts_with("function `absent` does not exist"), "{told}");
}

#[tokio::test]
async fn quotas_are_held_against_their_use() {
    let sim = Sim::new(WorldConfig { address_quota: Some(3), ..WorldConfig::default() });
    let (allocations, group) = sim.world(|world| {
        let vpc = world.create_vpc();
        let group = world.create_security_group(&vpc, "lambda");
        let subnets: Vec<String> = (0..16).map(|_| world.create_subnet(&vpc, 'a')).collect();
        world.create_active_function("billing", VpcConfig::new(&subnets[..2], &[&group]));
        for number in 0..25 {
            let other = world.create_security_group(&vpc, &format!("other-{number}"));
            let config = VpcConfig::new(&subnets, &[&other]);
            world.create_active_function(&format!("other-{number}"), config);
        }
        (world.allocate_many(3), group)
    });
    assert!(group.starts_with("sg-"));
    let server = HttpServer::bind(&sim, ([127, 0, 0, 1], 0).into()).await.expect("a free port");
    let text = format!(
        "[pools.p]\nallocations = {allocations:?}\nmin_spare = 2\n[[functions]]\nname = \"billing\"\npool = \"p\"\n"
    );
    let answer = ask(&Bench::new(&text, &server.url())).await;
    let warned = ["address_quota", "interface_quota", "pools"].map(str::to_owned);
    assert_eq!((answer.code, answer.with("warn")), (Some(2), warned.into()), "{:#}", answer.value);
    let told = answer.of("interface_quota", "warn")[0]["evidence"].as_str().expect("a text").to_owned();
    assert_eq!(told, "402 of 500 network interfaces of Lambda, by the usual quota");
    let bench = Bench::new(&text, &server.url());
    for (quota, verdict) in [("402", "fail"), ("500", "warn"), ("1000", "pass")] {
        let answer = bench.run(&["doctor", "--hyperplane-quota", quota, "--format", "json"]).await;
        let answer: Value = serde_json::from_str(&answer.stdout()).expect("only JSON on stdout");
        let checks = answer["checks"].as_array().expect("a list");
        let told = checks.iter().find(|check| check["check"] == "interface_quota").expect("it is made");
        assert_eq!(told["verdict"], verdict, "{told}");
    }
}

const PERMISSIONS: &[(&str, &str)] = &[
    ("ec2:DescribeNetworkInterfaces", "fail"),
    ("ec2:DescribeAddresses", "fail"),
    ("lambda:GetFunctionConfiguration", "fail"),
    ("lambda:ListFunctions", "fail"),
    ("ec2:AssociateAddress", "fail"),
    ("ec2:DisassociateAddress", "warn"),
    ("ec2:DescribeSubnets", "warn"),
    ("ec2:DescribeRouteTables", "warn"),
    ("lambda:ListAliases", "warn"),
];

#[tokio::test]
async fn each_permission_that_is_denied_is_named_and_the_rest_goes_on() {
    for (action, verdict) in PERMISSIONS {
        let small = healthy().await;
        small.sim.deny(action);
        let answer = examined(&small).await;
        assert_eq!(answer.code, Some(if *verdict == "fail" { 1 } else { 2 }), "{action}: {:#}", answer.value);
        let denied = answer.of("permission", verdict);
        let [check] = &denied[..] else { panic!("{action}: {:#}", answer.value) };
        assert_eq!(check["subject"], *action);
        let remedy = check["remedy"].as_str().expect("a remedy");
        assert!(remedy.starts_with(&format!("grant `{action}` on ")), "{remedy}");
        let allowed = answer.of("permission", "pass").len() + answer.of("permission", "skip").len();
        assert_eq!(allowed, PERMISSIONS.len() - 1, "{action}: {:#}", answer.value);
        assert_eq!(small.sim.complaints(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_check_that_can_not_be_made_names_what_it_takes() {
    for (action, check) in [
        ("ec2:DescribeSecurityGroups", "security_groups"),
        ("ec2:DescribeNetworkAcls", "network_acls"),
        ("ec2:DescribeAccountAttributes", "address_quota"),
    ] {
        let small = healthy().await;
        small.sim.deny(action);
        let answer = examined(&small).await;
        assert_eq!(answer.code, Some(0), "{action}: {:#}", answer.value);
        let skipped = answer.of(check, "skip");
        assert_eq!(skipped.len(), 1, "{action}: {:#}", answer.value);
        let remedy = skipped[0]["remedy"].as_str().expect("a remedy");
        assert!(remedy.contains(&format!("grant `{action}`")), "{remedy}");
    }
}

#[tokio::test]
async fn without_credentials_or_with_anothers_nothing_else_is_tried() {
    let small = healthy().await;
    let server = served(&small).await;
    let keys = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
    let none = ask(&Bench::new(&configuration(&small), &server.url()).without(&keys)).await;
    assert_eq!((none.code, none.with("fail")), (Some(1), ["identity".to_owned()].into()), "{:#}", none.value);
    let arn = "arn:aws:lambda:eu-west-1:999999999999:function:billing";
    let text = configuration(&small).replace("name = \"billing\"", &format!("name = \"{arn}\""));
    let other = ask(&Bench::new(&text, &server.url())).await;
    assert_eq!(
        (other.code, other.with("fail")),
        (Some(1), ["identity".to_owned()].into()),
        "{:#}",
        other.value
    );
    assert_eq!(other.of("identity", "fail")[0]["remedy"], "use credentials or a role of 999999999999");
    assert_eq!(other.with("skip"), ["events", "notifications", "observation"].map(str::to_owned).into());
    assert_eq!(small.sim.calls("DescribeNetworkInterfaces"), 0);
}

#[tokio::test]
async fn a_bad_file_fails_with_each_place_and_the_text_says_what_to_do() {
    let bench = Bench::new("[[functions]]\nname = \"f\"\npoll = \"a\"\n", "http://127.0.0.1:1");
    let answer = ask(&bench).await;
    assert_eq!((answer.code, answer.with("fail")), (Some(1), ["configuration".to_owned()].into()));
    let faults = answer.of("configuration", "fail");
    let is_at =
        |place: &str| faults.iter().any(|f| f["evidence"].as_str().is_some_and(|t| t.contains(place)));
    assert!(is_at("eipd.toml:3:"), "{:#}", answer.value);
    let small = healthy().await;
    small.sim.deny("ec2:AssociateAddress");
    let server = served(&small).await;
    let ended = Bench::new(&configuration(&small), &server.url()).run(&["doctor"]).await;
    assert_eq!(ended.code(), Some(1), "{}", ended.stderr());
    let text = ended.stdout();
    assert!(text.contains("FAIL permission         ec2:AssociateAddress: "), "{text}");
    assert!(text.contains("hint: grant `ec2:AssociateAddress` on the address"), "{text}");
    assert!(text.ends_with("0 warnings, 1 failed, 2 not made\n"), "{text}");
}

#[tokio::test]
async fn the_wiring_of_events_is_examined_part_by_part() {
    let small = healthy().await;
    let server = served(&small).await;
    let url = small.sim.world(|world| world.queue_url("eipd"));
    let text = format!("[events]\nqueue_url = \"{url}\"\n{}", configuration(&small));
    let bench = Bench::new(&text, &server.url());
    let before = ask(&bench).await;
    assert_eq!((before.code, before.of("events", "fail").len()), (Some(1), 6), "{:#}", before.value);
    assert!(before.of("events", "fail").iter().all(|check| check["remedy"] == "run `eipd events setup`"));
    let setup = bench.run(&["events", "setup"]).await;
    assert_eq!(setup.code(), Some(0), "{}{}", setup.stdout(), setup.stderr());
    let timed = ask(&bench).await;
    assert_eq!((timed.code, timed.of("events", "pass").len()), (Some(0), 7), "{:#}", timed.value);
    let is_arrival = |check: &&&Value| check["subject"] == "arrival of an event";
    let passed = timed.of("events", "pass");
    let evidence = passed.iter().find(is_arrival).and_then(|check| check["evidence"].as_str());
    assert!(evidence.is_some_and(|told| told.contains("came after")), "{evidence:?}");
    let queues: Vec<String> =
        small.sim.world(|world| world.queues().map(|queue| queue.name.clone()).collect());
    assert_eq!(queues, ["eipd", "eipd-dlq"], "what the trial took is gone");
    for action in ["events:PutEvents", "sqs:CreateQueue"] {
        small.sim.deny(action);
        let denied = ask(&bench).await;
        assert_eq!(denied.code, Some(0), "{:#}", denied.value);
        let skipped = denied.of("events", "skip");
        let remedy = skipped.iter().find(is_arrival).and_then(|check| check["remedy"].as_str());
        assert!(remedy.is_some_and(|told| told.contains(action)), "{skipped:?}");
        small.sim.allow(action);
    }
    let queues = small.sim.world(|world| world.queues().count());
    assert_eq!(queues, 2, "whatever came of it");
    let changes = || small.sim.with_journal(|journal| journal.mutating().count());
    let made = changes();
    let after = ask_with(&bench, &["--read-only"]).await;
    assert_eq!((after.code, after.of("events", "pass").len()), (Some(0), 6), "{:#}", after.value);
    let tried: Vec<_> = after.of("permission", "pass").iter().filter_map(|c| c["subject"].as_str()).collect();
    for action in ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"] {
        assert!(tried.contains(&action), "{tried:?}");
    }
    assert_eq!(after.with("skip"), ["event_trail", "events", "notifications"].map(str::to_owned).into());
    small.sim.deny("sqs:DeleteMessage");
    let denied = ask_with(&bench, &["--read-only"]).await;
    let denied = denied.of("permission", "fail");
    assert_eq!(denied.len(), 1);
    assert_eq!(denied[0]["remedy"], "grant `sqs:DeleteMessage` on the queue");
    assert!(changes() - made <= 8, "dry runs and a trial of a receipt");
    assert_eq!(small.sim.complaints(), Vec::<String>::new());
}

#[tokio::test]
async fn the_bus_for_notifications_is_tried() {
    let small = healthy().await;
    let server = served(&small).await;
    let text = format!("[notify]\nevent_bus = \"default\"\n{}", configuration(&small));
    let bench = Bench::new(&text, &server.url());
    let answer = ask(&bench).await;
    assert_eq!((answer.code, answer.of("notifications", "pass").len()), (Some(0), 1), "{:#}", answer.value);
    small.sim.deny("events:PutEvents");
    let denied = ask(&bench).await;
    assert_eq!((denied.code, denied.with("fail")), (Some(1), ["notifications".to_owned()].into()));
    assert_eq!(denied.of("notifications", "fail")[0]["remedy"], "grant `events:PutEvents` on the event bus");
}

#[tokio::test]
async fn what_a_daemon_has_yet_to_do_is_no_trouble() {
    let small = Small::with(3);
    let answer = examined(&small).await;
    assert_eq!(answer.code, Some(0), "{:#}", answer.value);
    assert!(!small.is_covered(), "and it was not done");
    let report = apply(&small.sim, &small.desired).await;
    assert_eq!(report.covered, 2);
}
