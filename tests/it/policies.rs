//! One table says what IAM must allow: the calls in the source are those of the table, the policies in `deploy/iam`, in the
//! README and in docs/PERMISSIONS.md are written from it, and with each policy alone eipd does what it is for.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use eipd::domain::permissions::documents::{DOCUMENTS, Place, policy};
use eipd::domain::permissions::{Loss, Occasion, Scope, TABLE};
use eipd_sim::{EventWeather, HttpServer, Span};
use serde_json::Value;

use crate::documents::{assert_current, repository};
use crate::process::{Bench, Running, configuration, served};
use crate::small::Small;

/// Written by hand: whom a member account's role trusts is no call of ours.
const TRUST: &str = "member-trust.json";

/// The clients by the names that the code gives them, with their services as IAM knows them; `client` is any.
const CLIENTS: [(&str, &str); 7] = [
    ("client", ""),
    ("ec2", "ec2"),
    ("events", "events"),
    ("lambda", "lambda"),
    ("sqs", "sqs"),
    ("sts", "sts"),
    ("tagging", "tag"),
];

/// Made by the SDK's provider of credentials, not by a call of ours.
const BY_THE_SDK: &str = "sts:AssumeRole";

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

mod written {
    //! What is written from the table is what lies there.

    use super::*;

    fn text(occasions: &[Occasion]) -> String {
        let policy = policy(occasions, &Place::example());
        serde_json::to_string_pretty(&policy).expect("a policy is JSON") + "\n"
    }

    #[test]
    fn each_policy_is_what_the_table_says() {
        for document in DOCUMENTS {
            assert_current(&format!("deploy/iam/{}.json", document.name), &text(document.occasions));
        }
    }

    #[test]
    fn no_other_policy_lies_beside_them() {
        let entries = fs::read_dir(repository().join("deploy/iam")).expect("the folder is there");
        let found: BTreeSet<String> = entries
            .map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned())
            .collect();
        let mut wanted: BTreeSet<String> =
            DOCUMENTS.iter().map(|document| format!("{}.json", document.name)).collect();
        wanted.insert(TRUST.to_owned());
        assert_eq!(found, wanted);
    }

    #[test]
    fn the_readme_shows_what_the_daemon_needs() {
        let readme = read(&repository().join("README.md"));
        let blocks = readme.split("```json\n").skip(1).filter_map(|rest| rest.split("```").next());
        let policies: Vec<Value> = blocks.filter_map(|block| serde_json::from_str(block).ok()).collect();
        let enforce: Value =
            serde_json::from_str(&text(&[Occasion::Observe, Occasion::Enforce])).expect("it is JSON");
        assert!(
            policies.contains(&enforce),
            "the README shows another policy than deploy/iam/enforce.json: copy that"
        );
    }

    #[test]
    fn the_page_for_people_is_what_the_table_says() {
        assert_current("docs/PERMISSIONS.md", &page());
    }

    const HEAD: &str = "\
# What IAM must allow

Every call that `eipd` makes, from `src/domain/permissions/table.rs`, where the calls themselves take their names from: what is
not here is not called. This page and the policies in `deploy/iam` are written from that table, and tests fail when one of them
is stale. What IAM can narrow a call to is in its service authorization reference.

";

    const PLACES: &str = "
The policies hold example names, to be replaced by your own: region `eu-west-1`, account `111122223333`, VPC
`vpc-0a000000000000001`, queue and rule `eipd`, and for `accounts` the role of member account `444455556666`. With functions
in several VPCs, `ec2:Vpc` takes a list. `function:*` can be narrowed to the declared functions, each as `function:NAME` and
`function:NAME:*`; not where they are selected by a tag. `deploy/iam/member-trust.json` is the trust policy of a member
account's role; no call is in it.

