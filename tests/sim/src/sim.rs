//! The handle: a world with its clock, its weather, its throttles and its journal, for many tasks at once.
//!
//! A request passes: read it, what weather meets it, wait, throttle, credentials, permission, carry it out, journal,
//! wait, deliver. The rules of AWS are in `world` and `wire`; the transports are in `connector` and `server`.

use crate::chance::{Chance, Stream};
use crate::clock::SimTimeSource;
use crate::faults::{Effect, Fault, Forecast, Staleness, Weather};
use crate::journal::{Ending, Entry, Journal};
use crate::moment::Moment;
use crate::throttle::{Bucket, Limits, Throttle};
use crate::wire::{
    self, Call, Caller, Credentials, Failure, Office, Principal, Principals, Reply, Request, Service, Views,
};
use crate::world::{Actor, EventWeather, Hand, Span, Violation, World, WorldConfig};
use serde_json::Value;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

/// The access key of eipd's own credentials: what it does is watched for broken laws.
pub const EIPD_ACCESS_KEY: &str = "AKIAEIPDEIPDEIPDEIPD";
/// The access key of somebody else in the account.
pub const STRAY_ACCESS_KEY: &str = "AKIASTRAYSTRAYSTRAY0";
/// A secret for either; signatures are not verified.
pub const SECRET_ACCESS_KEY: &str = "simulated-secret-access-key";

/// A simulated AWS account in one region. Clones share it.
#[derive(Clone, Debug)]
pub struct Sim {
    clock: SimTimeSource,
    state: Arc<Mutex<State>>,
    /// Whoever waits for a message looks again when this is told.
    stir: Arc<Notify>,
}

#[derive(Debug)]
struct State {
    world: World,
    weather: Weather,
    throttle: Throttle,
    principals: Principals,
    journal: Journal,
    complaints: Vec<String>,
    reads: Chance,
    requests: Chance,
}

/// What becomes of an answer on its way.
#[derive(Debug)]
pub(crate) enum Delivery {
    /// It arrives.
    Whole(Reply),
    /// The connection breaks in its middle.
    Torn(Reply),
    /// The connection breaks before it.
    Reset,
    /// There never was a connection.
    Refused,
}

impl Sim {
    /// A new account whose time begins now, on tokio's clock. Throttles are AWS's; the weather is fine.
    pub fn new(config: WorldConfig) -> Self {
        let (seed, start) = (config.seed, config.start);
        let mut principals = Principals::default();
        let role = format!("arn:aws:sts::{}:assumed-role/eipd/eipd", config.account);
        principals.insert(EIPD_ACCESS_KEY, Principal::new(&role, &config.account, Hand::Eipd));
        let user = format!("arn:aws:iam::{}:user/stray", config.account);
        let stray = Principal {
            user_id: "AIDAEXAMPLEEXAMPLE123".to_owned(),
            ..Principal::new(&user, &config.account, Hand::Stray)
        };
        principals.insert(STRAY_ACCESS_KEY, stray);
        let state = State {
            world: World::new(config),
            weather: Weather::default(),
            throttle: Throttle::default(),
            principals,
            journal: Journal::new(start),
            complaints: Vec::new(),
            reads: Chance::new(seed, Stream::Reads),
            requests: Chance::new(seed, Stream::Requests),
        };
        Self {
            clock: SimTimeSource::starting_at(start),
            state: Arc::new(Mutex::new(state)),
            stir: Arc::default(),
        }
    }

    /// Does something with the world, which is brought up to the present first. `f` holds the lock: it must not use the
    /// handle.
    pub fn world<R>(&self, f: impl FnOnce(&mut World) -> R) -> R {
        let result = f(&mut self.lock().world);
        self.stir.notify_waiters();
        result
    }

    /// [`Sim::world`], without telling whoever waits for a message.
    pub(crate) fn peek<R>(&self, f: impl FnOnce(&mut World) -> R) -> R {
        f(&mut self.lock().world)
    }

