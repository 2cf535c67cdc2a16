use fleetscore_crds::SensorKey;

use crate::ledger::{Confusion, LedgerEntry, ScoreSummary, SensorState};

/// What became of one sensor: one row of `_run/sensors.parquet`.
#[derive(Clone, Debug, PartialEq)]
pub struct SensorRow {
    /// The sensor.
    pub key: SensorKey,
    /// Whether its predictions were written.
    pub state: SensorState,
    /// Why it failed, such as `ModelNotFound`; none for one that was scored. Other versions may have other reasons.
    pub reason: Option<String>,
    /// Readings scored.
    pub rows: u64,
    /// Readings left out because they could not be scored.
    pub skipped: u64,
    /// Readings predicted as anomaly.
    pub anomalies: u64,
    /// Range of the scores; none without rows.
    pub score: Option<ScoreSummary>,
    /// The kinds of its warnings, such as `MostlyAnomalous`. Other versions may have others.
    pub warnings: Vec<String>,
    /// Predictions against the known truth, in readings; none without labels.
    pub labels: Option<Confusion>,
    /// Path of the predictions below the output location; none where nothing was written.
    pub output: Option<String>,
}

impl SensorRow {
    /// A sensor that has failed for `reason`.
    pub fn failed(key: SensorKey, reason: String) -> Self {
        Self {
            key,
            state: SensorState::Failed,
            reason: Some(reason),
            rows: 0,
            skipped: 0,
            anomalies: 0,
            score: None,
            warnings: Vec::new(),
            labels: None,
            output: None,
        }
    }

    /// The share of anomalies, from 0 to 1; none without rows.
    pub fn share(&self) -> Option<f64> {
        (self.rows > 0).then(|| self.anomalies as f64 / self.rows as f64)
    }
}

impl From<LedgerEntry> for SensorRow {
    fn from(entry: LedgerEntry) -> Self {
        let warnings = entry.warnings.iter();
        Self {
            key: entry.key,
            state: entry.state,
            reason: entry.error.map(|error| format!("{:?}", error.reason)),
            rows: entry.rows,
            skipped: entry.skipped,
            anomalies: entry.anomalies,
            score: entry.score,
            warnings: warnings
                .map(|warning| format!("{:?}", warning.reason))
                .collect(),
            labels: entry.labels,
            output: entry.output,
        }
    }
}
