//! What comes through the queue: seconds instead of a poll interval, no promise that rests on it, and no harm in what is
//! late, doubled, forged or nonsense.

use std::collections::BTreeMap;
use std::time::Duration;

use eipd::domain::report::Trigger;
use eipd_sim::{
    Effect, EventWeather, Fault, InterfaceStatus, NewInterface, Outcome, Service, Span, VpcConfig,
    WorldConfig,
};
use tokio::time::{Instant, sleep};

use crate::process::{Running, served};
use crate::receiving::creation;
use crate::rig::{Daemon, POLL, Wanted, assert_lawful, on_paused_clock};
use crate::small::Small;

const QUEUE: &str = "eipd";

/// A covered estate whose events reach the daemon after exactly this long.
async fn listening(addresses: usize, delay: Duration) -> (Small, Daemon) {
    let small = Small::with(addresses);
    let url = small.sim.world(|world| world.wire_events_of(QUEUE, &eipd::events::pattern::event_pattern()));
    small.sim.set_events(EventWeather::delayed(Span { shortest: delay, longest: delay }));
    let daemon = Daemon::start_with_queue(&small.sim, &small.desired, 1, &url).await;
    sleep(Duration::from_secs(5)).await;
    assert!(small.is_covered());
    (small, daemon)
}

async fn until_covered(small: &Small, within: Duration) -> Duration {
    let begun = Instant::now();
    while !small.is_covered() && begun.elapsed() < within {
        sleep(Duration::from_millis(5)).await;
    }
    begun.elapsed()
}

fn ec2_calls(small: &Small) -> usize {
    ["DescribeNetworkInterfaces", "DescribeAddresses", "AssociateAddress", "GetFunctionConfiguration"]
        .iter()
        .map(|operation| small.sim.calls(operation))
        .sum()
}

#[test]
fn a_stray_hand_is_answered_within_the_events_delay_and_three_calls() {
    on_paused_clock(async {
        let delay = Duration::from_secs(2);
        let (small, daemon) = listening(3, delay).await;
        small.sim.set_latency(Some(Span {
            shortest: Duration::from_millis(80),
            longest: Duration::from_millis(80),
        }));
        let before = ec2_calls(&small);
        small.sim.world(|world| world.stray_disassociate(&small.allocations[0]));
        small.sim.world(|world| world.stray_disassociate(&small.allocations[1]));
        small.sim.world(|world| world.stray_disassociate(&small.allocations[2]));
        let took = until_covered(&small, POLL).await;
        let bound =
            delay + Duration::from_millis(100) + 3 * Duration::from_millis(80) + Duration::from_millis(80);
        assert!(took <= bound, "{took:?}");
        sleep(Duration::from_secs(1)).await;
        let report = daemon.heard.reports().into_iter().find(|report| report.trigger == Trigger::Event);
        let actions = report.expect("an event made a pass").actions;
        let notes = daemon.heard.notes();
        let taken = notes.iter().find(|note| note.kind == "disassociate_address").expect("it was told");
        assert_eq!(
            taken.allocation_id.as_ref().map(ToString::to_string).as_deref(),
            Some(small.allocations[0].as_str())
        );
        assert!(taken.network_interface_id.is_some() && taken.actor.starts_with("arn:aws:"), "{taken:?}");
        let cause = actions[0].origin.as_ref().expect("the event is its cause");
        assert!(cause.actor.starts_with("arn:aws:"), "{}", cause.actor);
        assert!(actions[0].repaired_after.is_some_and(|age| age >= delay && age < bound * 2));
        assert!(ec2_calls(&small) - before <= 12, "{}", ec2_calls(&small) - before);
        assert_lawful(&small.sim);
    });
}

#[test]
fn a_new_interface_of_a_known_pair_costs_three_calls_and_the_confirmation() {
    on_paused_clock(async {
        let (small, daemon) = listening(4, Duration::from_secs(1)).await;
        daemon.poll_every(Duration::from_secs(3600));
        sleep(Duration::from_secs(20)).await;
        let before = ec2_calls(&small);
        let made = small.sim.world(|world| world.overflow(&small.subnets[0], &[&small.group]));
        sleep(Duration::from_secs(20)).await;
        assert!(small.sim.world(|world| world.address_of(&made).is_some()), "before it serves");
        assert_eq!(daemon.heard.reports().last().map(|report| report.trigger), Some(Trigger::Event));
        assert_eq!(ec2_calls(&small) - before, 4, "two reads side by side, the change, the confirmation");
        assert_lawful(&small.sim);
    });
}