";

    fn page() -> String {
        let mut page = HEAD.to_owned();
        page += "| policy in `deploy/iam` | for |\n|---|---|\n";
        for document in DOCUMENTS {
            writeln!(page, "| `{}.json` | {} |", document.name, document.purpose).expect("a text takes all");
        }
        page += PLACES;
        for occasion in Occasion::ALL {
            writeln!(page, "## {}\n", title(occasion)).expect("a text takes all");
            writeln!(page, "{}.\n\n| action | on | to |\n|---|---|---|", capital(occasion.in_words()))
                .expect("a text takes all");
            for row in TABLE {
                for needed in row.uses.iter().filter(|needed| needed.when == occasion) {
                    let spare = if needed.loss == Loss::Knowledge { " (it does without)" } else { "" };
                    let line = format!("| `{}` | {} | {}{spare} |", row.action, words(needed.on), needed.why);
                    writeln!(page, "{line}").expect("a text takes all");
                }
            }
            page.push('\n');
        }
        page.trim_end().to_owned() + "\n"
    }

    fn capital(text: &str) -> String {
        let mut letters = text.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
    }

    fn title(occasion: Occasion) -> &'static str {
        match occasion {
            Occasion::Observe => "To see",
            Occasion::Enforce => "To give addresses",
            Occasion::TakeOff => "To take addresses off",
            Occasion::SelectByTag => "To select functions by a tag",
            Occasion::Events => "To hear of events",
            Occasion::Notify => "To tell others",
            Occasion::Accounts => "To act in other accounts",
            Occasion::Doctor => "To be examined",
            Occasion::LookAtEvents => "To look at the way of events",
            Occasion::SetUpEvents => "To make it",
            Occasion::TryEvents => "To try it out",
            Occasion::TearDownEvents => "To remove it",
        }
    }

    fn words(scope: Scope) -> &'static str {
        match scope {
            Scope::Everything => "`*`",
            Scope::Functions => "functions",
            Scope::AddressAndInterface => "addresses by tag, interfaces by VPC",
            Scope::Queue => "the queue",
            Scope::Queues => "the queue and its dead-letter queue",
            Scope::CheckQueues => "queues `eipd-check-*`",
            Scope::Rule => "the rule",
            Scope::Bus => "the bus",
            Scope::DefaultBus => "the default bus",
            Scope::Roles => "the roles",
        }
    }
}

mod called {
    //! The calls in the source are those of the table.

    use super::*;

    /// A file of the room that calls AWS, without its tests and without white space.
    struct Source {
        path: String,
        code: String,
    }

    fn sources() -> Vec<Source> {
        fn visit(folder: &Path, sources: &mut Vec<Source>) {
            for entry in fs::read_dir(folder).expect("a folder of the repository is readable") {
                let path = entry.expect("an entry is readable").path();
                if path.is_dir() {
                    visit(&path, sources);
                } else if path.extension().is_some_and(|ending| ending == "rs") {
                    let text = read(&path);
                    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
                    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
                    let code = lines.flat_map(str::chars).filter(|letter| !letter.is_whitespace()).collect();
                    sources.push(Source { path: path.display().to_string(), code });
                }
            }
        }
        let mut sources = Vec::new();
        visit(&repository().join("src/aws"), &mut sources);
        assert!(sources.len() > 20, "the room was not found");
        sources
    }

