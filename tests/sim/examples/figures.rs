//! How fast the simulator itself is: `cargo run -p eipd-sim --example figures`, with and without `--release`.
//!
//! Fills accounts of 1,000, 10,000 and 100,000 interfaces, covers them, lists them page by page over the wire, raises
//! as many events and drains their queue, and lives a thousand small seeded lives. Growth near ten from line to line is what is looked for.

use eipd_sim::{
    EIPD_ACCESS_KEY, NewFunction, Outcome, Population, Request, Sim, VpcConfig, World, WorldConfig,
};
use std::io::Write;
use std::time::{Duration, Instant};

fn main() -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{:>10} {:>10} {:>10} {:>10} {:>12}",
        "interfaces", "fill ms", "cover ms", "list ms", "MB of XML"
    )?;
    for functions in [250, 2_500, 25_000] {
        let sim = Sim::new(WorldConfig::default());
        sim.set_throttle(None);
        let size = Population { functions, subnets_per_function: 4, subnets: 100, interfaces_per_pair: 1 };
        let (_, fill) = timed(|| sim.world(|world| world.populate(&size)));
        let (_, cover) = timed(|| {
            sim.world(|world| {
                let allocations = world.allocate_many(functions * 4);
                world.cover(&allocations)
            })
        });
        let ((count, bytes), list) = timed(|| list(&sim));
        assert_eq!(count, functions * 4);
        let megabytes = bytes / 1_000_000;
        writeln!(out, "{count:>10} {fill:>10} {cover:>10} {list:>10} {megabytes:>12}")?;
    }
    writeln!(out, "{:>10} {:>10} {:>10}", "events", "raise ms", "drain ms")?;
    for count in [1_000, 10_000, 100_000] {
        let sim = Sim::new(WorldConfig::default());
        let (_, raise) = timed(|| sim.world(|world| raise(world, count)));
        let (received, drain) = timed(|| drain(&sim));
        assert!(received >= count, "at least once");
        writeln!(out, "{count:>10} {raise:>10} {drain:>10}")?;
    }
    let (_, lives) = timed(|| (0..1000).for_each(life));
    writeln!(out, "1,000 seeded lives of two functions over a day: {lives} ms")
}

fn timed<R>(work: impl FnOnce() -> R) -> (R, u128) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed().as_millis())
}

/// All interfaces, a thousand a page: how many, and how many bytes.
fn list(sim: &Sim) -> (usize, usize) {
    let (mut count, mut bytes, mut token) = (0, 0, String::new());
    loop {
        let next = if token.is_empty() { String::new() } else { format!("&NextToken={token}") };
        let body = format!(
            "Action=DescribeNetworkInterfaces&Version=2016-11-15&MaxResults=1000&Filter.1.Name=interface-type\
             &Filter.1.Value.1=lambda{next}"
        );
        let request = Request {
            method: "POST".to_owned(),
            path: "/".to_owned(),
            query: String::new(),
            authorization: Some(format!("Credential={EIPD_ACCESS_KEY}/20261123/eu-west-1/ec2/aws4_request")),
            target: None,
            body: body.into(),
        };
        let reply = sim.answer(&request).expect("the weather is fine");
        let text = String::from_utf8_lossy(&reply.body);
        count += text.matches("<networkInterfaceId>").count();
        bytes += text.len();
        match text.split_once("<nextToken>").and_then(|(_, rest)| rest.split_once('<')) {
            Some((next, _)) => next.clone_into(&mut token),
            None => return (count, bytes),
        }
    }
}

/// As many releases of addresses that do not exist, each told of.
fn raise(world: &mut World, count: usize) {
    world.wire_events_of("q", r#"{"source":["aws.ec2"]}"#);
    for _ in 0..count {
        world.release_address("eipalloc-0").expect_err("there is none");
    }
    world.advance_by(Duration::from_secs(10));
}

/// All messages of the queue `q`, ten at a time over the wire, each deleted: how many.
fn drain(sim: &Sim) -> usize {
    let url = sim.world(|world| world.queue_url("q"));
    let call = |action: &str, body: String| {
        let request = Request {
            method: "POST".to_owned(),
            path: "/".to_owned(),
            query: String::new(),
            authorization: Some(format!("Credential={EIPD_ACCESS_KEY}/20261123/eu-west-1/sqs/aws4_request")),
            target: Some(format!("AmazonSQS.{action}")),
            body: body.into(),
        };
        let reply = sim.answer(&request).expect("the weather is fine");
        String::from_utf8_lossy(&reply.body).into_owned()
    };
    let mut count = 0;
    loop {
        let messages = call("ReceiveMessage", format!(r#"{{"QueueUrl":"{url}","MaxNumberOfMessages":10}}"#));
        let handles =
            messages.split(r#""ReceiptHandle":""#).skip(1).filter_map(|rest| rest.split('"').next());
        let entries: Vec<String> = handles
            .enumerate()
            .map(|(place, handle)| format!(r#"{{"Id":"{place}","ReceiptHandle":"{handle}"}}"#))
            .collect();
        if entries.is_empty() {
            return count;
        }
        count += entries.len();
        call("DeleteMessageBatch", format!(r#"{{"QueueUrl":"{url}","Entries":[{}]}}"#, entries.join(",")));
    }
}

fn life(seed: u64) {
    let mut world = World::new(WorldConfig::drawn(seed));
    let vpc = world.create_vpc();
    let subnets = [world.create_subnet(&vpc, 'a'), world.create_subnet(&vpc, 'b')];
    let groups = [world.create_security_group(&vpc, "1"), world.create_security_group(&vpc, "2")];
    world.create_function(&NewFunction::new("f", VpcConfig::new(&subnets, &groups[..1])));
    world.create_active_function("g", VpcConfig::new(&subnets, &groups[1..]));
    let allocations = world.allocate_many(6);
    world.expect("f", &["198.18.0.0", "198.18.0.1"]);
    world.advance_by(Duration::from_secs(600));
    world.cover(&allocations);
    world.overflow(&subnets[0], &[&groups[0]]);
    let config = VpcConfig::new(&subnets, &groups[1..]);
    world.update_function_vpc("f", config, Outcome::Succeeds, None).expect("nothing is under way");
    world.advance_by(Duration::from_secs(24 * 3600));
}
