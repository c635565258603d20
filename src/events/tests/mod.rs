//! The parser and the pattern on events as AWS sends them, and on what nobody should send.

mod hostile;
mod meaning;
mod samples;
mod selection;
