//! Rows 1 and 2: a change of VpcConfig, with spares and without. The update takes from two seconds to five minutes, the
//! new pair is fresh or used by an undeclared function already, one update in four fails, half the daemons are killed
//! and started anew in the middle, and half the old interfaces are removed before the grace is over.

use std::time::Duration;

use eipd_sim::beliefs::MidUpdateView;
use eipd_sim::{Outcome, Span, Timing, VpcConfig};
use tokio::time::sleep;

use super::bounds::{self, Update};
use super::row::{Told, assert_every_belief, assert_row};
use super::{SEEDS, Story};
use crate::rig::{POLL, on_paused_clock};

fn timing(random: &mut fastrand::Rng) -> Timing {
    let update = Duration::from_secs(random.u64(2..=300));
    let soon = random.bool();
    Timing {
        update: Span::exactly(update),
        interface_creation: Span::seconds(1, 2),
        lingering: if soon { Span::seconds(5, 60) } else { Timing::default().lingering },
        ..Timing::default()
    }
}

/// Tells the story of a seed, and its update.
async fn told(seed: u64, spares: usize) -> (Duration, Update, bool) {
    let mut story = Story::drawn(seed, spares, timing);
    let is_shared = story.random.bool();
    let old = story.interfaces(&story.group);
    let change = story.sim.world(|world| {
        let vpc = world.vpcs().next().expect("there is one").id.clone();
        let group = world.create_security_group(&vpc, "later");
        let change = VpcConfig::new(&story.subnets, &[&group]);
        if is_shared {
            world.create_active_function("other", change.clone());
        }
        change
    });
    let daemon = story.daemon().await;
    story.settle().await;
    let before = story.gap();
    let fails = story.random.u8(0..4) == 0;
    let outcome = if fails { Outcome::Fails("seeded".to_owned()) } else { Outcome::Succeeds };
    let begun = story.sim.world(|world| {
        world.update_function_vpc("billing", change, outcome, None).expect("it is active");
        world.now()
    });
    let restart_after = Duration::from_secs(story.random.u64(0..300));
    let restarts = story.random.bool();
    sleep(restart_after).await;
    let daemon = if restarts {
        daemon.kill().await;
        story.daemon().await
    } else {
        daemon
    };
    sleep(Duration::from_secs(12 * 60)).await;
    daemon.stop().await;
    let restarted = restarts.then_some(restart_after);
    // An interface that nothing explains makes the poll read the functions; one that was there before does not.
    let by_itself = if is_shared { bounds::REFRESH + POLL } else { POLL };
    let by_restart = restarted.map(|after| after + bounds::first_pass());
    let seen = story.delay.into_iter().chain(by_restart).chain([by_itself + bounds::pass()]).min();
    let removals = story.sim.world(|world| {
        let deleted = |id: &String| world.interface(id).and_then(|interface| interface.deleted);
        old.iter().map(|id| deleted(id).map(|at| at.since(begun))).collect::<Option<Vec<_>>>()
    });
    let timing = story.sim.world(|world| world.config().timing.clone());
    let (took, ready) = (timing.update.longest, timing.interface_creation.longest);
    let removed = removals.and_then(|all| all.into_iter().max());
    let update =
        Update { beliefs: story.beliefs(), took, seen: seen.unwrap_or_default(), restarted, removed, ready };
    (story.gap() - before, update, fails)
}

fn stories(spares: usize, bound: impl Fn(&Update) -> Duration) -> Vec<Told> {
    let tell = |seed| on_paused_clock(async move { told(seed, spares).await });
    let story = |seed| {
        let (gap, update, fails) = tell(seed);
        let bound = if fails { Duration::ZERO } else { bound(&update) };
        Told { seed, gap, bound, beliefs: update.beliefs }
    };
    (0..SEEDS).map(story).collect()
}

/// Apart by what Lambda shows during an update, since the promise is not the same.
fn assert_rows(title: &str, told: Vec<Told>) {
    assert_every_belief(&told);
    let (new, old): (Vec<Told>, Vec<Told>) =
        told.into_iter().partition(|told| told.beliefs.mid_update_view == MidUpdateView::New);
    assert_row(&format!("{title}, the new configuration shown"), &new);
    assert_row(&format!("{title}, the old one shown until the end"), &old);
}

#[test]
fn with_spares_an_update_that_is_seen_in_time_has_no_gap() {
    let told = stories(2, Update::with_spares);
    let in_time = |told: &&Told| told.bound.is_zero();
    assert!(told.iter().filter(in_time).count() >= 15, "the seeds tell of the promise");
    assert_rows("VpcConfig change, spares at hand", told);
}

#[test]
fn without_spares_addresses_follow_after_the_grace_or_the_removal() {
    assert_rows("VpcConfig change, no spare", stories(0, Update::without_spares));
}