#[test]
fn a_lost_event_costs_one_poll_interval() {
    on_paused_clock(async {
        let (small, _daemon) = listening(2, Duration::from_secs(1)).await;
        small.sim.set_events(EventWeather { loss: 1.0, ..EventWeather::default() });
        small.sim.world(|world| world.stray_disassociate(&small.allocations[0]));
        let took = until_covered(&small, POLL * 2).await;
        assert!(took <= POLL + Duration::from_secs(1), "{took:?}");
    });
}

#[test]
fn an_update_is_watched_until_its_new_interfaces_are_covered() {
    on_paused_clock(async {
        let (small, daemon) = listening(6, Duration::from_secs(1)).await;
        daemon.poll_every(Duration::from_secs(3600));
        sleep(Duration::from_secs(1)).await;
        let group = small.sim.world(|world| {
            let vpc = world.vpcs().next().expect("there is one").id.clone();
            let group = world.create_security_group(&vpc, "new");
            let config = VpcConfig::new(&small.subnets, &[&group]);
            world.update_function_vpc("billing", config, Outcome::Succeeds, None).expect("it is active");
            group
        });
        sleep(Duration::from_secs(10 * 60)).await;
        let bare = small.sim.world(|world| {
            let pairs = small.subnets.iter().flat_map(|subnet| world.pair_interfaces(subnet, &[&group]));
            let serving =
                pairs.filter(|id| world.interface(id).is_some_and(|i| i.status() == InterfaceStatus::InUse));
            serving.filter(|id| world.address_of(id).is_none()).count()
        });
        assert_eq!(bare, 0);
        let gap = small.sim.world(|world| world.exposure("billing"));
        assert!(gap.bare_seconds + gap.wrong_seconds < 10.0, "{gap:?}");
        assert_lawful(&small.sim);
    });
}

#[test]
fn own_echoes_and_what_concerns_nobody_cost_no_pass() {
    on_paused_clock(async {
        let (small, daemon) = listening(3, Duration::from_secs(1)).await;
        small.sim.world(|world| world.stray_disassociate(&small.allocations[0]));
        sleep(Duration::from_secs(20)).await;
        let events = daemon.heard.events();
        let associations = events.keys().filter(|(kind, _)| *kind == "associate_address");
        assert_eq!(associations.collect::<Vec<_>>(), [&("associate_address", "echo")], "{events:?}");
        let passes = daemon.heard.reports().len();
        small.sim.world(|world| {
            let foreign = world.allocate_address();
            world.release_address(&foreign).expect("it is free");
        });
        sleep(Duration::from_secs(20)).await;
        let polled = daemon.heard.reports()[passes..].iter().all(|report| report.trigger == Trigger::Poll);
        assert!(polled, "{:?}", daemon.heard.events());
    });
}

#[test]
fn what_another_process_does_in_the_same_role_is_no_echo() {
    on_paused_clock(async {
        let (small, daemon) = listening(3, Duration::from_secs(1)).await;
        daemon.poll_every(Duration::from_secs(3600));
        // Until what was given is not reserved any more.
        sleep(Duration::from_secs(150)).await;
        small.sim.set_events(EventWeather { loss: 1.0, ..EventWeather::default() });
        small.sim.world(|world| world.stray_disassociate(&small.allocations[0]));
        small.sim.world(|world| world.stray_disassociate(&small.allocations[1]));
        small.sim.world(|world| world.stray_disassociate(&small.allocations[2]));
        small.sim.set_events(EventWeather::delayed(Span::exactly(Duration::from_secs(1))));
        let before = daemon.heard.events().get(&("associate_address", "accepted")).copied();
        crate::rig::apply(&small.sim, &small.desired).await;
        assert!(small.is_covered(), "another process with the same credentials");
        sleep(Duration::from_secs(10)).await;
        let heard = daemon.heard.events();
        assert!(heard.get(&("associate_address", "accepted")).copied() > before, "{heard:?}");
        assert_lawful(&small.sim);
    });
}

