//! What the person at the terminal sees. Words and colours only; colours are dropped where there is no terminal.

use std::fmt::Display;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use anstyle::{AnsiColor, Style};

use crate::status::{Change, Uncovered};

const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default();
const HAPPENS: Style = AnsiColor::Yellow.on_default();
const HEAD: Style = Style::new().bold();
const QUIET: Style = Style::new().dimmed();

/// A line of the table at the end.
pub(crate) struct Line {
    pub(crate) title: &'static str,
    pub(crate) happened: String,
    pub(crate) repaired_after: Duration,
    pub(crate) gap: f64,
}

/// The terminal, with the time since the curtain.
pub(crate) struct Show {
    begun: std::time::Instant,
}

impl Show {
    /// The curtain.
    pub(crate) fn new() -> Self {
        Self { begun: std::time::Instant::now() }
    }

    /// Who plays, and where.
    pub(crate) fn opening(&self, aws: &str, daemon: &str, log: Option<&Path>) {
        say(format_args!(
            "{HEAD}eipd against a simulated AWS{HEAD:#}, in which seconds stand for AWS's minutes"
        ));
        say(format_args!("  {QUIET}AWS (simulated)  {aws}{QUIET:#}"));
        say(format_args!(
            "  {QUIET}daemon           {daemon}, polls once a minute, hears of changes by EventBridge and SQS{QUIET:#}"
        ));
        if let Some(log) = log {
            say(format_args!("  {QUIET}its log          {}{QUIET:#}", log.display()));
        }
    }

    /// An act begins.
    pub(crate) fn act(&self, number: usize, title: &str) {
        say(format_args!("\n{HEAD}{number}. {title}{HEAD:#}"));
    }

    /// Something happens to the account.
    pub(crate) fn happens(&self, what: &str) {
        self.line(HAPPENS, "!", what);
    }

    /// The daemon did something.
    pub(crate) fn change(&self, change: &Change) {
        let (style, mark) = if change.outcome == "done" { (GOOD, "+") } else { (BAD, "x") };
        let what = format!(
            "{:<15} {} {}  ({}, {})",
            change.public_ip,
            if change.outcome == "done" { "to" } else { "not to" },
            change.network_interface_id,
            change.functions.join(", "),
            change.reason,
        );
        self.line(style, mark, &what);
        if let Some(cause) = &change.cause {
            self.line(QUIET, " ", &format!("told by an event; done by {}", cause.actor));
        }
    }

    /// The daemon says what it can't do.
    pub(crate) fn lack(&self, lack: &Uncovered) {
        self.line(BAD, "-", &format!("{} stays without: {}", lack.network_interface_id, lack.reason));
        self.line(BAD, " ", &lack.detail);
    }

    /// Something worth knowing.
    pub(crate) fn remark(&self, what: &str) {
        self.line(QUIET, " ", what);
    }

    /// How an act ended.
    pub(crate) fn outcome(&self, after: Duration, gap: f64) {
        let after = after.as_secs_f64();
        self.line(HEAD, "=", &format!("all covered; repaired after {after:.1} s, egress gap {gap:.1} s"));
    }

    /// The main act in two figures.
    pub(crate) fn compare(&self, without: f64, with: f64) {
        self.line(
            HEAD,
            "=",
            &format!("the egress gap of a VpcConfig change: {without:.1} s without spares, {with:.1} s with"),
        );
    }

    /// The whole story in a table.
    pub(crate) fn table(&self, lines: &[Line]) {
        say(format_args!(
            "\n{HEAD}{:<40}{:<24}{:>14}{:>12}{HEAD:#}",
            "act", "what happened", "repaired after", "egress gap"
        ));
        for line in lines {
            let after = format!("{:.1} s", line.repaired_after.as_secs_f64());
            let gap = format!("{:.1} s", line.gap);
            say(format_args!("{:<40}{:<24}{after:>14}{gap:>12}", line.title, line.happened));
        }
    }

    /// What there is to look at.
    pub(crate) fn pages(&self, daemon: &str) {
        say(format_args!("\nThe daemon goes on until Ctrl-C. To look at:"));
        for path in ["/", "/status", "/metrics"] {
            say(format_args!("  {daemon}{path}"));
        }
    }

    /// The daemon ended in order.
    pub(crate) fn ended(&self, took: Duration) {
        say(format_args!("\nThe daemon ended {:.1} s after SIGTERM with exit code 0.", took.as_secs_f64()));
    }

    /// Where to look after a failure.
    pub(crate) fn evidence(&self, folder: &Path) {
        say(format_args!("\nThe daemon's configuration and log are kept in {}", folder.display()));
    }

    fn line(&self, style: Style, mark: &str, what: &str) {
        let at = self.begun.elapsed().as_secs_f64();
        say(format_args!("  {QUIET}{at:>5.1} s{QUIET:#}  {style}{mark} {what}{style:#}"));
    }
}

/// A reader that went away does not matter.
fn say(what: impl Display) {
    let mut out = anstream::stdout().lock();
    let _ = writeln!(out, "{what}");
    let _ = out.flush();
}
