//! What runs left in storage: the index of all runs, the tables of their sensors, reports and predictions.
//!
//! [`History`] keeps the index of [`Run`]s up to date and reads the rest when somebody looks at it. What it keeps is bounded: so many
//! runs, so many bytes of [`Fleet`]s, so many sensors' pasts.

mod disk;
mod files;
mod fleet;
mod index;
mod kept;
mod past;
mod plots;
mod refresh;
mod rows;
mod run;
mod table;

use std::sync::Arc;

use fleetscore_crds::SensorKey;
use fleetscore_scorer::history::{Column, HistoryError, SensorRow, SensorTable};
use fleetscore_scorer::report::Report;
use fleetscore_storage::{ObjectUrl, Storage};
use futures::{StreamExt as _, stream};
use tokio::sync::{Mutex, RwLock, watch};

use fleet::RunSensors;
use kept::Kept;

pub use disk::Disk;
pub use files::Tail;
pub use fleet::{Column as FleetColumn, Fleet, Outcome};
pub use index::{Index, Trouble, Unasked, Unreadable};
pub use past::Past;
pub use plots::Plotted;
pub use refresh::Refresher;
pub use run::{Run, Series};
pub use table::{RunTable, TableLine};

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
    Column::MeanScore,
];
/// Objects of which little is read, at a time.
const AT_A_TIME: usize = 16;
/// Tables that are read whole at a time: each takes some 10 MB for 100,000 sensors.
const TABLES_AT_A_TIME: usize = 4;

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

/// A folder with a folder `_runs`, and how to get at it.
#[derive(Clone, Debug)]
pub struct Place {
    /// What it is asked with.
    pub storage: Storage,
    /// The storage account; empty for local folders. A URL does not name it.
    pub account: String,
    /// The folder.
    pub root: ObjectUrl,
}

impl Place {
    /// Whether it is the same folder.
    fn is(&self, other: &Self) -> bool {
        self.account == other.account && self.root == other.root
    }
}

/// All that is known of runs that have ended.
pub struct History {
    places: RwLock<Arc<Vec<Place>>>,
    unasked: RwLock<Vec<Unasked>>,
    disk: Option<Disk>,
    index: RwLock<Arc<Index>>,
    changed: watch::Sender<u64>,
    fleets: Mutex<Kept<Series, Arc<Fleet>>>,
    tables: Mutex<Kept<String, Arc<RunTable>>>,
    pasts: Mutex<Kept<(Series, SensorKey), Arc<Past>>>,
}

impl History {
    /// The history in the folders `roots` of one storage. Nothing is read yet.
    pub fn new(storage: &Storage, account: &str, roots: &[ObjectUrl]) -> Self {
        let roots = roots.iter().map(|root| Place {
            storage: storage.clone(),
            account: account.to_owned(),
            root: root.as_prefix(),
        });
        let places: Vec<_> = roots.collect();
        let index = Index {
            roots: places.iter().map(|place| place.root.to_string()).collect(),
            ..Index::default()
        };
        Self {
            places: RwLock::new(Arc::new(places)),
            unasked: RwLock::default(),
            disk: None,
            index: RwLock::new(Arc::new(index)),
            changed: watch::Sender::new(0),
            fleets: Mutex::default(),
            tables: Mutex::default(),
            pasts: Mutex::default(),
        }
    }

    /// Keeps on this machine's disk what was read over a network.
    #[must_use]
    pub fn with_disk(self, disk: Option<Disk>) -> Self {
        Self { disk, ..self }
    }

    /// From the next look on, reads the history in `places`; `unasked` says why others are not read.
    pub async fn look_in(&self, places: Vec<Place>, unasked: Vec<Unasked>) {
        *self.unasked.write().await = unasked;
        let mut known = self.places.write().await;
        let is_same = known.len() == places.len()
            && (known.iter().zip(&places)).all(|(one, other)| one.is(other));
        if !is_same {
            *known = Arc::new(places);
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
        let is_whole = Self::extend(&mut fleet, unseen).await;
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
    async fn extend(fleet: &mut Fleet, unseen: Vec<Arc<Run>>) -> bool {
        let mut is_whole = true;
        let mut tables = stream::iter(unseen)
            .map(|run| async move {
                let read = Self::read_fleet(&run).await;
                (run, read)
            })
            .buffered(TABLES_AT_A_TIME);
        while let Some((run, read)) = tables.next().await {
            match read {
                Ok(sensors) => fleet.push(run, sensors),
                Err(error) => {
                    is_whole &= !error.is_temporary();
                    fleet.leave_out(run, error.to_string());
                }
            }
        }
        fleet.settle();
        is_whole
    }

    async fn read_fleet(run: &Run) -> Result<RunSensors, ReadError> {
        let table = Self::open_table(run).await?;
        let columns = table.read_columns(&FLEET_COLUMNS).await?;
        Ok(RunSensors::new(columns))
    }

    async fn open_table(run: &Run) -> Result<SensorTable, ReadError> {
        let url = run.sensors().ok_or_else(|| ReadError::outside(run))?;
        Ok(SensorTable::open(&run.storage, &url).await?)
    }

    /// All sensors of a run, in the order of its plan.
    pub async fn sensors(&self, run: &Run) -> Result<Arc<RunTable>, ReadError> {
        let name = run.identity();
        if let Some(table) = self.tables.lock().await.get(&name) {
            return Ok(table);
        }
        let columns = Self::open_table(run).await?;
        let columns = columns.read_columns(&Column::ALL).await?;
        let table = RunTable::new(columns).map_err(|reason| ReadError::Damaged {
            url: run
                .sensors()
                .map_or_else(String::new, |url| url.to_string()),
            reason,
        })?;
        let table = Arc::new(table);
        let mut tables = self.tables.lock().await;
        tables.put(name, Arc::clone(&table), 1, TABLES);
        Ok(table)
    }

    /// A run's report.
    pub async fn report(run: &Run) -> Result<Report, ReadError> {
        let url = run.report().ok_or_else(|| ReadError::outside(run))?;
        let bytes = run.storage.get(&url, REPORT_BYTES).await;
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
                    None => past::Entry::new(run.clone(), self.row(&run, sensor).await),
                }
            })
            .buffered(AT_A_TIME);
        let entries: Vec<_> = read.collect().await;
        let unseen = entries
            .iter()
            .filter(|entry| known.entry(&entry.run).is_none());
        if unseen.count() > AT_A_TIME {
            self.sweep().await;
        }
        let past = Arc::new(Past::new(entries));
        let mut pasts = self.pasts.lock().await;
        pasts.put(key, past.clone(), 1, PASTS);
        past
    }

    async fn find(run: &Run, sensor: &SensorKey) -> Result<Option<SensorRow>, ReadError> {
        Ok(Self::open_table(run).await?.find(sensor).await?)
    }
}