    fn name_at(code: &str) -> &str {
        let end = code.find(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'));
        &code[..end.unwrap_or(code.len())]
    }

    /// `describe_addresses` is DescribeAddresses, and a batch needs the permission of the one.
    fn operation(method: &str) -> String {
        let words = method.strip_suffix("_batch").unwrap_or(method).split('_');
        words.map(|word| word[..1].to_uppercase() + &word[1..]).collect()
    }

    impl Source {
        /// What it calls: the service, empty for any, and the operation.
        fn calls(&self) -> BTreeSet<(&'static str, String)> {
            let mut calls = BTreeSet::new();
            for (client, service) in CLIENTS {
                let wanted = format!("{client}.");
                for (at, _) in self.code.match_indices(&wanted) {
                    let before = self.code[..at].chars().next_back();
                    let is_longer =
                        before.is_some_and(|letter| letter.is_ascii_alphanumeric() || letter == '_');
                    let rest = &self.code[at + wanted.len()..];
                    let method = name_at(rest);
                    // Each operation of these services has a verb and an object.
                    if !is_longer && method.contains('_') && rest[method.len()..].starts_with("()") {
                        calls.insert((service, operation(method)));
                    }
                }
            }
            calls
        }

        /// The actions that it takes from the table.
        fn actions(&self) -> BTreeSet<String> {
            let mut actions = BTreeSet::new();
            for taken in ["Operation::of(\"", "=operation(\""] {
                for (at, _) in self.code.match_indices(taken) {
                    let rest = &self.code[at + taken.len()..];
                    actions.insert(rest.split('"').next().unwrap_or_default().to_owned());
                }
            }
            actions
        }
    }

    #[test]
    fn a_file_calls_what_it_takes_from_the_table_and_nothing_else() {
        for source in sources() {
            let actions = source.actions();
            let calls = source.calls();
            for (service, operation) in &calls {
                let is_taken = actions.iter().any(|action| {
                    let (of, name) = action.split_once(':').expect("service:Name");
                    name == operation && (service.is_empty() || of == *service)
                });
                assert!(is_taken, "{} calls {operation} without Operation::of(\"…\")", source.path);
            }
            for action in &actions {
                let (service, name) = action.split_once(':').expect("service:Name");
                let is_called = calls
                    .iter()
                    .any(|(of, operation)| operation == name && (of.is_empty() || *of == service));
                assert!(is_called, "{} takes {action} from the table and does not call it", source.path);
            }
        }
    }

    #[test]
    fn no_operation_is_made_past_the_table() {
        for source in sources().iter().filter(|source| !source.path.ends_with("src/aws/call.rs")) {
            assert!(!source.code.contains("Operation{name"), "{}: make it by Operation::of", source.path);
        }
    }

    #[test]
    fn no_permission_is_in_vain() {
        let sources = sources();
        let mut called: BTreeSet<String> = sources.iter().flat_map(Source::actions).collect();
        if sources.iter().any(|source| source.code.contains("AssumeRoleProvider::builder(")) {
            called.insert(BY_THE_SDK.to_owned());
        }
        let table: BTreeSet<String> = TABLE.iter().map(|row| row.action.to_owned()).collect();
        assert_eq!(called, table, "src/domain/permissions/table.rs and the calls in src/aws differ");
    }

    #[test]
    fn the_check_can_fail() {
        let source = |code: &str| Source { path: "x.rs".to_owned(), code: code.to_owned() };
        let calls =
            source("target.clients.ec2.describe_addresses().x();self.client.delete_message_batch()").calls();
        assert_eq!(calls, [("", "DeleteMessage".to_owned()), ("ec2", "DescribeAddresses".to_owned())].into());
        assert_eq!(source("events.describe_rule()").calls(), [("events", "DescribeRule".to_owned())].into());
        assert!(source("my_ec2.describe_addresses();self.client.url;self.lambda.take()").calls().is_empty());
        assert_eq!(source("constA:X=operation(\"a:B\");").actions(), ["a:B".to_owned()].into());
    }
}

mod sufficient {
    //! With the actions of a document and no others, eipd does what the document is for; and needs each of them.

    use super::*;

    struct Stage {
        small: Small,
        server: HttpServer,
    }

    impl Stage {
        async fn new() -> Self {
            let small = Small::with(3);
            let moment = Span {
                shortest: std::time::Duration::from_millis(10),
                longest: std::time::Duration::from_millis(50),
            };
            small.sim.set_events(EventWeather { bus_delay: moment, ..EventWeather::delayed(moment) });
            let server = served(&small).await;
            Self { small, server }
        }

        /// Allows what the documents of these names hold, and nothing else.
        fn allow(&self, names: &[&str]) {
            let allowed = actions(names);
            for row in TABLE {
                if allowed.contains(row.action) {
                    self.small.sim.allow(row.action);
                } else {
                    self.small.sim.deny(row.action);
                }
            }
        }

        async fn run(&self, text: &str, line: &[&str], code: i32) {
            let ended = Bench::new(text, &self.server.url()).run(line).await;
            assert_eq!(ended.code(), Some(code), "{line:?}: {}{}", ended.stdout(), ended.stderr());
        }

        /// Every action that was called, none of them in vain.
        fn called(&self) -> BTreeSet<String> {
            assert_eq!(self.small.sim.complaints(), Vec::<String>::new());
            let name = |operation: &str| operation.strip_suffix("Batch").unwrap_or(operation).to_owned();
            self.small.sim.with_journal(|journal| {
                let refused = |code: &str| code.contains("AccessDenied") || code.contains("Unauthorized");
                for entry in journal.entries() {
                    let is_refused = matches!(&entry.ending, eipd_sim::Ending::Error(code) if refused(code));
                    assert!(!is_refused, "{} {} was refused", entry.service, entry.operation);
                }
                let entries = journal.entries().iter();
                entries.map(|entry| format!("{}:{}", entry.service, name(&entry.operation))).collect()
            })
        }
    }

