//! `eipd` keeps one promise: every in-use network interface of every declared Lambda function carries an Elastic IP
//! of that function's declared set, always, and nothing else is ever touched.
//!
//! # Data flow
//!
//! ```text
//! eipd.toml ─► Desired ─┐
//!                       ├─► plan() ─► Plan ─► audit() ─► act ─► report ─► metrics, status, log
//! AWS ─► Observed ──────┘                                  ▲
//! poll timer, queue, reload ─► trigger(scope) ─────────────┘ one pass at a time per target
//! ```
//!
//! A trigger says that it is time to look, never what is there: the pass reads the facts itself. All state lives in
//! AWS; what is kept in memory is a cache, safe to lose.
//!
//! # Dependency rule
//!
//! [`domain`] is pure and knows nobody. [`reconcile`] knows `domain` and asks the outside through `reconcile::ports`.
//! The rooms that implement those ports know `domain` and the ports. Only the command line wires them together.
//! `tests/tidy.rs` enforces it.

pub mod aws;
pub mod cli;
pub mod config;
pub mod domain;
pub mod events;
pub mod reconcile;
pub mod telemetry;
