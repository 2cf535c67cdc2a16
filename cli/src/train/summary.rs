use std::collections::BTreeMap;
use std::fmt;

use fleetscore_crds::SensorKey;
use serde::Serialize;

/// What a training came to.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Sensors with a new model.
    pub trained: u64,
    /// Those of them that were trained on a part of their history, because it has more than `maxRows` readings.
    pub subsampled: u64,
    /// The limit `maxRows`.
    pub max_rows: usize,
    /// Readings in the history.
    pub rows: u64,
    /// Support vectors of all models together.
    pub support_vectors: u64,
    /// Path of the models, with placeholders.
    pub models: String,
    /// Sensors without a new model, in order.
    pub failed: Vec<FailedSensor>,
    /// How long it took.
    pub seconds: f64,
}

/// A sensor that could not be trained.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FailedSensor {
    /// The sensor.
    pub sensor: SensorKey,
    /// A word to count by, such as `Constant`.
    pub reason: String,
    /// What is wrong and what to do.
    pub message: String,
}

/// Failures that are printed in full.
const SHOWN: usize = 10;

impl fmt::Display for Summary {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{} models trained on {} readings, {} support vectors, {:.1} s: {}",
            self.trained, self.rows, self.support_vectors, self.seconds, self.models
        )?;
        if self.subsampled > 0 {
            write!(
                out,
                "\n{} of them on {} evenly spaced readings each (maxRows)",
                self.subsampled, self.max_rows
            )?;
        }
        if self.failed.is_empty() {
            return Ok(());
        }
        let mut reasons = BTreeMap::<&str, u64>::new();
        for failed in &self.failed {
            *reasons.entry(&failed.reason).or_default() += 1;
        }
        let reasons: Vec<String> = reasons
            .iter()
            .map(|(reason, count)| format!("{reason} {count}"))
            .collect();
        write!(
            out,
            "\n{} sensors failed: {}",
            self.failed.len(),
            reasons.join(", ")
        )?;
        for failed in self.failed.iter().take(SHOWN) {
            write!(out, "\n  {}: {}", failed.sensor, failed.message)?;
        }
        if self.failed.len() > SHOWN {
            write!(out, "\n  and {} more", self.failed.len() - SHOWN)?;
        }
        Ok(())
    }
}
