//! Bad weather between the daemon and AWS, one kind a test: what is said of it, what is done, and that it passes.

use std::time::Duration;

use eipd::domain::action::Outcome;
use eipd::domain::error_class::ErrorClass;
use eipd::domain::report::{Coverage, PassResult, Report};
use eipd_sim::{
    Credentials, EIPD_ACCESS_KEY, Effect, Fault, NewAddress, On, Population, Span, When, WorldConfig,
};
use tokio::time::{Instant, sleep};

use crate::rig::{
    Daemon, POLL, Wanted, apply, assert_lawful, on_paused_clock, orders, pass, plan, reconciler,
};
use crate::small::Small;

fn text(report: &Report) -> String {
    let warnings = report.plan.warnings.iter().map(|warning| warning.message.clone());
    let reasons = report.uncovered.iter().map(|uncovered| uncovered.reason.to_string());
    report.failures.iter().cloned().chain(warnings).chain(reasons).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_sweep_that_is_denied_is_named_and_its_return_heals() {
    on_paused_clock(async {
        let sim = eipd_sim::Sim::new(WorldConfig::default());
        let population =
            Population { functions: 60, subnets_per_function: 1, subnets: 2, interfaces_per_pair: 1 };
        let (functions, allocations) = sim.world(|world| {
            let functions = world.populate(&population);
            (functions, world.allocate_many(world.interfaces().count()))
        });
        let pool = Wanted::new().pool("p", &allocations, 0);
        let desired = functions.iter().fold(pool, |wanted, name| wanted.function(name, "p")).done();
        sim.deny("lambda:ListFunctions");
        let mut reconciler = reconciler(&sim, 1).await;
        let report = pass(&mut reconciler, &orders(&desired)).await;
        assert!(text(&report).contains("hint: grant `lambda:ListFunctions`"), "{}", text(&report));
        sim.allow("lambda:ListFunctions");
        for _ in 0..3 {
            pass(&mut reconciler, &orders(&desired)).await;
        }
        assert_eq!(pass(&mut reconciler, &orders(&desired)).await.coverage(), Coverage::Covered);
        assert_lawful(&sim);
    });
}

#[test]
fn an_address_that_is_refused_does_not_keep_a_good_one_from_being_given() {
    on_paused_clock(async {
        let small = Small::with(3);
        small.sim.inject(Fault::new(Effect::Denied).on_operation("AssociateAddress").nth(1));
        let mut reconciler = reconciler(&small.sim, 1).await;
        pass(&mut reconciler, &orders(&small.desired)).await;
        assert_eq!(pass(&mut reconciler, &orders(&small.desired)).await.coverage(), Coverage::Covered);
        assert!(small.is_covered());
    });
}

#[test]
fn what_is_denied_is_not_asked_for_all_the_time() {
    on_paused_clock(async {
        let small = Small::with(2);
        small.sim.deny("ec2:AssociateAddress");
        let _daemon = Daemon::start(&small.sim, &small.desired, 1).await;
        sleep(Duration::from_secs(3600)).await;
        let asked = small.sim.calls("AssociateAddress");
        assert!((8..=16).contains(&asked), "two addresses were asked for {asked} times in an hour");
    });
}

#[test]
fn wrong_credentials_are_told_in_one_line() {
    on_paused_clock(async {
        let small = Small::with(2);
        small.sim.set_credentials(EIPD_ACCESS_KEY, Credentials::Invalid);
        let begun = Instant::now();
        let report = plan(&small.sim, &small.desired).await;
        assert!(begun.elapsed() < Duration::from_secs(10));
        assert_eq!((report.result, report.failures.len()), (PassResult::Failed, 1), "{:?}", report.failures);
        assert_eq!(report.coverage(), Coverage::Unknown);
    });
}

#[test]
fn an_aws_that_is_down_hangs_or_talks_nonsense_is_told_and_outlived() {
    let effects = [
        Effect::Refused,
        Effect::Hang,
        Effect::Garbage,
        Effect::Truncated,
        Effect::CutShort,
        Effect::Unavailable,
    ];
    for effect in effects {
        on_paused_clock(async {
            let small = Small::with(2);
            small.sim.inject(Fault::new(effect.clone()).during(Duration::ZERO..Duration::from_secs(600)));
            let daemon = Daemon::start(&small.sim, &small.desired, 1).await;
            sleep(Duration::from_secs(600)).await;
            let reports = daemon.heard.reports();
            assert!(reports.iter().all(|report| report.coverage() == Coverage::Unknown), "{effect:?}");
            assert!(reports.len() < 20, "{effect:?}: {} passes in ten minutes", reports.len());
            sleep(Duration::from_secs(360)).await;
            assert!(small.is_covered(), "{effect:?}");
            assert_lawful(&small.sim);
        });
    }
}

#[test]
fn ten_minutes_of_throttling_are_outlived() {
    on_paused_clock(async {
        let small = Small::with(2);
        small.sim.inject(Fault::new(Effect::Throttle).during(Duration::ZERO..Duration::from_secs(600)));
        let _daemon = Daemon::start(&small.sim, &small.desired, 1).await;
        sleep(Duration::from_secs(600)).await;
        assert!(small.sim.call_count() < 200, "{} calls into a throttling AWS", small.sim.call_count());
        sleep(Duration::from_secs(360)).await;
        assert!(small.is_covered());
    });
}

#[test]
fn a_page_that_is_lost_makes_the_observation_incomplete_and_takes_nothing_away() {
    on_paused_clock(async {
        let sim = eipd_sim::Sim::new(WorldConfig::default());
        let (functions, allocations) = sim.world(|world| {
            let population =
                Population { functions: 1, subnets_per_function: 1, subnets: 1, interfaces_per_pair: 1500 };
            let functions = world.populate(&population);
            let allocations = world.allocate_many(1500);
            world.cover(&allocations);
            (functions, allocations)
        });
        sim.world(|world| world.declare(&functions[0], &allocations));
        let desired = Wanted::new().pool("p", &allocations, 0).function(&functions[0], "p").done();
        sim.inject(Fault::new(Effect::Unavailable).on_operation("DescribeNetworkInterfaces").page(2));
        let report = apply(&sim, &desired).await;
        assert_eq!((report.result, report.coverage()), (PassResult::Incomplete, Coverage::Unknown));
        assert_eq!(report.covered, 1000);
        sim.clear_faults();
        let report = apply(&sim, &desired).await;
        assert_eq!((report.covered, report.coverage()), (1500, Coverage::Covered));
        assert_eq!(sim.calls("AssociateAddress"), 0);
        assert_lawful(&sim);
    });
}

#[test]
fn a_lost_answer_to_an_association_is_not_repeated_blindly() {
    for effect in [Effect::LostAnswer, Effect::HangAfter, Effect::Garbage] {
        on_paused_clock(async {
            let small = Small::with(2);
            small.sim.inject(Fault::new(effect.clone()).on(On::Mutating).nth(1));
            let mut reconciler = reconciler(&small.sim, 1).await;
            let report = pass(&mut reconciler, &orders(&small.desired)).await;
            let unknown: Vec<_> =
                report.actions.iter().filter(|a| a.class == Some(ErrorClass::OutcomeUnknown)).collect();
            assert_eq!((unknown.len(), small.sim.calls("AssociateAddress")), (1, 2), "{effect:?}");
            assert!(small.is_covered(), "it was carried out all the same");
            let report = pass(&mut reconciler, &orders(&small.desired)).await;
            assert_eq!((report.coverage(), report.actions.len()), (Coverage::Covered, 0), "{effect:?}");
            let settled: Vec<_> = report.settled.iter().map(|one| (one.outcome, &one.action)).collect();
            assert_eq!(settled, [(Outcome::Done, &unknown[0].action)], "and is told once it is known");
            let report = pass(&mut reconciler, &orders(&small.desired)).await;
            assert_eq!(report.settled.len(), 0, "once");
            assert_eq!(small.sim.calls("AssociateAddress"), 2);
            assert_lawful(&small.sim);
        });
    }
}

#[test]
fn what_aws_carried_out_and_answered_with_an_error_is_told_as_ours() {
    for effect in [Effect::InternalErrorAfter, Effect::UnavailableAfter] {
        on_paused_clock(async {
            let small = Small::with(2);
            small.sim.inject(Fault::new(effect.clone()).on(On::Mutating).nth(1));
            let mut reconciler = reconciler(&small.sim, 1).await;
            let report = pass(&mut reconciler, &orders(&small.desired)).await;
            assert!(small.is_covered());
            let told: Vec<_> = report
                .actions
                .iter()
                .map(|one| {
                    (one.outcome, one.found_done, one.request_id.is_some(), one.repaired_after.is_some())
                })
                .collect();
            assert_eq!(told, [(Outcome::Done, false, true, true); 2], "{effect:?}");
            assert_eq!(small.sim.calls("AssociateAddress"), 2, "it is not repeated");
            let report = pass(&mut reconciler, &orders(&small.desired)).await;
            assert_eq!((report.actions.len(), report.settled.len()), (0, 0), "told once");
            assert_lawful(&small.sim);
        });
        // Throughout: each is sent and answered with an error, and each is found done.
        on_paused_clock(async {
            let small = Small::with(3);
            small.sim.inject(Fault::new(effect.clone()).on(On::Mutating));
            let report = apply(&small.sim, &small.desired).await;
            assert!(report.actions.iter().all(|one| one.outcome == Outcome::Done && !one.found_done));
            assert_eq!((report.actions.len(), small.sim.calls("AssociateAddress")), (2, 2), "{effect:?}");
            assert_lawful(&small.sim);
        });
    }
}

#[test]
fn an_error_to_the_last_attempt_leaves_open_what_was_done_until_a_later_look_shows_it() {
    on_paused_clock(async {
        let small = Small::with(1);
        small.sim.inject(Fault::new(Effect::InternalError).on(On::Mutating).when(When::Calls(1..4)));
        small.sim.inject(Fault::new(Effect::InternalErrorAfter).on(On::Mutating));
        let mut reconciler = reconciler(&small.sim, 1).await;
        let report = pass(&mut reconciler, &orders(&small.desired)).await;
        let classes: Vec<_> = report.actions.iter().map(|one| one.class).collect();
        assert_eq!(classes, [Some(ErrorClass::OutcomeUnknown)]);
        let report = pass(&mut reconciler, &orders(&small.desired)).await;
        let settled: Vec<_> = report.settled.iter().map(|one| one.outcome).collect();
        assert_eq!((report.actions.len(), settled), (0, vec![Outcome::Done]));
        assert_eq!(small.sim.calls("AssociateAddress"), 4);
        assert_lawful(&small.sim);
    });
}

#[test]
fn a_confirmation_that_never_comes_does_not_hold_the_pass() {
    on_paused_clock(async {
        let small = Small::with(1);
        // The look, the second look before the change, and from then on no answer.
        small
            .sim
            .inject(Fault::new(Effect::Hang).on_operation("DescribeNetworkInterfaces").when(When::From(3)));
        let mut reconciler = reconciler(&small.sim, 1).await;
        let report = pass(&mut reconciler, &orders(&small.desired)).await;
        assert!(report.took < Duration::from_secs(100), "{:?}", report.took);
        let classes: Vec<_> = report.actions.iter().map(|action| action.class).collect();
        assert_eq!(classes, [Some(ErrorClass::OutcomeUnknown)]);
        small.sim.clear_faults();
        assert_eq!(pass(&mut reconciler, &orders(&small.desired)).await.covered, 1);
        assert_eq!(
            small.sim.calls("AssociateAddress"),
            1,
            "what has an unknown outcome is not repeated blindly"
        );
        assert_lawful(&small.sim);
    });
}

/// Lets something happen to the world right before the first change of a pass reaches it.
async fn meanwhile(small: &Small, happening: impl FnOnce(&Small)) -> Report {
    small.sim.set_latency(Some(Span::exactly(Duration::from_millis(100))));
    let mut reconciler = reconciler(&small.sim, 1).await;
    let orders = orders(&small.desired);
    let pass = pass(&mut reconciler, &orders);
    tokio::pin!(pass);
    let before = small.sim.calls("GetFunctionConfiguration");
    while small.sim.calls("GetFunctionConfiguration") == before {
        tokio::select! {
            _ = &mut pass => panic!("the pass ended before it read the function"),
            () = sleep(Duration::from_millis(10)) => {}
        }
    }
    happening(small);
    pass.await
}

#[test]
fn an_interface_that_is_gone_or_taken_meanwhile_is_left_alone() {
    on_paused_clock(async {
        let small = Small::with(3);
        let report = meanwhile(&small, |small| {
            let gone = small.interfaces()[0].clone();
            small.sim.world(|world| world.remove_interface(&gone));
        })
        .await;
        let outcomes: Vec<_> = report.actions.iter().map(|action| action.outcome).collect();
        assert!(outcomes.contains(&Outcome::Skipped) && outcomes.contains(&Outcome::Done), "{outcomes:?}");
        assert_lawful(&small.sim);
    });
    on_paused_clock(async {
        let small = Small::with(2);
        let report = meanwhile(&small, |small| {
            let taken = small.interfaces()[0].clone();
            small.sim.world(|world| {
                let theirs = world.allocate_address();
                world.stray_associate(&theirs, &taken, false).expect("it is bare");
            });
        })
        .await;
        assert_eq!(report.actions.iter().filter(|a| a.outcome == Outcome::Skipped).count(), 1);
        assert_eq!(small.sim.calls("AssociateAddress"), 1, "the taken one was not even asked for");
        assert_lawful(&small.sim);
    });
}

#[test]
fn what_another_replica_has_done_meanwhile_is_not_told_as_ours() {
    on_paused_clock(async {
        let small = Small::with(2);
        let planned = plan(&small.sim, &small.desired).await.actions[0].action.clone();
        let report = meanwhile(&small, |small| {
            let (allocation, interface) =
                (planned.allocation_id.to_string(), planned.network_interface_id.to_string());
            small.sim.world(|world| world.give(&allocation, &interface));
        })
        .await;
        let found: Vec<_> = report.actions.iter().map(|one| (one.outcome, one.found_done)).collect();
        assert_eq!(found, [(Outcome::Done, true), (Outcome::Done, false)]);
        assert_eq!(report.actions[0].repaired_after, None);
        assert_eq!((report.coverage(), small.sim.calls("AssociateAddress")), (Coverage::Covered, 1));
    });
}

#[test]
fn an_address_that_is_gone_or_taken_meanwhile_fails_and_the_next_pass_does_better() {
    for release in [true, false] {
        on_paused_clock(async {
            let small = Small::with(3);
            let first = plan(&small.sim, &small.desired).await.actions[0].action.allocation_id.to_string();
            let report = meanwhile(&small, |small| {
                small.sim.world(|world| {
                    if release {
                        world.release_address(&first).expect("it is free");
                    } else {
                        let plain = eipd_sim::NewInterface::plain(&small.subnets[0], &[&small.group]);
                        let elsewhere = world.add_interface(plain);
                        world.stray_associate(&first, &elsewhere, false).expect("it is free");
                    }
                });
            })
            .await;
            assert_eq!(report.actions.iter().filter(|a| a.outcome == Outcome::Failed).count(), 1);
            let report = apply(&small.sim, &small.desired).await;
            assert_eq!(report.coverage(), Coverage::Covered, "{:?}", report.uncovered);
            assert_lawful(&small.sim);
        });
    }
}

#[test]
fn a_function_or_an_address_that_does_not_exist_is_named_and_the_rest_is_served() {
    on_paused_clock(async {
        let small = Small::with(2);
        let mut ids = small.allocations.clone();
        let elsewhere = NewAddress { owner: Some("999999999999".to_owned()), ..NewAddress::default() };
        ids.push(small.sim.world(|world| world.allocate(elsewhere)));
        ids.push("eipalloc-00000000000000000".to_owned());
        let desired =
            Wanted::new().pool("p", &ids, 0).function("billing", "p").function("biling", "p").done();
        let report = apply(&small.sim, &desired).await;
        assert!(small.is_covered());
        assert_eq!(report.coverage(), Coverage::Uncovered, "a declared function is not there");
        for missing in
            ["`biling` does not exist", &format!("`{}` does not exist", ids[2]), &format!("`{}`", ids[3])]
        {
            assert!(text(&report).contains(missing), "{missing}: {}", text(&report));
        }
    });
}

#[test]
fn two_daemons_on_one_list_settle_without_flapping() {
    on_paused_clock(async {
        let small = Small::with(4);
        small.sim.set_latency(Some(Span::seconds(0, 1)));
        let _one = Daemon::start(&small.sim, &small.desired, 1).await;
        let _other = Daemon::start(&small.sim, &small.desired, 2).await;
        sleep(POLL * 3).await;
        assert!(small.is_covered());
        let changes = small.sim.calls("AssociateAddress");
        assert!(changes <= 4, "{changes} calls for two repairs");
        sleep(POLL * 10).await;
        assert_eq!(small.sim.calls("AssociateAddress"), changes);
        assert_lawful(&small.sim);
    });
}
