//! What AWS tells about changes, before a poll would find them: EventBridge events, delivered through a queue.
//!
//! An event is a hint with a scope: it says where to look, never what is there. Nothing here changes or decides
//! anything, and no promise rests on an event that arrives; a forged one can at worst cause a read.

pub mod consumer;
pub mod event;
pub mod kind;
pub mod parse;
pub mod pattern;
mod record;
pub mod wiring;

#[cfg(test)]
mod tests;
