//! Elastic IPs: allocation, release, tags.
//!
//! What an address sits on is `associate`'s. Nothing here decides whether a caller may do it.

use super::associate::Association;
use super::history::History;
use super::{AddressIx, Refusal, World};
use crate::moment::Moment;
use serde_json::json;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

/// An Elastic IP.
#[derive(Clone, Debug)]
pub struct Address {
    /// Its allocation id.
    pub allocation_id: String,
    /// The public address.
    pub public_ip: String,
    /// The account that holds it.
    pub owner: String,
    /// Its network border group.
    pub border_group: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// The service that manages it (`alb`, `nlb`, `rnat`, `rds`; AWS.md section 2; confirmed), if one does.
    pub service_managed: Option<String>,
    /// When it was released.
    pub released: Option<Moment>,
    pub(crate) allocated: Moment,
    pub(crate) association: History<Option<Arc<Association>>>,
}

impl Address {
    /// What associates it with an interface now.
    pub fn association(&self) -> Option<&Association> {
        self.association.now().as_deref()
    }

    /// Whether it is allocated now.
    pub fn exists(&self) -> bool {
        self.released.is_none()
    }

    pub(crate) fn existed_at(&self, at: Moment) -> bool {
        self.allocated <= at && self.released.is_none_or(|released| at < released)
    }

    pub(crate) fn association_at(&self, at: Moment) -> Option<&Association> {
        self.association.at(at).as_deref()
    }
}

/// An address to allocate; every field but the tags has AWS's default when `None`.
#[derive(Clone, Debug, Default)]
pub struct NewAddress {
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Its network border group; the region's own by default.
    pub border_group: Option<String>,
    /// Another account that holds it.
    pub owner: Option<String>,
    /// The service that manages it.
    pub service_managed: Option<String>,
}

impl World {
    /// Allocates an address without tags, past any quota. Returns its allocation id.
    pub fn allocate_address(&mut self) -> String {
        self.allocate(NewAddress::default())
    }

    /// Allocates an address with one tag, past any quota. Returns its allocation id.
    pub fn allocate_tagged(&mut self, key: &str, value: &str) -> String {
        let tags = BTreeMap::from([(key.to_owned(), value.to_owned())]);
        self.allocate(NewAddress { tags, ..NewAddress::default() })
    }

    /// Allocates an address past any quota. Returns its allocation id.
    pub fn allocate(&mut self, new: NewAddress) -> String {
        let ours = new.owner.as_ref().is_none_or(|owner| *owner == self.config.account);
        let allocation = self.make_address(new);
        if ours && self.is_heard() {
            let public_ip = self.public_ip(&allocation);
            let response = json!({ "publicIp": public_ip, "allocationId": allocation, "domain": "vpc" });
            self.report_stray("AllocateAddress", json!({ "domain": "vpc" }), Ok(response));
        }
        allocation
    }

    fn make_address(&mut self, new: NewAddress) -> String {
        let place = self.addresses.len();
        // 198.18.0.0/15 is set aside for benchmarks (RFC 2544) and holds 131,072 addresses.
        let offset = u32::try_from(place % 131_072).expect("a remainder below 2^17");
        let public_ip = Ipv4Addr::from(u32::from(Ipv4Addr::new(198, 18, 0, 0)) + offset);
        let allocation_id = self.ids.id("eipalloc");
        self.allocation_ids.insert(allocation_id.clone(), place);
        self.addresses.push(Address {
            allocation_id: allocation_id.clone(),
            public_ip: public_ip.to_string(),
            owner: new.owner.unwrap_or_else(|| self.config.account.clone()),
            border_group: new.border_group.unwrap_or_else(|| self.config.region.clone()),
            tags: new.tags,
            service_managed: new.service_managed,
            released: None,
            allocated: self.now,
            association: History::new(self.now, None),
        });
        allocation_id
    }

