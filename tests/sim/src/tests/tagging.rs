//! GetResources over its wire, and the filters of DescribeAddresses by tag.

use super::*;
use crate::{NewFunction, World};
use serde_json::{Value, json};

fn resources(body: &Value) -> Request {
    json_call("tagging", "ResourceGroupsTaggingAPI_20170126.GetResources", body)
}

fn asked(filters: &Value, most: i64, token: &str) -> Request {
    resources(&json!({
        "ResourceTypeFilters": ["lambda:function"], "TagFilters": filters, "ResourcesPerPage": most,
        "PaginationToken": token,
    }))
}

fn names(answer: &Value) -> Vec<String> {
    let items = answer["ResourceTagMappingList"].as_array().expect("a list");
    let name = |item: &Value| item["ResourceARN"].as_str()?.rsplit(':').next().map(str::to_owned);
    items.iter().filter_map(name).collect()
}

fn tagged() -> Sim {
    let sim = Sim::new(WorldConfig::default());
    sim.world(|world: &mut World| {
        for (name, key, value) in
            [("a", "team", "x"), ("b", "team", "y"), ("c", "zone", "1"), ("d", "team", "x")]
        {
            world.create_active(&NewFunction::new(name, None));
            world.tag_function(name, key, value);
        }
        world.tag_function("d", "zone", "1");
        world.create_active(&NewFunction::new("untagged", None));
    });
    sim
}

#[test]
fn keys_are_all_borne_and_values_are_alternatives() {
    let sim = tagged();
    let told = |filters: &Value| names(&json_ok(&sim, &asked(filters, 100, "")));
    assert_eq!(told(&json!([{ "Key": "team", "Values": ["x"] }])), ["a", "d"]);
    assert_eq!(told(&json!([{ "Key": "team", "Values": ["x", "y"] }])), ["a", "b", "d"]);
    assert_eq!(told(&json!([{ "Key": "team" }, { "Key": "zone", "Values": ["1"] }])), ["d"]);
    assert_eq!(told(&json!([{ "Key": "Team", "Values": ["x"] }])), Vec::<String>::new());
    assert_eq!(told(&json!([])), ["a", "b", "c", "d"], "what bears no tag is not shown");
    sim.world(|world| world.delete_function("a"));
    assert_eq!(
        told(&json!([{ "Key": "team", "Values": ["x"] }])),
        ["a", "d"],
        "a deleted one is still shown"
    );
    sim.world(|world| world.untag_function("d", "team"));
    assert_eq!(told(&json!([{ "Key": "team", "Values": ["x"] }])), ["a"]);
    assert_eq!(sim.complaints(), Vec::<String>::new());
}

#[test]
fn pages_may_be_short_and_end_with_an_empty_token() {
    let sim = tagged();
    let filter = json!([{ "Key": "team", "Values": ["x"] }]);
    let (mut token, mut found, mut pages) = (String::new(), Vec::new(), 0);
    loop {
        let page = json_ok(&sim, &asked(&filter, 1, &token));
        found.extend(names(&page));
        pages += 1;
        page["PaginationToken"].as_str().expect("a token").clone_into(&mut token);
        if token.is_empty() {
            break;
        }
    }
    assert_eq!((found.concat().as_str(), pages), ("ad", 5), "one function a page, whatever it bears");
    assert_eq!(json_refusal(&sim, &asked(&filter, 1, "zz")).1, "PaginationTokenExpiredException");
}

#[test]
fn what_is_wrong_or_denied_is_refused_as_json() {
    let sim = tagged();
    let many: Vec<String> = (0..21).map(|number| number.to_string()).collect();
    for (filters, most) in [(json!([{ "Key": "a", "Values": many }]), 100), (json!([]), 101)] {
        assert_eq!(
            json_refusal(&sim, &asked(&filters, most, "")),
            (400, "InvalidParameterException".to_owned())
        );
    }
    sim.deny("tag:GetResources");
    assert_eq!(json_refusal(&sim, &asked(&json!([]), 1, "")), (400, "AccessDeniedException".to_owned()));
    sim.allow("tag:GetResources");
    assert_eq!(sim.complaints(), Vec::<String>::new());
    json_refusal(&sim, &resources(&json!({ "ResourceTypeFilters": ["ec2:instance"] })));
    assert_eq!(sim.complaints().len(), 1);
}

#[test]
fn addresses_are_filtered_by_tags_and_a_backslash_makes_a_star_a_star() {
    let sim = Sim::new(WorldConfig::default());
    sim.world(|world| {
        for value in ["a*b", "axb", "a\\b"] {
            world.allocate_tagged("pool", value);
        }
    });
    let found = |value: &str| {
        let filter = [("Filter.1.Name", "tag:pool"), ("Filter.1.Value.1", value)];
        texts(&ok(&sim, &ec2("DescribeAddresses", &filter)), "value")
    };
    assert_eq!(found("a*b").len(), 3);
    assert_eq!(found("a\\*b"), ["a*b"]);
    assert_eq!(found("a\\\\b"), ["a\\b"]);
    assert_eq!(found("a?b").len(), 3);
}
