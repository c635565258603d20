//! The bench that the tests run the real reconciliation on: the real AWS room and the real SDK over the simulator, in
//! process, on tokio's clock. Knows nothing of what a test wants to see.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_async::time::{SharedTimeSource, TimeSource};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use eipd::aws::{AssumedRole, AwsTarget, EventBus, Manner, Place, SqsQueue, Surroundings};
use eipd::domain::declared::Declared;
use eipd::domain::desired::{Desired, DesiredFunction, PinPlace, Pool};
use eipd::domain::error_class::ErrorClass;
use eipd::domain::ids::TargetName;
use eipd::domain::leave::Named;
use eipd::domain::policy::{BystanderPolicy, DisruptionBudget, Grace, Mode, OnRemoved, RateShare, TakeFrom};
use eipd::domain::priority::Priority;
use eipd::domain::report::{ActionReport, Report, Trigger};
use eipd::domain::versions::Versions;
use eipd::events::consumer::{Consumer, Route};
use eipd::events::outbox::{Notifier, Outbox};
use eipd::events::publisher::Publisher;
use eipd::reconcile::driver::{Driver, Watch};
use eipd::reconcile::pass::{Limits, Orders, Ports, Reconciler};
use eipd::reconcile::ports::{
    Audience, CallMeter, Clock, Delivery, EventAudience, EventNote, NotificationAudience, QueueTroubles,
};
use eipd::telemetry::Telemetry;
use eipd_sim::{EIPD_ACCESS_KEY, SECRET_ACCESS_KEY, Sim, SimConnector, SimTimeSource};
use jiff::Timestamp;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt as _;

/// The poll interval of the daemons that tests start.
pub const POLL: Duration = Duration::from_secs(60);

/// Simulated time as the wall clock.
pub struct SimClock(pub SimTimeSource);

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        Timestamp::try_from(self.0.now()).expect("simulated time is in range")
    }
}

struct NoMeter;

impl CallMeter for NoMeter {
    fn record(&self, _: &'static str, _: Result<(), ErrorClass>, _: Duration) {}
}

/// Keeps every report, and what was told of actions before.
#[derive(Default)]
pub struct Listener {
    reports: Mutex<Vec<Report>>,
    actions: Mutex<Vec<ActionReport>>,
    events: Mutex<BTreeMap<(&'static str, &'static str), usize>>,
    notes: Mutex<Vec<EventNote>>,
    trouble: Mutex<Option<String>>,
    delivered: Mutex<BTreeMap<Delivery, u64>>,
    bus_trouble: Mutex<Option<String>>,
    /// Who else hears of passes.
    notifier: Option<Notifier>,
    telemetry: Option<Arc<Telemetry>>,
}

impl Audience for Listener {
    fn hear_action(&self, target: &TargetName, pass: u64, action: &ActionReport) {
        self.actions.lock().expect("no test panics while it holds this").push(action.clone());
        self.notifier.iter().for_each(|notifier| notifier.hear_action(target, pass, action));
        self.telemetry.iter().for_each(|telemetry| telemetry.hear_action(target, pass, action));
    }

    fn hear(&self, report: &Report) {
        self.notifier.iter().for_each(|notifier| notifier.hear(report));
        self.telemetry.iter().for_each(|telemetry| telemetry.hear(report));
        self.reports.lock().expect("no test panics while it holds this").push(report.clone());
    }

    fn expect_next(&self, _: &Report, _: Duration) {}
}

impl EventAudience for Listener {
    fn hear_event(&self, kind: &'static str, outcome: &'static str, _: Option<Duration>) {
        let mut events = self.events.lock().expect("no test panics while it holds this");
        *events.entry((kind, outcome)).or_default() += 1;
    }

    fn hear_note(&self, note: EventNote) {
        self.notes.lock().expect("no test panics while it holds this").push(note);
    }

