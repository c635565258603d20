//! `eipd plan --assume`: what a deployment would need before it runs. Observes once, imagines, plans, and says where how
//! many addresses are short; changes nothing and makes nothing.

mod spoken;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write};
use std::net::IpAddr;
use std::path::Path;

use futures_util::future::join_all;
use serde::Serialize;

use super::exit::Exit;
use super::render::pool::Figures;
use super::render::style::{BAD, GOOD, HEAD, QUIET, WARN, paint};
use super::render::words::{plain, split_hint};
use super::sight::{self, Sight};
use super::{Error, Format, block_on, output, render};
use crate::domain::assume::{Assumed, Assumption, Short, Shortage, Unassumable, assume};
use crate::domain::desired::Desired;
use crate::domain::function::FunctionRef;
use crate::domain::ids::{AllocationId, NetworkInterfaceId, PoolName, SecurityGroupId, SubnetId, TargetName};
use crate::domain::network::Network;
use crate::domain::observed::InterfaceStatus;
use crate::domain::plan::{InterfacePlan, Plan, PoolFigures, Verdict, plan};
use crate::domain::reason::Shown;
use crate::reconcile::network;
pub(super) use spoken::parse;

/// What the assumptions come to in one target.
#[derive(Serialize)]
struct Forecast {
    target: TargetName,
    assumed: Vec<Settings>,
    /// The interfaces of the assumed settings, and those elsewhere that would come to be without.
    interfaces: Vec<Foreseen>,
    /// Beyond what is short now.
    short: Vec<Short>,
    /// What is short now, and would be still.
    short_already: Vec<Short>,
    enough: bool,
    pools: BTreeMap<PoolName, PoolFigures>,
    /// Why it may be otherwise.
    failures: Vec<String>,
    /// What is not known of the assumed subnets.
    notes: Vec<String>,
}

/// The settings that a function is assumed to get.
#[derive(Serialize)]
struct Settings {
    function: FunctionRef,
    subnet_ids: Vec<SubnetId>,
    security_group_ids: Vec<SecurityGroupId>,
}

/// An interface as it would stand.
#[derive(Serialize)]
struct Foreseen {
    /// Nothing for one that does not exist yet.
    network_interface_id: Option<NetworkInterfaceId>,
    subnet_id: SubnetId,
    security_group_ids: Vec<SecurityGroupId>,
    zone: Option<String>,
    functions: Vec<FunctionRef>,
    verdict: &'static str,
    allocation_id: Option<AllocationId>,
    public_ip: Option<IpAddr>,
    detail: Option<String>,
}

/// Observes once, and says what would be short.
pub(super) fn run(file: Option<&Path>, assumptions: &[Assumption], format: Format) -> Result<Exit, Error> {
    let mut functions = BTreeSet::new();
    if let Some(twice) = assumptions.iter().find(|one| !functions.insert(&one.function)) {
        return Err(Error::AssumedTwice(twice.function.clone()));
    }
    let grounds = block_on(look(file, assumptions))?;
    let is_declared = |one: &&Assumption| grounds.iter().any(|ground| ground.declares(one));
    if let Some(undeclared) = assumptions.iter().find(|one| !is_declared(one)) {
        return Err(Unassumable::Undeclared(undeclared.function.clone()).into());
    }
    let forecasts: Vec<Forecast> = grounds
        .iter()
        .filter_map(|ground| forecast(ground, assumptions).transpose())
        .collect::<Result<_, _>>()?;
    match format {
        Format::Text => output::text(&text(&forecasts))?,
        Format::Json => output::json(&forecasts)?,
    }
    let told = forecasts.iter().flat_map(|one| one.failures.iter().chain(&one.notes));
    let told: BTreeSet<&String> = told.collect();
    told.into_iter().for_each(|failure| output::remark(&render::failure(failure)));
    Ok(exit(&forecasts))
}

fn exit(forecasts: &[Forecast]) -> Exit {
    if forecasts.iter().any(|one| !one.failures.is_empty()) {
        Exit::CouldNotTell
    } else if forecasts.iter().all(|one| one.enough) {
        Exit::Good
    } else {
        Exit::Drift
    }
}

/// What was seen of a target, and of those assumed subnets that none of its functions uses yet.
struct Ground {
    sight: Sight,
    subnets: Network,
    /// Assumed subnets that EC2 does not show.
    unseen: BTreeSet<SubnetId>,
}

impl Ground {
    fn declares(&self, assumption: &Assumption) -> bool {
        self.sight.desired.functions.contains_key(&assumption.function)
    }

    fn notes(&self) -> Vec<String> {
        let unseen = self.unseen.iter().map(|subnet| {
            format!("EC2 shows no `{subnet}` in this account and region, so its zone is not known; hint: check the id")
        });
        self.subnets.unread.iter().cloned().chain(unseen).collect()
    }
}

