use std::sync::Arc;

use fleetscore_scorer::history::SensorRow;

use super::{ReadError, Run};

/// One sensor in the runs of its series, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Past {
    entries: Vec<Entry>,
}

/// One sensor in one run.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The run.
    pub run: Arc<Run>,
    /// What became of the sensor; none where the run had no such sensor.
    pub row: Option<SensorRow>,
    /// Why that cannot be told.
    pub error: Option<String>,
}

impl Entry {
    pub(super) fn new(run: Arc<Run>, read: Result<Option<SensorRow>, ReadError>) -> Self {
        let (row, error) = match read {
            Ok(row) => (row, None),
            Err(error) => (None, Some(error.to_string())),
        };
        Self { run, row, error }
    }
}

impl Past {
    pub(super) fn new(entries: Vec<Entry>) -> Self {
        Self { entries }
    }

    /// The runs with what became of the sensor, oldest first.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entry of `run`, where that could be read.
    pub(super) fn entry(&self, run: &Arc<Run>) -> Option<Entry> {
        let own = self
            .entries
            .iter()
            .find(|entry| Arc::ptr_eq(&entry.run, run));
        own.filter(|entry| entry.error.is_none()).cloned()
    }

    /// Whether it is about exactly these runs, and all could be read.
    pub(super) fn is_of(&self, runs: &[Arc<Run>]) -> bool {
        self.entries.len() == runs.len()
            && (self.entries.iter().zip(runs))
                .all(|(entry, run)| entry.error.is_none() && Arc::ptr_eq(&entry.run, run))
    }
}
