//! Where the rooms are connected for one pass: configuration, log, AWS and reconciliation. `daemon` connects what a
//! long run needs besides.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::Error;
use super::take::{self, Take};
use crate::aws::{
    AssumedRole, AwsTarget, EventBus, EventWiring, Manner, Place, SqsQueue, Surroundings, region_of,
};
use crate::config;
use crate::config::settings::{Configuration, Settings, Target};
use crate::config::source::{Source, environment};
use crate::domain::error_class::ErrorClass;
use crate::domain::leave::Named;
use crate::domain::policy::{DisruptionBudget, Mode};
use crate::domain::report::{Report, Trigger};
use crate::reconcile::pass::{Limits, Orders, Ports, Reconciler};
use crate::reconcile::ports::{Audience, CallMeter, Clock};
use crate::telemetry::ChangesOnly;
use crate::telemetry::log::LogSettings;

/// A single pass may take as long as the rate limit makes it: a thousand repairs at EC2's pace are some minutes.
pub(super) const ONE_PASS_WITHIN: Duration = Duration::from_secs(30 * 60);

/// What an operator allows for one pass, beyond the configuration.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Consent {
    /// So many disruptions for each target, whatever the configured budget is.
    pub(super) disruptions: Option<usize>,
    /// What may be taken.
    pub(super) take: Vec<Take>,
}

/// What came of one pass that changes things.
#[derive(Debug)]
pub(super) struct Applied {
    /// The reports, in the order of the file.
    pub(super) reports: Vec<Report>,
    /// Why nothing came of what was named, for the operator.
    pub(super) untaken: Vec<String>,
}

/// A configuration, or what is wrong with it.
#[derive(Debug)]
pub(super) struct Loaded {
    /// Where it comes from, for people: the file's path or the variable's name.
    pub(super) source: String,
    /// The configuration, or every fault with its place.
    pub(super) outcome: Result<Configuration, Vec<String>>,
}

/// The time of the machine.
pub(super) struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// Nobody scrapes a process that makes one pass.
pub(super) struct Unmetered;