/// Looks at every target, side by side.
async fn look(file: Option<&Path>, assumptions: &[Assumption]) -> Result<Vec<Ground>, Error> {
    let sights = sight::all(file).await?;
    let grounds = sights.into_iter().map(|sight| async move {
        let declared = assumptions.iter().filter(|one| sight.desired.functions.contains_key(&one.function));
        let is_unknown = |subnet: &&SubnetId| {
            let network = sight.observed.as_ref().map(|observed| &observed.network);
            network.is_some_and(|network| network.facts(subnet).is_none_or(|facts| facts.subnet.is_none()))
        };
        let subnets = declared.flat_map(|one| one.subnets.iter().flatten());
        let asked: BTreeSet<SubnetId> = subnets.filter(is_unknown).cloned().collect();
        let subnets = network::read(&*sight.reads, &asked).await;
        let is_unseen = |subnet: &SubnetId| subnets.facts(subnet).is_none_or(|facts| facts.subnet.is_none());
        let unseen =
            asked.into_iter().filter(|subnet| subnets.unread.is_empty() && is_unseen(subnet)).collect();
        Ground { sight, subnets, unseen }
    });
    Ok(join_all(grounds).await)
}

/// Nothing for a target that declares none of the functions.
fn forecast(ground: &Ground, assumptions: &[Assumption]) -> Result<Option<Forecast>, Error> {
    let sight = &ground.sight;
    let here: Vec<Assumption> = assumptions.iter().filter(|one| ground.declares(one)).cloned().collect();
    if here.is_empty() {
        return Ok(None);
    }
    let Some(observed) = &sight.observed else {
        return Ok(Some(Forecast {
            target: sight.target.clone(),
            assumed: Vec::new(),
            interfaces: Vec::new(),
            short: Vec::new(),
            short_already: Vec::new(),
            enough: false,
            pools: BTreeMap::new(),
            failures: sight.report.failures.clone(),
            notes: Vec::new(),
        }));
    };
    let assumed = assume(&here, &sight.desired, observed, &ground.subnets)?;
    let plan = plan(&sight.desired, &assumed.observed);
    let plans = Plans { present: &sight.report.plan, assumed: &plan };
    let foreseen = foresee(&sight.target, &sight.desired, &assumed, &plans);
    Ok(Some(Forecast { notes: ground.notes(), ..foreseen }))
}

/// What is planned now, and what would be.
struct Plans<'a> {
    present: &'a Plan,
    assumed: &'a Plan,
}

fn foresee(target: &TargetName, desired: &Desired, assumed: &Assumed, plans: &Plans<'_>) -> Forecast {
    let plan = plans.assumed;
    let Shortage { more: short, already: short_already } = Shortage::between(plans.present, plan);
    let is_without = |interface: &InterfacePlan| {
        let is_bare = matches!(interface.verdict, Verdict::Uncovered(_));
        interface.status == InterfaceStatus::InUse && (is_bare || interface.dead_end.is_some())
    };
    let is_assumed = |interface: &InterfacePlan| assumed.pairs.contains(&interface.pair);
    let without_now: BTreeSet<&NetworkInterfaceId> = plans
        .present
        .interfaces
        .iter()
        .filter(|one| is_without(one))
        .map(|one| &one.network_interface_id)
        .collect();
    let gets_worse =
        |one: &InterfacePlan| is_without(one) && !without_now.contains(&one.network_interface_id);
    let concerned = || plan.interfaces.iter().filter(|one| is_assumed(one) || gets_worse(one));
    let is_short =
        |one: &InterfacePlan| matches!(&one.verdict, Verdict::Uncovered(why) if why.is_want_of_addresses());
    let pools = assumed.settings.keys().filter_map(|function| desired.functions.get(function));
    let pools: BTreeSet<&PoolName> = pools.map(|declared| &declared.pool).collect();
    Forecast {
        target: target.clone(),
        assumed: assumed
            .settings
            .iter()
            .map(|(function, vpc)| Settings {
                function: function.clone(),
                subnet_ids: vpc.subnets.iter().cloned().collect(),
                security_group_ids: vpc.security_groups.iter().cloned().collect(),
            })
            .collect(),
        interfaces: concerned().map(|one| Foreseen::of(one, assumed)).collect(),
        enough: short.is_empty()
            && !concerned().any(|one| is_assumed(one) && gets_worse(one) && !is_short(one)),
        short,
        short_already,
        pools: pools.into_iter().filter_map(|pool| Some((pool.clone(), *plan.pools.get(pool)?))).collect(),
        failures: assumed.observed.gaps.iter().map(ToString::to_string).collect(),
        notes: Vec::new(),
    }
}