    /// Allocates within the quota, as AllocateAddress does.
    ///
    /// # Errors
    /// `AddressLimitExceeded` when the quota is used up (AWS.md section 2; believed).
    pub(crate) fn try_allocate(&mut self, new: NewAddress) -> Result<String, Refusal> {
        let held = self.addresses.iter().filter(|a| a.exists() && a.owner == self.config.account).count();
        if self.config.address_quota.is_some_and(|quota| held >= quota) {
            let message = "The maximum number of addresses has been reached.";
            return Err(Refusal::new("AddressLimitExceeded", message));
        }
        Ok(self.make_address(new))
    }

    /// A stray hand releases an address.
    ///
    /// # Errors
    /// As ReleaseAddress: `InvalidAllocationID.NotFound`, `InvalidIPAddress.InUse`, `AuthFailure`,
    /// `OperationNotPermitted`.
    pub fn release_address(&mut self, allocation: &str) -> Result<(), Refusal> {
        let result = self.try_release(allocation);
        let outcome = result.as_ref().map(|()| json!({ "_return": true }));
        self.report_stray("ReleaseAddress", json!({ "allocationId": allocation }), outcome);
        result
    }

    /// Releases an address, as ReleaseAddress does.
    ///
    /// # Errors
    /// `InvalidAllocationID.NotFound`; `InvalidIPAddress.InUse` while it is associated (AWS.md section 2;
    /// confirmed); `AuthFailure` for another account's; `OperationNotPermitted` for a service's.
    pub(crate) fn try_release(&mut self, allocation: &str) -> Result<(), Refusal> {
        let place = self.own_address(allocation)?;
        if self.addresses[place].association().is_some() {
            let message = format!("Address {} is in use.", self.addresses[place].public_ip);
            return Err(Refusal::new("InvalidIPAddress.InUse", message));
        }
        self.addresses[place].released = Some(self.now);
        self.note(format!("{allocation} was released"));
        Ok(())
    }

    /// Sets a tag on an address.
    pub fn tag_address(&mut self, allocation: &str, key: &str, value: &str) {
        let place = self.address_at(allocation);
        self.addresses[place].tags.insert(key.to_owned(), value.to_owned());
    }

    /// Takes a tag off an address.
    pub fn untag_address(&mut self, allocation: &str, key: &str) {
        let place = self.address_at(allocation);
        self.addresses[place].tags.remove(key);
    }

    /// The address with this allocation id, if it was ever there.
    pub fn address(&self, allocation: &str) -> Option<&Address> {
        self.allocation_ids.get(allocation).map(|place| &self.addresses[*place])
    }

    /// All addresses that are allocated, in the order of their allocation.
    pub fn addresses(&self) -> impl Iterator<Item = &Address> {
        self.addresses.iter().filter(|address| address.exists())
    }

    /// The public address of an allocation.
    pub fn public_ip(&self, allocation: &str) -> &str {
        &self.addresses[self.address_at(allocation)].public_ip
    }

    pub(crate) fn all_addresses(&self) -> &[Address] {
        &self.addresses
    }

    pub(crate) fn address_place(&self, allocation: &str) -> Option<AddressIx> {
        self.allocation_ids.get(allocation).copied()
    }

    pub(crate) fn address_at(&self, allocation: &str) -> AddressIx {
        self.address_place(allocation).expect("the scenario names an allocation that exists")
    }

    /// The place of an address that this account may use.
    pub(crate) fn own_address(&self, allocation: &str) -> Result<AddressIx, Refusal> {
        let found = self.address_place(allocation).filter(|place| self.addresses[*place].exists());
        let Some(place) = found else {
            let message = format!("The allocation ID '{allocation}' does not exist");
            return Err(Refusal::new("InvalidAllocationID.NotFound", message));
        };
        let address = &self.addresses[place];
        if address.owner != self.config.account {
            let message = format!("The address '{}' does not belong to you.", address.public_ip);
            return Err(Refusal::new("AuthFailure", message));
        }
        if let Some(service) = &address.service_managed {
            let message = format!("The address '{}' is managed by the service {service}.", address.public_ip);
            return Err(Refusal::new("OperationNotPermitted", message));
        }
        Ok(place)
    }
}
