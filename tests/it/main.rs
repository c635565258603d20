//! Integration tests, one binary: linking the SDK once is what takes long.

mod simulator;
