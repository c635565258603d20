//! Who hears of passes. In a long run: telemetry always, and what is published on the event bus while one is configured; a
//! reload switches the bus on, off or to another, and a new bus is told of what is uncovered then. Of a command: the log,
//! and the bus, which is told what was changed and nothing else.

use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;

use tokio::task::{JoinHandle, JoinSet};

use super::{Error, output, wire};
use crate::aws::EventBus;
use crate::config::settings::Settings;
use crate::domain::ids::TargetName;
use crate::domain::report::{ActionReport, Report};
use crate::events::outbox::{Notifier, Outbox};
use crate::events::publisher::Publisher;
use crate::reconcile::ports::{Audience, Delivery, NotificationAudience};
use crate::telemetry::{ChangesOnly, Telemetry};

/// The audience of every target's passes.
pub(super) struct Audiences {
    telemetry: Arc<Telemetry>,
    notifier: RwLock<Option<Arc<Notifier>>>,
}

impl Audiences {
    fn notifier(&self) -> Option<Arc<Notifier>> {
        self.notifier.read().expect("a panic ends the process").clone()
    }
}

impl Audiences {
    /// What was told of this target is told anew: it is another place now, or was away.
    pub(super) fn forget(&self, target: &TargetName) {
        if let Some(notifier) = self.notifier() {
            notifier.forget(target);
        }
    }
}

impl Audience for Audiences {
    fn hear_action(&self, target: &TargetName, pass: u64, action: &ActionReport) {
        self.telemetry.hear_action(target, pass, action);
        if let Some(notifier) = self.notifier() {
            notifier.hear_action(target, pass, action);
        }
    }

    fn hear(&self, report: &Report) {
        self.telemetry.hear(report);
        if let Some(notifier) = self.notifier() {
            notifier.hear(report);
        }
    }

    fn expect_next(&self, report: &Report, within: Duration) {
        self.telemetry.expect_next(report, within);
    }
}

/// What is published, and where.
pub(super) struct Notifications {
    telemetry: Arc<Telemetry>,
    audiences: Arc<Audiences>,
    publishing: Option<Publishing>,
}

struct Publishing {
    /// Its name or ARN, as configured.
    bus: String,
    outbox: Arc<Outbox>,
    publisher: JoinHandle<()>,
}

impl Notifications {
    /// None yet.
    pub(super) fn new(telemetry: Arc<Telemetry>) -> Self {
        let audiences = Audiences { telemetry: telemetry.clone(), notifier: RwLock::default() };
        Self { telemetry, audiences: Arc::new(audiences), publishing: None }
    }

    /// Who hears of passes, whatever bus there is or will be.
    pub(super) fn audience(&self) -> Arc<Audiences> {
        Arc::clone(&self.audiences)
    }

    /// The bus, when it is not the one that is published on already.
    pub(super) async fn new_bus(&self, settings: &Settings) -> Result<Option<EventBus>, Error> {
        let present = self.publishing.as_ref().map(|publishing| publishing.bus.as_str());
        match settings.event_bus.as_deref().filter(|bus| Some(*bus) != present) {
            Some(bus) => wire::bus(bus, settings, self.telemetry.clone()).await.map(Some),
            None => Ok(None),
        }
    }

    /// Publishes on this bus from now on, and on no other; what is left for the former one is sent by one of `tasks`.
    pub(super) fn switch(&mut self, bus: Option<&str>, new: Option<EventBus>, tasks: &mut JoinSet<()>) {
        let former = self.publishing.take_if(|publishing| bus != Some(publishing.bus.as_str()));
        if let Some(Publishing { outbox, publisher, .. }) = former {
            self.listen(None);
            outbox.close();
            tasks.spawn(async { publisher.await.unwrap_or_default() });
        }
        let (Some(bus), Some(new)) = (bus, new) else { return };
        let outbox = Arc::new(Outbox::new(fastrand::u64(..)));
        self.listen(Some(Arc::new(Notifier::new(outbox.clone(), Arc::new(wire::SystemClock)))));
        let publisher = Publisher {
            bus: Arc::new(new),
            outbox: outbox.clone(),
            audience: self.telemetry.clone(),
            seed: fastrand::u64(..),
        };
        let publisher = tokio::spawn(publisher.run());
        self.publishing = Some(Publishing { bus: bus.to_owned(), outbox, publisher });
    }

