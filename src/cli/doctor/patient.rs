//! Examines one target: one observation as `plan` makes it, the questions that only an examination asks, and from both
//! the checks of each family. What can't be asked is said, and the rest goes on.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error as StdError;
use std::sync::Arc;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::super::Error;
use super::super::wire::{self, ONE_PASS_WITHIN, SystemClock, Unmetered};
use super::check::{Check, Verdict};
use super::identity::Expected;
use super::{clock, estate, firewall, identity, permissions, pools, quotas, routes, trial};
use crate::aws::{AwsTarget, Surroundings};
use crate::config::settings::{Settings, Target};
use crate::domain::desired::Desired;
use crate::domain::function::{FunctionObservation, SecurityGroups};
use crate::domain::ids::{SubnetId, VpcId};
use crate::domain::observed::Observed;
use crate::domain::plan::Plan;
use crate::domain::policy::Mode;
use crate::domain::report::{PassResult, Trigger};
use crate::reconcile::pass::{Limits, Ports, Reconciler};
use crate::reconcile::ports::examination::{Examination, Identity};
use crate::reconcile::ports::{ApiError, Partial, Reads};
use crate::telemetry::ChangesOnly;

const OBSERVATION: &str = "observation";

/// What one observation saw, and what would be done.
pub(super) struct Seen {
    pub(super) desired: Arc<Desired>,
    pub(super) observed: Observed,
    pub(super) plan: Plan,
}

/// Every check of a target.
pub(super) async fn examine(
    target: &Target,
    settings: &Settings,
    surroundings: &Surroundings,
    interface_quota: Option<usize>,
) -> Vec<Check> {
    let checks = match connect(target, settings, surroundings).await {
        Ok(aws) => examine_with(Arc::new(aws), target, settings, surroundings, interface_quota).await,
        Err(error) => {
            let check = Check::told(identity::NAME, Verdict::Fail, &chain(&error));
            vec![check.or_remedy(identity::OUT_OF_REACH)]
        }
    };
    let name = Some(target.name.to_string());
    checks.into_iter().map(|check| Check { target: name.clone(), ..check }).collect()
}

/// An error and what caused it, in one line.
fn chain(error: &dyn StdError) -> String {
    let (mut told, mut cause) = (error.to_string(), error.source());
    while let Some(error) = cause {
        told.push_str(&format!(": {error}"));
        cause = error.source();
    }
    told
}

async fn connect(
    target: &Target,
    settings: &Settings,
    surroundings: &Surroundings,
) -> Result<AwsTarget, Error> {
    wire::connect(target, settings, surroundings, Arc::new(Unmetered), fastrand::u64(..)).await
}

async fn examine_with(
    aws: Arc<AwsTarget>,
    target: &Target,
    settings: &Settings,
    surroundings: &Surroundings,
    interface_quota: Option<usize>,
) -> Vec<Check> {
    let before = Timestamp::now();
    let who = aws.identity().await;
    let after = Timestamp::now();
    let base = base_identity(target, settings, surroundings).await;
    let expected = Expected {
        account: target.stated.account.as_ref(),
        role: target.role.as_ref().map(|role| role.arn.as_str()),
    };
    let check = identity::judge(&who, base.as_ref(), &expected);
    let may_go_on = check.verdict == Verdict::Pass;
    let mut checks = vec![check];
    if let Ok(who) = &who {
        checks.push(clock::judge(before, who.answered_at, after));
    }
    if !may_go_on {
        checks.push(Check::skip(OBSERVATION, "nothing more can be checked with these credentials"));
        return checks;
    }
    let (seen, failures) = observe(&aws, target, settings).await;
    let tried = trial::permissions(&aws, target, settings, seen.as_ref()).await;
    checks.extend(tried.iter().map(permissions::judge));
    checks.extend(failures);
    if let Some(seen) = &seen {
        checks.extend(seen.examine(&aws, interface_quota).await);
    }
    checks
}

/// Who the credentials are before they become the target's role.
async fn base_identity(
    target: &Target,
    settings: &Settings,
    surroundings: &Surroundings,
) -> Option<Result<Identity, ApiError>> {
    target.role.as_ref()?;
    let without_role = Target { role: None, ..target.clone() };
    let aws = connect(&without_role, settings, surroundings).await.ok()?;
    Some(aws.identity().await)
}

