//! Network interfaces: what one is, and its coming and going.
//!
//! Who needs which interface is decided in `pairs` and `lifecycle`; the rules of Elastic IPs are in `associate`.
//! The security groups of a Lambda interface never change (AWS.md, Headlines 1; confirmed).

use super::associate::Association;
use super::history::History;
use super::laws::Hand;
use super::{Due, InterfaceIx, PairIx, Refusal, SubnetIx, World};
use crate::beliefs::{DeleteWithAddress, DescriptionForm, FirstStatus, RequesterManaged};
use crate::moment::Moment;
use serde_json::{Value, json};
use std::net::Ipv4Addr;
use std::sync::Arc;

/// The status of a network interface, as EC2 prints it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InterfaceStatus {
    /// Just made; seen in CloudTrail (AWS.md section 2; confirmed).
    Pending,
    /// Attached to nothing.
    Available,
    /// Being attached.
    Attaching,
    /// In use.
    InUse,
    /// Being detached.
    Detaching,
}

impl InterfaceStatus {
    /// As EC2 prints it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Available => "available",
            Self::Attaching => "attaching",
            Self::InUse => "in-use",
            Self::Detaching => "detaching",
        }
    }
}

/// A network interface.
#[derive(Clone, Debug)]
pub struct Interface {
    /// Its id.
    pub id: String,
    /// Its security groups, sorted.
    pub groups: Arc<[String]>,
    /// Its owner's account.
    pub owner: String,
    /// Its type: `lambda`, `interface`, `nat_gateway`, ….
    pub kind: String,
    /// Its description.
    pub description: String,
    /// Its primary private address.
    pub private_ip: Ipv4Addr,
    /// Whether AWS refuses it an Elastic IP (AWS.md section 2; confirmed).
    pub deny_all_igw_traffic: bool,
    /// Whether it is said to be managed by its requester (belief B7 for Lambda's).
    pub requester_managed: bool,
    /// When it was made.
    pub created: Moment,
    /// When it was deleted.
    pub deleted: Option<Moment>,
    pub(crate) subnet: SubnetIx,
    pub(crate) pair: Option<PairIx>,
    pub(crate) ready: bool,
    /// Lambda made it, or replaces it, of its own accord: belief B11.
    pub(crate) unprompted: bool,
    pub(crate) doomed: bool,
    pub(crate) status: History<InterfaceStatus>,
    pub(crate) association: History<Option<Arc<Association>>>,
}

impl Interface {
    /// Its status now.
    pub fn status(&self) -> InterfaceStatus {
        *self.status.now()
    }

    /// What associates it with an address now.
    pub fn association(&self) -> Option<&Association> {
        self.association.now().as_deref()
    }

    /// Whether it existed at `at`.
    pub fn existed_at(&self, at: Moment) -> bool {
        self.created <= at && self.deleted.is_none_or(|deleted| at < deleted)
    }

    /// Whether it exists now.
    pub fn exists(&self) -> bool {
        self.deleted.is_none()
    }

    pub(crate) fn status_at(&self, at: Moment) -> InterfaceStatus {
        *self.status.at(at)
    }

    pub(crate) fn association_at(&self, at: Moment) -> Option<&Association> {
        self.association.at(at).as_deref()
    }
}

/// An interface that a scenario puts there, not Lambda.
#[derive(Clone, Debug)]
pub struct NewInterface {
    /// The id of its subnet.
    pub subnet: String,
    /// The ids of its security groups.
    pub groups: Vec<String>,
    /// Its owner; this account when none.
    pub owner: Option<String>,
    /// Its type, `interface` or another.
    pub kind: String,
    /// Its status from the start.
    pub status: InterfaceStatus,
    /// Its description.
    pub description: String,
}

impl NewInterface {
    /// A plain interface of this account, in use.
    pub fn plain(subnet: &str, groups: &[&str]) -> Self {
        Self {
            subnet: subnet.to_owned(),
            groups: groups.iter().map(|&group| group.to_owned()).collect(),
            owner: None,
            kind: "interface".to_owned(),
            status: InterfaceStatus::InUse,
            description: String::new(),
        }
    }

    /// Another account's Lambda interface, say on a shared subnet (AWS.md section 2: compare the owner too).
    pub fn foreign_lambda(owner: &str, subnet: &str, groups: &[&str]) -> Self {
        Self {
            owner: Some(owner.to_owned()),
            kind: "lambda".to_owned(),
            description: "AWS Lambda VPC ENI-theirs".to_owned(),
            ..Self::plain(subnet, groups)
        }
    }
}

