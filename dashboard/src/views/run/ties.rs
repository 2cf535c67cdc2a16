use std::sync::Arc;

use fleetscore_scorer::drawing::format;
use schemars::JsonSchema;
use serde::Serialize;

use crate::history::{Index, Run};
use crate::links;
use crate::views::{Mood, RunLine, minute};

/// Runs of a kind that are told.
const TOLD: usize = 20;

/// The runs that a run has to do with.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Ties {
    /// Address of the run before it in its schedule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub earlier: Option<String>,
    /// Address of the run after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub later: Option<String>,
    /// Other runs with the same namespace and name, newest first: the first 20.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub namesakes: Vec<Tie>,
    /// Whether it is the newest with its namespace and name.
    pub is_newest: bool,
    /// The run whose failed sensors it has scored again in place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retries: Option<Tie>,
    /// Runs that have scored its failed sensors again in place.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub retried_by: Vec<Tie>,
    /// A later run that wrote to the same place, so that reports, tables and logs there are no longer this one's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overwritten_by: Option<Tie>,
}

/// Another run.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tie {
    /// Its name.
    pub name: String,
    /// When it began, and how it ended.
    pub text: String,
    /// How that is.
    pub mood: Mood,
    /// Address of its page.
    pub link: String,
}

impl Tie {
    fn new(run: &Run) -> Self {
        let line = RunLine::new(run);
        Self {
            name: line.title(),
            text: format!(
                "{}, {}",
                minute(line.start_time),
                line.ended().to_lowercase()
            ),
            mood: line.mood(),
            link: links::run(run),
        }
    }
}

impl Ties {
    /// The ties of `run` to others in `index`.
    pub fn new(index: &Index, run: &Arc<Run>) -> Self {
        let own = &run.record.run;
        let siblings = index.of(&run.series());
        let is_own = |other: &Arc<Run>| Arc::ptr_eq(other, run);
        let position = siblings.iter().position(is_own);
        let earlier = position.and_then(|position| siblings.get(position + 1));
        let later = position.and_then(|position| siblings.get(position.checked_sub(1)?));
        let others = || index.runs.iter().filter(|other| !is_own(other));
        let namesakes = || {
            others().filter(|other| {
                other.namespace() == run.namespace() && other.record.run.name == own.name
            })
        };
        let here = || {
            others().filter(|other| {
                other.account == run.account && other.record.run.output == own.output
            })
        };
        let retries = own
            .retries
            .as_deref()
            .and_then(|name| here().find(|other| other.record.run.name == name));
        let retried_by =
            here().filter(|other| other.record.run.retries.as_deref() == Some(&own.name));
        let began = |run: &Run| run.record.timing.start_time;
        let overwritten = here().filter(|other| {
            other.record.run.retries.is_none() && own.retries.is_none() && began(other) > began(run)
        });
        let newest = index.find(run.namespace(), &own.name, None);
        Self {
            earlier: earlier.map(|run| links::run(run)),
            later: later.map(|run| links::run(run)),
            namesakes: namesakes().take(TOLD).map(|run| Tie::new(run)).collect(),
            is_newest: newest.is_some_and(is_own),
            retries: retries.map(|run| Tie::new(run)),
            retried_by: retried_by.take(TOLD).map(|run| Tie::new(run)).collect(),
            overwritten_by: overwritten
                .min_by_key(|run| began(run))
                .map(|run| Tie::new(run)),
        }
    }

    /// How many runs share its name, in words; empty where none does.
    pub fn namesakes_text(&self) -> String {
        let count = format::counted(self.namesakes.len() as u64, "other run");
        match (self.namesakes.len(), self.is_newest) {
            (0, _) => String::new(),
            (_, true) => format!("This is the newest run of its name; there are {count}"),
            (_, false) => format!("This is not the newest run of its name; there are {count}"),
        }
    }
}