/// One pass that changes nothing, and why it saw nothing if so.
async fn observe(aws: &Arc<AwsTarget>, target: &Target, settings: &Settings) -> (Option<Seen>, Vec<Check>) {
    let ports = Ports {
        reads: aws.clone(),
        changes: aws.clone(),
        clock: Arc::new(SystemClock),
        audience: Arc::new(ChangesOnly),
    };
    let mut reconciler = Reconciler::new(target.name.clone(), ports, fastrand::u64(..));
    let mut orders = wire::orders(target, settings);
    orders.mode = Mode::Observe;
    let limits =
        Limits { within: ONE_PASS_WITHIN, cancel: CancellationToken::new(), function_reads: usize::MAX };
    let passed = reconciler.pass(&orders, Trigger::Start, &limits).await;
    let report = passed.expect("nobody cancels a single pass").report;
    let failed = matches!(report.result, PassResult::Failed | PassResult::Refused);
    let unseen =
        |failure: &String| Check::told(OBSERVATION, Verdict::Fail, failure).or_remedy(identity::OUT_OF_REACH);
    let failures = report.failures.iter().map(unseen).collect();
    let seen = reconciler.into_seen().filter(|_| !failed);
    let seen = seen.map(|(desired, observed)| Seen { desired, observed, plan: report.plan });
    (seen, failures)
}

impl Seen {
    /// What functions need of the network.
    fn settings(&self) -> (BTreeSet<SubnetId>, BTreeSet<SecurityGroups>) {
        let known = self.observed.functions.values().filter_map(|observation| match observation {
            FunctionObservation::Known(configuration) => Some(configuration.pairs()),
            FunctionObservation::NotFound | FunctionObservation::Unknown => None,
        });
        known.flatten().map(|pair| (pair.subnet, pair.security_groups)).unzip()
    }

    async fn examine(&self, aws: &AwsTarget, interface_quota: Option<usize>) -> Vec<Check> {
        let (subnets, sets) = self.settings();
        let groups = sets.iter().flat_map(|set| set.iter().cloned()).collect();
        let (groups, acls, quota, held, in_vpcs) = tokio::join!(
            aws.security_groups(&groups),
            aws.network_acls(&subnets),
            aws.address_quota(),
            aws.addresses_held(),
            self.interfaces_by_vpc(aws),
        );
        let mut checks = estate::judge(&self.observed, &self.plan);
        checks.extend(routes::judge(&subnets, &self.observed.network));
        checks.extend(read("security_groups", groups, |groups| firewall::judge_groups(&sets, &groups)));
        checks.extend(read("network_acls", acls, |acls| firewall::judge_acls(&subnets, &acls)));
        checks.extend(pools::judge_border_groups(&self.desired, &self.observed));
        let short_of = self.plan.pools.values().map(|figures| figures.shortfall).sum();
        checks.push(match (quota, held) {
            (Ok(quota), Ok(held)) => quotas::judge_addresses(quota, held, short_of),
            (Err(error), _) | (_, Err(error)) => unread("address_quota", &error),
        });
        checks.extend(match in_vpcs {
            Ok((in_vpcs, unplaced)) => quotas::judge_interfaces(&in_vpcs, unplaced, interface_quota),
            Err(error) => vec![unread("interface_quota", &error)],
        });
        checks.extend(pools::judge(&self.desired, &self.observed, &self.plan));
        checks
    }

    /// How many of Lambda's interfaces each VPC has, and of how many the VPC is not known.
    async fn interfaces_by_vpc(&self, aws: &AwsTarget) -> Result<(BTreeMap<VpcId, usize>, usize), ApiError> {
        let interfaces = self.observed.interfaces.values();
        let asked: BTreeSet<SubnetId> = interfaces.clone().map(|i| i.pair.subnet.clone()).collect();
        let Partial { found, errors } = aws.subnets(&asked).await;
        if let Some(error) = errors.into_iter().next() {
            return Err(error);
        }
        let vpcs: BTreeMap<SubnetId, VpcId> =
            found.into_iter().map(|subnet| (subnet.id, subnet.vpc)).collect();
        let (mut in_vpcs, mut unplaced) = (BTreeMap::new(), 0);
        for interface in interfaces {
            match vpcs.get(&interface.pair.subnet) {
                Some(vpc) => *in_vpcs.entry(vpc.clone()).or_insert(0) += 1,
                None => unplaced += 1,
            }
        }
        Ok((in_vpcs, unplaced))
    }
}

/// The checks of a list; none of them where it could not be read whole.
fn read<T>(name: &'static str, list: Partial<T>, judge: impl FnOnce(Vec<T>) -> Vec<Check>) -> Vec<Check> {
    match list.errors.first() {
        Some(error) => vec![unread(name, error)],
        None => judge(list.found),
    }
}

/// Only an examination needs such reads, so their permission is not missed otherwise.
fn unread(name: &'static str, error: &ApiError) -> Check {
    Check::told(name, Verdict::Skip, &error.to_string())
}
