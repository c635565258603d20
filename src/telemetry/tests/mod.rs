//! What this room promises to its readers: scrapers, probes, people and those who read logs.

mod exposition;
mod journal;
mod loopback;
mod metrics;
mod page;
mod status;
