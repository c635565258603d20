//! The way of an event: how soon the daemon answers one, how many it can read, and what a backlog weighs. The real binary
//! over HTTP, and for the reading alone the real consumer on a queue in memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use eipd::events::consumer::{Consumer, Route};
use eipd::events::pattern::event_pattern;
use eipd::reconcile::ports::{ApiError, Message, Queue};
use eipd_sim::{EIPD_ACCESS_KEY, EventWeather, Request, Sim, Span, World};
use tokio_util::sync::CancellationToken;

use super::daemon::Child;
use super::rig::{self, Listener, SimClock, Wanted};
use super::{estate, on_real_clock, say};

const QUEUE: &str = "eipd";
const TRIALS: usize = 100;

/// More than the daemon's pace of one look a second and EC2's rate let through: no limit of our own shall be what is
/// measured.
const BETWEEN: Duration = Duration::from_millis(1_300);

/// Prints how long it takes from an event's reception to the call that associates an address.
pub fn answer() {
    say(
        "   interfaces   ms from the answer with the event to AssociateAddress      of it the simulator's reads",
    );
    for functions in [1, 125, 1_250] {
        on_real_clock(answer_at(functions));
    }
}

async fn answer_at(functions: usize) {
    let per_pair = if functions == 1 { 5 } else { 4 };
    let (sim, names, mut allocations) = estate(functions, per_pair, true);
    let known = sim.world(|world| world.interfaces().count());
    let url = sim.world(|world| {
        allocations.extend(world.allocate_many(TRIALS));
        world.wire_events_of(QUEUE, &event_pattern())
    });
    sim.set_events(EventWeather::delayed(Span::exactly(Duration::ZERO)));
    let child = Child::start_with_queue(&sim, &names, &allocations, "1h", Some(&url)).await;
    child.until_passes(1).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let (subnet, groups) = sim.world(|world| {
        let first = world.interfaces().find(|one| one.kind == "lambda").expect("the estate has some");
        (world.subnet_of(first).id.clone(), first.groups.to_vec())
    });
    let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
    let mut took = Vec::with_capacity(TRIALS);
    for _ in 0..TRIALS {
        let before = sim.call_count();
        sim.world(|world| world.overflow(&subnet, &groups));
        tokio::time::sleep(BETWEEN).await;
        took.extend(sent_after(&sim, before));
    }
    let reads = reads_alone(&sim, &allocations);
    took.sort_unstable();
    let ms = |part: f64| took[((took.len() - 1) as f64 * part) as usize].as_secs_f64() * 1000.0;
    say(&format!(
        "   {known:>10}   p50 {:.1}, p99 {:.1}, worst {:.1} of {}                    about {:.1}",
        ms(0.5),
        ms(0.99),
        ms(1.0),
        took.len(),
        reads.as_secs_f64() * 1000.0
    ));
    child.stop().await;
}

/// From the last answer of the queue before the first association to that association.
fn sent_after(sim: &Sim, before: usize) -> Option<Duration> {
    sim.with_journal(|journal| {
        let new = &journal.entries()[before..];
        let sent = new.iter().position(|entry| entry.operation == "AssociateAddress")?;
        let received = new[..sent].iter().rev().find(|entry| entry.operation == "ReceiveMessage")?;
        Some(new[sent].at.since(received.at))
    })
}

/// How long the simulator works on the two reads of a look: one interface, and up to 200 addresses.
fn reads_alone(sim: &Sim, allocations: &[String]) -> Duration {
    let interface = sim.world(|world| world.interfaces().last().map(|one| one.id.clone()));
    let interface = interface.unwrap_or_default();
    let addresses: Vec<String> = allocations
        .iter()
        .rev()
        .take(TRIALS / 2)
        .enumerate()
        .map(|(place, id)| format!("&Filter.1.Value.{}={id}", place + 1))
        .collect();
    let bodies = [
        format!(
            "Action=DescribeNetworkInterfaces&Version=2016-11-15&Filter.1.Name=network-interface-id&Filter.1.Value.1={interface}"
        ),
        format!(
            "Action=DescribeAddresses&Version=2016-11-15&Filter.1.Name=allocation-id{}",
            addresses.concat()
        ),
    ];
    let begun = Instant::now();
    for body in bodies {
        let authorization = format!("Credential={EIPD_ACCESS_KEY}/20261123/eu-west-1/ec2/aws4_request");
        let request = Request {
            method: "POST".to_owned(),
            path: "/".to_owned(),
            query: String::new(),
            authorization: Some(authorization),
            target: None,
            body: body.into(),
        };
        sim.answer(&request).expect("the weather is fine");
    }
    begun.elapsed()
}

/// A queue in memory that gives each of its messages once, ten at a time.
struct Backlog {
    bodies: Vec<String>,
    given: AtomicUsize,
    deleted: AtomicUsize,
}

#[async_trait]
impl Queue for Backlog {
    async fn receive(&self) -> Result<Vec<Message>, ApiError> {
        let from = self.given.fetch_add(10, Ordering::Relaxed);
        let bodies = self.bodies.iter().enumerate().skip(from).take(10);
        let messages: Vec<Message> = bodies
            .map(|(number, body)| Message {
                id: number.to_string(),
                body: body.clone(),
                receipt: number.to_string(),
                receives: 1,
            })
            .collect();
        if messages.is_empty() {
            std::future::pending::<()>().await;
        }
        Ok(messages)
    }

