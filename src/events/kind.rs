//! The kinds of event that matter here, with the names that AWS gives them. The parser and the event pattern both
//! read the one table, so that what is selected is what is understood.

use serde::Serialize;

/// `source` of the events that `eipd` sends itself.
pub const MARKER_SOURCE: &str = "eipd";

/// `detail-type` of the event that `eipd` sends itself to see whether events arrive; its `detail` is `{"id": "…"}`.
pub const MARKER_DETAIL_TYPE: &str = "eipd marker";

/// `detail-type` of every event that tells of an API call (AWS.md 3, confirmed).
pub(super) const API_CALL_DETAIL_TYPE: &str = "AWS API Call via CloudTrail";

/// What happened, as the label of metrics.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An interface was made, by Lambda or by anyone else.
    CreateNetworkInterface,
    /// An interface was removed.
    DeleteNetworkInterface,
    /// An interface was given other security groups, or another attribute.
    ModifyNetworkInterfaceAttribute,
    /// An address was put on something.
    AssociateAddress,
    /// An address was taken off something.
    DisassociateAddress,
    /// An address was given back to AWS.
    ReleaseAddress,
    /// An address was obtained from AWS.
    AllocateAddress,
    /// A function was made.
    CreateFunction,
    /// A function got other code, and perhaps a new version.
    UpdateFunctionCode,
    /// A function got another configuration, perhaps another VPC configuration.
    UpdateFunctionConfiguration,
    /// A function or one of its versions was removed.
    DeleteFunction,
    /// A function got a new version.
    PublishVersion,
    /// A function got a new alias.
    CreateAlias,
    /// An alias points to another version.
    UpdateAlias,
    /// An alias was removed.
    DeleteAlias,
    /// The event that `eipd` sends itself.
    Marker,
    /// Anything else.
    Other,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 17] = [
        Self::CreateNetworkInterface,
        Self::DeleteNetworkInterface,
        Self::ModifyNetworkInterfaceAttribute,
        Self::AssociateAddress,
        Self::DisassociateAddress,
        Self::ReleaseAddress,
        Self::AllocateAddress,
        Self::CreateFunction,
        Self::UpdateFunctionCode,
        Self::UpdateFunctionConfiguration,
        Self::DeleteFunction,
        Self::PublishVersion,
        Self::CreateAlias,
        Self::UpdateAlias,
        Self::DeleteAlias,
        Self::Marker,
        Self::Other,
    ];

    /// The name in metrics and logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CreateNetworkInterface => "create_network_interface",
            Self::DeleteNetworkInterface => "delete_network_interface",
            Self::ModifyNetworkInterfaceAttribute => "modify_network_interface_attribute",
            Self::AssociateAddress => "associate_address",
            Self::DisassociateAddress => "disassociate_address",
            Self::ReleaseAddress => "release_address",
            Self::AllocateAddress => "allocate_address",
            Self::CreateFunction => "create_function",
            Self::UpdateFunctionCode => "update_function_code",
            Self::UpdateFunctionConfiguration => "update_function_configuration",
            Self::DeleteFunction => "delete_function",
            Self::PublishVersion => "publish_version",
            Self::CreateAlias => "create_alias",
            Self::UpdateAlias => "update_alias",
            Self::DeleteAlias => "delete_alias",
            Self::Marker => "marker",
            Self::Other => "other",
        }
    }

    /// The call that an event of this kind tells of; nothing for the marker and for what is not told apart.
    pub(super) fn call(self) -> Option<Call> {
        let (service, name) = match self {
            Self::CreateNetworkInterface => (Service::Ec2, "CreateNetworkInterface"),
            Self::DeleteNetworkInterface => (Service::Ec2, "DeleteNetworkInterface"),
            Self::ModifyNetworkInterfaceAttribute => (Service::Ec2, "ModifyNetworkInterfaceAttribute"),
            Self::AssociateAddress => (Service::Ec2, "AssociateAddress"),
            Self::DisassociateAddress => (Service::Ec2, "DisassociateAddress"),
            Self::ReleaseAddress => (Service::Ec2, "ReleaseAddress"),
            Self::AllocateAddress => (Service::Ec2, "AllocateAddress"),
            Self::CreateFunction => (Service::Lambda, "CreateFunction"),
            Self::UpdateFunctionCode => (Service::Lambda, "UpdateFunctionCode"),
            Self::UpdateFunctionConfiguration => (Service::Lambda, "UpdateFunctionConfiguration"),
            Self::DeleteFunction => (Service::Lambda, "DeleteFunction"),
            Self::PublishVersion => (Service::Lambda, "PublishVersion"),
            Self::CreateAlias => (Service::Lambda, "CreateAlias"),
            Self::UpdateAlias => (Service::Lambda, "UpdateAlias"),
            Self::DeleteAlias => (Service::Lambda, "DeleteAlias"),
            Self::Marker | Self::Other => return None,
        };
        Some(Call { service, name })
    }

    /// The kind of an event with these words in it. KMS has aliases and CloudFront has functions, so the name of a
    /// call alone says nothing.
    pub(super) fn of(source: &str, detail_type: &str, event_source: &str, event_name: &str) -> Self {
        if source == MARKER_SOURCE && detail_type == MARKER_DETAIL_TYPE {
            return Self::Marker;
        }
        if detail_type != API_CALL_DETAIL_TYPE {
            return Self::Other;
        }
        let is_meant = |kind: &Self| {
            kind.call().is_some_and(|call| {
                call.service.source() == source
                    && call.service.event_source() == event_source
                    && call.is_named(event_name)
            })
        };
        Self::ALL.into_iter().find(is_meant).unwrap_or(Self::Other)
    }
}

