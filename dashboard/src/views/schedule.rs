use std::sync::Arc;

use fleetscore_scorer::drawing::format;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::shared::{ago, median, share};
use super::{Grid, Mood, RunLine, SeriesName, Tile, VERSION};
use crate::history::{Fleet, Run, Series};

/// Runs in the charts and in their table.
const RUNS: usize = 48;

/// A schedule's runs and its worst sensors.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Schedule {
    /// Version of this format: 1.
    pub version: u32,
    /// The schedule.
    pub series: SeriesName,
    /// The numbers on top.
    pub tiles: Vec<Tile>,
    /// The newest 48 runs, newest first.
    pub runs: Vec<RunLine>,
    /// Runs of the schedule in all.
    pub total: usize,
    /// The worst sensors, run by run.
    pub grid: Grid,
    /// Runs whose sensors cannot be told, with the reason.
    pub unread: Vec<(String, String)>,
}

impl Schedule {
    /// The view of `runs`, newest first, and of their sensors.
    pub fn new(series: &Series, runs: &[Arc<Run>], fleet: &Fleet, now: Timestamp) -> Self {
        let unread = fleet.unread.iter().map(|(run, reason)| {
            let name = format::shortened(&run.record.run.name, 80);
            (name, format::shortened(reason, 300))
        });
        Self {
            version: VERSION,
            series: SeriesName::new(series),
            tiles: tiles(runs, now),
            runs: runs
                .iter()
                .take(RUNS)
                .map(|run| RunLine::new(run))
                .collect(),
            total: runs.len(),
            grid: Grid::new(series, fleet),
            unread: unread.collect(),
        }
    }
}

fn tiles(runs: &[Arc<Run>], now: Timestamp) -> Vec<Tile> {
    let Some(last) = runs.first() else {
        return Vec::new();
    };
    let line = RunLine::new(last);
    let newest = || runs.iter().take(RUNS);
    let succeeded = newest()
        .filter(|run| Mood::of(run.record.phase) == Mood::Good)
        .count() as u64;
    let usual = median(newest().filter_map(|run| run.share()));
    let took = median(newest().map(|run| run.record.timing.seconds)).unwrap_or_default();
    vec![
        Tile::new(
            "Last run",
            line.ended().into(),
            format!("{} ago", ago(now, line.start_time)),
            line.mood(),
        ),
        Tile::new(
            "Runs that succeeded",
            format::percent_of(succeeded, newest().count() as u64),
            format!("of the newest {}", newest().count()),
            Mood::Plain,
        ),
        Tile::new(
            "Sensors",
            format::count(line.sensors.total),
            format!(
                "{} failed in the last run",
                format::count(line.sensors.failed)
            ),
            if line.sensors.failed > 0 {
                Mood::Bad
            } else {
                Mood::Plain
            },
        ),
        Tile::new(
            "Anomalies",
            share(line.share),
            format!("median {}", share(usual)),
            Mood::Plain,
        ),
        Tile::new(
            "Duration",
            line.took(),
            format!("median {}", format::duration(took)),
            Mood::Plain,
        ),
    ]
}
