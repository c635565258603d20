//! The one gate that every change to AWS passes (law 3). It alone holds the port for changes, so what it refuses
//! can't happen: nothing in observe mode, nothing that is not declared, no disruption that the budget did not admit,
//! nothing taken from what is neither retired nor named, nothing that the newest look at an interface or the address
//! speaks against.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::ports::{ApiError, Associated, Changes, Takes};
use crate::domain::action::{Action, ActionKind};
use crate::domain::desired::Desired;
use crate::domain::function::{FunctionObservation, Pair};
use crate::domain::ids::{AccountId, AllocationId, AssociationId, NetworkInterfaceId};
use crate::domain::leave::Leave;
use crate::domain::observed::{Address, Interface, InterfaceAssociation, InterfaceStatus, Observed};
use crate::domain::policy::Mode;
use crate::domain::roster::Roster;

/// Lets through what is allowed.
pub(super) struct Gate {
    changes: Arc<dyn Changes>,
}

/// What shows that nothing uses an interface is good for so long once it was complete: a move that begins later waits for
/// the next pass, however many there are.
pub(super) const PROOF_HOLDS: Duration = Duration::from_secs(20);

/// What holds for the changes of one pass.
pub(super) struct Rules {
    pub(super) mode: Mode,
    pub(super) account: AccountId,
    pub(super) declared: BTreeSet<AllocationId>,
    /// What may be disturbed besides.
    pub(super) leave: Leave,
    /// The disruptions that the budget admits in this pass.
    pub(super) admitted: BTreeSet<(NetworkInterfaceId, AllocationId)>,
    /// The interfaces that nothing uses any more.
    pub(super) retired: BTreeSet<NetworkInterfaceId>,
    /// Until when that counts.
    pub(super) retired_until: Option<Instant>,
    /// The pairs that declared functions use.
    pub(super) used: BTreeSet<Pair>,
    /// Which of the interfaces that an address may be taken from are Lambda's: any other may be in the same subnet and groups.
    pub(super) of_lambda: BTreeSet<NetworkInterfaceId>,
    /// Every version of every function, by which nothing may use a retired interface.
    pub(super) roster: Option<Arc<Roster>>,
}

impl Rules {
    /// What holds by what was seen; nothing that is a disruption, and nothing that rests on a proof.
    pub(super) fn of(mode: Mode, desired: &Desired, observed: &Observed) -> Self {
        let known = observed.functions.values().filter_map(|function| match function {
            FunctionObservation::Known(configuration) => Some(configuration.pairs()),
            FunctionObservation::NotFound | FunctionObservation::Unknown => None,
        });
        let of_lambda = match observed.leave.named.addresses.is_empty() {
            true => observed.retired.clone(),
            false => observed.interfaces.keys().cloned().collect(),
        };
        Self {
            of_lambda,
            mode,
            account: observed.account.clone(),
            declared: desired.allocations(),
            leave: observed.leave.clone(),
            admitted: BTreeSet::new(),
            retired: observed.retired.clone(),
            retired_until: None,
            used: known.flatten().collect(),
            roster: observed.roster.clone(),
        }
    }

    fn may_lose(&self, action: &Action, lost: &AllocationId) -> bool {
        let leave = &self.leave;
        let is_named = leave.named.interfaces.contains(&action.network_interface_id);
        self.declared.contains(lost) || leave.former.contains(lost) || is_named
    }

    fn against(&self, action: &Action) -> Option<String> {
        if self.mode == Mode::Observe {
            return Some("observe mode: nothing is changed".to_owned());
        }
        if let Some(given) = action.gives().filter(|given| !self.declared.contains(*given)) {
            return Some(format!("`{given}` is not declared"));
        }
        if let Some(lost) = action.takes_off().filter(|lost| !self.may_lose(action, lost)) {
            return Some(format!("`{lost}` is not declared"));
        }
        let key = (action.network_interface_id.clone(), action.allocation_id.clone());
        let is_admitted = !action.is_disruption() || self.admitted.contains(&key);
        (!is_admitted).then(|| "the budget of disruptions does not admit it".to_owned())
    }
}

/// What the gate says to an action when the interface was looked at again.
pub(super) enum Ruling {
    /// It may be carried out, by this permit alone.
    Allowed(Permit),
    /// The interface carries the address already.
    AlreadySo,
    /// It may not be carried out.
    Refused(String),
}

/// The right to carry out one action; only the gate makes it.
pub(super) struct Permit(Action);

