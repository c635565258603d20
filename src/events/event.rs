//! What one event tells, in the words of the domain. Everything that it did not tell, or told in a form that makes
//! no sense, is absent: the pass that it causes reads the facts itself.

use std::fmt;
use std::net::IpAddr;

use jiff::Timestamp;
use serde::Serialize;

use super::kind::Kind;
use crate::domain::function::{FunctionRef, SecurityGroups};
use crate::domain::ids::{AccountId, AllocationId, AssociationId, NetworkInterfaceId, SubnetId};

/// One event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Event {
    /// When it happened, by the clock of the service that it happened in, to the second (AWS.md 3).
    pub at: Timestamp,
    /// The region that it happened in.
    pub region: String,
    /// The account that it happened in, which for a shared resource is not always the caller's.
    pub account: AccountId,
    /// Of the call that it tells of: the same that the caller was answered with.
    pub request_id: Option<String>,
    /// Who made the call.
    pub actor: Actor,
    /// The error code, when the call came to nothing; a dry run has one as well (AWS.md 3, confirmed).
    pub refused: Option<String>,
    /// What happened.
    pub kind: Kind,
    /// What it happened to.
    pub news: News,
}

/// Who made a call, in a text for people: an ARN where there is one. At most [`Actor::CHARS_MAX`] characters, and
/// none that could steer a terminal.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(transparent)]
pub struct Actor(String);

impl Actor {
    /// An assumed role with the longest names of role and session has 175.
    pub const CHARS_MAX: usize = 256;

    /// The actor with this text, cleaned and cut to length; `unknown` where that leaves nothing.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let text = legible(text, Self::CHARS_MAX);
        Self(if text.is_empty() { "unknown".to_owned() } else { text })
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// What an event is about. A change may be told without saying of what: then it could be of anything of its sort.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum News {
    /// An interface was made; by whom, and whether for Lambda, is not told in a way to rely on (AWS.md 3).
    InterfaceCreated {
        /// The interface.
        interface: Option<NetworkInterfaceId>,
        /// The subnet that it lies in.
        subnet: Option<SubnetId>,
        /// The whole set of its security groups.
        security_groups: Option<SecurityGroups>,
    },
    /// An interface was removed.
    InterfaceDeleted {
        /// The interface.
        interface: Option<NetworkInterfaceId>,
    },
    /// An attribute of an interface changed, perhaps its security groups.
    InterfaceChanged {
        /// The interface.
        interface: Option<NetworkInterfaceId>,
    },
    /// An address was put on an interface or an instance.
    AddressAssociated {
        /// The address.
        allocation: Option<AllocationId>,
        /// Nothing as well when an instance was named.
        interface: Option<NetworkInterfaceId>,
        /// The new bond.
        association: Option<AssociationId>,
        /// The address as it was named.
        public_ip: Option<IpAddr>,
    },
    /// An address was taken off what it was on.
    AddressDisassociated {
        /// The bond that is no more.
        association: Option<AssociationId>,
        /// The address as it was named.
        public_ip: Option<IpAddr>,
    },
    /// An address was given back to AWS.
    AddressReleased {
        /// The address.
        allocation: Option<AllocationId>,
        /// The address as it was named.
        public_ip: Option<IpAddr>,
    },
    /// An address was obtained from AWS.
    AddressAllocated {
        /// The address.
        allocation: Option<AllocationId>,
        /// The address itself.
        public_ip: Option<IpAddr>,
    },
    /// A function, one of its versions or one of its aliases was made, changed or removed.
    FunctionChanged {
        /// The function, with the version or the alias that the event is about.
        function: Option<FunctionRef>,
    },
    /// The event that `eipd` sends itself.
    Marker {
        /// As it was sent; at most [`News::MARKER_CHARS_MAX`] visible ASCII characters.
        id: String,
    },
    /// Nothing that matters here: an event of another kind, or about a function of another account or region.
    Nothing,
}

impl News {
    /// The longest id that a marker may have to be told.
    pub const MARKER_CHARS_MAX: usize = 128;
}

/// The text without the characters that a terminal or a log might take for something else than text, and cut off
/// where it is longer than `chars_max`.
pub(super) fn legible(text: &str, chars_max: usize) -> String {
    let is_legible = |c: &char| c.is_alphanumeric() || c.is_ascii_graphic() || *c == ' ';
    let mut chars = text.chars().filter(is_legible);
    let mut kept: String = chars.by_ref().take(chars_max).collect();
    if chars.next().is_some() {
        kept.pop();
        kept.push('…');
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_actor_is_short_and_cannot_steer_a_terminal() {
        let arn = "arn:aws:sts::111122223333:assumed-role/exec-role/awslambda_847_20230628214903095";
        assert_eq!(Actor::new(arn).as_str(), arn);
        assert_eq!(Actor::new("a\u{1b}[31mb\r\n\u{202e}c\u{2028}é").as_str(), "a[31mbcé");
        assert_eq!(Actor::new(&"é".repeat(256)).as_str(), "é".repeat(256));
        let cut = Actor::new(&"é".repeat(257));
        assert_eq!(cut.as_str(), format!("{}…", "é".repeat(255)));
        assert_eq!(Actor::new("\u{7}\u{200b}").as_str(), "unknown");
    }
}
