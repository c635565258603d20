//! The command line: one file per verb, and the only room that wires the others together (`wire`).
//!
//! stdout is data, stderr is log and diagnostics; colour never carries meaning. A verb returns its exit code and never
//! ends the process by itself; what it prints is made by pure functions (`render`) and written in one place (`output`).

mod addresses;
mod apply;
mod assume;
mod check;
mod completions;
mod daemon;
mod doctor;
mod drain;
mod events;
pub mod exit;
mod explain;
mod health;
mod http;
mod notify;
pub mod output;
mod plan;
mod render;
mod run;
mod sight;
mod sign_in;
mod status;
mod take;
mod url;
mod wait;
mod wire;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use clap::{Args, Parser, Subcommand, ValueEnum};

use exit::Exit;

use crate::aws::SetUpError;
use crate::domain::assume::Unassumable;
use crate::domain::function::FunctionRef;
use crate::domain::ids::{AccountId, PoolName, TargetName};
use crate::events::wiring::NameError;
use crate::reconcile::pass::sign_in::SignInError;
use crate::reconcile::ports::ApiError;
use crate::telemetry::log::LogError;

/// Keeps declared Elastic IPs on the network interfaces of AWS Lambda functions in a VPC
#[derive(Debug, Parser)]
#[command(name = "eipd", version = version(), arg_required_else_help = true, after_help = AFTER_HELP)]
pub struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

const AFTER_HELP: &str = "\
Examples:
  eipd check -c eipd.toml    is the configuration valid?
  eipd doctor -c eipd.toml   is everything else as it must be?
  eipd plan -c eipd.toml     what would be done, and why; changes nothing
  eipd apply -c eipd.toml    do it once
  eipd run -c eipd.toml      keep doing it
  eipd explain billing       why it is covered or not
  eipd wait --function NAME  until it leaves from its addresses
  eipd addresses             what a partner must allow
  eipd status                what a running daemon says
  eipd drain                 take the addresses off again, for a teardown
  eipd events setup          have AWS tell of changes as they happen

Exit codes: 0 all is well, 1 could not tell, 2 something is uncovered or to be done, 64 wrong usage.
The AWS SDK's own variables hold (AWS_REGION, AWS_PROFILE, AWS_ENDPOINT_URL, …).";

#[derive(Debug, Subcommand)]
enum Verb {
    Run(run::Run),
    Plan(plan::Plan),
    Apply(apply::Apply),
    Check(check::Check),
    Explain(explain::Explain),
    Wait(wait::Wait),
    Addresses(addresses::Addresses),
    Doctor(doctor::Doctor),
    Drain(drain::Drain),
    Status(status::Status),
    Health(health::Health),
    Events(events::Events),
    Completions(completions::Completions),
}

impl Cli {
    /// Carries the verb out and says how the process should exit.
    ///
    /// # Errors
    /// When the verb could not do its work; the process should then exit with [`Exit::CouldNotTell`].
    pub fn run(self) -> Result<Exit, Error> {
        match self.verb {
            Verb::Run(verb) => verb.run(),
            Verb::Plan(verb) => verb.run(),
            Verb::Apply(verb) => verb.run(),
            Verb::Check(verb) => verb.run(),
            Verb::Explain(verb) => verb.run(),
            Verb::Wait(verb) => verb.run(),
            Verb::Addresses(verb) => verb.run(),
            Verb::Doctor(verb) => verb.run(),
            Verb::Drain(verb) => verb.run(),
            Verb::Status(verb) => verb.run(),
            Verb::Health(verb) => verb.run(),
            Verb::Events(verb) => verb.run(),
            Verb::Completions(verb) => verb.run(),
        }
    }
}

/// Where the configuration is.
#[derive(Debug, Args)]
struct ConfigArgs {
    /// The configuration file [default: $EIPD_CONFIG, then eipd.toml]
    #[arg(short, long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    config: Option<PathBuf>,
}

impl ConfigArgs {
    /// The file that was named; nothing leaves the choice to the configuration room.
    fn file(&self) -> Option<&Path> {
        self.config.as_deref()
    }
}

/// In which form a verb answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
enum Format {
    /// For a person
    #[default]
    Text,
    /// For a program
    Json,
}