    fn hear_queue(&self, troubles: Option<&QueueTroubles>) {
        *self.trouble.lock().expect("no test panics while it holds this") =
            troubles.and_then(QueueTroubles::told);
    }
}

impl NotificationAudience for Listener {
    fn hear_notifications(&self, delivery: Delivery, count: u64) {
        let mut delivered = self.delivered.lock().expect("no test panics while it holds this");
        *delivered.entry(delivery).or_default() += count;
    }

    fn hear_bus(&self, trouble: Option<&str>) {
        *self.bus_trouble.lock().expect("no test panics while it holds this") = trouble.map(str::to_owned);
    }
}

impl Listener {
    /// How many notifications had this outcome.
    pub fn delivered(&self, delivery: Delivery) -> u64 {
        let delivered = self.delivered.lock().expect("no test panics while it holds this");
        delivered.get(&delivery).copied().unwrap_or(0)
    }

    /// Why the bus can't be used now.
    pub fn bus_trouble(&self) -> Option<String> {
        self.bus_trouble.lock().expect("no test panics while it holds this").clone()
    }

    /// How many messages were dealt with, by kind and outcome.
    pub fn events(&self) -> BTreeMap<(&'static str, &'static str), usize> {
        self.events.lock().expect("no test panics while it holds this").clone()
    }

    /// The events that concerned the target.
    pub fn notes(&self) -> Vec<EventNote> {
        self.notes.lock().expect("no test panics while it holds this").clone()
    }

    /// Why the queue can't be used now.
    pub fn queue_trouble(&self) -> Option<String> {
        self.trouble.lock().expect("no test panics while it holds this").clone()
    }

    /// The reports so far.
    pub fn reports(&self) -> Vec<Report> {
        self.reports.lock().expect("no test panics while it holds this").clone()
    }

