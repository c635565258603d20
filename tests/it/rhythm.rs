//! When passes are made: at once at the start and on new orders, by the poll interval else, and never two at a time.

use std::time::Duration;

use eipd::domain::policy::Mode;
use eipd::domain::report::Trigger;
use eipd::reconcile::pass::Orders;
use eipd_sim::{Effect, Fault, Outcome, Span, Timing, VpcConfig, WorldConfig};
use tokio::time::sleep;

use crate::rig::{Daemon, POLL, on_paused_clock, orders};
use crate::small::Small;

fn triggers(daemon: &Daemon) -> Vec<Trigger> {
    daemon.heard.reports().iter().map(|report| report.trigger).collect()
}

#[test]
fn the_first_pass_comes_at_once_and_then_one_every_poll_interval() {
    on_paused_clock(async {
        let small = Small::with(2);
        let daemon = Daemon::start(&small.sim, &small.desired, 1).await;
        sleep(Duration::from_secs(1)).await;
        assert_eq!(triggers(&daemon), [Trigger::Start]);
        sleep(POLL * 10).await;
        let made = triggers(&daemon).len();
        assert!((11..=12).contains(&made), "{made} passes in ten poll intervals");
    });
}

#[test]
fn new_orders_make_a_pass_at_once_and_hold_from_then_on() {
    on_paused_clock(async {
        let small = Small::with(2);
        let daemon = Daemon::start(&small.sim, &small.desired, 1).await;
        sleep(Duration::from_secs(1)).await;
        assert!(small.is_covered());
        daemon.reload(Orders { mode: Mode::Observe, ..orders(&small.desired) });
        small.sim.world(|world| world.stray_disassociate(&small.allocations[0]));
        small.sim.world(|world| world.stray_disassociate(&small.allocations[1]));
        sleep(Duration::from_secs(1)).await;
        assert_eq!(triggers(&daemon), [Trigger::Start, Trigger::Reload]);
        sleep(POLL * 3).await;
        assert!(!small.is_covered(), "observe mode changes nothing");
        daemon.reload(orders(&small.desired));
        sleep(Duration::from_secs(1)).await;
        assert!(small.is_covered());
    });
}

/// A function has moved to another group on its subnets, where another uses that pair already, and nothing told of it: no
/// interface appeared or vanished. Then its former neighbour gets a further interface.
#[test]
fn an_interface_that_only_strangers_use_by_now_is_given_nothing_though_no_event_came() {
    on_paused_clock(async {
        let timing = Timing { update: Span::exactly(Duration::ZERO), ..Timing::default() };
        let small = Small::of(WorldConfig { timing, ..WorldConfig::default() }, 4);
        let (old, new) = small.sim.world(|world| {
            let vpc = world.vpcs().next().expect("there is one").id.clone();
            let other = world.create_security_group(&vpc, "other");
            let old = VpcConfig::new(&small.subnets, &[&small.group]);
            let new = VpcConfig::new(&small.subnets, &[&other]);
            world.create_active_function("neighbour", old.clone());
            world.create_active_function("stranger", new.clone());
            (old, new)
        });
        let daemon = Daemon::start(&small.sim, &small.desired, 1).await;
        sleep(POLL * 2).await;
        small.sim.world(|world| {
            world.update_function_vpc("billing", new, Outcome::Succeeds, None).expect("it is active");
        });
        sleep(Duration::from_secs(1)).await;
        let made = small.sim.world(|world| world.overflow(&old.subnets[0], &[&small.group]));
        sleep(POLL * 2).await;
        assert_eq!(small.sim.world(|world| world.address_of(&made).map(str::to_owned)), None);
        assert!(daemon.heard.reports().len() > 3);
    });
}

#[test]
fn slow_passes_do_not_pile_up() {
    on_paused_clock(async {
        let small = Small::with(2);
        small.sim.set_latency(Some(Span::seconds(9, 9)));
        let daemon = Daemon::start(&small.sim, &small.desired, 1).await;
        daemon.poll_every(Duration::from_secs(1));
        sleep(Duration::from_secs(600)).await;
        let reports = daemon.heard.reports();
        for pair in reports.windows(2) {
            let end = pair[0].started_at + jiff::SignedDuration::try_from(pair[0].took).expect("short");
            assert!(pair[1].started_at >= end, "two passes at a time");
        }
        assert!((20..=70).contains(&reports.len()), "{} passes", reports.len());
    });
}

#[test]
fn new_orders_end_a_pass_in_flight() {
    on_paused_clock(async {
        let small = Small::with(2);
        small.sim.set_latency(Some(Span::seconds(20, 20)));
        let daemon = Daemon::start(&small.sim, &small.desired, 1).await;
        sleep(Duration::from_secs(5)).await;
        small.sim.set_latency(None);
        daemon.reload(Orders { mode: Mode::Observe, ..orders(&small.desired) });
        sleep(Duration::from_secs(5)).await;
        assert_eq!(triggers(&daemon), [Trigger::Reload], "the first pass had seen nothing yet");
        assert!(!small.is_covered(), "nothing more is done by the former orders");
    });
}

#[test]
fn an_action_is_told_when_it_ends_and_not_when_the_pass_does() {
    on_paused_clock(async {
        let small = Small::with(2);
        let hang = Fault::new(Effect::Hang).on_operation("AssociateAddress");
        small.sim.inject(hang.nth(2));
        let daemon = Daemon::start(&small.sim, &small.desired, 1).await;
        sleep(Duration::from_secs(5)).await;
        assert_eq!((daemon.heard.actions().len(), daemon.heard.reports().len()), (1, 0));
        sleep(POLL * 2).await;
        assert_eq!(daemon.heard.reports()[0].actions.len(), 2);
        assert!(small.is_covered());
    });
}
