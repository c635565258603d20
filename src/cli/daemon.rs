//! Where the rooms are connected for a long run: one driver per target, the HTTP server, signals, and reloads of the
//! configuration. A bad reload changes nothing; a good one touches only the targets that it changes.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::notify::Notifications;
use super::wire::{self, load_valid};
use super::{Error, sign_in};
use crate::aws::{SqsQueue, Surroundings};
use crate::config::settings::{Configuration, Settings, Target};
use crate::config::source::Source;
use crate::config::watch::{Change, Watch as FileWatch};
use crate::domain::ids::TargetName;
use crate::domain::policy::{Mode, RateShare};
use crate::events::consumer::{Consumer, Route, Routes};
use crate::reconcile::driver::{Driver, Watch};
use crate::reconcile::pass::{Memory, Reconciler};
use crate::reconcile::schedule::first_pass_after;
use crate::telemetry::log::LogSettings;
use crate::telemetry::{Configured, Telemetry, http, panic};

/// Drivers end within 7 s; together with the server's last answers this stays under the promised 10 s.
const TO_END: Duration = Duration::from_secs(9);

/// Runs the daemon until SIGTERM or SIGINT ends it.
///
/// # Errors
/// When it can't begin: a faulty configuration, an address that is taken, credentials that every target refuses.
pub(super) async fn run(file: Option<&Path>, observe: bool) -> Result<(), Error> {
    LogSettings::from_environment()?.install()?;
    panic::install_hook();
    let source = wire::source(file);
    let signals = Signals::new()?;
    let mut changes = FileWatch::start(&source);
    let configuration = load_valid(&source)?;
    let listen = configuration.settings.listen;
    let listener =
        TcpListener::bind(listen).await.map_err(|error| Error::Listen { listen, source: error })?;
    let telemetry = Arc::new(Telemetry::new(Timestamp::now()));
    let stop = CancellationToken::new();
    let server = tokio::spawn(http::serve(listener, Arc::clone(&telemetry), stop.clone()));
    let mut daemon = Daemon {
        source,
        observe,
        surroundings: Surroundings::production(),
        notifications: Notifications::new(telemetry.clone()),
        telemetry,
        stop,
        drivers: BTreeMap::new(),
        former: BTreeMap::new(),
        tasks: JoinSet::new(),
        loading: None,
        routes: Routes::default(),
        consumer: None,
    };
    let mode = daemon.mode(&configuration.settings);
    let Signals { mut end, mut reload } = signals;
    let signed_in = tokio::select! {
        biased;
        () = end.next() => false,
        taken = daemon.take_orders(configuration) => taken.map(|()| true)?,
    };
    if !signed_in {
        daemon.end(server).await;
        return Ok(());
    }
    tracing::info!(version = crate::telemetry::VERSION, %listen, mode = mode.as_str(), "eipd runs");
    let reloads = async {
        loop {
            tokio::select! {
                _ = reload.recv() => {
                    daemon.reload(listen).await;
                    daemon.look_now();
                }
                change = changes.changed() => match change {
                    Change::Text => daemon.reload(listen).await,
                    Change::Trouble(trouble) => tracing::warn!(%trouble, "the configuration file is not watched well"),
                },
            }
        }
    };
    tokio::select! {
        biased;
        () = end.next() => {}
        () = reloads => {}
    }
    daemon.end(server).await;
    Ok(())
}

/// A file system that hangs must not hold the daemon.
const TO_LOAD: Duration = Duration::from_secs(5);