impl World {
    /// Adds an interface that no function of this account uses. Returns its id.
    pub fn add_interface(&mut self, new: NewInterface) -> String {
        let subnet = self.subnet_at(&new.subnet);
        let mut groups = new.groups;
        groups.sort_unstable();
        groups.dedup();
        let owner = new.owner.unwrap_or_else(|| self.config.account.clone());
        let place = self.insert_interface(subnet, groups.into(), None, new.status);
        let interface = &mut self.interfaces[place];
        interface.owner = owner;
        interface.description = new.description;
        interface.requester_managed = new.kind != "interface";
        interface.kind = new.kind;
        interface.id.clone()
    }

    /// Another account's Lambda interface on one of our subnets. Returns its id.
    pub fn add_foreign_interface(&mut self, owner: &str, subnet: &str, groups: &[&str]) -> String {
        self.add_interface(NewInterface::foreign_lambda(owner, subnet, groups))
    }

    /// Sets an interface's status, as a scenario wishes.
    pub fn set_status(&mut self, interface: &str, status: InterfaceStatus) {
        let place = self.interface_at(interface);
        self.set_interface_status(place, status);
    }

    /// Sets `DenyAllIgwTraffic`.
    pub fn set_deny_all_igw_traffic(&mut self, interface: &str, deny: bool) {
        let place = self.interface_at(interface);
        self.interfaces[place].deny_all_igw_traffic = deny;
    }

    /// A stray hand sets an interface's security groups.
    ///
    /// # Errors
    /// As [`World::modify_groups`].
    pub fn stray_modify_groups(&mut self, interface: &str, groups: &[&str]) -> Result<(), Refusal> {
        let result = self.modify_groups(Hand::Stray, interface, groups);
        let items: Vec<Value> = groups.iter().map(|group| json!({ "groupId": group })).collect();
        let parameters = json!({ "networkInterfaceId": interface, "groupSet": { "items": items } });
        let outcome = result.as_ref().map(|()| json!({ "_return": true }));
        self.report_stray("ModifyNetworkInterfaceAttribute", parameters, outcome);
        result
    }

    /// ModifyNetworkInterfaceAttribute of the security groups, by `hand`.
    ///
    /// # Errors
    /// `InvalidNetworkInterfaceID.NotFound`; `AuthFailure` for another account's; `OperationNotPermitted` for
    /// Lambda's (AWS.md, Headlines 1; confirmed).
    pub fn modify_groups(&mut self, hand: Hand, interface: &str, groups: &[&str]) -> Result<(), Refusal> {
        self.watch_naming(hand, "ModifyNetworkInterfaceAttribute", None, Some(interface));
        let Some(place) = self.interface_place(interface).filter(|place| self.interfaces[*place].exists())
        else {
            let message = format!("The networkInterface ID '{interface}' does not exist");
            return Err(Refusal::new("InvalidNetworkInterfaceID.NotFound", message));
        };
        if self.interfaces[place].owner != self.config.account {
            let message = "You do not have permission to access the specified resource.";
            return Err(Refusal::new("AuthFailure", message));
        }
        if self.interfaces[place].kind != "interface" {
            let message = "You do not have permission to modify this network interface.";
            return Err(Refusal::new("OperationNotPermitted", message));
        }
        let mut groups: Vec<String> = groups.iter().map(|&group| group.to_owned()).collect();
        groups.sort_unstable();
        groups.dedup();
        self.interfaces[place].groups = groups.into();
        Ok(())
    }

    /// Deletes an interface, whoever made it: Lambda makes a new one when a function needs it.
    pub fn remove_interface(&mut self, interface: &str) {
        let place = self.interface_at(interface);
        self.remove(place);
    }

    /// The interface with this id, if it was ever there.
    pub fn interface(&self, id: &str) -> Option<&Interface> {
        self.interface_ids.get(id).map(|place| &self.interfaces[*place])
    }

    /// All interfaces that exist, in the order of their creation.
    pub fn interfaces(&self) -> impl Iterator<Item = &Interface> {
        self.interfaces.iter().filter(|interface| interface.exists())
    }

    /// The public address on an interface, if it carries one.
    pub fn address_of(&self, interface: &str) -> Option<&str> {
        let association = self.interface(interface)?.association()?;
        Some(&self.addresses[association.address].public_ip)
    }

    /// The subnet of an interface.
    pub fn subnet_of(&self, interface: &Interface) -> &super::Subnet {
        &self.subnets[interface.subnet]
    }

    pub(crate) fn all_interfaces(&self) -> &[Interface] {
        &self.interfaces
    }

    pub(crate) fn interface_place(&self, id: &str) -> Option<InterfaceIx> {
        self.interface_ids.get(id).copied()
    }

    pub(crate) fn interface_at(&self, id: &str) -> InterfaceIx {
        self.interface_place(id).expect("the scenario names an interface that exists")
    }

