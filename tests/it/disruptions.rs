//! Disruptions against the simulator: an address of another pool makes room under each belief about what EC2 does then,
//! the budget holds, the breaker opens and closes, and an operator's word goes further than the daemon does by itself.

use std::sync::Arc;
use std::time::Duration;

use eipd::domain::action::{ActionKind, Outcome};
use eipd::domain::desired::Desired;
use eipd::domain::ids::{AllocationId, NetworkInterfaceId};
use eipd::domain::policy::{DisruptionBudget, Mode};
use eipd::domain::reason::WarningKind;
use eipd::domain::report::{Coverage, Report, Trigger};
use eipd::reconcile::pass::{Orders, Reconciler};
use eipd_sim::beliefs::{BusyInterface, RecordRequestId};
use eipd_sim::{
    Beliefs, Effect, EventWeather, Fault, NewAddress, NewInterface, Sim, Span, VpcConfig, WorldConfig,
};
use tokio::time::sleep;

use crate::rig::{Daemon, Wanted, assert_lawful, on_paused_clock, orders, pass, reconciler};

/// `billing` on some subnets, whose interfaces carry addresses of a pool that is no longer its own.
struct Moved {
    sim: Sim,
    interfaces: Vec<String>,
    /// What the interfaces carry.
    old: Vec<String>,
    /// What they should.
    new: Vec<String>,
    desired: Desired,
}

impl Moved {
    fn with(beliefs: Beliefs, interfaces: usize, addresses: usize) -> Self {
        Self::of(WorldConfig { beliefs, ..WorldConfig::default() }, interfaces, addresses)
    }

    fn of(config: WorldConfig, interfaces: usize, addresses: usize) -> Self {
        let sim = Sim::new(config);
        let (interfaces, old, new) = sim.world(|world| {
            let vpc = world.create_vpc();
            let subnets: Vec<_> = (0..interfaces).map(|_| world.create_subnet(&vpc, 'a')).collect();
            let group = world.create_security_group(&vpc, "lambda");
            world.create_active_function("billing", VpcConfig::new(&subnets, &[&group]));
            let of = |subnet: &String| world.pair_interfaces(subnet, &[&group]);
            let interfaces: Vec<String> = subnets.iter().flat_map(of).collect();
            let (old, new) = (world.allocate_many(interfaces.len()), world.allocate_many(addresses));
            old.iter().zip(&interfaces).for_each(|(address, interface)| world.give(address, interface));
            world.declare("billing", &new);
            world.manage(&old, &["billing"]);
            (interfaces, old, new)
        });
        let pools = Wanted::new().pool("former", &old, 0).pool("own", &new, 0);
        let desired = pools.function("billing", "own").done();
        Self { sim, interfaces, old, new, desired }
    }

    fn small(interfaces: usize) -> Self {
        Self::with(Beliefs::default(), interfaces, interfaces)
    }

    fn orders(&self, per_pass: usize, per_hour: usize) -> Orders {
        Orders { disruptions: DisruptionBudget { per_pass, per_hour }, ..orders(&self.desired) }
    }

    /// How many interfaces carry an address of the pool.
    fn right(&self) -> usize {
        self.sim.world(|world| {
            let ips: Vec<&str> = self.new.iter().map(|id| world.public_ip(id)).collect();
            let carried = self.interfaces.iter().filter_map(|id| world.address_of(id));
            carried.filter(|ip| ips.contains(ip)).count()
        })
    }
}

fn done(report: &Report, kind: ActionKind) -> usize {
    let done = report.actions.iter().filter(|a| a.outcome == Outcome::Done && a.action.kind == kind);
    done.count()
}

#[test]
fn an_address_of_another_pool_makes_room_under_each_belief() {
    let all = [BusyInterface::Replaces, BusyInterface::RefusedUnlessAllowed, BusyInterface::RefusedAlways];
    for busy_interface in all {
        on_paused_clock(async {
            let moved = Moved::with(Beliefs { busy_interface, ..Beliefs::default() }, 2, 2);
            let mut reconciler = reconciler(&moved.sim, 1).await;
            let report = pass(&mut reconciler, &moved.orders(5, 5)).await;
            assert_eq!((done(&report, ActionKind::Replace), moved.right()), (2, 2), "{busy_interface:?}");
            assert_eq!((report.coverage(), report.uncovered.len()), (Coverage::Covered, 0));
            let taken_off = if busy_interface == BusyInterface::Replaces { 0 } else { 2 };
            assert_eq!(moved.sim.calls("DisassociateAddress"), taken_off, "only where EC2 refuses");
            sleep(Duration::from_secs(180)).await;
            let calm = pass(&mut reconciler, &moved.orders(5, 5)).await;
            assert_eq!(calm.actions.len(), 0, "it is done");
            assert_lawful(&moved.sim);
        });
    }
}

