//! What the daemon says of itself: its `/status`, as far as the story needs it. Asks over HTTP like anybody else, and knows
//! nothing of the simulator.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, ensure};
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde::Deserialize;
use tokio::time::timeout;

/// A loopback answer takes milliseconds, on a busy machine some hundred.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// The answer.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Status {
    pub(crate) targets: Vec<Target>,
    pub(crate) changes: Vec<Change>,
}

/// The latest pass.
#[derive(Debug, Deserialize)]
pub(crate) struct Target {
    pub(crate) coverage: String,
    pub(crate) covered: usize,
    pub(crate) uncovered: Vec<Uncovered>,
    pub(crate) failures: Vec<String>,
    pub(crate) pools: BTreeMap<String, Pool>,
}

/// An interface without an address of its set.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Uncovered {
    pub(crate) network_interface_id: String,
    pub(crate) reason: String,
    pub(crate) detail: String,
}

/// A change that the daemon made, or tried.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Change {
    pub(crate) at: String,
    pub(crate) allocation_id: String,
    pub(crate) public_ip: String,
    pub(crate) network_interface_id: String,
    pub(crate) functions: Vec<String>,
    pub(crate) reason: String,
    pub(crate) outcome: String,
    pub(crate) cause: Option<Cause>,
}

/// The event that told of what a change mends.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Cause {
    pub(crate) actor: String,
}

/// How a pool stands.
#[derive(Debug, Deserialize)]
pub(crate) struct Pool {
    pub(crate) spare: usize,
}

impl Status {
    /// Asks the daemon at this address.
    pub(crate) async fn of(base: &str) -> anyhow::Result<Self> {
        let answer = timeout(ANSWER_WITHIN, get(&format!("{base}/status"))).await;
        let body = answer.context("the daemon did not answer in time")??;
        serde_json::from_slice(&body).context("the daemon's answer is no status")
    }

    /// The latest pass, when there was one.
    pub(crate) fn latest(&self) -> Option<&Target> {
        self.targets.first()
    }

    /// Whether the daemon believes that everything is covered.
    pub(crate) fn covered(&self) -> bool {
        self.latest().is_some_and(|target| target.coverage == "covered")
    }

    /// What the daemon says of an interface that it can't cover.
    pub(crate) fn uncovered(&self, interface: &str) -> Option<&Uncovered> {
        self.latest()?.uncovered.iter().find(|uncovered| uncovered.network_interface_id == interface)
    }

    /// How many addresses the daemon knows to be free.
    pub(crate) fn spares(&self) -> usize {
        self.latest().map_or(0, |target| target.pools.values().map(|pool| pool.spare).sum())
    }

    /// One line for a person.
    pub(crate) fn summary(&self) -> String {
        let Some(target) = self.latest() else { return "no pass was made yet".to_owned() };
        let mut text = format!("{}, {} interfaces covered", target.coverage, target.covered);
        for uncovered in &target.uncovered {
            text += &format!("; {}: {}", uncovered.network_interface_id, uncovered.detail);
        }
        for failure in &target.failures {
            text += &format!("; {failure}");
        }
        text
    }
}

async fn get(url: &str) -> anyhow::Result<Bytes> {
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
    let response = client.get(url.parse()?).await?;
    ensure!(response.status().is_success(), "{url} answered {}", response.status());
    Ok(response.into_body().collect().await?.to_bytes())
}
