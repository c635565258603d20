//! Whether this machine's clock agrees with AWS's: signatures bear the time, and AWS refuses those of another.

use jiff::{SignedDuration, Timestamp};

use super::check::Check;

const NAME: &str = "clock";

/// AWS refuses a signature that is off by more than five minutes (IAM user guide, signature version 4; believed for each
/// service used here).
const REFUSED_SECONDS: i64 = 300;

/// A clock that is kept by NTP is off by far less, and one that is not drifts on.
const WARNED_SECONDS: i64 = 30;

/// What the times say: before the question, of the answer by the service's clock, and after it.
pub(super) fn judge(before: Timestamp, service: Option<Timestamp>, after: Timestamp) -> Check {
    let Some(service) = service else {
        return Check::skip(NAME, "the answer bore no date; AWS refuses signatures that are off by minutes");
    };
    // The service tells whole seconds, so it is later by up to one than it says.
    let (early, late) = (before - SignedDuration::from_secs(1), after);
    let skew = if service < early {
        early.duration_since(service)
    } else if service > late {
        service.duration_since(late)
    } else {
        SignedDuration::ZERO
    };
    let seconds = skew.as_secs();
    let side = if service < early { "ahead of" } else { "behind" };
    let told = format!("this machine's clock is {seconds} s {side} AWS's");
    let remedy = "set the clock of this machine, and keep it by NTP";
    match seconds {
        REFUSED_SECONDS.. => Check::fail(NAME, told, remedy),
        WARNED_SECONDS.. => Check::warn(NAME, told, remedy),
        _ => Check::pass(NAME, "this machine's clock agrees with AWS's, to within seconds"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::Verdict;
    use super::*;

    #[test]
    fn a_clock_may_be_off_by_seconds_and_not_by_minutes() {
        let at = |second: i64| Timestamp::from_second(1_800_000_000 + second).expect("in range");
        for (service, verdict, told) in [
            (Some(0), Verdict::Pass, "agrees"),
            (Some(-1), Verdict::Pass, "agrees"),
            (Some(2), Verdict::Pass, "agrees"),
            (Some(-29), Verdict::Pass, "agrees"),
            (Some(40), Verdict::Warn, "38 s behind"),
            (Some(-60), Verdict::Warn, "59 s ahead of"),
            (Some(-302), Verdict::Fail, "301 s ahead of"),
            (Some(900), Verdict::Fail, "898 s behind"),
            (None, Verdict::Skip, "bore no date"),
        ] {
            let check = judge(at(0), service.map(at), at(2));
            assert_eq!(check.verdict, verdict, "{service:?}: {check:?}");
            assert!(check.evidence.contains(told), "{service:?}: {check:?}");
        }
    }
}
