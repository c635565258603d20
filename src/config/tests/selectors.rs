//! Functions and addresses by tag, and public addresses in the place of allocations: what they lead to, and the faults.

use super::{faults, sound};
use crate::domain::declared::Which;

fn declared(text: &str) -> String {
    let declared = &sound(text).targets[0].declared;
    let pools = declared.pools.iter().map(|(name, pool)| {
        let listed: Vec<String> = pool.addresses.iter().map(ToString::to_string).collect();
        let tag = pool.tag.as_ref().map(ToString::to_string).unwrap_or_default();
        format!("pool {name}: [{}] {tag}", listed.join(" "))
    });
    let functions = declared.functions.iter().map(|functions| match &functions.which {
        Which::Named(function) => format!("{function} from {}", functions.pool),
        Which::Tagged(tag) => format!("tagged {tag} from {}", functions.pool),
    });
    pools.chain(functions).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_table_selects_by_tag_or_by_name_and_a_list_holds_ids_and_public_addresses() {
    insta::assert_snapshot!(declared(r#"
[pools.a]
tag = "eipd:pool=partner-a"
[pools.b]
tag = "eipd:pool=partner=b"
allocations = ["198.51.100.7", "eipalloc-0a000001"]
min_spare = 5
[[functions]]
tag = "team=billing"
pool = "a"
[[functions]]
tag = "eipd:pool=c"
allocations = ["198.51.100.8"]
[[functions]]
name = "reports"
pool = "b"
pins = { euw1-az1 = ["198.51.100.99"] }
"#), @r#"
    pool a: [] eipd:pool=partner-a
    pool b: [eipalloc-0a000001 198.51.100.7] eipd:pool=partner=b
    pool eipd_pool_c: [198.51.100.8] 
    tagged team=billing from a
    tagged eipd:pool=c from eipd_pool_c
    reports from b
    "#);
}

#[test]
fn what_is_no_tag_is_told_with_what_would_be_right() {
    let (key, value) = ("k".repeat(129), "v".repeat(257));
    insta::assert_snapshot!(faults(&format!(r#"
[pools.a]
tag = "partner-a"
[pools.b]
tag = 7
[pools.c]
tag = "aws:cloudformation:stack-name=x"
[[functions]]
tag = "=partner-a"
pool = "a"
[[functions]]
tag = "{key}=v"
pool = "a"
[[functions]]
tag = "k={value}"
pool = "a"
[[functions]]
name = "billing"
tag = "team=x"
pool = "a"
[[functions]]
pool = "a"
"#)), @r#"
    3:7: pools.a.tag: `partner-a` is not a tag: it has no `=`; hint: write key and value, a tag such as "eipd:pool=partner-a"
    5:7: pools.b.tag: expected a tag such as "eipd:pool=partner-a", found the integer 7
    7:7: pools.c.tag: `aws:cloudformation:stack-name=x` is not a tag: its key begins with `aws:`; hint: AWS alone sets such tags; select by a tag of your own, such as "eipd:pool=partner-a"
    9:7: functions[0].tag: `=partner-a` is not a tag: its key is empty; hint: a key stands before the first `=`: a tag such as "eipd:pool=partner-a"
    12:7: functions[1].tag: `kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk…` is not a tag: its key has 129 characters, and AWS allows 128; hint: no resource can have such a tag; check what stands here
    15:7: functions[2].tag: `k=vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv…` is not a tag: its value has 257 characters, and AWS allows 256; hint: no resource can have such a tag; check what stands here
    19:7: functions[3].tag: the function has both `name` and `tag`; hint: keep one of the two, or make a table of each: a name wins over a tag
    21:1: functions[4]: the function has no `name`; hint: add its name, `name:qualifier` or ARN; or a `tag` that selects functions
    "#);
}

#[test]
fn what_is_no_public_address_is_told_with_what_would_be_right() {
    insta::assert_snapshot!(faults(r#"
[pools.a]
allocations = [
  "2001:db8::1", "10.0.0.1", "172.16.0.1", "100.64.0.1", "127.0.0.1", "169.254.1.1", "224.0.0.1", "255.255.255.255",
  "0.0.0.0", "198.51.100.7/32", "198.51.100.0/24", "198.51.100", "198.51.100.007", "198.51.100.9", "198.51.100.9",
]
[[functions]]
name = "billing"
pool = "a"
"#), @r#"
    4:3: pools.a.allocations[0]: `2001:db8::1` is an IPv6 address; hint: Elastic IPs are IPv4 addresses
    4:18: pools.a.allocations[1]: `10.0.0.1` is a private address, and no Elastic IP; hint: name the Elastic IP itself, by its public address or its allocation id
    4:30: pools.a.allocations[2]: `172.16.0.1` is a private address, and no Elastic IP; hint: name the Elastic IP itself, by its public address or its allocation id
    4:44: pools.a.allocations[3]: `100.64.0.1` is an address of carriers' own networks, and no Elastic IP; hint: name the Elastic IP itself, by its public address or its allocation id
    4:58: pools.a.allocations[4]: `127.0.0.1` is an address of the machine itself, and no Elastic IP; hint: name the Elastic IP itself, by its public address or its allocation id
    4:71: pools.a.allocations[5]: `169.254.1.1` is a link-local address, and no Elastic IP; hint: name the Elastic IP itself, by its public address or its allocation id
    4:86: pools.a.allocations[6]: `224.0.0.1` is a multicast address, and no Elastic IP; hint: name the Elastic IP itself, by its public address or its allocation id
    4:99: pools.a.allocations[7]: `255.255.255.255` is a reserved address, and no Elastic IP; hint: name the Elastic IP itself, by its public address or its allocation id
    5:3: pools.a.allocations[8]: `0.0.0.0` is an address of no host, and no Elastic IP; hint: name the Elastic IP itself, by its public address or its allocation id
    5:14: pools.a.allocations[9]: `198.51.100.7/32` is not an allocation id; expected `eipalloc-` and 8 to 17 lower-case hexadecimal digits; hint: write the address alone, `198.51.100.7`
    5:33: pools.a.allocations[10]: `198.51.100.0/24` is not an allocation id; expected `eipalloc-` and 8 to 17 lower-case hexadecimal digits; hint: write each address by itself; ranges are not read
    5:52: pools.a.allocations[11]: `198.51.100` is not an allocation id; expected `eipalloc-` and 8 to 17 lower-case hexadecimal digits; hint: an address is four numbers from 0 to 255 without leading zeros: 198.51.100.7
    5:66: pools.a.allocations[12]: `198.51.100.007` is not an allocation id; expected `eipalloc-` and 8 to 17 lower-case hexadecimal digits; hint: an address is four numbers from 0 to 255 without leading zeros: 198.51.100.7
    5:100: pools.a.allocations[14]: `198.51.100.9` is in the list twice, first at 5:84
    "#);
}

#[test]
fn an_address_and_a_tag_have_one_role_each() {
    insta::assert_snapshot!(faults(r#"
[pools.a]
allocations = ["198.51.100.7"]
tag = "eipd:pool=x"
[pools.b]
allocations = ["198.51.100.7"]
[pools.c]
tag = "eipd:pool=x"
[[functions]]
tag = "team=x"
pool = "a"
[[functions]]
tag = "team=x"
pool = "b"
[[functions]]
tag = "team=y"
allocations = ["198.51.100.8"]
[[functions]]
name = "team_y"
allocations = ["198.51.100.9"]
[[functions]]
tag = "a=a_rather_long_value_of_a_tag_that_would_name_a_pool_of_its_own_too"
allocations = ["198.51.100.10"]
"#), @r#"
    6:16: pools.b.allocations[0]: `198.51.100.7` is in two roles: it already belongs to pool `a` at 3:16; hint: leave it in one of the two; functions may share a pool
    8:7: pools.c.tag: tag `eipd:pool=x` is in two roles: it already selects the addresses of pool `a` at 2:8; hint: leave it in one of the two; functions may share a pool
    13:7: functions[1].tag: the functions tagged `team=x` are declared twice, first at 10:7; hint: merge the two tables
    19:8: functions[3].name: the function's `allocations` form a pool `team_y`, as do those of the functions tagged `team=y` at 16:7; hint: declare a pool with a name of its own, and name it in `pool`
    22:7: functions[4].tag: `a_a_rather_long_value_of_a_tag_that_would_name_a_pool_of_its_own_too` is too long for the pool that the function's `allocations` form; hint: declare a pool with a shorter name, and name it in `pool`
    "#);
}

#[test]
fn what_shows_only_in_aws_is_no_fault() {
    let pinned = |listed: &str, pin: &str| {
        faults(&format!(
            "[pools.a]\n{listed}\n[[functions]]\nname = 'f'\npool = 'a'\npins = {{ euw1-az1 = ['{pin}'] }}\n"
        ))
    };
    for (listed, pin) in [
        ("allocations = ['eipalloc-0a000001']", "198.51.100.7"),
        ("allocations = ['198.51.100.7']", "eipalloc-0a000001"),
        ("tag = 'k=v'", "eipalloc-0a000001"),
        ("tag = 'k=v'\nallocations = ['198.51.100.7']\nmin_spare = 9", "198.51.100.8"),
    ] {
        assert_eq!(pinned(listed, pin), "no fault", "{listed}");
    }
    for (listed, pin) in [
        ("allocations = ['eipalloc-0a000001']", "eipalloc-0a000002"),
        ("allocations = ['198.51.100.7']", "198.51.100.8"),
    ] {
        assert!(pinned(listed, pin).contains("is pinned but not in pool `a`"), "{listed}");
    }
    let many =
        "[pools.a]\nallocations = ['198.51.100.7']\nmin_spare = 2\n[[functions]]\nname = 'f'\npool = 'a'\n";
    assert!(faults(many).contains("2 spare addresses of a pool of 1"), "{}", faults(many));
}
