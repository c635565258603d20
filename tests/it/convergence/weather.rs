//! The weather between the daemons and AWS: what calls and events meet, from the beginning and now and then.

use std::time::Duration;

use eipd_sim::{Effect, EventWeather, Fault, On, QueueWeather, Service, Sim, Span, Staleness};

use super::dice::{Purpose, dice, once_in, one_of};

/// What may be denied for a while.
const DENIABLE: [&str; 11] = [
    "ec2:DescribeAddresses",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:DescribeRouteTables",
    "ec2:AssociateAddress",
    "ec2:DisassociateAddress",
    "lambda:GetFunctionConfiguration",
    "lambda:ListFunctions",
    "lambda:ListAliases",
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
];

/// The weather that a seed begins with; of one in six it is fine. Returns the most that reads lag behind.
pub fn begin(sim: &Sim, seed: u64) -> Duration {
    let random = &mut dice(seed, Purpose::Weather);
    let latency = Span { shortest: Duration::from_millis(20), longest: Duration::from_millis(400) };
    sim.set_latency(Some(latency));
    if once_in(6, random) {
        return Duration::ZERO;
    }
    let reading = [
        Effect::Throttle,
        Effect::InternalError,
        Effect::Unavailable,
        Effect::Garbage,
        Effect::Truncated,
        Effect::CutShort,
        Effect::Refused,
        Effect::Denied,
    ];
    for effect in reading {
        if once_in(3, random) {
            sim.inject(Fault::new(effect).rate(0.06));
        }
    }
    let changing = [
        Effect::LostAnswer,
        Effect::HangAfter,
        Effect::Hang,
        Effect::Garbage,
        Effect::Throttle,
        Effect::InternalErrorAfter,
        Effect::UnavailableAfter,
    ];
    for effect in changing {
        if once_in(3, random) {
            sim.inject(Fault::new(effect).on(On::Mutating).rate(0.2));
        }
    }
    if once_in(4, random) {
        sim.inject(Fault::new(Effect::Unavailable).on_operation("DescribeNetworkInterfaces").page(2));
    }
    if once_in(8, random) {
        let slow = Effect::Latency { before: Duration::from_secs(4), after: Duration::from_secs(4) };
        sim.inject(Fault::new(slow).rate(0.1));
    }
    let mut stale = || Duration::from_secs(*one_of(&[0, 0, 0, 1, 5, 30, 120], random));
    let staleness = Staleness { addresses: stale(), interfaces: stale() };
    sim.set_staleness(staleness);
    staleness.addresses.max(staleness.interfaces)
}

/// Events are late, lost, doubled and out of order.
pub fn events(sim: &Sim, seed: u64) {
    let random = &mut dice(seed, Purpose::Events);
    sim.set_events(EventWeather {
        delay: Span::seconds(random.u64(..3), random.u64(3..300)),
        loss: *one_of(&[0.0, 0.1, 0.5], random),
        duplicate: *one_of(&[0.0, 0.3], random),
        ..EventWeather::default()
    });
}

/// The queues that the replicas read: none, one for all of them, or each its own.
pub fn queues(sim: &Sim, replicas: usize, seed: u64) -> Vec<Option<String>> {
    let random = &mut dice(seed, Purpose::Queues);
    if random.bool() {
        sim.world(|world| world.set_queue_weather(QueueWeather { duplicate: 0.2, disorder: 20 }));
    }
    let pattern = eipd::events::pattern::event_pattern();
    let wire = |name: &str| sim.world(|world| world.wire_events_of(name, &pattern));
    match random.u8(..6) {
        0..4 => vec![None; replicas],
        4 => (0..replicas).map(|replica| Some(wire(&format!("of-{replica}")))).collect(),
        _ => vec![Some(wire("of-all")); replicas],
    }
}

/// Something is denied or allowed again, or a service is away for a while.
pub fn turn(sim: &Sim, random: &mut fastrand::Rng) {
    let until = Duration::from_secs(random.u64(20..300));
    match random.u8(..4) {
        0 => DENIABLE.iter().for_each(|action| sim.allow(action)),
        1 | 2 => sim.deny(one_of::<&str>(&DENIABLE, random)),
        _ => {
            let service = *one_of(&[Service::Ec2, Service::Lambda, Service::Sqs, Service::Sts], random);
            let effect = one_of(&[Effect::Unavailable, Effect::Refused, Effect::Hang], random).clone();
            let since = sim.world(|world| world.now().since(world.config().start));
            sim.inject(Fault::new(effect).on_service(service).during(since..since + until));
        }
    }
}

/// Fine weather.
pub fn clear(sim: &Sim) {
    sim.clear_faults();
    DENIABLE.iter().for_each(|action| sim.allow(action));
    sim.set_staleness(Staleness::default());
    sim.world(|world| world.set_queue_weather(QueueWeather::default()));
}
