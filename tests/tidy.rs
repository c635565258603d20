//! The house rules that a compiler does not know, read off the source: which room may use which, that the domain is
//! pure, and that files and functions stay small enough to be read. Knows nothing of the `eipd` crate itself; works
//! on tokens, so that comments and texts are never taken for code, and code inside macros is.

use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

const LINES_PER_FILE_MAX: usize = 500;
const LINES_PER_FUNCTION_MAX: usize = 70;
const VAGUE_NAMES: [&str; 4] = ["utils", "common", "helpers", "manager"];

/// The rooms of the crate, each with what it may use besides itself: a room, or one module of a room.
const ROOMS: [(&str, &[&str]); 7] = [
    ("domain", &[]),
    ("config", &["domain"]),
    ("reconcile", &["domain"]),
    ("aws", &["domain", "reconcile::ports"]),
    ("events", &["domain", "reconcile::ports"]),
    ("telemetry", &["domain", "reconcile::ports"]),
    ("cli", &["domain", "config", "reconcile", "aws", "events", "telemetry"]),
];

/// A file of ours.
struct Source {
    /// Its path from the root of the repository, with `/`.
    path: String,
    text: String,
    /// Nothing for a file that is not Rust.
    tokens: Option<TokenStream>,
}

/// A name with what leads to it, as the code spells it: `crate::domain::ids`.
struct Name {
    line: usize,
    segments: Vec<String>,
    is_called: bool,
}

impl Source {
    fn new(path: &str, text: &str) -> Self {
        let tokens = path.ends_with(".rs").then(|| {
            TokenStream::from_str(text).unwrap_or_else(|error| panic!("{path} is not Rust: {error}"))
        });
        Self { path: path.to_owned(), text: text.to_owned(), tokens }
    }

    /// The modules that lead to this file from the root of the crate; nothing outside `src`.
    fn module(&self) -> Option<Vec<&str>> {
        let path = self.path.strip_prefix("src/")?.strip_suffix(".rs")?;
        let mut module: Vec<&str> = path.split('/').collect();
        if module.last() == Some(&"mod") {
            module.pop();
        }
        Some(module)
    }

    fn names(&self) -> Vec<Name> {
        let mut names = Vec::new();
        if let Some(tokens) = &self.tokens {
            collect_names(tokens.clone(), &[], &mut names);
        }
        names
    }

    fn complaint(&self, line: usize, what: &str) -> String {
        format!("{}:{line}: {what}", self.path)
    }
}

fn collect_names(tokens: TokenStream, prefix: &[String], names: &mut Vec<Name>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut at = 0;
    while at < tokens.len() {
        match &tokens[at] {
            TokenTree::Ident(ident) => {
                let line = ident.span().start().line;
                let mut segments = prefix.to_vec();
                segments.push(ident.to_string());
                at += 1;
                while let Some(next) = after_colons(&tokens, at) {
                    match next {
                        TokenTree::Ident(ident) => segments.push(ident.to_string()),
                        TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
                            collect_names(group.stream(), &segments, names);
                            segments.clear();
                        }
                        _ => break,
                    }
                    at += 3;
                }
                if !segments.is_empty() {
                    let is_called = is_group(tokens.get(at), Delimiter::Parenthesis);
                    names.push(Name { line, segments, is_called });
                }
            }
            TokenTree::Group(group) => {
                collect_names(group.stream(), &[], names);
                at += 1;
            }
            TokenTree::Punct(_) | TokenTree::Literal(_) => at += 1,
        }
    }
}

fn after_colons(tokens: &[TokenTree], at: usize) -> Option<&TokenTree> {
    let is_colon = |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ':');
    (tokens.get(at).is_some_and(is_colon) && tokens.get(at + 1).is_some_and(is_colon))
        .then(|| tokens.get(at + 2))
        .flatten()
}

fn is_group(token: Option<&TokenTree>, delimiter: Delimiter) -> bool {
    matches!(token, Some(TokenTree::Group(group)) if group.delimiter() == delimiter)
}