    /// When next something was done with the world.
    pub(crate) fn stirred(&self) -> Notified<'_> {
        self.stir.notified()
    }

    /// The present.
    pub fn now(&self) -> Moment {
        self.clock.moment()
    }

    /// The clock, for the SDK.
    pub fn time_source(&self) -> SimTimeSource {
        self.clock
    }

    /// Adds a fault.
    pub fn inject(&self, fault: Fault) {
        let mut state = self.lock();
        let seed = state.world.config().seed;
        state.weather.arm(seed, fault);
    }

    /// Takes all faults away; latency and staleness stay.
    pub fn clear_faults(&self) {
        self.lock().weather.clear();
    }

    /// Every call takes this long, half before it is carried out and half after; none by default.
    pub fn set_latency(&self, span: Option<Span>) {
        self.lock().weather.latency = span;
    }

    /// How old the snapshots may be that Describe calls answer from; nothing by default.
    pub fn set_staleness(&self, staleness: Staleness) {
        self.lock().weather.staleness = staleness;
    }

    /// How events travel from now on; by default each takes 1 s to 10 s and none is lost.
    pub fn set_events(&self, weather: EventWeather) {
        self.world(|world| world.set_events(weather));
    }

    /// Sets the rates of the token buckets, or takes them away.
    pub fn set_throttle(&self, limits: Option<Limits>) {
        self.lock().throttle.set(limits);
    }

    /// Denies eipd's own credentials, and its sessions in roles of this account, an operation such as
    /// `ec2:AssociateAddress`.
    pub fn deny(&self, action: &str) {
        self.change_eipd(|principal| {
            principal.denied.insert(action.to_owned());
        });
    }

    /// Allows them an operation again.
    pub fn allow(&self, action: &str) {
        self.change_eipd(|principal| {
            principal.denied.remove(action);
        });
    }

    fn change_eipd(&self, change: impl Fn(&mut Principal)) {
        self.change_principal(EIPD_ACCESS_KEY, &change);
        let state = self.lock();
        state.principals.sessions().change(&state.world.config().account, Hand::Eipd, change);
    }

    /// Makes accounts known to each other, so that callers of the first can assume roles of the others.
    pub(crate) fn acquaint(sims: &[Self]) {
        if let Some((first, others)) = sims.split_first() {
            let sessions = first.lock().principals.sessions().clone();
            others.iter().for_each(|sim| sim.lock().principals.share(sessions.clone()));
        }
    }

    /// Makes an access key valid, unknown or expired.
    pub fn set_credentials(&self, access_key: &str, credentials: Credentials) {
        self.change_principal(access_key, |principal| principal.credentials = credentials);
    }

    /// Adds a caller.
    pub fn add_principal(&self, access_key: &str, principal: Principal) {
        self.lock().principals.insert(access_key, principal);
    }

    /// Changes a caller.
    pub fn change_principal(&self, access_key: &str, change: impl FnOnce(&mut Principal)) {
        change(self.lock().principals.get_mut(access_key).expect("the scenario names a caller that exists"));
    }

    /// Reads the journal without copying it.
    pub fn with_journal<R>(&self, f: impl FnOnce(&Journal) -> R) -> R {
        f(&self.lock().journal)
    }

    /// A copy of the journal.
    pub fn journal(&self) -> Journal {
        self.with_journal(Journal::clone)
    }

    /// How many calls of an operation there were.
    pub fn calls(&self, operation: &str) -> usize {
        self.with_journal(|journal| journal.count(operation))
    }

    /// How many calls there were.
    pub fn call_count(&self) -> usize {
        self.with_journal(|journal| journal.entries().len())
    }

    /// What was asked for that is not simulated. Tests assert that this is empty.
    pub fn complaints(&self) -> Vec<String> {
        let state = self.lock();
        [state.complaints.as_slice(), state.world.complaints()].concat()
    }

    /// The laws that eipd's credentials broke. Tests assert that this is empty.
    pub fn violations(&self) -> Vec<Violation> {
        self.world(|world| world.violations().to_vec())
    }

    /// The account whose region a request is signed for, and of several that of the role it is signed in; the first when
    /// there is none.
    pub(crate) fn for_request<'a>(sims: &'a [Self], request: &Request) -> &'a Self {
        let first = sims.first().expect("there is at least one account");
        if sims.len() == 1 {
            return first;
        }
        let (region, key) = wire::scope_of(request);
        let session = key.and_then(|key| first.lock().principals.sessions().get(&key));
        let in_region = |sim: &&Self| region.as_ref() == Some(&sim.lock().world.config().region);
        let is_own = |sim: &&Self| {
            session.as_ref().is_some_and(|session| session.account == sim.lock().world.config().account)
        };
        let here = || sims.iter().filter(in_region);
        here().find(is_own).or_else(|| here().next()).unwrap_or(first)
    }

    /// Carries a request through the weather. Never returns for one that hangs.
    pub(crate) async fn exchange(&self, request: &Request) -> Delivery {
        let (call, forecast) = self.arrive(request);
        if !forecast.before.is_zero() {
            tokio::time::sleep(forecast.before).await;
        }
        let patience = self.lock().patience(&call, forecast.fate.as_ref());
        if let Some((queue, wait)) = patience {
            self.wait_for_message(&queue, wait).await;
        }
        let delivery = self.carry_out(&call, &forecast);
        self.stir.notify_waiters();
        if !forecast.after.is_zero() {
            tokio::time::sleep(forecast.after).await;
        }
        match delivery {
            Some(delivery) => delivery,
            None => std::future::pending().await,
        }
    }

    /// A long poll: waits until the queue has a visible message or is gone, or the time is up.
    async fn wait_for_message(&self, queue: &str, wait: Duration) {
        let until = self.now() + wait;
        loop {
            let stirred = self.stirred();
            tokio::pin!(stirred);
            // From here on a stir is not missed, though nobody waits for it yet.
            stirred.as_mut().enable();
            let wake = self.peek(|world| {
                let over = world.is_worth_receiving(queue) || world.now() >= until;
                (!over).then(|| world.next_stir(queue).map_or(until, |at| at.min(until)))
            });
            let Some(wake) = wake else { return };
            tokio::select! {
                biased;
                () = stirred => {}
                () = self.clock.sleep_until(wake) => {}
            }
        }
    }

    /// A request is answered at once, whatever the latency and however long it would poll: for tests without a runtime. None is one that hangs, or
    /// whose answer does not arrive whole.
    pub fn answer(&self, request: &Request) -> Option<Reply> {
        let (call, forecast) = self.arrive(request);
        match self.carry_out(&call, &forecast)? {
            Delivery::Whole(reply) => Some(reply),
            Delivery::Torn(_) | Delivery::Reset | Delivery::Refused => None,
        }
    }

    fn arrive(&self, request: &Request) -> (Call, Forecast) {
        let call = wire::read(request);
        let state = &mut *self.lock();
        let elapsed = state.world.now().since(state.world.config().start);
        let forecast = state.weather.forecast(&call, elapsed, &mut state.reads);
        (call, forecast)
    }

    /// None is a call that is never answered.
    fn carry_out(&self, call: &Call, forecast: &Forecast) -> Option<Delivery> {
        let state = &mut *self.lock();
        let request_id = state.request_id();
        let (ending, delivery) = match &forecast.fate {
            Some(Effect::Refused) => (Ending::Refused, Some(Delivery::Refused)),
            Some(Effect::Hang) => (Ending::Hung, None),
            fate => {
                let mut elements = serde_json::json!({ "_return": true });
                let outcome = state.decide(call, fate.as_ref(), &request_id, &mut elements);
                state.report(call, &request_id, elements, &outcome);
                let late = fate.as_ref().and_then(|effect| effect.late_failure(call.service));
                let reply = match late.as_ref().map_or(outcome.as_ref(), Err) {
                    Ok(body) => wire::success(call.service, body.clone(), &request_id),
                    Err(failure) => failure.render(call.service, &request_id),
                };
                let ending = outcome.map_or_else(|failure| Ending::Error(failure.code), |_| Ending::Ok);
                deliver(fate.as_ref(), reply, ending)
            }
        };
        state.journal.record(Entry {
            at: state.world.now(),
            service: call.service,
            operation: call.operation.clone(),
            detail: call.detail.clone(),
            mutating: call.mutating,
            ending,
        });
        delivery
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A test that panicked while it held the lock has failed already; others may still look.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.world.advance(self.clock.moment());
        state
    }
}

