//! A panic anywhere ends the process: a daemon with a dead loop and a live `/metrics` is worse than none. The hook
//! logs what happened and exits; it never unwinds into code that would carry on.

use std::backtrace::Backtrace;
use std::io::Write;
use std::panic::PanicHookInfo;

/// The exit code after a panic, the one that Rust's own runtime uses.
pub const EXIT_CODE: i32 = 101;

/// Makes every panic, on whichever thread, log its message, place and backtrace and end the process with
/// [`EXIT_CODE`]. Where no log is set up, or it lets no error through, the same goes to stderr.
pub fn install_hook() {
    std::panic::set_hook(Box::new(|panic| {
        tell(panic);
        std::process::exit(EXIT_CODE);
    }));
}

fn tell(panic: &PanicHookInfo<'_>) {
    let thread = std::thread::current();
    let thread = thread.name().unwrap_or("unnamed");
    let location = panic.location().map_or_else(|| "unknown".to_owned(), ToString::to_string);
    let message = panic.payload_as_str().unwrap_or("a panic without a message");
    let backtrace = Backtrace::force_capture().to_string();
    if tracing::enabled!(tracing::Level::ERROR) {
        tracing::error!(panic = message, thread, location, backtrace, "panicked");
    } else {
        let text = format!("thread `{thread}` panicked at {location}: {message}\n{backtrace}\n");
        // Nobody is left to be told when this fails.
        let _ = std::io::stderr().write_all(text.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::telemetry::log::LogSettings;

    const CHILD: &str = "EIPD_TEST_PANIC_CHILD";

    /// Does nothing unless run by the test below, in a process of its own.
    #[test]
    fn child_that_panics_on_a_second_thread() {
        if std::env::var_os(CHILD).is_none() {
            return;
        }
        LogSettings::new(None, Some("json"), false, false).and_then(LogSettings::install).expect("a log");
        install_hook();
        let second = std::thread::Builder::new().name("second".to_owned());
        let second = second.spawn(|| panic!("the invariant of {} broke", 7)).expect("a thread");
        let _ = second.join();
        std::process::exit(0);
    }

    #[test]
    fn a_panic_on_any_thread_ends_the_process_with_a_logged_backtrace() {
        let name = "telemetry::panic::tests::child_that_panics_on_a_second_thread";
        let this = std::env::current_exe().expect("the test binary");
        let output = Command::new(this)
            .args(["--exact", name, "--nocapture"])
            .env(CHILD, "1")
            .output()
            .expect("the test binary runs");
        let log = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(EXIT_CODE), "{log}");
        let line: serde_json::Value = log
            .lines()
            .find_map(|line| serde_json::from_str(line).ok())
            .unwrap_or_else(|| panic!("no line of JSON in {log}"));
        assert_eq!(line["level"], "ERROR");
        assert_eq!(line["panic"], "the invariant of 7 broke");
        assert_eq!(line["thread"], "second");
        assert!(line["location"].as_str().is_some_and(|place| place.contains("panic.rs:")), "{line}");
        assert!(line["backtrace"].as_str().is_some_and(|trace| trace.contains("telemetry::panic")), "{line}");
    }
}