    /// Sends what waits, if that is quick. To be called when no pass is made any more.
    pub(super) async fn end(&mut self) {
        if let Some(Publishing { outbox, publisher, .. }) = self.publishing.take() {
            outbox.close();
            publisher.await.ok();
        }
    }

    fn listen(&self, notifier: Option<Arc<Notifier>>) {
        *self.audiences.notifier.write().expect("a panic ends the process") = notifier;
    }
}

/// What a command gives its last notifications.
const TO_DELIVER: Duration = Duration::from_secs(10);

/// Publishes what one command changes, where a bus is configured.
pub(super) struct Courier {
    notifier: Option<Arc<Notifier>>,
    publishing: Option<(Arc<Outbox>, JoinHandle<()>)>,
    delivered: Arc<Delivered>,
}

/// What became of a command's notifications.
#[derive(Default)]
struct Delivered {
    lost: Mutex<u64>,
    trouble: Mutex<Option<String>>,
}

impl NotificationAudience for Delivered {
    fn hear_notifications(&self, delivery: Delivery, count: u64) {
        if matches!(delivery, Delivery::Failed | Delivery::Dropped) {
            *self.lost.lock().expect("a panic ends the process") += count;
        }
    }

    fn hear_bus(&self, trouble: Option<&str>) {
        if let Some(trouble) = trouble {
            *self.trouble.lock().expect("a panic ends the process") = Some(trouble.to_owned());
        }
    }
}

/// Logs the changes of a command, and publishes them.
struct Changes(Option<Arc<Notifier>>);

impl Audience for Changes {
    fn hear_action(&self, target: &TargetName, pass: u64, action: &ActionReport) {
        ChangesOnly.hear_action(target, pass, action);
        self.0.iter().for_each(|notifier| notifier.hear_action(target, pass, action));
    }

    fn hear(&self, _: &Report) {}

    fn expect_next(&self, _: &Report, _: Duration) {}
}

impl Courier {
    /// Ready to publish on the configured bus, if there is one.
    pub(super) async fn begin(settings: &Settings) -> Result<Self, Error> {
        let delivered = Arc::new(Delivered::default());
        let Some(bus) = settings.event_bus.as_deref() else {
            return Ok(Self { notifier: None, publishing: None, delivered });
        };
        let bus = Arc::new(wire::bus(bus, settings, Arc::new(wire::Unmetered)).await?);
        let outbox = Arc::new(Outbox::new(fastrand::u64(..)));
        let notifier = Arc::new(Notifier::new(outbox.clone(), Arc::new(wire::SystemClock)));
        let publisher =
            Publisher { bus, outbox: outbox.clone(), audience: delivered.clone(), seed: fastrand::u64(..) };
        let publisher = tokio::spawn(publisher.run_and_end_within(TO_DELIVER));
        Ok(Self { notifier: Some(notifier), publishing: Some((outbox, publisher)), delivered })
    }

    /// Who hears of the command's passes.
    pub(super) fn audience(&self) -> Arc<dyn Audience> {
        Arc::new(Changes(self.notifier.clone()))
    }

    /// Takes notice of the end of a pass.
    pub(super) fn hear_changes(&self, report: &Report) {
        self.notifier.iter().for_each(|notifier| notifier.hear_actions_end(report));
    }

    /// Sends what waits, and says what could not be sent.
    pub(super) async fn end(self) {
        let Some((outbox, publisher)) = self.publishing else { return };
        outbox.close();
        publisher.await.ok();
        let lost = *self.delivered.lost.lock().expect("a panic ends the process");
        if lost > 0 {
            let trouble = self.delivered.trouble.lock().expect("a panic ends the process").clone();
            let why = trouble.unwrap_or_else(|| "it took too long".to_owned());
            output::remark(&format!("warning: {lost} notifications were not published: {why}"));
        }
    }
}
