//! The acts, in their order. Each makes something happen to the account and says what the daemon made of it. The main one is
//! the switchover: the same change without spare addresses and with them.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::story::Story;

/// For how long the shortage is left to be looked at before the operator helps.
const OPERATOR_TAKES: Duration = Duration::from_secs(2);

/// Tells them all.
pub(crate) async fn tell(story: &mut Story<'_>) -> anyhow::Result<()> {
    bare(story).await?;
    let without = change_without_spares(story).await?;
    let with = change_with_spares(story).await?;
    story.show.compare(without, with);
    overflow(story).await?;
    stray_hand(story).await?;
    shortage(story).await
}

async fn bare(story: &mut Story<'_>) -> anyhow::Result<()> {
    let act = story.begin("four bare ENIs");
    let interfaces = story.stage.serving();
    story
        .show
        .happens("the daemon starts; two functions on two subnets have four ENIs, none with an address");
    let after = story.until_covered(&interfaces, act.begun()).await?;
    story.end_act(&act, "daemon started".to_owned(), after);
    Ok(())
}

/// The switchover, first half. Returns the gap in seconds.
async fn change_without_spares(story: &mut Story<'_>) -> anyhow::Result<f64> {
    let act = story.begin("a VpcConfig change, no spare address");
    let new = story.stage.change_billing(0)?;
    story
        .show
        .happens("`billing` gets another security group: Lambda makes two new ENIs, the old ones serve on");
    story.until("the change to be through", |stage, _, _| stage.is_changed()).await?;
    let served = Instant::now();
    story.show.happens("the new ENIs serve, and all four addresses are on others");
    let after = story.until_covered(&new, served).await?;
    story.show.remark(
        "the addresses followed when Lambda removed the old ENIs: seconds here, minutes in AWS, where",
    );
    story.show.remark(
        "eipd takes them once nothing has used those for the functions' timeout, and at least a minute",
    );
    Ok(story.end_act(&act, "2 ENIs made, 2 retired".to_owned(), after))
}

/// The switchover, second half.
async fn change_with_spares(story: &mut Story<'_>) -> anyhow::Result<f64> {
    let act = story.begin("a VpcConfig change, two spare addresses");
    let added = story.stage.add_addresses(2)?;
    story.show.happens(&format!("the operator adds {} to the file", added.join(" and ")));
    story.until("the daemon to know of them", |_, status, _| status.spares() == 2).await?;
    let changed = Instant::now();
    let new = story.stage.change_billing(1)?;
    story
        .show
        .happens("`billing` gets a third security group: again two new ENIs, and the old ones serve on");
    let after = story.until_covered(&new, changed).await?;
    story
        .show
        .remark("the new ENIs had their addresses before they served; the old ones keep theirs to the end");
    let gap = story.end_act(&act, "2 ENIs made, 2 retired".to_owned(), after);
    story
        .until("Lambda to remove the old ENIs", |stage, status, _| {
            stage.spares() == 2 && status.spares() == 2
        })
        .await?;
    story.show.remark("Lambda removed the old ENIs, and their addresses are spare again");
    Ok(gap)
}

async fn overflow(story: &mut Story<'_>) -> anyhow::Result<()> {
    let act = story.begin("an overflow ENI");
    let interface = story.stage.overflow(0);
    story.show.happens("`reports` outgrows an ENI's 65,000 connections: Lambda adds one beside it");
    let after = story.until_covered(&[interface], act.begun()).await?;
    story.end_act(&act, "1 ENI added".to_owned(), after);
    Ok(())
}

async fn stray_hand(story: &mut Story<'_>) -> anyhow::Result<()> {
    let act = story.begin("a stray hand");
    let (interface, ip) = story.stage.stray_hand()?;
    story.show.happens(&format!("somebody takes {ip} off {interface}"));
    let after = story.until_covered(&[interface], act.begun()).await?;
    story.end_act(&act, "1 address taken off".to_owned(), after);
    Ok(())
}

async fn shortage(story: &mut Story<'_>) -> anyhow::Result<()> {
    let act = story.begin("the pool runs short");
    let added = [story.stage.overflow(0), story.stage.overflow(1)];
    story.show.happens("`reports` needs two more ENIs, and one address is spare");
    let mut short = None;
    story
        .until("the daemon to report the shortage", |stage, status, _| {
            let mut lacking = added.iter().filter_map(|eni| status.uncovered(eni));
            short = lacking.find(|lack| lack.reason == "no_free_address").cloned();
            let served = added.iter().filter(|eni| stage.way_out(eni).is_some()).count();
            short.is_some() && served == 1
        })
        .await?;
    let short = short.expect("the wait ends only when it is there");
    story.show.lack(&short);
    sleep(OPERATOR_TAKES).await;
    let edited = Instant::now();
    let added = story.stage.add_addresses(1)?;
    story.show.happens(&format!("the operator adds {} to the file", added.join(" and ")));
    let after = story.until_covered(&[short.network_interface_id], edited).await?;
    story.end_act(&act, "2 ENIs added, 1 spare".to_owned(), after);
    Ok(())
}
