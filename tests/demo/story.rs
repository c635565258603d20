//! How an act is watched: the daemon's status and the world's truth are looked at until both say what was awaited, or
//! the deadline is over. Makes nothing happen.

use std::time::Duration;

use anyhow::bail;
use tokio::time::{Instant, sleep};

use crate::child::Child;
use crate::show::{Line, Show};
use crate::stage::Stage;
use crate::status::{Change, Status};

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Nothing in the story takes longer: the simulated Lambda is at most 10 s slow, and an event takes less than a second.
const DEADLINE: Duration = Duration::from_secs(30);

/// The stage, the daemon, and what was seen so far.
pub(crate) struct Story<'s> {
    pub(crate) stage: &'s mut Stage,
    pub(crate) show: Show,
    child: Child,
    seen: Vec<Change>,
    lines: Vec<Line>,
}

/// An act under way.
pub(crate) struct Act {
    title: &'static str,
    begun: Instant,
    gap_before: Vec<f64>,
}

impl<'s> Story<'s> {
    /// A story that is about to begin.
    pub(crate) fn new(stage: &'s mut Stage, child: Child, show: Show) -> Self {
        Self { stage, show, child, seen: Vec::new(), lines: Vec::new() }
    }

    /// Begins an act; its clock runs from here.
    pub(crate) fn begin(&mut self, title: &'static str) -> Act {
        self.show.act(self.lines.len() + 1, title);
        Act { title, begun: Instant::now(), gap_before: self.stage.gap_seconds() }
    }

    /// Ends an act. The gap is what the data plane counted meanwhile, of the function that had the longest; returns it.
    pub(crate) fn end_act(&mut self, act: &Act, happened: String, repaired_after: Duration) -> f64 {
        let now = self.stage.gap_seconds();
        let gap = now.iter().zip(&act.gap_before).map(|(now, before)| now - before).fold(0.0, f64::max);
        self.show.outcome(repaired_after, gap);
        self.lines.push(Line { title: act.title, happened, repaired_after, gap });
        gap
    }

    /// Looks until these interfaces serve, with an address of theirs, and the daemon says that all is covered. Returns
    /// how long after `since` the last of them was.
    pub(crate) async fn until_covered(
        &mut self,
        interfaces: &[String],
        since: Instant,
    ) -> anyhow::Result<Duration> {
        let mut repaired_after = None;
        let what = format!("{} to be covered", interfaces.join(", "));
        self.until(&what, |stage, status, changes| {
            let fresh = changes.iter().any(|change| interfaces.contains(&change.network_interface_id));
            if fresh {
                repaired_after = Some(since.elapsed());
            }
            repaired_after.is_some()
                && interfaces.iter().all(|eni| stage.way_out(eni).is_some())
                && status.covered()
        })
        .await?;
        Ok(repaired_after.unwrap_or_else(|| since.elapsed()))
    }

    /// Looks until `done` says so; it is given each status with the changes that were not seen before.
    pub(crate) async fn until(
        &mut self,
        what: &str,
        mut done: impl FnMut(&Stage, &Status, &[Change]) -> bool,
    ) -> anyhow::Result<Status> {
        let deadline = Instant::now() + DEADLINE;
        loop {
            self.child.check()?;
            let last = match Status::of(&self.stage.url()).await {
                Ok(status) => {
                    let fresh = self.take_fresh(&status);
                    for change in &fresh {
                        self.show.change(change);
                    }
                    if done(self.stage, &status, &fresh) {
                        return Ok(status);
                    }
                    status.summary()
                }
                Err(error) => format!("{error:#}"),
            };
            if Instant::now() > deadline {
                let truth = self.stage.world(|world| world.uncovered());
                bail!(
                    "waited {} s for {what}; the daemon says: {last}; without a way out in truth: {truth:?}",
                    DEADLINE.as_secs()
                );
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// The changes that are new since the last look, the oldest first.
    fn take_fresh(&mut self, status: &Status) -> Vec<Change> {
        let new = status.changes.iter().rev().filter(|change| !self.seen.contains(change));
        let fresh: Vec<Change> = new.cloned().collect();
        self.seen.extend(fresh.iter().cloned());
        fresh
    }

    /// The whole story in a table.
    pub(crate) fn finale(&self) {
        self.show.table(&self.lines);
    }

    /// Says what there is to look at while the daemon goes on.
    pub(crate) fn invite(&self) {
        self.show.pages(&self.stage.url());
    }

    /// Ends the daemon in order. The simulator must have seen no call that it does not know and no broken law.
    pub(crate) async fn end(&mut self) -> anyhow::Result<()> {
        let took = self.child.terminate().await;
        if took.is_err() {
            self.keep_evidence();
        }
        let (complaints, violations) = (self.stage.sim().complaints(), self.stage.sim().violations());
        self.show.ended(took?);
        if !complaints.is_empty() || !violations.is_empty() {
            self.keep_evidence();
            bail!("the simulator complains: {complaints:?}; broken laws: {violations:?}");
        }
        Ok(())
    }

    /// Keeps configuration and log for whoever looks into a failure.
    pub(crate) fn keep_evidence(&mut self) {
        let folder = self.stage.keep_folder().to_owned();
        self.show.evidence(&folder);
    }
}

impl Act {
    /// When it began.
    pub(crate) fn begun(&self) -> Instant {
        self.begun
    }
}