    async fn delete(&self, messages: &[Message]) -> Result<(), ApiError> {
        self.deleted.fetch_add(messages.len(), Ordering::Relaxed);
        Ok(())
    }

    async fn puts_aside(&self) -> Result<bool, ApiError> {
        Ok(true)
    }
}

/// Prints how many events a second are parsed, judged and coalesced, with 10,000 interfaces known.
pub fn read() {
    on_real_clock(async {
        let (sim, names, allocations) = estate(1_250, 4, true);
        let wanted = Wanted::new().pool("p", &allocations, 0);
        let desired = names.iter().fold(wanted, |wanted, name| wanted.function(name, "p")).done();
        sim.set_throttle(None);
        let mut reconciler = rig::reconciler(&sim, 1).await;
        rig::pass(&mut reconciler, &rig::orders(&desired)).await;
        let interfaces = sim.world(|world| lambda_interfaces(world));
        let bodies: Vec<String> =
            (0..100_000).map(|n| deletion(&interfaces[n % interfaces.len()], n)).collect();
        let bytes = bodies.iter().map(String::len).sum::<usize>() / bodies.len();
        let backlog = Arc::new(Backlog { bodies, given: AtomicUsize::new(0), deleted: AtomicUsize::new(0) });
        let (audience, cancel) = (Arc::new(Listener::default()), CancellationToken::new());
        let route = Route {
            target: "default".parse().expect("a name"),
            region: "eu-west-1".to_owned(),
            inbox: reconciler.inbox(),
        };
        let consumer = Consumer {
            queue: backlog.clone(),
            routes: Arc::new(vec![route].into()),
            audience: audience.clone(),
            clock: Arc::new(SimClock(sim.time_source())),
            cancel: cancel.clone(),
            seed: 1,
        };
        let begun = Instant::now();
        let running = tokio::spawn(consumer.run());
        while backlog.deleted.load(Ordering::Relaxed) < backlog.bodies.len() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let took = begun.elapsed().as_secs_f64();
        cancel.cancel();
        running.await.expect("the consumer does not panic");
        say(&format!(
            "   {:.0} events a second ({bytes} bytes each, {} of them different interfaces): {:?}",
            backlog.bodies.len() as f64 / took,
            interfaces.len(),
            audience.events()
        ));
    });
}

fn lambda_interfaces(world: &World) -> Vec<String> {
    world.interfaces().filter(|one| one.kind == "lambda").map(|one| one.id.clone()).collect()
}

/// The record of Lambda deleting an interface.
fn deletion(interface: &str, number: usize) -> String {
    format!(
        r#"{{"version":"0","id":"{number}","detail-type":"AWS API Call via CloudTrail","source":"aws.ec2","account":"111122223333","time":"2026-11-23T00:00:00Z","region":"eu-west-1","resources":[],"detail":{{"eventVersion":"1.08","userIdentity":{{"type":"AssumedRole","principalId":"AROAEXAMPLE:awslambda_847_20230628214903095","arn":"arn:aws:sts::111122223333:assumed-role/exec-role/awslambda_847_20230628214903095","accountId":"111122223333","sessionContext":{{"sessionIssuer":{{"type":"Role","arn":"arn:aws:iam::111122223333:role/exec-role","userName":"exec-role"}},"attributes":{{"creationDate":"2026-11-23T00:00:00Z","mfaAuthenticated":"false"}}}}}},"eventTime":"2026-11-23T00:00:00Z","eventSource":"ec2.amazonaws.com","eventName":"DeleteNetworkInterface","awsRegion":"eu-west-1","requestParameters":{{"networkInterfaceId":"{interface}"}},"responseElements":{{"requestId":"r-{number}","_return":true}}}}}}"#
    )
}

/// Prints what a backlog of 100,000 messages costs the real binary.
pub fn backlog() {
    on_real_clock(async {
        let (sim, names, allocations) = estate(125, 4, true);
        let url = sim.world(|world| {
            let url = world.wire_events_of(QUEUE, &event_pattern());
            let interfaces = lambda_interfaces(world);
            for number in 0..100_000 {
                let body = deletion(&interfaces[number % interfaces.len()], number);
                world.send_message(QUEUE, &body, None).expect("the queue takes it");
            }
            url
        });
        let waiting = sim.world(|world| world.queue(QUEUE).map_or(0, |queue| queue.len()));
        let child = Child::start_with_queue(&sim, &names, &allocations, "1h", Some(&url)).await;
        let begun = Instant::now();
        while sim.world(|world| world.queue(QUEUE).is_some_and(|queue| !queue.is_empty())) {
            tokio::time::sleep(Duration::from_millis(200)).await;
            assert!(begun.elapsed() < Duration::from_secs(600), "the backlog is not drained in ten minutes");
        }
        let took = begun.elapsed().as_secs_f64();
        tokio::time::sleep(Duration::from_secs(2)).await;
        let weight = child.weight();
        say(&format!(
            "   {waiting} messages drained in {took:.0} s ({:.0} a second, ten a call): {weight}, {} passes",
            waiting as f64 / took,
            child.passes().await
        ));
        child.stop().await;
    });
}
