//! Seeded randomness, split into streams.
//!
//! Each purpose draws from a stream of its own, so that one more draw for an id does not shift the delays or the
//! faults of the same seed. There is no global generator, and nothing here reads the machine's entropy.

use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::time::Duration;

/// One stream of random numbers: the same seed and stream give the same numbers on every machine.
#[derive(Clone, Debug)]
pub struct Chance {
    rng: ChaCha8Rng,
}

/// The streams in use; the discriminant is the stream's number and is never reused.
#[derive(Clone, Copy, Debug)]
pub enum Stream {
    /// Ids of network interfaces, addresses and associations.
    Ids = 1,
    /// Delays inside Lambda and EC2.
    Delays = 2,
    /// How old the snapshot behind a stale read is.
    Reads = 3,
    /// Request ids.
    Requests = 4,
    /// The drawing of beliefs.
    Beliefs = 5,
    /// Which message a queue hands out, and how often.
    Queues = 6,
    /// How events travel.
    Events = 7,
    /// What a record of an API call says where several forms occur.
    Trail = 8,
    /// How many things are on a page.
    Pages = 9,
    /// Whether a fault with a rate strikes; each fault adds its own number to this one.
    Faults = 1000,
}

impl Chance {
    /// The stream `stream` of `seed`.
    pub fn new(seed: u64, stream: Stream) -> Self {
        Self::numbered(seed, stream as u64)
    }

    /// A stream for the `nth` fault of a world.
    pub fn for_fault(seed: u64, nth: u64) -> Self {
        Self::numbered(seed, Stream::Faults as u64 + nth)
    }

    fn numbered(seed: u64, stream: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(stream);
        Self { rng }
    }

    /// Sixty-four random bits.
    pub fn bits(&mut self) -> u64 {
        self.rng.next_u64()
    }

    /// A whole number below `bound`; zero when `bound` is zero. The bias of the remainder is below 2^-40 here.
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.bits() % bound }
    }

    /// True with the given probability (0.0 never, 1.0 always).
    #[allow(clippy::cast_precision_loss)]
    pub fn strikes(&mut self, probability: f64) -> bool {
        ((self.bits() >> 11) as f64) < probability * (1_u64 << 53) as f64
    }

    /// A duration between `shortest` and `longest`, both included, in whole milliseconds.
    pub fn span(&mut self, shortest: Duration, longest: Duration) -> Duration {
        let low = u64::try_from(shortest.as_millis()).unwrap_or(u64::MAX);
        let high = u64::try_from(longest.as_millis()).unwrap_or(u64::MAX);
        if high <= low { shortest } else { Duration::from_millis(low + self.below(high - low + 1)) }
    }

    /// A new id in the form of a UUID.
    pub fn uuid(&mut self) -> String {
        let hex = format!("{:016x}{:016x}", self.bits(), self.bits());
        format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }

    /// A new resource id, `prefix` and seventeen hexadecimal digits, the first of them zero.
    pub fn id(&mut self, prefix: &str) -> String {
        format!("{prefix}-0{:016x}", self.bits())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_and_stream_give_the_same_numbers() {
        let (mut a, mut b) = (Chance::new(7, Stream::Ids), Chance::new(7, Stream::Ids));
        assert_eq!(a.id("eni"), b.id("eni"));
        assert_ne!(Chance::new(7, Stream::Delays).bits(), Chance::new(7, Stream::Ids).bits());
    }

    #[test]
    fn a_span_stays_within_its_ends() {
        let mut chance = Chance::new(1, Stream::Delays);
        let (low, high) = (Duration::from_secs(2), Duration::from_secs(3));
        assert!((0..1000).map(|_| chance.span(low, high)).all(|span| (low..=high).contains(&span)));
    }
}
