//! What a settled estate costs in calls (docs/FIGURES.md): each poll reads interfaces and addresses once and what is declared
//! once, all versions are listed now and then, and while an interface waits for an address that lingers elsewhere it is asked
//! every 45 s whether it may be taken.

use std::collections::BTreeMap;

use eipd::domain::reason::WarningKind;
use eipd::domain::report::Report;

use super::estate::Estate;

/// Polls of a daemon within twenty minutes at one every ten, which come up to a tenth early; one more may be its last of before.
const POLLS: usize = 3;

/// Looks of a daemon within twenty minutes for what may be taken.
const ASKED: usize = 28;

/// How often what is known for five minutes is read again within twenty, where passes are made often enough.
const REFRESHED: usize = 5;

/// The calls after the first `calls` ones are those of twenty settled minutes.
pub fn assert_within(estate: &Estate, last: &[Report], calls: usize) {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    estate.sim.with_journal(|journal| {
        // A list is counted once, however many pages it has.
        let goes_on = |detail: &str| detail.contains("NextToken=") || detail.contains("Marker=");
        for entry in journal.entries()[calls..].iter().filter(|entry| !goes_on(&entry.detail)) {
            *counts.entry(entry.operation.clone()).or_default() += 1;
        }
    });
    let waits = |report: &&Report| {
        let lingers = |kind| matches!(kind, WarningKind::TakingWaits | WarningKind::AddressLingering);
        report.plan.warnings.iter().any(|warning| lingers(warning.kind)) && !report.uncovered.is_empty()
    };
    let polls = POLLS * last.len();
    let waiting = last.iter().filter(waits).count();
    let looks = polls + ASKED * waiting;
    let refreshed = polls.max(REFRESHED * waiting);
    let functions = estate.file.functions.len();
    for (operation, count) in &counts {
        let most = match operation.as_str() {
            "DescribeNetworkInterfaces" | "ListFunctions" => looks,
            // By allocation, and by tag where a pool has one.
            "DescribeAddresses" => 2 * looks,
            "DescribeSubnets" => refreshed,
            // The table of a subnet, and the main one.
            "DescribeRouteTables" => 2 * refreshed,
            "GetFunctionConfiguration" => functions * looks,
            "ListAliases" => functions * refreshed,
            "GetCallerIdentity" => last.len(),
            // For a quarter of an hour at least, and by each process for one other account.
            "AssumeRole" => 2 * last.len(),
            _ => 0,
        };
        assert!(
            *count <= most,
            "{count} times {operation}, not {most}, for {functions} functions: {counts:?}"
        );
    }
}
