//! What the simulator assumes about AWS where nobody can be sure, as numbered switches.
//!
//! Each belief has alternatives; the first is the one that AWS.md thinks likelier. A law of eipd holds under every
//! combination, so tests draw one per seed. Facts that AWS.md marks confirmed are no beliefs and have no switch.
//! Nothing here knows how the world carries a choice out.

use crate::chance::{Chance, Stream};
use std::fmt;

/// How sure AWS.md is of the first alternative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certainty {
    /// No source found, thought likely.
    Believed,
    /// Sources conflict, or nothing at all is known.
    Disputed,
}

/// One row of the table of beliefs.
#[derive(Clone, Copy, Debug)]
pub struct Belief {
    /// Its number, `B1` and so on; never reused.
    pub number: u8,
    /// The field of [`Beliefs`] that holds the choice.
    pub name: &'static str,
    /// What it is about.
    pub statement: &'static str,
    /// The alternatives in order; the first is the likelier.
    pub alternatives: &'static [&'static str],
    /// Where AWS.md speaks of it.
    pub source: &'static str,
    /// How sure AWS.md is.
    pub certainty: Certainty,
}

macro_rules! beliefs {
    ($( $number:literal $field:ident $Type:ident $certainty:ident
        $statement:literal $source:literal { $( $Alternative:ident $text:literal ),+ $(,)? } )+) => {
        $(
            #[doc = concat!("B", $number, ": ", $statement, ". Source: ", $source, ".")]
            #[derive(Clone, Copy, Debug, PartialEq, Eq)]
            pub enum $Type { $( #[doc = $text] $Alternative ),+ }

            impl $Type {
                const ALTERNATIVES: &'static [Self] = &[$( Self::$Alternative ),+];
                const TEXTS: &'static [&'static str] = &[$( $text ),+];
            }
        )+

        /// One choice for each belief. `Default` takes the likelier alternative of each.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct Beliefs { $( #[doc = $statement] pub $field: $Type ),+ }

        impl Default for Beliefs {
            fn default() -> Self {
                Self { $( $field: $Type::ALTERNATIVES[0] ),+ }
            }
        }

        impl Beliefs {
            const TABLE: &'static [Belief] = &[$( Belief {
                number: $number, name: stringify!($field), statement: $statement,
                alternatives: $Type::TEXTS, source: $source, certainty: Certainty::$certainty,
            } ),+];

            /// The index of the alternative that each belief is set to, in the order of [`Beliefs::all`].
            pub fn choices(&self) -> Vec<usize> {
                vec![$( $Type::ALTERNATIVES.iter().position(|a| *a == self.$field).unwrap_or(0) ),+]
            }

            /// The choices with these indices; an index out of range, or a missing one, takes the first alternative.
            pub fn from_choices(choices: &[usize]) -> Self {
                let mut next = choices.iter().copied();
                Self { $( $field: {
                    let index = next.next().unwrap_or(0);
                    *$Type::ALTERNATIVES.get(index).unwrap_or(&$Type::ALTERNATIVES[0])
                } ),+ }
            }
        }
    };
}

