//! The world: a pure, seeded state machine of the parts of EC2 and Lambda that matter to Elastic IPs on Lambda
//! interfaces, and of the way of events from them through EventBridge to SQS.
//!
//! ```text
//! verbs (tests, wire) ─► World ─► schedule ─► advance(now) ─► lifecycle events in the order of their times
//!                          ├─► data plane (who leaves from where) ─► exact gaps, law watch
//!                          └─► trail (who did what) ─► events (rules) ─► queues
//! ```
//!
//! Time comes in through [`World::advance`], randomness from the seed; there is no clock, no I/O, no lock and no
//! wire format here. Slots of interfaces and addresses are never reused, so that a stale read can look back.

mod addresses;
mod associate;
mod bulk;
mod dataplane;
mod events;
mod functions;
mod history;
mod interfaces;
mod laws;
mod lifecycle;
mod network;
mod pairs;
mod queues;
#[cfg(test)]
mod tests;
mod timing;
mod trail;
mod units;

pub use addresses::{Address, NewAddress};
pub use associate::Association;
pub use bulk::Population;
pub use dataplane::{Egress, EgressInterface, Exposure, Gap, GapKind};
pub(crate) use events::Flight;
pub use events::{
    ADDRESS_EVENTS, Bus, EventCounts, EventWeather, NewEvent, NewRule, Outbound, Rule, Target, Undelivered,
};
pub use functions::{Function, NewFunction, Outcome, VpcConfig};
pub use interfaces::{Interface, InterfaceStatus, NewInterface};
pub use laws::{Hand, Repeat, Violation, ViolationKind};
pub use network::{AclRule, RouteTarget, SecurityGroup, Subnet, Vpc};
pub use queues::{MESSAGE_LIMIT, Queue, QueueWeather, Received};
pub use timing::{Span, Timing};
pub(crate) use trail::{Actor, FunctionCall};
pub use units::{FunctionState, LastUpdate, Unit};

use crate::beliefs::Beliefs;
use crate::chance::{Chance, Stream};
use crate::moment::Moment;
use std::collections::BTreeMap;
use std::time::Duration;

/// Index of an interface in the world's table of all that ever were.
pub(crate) type InterfaceIx = usize;
/// Index of an address, likewise.
pub(crate) type AddressIx = usize;
/// Index of a (subnet, exact security-group set) pair.
pub(crate) type PairIx = usize;
/// Index of a function version.
pub(crate) type UnitIx = usize;
/// Index of a subnet.
pub(crate) type SubnetIx = usize;

/// What a world starts from.
#[derive(Clone, Debug)]
pub struct WorldConfig {
    /// Everything random follows from it.
    pub seed: u64,
    /// The account's id, twelve digits.
    pub account: String,
    /// The region's name.
    pub region: String,
    /// The moment at which the world begins.
    pub start: Moment,
    /// The choices where AWS.md is not certain.
    pub beliefs: Beliefs,
    /// How long things take inside AWS.
    pub timing: Timing,
    /// The quota of Elastic IPs (AWS.md section 2: 5 by default, adjustable; here unlimited unless set).
    pub address_quota: Option<usize>,
    /// So many at most on a page of interfaces or functions, whatever a caller asks for: a page may hold fewer than that (EC2
    /// and Lambda API references, pagination; confirmed).
    pub page_most: usize,
}

impl Default for WorldConfig {
    fn default() -> Self {
        Self {
            seed: 0,
            account: "111122223333".to_owned(),
            region: "eu-west-1".to_owned(),
            start: Moment::from_unix_seconds(1_795_413_600),
            beliefs: Beliefs::default(),
            timing: Timing::default(),
            address_quota: None,
            page_most: usize::MAX,
        }
    }
}

impl WorldConfig {
    /// The default configuration with this seed and the beliefs that it draws. In one of four worlds pages are short.
    pub fn drawn(seed: u64) -> Self {
        let mut chance = Chance::new(seed, Stream::Pages);
        let page_most = if chance.below(4) == 0 { 2 + chance.below(4) as usize } else { usize::MAX };
        Self { seed, beliefs: Beliefs::draw(seed), page_most, ..Self::default() }
    }
}

/// A call that AWS refuses: the code and the message that the service would answer with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Refusal {
    /// AWS's error code.
    pub code: &'static str,
    /// AWS's message, or one like it.
    pub message: String,
}

impl Refusal {
    /// The code of what AWS has and the simulator has not.
    pub(crate) const NOT_SIMULATED: &'static str = "NotSimulated";

    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// Something that AWS knows and the simulator does not; [`World::loud`] makes a complaint of it.
    pub(crate) fn unsupported(message: impl Into<String>) -> Self {
        Self::new(Self::NOT_SIMULATED, message)
    }
}

/// Something that will happen by itself.
pub(crate) enum Due {
    /// Lambda has made an interface ready.
    Ready(InterfaceIx),
    /// A creation or an update of a function version is through, if its interfaces are ready.
    Finish(UnitIx, u64),
    /// A pair that no version used is still unused: its interfaces go. The number is the pair's stamp.
    Linger(PairIx, u64),
    /// An interface that was replaced goes.
    Remove(InterfaceIx),
    /// Environments of an old configuration come to their end.
    TailEnds(UnitIx),
    /// A function version that nobody invokes becomes idle. The number is the version's stamp.
    Idle(UnitIx, u64),
    /// An event comes to a bus.
    Event(Box<Flight>),
    /// A scenario's own step.
    Script(Box<dyn FnOnce(&mut World) + Send>),
}

