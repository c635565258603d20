//! What reads AWS, one file per API call, and the paging that some of them share. Nothing here keeps what it read.

pub(super) mod account;
pub(super) mod addresses;
pub(super) mod aliases;
mod filters;
pub(super) mod function;
pub(super) mod functions;
pub(super) mod identity;
pub(super) mod network_acls;
pub(super) mod network_interfaces;
mod pages;
pub(super) mod quotas;
pub(super) mod route_tables;
pub(super) mod security_groups;
pub(super) mod subnets;
pub(super) mod tagged_functions;
