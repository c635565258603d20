//! `eipd drain`: takes the declared addresses off the interfaces, for a teardown. Asks before; never releases one.

use std::collections::BTreeSet;
use std::io::{self, IsTerminal};
use std::time::Duration;

use clap::Args;
use serde::Serialize;
use tokio::time::sleep;

use super::exit::Exit;
use super::notify::Courier;
use super::wire;
use super::{ConfigArgs, Error, Format, block_on, output, render};
use crate::config::settings::Configuration;
use crate::domain::action::Outcome;
use crate::domain::declared::Declared;
use crate::domain::drain::{Held, Scope, held};
use crate::domain::function::FunctionRef;
use crate::domain::ids::{AllocationId, NetworkInterfaceId, PoolName, TargetName};
use crate::domain::policy::{DisruptionBudget, Mode};
use crate::domain::reason::Shown;
use crate::domain::report::{ActionReport, Coverage, Report};
use crate::reconcile::pass::{Orders, Reconciler};

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

A running daemon gives the addresses back: stop it first, or take the functions out of its file. With [notify], what was
taken off is published as by the daemon.
Exit codes: 0 all of them are off by both of EC2's views, 1 not, or nothing was done.";

/// What became of the addresses of a target.
#[derive(Serialize)]
struct Drained<'a> {
    target: &'a TargetName,
    actions: &'a [ActionReport],
    /// What is still on an interface, or may be.
    left: Vec<Held>,
}

/// EC2's two views usually agree within seconds (AWS.md 2); a drain waits so long for it between its looks.
const UNTIL_AGREED: [Duration; 4] =
    [Duration::ZERO, Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];

type Lines = Vec<(Reconciler, Orders)>;

impl Drain {
    /// Shows what would be taken off, asks, and takes it off.
    pub(super) fn run(self) -> Result<Exit, Error> {
        block_on(self.drain())
    }

    async fn drain(self) -> Result<Exit, Error> {
        let configuration = wire::begin(self.config.file())?;
        let scope = self.scope(&configuration)?;
        let courier = Courier::begin(&configuration.settings).await?;
        let mut lines = wire::reconcilers(&configuration, &courier.audience()).await?;
        let end = self.carry_out(&configuration, &mut lines, &scope, &courier).await;
        courier.end().await;
        end
    }

    async fn carry_out(
        &self,
        configuration: &Configuration,
        lines: &mut Lines,
        scope: &Scope,
        courier: &Courier,
    ) -> Result<Exit, Error> {
        for (_, orders) in lines.iter_mut() {
            orders.drain = Some(scope.clone());
        }
        let seen = look_until(lines, |held| held.is_agreed).await;
        if seen.iter().any(|report| report.coverage() == Coverage::Unknown) {
            seen.iter().flat_map(|report| &report.plan.warnings).for_each(|w| output::remark(&w.message));
            render::failures(&seen).iter().for_each(|line| output::remark(line));
            return Err(Error::DrainedBlindly);
        }
        let may_be_left = judge_names(scope, &seen, lines)?;
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
        if planned == 0 {
            return self.tell(&seen, lines, planned, may_be_left);
        }
        let done = wire::pass_over(lines, Mode::Enforce).await;
        done.iter().for_each(|report| courier.hear_changes(report));
        let is_off = done.iter().flat_map(|report| &report.actions).all(|a| a.outcome == Outcome::Done);
        let could_see = match is_off {
            // EC2 confirmed each by one view, and the other has a say too.
            true => look_until(lines, |_| false).await.iter().all(|r| r.coverage() != Coverage::Unknown),
            false => true,
        };
        self.tell(&done, lines, planned, may_be_left || !could_see)
    }