fn deliver(fate: Option<&Effect>, mut reply: Reply, ending: Ending) -> (Ending, Option<Delivery>) {
    match fate {
        Some(Effect::InternalErrorAfter | Effect::UnavailableAfter) => {
            (Ending::Lost, Some(Delivery::Whole(reply)))
        }
        Some(Effect::LostAnswer) => (Ending::Lost, Some(Delivery::Reset)),
        Some(Effect::HangAfter) => (Ending::Lost, None),
        Some(Effect::Truncated) => (Ending::Lost, Some(Delivery::Torn(reply))),
        Some(Effect::CutShort) => {
            reply.body.truncate(reply.body.len() / 2);
            (Ending::Lost, Some(Delivery::Whole(reply)))
        }
        Some(Effect::Garbage) => {
            reply.body = "<html>\u{fffd}\u{0} this is no answer of AWS".into();
            reply.status = 200;
            (Ending::Lost, Some(Delivery::Whole(reply)))
        }
        _ => (ending, Some(Delivery::Whole(reply))),
    }
}

impl State {
    fn decide(
        &mut self,
        call: &Call,
        fate: Option<&Effect>,
        request_id: &str,
        elements: &mut Value,
    ) -> Result<String, Failure> {
        let principal = call.access_key.as_deref().and_then(|key| self.principals.get(key));
        let arn = principal.as_ref().map_or("anonymous", |principal| principal.arn.as_str());
        if let Some(failure) = fate.and_then(|effect| effect.failure(call, arn)) {
            return Err(failure);
        }
        self.throttle(call)?;
        let principal = match principal {
            _ if call.access_key.is_none() => return Err(Failure::unsigned(call.service)),
            Some(principal) if principal.credentials == Credentials::Expired => {
                return Err(Failure::expired(call.service));
            }
            Some(principal) if principal.credentials == Credentials::Valid => principal,
            _ => return Err(Failure::bad_credentials(call.service)),
        };
        let region = &self.world.config().region;
        if call.region.as_ref() != Some(region) && call.service != Service::Sts {
            let message = format!("{} was asked for in {:?}, not in {region}", call.operation, call.region);
            self.complaints.push(message.clone());
            return Err(Failure::new("SignatureDoesNotMatch", 403, message));
        }
        if principal.denied.contains(&call.action()) {
            return Err(Failure::denied(call.service, &principal.arn, &call.action(), &self.resource(call)));
        }
        let views = self.views();
        let mut office = Office {
            world: &mut self.world,
            principals: &mut self.principals,
            complaints: &mut self.complaints,
            views,
            caller: Caller {
                arn: principal.arn,
                user_id: principal.user_id,
                account: principal.account,
                hand: principal.hand,
            },
            request_id: request_id.to_owned(),
            elements: elements.take(),
        };
        let outcome = wire::carry_out(&mut office, call);
        *elements = office.elements;
        outcome
    }

