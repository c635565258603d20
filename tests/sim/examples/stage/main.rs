//! Serves a simulated account on a loopback port and obeys lines on its input: for scripts that try the built program.
//!
//! `cargo run -p eipd-sim --example stage -- [--functions N] [--per-pair N] [--subnets N] [--spares N] [--covered]
//! [--queue] [--quick] [--unthrottled] [--seed N] [--beliefs "B1=b B6=b"]` prints what is to be known of the account, one
//! `KEY=VALUE` a line, and then answers each line of its input with one line. It serves until its input ends.
//!
//! | line | does |
//! |---|---|
//! | `latency MS` | every call takes this long |
//! | `storm on`, `storm off` | errors, lost answers, calls that hang, stale reads |
//! | `life on`, `life off` | functions change, interfaces come and go, a stray hand takes addresses off |
//! | `bare N` | a stray hand takes the addresses off N interfaces |
//! | `flood N` | N records of deleted interfaces come into the queue |
//! | `tell` | counts of the account, as `NAME=NUMBER` |

mod account;
mod life;

use account::{Account, Wanted};
use eipd_sim::HttpServer;
use life::Life;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};

/// From one event in the account's life to the next.
const BEAT: Duration = Duration::from_secs(2);

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let wanted = Wanted::read(&arguments).map_err(io::Error::other)?;
    let account = Account::set(&wanted);
    let server = HttpServer::bind(&account.sim, SocketAddr::from(([127, 0, 0, 1], 0))).await?;
    say(&format!("URL={}", server.url()))?;
    for (name, value) in account.facts() {
        say(&format!("{name}={value}"))?;
    }
    say("READY=1")?;
    let mut life = Life::new(wanted.seed);
    let mut lives = false;
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let mut beat = tokio::time::interval(BEAT);
    loop {
        tokio::select! {
            line = lines.next_line() => {
                let Some(line) = line? else { break };
                let answer = match line.split_once(' ').unwrap_or((&line, "")) {
                    ("life", "on") => { lives = true; Ok("it lives".to_owned()) }
                    ("life", "off") => { lives = false; Ok("it rests".to_owned()) }
                    (verb, rest) => account.obey(verb, rest),
                };
                say(&answer.map_or_else(|why| format!("NO {why}"), |what| format!("OK {what}")))?;
            }
            _ = beat.tick(), if lives => account.sim.world(|world| life.step(world, &account)),
        }
    }
    for complaint in account.sim.complaints() {
        say(&format!("COMPLAINT={complaint}"))?;
    }
    for violation in account.sim.violations() {
        say(&format!("VIOLATION={violation:?}"))?;
    }
    Ok(())
}

fn say(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}
