//! Two accounts in one region, each in a role of its own, and one queue for both: an event looks the same but for its
//! account, and concerns that account's target alone. Polling is made so rare here that it repairs nothing.

use std::sync::Arc;
use std::time::Duration;

use eipd::aws::AssumedRole;
use eipd_sim::{EventWeather, NewRule, Span, Target, WorldConfig};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::rig::{self, Daemon, Listener, Setup, assert_lawful, on_paused_clock, orders};
use crate::small::Small;

const SECOND: Duration = Duration::from_secs(1);

/// An estate in this account; the role that leads there.
fn account(id: &str, seed: u64) -> (Small, AssumedRole) {
    let small = Small::of(WorldConfig { account: id.to_owned(), seed, ..WorldConfig::default() }, 2);
    small.sim.set_events(EventWeather::delayed(Span::exactly(SECOND)));
    let arn = format!("arn:aws:iam::{id}:role/eipd");
    (small, AssumedRole { arn, external_id: Some(format!("of-{id}")) })
}

/// A rule of this account sends its events to the bus of another.
fn send_on(from: &Small, to: &Small) {
    let arn = to.sim.world(|world| world.bus_arn("default"));
    from.sim.world(|world| {
        let pattern = Some(eipd::events::pattern::event_pattern());
        world.put_rule(NewRule { name: "out".into(), pattern, ..NewRule::default() }).expect("put");
        let target = Target { id: "central".into(), arn, ..Target::default() };
        world.put_targets(None, "out", vec![target]).expect("put");
    });
    let (from, to) = (from.sim.clone(), to.sim.clone());
    tokio::spawn(async move { from.relay_to(&[to]).await });
}

#[test]
fn one_queue_is_fed_from_two_accounts_of_a_region_and_each_event_is_its_own_targets() {
    on_paused_clock(async {
        let estates = [account("111122223333", 1), account("444455556666", 2)];
        let (central, far) = (&estates[0].0, &estates[1].0);
        let pattern = eipd::events::pattern::event_pattern();
        let url = central.sim.world(|world| world.wire_events_of("eipd", &pattern));
        send_on(far, central);
        let mut daemons = Vec::new();
        for (small, role) in &estates {
            let setup = Setup {
                role: Some(role.clone()),
                beside: vec![central.sim.clone(), far.sim.clone()],
                ..Setup::default()
            };
            daemons.push(Daemon::start_as(&small.sim, orders(&small.desired), 1, setup).await);
        }
        let (heard, cancel) = (Arc::new(Listener::default()), CancellationToken::new());
        let routes = daemons.iter().map(|daemon| daemon.route.clone()).collect();
        let _consumer = rig::consume(&central.sim, &url, routes, heard.clone(), &cancel).await;
        sleep(5 * SECOND).await;
        daemons.iter().for_each(|daemon| daemon.poll_every(100 * 3600 * SECOND));
        sleep(60 * SECOND).await;
        for (index, (small, _)) in estates.iter().enumerate() {
            assert!(small.is_covered(), "each account by its own role");
            let passes = || daemons.iter().map(|daemon| daemon.heard.reports().len()).collect::<Vec<_>>();
            let before = passes();
            small.sim.world(|world| world.stray_disassociate(&small.allocations[0]));
            sleep(10 * SECOND).await;
            assert!(small.is_covered(), "by the event, for nothing polls");
            let after = passes();
            assert_eq!(after[1 - index], before[1 - index], "the other account's target heard nothing of it");
            assert!(after[index] > before[index]);
        }
        assert!(far.sim.calls("AssociateAddress") > 0, "in its own account");
        assert!(central.sim.calls("AssumeRole") >= 2, "as the caller of the first");
        assert_eq!(far.sim.calls("AssumeRole"), 0);
        estates.iter().for_each(|(small, _)| assert_lawful(&small.sim));
        cancel.cancel();
    });
}
