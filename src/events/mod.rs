//! What AWS tells about changes, before a poll would find them: EventBridge events, delivered through a queue. And what
//! eipd tells others: `detector` finds the changes of state in reports, `outbox` and `publisher` take them to a bus.
//!
//! An event is a hint with a scope: it says where to look, never what is there. Nothing here changes or decides
//! anything, and no promise rests on an event that arrives; a forged one can at worst cause a read.

pub mod consumer;
pub mod detector;
pub mod event;
mod hints;
pub mod kind;
mod note;
pub mod notification;
pub mod outbox;
pub mod parse;
pub mod pattern;
pub mod publisher;
mod record;
pub mod wiring;

#[cfg(test)]
mod tests;