/// The simulated account in one region.
pub struct World {
    config: WorldConfig,
    now: Moment,
    ids: Chance,
    delays: Chance,
    queue: BTreeMap<(Moment, u64), Due>,
    scheduled: u64,
    vpcs: BTreeMap<String, Vpc>,
    subnets: Vec<Subnet>,
    subnet_ids: BTreeMap<String, SubnetIx>,
    groups: BTreeMap<String, SecurityGroup>,
    interfaces: Vec<Interface>,
    interface_ids: BTreeMap<String, InterfaceIx>,
    addresses: Vec<Address>,
    allocation_ids: BTreeMap<String, AddressIx>,
    association_ids: BTreeMap<String, AddressIx>,
    pairs: Vec<pairs::Pair>,
    pair_keys: BTreeMap<(SubnetIx, Vec<String>), PairIx>,
    functions: BTreeMap<String, Function>,
    /// The tags of deleted functions, by their names.
    deleted_tags: BTreeMap<String, BTreeMap<String, String>>,
    units: Vec<Unit>,
    replacements: BTreeMap<InterfaceIx, InterfaceIx>,
    watches: Vec<dataplane::Watch>,
    watch_keys: BTreeMap<String, usize>,
    laws: laws::LawWatch,
    queues: queues::Queues,
    trail: Chance,
    events: events::Events,
    chronicle: Vec<(Moment, String)>,
    complaints: Vec<String>,
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World")
            .field("seed", &self.config.seed)
            .field("now", &self.now)
            .field("interfaces", &self.interfaces.len())
            .field("addresses", &self.addresses.len())
            .field("functions", &self.functions.len())
            .finish_non_exhaustive()
    }
}

impl World {
    /// An empty account.
    pub fn new(config: WorldConfig) -> Self {
        let queues = queues::Queues::new(Chance::new(config.seed, Stream::Queues));
        let trail = Chance::new(config.seed, Stream::Trail);
        let chance = Chance::new(config.seed, Stream::Events);
        let events = events::Events::new(chance, &config.region, &config.account);
        Self {
            now: config.start,
            ids: Chance::new(config.seed, Stream::Ids),
            delays: Chance::new(config.seed, Stream::Delays),
            config,
            queue: BTreeMap::new(),
            scheduled: 0,
            vpcs: BTreeMap::new(),
            subnets: Vec::new(),
            subnet_ids: BTreeMap::new(),
            groups: BTreeMap::new(),
            interfaces: Vec::new(),
            interface_ids: BTreeMap::new(),
            addresses: Vec::new(),
            allocation_ids: BTreeMap::new(),
            association_ids: BTreeMap::new(),
            pairs: Vec::new(),
            pair_keys: BTreeMap::new(),
            functions: BTreeMap::new(),
            deleted_tags: BTreeMap::new(),
            units: Vec::new(),
            replacements: BTreeMap::new(),
            watches: Vec::new(),
            watch_keys: BTreeMap::new(),
            laws: laws::LawWatch::default(),
            queues,
            trail,
            events,
            chronicle: Vec::new(),
            complaints: Vec::new(),
        }
    }

    /// What the world started from.
    pub fn config(&self) -> &WorldConfig {
        &self.config
    }

    /// The choices where AWS.md is not certain.
    pub fn beliefs(&self) -> &Beliefs {
        &self.config.beliefs
    }

    /// The world's present.
    pub fn now(&self) -> Moment {
        self.now
    }

    /// Carries out, in order, everything that was due up to `now`, each at its own time. An earlier `now` changes
    /// nothing: the world's time never goes back.
    pub fn advance(&mut self, now: Moment) {
        while let Some(entry) = self.queue.first_entry() {
            if entry.key().0 > now {
                break;
            }
            let ((at, _), due) = entry.remove_entry();
            self.now = self.now.max(at);
            self.happen(due);
        }
        self.now = self.now.max(now);
    }

    /// [`World::advance`] by a span from the present.
    pub fn advance_by(&mut self, span: Duration) {
        self.advance(self.now + span);
    }

    /// When something is next due by itself, if anything is.
    pub fn next_due(&self) -> Option<Moment> {
        self.queue.first_key_value().map(|((at, _), _)| *at)
    }

    /// Does `step` at `at`, between whatever else happens then; at once on the next advance if `at` is past.
    pub fn schedule(&mut self, at: Moment, step: impl FnOnce(&mut World) + Send + 'static) {
        self.push(at, Due::Script(Box::new(step)));
    }

    /// What happened in the account by itself or by a scenario's verb, oldest first: one line each, for people.
    pub fn chronicle(&self) -> &[(Moment, String)] {
        &self.chronicle
    }

    /// What was asked of the world that is not simulated. Tests assert that this is empty.
    pub fn complaints(&self) -> &[String] {
        &self.complaints
    }

    /// Remembers that something is not simulated.
    pub(crate) fn complain(&mut self, message: String) {
        self.complaints.push(message);
    }

    /// Remembers a refusal that says that something is not simulated.
    pub(crate) fn loud(&mut self, refusal: Refusal) -> Refusal {
        if refusal.code == Refusal::NOT_SIMULATED {
            self.complaints.push(refusal.message.clone());
        }
        refusal
    }

    pub(crate) fn note(&mut self, line: String) {
        self.chronicle.push((self.now, line));
    }

    pub(crate) fn push(&mut self, at: Moment, due: Due) {
        self.scheduled += 1;
        self.queue.insert((at, self.scheduled), due);
    }

    pub(crate) fn draw(&mut self, span: Span) -> Duration {
        self.delays.span(span.shortest, span.longest)
    }
}
