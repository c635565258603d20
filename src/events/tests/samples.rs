//! One event or more of each kind, assembled as AWS.md 3 has them; the fuzzer starts from the same files.

use serde_json::Value;

use crate::events::kind::Kind;

macro_rules! samples {
    ($($kind:ident: $name:literal),+ $(,)?) => {
        /// Each sample with its name and its kind.
        pub(super) const SAMPLES: &[(&str, Kind, &str)] = &[$((
            $name,
            Kind::$kind,
            include_str!(concat!("../../../fuzz/corpus/event_parser/", $name, ".json")),
        )),+];
    };
}

samples! {
    CreateNetworkInterface: "create_network_interface",
    CreateNetworkInterface: "create_network_interface_dry_run",
    CreateNetworkInterface: "create_network_interface_default_group",
    DeleteNetworkInterface: "delete_network_interface",
    ModifyNetworkInterfaceAttribute: "modify_network_interface_attribute",
    AssociateAddress: "associate_address",
    AssociateAddress: "associate_address_instance",
    AssociateAddress: "associate_address_denied",
    DisassociateAddress: "disassociate_address",
    ReleaseAddress: "release_address",
    AllocateAddress: "allocate_address",
    CreateFunction: "create_function",
    UpdateFunctionCode: "update_function_code",
    UpdateFunctionConfiguration: "update_function_configuration",
    DeleteFunction: "delete_function",
    PublishVersion: "publish_version",
    CreateAlias: "create_alias",
    UpdateAlias: "update_alias",
    DeleteAlias: "delete_alias",
    Marker: "marker",
    Other: "other_alias",
    Other: "other_config_change",
}

pub(super) fn sample(name: &str) -> &'static str {
    let found = SAMPLES.iter().find(|(other, ..)| *other == name);
    found.map(|(.., text)| *text).unwrap_or_else(|| panic!("no sample is called {name}"))
}

pub(super) fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("a sample is JSON")
}

/// The sample with another value at the pointer, which must exist.
pub(super) fn changed(text: &str, pointer: &str, value: Value) -> String {
    let mut json = json(text);
    *json.pointer_mut(pointer).unwrap_or_else(|| panic!("no {pointer} in the sample")) = value;
    json.to_string()
}

/// A JSON pointer to every value in it but the whole.
pub(super) fn pointers(json: &Value) -> Vec<String> {
    fn visit(json: &Value, at: &str, pointers: &mut Vec<String>) {
        let below: Vec<(String, &Value)> = match json {
            Value::Object(entries) => entries.iter().map(|(name, value)| (name.clone(), value)).collect(),
            Value::Array(values) => {
                values.iter().enumerate().map(|(i, value)| (i.to_string(), value)).collect()
            }
            _ => Vec::new(),
        };
        for (name, value) in below {
            let at = format!("{at}/{name}");
            pointers.push(at.clone());
            visit(value, &at, pointers);
        }
    }
    let mut found = Vec::new();
    visit(json, "", &mut found);
    found
}
