//! `eipd wait`: until a declared function is covered, for pipelines. Reads only, gently, and repairs nothing: that is the
//! daemon's work, or `apply`'s.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use clap::Args;
use futures_util::future::join_all;
use jiff::SignedDuration;
use serde::Serialize;
use tokio::time::{Instant, sleep, timeout};

use super::exit::Exit;
use super::render::style::{BAD, GOOD, WARN, paint};
use super::render::words::{age, count, plain, split_hint};
use super::wire::{self, SystemClock, Unmetered};
use super::{ConfigArgs, Error, Format, block_on, output, render};
use crate::aws::Surroundings;
use crate::config;
use crate::config::settings::Configuration;
use crate::domain::function::FunctionRef;
use crate::domain::ids::TargetName;
use crate::domain::readiness::{Egress, Wanting, readiness};
use crate::domain::reason::Shown;
use crate::reconcile::vigil::Vigil;
use crate::telemetry::log::LogSettings;

/// Wait until a function leaves from its declared addresses
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Wait {
    #[command(flatten)]
    config: ConfigArgs,
    /// The function as the configuration declares it: name, name:qualifier or ARN
    #[arg(long, value_name = "NAME", value_parser = function)]
    function: FunctionRef,
    /// Give up after this, at most 24h
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = duration)]
    timeout: Duration,
    /// How to answer
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

const AFTER_HELP: &str = "\
Examples:
  eipd wait --function billing
  eipd wait -c eipd.toml --function billing:live --timeout 15m
  aws lambda update-function-configuration … && eipd wait --function billing && ./smoke-test

Covered means that an invocation now leaves from a declared address: the function is active, no update of it is in
progress or failed, each of its subnets has an interface in use, and each of those carries an address of the
function's set by both of EC2's views. The same holds for each version that counts (`versions` in the file): by
default for those that its aliases lead to, weighted routes included. Nothing is repaired: a daemon has to run, or
`eipd apply` before.
It asks after 1 s, then ever more rarely, up to every 10 s: about four calls each time, one more for each version, and
where all versions count a list of those of the region once a minute. Ctrl-C ends it at once.
Exit codes: 0 covered, 2 not covered in time, 1 the function is not declared, or could not tell, 64 wrong usage.";

const SHORTEST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(10);
const TIMEOUT_MAX: Duration = Duration::from_secs(24 * 3600);

fn duration(text: &str) -> Result<Duration, String> {
    let duration = text.parse::<SignedDuration>().ok().and_then(|span| Duration::try_from(span).ok());
    duration
        .filter(|span| !span.is_zero() && *span <= TIMEOUT_MAX)
        .ok_or_else(|| "expected a duration like `5m`, at most 24h".to_owned())
}

fn function(text: &str) -> Result<FunctionRef, String> {
    if text.starts_with("arn:") {
        return config::function_of_arn(text).map(|(function, _)| function);
    }
    text.parse().map_err(|error: crate::domain::function::FunctionRefError| error.to_string())
}

/// What became of waiting for the function in one target.
#[derive(Serialize)]
struct Waited {
    target: TargetName,
    function: FunctionRef,
    outcome: Outcome,
    /// Why it is not covered.
    reason: Option<String>,
    /// What it leaves from.
    egress: Vec<Egress>,
    waited_seconds: f64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Covered,
    NotCovered,
    Unknown,
}

impl Wait {
    /// Waits, and says what for in vain.
    pub(super) fn run(self) -> Result<Exit, Error> {
        let waited = block_on(self.wait())?;
        match self.format {
            Format::Text => output::text(&text(&waited))?,
            Format::Json => output::json(&waited)?,
        }
        Ok(exit(&waited))
    }

    async fn wait(&self) -> Result<Vec<Waited>, Error> {
        LogSettings::from_environment()?.install()?;
        let configuration = wire::load_valid(&wire::source(self.config.file()))?;
        let vigils = self.vigils(&configuration).await?;
        let waits = vigils.into_iter().map(|(target, vigil)| self.keep(target, vigil));
        Ok(join_all(waits).await)
    }

    /// One for each target that declares the function.
    async fn vigils(&self, configuration: &Configuration) -> Result<Vec<(TargetName, Vigil)>, Error> {
        let surroundings = Surroundings::production();
        let mut vigils = Vec::new();
        for target in &configuration.targets {
            let (named, tags) = (target.declared.named(), target.declared.function_tags());
            if tags.is_empty() && !named.into_iter().any(|named| *named == self.function) {
                continue;
            }
            let settings = &configuration.settings;
            let aws = wire::connect(target, settings, &surroundings, Arc::new(Unmetered), fastrand::u64(..))
                .await?;
            let account = target.stated.account.clone();
            let clock = Arc::new(SystemClock);
            let vigil = Vigil::over(&self.function, &target.declared, account, Arc::new(aws), clock);
            vigils.extend(vigil.map(|vigil| (target.name.clone(), vigil)));
        }
        if vigils.is_empty() {
            let all = configuration.targets.iter().flat_map(|target| target.declared.named());
            return Err(Error::Undeclared {
                function: self.function.clone(),
                declared: all.filter(|declared| declared.name() == self.function.name()).cloned().collect(),
            });
        }
        Ok(vigils)
    }

