//! How the daemon is seen from outside: metrics, the log, health, and the HTTP server that shows them.
//!
//! [`Telemetry`] is the one audience of passes and the meter of AWS requests; it keeps `metrics` (moved in `record`),
//! `status` (with `health`) and `journal` (the log lines about passes), and `http` serves it. `log` and `panic` set up
//! the process. Everything shown is made from reports: this room reads neither AWS nor files, decides nothing, and
//! knows only `domain` and the ports that it implements.

mod after;
mod audience;
pub mod catalogue;
mod configured;
mod health;
pub mod http;
mod journal;
pub mod log;
mod metrics;
mod page;
pub mod panic;
mod recent;
mod record;
mod series;
mod since;
mod status;
mod uncovered_time;

pub use audience::{ChangesOnly, REVISION, Telemetry, VERSION};
pub use configured::Configured;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;