beliefs! {
    1 busy_interface BusyInterface Disputed
        "AssociateAddress with AllowReassociation=false to an interface that already has an address"
        "AWS.md, Mid-update view, last entry; section 2, AssociateAddress" {
            Replaces "replaces the address, which stays allocated",
            RefusedUnlessAllowed "is refused with Resource.AlreadyAssociated; true replaces",
            RefusedAlways "is refused with Resource.AlreadyAssociated, and so is true",
        }
    2 mid_update_view MidUpdateView Believed
        "the VpcConfig that Lambda shows while LastUpdateStatus is InProgress"
        "AWS.md, Mid-update view" { New "the new one", Old "the old one, which serves" }
    3 first_status FirstStatus Believed
        "the status of a Lambda interface when it is first seen"
        "AWS.md, section 2, DescribeNetworkInterfaces; section 3" {
            Pending "pending", Available "available", InUse "in-use, before Lambda has made it ready",
        }
    4 unknown_allocation UnknownAllocation Believed
        "DescribeAddresses by AllocationIds with one unknown id"
        "AWS.md, section 2, after the table of errors" {
            FailsWhole "fails whole with InvalidAllocationID.NotFound", LeftOut "leaves the unknown one out",
        }
    5 same_pair_again SamePairAgain Believed
        "AssociateAddress of an address to the interface it is on already"
        "AWS.md, section 2, AssociateAddress (idempotent)" {
            SameId "answers with the same association id", NewId "makes a new association id",
        }
    6 unknown_association UnknownAssociation Disputed
        "DisassociateAddress of an association that does not exist (any more)"
        "AWS.md, section 2, DisassociateAddress" {
            Succeeds "succeeds", NotFound "fails with InvalidAssociationID.NotFound",
        }
    7 requester_managed RequesterManaged Disputed
        "RequesterManaged of a Lambda interface"
        "AWS.md, section 1, Fields" { True "true", False "false" }
    8 managed_visibility ManagedVisibility Disputed
        "Lambda interfaces and IncludeManagedResources"
        "AWS.md, Headlines 4" {
            AlwaysShown "are shown whatever it says", HiddenUnlessAsked "are hidden unless it is true",
        }
    9 delete_with_address DeleteWithAddress Believed
        "Lambda deleting an interface that carries an address"
        "AWS.md, section 2, Deleting an ENI that has an EIP" {
            Releases "goes ahead and frees the address", Blocked "waits until the address is taken off",
        }
    10 failed_update_view FailedUpdateView Disputed
        "the VpcConfig that Lambda shows after an update failed"
        "AWS.md, Mid-update view" { Old "the old one, which serves", Attempted "the attempted one" }
    11 lambda_events LambdaEvents Disputed
        "overflow and replacement interfaces and the customer's CloudTrail"
        "AWS.md, Mid-update view" { Raised "raise events", Never "never raise events" }
    12 unknown_interface UnknownInterface Believed
        "DescribeNetworkInterfaces by ids with one unknown id"
        "AWS.md, section 2, table of errors" {
            FailsWhole "fails whole with InvalidNetworkInterfaceID.NotFound", LeftOut "leaves the unknown one out",
        }
    13 lingering_status LingeringStatus Disputed
        "the status of a Lambda interface that no version uses, until it is deleted"
        "AWS.md, section 1 (nothing said of it)" { InUse "in-use", Available "available" }
    14 old_environments OldEnvironments Believed
        "execution environments of the old VpcConfig after an update succeeded"
        "AWS.md, Mid-update view" {
            GoOn "go on for up to the function's timeout", Stop "stop at once",
        }
    15 pending_update_status PendingUpdateStatus Disputed
        "LastUpdateStatus of a function that is Pending"
        "AWS.md, section 1 (nothing said of it)" {
            Absent "is absent", InProgress "is InProgress", Successful "is Successful",
        }
    16 mutating_buckets MutatingBuckets Disputed
        "the token bucket of mutating EC2 calls"
        "AWS.md, section 2, Throttling" { PerOperation "is one for each operation", Shared "is one for them all" }
    17 pending_interface PendingInterface Believed
        "AssociateAddress to an interface that is pending"
        "AWS.md, section 2, table of errors (IncorrectState)" {
            Accepted "succeeds", Refused "fails with IncorrectState",
        }
    18 description DescriptionForm Believed
        "the description of a Lambda interface"
        "AWS.md, section 1, Fields" {
            FirstFunction "names the function that caused it", WithUuid "names that function and a UUID",
            UuidOnly "names no function, as before 2019",
        }
    19 removed_vpc_config RemovedVpcConfig Disputed
        "VpcConfig of a function that was taken out of its VPC"
        "AWS.md, section 1 (nothing said of it)" { Empty "has empty lists", Absent "is absent" }
    20 record_request_id RecordRequestId Believed
        "the request id in CloudTrail's record of an EC2 call"
        "AWS.md, section 3 (the shapes show responseElements.requestId only)" {
            Both "is in requestID and in responseElements.requestId",
            OfResponse "is in responseElements.requestId",
            OfRecord "is in requestID",
        }
    21 missing_bus MissingBus Disputed
        "PutEvents to a bus that does not exist"
        "AWS.md, section 3 (nothing said of it)" {
            Accepted "is accepted and leads nowhere",
            EntryFails "fails the entry with ResourceNotFoundException",
        }
}

