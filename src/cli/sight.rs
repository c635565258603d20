//! One look at each target, for verbs that only tell: what was seen, what would be done about it, and the way to read
//! more. Changes nothing, whatever the configuration allows.

use std::path::Path;
use std::sync::Arc;

use futures_util::future::join_all;
use tokio_util::sync::CancellationToken;

use super::Error;
use super::wire::{self, ONE_PASS_WITHIN};
use crate::aws::Surroundings;
use crate::config::settings::{Settings, Target};
use crate::domain::desired::Desired;
use crate::domain::ids::TargetName;
use crate::domain::observed::Observed;
use crate::domain::policy::{Mode, TakeFrom};
use crate::domain::report::{Report, Trigger};
use crate::domain::resolve::{Selection, resolve};
use crate::reconcile::pass::{Limits, Ports, Reconciler};
use crate::reconcile::ports::Reads;
use crate::telemetry::ChangesOnly;
use crate::telemetry::log::LogSettings;

/// A target as it was seen once.
pub(super) struct Sight {
    /// The target.
    pub(super) target: TargetName,
    /// Its region.
    pub(super) region: String,
    /// Whether the configuration lets the daemon change anything.
    pub(super) mode: Mode,
    /// From what it lets addresses be taken.
    pub(super) take_from: TakeFrom,
    /// What is declared.
    pub(super) desired: Arc<Desired>,
    /// What would be done.
    pub(super) report: Report,
    /// What was seen; nothing when the report is of a failure.
    pub(super) observed: Option<Observed>,
    /// The way to read more.
    pub(super) reads: Arc<dyn Reads>,
}

/// Looks at every target, side by side.
pub(super) async fn all(file: Option<&Path>) -> Result<Vec<Sight>, Error> {
    LogSettings::from_environment()?.install()?;
    let configuration = wire::load_valid(&wire::source(file))?;
    let settings = &configuration.settings;
    let surroundings = &Surroundings::production();
    let looks = configuration.targets.iter().map(|target| of(target, settings, surroundings));
    join_all(looks).await.into_iter().collect()
}

/// Looks at one target.
async fn of(target: &Target, settings: &Settings, surroundings: &Surroundings) -> Result<Sight, Error> {
    let seed = fastrand::u64(..);
    let aws = wire::connect(target, settings, surroundings, Arc::new(wire::Unmetered), seed).await?;
    let region = aws.region().to_owned();
    let aws = Arc::new(aws);
    let ports = Ports {
        reads: aws.clone(),
        changes: aws.clone(),
        clock: Arc::new(wire::SystemClock),
        audience: Arc::new(ChangesOnly),
    };
    let mut reconciler = Reconciler::new(target.name.clone(), ports, seed);
    let mut orders = wire::orders(target, settings);
    orders.mode = Mode::Observe;
    let limits =
        Limits { within: ONE_PASS_WITHIN, cancel: CancellationToken::new(), function_reads: usize::MAX };
    let passed = reconciler.pass(&orders, Trigger::Start, &limits).await;
    let report = passed.expect("nobody cancels a single pass").report;
    let (desired, observed) = match reconciler.into_seen() {
        Some((desired, observed)) => (desired, Some(observed)),
        None => (Arc::new(resolve(&orders.declared, &Selection::default()).0), None),
    };
    Ok(Sight {
        target: target.name.clone(),
        region,
        mode: settings.mode,
        take_from: settings.take_from,
        desired,
        report,
        observed,
        reads: aws,
    })
}