    /// The actions that have ended so far.
    pub fn actions(&self) -> Vec<ActionReport> {
        self.actions.lock().expect("no test panics while it holds this").clone()
    }
}

fn surroundings(sim: &Sim, beside: &[Sim]) -> Surroundings {
    let credentials = Credentials::new(EIPD_ACCESS_KEY, SECRET_ACCESS_KEY, None, None, "test");
    let sims = beside.iter().chain([sim]).cloned().collect();
    Surroundings {
        http_client: SharedHttpClient::new(SimConnector::for_regions(sims)),
        time_source: SharedTimeSource::new(sim.time_source()),
        sleep: SharedAsyncSleep::new(TokioSleep::new()),
        credentials: Some(SharedCredentialsProvider::new(credentials)),
        endpoint_url: None,
    }
}

fn manner(seed: u64) -> Manner {
    Manner { rate_share: RateShare::default(), seed, meter: Arc::new(NoMeter) }
}

fn region(sim: &Sim) -> String {
    sim.world(|world| world.config().region.clone())
}

/// The outside of a target: the real AWS room over the simulator.
pub async fn ports(sim: &Sim, seed: u64, audience: Arc<dyn Audience>) -> Ports {
    ports_by(sim, seed, audience, &Setup::default()).await
}

async fn ports_by(sim: &Sim, seed: u64, audience: Arc<dyn Audience>, setup: &Setup<'_>) -> Ports {
    let place = Place { region: Some(region(sim)), role: setup.role.clone() };
    let meter = setup.telemetry.clone().map_or(manner(seed).meter, |telemetry| telemetry);
    let manner = Manner { meter, ..manner(seed) };
    let target = AwsTarget::connect(&place, &surroundings(sim, &setup.beside), manner).await;
    let target = Arc::new(target.expect("a region is given"));
    Ports { reads: target.clone(), changes: target, clock: Arc::new(SimClock(sim.time_source())), audience }
}

/// The target of every daemon here.
pub fn target() -> TargetName {
    "default".parse().expect("a name")
}

/// A reconciler that knows nothing yet.
pub async fn reconciler(sim: &Sim, seed: u64) -> Reconciler {
    Reconciler::new(target(), ports(sim, seed, Arc::new(Listener::default())).await, seed)
}

/// Orders to establish this.
pub fn orders(wanted: impl Into<Declared>) -> Orders {
    Orders {
        declared: Arc::new(wanted.into()),
        mode: Mode::Enforce,
        function_refresh: Duration::from_secs(300),
        account: None,
        take_from: TakeFrom::default(),
        switchover_grace: Grace::default(),
        disruptions: DisruptionBudget::default(),
        on_removed: OnRemoved::default(),
        named: Named::default(),
        drain: None,
    }
}

/// One pass of a fresh process, as `eipd apply` makes it.
pub async fn apply(sim: &Sim, wanted: impl Into<Declared>) -> Report {
    pass(&mut reconciler(sim, 1).await, &orders(wanted)).await
}

/// One pass of a fresh process, as `eipd plan` makes it.
pub async fn plan(sim: &Sim, wanted: impl Into<Declared>) -> Report {
    let orders = Orders { mode: Mode::Observe, ..orders(wanted) };
    pass(&mut reconciler(sim, 1).await, &orders).await
}

/// One pass.
pub async fn pass(reconciler: &mut Reconciler, orders: &Orders) -> Report {
    let limits =
        Limits { within: Duration::from_secs(60), cancel: CancellationToken::new(), function_reads: 50 };
    reconciler.pass(orders, Trigger::Start, &limits).await.expect("nobody cancels it").report
}

/// Reads the queue of this URL in a task, for these targets.
pub async fn consume(
    sim: &Sim,
    url: &str,
    routes: Vec<Route>,
    heard: Arc<Listener>,
    cancel: &CancellationToken,
) -> JoinHandle<()> {
    let queue = SqsQueue::connect(url, &surroundings(sim, &[]), manner(1)).await;
    let consumer = Consumer {
        queue: Arc::new(queue.expect("the URL has a region")),
        routes: Arc::new(Mutex::new(routes)),
        audience: heard,
        clock: Arc::new(SimClock(sim.time_source())),
        cancel: cancel.clone(),
        seed: 1,
    };
    tokio::spawn(consumer.run())
}

/// What a daemon has besides its orders.
#[derive(Default)]
pub struct Setup<'a> {
    /// The queue that brings it events.
    pub queue_url: Option<&'a str>,
    /// The ARN of the bus that it publishes on.
    pub bus: Option<&'a str>,
    /// The role that its target is in.
    pub role: Option<AssumedRole>,
    /// Accounts besides its own: the first is that of its credentials before they become the role.
    pub beside: Vec<Sim>,
    /// What keeps its metrics.
    pub telemetry: Option<Arc<Telemetry>>,
}

/// A daemon in a task.
pub struct Daemon {
    task: JoinHandle<Reconciler>,
    consumer: Option<JoinHandle<()>>,
    publishing: Option<(Arc<Outbox>, JoinHandle<()>)>,
    cancel: CancellationToken,
    orders: watch::Sender<Watch>,
    /// Where events for it go.
    pub route: Route,
    /// What it reported.
    pub heard: Arc<Listener>,
}

impl Daemon {
    /// Starts one that polls by these orders.
    pub async fn start_by(sim: &Sim, orders: Orders, seed: u64) -> Self {
        Self::start_as(sim, orders, seed, Setup::default()).await
    }

    /// Starts one that polls.
    pub async fn start(sim: &Sim, wanted: impl Into<Declared>, seed: u64) -> Self {
        Self::start_as(sim, orders(wanted), seed, Setup::default()).await
    }

    /// Starts one that receives events from this queue besides.
    pub async fn start_with_queue(
        sim: &Sim,
        wanted: impl Into<Declared>,
        seed: u64,
        queue_url: &str,
    ) -> Self {
        Self::start_with(sim, wanted, seed, Some(queue_url)).await
    }