    /// The places of the interfaces that were ever in a subnet, ascending.
    pub(crate) fn interfaces_in(&self, subnet: &str) -> &[InterfaceIx] {
        self.subnet_ids.get(subnet).map_or(&[], |place| &self.subnets[*place].interfaces)
    }

    /// A new Lambda interface for a pair, with its first status (belief B3), which is due to be ready later.
    pub(crate) fn spawn(&mut self, pair: PairIx, cause: &str, unprompted: bool) -> InterfaceIx {
        let status = match self.config.beliefs.first_status {
            FirstStatus::Pending => InterfaceStatus::Pending,
            FirstStatus::Available => InterfaceStatus::Available,
            FirstStatus::InUse => InterfaceStatus::InUse,
        };
        let place = self.spawn_with(pair, cause, status, unprompted);
        let delay = self.draw(self.config.timing.interface_creation);
        self.push(self.now + delay, Due::Ready(place));
        self.note(format!("Lambda made {} for `{cause}`", self.interfaces[place].id));
        self.touch_pair(pair);
        place
    }

    /// A new Lambda interface that is ready at once.
    pub(crate) fn spawn_ready(&mut self, pair: PairIx, cause: &str, unprompted: bool) -> InterfaceIx {
        let place = self.spawn_with(pair, cause, InterfaceStatus::InUse, unprompted);
        self.interfaces[place].ready = true;
        place
    }

    fn spawn_with(
        &mut self,
        pair: PairIx,
        cause: &str,
        status: InterfaceStatus,
        unprompted: bool,
    ) -> InterfaceIx {
        let (subnet, groups) = (self.pairs[pair].subnet, Arc::clone(&self.pairs[pair].groups));
        let place = self.insert_interface(subnet, groups, Some(pair), status);
        let description = match self.config.beliefs.description {
            DescriptionForm::FirstFunction => format!("AWS Lambda VPC ENI-{cause}"),
            DescriptionForm::WithUuid => format!("AWS Lambda VPC ENI-{cause}-{}", self.ids.uuid()),
            DescriptionForm::UuidOnly => format!("AWS Lambda VPC ENI: {}", self.ids.uuid()),
        };
        let interface = &mut self.interfaces[place];
        interface.description = description;
        interface.kind = "lambda".to_owned();
        interface.requester_managed = self.config.beliefs.requester_managed == RequesterManaged::True;
        interface.unprompted = unprompted;
        self.pairs[pair].interfaces.push(place);
        self.report_creation(place);
        place
    }

    fn insert_interface(
        &mut self,
        subnet: SubnetIx,
        groups: Arc<[String]>,
        pair: Option<PairIx>,
        status: InterfaceStatus,
    ) -> InterfaceIx {
        let place = self.interfaces.len();
        let id = self.ids.id("eni");
        let private_ip = self.next_private_ip(subnet);
        self.interface_ids.insert(id.clone(), place);
        self.subnets[subnet].interfaces.push(place);
        self.interfaces.push(Interface {
            id,
            groups,
            owner: self.config.account.clone(),
            kind: String::new(),
            description: String::new(),
            private_ip,
            deny_all_igw_traffic: false,
            requester_managed: false,
            created: self.now,
            deleted: None,
            subnet,
            pair,
            ready: pair.is_none(),
            unprompted: false,
            doomed: false,
            status: History::new(self.now, status),
            association: History::new(self.now, None),
        });
        place
    }

    pub(crate) fn set_interface_status(&mut self, place: InterfaceIx, status: InterfaceStatus) {
        let now = self.now;
        self.interfaces[place].status.set(now, status);
        self.touch_interface(place);
    }

    /// Deletes an interface, or begins to, when it carries an address and belief B9 says that this blocks.
    pub(crate) fn remove(&mut self, place: InterfaceIx) {
        if !self.interfaces[place].exists() {
            return;
        }
        if let Some(pair) = self.interfaces[place].pair
            && !self.interfaces[place].doomed
        {
            self.pairs[pair].interfaces.retain(|other| *other != place);
        }
        self.interfaces[place].doomed = true;
        let carries = self.interfaces[place].association().is_some();
        if carries && self.config.beliefs.delete_with_address == DeleteWithAddress::Blocked {
            self.set_interface_status(place, InterfaceStatus::Available);
            let retry = self.now + self.config.timing.deletion_retry;
            self.push(retry, Due::Remove(place));
        } else {
            self.detach_address(place);
            self.interfaces[place].deleted = Some(self.now);
            self.note(format!("{} was deleted", self.interfaces[place].id));
            self.report_deletion(place);
        }
        if let Some(pair) = self.interfaces[place].pair {
            self.touch_pair(pair);
            self.ensure_interface(pair);
        }
    }
}
