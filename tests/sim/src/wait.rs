//! Waiting for what callers do. Changes nothing.

use crate::sim::Sim;

impl Sim {
    /// Until this many calls were carried out, refused or lost since the world began.
    pub async fn called(&self, count: usize) {
        loop {
            let stirred = self.stirred();
            tokio::pin!(stirred);
            // From here on a call is not missed, though nobody waits for it yet.
            stirred.as_mut().enable();
            if self.call_count() >= count {
                return;
            }
            stirred.await;
        }
    }
}
