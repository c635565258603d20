//! A target's interfaces by function, and within by subnet. A shared interface stands under the first of its functions;
//! the others refer to it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::interface::{Line, Mark};
use super::style::{HEAD, paint};
use super::words::{count, plain, some_of};
use super::{Detail, Outcomes, collapse};
use crate::domain::function::{FunctionRef, Pair};
use crate::domain::observed::InterfaceStatus;
use crate::domain::plan::InterfacePlan;
use crate::domain::report::Report;

/// A part of the text that an empty line follows.
pub(super) enum Section<'a> {
    /// A function and its interfaces.
    Function(Function<'a>),
    /// Functions all of whose interfaces are shown under the same others.
    Guests {
        /// They, in order.
        functions: Vec<FunctionRef>,
        /// How many interfaces are shown under which other function.
        elsewhere: BTreeMap<&'a FunctionRef, usize>,
    },
    /// Functions without any change, and how many interfaces they have.
    Quiet { functions: usize, interfaces: usize },
}

/// A function and its interfaces.
pub(super) struct Function<'a> {
    name: &'a FunctionRef,
    groups: Vec<Group<'a>>,
    /// How many interfaces are shown under which other function.
    elsewhere: BTreeMap<&'a FunctionRef, usize>,
    /// Whether one of those does not stay as it is.
    shares_news: bool,
    counts_kept: bool,
}

/// The interfaces of one function with the same subnet and security groups.
struct Group<'a> {
    first: &'a InterfacePlan,
    names_security_groups: bool,
    /// How many of the interfaces serve.
    serving: usize,
    lines: Vec<Line<'a>>,
}

#[derive(Default)]
struct Gathered<'a> {
    pairs: BTreeMap<&'a Pair, Vec<&'a InterfacePlan>>,
    elsewhere: BTreeMap<&'a FunctionRef, usize>,
    shares_news: bool,
}

/// The sections of a target, in the order of the functions' names; what is only counted comes last.
pub(super) fn sections<'a>(report: &'a Report, outcomes: &Outcomes<'_>, detail: Detail) -> Vec<Section<'a>> {
    let functions = gather(report, outcomes)
        .into_iter()
        .map(|(name, gathered)| Function::new(name, gathered, outcomes, detail));
    let (quiet, changed): (Vec<_>, Vec<_>) = functions.partition(Function::is_quiet);
    if collapse::functions(detail, quiet.len()) {
        let interfaces = quiet.iter().map(Function::kept).sum();
        let counted = Section::Quiet { functions: quiet.len(), interfaces };
        return with_guests_together(changed, detail).into_iter().chain([counted]).collect();
    }
    let mut functions: Vec<Function<'_>> = changed.into_iter().chain(quiet).collect();
    functions.sort_by_key(|function| function.name);
    with_guests_together(functions, detail)
}

/// What can be said of many functions at once is said once, below the functions that it refers to.
fn with_guests_together(functions: Vec<Function<'_>>, detail: Detail) -> Vec<Section<'_>> {
    let mut guests: BTreeMap<BTreeMap<&FunctionRef, usize>, Vec<FunctionRef>> = BTreeMap::new();
    for function in functions.iter().filter(|function| function.groups.is_empty()) {
        guests.entry(function.elsewhere.clone()).or_default().push(function.name.clone());
    }
    guests.retain(|_, functions| collapse::guests(detail, functions.len()));
    let alone = functions
        .into_iter()
        .filter(|function| !(function.groups.is_empty() && guests.contains_key(&function.elsewhere)));
    let mut sections: Vec<_> = alone.map(Section::Function).collect();
    let together = guests.into_iter().map(|(elsewhere, functions)| Section::Guests { functions, elsewhere });
    sections.extend(together);
    sections
}

fn gather<'a>(report: &'a Report, outcomes: &Outcomes<'_>) -> BTreeMap<&'a FunctionRef, Gathered<'a>> {
    let mut functions: BTreeMap<&'a FunctionRef, Gathered<'a>> = BTreeMap::new();
    for interface in &report.plan.interfaces {
        let (first, others) = interface
            .functions
            .split_first()
            .expect("an interface is in the plan because a function uses it");
        functions.entry(first).or_default().pairs.entry(&interface.pair).or_default().push(interface);
        let mark = Line::of(interface, outcomes.get(&interface.network_interface_id).copied()).mark;
        for other in others {
            let gathered = functions.entry(other).or_default();
            *gathered.elsewhere.entry(first).or_default() += 1;
            gathered.shares_news |= mark != Mark::Keeps;
        }
    }
    functions
}