impl Beliefs {
    /// The table of all beliefs, in the order of their numbers.
    pub fn all() -> &'static [Belief] {
        Self::TABLE
    }

    /// A combination drawn from `seed`, each alternative of each belief equally likely.
    pub fn draw(seed: u64) -> Self {
        let mut chance = Chance::new(seed, Stream::Beliefs);
        let draw = |belief: &Belief| {
            let many = u64::try_from(belief.alternatives.len()).unwrap_or(1);
            usize::try_from(chance.below(many)).unwrap_or(0)
        };
        Self::from_choices(&Self::TABLE.iter().map(draw).collect::<Vec<_>>())
    }

    /// The default, and then for each belief each other alternative with all else at its default.
    pub fn one_at_a_time() -> Vec<Self> {
        let mut sets = vec![Self::default()];
        for (place, belief) in Self::TABLE.iter().enumerate() {
            for alternative in 1..belief.alternatives.len() {
                let mut choices = vec![0; Self::TABLE.len()];
                choices[place] = alternative;
                sets.push(Self::from_choices(&choices));
            }
        }
        sets
    }
}

/// The choices as `B1=a B2=b …`, where a letter is the place of the alternative in the table.
impl fmt::Display for Beliefs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (belief, choice)) in Self::TABLE.iter().zip(self.choices()).enumerate() {
            let letter = char::from(b"abcdef"[choice.min(5)]);
            write!(f, "{}B{}={letter}", if place == 0 { "" } else { " " }, belief.number)?;
        }
        Ok(())
    }
}

/// Reads what `Display` writes; beliefs that it does not name take their first alternative.
impl std::str::FromStr for Beliefs {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut choices = vec![0; Self::TABLE.len()];
        for word in text.split_whitespace() {
            let unknown = || format!("`{word}` is no choice; one is `B1=a`");
            let (name, letter) = word.split_once('=').ok_or_else(unknown)?;
            let number = |belief: &Belief| name == format!("B{}", belief.number);
            let place = Self::TABLE.iter().position(number).ok_or_else(unknown)?;
            let many = Self::TABLE[place].alternatives.len();
            let choice = "abcdef".find(letter).filter(|_| letter.len() == 1);
            choices[place] = choice.filter(|choice| *choice < many).ok_or_else(unknown)?;
        }
        Ok(Self::from_choices(&choices))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_table_is_numbered_without_gaps_and_each_belief_has_alternatives() {
        for (place, belief) in Beliefs::all().iter().enumerate() {
            assert_eq!(usize::from(belief.number), place + 1, "{}", belief.name);
            assert!(belief.alternatives.len() >= 2, "{}", belief.name);
            assert!(belief.source.starts_with("AWS.md"), "{}", belief.name);
        }
    }

    #[test]
    fn draws_repeat_and_reach_every_alternative() {
        assert_eq!(Beliefs::draw(3), Beliefs::draw(3));
        for (place, belief) in Beliefs::all().iter().enumerate() {
            let seen: BTreeSet<usize> = (0..200).map(|seed| Beliefs::draw(seed).choices()[place]).collect();
            assert_eq!(seen.len(), belief.alternatives.len(), "{}", belief.name);
        }
    }

    #[test]
    fn choices_survive_the_way_through_indices_and_print_compactly() {
        for beliefs in Beliefs::one_at_a_time() {
            assert_eq!(Beliefs::from_choices(&beliefs.choices()), beliefs);
        }
        assert!(Beliefs::default().to_string().starts_with("B1=a B2=a B3=a"));
    }

    #[test]
    fn what_is_printed_can_be_read_again_and_what_is_no_choice_is_refused() {
        for beliefs in (0..50).map(Beliefs::draw) {
            assert_eq!(beliefs.to_string().parse(), Ok(beliefs));
        }
        assert_eq!("B2=b".parse(), Ok(Beliefs { mid_update_view: MidUpdateView::Old, ..Beliefs::default() }));
        for wrong in ["B1=d", "B99=a", "B1", "B1=", "B1=ab", "busy=a"] {
            assert!(wrong.parse::<Beliefs>().is_err(), "{wrong}");
        }
    }
}