#[test]
fn nonsense_is_left_to_the_dead_letters_where_there_are_some() {
    on_paused_clock(async {
        let (small, daemon) = listening(2, Duration::from_secs(1)).await;
        small.sim.world(|world| {
            let none = BTreeMap::new();
            world.create_queue("dead", &none, &none).expect("it is new");
            let arn = world.queue("dead").expect("it was made").arn.clone();
            let policy = format!(r#"{{"deadLetterTargetArn":"{arn}","maxReceiveCount":"5"}}"#);
            let attributes = BTreeMap::from([("RedrivePolicy".to_owned(), policy)]);
            world.set_queue_attributes(QUEUE, &attributes).expect("it is a policy");
        });
        daemon.stop().await;
        let url = small.sim.world(|world| world.queue_url(QUEUE));
        let daemon = Daemon::start_with_queue(&small.sim, &small.desired, 2, &url).await;
        small.sim.world(|world| {
            for body in ["{", "null", &"x".repeat(200_000)] {
                world.send_message(QUEUE, body, None).expect("it fits");
            }
        });
        sleep(Duration::from_secs(400)).await;
        let left = |queue| small.sim.world(|world| world.queue(queue).map(|queue| queue.len()));
        assert_eq!((left(QUEUE), left("dead")), (Some(0), Some(3)), "{:?}", daemon.heard.events());
        assert_eq!(daemon.heard.events()[&("malformed", "malformed")], 3 * 5, "each time it came");
        small.sim.world(|world| world.stray_disassociate(&small.allocations[0]));
        assert!(until_covered(&small, POLL).await < Duration::from_secs(3));
    });
}

#[tokio::test]
async fn each_message_that_is_no_event_is_one_line_of_the_log_with_its_id() {
    const SENT: usize = 300;
    let small = Small::with(2);
    let pattern = eipd::events::pattern::event_pattern();
    let (url, ids) = small.sim.world(|world| {
        let url = world.wire_events_of(QUEUE, &pattern);
        let none = BTreeMap::new();
        world.create_queue("dead", &none, &none).expect("it is new");
        let arn = world.queue("dead").expect("it was made").arn.clone();
        let policy = format!(r#"{{"deadLetterTargetArn":"{arn}","maxReceiveCount":"3"}}"#);
        let attributes = [("RedrivePolicy", policy), ("VisibilityTimeout", "1".to_owned())];
        let attributes = attributes.map(|(name, value)| (name.to_owned(), value)).into();
        world.set_queue_attributes(QUEUE, &attributes).expect("they are attributes");
        let send = |n: usize| world.send_message(QUEUE, &"[".repeat(n + 1), None).expect("it fits");
        (url, (0..SENT).map(send).collect::<Vec<String>>())
    });
    let server = served(&small).await;
    let daemon = Running::with(&small, &server, |text| format!("{text}\n[events]\nqueue_url = \"{url}\"\n"));
    let counted = |count| count as usize == SENT * 3;
    let series = r#"eipd_events_total{kind="malformed",outcome="malformed"}"#;
    assert!(daemon.until_metric(series, counted).await, "{:?}", daemon.metric(series).await);
    let log = daemon.log();
    for id in ids {
        assert_eq!(log.lines().filter(|line| line.contains(&id)).count(), 1, "{id}: {log}");
    }
}

#[test]
fn a_queue_that_does_not_say_whether_it_has_dead_letters_is_told_of_and_read() {
    on_paused_clock(async {
        let small = Small::with(2);
        let pattern = eipd::events::pattern::event_pattern();
        let url = small.sim.world(|world| world.wire_events_of(QUEUE, &pattern));
        small.sim.deny("sqs:GetQueueAttributes");
        let daemon = Daemon::start_with_queue(&small.sim, &small.desired, 1, &url).await;
        sleep(Duration::from_secs(30)).await;
        let told = daemon.heard.queue_trouble().expect("it is told");
        assert!(told.contains("hint: grant `sqs:GetQueueAttributes`"), "{told}");
        small.sim.set_events(EventWeather::delayed(Span::exactly(Duration::from_secs(1))));
        daemon.poll_every(Duration::from_secs(3600));
        sleep(Duration::from_secs(1)).await;
        small.sim.world(|world| world.stray_disassociate(&small.allocations[0]));
        assert!(until_covered(&small, POLL).await < Duration::from_secs(5));
    });
}

#[test]
fn nonsense_is_counted_and_deleted_and_harms_nobody() {
    on_paused_clock(async {
        let (small, daemon) = listening(2, Duration::from_secs(1)).await;
        let nonsense = ["{", "[[[[", "null", &"x".repeat(200_000), "{\"detail\":7}", &"[".repeat(50_000)];
        small.sim.world(|world| {
            for body in nonsense {
                world.send_message(QUEUE, body, None).expect("it fits");
            }
        });
        sleep(Duration::from_secs(400)).await;
        let malformed = daemon.heard.events()[&("malformed", "malformed")];
        assert!(malformed >= nonsense.len(), "{malformed}");
        let left = small.sim.world(|world| world.queue(QUEUE).map(|queue| queue.len()));
        assert_eq!(left, Some(0), "there is no dead-letter queue, so they are deleted");
        small.sim.world(|world| world.stray_disassociate(&small.allocations[0]));
        assert!(until_covered(&small, POLL).await < Duration::from_secs(3));
    });
}

#[test]
fn a_flood_costs_a_bounded_number_of_passes() {
    on_paused_clock(async {
        let (small, daemon) = listening(2, Duration::from_secs(1)).await;
        let interface = small.interfaces()[0].clone();
        let before = daemon.heard.reports().len();
        let changes = || ["AssociateAddress", "DisassociateAddress"].map(|call| small.sim.calls(call));
        let changed = changes();
        small.sim.world(|world| {
            for n in 0..3000 {
                let forged = forged_change(&interface, n);
                world.send_message(QUEUE, &forged, None).expect("it fits");
            }
        });
        sleep(Duration::from_secs(90)).await;
        let heard = daemon.heard.reports();
        let errands = heard[before..].iter().filter(|report| report.trigger == Trigger::Event).count();
        assert!((1..=95).contains(&errands), "{errands} passes");
        assert_eq!(changes(), changed, "a forged event causes reads at worst");
        assert_eq!(small.sim.world(|world| world.queue(QUEUE).map(|queue| queue.len())), Some(0));
        assert!(small.is_covered());
        assert_lawful(&small.sim);
    });
}

fn forged_change(interface: &str, n: usize) -> String {
    format!(
        r#"{{"account":"111122223333","region":"eu-west-1","source":"aws.ec2",
            "detail-type":"AWS API Call via CloudTrail","time":"2026-01-01T00:00:00Z",
            "detail":{{"eventSource":"ec2.amazonaws.com","eventName":"DeleteNetworkInterface",
            "eventTime":"2026-01-01T00:00:00Z","awsRegion":"eu-west-1","requestID":"forged-{n}",
            "requestParameters":{{"networkInterfaceId":"{interface}"}}}}}}"#
    )
}

