//! The functions of a target, each with its interfaces and what they carry; those without their addresses first.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use jiff::Timestamp;
use maud::{Markup, html};

use super::words::{ago, reason};
use crate::domain::function::FunctionRef;
use crate::domain::ids::AllocationId;
use crate::domain::observed::InterfaceStatus;
use crate::domain::plan::InterfacePlan;
use crate::domain::report::Report;
use crate::telemetry::after::{self, After, Standings};
use crate::telemetry::status::TargetSnapshot;

/// Rows of interfaces for each target: the uncovered come first, and nobody reads the thousandth.
const ROWS_MAX: usize = 1000;

/// Interfaces of one function that are shown: a pair has a few, and a crowd of them says no more.
const ROWS_OF_A_FUNCTION_MAX: usize = 100;

/// Addresses named in the line of a function.
const ADDRESSES_MAX: usize = 4;

/// How a function stands.
struct Shown<'a> {
    function: &'a FunctionRef,
    interfaces: Vec<&'a InterfacePlan>,
    uncovered: usize,
    is_unservable: bool,
}

impl Shown<'_> {
    fn class(&self) -> &'static str {
        match self {
            _ if self.uncovered > 0 || self.is_unservable => "bad",
            _ if self.interfaces.is_empty() => "none",
            _ => "good",
        }
    }
}

pub(super) fn list(report: &Report, target: &TargetSnapshot, now: Timestamp) -> Markup {
    let functions = functions(report, &target.declared);
    let standings = Standings::of(report);
    let mut rows = 0;
    let shown: Vec<&Shown<'_>> = functions
        .iter()
        .take_while(|shown| {
            let fits = rows < ROWS_MAX;
            rows += shown.interfaces.len().clamp(1, ROWS_OF_A_FUNCTION_MAX);
            fits
        })
        .collect();
    html! {
        h3 { "Functions" }
        @for shown in &shown { (one(shown, &standings, target, now)) }
        @if functions.len() > shown.len() {
            p .quiet { "and " (functions.len() - shown.len()) " more functions" }
        }
    }
}

fn functions<'a>(report: &'a Report, declared: &'a BTreeSet<FunctionRef>) -> Vec<Shown<'a>> {
    let mut interfaces: BTreeMap<&FunctionRef, Vec<&InterfacePlan>> =
        after::functions(report).into_iter().chain(declared).map(|function| (function, Vec::new())).collect();
    for interface in &report.plan.interfaces {
        for function in interface.functions.iter() {
            interfaces.entry(function).or_default().push(interface);
        }
    }
    let uncovered = after::uncovered_by_function(report);
    let unservable: BTreeSet<&FunctionRef> = report.unservable.iter().map(|one| &one.function).collect();
    let mut functions: Vec<Shown<'_>> = interfaces
        .into_iter()
        .map(|(function, interfaces)| Shown {
            function,
            interfaces,
            uncovered: uncovered.get(function).copied().unwrap_or(0),
            is_unservable: unservable.contains(function),
        })
        .collect();
    functions.sort_by_key(|shown| (shown.uncovered == 0, !shown.is_unservable));
    functions
}

fn one(shown: &Shown<'_>, standings: &Standings<'_>, target: &TargetSnapshot, now: Timestamp) -> Markup {
    let Shown { function, interfaces, .. } = shown;
    html! {
        details class={ "function " (shown.class()) } id={ "f-" (target.name) "-" (function) } open[shown.class() == "bad"] {
            summary {
                code .name { (function) }
                (standing(shown))
                (leaves_from(interfaces, standings))
                @if let Some(since) = target.since.function(function) { span .since { "for " (ago(since, now)) } }
            }
            @if !interfaces.is_empty() {
                table .stack {
                    tr .head { th { "Network interface" } th { "Subnet" } th { "Leaves from" } th { "For" } }
                    @for interface in interfaces.iter().take(ROWS_OF_A_FUNCTION_MAX) {
                        (row(interface, standings, target, now))
                    }
                    @if interfaces.len() > ROWS_OF_A_FUNCTION_MAX {
                        tr { td colspan="4" .quiet { "and " (interfaces.len() - ROWS_OF_A_FUNCTION_MAX) " more network interfaces" } }
                    }
                }
            }
        }
    }
}

fn standing(shown: &Shown<'_>) -> Markup {
    let serving = shown.interfaces.iter().filter(|one| one.status == InterfaceStatus::InUse).count();
    html! {
        @if shown.is_unservable {
            span .bad-text { "can't have an address, see the drift" }
        } @else if shown.interfaces.is_empty() {
            span .quiet { "has no network interface now" }
        } @else if shown.uncovered > 0 {
            span .bad-text { (shown.uncovered) " of " (serving) " without address" }
        } @else {
            span .good-text { (serving) " of " (serving) " covered" }
        }
    }
}

fn leaves_from(interfaces: &[&InterfacePlan], standings: &Standings<'_>) -> Markup {
    let carried = interfaces.iter().filter_map(|interface| match standings.of_interface(interface) {
        After::Carries(_, public_ip) => public_ip,
        After::Without(_) | After::Awaits(_) => None,
    });
    let addresses: BTreeSet<IpAddr> = carried.collect();
    let named: Vec<String> = addresses.iter().take(ADDRESSES_MAX).map(ToString::to_string).collect();
    html! {
        span {
            (named.join(", "))
            @if addresses.len() > ADDRESSES_MAX { " and " (addresses.len() - ADDRESSES_MAX) " more" }
        }
    }
}

fn row(
    interface: &InterfacePlan,
    standings: &Standings<'_>,
    target: &TargetSnapshot,
    now: Timestamp,
) -> Markup {
    let serves = interface.status == InterfaceStatus::InUse;
    html! {
        tr {
            td data-is="Network interface" { code { (interface.network_interface_id) } }
            td data-is="Subnet" {
                code { (interface.pair.subnet) }
                @if let Some(zone) = &interface.zone { " " (zone) }
            }
            td data-is="Leaves from" {
                (egress(interface, standings, serves))
                @if !serves { " " span .quiet { "(not in use)" } }
            }
            td data-is="For" {
                @if let Some(since) = target.since.interface(&interface.network_interface_id) { (ago(since, now)) }
            }
        }
    }
}

fn egress(interface: &InterfacePlan, standings: &Standings<'_>, serves: bool) -> Markup {
    html! {
        @match standings.of_interface(interface) {
            After::Carries(allocation, public_ip) => { (address(allocation, public_ip)) }
            After::Without(why) => span .bad-text[serves] .quiet[!serves] {
                @if serves { "uncovered: " }
                (reason(&why.to_string()))
                @if let Some(actor) = standings.culprit_of(interface) { "; taken off by " (actor) }
            },
            After::Awaits(why) => span .quiet {
                "no address yet"
                @if let Some(why) = why { ": " (why) }
            },
        }
    }
}

pub(super) fn address(allocation: &AllocationId, public_ip: Option<IpAddr>) -> Markup {
    html! {
        @if let Some(ip) = public_ip { (ip) " " }
        code .quiet { (allocation) }
    }
}
