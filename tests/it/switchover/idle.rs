//! Row 5: a function that was idle so long that Lambda took its interfaces back, and is woken.

use std::time::Duration;

use eipd_sim::{Span, Timing};
use tokio::time::sleep;

use super::row::{Told, assert_every_belief, assert_row};
use super::{SEEDS, Story, bounds};
use crate::rig::on_paused_clock;

/// Lambda's own wait is longer than a poll interval (AWS.md 1: several minutes, confirmed).
fn timing(random: &mut fastrand::Rng) -> Timing {
    let creation = Duration::from_secs(random.u64(70..=180));
    let lingering = Span::seconds(60, 120);
    Timing { interface_creation: Span::exactly(creation), lingering, ..Timing::default() }
}

async fn told(seed: u64) -> Told {
    let mut story = Story::drawn(seed, 2, timing);
    let daemon = story.daemon().await;
    story.settle().await;
    let before = story.gap();
    story.sim.world(|world| world.idle("billing"));
    sleep(Duration::from_secs(400)).await;
    story.sim.world(|world| world.wake("billing"));
    sleep(Duration::from_secs(12 * 60)).await;
    daemon.stop().await;
    let beliefs = story.beliefs();
    let bound = if bounds::refuses_pending(&beliefs) { bounds::after_refusal() } else { Duration::ZERO };
    Told { seed, gap: story.gap() - before, bound, beliefs }
}

#[test]
fn a_function_that_is_woken_waits_for_lambda_and_for_nothing_else() {
    let told: Vec<Told> = (0..SEEDS).map(|seed| on_paused_clock(async move { told(seed).await })).collect();
    assert_every_belief(&told);
    assert_row("idle function reclaimed and woken, address spare", &told);
}
