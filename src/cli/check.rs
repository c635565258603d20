//! `eipd check`: is the configuration valid? Offline; its answer is the list of faults, so that goes to stdout.

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
    let declared = || configuration.targets.iter().map(|target| &target.declared);
    let functions = declared().map(|declared| declared.named().count()).sum();
    let pools = declared().map(|declared| declared.pools.len()).sum();
    let addresses = declared().map(|own| own.allocations().len() + own.public_ips().len()).sum();
    let of_tags = |tags: usize| match tags {
        0 => String::new(),
        tags => format!(" and those of {}", count(tags, "tag", "tags")),
    };
    format!(
        "valid; {}{}, {}, {}{}, {}",
        count(functions, "function", "functions"),
        of_tags(declared().map(|declared| declared.function_tags().len()).sum()),
        count(pools, "pool", "pools"),
        count(addresses, "address", "addresses"),
        of_tags(declared().map(|declared| declared.address_tags().len()).sum()),
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
    use std::time::Duration;

    use super::*;
    use crate::config::settings::{Settings, Stated, Target};
    use crate::domain::declared::{AddressName, Declared, DeclaredFunctions, DeclaredPool, Which};
    use crate::domain::policy::{BystanderPolicy, Grace, Mode, RateShare, TakeFrom};
    use crate::domain::priority::Priority;
    use crate::domain::versions::Versions;

    fn configuration() -> Configuration {
        let ids = ["eipalloc-0a1b2c3d", "eipalloc-0a1b2c3e"];
        let addresses = ids.map(|id| AddressName::Allocation(id.parse().expect("an id"))).into();
        let pool: crate::domain::ids::PoolName = "partner-a".parse().expect("a name");
        let named = |name: &str| DeclaredFunctions {
            which: Which::Named(name.parse().expect("a name")),
            pool: pool.clone(),
            pins: [].into(),
            versions: Versions::default(),
            priority: Priority::default(),
        };
        let functions = ["billing", "reports", "audit"].map(named).into();
        let pools = [(pool.clone(), DeclaredPool { addresses, min_spare: 1, ..DeclaredPool::default() })];
        let declared = Declared { pools: pools.into(), functions };
        let name = "default".parse().expect("a name");
        Configuration {
            settings: Settings {
                disruptions: crate::domain::policy::DisruptionBudget::default(),
                on_removed: crate::domain::policy::OnRemoved::default(),
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
            targets: vec![Target { name, region: None, role: None, stated: Stated::default(), declared }],
            told: Vec::new(),
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
    fn what_tags_select_is_counted_by_the_tags() {
        let mut configuration = configuration();
        let declared = &mut configuration.targets[0].declared;
        let tag: crate::domain::tag::Tag = "team=a".parse().expect("a tag");
        declared.functions[0].which = Which::Tagged(tag.clone());
        declared.pools.values_mut().for_each(|pool| pool.tag = Some(tag.clone()));
        assert_eq!(
            inventory(&configuration),
            "valid; 2 functions and those of 1 tag, 1 pool, 2 addresses and those of 1 tag, 1 target"
        );
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