    fn tell(&self, done: &[Report], lines: &Lines, planned: usize, in_doubt: bool) -> Result<Exit, Error> {
        let left: Vec<Vec<Held>> = lines.iter().map(|(line, orders)| still_held(line, orders)).collect();
        if self.format == Format::Json {
            let all: Vec<_> = done
                .iter()
                .zip(&left)
                .map(|(r, left)| Drained { target: &r.target, actions: &r.actions, left: left.clone() })
                .collect();
            output::json(&all)?;
        } else if planned > 0 {
            output::text(&render::drain(done))?;
        }
        render::failures(done).iter().for_each(|line| output::remark(line));
        let breakers = done.iter().filter_map(|report| report.breaker);
        breakers.for_each(|_| output::remark("more is there now than was shown; look again"));
        left.iter().flatten().for_each(|held| output::remark(&told(held)));
        let is_off = |report: &Report| report.actions.iter().all(|action| action.outcome == Outcome::Done);
        let is_seen = |report: &Report| report.coverage() != Coverage::Unknown;
        let all = done.iter().all(|report| is_off(report) && is_seen(report));
        let is_good = all && !in_doubt && left.iter().all(Vec::is_empty);
        Ok(if is_good { Exit::Good } else { Exit::CouldNotTell })
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

/// Looks once, and for some seconds again while something in scope is not as it is waited for.
async fn look_until(lines: &mut Lines, is_awaited: impl Fn(&Held) -> bool) -> Vec<Report> {
    let mut seen = Vec::new();
    for wait in UNTIL_AGREED {
        sleep(wait).await;
        seen = wire::pass_over(lines, Mode::Observe).await;
        let is_blind = seen.iter().any(|report| report.coverage() == Coverage::Unknown);
        let mut held = lines.iter().flat_map(|(line, orders)| still_held(line, orders));
        if is_blind || held.all(|held| is_awaited(&held)) {
            break;
        }
    }
    seen
}

/// What is in scope and on an interface, by either of EC2's views.
fn still_held(line: &Reconciler, orders: &Orders) -> Vec<Held> {
    let Some(((desired, observed), scope)) = line.seen().zip(orders.drain.as_ref()) else {
        return Vec::new();
    };
    held(desired, observed, scope).into_iter().collect()
}

fn told(held: &Held) -> String {
    let Held { allocation_id, network_interface_id, public_ip, is_agreed } = held;
    let address = Shown(allocation_id, *public_ip);
    match is_agreed {
        true => format!("{address} is on `{network_interface_id}`"),
        false => format!(
            "{address} may be on `{network_interface_id}`: only one of DescribeAddresses and \
             DescribeNetworkInterfaces shows it there; hint: try again in a minute; what is on no interface of Lambda's is to be freed by hand"
        ),
    }
}

/// What only a tag selects is known now that it was read. A function without interfaces has nothing to take off, and one that
/// was deleted may have left its address behind, where only its pool still knows it. Whether one may have.
fn judge_names(scope: &Scope, seen: &[Report], lines: &Lines) -> Result<bool, Error> {
    let face = |id: &AllocationId| {
        let observed = lines.iter().filter_map(|(line, _)| line.seen()).map(|(_, observed)| observed);
        observed.into_iter().find_map(|observed| Some(observed.addresses.get(id)?.public_ip))
    };
    let mut may_be_left = false;
    for function in &scope.functions {
        if !seen.iter().any(|report| report.desired.functions.contains_key(function)) {
            return Err(Error::NoSuchFunction { name: function.to_string() });
        }
        let interfaces = seen.iter().flat_map(|report| &report.plan.interfaces);
        if interfaces.into_iter().any(|interface| interface.functions.contains(function)) {
            continue;
        }
        let left: Vec<_> = seen.iter().flat_map(|report| lingering(function, scope, report)).collect();
        if left.is_empty() {
            output::remark(&format!(
                "no interface of `{function}` is seen, and of its pool no address is on one that no declared function uses"
            ));
        }
        for (allocation, interface, pool) in left {
            may_be_left = true;
            let address = Shown(allocation, face(allocation));
            output::remark(&format!(
                "no interface of `{function}` is seen, and {address} of its pool is still on `{interface}`, which no \
                 declared function uses: if the function was deleted or has moved, it left it there; \
                 hint: `eipd drain --pool {pool}`"
            ));
        }
    }
    Ok(may_be_left)
}

/// The addresses of a function's pool that are on interfaces which no declared function uses.
fn lingering<'a>(
    function: &FunctionRef,
    scope: &Scope,
    report: &'a Report,
) -> Vec<(&'a AllocationId, &'a NetworkInterfaceId, &'a PoolName)> {
    let Some(declared) = report.desired.functions.get(function) else { return Vec::new() };
    let is_meant = scope.pools.is_empty() || scope.pools.contains(&declared.pool);
    let pool = report.desired.pools.get_key_value(&declared.pool).filter(|_| is_meant);
    let Some((name, pool)) = pool else { return Vec::new() };
    let all = report.plan.lingering.iter().filter(|(allocation, _)| pool.allocations.contains(allocation));
    all.map(|(allocation, interface)| (allocation, interface, name)).collect()
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
