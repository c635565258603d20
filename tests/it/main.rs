//! Integration tests, one binary: linking the SDK once is what takes long.

#![allow(unreachable_pub, reason = "a binary of tests has no outside")]

mod addresses;
mod assume;
mod budget;
mod cli;
mod convergence;
mod crash;
mod doctor;
mod egress;
mod events;
mod explain;
mod notify;
mod process;
mod readme;
mod reload;
mod replicas;
mod rhythm;
mod rig;
mod silence;
mod simulator;
mod small;
mod switchover;
mod targets;
mod versions;
mod wait;
mod weather;
mod wiring;
