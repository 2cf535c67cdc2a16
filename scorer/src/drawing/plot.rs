use fleetscore_crds::SensorKey;

/// Features that are drawn, the first of a sensor's; more would bury the scores.
pub const DRAWN_FEATURES: usize = 4;

/// One sensor's readings and scores, to be drawn in the report.
///
/// All vectors have one entry a reading; longer ones are cut to the shortest. The order is free.
#[derive(Clone, Debug, PartialEq)]
pub struct Plot {
    /// The sensor.
    pub key: SensorKey,
    /// Times of the readings in nanoseconds since 1970-01-01 UTC.
    pub times: Vec<i64>,
    /// The readings, of which [`DRAWN_FEATURES`] are drawn; may be empty, then only the scores are.
    pub features: Vec<Feature>,
    /// The scores; below zero is anomalous.
    pub scores: Vec<f64>,
    /// Whether each reading is predicted as anomaly.
    pub anomalies: Vec<bool>,
    /// The sensor's totals, where the plot holds only some of its readings or features.
    pub totals: Option<PlotTotals>,
}

/// What a plot stands for when it holds only some of a sensor's readings or features.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlotTotals {
    /// Readings of the sensor.
    pub rows: u64,
    /// Anomalies among them.
    pub anomalies: u64,
    /// Features of a reading.
    pub features: usize,
}

/// One feature of a sensor's readings.
#[derive(Clone, Debug, PartialEq)]
pub struct Feature {
    /// Its column.
    pub name: String,
    /// Its values.
    pub values: Vec<f64>,
}

impl Plot {
    /// Number of readings.
    pub(super) fn len(&self) -> usize {
        let values = self.features.iter().map(|feature| feature.values.len());
        values
            .chain([self.times.len(), self.scores.len(), self.anomalies.len()])
            .min()
            .unwrap_or_default()
    }
}
