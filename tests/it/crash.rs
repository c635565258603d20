//! A daemon that dies after any of its calls leaves nothing that its successor does not put right (law 8).

use std::time::Duration;

use eipd_sim::Span;
use tokio::time::sleep;

use crate::rig::{Daemon, POLL, assert_lawful, on_paused_clock};
use crate::small::Small;

/// What a daemon calls until it has covered the small estate, and one poll after.
async fn lively(small: &Small) -> Daemon {
    small.sim.set_latency(Some(Span::exactly(Duration::from_millis(50))));
    Daemon::start(&small.sim, &small.desired, 1).await
}

#[test]
fn a_crash_after_any_call_is_put_right_by_the_next_start() {
    let calls = on_paused_clock(async {
        let small = Small::with(3);
        let _daemon = lively(&small).await;
        sleep(POLL * 2).await;
        assert!(small.is_covered());
        small.sim.call_count()
    });
    assert!(calls > 8, "{calls}");
    for k in 1..=calls {
        on_paused_clock(async {
            let small = Small::with(3);
            let daemon = lively(&small).await;
            while small.sim.call_count() < k {
                sleep(Duration::from_millis(5)).await;
            }
            daemon.kill().await;
            let _next = Daemon::start(&small.sim, &small.desired, 2).await;
            sleep(POLL).await;
            assert!(small.is_covered(), "after a crash at call {k} of {calls}");
            assert_lawful(&small.sim);
        });
    }
}

#[test]
fn the_daemon_ends_within_ten_seconds_whatever_it_waits_for() {
    for latency in [0, 1, 9, 60] {
        on_paused_clock(async {
            let small = Small::with(2);
            small.sim.set_latency(Some(Span::seconds(latency, latency)));
            let daemon = Daemon::start(&small.sim, &small.desired, 1).await;
            sleep(Duration::from_millis(1500)).await;
            let took = daemon.stop().await;
            assert!(took <= Duration::from_secs(10), "{took:?} with calls of {latency} s");
        });
    }
}