#[test]
fn what_an_operator_names_is_made_alone_though_the_breaker_holds_all_the_others() {
    on_paused_clock(async {
        let moved = Moved::small(7);
        let mut reconciler = reconciler(&moved.sim, 1).await;
        let held = pass(&mut reconciler, &moved.orders(5, 10)).await;
        assert_eq!((held.breaker.map(|breaker| breaker.planned), moved.right()), (Some(7), 0));
        let mut named = moved.orders(5, 10);
        named.named.interfaces.insert(moved.interfaces[3].parse().expect("well-formed"));
        let report = pass(&mut reconciler, &named).await;
        assert_eq!((report.actions.len(), done(&report, ActionKind::Replace), moved.right()), (1, 1, 1));
        assert_eq!(report.breaker, None);
        let others = pass(&mut reconciler, &moved.orders(5, 10)).await;
        assert_eq!(others.breaker.map(|breaker| breaker.planned), Some(6));
        assert_lawful(&moved.sim);
    });
}

#[test]
fn each_request_of_a_replacement_is_known_as_our_own_when_its_event_comes() {
    let busy = [BusyInterface::Replaces, BusyInterface::RefusedUnlessAllowed, BusyInterface::RefusedAlways];
    let records = [RecordRequestId::Both, RecordRequestId::OfResponse, RecordRequestId::OfRecord];
    for (busy_interface, record_request_id) in busy.into_iter().flat_map(|one| records.map(|two| (one, two)))
    {
        on_paused_clock(async {
            let beliefs = Beliefs { busy_interface, record_request_id, ..Beliefs::default() };
            let moved = Moved::with(beliefs, 1, 1);
            let pattern = eipd::events::pattern::event_pattern();
            let url = moved.sim.world(|world| world.wire_events_of("eipd", &pattern));
            moved.sim.set_events(EventWeather::delayed(Span::exactly(Duration::from_secs(1))));
            let daemon = Daemon::start_with_queue(&moved.sim, &moved.desired, 1, &url).await;
            sleep(Duration::from_secs(30)).await;
            let calls = ["AssociateAddress", "DisassociateAddress"].map(|call| moved.sim.calls(call));
            let wanted = if busy_interface == BusyInterface::Replaces { [1, 0] } else { [2, 1] };
            assert_eq!((moved.right(), calls), (1, wanted), "{beliefs}");
            let heard = daemon.heard.events();
            let of = |kind, outcome| heard.get(&(kind, outcome)).copied().unwrap_or(0);
            let echoes = (of("associate_address", "echo"), of("disassociate_address", "echo"));
            assert_eq!(echoes, (1, calls[1]), "{beliefs}: {heard:?}");
            assert!(heard.keys().all(|(_, outcome)| *outcome != "accepted"), "{beliefs}: {heard:?}");
            let caused = daemon.heard.reports();
            assert!(caused.iter().all(|pass| pass.trigger != Trigger::Event), "{beliefs}: {heard:?}");
            assert_lawful(&moved.sim);
        });
    }
}

#[test]
fn a_healthy_association_is_never_broken_whatever_would_match_better() {
    on_paused_clock(async {
        let moved = Moved::small(2);
        let mut reconciler = reconciler(&moved.sim, 1).await;
        pass(&mut reconciler, &moved.orders(5, 5)).await;
        // A pool that has the old ones too, and pins that would like it otherwise for a third interface.
        let all: Vec<&String> = moved.old.iter().chain(&moved.new).collect();
        let both = Wanted::new().pool("own", &all, 3).function("billing", "own").done();
        let calls = moved.sim.calls("AssociateAddress");
        for _ in 0..3 {
            sleep(Duration::from_secs(180)).await;
            let report =
                pass(&mut reconciler, &Orders { declared: Arc::new((&both).into()), ..moved.orders(5, 5) })
                    .await;
            assert_eq!((report.actions.len(), report.covered), (0, 2));
        }
        assert_eq!(moved.sim.calls("AssociateAddress"), calls);
        assert_lawful(&moved.sim);
    });
}

fn is_held_back(report: &Report) -> bool {
    let warned = report.plan.warnings.iter().any(|warning| warning.kind == WarningKind::BreakerOpen);
    assert_eq!(warned, report.breaker.is_some());
    warned
}