#[test]
fn a_queue_that_is_denied_gone_or_hangs_never_stops_the_polling() {
    for trouble in ["denied", "hangs", "gone"] {
        on_paused_clock(async {
            let (small, daemon) = listening(2, Duration::from_secs(1)).await;
            match trouble {
                "denied" => small.sim.deny("sqs:ReceiveMessage"),
                "hangs" => small.sim.inject(Fault::new(Effect::Hang).on_service(Service::Sqs)),
                _ => small.sim.world(|world| world.delete_queue(QUEUE).expect("it is there")),
            }
            sleep(Duration::from_secs(90)).await;
            let told = daemon.heard.queue_trouble();
            assert!(told.is_some(), "{trouble}");
            small.sim.world(|world| world.stray_disassociate(&small.allocations[0]));
            assert!(until_covered(&small, POLL * 2).await <= POLL + Duration::from_secs(1), "{trouble}");
            if trouble == "denied" {
                assert!(told.is_some_and(|text| text.contains("grant `sqs:ReceiveMessage`")));
                small.sim.allow("sqs:ReceiveMessage");
                sleep(Duration::from_secs(120)).await;
                assert_eq!(daemon.heard.queue_trouble(), None, "it is used again");
            }
        });
    }
}

#[test]
fn a_look_at_a_function_reads_its_own_interfaces_alone() {
    on_paused_clock(async {
        let small = Small::of(WorldConfig { page_most: 5, ..WorldConfig::default() }, 2);
        let (others, allocations) = small.sim.world(|world| {
            let vpc = world.vpcs().next().expect("there is one").id.clone();
            let names: Vec<String> = (0..20).map(|n| format!("other-{n}")).collect();
            for name in &names {
                // As well as those of the function's own group among others.
                let group = world.create_security_group(&vpc, name);
                let groups = [group.as_str(), &small.group];
                world.create_active_function(
                    name,
                    VpcConfig::new(&small.subnets, &groups[..1 + name.len() % 2]),
                );
            }
            let allocations = world.allocate_many(40);
            names.iter().for_each(|name| world.declare(name, &allocations));
            (names, allocations)
        });
        let wanted = Wanted::new().pool("p", &small.allocations, 0).pool("q", &allocations, 0);
        let wanted = wanted.function("billing", "p");
        let wanted = others.iter().fold(wanted, |wanted, name| wanted.function(name, "q"));
        let url =
            small.sim.world(|world| world.wire_events_of(QUEUE, &eipd::events::pattern::event_pattern()));
        let daemon = Daemon::start_with_queue(&small.sim, &wanted.done(), 1, &url).await;
        sleep(Duration::from_secs(30)).await;
        daemon.poll_every(Duration::from_secs(3600));
        sleep(Duration::from_secs(30)).await;
        small.sim.set_events(EventWeather::delayed(Span::exactly(Duration::from_secs(1))));
        let seen = small.sim.call_count();
        small.sim.world(|world| world.update_function_code("billing", None)).expect("it is active");
        sleep(Duration::from_secs(3)).await;
        let reads: Vec<String> = small.sim.with_journal(|journal| {
            let since = journal.entries()[seen..].iter();
            since
                .filter(|call| call.operation.starts_with("Describe"))
                .map(|call| call.detail.clone())
                .collect()
        });
        assert!(!reads.is_empty());
        let told = reads.iter().find(|detail| allocations.iter().any(|other| detail.contains(other)));
        assert_eq!(told, None, "no address of others is read");
        let pages = reads.iter().filter(|detail| detail.contains("NextToken")).count();
        // Those of one group include the ones of the functions that have it among more.
        let whole = 42usize.div_ceil(5);
        assert!(pages < reads.len() / 2 * whole, "{pages} further pages of {} reads", reads.len());
        assert_eq!(daemon.heard.reports().last().map(|report| report.uncovered.len()), Some(0));
        assert_lawful(&small.sim);
    });
}

