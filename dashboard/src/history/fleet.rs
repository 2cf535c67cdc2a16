//! The sensors of a series, run by run, in so little memory that 100,000 of them fit 168 times.

use std::collections::HashMap;
use std::mem;
use std::sync::Arc;

use fleetscore_scorer::history::{SensorColumns, SensorKeys};
use fleetscore_scorer::ledger::SensorState;
use jiff::Timestamp;

use super::Run;
use crate::slug;

/// Steps between a share of 0 and one of 1.
const STEPS: f64 = 60_000.0;
const FAILED: u16 = u16::MAX;
const ABSENT: u16 = u16::MAX - 1;
const NO_ROWS: u16 = u16::MAX - 2;

/// What became of a sensor in one run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Outcome {
    /// The run had no such sensor.
    Absent,
    /// No predictions were written.
    Failed,
    /// It was scored, and had no readings.
    NoRows,
    /// Its share of anomalies, from 0 to 1.
    Share(f64),
}

/// One run's sensors.
#[derive(Clone, Debug)]
pub struct Column {
    /// The run.
    pub run: Arc<Run>,
    shares: Vec<u16>,
    means: Vec<f32>,
}

/// The sensors of a series in its newest runs.
#[derive(Clone, Debug, Default)]
pub struct Fleet {
    /// The runs whose table could be read, oldest first.
    pub columns: Vec<Column>,
    /// Runs whose table could not be read, with the reason.
    pub unread: Vec<(Arc<Run>, String)>,
    /// Why sensors failed in the newest run, by number of the sensor.
    pub reasons: HashMap<u32, String>,
    /// The runs that were asked for, read or not, oldest first.
    tried: Vec<Arc<Run>>,
    keys: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, u32>,
    /// The sensors of the run that was added last, and their numbers.
    last_keys: Vec<SensorKeys>,
    last_numbers: Vec<u32>,
}

impl Column {
    /// What became of the sensor with this number.
    pub fn outcome(&self, sensor: u32) -> Outcome {
        match self.shares.get(sensor as usize).copied().unwrap_or(ABSENT) {
            FAILED => Outcome::Failed,
            ABSENT => Outcome::Absent,
            NO_ROWS => Outcome::NoRows,
            share => Outcome::Share(f64::from(share) / STEPS),
        }
    }

    /// The sensor's mean score; none without one.
    pub fn mean(&self, sensor: u32) -> Option<f64> {
        let mean = self.means.get(sensor as usize)?;
        mean.is_finite().then_some(f64::from(*mean))
    }

    /// The end of the run's readings.
    pub fn at(&self) -> Timestamp {
        self.run.at()
    }
}

impl Fleet {
    /// Number of sensors that were in any of the runs. They are numbered from 0.
    pub fn sensors(&self) -> u32 {
        u32::try_from(self.keys.len()).unwrap_or(u32::MAX)
    }

    /// The sensor's key as a segment of an address.
    pub fn key(&self, sensor: u32) -> Arc<str> {
        let key = self.keys.get(sensor as usize);
        key.cloned().unwrap_or_else(|| Arc::from("-"))
    }

    /// Bytes that it holds, roughly.
    pub fn bytes(&self) -> usize {
        let columns: usize = (self.columns.iter())
            .map(|column| column.shares.len() * 2 + column.means.len() * 4)
            .sum();
        let keys: usize = self.keys.iter().map(|key| key.len() + 64).sum();
        columns + keys
    }