#[test]
fn a_pass_that_plans_too_many_disruptions_makes_none_and_does_everything_else() {
    on_paused_clock(async {
        let moved = Moved::with(Beliefs::default(), 6, 7);
        let bare = moved.interfaces[0].clone();
        moved.sim.world(|world| world.stray_disassociate(&moved.old[0]));
        let mut daemon = reconciler(&moved.sim, 1).await;
        let report = pass(&mut daemon, &moved.orders(4, 20)).await;
        assert!(is_held_back(&report));
        assert_eq!((done(&report, ActionKind::Associate), done(&report, ActionKind::Replace)), (1, 0));
        assert!(moved.sim.world(|world| world.address_of(&bare).is_some()));
        let warning = report.plan.warnings.iter().find(|w| w.kind == WarningKind::BreakerOpen);
        let message = &warning.expect("it is held back").message;
        assert!(message.contains("`eipd apply --accept-disruptions 5`"), "{message}");
        // An operator's pass, in a process of its own.
        let accepted = pass(&mut reconciler(&moved.sim, 2).await, &moved.orders(5, 5)).await;
        assert_eq!((is_held_back(&accepted), moved.right()), (false, 6));
        sleep(Duration::from_secs(180)).await;
        let report = pass(&mut daemon, &moved.orders(4, 20)).await;
        assert_eq!((is_held_back(&report), report.coverage()), (false, Coverage::Covered));
        assert_lawful(&moved.sim);
    });
}

#[test]
fn the_window_of_an_hour_slides() {
    on_paused_clock(async {
        let moved = Moved::with(Beliefs::default(), 3, 9);
        let mut daemon = reconciler(&moved.sim, 1).await;
        let again = |sim: &Sim| {
            sim.world(|world| {
                for (address, interface) in moved.old.iter().zip(&moved.interfaces) {
                    world.stray_associate(address, interface, true).expect("it replaces what is there");
                }
            });
        };
        assert!(!is_held_back(&pass(&mut daemon, &moved.orders(3, 5)).await));
        sleep(Duration::from_secs(20 * 60)).await;
        again(&moved.sim);
        let held = pass(&mut daemon, &moved.orders(3, 5)).await;
        assert!(is_held_back(&held) && moved.right() == 0, "three of five are used up");
        sleep(Duration::from_secs(41 * 60)).await;
        assert!(!is_held_back(&pass(&mut daemon, &moved.orders(3, 5)).await));
        assert_eq!(moved.right(), 3);
        assert_lawful(&moved.sim);
    });
}

#[test]
fn whoever_takes_the_place_of_another_goes_on_with_its_hour_if_the_account_is_the_same() {
    on_paused_clock(async {
        let moved = Moved::with(Beliefs::default(), 3, 9);
        let other = WorldConfig { account: "444455556666".to_owned(), ..WorldConfig::default() };
        let elsewhere = Moved::of(other, 3, 9);
        for (place, is_held) in [(&moved, true), (&elsewhere, false)] {
            let mut former = reconciler(&moved.sim, 1).await;
            pass(&mut former, &moved.orders(3, 3)).await;
            sleep(Duration::from_secs(20 * 60)).await;
            moved.sim.world(|world| {
                for (address, interface) in moved.old.iter().zip(&moved.interfaces) {
                    world.stray_associate(address, interface, true).expect("it replaces what is there");
                }
            });
            let mut heir = reconciler(&place.sim, 2).await;
            heir.inherit(former.into_memory().expect("it knows its account"));
            let report = pass(&mut heir, &place.orders(3, 3)).await;
            assert_eq!((is_held_back(&report), place.right()), (is_held, if is_held { 0 } else { 3 }));
            assert_eq!(report.pass, 2, "the passes are numbered on");
            assert_lawful(&place.sim);
        }
    });
}

#[test]
fn nothing_is_disturbed_in_observe_mode() {
    on_paused_clock(async {
        let moved = Moved::small(2);
        let watching = Orders { mode: Mode::Observe, ..moved.orders(5, 5) };
        let report = pass(&mut reconciler(&moved.sim, 1).await, &watching).await;
        assert_eq!(report.actions.len(), 2);
        assert!(report.actions.iter().all(|action| action.outcome == Outcome::Planned));
        assert_eq!(moved.sim.with_journal(|journal| journal.mutating().count()), 0);
    });
}