/// The right to end one association, which the address was just seen to have; only the gate makes it.
pub(super) struct Removal(AssociationId);

/// From where an address may be taken; only the gate makes one that takes it from anything.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Source(Takes);

impl Source {
    /// The address is free.
    pub(super) const FREE: Self = Self(Takes::Nothing);
}

/// Why an address may not be taken from where it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Refusal {
    /// For the operator.
    Refused(String),
    /// What shows that nothing uses the interface is from too long ago; it is asked for anew in the next pass.
    TooOld,
}

impl Gate {
    pub(super) fn new(changes: Arc<dyn Changes>) -> Self {
        Self { changes }
    }

    /// Waits until the rate limit lets one more change pass.
    pub(super) async fn ready(&self) {
        self.changes.ready().await;
    }

    /// Judges an action by the rules and by the interface as it is now.
    pub(super) fn judge(rules: &Rules, action: &Action, now: Option<&Interface>) -> Ruling {
        if let Some(why) = rules.against(action) {
            return Ruling::Refused(why);
        }
        let Some(interface) = now else {
            return Ruling::Refused("the interface is gone".to_owned());
        };
        if interface.id != action.network_interface_id || interface.owner != rules.account {
            return Ruling::Refused("the interface is not this account's".to_owned());
        }
        let carries = |allocation| interface.associations.iter().any(|a| a.allocation.as_ref() == allocation);
        if action.kind == ActionKind::Disassociate {
            return match carries(Some(&action.allocation_id)) {
                true => Ruling::Allowed(Permit(action.clone())),
                false => Ruling::AlreadySo,
            };
        }
        if interface.status == InterfaceStatus::Detaching || interface.denies_internet_gateway {
            return Ruling::Refused("the interface can't take an address any more".to_owned());
        }
        if carries(Some(&action.allocation_id)) {
            return Ruling::AlreadySo;
        }
        let stays = |shown: &InterfaceAssociation| {
            action.replaces.is_none() || shown.allocation.as_ref() != action.replaces.as_ref()
        };
        if interface.associations.iter().any(stays) {
            return Ruling::Refused("the interface got another address meanwhile".to_owned());
        }
        Ruling::Allowed(Permit(action.clone()))
    }

    /// Judges, by the address as it is now, whether an association of it may be ended; nothing when it has none, so that
    /// there is nothing to end.
    pub(super) fn judge_removal(permit: &Permit, now: Option<&Address>) -> Result<Option<Removal>, String> {
        let Permit(action) = permit;
        let Some(lost) = action.takes_off() else { return Err("nothing is to leave".to_owned()) };
        let Some(address) = now.filter(|address| address.allocation == *lost) else {
            return Err(format!("`{lost}`, which is to leave, is gone"));
        };
        if let Some(service) = &address.managed_by {
            return Err(format!("`{lost}` belongs to the AWS service `{service}`"));
        }
        let Some(association) = &address.association else { return Ok(None) };
        match (&association.interface, &association.id) {
            (Some(on), Some(id)) if *on == action.network_interface_id => Ok(Some(Removal(id.clone()))),
            _ => Err(format!("`{lost}` is no longer on the interface")),
        }
    }

    /// Judges where a move takes its address from, by the address and by the interface that it is on, as they are now: what
    /// has come free meanwhile need not be taken from anywhere, and nothing is taken from what a function uses (law 12).
    pub(super) fn judge_source(
        rules: &Rules,
        permit: &Permit,
        address: Option<&Address>,
        holder: Option<&Interface>,
        now: Instant,
    ) -> Result<Source, Refusal> {
        let Permit(action) = permit;
        let refuse = |why: String| Err(Refusal::Refused(why));
        let Some(from) = &action.from else { return refuse("the move names no source".to_owned()) };
        let Some(address) = address.filter(|address| address.allocation == action.allocation_id) else {
            return refuse("the address is gone".to_owned());
        };
        if let Some(service) = &address.managed_by {
            return refuse(format!("the address belongs to the AWS service `{service}`"));
        }
        match address.association.as_ref().map(|association| association.interface.as_ref()) {
            None => return Ok(Source(Takes::Nothing)),
            Some(Some(on)) if on == from => {}
            Some(_) => return refuse(format!("the address is no longer on `{from}`")),
        }
        let holder = holder.filter(|holder| holder.id == *from);
        if rules.of_lambda.contains(from) && holder.is_some_and(|holder| rules.used.contains(&holder.pair)) {
            return refuse(format!("a declared function uses `{from}`"));
        }
        if rules.leave.named.addresses.contains(&action.allocation_id) {
            return Ok(Source(Takes::WhatItIsOn));
        }
        if !rules.retired.contains(from) {
            return refuse(format!("`{from}` is neither retired nor was the address named"));
        }
        if rules.retired_until.is_none_or(|until| now > until) {
            return Err(Refusal::TooOld);
        }
        let is_ours = holder.is_none_or(|holder| holder.owner == rules.account);
        let is_unused = rules
            .roster
            .as_ref()
            .is_some_and(|roster| holder.is_none_or(|holder| roster.users_of(&holder.pair).is_empty()));
        match is_ours && is_unused {
            true => Ok(Source(Takes::WhatItIsOn)),
            false => refuse(format!("`{from}` is not what it was taken for")),
        }
    }

