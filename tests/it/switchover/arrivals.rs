//! Rows 3 and 4: a further interface for a pair, as overflow or as a replacement, whose event comes or does not.

use std::time::Duration;

use eipd_sim::beliefs::LambdaEvents;
use eipd_sim::{Span, Timing};
use tokio::time::sleep;

use super::row::{Told, assert_every_belief, assert_row};
use super::{SEEDS, Story, bounds};
use crate::rig::on_paused_clock;

fn timing(random: &mut fastrand::Rng) -> Timing {
    let creation = if random.bool() { Span::seconds(0, 5) } else { Span::seconds(60, 180) };
    Timing { interface_creation: creation, ..Timing::default() }
}

/// Tells the story of a seed: its gap, its bound, and whether an event came.
async fn told(seed: u64) -> (Told, bool) {
    let mut story = Story::drawn(seed, 2, timing);
    let daemon = story.daemon().await;
    story.cover().await;
    let before = story.gap();
    let replaces = story.random.bool();
    story.sim.world(|world| match replaces {
        true => {
            let old = world.pair_interfaces(&story.subnets[0], &[&story.group]).remove(0);
            world.replace_interface(&old)
        }
        false => world.overflow(&story.subnets[0], &[&story.group]),
    });
    sleep(Duration::from_secs(12 * 60)).await;
    daemon.stop().await;
    let beliefs = story.beliefs();
    let delay = story.delay.filter(|_| beliefs.lambda_events == LambdaEvents::Raised);
    let bound = bounds::arrival(delay, &beliefs);
    (Told { seed, gap: story.gap() - before, bound, beliefs }, delay.is_some())
}

#[test]
fn a_further_interface_is_bare_no_longer_than_its_event_takes_or_a_poll() {
    let tell = |seed| on_paused_clock(async move { told(seed).await });
    let (told, lost): (Vec<_>, Vec<_>) = (0..SEEDS * 2).map(tell).partition(|(_, is_told)| *is_told);
    let strip = |stories: Vec<(Told, bool)>| stories.into_iter().map(|(told, _)| told).collect::<Vec<_>>();
    let (told, lost) = (strip(told), strip(lost));
    assert_row("overflow or replacement, event arrives", &told);
    assert_row("overflow or replacement, event lost", &lost);
    let all: Vec<Told> = told.into_iter().chain(lost).collect();
    assert_every_belief(&all);
}
