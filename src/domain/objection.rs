//! What the audit says against a change, in types and in words.

use std::fmt;
use std::net::IpAddr;

use super::function::FunctionRef;
use super::ids::{AccountId, AllocationId, NetworkInterfaceId};
use super::priority::Priority;
use super::reason::in_words;

/// A change that must not be made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation {
    /// The address of the change.
    pub allocation_id: AllocationId,
    /// Its public face.
    pub public_ip: IpAddr,
    /// Its interface.
    pub network_interface_id: NetworkInterfaceId,
    /// What speaks against it.
    pub objection: Objection,
    /// The public face of the address that the objection names, where it names one and that is known.
    pub other_ip: Option<IpAddr>,
}

/// What speaks against a change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Objection {
    /// No pool declares the address.
    Undeclared,
    /// The interface may carry this other address, which could not be read.
    MayCarry(AllocationId),
    /// This function, which uses the interface, pins a zone, and the interface's is not known.
    ZoneUnknown(FunctionRef),
    /// The address is not in the set of this function, which uses the interface.
    OutsideSet(FunctionRef),
    /// The set of this function, which uses the interface, could not be read whole.
    SetUnread(FunctionRef),
    /// No declared function uses the interface.
    Unused,
    /// The change names other functions than those that use the interface.
    OtherFunctions(Vec<FunctionRef>),
    /// This function uses the interface too, is not declared, and a pool denies that.
    Bystander(FunctionRef),
    /// Who else uses the interface is not known, and a pool denies bystanders.
    BystandersUnknown,
    /// The interface was not observed.
    InterfaceUnseen,
    /// The interface belongs to another account.
    ForeignOwner(AccountId),
    /// The interface is going away.
    Detaching,
    /// EC2 refuses the interface any address.
    DeniesInternetGateway,
    /// The interface shows an address already; its id where it is known.
    Carries(Option<AllocationId>),
    /// The address was not observed.
    AddressUnseen,
    /// The change gives the address another public face than it was observed with.
    OtherPublicIp(IpAddr),
    /// The address belongs to an AWS service.
    ServiceManaged(String),
    /// The address is in use; the interface where it is known.
    Held(Option<NetworkInterfaceId>),
    /// The interface got this other address moments ago.
    RecentlyGot(AllocationId),
    /// The address went to this other interface moments ago.
    RecentlyGivenTo(NetworkInterfaceId),
    /// The address belongs to the first network border group, the interface to the second.
    BorderGroup(String, String),
    /// The change takes the address from this interface, which is not known to be without a user.
    NotRetired(NetworkInterfaceId),
    /// The change does not say where it takes the address from, or says so without taking it.
    MoveWithoutSource,
    /// The change does not say which other address the interface loses, or says so without need.
    LossUnnamed,
    /// Not everything was seen, so nothing may be taken away.
    Incomplete,
    /// The interface does not serve.
    NotServing,
    /// The two views do not agree that this address, which is to leave, is there.
    NotThere(AllocationId),
    /// Nothing that was declared or named allows this address to leave.
    Unknown(AllocationId),
    /// This address, which is to leave, is in the set of every function that uses the interface.
    Healthy(AllocationId),
    /// This function, which uses the interface, may serve by another configuration than the shown one.
    Unsettled(FunctionRef),
    /// The address is taken off or from an interface that this declared function uses.
    Used(FunctionRef),
    /// Nothing says that the address may be taken off.
    NotReleased,
    /// This interface, which has this higher priority and could be given the address, is left bare.
    OutOfTurn(NetworkInterfaceId, Priority),
    /// The plan gives the address more than once.
    AddressTwice,
    /// The plan gives the interface more than one address.
    InterfaceTwice,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = in_words(&self.allocation_id, Some(self.public_ip));
        write!(f, "{address} must not go to or leave `{}`: ", self.network_interface_id)?;
        self.objection.tell(f, self.other_ip)
    }
}

impl Objection {
    /// The address that it names besides that of the change.
    #[must_use]
    pub fn address(&self) -> Option<&AllocationId> {
        match self {
            Self::MayCarry(id)
            | Self::Carries(Some(id))
            | Self::RecentlyGot(id)
            | Self::NotThere(id)
            | Self::Unknown(id)
            | Self::Healthy(id) => Some(id),
            _ => None,
        }
    }

