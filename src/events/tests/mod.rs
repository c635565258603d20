//! The parser and the pattern on events as AWS sends them, and on what nobody should send; what is told of reports, and
//! how it reaches a bus.

mod detection;
mod hostile;
mod meaning;
mod publishing;
mod reports;
mod samples;
mod schema;
mod selection;
