//! What texts and variables lead to: settings, targets, notes. `faulty` has the faults, `selectors`
//! what tags and public addresses lead to.

mod faulty;
mod selectors;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::domain::desired::PinPlace;
use crate::domain::policy::{BystanderPolicy, DisruptionBudget, Mode};
use crate::domain::versions::Versions;

/// A valid pool and function, to which a test adds what it is about.
const SOUND: &str = "
[pools.partner-a]
allocations = [\"eipalloc-0a000001\", \"eipalloc-0a000002\"]
[[functions]]
name = \"billing\"
pool = \"partner-a\"
";

fn inline(text: &str, variables: &[(&str, &str)]) -> Result<Configuration, Faults> {
    let environment = variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    load(&Source::Inline(text.to_owned()), &environment)
}

fn sound(text: &str) -> Configuration {
    inline(text, &[]).unwrap_or_else(|faults| panic!("{faults}"))
}

/// The faults of a text, one line each, without the name of their source.
fn faults(text: &str) -> String {
    told(inline(text, &[]))
}

fn told(loaded: Result<Configuration, Faults>) -> String {
    match loaded {
        Ok(_) => "no fault".to_owned(),
        Err(faults) => faults.to_string().replace("EIPD_CONFIG_INLINE:", ""),
    }
}

fn examples() -> Vec<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("config");
    let entries = fs::read_dir(folder).expect("the folder of the examples");
    entries.map(|entry| entry.expect("a readable folder").path()).collect()
}

#[test]
fn every_example_is_valid() {
    let examples = examples();
    assert!(!examples.is_empty(), "the folder of the examples");
    for path in examples {
        let loaded = load(&Source::File(path), &BTreeMap::new());
        let configuration = loaded.unwrap_or_else(|faults| panic!("{faults}"));
        assert!(configuration.targets.iter().all(|target| !target.declared.functions.is_empty()));
        assert_eq!(configuration.notes, Vec::<String>::new(), "no example has a key without effect");
    }
}

#[test]
fn the_full_example_shows_the_defaults() {
    let full =
        examples().into_iter().find(|path| path.ends_with("full.toml")).expect("there is a full example");
    let full = load(&Source::File(full), &BTreeMap::new()).unwrap_or_else(|faults| panic!("{faults}"));
    let queue_url = Some("https://sqs.eu-west-1.amazonaws.com/111122223333/eipd".to_owned());
    let event_bus = Some("default".to_owned());
    assert_eq!(full.settings, super::settings::Settings { queue_url, event_bus, ..sound(SOUND).settings });
    assert_eq!(full.notes, Vec::<String>::new());
}

#[test]
fn what_is_in_force_is_told_key_by_key() {
    let told = |text: &str, variables: &[(&str, &str)]| {
        let loaded = inline(text, variables).unwrap_or_else(|faults| panic!("{faults}"));
        loaded.told.into_iter().collect::<std::collections::BTreeMap<_, _>>()
    };
    let text = format!("[daemon]\npoll_interval = \"10m\"\n[safety]\nrate_share = 0.25\n{SOUND}");
    let told = told(&text, &[("EIPD__SAFETY__MODE", "observe")]);
    for (key, value) in [
        ("daemon.poll_interval", "10m"),
        ("daemon.function_refresh", "10m"),
        ("daemon.listen", "127.0.0.1:9464"),
        ("safety.mode", "observe"),
        ("safety.rate_share", "0.25"),
        ("safety.max_disruptions_per_hour", "20"),
    ] {
        assert_eq!(told.get(key).map(String::as_str), Some(value), "{key}");
    }
    assert!(!told.contains_key("events.queue_url"), "what is absent is not told");
}

#[test]
fn the_shape_of_the_contract_is_accepted() {
    let configuration = sound(
        r#"
        [daemon]
        poll_interval = "60s"
        function_refresh = "5m"
        listen = "127.0.0.1:9464"
        [safety]
        mode = "enforce"
        rate_share = 0.5
        [[targets]]
        name = "prod-eu"
        region = "eu-west-1"
        role_arn = "arn:aws:iam::111122223333:role/eipd"
        [pools.partner-a]
        allocations = ["eipalloc-0a0000000000000aa", "eipalloc-0b0000000000000bb"]
        min_spare = 1
        target = "prod-eu"
        [[functions]]
        name = "billing"
        pool = "partner-a"
        pins = { "subnet-0a0000000000000aa" = ["eipalloc-0a0000000000000aa"] }
        "#,
    );
    assert_eq!(configuration.notes, Vec::<String>::new());
    let [target] = &configuration.targets[..] else { panic!("one target is declared") };
    assert_eq!(target.region.as_deref(), Some("eu-west-1"));
    let (pool, function) = (
        target.declared.pools.values().next().expect("a pool"),
        target.declared.functions.first().expect("a function"),
    );
    assert_eq!((pool.addresses.len(), pool.min_spare), (2, 1));
    let pin = PinPlace::Subnet("subnet-0a0000000000000aa".parse().expect("a subnet id"));
    assert_eq!(function.pins[&pin].len(), 1);
}

