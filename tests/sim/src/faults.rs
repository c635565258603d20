//! Bad weather: which call meets which fault.
//!
//! A fault says what happens ([`Effect`]), to which calls ([`On`]), to which of those ([`When`]) and in which time.
//! The same seed and the same calls meet the same faults. Nothing is carried out here.

use crate::chance::Chance;
use crate::wire::{Call, Failure, Service};
use crate::world::Span;
use std::ops::Range;
use std::time::Duration;

/// What a fault does to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The service's throttling error.
    Throttle,
    /// The service's internal error, as 500.
    InternalError,
    /// The service is overloaded, as 503.
    Unavailable,
    /// The caller may not do it, as 403.
    Denied,
    /// The caller's credentials are not known.
    BadCredentials,
    /// The caller's session is over.
    Expired,
    /// Another error.
    Error {
        /// Its code.
        code: String,
        /// Its HTTP status.
        status: u16,
        /// Its message.
        message: String,
    },
    /// The call takes this long to arrive, and its answer that long to come back.
    Latency {
        /// Before it is carried out.
        before: Duration,
        /// After it was carried out.
        after: Duration,
    },
    /// It is never carried out and never answered.
    Hang,
    /// It is carried out, and never answered.
    HangAfter,
    /// It is carried out, and then the connection breaks.
    LostAnswer,
    /// It is carried out, and answered with the service's internal error, as 500.
    InternalErrorAfter,
    /// It is carried out, and answered as if the service were overloaded, as 503.
    UnavailableAfter,
    /// The connection is refused; nothing is carried out.
    Refused,
    /// It is carried out, and the answer is 200 with something that is no document at all.
    Garbage,
    /// It is carried out, and the connection breaks in the middle of the answer.
    Truncated,
    /// It is carried out, and the answer ends in the middle as if it were whole.
    CutShort,
}

/// The calls that a fault is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum On {
    /// All.
    Any,
    /// All of a service.
    Service(Service),
    /// All of an operation, such as `AssociateAddress`.
    Operation(String),
    /// All that name this resource, such as a function.
    Resource(String),
    /// All that change something.
    Mutating,
    /// All that only read.
    Reading,
}

/// Which of the calls that a fault is for, and that come in its time, meet it.
#[derive(Clone, Debug, PartialEq)]
pub enum When {
    /// Every one.
    Always,
    /// The k-th, counted from one.
    Nth(u64),
    /// The k-th and all after it.
    From(u64),
    /// Those with these numbers, counted from one.
    Calls(Range<u64>),
    /// Each with this probability.
    Rate(f64),
    /// Those that ask for the n-th page of a listing, counted from one.
    Page(u32),
}

/// A fault.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    effect: Effect,
    on: On,
    when: When,
    during: Option<Range<Duration>>,
}

impl Fault {
    /// A fault that every call meets, always.
    pub fn new(effect: Effect) -> Self {
        Self { effect, on: On::Any, when: When::Always, during: None }
    }

    /// For these calls only.
    #[must_use]
    pub fn on(self, on: On) -> Self {
        Self { on, ..self }
    }

    /// For the calls of this operation only.
    #[must_use]
    pub fn on_operation(self, operation: &str) -> Self {
        self.on(On::Operation(operation.to_owned()))
    }

    /// For the calls of this service only.
    #[must_use]
    pub fn on_service(self, service: Service) -> Self {
        self.on(On::Service(service))
    }

    /// For these of them only.
    #[must_use]
    pub fn when(self, when: When) -> Self {
        Self { when, ..self }
    }

    /// For the k-th of them only, counted from one.
    #[must_use]
    pub fn nth(self, k: u64) -> Self {
        self.when(When::Nth(k))
    }

    /// For each of them with this probability.
    #[must_use]
    pub fn rate(self, probability: f64) -> Self {
        self.when(When::Rate(probability))
    }

    /// For those that ask for this page of a listing.
    #[must_use]
    pub fn page(self, page: u32) -> Self {
        self.when(When::Page(page))
    }