/// In `domain` there is no SDK, no runtime, no clock, no log and no environment.
fn domain_is_pure(source: &Source) -> Vec<String> {
    let in_domain = source.module().is_some_and(|module| module.first() == Some(&"domain"));
    if !in_domain {
        return Vec::new();
    }
    let trouble = |name: &Name| {
        let any = |wanted: &[&str]| name.segments.iter().any(|segment| wanted.contains(&segment.as_str()));
        let is_clock = any(&["SystemTime", "Instant"])
            || (name.is_called && name.segments.last().is_some_and(|last| last == "now"));
        if name.segments.iter().any(|segment| segment.starts_with("aws_")) {
            Some("an SDK in the domain; convert to a domain type in `aws`")
        } else if any(&["tokio", "async", "await"]) {
            Some("a runtime in the domain; do the waiting in `reconcile`")
        } else if is_clock {
            Some("a clock in the domain; take the time as an argument")
        } else if any(&["tracing", "prometheus"]) {
            Some("telemetry in the domain; return a value that says it")
        } else if name.segments.windows(2).any(|pair| pair[0] == "std" && pair[1] == "env") {
            Some("the environment in the domain; read it in `config` and take it as an argument")
        } else {
            None
        }
    };
    let names = source.names();
    let troubles =
        names.iter().filter_map(|name| Some((name.line, trouble(name)?, name.segments.join("::"))));
    troubles.map(|(line, what, name)| source.complaint(line, &format!("`{name}` is {what}"))).collect()
}

/// Each room uses only what it may.
fn rooms_keep_their_distance(source: &Source) -> Vec<String> {
    let Some(module) = source.module() else { return Vec::new() };
    let room = module[0];
    if ["lib", "main"].contains(&room) {
        return Vec::new();
    }
    let Some((_, allowed)) = ROOMS.iter().find(|(name, _)| *name == room) else {
        let what = format!("`{room}` is no known room; add it to ROOMS with what it may use");
        return vec![source.complaint(1, &what)];
    };
    let mut complaints = Vec::new();
    for name in source.names() {
        let Some(path) = from_the_root(&module, &name.segments) else { continue };
        let is_room = ROOMS.iter().any(|(other, _)| Some(*other) == path.first().copied());
        if !is_room || path[0] == room {
            continue;
        }
        let is_allowed = allowed.iter().any(|allowed| {
            let allowed: Vec<&str> = allowed.split("::").collect();
            path.starts_with(&allowed)
        });
        if !is_allowed {
            let may = if allowed.is_empty() { "no other room".to_owned() } else { allowed.join(", ") };
            let what =
                format!("`{room}` uses `{}`, but may use {may}; let `cli` pass it in", path.join("::"));
            complaints.push(source.complaint(name.line, &what));
        }
    }
    complaints
}

/// The path from the root of the crate; nothing for a name that does not say where it is.
fn from_the_root<'a>(module: &[&'a str], segments: &'a [String]) -> Option<Vec<&'a str>> {
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    match segments.as_slice() {
        ["crate" | "eipd", rest @ ..] => Some(rest.to_vec()),
        ["super", ..] => {
            let supers = segments.iter().take_while(|segment| **segment == "super").count();
            let mut path = module[..module.len().saturating_sub(supers)].to_vec();
            path.extend(&segments[supers..]);
            Some(path)
        }
        _ => None,
    }
}

fn files_are_short(source: &Source) -> Vec<String> {
    let lines = source.text.lines().count();
    let what = format!("{lines} lines, but at most {LINES_PER_FILE_MAX}; split it by what it is about");
    if lines > LINES_PER_FILE_MAX { vec![source.complaint(lines, &what)] } else { Vec::new() }
}

fn functions_are_short(source: &Source) -> Vec<String> {
    let mut functions = Vec::new();
    if let Some(tokens) = &source.tokens {
        collect_functions(tokens.clone(), &mut functions);
    }
    let long = functions.into_iter().filter(|(_, _, lines)| *lines > LINES_PER_FUNCTION_MAX);
    let complain = |(name, line, lines): (String, usize, usize)| {
        let what = format!(
            "`{name}` has {lines} lines, but at most {LINES_PER_FUNCTION_MAX}; give its steps names of their own"
        );
        source.complaint(line, &what)
    };
    long.map(complain).collect()
}

