//! What a Lambda function is to `eipd`: a name to ask for, and a configuration that says which interfaces it uses.
//! Never guesses a function from the description of an interface.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use serde::{Serialize, Serializer};

use super::ids::{SecurityGroupId, SubnetId};

/// A function as the configuration declares it: `name` means `$LATEST`, `name:qualifier` a version or an alias.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct FunctionRef {
    name: Arc<str>,
    qualifier: Option<Arc<str>>,
}

/// Why a text names no function.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names no function; expected `name`, `name:qualifier` or a function's ARN")]
pub struct FunctionRefError(pub String);

impl FunctionRef {
    /// The function's name without its qualifier.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A version or an alias; nothing stands for `$LATEST`.
    #[must_use]
    pub fn qualifier(&self) -> Option<&str> {
        self.qualifier.as_deref()
    }

    /// The number of the version that it names; nothing for `$LATEST` and for an alias, which is never all digits
    /// (Lambda's API reference, believed).
    #[must_use]
    pub fn version(&self) -> Option<u64> {
        self.qualifier().and_then(|qualifier| qualifier.parse().ok())
    }

    /// The version of this number, whatever this names.
    #[must_use]
    pub fn at_version(&self, number: u64) -> Self {
        Self { name: Arc::clone(&self.name), qualifier: Some(number.to_string().into()) }
    }

    /// The function as such, that is `$LATEST`.
    #[must_use]
    pub fn unqualified(&self) -> Self {
        Self { name: Arc::clone(&self.name), qualifier: None }
    }
}

impl FromStr for FunctionRef {
    type Err = FunctionRefError;

    fn from_str(text: &str) -> Result<Self, FunctionRefError> {
        let (name, qualifier) = match text.split_once(':') {
            Some((name, qualifier)) => (name, Some(qualifier)),
            None => (text, None),
        };
        let word = |part: &str, extra: &[u8], longest: usize| {
            (1..=longest).contains(&part.len())
                && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b) || extra.contains(&b))
        };
        if !word(name, b"", 64) || !qualifier.is_none_or(|q| word(q, b"$", 128)) {
            return Err(FunctionRefError(text.to_owned()));
        }
        let qualifier = qualifier.filter(|q| *q != "$LATEST").map(Arc::from);
        Ok(Self { name: name.into(), qualifier })
    }
}

impl fmt::Display for FunctionRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.qualifier {
            Some(qualifier) => f.pad(&format!("{}:{qualifier}", self.name)),
            None => f.pad(&self.name),
        }
    }
}

impl Serialize for FunctionRef {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// An exact set of security groups, kept in order; cheap to clone, since thousands of interfaces share few sets.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SecurityGroups(Arc<[SecurityGroupId]>);

impl SecurityGroups {
    /// The groups in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = &SecurityGroupId> {
        self.0.iter()
    }
}

impl FromIterator<SecurityGroupId> for SecurityGroups {
    fn from_iter<I: IntoIterator<Item = SecurityGroupId>>(ids: I) -> Self {
        Self(ids.into_iter().collect::<BTreeSet<_>>().into_iter().collect())
    }
}

impl fmt::Display for SecurityGroups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, group) in self.0.iter().enumerate() {
            write!(f, "{}{group}", if index == 0 { "" } else { "+" })?;
        }
        Ok(())
    }
}

/// What decides which interface serves a function: Lambda shares one or more interfaces between all function
/// versions of an account that use the same subnet and the exactly equal set of security groups (AWS.md 1, confirmed).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Pair {
    /// The subnet that the interface lies in.
    pub subnet: SubnetId,
    /// The whole set of its security groups: a subset or a superset is another pair.
    pub security_groups: SecurityGroups,
}

/// The network settings of one function version.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VpcConfig {
    /// One interface at least per subnet; at most 16 (AWS.md 1, confirmed).
    pub subnets: BTreeSet<SubnetId>,
    /// At most 5 (AWS.md 1, confirmed).
    pub security_groups: SecurityGroups,
    /// Whether it may use IPv6 in subnets that have it (`Ipv6AllowedForDualStack`; AWS.md 1, confirmed).
    pub dual_stack: bool,
}

impl VpcConfig {
    /// The pairs that a function with these settings uses.
    pub fn pairs(&self) -> impl Iterator<Item = Pair> + '_ {
        self.subnets
            .iter()
            .map(|subnet| Pair { subnet: subnet.clone(), security_groups: self.security_groups.clone() })
    }
}

/// `State` of a function; AWS adds values, so what is unknown to us is `Other` (AWS.md 1).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FunctionState {
    /// Being created, or being woken after it was idle.
    Pending,
    /// Ready to be invoked.
    Active,
    /// Idle for so long that its interfaces were reclaimed.
    Inactive,
    /// Creation failed.
    Failed,
    /// A state that `eipd` gives no meaning to.
    Other,
}

