//! The loop around the pure core: when to make a pass (`driver`), what a pass is (`pass`), and what it needs from the
//! outside (`ports`).

mod act;
pub mod driver;
mod function_book;
mod gate;
mod hesitation;
mod ledger;
mod observe;
pub mod pass;
pub mod ports;
mod recent;
mod schedule;
