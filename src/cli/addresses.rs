//! `eipd addresses`: the list that a partner must allow. Reads the declared addresses and nothing else; a list that lacks
//! one is told as such.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use futures_util::future::join_all;
use jiff::Timestamp;
use serde::Serialize;

use super::exit::Exit;
use super::render::style::{HEAD, paint};
use super::wire::{self, Unmetered};
use super::{ConfigArgs, Error, block_on, output, render};
use crate::aws::Surroundings;
use crate::config::settings::{Configuration, Settings, Target};
use crate::domain::allow_list::{AllowList, allow_list, declared};
use crate::domain::declared::Declared;
use crate::domain::desired::Pool;
use crate::domain::ids::{PoolName, TargetName};
use crate::reconcile::selections::{Resolved, resolve_now};
use crate::telemetry::log::LogSettings;

/// List the public addresses that a partner must allow
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Addresses {
    #[command(flatten)]
    config: ConfigArgs,
    /// Of this pool alone; may be given several times
    #[arg(long = "pool", value_name = "POOL")]
    pools: Vec<PoolName>,
    /// How to answer
    #[arg(long, value_enum, default_value_t)]
    format: Form,
}

const AFTER_HELP: &str = "\
Examples:
  eipd addresses -c eipd.toml
  eipd addresses --pool partner-a
  eipd addresses --pool partner-a --format cidr > allow.txt

A declared address that does not exist or could not be read is told on stderr: the list lacks it.
Exit codes: 0 the list is whole, 1 it is not or is empty for a pool, or there is no such pool, 64 wrong usage.";

/// In which form the list is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
enum Form {
    /// For a person
    #[default]
    Text,
    /// For a program
    Json,
    /// A line like 198.51.100.7/32 for each address, and nothing else
    Cidr,
}

/// The list of one target.
#[derive(Serialize)]
struct Listed {
    target: TargetName,
    #[serde(flatten)]
    list: AllowList,
    /// Why a part of it could not be read, or there is none.
    failures: Vec<String>,
    /// What is to be known of how the pools came about.
    remarks: Vec<String>,
}

impl Addresses {
    /// Reads the addresses and prints the list.
    pub(super) fn run(self) -> Result<Exit, Error> {
        let listed = block_on(self.list())?;
        match self.format {
            Form::Text => output::text(&text(&listed))?,
            Form::Json => output::json(&listed)?,
            Form::Cidr => output::raw(cidr(&listed).as_bytes())?,
        }
        let remarks: BTreeSet<&String> = listed.iter().flat_map(|one| &one.remarks).collect();
        remarks.iter().for_each(|message| output::remark(&render::warning(message)));
        let failures: BTreeSet<&String> = listed.iter().flat_map(|one| &one.failures).collect();
        failures.iter().for_each(|failure| output::remark(&render::failure(failure)));
        let lacking: Vec<String> =
            listed.iter().flat_map(|one| &one.list.lacking).map(ToString::to_string).collect();
        lacking.iter().for_each(|one| output::remark(&render::failure(one)));
        let is_whole = lacking.is_empty() && failures.is_empty();
        Ok(if is_whole { Exit::Good } else { Exit::CouldNotTell })
    }

    async fn list(&self) -> Result<Vec<Listed>, Error> {
        LogSettings::from_environment()?.install()?;
        let configuration = wire::load_valid(&wire::source(self.config.file()))?;
        let pools = self.chosen(&configuration)?;
        let concerned = configuration
            .targets
            .iter()
            .filter(|target| target.declared.pools.keys().any(|pool| pools.contains(pool)));
        let surroundings = &Surroundings::production();
        let lists = concerned.map(|target| list_of(target, &configuration.settings, surroundings, &pools));
        join_all(lists).await.into_iter().collect()
    }

    /// The pools that were asked for; all without any.
    fn chosen(&self, configuration: &Configuration) -> Result<BTreeSet<PoolName>, Error> {
        let all: BTreeSet<PoolName> =
            configuration.targets.iter().flat_map(|target| target.declared.pools.keys().cloned()).collect();
        match self.pools.iter().find(|pool| !all.contains(*pool)) {
            Some(pool) => Err(Error::NoSuchPool { pool: pool.clone(), pools: all.into_iter().collect() }),
            None if self.pools.is_empty() => Ok(all),
            None => Ok(self.pools.iter().cloned().collect()),
        }
    }
}

