//! Fifty targets in one process: what their steady state costs, over HTTP, each in a region and a role of its own.

use std::time::Duration;

use eipd_sim::{HttpServer, Population, Sim, WorldConfig};

use super::daemon::Child;
use super::{on_real_clock, say};

const TARGETS: u64 = 50;
const POLL: Duration = Duration::from_secs(60);

/// Prints CPU, memory and calls of fifty targets over two minutes of polling.
pub fn targets() {
    on_real_clock(async {
        let mut text = String::from("[daemon]\npoll_interval = \"60s\"\n");
        let mut sims = Vec::new();
        for number in 1..=TARGETS {
            let region = format!("eu-test-{number}");
            let sim =
                Sim::new(WorldConfig { seed: number, region: region.clone(), ..WorldConfig::default() });
            let (names, allocations) = sim.world(|world| {
                let names = world.populate(&Population {
                    functions: 5,
                    subnets_per_function: 2,
                    subnets: 4,
                    interfaces_per_pair: 4,
                });
                let allocations = world.allocate_many(world.interfaces().count());
                world.cover(&allocations);
                (names, allocations)
            });
            text.push_str(&format!(
                "[[targets]]\nname = {region:?}\nregion = {region:?}\nrole_arn = \"arn:aws:iam::111122223333:role/eipd\"\n\
                 [pools.{region}]\ntarget = {region:?}\nallocations = {allocations:?}\n"
            ));
            names.iter().for_each(|name| {
                text.push_str(&format!("[[functions]]\nname = {name:?}\npool = {region:?}\n"));
            });
            sims.push(sim);
        }
        let interfaces: usize = sims.iter().map(|sim| sim.world(|world| world.interfaces().count())).sum();
        let server = HttpServer::bind_regions(sims.clone(), ([127, 0, 0, 1], 0).into()).await;
        let begun = std::time::Instant::now();
        let child = Child::of(&text, server.expect("a free port")).await;
        child.until_passes(TARGETS).await;
        say(&format!(
            "   {TARGETS} targets with {interfaces} interfaces: first passes made after {:.1} s; {}",
            begun.elapsed().as_secs_f64(),
            child.weight()
        ));
        let (before, calls) = (child.weight(), calls(&sims));
        tokio::time::sleep(2 * POLL).await;
        let after = child.weight();
        let cpu = (after.cpu - before.cpu).as_secs_f64() / (2 * POLL).as_secs_f64();
        say(&format!(
            "   over two minutes: {:.2} % of a core, RSS {:.1} MiB (peak {:.1}), {} calls",
            100.0 * cpu,
            after.rss_mib,
            after.peak_mib,
            self::calls(&sims) - calls
        ));
        child.stop().await;
    });
}

fn calls(sims: &[Sim]) -> usize {
    sims.iter().map(Sim::call_count).sum()
}