/// Why a verb could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The process has no threads, file descriptors or timers left.
    #[error("the asynchronous runtime could not be started")]
    Runtime(#[source] io::Error),
    /// The answer could not be written, for another reason than that nobody reads it.
    #[error("standard output could not be written")]
    Output(#[source] io::Error),
    /// The answer could not be put into JSON.
    #[error("the answer could not be put into JSON")]
    Json(#[source] serde_json::Error),
    /// The daemon's address is not usable.
    #[error(transparent)]
    Url(#[from] url::Error),
    /// The daemon could not be asked.
    #[error(transparent)]
    Http(#[from] http::Error),
    /// The daemon answered something that is no status.
    #[error(
        "`{url}` answered something that is not the status of eipd; hint: is another program listening there?"
    )]
    NotAStatus {
        /// What was asked.
        url: String,
        /// What is wrong with the answer.
        #[source]
        source: serde_json::Error,
    },
    /// The configuration has faults.
    #[error("{source_name} cannot be used:\n{}", faults.join("\n"))]
    Configuration {
        /// Where it is.
        source_name: String,
        /// Every fault with its place.
        faults: Vec<String>,
    },
    /// The log can't be set up.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A target's AWS clients can't be made.
    #[error("target `{target}` can't be reached")]
    Target {
        /// The target.
        target: TargetName,
        /// Why.
        #[source]
        source: SetUpError,
    },
    /// The queue's client can't be made.
    #[error("queue `{url}` can't be read")]
    Queue {
        /// The queue.
        url: String,
        /// Why.
        #[source]
        source: SetUpError,
    },
    /// The event bus's client can't be made.
    #[error("event bus `{bus}` can't be published on")]
    Bus {
        /// Its name or ARN.
        bus: String,
        /// Why.
        #[source]
        source: SetUpError,
    },
    /// The names for the wiring can't be used.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The function that is waited for is not declared.
    #[error(
        "function `{function}` is not declared, so nothing covers it{}",
        if declared.is_empty() { String::new() } else { format!("; hint: the configuration declares {}", quoted(declared)) }
    )]
    Undeclared {
        /// The function.
        function: FunctionRef,
        /// What is declared under its name.
        declared: Vec<FunctionRef>,
    },
    /// The configuration has no such pool.
    #[error("there is no pool `{pool}`; hint: the configuration has {}", quoted(pools))]
    NoSuchPool {
        /// The pool.
        pool: PoolName,
        /// The pools that there are.
        pools: Vec<PoolName>,
    },
    /// Something can't be assumed.
    #[error(transparent)]
    Assume(#[from] Unassumable),
    /// A function is assumed to be in two ways.
    #[error("function `{0}` is assumed twice; hint: say all of it in one --assume")]
    AssumedTwice(FunctionRef),
    /// A call to AWS failed.
    #[error(transparent)]
    Api(Box<ApiError>),
    /// The credentials are refused, or there are none.
    #[error(transparent)]
    SignIn(Box<SignInError>),
    /// The clients for the wiring can't be made.
    #[error("the wiring of events can't be reached")]
    Wiring(#[source] SetUpError),
    /// The configured queue is another account's.
    #[error(
        "`events.queue_url` names the account {stated}, but the credentials belong to {account}; \
         hint: use credentials of {stated}"
    )]
    QueueElsewhere {
        /// The account of the URL.
        stated: String,
        /// The account of the credentials.
        account: AccountId,
    },
    /// Something that `eipd` did not set up would have to be changed.
    #[error("nothing was changed, since it is not ours:\n{}", objections.join("\n"))]
    NotOurs {
        /// Each part with what would change.
        objections: Vec<String>,
    },
    /// A function was named that is not declared.
    #[error("function `{name}` is not declared; hint: name it as the configuration does")]
    NoSuchFunction {
        /// Its name.
        name: String,
    },
    /// Not everything could be seen, so nothing is taken off.
    #[error("not everything could be seen, so nothing was taken off")]
    DrainedBlindly,
    /// The configuration allows no changes.
    #[error(
        "`safety.mode` is `observe`, so nothing was changed; hint: EIPD__SAFETY__MODE=enforce for this once"
    )]
    ObserveOnly,
    /// Nobody said yes.
    #[error("nothing was taken off; hint: --yes does it without asking")]
    NotConfirmed,
    /// The answer to a question could not be read.
    #[error("the answer could not be read")]
    Input(#[source] io::Error),
    /// An address was named that is not declared.
    #[error("`{id}` belongs to no pool of the configuration; hint: only a declared address can be taken")]
    NotDeclared {
        /// The address.
        id: String,
    },
    /// An address was named, and not everything that tags select could be seen.
    #[error(
        "whether `{id}` is declared could not be told, so nothing was changed; hint: `eipd plan` says what can't be seen"
    )]
    NotTold {
        /// The address.
        id: String,
    },
    /// An interface was named that no declared function uses.
    #[error("no declared function uses `{id}`; hint: see `eipd plan --full` for those that are used")]
    NotUsed {
        /// The interface.
        id: String,
    },
    /// The functions' ARNs name another region than the target's.
    #[error(
        "target `{target}` is in region `{region}`, but its functions' ARNs say `{stated}`; \
         hint: set `region` of the target, or AWS_REGION"
    )]
    Region {
        /// The target.
        target: TargetName,
        /// Its region.
        region: String,
        /// What the ARNs say.
        stated: String,
    },
    /// The address for the HTTP server can't be had.
    #[error("cannot listen on {listen}; hint: set `daemon.listen` to a free address")]
    Listen {
        /// The address.
        listen: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl From<ApiError> for Error {
    fn from(error: ApiError) -> Self {
        Self::Api(Box::new(error))
    }
}

fn quoted(names: &[impl std::fmt::Display]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// Runs a verb's asynchronous part to its end.
fn block_on<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Error::Runtime)?;
    let outcome = runtime.block_on(work);
    // A name look-up can't be cancelled, and a plain drop would wait for it.
    runtime.shutdown_background();
    outcome
}

