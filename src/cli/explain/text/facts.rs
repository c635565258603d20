//! What is known of each kind of thing, line by line.

use std::fmt;

use super::super::super::render::pool::Figures;
use super::super::super::render::style::{BAD, GOOD, HEAD, QUIET, WARN, paint};
use super::super::super::render::words::{plain, some_of, split_hint};
use crate::domain::desired::PinPlace;
use crate::domain::explain::{AddressStory, FunctionStory, InterfaceStory, Others};
use crate::domain::function::{FunctionState, LastUpdate};
use crate::domain::ids::{AllocationId, SecurityGroupId};
use crate::domain::observed::InterfaceStatus;
use crate::domain::priority::Priority;
use crate::domain::reason::Shown;

/// So many addresses, interfaces or names are listed; the others are counted.
const LISTED_MAX: usize = 20;

pub(super) fn function(f: &mut fmt::Formatter<'_>, story: &FunctionStory) -> fmt::Result {
    let declared = if story.declared { "" } else { ", not declared" };
    writeln!(f, "{}{declared}", paint(HEAD, format_args!("function {}", story.function)))?;
    let state = story.state.map(state).into_iter().chain(story.last_update.map(update));
    let state: Vec<&str> = state.collect();
    if !state.is_empty() {
        writeln!(f, "  {}", state.join(", "))?;
    }
    match (&story.pool, &story.pool_figures) {
        (Some(pool), Some(figures)) => writeln!(f, "  pool {pool}: {}", Figures(figures))?,
        (Some(pool), None) => writeln!(f, "  pool {pool}")?,
        (None, _) => {}
    }
    if story.priority != Priority::default() {
        writeln!(f, "  priority {}", story.priority)?;
    }
    for pin in &story.pins {
        writeln!(f, "  pinned in {} to {}", place(&pin.place), ids(&pin.allocation_ids))?;
    }
    for place in &story.places {
        let former = if place.is_former { ", by the configuration before the update" } else { "" };
        writeln!(f, "  {} with {}{former}", place.subnet_id, groups(&place.security_group_ids))?;
        if place.interfaces.is_empty() {
            writeln!(f, "    has no interface yet")?;
        }
        for served in place.interfaces.iter().take(LISTED_MAX) {
            let (style, sign) = match served.verdict {
                "covered" => (GOOD, '='),
                "gets" => (GOOD, '+'),
                "unmanaged" => (QUIET, ' '),
                _ if served.status == InterfaceStatus::InUse => (BAD, '!'),
                _ => (WARN, '~'),
            };
            write!(f, "    {} {}", paint(style, sign), served.network_interface_id)?;
            if let Some(zone) = &served.zone {
                write!(f, " ({})", plain(zone))?;
            }
            if served.status != InterfaceStatus::InUse {
                write!(f, ", {}", status(served.status))?;
            }
            match (&served.allocation_id, served.public_ip, &served.detail) {
                (Some(allocation), ip, _) if served.verdict == "gets" => {
                    writeln!(f, " would get {}", Shown(allocation, ip))?;
                }
                (Some(allocation), ip, _) => writeln!(f, " carries {}", Shown(allocation, ip))?,
                (None, Some(ip), _) => writeln!(f, " carries {ip}, which is no Elastic IP")?,
                (None, None, Some(detail)) => writeln!(f, ": {}", plain(split_hint(detail).0))?,
                (None, None, None) => writeln!(f, " carries no address")?,
            }
        }
        more(f, 4, place.interfaces.len(), "interfaces")?;
    }
    Ok(())
}

pub(super) fn interface(f: &mut fmt::Formatter<'_>, story: &InterfaceStory) -> fmt::Result {
    writeln!(f, "{}", paint(HEAD, format_args!("interface {}", story.network_interface_id)))?;
    write!(f, "  {}, in {}", status(story.status), story.subnet_id)?;
    let zone_id = story.zone_id.as_ref().map(ToString::to_string);
    let zones: Vec<String> = story.zone.iter().chain(&zone_id).map(|zone| plain(zone).into_owned()).collect();
    if !zones.is_empty() {
        write!(f, " ({})", zones.join(", "))?;
    }
    writeln!(f, " with {}, of account {}", groups(&story.security_group_ids), story.owner)?;
    let declared = match story.functions.as_slice() {
        [] => "no declared function".to_owned(),
        functions => names("", functions),
    };
    writeln!(f, "  used by {declared}{}", others(&story.others))?;
    if let Some(pool) = &story.pool {
        write!(f, "  served from pool {pool}")?;
        match story.priority != Priority::default() {
            true => writeln!(f, ", with priority {}", story.priority)?,
            false => writeln!(f)?,
        }
    }
    for pin in &story.pins {
        writeln!(f, "  {} is pinned in {} to {}", pin.function, place(&pin.place), ids(&pin.allocation_ids))?;
    }
    for carried in &story.carries {
        write!(f, "  carries ")?;
        match (&carried.allocation_id, carried.public_ip) {
            (Some(allocation), ip) => write!(f, "{}", Shown(allocation, ip))?,
            (None, Some(ip)) => write!(f, "{ip}")?,
            (None, None) => write!(f, "an address that EC2 does not name")?,
        }
        match carried.pools.as_slice() {
            [] => write!(f, ", which no pool declares")?,
            pools => write!(f, " of {}", names("pool", pools))?,
        }
        let views = match (carried.by_addresses, carried.by_interfaces) {
            (Some(true), true) => "; EC2's addresses and interfaces agree on it",
            (Some(false), true) => "; EC2's interfaces show it, its addresses do not",
            (Some(true), false) => "; EC2's addresses show it, its interfaces do not",
            (None, _) | (Some(false), false) => "",
        };
        writeln!(f, "{views}")?;
    }
    if story.carries.is_empty() {
        writeln!(f, "  carries no address, by EC2's addresses and by its interfaces")?;
    }
    if !story.candidates.is_empty() {
        writeln!(f, "  may carry")?;
    }
    for candidate in story.candidates.iter().take(LISTED_MAX) {
        let address = Shown(&candidate.allocation_id, candidate.public_ip);
        writeln!(f, "    {address}, which {}", plain(&candidate.whereabouts.text))?;
    }
    more(f, 4, story.candidates.len(), "addresses")
}

