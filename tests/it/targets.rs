//! Several targets in one process: what befalls one of them is that one's alone.

use std::time::Duration;

use eipd_sim::{Effect, Fault, HttpServer, Service, Sim};
use serde_json::Value;

use crate::process::Running;
use crate::rig::assert_lawful;
use crate::small::Small;

const REGIONS: [&str; 4] = ["eu-west-1", "eu-west-2", "us-east-1", "us-east-2"];

/// A configuration of one target for each estate, each in a role.
fn configuration(estates: &[Small]) -> String {
    let mut text = String::from("[daemon]\npoll_interval = \"1s\"\nlisten = \"127.0.0.1:0\"\n");
    for (small, region) in estates.iter().zip(REGIONS) {
        let allocations = small.allocations.join("\", \"");
        text.push_str(&format!(
            "[[targets]]\nname = \"{region}\"\nregion = \"{region}\"\n\
             role_arn = \"arn:aws:iam::111122223333:role/eipd\"\nexternal_id = \"of-{region}\"\n\
             [pools.\"{region}\"]\ntarget = \"{region}\"\nallocations = [\"{allocations}\"]\n\
             [[functions]]\nname = \"billing\"\npool = \"{region}\"\n"
        ));
    }
    text
}

fn coverage<'a>(status: &'a Value, target: &str) -> Option<&'a str> {
    let targets = status["targets"].as_array()?;
    targets.iter().find(|one| one["target"] == target)?["coverage"].as_str()
}

#[tokio::test]
async fn one_that_is_denied_hangs_or_is_down_delays_no_other() {
    let estates = REGIONS.map(|region| Small::in_region(region, 2));
    let sims: Vec<Sim> = estates.iter().map(|small| small.sim.clone()).collect();
    let server = HttpServer::bind_regions(sims, ([127, 0, 0, 1], 0).into()).await.expect("a free port");
    let [hangs, denied, down, well] = &estates;
    hangs.sim.inject(Fault::new(Effect::Hang).on_service(Service::Ec2));
    down.sim.inject(Fault::new(Effect::Unavailable));
    denied.sim.inject(Fault::new(Effect::Denied).on_operation("DescribeNetworkInterfaces"));
    let running = Running::of(&configuration(&estates), &server);
    let [at_hangs, at_denied, at_down, at_well] = REGIONS;
    let is_well = running.until(|status| coverage(status, at_well) == Some("covered")).await;
    assert!(is_well && well.is_covered(), "the one that nothing befell is covered at once");
    well.sim.world(|world| world.stray_disassociate(&well.allocations[0]));
    let again = running.until(|_| well.is_covered()).await;
    assert!(again, "and again after a loss, while the others are in their troubles");
    let are_told = |status: &Value| {
        [at_denied, at_down].iter().all(|target| coverage(status, target) == Some("unknown"))
    };
    assert!(running.until(are_told).await, "the others say that they can't tell");
    assert_eq!(running.ask(&["health"]).await.code(), Some(0), "an outage of AWS is no sickness of the loop");
    for small in [hangs, denied, down] {
        assert!(!small.is_covered());
        small.sim.clear_faults();
    }
    let all = |status: &Value| REGIONS.iter().all(|target| coverage(status, target) == Some("covered"));
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    while !running.until(all).await {
        assert!(tokio::time::Instant::now() < deadline, "the others recover when the weather is over");
    }
    for small in [hangs, denied, down, well] {
        assert!(small.is_covered(), "{at_hangs}");
        assert_lawful(&small.sim);
    }
    let (code, _) = running.end().await;
    assert_eq!(code, Some(0));
}
