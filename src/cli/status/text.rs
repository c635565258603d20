//! The text of `status`. Pure: from an answer and the time to text; nothing from the answer reaches a terminal unchecked.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;

use super::super::exit::Exit;
use super::super::render::pool::Figures;
use super::super::render::style::{BAD, GOOD, HEAD, WARN, paint};
use super::super::render::words::{age, count, hint, plain, split_hint, took};
use super::answer::{CoverageWord, StatusAnswer, Target, UncoveredInterface};
use super::lately::{Change, Event};

/// So many uncovered interfaces of a target are named; the others are counted.
const UNCOVERED_MAX: usize = 50;
/// So many changes are shown, and so many events, the latest.
const CHANGES_MAX: usize = 10;

/// The text of a status at a time.
pub(super) fn status(status: &StatusAnswer, now: Timestamp) -> String {
    Text { status, now }.to_string()
}

struct Text<'a> {
    status: &'a StatusAnswer,
    now: Timestamp,
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.daemon(f)?;
        for target in &self.status.targets {
            writeln!(f)?;
            self.target(f, target)?;
        }
        self.changes(f)?;
        self.events(f)?;
        writeln!(f)?;
        self.verdict(f)
    }
}

impl Text<'_> {
    fn daemon(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", paint(HEAD, "eipd"))?;
        if let Some(version) = &self.status.version {
            write!(f, " {}", plain(version))?;
        }
        if let Some(revision) = &self.status.revision {
            write!(f, " (revision {})", plain(revision))?;
        }
        match self.status.started_at {
            Some(started) => writeln!(f, ", running for {}", age(self.since(started)))?,
            None => writeln!(f)?,
        }
        let config = &self.status.config;
        if let Some(source) = &config.source {
            write!(f, "configuration {}", plain(source))?;
            match config.loaded_at {
                Some(loaded) => writeln!(f, ", loaded {} ago", age(self.since(loaded)))?,
                None => writeln!(f)?,
            }
        }
        if let Some(error) = &config.last_reload_error {
            message(f, 0, "error: the configuration was not loaded again:", &error.message)?;
        }
        self.queue(f)
    }

    fn queue(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(queue) = &self.status.queue else { return Ok(()) };
        let since = queue.since.map(|since| format!(" for {}", age(self.since(since)))).unwrap_or_default();
        match &queue.trouble {
            Some(trouble) => {
                let lead = format!("{} trouble with the queue of events{since}:", paint(WARN, "warning:"));
                message(f, 0, lead, trouble)
            }
            None => writeln!(f, "events received{since}"),
        }
    }

    fn target(&self, f: &mut fmt::Formatter<'_>, target: &Target) -> fmt::Result {
        let total = target.covered + target.uncovered.len();
        let interfaces = if total == 1 { "interface" } else { "interfaces" };
        write!(f, "{}: ", paint(HEAD, format_args!("target {}", plain(&target.target))))?;
        if total == 0 && target.coverage == CoverageWord::Unknown {
            write!(f, "{}", paint(WARN, "nothing could be seen"))?;
        } else {
            write!(f, "{} of {total} {interfaces} covered", target.covered)?;
        }
        if let Some(oldest) = target.oldest_uncovered_seconds.and_then(seconds) {
            write!(f, ", the longest without for {}", age(oldest))?;
        }
        writeln!(f)?;
        self.pass(f, target)?;
        for interface in target.uncovered.iter().take(UNCOVERED_MAX) {
            uncovered(f, interface)?;
        }
        if let more @ 1.. = target.uncovered.len().saturating_sub(UNCOVERED_MAX) {
            writeln!(f, "  {} {more} more; --format json names them", paint(BAD, "!"))?;
        }
        for function in &target.unservable {
            writeln!(f, "  {} function `{}` cannot be served", paint(BAD, "!"), plain(function))?;
        }
        for one in target.contested() {
            writeln!(f, "  {} {}", paint(BAD, "!"), one.story())?;
        }
        for (name, pool) in &target.pools {
            writeln!(f, "  pool {}: {}", plain(name), Figures(pool))?;
        }
        for warning in target.warnings.iter().filter(|w| !target.failures.contains(&w.message)) {
            message(f, 2, paint(WARN, "warning:"), &warning.message)?;
        }
        target.failures.iter().try_for_each(|failure| message(f, 2, paint(BAD, "error:"), failure))
    }

    fn pass(&self, f: &mut fmt::Formatter<'_>, target: &Target) -> fmt::Result {
        let (Some(pass), Some(started)) = (target.pass, target.started_at) else { return Ok(()) };
        write!(f, "  pass {pass}, {} ago", age(self.since(started)))?;
        if let Some(duration) = target.duration_seconds.and_then(seconds) {
            write!(f, ", took {}", took(duration))?;
        }
        if target.mode.as_deref() == Some("observe") {
            write!(f, ", {}", paint(WARN, "observe only: nothing is changed"))?;
        }
        writeln!(f)
    }

    fn changes(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut changes: Vec<Change> = self.status.changes().collect();
        // The latest first, whatever the daemon's order is.
        changes.sort_by_key(|change| std::cmp::Reverse(change.at));
        if changes.is_empty() {
            return Ok(());
        }
        writeln!(f, "\n{}", paint(HEAD, "latest changes"))?;
        changes.iter().take(CHANGES_MAX).try_for_each(|change| self.change(f, change))
    }

    fn change(&self, f: &mut fmt::Formatter<'_>, change: &Change) -> fmt::Result {
        let sign = if change.is_done() { paint(GOOD, '+') } else { paint(BAD, '!') };
        write!(f, "  {sign} {}", change.story())?;
        self.place_and_time(f, change.target.as_deref(), change.at)?;
        if let Some(actor) = change.actor() {
            write!(f, ", caused by {}", plain(actor))?;
        }
        match &change.detail {
            Some(detail) => writeln!(f, ": {}", plain(detail)),
            None => writeln!(f),
        }
    }

    fn events(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut events: Vec<Event> = self.status.events().collect();
        events.sort_by_key(|event| std::cmp::Reverse(event.at));
        if events.is_empty() {
            return Ok(());
        }
        writeln!(f, "\n{}", paint(HEAD, "latest events"))?;
        events.iter().take(CHANGES_MAX).try_for_each(|event| {
            write!(f, "  {event}")?;
            self.place_and_time(f, event.target.as_deref(), event.at)?;
            writeln!(f)
        })
    }

    /// In which target, where there are several, and how long ago.
    fn place_and_time(
        &self,
        f: &mut fmt::Formatter<'_>,
        target: Option<&str>,
        at: Option<Timestamp>,
    ) -> fmt::Result {
        if let (Some(target), [_, _, ..]) = (target, self.status.targets.as_slice()) {
            write!(f, " in {}", plain(target))?;
        }
        at.map_or(Ok(()), |at| write!(f, ", {} ago", age(self.since(at))))
    }

    /// What it amounts to, in accordance with the exit code.
    fn verdict(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let targets = &self.status.targets;
        if targets.is_empty() {
            return writeln!(f, "{}", paint(WARN, "not ready: no pass has been made yet"));
        }
        match self.status.exit() {
            Exit::Good => writeln!(f, "{}", paint(GOOD, "all covered")),
            Exit::Drift => {
                let interfaces = targets.iter().map(|target| target.uncovered.len()).sum();
                let functions: usize = targets.iter().map(|target| target.unservable.len()).sum();
                write!(
                    f,
                    "{}",
                    paint(BAD, format_args!("uncovered: {}", count(interfaces, "interface", "interfaces")))
                )?;
                match functions {
                    0 => writeln!(f),
                    _ => writeln!(f, ", {} that cannot be served", count(functions, "function", "functions")),
                }
            }
            Exit::CouldNotTell | Exit::Usage => {
                let unknown = targets.iter().filter(|target| target.coverage == CoverageWord::Unknown);
                let names: Vec<_> = unknown.map(|target| plain(&target.target)).collect();
                writeln!(
                    f,
                    "{}",
                    paint(
                        WARN,
                        format_args!("could not tell whether all is covered in {}", names.join(", "))
                    )
                )
            }
        }
    }

    /// Zero for what a clock ahead of ours says.
    fn since(&self, then: Timestamp) -> Duration {
        self.now.duration_since(then).try_into().unwrap_or_default()
    }
}

fn uncovered(f: &mut fmt::Formatter<'_>, interface: &UncoveredInterface) -> fmt::Result {
    let functions = interface.functions.join(", ");
    let why = interface.detail.as_deref().or(interface.reason.as_deref()).unwrap_or("no reason is given");
    let lead =
        format!("{} {} ({}):", paint(BAD, '!'), plain(&interface.network_interface_id), plain(&functions));
    message(f, 2, lead, why)?;
    let actor = interface.cause.as_ref().and_then(|cause| cause.actor.as_deref());
    actor.map_or(Ok(()), |actor| writeln!(f, "    its address was taken off by {}", plain(actor)))
}

/// A message from the daemon, and its hint on the next line.
fn message(f: &mut fmt::Formatter<'_>, indent: usize, lead: impl fmt::Display, text: &str) -> fmt::Result {
    let (text, advice) = split_hint(text);
    writeln!(f, "{:indent$}{lead} {}", "", plain(text))?;
    advice.map_or(Ok(()), |advice| hint(f, indent + 2, advice))
}

fn seconds(seconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(seconds).ok()
}