impl Foreseen {
    fn of(interface: &InterfacePlan, assumed: &Assumed) -> Self {
        let (mut verdict, allocation_id, public_ip, mut detail) = match &interface.verdict {
            Verdict::Covered(allocation, ip) => ("covered", Some(allocation.clone()), *ip, None),
            Verdict::Gets(allocation, ip) => ("gets", Some(allocation.clone()), Some(*ip), None),
            Verdict::Uncovered(reason) => (reason.code(), None, None, Some(reason.to_string())),
        };
        if let Some(reason) = interface.no_internet_route() {
            (verdict, detail) = (reason.code(), Some(reason.to_string()));
        }
        let id = &interface.network_interface_id;
        Self {
            network_interface_id: (!assumed.imagined.contains(id)).then(|| id.clone()),
            subnet_id: interface.pair.subnet.clone(),
            security_group_ids: interface.pair.security_groups.iter().cloned().collect(),
            zone: interface.zone.as_deref().map(str::to_owned),
            functions: interface.functions.to_vec(),
            verdict,
            allocation_id,
            public_ip,
            detail,
        }
    }
}

fn text(forecasts: &[Forecast]) -> String {
    let mut text = String::new();
    for one in forecasts {
        let written = target(&mut text, one, forecasts.len() > 1);
        debug_assert!(written.is_ok(), "a text can be written to");
    }
    text
}

fn places(short: &[Short]) -> Vec<String> {
    let place = |short: &Short| {
        let zone = short.zone.as_deref().map(|zone| plain(zone).into_owned());
        let place = zone.or_else(|| short.subnet_id.as_ref().map(ToString::to_string)).unwrap_or_default();
        format!("short by {} in {place}", short.short)
    };
    short.iter().map(place).collect()
}

fn target(f: &mut String, forecast: &Forecast, is_one_of_several: bool) -> fmt::Result {
    if is_one_of_several {
        writeln!(f, "{}", paint(HEAD, format_args!("target {}", forecast.target)))?;
    }
    for settings in &forecast.assumed {
        let (subnets, groups) =
            (listed(&settings.subnet_ids, ", "), listed(&settings.security_group_ids, "+"));
        let function = paint(HEAD, &settings.function);
        writeln!(f, "{function} in {subnets} with {groups}, beside its present settings")?;
    }
    for interface in &forecast.interfaces {
        writeln!(f, "  {interface}")?;
    }
    for (pool, figures) in &forecast.pools {
        writeln!(f, "pool {pool}: {}", Figures(figures))?;
    }
    if !forecast.failures.is_empty() {
        return writeln!(f, "{}", paint(WARN, "could not tell whether there would be enough addresses"));
    }
    let (places, places_already) = (places(&forecast.short), places(&forecast.short_already));
    match (forecast.enough, places.as_slice()) {
        (true, _) if forecast.pools.values().any(|figures| figures.shortfall > 0) => {
            writeln!(f, "{}, with fewer spare than wanted", paint(GOOD, "there would be enough addresses"))
        }
        (true, _) => writeln!(f, "{}", paint(GOOD, "there would be enough addresses")),
        (false, []) => writeln!(
            f,
            "{}",
            paint(BAD, "an interface would stay without, for another reason than a want of addresses")
        ),
        (false, places) => writeln!(f, "{}", paint(BAD, places.join(", "))),
    }?;
    match places_already.as_slice() {
        [] => Ok(()),
        places => writeln!(f, "{}", paint(WARN, format_args!("without it already {}", places.join(", ")))),
    }
}

impl fmt::Display for Foreseen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (style, sign) = match self.verdict {
            "covered" => (QUIET, '='),
            "gets" => (GOOD, '+'),
            _ => (BAD, '!'),
        };
        write!(f, "{} {}", paint(style, sign), self.subnet_id)?;
        if let Some(zone) = &self.zone {
            write!(f, " ({})", plain(zone))?;
        }
        write!(f, " with {}: ", listed(&self.security_group_ids, "+"))?;
        match &self.network_interface_id {
            Some(id) => write!(f, "{id}")?,
            None => write!(f, "a new interface")?,
        }
        match (&self.allocation_id, &self.detail) {
            (Some(allocation), _) => {
                let verb = if self.verdict == "covered" { "keeps" } else { "would get" };
                write!(f, " {verb} {}", Shown(allocation, self.public_ip))
            }
            (None, Some(detail)) => write!(f, " would stay without: {}", plain(split_hint(detail).0)),
            (None, None) => write!(f, " would stay without"),
        }
    }
}

