//! The loop around the pure core: when to make a pass (`driver`), what a pass is (`pass`), and what it needs from the
//! outside (`ports`).

pub mod ports;
