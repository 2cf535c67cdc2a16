//! A run that has left a record.

mod groups;
mod log;
mod sensors;
mod shards;
mod tab;
mod ties;

use fleetscore_scorer::drawing::format;
use fleetscore_scorer::report::Report;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Mood, RunLine, SeriesName, Tile, VERSION};
use crate::history::Run;

pub use groups::Group;
pub use log::{LogName, LogText, ending};
pub use sensors::{SensorLine, Sensors};
pub use shards::{Ledger, ShardLine, Shards};
pub use tab::Tab;
pub use ties::{Tie, Ties};

/// Shards whose logs are in the list to choose from.
const SHARDS: u64 = 500;

/// One run.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunView {
    /// Version of this format: 1.
    pub version: u32,
    /// The run.
    pub run: RunLine,
    /// Its schedule.
    pub series: SeriesName,
    /// When it ended.
    pub end_time: Timestamp,
    /// Where its predictions are.
    pub output: String,
    /// The numbers on top.
    pub tiles: Vec<Tile>,
    /// Why sensors failed, the most frequent reason first.
    pub failures: Vec<Group>,
    /// What to look at though sensors were scored.
    pub warnings: Vec<Group>,
    /// How long shards took, as name and value.
    pub shards: Vec<(String, String)>,
    /// Shards of the run.
    #[serde(skip)]
    shard_total: u64,
    /// The sensors, where they are asked for and the table of them can be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sensors: Option<Sensors>,
    /// The shards one by one, where they are asked for (`?tab=shards`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shard_list: Option<Shards>,
    /// The end of a log, where it is asked for (`?tab=logs&log=plan`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log: Option<LogText>,
    /// Why parts of the page are missing.
    pub missing: Vec<String>,
    /// The runs that it has to do with.
    #[serde(flatten)]
    pub ties: Ties,
}

/// What a tab of the page shows.
#[derive(Clone, Debug)]
pub enum Shown {
    /// The sensors.
    Sensors(Sensors),
    /// The shards.
    Shards(Shards),
    /// A log.
    Log(LogText),
}

impl RunView {
    /// The view of `run` with what could be read of it: `shown` of the chosen tab.
    pub fn new(
        run: &Run,
        report: Option<&Report>,
        shown: Option<Shown>,
        missing: Vec<String>,
        ties: Ties,
    ) -> Self {
        let series = run.series();
        let record = &run.record;
        let mut view = Self {
            version: VERSION,
            run: RunLine::new(run),
            series: SeriesName::new(&series),
            end_time: record.timing.completion_time,
            output: record.run.output.clone(),
            tiles: tiles(run),
            failures: groups::failures(&series, run, report),
            warnings: groups::warnings(&series, run, report),
            shards: shards::facts(run, report),
            shard_total: record.shards.total,
            sensors: None,
            shard_list: None,
            log: None,
            missing,
            ties,
        };
        match shown {
            Some(Shown::Sensors(sensors)) => view.sensors = Some(sensors),
            Some(Shown::Shards(shards)) => view.shard_list = Some(shards),
            Some(Shown::Log(log)) => view.log = Some(log),
            None => {}
        }
        view
    }

    /// What the end means.
    pub fn lead(&self) -> String {
        self.run.sensors.lead()
    }

    /// The output location as text.
    pub fn output_text(&self) -> String {
        format::shortened(&self.output, 500)
    }

    /// The logs to choose from: name, words, and whether it is the one that is shown. Of shards the first 500.
    pub fn logs(&self) -> Vec<(String, String, bool)> {
        let total = self.shard_total.min(SHARDS);
        let shards = (0..total).filter_map(|shard| u32::try_from(shard).ok());
        let shown = self.log.as_ref().map(|log| log.name.as_str());
        let known = [LogName::Plan]
            .into_iter()
            .chain(shards.map(LogName::Shard));
        let known = known.chain([LogName::Collect]).map(|name| {
            let title = name.title();
            let is_shown = shown == Some(&title);
            (name.to_string(), title, is_shown)
        });
        known.collect()
    }

    /// When it ended, as text.
    pub fn ended_at(&self) -> String {
        super::minute(self.end_time)
    }

    /// The command that shows the report, to copy.
    pub fn command(&self) -> String {
        // In single quotes nothing but a single quote means anything to a shell.
        let output = format::harmless(&self.output).replace('\'', "'\\''");
        format!("fleetscore report '{output}'")
    }
}

fn tiles(run: &Run) -> Vec<Tile> {
    let record = &run.record;
    let sensors = record.sensors;
    vec![
        Tile::new(
            "Sensors scored",
            format::count(sensors.succeeded),
            format!("of {}", format::count(sensors.total)),
            Mood::Plain,
        ),
        Tile::new(
            "Sensors failed",
            format::count(sensors.failed),
            format!("{} allowed", format::count(sensors.limit)),
            if sensors.failed > 0 {
                Mood::Bad
            } else {
                Mood::Plain
            },
        ),
        Tile::new(
            "Readings",
            format::count(record.rows),
            match record.skipped {
                0 => "none left out".into(),
                skipped => format!("{} left out", format::count(skipped)),
            },
            Mood::Plain,
        ),
        Tile::new(
            "Anomalies",
            format::count(record.anomalies),
            format!(
                "{} of readings",
                format::percent_of(record.anomalies, record.rows)
            ),
            Mood::Plain,
        ),
        Tile::new(
            "Duration",
            format::duration(record.timing.seconds),
            format!("{} read", format::bytes(record.bytes_read)),
            Mood::Plain,
        ),
    ]
}
