//! Texts and times as a person reads them.

use std::time::Duration;

use jiff::Timestamp;
use maud::{Markup, html};

/// How long ago that was, in one or two units.
pub(super) fn ago(then: Timestamp, now: Timestamp) -> String {
    span(Duration::try_from(now.duration_since(then)).unwrap_or_default())
}

/// A duration in one or two units.
fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..86_400 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

/// A short duration, to a tenth of a second.
pub(super) fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

/// What is the matter, and what to do about it, which messages tell behind `hint:`.
pub(super) fn reason(text: &str) -> Markup {
    let (matter, remedy) = text.split_once("; hint: ").map_or((text, None), |(one, two)| (one, Some(two)));
    html! {
        (matter)
        @if let Some(remedy) = remedy { " " span .remedy { (remedy) } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_as_people_do() {
        let told = [0, 59, 60, 3599, 3600, 7380, 86_400, 200_000].map(|s| span(Duration::from_secs(s)));
        assert_eq!(told, ["0 s", "59 s", "1 min", "59 min", "1 h 0 min", "2 h 3 min", "1 d 0 h", "2 d 7 h"]);
        let at = |second| Timestamp::from_second(second).expect("within range");
        assert_eq!(ago(at(100), at(40)), "0 s", "a clock that was set back");
    }
}
