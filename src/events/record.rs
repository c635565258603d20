//! The parts of an EventBridge event with a CloudTrail record in it that are read, and nothing else of it (AWS.md 3).
//! A part that is missing, null or of another type than expected is not told, which is no fault of the whole.
//!
//! Texts are borrowed from the input where they have no escapes; what is unknown is skipped without being built.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de};

use crate::domain::function::SecurityGroups;
use crate::domain::ids::SecurityGroupId;

/// The most groups that EC2 lets an interface have; a longer list is read no further and says nothing.
const SECURITY_GROUPS_MAX: usize = 16;

/// The event as EventBridge wraps it.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Envelope<'a> {
    #[serde(borrow)]
    pub(super) source: Lenient<Text<'a>>,
    #[serde(borrow, rename = "detail-type")]
    pub(super) detail_type: Lenient<Text<'a>>,
    #[serde(borrow)]
    pub(super) account: Lenient<Text<'a>>,
    #[serde(borrow)]
    pub(super) region: Lenient<Text<'a>>,
    #[serde(borrow)]
    pub(super) time: Lenient<Text<'a>>,
    #[serde(borrow)]
    pub(super) detail: Lenient<Detail<'a>>,
}

/// CloudTrail's record of one call, or the content of our own marker.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Detail<'a> {
    #[serde(borrow)]
    pub(super) event_time: Lenient<Text<'a>>,
    #[serde(borrow)]
    pub(super) event_source: Lenient<Text<'a>>,
    #[serde(borrow)]
    pub(super) event_name: Lenient<Text<'a>>,
    #[serde(borrow)]
    pub(super) aws_region: Lenient<Text<'a>>,
    #[serde(borrow)]
    pub(super) recipient_account_id: Lenient<Text<'a>>,
    #[serde(borrow, rename = "requestID")]
    pub(super) request_id: Lenient<Text<'a>>,
    #[serde(borrow)]
    pub(super) error_code: Lenient<Text<'a>>,
    #[serde(borrow)]
    pub(super) user_identity: Lenient<UserIdentity<'a>>,
    #[serde(borrow)]
    pub(super) request_parameters: Lenient<RequestParameters<'a>>,
    #[serde(borrow)]
    pub(super) response_elements: Lenient<ResponseElements<'a>>,
    /// Of a marker.
    #[serde(borrow)]
    pub(super) id: Lenient<Text<'a>>,
}

/// Who made the call.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct UserIdentity<'a> {
    #[serde(borrow)]
    pub(super) r#type: Lenient<Text<'a>>,
    #[serde(borrow)]
    pub(super) principal_id: Lenient<Text<'a>>,
    #[serde(borrow)]
    pub(super) arn: Lenient<Text<'a>>,
    #[serde(borrow)]
    pub(super) invoked_by: Lenient<Text<'a>>,
}

/// What the calls of interest were asked for: their parameters do not contradict each other, so one shape serves all.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct RequestParameters<'a> {
    #[serde(borrow)]
    pub(super) network_interface_id: Lenient<Text<'a>>,
    #[serde(borrow)]
    pub(super) subnet_id: Lenient<Text<'a>>,
    pub(super) group_set: Lenient<GroupSet>,
    #[serde(borrow)]
    pub(super) allocation_id: Lenient<Text<'a>>,
    #[serde(borrow)]
    pub(super) association_id: Lenient<Text<'a>>,
    #[serde(borrow)]
    pub(super) public_ip: Lenient<Text<'a>>,
    #[serde(borrow)]
    pub(super) function_name: Lenient<Text<'a>>,
    #[serde(borrow)]
    pub(super) qualifier: Lenient<Text<'a>>,
    /// Of an alias.
    #[serde(borrow)]
    pub(super) name: Lenient<Text<'a>>,
}

/// What the calls of interest were answered.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ResponseElements<'a> {
    #[serde(borrow)]
    pub(super) request_id: Lenient<Text<'a>>,
    #[serde(borrow)]
    pub(super) network_interface: Lenient<NetworkInterface<'a>>,
    #[serde(borrow)]
    pub(super) allocation_id: Lenient<Text<'a>>,
    #[serde(borrow)]
    pub(super) association_id: Lenient<Text<'a>>,
    #[serde(borrow)]
    pub(super) public_ip: Lenient<Text<'a>>,
    #[serde(borrow)]
    pub(super) function_name: Lenient<Text<'a>>,
    #[serde(borrow)]
    pub(super) version: Lenient<Text<'a>>,
}

