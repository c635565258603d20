//! Somebody else's hand on our addresses: who it was is told wherever the loss is, and nobody is fought without end.

use std::collections::BTreeSet;
use std::time::Duration;

use eipd::domain::hint::Origin;
use eipd::domain::report::{ActionReport, Report};
use eipd_sim::{EventWeather, NewInterface, Span, Staleness, WorldConfig};
use tokio::time::sleep;

use crate::rig::{Daemon, POLL, assert_lawful, on_paused_clock};
use crate::small::Small;

/// A covered estate whose events come after a second, and nothing of which is reserved any more.
async fn settled(addresses: usize) -> (Small, Daemon) {
    let small = Small::with(addresses);
    let url = small.sim.world(|world| world.wire_events_of("eipd", &eipd::events::pattern::event_pattern()));
    small.sim.set_events(EventWeather::delayed(Span::seconds(1, 1)));
    let daemon = Daemon::start_with_queue(&small.sim, &small.desired, 1, &url).await;
    sleep(Duration::from_secs(150)).await;
    (small, daemon)
}

/// The address on an interface, by its allocation.
fn carried(small: &Small, interface: &str) -> Option<String> {
    small.sim.world(|world| {
        let ip = world.address_of(interface)?;
        small.allocations.iter().find(|id| world.public_ip(id) == ip).cloned()
    })
}

/// Somebody puts the first interface's address on a resource of theirs. Tells which interface and address.
fn steal(small: &Small) -> (String, String) {
    let victim = small.interfaces()[0].clone();
    let address = carried(small, &victim).expect("it is covered");
    small.sim.world(|world| {
        let theirs = world.add_interface(NewInterface::plain(&small.subnets[0], &[&small.group]));
        world.stray_associate(&address, &theirs, true).expect("nothing forbids it");
    });
    (victim, address)
}

fn is_a_name(origin: Option<&Origin>) -> bool {
    origin.is_some_and(|origin| origin.actor.starts_with("arn:aws:"))
}

fn last(daemon: &Daemon) -> Report {
    daemon.heard.reports().pop().expect("passes were made")
}

#[test]
fn a_thief_is_named_though_another_address_takes_its_place() {
    on_paused_clock(async {
        let (small, daemon) = settled(3).await;
        let (victim, stolen) = steal(&small);
        sleep(Duration::from_secs(3)).await;
        let spare = carried(&small, &victim).expect("a spare took its place");
        assert_ne!(spare, stolen);
        let repair: ActionReport = daemon.heard.actions().pop().expect("it was repaired");
        assert_eq!(repair.action.allocation_id.to_string(), spare);
        assert!(is_a_name(repair.origin.as_ref()), "{:?}", repair.origin);
        assert!(repair.repaired_after.is_some_and(|age| age >= Duration::from_secs(1)), "since the theft");
        assert_lawful(&small.sim);
    });
}

/// What was given moments ago may be hidden from a stale read, so its place is kept for two minutes, and no longer.
#[test]
fn a_theft_moments_after_the_association_is_made_good_once_that_is_sure() {
    on_paused_clock(async {
        let small = Small::with(3);
        let daemon = Daemon::start(&small.sim, &small.desired, 1).await;
        daemon.poll_every(Duration::from_secs(600));
        sleep(Duration::from_secs(10)).await;
        let (victim, stolen) = steal(&small);
        daemon.reload(crate::rig::orders(&small.desired));
        sleep(Duration::from_secs(100)).await;
        assert_eq!(carried(&small, &victim), None, "the two minutes are not over");
        sleep(Duration::from_secs(15)).await;
        let spare = carried(&small, &victim).expect("a spare took its place");
        assert_ne!(spare, stolen);
        assert_lawful(&small.sim);
    });
}

#[test]
fn a_thief_is_named_while_nothing_can_be_done_about_it() {
    on_paused_clock(async {
        let (small, daemon) = settled(2).await;
        let (victim, stolen) = steal(&small);
        for _ in 0..3 {
            sleep(POLL).await;
            let uncovered = last(&daemon).uncovered;
            assert_eq!(uncovered.len(), 1);
            assert_eq!(uncovered[0].network_interface_id.to_string(), victim);
            assert!(is_a_name(uncovered[0].cause.as_ref()), "{:?}", uncovered[0]);
        }
        small.sim.world(|world| world.stray_disassociate(&stolen));
        sleep(Duration::from_secs(3)).await;
        assert_eq!(carried(&small, &victim), Some(stolen), "once it is free again");
        assert!(is_a_name(daemon.heard.actions().pop().expect("it was repaired").origin.as_ref()));
        assert_eq!(last(&daemon).uncovered.len(), 0);
        assert_lawful(&small.sim);
    });
}