    /// CloudTrail hears of a call that changes something, refused or not, from a caller whom AWS knows.
    fn report(&mut self, call: &Call, request_id: &str, elements: Value, outcome: &Result<String, Failure>) {
        let key = call.access_key.as_deref().unwrap_or_default();
        let known = self.principals.get(key).filter(|one| one.credentials == Credentials::Valid);
        let parameters =
            (call.service == Service::Ec2).then(|| wire::recorded(&call.operation, &call.params)).flatten();
        let (Some(principal), Some(parameters)) = (known, parameters) else { return };
        let actor = Actor {
            arn: principal.arn.clone(),
            user_id: principal.user_id.clone(),
            account: principal.account.clone(),
            access_key: key.to_owned(),
        };
        let outcome = match outcome {
            Ok(_) => Ok(elements),
            Err(Failure { code, status, message }) => Err((code.clone(), *status, message.clone())),
        };
        self.world.report_call(&actor, (&call.operation, parameters), request_id, outcome);
    }

    /// How long a call waits for a message, and in which queue; one that will be refused does not wait.
    fn patience(&self, call: &Call, fate: Option<&Effect>) -> Option<(String, Duration)> {
        let fated = fate.is_some_and(|effect| {
            matches!(effect, Effect::Hang | Effect::Refused) || effect.failure(call, "").is_some()
        });
        let principal = call.access_key.as_deref().and_then(|key| self.principals.get(key))?;
        let admitted = principal.credentials == Credentials::Valid
            && !principal.denied.contains(&call.action())
            && call.region.as_ref() == Some(&self.world.config().region);
        if fated || !admitted { None } else { wire::patience(&self.world, call) }
    }

    fn throttle(&mut self, call: &Call) -> Result<(), Failure> {
        let shared = self.world.beliefs().mutating_buckets == crate::beliefs::MutatingBuckets::Shared;
        let name = match call.bucket {
            Bucket::Lambda => "lambda",
            Bucket::Mutating if shared => "ec2",
            _ => call.operation.as_str(),
        };
        // Standard queues bear any number of calls (SQS quotas; confirmed); EventBridge's limits are far off.
        let limited = matches!(call.service, Service::Ec2 | Service::Lambda | Service::Tagging);
        if !limited || self.throttle.take(call.bucket, name, self.world.now()) {
            return Ok(());
        }
        Err(Failure::throttled(call.service))
    }

    /// The resource that IAM would name in a denial.
    fn resource(&self, call: &Call) -> String {
        let config = self.world.config();
        let (region, account) = (&config.region, &config.account);
        match (call.service, call.resource.as_str()) {
            (_, "" | "*") => "*".to_owned(),
            (Service::Ec2, id) => format!("arn:aws:ec2:{region}:{account}:elastic-ip/{id}"),
            (Service::Sqs, name) => format!("arn:aws:sqs:{region}:{account}:{name}"),
            (Service::Events, arn) if arn.starts_with("arn:") => arn.to_owned(),
            (Service::Events, rule) => format!("arn:aws:events:{region}:{account}:rule/{rule}"),
            (Service::Lambda, arn) if arn.starts_with("arn:") => arn.to_owned(),
            (Service::Lambda, name) => format!("arn:aws:lambda:{region}:{account}:function:{name}"),
            (_, other) => other.to_owned(),
        }
    }

    fn views(&mut self) -> Views {
        let (now, staleness) = (self.world.now(), self.weather.staleness);
        let mut seen =
            |most: Duration| if most.is_zero() { now } else { now - self.reads.span(Duration::ZERO, most) };
        Views { addresses: seen(staleness.addresses), interfaces: seen(staleness.interfaces) }
    }

    fn request_id(&mut self) -> String {
        self.requests.uuid()
    }
}
