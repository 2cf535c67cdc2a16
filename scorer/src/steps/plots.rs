use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use fleetscore_crds::SensorKey;

use crate::predictions::{PlotSeries, Thinning};

/// Wanted resolution of a plot: of so many stretches the extremes are kept. A plot draws 150.
pub(super) const BUCKETS: usize = 150;
/// Anomalies that are drawn in any case.
pub(super) const ANOMALIES: usize = 150;

/// Sensors times features of a run up to which each sensor's plot is kept while it is scored. With more it takes longer to thin them
/// all out than to read those few back that are drawn, and more memory: of one feature 30 KB a sensor, of 64 features 20 MB.
const COLUMNS: u64 = 64;

/// Plots that were made while scoring, for the report that the same process writes: a report reads no predictions back for them.
#[derive(Debug, Default)]
pub struct Plots {
    series: Mutex<HashMap<SensorKey, PlotSeries>>,
}

impl Plots {
    /// Begins the plot of a sensor with so many features, unless the run has too many `sensors`.
    pub(super) fn begin(sensors: u64, features: usize) -> Option<Thinning> {
        let few = sensors.saturating_mul(features as u64) <= COLUMNS;
        few.then(|| Thinning::new(features, BUCKETS, ANOMALIES))
    }

    /// Keeps the plot of a sensor whose predictions are written.
    pub(super) fn keep(&self, sensor: &SensorKey, plot: Thinning) {
        let mut series = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        series.insert(sensor.clone(), plot.finish());
    }

    /// Takes the plot of a sensor, where it was kept.
    pub(super) fn take(&self, sensor: &SensorKey) -> Option<PlotSeries> {
        let mut series = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        series.remove(sensor)
    }
}