/// An API call that events tell of.
#[derive(Clone, Copy)]
pub(super) struct Call {
    pub(super) service: Service,
    /// Its name without an API version.
    pub(super) name: &'static str,
}

impl Call {
    /// What stands between the name of a call and the rest of its API version, for services that append one. It
    /// tells `CreateFunction20150331` from `CreateFunctionUrlConfig` (AWS.md 3, confirmed).
    pub(super) const MILLENNIUM: &str = "2";

    fn is_named(self, event_name: &str) -> bool {
        match event_name.strip_prefix(self.name) {
            Some("") => true,
            Some(version) => {
                self.service.appends_api_versions()
                    && version.starts_with(Self::MILLENNIUM)
                    && version.bytes().all(|b| b.is_ascii_digit() || b == b'v')
            }
            None => false,
        }
    }
}

/// A service whose calls matter here.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Service {
    Ec2,
    Lambda,
}

impl Service {
    /// `source` of the event.
    pub(super) fn source(self) -> &'static str {
        match self {
            Self::Ec2 => "aws.ec2",
            Self::Lambda => "aws.lambda",
        }
    }

    /// `eventSource` of the record in it.
    pub(super) fn event_source(self) -> &'static str {
        match self {
            Self::Ec2 => "ec2.amazonaws.com",
            Self::Lambda => "lambda.amazonaws.com",
        }
    }

    /// Whether the names of its calls carry API versions (AWS.md 3, confirmed).
    pub(super) fn appends_api_versions(self) -> bool {
        self == Self::Lambda
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lambda(event_name: &str) -> Kind {
        Kind::of("aws.lambda", API_CALL_DETAIL_TYPE, "lambda.amazonaws.com", event_name)
    }

    #[test]
    fn lambda_appends_api_versions_to_its_names() {
        for (event_name, kind) in [
            ("CreateFunction", Kind::CreateFunction),
            ("CreateFunction20150331", Kind::CreateFunction),
            ("CreateFunction20141111", Kind::CreateFunction),
            ("UpdateFunctionCode20150331v2", Kind::UpdateFunctionCode),
            ("UpdateFunctionConfiguration20150331v2", Kind::UpdateFunctionConfiguration),
            ("UpdateAlias20150331", Kind::UpdateAlias),
            ("CreateFunctionUrlConfig", Kind::Other),
            ("CreateFunctionUrlConfig20211031", Kind::Other),
            ("UpdateFunctionConfigurationX20150331", Kind::Other),
            ("CreateFunction20150331-beta", Kind::Other),
            ("CreateFunctionv2", Kind::Other),
            ("PublishLayerVersion20181031", Kind::Other),
            ("createfunction20150331", Kind::Other),
            ("CreateFunctio", Kind::Other),
            ("", Kind::Other),
        ] {
            assert_eq!(lambda(event_name), kind, "{event_name}");
        }
    }

    #[test]
    fn the_names_of_ec2_are_whole() {
        let ec2 = |event_name| Kind::of("aws.ec2", API_CALL_DETAIL_TYPE, "ec2.amazonaws.com", event_name);
        assert_eq!(ec2("CreateNetworkInterface"), Kind::CreateNetworkInterface);
        for other in
            ["CreateNetworkInterfacePermission", "CreateNetworkInterface2", "AssociateAddress20161115"]
        {
            assert_eq!(ec2(other), Kind::Other, "{other}");
        }
    }

    #[test]
    fn a_name_counts_for_its_own_service_alone() {
        for (source, event_source, event_name) in [
            ("aws.kms", "kms.amazonaws.com", "CreateAlias"),
            ("aws.cloudfront", "cloudfront.amazonaws.com", "DeleteFunction"),
            ("aws.lambda", "ec2.amazonaws.com", "AssociateAddress"),
            ("aws.ec2", "lambda.amazonaws.com", "CreateFunction"),
            ("eipd", "ec2.amazonaws.com", "AssociateAddress"),
        ] {
            let kind = Kind::of(source, API_CALL_DETAIL_TYPE, event_source, event_name);
            assert_eq!(kind, Kind::Other, "{source} {event_name}");
        }
        let kind = Kind::of("aws.ec2", "EC2 Instance State-change Notification", "ec2.amazonaws.com", "");
        assert_eq!(kind, Kind::Other);
    }

    #[test]
    fn only_our_own_marker_is_one() {
        assert_eq!(Kind::of("eipd", "eipd marker", "", ""), Kind::Marker);
        assert_eq!(Kind::of("someone", "eipd marker", "", ""), Kind::Other);
        assert_eq!(Kind::of("eipd", "pool exhausted", "", ""), Kind::Other);
    }

    #[test]
    fn labels_are_distinct_and_the_serialized_form() {
        let labels: std::collections::BTreeSet<_> = Kind::ALL.map(Kind::as_str).into();
        assert_eq!(labels.len(), Kind::ALL.len());
        for kind in Kind::ALL {
            assert_eq!(serde_json::to_value(kind).expect("a kind is a text"), kind.as_str());
        }
    }
}