/// The interface that a call made.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct NetworkInterface<'a> {
    #[serde(borrow)]
    pub(super) network_interface_id: Lenient<Text<'a>>,
    #[serde(borrow)]
    pub(super) subnet_id: Lenient<Text<'a>>,
    pub(super) group_set: Lenient<GroupSet>,
}

/// `{"items": [{"groupId": "sg-…"}]}`.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct GroupSet {
    pub(super) items: Lenient<Groups>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Group<'a> {
    #[serde(borrow)]
    group_id: Lenient<Text<'a>>,
}

/// A text, if one was told.
#[derive(Default)]
pub(super) struct Text<'a>(Option<Cow<'a, str>>);

impl Text<'_> {
    /// The text, if one was told that says something.
    pub(super) fn told(&self) -> Option<&str> {
        self.0.as_deref().filter(|text| !text.is_empty())
    }
}

/// The whole set of security groups, if it was told without a doubt.
#[derive(Default)]
pub(super) struct Groups(Option<SecurityGroups>);

impl Groups {
    pub(super) fn told(&self) -> Option<&SecurityGroups> {
        self.0.as_ref()
    }
}

/// What is made of a JSON value of the expected type; any other type makes the default.
pub(super) trait Tolerant<'de>: Default {
    fn of_text(_text: Cow<'de, str>) -> Self {
        Self::default()
    }

    fn of_object<A: MapAccess<'de>>(mut entries: A) -> Result<Self, A::Error> {
        while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Self::default())
    }

    fn of_array<A: SeqAccess<'de>>(mut elements: A) -> Result<Self, A::Error> {
        while elements.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Self::default())
    }
}

impl<'de: 'a, 'a> Tolerant<'de> for Text<'a> {
    fn of_text(text: Cow<'de, str>) -> Self {
        Self(Some(text))
    }
}

impl<'de> Tolerant<'de> for Groups {
    fn of_array<A: SeqAccess<'de>>(mut elements: A) -> Result<Self, A::Error> {
        let mut ids: Vec<SecurityGroupId> = Vec::new();
        let mut is_whole = true;
        while let Some(group) = elements.next_element::<Lenient<Group<'de>>>()? {
            match group.group_id.told().map(str::parse) {
                Some(Ok(id)) if ids.len() < SECURITY_GROUPS_MAX => ids.push(id),
                _ => is_whole = false,
            }
        }
        Ok(Self((is_whole && !ids.is_empty()).then(|| ids.into_iter().collect())))
    }
}

macro_rules! tolerant_objects {
    ($($name:ident),+) => {
        $(impl<'de: 'a, 'a> Tolerant<'de> for $name<'a> {
            fn of_object<A: MapAccess<'de>>(entries: A) -> Result<Self, A::Error> {
                Self::deserialize(MapAccessDeserializer::new(entries))
            }
        })+
    };
}

tolerant_objects!(
    Envelope,
    Detail,
    UserIdentity,
    RequestParameters,
    ResponseElements,
    NetworkInterface,
    Group
);

impl<'de> Tolerant<'de> for GroupSet {
    fn of_object<A: MapAccess<'de>>(entries: A) -> Result<Self, A::Error> {
        Self::deserialize(MapAccessDeserializer::new(entries))
    }
}

/// Takes a value of any type and keeps what its content can use.
#[derive(Default)]
pub(super) struct Lenient<T>(T);

impl<T> std::ops::Deref for Lenient<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<'de, T: Tolerant<'de>> Deserialize<'de> for Lenient<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyType(PhantomData)).map(Self)
    }
}

struct AnyType<T>(PhantomData<T>);

impl<'de, T: Tolerant<'de>> Visitor<'de> for AnyType<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<T, E> {
        Ok(T::of_text(Cow::Borrowed(text)))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        Ok(T::of_text(Cow::Owned(text.to_owned())))
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<T, A::Error> {
        T::of_object(entries)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, elements: A) -> Result<T, A::Error> {
        T::of_array(elements)
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_unit<E: de::Error>(self) -> Result<T, E> {
        Ok(T::default())
    }
}