    /// Within this time since the world's start only; calls outside it are not counted.
    #[must_use]
    pub fn during(self, window: Range<Duration>) -> Self {
        Self { during: Some(window), ..self }
    }

    fn is_for(&self, call: &Call, elapsed: Duration) -> bool {
        let in_time = self.during.as_ref().is_none_or(|window| window.contains(&elapsed));
        in_time
            && match &self.on {
                On::Any => true,
                On::Service(service) => call.service == *service,
                On::Operation(operation) => call.operation == *operation,
                On::Resource(name) => call.resource == *name,
                On::Mutating => call.mutating,
                On::Reading => !call.mutating,
            }
    }
}

/// How old the snapshots may be that Describe calls answer from; each side draws its own age for each call, so that
/// time can seem to go back (AWS.md section 2, eventual consistency: seconds up to minutes; confirmed).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Staleness {
    /// The most for DescribeAddresses.
    pub addresses: Duration,
    /// The most for DescribeNetworkInterfaces.
    pub interfaces: Duration,
}

/// What a call meets.
#[derive(Clone, Debug, Default)]
pub(crate) struct Forecast {
    pub(crate) before: Duration,
    pub(crate) after: Duration,
    pub(crate) fate: Option<Effect>,
}

impl Effect {
    /// The error that this effect answers with instead of carrying the call out, if it is such an effect.
    pub(crate) fn failure(&self, call: &Call, caller: &str) -> Option<Failure> {
        Some(match self {
            Self::Throttle => Failure::throttled(call.service),
            Self::InternalError => Failure::internal(call.service),
            Self::Unavailable => Failure::unavailable(call.service),
            Self::Denied => Failure::denied(call.service, caller, &call.action(), &call.resource),
            Self::BadCredentials => Failure::bad_credentials(call.service),
            Self::Expired => Failure::expired(call.service),
            Self::Error { code, status, message } => Failure::new(code.clone(), *status, message.clone()),
            _ => return None,
        })
    }

    /// The error that this effect answers with although the call was carried out, if it is such an effect.
    pub(crate) fn late_failure(&self, service: Service) -> Option<Failure> {
        match self {
            Self::InternalErrorAfter => Some(Failure::internal(service)),
            Self::UnavailableAfter => Some(Failure::unavailable(service)),
            _ => None,
        }
    }
}

/// All faults of a world.
#[derive(Debug, Default)]
pub(crate) struct Weather {
    armed: Vec<Armed>,
    ever: u64,
    pub(crate) latency: Option<Span>,
    pub(crate) staleness: Staleness,
}

#[derive(Debug)]
struct Armed {
    fault: Fault,
    met: u64,
    chance: Chance,
}

impl Weather {
    pub(crate) fn arm(&mut self, seed: u64, fault: Fault) {
        self.ever += 1;
        self.armed.push(Armed { fault, met: 0, chance: Chance::for_fault(seed, self.ever) });
    }

    pub(crate) fn clear(&mut self) {
        self.armed.clear();
    }

    /// What `call` meets: all latencies together, and the first other effect.
    pub(crate) fn forecast(&mut self, call: &Call, elapsed: Duration, delays: &mut Chance) -> Forecast {
        let mut forecast = Forecast::default();
        if let Some(span) = self.latency {
            forecast.before = delays.span(span.shortest, span.longest) / 2;
            forecast.after = forecast.before;
        }
        for armed in self.armed.iter_mut().filter(|armed| armed.fault.is_for(call, elapsed)) {
            armed.met += 1;
            let strikes = match &armed.fault.when {
                When::Always => true,
                When::Nth(k) => armed.met == *k,
                When::From(k) => armed.met >= *k,
                When::Calls(numbers) => numbers.contains(&armed.met),
                When::Rate(probability) => armed.chance.strikes(*probability),
                When::Page(page) => call.page == *page,
            };
            match (&armed.fault.effect, strikes) {
                (_, false) => {}
                (Effect::Latency { before, after }, true) => {
                    forecast.before += *before;
                    forecast.after += *after;
                }
                (effect, true) => forecast.fate = forecast.fate.or_else(|| Some(effect.clone())),
            }
        }
        forecast
    }
}
