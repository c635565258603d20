//! What happens by itself: interfaces become ready, changes end, environments tail off, interfaces linger and go.
//!
//! Each event looks at the world as it is when the event is due and does nothing if the world has moved on.

use super::{Due, FunctionState, InterfaceIx, InterfaceStatus, LastUpdate, UnitIx, World};
use crate::beliefs::{LingeringStatus, OldEnvironments};

impl World {
    pub(crate) fn happen(&mut self, due: Due) {
        match due {
            Due::Ready(interface) => self.become_ready(interface),
            Due::Finish(unit, serial) => self.end_change(unit, serial),
            Due::Linger(pair, stamp) => {
                if self.pairs[pair].stamp == stamp && self.pairs[pair].users.is_empty() {
                    for place in self.pairs[pair].interfaces.clone() {
                        self.remove(place);
                    }
                }
            }
            Due::Remove(interface) => self.remove(interface),
            Due::TailEnds(unit) => {
                self.end_tails(unit);
            }
            Due::Idle(unit, serial) => {
                if self.units[unit].idle_serial == serial && self.units[unit].alive {
                    self.make_idle(unit);
                }
            }
            Due::Event(flight) => self.land(&flight),
            Due::Script(step) => step(self),
        }
    }

    /// The pairs of old configurations were left when these were, as far as anybody outside can see.
    fn end_tails(&mut self, unit: UnitIx) {
        let now = self.now;
        let ended = self.units[unit].tails.extract_if(.., |(_, until)| *until <= now);
        let ended: Vec<_> = ended.flat_map(|(pairs, _)| pairs).collect();
        let timeout = self.functions.get(&self.units[unit].function).map(|function| function.timeout);
        self.rehold(unit, false);
        for pair in ended {
            let pair = &mut self.pairs[pair];
            if pair.users.is_empty() && pair.vacant_since == now {
                pair.vacant_since = now - timeout.unwrap_or_default();
            }
        }
    }

    pub(crate) fn make_idle(&mut self, unit: UnitIx) {
        self.note(format!("`{}` became idle", self.units[unit].function));
        self.units[unit].state = FunctionState::Inactive;
        self.units[unit].change = None;
        self.rehold(unit, false);
    }

    fn become_ready(&mut self, place: InterfaceIx) {
        let interface = &mut self.interfaces[place];
        if interface.deleted.is_some() || interface.doomed {
            return;
        }
        interface.ready = true;
        let pair = interface.pair.expect("only Lambda interfaces become ready");
        let unused = self.pairs[pair].users.is_empty();
        let lies_idle = unused && self.config.beliefs.lingering_status == LingeringStatus::Available;
        let status = if lies_idle { InterfaceStatus::Available } else { InterfaceStatus::InUse };
        self.set_interface_status(place, status);
        if let Some(old) = self.replacements.remove(&place) {
            let overlap = self.draw(self.config.timing.replacement_overlap);
            self.push(self.now + overlap, Due::Remove(old));
        }
        for unit in self.pairs[pair].users.clone() {
            self.try_finish(unit);
        }
    }

    fn end_change(&mut self, unit: UnitIx, serial: u64) {
        let Some(change) = self.units[unit].change.as_mut().filter(|change| change.serial == serial) else {
            return;
        };
        let Some(reason) = change.fails.take() else {
            self.try_finish(unit);
            return;
        };
        let change = self.units[unit].change.take().expect("it was there above");
        self.note(format!("the update of `{}` failed: {reason}", self.units[unit].function));
        let entry = &mut self.units[unit];
        if entry.state == FunctionState::Pending {
            entry.state = FunctionState::Failed;
        }
        entry.attempted = Some(change.placement.map(|placement| placement.config));
        entry.last_update = LastUpdate::Failed(reason);
        self.rehold(unit, false);
    }

    /// Ends a change that has lasted long enough and whose pairs each have a ready interface.
    fn try_finish(&mut self, unit: UnitIx) {
        let Some(change) = &self.units[unit].change else { return };
        let pairs = change.placement.iter().flat_map(|placement| &placement.pairs);
        let ready =
            |pair: &usize| self.pairs[*pair].interfaces.iter().any(|place| self.interfaces[*place].ready);
        if self.now < change.not_before || change.fails.is_some() || !pairs.copied().all(|pair| ready(&pair))
        {
            return;
        }
        let change = self.units[unit].change.take().expect("it was there above");
        let tail_until = self.now + self.functions[&self.units[unit].function].timeout;
        let entry = &mut self.units[unit];
        let was_active = entry.state == FunctionState::Active;
        let old = std::mem::replace(&mut entry.serving, change.placement);
        entry.state = FunctionState::Active;
        entry.last_update = LastUpdate::Successful;
        entry.attempted = None;
        if let Some(old) = old.filter(|_| was_active)
            && self.config.beliefs.old_environments == OldEnvironments::GoOn
        {
            entry.tails.push((old.pairs, tail_until));
            self.push(tail_until, Due::TailEnds(unit));
        }
        self.note(format!("`{}` is Active with its new configuration", self.units[unit].function));
        self.rehold(unit, false);
    }
}