impl<'a> Function<'a> {
    fn new(name: &'a FunctionRef, gathered: Gathered<'a>, outcomes: &Outcomes<'_>, detail: Detail) -> Self {
        let security_groups: BTreeSet<_> = gathered.pairs.keys().map(|pair| &pair.security_groups).collect();
        let names_security_groups = security_groups.len() > 1;
        let groups = gathered.pairs.into_values().filter_map(|interfaces| {
            let line = |interface: &&'a InterfacePlan| {
                Line::of(interface, outcomes.get(&interface.network_interface_id).copied())
            };
            let lines = interfaces.iter().map(line).collect();
            let serving = interfaces.iter().filter(|i| i.status == InterfaceStatus::InUse).count();
            Some(Group { first: interfaces.first()?, names_security_groups, serving, lines })
        });
        let mut function = Self {
            name,
            groups: groups.collect(),
            elsewhere: gathered.elsewhere,
            shares_news: gathered.shares_news,
            counts_kept: false,
        };
        function.counts_kept = collapse::interfaces(detail, function.kept());
        function
    }

    /// How many of its own interfaces stay as they are.
    fn kept(&self) -> usize {
        self.groups.iter().map(Group::kept).sum()
    }

    fn is_quiet(&self) -> bool {
        !self.shares_news && self.groups.iter().all(Group::is_quiet)
    }

    fn write_title(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", paint(HEAD, self.name))?;
        match self.groups.first().map(|group| group.first.pool.as_str()) {
            Some(pool) if pool != self.name.name() => writeln!(f, " (pool {pool})"),
            _ => writeln!(f),
        }
    }
}

impl fmt::Display for Function<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_title(f)?;
        let (counted, shown): (Vec<_>, Vec<_>) =
            self.groups.iter().partition(|group| self.counts_kept && group.is_quiet());
        for group in shown {
            group.write(f, self.counts_kept)?;
        }
        if !counted.is_empty() {
            let kept = counted.iter().map(|group| group.kept()).sum();
            write_kept(f, 2, &format!("{} unchanged", count(counted.len(), "subnet", "subnets")), kept)?;
        }
        write_elsewhere(f, "shares", &self.elsewhere)
    }
}

fn write_elsewhere(
    f: &mut fmt::Formatter<'_>,
    verb: &str,
    elsewhere: &BTreeMap<&FunctionRef, usize>,
) -> fmt::Result {
    elsewhere.iter().try_for_each(|(first, interfaces)| {
        let shared = count(*interfaces, "interface", "interfaces");
        writeln!(f, "  {verb} {shared} with {first}, shown there")
    })
}

impl Group<'_> {
    fn kept(&self) -> usize {
        self.lines.iter().filter(|line| line.mark == Mark::Keeps).count()
    }

    fn is_quiet(&self) -> bool {
        self.kept() == self.lines.len()
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, counts_kept: bool) -> fmt::Result {
        write!(f, "  {}", self.first.pair.subnet)?;
        if let Some(zone) = &self.first.zone {
            write!(f, " ({})", plain(zone))?;
        }
        if self.names_security_groups {
            write!(f, " with {}", self.first.pair.security_groups)?;
        }
        if let Some((_, others @ [_, ..])) = self.first.functions.split_first() {
            write!(f, ", also serves {}", some_of(others))?;
        }
        if let Some(strangers @ [_, ..]) = self.first.bystanders.as_deref() {
            write!(f, ", used by {} too, not declared", some_of(strangers))?;
        }
        match self.serving.saturating_sub(1) {
            0 => {}
            overflow => write!(f, ", {}", count(overflow, "overflow interface", "overflow interfaces"))?,
        }
        writeln!(f)?;
        let shown: Vec<&Line<'_>> =
            self.lines.iter().filter(|line| !(counts_kept && line.mark == Mark::Keeps)).collect();
        for (index, line) in shown.iter().enumerate() {
            line.write(f, shown.get(index + 1).copied())?;
        }
        match self.lines.len() - shown.len() {
            0 => Ok(()),
            kept => write_kept(f, 4, "unchanged", kept),
        }
    }
}

impl fmt::Display for Section<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Function(function) => function.fmt(f),
            Self::Guests { functions, elsewhere } => {
                writeln!(f, "{}", paint(HEAD, some_of(functions)))?;
                write_elsewhere(f, "share", elsewhere)
            }
            Self::Quiet { functions, interfaces } => {
                let unchanged = count(*functions, "function", "functions");
                write_kept(f, 0, &format!("{unchanged} unchanged"), *interfaces)
            }
        }
    }
}

fn write_kept(f: &mut fmt::Formatter<'_>, indent: usize, what: &str, interfaces: usize) -> fmt::Result {
    let mark = paint(Mark::Keeps.style(), Mark::Keeps.sign());
    let keep = if interfaces == 1 { "keeps its address" } else { "keep their addresses" };
    writeln!(f, "{:indent$}{mark} {what}: {} {keep}", "", count(interfaces, "interface", "interfaces"))
}
