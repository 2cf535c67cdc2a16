use fleetscore_crds::SensorKey;
use fleetscore_scorer::drawing::format;
use schemars::JsonSchema;
use serde::Serialize;

use super::RunLine;
use crate::history::{Fleet, FleetColumn, Outcome, Series};
use crate::{links, slug};

/// Sensors and runs of a grid.
const SENSORS: usize = 50;
const RUNS: usize = 48;

/// The worst sensors of a series, run by run.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Grid {
    /// The runs, oldest first.
    pub runs: Vec<RunLine>,
    /// The sensors, the worst first.
    pub rows: Vec<GridRow>,
    /// Sensors of the series.
    pub sensors: u32,
}

/// One sensor in each run.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GridRow {
    /// The sensor's keys.
    #[schemars(with = "std::collections::BTreeMap<String, String>")]
    pub key: SensorKey,
    /// Address of its page.
    pub link: String,
    /// What became of it, one a run.
    pub cells: Vec<Cell>,
}

/// What became of a sensor in a run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Cell {
    /// The run had no such sensor.
    Absent,
    /// No predictions were written.
    Failed,
    /// It had no readings.
    NoRows,
    /// Its share of anomalies, from 0 to 1.
    Share(f64),
}

impl Cell {
    fn new(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Absent => Self::Absent,
            Outcome::Failed => Self::Failed,
            Outcome::NoRows => Self::NoRows,
            Outcome::Share(share) => Self::Share(share),
        }
    }

    /// The class of its colour.
    pub fn class(&self) -> &'static str {
        match self {
            Self::Absent => "hn",
            Self::Failed => "hf",
            Self::NoRows => "hz",
            Self::Share(share) if *share <= 0.0 => "h0",
            Self::Share(share) if *share < 0.02 => "h1",
            Self::Share(share) if *share < 0.1 => "h2",
            Self::Share(share) if *share < 0.25 => "h3",
            Self::Share(share) if *share <= 0.5 => "h4",
            Self::Share(_) => "h5",
        }
    }

    /// What is written into it: the share in percent, `F` for failed.
    pub fn text(&self) -> String {
        match self {
            Self::Absent => "·".into(),
            Self::Failed => "F".into(),
            Self::NoRows => "–".into(),
            Self::Share(share) if *share <= 0.0 => "0".into(),
            Self::Share(share) if *share < 0.01 => "<1".into(),
            Self::Share(share) => format!("{:.0}", share * 100.0),
        }
    }
}

impl GridRow {
    /// The key's values as text: their names stand above the column.
    pub fn title(&self) -> String {
        let values: Vec<_> = self.key.iter().map(|(_, value)| value).collect();
        match values.as_slice() {
            [] => self.key.to_string(),
            _ => format::shortened(&values.join(" · "), 40),
        }
    }
}

impl Grid {
    /// The names of the sensors' keys, as text.
    pub fn names(&self) -> String {
        let names = self.rows.first().map(|row| {
            let names: Vec<_> = row.key.iter().map(|(name, _)| name).collect();
            format::shortened(&names.join(" · "), 40)
        });
        names
            .filter(|names| !names.is_empty())
            .unwrap_or_else(|| "Sensor".into())
    }

    /// The grid of the newest runs in `fleet`.
    pub fn new(series: &Series, fleet: &Fleet) -> Self {
        let start = fleet.columns.len().saturating_sub(RUNS);
        let columns = fleet.columns.get(start..).unwrap_or_default();
        let mut ranked: Vec<(f64, u32)> = (0..fleet.sensors())
            .map(|sensor| (badness(columns, sensor), sensor))
            .filter(|(badness, _)| *badness > 0.0)
            .collect();
        let worse = |one: &(f64, u32), other: &(f64, u32)| {
            other.0.total_cmp(&one.0).then(one.1.cmp(&other.1))
        };
        if ranked.len() > SENSORS {
            ranked.select_nth_unstable_by(SENSORS, worse);
            ranked.truncate(SENSORS);
        }
        ranked.sort_by(worse);
        let row = |(_, sensor): (f64, u32)| {
            let key = fleet.key(sensor);
            GridRow {
                key: slug::decode_key(&key).unwrap_or_default(),
                link: links::sensor_of(series, &key),
                cells: (columns.iter())
                    .map(|column| Cell::new(column.outcome(sensor)))
                    .collect(),
            }
        };
        Self {
            runs: (columns.iter())
                .map(|column| RunLine::new(&column.run))
                .collect(),
            rows: ranked.into_iter().map(row).collect(),
            sensors: fleet.sensors(),
        }
    }
}

/// The sum of the shares; a failure counts as a whole.
fn badness(columns: &[FleetColumn], sensor: u32) -> f64 {
    let outcomes = columns.iter().map(|column| column.outcome(sensor));
    outcomes
        .map(|outcome| match outcome {
            Outcome::Failed => 1.0,
            Outcome::Share(share) => share,
            Outcome::Absent | Outcome::NoRows => 0.0,
        })
        .sum()
}
