//! One look at a target: interfaces, addresses, functions and what tags select, each as far as it could be read, put
//! together with what this process knows besides. Reads only; what it could not read it says (law 7).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use tokio::time::{Instant, timeout};

use super::function_book::FunctionBook;
use super::network::{self, NetworkBook};
use super::pass::Orders;
use super::pass::sign_in::SignInError;
use super::ports::{ApiError, Clock, Partial, Reads};
use super::recent::RecentWrites;
use super::selections::Selections;
use super::version_book::VersionBook;
use crate::domain::declared::Declared;
use crate::domain::desired::Desired;
use crate::domain::error_class::ErrorClass;
use crate::domain::function::{FunctionObservation, FunctionRef};
use crate::domain::ids::{AccountId, AllocationId, NetworkInterfaceId};
use crate::domain::leave::Leave;
use crate::domain::observed::{Address, Gap, Interface, Observed, Part};

/// How many functions are read side by side; the rate limit is what really bounds them.
pub(super) const READS_AT_ONCE: usize = 8;

/// So many reads without an answer mean that Lambda is out of reach, and not only one function.
const SILENT_MAX: usize = 3;

/// What a pass gives to reading which functions bear a tag: the others must not wait for it.
const TO_READ_TAGS: Duration = Duration::from_secs(10);

/// How many failures of one kind are told in full; the rest is counted.
const GAPS_TOLD: usize = 5;

/// Looks at one target, and remembers what it need not read each time.
pub(super) struct Observer {
    pub(super) reads: Arc<dyn Reads>,
    pub(super) clock: Arc<dyn Clock>,
    account: Option<AccountId>,
    pub(super) book: FunctionBook,
    pub(super) network: NetworkBook,
    pub(super) selections: Selections,
    pub(super) versions: VersionBook,
    /// How many functions there was no time for yet.
    unread: usize,
}

/// What a look saw, and what is desired by it.
pub(super) struct Sighting {
    pub(super) desired: Arc<Desired>,
    pub(super) observed: Observed,
}

/// Why a look told nothing, for the operator.
#[derive(Debug)]
pub(super) struct Blind(pub(super) Vec<String>);

impl Blind {
    fn by(errors: &[ApiError]) -> Self {
        Self(errors.iter().map(ToString::to_string).collect())
    }
}

impl Observer {
    pub(super) fn new(reads: Arc<dyn Reads>, clock: Arc<dyn Clock>) -> Self {
        let (book, versions, network) =
            (FunctionBook::default(), VersionBook::default(), NetworkBook::default());
        let selections = Selections::default();
        Self { reads, clock, account: None, book, versions, network, selections, unread: 0 }
    }

    /// From now on everything must be read again, however fresh what is known of it.
    pub(super) fn doubt_all(&mut self) {
        self.book.doubt_all();
        self.selections.doubt();
    }

    /// Whether the last look left functions out that were never read.
    pub(super) fn has_unread(&self) -> bool {
        self.unread > 0
    }