#[test]
fn names_keep_their_case_and_are_never_taken_for_numbers() {
    let configuration = sound(
        "[pools.0123]\nallocations = ['eipalloc-0a000001']\n[pools.'Partner.B']\nallocations = ['eipalloc-0a000002']\n\
         [[functions]]\nname = '007'\npool = '0123'\n[[functions]]\nname = 'Billing'\npool = 'Partner.B'\n",
    );
    let declared = &configuration.targets[0].declared;
    assert_eq!(declared.pools.keys().map(ToString::to_string).collect::<Vec<_>>(), ["0123", "Partner.B"]);
    assert_eq!(declared.named().map(ToString::to_string).collect::<Vec<_>>(), ["007", "Billing"]);
}

#[test]
fn scalars_are_read_and_the_default_refresh_follows_a_slow_poll() {
    let settings = sound(&format!(
        "[daemon]\npoll_interval = '1h'\nlisten = '[::1]:80'\n[safety]\nmode = 'observe'\nrate_share = 1\n{SOUND}"
    ))
    .settings;
    assert_eq!(settings.poll_interval, Duration::from_secs(3600));
    assert_eq!(settings.function_refresh, Duration::from_secs(3600));
    assert_eq!(settings.listen.to_string(), "[::1]:80");
    assert_eq!(settings.mode, Mode::Observe);
    assert!((settings.rate_share.get() - 1.0).abs() < f64::EPSILON);
}

