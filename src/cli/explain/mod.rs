//! `eipd explain`: everything known of a function, an interface or an address, and why it is as it is. Observes once, as
//! `plan` does, and changes nothing; what happened lately a running daemon tells, if there is one.

mod lately;
mod subject;
#[cfg(test)]
mod tests;
mod text;

use std::collections::BTreeSet;
use std::sync::Arc;

use clap::Args;
use futures_util::future::join_all;
use jiff::Timestamp;
use serde::Serialize;

use super::exit::Exit;
use super::sight::{self, Sight};
use super::status::answer::StatusAnswer;
use super::url::{BaseUrl, UrlArgs};
use super::{ConfigArgs, Error, Format, block_on, http, output, render};
use crate::domain::explain::{Facts, Region, Story, Subject, explain};
use crate::domain::ids::{AccountId, TargetName};
use crate::domain::observed::Observed;
use crate::domain::roster::Roster;
use lately::Lately;
use subject::Asked;

/// Tell everything known of a function, interface or address, and why it is as it is
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Explain {
    #[command(flatten)]
    config: ConfigArgs,
    /// A function (name, name:qualifier or ARN), eni-…, eipalloc-… or a public IPv4 address
    #[arg(value_name = "ID", value_parser = subject::parse)]
    asked: Asked,
    #[command(flatten)]
    url: UrlArgs,
    /// How to answer
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

const AFTER_HELP: &str = "\
Examples:
  eipd explain billing
  eipd explain eni-0123456789abcdef0      which functions use it, and what it carries
  eipd explain 198.51.100.7               who leaves from it
  eipd explain eipalloc-0123456789abcdef0 --format json

It observes once and changes nothing. What happened lately it asks of a running daemon; without one it says so.
Exit codes: 0 told, 1 not known anywhere or could not tell.";

/// The whole answer.
#[derive(Serialize)]
struct Answer {
    id: String,
    at: Timestamp,
    targets: Vec<Told>,
    daemon: Lately,
}

/// What is told of one target.
#[derive(Serialize)]
struct Told {
    target: TargetName,
    region: String,
    #[serde(flatten)]
    story: Story,
    /// What could not be seen, so that the story may lack something.
    gaps: Vec<String>,
}

/// What looking at one target came to.
struct Looked {
    target: TargetName,
    region: String,
    story: Option<Story>,
    is_declared: bool,
    gaps: Vec<String>,
}

impl Explain {
    /// Observes once and prints what is known.
    pub(super) fn run(self) -> Result<Exit, Error> {
        let base = self.url.base()?;
        let (looked, answer) = block_on(async {
            let looked = async {
                let sights = sight::all(self.config.file()).await?;
                Ok::<_, Error>(join_all(sights.into_iter().map(|sight| look(&self.asked, sight))).await)
            };
            let (looked, answer) = tokio::join!(looked, ask(&base));
            Ok((looked?, answer))
        })?;
        let gaps: BTreeSet<&String> = looked.iter().flat_map(|looked| &looked.gaps).collect();
        gaps.iter().for_each(|gap| output::remark(&render::failure(gap)));
        let unknown = unknown(&self.asked, &looked);
        let any_declares = looked.iter().any(|looked| looked.is_declared);
        let told = looked.into_iter().filter(|looked| looked.is_declared || !any_declares);
        let targets: Vec<Told> = told.filter_map(Looked::told).collect();
        if targets.is_empty() {
            output::remark(&unknown);
            return Ok(Exit::CouldNotTell);
        }
        let stories: Vec<_> = targets.iter().map(|told| (&told.target, &told.story)).collect();
        let url = base.to_string();
        let daemon = match answer {
            Ok(answer) => Lately::of(url, &answer, &stories),
            Err(error) => Lately { url, trouble: Some(error.to_string()), ..Lately::default() },
        };
        let answer = Answer { id: self.asked.text, at: Timestamp::now(), targets, daemon };
        match self.format {
            Format::Text => output::text(&text::answer(&answer))?,
            Format::Json => output::json(&answer)?,
        }
        Ok(Exit::Good)
    }
}

impl Looked {
    fn told(self) -> Option<Told> {
        let Self { target, region, gaps, .. } = self;
        self.story.map(|story| Told { target, region, story, gaps })
    }
}

/// What a running daemon says.
async fn ask(base: &BaseUrl) -> Result<StatusAnswer, Error> {
    let answer = http::get(base, "/status").await?.good()?;
    serde_json::from_slice(&answer.body).map_err(|source| Error::NotAStatus { url: answer.url, source })
}

/// What a target knows of the subject.
async fn look(asked: &Asked, sight: Sight) -> Looked {
    let Sight { target, region, desired, report, observed, .. } = &sight;
    let mut looked = Looked {
        target: target.clone(),
        region: region.clone(),
        story: None,
        is_declared: false,
        gaps: report.failures.clone(),
    };
    let is_elsewhere = |(stated, account): &(String, AccountId)| {
        stated != region || observed.as_ref().is_some_and(|observed| observed.account != *account)
    };
    let Some(mut observed) = observed.clone() else { return looked };
    if asked.home.as_ref().is_some_and(is_elsewhere) {
        return looked;
    }
    let region = supplement(&asked.subject, &sight, &mut observed, &mut looked.gaps).await;
    looked.gaps.extend(observed.gaps.iter().map(ToString::to_string));
    let facts = Facts {
        desired,
        observed: &observed,
        plan: &report.plan,
        region: &region,
        mode: sight.mode,
        take_from: sight.take_from,
        breaker: report.breaker,
    };
    looked.story = explain(&asked.subject, &facts);
    looked.is_declared = match &looked.story {
        Some(Story::Function(story)) => story.declared,
        Some(Story::Address(story)) => !story.pools.is_empty(),
        Some(Story::Interface(story)) => !story.functions.is_empty(),
        None => false,
    };
    looked
}

/// Reads what a pass has no need of: what nobody declared. Who uses an interface the pass has listed; where the list was not
/// ready, it is waited for here.
async fn supplement(
    subject: &Subject,
    sight: &Sight,
    observed: &mut Observed,
    gaps: &mut Vec<String>,
) -> Region {
    let mut region = Region::default();
    match subject {
        Subject::Function(function) if !observed.functions.contains_key(function) => {
            match sight.reads.function(function).await {
                Ok(observation) => {
                    observed.functions.insert(function.clone(), observation);
                }
                Err(error) => gaps.push(error.to_string()),
            }
        }
        Subject::Address(allocation) if !observed.addresses.contains_key(allocation) => {
            let addresses = sight.reads.addresses(&[allocation.clone()].into()).await;
            observed.addresses.extend(addresses.found.into_iter().map(|a| (a.allocation.clone(), a)));
            gaps.extend(addresses.errors.iter().map(ToString::to_string));
        }
        Subject::Interface(id) if observed.interfaces.contains_key(id) => {
            region.roster = match &observed.roster {
                Some(roster) => Arc::clone(roster),
                None => {
                    let versions = sight.reads.versions().await;
                    region.gaps = versions.errors.iter().map(ToString::to_string).collect();
                    Arc::new(Roster::of(versions.found))
                }
            };
        }
        Subject::Function(_) | Subject::Address(_) | Subject::Interface(_) | Subject::PublicIp(_) => {}
    }
    region
}

/// Where it was looked for in vain, and what to look at.
fn unknown(asked: &Asked, looked: &[Looked]) -> String {
    let places = looked.iter().map(|looked| format!("{} ({})", looked.target, looked.region));
    let hint = match asked.subject {
        Subject::Function(_) => "check its spelling, and whether a target has its account and region",
        Subject::Interface(_) => "only interfaces of Lambda are known, while they exist",
        Subject::Address(_) => "check the id, and whether a target has its account and region",
        Subject::PublicIp(_) => {
            "of undeclared addresses only those on interfaces of Lambda are known; ask by its allocation"
        }
    };
    let places = places.collect::<Vec<_>>().join(", ");
    if looked.iter().any(|looked| !looked.gaps.is_empty()) {
        return render::failure(&format!("whether `{}` is known in {places} could not be told", asked.text));
    }
    render::failure(&format!("`{}` is not known in {places}; hint: {hint}", asked.text))
}
