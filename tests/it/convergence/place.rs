//! An account of a story: its estate, the role that leads to it, and who watches what is done there.

use std::time::Duration;

use eipd::aws::AssumedRole;
use eipd::domain::report::Report;
use eipd_sim::Sim;

use super::estate::Estate;
use super::{budget, laws, oracle, weather};

/// The accounts; the first is that of the processes' own credentials.
const ACCOUNTS: [&str; 2] = ["111122223333", "444455556666"];

/// An account.
pub struct Place {
    pub sim: Sim,
    pub estate: Estate,
    pub watch: laws::Watch,
    /// None leads to the account that the processes are of.
    pub role: Option<AssumedRole>,
}

impl Place {
    /// Draws the one of this number, with the weather that it begins with.
    pub fn draw(seed: u64, number: usize) -> Self {
        // Far from the seeds of stories, so that no two estates are the same.
        let seed = seed.wrapping_add(number as u64 * 1_000_000_007);
        let estate = Estate::draw(seed, ACCOUNTS[number]);
        let sim = estate.sim.clone();
        let lag = weather::begin(&sim, seed);
        weather::events(&sim, seed);
        let watch = laws::Watch::begin(&estate, lag);
        let role = (number > 0).then(|| AssumedRole {
            arn: format!("arn:aws:iam::{}:role/eipd", ACCOUNTS[number]),
            external_id: None,
        });
        Self { sim, estate, watch, role }
    }

    /// Takes notice of what its file says now.
    pub fn look(&mut self) {
        self.watch.look(&self.estate);
    }

    /// Judges it once it is settled, by the last report of each process.
    pub fn assert_settled(&self, last: &[Report]) {
        oracle::assert_best_possible(&self.estate, last);
        oracle::assert_wrong_ones_are_replaced(&self.estate, last);
        oracle::assert_reports_agree(&self.estate, last);
    }

    /// Waits for so long, in which nothing is changed and few calls are made.
    pub async fn assert_calm(&self, last: &[Report], duration: Duration) {
        let (changes, calls) = (self.changes(), self.sim.call_count());
        tokio::time::sleep(duration).await;
        // What the budget of an hour holds back is done when the hour is over.
        let is_held_back = last.iter().any(|report| report.breaker.is_some());
        assert!(is_held_back || changes == self.changes(), "a settled estate was changed");
        if !is_held_back {
            budget::assert_within(&self.estate, last, calls);
        }
    }

    /// Calls that changed something, or may have.
    fn changes(&self) -> usize {
        let may_have = |entry: &&eipd_sim::Entry| entry.ending != eipd_sim::Ending::Refused;
        self.sim.with_journal(|journal| journal.mutating().filter(may_have).count())
    }
}
