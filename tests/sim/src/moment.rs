//! Simulated time: a point on the world's own clock.
//!
//! Holds milliseconds since the Unix epoch and nothing else. Never asks the machine what time it is: a
//! [`Moment`] only ever comes in as an argument.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A point in simulated time, in whole milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(u64);

impl Moment {
    /// The moment `seconds` after the Unix epoch.
    pub const fn from_unix_seconds(seconds: u64) -> Self {
        Self(seconds * 1000)
    }

    /// The moment `milliseconds` after the Unix epoch.
    pub const fn from_unix_millis(milliseconds: u64) -> Self {
        Self(milliseconds)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn unix_millis(self) -> u64 {
        self.0
    }

    /// How long after `earlier` this is; zero when it is not after it.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// `2026-11-23T06:00:00.000+0000`, the form of Lambda's `LastModified`.
    pub fn lambda_timestamp(self) -> String {
        format!("{}+0000", self.civil())
    }

    /// `2026-11-23T06:00:00.000Z`, the form of times in EC2's and STS's XML.
    pub fn xml_timestamp(self) -> String {
        format!("{}Z", self.civil())
    }

    /// `2026-11-23T06:00:00Z`, the form of times in events.
    pub fn second_timestamp(self) -> String {
        let civil = self.civil();
        format!("{}Z", civil.split_once('.').map_or(civil.as_str(), |(whole, _)| whole))
    }

    fn civil(self) -> String {
        let seconds = i64::try_from(self.0 / 1000).unwrap_or(i64::MAX);
        let whole = jiff::Timestamp::from_second(seconds).unwrap_or(jiff::Timestamp::MAX);
        format!("{}.{:03}", whole.strftime("%Y-%m-%dT%H:%M:%S"), self.0 % 1000)
    }
}

impl Add<Duration> for Moment {
    type Output = Self;
    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(millis(span)))
    }
}

impl Sub<Duration> for Moment {
    type Output = Self;
    fn sub(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(millis(span)))
    }
}

impl From<Moment> for SystemTime {
    fn from(moment: Moment) -> Self {
        UNIX_EPOCH + Duration::from_millis(moment.0)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.xml_timestamp())
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_prints_as_the_services_print_it() {
        let moment = Moment::from_unix_millis(1_795_413_600_123);
        assert_eq!(moment.lambda_timestamp(), "2026-11-23T06:00:00.123+0000");
        assert_eq!(moment.second_timestamp(), "2026-11-23T06:00:00Z");
        assert_eq!(moment.to_string(), "2026-11-23T06:00:00.123Z");
    }

    #[test]
    fn time_never_wraps() {
        let start = Moment::from_unix_seconds(1);
        assert_eq!(start - Duration::from_secs(9), Moment::default());
        assert_eq!(Moment::default().since(start), Duration::ZERO);
    }
}
