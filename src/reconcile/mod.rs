//! The loop around the pure core: when to make a pass (`driver`), what a pass is (`pass`), and what it needs from the
//! outside (`ports`).

mod act;
mod aftermath;
mod blame;
mod budget;
mod contest;
pub mod driver;
mod function_book;
mod gate;
mod hesitation;
pub mod inbox;
mod known;
mod ledger;
mod look;
pub mod network;
mod observe;
pub mod pass;
pub mod ports;
mod recent;
mod removal;
mod retirement;
pub mod schedule;
pub mod selections;
mod unsettled;
mod version_book;
mod versions;
pub mod vigil;