    /// Looks once. An error when not even the account or the interfaces could be read.
    pub(super) async fn observe(
        &mut self,
        orders: &Orders,
        recent: &mut RecentWrites,
        former: &BTreeSet<AllocationId>,
        function_reads: usize,
        first_list_by: Instant,
    ) -> Result<Sighting, Blind> {
        let (declared, refresh) = (&orders.declared, orders.function_refresh);
        let at = self.clock.now();
        let account =
            self.account(orders.account.as_ref()).await.map_err(|error| Blind(vec![error.to_string()]))?;
        self.versions.begin_first(&self.reads);
        let (interfaces, addresses) = tokio::join!(
            self.reads.interfaces(),
            self.selections.read_addresses(&*self.reads, declared, former)
        );
        if interfaces.found.is_empty() && !interfaces.errors.is_empty() {
            return Err(Blind::by(&interfaces.errors));
        }
        let interfaces_are_whole = interfaces.errors.is_empty();
        let mut gaps = gaps(Part::Interfaces, &interfaces.errors);
        gaps.extend(self::gaps(Part::Addresses, &addresses.errors));
        let interfaces: BTreeMap<_, _> = interfaces.found.into_iter().map(|i| (i.id.clone(), i)).collect();
        if self.book.is_surprised_by(&account, &interfaces) {
            self.doubt_all();
        }
        gaps.extend(self.read_tags(declared, refresh).await);
        let (mut desired, remarks) = self.selections.resolve(declared);
        self.book.keep_only(|function| desired.functions.contains_key(function));
        let reads = Arc::clone(&self.reads);
        let subnets = self.network.at_first(&account, &interfaces);
        let (more, network) = tokio::join!(
            self.read_functions(&desired, refresh, function_reads),
            network::read_in_time(&*reads, &subnets)
        );
        gaps.extend(more);
        self.network.note(subnets, network, self.clock.now());
        self.leave_out_deleted(declared, &mut desired);
        gaps.extend(self.read_versions(&desired, refresh, function_reads, first_list_by).await);
        let unexplained = self.book.note_interfaces(&account, &interfaces).iter();
        let unexplained = unexplained.filter_map(|id| Some((id, &interfaces.get(id)?.pair)));
        self.versions.note_unexplained(unexplained, &self.reads);
        end_undone(recent, &interfaces, &addresses);
        // An interface that a whole list does not show holds nothing back: EC2 itself refuses to move an address that
        // is on it after all.
        let mut recent_writes = recent.at(at);
        if interfaces_are_whole {
            recent_writes.retain(|interface, _| interfaces.contains_key(interface));
        }
        let observed = Observed {
            at,
            account,
            interfaces,
            addresses: addresses.found.into_iter().map(|a| (a.allocation.clone(), a)).collect(),
            functions: self.book.observations(desired.functions.keys()),
            recent_writes,
            refused: recent.refused(at),
            retired: BTreeSet::new(),
            network: self.network.known(),
            leave: Leave::default(),
            remarks,
            roster: self.versions.roster().cloned(),
            roster_trouble: self.versions.trouble(),
            gaps,
        };
        Ok(Sighting { desired, observed })
    }

    async fn read_tags(&mut self, declared: &Declared, refresh: Duration) -> Vec<Gap> {
        let now = self.clock.now();
        let read = self.selections.read_functions(&*self.reads, declared, now, refresh);
        match timeout(TO_READ_TAGS, read).await {
            Ok(errors) => gaps(Part::Functions, &errors),
            Err(_) => {
                let message = format!("reading which functions bear a tag took longer than {TO_READ_TAGS:?}");
                vec![Gap { part: Part::Functions, message }]
            }
        }
    }

    /// The tags of a deleted function are told of for a while; nobody named it, so nobody misses it.
    fn leave_out_deleted(&self, declared: &Declared, desired: &mut Arc<Desired>) {
        if declared.function_tags().is_empty() {
            return;
        }
        let named: BTreeSet<&FunctionRef> = declared.named().collect();
        let is_deleted = |function: &FunctionRef| !named.contains(function) && self.book.is_absent(function);
        if desired.functions.keys().any(is_deleted) {
            Arc::make_mut(desired).functions.retain(|function, _| !is_deleted(function));
        }
    }

    /// The account, once it was asked for.
    pub(super) fn known_account(&self) -> Option<&AccountId> {
        self.account.as_ref()
    }

    /// The credentials' account does not change while the process lives.
    pub(super) async fn account(&mut self, wanted: Option<&AccountId>) -> Result<AccountId, SignInError> {
        let account = match &self.account {
            Some(account) => account.clone(),
            None => self.reads.account().await?,
        };
        if let Some(wanted) = wanted.filter(|wanted| **wanted != account) {
            return Err(SignInError::Elsewhere { account, wanted: wanted.clone() });
        }
        Ok(self.account.insert(account).clone())
    }