/// As of an ECS task in the subnet and the security group of a function.
#[test]
fn interfaces_of_others_in_a_known_pair_are_looked_at_and_left() {
    on_paused_clock(async {
        let (small, daemon) = listening(2, Duration::from_secs(1)).await;
        daemon.poll_every(Duration::from_secs(3600));
        sleep(Duration::from_secs(20)).await;
        let before = small.sim.calls("DescribeNetworkInterfaces");
        small.sim.world(|world| {
            for _ in 0..100 {
                let made = world.add_interface(NewInterface::plain(&small.subnets[0], &[&small.group]));
                let body = creation(&made, &small);
                world.send_message(QUEUE, &body, None).expect("it fits");
            }
        });
        sleep(Duration::from_secs(10 * 60)).await;
        let looks = small.sim.calls("DescribeNetworkInterfaces") - before;
        assert!(looks <= 12, "{looks} looks for what is none of ours");
        assert!(small.is_covered());
        assert_lawful(&small.sim);
    });
}

#[test]
fn replicas_on_one_queue_and_on_queues_of_their_own_settle() {
    for one_queue in [true, false] {
        on_paused_clock(async {
            let small = Small::with(5);
            let pattern = eipd::events::pattern::event_pattern();
            let first = small.sim.world(|world| world.wire_events_of("first", &pattern));
            let second = small.sim.world(|world| world.wire_events_of("second", &pattern));
            let other = if one_queue { &first } else { &second };
            small.sim.set_events(EventWeather::delayed(Span::exactly(Duration::from_secs(1))));
            let one = Daemon::start_with_queue(&small.sim, &small.desired, 1, &first).await;
            let two = Daemon::start_with_queue(&small.sim, &small.desired, 2, other).await;
            sleep(Duration::from_secs(30)).await;
            for allocation in &small.allocations {
                small.sim.world(|world| world.stray_disassociate(allocation));
            }
            let took = until_covered(&small, POLL * 3).await;
            assert!(took <= Duration::from_secs(5), "by the events, long before the next poll: {took:?}");
            sleep(POLL).await;
            let before = small.sim.calls("AssociateAddress");
            sleep(POLL * 5).await;
            assert_eq!(small.sim.calls("AssociateAddress"), before, "no flapping");
            assert_lawful(&small.sim);
            one.stop().await;
            two.stop().await;
        });
    }
}

#[test]
fn whoever_undoes_it_again_and_again_is_named_and_not_fought_without_end() {
    on_paused_clock(async {
        let (small, daemon) = listening(2, Duration::from_secs(1)).await;
        let before = small.sim.calls("AssociateAddress");
        for _ in 0..600 {
            small.sim.world(|world| world.stray_disassociate(&small.allocations[0]));
            sleep(Duration::from_secs(3)).await;
        }
        let repairs = small.sim.calls("AssociateAddress") - before;
        assert!((5..=12).contains(&repairs), "{repairs} repairs in half an hour");
        let contested = daemon.heard.reports().last().expect("passes were made").contested.clone();
        assert_eq!(contested.len(), 1);
        assert_eq!(contested[0].allocation_id.to_string(), small.allocations[0]);
        assert!(
            contested[0].actor.as_ref().is_some_and(|actor| actor.starts_with("arn:aws:")),
            "{contested:?}"
        );
        sleep(Duration::from_secs(45 * 60)).await;
        assert!(small.is_covered(), "once the other gives up it is repaired");
        assert_eq!(daemon.heard.reports().last().map(|report| report.contested.len()), Some(0));
        assert_lawful(&small.sim);
    });
}