    /// Starts one that receives events from this queue, if there is one.
    pub async fn start_with(
        sim: &Sim,
        wanted: impl Into<Declared>,
        seed: u64,
        queue_url: Option<&str>,
    ) -> Self {
        Self::start_as(sim, orders(wanted), seed, Setup { queue_url, ..Setup::default() }).await
    }

    /// Starts one that publishes on the bus of this ARN besides.
    pub async fn start_with_bus(sim: &Sim, wanted: impl Into<Declared>, seed: u64, bus: &str) -> Self {
        Self::start_as(sim, orders(wanted), seed, Setup { bus: Some(bus), ..Setup::default() }).await
    }

    /// Starts one by these orders that is set up like this.
    pub async fn start_as(sim: &Sim, orders: Orders, seed: u64, setup: Setup<'_>) -> Self {
        let Setup { queue_url, bus, .. } = setup;
        let (sender, receiver) = watch::channel(Watch { orders, poll_interval: POLL });
        let outbox = bus.map(|_| Arc::new(Outbox::new(seed)));
        let notifier =
            outbox.clone().map(|outbox| Notifier::new(outbox, Arc::new(SimClock(sim.time_source()))));
        let listener = Listener { notifier, telemetry: setup.telemetry.clone(), ..Listener::default() };
        let (cancel, heard) = (CancellationToken::new(), Arc::new(listener));
        let publishing = match bus.zip(outbox) {
            Some((bus, outbox)) => {
                let bus = EventBus::connect(bus, &surroundings(sim, &[]), manner(seed)).await;
                let bus = Arc::new(bus.expect("the ARN has a region"));
                let publisher = Publisher { bus, outbox: outbox.clone(), audience: heard.clone(), seed };
                Some((outbox, tokio::spawn(publisher.run())))
            }
            None => None,
        };
        let driver = Driver {
            reconciler: Reconciler::new(target(), ports_by(sim, seed, heard.clone(), &setup).await, seed),
            watch: receiver,
            cancel: cancel.clone(),
            random: fastrand::Rng::with_seed(seed),
        };
        let route = Route { target: target(), region: region(sim), inbox: driver.reconciler.inbox() };
        let consumer = match queue_url {
            Some(url) => Some(consume(sim, url, vec![route.clone()], heard.clone(), &cancel).await),
            None => None,
        };
        Self { route, task: tokio::spawn(driver.run()), consumer, publishing, cancel, orders: sender, heard }
    }

    /// Gives it other orders, as a reload does.
    pub fn reload(&self, orders: Orders) {
        self.orders.send_modify(|watch| watch.orders = orders);
    }

    /// Makes it poll this often from now on.
    pub fn poll_every(&self, poll_interval: Duration) {
        self.orders.send_modify(|watch| watch.poll_interval = poll_interval);
    }

    /// Lets it receive no more events.
    pub fn deafen(&self) {
        self.consumer.iter().for_each(JoinHandle::abort);
    }

    /// Ends it at whatever it is doing, as a crash does.
    pub async fn kill(self) {
        self.task.abort();
        self.consumer.into_iter().for_each(|consumer| consumer.abort());
        self.publishing.into_iter().for_each(|(_, publisher)| publisher.abort());
        let end = self.task.await;
        assert!(end.is_ok() || end.is_err_and(|error| error.is_cancelled()), "the daemon panicked");
    }

    /// Ends it in order, and tells how long that took.
    pub async fn stop(self) -> Duration {
        let begun = tokio::time::Instant::now();
        self.cancel.cancel();
        self.task.await.expect("the daemon does not panic");
        if let Some((outbox, publisher)) = self.publishing {
            outbox.close();
            publisher.await.expect("the publisher does not panic");
        }
        begun.elapsed()
    }
}

/// A desired state, put together.
#[derive(Default)]
pub struct Wanted(Desired);

