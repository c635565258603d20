//! A tag that selects functions or addresses: a key, and the value that it must have. Compared as it stands, letter by
//! letter; never a pattern.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Serialize, Serializer};

/// The longest key, in characters (Tag Editor user guide, confirmed).
pub const KEY_LENGTH_MAX: usize = 128;
/// The longest value, in characters (Tag Editor user guide, confirmed).
pub const VALUE_LENGTH_MAX: usize = 256;
/// What AWS keeps for tags that it sets itself (Tag Editor user guide, confirmed).
const RESERVED: &str = "aws:";

/// A key with its value. Ordered by key, so that those of one key lie together.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Tag {
    key: Arc<str>,
    value: Arc<str>,
}

/// Why a text is no tag.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TagError {
    /// Nothing tells the key from the value.
    #[error("it has no `=`")]
    NoEquals,
    /// The key is empty.
    #[error("its key is empty")]
    EmptyKey,
    /// The key begins with what AWS keeps for itself.
    #[error("its key begins with `aws:`")]
    Reserved,
    /// No resource can have such a key.
    #[error("its key has {0} characters, and AWS allows {KEY_LENGTH_MAX}")]
    KeyTooLong(usize),
    /// No resource can have such a value.
    #[error("its value has {0} characters, and AWS allows {VALUE_LENGTH_MAX}")]
    ValueTooLong(usize),
}

impl Tag {
    /// The key.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The value; may be empty.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// Whether it is this key with this value.
    #[must_use]
    pub fn is(&self, key: &str, value: &str) -> bool {
        *self.key == *key && *self.value == *value
    }
}

/// `key=value`, split at the first `=`: keys often hold colons, and values whatever.
impl FromStr for Tag {
    type Err = TagError;

    fn from_str(text: &str) -> Result<Self, TagError> {
        let (key, value) = text.split_once('=').ok_or(TagError::NoEquals)?;
        let lengths = (key.chars().count(), value.chars().count());
        match lengths {
            (0, _) => Err(TagError::EmptyKey),
            _ if key.to_lowercase().starts_with(RESERVED) => Err(TagError::Reserved),
            (length @ KEY_TOO_LONG.., _) => Err(TagError::KeyTooLong(length)),
            (_, length @ VALUE_TOO_LONG..) => Err(TagError::ValueTooLong(length)),
            _ => Ok(Self { key: key.into(), value: value.into() }),
        }
    }
}

const KEY_TOO_LONG: usize = KEY_LENGTH_MAX + 1;
const VALUE_TOO_LONG: usize = VALUE_LENGTH_MAX + 1;

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}={}", self.key, self.value))
    }
}

impl Serialize for Tag {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_split_at_its_first_equals_sign() {
        for (text, key, value) in [
            ("eipd:pool=partner-a", "eipd:pool", "partner-a"),
            ("team=a=b", "team", "a=b"),
            ("team=", "team", ""),
            ("a b=c d", "a b", "c d"),
        ] {
            let tag: Tag = text.parse().expect(text);
            assert_eq!((tag.key(), tag.value(), tag.to_string().as_str()), (key, value, text));
            assert!(tag.is(key, value) && !tag.is(value, key));
        }
    }

    #[test]
    fn what_no_resource_can_bear_is_no_tag() {
        let (key, value) = ("k".repeat(KEY_LENGTH_MAX), "v".repeat(VALUE_LENGTH_MAX));
        assert!(format!("{key}={value}").parse::<Tag>().is_ok());
        for (text, error) in [
            ("team".to_owned(), TagError::NoEquals),
            (String::new(), TagError::NoEquals),
            ("=a".to_owned(), TagError::EmptyKey),
            ("aws:cloudformation:stack-name=x".to_owned(), TagError::Reserved),
            ("AWS:x=y".to_owned(), TagError::Reserved),
            (format!("{key}\u{e4}=v"), TagError::KeyTooLong(129)),
            (format!("k={value}v"), TagError::ValueTooLong(257)),
        ] {
            assert_eq!(text.parse::<Tag>(), Err(error), "{text}");
        }
    }
}
