//! Rows 3 and 4: a further interface for a pair, as overflow or as a replacement, whose event comes or does not.

use std::time::Duration;

use eipd_sim::beliefs::LambdaEvents;
use eipd_sim::{Span, Staleness, Timing};
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

/// Two arrivals within a moment, while reads lag: the second is looked at when the first was confirmed.
async fn told_of_two(seed: u64) -> Option<Told> {
    let mut story = Story::drawn(seed, 2, timing);
    let beliefs = story.beliefs();
    let delay = story.delay.filter(|_| beliefs.lambda_events == LambdaEvents::Raised)?;
    let lag = Duration::from_millis(story.random.u64(0..5_000));
    story.sim.set_staleness(Staleness { addresses: lag, interfaces: lag });
    let daemon = story.daemon().await;
    story.settle().await;
    let before = story.gap();
    for subnet in &story.subnets {
        story.sim.world(|world| world.overflow(subnet, &[&story.group]));
        sleep(Duration::from_millis(200)).await;
    }
    sleep(Duration::from_secs(12 * 60)).await;
    daemon.stop().await;
    // An event that comes before EC2 shows the interface is looked at again a second later, and later still.
    let bound = bounds::arrival_behind_another(delay + lag * 2 + Duration::from_secs(1), lag, &beliefs);
    Some(Told { seed, gap: story.gap() - before, bound, beliefs })
}

#[test]
fn one_arrival_behind_another_waits_for_its_confirmation_and_no_longer() {
    let told = (0..SEEDS).filter_map(|seed| on_paused_clock(async move { told_of_two(seed).await }));
    assert_row("two further ones at once, reads up to 5 s behind", &told.collect::<Vec<_>>());
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