impl Wanted {
    /// Nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// A pool of these allocations.
    pub fn pool<S: AsRef<str>>(mut self, name: &str, allocations: &[S], min_spare: usize) -> Self {
        let allocations: BTreeSet<_> =
            allocations.iter().map(|id| id.as_ref().parse().expect("an allocation id")).collect();
        let pool = Pool { allocations: Arc::new(allocations), min_spare, ..Pool::default() };
        self.0.pools.insert(name.parse().expect("a pool's name"), pool);
        self
    }

    /// A function that is served from a pool.
    pub fn function(self, name: &str, pool: &str) -> Self {
        self.pinned(name, pool, &[])
    }

    /// A function with pins of allocations to subnets.
    pub fn pinned(mut self, name: &str, pool: &str, pins: &[(&str, &[&str])]) -> Self {
        let pins: BTreeMap<_, _> = pins
            .iter()
            .map(|(subnet, ids)| {
                let ids: BTreeSet<_> = ids.iter().map(|id| id.parse().expect("an allocation id")).collect();
                (PinPlace::Subnet(subnet.parse().expect("a subnet id")), Arc::new(ids))
            })
            .collect();
        let function = DesiredFunction {
            pool: pool.parse().expect("a pool's name"),
            pins,
            versions: Versions::default(),
            priority: Priority::default(),
        };
        self.0.functions.insert(name.parse().expect("a function's name"), function);
        self
    }

    /// Lets other versions of a function count.
    pub fn versions(mut self, name: &str, versions: Versions) -> Self {
        let function = name.parse().expect("a function's name");
        self.0.functions.get_mut(&function).expect("declared before").versions = versions;
        self
    }

    /// Lets a pool deny bystanders.
    pub fn denies_bystanders(mut self, pool: &str) -> Self {
        let pool = pool.parse().expect("a pool's name");
        self.0.pools.get_mut(&pool).expect("declared before").bystanders = BystanderPolicy::Deny;
        self
    }

    /// The desired state.
    pub fn done(self) -> Desired {
        self.0
    }
}

/// Runs a test's story on a paused clock: waiting costs nothing, and nothing depends on how fast the machine is.
///
/// # Panics
/// When an ERROR was logged: that is a defect, of eipd or of how it uses the SDK.
pub fn on_paused_clock<F: Future>(story: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime needs nothing that could fail here");
    let errors = Errors::default();
    let outcome = tracing::subscriber::with_default(errors.subscriber(), || runtime.block_on(story));
    assert_eq!(errors.told(), Vec::<String>::new(), "an ERROR was logged");
    outcome
}

/// The ERROR lines of a story; each story runs on a thread of its own.
#[derive(Clone, Default)]
struct Errors(Arc<Mutex<Vec<String>>>);

impl Errors {
    fn subscriber(&self) -> impl tracing::Subscriber + Send + Sync + use<> {
        tracing_subscriber::registry().with(self.clone().with_filter(LevelFilter::ERROR))
    }

    fn told(&self) -> Vec<String> {
        self.0.lock().expect("no test panics while it holds this").clone()
    }
}

/// What the SDK says of a connector in process, which has no connection that could be closed after a bad answer.
const NO_CONNECTION: &str = "aws_smithy_runtime::client::http::connection_poisoning";

impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for Errors {
    fn on_event(&self, event: &tracing::Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
        if event.metadata().target() == NO_CONNECTION {
            return;
        }
        let mut line = event.metadata().target().to_owned();
        let mut add = |field: &tracing::field::Field, value: &dyn std::fmt::Debug| {
            line.push_str(&format!(" {field}={value:?}"));
        };
        event.record(&mut add);
        self.0.lock().expect("no test panics while it holds this").push(line);
    }
}

/// What every story must leave behind: nothing asked of the simulator that it does not know, and no law broken.
pub fn assert_lawful(sim: &Sim) {
    assert_eq!(sim.complaints(), Vec::<String>::new(), "the simulator was asked for what it does not know");
    assert_eq!(sim.violations(), Vec::new(), "a law was broken");
}
