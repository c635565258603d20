//! What a daemon's answer tells of late: changes, and events. Read leniently, each by itself: one of a later version that
//! makes no sense here does not hide the others.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::render::words::plain;

/// A change that the daemon made or tried.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, Serialize)]
pub(in crate::cli) struct Change {
    pub(in crate::cli) at: Option<Timestamp>,
    pub(in crate::cli) target: Option<String>,
    pub(in crate::cli) kind: Option<String>,
    pub(in crate::cli) outcome: String,
    pub(in crate::cli) allocation_id: String,
    pub(in crate::cli) public_ip: Option<String>,
    pub(in crate::cli) network_interface_id: String,
    /// The interface that the address was taken from.
    pub(in crate::cli) from: Option<String>,
    #[serde(default)]
    pub(in crate::cli) functions: Vec<String>,
    pub(in crate::cli) reason: Option<String>,
    pub(in crate::cli) detail: Option<String>,
    pub(in crate::cli) request_id: Option<String>,
    pub(in crate::cli) cause: Option<Cause>,
}

/// The event that a change mended.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, Serialize)]
pub(in crate::cli) struct Cause {
    pub(in crate::cli) at: Option<Timestamp>,
    pub(in crate::cli) actor: Option<String>,
}

/// An event that concerned a target.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, Serialize)]
pub(in crate::cli) struct Event {
    pub(in crate::cli) at: Option<Timestamp>,
    pub(in crate::cli) target: Option<String>,
    pub(in crate::cli) kind: String,
    pub(in crate::cli) actor: Option<String>,
    pub(in crate::cli) outcome: Option<String>,
    pub(in crate::cli) allocation_id: Option<String>,
    pub(in crate::cli) public_ip: Option<String>,
    pub(in crate::cli) network_interface_id: Option<String>,
    pub(in crate::cli) function: Option<String>,
    pub(in crate::cli) request_id: Option<String>,
}

/// An address that somebody takes off again and again.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, Serialize)]
pub(in crate::cli) struct Contested {
    pub(in crate::cli) allocation_id: String,
    pub(in crate::cli) public_ip: Option<String>,
    pub(in crate::cli) network_interface_id: String,
    pub(in crate::cli) times: Option<u32>,
    pub(in crate::cli) actor: Option<String>,
}

impl Contested {
    /// What happens, and who does it.
    pub(in crate::cli) fn story(&self) -> String {
        let address = address(self.public_ip.as_deref(), &self.allocation_id);
        let actor = self.actor.as_deref().map(|actor| format!(", the last time to {}", plain(actor)));
        let interface = plain(&self.network_interface_id);
        format!("{interface} loses {address} again and again{}", actor.unwrap_or_default())
    }
}

/// An address as people know it, with its allocation.
fn address(public_ip: Option<&str>, allocation: &str) -> String {
    match public_ip {
        Some(ip) => format!("{} ({})", plain(ip), plain(allocation)),
        None => plain(allocation).to_string(),
    }
}

/// The items that this version can read, in their order.
pub(in crate::cli) fn readable<'a, T: Deserialize<'a>>(items: &'a [Value]) -> impl Iterator<Item = T> {
    items.iter().filter_map(|item| T::deserialize(item).ok())
}

impl Change {
    /// What became of it, without its time: the interface, the address, the cause and what went wrong.
    pub(in crate::cli) fn story(&self) -> String {
        let verb = if self.is_done() { "got" } else { "did not get" };
        let mut story = format!("{} {verb} ", plain(&self.network_interface_id));
        story += &address(self.public_ip.as_deref(), &self.allocation_id);
        if let Some(from) = &self.from {
            story += &format!(" from {}", plain(from));
        }
        story
    }

    pub(in crate::cli) fn is_done(&self) -> bool {
        self.outcome == "done"
    }

    /// Who made it necessary.
    pub(in crate::cli) fn actor(&self) -> Option<&str> {
        self.cause.as_ref().and_then(|cause| cause.actor.as_deref())
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", plain(&self.kind).replace('_', " "))?;
        let address = self.allocation_id.as_ref().or(self.public_ip.as_ref());
        let subjects = [address, self.network_interface_id.as_ref(), self.function.as_ref()];
        for subject in subjects.into_iter().flatten() {
            write!(f, " {}", plain(subject))?;
        }
        match (&self.actor, self.outcome.as_deref()) {
            (_, Some("echo")) => write!(f, " by eipd itself"),
            (Some(actor), _) => write!(f, " by {}", plain(actor)),
            (None, _) => Ok(()),
        }
    }
}