    /// Adds the newest run with its sensors.
    pub fn push(&mut self, run: Arc<Run>, sensors: RunSensors) {
        let mut column = Column {
            run,
            shares: vec![ABSENT; self.keys.len()],
            means: vec![f32::NAN; self.keys.len()],
        };
        self.tried.push(column.run.clone());
        let (last_keys, last_numbers) = (
            mem::take(&mut self.last_keys),
            mem::take(&mut self.last_numbers),
        );
        let mut slug = String::new();
        let mut numbers = Vec::with_capacity(sensors.shares.len());
        for (group, keys) in sensors.keys.iter().enumerate() {
            let before = last_keys.get(group);
            for row in 0..keys.len() {
                let position = numbers.len();
                // Most runs have the same sensors in the same order.
                let known = last_numbers.get(position).copied();
                let is_same = before.is_some_and(|before| before.is_same(row, keys));
                if let Some(number) = known.filter(|_| is_same) {
                    numbers.push(number);
                } else {
                    slug.clear();
                    slug::write_key(&mut slug, keys.iter(row));
                    numbers.push(self.number(&slug));
                }
            }
        }
        column.shares.resize(self.keys.len(), ABSENT);
        column.means.resize(self.keys.len(), f32::NAN);
        let scored = sensors.shares.iter().zip(&sensors.means);
        for (number, (share, mean)) in numbers.iter().zip(scored) {
            let place = *number as usize;
            let places = (column.shares.get_mut(place)).zip(column.means.get_mut(place));
            if let Some((own_share, own_mean)) = places {
                (*own_share, *own_mean) = (*share, *mean);
            }
        }
        let reasons = sensors.reasons.into_iter();
        self.reasons = reasons
            .filter_map(|(row, reason)| Some((*numbers.get(row)?, reason)))
            .collect();
        self.columns.push(column);
        (self.last_keys, self.last_numbers) = (sensors.keys, numbers);
    }

    /// Notes that the newest run cannot be read.
    pub fn leave_out(&mut self, run: Arc<Run>, reason: String) {
        self.tried.push(run.clone());
        self.unread.push((run, reason));
    }

    /// Forgets the runs that are not `wanted`, and returns those that are yet to be added, oldest first. Where another run than the oldest
    /// has gone, or one came between two, it forgets all.
    pub fn advance(&mut self, wanted: &[Arc<Run>]) -> Vec<Arc<Run>> {
        let is_first = |run: &Arc<Run>| wanted.first().is_some_and(|first| Arc::ptr_eq(run, first));
        let start = self.tried.iter().position(is_first);
        let kept = start
            .and_then(|start| self.tried.get(start..))
            .unwrap_or_default();
        let is_prefix = kept.len() <= wanted.len()
            && kept
                .iter()
                .zip(wanted)
                .all(|(one, other)| Arc::ptr_eq(one, other));
        if !is_prefix || kept.is_empty() {
            *self = Self::default();
            return wanted.to_vec();
        }
        let unseen = wanted.get(kept.len()..).unwrap_or_default().to_vec();
        self.tried = kept.to_vec();
        let tried = &self.tried;
        let is_kept = |run: &Arc<Run>| tried.iter().any(|kept| Arc::ptr_eq(kept, run));
        self.columns.retain(|column| is_kept(&column.run));
        self.unread.retain(|(run, _)| is_kept(run));
        unseen
    }

    /// Lets go of what is needed only while runs are added.
    pub fn settle(&mut self) {
        self.last_keys = Vec::new();
        self.last_numbers = Vec::new();
    }

    /// The number of a key.
    fn number(&mut self, key: &str) -> u32 {
        if let Some(number) = self.numbers.get(key) {
            return *number;
        }
        let number = self.sensors();
        let key: Arc<str> = Arc::from(key);
        self.keys.push(key.clone());
        self.numbers.insert(key, number);
        number
    }
}

/// What is kept of a run's sensors.
#[derive(Clone, Debug, Default)]
pub struct RunSensors {
    /// Their keys, by row group.
    keys: Vec<SensorKeys>,
    shares: Vec<u16>,
    means: Vec<f32>,
    /// Why sensors failed, with their places.
    reasons: Vec<(usize, String)>,
}

impl RunSensors {
    /// Keeps what is needed of a table's columns.
    pub fn new(groups: Vec<SensorColumns>) -> Self {
        let mut kept = Self::default();
        for columns in groups {
            for row in 0..columns.len() {
                if let Some(reason) = columns.reason(row) {
                    kept.reasons.push((kept.shares.len(), reason.to_owned()));
                }
                kept.shares.push(stored(&columns, row));
                #[allow(
                    clippy::cast_possible_truncation,
                    reason = "six digits are enough to compare"
                )]
                let mean = columns.mean(row).map_or(f32::NAN, |mean| mean as f32);
                kept.means.push(mean);
            }
            kept.keys.push(columns.into_keys());
        }
        kept
    }
}

