use fleetscore_crds::FailureReason;
use fleetscore_scorer::drawing::format;
use fleetscore_scorer::history::ReasonCount;
use fleetscore_scorer::ledger::WarningReason;
use fleetscore_scorer::report::advice::{self, Advice};
use fleetscore_scorer::report::{Example, Report};
use schemars::JsonSchema;
use serde::de::IntoDeserializer as _;
use serde::de::value::{Error, StrDeserializer};
use serde::{Deserialize as _, Serialize};

use crate::history::{Run, Series};
use crate::links;

/// Sensors that share a reason.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    /// The reason.
    pub reason: String,
    /// The reason in a few words.
    pub title: String,
    /// What to do.
    pub action: String,
    /// How many.
    pub count: u64,
    /// The first of them: the sensor, what happened, and the address of its page.
    pub examples: Vec<(String, String, String)>,
}

impl Group {
    /// The number as text.
    pub fn count_text(&self) -> String {
        format::count(self.count)
    }

    /// How many there are beyond the examples; empty where there are none.
    pub fn more(&self) -> String {
        match self.count.saturating_sub(self.examples.len() as u64) {
            0 => String::new(),
            more => format!("and {} more", format::count(more)),
        }
    }
}

/// Why sensors of `run` failed: with examples where there is a `report`.
pub fn failures(series: &Series, run: &Run, report: Option<&Report>) -> Vec<Group> {
    match report {
        Some(report) => (report.failures.iter())
            .map(|group| {
                let name = format!("{:?}", group.reason);
                let advice = Some(advice::failure(group.reason));
                Group::new(&name, advice, group.count, series, &group.examples)
            })
            .collect(),
        None => counts(series, &run.record.failures, |reason| {
            FailureReason::deserialize(reason).ok().map(advice::failure)
        }),
    }
}

/// What to look at though sensors of `run` were scored: with examples where there is a `report`.
pub fn warnings(series: &Series, run: &Run, report: Option<&Report>) -> Vec<Group> {
    match report {
        Some(report) => (report.warnings.iter())
            .map(|group| {
                let name = format!("{:?}", group.reason);
                let advice = Some(advice::warning(group.reason));
                Group::new(&name, advice, group.count, series, &group.examples)
            })
            .collect(),
        None => counts(series, &run.record.warnings, |reason| {
            WarningReason::deserialize(reason).ok().map(advice::warning)
        }),
    }
}

/// What a record alone knows.
fn counts(
    series: &Series,
    groups: &[ReasonCount],
    advice: impl Fn(StrDeserializer<'_, Error>) -> Option<Advice>,
) -> Vec<Group> {
    let groups = groups.iter();
    groups
        .map(|group| {
            let advice = advice(group.reason.as_str().into_deserializer());
            Group::new(&group.reason, advice, group.count, series, &[])
        })
        .collect()
}

impl Group {
    fn new(
        reason: &str,
        advice: Option<Advice>,
        count: u64,
        series: &Series,
        examples: &[Example],
    ) -> Self {
        let examples = examples.iter().map(|example| {
            let name = format::shortened(&example.sensor.to_string(), 120);
            let message = format::shortened(&example.message, 1000);
            (name, message, links::sensor(series, &example.sensor))
        });
        Self {
            reason: format::shortened(reason, 60),
            title: advice.map_or("", |advice| advice.title).into(),
            action: advice.map_or("", |advice| advice.action).into(),
            count,
            examples: examples.collect(),
        }
    }
}
