//! Texts and the exact faults that they lead to.

use super::{SOUND, faults, sound};

#[test]
fn nothing_to_do_is_one_clear_fault() {
    let nothing =
        " nothing to do: no function is declared; hint: add a [[functions]] table with a `name` and a `pool`";
    for text in
        ["", "\u{feff}", "# nothing\n", "functions = []", "[pools.a]\nallocations = ['eipalloc-0a000001']"]
    {
        assert_eq!(faults(text), nothing, "{text}");
    }
}

#[test]
fn syntax_is_reported_with_every_place() {
    insta::assert_snapshot!(faults("a = \n[pools.x]\nb = 'c\n\u{e4} = 1\n[[functions]\n"), @r#"
    1:5: not valid TOML: string values must be quoted, expected literal string
    3:7: not valid TOML: invalid literal string, expected `'`
    4:1: not valid TOML: invalid unquoted key, expected letters, numbers, `-`, `_`
    5:13: not valid TOML: unclosed array table, expected `]`
    "#);
    insta::assert_snapshot!(faults(&format!("{SOUND}pool = 'x'\n[pools.partner-a]\nmin_spare = 1\n")), @r#"
    7:1: pool: the key is declared twice; hint: remove one, or merge the two
    8:8: partner-a: the key is declared twice; hint: remove one, or merge the two
    "#);
    let many = faults(&"a = \n".repeat(500));
    assert_eq!(many.lines().count(), 21);
    assert!(many.ends_with("\n not valid TOML in 979 more places"), "{many}");
}

#[test]
fn unknown_keys_are_told_with_the_near_one() {
    insta::assert_snapshot!(faults("
poll_interval = '1s'
[safty]
[daemon]
mode = 'observe'
poll_intervall = '1s'
[[targets]]
name = 'a'
regoin = 'eu-west-1'
[pools.a]
allocation = []
[[functions]]
nmae = 'a'
colour = 'red'
"), @r#"
    2:1: poll_interval: unknown key; hint: it belongs to [daemon]
    3:2: safty: unknown key; hint: did you mean `safety`?
    5:1: daemon.mode: unknown key; hint: it belongs to [safety]
    6:1: daemon.poll_intervall: unknown key; hint: did you mean `poll_interval`?
    9:1: targets[0].regoin: unknown key; hint: did you mean `region`?
    10:8: pools.a: the pool has no addresses; hint: add `allocations`, a list such as ["eipalloc-0123456789abcdef0", "198.51.100.7"], or a `tag` that selects them
    11:1: pools.a.allocation: unknown key; hint: did you mean `allocations`?
    12:1: functions[0]: the function has no `name`; hint: add its name, `name:qualifier` or ARN; or a `tag` that selects functions
    12:1: functions[0]: the function has no addresses; hint: name its pool in `pool`, or list them in `allocations`
    13:1: functions[0].nmae: unknown key; hint: did you mean `name`?
    14:1: functions[0].colour: unknown key; hint: known here: `name`, `pool`, `allocations`, `pins`, `versions`, `priority`, `target`, `tag`
    "#);
}

#[test]
fn scalars_are_checked_for_their_type_and_form() {
    insta::assert_snapshot!(faults(&format!("
[daemon]
poll_interval = 60
function_refresh = 'soon'
listen = ':9464'
[events]
queue_url = 'arn:aws:sqs:eu-west-1:111122223333:eipd'
[safety]
mode = 'watch'
max_disruptions_per_pass = -1
rate_share = 0
take_from = 'all'
switchover_grace = '-5m'
on_removed = ['keep']
[notify]
event_bus = 1979-05-27
{SOUND}")), @r#"
    3:17: daemon.poll_interval: expected a duration such as "60s", found the integer 60
    4:20: daemon.function_refresh: expected a duration such as "5m", found the string "soon"
    5:10: daemon.listen: `:9464` is not an address with its port; hint: did you mean `0.0.0.0:9464`?
    7:13: events.queue_url: `arn:aws:sqs:eu-west-1:111122223333:eipd` is the ARN of a queue, not its URL; hint: it is probably `https://sqs.eu-west-1.amazonaws.com/111122223333/eipd`
    9:8: safety.mode: expected "enforce" or "observe", found the string "watch"
    10:28: safety.max_disruptions_per_pass: expected a whole number, zero or more, found the integer -1
    11:14: safety.rate_share: expected a number from 0.05 to 1, found the integer 0
    12:13: safety.take_from: expected "retired" or "nothing", found the string "all"
    13:20: safety.switchover_grace: the duration `-5m` is negative
    14:14: safety.on_removed: expected "keep" or "disassociate", found a list
    16:13: notify.event_bus: expected the name or the ARN of an event bus, found the time 1979-05-27
    "#);
}

#[test]
fn scalars_keep_within_their_bounds() {
    insta::assert_snapshot!(faults(&format!("
[daemon]
poll_interval = '999ms'
function_refresh = '25h'
listen = 'localhost:http'
[events]
queue_url = 'eipd'
[safety]
mode = true
max_disruptions_per_pass = 1.5
rate_share = 1.01
take_from = 99999999999999999999
switchover_grace = '1 day'
{SOUND}")), @r#"
    3:17: daemon.poll_interval: 999ms is shorter than 1s; hint: choose a duration from 1s to 1h
    4:20: daemon.function_refresh: 25h is longer than 24h; hint: choose a duration from 1s to 24h
    5:10: daemon.listen: expected an address with its port such as "127.0.0.1:9464", found the string "localhost:http"
    7:13: events.queue_url: `eipd` is not the URL of a queue; hint: expected a form like `https://sqs.eu-west-1.amazonaws.com/111122223333/eipd`
    9:8: safety.mode: expected "enforce" or "observe", found true
    10:28: safety.max_disruptions_per_pass: expected a whole number, zero or more, found the number 1.5
    11:14: safety.rate_share: expected a number from 0.05 to 1, found the number 1.01
    12:13: safety.take_from: expected "retired" or "nothing", found the integer 99999999999999999999
    13:20: safety.switchover_grace: expected "auto" or a duration such as "60s", found the string "1 day"
    "#);
    for (text, wrong) in [
        ("daemon.poll_interval = '61m'", "1h 1m is longer than 1h; hint: choose a duration from 1s to 1h"),
        (
            "daemon = {poll_interval = '10m', function_refresh = '5m'}",
            "5m is shorter than 10m; hint: choose a duration from 10m to 24h",
        ),
        ("safety.rate_share = 1e-12", "expected a number from 0.05 to 1, found the number 0.000000000001"),
        ("safety.rate_share = nan", "expected a number from 0.05 to 1, found the number NaN"),
        ("safety.rate_share = '0.5'", "expected a number from 0.05 to 1, found the string \"0.5\""),
        ("daemon = 5", "expected a table [daemon], found the integer 5"),
        (
            "daemon.listen = 'localhost:1'",
            "`localhost:1` is not an address with its port; hint: did you mean `127.0.0.1:1`?",
        ),
        ("safety.switchover_grace = '25h'", "25h is longer than 24h; hint: choose a duration from 0s to 24h"),
    ] {
        let told = faults(&format!("{text}\n{SOUND}"));
        assert!(told.ends_with(wrong), "{told}");
    }
}

#[test]
fn ids_are_refused_where_they_stand() {
    insta::assert_snapshot!(faults(r#"
[pools.a]
allocations = ["eipalloc-0a000001", "eni-0a000001", 5,
    "eipalloc-0A000002", "203.0.113.", "eipalloc-0a000001"]
min_spare = -1
[pools.b]
allocations = "eipalloc-0b000001"
min_spare = "two"
[pools.c]
allocations = []
[pools.d]
allocations = ["eipalloc-0d000001"]
min_spare = 2
[pools."e e"]
allocations = ["eipalloc-0e000001"]
[pools.f]
[[functions]]
name = "billing"
pool = "a"
[functions.pins]
"subnet-1" = ["eipalloc-0a000001"]
"eu-west-1a" = ["eipalloc-0a000001"]
"euw1-az1" = ["eipalloc-0b000002", "eipalloc-0a000001"]
"euw1-az2" = "eipalloc-0a000001"
"#), @r#"
    3:37: pools.a.allocations[1]: `eni-0a000001` is not an allocation id; expected `eipalloc-` and 8 to 17 lower-case hexadecimal digits
    3:53: pools.a.allocations[2]: expected an allocation id or a public IPv4 address, found the integer 5
    4:5: pools.a.allocations[3]: `eipalloc-0A000002` is not an allocation id; expected `eipalloc-` and 8 to 17 lower-case hexadecimal digits
    4:26: pools.a.allocations[4]: `203.0.113.` is not an allocation id; expected `eipalloc-` and 8 to 17 lower-case hexadecimal digits; hint: an address is four numbers from 0 to 255 without leading zeros: 198.51.100.7
    4:40: pools.a.allocations[5]: `eipalloc-0a000001` is in the list twice, first at 3:16
    5:13: pools.a.min_spare: expected a whole number, zero or more, found the integer -1
    7:15: pools.b.allocations: expected a list such as ["eipalloc-0123456789abcdef0", "198.51.100.7"], found the string "eipalloc-0b000001"
    8:13: pools.b.min_spare: expected a whole number, zero or more, found the string "two"
    10:15: pools.c.allocations: the list is empty; hint: name at least one allocation
    13:13: pools.d.min_spare: 2 spare addresses of a pool of 1; hint: add allocations to the pool, or lower min_spare
    14:8: pools."e e": `e e` is not a name of a pool; hint: expected 1 to 64 letters, digits, `-`, `_` or `.`
    16:8: pools.f: the pool has no addresses; hint: add `allocations`, a list such as ["eipalloc-0123456789abcdef0", "198.51.100.7"], or a `tag` that selects them
    21:1: functions[0].pins.subnet-1: `subnet-1` is neither a subnet id nor an availability zone id; hint: expected a form like `subnet-0123456789abcdef0` or `euw1-az2`
    22:1: functions[0].pins.eu-west-1a: `eu-west-1a` is neither a subnet id nor an availability zone id; hint: that is a zone's name, which differs between accounts; use its id, such as `euw1-az2`
    23:15: functions[0].pins.euw1-az1[0]: `eipalloc-0b000002` is pinned but not in pool `a`; hint: add it there, or pin one that is
    24:14: functions[0].pins.euw1-az2: expected a list such as ["eipalloc-0123456789abcdef0", "198.51.100.7"], found the string "eipalloc-0a000001"
    "#);
}

#[test]
fn functions_need_a_name_and_one_supply() {
    insta::assert_snapshot!(faults(r#"
functions = [{}, 5, { tag = "a=b" }]
[pools.a]
tag = "eipd:pool=a"
"#), @r#"
    2:14: functions[0]: the function has no `name`; hint: add its name, `name:qualifier` or ARN; or a `tag` that selects functions
    2:14: functions[0]: the function has no addresses; hint: name its pool in `pool`, or list them in `allocations`
    2:18: functions[1]: expected a table [[functions]], found the integer 5
    2:21: functions[2]: the function has no addresses; hint: name its pool in `pool`, or list them in `allocations`
    "#);
    insta::assert_snapshot!(faults(r#"
[pools.partner-a]
allocations = ["eipalloc-0a000001"]
[pools.same]
allocations = ["eipalloc-0a000002"]
[[functions]]
name = "one"
pool = "partner-b"
[[functions]]
name = "two"
pool = "partner-a"
allocations = ["eipalloc-0a000003"]
[[functions]]
name = "same"
allocations = ["eipalloc-0a000004"]
[[functions]]
name = 7
pool = "zzz"
[[functions]]
name = "111122223333:function:billing"
pool = ["partner-a"]
[[functions]]
name = "a_rather_long_name_of_a_function:with_a_rather_long_alias_behind_it"
allocations = ["eipalloc-0a000005"]
[[functions]]
name = "arn:aws:lambda:cn-north-1:111122223333:function:billing"
pool = "partner-a"
"#), @r#"
    8:8: functions[0].pool: pool `partner-b` is not declared; hint: did you mean `partner-a`?
    12:15: functions[1].allocations: the function has both `pool` and `allocations`; hint: keep one of the two
    14:8: functions[2].name: the function's `allocations` form a pool `same`, which is also declared at 4:8; hint: name it with pool = "same", or rename the declared pool
    17:8: functions[3].name: expected a function's name, `name:qualifier` or ARN, found the integer 7
    18:8: functions[3].pool: pool `zzz` is not declared; hint: declare it as a table [pools.zzz]
    20:8: functions[4].name: `111122223333:function:billing` is a part of an ARN; hint: write the whole ARN, or the name `billing` alone
    21:8: functions[4].pool: expected the name of a pool, found a list
    23:8: functions[5].name: `a_rather_long_name_of_a_function.with_a_rather_long_alias_behind_it` is too long for the pool that the function's `allocations` form; hint: declare a pool with a shorter name, and name it in `pool`
    26:8: functions[6].name: `arn:aws:lambda:cn-north-1:111122223333:function:billing` is not the ARN of a function: the region `cn-north-1` does not lie in the partition `aws`; hint: expected `arn:aws:lambda:REGION:ACCOUNT:function:NAME`, or the same with `:QUALIFIER`
    "#);
}

#[test]
fn an_address_has_one_role() {
    insta::assert_snapshot!(faults(r#"
[pools.b]
allocations = ["eipalloc-0a000001", "eipalloc-0a000002"]
[pools.a]
allocations = ["eipalloc-0a000002", "eipalloc-0a000003"]
[[functions]]
name = "billing"
allocations = ["eipalloc-0a000003", "eipalloc-0a000004", "eipalloc-0a000004"]
[[functions]]
name = "reports"
allocations = ["eipalloc-0a000004"]
"#), @r#"
    5:16: pools.a.allocations[0]: `eipalloc-0a000002` is in two roles: it already belongs to pool `b` at 3:37; hint: leave it in one of the two; functions may share a pool
    8:16: functions[0].allocations[0]: `eipalloc-0a000003` is in two roles: it already belongs to pool `a` at 5:37; hint: leave it in one of the two; functions may share a pool
    8:58: functions[0].allocations[2]: `eipalloc-0a000004` is in the list twice, first at 8:37
    11:16: functions[1].allocations[0]: `eipalloc-0a000004` is in two roles: it already belongs to function `billing` at 8:37; hint: leave it in one of the two; functions may share a pool
    "#);
}

#[test]
fn a_function_is_declared_once() {
    insta::assert_snapshot!(faults(&format!("{SOUND}
[[functions]]
name = 'arn:aws:lambda:eu-west-1:111122223333:function:billing'
pool = 'partner-a'
[[functions]]
name = 'billing:$LATEST'
pool = 'partner-a'
[[functions]]
name = 'billing:live'
pool = 'partner-a'
")), @r#"
    9:8: functions[1].name: function `billing` is declared twice, first at 5:8; hint: merge the two tables
    12:8: functions[2].name: function `billing` is declared twice, first at 5:8; hint: merge the two tables
    "#);
}

#[test]
fn targets_are_checked_by_themselves() {
    insta::assert_snapshot!(faults(&format!("{SOUND}
[[targets]]
region = 'eu-west-1a'
[[targets]]
name = 'a b'
region = 5
role_arn = 'eipd'
[[targets]]
name = 'a'
external_id = 'x y'
[[targets]]
name = 'a'
region = 'Ireland'
external_id = 'eipd'
[[targets]]
name = 'b'
region = 'eu-west-1'
[[targets]]
name = 'c'
region = 'eu-west-1'
")), @r#"
    2:8: pools.partner-a: the pool names no target, and there are several; hint: add target = "a" or target = "b" or target = "c"
    8:1: targets[0]: the target has no `name`; hint: add name = "prod-eu"
    9:10: targets[0].region: `eu-west-1a` is not a region; hint: that is an availability zone; did you mean `eu-west-1`?
    11:8: targets[1].name: `a b` is not a name of a target; expected 1 to 64 letters, digits, `-`, `_` or `.`
    12:10: targets[1].region: expected a region such as "eu-west-1", found the integer 5
    13:12: targets[1].role_arn: `eipd` is not the ARN of a role; hint: expected a form like `arn:aws:iam::111122223333:role/eipd`
    16:15: targets[2].external_id: `x y` is not an external id; hint: expected 2 to 1224 letters, digits or any of `+=,.@:/_-`, as in the role's trust policy
    16:15: targets[2].external_id: an external id without a role; hint: add role_arn, or remove external_id
    18:8: targets[3].name: the target `a` is declared twice, first at 15:8
    19:10: targets[3].region: `Ireland` is not a region; hint: expected a form like `eu-west-1`
    20:15: targets[3].external_id: an external id without a role; hint: add role_arn, or remove external_id
    24:1: targets[5]: the same region and role as the target at 21:1; hint: merge the two targets
    "#);
}

#[test]
fn several_targets_ask_for_their_names() {
    insta::assert_snapshot!(faults(r#"
[[targets]]
name = "eu"
region = "eu-west-1"
role_arn = "arn:aws:iam::111122223333:role/eipd"
[[targets]]
name = "us"
region = "us-east-1"
[pools.a]
allocations = ["eipalloc-0a000001"]
[pools.b]
allocations = ["eipalloc-0a000002"]
target = "uss"
[pools.c]
allocations = ["eipalloc-0a000003"]
target = "eu"
[[functions]]
name = "one"
allocations = ["eipalloc-0a000004"]
[[functions]]
name = "two"
pool = "c"
target = "us"
[[functions]]
name = "arn:aws:lambda:us-east-1:111122223333:function:three"
pool = "c"
[[functions]]
name = "arn:aws:lambda:eu-west-1:444455556666:function:four"
pool = "c"
"#), @r#"
    9:8: pools.a: the pool names no target, and there are several; hint: add target = "eu" or target = "us"
    13:10: pools.b.target: target `uss` is not declared; hint: did you mean `us`?
    17:1: functions[0]: the function names no target, and there are several; hint: add target = "eu" or target = "us"
    23:10: functions[1].target: the function's pool `c` lives in target `eu`, not in `us`; hint: remove this key: a function lives where its pool does
    25:8: functions[2].name: the ARN is of region `us-east-1`, and its target `eu` at 4:10 of `eu-west-1`; hint: correct one of the two, or give the function to another target
    28:8: functions[3].name: the ARN is of account `444455556666`, and the role of its target `eu` at 5:12 of `111122223333`; hint: correct one of the two, or give the function to another target
    "#);
}

#[test]
fn arns_agree_even_where_no_target_is_declared() {
    insta::assert_snapshot!(faults(&format!("{SOUND}target = 'prod'
[[functions]]
name = 'arn:aws:lambda:eu-west-1:111122223333:function:one'
pool = 'partner-a'
[[functions]]
name = 'arn:aws:lambda:eu-west-2:111122223333:function:two'
pool = 'partner-a'
")), @r#"
    7:10: functions[0].target: the function's pool `partner-a` lives in target `default`, not in `prod`; hint: remove this key: a function lives where its pool does
    12:8: functions[2].name: the ARN is of region `eu-west-2`, and the function at 9:8 of `eu-west-1`; hint: correct one of the two, or give the function to another target
    "#);
    let configuration = sound(&format!(
        "{SOUND}[[functions]]
name = 'arn:aws:lambda:eu-west-1:111122223333:function:one'
pool = 'partner-a'
"
    ));
    let stated = &configuration.targets[0].stated;
    assert_eq!(stated.region.as_deref(), Some("eu-west-1"));
    assert_eq!(stated.account.as_ref().map(ToString::to_string).as_deref(), Some("111122223333"));
}

#[test]
fn versions_and_bystanders_know_few_words_and_a_qualifier_says_it_all() {
    insta::assert_snapshot!(
        faults(
            "
[safety]
bystanders = 'refuse'
[pools.a]
allocations = ['eipalloc-0a000001']
bystanders = 'denny'
[[functions]]
name = 'one'
pool = 'a'
versions = 'lates'
[[functions]]
name = 'two:live'
pool = 'a'
versions = 'all'
[[functions]]
name = 'three'
pool = 'a'
versions = 7
"
        ),
        @r#"
    3:14: safety.bystanders: expected "report" or "deny", found the string "refuse"
    6:14: pools.a.bystanders: expected "report" or "deny", found the string "denny"; hint: did you mean `deny`?
    10:12: functions[0].versions: expected "live", "all" or "latest", found the string "lates"; hint: did you mean `latest`?
    14:12: functions[1].versions: `two:live` names its version already: `live`; hint: remove this key, or the qualifier from the name
    18:12: functions[2].versions: expected "live", "all" or "latest", found the integer 7
    "#
    );
}

#[test]
fn a_priority_is_a_whole_number_within_bounds() {
    let table = |name: &str, priority: &str| {
        format!("[[functions]]\nname = '{name}'\npool = 'partner-a'\npriority = {priority}\n")
    };
    let wrong = ["'high'", "1.5", "1001", "-1_001", "0xFFFF_FFFF_FFFF_FFFF", "[1]"];
    let tables = wrong.iter().enumerate().map(|(n, priority)| table(&format!("f{n}"), priority));
    let misspelt = "[[functions]]\nname = 'g'\npool = 'partner-a'\npriorty = 1\n".to_owned();
    let text = tables.chain([misspelt]).collect::<String>();
    insta::assert_snapshot!(faults(&format!("{SOUND}{text}")), @r#"
    10:12: functions[1].priority: expected a whole number from -1000 to 1000, found the string "high"
    14:12: functions[2].priority: expected a whole number from -1000 to 1000, found the number 1.5
    18:12: functions[3].priority: expected a whole number from -1000 to 1000, found the integer 1001
    22:12: functions[4].priority: expected a whole number from -1000 to 1000, found the integer -1001
    26:12: functions[5].priority: expected a whole number from -1000 to 1000, found the integer 0xFFFFFFFFFFFFFFFF
    30:12: functions[6].priority: expected a whole number from -1000 to 1000, found a list
    34:1: functions[7].priorty: unknown key; hint: did you mean `priority`?
    "#);
}
