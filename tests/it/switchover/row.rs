//! One row of the table: its stories' gaps with their bounds, asserted and printed.

use std::collections::BTreeSet;
use std::time::Duration;

use eipd_sim::Beliefs;

/// How a story went.
pub struct Told {
    pub seed: u64,
    pub gap: Duration,
    pub bound: Duration,
    pub beliefs: Beliefs,
}

/// Less than this is none: two calls side by side don't end at the same moment.
const NONE: Duration = Duration::from_millis(1);

/// Asserts that every story keeps its bound, and that each alternative of each belief occurred; prints the distribution.
pub fn assert_row(title: &str, told: &[Told]) {
    print(title, told);
    for Told { seed, gap, bound, beliefs } in told {
        assert!(*gap <= *bound + NONE, "{title}, seed {seed}: {gap:?}, not {bound:?}, {beliefs}");
    }
}

/// Asserts that each alternative of each belief was drawn.
pub fn assert_every_belief(told: &[Told]) {
    for (place, belief) in Beliefs::all().iter().enumerate() {
        let drawn: BTreeSet<usize> = told.iter().map(|told| told.beliefs.choices()[place]).collect();
        assert_eq!(drawn.len(), belief.alternatives.len(), "B{} {}", belief.number, belief.name);
    }
}

#[expect(clippy::print_stdout, reason = "the distribution is for people to read")]
fn print(title: &str, told: &[Told]) {
    let mut gaps: Vec<f64> = told.iter().map(|told| told.gap.as_secs_f64()).collect();
    gaps.sort_by(f64::total_cmp);
    let at = |part: f64| gaps[((gaps.len() - 1) as f64 * part).ceil() as usize];
    let none = told.iter().filter(|told| told.gap <= NONE).count();
    let bound = told.iter().map(|told| told.bound.as_secs_f64()).fold(0.0, f64::max);
    println!(
        "| {title} | {none} of {} | {:.1} s | {:.1} s | {:.1} s | {:.1} s | {bound:.1} s |",
        gaps.len(),
        at(0.5),
        at(0.9),
        at(0.99),
        at(1.0),
    );
}
