//! The names AWS and the configuration give to things, each with its own type, so that an allocation can
//! never stand where an interface belongs. Ids are checked when they are parsed and never looked into after.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Serialize, Serializer};

/// Why a text is not an id of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {kind}; expected {expected}")]
pub struct IdError {
    /// The text as it was found.
    pub text: String,
    /// What it should have been, with its article: "an allocation id".
    pub kind: &'static str,
    /// The form of a right one.
    pub expected: &'static str,
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $expected:expr, $valid:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The id as AWS or the configuration writes it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let valid: fn(&str) -> bool = $valid;
                if valid(text) {
                    Ok(Self(text.into()))
                } else {
                    Err(IdError { text: text.to_owned(), kind: $kind, expected: $expected })
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }
    };
}

macro_rules! resource_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, $kind:literal) => {
        text_id!(
            $(#[$doc])* $name, $kind, concat!("`", $prefix, "` and 8 to 17 lower-case hexadecimal digits"),
            |text| text.strip_prefix($prefix).is_some_and(is_resource_suffix)
        );
    };
}

/// Old resources have 8 hexadecimal digits, all newer ones 17.
fn is_resource_suffix(text: &str) -> bool {
    (8..=17).contains(&text.len()) && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

resource_id!(
    /// An allocated Elastic IP, `eipalloc-…`.
    AllocationId, "eipalloc-", "an allocation id"
);
resource_id!(
    /// The bond of an Elastic IP with a network interface, `eipassoc-…`.
    AssociationId, "eipassoc-", "an association id"
);
resource_id!(
    /// A network interface, `eni-…`.
    NetworkInterfaceId, "eni-", "a network interface id"
);
resource_id!(
    /// A subnet, `subnet-…`.
    SubnetId, "subnet-", "a subnet id"
);
resource_id!(
    /// A security group, `sg-…`.
    SecurityGroupId, "sg-", "a security group id"
);
text_id!(
    /// An AWS account.
    AccountId, "an account id", "12 digits",
    |text| text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
);
text_id!(
    /// An availability zone id such as `euw1-az2`: the same zone in every account, unlike its name.
    ZoneId, "an availability zone id", "a form like `euw1-az2`",
    |text| text.split_once("-az").is_some_and(|(region, zone)| {
        !region.is_empty()
            && region.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !zone.is_empty()
            && zone.bytes().all(|b| b.is_ascii_digit())
    })
);
text_id!(
    /// The operator's name for an (account, region).
    TargetName, "a name of a target", "1 to 64 letters, digits, `-`, `_` or `.`", is_name
);
text_id!(
    /// The operator's name for a set of Elastic IPs.
    PoolName, "a name of a pool", "1 to 64 letters, digits, `-`, `_` or `.`", is_name
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_checked_for_their_prefix_and_digits() {
        for good in ["eipalloc-0a1b2c3d", "eipalloc-0123456789abcdef0"] {
            assert_eq!(good.parse::<AllocationId>().map(|id| id.to_string()), Ok(good.to_owned()));
        }
        for bad in ["", "eipalloc-", "eipalloc-0A1B2C3D", "eni-0a1b2c3d", "eipalloc-0a1b2c3", "0a1b2c3d"] {
            let error = bad.parse::<AllocationId>().expect_err(bad);
            assert!(error.to_string().contains("expected `eipalloc-` and 8 to 17"), "{error}");
        }
    }

    #[test]
    fn zone_ids_are_told_from_zone_names() {
        assert!("euw1-az2".parse::<ZoneId>().is_ok());
        for name in ["eu-west-1a", "az2", "euw1-az", "euw1-azb"] {
            assert!(name.parse::<ZoneId>().is_err(), "{name}");
        }
    }

    #[test]
    fn accounts_have_twelve_digits() {
        assert!("111122223333".parse::<AccountId>().is_ok());
        assert!("11112222333".parse::<AccountId>().is_err());
    }
}
