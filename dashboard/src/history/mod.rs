//! What runs left in storage: the index of all runs, the tables of their sensors, reports and predictions.
//!
//! [`History`] keeps the index of [`Run`]s up to date and reads the rest when somebody looks at it. What it keeps is bounded: so many
//! runs, so many bytes of [`Fleet`]s, so many sensors' pasts.

mod fleet;
mod index;
mod kept;
mod past;
mod plots;
mod refresh;
mod run;

use std::sync::Arc;

use fleetscore_crds::SensorKey;
use fleetscore_scorer::history::{Column, HistoryError, SensorRow, SensorTable};
use fleetscore_scorer::report::Report;
use fleetscore_storage::{ObjectUrl, Storage};
use futures::{StreamExt as _, stream};
use tokio::sync::{Mutex, RwLock, watch};

use kept::Kept;

pub use fleet::{Column as FleetColumn, Fleet, Outcome};
pub use index::{Index, Trouble, Unreadable};
pub use past::Past;
pub use plots::Plotted;
pub use refresh::Refresher;
pub use run::{Run, Series};

/// Runs that are shown of a series' sensors: a week of hours.
pub const FLEET_RUNS: usize = 168;
/// Bytes that the fleets may take together.
const FLEETS_BYTES: usize = 120 << 20;
/// Largest report that is read, in bytes.
const REPORT_BYTES: u64 = 16 << 20;
/// Tables and pasts that are kept.
const TABLES: usize = 2;
const PASTS: usize = 32;
/// What a fleet needs of a table.
const FLEET_COLUMNS: [Column; 4] = [
    Column::Reason,
    Column::Rows,
    Column::Anomalies,
    Column::Score,
];
/// Objects that are read at a time.
const AT_A_TIME: usize = 16;

/// Why something of a run cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The run's output lies outside of the folder that history is read from.
    #[error(
        "the run wrote to {output}, which is outside of the folder that this dashboard reads; start it with that folder"
    )]
    Outside {
        /// The output location.
        output: String,
    },
    /// It cannot be read.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// The report or the predictions make no sense.
    #[error("{url}: {reason}")]
    Damaged {
        /// The object.
        url: String,
        /// What is wrong.
        reason: String,
    },
}

impl ReadError {
    fn outside(run: &Run) -> Self {
        Self::Outside {
            output: run.record.run.output.clone(),
        }
    }

    fn storage(error: fleetscore_storage::StorageError) -> Self {
        Self::History(error.into())
    }

    /// Whether it may well be read later.
    fn is_temporary(&self) -> bool {
        matches!(self, Self::History(HistoryError::Storage(error)) if !error.is_not_found())
    }

    /// Whether there is no such object.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::History(HistoryError::Storage(error)) if error.is_not_found())
    }
}

/// All that is known of runs that have ended.
pub struct History {
    storage: Storage,
    roots: Vec<ObjectUrl>,
    index: RwLock<Arc<Index>>,
    changed: watch::Sender<u64>,
    fleets: Mutex<Kept<Series, Arc<Fleet>>>,
    tables: Mutex<Kept<String, Arc<Vec<SensorRow>>>>,
    pasts: Mutex<Kept<(Series, SensorKey), Arc<Past>>>,
}

impl History {
    /// The history in the folders `roots`, each of which has a folder `_runs`. Nothing is read yet.
    pub fn new(storage: Storage, roots: &[ObjectUrl]) -> Self {
        let index = Index {
            roots: roots.iter().map(ToString::to_string).collect(),
            ..Index::default()
        };
        Self {
            storage,
            roots: roots.iter().map(ObjectUrl::as_prefix).collect(),
            index: RwLock::new(Arc::new(index)),
            changed: watch::Sender::new(0),
            fleets: Mutex::default(),
            tables: Mutex::default(),
            pasts: Mutex::default(),
        }
    }

    /// What is known now.
    pub async fn index(&self) -> Arc<Index> {
        self.index.read().await.clone()
    }

    /// Tells the index's version whenever it has changed.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// The sensors of `series` in its newest runs; a table that was read before is not read again.
    pub async fn fleet(&self, series: &Series) -> Arc<Fleet> {
        let runs = self.index().await.of(series);
        // One at a time: two that read the same would take twice the memory.
        let mut fleets = self.fleets.lock().await;
        let known = fleets.take(series).unwrap_or_default();
        let wanted = Self::wanted(&runs, &known);
        let mut fleet = Arc::unwrap_or_clone(known);
        let unseen = fleet.advance(&wanted);
        let is_whole = self.extend(&mut fleet, unseen).await;
        let fleet = Arc::new(fleet);
        // What storage refused for now is asked again.
        if is_whole {
            let bytes = fleet.bytes();
            fleets.put(series.clone(), fleet.clone(), bytes, FLEETS_BYTES);
        }
        fleet
    }

