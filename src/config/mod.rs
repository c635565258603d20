//! From a file and the environment to a valid [`settings::Configuration`], or to every fault at once, each with its place.

pub mod settings;
