//! What a reconciler remembers of its target that no read shows, handed on to the one that takes its place in the same
//! process: a reload that needs a new client must not forget what was done in the last hour. Counts only where the new one
//! turns out to be in the same account; caches of what can be read anew are not handed on. Still safe to lose (law 8).

use super::{Reconciler, Round};
use crate::domain::ids::AccountId;
use crate::reconcile::blame::Blames;
use crate::reconcile::budget::Budget;
use crate::reconcile::contest::Contests;
use crate::reconcile::ledger::Ledger;
use crate::reconcile::recent::RecentWrites;
use crate::reconcile::removal::Removals;
use crate::reconcile::retirement::Retirement;
use crate::reconcile::unsettled::Unsettled;

/// What is remembered of a target.
pub struct Memory {
    account: AccountId,
    passes: u64,
    recent: RecentWrites,
    ledger: Ledger,
    stuck: Ledger,
    unsettled: Unsettled,
    contests: Contests,
    blames: Blames,
    budget: Budget,
    removals: Removals,
    retirement: Retirement,
}

impl Reconciler {
    /// What it remembers; nothing while it does not know its account, for then it has changed nothing.
    #[must_use]
    pub fn into_memory(self) -> Option<Memory> {
        let Some(account) = self.observer.known_account().cloned() else { return self.heirloom };
        Some(Memory {
            account,
            passes: self.passes,
            recent: self.recent,
            ledger: self.ledger,
            stuck: self.stuck,
            unsettled: self.unsettled,
            contests: self.contests,
            blames: self.blames,
            budget: self.budget,
            removals: self.removals,
            retirement: self.retirement,
        })
    }

    /// Takes over what another remembers of the same target, once its account is known to be the same.
    pub fn inherit(&mut self, memory: Memory) {
        self.passes = self.passes.max(memory.passes);
        self.heirloom = Some(memory);
    }

    /// Begins to remember what was inherited; nothing when the pass was cancelled. What can't be told now is told by the
    /// next pass, since without the account this one sees nothing.
    pub(super) async fn recall(&mut self, round: &Round<'_>) -> Option<()> {
        let Some(memory) = self.heirloom.take() else { return Some(()) };
        let account = round.in_time(self.observer.account(round.orders.account.as_ref())).await;
        match account {
            Some(Ok(Ok(account))) if account == memory.account => self.remember_all(memory),
            Some(Ok(Ok(_))) => {}
            Some(Ok(Err(_)) | Err(_)) => self.heirloom = Some(memory),
            None => {
                self.heirloom = Some(memory);
                return None;
            }
        }
        Some(())
    }

    fn remember_all(&mut self, memory: Memory) {
        let Memory {
            recent, ledger, stuck, unsettled, contests, blames, budget, removals, retirement, ..
        } = memory;
        (self.recent, self.ledger, self.stuck) = (recent, ledger, stuck);
        (self.unsettled, self.contests, self.blames) = (unsettled, contests, blames);
        (self.budget, self.removals, self.retirement) = (budget, removals, retirement);
    }
}
