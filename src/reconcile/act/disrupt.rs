//! How an address leaves an interface: by the id of an association that the address was seen to have just now, and never
//! by what a plan remembers.

use super::sent::Sent;
use super::{Actor, End};
use crate::domain::action::Action;
use crate::domain::error_class::ErrorClass;
use crate::domain::ids::AllocationId;
use crate::domain::observed::Address;
use crate::reconcile::gate::{Gate, Permit, Source};
use crate::reconcile::ports::{ApiError, Associated};

impl Actor<'_> {
    /// A free address takes another's place. Whether EC2 replaces what an interface carries, or refuses, is disputed
    /// (AWS.md, mid-update view; belief B1 of the simulator): so it is asked to, which leaves no gap; only when it refuses
    /// is the old address taken off first.
    pub(super) async fn replace(
        &self,
        action: &Action,
        permit: &Permit,
        sent: &Sent,
    ) -> Result<End, ApiError> {
        let lost = action.takes_off();
        let both = [action.allocation_id.clone()].into_iter().chain(lost.cloned()).collect();
        let now = self.reads.addresses(&both).await;
        if let Some(error) = now.errors.into_iter().next() {
            return Err(error);
        }
        if let Some(why) = not_free(&action.allocation_id, &now.found) {
            return Ok(End::Skipped(why));
        }
        let removal = match Gate::judge_removal(permit, find(lost, &now.found)) {
            Ok(removal) => removal,
            Err(why) => return Ok(End::Skipped(why)),
        };
        sent.note_sent();
        let answer = self.gate.give(permit, &Source::FREE).await;
        sent.note_answer(&answer);
        self.note_own(action, &answer);
        let refusal = match (answer, removal) {
            (Ok(associated), _) => return Ok(self.confirmed(action, associated).await),
            (Err(error), Some(removal)) if error.class == ErrorClass::Conflict => (error, removal),
            (Err(error), _) => return Err(error),
        };
        let (error, removal) = refusal;
        // The refusal may mean as well that somebody took the new address: then the old one stays.
        let again = self.reads.addresses(&[action.allocation_id.clone()].into()).await;
        if !again.errors.is_empty() || not_free(&action.allocation_id, &again.found).is_some() {
            return Ok(End::Skipped(error.to_string()));
        }
        self.gate.ready().await;
        let removed = self.gate.remove(removal).await;
        sent.note_removal(&removed);
        self.note_removal(&removed);
        removed?;
        self.gate.ready().await;
        let answer = self.gate.give(permit, &Source::FREE).await;
        sent.note_answer(&answer);
        self.note_own(action, &answer);
        Ok(self.confirmed(action, answer?).await)
    }

    /// An address leaves its interface, and stays allocated.
    pub(super) async fn take_off(
        &self,
        action: &Action,
        permit: &Permit,
        sent: &Sent,
    ) -> Result<End, ApiError> {
        let now = self.reads.addresses(&[action.allocation_id.clone()].into()).await;
        if let Some(error) = now.errors.into_iter().next() {
            return Err(error);
        }
        let removal = match Gate::judge_removal(permit, now.found.first()) {
            Ok(Some(removal)) => removal,
            Ok(None) => return Ok(End::AlreadySo),
            Err(why) => return Ok(End::Skipped(why)),
        };
        sent.note_sent();
        let removed = self.gate.remove(removal).await;
        sent.note_answer(&removed);
        self.note_removal(&removed);
        let request_id = removed?;
        Ok(self.confirmed(action, Associated { association: None, request_id }).await)
    }
}

fn find<'a>(wanted: Option<&AllocationId>, all: &'a [Address]) -> Option<&'a Address> {
    all.iter().find(|address| Some(&address.allocation) == wanted)
}

fn not_free(wanted: &AllocationId, all: &[Address]) -> Option<String> {
    match find(Some(wanted), all) {
        None => Some(format!("`{wanted}` is gone")),
        Some(address) if address.association.is_some() || address.managed_by.is_some() => {
            Some(format!("`{wanted}` is in use meanwhile"))
        }
        Some(_) => None,
    }
}
