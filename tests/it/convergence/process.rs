//! A process of eipd over all accounts of a story: a daemon for each, and one that reads the queue for all of them.

use std::sync::Arc;
use std::time::Duration;

use eipd::domain::report::Report;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::place::Place;
use crate::rig::{self, Daemon, Setup};

/// A process.
pub struct Process {
    /// By account.
    daemons: Vec<Daemon>,
    reader: Option<JoinHandle<()>>,
    cancel: CancellationToken,
}

impl Process {
    /// Starts one that reads this queue of the first account, if there is one.
    pub async fn start(places: &[Place], queue: Option<&str>, seed: u64) -> Self {
        let sims: Vec<_> = places.iter().map(|place| place.sim.clone()).collect();
        let mut daemons = Vec::new();
        for place in places {
            let setup = Setup { role: place.role.clone(), beside: sims.clone(), ..Setup::default() };
            daemons.push(Daemon::start_as(&place.sim, place.estate.file.orders(), seed, setup).await);
        }
        let cancel = CancellationToken::new();
        let reader = match queue {
            Some(url) => {
                let routes = daemons.iter().map(|daemon| daemon.route.clone()).collect();
                let heard = Arc::clone(&daemons[0].heard);
                Some(rig::consume(&sims[0], url, routes, heard, &cancel).await)
            }
            None => None,
        };
        Self { daemons, reader, cancel }
    }

    /// What it reported of an account so far.
    pub fn reports(&self, place: usize) -> Vec<Report> {
        self.daemons[place].heard.reports()
    }

    /// Gives it the file of an account as it is now.
    pub fn reload(&self, place: usize, now: &Place) {
        self.daemons[place].reload(now.estate.file.orders());
    }

    /// Lets it poll this often from now on.
    pub fn poll_every(&self, interval: Duration) {
        self.daemons.iter().for_each(|daemon| daemon.poll_every(interval));
    }

    /// Lets it receive no more events.
    pub fn deafen(&self) {
        self.reader.iter().for_each(JoinHandle::abort);
    }

    /// Ends it at whatever it is doing, as a crash does.
    pub async fn kill(self) {
        self.deafen();
        for daemon in self.daemons {
            daemon.kill().await;
        }
    }

    /// Ends it in order.
    ///
    /// # Panics
    /// When that takes too long.
    pub async fn stop(self) {
        self.cancel.cancel();
        let took = futures_util::future::join_all(self.daemons.into_iter().map(Daemon::stop)).await;
        assert!(took.iter().all(|took| *took <= Duration::from_secs(10)), "law 10: {took:?}");
    }
}
