//! Serves a small simulated account on a loopback port, for a client in another language.
//!
//! `cargo run -p eipd-sim --example serve [-- PORT]` prints the URL and the ids of the account, one `KEY=VALUE` a
//! line, and serves until its input ends.

use eipd_sim::{HttpServer, NewFunction, Outcome, Sim, VpcConfig, WorldConfig};
use std::io::Write;
use std::net::SocketAddr;
use tokio::io::AsyncReadExt;

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let port = std::env::args().nth(1).and_then(|port| port.parse().ok()).unwrap_or(0);
    let sim = Sim::new(WorldConfig { seed: 1, ..WorldConfig::default() });
    let lines = sim.world(|world| {
        let vpc = world.create_vpc();
        let subnets = [world.create_subnet(&vpc, 'a'), world.create_subnet(&vpc, 'b')];
        let group = world.create_security_group(&vpc, "billing");
        let config = VpcConfig::new(&subnets, &[&group]);
        world.create_active_function("billing", config.clone());
        world.publish_version("billing");
        world.set_alias("billing", "live", 1);
        world.tag_function("billing", "team", "money & <co>");
        world.create_function(&NewFunction::new("pending", config.clone()));
        world.create_active_function("outside", None);
        for number in 0..60 {
            world.create_active_function(&format!("crowd-{number:02}"), config.clone());
        }
        let other = world.create_security_group(&vpc, "other");
        let moved = VpcConfig::new(&subnets[..1], &[&other]);
        world.update_function_vpc("crowd-00", moved, Outcome::Succeeds, None).expect("nothing is under way");
        let free = [world.allocate_tagged("pool", "a"), world.allocate_address()];
        let interfaces = world.pair_interfaces(&subnets[0], &[&group]);
        vec![
            format!("VPC={vpc}"),
            format!("SUBNETS={}", subnets.join(",")),
            format!("GROUP={group}"),
            format!("ALLOCATIONS={}", free.join(",")),
            format!("INTERFACE={}", interfaces[0]),
        ]
    });
    let server = HttpServer::bind(&sim, SocketAddr::from(([127, 0, 0, 1], port))).await?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "URL={}", server.url())?;
    for line in lines {
        writeln!(out, "{line}")?;
    }
    writeln!(out, "READY=1")?;
    out.flush()?;
    tokio::io::stdin().read_to_end(&mut Vec::new()).await?;
    let complaints = sim.complaints();
    writeln!(out, "COMPLAINTS={}", complaints.len())?;
    write!(out, "{}", sim.journal())
}
