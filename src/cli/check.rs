//! `eipd check`: is the configuration valid? Offline; its answer is the list of faults, so that goes to stdout.

use std::collections::BTreeSet;
use std::fmt::Write;

use clap::Args;

use super::exit::Exit;
use super::render::style::{BAD, paint};
use super::render::words::{count, plain};
use super::wire::{self, Loaded};
use super::{ConfigArgs, Error, output};
use crate::config::settings::Configuration;

/// Validate the configuration, offline, and print every fault with its place
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Check {
    #[command(flatten)]
    pub(super) config: ConfigArgs,
}

const AFTER_HELP: &str = "\
Examples:
  eipd check -c eipd.toml
  EIPD_CONFIG_INLINE=\"$(cat eipd.toml)\" eipd check

Exit codes: 0 valid, 1 not valid or not readable.";

impl Check {
    /// Reads the configuration and prints its faults, or what it declares.
    pub(super) fn run(self) -> Result<Exit, Error> {
        let loaded = wire::load(&wire::source(self.config.file()));
        let answer = answer(&loaded);
        output::text(&answer.data)?;
        answer.remark.iter().for_each(|remark| output::remark(remark));
        Ok(answer.exit)
    }
}

#[derive(Debug)]
struct Answer {
    data: String,
    remark: Option<String>,
    exit: Exit,
}

fn answer(loaded: &Loaded) -> Answer {
    let source = plain(&loaded.source);
    match &loaded.outcome {
        Ok(configuration) => {
            let data = format!("{source}: {}\n{}", inventory(configuration), notes(configuration));
            Answer { data, remark: None, exit: Exit::Good }
        }
        Err(faults) => {
            let data = faults.iter().fold(String::new(), |mut data, fault| {
                data.extend([fault.trim_end(), "\n"]);
                data
            });
            let summary = count(faults.len(), "fault", "faults");
            let remark = format!("{} {source}: {summary}", paint(BAD, "error:"));
            Answer { data, remark: Some(remark), exit: Exit::CouldNotTell }
        }
    }
}

fn inventory(configuration: &Configuration) -> String {
    let desired = || configuration.targets.iter().map(|target| &target.desired);
    let functions = desired().map(|desired| desired.functions.len()).sum();
    let pools = desired().map(|desired| desired.pools.len()).sum();
    let addresses: BTreeSet<_> = desired().flat_map(|desired| desired.allocations()).collect();
    format!(
        "valid; {}, {}, {}, {}",
        count(functions, "function", "functions"),
        count(pools, "pool", "pools"),
        count(addresses.len(), "address", "addresses"),
        count(configuration.targets.len(), "target", "targets"),
    )
}

fn notes(configuration: &Configuration) -> String {
    configuration.notes.iter().fold(String::new(), |mut notes, note| {
        writeln!(notes, "note: {}", plain(note)).expect("a string takes every text");
        notes
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::config::settings::{Settings, Stated, Target};
    use crate::domain::desired::{Desired, DesiredFunction, Pool};
    use crate::domain::policy::{BystanderPolicy, Grace, Mode, RateShare, TakeFrom};
    use crate::domain::versions::Versions;

    fn configuration() -> Configuration {
        let allocations = ["eipalloc-0a1b2c3d", "eipalloc-0a1b2c3e"].map(|id| id.parse().expect("an id"));
        let pool: crate::domain::ids::PoolName = "partner-a".parse().expect("a name");
        let function = DesiredFunction { pool: pool.clone(), pins: [].into(), versions: Versions::default() };
        let allocations = Arc::new(allocations.into());
        let declared = Pool { allocations, min_spare: 1, bystanders: BystanderPolicy::Report };
        let desired = Desired {
            pools: [(pool, declared)].into(),
            functions: ["billing", "reports", "audit"]
                .map(|name| (name.parse().expect("a name"), function.clone()))
                .into(),
        };
        let name = "default".parse().expect("a name");
        Configuration {
            settings: Settings {
                queue_url: None,
                take_from: TakeFrom::default(),
                bystanders: BystanderPolicy::default(),
                switchover_grace: Grace::default(),
                event_bus: None,
                poll_interval: Duration::from_secs(60),
                function_refresh: Duration::from_secs(300),
                listen: ([127, 0, 0, 1], 9464).into(),
                mode: Mode::Enforce,
                rate_share: RateShare::default(),
            },
            targets: vec![Target { name, region: None, role: None, stated: Stated::default(), desired }],
            notes: vec!["`safety.take_from` is not acted on yet".to_owned()],
        }
    }

    #[test]
    fn a_valid_configuration_is_counted() {
        let loaded = Loaded { source: "eipd.toml".to_owned(), outcome: Ok(configuration()) };
        let answer = answer(&loaded);
        assert_eq!(
            answer.data,
            "eipd.toml: valid; 3 functions, 1 pool, 2 addresses, 1 target\n\
             note: `safety.take_from` is not acted on yet\n"
        );
        assert_eq!((answer.remark, answer.exit), (None, Exit::Good));
    }

    #[test]
    fn faults_are_the_data_and_their_number_the_remark() {
        let faults = vec!["eipd.toml:3:1: one".to_owned(), "eipd.toml:9:5: two\n".to_owned()];
        let loaded = Loaded { source: "eipd.toml".to_owned(), outcome: Err(faults) };
        let answer = answer(&loaded);
        assert_eq!(answer.data, "eipd.toml:3:1: one\neipd.toml:9:5: two\n");
        let remark = answer.remark.expect("faults are counted");
        assert_eq!(anstream::adapter::strip_str(&remark).to_string(), "error: eipd.toml: 2 faults");
        assert_eq!(answer.exit, Exit::CouldNotTell);
    }
}