    /// Ends an association: one attempt.
    pub(super) async fn remove(&self, removal: Removal) -> Result<Option<String>, ApiError> {
        self.changes.disassociate(&removal.0).await
    }

    /// Gives what a permit allows: one attempt. Only a move takes an address from somewhere.
    pub(super) async fn give(&self, permit: &Permit, source: &Source) -> Result<Associated, ApiError> {
        let (Permit(action), Source(takes)) = (permit, *source);
        let takes = match action.kind {
            ActionKind::Associate | ActionKind::Replace | ActionKind::Disassociate => Takes::Nothing,
            ActionKind::Move => takes,
        };
        self.changes.associate(&action.allocation_id, &action.network_interface_id, takes).await
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;
    use crate::domain::action::ActionReason;
    use crate::domain::observed::AddressAssociation;
    use crate::domain::scenario::{World, alloc, configuration, eni, vpc};

    fn action() -> Action {
        Action {
            kind: ActionKind::Associate,
            allocation_id: "eipalloc-00000001".parse().expect("well-formed"),
            public_ip: IpAddr::from([203, 0, 113, 1]),
            network_interface_id: "eni-00000001".parse().expect("well-formed"),
            from: None,
            replaces: None,
            functions: Arc::from([]),
            reason: ActionReason::Bare,
        }
    }

    fn interface() -> Interface {
        Interface {
            id: "eni-00000001".parse().expect("well-formed"),
            owner: "111122223333".parse().expect("well-formed"),
            pair: Pair {
                subnet: "subnet-00000001".parse().expect("well-formed"),
                security_groups: std::iter::empty().collect(),
            },
            zone: None,
            zone_id: None,
            status: InterfaceStatus::InUse,
            associations: smallvec::SmallVec::new(),
            denies_internet_gateway: false,
        }
    }

    #[expect(clippy::needless_pass_by_value, reason = "the table below makes them on the spot")]
    fn ruling(rules: impl FnOnce(&mut Rules), now: Option<Interface>) -> &'static str {
        let World { desired, observed } = World::new().pool("p", &[1], 0);
        let mut all = Rules::of(Mode::Enforce, &desired, &observed);
        rules(&mut all);
        match Gate::judge(&all, &action(), now.as_ref()) {
            Ruling::Allowed(_) => "allowed",
            Ruling::AlreadySo => "already so",
            Ruling::Refused(_) => "refused",
        }
    }

    fn with(change: impl FnOnce(&mut Interface)) -> Option<Interface> {
        let mut interface = interface();
        change(&mut interface);
        Some(interface)
    }

    fn carrying(id: Option<&str>) -> Option<Interface> {
        let allocation = id.map(|id| id.parse().expect("well-formed"));
        with(|i| i.associations.push(InterfaceAssociation { allocation, public_ip: None }))
    }

    #[test]
    fn only_a_bare_interface_of_ours_takes_a_declared_address_and_only_in_enforce_mode() {
        let table = [
            ("allowed", ruling(|_| (), Some(interface()))),
            ("allowed", ruling(|_| (), with(|i| i.status = InterfaceStatus::Waiting))),
            ("already so", ruling(|_| (), carrying(Some("eipalloc-00000001")))),
            ("refused", ruling(|rules| rules.mode = Mode::Observe, Some(interface()))),
            ("refused", ruling(|rules| rules.declared.clear(), Some(interface()))),
            ("refused", ruling(|_| (), None)),
            ("refused", ruling(|_| (), carrying(Some("eipalloc-00000002")))),
            ("refused", ruling(|_| (), carrying(None))),
            ("refused", ruling(|_| (), with(|i| i.owner = "999999999999".parse().expect("well-formed")))),
            ("refused", ruling(|_| (), with(|i| i.id = "eni-00000002".parse().expect("well-formed")))),
            ("refused", ruling(|_| (), with(|i| i.status = InterfaceStatus::Detaching))),
            ("refused", ruling(|_| (), with(|i| i.denies_internet_gateway = true))),
        ];
        for (row, (wanted, got)) in table.into_iter().enumerate() {
            assert_eq!(wanted, got, "row {row}");
        }
    }

