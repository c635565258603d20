//! eipd.
pub mod config;
pub mod domain;
pub mod reconcile;
