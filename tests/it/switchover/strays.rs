//! Row 6: somebody takes an address off, or puts it on something else. The event may come late or never.

use std::time::Duration;

use eipd_sim::{NewInterface, Timing};
use tokio::time::sleep;

use super::row::{Told, assert_every_belief, assert_row};
use super::{SEEDS, Story, bounds};
use crate::rig::{POLL, on_paused_clock};

async fn told(seed: u64) -> Told {
    let mut story = Story::drawn(seed, 1, |_| Timing::default());
    let daemon = story.daemon().await;
    story.settle().await;
    let before = story.gap();
    let moves = story.random.bool();
    let victim = story.interfaces(&story.group).remove(0);
    story.sim.world(|world| {
        let ip = world.address_of(&victim).expect("it is covered").to_owned();
        let address = story.allocations.iter().find(|id| world.public_ip(id) == ip).expect("it is declared");
        if moves {
            let elsewhere = world.add_interface(NewInterface::plain(&story.subnets[1], &[&story.group]));
            world.stray_associate(address, &elsewhere, true).expect("it may be moved");
        } else {
            world.stray_disassociate(address);
        }
    });
    sleep(Duration::from_secs(12 * 60)).await;
    daemon.stop().await;
    let polled = POLL + bounds::pass();
    let bound = story.delay.map_or(polled, |delay| (delay + bounds::look()).min(polled));
    Told { seed, gap: story.gap() - before, bound, beliefs: story.beliefs() }
}

#[test]
fn an_address_that_is_taken_off_is_replaced_when_its_event_comes() {
    let told: Vec<Told> = (0..SEEDS).map(|seed| on_paused_clock(async move { told(seed).await })).collect();
    assert_every_belief(&told);
    assert_row("address taken off by a stray hand", &told);
}
