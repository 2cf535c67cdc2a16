use std::collections::BTreeSet;

use fleetscore_crds::SensorKey;
use fleetscore_scorer::drawing::format;
use fleetscore_scorer::history::SensorRow;
use fleetscore_scorer::ledger::{ScoreSummary, SensorState};
use schemars::JsonSchema;
use serde::Serialize;

use crate::history::{RunTable, Series, TableLine};
use crate::links;
use crate::views::{Mood, Pager, Query, share};

/// Sensors on a page.
const PAGE: usize = 50;
/// Reasons to choose from.
const REASONS: usize = 40;
/// How sensors can be sorted.
pub const SORTS: [(&str, &str); 4] = [
    ("share", "Largest share of anomalies"),
    ("min", "Lowest score"),
    ("rows", "Fewest readings"),
    ("key", "Order of the plan"),
];

/// A page of a run's sensors.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Sensors {
    /// The sensors of this page.
    pub lines: Vec<SensorLine>,
    /// Which page of how many.
    pub pager: Pager,
    /// Reasons of failures and kinds of warnings, to filter by.
    pub reasons: Vec<String>,
    /// The order.
    pub sort: String,
    /// The reason that is asked for; empty: all.
    pub reason: String,
    /// The text that the key has to hold; empty: any.
    pub key: String,
    /// The query.
    #[serde(skip)]
    pub query: Query,
}

/// One sensor of a run.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SensorLine {
    /// The sensor's keys.
    #[schemars(with = "std::collections::BTreeMap<String, String>")]
    pub key: SensorKey,
    /// Whether it failed.
    pub failed: bool,
    /// Why, or what to look at.
    pub reasons: Vec<String>,
    /// Readings scored.
    pub rows: u64,
    /// Anomalies among them.
    pub anomalies: u64,
    /// `anomalies` / `rows`; absent without rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
    /// Range of the scores.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<ScoreSummary>,
    /// Address of its page.
    pub link: String,
}

impl SensorLine {
    fn new(series: &Series, row: &SensorRow) -> Self {
        Self {
            key: row.key.clone(),
            failed: row.state == SensorState::Failed,
            reasons: row.reason.iter().chain(&row.warnings).cloned().collect(),
            rows: row.rows,
            anomalies: row.anomalies,
            share: row.share(),
            score: row.score,
            link: links::sensor(series, &row.key),
        }
    }

    /// The key as text.
    pub fn title(&self) -> String {
        format::shortened(&self.key.to_string(), 120)
    }

    /// The reasons as text.
    pub fn reasons_text(&self) -> String {
        format::shortened(&self.reasons.join(", "), 120)
    }

    /// The mood.
    pub fn mood(&self) -> Mood {
        if self.failed {
            Mood::Bad
        } else if self.reasons.is_empty() {
            Mood::Good
        } else {
            Mood::Fair
        }
    }

    /// The share as text.
    pub fn share_text(&self) -> String {
        share(self.share)
    }

    /// The width of the share's bar.
    pub fn bar(&self) -> String {
        format!(
            "{:.1}%",
            self.share.unwrap_or_default().clamp(0.0, 1.0) * 100.0
        )
    }

    /// Readings as text.
    pub fn rows_text(&self) -> String {
        format::count(self.rows)
    }

    /// Anomalies as text.
    pub fn anomalies_text(&self) -> String {
        format::count(self.anomalies)
    }

    /// Lowest, mean and highest score as text.
    pub fn scores(&self) -> [String; 3] {
        self.score.map_or_else(
            || ["–", "–", "–"].map(String::from),
            |score| [score.min, score.mean, score.max].map(format::number),
        )
    }
}

impl Sensors {
    /// The sensors of `table` that `query` asks for.
    pub fn new(series: &Series, table: &RunTable, query: &Query) -> Self {
        let text = |name| query.get(name).unwrap_or_default().to_owned();
        let (reason, key) = (text("reason"), text("key"));
        let sort = query.one_of("sort", &SORTS.map(|(name, _)| name));
        let fits = |line: &&TableLine| {
            (reason.is_empty()
                || (reason == "failed" && line.failed)
                || line.reasons.contains(&reason))
                && (key.is_empty() || table.key(line).to_string().contains(&key))
        };
        let mut found: Vec<_> = table.lines().iter().filter(fits).collect();
        let low = |line: &TableLine| line.lowest.unwrap_or(f64::INFINITY);
        match sort {
            "share" => found.sort_by(|one, other| {
                let share = |line: &TableLine| line.share.unwrap_or(-1.0);
                share(other).total_cmp(&share(one))
            }),
            "min" => found.sort_by(|one, other| low(one).total_cmp(&low(other))),
            "rows" => found.sort_by_key(|line| line.rows),
            _ => {}
        }
        let pager = Pager::new(query, found.len(), PAGE);
        let reasons = table.lines().iter().flat_map(|line| line.reasons.iter());
        let reasons: BTreeSet<&String> = reasons.collect();
        let shown = found.iter().skip(pager.first()).take(PAGE);
        Self {
            lines: shown
                .filter_map(|line| Some(SensorLine::new(series, &table.row(line)?)))
                .collect(),
            pager,
            reasons: reasons.into_iter().take(REASONS).cloned().collect(),
            sort: sort.into(),
            reason,
            key,
            query: query.clone(),
        }
    }

    /// The choices of an order.
    pub fn sorts(&self) -> Vec<(&'static str, &'static str, bool)> {
        SORTS
            .map(|(name, words)| (name, words, name == self.sort))
            .into()
    }

    /// The choices of a reason.
    pub fn choices(&self) -> Vec<(String, bool)> {
        let choices = self.reasons.iter();
        choices
            .map(|reason| (reason.clone(), *reason == self.reason))
            .collect()
    }
}