#[test]
fn a_replacement_without_its_permission_is_named_and_costs_no_budget() {
    on_paused_clock(async {
        let beliefs = Beliefs { busy_interface: BusyInterface::RefusedAlways, ..Beliefs::default() };
        let moved = Moved::with(beliefs, 1, 1);
        moved.sim.deny("ec2:DisassociateAddress");
        let mut daemon = reconciler(&moved.sim, 1).await;
        for _ in 0..4 {
            let report = pass(&mut daemon, &moved.orders(1, 1)).await;
            let detail = report.actions[0].detail.clone().unwrap_or_default();
            assert!(detail.contains("hint: grant `ec2:DisassociateAddress`"), "{detail}");
            assert!(!is_held_back(&report));
            sleep(Duration::from_secs(600)).await;
        }
        moved.sim.allow("ec2:DisassociateAddress");
        sleep(Duration::from_secs(3600)).await;
        pass(&mut daemon, &moved.orders(1, 1)).await;
        assert_eq!(moved.right(), 1);
        assert_lawful(&moved.sim);
    });
}

#[test]
fn a_lost_answer_in_the_middle_of_a_replacement_is_put_right() {
    let all = [BusyInterface::Replaces, BusyInterface::RefusedAlways];
    for (busy_interface, k) in all.into_iter().flat_map(|belief| (1..=3).map(move |k| (belief, k))) {
        on_paused_clock(async {
            let moved = Moved::with(Beliefs { busy_interface, ..Beliefs::default() }, 1, 2);
            let mut daemon = reconciler(&moved.sim, 1).await;
            moved.sim.inject(Fault::new(Effect::LostAnswer).on(eipd_sim::On::Mutating).nth(k));
            for _ in 0..3 {
                pass(&mut daemon, &moved.orders(5, 9)).await;
                sleep(Duration::from_secs(130)).await;
            }
            assert_eq!(moved.right(), 1, "{busy_interface:?}, call {k}");
            assert_lawful(&moved.sim);
        });
    }
}

fn id<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().expect("well-formed")
}

async fn told(reconciler: &mut Reconciler, orders: &Orders) -> Vec<(ActionKind, Outcome)> {
    let report = pass(reconciler, orders).await;
    report.actions.iter().map(|report| (report.action.kind, report.outcome)).collect()
}

#[test]
fn an_address_on_something_foreign_is_taken_only_when_it_is_named() {
    on_paused_clock(async {
        let moved = Moved::with(Beliefs::default(), 1, 1);
        let stranger = moved.sim.world(|world| {
            world.stray_disassociate(&moved.old[0]);
            let subnet =
                world.subnet_of(world.interface(&moved.interfaces[0]).expect("it is there")).id.clone();
            let group = world.interface(&moved.interfaces[0]).expect("it is there").groups[0].clone();
            let stranger = world.add_interface(NewInterface::plain(&subnet, &[&group]));
            world.stray_associate(&moved.new[0], &stranger, true).expect("it is free");
            stranger
        });
        let mut daemon = reconciler(&moved.sim, 1).await;
        assert_eq!(told(&mut daemon, &moved.orders(5, 5)).await, []);
        let mut named = moved.orders(5, 5);
        named.named.addresses.insert(id::<AllocationId>(&moved.new[0]));
        assert_eq!(told(&mut daemon, &named).await, [(ActionKind::Move, Outcome::Done)]);
        assert_eq!(moved.right(), 1);
        assert!(moved.sim.world(|world| world.address_of(&stranger).is_none()));
        assert_lawful(&moved.sim);
    });
}

#[test]
fn an_unknown_address_is_replaced_only_when_its_interface_is_named() {
    on_paused_clock(async {
        let moved = Moved::with(Beliefs::default(), 1, 1);
        let unknown = moved.sim.world(|world| {
            let unknown = world.allocate(NewAddress::default());
            world.stray_disassociate(&moved.old[0]);
            world.stray_associate(&unknown, &moved.interfaces[0], true).expect("it is bare");
            unknown
        });
        let mut daemon = reconciler(&moved.sim, 1).await;
        assert_eq!(told(&mut daemon, &moved.orders(5, 5)).await, []);
        let mut named = moved.orders(5, 5);
        named.named.interfaces.insert(id::<NetworkInterfaceId>(&moved.interfaces[0]));
        moved.sim.world(|world| world.manage(&[&unknown], &["billing"]));
        assert_eq!(told(&mut daemon, &named).await, [(ActionKind::Replace, Outcome::Done)]);
        assert_eq!(moved.right(), 1);
        assert_lawful(&moved.sim);
    });
}