    fn tell(&self, f: &mut fmt::Formatter<'_>, ip: Option<IpAddr>) -> fmt::Result {
        let told = |id: &AllocationId| in_words(id, ip);
        match self {
            Self::Undeclared => f.write_str("no pool declares the address"),
            Self::OutsideSet(function) => {
                write!(f, "the address is not in the set of `{function}`, which uses the interface")
            }
            Self::SetUnread(function) => {
                write!(f, "the set of `{function}`, which uses the interface, could not be read whole")
            }
            Self::Unused => f.write_str("no declared function uses the interface"),
            Self::OtherFunctions(users) => {
                f.write_str("the change names other functions than those that use the interface:")?;
                users.iter().try_for_each(|user| write!(f, " `{user}`"))
            }
            Self::Bystander(function) => bystander(f, function),
            Self::BystandersUnknown => {
                f.write_str("its pool denies bystanders, and who else uses the interface is not known")
            }
            Self::InterfaceUnseen => f.write_str("the interface was not observed"),
            Self::ForeignOwner(owner) => write!(f, "the interface belongs to account `{owner}`"),
            Self::Detaching => f.write_str("the interface is going away"),
            Self::DeniesInternetGateway => f.write_str("the interface has DenyAllIgwTraffic"),
            Self::Carries(Some(other)) => write!(f, "the interface carries {}", told(other)),
            Self::Carries(None) => f.write_str("the interface carries a public address"),
            Self::ZoneUnknown(function) => {
                write!(
                    f,
                    "`{function}`, which uses the interface, pins a zone, and the interface's is not known"
                )
            }
            Self::MayCarry(other) => {
                write!(f, "the interface may carry {}, which could not be read", told(other))
            }
            Self::AddressUnseen => f.write_str("the address was not observed"),
            Self::OtherPublicIp(seen) => write!(f, "the address was observed as {seen}"),
            Self::ServiceManaged(service) => write!(f, "the address belongs to the AWS service `{service}`"),
            Self::Held(Some(interface)) => write!(f, "the address is on `{interface}`"),
            Self::Held(None) => f.write_str("the address is in use"),
            Self::RecentlyGot(other) => write!(f, "the interface got {} moments ago", told(other)),
            Self::RecentlyGivenTo(other) => write!(f, "the address went to `{other}` moments ago"),
            Self::BorderGroup(one, other) => {
                write!(f, "the address belongs to network border group `{one}`, the interface to `{other}`")
            }
            Self::NotRetired(from) => {
                write!(f, "the address is taken from `{from}`, which something may use")
            }
            Self::MoveWithoutSource => {
                f.write_str("the change and where it takes the address from do not agree")
            }
            Self::LossUnnamed => f.write_str("the change and which address leaves do not agree"),
            Self::Incomplete => f.write_str("not everything was seen, so nothing may be taken away"),
            Self::NotServing => f.write_str("the interface does not serve"),
            Self::NotThere(lost) => {
                write!(f, "{}, which is to leave, is not known to be there", told(lost))
            }
            Self::Unknown(lost) => write!(f, "{}, which is to leave, is none of ours", told(lost)),
            Self::Healthy(lost) => write!(f, "{}, which is to leave, is where it should be", told(lost)),
            Self::Unsettled(function) => {
                write!(f, "`{function}`, which uses the interface, is being changed or failed to be")
            }
            Self::Used(function) => write!(f, "`{function}` uses the interface that the address leaves"),
            Self::NotReleased => f.write_str("nothing says that the address may be taken off"),
            Self::OutOfTurn(first, priority) => out_of_turn(f, first, *priority),
            Self::AddressTwice => f.write_str("the plan gives the address more than once"),
            Self::InterfaceTwice => f.write_str("the plan gives the interface more than one address"),
        }
    }
}

fn bystander(f: &mut fmt::Formatter<'_>, function: &FunctionRef) -> fmt::Result {
    write!(f, "`{function}`, which is not declared, uses the interface too, and its pool denies that")
}

fn out_of_turn(f: &mut fmt::Formatter<'_>, first: &NetworkInterfaceId, priority: Priority) -> fmt::Result {
    write!(f, "`{first}`, of the higher priority {priority}, could be given the address and is left bare")
}