impl CallMeter for Unmetered {
    fn record(&self, _: &'static str, _: Result<(), ErrorClass>, _: Duration) {}
}

/// Where the configuration is, by the command line and the environment.
pub(super) fn source(file: Option<&Path>) -> Source {
    Source::resolve(file.map(Path::to_owned), &environment(std::env::vars_os()))
}

/// Reads and validates the configuration, offline.
pub(super) fn load(source: &Source) -> Loaded {
    let outcome = config::load(source, &environment(std::env::vars_os()));
    let outcome = outcome.map_err(|faults| faults.iter().map(ToString::to_string).collect());
    Loaded { source: source.name().to_string(), outcome }
}

/// As [`load`], for a verb that can't go on without.
pub(super) fn load_valid(source: &Source) -> Result<Configuration, Error> {
    let Loaded { source, outcome } = load(source);
    outcome.map_err(|faults| Error::Configuration { source_name: source, faults })
}

/// Looks once at each target, side by side, and changes nothing; the reports come in the order of the file.
pub(super) async fn plan(file: Option<&Path>) -> Result<Vec<Report>, Error> {
    let configuration = begin(file)?;
    let mut lines = reconcilers(&configuration, &changes_only()).await?;
    Ok(pass_over(&mut lines, Mode::Observe).await)
}

/// Makes one pass over each target, side by side, that changes what the configuration and the operator allow.
pub(super) async fn apply(file: Option<&Path>, consent: &Consent) -> Result<Applied, Error> {
    let configuration = begin(file)?;
    let mut lines = reconcilers(&configuration, &changes_only()).await?;
    let mut named = Named::default();
    if !consent.take.is_empty() {
        let seen = pass_over(&mut lines, Mode::Observe).await;
        named = take::resolve(&consent.take, &configuration, &lines, &seen)?;
    }
    for (_, orders) in &mut lines {
        if let Some(allowed) = consent.disruptions {
            orders.disruptions = DisruptionBudget { per_pass: allowed, per_hour: allowed };
        }
        orders.named = named.clone();
    }
    let reports = pass_over(&mut lines, configuration.settings.mode).await;
    let untaken = take::why_nothing(&named, &lines, &reports);
    Ok(Applied { reports, untaken })
}

fn changes_only() -> Arc<dyn Audience> {
    Arc::new(ChangesOnly)
}

/// The log and the configuration, for a verb that makes single passes.
pub(super) fn begin(file: Option<&Path>) -> Result<Configuration, Error> {
    LogSettings::from_environment()?.install()?;
    load_valid(&source(file))
}

/// Each target's reconciler with its orders.
pub(super) async fn reconcilers(
    configuration: &Configuration,
    audience: &Arc<dyn Audience>,
) -> Result<Vec<(Reconciler, Orders)>, Error> {
    let (settings, surroundings) = (&configuration.settings, &Surroundings::production());
    let mut lines = Vec::new();
    for target in &configuration.targets {
        let (meter, audience) = (Arc::new(Unmetered), Arc::clone(audience));
        let (reconciler, _) = reconciler(target, settings, surroundings, meter, audience).await?;
        lines.push((reconciler, orders(target, settings)));
    }
    Ok(lines)
}

/// One pass over each target, side by side.
pub(super) async fn pass_over(lines: &mut [(Reconciler, Orders)], mode: Mode) -> Vec<Report> {
    let passes = lines.iter_mut().map(|(reconciler, orders)| async move {
        orders.mode = mode;
        let limits =
            Limits { within: ONE_PASS_WITHIN, cancel: CancellationToken::new(), function_reads: usize::MAX };
        let passed = reconciler.pass(orders, Trigger::Start, &limits).await;
        passed.expect("nobody cancels a single pass").report
    });
    join_all(passes).await
}

/// What a target's passes are to establish.
pub(super) fn orders(target: &Target, settings: &Settings) -> Orders {
    Orders {
        declared: Arc::new(target.declared.clone()),
        mode: settings.mode,
        function_refresh: settings.function_refresh,
        account: target.stated.account.clone(),
        take_from: settings.take_from,
        switchover_grace: settings.switchover_grace,
        disruptions: settings.disruptions,
        on_removed: settings.on_removed,
        named: Named::default(),
        drain: None,
    }
}

/// A reconciler of a target, over the real AWS. Targets share their surroundings: each connector of its own would hold all
/// the certificates of the machine once more.
pub(super) async fn reconciler(
    target: &Target,
    settings: &Settings,
    surroundings: &Surroundings,
    meter: Arc<dyn CallMeter>,
    audience: Arc<dyn Audience>,
) -> Result<(Reconciler, String), Error> {
    let seed = fastrand::u64(..);
    let aws = connect(target, settings, surroundings, meter, seed).await?;
    let region = aws.region().to_owned();
    let aws = Arc::new(aws);
    let ports = Ports { reads: aws.clone(), changes: aws, clock: Arc::new(SystemClock), audience };
    Ok((Reconciler::new(target.name.clone(), ports, seed), region))
}

/// The real AWS of a target, if it is where the configuration says.
pub(super) async fn connect(
    target: &Target,
    settings: &Settings,
    surroundings: &Surroundings,
    meter: Arc<dyn CallMeter>,
    seed: u64,
) -> Result<AwsTarget, Error> {
    let role = target.role.clone().map(|role| AssumedRole { arn: role.arn, external_id: role.external_id });
    let place = Place { region: target.region.clone(), role };
    tracing::debug!(target = target.name.as_str(), seed, "the seed of retries and jitter");
    let manner = Manner { rate_share: settings.rate_share, seed, meter };
    let aws = AwsTarget::connect(&place, surroundings, manner).await;
    let aws = aws.map_err(|source| Error::Target { target: target.name.clone(), source })?;
    let stated = target.stated.region.as_ref().filter(|stated| *stated != aws.region());
    if let Some(stated) = stated {
        return Err(Error::Region {
            target: target.name.clone(),
            region: aws.region().to_owned(),
            stated: stated.clone(),
        });
    }
    Ok(aws)
}

/// The APIs that wire events up, over the real AWS, in the region that the queue's URL tells.
pub(super) async fn event_wiring(settings: &Settings) -> Result<EventWiring, Error> {
    let manner =
        Manner { rate_share: settings.rate_share, seed: fastrand::u64(..), meter: Arc::new(Unmetered) };
    let region = settings.queue_url.as_deref().and_then(region_of);
    EventWiring::connect(region, &Surroundings::production(), manner).await.map_err(Error::Wiring)
}

/// The queue with the events, over the real AWS. The credentials are the process's own, whatever roles the targets have.
pub(super) async fn queue(
    url: &str,
    settings: &Settings,
    meter: Arc<dyn CallMeter>,
) -> Result<SqsQueue, Error> {
    let manner = Manner { rate_share: settings.rate_share, seed: fastrand::u64(..), meter };
    let queue = SqsQueue::connect(url, &Surroundings::production(), manner).await;
    queue.map_err(|source| Error::Queue { url: url.to_owned(), source })
}

/// The bus that is published on, over the real AWS. The credentials are the process's own, as with the queue.
pub(super) async fn bus(
    bus: &str,
    settings: &Settings,
    meter: Arc<dyn CallMeter>,
) -> Result<EventBus, Error> {
    let manner = Manner { rate_share: settings.rate_share, seed: fastrand::u64(..), meter };
    let made = EventBus::connect(bus, &Surroundings::production(), manner).await;
    made.map_err(|source| Error::Bus { bus: bus.to_owned(), source })
}
