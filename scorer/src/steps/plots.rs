use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use fleetscore_crds::SensorKey;

use crate::predictions::{PlotSeries, Thinning};
use crate::report::DRAWN_FEATURES;

/// Wanted resolution of a plot: of so many stretches the extremes are kept. A plot draws 150.
pub(super) const BUCKETS: usize = 150;
/// Anomalies that are drawn in any case.
pub(super) const ANOMALIES: usize = 150;

/// Sensors of a run up to which each one's plot is kept while it is scored. With more it takes longer to thin them all out than to
/// read those few back that are drawn, and more memory: some 40 KB a sensor of one feature, at most 170 KB.
const SENSORS: u64 = 64;

/// Plots that were made while scoring, for the report that the same process writes: a report reads no predictions back for them.
#[derive(Debug, Default)]
pub(super) struct Plots {
    series: Mutex<HashMap<SensorKey, PlotSeries>>,
}

impl Plots {
    /// Begins the plot of a sensor with so many features, unless the run has too many `sensors`.
    pub(super) fn begin(sensors: u64, features: usize) -> Option<Thinning> {
        let features = features.min(DRAWN_FEATURES);
        (sensors <= SENSORS).then(|| Thinning::new(features, BUCKETS, ANOMALIES))
    }

    /// Keeps the plot of a sensor whose predictions are written.
    pub(super) fn keep(&self, sensor: &SensorKey, plot: Thinning) {
        let plot = plot.finish();
        let mut series = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        series.insert(sensor.clone(), plot);
    }

    /// Takes the plot of a sensor, where it was kept.
    pub(super) fn take(&self, sensor: &SensorKey) -> Option<PlotSeries> {
        let mut series = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        series.remove(sensor)
    }
}
