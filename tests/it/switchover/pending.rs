//! How a new interface looks until Lambda has made it ready, belief by belief: `pending`, `available` or `in-use`, and
//! whether EC2 gives one that is pending an address. Whatever else is drawn, the bounds of the table hold.

use std::time::Duration;

use eipd_sim::beliefs::{FirstStatus, LambdaEvents, PendingInterface};
use eipd_sim::{Beliefs, Outcome, Span, Timing, VpcConfig};
use tokio::time::{Instant, sleep};

use super::Story;
use super::bounds::{self, Update};
use super::row::{Told, assert_row};
use crate::rig::{POLL, on_paused_clock};

/// So many stories for each way of looking.
const SEEDS: u64 = 10;

/// How new interfaces look, and what EC2 makes of that.
type Look = (FirstStatus, PendingInterface);

fn looks() -> impl Iterator<Item = Look> {
    let statuses = [FirstStatus::Pending, FirstStatus::Available, FirstStatus::InUse];
    let answers = [PendingInterface::Accepted, PendingInterface::Refused];
    statuses.into_iter().flat_map(move |status| answers.map(|answer| (status, answer)))
}

/// A new interface takes seconds to a minute, and an update at least as long.
fn timing(random: &mut fastrand::Rng) -> Timing {
    let creation = Duration::from_secs(random.u64(5..=60));
    let update = creation + Duration::from_secs(random.u64(10..=240));
    Timing { interface_creation: Span::exactly(creation), update: Span::exactly(update), ..Timing::default() }
}

fn story(seed: u64, (first_status, pending_interface): Look) -> Story {
    Story::believing(seed, 2, timing, |drawn| Beliefs { first_status, pending_interface, ..drawn })
}

fn told(story: &Story, before: Duration, bound: Duration) -> Told {
    Told { seed: story.seed, gap: story.gap() - before, bound, beliefs: story.beliefs() }
}

/// One more interface for a pair. It has its address before it serves, unless EC2 refuses or nobody tells in time.
async fn further(seed: u64, look: Look) -> Told {
    let mut story = story(seed, look);
    let daemon = story.daemon().await;
    story.settle().await;
    let (before, asked) = (story.gap(), story.sim.calls("AssociateAddress"));
    let creation = story.sim.world(|world| world.config().timing.interface_creation.longest);
    let made = story.sim.world(|world| world.overflow(&story.subnets[0], &[&story.group]));
    let begun = Instant::now();
    while story.sim.world(|world| world.address_of(&made).is_none()) {
        assert!(begun.elapsed() < POLL * 5, "seed {seed}, {look:?}: never given");
        sleep(Duration::from_millis(50)).await;
    }
    let given = begun.elapsed();
    sleep(Duration::from_secs(12 * 60)).await;
    daemon.stop().await;
    let beliefs = story.beliefs();
    let delay = story.delay.filter(|_| beliefs.lambda_events == LambdaEvents::Raised);
    let in_time = delay.is_some_and(|delay| delay + bounds::look() < creation);
    if in_time && !bounds::refuses_pending(&beliefs) {
        assert!(given < creation, "seed {seed}, {look:?}: given after {given:?}, not before it serves");
    }
    let asked = story.sim.calls("AssociateAddress") - asked;
    assert!(asked as u64 <= creation.as_secs() + 3, "seed {seed}, {look:?}: asked {asked} times");
    told(&story, before, bounds::arrival(delay, &beliefs))
}

/// A VpcConfig change with spares at hand.
async fn change(seed: u64, look: Look) -> Told {
    let mut story = story(seed, look);
    let daemon = story.daemon().await;
    story.settle().await;
    let before = story.gap();
    story.sim.world(|world| {
        let vpc = world.vpcs().next().expect("there is one").id.clone();
        let group = world.create_security_group(&vpc, "later");
        let change = VpcConfig::new(&story.subnets, &[&group]);
        world.update_function_vpc("billing", change, Outcome::Succeeds, None).expect("it is active");
    });
    sleep(Duration::from_secs(15 * 60)).await;
    daemon.stop().await;
    let timing = story.sim.world(|world| world.config().timing.clone());
    let polled = POLL + bounds::pass();
    let update = Update {
        beliefs: story.beliefs(),
        took: timing.update.longest,
        seen: story.delay.map_or(polled, |delay| delay.min(polled)),
        restarted: None,
        removed: None,
        ready: timing.interface_creation.longest,
    };
    told(&story, before, update.with_spares())
}

#[test]
fn a_further_interface_is_covered_in_time_however_it_looks_at_first() {
    for look in looks() {
        let tell = |seed| on_paused_clock(further(seed, look));
        let told: Vec<Told> = (0..SEEDS).map(tell).collect();
        assert_row(&format!("a further interface, {:?} at first, pending ones {:?}", look.0, look.1), &told);
    }
}

#[test]
fn a_switchover_keeps_its_bound_however_the_new_interfaces_look_at_first() {
    for look in looks() {
        let tell = |seed| on_paused_clock(change(seed, look));
        let told: Vec<Told> = (0..SEEDS).map(tell).collect();
        let without_gap = told.iter().filter(|told| told.bound.is_zero()).count();
        assert!(without_gap > 0, "the seeds tell of the promise");
        assert_row(&format!("VpcConfig change, {:?} at first, pending ones {:?}", look.0, look.1), &told);
    }
}
