//! The names AWS and the configuration give to things, each with its own type, so that an allocation can
//! never stand where an interface belongs. Ids are checked when they are parsed and never looked into after.

use std::fmt;
use std::num::NonZeroU16;
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

/// What all ids have in common: they are told as AWS or the configuration writes them.
macro_rules! told_as_text {
    ($name:ident) => {
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
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
                f.pad(self.as_str())
            }
        }

        told_as_text!($name);
    };
}

macro_rules! resource_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Digits);

        impl $name {
            /// The id's text, filled up with zeros: the same length for every id of the kind.
            #[must_use]
            pub fn padded_text(&self) -> [u8; $prefix.len() + Digits::MOST] {
                let mut text = [0; $prefix.len() + Digits::MOST];
                let (prefix, digits) = text.split_at_mut($prefix.len());
                prefix.copy_from_slice($prefix.as_bytes());
                digits.copy_from_slice(&self.0.padded_text());
                text
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let digits = text.strip_prefix($prefix).and_then(Digits::parse);
                digits.map(Self).ok_or_else(|| IdError {
                    text: text.to_owned(),
                    kind: $kind,
                    expected: concat!("`", $prefix, "` and 8 to 17 lower-case hexadecimal digits"),
                })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let text = &self.padded_text()[..$prefix.len() + self.0.count()];
                f.pad(std::str::from_utf8(text).expect("a prefix and digits are ASCII"))
            }
        }

        told_as_text!($name);
    };
}

/// The digits of a resource's id, in two words: with a hundred thousand ids, to follow a pointer for each comparison would be
/// most of what a plan costs, and to walk over half as many bytes is a quarter of it. Their order is that of the texts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Digits {
    /// The first sixteen, the first of all in the highest bits, with zeros for those that are not there.
    first: u64,
    /// The seventeenth in the same way, and then how many there are.
    last: NonZeroU16,
}

impl Digits {
    /// Old resources have 8 hexadecimal digits, all newer ones 17.
    const MOST: usize = 17;
    const FEWEST: usize = 8;

    fn parse(text: &str) -> Option<Self> {
        if !(Self::FEWEST..=Self::MOST).contains(&text.len()) {
            return None;
        }
        let mut digits = 0_u128;
        for digit in text.bytes() {
            let value = match digit {
                b'0'..=b'9' => digit - b'0',
                b'a'..=b'f' => digit - b'a' + 10,
                _ => return None,
            };
            digits = digits << 4 | u128::from(value);
        }
        digits <<= 4 * (Self::MOST - text.len());
        let last = u16::from(digits as u8 & 0xf) << 8 | text.len() as u16;
        Some(Self { first: (digits >> 4) as u64, last: NonZeroU16::new(last)? })
    }

    fn count(self) -> usize {
        usize::from(self.last.get() & 0xff)
    }

    fn padded_text(self) -> [u8; Self::MOST] {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0; Self::MOST];
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.first.to_be_bytes()) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 0xf)];
        }
        text[Self::MOST - 1] = DIGITS[usize::from(self.last.get() >> 8)];
        text[self.count()..].fill(0);
        text
    }
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
        assert_eq!(ids.iter().map(ToString::to_string).collect::<Vec<_>>(), texts);
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