/// `LastUpdateStatus` of a function.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LastUpdate {
    /// The shown configuration is in force.
    Successful,
    /// An earlier configuration may still serve.
    InProgress,
    /// The earlier configuration goes on serving.
    Failed,
    /// A value that `eipd` gives no meaning to.
    Other,
}

/// A function's configuration as Lambda shows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FunctionConfiguration {
    /// Nothing when the function is not in a VPC.
    pub vpc: Option<VpcConfig>,
    /// The settings in force before an update that has not settled, as far as this process saw them.
    pub former_vpc: Option<VpcConfig>,
    /// The settings of the published versions that count besides, by their numbers; one with the settings above may lack.
    pub versions: BTreeMap<u64, VpcConfig>,
    /// Nothing when it was learnt from ListFunctions, which omits it (AWS.md 1, confirmed).
    pub state: Option<FunctionState>,
    /// Nothing when it was learnt from ListFunctions, which omits it (AWS.md 1, confirmed).
    pub last_update: Option<LastUpdate>,
    /// Runs on instances of a capacity provider, whose interfaces are no Hyperplane interfaces (AWS.md 1, confirmed).
    pub on_capacity_provider: bool,
    /// The longest time one invocation may take.
    pub timeout: Duration,
}

impl FunctionConfiguration {
    /// Every pair that may carry the function's traffic now: while an update is under way, those of both configurations,
    /// and those of the other versions that count.
    pub fn pairs(&self) -> BTreeSet<Pair> {
        self.pairs_by_configuration().collect()
    }

    /// The same one configuration after the other, so that a pair may come more than once.
    pub fn pairs_by_configuration(&self) -> impl Iterator<Item = Pair> + '_ {
        let own = self.vpc.iter().chain(&self.former_vpc).filter(|_| !self.on_capacity_provider);
        own.chain(self.versions.values()).flat_map(VpcConfig::pairs)
    }

    /// The numbers of the versions through which alone it uses a pair; none when the shown configuration does too.
    #[must_use]
    pub fn versions_using(&self, pair: &Pair) -> Vec<u64> {
        let uses = |vpc: &VpcConfig| {
            vpc.security_groups == pair.security_groups && vpc.subnets.contains(&pair.subnet)
        };
        let mut own = self.vpc.iter().chain(&self.former_vpc).filter(|_| !self.on_capacity_provider);
        if own.any(uses) {
            return Vec::new();
        }
        self.versions.iter().filter(|(_, vpc)| uses(vpc)).map(|(number, _)| *number).collect()
    }

    /// Whether it may use other interfaces the next moment: it is being created, woken or updated.
    #[must_use]
    pub fn is_changing(&self) -> bool {
        self.last_update == Some(LastUpdate::InProgress) || self.state == Some(FunctionState::Pending)
    }

    /// Whether its creation or its last update failed.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.last_update == Some(LastUpdate::Failed) || self.state == Some(FunctionState::Failed)
    }

    /// Whether the shown settings are known to be the ones in force, and nothing is under way: without states, as
    /// ListFunctions shows it, that is not known. What is asked for by a qualifier is a published version, which is never
    /// updated, and may lack the status of an update.
    #[must_use]
    pub fn is_settled(&self, function: &FunctionRef) -> bool {
        let is_ready = matches!(self.state, Some(FunctionState::Active | FunctionState::Inactive));
        let is_updated = match self.last_update {
            Some(status) => status == LastUpdate::Successful,
            None => function.qualifier().is_some(),
        };
        is_ready && is_updated && self.former_vpc.is_none()
    }

    /// Whether an update is under way or left undecided.
    #[must_use]
    pub fn is_unsettled(&self) -> bool {
        matches!(self.last_update, Some(LastUpdate::InProgress | LastUpdate::Failed))
    }
}

/// What is known of a declared function.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FunctionObservation {
    /// Lambda showed it.
    Known(FunctionConfiguration),
    /// Lambda says that there is no such function, version or alias.
    NotFound,
    /// It could not be read, and was never read before.
    Unknown,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_a_name_with_or_without_a_qualifier() {
        for (text, shown) in [("billing", "billing"), ("billing:live", "billing:live"), ("b:$LATEST", "b")] {
            assert_eq!(text.parse::<FunctionRef>().map(|f| f.to_string()), Ok(shown.to_owned()));
        }
        for bad in ["", ":live", "billing:", "bill ing", "billing:a:b"] {
            assert!(bad.parse::<FunctionRef>().is_err(), "{bad}");
        }
    }
}