/// An error with all its causes, in one line.
fn chain(error: &Error) -> String {
    let first: &dyn std::error::Error = error;
    let causes = std::iter::successors(Some(first), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

struct Daemon {
    source: Source,
    observe: bool,
    surroundings: Surroundings,
    telemetry: Arc<Telemetry>,
    notifications: Notifications,
    stop: CancellationToken,
    drivers: BTreeMap<TargetName, Driven>,
    /// Those of targets that left the configuration, which may come back.
    former: BTreeMap<TargetName, Driven>,
    tasks: JoinSet<()>,
    routes: Routes,
    consumer: Option<Reading>,
    /// The last read of the configuration: a thread that hangs is not followed by another.
    loading: Option<JoinHandle<Result<Configuration, Error>>>,
}

/// The reading of a queue, from outside.
struct Reading {
    url: String,
    cancel: CancellationToken,
    /// Cancelled once it has ended.
    ended: CancellationToken,
}

/// A target's driver, from outside.
struct Driven {
    /// What it can't be given anew without a new client.
    fixed: Fixed,
    orders: watch::Sender<Watch>,
    cancel: CancellationToken,
    /// Where its hints go.
    route: Route,
    /// Comes once the driver has ended.
    legacy: oneshot::Receiver<Option<Memory>>,
}

impl Driven {
    /// Ends it, and tells what it remembers of its target.
    async fn end(self) -> Option<Memory> {
        self.cancel.cancel();
        self.legacy.await.ok().flatten()
    }
}

/// What drives a target, and its region.
type Wired = (Reconciler, String);

#[derive(PartialEq)]
struct Fixed {
    target: Target,
    rate_share: RateShare,
}

impl Fixed {
    fn of(target: &Target, settings: &Settings) -> Self {
        let target = Target { declared: crate::domain::declared::Declared::default(), ..target.clone() };
        Self { target, rate_share: settings.rate_share }
    }
}

impl Daemon {
    /// Loads the configuration again; a bad one is reported and changes nothing.
    async fn reload(&mut self, listen: std::net::SocketAddr) {
        if self.loading.as_ref().is_some_and(|loading| !loading.is_finished()) {
            let why = "reading it still hangs since the last time";
            self.telemetry.reload_failed(Timestamp::now(), why);
            return;
        }
        let source = self.source.clone();
        let loading = self.loading.insert(tokio::task::spawn_blocking(move || load_valid(&source)));
        let outcome = match timeout(TO_LOAD, loading).await {
            Ok(Ok(Ok(configuration))) => {
                let wanted = configuration.settings.listen;
                if wanted != listen {
                    tracing::warn!(%listen, %wanted, "daemon.listen takes effect at the next start");
                }
                self.take_orders(configuration).await.map_err(|error| chain(&error))
            }
            Ok(Ok(Err(error))) => Err(chain(&error)),
            Ok(Err(panic)) => std::panic::resume_unwind(panic.into_panic()),
            Err(_) => Err(format!("reading it took longer than {} s", TO_LOAD.as_secs())),
        };
        if let Err(why) = outcome {
            self.telemetry.reload_failed(Timestamp::now(), &why);
        }
    }

    /// Makes a pass over every target, also where nothing changed: whoever sends a signal wants something to happen.
    fn look_now(&self) {
        self.drivers.values().for_each(|driven| driven.orders.send_modify(|_| {}));
    }

    /// Makes the drivers do what the configuration says: those of new or changed targets begin anew, those of targets
    /// that left end, the others get their new orders. Nothing is changed when a new target's client can't be made.
    async fn take_orders(&mut self, configuration: Configuration) -> Result<(), Error> {
        let settings = &configuration.settings;
        let queue = self.new_queue(settings).await?;
        let bus = self.notifications.new_bus(settings).await?;
        let mut fresh = Vec::new();
        for target in &configuration.targets {
            let fixed = Fixed::of(target, settings);
            if self.drivers.get(&target.name).is_none_or(|driven| driven.fixed != fixed) {
                let audience = self.notifications.audience();
                let meter = self.telemetry.clone();
                let wired = wire::reconciler(target, settings, &self.surroundings, meter, audience).await?;
                fresh.push((target, fixed, wired));
            }
        }
        if self.drivers.is_empty() {
            let lines = fresh.iter_mut().map(|(target, _, (line, _))| (line, wire::orders(target, settings)));
            sign_in::any(lines).await?;
        }
        self.telemetry.configured(&self.configured(&configuration));
        self.notifications.switch(settings.event_bus.as_deref(), bus, &mut self.tasks);
        let stays = |name: &TargetName| configuration.targets.iter().any(|target| target.name == *name);
        for (name, driven) in self.drivers.extract_if(.., |name, _| !stays(name)) {
            driven.cancel.cancel();
            self.former.insert(name, driven);
        }
        for (place, (target, fixed, wired)) in fresh.into_iter().enumerate() {
            self.begin(
                first_pass_after(place, settings.poll_interval),
                fixed,
                wired,
                self.watch(target, settings),
            );
        }
        *self.routes.lock().expect("a panic ends the process") =
            self.drivers.values().map(|driven| driven.route.clone()).collect();
        self.consume(settings.queue_url.as_deref(), queue);
        for target in &configuration.targets {
            let watch = self.watch(target, settings);
            if let Some(driven) = self.drivers.get(&target.name) {
                driven.orders.send_if_modified(|orders| {
                    let differs = *orders != watch;
                    *orders = watch;
                    differs
                });
            }
        }
        Ok(())
    }

    /// Begins to drive a target after a while; whatever drove it before ends first, and hands on what it remembers.
    fn begin(&mut self, turn: Duration, fixed: Fixed, (reconciler, region): Wired, watch: Watch) {
        let (name, role) = (fixed.target.name.clone(), fixed.target.role.clone());
        let route = Route { target: name.clone(), region, inbox: reconciler.inbox() };
        let (orders, receiver) = watch::channel(watch);
        let cancel = self.stop.child_token();
        let mut driver =
            Driver { reconciler, watch: receiver, cancel: cancel.clone(), random: fastrand::Rng::new() };
        let (heir, legacy) = oneshot::channel();
        let driven = Driven { fixed, orders, cancel, route, legacy };
        let region = driven.route.region.clone();
        let before = self.drivers.insert(name.clone(), driven);
        let is_back = before.is_none();
        let before = before.or_else(|| self.former.remove(&name));
        let audiences = self.notifications.audience();
        // Nothing more is begun by the old orders from now on.
        before.iter().for_each(|before| before.cancel.cancel());
        // One pass at a time per target: the new driver begins when the old one has ended.
        self.tasks.spawn(async move {
            driver.cancel.run_until_cancelled(sleep(turn)).await;
            if let Some(before) = before {
                let role_before = before.fixed.target.role.clone();
                let is_same_place = before.route.region == region;
                let memory = before.end().await.filter(|_| is_same_place);
                memory.into_iter().for_each(|memory| driver.reconciler.inherit(memory));
                if is_back || !is_same_place || role_before != role {
                    audiences.forget(&name);
                }
            }
            // Nobody waits for it when the process ends.
            heir.send(driver.run().await.into_memory()).ok();
        });
    }

    /// The queue, when it is not the one that is read already.
    async fn new_queue(&self, settings: &Settings) -> Result<Option<Arc<SqsQueue>>, Error> {
        let read = self.consumer.as_ref().map(|reading| reading.url.as_str());
        match settings.queue_url.as_deref().filter(|url| Some(*url) != read) {
            Some(url) => Ok(Some(Arc::new(wire::queue(url, settings, self.telemetry.clone()).await?))),
            None => Ok(None),
        }
    }

    /// Reads the queue of this URL from now on, and no other.
    fn consume(&mut self, url: Option<&str>, new: Option<Arc<SqsQueue>>) {
        let before = self.consumer.take_if(|reading| url != Some(reading.url.as_str()));
        if let Some(before) = &before {
            before.cancel.cancel();
        }
        let (Some(url), Some(queue)) = (url, new) else { return };
        let (cancel, ended) = (self.stop.child_token(), CancellationToken::new());
        let consumer = Consumer {
            queue,
            routes: self.routes.clone(),
            audience: self.telemetry.clone(),
            clock: Arc::new(wire::SystemClock),
            cancel: cancel.clone(),
            seed: fastrand::u64(..),
        };
        let reading = Reading { url: url.to_owned(), cancel, ended: ended.clone() };
        self.consumer = Some(reading);
        // What the old one tells at its end must not be taken for news of the new one.
        self.tasks.spawn(async move {
            let _ended = ended.drop_guard();
            if let Some(before) = before {
                before.ended.cancelled().await;
            }
            consumer.run().await;
        });
    }

    fn mode(&self, settings: &Settings) -> Mode {
        if self.observe { Mode::Observe } else { settings.mode }
    }

    fn watch(&self, target: &Target, settings: &Settings) -> Watch {
        let mut orders = wire::orders(target, settings);
        orders.mode = self.mode(settings);
        Watch { orders, poll_interval: settings.poll_interval }
    }

    fn configured(&self, configuration: &Configuration) -> Configured {
        let poll_interval = configuration.settings.poll_interval;
        let mut blank = Configured::new(self.source.name().to_string(), Timestamp::now(), poll_interval);
        blank.notes.clone_from(&configuration.notes);
        blank.settings.clone_from(&configuration.told);
        if self.observe {
            blank
                .settings
                .push(("--observe".to_owned(), "nothing is changed, whatever safety.mode says".to_owned()));
        }
        configuration
            .targets
            .iter()
            .fold(blank, |configured, target| configured.target(target.name.clone(), &target.declared))
    }

    /// Ends drivers and server in order, or leaves them behind when they take too long.
    async fn end(mut self, server: JoinHandle<()>) {
        self.stop.cancel();
        let all = async {
            while self.tasks.join_next().await.is_some() {}
            self.notifications.end().await;
            server.await.ok();
        };
        if timeout(TO_END, all).await.is_err() {
            tracing::warn!("a call in flight was abandoned; the next start will see what became of it");
        }
        tracing::info!("eipd ends");
    }
}

struct Signals {
    end: End,
    reload: Signal,
}

struct End {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> Result<Self, Error> {
        let listen = |kind| signal(kind).map_err(Error::Runtime);
        let (terminate, interrupt) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
        Ok(Self { end: End { terminate, interrupt }, reload: listen(SignalKind::hangup())? })
    }
}

impl End {
    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