    /// A world by its bits, in which address 1 is to move from interface 2 to interface 1.
    fn source_in(bits: u32) -> (Rules, Action, Option<Address>, Option<Interface>, Instant) {
        let is = |bit: u32| bits & (1 << bit) != 0;
        let (subnets, now) = ([1 + u32::from(is(0))], Instant::now() + Duration::from_secs(60));
        let mut world = World::new().pool("p", &[1], 0).function("f", "p", &subnets, &[1]).eni(1, 3, &[1]);
        world = world.eni(2, 1, &[1]);
        if is(1) {
            world = world.listed(&[("stranger:7", &[1], &[1])]);
        }
        world.observed.roster = world.observed.roster.filter(|_| !is(2));
        world.observed.retired.extend(is(3).then(|| eni(2)));
        world.observed.leave.named.addresses.extend(is(4).then(|| alloc(1)));
        if !is(5) {
            world = world.on(1, if is(6) { 1 } else { 2 });
        }
        let holder = world.observed.interfaces.get(&eni(2)).filter(|_| !is(7)).cloned();
        let holder = holder.map(|mut holder| {
            if is(8) {
                holder.owner = "999999999999".parse().expect("well-formed");
            }
            holder
        });
        let mut address = world.observed.addresses.get(&alloc(1)).filter(|_| !is(9)).cloned();
        if let Some(address) = address.as_mut().filter(|_| is(10)) {
            address.managed_by = Some("nlb".to_owned());
        }
        let mut rules = Rules::of(Mode::Enforce, &world.desired, &world.observed);
        rules.retired_until = match (is(11), is(12)) {
            (true, _) => None,
            (false, old) => Some(now - Duration::from_secs(1) + Duration::from_secs(if old { 0 } else { 2 })),
        };
        let action = Action {
            kind: ActionKind::Move,
            from: Some(eni(2)),
            reason: ActionReason::Retired,
            ..crate::domain::scenario::associate(1, 1, &["f"])
        };
        (rules, action, address, holder, now)
    }

    #[test]
    fn whatever_the_world_is_like_only_what_is_retired_or_named_loses_an_address() {
        let (mut taken, mut free) = (0, 0);
        for bits in 0..1 << 13 {
            let (rules, action, address, holder, now) = source_in(bits);
            let is = |bit: u32| bits & (1 << bit) != 0;
            let ruling = Gate::judge_source(&rules, &Permit(action), address.as_ref(), holder.as_ref(), now);
            let on = address.as_ref().and_then(|address| address.association.as_ref());
            match ruling {
                Ok(Source(Takes::WhatItIsOn)) => {
                    taken += 1;
                    let is_there = |bond: &AddressAssociation| bond.interface == Some(eni(2));
                    assert!(on.is_some_and(is_there) && !is(10), "{bits:b}: it is elsewhere, or not ours");
                    let is_used = !is(7) && !is(0);
                    assert!(!is_used, "{bits:b}: a declared function uses it");
                    let is_retired = is(3) && !is(2) && !is(11) && !is(12);
                    let has_stranger = !is(7) && (is(1) || is(8));
                    assert!(is(4) || (is_retired && !has_stranger), "{bits:b}: neither retired nor named");
                }
                Ok(Source(Takes::Nothing)) => {
                    free += 1;
                    assert!(address.is_some() && on.is_none(), "{bits:b}");
                }
                Err(Refusal::TooOld) => assert!(is(11) || is(12), "{bits:b}"),
                Err(Refusal::Refused(_)) => {}
            }
        }
        assert!(taken > 100 && free > 100, "{taken} and {free} prove little");
        let former = configuration(Some(vpc(&[9], &[1])));
        let (mut rules, action, address, holder, now) = source_in(0b1001);
        rules.used.extend(former.pairs());
        let mut holder = holder.expect("it is seen");
        holder.pair = former.pairs().into_iter().next().expect("it has one");
        let ruling = Gate::judge_source(&rules, &Permit(action), address.as_ref(), Some(&holder), now);
        assert!(matches!(ruling, Err(Refusal::Refused(_))), "the newest look at the interface counts");
    }
}
