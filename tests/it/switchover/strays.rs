//! Row 6: somebody takes an address off, puts it on something else, or releases it; also right after the daemon's own write.
//! The event may come late or never.

use std::time::Duration;

use eipd_sim::{NewInterface, Timing};
use tokio::time::sleep;

use super::row::{Told, assert_every_belief, assert_row};
use super::{SEEDS, Story, bounds};
use crate::rig::on_paused_clock;

/// What is done to the address.
#[derive(Clone, Copy, PartialEq)]
enum Strike {
    TakesOff,
    Moves,
    Releases,
}

/// Tells the story of a seed, and whether it was within two minutes of the daemon's own write.
async fn told(seed: u64) -> (Told, bool) {
    let mut story = Story::drawn(seed, 1, |_| Timing::default());
    let daemon = story.daemon().await;
    let written = story.cover().await;
    let before = story.gap();
    let strike = [Strike::TakesOff, Strike::Moves, Strike::Releases][story.random.usize(0..3)];
    let victim = story.interfaces(&story.group).remove(0);
    story.sim.world(|world| {
        let ip = world.address_of(&victim).expect("it is covered").to_owned();
        let address = story.allocations.iter().find(|id| world.public_ip(id) == ip).expect("it is declared");
        if strike == Strike::Moves {
            let elsewhere = world.add_interface(NewInterface::plain(&story.subnets[1], &[&story.group]));
            world.stray_associate(address, &elsewhere, true).expect("it may be moved");
        } else {
            world.stray_disassociate(address);
        }
        if strike == Strike::Releases {
            world.release_address(address).expect("it is free");
        }
    });
    sleep(Duration::from_secs(12 * 60)).await;
    daemon.stop().await;
    let bound = bounds::stray(story.delay, strike == Strike::TakesOff, written);
    let told = Told { seed, gap: story.gap() - before, bound, beliefs: story.beliefs() };
    (told, written < Duration::from_secs(120))
}

#[test]
fn an_address_that_is_taken_off_is_replaced_when_its_event_comes() {
    let tell = |seed| on_paused_clock(async move { told(seed).await });
    let (soon, late): (Vec<_>, Vec<_>) = (0..SEEDS * 2).map(tell).partition(|(_, is_soon)| *is_soon);
    let strip = |stories: Vec<(Told, bool)>| stories.into_iter().map(|(told, _)| told).collect::<Vec<_>>();
    let (soon, late) = (strip(soon), strip(late));
    assert_row("address taken off, moved or released by a stray hand", &late);
    assert_row("the same within two minutes of our own write", &soon);
    let all: Vec<Told> = late.into_iter().chain(soon).collect();
    assert_every_belief(&all);
}
