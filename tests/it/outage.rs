//! AWS is down for a quarter of an hour while events come and a function is being updated: it is asked ever more rarely all
//! the same, and what is wrong is mended soon after it answers again.

use std::time::Duration;

use eipd_sim::{Effect, EventWeather, Fault, NewInterface, Service, Span, Timing, WorldConfig};
use tokio::time::{Instant, sleep};

use crate::rig::{Daemon, assert_lawful, on_paused_clock};
use crate::small::Small;

const OUTAGE: Duration = Duration::from_secs(15 * 60);

/// The longest wait between two attempts while nothing can be seen, and from an event to the attempt that it causes.
const LONGEST_BACKOFF: Duration = Duration::from_secs(300);
const NEWS_HEEDED_AFTER: Duration = Duration::from_secs(30);

/// What a pass and its event take here.
const A_MOMENT: Duration = Duration::from_secs(5);

/// A small estate whose function is updated for twenty minutes.
fn updated() -> Small {
    let update = Span::exactly(Duration::from_secs(20 * 60));
    let timing = Timing { update, ..Timing::default() };
    let small = Small::of(WorldConfig { timing, ..WorldConfig::default() }, 6);
    small.sim.world(|world| world.update_function_code("billing", None).expect("it is active"));
    small
}

/// Calls to what is down.
fn calls(small: &Small) -> usize {
    small.sim.journal().entries().iter().filter(|call| call.service != Service::Sqs).count()
}

/// The daemon sees for so long, and then there is the outage, while the queue, if there is one, goes on and brings an event
/// every few seconds. Tells the attempts at a look and the calls, and how long after it everything is covered.
async fn outage(small: &Small, has_queue: bool, before: Duration) -> (usize, usize, Duration) {
    let pattern = eipd::events::pattern::event_pattern();
    let queue = has_queue.then(|| small.sim.world(|world| world.wire_events_of("eipd", &pattern)));
    let elsewhere = small.sim.world(|world| {
        [0, 1].map(|_| world.add_interface(NewInterface::plain(&small.subnets[0], &[&small.group])))
    });
    let move_away = |n: usize| {
        let (allocation, to) = (&small.allocations[n % 2], &elsewhere[n / 2 % 2]);
        small.sim.world(|world| world.stray_associate(allocation, to, true)).expect("it may be moved");
    };
    let elapsed = small.sim.now().since(small.sim.world(|world| world.config().start));
    let down = elapsed + before..elapsed + before + OUTAGE;
    for service in [Service::Ec2, Service::Lambda, Service::Sts] {
        let fault = Fault::new(Effect::Unavailable).on_service(service);
        small.sim.inject(fault.during(down.clone()));
    }
    small.sim.set_events(EventWeather::delayed(Span::exactly(Duration::from_secs(1))));
    let daemon = Daemon::start_with(&small.sim, &small.desired, 1, queue.as_deref()).await;
    sleep(before).await;
    let (calls_before, reports_before) = (calls(small), daemon.heard.reports().len());
    for n in 0..OUTAGE.as_secs() as usize / 5 {
        move_away(n);
        sleep(Duration::from_secs(5)).await;
    }
    let attempts = daemon.heard.reports().len() - reports_before;
    let calls = calls(small) - calls_before;
    let ended = Instant::now();
    move_away(0);
    while !small.is_covered() {
        assert!(ended.elapsed() < LONGEST_BACKOFF * 2, "never covered");
        sleep(Duration::from_millis(100)).await;
    }
    assert_lawful(&small.sim);
    (attempts, calls, ended.elapsed())
}

#[test]
fn an_aws_that_is_down_is_asked_ever_more_rarely_whatever_events_and_updates_are_under_way() {
    for (has_queue, before) in [(true, 60), (true, 0), (false, 60), (false, 0)] {
        on_paused_clock(async {
            let small = updated();
            let (attempts, calls, after) = outage(&small, has_queue, Duration::from_secs(before)).await;
            let story =
                format!("queue {has_queue}, {before} s: {attempts} attempts, {calls} calls, {after:?}");
            // Doubling from 2 s to 5 min, and with a queue twice a minute besides; five tries at each of two reads.
            let most = if has_queue { 40 } else { 15 };
            assert!((5..=most).contains(&attempts), "{story}");
            assert!(calls <= attempts * 10 + 20, "{story}");
            let longest = if has_queue { NEWS_HEEDED_AFTER } else { LONGEST_BACKOFF };
            assert!(after <= longest + A_MOMENT, "{story}");
        });
    }
}

#[test]
fn one_look_that_fails_is_followed_by_another_within_seconds() {
    on_paused_clock(async {
        let small = Small::with(3);
        let pattern = eipd::events::pattern::event_pattern();
        let queue = small.sim.world(|world| world.wire_events_of("eipd", &pattern));
        small.sim.set_events(EventWeather::delayed(Span::exactly(Duration::from_secs(1))));
        let _daemon = Daemon::start_with_queue(&small.sim, &small.desired, 1, &queue).await;
        sleep(Duration::from_secs(150)).await;
        let from = small.sim.now().since(small.sim.world(|world| world.config().start));
        let fault = Fault::new(Effect::Unavailable).on_service(Service::Ec2);
        small.sim.inject(fault.during(from..from + Duration::from_secs(5)));
        small.sim.world(|world| world.stray_disassociate(&small.allocations[0]));
        small.sim.world(|world| world.stray_disassociate(&small.allocations[1]));
        sleep(Duration::from_secs(15)).await;
        assert!(small.is_covered());
        assert_lawful(&small.sim);
    });
}