    /// Looks until it is so or the time is over.
    async fn keep(&self, target: TargetName, mut vigil: Vigil) -> Waited {
        let begun = Instant::now();
        let last: RefCell<Option<Wanting>> = RefCell::default();
        let looks = async {
            let mut waits = waits();
            loop {
                let judged = match vigil.look().await {
                    Ok(observed) => readiness(&self.function, vigil.desired(), &observed),
                    Err(why) => Err(Wanting::Unseen(why)),
                };
                let wanting = match judged {
                    Ok(egress) => return egress,
                    Err(wanting) => wanting,
                };
                if last.borrow().as_ref() != Some(&wanting) {
                    let why = wanting.to_string();
                    output::remark(&format!(
                        "waiting for `{}`: {}",
                        self.function,
                        plain(split_hint(&why).0)
                    ));
                }
                last.replace(Some(wanting));
                sleep(waits.next().unwrap_or(LONGEST_WAIT)).await;
            }
        };
        let looked = timeout(self.timeout, looks).await;
        let waited_seconds = begun.elapsed().as_secs_f64();
        let function = self.function.clone();
        match looked {
            Ok(egress) => {
                Waited { target, function, outcome: Outcome::Covered, reason: None, egress, waited_seconds }
            }
            Err(_elapsed) => {
                let last = last.into_inner();
                let last = last.unwrap_or_else(|| Wanting::Unseen("AWS has not answered yet".to_owned()));
                let outcome = if last.is_blindness() { Outcome::Unknown } else { Outcome::NotCovered };
                let reason = Some(last.to_string());
                Waited { target, function, outcome, reason, egress: Vec::new(), waited_seconds }
            }
        }
    }
}

/// Ever longer, so that many pipelines side by side leave Lambda's 15 requests a second to others.
fn waits() -> impl Iterator<Item = Duration> {
    ExponentialBuilder::default()
        .with_factor(1.5)
        .with_min_delay(SHORTEST_WAIT)
        .with_max_delay(LONGEST_WAIT)
        .without_max_times()
        .build()
}

/// Not knowing outweighs not being covered, as everywhere.
fn exit(waited: &[Waited]) -> Exit {
    let is = |outcome| waited.iter().any(|waited| waited.outcome == outcome);
    if is(Outcome::Unknown) {
        Exit::CouldNotTell
    } else if is(Outcome::NotCovered) {
        Exit::Drift
    } else {
        Exit::Good
    }
}

fn text(waited: &[Waited]) -> String {
    let mut text = String::new();
    for one in waited {
        let place = if waited.len() > 1 { format!(" in {}", one.target) } else { String::new() };
        let (style, word) = match one.outcome {
            Outcome::Covered => (GOOD, "covered"),
            Outcome::NotCovered => (BAD, "not covered"),
            Outcome::Unknown => (WARN, "not known to be covered"),
        };
        let after = age(Duration::from_secs_f64(one.waited_seconds));
        let lead = format!("function {}{place}: {} after {after}", one.function, paint(style, word));
        match &one.reason {
            Some(reason) => {
                let written = render::remark(&mut text, format_args!("{lead}:"), reason);
                debug_assert!(written.is_ok(), "a text can be written to");
            }
            None => {
                let interfaces = count(one.egress.len(), "interface", "interfaces");
                text += &format!("{lead}, by {interfaces}\n");
            }
        }
        for egress in &one.egress {
            let address = Shown(&egress.allocation_id, egress.public_ip);
            text += &format!("  {} ({}) carries {address}\n", egress.network_interface_id, egress.subnet_id);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waited(outcome: Outcome, reason: Option<&str>) -> Waited {
        let egress = Egress {
            network_interface_id: "eni-0a1b2c3d".parse().expect("an id"),
            subnet_id: "subnet-0a1b2c3d".parse().expect("an id"),
            allocation_id: "eipalloc-0a1b2c3d".parse().expect("an id"),
            public_ip: "198.51.100.7".parse().ok(),
        };
        Waited {
            target: "default".parse().expect("a name"),
            function: "billing".parse().expect("a function"),
            outcome,
            reason: reason.map(str::to_owned),
            egress: if outcome == Outcome::Covered { vec![egress] } else { Vec::new() },
            waited_seconds: 12.3,
        }
    }

    #[test]
    fn the_answer_says_what_it_leaves_from_or_what_is_wanting() {
        let said = |one| anstream::adapter::strip_str(&text(&[one])).to_string();
        insta::assert_snapshot!(
            [
                said(waited(Outcome::Covered, None)),
                said(waited(Outcome::NotCovered, Some("it is inactive; hint: invoke it once"))),
                said(waited(Outcome::Unknown, Some("ec2:DescribeAddresses failed: denied"))),
            ]
            .concat()
        );
    }

    #[test]
    fn not_knowing_outweighs_not_being_covered() {
        use Outcome::{Covered, NotCovered, Unknown};
        for (outcomes, expected) in [
            (&[Covered, Covered][..], Exit::Good),
            (&[Covered, NotCovered], Exit::Drift),
            (&[NotCovered, Unknown], Exit::CouldNotTell),
        ] {
            let all: Vec<Waited> = outcomes.iter().map(|outcome| waited(*outcome, None)).collect();
            assert_eq!(exit(&all), expected);
        }
    }

    #[test]
    fn waits_grow_from_one_second_to_ten() {
        let waits: Vec<Duration> = waits().take(10).collect();
        assert_eq!((waits[0], waits[9]), (SHORTEST_WAIT, LONGEST_WAIT));
        assert!(waits.is_sorted());
    }

    #[test]
    fn a_timeout_is_a_duration_above_zero() {
        assert_eq!(duration("5m"), Ok(Duration::from_secs(300)));
        for bad in ["", "5", "0s", "-5m", "25h", "soon"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }
}
