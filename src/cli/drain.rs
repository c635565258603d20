//! `eipd drain`: takes the declared addresses off the interfaces, for a teardown. Asks before; never releases one.

use std::collections::BTreeSet;
use std::io::{self, IsTerminal};

use clap::Args;
use serde::Serialize;

use super::exit::Exit;
use super::wire;
use super::{ConfigArgs, Error, Format, block_on, output, render};
use crate::config::settings::Configuration;
use crate::domain::action::Outcome;
use crate::domain::declared::Declared;
use crate::domain::drain::Scope;
use crate::domain::function::FunctionRef;
use crate::domain::ids::{PoolName, TargetName};
use crate::domain::policy::{DisruptionBudget, Mode};
use crate::domain::report::{ActionReport, Coverage, Report};

/// Take the declared addresses off the network interfaces, for a teardown; releases none
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Drain {
    #[command(flatten)]
    config: ConfigArgs,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Only from the interfaces that this declared function uses, whoever shares them; can be repeated
    #[arg(long, value_name = "NAME")]
    function: Vec<FunctionRef>,
    /// Only the addresses of this pool; can be repeated
    #[arg(long, value_name = "POOL")]
    pool: Vec<PoolName>,
    /// How to answer
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

const AFTER_HELP: &str = "\
Examples:
  eipd drain -c eipd.toml
  eipd drain --function billing
  eipd drain --yes --format json | jq '.[].actions'

A running daemon gives the addresses back: stop it first, or take the functions out of its file.
Exit codes: 0 all of them are off, 1 not, or nothing was done.";

/// What became of the addresses of a target.
#[derive(Serialize)]
struct Drained<'a> {
    target: &'a TargetName,
    actions: &'a [ActionReport],
}

impl Drain {
    /// Shows what would be taken off, asks, and takes it off.
    pub(super) fn run(self) -> Result<Exit, Error> {
        block_on(self.drain())
    }

    async fn drain(self) -> Result<Exit, Error> {
        let configuration = wire::begin(self.config.file())?;
        let scope = self.scope(&configuration)?;
        let mut lines = wire::reconcilers(&configuration).await?;
        for (_, orders) in &mut lines {
            orders.drain = Some(scope.clone());
        }
        let seen = wire::pass_over(&mut lines, Mode::Observe).await;
        if seen.iter().any(|report| report.coverage() == Coverage::Unknown) {
            seen.iter().flat_map(|report| &report.plan.warnings).for_each(|w| output::remark(&w.message));
            render::failures(&seen).iter().for_each(|line| output::remark(line));
            return Err(Error::DrainedBlindly);
        }
        judge_names(&scope, &seen)?;
        let planned = seen.iter().map(|report| report.plan.actions.len()).sum::<usize>();
        if self.format == Format::Text {
            output::text(&render::drain(&seen))?;
        }
        if planned > 0 {
            if configuration.settings.mode == Mode::Observe {
                return Err(Error::ObserveOnly);
            }
            output::remark("a running daemon would give them back: stop it first");
            if !self.yes && !asked(planned)? {
                return Err(Error::NotConfirmed);
            }
        }
        for ((_, orders), report) in lines.iter_mut().zip(&seen) {
            // Exactly as many as were shown.
            let allowed = report.plan.actions.len();
            orders.disruptions = DisruptionBudget { per_pass: allowed, per_hour: allowed };
        }
        let done = if planned > 0 { wire::pass_over(&mut lines, Mode::Enforce).await } else { seen };
        self.tell(&done, planned)
    }

    fn tell(&self, done: &[Report], planned: usize) -> Result<Exit, Error> {
        if self.format == Format::Json {
            let all: Vec<_> =
                done.iter().map(|r| Drained { target: &r.target, actions: &r.actions }).collect();
            output::json(&all)?;
        } else if planned > 0 {
            output::text(&render::drain(done))?;
        }
        render::failures(done).iter().for_each(|line| output::remark(line));
        let breakers = done.iter().filter_map(|report| report.breaker);
        breakers.for_each(|_| output::remark("more is there now than was shown; look again"));
        let is_off = |report: &Report| report.actions.iter().all(|action| action.outcome == Outcome::Done);
        let is_seen = |report: &Report| report.coverage() != Coverage::Unknown;
        let all = done.iter().all(|report| is_off(report) && is_seen(report));
        Ok(if all { Exit::Good } else { Exit::CouldNotTell })
    }

    /// What is named must be declared, else a slip of the pen would drain nothing and look like success.
    fn scope(&self, configuration: &Configuration) -> Result<Scope, Error> {
        let functions: BTreeSet<_> = self.function.iter().cloned().collect();
        let pools: BTreeSet<_> = self.pool.iter().cloned().collect();
        let targets = || configuration.targets.iter().map(|target| &target.declared);
        // What a tag selects only AWS can tell.
        let may_declare = |declared: &Declared, function: &FunctionRef| {
            !declared.function_tags().is_empty() || declared.named().any(|named| named == function)
        };
        let unknown = functions.iter().find(|f| !targets().any(|declared| may_declare(declared, f)));
        if let Some(function) = unknown {
            return Err(Error::NoSuchFunction { name: function.to_string() });
        }
        let all: BTreeSet<PoolName> = targets().flat_map(|declared| declared.pools.keys().cloned()).collect();
        if let Some(pool) = pools.iter().find(|pool| !all.contains(*pool)) {
            return Err(Error::NoSuchPool { pool: pool.clone(), pools: all.into_iter().collect() });
        }
        Ok(Scope { functions, pools })
    }
}

/// What only a tag selects is known now that it was read. A function without interfaces has nothing to take off, and one that
/// was deleted may have left its address behind, where only its pool still knows it.
fn judge_names(scope: &Scope, seen: &[Report]) -> Result<(), Error> {
    for function in &scope.functions {
        if !seen.iter().any(|report| report.desired.functions.contains_key(function)) {
            return Err(Error::NoSuchFunction { name: function.to_string() });
        }
        let interfaces = seen.iter().flat_map(|report| &report.plan.interfaces);
        if !interfaces.into_iter().any(|interface| interface.functions.contains(function)) {
            output::remark(&format!(
                "no interface of `{function}` is seen; if it was deleted, its address may still be on one: \
                 hint: drain its pool by `--pool`"
            ));
        }
    }
    Ok(())
}

/// Asks on a terminal; where there is none nobody can say yes.
fn asked(planned: usize) -> Result<bool, Error> {
    let stdin = io::stdin();
    if !stdin.is_terminal() {
        return Ok(false);
    }
    output::remark(&format!("take {planned} off? They stay allocated. [y/N]"));
    let mut answer = String::new();
    stdin.read_line(&mut answer).map_err(Error::Input)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
