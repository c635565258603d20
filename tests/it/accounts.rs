//! Two accounts in one region, each in a role of its own, and one queue for both: an event looks the same but for its
//! account, and concerns that account's target alone. Polling is made so rare here that it repairs nothing.

use std::sync::Arc;
use std::time::Duration;

use eipd::aws::AssumedRole;
use eipd_sim::{EventWeather, HttpServer, NewRule, Sim, Span, Target, WorldConfig};
use serde_json::Value;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::process::Running;
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
pub fn send_on(from: &Sim, to: &Sim) {
    let arn = to.world(|world| world.bus_arn("default"));
    from.world(|world| {
        let pattern = Some(eipd::events::pattern::event_pattern());
        world.put_rule(NewRule { name: "out".into(), pattern, ..NewRule::default() }).expect("put");
        let target = Target { id: "central".into(), arn, ..Target::default() };
        world.put_targets(None, "out", vec![target]).expect("put");
    });
    let (from, to) = (from.clone(), to.clone());
    tokio::spawn(async move { from.relay_to(&[to]).await });
}

#[test]
fn one_queue_is_fed_from_two_accounts_of_a_region_and_each_event_is_its_own_targets() {
    on_paused_clock(async {
        let estates = [account("111122223333", 1), account("444455556666", 2)];
        let (central, far) = (&estates[0].0, &estates[1].0);
        let pattern = eipd::events::pattern::event_pattern();
        let url = central.sim.world(|world| world.wire_events_of("eipd", &pattern));
        send_on(&far.sim, &central.sim);
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

#[tokio::test]
async fn a_process_in_two_roles_hears_of_both_accounts_through_one_queue() {
    let estates = [account("111122223333", 1), account("444455556666", 2)];
    let (central, far) = (&estates[0].0, &estates[1].0);
    let pattern = eipd::events::pattern::event_pattern();
    let url = central.sim.world(|world| world.wire_events_of("eipd", &pattern));
    send_on(&far.sim, &central.sim);
    let mut text = format!(
        "[daemon]\npoll_interval = \"1h\"\nfunction_refresh = \"1h\"\nlisten = \"127.0.0.1:0\"\n\
         [events]\nqueue_url = \"{url}\"\n"
    );
    for (name, (small, role)) in ["central", "far"].iter().zip(&estates) {
        let AssumedRole { arn, external_id } = role;
        text.push_str(&format!(
            "[[targets]]\nname = \"{name}\"\nregion = \"eu-west-1\"\nrole_arn = \"{arn}\"\n\
             external_id = \"{}\"\n[pools.{name}]\ntarget = \"{name}\"\nallocations = {:?}\n\
             [[functions]]\nname = \"billing\"\npool = \"{name}\"\n",
            external_id.as_deref().unwrap_or_default(),
            small.allocations
        ));
    }
    let sims = vec![central.sim.clone(), far.sim.clone()];
    let server = HttpServer::bind_regions(sims, ([127, 0, 0, 1], 0).into()).await.expect("a free port");
    let running = Running::of(&text, &server);
    assert!(running.until(|_| central.is_covered() && far.is_covered()).await, "each by its own role");
    far.sim.world(|world| world.stray_disassociate(&far.allocations[0]));
    let taking = |status: &Value| -> Vec<Value> {
        let events = status["events"].as_array().cloned().unwrap_or_default();
        events.into_iter().filter(|event| event["kind"] == "disassociate_address").collect()
    };
    let is_told = |status: &Value| far.is_covered() && !taking(status).is_empty();
    assert!(running.until(is_told).await, "by the event, for nothing polls");
    let is_of_far = |status: &Value| taking(status).iter().all(|event| event["target"] == "far");
    assert!(running.until(is_of_far).await, "and of the other account's target nothing is told");
    estates.iter().for_each(|(small, _)| assert_lawful(&small.sim));
    assert_eq!(running.end().await.0, Some(0));
}
