//! Who hears of passes in a long run: telemetry always, and what is published on the event bus while one is configured. A
//! reload switches the bus on, off or to another; a new bus is told of what is uncovered then.

use std::sync::{Arc, RwLock};
use std::time::Duration;

use tokio::task::{JoinHandle, JoinSet};

use super::{Error, wire};
use crate::aws::EventBus;
use crate::config::settings::Settings;
use crate::domain::ids::TargetName;
use crate::domain::report::{ActionReport, Report};
use crate::events::outbox::{Notifier, Outbox};
use crate::events::publisher::Publisher;
use crate::reconcile::ports::Audience;
use crate::telemetry::Telemetry;

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