async fn list_of(
    target: &Target,
    settings: &Settings,
    surroundings: &Surroundings,
    pools: &BTreeSet<PoolName>,
) -> Result<Listed, Error> {
    let aws = wire::connect(target, settings, surroundings, Arc::new(Unmetered), fastrand::u64(..)).await?;
    // Every pool, since what one lists another does not select; and no function.
    let all = Declared { functions: Vec::new(), ..target.declared.clone() };
    let Resolved { desired, addresses: read, remarks, .. } =
        resolve_now(&aws, &Arc::new(all), Timestamp::now()).await;
    let chosen = || desired.pools.iter().filter(|(name, _)| pools.contains(*name));
    let absent = chosen().flat_map(|(_, pool)| pool.absent.iter());
    let absent = absent.map(|ip| format!("address `{ip}` does not exist in this account and region"));
    let is_empty = |pool: &Pool| pool.allocations.is_empty() && pool.absent.is_empty();
    let empty = chosen().filter(|(_, pool)| is_empty(pool));
    let empty = empty.map(|(name, _)| format!("pool `{name}` has no address in target `{}`", target.name));
    let failures = read.errors.iter().map(ToString::to_string).chain(absent).chain(empty).collect();
    let found: BTreeMap<_, _> = read.found.into_iter().map(|a| (a.allocation.clone(), a)).collect();
    let list = allow_list(declared(&desired, pools), &found, read.errors.is_empty());
    let remarks = remarks.into_iter().map(|remark| remark.message).collect();
    Ok(Listed { target: target.name.clone(), list, failures, remarks })
}

/// Each public address once, whatever target and pool it is of.
fn cidr(listed: &[Listed]) -> String {
    let ips: BTreeSet<IpAddr> =
        listed.iter().flat_map(|one| &one.list.addresses).map(|entry| entry.public_ip).collect();
    let bits = |ip: IpAddr| if ip.is_ipv4() { 32 } else { 128 };
    ips.into_iter().map(|ip| format!("{ip}/{}\n", bits(ip))).collect()
}

fn text(listed: &[Listed]) -> String {
    let mut text = String::new();
    for one in listed {
        if listed.len() > 1 {
            text += &format!("{}\n", paint(HEAD, format_args!("target {}", one.target)));
        }
        for entry in &one.list.addresses {
            let pools: Vec<String> = entry.pools.iter().map(ToString::to_string).collect();
            let ip = entry.public_ip.to_string();
            text += &format!("{ip:<15}  {:<26}  {}\n", entry.allocation_id, pools.join(", "));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::allow_list::{Entry, Lacking, Why};

    fn entry(ip: &str, n: u32, pools: &[&str]) -> Entry {
        Entry {
            public_ip: ip.parse().expect("an address"),
            allocation_id: format!("eipalloc-{n:017x}").parse().expect("an id"),
            pools: pools.iter().map(|pool| pool.parse().expect("a name")).collect(),
        }
    }

    fn listed(target: &str, addresses: Vec<Entry>) -> Listed {
        let lacking = Lacking {
            allocation_id: "eipalloc-0a1b2c3d".parse().expect("an id"),
            pools: vec!["partner-a".parse().expect("a name")],
            why: Why::AddressMissing,
        };
        let target = target.parse().expect("a name");
        let list = AllowList { addresses, lacking: vec![lacking] };
        Listed { target, list, failures: Vec::new(), remarks: Vec::new() }
    }

    #[test]
    fn the_list_is_in_three_forms() {
        let eu = listed(
            "prod-eu",
            vec![entry("9.0.0.1", 1, &["partner-a"]), entry("198.51.100.7", 2, &["partner-a", "partner-b"])],
        );
        let us = listed("prod-us", vec![entry("9.0.0.1", 1, &["partner-a"])]);
        let both = [eu, us];
        assert_eq!(cidr(&both), "9.0.0.1/32\n198.51.100.7/32\n");
        insta::assert_snapshot!(anstream::adapter::strip_str(&text(&both)).to_string());
        let json = serde_json::to_value(&both).expect("it serialises");
        assert_eq!(json[0]["addresses"][1]["public_ip"], "198.51.100.7");
        assert_eq!(json[0]["lacking"][0]["why"], "address_missing");
        assert_eq!(json[1]["target"], "prod-us");
    }
}
