//! A deterministic simulator of the parts of AWS that eipd talks to.
//!
//! ```text
//!   SDK, in process ─► SimConnector ─┐                     ┌─► wire (EC2, Lambda, STS, ─► World
//!                                    ├─► Sim (weather,  ───┤         SQS, EventBridge)      │
//!   boto3, a daemon ─► HttpServer ───┘   throttle, clock)  └─► journal      data plane, law watch,
//!                                                                           events ─► rules ─► queues
//! ```
//!
//! [`world::World`] is pure: time and seed come in, and the same calls at the same times give the same world. What it
//! assumes where AWS is not certain are the numbered [`beliefs`]. [`Sim`] gives it a clock (tokio's, which a test may
//! pause), bad weather, long polls and a journal. It sits below the SDK and shares no type with eipd, so that it cannot inherit a
//! mistake of eipd's.
//!
//! Events: what callers and Lambda change is told as CloudTrail tells it, travels by [`EventWeather`] to EventBridge's
//! rules and from there into queues, whose policies must admit it. [`World::wire_events`] makes the whole way at once.
//!
//! A test asserts at its end that [`Sim::complaints`] (asked for, not simulated) and [`Sim::violations`] (laws
//! broken by eipd's credentials) are empty, and looks at [`world::World::exposure`] for the egress gaps.

pub mod beliefs;
pub mod chance;
mod clock;
mod connector;
mod faults;
mod journal;
mod moment;
mod relay;
mod server;
mod sim;
#[cfg(test)]
mod tests;
mod throttle;
mod torn;
mod wait;
mod wire;
pub mod world;

pub use beliefs::Beliefs;
pub use clock::SimTimeSource;
pub use connector::SimConnector;
pub use faults::{Effect, Fault, On, Staleness, When};
pub use journal::{Ending, Entry, Journal};
pub use moment::Moment;
pub use server::HttpServer;
pub use sim::{EIPD_ACCESS_KEY, SECRET_ACCESS_KEY, STRAY_ACCESS_KEY, Sim};
pub use throttle::{Bucket, Limits, Rate};
pub use wire::{Credentials, Principal, Reply, Request, Service};
pub use world::{
    ADDRESS_EVENTS, AclRule, Bus, EventCounts, EventWeather, FunctionState, Gap, GapKind, Hand, Interface,
    InterfaceStatus, LastUpdate, MESSAGE_LIMIT, NewAddress, NewEvent, NewFunction, NewInterface, NewRule,
    Outbound, Outcome, Population, Queue, QueueWeather, Received, Refusal, RouteTarget, Rule, Span, Target,
    Timing, Undelivered, Violation, ViolationKind, VpcConfig, World, WorldConfig,
};
