//! The matrix of beliefs: what each promise comes to where AWS is the one way or the other, measured and written down in
//! docs/BELIEFS.md, which can't go stale unnoticed. That the laws hold under every pair of alternatives is shown by the
//! stories of `convergence`.

mod promises;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use eipd_sim::Beliefs;
use eipd_sim::beliefs::{Belief, Certainty};

use self::promises::{Kept, Promise};
use crate::documents::assert_current;

/// What became of each promise under a combination of beliefs.
type Row = Vec<Kept>;

#[test]
fn the_matrix_is_current() {
    let sets = Beliefs::one_at_a_time();
    let rows = measured(&sets);
    assert_current("docs/BELIEFS.md", &document(&sets, &rows));
}

fn measured(sets: &[Beliefs]) -> Vec<Row> {
    let all: Vec<(usize, Promise)> = (0..sets.len())
        .flat_map(|set| promises::ALL.iter().map(move |(promise, _)| (set, *promise)))
        .collect();
    let (next, kept) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some((set, promise)) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let outcome = promises::keep(*promise, sets[*set]);
                    let place = promises::ALL.iter().position(|(other, _)| other == promise);
                    kept.lock().expect("a failure ends the test").insert((*set, place), outcome);
                }
            });
        }
    });
    let kept = kept.into_inner().expect("a failure ends the test");
    let mut rows = vec![Row::new(); sets.len()];
    for ((set, _), outcome) in kept {
        rows[set].push(outcome);
    }
    rows
}

const HEAD: &str = "\
# What eipd believes about AWS

Where no source says how AWS behaves, eipd relies on neither answer. Each open question is a numbered belief of the simulator with its
plausible alternatives, the likelier first. **Every law of [LAWS.md](LAWS.md) holds under each of them**: the seeded stories
of `tests/it/convergence` draw a combination each, and each pair of alternatives of any two beliefs occurs among the stories
that `cargo test` lives through (a test asserts it).

What is *not* the same under all of them is how fast a promise is kept. The tables are measured: for each alternative, with all
else as it is thought likelier, short stories are lived through with the real daemon, and what the simulator's data plane saw is
written down in classes (none, up to 2 s, up to 10 s, up to one poll of 60 s, up to 5 min, up to 30 min). Events take 5 s, a call
0.1 s. `EIPD_WRITE_DOCS=1 cargo test --locked --test it -- beliefs::` writes this page anew; a test fails when it is stale.

Nobody has run eipd against live AWS with these questions in mind yet; the script in `tests/live` answers them one by one.
";

fn document(sets: &[Beliefs], rows: &[Row]) -> String {
    let usual = &rows[0];
    let mut text = HEAD.to_owned();
    text.push_str(
        "\n## What is promised, if AWS is as it is thought likelier\n\n| promise | measured |\n|---|---|\n",
    );
    for ((_, what), kept) in promises::ALL.iter().zip(usual) {
        let _ = writeln!(text, "| {what} | {} |", kept.outcome);
    }
    text.push_str("\n## The beliefs, and what a user sees if AWS is the other way\n");
    for (place, belief) in Beliefs::all().iter().enumerate() {
        about(&mut text, belief);
        for choice in 1..belief.alternatives.len() {
            let is_it = |set: &Beliefs| set.choices()[place] == choice;
            let row = sets.iter().position(is_it).expect("each alternative is tried");
            let letter = char::from(b"abcdef"[choice]);
            let _ =
                write!(text, "- If instead *{}* (B{}={letter}):", belief.alternatives[choice], belief.number);
            text.push_str(&difference(usual, &rows[row]));
        }
    }
    text
}

fn about(text: &mut String, belief: &Belief) {
    let certainty = match belief.certainty {
        Certainty::Believed => "believed",
        Certainty::Disputed => "open",
    };
    let _ = writeln!(
        text,
        "\n### B{}: {}\n\nThought likelier ({certainty}; {}): *{}*.\n",
        belief.number, belief.statement, belief.source, belief.alternatives[0]
    );
}

/// What is measured otherwise, in a sentence for each promise.
fn difference(usual: &Row, other: &Row) -> String {
    let mut lines = Vec::new();
    for (((_, what), usual), other) in promises::ALL.iter().zip(usual).zip(other) {
        let mut seen = Vec::new();
        if usual.outcome != other.outcome {
            seen.push(format!("**{}** instead of {}", other.outcome, usual.outcome));
        }
        let quoted = |said: Vec<&String>| {
            said.into_iter().map(|code| format!("`{code}`")).collect::<Vec<_>>().join(", ")
        };
        let more: Vec<&String> = other.said.difference(&usual.said).collect();
        let less: Vec<&String> = usual.said.difference(&other.said).collect();
        if !more.is_empty() {
            seen.push(format!("eipd says {} besides", quoted(more)));
        }
        if !less.is_empty() {
            seen.push(format!("eipd does not say {}", quoted(less)));
        }
        if !seen.is_empty() {
            lines.push(format!("\n  - {what}: {}", seen.join("; ")));
        }
    }
    if lines.is_empty() {
        return " nothing that a user could see is otherwise.\n".to_owned();
    }
    format!("{}\n", lines.concat())
}

/// Each pair of alternatives of any two beliefs that these combinations have.
pub fn pairs(all: impl IntoIterator<Item = Beliefs>) -> BTreeSet<[(usize, usize); 2]> {
    let mut pairs = BTreeSet::new();
    for beliefs in all {
        let choices: Vec<(usize, usize)> = beliefs.choices().into_iter().enumerate().collect();
        for (place, one) in choices.iter().enumerate() {
            pairs.extend(choices[..place].iter().map(|other| [*other, *one]));
        }
    }
    pairs
}

/// How many pairs there are.
pub fn possible_pairs() -> usize {
    let counts: Vec<usize> = Beliefs::all().iter().map(|belief| belief.alternatives.len()).collect();
    let of = |(place, count): (usize, &usize)| count * counts[..place].iter().sum::<usize>();
    counts.iter().enumerate().map(of).sum()
}

#[test]
fn pairs_are_counted_as_they_are() {
    assert_eq!(pairs([Beliefs::default()]).len(), Beliefs::all().len() * (Beliefs::all().len() - 1) / 2);
    let many = pairs((0..2000).map(Beliefs::draw));
    assert_eq!(many.len(), possible_pairs());
}
