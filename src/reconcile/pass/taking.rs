//! What a pass asks before an address may be taken from an interface that nobody declared uses (law 12). Takes nothing
//! itself: the plan does, from what is said here.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::SignedDuration;
use tokio::time::Instant;

use super::{Reconciler, Round};
use crate::domain::desired::Desired;
use crate::domain::ids::NetworkInterfaceId;
use crate::domain::observed::Observed;
use crate::domain::roster::Roster;
use crate::reconcile::retirement::holders;

/// Functions that are too many for one pass are read over several; what the first of them told counts for so long.
const READ_WITHIN: SignedDuration = SignedDuration::from_mins(2);

/// Half of Lambda's 15 requests a second (AWS.md 2, confirmed) are enough for so many within that time.
const HOLDERS_MAX: usize = 900;

impl Reconciler {
    /// The interfaces that addresses may be taken from; none unless every version of every function could be listed, and
    /// after that every function was read whose set holds one of the addresses. Nothing when the pass was cancelled.
    pub(super) async fn retired(
        &mut self,
        round: &Round<'_>,
        desired: &Desired,
        observed: &mut Observed,
    ) -> Option<BTreeSet<NetworkInterfaceId>> {
        let roster = match self.list_versions(round).await? {
            Ok(roster) => roster,
            Err(why) => {
                self.retirement.note_failure(&why);
                return Some(BTreeSet::new());
            }
        };
        let grace = round.orders.switchover_grace;
        observed.roster = Some(Arc::clone(&roster));
        observed.roster_trouble = None;
        let unused = self.retirement.note(&roster, desired, observed, grace);
        if unused.is_empty() {
            return Some(BTreeSet::new());
        }
        let holders = holders(&unused, desired);
        if holders.len() > HOLDERS_MAX {
            let why = format!(
                "{} functions hold it, more than can be read anew in two minutes; hint: split the pool, or keep a spare",
                holders.len()
            );
            self.retirement.note_failure(&why);
            return Some(BTreeSet::new());
        }
        let most = round.limits.function_reads;
        let now = self.ports.clock.now();
        let counts_from = if holders.len() <= most { now } else { now - READ_WITHIN };
        let unread = self.observer.book.read_before(holders.iter(), counts_from);
        let portion: Vec<_> = unread.iter().take(most).cloned().collect();
        let gaps = match round.in_time(self.observer.read_in_detail(portion)).await? {
            Ok(gaps) => gaps,
            Err(too_slow) => {
                self.retirement.note_failure(&too_slow);
                return Some(BTreeSet::new());
            }
        };
        if let Some(gap) = gaps.first() {
            self.retirement.note_failure(&gap.message);
            return Some(BTreeSet::new());
        }
        if let left @ 1.. = self.observer.book.read_before(holders.iter(), counts_from).len() {
            self.retirement.note_unread(left, holders.len());
            return Some(BTreeSet::new());
        }
        observed.functions.extend(self.observer.book.observations(holders.iter()));
        Some(self.retirement.settled(unused, desired, observed))
    }

    /// The list of all versions as it is now, or why there is none; nothing when the pass was cancelled.
    pub(super) async fn list_versions(&mut self, round: &Round<'_>) -> Option<Result<Arc<Roster>, String>> {
        let begun_at = Instant::now();
        let list = round.in_time(self.ports.reads.versions()).await?;
        Some(list.and_then(|list| self.observer.versions.note(list, begun_at)))
    }
}