fn listed(items: &[impl fmt::Display], between: &str) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(between)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::VpcId;
    use crate::domain::network::{RouteTable, Subnet, Way};
    use crate::domain::scenario::{World, subnet, zone_id};

    fn foreseen(world: &World, assumptions: &[&str]) -> Forecast {
        foreseen_with(world, assumptions, &Network::default())
    }

    fn foreseen_with(world: &World, assumptions: &[&str], subnets: &Network) -> Forecast {
        let assumptions: Vec<Assumption> =
            assumptions.iter().map(|text| parse(text).expect("sound")).collect();
        let assumed = assume(&assumptions, &world.desired, &world.observed, subnets).expect("sound");
        let plan = plan(&world.desired, &assumed.observed);
        let plans = Plans { present: &world.plan(), assumed: &plan };
        foresee(&"default".parse().expect("a name"), &world.desired, &assumed, &plans)
    }

    fn estate(addresses: &[u32]) -> World {
        let world =
            World::new().pool("partner-a", addresses, 1).function("billing", "partner-a", &[1, 2], &[1]);
        world.eni(1, 1, &[1]).eni(2, 2, &[1]).on(1, 1).on(2, 2)
    }

    #[test]
    fn what_is_short_is_said_by_place_and_what_suffices_too() {
        let said = |one: Forecast| anstream::adapter::strip_str(&text(&[one])).to_string();
        let change = ["billing:subnets=subnet-00000001,subnet-00000002,subnet-00000007;sgs=sg-00000002"];
        let short = foreseen(&estate(&[1, 2, 3]), &change);
        assert_eq!(exit(std::slice::from_ref(&short)), Exit::Drift);
        insta::assert_snapshot!(said(short));
        let enough = foreseen(&estate(&[1, 2, 3, 4, 5]), &change);
        assert_eq!(exit(std::slice::from_ref(&enough)), Exit::Good);
        insta::assert_snapshot!("there_is_enough", said(enough));
    }

    #[test]
    fn what_is_short_already_is_told_apart() {
        let world =
            estate(&[1, 2]).eni(5, 1, &[1]).pool("q", &[7, 8], 0).function("reports", "q", &[1], &[9]);
        let forecast = foreseen(&world, &["reports:sgs=sg-00000008"]);
        assert_eq!(exit(std::slice::from_ref(&forecast)), Exit::Good);
        let told = anstream::adapter::strip_str(&text(&[forecast])).to_string();
        assert!(
            told.ends_with("there would be enough addresses\nwithout it already short by 1 in eu-west-1a\n"),
            "{told}"
        );
        assert!(!told.contains("eni-00000005"), "{told}");
    }

    /// Subnet 7 is in a zone of its own and leads out, subnet 8 in the same and leads nowhere.
    fn new_subnets() -> Network {
        let vpc: VpcId = "vpc-00000001".parse().expect("an id");
        let numbers = [7, 8];
        let subnets = numbers.map(|n| Subnet {
            id: subnet(n),
            vpc: vpc.clone(),
            zone: Some("eu-west-1c".into()),
            zone_id: Some(zone_id(3)),
        });
        let tables = numbers.map(|n| RouteTable {
            id: format!("rtb-{n:08x}").parse().expect("an id"),
            vpc: vpc.clone(),
            is_main: false,
            subnets: [subnet(n)].into(),
            ipv4: if n == 7 { Way::InternetGateway("igw-1".to_owned()) } else { Way::Missing },
            ipv6: Way::Missing,
        });
        Network::of(&numbers.map(subnet).into(), subnets.to_vec(), &tables)
    }

    #[test]
    fn subnets_that_nothing_uses_yet_are_told_by_their_zone_and_by_where_they_lead() {
        let said = |one: Forecast| anstream::adapter::strip_str(&text(&[one])).to_string();
        let change = ["billing:subnets=subnet-00000007,subnet-00000008;sgs=sg-00000001"];
        let short = foreseen_with(&estate(&[1, 2]), &change, &new_subnets());
        assert_eq!(exit(std::slice::from_ref(&short)), Exit::Drift);
        insta::assert_snapshot!("new_subnets", said(short));
        let enough = foreseen_with(&estate(&[1, 2, 3, 4]), &change, &new_subnets());
        assert_eq!(
            exit(std::slice::from_ref(&enough)),
            Exit::Drift,
            "an address is no use without a way out"
        );
    }

    #[test]
    fn json_has_each_interface_and_each_place() {
        let forecast = foreseen(&estate(&[1, 2]), &["billing:sgs=sg-00000002"]);
        let json = serde_json::to_value([forecast]).expect("it serialises");
        assert_eq!((&json[0]["enough"], &json[0]["short"][0]["short"]), (&false.into(), &2.into()));
        assert_eq!(json[0]["short"][0]["zone"], "eu-west-1a");
        let interface = &json[0]["interfaces"][0];
        assert!(interface["network_interface_id"].is_null(), "it does not exist");
        assert_eq!(interface["verdict"], "no_free_address");
        assert_eq!(json[0]["assumed"][0]["security_group_ids"][0], "sg-00000002");
    }
}