    /// The actions of documents.
    fn actions(names: &[&str]) -> BTreeSet<String> {
        let documents: BTreeMap<&str, &[Occasion]> =
            DOCUMENTS.iter().map(|document| (document.name, document.occasions)).collect();
        let occasions: Vec<Occasion> = names.iter().flat_map(|name| documents[name]).copied().collect();
        let rows = TABLE.iter().filter(|row| row.uses.iter().any(|needed| occasions.contains(&needed.when)));
        rows.map(|row| row.action.to_owned()).collect()
    }

    /// Without what is called only where versions differ.
    fn but_aliases(names: &[&str]) -> BTreeSet<String> {
        actions(names).into_iter().filter(|action| action != "lambda:ListAliases").collect()
    }

    #[tokio::test]
    async fn to_observe_and_to_enforce() {
        let stage = Stage::new().await;
        let text = configuration(&stage.small);
        stage.allow(&["observe"]);
        stage.run(&text, &["plan"], 2).await;
        assert!(stage.called().is_subset(&actions(&["observe"])));
        assert!(but_aliases(&["observe"]).is_subset(&stage.called()), "{:?}", stage.called());
        stage.allow(&["enforce"]);
        stage.run(&text, &["apply"], 0).await;
        assert_eq!(stage.called(), but_aliases(&["enforce"]));
        stage.allow(&["enforce", "take-off"]);
        stage.run(&text, &["drain", "--yes"], 0).await;
        assert_eq!(stage.called(), but_aliases(&["enforce", "take-off"]));
    }

    #[tokio::test]
    async fn to_be_examined() {
        let stage = Stage::new().await;
        let url = stage.small.sim.world(|world| world.queue_url("eipd"));
        let with_events = format!("[events]\nqueue_url = \"{url}\"\n{}", configuration(&stage.small));
        stage.allow(&["events-setup"]);
        stage.run(&with_events, &["events", "setup"], 0).await;
        let all = ["enforce", "take-off", "doctor", "events"];
        stage.allow(&all);
        stage.run(&with_events, &["doctor", "--read-only"], 0).await;
        // To time an event it takes what `events status` does.
        stage.allow(&[&all[..], &["events-setup"]].concat());
        stage.run(&with_events, &["doctor"], 0).await;
        let wanted: BTreeSet<String> =
            [&all[..], &["events-setup"]].concat().iter().flat_map(|name| actions(&[name])).collect();
        assert!(stage.called().is_subset(&wanted));
        for action in but_aliases(&all) {
            assert!(stage.called().contains(&action) || action == "ec2:DisassociateAddress", "{action}");
        }
    }

    #[tokio::test]
    async fn to_set_events_up_and_to_hear_of_them() {
        let stage = Stage::new().await;
        let text = configuration(&stage.small);
        stage.allow(&["events-setup"]);
        for line in [&["events", "setup"][..], &["events", "status"], &["events", "status", "--read-only"]] {
            stage.run(&text, line, 0).await;
        }
        stage.allow(&["enforce", "events"]);
        let url = stage.small.sim.world(|world| world.queue_url("eipd"));
        let with_events = format!("[events]\nqueue_url = \"{url}\"\n{text}");
        let daemon = Running::of(&with_events, &stage.server);
        let sim = &stage.small.sim;
        let heard = daemon.until(|_| sim.calls("DeleteMessageBatch") > 0).await;
        assert!(heard, "the daemon hears of what it did");
        daemon.end().await;
        stage.allow(&["events-setup"]);
        stage.run(&text, &["events", "teardown", "--yes"], 0).await;
        let allowed = actions(&["events-setup", "enforce", "events"]);
        let called = stage.called();
        assert!(called.is_subset(&allowed), "{:?}", called.difference(&allowed));
        // Only where something differs from what was set up; and with `PutRule` and `CreateQueue`, which IAM alone tells.
        let repairs = ["events:TagResource", "sqs:SetQueueAttributes", "sqs:TagQueue"];
        for action in actions(&["events-setup", "events"]) {
            assert!(called.contains(&action) || repairs.contains(&action.as_str()), "{action} is in vain");
        }
    }
}
