//! The same seed and the same calls give the same journal, byte for byte.

use super::*;
use crate::sim::Delivery;
use crate::{Effect, EventWeather, Fault, NewFunction, Outcome, Span, Staleness};
use std::time::Duration;

async fn life(seed: u64) -> (String, String) {
    let (sim, interfaces, allocations) = small(WorldConfig::drawn(seed));
    let config = sim.world(|world| world.unit("billing").and_then(|unit| unit.serving_config()).cloned());
    let url = sim.world(|world| {
        let url = world.wire_events("q");
        world.set_events(EventWeather { loss: 0.1, duplicate: 0.1, ..EventWeather::default() });
        world.create_function(&NewFunction::new("next", config));
        world.update_function_vpc("billing", None, Outcome::Succeeds, None).expect("nothing is under way");
        url
    });
    let poll = serde_json::json!({ "QueueUrl": url, "WaitTimeSeconds": 2, "MaxNumberOfMessages": 10 });
    let mut heard = String::new();
    sim.set_latency(Some(Span { shortest: Duration::from_millis(1), longest: Duration::from_millis(900) }));
    sim.set_staleness(Staleness { addresses: Duration::from_secs(9), interfaces: Duration::from_secs(9) });
    sim.inject(Fault::new(Effect::Throttle).rate(0.2));
    sim.inject(Fault::new(Effect::LostAnswer).rate(0.1));
    for round in 0..40 {
        let (allocation, interface) = (&allocations[round % 3], &interfaces[round % 2]);
        let parameters = [("AllocationId", allocation.as_str()), ("NetworkInterfaceId", interface.as_str())];
        let _ = sim.exchange(&ec2("AssociateAddress", &parameters)).await;
        let _ = sim.exchange(&ec2("DescribeNetworkInterfaces", &[("MaxResults", "5")])).await;
        let _ = sim.exchange(&lambda("/2015-03-31/functions/billing/configuration")).await;
        if let Delivery::Whole(reply) = sim.exchange(&sqs("ReceiveMessage", &poll)).await {
            heard.push_str(&String::from_utf8_lossy(&reply.body));
        }
        tokio::time::sleep(Duration::from_secs(30)).await;
    }
    assert!(heard.contains("AssociateAddress"), "{heard}");
    (sim.journal().to_string() + &heard, sim.world(|world| format!("{:?}", world.chronicle())))
}

#[tokio::test(start_paused = true)]
async fn a_life_repeats_with_its_seed() {
    let first = life(11).await;
    assert_eq!(first, life(11).await);
    assert_ne!(first, life(12).await);
    assert_eq!(first.0.matches(" -> ").count(), 160);
}

#[test]
fn the_journal_says_what_was_named_and_how_it_ended_and_never_a_key() {
    let (sim, interfaces, allocations) = small(WorldConfig::default());
    let parameters =
        [("AllocationId", allocations[0].as_str()), ("NetworkInterfaceId", interfaces[0].as_str())];
    ok(&sim, &ec2("AssociateAddress", &parameters));
    sim.deny("lambda:GetFunctionConfiguration");
    call(&sim, &lambda("/2015-03-31/functions/billing/configuration?Qualifier=live"));
    let journal = sim.journal();
    let text = journal.to_string();
    let named = format!("AllocationId={} NetworkInterfaceId={} -> ok", allocations[0], interfaces[0]);
    assert!(text.contains(&named), "{text}");
    assert!(text.contains("lambda GetFunctionConfiguration billing Qualifier=live -> AccessDeniedException"));
    assert!(!text.contains(EIPD_ACCESS_KEY));
    assert_eq!((journal.count("AssociateAddress"), journal.mutating().count()), (1, 1));
    assert_eq!(journal.counts().len(), 2);
    assert_eq!(journal.errors("AccessDeniedException"), 1);
}