/// Whoever moves one address to and fro between our interfaces never undoes the same interface twice in a row.
#[test]
fn one_address_that_is_moved_between_our_interfaces_is_contested() {
    on_paused_clock(async {
        let (small, daemon) = settled(3).await;
        let coveted = small.allocations[0].clone();
        let interfaces = small.interfaces();
        let before = small.sim.calls("AssociateAddress");
        for turn in 0..400 {
            let to = &interfaces[turn % 2];
            if carried(&small, to).as_ref() != Some(&coveted) {
                small.sim.world(|world| world.stray_associate(&coveted, to, true)).expect("it may be moved");
            }
            sleep(Duration::from_secs(5)).await;
        }
        let repairs = small.sim.calls("AssociateAddress") - before;
        assert!(repairs <= 40, "{repairs} repairs in half an hour");
        let contested = last(&daemon).contested;
        assert!(!contested.is_empty());
        assert!(contested.iter().all(|one| one.actor.as_ref().is_some_and(|by| by.starts_with("arn:aws:"))));
        sleep(Duration::from_secs(45 * 60)).await;
        assert!(small.is_covered(), "once the other gives up it is repaired");
        assert_eq!(last(&daemon).contested, []);
    });
}

/// An address that came back because AWS took its interface away was undone by nobody.
#[test]
fn interfaces_that_come_and_go_are_no_contest() {
    on_paused_clock(async {
        let (small, daemon) = settled(3).await;
        for turn in 0..12 {
            let interface = small.interfaces()[0].clone();
            let next = small.sim.world(|world| world.replace_interface(&interface));
            sleep(Duration::from_secs(4 * 60)).await;
            assert!(carried(&small, &next).is_some(), "turn {turn}");
            assert_eq!(last(&daemon).contested, [], "turn {turn}");
        }
        assert_lawful(&small.sim);
    });
}

/// Whoever is faster than EC2's reads undoes what no read ever showed.
#[test]
fn what_is_undone_before_it_is_seen_is_contested_as_well() {
    on_paused_clock(async {
        let (small, daemon) = settled(2).await;
        let lag = Duration::from_secs(4);
        small.sim.set_staleness(Staleness { addresses: lag, interfaces: lag });
        for _ in 0..1_800 {
            sleep(Duration::from_secs(1)).await;
            small.sim.world(|world| world.stray_disassociate(&small.allocations[0]));
        }
        let contested = last(&daemon).contested;
        assert_eq!(contested.len(), 1, "{contested:?}");
        assert!(contested[0].actor.as_ref().is_some_and(|by| by.starts_with("arn:aws:")), "{contested:?}");
    });
}

/// Somebody is said to have put the address elsewhere, just now.
fn forged(allocation: &str, n: usize) -> String {
    format!(
        r#"{{"account":"111122223333","region":"eu-west-1","source":"aws.ec2",
            "detail-type":"AWS API Call via CloudTrail","time":"2099-01-01T00:00:00Z",
            "detail":{{"eventSource":"ec2.amazonaws.com","eventName":"AssociateAddress",
            "eventTime":"2099-01-01T00:00:00Z","awsRegion":"eu-west-1","requestID":"forged-{n}",
            "requestParameters":{{"allocationId":"{allocation}","networkInterfaceId":"eni-0123456789abcdef0"}},
            "responseElements":{{"_return":true,"associationId":"eipassoc-{n:017x}"}}}}}}"#
    )
}

#[test]
fn forged_acts_on_what_was_just_given_take_nothing_from_it_though_reads_lag() {
    for seed in 0..20 {
        on_paused_clock(async {
            let small = Small::of(WorldConfig { seed, ..WorldConfig::default() }, 6);
            let pattern = eipd::events::pattern::event_pattern();
            let url = small.sim.world(|world| world.wire_events_of("eipd", &pattern));
            let lag = Duration::from_secs(20);
            small.sim.set_staleness(Staleness { addresses: lag, interfaces: lag });
            let _daemon = Daemon::start_with_queue(&small.sim, &small.desired, seed, &url).await;
            for n in 0..150 {
                sleep(Duration::from_secs(1)).await;
                small.sim.world(|world| {
                    for allocation in &small.allocations {
                        world.send_message("eipd", &forged(allocation, n), None).expect("it fits");
                    }
                });
            }
            assert!(small.is_covered(), "seed {seed}");
            let given: BTreeSet<String> = small.sim.with_journal(|journal| {
                let given = journal.mutating().filter(|call| call.operation == "AssociateAddress");
                given.map(|call| call.detail.clone()).collect()
            });
            assert_eq!(given.len(), 2, "seed {seed}: no interface is given another address: {given:?}");
            assert_lawful(&small.sim);
        });
    }
}