    /// The runs to show, oldest first: fewer where there are so many sensors that all would take too much memory.
    fn wanted(runs: &[Arc<Run>], known: &Fleet) -> Vec<Arc<Run>> {
        let largest = runs
            .iter()
            .take(FLEET_RUNS)
            .map(|run| run.record.sensors.total);
        let sensors = largest
            .max()
            .unwrap_or_default()
            .max(u64::from(known.sensors()));
        let fit = FLEETS_BYTES as u64 / (6 * sensors.max(1));
        let count = usize::try_from(fit)
            .unwrap_or(usize::MAX)
            .clamp(2, FLEET_RUNS);
        runs.iter().take(count).rev().cloned().collect()
    }

    /// Adds `unseen` runs; false where a table could not be read for now.
    async fn extend(&self, fleet: &mut Fleet, unseen: Vec<Arc<Run>>) -> bool {
        let mut is_whole = true;
        let mut tables = stream::iter(unseen)
            .map(|run| async move {
                let table = self.open_table(&run).await;
                (run, table)
            })
            .buffered(AT_A_TIME);
        while let Some((run, table)) = tables.next().await {
            let mut rows = Vec::new();
            let read = match table {
                Ok(table) => {
                    let read = table.read(&FLEET_COLUMNS, |row| rows.push(row)).await;
                    read.map_err(ReadError::from)
                }
                Err(error) => Err(error),
            };
            match read {
                Ok(()) => fleet.push(run, rows),
                Err(error) => {
                    is_whole &= !error.is_temporary();
                    fleet.leave_out(run, error.to_string());
                }
            }
        }
        is_whole
    }

    async fn open_table(&self, run: &Run) -> Result<SensorTable, ReadError> {
        let url = run.sensors().ok_or_else(|| ReadError::outside(run))?;
        Ok(SensorTable::open(&self.storage, &url).await?)
    }

    /// All sensors of a run, in the order of its plan.
    pub async fn sensors(&self, run: &Run) -> Result<Arc<Vec<SensorRow>>, ReadError> {
        let name = run.url.to_string();
        if let Some(rows) = self.tables.lock().await.get(&name) {
            return Ok(rows);
        }
        let rows = Arc::new(self.open_table(run).await?.read_all().await?);
        let mut tables = self.tables.lock().await;
        tables.put(name, rows.clone(), 1, TABLES);
        Ok(rows)
    }

    /// A run's report.
    pub async fn report(&self, run: &Run) -> Result<Report, ReadError> {
        let url = run.report().ok_or_else(|| ReadError::outside(run))?;
        let bytes = self.storage.get(&url, REPORT_BYTES).await;
        let bytes = bytes.map_err(ReadError::storage)?;
        Report::from_json(&bytes).map_err(|error| ReadError::Damaged {
            url: url.to_string(),
            reason: error.to_string(),
        })
    }

    /// A sensor in the newest `count` runs of its series.
    pub async fn past(&self, series: &Series, sensor: &SensorKey, count: usize) -> Arc<Past> {
        let runs = self.index().await.of(series);
        let wanted: Vec<_> = runs.into_iter().take(count).rev().collect();
        let key = (series.clone(), sensor.clone());
        let known = self.pasts.lock().await.get(&key).unwrap_or_default();
        if known.is_of(&wanted) {
            return known;
        }
        let known = &known;
        let read = stream::iter(wanted)
            .map(|run| async move {
                match known.entry(&run) {
                    Some(entry) => entry,
                    None => past::Entry::new(run.clone(), self.find(&run, sensor).await),
                }
            })
            .buffered(AT_A_TIME);
        let past = Arc::new(Past::new(read.collect().await));
        let mut pasts = self.pasts.lock().await;
        pasts.put(key, past.clone(), 1, PASTS);
        past
    }

    async fn find(&self, run: &Run, sensor: &SensorKey) -> Result<Option<SensorRow>, ReadError> {
        Ok(self.open_table(run).await?.find(sensor).await?)
    }
}