fn stored(columns: &SensorColumns, row: usize) -> u16 {
    if columns.state(row) == SensorState::Failed {
        return FAILED;
    }
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "from 0 to STEPS"
    )]
    columns.share(row).map_or(NO_ROWS, |share| {
        let step = (share.clamp(0.0, 1.0) * STEPS).round() as u16;
        // A share that is not zero never reads as zero.
        if share > 0.0 { step.max(1) } else { 0 }
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use fleetscore_crds::StorageSpec;
    use fleetscore_scorer::history::{Column, SensorRow, SensorTable, TableInfo, TableWriter};
    use fleetscore_storage::{ObjectUrl, Storage, StorageOptions};

    use super::super::run::tests::run;
    use super::*;

    fn row(tag: &str, rows: u64, anomalies: u64) -> SensorRow {
        let key = [("tag", tag)].into_iter().collect();
        let failed = SensorRow::failed(key, "ModelNotFound".into());
        SensorRow {
            state: SensorState::Succeeded,
            reason: None,
            rows,
            anomalies,
            ..failed
        }
    }

    /// What is kept of a table with these rows.
    async fn kept(rows: impl IntoIterator<Item = SensorRow>) -> RunSensors {
        let info = TableInfo {
            keys: vec!["tag".into()],
            ..TableInfo::default()
        };
        let mut table = TableWriter::new(&info).unwrap();
        for row in rows {
            table.add(row).unwrap();
        }
        let storage = Storage::new(&StorageSpec::default(), StorageOptions::default()).unwrap();
        let url = ObjectUrl::parse("memory:///table").unwrap();
        storage.put(&url, table.finish().unwrap()).await.unwrap();
        let table = SensorTable::open(&storage, &url).await.unwrap();
        RunSensors::new(table.read_columns(&Column::ALL).await.unwrap())
    }

    #[tokio::test]
    async fn sensors_are_followed_from_run_to_run() {
        let runs = ["a", "b", "c"].map(|name| Arc::new(run(name, "file:///data/16/", None)));
        let mut fleet = Fleet::default();
        assert_eq!(fleet.advance(&runs[..2]).len(), 2);
        fleet.push(
            runs[0].clone(),
            kept([row("1", 100, 50), row("2", 0, 0)]).await,
        );
        let failed =
            SensorRow::failed([("tag", "1")].into_iter().collect(), "ModelNotFound".into());
        fleet.push(runs[1].clone(), kept([row("0", 100, 0), failed]).await);
        let outcomes = |column: usize| {
            let column = &fleet.columns[column];
            (0..fleet.sensors())
                .map(|sensor| column.outcome(sensor))
                .collect::<Vec<_>>()
        };
        let keys: Vec<_> = (0..3).map(|sensor| fleet.key(sensor).to_string()).collect();
        assert_eq!(keys, ["tag=1", "tag=2", "tag=0"]);
        assert_eq!(
            outcomes(0),
            [Outcome::Share(0.5), Outcome::NoRows, Outcome::Absent]
        );
        assert_eq!(
            outcomes(1),
            [Outcome::Failed, Outcome::Absent, Outcome::Share(0.0)]
        );
        assert_eq!(fleet.reasons.len(), 1);
    }

    #[test]
    fn only_new_runs_are_read() {
        let runs = ["a", "b", "c", "d"].map(|name| Arc::new(run(name, "file:///data/16/", None)));
        let mut fleet = Fleet::default();
        for run in &runs[..2] {
            fleet.push(run.clone(), RunSensors::default());
        }
        fleet.leave_out(runs[2].clone(), "damaged".into());
        assert_eq!(fleet.advance(&runs[..3]).len(), 0);
        assert_eq!(fleet.advance(&runs[1..]).len(), 1);
        assert_eq!((fleet.columns.len(), fleet.unread.len()), (1, 1));
        fleet.push(runs[3].clone(), RunSensors::default());
        // A run that came between two is read with all that follow.
        assert_eq!(fleet.advance(&[runs[1].clone(), runs[3].clone()]).len(), 2);
        assert_eq!(fleet.columns.len(), 0);
    }
}
