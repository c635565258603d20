//! What changes AWS, one file per API call. Each call is made once; whether to try again is decided elsewhere.

pub(super) mod associate_address;
pub(super) mod disassociate_address;
pub(super) mod dry_runs;
