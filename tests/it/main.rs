//! Integration tests, one binary: linking the SDK once is what takes long.

#![allow(unreachable_pub, reason = "a binary of tests has no outside")]

mod accounts;
mod addresses;
mod assume;
mod beliefs;
mod budget;
mod cli;
mod comparison;
mod convergence;
mod crash;
mod credentials;
mod disruptions;
mod doctor;
mod documents;
mod egress;
mod events;
mod explain;
mod gate;
mod notify;
mod outage;
mod permissions;
mod policies;
mod process;
mod readme;
mod receiving;
mod reload;
mod removal;
mod replicas;
mod rhythm;
mod rig;
mod selectors;
mod silence;
mod simulator;
mod small;
mod switchover;
mod taking;
mod targets;
mod thieves;
mod versions;
mod wait;
mod watching;
mod weather;
mod wiring;
