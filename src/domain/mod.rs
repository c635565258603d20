//! The pure core: what is desired, what was observed, what differs, what to do about it, and whether that is allowed.
//!
//! `declared` + what AWS shows of it → `resolve` → `desired`; `desired` + `observed` → `drift` → `plan` (with `allotment`, `matching` and `rendezvous`) → `audit` → `report`.
//!
//! There is no SDK here, no runtime, no clock, no randomness, no log and no environment: time comes in as an
//! argument, and the same facts give the same plan on every machine.

pub mod action;
pub mod allotment;
pub mod allow_list;
pub mod assume;
pub mod audit;
pub mod bystanders;
pub mod declared;
pub mod desired;
pub mod disruption;
pub mod drain;
pub mod drift;
pub mod error_class;
pub mod explain;
pub mod firewall;
pub mod function;
pub mod hint;
pub mod ids;
pub mod index;
pub mod leave;
pub mod matching;
pub mod naming;
pub mod network;
pub mod objection;
pub mod observed;
pub mod occupancy;
pub mod permissions;
pub mod plan;
pub mod policy;
pub mod priority;
pub mod readiness;
pub mod reason;
pub mod rendezvous;
pub mod report;
pub mod resolve;
pub mod roster;
pub mod shortage;
pub mod tag;
pub mod versions;
pub mod warnings;

#[cfg(test)]
pub(crate) mod scenario;