/// Every function with its line and its length, from `fn` to the closing brace.
fn collect_functions(tokens: TokenStream, functions: &mut Vec<(String, usize, usize)>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    for (at, token) in tokens.iter().enumerate() {
        if let TokenTree::Group(group) = token {
            collect_functions(group.stream(), functions);
        }
        let (TokenTree::Ident(keyword), Some(TokenTree::Ident(name))) = (token, tokens.get(at + 1)) else {
            continue;
        };
        if let Some(body) = (keyword == "fn").then(|| body_after(&tokens[at..])).flatten() {
            let first = keyword.span().start().line;
            let last = body.span_close().end().line;
            functions.push((name.to_string(), first, last + 1 - first));
        }
    }
}

fn body_after(tokens: &[TokenTree]) -> Option<&Group> {
    let ends = |token: &&TokenTree| {
        matches!(token, TokenTree::Punct(punct) if punct.as_char() == ';')
            || is_group(Some(token), Delimiter::Brace)
    };
    match tokens.iter().find(ends) {
        Some(TokenTree::Group(body)) => Some(body),
        _ => None,
    }
}

fn files_say_what_they_are(source: &Source) -> Vec<String> {
    if source.tokens.is_none() || source.text.starts_with("//!") {
        return Vec::new();
    }
    vec![source.complaint(1, "no head; begin with `//!`, what the file does and what it never does")]
}

fn names_say_something(source: &Source) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut judge = |name: &str, line| {
        if VAGUE_NAMES.contains(&name) {
            let what = format!("`{name}` says nothing; name the module after what it is about");
            complaints.push(source.complaint(line, &what));
        }
    };
    for part in source.path.split(['/', '.']) {
        judge(part, 1);
    }
    let names = source.names();
    for pair in names.windows(2).filter(|pair| pair[0].segments == ["mod"]) {
        judge(&pair[1].segments[0], pair[1].line);
    }
    complaints
}

