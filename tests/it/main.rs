//! Integration tests, one binary: linking the SDK once is what takes long.

mod convergence;
mod rig;
mod simulator;
