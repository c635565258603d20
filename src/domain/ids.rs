//! The names AWS and the configuration give to things, each with its own type, so that an allocation can
//! never stand where an interface belongs. Ids are checked when they are parsed and never looked into after.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
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

macro_rules! text_forms {
    ($name:ident, $kind:literal, $expected:expr, $valid:expr) => {
        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let valid: fn(&str) -> bool = $valid;
                if valid(text) {
                    Ok(Self::from_valid(text))
                } else {
                    Err(IdError { text: text.to_owned(), kind: $kind, expected: $expected })
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
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

            fn from_valid(text: &str) -> Self {
                Self(text.into())
            }
        }

        text_forms!($name, $kind, $expected, $valid);
    };
}

// The text lies in the value itself, and comparing and hashing look at its digits as at one number: with a hundred
// thousand ids, doing so through a pointer would be most of what a plan costs. Unused places are zero, so that the
// order is that of the texts.
macro_rules! resource_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name([u8; $prefix.len() + SUFFIX_BYTES_MAX]);

        impl $name {
            /// The id as AWS writes it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                let used = self.0.iter().position(|b| *b == 0).unwrap_or(self.0.len());
                std::str::from_utf8(&self.0[..used]).expect("an id that was parsed is ASCII")
            }

            /// The id's text, filled up with zeros: the same length for every id of the kind.
            #[must_use]
            pub fn as_padded_bytes(&self) -> &[u8] {
                &self.0
            }

            fn from_valid(text: &str) -> Self {
                let mut bytes = [0; $prefix.len() + SUFFIX_BYTES_MAX];
                bytes[..text.len()].copy_from_slice(text.as_bytes());
                Self(bytes)
            }

            fn digits(&self) -> (u128, u8) {
                let (digits, last) = self.0[$prefix.len()..].split_at(SUFFIX_BYTES_MAX - 1);
                let digits = digits.try_into().expect("sixteen of seventeen");
                (u128::from_be_bytes(digits), last[0])
            }
        }

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.digits() == other.digits()
            }
        }

        impl Eq for $name {}

        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }

        impl Ord for $name {
            fn cmp(&self, other: &Self) -> Ordering {
                self.digits().cmp(&other.digits())
            }
        }

        impl Hash for $name {
            fn hash<H: Hasher>(&self, state: &mut H) {
                self.digits().hash(state);
            }
        }

        text_forms!(
            $name, $kind, concat!("`", $prefix, "` and 8 to 17 lower-case hexadecimal digits"),
            |text| text.strip_prefix($prefix).is_some_and(is_resource_suffix)
        );
    };
}

/// Old resources have 8 hexadecimal digits, all newer ones 17.
const SUFFIX_BYTES_MAX: usize = 17;

fn is_resource_suffix(text: &str) -> bool {
    (8..=SUFFIX_BYTES_MAX).contains(&text.len())
        && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
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
resource_id!(
    /// A VPC, `vpc-…`.
    VpcId, "vpc-", "a VPC id"
);
resource_id!(
    /// A route table, `rtb-…`.
    RouteTableId, "rtb-", "a route table id"
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
    fn ids_are_ordered_as_their_texts() {
        let texts = ["eni-0a1b2c3d", "eni-0a1b2c3d0", "eni-0a1b2c3e", "eni-fedcba98765432100"];
        let ids: Vec<NetworkInterfaceId> = texts.iter().filter_map(|text| text.parse().ok()).collect();
        assert!(ids.is_sorted());
        assert_eq!(ids.iter().map(NetworkInterfaceId::as_str).collect::<Vec<_>>(), texts);
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
