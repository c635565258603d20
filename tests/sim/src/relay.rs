//! From bus to bus across regions and accounts: carries what one world's rules send to the buses of others.
//!
//! A world knows nothing of other worlds; what it sends out waits until somebody carries it (AWS.md section 7, Bus to
//! bus). The roles and bus policies that AWS asks for are not evaluated.

use crate::sim::Sim;
use std::convert::Infallible;

impl Sim {
    /// Carries events from this account's rules to the buses of `others`, as soon as they come, for as long as it is
    /// polled. An event for a bus of none of them is a complaint.
    pub async fn relay_to(&self, others: &[Self]) -> Infallible {
        loop {
            let stirred = self.stirred();
            tokio::pin!(stirred);
            stirred.as_mut().enable();
            // Not by way of `world`, which would stir this very task.
            let (outbound, next) = self.peek(|world| (world.take_outbound(), world.next_due()));
            for event in outbound {
                let place = |sim: &&Self| sim.peek(|world| event.bus.starts_with(&world.bus_arn("")));
                match others.iter().find(place) {
                    Some(sim) => sim.world(|world| world.receive_event(Some(&event.bus), event.event)),
                    None => self.peek(|world| world.complain(format!("no bus {} to relay to", event.bus))),
                }
            }
            let due = async {
                match next {
                    Some(at) => self.time_source().sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = stirred => {}
                () = due => {}
            }
        }
    }
}