/// Every Rust and Python file of the repository; what tools put there is not ours.
fn sources() -> Vec<Source> {
    fn visit(folder: &Path, paths: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).expect("a folder of the repository is readable") {
            let path = entry.expect("an entry of the repository is readable").path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if path.is_dir() {
                let is_ours = name != "target" && !name.starts_with('.') && !path.join("pyvenv.cfg").exists();
                if is_ours {
                    visit(&path, paths);
                }
            } else if name.ends_with(".rs") || name.ends_with(".py") {
                paths.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    visit(root, &mut paths);
    paths.sort();
    let read = |path: &PathBuf| {
        let relative = path.strip_prefix(root).expect("found below the root");
        let text = fs::read_to_string(path).expect("a source file is readable text");
        Source::new(&relative.to_string_lossy().replace('\\', "/"), &text)
    };
    paths.iter().map(read).collect()
}

fn assert_tidy(rule: fn(&Source) -> Vec<String>) {
    let sources = sources();
    assert!(sources.iter().any(|source| source.path == "src/lib.rs"), "the source was not found");
    let complaints: Vec<String> = sources.iter().flat_map(rule).collect();
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn the_domain_is_pure() {
    assert_tidy(domain_is_pure);
}

#[test]
fn the_rooms_keep_their_distance() {
    assert_tidy(rooms_keep_their_distance);
}

#[test]
fn every_file_is_short() {
    assert_tidy(files_are_short);
}

#[test]
fn every_function_is_short() {
    assert_tidy(functions_are_short);
}

#[test]
fn every_file_says_what_it_is() {
    assert_tidy(files_say_what_they_are);
}

#[test]
fn every_name_says_something() {
    assert_tidy(names_say_something);
}

mod rules_can_fail {
    //! Each rule on a snippet that breaks it, and on one that looks alike and does not.

    use super::*;

    fn lines(rule: fn(&Source) -> Vec<String>, path: &str, text: &str) -> Vec<usize> {
        let line = |complaint: String| complaint.split(':').nth(1).and_then(|line| line.parse().ok());
        rule(&Source::new(path, text)).into_iter().filter_map(line).collect()
    }

    #[test]
    fn purity() {
        let impure = [
            "use aws_sdk_ec2::Client;",
            "fn f() { tokio::spawn(g()); }",
            "async fn f() {}",
            "fn f() { g().await }",
            "fn f() { let t = Timestamp::now(); }",
            "fn f(clock: C) { clock.now(); }",
            "use std::time::{Duration, SystemTime};",
            "use std::{env, fmt};",
            "fn f() { std::env::var(\"X\"); }",
            "fn f() { vec![tracing::info!(\"x\")]; }",
            "use prometheus::Counter;",
        ];
        for text in impure {
            assert_eq!(lines(domain_is_pure, "src/domain/plan.rs", &format!("\n{text}")), [2], "{text}");
            assert!(lines(domain_is_pure, "src/aws/act.rs", text).is_empty(), "{text}");
        }
        let pure =
            "//! No tokio, no now().\n/// Not async.\nfn f(now: Timestamp) { g(now, \"aws_x tokio\") }";
        assert!(lines(domain_is_pure, "src/domain/plan.rs", pure).is_empty());
    }

    #[test]
    fn distance() {
        let bad = [
            ("src/domain/plan.rs", "use crate::aws::observe;"),
            ("src/domain/plan.rs", "use crate::{domain::ids, config};"),
            ("src/domain/plan.rs", "use super::super::telemetry::Metrics;"),
            ("src/domain/mod.rs", "use super::reconcile::ports;"),
            ("src/reconcile/pass.rs", "fn f() { vec![crate::cli::run()]; }"),
            ("src/config/mod.rs", "use crate::reconcile::ports::Clock;"),
            ("src/aws/act/mod.rs", "use crate::reconcile::{ports, pass};"),
            ("src/events/queue.rs", "use crate::aws::convert;"),
            ("src/telemetry/http.rs", "use crate::reconcile;"),
            ("src/attic/mod.rs", "fn f() {}"),
        ];
        for (path, text) in bad {
            assert_eq!(lines(rooms_keep_their_distance, path, text), [1], "{path}: {text}");
        }
        let good = [
            ("src/domain/plan.rs", "use crate::domain::ids; use super::drift; // crate::aws\n"),
            ("src/domain/plan.rs", "fn f() { let aws = \"crate::aws\"; aws::f() }"),
            ("src/aws/act/mod.rs", "use crate::reconcile::ports::{Changes, Reads}; use super::convert;"),
            ("src/telemetry/http.rs", "use crate::{domain::{plan, report}, reconcile::ports};"),
            ("src/cli/run.rs", "use crate::{aws, config, domain, events, reconcile::driver, telemetry};"),
            ("src/main.rs", "use eipd::cli;"),
            ("tests/it/main.rs", "use eipd::aws;"),
        ];
        for (path, text) in good {
            assert!(lines(rooms_keep_their_distance, path, text).is_empty(), "{path}: {text}");
        }
    }

    #[test]
    fn length_of_files() {
        assert_eq!(lines(files_are_short, "tests/x.py", &"x = 1\n".repeat(501)), [501]);
        assert!(lines(files_are_short, "tests/x.py", &"x = 1\n".repeat(500)).is_empty());
    }

    #[test]
    fn length_of_functions() {
        let function = |lines: usize| format!("\nfn f() -> fn() {{\n{}}}\n", "    g();\n".repeat(lines - 2));
        assert_eq!(lines(functions_are_short, "src/lib.rs", &function(71)), [2]);
        assert!(lines(functions_are_short, "src/lib.rs", &function(70)).is_empty());
        let within = |text: String| format!("proptest! {{\nimpl X {{ {text} }}\n}}");
        assert_eq!(lines(functions_are_short, "src/lib.rs", &within(function(71))), [3]);
        let declared = format!("trait T {{ fn f(); }} mod m {{\n{}}}", "    const X: u8 = 0;\n".repeat(90));
        assert!(lines(functions_are_short, "src/lib.rs", &declared).is_empty());
    }

    #[test]
    fn heads() {
        assert_eq!(lines(files_say_what_they_are, "src/x.rs", "use std::fmt;"), [1]);
        assert!(lines(files_say_what_they_are, "src/x.rs", "//! What it does.\n").is_empty());
        assert!(lines(files_say_what_they_are, "tests/x.py", "import os").is_empty());
    }

    #[test]
    fn vague_names() {
        for path in ["src/domain/utils.rs", "tests/common/mod.rs", "tests/helpers.py"] {
            assert_eq!(lines(names_say_something, path, ""), [1], "{path}");
        }
        assert_eq!(lines(names_say_something, "src/lib.rs", "\npub mod manager {}"), [2]);
        assert!(lines(names_say_something, "src/lib.rs", "fn f(common: u8) { helpers(common) }").is_empty());
    }
}
