//! From a file and the environment to a valid [`settings::Configuration`], or to every fault at once, each with its
//! place.
//!
//! A text goes through `document` (the tree, with places), `sections` (each table by itself), `links` (what the tables
//! say of one another) and `scalars` (the fixed sections, merged with the environment). Each of them reports
//! what is wrong and goes on with the rest. `watch` tells when the text of a file changes.
//!
//! Never reads the environment of the process, never asks AWS, and keeps nothing between two loads.

mod arn;
mod document;
pub mod fault;
mod keys;
mod links;
pub mod reference;
mod scalars;
mod sections;
mod selectors;
pub mod settings;
pub mod source;
pub mod watch;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::thread;

use crate::domain::function::FunctionRef;
use crate::domain::ids::AccountId;
use document::{Fields, Spot, Text};
use fault::{Fault, Faults};
use links::Tables;
use settings::Configuration;
use source::Source;

/// The stack for reading a text. The `toml` crate bounds nesting to 80 levels and keys to 80 parts, but a
/// text that uses both to the full is 6,400 tables deep, and dropping these outgrows the 2 MiB of an ordinary thread.
const STACK: usize = 64 << 20;

/// Reads, merges and validates the configuration.
///
/// `environment` holds the variables of the process (see [`source::environment`]); of these the
/// overrides, `EIPD__SECTION__KEY`, are read. Blocks while the file is read, so call it off the runtime's threads.
///
/// # Errors
///
/// Everything that is wrong, in the order of the text.
pub fn load(source: &Source, environment: &BTreeMap<String, String>) -> Result<Configuration, Faults> {
    let text = Text::new(source.name(), source.read()?);
    thread::scope(|scope| {
        let thread = thread::Builder::new().name("configuration".to_owned()).stack_size(STACK);
        match thread.spawn_scoped(scope, || validate(&text, environment)) {
            Ok(running) => running.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            Err(error) => Err(source.fault(format!("no thread to read it in: {error}")).into()),
        }
    })
}

/// The function that an ARN names, with its region and account.
///
/// # Errors
///
/// What is wrong with the ARN.
pub fn function_of_arn(text: &str) -> Result<(FunctionRef, (String, AccountId)), String> {
    match arn::function(text, text) {
        Ok(arn::NamedFunction { reference, home: Some(home) }) => {
            Ok((reference, (home.region, home.account)))
        }
        Ok(_) => Err(format!("`{text}` is not an ARN")),
        Err(refusal) => Err(refusal.problem),
    }
}

fn validate(text: &Text, environment: &BTreeMap<String, String>) -> Result<Configuration, Faults> {
    let (faults, configuration) = match document::parse(text) {
        Err(faults) => (faults, None),
        Ok((table, mut faults)) => {
            let configuration = read(&Fields::root(text, &table), text, environment, &mut faults);
            (faults, configuration)
        }
    };
    match (Faults::new(faults), configuration) {
        (Some(faults), _) => Err(faults),
        (None, Some(configuration)) => Ok(configuration),
        (None, None) => Err(Spot::whole(text).fault("no settings could be read").into()),
    }
}

fn read(
    root: &Fields<'_>,
    text: &Text,
    environment: &BTreeMap<String, String>,
    faults: &mut Vec<Fault>,
) -> Option<Configuration> {
    let tables = ["targets", "pools", "functions"];
    let known: Vec<_> = keys::SECTIONS.into_iter().chain(tables).collect();
    root.refuse_unknown(&known, scalars::home_of, faults);
    let mut notes = Vec::new();
    let (settings, in_force) = scalars::settings(root, environment, faults);
    let before = faults.len();
    let functions = sections::tables(root, "functions", faults, sections::function);
    let told = faults.len() > before;
    if !told && functions.as_ref().is_none_or(Vec::is_empty) {
        let fault = Spot::whole(text).fault("nothing to do: no function is declared");
        faults.push(fault.with_hint("add a [[functions]] table with a `name` and a `pool`"));
    }
    let tables = Tables {
        targets: sections::tables(root, "targets", faults, sections::target).unwrap_or_default(),
        pools: sections::pools(root, faults),
        functions: functions.unwrap_or_default(),
        bystanders: settings.as_ref().map(|settings| settings.bystanders).unwrap_or_default(),
    };
    let targets = links::link(&tables, faults, &mut notes);
    Some(Configuration { settings: settings?, targets, told: in_force, notes })
}