    async fn read_functions(&mut self, desired: &Desired, refresh: Duration, most: usize) -> Vec<Gap> {
        let now = self.clock.now();
        let mut due = self.book.due(desired.functions.keys(), now, refresh);
        let mut gaps = Vec::new();
        if due.len() > most {
            let sweep = self.reads.functions().await;
            gaps.extend(self::gaps(Part::Functions, &sweep.errors));
            self.note_sweep(&due, &sweep);
            due = self.book.due(desired.functions.keys(), now, refresh);
        }
        due.truncate(most);
        let refused = self.book.refusals(now);
        gaps.extend(self.read_in_detail(due).await);
        gaps.extend(told_in_part(Part::Functions, refused));
        self.unread = self.book.untried(desired.functions.keys());
        if self.unread > 0 {
            let message = format!("{} functions are not read yet; {most} are read in a pass", self.unread);
            gaps.push(Gap { part: Part::Functions, message });
        }
        gaps
    }

    /// A sweep knows only `$LATEST`. What a whole sweep does not show is not there.
    fn note_sweep(
        &mut self,
        due: &[FunctionRef],
        sweep: &Partial<(FunctionRef, crate::domain::function::FunctionConfiguration)>,
    ) {
        let now = self.clock.now();
        let shown: BTreeMap<_, _> = sweep.found.iter().map(|(function, shown)| (function, shown)).collect();
        for function in due.iter().filter(|function| function.qualifier().is_none()) {
            match shown.get(function) {
                Some(configuration) => self.book.note_swept(function, configuration, now),
                None if sweep.errors.is_empty() => {
                    self.book.note(function.clone(), FunctionObservation::NotFound, now);
                }
                None => {}
            }
        }
    }

    /// Reads functions one by one. Stops when Lambda stays silent, so that what does answer has its time; what Lambda
    /// denied is told of again, and asked for ever more rarely.
    pub(super) async fn read_in_detail(&mut self, due: Vec<FunctionRef>) -> Vec<Gap> {
        self.book.note_tried(&due);
        let (reads, silent) = (&self.reads, &AtomicUsize::new(0));
        let mut answers = stream::iter(due)
            .map(|function| async move {
                if silent.load(Ordering::Relaxed) >= SILENT_MAX {
                    return (function, None);
                }
                let answer = reads.function(&function).await;
                if answer.as_ref().is_err_and(|error| error.class == ErrorClass::Unavailable) {
                    silent.fetch_add(1, Ordering::Relaxed);
                }
                (function, Some(answer))
            })
            .buffered(READS_AT_ONCE);
        let (mut told, mut left_out) = (BTreeSet::new(), 0);
        // Each is kept as it comes, so that a pass which is given up for a slow Lambda has not read in vain.
        while let Some((function, answer)) = answers.next().await {
            let now = self.clock.now();
            match answer {
                Some(Ok(observation)) => self.book.note(function, observation, now),
                Some(Err(error)) => {
                    told.insert(error.to_string());
                    self.book.note_failed(function, &error, now);
                }
                None => left_out += 1,
            }
        }
        drop(answers);
        let mut gaps = told_in_part(Part::Functions, told);
        if left_out > 0 {
            let message =
                format!("{left_out} more functions were not asked for, since Lambda gives no answer");
            gaps.push(Gap { part: Part::Functions, message });
        }
        gaps
    }
}

/// Ends the reservations that a look at everything shows undone.
fn end_undone(
    recent: &mut RecentWrites,
    interfaces: &BTreeMap<NetworkInterfaceId, Interface>,
    addresses: &Partial<Address>,
) {
    let shown: BTreeMap<_, _> = addresses.found.iter().map(|shown| (&shown.allocation, shown)).collect();
    let is_whole = addresses.errors.is_empty();
    recent.end_undone(
        |id| interfaces.get(id),
        |allocation| match shown.get(allocation) {
            None if !is_whole => None,
            shown => Some(shown.copied()),
        },
    );
}

/// The failures as gaps: each different one in full, but not hundreds of the same kind.
pub(super) fn gaps(part: Part, errors: &[ApiError]) -> Vec<Gap> {
    told_in_part(part, errors.iter().map(ToString::to_string).collect())
}

fn told_in_part(part: Part, messages: BTreeSet<String>) -> Vec<Gap> {
    let more = messages.len().saturating_sub(GAPS_TOLD);
    let mut told: Vec<Gap> =
        messages.into_iter().take(GAPS_TOLD).map(|message| Gap { part, message }).collect();
    if more > 0 {
        told.push(Gap { part, message: format!("and {more} more such failures") });
    }
    told
}