#[test]
fn variables_override_scalars_and_nothing_else() {
    let text = format!("[daemon]\npoll_interval = '30s'\n{SOUND}");
    let variables = [
        ("EIPD_LOG", "debug"),
        ("EIPD_CONFIG", "other.toml"),
        ("EIPD__DAEMON__POLL_INTERVAL", "2s"),
        ("EIPD__SAFETY__RATE_SHARE", "0.25"),
        ("EIPD__SAFETY__MODE", "observe"),
        ("EIPD__SAFETY__MAX_DISRUPTIONS_PER_PASS", "3"),
    ];
    let configuration = inline(&text, &variables).unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!(configuration.settings.poll_interval, Duration::from_secs(2));
    assert!((configuration.settings.rate_share.get() - 0.25).abs() < f64::EPSILON);
    assert_eq!(configuration.settings.mode, Mode::Observe);
    assert_eq!(configuration.settings.disruptions, DisruptionBudget { per_pass: 3, per_hour: 20 });

    let wrong = [
        ("EIPD__DAEMON__LISTEN", "9464"),
        ("EIPD__DAEMON__POLL", "1s"),
        ("EIPD__POOLS__PARTNER_A__MIN_SPARE", "1"),
        ("EIPD__SAFETY__RATE_SHARE", ""),
        ("EIPD__daemon__poll_interval", "1s"),
    ];
    insta::assert_snapshot!(told(inline(&text, &wrong)), @r#"
    EIPD__DAEMON__POLL: overrides no key; hint: did you mean `EIPD__DAEMON__POLL_INTERVAL`?
    EIPD__POOLS__PARTNER_A__MIN_SPARE: overrides no key; hint: only keys of daemon, events, safety, notify can be overridden
    EIPD__daemon__poll_interval: overrides no key; hint: did you mean `EIPD__DAEMON__POLL_INTERVAL`?
    EIPD__DAEMON__LISTEN: daemon.listen: expected an address with its port such as "127.0.0.1:9464", found the string "9464"
    EIPD__SAFETY__RATE_SHARE: safety.rate_share: expected a number from 0.05 to 1, found the string ""
    "#);
    // What is overridden is not looked at, as with any later word.
    assert!(
        inline(&format!("[daemon]\nlisten = 'x'\n{SOUND}"), &[("EIPD__DAEMON__LISTEN", "[::]:1")]).is_ok()
    );
}

#[test]
fn what_lies_idle_is_noted() {
    let configuration = sound(&format!(
        "[[targets]]\nname = 'a'\n[[targets]]\nname = 'b'\nregion = 'eu-west-1'\n[pools.spare]\n\
         allocations = ['eipalloc-0b000001']\ntarget = 'a'\n{}",
        SOUND.replace("[pools.partner-a]", "[pools.partner-a]\ntarget = 'a'")
    ));
    insta::assert_snapshot!(configuration.notes.join("\n"), @r#"
    EIPD_CONFIG_INLINE:6:8: pool `spare` serves no function
    target `b` has no functions
    "#);
    assert_eq!(
        configuration.targets.iter().map(|target| target.name.as_str()).collect::<Vec<_>>(),
        ["a", "b"]
    );
}

#[test]
fn a_text_that_nests_as_deep_as_it_may_does_no_harm() {
    let key = format!("{}a", "a.".repeat(78));
    let deep = format!("{}x = 1{}\n", format!("{key} = {{").repeat(78), "}".repeat(78));
    let told = faults(&format!("[{key}]\n{deep}{deep}"));
    assert!(told.contains("a: unknown key") || told.contains("declared twice"), "{told}");
    for text in ["[".repeat(100_000), "{a=".repeat(20_000), "a.".repeat(100_000), "a=[".repeat(20_000)] {
        assert!(faults(&text).contains("not valid TOML") || faults(&text).contains("too many parts"));
    }
}

proptest! {
    #[test]
    fn no_text_ends_the_process(text in any::<String>()) {
        let _ = inline(&text, &[]);
    }

    #[test]
    fn no_bytes_end_the_process(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let file = tempfile::NamedTempFile::new().expect("a file for the test");
        fs::write(file.path(), bytes).expect("the file is writable");
        let _ = load(&Source::File(file.path().into()), &BTreeMap::new());
    }

    /// Words of the language in any order reach deeper than arbitrary text.
    #[test]
    fn no_mixture_of_sound_parts_ends_the_process(parts in proptest::collection::vec(part(), 0..40)) {
        let told = faults(&parts.concat());
        prop_assert!(!told.is_empty());
    }

    #[test]
    fn no_value_of_a_variable_ends_the_process(value in any::<String>(), name in "EIPD__[A-Z_]{0,20}") {
        for name in [name.as_str(), "EIPD__DAEMON__LISTEN", "EIPD__SAFETY__RATE_SHARE", "EIPD__EVENTS__QUEUE_URL"] {
            let _ = inline(SOUND, &[(name, &value)]);
        }
    }
}

fn part() -> impl Strategy<Value = String> {
    let words = [
        "[daemon]\n",
        "[safety]\n",
        "[[targets]]\n",
        "[[functions]]\n",
        "[pools.a]\n",
        "[pools.b]\n",
        "[pools]\n",
        "name = ",
        "pool = ",
        "allocations = ",
        "pins = ",
        "target = ",
        "region = ",
        "role_arn = ",
        "min_spare = ",
        "mode = ",
        "poll_interval = ",
        "\"a\"\n",
        "\"b\"\n",
        "[\"eipalloc-0a000001\"]\n",
        "{ euw1-az1 = [] }\n",
        "tag = ",
        "\"a=b\"\n",
        "[\"198.51.100.7\"]\n",
        "7\n",
        "\"60s\"\n",
        "[",
        "]",
        "{",
        "}",
        "\"",
        "\n",
        ",",
        "= ",
        "\u{e4}",
        "1979-05-27\n",
        "inf\n",
        "\"arn:aws:lambda:eu-west-1:111122223333:function:a\"\n",
    ];
    proptest::sample::select(words.to_vec()).prop_map(str::to_owned)
}

#[test]
fn bystanders_and_versions_are_as_said_for_all_or_for_one() {
    let text = "
[safety]
bystanders = 'deny'
[pools.a]
allocations = ['eipalloc-0a000001']
[pools.b]
allocations = ['eipalloc-0a000002']
bystanders = 'report'
[[functions]]
name = 'one'
pool = 'a'
[[functions]]
name = 'two'
pool = 'b'
versions = 'all'
[[functions]]
name = 'three'
allocations = ['eipalloc-0a000003']
versions = 'latest'
";
    let policies = |variables| {
        let configuration = inline(text, variables).unwrap_or_else(|faults| panic!("{faults}"));
        let declared = &configuration.targets[0].declared;
        let versions: Vec<Versions> = declared.functions.iter().map(|function| function.versions).collect();
        assert_eq!(versions, [Versions::Live, Versions::All, Versions::Latest]);
        declared.pools.values().map(|pool| pool.bystanders).collect::<Vec<_>>()
    };
    use BystanderPolicy::{Deny, Report};
    assert_eq!(policies(&[]), [Deny, Report, Deny]);
    assert_eq!(policies(&[("EIPD__SAFETY__BYSTANDERS", "report")]), [Report, Report, Report]);
}

#[test]
fn a_priority_is_of_its_table_alone() {
    let table = |which: &str, rest: &str| format!("[[functions]]\n{which}\npool = 'partner-a'\n{rest}\n");
    let text = [
        SOUND.to_owned(),
        table("name = 'urgent'", "priority = 1000"),
        table("name = 'patient'", "priority = -1_6"),
        table("tag = 'team=a'", "priority = +1_0"),
    ]
    .concat();
    let declared = &sound(&text).targets[0].declared;
    let priorities: Vec<String> =
        declared.functions.iter().map(|function| function.priority.to_string()).collect();
    assert_eq!(priorities, ["0", "1000", "-16", "10"]);
}
