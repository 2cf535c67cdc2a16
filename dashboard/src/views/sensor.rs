use fleetscore_crds::SensorKey;
use fleetscore_scorer::drawing::format;
use fleetscore_scorer::ledger::{ScoreSummary, SensorState};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::shared::{minute, share};
use super::{Mood, SeriesName, Tile, VERSION};
use crate::history::{Past, Series};
use crate::links;

/// One sensor over the runs of its schedule.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SensorView {
    /// Version of this format: 1.
    pub version: u32,
    /// The sensor's keys.
    #[schemars(with = "std::collections::BTreeMap<String, String>")]
    pub key: SensorKey,
    /// Its schedule.
    pub series: SeriesName,
    /// Address of this page.
    pub link: String,
    /// The numbers on top.
    pub tiles: Vec<Tile>,
    /// The newest 168 runs, oldest first.
    pub runs: Vec<SensorRun>,
    /// The run whose readings are drawn, by its position in `runs`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drawn: Option<usize>,
    /// Where the readings that are drawn come from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Why no readings are drawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undrawn: Option<String>,
    /// The drawing as SVG.
    #[serde(skip)]
    pub plot: Option<String>,
}

/// One sensor in one run.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SensorRun {
    /// The run.
    pub run: String,
    /// Address of the run's page.
    pub link: String,
    /// The end of the run's readings, without a window its start.
    pub at: Timestamp,
    /// What became of the sensor: `Succeeded`, `Failed`; absent where the run had no such sensor or its table cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<SensorState>,
    /// Why it failed, what to look at, or why nothing can be told.
    pub reasons: Vec<String>,
    /// Readings scored.
    pub rows: u64,
    /// Readings left out.
    pub skipped: u64,
    /// Anomalies among those scored.
    pub anomalies: u64,
    /// `anomalies` / `rows`; absent without rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
    /// Range of the scores.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<ScoreSummary>,
}

impl SensorRun {
    /// The run's name as text.
    pub fn title(&self) -> String {
        format::shortened(&self.run, 80)
    }

    /// The time as text.
    pub fn time(&self) -> String {
        minute(self.at)
    }

    /// The time as it stands in an address.
    pub fn stamp(&self) -> String {
        self.at.to_string()
    }

    /// What became of the sensor, in words.
    pub fn state_text(&self) -> String {
        let reasons = format::shortened(&self.reasons.join(", "), 200);
        match self.state {
            Some(SensorState::Succeeded) if reasons.is_empty() => "Scored".into(),
            Some(SensorState::Succeeded) => format!("Scored: {reasons}"),
            Some(SensorState::Failed) => format!("Failed: {reasons}"),
            None if reasons.is_empty() => "Not in this run".into(),
            None => format!("Unknown: {reasons}"),
        }
    }

    /// The mood.
    pub fn mood(&self) -> Mood {
        match self.state {
            Some(SensorState::Failed) => Mood::Bad,
            Some(SensorState::Succeeded) if self.reasons.is_empty() => Mood::Good,
            Some(SensorState::Succeeded) => Mood::Fair,
            None => Mood::Plain,
        }
    }

    /// Whether it failed.
    pub fn is_failed(&self) -> bool {
        self.state == Some(SensorState::Failed)
    }

    /// The share as text.
    pub fn share_text(&self) -> String {
        share(self.share)
    }

    /// Readings as text.
    pub fn rows_text(&self) -> String {
        format::count(self.rows)
    }

    /// Lowest, mean and highest score as text.
    pub fn scores(&self) -> [String; 3] {
        self.score.map_or_else(
            || ["–", "–", "–"].map(String::from),
            |score| [score.min, score.mean, score.max].map(format::number),
        )
    }
}

impl SensorView {
    /// The view of a sensor's past.
    pub fn new(series: &Series, key: &SensorKey, past: &Past) -> Self {
        let runs: Vec<_> = (past.entries().iter())
            .map(|entry| {
                let row = entry.row.as_ref();
                let reasons = row.map_or_else(Vec::new, |row| {
                    row.reason.iter().chain(&row.warnings).cloned().collect()
                });
                SensorRun {
                    run: entry.run.record.run.name.clone(),
                    link: links::run(&entry.run),
                    at: entry.run.at(),
                    state: row.map(|row| row.state),
                    reasons: entry.error.clone().into_iter().chain(reasons).collect(),
                    rows: row.map_or(0, |row| row.rows),
                    skipped: row.map_or(0, |row| row.skipped),
                    anomalies: row.map_or(0, |row| row.anomalies),
                    share: row.and_then(fleetscore_scorer::history::SensorRow::share),
                    score: row.and_then(|row| row.score),
                }
            })
            .collect();
        Self {
            version: VERSION,
            key: key.clone(),
            series: SeriesName::new(series),
            link: links::sensor(series, key),
            tiles: tiles(&runs),
            runs,
            drawn: None,
            source: None,
            undrawn: None,
            plot: None,
        }
    }

    /// The key as text.
    pub fn title(&self) -> String {
        format::shortened(&self.key.to_string(), 200)
    }

    /// The run whose readings are drawn.
    pub fn drawn_run(&self) -> Option<&SensorRun> {
        self.runs.get(self.drawn?)
    }

    /// Whether it is `run` whose readings are drawn.
    pub fn is_drawn(&self, run: &SensorRun) -> bool {
        self.drawn_run().is_some_and(|drawn| drawn.at == run.at)
    }

    /// Where the readings come from, as text.
    pub fn source_text(&self) -> String {
        format::shortened(self.source.as_deref().unwrap_or_default(), 300)
    }
}

fn tiles(runs: &[SensorRun]) -> Vec<Tile> {
    let last = runs.last();
    let scored: Vec<_> = runs.iter().filter(|run| run.share.is_some()).collect();
    let failed = runs.iter().filter(|run| run.is_failed()).count() as u64;
    let (anomalies, rows) = runs.iter().fold((0_u64, 0_u64), |(anomalies, rows), run| {
        (
            anomalies.saturating_add(run.anomalies),
            rows.saturating_add(run.rows),
        )
    });
    let mean = |run: &SensorRun| {
        run.score
            .map_or_else(|| "–".into(), |score| format::number(score.mean))
    };
    vec![
        Tile::new(
            "Last run",
            match last.and_then(|run| run.state) {
                Some(SensorState::Succeeded) => "Scored".into(),
                Some(SensorState::Failed) => "Failed".into(),
                None => "–".into(),
            },
            last.map_or_else(String::new, SensorRun::time),
            last.map_or(Mood::Plain, SensorRun::mood),
        ),
        Tile::new(
            "Share of anomalies",
            last.map_or_else(|| "–".into(), SensorRun::share_text),
            format!("{} over all runs", format::percent_of(anomalies, rows)),
            Mood::Plain,
        ),
        Tile::new(
            "Mean score",
            last.map_or_else(|| "–".into(), mean),
            "below zero is anomalous",
            Mood::Plain,
        ),
        Tile::new(
            "Readings",
            last.map_or_else(|| "–".into(), SensorRun::rows_text),
            format!(
                "{} in {}",
                format::count(rows),
                format::counted(scored.len() as u64, "run")
            ),
            Mood::Plain,
        ),
        Tile::new(
            "Failures",
            format::count(failed),
            format!("in {}", format::counted(runs.len() as u64, "run")),
            if failed > 0 { Mood::Fair } else { Mood::Plain },
        ),
    ]
}