pub(super) fn address(f: &mut fmt::Formatter<'_>, story: &AddressStory) -> fmt::Result {
    write!(f, "{}", paint(HEAD, "address "))?;
    match (&story.allocation_id, story.public_ip) {
        (Some(allocation), ip) => write!(f, "{}", paint(HEAD, Shown(allocation, ip)))?,
        (None, Some(ip)) => write!(f, "{}", paint(HEAD, ip))?,
        (None, None) => {}
    }
    match &story.border_group {
        Some(group) => writeln!(f, ", network border group {}", plain(group))?,
        None => writeln!(f)?,
    }
    if story.pools.is_empty() {
        writeln!(f, "  declared in no pool")?;
    }
    for (pool, figures) in story.pools.iter().zip(&story.pool_figures) {
        writeln!(f, "  declared in pool {pool}: {}", Figures(figures))?;
    }
    if !story.functions.is_empty() {
        writeln!(f, "  for {}", some_of(&story.functions))?;
    }
    for pin in &story.pins {
        writeln!(f, "  pinned by {} in {}", pin.function, place(&pin.place))?;
    }
    let on = story.on_by_addresses.as_deref().unwrap_or("nothing");
    writeln!(f, "  on {} by EC2's addresses", plain(on))?;
    match story.on_by_interfaces.as_slice() {
        [] => writeln!(f, "  on no Lambda interface by EC2's interfaces"),
        interfaces => writeln!(f, "  on {} by EC2's interfaces", names("", interfaces)),
    }
}

fn others(others: &Others) -> String {
    let mut text = String::new();
    if !others.functions.is_empty() {
        text += &format!("; undeclared: {}", names("", &others.functions));
    }
    if !others.versions.is_empty() {
        text += &format!("; published versions: {}", names("", &others.versions));
    }
    if others.functions.is_empty() && others.versions.is_empty() && others.gaps.is_empty() {
        text += "; by no other";
    }
    if !others.gaps.is_empty() {
        text += "; perhaps more, since not all functions could be listed";
    }
    text
}

fn more(f: &mut fmt::Formatter<'_>, indent: usize, total: usize, what: &str) -> fmt::Result {
    match total.saturating_sub(LISTED_MAX) {
        0 => Ok(()),
        more => writeln!(f, "{:indent$}and {more} more {what}; --format json has them", ""),
    }
}

fn place(place: &PinPlace) -> String {
    match place {
        PinPlace::Subnet(subnet) => subnet.to_string(),
        PinPlace::Zone(zone) => zone.to_string(),
    }
}

fn ids(ids: &[AllocationId]) -> String {
    names("", ids)
}

fn names(lead: &str, names: &[impl fmt::Display]) -> String {
    let mut listed: Vec<String> = names.iter().take(LISTED_MAX).map(ToString::to_string).collect();
    if names.len() > LISTED_MAX {
        listed.push(format!("{} more", names.len() - LISTED_MAX));
    }
    let space = if lead.is_empty() { "" } else { " " };
    format!("{lead}{space}{}", listed.join(", "))
}

fn groups(groups: &[SecurityGroupId]) -> String {
    groups.iter().map(ToString::to_string).collect::<Vec<_>>().join("+")
}

fn status(status: InterfaceStatus) -> &'static str {
    match status {
        InterfaceStatus::InUse => "in use",
        InterfaceStatus::Waiting => "not serving yet",
        InterfaceStatus::Detaching => "being removed",
    }
}

fn state(state: FunctionState) -> &'static str {
    match state {
        FunctionState::Pending => "pending",
        FunctionState::Active => "active",
        FunctionState::Inactive => "inactive",
        FunctionState::Failed => "creation failed",
        FunctionState::Other => "in a state that eipd gives no meaning to",
    }
}

fn update(update: LastUpdate) -> &'static str {
    match update {
        LastUpdate::Successful => "last update successful",
        LastUpdate::InProgress => "update in progress",
        LastUpdate::Failed => "last update failed",
        LastUpdate::Other => "last update in a state that eipd gives no meaning to",
    }
}