fn version() -> &'static str {
    static VERSION: LazyLock<String> = LazyLock::new(|| {
        let revision = option_env!("EIPD_REVISION").unwrap_or("unknown");
        format!("{} (revision {revision})", env!("CARGO_PKG_VERSION"))
    });
    &VERSION
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definitions_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn wrong_usage_exits_64_and_help_exits_0() {
        let cases: &[(&[&str], u8)] = &[
            (&["eipd"], 64),
            (&["eipd", "heal"], 64),
            (&["eipd", "plan", "--format", "yaml"], 64),
            (&["eipd", "plan", "--config"], 64),
            (&["eipd", "run", "--format", "json"], 64),
            (&["eipd", "explain"], 64),
            (&["eipd", "wait"], 64),
            (&["eipd", "wait", "--function", "f", "--timeout", "soon"], 64),
            (&["eipd", "addresses", "--pool", "a b"], 64),
            (&["eipd", "plan", "--assume", "billing"], 64),
            (&["eipd", "plan", "--full", "--assume", "f:sgs=sg-0a1b2c3d"], 64),
            (&["eipd", "explain", "subnet-0a1b2c3d"], 64),
            (&["eipd", "apply", "--take", "i-0a1b2c3d"], 64),
            (&["eipd", "apply", "--accept-disruptions", "all"], 64),
            (&["eipd", "--help"], 0),
            (&["eipd", "help", "plan"], 0),
            (&["eipd", "apply", "-h"], 0),
            (&["eipd", "--version"], 0),
        ];
        for (line, code) in cases {
            let error = Cli::try_parse_from(*line).expect_err("none of these is a verb to carry out");
            assert_eq!(exit::usage(&error).code(), *code, "{line:?}");
        }
    }

    #[test]
    fn verbs_are_read_with_their_options() {
        let lines: &[&[&str]] = &[
            &["eipd", "run", "-c", "a.toml", "--observe"],
            &["eipd", "plan", "--config", "a.toml", "--format", "json"],
            &["eipd", "apply", "--format=text", "--full"],
            &[
                "eipd",
                "apply",
                "--accept-disruptions",
                "7",
                "--take",
                "eni-0a1b2c3d",
                "--take=eipalloc-0a1b2c3d",
            ],
            &["eipd", "check"],
            &["eipd", "explain", "eni-0a1b2c3d", "-c", "a.toml", "--url", "http://localhost:1"],
            &["eipd", "wait", "--function", "billing:live", "--timeout", "90s", "--format", "json"],
            &["eipd", "addresses", "--pool", "a", "--pool", "b", "--format", "cidr"],
            &["eipd", "plan", "--assume", "billing:subnets=subnet-0a1b2c3d,sgs=sg-0a1b2c3d"],
            &["eipd", "explain", "arn:aws:lambda:eu-west-1:111122223333:function:billing"],
            &["eipd", "doctor", "-c", "a.toml", "--format", "json"],
            &["eipd", "drain", "--yes", "--function", "billing", "--pool", "partner-a", "--format", "json"],
            &["eipd", "status", "--url", "http://localhost:1", "--format", "json"],
            &["eipd", "health"],
            &["eipd", "completions", "zsh"],
        ];
        for line in lines {
            assert!(Cli::try_parse_from(*line).is_ok(), "{line:?}");
        }
    }

    #[test]
    fn without_an_option_the_file_is_left_to_the_configuration_room() {
        let cli = Cli::try_parse_from(["eipd", "check"]).expect("a whole command line");
        let Verb::Check(check) = cli.verb else { panic!("`check` was asked for") };
        assert_eq!(check.config.file(), None);
    }

    #[test]
    fn every_help_text_shows_examples() {
        let mut command = Cli::command();
        for verb in command.get_subcommands_mut().filter(|verb| verb.get_name() != "help") {
            let help = verb.render_long_help().to_string();
            assert!(help.contains("Examples:\n  eipd "), "{help}");
        }
    }
}
